//! What is drawn is kept as the way to draw it: a value per synapse or partners per cell, each from its own place in a random
//! stream, so that any of them can be had at any time, by any thread.

use super::View;
use crate::rng::{BATCH, Reader, Stream, ln, normals};
use crate::value::Cells;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The shape of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Shape {
    /// Mean, standard deviation.
    Normal(f64, f64),
    /// Mean and standard deviation of the value itself, not of its logarithm.
    Lognormal(f64, f64),
    /// Bounds.
    Uniform(f64, f64),
    /// Mean.
    Exponential(f64),
    /// Mean of whole numbers.
    Poisson(f64),
    /// Mean and scale of the time that a random walk with drift takes to a threshold.
    Wald(f64, f64),
}

/// What happens to values beyond bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Bound {
    /// There are none.
    None,
    /// They are moved to the bound.
    Clipped(f64, f64),
    /// They are drawn again.
    Redrawn(f64, f64),
}

/// A distribution with its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Its shape.
    pub shape: Shape,
    /// Its bounds.
    pub bound: Bound,
}

/// Draws per value before a bound counts as unreachable.
const ATTEMPTS: usize = 10_000;

/// The largest deviate that [`Reader::normal`] can give: sqrt(-2 ln 2^-54).
const WIDEST: f64 = 8.66;

impl Distribution {
    /// Draws one value; none if nothing seems to lie within the bounds.
    pub fn sample(&self, r: &mut Reader) -> Option<f64> {
        (0..ATTEMPTS).find_map(|_| self.attempt(r))
    }

    fn attempt(&self, r: &mut Reader) -> Option<f64> {
        self.bounded(match self.shape {
            Shape::Normal(mean, deviation) => mean + deviation * r.normal(),
            Shape::Lognormal(mean, deviation) => {
                let (mu, sigma) = logarithmic(mean, deviation);
                (mu + sigma * r.normal()).exp()
            }
            Shape::Uniform(lo, hi) => lo + (hi - lo) * r.uniform(),
            Shape::Exponential(mean) => -mean * ln(r.uniform()),
            Shape::Poisson(mean) => poisson(mean, r),
            Shape::Wald(mean, scale) => wald(mean, scale, r),
        })
    }

    /// What its bounds leave of a value.
    fn bounded(&self, v: f64) -> Option<f64> {
        match self.bound {
            Bound::Clipped(lo, hi) => Some(v.max(lo).min(hi)),
            Bound::Redrawn(lo, hi) if v < lo || v > hi => None,
            _ => Some(v),
        }
    }

    /// Returns a value that no draw is below.
    pub fn lowest(&self) -> f64 {
        let open = match self.shape {
            Shape::Normal(mean, deviation) => mean - WIDEST * deviation.abs(),
            Shape::Lognormal(..) | Shape::Exponential(_) | Shape::Poisson(_) | Shape::Wald(..) => 0.0,
            Shape::Uniform(lo, hi) => lo.min(hi),
        };
        match self.bound {
            Bound::None => open,
            Bound::Clipped(lo, _) | Bound::Redrawn(lo, _) => open.max(lo),
        }
    }

    /// Returns a value that no draw exceeds.
    pub fn highest(&self) -> f64 {
        let open = match self.shape {
            Shape::Normal(mean, deviation) => mean + WIDEST * deviation.abs(),
            Shape::Lognormal(mean, deviation) => {
                let (mu, sigma) = logarithmic(mean, deviation);
                (mu + WIDEST * sigma).exp()
            }
            Shape::Uniform(lo, hi) => lo.max(hi),
            Shape::Exponential(mean) => mean * WIDEST * WIDEST / 2.0,
            Shape::Poisson(_) => f64::INFINITY,
            Shape::Wald(mean, scale) => wald_roots(mean, scale, WIDEST).1,
        };
        match self.bound {
            Bound::None => open,
            Bound::Clipped(_, hi) | Bound::Redrawn(_, hi) => open.min(hi),
        }
    }
}

/// Draws a Poisson number: by products of uniform numbers, or where they would be many by transformed rejection (Hörmann 1993, Insur Math
/// Econ 12:39, algorithm PTRS).
fn poisson(mean: f64, r: &mut Reader) -> f64 {
    if mean < 10.0 {
        let (least, mut product, mut k) = ((-mean).exp(), r.uniform(), 0.0);
        while product > least {
            product *= r.uniform();
            k += 1.0;
        }
        return k;
    }
    let b = 0.931 + 2.53 * mean.sqrt();
    let a = -0.059 + 0.02483 * b;
    let (alpha, squeeze) = (1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2.0));
    loop {
        let (u, v) = (r.uniform() - 0.5, r.uniform());
        let s = 0.5 - u.abs();
        let k = ((2.0 * a / s + b) * u + mean + 0.43).floor();
        if s >= 0.07 && v <= squeeze {
            return k;
        }
        if k < 0.0 || s < 0.013 && v > s {
            continue;
        }
        if (v * alpha / (a / (s * s) + b)).ln() <= k * mean.ln() - mean - libm::lgamma(k + 1.0) {
            return k;
        }
    }
}

/// Draws a Wald (inverse Gaussian) number by the roots of a square (Michael, Schucany & Haas 1976, Am Stat 30:88).
fn wald(mean: f64, scale: f64, r: &mut Reader) -> f64 {
    let (small, large) = wald_roots(mean, scale, r.normal());
    if r.uniform() * (mean + small) <= mean { small } else { large }
}

/// The two Wald numbers that a normal one may stand for.
fn wald_roots(mean: f64, scale: f64, normal: f64) -> (f64, f64) {
    let y = mean * normal * normal;
    let large = mean + mean / (2.0 * scale) * (y + (4.0 * scale * y + y * y).sqrt());
    (mean * mean / large, large)
}

/// Mean and standard deviation of the logarithm.
pub(super) fn logarithmic(mean: f64, deviation: f64) -> (f64, f64) {
    let variance = (1.0 + (deviation / mean).powi(2)).ln();
    (mean.ln() - 0.5 * variance, variance.sqrt())
}

/// A value per synapse, each from its own place in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DrawnValues {
    /// What is drawn.
    pub distribution: Distribution,
    /// From where.
    pub stream: Stream,
}

impl DrawnValues {
    /// Returns whether values lie within the bounds.
    pub fn can_be_drawn(&self) -> bool {
        let (a, b) = match self.distribution.shape {
            Shape::Normal(a, b) | Shape::Lognormal(a, b) | Shape::Uniform(a, b) | Shape::Wald(a, b) => (a, b),
            Shape::Exponential(a) | Shape::Poisson(a) => (a, 0.0),
        };
        let drawn = self.distribution.sample(&mut self.stream.reader(0));
        a.is_finite() && b.is_finite() && drawn.is_some_and(f64::is_finite)
    }

    /// Returns the value of one synapse. That values lie within the bounds has been tried before.
    pub fn at(&self, k: usize) -> f64 {
        let mut r = self.stream.reader(k as u64);
        loop {
            if let Some(v) = self.distribution.attempt(&mut r) {
                return v;
            }
        }
    }

    /// Appends the values of several synapses.
    pub fn append(&self, which: &[usize], out: &mut Vec<f64>) {
        let Shape::Normal(mean, deviation) = self.distribution.shape else {
            return out.extend(which.iter().map(|k| self.at(*k)));
        };
        for some in which.chunks(BATCH) {
            let item = |i: usize| some.get(i).map_or(0, |k| *k as u64);
            let [mut first, second] = self.stream.first_of_readers(&std::array::from_fn(item));
            normals(&mut first, &second);
            out.extend(some.iter().zip(first).map(|(k, deviate)| {
                // What lies beyond bounds is drawn again.
                self.distribution.bounded(mean + deviation * deviate).unwrap_or_else(|| self.at(*k))
            }));
        }
    }
}

/// How the partners of cells are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Connector {
    /// Each target of a source with this probability.
    Probability(f64),
    /// So many targets of each source, perhaps the same one again.
    OutDegree,
    /// So many sources of each target, perhaps the same one again.
    InDegree,
    /// So many pairs in all: how many a source has is drawn first, then the targets of each.
    Total,
}

/// Pairs that are drawn line by line: the targets of each source, or the sources of each target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawing {
    /// Sources.
    pub pre: View,
    /// Targets.
    pub post: View,
    /// How.
    pub connector: Connector,
    /// Whether a cell may be its own target.
    pub autapses: bool,
    /// From where.
    pub stream: Stream,
    /// Synapses of line `i` are `start[i] .. start[i + 1]`.
    start: Arc<Vec<u64>>,
    /// The cells that the indices of both views stand for, if they are no range; no cell is its own target then.
    #[serde(skip)]
    chosen: Option<Arc<(Cells, Cells)>>,
    /// Whether it only says how many synapses to expect, in all; where the lines begin is not known.
    #[serde(skip)]
    expected: bool,
}

/// Pairs whose sources are drawn by one thread at a time.
const PART: u64 = 1 << 20;

impl Drawing {
    /// Prepares drawing; `degree` is the number of synapses of each line, or of all for [`Connector::Total`].
    ///
    /// There must be a partner for every cell that needs one.
    pub fn new(
        (pre, post): (View, View),
        connector: Connector,
        degree: usize,
        autapses: bool,
        stream: Stream,
    ) -> Drawing {
        Drawing { pre, post, connector, autapses, stream, start: Arc::default(), chosen: None, expected: false }
            .counted(degree)
    }

    /// A drawing of so many synapses that nobody will look at one by one.
    pub fn expected((pre, post): (View, View), connector: Connector, synapses: u64, stream: Stream) -> Drawing {
        let start = Arc::new(vec![0, synapses]);
        Drawing { pre, post, connector, autapses: true, stream, start, chosen: None, expected: true }
    }

    /// Returns whether it only says how many synapses to expect.
    pub fn is_expected(&self) -> bool {
        self.expected
    }

    /// The same between views that stand for cells which need not be ranges, one for each index. No cell is its own target.
    pub fn between(
        (pre, post): (View, View),
        cells: (&Cells, &Cells),
        connector: Connector,
        degree: usize,
        stream: Stream,
    ) -> Drawing {
        let chosen = Some(Arc::new((cells.0.clone(), cells.1.clone())));
        let start = Arc::default();
        Drawing { pre, post, connector, autapses: false, stream, start, chosen, expected: false }.counted(degree)
    }

    /// Draws how many synapses each line has.
    fn counted(self, degree: usize) -> Drawing {
        let (connector, mut drawing) = (self.connector, self);
        let n = drawing.lines();
        let lengths: Vec<u64> = match connector {
            Connector::OutDegree | Connector::InDegree => vec![degree as u64; n],
            Connector::Total => drawing.shared_out(degree as u64),
            Connector::Probability(p) => {
                let count = |i: usize| {
                    let mut length = 0;
                    drawing.chosen(i, p, &mut |_| length += 1);
                    length
                };
                crate::parallel::map(n, count)
            }
        };
        let mut start = Vec::with_capacity(n + 1);
        let mut sum = 0;
        start.push(0);
        for length in lengths {
            sum += length;
            start.push(sum);
        }
        drawing.start = Arc::new(start);
        drawing
    }

    /// Returns the number of synapses.
    pub fn len(&self) -> usize {
        self.start.last().map_or(0, |n| *n as usize)
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether it says of every line where its synapses begin, and of chances rightly.
    pub fn is_counted(&self) -> bool {
        let n = self.lines();
        let lines = self.start.first() == Some(&0) && self.start.len().checked_sub(1) == Some(n);
        if !lines || !self.start.is_sorted() || self.start[n] > u64::from(u32::MAX) {
            return false;
        }
        let Connector::Probability(p) = self.connector else { return true };
        let count = |i: usize| {
            let mut length = 0;
            self.chosen(i, p, &mut |_| length += 1);
            length == self.start[i + 1] - self.start[i]
        };
        crate::parallel::map(n, count).into_iter().all(|counted| counted)
    }

    /// Returns whether the lines are those of targets.
    pub fn is_by_target(&self) -> bool {
        self.connector == Connector::InDegree
    }

    /// Returns the number of lines.
    pub fn lines(&self) -> usize {
        if self.is_by_target() { self.post.n } else { self.pre.n }
    }

    /// Returns where the synapses of a line begin in the order of all.
    pub fn first(&self, line: usize) -> usize {
        self.start[line] as usize
    }

    /// Returns which line a synapse belongs to.
    pub fn line_of(&self, k: usize) -> usize {
        self.start.partition_point(|s| *s <= k as u64) - 1
    }

    /// Draws the partners of a line, as cells of their population, in the order of its synapses.
    pub fn line(&self, i: usize, mut visit: impl FnMut(u32)) {
        if self.expected {
            crate::ice!("pairs are asked for that are only expected");
        }
        let length = self.start[i + 1] - self.start[i];
        match self.connector {
            Connector::Probability(p) => self.chosen(i, p, &mut |j| visit((self.post.start + j) as u32)),
            Connector::OutDegree => {
                let mut r = self.stream.reader(i as u64);
                for _ in 0..length {
                    let j = self.partner(&mut r, self.post.n, |j| self.allowed(i, j));
                    visit((self.post.start + j) as u32);
                }
            }
            Connector::InDegree => {
                let mut r = self.stream.reader(i as u64);
                for _ in 0..length {
                    let j = self.partner(&mut r, self.pre.n, |j| self.allowed(j, i));
                    visit((self.pre.start + j) as u32);
                }
            }
            Connector::Total => {
                let mut r = self.stream.reader(1 << 32 | i as u64);
                for _ in 0..length {
                    let j = self.partner(&mut r, self.post.n, |j| self.allowed(i, j));
                    visit((self.post.start + j) as u32);
                }
            }
        }
    }

    fn allowed(&self, i: usize, j: usize) -> bool {
        if let Some(chosen) = &self.chosen {
            return chosen.0.at(i) != chosen.1.at(j);
        }
        let same = self.pre.population == self.post.population;
        self.autapses || !same || self.pre.start + i != self.post.start + j
    }

    fn partner(&self, r: &mut Reader, n: usize, allowed: impl Fn(usize) -> bool) -> usize {
        loop {
            let j = r.below(n as u32) as usize;
            if allowed(j) {
                return j;
            }
        }
    }

    /// Visits the targets of a source, each with probability p, by drawing the gaps between them.
    fn chosen(&self, i: usize, p: f64, visit: &mut dyn FnMut(usize)) {
        let mut r = self.stream.reader(i as u64);
        gaps(p, self.post.n, &mut r, &mut |j| {
            if self.allowed(i, j) {
                visit(j);
            }
        });
    }

    /// Draws the sources of so many pairs, each pair as likely as any other; returns how many each source has.
    fn shared_out(&self, total: u64) -> Vec<u64> {
        let n = self.pre.n;
        let parts = total.div_ceil(PART) as usize;
        let counts = crate::parallel::map(parts, |part| {
            let mut counts = vec![0u32; n];
            let mut r = self.stream.reader(part as u64);
            let mut left = (total - part as u64 * PART).min(PART);
            while left > 0 {
                let i = r.below(n as u32) as usize;
                // Where a pair is not allowed, it is drawn again: its source then has one target less to offer.
                if self.autapses || self.allowed(i, r.below(self.post.n as u32) as usize) {
                    counts[i] += 1;
                    left -= 1;
                }
            }
            counts
        });
        let mut out = vec![0; n];
        for part in counts {
            out.iter_mut().zip(part).for_each(|(sum, count)| *sum += u64::from(count));
        }
        out
    }
}

/// Visits each of `n` indices with probability p, drawing the gaps between them.
fn gaps(p: f64, n: usize, r: &mut Reader, visit: &mut dyn FnMut(usize)) {
    if p <= 0.0 {
        return;
    }
    if p >= 1.0 {
        return (0..n).for_each(visit);
    }
    let scale = 1.0 / (-p).ln_1p();
    let mut j = (ln(r.uniform()) * scale).floor();
    while j < n as f64 {
        visit(j as usize);
        j += 1.0 + (ln(r.uniform()) * scale).floor();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing(connector: Connector, degree: usize, autapses: bool) -> Drawing {
        let view = |start, n| View { population: 0, start, n };
        Drawing::new((view(0, 300), view(100, 500)), connector, degree, autapses, Stream::new(5, 7))
    }

    #[test]
    fn gaps_visit_the_expected_number() {
        let mut r = Stream::new(3, 1).reader(0);
        let mut hits = 0;
        gaps(0.02, 1_000_000, &mut r, &mut |_| hits += 1);
        // Five standard deviations of a binomial.
        assert!((f64::from(hits) - 20_000.0).abs() < 5.0 * (1e6f64 * 0.02 * 0.98).sqrt(), "{hits}");
    }

    #[test]
    fn counts_and_first_passages_have_their_means_and_variances() {
        let n = 200_000;
        let shapes = [
            (Shape::Poisson(0.3), 0.3, 0.3, 0.3),
            (Shape::Poisson(9.9), 9.9, 9.9, 9.9),
            (Shape::Poisson(10.0), 10.0, 10.0, 10.0),
            (Shape::Poisson(250.0), 250.0, 250.0, 250.0),
            // Mean, mean^3 / scale, and the third central moment: 3 mean^5 / scale^2.
            (Shape::Wald(2.0, 1.0), 2.0, 8.0, 96.0),
            (Shape::Wald(0.5, 4.0), 0.5, 0.03125, 0.005_859_375),
        ];
        for (k, (shape, mean, variance, third)) in shapes.into_iter().enumerate() {
            let distribution = Distribution { shape, bound: Bound::None };
            let stream = Stream::new(11, k as u32);
            let draw = |i: u64| match distribution.sample(&mut stream.reader(i)) {
                Some(v) => v,
                None => panic!("{shape:?} has no value"),
            };
            let all: Vec<f64> = (0..n).map(draw).collect();
            let moment = |about: f64, p: i32| all.iter().map(|x| (x - about).powi(p)).sum::<f64>() / n as f64;
            let fifth = 5.0 * (variance / n as f64).sqrt();
            assert!((moment(0.0, 1) - mean).abs() < fifth, "{shape:?}: mean {}", moment(0.0, 1));
            assert!((moment(mean, 2) / variance - 1.0).abs() < 0.05, "{shape:?}: variance {}", moment(mean, 2));
            assert!((moment(mean, 3) / third - 1.0).abs() < 0.3, "{shape:?}: third moment {}", moment(mean, 3));
            let whole = matches!(shape, Shape::Poisson(_));
            assert!(all.iter().all(|x| *x >= 0.0 && *x <= distribution.highest() && (!whole || x.fract() == 0.0)));
        }
        // The chance of nothing at all.
        let none = Distribution { shape: Shape::Poisson(2.0), bound: Bound::None };
        let zeros = (0..n).filter(|i| none.sample(&mut Stream::new(1, 2).reader(*i)) == Some(0.0)).count();
        assert!((zeros as f64 / n as f64 - (-2.0f64).exp()).abs() < 0.004);
    }

    #[test]
    fn every_line_has_the_partners_that_it_was_counted_with() {
        let kinds = [
            (Connector::Probability(0.1), 0),
            (Connector::OutDegree, 30),
            (Connector::InDegree, 20),
            (Connector::Total, 3_000_000),
        ];
        for (connector, degree) in kinds {
            let d = drawing(connector, degree, false);
            let mut k = 0;
            for i in 0..d.lines() {
                assert_eq!(d.first(i), k);
                d.line(i, |partner| {
                    let (pre, post) = if d.is_by_target() { (partner, 100 + i as u32) } else { (i as u32, partner) };
                    assert!(pre != post && pre < 300 && (100..600).contains(&post));
                    assert_eq!(d.line_of(k), i);
                    k += 1;
                });
            }
            assert_eq!(k, d.len());
        }
    }

    #[test]
    fn a_total_is_shared_out_evenly_among_the_pairs_that_are_allowed() {
        let d = drawing(Connector::Total, 3_000_000, false);
        assert_eq!(d.len(), 3_000_000);
        // Sources from 100 on have 499 targets, those before 500.
        let pairs = 100.0 * 500.0 + 200.0 * 499.0;
        let of = |range: std::ops::Range<usize>| (d.first(range.end) - d.first(range.start)) as f64;
        let (few, many) = (of(0..100) / 3e6, of(100..300) / 3e6);
        let error = 5.0 * (2.0 / 9.0 / 3e6f64).sqrt();
        assert!((few - 50_000.0 / pairs).abs() < error && (many - 99_800.0 / pairs).abs() < error, "{few} {many}");
        // Counts of single sources scatter like a binomial variable: chi-square of 300 sources, five standard deviations.
        let expected = |i: usize| 3e6 * if i < 100 { 500.0 } else { 499.0 } / pairs;
        let square: f64 = (0..300).map(|i| (of(i..i + 1) - expected(i)).powi(2) / expected(i)).sum();
        assert!((square - 299.0).abs() < 5.0 * (2.0 * 299.0f64).sqrt(), "{square}");
    }
}
