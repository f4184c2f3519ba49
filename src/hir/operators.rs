//! Operators: what numbers with units, arrays and truths become by them.

use super::expr::Op;
use super::infer::{Infer, Meaning, constant, is_logical, join};
use super::typed::{Expr, ExprKind as Kinds, Within};
use super::{Kind, Shape, Ty, errors};
use crate::builtin::Func;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{self, BinOp, ExprKind};
use crate::units::{Dim, Ratio, Unit};

impl Infer<'_> {
    pub(super) fn binary(&mut self, m: &mut dyn Meaning, op: BinOp, a: &ast::Expr, b: &ast::Expr, span: Span) -> Expr {
        use BinOp::*;
        let truth = |kind: Kinds, shape: Shape| Expr::new(kind, Ty::of(Kind::Bool).shaped(shape), span);
        match op {
            And | Or => {
                let (x, y) = (self.typed_condition(m, a), self.typed_condition(m, b));
                let op = if op == And { Op::And } else { Op::Or };
                return truth(Kinds::Binary(op, Box::new(x), Box::new(y)), Shape::Number);
            }
            In => {
                let (x, ends) = (self.typed_number(m, a), self.typed(m, b));
                if !matches!(ends.ty.kind, Kind::Range | Kind::Error) {
                    self.diagnostics.push(errors::wrong_kind("a range `lo .. hi`", &ends.ty, b.span));
                } else if !x.ty.same_dim(&ends.ty) {
                    let number = Ty { kind: Kind::Number, ..ends.ty.clone() };
                    self.diagnostics.push(errors::cannot_compare((&x.ty, a.span), (&number, b.span)));
                }
                return compared(x.ty.shape, Kinds::In(Box::new(x), Box::new(ends)), span);
            }
            Within => return self.within(m, a, b, span),
            _ => {}
        }
        if matches!(op, Lt | Gt | Le | Ge)
            && let Some(chained) = [a, b].into_iter().find(|e| is_ordering(e))
        {
            return self.report(errors::chained_comparison(chained.span), span);
        }
        let (x, y) = (self.typed(m, a), self.typed(m, b));
        let compares = matches!(op, Lt | Gt | Le | Ge | Eq | Ne);
        if x.is_error() || y.is_error() {
            return if compares { truth(Kinds::Bool(true), Shape::Number) } else { Expr::error(span) };
        }
        let same_kind = x.ty.kind == y.ty.kind && matches!(x.ty.kind, Kind::Bool | Kind::Text);
        if matches!(op, Eq | Ne) && same_kind {
            let op = if op == Eq { Op::Eq } else { Op::Ne };
            return truth(Kinds::Binary(op, Box::new(x), Box::new(y)), Shape::Number);
        }
        if matches!(op, Eq | Ne)
            && let Some((x, y)) = texts_and_text(&x, &y)
        {
            let op = if op == Eq { Op::Eq } else { Op::Ne };
            let ty = Ty { unit: Some(Unit::one()), ..Ty::number(Dim::ONE) };
            return Expr::new(Kinds::Binary(op, Box::new(x), Box::new(y)), ty.shaped(Shape::Array), span);
        }
        // A comparison of what may be an array is 1 and 0, one for each element.
        let counted = |e: Expr| match m.is_program() && e.ty.shape == Shape::Any && e.is_comparison() {
            true => Expr { ty: Ty { unit: Some(Unit::one()), ..Ty::number(Dim::ONE) }, ..e },
            false => e,
        };
        let (x, y) = (counted(x), counted(y));
        let mut combined = |e: Expr, of: &ast::Expr| match e.ty.kind == Kind::Bool && is_logical(of) && m.is_program() {
            true => self.typed_rows(m, of),
            false => e,
        };
        let (x, y) = (combined(x, a), combined(y, b));
        let (x, y) = if compares { (x, y) } else { (self.counted(m, x), self.counted(m, y)) };
        for e in [&x, &y] {
            if e.kind == Kinds::All {
                return self.report(errors::no_operand(e.span), span);
            }
            if e.ty.kind != Kind::Number {
                return self.report(errors::wrong_kind("a number", &e.ty, e.span), span);
            }
        }
        let Some(shape) = x.ty.shape.with(y.ty.shape) else {
            return self.report(errors::shapes_differ((&x.ty, a.span), (&y.ty, b.span)), span);
        };
        let arithmetic = |op: Op, x: Expr, y: Expr, ty: Ty| {
            Expr::new(Kinds::Binary(op, Box::new(x), Box::new(y)), ty.shaped(shape), span)
        };
        match op {
            Add | Sub => {
                if !x.ty.same_dim(&y.ty) {
                    let d = errors::cannot_add(op.symbol(), (&x, a.span), (&y, b.span));
                    let impulse = [a.span, b.span].iter().any(|s| self.impulses.contains(s));
                    return self.report(if impulse { errors::term_of_its_own(d) } else { d }, span);
                }
                let ty = join(x.ty.clone(), y.ty.clone());
                arithmetic(if op == Add { Op::Add } else { Op::Sub }, x, y, ty)
            }
            Range => {
                if !x.ty.same_dim(&y.ty) {
                    return self.report(errors::cannot_compare((&x.ty, a.span), (&y.ty, b.span)), span);
                }
                let ty = Ty { kind: Kind::Range, ..join(x.ty.clone(), y.ty.clone()) };
                let (x, y) = (self.must_be_one("an end of a range", x), self.must_be_one("an end of a range", y));
                Expr::new(Kinds::Range(Box::new(x), Box::new(y)), ty, span)
            }
            Mul => {
                let ty = product(&x.ty, &y.ty);
                arithmetic(Op::Mul, x, y, ty)
            }
            Div => {
                let ty = quotient(&x.ty, &y.ty);
                arithmetic(Op::Div, x, y, ty)
            }
            Pow => self.power(x, y, shape, span),
            _ => {
                if !x.ty.same_dim(&y.ty) {
                    let d = errors::cannot_compare((&x.ty, a.span), (&y.ty, b.span));
                    let names = [unit_name(a, &x), unit_name(b, &y)];
                    self.diagnostics.push(errors::unit_by_name(d, names));
                }
                let op = match op {
                    Le => Op::Le,
                    Ge => Op::Ge,
                    Eq => Op::Eq,
                    Ne => Op::Ne,
                    Lt => Op::Lt,
                    _ => Op::Gt,
                };
                compared(shape, Kinds::Binary(op, Box::new(x), Box::new(y)), span)
            }
        }
    }

    /// `a == b within tolerance`
    fn within(&mut self, m: &mut dyn Meaning, a: &ast::Expr, tolerance: &ast::Expr, span: Span) -> Expr {
        let ExprKind::Binary(BinOp::Eq, x, y) = &a.kind else {
            let d = errors::wrong_kind("`a == b` before `within`", &Ty::of(Kind::Bool), a.span);
            return self.report(d.help("write `expect a == b within 0.1 mV`"), span);
        };
        let (left, right) = (self.typed_number(m, x), self.typed_number(m, y));
        if !left.ty.same_dim(&right.ty) {
            return self.report(errors::cannot_compare((&left.ty, x.span), (&right.ty, y.span)), span);
        }
        let near = self.typed_number(m, tolerance);
        let relative = near.ty.dim == Some(Dim::ONE) && near.ty.unit.as_ref().is_some_and(|u| u.name == "%");
        if !near.is_error() && !near.ty.same_dim(&right.ty) && !relative {
            self.diagnostics.push(errors::wrong_unit("the tolerance", &right.ty, &near.ty, tolerance.span, None));
        }
        let Some(shape) = left.ty.shape.with(right.ty.shape).and_then(|s| s.with(near.ty.shape)) else {
            return self.report(errors::shapes_differ((&left.ty, x.span), (&right.ty, y.span)), span);
        };
        let within = Within { a: left, b: right, tolerance: near, relative };
        compared(shape, Kinds::Within(Box::new(within)), span)
    }

    fn power(&mut self, x: Expr, y: Expr, shape: Shape, span: Span) -> Expr {
        if !y.ty.same_dim(&Ty::number(Dim::ONE)) {
            let d = Diagnostic::at(
                Code::E0307,
                y.span,
                "an exponent must be a pure number",
                format!("this is {}", y.ty.describe()),
            );
            return self.report(d, span);
        }
        let (dim, unit) = (x.ty.dim, x.ty.unit.clone());
        let ty = match (dim, constant(&y).and_then(Ratio::from_f64)) {
            (Some(Dim::ONE), _) => Ty::in_unit(Unit::one()),
            (None, _) => Ty::any_number(),
            (Some(dim), Some(r)) => Ty { unit: unit.map(|u| u.power(r)), ..Ty::number(dim.pow(r)) },
            (Some(_), None) => {
                let d = Diagnostic::at(
                    Code::E0307,
                    y.span,
                    "the exponent of a quantity must be a constant",
                    "not a constant",
                );
                return self
                    .report(d.note(format!("the base is {}; its unit could not be checked", x.ty.describe())), span);
            }
        };
        Expr::new(Kinds::Function(Func::Pow, vec![x, y]), ty.shaped(shape), span)
    }
}

/// The texts of a column and the text that they are compared with.
/// A comparison: of arrays element by element, 1 where it holds and 0 elsewhere.
fn compared(shape: Shape, kind: Kinds, span: Span) -> Expr {
    let ty = match shape {
        Shape::Array | Shape::Matrix => Ty { unit: Some(Unit::one()), ..Ty::number(Dim::ONE) },
        _ => Ty::of(Kind::Bool),
    };
    Expr::new(kind, ty.shaped(shape), span)
}

fn texts_and_text(x: &Expr, y: &Expr) -> Option<(Expr, Expr)> {
    let text = |e: &Expr| e.ty.kind == Kind::Text;
    match (x.texts(), y.texts()) {
        (Some(texts), None) if text(y) => Some((texts, y.clone())),
        (None, Some(texts)) if text(x) => Some((texts, x.clone())),
        _ => None,
    }
}

fn product(a: &Ty, b: &Ty) -> Ty {
    let unit = match (&a.unit, &b.unit) {
        (Some(x), Some(y)) if x.name == "1" || y.name == "1" => Some(x.times(y)),
        _ => None,
    };
    Ty { dim: a.dim.zip(b.dim).map(|(x, y)| x * y), unit, ..Ty::any_number() }
}

fn quotient(a: &Ty, b: &Ty) -> Ty {
    let unit = match (&a.unit, &b.unit) {
        (Some(x), Some(y)) if y.name == "1" || !x.name.contains('*') && x.name.len() + y.name.len() < 12 => {
            Some(x.per(y))
        }
        _ => None,
    };
    let unit = unit.filter(|u| u.dim != Dim::ONE || u.name == "1" || u.name == "%");
    Ty { dim: a.dim.zip(b.dim).map(|(x, y)| x / y), unit, ..Ty::any_number() }
}

/// The name of a unit that stands for itself.
fn unit_name<'e>(e: &'e ast::Expr, typed: &Expr) -> &'e str {
    match (&e.kind, &typed.kind) {
        (ExprKind::Name(name), Kinds::Number(_)) if crate::units::lookup(name).is_some() => name,
        _ => "",
    }
}

/// Returns whether an expression says that one value is smaller than another.
fn is_ordering(e: &ast::Expr) -> bool {
    matches!(e.kind, ExprKind::Binary(BinOp::Lt | BinOp::Gt | BinOp::Le | BinOp::Ge, ..))
}
