//! How to run.

use super::profile::Profile;
use crate::codegen::Backend;
use crate::image::Target;
use crate::ir::Precision;
use std::sync::Arc;

/// How to run.
#[derive(Debug, Clone)]
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
    /// What hears where the time goes.
    pub profile: Option<Arc<Profile>>,
}

impl Options {
    /// Returns what kernels are made for.
    pub fn target(&self) -> Target {
        Target { dt: self.dt, precision: self.precision, backend: self.backend }
    }
}
