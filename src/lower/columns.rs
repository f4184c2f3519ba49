//! Expressions of parameters and ports for all cells at once: the numbers are those of evaluating them cell by cell.

use crate::hir::{Expr, Op, VarId};
use crate::math::{binary, call};
use crate::plan::Column;
use std::collections::HashMap;
use std::sync::Arc;

/// The values of an expression.
#[derive(Clone)]
enum Values {
    /// The same for all cells.
    One(f64),
    /// One for each.
    Each(Arc<Vec<f64>>),
}

/// What expressions are made of.
pub struct Columns<'a> {
    /// What a variable that is a `let` stands for.
    pub definitions: &'a dyn Fn(VarId) -> Option<Expr>,
    /// Values of parameters and ports.
    pub params: &'a dyn Fn(VarId) -> Option<Column>,
    /// The time step.
    pub dt: Option<f64>,
    /// Cells.
    pub n: usize,
}

impl Columns<'_> {
    /// Computes an expression for every cell. There is nothing if it has no value, or if one of its branches has none: a single cell may
    /// not need it.
    pub fn of(&self, e: &Expr) -> Option<Vec<f64>> {
        Some(match self.values(e, &mut HashMap::new())? {
            Values::One(value) => vec![value; self.n],
            Values::Each(values) => Arc::try_unwrap(values).unwrap_or_else(|shared| shared.to_vec()),
        })
    }

    fn values(&self, e: &Expr, known: &mut HashMap<VarId, Option<Values>>) -> Option<Values> {
        Some(match e {
            Expr::Num(v) => Values::One(*v),
            Expr::Bool(b) => Values::One(f64::from(u8::from(*b))),
            Expr::Dt => Values::One(self.dt?),
            Expr::Var(v) => self.variable(*v, known)?,
            Expr::Neg(a) => self.each(&[self.values(a, known)?], |x| -x[0]),
            Expr::Not(a) => self.each(&[self.values(a, known)?], |x| 1.0 - x[0]),
            Expr::Bin(op, a, b) => self.zip(*op, &self.values(a, known)?, &self.values(b, known)?),
            Expr::Call(f, args) => {
                let values = args.iter().map(|a| self.values(a, known)).collect::<Option<Vec<Values>>>()?;
                self.each(&values, |x| call(*f, x))
            }
            Expr::If(c, a, b) => match self.values(c, known)? {
                Values::One(c) => self.values(if c != 0.0 { a } else { b }, known)?,
                c => {
                    let branches = [c, self.values(a, known)?, self.values(b, known)?];
                    self.each(&branches, |x| if x[0] != 0.0 { x[1] } else { x[2] })
                }
            },
            Expr::Time | Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..) | Expr::Noise(_) => return None,
        })
    }

    fn variable(&self, v: VarId, known: &mut HashMap<VarId, Option<Values>>) -> Option<Values> {
        if let Some(found) = known.get(&v) {
            return found.clone();
        }
        let found = match (self.params)(v) {
            Some(Column::Const(value)) => Some(Values::One(value)),
            Some(Column::Array(values)) if values.len() == self.n => Some(Values::Each(values)),
            Some(column) => Some(Values::Each(Arc::new((0..self.n).map(|i| column.at(i)).collect()))),
            None => (self.definitions)(v).and_then(|e| self.values(&e, known)),
        };
        known.insert(v, found.clone());
        found
    }

    fn zip(&self, op: Op, a: &Values, b: &Values) -> Values {
        // A loop for each of the operations that are most of what there is.
        match op {
            Op::Add => self.pairs(a, b, |a, b| a + b),
            Op::Sub => self.pairs(a, b, |a, b| a - b),
            Op::Mul => self.pairs(a, b, |a, b| a * b),
            Op::Div => self.pairs(a, b, |a, b| a / b),
            _ => self.pairs(a, b, |a, b| binary(op, a, b)),
        }
    }

    fn pairs(&self, a: &Values, b: &Values, f: impl Fn(f64, f64) -> f64) -> Values {
        let all: Vec<f64> = match (a, b) {
            (Values::One(a), Values::One(b)) => return Values::One(f(*a, *b)),
            (Values::One(a), Values::Each(b)) => b.iter().map(|b| f(*a, *b)).collect(),
            (Values::Each(a), Values::One(b)) => a.iter().map(|a| f(*a, *b)).collect(),
            (Values::Each(a), Values::Each(b)) => a.iter().zip(&**b).map(|(a, b)| f(*a, *b)).collect(),
        };
        Values::Each(Arc::new(all))
    }

    fn each(&self, args: &[Values], f: impl Fn(&[f64]) -> f64) -> Values {
        let at = |i: usize, given: &mut Vec<f64>| {
            given.clear();
            given.extend(args.iter().map(|a| match a {
                Values::One(value) => *value,
                Values::Each(values) => values[i],
            }));
        };
        let mut given = Vec::with_capacity(args.len());
        if args.iter().all(|a| matches!(a, Values::One(_))) {
            at(0, &mut given);
            return Values::One(f(&given));
        }
        let one = |i: usize| {
            at(i, &mut given);
            f(&given)
        };
        Values::Each(Arc::new((0..self.n).map(one).collect()))
    }
}
