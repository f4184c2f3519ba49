//! Models, networks and worlds of one name in files that are read together: refused where one would be taken for the other.
//!
//! They are found by their names, and the one that was read last hides those before it. That does no harm as long as nobody who is heard
//! of means another one.

use super::experiment::model::StatementKind;
use super::network::model::{Item, Network};
use super::{Module, errors};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, SourceMap, Span};
use crate::syntax::ast::{self, ItemKind, Name};
use std::collections::HashMap;

struct Declaration {
    name: String,
    span: Span,
    /// Whether others are meant to use it: of what has no text of its own in the library, its tests do.
    offered: bool,
}

/// What all files declare, in the order in which they are read.
#[derive(Default)]
pub(super) struct Declared {
    all: Vec<Declaration>,
    /// How many there were when a file had been read.
    after: HashMap<FileId, usize>,
}

/// The name of what is found by it.
fn named(item: &ast::Item) -> Option<&Name> {
    match &item.kind {
        ItemKind::Model(m) => Some(&m.name),
        ItemKind::Morphology(m) => Some(&m.name),
        ItemKind::Network(n) => Some(&n.name),
        ItemKind::World(w) => Some(&w.name),
        _ => None,
    }
}

impl Declared {
    /// Takes in what a file declares.
    pub(super) fn add(&mut self, id: FileId, file: &ast::File, library: bool) {
        let declaration = |item: &ast::Item| {
            let Name { text: name, span } = named(item)?.clone();
            Some(Declaration { name, span, offered: !library || !item.doc.is_empty() })
        };
        self.all.extend(file.items.iter().filter_map(declaration));
        self.after.insert(id, self.all.len());
    }

    /// The declaration that a name stands for, of the first so many.
    fn among(&self, n: usize, name: &str) -> Option<Span> {
        self.all[..n].iter().rev().find(|d| d.name == name).map(|d| d.span)
    }

    /// The declaration that was meant in a file, and the one that the name stands for in the end, if they differ.
    fn hidden(&self, file: FileId, name: &str) -> Option<(Span, Span)> {
        let meant = self.among(*self.after.get(&file)?, name)?;
        let last = self.among(self.all.len(), name)?;
        (meant != last).then_some((meant, last))
    }

    /// Refuses an import of which another file that was read since hides something: what is named, or without names what the text mentions.
    pub(super) fn check_import(
        &self,
        (path, names, of): (&Name, &[Name], FileId),
        (file, text): (&ast::File, &str),
        diagnostics: &mut Diagnostics,
    ) {
        let mentions = |name: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
        for Declaration { name, span: meant, .. } in self.all.iter().filter(|d| d.offered && d.span.file == of) {
            let asked = names.iter().find(|n| n.text == *name);
            let own = file.items.iter().filter_map(named).find(|n| n.text == *name);
            if let (Some(asked), Some(own)) = (asked, own) {
                diagnostics.push(
                    errors::declared_twice(name, own.span, asked.span)
                        .help("leave it out of the import, or rename yours"),
                );
                continue;
            }
            if own.is_some() || asked.is_none() && !(names.is_empty() && mentions(name)) {
                continue;
            }
            if let Some(last) = self.among(self.all.len(), name).filter(|last| last != meant) {
                let at = asked.map_or(path.span, |n| n.span);
                let message = format!("another `{name}` hides the one that is imported here");
                let d = Diagnostic::at(Code::E0202, at, message, "is not what would be found");
                let d = d.label(*meant, "meant").label(last, "found, as it was read later");
                diagnostics.push(d.help("rename one of them"));
            }
        }
    }

    /// Refuses networks that experiments build of models that others hide: what is read of their cells would be looked up in the others.
    pub(super) fn check_networks(&self, module: &Module, sources: &SourceMap, diagnostics: &mut Diagnostics) {
        let statements = module.experiments.iter().chain(&module.tests).flat_map(|e| e.blocks.iter().flatten());
        for s in statements {
            if let StatementKind::Network { network, .. } = &s.kind {
                self.check_network(&network.model, sources, diagnostics);
            }
        }
    }

    fn check_network(&self, network: &Network, sources: &SourceMap, diagnostics: &mut Diagnostics) {
        let mut inner = Vec::new();
        self.items(&network.body, network, sources, &mut inner, diagnostics);
        inner.into_iter().for_each(|n| self.check_network(n, sources, diagnostics));
    }

    fn items<'a>(
        &self,
        body: &'a [Item],
        network: &Network,
        sources: &SourceMap,
        inner: &mut Vec<&'a Network>,
        diagnostics: &mut Diagnostics,
    ) {
        let mut made_of = |name: &str| {
            let Some((meant, last)) = self.hidden(network.span.file, name) else { return };
            let file = |span: Span| &sources.file(span.file).name;
            let note = format!("network `{}` is made of the one in `{}`", network.name, file(meant));
            let d = errors::declared_twice(name, last, meant);
            diagnostics
                .push(d.note(note).note("models are found by their names, among all files that are read together"));
        };
        for item in body {
            match item {
                Item::Population(p) => made_of(&p.model.name),
                Item::Projection(p) => p.ends.iter().for_each(|c| made_of(&c.synapse.name)),
                Item::Network(n) => {
                    made_of(&n.model.name);
                    inner.push(&n.model);
                }
                _ => {}
            }
        }
        for item in body {
            match item {
                Item::For { body, .. } => self.items(body, network, sources, inner, diagnostics),
                Item::If(_, a, b) => {
                    self.items(a, network, sources, inner, diagnostics);
                    self.items(b, network, sources, inner, diagnostics);
                }
                _ => {}
            }
        }
    }
}
