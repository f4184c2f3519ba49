//! Sources and data from the disk: what is beside a model, and what it may read elsewhere.

mod reach;

pub use reach::{allow, allowed, cache, data_folders, look_in, named_data};

use crate::data::{Files, sha256};
use crate::hir::Imports;
use crate::parallel::locked;
use crate::source::SourceFile;
use reach::Reach;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Files relative to the source that names them.
pub struct Disk {
    /// Folder of the root file.
    base: PathBuf,
    /// What the model may read.
    reach: Reach,
    /// Where the sources are whose names are not their paths.
    paths: BTreeMap<String, PathBuf>,
    /// SHA-256 of the data files read so far, by the path that names them.
    digests: Mutex<BTreeMap<String, String>>,
}

impl Disk {
    /// Returns the digests of the data files read so far.
    pub fn digests(&self) -> BTreeMap<String, String> {
        locked(&self.digests).clone()
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
        crate::budget::fits(size as f64).map_err(|lack| format!("{}: {lack}", path.display()))?;
        std::fs::read(&file).map_err(told)
    }

    /// Reads a text, if the model may read it.
    pub fn text(&self, path: &Path) -> Result<String, String> {
        let text = String::from_utf8(self.content(path)?);
        text.map_err(|e| format!("{} is not UTF-8 text ({e})", path.display()))
    }

    /// Files beside `file`.
    pub fn beside(file: &Path) -> Disk {
        let paths = BTreeMap::from([(name(file), file.to_path_buf())]);
        let base = file.parent().map(Path::to_path_buf).unwrap_or_default();
        Disk { reach: Reach::of(&base), base, paths, digests: Mutex::default() }
    }
}

impl Files for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        // Data sets may live elsewhere; only files that are not beside the model are looked for there.
        let near = self.base.join(path);
        let found = if near.exists() { near } else { self.elsewhere(path).unwrap_or(near) };
        let bytes = self.content(&found)?;
        locked(&self.digests).insert(path.to_string(), sha256(&bytes));
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
        locked(&self.digests).insert(path.to_string(), sha256(&bytes));
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
        let text = self.text(&full)?;
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

/// Reads a file of a tool that does not mind how its comments are encoded: UTF-8, or else Latin-1.
pub fn source_of_bytes(path: &Path) -> Result<SourceFile, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    // In Latin-1 a byte is the character of its number.
    let text = String::from_utf8(bytes).unwrap_or_else(|e| e.into_bytes().into_iter().map(char::from).collect());
    Ok(SourceFile::new(name(path), text))
}

/// Reads one source file; the error says why not in words.
pub fn source(path: &Path) -> Result<SourceFile, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(SourceFile::new(name(path), text)),
        Err(e) => Err(format!("{} is not UTF-8 text (byte {})", path.display(), e.utf8_error().valid_up_to())),
    }
}
