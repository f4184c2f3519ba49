//! Snapshots beside a model, in the form of insta: `snapshots/model__title__ir_of_LifCond.snap`.

use neuro::experiment::Snapshot;
use similar::TextDiff;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What comes of comparing a snapshot with what was kept.
pub enum Compared {
    Same,
    /// Not comparable: it was taken where other instructions are chosen.
    Elsewhere(String),
    /// Written, as it was asked for.
    Taken(PathBuf),
    /// What is other, and whether anything was kept.
    Differs(String, bool),
    /// Why it could not be written.
    Unwritten(String),
}

/// Compares the snapshots of a test with those beside its file, and keeps what differs if that is accepted.
pub fn compare<'a>(
    model: &Path,
    title: &str,
    snapshots: &'a [Snapshot],
    accept: bool,
) -> Vec<(&'a Snapshot, Compared)> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut out = Vec::new();
    for s in snapshots {
        let name = format!("{}__{}__{}_of_{}", stem(model), plain(title), s.form.word(), s.of);
        let times = seen.entry(name.clone()).or_default();
        *times += 1;
        let name = if *times > 1 { format!("{name}-{times}") } else { name };
        let file = model.parent().unwrap_or(Path::new("")).join("snapshots").join(name + ".snap");
        out.push((s, one(model, &file, s, accept)));
    }
    out
}

fn one(model: &Path, file: &Path, s: &Snapshot, accept: bool) -> Compared {
    let kept = std::fs::read_to_string(file).ok();
    let (head, text) = kept.as_deref().and_then(parts).unwrap_or_default();
    let other = file.with_extension("snap.new");
    let machine = head.lines().find_map(|l| l.strip_prefix("description: "));
    if text == s.text && machine == s.machine.as_deref() {
        let _ = std::fs::remove_file(other);
        return Compared::Same;
    }
    if !accept
        && let Some(machine) = machine
        && s.machine.as_deref() != Some(machine)
    {
        return Compared::Elsewhere(machine.to_string());
    }
    let place = if accept { file } else { &other };
    if let Err(e) = write(place, model, s) {
        return Compared::Unwritten(format!("cannot write {}: {e}", place.display()));
    }
    if accept {
        let _ = std::fs::remove_file(other);
        return Compared::Taken(file.to_path_buf());
    }
    let difference = TextDiff::from_lines(text, &s.text);
    let names = (file.display().to_string(), other.display().to_string());
    let shown = difference.unified_diff().context_radius(3).header(&names.0, &names.1).to_string();
    Compared::Differs(shown, kept.is_some())
}

/// The head of a file and what was kept.
fn parts(content: &str) -> Option<(&str, &str)> {
    content.strip_prefix("---\n")?.split_once("\n---\n")
}

fn write(file: &Path, model: &Path, s: &Snapshot) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let source = model.file_name().unwrap_or_default().to_string_lossy();
    let machine = s.machine.as_ref().map_or(String::new(), |m| format!("description: {m}\n"));
    let head = format!("---\nsource: {source}\n{machine}expression: {} of {}\n---\n", s.form.word(), s.of);
    let part = file.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&part, head + &s.text)?;
    std::fs::rename(part, file)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// A title as part of a file's name.
fn plain(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words.collect::<Vec<_>>().join("_")
}
