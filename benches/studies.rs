//! Networks that simulators are compared with, each in a process of its own: how long a second of biological time takes, what of
//! it a cell's update and an event at a synapse take, and how much memory. Recording is off, states are of single precision.
//!
//! `cargo bench --bench studies` runs all on one and on two threads, `cargo bench --bench studies -- coba brunel` some. Each
//! is run three times, the large ones once; the fastest counts.

use std::process::Command;

struct Study {
    name: &'static str,
    file: &'static str,
    set: &'static [&'static str],
    repetitions: usize,
}

const fn study(name: &'static str, file: &'static str, set: &'static [&'static str], repetitions: usize) -> Study {
    Study { name, file, set, repetitions }
}

const STUDIES: &[Study] = &[
    study("coba", "coba", &[], 3),
    study("coba_40k", "coba", &["n=40000", "duration=2s"], 3),
    study("cuba", "cuba", &[], 3),
    study("cuba_40k", "cuba", &["n=40000", "duration=2s"], 3),
    study("hh_coba", "hh_coba", &[], 3),
    study("hh_coba_40k", "hh_coba", &["n=40000", "duration=500ms"], 3),
    study("stdp", "stdp", &[], 3),
    study("brunel", "brunel", &[], 3),
    study("microcircuit", "microcircuit", &[], 3),
    study("microcircuit_full", "microcircuit", &["scale=1", "duration=1s"], 1),
];

/// Runs a study once; returns what the run says of itself.
fn run(study: &Study, threads: usize) -> serde_json::Value {
    let results = tempfile::tempdir().expect("a folder for results");
    let file = format!("{}/benches/studies/{}.neuro", env!("CARGO_MANIFEST_DIR"), study.file);
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
    command
        .args(["run", &file, "bench", "--quiet", "--threads", &threads.to_string(), "--results"])
        .arg(results.path());
    command.args(study.set.iter().flat_map(|s| ["--set", s]));
    let output = command.output().expect("neuro runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let meta = results.path().join("bench").join("run.json");
    serde_json::from_slice(&std::fs::read(&meta).expect("run.json")).expect("JSON")
}

fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    println!(
        "{:<18} {:>7} {:>9} {:>7} {:>8} {:>9} {:>8} {:>10} {:>9} {:>8} {:>8}",
        "",
        "threads",
        "synapses",
        "build s",
        "s per s",
        "rate Hz",
        "ns/cell",
        "ns/event*",
        "events/s",
        "B/syn",
        "peak MB"
    );
    for study in STUDIES.iter().filter(|s| chosen.is_empty() || chosen.iter().any(|c| c == s.name)) {
        for threads in [1, 2] {
            let runs: Vec<_> = (0..study.repetitions).map(|_| run(study, threads)).collect();
            let seconds = |r: &serde_json::Value| r["simulation_s"].as_f64().unwrap_or(f64::INFINITY);
            let fastest = runs.iter().min_by(|a, b| seconds(a).total_cmp(&seconds(b))).expect("a run");
            let number = |key: &str| fastest[key].as_f64().unwrap_or(f64::NAN);
            let biological = number("simulated_ms") / 1000.0;
            let ran = number("simulation_s");
            println!(
                "{:<18} {:>7} {:>9.3e} {:>7.2} {:>8.4} {:>9.3} {:>8.3} {:>10.3} {:>9.2e} {:>8.2} {:>8.0}",
                study.name,
                threads,
                number("synapses"),
                number("construction_s"),
                ran / biological,
                number("spikes") / number("neurons") / biological,
                ran / number("cell_updates") * 1e9,
                ran / number("synaptic_events") * 1e9,
                number("synaptic_events") / biological,
                number("synapse_bytes") / number("synapses"),
                number("peak_memory_bytes") / 1e6,
            );
        }
    }
    println!("* all of the time, divided by the events: with the cells' updates");
}
