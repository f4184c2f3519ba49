//! Expressions as formulas.
//!
//! A formula that stands by itself has tall fractions and brackets; one that flows in a line of text may be broken where a line ends.

use super::escape::{self, code};
use super::formula::{Binds, Formula, cases, flowing_cases, joined, letters, quantity, word};
use super::notation::Notation;
use super::scope::{Scope, Symbol, factor, upright};
use super::units::{self, Factor};
use crate::syntax::ast::{Arg, BinOp, Distribution, Expr, ExprKind, Name, Value};

/// How much room formulas take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// By themselves.
    Display,
    /// In a line of text, and broken where it ends.
    Flow,
    /// Within a fraction, or above or below something: without fractions of their own.
    Small,
}

/// Typesets expressions of a declaration.
#[derive(Clone, Copy)]
pub struct Typesetter<'a> {
    pub scope: &'a Scope<'a>,
    pub notation: &'a Notation,
    style: Style,
}

/// The widest part of a fraction in a line of text.
const NARROW: f32 = 9.0;

impl<'a> Typesetter<'a> {
    pub fn new(scope: &'a Scope<'a>, notation: &'a Notation) -> Typesetter<'a> {
        Typesetter { scope, notation, style: Style::Display }
    }

    /// An expression within a line of text.
    pub fn inline(&self, e: &Expr) -> String {
        format!("${}$", self.flowing(e))
    }

    /// The same as a part of a formula.
    pub fn flowing(&self, e: &Expr) -> String {
        self.styled(Style::Flow).set(e).tex
    }

    fn styled(&self, style: Style) -> Typesetter<'a> {
        Typesetter { style, ..*self }
    }

    fn flows(&self) -> bool {
        self.style != Style::Display
    }

    /// A symbol within a line of text.
    pub fn name(&self, path: &str) -> String {
        format!("${}$", self.scope.path(path).tex())
    }

    /// A value: an expression, or the distribution that it is drawn from.
    pub fn value(&self, v: &Value, equals: &str, drawn: &str) -> String {
        match v {
            Value::Expr(e) => format!("{equals}{}", self.inline(e)),
            Value::Distribution(d) => format!("{drawn}{}", self.distribution(d)),
        }
    }

    fn distribution(&self, d: &Distribution) -> String {
        let bound = d.bound.as_ref().map_or(String::new(), |(clipped, range)| {
            let how = if *clipped { "clipped" } else { "redrawn" };
            format!(", {how} in {}", self.interval(range))
        });
        self.inline(&d.call) + &bound
    }

    /// A range as an interval with both ends.
    pub fn interval(&self, range: &Expr) -> String {
        format!("${}$", self.styled(Style::Flow).ends(range).tex)
    }

    /// What parameters are set to.
    pub fn args(&self, args: &[Arg]) -> String {
        let each = args.iter().map(|a| match &a.name {
            Some(name) => format!("${} = {}$", Symbol::of(&name.text).tex(), self.flowing(&a.value)),
            None => self.inline(&a.value),
        });
        each.collect::<Vec<_>>().join(", ")
    }

    /// A term of a sum.
    pub fn term(&self, e: &Expr) -> Formula {
        self.operand(e, Binds::Slash)
    }

    pub fn set(&self, e: &Expr) -> Formula {
        if let Some((number, unit)) = self.measured(e) {
            return quantity(number, &unit);
        }
        match &e.kind {
            ExprKind::Quantity(number, _) => quantity(*number, &[]),
            ExprKind::Bool(b) => Formula::new(upright(if *b { "true" } else { "false" }), 4.0, Binds::Atom),
            ExprKind::Text(text) => {
                let shown = code(&format!("\"{text}\""));
                Formula::new(format!("\\text{{{shown}}}"), text.len() as f32 + 2.0, Binds::Atom)
            }
            ExprKind::Name(name) => match self.scope.unit(name) {
                Some(unit) => Formula { unit: true, ..Formula::new(units::product(&[unit]), 2.0, Binds::Atom) },
                None => self.named(name),
            },
            ExprKind::Neg(inner) => self.negative(inner),
            ExprKind::Not(inner) => {
                let inner = self.at_least(inner, Binds::Not);
                Formula { binds: Binds::Not, ..joined(&[word("\\text{not }", 4.0), inner]) }
            }
            ExprKind::Binary(op, a, b) => self.binary(*op, a, b),
            ExprKind::Stepped(range, step) => {
                let (range, step) = (self.at_least(range, Binds::Range), self.at_least(step, Binds::Sum));
                Formula { binds: Binds::Range, ..joined(&[range, word("\\ \\text{step}\\ ", 6.0), step]) }
            }
            ExprKind::Call(of, args) => self.call(of, args),
            ExprKind::Index(..) | ExprKind::Member(..) | ExprKind::AtEnd(..) => self.part(e),
            ExprKind::List(items) => self.list(items),
            ExprKind::If(c, a, b) => self.choice(c, a, b),
            ExprKind::Since(event, _) => self.since(event),
            ExprKind::All => Formula::new("*", 1.0, Binds::Atom),
        }
    }

    fn named(&self, name: &str) -> Formula {
        self.mention(name);
        if !self.scope.binds(name) && crate::builtin::find(name).is_some() {
            return word(&upright(name), name.len() as f32);
        }
        Formula::of_symbol(&self.scope.symbol(name))
    }

    /// Has it told what a name means that is not one of the declaration's own.
    fn mention(&self, name: &str) {
        if !self.scope.binds(name) {
            self.notation.mention(name);
        }
    }

    /// A number with its unit, which may be a product or quotient of several.
    pub fn measured(&self, e: &Expr) -> Option<(f64, Vec<Factor>)> {
        match &e.kind {
            ExprKind::Quantity(number, None) => Some((*number, Vec::new())),
            ExprKind::Quantity(number, Some((name, power))) => Some((*number, factor(&name.text, *power))),
            ExprKind::Binary(op @ (BinOp::Mul | BinOp::Div), a, b) => {
                let (number, unit) = self.measured(a)?;
                let power = if *op == BinOp::Mul { 1 } else { -1 };
                Some((number, [unit, units::raised(&self.unit(b)?, (power, 1))].concat()))
            }
            _ => None,
        }
    }

    fn unit(&self, e: &Expr) -> Option<Vec<Factor>> {
        match &e.kind {
            ExprKind::Name(name) => Some(vec![self.scope.unit(name)?]),
            // What goes on with the unit of a number.
            ExprKind::Quantity(1.0, Some((name, power))) => Some(factor(&name.text, *power)),
            ExprKind::Binary(BinOp::Pow, a, b) => Some(units::raised(&self.unit(a)?, units::power(b)?)),
            _ => None,
        }
    }

    fn at_least(&self, e: &Expr, binds: Binds) -> Formula {
        let formula = self.set(e);
        if formula.binds < binds { self.parenthesised(formula) } else { formula }
    }

    /// An operand of a sum or product. What is true or false counts as 1 or 0.
    fn operand(&self, e: &Expr, binds: Binds) -> Formula {
        let formula = self.set(e);
        match formula.binds {
            Binds::Or | Binds::And | Binds::Not | Binds::Within | Binds::Compare => {
                self.notation.mention("indicator");
                let (open, close) = self.brackets("[", "]", formula.tall);
                let around = [word(&format!("\\mathbf{{1}}{open}"), 2.0), formula, word(close, 1.0)];
                Formula { binds: Binds::Atom, ..joined(&around) }
            }
            b if b < binds => self.parenthesised(formula),
            _ => formula,
        }
    }

    fn brackets<'t>(&self, open: &'t str, close: &'t str, tall: bool) -> (String, &'t str) {
        let tall = tall && !self.flows();
        let close = match (close, tall) {
            (close, false) => close,
            (")", true) => "\\right)",
            ("]", true) => "\\right]",
            (_, true) => "\\right|",
        };
        (if tall { format!("\\left{open}") } else { open.to_string() }, close)
    }

    fn parenthesised(&self, inner: Formula) -> Formula {
        let (open, close) = self.brackets("(", ")", inner.tall);
        Formula { binds: Binds::Atom, unit: false, ..joined(&[word(&open, 0.5), inner, word(close, 0.5)]) }
    }

    fn negative(&self, inner: &Expr) -> Formula {
        let inner = self.operand(inner, Binds::Slash);
        let binds = if inner.binds == Binds::Slash { Binds::Sum } else { Binds::Sign };
        Formula { binds, ..joined(&[word("-", 1.0), inner]) }
    }

    fn binary(&self, op: BinOp, a: &Expr, b: &Expr) -> Formula {
        use BinOp::*;
        let (binds, sign) = match op {
            Or => (Binds::Or, "\\ \\text{or}\\ "),
            And => (Binds::And, "\\ \\text{and}\\ "),
            Within => (Binds::Within, "\\ \\text{within}\\ "),
            Le => (Binds::Compare, " \\le "),
            Ge => (Binds::Compare, " \\ge "),
            Eq => (Binds::Compare, " = "),
            Ne => (Binds::Compare, " \\neq "),
            Lt => (Binds::Compare, " < "),
            Gt => (Binds::Compare, " > "),
            Range => (Binds::Range, "\\,..\\,"),
            In => {
                let inner = [self.at_least(a, Binds::Range), word(" \\in ", 3.0), self.ends(b)];
                return Formula { binds: Binds::Compare, ..joined(&inner) };
            }
            Add => return self.sum(a, " + ", b),
            Sub => return self.sum(a, " - ", b),
            Mul => return self.product(a, b),
            Div => return self.quotient(a, b),
            Pow => return self.power(a, b),
        };
        let (left, right) = match op {
            Or => (Binds::Or, Binds::And),
            And => (Binds::And, Binds::Not),
            Within => (Binds::Compare, Binds::Compare),
            Range => (Binds::Sum, Binds::Sum),
            _ => (Binds::Range, Binds::Range),
        };
        let inner = [self.at_least(a, left), word(sign, 3.0), self.at_least(b, right)];
        Formula { binds, unit: false, ..joined(&inner) }
    }

    /// A range as an interval, which has both ends.
    fn ends(&self, range: &Expr) -> Formula {
        match &range.kind {
            ExprKind::Binary(BinOp::Range, a, b) => {
                let inner = [word("[", 0.5), self.set(a), word(",\\, ", 1.0), self.set(b), word("]", 0.5)];
                Formula { binds: Binds::Atom, ..joined(&inner) }
            }
            _ => self.at_least(range, Binds::Range),
        }
    }

    fn sum(&self, a: &Expr, sign: &str, b: &Expr) -> Formula {
        let (a, b) = (self.operand(a, Binds::Sum), self.operand(b, Binds::Slash));
        Formula { binds: Binds::Sum, ..joined(&[a, word(sign, 2.0), b]) }
    }

    fn product(&self, a: &Expr, b: &Expr) -> Formula {
        let left = self.operand(a, Binds::Sign);
        let left = if left.binds == Binds::Slash { self.parenthesised(left) } else { left };
        let right = self.operand(b, Binds::Product);
        let binds = if left.binds == Binds::Sign { Binds::Sign } else { Binds::Product };
        let begins = |c: &str| right.tex.starts_with(c);
        let number = right.tex.starts_with(|c: char| c.is_ascii_digit());
        let mixed = left.tex.ends_with(|c: char| c.is_ascii_digit()) && (begins("\\frac") || begins("\\mathbf"));
        let sign = if number || mixed || left.unit { " \\cdot " } else { "\\, " };
        let breaks = if self.style == Style::Flow { "\\allowbreak " } else { "" };
        Formula { binds, ..joined(&[left, word(&format!("{sign}{breaks}"), 0.6), right]) }
    }

    fn quotient(&self, a: &Expr, b: &Expr) -> Formula {
        if let ExprKind::Neg(inner) = &a.kind {
            let inner = self.fraction(inner, b);
            let binds = if inner.binds == Binds::Slash { Binds::Sum } else { Binds::Sign };
            return Formula { binds, ..joined(&[word("-", 1.0), inner]) };
        }
        self.fraction(a, b)
    }

    fn fraction(&self, a: &Expr, b: &Expr) -> Formula {
        // Each part is typeset once: within each other, fractions would take twice as long with each.
        let (above, under) = (self.apart(a), self.apart(b));
        let fits = match self.style {
            Style::Display => true,
            Style::Flow => above.width <= NARROW && under.width <= NARROW && !above.tall && !under.tall,
            Style::Small => false,
        };
        if fits {
            let tex = format!("\\frac{{{}}}{{{}}}", above.tex, under.tex);
            let width = above.width.max(under.width) + 0.5;
            return Formula { tall: true, ..Formula::new(tex, width, Binds::Product) };
        }
        let loose = above.binds < Binds::Sign || above.binds == Binds::Slash;
        let above = if loose { self.parenthesised(above) } else { above };
        let under = if under.binds < Binds::Power { self.parenthesised(under) } else { under };
        let binds = if above.binds == Binds::Sign { Binds::Sum } else { Binds::Slash };
        let inner = [above, word("\\,/\\,\\allowbreak ", 1.0), under];
        Formula { binds, unit: false, ..joined(&inner) }
    }

    /// What stands by itself above or below the line of a fraction, or in a root.
    fn apart(&self, e: &Expr) -> Formula {
        let formula = self.operand(e, Binds::Sum);
        let small = self.style == Style::Display && formula.tall && !formula.tex.contains("cases");
        if small { self.styled(Style::Small).operand(e, Binds::Sum) } else { formula }
    }

    fn power(&self, a: &Expr, b: &Expr) -> Formula {
        let base = self.operand(a, Binds::Atom);
        let above = self.styled(Style::Small).set(b);
        let width = base.width + 0.7 * above.width;
        let tex = format!("{}^{{{}}}", base.tex, above.tex);
        Formula { tall: base.tall, ..Formula::new(tex, width, Binds::Power) }
    }

    fn list(&self, items: &[Expr]) -> Formula {
        let mut pieces = vec![word("[", 0.5)];
        pieces.extend(self.in_order(items));
        pieces.push(word("]", 0.5));
        Formula { binds: Binds::Atom, unit: false, ..joined(&pieces) }
    }

    fn in_order(&self, items: &[Expr]) -> Vec<Formula> {
        let mut pieces = Vec::new();
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                pieces.push(word(",\\allowbreak\\, ", 1.0));
            }
            pieces.push(self.set(item));
        }
        pieces
    }

    fn choice(&self, c: &Expr, a: &Expr, b: &Expr) -> Formula {
        let mut rows = vec![(self.set(a), Some(self.set(c)))];
        let mut rest = b;
        while let ExprKind::If(c, a, b) = &rest.kind {
            rows.push((self.set(a), Some(self.set(c))));
            rest = b;
        }
        rows.push((self.set(rest), None));
        if self.flows() { flowing_cases(rows) } else { cases(rows) }
    }

    fn since(&self, event: &Name) -> Formula {
        self.notation.mention("since");
        let tex = format!("t - \\hat t_{{{}}}", upright(&event.text));
        Formula::new(tex, 5.0 + 0.7 * event.text.len() as f32, Binds::Sum)
    }

    /// What belongs to something: `pre.v`, `w[3]`, `s at end of free`.
    fn part(&self, e: &Expr) -> Formula {
        if let Some(symbol) = self.symbol(e) {
            return Formula::of_symbol(&symbol);
        }
        match &e.kind {
            ExprKind::Index(of, index) => {
                let (of, index) = (self.at_least(of, Binds::Atom), self.below(index));
                let (tex, width) = (format!("{}_{{{index}}}", of.tex), of.width + 0.7 * letters(&index));
                Formula { tall: of.tall, ..Formula::new(tex, width, Binds::Atom) }
            }
            ExprKind::Member(of, name) => {
                let of = self.at_least(of, Binds::Atom);
                joined(&[of, word(&format!(".{}", upright(&name.text)), 1.0 + name.text.len() as f32)])
            }
            ExprKind::AtEnd(of, window) => {
                let of = self.at_least(of, Binds::Atom);
                let (open, close) = self.brackets("[", "]", of.tall);
                let close = format!("{close}_{{\\text{{end of {}}}}}", escape::text(&window.text));
                let pieces = [word(&open, 0.5), of, word(&close, 1.0 + 0.7 * (7 + window.text.len()) as f32)];
                Formula { binds: Binds::Atom, ..joined(&pieces) }
            }
            // Nothing else comes here; what it is shows by itself.
            _ => Formula::new("\\cdot", 1.0, Binds::Atom),
        }
    }

    fn symbol(&self, e: &Expr) -> Option<Symbol> {
        match &e.kind {
            ExprKind::Name(name) => {
                self.mention(name);
                Some(self.scope.symbol(name))
            }
            ExprKind::Member(of, name) if name.text == "current" => {
                Some(Symbol { base: "I".into(), below: vec![self.upright(of)?] })
            }
            ExprKind::Member(of, name) => Some(self.scope.symbol(&name.text).with(self.upright(of)?)),
            ExprKind::Index(of, index) => Some(self.symbol(of)?.with(self.below(index))),
            _ => None,
        }
    }

    fn upright(&self, e: &Expr) -> Option<String> {
        match &e.kind {
            ExprKind::Name(name) => {
                self.mention(name);
                Some(upright(name))
            }
            ExprKind::Member(of, name) => Some(format!("{}.{}", self.upright(of)?, upright(&name.text))),
            ExprKind::Index(of, index) => Some(format!("{}[{}]", self.upright(of)?, self.below(index))),
            _ => None,
        }
    }

    fn below(&self, index: &[Expr]) -> String {
        index.iter().map(|e| self.styled(Style::Small).set(e).tex).collect::<Vec<_>>().join(",")
    }

    fn call(&self, of: &Expr, args: &[Arg]) -> Formula {
        let ExprKind::Name(name) = &of.kind else {
            let inner = [self.at_least(of, Binds::Atom), self.arguments(args)];
            return Formula { binds: Binds::Atom, ..joined(&inner) };
        };
        if let Some(known) = self.known(name, args) {
            return known;
        }
        if !self.scope.has_function(name) {
            self.notation.mention(name);
        }
        let width = name.len() as f32;
        let tex = if name.len() == 1 && self.scope.has_function(name) { name.clone() } else { upright(name) };
        Formula { binds: Binds::Atom, unit: false, ..joined(&[word(&tex, width), self.arguments(args)]) }
    }

    /// Functions that have a sign of their own.
    fn known(&self, name: &str, args: &[Arg]) -> Option<Formula> {
        let own = match name {
            "exp" | "sin" | "cos" | "tan" | "tanh" | "min" | "max" => format!("\\{name}"),
            "log" => "\\ln".into(),
            "sqrt" | "abs" | "floor" | "ceil" => String::new(),
            _ => return None,
        };
        let plain = !self.scope.has_function(name) && args.iter().all(|a| a.name.is_none());
        if !plain {
            return None;
        }
        if !own.is_empty() {
            let inner = [word(&own, name.len() as f32), self.arguments(args)];
            return Some(Formula { binds: Binds::Atom, unit: false, ..joined(&inner) });
        }
        let [arg] = args else { return None };
        let inner = if name == "sqrt" { self.apart(&arg.value) } else { self.set(&arg.value) };
        let (open, close) = match name {
            "sqrt" => ("\\sqrt{", "}"),
            "abs" if inner.tall && !self.flows() => ("\\left|", "\\right|"),
            "abs" => ("\\lvert ", " \\rvert"),
            "floor" => ("\\lfloor ", " \\rfloor"),
            _ => ("\\lceil ", " \\rceil"),
        };
        let pieces = [word(open, 0.7), inner, word(close, 0.5)];
        Some(Formula { binds: Binds::Atom, unit: false, ..joined(&pieces) })
    }

    fn arguments(&self, args: &[Arg]) -> Formula {
        let mut pieces = Vec::new();
        for (i, arg) in args.iter().enumerate() {
            if i > 0 {
                pieces.push(word(",\\allowbreak\\, ", 1.0));
            }
            if let Some(name) = &arg.name {
                pieces.push(word(&format!("{} = ", upright(&name.text)), 2.0 + name.text.len() as f32));
            }
            pieces.push(self.set(&arg.value));
        }
        self.parenthesised(joined(&pieces))
    }
}
