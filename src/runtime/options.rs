//! How to run.

use super::exchange::Ranks;
use super::profile::{Profile, Stopwatch};
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
    /// How many networks share the profile and run side by side.
    pub side_by_side: usize,
    /// The processes that the cells are dealt out to.
    pub ranks: Ranks,
}

impl Options {
    /// A stopwatch that begins now.
    pub fn stopwatch(&self) -> Stopwatch {
        self.stopwatch_of_one(1)
    }

    /// The same for one of so many threads of this network that work side by side.
    pub fn stopwatch_of_one(&self, threads: usize) -> Stopwatch {
        Stopwatch::new(self.profile.clone(), threads * self.side_by_side)
    }

    /// Returns what kernels are made for.
    pub fn target(&self) -> Target {
        Target { dt: self.dt, precision: self.precision, backend: self.backend }
    }
}
