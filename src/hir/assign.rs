//! `x = e`, `x += e` and their kin, in handlers of neurons and synapses.

use super::expr::{Expr, Op, VarId};
use super::infer::Infer;
use super::{Kind, Ty, Var};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{BinOp, Name};
use crate::units::Dim;

/// The right-hand side of an assignment, as inferred.
pub(super) struct Assigned {
    /// Its value.
    pub value: Expr,
    /// Its type.
    pub ty: Ty,
    /// Its position.
    pub span: Span,
}

/// Checks the unit of what is assigned to a variable and returns the new value, the compound operator written out.
pub(super) fn assigned(
    infer: &mut Infer,
    (id, var): (VarId, &Var),
    target: &Name,
    op: Option<BinOp>,
    given: Assigned,
) -> Expr {
    let scaling = matches!(op, Some(BinOp::Mul | BinOp::Div));
    let needed = match (scaling, var.boolean) {
        (true, _) => Ty::number(Dim::ONE),
        (false, true) => Ty::of(Kind::Bool),
        (false, false) => Ty { unit: var.unit.clone(), ..Ty::number(var.dim) },
    };
    let Assigned { value, ty, span } = given;
    if !ty.is_error() && (ty.kind != needed.kind || !ty.same_dim(&needed)) {
        infer.diagnostics.push(
            Diagnostic::at(
                Code::E0308,
                span,
                format!("`{}` would change its unit", target.text),
                format!("expected {}, found {}", needed.describe(), ty.describe()),
            )
            .label(var.span, "declared here")
            .maybe_help(
                needed.unit.filter(|_| ty.dim == Some(Dim::ONE)).map(|u| format!("write the unit: `… {}`", u.name)),
            ),
        );
    }
    let own = Expr::Var(id);
    let value = match op {
        None => value,
        Some(BinOp::Add) => Expr::bin(Op::Add, own, value),
        Some(BinOp::Sub) => Expr::bin(Op::Sub, own, value),
        Some(BinOp::Mul) => Expr::bin(Op::Mul, own, value),
        Some(_) => Expr::bin(Op::Div, own, value),
    };
    match var.boolean {
        true => Expr::If(Box::new(value), Box::new(Expr::Num(1.0)), Box::new(Expr::Num(0.0))),
        false => value,
    }
}
