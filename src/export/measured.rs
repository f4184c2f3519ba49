//! Expressions in which every number has its dimension again.
//!
//! The compiler keeps numbers in its own units and forgets which they were once they are checked. Other languages want to be told.
//! Names have dimensions, and what is added or compared has the same; where several numbers could have one between them, as in
//! `0.04 * v^2 / mV`, it goes to a factor of one, which was a unit most likely. Numbers mean the same whichever way this is decided.

use crate::hir::{Draw, EventId, Expr, Func, Op, VarId};
use crate::units::{Dim, Ratio};

/// An expression with its dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// What it is.
    pub kind: Kind,
    /// Its dimension; that of a pure number if it is a truth value.
    pub dim: Dim,
}

/// What a measured expression is: as [`Expr`].
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Kind {
    Number(f64),
    Truth(bool),
    Variable(VarId),
    Time,
    Step,
    Minus(Box<Measured>),
    Not(Box<Measured>),
    Binary(Op, Box<Measured>, Box<Measured>),
    Call(Func, Vec<Measured>),
    Choice(Box<Measured>, Box<Measured>, Box<Measured>),
    Since(EventId),
    Fired(EventId),
    Drawn(Draw, Vec<Measured>),
    Noise(u32),
}

/// Measures an expression of a dimension, by the dimensions of its variables.
pub fn measured(e: &Expr, dim: Dim, of: &dyn Fn(VarId) -> Dim) -> Measured {
    folded(Measure { of }.as_(e, dim))
}

impl Measured {
    fn is(&self, value: f64) -> bool {
        self.kind == Kind::Number(value)
    }

    /// Whether it is a pure one, which changes no product.
    fn is_unity(&self) -> bool {
        self.is(1.0) && self.dim == Dim::ONE
    }

    /// Whether it is nothing at all.
    pub fn is_zero(&self) -> bool {
        self.is(0.0)
    }
}

/// Computes what consists of numbers only (`0.02 / 1 ms` is a rate), and leaves out what adds nothing.
fn folded(e: Measured) -> Measured {
    let dim = e.dim;
    let boxed = |e: Box<Measured>| Box::new(folded(*e));
    let kind = match e.kind {
        Kind::Minus(a) => match folded(*a) {
            Measured { kind: Kind::Number(v), .. } => Kind::Number(if v == 0.0 { 0.0 } else { -v }),
            a => Kind::Minus(Box::new(a)),
        },
        Kind::Not(a) => Kind::Not(boxed(a)),
        Kind::Binary(op, a, b) => return operation(op, folded(*a), folded(*b), dim),
        Kind::Call(f, args) => {
            let args: Vec<Measured> = args.into_iter().map(folded).collect();
            match (f, args.first().map(|a| &a.kind), args.get(1).map(|a| &a.kind)) {
                (Func::Pow, Some(Kind::Number(a)), Some(Kind::Number(b))) => Kind::Number(a.powf(*b)),
                _ => Kind::Call(f, args),
            }
        }
        Kind::Choice(c, a, b) => Kind::Choice(boxed(c), boxed(a), boxed(b)),
        Kind::Drawn(d, args) => Kind::Drawn(d, args.into_iter().map(folded).collect()),
        other => other,
    };
    Measured { kind, dim }
}

fn operation(op: Op, a: Measured, b: Measured, dim: Dim) -> Measured {
    let kind = match (op, &a.kind, &b.kind) {
        (Op::Mul, Kind::Number(a), Kind::Number(b)) => Kind::Number(a * b),
        (Op::Div, Kind::Number(a), Kind::Number(b)) => Kind::Number(a / b),
        (Op::Add | Op::Sub, ..) if b.is_zero() => return a,
        (Op::Add, ..) if a.is_zero() => return b,
        (Op::Sub, ..) if a.is_zero() => Kind::Minus(Box::new(b)),
        (Op::Mul, ..) if a.is_zero() || b.is_zero() => Kind::Number(0.0),
        (Op::Div, ..) if a.is_zero() => Kind::Number(0.0),
        (Op::Mul | Op::Div, ..) if b.is_unity() => return a,
        (Op::Mul, ..) if a.is_unity() => return b,
        _ => Kind::Binary(op, Box::new(a), Box::new(b)),
    };
    Measured { kind, dim }
}

struct Measure<'a> {
    of: &'a dyn Fn(VarId) -> Dim,
}

fn half() -> Ratio {
    Ratio::new(1, 2)
}

/// A constant exponent.
fn exponent(e: &Expr) -> Option<Ratio> {
    crate::math::eval(e, &|_| None, None).and_then(Ratio::from_f64)
}

/// Whether a factor of one, which was a unit, is part of a product.
fn has_unit(e: &Expr) -> bool {
    match e {
        Expr::Num(v) => *v == 1.0,
        Expr::Neg(a) => has_unit(a),
        Expr::Bin(Op::Mul | Op::Div, a, b) => has_unit(a) || has_unit(b),
        Expr::Call(Func::Pow, args) => has_unit(&args[0]),
        _ => false,
    }
}

impl Measure<'_> {
    /// The dimension of an expression whatever its numbers are.
    fn known(&self, e: &Expr) -> Option<Dim> {
        Some(match e {
            Expr::Num(_) => return None,
            Expr::Var(v) => (self.of)(*v),
            Expr::Time | Expr::Dt | Expr::Since(_) => Dim::TIME,
            Expr::Neg(a) => return self.known(a),
            Expr::Bin(Op::Mul, a, b) => self.known(a)? * self.known(b)?,
            Expr::Bin(Op::Div, a, b) => self.known(a)? / self.known(b)?,
            Expr::Bin(Op::Add | Op::Sub, a, b) | Expr::If(_, a, b) => return self.known(a).or_else(|| self.known(b)),
            Expr::Call(Func::Min | Func::Max | Func::Mod, args) => return args.iter().find_map(|a| self.known(a)),
            Expr::Call(Func::Abs, args) => return self.known(&args[0]),
            Expr::Call(Func::Sqrt, args) => self.known(&args[0])?.pow(half()),
            Expr::Call(Func::Pow, args) => match (exponent(&args[1]), self.known(&args[0])) {
                (Some(n), Some(base)) => base.pow(n),
                (Some(_), None) => return None,
                (None, _) => Dim::ONE,
            },
            Expr::Draw(_, _, args) => return args.iter().find_map(|a| self.known(a)),
            Expr::Noise(_) => Dim::TIME.pow(Ratio::new(-1, 2)),
            Expr::Call(..) | Expr::Bool(_) | Expr::Not(_) | Expr::Bin(..) | Expr::Fired(_) => Dim::ONE,
        })
    }

    /// The dimension it has if numbers are pure where nothing says otherwise.
    fn likely(&self, e: &Expr) -> Dim {
        match e {
            Expr::Bin(Op::Mul, a, b) => self.likely(a) * self.likely(b),
            Expr::Bin(Op::Div, a, b) => self.likely(a) / self.likely(b),
            Expr::Neg(a) => self.likely(a),
            Expr::Call(Func::Pow, args) => exponent(&args[1]).map_or(Dim::ONE, |n| self.likely(&args[0]).pow(n)),
            Expr::Call(Func::Sqrt, args) => self.likely(&args[0]).pow(half()),
            e => self.known(e).unwrap_or(Dim::ONE),
        }
    }

    fn as_(&self, e: &Expr, dim: Dim) -> Measured {
        let boxed = |e: &Expr, dim: Dim| Box::new(self.as_(e, dim));
        let kind = match e {
            Expr::Num(v) => Kind::Number(*v),
            Expr::Bool(b) => Kind::Truth(*b),
            Expr::Var(v) => Kind::Variable(*v),
            Expr::Time => Kind::Time,
            Expr::Dt => Kind::Step,
            Expr::Since(e) => Kind::Since(*e),
            Expr::Fired(e) => Kind::Fired(*e),
            Expr::Noise(n) => Kind::Noise(*n),
            Expr::Neg(a) => Kind::Minus(boxed(a, dim)),
            Expr::Not(a) => Kind::Not(boxed(a, Dim::ONE)),
            Expr::If(c, a, b) => Kind::Choice(boxed(c, Dim::ONE), boxed(a, dim), boxed(b, dim)),
            Expr::Draw(_, d, args) => Kind::Drawn(*d, args.iter().map(|a| self.as_(a, dim)).collect()),
            Expr::Call(f, args) => Kind::Call(*f, self.arguments(*f, args, dim)),
            Expr::Bin(op, a, b) => {
                let (of_a, of_b) = self.sides(*op, (a, b), dim);
                Kind::Binary(*op, boxed(a, of_a), boxed(b, of_b))
            }
        };
        Measured { kind, dim: if matches!(e, Expr::Var(_)) { self.known(e).unwrap_or(dim) } else { dim } }
    }

    fn arguments(&self, f: Func, args: &[Expr], dim: Dim) -> Vec<Measured> {
        let all = |d: Dim| args.iter().map(|a| self.as_(a, d)).collect();
        match f {
            Func::Min | Func::Max | Func::Mod | Func::Abs => all(dim),
            Func::Sign | Func::Heaviside => all(self.known(&args[0]).unwrap_or(Dim::ONE)),
            Func::Sqrt => all(self.known(&args[0]).unwrap_or_else(|| dim.pow(Ratio::new(2, 1)))),
            Func::Pow => {
                let inverse = exponent(&args[1]).filter(|n| n.num != 0);
                let base = self
                    .known(&args[0])
                    .or_else(|| Some(dim.pow(inverse.map(|n| Ratio::new(i32::from(n.den), i32::from(n.num)))?)));
                vec![self.as_(&args[0], base.unwrap_or(Dim::ONE)), self.as_(&args[1], Dim::ONE)]
            }
            _ => all(Dim::ONE),
        }
    }

    /// The dimensions of both sides of an operation.
    fn sides(&self, op: Op, (a, b): (&Expr, &Expr), dim: Dim) -> (Dim, Dim) {
        let (known_a, known_b) = (self.known(a), self.known(b));
        match op {
            Op::Add | Op::Sub => (dim, dim),
            Op::And | Op::Or => (Dim::ONE, Dim::ONE),
            Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Eq | Op::Ne => {
                let both = known_a.or(known_b).unwrap_or_else(|| self.likely(a));
                (both, both)
            }
            Op::Mul => match (known_a, known_b) {
                (Some(a), _) => (a, dim / a),
                (None, Some(b)) => (dim / b, b),
                (None, None) if has_unit(a) || !has_unit(b) => (dim / self.likely(b), self.likely(b)),
                (None, None) => (self.likely(a), dim / self.likely(a)),
            },
            Op::Div => match (known_a, known_b) {
                (Some(a), _) => (a, a / dim),
                (None, Some(b)) => (dim * b, b),
                (None, None) if has_unit(b) || !has_unit(a) => (self.likely(a), self.likely(a) / dim),
                (None, None) => (dim * self.likely(b), self.likely(b)),
            },
        }
    }
}
