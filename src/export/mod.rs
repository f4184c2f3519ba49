//! Models as texts of other tools: NESTML, and LEMS for NeuroML 2.
//!
//! Input: a checked program. Output: the text, or what the other language cannot say, each with its place: nothing is left out in silence.

mod chosen;
mod impulses;
mod measured;
mod names;
mod nestml;
mod neuroml;
mod refused;
mod spelled;

pub use chosen::Unknown;
pub use nestml::nestml;
pub use neuroml::{network, neuroml};

use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// What a program became.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// The text of a file of the other tool.
    pub text: String,
    /// Remarks on what a reader should know, each one line.
    pub notes: Vec<String>,
}

/// Says that a language has no words for something of a model.
fn unsayable(language: &str, at: Span, what: &str, why: &str) -> Diagnostic {
    unsaid(language, at, what, why).help("change the model, or write others of the file with `--only NAME`")
}

/// Says that a language has no words for something.
fn unsaid(language: &str, at: Span, what: &str, why: &str) -> Diagnostic {
    Diagnostic::at(Code::E0820, at, format!("{language} cannot say {what}"), why)
}
