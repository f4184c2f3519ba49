//! `measure x = mean(…) over data { … }`: what functions of all examples are applied to is evaluated example by example.

use crate::hir::typed::{Expr, ExprKind};
use crate::hir::{Kind, Shape, Ty};
use crate::source::Span;
use crate::syntax::ast;

/// Functions of all examples.
const OF_ALL: &[&str] = &["mean", "sum", "std", "variance", "median", "min", "max", "confusion", "corr", "len"];

/// Takes out what functions of all examples are applied to; returns the expression with what was gathered in its place.
pub fn outermost(e: Expr, parts: &mut Vec<Expr>) -> Expr {
    let Expr { kind, ty, span } = e;
    let of = |e: Box<Expr>, parts: &mut Vec<Expr>| Box::new(outermost(*e, parts));
    let kind = match kind {
        ExprKind::Call(b, values, fields) if OF_ALL.contains(&b.name) => {
            let values = values.into_iter().map(|v| v.map(|v| gathered(v, parts))).collect();
            ExprKind::Call(b, values, fields)
        }
        ExprKind::Neg(a) => ExprKind::Neg(of(a, parts)),
        ExprKind::Not(a) => ExprKind::Not(of(a, parts)),
        ExprKind::Binary(op, a, b) => ExprKind::Binary(op, of(a, parts), of(b, parts)),
        ExprKind::If(c, a, b) => ExprKind::If(of(c, parts), of(a, parts), of(b, parts)),
        ExprKind::Element(a, index) => ExprKind::Element(of(a, parts), index),
        ExprKind::Function(f, args) => ExprKind::Function(f, args.into_iter().map(|a| outermost(a, parts)).collect()),
        ExprKind::Call(b, values, fields) => {
            let values = values.into_iter().map(|v| v.map(|v| outermost(v, parts))).collect();
            ExprKind::Call(b, values, fields)
        }
        other => other,
    };
    Expr { kind, ty, span }
}

/// Puts an expression among those that are gathered; numbers as they are written stay.
fn gathered(e: Expr, parts: &mut Vec<Expr>) -> Expr {
    if matches!(e.kind, ExprKind::Number(_)) {
        return e;
    }
    let ty = Ty { kind: Kind::Number, ..e.ty.clone() }.shaped(Shape::Array);
    let span = e.span;
    parts.push(e);
    Expr::new(ExprKind::Gathered(parts.len() - 1), ty, span)
}

/// Finds a function of all examples within what is gathered example by example: of what differs from example to example it would be that
/// of those that happen to be shown at once.
pub fn nested(part: &Expr, differs: &dyn Fn(&Expr) -> bool) -> Option<Span> {
    match &part.kind {
        ExprKind::Call(b, values, _) if OF_ALL.contains(&b.name) && values.iter().flatten().any(|v| v.any(differs)) => {
            Some(part.span)
        }
        _ => part.parts().into_iter().find_map(|p| nested(p, differs)),
    }
}

/// Takes `all(x)` apart.
pub fn all(e: &ast::Expr) -> Option<&ast::Expr> {
    match &e.kind {
        ast::ExprKind::Call(f, args) if matches!(&f.kind, ast::ExprKind::Name(n) if n == "all") => match &args[..] {
            [one] if one.name.is_none() => Some(&one.value),
            _ => None,
        },
        _ => None,
    }
}

/// Gathers an expression as a matrix with a row for each example.
pub fn rows(inner: Expr, span: Span, parts: &mut Vec<Expr>) -> Expr {
    if inner.is_error() {
        return Expr::error(span);
    }
    let ty = inner.ty.clone().shaped(Shape::Any);
    parts.push(inner);
    Expr::new(ExprKind::Rows(parts.len() - 1), ty, span)
}
