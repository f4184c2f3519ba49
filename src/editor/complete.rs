//! What could be typed at a place.

use super::document::{Document, ROOT, resolved};
use super::names::{self, Declaration, Kind};
use crate::builtin;
use crate::diag::Diagnostics;
use crate::syntax;
use crate::{stdlib, units};

/// What could be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The text.
    pub text: String,
    /// What it is, if it is declared.
    pub kind: Option<Kind>,
    /// What is said of it in a line.
    pub said: String,
}

/// A name that nobody uses, in the place of what is yet to be typed.
const BLANK: &str = "yet_to_be_typed";

/// Returns what could be typed at a place of a text, in which the statement there need not be whole.
pub fn complete(document: &Document, text: &str, offset: usize) -> Vec<Proposal> {
    let before = &text[..offset];
    let begun = before.len() - before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
    let before = &before[..offset - begun];
    let line = before.rsplit('\n').next().unwrap_or_default();
    if line.contains('#') {
        return Vec::new();
    }
    if let Some(import) = line.trim_start().strip_prefix("use ") {
        return imported(import);
    }
    if after_number(before) {
        let said = |u: &str| units::lookup(u).map_or(String::new(), |u| units::dimension_word(u.dim));
        return units::unit_names()
            .map(|u| Proposal { text: u.into(), kind: Some(Kind::Unit), said: said(u) })
            .collect();
    }
    // The name that is begun may be no name of the language yet, so that another one is read in its place.
    let after = &text[offset..];
    let rest = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let read = format!("{before}{BLANK}{rest}");
    let at = (offset - begun) as u32;
    let mut files = document.files.clone();
    files[ROOT.0 as usize] = syntax::parse(ROOT, &read, &mut Diagnostics::default());
    let names = resolved(&files);
    if before.ends_with('.') && !before.ends_with("..") {
        let of = names.asked_at(ROOT, at).flatten();
        return of.map_or(Vec::new(), |of| names.members(of).map(|m| proposal(&names.all[m])).collect());
    }
    let visible = names.visible(ROOT, at);
    let of = |kinds: &[Kind]| {
        let fits = visible.iter().map(|id| &names.all[*id]).filter(|d| kinds.contains(&d.kind) && d.name.text != BLANK);
        fits.map(proposal).collect::<Vec<_>>()
    };
    let said = before.trim_end();
    if let Some(kinds) = wanted(line, said) {
        return of(kinds);
    }
    let mut all: Vec<Proposal> =
        visible.iter().map(|id| &names.all[*id]).filter(|d| d.name.text != BLANK).map(proposal).collect();
    let functions =
        builtin::rows().map(|b| Proposal { text: b.name.into(), kind: Some(Kind::Function), said: b.help.into() });
    all.extend(functions);
    all.extend(syntax::words().map(|w| Proposal { text: w.into(), kind: None, said: String::new() }));
    all.sort_by(|a, b| a.text.cmp(&b.text));
    all.dedup_by(|a, b| a.text == b.text);
    all
}

/// What can follow the beginning of an import: the rest of a module's path, or names that it declares.
fn imported(begun: &str) -> Vec<Proposal> {
    if let Some((module, _)) = begun.split_once(':') {
        let Some((_, text)) = stdlib::find(module.trim()) else { return Vec::new() };
        let file = syntax::parse(ROOT, text, &mut Diagnostics::default());
        let names = names::resolved(std::iter::once(&file));
        let offered = names.all.iter().filter(|d| !d.doc.is_empty() && d.kind != Kind::Experiment);
        return offered.map(proposal).collect();
    }
    let rest = |m: &str| m.strip_prefix(begun.trim()).map(String::from);
    let modules = stdlib::module_names().filter_map(rest);
    modules.map(|text| Proposal { text, kind: None, said: String::new() }).collect()
}

/// The kinds of declarations that alone can stand behind what is typed of a statement.
fn wanted(line: &str, before: &str) -> Option<&'static [Kind]> {
    let first = line.split_whitespace().next().unwrap_or_default();
    let last = before.chars().next_back()?;
    match (first, last) {
        (_, '>') if before.ends_with("->") => Some(&[Kind::Population, Kind::View, Kind::Instance]),
        ("population", ':') => Some(&[Kind::Neuron]),
        ("projection", ':') if line.contains("->") => Some(&[Kind::Synapse]),
        ("projection", ':') => Some(&[Kind::Population, Kind::View, Kind::Instance]),
        ("network", '=') => Some(&[Kind::Network]),
        ("world", '=') => Some(&[Kind::World]),
        ("channel", ':') => Some(&[Kind::Channel]),
        _ if first == "projection" && before.ends_with("projection") => {
            Some(&[Kind::Population, Kind::View, Kind::Instance])
        }
        _ => None,
    }
}

/// Whether a number and a space stand before a place.
fn after_number(before: &str) -> bool {
    let number = before.trim_end_matches(' ');
    let digits = number.len() - number.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let head = &number[..number.len() - digits];
    let part_of_name = head.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    number.len() < before.len() && number.ends_with(|c: char| c.is_ascii_digit()) && !part_of_name
}

fn proposal(d: &Declaration) -> Proposal {
    let said = d.doc.lines().next().unwrap_or_default();
    let said = if said.is_empty() { d.kind.word().to_string() } else { said.trim().to_string() };
    Proposal { text: d.name.text.clone(), kind: Some(d.kind), said }
}
