//! `connect from "edges.csv"(pre = "Source", post = "Target", ids = table, weight = …, where = "type", equals = "chemical")`

use super::Attempt;
use super::eval::{Scope, fail};
use super::time::mentions;
use super::value::{Quantity, Value};
use crate::data::Table;
use crate::diag::{Code, Diagnostic};
use crate::plan::{Edge, View};
use crate::source::Span;
use crate::syntax::ast;
use indexmap::IndexMap;

/// Synapses, weights, delays.
pub type FromFile = (Vec<Edge>, Option<Vec<f64>>, Option<Vec<f64>>);

/// Reads synapses, and their weights and delays if columns give them, from a table.
pub fn from_table(
    scope: &Scope,
    path: &str,
    args: &[ast::Arg],
    span: Span,
    pre: View,
    post: View,
) -> Attempt<FromFile> {
    let bytes = match scope.files.read(path) {
        Ok(b) => b,
        Err(reason) => return fail(Code::E0802, span, format!("cannot read `{path}`"), reason),
    };
    let arg = |n: &str| args.iter().find(|a| a.name.as_ref().is_some_and(|x| x.text == n)).map(|a| &a.value);
    let text = |n: &str, default: &str| -> Attempt<String> {
        match arg(n) {
            None => Ok(default.to_string()),
            Some(e) => match scope.eval(e)? {
                Value::Text(t) => Ok(t.to_string()),
                _ => fail(Code::E0401, e.span, "expected the name of a column", "not a string"),
            },
        }
    };
    let delimiter = text("delimiter", "")?.bytes().next();
    let table: Table = match crate::data::csv(&bytes, delimiter) {
        Ok(t) => t,
        Err(reason) => return fail(Code::E0803, span, format!("`{path}` is not a table"), reason),
    };
    let column = |n: &str| -> Attempt<&Vec<String>> {
        match table.columns.get(n) {
            Some(c) => Ok(c),
            None => fail(Code::E0803, span, format!("`{path}` lacks a column"), table.no_column(n)),
        }
    };
    let (sources, targets) = (column(&text("pre", "pre")?)?, column(&text("post", "post")?)?);
    let filter = match arg("where") {
        None => None,
        Some(_) => Some((column(&text("where", "")?)?, text("equals", "")?)),
    };
    // Without `ids`, cells are numbers; with it, position in the list of names.
    let ids: Option<IndexMap<String, u32>> = match arg("ids") {
        None => None,
        Some(e) => match scope.eval(e)? {
            Value::Table(t) => {
                Some(t.columns.values().next().map(|c| c.iter().cloned().zip(0..).collect()).unwrap_or_default())
            }
            _ => return fail(Code::E0401, e.span, "expected a table of names", "its first column names the cells"),
        },
    };
    let missing = text("missing", "error")?;
    let cell = |name: &str, n: usize| match &ids {
        Some(ids) => ids.get(name).copied(),
        None => name.parse::<u32>().ok().filter(|c| (*c as usize) < n),
    };
    let mut edges = Vec::new();
    let mut rows = Vec::new();
    for k in 0..table.rows() {
        if filter.as_ref().is_some_and(|(c, wanted)| c[k] != *wanted) {
            continue;
        }
        match (cell(&sources[k], pre.n), cell(&targets[k], post.n)) {
            (Some(i), Some(j)) if (i as usize) < pre.n && (j as usize) < post.n => {
                edges.push(Edge { pre: pre.start as u32 + i, post: post.start as u32 + j });
                rows.push(k);
            }
            _ if missing == "skip" => {}
            _ => {
                return Err(Box::new(
                    Diagnostic::at(
                        Code::E0609,
                        span,
                        format!("line {} connects `{}` to `{}`", k + 2, sources[k], targets[k]),
                        "no such cell in the populations",
                    )
                    .help("add `missing = \"skip\"` if such rows are to be left out"),
                ));
            }
        }
    }
    let values = |n: &str| -> Attempt<Option<Vec<f64>>> {
        let Some(e) = arg(n) else { return Ok(None) };
        let pick = |name: &str| match table.numbers(name) {
            Ok(v) => Ok(rows.iter().map(|k| v[*k]).collect::<Vec<f64>>()),
            Err(reason) => fail(Code::E0803, e.span, format!("`{path}` cannot be used"), reason),
        };
        // `weight = 0.1 nS * column("weight")`: the column is an array over the rows in use.
        let mut names = scope.names.to_vec();
        for name in table.columns.keys() {
            if mentions(e, name)
                && let Ok(v) = pick(name)
            {
                names.push((name.clone(), Quantity::array(v, crate::units::Dim::ONE, None).into()));
            }
        }
        let q = Scope { names: names.into(), ..scope.without_names() }.quantity(e)?;
        Ok(Some(if q.scalar { vec![q.first(); rows.len()] } else { q.data.to_vec() }))
    };
    let (weight, delay) = (values("weight")?, values("delay")?);
    Ok((edges, weight, delay))
}
