//! What commands say, and how they end.

use super::signals::Signal;
use clap::ValueEnum;
use neuro::diag::{Diagnostic, Diagnostics, Severity, render};
use neuro::source::SourceMap;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why stdout could not take everything, if it could not.
static UNWRITTEN: OnceLock<String> = OnceLock::new();

/// Whether another process says everything.
static SILENT: AtomicBool = AtomicBool::new(false);

/// Lets another process say everything from now on.
pub fn be_silent() {
    SILENT.store(true, Ordering::Relaxed);
}

/// Lets this process say something itself.
pub fn be_heard() {
    SILENT.store(false, Ordering::Relaxed);
}

/// Writes a line for people. If nobody can be told, the exit code still says what happened.
pub fn people(line: std::fmt::Arguments) {
    if !SILENT.load(Ordering::Relaxed) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

/// Writes a line of data. A reader that has gone away wants no more, which is no error; any other one is kept for the end.
pub fn data(line: std::fmt::Arguments) {
    if !SILENT.load(Ordering::Relaxed) {
        keep(writeln!(std::io::stdout(), "{line}"));
    }
}

fn keep(written: std::io::Result<()>) {
    if let Err(e) = written
        && e.kind() != ErrorKind::BrokenPipe
    {
        let _ = UNWRITTEN.set(e.to_string());
    }
}

/// Returns why not all data could be written, once the command has come to its end.
pub fn unwritten() -> Option<&'static str> {
    keep(std::io::stdout().flush());
    UNWRITTEN.get().map(String::as_str)
}

/// How messages are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    Human,
    Short,
    Json,
}

/// Something that ends a command.
pub enum Stop {
    /// The program, a run or an expectation failed; everything has been said.
    Failed,
    /// The command cannot be carried out.
    Usage(String),
    /// A signal has ended it; everything has been said.
    Signal(Signal),
}

pub type Done = Result<(), Stop>;

/// How many messages people get with their source.
const MOST: usize = 100;

/// How messages leave the program.
#[derive(Clone, Copy)]
pub struct Messages {
    pub format: MessageFormat,
}

impl Messages {
    /// Prints all of them, and how many there are.
    ///
    /// People get the first of very many, errors before warnings.
    pub fn all(&self, diagnostics: &Diagnostics, sources: &SourceMap) {
        let mut list: Vec<&Diagnostic> = diagnostics.iter().collect();
        let total = list.len();
        if self.format == MessageFormat::Human && total > MOST {
            list.sort_by_key(|d| d.severity() != Severity::Error);
            list.truncate(MOST);
        }
        list.iter().for_each(|d| self.one(d, sources));
        if list.len() < total {
            tell!("and {} more: `--message-format short` prints all", total - list.len());
        }
        let (errors, warnings) = diagnostics.counts();
        if self.format == MessageFormat::Human && errors + warnings > 0 {
            let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
            tell!("{}, {}", plural(errors, "error"), plural(warnings, "warning"));
        }
    }

    /// Prints one.
    pub fn one(&self, d: &Diagnostic, sources: &SourceMap) {
        match self.format {
            MessageFormat::Human => {
                let text = render::human(d, sources, std::io::stderr().is_terminal());
                tell!("{}", text.strip_suffix('\n').unwrap_or(&text));
            }
            MessageFormat::Json => tell!("{}", render::json(d, sources)),
            MessageFormat::Short => {
                let at = d.span().filter(|_| sources.files().next().is_some()).map_or(String::new(), |s| {
                    let file = sources.file(s.file);
                    let (line, column) = file.line_column(s.start);
                    format!("{}:{line}:{column}: ", file.name)
                });
                let word = if d.severity() == Severity::Error { "error" } else { "warning" };
                tell!("{at}{word}[{}]: {}", d.code, d.message);
            }
        }
    }

    /// Says why something cannot be used.
    pub fn unusable(&self, text: &str) {
        match self.format {
            MessageFormat::Json => tell!("{}", serde_json::json!({"severity": "error", "message": text})),
            _ => tell!("error: {text}"),
        }
    }

    /// Prints a remark of any process, where people read.
    pub fn note_of_all(&self, text: &str) {
        if self.format != MessageFormat::Json {
            // In one piece, so that lines of several processes stay whole.
            let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
        }
    }

    /// Prints a remark, where people read.
    pub fn note(&self, text: &str) {
        if self.format != MessageFormat::Json {
            tell!("{text}");
        }
    }
}

/// A number of things: `1 neuron`, `2 neurons`.
pub fn several(n: usize, what: &str) -> String {
    let ending = if n == 1 { "" } else { "s" };
    format!("{n} {what}{ending}")
}
