//! Renders diagnostics: the one adapter to miette, and the JSON form for editors.

use super::excerpt::Excerpt;
use super::{Diagnostic, Severity};
use crate::source::SourceMap;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use std::fmt;

/// A diagnostic joined with the sources it points into.
struct Report<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<Excerpt>,
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

/// What stands for the message, which is written before the excerpt.
const MESSAGE: &str = "(message)";

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MESSAGE)
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity() {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        let mut text = self.diagnostic.help.clone().unwrap_or_default();
        for note in &self.diagnostic.notes {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str("note: ");
            text.push_str(note);
        }
        if text.is_empty() { None } else { Some(Box::new(text)) }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|s| s as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (file, source) = (self.diagnostic.span()?.file, self.source.as_ref()?);
        let labels = self.diagnostic.labels.iter().filter(move |(s, _)| s.file == file).enumerate();
        Some(Box::new(labels.map(|(i, (span, text))| {
            let start = source.place(span.start as usize);
            let len = source.place(span.end as usize).saturating_sub(start);
            let text = (!text.is_empty()).then(|| text.clone());
            if i == 0 {
                LabeledSpan::new_primary_with_span(text, (start, len))
            } else {
                LabeledSpan::new_with_span(text, (start, len))
            }
        })))
    }
}

/// Renders one diagnostic: a line with its code and message, then its source lines, 80 columns wide; `color` adds ANSI colors.
pub fn human(diagnostic: &Diagnostic, sources: &SourceMap, color: bool) -> String {
    let source = diagnostic.span().map(|s| {
        let here = diagnostic.labels.iter().map(|(span, _)| *span).filter(|span| span.file == s.file);
        Excerpt::new(sources.file(s.file), here.collect())
    });
    let report = Report { diagnostic, source };
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::none() };
    let mut excerpt = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(80).with_links(false);
    let rest = match handler.render_report(&mut excerpt, &report) {
        Ok(()) => excerpt.split_once('\n').map_or("", |(_, rest)| rest),
        Err(_) => "",
    };
    first_line(diagnostic, color) + &footers(rest)
}

/// `error[E0302]: cannot add values of different units`
fn first_line(d: &Diagnostic, color: bool) -> String {
    let (word, paint) = match d.severity() {
        Severity::Error => ("error", "31"),
        Severity::Warning => ("warning", "33"),
    };
    match color {
        true => format!("\x1b[1;{paint}m{word}[{}]\x1b[0m\x1b[1m: {}\x1b[0m\n", d.code, d.message),
        false => format!("{word}[{}]: {}\n", d.code, d.message),
    }
}

/// Gives notes, which the library knows only as part of the help, a line and a margin of their own.
fn footers(rendered: &str) -> String {
    let mut out = String::new();
    for line in rendered.lines() {
        let line = line.trim_end();
        let plain = line.trim_start();
        match plain.strip_prefix("help: note: ").or(plain.strip_prefix("note: ")) {
            Some(note) if line.starts_with("  ") => {
                out.push_str("  note: ");
                out.push_str(note);
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// Renders one diagnostic as a JSON object on one line.
pub fn json(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let labels: Vec<serde_json::Value> = diagnostic
        .labels
        .iter()
        .map(|(span, text)| {
            let file = sources.file(span.file);
            let (line, column) = file.line_column(span.start);
            serde_json::json!({
                "file": file.name, "line": line, "column": column,
                "start": span.start, "end": span.end, "text": text,
            })
        })
        .collect();
    serde_json::json!({
        "code": diagnostic.code.to_string(),
        "severity": if diagnostic.severity() == Severity::Error { "error" } else { "warning" },
        "message": diagnostic.message,
        "labels": labels,
        "help": diagnostic.help,
        "notes": diagnostic.notes,
    })
    .to_string()
}
