//! Types of chains of members and indices, as in `net.exc[0..3].dend[5].v`.

use super::*;

impl World {
    /// Returns whether an expression names a cable compartment of a population.
    pub(super) fn is_cable(&mut self, infer: &mut Infer, e: &ast::Expr) -> bool {
        let ExprKind::Member(base, name) = &e.kind else { return false };
        let mut silent = Diagnostics::default();
        let mut quiet = Infer { module: infer.module, diagnostics: &mut silent, depth: 0 };
        match self.access(&mut quiet, base).map(|t| t.kind) {
            Some(Kind::Population(model)) => {
                infer.module.neurons.get(&model).is_some_and(|n| n.cables.iter().any(|c| c.name == name.text))
            }
            _ => false,
        }
    }

    /// Types a chain of members and indices.
    pub(super) fn access(&mut self, infer: &mut Infer, e: &ast::Expr) -> Option<Ty> {
        if self.pair.is_some()
            && let Some(path) = dotted(e)
            && let Some((side @ ("pre" | "post"), member)) = path.split_once('.')
        {
            if !matches!(member, "i" | "n" | "x" | "y" | "z") {
                infer.diagnostics.push(errors::no_member(
                    &format!("`{side}`"),
                    member,
                    e.span,
                    ["i", "n", "x", "y", "z"],
                ));
            }
            return Some(if matches!(member, "x" | "y" | "z") { Ty::any_number() } else { Ty::number(Dim::ONE) });
        }
        match &e.kind {
            ExprKind::Name(name) => match self.find(name).cloned() {
                Some(ty) => Some(ty),
                None => Some(infer.expr(self, e).1),
            },
            ExprKind::Index(base, index) => {
                let ty = self.access(infer, base)?;
                for i in index {
                    self.index(infer, i);
                }
                if matches!(
                    ty.kind,
                    Kind::Number
                        | Kind::Population(_)
                        | Kind::Error
                        | Kind::Events
                        | Kind::Trace
                        | Kind::Table
                        | Kind::Data { .. }
                ) {
                    return Some(ty);
                }
                infer.diagnostics.push(errors::wrong_kind("something with elements", &ty, base.span));
                Some(Ty::error())
            }
            ExprKind::Member(..) => {
                // Gather members down to the first index or name, so that compartments stay together.
                let mut names = Vec::new();
                let mut base = e;
                loop {
                    match &base.kind {
                        ExprKind::Member(inner, name) => {
                            names.push(name.text.as_str());
                            base = inner;
                        }
                        // `cell.dend[50].v`: the index of a segment of a cable.
                        ExprKind::Index(inner, index) if self.is_cable(infer, inner) => {
                            for i in index {
                                self.index(infer, i);
                            }
                            base = inner;
                        }
                        _ => break,
                    }
                }
                names.reverse();
                let mut ty = self.access(infer, base)?;
                let mut i = 0;
                while i < names.len() {
                    let (next, used) = member(infer, &ty, &names[i..], e.span);
                    ty = next;
                    i += used;
                }
                Some(ty)
            }
            _ => Some(infer.expr(self, e).1),
        }
    }
}
