//! Adaptive integration within one step of the grid, cell by cell with its own step size.

use super::buffer::Buffer;
use super::population::{Loaded, StateArray};
use crate::image::{self, Binding, Listing, PortSource, Target};
use crate::ir::Precision;
use crate::plan::Population;
use std::collections::BTreeMap;
use std::ops::Range;

/// The attempted step of a population and the step size of each of its cells.
pub struct Adaptive {
    attempt: Loaded,
    /// Step sizes to try next, internal units.
    step: Vec<f64>,
}

/// What one attempt reads and writes beside the states.
pub struct Attempt {
    /// Step sizes; zero for cells that have arrived.
    pub h: Buffer,
    /// Errors relative to the tolerance.
    pub error: Buffer,
    /// Times at which the attempts begin.
    pub time: Buffer,
}

impl Adaptive {
    /// Compiles the attempt, if the population asks for an adaptive scheme; step sizes of `old` are kept.
    pub fn new(
        p: &Population,
        ports: &BTreeMap<crate::hir::VarId, PortSource>,
        target: &Target,
        old: Option<Adaptive>,
    ) -> Option<Adaptive> {
        let kernel = image::attempt(p, ports, target)?;
        let step = old.map_or(vec![target.dt; p.n], |a| a.step);
        Some(Adaptive { attempt: Loaded::new(kernel, super::buffer::padded(p.n), 1, target), step })
    }

    /// Returns the kernels.
    pub fn listings(&self) -> impl Iterator<Item = Listing> {
        self.attempt.listings()
    }

    /// Returns the step that each cell would like to make.
    pub fn step_sizes(&self) -> &[f64] {
        &self.step
    }

    /// Puts them back; false if they are not as many.
    pub fn set_step_sizes(&mut self, from: &[f64]) -> bool {
        let fits = from.len() == self.step.len();
        if fits {
            self.step.copy_from_slice(from);
        }
        fits
    }

    /// Advances the `states` of this process's lanes from `t` by `dt`; `ports` holds the analog inputs of this step.
    pub fn advance(
        &mut self,
        (t, dt): (f64, f64),
        (lanes, own): (usize, Range<usize>),
        precision: Precision,
        states: &mut [StateArray],
        ports: &mut BTreeMap<crate::hir::VarId, Buffer>,
    ) {
        let new = || Buffer::new(lanes, precision);
        let mut buffers = Attempt { h: new(), error: new(), time: new() };
        let here = own.start.min(self.step.len())..own.end.min(self.step.len());
        let mut done = vec![0.0; self.step.len()];
        // A step that shrinks below this would never end; the state is then left to the finiteness check.
        let smallest = dt * 1e-9;
        let moved: Vec<Binding> =
            self.attempt.kernel.slots().iter().filter(|b| matches!(b, Binding::State(_))).cloned().collect();
        while done[here.clone()].iter().any(|d| *d < dt) {
            for (i, done) in here.clone().zip(&done[here.clone()]) {
                buffers.h.set(i, (dt - done).min(self.step[i]).max(0.0));
                buffers.time.set(i, t + done);
            }
            let table = self.attempt.attempt_table(&mut buffers, states, ports);
            // SAFETY: every slot is a buffer of at least `lanes` elements (uniform ones of one).
            unsafe { self.attempt.kernel.function().call(&table, own.start, own.end, 1) };
            for (i, done) in here.clone().zip(&mut done[here.clone()]) {
                let used = (dt - *done).min(self.step[i]);
                if used <= 0.0 {
                    continue;
                }
                let e = buffers.error.get(i);
                if e <= 1.0 || used <= smallest {
                    for s in states.iter_mut().filter(|s| moved.contains(&s.key)) {
                        let v = s.next().get(i);
                        s.now_mut().set(i, v);
                    }
                    *done = if used >= (dt - *done) * (1.0 - 1e-12) { dt } else { *done + used };
                }
                // The usual controller: safety 0.9, growth between 0.2 and 5.
                let factor = if e.is_finite() { 0.9 * e.max(1e-8).powf(-0.2) } else { 0.2 };
                let new = used * factor.clamp(0.2, 5.0);
                if e > 1.0 || e.is_nan() || used == self.step[i] || new < self.step[i] {
                    self.step[i] = new.max(smallest);
                }
            }
        }
    }
}
