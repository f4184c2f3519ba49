//! Checkpoints on disk: when they are due, and how they are written so that a kill at any moment leaves one whole.

use super::messages::Stop;
use neuro::experiment::CheckpointStore;
use neuro::parallel::locked;
use neuro::units::{Dim, lookup};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The name of its file.
pub const CHECKPOINT: &str = "checkpoint.state";

/// The checkpoint of a results folder.
pub struct Kept {
    path: PathBuf,
    every: Option<Duration>,
    last: Mutex<Instant>,
}

/// Reads a wall time of an option: `30s`, `10min`, `1h`.
pub fn time(option: &str, text: &str) -> Result<Duration, Stop> {
    let bad = || Stop::Usage(format!("`--{option} {text}` is not a time; write 30s, 10min or 1h"));
    let at = text.find(|c: char| c.is_alphabetic()).ok_or_else(bad)?;
    let value: f64 = text[..at].trim().parse().map_err(|_| bad())?;
    let seconds = match text[at..].trim() {
        // The language has no hours, because `h` is a gate.
        "h" => 3600.0 * value,
        // Internal units of time are milliseconds.
        unit => lookup(unit).filter(|u| u.dim == Dim::TIME).ok_or_else(bad)?.to_internal(value) / 1000.0,
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| bad())
}

impl Kept {
    /// The checkpoint of a folder, due every so often.
    pub fn new(folder: &Path, every: Option<Duration>) -> Kept {
        Kept { path: folder.join(CHECKPOINT), every, last: Mutex::new(Instant::now()) }
    }

    /// The checkpoint of a folder, of which the first of several processes says when it is due.
    pub fn beside(folder: &Path) -> Kept {
        Kept::new(folder, None)
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }
}

impl CheckpointStore for Kept {
    fn is_due(&self) -> bool {
        self.every.is_some_and(|every| locked(&self.last).elapsed() >= every)
    }

    fn keep(&self, bytes: &[u8], parts: &[String]) -> Result<(), String> {
        *locked(&self.last) = Instant::now();
        write(&self.path, bytes).map_err(|e| format!("{}: {e}", self.path.display()))?;
        // It is kept, whether or not older parts can be found.
        let entries = std::fs::read_dir(self.folder()).into_iter().flatten().flatten();
        let names = entries.map(|e| e.file_name().to_string_lossy().into_owned());
        names.filter(|n| is_part(n) && !parts.contains(n)).for_each(|name| self.forget_part(&name));
        Ok(())
    }

    fn keep_part(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let path = self.folder().join(name);
        write(&path, bytes).map_err(|e| format!("{}: {e}", path.display()))
    }

    fn forget_part(&self, name: &str) {
        let _ = std::fs::remove_file(self.folder().join(name));
    }

    fn part(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = self.folder().join(name);
        std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))
    }
}

/// Whether a file is a part of a checkpoint of several processes, or was to become one.
fn is_part(name: &str) -> bool {
    name.starts_with(".checkpoint-") && name.ends_with(".part")
}

/// Writes a file aside first, onto the disk, and renames it then: the old one stays until the new one is whole.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!(".{}.part", name.trim_start_matches('.')));
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&aside, path)
    };
    let written = write();
    if written.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_times() {
        assert_eq!(time("max-time", "30s").ok(), Some(Duration::from_secs(30)));
        assert_eq!(time("max-time", "10 min").ok(), Some(Duration::from_secs(600)));
        assert_eq!(time("max-time", "0.5h").ok(), Some(Duration::from_secs(1800)));
        for bad in ["30", "30 mV", "soon", "-1s"] {
            assert!(time("max-time", bad).is_err(), "{bad}");
        }
    }
}
