//! `connect from "edges.csv"(pre = "Source", post = "Target", ids = table, weight = …, where = "type", equals = "chemical")`

use crate::data::Table;
use crate::diag::{Code, Diagnostic};
use crate::evaluate::{Attempt, Scope, fail, flawed};
use crate::hir::network::model::FromTable;
use crate::hir::typed::Expr;
use crate::plan::Edge;
use crate::source::Span;
use crate::units::Dim;
use crate::value::{Quantity, Value, View};
use indexmap::IndexMap;

/// What columns of a table say of synapses.
#[derive(Default)]
pub struct Columns {
    /// Weights.
    pub weight: Option<Vec<f64>>,
    /// Delays.
    pub delay: Option<Vec<f64>>,
}

/// Reads synapses, and their weights and delays if columns give them, from a table.
pub fn from_table(scope: &Scope, of: &FromTable, pre: View, post: View) -> Attempt<(Vec<Edge>, Columns)> {
    let table = read(scope, of)?;
    let text = |e: &Option<Expr>, default: &str| match e {
        None => Ok(default.to_string()),
        Some(e) => scope.text(e).map(|t| t.to_string()),
    };
    let column = |n: &str, span: Span| match table.columns.get(n) {
        Some(c) => Ok(c),
        None => fail(Code::E0803, span, format!("`{}` lacks a column", of.path), table.no_column(n)),
    };
    let at = |e: &Option<Expr>| e.as_ref().map_or(of.span, |e| e.span);
    let sources = column(&text(&of.ends.0, "pre")?, at(&of.ends.0))?;
    let targets = column(&text(&of.ends.1, "post")?, at(&of.ends.1))?;
    let filter = match &of.filter {
        None => None,
        Some((name, equals)) => Some((column(&scope.text(name)?, name.span)?, scope.text(equals)?)),
    };
    let ids = ids(scope, of)?;
    let skip = match &*text(&of.missing, "error")? {
        "error" => false,
        "skip" => true,
        other => {
            let message = format!("`missing` cannot be \"{other}\"");
            return fail(Code::E0401, at(&of.missing), message, "expected \"error\" or \"skip\"");
        }
    };
    let cell = |name: &str, n: usize| match &ids {
        Some(ids) => ids.get(name).copied().filter(|c| (*c as usize) < n),
        None => name.parse::<u32>().ok().filter(|c| (*c as usize) < n),
    };
    let (mut edges, mut rows) = (Vec::new(), Vec::new());
    for k in 0..table.rows() {
        if filter.as_ref().is_some_and(|(c, wanted)| *c[k] != **wanted) {
            continue;
        }
        match (cell(&sources[k], pre.n), cell(&targets[k], post.n)) {
            (Some(i), Some(j)) => {
                edges.push(Edge { pre: pre.start as u32 + i, post: post.start as u32 + j });
                rows.push(k);
            }
            _ if skip => {}
            _ => {
                let message = format!("line {} connects `{}` to `{}`", k + 2, sources[k], targets[k]);
                return Err(Box::new(
                    Diagnostic::at(Code::E0609, of.span, message, "no such cell in the populations")
                        .help("add `missing = \"skip\"` if such rows are to be left out"),
                ));
            }
        }
    }
    let values = |e: &Option<Expr>| e.as_ref().map(|e| of_rows(scope, of, &table, &rows, e)).transpose();
    Ok((edges, Columns { weight: values(&of.weight)?, delay: values(&of.delay)? }))
}

fn read(scope: &Scope, of: &FromTable) -> Attempt<Table> {
    let bytes = match scope.world.files().read(&of.path) {
        Ok(b) => b,
        Err(reason) => return fail(Code::E0802, of.span, format!("cannot read `{}`", of.path), reason),
    };
    let delimiter = match &of.delimiter {
        None => None,
        Some(e) => match scope.text(e)?.as_bytes() {
            [one] => Some(*one),
            _ => return fail(Code::E0401, e.span, "a delimiter is one character", "not one character"),
        },
    };
    crate::data::csv(&of.path, &bytes, delimiter)
        .map_err(|flaw| flawed(flaw, of.span, format!("`{}` is not a table", of.path)))
}

/// The index of each name in the first column of a table; without one, cells are numbers.
fn ids(scope: &Scope, of: &FromTable) -> Attempt<Option<IndexMap<String, u32>>> {
    let Some(e) = &of.ids else { return Ok(None) };
    let Value::Table(t) = scope.eval(e)? else {
        return fail(Code::E0401, e.span, "expected a table of names", "its first column names the cells");
    };
    let mut ids = IndexMap::new();
    for (name, k) in t.columns.values().next().into_iter().flatten().zip(0..) {
        if let Some(first) = ids.insert(name.clone(), k) {
            let message = format!("`{name}` names two cells: lines {} and {}", first + 2, k + 2);
            return fail(Code::E0803, e.span, message, "names must differ");
        }
    }
    Ok(Some(ids))
}

/// Evaluates an expression of columns for the rows in use: `weight = 0.1 nS * weight`.
fn of_rows(scope: &Scope, of: &FromTable, table: &Table, rows: &[usize], e: &Expr) -> Attempt<Vec<f64>> {
    let columns = |name: &str, span: Span| match table.numbers(name) {
        Ok(v) => Ok(Quantity::array(rows.iter().map(|k| v[*k]).collect(), Dim::ONE, None)),
        Err(flaw) => Err(flawed(flaw, span, format!("`{}` cannot be used", of.path))),
    };
    let inner = Scope::new(scope.world, scope.locals).with_columns(&columns);
    let q = inner.quantity(e)?;
    match q.single() {
        Some(one) => Ok(vec![one; rows.len()]),
        None if q.data.len() == rows.len() => Ok(q.data.to_vec()),
        None => {
            fail(Code::E0403, e.span, format!("{} values for {} rows", q.data.len(), rows.len()), "one for each row")
        }
    }
}
