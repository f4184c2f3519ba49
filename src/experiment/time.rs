//! Expressions of time that drives and ports follow.

use super::eval::Scope;
use crate::hir::{Expr, VarId};
use crate::math::eval;
use crate::runtime::TimeFunction;
use crate::syntax::ast::{self, ExprKind};
use std::sync::Arc;

/// Returns whether an expression uses a name.
pub fn mentions(e: &ast::Expr, name: &str) -> bool {
    match &e.kind {
        ExprKind::Name(n) => n == name,
        ExprKind::Neg(a) | ExprKind::Not(a) | ExprKind::Member(a, _) => mentions(a, name),
        ExprKind::Binary(_, a, b) => mentions(a, name) || mentions(b, name),
        ExprKind::Call(_, args) => args.iter().any(|a| mentions(&a.value, name)),
        ExprKind::Index(a, index) => mentions(a, name) || index.iter().any(|e| mentions(e, name)),
        ExprKind::List(items) => items.iter().any(|e| mentions(e, name)),
        ExprKind::If(a, b, c) => mentions(a, name) || mentions(b, name) || mentions(c, name),
        _ => false,
    }
}

/// Turns an expression of `t` into one of variable 0: names are read now, time when it runs.
pub fn time_function(scope: &Scope, e: &ast::Expr) -> Expr {
    use crate::hir::{Func, Op};
    fn build(scope: &Scope, e: &ast::Expr) -> Option<Expr> {
        if !mentions(e, "t") {
            return scope.number(e).ok().map(Expr::Num);
        }
        Some(match &e.kind {
            ExprKind::Name(_) => Expr::Var(VarId::from_u32(0)),
            ExprKind::Neg(a) => Expr::Neg(Box::new(build(scope, a)?)),
            ExprKind::Not(a) => Expr::Not(Box::new(build(scope, a)?)),
            ExprKind::Binary(op, a, b) => {
                use ast::BinOp::*;
                if *op == In {
                    let ExprKind::Binary(Range, lo, hi) = &b.kind else { return None };
                    let (x, lo, hi) = (build(scope, a)?, build(scope, lo)?, build(scope, hi)?);
                    return Some(Expr::bin(Op::And, Expr::bin(Op::Ge, x.clone(), lo), Expr::bin(Op::Le, x, hi)));
                }
                let (x, y) = (build(scope, a)?, build(scope, b)?);
                let op = match op {
                    Add => Op::Add,
                    Sub => Op::Sub,
                    Mul => Op::Mul,
                    Div => Op::Div,
                    Lt => Op::Lt,
                    Le => Op::Le,
                    Gt => Op::Gt,
                    Ge => Op::Ge,
                    Eq => Op::Eq,
                    Ne => Op::Ne,
                    And => Op::And,
                    Or => Op::Or,
                    Pow => return Some(Expr::Call(Func::Pow, vec![x, y])),
                    _ => return None,
                };
                Expr::bin(op, x, y)
            }
            ExprKind::Call(f, args) => {
                let ExprKind::Name(name) = &f.kind else { return None };
                let (func, _) = Func::parse(name)?;
                Expr::Call(func, args.iter().map(|a| build(scope, &a.value)).collect::<Option<_>>()?)
            }
            ExprKind::If(c, a, b) => {
                Expr::If(Box::new(build(scope, c)?), Box::new(build(scope, a)?), Box::new(build(scope, b)?))
            }
            _ => return None,
        })
    }
    build(scope, e).unwrap_or(Expr::Num(f64::NAN))
}

/// Returns the function that such an expression stands for.
pub fn at_time(e: &Expr) -> TimeFunction {
    let e = e.clone();
    Arc::new(move |t| eval(&e, &|_| Some(t), None).unwrap_or(f64::NAN))
}
