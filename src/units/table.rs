//! The table of unit names, SI prefixes, and the words for dimensions.

use super::{Dim, Ratio};
use serde::{Deserialize, Serialize};

/// A unit: dimension, decimal scale relative to SI, and the spelling to print.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// What it measures.
    pub dim: Dim,
    /// Factor to SI that is not a power of ten (60 for minutes), usually 1.
    pub factor: f64,
    /// Decimal exponent relative to SI.
    pub exponent: f64,
    /// As typed.
    pub name: String,
}

impl Unit {
    /// The unit of pure numbers.
    pub fn one() -> Unit {
        Unit { dim: Dim::ONE, factor: 1.0, exponent: 0.0, name: "1".into() }
    }

    /// Converts a number in this unit to the internal coherent system.
    pub fn to_internal(&self, value: f64) -> f64 {
        scale10(value * self.factor, self.exponent - self.dim.internal_exponent())
    }

    /// Converts an internal value to this unit.
    pub fn from_internal(&self, value: f64) -> f64 {
        scale10(value, self.dim.internal_exponent() - self.exponent) / self.factor
    }

    /// Returns the unit with the prefix that suits values of up to this many of it: `pA` for 1e-12 A.
    ///
    /// Units that a reader chose stay as long as numbers have at most four digits before or two zeros after the point.
    pub fn readable(&self, largest: f64) -> Unit {
        if largest == 0.0 || !largest.is_finite() || (1e-2..1e4).contains(&largest.abs()) {
            return self.clone();
        }
        let takes_prefix = |b: &&(&str, [i16; 7], f64, i32, bool)| {
            let prefix = self.name.strip_suffix(b.0).filter(|_| b.4);
            prefix.is_some_and(|p| p.is_empty() || PREFIXES.iter().any(|(known, _)| *known == p))
        };
        let longest = BASE.iter().filter(takes_prefix).max_by_key(|b| b.0.len());
        let Some(base) = longest.filter(|_| lookup(&self.name).is_some_and(|u| u == *self)) else {
            return self.clone();
        };
        let size = largest.abs() * self.factor * 10f64.powf(self.exponent);
        // Nobody counts thousands of seconds with a prefix.
        let most = if base.0 == "s" { 0 } else { 9 };
        let fits = |e: &i32| size >= 10f64.powi(base.3 + e) * (1.0 - 1e-9);
        let exponent = (-15..=most).rev().step_by(3).filter(|e| e % 3 == 0).find(fits).unwrap_or(-15);
        let prefix = PREFIXES.iter().find(|(_, e)| *e == exponent).map_or("", |(p, _)| p);
        lookup(&format!("{prefix}{}", base.0)).unwrap_or_else(|| self.clone())
    }

    /// Returns `self * other`, spelled the way a reader would.
    pub fn times(&self, other: &Unit) -> Unit {
        let name = match (self.name.as_str(), other.name.as_str()) {
            ("1", n) => n.to_string(),
            (n, "1") => n.to_string(),
            (a, b) => format!("{a}*{b}"),
        };
        Unit {
            dim: self.dim * other.dim,
            factor: self.factor * other.factor,
            exponent: self.exponent + other.exponent,
            name,
        }
    }

    /// Returns `self / other`, spelled the way a reader would.
    pub fn per(&self, other: &Unit) -> Unit {
        let name = match (self.name.as_str(), other.name.as_str()) {
            (n, "1") => n.to_string(),
            (a, b) if b.contains(['*', '/']) => format!("{a}/({b})"),
            (a, b) => format!("{a}/{b}"),
        };
        Unit {
            dim: self.dim / other.dim,
            factor: self.factor / other.factor,
            exponent: self.exponent - other.exponent,
            name,
        }
    }

    /// Returns the unit raised to a rational power.
    pub fn power(&self, exponent: Ratio) -> Unit {
        // A power of a power is one power: the root of `mV^2` is `mV`.
        let power = self.name.rsplit_once('^').and_then(|(base, own)| Some((base, read_exponent(own)?)));
        let (base, own) = match power {
            Some((base, own)) if is_plain(base) || is_bracketed(base) => (base.to_string(), own),
            _ if is_plain(&self.name) => (self.name.clone(), Ratio::new(1, 1)),
            _ => (format!("({})", self.name), Ratio::new(1, 1)),
        };
        let shown = match Ratio::new(
            i32::from(own.num) * i32::from(exponent.num),
            i32::from(own.den) * i32::from(exponent.den),
        ) {
            Ratio { num: 1, den: 1 } => base.trim_start_matches('(').trim_end_matches(')').to_string(),
            Ratio { num, den: 1 } => format!("{base}^{num}"),
            Ratio { num, den } => format!("{base}^({num}/{den})"),
        };
        Unit {
            dim: self.dim.pow(exponent),
            factor: self.factor.powf(exponent.as_f64()),
            exponent: self.exponent * exponent.as_f64(),
            name: if self.name == "1" { "1".into() } else { shown },
        }
    }
}

/// Returns whether a name is that of one unit.
fn is_plain(name: &str) -> bool {
    !name.contains(['*', '/', '^', '('])
}

/// Returns whether a name stands in brackets as a whole.
fn is_bracketed(name: &str) -> bool {
    name.starts_with('(') && name.find(')') == Some(name.len() - 1)
}

/// Reads `2`, `-1` or `(1/2)`.
fn read_exponent(text: &str) -> Option<Ratio> {
    let (num, den) = text.trim_start_matches('(').trim_end_matches(')').split_once('/').unwrap_or((text, "1"));
    Some(Ratio::new(num.parse().ok()?, den.parse().ok()?))
}

/// Multiplies by a power of ten; integer exponents up to 22 are exact powers and round once.
fn scale10(value: f64, exponent: f64) -> f64 {
    let rounded = exponent.round();
    if (exponent - rounded).abs() < 1e-9 && rounded.abs() <= 22.0 {
        let power = 10f64.powi(rounded.abs() as i32);
        if rounded >= 0.0 { value * power } else { value / power }
    } else {
        value * 10f64.powf(exponent)
    }
}

const PREFIXES: [(&str, i32); 13] = [
    ("f", -15),
    ("p", -12),
    ("n", -9),
    ("u", -6),
    ("µ", -6),
    ("m", -3),
    ("c", -2),
    ("d", -1),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("a", -18),
];

/// Base units: name, exponents of kg m s A K mol cd, factor, decimal exponent, whether prefixes apply.
const BASE: [(&str, [i16; 7], f64, i32, bool); 25] = [
    ("g", [1, 0, 0, 0, 0, 0, 0], 1.0, -3, true),
    ("m", [0, 1, 0, 0, 0, 0, 0], 1.0, 0, true),
    ("s", [0, 0, 1, 0, 0, 0, 0], 1.0, 0, true),
    ("min", [0, 0, 1, 0, 0, 0, 0], 60.0, 0, false),
    ("deg", [0, 0, 0, 0, 0, 0, 0], std::f64::consts::PI / 180.0, 0, false),
    ("A", [0, 0, 0, 1, 0, 0, 0], 1.0, 0, true),
    ("K", [0, 0, 0, 0, 1, 0, 0], 1.0, 0, true),
    ("mol", [0, 0, 0, 0, 0, 1, 0], 1.0, 0, true),
    ("cd", [0, 0, 0, 0, 0, 0, 1], 1.0, 0, false),
    ("Hz", [0, 0, -1, 0, 0, 0, 0], 1.0, 0, true),
    ("V", [1, 2, -3, -1, 0, 0, 0], 1.0, 0, true),
    ("S", [-1, -2, 3, 2, 0, 0, 0], 1.0, 0, true),
    ("Ohm", [1, 2, -3, -2, 0, 0, 0], 1.0, 0, true),
    ("ohm", [1, 2, -3, -2, 0, 0, 0], 1.0, 0, true),
    ("F", [-1, -2, 4, 2, 0, 0, 0], 1.0, 0, true),
    ("C", [0, 0, 1, 1, 0, 0, 0], 1.0, 0, true),
    ("N", [1, 1, -2, 0, 0, 0, 0], 1.0, 0, true),
    ("J", [1, 2, -2, 0, 0, 0, 0], 1.0, 0, true),
    ("W", [1, 2, -3, 0, 0, 0, 0], 1.0, 0, true),
    ("Pa", [1, -1, -2, 0, 0, 0, 0], 1.0, 0, true),
    ("Wb", [1, 2, -2, -1, 0, 0, 0], 1.0, 0, true),
    ("M", [0, -3, 0, 0, 0, 1, 0], 1.0, 3, true),
    ("L", [0, 3, 0, 0, 0, 0, 0], 1.0, -3, true),
    ("l", [0, 3, 0, 0, 0, 0, 0], 1.0, -3, true),
    ("%", [0, 0, 0, 0, 0, 0, 0], 1.0, -2, false),
];

/// Finds a unit by name, with SI prefixes (`mV`, `uF`, `MOhm`); `degC` and other affine units do not exist.
pub fn lookup(name: &str) -> Option<Unit> {
    let make = |b: &(&str, [i16; 7], f64, i32, bool), prefix: i32| Unit {
        dim: Dim::of(b.1),
        factor: b.2,
        exponent: f64::from(b.3 + prefix),
        name: name.into(),
    };
    if let Some(b) = BASE.iter().find(|b| b.0 == name) {
        return Some(make(b, 0));
    }
    for (prefix, exponent) in PREFIXES {
        if let Some(rest) = name.strip_prefix(prefix)
            && let Some(b) = BASE.iter().find(|b| b.4 && b.0 == rest)
        {
            return Some(make(b, exponent));
        }
    }
    None
}

/// The names worth suggesting when a unit is misspelled.
pub fn unit_names() -> impl Iterator<Item = &'static str> {
    [
        "mV", "V", "uV", "pA", "nA", "uA", "mA", "A", "nS", "uS", "mS", "S", "pS", "pF", "nF", "uF", "F", "ms", "us",
        "s", "min", "Hz", "kHz", "MOhm", "GOhm", "kOhm", "Ohm", "um", "mm", "cm", "m", "nm", "mM", "uM", "M", "mol",
        "K", "pC", "nC", "C", "J", "W", "%",
    ]
    .into_iter()
}

/// Returns the unit a reader expects for a dimension.
pub fn canonical_unit(dim: Dim) -> Unit {
    let named = ["mV", "pA", "nS", "pF", "ms", "Hz", "um", "MOhm", "K", "mM", "fC"];
    if dim == Dim::ONE {
        return Unit::one();
    }
    for name in named {
        if let Some(unit) = lookup(name).filter(|u| u.dim == dim) {
            return unit;
        }
    }
    let small = ["mV", "pA", "nS", "pF", "ms", "um", "cm", "K", "mM"];
    for a in small {
        for b in small {
            for power in [1, 2] {
                let (Some(a), Some(b)) = (lookup(a), lookup(b)) else { continue };
                let b = if power == 1 { b } else { b.power(Ratio::new(power, 1)) };
                if a.dim / b.dim == dim && a.name != b.name {
                    return a.per(&b);
                }
                if power == 1 && a.dim * b.dim == dim {
                    return a.times(&b);
                }
            }
        }
    }
    for a in small {
        for power in [-1, 2, -2, 3, -3] {
            let unit = lookup(a).map(|u| u.power(Ratio::new(power, 1)));
            if let Some(unit) = unit.filter(|u| u.dim == dim) {
                return unit;
            }
        }
    }
    si_unit(dim)
}

fn si_unit(dim: Dim) -> Unit {
    let mut unit = Unit::one();
    for (i, name) in ["kg", "m", "s", "A", "K", "mol", "cd"].iter().enumerate() {
        let e = dim.0[i];
        if e != Ratio::ZERO
            && let Some(base) = lookup(name)
        {
            unit = unit.times(&if e == Ratio::new(1, 1) { base } else { base.power(e) });
        }
    }
    unit
}

/// Names a dimension in a word ("a voltage"), or spells its SI unit.
pub fn dimension_word(dim: Dim) -> String {
    let known: [(Dim, &str); 14] = [
        (Dim::ONE, "a pure number"),
        (Dim::TIME, "a time"),
        (Dim::LENGTH, "a length"),
        (Dim::VOLTAGE, "a voltage"),
        (Dim::CURRENT, "a current"),
        (Dim::CONDUCTANCE, "a conductance"),
        (Dim::CAPACITANCE, "a capacitance"),
        (Dim::RATE, "a rate"),
        (Dim::CONDUCTANCE.recip(), "a resistance"),
        (Dim::VOLTAGE / Dim::TIME, "a voltage per time"),
        (Dim::CURRENT / Dim::TIME, "a current per time"),
        (Dim::CONDUCTANCE / Dim::TIME, "a conductance per time"),
        (Dim::CURRENT * Dim::TIME, "a charge"),
        (Dim::LENGTH * Dim::LENGTH, "an area"),
    ];
    match known.iter().find(|(d, _)| *d == dim) {
        Some((_, word)) => (*word).to_string(),
        None => {
            let per_area = dim * Dim::LENGTH * Dim::LENGTH;
            match known.iter().find(|(d, _)| *d == per_area && *d != Dim::ONE) {
                Some((_, word)) => format!("{word} per area"),
                None => format!("of dimension {}", si_unit(dim).name),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_of_a_power_is_one_power() {
        let (half, two) = (Ratio::new(1, 2), Ratio::new(2, 1));
        let (mv, density) = (lookup("mV").unwrap(), lookup("mS").unwrap().per(&lookup("cm").unwrap().power(two)));
        assert_eq!(mv.power(two).power(half), mv);
        assert_eq!(mv.power(two).power(two).name, "mV^4");
        assert_eq!(mv.power(half).name, "mV^(1/2)");
        assert_eq!(density.power(half).name, "(mS/cm^2)^(1/2)");
        assert_eq!(density.power(half).power(two), density);
    }

    #[test]
    fn internal_numbers_are_near_one_and_exact() {
        for (name, value, internal) in
            [("pF", 200.0, 200.0), ("nS", 10.0, 10.0), ("mV", -60.0, -60.0), ("s", 1.0, 1000.0), ("Hz", 8.0, 0.008)]
        {
            let unit = lookup(name).unwrap();
            assert_eq!(unit.to_internal(value), internal, "{name}");
            assert_eq!(unit.from_internal(internal), value, "{name}");
        }
    }

    #[test]
    fn values_get_the_prefix_that_suits_them() {
        let readable = |name: &str, largest: f64| lookup(name).unwrap().readable(largest).name;
        assert_eq!(readable("A", 1e-12), "pA");
        assert_eq!(readable("A", 3e-10), "pA");
        assert_eq!(readable("ms", 9000.0), "ms");
        assert_eq!(readable("ms", 2e4), "s");
        assert_eq!(readable("ms", 3e9), "s");
        assert_eq!(readable("mV", 1e-3), "uV");
        assert_eq!(readable("pA", 2e6), "uA");
        assert_eq!(readable("min", 1e6), "min");
        assert_eq!(readable("mV", 0.0), "mV");
    }

    #[test]
    fn coherence() {
        let (ns, mv, pa) = (lookup("nS").unwrap(), lookup("mV").unwrap(), lookup("pA").unwrap());
        assert_eq!(ns.dim * mv.dim, pa.dim);
        assert_eq!(ns.to_internal(3.0) * mv.to_internal(2.0), pa.to_internal(6.0));
        assert_eq!(dimension_word(mv.dim / Dim::TIME), "a voltage per time");
        assert_eq!(canonical_unit(mv.dim / Dim::TIME).name, "mV/ms");
    }
}
