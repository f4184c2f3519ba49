//! Names that have a meaning already: of units, numbers and functions that are always there, and of an argument before.

use super::{chance, errors};
use crate::builtin;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::syntax::ast::{self, Binding, ItemKind, Name};

/// Reports what a file declares under such names.
pub(super) fn report(file: &ast::File, diagnostics: &mut Diagnostics) {
    for item in &file.items {
        match &item.kind {
            ItemKind::Unit(name, _) if crate::units::lookup(&name.text).is_some() => {
                let message = format!("`{}` is a unit already", name.text);
                let d = Diagnostic::at(Code::E0206, name.span, message, "would be another unit");
                diagnostics.push(d.help(format!("give it another name, for example `{}_0`", name.text)));
            }
            ItemKind::Const(bindings) => bindings.iter().for_each(|b| constant(&b.name, diagnostics)),
            ItemKind::Fn(name, formals, _) => {
                let known = builtin::find(&name.text).is_some() || chance::draw_named(&name.text).is_some();
                if known {
                    let message = format!("`{}` hides the function that is always there", name.text);
                    let d = Diagnostic::at(Code::W0202, name.span, message, "in this file this one is meant");
                    diagnostics.push(d.help("give it another name"));
                }
                twice(formals, diagnostics);
            }
            ItemKind::Network(n) => twice(&n.formals, diagnostics),
            ItemKind::World(w) => twice(&w.formals, diagnostics),
            ItemKind::Experiment(e) => twice(&e.formals, diagnostics),
            _ => {}
        }
    }
}

fn constant(name: &Name, diagnostics: &mut Diagnostics) {
    if matches!(name.text.as_str(), "t" | "dt" | "xi" | "pi" | "inf") {
        diagnostics.push(errors::reserved(&name.text, name.span));
    } else if name.text.chars().count() > 1 && crate::units::lookup(&name.text).is_some() {
        diagnostics.push(errors::unit_clash(&name.text, name.span));
    }
}

/// Refuses two arguments of one name.
fn twice(formals: &[Binding], diagnostics: &mut Diagnostics) {
    for (k, b) in formals.iter().enumerate() {
        if let Some(first) = formals[..k].iter().find(|f| f.name.text == b.name.text) {
            diagnostics.push(errors::declared_twice(&b.name.text, b.name.span, first.name.span));
        }
    }
}
