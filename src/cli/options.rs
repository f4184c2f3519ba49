//! Options that several commands have.

use clap::Args;
use neuro::experiment::MOST_THREADS;
use neuro::report::RecordingFormat;
use std::path::PathBuf;

/// Options of whatever runs.
#[derive(Args, Clone)]
pub struct RunOptions {
    /// Override a parameter, with its unit: net.exc.tau_m=20ms, seed=3, dt=0.05ms
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Threads of a run; all cores unless given. Results do not depend on it
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
    /// Precision of states: f32 or f64, in place of what the experiment says
    #[arg(long, value_name = "P")]
    pub precision: Option<String>,
    /// auto, wide, cranelift or interpreter; results do not depend on it
    #[arg(long, default_value = "auto", value_name = "B")]
    pub backend: String,
    /// Stop in an orderly way after so much wall time: 30s, 10min, 1h
    #[arg(long, value_name = "TIME")]
    pub max_time: Option<String>,
    /// Refuse what takes more memory, and stop a run that does: 500MB, 16GB; what the machine has unless given
    #[arg(long, value_name = "SIZE")]
    pub max_memory: Option<String>,
}

/// Options of what is planned and does not run.
#[derive(Args, Clone)]
pub struct PlanOptions {
    /// Numbers of processes, with commas: 1,16,256
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1", value_parser = ranks)]
    pub ranks: Vec<usize>,
    /// Threads of each process
    #[arg(long, value_name = "N", value_parser = threads, default_value = "1")]
    pub threads: usize,
    /// Override a parameter, with its unit: net.exc.tau_m=20ms, seed=3, dt=0.05ms
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Precision of states: f32 or f64
    #[arg(long, value_name = "P")]
    pub precision: Option<String>,
    /// How often a cell has an event: 5Hz for all, exc=5Hz for a population, exc.spike=5Hz for one of its events; may be given several times
    #[arg(long, value_name = "[OF=]RATE")]
    pub rate: Vec<String>,
    /// The same as cells had in an earlier run, on the average of all: its run.json
    #[arg(long, value_name = "RUN.JSON", conflicts_with = "rate")]
    pub like: Option<PathBuf>,
    /// By how much more the number of events of all cells between two messages scatters than if they were independent: variance over mean
    #[arg(long, value_name = "F", default_value = "1", value_parser = fano)]
    pub fano: f64,
    /// What something takes in place of what was measured on one machine: row=15ns; may be given several times
    #[arg(long, value_name = "NAME=TIME")]
    pub cost: Vec<String>,
}

/// Reads a variance over a mean.
fn fano(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(f) if f >= 0.0 && f.is_finite() => Ok(f),
        _ => Err("it is a number from 0 on".into()),
    }
}

/// The most processes that a plan is asked about.
const MOST_RANKS: usize = 1 << 20;

/// Reads a number of processes.
fn ranks(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(n) if (1..=MOST_RANKS).contains(&n) => Ok(n),
        _ => Err(format!("it is a whole number from 1 to {MOST_RANKS}")),
    }
}

/// Options of runs that can be stopped and resumed.
#[derive(Args, Clone, Default)]
pub struct CheckpointOptions {
    /// Keep a checkpoint every so often (30s, 10min, 1h of wall time) and when stopped, to go on from with --resume
    #[arg(long, value_name = "TIME")]
    pub checkpoint_every: Option<String>,
    /// Go on from the checkpoint in the results folder, if there is one; the bits are those of a run in one go
    #[arg(long)]
    pub resume: bool,
}

/// How the recordings of a run are written.
#[derive(Args, Clone, Default)]
pub struct FormatOptions {
    /// Formats of recordings: parquet, csv, npy (NumPy's .npz), arrow (Feather); several with commas. Parquet unless given
    #[arg(long = "format", value_name = "FORMATS", value_delimiter = ',', value_parser = format)]
    pub formats: Vec<RecordingFormat>,
}

impl FormatOptions {
    /// Those that were asked for, each once; none if nothing was said.
    pub fn asked(&self) -> Option<Vec<RecordingFormat>> {
        let all = RecordingFormat::ALL.into_iter().filter(|f| self.formats.contains(f)).collect();
        (!self.formats.is_empty()).then_some(all)
    }

    /// Their names.
    pub fn names(&self) -> Option<Vec<&'static str>> {
        Some(self.asked()?.into_iter().map(RecordingFormat::name).collect())
    }
}

/// Reads a format of recordings.
fn format(text: &str) -> Result<RecordingFormat, String> {
    RecordingFormat::parse(text.trim()).ok_or_else(|| {
        let known = RecordingFormat::ALL.map(RecordingFormat::name);
        let near = neuro::diag::nearest(text, known).map_or(String::new(), |n| format!("; did you mean {n}?"));
        format!("it is one of {}{near}", known.join(", "))
    })
}

/// Reads a number of threads.
fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=MOST_THREADS).contains(&n) => Ok(n),
        _ => Err(format!("it is a whole number from 1 to {MOST_THREADS}")),
    }
}
