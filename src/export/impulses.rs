//! Rates with impulses in them: what goes on between events, and what each adds.
//!
//! Both are taken apart as they are written: factors of one stay, since they were units. Impulses are terms of rates, never part of a `let`.

use crate::hir::{Expr, Op, VarId};

/// The expression without what a variable adds, in which it is linear.
pub fn without(e: &Expr, x: VarId) -> Expr {
    e.clone().map(&mut |e| if e == Expr::Var(x) { Expr::Num(0.0) } else { e })
}

/// What multiplies a variable in an expression that is linear in it; none if it does not occur, or not so.
pub fn coefficient(e: &Expr, x: VarId) -> Option<Expr> {
    match e {
        Expr::Var(v) if *v == x => Some(Expr::Num(1.0)),
        Expr::Neg(a) => Some(Expr::Neg(Box::new(coefficient(a, x)?))),
        Expr::Bin(op @ (Op::Add | Op::Sub), a, b) => match (coefficient(a, x), coefficient(b, x)) {
            (Some(a), Some(b)) => Some(Expr::bin(*op, a, b)),
            (None, Some(b)) if *op == Op::Sub => Some(Expr::Neg(Box::new(b))),
            (a, b) => a.or(b),
        },
        Expr::Bin(Op::Mul, a, b) => match (coefficient(a, x), coefficient(b, x)) {
            (Some(a), None) => Some(Expr::bin(Op::Mul, a, (**b).clone())),
            (None, Some(b)) => Some(Expr::bin(Op::Mul, (**a).clone(), b)),
            _ => None,
        },
        Expr::Bin(Op::Div, a, b) => Some(Expr::bin(Op::Div, coefficient(a, x)?, (**b).clone())),
        Expr::If(c, a, b) => {
            let [a, b] = [a, b].map(|e| Box::new(coefficient(e, x).unwrap_or(Expr::Num(0.0))));
            e.mentions(x).then(|| Expr::If(c.clone(), a, b))
        }
        _ => None,
    }
}
