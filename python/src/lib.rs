//! Neuro for Python: the native half of the package `neuro`.
//!
//! Classes here are thin: they take and give texts, numbers and arrays. What users see is made of them in `neuro/*.py`.

mod errors;
mod outcome;
mod program;
mod resident;
mod simulation;
mod work;

use neuro::diag::Code;
use neuro::{budget, disk, stdlib};
use pyo3::prelude::*;
use std::path::PathBuf;

/// Lets models read files and folders outside of their own, as `--allow-read` does.
#[pyfunction]
fn allow_read(paths: Vec<PathBuf>) {
    disk::allow(paths);
}

/// Refuses what takes more bytes of memory, as `--max-memory` does.
#[pyfunction]
fn allow_memory(bytes: u64) {
    budget::allow(bytes);
}

/// The page of a diagnostic.
#[pyfunction]
fn explain(code: &str) -> Option<&'static str> {
    Code::parse(code).map(Code::page)
}

/// Names of the modules of the standard library.
#[pyfunction]
fn library() -> Vec<&'static str> {
    stdlib::module_names().collect()
}

#[pymodule]
fn _neuro(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add_class::<program::Compiled>()?;
    m.add_class::<outcome::Outcome>()?;
    m.add_class::<simulation::Simulation>()?;
    m.add_class::<work::Stop>()?;
    m.add_function(wrap_pyfunction!(allow_read, m)?)?;
    m.add_function(wrap_pyfunction!(allow_memory, m)?)?;
    m.add_function(wrap_pyfunction!(explain, m)?)?;
    m.add_function(wrap_pyfunction!(library, m)?)?;
    Ok(())
}
