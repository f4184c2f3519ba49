//! Cells that a current can be put into: what events at a port move, and the current that follows.

use super::cell::attached;
use super::polynomial::{Known, LARGEST, Polynomial};
use super::synapses::{Port, Synapse};
use crate::hir::{Expr, Neuron, Op, Stmt, VarId, VarKind, each_stmt};
use crate::math::{derivative, unfold};
use crate::units::Dim;
use std::collections::{BTreeMap, BTreeSet};

/// A cell whose potential follows an input of current.
pub struct Cell<'a> {
    pub n: &'a Neuron,
    pub first: &'a BTreeMap<VarId, f64>,
    pub v: VarId,
    input: VarId,
    /// Rates of all states, with `let`s written out.
    pub rates: BTreeMap<VarId, Expr>,
}

impl<'a> Cell<'a> {
    /// A cell with first values and values of parameters, if it is one.
    pub fn of(n: &'a Neuron, first: &'a BTreeMap<VarId, f64>) -> Option<Cell<'a>> {
        let input = attached(n).filter(|i| n.vars[*i].dim == Dim::CURRENT)?;
        let written_out = |e: &Expr| unfold(e.clone(), &|v| n.definition(v));
        let rates: BTreeMap<VarId, Expr> = n.equations.iter().map(|e| (e.state, written_out(&e.rhs))).collect();
        let mut follow = rates.iter().filter(|(_, rate)| rate.mentions(input));
        let (v, _) = follow.next()?;
        (follow.next().is_none() && n.vars[*v].dim == Dim::VOLTAGE).then_some(())?;
        Some(Cell { n, first, v: *v, input, rates })
    }

    /// The states that events at a port move, and nothing else of the cell does.
    pub fn moved(&self, port: VarId) -> Result<BTreeSet<VarId>, &'static str> {
        let mut states: BTreeSet<VarId> =
            self.rates.iter().filter(|(_, r)| r.mentions(port)).map(|(s, _)| *s).collect();
        if states.contains(&self.v) {
            return Err("its events change the potential itself");
        }
        loop {
            let follows = |(s, rate): &(&VarId, &Expr)| **s != self.v && states.iter().any(|m| rate.mentions(*m));
            let more: Vec<VarId> =
                self.rates.iter().filter(follows).map(|(s, _)| *s).filter(|s| !states.contains(s)).collect();
            if more.is_empty() {
                break;
            }
            states.extend(more);
        }
        if states.iter().any(|s| self.is_touched(*s)) {
            return Err("events of the cell change or ask for what its events move");
        }
        let own = |e: &Expr| match e {
            Expr::Var(x) => *x == port || states.contains(x) || matches!(self.n.vars[*x].kind, VarKind::Param(_)),
            Expr::Time | Expr::Dt | Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..) | Expr::Noise(_) => false,
            _ => true,
        };
        let alone = states.iter().all(|s| !self.rates[s].any(&mut |e| !own(e)));
        if alone { Ok(states) } else { Err("what its events move follows other states as well") }
    }

    /// Whether events of the cell, bounds or anything that is kept touch a state.
    fn is_touched(&self, state: VarId) -> bool {
        let n = self.n;
        let asks = |e: &Expr| unfold(e.clone(), &|v| n.definition(v)).mentions(state);
        let mut touched = n.bounds.iter().any(|(v, ..)| *v == state) || n.kept.contains_key(&state);
        for emit in &n.emits {
            touched |= asks(&emit.when);
            each_stmt(&emit.body, &mut |s| {
                touched |= match s {
                    Stmt::Assign(v, e) => *v == state || asks(e),
                    Stmt::Hold(v, e, _) => *v == state || asks(e),
                    Stmt::Mute(_, e, _) | Stmt::If(e, ..) | Stmt::Deliver(e) => asks(e),
                    Stmt::Rewire => false,
                }
            });
        }
        touched
    }

    /// What multiplies each state in the current that they make together.
    pub fn current(&self, states: &BTreeSet<VarId>) -> Option<Vec<(VarId, Expr)>> {
        let touches = |e: &Expr| e.any(&mut |e| matches!(e, Expr::Var(x) if *x == self.input || states.contains(x)));
        let rate = numerator(&self.rates[&self.v], &touches);
        let per_current = derivative(rate, self.input);
        let mut out = Vec::new();
        for s in states {
            let gain = derivative(rate, *s);
            if gain == Expr::Num(0.0) {
                continue;
            }
            let gain = if per_current == Expr::Num(1.0) { gain } else { Expr::bin(Op::Div, gain, per_current.clone()) };
            out.push((*s, gain));
        }
        let constant = |e: &Expr| {
            !e.any(&mut |e| match e {
                Expr::Var(x) => *x != self.v && !matches!(self.n.vars[*x].kind, VarKind::Param(_)),
                Expr::Time | Expr::Dt | Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..) | Expr::Noise(_) => true,
                _ => false,
            })
        };
        out.iter().all(|(_, gain)| constant(gain)).then_some(out)
    }

    /// The synapse of NeuroML that has these equations, if there is one.
    pub fn standard(&self, port: VarId, states: &BTreeSet<VarId>, current: &[(VarId, Expr)]) -> Option<Synapse> {
        let known = |v: VarId| match &self.n.vars[v].kind {
            VarKind::Param(_) => self.first.get(&v).map_or(Known::Nothing, |x| Known::Value(*x)),
            _ => Known::Itself,
        };
        let sum = |e: &Expr| Polynomial::of(e, &known, &mut { LARGEST });
        let mut rates: BTreeMap<VarId, Polynomial> =
            states.iter().map(|s| Some((*s, sum(&self.rates[s])?))).collect::<Option<_>>()?;
        let made = current.iter().map(|(s, gain)| Expr::bin(Op::Mul, gain.clone(), Expr::Var(*s)));
        rates.insert(self.v, sum(&made.reduce(|a, b| Expr::bin(Op::Add, a, b))?)?);
        Port { port, v: self.v, first: self.first }.synapse(&mut rates)
    }
}

/// An expression without factors that nothing of interest is part of.
fn numerator<'e>(e: &'e Expr, touches: &dyn Fn(&Expr) -> bool) -> &'e Expr {
    match e {
        Expr::Bin(Op::Div | Op::Mul, a, b) if !touches(b) => numerator(a, touches),
        Expr::Bin(Op::Mul, a, b) if !touches(a) => numerator(b, touches),
        e => e,
    }
}
