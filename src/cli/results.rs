//! The folder of results: whose it is, where a run works until its end, and what it then replaces.
//!
//! A run marks its folder with a `run.json` that says `"complete": false` before it does anything else. Where the folder holds
//! results already, the run works in `unfinished-N` below it, and its results take the place of the old ones at its end. Only what
//! a `run.json` lists is ever replaced; files that no run has written stay.

use super::checkpoints::CHECKPOINT;
use super::messages::Stop;
use neuro::diag::{Code, Diagnostic};
use neuro::experiment::Outcome;
use neuro::report::{self, RecordingFormat};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The record of a run, and what marks a folder as one of results.
const RECORD: &str = "run.json";

/// Between two looks at whether another run has left.
const LOOK: Duration = Duration::from_millis(20);

/// How a run begins in a folder.
#[derive(Clone, Default)]
pub struct How {
    /// Files of others may lie beside the results.
    pub force: bool,
    /// It goes on from a checkpoint, if there is one.
    pub resume: bool,
    /// How long it waits for another run to leave the folder.
    pub patience: Duration,
    /// A page of everything is one of its files.
    pub page: bool,
    /// The formats of its recordings.
    pub formats: Vec<RecordingFormat>,
}

/// What is found in the folder.
pub enum Begun {
    /// The same run has come to its end; whether it met its expectations.
    Finished(bool),
    /// The run begins, or goes on from a checkpoint.
    Here(Box<Results>, Option<Vec<u8>>),
}

/// The folder of a run that is going on.
pub struct Results {
    /// Where the results are looked for.
    folder: PathBuf,
    /// Where the run works until its end: the folder itself, or one below it.
    work: PathBuf,
    /// What earlier runs have written into the folder.
    before: Record,
    /// Whether a page of everything is one of the files.
    page: bool,
    /// The formats of recordings.
    formats: Vec<RecordingFormat>,
    /// Held for as long as the run lives.
    _lock: Option<File>,
}

/// What a `run.json` says of its folder.
#[derive(Default)]
struct Record {
    complete: bool,
    files: Vec<String>,
    json: Value,
}

impl Record {
    /// Reads the record of a folder; none if it has none.
    fn read(folder: &Path) -> Result<Option<Record>, Failure> {
        let path = folder.join(RECORD);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(unreadable(&path, &e)),
        };
        let foreign = || foreign(format!("{} is not the record of a run", path.display()));
        let json: Value = serde_json::from_str(&text).map_err(|_| foreign())?;
        let complete = json["complete"].as_bool().ok_or_else(foreign)?;
        let names = json["files"].as_array().ok_or_else(foreign)?.iter().map(|f| f.as_str().filter(|f| is_plain(f)));
        let files = names.map(|f| f.map(String::from)).collect::<Option<_>>().ok_or_else(foreign)?;
        Ok(Some(Record { complete, files, json }))
    }

    /// Returns whether it is of the same run, as far as its bits go, and has its recordings in the formats that are asked for.
    fn is_of(&self, run: &Value) -> bool {
        let same = |key: &str| self.json[key] == run[key];
        let precision = run["precision"].is_null() || same("precision");
        let formats = report::has_formats(&self.json, &run["formats"]);
        precision && formats && ["neuro", "source_sha256", "experiment", "overrides"].into_iter().all(same)
    }

    fn met_expectations(&self) -> bool {
        self.json["expectations"].as_array().is_some_and(|list| list.iter().all(|e| e["passed"] == true))
    }

    /// Returns whether it holds recordings that could not be turned into files.
    fn has_spools(&self) -> bool {
        self.json["spools"].as_array().is_some_and(|list| !list.is_empty())
    }
}

/// Why a folder cannot be used.
pub enum Failure {
    Diagnostic(Box<Diagnostic>),
    Stop(Stop),
}

fn unreadable(path: &Path, e: &io::Error) -> Failure {
    Failure::Stop(Stop::Usage(format!("cannot use {}: {e}", path.display())))
}

fn foreign(message: String) -> Failure {
    let help = "write elsewhere with `--results DIR` or `--keep`, or move the files away";
    Failure::Diagnostic(Box::new(Diagnostic::new(Code::E0806, message).help(help)))
}

/// Returns whether a name is one of a file in the folder itself.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0'])
}

/// Returns whether a file is what a run leaves behind when it is killed.
fn is_leftover(name: &str) -> bool {
    name.starts_with('.') && (name.ends_with(".part") || name.ends_with(".spool"))
}

/// Returns whether a folder is one in which a run worked.
fn is_workplace(name: &str) -> bool {
    name.strip_prefix("unfinished-").is_some_and(|k| k.parse::<u32>().is_ok())
}

/// Lists the names in a folder; names that are not text are none of a run.
fn names(folder: &Path) -> Result<Vec<String>, Failure> {
    let list = std::fs::read_dir(folder).map_err(|e| unreadable(folder, &e))?;
    let mut out = Vec::new();
    for entry in list {
        let name = entry.map_err(|e| unreadable(folder, &e))?.file_name();
        out.push(name.to_string_lossy().into_owned());
    }
    out.sort();
    Ok(out)
}

/// Lets no other run into a folder; where the system knows no locks on folders, nothing is held.
fn lock(folder: &Path, patience: Duration) -> Result<Option<File>, Failure> {
    let Ok(handle) = File::open(folder) else { return Ok(None) };
    let begun = Instant::now();
    loop {
        match handle.try_lock() {
            Ok(()) => return Ok(Some(handle)),
            Err(TryLockError::WouldBlock) if begun.elapsed() < patience => std::thread::sleep(LOOK),
            Err(TryLockError::WouldBlock) => {
                return Err(foreign(format!("another run is writing its results into {}", folder.display())));
            }
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
}

/// Writes a file so that it is either whole or not there.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!(".{name}.part"));
    let written = std::fs::write(&aside, bytes).and_then(|()| std::fs::rename(&aside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    written
}

/// Returns whether a run works in a folder, as far as can be seen from here.
pub fn is_there(folder: &Path) -> bool {
    folder.join(RECORD).exists() || folder.join(CHECKPOINT).exists()
}

fn write_record(folder: &Path, record: &Value) -> io::Result<()> {
    write(&folder.join(RECORD), serde_json::to_string_pretty(record).unwrap_or_default().as_bytes())
}

/// Returns the first folder `name`, `name-2`, `name-3` … that is not there.
pub fn new_folder(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let numbered = |k: u32| if k == 1 { folder.to_path_buf() } else { folder.with_file_name(format!("{name}-{k}")) };
    (1..).map(numbered).find(|f| !f.exists()).unwrap_or_else(|| folder.to_path_buf())
}

/// Writes more files into the folder of a run that has ended, where its next run will replace them.
pub fn add(folder: &Path, files: Vec<(String, Vec<u8>)>) -> Result<(), Stop> {
    let unusable =
        |path: &Path, e: &dyn std::fmt::Display| Stop::Usage(format!("cannot write {}: {e}", path.display()));
    let told = |failure: Failure| match failure {
        Failure::Stop(stop) => stop,
        Failure::Diagnostic(d) => Stop::Usage(d.message.clone()),
    };
    let _lock = lock(folder, Duration::ZERO).map_err(told)?;
    let record = Record::read(folder).map_err(told)?;
    let mut record = record.ok_or_else(|| unusable(folder, &"it holds no results of a run"))?;
    let others = |name: &str| !record.files.iter().any(|f| f == name) && folder.join(name).exists();
    if let Some((name, _)) = files.iter().find(|(name, _)| others(name)) {
        return Err(unusable(&folder.join(name), &"there is such a file, which is not of a run"));
    }
    let new = files.iter().map(|(name, _)| name.clone());
    let all: BTreeSet<String> = record.files.iter().cloned().chain(new).collect();
    // The names are known before the files are there, so that a kill leaves nothing unknown.
    record.json["files"] = json!(all);
    write_record(folder, &record.json).map_err(|e| unusable(&folder.join(RECORD), &e))?;
    for (name, content) in files {
        write(&folder.join(&name), &content).map_err(|e| unusable(&folder.join(&name), &e))?;
    }
    Ok(())
}

impl Results {
    /// Makes a folder ready for a run, which it is marked as belonging to.
    ///
    /// `run` is what is known of the run before it begins: its identity as [`report::mark`] writes it.
    /// A record whose data are not there any more as they were, as `same_data` finds, is not that of the same run.
    pub fn begin(folder: &Path, run: &Value, how: How, same_data: &dyn Fn(&Value) -> bool) -> Result<Begun, Failure> {
        std::fs::create_dir_all(folder).map_err(|e| unreadable(folder, &e))?;
        let lock = lock(folder, how.patience)?;
        let record = Record::read(folder)?;
        let there = names(folder)?;
        let mut known: BTreeSet<&str> = [RECORD, CHECKPOINT].into();
        known.extend(record.iter().flat_map(|r| r.files.iter().map(String::as_str)));
        let is_known = |n: &str| known.contains(n) || is_leftover(n) || is_workplace(n);
        let stranger = there.iter().find(|n| !is_known(n));
        if let (None, Some(name), false) = (&record, stranger, how.force) {
            let d = Diagnostic::new(Code::E0806, format!("{} holds files that no run has written", folder.display()));
            let d = d.note(format!("for example `{name}`"));
            let help = "add `--force` to write beside them, which leaves them as they are, or `--results DIR`";
            return Err(Failure::Diagnostic(Box::new(d.help(help))));
        }
        let workplaces: Vec<PathBuf> = there.iter().filter(|n| is_workplace(n)).map(|n| folder.join(n)).collect();
        if how.resume {
            let places = std::iter::once(folder.to_path_buf()).chain(workplaces.iter().cloned());
            let age = |p: &PathBuf| std::fs::metadata(p.join(CHECKPOINT)).and_then(|m| m.modified()).ok();
            if let Some((_, work)) = places.filter_map(|p| age(&p).map(|a| (a, p))).max() {
                let path = work.join(CHECKPOINT);
                let bytes = std::fs::read(&path).map_err(|e| unreadable(&path, &e))?;
                let before = record.unwrap_or_default();
                let folder = folder.to_path_buf();
                let (page, formats) = (how.page, how.formats);
                let results = Results { folder, work, before, page, formats, _lock: lock };
                return Ok(Begun::Here(Box::new(results), Some(bytes)));
            }
            if let Some(r) = record.as_ref().filter(|r| r.complete && r.is_of(run) && same_data(&r.json)) {
                return Ok(Begun::Finished(r.met_expectations()));
            }
        }
        // Nothing can be resumed from these; no run is in them, for the folder is locked.
        for w in workplaces.iter().filter(|w| !w.join(CHECKPOINT).exists()) {
            std::fs::remove_dir_all(w).map_err(|e| unreadable(w, &e))?;
        }
        let nothing_lost = match &record {
            Some(r) => !r.complete && r.files.is_empty() && !r.has_spools(),
            None => stranger.is_none(),
        };
        let in_place = nothing_lost && !folder.join(CHECKPOINT).exists();
        let work = if in_place {
            remove_leftovers(folder).map_err(|e| unreadable(folder, &e))?;
            folder.to_path_buf()
        } else {
            let free = (1u32..).map(|k| folder.join(format!("unfinished-{k}"))).find(|p| !p.exists());
            let work = free.unwrap_or_else(|| folder.join("unfinished-0"));
            std::fs::create_dir(&work).map_err(|e| unreadable(&work, &e))?;
            work
        };
        if in_place || record.is_none() {
            write_record(folder, run).map_err(|e| unreadable(folder, &e))?;
        }
        if !in_place {
            write_record(&work, run).map_err(|e| unreadable(&work, &e))?;
        }
        let before = record.unwrap_or_default();
        let (page, formats) = (how.page, how.formats);
        let results = Results { folder: folder.to_path_buf(), work, before, page, formats, _lock: lock };
        Ok(Begun::Here(Box::new(results), None))
    }

    /// Where the run works until its end.
    pub fn work(&self) -> &Path {
        &self.work
    }

    /// Returns whether a run in another folder below is replaced when this one ends.
    pub fn replaces(&self) -> bool {
        self.work != self.folder && !self.before.files.is_empty()
    }

    /// Writes what a run has come to, and lets it take the place of what was there. Returns where it is now, and how many files.
    ///
    /// A run that has not come to its end takes the place of one that has not either, but not of complete results, nor of a
    /// checkpoint that it did not go on from.
    pub fn publish(&self, outcome: &mut Outcome, mut record: Value) -> Result<(PathBuf, usize), (PathBuf, String)> {
        let (work, folder) = (&self.work, &self.folder);
        let here = |path: &Path, e: io::Error| (work.clone(), format!("{}: {e}", path.display()));
        let complete = record["complete"] == true;
        let resumable = outcome.failure.is_some() && work.join(CHECKPOINT).exists();
        let mut expected = report::names(outcome, &self.formats);
        expected.push(RECORD.to_string());
        expected.extend(self.page.then(|| report::PAGE.to_string()));
        let valuable = self.before.complete || folder.join(CHECKPOINT).exists();
        let stays = work != folder && valuable && !complete;
        if !stays {
            let mine = |n: &str| n == RECORD || self.before.files.iter().any(|f| f == n);
            if let Some(taken) = expected.iter().find(|n| !mine(n) && folder.join(n).exists()) {
                let kept = self.set_aside(outcome, &mut record)?;
                let why = format!("{} is not of a run, and is left as it is", folder.join(taken).display());
                return Err((kept, why));
            }
            // From here on all names are known, so that a run that is killed now leaves nothing unknown.
            let all: BTreeSet<&String> = self.before.files.iter().chain(&expected).collect();
            let mut marked = match work == folder {
                true => record.clone(),
                false => self.before.json.clone(),
            };
            if !marked.is_object() {
                marked = json!({});
            }
            (marked["complete"], marked["files"]) = (json!(false), json!(all));
            if work == folder {
                write_record(folder, &marked).map_err(|e| here(folder, e))?;
            }
            let written = report::write(outcome, work, &self.formats);
            self.finish(&mut record, written, work)?;
            if work != folder {
                write_record(folder, &marked).map_err(|e| here(folder, e))?;
            }
            self.take_places(&record, complete, resumable).map_err(|e| here(folder, e))?;
        } else {
            let written = report::write(outcome, work, &self.formats);
            self.finish(&mut record, written, work)?;
            write_record(work, &record).map_err(|e| here(work, e))?;
        }
        let at = if stays { work } else { folder };
        Ok((at.clone(), record["files"].as_array().map_or(0, Vec::len)))
    }

    /// Puts what was written into the record; what could not be is told, and the record says so as well, if it still fits.
    fn finish(&self, record: &mut Value, mut written: report::Written, at: &Path) -> Result<(), (PathBuf, String)> {
        let mut files = std::mem::take(&mut written.files);
        files.push(RECORD.to_string());
        if self.page && written.trouble.is_none() {
            record["files"] = json!(files);
            let put = |page: String| write(&at.join(report::PAGE), page.as_bytes()).map_err(|e| e.to_string());
            match report::page_with(at, record).and_then(put) {
                Ok(()) => files.push(report::PAGE.to_string()),
                Err(why) => written.trouble = Some(format!("{}: {why}", at.join(report::PAGE).display())),
            }
        }
        if written.trouble.is_some() && at == self.folder {
            let there = |f: &&String| !files.contains(f) && at.join(f).exists();
            let older: Vec<String> = self.before.files.iter().filter(there).cloned().collect();
            files.extend(older);
        }
        (record["files"], record["spools"]) = (json!(files), json!(written.spools));
        let Some(why) = written.trouble else { return Ok(()) };
        (record["complete"], record["stopped_because"]) = (json!(false), json!(format!("E0809: {why}")));
        let _ = write_record(at, record);
        Err((at.to_path_buf(), why))
    }

    /// Writes the results into a new folder below: those who may not be replaced are in the way.
    fn set_aside(&self, outcome: &mut Outcome, record: &mut Value) -> Result<PathBuf, (PathBuf, String)> {
        let at = match self.work == self.folder {
            true => (1u32..).map(|k| self.folder.join(format!("unfinished-{k}"))).find(|p| !p.exists()),
            false => None,
        };
        let at = at.unwrap_or_else(|| self.work.clone());
        std::fs::create_dir_all(&at).map_err(|e| (at.clone(), e.to_string()))?;
        let written = report::write(outcome, &at, &self.formats);
        self.finish(record, written, &at)?;
        write_record(&at, record).map_err(|e| (at.clone(), e.to_string()))?;
        Ok(at)
    }

    /// Removes what earlier runs have written, and moves what this one has into its place.
    fn take_places(&self, record: &Value, complete: bool, resumable: bool) -> io::Result<()> {
        let (work, folder) = (&self.work, &self.folder);
        let new: Vec<&str> = record["files"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for old in self.before.files.iter().filter(|f| !new.contains(&f.as_str()) && *f != RECORD) {
            remove(&folder.join(old))?;
        }
        if work != folder {
            remove(&folder.join(CHECKPOINT))?;
            remove_leftovers(folder)?;
            for name in new.iter().filter(|n| **n != RECORD) {
                std::fs::rename(work.join(name), folder.join(name))?;
            }
            if resumable {
                for name in std::fs::read_dir(work)?.flatten().map(|e| e.file_name()) {
                    if name == CHECKPOINT || is_leftover(&name.to_string_lossy()) {
                        std::fs::rename(work.join(&name), folder.join(&name))?;
                    }
                }
            }
        } else if !resumable {
            remove(&folder.join(CHECKPOINT))?;
            remove_leftovers(folder)?;
        }
        write_record(folder, record)?;
        for entry in std::fs::read_dir(folder)?.flatten() {
            let path = entry.path();
            let gone = is_workplace(&entry.file_name().to_string_lossy()) && path.is_dir();
            if gone && (complete || path == *work || !path.join(CHECKPOINT).exists()) {
                std::fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)?.flatten() {
        if is_leftover(&entry.file_name().to_string_lossy()) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}
