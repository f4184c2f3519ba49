//! Typeset formulas and how they are put together.

use super::scope::Symbol;
use super::units::{self, Factor};

/// How tight a formula binds, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binds {
    Choice,
    Or,
    And,
    Not,
    Within,
    Compare,
    Range,
    Sum,
    Sign,
    /// A fraction with an oblique line.
    Slash,
    Product,
    Power,
    Atom,
}

/// A typeset formula.
#[derive(Debug, Clone)]
pub struct Formula {
    pub tex: String,
    /// Roughly how many letters wide it is.
    pub width: f32,
    pub binds: Binds,
    pub tall: bool,
    /// Whether it ends with a unit, which is no factor of what follows.
    pub unit: bool,
}

impl Formula {
    pub fn new(tex: impl Into<String>, width: f32, binds: Binds) -> Formula {
        Formula { tex: tex.into(), width, binds, tall: false, unit: false }
    }

    pub fn of_symbol(symbol: &Symbol) -> Formula {
        let letters = |tex: &str| tex.split("\\,").map(letters).sum::<f32>();
        let below: f32 = symbol.below.iter().map(|b| 0.7 * letters(b) + 0.3).sum();
        Formula::new(symbol.tex(), letters(&symbol.base) + below, Binds::Atom)
    }
}

/// How many letters a piece of a formula shows: a command is one, or none if it says how something looks.
pub fn letters(tex: &str) -> f32 {
    let mut count = 0.0;
    let mut chars = tex.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' {
            let mut name = String::new();
            while let Some(l) = chars.next_if(char::is_ascii_alphabetic) {
                name.push(l);
            }
            count += if name.starts_with("math") || name.starts_with("text") { 0.0 } else { 1.0 };
        } else if !"{}_^".contains(c) {
            count += 1.0;
        }
    }
    count
}

/// A piece of a formula that is typeset already.
pub fn word(tex: &str, width: f32) -> Formula {
    Formula::new(tex, width, Binds::Atom)
}

/// Pieces one after the other, as an atom.
pub fn joined(pieces: &[Formula]) -> Formula {
    let tex = pieces.iter().map(|p| p.tex.as_str()).collect();
    Formula {
        tex,
        width: pieces.iter().map(|p| p.width).sum(),
        binds: Binds::Atom,
        tall: pieces.iter().any(|p| p.tall),
        unit: pieces.last().is_some_and(|p| p.unit),
    }
}

/// Values and when each of them is meant, one below the other.
pub fn cases(rows: Vec<(Formula, Option<Formula>)>) -> Formula {
    let wide = |f: &Option<Formula>| f.as_ref().map_or(9.0, |f| f.width + 3.0);
    let width = rows.iter().map(|(value, _)| value.width).fold(0.0, f32::max)
        + rows.iter().map(|(_, c)| wide(c)).fold(0.0, f32::max);
    let lines = rows.iter().map(|(value, condition)| match condition {
        Some(c) => format!("{} & \\text{{if }} {}", value.tex, c.tex),
        None => format!("{} & \\text{{otherwise}}", value.tex),
    });
    let tex = format!("\\begin{{cases}} {} \\end{{cases}}", lines.collect::<Vec<_>>().join(" \\\\ "));
    Formula { tall: true, ..Formula::new(tex, width + 2.0, Binds::Atom) }
}

/// The same in a line of text.
pub fn flowing_cases(rows: Vec<(Formula, Option<Formula>)>) -> Formula {
    let mut pieces = Vec::new();
    for (value, condition) in rows {
        match condition {
            Some(c) => {
                pieces.extend([value, word("\\ \\allowbreak\\text{if }", 3.0), c, word(",\\allowbreak\\ ", 1.0)])
            }
            None => pieces.extend([value, word("\\ \\text{otherwise}", 9.0)]),
        }
    }
    Formula { binds: Binds::Choice, unit: false, ..joined(&pieces) }
}

/// A number with its unit.
pub fn quantity(number: f64, unit: &[Factor]) -> Formula {
    let digits = digits(number);
    let unit = units::product(unit);
    let width = letters(&digits) + letters(&unit);
    match unit.is_empty() {
        true => Formula::new(digits, width, Binds::Atom),
        false => Formula { unit: true, ..Formula::new(format!("{digits}\\,{unit}"), width + 0.3, Binds::Product) },
    }
}

/// A number with all its digits; very large and small ones as a power of ten.
pub fn digits(number: f64) -> String {
    if number != 0.0 && !(1e-4..1e7).contains(&number.abs()) {
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return match mantissa {
            "1" => format!("10^{{{exponent}}}"),
            _ => format!("{mantissa} \\times 10^{{{exponent}}}"),
        };
    }
    format!("{number}")
}
