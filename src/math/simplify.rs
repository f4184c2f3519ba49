//! Smart constructors and a bottom-up simplifier; exact identities only, so values never change but by rounding.

use crate::hir::{Expr, Op};

/// `a + b`
pub fn add(a: Expr, b: Expr) -> Expr {
    match (&a, &b) {
        (Expr::Num(x), Expr::Num(y)) => Expr::Num(x + y),
        (Expr::Num(0.0), _) => b,
        (_, Expr::Num(0.0)) => a,
        (_, Expr::Neg(y)) => sub(a, (**y).clone()),
        _ => Expr::bin(Op::Add, a, b),
    }
}

/// `a - b`
pub fn sub(a: Expr, b: Expr) -> Expr {
    match (&a, &b) {
        (Expr::Num(x), Expr::Num(y)) => Expr::Num(x - y),
        (Expr::Num(0.0), _) => neg(b),
        (_, Expr::Num(0.0)) => a,
        (_, Expr::Neg(y)) => add(a, (**y).clone()),
        _ => Expr::bin(Op::Sub, a, b),
    }
}

/// `a * b`
pub fn mul(a: Expr, b: Expr) -> Expr {
    match (&a, &b) {
        (Expr::Num(x), Expr::Num(y)) => Expr::Num(x * y),
        (Expr::Num(0.0), _) | (_, Expr::Num(0.0)) => Expr::Num(0.0),
        (Expr::Num(1.0), _) => b,
        (_, Expr::Num(1.0)) => a,
        (Expr::Num(-1.0), _) => neg(b),
        (_, Expr::Num(-1.0)) => neg(a),
        (Expr::Neg(x), _) => neg(mul((**x).clone(), b)),
        _ => Expr::bin(Op::Mul, a, b),
    }
}

/// `a / b`
pub fn div(a: Expr, b: Expr) -> Expr {
    match (&a, &b) {
        (Expr::Num(x), Expr::Num(y)) if *y != 0.0 => Expr::Num(x / y),
        (Expr::Num(0.0), _) => Expr::Num(0.0),
        (_, Expr::Num(1.0)) => a,
        (Expr::Neg(x), _) => neg(div((**x).clone(), b)),
        _ if a == b => Expr::Num(1.0),
        _ => Expr::bin(Op::Div, a, b),
    }
}

/// `-a`
pub fn neg(a: Expr) -> Expr {
    match a {
        Expr::Num(x) => Expr::Num(-x),
        Expr::Neg(x) => *x,
        other => Expr::Neg(Box::new(other)),
    }
}

/// Simplifies bottom-up.
pub fn simplify(e: Expr) -> Expr {
    e.map(&mut |e| match e {
        Expr::Bin(Op::Add, a, b) => add(*a, *b),
        Expr::Bin(Op::Sub, a, b) => sub(*a, *b),
        Expr::Bin(Op::Mul, a, b) => mul(*a, *b),
        Expr::Bin(Op::Div, a, b) => div(*a, *b),
        Expr::Bin(Op::And, a, b) => match (*a, *b) {
            (Expr::Bool(true), x) | (x, Expr::Bool(true)) => x,
            (Expr::Bool(false), _) | (_, Expr::Bool(false)) => Expr::Bool(false),
            (a, b) => Expr::bin(Op::And, a, b),
        },
        Expr::Neg(a) => neg(*a),
        other => other,
    })
}
