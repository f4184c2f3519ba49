//! `sweep`: one experiment at several values of its parameters, in processes side by side, with one table of results.

use super::files::load;
use super::messages::{Done, Messages, Stop};
use super::options::{CheckpointOptions, FormatOptions, RunOptions};
use super::progress::spelled;
use super::ranks;
use super::run::settings;
use super::signals::{self, stop_asked_for};
use neuro::compiler::Program;
use neuro::data::{Files, sha256};
use neuro::disk::{Disk, allowed, named_data};
use neuro::experiment::Override;
use neuro::hir::Module;
use neuro::hir::experiment::overrides;
use neuro::parallel::locked;
use neuro::report::has_formats;
use neuro::runtime::exchange::Ranks;
use neuro::units::Unit;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// As many runs as a sweep makes at most: each has a folder.
const MOST_POINTS: u64 = 100_000;

/// Between two looks at whether a run has ended.
const LOOK: Duration = Duration::from_millis(5);

/// What `neuro sweep` was asked to do.
pub struct Request {
    pub file: PathBuf,
    pub experiment: String,
    pub over: Vec<String>,
    pub jobs: Option<usize>,
    pub options: RunOptions,
    pub formats: FormatOptions,
    pub checkpoints: CheckpointOptions,
    pub results: PathBuf,
}

/// One run: the values it is made at.
struct Point {
    values: Vec<String>,
    folder: PathBuf,
}

/// What became of a run.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// It was there already, with all expectations met or not.
    Kept(bool),
    Passed,
    Failed,
}

/// Reads `path=a,b,c` or `path=1..5`, both ends included.
fn axis(text: &str) -> Result<(String, Vec<String>), Stop> {
    let bad = |why: &str| Stop::Usage(format!("`--over {text}` {why}; write `--over seed=1..5` or `--over T=4s,8s`"));
    let (path, values) = text.split_once('=').ok_or_else(|| bad("lacks values"))?;
    let range =
        values.split_once("..").and_then(|(a, b)| Some((a.trim().parse::<u64>().ok()?, b.trim().parse::<u64>().ok()?)));
    let values: Vec<String> = match range {
        Some((a, b)) if b.saturating_sub(a) >= MOST_POINTS => return Err(bad("has too many values")),
        Some((a, b)) => (a..=b).map(|k| k.to_string()).collect(),
        None => listed(values),
    };
    // Texts may hold `..` as well, as paths do.
    let begins_with_digit = |v: &str| v.trim_start().starts_with(|c: char| c.is_ascii_digit());
    let is_range = |v: &String| v.split_once("..").is_some_and(|(a, b)| begins_with_digit(a) && begins_with_digit(b));
    if range.is_none() && values.iter().any(is_range) {
        return Err(bad("has a range that is not of whole numbers"));
    }
    if values.is_empty() || values.iter().any(String::is_empty) {
        return Err(bad("has an empty value"));
    }
    if values.iter().collect::<BTreeSet<_>>().len() < values.len() {
        return Err(bad("has a value twice"));
    }
    Ok((path.trim().to_string(), values))
}

/// What stands between commas, of which those within brackets belong to a value.
fn listed(values: &str) -> Vec<String> {
    let mut depth = 0;
    let outside = |c: char| {
        depth += i32::from(matches!(c, '[' | '(')) - i32::from(matches!(c, ']' | ')'));
        c == ',' && depth == 0
    };
    values.split(outside).map(|v| v.trim().to_string()).collect()
}

/// Refuses a sweep that is told twice what something shall be.
fn each_once(axes: &[(String, Vec<String>)], fixed: &[Override]) -> Result<(), Stop> {
    let mut given: BTreeSet<&str> = fixed.iter().map(|o| o.path.as_str()).collect();
    match axes.iter().find(|(path, _)| !given.insert(path)) {
        Some((path, _)) if fixed.iter().any(|o| o.path == *path) => {
            Err(Stop::Usage(format!("`{path}` has a value by `--set` and others by `--over`; leave one of them out")))
        }
        Some((path, _)) => Err(Stop::Usage(format!("`--over {path}` is given twice; write all its values in one"))),
        None => Ok(()),
    }
}

/// All combinations, the last axis changing fastest.
fn points(axes: &[(String, Vec<String>)], folder: &Path) -> Vec<Point> {
    let mut all = vec![Vec::new()];
    for (_, values) in axes {
        all = all
            .iter()
            .flat_map(|p: &Vec<String>| values.iter().map(|v| [&p[..], std::slice::from_ref(v)].concat()))
            .collect();
    }
    let name = |values: &[String]| -> String {
        let parts: Vec<String> = axes.iter().zip(values).map(|((path, _), v)| format!("{path}={v}")).collect();
        parts.join(" ").replace(['/', '\\'], "_")
    };
    all.into_iter().map(|values| Point { folder: folder.join(name(&values)), values }).collect()
}

fn read_json(path: &Path) -> Option<Value> {
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

/// Data files as they are now, each read once.
#[derive(Default)]
struct Current(Mutex<BTreeMap<String, Option<String>>>);

impl Current {
    /// Returns whether the files that a run has read are still what they were.
    fn are(&self, record: &Value, disk: &Disk) -> bool {
        let mut known = locked(&self.0);
        let mut now = |path: &String| {
            let digest = known.entry(path.clone()).or_insert_with(|| disk.read(path).ok().map(|bytes| sha256(&bytes)));
            digest.clone()
        };
        record["data_sha256"]
            .as_object()
            .is_none_or(|all| all.iter().all(|(path, was)| now(path).as_deref() == was.as_str()))
    }
}

/// Returns whether a run of the same source and data at the same values has come to its end.
fn finished(p: &Point, sweep: &Sweep, overrides: &[(String, String)]) -> Option<End> {
    let request = sweep.request;
    let record = read_json(&p.folder.join(&request.experiment).join("run.json"))?;
    let same = record["source_sha256"] == sweep.digest
        && sweep.current.are(&record, &Disk::beside(&request.file))
        && request.options.precision.as_ref().is_none_or(|p| record["precision"] == p.as_str())
        && record["complete"] == true
        && has_formats(&record, &json!(request.formats.names()))
        && record["overrides"].as_object()?.len() == overrides.len()
        && overrides.iter().all(|(path, value)| record["overrides"][path] == value.as_str());
    let met = record["expectations"].as_array()?.iter().all(|e| e["passed"] == true);
    same.then_some(End::Kept(met))
}

/// What the runs of a sweep have in common.
struct Sweep<'a> {
    request: &'a Request,
    ranks: &'a Ranks,
    messages: Messages,
    program: Program,
    digest: String,
    current: Current,
    axes: Vec<(String, Vec<String>)>,
    fixed: Vec<Override>,
    binary: PathBuf,
    /// Runs at the same time, and threads of each.
    jobs: usize,
    threads: usize,
}

/// How runs are dealt out to several processes, as they become free.
struct Dealing {
    /// A folder that all of them see while the sweep goes on, where they mark what they have taken.
    folder: Option<PathBuf>,
    /// Which runs were there before; the first process tells of those.
    there: Vec<bool>,
    rank: usize,
}

/// How the name of the folder begins.
const DEALT: &str = ".dealt-";

impl Dealing {
    /// Makes the folder among the results, if there are several processes; what earlier ones have left behind goes.
    fn new(results: &Path, ranks: &Ranks, there: Vec<bool>) -> Result<Dealing, Stop> {
        let made = if ranks.rank() == 0 { Dealing::make(results, ranks.are_several()) } else { Ok(None) };
        let told = if ranks.are_several() { ranks.tell(&made).swap_remove(0) } else { made };
        let name = told.map_err(|why| Stop::Usage(format!("cannot use {}: {why}", results.display())))?;
        Ok(Dealing { folder: name.map(|name| results.join(name)), there, rank: ranks.rank() })
    }

    fn make(results: &Path, needed: bool) -> Result<Option<PathBuf>, String> {
        let left = std::fs::read_dir(results).into_iter().flatten().flatten();
        let left = left.filter(|entry| entry.file_name().to_string_lossy().starts_with(DEALT));
        left.for_each(|entry| drop(std::fs::remove_dir_all(entry.path())));
        if !needed {
            return Ok(None);
        }
        let name = PathBuf::from(format!("{DEALT}{}", std::process::id()));
        std::fs::create_dir_all(results.join(&name)).map_err(|e| e.to_string())?;
        Ok(Some(name))
    }

    /// Takes a run; false if it is another process's.
    fn take(&self, number: usize) -> Result<bool, String> {
        let Some(folder) = &self.folder else { return Ok(true) };
        if self.there[number] {
            return Ok(self.rank == 0);
        }
        match std::fs::OpenOptions::new().write(true).create_new(true).open(folder.join(number.to_string())) {
            Ok(_) => Ok(true),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(format!(
                "process {} cannot use {}: {e}; all processes must see the folder of results",
                self.rank,
                folder.display()
            )),
        }
    }
}

impl Drop for Dealing {
    fn drop(&mut self) {
        let folder = self.folder.take().filter(|_| self.rank == 0);
        folder.into_iter().for_each(|folder| drop(std::fs::remove_dir_all(folder)));
    }
}

/// What became of the runs of a process.
#[derive(Default, Serialize, Deserialize)]
struct Ended {
    /// Whether one failed, or has an expectation that does not hold.
    failed: bool,
    /// Whether it was asked to stop.
    stopped: bool,
    /// Why it could not go on.
    trouble: Option<String>,
}

pub fn sweep(request: &Request, ranks: &Ranks, messages: Messages) -> Done {
    signals::catch();
    let (sweep, points) = ranks::prepared(ranks, || prepare(request, ranks, messages))?;
    let what = format!("{}\n{}\n{:?}\n{:?}", sweep.digest, request.experiment, request.over, sweep.fixed);
    ranks::same(ranks, &what)?;
    let there = if ranks.are_several() { sweep.there(&points) } else { Vec::new() };
    let dealing = Dealing::new(&request.results, ranks, there)?;
    let ended = sweep.run(&points, &dealing);
    // What runs elsewhere may have the processors that are here.
    ranks.wait();
    drop(dealing);
    let all = if ranks.are_several() { ranks.tell(&ended) } else { vec![ended] };
    let seen = sweep.all_are_seen(&points, &all);
    let done = seen.and_then(|()| if ranks.rank() == 0 { sweep.write(&points) } else { Ok(()) });
    match stop_asked_for() {
        _ if done.is_err() => done,
        Some(signal) => Err(Stop::Signal(signal)),
        None if all.iter().any(|ended| ended.failed || ended.stopped) => Err(Stop::Failed),
        None => Ok(()),
    }
}

/// Reads the model, and which runs there are.
fn prepare<'a>(request: &'a Request, ranks: &'a Ranks, messages: Messages) -> Result<(Sweep<'a>, Vec<Point>), Stop> {
    let fixed = settings(&request.options)?.overrides;
    let axes: Vec<(String, Vec<String>)> = request.over.iter().map(|o| axis(o)).collect::<Result<_, _>>()?;
    each_once(&axes, &fixed)?;
    let program = load(&request.file, messages)?;
    if !program.module.experiments.iter().any(|e| e.name == request.experiment) {
        messages.one(&neuro::compiler::unknown_experiment(&program.module, &request.experiment), &program.sources);
        return Err(Stop::Failed);
    }
    let n = axes.iter().fold(1u64, |n, (_, values)| n.saturating_mul(values.len() as u64));
    if n > MOST_POINTS {
        return Err(Stop::Usage(format!("this would be {n} runs; a sweep makes at most {MOST_POINTS}")));
    }
    let points = points(&axes, &request.results);
    if request.jobs == Some(0) {
        return Err(Stop::Usage("--jobs must be at least 1".into()));
    }
    // Those of several processes share the processors of a machine.
    let cores = std::thread::available_parallelism().map_or(1, usize::from).div_ceil(ranks::on_this_machine());
    let jobs = request.jobs.unwrap_or(cores).min(points.len());
    let binary = std::env::current_exe().map_err(|e| Stop::Usage(format!("cannot find this program: {e}")))?;
    let threads = request.options.threads.unwrap_or((cores / jobs).max(1));
    Ok((
        Sweep {
            request,
            ranks,
            messages,
            digest: program.digest(),
            program,
            current: Current::default(),
            axes,
            fixed,
            binary,
            jobs,
            threads,
        },
        points,
    ))
}

impl Sweep<'_> {
    fn overrides(&self, p: &Point) -> Vec<(String, String)> {
        let swept = self.axes.iter().map(|(path, _)| path.clone()).zip(p.values.iter().cloned());
        self.fixed.iter().map(|o| (o.path.clone(), o.value.clone())).chain(swept).collect()
    }

    /// Which runs are there, as the first process sees them.
    fn there(&self, points: &[Point]) -> Vec<bool> {
        let is_there = |p: &Point| finished(p, self, &self.overrides(p)).is_some();
        let there: Vec<bool> = points.iter().map(is_there).collect();
        self.ranks.tell(&there).swap_remove(0)
    }

    /// Makes one run, unless it is there.
    fn one(&self, p: &Point) -> Result<End, String> {
        let overrides = self.overrides(p);
        if let Some(end) = finished(p, self, &overrides) {
            return Ok(end);
        }
        let log = |name: &str| -> Result<Stdio, String> {
            let path = p.folder.join(name);
            std::fs::File::create(&path).map(Stdio::from).map_err(|e| format!("{}: {e}", path.display()))
        };
        std::fs::create_dir_all(&p.folder).map_err(|e| format!("{}: {e}", p.folder.display()))?;
        let mut command = self.command(p, overrides);
        command.stdin(Stdio::piped()).stdout(log("output.txt")?).stderr(log("messages.txt")?);
        let child = command.spawn().map_err(|e| format!("cannot start a run: {e}"))?;
        let status = wait(child).map_err(|e| format!("cannot wait for a run: {e}"))?;
        Ok(if status.success() { End::Passed } else { End::Failed })
    }

    /// The command of a run, which is one process for itself.
    fn command(&self, p: &Point, overrides: Vec<(String, String)>) -> Command {
        let Request { file, experiment, options, formats, checkpoints, .. } = self.request;
        let mut command = Command::new(&self.binary);
        ranks::SIZES.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.arg("run").arg(file).arg(experiment).args(["--quiet", "--of-sweep"]);
        command.arg("--results").arg(&p.folder).arg("--threads").arg(self.threads.to_string());
        command.arg("--backend").arg(&options.backend);
        if let Some(precision) = &options.precision {
            command.arg("--precision").arg(precision);
        }
        if let Some(formats) = formats.names() {
            command.arg("--format").arg(formats.join(","));
        }
        if let Some(folder) = named_data() {
            command.arg("--data").arg(folder);
        }
        for path in allowed() {
            command.arg("--allow-read").arg(path);
        }
        for (option, value) in [("--max-time", &options.max_time), ("--max-memory", &options.max_memory)] {
            if let Some(value) = value {
                command.arg(option).arg(value);
            }
        }
        if let Some(every) = &checkpoints.checkpoint_every {
            command.arg("--checkpoint-every").arg(every);
        }
        if checkpoints.resume {
            command.arg("--resume");
        }
        for (path, value) in overrides {
            command.arg("--set").arg(format!("{path}={value}"));
        }
        command
    }

    /// Makes those runs that this process takes, some at the same time, and says what becomes of each.
    fn run(&self, points: &[Point], dealing: &Dealing) -> Ended {
        let next = AtomicUsize::new(0);
        let course = Mutex::new(Course { begun: Instant::now(), processes: self.ranks.count(), ended: 0, ran: 0 });
        let failed = AtomicBool::new(false);
        let trouble = Mutex::new(None);
        let one = |k: usize, p: &Point| -> Result<(), String> {
            if !dealing.take(k)? {
                return Ok(());
            }
            let end = self.one(p)?;
            let far = course.lock().map_or(String::new(), |mut course| course.after(end, k, points.len(), self.jobs));
            self.tell(p, end, &far);
            failed.fetch_or(matches!(end, End::Failed | End::Kept(false)), Ordering::Relaxed);
            Ok(())
        };
        let work = || loop {
            let k = next.fetch_add(1, Ordering::Relaxed);
            let Some(p) = points.get(k).filter(|_| stop_asked_for().is_none()) else { return };
            if let Err(why) = one(k, p) {
                if let Ok(mut t) = trouble.lock() {
                    t.get_or_insert(why);
                }
                return;
            }
        };
        std::thread::scope(|scope| (0..self.jobs).for_each(|_| drop(scope.spawn(work))));
        let (failed, trouble) = (failed.into_inner(), trouble.into_inner().ok().flatten());
        Ended { failed, stopped: stop_asked_for().is_some(), trouble }
    }

    /// Says what became of a run; every process of its own.
    fn tell(&self, p: &Point, end: End, far: &str) {
        let name = p.folder.file_name().unwrap_or_default().to_string_lossy();
        let by = if self.ranks.are_several() { format!(" in process {}", self.ranks.rank()) } else { String::new() };
        self.messages.note_of_all(&match end {
            End::Kept(true) => format!("kept    {name}{far}"),
            End::Passed => format!("ran     {name}{by}{far}"),
            End::Failed | End::Kept(false) => {
                format!("FAILED  {name}{by}: see {}{far}", p.folder.join("messages.txt").display())
            }
        });
    }

    /// Refuses a sweep of which a process could not go on, or whose runs are somewhere that the first process does not see.
    fn all_are_seen(&self, points: &[Point], all: &[Ended]) -> Done {
        if let Some(why) = all.iter().find_map(|ended| ended.trouble.clone()) {
            return Err(Stop::Usage(why));
        }
        let unseen = points.iter().find(|p| !p.folder.exists());
        match unseen.filter(|_| self.ranks.are_several() && !all.iter().any(|ended| ended.stopped)) {
            Some(p) => Err(Stop::Usage(format!(
                "process {} does not see {}: all processes must see the folder of results",
                self.ranks.rank(),
                p.folder.display()
            ))),
            None => Ok(()),
        }
    }

    /// Writes the table.
    fn write(&self, points: &[Point]) -> Done {
        let results = &self.request.results;
        let names: Vec<&str> = self.axes.iter().map(|(path, _)| path.as_str()).collect();
        let table = results.join("sweep.csv");
        // Nothing has made it if the sweep was stopped before its first run.
        std::fs::create_dir_all(results).map_err(|e| Stop::Usage(format!("cannot use {}: {e}", results.display())))?;
        tabulate(points, &names, (&self.program.module, &self.request.experiment), &table)
            .map_err(|e| Stop::Usage(format!("cannot write {}: {e}", table.display())))?;
        say!("{}", table.display());
        Ok(())
    }
}

/// How far a sweep is.
struct Course {
    begun: Instant,
    processes: usize,
    /// Runs that have ended, and those of them that were not kept.
    ended: usize,
    ran: usize,
}

impl Course {
    /// Says how many of all runs have ended, and how long the others will take if they are like those; of what other processes do it is known
    /// that they have taken all runs before one that this process takes.
    fn after(&mut self, end: End, number: usize, of: usize, jobs: usize) -> String {
        self.ended += 1;
        self.ran += usize::from(!matches!(end, End::Kept(_)));
        if self.processes > 1 {
            self.ended = self.ended.max(number + 1);
        }
        let left = of - self.ended;
        if left == 0 || self.ran == 0 {
            return format!("   ({} of {of})", self.ended);
        }
        // The first that end have run side by side with others.
        let each = self.begun.elapsed().as_secs_f64() / self.ran.div_ceil(jobs).max(1) as f64;
        format!("   ({} of {of}, {} left)", self.ended, spelled(each * left.div_ceil(jobs * self.processes) as f64))
    }
}

/// Waits for a run, which is told when this process is asked to stop; if this process is killed, its end of the pipe is closed,
/// and the run stops as well.
fn wait(mut child: Child) -> std::io::Result<ExitStatus> {
    let mut pipe = child.stdin.take();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if let (Some(signal), Some(mut open)) = (stop_asked_for(), pipe.take_if(|_| stop_asked_for().is_some())) {
            // A run that has ended in the meantime does not read it.
            let _ = open.write_all(&[signal.byte()]);
        }
        std::thread::sleep(LOOK);
    }
}

/// Writes one row per run: the values, whether it came to its end, expectations met and made, and every measure that is
/// one number, in the unit of its heading; of a series, the last.
fn tabulate(
    points: &[Point],
    names: &[&str],
    (module, experiment): (&Module, &str),
    table: &Path,
) -> Result<(), csv::Error> {
    let runs: Vec<(Value, Value)> = points
        .iter()
        .map(|p| {
            let read = |name: &str| read_json(&p.folder.join(experiment).join(name)).unwrap_or_default();
            (read("run.json"), read("measures.json"))
        })
        .collect();
    let mut measures: Vec<(String, String)> = Vec::new();
    for (_, m) in &runs {
        for (name, v) in m.as_object().into_iter().flatten() {
            let unit = unit_of(v);
            if !measures.iter().any(|(n, u)| n == name && converted(module, 0.0, unit, u).is_some()) {
                measures.push((name.clone(), unit.to_string()));
            }
        }
    }
    let mut out = csv::Writer::from_path(table)?;
    let heading = |(name, unit): &(String, String)| if unit == "1" { name.clone() } else { format!("{name} ({unit})") };
    let fixed = ["complete", "expectations_met", "expectations"];
    out.write_record(names.iter().copied().chain(fixed).map(String::from).chain(measures.iter().map(heading)))?;
    for (p, (record, m)) in points.iter().zip(&runs) {
        let list = record["expectations"].as_array().cloned().unwrap_or_default();
        let met = list.iter().filter(|e| e["passed"] == true).count();
        let complete = record["complete"].as_bool().unwrap_or(false);
        let end = [complete.to_string(), met.to_string(), list.len().to_string()];
        let value = |(name, unit): &(String, String)| {
            let v = &m[name]["value"];
            let last = v.as_array().and_then(|a| a.last()).unwrap_or(v).as_f64();
            let number = last.and_then(|x| converted(module, x, unit_of(&m[name]), unit));
            number.map_or(String::new(), |x| x.to_string())
        };
        out.write_record(p.values.iter().cloned().chain(end).chain(measures.iter().map(value)))?;
    }
    out.flush()?;
    Ok(())
}

/// The unit of a measure as a run has written it.
fn unit_of(measure: &Value) -> &str {
    measure["unit"].as_str().unwrap_or("1")
}

/// Reads a unit in the words of a program.
fn read_unit(module: &Module, unit: &str) -> Option<Unit> {
    match unit {
        "1" => Some(Unit::one()),
        _ => overrides::value(module, &format!("1 {unit}")).ok().and_then(|e| e.ty.unit),
    }
}

/// A number of a unit in another unit; none if they do not measure the same.
fn converted(module: &Module, x: f64, unit: &str, other: &str) -> Option<f64> {
    if unit == other {
        return Some(x);
    }
    let (from, to) = (read_unit(module, unit)?, read_unit(module, other)?);
    let (of, by) = (from.to_internal(1.0), to.to_internal(1.0));
    // Powers of ten are exact one way only.
    (from.dim == to.dim).then(|| if of >= by { x * (of / by) } else { x / (by / of) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_ranges_or_lists_and_all_combinations_are_made() {
        let axes: Vec<_> = ["seed=1..3", "T=4s, 8s"].iter().filter_map(|a| axis(a).ok()).collect();
        let all = points(&axes, Path::new("r"));
        let names: Vec<_> = all.iter().map(|p| p.folder.display().to_string()).collect();
        assert_eq!(names.len(), 6);
        assert_eq!(names[1], "r/seed=1 T=8s");
        assert_eq!(axis("file=\"../a.csv\", \"../b.csv\"").ok().map(|(_, values)| values.len()), Some(2));
        for bad in ["seed=0..99999999999", "seed", "seed=", "seed=1,,2", "seed=5..1", "seed=1,1", "I=1pA..3pA"] {
            assert!(axis(bad).is_err(), "{bad}");
        }
    }
}
