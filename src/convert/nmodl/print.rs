//! Expressions as text, with units.

use super::graph::{Graph, Id, Op, tidy};
use super::infer::{Infer, pure};
use super::units::{ONE, Unit, alike, plus, write};

/// How closely the outermost sign of a text binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Choice,
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Sign,
    Power,
    Atom,
}

/// A text and how closely it binds.
pub type Text = (String, Level);

/// Writes expressions.
pub struct Printer<'a> {
    /// The expressions.
    pub graph: &'a Graph,
    /// Their units.
    pub infer: &'a Infer,
    /// Names of variables and of expressions that are declared.
    pub names: &'a dyn Fn(Id) -> Option<String>,
    /// Whether something had to be brought from one unit to another.
    pub forced: std::cell::Cell<bool>,
    /// Whether an expression was too deep to be written.
    pub lost: std::cell::Cell<bool>,
}

/// How deep expressions may be.
const DEEPEST: usize = 250;

/// A number as a reader would write it.
pub fn number(x: f64) -> String {
    let size = x.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) { format!("{x:e}") } else { format!("{x}") }
}

/// A number with a unit.
pub fn quantity(x: f64, unit: &Unit) -> Text {
    let (parts, scale) = write(unit);
    let x = if scale == 0.0 { x } else { tidy(x * 10f64.powf(scale)) };
    let mut text = number(x);
    let mut level = if x < 0.0 { Level::Sign } else { Level::Atom };
    for (i, (name, n)) in parts.iter().enumerate() {
        let power = match n.abs() {
            1.0 => name.clone(),
            n if n.fract() == 0.0 => format!("{name}^{n}"),
            n => format!("{name}^({})", ratio(n)),
        };
        match (i, *n > 0.0) {
            (0, true) => text.push_str(&format!(" {power}")),
            (_, true) => {
                text.push_str(&format!("*{power}"));
                level = Level::Product;
            }
            (_, false) => {
                text.push_str(&format!("/{power}"));
                level = Level::Product;
            }
        }
    }
    (text, level)
}

fn ratio(x: f64) -> String {
    let below = (1..100).find(|d| (x * f64::from(*d)).fract().abs() < 1e-6).unwrap_or(100);
    format!("{}/{below}", (x * f64::from(below)).round())
}

/// A unit alone, as in `event input x: uS`; the power of ten that is left over.
pub fn unit_name(unit: &Unit) -> String {
    let (text, _) = quantity(1.0, unit);
    let bare = text.strip_prefix("1 ").unwrap_or(&text);
    if bare.starts_with("1/") || bare == "1" || text.starts_with("1 ") { bare.into() } else { "1".into() }
}

fn closed(text: Text, least: Level) -> String {
    if text.1 < least { format!("({})", text.0) } else { text.0 }
}

impl Printer<'_> {
    /// An expression, brought to a unit.
    pub fn root(&self, id: Id, wanted: &Unit) -> String {
        self.brought(id, wanted, 0).0
    }

    /// The unit of an expression as it is written.
    fn unit(&self, id: Id) -> Unit {
        self.infer.unit(id)
    }

    fn brought(&self, id: Id, wanted: &Unit, depth: usize) -> Text {
        let unit = self.unit(id);
        let difference = plus(wanted, &unit, -1.0);
        if alike(&difference, &ONE) {
            return self.text(id, depth);
        }
        if let Op::Number(x, _) = &self.graph.ops[id] {
            return quantity(*x, wanted);
        }
        let text = self.text(id, depth);
        if pure(self.graph, id) {
            let straight = quantity(1.0, &difference);
            return (format!("{} * {}", straight.0, closed(text, Level::Product)), Level::Product);
        }
        self.forced.set(true);
        // x / 1 mV reads better than x * 1/mV.
        let inverse = quantity(1.0, &plus(&ONE, &difference, -1.0));
        let straight = quantity(1.0, &difference);
        if inverse.1 == Level::Atom && inverse.0.len() <= straight.0.len() + 1 && !inverse.0.contains('e') {
            return (format!("{} / {}", closed(text, Level::Product), inverse.0), Level::Product);
        }
        (format!("{} * {}", closed(text, Level::Product), straight.0), Level::Product)
    }

    fn text(&self, id: Id, depth: usize) -> Text {
        if let Some(name) = (self.names)(id) {
            return (name, Level::Atom);
        }
        if depth > DEEPEST {
            self.lost.set(true);
            return ("0".into(), Level::Atom);
        }
        let next = depth + 1;
        match &self.graph.ops[id] {
            Op::Number(x, _) => quantity(*x, &self.unit(id)),
            Op::Atom(a) => (self.graph.atoms[*a].name.clone(), Level::Atom),
            Op::Named(_, x) => self.text(*x, next),
            Op::Negative(x) => (format!("-{}", closed(self.text(*x, next), Level::Product)), Level::Sign),
            Op::Not(x) => (format!("not {}", closed(self.text(*x, next), Level::Comparison)), Level::Not),
            Op::If(c, x, y) => {
                let unit = self.unit(id);
                let (c, x) = (self.text(*c, next).0, self.brought(*x, &unit, next));
                let y = self.brought(*y, &unit, next);
                (format!("if {c} then {} else {}", closed(x, Level::Or), y.0), Level::Choice)
            }
            Op::Call(name, args) => self.call(id, name, args, next),
            Op::Binary(sign, x, y) => self.binary(sign, *x, *y, next),
        }
    }

    fn call(&self, id: Id, name: &str, args: &[Id], next: usize) -> Text {
        let unit = match name {
            "min" | "max" => Some(self.unit(id)),
            "abs" | "sqrt" => None,
            _ => Some(ONE),
        };
        let list: Vec<String> = args
            .iter()
            .map(|a| match &unit {
                Some(unit) => self.brought(*a, unit, next).0,
                None => self.text(*a, next).0,
            })
            .collect();
        (format!("{name}({})", list.join(", ")), Level::Atom)
    }

    fn binary(&self, sign: &str, x: Id, y: Id, next: usize) -> Text {
        let same = |level: Level, least: Level| {
            let unit = if pure(self.graph, x) { self.unit(y) } else { self.unit(x) };
            let (a, b) = (self.brought(x, &unit, next), self.brought(y, &unit, next));
            (format!("{} {sign} {}", closed(a, least), closed(b, after(least))), level)
        };
        match sign {
            "+" => same(Level::Sum, Level::Sum),
            "-" => same(Level::Sum, Level::Sum),
            "<" | ">" | "<=" | ">=" | "==" | "!=" => same(Level::Comparison, Level::Sum),
            "and" => (self.joined(x, y, sign, Level::And, next), Level::And),
            "or" => (self.joined(x, y, sign, Level::Or, next), Level::Or),
            "*" => {
                let (a, b) = (self.text(x, next), self.text(y, next));
                if a.0 == "1" {
                    return b;
                }
                if a.0 == "-1" {
                    return (format!("-{}", closed(b, Level::Product)), Level::Sign);
                }
                if b.0 == "1" {
                    return a;
                }
                (format!("{} * {}", closed(a, Level::Product), closed(b, Level::Product)), Level::Product)
            }
            "/" => {
                let (a, b) = (self.text(x, next), self.text(y, next));
                if b.0 == "1" {
                    return a;
                }
                (format!("{} / {}", closed(a, Level::Product), closed(b, Level::Power)), Level::Product)
            }
            _ => self.power(x, y, next),
        }
    }

    fn joined(&self, x: Id, y: Id, sign: &str, least: Level, next: usize) -> String {
        format!("{} {sign} {}", closed(self.text(x, next), least), closed(self.text(y, next), least))
    }

    fn power(&self, x: Id, y: Id, next: usize) -> Text {
        let base = match self.graph.constant(y) {
            Some(_) => self.text(x, next),
            None => self.brought(x, &ONE, next),
        };
        // 2 mV^2 would be a square of the unit.
        let least = if base.0.contains(' ') { Level::Power } else { Level::Atom };
        let base = if base.0.contains(' ') && base.1 == Level::Atom && !base.0.ends_with(')') {
            format!("({})", base.0)
        } else {
            closed(base, least.max(Level::Atom))
        };
        let exponent = self.brought(y, &ONE, next);
        (format!("{base}^{}", closed(exponent, Level::Atom)), Level::Power)
    }
}

fn after(level: Level) -> Level {
    match level {
        Level::Sum => Level::Product,
        other => other,
    }
}
