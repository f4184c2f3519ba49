//! What files declare, and how it is written there: what all kinds of pages are made of.

use crate::diag::Diagnostics;
use crate::hir::Var;
use crate::source::{FileId, SourceFile, SourceMap, Span};
use crate::syntax::ast::{Item, ItemKind, ModelKind};

/// The declarations of a file of a program.
pub fn items(id: FileId, file: &SourceFile) -> Vec<Item> {
    crate::syntax::parse(id, &file.text, &mut Diagnostics::default()).items
}

/// The files of a program with their numbers, the one that was asked for first.
pub fn files(sources: &SourceMap) -> impl Iterator<Item = (FileId, &SourceFile)> {
    sources.files().enumerate().map(|(i, file)| (FileId(i as u32), file))
}

/// The kind and name of what can be used elsewhere.
pub fn name_of(item: &Item) -> Option<(&'static str, &str)> {
    Some(match &item.kind {
        ItemKind::Model(m) => match m.kind {
            ModelKind::Neuron => ("neuron", &m.name.text),
            ModelKind::Synapse => ("synapse", &m.name.text),
            ModelKind::Channel => ("channel", &m.name.text),
        },
        ItemKind::Variant(v) => match v.kind {
            Some(ModelKind::Synapse) => ("synapse", &v.name.text),
            Some(_) => ("neuron", &v.name.text),
            None => ("network", &v.name.text),
        },
        ItemKind::Morphology(m) => ("morphology", &m.name.text),
        ItemKind::Network(n) => ("network", &n.name.text),
        ItemKind::World(w) => ("world", &w.name.text),
        ItemKind::Fn(name, ..) => ("fn", &name.text),
        _ => return None,
    })
}

/// The first sentence that is said of something.
pub fn sentence(doc: &str) -> String {
    let text = doc.replace('\n', " ");
    let end = text.find(". ").or(text.find(": ")).map_or(text.len(), |at| at + 1);
    text[..end].trim_end_matches([':', '.']).to_string()
}

/// The name of the unit that a variable is printed in.
pub fn unit_name(v: &Var) -> String {
    v.unit.as_ref().map_or_else(|| crate::units::canonical_unit(v.dim).name, |u| u.name.clone())
}

/// Texts as they are written.
#[derive(Clone, Copy)]
pub struct Written<'a>(pub &'a SourceMap);

impl<'a> Written<'a> {
    /// The text of a span.
    pub fn of(self, span: Span) -> &'a str {
        self.0.file(span.file).text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// What is said of a line behind its `#`.
    pub fn comment(self, at: Span) -> String {
        let Some(rest) = self.0.file(at.file).text.get(at.end as usize..) else { return String::new() };
        let line = rest.lines().next().unwrap_or_default();
        line.split_once('#').map_or(String::new(), |(_, said)| said.trim().to_string())
    }
}

/// Takes the indentation away that all lines but the first have.
pub fn dedented(text: &str) -> String {
    let indent = text.lines().skip(1).filter(|l| !l.trim().is_empty()).map(|l| l.len() - l.trim_start().len()).min();
    let cut = |line: &str| line.get(indent.unwrap_or(0)..).unwrap_or(line.trim_start()).to_string();
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().to_string();
    std::iter::once(first).chain(lines.map(cut)).collect::<Vec<_>>().join("\n")
}

/// A piece of a text on one line, without comments.
pub fn on_one_line(text: &str) -> String {
    let code: Vec<&str> = text.lines().map(|l| &l[..comment_begins(l)]).collect();
    let mut out = String::new();
    let mut within = false;
    for c in code.join(" ").chars() {
        within ^= c == '"';
        if within || !c.is_whitespace() || !out.ends_with(' ') {
            out.push(if c.is_whitespace() { ' ' } else { c });
        }
    }
    out.trim().to_string()
}

/// Where the comment of a line begins, or its end.
fn comment_begins(line: &str) -> usize {
    let mut within = false;
    let hash = line.char_indices().find(|(_, c)| {
        within ^= *c == '"';
        *c == '#' && !within
    });
    hash.map_or(line.len(), |(at, _)| at)
}
