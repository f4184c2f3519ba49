//! What is recorded.

use super::Checker;
use super::model::StatementKind;
use crate::diag::{Code, Diagnostic};
use crate::hir::typed::{Expr, ExprKind};
use crate::hir::{Kind, Reduce, Ty, errors};
use crate::syntax::ast::{self, Name};

impl Checker<'_> {
    /// Checks what is recorded: events, a variable of cells or synapses, or `mean(…)` and the like of one.
    fn recorded(&mut self, e: &ast::Expr) -> (Expr, Option<Reduce>) {
        let reduced = match &e.kind {
            ast::ExprKind::Call(callee, args) => match (&callee.kind, &args[..]) {
                (ast::ExprKind::Name(name), [ast::Arg { name: None, value }]) => Reduce::named(name).zip(Some(value)),
                _ => None,
            },
            _ => None,
        };
        let (how, of) = reduced.map_or((None, e), |(how, of)| (Some(how), of));
        let typed = self.typed(of);
        let refused = match &typed.kind {
            _ if typed.is_error() => None,
            ExprKind::Variable { .. } => None,
            ExprKind::Events { .. } if how.is_none() => None,
            ExprKind::Events { .. } => {
                let message = "events are recorded one by one".to_string();
                Some((
                    message,
                    "nothing can be made of them",
                    "record the events, and `count` them or the like afterwards",
                ))
            }
            ExprKind::Synaptic { of, name } if is_parameter(of, name) => {
                let message = format!("`{name}` does not change by itself");
                Some((message, "a parameter", "read it where it is needed, or declare it as a `state`"))
            }
            ExprKind::Synaptic { .. } => None,
            ExprKind::Element(of, _) if matches!(of.kind, ExprKind::Variable { .. }) => Some((
                "some values of a variable cannot be recorded so".to_string(),
                "which cells stands before the variable",
                "record `net.exc[0].v`, or `net.exc[0 .. 10].v`",
            )),
            _ => {
                let message = format!("{} cannot be recorded", typed.ty.describe());
                let help = "record `net.exc.spike`, `net.exc.v`, `net.link.w`, or `mean(net.exc.v)`";
                Some((message, "not a state, weight or event", help))
            }
        };
        if let Some((message, label, help)) = refused {
            self.infer.diagnostics.push(Diagnostic::at(Code::E0407, e.span, message, label).help(help));
        }
        (typed, how)
    }

    pub(super) fn record(
        &mut self,
        what: &ast::Expr,
        every: Option<&ast::Expr>,
        during: Option<Expr>,
        name: Option<&Name>,
    ) -> Option<StatementKind> {
        let list: Vec<(Expr, Option<Reduce>)> = what.elements().iter().map(|e| self.recorded(e)).collect();
        if let (Some(name), [_, (second, _), ..]) = (name, &list[..]) {
            self.infer.diagnostics.push(
                Diagnostic::at(Code::E0402, name.span, "one name for several recordings", "whose name is it?")
                    .label(second.span, "the second one")
                    .help("write a `record` for each"),
            );
        }
        let events = |(e, _): &(Expr, _)| matches!(e.kind, ExprKind::Events { .. });
        if let Some(every) = every
            && list.iter().all(events)
        {
            let message = "`every` changes nothing in a recording of events";
            self.infer.diagnostics.push(
                Diagnostic::at(Code::E0407, every.span, message, "each event is recorded when it happens")
                    .help("leave `every` out; `during` records those of some time"),
            );
        }
        let every = every.map(|e| self.one_time(e, "the interval"));
        let ty = list.first().map_or(Ty::error(), |(e, _)| e.ty.clone());
        let id = name.map(|name| {
            if let Some(hidden) = self.world.find(&name.text) {
                let declared = self.world.locals[hidden].span;
                self.infer.diagnostics.push(errors::shadowed(&name.text, name.span, declared));
            }
            let ty = if ty.kind == Kind::Number { Ty { kind: Kind::Trace, ..ty } } else { ty };
            self.world.declare(&mut self.infer, name, ty)
        });
        Some(StatementKind::Record { what: list, every, during, id })
    }
}

/// Returns whether a variable of a projection's synapses is a parameter.
fn is_parameter(of: &Expr, name: &str) -> bool {
    let Kind::Projection(Some(synapse)) = &of.ty.kind else { return false };
    synapse.var(name).is_some_and(|v| synapse.is_parameter(v))
}
