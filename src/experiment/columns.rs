//! Values per cell and per synapse: given, drawn, or computed from those before them.

use super::Attempt;
use super::connect::{End, with_pair};
use super::distribution::Sampler;
use super::eval::{Scope, fail};
use super::time::mentions;
use super::value::Quantity;
use crate::diag::{Code, Diagnostic};
use crate::hir::{VarId, VarKind};
use crate::math::eval;
use crate::plan::{Column, Pairs, Population, View};
use crate::rng::Stream;
use crate::source::Span;
use crate::syntax::ast;
use std::borrow::Cow;
use std::sync::Arc;

/// Replaces values of cells of a population; of a cable's state, in one segment or in all.
pub fn assign(population: &mut Population, id: VarId, view: View, segment: Option<usize>, value: &Column) {
    let n = population.n;
    if let Some(segment) = segment {
        let old: Vec<f64> = (0..n).map(|i| population.initial(id, i, segment)).collect();
        let values = old.iter().enumerate().map(|(i, old)| match i.checked_sub(view.start).filter(|k| *k < view.n) {
            Some(k) => value.at(k),
            None => *old,
        });
        let values = Column::Array(Arc::new(values.collect()));
        population.segment_init.insert((id, segment), values);
        return;
    }
    population.segment_init.retain(|(v, _), _| *v != id);
    let map = match population.model.vars[id].kind {
        VarKind::State(_) => &mut population.init,
        VarKind::Param(_) => &mut population.params,
        _ => &mut population.ports,
    };
    let whole = view.start == 0 && view.n == n;
    let new = match (whole, value) {
        (true, v) => v.clone(),
        (false, v) => {
            let mut all: Vec<f64> = (0..n).map(|i| map.get(&id).map_or(0.0, |c| c.at(i))).collect();
            for k in 0..view.n {
                all[view.start + k] = v.at(k);
            }
            Column::Array(Arc::new(all))
        }
    };
    map.insert(id, new);
}

/// Computes parameters, ports and initial states that were not given, each from those before it.
pub fn fill_defaults(p: &mut Population, span: Span) -> Attempt<()> {
    let model = p.model.clone();
    for (id, var) in &model.vars {
        let (default, known) = match &var.kind {
            VarKind::Param(e) => (e.as_ref(), p.params.contains_key(&id)),
            VarKind::AnalogPort(e) => (Some(e), p.ports.contains_key(&id)),
            _ => continue,
        };
        if known {
            continue;
        }
        let Some(e) = default else {
            return Err(Box::new(
                Diagnostic::at(
                    Code::E0212,
                    span,
                    format!("parameter `{}` of `{}` has no value", var.name, model.name),
                    "value missing",
                )
                .label(var.span, "declared without a default"),
            ));
        };
        let value = per_cell(p, e);
        let map = if matches!(var.kind, VarKind::Param(_)) { &mut p.params } else { &mut p.ports };
        map.insert(id, value);
    }
    for (id, var) in model.states() {
        if !p.init.contains_key(&id)
            && let VarKind::State(e) = &var.kind
        {
            let value = per_cell(p, e);
            p.init.insert(id, value);
        }
    }
    segments_agree(p, span)
}

/// Refuses cables whose number of segments is not whole, or differs from cell to cell.
fn segments_agree(p: &Population, span: Span) -> Attempt<()> {
    for cable in &p.model.cables {
        let first = eval(&cable.segments, &|v| p.params.get(&v).map(|c| c.at(0)), None).unwrap_or(f64::NAN);
        if first < 1.0 || first.fract() != 0.0 {
            let message = format!("cable `{}` would have {first} segments", cable.name);
            return fail(Code::E0404, span, message, "needs a whole number, at least 1");
        }
        let varies = |e: &crate::hir::Expr| matches!(per_cell(p, e), Column::Array(a) if a.iter().any(|v| *v != a[0]));
        if varies(&cable.segments) {
            let message = format!("the cells of a population have the same number of segments in `{}`", cable.name);
            return fail(Code::E0404, span, message, "this varies");
        }
    }
    Ok(())
}

/// Evaluates an expression of parameters and initial states, once or for every cell.
fn per_cell(p: &Population, e: &crate::hir::Expr) -> Column {
    let e = crate::hir::inline_lets(&p.model, e.clone());
    let find = |v: VarId| p.params.get(&v).or(p.init.get(&v)).or(p.ports.get(&v));
    let varies = e.any(&mut |e| matches!(e, crate::hir::Expr::Var(v) if matches!(find(*v), Some(Column::Array(_)))));
    let at = |i: usize| eval(&e, &|v| find(v).map(|c| c.at(i)), None).unwrap_or(f64::NAN);
    if varies { Column::Array(Arc::new((0..p.n).map(at).collect())) } else { Column::Const(at(0)) }
}

/// Evaluates a value for n cells: a constant, an array, an expression of `i`, or a draw per cell.
pub fn column(scope: &Scope, value: &ast::Value, n: usize, stream: &Stream) -> Attempt<Column> {
    match value {
        ast::Value::Expr(e) if mentions(e, "i") && scope.find("i").is_none() => {
            let values = (0..n)
                .map(|i| {
                    let names = Cow::Borrowed(&*scope.names);
                    let inner = Scope { cell: Some(i), names, ..scope.without_names() };
                    inner.number(e)
                })
                .collect::<Attempt<Vec<f64>>>()?;
            Ok(Column::Array(Arc::new(values)))
        }
        ast::Value::Expr(e) => one_each(scope.quantity(e)?, n, "cell", e.span),
        ast::Value::Distribution(d) => {
            let draw = Sampler::new(scope, d, None, None)?;
            draw.column(n, stream)
        }
    }
}

/// Takes one value for all, or one for each.
fn one_each(q: Quantity, n: usize, what: &str, span: Span) -> Attempt<Column> {
    if q.scalar {
        return Ok(Column::Const(q.first()));
    }
    if q.data.len() != n {
        let message = format!("{} values for {n} {what}s", q.data.len());
        return fail(Code::E0403, span, message, format!("one value per {what} is needed"));
    }
    Ok(Column::Array(q.data))
}

/// Evaluates a weight or delay for every synapse; drawn delays are kept above half a step by redrawing.
pub fn edge_column(
    scope: &Scope,
    value: &ast::Value,
    pairs: &Pairs,
    ends: (End, End),
    stream: &Stream,
    grid: Option<f64>,
) -> Attempt<Column> {
    match value {
        ast::Value::Distribution(d) => {
            let draw = Sampler::new(scope, d, grid, Some(pairs.fans(ends.0.view.n, ends.1.view.n)))?;
            Ok(Column::Drawn(draw.values(pairs.len(), stream)?))
        }
        ast::Value::Expr(e) if ["pre", "post", "d"].iter().any(|n| mentions(e, n) && scope.find(n).is_none()) => {
            let values = pairs
                .edges()
                .iter()
                .map(|edge| {
                    let (i, j) = (edge.pre as usize - ends.0.view.start, edge.post as usize - ends.1.view.start);
                    with_pair(scope, ends.0, ends.1, i, j).number(e)
                })
                .collect::<Attempt<Vec<f64>>>()?;
            Ok(Column::Array(Arc::new(values)))
        }
        ast::Value::Expr(e) => one_each(scope.quantity(e)?, pairs.len(), "synapse", e.span),
    }
}
