//! Compiles and runs sources for tests.

use neuro::codegen::Backend;
use neuro::compiler::{Program, Refused, Silent, compile};
use neuro::data::Files;
use neuro::diag::{Diagnostic, render};
use neuro::experiment::{Outcome, Runner, Settings};
use neuro::hir::Imports;
use neuro::source::{SourceFile, SourceMap};
use neuro::syntax::format::format;
use std::path::{Path, PathBuf};

/// Files below a folder of the repository.
pub struct Folder(pub PathBuf);

impl Files for Folder {
    fn find(&self, path: &str) -> Option<Vec<u8>> {
        std::fs::read(PathBuf::from(std::env::var_os("NEURO_DATA")?).join(path)).ok()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let near = std::fs::read(self.0.join(path)).map_err(|e| e.to_string());
        near.or_else(|why| self.find(path).ok_or(why))
    }
}

impl Imports for Folder {
    fn file(&mut self, _: &str, path: &str) -> Result<SourceFile, String> {
        let text = std::fs::read_to_string(self.0.join(path)).map_err(|e| e.to_string())?;
        Ok(SourceFile::new(path, text))
    }
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Files beside the examples.
struct Beside;

impl Imports for Beside {
    fn file(&mut self, _: &str, path: &str) -> Result<SourceFile, String> {
        let text = std::fs::read_to_string(root().join("examples").join(path)).map_err(|e| e.kind().to_string())?;
        Ok(SourceFile::new(path, text))
    }
}

/// Compiles a text as if it stood among the examples.
pub fn try_program(text: &str) -> Result<Program, Box<Refused>> {
    compile(SourceFile::new("model.neuro", text), &mut Beside)
}

#[track_caller]
pub fn program(text: &str) -> Program {
    match try_program(text) {
        Ok(p) => p,
        Err(r) => panic!("{}", rendered(r.diagnostics.iter(), &r.sources)),
    }
}

/// A text in canonical layout.
#[track_caller]
pub fn laid_out(text: &str) -> String {
    let mut sources = SourceMap::default();
    let id = sources.add(SourceFile::new("model.neuro", text));
    format(id, text).unwrap_or_else(|d| panic!("{}", rendered(d.iter(), &sources)))
}

pub fn rendered<'a>(list: impl Iterator<Item = &'a Diagnostic>, sources: &SourceMap) -> String {
    list.map(|d| render::human(d, sources, false)).collect()
}

pub fn run_with(p: &Program, index: usize, settings: Settings, folder: &Path) -> Outcome {
    let files = Folder(folder.to_path_buf());
    let runner = Runner { module: &p.module, files: &files, settings, progress: &Silent };
    let all: Vec<_> = p.module.experiments.iter().chain(&p.module.tests).collect();
    runner.run(all[index])
}

/// Runs the first experiment (or test) and insists that nothing stopped it.
#[track_caller]
pub fn run(text: &str) -> Outcome {
    let p = program(text);
    let out = run_with(&p, 0, Settings::default(), &root().join("examples"));
    if let Some(d) = &out.failure {
        panic!("{}", render::human(d, &p.sources, false));
    }
    out
}

/// Runs the first experiment and returns what stopped it.
#[track_caller]
pub fn run_failing(text: &str) -> Diagnostic {
    let out = run_with(&program(text), 0, Settings::default(), &root().join("examples"));
    *out.failure.expect("a failure")
}

/// All values of a measure, one after the other.
pub fn measured(out: &Outcome, name: &str) -> Vec<f64> {
    out.measures[name].iter().flat_map(|q| q.data.iter().copied()).collect()
}

/// Requires that numbers are those of another list, within a part of them, or of one where they are smaller.
#[track_caller]
pub fn near(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{i}: {a} is not {b}");
    }
}

/// Reads a recorded state: times and values.
#[track_caller]
pub fn trace(out: &Outcome, name: &str) -> (Vec<f64>, Vec<f64>) {
    let r = out.recordings.iter().find(|r| r.name == name).expect("recorded");
    r.samples(None).expect("readable")
}

/// Reads recorded events: times and cells.
#[track_caller]
pub fn events(out: &Outcome, name: &str) -> (Vec<f64>, Vec<u32>) {
    let r = out.recordings.iter().find(|r| r.name == name).expect("recorded");
    let e = r.events(None).expect("readable");
    (e.times, e.cells)
}

/// Requires that measures of the first experiment have the same bits at any thread count and on any back end; returns them.
#[track_caller]
pub fn same_everywhere(p: &Program, settings: &Settings, names: &[&str]) -> Vec<f64> {
    let outcome = |backend, threads| {
        let out = run_with(p, 0, Settings { backend, threads, ..settings.clone() }, &root());
        assert!(out.failure.is_none(), "{:?}", out.failure.map(|d| d.message));
        names.iter().flat_map(|name| measured(&out, name)).collect::<Vec<f64>>()
    };
    let one = outcome(Backend::Auto, 1);
    for threads in [2, 3] {
        assert!(one == outcome(Backend::Auto, threads), "{threads} threads, {:?}", settings.overrides);
    }
    for backend in [Backend::Cranelift, Backend::Interpreter] {
        assert!(one == outcome(backend, 1), "{backend:?}, {:?}", settings.overrides);
    }
    one
}
