//! Reads sources and data; finds `.neuro` files in folders.

use super::messages::{Messages, Stop};
use super::reach::{Reach, cache, data_folders};
use neuro::compiler::{Program, compile};
use neuro::data::{Files, sha256};
use neuro::hir::Imports;
use neuro::source::SourceFile;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files relative to the source that names them.
pub struct Disk {
    /// Folder of the root file.
    base: PathBuf,
    /// What the model may read.
    reach: Reach,
    /// Where the sources are whose names are not their paths.
    paths: BTreeMap<String, PathBuf>,
    /// SHA-256 of the data files read so far, by the path that names them.
    digests: RefCell<BTreeMap<String, String>>,
}

impl Disk {
    /// Returns the digests of the data files read so far.
    pub fn digests(&self) -> BTreeMap<String, String> {
        self.digests.borrow().clone()
    }

    /// Returns whether a file of a data set is there, compressed or not.
    pub fn has(&self, folder: &str, file: &str) -> bool {
        let names = [format!("{folder}/{file}"), file.to_string()];
        names.iter().any(|n| ["", ".gz", ".xz"].iter().any(|e| self.elsewhere(&format!("{n}{e}")).is_some()))
    }

    fn elsewhere(&self, path: &str) -> Option<PathBuf> {
        data_folders().into_iter().map(|d| d.join(path)).find(|p| p.exists())
    }

    /// Reads a whole file, if the model may read it and it fits into memory.
    fn content(&self, path: &Path) -> Result<Vec<u8>, String> {
        let file = self.reach.file(path)?;
        let told = |e: std::io::Error| format!("{}: {e}", path.display());
        let size = file.metadata().map_err(told)?.len();
        neuro::budget::fits(size as f64).map_err(|lack| format!("{}: {lack}", path.display()))?;
        std::fs::read(&file).map_err(told)
    }

    /// Files beside `file`.
    pub fn beside(file: &Path) -> Disk {
        let paths = BTreeMap::from([(name(file), file.to_path_buf())]);
        let base = file.parent().map(Path::to_path_buf).unwrap_or_default();
        Disk { reach: Reach::of(&base), base, paths, digests: RefCell::default() }
    }
}

impl Files for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        // Data sets may live elsewhere; only files that are not beside the model are looked for there.
        let near = self.base.join(path);
        let found = if near.exists() { near } else { self.elsewhere(path).unwrap_or(near) };
        let bytes = self.content(&found)?;
        self.digests.borrow_mut().insert(path.to_string(), sha256(&bytes));
        Ok(bytes)
    }

    fn list(&self, path: &str) -> Result<Option<Vec<String>>, String> {
        let near = self.base.join(path);
        let found = if near.exists() { near } else { self.elsewhere(path).unwrap_or(near) };
        if !found.is_dir() {
            return Ok(None);
        }
        let told = |e: std::io::Error| format!("{}: {e}", found.display());
        self.reach.within(&found)?;
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&found).map_err(told)? {
            names.push(entry.map_err(told)?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(Some(names))
    }

    fn find(&self, path: &str) -> Option<Vec<u8>> {
        let bytes = self.content(&self.elsewhere(path)?).ok()?;
        self.digests.borrow_mut().insert(path.to_string(), sha256(&bytes));
        Some(bytes)
    }

    /// Keeps it in the user's cache. Where that cannot be written, the file is unpacked again the next time.
    fn keep(&self, path: &str, content: &[u8]) {
        let Some(whole) = cache().map(|c| c.join(path)) else { return };
        let part = whole.with_extension(format!("{}.part", std::process::id()));
        let written = whole.parent().is_some_and(|folder| std::fs::create_dir_all(folder).is_ok())
            && std::fs::write(&part, content).is_ok()
            && std::fs::rename(&part, &whole).is_ok();
        if !written {
            let _ = std::fs::remove_file(&part);
        }
    }
}

impl Imports for Disk {
    fn file(&mut self, from: &str, path: &str) -> Result<SourceFile, String> {
        let from = self.paths.get(from).map_or(Path::new(from), PathBuf::as_path);
        let full = from.parent().unwrap_or(Path::new("")).join(path);
        let text = String::from_utf8(self.content(&full)?);
        let text = text.map_err(|e| format!("{} is not UTF-8 text ({e})", full.display()))?;
        let name = name(&full);
        self.paths.insert(name.clone(), full);
        Ok(SourceFile::new(name, text))
    }
}

/// Names a file by its path, in which bytes that are no text are written as numbers.
fn name(path: &Path) -> String {
    let mut out = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        out.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02X}")));
    }
    out
}

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
    let bytes = std::fs::read(path).map_err(|e| Stop::Usage(format!("cannot read {}: {e}", path.display())))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(SourceFile::new(name(path), text)),
        Err(e) => {
            Err(Stop::Usage(format!("{} is not UTF-8 text (byte {})", path.display(), e.utf8_error().valid_up_to())))
        }
    }
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
