//! Where synaptic states live: once per cell if only that cell's events and values change them, else per synapse.

use crate::hir::{Expr, Place, Side, Stmt, Synapse, VarId, VarKind};
use std::collections::BTreeMap;

/// Finds the place of every state; with delays that differ between synapses a cell's events reach each at its own time,
/// so nothing is shared.
pub fn places(s: &Synapse, one_delay: bool) -> BTreeMap<VarId, Place> {
    let mut out: BTreeMap<VarId, Place> = BTreeMap::new();
    for (id, _) in s.states() {
        let side = |side: Side| s.handlers.iter().any(|h| h.side == side && writes(&h.body, id));
        let place = match (side(Side::Pre), side(Side::Post)) {
            (true, false) if one_delay => Place::Pre,
            (false, true) if one_delay => Place::Post,
            _ => Place::Synapse,
        };
        out.insert(id, place);
    }
    // A state that needs what is not kept with it moves to the synapse, which may move others.
    loop {
        let misplaced = out.iter().find(|(id, place)| {
            **place != Place::Synapse
                && s.handlers.iter().any(|h| needs(s, &h.body, **id, &|v| !available(s, &out, **place, v)))
        });
        match misplaced.map(|(id, _)| *id) {
            Some(id) => out.insert(id, Place::Synapse),
            None => return out,
        };
    }
}

fn available(s: &Synapse, places: &BTreeMap<VarId, Place>, place: Place, v: VarId) -> bool {
    match s.vars[v].kind {
        VarKind::Param(_) => true,
        VarKind::State(_) => places.get(&v) == Some(&place),
        VarKind::Pre(_) => place == Place::Pre,
        VarKind::Post(_) => place == Place::Post,
        _ => false,
    }
}

/// Returns whether statements assign a variable.
pub fn writes(body: &[Stmt], id: VarId) -> bool {
    body.iter().any(|s| match s {
        Stmt::Assign(v, _) => *v == id,
        Stmt::If(_, a, b) => writes(a, id) || writes(b, id),
        _ => false,
    })
}

/// Returns whether an assignment to `id`, or a condition around one, mentions a variable of which `missing` is true.
fn needs(s: &Synapse, body: &[Stmt], id: VarId, missing: &dyn Fn(VarId) -> bool) -> bool {
    let mentions = |e: &Expr| s.inline(e.clone()).any(&mut |e| matches!(e, Expr::Var(v) if missing(*v)));
    body.iter().any(|stmt| match stmt {
        Stmt::Assign(v, e) => *v == id && mentions(e),
        Stmt::If(c, a, b) => {
            (writes(a, id) || writes(b, id)) && (mentions(c) || needs(s, a, id, missing) || needs(s, b, id, missing))
        }
        _ => false,
    })
}

/// Returns whether a synapse does more at events than deliver its fixed weight, scaled by states of the sending cell.
pub fn is_plastic(s: &Synapse, places: &BTreeMap<VarId, Place>) -> bool {
    let weight = s.weight();
    places.values().any(|p| *p != Place::Pre)
        || s.handlers
            .iter()
            .any(|h| h.side == Side::Post || weight.is_some_and(|w| writes(&h.body, w)) || reads_cells(s, &h.body))
}

fn reads_cells(s: &Synapse, body: &[Stmt]) -> bool {
    let cell = |e: &Expr| {
        s.inline(e.clone())
            .any(&mut |e| matches!(e, Expr::Var(v) if matches!(s.vars[*v].kind, VarKind::Pre(_) | VarKind::Post(_))))
    };
    body.iter().any(|stmt| match stmt {
        Stmt::Assign(_, e) | Stmt::Deliver(e) => cell(e),
        Stmt::If(c, a, b) => cell(c) || reads_cells(s, a) || reads_cells(s, b),
        _ => false,
    })
}
