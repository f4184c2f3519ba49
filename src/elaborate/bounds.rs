//! Values that the bounds of a variable exclude.

use crate::diag::{Code, Diagnostic};
use crate::evaluate::Attempt;
use crate::hir::{Kept, Var, VarId};
use crate::plan::{Column, OutOfBounds, Population, Projection, View};
use crate::source::Span;
use crate::units::{canonical_unit, format_number, format_quantity};
use crate::value::Cells;
use std::sync::Arc;

/// Refuses a value for a state of cells that its bounds exclude.
pub fn cells_within_bounds(p: &Population, id: VarId, cells: &Cells, value: &Column, span: Span) -> Attempt<()> {
    match p.assigned_out_of_bounds(id, cells, value) {
        Some(found) => Err(outside(&p.name, &p.model.vars[id], &found, span)),
        None => Ok(()),
    }
}

/// Refuses a segment that a cable of some cells does not have.
pub fn segment_exists(p: &Population, cells: &Cells, id: VarId, segment: Option<usize>, span: Span) -> Attempt<()> {
    let Some(at) = segment else { return Ok(()) };
    let cable = p.model.vars[id].cable;
    let segments = |cell| cable.map_or(1, |cable| p.segments_of(cable, cell));
    // One cell tells of all where they do not differ.
    let looked_at = if cable.is_none_or(|cable| p.has_even(cable)) { 1 } else { cells.len() };
    match cells.iter().take(looked_at).map(|cell| (cell, segments(cell))).find(|(_, n)| at >= *n) {
        Some((cell, n)) => out_of_cable(p, id, (at as f64, n, cell), span),
        None => Ok(()),
    }
}

/// Says that a cable of a cell has no such segment.
pub fn out_of_cable<T>(p: &Population, of: VarId, (at, n, cell): (f64, usize, usize), span: Span) -> Attempt<T> {
    let message = format!("segment {} of a cable of {n}", format_number(at));
    let d = Diagnostic::at(Code::E0406, span, message, "out of range");
    let differ = p.model.vars[of].cable.is_some_and(|cable| !p.has_even(cable));
    Err(Box::new(if differ { d.note(format!("in `{}[{cell}]`; cells differ in their segments", p.name)) } else { d }))
}

/// Refuses values for weights or states of synapses that their bounds exclude.
pub fn synapses_within_bounds(p: &Projection, id: VarId, value: &Column, span: Span) -> Attempt<()> {
    if p.pairs.are_expected() && matches!(value, Column::Drawn(_)) {
        return Ok(());
    }
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

/// Lets the cells of a channel share a state that is kept per channel: what is drawn is drawn for each channel, anything else must be
/// the same for all its cells.
pub fn one_per_channel(
    p: &Population,
    id: VarId,
    cells: &Cells,
    value: Column,
    (drawn, span): (bool, Span),
) -> Attempt<Column> {
    let n = cells.len();
    if p.model.kept.get(&id) != Some(&Kept::Channel) || matches!(value, Column::Const(_)) && n == p.n {
        return Ok(value);
    }
    let size = p.channel_size();
    let name = &p.model.vars[id].name;
    let help = "assign to whole channels what is the same for all cells of each";
    let of_whole_channels = |v: View| v.start.is_multiple_of(size) && v.n.is_multiple_of(size);
    if !cells.runs().into_iter().all(|(_, run)| of_whole_channels(run)) {
        let message = format!("`{}.{name}` is kept per channel", p.name);
        let label = format!("only some of the {size} cells of a channel");
        return Err(Box::new(Diagnostic::at(Code::E0403, span, message, label).help(help)));
    }
    if drawn {
        let values = (0..n).map(|i| value.at(i / size * size)).collect();
        return Ok(Column::Array(Arc::new(values)));
    }
    match p.differ_in_channel(&value, n) {
        None => Ok(value),
        Some((a, b)) => {
            let message = format!("`{}.{name}` is kept per channel", p.name);
            let label = format!("other values for cells {a} and {b} of one channel");
            Err(Box::new(Diagnostic::at(Code::E0403, span, message, label).help(help)))
        }
    }
}

/// Refuses values for a state of cells that its bounds exclude, in any of several rows, one for each example.
pub fn rows_within_bounds(p: &Population, id: VarId, cells: &Cells, values: &[f64], span: Span) -> Attempt<()> {
    values
        .chunks(cells.len().max(1))
        .try_for_each(|row| cells_within_bounds(p, id, cells, &Column::Array(Arc::new(row.to_vec())), span))
}
