//! What names stand for, and expressions as Neuro writes them.
//!
//! Input: an expression and a scope. Output: text, how tightly it binds, and its dimension; dimensions that do not fit are found.

use super::dimension::{Dimension, NONE, Units, combine, number, usual, zero};
use super::expression::{Expression, Operator};
use std::collections::{HashMap, HashSet};

/// Something as Neuro writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Its text.
    pub text: String,
    /// How tightly it binds: 10 for what needs no parentheses.
    pub binding: u8,
    /// Its dimension.
    pub dimension: Dimension,
}

impl Written {
    /// What needs no parentheses.
    pub fn atom(text: impl Into<String>, dimension: Dimension) -> Self {
        Written { text: text.into(), binding: 10, dimension }
    }

    /// The text, in parentheses where what is around binds more tightly.
    pub fn within(&self, binding: u8) -> String {
        if self.binding < binding { format!("({})", self.text) } else { self.text.clone() }
    }
}

/// What names stand for.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    names: HashMap<String, Written>,
    numbers: HashMap<String, f64>,
}

/// Names that have a meaning of their own in Neuro.
const RESERVED: [&str; 34] = [
    "and", "or", "not", "if", "then", "else", "in", "for", "when", "true", "false", "within", "every", "against",
    "over", "pre", "post", "t", "dt", "xi", "pi", "inf", "exp", "log", "sqrt", "sin", "cos", "tan", "abs", "max",
    "min", "age", "rising", "falling",
];

/// Units of more than one letter that are written without a number.
pub const BARE: [&str; 9] = ["mV", "ms", "nF", "nA", "nS", "pA", "uS", "pF", "mM"];

/// Whether a name of several letters is a unit of Neuro.
fn is_unit(name: &str) -> bool {
    let bases = [
        "g", "m", "s", "A", "K", "mol", "Hz", "V", "S", "Ohm", "ohm", "F", "C", "N", "J", "W", "Pa", "Wb", "M", "L",
        "l",
    ];
    let plain = ["min", "deg", "cd", "mol", "Hz", "Ohm", "ohm", "Pa", "Wb"];
    let prefixed = |p: char| name.strip_prefix(p).is_some_and(|rest| bases.contains(&rest));
    plain.contains(&name) || (name.len() > 1 && "fpnumcdkMGTa".chars().any(prefixed))
}

/// A name as Neuro can have it.
pub fn identifier(name: &str) -> String {
    let mut out: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if out.is_empty() || out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, 'n');
    }
    if out.starts_with('_') {
        out.insert(0, 'x');
    }
    if RESERVED.contains(&out.as_str()) || is_unit(&out) {
        out.push('_');
    }
    out
}

/// A name within a network, where `i` is the index of a cell.
pub fn network_name(name: &str) -> String {
    let name = identifier(name);
    if name == "i" { "i_".into() } else { name }
}

impl Scope {
    /// Lets a name stand for something.
    pub fn set(&mut self, name: &str, written: Written) {
        self.names.insert(name.to_string(), written);
    }

    /// Says which number a name stands for.
    pub fn set_number(&mut self, name: &str, value: f64) {
        self.numbers.insert(name.to_string(), value);
    }

    /// What a name stands for.
    pub fn get(&self, name: &str) -> Option<&Written> {
        self.names.get(name)
    }

    /// Writes an expression of a dimension.
    pub fn write(&self, x: &Expression, units: &Units, wanted: Option<Dimension>) -> Result<Written, String> {
        let written = self.any(x, units, wanted)?;
        match wanted {
            Some(dimension) if dimension != written.dimension => Err(format!(
                "`{}` is a {}, where a {} is needed",
                written.text,
                units.name(written.dimension),
                units.name(dimension)
            )),
            _ => Ok(written),
        }
    }

    fn any(&self, x: &Expression, units: &Units, wanted: Option<Dimension>) -> Result<Written, String> {
        match x {
            Expression::Number(text) => Ok(literal(text, wanted)),
            Expression::Name(name) => match self.names.get(name) {
                Some(written) => Ok(written.clone()),
                None => Err(format!("`{name}` is not declared")),
            },
            Expression::Negative(inner) => {
                let inner = self.any(inner, units, wanted)?;
                Ok(Written { text: format!("-{}", inner.within(6)), binding: 6, dimension: inner.dimension })
            }
            Expression::Not(inner) => {
                let inner = self.write(inner, units, Some(NONE))?;
                Ok(Written { text: format!("not {}", inner.within(9)), binding: 3, dimension: NONE })
            }
            Expression::Binary(Operator::Power, base, exponent) => self.power(base, exponent, units),
            Expression::Binary(operator, x, y) => self.binary(*operator, x, y, units, wanted),
            Expression::Call(name, arguments) => self.call(name, arguments, units),
        }
    }

    fn binary(
        &self,
        operator: Operator,
        x: &Expression,
        y: &Expression,
        units: &Units,
        wanted: Option<Dimension>,
    ) -> Result<Written, String> {
        let sums = matches!(operator, Operator::Plus | Operator::Minus) || operator.compares();
        let hint = if operator.compares() || !sums { None } else { wanted };
        if operator == Operator::Times && x.as_number() == Some(-1.0) {
            return self.any(&Expression::Negative(Box::new(y.clone())), units, wanted);
        }
        // `0 - x`, as files write it.
        if operator == Operator::Minus && x.as_number() == Some(0.0) {
            return self.any(&Expression::Negative(Box::new(y.clone())), units, wanted);
        }
        // A zero has the dimension of what it is compared with, or added to.
        let zero_of = |z: &Expression| sums && z.as_number() == Some(0.0);
        let (left, right) = if zero_of(x) {
            let right = self.any(y, units, hint)?;
            (self.any(x, units, Some(right.dimension))?, right)
        } else {
            let left = self.any(x, units, hint)?;
            let hint = if zero_of(y) { Some(left.dimension) } else { hint };
            (left, self.any(y, units, hint)?)
        };
        if sums && left.dimension != right.dimension {
            let (one, other) = (units.name(left.dimension), units.name(right.dimension));
            let what = operator.text().trim();
            return Err(format!("`{}` is a {one}, `{}` a {other}: `{what}` needs the same", left.text, right.text));
        }
        let mut dimension = if operator.compares() { NONE } else { left.dimension };
        match operator {
            Operator::Times => dimension = combine(left.dimension, right.dimension, 1),
            Operator::Over => dimension = combine(left.dimension, right.dimension, -1),
            _ => {}
        }
        let binding = operator.binding();
        let stays = matches!(operator, Operator::Plus | Operator::Times | Operator::And | Operator::Or);
        let same_sign = operator == Operator::Times && right.text.contains('/');
        let after = if (stays && !same_sign) && !right.text.starts_with('-') { binding } else { binding + 1 };
        let (mut sign, mut second) = (operator.text(), right.within(after));
        if let (Operator::Plus | Operator::Minus, Some(rest)) = (operator, turned(&right)) {
            sign = if operator == Operator::Plus { " - " } else { " + " };
            second = rest;
        }
        let text = format!("{}{sign}{second}", left.within(binding));
        Ok(Written { text, binding, dimension })
    }

    fn power(&self, base: &Expression, exponent: &Expression, units: &Units) -> Result<Written, String> {
        let base = self.any(base, units, None)?;
        if base.dimension == NONE && exponent.as_number().is_none() {
            let exponent = self.write(exponent, units, Some(NONE))?;
            let text = format!("{}^{}", base.within(9), exponent.within(9));
            return Ok(Written { text, binding: 8, dimension: NONE });
        }
        let known = match exponent {
            Expression::Name(name) => self.numbers.get(name).copied(),
            _ => exponent.as_number(),
        };
        let Some(n) = known else {
            return Err(format!("`{}` has a dimension, and its exponent is no number", base.text));
        };
        let mut dimension = NONE;
        for (own, of_base) in dimension.iter_mut().zip(base.dimension) {
            let power = f64::from(of_base) * n;
            if power.fract() != 0.0 || power.abs() > 100.0 {
                return Err(format!("`{}^{n}` has no dimension that can be written", base.text));
            }
            *own = power as i16;
        }
        let exponent = if n < 0.0 || n.fract() != 0.0 { format!("({})", number(n)) } else { number(n) };
        Ok(Written { text: format!("{}^{exponent}", base.within(9)), binding: 8, dimension })
    }

    fn call(&self, name: &str, arguments: &[Expression], units: &Units) -> Result<Written, String> {
        let wanted = if matches!(name, "sqrt" | "abs" | "max" | "min" | "H") { None } else { Some(NONE) };
        let mut written = Vec::new();
        for x in arguments {
            let hint = wanted.or(written.first().map(|w: &Written| w.dimension));
            written.push(match wanted {
                Some(_) => self.write(x, units, wanted)?,
                None => self.any(x, units, hint)?,
            });
        }
        let texts: Vec<&str> = written.iter().map(|w| w.text.as_str()).collect();
        let all = texts.join(", ");
        let first = written.first().map_or(NONE, |w| w.dimension);
        let (text, dimension) = match name {
            "ln" => (format!("log({all})"), NONE),
            "sinh" => (format!("((exp({all}) - exp(-({all}))) / 2)"), NONE),
            "cosh" => (format!("((exp({all}) + exp(-({all}))) / 2)"), NONE),
            "random" if all == "1" => ("random()".into(), NONE),
            "random" => (format!("({all} * random())"), NONE),
            "H" => (format!("heaviside({all})"), NONE),
            "sqrt" if first.iter().any(|n| n % 2 != 0) => {
                return Err(format!("the root of `{all}` has no dimension that can be written"));
            }
            "sqrt" => (format!("sqrt({all})"), first.map(|n| n / 2)),
            "max" | "min" if written.iter().any(|w| w.dimension != first) => {
                return Err(format!("`{name}({all})` compares different dimensions"));
            }
            "abs" | "max" | "min" => (format!("{name}({all})"), first),
            _ => (format!("{name}({all})"), NONE),
        };
        Ok(Written::atom(text, dimension))
    }
}

/// The other sign of what begins with a minus, if that says the same.
fn turned(x: &Written) -> Option<String> {
    x.text.strip_prefix('-').filter(|_| x.binding >= 6).map(str::to_string)
}

fn literal(text: &str, wanted: Option<Dimension>) -> Written {
    let value: f64 = text.parse().unwrap_or(0.0);
    match wanted {
        Some(dimension) if value == 0.0 && dimension != NONE => Written::atom(zero(dimension), dimension),
        _ => Written::atom(number(value), NONE),
    }
}

/// A quantity where an expression may stand.
pub fn constant(quantity: &super::dimension::Quantity) -> Written {
    if let Some(unit) = BARE.iter().find(|u| quantity.in_unit(u) == Some("1")) {
        return Written::atom(*unit, quantity.dimension);
    }
    let unit = &quantity.unit;
    let product = quantity.text.contains(" * ") || unit.starts_with('/') || unit.contains('/');
    let binding = if quantity.text.starts_with('-') || product { 6 } else { 10 };
    Written { text: quantity.text.clone(), binding, dimension: quantity.dimension }
}

/// An expression that stands for zero of a dimension.
pub fn nothing(dimension: Dimension) -> Written {
    let unit = usual(dimension);
    Written { text: zero(dimension), binding: if unit.starts_with('/') { 6 } else { 10 }, dimension }
}

/// A name with a capital letter.
pub fn capital(name: &str) -> String {
    let name = identifier(name);
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// A name that is not taken.
pub fn unique(name: &str, names: &mut HashSet<String>) -> String {
    let mut out = name.to_string();
    let mut n = 2;
    while !names.insert(out.clone()) {
        out = format!("{name}{n}");
        n += 1;
    }
    out
}
