//! `neuro run`.

use super::checkpoints::{CHECKPOINT, Kept, time};
use super::files::load;
use super::messages::{Done, MessageFormat, Messages, Stop, several};
use super::options::{CheckpointOptions, FormatOptions, RunOptions};
use super::page::Page;
use super::progress::{Hears, Shown};
use super::ranks::{self, Beginning, Scratch};
use super::results::{self, Begun, Failure, How, Results};
use super::signals::{self, stop_asked_for};
use neuro::budget;
use neuro::codegen::Backend;
use neuro::compiler::{Program, unknown_experiment};
use neuro::data::{Files, sha256};
use neuro::diag::{Code, Diagnostic};
use neuro::disk::Disk;
use neuro::experiment::{CheckpointStore, Checkpoints, Outcome, Override, RunIdentity, Runner, Settings, Share};
use neuro::hir::experiment::model::Experiment;
use neuro::ir::Precision;
use neuro::report::{self, RecordingFormat, RunInfo};
use neuro::runtime::exchange::Ranks;
use neuro::value::Quantity;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What `neuro run` was asked to do.
#[derive(clap::Args)]
pub struct Request {
    /// The .neuro file (not needed with --replay)
    #[arg(required_unless_present = "replay")]
    pub file: Option<PathBuf>,
    /// The experiment; all of the file's unless named
    pub experiment: Option<String>,
    #[command(flatten)]
    pub options: RunOptions,
    /// Folder for results
    #[arg(long, default_value = "results", value_name = "DIR")]
    pub results: PathBuf,
    /// Write results into a folder that holds files of others; they stay as they are
    #[arg(long)]
    pub force: bool,
    /// Keep the results that are there, and write into a new folder: `NAME-2`, `NAME-3` …
    #[arg(long, conflicts_with_all = ["force", "resume"])]
    pub keep: bool,
    /// Repeat the run of a run.json bit for bit
    #[arg(long, value_name = "RUN.JSON")]
    pub replay: Option<PathBuf>,
    #[command(flatten)]
    pub formats: FormatOptions,
    #[command(flatten)]
    pub checkpoints: CheckpointOptions,
    /// Write report.html, too: everything about the run in one page that can be sent to others
    #[arg(long)]
    pub report: bool,
    /// Serve the report while the run goes on, on this machine alone; at any free port unless one is given
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, default_missing_value = "0")]
    pub watch: Option<u16>,
    /// Say where the time went: by population, port and projection. Results do not depend on it
    #[arg(long)]
    pub profile: bool,
    /// No progress
    #[arg(long, short)]
    pub quiet: bool,
    /// Started by a sweep, which tells through standard input when to stop
    #[arg(long, hide = true)]
    pub of_sweep: bool,
}

/// Turns command-line options into settings.
pub fn settings(o: &RunOptions) -> Result<Settings, Stop> {
    let mut out = Settings::default();
    if let Some(n) = o.threads {
        if n == 0 {
            return Err(Stop::Usage("--threads must be at least 1".into()));
        }
        out.threads = n;
    }
    out.precision = precision(o.precision.as_deref())?;
    out.backend = Backend::parse(&o.backend).ok_or_else(|| {
        let known: Vec<&str> = Backend::NAMES.iter().map(|(name, _)| *name).collect();
        Stop::Usage(format!("unknown back end `{}`; it is one of {}", o.backend, known.join(", ")))
    })?;
    if !out.backend.is_available() {
        return Err(Stop::Usage("this machine has no vectors wider than 128 bits; use --backend cranelift".into()));
    }
    out.longest = o.max_time.as_deref().map(|t| time("max-time", t)).transpose()?;
    if let Some(text) = &o.max_memory {
        budget::allow(size(text)?);
    }
    out.overrides = overrides(&o.set)?;
    Ok(out)
}

/// Reads a precision.
pub fn precision(given: Option<&str>) -> Result<Option<Precision>, Stop> {
    match given {
        None => Ok(None),
        Some("f32") => Ok(Some(Precision::F32)),
        Some("f64") => Ok(Some(Precision::F64)),
        Some(p) => Err(Stop::Usage(format!("unknown precision `{p}`; it is f32 or f64"))),
    }
}

/// Reads values that replace those of a text.
pub fn overrides(given: &[String]) -> Result<Vec<Override>, Stop> {
    let one = |s: &String| match s.split_once('=') {
        Some((path, value)) => Ok(Override { path: path.trim().into(), value: value.trim().into() }),
        None => Err(Stop::Usage(format!("`--set {s}` lacks a value; write `--set path=value`"))),
    };
    let all: Vec<Override> = given.iter().map(one).collect::<Result<_, _>>()?;
    let repeated = all.iter().enumerate().find(|(k, o)| all[..*k].iter().any(|earlier| earlier.path == o.path));
    match repeated {
        Some((_, o)) => Err(Stop::Usage(format!("`--set {}` is given twice; leave one of them out", o.path))),
        None => Ok(all),
    }
}

/// Reads a number of bytes: `500MB`, `16 GB`.
fn size(text: &str) -> Result<u64, Stop> {
    let bad = || Stop::Usage(format!("`--max-memory {text}` is not a size; write 500MB or 16GB"));
    let at = text.find(|c: char| c.is_alphabetic()).ok_or_else(bad)?;
    let value: f64 = text[..at].trim().parse().map_err(|_| bad())?;
    let unit = match text[at..].trim().to_ascii_lowercase().as_str() {
        "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        _ => return Err(bad()),
    };
    let bytes = value * unit;
    if (1.0..1e18).contains(&bytes) { Ok(bytes as u64) } else { Err(bad()) }
}

pub fn run(mut request: Request, ranks: Ranks, messages: Messages) -> Done {
    signals::catch();
    if request.of_sweep {
        signals::heed_sweep();
    }
    let prepared = ranks::prepared(&ranks, || prepare(&mut request, ranks.clone(), messages))?;
    let Prepared { file, program, digest, chosen, settings, every } = prepared;
    let command = format!("{digest}\n{:?}\n{:?}", request.experiment, settings.overrides);
    ranks::same(&ranks, &format!("{command}\n{:?}\n{:?}", settings.precision, settings.longest))?;
    let one = One {
        request: &request,
        file: &file,
        program: &program,
        digest: &digest,
        every,
        settings: &settings,
        messages,
    };
    let mut failed = false;
    for e in chosen {
        let done = one.run(&e);
        // What ends the command in one process ends it in all.
        let ends = ranks.any(!matches!(done, Ok(()) | Err(Stop::Failed)));
        match done {
            Err(Stop::Failed) => failed = true,
            other => other?,
        }
        if ends {
            return Err(Stop::Failed);
        }
    }
    if failed { Err(Stop::Failed) } else { Ok(()) }
}

/// What there is to run.
struct Prepared {
    file: PathBuf,
    program: Program,
    digest: String,
    chosen: Vec<Arc<Experiment>>,
    settings: Settings,
    every: Option<Duration>,
}

/// Reads the model, and what is to be done with it.
fn prepare(request: &mut Request, ranks: Ranks, messages: Messages) -> Result<Prepared, Stop> {
    let mut settings = settings(&request.options)?;
    (settings.profile, settings.ranks) = (request.profile, ranks);
    let replay = request.replay.as_deref().map(Replay::read).transpose()?;
    if let Some(record) = &replay {
        request.file = Some(record.source.clone());
        request.experiment = Some(record.experiment.clone());
        settings.precision = Some(record.precision);
        settings.overrides = record.overrides.clone();
    }
    let Some(file) = request.file.clone() else { return Err(Stop::Usage("no file to run".into())) };
    let program = load(&file, messages)?;
    let digest = program.digest();
    if let Some(d) = replay.as_ref().and_then(|record| record.changed(&digest, &Disk::beside(&file))) {
        messages.one(&d, &program.sources);
        return Err(Stop::Failed);
    }
    let chosen: Vec<Arc<Experiment>> = match &request.experiment {
        Some(name) => program.module.experiments.iter().filter(|e| e.name == *name).cloned().collect(),
        None => program.module.experiments.clone(),
    };
    if chosen.is_empty() {
        messages
            .one(&unknown_experiment(&program.module, request.experiment.as_deref().unwrap_or("")), &program.sources);
        return Err(Stop::Failed);
    }
    let every = request.checkpoints.checkpoint_every.as_deref().map(|t| time("checkpoint-every", t)).transpose()?;
    Ok(Prepared { file, program, digest, chosen, settings, every })
}

/// What the runs of a command have in common.
struct One<'a> {
    request: &'a Request,
    file: &'a Path,
    program: &'a Program,
    digest: &'a str,
    every: Option<Duration>,
    settings: &'a Settings,
    messages: Messages,
}

impl One<'_> {
    /// Runs one experiment.
    fn run(&self, e: &Experiment) -> Done {
        let (messages, ranks) = (self.messages, &self.settings.ranks);
        if ranks.rank() > 0 {
            return self.run_beside(e);
        }
        let folder = match self.request.keep {
            true => results::new_folder(&self.request.results.join(&e.name)),
            false => self.request.results.join(&e.name),
        };
        let disk = Disk::beside(self.file);
        let begun = self.begin(e, &folder, &disk).and_then(|(results, resume)| {
            let page = self.request.watch.map(|port| Page::open(port, &e.name)).transpose();
            page.map(|page| (results, resume, page)).map_err(Err)
        });
        if ranks.are_several() {
            ranks.tell(&match &begun {
                Ok((results, resume, _)) => Beginning::Begins(in_full(results.work()), resume.clone()),
                Err(ended) => Beginning::Not { failed: ended.is_err() },
            });
        }
        let (results, resume, page) = match begun {
            Ok(begun) => begun,
            Err(ended) => return ended,
        };
        ranks.agree(Ok(())).map_err(Stop::Usage)?;
        if results.replaces() {
            messages.note(&format!("the results in {} will be replaced when this run ends", folder.display()));
        }
        if self.request.checkpoints.resume && resume.is_none() && !self.request.of_sweep {
            messages.note(&format!("no checkpoint is in {}: the run begins at its beginning", folder.display()));
        }
        self.run_in(e, (results, &folder), &disk, (page, resume))
    }

    /// What is known of a run.
    fn info(&self, e: &Experiment, disk: &Disk, settings: &Settings) -> RunInfo {
        RunInfo {
            source: self.file.to_path_buf(),
            digest: self.digest.to_string(),
            data: disk.digests(),
            experiment: e.name.to_string(),
            settings: settings.clone(),
            formats: self.request.formats.asked(),
            sources: self.program.sources.clone(),
        }
    }

    /// Makes the folder of results ready, and finds the checkpoint to go on from; how the command ends here if there is nothing to run.
    fn begin(&self, e: &Experiment, folder: &Path, disk: &Disk) -> Result<(Box<Results>, Option<Vec<u8>>), Done> {
        let (request, messages) = (self.request, self.messages);
        // The runs of a sweep that was killed notice it, and end; a new sweep may be faster.
        let patience = if request.of_sweep { Duration::from_secs(30) } else { Duration::ZERO };
        let how = How {
            force: request.force,
            resume: request.checkpoints.resume,
            patience,
            page: request.report || request.watch.is_some(),
            formats: request.formats.asked().unwrap_or(RecordingFormat::UNLESS_ASKED.to_vec()),
        };
        let same_data = |record: &Value| changed_data(record, disk).is_none();
        let mark = report::mark(&self.info(e, disk, self.settings));
        match Results::begin(folder, &mark, how, &same_data) {
            Ok(Begun::Here(results, resume)) => Ok((results, resume)),
            Ok(Begun::Finished(met)) => {
                let missed = if met { "" } else { "; not all of its expectations hold" };
                let at = folder.display();
                messages.note(&format!("{} has come to its end; its results are in {at}{missed}", e.name));
                Err(if met { Ok(()) } else { Err(Stop::Failed) })
            }
            Err(Failure::Stop(stop)) => Err(Err(stop)),
            Err(Failure::Diagnostic(d)) => {
                messages.one(&d, &self.program.sources);
                Err(Err(Stop::Failed))
            }
        }
    }

    /// Computes an experiment beside the first process, which writes and prints.
    fn run_beside(&self, e: &Experiment) -> Done {
        let (work, resume) = match self.settings.ranks.tell(&Beginning::Heard).swap_remove(0) {
            Beginning::Begins(work, resume) => (work, resume),
            Beginning::Not { failed: false } => return Ok(()),
            Beginning::Not { failed: true } | Beginning::Heard => return Err(Stop::Failed),
        };
        let scratch = Scratch::new().map_err(|e| format!("no temporary folder can be made: {e}"));
        let keeps = self.every.is_some() || resume.is_some();
        let scratch = match results::is_there(&work) || !keeps {
            true => scratch,
            false => {
                Err(format!("{} is not there, where every process keeps its part of a checkpoint", work.display()))
            }
        };
        let told = scratch.as_ref().map(|_| ()).map_err(String::clone);
        self.settings.ranks.agree(told).map_err(Stop::Usage)?;
        let scratch = scratch.map_err(Stop::Usage)?;
        let settings = Settings { results: Some(scratch.path().to_path_buf()), ..self.settings.clone() };
        let (disk, progress) = (Disk::beside(self.file), Shown::new(Hears::Nobody, &self.program.sources, None));
        let outcome = self.compute(e, (&settings, &disk), &progress, (&Kept::beside(&work), resume));
        match stop_asked_for() {
            Some(signal) if is_interrupted(&outcome) => Err(Stop::Signal(signal)),
            _ if outcome.failure.is_some() || outcome.expectations.iter().any(|e| !e.passed) => Err(Stop::Failed),
            _ => Ok(()),
        }
    }

    /// Computes an experiment, from a checkpoint on if there is one.
    fn compute(
        &self,
        e: &Experiment,
        (settings, disk): (&Settings, &Disk),
        progress: &Shown,
        (keeper, resume): (&dyn CheckpointStore, Option<Vec<u8>>),
    ) -> Outcome {
        let runner = Runner { module: &self.program.module, files: disk, settings: settings.clone(), progress };
        if self.every.is_none() && resume.is_none() {
            return self.shared(runner.run(e));
        }
        let belongs = RunIdentity {
            neuro: env!("CARGO_PKG_VERSION").into(),
            source_sha256: self.digest.to_string(),
            experiment: e.name.to_string(),
            overrides: settings.overrides.iter().map(|o| (o.path.clone(), o.value.clone())).collect(),
            precision: settings.precision.map(|p| p.to_string()),
        };
        self.shared(runner.run_with(e, &Checkpoints { keeper, belongs, resume }))
    }

    /// Takes note of what each of several processes took.
    fn shared(&self, outcome: Outcome) -> Outcome {
        let ranks = &self.settings.ranks;
        let share = Share { peak_memory: report::peak_memory(), traffic: ranks.traffic() };
        let processes = if ranks.are_several() { ranks.tell(&share) } else { Vec::new() };
        Outcome { processes, ..outcome }
    }

    /// Runs an experiment whose results have a place.
    fn run_in(
        &self,
        e: &Experiment,
        (results, folder): (Box<Results>, &Path),
        disk: &Disk,
        (page, resume): (Option<Page>, Option<Vec<u8>>),
    ) -> Done {
        let (request, messages, sources) = (self.request, self.messages, &self.program.sources);
        let settings = Settings { results: Some(results.work().to_path_buf()), ..self.settings.clone() };
        let hears = match (messages.format, request.quiet) {
            (MessageFormat::Json, quiet) => Hears::Program(!quiet),
            (_, true) => Hears::Nobody,
            (_, false) => Hears::People,
        };
        if let Some(page) = &page {
            messages.note(&format!("open {} to watch", page.url()));
        }
        let progress = Shown::new(hears, sources, page.as_ref());
        let mut marked = report::mark(&self.info(e, disk, self.settings));
        marked["results"] = json!(folder.display().to_string());
        progress.begin(&marked, &report::sources(sources));
        let kept = Kept::new(results.work(), self.every);
        let mut outcome = self.compute(e, (&settings, disk), &progress, (&kept, resume));
        progress.clear();
        messages.all(&outcome.warnings, sources);
        let mut record = report::record(&outcome, &self.info(e, disk, &settings));
        let published = results.publish(&mut outcome, record.clone());
        let at = published.as_ref().map_or_else(|(at, _)| at, |(at, _)| at);
        record["results"] = json!(at.display().to_string());
        progress.all_measures(outcome.measures.iter());
        progress.finish(&record, &report::files_of(at));
        if let Some(page) = &page {
            page.close();
        }
        if messages.format != MessageFormat::Json {
            print_measures(&outcome);
        }
        let mut failed = !print_expectations(&outcome, self.program, messages);
        if let Some(d) = &outcome.failure {
            messages.one(d, sources);
            failed = true;
        }
        outcome.imports.iter().for_each(|import| messages.note(&import.to_string()));
        if request.profile {
            super::profile::table(&outcome).iter().for_each(|line| messages.note(line));
        }
        match published {
            Ok((at, n)) => {
                messages.note(&format!(
                    "{}, {}; built in {:.2} s, ran {:.3} s in {:.2} s; {} in {}",
                    several(outcome.size.0, "neuron"),
                    several(outcome.size.1, "synapse"),
                    outcome.built_in,
                    outcome.simulated / 1000.0,
                    outcome.ran_in,
                    several(n, "file"),
                    at.display()
                ));
                if at != folder {
                    messages.note(&format!("{} keeps the results of an earlier run", folder.display()));
                }
                if at.join(CHECKPOINT).exists() {
                    messages.note("a checkpoint is kept; the same command with `--resume` goes on from here");
                }
            }
            Err((at, reason)) => {
                let d = Diagnostic::new(Code::E0809, format!("results cannot be written: {reason}"))
                    .note(format!("what could be written is in {}", at.display()))
                    .help("free some space, or choose another folder with `--results`");
                messages.one(&d, sources);
                failed = true;
            }
        }
        match stop_asked_for() {
            Some(signal) if is_interrupted(&outcome) => Err(Stop::Signal(signal)),
            _ if failed => Err(Stop::Failed),
            _ => Ok(()),
        }
    }
}

/// A path that other processes understand, wherever they were started.
fn in_full(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Whether the user has stopped a run.
fn is_interrupted(outcome: &Outcome) -> bool {
    outcome.failure.as_ref().is_some_and(|d| d.code == Code::E0812)
}

/// Values of a measure that are printed.
const MOST_MEASURED: usize = 40;

fn print_measures(outcome: &Outcome) {
    for (name, list) in &outcome.measures {
        if list.len() == 1 {
            say!("{name} = {}", list[0]);
        } else {
            // Of many the last ones matter as much as the first.
            let some = |part: &[Quantity]| part.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            match list.len().checked_sub(MOST_MEASURED) {
                None | Some(0) => say!("{name} = {}", some(list)),
                Some(more) => {
                    let half = MOST_MEASURED / 2;
                    let (first, last) = (some(&list[..half]), some(&list[list.len() - half..]));
                    say!("{name} = {first}, … ({more} more), {last}");
                }
            }
        }
    }
}

/// Reports expectations; returns whether all held.
fn print_expectations(outcome: &Outcome, program: &Program, messages: Messages) -> bool {
    let mut all = true;
    for e in &outcome.expectations {
        let text = program.sources.text(e.span).split_whitespace().collect::<Vec<_>>().join(" ");
        if e.passed && messages.format != MessageFormat::Json {
            say!("ok    expect {text}   [{}]", e.found);
        } else if !e.passed {
            all = false;
            let d =
                Diagnostic::at(Code::E0807, e.span, format!("expectation failed: found {}", e.found), "does not hold");
            messages.one(&d, &program.sources);
        }
    }
    all
}

/// The part of a `run.json` that repeats a run.
struct Replay {
    source: PathBuf,
    experiment: String,
    digest: String,
    json: Value,
    precision: Precision,
    overrides: Vec<Override>,
}

/// Returns a data file of a record that is not there any more as it was.
fn changed_data(record: &Value, disk: &Disk) -> Option<String> {
    let mut files = record["data_sha256"].as_object().into_iter().flatten();
    let differs = |path: &str, digest: &Value| disk.read(path).map(|b| sha256(&b)).ok().as_deref() != digest.as_str();
    files.find(|(path, digest)| differs(path, digest)).map(|(path, _)| path.clone())
}

/// Reads the path of the source, which need not be text.
fn source(record: &Value) -> Option<PathBuf> {
    #[cfg(unix)]
    if let Some(list) = record["source_bytes"].as_array() {
        use std::os::unix::ffi::OsStringExt;
        let bytes = list.iter().map(|b| u8::try_from(b.as_u64()?).ok()).collect::<Option<Vec<u8>>>()?;
        return Some(std::ffi::OsString::from_vec(bytes).into());
    }
    record["source"].as_str().map(PathBuf::from)
}

impl Replay {
    /// Reports a source or a data file that is not the one of the record.
    fn changed(&self, digest: &str, disk: &Disk) -> Option<Diagnostic> {
        if self.digest != digest {
            return Some(
                Diagnostic::new(Code::E0810, format!("`{}` is not the source of this record", self.source.display()))
                    .note("its text or an import has changed since")
                    .help("restore the file, or run it without `--replay`"),
            );
        }
        let other = changed_data(&self.json, disk)?;
        Some(
            Diagnostic::new(Code::E0810, format!("`{other}` is not the data of this record"))
                .note("the file has changed since, or is missing")
                .help("restore the file, or run without `--replay`"),
        )
    }

    fn read(path: &Path) -> Result<Replay, Stop> {
        let bad = |why: String| Stop::Usage(format!("{} is not the record of a run: {why}", path.display()));
        let text =
            std::fs::read_to_string(path).map_err(|e| Stop::Usage(format!("cannot read {}: {e}", path.display())))?;
        let json: Value = serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?;
        let field = |n: &str| json[n].as_str().map(String::from).ok_or_else(|| bad(format!("`{n}` is missing")));
        let version = field("neuro")?;
        if version != env!("CARGO_PKG_VERSION") {
            return Err(Stop::Usage(format!(
                "{} was made by neuro {version}, this is {}; bits could differ",
                path.display(),
                env!("CARGO_PKG_VERSION")
            )));
        }
        let mut overrides: Vec<Override> = Vec::new();
        for (path, value) in json["overrides"].as_object().into_iter().flatten() {
            overrides.push(Override { path: path.clone(), value: value.as_str().unwrap_or_default().into() });
        }
        Ok(Replay {
            source: source(&json).ok_or_else(|| bad("`source` is missing".into()))?,
            experiment: field("experiment")?,
            digest: field("source_sha256")?,
            precision: if field("precision")? == "f64" { Precision::F64 } else { Precision::F32 },
            overrides,
            json,
        })
    }
}
