//! The number without a unit behind a mismatch of units: the place to mend, rather than where it came to light.

use super::typed::{Expr, ExprKind};
use super::{Expr as CellExpr, Op, Var, VarId, VarKind};
use crate::source::Span;
use crate::units::{Dim, Unit, canonical_unit};
use cranelift_entity::PrimaryMap;

/// Units that people forget to write.
const PLAIN: [Dim; 7] =
    [Dim::TIME, Dim::VOLTAGE, Dim::CURRENT, Dim::CONDUCTANCE, Dim::CAPACITANCE, Dim::RATE, Dim::LENGTH];

fn plain(dim: Dim) -> Option<Unit> {
    PLAIN.contains(&dim).then(|| canonical_unit(dim))
}

/// Finds a factor of an expression that would make up for a dimension if it had a unit: where it stands, the number if it is one, and the unit.
pub(super) fn number_without_unit(e: &Expr, missing: Dim) -> Option<(Span, Option<f64>, Unit)> {
    match &e.kind {
        ExprKind::Neg(a) => number_without_unit(a, missing),
        ExprKind::Binary(Op::Mul, a, b) => number_without_unit(a, missing).or_else(|| number_without_unit(b, missing)),
        ExprKind::Binary(Op::Div, a, b) => {
            number_without_unit(b, missing.recip()).or_else(|| number_without_unit(a, missing))
        }
        ExprKind::Number(v) if e.ty.dim == Some(Dim::ONE) => Some((e.span, Some(*v), plain(missing)?)),
        ExprKind::Cell(CellExpr::Var(_)) | ExprKind::Local(_) if e.ty.dim == Some(Dim::ONE) => {
            Some((e.span, None, plain(missing)?))
        }
        _ => None,
    }
}

/// Finds a parameter among the factors of an expression that would make up for a dimension if it had a unit.
pub(super) fn parameter_without_unit<'a>(
    e: &CellExpr,
    vars: &'a PrimaryMap<VarId, Var>,
    missing: Dim,
) -> Option<(&'a Var, Unit)> {
    match e {
        CellExpr::Neg(a) => parameter_without_unit(a, vars, missing),
        CellExpr::Bin(Op::Mul, a, b) => {
            parameter_without_unit(a, vars, missing).or_else(|| parameter_without_unit(b, vars, missing))
        }
        CellExpr::Bin(Op::Div, a, b) => {
            parameter_without_unit(b, vars, missing.recip()).or_else(|| parameter_without_unit(a, vars, missing))
        }
        CellExpr::Var(v) => {
            let var = vars.get(*v).filter(|v| v.dim == Dim::ONE && matches!(v.kind, VarKind::Param(_)))?;
            Some((var, plain(missing)?))
        }
        _ => None,
    }
}
