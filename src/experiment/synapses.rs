//! What experiments do with projections: set weights, states and parameters, send signals, switch plasticity.

use super::assign::stream_of;
use super::failures::failure_of;
use super::live::Live;
use super::networks::seed_of;
use super::run::Run;
use crate::codegen::Backend;
use crate::diag::{Code, Diagnostic};
use crate::elaborate::{
    column, follow_synapse, matrix_fits, matrix_in_order, one_each, synapses_within_bounds, undrawn,
};
use crate::evaluate::{Attempt, fail};
use crate::hir::errors::nothing_to_switch;
use crate::hir::network::model::Value as Written;
use crate::hir::typed::Expr;
use crate::hir::{Op, Place, Trigger, VarId, VarKind};
use crate::plan::{Column, Edge, Network, Pairs, Projection};
use crate::runtime::Running;
use crate::source::Span;
use crate::value::{Quantity, Value};
use std::sync::Arc;

/// A network with its projections and populations that a signal goes to.
type Receivers = (usize, Vec<usize>, Vec<usize>);

/// What cannot be assigned to synapses that are not kept.
const DRAWN_ANEW: &str = "a value for each synapse where synapses are drawn anew";

impl Run<'_> {
    /// Finds the projections that an expression names: one with a name, or all of a network.
    pub(super) fn projections(&self, e: &Expr) -> Attempt<(usize, Arc<Vec<usize>>)> {
        match self.eval(e)? {
            Value::Projection(network, list) => Ok((network, list)),
            Value::Network(instance) => {
                let network = instance.network;
                let all = 0..self.live[network].network().projections.len();
                Ok((network, Arc::new(all.collect())))
            }
            other => fail(Code::E0401, e.span, format!("expected a projection, found {}", other.kind()), "not one"),
        }
    }

    /// `net.link.w = …`, `net.link.w[3] = …`
    pub(super) fn set_synapses(
        &mut self,
        (of, name, index): (&Expr, &str, Option<&Expr>),
        op: Option<Op>,
        value: &Written,
        span: Span,
    ) -> Attempt<()> {
        let (network, list) = self.projections(of)?;
        list.iter().try_for_each(|k| self.set_synapse((network, *k), (name, index), op, value, span))
    }

    fn set_synapse(
        &mut self,
        (network, k): (usize, usize),
        (name, index): (&str, Option<&Expr>),
        op: Option<Op>,
        value: &Written,
        span: Span,
    ) -> Attempt<()> {
        let p = &self.live[network].network().projections[k];
        let n = p.pairs.len();
        let Some(id) = p.synapse.var(name) else {
            return fail(Code::E0205, span, format!("this projection has no `{name}`"), "no such member");
        };
        let modulator = matches!(p.synapse.vars[id].kind, VarKind::Modulator(_));
        if modulator && p.modulators.contains_key(&id) {
            return fail(Code::E0207, span, "this modulator follows a population", "cannot be assigned");
        }
        if let (Some(e), true) = (index, modulator) {
            return fail(Code::E0406, e.span, "all synapses share this modulator", "has no elements");
        }
        self.can_set_synapses((network, k), id, span)?;
        let chosen = index.map(|e| self.chosen(e, n)).transpose()?;
        let stream = self.assignment_stream();
        let count = chosen.as_ref().map_or(if modulator { 1 } else { n }, Vec::len);
        let backend: Backend = self.runner.settings.backend;
        let whole = chosen.is_none() && !modulator;
        let mut new = match value {
            Written::Expr(e) if whole && !e.is_per_cell() => {
                let q = self.with(|s| s.quantity(e))?;
                match q.shape[..] {
                    [rows, columns] => by_pair(self.live[network].network(), k, (rows, columns), &q, e.span)?,
                    _ => one_each(q, count, "synapse", e.span)?,
                }
            }
            _ => self.with(|s| column(s, value, (count, "synapse"), Some(&stream), backend))?,
        };
        if op.is_some() || chosen.is_some() {
            let mut all = self.live[network].synapse_values(k, id);
            if chosen.is_some() && all.len() == 1 {
                all = vec![all[0]; n];
            }
            let places = chosen.unwrap_or((0..all.len()).collect());
            for (j, at) in places.iter().enumerate() {
                all[*at] = changed(op, all[*at], new.at(j));
            }
            new = match all[..] {
                [first, ref others @ ..] if others.iter().all(|v| *v == first) => Column::Const(first),
                _ => Column::Array(Arc::new(all)),
            };
        }
        synapses_within_bounds(&self.live[network].network().projections[k], id, &new, value.span())?;
        self.store_synapses(network, k, id, new, value.span())
    }

    /// Which synapses an index picks.
    fn chosen(&self, e: &Expr, n: usize) -> Attempt<Vec<usize>> {
        let places = match self.eval(e)? {
            Value::Range(lo, hi, ..) => {
                let hi = if hi == f64::INFINITY { n as f64 } else { hi };
                if lo < 0.0 || hi > n as f64 {
                    return fail(Code::E0406, e.span, format!("synapses {lo} .. {hi} of {n}"), "out of range");
                }
                let p = crate::evaluate::Progression::new((lo, hi - 1.0), 1.0, e.span)?;
                (0..p.count()).map(|k| p.at(k)).collect()
            }
            other => self.with(|s| s.as_quantity(other, e.span))?.data.to_vec(),
        };
        let place = |x: f64| match x.fract() == 0.0 && x >= 0.0 && x < n as f64 {
            true => Ok(x as usize),
            false => {
                let message = format!("synapse {} of {n}", crate::units::format_number(x));
                fail(Code::E0406, e.span, message, "out of range")
            }
        };
        places.into_iter().map(place).collect()
    }

    /// Refuses to change what has been compiled into the delivery of synapses that do not change by themselves: all but their weights.
    pub(super) fn can_set_synapses(&self, (network, k): (usize, usize), id: VarId, span: Span) -> Attempt<()> {
        let planned = &self.live[network].network().projections[k];
        if planned.pairs.are_expected() {
            return undrawn(span, format!("single synapses of `{}`", planned.name));
        }
        let Some(s) = &self.live[network].simulation else { return Ok(()) };
        let p = &s.network().projections[k];
        if s.rates().is_some() || p.is_plastic() || p.synapse.weight() == Some(id) {
            return Ok(());
        }
        let message =
            "what synapses have beside their weight cannot be set once the network has run, if they do not change";
        fail(Code::E0106, span, message, "comes too late")
    }

    /// Puts weights, states or a parameter into the plan or the running network; what follows from them follows.
    pub(super) fn store_synapses(
        &mut self,
        network: usize,
        k: usize,
        id: VarId,
        new: Column,
        span: Span,
    ) -> Attempt<()> {
        let dt = self.dt;
        let live = &mut self.live[network];
        let p = &live.network().projections[k];
        if p.synapse.weight() == Some(id) {
            // Weights of a transpose are those of the projection that has them.
            let owner = p.transpose_of.unwrap_or(k);
            if !p.stored && !matches!(new, Column::Const(_)) {
                return Err(Box::new(crate::diag::unsupported(span, DRAWN_ANEW)));
            }
            match &mut live.simulation {
                Some(s) => s.set_synapses(k, id, &new),
                None => live.plan.projections[owner].weight = new,
            }
            return Ok(());
        }
        let several = !matches!(new, Column::Const(_));
        if several && !p.stored {
            return Err(Box::new(crate::diag::unsupported(span, DRAWN_ANEW)));
        }
        let parameter = matches!(p.synapse.vars[id].kind, VarKind::Param(_));
        let own = matches!(p.synapse.vars[id].kind, VarKind::State(_)) && !p.synapse.is_parameter(id);
        let said = p.synapse.asserted.iter().any(|(state, ..)| *state == id);
        let begun_together = live.simulation.is_some() && (parameter || p.shared_differently(id, &new));
        if several && (begun_together || said && p.shared_differently(id, &new)) {
            return Err(kept_together(p, id, said, span));
        }
        let begun = live.simulation.as_ref().is_some_and(|s| s.step() > 0);
        if let (Some(s), true, true) = (&mut live.simulation, begun, own) {
            s.set_synapses(k, id, &new);
            return Ok(());
        }
        let p = &mut live.network_mut().projections[k];
        p.give(id, new);
        let mut changed = follow_synapse(p, !begun, dt, span)?;
        changed.push(id);
        let Some(s) = &mut live.simulation else { return Ok(()) };
        for v in changed {
            let p = &s.network().projections[k];
            let value = match (p.params.get(&v).or(p.init.get(&v)), p.values.get(&v)) {
                (Some(all), _) => Column::Const(*all),
                (None, Some(each)) => each.clone(),
                (None, None) => continue,
            };
            match p.synapse.vars[v].kind {
                VarKind::State(_) => s.set_synapses(k, v, &value),
                _ => s.set_synapse_param(k, v, value.at(0)),
            }
        }
        Ok(())
    }

    /// Lets the weights of projections change, or keeps them; their states go on either way.
    pub(super) fn plasticity(&mut self, on: bool, what: &[Expr]) -> Attempt<()> {
        for e in what {
            let (network, list) = self.projections(e)?;
            let live = &mut self.live[network];
            if !list.iter().any(|k| live.network().projections[*k].synapse.learns()) {
                return Err(Box::new(nothing_to_switch(&e.ty, e.span)));
            }
            for k in list.iter() {
                match &mut live.simulation {
                    Some(s) => s.set_learning(*k, on),
                    None => live.plan.projections[*k].learning = on,
                }
            }
        }
        Ok(())
    }

    /// The networks that a signal goes to, each with projections and populations.
    fn receivers(&self, targets: Option<&[Expr]>) -> Attempt<Vec<Receivers>> {
        let whole = |network: usize, live: &Live| {
            let plan = live.network();
            (network, (0..plan.projections.len()).collect(), (0..plan.populations.len()).collect())
        };
        let Some(targets) = targets else {
            return Ok(self.live.iter().enumerate().map(|(network, live)| whole(network, live)).collect());
        };
        let mut chosen = Vec::new();
        for e in targets {
            chosen.push(match self.eval(e)? {
                Value::Network(instance) => whole(instance.network, &self.live[instance.network]),
                Value::Projection(network, list) => (network, list.to_vec(), Vec::new()),
                Value::Population(p) => {
                    if !p.cells.is_whole(self.live[p.network].network().populations[p.cells.population].n) {
                        return Err(Box::new(crate::diag::unsupported(
                            e.span,
                            "a signal to some cells of a population",
                        )));
                    }
                    (p.network, Vec::new(), vec![p.cells.population])
                }
                other => {
                    let message = format!("expected a network, population or projection, found {}", other.kind());
                    return fail(Code::E0401, e.span, message, "cannot hear");
                }
            });
        }
        Ok(chosen)
    }

    /// Sends a signal to all cells and synapses that wait for it, or to those of some networks, populations and projections.
    pub(super) fn signal(&mut self, name: &str, targets: Option<&[Expr]>, span: Span) -> Attempt<()> {
        let listens =
            |p: &Projection| p.synapse.handlers.iter().any(|h| matches!(&h.trigger, Trigger::Signal(n) if n == name));
        let mut heard = false;
        // Streams are counted, so that signals by which nothing is drawn leave what is drawn later as it is.
        let receivers = self.receivers(targets)?;
        let draws = |(network, projections, populations): &Receivers| {
            let plan = self.live[*network].network();
            let of_cells = |p: &usize| plan.populations[*p].model.draws_at(name);
            projections.iter().any(|k| !plan.projections[*k].synapse.draws.is_empty())
                || populations.iter().any(of_cells) && !plan.is_without_events()
        };
        let drawn = receivers.iter().any(draws);
        self.streams += u32::from(drawn);
        for (network, projections, populations) in receivers {
            self.start(network)?;
            if let Some(Running::Batched(s)) = &self.live[network].simulation {
                told_alike(&s.first().network, name, (&projections, &populations), span)?;
            }
            let Some(s) = &mut self.live[network].simulation else { continue };
            heard |= projections.iter().any(|k| listens(&s.network().projections[*k]));
            let hears = |p: &usize| s.network().populations[*p].model.hears(name);
            heard |= populations.iter().any(hears);
            let chance = drawn.then(|| stream_of(seed_of(self.seed, network as u32), self.streams));
            if let Err(f) = s.signal(name, &projections, &populations, chance.as_ref()) {
                return Err(failure_of(&f, s.network()));
            }
        }
        if heard {
            return Ok(());
        }
        let message = format!("none of these waits for the signal `{name}`");
        let d = Diagnostic::at(Code::E0607, span, message, "nobody listens");
        Err(Box::new(d.note("a synapse or a neuron listens with `on NAME { … }`")))
    }
}

/// Refuses a signal at which several examples of a network with events would each change what they have in common.
fn told_alike(
    network: &Network,
    signal: &str,
    (projections, populations): (&[usize], &[usize]),
    span: Span,
) -> Attempt<()> {
    let at_signal = |t: &Trigger| matches!(t, Trigger::Signal(n) if n == signal);
    let hears = |k: &&usize| network.projections[**k].synapse.handlers.iter().any(|h| at_signal(&h.trigger));
    let shared = |p: &usize| {
        let m = &network.populations[*p].model;
        let handlers = m.handlers.iter().filter(|h| h.signal == signal);
        let changed = |h: &crate::hir::SignalHandler| {
            m.states().find(|(v, _)| m.is_shared(*v) && crate::solve::writes(&h.body, *v)).map(|(_, v)| v.name.clone())
        };
        handlers.into_iter().find_map(changed)
    };
    let found = projections.iter().find(hears).map(|k| network.projections[*k].name.clone());
    let Some(what) = found.or_else(|| populations.iter().find_map(shared)) else { return Ok(()) };
    let message =
        format!("a signal at which `{what}` changes, where several examples of a network with events share it");
    let d = crate::diag::unsupported(span, &message);
    Err(Box::new(d.help("learn without a batch, or name what shall hear it: `signal … in net.population`")))
}

/// Refuses a value for each synapse where several share one.
fn kept_together(p: &Projection, id: VarId, said: bool, span: Span) -> Box<Diagnostic> {
    let var = &p.synapse.vars[id];
    let place = p.places().get(&id).copied().unwrap_or(Place::Projection);
    let message = format!("`{}` is kept {place}, but these values differ between its synapses", var.name);
    let (label, help) = match (said, matches!(var.kind, VarKind::State(_))) {
        (true, _) => ("needs one value for all that share it", format!("leave `{place}` out")),
        (false, true) => (
            "the network has begun with one for all that share it",
            format!(
                "declare `state {} per synapse`, or give these values before anything is run or computed",
                var.name
            ),
        ),
        (false, false) => (
            "the network has begun with one for all",
            "give these values before anything is run or computed".to_string(),
        ),
    };
    Box::new(Diagnostic::at(Code::E0702, span, message, label).label(var.span, "declared here").help(help))
}

/// The new value of an assignment.
fn changed(op: Option<Op>, old: f64, new: f64) -> f64 {
    match op {
        None => new,
        Some(Op::Add) => old + new,
        Some(Op::Sub) => old - new,
        Some(Op::Mul) => old * new,
        Some(_) => old / new,
    }
}

/// Takes the values of a matrix, a row for each target and a column for each source, in the order of the synapses.
fn by_pair(network: &Network, k: usize, (rows, columns): (usize, usize), q: &Quantity, span: Span) -> Attempt<Column> {
    let p: &Projection = &network.projections[k];
    if matches!(p.pairs.plain(), Pairs::Convolution(_)) {
        return fail(
            Code::E0403,
            span,
            "weights of a convolution are no matrix of pairs",
            "one value per weight is needed",
        );
    }
    let [pre, post] = p.ends();
    matrix_fits((rows, columns), (post.len(), pre.len()), span)?;
    let (sources, targets) = network.first_cells(k);
    let (of_sources, of_targets) = (pre.places(), post.places());
    let chosen = |place: Option<u32>| place.unwrap_or_else(|| crate::ice!("a synapse of cells that were not chosen"));
    let place = |e: &Edge| {
        let row = chosen(of_targets[e.post as usize - targets]);
        (row as usize, chosen(of_sources[e.pre as usize - sources]) as usize)
    };
    matrix_in_order(q, &p.pairs.edges(), &place, span)
}
