//! Text to [`ast::File`]: the pest grammar, its lowering, recovery from broken items, and the formatter.
//!
//! Input: a [`crate::source::SourceFile`]. Output: an [`ast::File`] and diagnostics. pest types never leave this module.

mod around;
pub mod ast;
mod balance;
mod errors;
pub(crate) mod foreign;
pub mod format;
mod grammar;
mod idioms;
mod lower;
mod lower_experiment;
mod lower_network;
mod lower_plot;
mod lower_world;
mod parse;
mod recover;
mod scan;
mod words;

pub use errors::MAX_HEIGHT;
pub use parse::{parse, parse_expr};
pub use words::words;
