//! Distributions from which weights, delays and initial values are drawn.

use super::Attempt;
use super::eval::{Scope, fail};
use super::value::Value;
use crate::diag::Code;
use crate::plan::Column;
use crate::rng::{Reader, Stream};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};
use std::sync::Arc;

enum Kind {
    /// Mean, standard deviation.
    Normal(f64, f64),
    /// Mean and standard deviation of the value itself, not of its logarithm.
    Lognormal(f64, f64),
    /// Bounds.
    Uniform(f64, f64),
    /// Mean.
    Exponential(f64),
}

enum Bound {
    None,
    /// Values beyond are moved to the bound.
    Clipped(f64, f64),
    /// Values beyond are drawn again.
    Redrawn(f64, f64),
}

/// A distribution with its bounds.
pub struct Sampler {
    kind: Kind,
    bound: Bound,
    /// The time step, for delays: what rounds to no step at all is drawn again.
    grid: Option<f64>,
    span: Span,
}

/// Draws per value before a bound counts as unreachable.
const ATTEMPTS: usize = 10_000;

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
        let kind = match name.as_str() {
            "normal" => Kind::Normal(a, b),
            "lognormal" => Kind::Lognormal(a, b),
            "uniform" => Kind::Uniform(a, b),
            "xavier" | "xavier_uniform" | "kaiming" => {
                let Some((inputs, outputs)) = fans else {
                    let message = format!("`{name}` draws weights");
                    return fail(Code::E0401, span, message, "depends on the size of a projection");
                };
                match name.as_str() {
                    "xavier" => Kind::Normal(0.0, a * (2.0 / (inputs + outputs)).sqrt()),
                    "kaiming" => Kind::Normal(0.0, a * (2.0 / inputs).sqrt()),
                    _ => {
                        let most = a * (6.0 / (inputs + outputs)).sqrt();
                        Kind::Uniform(-most, most)
                    }
                }
            }
            _ => Kind::Exponential(a),
        };
        let bound = match &d.bound {
            None => Bound::None,
            Some((clipped, range)) => match (scope.eval(range)?, clipped) {
                (Value::Range(lo, hi, ..), true) => Bound::Clipped(lo, hi),
                (Value::Range(lo, hi, ..), false) => Bound::Redrawn(lo, hi),
                _ => return fail(Code::E0401, range.span, "expected a range", "not a range"),
            },
        };
        Ok(Sampler { kind, bound, grid, span })
    }

    /// Draws `n` values, each from its own place in the stream.
    pub fn column(&self, n: usize, stream: &Stream) -> Attempt<Column> {
        let values: Option<Vec<f64>> = (0..n).map(|i| self.sample(&mut stream.reader(i as u64))).collect();
        match values {
            Some(values) => Ok(Column::Array(Arc::new(values))),
            None => fail(Code::E0604, self.span, "nothing can be drawn within the bounds", "would be redrawn for ever"),
        }
    }

    fn sample(&self, r: &mut Reader) -> Option<f64> {
        for _ in 0..ATTEMPTS {
            let v = match self.kind {
                Kind::Normal(mean, deviation) => mean + deviation * r.normal(),
                Kind::Lognormal(mean, deviation) => {
                    let variance = (1.0 + (deviation / mean).powi(2)).ln();
                    (mean.ln() - 0.5 * variance + variance.sqrt() * r.normal()).exp()
                }
                Kind::Uniform(lo, hi) => lo + (hi - lo) * r.uniform(),
                Kind::Exponential(mean) => -mean * r.uniform().ln(),
            };
            let v = match self.bound {
                Bound::Clipped(lo, hi) => v.max(lo).min(hi),
                Bound::Redrawn(lo, hi) if v < lo || v > hi => continue,
                _ => v,
            };
            match self.grid {
                Some(dt) if v < dt / 2.0 => continue,
                Some(dt) => return Some(v.max(dt)),
                None => return Some(v),
            }
        }
        None
    }
}
