//! Types and units of expressions: one walk for models, networks and experiments.
//!
//! What a name, a member or a call means depends on where the expression stands; that part is a [`Meaning`], or, in a model, a
//! [`Context`].

use super::arguments::bind;
use super::expr::{Expr as CellExpr, Op};
use super::typed::{Expr, ExprKind as Kinds, LocalId, Within};
use super::unit_of::unit_named;
use super::{Kind, Module, Shape, Ty, errors};
use crate::builtin::{self, Builtin, Evaluate, Func, Gives, Parameter, Place, Wants};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::ast::{self, BinOp, ExprKind};
use crate::units::{Dim, Ratio, Unit};
use cranelift_entity::EntityRef;

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

/// The shared part of inference: constants, units, and where findings go.
pub struct Infer<'a> {
    /// Constants, units and functions in scope.
    pub module: &'a Module,
    /// Findings.
    pub diagnostics: &'a mut Diagnostics,
    /// Depth of function calls being expanded.
    pub depth: usize,
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
        (typed.cell(), ty)
    }

    /// Infers an expression that must be a number.
    pub fn number(&mut self, context: &mut dyn Context, e: &ast::Expr) -> (CellExpr, Ty) {
        let typed = self.typed_number(&mut Cells { of: context, locals: 0 }, e);
        let ty = typed.ty.clone();
        (typed.cell(), ty)
    }

    /// Infers an expression that must be true or false.
    pub fn condition(&mut self, context: &mut dyn Context, e: &ast::Expr) -> CellExpr {
        self.typed_condition(&mut Cells { of: context, locals: 0 }, e).cell()
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
        self.typed_quantity(&mut Cells { of: context, locals: 0 }, e, what, expected, declared).cell()
    }

    /// Infers an expression that must be a time.
    pub fn time(&mut self, context: &mut dyn Context, e: &ast::Expr, what: &str) -> CellExpr {
        self.typed_time(&mut Cells { of: context, locals: 0 }, e, what).cell()
    }
}

/// Expressions of networks and experiments, and what they share with models.
impl Infer<'_> {
    fn report(&mut self, d: Diagnostic, span: Span) -> Expr {
        self.diagnostics.push(d);
        Expr::error(span)
    }

    /// Infers an expression.
    pub fn typed(&mut self, m: &mut dyn Meaning, e: &ast::Expr) -> Expr {
        let span = e.span;
        let new = |kind: Kinds, ty: Ty| Expr::new(kind, ty, span);
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
                None => self.report(errors::wrong_kind("a plain value", &Ty::of(Kind::Table), span), span),
            },
            ExprKind::List(items) => self.list(m, items, span),
            ExprKind::If(c, a, b) => {
                let c = self.typed_condition(m, c);
                let (x, y) = (self.typed(m, a), self.typed(m, b));
                if !x.is_error() && !y.is_error() && (x.ty.kind != y.ty.kind || !x.ty.same_dim(&y.ty)) {
                    return self.report(errors::cannot_compare((&x.ty, a.span), (&y.ty, b.span)), span);
                }
                // One of the two is taken as a whole, so that shapes need not agree.
                let shape = if x.ty.shape == y.ty.shape { x.ty.shape } else { Shape::Any };
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
                None => {
                    let d =
                        Diagnostic::at(Code::E0401, span, "nothing is remembered here", "only variables of cells are");
                    let help = "write `s at end of free` in a handler of a neuron or synapse, or of a population in an experiment";
                    self.report(d.help(help), span)
                }
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
        let known = m.known_names();
        let known = known.iter().map(String::as_str).chain(self.module.constants.keys().map(String::as_str));
        self.report(errors::unknown_name(name, span, known), span)
    }

    /// Infers an expression that must be a number, or several.
    pub fn typed_number(&mut self, m: &mut dyn Meaning, e: &ast::Expr) -> Expr {
        let typed = self.typed(m, e);
        self.must_be_number(typed)
    }

    fn must_be_number(&mut self, e: Expr) -> Expr {
        match e.ty.kind {
            Kind::Number | Kind::Error => e,
            _ => self.report(errors::wrong_kind("a number", &e.ty, e.span), e.span),
        }
    }

    /// Infers an expression that must be true or false.
    pub fn typed_condition(&mut self, m: &mut dyn Meaning, e: &ast::Expr) -> Expr {
        let typed = self.typed(m, e);
        if matches!(typed.ty.kind, Kind::Bool | Kind::Error) {
            return typed;
        }
        // A comparison of arrays is a condition, too: it holds if it holds for every element.
        use Op::{Eq, Ge, Gt, Le, Lt, Ne};
        match typed.kind {
            Kinds::Binary(Eq | Ne | Lt | Le | Gt | Ge, ..) | Kinds::Within(_) => {
                Expr { ty: Ty::of(Kind::Bool), ..typed }
            }
            _ => self.report(errors::condition_needed(&typed.ty, e.span), e.span),
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

    fn must_be_one(&mut self, what: &str, e: Expr) -> Expr {
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

    fn binary(&mut self, m: &mut dyn Meaning, op: BinOp, a: &ast::Expr, b: &ast::Expr, span: Span) -> Expr {
        use BinOp::*;
        let truth = |kind: Kinds, shape: Shape| Expr::new(kind, Ty::of(Kind::Bool).shaped(shape), span);
        match op {
            And | Or => {
                let (x, y) = (self.typed_condition(m, a), self.typed_condition(m, b));
                let op = if op == And { Op::And } else { Op::Or };
                return truth(Kinds::Binary(op, Box::new(x), Box::new(y)), Shape::Number);
            }
            In => {
                let (x, ends) = (self.typed_number(m, a), self.typed(m, b));
                if !matches!(ends.ty.kind, Kind::Range | Kind::Error) {
                    self.diagnostics.push(errors::wrong_kind("a range `lo .. hi`", &ends.ty, b.span));
                } else if !x.ty.same_dim(&ends.ty) {
                    let number = Ty { kind: Kind::Number, ..ends.ty.clone() };
                    self.diagnostics.push(errors::cannot_compare((&x.ty, a.span), (&number, b.span)));
                }
                return truth(Kinds::In(Box::new(x), Box::new(ends)), Shape::Number);
            }
            Within => return self.within(m, a, b, span),
            _ => {}
        }
        let (x, y) = (self.typed(m, a), self.typed(m, b));
        let compares = matches!(op, Lt | Gt | Le | Ge | Eq | Ne);
        if x.is_error() || y.is_error() {
            return if compares { truth(Kinds::Bool(true), Shape::Number) } else { Expr::error(span) };
        }
        let same_kind = x.ty.kind == y.ty.kind && matches!(x.ty.kind, Kind::Bool | Kind::Text);
        if matches!(op, Eq | Ne) && same_kind {
            let op = if op == Eq { Op::Eq } else { Op::Ne };
            return truth(Kinds::Binary(op, Box::new(x), Box::new(y)), Shape::Number);
        }
        for e in [&x, &y] {
            if e.ty.kind != Kind::Number {
                return self.report(errors::wrong_kind("a number", &e.ty, e.span), span);
            }
        }
        let Some(shape) = x.ty.shape.with(y.ty.shape) else {
            return self.report(errors::shapes_differ((&x.ty, a.span), (&y.ty, b.span)), span);
        };
        let arithmetic = |op: Op, x: Expr, y: Expr, ty: Ty| {
            Expr::new(Kinds::Binary(op, Box::new(x), Box::new(y)), ty.shaped(shape), span)
        };
        match op {
            Add | Sub => {
                if !x.ty.same_dim(&y.ty) {
                    return self.report(errors::cannot_add(op.symbol(), (&x.ty, a.span), (&y.ty, b.span)), span);
                }
                let ty = join(x.ty.clone(), y.ty.clone());
                arithmetic(if op == Add { Op::Add } else { Op::Sub }, x, y, ty)
            }
            Range => {
                if !x.ty.same_dim(&y.ty) {
                    return self.report(errors::cannot_compare((&x.ty, a.span), (&y.ty, b.span)), span);
                }
                let ty = Ty { kind: Kind::Range, ..join(x.ty.clone(), y.ty.clone()) };
                let (x, y) = (self.must_be_one("an end of a range", x), self.must_be_one("an end of a range", y));
                Expr::new(Kinds::Range(Box::new(x), Box::new(y)), ty, span)
            }
            Mul => {
                let ty = product(&x.ty, &y.ty);
                arithmetic(Op::Mul, x, y, ty)
            }
            Div => {
                let ty = quotient(&x.ty, &y.ty);
                arithmetic(Op::Div, x, y, ty)
            }
            Pow => self.power(x, y, shape, span),
            _ => {
                if !x.ty.same_dim(&y.ty) {
                    self.diagnostics.push(errors::cannot_compare((&x.ty, a.span), (&y.ty, b.span)));
                }
                let op = match op {
                    Le => Op::Le,
                    Ge => Op::Ge,
                    Eq => Op::Eq,
                    Ne => Op::Ne,
                    Lt => Op::Lt,
                    _ => Op::Gt,
                };
                // Arrays compare element by element: 1 where it holds, 0 elsewhere.
                match shape {
                    Shape::Array | Shape::Matrix => {
                        arithmetic(op, x, y, Ty { unit: Some(Unit::one()), ..Ty::number(Dim::ONE) })
                    }
                    _ => truth(Kinds::Binary(op, Box::new(x), Box::new(y)), shape),
                }
            }
        }
    }

    /// `a == b within tolerance`
    fn within(&mut self, m: &mut dyn Meaning, a: &ast::Expr, tolerance: &ast::Expr, span: Span) -> Expr {
        let ExprKind::Binary(BinOp::Eq, x, y) = &a.kind else {
            let d = errors::wrong_kind("`a == b` before `within`", &Ty::of(Kind::Bool), a.span);
            return self.report(d.help("write `expect a == b within 0.1 mV`"), span);
        };
        let (left, right) = (self.typed_number(m, x), self.typed_number(m, y));
        if !left.ty.same_dim(&right.ty) {
            return self.report(errors::cannot_compare((&left.ty, x.span), (&right.ty, y.span)), span);
        }
        let near = self.typed_number(m, tolerance);
        let relative = near.ty.dim == Some(Dim::ONE) && near.ty.unit.as_ref().is_some_and(|u| u.name == "%");
        if !near.is_error() && !near.ty.same_dim(&right.ty) && !relative {
            self.diagnostics.push(errors::wrong_unit("the tolerance", &right.ty, &near.ty, tolerance.span, None));
        }
        let Some(shape) = left.ty.shape.with(right.ty.shape).and_then(|s| s.with(near.ty.shape)) else {
            return self.report(errors::shapes_differ((&left.ty, x.span), (&right.ty, y.span)), span);
        };
        let within = Within { a: left, b: right, tolerance: near, relative };
        // Like other comparisons, that of arrays is one of their elements.
        let ty = match shape {
            Shape::Array | Shape::Matrix => Ty { unit: Some(Unit::one()), ..Ty::number(Dim::ONE) },
            _ => Ty::of(Kind::Bool),
        };
        Expr::new(Kinds::Within(Box::new(within)), ty.shaped(shape), span)
    }

    fn power(&mut self, x: Expr, y: Expr, shape: Shape, span: Span) -> Expr {
        if !y.ty.same_dim(&Ty::number(Dim::ONE)) {
            let d = Diagnostic::at(
                Code::E0307,
                y.span,
                "an exponent must be a pure number",
                format!("this is {}", y.ty.describe()),
            );
            return self.report(d, span);
        }
        let (dim, unit) = (x.ty.dim, x.ty.unit.clone());
        let ty = match (dim, constant(&y).and_then(Ratio::from_f64)) {
            (Some(Dim::ONE), _) => Ty::in_unit(Unit::one()),
            (None, _) => Ty::any_number(),
            (Some(dim), Some(r)) => Ty { unit: unit.map(|u| u.power(r)), ..Ty::number(dim.pow(r)) },
            (Some(_), None) => {
                let d = Diagnostic::at(
                    Code::E0307,
                    y.span,
                    "the exponent of a quantity must be a constant",
                    "not a constant",
                );
                return self
                    .report(d.note(format!("the base is {}; its unit could not be checked", x.ty.describe())), span);
            }
        };
        Expr::new(Kinds::Function(Func::Pow, vec![x, y]), ty.shaped(shape), span)
    }

    fn list(&mut self, m: &mut dyn Meaning, items: &[ast::Expr], span: Span) -> Expr {
        let mut joined: Option<(Ty, Span)> = None;
        let mut parts = Vec::new();
        for item in items {
            let part = self.typed(m, item);
            if !part.is_error() {
                match &joined {
                    Some((first, at)) if first.kind != part.ty.kind => {
                        let (odd, at) = if part.ty.kind == Kind::Number { (first, *at) } else { (&part.ty, item.span) };
                        return self.report(errors::wrong_kind("a number", odd, at), span);
                    }
                    Some((first, at)) if !first.same_dim(&part.ty) => {
                        return self.report(errors::cannot_compare((first, *at), (&part.ty, item.span)), span);
                    }
                    Some((first, at)) => joined = Some((join(first.clone(), part.ty.clone()), *at)),
                    None => joined = Some((part.ty.clone(), item.span)),
                }
            }
            parts.push(part);
        }
        let ty = joined.map_or(Ty::any_number(), |(t, _)| t);
        // Lists of other things than numbers name several of them; only some statements take such a list.
        let ty = if matches!(ty.kind, Kind::Number | Kind::Error) { ty.shaped(Shape::Array) } else { ty };
        Expr::new(Kinds::List(parts), ty, span)
    }

    fn call(&mut self, m: &mut dyn Meaning, callee: &ast::Expr, args: &[ast::Arg], span: Span) -> Expr {
        let ExprKind::Name(name) = &callee.kind else {
            return self.report(errors::wrong_kind("the name of a function", &Ty::error(), callee.span), span);
        };
        if let Some(f) = self.module.functions.get(name).cloned() {
            return self.user_function(m, name, &f, args, span);
        }
        if let Some(found) = m.call(self, name, args, span) {
            return found;
        }
        match builtin::find(name) {
            Some(b) if b.place == Place::Everywhere || b.place == Place::Program && m.is_program() => {
                self.builtin(m, b, args, span)
            }
            Some(b) if matches!(b.place, Place::Distribution | Place::Connector) => {
                self.report(errors::out_of_place(b, callee.span), span)
            }
            _ => {
                let place = |b: &&Builtin| b.place == Place::Everywhere || b.place == Place::Program && m.is_program();
                let known = builtin::TABLE.iter().filter(place).map(|b| b.name);
                let users = self.module.functions.keys().map(String::as_str);
                let known = m.known_functions().into_iter().chain(known).chain(users);
                let d = errors::unknown_function(name, callee.span, known);
                self.report(d, span)
            }
        }
    }

    /// Infers a call of a row of the table.
    fn builtin(&mut self, m: &mut dyn Meaning, b: &'static Builtin, args: &[ast::Arg], span: Span) -> Expr {
        let Some(typed) = self.arguments(m, b, args, span) else { return Expr::error(span) };
        let Given { mut values, fields, .. } = typed;
        if values.iter().flatten().any(Expr::is_error) || fields.iter().any(|(_, e)| e.is_error()) {
            return Expr::error(span);
        }
        let ty = result(b, &values, &fields);
        match (b.evaluate, b.name) {
            (Evaluate::Elementwise(f), _) => {
                let parts: Vec<Expr> = values.into_iter().flatten().collect();
                Expr::new(Kinds::Function(f, parts), ty, span)
            }
            // Of two numbers, the smaller or larger is a function of numbers; of one array it is a statistic.
            (_, "min" | "max") if !m.is_program() => {
                let func = if b.name == "min" { Func::Min } else { Func::Max };
                let parts: Vec<Expr> = values.into_iter().flatten().collect();
                if parts.len() != 2 {
                    return self.report(errors::wrong_arity(b.name, "2", parts.len(), span), span);
                }
                Expr::new(Kinds::Function(func, parts), ty, span)
            }
            (_, "min" | "max") if values[1].is_some() => {
                let func = if b.name == "min" { Func::Min } else { Func::Max };
                Expr::new(Kinds::Function(func, values.into_iter().flatten().collect()), ty, span)
            }
            (Evaluate::Expanded, "clip") => {
                let high = values.pop().flatten();
                let lower =
                    Expr::new(Kinds::Function(Func::Max, values.into_iter().flatten().collect()), ty.clone(), span);
                let parts = [lower].into_iter().chain(high).collect();
                Expr::new(Kinds::Function(Func::Min, parts), ty, span)
            }
            (Evaluate::Expanded, _) => self.sampled(m, values, ty, span),
            _ => Expr::new(Kinds::Call(b, values, fields), ty, span),
        }
    }

    /// `samples(values, every, linear)`
    fn sampled(&mut self, m: &mut dyn Meaning, values: Vec<Option<Expr>>, ty: Ty, span: Span) -> Expr {
        if !m.has_time() {
            let d = Diagnostic::at(Code::E0211, span, "samples are a function of time", "`t` has no value here");
            return self.report(d.note(errors::WHERE_TIME_IS), span);
        }
        let mut values = values.into_iter();
        let (Some(series), Some(every), linear) =
            (values.next().flatten(), values.next().flatten(), values.next().flatten())
        else {
            return Expr::error(span);
        };
        let linear = match linear.map(|l| (l.kind, l.span)) {
            None => false,
            Some((Kinds::Bool(b), _)) => b,
            Some((_, at)) => return self.report(errors::constant_needed("`linear`", "true or false", at), span),
        };
        let ty = ty.shaped(if matches!(series.ty.shape, Shape::Matrix) { Shape::Array } else { Shape::Number });
        Expr::new(Kinds::Sampled(Box::new(series), Box::new(every), linear), ty, span)
    }

    /// Infers the arguments of a row of the table, by parameter; none if they cannot be told apart.
    pub fn arguments(
        &mut self,
        m: &mut dyn Meaning,
        b: &'static Builtin,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<Given> {
        let names: Vec<(&str, bool)> = b.parameters.iter().map(|p| (p.name, p.optional)).collect();
        let (closed, open): (Vec<&ast::Arg>, Vec<&ast::Arg>) = args.iter().partition(|a| {
            let named = a.name.as_ref().is_some_and(|n| b.parameters.iter().all(|p| p.name != n.text));
            !(b.is_open() && named)
        });
        let names = if b.is_open() { &names[..names.len() - 1] } else { &names[..] };
        let bound = bind(self, b.name, names, &closed, span, Some(b.help))?;
        let mut values: Vec<Option<Expr>> = Vec::new();
        for (p, e) in b.parameters.iter().zip(&bound) {
            let value = e.map(|e| self.argument(m, b, p, e, &values));
            values.push(value);
        }
        let mut fields = Vec::new();
        for a in open {
            if let Some(n) = &a.name {
                fields.push((n.text.clone(), self.typed_number(m, &a.value)));
            }
        }
        if b.is_open() && fields.is_empty() {
            self.diagnostics.push(errors::wrong_arity(b.name, "at least 1", 0, span));
            return None;
        }
        Some(Given { values, fields })
    }

    /// Infers one argument and checks that it is what the parameter wants.
    fn argument(
        &mut self,
        m: &mut dyn Meaning,
        b: &'static Builtin,
        p: &Parameter,
        e: &ast::Expr,
        before: &[Option<Expr>],
    ) -> Expr {
        let mut typed = self.typed(m, e);
        if typed.is_error() {
            return typed;
        }
        // The weights of a projection are asked for through it.
        if p.wants == Wants::Projection
            && let Kinds::Synaptic { of, name } = &typed.kind
            && matches!(&of.ty.kind, Kind::Projection(Some(s)) if s.weight().is_some_and(|w| s.vars[w].name == *name))
        {
            typed = (**of).clone();
        }
        let kind = typed.ty.kind.clone();
        let numeric = matches!(kind, Kind::Number | Kind::Bool);
        let (fits, wanted) = match p.wants {
            Wants::Number | Wants::Pure | Wants::PureNumber | Wants::PerPair => (numeric, "a number"),
            Wants::Same | Wants::SameAsSecond | Wants::Time => (kind == Kind::Number, "a number"),
            Wants::Window => (kind == Kind::Range, "a range"),
            Wants::Truth => (kind == Kind::Bool, "`true` or `false`"),
            Wants::Events => (kind == Kind::Events, "recorded events"),
            Wants::Trace => (kind == Kind::Trace, "a recorded state"),
            Wants::Text => (kind == Kind::Text, "a text"),
            Wants::Projection => (matches!(kind, Kind::Projection(_)), "a projection"),
            Wants::Table => (kind == Kind::Table, "a table"),
            Wants::TableOrPath => (matches!(kind, Kind::Table | Kind::Text), "a table, or the path of one"),
            Wants::Network => (matches!(kind, Kind::Network(_)), "a network"),
            Wants::Collection => (numeric || matches!(kind, Kind::Data { .. }), "numbers or a data set"),
            Wants::Vector => (numeric || matches!(kind, Kind::Projection(_)), "numbers or a projection"),
            Wants::Fields => (true, ""),
        };
        if !fits {
            let d = match p.wants {
                Wants::Events | Wants::Trace => {
                    let message = format!("`{}` needs {wanted}", b.name);
                    Diagnostic::at(Code::E0407, e.span, message, format!("this is {}", typed.ty.describe()))
                        .help("name a recording: `record net.exc.v every 1 ms as trace`")
                }
                _ => errors::wrong_kind(wanted, &typed.ty, e.span),
            };
            return self.report(d, e.span);
        }
        let expected = match p.wants {
            Wants::Pure | Wants::PureNumber | Wants::PerPair => Some(Ty::number(Dim::ONE)),
            Wants::Same => before.first().and_then(Option::as_ref).map(|e| e.ty.clone()),
            Wants::SameAsSecond => before.get(1).and_then(Option::as_ref).map(|e| e.ty.clone()),
            Wants::Time | Wants::Window => Some(Ty::number(Dim::TIME)),
            _ => None,
        };
        if let Some(expected) = expected.filter(|t| !t.is_error())
            && !typed.ty.same_dim(&expected)
        {
            let number = Ty { kind: Kind::Number, ..typed.ty.clone() };
            let first = before.first().and_then(Option::as_ref).map_or(e.span, |e| e.span);
            return self.report(
                match p.wants {
                    Wants::Time | Wants::Window => {
                        errors::time_needed(&format!("`{}` of `{}`", p.name, b.name), &number, e.span)
                    }
                    Wants::Same | Wants::SameAsSecond => {
                        errors::cannot_compare((&expected, first), (&typed.ty, e.span))
                    }
                    _ => errors::pure_number_needed(b.name, &typed.ty, e.span),
                },
                e.span,
            );
        }
        match p.wants {
            Wants::PureNumber | Wants::Time | Wants::PerPair => {
                self.must_be_one(&format!("`{}` of `{}`", p.name, b.name), typed)
            }
            _ => typed,
        }
    }

    /// Checks a user's function: its body with the arguments' own units, each argument evaluated once.
    fn user_function(
        &mut self,
        m: &mut dyn Meaning,
        name: &str,
        f: &super::Function,
        args: &[ast::Arg],
        span: Span,
    ) -> Expr {
        if self.depth > 16 {
            let d = Diagnostic::at(Code::E0503, span, format!("function `{name}` calls itself"), "recursive");
            return self.report(d.note("functions are expanded where they are used, so they cannot recurse"), span);
        }
        let names: Vec<(&str, bool)> = f.formals.iter().map(|f| (f.name.text.as_str(), f.value.is_some())).collect();
        let given: Vec<&ast::Arg> = args.iter().collect();
        let Some(values) = bind(self, name, &names, &given, span, None) else { return Expr::error(span) };
        let mut bound: Vec<(String, LocalId, Expr)> = Vec::new();
        for (formal, value) in f.formals.iter().zip(values) {
            // A default may use the arguments before it, and nothing else of the caller's.
            let typed = match (value, &formal.value) {
                (Some(e), _) => self.typed(m, e),
                (None, Some(e)) => self.typed(&mut Arguments { bound: &bound, caller: m }, e),
                (None, None) => return Expr::error(span),
            };
            let at = value.or(formal.value.as_ref()).map_or(span, |e| e.span);
            if let Some(unit) = &formal.unit
                && let Some(unit) = super::resolve_unit(self.module, unit, self.diagnostics)
            {
                let expected = Ty::in_unit(unit);
                if !typed.is_error() && !typed.ty.same_dim(&expected) {
                    let what = format!("argument `{}` of `{name}`", formal.name.text);
                    let d = errors::wrong_unit(&what, &expected, &typed.ty, at, Some(formal.name.span));
                    return self.report(d, span);
                }
            }
            let id = m.local(&formal.name.text, formal.name.span);
            bound.push((formal.name.text.clone(), id, typed));
        }
        self.depth += 1;
        let body = self.typed(&mut Arguments { bound: &bound, caller: m }, &f.body);
        self.depth -= 1;
        let ty = body.ty.clone();
        let bound = bound.into_iter().map(|(_, id, e)| (id, e)).collect();
        Expr::new(Kinds::Let(bound, Box::new(body)), ty, span)
    }
}

/// Arguments of a row of the table.
pub struct Given {
    /// By parameter.
    pub values: Vec<Option<Expr>>,
    /// Those whose names the caller chose.
    pub fields: Vec<(String, Expr)>,
}

/// The body of a function sees its arguments and nothing else.
struct Arguments<'a> {
    bound: &'a [(String, LocalId, Expr)],
    caller: &'a mut dyn Meaning,
}

impl Meaning for Arguments<'_> {
    fn name(&mut self, _: &mut Infer, name: &str, span: Span) -> Option<Expr> {
        let (_, id, e) = self.bound.iter().find(|(n, ..)| n == name)?;
        Some(Expr::new(Kinds::Local(*id), e.ty.clone(), span))
    }
    fn path(&mut self, infer: &mut Infer, e: &ast::Expr) -> Option<Expr> {
        // `table[k]` of an argument.
        let ExprKind::Index(base, index) = &e.kind else { return None };
        if !self.is_program() {
            return None;
        }
        let of = infer.typed(self, base);
        let index = index.iter().map(|i| infer.typed(self, i)).collect();
        Some(super::network::element(infer, of, index, e.span))
    }
    fn call(&mut self, _: &mut Infer, _: &str, _: &[ast::Arg], _: Span) -> Option<Expr> {
        None
    }
    fn local(&mut self, name: &str, span: Span) -> LocalId {
        self.caller.local(name, span)
    }
    fn is_program(&self) -> bool {
        self.caller.is_program()
    }
    fn has_time(&self) -> bool {
        false
    }
    fn known_names(&self) -> Vec<String> {
        self.bound.iter().map(|(n, ..)| n.clone()).collect()
    }
}

fn number_of(value: f64, ty: Ty, span: Span) -> Expr {
    Expr::new(Kinds::Number(value), ty.shaped(Shape::Number), span)
}

/// The type of a call's result.
fn result(b: &Builtin, values: &[Option<Expr>], fields: &[(String, Expr)]) -> Ty {
    let nth = |i: usize| values.get(i).and_then(Option::as_ref).map(|e| e.ty.clone());
    // Truth values count as 0 and 1.
    let first = match nth(0) {
        Some(ty) if ty.kind == Kind::Bool => Ty { shape: ty.shape, ..Ty::number(Dim::ONE) },
        Some(ty) => ty,
        None => Ty::number(Dim::ONE),
    };
    let one = || Ty::in_unit(Unit::one());
    let dimensions = || first.dim.zip(nth(1).and_then(|t| t.dim)).map(|(a, b)| a * b);
    let shapes: Vec<Shape> =
        values.iter().flatten().filter(|e| e.ty.kind == Kind::Number).map(|e| e.ty.shape).collect();
    let combined = || shapes.iter().try_fold(Shape::Number, |all, s| all.with(*s)).unwrap_or(Shape::Any);
    let number = |ty: Ty| ty.shaped(Shape::Number);
    // Some functions keep examples of a batch apart: then there is one number for each.
    let of_examples = |ty: Ty| ty.shaped(Shape::Any);
    let array = |ty: Ty| ty.shaped(Shape::Array);
    let per_example = matches!(b.name, "argmin" | "argmax" | "total" | "norm" | "dot");
    match b.gives {
        Gives::Pure if per_example => of_examples(one()),
        Gives::Pure => number(one()),
        Gives::PureEach => one().shaped(combined()),
        Gives::PureArray => array(one()),
        Gives::PureAny => one(),
        Gives::Same => {
            let shape = combined();
            first.shaped(shape)
        }
        Gives::SameNumber if values.get(1).is_some_and(Option::is_some) && matches!(b.name, "min" | "max") => {
            let unit = first.unit.clone().or(nth(1).and_then(|t| t.unit));
            Ty { unit, dim: first.dim.or(nth(1).and_then(|t| t.dim)), ..first.clone() }.shaped(combined())
        }
        Gives::SameNumber if per_example => of_examples(first),
        Gives::SameNumber => number(first),
        Gives::SameArray if b.name == "group_mean" && first.shape != Shape::Array => of_examples(first),
        Gives::SameArray => array(first),
        Gives::SameMatrix => first.shaped(Shape::Matrix),
        Gives::Root => {
            let half = Ratio::new(1, 2);
            Ty { dim: first.dim.map(|d| d.pow(half)), unit: first.unit.map(|u| u.power(half)), ..Ty::any_number() }
                .shaped(first.shape)
        }
        Gives::Square => number(Ty { dim: first.dim.map(|d| d * d), ..Ty::any_number() }),
        Gives::Product => of_examples(Ty { dim: dimensions(), ..Ty::any_number() }),
        Gives::MatrixProduct => {
            let vector = nth(1).map_or(Shape::Any, |t| t.shape);
            Ty { dim: dimensions(), ..Ty::any_number() }.shaped(vector)
        }
        Gives::Angle => of_examples(Ty { unit: crate::units::lookup("deg"), ..Ty::number(Dim::ONE) }),
        Gives::Time => number(Ty::time()),
        Gives::Times => array(Ty::time()),
        Gives::Rate => number(Ty::rate()),
        Gives::Rates => array(Ty::rate()),
        Gives::Recorded => {
            let ty = Ty { kind: Kind::Number, ..first };
            if b.name == "values" { array(ty) } else { ty.shaped(Shape::Any) }
        }
        Gives::Weights => {
            let weight = match &first.kind {
                Kind::Projection(Some(s)) => s.weight().map(|w| Ty::of_variable(&s.vars[w])),
                _ => None,
            };
            let ty = weight.unwrap_or(Ty::any_number());
            ty.shaped(if b.name == "matrix" { Shape::Matrix } else { Shape::Array })
        }
        Gives::Unknown => Ty::any_number(),
        Gives::Table => Ty::of(Kind::Table),
        Gives::Images(parts) => {
            let fields = ["image", "label"].map(|n| (n.to_string(), Dim::ONE)).to_vec();
            Ty::of(Kind::Data { fields, parts: parts.iter().map(|p| p.to_string()).collect() })
        }
        Gives::Examples => {
            let fields = fields.iter().map(|(n, e)| (n.clone(), e.ty.dim.unwrap_or(Dim::ONE))).collect();
            Ty::of(Kind::Data { fields, parts: Vec::new() })
        }
        Gives::Nothing => Ty::error(),
    }
}

/// Joins two agreeing types, keeping the spelling that is known.
pub fn join(a: Ty, b: Ty) -> Ty {
    let shape = a.shape.with(b.shape).unwrap_or(Shape::Any);
    Ty { kind: a.kind, dim: a.dim.or(b.dim), unit: a.unit.or(b.unit), shape }
}

fn product(a: &Ty, b: &Ty) -> Ty {
    let unit = match (&a.unit, &b.unit) {
        (Some(x), Some(y)) if x.name == "1" || y.name == "1" => Some(x.times(y)),
        _ => None,
    };
    Ty { dim: a.dim.zip(b.dim).map(|(x, y)| x * y), unit, ..Ty::any_number() }
}

fn quotient(a: &Ty, b: &Ty) -> Ty {
    let unit = match (&a.unit, &b.unit) {
        (Some(x), Some(y)) if y.name == "1" || !x.name.contains('*') && x.name.len() + y.name.len() < 12 => {
            Some(x.per(y))
        }
        _ => None,
    };
    let unit = unit.filter(|u| u.dim != Dim::ONE || u.name == "1" || u.name == "%");
    Ty { dim: a.dim.zip(b.dim).map(|(x, y)| x / y), unit, ..Ty::any_number() }
}

/// Evaluates an expression of numbers only.
pub fn constant(e: &Expr) -> Option<f64> {
    e.any(&|e| !matches!(e.kind, Kinds::Number(_) | Kinds::Neg(_) | Kinds::Binary(..) | Kinds::Function(..)))
        .eq(&false)
        .then(|| fold(&e.clone().cell()))
        .flatten()
}

/// Evaluates an expression of numbers only.
pub fn fold(e: &CellExpr) -> Option<f64> {
    crate::math::eval(e, &|_| None, None)
}
