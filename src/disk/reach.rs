//! What a model may read: files in its own folder or below, in its project, and in folders of data. Models come from strangers.
//!
//! A project is the nearest folder above the model with a file `neuro.toml` or a repository (`.git`); the user's home and the root of
//! the file system are none.

use std::path::{Path, PathBuf};
use std::sync::{OnceLock, PoisonError, RwLock};

/// Folders and files that `--allow-read` names.
static ALLOWED: RwLock<Vec<PathBuf>> = RwLock::new(Vec::new());

static DATA: OnceLock<PathBuf> = OnceLock::new();

/// Names the folder that is searched first for data sets.
pub fn look_in(folder: PathBuf) {
    let _ = DATA.set(folder);
}

/// The folder that `--data` names.
pub fn named_data() -> Option<&'static Path> {
    DATA.get().map(PathBuf::as_path)
}

/// Lists the folders that may hold data sets, in the order in which they are searched: `--data`, `NEURO_DATA`, the user's cache.
pub fn data_folders() -> Vec<PathBuf> {
    let named = std::env::var_os("NEURO_DATA").map(PathBuf::from);
    DATA.get().cloned().into_iter().chain(named).chain(cache()).collect()
}

/// Returns the folder of the user's cache that is ours.
pub fn cache() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or(std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".cache")));
    cache.map(|c| c.join("neuro"))
}

/// Lets models read what these name, or what is below, beside what was allowed before.
pub fn allow(paths: Vec<PathBuf>) {
    ALLOWED.write().unwrap_or_else(PoisonError::into_inner).extend(paths);
}

/// What `--allow-read` names.
pub fn allowed() -> Vec<PathBuf> {
    ALLOWED.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Folders of which links are resolved.
pub struct Reach(Vec<PathBuf>);

impl Reach {
    /// What a model in a folder may read.
    pub fn of(folder: &Path) -> Reach {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let own = folder.canonicalize().ok();
        let project = own.as_deref().and_then(project);
        let resolved = |p: PathBuf| p.canonicalize().ok();
        let others = data_folders().into_iter().chain(allowed()).filter_map(resolved);
        Reach(own.into_iter().chain(project).chain(others).collect())
    }

    /// Returns the file itself, behind all links, if it may be read; the error says why not.
    pub fn file(&self, path: &Path) -> Result<PathBuf, String> {
        let found = self.within(path)?;
        match found.metadata() {
            Ok(m) if m.is_file() => Ok(found),
            Ok(_) => Err(format!("{} is not a file", path.display())),
            Err(e) => Err(format!("{}: {e}", path.display())),
        }
    }

    /// Returns what a path names, behind all links, if it may be read; the error says why not.
    pub fn within(&self, path: &Path) -> Result<PathBuf, String> {
        let found = path.canonicalize().map_err(|e| format!("{}: {e}", path.display()))?;
        if !self.0.iter().any(|root| found.starts_with(root)) {
            let folder = found.parent().unwrap_or(&found).display();
            return Err(format!(
                "{} lies outside of what this model may read: its folder, its project and the folders of data; \
                 `--allow-read {folder}` allows it",
                path.display()
            ));
        }
        Ok(found)
    }
}

/// Finds the project that a folder is part of.
fn project(folder: &Path) -> Option<PathBuf> {
    let home = std::env::var_os("HOME").and_then(|h| Path::new(&h).canonicalize().ok());
    let is_project = |f: &&Path| f.join("neuro.toml").is_file() || f.join(".git").exists();
    let found = folder.ancestors().find(is_project)?;
    (found.parent().is_some() && home.as_deref() != Some(found)).then(|| found.to_path_buf())
}
