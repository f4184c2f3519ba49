//! What the compiler finds, as exceptions of Python.

use neuro::diag::{Diagnostic, Diagnostics, render};
use neuro::source::SourceMap;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// A finding: as JSON for programs, and as it looks in the terminal.
pub type Told = (String, String);

pub fn told(d: &Diagnostic, sources: &SourceMap) -> Told {
    (render::json(d, sources), render::human(d, sources, false))
}

pub fn all(diagnostics: &Diagnostics, sources: &SourceMap) -> Vec<Told> {
    diagnostics.iter().map(|d| told(d, sources)).collect()
}

/// `neuro.NeuroError` of some findings.
pub fn refused(py: Python<'_>, found: Vec<Told>) -> PyErr {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let made = CLASS
        .get_or_try_init(py, || Ok(py.import("neuro._errors")?.getattr("refused")?.unbind()))
        .and_then(|make| make.bind(py).call1((found,)));
    match made {
        Ok(error) => PyErr::from_value(error),
        Err(e) => e,
    }
}
