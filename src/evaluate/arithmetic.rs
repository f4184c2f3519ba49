//! Numbers and arrays, element by element.

use super::attempt::{Attempt, fail};
use crate::diag::Code;
use crate::hir::Op;
use crate::hir::typed::Expr;
use crate::source::Span;
use crate::units::Dim;
use crate::value::{Quantity, Value};

pub(super) fn different<T>(span: Span, why: &str) -> Attempt<T> {
    fail(Code::E0403, span, format!("cannot combine {why}"), "different lengths")
}

/// Adds, compares and so on, element by element.
pub(super) fn arithmetic(op: Op, x: &Quantity, y: &Quantity, whole: &Expr) -> Attempt<Value> {
    let unit = || x.unit.clone().or(y.unit.clone());
    let (q, dim, unit) = match op {
        Op::Add => (zip(x, y, whole, |a, b| a + b)?, x.dim, unit()),
        Op::Sub => (zip(x, y, whole, |a, b| a - b)?, x.dim, unit()),
        Op::Mul => {
            let unit = if x.dim == Dim::ONE { y.unit.clone() } else { x.unit.clone().filter(|_| y.dim == Dim::ONE) };
            (zip(x, y, whole, |a, b| a * b)?, x.dim * y.dim, unit)
        }
        Op::Div => (zip(x, y, whole, |a, b| a / b)?, x.dim / y.dim, x.unit.clone().filter(|_| y.dim == Dim::ONE)),
        _ => {
            let test: fn(f64, f64) -> bool = match op {
                Op::Le => |a, b| a <= b,
                Op::Ge => |a, b| a >= b,
                Op::Eq => |a, b| a == b,
                Op::Ne => |a, b| a != b,
                Op::Lt => |a, b| a < b,
                _ => |a, b| a > b,
            };
            let q = zip(x, y, whole, |a, b| f64::from(u8::from(test(a, b))))?;
            if let Some(one) = q.single() {
                return Ok(Value::Bool(one != 0.0));
            }
            (q, Dim::ONE, None)
        }
    };
    Ok(Quantity { dim, unit, ..q }.into())
}

/// Element by element, in a loop of each operation's own.
fn zip(x: &Quantity, y: &Quantity, whole: &Expr, f: impl Fn(f64, f64) -> f64) -> Attempt<Quantity> {
    x.zip(y, f).or_else(|why| different(whole.span, &why))
}

/// The same for an assignment with an operator.
pub fn combine(op: Op, x: &Quantity, y: &Quantity, span: Span) -> Attempt<Quantity> {
    let whole = Expr::error(span);
    match arithmetic(op, x, y, &whole)? {
        Value::Quantity(q) => Ok(q),
        _ => fail(Code::E0401, span, "a comparison cannot be assigned", "not a number"),
    }
}
