//! Values that the bounds of a variable exclude.

use crate::diag::{Code, Diagnostic};
use crate::evaluate::Attempt;
use crate::hir::{Var, VarId};
use crate::plan::{Column, OutOfBounds, Population, Projection, View};
use crate::source::Span;
use crate::units::{canonical_unit, format_quantity};
use std::sync::Arc;

/// Refuses a value for a state of cells that its bounds exclude.
pub fn cells_within_bounds(p: &Population, id: VarId, view: View, value: &Column, span: Span) -> Attempt<()> {
    match p.assigned_out_of_bounds(id, view.start, view.n, value) {
        Some(found) => Err(outside(&p.name, &p.model.vars[id], &found, span)),
        None => Ok(()),
    }
}

/// Refuses values for weights or states of synapses that their bounds exclude.
pub fn synapses_within_bounds(p: &Projection, id: VarId, value: &Column, span: Span) -> Attempt<()> {
    match p.assigned_out_of_bounds(id, p.pairs.len(), value) {
        Some(found) => Err(outside(&p.name, &p.synapse.vars[id], &found, span)),
        None => Ok(()),
    }
}

/// Reports a value that bounds exclude.
pub fn outside(owner: &str, var: &Var, found: &OutOfBounds, span: Span) -> Box<Diagnostic> {
    let unit = var.unit.clone().unwrap_or_else(|| canonical_unit(var.dim));
    let shown = |v: f64| format_quantity(v, var.dim, Some(&unit));
    let message = format!("`{owner}.{}[{}]` would be {}", var.name, found.index, shown(found.value));
    let bounds = format!("outside of {} .. {}", shown(found.bounds.0), shown(found.bounds.1));
    let d = Diagnostic::at(Code::E0817, span, message, bounds);
    let d = if span == var.span { d } else { d.label(var.span, "declared here") };
    Box::new(d.help("give it a value within its bounds, or other bounds"))
}

/// The same for several rows of values, one for each example.
pub fn rows_within_bounds(p: &Population, id: VarId, view: View, values: &[f64], span: Span) -> Attempt<()> {
    values
        .chunks(view.n.max(1))
        .try_for_each(|row| cells_within_bounds(p, id, view, &Column::Array(Arc::new(row.to_vec())), span))
}
