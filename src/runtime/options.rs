//! How to run.

use crate::codegen::Backend;
use crate::image::Target;
use crate::ir::Precision;

/// How to run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Time step, internal units (ms).
    pub dt: f64,
    /// Seed of all random streams.
    pub seed: u64,
    /// Type of states.
    pub precision: Precision,
    /// Threads.
    pub threads: usize,
    /// Back end.
    pub backend: Backend,
}

impl Options {
    /// Returns what kernels are made for.
    pub fn target(&self) -> Target {
        Target { dt: self.dt, precision: self.precision, backend: self.backend }
    }
}
