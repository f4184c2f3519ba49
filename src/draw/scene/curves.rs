//! Values: lines, steps, points, bars, bands and histograms.

use super::parts::{Conversion, axis_of, counted, joined, largest, legend, with_ends};
use crate::draw::color;
use crate::draw::marks::{Layer, Side, View};
use crate::draw::scale::{Scale, common, extent, label};
use crate::figure::{Axis, Column, Data, Mark, Panel, Recorded, Recordings, Series};
use crate::units::{Dim, Unit, lookup};

/// Lines of up to this many values show each as a point, too.
const FEW: usize = 40;

/// More values than four in each of this many columns are thinned to the first, last, least and greatest of each.
const COLUMNS: usize = 1500;

/// More recorded cells than this are not told apart by lines.
pub const MANY: usize = 10;

/// A curve of one series, in the units of its columns.
struct Curve {
    label: String,
    /// Index of its color.
    color: usize,
    series: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    error: Option<Vec<f64>>,
}

pub fn view(p: &Panel, from: &dyn Recordings) -> Result<View, String> {
    let mut captions = Vec::new();
    let mut curves = Vec::new();
    let mut span: Option<(f64, f64)> = None;
    for s in &p.series {
        if let Data::Samples(r) = &s.of.data {
            let (a, b) = span.unwrap_or((r.from, r.to));
            span = Some((a.min(r.from), b.max(r.to)));
        }
    }
    for (k, name) in legend(p).into_iter().enumerate() {
        curves.extend(curves_of(p, k, &name, curves.len(), span, from, &mut captions)?);
    }
    let x_unit = abscissa_unit(p, curves.iter().flat_map(|c| &c.x));
    let axes = Axes::of(p, &curves);
    let x_from = abscissa(p).map_or_else(Unit::one, |(_, unit)| unit);
    let mut layers = Vec::new();
    let mut lost = [0usize; 2];
    let mut undefined = 0;
    let (mut xs, mut ys) = (Vec::new(), [Vec::new(), Vec::new()]);
    let mut drawn: Vec<(Vec<f64>, Vec<f64>, Side)> = Vec::new();
    let several = curves.len() > 1;
    for (which, c) in curves.iter().enumerate() {
        let of = &p.series[c.series].of;
        let side = axes.side(of.dim);
        let to = Conversion { from: &of.unit, to: axes.unit(side) };
        let x = Conversion { from: &x_from, to: &x_unit }.all(&c.x);
        let mut y = to.all(&c.y);
        undefined += y.iter().filter(|v| !v.is_finite()).count();
        for (count, log, values) in [(0, p.x.log, &x), (1, p.y.log, &y)] {
            lost[count] += values.iter().filter(|v| log && **v <= 0.0).count();
        }
        if p.y.log {
            // There is no such place; the line is interrupted.
            y.iter_mut().filter(|v| **v <= 0.0).for_each(|v| *v = f64::NAN);
        }
        let error = c.error.as_ref().map(|e| to.all(e));
        let label = match several {
            true if side == Side::Right && !c.label.is_empty() => format!("{} (right)", c.label),
            true => c.label.clone(),
            false => String::new(),
        };
        let sides = &mut ys[usize::from(side == Side::Right)];
        sides.extend(&y);
        if let Some(e) = &error {
            let ends = y.iter().zip(e).flat_map(|(y, e)| [y - e, y + e]);
            sides.extend(ends.filter(|v| !p.y.log || *v > 0.0));
        }
        let hides = drawn.iter().any(|(dx, dy, ds)| *ds == side && coincide((dx, dy), (&x, &y)));
        drawn.push((x.clone(), y.clone(), side));
        let one = One { label, color: color::of_series(c.color), index: c.color, side, hides, x, y, error };
        let single = one.y.len() == 1 && p.mark != Some(Mark::Bars);
        let mark = if single { Some(Mark::Points) } else { p.mark };
        let shown = p.x.range.map(|(lo, hi)| [x_unit.from_internal(lo), x_unit.from_internal(hi)]);
        let edges = one.draw(p, mark, shown, (which, curves.len()), &mut layers);
        xs.extend(edges.iter().chain(&one.x).copied());
        if p.fit
            && let Some((line, r)) = fitted(&one, (p.x.log, p.y.log))
        {
            let of = if p.x.log || p.y.log { " on these axes" } else { "" };
            captions.push(format!("r = {r:.3}{of}{}", if several { format!(" ({})", c.label) } else { String::new() }));
            layers.push(line);
        }
    }
    for (count, axis) in lost.iter().zip(["abscissa", "ordinate"]) {
        if *count > 0 {
            captions.push(format!("{} not above zero on the logarithmic {axis}", counted(*count, "value")));
        }
    }
    if undefined > 0 {
        captions.push(format!("{} not finite", counted(undefined, "value")));
    }
    if xs.is_empty() {
        captions.push("no values".into());
    }
    let x_range = match span.filter(|_| p.against.is_none()) {
        Some((a, b)) if !p.x.log || a > 0.0 => {
            let to = Conversion { from: &x_from, to: &x_unit };
            [to.of(a), to.of(if b > a { b } else { a + 1.0 })]
        }
        _ if p.x.log => extent(xs.into_iter(), true, 0.0),
        _ if matches!(p.mark, Some(Mark::Bars)) => extent(xs.into_iter(), p.x.log, 0.0),
        _ => extent(xs.into_iter(), false, 0.02),
    };
    let x_name = match &p.against {
        Some(c) if c.name.is_empty() => common(&[""], c.dim),
        Some(c) => c.name.clone(),
        None if span.is_some() => "time".into(),
        None => "index".into(),
    };
    let ends = with_ends(x_range, &p.x, &x_unit);
    let counted = p.against.is_none() && span.is_none();
    let x = Scale { whole: counted, ..Scale::new(label(&x_name, &x_unit), p.x.log, ends) };
    let bars = matches!(p.mark, Some(Mark::Bars));
    let [left, right] = ys;
    let y = axes.scale(p, Side::Left, left, bars);
    let right = axes.right.is_some().then(|| axes.scale(p, Side::Right, right, bars));
    let [lo, hi] = y.range;
    if lo < 0.0 && hi > 0.0 && !y.log {
        layers.insert(0, Layer::Rule { axis: Side::Left, at: 0.0, along: "x" });
    }
    Ok(View { title: p.title.clone(), caption: joined(&captions), aspect: None, x, y, right, layers })
}

/// The abscissa's name and unit, if it has one of its own.
fn abscissa(p: &Panel) -> Option<(String, Unit)> {
    match &p.against {
        Some(c) => Some((c.name.clone(), c.unit.clone())),
        None if p.series.iter().any(|s| matches!(s.of.data, Data::Samples(_))) => Some(("time".into(), lookup("ms")?)),
        None => None,
    }
}

fn abscissa_unit<'v>(p: &Panel, values: impl Iterator<Item = &'v f64>) -> Unit {
    abscissa(p).map_or_else(Unit::one, |(_, unit)| unit.readable(largest(values)))
}

/// The units of the ordinates, one for each dimension.
struct Axes {
    left: (Dim, Unit),
    right: Option<(Dim, Unit)>,
}

impl Axes {
    fn of(p: &Panel, curves: &[Curve]) -> Axes {
        let mut found: Vec<(Dim, Unit)> = Vec::new();
        for s in &p.series {
            let dim = s.of.dim;
            if found.iter().any(|(d, _)| *d == dim) {
                continue;
            }
            let same = |c: &&Curve| p.series[c.series].of.dim == dim;
            let unit = &s.of.unit;
            let sizes = curves
                .iter()
                .filter(same)
                .map(|c| Conversion { from: &p.series[c.series].of.unit, to: unit }.of(largest(c.y.iter())).abs());
            found.push((dim, unit.readable(sizes.fold(0.0, f64::max))));
        }
        let mut found = found.into_iter();
        Axes { left: found.next().unwrap_or((Dim::ONE, Unit::one())), right: found.next() }
    }

    fn side(&self, dim: Dim) -> Side {
        if dim == self.left.0 { Side::Left } else { Side::Right }
    }

    fn unit(&self, side: Side) -> &Unit {
        match (&self.right, side) {
            (Some((_, unit)), Side::Right) => unit,
            _ => &self.left.1,
        }
    }

    fn scale(&self, p: &Panel, side: Side, mut values: Vec<f64>, from_zero: bool) -> Scale {
        let unit = self.unit(side);
        let here: Vec<&Series> = p.series.iter().filter(|s| self.side(s.of.dim) == side).collect();
        let columns: Vec<&Column> = here.iter().map(|s| &s.of).collect();
        let dim = columns.first().map_or(Dim::ONE, |c| c.dim);
        let name = match here.as_slice() {
            [Series { label: Some(one), .. }] => label(one, unit),
            _ => axis_of(&columns, unit, dim),
        };
        if p.zero || from_zero {
            values.push(0.0);
        }
        let mut range = extent(values.iter().copied(), p.y.log, 0.05);
        if from_zero && !p.y.log {
            // Bars stand on zero.
            let below = values.iter().any(|v| *v < 0.0);
            let above = values.iter().any(|v| *v > 0.0);
            range = [if below { range[0] } else { 0.0 }, if above || !below { range[1] } else { 0.0 }];
        }
        let given = if side == Side::Left { p.y } else { Axis::default() };
        let range = with_ends(range, &given, unit);
        Scale::new(name, p.y.log, range)
    }
}

/// Takes the curves of a series.
fn curves_of(
    p: &Panel,
    k: usize,
    name: &str,
    before: usize,
    span: Option<(f64, f64)>,
    from: &dyn Recordings,
    captions: &mut Vec<String>,
) -> Result<Vec<Curve>, String> {
    let s = &p.series[k];
    let curve = |label: String, color, x, y| Curve { label, color, series: k, x, y, error: None };
    let error = s.error.as_ref().map(|e| numbers(e, from).map(|(values, _)| values)).transpose()?;
    match &s.of.data {
        Data::Events(_) => Err("events and values are drawn on different axes".into()),
        // One value beside recorded ones holds all the time.
        Data::Values { values, .. } if p.against.is_none() && span.is_some() && values.len() == 1 => {
            let (from, to) = span.unwrap_or_default();
            Ok(vec![curve(name.to_string(), before, vec![from, to], vec![values[0]; 2])])
        }
        // Each row of a matrix is a line.
        Data::Values { values, shape }
            if p.against.is_none() && error.is_none() && shape.len() == 2 && shape[1] > 1 =>
        {
            let rows = values.chunks_exact(shape[1]).enumerate();
            let x: Vec<f64> = (0..shape[1]).map(|i| i as f64).collect();
            let one = |(k, row): (usize, &[f64])| {
                let (color, label) = match shape[0] <= MANY {
                    true => (before + k, format!("{name}[{k}]")),
                    false => (before, if k == 0 { name.to_string() } else { String::new() }),
                };
                curve(label, color, x.clone(), row.to_vec())
            };
            Ok(rows.map(one).collect())
        }
        Data::Values { values, .. } => {
            let x = match &p.against {
                Some(against) => numbers(against, from)?.0,
                None => (0..values.len()).map(|i| i as f64).collect(),
            };
            Ok(vec![Curve { error, ..curve(name.to_string(), before, x, values.clone()) }])
        }
        Data::Samples(r) => {
            let (times, values) = from.samples(r)?;
            let n = r.cells.max(1);
            let of_cell =
                |values: &[f64], cell: usize| values.iter().skip(cell).step_by(n).copied().collect::<Vec<f64>>();
            if p.against.is_none() && (p.mark == Some(Mark::Mean) || p.mark.is_none() && n > MANY) {
                captions.push(format!("mean of {} and its standard deviation over them", counted(r.cells, owner(r))));
                let mean: Vec<f64> = values.chunks_exact(n).map(|c| c.iter().sum::<f64>() / n as f64).collect();
                let spread = values.chunks_exact(n).zip(&mean);
                let spread = spread.map(|(c, m)| (c.iter().map(|v| (v - m).powi(2)).sum::<f64>() / n as f64).sqrt());
                return Ok(vec![Curve {
                    error: Some(spread.collect()),
                    ..curve(name.to_string(), before, times, mean)
                }]);
            }
            let against = p.against.as_ref().map(|a| numbers(a, from)).transpose()?;
            let curves = (0..r.cells).map(|cell| {
                let x = match &against {
                    None => times.clone(),
                    Some((x, width)) if *width == n => of_cell(x, cell),
                    Some((x, _)) => x.clone(),
                };
                // Many cells share a color and a place in the legend.
                let (color, label) = match n {
                    1 => (before, name.to_string()),
                    n if n <= MANY => (before + cell, format!("{name}[{cell}]")),
                    _ => (before, if cell == 0 { name.to_string() } else { String::new() }),
                };
                curve(label, color, x, of_cell(&values, cell))
            });
            Ok(curves.collect())
        }
    }
}

/// Reads all numbers of a column, and how many there are of a moment.
fn numbers(c: &Column, from: &dyn Recordings) -> Result<(Vec<f64>, usize), String> {
    match &c.data {
        Data::Values { values, .. } => Ok((values.clone(), 1)),
        Data::Samples(r) => Ok((from.samples(r)?.1, r.cells.max(1))),
        Data::Events(_) => Err("events have no values".into()),
    }
}

/// A curve in the units of its axes.
struct One {
    label: String,
    color: String,
    index: usize,
    side: Side,
    /// Whether it would hide one that is drawn already.
    hides: bool,
    x: Vec<f64>,
    y: Vec<f64>,
    error: Option<Vec<f64>>,
}

impl One {
    /// Draws it; returns what else the abscissa has to show.
    ///
    /// Of lines, what lies beyond `shown` is left out before they are thinned; of bars that stand side by side, this is one of so many.
    fn draw(
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
                if other.is_none() && self.x.len() <= FEW && !matches!(p.series[0].of.data, Data::Samples(_)) {
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

/// Whose values a recording holds.
fn owner(r: &Recorded) -> &'static str {
    if r.synapses { "synapse" } else { "cell" }
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
fn coincide((ax, ay): (&[f64], &[f64]), (bx, by): (&[f64], &[f64])) -> bool {
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
fn fitted(one: &One, log: (bool, bool)) -> Option<(Layer, f64)> {
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

/// How often values occur in bins that all series share.
pub fn histogram(p: &Panel, bins: usize, from: &dyn Recordings) -> Result<View, String> {
    let names = legend(p);
    let first = &p.series[0].of;
    let mut all: Vec<Vec<f64>> = Vec::new();
    let mut captions = Vec::new();
    for s in &p.series {
        if s.of.dim != first.dim {
            return Err("a histogram has one abscissa, and these are values in different units".into());
        }
        let (values, _) = numbers(&s.of, from)?;
        let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        if finite.len() < values.len() {
            captions.push(format!("{} not finite", counted(values.len() - finite.len(), "value")));
        }
        all.push(Conversion { from: &s.of.unit, to: &first.unit }.all(&finite));
    }
    let unit = first.unit.readable(largest(all.iter().flatten()));
    let all: Vec<Vec<f64>> = all.iter().map(|v| Conversion { from: &first.unit, to: &unit }.all(v)).collect();
    let [lo, hi] = match p.x.range {
        Some((lo, hi)) => [unit.from_internal(lo), unit.from_internal(hi)],
        None => extent(all.iter().flatten().copied(), p.x.log, 0.0),
    };
    let bins = if bins == 0 { suitable(&all, hi - lo) } else { bins };
    let edge = |k: usize| {
        let part = k as f64 / bins as f64;
        if p.x.log { lo * (hi / lo).powf(part) } else { lo + part * (hi - lo) }
    };
    let edges: Vec<f64> = (0..=bins).map(edge).collect();
    let mut layers = Vec::new();
    let mut most = 1.0f64;
    let mut outside = 0;
    for (k, (values, name)) in all.iter().zip(&names).enumerate() {
        let mut counts = vec![0.0; bins];
        for v in values {
            let at = edges.partition_point(|e| e <= v);
            match at {
                0 => outside += 1,
                at if at > bins => match *v == edges[bins] {
                    true => counts[bins - 1] += 1.0,
                    false => outside += 1,
                },
                at => counts[at - 1] += 1.0,
            }
        }
        most = counts.iter().copied().fold(most, f64::max);
        let (color, axis) = (color::of_series(k), Side::Left);
        layers.push(if all.len() == 1 {
            Layer::Bars { label: String::new(), color, axis, edges: edges.clone(), y: counts }
        } else {
            let y = [counts.as_slice(), &counts[bins - 1..]].concat();
            let dash = color::dash_of_series(k);
            Layer::Line { label: name.clone(), color, dash, axis, steps: true, x: edges.clone(), y }
        });
    }
    captions.insert(0, counted(all.iter().map(Vec::len).sum(), "value"));
    if outside > 0 {
        captions.push(format!("{} outside", counted(outside, "value")));
    }
    let columns: Vec<&Column> = p.series.iter().map(|s| &s.of).collect();
    let x = Scale::new(axis_of(&columns, &unit, first.dim), p.x.log, [lo, hi]);
    let range = with_ends(if p.y.log { [0.8, 1.2 * most] } else { [0.0, 1.05 * most] }, &p.y, &Unit::one());
    let y = Scale { whole: true, ..Scale::new("count", p.y.log, range) };
    Ok(View { title: p.title.clone(), caption: joined(&captions), aspect: None, x, y, right: None, layers })
}

/// A number of bins after Freedman and Diaconis (1981), within reason.
fn suitable(all: &[Vec<f64>], extent: f64) -> usize {
    let mut sorted: Vec<f64> = all.iter().flatten().copied().collect();
    sorted.sort_by(f64::total_cmp);
    let at = |part: f64| sorted.get(((sorted.len().max(1) - 1) as f64 * part) as usize).copied().unwrap_or(0.0);
    let width = 2.0 * (at(0.75) - at(0.25)) / (sorted.len().max(1) as f64).cbrt();
    if width > 0.0 { (extent / width).ceil().clamp(8.0, 100.0) as usize } else { 20 }
}
