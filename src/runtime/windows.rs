//! What a network keeps of the windows of an experiment: values at their ends, and means over their steps.

use super::buffer::Buffer;
use crate::hir::{Take, Taken};
use crate::plan::windows::{Kept, steps_of};
use serde::{Deserialize, Serialize};

/// A window that was shorter than what is taken of its last part.
#[derive(Debug, Clone, PartialEq)]
pub struct TooShort {
    /// What is taken, as it is written.
    pub what: String,
    /// How many steps the window had.
    pub steps: usize,
    /// How many are needed.
    pub needed: usize,
}

/// The mean of values over the steps of a window, or over the last of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Average {
    /// Over how many of the last steps, if not over all.
    last: Option<usize>,
    /// Whether the window is open.
    open: bool,
    steps: usize,
    /// Over all steps so far.
    sum: Vec<f64>,
    /// The values of the last steps, those of step `s` at `s % last`.
    recent: Vec<f64>,
}

impl Average {
    /// Returns the average that something taken of a window needs, if it does.
    pub fn for_what(taken: &Taken, dt: f64) -> Option<Average> {
        let Take::Mean(last) = taken.how else { return None };
        let last = last.and_then(|last| steps_of(last, dt));
        Some(Average { last, open: false, steps: 0, sum: Vec::new(), recent: Vec::new() })
    }

    /// Begins a window.
    pub fn begin(&mut self) {
        (self.open, self.steps) = (true, 0);
        self.sum.clear();
        self.recent.clear();
    }

    /// Returns whether its window is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Adds the values at the end of a step.
    pub fn add(&mut self, values: &Buffer) {
        let n = values.len();
        match self.last {
            Some(last) => {
                let at = self.steps % last * n;
                self.recent.resize(self.recent.len().max(at + n), 0.0);
                values.each(&mut self.recent[at..at + n], |to, x| *to = x);
            }
            None => {
                self.sum.resize(n, 0.0);
                values.each(&mut self.sum, |to, x| *to += x);
            }
        }
        self.steps += 1;
    }

    /// Ends the window; nothing if it had no step.
    ///
    /// # Errors
    /// The number of steps that the mean needs, if the window had fewer.
    pub fn end(&mut self) -> Result<Option<Vec<f64>>, usize> {
        self.open = false;
        if self.steps == 0 {
            return Ok(None);
        }
        let Some(last) = self.last else {
            return Ok(Some(self.sum.iter().map(|x| x / self.steps as f64).collect()));
        };
        if self.steps < last {
            return Err(last);
        }
        let n = self.recent.len() / last;
        let mut sum = vec![0.0; n];
        for step in self.steps - last..self.steps {
            let values = &self.recent[step % last * n..][..n];
            sum.iter_mut().zip(values).for_each(|(s, x)| *s += x);
        }
        Ok(Some(sum.into_iter().map(|s| s / last as f64).collect()))
    }

    /// Returns how many steps the window has had.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Returns whether another one is about the same.
    pub fn is_like(&self, other: &Average) -> bool {
        self.last == other.last
    }
}

/// What the cells of a network with events keep of windows.
pub struct Windows {
    pub(super) kept: Vec<(Kept, Option<Average>)>,
    /// Which of them are of windows of which none has ended yet.
    pub(super) beginning: Vec<usize>,
}

impl Windows {
    /// Prepares to keep.
    pub fn new(kept: Vec<Kept>, dt: f64) -> Windows {
        let with_average = |k: Kept| {
            let average = Average::for_what(&k.taken, dt);
            (k, average)
        };
        Windows { beginning: (0..kept.len()).collect(), kept: kept.into_iter().map(with_average).collect() }
    }

    /// Returns whether something is averaged, step by step.
    pub fn have_means(&self) -> bool {
        self.kept.iter().any(|(_, average)| average.is_some())
    }

    /// Returns the averages so far.
    pub fn averages(&self) -> Vec<Average> {
        self.kept.iter().filter_map(|(_, average)| average.clone()).collect()
    }

    /// Puts them back; false if they are others.
    pub fn set_averages(&mut self, from: &[Average]) -> bool {
        let mut own: Vec<&mut Average> = self.kept.iter_mut().filter_map(|(_, average)| average.as_mut()).collect();
        own.len() == from.len()
            && own.iter_mut().zip(from).all(|(own, from)| {
                let fits = own.is_like(from);
                **own = from.clone();
                fits
            })
    }
}
