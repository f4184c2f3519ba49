//! Distributions as they are written, evaluated.

use super::Attempt;
use super::eval::{Scope, fail};
use super::value::Value;
use crate::diag::Code;
use crate::plan::{Bound, Column, Distribution, DrawnValues, Shape};
use crate::rng::Stream;
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};
use std::sync::Arc;

/// A distribution with the place where it is written.
pub struct Sampler {
    distribution: Distribution,
    span: Span,
}

impl Sampler {
    /// Evaluates the parameters of a distribution.
    ///
    /// `fans` are the numbers of inputs of a target and of outputs of a source, where weights are drawn.
    pub fn new(scope: &Scope, d: &ast::Distribution, grid: Option<f64>, fans: Option<(f64, f64)>) -> Attempt<Sampler> {
        let span = d.call.span;
        let ExprKind::Call(f, args) = &d.call.kind else {
            return fail(Code::E0401, span, "expected a distribution", "here");
        };
        let ExprKind::Name(name) = &f.kind else {
            return fail(Code::E0401, span, "expected a distribution", "here");
        };
        let value = |i: usize| args.get(i).map_or(Ok(0.0), |a| scope.number(&a.value));
        let (a, b) = (value(0)?, value(1)?);
        let shape = match name.as_str() {
            "normal" => Shape::Normal(a, b),
            "lognormal" => Shape::Lognormal(a, b),
            "uniform" => Shape::Uniform(a, b),
            "xavier" | "xavier_uniform" | "kaiming" => {
                let Some((inputs, outputs)) = fans else {
                    let message = format!("`{name}` draws weights");
                    return fail(Code::E0401, span, message, "depends on the size of a projection");
                };
                match name.as_str() {
                    "xavier" => Shape::Normal(0.0, a * (2.0 / (inputs + outputs)).sqrt()),
                    "kaiming" => Shape::Normal(0.0, a * (2.0 / inputs).sqrt()),
                    _ => {
                        let most = a * (6.0 / (inputs + outputs)).sqrt();
                        Shape::Uniform(-most, most)
                    }
                }
            }
            _ => Shape::Exponential(a),
        };
        let bound = match &d.bound {
            None => Bound::None,
            Some((clipped, range)) => match (scope.eval(range)?, clipped) {
                (Value::Range(lo, hi, ..), true) => Bound::Clipped(lo, hi),
                (Value::Range(lo, hi, ..), false) => Bound::Redrawn(lo, hi),
                _ => return fail(Code::E0401, range.span, "expected a range", "not a range"),
            },
        };
        Ok(Sampler { distribution: Distribution { shape, bound, grid }, span })
    }

    /// Draws `n` values, each from its own place in the stream.
    pub fn column(&self, n: usize, stream: &Stream) -> Attempt<Column> {
        let sample = |i: usize| self.distribution.sample(&mut stream.reader(i as u64));
        match (0..n).map(sample).collect::<Option<Vec<f64>>>() {
            Some(values) => Ok(Column::Array(Arc::new(values))),
            None => self.unreachable(),
        }
    }

    /// Prepares to draw `n` values, each from its own place in the stream, when they are needed.
    pub fn values(&self, n: usize, stream: &Stream) -> Attempt<DrawnValues> {
        // If the first ones can be drawn, so can the others, be it with more attempts.
        let sample = |i: usize| self.distribution.sample(&mut stream.reader(i as u64));
        match (0..n.min(100)).all(|i| sample(i).is_some()) {
            true => Ok(DrawnValues { distribution: self.distribution, stream: *stream }),
            false => self.unreachable(),
        }
    }

    fn unreachable<T>(&self) -> Attempt<T> {
        fail(Code::E0604, self.span, "nothing can be drawn within the bounds", "would be redrawn for ever")
    }
}
