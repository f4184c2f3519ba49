//! The declarations of a text in order, and units that are not written but follow.

use super::document::{Document, ROOT};
use super::names::Kind;
use crate::source::Span;
use crate::syntax::ast::ItemKind;

/// A declaration with those within it.
#[derive(Debug, Clone)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The whole declaration.
    pub whole: Span,
    /// Its name in the text.
    pub place: Span,
    /// What is declared within it.
    pub inner: Vec<Symbol>,
}

/// The declarations of the text.
pub fn symbols(document: &Document) -> Vec<Symbol> {
    let names = &document.names;
    let symbol = |id: usize| {
        let d = &names.all[id];
        Symbol { name: d.name.text.clone(), kind: d.kind, whole: d.whole, place: d.name.span, inner: Vec::new() }
    };
    let within = |s: &Symbol, whole: Span| whole.start <= s.place.start && s.place.end <= whole.end;
    let items = document.files[ROOT.0 as usize].items.iter().filter(|i| !matches!(i.kind, ItemKind::Use(..)));
    let mut all: Vec<Symbol> = Vec::new();
    for item in items {
        let declared = (0..names.all.len()).filter(|id| names.all[*id].whole == item.span);
        for id in declared {
            let mut one = symbol(id);
            one.inner = names.all[id].members.iter().map(|m| symbol(*m)).collect();
            if one.kind == Kind::Experiment {
                let own = (0..names.all.len()).filter(|m| *m != id && names.all[*m].name.span.file == ROOT);
                one.inner = own.map(symbol).filter(|s| within(s, item.span)).collect();
            }
            all.push(one);
        }
    }
    all
}

/// A unit that a name has without saying so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Behind which place it belongs.
    pub after: Span,
    /// The unit.
    pub unit: String,
}

/// Units of names for which none is written.
pub fn hints(document: &Document) -> Vec<Hint> {
    let followed = document.own().filter(|d| matches!(d.kind, Kind::Let | Kind::Variable));
    let hint = |d: &super::names::Declaration| {
        let unit = &document.facts.get(&d.name.span)?.unit;
        (unit != "1").then(|| Hint { after: d.name.span, unit: unit.clone() })
    };
    followed.filter_map(hint).collect()
}
