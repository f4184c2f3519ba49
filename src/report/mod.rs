//! The files of a run: recordings as Parquet, figures as SVG and PNG, measures and the run's record as JSON.

mod parquet;
mod plot;

use crate::experiment::{Outcome, Quantity, Settings};
use crate::units::canonical_unit;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Writes everything into a folder; the error says which file and why.
pub fn write(outcome: &Outcome, folder: &Path) -> Result<Vec<String>, String> {
    let mut written = Vec::new();
    let put = |name: &str, bytes: &[u8]| {
        // Aside first, then renamed: a file is either whole or not there.
        let (target, aside) = (folder.join(name), folder.join(format!(".{name}.part")));
        std::fs::write(&aside, bytes)
            .and_then(|()| std::fs::rename(&aside, &target))
            .map_err(|e| format!("{}: {e}", target.display()))
    };
    for (name, bytes) in &outcome.saved {
        put(name, bytes)?;
        written.push(name.clone());
    }
    for r in &outcome.recordings {
        let name = format!("{}.parquet", r.name);
        parquet::write(r, &folder.join(&name)).map_err(|e| format!("{}: {e}", folder.join(&name).display()))?;
        written.push(name);
    }
    for f in &outcome.figures {
        let svg = plot::svg(f)?;
        put(&format!("{}.svg", f.name), svg.as_bytes())?;
        put(&format!("{}.png", f.name), &plot::png(f)?)?;
        written.push(format!("{}.svg", f.name));
        written.push(format!("{}.png", f.name));
    }
    let text = serde_json::to_string_pretty(&measures(outcome)).unwrap_or_default();
    put("measures.json", text.as_bytes())?;
    written.push("measures.json".into());
    Ok(written)
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
    json!({ "value": value, "unit": unit.name })
}

/// Returns measures with their units.
pub fn measures(outcome: &Outcome) -> Value {
    Value::Object(outcome.measures.iter().map(|(n, q)| (n.clone(), quantity(q))).collect())
}

/// What `run.json` needs besides the outcome.
pub struct RunInfo<'a> {
    /// Path of the source file.
    pub source: &'a str,
    /// SHA-256 of all sources.
    pub digest: String,
    /// SHA-256 of the data files that were read, by path.
    pub data: BTreeMap<String, String>,
    /// Experiment.
    pub experiment: &'a str,
    /// Options.
    pub settings: &'a Settings,
}

/// Returns the run's record, from which it can be repeated bit for bit.
pub fn record(outcome: &Outcome, info: &RunInfo) -> Value {
    let overrides: serde_json::Map<String, Value> =
        info.settings.overrides.iter().map(|o| (o.path.clone(), Value::String(o.value.clone()))).collect();
    json!({
        "neuro": env!("CARGO_PKG_VERSION"),
        "source": info.source,
        "source_sha256": info.digest,
        "data_sha256": info.data,
        "experiment": info.experiment,
        "seed": outcome.seed,
        "dt_ms": outcome.dt,
        "precision": outcome.precision.to_string(),
        "threads": info.settings.threads,
        "overrides": overrides,
        "neurons": outcome.size.0,
        "synapses": outcome.size.1,
        "synapse_bytes": outcome.synapse_bytes,
        "simulated_ms": outcome.simulated,
        "construction_s": outcome.built_in,
        "simulation_s": outcome.ran_in,
        "cell_updates": outcome.work.updates,
        "spikes": outcome.work.spikes,
        "synaptic_events": outcome.work.deliveries,
        "peak_memory_bytes": peak_memory(),
        "complete": outcome.failure.is_none(),
        "stopped_because": outcome.failure.as_ref().map(|d| format!("{}: {}", d.code, d.message)),
        "expectations": outcome.expectations.iter().map(|e| json!({"passed": e.passed, "found": e.found})).collect::<Vec<_>>(),
    })
}

/// Returns the most memory that this process has had, where the system says.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
}
