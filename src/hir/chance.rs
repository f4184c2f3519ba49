//! Draws within models: `random()`, `uniform(a, b)`, `normal(mean, sd)`.

use super::expr::{Draw, Expr};
use super::infer::{Context, Infer};
use super::{Ty, errors};
use crate::source::Span;
use crate::syntax::ast;
use crate::units::Unit;

/// Finds a draw by name, with the number of its arguments.
pub fn draw_named(name: &str) -> Option<(Draw, usize)> {
    Some(match name {
        "uniform" => (Draw::Uniform, 2),
        "normal" => (Draw::Normal, 2),
        "random" => (Draw::Uniform, 0),
        _ => return None,
    })
}

/// Checks the arguments of a draw; `random()` is uniform between 0 and 1. None if their number is wrong, which is reported.
pub fn arguments(
    infer: &mut Infer,
    context: &mut dyn Context,
    (name, (_, arity)): (&str, (Draw, usize)),
    args: &[ast::Arg],
    span: Span,
) -> Option<([Expr; 2], Ty)> {
    if args.len() != arity {
        infer.diagnostics.push(errors::wrong_arity(name, &arity.to_string(), args.len(), span));
        return None;
    }
    let [first, second] = args else {
        return Some(([Expr::Num(0.0), Expr::Num(1.0)], Ty::in_unit(Unit::one())));
    };
    let (a, of_a) = infer.number(context, &first.value);
    let (b, of_b) = infer.number(context, &second.value);
    if !of_a.same_dim(&of_b) {
        let typed = ((&of_a, first.value.span), (&of_b, second.value.span));
        infer.diagnostics.push(errors::cannot_compare(typed.0, typed.1));
    }
    Some(([a, b], of_a))
}
