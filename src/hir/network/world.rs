//! The names that are visible in a network or an experiment, and what expressions there may use.

use super::access::access;
use super::model::{Beside, Distribution, Hidden, Local, Parameter, Value};
use super::names::Names;
use crate::builtin::{self, Place};
use crate::diag::{Code, Diagnostic};
use crate::hir::arguments::Given;
use crate::hir::infer::{Infer, Meaning};
use crate::hir::typed::{Expr, ExprKind, LocalId};
use crate::hir::{Kind, Shape, Ty, errors, resolve_unit};
use crate::source::Span;
use crate::syntax::ast::{self, Name};
use crate::units::Dim;
use cranelift_entity::PrimaryMap;

/// The names of a body and where its expressions stand.
#[derive(Default)]
pub struct World {
    /// All names that were ever declared.
    pub locals: PrimaryMap<LocalId, Local>,
    /// Visible ones, innermost last.
    pub names: Names,
    /// How many names were visible where the innermost block began.
    pub block: usize,
    /// Names that are visible in a loop or one branch of a condition only.
    pub hidden: Vec<Hidden>,
    /// Names that blocks around a place declare, before it or after it.
    pub declared: Vec<Name>,
    /// Whether `pre`, `post` and `d` have a meaning here, and the dimension of `d`.
    pub pair: Option<Dim>,
    /// Whether `i`, the index of the cell, has a meaning here.
    pub cell: bool,
    /// Whether `t` has a meaning here.
    pub time: bool,
    /// Whether names that are declared nowhere are columns of a table.
    pub columns: bool,
    /// Names there that mean something else, whether or not the table has such columns.
    pub beside_columns: Vec<Beside>,
}

impl World {
    /// Finds a visible name.
    pub fn find(&self, name: &str) -> Option<LocalId> {
        self.names.find(name)
    }

    /// Makes a name visible.
    pub fn declare(&mut self, infer: &mut Infer, name: &Name, ty: Ty) -> LocalId {
        if matches!(name.text.as_str(), "t" | "dt" | "pi" | "inf" | "i" | "pre" | "post") {
            infer.diagnostics.push(errors::reserved(&name.text, name.span));
        } else if name.text.chars().count() > 1 && crate::units::lookup(&name.text).is_some() {
            infer.diagnostics.push(errors::unit_clash(&name.text, name.span));
        }
        self.add(name, ty, false)
    }

    /// Makes a name visible, with a warning if it hides another one.
    pub fn declare_over(&mut self, infer: &mut Infer, name: &Name, ty: Ty) -> LocalId {
        if let Some(first) = self.find(&name.text) {
            infer.diagnostics.push(errors::shadowed(&name.text, name.span, self.locals[first].span));
        }
        self.declare(infer, name, ty)
    }

    /// Declares a network or a world of an experiment: another one of its name and block must have been of use before.
    pub fn declare_anew(&mut self, infer: &mut Infer, name: &Name, ty: Ty) -> LocalId {
        let first = self.find(&name.text).filter(|first| !self.locals[*first].read);
        if let Some(first) = first.filter(|_| self.names.since(self.block).any(|(n, _)| *n == name.text)) {
            let declared = self.locals[first].span;
            infer
                .diagnostics
                .push(errors::declared_twice(&name.text, name.span, declared).note("nothing uses the first one"));
        }
        self.declare(infer, name, ty)
    }

    /// Declares a value of a network: an inner block may hide it, but no other statement of the same block.
    pub fn declare_once(&mut self, infer: &mut Infer, name: &Name, ty: Ty) -> LocalId {
        let again = self.names.since(self.block).any(|(n, _)| *n == name.text);
        match again {
            true => self.declare_member(infer, name, ty),
            false => self.declare_over(infer, name, ty),
        }
    }

    /// Declares a population, view, projection or network: its name stands for one thing.
    pub fn declare_member(&mut self, infer: &mut Infer, name: &Name, ty: Ty) -> LocalId {
        if let Some(first) = self.find(&name.text) {
            infer.diagnostics.push(errors::declared_twice(&name.text, name.span, self.locals[first].span));
        }
        self.declare(infer, name, ty)
    }

    /// Makes a name visible whose spelling needs no check.
    pub fn add(&mut self, name: &Name, ty: Ty, mutable: bool) -> LocalId {
        let id = self.locals.push(Local {
            name: name.text.clone(),
            span: name.span,
            ty,
            mutable,
            read: false,
            stands_for: None,
        });
        self.names.push((name.text.clone(), id));
        id
    }

    /// Declares formals; their defaults give their types.
    pub fn formals(&mut self, infer: &mut Infer, formals: &[ast::Binding]) -> Vec<Parameter> {
        formals.iter().map(|b| self.formal(infer, b)).collect()
    }

    fn formal(&mut self, infer: &mut Infer, b: &ast::Binding) -> Parameter {
        let default = b.value.as_ref().map(|v| infer.typed(self, v));
        // What a default says of the unit holds for other values too; how many numbers there are may differ.
        let mut ty = default.as_ref().map_or(Ty::any_number(), |d| d.ty.clone().shaped(Shape::Any));
        let mut whole = false;
        if let Some(u) = &b.unit {
            whole = u.factors.first().is_some_and(|f| f.0.text == "int");
            let unit = if whole { None } else { resolve_unit(infer.module, u, infer.diagnostics) };
            let declared = match (whole, unit) {
                (true, _) => Some(Ty::number(Dim::ONE).shaped(Shape::Any)),
                (false, unit) => unit.map(Ty::in_unit),
            };
            if let Some(declared) = declared {
                if let Some(d) = &default
                    && !d.is_error()
                    && (d.ty.kind != Kind::Number || !d.ty.same_dim(&declared))
                {
                    let what = format!("`{}`", b.name.text);
                    let declared_at = Some(b.name.span);
                    infer.diagnostics.push(errors::wrong_unit(&what, &declared, &d.ty, d.span, declared_at));
                }
                ty = declared;
            }
        }
        let id = self.declare(infer, &b.name, ty.clone());
        Parameter { id, name: b.name.text.clone(), span: b.name.span, ty, whole, default }
    }

    /// Returns what a name means where columns are read, unless it is one of them. The time and the distance of a pair mean nothing
    /// there.
    fn beside_column(&self, infer: &Infer, name: &str, span: Span) -> Option<Beside> {
        let declared = match (self.find(name), infer.module.constants.get(name)) {
            (Some(id), _) => Some(self.locals[id].span),
            (None, Some(constant)) => Some(constant.span),
            (None, None) if matches!(name, "dt" | "pi" | "inf") => None,
            // A name of one letter is a column sooner than a unit.
            (None, None) if name.chars().count() > 1 && infer.is_unit(name) => None,
            (None, None) => return None,
        };
        Some(Beside { name: name.to_string(), span, declared })
    }

    /// Infers something in a place where `i` or `t` mean something.
    pub fn within<T>(&mut self, cell: bool, time: bool, f: impl FnOnce(&mut World) -> T) -> T {
        let before = (self.cell, self.time);
        (self.cell, self.time) = (cell, time);
        let out = f(self);
        (self.cell, self.time) = before;
        out
    }

    /// Checks a weight, delay or initial value against the expected type.
    pub fn value(&mut self, infer: &mut Infer, value: &ast::Value, what: &str, expected: &Ty) -> Value {
        let value = self.whole_value(infer, value, what, expected);
        if let Value::Expr(e) = &value {
            elementwise(infer, e);
        }
        value
    }

    /// The same for what need not be a number for each cell at each time.
    pub fn whole_value(&mut self, infer: &mut Infer, value: &ast::Value, what: &str, expected: &Ty) -> Value {
        match value {
            ast::Value::Expr(e) => Value::Expr(infer.typed_quantity(self, e, what, expected, None)),
            ast::Value::Distribution(d) => match self.distribution(infer, d) {
                Some((drawn, ty)) => {
                    if !ty.is_error() && !ty.same_dim(expected) {
                        infer.diagnostics.push(errors::wrong_unit(what, expected, &ty, d.call.span, None));
                    }
                    Value::Drawn(drawn)
                }
                None => Value::Expr(Expr::error(d.call.span)),
            },
        }
    }

    /// Checks what is drawn; returns the type of a draw.
    pub fn distribution(&mut self, infer: &mut Infer, d: &ast::Distribution) -> Option<(Distribution, Ty)> {
        let span = d.call.span;
        let found = called(&d.call).and_then(|(name, args)| Some((builtin::find(name)?, args)));
        let Some((of, args)) = found.filter(|(b, _)| b.place == Place::Distribution) else {
            let known = builtin::rows().filter(|b| b.place == Place::Distribution).map(|b| b.name);
            let known: Vec<&str> = known.collect();
            infer.diagnostics.push(
                Diagnostic::at(Code::E0401, span, "expected a distribution after `~`", "not a distribution")
                    .help(format!("use one of {}", errors::list(&known))),
            );
            return None;
        };
        let Given { values, .. } = infer.arguments(self, of, args, span)?;
        let args: Vec<Expr> = values.into_iter().flatten().collect();
        let several = of.name == "categorical";
        for a in args.iter().filter(|a| a.ty.is_several() && !several) {
            infer.diagnostics.push(errors::one_number_needed(&format!("an argument of `{}`", of.name), &a.ty, a.span));
        }
        let ty = args.iter().fold(Ty::any_number(), |ty, a| Ty {
            dim: ty.dim.or(a.ty.dim),
            unit: ty.unit.or(a.ty.unit.clone()),
            ..ty
        });
        let ty = if args.iter().any(Expr::is_error) { Ty::error() } else { ty };
        let bound = d.bound.as_ref().map(|(clipped, range)| {
            let range = infer.typed(self, range);
            if !range.is_error() && (range.ty.kind != Kind::Range || !range.ty.same_dim(&ty)) {
                infer.diagnostics.push(errors::wrong_unit("the bound", &ty, &range.ty, range.span, None));
            }
            (*clipped, range)
        });
        Some((Distribution { of, args, bound, span }, ty.shaped(Shape::Number)))
    }
}

/// Takes `name` or `name(args)` apart.
pub fn called(e: &ast::Expr) -> Option<(&str, &[ast::Arg])> {
    match &e.kind {
        ast::ExprKind::Name(n) => Some((n, &[])),
        ast::ExprKind::Call(f, args) => match &f.kind {
            ast::ExprKind::Name(n) => Some((n, args)),
            _ => None,
        },
        _ => None,
    }
}

impl Meaning for World {
    fn name(&mut self, infer: &mut Infer, name: &str, span: Span) -> Option<Expr> {
        let new = |kind: ExprKind, ty: Ty| Some(Expr::new(kind, ty, span));
        if self.columns {
            match self.beside_column(infer, name, span) {
                Some(beside) => self.beside_columns.push(beside),
                None => return new(ExprKind::TableColumn(name.into()), Ty::number(Dim::ONE).shaped(Shape::Array)),
            }
        }
        if let Some(id) = self.find(name) {
            self.locals[id].read = true;
            let local = &self.locals[id];
            return match &local.stands_for {
                Some(e) => Some(Expr { span, ..e.clone() }),
                None => new(ExprKind::Local(id), local.ty.clone()),
            };
        }
        match name {
            "i" | "j" if self.pair.is_some() && !self.cell => {
                infer.diagnostics.push(
                    errors::unknown_name(name, span, [])
                        .help("the cells of a pair are `pre.i` and `post.i`: `connect where pre.i != post.i`"),
                );
                Some(Expr::error(span))
            }
            "i" if self.cell => new(ExprKind::Index, Ty::number(Dim::ONE).shaped(Shape::Number)),
            "dt" => new(ExprKind::Step, Ty::time().shaped(Shape::Number)),
            "t" if self.time => new(ExprKind::Time, Ty::time().shaped(Shape::Number)),
            "t" => {
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0211, span, "`t` has no value here", "the simulated time")
                        .note(errors::WHERE_TIME_IS),
                );
                Some(Expr::error(span))
            }
            "d" => {
                let dim = self.pair?;
                new(ExprKind::Distance, Ty::number(dim).shaped(Shape::Number))
            }
            _ => {
                let hidden = self.hidden.iter().rev().find(|h| h.name == name)?;
                let message = format!("`{name}` may not be there");
                let d = Diagnostic::at(Code::E0201, span, message, "used outside of its block");
                infer.diagnostics.push(hidden.explain(d));
                Some(Expr::error(span))
            }
        }
    }

    fn path(&mut self, infer: &mut Infer, e: &ast::Expr) -> Option<Expr> {
        Some(access(self, infer, e))
    }

    /// `column("Connections (sum)")`: a column of the table that is being read whose name is no word.
    fn call(&mut self, _: &mut Infer, name: &str, args: &[ast::Arg], span: Span) -> Option<Expr> {
        let [ast::Arg { name: None, value }] = args else { return None };
        let ast::ExprKind::Text(column) = &value.kind else { return None };
        let ty = Ty::number(Dim::ONE).shaped(Shape::Array);
        (self.columns && name == "column").then(|| Expr::new(ExprKind::TableColumn(column.as_str().into()), ty, span))
    }

    fn at_end(&mut self, infer: &mut Infer, of: &ast::Expr, window: &Name) -> Option<Expr> {
        let typed = infer.typed_number(self, of);
        let remembered = matches!(typed.kind, ExprKind::Variable { .. });
        let ty = typed.ty.clone();
        remembered.then(|| Expr::new(ExprKind::AtEnd(Box::new(typed), window.text.clone()), ty, of.span))
    }

    fn local(&mut self, name: &str, span: Span) -> LocalId {
        self.locals.push(Local {
            name: name.to_string(),
            span,
            ty: Ty::any_number(),
            mutable: false,
            read: false,
            stands_for: None,
        })
    }

    fn is_program(&self) -> bool {
        true
    }

    fn has_time(&self) -> bool {
        self.time
    }

    fn declared_after(&self, name: &str, place: Span) -> Option<Span> {
        let after = |n: &&Name| n.text == name && n.span.file == place.file && n.span.start > place.start;
        self.declared.iter().find(after).map(|n| n.span)
    }

    fn reached(&self, infer: &Infer, name: &str) -> Option<String> {
        let has = |ty: &Ty| match &ty.kind {
            Kind::Population(model) => {
                infer.module.neurons.get(model).is_some_and(|n| n.var(name).is_some() || n.event(name).is_some())
            }
            _ => false,
        };
        self.names.iter().find_map(|(path, id)| match &self.locals[*id].ty.kind {
            Kind::Population(_) if has(&self.locals[*id].ty) => Some(format!("{path}.{name}")),
            Kind::Network(model) => {
                let network = infer.module.networks.get(model)?;
                if network.members.contains_key(name) {
                    return Some(format!("{path}.{name}"));
                }
                let (member, _) = network.members.iter().find(|(_, id)| has(&network.locals[**id].ty))?;
                Some(format!("{path}.{member}.{name}"))
            }
            _ => None,
        })
    }

    fn known_names(&self) -> Vec<String> {
        self.names.iter().map(|(n, _)| n.clone()).collect()
    }
}

/// Refuses what differs from cell to cell, pair to pair or in time and yet is no number for each of them.
pub fn elementwise(infer: &mut Infer, value: &Expr) {
    if let Some(span) = value.not_elementwise() {
        let message = "this cannot differ from cell to cell, pair to pair or in time";
        let d = Diagnostic::at(Code::E0402, span, message, "takes whole arrays");
        infer.diagnostics.push(d.help("use arithmetic, conditions, functions of numbers, and elements of arrays"));
    }
}
