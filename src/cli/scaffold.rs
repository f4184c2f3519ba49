//! `neuro new`: a model to start from.

use super::messages::{Done, Messages, Stop};
use std::path::Path;

const TEMPLATE: &str = include_str!("template.neuro");

pub fn new(name: &Path, messages: Messages) -> Done {
    let mut path = name.to_path_buf();
    if path.extension().is_none_or(|e| e != "neuro") {
        path.set_extension("neuro");
    }
    if path.exists() {
        return Err(Stop::Usage(format!("{} exists already; nothing was changed", path.display())));
    }
    std::fs::write(&path, TEMPLATE).map_err(|e| Stop::Usage(format!("cannot write {}: {e}", path.display())))?;
    messages.note(&format!("wrote {0}; run it with `neuro run {0}`", path.display()));
    Ok(())
}
