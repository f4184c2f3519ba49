//! Dimensions, units, and quantities as they are written in attributes.

use std::collections::BTreeMap;

/// Exponents of mass, length, time, current, temperature, amount and luminous intensity.
pub type Dimension = [i16; 7];

/// The dimension of pure numbers.
pub const NONE: Dimension = [0; 7];
/// The dimension of times.
pub const TIME: Dimension = [0, 0, 1, 0, 0, 0, 0];
/// The dimension of potentials.
pub const VOLTAGE: Dimension = [1, 2, -3, -1, 0, 0, 0];
/// The dimension of currents.
pub const CURRENT: Dimension = [0, 0, 0, 1, 0, 0, 0];
/// The dimension of conductances.
pub const CONDUCTANCE: Dimension = [-1, -2, 3, 2, 0, 0, 0];

const DIMENSIONS: [(&str, Dimension); 24] = [
    ("none", NONE),
    ("time", TIME),
    ("per_time", [0, 0, -1, 0, 0, 0, 0]),
    ("voltage", VOLTAGE),
    ("per_voltage", [-1, -2, 3, 1, 0, 0, 0]),
    ("conductance", CONDUCTANCE),
    ("conductanceDensity", [-1, -4, 3, 2, 0, 0, 0]),
    ("capacitance", [-1, -2, 4, 2, 0, 0, 0]),
    ("specificCapacitance", [-1, -4, 4, 2, 0, 0, 0]),
    ("resistance", [1, 2, -3, -2, 0, 0, 0]),
    ("resistivity", [1, 3, -3, -2, 0, 0, 0]),
    ("charge", [0, 0, 1, 1, 0, 0, 0]),
    ("charge_per_mole", [0, 0, 1, 1, 0, -1, 0]),
    ("current", CURRENT),
    ("currentDensity", [0, -2, 0, 1, 0, 0, 0]),
    ("length", [0, 1, 0, 0, 0, 0, 0]),
    ("area", [0, 2, 0, 0, 0, 0, 0]),
    ("volume", [0, 3, 0, 0, 0, 0, 0]),
    ("concentration", [0, -3, 0, 0, 0, 1, 0]),
    ("substance", [0, 0, 0, 0, 0, 1, 0]),
    ("permeability", [0, 1, -1, 0, 0, 0, 0]),
    ("temperature", [0, 0, 0, 0, 1, 0, 0]),
    ("idealGasConstantDims", [1, 2, -2, 0, -1, -1, 0]),
    ("conductance_per_voltage", [-2, -4, 6, 3, 0, 0, 0]),
];

/// Units of the core of NeuroML: symbol, dimension, how Neuro writes it, how many of the SI unit it is. After `x` stands how many of
/// another unit it is: `36 S/m^2` would read a gate `m`.
#[rustfmt::skip]
const UNITS: [(&str, &str, &str, f64); 78] = [
    ("s", "time", "s", 1.0), ("ms", "time", "ms", 1e-3), ("us", "time", "us", 1e-6),
    ("min", "time", "min", 60.0), ("hour", "time", "* 3600 s", 3600.0),
    ("per_s", "per_time", "Hz", 1.0), ("Hz", "per_time", "Hz", 1.0), ("per_ms", "per_time", "1/ms", 1e3),
    ("kHz", "per_time", "kHz", 1e3), ("per_min", "per_time", "1/min", 1.0 / 60.0), ("per_hour", "per_time", "* 1/s / 3600", 1.0 / 3600.0),
    ("m", "length", "m", 1.0), ("cm", "length", "cm", 1e-2), ("um", "length", "um", 1e-6), ("mm", "length", "mm", 1e-3),
    ("m2", "area", "m^2", 1.0), ("cm2", "area", "cm^2", 1e-4), ("um2", "area", "um^2", 1e-12),
    ("m3", "volume", "m^3", 1.0), ("cm3", "volume", "cm^3", 1e-6), ("litre", "volume", "L", 1e-3), ("um3", "volume", "um^3", 1e-18),
    ("V", "voltage", "V", 1.0), ("mV", "voltage", "mV", 1e-3), ("uV", "voltage", "uV", 1e-6),
    ("per_V", "per_voltage", "x0.001 1/mV", 1.0), ("per_mV", "per_voltage", "1/mV", 1e3),
    ("ohm", "resistance", "Ohm", 1.0), ("kohm", "resistance", "kOhm", 1e3), ("Mohm", "resistance", "MOhm", 1e6),
    ("GOhm", "resistance", "GOhm", 1e9), ("Gohm", "resistance", "GOhm", 1e9),
    ("S", "conductance", "S", 1.0), ("mS", "conductance", "mS", 1e-3), ("uS", "conductance", "uS", 1e-6),
    ("nS", "conductance", "nS", 1e-9), ("pS", "conductance", "pS", 1e-12),
    ("S_per_m2", "conductanceDensity", "x0.1 mS/cm^2", 1.0), ("mS_per_cm2", "conductanceDensity", "mS/cm^2", 10.0),
    ("S_per_cm2", "conductanceDensity", "S/cm^2", 1e4), ("uS_per_cm2", "conductanceDensity", "uS/cm^2", 1e-2),
    ("F", "capacitance", "F", 1.0), ("uF", "capacitance", "uF", 1e-6), ("nF", "capacitance", "nF", 1e-9), ("pF", "capacitance", "pF", 1e-12),
    ("F_per_m2", "specificCapacitance", "x100 uF/cm^2", 1.0), ("uF_per_cm2", "specificCapacitance", "uF/cm^2", 1e-2),
    ("ohm_m", "resistivity", "x100 Ohm*cm", 1.0), ("kohm_cm", "resistivity", "kOhm*cm", 10.0), ("ohm_cm", "resistivity", "Ohm*cm", 1e-2),
    ("C", "charge", "C", 1.0), ("e", "charge", "* 1.602176634e-19 C", 1.602176634e-19),
    ("C_per_mol", "charge_per_mole", "C/mol", 1.0), ("nA_ms_per_amol", "charge_per_mole", "MC/mol", 1e6),
    ("pC_per_umol", "charge_per_mole", "uC/mol", 1e-6),
    ("A", "current", "A", 1.0), ("uA", "current", "uA", 1e-6), ("nA", "current", "nA", 1e-9), ("pA", "current", "pA", 1e-12),
    ("A_per_m2", "currentDensity", "x100 uA/cm^2", 1.0), ("uA_per_cm2", "currentDensity", "uA/cm^2", 1e-2), ("mA_per_cm2", "currentDensity", "mA/cm^2", 10.0),
    ("mol_per_m3", "concentration", "mM", 1.0), ("mol_per_cm3", "concentration", "x1e6 mM", 1e6),
    ("M", "concentration", "x1000 mM", 1e3), ("mM", "concentration", "mM", 1.0), ("mol", "substance", "mol", 1.0),
    ("m_per_s", "permeability", "x1000 um/ms", 1.0), ("cm_per_s", "permeability", "x10 um/ms", 1e-2), ("um_per_ms", "permeability", "um/ms", 1e-3),
    ("cm_per_ms", "permeability", "cm/ms", 10.0), ("K", "temperature", "K", 1.0),
    ("J_per_K_per_mol", "idealGasConstantDims", "J/K/mol", 1.0), ("fJ_per_K_per_umol", "idealGasConstantDims", "nJ/K/mol", 1e-9),
    ("S_per_V", "conductance_per_voltage", "x1e6 nS/mV", 1.0), ("nS_per_mV", "conductance_per_voltage", "nS/mV", 1e-6),
    ("mol_per_m_per_A_per_s", "rho_factor", "x1e-8 umol/cm/nA/ms", 1.0), ("mol_per_cm_per_uA_per_ms", "rho_factor", "mol/cm/uA/ms", 1e11),
];

/// In which unit a value of a dimension is written that has none of its own, a zero for instance.
#[rustfmt::skip]
const USUAL: [(Dimension, &str); 18] = [
    (TIME, "ms"), ([0, 0, -1, 0, 0, 0, 0], "/ms"), (VOLTAGE, "mV"), (CONDUCTANCE, "nS"), ([-1, -4, 3, 2, 0, 0, 0], "mS/cm^2"),
    ([-1, -2, 4, 2, 0, 0, 0], "pF"), ([-1, -4, 4, 2, 0, 0, 0], "uF/cm^2"), ([1, 2, -3, -2, 0, 0, 0], "MOhm"), (CURRENT, "nA"),
    ([0, -2, 0, 1, 0, 0, 0], "uA/cm^2"), ([0, 1, 0, 0, 0, 0, 0], "um"), ([0, 2, 0, 0, 0, 0, 0], "um^2"), ([0, -3, 0, 0, 0, 1, 0], "mM"),
    ([0, 0, 0, 0, 1, 0, 0], "K"), ([0, 0, 1, 1, 0, 0, 0], "C"), ([-2, -4, 6, 3, 0, 0, 0], "nS/mV"), ([1, 2, -4, -1, 0, 0, 0], "mV/ms"),
    ([0, 1, -1, 0, 0, 0, 0], "um/ms"),
];

/// A quantity: a number and its unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// How Neuro writes it: `10 mV`.
    pub text: String,
    /// Its value in SI units.
    pub value: f64,
    /// Its dimension.
    pub dimension: Dimension,
    /// Its unit as Neuro writes it, if it stands after the number.
    pub unit: String,
}

impl Quantity {
    /// A pure number.
    pub fn number(value: f64) -> Self {
        Quantity { text: number(value), value, dimension: NONE, unit: String::new() }
    }

    /// Another amount of the same unit.
    pub fn times(&self, factor: f64) -> Quantity {
        let head = self.text.strip_suffix(self.unit.as_str()).unwrap_or(&self.text).trim();
        match head.parse::<f64>() {
            Ok(own) => {
                Quantity { text: join(&number(own * factor), &self.unit), value: self.value * factor, ..self.clone() }
            }
            Err(_) => Quantity {
                text: format!("{} * {}", self.text, number(factor)),
                value: self.value * factor,
                ..self.clone()
            },
        }
    }

    /// Its number without the unit, if it has this one.
    pub fn in_unit(&self, unit: &str) -> Option<&str> {
        (self.unit == unit).then(|| self.text.strip_suffix(unit).unwrap_or(&self.text).trim())
    }
}

/// A number as short as it can be written.
pub fn number(value: f64) -> String {
    // What a product of decimal numbers leaves behind in the last places is not meant.
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    let magnitude = rounded.abs();
    if rounded == 0.0 {
        "0".into()
    } else if (1e-4..1e7).contains(&magnitude) {
        format!("{rounded}")
    } else {
        format!("{rounded:e}")
    }
}

fn join(number: &str, unit: &str) -> String {
    match unit {
        "" => number.to_string(),
        _ if unit.starts_with('/') => format!("{number}{unit}"),
        _ => format!("{number} {unit}"),
    }
}

/// The dimensions and units that a model knows.
pub struct Units {
    dimensions: BTreeMap<String, Dimension>,
    units: BTreeMap<String, Unit>,
}

struct Unit {
    dimension: Dimension,
    text: String,
    scale: f64,
    offset: f64,
}

impl Units {
    /// Those of the core of NeuroML.
    pub fn core() -> Units {
        let mut dimensions: BTreeMap<String, Dimension> =
            DIMENSIONS.iter().map(|(n, d)| ((*n).to_string(), *d)).collect();
        dimensions.insert("rho_factor".into(), [0, -1, -1, -1, 0, 1, 0]);
        let mut units = BTreeMap::new();
        for (symbol, dimension, text, scale) in UNITS {
            let dimension = dimensions.get(dimension).copied().unwrap_or(NONE);
            units.insert(symbol.to_string(), Unit { dimension, text: text.into(), scale, offset: 0.0 });
        }
        let celsius = Unit { dimension: [0, 0, 0, 0, 1, 0, 0], text: "K".into(), scale: 1.0, offset: 273.15 };
        units.insert("degC".into(), celsius);
        let rho = Unit { dimension: [0, -1, -1, -1, 0, 1, 0], text: "umol/cm/nA/ms".into(), scale: 1e8, offset: 0.0 };
        units.insert("umol_per_cm_per_nA_per_ms".into(), rho);
        Units { dimensions, units }
    }

    /// Adds a dimension; one that is known already keeps its name.
    pub fn add_dimension(&mut self, name: &str, dimension: Dimension) {
        self.dimensions.insert(name.to_string(), dimension);
    }

    /// Adds a unit of a file's own. One of the core of the same name and amount keeps how it is written.
    pub fn add_unit(&mut self, symbol: &str, dimension: Dimension, scale: f64, offset: f64) {
        if let Some(known) = self.units.get(symbol)
            && known.dimension == dimension
            && (known.scale / scale - 1.0).abs() < 1e-9
        {
            return;
        }
        let known = core_name(dimension, scale).or_else(|| self.composed(symbol, dimension, scale));
        let text = known.unwrap_or_else(|| match basic(dimension) {
            // Pure numbers under another name.
            unit if unit.is_empty() => format!("* {}", number(scale)),
            unit if scale == 1.0 => unit,
            unit => format!("* {} {unit}", number(scale)),
        });
        self.units.insert(symbol.to_string(), Unit { dimension, text, scale, offset });
    }

    /// The unit that a symbol such as `nA_per_ms` spells, if it is what the file says.
    fn composed(&self, symbol: &str, dimension: Dimension, scale: f64) -> Option<String> {
        let mut parts = symbol.split("_per_").map(|part| self.units.get(part).filter(|u| u.offset == 0.0));
        let first = parts.next()??;
        let (mut text, mut own, mut amount) = (first.text.clone(), first.dimension, first.scale);
        for part in parts {
            let part = part?;
            text += &format!("/{}", part.text);
            own = combine(own, part.dimension, -1);
            amount /= part.scale;
        }
        let plain = !text.contains([' ', '(']) && text.matches('/').count() < 4;
        (plain && own == dimension && (amount / scale - 1.0).abs() < 1e-9).then_some(text)
    }

    /// The dimension of a name.
    pub fn dimension(&self, name: &str) -> Option<Dimension> {
        self.dimensions.get(name).copied()
    }

    /// The name of a dimension.
    pub fn name(&self, dimension: Dimension) -> String {
        let known = DIMENSIONS.iter().find(|(_, d)| *d == dimension).map(|(n, _)| (*n).to_string());
        known.unwrap_or_else(|| match self.dimensions.iter().find(|(_, d)| **d == dimension) {
            Some((name, _)) => name.clone(),
            None => basic(dimension),
        })
    }

    /// Reads `10mV`, `-5e-3 per_ms` or `3`.
    pub fn quantity(&self, text: &str) -> Result<Quantity, String> {
        let text = text.trim();
        let (number_text, unit) = split(text);
        let Ok(value) = number_text.parse::<f64>() else {
            return Err(format!("`{text}` does not begin with a number"));
        };
        if !value.is_finite() {
            return Err(format!("`{text}` is not a finite number"));
        }
        let digits = tidy(number_text, value);
        if unit.is_empty() {
            return Ok(Quantity { text: digits, value, dimension: NONE, unit: String::new() });
        }
        let Some(unit) = self.units.get(unit) else { return Err(format!("the unit `{unit}` is not known")) };
        if unit.offset != 0.0 {
            let value = value * unit.scale + unit.offset;
            let text = format!("{} {}", number(value), usual(unit.dimension));
            return Ok(Quantity { text, value, dimension: unit.dimension, unit: "K".into() });
        }
        let value = value * unit.scale;
        if let Some(factor) = unit.text.strip_prefix("* ") {
            return Ok(Quantity {
                text: format!("{digits} * {factor}"),
                value,
                dimension: unit.dimension,
                unit: String::new(),
            });
        }
        if let Some((factor, text)) = unit.text.strip_prefix('x').and_then(|t| t.split_once(' ')) {
            let digits = number(number_text.parse::<f64>().unwrap_or(0.0) * factor.parse::<f64>().unwrap_or(1.0));
            let written = text.strip_prefix("1/").map_or(text.to_string(), |below| format!("/{below}"));
            return Ok(Quantity { text: join(&digits, &written), value, dimension: unit.dimension, unit: written });
        }
        let written = unit.text.strip_prefix("1/").map_or(unit.text.clone(), |below| format!("/{below}"));
        Ok(Quantity { text: join(&digits, &written), value, dimension: unit.dimension, unit: written })
    }
}

/// A number with a decimal point only where it says something.
fn tidy(text: &str, value: f64) -> String {
    let text = text.strip_prefix('+').unwrap_or(text);
    let plain = text.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
    if !plain {
        return number(value);
    }
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    match text {
        "" | "-" | "-0" => "0".into(),
        _ if text.starts_with('.') => format!("0{text}"),
        _ if text.starts_with("-.") => format!("-0{}", &text[1..]),
        _ if text.len() > 1 && text.trim_start_matches('-').starts_with('0') && !text.contains('.') => number(value),
        _ => text.to_string(),
    }
}

/// Number and unit of a text.
fn split(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let mut end = 0;
    let mut seen_digit = false;
    while end < bytes.len() {
        let c = bytes[end];
        let sign = (c == b'-' || c == b'+') && (end == 0 || matches!(bytes[end - 1], b'e' | b'E'));
        let exponent = (c == b'e' || c == b'E')
            && seen_digit
            && match (bytes.get(end + 1), bytes.get(end + 2)) {
                (Some(d), _) if d.is_ascii_digit() => true,
                (Some(b'-' | b'+'), Some(d)) => d.is_ascii_digit(),
                _ => false,
            };
        if !(c.is_ascii_digit() || c == b'.' || sign || exponent) {
            break;
        }
        seen_digit |= c.is_ascii_digit();
        end += 1;
    }
    (text[..end].trim(), text[end..].trim())
}

fn core_name(dimension: Dimension, scale: f64) -> Option<String> {
    UNITS
        .iter()
        .filter(|u| !u.2.starts_with(['*', 'x']))
        .find(|u| DIMENSIONS.iter().any(|(n, d)| *n == u.1 && *d == dimension) && (u.3 / scale - 1.0).abs() < 1e-9)
        .map(|u| u.2.to_string())
}

/// The unit in which a value of a dimension is written that has none of its own.
pub fn usual(dimension: Dimension) -> String {
    if dimension == NONE {
        return String::new();
    }
    USUAL.iter().find(|(d, _)| *d == dimension).map_or_else(|| basic(dimension), |(_, u)| (*u).to_string())
}

/// Zero of a dimension.
pub fn zero(dimension: Dimension) -> String {
    join("0", &usual(dimension))
}

/// A dimension in units of the SI.
fn basic(dimension: Dimension) -> String {
    let names = ["kg", "m", "s", "A", "K", "mol", "cd"];
    let power = |name: &str, n: i16| if n == 1 { name.to_string() } else { format!("{name}^{n}") };
    let above: Vec<String> = names.iter().zip(dimension).filter(|(_, n)| *n > 0).map(|(u, n)| power(u, n)).collect();
    let below: String =
        names.iter().zip(dimension).filter(|(_, n)| *n < 0).map(|(u, n)| format!("/{}", power(u, -n))).collect();
    match above.join("*") {
        above if above.is_empty() && !below.is_empty() => below,
        above => format!("{above}{below}"),
    }
}

/// Product, or quotient, of two dimensions.
pub fn combine(x: Dimension, y: Dimension, sign: i16) -> Dimension {
    let mut out = x;
    for (own, other) in out.iter_mut().zip(y) {
        *own = own.saturating_add(other.saturating_mul(sign));
    }
    out
}
