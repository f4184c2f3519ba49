//! Expressions of a synapse as sums of products: what of the presynaptic cell times what of the postsynaptic one.
//!
//! A sum of such terms over all sources, or over all examples of a batch, is a product of matrices.

use crate::hir::{Expr, Func, Op, VarId};
use crate::math::{div, mul, simplify};

/// Whose value an expression is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// The synapse's own, or of a neuron: the same for all examples.
    Own,
    /// The presynaptic cell's.
    Pre,
    /// The postsynaptic cell's; of a neuron: one per example.
    Post,
    /// One for all cells, per example.
    Example,
}

/// One term: the product of its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// By owner.
    parts: [Expr; 4],
    /// A factor of several owners that does not come apart.
    pub mixed: Option<Expr>,
}

impl Term {
    fn one() -> Term {
        Term { parts: std::array::from_fn(|_| Expr::Num(1.0)), mixed: None }
    }

    fn of(owner: Owner, e: Expr) -> Term {
        let mut term = Term::one();
        term.parts[owner as usize] = e;
        term
    }

    /// Returns the factor of one owner.
    pub fn part(&self, owner: Owner) -> &Expr {
        &self.parts[owner as usize]
    }

    /// Takes out the factor that all examples share.
    pub fn take_own(&mut self) -> Expr {
        std::mem::replace(&mut self.parts[Owner::Own as usize], Expr::Num(1.0))
    }

    /// Returns whether all examples have the same value.
    pub fn is_own(&self) -> bool {
        let unit = |o: Owner| *self.part(o) == Expr::Num(1.0);
        self.mixed.is_none() && unit(Owner::Pre) && unit(Owner::Post) && unit(Owner::Example)
    }

    /// A value that is there for every example.
    pub fn for_each(e: Expr) -> Term {
        let mut term = Term::of(Owner::Own, e);
        term.parts[Owner::Example as usize] = Expr::Var(VarId::EACH);
        term
    }

    /// Changes all its parts.
    pub fn change(&mut self, by: &mut dyn FnMut(Expr) -> Expr) {
        for e in self.parts.iter_mut().chain(&mut self.mixed) {
            *e = simplify(by(std::mem::replace(e, Expr::Num(0.0))));
        }
    }

    /// Returns the product.
    pub fn product(&self) -> Expr {
        let all = self.parts.iter().chain(&self.mixed);
        simplify(all.fold(Expr::Num(1.0), |p, e| mul(p, e.clone())))
    }

    fn times(&self, other: &Term) -> Term {
        let parts = std::array::from_fn(|k| mul(self.parts[k].clone(), other.parts[k].clone()));
        let mixed = match (&self.mixed, &other.mixed) {
            (Some(a), Some(b)) => Some(mul(a.clone(), b.clone())),
            (a, b) => a.clone().or(b.clone()),
        };
        Term { parts, mixed }
    }

    fn negated(mut self) -> Term {
        self.parts[0] = mul(Expr::Num(-1.0), self.parts[0].clone());
        self
    }
}

/// Splits expressions, given whose each variable is; constants are nobody's.
pub struct Splitter<'a> {
    /// The owner of a variable, time or random number.
    pub owner: &'a dyn Fn(&Expr) -> Option<Owner>,
}

/// More terms than this are not worth having.
const MOST: usize = 24;

impl Splitter<'_> {
    /// Returns the owners of all that an expression reads.
    pub fn owners(&self, e: &Expr) -> Vec<Owner> {
        let mut out = Vec::new();
        e.walk(&mut |e| match e {
            Expr::Var(VarId::EACH) => out.push(Owner::Example),
            e => out.extend((self.owner)(e)),
        });
        out.sort();
        out.dedup();
        out
    }

    /// Returns whether an expression has the same value for all examples.
    pub fn is_own(&self, e: &Expr) -> bool {
        self.owners(e).iter().all(|o| *o == Owner::Own)
    }

    /// Splits an expression into terms; terms that only differ in one part are put together.
    pub fn terms(&self, e: &Expr) -> Vec<Term> {
        self.split(e, false)
    }

    /// The same, but what all examples share stays apart from what each has, also where it is a number times something.
    pub fn terms_apart(&self, e: &Expr) -> Vec<Term> {
        self.split(e, true)
    }

    fn split(&self, e: &Expr, apart: bool) -> Vec<Term> {
        let terms = self.expand(&simplify(e.clone()), apart);
        let terms = if terms.len() > MOST { vec![self.whole(e)] } else { terms };
        let mut out: Vec<Term> = Vec::new();
        for t in terms.into_iter().filter(|t| t.parts.iter().all(|p| *p != Expr::Num(0.0))) {
            let fits = |o: &Term| !apart || o.is_own() == t.is_own();
            let alike = out.iter_mut().filter(|o| fits(o)).find_map(|o| differing(o, &t).map(|k| (o, k)));
            match alike {
                Some((o, k)) => o.parts[k] = crate::math::add(o.parts[k].clone(), t.parts[k].clone()),
                None => out.push(t),
            }
        }
        out.retain(|t| t.parts.iter().all(|p| *p != Expr::Num(0.0)));
        out
    }

    /// The expression as a single term.
    fn whole(&self, e: &Expr) -> Term {
        match self.owners(e)[..] {
            [] => Term::of(Owner::Own, e.clone()),
            [owner] => Term::of(owner, e.clone()),
            _ => Term { mixed: Some(e.clone()), ..Term::one() },
        }
    }

    /// Returns whether a number is added to what somebody owns.
    fn adds_number(&self, e: &Expr) -> bool {
        match e {
            Expr::Bin(Op::Add | Op::Sub, a, b) => {
                let number = |e: &Expr| self.owners(e).is_empty();
                number(a) != number(b) || self.adds_number(a) || self.adds_number(b)
            }
            Expr::Bin(Op::Mul, a, b) => self.adds_number(a) || self.adds_number(b),
            Expr::Neg(a) | Expr::Bin(Op::Div, a, _) => self.adds_number(a),
            _ => false,
        }
    }

    fn expand(&self, e: &Expr, apart: bool) -> Vec<Term> {
        match self.owners(e)[..] {
            [] | [Owner::Own] => return vec![self.whole(e)],
            [_] if !apart || !self.adds_number(e) => return vec![self.whole(e)],
            _ => {}
        }
        let negated = |list: Vec<Term>| list.into_iter().map(Term::negated);
        match e {
            Expr::Neg(a) => negated(self.expand(a, apart)).collect(),
            Expr::Bin(Op::Add, a, b) => self.expand(a, apart).into_iter().chain(self.expand(b, apart)).collect(),
            Expr::Bin(Op::Sub, a, b) => {
                self.expand(a, apart).into_iter().chain(negated(self.expand(b, apart))).collect()
            }
            Expr::Bin(Op::Mul, a, b) => cross(&self.expand(a, apart), &self.expand(b, apart)),
            Expr::Bin(Op::Div, a, b) if self.owners(b).len() <= 1 => {
                cross(&self.expand(a, apart), &[self.whole(&div(Expr::Num(1.0), (**b).clone()))])
            }
            Expr::Call(Func::Pow, args) if args[1] == Expr::Num(2.0) => {
                let a = self.expand(&args[0], apart);
                cross(&a, &a)
            }
            Expr::If(c, a, b) => match self.owners(c)[..] {
                [] if !apart => vec![self.whole(e)],
                [] => self.choice(c, Owner::Own, self.expand(a, apart), self.expand(b, apart)),
                [owner] => self.choice(c, owner, self.expand(a, apart), self.expand(b, apart)),
                _ => {
                    // What both branches have in common is not a matter of choice.
                    let (a, b) = (self.expand(a, apart), self.expand(b, apart));
                    let (common, a, b) = in_common(a, b);
                    let sum = |list: &[Term]| list.iter().fold(Expr::Num(0.0), |s, t| crate::math::add(s, t.product()));
                    let rest = Expr::If(c.clone(), Box::new(sum(&a)), Box::new(sum(&b)));
                    common.into_iter().chain([self.whole(&rest)]).collect()
                }
            },
            _ => vec![self.whole(e)],
        }
    }

    /// `if c then a else b`, where one owner decides.
    fn choice(&self, c: &Expr, owner: Owner, a: Vec<Term>, b: Vec<Term>) -> Vec<Term> {
        let (mut out, a, b) = in_common(a, b);
        let zero = || Box::new(Expr::Num(0.0));
        for mut t in a {
            let part = &mut t.parts[owner as usize];
            *part = Expr::If(Box::new(c.clone()), Box::new(part.clone()), zero());
            out.push(t);
        }
        for mut t in b {
            let part = &mut t.parts[owner as usize];
            *part = Expr::If(Box::new(c.clone()), zero(), Box::new(part.clone()));
            out.push(t);
        }
        out
    }
}

fn cross(a: &[Term], b: &[Term]) -> Vec<Term> {
    a.iter().flat_map(|x| b.iter().map(|y| x.times(y))).collect()
}

/// Takes out of two sums what is in both.
fn in_common(a: Vec<Term>, mut b: Vec<Term>) -> (Vec<Term>, Vec<Term>, Vec<Term>) {
    let (mut common, mut rest) = (Vec::new(), Vec::new());
    for t in a {
        match b.iter().position(|u| *u == t) {
            Some(k) => {
                b.remove(k);
                common.push(t);
            }
            None => rest.push(t),
        }
    }
    (common, rest, b)
}

/// Returns the only part in which two terms differ.
fn differing(a: &Term, b: &Term) -> Option<usize> {
    if a.mixed.is_some() || b.mixed.is_some() {
        return None;
    }
    let mut different = (0..4).filter(|k| a.parts[*k] != b.parts[*k]);
    let first = different.next();
    // Equal terms add up too.
    if different.next().is_none() { first.or(Some(0)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hir::VarId;
    use crate::math::{eval, sub};
    use cranelift_entity::EntityRef;

    /// w, pre.r, post.r, post.d, m
    fn var(k: usize) -> Expr {
        Expr::Var(VarId::new(k))
    }

    fn split(e: &Expr) -> Vec<Term> {
        let owner = |e: &Expr| match e {
            Expr::Var(v) => Some([Owner::Own, Owner::Pre, Owner::Post, Owner::Post, Owner::Example][v.index()]),
            _ => None,
        };
        Splitter { owner: &owner }.terms(e)
    }

    fn value(e: &Expr) -> f64 {
        eval(e, &|v| Some([0.3, 1.7, -0.4, 2.1, 0.9][v.index()]), None).unwrap()
    }

    #[test]
    fn terms_add_up_to_the_expression() {
        let (w, x, y, d, m) = (var(0), var(1), var(2), var(3), var(4));
        let add = crate::math::add;
        let oja = mul(mul(Expr::Num(0.1), y.clone()), sub(x.clone(), mul(y.clone(), w.clone())));
        let gap = mul(w.clone(), sub(x.clone(), y.clone()));
        let square = Expr::Call(Func::Pow, vec![sub(x.clone(), y.clone()), Expr::Num(2.0)]);
        let when = Expr::If(
            Box::new(Expr::bin(Op::Gt, y.clone(), Expr::Num(0.0))),
            Box::new(add(w.clone(), div(x.clone(), y.clone()))),
            Box::new(w.clone()),
        );
        let three = mul(mul(m.clone(), add(x.clone(), Expr::Num(1.0))), mul(d.clone(), y.clone()));
        for (e, n, mixed) in [
            (&oja, 2, 0),
            (&gap, 2, 0),
            (&square, 3, 0),
            (&when, 2, 0),
            (&three, 1, 0),
            (&Expr::Call(Func::Tanh, vec![mul(w.clone(), x.clone())]), 1, 1),
        ] {
            let terms = split(e);
            let sum: f64 = terms.iter().map(|t| value(&t.product())).sum();
            assert!((sum - value(e)).abs() < 1e-12, "{e:?}: {terms:?}");
            assert_eq!(terms.len(), n, "{e:?}: {terms:?}");
            assert_eq!(terms.iter().filter(|t| t.mixed.is_some()).count(), mixed);
        }
        // One part of each owner.
        let terms = split(&three);
        assert_eq!(value(terms[0].part(Owner::Pre)), 2.7);
        assert_eq!(value(terms[0].part(Owner::Example)), 0.9);
        // A choice of the postsynaptic cell does not divide by what it has excluded.
        let terms = split(&when);
        assert!(terms.iter().all(|t| value(&t.product()).is_finite()));
    }
}
