//! What a model, network or world takes and gives, from its declaration: for `neuro explain NAME`, `neuro doc` and `docs/library`.
//!
//! Input: a checked program and the syntax of the files that it was read from. Output: Markdown, or the Methods of a paper in LaTeX.

mod latex;
mod markdown;
mod written;

use self::markdown::page;
use self::written::{files, items, name_of, sentence};
use crate::compiler::{NoImports, Program, compile};
use crate::source::{FileId, SourceFile, SourceMap, Span};
use crate::stdlib;
use crate::syntax::ast::{Item, ItemKind};
use std::fmt::Write;

/// Describes a declaration of a program by its name.
pub fn declaration(program: &Program, name: &str) -> Option<String> {
    Some(page(program, &find(program, name)?, None))
}

/// Describes a declaration of the standard library.
pub fn of_library(name: &str) -> Option<String> {
    let module = stdlib::module_that_declares(name)?;
    let program = library(&module)?;
    Some(page(&program, &find(&program, name)?, Some(&module)))
}

/// Describes all that the first file of a program declares, but experiments and tests.
pub fn all(program: &Program, module: Option<&str>) -> String {
    let mut out = String::new();
    let Some((id, root)) = files(&program.sources).next() else { return out };
    for item in items(id, root) {
        // What the library does not speak of is there for its tests.
        if name_of(&item).is_some() && (module.is_none() || !item.doc.is_empty()) {
            out += &page(program, &item, module);
            out.push('\n');
        }
    }
    out
}

/// The chapter of a module of the standard library.
pub fn module(path: &str) -> Option<String> {
    let program = library(path)?;
    let head = format!("# std.{path}\n\nMade by `neuro doc std.{path}`.\n\n", path = path.trim_start_matches("std."));
    Some(head + all(&program, Some(path)).trim_end() + "\n")
}

/// The Methods of a paper, in LaTeX: all that the first file of a program declares and builds upon, but tests.
pub fn methods(program: &Program) -> String {
    let file = program.sources.files().next().map_or("", |f| f.name.as_str());
    latex::section(program, file, false)
}

/// The same for a module of the standard library, without what is there for its tests.
pub fn module_methods(path: &str) -> Option<String> {
    Some(latex::section(&library(path)?, path, true))
}

/// A section of LaTeX as a document of its own.
pub fn document(section: &str) -> String {
    latex::document(section)
}

/// Names of the standard library by module, each with the first sentence that is said of it.
pub fn list() -> String {
    let mut out = String::new();
    for path in stdlib::module_names() {
        let Some((file, text)) = stdlib::find(path) else { continue };
        let _ = writeln!(out, "{path}");
        for item in items(FileId::default(), &SourceFile::new(file, text)) {
            // What has no text of its own is there for a test.
            let Some((kind, name)) = name_of(&item).filter(|_| !item.doc.is_empty()) else { continue };
            let _ = writeln!(out, "  {kind:8} {name:26} {}", sentence(&item.doc));
        }
    }
    out
}

fn library(path: &str) -> Option<Program> {
    let (file, text) = stdlib::find(path)?;
    compile(SourceFile::new(file, text), &mut NoImports).ok()
}

/// How many declarations of each kind the first file of a program has, in the order in which the kinds occur.
pub fn counts(program: &Program) -> Vec<(&'static str, usize)> {
    let mut out: Vec<(&str, usize)> = Vec::new();
    let Some((id, file)) = files(&program.sources).next() else { return out };
    for item in items(id, file) {
        let what = match &item.kind {
            ItemKind::Experiment(_) => "experiment",
            ItemKind::Test(_) => "test",
            _ => match name_of(&item) {
                Some(("fn", _)) => "function",
                Some((what, _)) => what,
                None => continue,
            },
        };
        match out.iter_mut().find(|(known, _)| *known == what) {
            Some((_, n)) => *n += 1,
            None => out.push((what, 1)),
        }
    }
    out
}

/// What the first file of a program declares, each with its kind and name: `neuron`, `synapse`, `network`.
pub fn declared(program: &Program) -> Vec<(&'static str, String)> {
    let Some((id, file)) = files(&program.sources).next() else { return Vec::new() };
    items(id, file).iter().filter_map(|i| name_of(i).map(|(kind, name)| (kind, name.to_string()))).collect()
}

/// What is said of a line behind its `#`.
pub fn comment(sources: &SourceMap, at: Span) -> String {
    written::Written(sources).comment(at)
}

fn find(program: &Program, name: &str) -> Option<Item> {
    let declares = |item: &Item| name_of(item).is_some_and(|(_, n)| n == name);
    files(&program.sources).find_map(|(id, file)| items(id, file).into_iter().find(declares))
}
