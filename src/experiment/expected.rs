//! What an expectation has found, with as many digits as it takes to see why it does not hold.

use super::outcome::{Expectation, Progress};
use super::run::Run;
use crate::evaluate::Attempt;
use crate::hir::Op;
use crate::hir::typed::{Expr, ExprKind};
use crate::units::{Unit, format_digits};
use crate::value::Quantity;

/// Digits that tell any two numbers apart.
const MOST_DIGITS: usize = 17;

/// Digits of numbers that are shown beside nothing that is nearly equal.
const DIGITS: usize = 6;

impl Run<'_> {
    pub(super) fn expect(&mut self, e: &Expr) -> Attempt<()> {
        self.start_rates_in(e)?;
        let passed = self.truth(e)?;
        let found = self.found(e);
        let checked = Expectation { span: e.span, passed, found };
        self.limits.expectation(&checked);
        self.out.expectations.push(checked);
        Ok(())
    }

    /// Shows the values that an expectation compares.
    fn found(&self, e: &Expr) -> String {
        match &e.kind {
            ExprKind::Binary(Op::And | Op::Or, a, b) => format!("{}; {}", self.found(a), self.found(b)),
            ExprKind::Not(a) => self.found(a),
            ExprKind::In(a, ends) => match (self.quantity(a), self.with(|s| s.range(ends))) {
                (Ok(q), Ok((lo, hi))) if q.is_single() => {
                    let unit = q.shown_unit();
                    shown(q.data[0], &unit, digits_apart(q.data[0], &[lo, hi], &[&unit]))
                }
                (Ok(q), _) => q.to_string(),
                _ => String::new(),
            },
            ExprKind::Within(w) => self.both(e, &w.a, &w.b),
            ExprKind::Binary(_, a, b) => self.both(e, a, b),
            _ => String::new(),
        }
    }

    /// Shows two values that are compared, the second one unless it stands there as a number.
    fn both(&self, whole: &Expr, a: &Expr, b: &Expr) -> String {
        let (Ok(x), Ok(y)) = (self.quantity(a), self.quantity(b)) else { return String::new() };
        let is_written = matches!(b.kind, ExprKind::Number(_) | ExprKind::Neg(_));
        if x.is_single() && y.is_single() {
            let (left, right) = told_apart((x.data[0], &x.shown_unit()), (y.data[0], &y.shown_unit()));
            return if is_written { left } else { format!("{left}, {right}") };
        }
        let all = if is_written { x.to_string() } else { format!("{x}, {y}") };
        let hidden = x.to_string() == y.to_string() || x.to_string().contains('…') || y.to_string().contains('…');
        match self.first_that_differs(whole, &x, &y).filter(|_| hidden) {
            Some((k, left, right)) => format!("{all}; element {k}: {left}, {right}"),
            None => all,
        }
    }

    /// The first element for which a comparison does not hold, and both of its values.
    fn first_that_differs(&self, whole: &Expr, x: &Quantity, y: &Quantity) -> Option<(usize, String, String)> {
        let held = self.quantity(whole).ok().filter(|q| q.rows.is_none())?;
        let k = held.data.iter().position(|holds| *holds == 0.0)?;
        let of = |q: &Quantity| if q.is_single() { q.data.first().copied() } else { q.data.get(k).copied() };
        let (left, right) = told_apart((of(x)?, &x.shown_unit()), (of(y)?, &y.shown_unit()));
        Some((k, left, right))
    }
}

/// Shows two values, with as many digits as it takes to tell them apart if they differ.
fn told_apart((x, of_x): (f64, &Unit), (y, of_y): (f64, &Unit)) -> (String, String) {
    let digits = digits_apart(x, &[y], &[of_x, of_y]);
    (shown(x, of_x, digits), shown(y, of_y, digits))
}

/// The digits that a number takes, in each of some units, to look like none of others that it differs from.
fn digits_apart(x: f64, others: &[f64], units: &[&Unit]) -> usize {
    let differ = |digits: usize| {
        let text = |v: f64, unit: &Unit| format_digits(unit.from_internal(v), digits);
        let apart = |unit: &&Unit| others.iter().all(|y| *y == x || text(*y, unit) != text(x, unit));
        units.iter().all(apart)
    };
    (DIGITS..MOST_DIGITS).find(|digits| differ(*digits)).unwrap_or(MOST_DIGITS)
}

fn shown(value: f64, unit: &Unit, digits: usize) -> String {
    let value = unit.from_internal(value);
    // All digits are no more than it takes to read the same number back.
    let text = match digits < MOST_DIGITS || !(1e-4..1e9).contains(&value.abs()) {
        true => format_digits(value, digits),
        false => value.to_string(),
    };
    if unit.name == "1" { text } else { format!("{text} {}", unit.name) }
}
