//! Reads sources and data; finds `.neuro` files in folders.

use super::messages::{Messages, Stop};
use neuro::compiler::{Program, compile};
use neuro::disk::{self, Disk, cache};
use neuro::source::SourceFile;
use std::path::{Path, PathBuf};

/// Puts a text that belongs to this program where other programs can read it: in a folder of its version in the user's cache.
pub fn shelved(name: &str, text: &str) -> Option<PathBuf> {
    let path = cache()?.join(env!("CARGO_PKG_VERSION")).join(name);
    if std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return Some(path);
    }
    let part = path.with_extension(format!("{}.part", std::process::id()));
    std::fs::create_dir_all(path.parent()?).ok()?;
    std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, &path)).ok()?;
    Some(path)
}

/// Reads one source file.
pub fn read(path: &Path) -> Result<SourceFile, Stop> {
    disk::source(path).map_err(Stop::Usage)
}

/// Reads, checks and reports; stops on errors.
pub fn load(path: &Path, messages: Messages) -> Result<Program, Stop> {
    let file = read(path)?;
    match compile(file, &mut Disk::beside(path)) {
        Ok(program) => {
            messages.all(&program.diagnostics, &program.sources);
            Ok(program)
        }
        Err(refused) => {
            messages.all(&refused.diagnostics, &refused.sources);
            Err(Stop::Failed)
        }
    }
}

/// Expands folders to the `.neuro` files within, sorted.
pub fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Stop> {
    let mut out = Vec::new();
    for p in paths {
        if p.is_dir() {
            walk(p, &mut out)?;
        } else if p.exists() {
            out.push(p.clone());
        } else {
            return Err(Stop::Usage(format!("{} does not exist", p.display())));
        }
    }
    Ok(out)
}

fn walk(folder: &Path, out: &mut Vec<PathBuf>) -> Result<(), Stop> {
    let list = std::fs::read_dir(folder).map_err(|e| Stop::Usage(format!("cannot read {}: {e}", folder.display())))?;
    let mut entries: Vec<PathBuf> = list.flatten().map(|e| e.path()).collect();
    entries.sort();
    for e in entries {
        if e.is_dir() {
            walk(&e, out)?;
        } else if e.extension().is_some_and(|x| x == "neuro") {
            out.push(e);
        }
    }
    Ok(())
}
