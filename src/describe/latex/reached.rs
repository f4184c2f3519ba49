//! Which declarations a text is about: those of the file, and those of others that they are made of.

use crate::compiler::Program;
use crate::describe::written::{files, items, name_of, on_one_line};
use crate::syntax::ast::{Item, ItemKind, Model, ModelKind, Network, NetworkItem};
use std::collections::BTreeSet;

/// Declarations, those of the file first.
pub struct Reached {
    pub items: Vec<Item>,
}

impl Reached {
    /// All that a program's first file declares but its tests, with what that is made of; of a module of the library what has a text.
    pub fn of(program: &Program, library: bool) -> Reached {
        let all: Vec<Vec<Item>> = files(&program.sources).map(|(id, file)| items(id, file)).collect();
        let mut search = Search { all: &all, program, found: Vec::new(), seen: BTreeSet::new() };
        for (at, item) in all.first().into_iter().flatten().enumerate() {
            let left_out = library && item.doc.is_empty() || matches!(item.kind, ItemKind::Test(_) | ItemKind::Use(..));
            if !left_out {
                search.reach((0, at));
            }
        }
        let mut next = 0;
        while let Some(place) = search.found.get(next).copied() {
            search.names_in(place).iter().for_each(|name| search.name(place.0, name));
            next += 1;
        }
        Reached { items: search.found.iter().map(|(file, at)| all[*file][*at].clone()).collect() }
    }

    /// Models of one kind with their texts.
    pub fn models(&self, kind: ModelKind) -> impl Iterator<Item = (&Item, &Model)> {
        self.items.iter().filter_map(move |item| match &item.kind {
            ItemKind::Model(m) if m.kind == kind => Some((item, m)),
            _ => None,
        })
    }

    /// Networks with their texts.
    pub fn networks(&self) -> impl Iterator<Item = (&Item, &Network)> {
        self.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Network(n) => Some((item, n)),
            _ => None,
        })
    }

    /// The model behind a name, which may be that of a variant.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.behind(name, 16).and_then(|item| match &item.kind {
            ItemKind::Model(m) => Some(m),
            _ => None,
        })
    }

    /// What a name or a variant of it stands for; `depth` bounds how many variants are gone through.
    fn behind(&self, name: &str, depth: usize) -> Option<&Item> {
        let item = self.items.iter().find(|i| name_of(i).is_some_and(|(_, n)| n == name))?;
        match &item.kind {
            ItemKind::Variant(v) if depth > 0 => self.behind(&v.base.text, depth - 1),
            _ => Some(item),
        }
    }
}

/// An item by its file and its place there.
type Place = (usize, usize);

struct Search<'a> {
    all: &'a [Vec<Item>],
    program: &'a Program,
    found: Vec<Place>,
    seen: BTreeSet<Place>,
}

impl Search<'_> {
    fn reach(&mut self, place: Place) {
        if self.seen.insert(place) {
            self.found.push(place);
        }
    }

    /// Reaches what a name in a file stands for: what the file itself declares, else what others offer.
    fn name(&mut self, file: usize, name: &str) {
        let within = |file: usize| {
            let at = self.all.get(file)?.iter().position(|item| declares(item, name))?;
            Some((file, at))
        };
        let others = || (0..self.all.len()).filter_map(within);
        let offered = || others().find(|(file, at)| !self.all[*file][*at].doc.is_empty());
        if let Some(place) = within(file).or_else(offered).or_else(|| others().next()) {
            self.reach(place);
        }
    }

    /// Names that a declaration mentions.
    fn names_in(&self, (file, at): Place) -> BTreeSet<String> {
        let item = &self.all[file][at];
        let mut names = words(&on_one_line(self.program.sources.text(item.span)));
        if let ItemKind::Network(n) = &item.kind
            && has_plain_projection(&n.body)
        {
            names.insert("Static".into());
        }
        names
    }
}

fn declares(item: &Item, name: &str) -> bool {
    match &item.kind {
        ItemKind::Const(list) => list.iter().any(|b| b.name.text == name),
        ItemKind::Unit(unit, _) => unit.text == name,
        _ => name_of(item).is_some_and(|(_, n)| n == name),
    }
}

/// The words of a text outside of quotes that are no members of anything.
fn words(text: &str) -> BTreeSet<String> {
    let outside = text.split('"').step_by(2);
    let mut names = BTreeSet::new();
    for piece in outside {
        let mut last = ' ';
        for word in piece.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_') {
            let name = word.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_');
            if !name.is_empty() && last != '.' {
                names.insert(name.to_string());
            }
            last = word.chars().last().unwrap_or(' ');
        }
    }
    names
}

/// Whether some projection names no synapse, and so is of `Static`.
fn has_plain_projection(body: &[NetworkItem]) -> bool {
    body.iter().any(|i| match i {
        NetworkItem::Projection(p) => p.synapse.is_none(),
        NetworkItem::For(_, _, body) => has_plain_projection(body),
        NetworkItem::If(_, a, b) => has_plain_projection(a) || has_plain_projection(b),
        _ => false,
    })
}
