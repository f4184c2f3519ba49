//! Formulas of LEMS, and what they are made of where it has no words for a part: constants, and variables that follow from others.

use super::unit::Units;
use super::unsayable;
use crate::diag::Diagnostics;
use crate::export::measured::{Kind, Measured, measured};
use crate::export::names::Names;
use crate::hir::{Draw, EventId, Expr, Func, Op, Var, VarId};
use crate::source::Span;
use crate::units::Dim;
use cranelift_entity::PrimaryMap;
use std::collections::{BTreeMap, BTreeSet};

/// Below this, `(exp(x) - 1) / x` has lost more digits than `1 + x / 2` leaves out.
const NEAR_ZERO: f64 = 1e-6;

/// What is known while a cell is written, and what was found.
pub struct Formulas<'a> {
    pub vars: &'a PrimaryMap<VarId, Var>,
    pub names: BTreeMap<VarId, String>,
    pub free: Names,
    pub units: &'a mut Units,
    /// Declarations of constants, by value and dimension.
    constants: Vec<(f64, Dim, String)>,
    /// Declarations of variables that follow from others, in order.
    pub derived: Vec<String>,
    /// The names of those that have cases.
    with_cases: BTreeSet<String>,
    /// States that hold how long ago an event was, and whether it has just been.
    pub since: BTreeMap<EventId, String>,
    pub fired: BTreeMap<EventId, String>,
    /// Whether variables may be added; where states have just changed they would hold what follows from the old ones.
    pub may_derive: bool,
    pub flaws: Diagnostics,
}

impl<'a> Formulas<'a> {
    pub fn new(vars: &'a PrimaryMap<VarId, Var>, units: &'a mut Units) -> Formulas<'a> {
        const RESERVED: &[&str] = &[
            "t",
            "exp",
            "log",
            "ln",
            "sqrt",
            "sin",
            "cos",
            "tan",
            "sinh",
            "cosh",
            "tanh",
            "abs",
            "ceil",
            "floor",
            "factorial",
            "random",
            "H",
            "id",
            "name",
            "type",
            "synapses",
            "notes",
            "metaid",
            "description",
        ];
        let mut free = Names::beside(RESERVED);
        let names = vars.iter().map(|(id, v)| (id, free.give(&v.name))).collect();
        Formulas {
            vars,
            names,
            free,
            units,
            constants: Vec::new(),
            derived: Vec::new(),
            with_cases: BTreeSet::new(),
            since: BTreeMap::new(),
            fired: BTreeMap::new(),
            may_derive: true,
            flaws: Diagnostics::default(),
        }
    }

    pub fn refuse(&mut self, at: Span, what: &str, why: &str) -> String {
        self.flaws.push(unsayable("LEMS", at, what, why));
        "0".into()
    }

    /// The name of a dimension.
    pub fn dimension(&mut self, dim: Dim, at: Span) -> String {
        match self.units.of(dim) {
            Some((name, _)) => name,
            None => self.refuse(at, "a unit with a broken exponent", "this has one"),
        }
    }

    /// A value as an attribute: `10mV`.
    pub fn quantity(&mut self, value: f64, dim: Dim, at: Span) -> String {
        match self.units.of(dim) {
            Some((_, unit)) => format!("{value}{unit}"),
            None => self.refuse(at, "a unit with a broken exponent", "this has one"),
        }
    }

    /// Declarations of constants.
    pub fn constants(&mut self, at: Span) -> Vec<String> {
        let all = std::mem::take(&mut self.constants);
        let line = |(value, dim, name): (f64, Dim, String)| {
            let dimension = self.dimension(dim, at);
            format!("<Constant name=\"{name}\" dimension=\"{dimension}\" value=\"{}\"/>", self.quantity(value, dim, at))
        };
        all.into_iter().map(line).collect()
    }

    fn constant(&mut self, value: f64, dim: Dim) -> String {
        if let Some((.., name)) = self.constants.iter().find(|(v, d, _)| *v == value && *d == dim) {
            return name.clone();
        }
        let unit = self.units.of(dim).map_or(String::new(), |(_, unit)| unit);
        let name = self.free.give(&format!("c_{value}{unit}").replace('-', "minus"));
        self.constants.push((value, dim, name.clone()));
        name
    }

    fn measured(&self, e: &Expr, dim: Dim) -> Measured {
        measured(e, dim, &|v| self.vars[v].dim)
    }

    /// Writes an expression of a dimension; `at` is where it belongs to.
    pub fn say(&mut self, e: &Expr, dim: Dim, at: Span) -> String {
        let e = self.measured(e, dim);
        self.part(&e, at, 0)
    }

    /// Declares a variable that follows from others.
    pub fn derive(&mut self, name: &str, e: &Expr, dim: Dim, at: Span) {
        let e = self.measured(e, dim);
        self.declare(name, &e, at);
    }

    fn declare(&mut self, name: &str, e: &Measured, at: Span) {
        let dimension = self.dimension(e.dim, at);
        let Kind::Choice(..) = e.kind else {
            let value = self.part(e, at, 0);
            // jLEMS computes what has cases after all else: what follows from that has one case.
            if words(&value).any(|w| self.with_cases.contains(w)) {
                self.cases(name, &dimension, vec![format!("    <Case value=\"{value}\"/>")]);
                return;
            }
            self.derived
                .push(format!("<DerivedVariable name=\"{name}\" dimension=\"{dimension}\" value=\"{value}\"/>"));
            return;
        };
        let (mut cases, mut rest) = (Vec::new(), e);
        while let Kind::Choice(c, a, b) = &rest.kind {
            let condition = self.part(c, at, 0);
            cases.push(format!("    <Case condition=\"{condition}\" value=\"{}\"/>", self.part(a, at, 0)));
            rest = b;
        }
        cases.push(format!("    <Case value=\"{}\"/>", self.part(rest, at, 0)));
        self.cases(name, &dimension, cases);
    }

    fn cases(&mut self, name: &str, dimension: &str, cases: Vec<String>) {
        self.with_cases.insert(name.to_string());
        self.derived.push(format!("<ConditionalDerivedVariable name=\"{name}\" dimension=\"{dimension}\">"));
        self.derived.extend(cases);
        self.derived.push("</ConditionalDerivedVariable>".into());
    }

    /// The name of a variable that holds an expression.
    fn held(&mut self, e: &Measured, at: Span) -> String {
        if let Kind::Variable(v) = &e.kind {
            return self.names[v].clone();
        }
        let name = self.free.give("part");
        self.declare(&name, e, at);
        name
    }

    fn is_constant(&self, e: &Measured) -> bool {
        match &e.kind {
            Kind::Number(_) | Kind::Truth(_) => true,
            Kind::Variable(v) => matches!(self.vars[*v].kind, crate::hir::VarKind::Param(_)),
            Kind::Minus(a) | Kind::Not(a) => self.is_constant(a),
            Kind::Binary(_, a, b) => self.is_constant(a) && self.is_constant(b),
            Kind::Choice(c, a, b) => [c, a, b].iter().all(|e| self.is_constant(e)),
            Kind::Call(_, args) => args.iter().all(|e| self.is_constant(e)),
            _ => false,
        }
    }

    /// A part that LEMS has no word for, as a variable with cases.
    fn chosen(
        &mut self,
        e: &Measured,
        at: Span,
        cases: impl FnOnce(&mut Self) -> Vec<(Option<String>, String)>,
    ) -> String {
        if !self.may_derive && !self.is_constant(e) {
            return self.refuse(at, "a choice among values at an event", "its formulas have no branches");
        }
        let cases = cases(self);
        let name = self.free.give("part");
        let dimension = self.dimension(e.dim, at);
        let line = |(condition, value): (Option<String>, String)| match condition {
            Some(c) => format!("    <Case condition=\"{c}\" value=\"{value}\"/>"),
            None => format!("    <Case value=\"{value}\"/>"),
        };
        self.cases(&name, &dimension, cases.into_iter().map(line).collect());
        name
    }

    fn part(&mut self, e: &Measured, at: Span, outer: u8) -> String {
        let (text, level) = self.written(e, at);
        if level < outer { format!("({text})") } else { text }
    }

    /// A formula with how tightly it binds: 1 or, 2 and, 3 comparison, 4 sum, 5 product, 6 power, 7 name.
    fn written(&mut self, e: &Measured, at: Span) -> (String, u8) {
        let text = match &e.kind {
            Kind::Number(v) if !v.is_finite() => self.refuse(at, "what is infinite", "its numbers are finite"),
            Kind::Number(v) if e.dim != Dim::ONE => self.constant(*v, e.dim),
            Kind::Number(v) => return (format!("{v}"), if *v < 0.0 { 4 } else { 7 }),
            Kind::Truth(b) => return (format!("0 .lt. {}", u8::from(*b)), 3),
            Kind::Variable(v) => self.names[v].clone(),
            Kind::Time => "t".into(),
            Kind::Minus(a) => return (format!("-1 * {}", self.part(a, at, 6)), 4),
            Kind::Not(a) => return self.negated(a, at),
            Kind::Binary(op, a, b) => return self.operation(*op, (a, b), at),
            Kind::Call(f, args) => return self.call(*f, args, e, at),
            Kind::Choice(c, a, b) => self.chosen(e, at, |this| {
                let (c, a, b) = (this.part(c, at, 0), this.part(a, at, 0), this.part(b, at, 0));
                vec![(Some(c), a), (None, b)]
            }),
            Kind::Since(event) => match self.since.get(event) {
                Some(name) => name.clone(),
                None => self.refuse(at, "when this event was last", "no cell says so"),
            },
            Kind::Fired(event) => match self.fired.get(event) {
                Some(name) => return (format!("{name} .gt. 0.5"), 3),
                None => self.refuse(at, "an event as a condition here", "it is told to conditions only"),
            },
            Kind::Drawn(Draw::Uniform, args) => {
                let (a, b) = (self.part(&args[0], at, 4), self.part(&args[1], at, 4));
                return (format!("{a} + random(1) * ({b} - {})", self.part(&args[0], at, 5)), 4);
            }
            Kind::Drawn(Draw::Normal, _) => self.refuse(at, "a normal number", "it draws evenly"),
            Kind::Step => self.refuse(at, "the time step", "its models do not know it"),
            Kind::Noise(_) => self.refuse(at, "white noise in an equation", "equations are ordinary ones there"),
        };
        (text, 7)
    }

    fn operation(&mut self, op: Op, (a, b): (&Measured, &Measured), at: Span) -> (String, u8) {
        let (symbol, level) = match op {
            Op::Or => (".or.", 1),
            Op::And => (".and.", 2),
            Op::Lt => (".lt.", 3),
            Op::Le => (".leq.", 3),
            Op::Gt => (".gt.", 3),
            Op::Ge => (".geq.", 3),
            Op::Eq => (".eq.", 3),
            Op::Ne => (".neq.", 3),
            Op::Add => ("+", 4),
            Op::Sub => ("-", 4),
            Op::Mul => ("*", 5),
            Op::Div => ("/", 5),
        };
        // Brackets around all that is joined by words: readers of LEMS do not agree on which binds first.
        let (left, right) = if level < 4 { (4, 4) } else { (level, level + 1) };
        (format!("{} {symbol} {}", self.part(a, at, left), self.part(b, at, right)), level)
    }

    /// The opposite of a condition.
    fn negated(&mut self, e: &Measured, at: Span) -> (String, u8) {
        let not = |e: &Measured| Measured { kind: Kind::Not(Box::new(e.clone())), dim: Dim::ONE };
        match &e.kind {
            Kind::Not(a) => self.written(a, at),
            Kind::Truth(b) => self.written(&Measured { kind: Kind::Truth(!b), dim: Dim::ONE }, at),
            Kind::Fired(event) => match self.fired.get(event) {
                Some(name) => (format!("{name} .lt. 0.5"), 3),
                None => (self.refuse(at, "an event as a condition here", "it is told to conditions only"), 7),
            },
            Kind::Binary(op, a, b) => match op {
                Op::And => self.operation(Op::Or, (&not(a), &not(b)), at),
                Op::Or => self.operation(Op::And, (&not(a), &not(b)), at),
                Op::Lt => self.operation(Op::Ge, (a, b), at),
                Op::Le => self.operation(Op::Gt, (a, b), at),
                Op::Gt => self.operation(Op::Le, (a, b), at),
                Op::Ge => self.operation(Op::Lt, (a, b), at),
                Op::Eq => self.operation(Op::Ne, (a, b), at),
                _ => self.operation(Op::Eq, (a, b), at),
            },
            _ => (format!("{} .lt. 0.5", self.part(e, at, 4)), 3),
        }
    }

    fn call(&mut self, f: Func, args: &[Measured], e: &Measured, at: Span) -> (String, u8) {
        let plain = match f {
            Func::Exp => "exp",
            Func::Log => "log",
            Func::Sqrt => "sqrt",
            Func::Sin => "sin",
            Func::Cos => "cos",
            Func::Tan => "tan",
            Func::Tanh => "tanh",
            Func::Abs => "abs",
            Func::Ceil => "ceil",
            _ => return self.other_call(f, args, e, at),
        };
        (format!("{plain}({})", self.part(&args[0], at, 0)), 7)
    }

    fn other_call(&mut self, f: Func, args: &[Measured], e: &Measured, at: Span) -> (String, u8) {
        let text = match f {
            Func::Pow => return (format!("{}^{}", self.part(&args[0], at, 7), self.part(&args[1], at, 7)), 6),
            Func::Expm1 => return (format!("exp({}) - 1", self.part(&args[0], at, 0)), 4),
            Func::Log10 => return (format!("log({}) / log(10)", self.part(&args[0], at, 0)), 5),
            Func::Sigmoid => return (format!("1 / (1 + exp(-1 * {}))", self.part(&args[0], at, 6)), 5),
            Func::Floor => return (format!("-1 * ceil(-1 * {})", self.part(&args[0], at, 6)), 4),
            Func::Mod => {
                let (a, b) = (self.part(&args[0], at, 4), self.part(&args[1], at, 6));
                return (format!("{a} + {b} * ceil(-1 * {} / {b})", self.part(&args[0], at, 6)), 4);
            }
            // Where nothing can be chosen, the value is known to be far from zero.
            Func::Exprel if !self.may_derive => {
                let x = self.part(&args[0], at, 6);
                return (format!("(exp({x}) - 1) / {x}"), 5);
            }
            Func::Exprel => self.chosen(e, at, |this| {
                let x = this.held(&args[0], at);
                let near = format!("(abs({x}) .lt. {NEAR_ZERO})");
                vec![(Some(near), format!("1 + {x} / 2")), (None, format!("(exp({x}) - 1) / {x}"))]
            }),
            Func::Min | Func::Max => self.chosen(e, at, |this| {
                let (a, b) = (this.part(&args[0], at, 4), this.part(&args[1], at, 4));
                let compare = if f == Func::Min { ".lt." } else { ".gt." };
                vec![(Some(format!("{a} {compare} {b}")), a), (None, b)]
            }),
            Func::Sign | Func::Heaviside => self.chosen(e, at, |this| {
                let x = this.part(&args[0], at, 4);
                let zero = if args[0].dim == Dim::ONE { "0".into() } else { this.constant(0.0, args[0].dim) };
                match f {
                    Func::Heaviside => vec![(Some(format!("{x} .geq. {zero}")), "1".into()), (None, "0".into())],
                    _ => vec![
                        (Some(format!("{x} .gt. {zero}")), "1".into()),
                        (Some(format!("{x} .lt. {zero}")), "-1".into()),
                        (None, "0".into()),
                    ],
                }
            }),
            _ => self.refuse(at, &format!("`{}`", f.name()), "no such function there"),
        };
        (text, 7)
    }
}

/// The names in a formula.
pub fn words(formula: &str) -> impl Iterator<Item = &str> {
    formula.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| !w.is_empty())
}
