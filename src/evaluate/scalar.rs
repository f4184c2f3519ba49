//! The short way through expressions of single numbers: no units, no arrays, nothing that is made on the way.
//!
//! The types say that units fit, so that numbers alone are enough where one number or truth value is wanted. What is not single, or could
//! fail, has no value here and goes the long way, which says what is wrong.

use super::Scope;
use crate::builtin::{Func, apply, power};
use crate::hir::Op;
use crate::hir::typed::{Expr, ExprKind, LocalId, Seen};
use crate::value::{Quantity, Value};

/// The number that a value is, if it is one.
fn single(value: &Value) -> Option<f64> {
    match value {
        Value::Quantity(q) => q.single(),
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        _ => None,
    }
}

fn truth(holds: bool) -> Option<f64> {
    Some(f64::from(u8::from(holds)))
}

impl Scope<'_> {
    /// Evaluates what is surely one number, or a truth value as 0 or 1.
    pub fn scalar(&self, e: &Expr) -> Option<f64> {
        match &e.kind {
            ExprKind::Number(v) => Some(*v),
            ExprKind::Bool(b) => truth(*b),
            ExprKind::Local(id) => self.read(*id, single),
            ExprKind::Step => Some(self.world.dt()),
            ExprKind::Neg(a) => Some(-self.scalar(a)?),
            ExprKind::Not(a) => truth(self.scalar(a)? == 0.0),
            ExprKind::Binary(op, a, b) => self.scalar_binary(*op, a, b),
            ExprKind::In(x, ends) => match &ends.kind {
                ExprKind::Range(lo, hi) => {
                    let x = self.scalar(x)?;
                    truth(x >= self.scalar(lo)? && x <= self.scalar(hi)?)
                }
                _ => None,
            },
            ExprKind::If(c, a, b) => self.scalar(if self.scalar(c)? != 0.0 { a } else { b }),
            ExprKind::Function(f, args) => match &args[..] {
                [x] => Some(apply(*f, &[self.scalar(x)?])),
                [x, y] => {
                    let (x, y) = (self.scalar(x)?, self.scalar(y)?);
                    Some(if *f == Func::Pow { power(x, y) } else { apply(*f, &[x, y]) })
                }
                _ => None,
            },
            ExprKind::Let(names, body) => {
                for (id, value) in names {
                    let value = self.scalar(value)?;
                    self.bind(*id, Quantity::pure(value).into());
                }
                self.scalar(body)
            }
            ExprKind::Element(of, index) => match &index[..] {
                [at] => self.scalar_element(of, self.scalar(at)?),
                _ => None,
            },
            ExprKind::OfEnvironment(of, seen) => {
                let ExprKind::Local(id) = of.kind else { return None };
                self.read(id, |value| {
                    let Value::Environment(s) = value else { return None };
                    let (model, within) = (self.world.environment(s.model)?, Scope::new(self.world, &s.locals));
                    match seen {
                        Seen::Local(id) => within.read(*id, single),
                        Seen::Let(k) => within.scalar(&model.lets[*k].1),
                        Seen::Done => within.scalar(model.done.as_ref()?),
                    }
                })
            }
            _ => None,
        }
    }

    /// Looks at what a name stands for.
    fn read(&self, id: LocalId, look: impl FnOnce(&Value) -> Option<f64>) -> Option<f64> {
        let bound = self.bound.borrow();
        match bound.iter().find(|(b, _)| *b == id) {
            Some((_, value)) => look(value),
            None => look(self.locals.get(id.as_u32() as usize)?.as_ref()?),
        }
    }

    fn scalar_binary(&self, op: Op, a: &Expr, b: &Expr) -> Option<f64> {
        let x = self.scalar(a)?;
        match (op, x != 0.0) {
            (Op::And, false) => return truth(false),
            (Op::Or, true) => return truth(true),
            (Op::And | Op::Or, _) => return truth(self.scalar(b)? != 0.0),
            _ => {}
        }
        let y = self.scalar(b)?;
        Some(match op {
            Op::Add => x + y,
            Op::Sub => x - y,
            Op::Mul => x * y,
            Op::Div => x / y,
            Op::Le => return truth(x <= y),
            Op::Ge => return truth(x >= y),
            Op::Eq => return truth(x == y),
            Op::Ne => return truth(x != y),
            Op::Lt => return truth(x < y),
            Op::Gt => return truth(x > y),
            _ => return None,
        })
    }

    /// One element of a list or of the array that a name stands for, if it is there.
    fn scalar_element(&self, of: &Expr, at: f64) -> Option<f64> {
        let whole = at.fract() == 0.0 && at >= 0.0;
        let k = whole.then_some(at as usize)?;
        match &of.kind {
            // Parts that are arrays themselves are not single.
            ExprKind::List(items) => {
                let values = items.iter().map(|i| self.scalar(i));
                if items.iter().all(|i| matches!(i.kind, ExprKind::Number(_) | ExprKind::Neg(_))) {
                    return self.scalar(items.get(k)?);
                }
                values.collect::<Option<Vec<f64>>>()?.get(k).copied()
            }
            ExprKind::Local(id) => self.read(*id, |value| match value {
                Value::Quantity(q) if q.rows.is_none() && q.shape.len() == 1 => q.data.get(k).copied(),
                _ => None,
            }),
            _ => None,
        }
    }
}
