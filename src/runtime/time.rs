//! Functions of time that inputs and rates follow.

use crate::value::Cells;
use std::sync::Arc;

type Fill = dyn Fn(f64, &mut [f64]) + Send + Sync;

/// A function of time, the same for all cells or one for each; internal units.
#[derive(Clone)]
pub struct TimeFunction {
    shared: bool,
    fill: Arc<Fill>,
}

impl TimeFunction {
    /// Makes a function; `fill` computes the values of all cells at a time, or the one value that they share.
    pub fn new(shared: bool, fill: impl Fn(f64, &mut [f64]) + Send + Sync + 'static) -> TimeFunction {
        TimeFunction { shared, fill: Arc::new(fill) }
    }

    /// Returns whether all cells have the same value.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// Returns the value that all cells share.
    pub fn at(&self, t: f64) -> f64 {
        let mut value = [0.0];
        (self.fill)(t, &mut value);
        value[0]
    }

    /// Writes the values of all cells.
    pub fn fill(&self, t: f64, values: &mut [f64]) {
        match self.shared {
            true => values.fill(self.at(t)),
            false => (self.fill)(t, values),
        }
    }
}

/// A function that a port of some cells of a population follows.
#[derive(Clone)]
pub struct PortFunction {
    /// The cells.
    pub cells: Cells,
    /// The function; its values are those of these cells.
    pub of: TimeFunction,
}

impl PortFunction {
    /// Writes the values of its cells among those of all.
    pub fn fill(&self, t: f64, all: &mut [f64]) {
        match self.cells.view() {
            Some(view) => self.of.fill(t, &mut all[view.range()]),
            None => {
                let mut values = vec![0.0; self.cells.len()];
                self.of.fill(t, &mut values);
                self.cells.iter().zip(values).for_each(|(cell, value)| all[cell] = value);
            }
        }
    }
}
