//! Dimensions and units of LEMS: those of the core of NeuroML where it has them, declarations of our own where not.

use crate::export::spelled::factors;
use crate::units::Dim;
use std::collections::BTreeMap;

/// What the core has: our unit, its dimension, its unit.
const CORE: [(&str, &str, &str); 14] = [
    ("mV", "voltage", "mV"),
    ("ms", "time", "ms"),
    ("pA", "current", "pA"),
    ("nS", "conductance", "nS"),
    ("pF", "capacitance", "pF"),
    ("um", "length", "um"),
    ("K", "temperature", "K"),
    ("per_ms", "per_time", "per_ms"),
    ("per_mV", "per_voltage", "per_mV"),
    ("nS_per_mV", "conductance_per_voltage", "nS_per_mV"),
    ("um2", "area", "um2"),
    ("pA_per_um2", "currentDensity", "A_per_m2"),
    ("pF_per_um2", "specificCapacitance", "F_per_m2"),
    ("amol_per_um3", "concentration", "mM"),
];

/// Units that texts use.
#[derive(Default)]
pub struct Units {
    own: BTreeMap<String, Dim>,
}

impl Units {
    /// The names of a dimension and of the unit in which numbers of it are written; none if it has a broken exponent.
    pub fn of(&mut self, dim: Dim) -> Option<(String, String)> {
        if dim == Dim::ONE {
            return Some(("none".into(), String::new()));
        }
        let symbol = symbol(dim)?;
        if let Some((_, dimension, unit)) = CORE.iter().find(|(own, ..)| *own == symbol) {
            return Some(((*dimension).into(), (*unit).into()));
        }
        self.own.insert(symbol.clone(), dim);
        Some((format!("dimension_{symbol}"), symbol))
    }

    /// Declarations of what the core does not have.
    pub fn declared(&self) -> String {
        let mut out = String::new();
        for (symbol, dim) in &self.own {
            let exponents: Vec<String> = ["m", "l", "t", "i", "k", "n", "j"]
                .iter()
                .zip(dim.0)
                .filter(|(_, e)| e.num != 0)
                .map(|(name, e)| format!(" {name}=\"{}\"", e.num))
                .collect();
            let power = dim.internal_exponent();
            out += &format!("    <Dimension name=\"dimension_{symbol}\"{}/>\n", exponents.concat());
            out += &format!("    <Unit symbol=\"{symbol}\" dimension=\"dimension_{symbol}\" power=\"{power}\"/>\n");
        }
        out
    }
}

/// `pF_per_um2`
fn symbol(dim: Dim) -> Option<String> {
    if dim.0.iter().any(|e| e.den != 1) {
        return None;
    }
    let power = |(name, e): &(&str, crate::units::Ratio)| match e.num.abs() {
        1 => (*name).to_string(),
        n => format!("{name}{n}"),
    };
    let parts = factors(dim);
    let over: Vec<String> = parts.iter().filter(|(_, e)| e.num > 0).map(power).collect();
    let under: Vec<String> = parts.iter().filter(|(_, e)| e.num < 0).map(|p| format!("per_{}", power(p))).collect();
    Some(over.into_iter().chain(under).collect::<Vec<_>>().join("_"))
}
