//! Values as curves: which there are, and on which axes.

use super::parts::{Conversion, axis_of, counted, joined, largest, legend, with_ends};
use super::trace::{Trace, coincide, fitted};
use crate::draw::color;
use crate::draw::marks::{Layer, Side, View};
use crate::draw::scale::{Scale, common, extent, label};
use crate::figure::{Axis, Column, Data, Mark, Panel, Recorded, Recordings, Series};
use crate::units::{Dim, Unit, lookup};

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
        // The ordinate shows what lies within the ends of the abscissa.
        let ends = p.x.range.map(|(lo, hi)| x_unit.from_internal(lo)..=x_unit.from_internal(hi));
        let within = |k: &usize| ends.as_ref().is_none_or(|ends| ends.contains(&x[*k]));
        sides.extend((0..y.len()).filter(within).map(|k| y[k]));
        if let Some(e) = &error {
            let ends = (0..y.len()).filter(within).flat_map(|k| [y[k] - e[k], y[k] + e[k]]);
            sides.extend(ends.filter(|v| !p.y.log || *v > 0.0));
        }
        let hides = drawn.iter().any(|(dx, dy, ds)| *ds == side && coincide((dx, dy), (&x, &y)));
        drawn.push((x.clone(), y.clone(), side));
        let sampled = span.is_some() && p.against.is_none();
        let one = Trace { label, color: color::of_series(c.color), index: c.color, side, sampled, hides, x, y, error };
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
    let x = abscissa_scale(p, span, xs, (&x_from, &x_unit));
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

/// The abscissa: the time that was recorded, an index, or what the values are drawn against.
fn abscissa_scale(p: &Panel, span: Option<(f64, f64)>, xs: Vec<f64>, (x_from, x_unit): (&Unit, &Unit)) -> Scale {
    let x_range = match span.filter(|_| p.against.is_none()) {
        Some((a, b)) if !p.x.log || a > 0.0 => {
            let to = Conversion { from: x_from, to: x_unit };
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
    let ends = with_ends(x_range, &p.x, x_unit);
    let counted = p.against.is_none() && span.is_none();
    Scale { whole: counted, ..Scale::new(label(&x_name, x_unit), p.x.log, ends) }
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
pub fn numbers(c: &Column, from: &dyn Recordings) -> Result<(Vec<f64>, usize), String> {
    match &c.data {
        Data::Values { values, .. } => Ok((values.clone(), 1)),
        Data::Samples(r) => Ok((from.samples(r)?.1, r.cells.max(1))),
        Data::Events(_) => Err("events have no values".into()),
    }
}

/// Whose values a recording holds.
fn owner(r: &Recorded) -> &'static str {
    r.member.name()
}
