//! Histograms: how often values occur.

use super::curves::numbers;
use super::parts::{Conversion, axis_of, counted, joined, largest, legend, with_ends};
use crate::draw::color;
use crate::draw::marks::{Layer, Side, View};
use crate::draw::scale::{Scale, extent};
use crate::figure::{Column, Panel, Recordings};
use crate::units::Unit;

/// How often values occur in bins that all series share.
pub fn view(p: &Panel, bins: usize, from: &dyn Recordings) -> Result<View, String> {
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
