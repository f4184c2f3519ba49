//! What NESTML has a meaning for, and how numbers and units are spelled.

use crate::export::spelled::factors;
use crate::units::{Dim, Ratio};

/// Names that cannot be those of variables: keywords, what is predefined, and units that texts use.
pub const RESERVED: &[&str] = &[
    "integer",
    "real",
    "string",
    "boolean",
    "void",
    "function",
    "inline",
    "return",
    "if",
    "elif",
    "else",
    "for",
    "while",
    "in",
    "step",
    "inf",
    "and",
    "or",
    "not",
    "recordable",
    "kernel",
    "model",
    "state",
    "parameters",
    "internals",
    "update",
    "equations",
    "input",
    "output",
    "continuous",
    "onReceive",
    "onCondition",
    "spike",
    "inhibitory",
    "excitatory",
    "true",
    "false",
    "t",
    "e",
    "pi",
    "min",
    "max",
    "abs",
    "clip",
    "exp",
    "log10",
    "ln",
    "expm1",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "erf",
    "erfc",
    "ceil",
    "floor",
    "round",
    "random_normal",
    "random_poisson",
    "random_uniform",
    "delta",
    "convolve",
    "info",
    "warning",
    "print",
    "println",
    "integrate_odes",
    "emit_spike",
    "steps",
    "resolution",
    "timestep",
    "exprel",
    "sign",
    "round_to_even",
    "mV",
    "pA",
    "nS",
    "pF",
    "ms",
    "um",
    "s",
    "GOhm",
    "fC",
    "K",
    "amol",
];

/// The type of a variable: `mV`, `pF/um**2`, `real`; none if a unit has a broken exponent.
pub fn data_type(dim: Dim) -> Option<String> {
    let parts = factors(dim);
    let Some((first, rest)) = parts.split_first() else { return Some("real".into()) };
    let mut out = if first.1.num > 0 { power(*first)? } else { format!("1/{}", power((first.0, minus(first.1)))?) };
    for part in rest {
        out += &match part.1.num > 0 {
            true => format!("*{}", power(*part)?),
            false => format!("/{}", power((part.0, minus(part.1)))?),
        };
    }
    Some(out)
}

fn minus(e: Ratio) -> Ratio {
    Ratio::new(-i32::from(e.num), i32::from(e.den))
}

fn power((name, e): (&str, Ratio)) -> Option<String> {
    (e.den == 1).then(|| if e.num == 1 { name.to_string() } else { format!("{name}**{}", e.num) })
}

/// A number with its unit, and whether it binds as tightly as a name; none if the unit has a broken exponent.
pub fn quantity(value: f64, dim: Dim) -> Option<(String, bool)> {
    let parts = factors(dim);
    if value.is_infinite() && !parts.is_empty() {
        let (unit, _) = quantity(1.0, dim)?;
        return Some((format!("{} * ({unit})", number(value)), false));
    }
    let mut out = number(value);
    let mut parts = parts.into_iter();
    // A literal takes two units at most: more of them are factors.
    for (i, part) in parts.by_ref().take(2).enumerate() {
        let joint = match i {
            0 => ' ',
            _ if part.1.num > 0 || out.contains("**-") => '*',
            _ => '/',
        };
        let part = if joint == '/' { (part.0, minus(part.1)) } else { part };
        out += &format!("{joint}{}", power(part)?);
    }
    for part in parts {
        out = format!("({out}) * (1 {})", power(part)?);
    }
    let is_plain = dim == Dim::ONE && value >= 0.0;
    Some((out, is_plain))
}

/// A number with all its digits.
pub fn number(value: f64) -> String {
    let size = value.abs();
    match value {
        f64::INFINITY => "inf".into(),
        f64::NEG_INFINITY => "-inf".into(),
        _ if value == 0.0 || (1e-4..1e9).contains(&size) => format!("{value}"),
        _ => format!("{value:e}"),
    }
}
