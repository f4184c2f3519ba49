//! `let`s that handlers read after they have changed what these follow from: then they are no longer what they were before.

use crate::hir::{Expr, Neuron, Stmt, VarId};
use std::collections::BTreeSet;

/// Lists the `let`s of a neuron that its handlers of a signal read after a statement has changed a state that they follow from.
pub fn late_lets(model: &Neuron, signal: &str) -> BTreeSet<VarId> {
    let mut late = BTreeSet::new();
    let mut changed = BTreeSet::new();
    for h in model.handlers.iter().filter(|h| h.signal == signal) {
        statements(model, &h.body, &mut changed, &mut late);
    }
    late
}

fn statements(model: &Neuron, body: &[Stmt], changed: &mut BTreeSet<VarId>, late: &mut BTreeSet<VarId>) {
    for s in body {
        match s {
            Stmt::Assign(v, e) => {
                read(model, e, changed, late);
                changed.insert(*v);
            }
            Stmt::If(c, a, b) => {
                read(model, c, changed, late);
                statements(model, a, changed, late);
                statements(model, b, changed, late);
            }
            _ => {}
        }
    }
}

fn read(model: &Neuron, e: &Expr, changed: &BTreeSet<VarId>, late: &mut BTreeSet<VarId>) {
    let mut lets = Vec::new();
    e.walk(&mut |e| match e {
        Expr::Var(v) if model.definition(*v).is_some() => lets.push(*v),
        _ => {}
    });
    for v in lets {
        let follows = model.any(&Expr::Var(v), &mut |e| matches!(e, Expr::Var(state) if changed.contains(state)));
        if follows
            && late.insert(v)
            && let Some(definition) = model.definition(v)
        {
            read(model, definition, changed, late);
        }
    }
}
