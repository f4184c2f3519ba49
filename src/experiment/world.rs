//! What expressions of an experiment see: networks as they are now, recordings, files.

use super::live::Live;
use super::record::{Recording, What};
use crate::builtin::{Dense, End, Host, Refusal, Samples};
use crate::data::Files;
use crate::diag::{Code, Diagnostic};
use crate::elaborate::{another_shuffle, undrawn, wall_clock};
use crate::evaluate::{Attempt, World, fail};
use crate::hir::experiment::model::Environment;
use crate::hir::{EventId, Module, VarId, VarKind};
use crate::measure::Events;
use crate::parallel;
use crate::plan::{Pairs, Projection, Unnamed};
use crate::rng::Stream;
use crate::runtime::Running;
use crate::source::Span;
use crate::units::{Dim, Unit};
use crate::value::{PopulationRef, Quantity, elements};
use std::cell::Cell;

/// What expressions of an experiment see.
pub struct Surface<'a> {
    /// Networks.
    pub live: &'a [Live],
    /// Recordings.
    pub recordings: &'a [Recording],
    /// Files.
    pub files: &'a dyn Files,
    /// Time step.
    pub dt: f64,
    /// Seed of what is shuffled, and how often something was.
    pub shuffles: (u64, &'a Cell<u32>),
    /// What was gathered over a data set.
    pub gathered: &'a [Quantity],
    /// What is declared.
    pub module: &'a Module,
}

impl Surface<'_> {
    fn projections<'a>(&'a self, network: usize, list: &'a [usize]) -> impl Iterator<Item = (usize, &'a Projection)> {
        let plan = self.live[network].network();
        list.iter().map(|k| (*k, &plan.projections[*k]))
    }

    /// Refuses to look at synapses that are only expected.
    fn are_drawn(&self, network: usize, list: &[usize]) -> Result<(), Refusal> {
        match self.projections(network, list).find(|(_, p)| p.pairs.are_expected()) {
            Some((_, p)) => {
                let message = format!("single synapses of `{}`", p.name);
                Err(Refusal::of(0, Code::E0822, message, "are known only once they have been drawn"))
            }
            None => Ok(()),
        }
    }

    /// The dimension and unit of a projection's weights.
    fn unit_of_weight(&self, network: usize, p: &Projection) -> (Dim, Option<Unit>) {
        let model = &self.live[network].network().populations[p.post.population].model;
        let weight = p.synapse.weight().map(|w| &p.synapse.vars[w]).or(model.vars.get(p.port));
        weight.map_or((Dim::ONE, None), |v| (v.dim, v.unit.clone()))
    }
}

/// Refuses a recording that cannot be read back, here or in another process.
fn read_by_all<T>(read: Result<T, String>) -> Result<T, Refusal> {
    let all = parallel::least(f64::from(u8::from(read.is_ok()))) > 0.0;
    let read = read.and_then(|read| if all { Ok(read) } else { Err("another process cannot read it".into()) });
    read.map_err(|reason| Refusal::of(0, Code::E0802, "a recording cannot be read back", reason))
}

/// Refuses to read a recording that has seen nothing of its window: what did not happen then is not known.
fn missed(r: &Recording) -> Result<(), Refusal> {
    match r.has_missed_its_window() {
        true => Err(Refusal::of(0, Code::E0811, "nothing was recorded in this window", "its window has not come")
            .help("read it after a `run` that reaches the window of its `record … during`")),
        false => Ok(()),
    }
}

impl Host for Surface<'_> {
    fn files(&self) -> &dyn Files {
        self.files
    }

    fn stream(&self) -> Stream {
        another_shuffle(self.shuffles)
    }

    fn events(&self, recording: usize, window: Option<(f64, f64)>) -> Result<Events, Refusal> {
        let r = &self.recordings[recording];
        missed(r)?;
        match r.what {
            What::Events(_) => read_by_all(r.events(window)),
            What::Samples { .. } => Err(Refusal::of(0, Code::E0407, "events are needed", "this is a recorded state")),
        }
    }

    fn samples(&self, recording: usize, window: Option<(f64, f64)>) -> Result<Samples, Refusal> {
        let r = &self.recordings[recording];
        let What::Samples { dim, unit, .. } = &r.what else {
            return Err(Refusal::of(0, Code::E0407, "a recorded state is needed", "these are events"));
        };
        missed(r)?;
        let (times, values) = read_by_all(r.samples(window))?;
        Ok(Samples { times, values, cells: r.width(), dim: *dim, unit: unit.clone() })
    }

    fn weights(&self, network: usize, list: &[usize]) -> Result<Quantity, Refusal> {
        self.are_drawn(network, list)?;
        let live = &self.live[network];
        let (mut data, mut unit) = (Vec::new(), (Dim::ONE, None));
        for (k, p) in self.projections(network, list) {
            unit = self.unit_of_weight(network, p);
            match p.synapse.weight() {
                Some(w) => data.extend(live.synapse_values(k, w)),
                None => data.extend((0..p.pairs.len()).map(|e| p.weight.at(e))),
            }
        }
        Ok(Quantity::array(data, unit.0, unit.1))
    }

    fn delays(&self, network: usize, list: &[usize]) -> Result<Vec<f64>, Refusal> {
        self.are_drawn(network, list)?;
        let dt = self.dt;
        let of = |p: &Projection| (0..p.pairs.len()).map(|k| f64::from(p.delay.at(k)) * dt).collect::<Vec<f64>>();
        Ok(self.projections(network, list).flat_map(|(_, p)| of(p)).collect())
    }

    fn synapses(&self, network: usize, list: &[usize]) -> Result<usize, Refusal> {
        Ok(self.projections(network, list).map(|(_, p)| p.pairs.len()).sum())
    }

    fn degrees(&self, network: usize, list: &[usize], end: End) -> Result<Vec<f64>, Refusal> {
        self.are_drawn(network, list)?;
        let mut degrees = Vec::new();
        for (k, p) in self.projections(network, list) {
            let at = usize::from(end == End::Post);
            let (cells, first) = (&p.ends()[at], <[usize; 2]>::from(self.live[network].network().first_cells(k))[at]);
            let (places, mut d) = (cells.places(), vec![0.0; cells.len()]);
            let mut count = |pre: usize, post: usize| {
                if let Some(place) = places[[pre, post][at] - first] {
                    d[place as usize] += 1.0;
                }
            };
            match (&p.pairs, p.pairs.plain()) {
                (Pairs::Transposed(_), Pairs::Convolution(m)) => m.each(|pre, post| count(post, pre)),
                (_, Pairs::Convolution(m)) => m.each(count),
                (pairs, _) => pairs.edges().iter().for_each(|e| count(e.pre as usize, e.post as usize)),
            }
            degrees.extend(d);
        }
        Ok(degrees)
    }

    fn dense(&self, network: usize, list: &[usize]) -> Result<(Dense, Dim, Option<Unit>), Refusal> {
        let [k] = list[..] else {
            return Err(Refusal::of(0, Code::E0106, "this projection has several ends", "which one is meant?"));
        };
        self.are_drawn(network, list)?;
        let live = &self.live[network];
        let p = &live.network().projections[k];
        let (dim, unit) = self.unit_of_weight(network, p);
        let joins = (p.pre.population, p.post.population);
        let values = p.synapse.weight().map_or(Vec::new(), |w| live.synapse_values(k, w));
        if let Pairs::Convolution(m) = p.pairs.plain() {
            let from = if m.pool.is_some() { 1 } else { m.channels.0 };
            let shared = Some([m.channels.1, from, m.kernel, m.kernel]);
            return Ok((Dense { size: (1, values.len()), weights: values, joins, shared }, dim, unit));
        }
        let [pre, post] = p.ends();
        let size = (pre.len(), post.len());
        let Some(n) = elements(&[size.0, size.1]) else {
            let message = format!("a matrix of {} x {}", size.0, size.1);
            return Err(Refusal::of(0, Code::E0404, message, "more elements than an array can have"));
        };
        let mut weights = vec![0.0; n];
        let (sources, targets) = live.network().first_cells(k);
        let (rows, columns) = (pre.places(), post.places());
        for (e, v) in p.pairs.edges().iter().zip(&values) {
            if let (Some(i), Some(j)) = (rows[e.pre as usize - sources], columns[e.post as usize - targets]) {
                weights[i as usize * size.1 + j as usize] += *v;
            }
        }
        Ok((Dense { size, weights, joins, shared: None }, dim, unit))
    }

    fn energy(&self, network: usize) -> Result<Quantity, Refusal> {
        let Some(s) = self.live[network].rates() else {
            let label = "needs `energy F = …`, and to have run";
            return Err(Refusal::of(0, Code::E0401, "this network has no energy", label));
        };
        let (mut rows, mut dim) = (vec![0.0; s.active()], Dim::ONE);
        for (p, population) in s.network.populations.iter().enumerate() {
            for v in &population.model.energies {
                dim = population.model.vars[*v].dim;
                let values = s.values(p, *v);
                for (row, sum) in rows.iter_mut().enumerate() {
                    let at = if values.rows == 1 { 0 } else { row * population.n };
                    *sum += values.values[at..at + population.n].iter().sum::<f64>();
                }
            }
        }
        for k in 0..s.network.projections.len() {
            rows.iter_mut().zip(s.energy(k)).for_each(|(sum, e)| *sum += e);
        }
        let batch = s.network.batch.is_some().then_some(rows.len());
        Ok(Quantity { data: rows.into(), rows: batch, ..Quantity::number(0.0, dim, None) })
    }

    fn wall_clock(&self) -> f64 {
        wall_clock()
    }
}

impl World for Surface<'_> {
    fn dt(&self) -> f64 {
        self.dt
    }

    fn shape(&self, p: &PopulationRef) -> &[usize] {
        &self.live[p.network].network().populations[p.cells.population].shape
    }

    fn cell_named(&self, p: &PopulationRef, name: &str) -> Result<usize, Unnamed> {
        self.live[p.network].network().populations[p.cells.population].cell_named(name)
    }

    fn values(&self, p: &PopulationRef, id: VarId, segment: Option<usize>, span: Span) -> Attempt<Quantity> {
        self.live[p.network].values_along(&p.cells, id, segment, span)
    }

    fn recording(&self, p: &PopulationRef, id: EventId, span: Span) -> Attempt<usize> {
        let of_these = |r: &Recording| {
            r.network == p.network && r.cells == p.cells && matches!(r.what, What::Events(e) if e == id)
        };
        // The path is that of a recording without a name of its own, if there is one.
        let by_path = self.recordings.iter().rposition(|r| of_these(r) && r.is_by_path());
        let found = by_path.or_else(|| self.recordings.iter().rposition(of_these));
        let population = &self.live[p.network].network().populations[p.cells.population];
        match found {
            Some(i) => Ok(i),
            None => {
                let message = format!("`{}` of these cells was not recorded", population.model.events[id].name);
                let d = Diagnostic::at(Code::E0811, span, message, "no recording");
                Err(Box::new(d.help("write `record …` with the same cells before `run`")))
            }
        }
    }

    fn synaptic(&self, network: usize, list: &[usize], name: &str, span: Span) -> Attempt<Quantity> {
        if let Some((_, p)) = self.projections(network, list).find(|(_, p)| p.pairs.are_expected()) {
            return undrawn(span, format!("single synapses of `{}`", p.name));
        }
        let live = &self.live[network];
        let (mut data, mut found) = (Vec::new(), None);
        for (k, p) in self.projections(network, list) {
            let Some(id) = p.synapse.var(name) else { continue };
            data.extend(live.synapse_values(k, id));
            found = Some(p.synapse.vars[id].clone());
        }
        let Some(v) = found else {
            return fail(Code::E0205, span, format!("this projection has no `{name}`"), "no such member");
        };
        if matches!(v.kind, VarKind::State(_)) && matches!(live.simulation, Some(Running::Batched(_))) {
            let what = "reading a state of synapses that each of several examples has for itself";
            return Err(Box::new(crate::diag::unsupported(span, what)));
        }
        let several = matches!(v.kind, VarKind::Weight | VarKind::State(_));
        if !several
            && data.windows(2).all(|w| w[0] == w[1])
            && let Some(one) = data.first()
        {
            return Ok(Quantity::number(*one, v.dim, v.unit));
        }
        if data.is_empty() && !several {
            let message = format!("`{name}` follows a population and has no value of its own");
            return fail(Code::E0205, span, message, "read the population instead");
        }
        Ok(Quantity::array(data, v.dim, v.unit))
    }

    fn gathered(&self, k: usize) -> Option<Quantity> {
        self.gathered.get(k).cloned()
    }

    fn environment(&self, k: usize) -> Option<&Environment> {
        self.module.environments.get_index(k).map(|(_, e)| &**e)
    }
}
