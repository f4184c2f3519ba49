//! What arrives at the ports of a cell as synapses beside it: states that only events move, and the current that they make.

use super::cell::any_in;
use super::own_synapse;
use super::receiving::Cell;
use super::synapses::Synapse;
use super::unit::Units;
use crate::hir::{Expr, Neuron, Op, VarId, VarKind};
use crate::math::unfold;
use std::collections::{BTreeMap, BTreeSet};

/// A cell without its ports, and the synapses that stand for them.
pub struct Bare {
    pub neuron: Neuron,
    pub synapses: Vec<Synapse>,
}

/// Takes all ports out of a neuron, or says which of them is no synapse, and why.
pub fn bare(n: &Neuron, first: &BTreeMap<VarId, f64>, units: &mut Units) -> Result<Bare, (VarId, &'static str)> {
    let ports: Vec<VarId> =
        n.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::EventPort)).map(|(p, _)| p).collect();
    let Some(some) = ports.first().copied() else { return Ok(Bare { neuron: n.clone(), synapses: Vec::new() }) };
    let cell = Cell::of(n, first).ok_or((some, "its cell has no input of current that a potential follows"))?;
    let (mut taken, mut synapses) = (BTreeSet::new(), Vec::new());
    for port in ports {
        let states = cell.moved(port).map_err(|why| (port, why))?;
        if states.iter().any(|s| !taken.insert(*s)) {
            return Err((port, "what arrives at another port moves the same states"));
        }
        let current = cell.current(&states).ok_or((port, "the current that it makes is no sum of its states"))?;
        let standard = cell.standard(port, &states, &current);
        synapses.push(match standard {
            Some(synapse) => synapse,
            None => own_synapse::written(&cell, port, &states, &current, units)
                .ok_or((port, "its equations cannot be written in LEMS"))?,
        });
    }
    Ok(Bare { neuron: without(&cell, &taken), synapses })
}

/// The neuron without ports, and without states that only these move.
fn without(cell: &Cell, states: &BTreeSet<VarId>) -> Neuron {
    let mut n = cell.n.clone();
    let gone = |v: VarId| states.contains(&v) || matches!(cell.n.vars[v].kind, VarKind::EventPort);
    let follows = |v: &VarId| {
        cell.n.definition(*v).is_some_and(|e| {
            crate::math::any_through(e, &|v| cell.n.definition(v), &mut |e| matches!(e, Expr::Var(x) if gone(*x)))
        })
    };
    let hidden: BTreeSet<VarId> = cell.n.lets.iter().copied().filter(follows).collect();
    let without = |e: Expr| {
        let written_out = unfold(e, &|v| cell.n.definition(v).filter(|_| hidden.contains(&v)));
        written_out.map(&mut |e| if matches!(e, Expr::Var(x) if gone(x)) { NONE } else { emptied(e) })
    };
    n.equations.retain(|e| !states.contains(&e.state));
    n.lets.retain(|v| !hidden.contains(v));
    for equation in &mut n.equations {
        equation.rhs = without(equation.rhs.clone());
    }
    let mut all: BTreeSet<VarId> = n.vars.keys().filter(|id| gone(*id) || hidden.contains(id)).collect();
    while let Some(more) = left_over(cell, &n, &all) {
        all.insert(more);
        n.lets.retain(|v| *v != more);
    }
    all.iter().for_each(|v| n.vars[*v].kind = VarKind::Let(Expr::Num(0.0)));
    n
}

/// A `let` or a parameter that nothing but what is gone has used.
fn left_over(cell: &Cell, n: &Neuron, gone: &BTreeSet<VarId>) -> Option<VarId> {
    let within = |v: VarId| match &cell.n.vars[v].kind {
        VarKind::Let(e) | VarKind::State(e) => Some(e),
        _ => cell.rates.get(&v),
    };
    let of_gone = |x: VarId| {
        let rates = cell.n.equations.iter().filter(|e| gone.contains(&e.state) || e.state == cell.v).map(|e| &e.rhs);
        rates.chain(gone.iter().filter_map(|v| within(*v))).any(|e| e.mentions(x))
    };
    let of_rest = |x: VarId| {
        let definitions = n.vars.iter().filter(|(v, _)| !gone.contains(v)).filter_map(|(_, v)| match &v.kind {
            VarKind::Let(e) | VarKind::State(e) | VarKind::AnalogPort(e) | VarKind::Param(Some(e)) => Some(e),
            _ => None,
        });
        let mut read = n.equations.iter().map(|e| &e.rhs).chain(definitions).any(|e| e.mentions(x));
        for emit in &n.emits {
            read |= emit.when.mentions(x) || any_in(&emit.body, &|e| e.mentions(x));
        }
        read || n.bounds.iter().any(|(_, a, b)| a.mentions(x) || b.mentions(x))
    };
    let removable = |v: &VarId| n.lets.contains(v) || matches!(n.vars[*v].kind, VarKind::Param(_));
    n.vars.keys().filter(|v| removable(v) && !gone.contains(v)).find(|v| of_gone(*v) && !of_rest(*v))
}

const NONE: Expr = Expr::Num(0.0);

/// An operation of which nothing is left where a part of it is nothing.
fn emptied(e: Expr) -> Expr {
    match e {
        Expr::Neg(a) if *a == NONE => NONE,
        Expr::Bin(Op::Mul, a, b) if *a == NONE || *b == NONE => NONE,
        Expr::Bin(Op::Div, a, _) if *a == NONE => NONE,
        Expr::Bin(Op::Add | Op::Sub, a, b) if *b == NONE => *a,
        Expr::Bin(Op::Add, a, b) if *a == NONE => *b,
        e => e,
    }
}
