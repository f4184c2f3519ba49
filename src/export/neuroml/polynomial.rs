//! Rates as sums of products of a few variables, with numbers in place of all that stays.

use crate::hir::{Expr, Func, Op, VarId};
use std::collections::BTreeMap;

/// What products are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Factor {
    /// A variable of the cell.
    Variable(VarId),
    /// The one exponential that there is.
    Exponential,
}

/// A sum of products, each with what it is multiplied by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Polynomial {
    terms: BTreeMap<Vec<Factor>, f64>,
    /// Of which sum the exponential is one.
    exponent: Option<Box<Polynomial>>,
}

/// Above this many products nothing is compared any more.
const MOST: usize = 64;

/// So many parts an expression may have when it is written out.
pub const LARGEST: usize = 4096;

impl Polynomial {
    /// An expression as one, by what variables stand for: a value, a definition, or themselves. None if it is no such sum, or has
    /// more parts than are left.
    pub fn of<'e>(e: &Expr, known: &dyn Fn(VarId) -> Known<'e>, left: &mut usize) -> Option<Polynomial> {
        *left = left.checked_sub(1)?;
        let out = match e {
            Expr::Num(x) => Polynomial::number(*x),
            Expr::Var(v) => match known(*v) {
                Known::Value(x) => Polynomial::number(x),
                Known::Definition(e) => Polynomial::of(e, known, left)?,
                Known::Itself => Polynomial::factor(Factor::Variable(*v)),
                Known::Nothing => return None,
            },
            Expr::Neg(a) => Polynomial::of(a, known, left)?.times(-1.0),
            Expr::Bin(Op::Add, a, b) => Polynomial::of(a, known, left)?.plus(Polynomial::of(b, known, left)?)?,
            Expr::Bin(Op::Sub, a, b) => {
                Polynomial::of(a, known, left)?.plus(Polynomial::of(b, known, left)?.times(-1.0))?
            }
            Expr::Bin(Op::Mul, a, b) => Polynomial::of(a, known, left)?.product(&Polynomial::of(b, known, left)?)?,
            Expr::Bin(Op::Div, a, b) => {
                let below = Polynomial::of(b, known, left)?.value()?;
                Polynomial::of(a, known, left)?.times(1.0 / below)
            }
            Expr::Call(Func::Pow, args) => {
                let (base, n) =
                    (Polynomial::of(&args[0], known, left)?, Polynomial::of(&args[1], known, left)?.value()?);
                match (base.value(), n) {
                    (Some(base), n) => Polynomial::number(base.powf(n)),
                    (None, 1.0) => base,
                    (None, 2.0) => base.product(&base)?,
                    _ => return None,
                }
            }
            Expr::Call(Func::Exp, args) => {
                let inner = Polynomial::of(&args[0], known, left)?;
                match inner.value() {
                    Some(x) => Polynomial::number(x.exp()),
                    None if inner.exponent.is_none() => {
                        Polynomial { exponent: Some(Box::new(inner)), ..Polynomial::factor(Factor::Exponential) }
                    }
                    None => return None,
                }
            }
            _ => return None,
        };
        let finite = out.terms.values().all(|x| x.is_finite()) && out.terms.len() <= MOST;
        finite.then_some(out)
    }

    /// The value, if nothing in it changes.
    pub fn value(&self) -> Option<f64> {
        match self.terms.len() {
            0 => Some(0.0),
            1 => self.terms.get(&Vec::new()).copied(),
            _ => None,
        }
    }

    /// What multiplies a product.
    pub fn coefficient(&self, factors: &[Factor]) -> f64 {
        let mut factors = factors.to_vec();
        factors.sort();
        self.terms.get(&factors).copied().unwrap_or(0.0)
    }

    /// Whether it consists of these products, some of which may be missing.
    pub fn is_of(&self, all: &[&[Factor]]) -> bool {
        let known = |factors: &Vec<Factor>| {
            all.iter().any(|f| {
                let mut sorted = f.to_vec();
                sorted.sort();
                sorted == *factors
            })
        };
        self.terms.keys().all(known)
    }

    /// The sum of which the exponential is one.
    pub fn exponent(&self) -> Option<&Polynomial> {
        self.exponent.as_deref()
    }

    fn number(x: f64) -> Polynomial {
        let mut terms = BTreeMap::new();
        if x != 0.0 {
            terms.insert(Vec::new(), x);
        }
        Polynomial { terms, exponent: None }
    }

    fn factor(factor: Factor) -> Polynomial {
        Polynomial { terms: BTreeMap::from([(vec![factor], 1.0)]), exponent: None }
    }

    fn times(mut self, by: f64) -> Polynomial {
        self.terms.values_mut().for_each(|x| *x *= by);
        self
    }

    /// The exponential of two sums, if it is the same.
    fn common(&self, other: &Polynomial) -> Option<Option<Box<Polynomial>>> {
        match (&self.exponent, &other.exponent) {
            (Some(a), Some(b)) if a != b => None,
            (a, b) => Some(a.clone().or_else(|| b.clone())),
        }
    }

    fn plus(mut self, other: Polynomial) -> Option<Polynomial> {
        self.exponent = self.common(&other)?;
        for (factors, x) in other.terms {
            let own = self.terms.entry(factors).or_insert(0.0);
            let larger = own.abs().max(x.abs());
            *own += x;
            // What rounding leaves of a difference of equals is nothing.
            if own.abs() < 1e-13 * larger {
                *own = 0.0;
            }
        }
        self.terms.retain(|_, x| *x != 0.0);
        Some(self)
    }

    fn product(&self, other: &Polynomial) -> Option<Polynomial> {
        let mut out = Polynomial { terms: BTreeMap::new(), exponent: self.common(other)? };
        for (a, x) in &self.terms {
            for (b, y) in &other.terms {
                let mut factors = [a.clone(), b.clone()].concat();
                factors.sort();
                let one = Polynomial { terms: BTreeMap::from([(factors, x * y)]), exponent: out.exponent.clone() };
                out = out.plus(one)?;
                if out.terms.len() > MOST {
                    return None;
                }
            }
        }
        Some(out)
    }
}

/// What a variable stands for.
pub enum Known<'a> {
    /// A number.
    Value(f64),
    /// An expression.
    Definition(&'a Expr),
    /// Itself.
    Itself,
    /// Something that no such sum has.
    Nothing,
}

/// Whether two values are the same but for rounding.
pub fn close(x: f64, y: f64) -> bool {
    (x - y).abs() <= 1e-9 * x.abs().max(y.abs())
}
