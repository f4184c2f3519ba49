//! `neuro test`: the tests and experiments of files, several at once on a thread each, reported in the order of the files.

use super::files::{expand, load};
use super::messages::{Done, Messages, Stop};
use super::options::RunOptions;
use super::run::settings;
use super::signals::{self, Signal, stop_asked_for};
use super::snapshots::{self, Compared};
use neuro::compiler::Program;
use neuro::diag::{Code, Diagnostic, Diagnostics};
use neuro::disk::{Disk, named_data};
use neuro::experiment::{Expectation, Moment, Progress, Runner, Settings, Snapshot};
use neuro::hir::experiment::model::Experiment;
use neuro::parallel::{DEEP_STACK, locked};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Instant;

/// A test or an experiment.
struct Job<'a> {
    path: &'a Path,
    program: &'a Program,
    word: &'static str,
    experiment: &'a Experiment,
}

/// What came of it.
struct Report {
    expectations: Vec<Expectation>,
    snapshots: Vec<Snapshot>,
    failure: Option<Box<Diagnostic>>,
    printed: Vec<String>,
    warnings: Diagnostics,
    seconds: f64,
}

/// Keeps what experiments print until they are reported.
#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Progress for Kept {
    fn update(&self, _: &Moment) {}

    fn line(&self, text: &str) {
        locked(&self.0).push(text.to_string());
    }

    fn interrupted(&self) -> Option<String> {
        stop_asked_for().map(Signal::describe)
    }
}

#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
    slow: usize,
}

/// Runs all tests and experiments of files and folders.
pub fn test(paths: &[PathBuf], options: &RunOptions, accept: bool, messages: Messages) -> Done {
    signals::catch();
    let settings = settings(options)?;
    let mut counts = Counts::default();
    let mut programs = Vec::new();
    for path in expand(paths)? {
        match load(&path, messages) {
            Ok(program) => programs.push((path, program)),
            Err(Stop::Failed) => counts.failed += 1,
            Err(Stop::Usage(text)) => {
                messages.unusable(&text);
                counts.failed += 1;
            }
            Err(stop) => return Err(stop),
        }
    }
    let all_jobs = programs.iter().flat_map(|(path, program)| jobs_of(path, program));
    let (slow, jobs): (Vec<Job>, Vec<Job>) = all_jobs.partition(|job| job.experiment.slow && !slow_ones_too());
    for job in &slow {
        say!("slow    {}: experiment {}: NEURO_SLOW=1 runs it, too", job.path.display(), job.experiment.name);
    }
    counts.slow = slow.len();
    all(&jobs, &settings, options.threads.is_some(), &mut |job, report| {
        tell(job, report, accept, messages, &mut counts)
    });
    let Counts { passed, failed, skipped, slow } = counts;
    let skipped = if skipped > 0 { format!(", {skipped} skipped for want of data") } else { String::new() };
    let slow = if slow > 0 { format!(", {slow} left out because they are slow") } else { String::new() };
    say!("{passed} passed, {failed} failed{skipped}{slow}");
    match stop_asked_for() {
        Some(signal) => Err(Stop::Signal(signal)),
        None if failed > 0 => Err(Stop::Failed),
        None => Ok(()),
    }
}

/// Returns whether experiments that are slow are to be run.
fn slow_ones_too() -> bool {
    std::env::var_os("NEURO_SLOW").is_some_and(|v| v != "0" && !v.is_empty())
}

fn jobs_of<'a>(path: &'a Path, program: &'a Program) -> impl Iterator<Item = Job<'a>> {
    let tests = program.module.tests.iter().map(|t| ("test", t));
    let all = tests.chain(program.module.experiments.iter().map(|e| ("experiment", e)));
    all.map(move |(word, experiment)| Job { path, program, word, experiment })
}

/// Runs jobs and reports them in order. On a thread each, as many at once as there are processors, unless threads are asked for or
/// there is only one: what threads share of one run they gain less than that.
fn all(jobs: &[Job], settings: &Settings, threads_given: bool, tell: &mut dyn FnMut(&Job, Report)) {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = if threads_given { 1 } else { processors.min(jobs.len()) };
    let settings = Settings { threads: if workers > 1 { 1 } else { settings.threads }, ..settings.clone() };
    let next = AtomicUsize::new(0);
    let (send, received) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (send, next, settings) = (send.clone(), &next, &settings);
            let work = move || {
                loop {
                    let k = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(k).filter(|_| stop_asked_for().is_none()) else { return };
                    if send.send((k, run(job, settings))).is_err() {
                        return;
                    }
                }
            };
            let spawned = std::thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, work);
            if let Err(e) = spawned {
                neuro::ice!("no thread for a test: {e}");
            }
        }
        drop(send);
        let mut early: BTreeMap<usize, Report> = BTreeMap::new();
        let mut told = 0;
        for (k, report) in received {
            early.insert(k, report);
            while let Some(report) = early.remove(&told) {
                tell(&jobs[told], report);
                told += 1;
            }
        }
    });
}

fn run(job: &Job, settings: &Settings) -> Report {
    let progress = Kept::default();
    let disk = Disk::beside(job.path);
    let begin = Instant::now();
    let runner = Runner { module: &job.program.module, files: &disk, settings: settings.clone(), progress: &progress };
    let outcome = runner.run(job.experiment);
    Report {
        expectations: outcome.expectations,
        snapshots: outcome.snapshots,
        warnings: outcome.warnings,
        failure: outcome.failure,
        seconds: begin.elapsed().as_secs_f64(),
        printed: progress.0.into_inner().unwrap_or_else(PoisonError::into_inner),
    }
}

/// Returns whether what cannot be read would be in a folder of data, where none is named and the model has no such folder beside it.
fn is_of_a_data_folder(d: &Diagnostic, model: &Path) -> bool {
    let path = d.message.strip_prefix("cannot read `").and_then(|m| m.strip_suffix('`'));
    let folder = path.and_then(|p| p.split_once('/')).map(|(folder, _)| folder);
    let beside = |folder: &str| model.parent().is_some_and(|p| p.join(folder).exists());
    let named = named_data().is_some() || std::env::var_os("NEURO_DATA").is_some();
    d.code == Code::E0802 && !named && folder.is_some_and(|f| !matches!(f, "" | "." | "..") && !beside(f))
}

fn tell(job: &Job, report: Report, accept: bool, messages: Messages, counts: &mut Counts) {
    let Report { expectations, snapshots, failure, printed, warnings, seconds } = report;
    printed.iter().for_each(|line| say!("{line}"));
    let (path, word, name) = (job.path.display(), job.word, &job.experiment.name);
    if let Some(d) = failure.as_ref().filter(|d| d.code == Code::E0814 || is_of_a_data_folder(d, job.path)) {
        say!("skipped {path}: {word} {name}: {}", d.message);
        counts.skipped += 1;
        return;
    }
    let broken: Vec<&Expectation> = expectations.iter().filter(|e| !e.passed).collect();
    let compared = snapshots::compare(job.path, name, &snapshots, accept && failure.is_none() && broken.is_empty());
    let kept = compared.iter().all(|(_, c)| !matches!(c, Compared::Differs(..) | Compared::Unwritten(_)));
    let checks = expectations.len() + snapshots.len();
    let ok = failure.is_none() && broken.is_empty() && kept && checks > 0;
    let result = if ok { "ok    " } else { "FAILED" };
    let shown = if snapshots.is_empty() { String::new() } else { format!("{} snapshots, ", snapshots.len()) };
    say!("{result} {path}: {word} {name} ({} expectations, {shown}{seconds:.1} s)", expectations.len());
    messages.all(&warnings, &job.program.sources);
    for (snapshot, c) in &compared {
        match c {
            Compared::Same => {}
            Compared::Elsewhere(machine) => messages.note(&format!(
                "`snapshot {} of {}` was taken on another machine ({machine}) and is not compared",
                snapshot.form.word(),
                snapshot.of
            )),
            Compared::Taken(file) => say!("taken  {}", file.display()),
            Compared::Differs(difference, known) => {
                let (how, label) = match known {
                    true => ("differs", "made otherwise than before"),
                    false => ("is new", "nothing is kept yet"),
                };
                let message = format!("the snapshot `{} of {}` {how}", snapshot.form.word(), snapshot.of);
                let d = Diagnostic::at(Code::E0807, snapshot.span, message, label);
                messages.one(&d.help("`neuro test --accept` takes it as it is now"), &job.program.sources);
                say!("{}", difference.trim_end());
            }
            Compared::Unwritten(why) => {
                messages
                    .one(&Diagnostic::at(Code::E0809, snapshot.span, why.clone(), "not kept"), &job.program.sources);
            }
        }
    }
    if ok {
        counts.passed += 1;
        return;
    }
    counts.failed += 1;
    for e in broken {
        let message = format!("expectation failed: found {}", e.found);
        messages.one(&Diagnostic::at(Code::E0807, e.span, message, "does not hold"), &job.program.sources);
    }
    if let Some(d) = &failure {
        messages.one(d, &job.program.sources);
    } else if checks == 0 {
        messages.note(&format!("{word} `{name}` expects nothing, so it tests nothing"));
    }
}
