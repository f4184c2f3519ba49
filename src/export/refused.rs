//! What cells of no other tool have.

use crate::hir::{Kept, Neuron};
use crate::source::Span;

/// Refuses it: where it is, what it is, and why it cannot be said.
pub fn of_any_cell(n: &Neuron, refuse: &mut dyn FnMut(Span, &str, &str)) {
    for cable in &n.cables {
        refuse(n.vars[cable.v].span, "cables", "its cells are points");
    }
    for handler in &n.handlers {
        refuse(handler.span, "what a cell does at a signal", "nothing outside of a network speaks to its cells");
    }
    for v in &n.energies {
        refuse(n.vars[*v].span, "an energy", "every state has an equation of its own");
    }
    // With one example, what examples share is a state like any other.
    for (v, kept) in n.kept.iter().filter(|(_, k)| matches!(k, Kept::Channel | Kept::Sample)) {
        refuse(n.vars[*v].span, &format!("a state that is kept {kept}"), "it knows neither channels nor samples");
    }
}
