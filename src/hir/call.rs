//! Calls: rows of the table of built-ins, functions of users, and the types of their results.

use super::arguments::{Given, bind};
use super::infer::{Infer, Meaning, is_logical};
use super::typed::{Expr, ExprKind as Kinds, LocalId};
use super::{Kind, Module, Shape, Ty, errors};
use crate::builtin::{self, Builtin, Evaluate, Func, Gives, Parameter, Place, Wants};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};
use crate::units::{Dim, Ratio, Unit};
use cranelift_entity::EntityRef;
use std::collections::BTreeSet;

impl Infer<'_> {
    /// Infers a call: what means something only here, a user's function, or a row of the table.
    pub(super) fn call(&mut self, m: &mut dyn Meaning, callee: &ast::Expr, args: &[ast::Arg], span: Span) -> Expr {
        let ExprKind::Name(name) = &callee.kind else {
            let d = errors::not_called(callee, |name| builtin::find(name).is_some());
            return self.report(d, span);
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
                let known = builtin::rows().filter(place).map(|b| b.name);
                let users = self.module.functions.keys().map(String::as_str);
                let known = m.known_functions().into_iter().chain(known).chain(users);
                let d = errors::unknown_function(name, callee.span, known);
                let value = m.known_names().iter().any(|n| n == name);
                let help = value.then(|| format!("`{name}` is a value: write its name alone"));
                self.report(d.maybe_help(help), span)
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
        // Conditions that are combined count element by element.
        let counts =
            matches!(p.wants, Wants::Number | Wants::Pure | Wants::PureNumber | Wants::Collection | Wants::Vector);
        let rows = p.wants == Wants::Rows || counts && m.is_program() && is_logical(e);
        let mut typed = if rows { self.typed_rows(m, e) } else { self.typed(m, e) };
        if p.wants == Wants::Texts
            && let Some(texts) = typed.texts()
        {
            typed = texts;
        }
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
            Wants::Texts => (kind == Kind::Texts, "a column of a table"),
            Wants::Rows => (numeric, "a condition of its rows"),
            Wants::Network => (matches!(kind, Kind::Network(_)), "a network"),
            Wants::Collection => (numeric || matches!(kind, Kind::Data { .. }), "numbers or a data set"),
            Wants::Vector => (numeric || matches!(kind, Kind::Projection(_)), "numbers or a projection"),
            Wants::Fields => (true, ""),
        };
        if !fits {
            let d = match p.wants {
                Wants::Events | Wants::Trace => {
                    let message = format!("`{}` needs {wanted}", b.name);
                    Diagnostic::at(Code::E0407, e.span, message, format!("this is {}", typed.ty.describe())).help(
                        match (&p.wants, &typed.ty.kind) {
                            (Wants::Events, _) => {
                                "record events: `record net.exc.spike`; their name is `net.exc.spike`"
                            }
                            (_, Kind::Events) => {
                                "this is about states; `times`, `senders` and `count` are about events"
                            }
                            _ => "name a recording: `record net.exc.v every 1 ms as trace`",
                        },
                    )
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
        if self.calling.iter().any(|outer| outer == name) {
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
                (None, Some(e)) => self.typed(&mut Arguments { bound: &bound, caller: m, read: BTreeSet::new() }, e),
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
        if self.calling.is_empty() {
            self.expanded = 0;
        }
        self.calling.push(name.to_string());
        let body = self.typed(&mut Arguments { bound: &bound, caller: m, read: BTreeSet::new() }, &f.body);
        self.calling.pop();
        let ty = body.ty.clone();
        let bound = bound.into_iter().map(|(_, id, e)| (id, e)).collect();
        Expr::new(Kinds::Let(bound, Box::new(body)), ty, span)
    }
}

/// Checks a function that nothing may call yet, with arguments of the units that it says.
pub(super) fn check_function(module: &Module, (name, f): (&str, &super::Function), diagnostics: &mut Diagnostics) {
    let mut found = Diagnostics::default();
    let mut infer = Infer::new(module, &mut found);
    infer.calling.push(name.to_string());
    let mut bound: Vec<(String, LocalId, Expr)> = Vec::new();
    let mut read = BTreeSet::new();
    for formal in &f.formals {
        let unit = formal.unit.as_ref().and_then(|u| super::resolve_unit(module, u, infer.diagnostics));
        // Of no unit that is known, it goes with any.
        let ty = unit.map_or(Ty::error(), |unit| Ty::in_unit(unit).shaped(Shape::Any));
        if let Some(default) = &formal.value {
            let mut arguments = Arguments { bound: &bound, caller: &mut Nobody, read };
            let found = infer.typed(&mut arguments, default);
            read = arguments.read;
            if !found.is_error() && !ty.is_error() && !found.ty.same_dim(&ty) {
                let what = format!("argument `{}`", formal.name.text);
                infer.diagnostics.push(errors::wrong_unit(&what, &ty, &found.ty, default.span, Some(formal.name.span)));
            }
        }
        let at = LocalId::new(bound.len());
        bound.push((formal.name.text.clone(), at, Expr::new(Kinds::Local(at), ty, formal.name.span)));
    }
    let mut body = Arguments { bound: &bound, caller: &mut Nobody, read };
    infer.typed(&mut body, &f.body);
    let Arguments { read, .. } = body;
    // What is too large written out is so where it is used.
    found.retain(|d| d.code != Code::E0107);
    if !found.has_errors() {
        for (argument, _, e) in bound.iter().filter(|(_, id, _)| !read.contains(id)) {
            let message = format!("argument `{argument}` of `{name}` is never used");
            found.push(Diagnostic::at(Code::W0201, e.span, message, "unused").help("remove it, or use it"));
        }
    }
    diagnostics.extend(found.iter().cloned());
}

/// Who calls a function that is only looked at.
struct Nobody;

impl Meaning for Nobody {
    fn name(&mut self, _: &mut Infer, _: &str, _: Span) -> Option<Expr> {
        None
    }
    fn path(&mut self, _: &mut Infer, _: &ast::Expr) -> Option<Expr> {
        None
    }
    fn call(&mut self, _: &mut Infer, _: &str, _: &[ast::Arg], _: Span) -> Option<Expr> {
        None
    }
    fn local(&mut self, _: &str, _: Span) -> LocalId {
        LocalId::new(0)
    }
    fn is_program(&self) -> bool {
        true
    }
    fn known_names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The body of a function sees its arguments and nothing else.
struct Arguments<'a> {
    bound: &'a [(String, LocalId, Expr)],
    caller: &'a mut dyn Meaning,
    /// Those that anything has read.
    read: BTreeSet<LocalId>,
}

impl Meaning for Arguments<'_> {
    fn name(&mut self, _: &mut Infer, name: &str, span: Span) -> Option<Expr> {
        let (_, id, e) = self.bound.iter().find(|(n, ..)| n == name)?;
        self.read.insert(*id);
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
        Gives::SameAny => first.shaped(Shape::Any),
        Gives::SameMatrix => first.shaped(Shape::Matrix),
        Gives::Root => {
            let half = Ratio::new(1, 2);
            Ty { dim: first.dim.map(|d| d.pow(half)), unit: first.unit.map(|u| u.power(half)), ..Ty::any_number() }
                .shaped(first.shape)
        }
        Gives::Square => number(Ty { dim: first.dim.map(|d| d * d), ..Ty::any_number() }),
        Gives::Density => array(Ty { dim: first.dim.map(|d| d * d * Dim::TIME), ..Ty::any_number() }),
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
        Gives::Pictures => Ty::of(Kind::Data { fields: vec![("image".to_string(), Dim::ONE)], parts: Vec::new() }),
        Gives::Examples => {
            let fields = fields.iter().map(|(n, e)| (n.clone(), e.ty.dim.unwrap_or(Dim::ONE))).collect();
            Ty::of(Kind::Data { fields, parts: Vec::new() })
        }
        Gives::Nothing => Ty::error(),
    }
}
