//! Projections: from a connection and the values it names to synapses.

use super::bounds::synapses_within_bounds;
use super::connect::Connected;
use super::ends::{End, placed};
use super::table::Import;
use super::values::per_synapse;
use super::{Elaborator, Locals, undrawn};
use crate::diag::{Code, Diagnostic};
use crate::evaluate::{Attempt, Scope, fail, room};
use crate::hir::network::model::{self, Connection, Site, Value};
use crate::hir::{Stmt, Synapse, Trigger, VarId, VarKind, misplaced};
use crate::math::eval;
use crate::plan::{
    Column, Convolution, Delay, DrawnDelays, Edge, LONGEST_DELAY, Missing, Pairs, Pooling, Projection, no_port,
};
use crate::rng::Stream;
use crate::source::Span;
use crate::units::{Dim, format_quantity, lookup};
use crate::value::Cells;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a connection's own values are drawn from.
struct Draws {
    pairs: Stream,
    weight: Stream,
    delay: Stream,
    dendritic: Stream,
    sites: Stream,
}

/// Returns whether events of cells reach the synapses.
fn hears_events(s: &Synapse) -> bool {
    s.handlers.iter().any(|h| matches!(h.trigger, Trigger::Cell(..)))
}

/// A convolution or a pool as the synapses that it is made of, each with the weight that it shares with others: events reach each for itself.
fn unfolded(m: &Convolution, weight: &Column, c: &Connection) -> Attempt<(Pairs, Column)> {
    let unsupported = |what: &str| Err(Box::new(crate::diag::unsupported(c.span, what)));
    let weight_of = c.synapse.weight();
    let moves = c.synapse.equations.iter().any(|e| Some(e.state) == weight_of);
    if moves || c.synapse.handlers.iter().any(|h| changes(&h.body, weight_of)) {
        return unsupported("learning by weights that many places share, in a network with events");
    }
    let share = match m.pool {
        Some(Pooling::Max) => return unsupported("a pool that takes the greatest, of events"),
        Some(Pooling::Mean) => 1.0 / (m.kernel * m.kernel) as f64,
        _ => 1.0,
    };
    let seen = if m.pool.is_some() { m.kernel * m.kernel } else { m.inputs() };
    let (n, bytes) = (m.post.n as f64 * seen as f64, size_of::<Edge>() + size_of::<f64>());
    room(n * bytes as f64, c.span, || format!("up to {n} synapses of {bytes} bytes each"))?;
    let (mut edges, mut weights) = (Vec::new(), Vec::new());
    m.each_weight(|pre, post, k| {
        edges.push(Edge { pre: pre as u32, post: post as u32 });
        weights.push(share * weight.at(k));
    });
    Ok((Pairs::Listed(Arc::new(edges)), Column::Array(Arc::new(weights))))
}

/// Returns whether statements change a weight or ask for its synapse to be moved.
fn changes(body: &[Stmt], weight: Option<VarId>) -> bool {
    body.iter().any(|s| match s {
        Stmt::Assign(v, _) => Some(*v) == weight,
        Stmt::Rewire => true,
        Stmt::If(_, a, b) => changes(a, weight) || changes(b, weight),
        _ => false,
    })
}

/// A projection, and what there is to be said of it.
struct Planned {
    projection: Projection,
    /// What became of its table, if it has one.
    import: Option<Import>,
    /// What is not quite as it is written.
    warnings: Vec<Diagnostic>,
}

impl Elaborator<'_> {
    pub(super) fn projection(&mut self, p: &model::Projection, locals: &Locals, prefix: &str) -> Attempt<()> {
        for c in &p.ends {
            self.connection(c, p.name.as_deref(), locals, prefix)?;
        }
        Ok(())
    }

    fn connection(&mut self, c: &Connection, name: Option<&str>, locals: &Locals, prefix: &str) -> Attempt<()> {
        let mut another = || self.streams.another();
        let (pairs, weight, delay) = (another(), another(), another());
        let draws = Draws { pairs, weight, delay, dendritic: self.streams.beside(), sites: self.streams.of_sites() };
        let Planned { mut projection, import, warnings } = self.planned(c, &draws, locals)?;
        self.imports.extend(import);
        self.warnings.extend(warnings);
        if c.anew.is_none() {
            let (n, each) = (projection.pairs.len(), projection.bytes_per_synapse(4));
            self.room(n as f64 * each as f64, c.span, || format!("{n} synapses of {each} bytes each"))?;
        }
        if let Some(name) = name {
            projection.name = format!("{prefix}{name}");
        }
        if let (Some(id), Some(value)) = (projection.synapse.weight(), &c.weight) {
            synapses_within_bounds(&projection, id, &projection.weight, value.span())?;
        }
        if let Some((energy, span)) = c.synapse.energy.clone() {
            return self.plan.energetic(projection, energy, span);
        }
        if let Some(d) = misplaced(&projection.synapse, &projection.places(), c.span).into_iter().next() {
            return Err(Box::new(d));
        }
        if let Some(v) = projection.synapse.reductions.keys().next()
            && (projection.transpose_of.is_some() || matches!(projection.pairs, Pairs::Convolution(_)))
        {
            let span = projection.synapse.vars[*v].span;
            return Err(Box::new(crate::diag::unsupported(span, "a sum over synapses that share their weights")));
        }
        within_limits(&projection, c)?;
        if !projection.is_plastic() {
            let drawn = |d: &Delay| matches!(d, Delay::Drawn(_));
            if projection.pairs.are_expected() && drawn(&projection.delay) && drawn(&projection.dendritic) {
                return undrawn(c.span, "the sum of two delays that are both drawn");
            }
            // Nothing happens at the synapses, so only the sum of the delays counts.
            projection.delay = projection.delay.plus(&projection.dendritic, projection.lag);
            (projection.dendritic, projection.lag) = (Delay::Const(0), 0);
        }
        if let Some(anew) = c.anew {
            let each = matches!(c.site, Some((Site::Each, _)));
            can_be_drawn_anew(&projection, each, anew)?;
            projection.stored = false;
        }
        self.plan.projections.push(projection);
        Ok(())
    }

    /// The projection of a connection, without a name.
    fn planned(&self, c: &Connection, draws: &Draws, locals: &Locals) -> Attempt<Planned> {
        let scope = self.scope(locals);
        let (pre, post) = (scope.cells(&c.pre)?.cells, scope.cells(&c.post)?.cells);
        let ends = (self.end(&pre), self.end(&post));
        let connected = self.connect(&scope, c, ends, draws.pairs)?;
        let Connected { pairs, transpose_of, columns } = self.on_each_segment(c, post.population, connected)?;
        let backend = self.around.backend;
        let of = |pairs: &Pairs, v: &Value, stream: &Stream| per_synapse(&scope, v, pairs, ends, stream, backend);
        let weight = match (&c.weight, columns.weight, transpose_of) {
            (_, _, Some(k)) => self.plan.projections[k].weight.clone(),
            (Some(v), None, None) => of(&pairs, v, &draws.weight)?,
            (Some(v), Some(_), None) => {
                return fail(Code::E0202, v.span(), "the weights are given twice", "the table gives them, too");
            }
            (None, Some(w), None) => Column::Array(Arc::new(w)),
            (None, None, None) if c.synapse.weight().is_none() => Column::Const(1.0),
            (None, None, None) => {
                return Err(Box::new(
                    Diagnostic::at(Code::E0212, c.span, "this projection has no weight", "value missing")
                        .help("add `weight …` with its unit"),
                ));
            }
        };
        let (pairs, weight) = match pairs {
            Pairs::Convolution(m) if transpose_of.is_none() && hears_events(&c.synapse) => unfolded(&m, &weight, c)?,
            pairs => (pairs, weight),
        };
        let written = |given: &Option<(Value, Span)>, stream: &Stream| {
            let each = |(v, span): &(Value, Span)| of(&pairs, v, stream).map(|column| (column, *span));
            given.as_ref().map(each).transpose()
        };
        let axonal = match (written(&c.delay, &draws.delay)?, columns.delay) {
            (Some((_, span)), Some(_)) => {
                return fail(Code::E0202, span, "the delays are given twice", "the table gives them, too");
            }
            (None, Some((d, span))) => Some((Column::Array(Arc::new(d)), span)),
            (given, None) => given,
        };
        let dendritic = written(&c.dendritic, &draws.dendritic)?;
        // Nothing is on the way at all: what is delivered continuously is there anyway, events come within their step.
        let at_once = dendritic.is_none() && matches!(axonal, Some((Column::Const(0.0), _)));
        let axonal = axonal.filter(|_| !at_once);
        // With a dendritic delay alone nothing happens on the way to the synapses.
        let lag = u32::from(axonal.is_none() && dendritic.is_some());
        let timed = axonal.is_some();
        let rounded = axonal.iter().chain(&dendritic).filter_map(|(d, span)| match d {
            Column::Const(d) => off_grid(*d, self.around.dt, *span, "rounded to whole steps"),
            // Those of single synapses are seldom whole.
            _ => None,
        });
        let mut warnings: Vec<Diagnostic> = rounded.collect();
        let steps = |(d, span): (Column, Span)| self.steps(d, &pairs, span);
        let least = Delay::Const(u32::from(!(at_once && hears_events(&c.synapse))));
        let delay = axonal.map(steps).transpose()?.unwrap_or(least);
        let dendritic = dendritic.map(steps).transpose()?.unwrap_or(Delay::Const(0));
        let mut p = Projection {
            name: self.described(c, &pre, &post),
            pre: pre.cover(),
            post: post.cover(),
            chosen: [&pre, &post].map(|cells| cells.view().is_none().then(|| cells.clone())),
            // Without a port nothing is delivered, except what follows from an energy.
            port: c.port.unwrap_or_else(no_port),
            site: None,
            synapse: c.synapse.clone(),
            params: BTreeMap::new(),
            init: BTreeMap::new(),
            values: BTreeMap::new(),
            given: BTreeSet::new(),
            pairs,
            weight,
            delay,
            dendritic,
            lag,
            modulators: BTreeMap::new(),
            delayed: BTreeMap::new(),
            learning: true,
            stored: true,
            transpose_of,
            energy: None,
        };
        self.values(&scope, c, ends, &mut p)?;
        let places = self.places(&scope, c, &p.pairs, ends, &draws.sites)?;
        p.pairs = placed(p.pairs, ends);
        p.site = self.sites(c, places, (&p.pairs, &draws.sites), post.population)?;
        follow(&mut p, true, self.around.dt, c.span)?;
        if let Some((id, ..)) = p.synapse.bounds.iter().find(|(id, ..)| p.has_empty_bounds(*id)) {
            let message = format!("the bounds of `{}` leave no value", p.synapse.vars[*id].name);
            return fail(Code::E0404, c.span, message, "lower above upper");
        }
        p.modulators = self.modulators(&scope, c, &post, &mut p)?;
        p.delayed = self.delayed(c, &p, timed, &mut warnings)?;
        Ok(Planned { projection: p, import: columns.import, warnings })
    }

    /// Gives parameters and initial states their values, one for all or one for each synapse; the others follow.
    fn values(&self, scope: &Scope, c: &Connection, ends: (End, End), p: &mut Projection) -> Attempt<()> {
        for (id, value) in c.params.iter().chain(&c.init) {
            let stream = self.streams.of_variable(*id);
            let column = per_synapse(scope, value, &p.pairs, ends, &stream, self.around.backend)?;
            synapses_within_bounds(p, *id, &column, value.span())?;
            p.give(*id, column);
        }
        Ok(())
    }

    /// Cells as an end of a projection.
    fn end<'b>(&'b self, cells: &'b Cells) -> End<'b> {
        End::new(&self.plan.populations[cells.population], cells)
    }

    /// How many steps ago variables of the cells are read.
    fn delayed(
        &self,
        c: &Connection,
        p: &Projection,
        timed: bool,
        warnings: &mut Vec<Diagnostic>,
    ) -> Attempt<BTreeMap<VarId, u32>> {
        let mut delayed = BTreeMap::new();
        let dt = self.around.dt;
        for (id, by) in &p.synapse.delayed {
            let time = eval(by, &|v| p.params.get(&v).copied(), Some(dt));
            let span = p.synapse.vars[*id].span;
            warnings.extend(time.and_then(|t| off_grid(t, dt, span, "delayed by whole steps")));
            let steps = time.map(|t| t / dt);
            match steps.map(f64::round).filter(|s| (0.0..1e6).contains(s)) {
                Some(steps) => delayed.insert(*id, steps as u32),
                None => {
                    return fail(
                        Code::E0404,
                        c.span,
                        "a value cannot be delayed by this time",
                        "needs a time from 0 on",
                    );
                }
            };
        }
        if c.synapse.deliver.is_some() {
            let span = c.delay.as_ref().map_or(c.span, |(_, span)| *span);
            delay_contributions(&p.synapse, timed.then_some(&p.delay), span, &mut delayed)?;
        }
        Ok(delayed)
    }

    /// Names a projection that has no name by its ends.
    fn described(&self, c: &Connection, pre: &Cells, post: &Cells) -> String {
        let label = |cells: &Cells| {
            let population = &self.plan.populations[cells.population];
            match cells.is_whole(population.n) {
                true => population.name.clone(),
                false => format!("{}[{cells}]", population.name),
            }
        };
        let model = &self.plan.populations[post.population].model;
        match c.port {
            Some(port) => format!("{} -> {}.{}", label(pre), label(post), model.vars[port].name),
            None => format!("{} -> {}", label(pre), label(post)),
        }
    }

    /// Rounds delays to the grid; a delay below one step cannot be honoured.
    fn steps(&self, delay: Column, pairs: &Pairs, span: Span) -> Attempt<Delay> {
        let (dt, n) = (self.around.dt, pairs.len());
        let one = |d: f64| -> Attempt<f64> {
            let steps = (d / dt).round();
            match (1.0..60_000.0).contains(&steps) {
                true => Ok(steps),
                false => Err(delay_out_of_range(d, dt, span)),
            }
        };
        Ok(match delay {
            Column::Const(d) => Delay::Const(one(d)? as u32),
            // If no time can be too short or too long, none has to be looked at.
            Column::Drawn(times)
                if pairs.are_expected()
                    || (times.distribution.lowest() / dt).round() >= 1.0
                        && times.distribution.highest() / dt < 59_999.0 =>
            {
                Delay::Drawn(DrawnDelays { times, n, dt, more: 0 })
            }
            Column::Drawn(times) => {
                (0..n).try_for_each(|k| one(times.at(k)).map(|_| ()))?;
                Delay::Drawn(DrawnDelays { times, n, dt, more: 0 })
            }
            Column::Array(a) => {
                let steps = a.iter().map(|d| one(*d).map(|s| s as u16)).collect::<Attempt<Vec<u16>>>()?;
                Delay::Array(Arc::new(steps))
            }
        })
    }
}

/// Warns of a time that is not a multiple of the step.
pub fn off_grid(time: f64, dt: f64, span: Span, label: &str) -> Option<Diagnostic> {
    let steps = time / dt;
    if (steps - steps.round()).abs() <= 1e-6 * steps.abs().max(1.0) {
        return None;
    }
    let shown = |t: f64| format_quantity(t, Dim::TIME, lookup("ms").as_ref());
    let message = format!("{} is not a multiple of dt = {}", shown(time), shown(dt));
    Some(Diagnostic::at(Code::W0801, span, message, label).help("choose a time that `dt` divides"))
}

fn delay_out_of_range(d: f64, dt: f64, span: Span) -> Box<Diagnostic> {
    let shown = |v: f64| format_quantity(v, Dim::TIME, lookup("ms").as_ref());
    let message = format!("a delay of {} cannot be kept at dt = {}", shown(d), shown(dt));
    if d > dt {
        return Box::new(
            Diagnostic::at(Code::E0601, span, message, "longer than 60 000 steps").help("make `dt` larger"),
        );
    }
    Box::new(Diagnostic::at(Code::E0601, span, message, "shorter than one step").help(
        "give a delay of at least `dt`, or make `dt` smaller; what is drawn can be drawn again: `redrawn in dt .. inf`",
    ))
}

/// Computes what was not given, each from those before it: parameters, and initial states if nothing has run yet; returns what
/// changed.
pub fn follow(p: &mut Projection, states: bool, dt: f64, span: Span) -> Attempt<Vec<VarId>> {
    p.follow(states, dt).map_err(|missing| {
        let (id, label) = match missing {
            Missing::Value(id) => (id, "declared without a default"),
            Missing::Undefined(id) => (id, "its default cannot be computed before the run"),
        };
        let var = &p.synapse.vars[id];
        let message = format!("`{}` of `{}` has no value", var.name, p.synapse.name);
        Box::new(Diagnostic::at(Code::E0212, span, message, "value missing").label(var.span, label))
    })
}

/// Lets contributions at every step read what the sending cell was before the delay; each synapse's own delay is read from the plan.
fn delay_contributions(
    synapse: &Synapse,
    delay: Option<&Delay>,
    span: Span,
    delayed: &mut BTreeMap<VarId, u32>,
) -> Attempt<()> {
    let of_sender = synapse.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::Pre(_))).map(|(id, _)| id);
    match delay {
        Some(Delay::Const(steps)) => of_sender.for_each(|id| *delayed.entry(id).or_default() += steps),
        Some(_) if of_sender.into_iter().any(|id| crate::solve::changes_by(synapse, id)) => {
            let what = "a delay per synapse of values by which synapses change";
            return Err(Box::new(crate::diag::unsupported(span, what)));
        }
        None | Some(_) => {}
    }
    Ok(())
}

/// Refuses more synapses, or longer delays, than can be counted.
fn within_limits(p: &Projection, c: &Connection) -> Attempt<()> {
    let (n, most) = (p.pairs.len(), p.most_synapses());
    if n > most {
        let message = format!("`{}` would have {n} synapses", p.name);
        let d = Diagnostic::at(Code::E0404, c.span, message, format!("a projection like this has at most {most}"));
        return Err(Box::new(d.help("connect parts of the populations by projections of their own")));
    }
    if p.pairs.are_expected() || p.delay.longest() + p.dendritic.longest() <= LONGEST_DELAY {
        return Ok(());
    }
    let (axonal, dendritic) = (p.delay.range().1, p.dendritic.range().1);
    if axonal + dendritic > LONGEST_DELAY {
        let span = c.dendritic.as_ref().or(c.delay.as_ref()).map_or(c.span, |(_, span)| *span);
        let message = format!("delays of {axonal} and {dendritic} steps");
        let label = format!("together longer than {LONGEST_DELAY} steps");
        return Err(Box::new(Diagnostic::at(Code::E0601, span, message, label).help("make `dt` larger")));
    }
    Ok(())
}

/// Refuses to draw synapses anew that have something to remember, or whose targets are not drawn source by source.
fn can_be_drawn_anew(p: &Projection, each_segment: bool, span: Span) -> Attempt<()> {
    let by_source = match &p.pairs {
        Pairs::Drawn(d) => !d.is_by_target(),
        Pairs::All(..) | Pairs::OneToOne(..) => true,
        _ => false,
    };
    if each_segment {
        let message = format!("`{}` has synapses on each segment", p.name);
        let d = Diagnostic::at(Code::E0106, span, message, "cannot be drawn anew at every event");
        return Err(Box::new(
            d.help("leave out `store never`, or let each pair have one synapse: `place ~ uniform(…)`"),
        ));
    }
    let message = match p.is_plastic() || p.synapse.deliver.is_some() {
        true => format!("`{}` has to remember its synapses", p.name),
        false if by_source => return Ok(()),
        false => format!("the targets of `{}` are not drawn source by source", p.name),
    };
    Err(Box::new(
        Diagnostic::at(Code::E0106, span, message, "cannot be drawn anew at every event").help(
            "leave out `store never`; it goes with `fixed_probability`, `fixed_out_degree`, `fixed_total`, `all_to_all` and \
             `one_to_one`, of synapses that do not learn",
        ),
    ))
}
