//! What is said of a name where the pointer rests.

use super::document::{Document, ROOT};
use super::names::{Declaration, Kind};
use crate::describe;
use crate::source::Span;
use crate::units::{dimension_word, lookup};
use std::fmt::Write;

/// What is known of the name at a place, as Markdown, and where that name begins and ends.
pub fn hover(document: &Document, offset: u32) -> Option<(Span, String)> {
    if let Some((span, id)) = document.declaration_at(offset) {
        return Some((span, declaration(document, &document.names.all[id])));
    }
    let span = word_at(document.text(), offset as usize)?;
    let word = &document.text()[span.start as usize..span.end as usize];
    if let Some(builtin) = crate::builtin::find(word) {
        return Some((
            span,
            format!("```neuro\n{}\n```\n{}\n\n```neuro\n{}\n```", builtin.signature(), builtin.help, builtin.example),
        ));
    }
    let unit = lookup(word)?;
    Some((span, format!("`{word}`: {}", dimension_word(unit.dim))))
}

fn declaration(document: &Document, d: &Declaration) -> String {
    let models = [Kind::Neuron, Kind::Synapse, Kind::Channel, Kind::Network, Kind::World];
    if models.contains(&d.kind)
        && let Some(page) = describe::declaration(&document.program, &d.name.text)
    {
        return page.replace("```text", "```neuro");
    }
    let file = document.program.sources.file(d.whole.file);
    let written = file.text.get(d.whole.start as usize..d.whole.end as usize).unwrap_or_default();
    let first = written.lines().find(|l| !l.trim_start().starts_with("##")).unwrap_or_default().trim_end();
    // Of names in a list the word that begins it is not theirs.
    let head = if first.starts_with(d.kind.word()) { String::new() } else { format!("{} ", d.kind.word()) };
    let mut out = format!("```neuro\n{head}{first}\n```\n");
    if let Some(fact) = document.facts.get(&d.name.span) {
        let unit = if fact.unit == "1" { "a pure number".to_string() } else { format!("`{}`", fact.unit) };
        let _ = writeln!(out, "{unit}");
        for line in &fact.said {
            let _ = writeln!(out, "\n{line}");
        }
    }
    if let Some(of) = d.of {
        let of = &document.names.all[of];
        let said = of.doc.lines().next().unwrap_or_default();
        let _ = writeln!(out, "\n{} `{}`: {said}", of.kind.word(), of.name.text);
    }
    if !d.doc.is_empty() {
        let _ = writeln!(out, "\n{}", d.doc);
    }
    let line = file.text[d.name.span.end as usize..].lines().next().unwrap_or_default();
    if let Some((_, comment)) = line.split_once('#') {
        let _ = writeln!(out, "\n{}", comment.trim());
    }
    out
}

/// The word that a place lies in or at the end of.
fn word_at(text: &str, offset: usize) -> Option<Span> {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let bytes = text.as_bytes();
    let start = (0..offset.min(bytes.len())).rev().take_while(|i| is_word(bytes[*i])).last().unwrap_or(offset);
    let end = (offset..bytes.len()).find(|i| !is_word(bytes[*i])).unwrap_or(bytes.len());
    (start < end).then_some(Span { file: ROOT, start: start as u32, end: end as u32 })
}
