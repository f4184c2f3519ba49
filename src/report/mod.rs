//! The files of a run: recordings as Parquet, Arrow, NPZ or CSV, figures as SVG, PNG and PDF, measures and the run's record as JSON, and a
//! page of all.

mod events;
mod figures;
mod page;
mod recordings;

pub use events::{expectation as expectation_event, measure as measure_event};
pub use figures::{Files, Format, Spooled, drawn, figures_of, recording_as_figure};
pub use page::{PAGE, figure as figure_event, files_of, live_page, page_of, page_with};
pub use recordings::{Found, RecordingFormat, Rows};

use figures::FIGURES;

use crate::experiment::record::What;
use crate::experiment::{Outcome, Quantity, Settings, Share};
use crate::figure::Figure;
use crate::runtime::ProfileRow;
use crate::source::SourceMap;
use crate::units::canonical_unit;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What was written, and what could not be.
#[derive(Default)]
pub struct Written {
    /// Names of files, in order.
    pub files: Vec<String>,
    /// The first file that could not be written, and why.
    pub trouble: Option<String>,
    /// Recordings that stay as they were spooled, with what their records hold.
    pub spools: Vec<Value>,
}

/// Lists the files that an outcome becomes.
pub fn names(outcome: &Outcome, formats: &[RecordingFormat]) -> Vec<String> {
    let recordings = outcome.recordings.iter().flat_map(|r| formats.iter().map(|f| f.file_name(&r.name)));
    let of_figure = |f: &Figure| Format::ALL.map(|format| format!("{}.{}", f.name, format.ending()));
    let figures = outcome.figures.iter().flat_map(of_figure);
    let sources = (!outcome.figures.is_empty()).then(|| FIGURES.to_string());
    let first = [MEASURES.to_string()].into_iter().chain(outcome.saved.keys().cloned());
    first.chain(recordings).chain(sources).chain(figures).collect()
}

const MEASURES: &str = "measures.json";

/// Writes everything into a folder, the smallest first; what cannot be written does not keep the rest from being so.
pub fn write(outcome: &mut Outcome, folder: &Path, formats: &[RecordingFormat]) -> Written {
    let mut out = Written::default();
    let text = serde_json::to_string_pretty(&measures(outcome)).unwrap_or_default();
    out.put(folder, MEASURES, |path| bytes(path, text.as_bytes()));
    for (name, content) in &outcome.saved {
        out.put(folder, name, |path| bytes(path, content));
    }
    if !outcome.figures.is_empty() {
        out.put(folder, FIGURES, |path| bytes(path, figures::json(&outcome.figures).as_bytes()));
    }
    for f in &outcome.figures {
        let scene = crate::draw::scene(f, &Spooled(&outcome.recordings));
        match scene.and_then(|scene| drawn(&scene, &Format::ALL)) {
            Ok(files) => files.iter().for_each(|(name, content)| {
                out.put(folder, name, |path| bytes(path, content));
            }),
            Err(why) => {
                out.trouble.get_or_insert(format!("the figure {}: {why}", f.name));
            }
        }
    }
    for r in &mut outcome.recordings {
        let mut whole = false;
        for format in formats {
            let name = format.file_name(&r.name);
            if outcome.saved.contains_key(&name) {
                let why =
                    "the experiment saves a file of this name; save it under another one, or record `as` another one";
                out.trouble.get_or_insert(format!("the recording {name}: {why}"));
                continue;
            }
            whole |= out.put(folder, &name, |path| format.write(r, outcome.precision, path));
        }
        if whole {
            continue;
        }
        if let Some(file) = r.spool.leave() {
            let layout = match &r.what {
                What::Events(_) => "step u64, cell u32; little endian".to_string(),
                What::Samples { .. } => format!("step u64, {} x f64 in internal units; little endian", r.width()),
            };
            out.spools.push(json!({ "file": file, "recording": r.name, "layout": layout, "dt_ms": r.dt }));
        }
    }
    out
}

fn bytes(path: &Path, content: &[u8]) -> Result<(), String> {
    std::fs::write(path, content).map_err(|e| e.to_string())
}

impl Written {
    /// Writes a file aside, then renames it: it is either whole or not there. Returns whether it is.
    fn put(&mut self, folder: &Path, name: &str, write: impl FnOnce(&Path) -> Result<(), String>) -> bool {
        let (target, aside) = (folder.join(name), folder.join(format!(".{name}.part")));
        let done = write(&aside).and_then(|()| std::fs::rename(&aside, &target).map_err(|e| e.to_string()));
        match done {
            Ok(()) => self.files.push(name.to_string()),
            Err(e) => {
                let _ = std::fs::remove_file(&aside);
                self.trouble.get_or_insert(format!("{}: {e}", target.display()));
                return false;
            }
        }
        true
    }
}

fn quantity(list: &[Quantity]) -> Value {
    let Some(first) = list.first() else { return Value::Null };
    let unit = first.unit.clone().filter(|u| u.dim == first.dim).unwrap_or_else(|| canonical_unit(first.dim));
    let number = |v: f64| serde_json::Number::from_f64(unit.from_internal(v)).map_or(Value::Null, Value::Number);
    let one = |q: &Quantity| {
        if q.is_scalar() && q.rows.is_none() && q.data.len() == 1 {
            number(q.data[0])
        } else {
            Value::Array(q.data.iter().map(|v| number(*v)).collect())
        }
    };
    let value = if list.len() == 1 { one(first) } else { Value::Array(list.iter().map(one).collect()) };
    let mut out = json!({ "value": value, "unit": unit.name });
    let shape: Vec<usize> = first.rows.into_iter().chain(first.shape.iter().copied()).collect();
    if list.len() > 1 {
        out["executions"] = json!(list.len());
    }
    let alike = list.iter().all(|q| q.shape == first.shape && q.rows == first.rows);
    if alike && !shape.is_empty() {
        out["shape"] = json!(shape);
    }
    out
}

/// Returns measures with their units.
pub fn measures(outcome: &Outcome) -> Value {
    Value::Object(outcome.measures.iter().map(|(n, q)| (n.clone(), quantity(q))).collect())
}

/// What `run.json` needs besides the outcome.
pub struct RunInfo {
    /// Path of the source file.
    pub source: PathBuf,
    /// SHA-256 of all sources.
    pub digest: String,
    /// SHA-256 of the data files that were read, by path.
    pub data: BTreeMap<String, String>,
    /// Experiment.
    pub experiment: String,
    /// Options.
    pub settings: Settings,
    /// The formats of recordings, if some were asked for.
    pub formats: Option<Vec<RecordingFormat>>,
    /// What was compiled.
    pub sources: SourceMap,
}

/// Returns what is known of a run before it begins, which marks its folder.
pub fn mark(info: &RunInfo) -> Value {
    json!({
        "neuro": env!("CARGO_PKG_VERSION"),
        "source": info.source.to_string_lossy(),
        "source_bytes": exact(&info.source),
        "source_sha256": info.digest,
        "experiment": info.experiment,
        "precision": info.settings.precision.map(|p| p.to_string()),
        "overrides": overrides(&info.settings),
        "formats": info.formats.as_deref().map(format_names),
        "complete": false,
        "files": [],
    })
}

fn format_names(formats: &[RecordingFormat]) -> Vec<&'static str> {
    formats.iter().map(|f| f.name()).collect()
}

/// Returns whether the recordings of a run with this record are there in the formats that another one is asked for, if it is.
pub fn has_formats(record: &Value, wanted: &Value) -> bool {
    let there = |f: &Value| record["formats"].as_array().is_some_and(|all| all.contains(f));
    wanted.as_array().is_none_or(|wanted| wanted.iter().all(there))
}

fn overrides(settings: &Settings) -> serde_json::Map<String, Value> {
    settings.overrides.iter().map(|o| (o.path.clone(), Value::String(o.value.clone()))).collect()
}

/// The bytes of a path that is not text; JSON cannot hold it otherwise.
fn exact(path: &Path) -> Option<&[u8]> {
    match path.to_str() {
        Some(_) => None,
        None => Some(path.as_os_str().as_encoded_bytes()),
    }
}

/// Returns the run's record, from which it can be repeated bit for bit.
pub fn record(outcome: &Outcome, info: &RunInfo) -> Value {
    json!({
        "neuro": env!("CARGO_PKG_VERSION"),
        "source": info.source.to_string_lossy(),
        "source_bytes": exact(&info.source),
        "source_sha256": info.digest,
        "data_sha256": info.data,
        "experiment": info.experiment,
        "seed": outcome.seed,
        "dt_ms": outcome.dt,
        "precision": outcome.precision.to_string(),
        "threads": info.settings.threads,
        "overrides": overrides(&info.settings),
        "formats": format_names(info.formats.as_deref().unwrap_or(&RecordingFormat::UNLESS_ASKED)),
        "neurons": outcome.size.0,
        "synapses": outcome.size.1,
        "synapse_bytes": outcome.synapse_bytes,
        "imports": outcome.imports,
        "simulated_ms": outcome.simulated,
        "construction_s": outcome.built_in,
        "simulation_s": outcome.ran_in,
        "wall_s": outcome.took,
        "profile": profile(outcome),
        "cell_updates": outcome.work.updates,
        "spikes": outcome.work.spikes,
        "synaptic_events": outcome.work.deliveries,
        "peak_memory_bytes": peak_memory(),
        "processes": processes(outcome),
        "complete": outcome.failure.is_none(),
        "stopped_because": outcome.failure.as_ref().map(|d| format!("{}: {}", d.code, d.message)),
        "expectations": outcome.expectations.iter().map(|e| expectation_event(e, &info.sources)).collect::<Vec<_>>(),
        "warnings": outcome.warnings.iter().map(|d| format!("{}: {}", d.code, d.message)).collect::<Vec<_>>(),
        "log": outcome.log,
        "sources": sources(&info.sources),
    })
}

/// What each process took and told the others; nothing if there was one.
fn processes(outcome: &Outcome) -> Option<Value> {
    let of = |s: &Share| {
        json!({
            "peak_memory_bytes": s.peak_memory,
            "gathers": s.traffic.gathers,
            "handed_bytes": s.traffic.handed,
            "received_bytes": s.traffic.received,
        })
    };
    let all: Vec<Value> = outcome.processes.iter().map(of).collect();
    (!all.is_empty()).then(|| all.into())
}

/// Where the time of running went; nothing unless it was asked for.
fn profile(outcome: &Outcome) -> Option<Value> {
    let row = |network: &str, r: &ProfileRow| json!({ "network": network, "of": r.of, "what": r.what, "seconds": r.seconds, "times": r.times });
    let rows = outcome.profile.iter().flat_map(|(network, rows)| rows.iter().map(|r| row(network, r)));
    let rows: Vec<Value> = rows.collect();
    (!rows.is_empty()).then(|| rows.into())
}

/// The texts that were compiled, but not the library's.
pub fn sources(all: &SourceMap) -> Value {
    let own = all.files().filter(|f| !f.name.starts_with("std/"));
    own.map(|f| json!({ "path": f.name, "text": &*f.text })).collect::<Vec<_>>().into()
}

/// Returns the most memory that this process has had, where the system says.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
}
