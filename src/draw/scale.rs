//! Axes: their extent, units, ticks and labels.

use crate::units::{Dim, Unit, dimension_word};
use serde::Serialize;

/// A tick of an axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tick {
    /// Where.
    pub at: f64,
    /// What is written at it; may be empty.
    pub text: String,
}

/// An axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scale {
    /// What it shows, with its unit.
    pub label: String,
    /// Whether it is logarithmic.
    pub log: bool,
    /// Its ends.
    pub range: [f64; 2],
    /// Ticks, if they are not numbers.
    pub ticks: Option<Vec<Tick>>,
    /// Whether it counts something, so that ticks are whole.
    #[serde(skip)]
    pub whole: bool,
}

impl Scale {
    /// An axis of numbers.
    pub fn new(label: impl Into<String>, log: bool, range: [f64; 2]) -> Scale {
        Scale { label: label.into(), log, range, ticks: None, whole: false }
    }

    /// An axis along which something is counted.
    pub fn counting(label: impl Into<String>, range: [f64; 2]) -> Scale {
        Scale { whole: true, ..Scale::new(label, false, range) }
    }

    /// The same axis with ticks of its own.
    pub fn with_ticks(self, ticks: Vec<Tick>) -> Scale {
        Scale { ticks: Some(ticks), ..self }
    }

    /// Returns where a value lies, 0 at one end and 1 at the other.
    pub fn place(&self, v: f64) -> f64 {
        let [lo, hi] = self.range;
        if self.log { (v / lo).ln() / (hi / lo).ln() } else { (v - lo) / (hi - lo) }
    }

    /// Returns its ticks, at most about so many, and the power of ten by which their texts are to be multiplied.
    pub fn ticks(&self, most: usize) -> (Vec<Tick>, i32) {
        match &self.ticks {
            Some(ticks) => (ticks.clone(), 0),
            None if self.log => (decades(self.range, most), 0),
            None => round_numbers(self.range, most, self.whole),
        }
    }

    /// Returns its label with a power of ten before the unit.
    pub fn label_with(&self, power: i32) -> String {
        if power == 0 {
            return self.label.clone();
        }
        let factor = format!("10{}", superscript(power));
        match self.label.strip_suffix(')').and_then(|l| l.rsplit_once('(')) {
            Some((name, unit)) => format!("{name}({factor} {unit})"),
            None => format!("{} ({factor})", self.label).trim().to_string(),
        }
    }
}

fn superscript(n: i32) -> String {
    let digit = |c: char| match c {
        '-' => '⁻',
        c => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][c.to_digit(10).unwrap_or(0) as usize],
    };
    n.to_string().chars().map(digit).collect()
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn round_numbers([lo, hi]: [f64; 2], most: usize, whole: bool) -> (Vec<Tick>, i32) {
    let raw = (hi - lo) / most.max(2) as f64;
    let raw = if whole { raw.max(1.0) } else { raw };
    let power = 10f64.powf(raw.log10().floor());
    let step = power * [1.0, 2.0, 5.0, 10.0].into_iter().find(|m| raw <= m * power * (1.0 + 1e-9)).unwrap_or(10.0);
    let largest = lo.abs().max(hi.abs()).log10().floor() as i32;
    // Powers of three, as prefixes have them.
    let shared = if (-3..5).contains(&largest) { 0 } else { 3 * largest.div_euclid(3) };
    let unit = 10f64.powi(shared);
    let decimals = (-(step / unit).log10() - 1e-9).ceil().clamp(0.0, 15.0) as usize;
    let first = (lo / step - 1e-9).ceil() as i64;
    let last = (hi / step + 1e-9).floor() as i64;
    let ticks = (first..=last).map(|k| {
        let at = k as f64 * step;
        let text = format!("{:.decimals$}", at / unit).replace('-', "−");
        Tick { at, text: if k == 0 { "0".into() } else { text } }
    });
    (ticks.collect(), shared)
}

/// Powers of ten, with 2 and 5 between where they are few.
fn decades([lo, hi]: [f64; 2], most: usize) -> Vec<Tick> {
    if !(lo > 0.0 && hi > lo && hi.is_finite()) {
        return Vec::new();
    }
    let (a, b) = (lo.log10(), hi.log10());
    let (first, last) = (a.floor() as i32, b.ceil() as i32);
    let every = ((last - first) as usize).div_ceil(most.max(1)).max(1) as i32;
    let plain = a > -3.5 && b < 4.5;
    let text = |v: f64, p: i32| match plain {
        true => crate::units::format_number(v),
        false => format!("10{}", superscript(p)),
    };
    let mut out = Vec::new();
    let few = b - a < 2.0;
    for p in first..=last {
        for m in [1.0, 2.0, 5.0] {
            let at = m * 10f64.powi(p);
            if at < lo * (1.0 - 1e-9) || at > hi * (1.0 + 1e-9) || m > 1.0 && !few {
                continue;
            }
            let shown = if few { plain || m == 1.0 } else { p.rem_euclid(every) == 0 };
            out.push(Tick { at, text: if shown { text(at, p) } else { String::new() } });
        }
    }
    out
}

/// Returns the ends of an axis that shows these values with a little room.
pub fn extent(values: impl Iterator<Item = f64>, log: bool, room: f64) -> [f64; 2] {
    let shown = values.filter(|v| v.is_finite() && (!log || *v > 0.0));
    let (lo, hi) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if lo > hi {
        return if log { [0.1, 1.0] } else { [0.0, 1.0] };
    }
    if log {
        let pad = if hi > lo { (hi / lo).powf(room) } else { 2.0 };
        return [lo / pad, hi * pad];
    }
    if hi - lo <= 1e-12 * hi.abs().max(lo.abs()) {
        let pad = if hi == 0.0 { 1.0 } else { 0.05 * hi.abs() };
        return [lo - pad, hi + pad];
    }
    [lo - room * (hi - lo), hi + room * (hi - lo)]
}

/// Spells an axis: what it shows and the unit.
pub fn label(name: &str, unit: &Unit) -> String {
    match unit.name.as_str() {
        "1" | "" => name.to_string(),
        _ => format!("{name} ({})", spelled(&unit.name)).trim().to_string(),
    }
}

/// Spells a unit for print: `um^2` as `µm²`, `MOhm` as `MΩ`.
pub fn spelled(unit: &str) -> String {
    let mut out = String::new();
    let mut chars = unit.chars().peekable();
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut String| {
        let printed = word.replace("Ohm", "Ω").replace("ohm", "Ω");
        match printed.strip_prefix('u').filter(|rest| !rest.is_empty()) {
            Some(rest) => out.push_str(&format!("µ{rest}")),
            None => out.push_str(&printed),
        }
        word.clear();
    };
    while let Some(c) = chars.next() {
        match c {
            '*' => {
                flush(&mut word, &mut out);
                out.push('·');
            }
            '^' => {
                flush(&mut word, &mut out);
                let mut power = String::new();
                while let Some(d) = chars.next_if(|d| d.is_ascii_digit() || *d == '-') {
                    power.push(d);
                }
                match power.parse() {
                    Ok(n) => out.push_str(&superscript(n)),
                    Err(_) => out.push('^'),
                }
            }
            c if c.is_alphanumeric() || c == '_' => word.push(c),
            c => {
                flush(&mut word, &mut out);
                out.push(c);
            }
        }
    }
    flush(&mut word, &mut out);
    out
}

/// Names what several series have in common: the last parts of their names, or the word of their dimension.
pub fn common(names: &[&str], dim: Dim) -> String {
    // What stands in brackets says which of them it is.
    let last = |n: &str| {
        let whole = n.split_once('[').map_or(n, |(whole, _)| whole);
        whole.rsplit('.').next().unwrap_or_default().to_string()
    };
    if let [one] = names
        && !one.is_empty()
    {
        return (*one).to_string();
    }
    if let Some(first) = names.first().filter(|n| !n.is_empty())
        && names.iter().all(|n| last(n) == last(first))
    {
        return last(first);
    }
    let word = dimension_word(dim);
    match word.strip_prefix("a ").or(word.strip_prefix("an ")) {
        Some(word) if dim != Dim::ONE => word.to_string(),
        _ => String::new(),
    }
}

/// Returns names without the parts that all of them share.
pub fn distinct(names: &[String]) -> Vec<String> {
    // The points of `x[0..3]` part no names.
    let parts: Vec<Vec<&str>> =
        names.iter().map(|n| if n.contains('[') { vec![&**n] } else { n.split('.').collect() }).collect();
    let Some(shortest) = parts.iter().map(Vec::len).min().filter(|_| names.len() > 1) else { return names.to_vec() };
    let before = (0..shortest).take_while(|k| parts.iter().all(|p| p[*k] == parts[0][*k])).count();
    let same_end = |k: &usize| parts.iter().all(|p| p[p.len() - 1 - k] == parts[0][parts[0].len() - 1 - k]);
    let after = (0..shortest.saturating_sub(before)).take_while(same_end).count();
    let kept: Vec<String> = parts.iter().map(|p| p[before..p.len() - after].join(".")).collect();
    // Names that are all alike, or parts of one another, are told in full.
    if kept.iter().any(String::is_empty) { names.to_vec() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(range: [f64; 2], log: bool) -> (Vec<String>, i32) {
        let (ticks, power) = Scale::new("", log, range).ticks(6);
        (ticks.into_iter().map(|t| t.text).collect(), power)
    }

    #[test]
    fn ticks_are_round_and_share_a_power() {
        assert_eq!(texts([0.0, 100.0], false).0, ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(
            texts([-0.31, 0.4], false).0,
            ["−0.2", "0.0", "0.2", "0.4"].map(|t| if t == "0.0" { "0" } else { t })
        );
        assert_eq!(texts([0.0, 2e-7], false), (["0", "50", "100", "150", "200"].map(String::from).to_vec(), -9));
        assert_eq!(texts([0.01, 1000.0], true).0, ["0.01", "0.1", "1", "10", "100", "1000"]);
        assert_eq!(texts([1e-8, 1.0], true).0[0], "10⁻⁸");
        assert_eq!(texts([1.0, 9.0], true).0, ["1", "2", "5"]);
    }

    #[test]
    fn units_are_spelled_for_print() {
        assert_eq!(
            ["mV", "um^2", "MOhm", "uA/cm^2", "nS*ms", "min", "u"].map(spelled),
            ["mV", "µm²", "MΩ", "µA/cm²", "nS·ms", "min", "u"].map(String::from)
        );
        let s = Scale::new("w (nS)", false, [0.0, 1.0]);
        assert_eq!(s.label_with(-6), "w (10⁻⁶ nS)");
    }

    #[test]
    fn names_lose_what_they_share() {
        let names = |list: &[&str]| list.iter().map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(distinct(&names(&["net.exc.spike", "net.inh.spike"])), ["exc", "inh"]);
        assert_eq!(distinct(&names(&["low", "high"])), ["low", "high"]);
        assert_eq!(distinct(&names(&["net.a", "net.a.b"])), ["net.a", "net.a.b"]);
        assert_eq!(common(&["net.exc.v", "net.inh.v"], Dim::VOLTAGE), "v");
        assert_eq!(common(&["bp[0..3]", "bp[3..6]"], Dim::ONE), "bp");
        assert_eq!(distinct(&names(&["bp[0..3]", "bp[3..6]"])), ["bp[0..3]", "bp[3..6]"]);
        assert_eq!(common(&["soma", "tip"], Dim::VOLTAGE), "voltage");
        assert_eq!(common(&["a", "b"], Dim::ONE), "");
    }
}
