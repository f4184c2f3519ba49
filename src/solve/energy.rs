//! Energies: which states descend along them, and how fast.

use crate::hir::{Equation, Expr, Kept, Neuron, Side, Synapse, VarId, VarKind, inline_lets};
use crate::math::{derivative, sub};
use crate::source::Span;

/// Returns the states of a neuron on which an energy depends and that have neither an equation nor a value shared by all
/// examples: `s' = -dF/ds` moves them.
pub fn descending(neuron: &Neuron, energy: VarId) -> Vec<VarId> {
    let e = inline_lets(neuron, Expr::Var(energy));
    free_states(neuron).filter(|s| e.mentions(*s)).collect()
}

/// Returns the states without an equation and without a value that all examples share: they descend along energies.
pub fn free_states(neuron: &Neuron) -> impl Iterator<Item = VarId> + '_ {
    let states = neuron.states().map(|(id, _)| id);
    let own = |s: VarId| neuron.equations.iter().any(|eq| eq.state == s);
    states.filter(move |s| !own(*s) && neuron.kept.get(s).is_none_or(|k| *k == Kept::Example))
}

/// Returns the states of one of the cells on which an energy of a synapse depends.
pub fn descending_along(synapse: &Synapse, energy: &Expr, side: Side, cell: &Neuron) -> Vec<VarId> {
    let energy = synapse.inline(energy.clone());
    let mut out: Vec<VarId> = Vec::new();
    energy.walk(&mut |e| {
        let Expr::Var(v) = e else { return };
        let of = match (&synapse.vars[*v].kind, side) {
            (VarKind::Pre(of), Side::Pre) | (VarKind::Post(of), Side::Post) => *of,
            _ => return,
        };
        if synapse.windows.contains_key(v) || synapse.delayed.contains_key(v) {
            return;
        }
        let read = inline_lets(cell, Expr::Var(of));
        out.extend(cell.states().map(|(id, _)| id).filter(|s| read.mentions(*s)));
    });
    out.sort();
    out.dedup();
    out
}

/// Returns the equations of the states that descend along a neuron's own energies.
pub fn descents(neuron: &Neuron, span: Span) -> Vec<Equation> {
    let energies: Vec<Expr> = neuron.energies.iter().map(|e| inline_lets(neuron, Expr::Var(*e))).collect();
    let moved: Vec<VarId> = free_states(neuron).filter(|s| energies.iter().any(|e| e.mentions(*s))).collect();
    let rate = |s: VarId| energies.iter().fold(Expr::Num(0.0), |sum, e| sub(sum, derivative(e, s)));
    moved.into_iter().map(|state| Equation { state, rhs: rate(state), span }).collect()
}
