//! One curve in the units of its axes: as a line, steps, points or bars, thinned to what can be seen, and the line that fits it.

use crate::draw::color;
use crate::draw::marks::{Layer, Side};
use crate::draw::scale::extent;
use crate::figure::{Mark, Panel};

/// Lines of up to this many values show each as a point, too.
const FEW: usize = 40;

/// More values than four in each of this many columns are thinned to the first, last, least and greatest of each.
const COLUMNS: usize = 1500;

/// A curve in the units of its axes.
pub struct Trace {
    pub label: String,
    pub color: String,
    /// Index of its color.
    pub index: usize,
    pub side: Side,
    /// Whether it was recorded over time.
    pub sampled: bool,
    /// Whether it would hide one that is drawn already.
    pub hides: bool,
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub error: Option<Vec<f64>>,
}

impl Trace {
    /// Draws it; returns what else the abscissa has to show.
    ///
    /// Of lines, what lies beyond `shown` is left out before they are thinned; of bars that stand side by side, this is one of so many.
    pub fn draw(
        &self,
        p: &Panel,
        mark: Option<Mark>,
        shown: Option<[f64; 2]>,
        (which, of): (usize, usize),
        layers: &mut Vec<Layer>,
    ) -> Vec<f64> {
        let (label, color, axis) = (self.label.clone(), self.color.clone(), self.side);
        match mark {
            Some(Mark::Points) => {
                let (x, y, error) = (self.x.clone(), self.y.clone(), self.error.clone());
                layers.push(Layer::Points { label, color, axis, x, y, error, names: None });
                Vec::new()
            }
            Some(Mark::Bars) => {
                let order = ascending(&self.x);
                let x: Vec<f64> = order.iter().map(|k| self.x[*k]).collect();
                let edges = edges_of(&x);
                let y: Vec<f64> = order.iter().map(|k| self.y[*k]).collect();
                let (beside, heights) = beside(&edges, &y, (which, of));
                layers.push(Layer::Bars { label, color: color.clone(), axis, edges: beside.clone(), y: heights });
                let middle = |k: usize| {
                    0.5 * (beside[if of > 1 { 2 * k } else { k }] + beside[if of > 1 { 2 * k + 1 } else { k + 1 }])
                };
                let x = (0..x.len()).map(middle).collect();
                if let Some(e) = &self.error {
                    let error = Some(order.iter().map(|k| e[*k]).collect());
                    let color = "#3c3c3c".into();
                    layers.push(Layer::Points { label: String::new(), color, axis, x, y, error, names: None });
                }
                edges
            }
            other => {
                let steps = other == Some(Mark::Steps);
                if let Some(e) = &self.error {
                    // Below all places of a logarithmic axis is its lower end.
                    let lowest = if p.y.log { f64::MIN_POSITIVE } else { f64::NEG_INFINITY };
                    let low = self.y.iter().zip(e).map(|(y, e)| (y - e).max(lowest)).collect();
                    let high = self.y.iter().zip(e).map(|(y, e)| y + e).collect();
                    let (label, color, x) = (String::new(), color.clone(), self.x.clone());
                    layers.push(Layer::Band { label, color, axis, x, low, high });
                }
                let dash = if self.hides { Some([5, 4]) } else { color::dash_of_series(self.index) };
                let (x, y) = match steps {
                    true => (self.x.clone(), self.y.clone()),
                    false => {
                        let (x, y) = within(&self.x, &self.y, shown);
                        thinned(x, y)
                    }
                };
                layers.push(Layer::Line { label, color: color.clone(), dash, axis, steps, x, y });
                if other.is_none() && self.x.len() <= FEW && !self.sampled {
                    let (label, x, y) = (String::new(), self.x.clone(), self.y.clone());
                    layers.push(Layer::Points { label, color, axis, x, y, error: None, names: None });
                }
                Vec::new()
            }
        }
    }
}

/// Bars as one of several that stand side by side between the same edges: every second one is the space between.
fn beside(edges: &[f64], y: &[f64], (which, of): (usize, usize)) -> (Vec<f64>, Vec<f64>) {
    if of <= 1 {
        return (edges.to_vec(), y.to_vec());
    }
    let (mut out, mut heights) = (Vec::new(), Vec::new());
    for (w, v) in edges.windows(2).zip(y) {
        let width = 0.84 * (w[1] - w[0]) / of as f64;
        let left = w[0] + 0.08 * (w[1] - w[0]) + which as f64 * width;
        if !out.is_empty() {
            heights.push(f64::NAN);
        }
        out.extend([left, left + width]);
        heights.push(*v);
    }
    (out, heights)
}

/// The part of an ascending curve that is shown, and one value beyond each of its ends.
fn within<'v>(x: &'v [f64], y: &'v [f64], shown: Option<[f64; 2]>) -> (&'v [f64], &'v [f64]) {
    match shown {
        Some([lo, hi]) if x.windows(2).all(|w| w[0] <= w[1]) => {
            let from = x.partition_point(|v| *v < lo).saturating_sub(1);
            let to = (x.partition_point(|v| *v <= hi) + 1).min(x.len());
            (&x[from..to.max(from)], &y[from..to.max(from)])
        }
        _ => (x, y),
    }
}

fn ascending(x: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|a, b| x[*a].total_cmp(&x[*b]));
    order
}

/// Edges of bars around these values: half way between neighbours.
fn edges_of(x: &[f64]) -> Vec<f64> {
    let Some((first, last)) = x.first().zip(x.last()) else { return Vec::new() };
    let gap = |a: usize, b: usize| if x.len() > 1 { 0.5 * (x[b] - x[a]) } else { 0.5 };
    let n = x.len();
    let mut out = vec![first - gap(0, 1.min(n - 1))];
    out.extend(x.windows(2).map(|w| 0.5 * (w[0] + w[1])));
    out.push(last + gap(n.saturating_sub(2), n - 1));
    out
}

/// Returns whether a curve lies on another for most of its length.
pub fn coincide((ax, ay): (&[f64], &[f64]), (bx, by): (&[f64], &[f64])) -> bool {
    if ax != bx {
        return false;
    }
    let [lo, hi] = extent(ay.iter().chain(by).copied(), false, 0.0);
    let near = |(a, b): &(&f64, &f64)| (*a - *b).abs() <= 0.004 * (hi - lo);
    let both = ay.iter().zip(by).filter(|(a, b)| a.is_finite() && b.is_finite()).count();
    both > 1 && ay.iter().zip(by).filter(near).count() * 10 >= both * 6
}

/// Leaves out what could not be seen: keeps the first, last, least and greatest value of each column, and interruptions.
fn thinned(x: &[f64], y: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let ascending = x.windows(2).all(|w| w[0] <= w[1]);
    if x.len() <= 4 * COLUMNS || !ascending {
        return (x.to_vec(), y.to_vec());
    }
    let (from, to) = (x[0], x[x.len() - 1]);
    let column = |v: f64| (((v - from) / (to - from) * COLUMNS as f64) as usize).min(COLUMNS - 1);
    let mut kept = Vec::with_capacity(4 * COLUMNS);
    let mut begin = 0;
    while begin < x.len() {
        let (at, finite) = (column(x[begin]), y[begin].is_finite());
        let end = (begin..x.len()).find(|k| column(x[*k]) != at || y[*k].is_finite() != finite).unwrap_or(x.len());
        let by = |k: &usize, l: &usize| y[*k].total_cmp(&y[*l]);
        let mut some = match finite {
            true => [Some(begin), (begin..end).min_by(by), (begin..end).max_by(by), Some(end - 1)].to_vec(),
            false => vec![Some(begin)],
        };
        some.sort_unstable();
        some.dedup();
        kept.extend(some.into_iter().flatten());
        begin = end;
    }
    kept.iter().map(|k| (x[*k], y[*k])).unzip()
}

/// The line of least squares through points, and their correlation.
///
/// On a logarithmic axis it is a line through logarithms, so that it is straight.
pub fn fitted(one: &Trace, log: (bool, bool)) -> Option<(Layer, f64)> {
    let place = |v: f64, log: bool| if log { v.log10() } else { v };
    let value = |v: f64, log: bool| if log { 10f64.powf(v) } else { v };
    let both = one.x.iter().zip(&one.y).map(|(x, y)| (place(*x, log.0), place(*y, log.1)));
    let (x, y): (Vec<f64>, Vec<f64>) = both.filter(|(x, y)| x.is_finite() && y.is_finite()).unzip();
    let r = crate::measure::correlation(&x, &y)?;
    let (mx, my) = (crate::measure::mean(&x)?, crate::measure::mean(&y)?);
    let slope = (crate::measure::variance(&y)? / crate::measure::variance(&x)?).sqrt() * r;
    let [lo, hi] = extent(x.into_iter(), false, 0.0);
    let line = Layer::Line {
        label: String::new(),
        color: one.color.clone(),
        dash: Some([2, 3]),
        axis: one.side,
        steps: false,
        y: [lo, hi].map(|x| value(my + slope * (x - mx), log.1)).to_vec(),
        x: [lo, hi].map(|x| value(x, log.0)).to_vec(),
    };
    Some((line, r))
}
