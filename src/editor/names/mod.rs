//! What every name of a text stands for: declarations, and where each is used.
//!
//! Names are resolved on the syntax tree, so that a text with mistakes still has them; what cannot be resolved has no use.

mod table;
mod walk;

pub use table::{Declaration, DeclarationId, Kind, Names};

use crate::syntax::ast::{File, ItemKind};
use table::Ends;
use walk::Walk;

/// Resolves the names of files, those of the root last.
pub fn resolved<'a>(files: impl Iterator<Item = &'a File> + Clone) -> Names {
    let mut names = Names::default();
    let mut items = Vec::new();
    for item in files.clone().flat_map(|file| &file.items) {
        items.push((names.declare_item(item), item));
    }
    items.iter().for_each(|(_, item)| names.variant_of(item));
    let networks = || {
        items.iter().filter_map(|(ids, item)| match &item.kind {
            ItemKind::Network(n) => Some((*ids.first()?, &n.body)),
            _ => None,
        })
    };
    networks().for_each(|(id, body)| names.made_of(id, body));
    let mut ends = Ends::new();
    networks().for_each(|(id, body)| names.joined(id, body, &mut ends));
    for (ids, item) in &items {
        let joined = ids.first().and_then(|id| Some((*id, ends.get(id)?)));
        let cells = joined
            .map_or(Vec::new(), |(id, [pre, post])| vec![names.cell("pre", id, pre), names.cell("post", id, post)]);
        Walk::new(&mut names).item(ids, &cells, item);
    }
    files.flat_map(|file| &file.items).for_each(|item| names.imported(item));
    names.uses.sort_by_key(|(span, _)| *span);
    names
}
