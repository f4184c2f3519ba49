//! "Is this linear in x, and with which coefficients?"

use super::{add, div, mul, neg, sub};
use crate::hir::{Expr, Func, Op, VarId};

/// `coefficient * x + rest`
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// What multiplies the variable.
    pub coefficient: Expr,
    /// What is added.
    pub rest: Expr,
}

/// Splits `e` into `coefficient * x + rest` with both parts free of `x`; `None` if `e` is not linear in `x`.
pub fn linear_in(e: &Expr, x: VarId) -> Option<Linear> {
    let constant = |e: &Expr| Linear { coefficient: Expr::Num(0.0), rest: e.clone() };
    if !e.mentions(x) {
        return Some(constant(e));
    }
    match e {
        Expr::Var(v) if *v == x => Some(Linear { coefficient: Expr::Num(1.0), rest: Expr::Num(0.0) }),
        Expr::Neg(a) => {
            let a = linear_in(a, x)?;
            Some(Linear { coefficient: neg(a.coefficient), rest: neg(a.rest) })
        }
        Expr::Bin(Op::Add, a, b) => {
            let (a, b) = (linear_in(a, x)?, linear_in(b, x)?);
            Some(Linear { coefficient: add(a.coefficient, b.coefficient), rest: add(a.rest, b.rest) })
        }
        Expr::Bin(Op::Sub, a, b) => {
            let (a, b) = (linear_in(a, x)?, linear_in(b, x)?);
            Some(Linear { coefficient: sub(a.coefficient, b.coefficient), rest: sub(a.rest, b.rest) })
        }
        Expr::Bin(Op::Mul, a, b) => {
            let (a, b) = if a.mentions(x) { (a, b) } else { (b, a) };
            if b.mentions(x) {
                return None;
            }
            let a = linear_in(a, x)?;
            Some(Linear { coefficient: mul(a.coefficient, (**b).clone()), rest: mul(a.rest, (**b).clone()) })
        }
        Expr::Bin(Op::Div, a, b) if !b.mentions(x) => {
            let a = linear_in(a, x)?;
            Some(Linear { coefficient: div(a.coefficient, (**b).clone()), rest: div(a.rest, (**b).clone()) })
        }
        Expr::Call(Func::Pow, args) if args[1] == Expr::Num(1.0) => linear_in(&args[0], x),
        Expr::If(c, a, b) if !c.mentions(x) => {
            let (a, b) = (linear_in(a, x)?, linear_in(b, x)?);
            let choose = |p: Expr, q: Expr| if p == q { p } else { Expr::If(c.clone(), Box::new(p), Box::new(q)) };
            Some(Linear { coefficient: choose(a.coefficient, b.coefficient), rest: choose(a.rest, b.rest) })
        }
        _ => None,
    }
}
