//! Draws within models: `random()`, `uniform(a, b)`, `normal(mean, sd)`, `poisson(mean)`, `wald(mean, scale)`.

use super::expr::{Draw, Expr, Op, VarId};
use super::infer::{Context, Infer};
use super::{EventId, Func, Neuron, Ty, errors};
use crate::builtin::MOST_EVENTS;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;
use crate::units::{Dim, Unit};
use std::collections::HashSet;

/// What can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chance {
    /// `random()`
    Random,
    /// `uniform(a, b)`
    Uniform,
    /// `normal(mean, sd)`
    Normal,
    /// `poisson(mean)`
    Poisson,
    /// `wald(mean, scale)`
    Wald,
}

/// The draws by name.
pub const DRAWS: [(&str, Chance); 5] = [
    ("random", Chance::Random),
    ("uniform", Chance::Uniform),
    ("normal", Chance::Normal),
    ("poisson", Chance::Poisson),
    ("wald", Chance::Wald),
];

/// A draw with what it depends on.
pub enum Drawn {
    /// Between two numbers.
    Uniform(Expr, Expr),
    /// Of a mean and a standard deviation.
    Normal(Expr, Expr),
    /// Of a mean.
    Poisson(Expr),
    /// Inverse Gaussian, of a mean and a scale.
    Wald(Expr, Expr),
}

/// Finds a draw by name.
pub fn draw_named(name: &str) -> Option<Chance> {
    DRAWS.iter().find(|(n, _)| *n == name).map(|(_, chance)| *chance)
}

/// Checks the arguments of a draw; none if there is an error in them, which is reported.
pub fn arguments(
    infer: &mut Infer,
    context: &mut dyn Context,
    (name, chance): (&str, Chance),
    args: &[ast::Arg],
    span: Span,
) -> Option<(Drawn, Ty)> {
    let parameters: &[(&str, bool)] = match chance {
        Chance::Random => &[],
        Chance::Poisson => &[("mean", false)],
        Chance::Uniform => &[("low", false), ("high", false)],
        Chance::Normal => &[("mean", false), ("sd", false)],
        Chance::Wald => &[("mean", false), ("scale", false)],
    };
    let args: Vec<&ast::Arg> = args.iter().collect();
    let bound = super::arguments::bind(infer, name, parameters, &args, span, None)?;
    let mut bound = bound.into_iter().flatten();
    let Some(first) = bound.next() else {
        return Some((Drawn::Uniform(Expr::Num(0.0), Expr::Num(1.0)), Ty::in_unit(Unit::one())));
    };
    let (a, of_a) = infer.number(context, first);
    let Some(second) = bound.next() else {
        if of_a.dim.is_some_and(|d| d != Dim::ONE) {
            let d = Diagnostic::at(Code::E0301, first.span, "the mean of a number of events is a number", "has a unit");
            infer.diagnostics.push(d.help("write `poisson(rate * dt)`"));
            return None;
        }
        let constant = crate::math::eval(&a, &|_| None, None);
        if let Some(mean) = constant.filter(|mean| !(0.0..=MOST_EVENTS).contains(mean)) {
            infer.diagnostics.push(uncountable(first.span, mean));
            return None;
        }
        return Some((Drawn::Poisson(a), Ty::in_unit(Unit::one())));
    };
    let (b, of_b) = infer.number(context, second);
    if !of_a.same_dim(&of_b) {
        let typed = ((&of_a, first.span), (&of_b, second.span));
        infer.diagnostics.push(errors::cannot_compare(typed.0, typed.1));
    }
    let drawn = match chance {
        Chance::Normal => Drawn::Normal(a, b),
        Chance::Wald => Drawn::Wald(a, b),
        _ => Drawn::Uniform(a, b),
    };
    Some((drawn, of_a))
}

fn uncountable(span: Span, mean: f64) -> Diagnostic {
    let message = format!("a Poisson number of mean {} is not drawn here", crate::units::format_number(mean));
    let d = Diagnostic::at(Code::E0604, span, message, format!("from 0 to {MOST_EVENTS}"));
    d.help("make the rate or `dt` smaller; an experiment draws of any mean: `let n ~ poisson(20)`")
}

/// Refuses comparisons with a Poisson number whose mean may be too large or negative: they would not hold, and nobody would know.
pub fn refuse_unsure(infer: &mut Infer, e: &Expr, span: Span) {
    let unsure = |e: &Expr| match e {
        Expr::Call(Func::Poisson, args) => crate::math::eval(&args[1], &|_| None, None).is_none(),
        _ => false,
    };
    let compares = |e: &Expr| matches!(e, Expr::Bin(Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Eq | Op::Ne, ..));
    if e.any(&mut |e| compares(e) && e.any(&mut |e| unsure(e))) {
        let message = "a condition on a Poisson number whose mean is not a constant";
        let d = Diagnostic::at(Code::E0604, span, message, "means above 8 or below 0 are not drawn");
        infer.diagnostics.push(d.help(
            "keep the number in a state first: `n = poisson(rate * dt)`, then `if n > 0 { … }`; \
                                       events: `emit spike count ~ poisson(rate * dt)`",
        ));
    }
}

/// Writes a draw as what follows from uniform and normal numbers; `fresh` draws one of these with its two parameters.
pub fn expression(drawn: Drawn, fresh: &mut dyn FnMut(Draw, Expr, Expr) -> Expr) -> Expr {
    let (zero, one) = (|| Expr::Num(0.0), || Expr::Num(1.0));
    match drawn {
        Drawn::Uniform(a, b) => fresh(Draw::Uniform, a, b),
        Drawn::Normal(mean, sd) => fresh(Draw::Normal, mean, sd),
        Drawn::Poisson(mean) => Expr::Call(Func::Poisson, vec![fresh(Draw::Uniform, zero(), one()), mean]),
        Drawn::Wald(mean, scale) => {
            let (z, u) = (fresh(Draw::Normal, zero(), one()), fresh(Draw::Uniform, zero(), one()));
            inverse_gaussian(mean, scale, z, u)
        }
    }
}

/// Michael, Schucany and Haas 1976, Am Stat 30:88: the smaller root of a quadratic, or its reciprocal.
fn inverse_gaussian(mean: Expr, scale: Expr, z: Expr, u: Expr) -> Expr {
    let (bin, num) = (Expr::bin, Expr::Num);
    let square = bin(Op::Mul, z.clone(), z);
    let w = bin(Op::Div, bin(Op::Mul, mean.clone(), square), bin(Op::Mul, num(2.0), scale));
    let more = bin(Op::Add, num(1.0), w.clone());
    let root = Expr::Call(Func::Sqrt, vec![bin(Op::Mul, w.clone(), bin(Op::Add, num(2.0), w))]);
    // The roots are each other's reciprocals; the smaller one loses digits as a difference.
    let greater = bin(Op::Add, more, root);
    let smaller_taken = bin(Op::Le, bin(Op::Mul, u, bin(Op::Add, num(1.0), greater.clone())), greater.clone());
    let (below, above) = (bin(Op::Div, mean.clone(), greater.clone()), bin(Op::Mul, mean, greater));
    Expr::If(Box::new(smaller_taken), Box::new(below), Box::new(above))
}

impl Neuron {
    /// Returns the events that come by chance, each with its probability in a step: what random numbers between 0 and 1 are compared
    /// with.
    pub fn probabilities(&self) -> Vec<(EventId, Expr)> {
        let mut found = Vec::new();
        for emit in &self.emits {
            self.unfold(emit.when.clone()).walk(&mut |e| {
                if let Expr::Bin(Op::Lt | Op::Le, draw, limit) = e
                    && matches!(&**draw, Expr::Draw(_, Draw::Uniform, args) if args[..] == [Expr::Num(0.0), Expr::Num(1.0)])
                {
                    found.push((emit.event, (**limit).clone()));
                }
            });
        }
        found
    }

    /// Finds the first of some values of a parameter or input for which an event has a negative probability, as far as that follows from
    /// this and nothing else but the time step.
    pub fn negative_chance(&self, of: VarId, values: impl Iterator<Item = f64>, dt: f64) -> Option<(usize, EventId)> {
        let mut chances = self.probabilities();
        chances.retain(|(_, p)| p.any(&mut |e| *e == Expr::Var(of)));
        if chances.is_empty() {
            return None;
        }
        let negative = |value: f64| {
            let chance = |p: &Expr| crate::math::eval(p, &|v| (v == of).then_some(value), Some(dt));
            chances.iter().find(|(_, p)| chance(p).is_some_and(|p| p < 0.0)).map(|(event, _)| *event)
        };
        // The pixels of an image, for instance, have few different ones.
        let mut known = HashSet::new();
        values.enumerate().find_map(|(k, value)| match known.insert(value.to_bits()) {
            true => negative(value).map(|event| (k, event)),
            false => None,
        })
    }

    /// Refuses such a value.
    pub fn less_than_never(&self, event: EventId, of: VarId, span: Span) -> Diagnostic {
        let (event, var) = (&self.events[event], &self.vars[of]);
        let message = format!("`{}` of `{}` would have a negative probability", event.name, self.name);
        Diagnostic::at(Code::E0604, span, message, format!("this value of `{}` makes it negative", var.name))
            .label(var.span, "declared here")
            .help("give a value that is not negative; where it is 0 there are no events")
    }
}
