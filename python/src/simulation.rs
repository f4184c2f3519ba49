//! Networks that are stepped, read and changed from Python.

use crate::errors::{Told, all, refused, told};
use crate::outcome::{Described, Events, Samples, described, events, indices, quantity, samples};
use crate::program::{Compiled, Options, compiled};
use crate::resident::{Resident, Subject};
use crate::work::Stop;
use neuro::diag::{Diagnostic, Diagnostics};
use neuro::evaluate::Attempt;
use neuro::experiment::{Given, Session};
use neuro::hir::{Var, VarKind};
use neuro::units::canonical_unit;
use neuro::value::{Quantity, Value};
use numpy::PyArray1;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyBytes;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// What comes of a request.
enum Answer {
    Nothing,
    Failed(Box<Diagnostic>),
    Quantity(Quantity),
    Truth(bool),
    Text(String),
    Other(&'static str),
    Bytes(Vec<u8>),
    Network(Plan),
    Recordings(Vec<Described>),
    Indices(Vec<i64>),
    Events(Vec<f64>, Vec<u32>),
    Samples(Vec<f64>, Vec<f64>),
    Unreadable(String),
    State(f64, f64, u64),
    Warnings(Diagnostics),
}

/// A variable: its name, what it is, its unit.
type Variable = (String, &'static str, String);

/// Populations with their shapes, variables and events, and projections with their numbers of synapses and their variables.
type Plan = (Vec<(String, Vec<usize>, Vec<Variable>, Vec<String>)>, Vec<(String, usize, Vec<Variable>)>);

type Request = crate::resident::Request<Answer>;

/// A session. `neuro.Simulation` is what users see of it.
#[pyclass(frozen, module = "neuro._neuro")]
pub struct Simulation {
    of: Compiled,
    resident: Mutex<Resident<Answer>>,
}

fn answer<T>(of: Attempt<T>, as_answer: impl FnOnce(T) -> Answer) -> Answer {
    of.map_or_else(Answer::Failed, as_answer)
}

fn kind(v: &Var) -> Option<&'static str> {
    Some(match v.kind {
        VarKind::Param(_) => "parameter",
        VarKind::State(_) => "state",
        VarKind::Let(_) => "let",
        VarKind::AnalogPort(_) => "port",
        VarKind::Weight => "weight",
        VarKind::Modulator(_) => "modulator",
        _ => return None,
    })
}

fn variable(v: &Var) -> Option<Variable> {
    let unit = v.unit.clone().filter(|u| u.dim == v.dim).unwrap_or_else(|| canonical_unit(v.dim));
    Some((v.name.clone(), kind(v)?, unit.name))
}

fn plan(s: &Session, network: &str) -> Plan {
    let Some(n) = s.network(network) else { return Plan::default() };
    let population = |p: &neuro::plan::Population| {
        let variables = p.model.vars.values().filter_map(variable).collect();
        (p.name.clone(), p.shape.clone(), variables, p.model.events.values().map(|e| e.name.clone()).collect())
    };
    let projection = |p: &neuro::plan::Projection| {
        (p.name.clone(), p.pairs.len(), p.synapse.vars.values().filter_map(variable).collect())
    };
    (n.populations.iter().map(population).collect(), n.projections.iter().map(projection).collect())
}

impl Simulation {
    /// Has something done. Requests of several threads take turns.
    fn ask(&self, py: Python<'_>, request: Request) -> PyResult<Answer> {
        // The lock of the interpreter is not held while one waits for the other.
        let mut resident = self.resident.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner);
        match resident.ask(py, request)? {
            (_, Some(e)) => Err(e),
            (Answer::Failed(d), None) => Err(refused(py, vec![told(&d, &self.of.program.sources)])),
            (Answer::Unreadable(why), None) => Err(PyRuntimeError::new_err(why)),
            (answer, None) => Ok(answer),
        }
    }

    fn carry_out(
        &self,
        py: Python<'_>,
        what: impl FnOnce(&mut Session) -> Attempt<()> + Send + 'static,
    ) -> PyResult<()> {
        self.ask(py, Box::new(move |s| answer(what(s), |()| Answer::Nothing))).map(|_| ())
    }

    fn go_on(&self, py: Python<'_>, by: impl FnOnce(&Session) -> f64 + Send + 'static) -> PyResult<Vec<Told>> {
        let on = move |s: &mut Session| {
            let duration = by(s);
            let advanced = s.advance(duration);
            answer(advanced, |()| Answer::Warnings(s.warnings()))
        };
        match self.ask(py, Box::new(on))? {
            Answer::Warnings(found) => Ok(all(&found, &self.of.program.sources)),
            _ => Ok(Vec::new()),
        }
    }
}

#[pymethods]
impl Simulation {
    /// Executes the only experiment of a text, and keeps its networks.
    #[new]
    fn new(py: Python<'_>, path: PathBuf, text: String, experiment: String, options: Options) -> PyResult<Simulation> {
        let of = compiled(py, path, Some(text))?;
        let (program, path) = (of.program.clone(), of.path.clone());
        let subject = Subject { program, path, experiment, settings: options.settings()? };
        match Resident::begin(py, subject, Stop::default())? {
            Ok(resident) => Ok(Simulation { of, resident: Mutex::new(resident) }),
            Err(d) => Err(refused(py, vec![told(&d, &of.program.sources)])),
        }
    }

    /// The time that has come, the time step, ms, and the seed.
    fn state(&self, py: Python<'_>) -> PyResult<(f64, f64, u64)> {
        match self.ask(py, Box::new(|s| Answer::State(s.time(), s.dt(), s.seed())))? {
            Answer::State(time, dt, seed) => Ok((time, dt, seed)),
            _ => Ok((0.0, 0.0, 0)),
        }
    }

    fn plan(&self, py: Python<'_>, network: String) -> PyResult<Plan> {
        match self.ask(py, Box::new(move |s| Answer::Network(plan(s, &network))))? {
            Answer::Network(plan) => Ok(plan),
            _ => Ok(Plan::default()),
        }
    }

    /// Lets so many ms pass; returns warnings.
    fn advance(&self, py: Python<'_>, duration: f64) -> PyResult<Vec<Told>> {
        self.go_on(py, move |_| duration)
    }

    /// Makes so many time steps; returns warnings.
    fn step(&self, py: Python<'_>, steps: u64) -> PyResult<Vec<Told>> {
        self.go_on(py, move |s| steps as f64 * s.dt())
    }

    /// What an expression is now: numbers with their unit, a truth value or a text.
    fn value(&self, py: Python<'_>, text: String) -> PyResult<Py<PyAny>> {
        let read = Box::new(move |s: &mut Session| match s.value(&text) {
            Ok(Value::Quantity(q)) => Answer::Quantity(q),
            Ok(Value::Bool(b)) => Answer::Truth(b),
            Ok(Value::Text(t)) => Answer::Text(t.to_string()),
            Ok(other) => Answer::Other(other.kind()),
            Err(d) => Answer::Failed(d),
        });
        Ok(match self.ask(py, read)? {
            Answer::Quantity(q) => quantity(py, &q)?.into_pyobject(py)?.into_any().unbind(),
            Answer::Truth(b) => b.into_pyobject(py)?.to_owned().into_any().unbind(),
            Answer::Text(t) => t.into_pyobject(py)?.into_any().unbind(),
            Answer::Other(kind) => return Err(PyTypeError::new_err(format!("{kind} has no value in Python"))),
            _ => py.None(),
        })
    }

    /// Assigns a text with a unit.
    fn assign_text(&self, py: Python<'_>, path: String, text: String) -> PyResult<()> {
        self.carry_out(py, move |s| s.assign(&path, Given::Text(text)))
    }

    /// Assigns numbers in the unit of what is assigned to.
    fn assign(&self, py: Python<'_>, path: String, values: Vec<f64>, shape: Vec<usize>) -> PyResult<()> {
        self.carry_out(py, move |s| s.assign(&path, Given::Numbers(values, shape)))
    }

    fn act(&self, py: Python<'_>, world: String, action: String, args: Vec<f64>) -> PyResult<()> {
        self.carry_out(py, move |s| s.act(&world, &action, &args))
    }

    fn signal(&self, py: Python<'_>, name: String) -> PyResult<()> {
        self.carry_out(py, move |s| s.signal(&name))
    }

    fn learning(&self, py: Python<'_>, on: bool, path: String) -> PyResult<()> {
        self.carry_out(py, move |s| s.learning(on, &path))
    }

    fn reset(&self, py: Python<'_>, path: String) -> PyResult<()> {
        self.carry_out(py, move |s| s.reset(&path))
    }

    fn save<'py>(&self, py: Python<'py>, network: String, file: String) -> PyResult<Bound<'py, PyBytes>> {
        match self.ask(py, Box::new(move |s| answer(s.save(&network, &file), Answer::Bytes)))? {
            Answer::Bytes(bytes) => Ok(PyBytes::new(py, &bytes)),
            _ => Ok(PyBytes::new(py, &[])),
        }
    }

    fn load(&self, py: Python<'_>, network: String, file: String, bytes: Vec<u8>) -> PyResult<()> {
        self.carry_out(py, move |s| s.load(&network, &file, bytes))
    }

    fn recordings(&self, py: Python<'_>) -> PyResult<Vec<Described>> {
        let all = |s: &mut Session| Answer::Recordings(s.recordings().iter().map(described).collect());
        match self.ask(py, Box::new(all))? {
            Answer::Recordings(all) => Ok(all),
            _ => Ok(Vec::new()),
        }
    }

    fn indices<'py>(&self, py: Python<'py>, k: usize) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let of = move |s: &mut Session| Answer::Indices(indices(&s.recordings()[k]));
        let indices = match self.ask(py, Box::new(of))? {
            Answer::Indices(indices) => indices,
            _ => Default::default(),
        };
        Ok(PyArray1::from_vec(py, indices))
    }

    fn events<'py>(&self, py: Python<'py>, k: usize) -> PyResult<Events<'py>> {
        let read = move |s: &mut Session| match events(&s.recordings()[k]) {
            Ok((times, cells)) => Answer::Events(times, cells),
            Err(why) => Answer::Unreadable(why),
        };
        let (times, cells) = match self.ask(py, Box::new(read))? {
            Answer::Events(times, cells) => (times, cells),
            _ => Default::default(),
        };
        Ok((PyArray1::from_vec(py, times), PyArray1::from_vec(py, cells)))
    }

    fn samples<'py>(&self, py: Python<'py>, k: usize) -> PyResult<Samples<'py>> {
        let read = move |s: &mut Session| match samples(&s.recordings()[k]) {
            Ok((times, values)) => Answer::Samples(times, values),
            Err(why) => Answer::Unreadable(why),
        };
        let (times, values) = match self.ask(py, Box::new(read))? {
            Answer::Samples(times, values) => (times, values),
            _ => Default::default(),
        };
        Ok((PyArray1::from_vec(py, times), PyArray1::from_vec(py, values)))
    }

    fn forget_recorded(&self, py: Python<'_>) -> PyResult<()> {
        self.carry_out(py, |s| {
            s.forget_recorded();
            Ok(())
        })
    }

    /// What was found in the text, and when the networks were made.
    fn warnings(&self, py: Python<'_>) -> PyResult<Vec<Told>> {
        let mut found = all(&self.of.program.diagnostics, &self.of.program.sources);
        if let Answer::Warnings(since) = self.ask(py, Box::new(|s| Answer::Warnings(s.warnings())))? {
            found.extend(all(&since, &self.of.program.sources));
        }
        Ok(found)
    }
}
