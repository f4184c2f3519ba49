//! What experiments do with projections: read and set weights, states and parameters, send signals, switch plasticity.

use super::Attempt;
use super::columns::column;
use super::eval::{Live, Scope, fail};
use super::run::{Run, failure};
use super::value::{Quantity, Value};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Trigger, VarId, VarKind};
use crate::plan::{Column, Projection};
use crate::rng::Stream;
use crate::source::Span;
use crate::syntax::ast::{self, BinOp, ExprKind};
use std::rc::Rc;
use std::sync::Arc;

impl Live {
    /// Returns the current values of a weight or state, one per synapse in the order of the plan, or of a parameter.
    pub fn synapse_values(&self, projection: usize, id: VarId) -> Vec<f64> {
        let p = &self.network().projections[projection];
        match (&p.synapse.vars[id].kind, &self.simulation) {
            (VarKind::Weight | VarKind::State(_), Some(s)) => s.synapses(projection, id),
            (VarKind::Weight, None) => (0..p.pairs.len()).map(|e| p.weight.at(e)).collect(),
            (VarKind::State(_), None) => vec![p.init.get(&id).copied().unwrap_or(f64::NAN); p.pairs.len()],
            _ => p.params.get(&id).copied().into_iter().collect(),
        }
    }
}

impl Scope<'_> {
    /// Reads `net.link.w`: one number per synapse, in the order in which they were made, or a parameter.
    pub fn synapse_variable(&self, network: usize, list: &[usize], name: &ast::Name) -> Attempt<Value> {
        let live = &self.live[network];
        let mut data = Vec::new();
        let mut found = None;
        for k in list {
            let p = &live.network().projections[*k];
            let Some(id) = p.synapse.var(&name.text) else { continue };
            data.extend(live.synapse_values(*k, id));
            found = Some(p.synapse.vars[id].clone());
        }
        let Some(v) = found else {
            return fail(Code::E0205, name.span, format!("this projection has no `{}`", name.text), "no such member");
        };
        let scalar = !matches!(v.kind, VarKind::Weight | VarKind::State(_));
        let q = Quantity::array(data, v.dim, v.unit);
        Ok(if scalar { Quantity { scalar, ..q } } else { q }.into())
    }

    /// Finds the running network that an expression names.
    pub fn network_of(&self, e: &ast::Expr) -> Attempt<usize> {
        match self.eval(e)? {
            network @ Value::Network(_) => Ok(network.network().unwrap_or_default()),
            _ => fail(Code::E0401, e.span, "expected a network", "not a network"),
        }
    }

    /// Finds the projections that an expression names: one with a name, or all of a network.
    fn projections(&self, e: &ast::Expr) -> Attempt<(usize, Rc<Vec<usize>>)> {
        match self.eval(e)? {
            Value::Projection(network, list) => Ok((network, list)),
            whole @ Value::Network(_) => {
                let network = whole.network().unwrap_or_default();
                let all = 0..self.live[network].network().projections.len();
                Ok((network, Rc::new(all.collect())))
            }
            _ => fail(Code::E0401, e.span, "expected a projection", "not a projection"),
        }
    }
}

impl Run<'_> {
    /// Sets `net.link.w`, if the target is of a projection.
    pub(super) fn set_synapses(
        &mut self,
        target: &ast::Expr,
        op: Option<BinOp>,
        value: &ast::Value,
    ) -> Option<Attempt<()>> {
        let ExprKind::Member(base, name) = &target.kind else { return None };
        let Ok(Value::Projection(network, list)) = self.scope().eval(base) else { return None };
        Some(list.iter().try_for_each(|k| self.set_synapse(network, *k, target, name, op, value)))
    }

    fn set_synapse(
        &mut self,
        network: usize,
        k: usize,
        target: &ast::Expr,
        name: &ast::Name,
        op: Option<BinOp>,
        value: &ast::Value,
    ) -> Attempt<()> {
        let p = &self.live[network].network().projections[k];
        let n = p.pairs.len();
        let Some(id) = p.synapse.var(&name.text) else {
            return fail(Code::E0205, name.span, format!("this projection has no `{}`", name.text), "no such member");
        };
        let kind = p.synapse.vars[id].kind.clone();
        let own = matches!(kind, VarKind::Weight | VarKind::State(_));
        if !own && p.modulators.contains_key(&id) {
            return fail(Code::E0207, target.span, "this modulator follows a population", "cannot be assigned");
        }
        self.can_set_synapses(network, k, target.span)?;
        self.streams += 1;
        let stream = Stream::new(self.seed, 0xc000_0000 + self.streams);
        let mut new = column(&self.scope(), value, if own { n } else { 1 }, &stream)?;
        if let Some(op) = op {
            let old = self.live[network].synapse_values(k, id);
            let apply = |(i, old): (usize, &f64)| match op {
                BinOp::Add => old + new.at(i),
                BinOp::Sub => old - new.at(i),
                BinOp::Mul => old * new.at(i),
                _ => old / new.at(i),
            };
            new = Column::Array(Arc::new(old.iter().enumerate().map(apply).collect()));
        }
        self.store_synapses(network, k, id, new);
        Ok(())
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
    pub(super) fn store_synapses(&mut self, network: usize, k: usize, id: VarId, new: Column) {
        let kind = self.live[network].network().projections[k].synapse.vars[id].kind.clone();
        if matches!((&kind, &new), (VarKind::State(_), Column::Array(_))) {
            // Values that differ between synapses have a place only in the running network.
            self.start(network);
        }
        let live = &mut self.live[network];
        match (&mut live.simulation, kind) {
            (Some(s), VarKind::Weight | VarKind::State(_)) => s.set_synapses(k, id, &new),
            (Some(s), _) => s.set_synapse_param(k, id, new.at(0)),
            (None, VarKind::Weight) => live.plan.projections[k].weight = new,
            (None, VarKind::State(_)) => {
                live.plan.projections[k].init.insert(id, new.at(0));
            }
            (None, _) => {
                live.plan.projections[k].params.insert(id, new.at(0));
            }
        }
    }

    /// Lets the weights of projections change, or keeps them; their states go on either way.
    pub(super) fn plasticity(&mut self, on: bool, what: &ast::Expr) -> Attempt<()> {
        for e in what.elements() {
            let (network, list) = self.scope().projections(e)?;
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

    /// Sends a signal to all cells and synapses that wait for it, or to those of some networks, populations and projections.
    pub(super) fn signal(&mut self, name: &ast::Name, target: Option<&ast::Expr>) -> Attempt<()> {
        let listens = |p: &Projection| {
            p.synapse.handlers.iter().any(|h| matches!(&h.trigger, Trigger::Signal(n) if *n == name.text))
        };
        // By network: projections and populations.
        let mut chosen: Vec<(usize, Vec<usize>, Vec<usize>)> = Vec::new();
        let whole = |network: usize, live: &Live| {
            let plan = live.network();
            (network, (0..plan.projections.len()).collect(), (0..plan.populations.len()).collect())
        };
        match target {
            Some(targets) => {
                for e in targets.elements() {
                    chosen.push(match self.scope().eval(e)? {
                        all @ Value::Network(_) => {
                            let network = all.network().unwrap_or_default();
                            whole(network, &self.live[network])
                        }
                        Value::Projection(network, list) => (network, list.to_vec(), Vec::new()),
                        Value::Population(p) => {
                            if p.view.n != self.live[p.network].network().populations[p.view.population].n {
                                let what = "a signal to some cells of a population";
                                return Err(Box::new(crate::syntax::unsupported(e.span, what)));
                            }
                            (p.network, Vec::new(), vec![p.view.population])
                        }
                        _ => {
                            return fail(
                                Code::E0401,
                                e.span,
                                "expected a network, population or projection",
                                "not one",
                            );
                        }
                    });
                }
            }
            None => chosen.extend(self.live.iter().enumerate().map(|(network, live)| whole(network, live))),
        }
        let mut heard = false;
        for (network, projections, populations) in chosen {
            self.start(network);
            if let Some(s) = &mut self.live[network].simulation {
                heard |= projections.iter().any(|k| listens(&s.network().projections[*k]));
                let hears = |p: &usize| s.network().populations[*p].model.hears(&name.text);
                heard |= s.rates().is_some() && populations.iter().any(hears);
                if let Err(f) = s.signal(&name.text, &projections, &populations) {
                    return Err(failure(&f, s.network(), s.time()));
                }
            }
        }
        if heard {
            return Ok(());
        }
        Err(Box::new(
            Diagnostic::at(
                Code::E0607,
                name.span,
                format!("none of these waits for the signal `{}`", name.text),
                "nobody listens",
            )
            .note("a synapse or a neuron listens with `on NAME { … }`"),
        ))
    }
}
