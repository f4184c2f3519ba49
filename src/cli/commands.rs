//! `check`, `emit`, `explain`, `doc`, `list` and `fmt`.

use super::files::{expand, load, read};
use super::messages::{Done, Messages, Stop, several};
use super::options::RunOptions;
use super::run::settings;
use neuro::builtin;
use neuro::compiler::{Program, Stage};
use neuro::describe;
use neuro::diag::{Code, nearest};
use neuro::disk::Disk;
use neuro::source::{SourceFile, SourceMap};
use neuro::stdlib;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub fn check(paths: &[PathBuf], messages: Messages) -> Done {
    let mut done = Ok(());
    let (mut sound, mut last) = (0, None);
    for path in expand(paths)? {
        match load(&path, messages) {
            Ok(program) => {
                sound += 1;
                last = Some(format!("{}: {}", path.display(), declared(&program)));
            }
            Err(Stop::Failed) if done.is_err() => {}
            // What cannot be read keeps no other file from being checked.
            Err(stop) => {
                if let Err(Stop::Usage(text)) = std::mem::replace(&mut done, Err(stop)) {
                    messages.unusable(&text);
                }
            }
        }
    }
    match last {
        Some(one) if sound == 1 => messages.note(&format!("{one}; no errors")),
        _ if sound > 1 => messages.note(&format!("{sound} files without errors")),
        _ => {}
    }
    done
}

/// What the first file of a program declares: `2 neurons, 1 network, 1 test`.
fn declared(program: &Program) -> String {
    let some: Vec<String> = describe::counts(program).into_iter().map(|(what, n)| several(n, what)).collect();
    if some.is_empty() { "nothing is declared".into() } else { some.join(", ") }
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

pub fn explain(what: &OsStr, name: Option<&str>, messages: Messages) -> Done {
    let path = Path::new(what);
    if let Some(name) = name {
        let program = load(path, messages)?;
        let Some(page) = describe::declaration(&program, name) else {
            return Err(Stop::Usage(format!("`{}` declares no `{name}`", path.display())));
        };
        say!("{}", page.trim_end());
        return Ok(());
    }
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
    if let Some(page) = describe::of_library(what) {
        say!("{}", page.trim_end());
        return Ok(());
    }
    if !path.exists() {
        let codes: Vec<String> = Code::ALL.iter().map(|c| c.to_string()).collect();
        let mut names: Vec<&str> = codes.iter().map(String::as_str).collect();
        builtin::rows().map(|b| b.name).chain(stdlib::declared()).for_each(|name| names.push(name));
        let help = nearest(what, names).map_or(String::new(), |n| format!(" (did you mean {n}?)"));
        return Err(Stop::Usage(format!(
            "`{what}` is no diagnostic code, function, model of the library or file{help}"
        )));
    }
    explain_file(path, messages)
}

fn explain_file(path: &Path, messages: Messages) -> Done {
    say!("{}", load(path, messages)?.explain().trim_end());
    Ok(())
}

/// Describes what a file or a module declares.
pub fn doc(what: &OsStr, messages: Messages) -> Done {
    let text = match module(what) {
        Some(path) => describe::module(path).ok_or_else(|| no_module(path))?,
        None => describe::all(&load(Path::new(what), messages)?, None),
    };
    say!("{}", text.trim_end());
    Ok(())
}

/// Writes the Methods of a paper about what a file or a module declares.
pub fn methods(what: &OsStr, standalone: bool, messages: Messages) -> Done {
    let section = match module(what) {
        Some(path) => describe::module_methods(path).ok_or_else(|| no_module(path))?,
        None => describe::methods(&load(Path::new(what), messages)?),
    };
    let text = if standalone { describe::document(&section) } else { section };
    say!("{}", text.trim_end());
    Ok(())
}

/// The module of the library that is meant, if no file is.
fn module(what: &OsStr) -> Option<&str> {
    what.to_str().filter(|m| m.starts_with("std.") && !Path::new(m).exists())
}

fn no_module(path: &str) -> Stop {
    let help = nearest(path, stdlib::module_names()).map_or(String::new(), |n| format!(" (did you mean {n}?)"));
    Stop::Usage(format!("there is no module `{path}`{help}"))
}

pub fn list() -> Done {
    say!("{}", describe::list().trim_end());
    Ok(())
}

pub fn fmt(paths: &[PathBuf], check: bool, messages: Messages) -> Done {
    if paths == [Path::new("-")] {
        let mut text = String::new();
        let read = std::io::Read::read_to_string(&mut std::io::stdin(), &mut text);
        read.map_err(|e| Stop::Usage(format!("cannot read standard input: {e}")))?;
        let laid_out = formatted(SourceFile::new("standard input", &*text), messages)?;
        if !check {
            print!("{laid_out}");
        }
        return if check && laid_out != text { Err(Stop::Failed) } else { Ok(()) };
    }
    let (mut changed, mut wrong) = (false, false);
    for path in expand(paths)? {
        let file = read(&path)?;
        let before = file.text.clone();
        let Ok(text) = formatted(file, messages) else {
            wrong = true;
            continue;
        };
        if *text == *before {
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
    if wrong || check && changed { Err(Stop::Failed) } else { Ok(()) }
}

/// Writes the manual's pages, one for each command.
pub fn man(folder: &Path, command: clap::Command, messages: Messages) -> Done {
    let told = |e: std::io::Error| Stop::Usage(format!("cannot write into {}: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(told)?;
    let command = command.name("neuro").bin_name("neuro");
    clap_mangen::generate_to(command, folder).map_err(told)?;
    messages.note(&format!("pages are in {}", folder.display()));
    Ok(())
}

/// Returns the text of a file in canonical layout, or says what is wrong with it.
fn formatted(file: SourceFile, messages: Messages) -> Result<String, Stop> {
    let mut sources = SourceMap::default();
    let text = file.text.clone();
    let id = sources.add(file);
    neuro::syntax::format::format(id, &text).map_err(|d| {
        messages.all(&d, &sources);
        Stop::Failed
    })
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
