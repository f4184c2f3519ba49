//! Types and units of expressions: one walk for models, networks and experiments.
//!
//! What a name, a member or a call means depends on where the expression stands; that part is a [`Meaning`], or, in a model, a
//! [`Context`].

use super::expr::{Expr as CellExpr, Op};
use super::typed::{Expr, ExprKind as Kinds, LocalId};
use super::unit_of::unit_named;
use super::{Kind, Module, Shape, Ty, errors};
use crate::builtin::Func;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::MAX_HEIGHT;
use crate::syntax::ast::{self, BinOp, ExprKind};
use crate::units::{Dim, Ratio, Unit};
use cranelift_entity::EntityRef;
use std::collections::BTreeSet;

/// What names, members and calls mean in one place.
pub trait Meaning {
    /// Resolves a name; `None` lets the common ones (`pi`, units) be tried.
    fn name(&mut self, infer: &mut Infer, name: &str, span: Span) -> Option<Expr>;

    /// Resolves `base.name` or an index; `None` means there are no members here.
    fn path(&mut self, infer: &mut Infer, e: &ast::Expr) -> Option<Expr>;

    /// Resolves a call that means something only here.
    fn call(&mut self, infer: &mut Infer, name: &str, args: &[ast::Arg], span: Span) -> Option<Expr>;

    /// Resolves `since(event)`.
    fn since(&mut self, _infer: &mut Infer, _name: &ast::Name, _previous: bool, _span: Span) -> Option<Expr> {
        None
    }

    /// Resolves `name at end of window`.
    fn at_end(&mut self, _infer: &mut Infer, _of: &ast::Expr, _window: &ast::Name) -> Option<Expr> {
        None
    }

    /// Makes a name for an argument of a user's function.
    fn local(&mut self, name: &str, span: Span) -> LocalId;

    /// Returns whether functions of networks and experiments may be called, and arrays be written.
    fn is_program(&self) -> bool;

    /// Returns whether `t` has a value.
    fn has_time(&self) -> bool {
        true
    }

    /// Names to suggest for an unknown one.
    fn known_names(&self) -> Vec<String>;

    /// How something of this name is reached from here, if something has it.
    fn reached(&self, _infer: &Infer, _name: &str) -> Option<String> {
        None
    }

    /// Where something of this name is declared, if that comes only after a place.
    fn declared_after(&self, _name: &str, _place: Span) -> Option<Span> {
        None
    }

    /// Function names to suggest for an unknown one, beside those of the table.
    fn known_functions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// What names, members and calls mean within a model of a cell or synapse.
pub trait Context {
    /// Resolves a name; `None` lets the common ones (`pi`, units) be tried.
    fn name(&mut self, infer: &mut Infer, name: &str, span: Span) -> Option<(CellExpr, Ty)>;

    /// Resolves `base.name` or an index; `None` means there are no members here.
    fn path(&mut self, infer: &mut Infer, expr: &ast::Expr) -> Option<(CellExpr, Ty)>;

    /// Resolves a call of a function that is not a common one.
    fn call(&mut self, infer: &mut Infer, name: &str, args: &[ast::Arg], span: Span) -> Option<(CellExpr, Ty)>;

    /// Resolves `since(event)`.
    fn since(&mut self, _infer: &mut Infer, _name: &ast::Name, _previous: bool) -> Option<(CellExpr, Ty)> {
        None
    }

    /// Resolves `name at end of window`.
    fn at_end(&mut self, _infer: &mut Infer, _of: &ast::Expr, _window: &ast::Name) -> Option<(CellExpr, Ty)> {
        None
    }

    /// Names to suggest for an unknown one.
    fn known_names(&self) -> Vec<String>;

    /// Function names to suggest for an unknown one.
    fn known_functions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// Constants see other constants and nothing else.
pub(super) struct Nothing;

impl Context for Nothing {
    fn name(&mut self, _: &mut Infer, _: &str, _: Span) -> Option<(CellExpr, Ty)> {
        None
    }
    fn path(&mut self, _: &mut Infer, _: &ast::Expr) -> Option<(CellExpr, Ty)> {
        None
    }
    fn call(&mut self, _: &mut Infer, _: &str, _: &[ast::Arg], _: Span) -> Option<(CellExpr, Ty)> {
        None
    }
    fn known_names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The shared part of inference: constants, units, and where findings go.
pub struct Infer<'a> {
    /// Constants, units and functions in scope.
    pub module: &'a Module,
    /// Findings.
    pub diagnostics: &'a mut Diagnostics,
    /// Functions whose calls are being expanded, the outermost first.
    pub calling: Vec<String>,
    /// How many expressions stand around the one that is inferred.
    level: usize,
    /// Parts of functions that the outermost call has expanded so far.
    pub expanded: usize,
    /// Whether the expression that comes next is a condition: true or false, also of arrays.
    condition: bool,
    /// Names of networks that are read from outside: the network's model, and the name.
    pub members: BTreeSet<(String, String)>,
    /// Where event inputs are read, whose impulses are counted per time.
    pub impulses: Vec<Span>,
}

/// Parts that an expression may have where all its functions are written out.
const MOST_PARTS: usize = 1 << 20;

impl<'a> Infer<'a> {
    /// Begins with nothing around.
    pub fn new(module: &'a Module, diagnostics: &'a mut Diagnostics) -> Infer<'a> {
        Infer {
            module,
            diagnostics,
            calling: Vec::new(),
            level: 0,
            expanded: 0,
            condition: false,
            members: BTreeSet::new(),
            impulses: Vec::new(),
        }
    }

    /// The same place, for findings that nobody hears.
    pub fn quiet<'b>(&'b self, silent: &'b mut Diagnostics) -> Infer<'b> {
        let Infer { module, level, expanded, .. } = *self;
        let calling = self.calling.clone();
        Infer {
            module,
            diagnostics: silent,
            calling,
            level,
            expanded,
            condition: false,
            members: BTreeSet::new(),
            impulses: Vec::new(),
        }
    }
}

/// A model's context as the meaning of names.
struct Cells<'a> {
    of: &'a mut dyn Context,
    locals: usize,
}

fn leaf(found: Option<(CellExpr, Ty)>, span: Span) -> Option<Expr> {
    found.map(|(e, ty)| Expr::new(Kinds::Cell(e), ty, span))
}

impl Meaning for Cells<'_> {
    fn name(&mut self, infer: &mut Infer, name: &str, span: Span) -> Option<Expr> {
        leaf(self.of.name(infer, name, span), span)
    }
    fn path(&mut self, infer: &mut Infer, e: &ast::Expr) -> Option<Expr> {
        leaf(self.of.path(infer, e), e.span)
    }
    fn call(&mut self, infer: &mut Infer, name: &str, args: &[ast::Arg], span: Span) -> Option<Expr> {
        leaf(self.of.call(infer, name, args, span), span)
    }
    fn since(&mut self, infer: &mut Infer, name: &ast::Name, previous: bool, span: Span) -> Option<Expr> {
        leaf(self.of.since(infer, name, previous), span)
    }
    fn at_end(&mut self, infer: &mut Infer, of: &ast::Expr, window: &ast::Name) -> Option<Expr> {
        leaf(self.of.at_end(infer, of, window), of.span)
    }
    fn local(&mut self, _: &str, _: Span) -> LocalId {
        self.locals += 1;
        LocalId::new(self.locals - 1)
    }
    fn is_program(&self) -> bool {
        false
    }
    fn known_names(&self) -> Vec<String> {
        self.of.known_names()
    }
    fn known_functions(&self) -> Vec<&'static str> {
        self.of.known_functions()
    }
}

/// Expressions of models.
impl Infer<'_> {
    /// Infers an expression.
    pub fn expr(&mut self, context: &mut dyn Context, e: &ast::Expr) -> (CellExpr, Ty) {
        let typed = self.typed(&mut Cells { of: context, locals: 0 }, e);
        let ty = typed.ty.clone();
        (self.cell(typed), ty)
    }

    /// Infers an expression that must be a number.
    pub fn number(&mut self, context: &mut dyn Context, e: &ast::Expr) -> (CellExpr, Ty) {
        let typed = self.typed_number(&mut Cells { of: context, locals: 0 }, e);
        let ty = typed.ty.clone();
        (self.cell(typed), ty)
    }

    /// Infers an expression that must be true or false.
    pub fn condition(&mut self, context: &mut dyn Context, e: &ast::Expr) -> CellExpr {
        let typed = self.typed_condition(&mut Cells { of: context, locals: 0 }, e);
        self.cell(typed)
    }

    /// Infers a number and checks its dimension; the message says what it is for.
    pub fn quantity(
        &mut self,
        context: &mut dyn Context,
        e: &ast::Expr,
        what: &str,
        expected: &Ty,
        declared: Option<Span>,
    ) -> CellExpr {
        let typed = self.typed_quantity(&mut Cells { of: context, locals: 0 }, e, what, expected, declared);
        self.cell(typed)
    }

    /// Infers an expression that must be a time.
    pub fn time(&mut self, context: &mut dyn Context, e: &ast::Expr, what: &str) -> CellExpr {
        let typed = self.typed_time(&mut Cells { of: context, locals: 0 }, e, what);
        self.cell(typed)
    }

    /// Writes out functions, unless too much would come of it.
    fn cell(&mut self, typed: Expr) -> CellExpr {
        if let Some(foreign) = typed.foreign_to_cells() {
            self.diagnostics.push(errors::no_number_of_a_cell(&foreign.ty, foreign.span));
            return CellExpr::Num(0.0);
        }
        let (parts, height) = typed.written_out();
        if parts <= MOST_PARTS && height <= MAX_HEIGHT {
            return typed.cell();
        }
        self.diagnostics.push(errors::too_large(typed.span));
        CellExpr::Num(0.0)
    }
}

/// Expressions of networks and experiments, and what they share with models.
impl Infer<'_> {
    pub(super) fn report(&mut self, d: Diagnostic, span: Span) -> Expr {
        self.diagnostics.push(d);
        Expr::error(span)
    }

    /// Infers an expression.
    pub fn typed(&mut self, m: &mut dyn Meaning, e: &ast::Expr) -> Expr {
        // The parts of a function stand around what its arguments stand for.
        self.expanded += usize::from(!self.calling.is_empty());
        if self.level > MAX_HEIGHT || self.expanded > MOST_PARTS {
            // Said once: what stands around it is expanded no further.
            let first = self.expanded <= MOST_PARTS + 1;
            self.condition = false;
            self.expanded = self.expanded.max(MOST_PARTS + 1);
            return if first { self.report(errors::too_large(e.span), e.span) } else { Expr::error(e.span) };
        }
        self.level += 1;
        let typed = self.descend(m, e);
        self.level -= 1;
        typed
    }

    fn descend(&mut self, m: &mut dyn Meaning, e: &ast::Expr) -> Expr {
        let span = e.span;
        let new = |kind: Kinds, ty: Ty| Expr::new(kind, ty, span);
        // Elsewhere conditions of arrays are combined element by element.
        if !std::mem::take(&mut self.condition) && is_logical(e) && m.is_program() && self.compares_arrays(m, e) {
            return self.typed_rows(m, e);
        }
        match &e.kind {
            ExprKind::Quantity(value, None) => number_of(*value, Ty::in_unit(Unit::one()), span),
            ExprKind::Quantity(value, Some((name, (num, den)))) => {
                match unit_named(self.module, name, self.diagnostics) {
                    None => Expr::error(span),
                    Some(unit) => {
                        let exponent = Ratio::new(*num, *den);
                        let unit = if exponent == Ratio::new(1, 1) { unit } else { unit.power(exponent) };
                        number_of(unit.to_internal(*value), Ty::in_unit(unit), span)
                    }
                }
            }
            ExprKind::Bool(b) => new(Kinds::Bool(*b), Ty::of(Kind::Bool).shaped(Shape::Number)),
            ExprKind::Text(t) => new(Kinds::Text(t.as_str().into()), Ty::of(Kind::Text)),
            ExprKind::Name(name) => self.name(m, name, span),
            ExprKind::Neg(inner) => {
                let inner = self.typed_number(m, inner);
                let ty = inner.ty.clone();
                match inner.kind {
                    Kinds::Number(v) => new(Kinds::Number(-v), ty),
                    _ => new(Kinds::Neg(Box::new(inner)), ty),
                }
            }
            ExprKind::Not(inner) => {
                let inner = self.typed_condition(m, inner);
                new(Kinds::Not(Box::new(inner)), Ty::of(Kind::Bool))
            }
            ExprKind::Binary(op, a, b) => self.binary(m, *op, a, b, span),
            ExprKind::Call(callee, args) => self.call(m, callee, args, span),
            ExprKind::Index(..) | ExprKind::Member(..) => match m.path(self, e) {
                Some(typed) => typed,
                None => self.report(errors::no_parts(e), span),
            },
            ExprKind::List(items) => self.list(m, items, span),
            ExprKind::If(c, a, b) => {
                let c = if m.is_program() { self.typed_conditions(m, c) } else { self.typed_condition(m, c) };
                let (x, y) = (self.typed(m, a), self.typed(m, b));
                if !x.is_error() && !y.is_error() && (x.ty.kind != y.ty.kind || !x.ty.same_dim(&y.ty)) {
                    return self.report(errors::cannot_compare((&x.ty, a.span), (&y.ty, b.span)), span);
                }
                // One of the two is taken as a whole, so that shapes need not agree; of several conditions, an element of either.
                let shape = match c.ty.shape {
                    Shape::Array | Shape::Matrix => c.ty.shape,
                    _ if x.ty.shape == y.ty.shape && !c.is_comparison() => x.ty.shape,
                    Shape::Number if x.ty.shape == y.ty.shape => x.ty.shape,
                    _ => Shape::Any,
                };
                let ty = join(x.ty.clone(), y.ty.clone()).shaped(shape);
                new(Kinds::If(Box::new(c), Box::new(x), Box::new(y)), ty)
            }
            ExprKind::Since(name, previous) => match m.since(self, name, *previous, span) {
                Some(typed) => typed,
                None => {
                    let message = format!("no event `{}` here", name.text);
                    let d = Diagnostic::at(Code::E0607, name.span, message, "unknown event");
                    self.report(d.note("`since` asks for the time since an event of the same neuron"), span)
                }
            },
            ExprKind::AtEnd(of, window) => match m.at_end(self, of, window) {
                Some(typed) => typed,
                None => self.report(errors::not_remembered(of, &window.text, span), span),
            },
            ExprKind::All => new(Kinds::All, Ty::of(Kind::Range)),
            ExprKind::Stepped(range, step) => {
                let range = self.typed(m, range);
                let expected = Ty { kind: Kind::Number, ..range.ty.clone() };
                let step = self.typed_one(m, step, "the step", &expected);
                if !matches!(range.ty.kind, Kind::Range | Kind::Error) {
                    return self.report(errors::wrong_kind("a range", &range.ty, range.span), span);
                }
                let ty = Ty { kind: Kind::Number, ..range.ty.clone() }.shaped(Shape::Array);
                new(Kinds::Stepped(Box::new(range), Box::new(step)), ty)
            }
        }
    }

    fn name(&mut self, m: &mut dyn Meaning, name: &str, span: Span) -> Expr {
        if let Some(found) = m.name(self, name, span) {
            return found;
        }
        if let Some(c) = self.module.constants.get(name) {
            return number_of(c.value, c.ty.clone(), span);
        }
        match name {
            "pi" => return number_of(std::f64::consts::PI, Ty::number(Dim::ONE), span),
            "inf" => return number_of(f64::INFINITY, Ty::any_number(), span),
            _ => {}
        }
        if let Some(unit) = self.module.units.get(name).cloned().or_else(|| crate::units::lookup(name)) {
            return number_of(unit.to_internal(1.0), Ty::in_unit(unit), span);
        }
        if let Some(later) = m.declared_after(name, span) {
            return self.report(errors::used_before(name, span, later), span);
        }
        let known = m.known_names();
        let known = known.iter().map(String::as_str).chain(self.module.constants.keys().map(String::as_str));
        let d = errors::unknown_name(name, span, known);
        let reached = m.reached(self, name).filter(|_| d.help.is_none());
        self.report(d.maybe_help(reached.map(|path| format!("did you mean `{path}`?"))), span)
    }

    /// Returns whether a name is that of a unit, of this program or of all.
    pub fn is_unit(&self, name: &str) -> bool {
        self.module.units.contains_key(name) || crate::units::lookup(name).is_some()
    }

    /// Infers an expression that must be a number, or several. In programs what is true or false counts as 1 or 0.
    pub fn typed_number(&mut self, m: &mut dyn Meaning, e: &ast::Expr) -> Expr {
        let typed = self.typed(m, e);
        let typed = self.counted(m, typed);
        self.must_be_number(typed)
    }

    /// In programs what is true or false counts as 1 or 0 where a number is wanted.
    pub(super) fn counted(&self, m: &dyn Meaning, e: Expr) -> Expr {
        if e.ty.kind != Kind::Bool || !m.is_program() {
            return e;
        }
        let span = e.span;
        let ty = Ty { unit: Some(Unit::one()), ..Ty::number(Dim::ONE) }.shaped(e.ty.shape);
        let one = |value: f64| Box::new(number_of(value, Ty::in_unit(Unit::one()), span));
        Expr::new(Kinds::If(Box::new(e), one(1.0), one(0.0)), ty, span)
    }

    /// Infers a condition, or several of which each element counts by itself.
    fn typed_conditions(&mut self, m: &mut dyn Meaning, e: &ast::Expr) -> Expr {
        let typed = self.typed(m, e);
        match typed.ty.kind {
            Kind::Bool | Kind::Error => typed,
            Kind::Number if typed.is_comparison() || is_logical(e) => typed,
            _ => self.report(errors::condition_needed(&typed.ty, e.span), e.span),
        }
    }

    pub(super) fn must_be_number(&mut self, e: Expr) -> Expr {
        match e.ty.kind {
            Kind::Number | Kind::Error => e,
            _ if e.kind == Kinds::All => self.report(errors::no_operand(e.span), e.span),
            _ => self.report(errors::wrong_kind("a number", &e.ty, e.span), e.span),
        }
    }

    /// Infers an expression that must be true or false.
    pub fn typed_condition(&mut self, m: &mut dyn Meaning, e: &ast::Expr) -> Expr {
        self.condition = true;
        let typed = self.typed(m, e);
        if matches!(typed.ty.kind, Kind::Bool | Kind::Error) {
            return typed;
        }
        // A comparison of arrays is a condition, too: it holds if it holds for every element.
        match typed.is_comparison() {
            true => Expr { ty: Ty::of(Kind::Bool), ..typed },
            false => self.report(errors::condition_needed(&typed.ty, e.span), e.span),
        }
    }

    /// Returns whether conditions that are combined compare what is surely an array.
    fn compares_arrays(&mut self, m: &mut dyn Meaning, e: &ast::Expr) -> bool {
        match &e.kind {
            ExprKind::Binary(BinOp::And | BinOp::Or, a, b) => self.compares_arrays(m, a) || self.compares_arrays(m, b),
            ExprKind::Not(a) => self.compares_arrays(m, a),
            _ => {
                let mut silent = Diagnostics::default();
                self.quiet(&mut silent).typed(m, e).ty.is_several()
            }
        }
    }

    /// Infers a condition of the rows of a table: 1 for each for which it holds, 0 for the others. `and`, `or` and `not` combine them row by
    /// row.
    pub fn typed_rows(&mut self, m: &mut dyn Meaning, e: &ast::Expr) -> Expr {
        let ty = || Ty { unit: Some(Unit::one()), ..Ty::number(Dim::ONE) }.shaped(Shape::Array);
        let one = |value: f64| Box::new(number_of(value, Ty::in_unit(Unit::one()), e.span));
        match &e.kind {
            ExprKind::Binary(op @ (BinOp::And | BinOp::Or), a, b) => {
                let (x, y) = (self.typed_rows(m, a), self.typed_rows(m, b));
                let shape = x.ty.shape.with(y.ty.shape).unwrap_or(Shape::Any);
                let kind = match op {
                    BinOp::And => Kinds::Binary(Op::Mul, Box::new(x), Box::new(y)),
                    _ => Kinds::Function(Func::Max, vec![x, y]),
                };
                Expr::new(kind, ty().shaped(shape), e.span)
            }
            ExprKind::Not(a) => {
                let x = self.typed_rows(m, a);
                let shape = x.ty.shape;
                Expr::new(Kinds::Binary(Op::Sub, one(1.0), Box::new(x)), ty().shaped(shape), e.span)
            }
            _ => {
                let typed = self.typed(m, e);
                match typed.ty.kind {
                    Kind::Error => typed,
                    Kind::Number if typed.is_comparison() => typed,
                    Kind::Bool if typed.is_comparison() => Expr { ty: ty().shaped(typed.ty.shape), ..typed },
                    Kind::Bool => {
                        Expr::new(Kinds::If(Box::new(typed), one(1.0), one(0.0)), ty().shaped(Shape::Number), e.span)
                    }
                    // What is already 1 and 0 is compared as well, so that `not` is right of any number.
                    Kind::Number if typed.ty.same_dim(&Ty::number(Dim::ONE)) => {
                        let shape = typed.ty.shape;
                        Expr::new(Kinds::Binary(Op::Ne, Box::new(typed), one(0.0)), ty().shaped(shape), e.span)
                    }
                    _ => self.report(errors::condition_needed(&typed.ty, e.span), e.span),
                }
            }
        }
    }

    /// Infers a number, or several, and checks the dimension; the message says what it is for.
    pub fn typed_quantity(
        &mut self,
        m: &mut dyn Meaning,
        e: &ast::Expr,
        what: &str,
        expected: &Ty,
        declared: Option<Span>,
    ) -> Expr {
        let typed = self.typed_number(m, e);
        if !typed.is_error() && !typed.ty.same_dim(expected) {
            self.diagnostics.push(errors::wrong_unit(what, expected, &typed.ty, e.span, declared));
        }
        typed
    }

    /// Infers what must be one number of a dimension.
    pub fn typed_one(&mut self, m: &mut dyn Meaning, e: &ast::Expr, what: &str, expected: &Ty) -> Expr {
        let typed = self.typed_quantity(m, e, what, expected, None);
        self.must_be_one(what, typed)
    }

    pub(super) fn must_be_one(&mut self, what: &str, e: Expr) -> Expr {
        match e.ty.is_several() {
            true => self.report(errors::one_number_needed(what, &e.ty, e.span), e.span),
            false => e,
        }
    }

    /// Infers an expression that must be a time.
    pub fn typed_time(&mut self, m: &mut dyn Meaning, e: &ast::Expr, what: &str) -> Expr {
        let typed = self.typed_number(m, e);
        if !typed.is_error() && !typed.ty.same_dim(&Ty::number(Dim::TIME)) {
            self.diagnostics.push(errors::time_needed(what, &typed.ty, e.span));
        }
        typed
    }

    /// Infers what must be one time.
    pub fn typed_one_time(&mut self, m: &mut dyn Meaning, e: &ast::Expr, what: &str) -> Expr {
        let typed = self.typed_time(m, e, what);
        self.must_be_one(what, typed)
    }
}

/// Returns whether an expression combines conditions.
pub(super) fn is_logical(e: &ast::Expr) -> bool {
    matches!(e.kind, ExprKind::Binary(BinOp::And | BinOp::Or, ..) | ExprKind::Not(_))
}

fn number_of(value: f64, ty: Ty, span: Span) -> Expr {
    Expr::new(Kinds::Number(value), ty.shaped(Shape::Number), span)
}

/// Joins two agreeing types, keeping the spelling that is known.
pub fn join(a: Ty, b: Ty) -> Ty {
    let shape = a.shape.with(b.shape).unwrap_or(Shape::Any);
    Ty { kind: a.kind, dim: a.dim.or(b.dim), unit: a.unit.or(b.unit), shape }
}

/// Evaluates an expression of numbers only.
pub fn constant(e: &Expr) -> Option<f64> {
    e.any(&|e| !matches!(e.kind, Kinds::Number(_) | Kinds::Neg(_) | Kinds::Binary(..) | Kinds::Function(..)))
        .eq(&false)
        .then(|| fold(&e.clone().cell()))
        .flatten()
}

/// Returns whether a range of constants has no number in it, because it goes the other way than its steps.
pub fn goes_nowhere(range: &Expr, step: Option<&Expr>) -> bool {
    let Kinds::Range(lo, hi) = &range.kind else { return false };
    let by = step.map_or(Some(1.0), constant);
    let ends = constant(lo).zip(constant(hi)).zip(by);
    ends.is_some_and(|((lo, hi), by)| (hi - lo) * by < 0.0)
}

/// Evaluates an expression of numbers only.
pub fn fold(e: &CellExpr) -> Option<f64> {
    crate::math::eval(e, &|_| None, None)
}
