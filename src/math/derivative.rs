//! Derivatives. Where a piecewise function has a kink, the derivative is that of the piece that varies: 1 for `max(x, 0)` at 0,
//! so that a unit at rest can be moved (Scellier & Bengio 2017 need this of their hard sigmoid).

use super::{add, div, mul, neg, simplify, sub};
use crate::hir::{Expr, Func, Op, VarId};

/// Returns the derivative of `e` with respect to `x`, simplified.
pub fn derivative(e: &Expr, x: VarId) -> Expr {
    simplify(d(e, x))
}

fn num(v: f64) -> Expr {
    Expr::Num(v)
}

fn call(f: Func, a: &Expr) -> Expr {
    Expr::Call(f, vec![a.clone()])
}

fn choose(condition: Expr, a: Expr, b: Expr) -> Expr {
    if a == b { a } else { Expr::If(Box::new(condition), Box::new(a), Box::new(b)) }
}

fn d(e: &Expr, x: VarId) -> Expr {
    if !e.mentions(x) {
        return num(0.0);
    }
    match e {
        Expr::Var(_) => num(1.0),
        Expr::Neg(a) => neg(d(a, x)),
        Expr::Bin(op, a, b) => match op {
            Op::Add => add(d(a, x), d(b, x)),
            Op::Sub => sub(d(a, x), d(b, x)),
            Op::Mul => add(mul(d(a, x), (**b).clone()), mul((**a).clone(), d(b, x))),
            Op::Div => {
                let whole = div(mul(e.clone(), d(b, x)), (**b).clone());
                sub(div(d(a, x), (**b).clone()), whole)
            }
            // A condition is flat.
            _ => num(0.0),
        },
        Expr::If(c, a, b) => choose((**c).clone(), d(a, x), d(b, x)),
        Expr::Call(f, args) => of_call(e, *f, args, x),
        _ => num(0.0),
    }
}

fn of_call(e: &Expr, f: Func, args: &[Expr], x: VarId) -> Expr {
    let a = &args[0];
    let inner = || d(a, x);
    let square = |e: Expr| mul(e.clone(), e);
    match f {
        Func::Exp => mul(e.clone(), inner()),
        Func::Expm1 => mul(call(Func::Exp, a), inner()),
        Func::Log => div(inner(), a.clone()),
        Func::Log10 => div(inner(), mul(a.clone(), num(std::f64::consts::LN_10))),
        Func::Sqrt => div(inner(), mul(num(2.0), e.clone())),
        Func::Sin => mul(call(Func::Cos, a), inner()),
        Func::Cos => neg(mul(call(Func::Sin, a), inner())),
        Func::Tan => mul(add(num(1.0), square(e.clone())), inner()),
        Func::Tanh => mul(sub(num(1.0), square(e.clone())), inner()),
        Func::Sigmoid => mul(mul(e.clone(), sub(num(1.0), e.clone())), inner()),
        // (exp(a) - exprel(a)) / a, and 1/2 where a vanishes.
        Func::Exprel => {
            let away = div(sub(call(Func::Exp, a), e.clone()), a.clone());
            let near = Expr::bin(Op::Lt, call(Func::Abs, a), num(1e-4));
            mul(choose(near, add(num(0.5), div(a.clone(), num(3.0))), away), inner())
        }
        Func::Abs => mul(call(Func::Sign, a), inner()),
        Func::Floor | Func::Ceil | Func::Round | Func::Sign | Func::Heaviside | Func::Poisson => num(0.0),
        Func::Min | Func::Max => {
            let b = &args[1];
            let order = if f == Func::Min { Op::Le } else { Op::Ge };
            match (a.mentions(x), b.mentions(x)) {
                (true, false) => choose(Expr::bin(order, a.clone(), b.clone()), inner(), num(0.0)),
                (false, true) => choose(Expr::bin(order, b.clone(), a.clone()), d(b, x), num(0.0)),
                _ => choose(Expr::bin(order, a.clone(), b.clone()), inner(), d(b, x)),
            }
        }
        Func::Mod => {
            let b = &args[1];
            let turns = call(Func::Floor, &div(a.clone(), b.clone()));
            sub(inner(), mul(turns, d(b, x)))
        }
        Func::Pow => {
            let b = &args[1];
            let less = sub(b.clone(), num(1.0));
            let base = match &less {
                Expr::Num(1.0) => a.clone(),
                _ => Expr::Call(Func::Pow, vec![a.clone(), less]),
            };
            let base = mul(mul(b.clone(), base), inner());
            if !b.mentions(x) {
                return base;
            }
            add(base, mul(mul(e.clone(), call(Func::Log, a)), d(b, x)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::eval;
    use cranelift_entity::EntityRef;

    fn x() -> Expr {
        Expr::Var(VarId::new(0))
    }

    fn at(e: &Expr, v: f64) -> f64 {
        eval(e, &|_| Some(v), None).unwrap()
    }

    #[test]
    fn derivatives_are_the_limits_of_differences() {
        let two = |f: Func, a: Expr, b: Expr| Expr::Call(f, vec![a, b]);
        let functions = [
            Func::Exp,
            Func::Expm1,
            Func::Exprel,
            Func::Log,
            Func::Log10,
            Func::Sqrt,
            Func::Sin,
            Func::Cos,
            Func::Tan,
            Func::Tanh,
            Func::Sigmoid,
            Func::Abs,
        ];
        let mut all: Vec<Expr> = functions.iter().map(|f| call(*f, &mul(num(1.3), x()))).collect();
        all.push(two(Func::Pow, x(), num(2.0)));
        all.push(two(Func::Pow, x(), num(-0.5)));
        all.push(two(Func::Pow, num(1.7), x()));
        all.push(two(Func::Pow, x(), x()));
        all.push(two(Func::Min, two(Func::Max, x(), num(0.0)), num(1.0)));
        all.push(two(Func::Mod, x(), num(0.4)));
        all.push(div(sub(x(), num(3.0)), add(num(1.0), mul(x(), x()))));
        all.push(Expr::If(Box::new(Expr::bin(Op::Lt, x(), num(0.5))), Box::new(mul(x(), x())), Box::new(neg(x()))));
        for e in &all {
            for v in [0.3, 0.62, 1.9] {
                let h = 1e-6;
                let expected = (at(e, v + h) - at(e, v - h)) / (2.0 * h);
                let found = at(&derivative(e, VarId::new(0)), v);
                assert!((found - expected).abs() < 1e-6 * (1.0 + expected.abs()), "{e:?} at {v}: {found}, {expected}");
            }
        }
    }

    #[test]
    fn at_its_kinks_a_hard_sigmoid_has_slope_one() {
        let clip = Expr::Call(Func::Min, vec![Expr::Call(Func::Max, vec![x(), num(0.0)]), num(1.0)]);
        let slope = derivative(&clip, VarId::new(0));
        let found = [-0.1, 0.0, 0.5, 1.0, 1.1].map(|v| at(&slope, v));
        assert_eq!(found, [0.0, 1.0, 1.0, 1.0, 0.0]);
    }
}
