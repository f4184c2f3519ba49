//! A session on a deep stack of its own, a coroutine: who asks for something does it there, and no other thread need be woken.

use crate::work::{LOOK, Stop};
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use neuro::compiler::Program;
use neuro::diag::Diagnostic;
use neuro::disk::Disk;
use neuro::experiment::{Moment, Progress, Runner, Session, Settings};
use neuro::parallel::{DEEP_STACK, locked};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// What is done with a session.
pub type Request<A> = Box<dyn FnOnce(&mut Session) -> A + Send>;

/// What a coroutine is told when it goes on.
enum Told<A> {
    Request(Request<A>),
    /// That Python was looked after; where it waits for a request, that there will be none.
    Nothing,
}

/// Why a coroutine waits.
enum Waits<A> {
    /// To let Python look for signals.
    Look,
    /// It has begun, or could not.
    Begun(Result<(), Box<Diagnostic>>),
    Done(A),
}

/// What a session is of.
pub struct Subject {
    pub program: Arc<Program>,
    pub path: PathBuf,
    pub experiment: String,
    pub settings: Settings,
}

/// A session with its stack.
pub struct Resident<A: 'static> {
    of: ManuallyDrop<Coroutine<Told<A>, Waits<A>, ()>>,
    stop: Stop,
    /// The process that has the threads of the session; a copy of it has none.
    process: u32,
}

// SAFETY: on the stack of a coroutine that waits for a request is a session with what it borrows, all of which may go from thread to
// thread. It waits for anything else only within `go_on`, which goes on with it in the same thread.
unsafe impl<A: Send> Send for Resident<A> {}

const _: () = {
    const fn may_go<T: Send>() {}
    may_go::<Session<'static>>();
    may_go::<(Runner<'static>, Subject, Disk)>();
};

/// Asks Python to look for signals.
struct Lookout<'y, A> {
    yielder: &'y Yielder<Told<A>, Waits<A>>,
    stop: Stop,
    looked: Mutex<Instant>,
    /// The thread that is on the coroutine's stack.
    here: AtomicUsize,
}

// SAFETY: only the thread that is on the coroutine's stack reaches for the yielder.
unsafe impl<A> Sync for Lookout<'_, A> {}

/// A number of this thread that no other one has at the same time. It is not part of its caller, which may go on in another thread.
#[inline(never)]
fn this_thread() -> usize {
    thread_local!(static HERE: u8 = const { 0 });
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

impl<'y, A> Lookout<'y, A> {
    fn new(yielder: &'y Yielder<Told<A>, Waits<A>>, stop: Stop) -> Lookout<'y, A> {
        Lookout { yielder, stop, looked: Mutex::new(Instant::now()), here: AtomicUsize::new(this_thread()) }
    }

    /// A request begins.
    fn begin(&self) {
        self.here.store(this_thread(), Ordering::Relaxed);
        *locked(&self.looked) = Instant::now();
    }

    fn is_time(&self) -> bool {
        let mut looked = locked(&self.looked);
        let due = looked.elapsed() >= LOOK && self.here.load(Ordering::Relaxed) == this_thread();
        if due {
            *looked = Instant::now();
        }
        due
    }
}

impl<A> Progress for Lookout<'_, A> {
    fn update(&self, _: &Moment) {}

    fn interrupted(&self) -> Option<String> {
        if self.is_time() {
            self.yielder.suspend(Waits::Look);
        }
        self.stop.is_asked_for().then(|| "asked to stop".into())
    }
}

/// What is on the stack: a session, until no request comes any more.
fn live<A>(yielder: &Yielder<Told<A>, Waits<A>>, of: &Subject, stop: Stop) {
    let disk = Disk::beside(&of.path);
    let Some(experiment) = of.program.module.experiments.iter().find(|e| e.name == of.experiment) else { return };
    let lookout = Lookout::new(yielder, stop);
    let settings = of.settings.clone();
    let runner = Runner { module: &of.program.module, files: &disk, settings, progress: &lookout };
    let mut session = match Session::begin(&runner, experiment) {
        Ok(session) => session,
        Err(d) => {
            yielder.suspend(Waits::Begun(Err(d)));
            return;
        }
    };
    let mut told = yielder.suspend(Waits::Begun(Ok(())));
    while let Told::Request(request) = told {
        lookout.begin();
        told = yielder.suspend(Waits::Done(request(&mut session)));
    }
}

fn gone() -> PyErr {
    PyRuntimeError::new_err("the simulation has ended by an error")
}

impl<A: Send> Resident<A> {
    /// Begins a session. Returns it, or what was found; and the exception for which it was asked to stop.
    pub fn begin(py: Python<'_>, of: Subject, stop: Stop) -> PyResult<Result<Resident<A>, Box<Diagnostic>>> {
        let stack = DefaultStack::new(DEEP_STACK);
        let stack = stack.map_err(|e| PyRuntimeError::new_err(format!("no stack for a simulation: {e}")))?;
        let stops = stop.clone();
        let of = Coroutine::with_stack(stack, move |yielder: &Yielder<_, _>, _| live(yielder, &of, stops));
        let mut resident = Resident { of: ManuallyDrop::new(of), stop, process: std::process::id() };
        match resident.go_on(py, Told::Nothing)? {
            (_, Some(e)) => Err(e),
            (Waits::Begun(Ok(())), None) => Ok(Ok(resident)),
            (Waits::Begun(Err(d)), None) => Ok(Err(d)),
            _ => Err(gone()),
        }
    }

    /// Has something done. Returns what came of it, and the exception for which it was asked to stop.
    pub fn ask(&mut self, py: Python<'_>, request: Request<A>) -> PyResult<(A, Option<PyErr>)> {
        if self.process != std::process::id() {
            return Err(PyRuntimeError::new_err(
                "a simulation stays in its process: save it, and load it in the other one",
            ));
        }
        self.stop.clear();
        match self.go_on(py, Told::Request(request))? {
            (Waits::Done(answer), stopped) => Ok((answer, stopped)),
            _ => Err(gone()),
        }
    }

    /// Lets it go on until it waits for a request, without the lock of the interpreter.
    fn go_on(&mut self, py: Python<'_>, mut told: Told<A>) -> PyResult<(Waits<A>, Option<PyErr>)> {
        let mut stopped = None;
        loop {
            if self.of.done() {
                return Err(gone());
            }
            match py.detach(|| self.resume(told)) {
                Some(Waits::Look) => {}
                Some(waits) => return Ok((waits, stopped)),
                None => return Err(crate::work::failed()),
            }
            if let Err(e) = py.check_signals()
                && stopped.is_none()
            {
                self.stop.stop();
                stopped = Some(e);
            }
            told = Told::Nothing;
        }
    }

    /// Nothing comes of a panic.
    fn resume(&mut self, told: Told<A>) -> Option<Waits<A>> {
        match catch_unwind(AssertUnwindSafe(|| self.of.resume(told))) {
            Ok(CoroutineResult::Yield(waits)) => Some(waits),
            Ok(CoroutineResult::Return(())) | Err(_) => None,
        }
    }
}

impl<A> Drop for Resident<A> {
    /// Lets the session end. In a copy of the process it is left as it is: its threads are not there.
    fn drop(&mut self) {
        if self.process != std::process::id() {
            return;
        }
        if !self.of.done() {
            let _ = catch_unwind(AssertUnwindSafe(|| self.of.resume(Told::Nothing)));
        }
        // SAFETY: it is not reached for after this.
        unsafe { ManuallyDrop::drop(&mut self.of) }
    }
}
