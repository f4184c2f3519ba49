//! Why a run shall stop before its end: the user asks for it, its time is over, or it has grown beyond what it may take.

use super::outcome::{Expectation, Moment, Progress};
use super::record::Recording;
use crate::budget;
use crate::figure::Figure;
use crate::parallel::locked;
use crate::value::Quantity;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// Between two looks at the memory of the process.
const LOOK: Duration = Duration::from_millis(100);

/// A listener, and what a run may take.
pub struct Limits<'a> {
    progress: &'a dyn Progress,
    begun: Instant,
    longest: Option<Duration>,
    looked: Mutex<Option<Instant>>,
    /// The first reason that was found; it is asked for again where the run ends.
    found: OnceLock<String>,
}

impl<'a> Limits<'a> {
    /// The limits of a run that begins now.
    pub fn new(progress: &'a dyn Progress, longest: Option<Duration>) -> Limits<'a> {
        let (looked, found) = Default::default();
        Limits { progress, begun: Instant::now(), longest, looked, found }
    }

    fn out_of_memory(&self) -> Option<String> {
        if !budget::is_bounded() {
            return None;
        }
        let now = Instant::now();
        let mut looked = locked(&self.looked);
        if looked.is_some_and(|l| now.duration_since(l) < LOOK) {
            return None;
        }
        *looked = Some(now);
        let lack = budget::exceeded()?;
        Some(format!("it takes {}, `--max-memory` allows {}", budget::shown(lack.needed), budget::shown(lack.left)))
    }
}

impl Progress for Limits<'_> {
    fn building(&self, network: &str, so_far: usize, all: usize) {
        self.progress.building(network, so_far, all);
    }

    fn update(&self, at: &Moment) {
        self.progress.update(at);
    }

    fn measure(&self, name: &str, executions: &[Quantity]) {
        self.progress.measure(name, executions);
    }

    fn expectation(&self, checked: &Expectation) {
        self.progress.expectation(checked);
    }

    fn figure(&self, figure: &Figure, recordings: &[Recording]) {
        self.progress.figure(figure, recordings);
    }

    fn line(&self, text: &str) {
        self.progress.line(text);
    }

    fn interrupted(&self) -> Option<String> {
        if self.found.get().is_none()
            && let Some(why) = self.reason()
        {
            return Some(self.found.get_or_init(|| why).clone());
        }
        self.found.get().cloned()
    }
}

impl Limits<'_> {
    fn reason(&self) -> Option<String> {
        if let Some(longest) = self.longest.filter(|longest| self.begun.elapsed() >= *longest) {
            return Some(format!("the time of `--max-time` is over, {} s", longest.as_secs_f64()));
        }
        self.progress.interrupted().or_else(|| self.out_of_memory())
    }
}
