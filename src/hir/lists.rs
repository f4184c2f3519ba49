//! Lists: of numbers, which make an array; of arrays of one length, which make a matrix; and of what some statements name several of.

use super::infer::{Infer, Meaning, join};
use super::typed::{Expr, ExprKind as Kinds};
use super::{Kind, Shape, Ty, errors};
use crate::diag::Diagnostic;
use crate::source::Span;
use crate::syntax::ast;

impl Infer<'_> {
    /// `[a, b]`: values of one kind and dimension, numbers or rows of one length.
    pub(super) fn list(&mut self, m: &mut dyn Meaning, items: &[ast::Expr], span: Span) -> Expr {
        let mut joined: Option<(Ty, Span)> = None;
        let mut parts = Vec::new();
        for item in items {
            let part = self.typed(m, item);
            if !part.is_error() {
                match &joined {
                    Some((first, at)) if first.kind != part.ty.kind => {
                        let (odd, at) = if part.ty.kind == Kind::Number { (first, *at) } else { (&part.ty, item.span) };
                        return self.report(errors::wrong_kind("a number", odd, at), span);
                    }
                    Some((first, at)) if !first.same_dim(&part.ty) => {
                        return self.report(errors::cannot_compare((first, *at), (&part.ty, item.span)), span);
                    }
                    Some((first, at)) => joined = Some((join(first.clone(), part.ty.clone()), *at)),
                    None => joined = Some((part.ty.clone(), item.span)),
                }
            }
            parts.push(part);
        }
        let ty = joined.map_or(Ty::any_number(), |(t, _)| t);
        // Lists of other things than numbers name several of them; only some statements take such a list.
        if !matches!(ty.kind, Kind::Number | Kind::Error) {
            return Expr::new(Kinds::List(parts), ty, span);
        }
        match stacked(&parts) {
            Ok(shape) => Expr::new(Kinds::List(parts), ty.shaped(shape), span),
            Err(d) => self.report(*d, span),
        }
    }
}

/// The shape of a list of numbers, or of arrays of one length, as far as the text says.
fn stacked(parts: &[Expr]) -> Result<Shape, Box<Diagnostic>> {
    let is = |shape: Shape| parts.iter().find(|p| !p.is_error() && p.ty.shape == shape);
    if let (Some(number), Some(array)) = (is(Shape::Number), is(Shape::Array).or(is(Shape::Matrix))) {
        let (one, several) = ("a number", if array.ty.shape == Shape::Array { "an array" } else { "a matrix" });
        let in_order = number.span.start < array.span.start;
        let [first, second] =
            if in_order { [(one, number), (several, array)] } else { [(several, array), (one, number)] };
        return Err(Box::new(errors::uneven(first.0, first.1.span, second.0, second.1.span)));
    }
    let length = |e: &Expr| match &e.kind {
        Kinds::List(items) if e.ty.shape == Shape::Array => Some(items.len()),
        _ => None,
    };
    let mut rows = parts.iter().filter_map(|p| Some((length(p)?, p.span)));
    if let Some((n, first)) = rows.next()
        && let Some((other, second)) = rows.find(|(other, _)| *other != n)
    {
        let extent = |n: usize| crate::value::extent(&[n]);
        return Err(Box::new(errors::uneven(&extent(n), first, &extent(other), second)));
    }
    Ok(match (is(Shape::Matrix), is(Shape::Array), is(Shape::Any)) {
        (Some(_), ..) => Shape::Any,
        (None, Some(_), _) => Shape::Matrix,
        (None, None, Some(_)) => Shape::Any,
        _ => Shape::Array,
    })
}
