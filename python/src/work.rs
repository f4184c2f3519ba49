//! Work on threads of its own, while Python hears of it and may stop it.
//!
//! Only the thread that asks for the work touches Python: it waits without the interpreter's lock, and takes it to look for signals
//! (Ctrl-C) and to tell a listener how far the work is.

use neuro::experiment::{Moment, Progress};
use neuro::parallel::locked;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Between two looks for signals.
pub const LOOK: Duration = Duration::from_millis(50);

/// Between two words to a listener.
const WORD: Duration = Duration::from_millis(100);

/// Stops work from another thread.
#[pyclass(frozen, module = "neuro._neuro")]
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

#[pymethods]
impl Stop {
    #[new]
    fn new() -> Stop {
        Stop::default()
    }

    /// Asks the work to stop at the next occasion.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Stop {
    pub fn is_asked_for(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Lets the next work go on.
    pub fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// What work tells.
pub enum Word<T> {
    /// Of how many synapses a network is made so far, of all.
    Building(String, usize, usize),
    /// How far the experiment is.
    At(Moment),
    /// A line that it prints.
    Line(String),
    /// It has come to its end.
    Done(T),
}

/// Tells how far a run is.
pub struct Teller<T> {
    pub to: Sender<Word<T>>,
    pub stop: Stop,
    /// Whether somebody listens to more than the end.
    pub heard: bool,
    last: Mutex<Option<Instant>>,
}

impl<T> Teller<T> {
    pub fn new(to: Sender<Word<T>>, stop: Stop, heard: bool) -> Teller<T> {
        Teller { to, stop, heard, last: Mutex::new(None) }
    }

    fn is_due(&self) -> bool {
        let now = Instant::now();
        let mut last = locked(&self.last);
        let due = self.heard && last.is_none_or(|last| now.duration_since(last) >= WORD);
        if due {
            *last = Some(now);
        }
        due
    }
}

impl<T: Send> Progress for Teller<T> {
    fn building(&self, network: &str, so_far: usize, all: usize) {
        if self.is_due() {
            let _ = self.to.send(Word::Building(network.into(), so_far, all));
        }
    }

    fn update(&self, at: &Moment) {
        if self.is_due() {
            let _ = self.to.send(Word::At(*at));
        }
    }

    fn line(&self, text: &str) {
        if self.heard {
            let _ = self.to.send(Word::Line(text.into()));
        }
    }

    fn interrupted(&self) -> Option<String> {
        self.stop.is_asked_for().then(|| "asked to stop".into())
    }
}

/// Work has ended in a panic.
pub fn failed() -> PyErr {
    PyRuntimeError::new_err("internal error of neuro, please report it with the model: see the message above")
}

/// Waits for the end of some work. Returns what came of it, and the exception for which it was asked to stop.
pub fn wait<T: Send>(
    py: Python<'_>,
    from: &Mutex<Receiver<Word<T>>>,
    stop: &Stop,
    listener: Option<&Bound<'_, PyAny>>,
) -> PyResult<(T, Option<PyErr>)> {
    let mut stopped = None;
    loop {
        let word = py.detach(|| locked(from).recv_timeout(LOOK));
        let heard = match word {
            Ok(Word::Done(done)) => return Ok((done, stopped)),
            Err(RecvTimeoutError::Disconnected) => return Err(failed()),
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(word) => listener.map_or(Ok(()), |l| tell(l, word)),
        };
        if let Err(e) = heard.and_then(|()| py.check_signals())
            && stopped.is_none()
        {
            stop.stop();
            stopped = Some(e);
        }
    }
}

fn tell<T>(listener: &Bound<'_, PyAny>, word: Word<T>) -> PyResult<()> {
    match word {
        Word::Building(network, so_far, all) => listener.call_method1("building", (network, so_far, all))?,
        Word::At(at) => listener.call_method1("at", (at.simulated, at.total, at.turn, at.done()))?,
        Word::Line(text) => listener.call_method1("line", (text,))?,
        Word::Done(_) => return Ok(()),
    };
    Ok(())
}
