//! The page of a run: one HTML file that holds everything it shows, made of the files in its folder; or the page of a run that goes on.

use super::figures::{Files, figures_of};
use crate::draw::{Layer, Scene, scene};
use serde_json::{Value, json};
use std::path::Path;

/// The name of the page in a folder of results.
pub const PAGE: &str = "report.html";

const TEMPLATE: &str = include_str!("page/page.html");
const PARTS: [(&str, &str); 4] = [
    ("{{style}}", include_str!("page/page.css")),
    ("{{uplot_style}}", include_str!("page/uplot.css")),
    ("{{uplot}}", include_str!("page/uplot.js")),
    ("{{script}}", concat!(include_str!("page/figures.js"), "\n", include_str!("page/page.js"))),
];

fn read(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}

/// Returns the page of a run that has ended; the error says what is missing.
pub fn page_of(folder: &Path) -> Result<String, String> {
    page_with(folder, &read(&folder.join("run.json"))?)
}

/// Returns the page of a run with this record and the files of a folder.
pub fn page_with(folder: &Path, record: &Value) -> Result<String, String> {
    let mut run = record.clone();
    // Listed with their sizes; the page itself is none of them, and neither is the record, which is written after it.
    if let Some(run) = run.as_object_mut() {
        ["files", "spools"].into_iter().for_each(|key| drop(run.shift_remove(key)));
    }
    let mut figures = Vec::new();
    let mut warnings = run["warnings"].as_array().cloned().unwrap_or_default();
    for f in figures_of(folder)? {
        match scene(&f, &Files(folder.to_path_buf())) {
            Ok(scene) => figures.push(figure(&scene)),
            Err(why) => warnings.push(format!("the figure {} is not here: {why}", f.name).into()),
        }
    }
    let data = json!({
        "live": false,
        "source": run["sources"].take(),
        "expectations": run["expectations"].take(),
        "log": run["log"].take(),
        "profile": run["profile"].take(),
        "warnings": warnings,
        "measures": measures(&read(&folder.join("measures.json"))?),
        "files": sizes(folder, record),
        "figures": figures,
        "run": run,
    });
    let title = format!("{} · Neuro", data["run"]["experiment"].as_str().unwrap_or("run"));
    Ok(page(&title, &data))
}

/// Lists the files of a run that has ended, with their sizes.
pub fn files_of(folder: &Path) -> Value {
    sizes(folder, &read(&folder.join("run.json")).unwrap_or_default())
}

fn sizes(folder: &Path, record: &Value) -> Value {
    let files = record["files"].as_array().into_iter().flatten().filter_map(|name| {
        let name = name.as_str().filter(|n| *n != PAGE && *n != "run.json")?;
        Some(json!({ "name": name, "bytes": std::fs::metadata(folder.join(name)).ok()?.len() }))
    });
    files.collect::<Vec<_>>().into()
}

/// Returns the page of a run that goes on; it asks for its events beside it.
pub fn live_page(experiment: &str) -> String {
    let run = json!({ "experiment": experiment });
    page(&format!("{experiment} · Neuro"), &json!({ "live": true, "run": run }))
}

/// Returns a figure as the page draws it.
pub fn figure(scene: &Scene) -> Value {
    let mut scene = scene.clone();
    scene.panels.iter_mut().flat_map(|p| &mut p.layers).for_each(round);
    serde_json::to_value(&scene).unwrap_or_default()
}

/// Rounds what is drawn to the digits that can be read off.
fn round(layer: &mut Layer) {
    let columns: Vec<&mut Vec<f64>> = match layer {
        Layer::Line { x, y, .. } | Layer::Raster { x, y, .. } => vec![x, y],
        Layer::Band { x, low, high, .. } => vec![x, low, high],
        Layer::Points { x, y, error, .. } => [x, y].into_iter().chain(error.as_mut()).collect(),
        Layer::Bars { edges, y, .. } => vec![edges, y],
        Layer::Image { values, .. } => values.iter_mut().map(|g| &mut g.data).collect(),
        Layer::Rule { .. } => Vec::new(),
    };
    for v in columns.into_iter().flatten().filter(|v| v.is_finite() && **v != 0.0) {
        let digits = 10f64.powf(6.0 - v.abs().log10().floor());
        let rounded = (*v * digits).round() / digits;
        if rounded.is_finite() {
            *v = rounded;
        }
    }
}

/// Measures as the page shows them.
fn measures(of: &Value) -> Vec<Value> {
    let one = |(name, m): (&String, &Value)| {
        let unit = m["unit"].as_str().filter(|u| *u != "1").unwrap_or("");
        let mut values = Vec::new();
        flatten(&m["value"], &mut values);
        let executions = m["executions"].as_u64().unwrap_or(1);
        let shape = m["shape"].as_array().cloned().unwrap_or_default();
        json!({ "name": name, "unit": unit, "shape": shape, "values": values, "executions": executions })
    };
    of.as_object().into_iter().flatten().map(one).collect()
}

fn flatten(v: &Value, out: &mut Vec<Value>) {
    match v {
        Value::Array(list) => list.iter().for_each(|v| flatten(v, out)),
        one => out.push(one.clone()),
    }
}

fn page(title: &str, data: &Value) -> String {
    // Within a script, nothing may look like its end.
    let data = data.to_string().replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    let mut out = String::with_capacity(TEMPLATE.len() + data.len() + 200_000);
    let mut rest = TEMPLATE;
    // Replaced once each and in order, so that no part is looked for in another one.
    while let Some(at) = rest.find("{{") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let end = after.find("}}").map_or(after.len(), |e| e + 2);
        let name = &after[..end];
        match PARTS.iter().find(|(part, _)| *part == name) {
            Some((_, text)) => out.push_str(text),
            None if name == "{{data}}" => out.push_str(&data),
            None => out.push_str(&title),
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}
