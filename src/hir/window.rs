//! What models take of the windows of an experiment.

use super::infer::{Context, Infer};
use super::neuron::dotted;
use super::{Expr, Ty, errors};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};
use crate::units::format_number;

/// What is taken of the last window of a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The name.
    pub window: String,
    /// What of it.
    pub how: Take,
}

/// What is taken of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Take {
    /// The value at its end.
    AtEnd,
    /// The mean over the ends of its steps, or over those of its last part only, internal units of time.
    Mean(Option<f64>),
}

impl Taken {
    /// Spells it for a variable.
    pub fn of(&self, variable: &str) -> String {
        match self.how {
            Take::AtEnd => format!("{variable} at end of {}", self.window),
            Take::Mean(None) => format!("mean({variable}, over = {})", self.window),
            Take::Mean(Some(last)) => {
                format!("mean({variable}, over = {}, last = {} ms)", self.window, format_number(last))
            }
        }
    }
}

/// Returns whether a call is a mean over a window: `mean(v, over = forward, last = 20 ms)`.
pub(super) fn is_mean(name: &str, args: &[ast::Arg]) -> bool {
    let over = |a: &ast::Arg| a.name.as_ref().is_some_and(|n| n.text == "over");
    let side = |a: &ast::Arg| matches!(&a.value.kind, ExprKind::Name(n) if n == "pre" || n == "post");
    name == "mean" && args.iter().any(|a| over(a) && !side(a))
}

/// Reports a mean of what has no name, or of an unknown one.
pub(super) fn unnamed(infer: &mut Infer, context: &mut dyn Context, of: &ast::Expr) -> (Expr, Ty) {
    if dotted(of).is_some() && infer.number(context, of).1.is_error() {
        return (Expr::Num(0.0), Ty::error());
    }
    let d = Diagnostic::at(Code::E0401, of.span, "a window keeps variables of a cell", "not a variable");
    infer.diagnostics.push(d.help("give it a name: `let x = …` in the neuron, then `mean(x, over = forward)`"));
    (Expr::Num(0.0), Ty::error())
}

/// Checks the arguments of a mean over a window: of what, and what is taken.
pub(super) fn mean<'a>(
    infer: &mut Infer,
    context: &mut dyn Context,
    args: &'a [ast::Arg],
    span: Span,
) -> Option<(&'a ast::Expr, Taken)> {
    let named = |name: &str| args.iter().find(|a| a.name.as_ref().is_some_and(|n| n.text == name));
    let of = args.first().filter(|a| a.name.is_none());
    let known = |a: &&ast::Arg| a.name.as_ref().is_some_and(|n| n.text == "over" || n.text == "last");
    let (Some(of), Some(over)) = (of, named("over")) else {
        infer.diagnostics.push(errors::wrong_arity("mean", "2 or 3", args.len(), span));
        return None;
    };
    if let Some(other) = args.iter().skip(1).find(|a| !known(a)) {
        let d = Diagnostic::at(
            Code::E0401,
            other.span(),
            "a mean over a window has no such argument",
            "neither `over` nor `last`",
        );
        infer.diagnostics.push(d.help("write `mean(v, over = forward)` or `mean(v, over = forward, last = 20 ms)`"));
        return None;
    }
    let ExprKind::Name(window) = &over.value.kind else {
        let d = Diagnostic::at(Code::E0401, over.value.span, "expected the name of a window", "not a name");
        infer.diagnostics.push(d.help("windows are named in experiments: `window forward { run 50 ms }`"));
        return None;
    };
    let last = match named("last") {
        Some(last) => {
            let e = infer.time(context, &last.value, "the last part of a window");
            let value = crate::math::eval(&e, &|_| None, None).filter(|v| *v > 0.0 && v.is_finite());
            if value.is_none() {
                let d = Diagnostic::at(
                    Code::E0401,
                    last.value.span,
                    "the last part of a window is a constant time",
                    "not a positive constant",
                );
                infer.diagnostics.push(d.help("use numbers and constants only"));
                return None;
            }
            value
        }
        None => None,
    };
    Some((&of.value, Taken { window: window.clone(), how: Take::Mean(last) }))
}
