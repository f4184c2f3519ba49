//! Values, or why there are none.

use crate::builtin::Refusal;
use crate::data::Flaw;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// A value, or why there is none.
pub type Attempt<T> = Result<T, Box<Diagnostic>>;

/// Reports why something cannot be done.
pub fn fail<T>(code: Code, span: Span, message: impl Into<String>, label: impl Into<String>) -> Attempt<T> {
    Err(Box::new(Diagnostic::at(code, span, message, label)))
}

/// Refuses what does not fit into memory; `what` says where the bytes come from.
pub fn room(bytes: f64, span: Span, what: impl FnOnce() -> String) -> Attempt<()> {
    let Err(lack) = crate::budget::fits_all(bytes) else { return Ok(()) };
    let d = Diagnostic::at(Code::E0408, span, format!("{} do not fit into memory", what()), lack.to_string());
    Err(Box::new(d.help("make it smaller, or run it on a machine with more memory")))
}

/// Refuses the content of a file.
pub fn flawed(flaw: Flaw, span: Span, message: impl Into<String>) -> Box<Diagnostic> {
    Box::new(Diagnostic::at(Code::E0803, span, message, flaw.what).help(flaw.fix))
}

/// Turns a refusal of a function into a finding at a place.
pub fn refused(r: Refusal, span: Span) -> Box<Diagnostic> {
    let mut d = Diagnostic::at(r.code, span, r.message, r.label).maybe_help(r.help);
    for note in r.notes {
        d = d.note(note);
    }
    Box::new(d)
}
