//! `check`, `emit`, `explain` and `fmt`.

use super::files::{Disk, expand, load, read};
use super::messages::{Done, Messages, Stop};
use super::options::RunOptions;
use super::run::settings;
use neuro::builtin;
use neuro::compiler::Stage;
use neuro::diag::{Code, nearest};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub fn check(paths: &[PathBuf], messages: Messages) -> Done {
    let mut done = Ok(());
    for path in expand(paths)? {
        match load(&path, messages) {
            Ok(_) => {}
            Err(Stop::Failed) if done.is_err() => {}
            // What cannot be read keeps no other file from being checked.
            Err(stop) => {
                if let Err(Stop::Usage(text)) = std::mem::replace(&mut done, Err(stop)) {
                    messages.unusable(&text);
                }
            }
        }
    }
    done
}

pub fn emit(
    file: &Path,
    stage: &str,
    after: Option<&str>,
    experiment: Option<&str>,
    options: &RunOptions,
    messages: Messages,
) -> Done {
    let names = Stage::ALL.map(|(n, _)| n);
    let Some((_, stage)) = Stage::ALL.iter().find(|(n, _)| *n == stage) else {
        let help = nearest(stage, names).map_or(String::new(), |n| format!(" (did you mean {n}?)"));
        return Err(Stop::Usage(format!("unknown stage `{stage}`{help}; stages are {}", names.join(", "))));
    };
    let passes = neuro::ir::passes::PASSES.map(|(n, _)| n);
    if let Some(after) = after.filter(|a| !passes.contains(a) && *a != "quiet") {
        return Err(Stop::Usage(format!("unknown pass `{after}`; passes are {}, quiet", passes.join(", "))));
    }
    let program = load(file, messages)?;
    match program.emit(*stage, after, experiment, &Disk::beside(file), &settings(options)?) {
        Ok(text) => {
            say!("{}", text.trim_end());
            Ok(())
        }
        Err(d) => {
            messages.one(&d, &program.sources);
            Err(Stop::Failed)
        }
    }
}

pub fn explain(what: &OsStr, messages: Messages) -> Done {
    let path = Path::new(what);
    let Some(what) = what.to_str() else { return explain_file(path, messages) };
    if let Some(code) = Code::parse(what) {
        say!("{}", code.page().trim_end());
        return Ok(());
    }
    if what == "functions" {
        say!("{}", builtin::reference().trim_end());
        return Ok(());
    }
    if let Some(b) = builtin::find(what) {
        say!("{}", b.page().trim_end());
        return Ok(());
    }
    if !path.exists() {
        let codes: Vec<String> = Code::ALL.iter().map(|c| c.to_string()).collect();
        let names = codes.iter().map(String::as_str).chain(builtin::rows().map(|b| b.name));
        let help = nearest(what, names).map_or(String::new(), |n| format!(" (did you mean {n}?)"));
        return Err(Stop::Usage(format!("`{what}` is no diagnostic code, function or file{help}")));
    }
    explain_file(path, messages)
}

fn explain_file(path: &Path, messages: Messages) -> Done {
    say!("{}", load(path, messages)?.explain().trim_end());
    Ok(())
}

pub fn fmt(paths: &[PathBuf], check: bool, messages: Messages) -> Done {
    let mut changed = false;
    for path in expand(paths)? {
        let file = read(&path)?;
        let text = neuro::syntax::format::format(&file.text);
        if *text == *file.text {
            continue;
        }
        changed = true;
        if check {
            say!("{}", path.display());
        } else {
            rewrite(&path, &text).map_err(|e| Stop::Usage(format!("cannot write {}: {e}", path.display())))?;
            messages.note(&format!("formatted {}", path.display()));
        }
    }
    if check && changed { Err(Stop::Failed) } else { Ok(()) }
}

/// Gives a file another text: where a link leads, with the mode it has, and so that it is whole at any moment.
fn rewrite(path: &Path, text: &str) -> std::io::Result<()> {
    let file = path.canonicalize()?;
    let mode = std::fs::metadata(&file)?.permissions();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let aside = file.with_file_name(format!(".{name}.part"));
    let write = || {
        std::fs::write(&aside, text)?;
        std::fs::set_permissions(&aside, mode)?;
        std::fs::rename(&aside, &file)
    };
    let written = write();
    if written.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    written
}
