//! What all kinds of panels need: conversions of units, names, and words for captions.

use crate::draw::scale::{common, distinct, label};
use crate::figure::{Axis, Column, Panel, Series};
use crate::units::{Dim, Unit};

/// Numbers of a series in the unit of their axis.
#[derive(Debug, Clone, Copy)]
pub struct Conversion<'u> {
    pub from: &'u Unit,
    pub to: &'u Unit,
}

impl Conversion<'_> {
    pub fn of(self, v: f64) -> f64 {
        if self.from == self.to { v } else { self.to.from_internal(self.from.to_internal(v)) }
    }

    pub fn all(self, values: &[f64]) -> Vec<f64> {
        values.iter().map(|v| self.of(*v)).collect()
    }
}

/// The largest size of a number.
pub fn largest<'v>(values: impl Iterator<Item = &'v f64>) -> f64 {
    values.filter(|v| v.is_finite()).fold(0.0, |most, v| v.abs().max(most))
}

/// The names that series have in a legend.
pub fn legend(p: &Panel) -> Vec<String> {
    let distinct = distinct(&p.series.iter().map(|s| s.of.name.clone()).collect::<Vec<_>>());
    let of = |(k, s): (usize, &Series)| match &s.label {
        Some(label) => label.clone(),
        None if distinct[k].is_empty() => (k + 1).to_string(),
        None => distinct[k].clone(),
    };
    p.series.iter().enumerate().map(of).collect()
}

/// The axis on which columns of one dimension are shown, without its extent.
pub fn axis_of(columns: &[&Column], unit: &Unit, dim: Dim) -> String {
    let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
    label(&common(&names, dim), unit)
}

/// Applies the ends that were asked for.
pub fn with_ends(range: [f64; 2], axis: &Axis, unit: &Unit) -> [f64; 2] {
    axis.range.map_or(range, |(lo, hi)| [unit.from_internal(lo), unit.from_internal(hi)])
}

/// `3012345` as `3 012 345`.
pub fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (k, c) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(c);
    }
    out
}

pub fn counted(n: usize, one: &str) -> String {
    format!("{}\u{a0}{one}{}", grouped(n), if n == 1 { "" } else { "s" })
}

pub fn joined(captions: &[String]) -> String {
    captions.iter().filter(|c| !c.is_empty()).cloned().collect::<Vec<_>>().join("; ")
}
