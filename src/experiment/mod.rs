//! Executes experiments: builds networks, runs them, records, measures and checks.
//!
//! Input: a checked [`crate::hir::Module`] and one of its experiments. Output: an [`Outcome`], with recordings on disk.

mod assign;
mod begun;
mod chances;
mod checkpoint;
mod checks;
mod environments;
mod examples;
mod expected;
mod failures;
mod files;
mod forecast;
mod limits;
mod live;
mod networks;
mod outcome;
mod overrides;
mod planned;
mod plot;
pub mod record;
mod recorded;
mod run;
mod session;
mod settable;
mod settings;
mod snapshots;
mod statements;
mod store;
mod synapses;
mod watch;
mod weights;
mod world;

pub use crate::evaluate::Attempt;
pub use crate::value::{Quantity, Value};
pub use begun::Begun;
pub use live::PortFunction;
pub use outcome::{Expectation, Moment, Outcome, Progress, Share, Snapshot};
pub use planned::{Planned, PlannedNetwork};
pub use run::{Checkpoints, Runner};
pub use session::{Given, Session};
pub use settings::{MOST_THREADS, Override, Settings};
pub use store::{CheckpointStore, RunIdentity};
