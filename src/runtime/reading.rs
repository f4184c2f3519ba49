//! What is made of cells' variables between steps: values of `let`s, and what handlers of signals give states.
//!
//! All cells at once and in double precision, whatever the network runs in, so they have the same bits on every back end.

use super::buffer::{Buffer, padded};
use crate::codegen::Backend;
use crate::codegen::abi::SlotMemory;
use crate::hir::{Expr, VarId};
use crate::image::{self, Bound, Held, Listing};
use crate::ir::Precision;
use crate::parallel::locked;
use crate::plan;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A compiled reading with the memory of its slots.
pub struct Reading {
    kernel: Bound<Held>,
    slots: Vec<Buffer>,
    n: usize,
}

impl Reading {
    /// Compiles expressions of a population's variables, for so many cells or places of segments.
    pub fn new(name: &str, (p, n): (&plan::Population, usize), of: &[Expr], dt: f64, backend: Backend) -> Reading {
        let kernel = image::reading(name, (p, n), of, dt, backend);
        let slots = kernel.slots().iter().map(|_| Buffer::new(padded(n), Precision::F64)).collect();
        Reading { kernel, slots, n }
    }

    /// Returns the kernel.
    pub fn listing(&self) -> Listing {
        self.kernel.listing()
    }

    /// Computes the values at time `t`; `fill` writes those of a variable, cell by cell.
    pub fn compute(&mut self, t: f64, fill: &mut dyn FnMut(VarId, &mut Buffer)) {
        if self.n == 0 {
            return;
        }
        for (held, slot) in self.kernel.slots().iter().zip(&mut self.slots) {
            match held {
                Held::Variable(v) => {
                    fill(*v, slot);
                    slot.repeat_last(self.n, padded(self.n));
                }
                Held::Time => slot.set(0, t),
                Held::Out(_) => {}
                _ => crate::ice!("a reading of what is not a value of a cell"),
            }
        }
        let table: Vec<SlotMemory> = self.slots.iter_mut().map(Buffer::in_place).collect();
        // SAFETY: every slot is a buffer of `padded(n)` numbers that only this call uses.
        unsafe { self.kernel.function().call(&table, 0, padded(self.n), 1) };
    }

    /// Returns the values of an expression, one per cell; what follows them means nothing.
    pub fn result(&self, k: usize) -> &Buffer {
        let slot = self.kernel.slots().iter().position(|held| *held == Held::Out(k));
        match slot {
            Some(slot) => &self.slots[slot],
            None => crate::ice!("a result that nobody asked for"),
        }
    }

    /// Returns the values of an expression without what follows them.
    pub fn values(&self, k: usize) -> &[f64] {
        &self.result(k).f64()[..self.n]
    }
}

/// Readings of single variables, each compiled when it is first read.
pub struct Readings {
    dt: f64,
    backend: Backend,
    known: Mutex<BTreeMap<(usize, VarId), Reading>>,
}

impl Readings {
    /// Knows none yet.
    pub fn new(dt: f64, backend: Backend) -> Readings {
        Readings { dt, backend, known: Mutex::default() }
    }

    /// Hands over the values of a variable of a population at time `t`, one per cell; `fill` writes those of what has a place.
    pub fn with<R>(
        &self,
        (index, var): (usize, VarId),
        p: &plan::Population,
        t: f64,
        fill: &mut dyn FnMut(VarId, &mut Buffer),
        then: impl FnOnce(&Buffer) -> R,
    ) -> R {
        let mut known = locked(&self.known);
        let new = || Reading::new("reading", (p, p.n), &[Expr::Var(var)], self.dt, self.backend);
        let reading = known.entry((index, var)).or_insert_with(new);
        reading.compute(t, fill);
        then(reading.result(0))
    }
}
