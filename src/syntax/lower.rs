//! pest pairs to AST: expressions and declarations of models.

use super::ast::*;
use super::errors;
use super::grammar::Rule;
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};
use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};
use std::sync::LazyLock;

pub(super) type Lowered<T> = Result<T, Box<Diagnostic>>;
pub(super) type P<'a> = Pair<'a, Rule>;

/// Precedence, loosest first.
static PRATT: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |r| Op::infix(r, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::or))
        .op(left(Rule::and))
        .op(Op::prefix(Rule::not))
        .op(left(Rule::within))
        .op(left(Rule::in_range)
            | left(Rule::le)
            | left(Rule::ge)
            | left(Rule::eq)
            | left(Rule::ne)
            | left(Rule::lt)
            | left(Rule::gt))
        .op(left(Rule::range) | left(Rule::stepping))
        .op(left(Rule::add) | left(Rule::sub))
        .op(left(Rule::mul) | left(Rule::div))
        .op(Op::prefix(Rule::neg))
        .op(Op::infix(Rule::pow, Assoc::Right))
});

/// Knows the file and the offset of the text being lowered.
#[derive(Clone, Copy)]
pub(super) struct Lowerer {
    file: FileId,
    offset: u32,
}

/// An expression and how many others stand one within the other in it.
pub(super) struct Tall {
    pub(super) expr: Expr,
    height: usize,
}

impl Tall {
    /// Everything that reads a tree descends in it, so one that is too tall is never made.
    fn new(kind: ExprKind, span: Span, within: usize) -> Lowered<Tall> {
        match within < errors::MAX_HEIGHT {
            true => Ok(Tall { expr: Expr { kind, span }, height: within + 1 }),
            false => Err(Box::new(errors::too_deep(span))),
        }
    }
}

/// Takes the inner pairs of a rule one by one.
pub(super) struct Parts<'a> {
    inner: std::iter::Peekable<pest::iterators::Pairs<'a, Rule>>,
    whole: Span,
}

impl<'a> Parts<'a> {
    /// Takes the next pair if it has this rule.
    pub(super) fn take(&mut self, rule: Rule) -> Option<P<'a>> {
        self.inner.next_if(|p| p.as_rule() == rule)
    }

    /// Takes the next pair, whatever it is.
    pub(super) fn next(&mut self) -> Lowered<P<'a>> {
        self.inner.next().ok_or_else(|| Box::new(Diagnostic::at(Code::E0101, self.whole, "this is incomplete", "here")))
    }

    /// Takes all pairs that follow with this rule.
    pub(super) fn all(&mut self, rule: Rule) -> Vec<P<'a>> {
        let mut out = Vec::new();
        while let Some(p) = self.take(rule) {
            out.push(p);
        }
        out
    }
}

/// Returns whether an operator goes on with the unit of a number: `36 S/m^2`, without blanks, where `m` might also be a variable.
fn is_per_unit(lhs: &Expr, op: &P, rhs: &Expr) -> bool {
    let name = match &rhs.kind {
        ExprKind::Name(name) => name,
        ExprKind::Binary(BinOp::Pow, base, exponent) => match (&base.kind, &exponent.kind) {
            (ExprKind::Name(name), ExprKind::Quantity(n, None)) if n.fract() == 0.0 && *n < 100.0 => name,
            _ => return false,
        },
        _ => return false,
    };
    let text = op.as_span().get_input().as_bytes();
    let start = op.as_span().start();
    let before = start.checked_sub(1).and_then(|k| text.get(k));
    let tight = before.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'%')
        && text.get(start + 1).is_some_and(u8::is_ascii_alphabetic);
    op.as_rule() == Rule::div && tight && ends_in_unit(lhs) && crate::units::lookup(name).is_some()
}

/// Returns whether the last operand is a number with a unit.
fn ends_in_unit(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Quantity(_, unit) => unit.is_some(),
        ExprKind::Binary(BinOp::Div | BinOp::Mul, _, last) => ends_in_unit(last),
        _ => false,
    }
}

/// A name, or a power of one, as one of that unit.
fn as_unit(e: Expr) -> Expr {
    let (name, exponent) = match e.kind {
        ExprKind::Name(text) => (Name { text, span: e.span }, 1),
        ExprKind::Binary(BinOp::Pow, base, exponent) => match (base.kind, exponent.kind) {
            (ExprKind::Name(text), ExprKind::Quantity(n, None)) => (Name { text, span: base.span }, n as i32),
            _ => crate::ice!("a unit that is none"),
        },
        _ => crate::ice!("a unit that is none"),
    };
    Expr { kind: ExprKind::Quantity(1.0, Some((name, (exponent, 1)))), span: e.span }
}

/// Divides the number in which an expression ends by a unit, before anything is divided by that number.
fn per_unit(lhs: Expr, unit: Expr) -> Expr {
    let span = lhs.span.to(unit.span);
    let (lhs, rhs) = match lhs.kind {
        // Of a number, its units follow one on the other.
        ExprKind::Binary(BinOp::Div, a, b) if !is_unit_of_number(&b) => (a, per_unit(*b, unit)),
        kind => (Box::new(Expr { kind, span: lhs.span }), unit),
    };
    Expr { kind: ExprKind::Binary(BinOp::Div, lhs, Box::new(rhs)), span }
}

/// Returns whether it is what [`as_unit`] has made: a unit without a number of its own.
fn is_unit_of_number(e: &Expr) -> bool {
    matches!(&e.kind, ExprKind::Quantity(_, Some((name, _))) if name.span.start == e.span.start)
}

impl Lowerer {
    pub(super) fn new(file: FileId, offset: u32) -> Self {
        Lowerer { file, offset }
    }

    pub(super) fn span(&self, pair: &P) -> Span {
        let s = pair.as_span();
        // Trailing white space inside composite rules is not part of the construct.
        let trimmed = s.as_str().trim_end().len() as u32;
        Span { file: self.file, start: self.offset + s.start() as u32, end: self.offset + s.start() as u32 + trimmed }
    }

    pub(super) fn parts<'a>(&self, pair: P<'a>) -> Parts<'a> {
        let whole = self.span(&pair);
        Parts { inner: pair.into_inner().peekable(), whole }
    }

    pub(super) fn name(&self, pair: &P) -> Name {
        let text: String = pair.as_str().chars().filter(|c| !c.is_whitespace()).collect();
        Name { text, span: self.span(pair) }
    }

    pub(super) fn item(&self, pair: P) -> Lowered<Item> {
        let span = self.span(&pair);
        let mut parts = self.parts(pair);
        let doc = parts.take(Rule::doc).map(|d| doc_text(&d)).unwrap_or_default();
        let decl = parts.next()?;
        let kind = match decl.as_rule() {
            Rule::use_decl => {
                let mut p = self.parts(decl);
                let what = p.next()?;
                let quoted = what.as_rule() == Rule::string;
                let mut name = self.name(&what);
                if quoted {
                    name.text = unquote(what.as_str());
                }
                ItemKind::Use(name, quoted, p.all(Rule::ident).iter().map(|n| self.name(n)).collect())
            }
            Rule::const_decl => ItemKind::Const(self.bindings(decl)?),
            Rule::unit_decl => {
                let mut p = self.parts(decl);
                ItemKind::Unit(self.name(&p.next()?), self.expr(p.next()?)?)
            }
            Rule::fn_decl => {
                let mut p = self.parts(decl);
                let name = self.name(&p.next()?);
                let formals = self.bindings(p.next()?)?;
                p.take(Rule::unit_expr);
                ItemKind::Fn(name, formals, self.expr(p.next()?)?)
            }
            Rule::channel_decl => ItemKind::Model(self.model(ModelKind::Channel, decl)?),
            Rule::neuron_decl | Rule::synapse_decl | Rule::network_decl if self.is_variant(&decl) => {
                let kind = match decl.as_rule() {
                    Rule::neuron_decl => Some(ModelKind::Neuron),
                    Rule::synapse_decl => Some(ModelKind::Synapse),
                    _ => None,
                };
                let mut p = self.parts(decl);
                let name = self.name(&p.next()?);
                let mut p = self.parts(p.next()?);
                ItemKind::Variant(Variant { kind, name, base: self.name(&p.next()?), args: self.opt_args(&mut p)? })
            }
            Rule::morphology_decl => {
                let mut p = self.parts(decl);
                let (name, source) = (self.name(&p.next()?), self.expr(p.next()?)?);
                p.take(Rule::segmented);
                let by = p.take(Rule::segmented_by).is_some();
                let how = self.expr(p.next()?)?;
                let cut = if by { Cut::By(how) } else { Cut::Every(how) };
                ItemKind::Morphology(Morphology { name, source, cut })
            }
            Rule::neuron_decl => ItemKind::Model(self.model(ModelKind::Neuron, decl)?),
            Rule::synapse_decl => ItemKind::Model(self.model(ModelKind::Synapse, decl)?),
            Rule::network_decl => ItemKind::Network(self.network(decl)?),
            Rule::world_decl => ItemKind::World(self.world(decl)?),
            Rule::test_decl => {
                let mut p = self.parts(decl);
                let title = p.next()?;
                let name = Name { text: unquote(title.as_str()), span: self.span(&title) };
                ItemKind::Test(Experiment { name, formals: Vec::new(), slow: false, body: self.block(p.next()?)? })
            }
            _ => {
                let mut p = self.parts(decl);
                let name = self.name(&p.next()?);
                let formals = p.take(Rule::formals).map(|f| self.bindings(f)).transpose()?.unwrap_or_default();
                let slow = p.take(Rule::slow).is_some();
                ItemKind::Experiment(Experiment { name, formals, slow, body: self.block(p.next()?)? })
            }
        };
        Ok(Item { doc, kind, span })
    }

    /// Returns whether a declaration says only what differs from another one.
    fn is_variant(&self, decl: &P) -> bool {
        decl.clone().into_inner().any(|p| p.as_rule() == Rule::variant)
    }

    pub(super) fn bindings(&self, pair: P) -> Lowered<Vec<Binding>> {
        pair.into_inner().map(|b| self.binding(b)).collect()
    }

    fn binding(&self, pair: P) -> Lowered<Binding> {
        let mut p = self.parts(pair);
        let name = self.name(&p.next()?);
        let unit = p.take(Rule::unit_expr).map(|u| self.unit(u)).transpose()?;
        let value = p.take(Rule::expr).map(|e| self.expr(e)).transpose()?;
        Ok(Binding { name, unit, value })
    }

    pub(super) fn unit(&self, pair: P) -> Lowered<UnitExpr> {
        let span = self.span(&pair);
        let mut factors = Vec::new();
        let mut divide = false;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::unit_op {
                divide = part.as_str() == "/";
                continue;
            }
            let mut p = self.parts(part);
            let name = self.name(&p.next()?);
            let (num, den) = p.take(Rule::unit_exponent).map(|e| self.exponent(&e)).transpose()?.unwrap_or((1, 1));
            factors.push((name, if divide { -num } else { num }, den));
        }
        Ok(UnitExpr { factors, span })
    }

    fn exponent(&self, pair: &P) -> Lowered<(i32, i32)> {
        let text = pair.as_str().trim_start_matches('(').trim_end_matches(')');
        let (num, den) = text.split_once('/').unwrap_or((text, "1"));
        match (num.parse::<i32>(), den.parse::<i32>()) {
            (Ok(n), Ok(d)) if d != 0 && n.abs() <= 24 && d <= 12 => Ok((n, d)),
            _ => Err(Box::new(
                Diagnostic::at(Code::E0307, self.span(pair), "this exponent of a unit is out of range", "here")
                    .note("exponents of units are small integers or fractions"),
            )),
        }
    }

    pub(super) fn expr(&self, pair: P) -> Lowered<Expr> {
        Ok(self.tall(pair)?.expr)
    }

    /// Lowers an expression by precedence climbing.
    fn tall(&self, pair: P) -> Lowered<Tall> {
        let inner = pair.into_inner();
        self.check_prefixes(inner.clone())?;
        PRATT
            .map_primary(|p| self.primary(p))
            .map_prefix(|op, rhs| {
                let rhs = rhs?;
                let span = self.span(&op).to(rhs.expr.span);
                let make = if op.as_rule() == Rule::neg { ExprKind::Neg } else { ExprKind::Not };
                Tall::new(make(Box::new(rhs.expr)), span, rhs.height)
            })
            .map_infix(|lhs, op, rhs| {
                let (lhs, rhs) = (lhs?, rhs?);
                let (span, height) = (lhs.expr.span.to(rhs.expr.span), lhs.height.max(rhs.height));
                if is_per_unit(&lhs.expr, &op, &rhs.expr) {
                    return Tall::new(per_unit(lhs.expr, as_unit(rhs.expr)).kind, span, height);
                }
                let (lhs, rhs) = (Box::new(lhs.expr), Box::new(rhs.expr));
                let kind = match binary(op.as_rule()) {
                    Some(op) => ExprKind::Binary(op, lhs, rhs),
                    None => ExprKind::Stepped(lhs, rhs),
                };
                Tall::new(kind, span, height)
            })
            .parse(inner)
    }

    /// Precedence climbing descends at every prefix and every `^` of a row; their number is checked before.
    fn check_prefixes(&self, inner: pest::iterators::Pairs<Rule>) -> Lowered<()> {
        let (mut signs, mut nots) = (0, 0);
        for pair in inner {
            match pair.as_rule() {
                Rule::neg | Rule::pow => signs += 1,
                Rule::not => nots += 1,
                Rule::primary => {}
                Rule::or | Rule::and => (signs, nots) = (0, 0),
                _ => signs = 0,
            }
            if signs + nots > errors::MAX_DEPTH {
                return Err(Box::new(errors::too_deep(self.span(&pair))));
            }
        }
        Ok(())
    }

    pub(super) fn primary(&self, pair: P) -> Lowered<Tall> {
        let mut p = self.parts(pair);
        let mut out = self.atom(p.next()?)?;
        let mut posts = 0;
        while let Ok(post) = p.next() {
            let span = out.expr.span.to(self.span(&post));
            posts += 1;
            if posts > errors::MAX_DEPTH {
                return Err(Box::new(errors::too_deep(span)));
            }
            let (base, mut height) = (Box::new(out.expr), out.height);
            let post = self.parts(post).next()?;
            let kind = match post.as_rule() {
                Rule::call_args => {
                    let args = self.tall_args(post)?;
                    height = args.iter().map(|(_, e)| e.height).fold(height, usize::max);
                    let args = args.into_iter().map(|(name, e)| Arg { name, value: e.expr });
                    ExprKind::Call(base, args.collect())
                }
                Rule::index => {
                    let (index, tallest) = self.tall_exprs(post)?;
                    height = height.max(tallest);
                    ExprKind::Index(base, index)
                }
                Rule::at_end => {
                    let mut p = self.parts(post);
                    p.next()?;
                    ExprKind::AtEnd(base, self.name(&p.next()?))
                }
                _ => ExprKind::Member(base, self.name(&self.parts(post).next()?)),
            };
            out = Tall::new(kind, span, height)?;
        }
        Ok(out)
    }

    fn atom(&self, pair: P) -> Lowered<Tall> {
        let span = self.span(&pair);
        let mut height = 0;
        let kind = match pair.as_rule() {
            Rule::quantity => {
                let mut p = self.parts(pair);
                let number = p.next()?;
                let value = number.as_str().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(|| {
                    Box::new(Diagnostic::at(
                        Code::E0105,
                        self.span(&number),
                        "this number is too large",
                        "out of range",
                    ))
                })?;
                let unit = match p.take(Rule::unit_suffix) {
                    None => None,
                    Some(suffix) => {
                        let mut u = self.parts(suffix);
                        let name = self.name(&u.next()?);
                        let e = u.take(Rule::unit_exponent).map(|e| self.exponent(&e)).transpose()?.unwrap_or((1, 1));
                        Some((name, e))
                    }
                };
                ExprKind::Quantity(value, unit)
            }
            Rule::string => ExprKind::Text(unquote(pair.as_str())),
            Rule::boolean => ExprKind::Bool(pair.as_str() == "true"),
            Rule::ident => ExprKind::Name(pair.as_str().to_string()),
            Rule::all_of => ExprKind::All,
            Rule::list | Rule::paren => {
                let brackets = pair.as_rule() == Rule::list;
                let (mut items, tallest) = self.tall_exprs(pair)?;
                height = tallest;
                match items.pop() {
                    Some(inner) if items.is_empty() && !brackets => {
                        return Ok(Tall { expr: Expr { span, ..inner }, height });
                    }
                    last => items.extend(last),
                }
                ExprKind::List(items)
            }
            Rule::conditional => {
                let (parts, tallest) = self.tall_exprs(pair)?;
                height = tallest;
                let mut e = parts.into_iter();
                match (e.next(), e.next(), e.next()) {
                    (Some(a), Some(b), Some(c)) => ExprKind::If(Box::new(a), Box::new(b), Box::new(c)),
                    _ => return Err(Box::new(errors::unexpected_text(span, "if"))),
                }
            }
            Rule::since => {
                let mut p = self.parts(pair);
                let previous = p.take(Rule::previous).is_some();
                ExprKind::Since(self.name(&p.next()?), previous)
            }
            _ => return Err(Box::new(errors::unexpected_text(span, pair.as_str()))),
        };
        Tall::new(kind, span, height)
    }

    pub(super) fn exprs(&self, pair: P) -> Lowered<Vec<Expr>> {
        Ok(self.tall_exprs(pair)?.0)
    }

    /// The expressions of a rule, and the height of the tallest.
    fn tall_exprs(&self, pair: P) -> Lowered<(Vec<Expr>, usize)> {
        let mut tallest = 0;
        let each = pair.into_inner().filter(|p| p.as_rule() == Rule::expr).map(|e| {
            let e = self.tall(e)?;
            tallest = tallest.max(e.height);
            Ok(e.expr)
        });
        let all = each.collect::<Lowered<_>>()?;
        Ok((all, tallest))
    }

    pub(super) fn args(&self, pair: P) -> Lowered<Vec<Arg>> {
        Ok(self.tall_args(pair)?.into_iter().map(|(name, e)| Arg { name, value: e.expr }).collect())
    }

    fn tall_args(&self, pair: P) -> Lowered<Vec<(Option<Name>, Tall)>> {
        pair.into_inner()
            .map(|a| {
                let mut p = self.parts(a);
                let name = p.take(Rule::any_ident).map(|n| self.name(&n));
                Ok((name, self.tall(p.next()?)?))
            })
            .collect()
    }

    pub(super) fn opt_args(&self, p: &mut Parts) -> Lowered<Vec<Arg>> {
        Ok(p.take(Rule::call_args).map(|a| self.args(a)).transpose()?.unwrap_or_default())
    }

    fn model(&self, kind: ModelKind, pair: P) -> Lowered<Model> {
        let mut p = self.parts(pair);
        let name = self.name(&p.next()?);
        let formals = p.take(Rule::formals).map(|f| self.bindings(f)).transpose()?.unwrap_or_default();
        Ok(Model { kind, name, formals, body: self.model_body(p.next()?)? })
    }

    fn model_body(&self, pair: P) -> Lowered<Vec<ModelItem>> {
        let mut out = Vec::new();
        for item in pair.into_inner().filter(|p| p.as_rule() == Rule::model_item) {
            self.model_item(item, &mut out)?;
        }
        Ok(out)
    }

    /// Adds what an item declares: several compartments may have one body, several couplings one end.
    fn model_item(&self, pair: P, out: &mut Vec<ModelItem>) -> Lowered<()> {
        let pair = self.parts(pair).next()?;
        let span = self.span(&pair);
        let mut p = self.parts(pair.clone());
        match pair.as_rule() {
            Rule::compartment => {
                let names = p.all(Rule::compartment_name);
                let body = self.model_body(p.next()?)?;
                for name in names {
                    let mut p = self.parts(name);
                    let name = self.name(&p.next()?);
                    let count = p.take(Rule::index).map(|i| self.exprs(i)).transpose()?.and_then(|mut v| v.pop());
                    out.push(ModelItem::Compartment(name, count, body.clone(), span));
                }
            }
            Rule::couple => {
                let ends: Vec<Name> = p.all(Rule::ident).iter().map(|n| self.name(n)).collect();
                let with = p.take(Rule::expr).map(|e| self.expr(e)).transpose()?;
                let couple = |b: &Name| ModelItem::Couple(ends[0].clone(), b.clone(), with.clone(), span);
                out.extend(ends[1..].iter().map(couple));
            }
            _ => out.push(self.single_item(pair)?),
        }
        Ok(())
    }

    fn single_item(&self, pair: P) -> Lowered<ModelItem> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let keyword = || {
            let text: String = pair.as_str().chars().take_while(|c| c.is_alphabetic()).collect();
            let end = span.start + text.len() as u32;
            Name { text, span: Span { end, ..span } }
        };
        if rule == Rule::geometry {
            let name = keyword();
            return Ok(ModelItem::Geometry(name, self.expr(self.parts(pair).next()?)?));
        }
        let mut p = self.parts(pair.clone());
        Ok(match rule {
            Rule::params => ModelItem::Params(self.bindings(pair)?),
            Rule::state => ModelItem::States(pair.into_inner().map(|s| self.state(s)).collect::<Lowered<_>>()?),
            Rule::per_sample => {
                let sample = || Name { text: "sample".into(), span };
                let states = p.next()?.into_inner().map(|s| Ok(StateBinding { per: Some(sample()), ..self.state(s)? }));
                ModelItem::States(states.collect::<Lowered<_>>()?)
            }
            Rule::energy => ModelItem::Energy(self.name(&p.next()?), self.expr(p.next()?)?),
            Rule::let_item => ModelItem::Let(self.name(&p.next()?), self.expr(p.next()?)?),
            Rule::event_input => {
                let name = self.name(&p.next()?);
                ModelItem::EventInput(name, p.take(Rule::unit_expr).map(|u| self.unit(u)).transpose()?)
            }
            Rule::input => {
                let name = self.name(&p.next()?);
                let unit = p.take(Rule::unit_expr).map(|u| self.unit(u)).transpose()?;
                ModelItem::Input(name, unit, p.take(Rule::expr).map(|e| self.expr(e)).transpose()?)
            }
            Rule::weight_decl => {
                let name = self.name(&p.next()?);
                let unit = p.take(Rule::unit_expr).map(|u| self.unit(u)).transpose()?;
                ModelItem::Weight(name, unit, self.bounds(&mut p)?)
            }
            Rule::modulator => {
                let name = self.name(&p.next()?);
                let unit = p.take(Rule::unit_expr).map(|u| self.unit(u)).transpose()?;
                ModelItem::Modulator(name, unit, p.take(Rule::expr).map(|e| self.expr(e)).transpose()?)
            }
            Rule::equation => ModelItem::Equation(self.name(&p.next()?), self.expr(p.next()?)?),
            Rule::emit => ModelItem::Emit(self.emit(pair)?),
            Rule::hold_noise => ModelItem::Noise(self.name(&p.next()?)),
            Rule::cable => ModelItem::Cable(self.name(&p.next()?), self.model_body(p.next()?)?, span),
            Rule::sections => {
                let kinds = p.all(Rule::ident).iter().map(|n| self.name(n)).collect();
                ModelItem::Sections(kinds, self.model_body(p.next()?)?)
            }
            Rule::channel_use => {
                let (name, model) = (self.name(&p.next()?), self.name(&p.next()?));
                let channel = ModelItem::ChannelUse(name, model, self.opt_args(&mut p)?, span);
                match p.take(Rule::in_sections) {
                    Some(kinds) => ModelItem::Sections(
                        self.parts(kinds).all(Rule::ident).iter().map(|n| self.name(n)).collect(),
                        vec![channel],
                    ),
                    None => channel,
                }
            }
            Rule::gate => {
                let name = self.name(&p.next()?);
                let fields = p
                    .all(Rule::gate_field)
                    .into_iter()
                    .map(|f| {
                        let mut q = self.parts(f);
                        Ok((self.name(&q.next()?), self.expr(q.next()?)?))
                    })
                    .collect::<Lowered<_>>()?;
                ModelItem::Gate(name, fields, span)
            }
            Rule::current => ModelItem::Current(self.expr(p.next()?)?),
            Rule::scheme => {
                let (name, args) = (self.name(&p.next()?), self.opt_args(&mut p)?);
                let states = p.all(Rule::path).iter().map(|n| self.name(n)).collect();
                ModelItem::Scheme(SchemeDecl { name, args, states })
            }
            Rule::on_handler => ModelItem::On(self.name(&p.next()?), self.handler(p.next()?)?, span),
            _ => ModelItem::Deliver(self.expr(p.next()?)?),
        })
    }

    fn bounds(&self, p: &mut Parts) -> Lowered<Option<Expr>> {
        p.take(Rule::bounds).map(|b| self.expr(self.parts(b).next()?)).transpose()
    }

    fn state(&self, pair: P) -> Lowered<StateBinding> {
        let mut p = self.parts(pair);
        let name = self.name(&p.next()?);
        let unit = p.take(Rule::unit_expr).map(|u| self.unit(u)).transpose()?;
        let per = p.take(Rule::per).map(|q| self.parts(q).next()).transpose()?.map(|n| self.name(&n));
        let mut init = p.take(Rule::expr).map(|e| self.expr(e)).transpose()?;
        let mut bounds = self.bounds(&mut p)?;
        // `= 0 in 0 .. 1` parses as one comparison; the bounds are its right side.
        if let Some(Expr { kind: ExprKind::Binary(BinOp::In, value, range), .. }) = init {
            init = Some(*value);
            bounds = Some(*range);
        }
        Ok(StateBinding { name, unit, per, init, bounds })
    }

    fn emit(&self, pair: P) -> Lowered<Emit> {
        let span = self.span(&pair);
        let mut p = self.parts(pair);
        let name = self.name(&p.next()?);
        let mut out = Emit { name, on: None, edge: None, count: None, when: None, body: Vec::new(), span };
        if p.take(Rule::emit_on).is_some() {
            out.on = Some(self.name(&p.next()?));
        }
        if let Some(count) = p.take(Rule::emit_count) {
            out.count = Some(self.expr(self.parts(count).next()?)?);
        }
        if p.take(Rule::emit_when).is_some() {
            out.edge = p.take(Rule::rising).map(|r| r.as_str().starts_with("rising"));
            out.when = Some(self.expr(p.next()?)?);
        }
        if let Some(h) = p.take(Rule::handler) {
            out.body = self.handler(h)?;
        }
        Ok(out)
    }

    fn handler(&self, pair: P) -> Lowered<Vec<Stmt>> {
        pair.into_inner().map(|s| self.stmt(self.parts(s).next()?)).collect()
    }

    fn stmt(&self, pair: P) -> Lowered<Stmt> {
        let rule = pair.as_rule();
        let span = self.span(&pair);
        let mut p = self.parts(pair);
        Ok(match rule {
            Rule::hold => {
                let names = p.all(Rule::path).iter().map(|n| self.name(n)).collect();
                Stmt::Hold(names, self.expr(p.next()?)?)
            }
            Rule::mute => Stmt::Mute(self.name(&p.next()?), self.expr(p.next()?)?),
            Rule::deliver => Stmt::Deliver(self.expr(p.next()?)?),
            Rule::rewire => Stmt::Rewire(span),
            Rule::if_stmt => {
                let condition = self.expr(p.next()?)?;
                let then = self.handler(p.next()?)?;
                let otherwise = match p.next() {
                    Err(_) => Vec::new(),
                    Ok(e) if e.as_rule() == Rule::handler => self.handler(e)?,
                    Ok(e) => vec![self.stmt(e)?],
                };
                Stmt::If(condition, then, otherwise)
            }
            _ => {
                let target = self.name(&p.next()?);
                let op = assign_op(&p.next()?);
                Stmt::Assign(target, op, self.expr(p.next()?)?)
            }
        })
    }

    pub(super) fn target(&self, pair: P) -> Lowered<Expr> {
        let mut p = self.parts(pair);
        let first = p.next()?;
        let mut out = Tall::new(ExprKind::Name(first.as_str().to_string()), self.span(&first), 0)?;
        for (k, step) in p.all(Rule::target_step).into_iter().enumerate() {
            let step = self.parts(step).next()?;
            let span = out.expr.span.to(self.span(&step));
            if k >= errors::MAX_DEPTH {
                return Err(Box::new(errors::too_deep(span)));
            }
            let (base, height) = (Box::new(out.expr), out.height);
            out = if step.as_rule() == Rule::index {
                let (index, tallest) = self.tall_exprs(step)?;
                Tall::new(ExprKind::Index(base, index), span, height.max(tallest))?
            } else {
                Tall::new(ExprKind::Member(base, self.name(&self.parts(step).next()?)), span, height)?
            };
        }
        Ok(out.expr)
    }

    pub(super) fn distribution(&self, pair: P) -> Lowered<Distribution> {
        let mut p = self.parts(pair);
        let call = self.expr(p.next()?)?;
        let bound = match p.take(Rule::dist_bound) {
            None => None,
            Some(b) => Some((b.as_str().starts_with("clipped"), self.expr(p.next()?)?)),
        };
        Ok(Distribution { call, bound })
    }
}

/// The operator of a rule; none for the step of a range.
fn binary(rule: Rule) -> Option<BinOp> {
    Some(match rule {
        Rule::stepping => return None,
        Rule::or => BinOp::Or,
        Rule::and => BinOp::And,
        Rule::within => BinOp::Within,
        Rule::in_range => BinOp::In,
        Rule::le => BinOp::Le,
        Rule::ge => BinOp::Ge,
        Rule::eq => BinOp::Eq,
        Rule::ne => BinOp::Ne,
        Rule::lt => BinOp::Lt,
        Rule::gt => BinOp::Gt,
        Rule::range => BinOp::Range,
        Rule::add => BinOp::Add,
        Rule::sub => BinOp::Sub,
        Rule::mul => BinOp::Mul,
        Rule::div => BinOp::Div,
        _ => BinOp::Pow,
    })
}

pub(super) fn assign_op(pair: &P) -> Option<BinOp> {
    match pair.as_str() {
        "+=" => Some(BinOp::Add),
        "-=" => Some(BinOp::Sub),
        "*=" => Some(BinOp::Mul),
        "/=" => Some(BinOp::Div),
        _ => None,
    }
}

pub(super) fn unquote(text: &str) -> String {
    text.trim_matches('"').to_string()
}

fn doc_text(pair: &P) -> String {
    let line = |l: P| l.as_str().trim_start_matches('#').trim().to_string();
    pair.clone().into_inner().map(line).collect::<Vec<_>>().join("\n")
}
