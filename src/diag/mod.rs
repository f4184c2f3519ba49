//! Diagnostics as plain data, and the sink that collects them.
//!
//! Nothing here renders: `render` is the only place that knows how a diagnostic looks.

mod codes;
mod excerpt;
pub mod render;

pub use codes::Code;

use crate::source::Span;
use std::collections::HashSet;

/// How serious a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Compilation or the run cannot go on.
    Error,
    /// The program is accepted but is likely not what was meant.
    Warning,
}

/// One finding about a program or a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code with an explanation page.
    pub code: Code,
    /// One line, lower case, naming the user's identifiers in backticks.
    pub message: String,
    /// Where and what; the first one is the primary label.
    pub labels: Vec<(Span, String)>,
    /// What to type instead.
    pub help: Option<String>,
    /// The rule behind the message.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// Creates a diagnostic without a position.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Diagnostic { code, message: message.into(), labels: Vec::new(), help: None, notes: Vec::new() }
    }

    /// Creates a diagnostic whose primary label is `span`.
    pub fn at(code: Code, span: Span, message: impl Into<String>, label: impl Into<String>) -> Self {
        Diagnostic::new(code, message).label(span, label)
    }

    /// Adds a label.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push((span, text.into()));
        self
    }

    /// Sets the help line.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Sets the help line if there is one.
    pub fn maybe_help(mut self, text: Option<String>) -> Self {
        self.help = text.or(self.help);
        self
    }

    /// Adds a note.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Returns the severity, which the code determines.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// What to write in the place of the primary position, if the help names it: `did you mean …?`
    pub fn suggestion(&self) -> Option<&str> {
        self.help.as_ref()?.strip_prefix("did you mean `")?.strip_suffix("`?")
    }

    /// Returns the primary position, if any.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|(s, _)| *s)
    }
}

/// Collects diagnostics; sorted by position and free of repetitions when read.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    /// What tells each from the others: its code, and its place or, without one, its message.
    seen: HashSet<(Code, Result<Span, String>)>,
}

impl Diagnostics {
    /// Adds a diagnostic unless the same one (code and place) is already there.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let place = diagnostic.span().ok_or_else(|| diagnostic.message.clone());
        if self.seen.insert((diagnostic.code, place)) {
            self.items.push(diagnostic);
        }
    }

    /// Adds several.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        diagnostics.into_iter().for_each(|d| self.push(d));
    }

    /// Keeps only some.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.items.retain(keep);
    }

    /// Returns whether any error was collected.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|d| d.severity() == Severity::Error)
    }

    /// Returns the number of errors and of warnings.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.items.iter().filter(|d| d.severity() == Severity::Error).count();
        (errors, self.items.len() - errors)
    }

    /// Returns whether nothing was collected.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Iterates in order of position.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        let mut sorted: Vec<&Diagnostic> = self.items.iter().collect();
        sorted.sort_by_key(|d| d.span());
        sorted.into_iter()
    }

    /// Moves all items of `other` into `self`.
    pub fn append(&mut self, other: Diagnostics) {
        for d in other.items {
            self.push(d);
        }
    }
}

impl std::fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for d in self.iter() {
            writeln!(f, "{}: {}", d.code, d.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl From<Diagnostic> for Diagnostics {
    fn from(d: Diagnostic) -> Self {
        let mut all = Diagnostics::default();
        all.push(d);
        all
    }
}

/// A construct of the language that this version does not compile yet.
pub fn unsupported(span: Span, what: &str) -> Diagnostic {
    let quoted = if what.contains('`') { what.to_string() } else { format!("`{what}`") };
    Diagnostic::at(Code::E0106, span, format!("{quoted} is not supported yet"), "this construct")
        .note("it belongs to the language, but this version refuses it rather than ignoring it")
}

/// Suggests the candidate nearest to `name`, if its edit distance is at most a third of the length.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Names of one letter have nothing in common but their length.
    let limit = match name.chars().count() {
        0 | 1 => 0,
        n => n.max(3) / 3,
    };
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let distance = if candidate.eq_ignore_ascii_case(name) { 0 } else { edit_distance(name, candidate) };
        if distance <= limit && best.is_none_or(|(d, _)| distance < d) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, c)| c)
}

/// How many letters must be changed, left out, put in, or swapped with the next one.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substitute = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substitute.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(rows[i - 2][j - 2] + 1);
            }
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
