//! Executes experiments: builds networks from their declarations, runs them, records, measures and checks.
//!
//! Input: a checked [`crate::hir::Module`] and one of its experiments. Output: an [`Outcome`], with recordings on disk.

mod connect;
mod elaborate;
mod eval;
mod functions;
pub mod record;
mod run;
mod settings;
mod value;

pub use run::{Expectation, Figure, FigureData, Outcome, Progress, Runner};
pub use settings::{Override, Settings};
pub use value::{Quantity, Value};

pub(crate) type Attempt<T> = Result<T, Box<crate::diag::Diagnostic>>;
