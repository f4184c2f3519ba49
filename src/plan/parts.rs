//! Which part of what is drawn lies where, without drawing it.

use super::draw::logarithmic;
use super::{Bound, Delay, Distribution, Shape};
use std::collections::BTreeMap;

/// Delays that are drawn to find out how they are distributed, where no formula says.
const ASKED: usize = 100_000;

impl Distribution {
    /// Returns the part of all draws that is at most so large; none for shapes of which only draws tell.
    pub fn at_most(&self, x: f64) -> Option<f64> {
        let below = |x: f64| self.shape.at_most(x);
        match self.bound {
            Bound::None => below(x),
            Bound::Clipped(lo, hi) => match (x < lo, x >= hi) {
                (true, _) => Some(0.0),
                (_, true) => Some(1.0),
                _ => below(x),
            },
            Bound::Redrawn(lo, hi) => {
                let (first, last) = (below(lo)?, below(hi)?);
                // What is next to impossible to draw is wherever it is.
                if last <= first {
                    return None;
                }
                Some(((below(x)? - first) / (last - first)).clamp(0.0, 1.0))
            }
        }
    }
}

impl Shape {
    fn at_most(self, x: f64) -> Option<f64> {
        let normal = |x: f64, mean: f64, deviation: f64| match deviation > 0.0 {
            true => 0.5 * libm::erfc((mean - x) / (deviation * std::f64::consts::SQRT_2)),
            false => f64::from(u8::from(x >= mean)),
        };
        Some(match self {
            Shape::Normal(mean, deviation) => normal(x, mean, deviation),
            Shape::Lognormal(..) if x <= 0.0 => 0.0,
            Shape::Lognormal(mean, deviation) => {
                let (mu, sigma) = logarithmic(mean, deviation);
                normal(x.ln(), mu, sigma)
            }
            Shape::Uniform(lo, hi) if x >= lo && x < hi => (x - lo) / (hi - lo),
            Shape::Uniform(_, hi) => f64::from(u8::from(x >= hi)),
            Shape::Exponential(mean) if mean > 0.0 => -(-x.max(0.0) / mean).exp_m1(),
            Shape::Exponential(_) => f64::from(u8::from(x >= 0.0)),
            Shape::Poisson(_) | Shape::Wald(..) => return None,
        })
    }
}

impl Delay {
    /// Returns the delays that may occur, ascending, and which part of the synapses has each, without looking at many.
    pub fn parts(&self) -> Vec<(u32, f64)> {
        let counted = |list: &mut dyn Iterator<Item = u32>| {
            let (mut of, mut n) = (BTreeMap::<u32, f64>::new(), 0.0);
            list.for_each(|d| {
                *of.entry(d).or_default() += 1.0;
                n += 1.0;
            });
            of.into_iter().map(|(d, count)| (d, count / n)).collect()
        };
        match self {
            Delay::Const(d) => vec![(*d, 1.0)],
            Delay::Array(a) => counted(&mut a.iter().map(|d| u32::from(*d))),
            Delay::Drawn(d) => {
                let below = |steps: f64| d.times.distribution.at_most((steps + 0.5) * d.dt);
                let part = |steps: u32| {
                    let own = f64::from(steps) - f64::from(d.more);
                    Some((steps, below(own)? - below(own - 1.0)?))
                };
                let parts: Option<Vec<_>> = self.possible().into_iter().map(part).collect();
                parts.unwrap_or_else(|| counted(&mut (0..d.n.min(ASKED)).map(|k| u32::from(d.at(k)))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn the_part_of_draws_below_a_value_is_that_of_draws() {
        let shapes = [
            (Shape::Normal(1.5, 0.75), Bound::Redrawn(0.05, f64::INFINITY)),
            (Shape::Lognormal(2.0, 1.0), Bound::Clipped(0.5, 3.0)),
            (Shape::Uniform(1.0, 3.0), Bound::Redrawn(1.5, 9.0)),
            (Shape::Exponential(0.7), Bound::None),
        ];
        for (k, (shape, bound)) in shapes.into_iter().enumerate() {
            let distribution = Distribution { shape, bound };
            let stream = Stream::new(17, k as u32);
            let n = 100_000;
            for x in [0.4, 0.9, 1.7, 2.4, 3.5] {
                let below = (0..n).filter(|i| distribution.sample(&mut stream.reader(*i)).is_some_and(|v| v <= x));
                let found = below.count() as f64 / n as f64;
                let expected = distribution.at_most(x).expect("a formula");
                // Five standard deviations.
                assert!((found - expected).abs() < 5.0 * (0.25 / n as f64).sqrt(), "{shape:?} {x}: {found} {expected}");
            }
        }
        assert_eq!(Distribution { shape: Shape::Poisson(2.0), bound: Bound::None }.at_most(1.0), None);
    }
}
