//! What experiments do with projections: set weights, states and parameters, send signals, switch plasticity.

use super::live::Live;
use super::run::{Run, failure};
use crate::codegen::Backend;
use crate::diag::{Code, Diagnostic};
use crate::elaborate::{column, synapses_within_bounds};
use crate::evaluate::{Attempt, fail};
use crate::hir::network::model::Value as Written;
use crate::hir::typed::Expr;
use crate::hir::{Op, Trigger, VarId, VarKind};
use crate::plan::{Column, Projection};
use crate::source::Span;
use crate::value::Value;
use std::rc::Rc;
use std::sync::Arc;

/// A network with its projections and populations that a signal goes to.
type Receivers = (usize, Vec<usize>, Vec<usize>);

impl Run<'_> {
    /// Finds the projections that an expression names: one with a name, or all of a network.
    fn projections(&self, e: &Expr) -> Attempt<(usize, Rc<Vec<usize>>)> {
        match self.eval(e)? {
            Value::Projection(network, list) => Ok((network, list)),
            Value::Network(instance) => {
                let network = instance.network;
                let all = 0..self.live[network].network().projections.len();
                Ok((network, Rc::new(all.collect())))
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
        let own = matches!(p.synapse.vars[id].kind, VarKind::Weight | VarKind::State(_));
        if !own && p.modulators.contains_key(&id) {
            return fail(Code::E0207, span, "this modulator follows a population", "cannot be assigned");
        }
        if let (Some(e), false) = (index, own) {
            return fail(Code::E0406, e.span, "all synapses share this parameter", "has no elements");
        }
        self.can_set_synapses(network, k, span)?;
        let chosen = index.map(|e| self.chosen(e, n)).transpose()?;
        let stream = self.assignment_stream();
        let count = chosen.as_ref().map_or(if own { n } else { 1 }, Vec::len);
        let backend: Backend = self.runner.settings.backend;
        let mut new = self.with(|s| column(s, value, count, Some(&stream), backend))?;
        if op.is_some() || chosen.is_some() {
            let mut all = self.live[network].synapse_values(k, id);
            let places = chosen.unwrap_or((0..all.len()).collect());
            for (j, at) in places.iter().enumerate() {
                all[*at] = changed(op, all[*at], new.at(j));
            }
            new = Column::Array(Arc::new(all));
        }
        synapses_within_bounds(&self.live[network].network().projections[k], id, &new, value.span())?;
        self.store_synapses(network, k, id, new, span)
    }

    /// Which synapses an index picks.
    fn chosen(&self, e: &Expr, n: usize) -> Attempt<Vec<usize>> {
        let places = match self.eval(e)? {
            Value::Range(lo, hi, ..) => {
                let hi = if hi == f64::INFINITY { n as f64 } else { hi };
                crate::evaluate::progression((lo, hi - 1.0), 1.0, e.span)?
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

    /// Refuses to change synapses that nothing can change any more.
    pub(super) fn can_set_synapses(&self, network: usize, k: usize, span: Span) -> Attempt<()> {
        let Some(s) = &self.live[network].simulation else { return Ok(()) };
        if s.rates().is_some() || s.network().projections[k].is_plastic() {
            return Ok(());
        }
        let message = "synapses that do not change by themselves cannot be set once the network has run";
        fail(Code::E0106, span, message, "comes too late")
    }

    /// Puts weights, states or a parameter into the plan or the running network.
    pub(super) fn store_synapses(
        &mut self,
        network: usize,
        k: usize,
        id: VarId,
        new: Column,
        span: Span,
    ) -> Attempt<()> {
        let p = &self.live[network].network().projections[k];
        let kind = p.synapse.vars[id].kind.clone();
        if matches!((&kind, &new), (VarKind::State(_), Column::Array(_))) {
            self.kept_per_synapse((network, k), id, &new, span)?;
            // Values that differ between synapses have a place only in the running network.
            self.start(network)?;
        }
        let dt = self.dt;
        let live = &mut self.live[network];
        if let (Some(s), VarKind::Weight | VarKind::State(_)) = (&mut live.simulation, &kind) {
            s.set_synapses(k, id, &new);
            return Ok(());
        }
        let running = live.simulation.is_some();
        let p = &mut live.network_mut().projections[k];
        match kind {
            VarKind::Weight => p.weight = new,
            VarKind::State(_) => {
                p.init.insert(id, new.at(0));
                p.given.insert(id);
            }
            _ => {
                p.params.insert(id, new.at(0));
                p.given.insert(id);
                let before = p.params.clone();
                let mut init = p.init.clone();
                crate::elaborate::follow_synapse(&p.synapse, &mut p.params, &mut init, &p.given, dt, span)?;
                if !running {
                    p.init = init;
                }
                let changed: Vec<(VarId, f64)> = p
                    .params
                    .iter()
                    .filter(|(v, x)| **v == id || before.get(v) != Some(x))
                    .map(|(v, x)| (*v, *x))
                    .collect();
                if let Some(s) = &mut live.simulation {
                    changed.into_iter().for_each(|(v, x)| s.set_synapse_param(k, v, x));
                }
            }
        }
        Ok(())
    }

    /// Refuses a value for each synapse where several share one.
    fn kept_per_synapse(&self, (network, k): (usize, usize), id: VarId, new: &Column, span: Span) -> Attempt<()> {
        use crate::hir::Place;
        let p = &self.live[network].network().projections[k];
        let place = p.places().get(&id).copied().unwrap_or(Place::Synapse);
        let key = |e: crate::plan::Edge| match place {
            Place::Synapse => None,
            Place::Projection => Some(0),
            Place::Pre => Some(e.pre),
            Place::Post => Some(e.post),
        };
        let mut seen = std::collections::HashMap::new();
        for (i, e) in p.pairs.edges().iter().enumerate() {
            let Some(key) = key(*e) else { return Ok(()) };
            let first = *seen.entry(key).or_insert(new.at(i));
            if first != new.at(i) {
                let var = &p.synapse.vars[id];
                let message = format!("`{}` is kept {place}, but these values differ between its synapses", var.name);
                let d = Diagnostic::at(Code::E0702, span, message, "one value for all that share it is needed");
                return Err(Box::new(
                    d.label(var.span, "declared here")
                        .help("let something change it synapse by synapse, or write it as a weight"),
                ));
            }
        }
        Ok(())
    }

    /// Lets the weights of projections change, or keeps them; their states go on either way.
    pub(super) fn plasticity(&mut self, on: bool, what: &[Expr]) -> Attempt<()> {
        for e in what {
            let (network, list) = self.projections(e)?;
            let live = &mut self.live[network];
            let changes = |k: &usize| {
                let p = &live.network().projections[*k];
                p.is_plastic() || !p.synapse.handlers.is_empty()
            };
            if !list.iter().any(changes) {
                return fail(Code::E0401, e.span, "this projection has no weights that change", "nothing to switch");
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
                    if p.view.n != self.live[p.network].network().populations[p.view.population].n {
                        return Err(Box::new(crate::diag::unsupported(
                            e.span,
                            "a signal to some cells of a population",
                        )));
                    }
                    (p.network, Vec::new(), vec![p.view.population])
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
        for (network, projections, populations) in self.receivers(targets)? {
            self.start(network)?;
            let Some(s) = &mut self.live[network].simulation else { continue };
            heard |= projections.iter().any(|k| listens(&s.network().projections[*k]));
            let hears = |p: &usize| s.network().populations[*p].model.hears(name);
            heard |= s.rates().is_some() && populations.iter().any(hears);
            if let Err(f) = s.signal(name, &projections, &populations) {
                return Err(failure(&f, s.network(), s.time()));
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
