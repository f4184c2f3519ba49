//! The parser that pest makes of the grammar.

use pest_derive::Parser;

/// The pest parser of `grammar/neuro.pest`.
#[derive(Parser)]
#[grammar = "grammar/neuro.pest"]
pub(super) struct Grammar;
