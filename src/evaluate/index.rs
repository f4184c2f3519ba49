//! What an index picks: cells of a population, examples of a data set, elements of an array.

use super::Scope;
use super::attempt::{Attempt, fail};
use crate::diag::{Code, Diagnostic};
use crate::hir::Kind;
use crate::hir::typed::{Expr, ExprKind};
use crate::plan::Unnamed;
use crate::source::Span;
use crate::units::format_number;
use crate::value::{PopulationRef, Quantity, Value, extent};
use std::sync::Arc;

/// What an index picks.
struct Picked {
    items: Vec<usize>,
    /// Whether it is one by its index, so that the axis is gone.
    single: bool,
}

impl Scope<'_> {
    pub(super) fn element(&self, of: &Expr, index: &[Expr], span: Span) -> Attempt<Value> {
        match self.eval(of)? {
            Value::Population(p) => Ok(Value::Population(self.slice(p, index, span)?)),
            Value::Examples(set, order) => {
                let Some(first) = index.first() else { return Ok(Value::Examples(set, order)) };
                let Picked { items, .. } = self.pick(first, order.len(), "examples")?;
                let order = items.into_iter().map(|k| order[k]).collect();
                Ok(Value::Examples(set, Arc::new(order)))
            }
            other => {
                let q = self.as_quantity(other, of.span)?;
                // Of a population of one cell, or of one synapse, the value is an array of one, too.
                let of_one = q.is_single() && matches!(of.kind, ExprKind::Variable { .. } | ExprKind::Synaptic { .. });
                let q = if of_one { q.flattened() } else { q };
                self.pick_numbers(&q, index, span).map(Value::Quantity)
            }
        }
    }

    /// Elements of an array, rows and columns of a matrix, examples of a batch.
    fn pick_numbers(&self, q: &Quantity, index: &[Expr], span: Span) -> Attempt<Quantity> {
        if q.is_single() {
            return fail(Code::E0401, span, "a number has no elements", "cannot be indexed");
        }
        // Examples come first, as rows do.
        let extents: Vec<usize> = q.rows.into_iter().chain(q.shape.iter().copied()).collect();
        if index.len() > extents.len() {
            let message = format!("{} indices of {}", index.len(), extent(&extents));
            return fail(Code::E0406, index[extents.len()].span, message, "one too many");
        }
        let mut chosen: Vec<Picked> = Vec::new();
        for (axis, n) in extents.iter().enumerate() {
            chosen.push(match index.get(axis) {
                Some(e) => self.pick(e, *n, if axis == 0 && q.rows.is_some() { "examples" } else { "elements" })?,
                None => Picked { items: (0..*n).collect(), single: false },
            });
        }
        let picked: Vec<usize> = chosen.iter().map(|p| p.items.len()).collect();
        if crate::value::elements(&picked).is_none() {
            return fail(Code::E0404, span, format!("{} is no array", extent(&picked)), "too many elements");
        }
        let mut flat = vec![0usize];
        for (picked, n) in chosen.iter().zip(&extents) {
            flat = flat.iter().flat_map(|at| picked.items.iter().map(move |k| at * n + k)).collect();
        }
        let data: Vec<f64> = flat.into_iter().map(|k| q.data[k]).collect();
        let mut kept = chosen.iter().filter(|p| !p.single).map(|p| p.items.len());
        // One example is no batch any more.
        let batch = q.rows.is_some() && !chosen[0].single;
        let rows = if batch { kept.next() } else { None };
        let shape: Vec<usize> = kept.collect();
        Ok(Quantity { data: data.into(), shape, rows, ..q.clone() })
    }

    /// Which elements of an array or a matrix an index picks, row after row; none without an index.
    pub fn places(&self, q: &Quantity, index: &[Expr], span: Span) -> Attempt<Vec<usize>> {
        if index.is_empty() {
            return Ok(Vec::new());
        }
        if q.rows.is_some() || index.len() != q.shape.len() {
            let found = if q.rows.is_some() { "a value for each example".into() } else { extent(&q.shape) };
            let message = format!("{} ind{} of {found}", index.len(), if index.len() == 1 { "ex" } else { "ices" });
            let d = Diagnostic::at(Code::E0406, span, message, "one for each axis is needed");
            return Err(Box::new(d.help("assign the whole: `x = …`")));
        }
        let mut flat = vec![0usize];
        for (e, n) in index.iter().zip(&q.shape) {
            let Picked { items, .. } = self.pick(e, *n, "elements")?;
            flat = flat.iter().flat_map(|at| items.iter().map(move |k| at * n + k)).collect();
        }
        Ok(flat)
    }

    /// Which of `n` things an index picks.
    fn pick(&self, e: &Expr, n: usize, what: &str) -> Attempt<Picked> {
        let out_of_range = |message: String| {
            let d = Diagnostic::at(Code::E0406, e.span, message, "out of range");
            let help = match n {
                0 => format!("there are no {what} here"),
                n => format!("indices go from 0 to {}; the end of a range is not in it", n - 1),
            };
            Err(Box::new(d.help(help)))
        };
        match self.eval(e)? {
            Value::Range(lo, hi, ..) => {
                let hi = if hi == f64::INFINITY { n as f64 } else { hi };
                if lo.fract() != 0.0 || hi.fract() != 0.0 {
                    return fail(Code::E0404, e.span, "the ends of an index are whole numbers", "not whole");
                }
                if lo < 0.0 || hi > n as f64 || lo > hi {
                    return out_of_range(format!("{what} {lo} .. {hi} of {n}"));
                }
                if lo == hi && what != "cells" {
                    return fail(Code::E0406, e.span, "this range is empty", "from an index to the same");
                }
                Ok(Picked { items: (lo as usize..hi as usize).collect(), single: false })
            }
            other => {
                let q = self.as_quantity(other, e.span)?;
                let mut items = Vec::with_capacity(q.data.len());
                for x in q.data.iter() {
                    if x.fract().abs() > 1e-9 {
                        let message = format!("{} is not an index", format_number(*x));
                        return fail(Code::E0404, e.span, message, "must be a whole number");
                    }
                    if *x < 0.0 || *x >= n as f64 {
                        return out_of_range(format!("index {} of {n} {what}", format_number(*x)));
                    }
                    items.push(x.round() as usize);
                }
                Ok(Picked { items, single: q.is_single() })
            }
        }
    }

    /// The cell of a population that has a name: `pop["720575940660219265"]`.
    fn named_cell(&self, p: PopulationRef, name: &Expr) -> Attempt<PopulationRef> {
        let text = self.text(name)?;
        let found = self.world.cell_named(&p, &text).map(|cell| p.cells.iter().position(|c| c == cell));
        match found {
            Ok(Some(k)) => Ok(PopulationRef { cells: p.cells.part(&[k]), ..p }),
            Ok(None) | Err(Unnamed::This) => {
                let message = format!("no cell is called \"{text}\"");
                let d = Diagnostic::at(Code::E0406, name.span, message, "not among these cells");
                Err(Box::new(d.help("names are those of the rows of the population's table, letter by letter")))
            }
            Err(Unnamed::All) => {
                let d = Diagnostic::at(Code::E0406, name.span, "these cells have no names", "a text picks none");
                Err(Box::new(d.help("make the population of a table, a cell per row: `population cell: Lif[cells]`")))
            }
        }
    }

    /// Restricts a population: `pop[3]`, `pop[0..10]`, `pop[1, 2]`, `pop[[4, 0, 9]]`.
    fn slice(&self, p: PopulationRef, index: &[Expr], span: Span) -> Attempt<PopulationRef> {
        let Some(first) = index.first() else { return Ok(p) };
        if first.ty.kind == Kind::Text {
            return self.named_cell(p, first);
        }
        let extents = if index.len() > 1 { self.world.shape(&p).to_vec() } else { vec![p.cells.len()] };
        if index.len() != extents.len() {
            let message = format!("{} indices of a population of the shape {extents:?}", index.len());
            return fail(Code::E0406, span, message, "one for each axis is needed");
        }
        let mut places = vec![0usize];
        for (e, n) in index.iter().zip(&extents) {
            let Picked { items, .. } = self.pick(e, *n, "cells")?;
            places = places.iter().flat_map(|at| items.iter().map(move |k| at * n + k)).collect();
        }
        let n = p.cells.len();
        if let Some(beyond) = places.iter().find(|k| **k >= n) {
            return fail(Code::E0406, first.span, format!("cell {beyond} of {n} cells"), "out of range");
        }
        let mut seen = vec![false; n];
        if let Some(twice) = places.iter().find(|k| std::mem::replace(&mut seen[**k], true)) {
            let d = Diagnostic::at(Code::E0406, first.span, format!("cell {twice} is named twice"), "each cell once");
            return Err(Box::new(d.help("leave out what is there already")));
        }
        Ok(PopulationRef { cells: p.cells.part(&places), ..p })
    }
}
