//! What a run tells as it goes on, as JSON: one object for each measure, expectation and figure.

use crate::experiment::{Expectation, Quantity};
use crate::source::SourceMap;
use serde_json::{Value, json};

/// A measure with all its executions.
pub fn measure(name: &str, list: &[Quantity]) -> Value {
    let Some(first) = list.first() else { return Value::Null };
    let unit = first.shown_unit();
    let values: Vec<f64> = list.iter().flat_map(|q| q.data.iter().map(|v| unit.from_internal(*v))).collect();
    let unit_name = if unit.name == "1" { "" } else { &unit.name };
    // Executions that differ in their extent are told as one row.
    let alike = list.iter().all(|q| q.data.len() == first.data.len());
    let shape: Vec<usize> = first.rows.into_iter().chain(first.shape.iter().copied()).collect();
    let (shape, executions) = if alike { (shape, list.len()) } else { (vec![values.len()], 1) };
    json!({ "name": name, "unit": unit_name, "shape": shape, "values": values, "executions": executions })
}

/// An expectation with what was found, and where it is written.
pub fn expectation(e: &Expectation, sources: &SourceMap) -> Value {
    let text = sources.text(e.span).split_whitespace().collect::<Vec<_>>().join(" ");
    let file = sources.file(e.span.file);
    let (line, _) = file.line_column(e.span.start);
    json!({ "passed": e.passed, "found": e.found, "text": format!("expect {text}"), "path": file.name, "line": line })
}
