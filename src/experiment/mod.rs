//! Executes experiments: builds networks from their declarations, runs them, records, measures and checks.
//!
//! Input: a checked [`crate::hir::Module`] and one of its experiments. Output: an [`Outcome`], with recordings on disk.

mod batches;
mod change;
mod checkpoint;
mod columns;
mod connect;
mod datasets;
mod distribution;
mod drives;
mod elaborate;
mod energies;
mod eval;
mod from_table;
mod functions;
mod modulators;
mod networks;
mod outcome;
mod overrides;
mod plot;
pub mod record;
mod run;
mod select;
mod settings;
mod synapses;
mod time;
mod value;
mod watch;
mod weights;

pub use checkpoint::{Belongs, Keeper};
pub use outcome::{Expectation, Figure, FigureData, Outcome, Progress};
pub use run::{Checkpoints, Runner};
pub use settings::{Override, Settings};
pub use value::{Quantity, Value};

pub(crate) type Attempt<T> = Result<T, Box<crate::diag::Diagnostic>>;
