//! Pure symbolic functions on [`hir::Expr`](crate::hir::Expr): evaluation, simplification, derivatives, linearity.

mod derivative;
mod lets;
mod linear;
mod simplify;

pub use derivative::derivative;
pub use lets::{any_through, eval_through, linear_through, unfold, walk_through};
pub use linear::{Linear, linear_in};
pub use simplify::{add, div, mul, neg, simplify, sub};

use crate::hir::{Expr, Func, Op, VarId, apply};

/// Evaluates with values for variables; `None` if something is unknown or varies during a run.
pub fn eval(e: &Expr, var: &dyn Fn(VarId) -> Option<f64>, dt: Option<f64>) -> Option<f64> {
    eval_at(e, var, dt, None)
}

/// What an operator makes of two numbers; truth is 1, its opposite 0.
pub fn binary(op: Op, a: f64, b: f64) -> f64 {
    let truth = |t: bool| f64::from(u8::from(t));
    match op {
        Op::Add => a + b,
        Op::Sub => a - b,
        Op::Mul => a * b,
        Op::Div => a / b,
        Op::Lt => truth(a < b),
        Op::Le => truth(a <= b),
        Op::Gt => truth(a > b),
        Op::Ge => truth(a >= b),
        Op::Eq => truth(a == b),
        Op::Ne => truth(a != b),
        Op::And => truth(a != 0.0 && b != 0.0),
        Op::Or => truth(a != 0.0 || b != 0.0),
    }
}

/// What a function makes of numbers; small whole powers are products.
pub fn call(f: Func, args: &[f64]) -> f64 {
    match (f, args) {
        (Func::Pow, [a, b]) if b.fract() == 0.0 && b.abs() < 64.0 => a.powi(*b as i32),
        _ => apply(f, args),
    }
}

/// Evaluates with values for variables at a time.
pub fn eval_at(e: &Expr, var: &dyn Fn(VarId) -> Option<f64>, dt: Option<f64>, time: Option<f64>) -> Option<f64> {
    let eval = |e: &Expr, var: &dyn Fn(VarId) -> Option<f64>, dt: Option<f64>| eval_at(e, var, dt, time);
    Some(match e {
        Expr::Time => time?,
        Expr::Num(v) => *v,
        Expr::Bool(b) => f64::from(u8::from(*b)),
        Expr::Var(v) => var(*v)?,
        Expr::Dt => dt?,
        Expr::Neg(a) => -eval(a, var, dt)?,
        Expr::Not(a) => 1.0 - eval(a, var, dt)?,
        Expr::Bin(op, a, b) => {
            let (a, b) = (eval(a, var, dt)?, eval(b, var, dt)?);
            binary(*op, a, b)
        }
        Expr::Call(f, args) => {
            let values: Option<Vec<f64>> = args.iter().map(|a| eval(a, var, dt)).collect();
            call(*f, &values?)
        }
        Expr::If(c, a, b) => {
            if eval(c, var, dt)? != 0.0 {
                eval(a, var, dt)?
            } else {
                eval(b, var, dt)?
            }
        }
        Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..) | Expr::Noise(_) => return None,
    })
}
