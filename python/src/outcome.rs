//! What came of a run, with its recordings as arrays.

use crate::errors::{Told, all, told};
use neuro::draw;
use neuro::experiment::record::{Recording, What};
use neuro::figure::Member;
use neuro::report::{self, RecordingFormat, RunInfo, Spooled};
use neuro::units::{Unit, canonical_unit};
use neuro::value::Quantity;
use numpy::{PyArray, PyArray1, PyArrayMethods};
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What came of a run. `neuro.Run` is what users see of it.
#[pyclass(frozen, module = "neuro._neuro")]
pub struct Outcome {
    outcome: Mutex<neuro::experiment::Outcome>,
    info: RunInfo,
}

/// A recording: its name, its unit if it is of values, how many cells or synapses it has, how many segments of each cell, whether only one number is kept of them at
/// each moment, when it began and ended (ms), the population or projection it is of, whether it is of synapses, and of which variable
/// or event.
pub type Described = (String, Option<String>, usize, usize, bool, f64, f64, String, bool, String);

/// Numbers of any shape.
pub type Numbers<'py> = Bound<'py, PyArray<f64, numpy::IxDyn>>;

/// Times and cells.
pub type Events<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<u32>>);

/// Times, and values moment after moment.
pub type Samples<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

pub fn unit_of(r: &Recording) -> Option<Unit> {
    let What::Samples { dim, unit, .. } = &r.what else { return None };
    Some(unit.clone().filter(|u| u.dim == *dim).unwrap_or_else(|| canonical_unit(*dim)))
}

pub fn described(r: &Recording) -> Described {
    let reduced = matches!(r.what, What::Samples { reduce: Some(_), .. });
    let unit = unit_of(r).map(|u| u.name);
    let synapses = r.member() == Member::Synapse;
    let (owner, variable) = (r.of.owner.clone(), r.of.variable.clone());
    let (begin, end) = (r.span.0 as f64 * r.dt, r.span.1 as f64 * r.dt);
    (r.name.clone(), unit, r.cells.len(), r.segments(), reduced, begin, end, owner, synapses, variable)
}

/// Which cells of their population are recorded, or synapses of their projection.
pub fn indices(r: &Recording) -> Vec<i64> {
    r.cells.iter().map(|k| k as i64).collect()
}

/// Times in ms and cells of events.
pub fn events(r: &Recording) -> Result<(Vec<f64>, Vec<u32>), String> {
    r.events(None).map(|e| (e.times, e.cells))
}

/// Times in ms, and values in the recording's unit, moment after moment.
pub fn samples(r: &Recording) -> Result<(Vec<f64>, Vec<f64>), String> {
    let (times, mut values) = r.samples(None)?;
    if let Some(unit) = unit_of(r) {
        values.iter_mut().for_each(|v| *v = unit.from_internal(*v));
    }
    Ok((times, values))
}

pub fn array<'py>(py: Python<'py>, values: Vec<f64>, shape: &[usize]) -> PyResult<Numbers<'py>> {
    PyArray1::from_vec(py, values).reshape(shape.to_vec())
}

/// A value with its unit; the first extent is that of examples, if there are several.
pub fn quantity<'py>(py: Python<'py>, q: &Quantity) -> PyResult<(Numbers<'py>, String)> {
    let unit = q.shown_unit();
    let values = q.data.iter().map(|v| unit.from_internal(*v)).collect();
    let shape: Vec<usize> = q.rows.into_iter().chain(q.shape.iter().copied()).collect();
    Ok((array(py, values, &shape)?, unit.name))
}

impl Outcome {
    pub fn new(outcome: neuro::experiment::Outcome, info: RunInfo) -> Outcome {
        Outcome { outcome: Mutex::new(outcome), info }
    }

    fn get(&self) -> MutexGuard<'_, neuro::experiment::Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drawn(
        &self,
        py: Python<'_>,
        k: usize,
        draw: impl Fn(&str) -> Result<Vec<u8>, String> + Send + Sync,
    ) -> PyResult<Vec<u8>> {
        let bytes = py.detach(|| {
            let out = self.get();
            let scene = draw::scene(&out.figures[k], &Spooled(&out.recordings))?;
            draw(&draw::svg(&scene))
        });
        bytes.map_err(PyRuntimeError::new_err)
    }
}

#[pymethods]
impl Outcome {
    /// The run's record as JSON, as `run.json` holds it.
    fn record(&self) -> String {
        report::record(&self.get(), &self.info).to_string()
    }

    fn failure(&self) -> Option<Told> {
        self.get().failure.as_ref().map(|d| told(d, &self.info.sources))
    }

    fn warnings(&self) -> Vec<Told> {
        all(&self.get().warnings, &self.info.sources)
    }

    fn log(&self) -> Vec<String> {
        self.get().log.clone()
    }

    /// Measures: name, and each execution with its unit.
    #[allow(clippy::type_complexity)]
    fn measures<'py>(&self, py: Python<'py>) -> PyResult<Vec<(String, Vec<(Numbers<'py>, String)>)>> {
        let out = self.get();
        let one = |(name, list): (&String, &Vec<Quantity>)| {
            let list = list.iter().map(|q| quantity(py, q)).collect::<PyResult<_>>()?;
            Ok((name.clone(), list))
        };
        out.measures.iter().map(one).collect()
    }

    /// Expectations as JSON: the text, whether it held, what was found, and where it is written.
    fn expectations(&self) -> Vec<String> {
        let of = |e| report::expectation_event(e, &self.info.sources).to_string();
        self.get().expectations.iter().map(of).collect()
    }

    fn recordings(&self) -> Vec<Described> {
        self.get().recordings.iter().map(described).collect()
    }

    fn indices<'py>(&self, py: Python<'py>, k: usize) -> Bound<'py, PyArray1<i64>> {
        PyArray1::from_vec(py, indices(&self.get().recordings[k]))
    }

    fn events<'py>(&self, py: Python<'py>, k: usize) -> PyResult<Events<'py>> {
        let read = py.detach(|| events(&self.get().recordings[k]));
        let (times, cells) = read.map_err(PyRuntimeError::new_err)?;
        Ok((PyArray1::from_vec(py, times), PyArray1::from_vec(py, cells)))
    }

    fn samples<'py>(&self, py: Python<'py>, k: usize) -> PyResult<Samples<'py>> {
        let read = py.detach(|| samples(&self.get().recordings[k]));
        let (times, values) = read.map_err(PyRuntimeError::new_err)?;
        Ok((PyArray1::from_vec(py, times), PyArray1::from_vec(py, values)))
    }

    /// Names and titles of figures.
    fn figures(&self) -> Vec<(String, String)> {
        self.get().figures.iter().map(|f| (f.name.clone(), f.title.clone())).collect()
    }

    fn svg(&self, py: Python<'_>, k: usize) -> PyResult<String> {
        let svg = self.drawn(py, k, |svg| Ok(svg.as_bytes().to_vec()))?;
        Ok(String::from_utf8_lossy(&svg).into_owned())
    }

    fn png<'py>(&self, py: Python<'py>, k: usize) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.drawn(py, k, draw::png)?))
    }

    fn pdf<'py>(&self, py: Python<'py>, k: usize) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.drawn(py, k, draw::pdf)?))
    }

    /// Networks that the experiment has saved: names of files with their bytes.
    fn saved<'py>(&self, py: Python<'py>) -> Vec<(String, Bound<'py, PyBytes>)> {
        self.get().saved.iter().map(|(name, bytes)| (name.clone(), PyBytes::new(py, bytes))).collect()
    }

    /// Writes the files of the run into an empty folder, as `neuro run` does, with recordings in some formats; returns their names.
    fn save(&self, py: Python<'_>, folder: PathBuf, formats: Vec<String>) -> PyResult<Vec<String>> {
        let known = || RecordingFormat::ALL.map(RecordingFormat::name).join(", ");
        let unknown = |name: &str| PyValueError::new_err(format!("recordings are written as {}, not {name}", known()));
        let parse = |name: &String| RecordingFormat::parse(name).ok_or_else(|| unknown(name));
        let formats = formats.iter().map(parse).collect::<PyResult<Vec<_>>>()?;
        let written = py.detach(|| {
            let mut out = self.get();
            let mut record = report::record(&out, &self.info);
            record["formats"] = formats.iter().map(|f| f.name()).collect::<Vec<_>>().into();
            let written = report::write(&mut out, &folder, &formats);
            let mut files = written.files;
            files.push("run.json".into());
            record["files"] = files.clone().into();
            let text = serde_json::to_string_pretty(&record).unwrap_or_default();
            let put = std::fs::write(folder.join("run.json"), text);
            match (written.trouble, put) {
                (Some(why), _) => Err(why),
                (None, Err(e)) => Err(format!("{}: {e}", folder.join("run.json").display())),
                (None, Ok(())) => Ok(files),
            }
        });
        written.map_err(PyOSError::new_err)
    }
}
