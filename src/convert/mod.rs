//! Files of other simulators as text in Neuro: mechanisms in NMODL, models in NeuroML 2 and LEMS.
//!
//! Input: the text of a file and a way to read those that it includes. Output: the text of a `.neuro` file, or why there is none. Nothing is
//! left out in silence: what cannot be carried over is a flaw with its place.

mod neuroml;
mod nmodl;

pub use neuroml::neuroml;
pub use nmodl::nmodl;

use std::ops::Range;
use std::path::PathBuf;

/// Why a file cannot be carried over: where, what, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Bytes of the text; of another file if `file` names one.
    pub at: Range<usize>,
    /// The file that `at` belongs to, if it is not the one that was given.
    pub file: Option<PathBuf>,
    /// One line, lower case, names in backticks: "`VERBATIM` is C code".
    pub message: String,
    /// Under the place: "cannot be carried over".
    pub label: String,
    /// What to do: "write its equation in the `.neuro` file by hand".
    pub help: Option<String>,
}

/// What a file became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// A `.neuro` file.
    pub text: String,
    /// Remarks on what a reader should know, each one line.
    pub notes: Vec<String>,
}
