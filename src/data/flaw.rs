//! What is wrong with the content of a file.

/// Why a file cannot be used as it is, in words, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// What was found where, and what was expected.
    pub what: String,
    /// What to do.
    pub fix: String,
    /// The line of the file, from one, if it is that line's.
    pub line: Option<usize>,
}

impl Flaw {
    /// A flaw and its remedy.
    pub fn new(what: impl Into<String>, fix: impl Into<String>) -> Flaw {
        Flaw { what: what.into(), fix: fix.into(), line: None }
    }

    /// The same of a part of the file.
    pub fn within(self, part: &str) -> Flaw {
        Flaw { what: format!("{part}: {}", self.what), ..self }
    }
}
