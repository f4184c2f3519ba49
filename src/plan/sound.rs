//! Whether a plan that comes from a file could have been made here: every place that it names is there, every list is as long as it
//! has to be, and whatever is drawn can be drawn.

use super::draw::{Connector, Drawing};
use super::pairs::Convolution;
use super::{Column, Delay, Drive, DriveKind, Given, Network, Pairs, Placed, Population, Projection, Site};
use crate::hir::{VarId, VarKind};
use crate::value::{Cells, View};
use cranelift_entity::EntityRef;

/// What is wrong with a plan, in words for the one who wrote the file.
pub type Sound = Result<(), String>;

/// The longest delay in steps; delays per synapse are kept in two bytes.
const LONGEST: u32 = u16::MAX as u32;

fn holds(condition: bool, otherwise: impl FnOnce() -> String) -> Sound {
    if condition { Ok(()) } else { Err(otherwise()) }
}

impl Column {
    /// Checks values for `n` cells or synapses; only those of synapses may be drawn later.
    fn sound(&self, n: usize, drawn: bool, of: &str) -> Sound {
        match self {
            Column::Const(_) => Ok(()),
            Column::Array(a) => holds(a.len() == n, || format!("{of}: {} values for {n}", a.len())),
            Column::Drawn(d) => holds(drawn && d.can_be_drawn(), || format!("{of}: values that cannot be drawn")),
        }
    }
}

impl Population {
    /// Checks a population on its own.
    pub fn sound(&self) -> Sound {
        let name = &self.name;
        let cells = self.shape.iter().try_fold(1usize, |n, k| n.checked_mul(*k));
        let counted = cells == Some(self.n) && u32::try_from(self.n).is_ok();
        holds(counted, || format!("{name}: {} cells in the shape {:?}", self.n, self.shape))?;
        let named = self.names.as_ref().is_none_or(|names| names.len() == self.n);
        holds(named, || format!("{name}: other names than cells"))?;
        holds(self.spacing.is_finite(), || format!("{name}: a spacing of {}", self.spacing))?;
        let kind = |v: &VarId| self.model.vars.get(*v).map(|v| &v.kind);
        let all = |wanted: fn(&VarKind) -> bool| self.model.vars.iter().filter(move |(_, v)| wanted(&v.kind));
        let is_param: fn(&VarKind) -> bool = |k| matches!(k, VarKind::Param(_));
        let is_state: fn(&VarKind) -> bool = |k| matches!(k, VarKind::State(_));
        // A network without events keeps what arrives at any port.
        let is_port: fn(&VarKind) -> bool = |k| matches!(k, VarKind::AnalogPort(_) | VarKind::EventPort);
        let maps = [(&self.params, is_param, true), (&self.init, is_state, true), (&self.ports, is_port, false)];
        for (columns, of, complete) in maps {
            for (v, column) in columns {
                let var = self.model.vars.get(*v).map_or("", |v| v.name.as_str());
                // Ports of forces are added with the projections.
                holds(kind(v).map_or(!complete, of), || format!("{name}: `{var}` has a value of another kind"))?;
                column.sound(self.n, false, &format!("{name}.{var}"))?;
            }
            // No cells have no segments.
            let none = |v: VarId| self.n == 0 && self.model.varies_along(v);
            let missing = all(of).any(|(v, _)| complete && !columns.contains_key(&v) && !none(v));
            holds(!missing, || format!("{name}: a value is missing"))?;
        }
        for ((v, _), column) in &self.along {
            let may = |k: &VarKind| is_state(k) || is_param(k) || matches!(k, VarKind::Distance);
            holds(kind(v).is_some_and(may), || format!("{name}: a value of another kind of variable"))?;
            column.sound(self.n, false, name)?;
        }
        for given in self.given.values() {
            let fits = !matches!(given, Given::Cells(cells) if cells.len() != self.n);
            holds(fits, || format!("{name}: values for other cells"))?;
        }
        Ok(())
    }
}

impl Pairs {
    fn sound(&self, name: &str, (pre, post): (View, View), (sources, targets): (usize, usize)) -> Sound {
        let same = |a: View, b: View| a == pre && b == post;
        let found = match self {
            Pairs::All(a, b) => same(*a, *b) && a.n.checked_mul(b.n).is_some(),
            Pairs::OneToOne(a, b) => same(*a, *b) && a.n == b.n,
            Pairs::Listed(edges) => edges.iter().all(|e| (e.pre as usize) < sources && (e.post as usize) < targets),
            Pairs::Drawn(d) => same(d.pre, d.post) && d.sound(),
            Pairs::Convolution(w) => same(w.pre, w.post) && w.sound(),
            // Those of the projection whose weights it has, which is looked at by itself.
            Pairs::Transposed(of) => !matches!(**of, Pairs::Transposed(_)),
        };
        holds(found, || format!("{name}: pairs of cells that are not there"))
    }
}

impl Convolution {
    fn sound(&self) -> bool {
        let product = |list: &[usize]| list.iter().try_fold(1usize, |n, k| n.checked_mul(*k));
        let windows = |size: usize| {
            let padded = size.checked_add(self.padding.checked_mul(2)?)?;
            Some(padded.checked_sub(self.kernel)? / self.stride + 1)
        };
        self.stride > 0
            && self.kernel > 0
            && product(&[self.channels.0, self.size.0, self.size.1]) == Some(self.pre.n)
            && product(&[self.channels.1, self.out.0, self.out.1]) == Some(self.post.n)
            && windows(self.size.0) == Some(self.out.0)
            && windows(self.size.1) == Some(self.out.1)
            && product(&[self.channels.0, self.channels.1, self.kernel, self.kernel]).is_some()
            && (self.pool.is_none() || self.channels.0 == self.channels.1)
    }
}

impl Drawing {
    fn sound(&self) -> bool {
        let partners = if self.is_by_target() { self.pre.n } else { self.post.n };
        let overlap = self.pre.population == self.post.population;
        // With one candidate only, which may be the cell itself, drawing would not end.
        let found = partners > usize::from(overlap && !self.autapses);
        let chance = match self.connector {
            Connector::Probability(p) => (0.0..=1.0).contains(&p),
            _ => found || self.is_empty(),
        };
        chance && self.is_counted()
    }
}

impl Delay {
    fn sound(&self, n: usize, name: &str, least: u32) -> Sound {
        let wrong = || format!("{name}: a delay that cannot be");
        match self {
            Delay::Const(d) => holds((least..=LONGEST).contains(d), wrong),
            Delay::Array(a) => holds(a.len() == n && a.iter().all(|d| u32::from(*d) >= least), wrong),
            Delay::Drawn(d) => {
                let longest = d.times.distribution.highest() / d.dt + f64::from(d.more);
                let counted = d.n == n && d.dt > 0.0 && longest <= f64::from(LONGEST);
                holds(counted && d.times.can_be_drawn(), wrong)
            }
        }
    }
}

impl Projection {
    fn sound(&self, plan: &Network, k: usize) -> Sound {
        let name = &self.name;
        let n = self.pairs.len();
        let vars = &self.synapse.vars;
        let is = |v: VarId, f: fn(&VarKind) -> bool| vars.get(v).is_some_and(|v| f(&v.kind));
        for v in self.params.keys().chain(self.init.keys()).chain(&self.given) {
            holds(v.index() < vars.len(), || format!("{name}: a value of another kind of variable"))?;
        }
        for (v, column) in &self.values {
            let of_each = is(*v, |k| matches!(k, VarKind::State(_)));
            holds(of_each, || format!("{name}: a value of another kind of variable"))?;
            column.sound(n, true, name)?;
        }
        for (v, var) in vars.iter() {
            let missing = match var.kind {
                VarKind::Param(_) => !self.params.contains_key(&v),
                VarKind::State(_) => !self.init.contains_key(&v) && !self.values.contains_key(&v),
                _ => false,
            };
            holds(!missing || self.synapse.is_of_signal(v), || format!("{name}: a value is missing"))?;
        }
        self.weight.sound(n, true, &format!("{name}: weights"))?;
        if !self.is_immediate() {
            self.delay.sound(n, name, 1)?;
        }
        self.dendritic.sound(n, name, 0)?;
        holds(self.lag <= 1, || format!("{name}: a lag of {} steps", self.lag))?;
        for (v, (view, of)) in &self.modulators {
            plan.view_sound(*view, name)?;
            holds(view.n > 0, || format!("{name}: cells that are not there"))?;
            let there = plan.populations[view.population].model.vars.get(*of).is_some();
            let modulator = is(*v, |k| matches!(k, VarKind::Modulator(_)));
            holds(there && modulator && (view.n == 1 || view.n == self.post.n), || {
                format!("{name}: a modulator that is not there")
            })?;
        }
        for (v, steps) in &self.delayed {
            let cell = is(*v, |k| matches!(k, VarKind::Pre(_) | VarKind::Post(_) | VarKind::Modulator(_)));
            holds(cell && *steps <= LONGEST, || format!("{name}: a variable of another time"))?;
        }
        let Some(of) = self.transpose_of else {
            return holds(!matches!(self.pairs, Pairs::Transposed(_)), || format!("{name}: weights of nobody"));
        };
        let original = plan.projections.get(of).filter(|_| of < k);
        let shared = original.is_some_and(|o| {
            let turned = (self.pre.n, self.post.n) == (o.post.n, o.pre.n);
            o.transpose_of.is_none() && turned && *self.pairs.plain() == *o.pairs.plain()
        });
        holds(shared, || format!("{name}: weights of another projection"))
    }
}

impl Population {
    /// Returns where on a cable the synapses of a projection sit whose segments were saved.
    pub fn site(&self, port: VarId, segments: Option<Column>, synapses: usize) -> Result<Option<Site>, String> {
        let several = self.lanes_of(port).filter(|lanes| lanes.segments > 1);
        let (lanes, segment) = match (several, segments) {
            (None, None) => return Ok(None),
            (Some(lanes), Some(segment)) => (lanes, segment),
            _ => return Err("segments that are not there".into()),
        };
        segment.sound(synapses, false, &self.name)?;
        let inside = |at: f64| at.fract() == 0.0 && (0.0..lanes.segments as f64).contains(&at);
        let listed = if segment.listed().is_some() { synapses } else { 1 };
        holds((0..listed).all(|k| inside(segment.at(k))), || "segments that are not there".into())?;
        let shape = Placed { segments: self.segments_at(port), reach: Vec::new() };
        Ok(Some(Site { lanes, segment, shape }))
    }
}

impl Drive {
    fn sound(&self, plan: &Network, rates: usize) -> Sound {
        let at = format!("a drive of {}", plan.populations[self.post.population].name);
        let model = &plan.populations[self.post.population].model;
        let port = model.vars.get(self.port).is_some_and(|v| matches!(v.kind, VarKind::EventPort));
        holds(port, || format!("{at}: a port that is not there"))?;
        let segments = plan.populations[self.post.population].segments_at(self.port);
        holds(segments.iter().any(|n| self.segment < *n) && self.shape.segments == segments, || {
            format!("{at}: a segment that is not there")
        })?;
        self.weight.sound(self.post.n, false, &at)?;
        match &self.kind {
            DriveKind::Random(_, column) => {
                column.sound(self.post.n, false, &at)?;
                let rate = |k: usize| column.at(k).is_finite() && column.at(k) >= 0.0;
                holds((0..column.listed().unwrap_or(1)).all(rate), || format!("{at}: a rate that cannot be"))
            }
            DriveKind::RandomOf(_, k) => holds(*k < rates, || format!("{at}: a rate that is not there")),
            DriveKind::Spikes(list) => {
                let inside = list.iter().all(|(_, cell, _)| cell.is_none_or(|c| (c as usize) < self.post.n));
                let sorted = list.windows(2).all(|w| w[0].0 <= w[1].0);
                holds(inside && sorted, || format!("{at}: spikes of cells that are not there"))
            }
        }
    }
}

impl Network {
    /// Checks that cells are there.
    pub fn view_sound(&self, view: View, of: &str) -> Sound {
        let there = self.populations.get(view.population).zip(view.start.checked_add(view.n));
        let inside = there.is_some_and(|(p, end)| end <= p.n);
        holds(inside, || format!("{of}: cells that are not there"))
    }

    /// The same for cells that need not be a range.
    pub fn cells_sound(&self, cells: &Cells, of: &str) -> Sound {
        holds(self.has_cells(cells) && !cells.is_empty(), || format!("{of}: cells that are not there"))
    }

    /// Returns whether cells can be those of one of the populations.
    pub fn has_cells(&self, cells: &Cells) -> bool {
        self.populations.get(cells.population).is_some_and(|p| cells.are_among(p.n))
    }

    /// Checks a projection before its synapse is looked at: both ends, the port, and the pairs.
    pub fn ends_sound(&self, name: &str, (pre, post): (View, View), port: Option<VarId>, pairs: &Pairs) -> Sound {
        self.view_sound(pre, name)?;
        self.view_sound(post, name)?;
        let target = &self.populations[post.population];
        let is_port = |v: VarId| {
            let var = target.model.vars.get(v);
            var.is_some_and(|v| matches!(v.kind, VarKind::EventPort | VarKind::AnalogPort(_)))
        };
        holds(port.is_none_or(is_port), || format!("{name}: a port that is not there"))?;
        pairs.sound(name, (pre, post), (self.populations[pre.population].n, target.n))
    }

    /// Checks a whole plan, whose populations and ends of projections are sound; `rates` is how many functions of time its drives have.
    pub fn sound(&self, rates: usize) -> Sound {
        for p in &self.populations {
            let there = p.ports.keys().chain(p.given.keys()).all(|v| p.model.vars.get(*v).is_some());
            holds(there, || format!("{}: a value of a variable that is not there", p.name))?;
        }
        for (k, p) in self.projections.iter().enumerate() {
            p.sound(self, k)?;
        }
        for d in &self.drives {
            self.view_sound(d.post, "a drive")?;
            d.sound(self, rates)?;
        }
        holds(self.batch.is_none_or(|b| b.size > 0), || "a batch of no examples".to_string())
    }
}
