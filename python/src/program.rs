//! Checked programs, and runs of their experiments.

use crate::errors::{Told, all, refused, told};
use crate::outcome::Outcome;
use crate::work::{Stop, Teller, Word, wait};
use neuro::codegen::Backend;
use neuro::compiler::{self, Program, unknown_experiment};
use neuro::disk::{self, Disk};
use neuro::experiment::{MOST_THREADS, Override, Runner, Settings};
use neuro::hir::network::model::Parameter;
use neuro::ir::Precision;
use neuro::parallel::{DEEP_STACK, on_deep_stack};
use neuro::report::RunInfo;
use neuro::source::SourceFile;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// A checked program. `neuro.Model` is what users see of it.
#[pyclass(frozen, name = "Program", module = "neuro._neuro")]
pub struct Compiled {
    pub program: Arc<Program>,
    /// Where it is, or what stands for that beside which its imports and data are.
    pub path: PathBuf,
}

/// What a run may be told beside its experiment.
#[derive(FromPyObject)]
pub struct Options {
    #[pyo3(item)]
    overrides: Vec<(String, String)>,
    #[pyo3(item)]
    threads: Option<usize>,
    #[pyo3(item)]
    precision: Option<String>,
    #[pyo3(item)]
    backend: Option<String>,
    #[pyo3(item)]
    seconds: Option<f64>,
    #[pyo3(item)]
    profile: bool,
}

impl Options {
    /// Turns what Python gave into settings.
    pub fn settings(self) -> PyResult<Settings> {
        let bad = |why: String| Err(PyValueError::new_err(why));
        let mut out = Settings::default();
        match self.threads {
            Some(n) if !(1..=MOST_THREADS).contains(&n) => {
                return bad(format!("threads: a whole number from 1 to {MOST_THREADS}, not {n}"));
            }
            Some(n) => out.threads = n,
            None => {}
        }
        out.precision = match self.precision.as_deref() {
            None => None,
            Some("f32") => Some(Precision::F32),
            Some("f64") => Some(Precision::F64),
            Some(p) => return bad(format!("unknown precision `{p}`; it is f32 or f64")),
        };
        if let Some(name) = &self.backend {
            match Backend::parse(name).filter(|b| b.is_available()) {
                Some(backend) => out.backend = backend,
                None => return bad(format!("this machine has no back end `{name}`")),
            }
        }
        if let Some(s) = self.seconds {
            match Duration::try_from_secs_f64(s) {
                Ok(d) if !d.is_zero() => out.longest = Some(d),
                _ => return bad(format!("max_time: a positive number of seconds, not {s}")),
            }
        }
        out.profile = self.profile;
        out.overrides = self.overrides.into_iter().map(|(path, value)| Override { path, value }).collect();
        Ok(out)
    }
}

/// A parameter: its name, its unit, and what its default is written as.
type Shown = (String, Option<String>, Option<String>);

impl Compiled {
    fn parameters(&self, of: &[Parameter]) -> Vec<Shown> {
        let text = |p: &Parameter| p.default.as_ref().map(|e| self.program.sources.text(e.span).to_string());
        of.iter().map(|p| (p.name.clone(), p.ty.unit.as_ref().map(|u| u.name.clone()), text(p))).collect()
    }

    fn doc(&self, name: &str) -> String {
        self.program.module.docs.get(name).cloned().unwrap_or_default()
    }
}

/// Reads and checks a text, or a file.
pub fn compiled(py: Python<'_>, path: PathBuf, text: Option<String>) -> PyResult<Compiled> {
    let file = match text {
        Some(text) => SourceFile::new(path.to_string_lossy(), text),
        None => disk::source(&path).map_err(PyOSError::new_err)?,
    };
    let done = py.detach(|| on_deep_stack(|| compiler::compile(file, &mut Disk::beside(&path))));
    match done {
        Ok(program) => Ok(Compiled { program: Arc::new(program), path }),
        Err(r) => Err(refused(py, all(&r.diagnostics, &r.sources))),
    }
}

#[pymethods]
impl Compiled {
    #[staticmethod]
    #[pyo3(signature = (path, text=None))]
    fn compile(py: Python<'_>, path: PathBuf, text: Option<String>) -> PyResult<Compiled> {
        compiled(py, path, text)
    }

    fn warnings(&self) -> Vec<Told> {
        all(&self.program.diagnostics, &self.program.sources)
    }

    /// The text of the file itself.
    fn source(&self) -> String {
        self.program.sources.file(neuro::source::FileId(0)).text.to_string()
    }

    fn experiments(&self) -> Vec<(String, String, Vec<Shown>)> {
        let all = self.program.module.experiments.iter();
        all.map(|e| (e.name.clone(), self.doc(&e.name), self.parameters(&e.params))).collect()
    }

    fn networks(&self) -> Vec<(String, String, Vec<Shown>)> {
        let all = self.program.module.networks.iter();
        all.map(|(name, n)| (name.clone(), self.doc(name), self.parameters(&n.params))).collect()
    }

    fn worlds(&self) -> Vec<(String, String, Vec<Shown>)> {
        let all = self.program.module.environments.iter();
        all.map(|(name, w)| (name.clone(), self.doc(name), self.parameters(&w.params))).collect()
    }

    fn neurons(&self) -> Vec<(String, String)> {
        self.program.module.neurons.keys().map(|name| (name.clone(), self.doc(name))).collect()
    }

    fn synapses(&self) -> Vec<(String, String)> {
        self.program.module.synapses.keys().map(|name| (name.clone(), self.doc(name))).collect()
    }

    /// Which scheme each state got and why.
    fn explain(&self, py: Python<'_>) -> String {
        py.detach(|| on_deep_stack(|| self.program.explain()))
    }

    /// Runs an experiment to its end, or until it fails or is asked to stop.
    #[pyo3(signature = (experiment, options, stop, listener=None))]
    fn run(
        &self,
        py: Python<'_>,
        experiment: String,
        options: Options,
        stop: &Stop,
        listener: Option<Bound<'_, PyAny>>,
    ) -> PyResult<(Outcome, Option<Py<PyAny>>)> {
        let settings = options.settings()?;
        let program = self.program.clone();
        let Some(chosen) = program.module.experiments.iter().find(|e| e.name == experiment).cloned() else {
            let d = unknown_experiment(&program.module, &experiment);
            return Err(refused(py, vec![told(&d, &program.sources)]));
        };
        let (to, from) = mpsc::channel();
        let teller = Teller::new(to, stop.clone(), listener.is_some());
        let (path, source) = (self.path.clone(), self.path.clone());
        let work = move || {
            let disk = Disk::beside(&path);
            let runner =
                Runner { module: &program.module, files: &disk, settings: settings.clone(), progress: &teller };
            let outcome = runner.run(&chosen);
            let info = RunInfo {
                source,
                digest: program.digest(),
                data: disk.digests(),
                experiment: chosen.name.clone(),
                settings,
                formats: None,
                sources: program.sources.clone(),
            };
            let _ = teller.to.send(Word::Done((outcome, info)));
        };
        let thread = thread::Builder::new().name("neuro".into()).stack_size(DEEP_STACK).spawn(work);
        thread.map_err(|e| PyRuntimeError::new_err(format!("no thread for a run: {e}")))?;
        let ((outcome, info), stopped) = wait(py, &Mutex::new(from), stop, listener.as_ref())?;
        Ok((Outcome::new(outcome, info), stopped.map(|e| e.into_value(py).into_any())))
    }
}
