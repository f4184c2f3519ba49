//! Expressions in the words of NESTML.

use super::counters::Counters;
use super::unsayable;
use super::words::{number, quantity};
use crate::diag::Diagnostics;
use crate::export::measured::{Kind, Measured, measured};
use crate::hir::{Draw, EventId, Expr, Func, Op, Var, VarId};
use crate::source::{SourceMap, Span};
use crate::units::Dim;
use cranelift_entity::PrimaryMap;
use std::collections::{BTreeMap, BTreeSet};

/// Functions that a model brings along, as NESTML has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Helper {
    /// (exp(x) - 1) / x
    Exprel,
    /// -1, 0 or 1
    Sign,
    /// To the nearest whole number, halves to even ones.
    RoundToEven,
}

impl Helper {
    /// Its definition.
    pub fn text(self) -> &'static str {
        match self {
            Helper::Exprel => {
                "function exprel(x real) real:\n    if abs(x) < 1e-8:\n        return 1 + x / 2\n    return expm1(x) / x\n"
            }
            Helper::Sign => {
                "function sign(x real) real:\n    if x > 0:\n        return 1\n    elif x < 0:\n        return -1\n    return 0\n"
            }
            Helper::RoundToEven => {
                "function round_to_even(x real) real:\n    if abs(x - floor(x)) == 0.5:\n        return 2 * round(x / 2)\n    return round(x)\n"
            }
        }
    }
}

/// What is known while a model is written, and what was found.
pub struct Speech<'a> {
    pub sources: &'a SourceMap,
    pub vars: &'a PrimaryMap<VarId, Var>,
    /// Bounds of variables, applied at every write.
    pub bounds: &'a [(VarId, Expr, Expr)],
    /// Counters of steps, by what they hold or mute.
    pub counters: Counters,
    /// The weight of a synapse, which is a pure number there, and its dimension here.
    pub weight: Option<(VarId, Dim)>,
    /// How variables are written: tightly enough to stand anywhere.
    pub names: BTreeMap<VarId, String>,
    /// States that hold when an event was last.
    pub last: BTreeMap<EventId, String>,
    pub helpers: BTreeSet<Helper>,
    /// Whether the step is read.
    pub step: bool,
    pub flaws: Diagnostics,
}

const TERNARY: u8 = 0;
const LOGIC: u8 = 1;
const NOT: u8 = 2;
const COMPARISON: u8 = 3;
const SUM: u8 = 4;
const QUANTITY: u8 = 5;
const PRODUCT: u8 = 6;
const UNARY: u8 = 7;
const POWER: u8 = 8;
const ATOM: u8 = 9;

impl<'a> Speech<'a> {
    /// Nothing is written yet.
    pub fn new(
        sources: &'a SourceMap,
        vars: &'a PrimaryMap<VarId, Var>,
        bounds: &'a [(VarId, Expr, Expr)],
        names: BTreeMap<VarId, String>,
        counters: Counters,
    ) -> Speech<'a> {
        let (last, helpers, flaws) = (BTreeMap::new(), BTreeSet::new(), Diagnostics::default());
        Speech { sources, vars, bounds, counters, weight: None, names, last, helpers, step: false, flaws }
    }

    /// Writes an expression of a dimension; `at` is where it belongs to.
    pub fn say(&mut self, e: &Expr, dim: Dim, at: Span) -> String {
        self.within(e, dim, at, TERNARY)
    }

    /// Writes an expression as a factor.
    pub fn factor(&mut self, e: &Expr, dim: Dim, at: Span) -> String {
        self.within(e, dim, at, PRODUCT)
    }

    /// Writes a condition as a part of another one.
    pub fn condition(&mut self, e: &Expr, at: Span) -> String {
        self.within(e, Dim::ONE, at, COMPARISON)
    }

    fn within(&mut self, e: &Expr, dim: Dim, at: Span, level: u8) -> String {
        let vars = self.vars;
        let e = measured(e, dim, &|v| vars[v].dim);
        self.part(&e, at, level)
    }

    fn part(&mut self, e: &Measured, at: Span, outer: u8) -> String {
        let (text, level) = self.written(e, at);
        if level < outer { format!("({text})") } else { text }
    }

    pub fn refuse(&mut self, at: Span, what: &str, why: &str) -> (String, u8) {
        self.flaws.push(unsayable("NESTML", at, what, why));
        ("0".into(), ATOM)
    }

    fn written(&mut self, e: &Measured, at: Span) -> (String, u8) {
        match &e.kind {
            Kind::Number(v) if v.is_nan() => self.refuse(at, "what is no number", "a value here would be none"),
            Kind::Number(v) => match quantity(*v, e.dim) {
                Some((text, true)) => (text, ATOM),
                Some((text, false)) if *v < 0.0 => (text, SUM),
                Some((text, false)) => (text, QUANTITY),
                None => self.refuse(at, "a unit with a broken exponent", "a number here has one"),
            },
            Kind::Truth(b) => (b.to_string(), ATOM),
            Kind::Variable(v) => (self.names.get(v).cloned().unwrap_or_else(|| self.vars[*v].name.clone()), ATOM),
            Kind::Time => ("t".into(), ATOM),
            Kind::Step => {
                self.step = true;
                ("dt".into(), ATOM)
            }
            Kind::Minus(a) => match &a.kind {
                // `-g / tau` is the same either way.
                Kind::Binary(Op::Mul | Op::Div, ..) => (format!("-{}", self.part(a, at, PRODUCT)), SUM),
                _ => (format!("-{}", self.part(a, at, UNARY)), UNARY),
            },
            Kind::Not(a) => (format!("not {}", self.part(a, at, COMPARISON)), NOT),
            Kind::Choice(c, a, b) => {
                let c = self.part(c, at, LOGIC);
                let (a, b) = (self.part(a, at, LOGIC), self.part(b, at, LOGIC));
                (format!("{c} ? {a} : {b}"), TERNARY)
            }
            // A truth value is kept as a number here.
            Kind::Binary(Op::Gt, a, b) if self.is_truth(a) && b.kind == Kind::Number(0.5) => self.written(a, at),
            Kind::Binary(op, a, b) => self.operation(*op, a, b, at),
            Kind::Call(f, args) => self.call(*f, args, e.dim, at),
            Kind::Since(event) => match self.last.get(event) {
                Some(name) => (format!("t - {name}"), SUM),
                None => self.refuse(at, "when another event was last", "cells have one kind of event there"),
            },
            Kind::Fired(_) => {
                self.refuse(at, "an event that depends on another event", "cells have one kind of event there")
            }
            Kind::Drawn(draw, args) => self.drawn(*draw, args, e.dim, at),
            Kind::Noise(_) => self.refuse(at, "white noise in an equation", "equations are ordinary ones there"),
        }
    }

    fn is_truth(&self, e: &Measured) -> bool {
        matches!(&e.kind, Kind::Variable(v) if self.vars[*v].boolean)
    }

    /// Writes the value of a variable, which is a truth value if that is what it holds.
    pub fn value(&mut self, e: &Expr, of: &Var, at: Span) -> String {
        match e {
            Expr::Num(x) if of.boolean => (*x != 0.0).to_string(),
            Expr::If(c, a, b) if of.boolean && (&**a, &**b) == (&Expr::Num(1.0), &Expr::Num(0.0)) => {
                self.say(c, Dim::ONE, at)
            }
            e => self.say(e, of.dim, at),
        }
    }

    fn operation(&mut self, op: Op, a: &Measured, b: &Measured, at: Span) -> (String, u8) {
        let (symbol, level, left, right) = match op {
            Op::Or => ("or", LOGIC, NOT, NOT),
            Op::And => ("and", LOGIC, NOT, NOT),
            Op::Lt => ("<", COMPARISON, SUM, SUM),
            Op::Le => ("<=", COMPARISON, SUM, SUM),
            Op::Gt => (">", COMPARISON, SUM, SUM),
            Op::Ge => (">=", COMPARISON, SUM, SUM),
            Op::Eq => ("==", COMPARISON, SUM, SUM),
            Op::Ne => ("!=", COMPARISON, SUM, SUM),
            Op::Add => ("+", SUM, SUM, QUANTITY),
            Op::Sub => ("-", SUM, SUM, QUANTITY),
            Op::Mul => ("*", PRODUCT, PRODUCT, UNARY),
            Op::Div => ("/", PRODUCT, PRODUCT, POWER),
        };
        // `a and b and c` needs no brackets.
        let same = |e: &Measured| matches!(e.kind, Kind::Binary(o, ..) if o == op && level == LOGIC);
        let (left, right) = (if same(a) { LOGIC } else { left }, if same(b) { LOGIC } else { right });
        (format!("{} {symbol} {}", self.part(a, at, left), self.part(b, at, right)), level)
    }

    /// A value as a pure number: divided by its unit.
    fn pure(&mut self, e: &Measured, at: Span) -> String {
        if e.dim == Dim::ONE {
            return self.part(e, at, TERNARY);
        }
        let unit = self.unit(e.dim, at);
        format!("{} / {unit}", self.part(e, at, PRODUCT))
    }

    pub fn unit(&mut self, dim: Dim, at: Span) -> String {
        match quantity(1.0, dim) {
            Some((text, _)) => format!("({text})"),
            None => self.refuse(at, "a unit with a broken exponent", "a number here has one").0,
        }
    }

    /// A pure number that gets a unit.
    fn with_unit(&mut self, text: String, dim: Dim, at: Span) -> (String, u8) {
        match dim == Dim::ONE {
            true => (text, ATOM),
            false => (format!("{text} * {}", self.unit(dim, at)), PRODUCT),
        }
    }

    fn call(&mut self, f: Func, args: &[Measured], dim: Dim, at: Span) -> (String, u8) {
        let plain = match f {
            Func::Exp => "exp",
            Func::Expm1 => "expm1",
            Func::Log => "ln",
            Func::Log10 => "log10",
            Func::Sin => "sin",
            Func::Cos => "cos",
            Func::Tan => "tan",
            Func::Tanh => "tanh",
            Func::Abs => "abs",
            Func::Floor => "floor",
            Func::Ceil => "ceil",
            Func::Min => "min",
            Func::Max => "max",
            _ => return self.other_call(f, args, dim, at),
        };
        let args: Vec<String> = args.iter().map(|a| self.part(a, at, TERNARY)).collect();
        (format!("{plain}({})", args.join(", ")), ATOM)
    }

    fn other_call(&mut self, f: Func, args: &[Measured], dim: Dim, at: Span) -> (String, u8) {
        let helper = match f {
            Func::Exprel => Helper::Exprel,
            Func::Sign => Helper::Sign,
            Func::Round => Helper::RoundToEven,
            Func::Sigmoid => {
                let x = self.part(&args[0], at, UNARY);
                return (format!("1 / (1 + exp(-{x}))"), PRODUCT);
            }
            Func::Heaviside => {
                let x = self.part(&args[0], at, SUM);
                let zero = quantity(0.0, args[0].dim).map_or_else(|| number(0.0), |(text, _)| text);
                return (format!("{x} >= {zero} ? 1 : 0"), TERNARY);
            }
            Func::Sqrt => {
                let x = self.pure(&args[0], at);
                return self.with_unit(format!("({x})**0.5"), dim, at);
            }
            Func::Pow => {
                let (base, exponent) = (self.part(&args[0], at, ATOM), self.part(&args[1], at, ATOM));
                return (format!("{base}**{exponent}"), POWER);
            }
            Func::Mod => {
                let (a, b) = (self.part(&args[0], at, PRODUCT), self.part(&args[1], at, POWER));
                return (format!("{a} - {b} * floor({a} / {b})"), SUM);
            }
            Func::Poisson => match &args[0].kind {
                Kind::Drawn(..) => return (format!("random_poisson({})", self.part(&args[1], at, TERNARY)), ATOM),
                _ => return self.refuse(at, "a Poisson number of a given draw", "it draws itself there"),
            },
            _ => return self.refuse(at, &format!("`{}`", f.name()), "no such function there"),
        };
        self.helpers.insert(helper);
        (format!("{}({})", f_name(helper), self.pure(&args[0], at)), ATOM)
    }

    fn drawn(&mut self, draw: Draw, args: &[Measured], dim: Dim, at: Span) -> (String, u8) {
        let (a, b) = (self.pure(&args[0], at), self.pure(&args[1], at));
        let text = match draw {
            Draw::Normal => format!("random_normal({a}, {b})"),
            Draw::Uniform if a == "0" => format!("random_uniform(0, {b})"),
            Draw::Uniform => format!("random_uniform({a}, {b} - ({a}))"),
        };
        self.with_unit(text, dim, at)
    }
}

fn f_name(helper: Helper) -> &'static str {
    match helper {
        Helper::Exprel => "exprel",
        Helper::Sign => "sign",
        Helper::RoundToEven => "round_to_even",
    }
}
