//! Types and units of expressions: one walk for models, networks and experiments.
//!
//! What a name, a member or a call means depends on where the expression stands; that part is a [`Context`].

use super::expr::{Expr, Func, Op};
use super::unit_of::unit_named;
use super::{Kind, Module, Ty, errors};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::ast::{self, BinOp, ExprKind};
use crate::units::{Dim, Ratio, Unit};

/// What names, members and calls mean in one place.
pub trait Context {
    /// Resolves a name; `None` lets the common ones (`pi`, units) be tried.
    fn name(&mut self, infer: &mut Infer, name: &str, span: Span) -> Option<(Expr, Ty)>;

    /// Resolves `base.name` or an index; `None` means there are no members here.
    fn path(&mut self, infer: &mut Infer, expr: &ast::Expr) -> Option<(Expr, Ty)>;

    /// Resolves a call of a function that is not a common one.
    fn call(&mut self, infer: &mut Infer, name: &str, args: &[ast::Arg], span: Span) -> Option<(Expr, Ty)>;

    /// Resolves `since(event)`.
    fn since(&mut self, _infer: &mut Infer, _name: &ast::Name, _previous: bool) -> Option<(Expr, Ty)> {
        None
    }

    /// Resolves `name at end of window`.
    fn at_end(&mut self, _infer: &mut Infer, _of: &ast::Expr, _window: &ast::Name) -> Option<(Expr, Ty)> {
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

type Typed = (Expr, Ty);

fn error() -> Typed {
    (Expr::Num(0.0), Ty::error())
}

impl Infer<'_> {
    /// Infers an expression.
    pub fn expr(&mut self, context: &mut dyn Context, e: &ast::Expr) -> Typed {
        match &e.kind {
            ExprKind::Quantity(value, None) => (Expr::Num(*value), Ty::in_unit(Unit::one())),
            ExprKind::Quantity(value, Some((name, (num, den)))) => {
                match unit_named(self.module, name, self.diagnostics) {
                    None => error(),
                    Some(unit) => {
                        let exponent = Ratio::new(*num, *den);
                        let unit = if exponent == Ratio::new(1, 1) { unit } else { unit.power(exponent) };
                        (Expr::Num(unit.to_internal(*value)), Ty::in_unit(unit))
                    }
                }
            }
            ExprKind::Bool(b) => (Expr::Bool(*b), Ty::of(Kind::Bool)),
            ExprKind::Text(_) => (Expr::Num(0.0), Ty::of(Kind::Text)),
            ExprKind::Name(name) => self.name(context, name, e.span),
            ExprKind::Neg(inner) => {
                let (value, ty) = self.number(context, inner);
                let value = if let Expr::Num(v) = value { Expr::Num(-v) } else { Expr::Neg(Box::new(value)) };
                (value, ty)
            }
            ExprKind::Not(inner) => (Expr::Not(Box::new(self.condition(context, inner))), Ty::of(Kind::Bool)),
            ExprKind::Binary(op, a, b) => self.binary(context, *op, a, b),
            ExprKind::Call(callee, args) => self.call(context, callee, args, e.span),
            ExprKind::Index(..) | ExprKind::Member(..) => match context.path(self, e) {
                Some(typed) => typed,
                None => {
                    self.diagnostics.push(errors::wrong_kind("a plain value", &Ty::of(Kind::Table), e.span));
                    error()
                }
            },
            ExprKind::List(items) => self.list(context, items),
            ExprKind::If(c, a, b) => {
                let c = self.condition(context, c);
                let (x, tx) = self.expr(context, a);
                let (y, ty) = self.expr(context, b);
                if !tx.is_error() && !ty.is_error() && (tx.kind != ty.kind || !tx.same_dim(&ty)) {
                    self.diagnostics.push(errors::cannot_compare((&tx, a.span), (&ty, b.span)));
                    return error();
                }
                (Expr::If(Box::new(c), Box::new(x), Box::new(y)), join(tx, ty))
            }
            ExprKind::Since(name, previous) => match context.since(self, name, *previous) {
                Some(typed) => typed,
                None => {
                    let d = Diagnostic::at(
                        Code::E0607,
                        name.span,
                        format!("no event `{}` here", name.text),
                        "unknown event",
                    );
                    self.diagnostics.push(d.note("`since` asks for the time since an event of the same neuron"));
                    error()
                }
            },
            ExprKind::AtEnd(of, window) => match context.at_end(self, of, window) {
                Some(typed) => typed,
                None => {
                    self.diagnostics.push(
                        Diagnostic::at(Code::E0401, e.span, "nothing is remembered here", "only variables of cells are")
                            .help("write `s at end of free` in a handler of a neuron or synapse, or of a population in an experiment"),
                    );
                    error()
                }
            },
            ExprKind::All => (Expr::Num(0.0), Ty::of(Kind::Range)),
            ExprKind::Stepped(..) => {
                self.diagnostics.push(crate::syntax::unsupported(e.span, "a range with steps as a value"));
                error()
            }
        }
    }

    fn name(&mut self, context: &mut dyn Context, name: &str, span: Span) -> Typed {
        if let Some(found) = context.name(self, name, span) {
            return found;
        }
        if let Some(c) = self.module.constants.get(name) {
            return (Expr::Num(c.value), c.ty.clone());
        }
        match name {
            "pi" => return (Expr::Num(std::f64::consts::PI), Ty::number(Dim::ONE)),
            "inf" => return (Expr::Num(f64::INFINITY), Ty::any_number()),
            _ => {}
        }
        if let Some(unit) = self.module.units.get(name).cloned().or_else(|| crate::units::lookup(name)) {
            return (Expr::Num(unit.to_internal(1.0)), Ty::in_unit(unit));
        }
        let known = context.known_names();
        let known = known.iter().map(String::as_str).chain(self.module.constants.keys().map(String::as_str));
        self.diagnostics.push(errors::unknown_name(name, span, known));
        error()
    }

    /// Infers an expression that must be a number.
    pub fn number(&mut self, context: &mut dyn Context, e: &ast::Expr) -> Typed {
        let (value, ty) = self.expr(context, e);
        if !matches!(ty.kind, Kind::Number | Kind::Error) {
            self.diagnostics.push(errors::wrong_kind("a number", &ty, e.span));
            return error();
        }
        (value, ty)
    }

    /// Infers an expression that must be true or false.
    pub fn condition(&mut self, context: &mut dyn Context, e: &ast::Expr) -> Expr {
        let (value, ty) = self.expr(context, e);
        if !matches!(ty.kind, Kind::Bool | Kind::Error) {
            self.diagnostics.push(errors::condition_needed(&ty, e.span));
        }
        value
    }

    /// Infers a number and checks its dimension; the message says what it is for.
    pub fn quantity(
        &mut self,
        context: &mut dyn Context,
        e: &ast::Expr,
        what: &str,
        expected: &Ty,
        declared: Option<Span>,
    ) -> Expr {
        let (value, ty) = self.number(context, e);
        if !ty.is_error() && !ty.same_dim(expected) {
            self.diagnostics.push(errors::wrong_unit(what, expected, &ty, e.span, declared));
        }
        value
    }

    /// Infers an expression that must be a time.
    pub fn time(&mut self, context: &mut dyn Context, e: &ast::Expr, what: &str) -> Expr {
        let (value, ty) = self.number(context, e);
        if !ty.is_error() && !ty.same_dim(&Ty::number(Dim::TIME)) {
            self.diagnostics.push(errors::time_needed(what, &ty, e.span));
        }
        value
    }

    fn binary(&mut self, context: &mut dyn Context, op: BinOp, a: &ast::Expr, b: &ast::Expr) -> Typed {
        use BinOp::*;
        if matches!(op, And | Or) {
            let (x, y) = (self.condition(context, a), self.condition(context, b));
            return (Expr::bin(if op == And { Op::And } else { Op::Or }, x, y), Ty::of(Kind::Bool));
        }
        if matches!(op, In) {
            let (x, tx) = self.number(context, a);
            let (lo, tr) = self.expr(context, b);
            if !matches!(tr.kind, Kind::Range | Kind::Error) {
                self.diagnostics.push(errors::wrong_kind("a range `lo .. hi`", &tr, b.span));
            } else if !tx.same_dim(&tr) {
                self.diagnostics
                    .push(errors::cannot_compare((&tx, a.span), (&Ty { kind: Kind::Number, ..tr }, b.span)));
            }
            // The two ends of a range are kept as the arguments of a call, which only this form unpacks.
            let Expr::Call(Func::Min, ends) = lo else { return (Expr::Bool(true), Ty::of(Kind::Bool)) };
            let [lo, hi]: [Expr; 2] = ends.try_into().unwrap_or([Expr::Num(0.0), Expr::Num(0.0)]);
            let both = Expr::bin(Op::And, Expr::bin(Op::Ge, x.clone(), lo), Expr::bin(Op::Le, x, hi));
            return (both, Ty::of(Kind::Bool));
        }
        if matches!(op, Within) {
            return self.within(context, a, b);
        }
        let (x, tx) = self.expr(context, a);
        let (y, ty) = self.expr(context, b);
        if tx.is_error() || ty.is_error() {
            return if matches!(op, Lt | Gt | Le | Ge | Eq | Ne) {
                (Expr::Bool(true), Ty::of(Kind::Bool))
            } else {
                error()
            };
        }
        if matches!(op, Eq | Ne) && tx.kind == ty.kind && matches!(tx.kind, Kind::Bool | Kind::Text) {
            return (Expr::bin(if op == Eq { Op::Eq } else { Op::Ne }, x, y), Ty::of(Kind::Bool));
        }
        for (t, e) in [(&tx, a), (&ty, b)] {
            if t.kind != Kind::Number {
                self.diagnostics.push(errors::wrong_kind("a number", t, e.span));
                return error();
            }
        }
        match op {
            Add | Sub => {
                if !tx.same_dim(&ty) {
                    self.diagnostics.push(errors::cannot_add(op.symbol(), (&tx, a.span), (&ty, b.span)));
                    return error();
                }
                (Expr::bin(if op == Add { Op::Add } else { Op::Sub }, x, y), join(tx, ty))
            }
            Range => {
                if !tx.same_dim(&ty) {
                    self.diagnostics.push(errors::cannot_compare((&tx, a.span), (&ty, b.span)));
                    return error();
                }
                let t = join(tx, ty);
                (Expr::Call(Func::Min, vec![x, y]), Ty { kind: Kind::Range, ..t })
            }
            Mul => (Expr::bin(Op::Mul, x, y), product(&tx, &ty)),
            Div => (Expr::bin(Op::Div, x, y), quotient(&tx, &ty)),
            Pow => self.power((x, tx), (y, ty), b),
            _ => {
                if !tx.same_dim(&ty) {
                    self.diagnostics.push(errors::cannot_compare((&tx, a.span), (&ty, b.span)));
                }
                let op = match op {
                    Le => Op::Le,
                    Ge => Op::Ge,
                    Eq => Op::Eq,
                    Ne => Op::Ne,
                    Lt => Op::Lt,
                    _ => Op::Gt,
                };
                (Expr::bin(op, x, y), Ty::of(Kind::Bool))
            }
        }
    }

    /// `a == b within tolerance`
    fn within(&mut self, context: &mut dyn Context, a: &ast::Expr, tolerance: &ast::Expr) -> Typed {
        let ExprKind::Binary(BinOp::Eq, x, y) = &a.kind else {
            let found = Ty::of(Kind::Bool);
            self.diagnostics.push(
                errors::wrong_kind("`a == b` before `within`", &found, a.span)
                    .help("write `expect a == b within 0.1 mV`"),
            );
            return error();
        };
        let ((x_value, tx), (y_value, ty)) = (self.number(context, x), self.number(context, y));
        if !tx.same_dim(&ty) {
            self.diagnostics.push(errors::cannot_compare((&tx, x.span), (&ty, y.span)));
            return error();
        }
        let (tol, tt) = self.number(context, tolerance);
        let relative = tt.dim == Some(Dim::ONE) && tt.unit.as_ref().is_some_and(|u| u.name == "%");
        if !tt.is_error() && !tt.same_dim(&ty) && !relative {
            self.diagnostics.push(errors::wrong_unit("the tolerance", &ty, &tt, tolerance.span, None));
        }
        let distance = Expr::Call(Func::Abs, vec![Expr::bin(Op::Sub, x_value, y_value)]);
        (Expr::bin(Op::Le, distance, tol), Ty::of(Kind::Bool))
    }

    fn power(&mut self, (x, tx): Typed, (y, ty): Typed, exponent: &ast::Expr) -> Typed {
        if !ty.same_dim(&Ty::number(Dim::ONE)) {
            self.diagnostics.push(Diagnostic::at(
                Code::E0307,
                exponent.span,
                "an exponent must be a pure number",
                format!("this is {}", ty.describe()),
            ));
            return error();
        }
        let call = Expr::Call(Func::Pow, vec![x, y.clone()]);
        if tx.dim == Some(Dim::ONE) {
            return (call, Ty::in_unit(Unit::one()));
        }
        let constant = fold(&y).and_then(Ratio::from_f64);
        match (tx.dim, constant) {
            (None, _) => (call, Ty::any_number()),
            (Some(dim), Some(r)) => {
                (call, Ty { kind: Kind::Number, dim: Some(dim.pow(r)), unit: tx.unit.map(|u| u.power(r)) })
            }
            (Some(_), None) => {
                self.diagnostics.push(
                    Diagnostic::at(
                        Code::E0307,
                        exponent.span,
                        "the exponent of a quantity must be a constant",
                        "not a constant",
                    )
                    .note(format!("the base is {}; its unit could not be checked", tx.describe())),
                );
                error()
            }
        }
    }

    fn list(&mut self, context: &mut dyn Context, items: &[ast::Expr]) -> Typed {
        let mut joined: Option<(Ty, Span)> = None;
        for item in items {
            let (_, ty) = self.expr(context, item);
            if ty.is_error() {
                continue;
            }
            match &joined {
                Some((first, span)) if !first.same_dim(&ty) => {
                    self.diagnostics.push(errors::cannot_compare((first, *span), (&ty, item.span)));
                    return error();
                }
                Some((first, span)) => joined = Some((join(first.clone(), ty), *span)),
                None => joined = Some((ty, item.span)),
            }
        }
        (Expr::Num(0.0), joined.map_or(Ty::any_number(), |(t, _)| t))
    }

    fn call(&mut self, context: &mut dyn Context, callee: &ast::Expr, args: &[ast::Arg], span: Span) -> Typed {
        let ExprKind::Name(name) = &callee.kind else {
            self.diagnostics.push(errors::wrong_kind("the name of a function", &Ty::error(), callee.span));
            return error();
        };
        if let Some(f) = self.module.functions.get(name).cloned() {
            return self.user_function(context, name, &f, args, span);
        }
        if let Some((func, arity)) = Func::parse(name)
            && !(args.len() == 1 && arity == 2)
        {
            return self.common_function(context, name, func, arity, args, span);
        }
        if name == "clip" && args.len() == 3 {
            let lower = self.common_function(context, "max", Func::Max, 2, &args[..2], span);
            let (hi, th) = self.number(context, &args[2].value);
            if !lower.1.same_dim(&th) {
                self.diagnostics
                    .push(errors::cannot_compare((&lower.1, args[0].value.span), (&th, args[2].value.span)));
            }
            return (Expr::Call(Func::Min, vec![lower.0, hi]), lower.1);
        }
        if let Some(found) = context.call(self, name, args, span) {
            return found;
        }
        let known = context.known_functions();
        let known = known.into_iter().chain(Func::NAMES).chain(self.module.functions.keys().map(String::as_str));
        self.diagnostics.push(errors::unknown_function(name, callee.span, known));
        error()
    }

    fn common_function(
        &mut self,
        context: &mut dyn Context,
        name: &str,
        func: Func,
        arity: usize,
        args: &[ast::Arg],
        span: Span,
    ) -> Typed {
        if args.len() != arity {
            self.diagnostics.push(errors::wrong_arity(name, &arity.to_string(), args.len(), span));
            return error();
        }
        let (values, types): (Vec<Expr>, Vec<Ty>) = args.iter().map(|a| self.number(context, &a.value)).unzip();
        if types.iter().any(Ty::is_error) {
            return error();
        }
        let first = types[0].clone();
        let ty = match func {
            Func::Min | Func::Max | Func::Mod => {
                if !first.same_dim(&types[1]) {
                    self.diagnostics
                        .push(errors::cannot_compare((&first, args[0].value.span), (&types[1], args[1].value.span)));
                    return error();
                }
                join(first, types[1].clone())
            }
            Func::Abs => first,
            Func::Sign | Func::Heaviside => Ty::in_unit(Unit::one()),
            Func::Sqrt => {
                let half = Ratio::new(1, 2);
                Ty { kind: Kind::Number, dim: first.dim.map(|d| d.pow(half)), unit: first.unit.map(|u| u.power(half)) }
            }
            _ => {
                if !first.same_dim(&Ty::number(Dim::ONE)) {
                    self.diagnostics.push(errors::pure_number_needed(name, &first, args[0].value.span));
                    return error();
                }
                Ty::in_unit(Unit::one())
            }
        };
        (Expr::Call(func, values), ty)
    }

    /// Expands a user function: its body is checked with the arguments' own units.
    fn user_function(
        &mut self,
        context: &mut dyn Context,
        name: &str,
        f: &super::Function,
        args: &[ast::Arg],
        span: Span,
    ) -> Typed {
        if self.depth > 16 {
            self.diagnostics.push(
                Diagnostic::at(Code::E0503, span, format!("function `{name}` calls itself"), "recursive")
                    .note("functions are expanded where they are used, so they cannot recurse"),
            );
            return error();
        }
        let mut bound = Vec::new();
        for (i, formal) in f.formals.iter().enumerate() {
            let given = args.iter().find(|a| a.name.as_ref().is_some_and(|n| n.text == formal.name.text));
            let value = match given
                .or(args.get(i).filter(|a| a.name.is_none()))
                .map(|a| &a.value)
                .or(formal.value.as_ref())
            {
                Some(v) => v,
                None => {
                    self.diagnostics.push(errors::wrong_arity(name, &f.formals.len().to_string(), args.len(), span));
                    return error();
                }
            };
            let typed = self.expr(context, value);
            if let Some(unit) = &formal.unit
                && let Some(unit) = super::resolve_unit(self.module, unit, self.diagnostics)
            {
                let expected = Ty::in_unit(unit);
                if !typed.1.is_error() && !typed.1.same_dim(&expected) {
                    let what = format!("argument `{}` of `{name}`", formal.name.text);
                    self.diagnostics.push(errors::wrong_unit(
                        &what,
                        &expected,
                        &typed.1,
                        value.span,
                        Some(formal.name.span),
                    ));
                }
            }
            bound.push((formal.name.text.clone(), typed));
        }
        if args.len() > f.formals.len() {
            self.diagnostics.push(errors::wrong_arity(name, &f.formals.len().to_string(), args.len(), span));
        }
        self.depth += 1;
        let out = self.expr(&mut Arguments { bound }, &f.body);
        self.depth -= 1;
        out
    }
}

/// The body of a function sees its arguments and nothing else.
struct Arguments {
    bound: Vec<(String, Typed)>,
}

impl Context for Arguments {
    fn name(&mut self, _: &mut Infer, name: &str, _: Span) -> Option<Typed> {
        self.bound.iter().find(|(n, _)| n == name).map(|(_, t)| t.clone())
    }
    fn path(&mut self, _: &mut Infer, _: &ast::Expr) -> Option<Typed> {
        None
    }
    fn call(&mut self, _: &mut Infer, _: &str, _: &[ast::Arg], _: Span) -> Option<Typed> {
        None
    }
    fn known_names(&self) -> Vec<String> {
        self.bound.iter().map(|(n, _)| n.clone()).collect()
    }
}

/// Joins two agreeing types, keeping the spelling that is known.
pub fn join(a: Ty, b: Ty) -> Ty {
    Ty { kind: a.kind, dim: a.dim.or(b.dim), unit: a.unit.or(b.unit) }
}

fn spelled(a: &Ty) -> Option<&Unit> {
    a.unit.as_ref()
}

fn product(a: &Ty, b: &Ty) -> Ty {
    let unit = match (spelled(a), spelled(b)) {
        (Some(x), Some(y)) if x.name == "1" || y.name == "1" => Some(x.times(y)),
        _ => None,
    };
    Ty { kind: Kind::Number, dim: a.dim.zip(b.dim).map(|(x, y)| x * y), unit }
}

fn quotient(a: &Ty, b: &Ty) -> Ty {
    let unit = match (spelled(a), spelled(b)) {
        (Some(x), Some(y)) if y.name == "1" || !x.name.contains('*') && x.name.len() + y.name.len() < 12 => {
            Some(x.per(y))
        }
        _ => None,
    };
    let unit = unit.filter(|u| u.dim != Dim::ONE || u.name == "1" || u.name == "%");
    Ty { kind: Kind::Number, dim: a.dim.zip(b.dim).map(|(x, y)| x / y), unit }
}

/// Evaluates an expression of numbers only.
pub fn fold(e: &Expr) -> Option<f64> {
    crate::math::eval(e, &|_| None, None)
}
