//! Expressions through the `let`s they name, each looked at once however often it is named: written out, they may be
//! exponentially large.

use super::{Linear, eval_at, linear_in};
use crate::hir::{Expr, VarId};
use std::borrow::Borrow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// A `let` with more parts than these, written out, keeps its name.
const LARGE: u64 = 4096;

/// Calls `visit` on all parts of an expression and of the definitions it names, except on the names themselves.
pub fn walk_through<'a>(e: &'a Expr, lets: &dyn Fn(VarId) -> Option<&'a Expr>, visit: &mut dyn FnMut(&Expr)) {
    let (mut seen, mut waiting) = (HashSet::new(), vec![e]);
    while let Some(e) = waiting.pop() {
        e.walk(&mut |part| match part {
            Expr::Var(v) => match lets(*v) {
                Some(definition) if seen.insert(*v) => waiting.push(definition),
                Some(_) => {}
                None => visit(part),
            },
            part => visit(part),
        });
    }
}

/// Returns whether any part of an expression, or of the definitions it names, satisfies the predicate.
pub fn any_through<'a>(
    e: &'a Expr,
    lets: &dyn Fn(VarId) -> Option<&'a Expr>,
    predicate: &mut dyn FnMut(&Expr) -> bool,
) -> bool {
    let mut found = false;
    walk_through(e, lets, &mut |e| found |= predicate(e));
    found
}

/// Replaces `let`s by their definitions, except those that are large.
pub fn unfold<'a>(e: Expr, lets: &dyn Fn(VarId) -> Option<&'a Expr>) -> Expr {
    fn size<'a>(e: &Expr, lets: &dyn Fn(VarId) -> Option<&'a Expr>, sizes: &mut HashMap<VarId, u64>) -> u64 {
        let (mut parts, mut named) = (0u64, Vec::new());
        e.walk(&mut |e| match e {
            Expr::Var(v) => named.push(*v),
            _ => parts += 1,
        });
        for v in named {
            let known = sizes.get(&v).copied();
            let more = known.unwrap_or_else(|| lets(v).map_or(1, |definition| size(definition, lets, sizes)));
            sizes.insert(v, more);
            parts = parts.saturating_add(more);
        }
        parts
    }
    fn replace<'a>(e: Expr, lets: &dyn Fn(VarId) -> Option<&'a Expr>, sizes: &HashMap<VarId, u64>) -> Expr {
        e.map(&mut |e| match e {
            Expr::Var(v) => match lets(v) {
                Some(definition) if sizes.get(&v).is_none_or(|s| *s <= LARGE) => {
                    replace(definition.clone(), lets, sizes)
                }
                _ => Expr::Var(v),
            },
            other => other,
        })
    }
    let mut sizes = HashMap::new();
    size(&e, lets, &mut sizes);
    replace(e, lets, &sizes)
}

/// Splits an expression whose small `let`s are written out; `None` also if a large one depends on `x`.
pub fn linear_through<'a>(e: &'a Expr, x: VarId, lets: &dyn Fn(VarId) -> Option<&'a Expr>) -> Option<Linear> {
    let split = linear_in(e, x)?;
    let depends = |v: VarId| any_through(lets(v)?, lets, &mut |e| *e == Expr::Var(x)).then_some(());
    let hidden = e.any(&mut |e| matches!(e, Expr::Var(v) if depends(*v).is_some()));
    (!hidden).then_some(split)
}

/// Evaluates an expression of `let`s and of variables that have values, with a time step and at a time if they are known.
pub fn eval_through<E: Borrow<Expr>>(
    e: &Expr,
    lets: &dyn Fn(VarId) -> Option<E>,
    var: &dyn Fn(VarId) -> Option<f64>,
    clock: (Option<f64>, Option<f64>),
) -> Option<f64> {
    /// Values of `let`s, each computed once.
    struct Known<'a, E> {
        lets: &'a dyn Fn(VarId) -> Option<E>,
        var: &'a dyn Fn(VarId) -> Option<f64>,
        clock: (Option<f64>, Option<f64>),
        found: RefCell<HashMap<VarId, Option<f64>>>,
    }
    impl<E: Borrow<Expr>> Known<'_, E> {
        fn value(&self, e: &Expr) -> Option<f64> {
            eval_at(e, &|v| self.variable(v), self.clock.0, self.clock.1)
        }

        fn variable(&self, v: VarId) -> Option<f64> {
            if let Some(value) = (self.var)(v) {
                return Some(value);
            }
            if let Some(value) = self.found.borrow().get(&v) {
                return *value;
            }
            let value = (self.lets)(v).and_then(|e| self.value(e.borrow()));
            self.found.borrow_mut().insert(v, value);
            value
        }
    }
    Known { lets, var, clock, found: RefCell::default() }.value(e)
}
