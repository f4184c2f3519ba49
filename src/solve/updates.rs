//! Handlers as updates: new values from old ones, every statement seeing what those before it did.

use super::terms::{Splitter, Term};
use crate::hir::{Expr, Func, Op, Stmt, VarId};
use crate::math::{Linear, add, linear_in, mul, simplify, sub};
use std::collections::{BTreeMap, BTreeSet};

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
    /// A variable whose reduction would follow from another one, which cannot be.
    pub entangled: Option<VarId>,
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
    /// Of which of them the changes are added up, not averaged.
    pub adds_up: &'a dyn Fn(VarId) -> bool,
    /// Whether a variable is a number all the same, though somebody owns it: a parameter of cells.
    pub number: &'a dyn Fn(&Expr) -> bool,
    /// Whether a branch of a condition is being replayed; false to begin with.
    pub choosing: bool,
    /// Whether what is replayed there may be added up; false to begin with.
    pub marking: bool,
    /// Of which variable a change follows, example by example, from what an earlier statement has reduced; none to begin with.
    pub entangled: Option<VarId>,
}

type Values = BTreeMap<VarId, Expr>;

impl Replay<'_> {
    /// Replays handlers one after the other.
    pub fn run<'s>(&mut self, bodies: impl Iterator<Item = &'s [Stmt]>) -> Updates {
        let (mut values, mut out) = (Values::new(), Updates::default());
        for body in bodies {
            self.statements(body, &mut values, &mut out.reductions);
        }
        out.entangled = self.entangled;
        out.values = values.into_iter().map(|(v, e)| (v, simplify(e))).filter(|(v, e)| *e != Expr::Var(*v)).collect();
        out
    }

    fn statements(&mut self, body: &[Stmt], values: &mut Values, reductions: &mut Vec<Reduction>) {
        for s in body {
            match s {
                Stmt::Assign(v, e) if self.is_reduced(*v) => {
                    let before = current(*v, values);
                    let standing = (self.fresh)();
                    values.insert(*v, Expr::Var(standing));
                    let e = self.now(e, values, (self.adds_up)(*v));
                    let known = reductions.len();
                    let e = self.reduced(*v, &e, standing, reductions);
                    values.insert(*v, replaced(e, standing, &before));
                    self.settle(reductions, known, &[(*v, standing, before)]);
                    let e = self.bounded(*v, current(*v, values), values);
                    values.insert(*v, e);
                }
                Stmt::Assign(v, e) => {
                    let e = self.now(e, values, self.marking);
                    let e = if self.choosing { e } else { self.bounded(*v, e, values) };
                    values.insert(*v, e);
                }
                Stmt::If(c, a, b) => self.choice(c, (a, b), values, reductions),
                _ => {}
            }
        }
    }

    /// Replays a choice: what a branch would change is reduced, and bounded, with the choice.
    fn choice(&mut self, c: &Expr, (a, b): (&[Stmt], &[Stmt]), values: &mut Values, reductions: &mut Vec<Reduction>) {
        let c = self.now(c, values, false);
        // What is reduced has a variable that stands for its value before the choice.
        let mut standing: Vec<(VarId, VarId, Expr)> = Vec::new();
        for v in written(a).into_iter().chain(written(b)) {
            if self.is_reduced(v) && standing.iter().all(|(known, ..)| *known != v) {
                standing.push((v, (self.fresh)(), current(v, values)));
            }
        }
        for (v, stands, _) in &standing {
            values.insert(*v, Expr::Var(*stands));
        }
        let (mut yes, mut no) = (values.clone(), values.clone());
        let marking = self.marking || standing.iter().any(|(v, ..)| (self.adds_up)(*v));
        let before = (self.shared.take(), self.choosing, self.marking);
        (self.choosing, self.marking) = (true, marking);
        self.statements(a, &mut yes, reductions);
        self.statements(b, &mut no, reductions);
        (self.shared, self.choosing, self.marking) = before;
        let known = reductions.len();
        let mut changed = Vec::new();
        for v in yes.keys().chain(no.keys()).copied().collect::<BTreeSet<VarId>>() {
            let (a, b) = (current(v, &yes), current(v, &no));
            if a == current(v, values) && b == a {
                continue;
            }
            let e = Expr::If(Box::new(c.clone()), Box::new(a), Box::new(b));
            let stands = standing.iter().find(|(known, ..)| *known == v).map(|(_, stands, _)| *stands);
            let e = match stands {
                Some(stands) => self.reduced(v, &e, stands, reductions),
                None if self.choosing => e,
                None => replaced(e, VarId::EACH, &Expr::Num(1.0)),
            };
            values.insert(v, e);
            changed.push(v);
        }
        self.settle(reductions, known, &standing);
        for (_, stands, before) in &standing {
            values.values_mut().for_each(|e| *e = replaced(std::mem::replace(e, Expr::Num(0.0)), *stands, before));
        }
        if !self.choosing {
            for v in changed {
                let e = self.bounded(v, current(v, values), values);
                values.insert(v, e);
            }
        }
    }

    /// Puts values in the place of what stands for them in reductions from one on; what other reductions give is not known then.
    fn settle(&mut self, reductions: &mut [Reduction], from: usize, standing: &[(VarId, VarId, Expr)]) {
        let (earlier, new) = reductions.split_at_mut(from);
        for r in new {
            for (v, stands, before) in standing {
                r.term.change(&mut |e| replaced(e, *stands, before));
                if earlier.iter().any(|other| r.term.product().mentions(other.var)) {
                    self.entangled = Some(*v);
                }
            }
        }
    }

    fn is_reduced(&self, v: VarId) -> bool {
        self.shared.is_some_and(|shared| shared(v))
    }

    /// An expression in terms of old values. Where changes are added up, what a `let` has in common for all examples is there once for
    /// each of them, as the `let` is.
    fn now(&self, e: &Expr, values: &Values, marked: bool) -> Expr {
        let old = |e: Expr| {
            e.map(&mut |e| match &e {
                Expr::Var(v) => values.get(v).cloned().unwrap_or(e),
                _ => e,
            })
        };
        if !marked {
            return old((self.inline)(e.clone()));
        }
        e.clone().map(&mut |e| match &e {
            Expr::Var(_) => match (self.inline)(e.clone()) {
                whole if whole != e => self.marked(&old(whole)),
                e => old(e),
            },
            _ => e,
        })
    }

    /// Divides a sum of what is the same for all examples into what reads a shared value, and constants.
    fn constants(&self, e: &Expr) -> (Expr, Expr) {
        match e {
            _ if !e.any(&mut |e| (self.splitter.owner)(e).is_some() && !(self.number)(e)) => {
                (Expr::Num(0.0), e.clone())
            }
            Expr::Bin(Op::Add, a, b) => {
                let ((a, x), (b, y)) = (self.constants(a), self.constants(b));
                (add(a, b), add(x, y))
            }
            Expr::Bin(Op::Sub, a, b) => {
                let ((a, x), (b, y)) = (self.constants(a), self.constants(b));
                (sub(a, b), sub(x, y))
            }
            _ => (e.clone(), Expr::Num(0.0)),
        }
    }

    /// Marks what is the same for all examples in a sum that is not.
    fn marked(&self, e: &Expr) -> Expr {
        if self.splitter.is_own(e) {
            return e.clone();
        }
        let part = |e: &Expr| match self.splitter.is_own(e) {
            true => mul(e.clone(), Expr::Var(VarId::EACH)),
            false => self.marked(e),
        };
        match e {
            Expr::Bin(op @ (Op::Add | Op::Sub), a, b) => Expr::bin(*op, part(a), part(b)),
            Expr::Neg(a) => Expr::Neg(Box::new(self.marked(a))),
            Expr::Bin(op @ (Op::Mul | Op::Div), a, b) => Expr::bin(*op, self.marked(a), self.marked(b)),
            _ => e.clone(),
        }
    }

    /// What a value is changed by: the difference to what `standing` stands for, branch by branch.
    fn difference(&self, e: &Expr, standing: VarId, adds_up: bool) -> Expr {
        if let Expr::If(c, a, b) = e {
            let of = |e: &Expr| Box::new(self.difference(e, standing, adds_up));
            return Expr::If(c.clone(), of(a), of(b));
        }
        let Parts { coefficient, rest } = parts(e, standing);
        let whole = Expr::Var(standing);
        // What examples have a part in follows from the value: then it is replaced for every example.
        let of_each = |t: &Term| !t.is_own() && t.product().mentions(standing);
        match simplify(coefficient) {
            Expr::Num(0.0) if !adds_up => sub(rest, mul(whole, Expr::Var(VarId::EACH))),
            Expr::Num(0.0) if self.splitter.terms_apart(&rest).iter().any(of_each) => self.marked(&sub(rest, whole)),
            Expr::Num(0.0) => sub(rest, whole),
            coefficient => add(mul(simplify(sub(coefficient, Expr::Num(1.0))), whole), rest),
        }
    }

    fn bounded(&self, v: VarId, e: Expr, values: &Values) -> Expr {
        match (self.bounds)(v) {
            Some((lo, hi)) => {
                let (lo, hi) = (self.now(&lo, values, false), self.now(&hi, values, false));
                let e = Expr::Call(Func::Max, vec![lo, e]);
                Expr::Call(Func::Min, vec![hi, e])
            }
            None => e,
        }
    }

    /// Reduces what an expression changes a value by; `standing` stands for the value. A term of nothing but what all examples share
    /// happens once, any other for every example.
    fn reduced(&mut self, v: VarId, e: &Expr, standing: VarId, reductions: &mut Vec<Reduction>) -> Expr {
        if self.splitter.is_own(e) {
            return e.clone();
        }
        let whole = Expr::Var(standing);
        let chosen = e.any(&mut |e| matches!(e, Expr::If(..)) && e.mentions(standing));
        let (pooled, adds_up) = ((self.pooled)(v), (self.adds_up)(v));
        let (mut sum, e) = match linear_in(e, standing) {
            Some(l) if !chosen && self.splitter.is_own(&l.coefficient) => (Expr::Num(0.0), e.clone()),
            _ => (whole.clone(), simplify(self.difference(e, standing, adds_up))),
        };
        let mut terms = Vec::new();
        let split = if adds_up { self.splitter.terms_apart(&e) } else { self.splitter.terms(&e) };
        for term in split {
            if !term.is_own() {
                terms.push(term);
                continue;
            }
            let (once, each) = if adds_up { self.constants(&term.product()) } else { (term.product(), Expr::Num(0.0)) };
            sum = add(sum, once);
            if each != Expr::Num(0.0) {
                terms.push(Term::for_each(each));
            }
        }
        for mut term in terms {
            // A term that does not come apart is reduced as a whole.
            let factor = if term.mixed.is_some() { Expr::Num(1.0) } else { term.take_own() };
            term.change(&mut |e| replaced(e, VarId::EACH, &Expr::Num(1.0)));
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

/// A sum of a multiple of a value and of what is not one, in which the value may be, too.
struct Parts {
    coefficient: Expr,
    rest: Expr,
}

fn parts(e: &Expr, v: VarId) -> Parts {
    if let Some(Linear { coefficient, rest }) = linear_in(e, v) {
        return Parts { coefficient, rest };
    }
    match e {
        Expr::Bin(op @ (Op::Add | Op::Sub), a, b) => {
            let (a, b) = (parts(a, v), parts(b, v));
            let both = if *op == Op::Add { add } else { sub };
            Parts { coefficient: both(a.coefficient, b.coefficient), rest: both(a.rest, b.rest) }
        }
        _ => Parts { coefficient: Expr::Num(0.0), rest: e.clone() },
    }
}

/// The value of a variable after what has been replayed.
fn current(v: VarId, values: &Values) -> Expr {
    values.get(&v).cloned().unwrap_or(Expr::Var(v))
}

fn replaced(e: Expr, v: VarId, by: &Expr) -> Expr {
    e.map(&mut |e| if e == Expr::Var(v) { by.clone() } else { e })
}

/// Lists the variables that statements write.
fn written(body: &[Stmt]) -> Vec<VarId> {
    let each = |s: &Stmt| match s {
        Stmt::Assign(v, _) => vec![*v],
        Stmt::If(_, a, b) => written(a).into_iter().chain(written(b)).collect(),
        _ => Vec::new(),
    };
    body.iter().flat_map(each).collect()
}
