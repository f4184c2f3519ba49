//! Units in formulas: upright, with negative powers for what stands below a line.

use super::escape;
use crate::diag::Diagnostics;
use crate::source::FileId;
use crate::syntax::ast::{BinOp, Expr, ExprKind, UnitExpr};
use crate::syntax::parse_expr;

/// A factor of a unit: its name and its power as numerator and denominator.
pub type Factor = (String, i32, i32);

/// The unit of a declaration.
pub fn declared(unit: &UnitExpr) -> String {
    let factors: Vec<Factor> = unit.factors.iter().map(|(name, num, den)| (name.text.clone(), *num, *den)).collect();
    product(&factors)
}

/// A unit by its name, as `mS/cm^2` or `pA/(ms*um)`.
pub fn named(name: &str) -> String {
    let expr = parse_expr(FileId::default(), name, &mut Diagnostics::default());
    match expr.and_then(|e| factors(&e)) {
        Some(factors) => product(&factors),
        None => one(name),
    }
}

/// A product of units; none of a pure number.
pub fn product(factors: &[Factor]) -> String {
    let shown = factors.iter().filter(|(name, ..)| name != "1");
    let each = shown.map(|(name, num, den)| match (num, den) {
        (1, 1) => one(name),
        (_, 1) => format!("{}^{{{num}}}", one(name)),
        _ => format!("{}^{{{num}/{den}}}", one(name)),
    });
    each.collect::<Vec<_>>().join("\\,")
}

fn one(name: &str) -> String {
    let upright = |text: &str| format!("\\mathrm{{{}}}", escape::text(text));
    let base = name.trim_end_matches("Ohm").trim_end_matches("ohm");
    if base != name {
        return if base.is_empty() { "\\Omega".into() } else { format!("{}\\Omega", prefix(base)) };
    }
    match name.strip_prefix(['u', 'µ']).filter(|_| crate::units::lookup(name).is_some()) {
        Some(rest) => format!("\\mu\\mathrm{{{rest}}}"),
        None if name == "deg" => "{}^{\\circ}".into(),
        None => upright(name),
    }
}

fn prefix(text: &str) -> String {
    match text {
        "u" | "µ" => "\\mu".into(),
        _ => format!("\\mathrm{{{}}}", escape::text(text)),
    }
}

/// The factors of a product of units that is written as an expression.
fn factors(e: &Expr) -> Option<Vec<Factor>> {
    match &e.kind {
        ExprKind::Name(name) => Some(vec![(name.clone(), 1, 1)]),
        ExprKind::Quantity(1.0, None) => Some(Vec::new()),
        ExprKind::Binary(BinOp::Mul, a, b) => Some([factors(a)?, factors(b)?].concat()),
        ExprKind::Binary(BinOp::Div, a, b) => Some([factors(a)?, raised(&factors(b)?, (-1, 1))].concat()),
        ExprKind::Binary(BinOp::Pow, a, b) => Some(raised(&factors(a)?, power(b)?)),
        _ => None,
    }
}

/// Factors to a power.
pub fn raised(factors: &[Factor], (num, den): (i32, i32)) -> Vec<Factor> {
    factors.iter().map(|(name, n, d)| (name.clone(), n.saturating_mul(num), d.saturating_mul(den))).collect()
}

/// A constant power: `2`, `-1`, `(1/2)`.
pub fn power(e: &Expr) -> Option<(i32, i32)> {
    match &e.kind {
        ExprKind::Quantity(v, None) if v.fract() == 0.0 && v.abs() < 100.0 => Some((*v as i32, 1)),
        ExprKind::Neg(inner) => power(inner).map(|(num, den)| (-num, den)),
        ExprKind::Binary(BinOp::Div, a, b) => match (power(a)?, power(b)?) {
            ((num, 1), (den, 1)) if den != 0 => Some((num, den)),
            _ => None,
        },
        _ => None,
    }
}
