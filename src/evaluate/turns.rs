//! The turns of a loop: values that are made when their turn comes, so that a range needs no memory.

use super::{Attempt, Scope, fail};
use crate::diag::Code;
use crate::hir::typed::Expr;
use crate::source::Span;
use crate::units::{Dim, Unit};
use crate::value::{Quantity, Value};
use serde::{Deserialize, Serialize};

/// Numbers at equal distances.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Progression {
    from: f64,
    by: f64,
    n: usize,
}

/// The most numbers of which all can be told apart from their neighbors.
const MOST: f64 = 9_007_199_254_740_992.0;

impl Progression {
    /// From one end of a range to the other, both included.
    pub fn new((lo, hi): (f64, f64), by: f64, span: Span) -> Attempt<Progression> {
        if by == 0.0 || !by.is_finite() || !hi.is_finite() || !lo.is_finite() {
            return fail(Code::E0404, span, "this would not end", "needs finite ends and a step");
        }
        let n = ((hi - lo) / by + 1e-9).floor() + 1.0;
        if n >= MOST {
            return fail(Code::E0404, span, format!("this would be {n:.3e} numbers"), "too many to be counted");
        }
        Ok(Progression { from: lo, by, n: n.max(0.0) as usize })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.n
    }

    /// Returns the number at a place.
    pub fn at(&self, k: usize) -> f64 {
        self.from + self.by * k as f64
    }
}

/// What a name of a loop becomes, turn by turn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Turns {
    /// Numbers of a range.
    Range(Progression, Dim, Option<Unit>),
    /// Elements of an array, or rows of a matrix.
    Elements(Quantity),
}

impl Turns {
    /// The turns of a loop over a value: numbers of a range (both ends), or elements of an array, rows of a matrix.
    pub fn over(scope: &Scope, over: Value, range: &Expr, step: Option<&Expr>) -> Attempt<Turns> {
        match over {
            Value::Range(lo, hi, dim, unit) => {
                let one = || unit.as_ref().map_or(1.0, |u| u.to_internal(1.0));
                let by = step.map(|s| scope.number(s)).transpose()?.unwrap_or_else(one);
                Ok(Turns::Range(Progression::new((lo, hi), by, range.span)?, dim, unit))
            }
            Value::Quantity(q) if q.rows.is_none() => Ok(Turns::Elements(q)),
            other => {
                let message = format!("expected a range or an array, found {}", other.kind());
                fail(Code::E0401, range.span, message, "cannot loop over this")
            }
        }
    }

    /// How many turns there are.
    pub fn count(&self) -> usize {
        match self {
            Turns::Range(p, ..) => p.count(),
            Turns::Elements(q) => match q.shape[..] {
                [rows, _] => rows,
                _ => q.data.len(),
            },
        }
    }

    /// Returns the value of a turn; there must be such a one.
    pub fn at(&self, k: usize) -> Value {
        match self {
            Turns::Range(p, dim, unit) => Quantity::number(p.at(k), *dim, unit.clone()).into(),
            Turns::Elements(q) => match q.shape[..] {
                [_, columns] => {
                    let row = q.data[k * columns..(k + 1) * columns].to_vec();
                    Quantity::array(row, q.dim, q.unit.clone()).into()
                }
                _ => Quantity::number(q.data[k], q.dim, q.unit.clone()).into(),
            },
        }
    }
}
