//! Handlers as updates: new values from old ones, every statement seeing what those before it did.

use super::terms::{Splitter, Term};
use crate::hir::{Expr, Func, Stmt, VarId};
use crate::math::{add, mul, simplify};
use std::collections::BTreeMap;

/// A term that is to be averaged or summed over the examples of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduction {
    /// The variable that stands for the result.
    pub var: VarId,
    /// The term without what is the same for all examples, which multiplies the result.
    pub term: Term,
    /// Whether it is summed over the cells of a channel, too.
    pub pooled: bool,
}

/// What statements do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Updates {
    /// New values in terms of old ones and of reductions.
    pub values: Vec<(VarId, Expr)>,
    /// What is reduced first.
    pub reductions: Vec<Reduction>,
}

/// How statements are turned into updates.
pub struct Replay<'a> {
    /// Replaces `let`s that have no place of their own.
    pub inline: &'a dyn Fn(Expr) -> Expr,
    /// Bounds of a variable.
    pub bounds: &'a dyn Fn(VarId) -> Option<(Expr, Expr)>,
    /// Which variables have the same value for all examples: their changes are reduced.
    pub shared: Option<&'a dyn Fn(VarId) -> bool>,
    /// Which of them have the same value for all cells of a channel.
    pub pooled: &'a dyn Fn(VarId) -> bool,
    /// Whose values expressions are.
    pub splitter: Splitter<'a>,
    /// Makes a variable that stands for a reduction.
    pub fresh: &'a mut dyn FnMut() -> VarId,
    /// Whether a branch of a condition is being replayed; false to begin with.
    pub choosing: bool,
}

type Values = BTreeMap<VarId, Expr>;

impl Replay<'_> {
    /// Replays handlers one after the other.
    pub fn run<'s>(&mut self, bodies: impl Iterator<Item = &'s [Stmt]>) -> Updates {
        let (mut values, mut out) = (Values::new(), Updates::default());
        for body in bodies {
            self.statements(body, &mut values, &mut out.reductions);
        }
        out.values = values.into_iter().map(|(v, e)| (v, simplify(e))).filter(|(v, e)| *e != Expr::Var(*v)).collect();
        out
    }

    fn statements(&mut self, body: &[Stmt], values: &mut Values, reductions: &mut Vec<Reduction>) {
        for s in body {
            match s {
                Stmt::Assign(v, e) => {
                    let e = self.now(e, values);
                    let reduced = self.shared.is_some_and(|shared| shared(*v));
                    let e = if reduced { self.reduced(*v, &e, reductions) } else { e };
                    let e = if self.choosing { e } else { self.bounded(*v, e, values) };
                    values.insert(*v, e);
                }
                Stmt::If(c, a, b) => {
                    let c = self.now(c, values);
                    let (mut yes, mut no) = (values.clone(), values.clone());
                    // What a branch would change is reduced, and bounded, with the choice.
                    let before = (self.shared.take(), std::mem::replace(&mut self.choosing, true));
                    self.statements(a, &mut yes, reductions);
                    self.statements(b, &mut no, reductions);
                    (self.shared, self.choosing) = before;
                    let changed: Vec<VarId> = yes.keys().chain(no.keys()).copied().collect();
                    for v in changed {
                        let of = |values: &Values| values.get(&v).cloned().unwrap_or(Expr::Var(v));
                        let (a, b) = (of(&yes), of(&no));
                        if a == of(values) && b == a {
                            continue;
                        }
                        let e = Expr::If(Box::new(c.clone()), Box::new(a), Box::new(b));
                        let reduced = self.shared.is_some_and(|shared| shared(v));
                        let e = if reduced { self.reduced(v, &e, reductions) } else { e };
                        let e = if self.choosing { e } else { self.bounded(v, e, values) };
                        values.insert(v, e);
                    }
                }
                _ => {}
            }
        }
    }

    /// An expression in terms of old values.
    fn now(&self, e: &Expr, values: &Values) -> Expr {
        (self.inline)(e.clone()).map(&mut |e| match &e {
            Expr::Var(v) => values.get(v).cloned().unwrap_or(e),
            _ => e,
        })
    }

    fn bounded(&self, v: VarId, e: Expr, values: &Values) -> Expr {
        match (self.bounds)(v) {
            Some((lo, hi)) => {
                let (lo, hi) = (self.now(&lo, values), self.now(&hi, values));
                let e = Expr::Call(Func::Max, vec![lo, e]);
                Expr::Call(Func::Min, vec![hi, e])
            }
            None => e,
        }
    }

    /// Reduces the terms of an expression that differ between examples.
    fn reduced(&mut self, v: VarId, e: &Expr, reductions: &mut Vec<Reduction>) -> Expr {
        if self.splitter.is_own(e) {
            return e.clone();
        }
        let pooled = (self.pooled)(v);
        let mut sum = Expr::Num(0.0);
        for mut term in self.splitter.terms(e) {
            if term.is_own() {
                sum = add(sum, term.product());
                continue;
            }
            // A term that does not come apart is reduced as a whole.
            let factor = if term.mixed.is_some() { Expr::Num(1.0) } else { term.take_own() };
            let var = match reductions.iter().find(|r| r.term == term && r.pooled == pooled) {
                Some(r) => r.var,
                None => {
                    let var = (self.fresh)();
                    reductions.push(Reduction { var, term, pooled });
                    var
                }
            };
            sum = add(sum, mul(factor, Expr::Var(var)));
        }
        sum
    }
}
