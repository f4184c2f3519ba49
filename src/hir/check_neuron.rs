//! Checks a neuron: declarations in any order, compartments and channels flattened into dotted names.

use super::expr::{Draw, EventId, Expr, Op, VarId};
use super::infer::{Context, Infer};
use super::*;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, ModelItem, Name};
use crate::units::{Dim, Ratio};
use std::collections::{HashMap, HashSet};

const RESERVED: [&str; 5] = ["t", "dt", "xi", "inf", "pi"];

/// Checks a neuron declaration.
pub(super) fn check_neuron(module: &Module, model: &ast::Model, doc: &str, diagnostics: &mut Diagnostics) -> Neuron {
    let mut checker = Checker {
        out: Neuron { name: model.name.text.clone(), doc: doc.into(), ..Neuron::default() },
        scopes: vec![Scope::default()],
        declared: Vec::new(),
        index: HashMap::new(),
        compartments: HashMap::new(),
        pending: Pending::default(),
        used: HashSet::new(),
        place: Place::Init,
        noises: HashMap::new(),
        scope: 0,
    };
    let mut infer = Infer { module, diagnostics, depth: 0 };
    checker.collect(&mut infer, &model.body, 0);
    checker.declare_events();
    checker.define_all(&mut infer);
    checker.equations(&mut infer);
    checker.couples(&mut infer);
    checker.cables(&mut infer);
    checker.emits(&mut infer);
    checker.cable_limits(&mut infer);
    checker.scheme(&mut infer);
    checker.unused(&mut infer);
    checker.out
}

/// Where an expression stands, which decides what it may contain.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Init,
    Let,
    Equation,
    Event,
}

#[derive(Debug, Default, Clone)]
struct Scope {
    prefix: String,
    parent: Option<usize>,
    /// Names bound to an expression of the parent scope (a channel's `v`).
    bound: HashMap<String, ast::Expr>,
    cable: Option<usize>,
}

#[derive(Debug, Clone)]
enum DeclKind {
    Param(Option<ast::UnitExpr>, Option<ast::Expr>, usize),
    State(Option<ast::UnitExpr>, Option<ast::Expr>),
    Let(ast::Expr),
    EventInput(Option<ast::UnitExpr>),
    Input(Option<ast::UnitExpr>, Option<ast::Expr>),
    /// Gate with its fields; it becomes a state and an equation.
    Gate(Vec<(Name, ast::Expr)>),
}

#[derive(Debug, Clone)]
struct Declared {
    name: String,
    span: Span,
    scope: usize,
    kind: DeclKind,
    status: Status,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Status {
    Waiting,
    Defining,
    Done(Option<VarId>),
}

struct Compartment {
    scope: usize,
    span: Span,
    cable: Option<usize>,
    segments: Option<ast::Expr>,
    geometry: Vec<(Name, ast::Expr)>,
    /// Currents through the membrane, as dotted names or expressions in the scope.
    currents: Vec<(usize, ast::Expr)>,
    injected: Vec<String>,
}

#[derive(Default)]
struct Pending {
    equations: Vec<(usize, Name, ast::Expr)>,
    emits: Vec<(usize, ast::Emit)>,
    couples: Vec<(Name, Name, Option<ast::Expr>, Span)>,
    scheme: Vec<(Name, Vec<ast::Arg>)>,
    compartments: Vec<Compartment>,
}

struct Checker {
    out: Neuron,
    scopes: Vec<Scope>,
    declared: Vec<Declared>,
    index: HashMap<String, usize>,
    compartments: HashMap<String, usize>,
    pending: Pending,
    used: HashSet<VarId>,
    place: Place,
    noises: HashMap<String, u32>,
    scope: usize,
}

impl Checker {
    fn collect(&mut self, infer: &mut Infer, body: &[ModelItem], scope: usize) {
        for item in body {
            match item {
                ModelItem::Params(bindings) => {
                    for b in bindings {
                        self.declare(infer, scope, &b.name, DeclKind::Param(b.unit.clone(), b.value.clone(), scope));
                    }
                }
                ModelItem::States(states) => {
                    for s in states {
                        let per = s.per.as_ref().map(|p| ("per", p.span));
                        let bounds = s.bounds.as_ref().map(|b| ("bounds of a neuron's state", b.span));
                        for (what, span) in per.into_iter().chain(bounds) {
                            infer.diagnostics.push(crate::syntax::unsupported(span, what));
                        }
                        self.declare(infer, scope, &s.name, DeclKind::State(s.unit.clone(), s.init.clone()));
                    }
                }
                ModelItem::Let(name, e) => self.declare(infer, scope, name, DeclKind::Let(e.clone())),
                ModelItem::EventInput(name, unit) => {
                    self.declare(infer, scope, name, DeclKind::EventInput(unit.clone()))
                }
                ModelItem::Input(name, unit, default) => {
                    if let Some(cable) = self.scopes[scope].cable {
                        let full = format!("{}{}", self.scopes[scope].prefix, name.text);
                        self.pending.compartments[cable].injected.push(full);
                    }
                    self.declare(infer, scope, name, DeclKind::Input(unit.clone(), default.clone()));
                }
                ModelItem::Equation(name, rhs) => self.pending.equations.push((scope, name.clone(), rhs.clone())),
                ModelItem::Emit(e) => self.pending.emits.push((scope, e.clone())),
                ModelItem::Couple(a, b, g, span) => self.pending.couples.push((a.clone(), b.clone(), g.clone(), *span)),
                ModelItem::Scheme(name, args) => self.pending.scheme.push((name.clone(), args.clone())),
                ModelItem::Noise(name) => {
                    let id = self.out.n_noises;
                    self.out.n_noises += 1;
                    self.noises.insert(name.text.clone(), id);
                }
                ModelItem::Compartment(name, segments, body, span) => {
                    self.compartment(infer, name, segments.as_ref(), body, *span, scope)
                }
                ModelItem::ChannelUse(name, model, args, span) => self.channel(infer, name, model, args, *span, scope),
                ModelItem::Gate(name, fields, _) => self.declare(infer, scope, name, DeclKind::Gate(fields.clone())),
                ModelItem::Current(e) => match self.scopes[scope].cable {
                    Some(cable) => self.pending.compartments[cable].currents.push((scope, e.clone())),
                    None => {
                        let name = Name { text: "current".into(), span: e.span };
                        self.declare(infer, scope, &name, DeclKind::Let(e.clone()));
                    }
                },
                ModelItem::Geometry(name, e) => match self.scopes[scope].cable {
                    Some(cable) => self.pending.compartments[cable].geometry.push((name.clone(), e.clone())),
                    None => infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0511,
                            name.span,
                            format!("`{}` belongs to a cable compartment", name.text),
                            "not in a cable",
                        )
                        .help("write `compartment dend[10] { … }` to cut a compartment into segments"),
                    ),
                },
                ModelItem::Weight(name, ..) | ModelItem::Unsupported(name) => {
                    infer.diagnostics.push(crate::syntax::unsupported(name.span, &name.text));
                }
                ModelItem::On(name, _, span) => {
                    infer.diagnostics.push(crate::syntax::unsupported(*span, &format!("on {}", name.text)))
                }
                ModelItem::Deliver(e) => infer.diagnostics.push(
                    Diagnostic::at(Code::E0401, e.span, "a neuron does not deliver", "`deliver` belongs to a synapse")
                        .help("emit an event with `emit`, and let a synapse deliver it"),
                ),
            }
        }
    }

    fn declare(&mut self, infer: &mut Infer, scope: usize, name: &Name, kind: DeclKind) {
        if RESERVED.contains(&name.text.as_str()) {
            infer.diagnostics.push(errors::reserved(&name.text, name.span));
            return;
        }
        if name.text.chars().count() > 1
            && (crate::units::lookup(&name.text).is_some() || infer.module.units.contains_key(&name.text))
        {
            infer.diagnostics.push(errors::unit_clash(&name.text, name.span));
        }
        let full = format!("{}{}", self.scopes[scope].prefix, name.text);
        if let Some(&first) = self.index.get(&full) {
            infer.diagnostics.push(errors::declared_twice(&name.text, name.span, self.declared[first].span));
            return;
        }
        if infer.module.constants.contains_key(&name.text) {
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::W0202,
                    name.span,
                    format!("`{}` shadows a constant of the same name", name.text),
                    "hides the constant here",
                )
                .help("rename one of them"),
            );
        }
        self.index.insert(full.clone(), self.declared.len());
        self.declared.push(Declared { name: full, span: name.span, scope, kind, status: Status::Waiting });
    }

    fn compartment(
        &mut self,
        infer: &mut Infer,
        name: &Name,
        segments: Option<&ast::Expr>,
        body: &[ModelItem],
        span: Span,
        scope: usize,
    ) {
        if let Some(&first) = self.compartments.get(&name.text) {
            let first = self.pending.compartments[first].span;
            infer.diagnostics.push(errors::declared_twice(&name.text, name.span, first));
            return;
        }
        let index = self.pending.compartments.len();
        let is_cable = segments.is_some() || body.iter().any(|i| matches!(i, ModelItem::Geometry(..)));
        let inner = self.scopes.len();
        self.scopes.push(Scope {
            prefix: format!("{}{}.", self.scopes[scope].prefix, name.text),
            parent: Some(scope),
            bound: HashMap::new(),
            cable: is_cable.then_some(index),
        });
        self.pending.compartments.push(Compartment {
            scope: inner,
            span: name.span.to(Span { end: name.span.end, ..span }),
            cable: is_cable.then_some(0),
            segments: segments.cloned(),
            geometry: Vec::new(),
            currents: Vec::new(),
            injected: Vec::new(),
        });
        self.compartments.insert(name.text.clone(), index);
        self.collect(infer, body, inner);
    }

    fn channel(&mut self, infer: &mut Infer, name: &Name, model: &Name, args: &[ast::Arg], span: Span, scope: usize) {
        let Some(channel) = infer.module.channels.get(&model.text).cloned() else {
            let known: Vec<&str> = infer.module.channels.keys().map(String::as_str).collect();
            infer.diagnostics.push(errors::unknown_model("channel", model, known));
            return;
        };
        let inner = self.scopes.len();
        let mut bound = HashMap::new();
        for formal in &channel.formals {
            // A channel's argument is the enclosing compartment's variable of the same name, unless given.
            let value = args.iter().find(|a| a.name.as_ref().is_some_and(|n| n.text == formal.name.text));
            let value = value
                .map(|a| a.value.clone())
                .unwrap_or(ast::Expr { kind: ExprKind::Name(formal.name.text.clone()), span });
            bound.insert(formal.name.text.clone(), value);
        }
        let cable = self.scopes[scope].cable;
        self.scopes.push(Scope {
            prefix: format!("{}{}.", self.scopes[scope].prefix, name.text),
            parent: Some(scope),
            bound,
            cable: None,
        });
        let mut known = Vec::new();
        for item in &channel.body {
            if let ModelItem::Params(bindings) = item {
                for b in bindings {
                    known.push(b.name.text.clone());
                    let given = args.iter().find(|a| a.name.as_ref().is_some_and(|n| n.text == b.name.text));
                    let (value, value_scope) = match given {
                        Some(a) => (Some(a.value.clone()), scope),
                        None => (b.value.clone(), inner),
                    };
                    // The unit is the one of the channel's own default, so that overrides are checked against it.
                    let unit = b.unit.clone();
                    if given.is_some() && unit.is_none() {
                        self.check_override(infer, &model.text, b, value.as_ref(), scope, inner);
                    }
                    self.declare(infer, inner, &b.name, DeclKind::Param(unit, value, value_scope));
                }
            }
        }
        for a in args {
            let Some(n) = &a.name else {
                infer.diagnostics.push(
                    errors::wrong_arity(&model.text, "named", args.len(), a.value.span)
                        .help("name the parameter: `g_max = …`"),
                );
                continue;
            };
            if !known.contains(&n.text) && !channel.formals.iter().any(|f| f.name.text == n.text) {
                infer.diagnostics.push(errors::unknown_parameter(&model.text, n, known.iter().map(String::as_str)));
            }
        }
        let rest: Vec<ModelItem> =
            channel.body.iter().filter(|i| !matches!(i, ModelItem::Params(_))).cloned().collect();
        self.collect(infer, &rest, inner);
        if let Some(cable) = cable {
            let e = ast::Expr { kind: ExprKind::Name("current".into()), span };
            self.pending.compartments[cable].currents.push((inner, e));
            self.scopes[inner].cable = None;
        }
    }

    fn check_override(
        &mut self,
        infer: &mut Infer,
        model: &str,
        b: &ast::Binding,
        value: Option<&ast::Expr>,
        scope: usize,
        inner: usize,
    ) {
        let (Some(default), Some(value)) = (&b.value, value) else { return };
        let expected = self.typed(infer, inner, Place::Init, default).1;
        let found = self.typed(infer, scope, Place::Init, value).1;
        if !expected.is_error() && !found.is_error() && !found.same_dim(&expected) {
            let what = format!("parameter `{}` of `{model}`", b.name.text);
            infer.diagnostics.push(errors::wrong_unit(&what, &expected, &found, value.span, Some(b.name.span)));
        }
    }

    fn typed(&mut self, infer: &mut Infer, scope: usize, place: Place, e: &ast::Expr) -> (Expr, Ty) {
        let saved = (self.scope, self.place);
        (self.scope, self.place) = (scope, place);
        let out = infer.expr(self, e);
        (self.scope, self.place) = saved;
        out
    }

    fn define_all(&mut self, infer: &mut Infer) {
        for i in 0..self.declared.len() {
            self.define(infer, i, None);
        }
    }

    /// Makes the variable of a declaration, first making those its value needs.
    fn define(&mut self, infer: &mut Infer, i: usize, from: Option<Span>) -> Option<VarId> {
        let declared = self.declared[i].clone();
        match declared.status {
            Status::Done(id) => return id,
            Status::Defining => {
                let short = declared.name.rsplit('.').next().unwrap_or(&declared.name).to_string();
                let at = from.unwrap_or(declared.span);
                infer.diagnostics.push(match declared.kind {
                    DeclKind::Let(_) => {
                        Diagnostic::at(Code::E0503, at, format!("`{short}` depends on itself"), "closes the cycle")
                            .label(declared.span, "declared here")
                            .help("make one of the values a `state`, or break the cycle")
                    }
                    _ => Diagnostic::at(
                        Code::E0208,
                        at,
                        format!("`{short}` is used before it has a value"),
                        "its value needs itself",
                    )
                    .label(declared.span, "declared here"),
                });
                return None;
            }
            Status::Waiting => self.declared[i].status = Status::Defining,
        }
        let id = self.define_now(infer, &declared);
        self.declared[i].status = Status::Done(id);
        id
    }

    fn cable_of(&self, scope: usize) -> Option<usize> {
        let mut at = Some(scope);
        while let Some(s) = at {
            if let Some(c) = self.scopes[s].cable {
                return Some(c);
            }
            at = self.scopes[s].parent;
        }
        None
    }

    fn define_now(&mut self, infer: &mut Infer, d: &Declared) -> Option<VarId> {
        let cable = self.cable_of(d.scope);
        let short = d.name.rsplit('.').next().unwrap_or(&d.name).to_string();
        let annotated = |infer: &mut Infer, unit: &Option<ast::UnitExpr>| {
            unit.as_ref().map(|u| resolve_unit(infer.module, u, infer.diagnostics).map_or(Ty::error(), Ty::in_unit))
        };
        let (kind, ty) = match &d.kind {
            DeclKind::Param(unit, value, scope) => {
                let declared = annotated(infer, unit);
                let value = value.as_ref().map(|v| (self.typed(infer, *scope, Place::Init, v), v.span));
                let ty = self.agree(infer, &short, d.span, declared, value.as_ref().map(|((_, t), s)| (t.clone(), *s)));
                (VarKind::Param(value.map(|((e, _), _)| e)), ty)
            }
            DeclKind::State(unit, init) => {
                let declared = annotated(infer, unit);
                let value = init.as_ref().map(|v| (self.typed(infer, d.scope, Place::Init, v), v.span));
                if value.is_none() && unit.is_none() {
                    infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0208,
                            d.span,
                            format!("state `{short}` has no initial value"),
                            "value missing",
                        )
                        .help(format!("write `state {short} = 0`, with its unit")),
                    );
                }
                let ty = self.agree(infer, &short, d.span, declared, value.as_ref().map(|((_, t), s)| (t.clone(), *s)));
                (VarKind::State(value.map_or(Expr::Num(0.0), |((e, _), _)| e)), ty)
            }
            DeclKind::Let(e) => {
                let (value, ty) = self.typed(infer, d.scope, Place::Let, e);
                (VarKind::Let(value), ty)
            }
            DeclKind::EventInput(unit) => (VarKind::EventPort, annotated(infer, unit).unwrap_or(Ty::number(Dim::ONE))),
            DeclKind::Input(unit, default) => {
                let declared = annotated(infer, unit);
                let value = default.as_ref().map(|v| (self.typed(infer, d.scope, Place::Init, v), v.span));
                let ty = self.agree(infer, &short, d.span, declared, value.as_ref().map(|((_, t), s)| (t.clone(), *s)));
                (VarKind::AnalogPort(value.map_or(Expr::Num(0.0), |((e, _), _)| e)), ty)
            }
            DeclKind::Gate(fields) => return self.gate(infer, d, fields, cable),
        };
        if ty.is_error() {
            return None;
        }
        let boolean = ty.kind == Kind::Bool;
        if !matches!(ty.kind, Kind::Number | Kind::Bool) {
            infer.diagnostics.push(errors::wrong_kind("a number", &ty, d.span));
            return None;
        }
        let var = Var {
            name: d.name.clone(),
            kind,
            dim: if boolean { Dim::ONE } else { ty.dim.unwrap_or(Dim::ONE) },
            unit: ty.unit,
            boolean,
            cable,
            span: d.span,
        };
        let is_let = matches!(var.kind, VarKind::Let(_));
        let id = self.out.vars.push(var);
        if is_let {
            self.out.lets.push(id);
        }
        Some(id)
    }

    fn agree(
        &mut self,
        infer: &mut Infer,
        name: &str,
        span: Span,
        declared: Option<Ty>,
        value: Option<(Ty, Span)>,
    ) -> Ty {
        match (declared, value) {
            (Some(d), Some((v, at))) => {
                if !d.is_error() && !v.is_error() && !v.same_dim(&d) {
                    infer.diagnostics.push(errors::wrong_unit(&format!("`{name}`"), &d, &v, at, Some(span)));
                }
                d
            }
            (Some(d), None) => d,
            (None, Some((v, _))) => v,
            (None, None) => Ty::number(Dim::ONE),
        }
    }

    fn gate(
        &mut self,
        infer: &mut Infer,
        d: &Declared,
        fields: &[(Name, ast::Expr)],
        cable: Option<usize>,
    ) -> Option<VarId> {
        let short = d.name.rsplit('.').next().unwrap_or(&d.name).to_string();
        let find = |n: &str| fields.iter().find(|(name, _)| name.text == n).map(|(_, e)| e.clone());
        let mut typed = |this: &mut Self, e: &ast::Expr, expected: Dim, what: &str| {
            let saved = (this.scope, this.place);
            (this.scope, this.place) = (d.scope, Place::Let);
            let out =
                infer.quantity(this, e, &format!("`{what}` of gate `{short}`"), &Ty::number(expected), Some(d.span));
            (this.scope, this.place) = saved;
            out
        };
        let (rate_init, one) = (Dim::RATE, Dim::ONE);
        let pieces = match (find("alpha"), find("beta"), find("inf"), find("tau")) {
            (Some(a), Some(b), None, None) => {
                Some((typed(self, &a, rate_init, "alpha"), typed(self, &b, rate_init, "beta"), true))
            }
            (None, None, Some(i), Some(t)) => {
                Some((typed(self, &i, one, "inf"), typed(self, &t, Dim::TIME, "tau"), false))
            }
            _ => None,
        };
        let known = fields.iter().all(|(n, _)| matches!(n.text.as_str(), "alpha" | "beta" | "inf" | "tau"));
        let (Some((x, y, rates)), true) = (pieces, known) else {
            infer.diagnostics.push(
                Diagnostic::at(Code::E0513, d.span, format!("gate `{short}` is incomplete"), "needs two fields")
                    .help("give `alpha = …  beta = …` (rates), or `inf = …  tau = …`"),
            );
            return None;
        };
        let init = if rates { math_div(x.clone(), Expr::bin(Op::Add, x.clone(), y.clone())) } else { x.clone() };
        let var = Var {
            name: d.name.clone(),
            kind: VarKind::State(init),
            dim: Dim::ONE,
            unit: None,
            boolean: false,
            cable,
            span: d.span,
        };
        let id = self.out.vars.push(var);
        self.used.insert(id);
        let m = Expr::Var(id);
        let rhs = if rates {
            let opening = Expr::bin(Op::Mul, x, Expr::bin(Op::Sub, Expr::Num(1.0), m.clone()));
            Expr::bin(Op::Sub, opening, Expr::bin(Op::Mul, y, m))
        } else {
            math_div(Expr::bin(Op::Sub, x, m), y)
        };
        self.out.equations.push(Equation { state: id, rhs, span: d.span });
        Some(id)
    }

    fn lookup(&self, scope: usize, name: &str) -> Option<usize> {
        let mut at = Some(scope);
        while let Some(s) = at {
            if let Some(&i) = self.index.get(&format!("{}{name}", self.scopes[s].prefix)) {
                return Some(i);
            }
            at = self.scopes[s].parent;
        }
        None
    }

    /// Finds a declared name, or the binding of a channel's argument, from the current scope outward.
    fn resolve(&mut self, infer: &mut Infer, name: &str, span: Span) -> Option<(Expr, Ty)> {
        let mut at = Some(self.scope);
        while let Some(s) = at {
            if let Some(bound) = self.scopes[s].bound.get(name).cloned() {
                let parent = self.scopes[s].parent.unwrap_or(0);
                let place = self.place;
                return Some(self.typed(infer, parent, place, &bound));
            }
            if let Some(&i) = self.index.get(&format!("{}{name}", self.scopes[s].prefix)) {
                return Some(self.read(infer, i, span));
            }
            at = self.scopes[s].parent;
        }
        None
    }

    fn read(&mut self, infer: &mut Infer, i: usize, span: Span) -> (Expr, Ty) {
        let Some(id) = self.define(infer, i, Some(span)) else { return (Expr::Num(0.0), Ty::error()) };
        self.used.insert(id);
        let var = &self.out.vars[id];
        if var.boolean {
            return (Expr::bin(Op::Gt, Expr::Var(id), Expr::Num(0.5)), Ty::of(Kind::Bool));
        }
        let mut dim = var.dim;
        let mut unit = var.unit.clone();
        if matches!(var.kind, VarKind::EventPort) {
            if self.place != Place::Equation {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0514,
                        span,
                        "an event input can only stand in an equation",
                        "a sum of impulses has no value",
                    )
                    .label(var.span, "declared here")
                    .help("let a state collect it: `g' = -g / tau + exc`"),
                );
                return (Expr::Num(0.0), Ty::error());
            }
            dim = dim / Dim::TIME;
            unit = None;
        }
        (Expr::Var(id), Ty { kind: Kind::Number, dim: Some(dim), unit })
    }

    fn equations(&mut self, infer: &mut Infer) {
        let pending = std::mem::take(&mut self.pending.equations);
        for (scope, name, rhs) in pending {
            let found = self.lookup(scope, &name.text).and_then(|i| self.define(infer, i, None));
            let Some(id) = found else {
                if self.lookup(scope, &name.text).is_none() {
                    let states: Vec<String> = self.out.states().map(|(_, v)| v.name.clone()).collect();
                    let help = crate::diag::nearest(&name.text, states.iter().map(String::as_str))
                        .map(|n| format!("did you mean `{n}'`?"));
                    infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0501,
                            name.span,
                            format!("`{}` has an equation but is not a state", name.text),
                            "not declared",
                        )
                        .help(format!("declare it: `state {} = …`", name.text))
                        .maybe_help(help),
                    );
                }
                continue;
            };
            let var = self.out.vars[id].clone();
            if !matches!(var.kind, VarKind::State(_)) || var.boolean {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0501,
                        name.span,
                        format!("`{}` has an equation but is not a state", name.text),
                        "has no rate of change",
                    )
                    .label(var.span, "declared here")
                    .help(format!("declare it with `state {} = …`", name.text)),
                );
            } else if let Some(first) = self.out.equations.iter().find(|e| e.state == id) {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0502,
                        name.span,
                        format!("`{}` has two equations", name.text),
                        "second equation",
                    )
                    .label(first.span, "first one")
                    .help("add their right-hand sides, or rename the state"),
                );
                continue;
            }
            let (value, ty) = self.typed(infer, scope, Place::Equation, &rhs);
            if !ty.is_error() && !matches!(ty.kind, Kind::Number) {
                infer.diagnostics.push(errors::wrong_kind("a number", &ty, rhs.span));
            } else {
                let expected = Ty { kind: Kind::Number, dim: Some(var.dim / Dim::TIME), unit: None };
                if !ty.is_error() && !ty.same_dim(&expected) {
                    infer.diagnostics.push(errors::mismatched_equation(&name.text, var.span, &expected, &ty, rhs.span));
                }
            }
            self.used.insert(id);
            self.out.equations.push(Equation { state: id, rhs: value, span: rhs.span });
        }
    }

    fn couples(&mut self, infer: &mut Infer) {
        let pending = std::mem::take(&mut self.pending.couples);
        for (a, b, g, span) in pending {
            let mut ends = Vec::new();
            for end in [&a, &b] {
                match self.compartments.get(&end.text) {
                    Some(&c) => ends.push(c),
                    None => {
                        let known: Vec<&str> = self.compartments.keys().map(String::as_str).collect();
                        infer.diagnostics.push(errors::no_member("this neuron", &end.text, end.span, known));
                    }
                }
            }
            let [first, second] = ends[..] else { continue };
            if self.pending.compartments[first].cable.is_some() || self.pending.compartments[second].cable.is_some() {
                if let Some(g) = g {
                    infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0504,
                            g.span,
                            "cables couple through their axial resistance",
                            "not needed",
                        )
                        .help("write `couple a <-> b` without `with`"),
                    );
                }
                // Parents come first; the far end of the first carries the second.
                self.pending.compartments[second].cable = Some(first + 1);
                continue;
            }
            let Some(g) = g else {
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0507, span, "this coupling has no conductance", "add `with g_c`")
                        .help(format!("write `couple {} <-> {} with g_c`", a.text, b.text)),
                );
                continue;
            };
            let conductance = {
                let saved = (self.scope, self.place);
                (self.scope, self.place) = (0, Place::Equation);
                let out = infer.quantity(self, &g, "the coupling conductance", &Ty::number(Dim::CONDUCTANCE), None);
                (self.scope, self.place) = saved;
                out
            };
            for (own, other) in [(first, second), (second, first)] {
                self.add_axial_current(infer, own, other, conductance.clone(), span);
            }
        }
    }

    fn add_axial_current(&mut self, infer: &mut Infer, own: usize, other: usize, g: Expr, span: Span) {
        let scope = self.pending.compartments[own].scope;
        let other_scope = self.pending.compartments[other].scope;
        let v = self.lookup(scope, "v").and_then(|i| self.define(infer, i, None));
        let v_other = self.lookup(other_scope, "v").and_then(|i| self.define(infer, i, None));
        let c = self.lookup(scope, "C_m").and_then(|i| self.define(infer, i, None));
        let (Some(v), Some(v_other), Some(c)) = (v, v_other, c) else {
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0507,
                    span,
                    "a coupled compartment needs a voltage and a capacitance",
                    "this coupling",
                )
                .help("declare `state v` and `param C_m` in both compartments"),
            );
            return;
        };
        self.used.extend([v, v_other, c]);
        let difference = Expr::bin(Op::Sub, Expr::Var(v_other), Expr::Var(v));
        let current = math_div(Expr::bin(Op::Mul, g, difference), Expr::Var(c));
        match self.out.equations.iter_mut().find(|e| e.state == v) {
            Some(eq) => eq.rhs = Expr::bin(Op::Add, eq.rhs.clone(), current),
            None => self.out.equations.push(Equation { state: v, rhs: current, span }),
        }
    }

    fn cables(&mut self, infer: &mut Infer) {
        let compartments = std::mem::take(&mut self.pending.compartments);
        // Parents first, whatever the order of declaration.
        let parent = |i: usize| compartments[i].cable.and_then(|p| p.checked_sub(1));
        let mut left: Vec<usize> = (0..compartments.len()).filter(|&i| compartments[i].cable.is_some()).collect();
        let mut order: Vec<usize> = Vec::new();
        while let Some(k) = left.iter().position(|&i| parent(i).is_none_or(|p| order.contains(&p))) {
            order.push(left.remove(k));
        }
        if let Some(&i) = left.first() {
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0503,
                    compartments[i].span,
                    "these cables hang on each other in a circle",
                    "part of the circle",
                )
                .help("a tree of cables has one root"),
            );
            return;
        }
        for (new_index, &i) in order.iter().enumerate() {
            let c = &compartments[i];
            let scope = c.scope;
            let prefix = self.scopes[scope].prefix.trim_end_matches('.').to_string();
            let mut need = |this: &mut Self, name: &str| {
                let found =
                    this.index.get(&format!("{prefix}.{name}")).copied().and_then(|d| this.define(infer, d, None));
                if let Some(id) = found {
                    this.used.insert(id);
                } else {
                    infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0511,
                            c.span,
                            format!("cable `{prefix}` needs `{name}`"),
                            "incomplete cable",
                        )
                        .help("declare `param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm` and `state v = -65 mV`"),
                    );
                }
                found
            };
            let (c_m, r_a, v) = (need(self, "C_m"), need(self, "R_a"), need(self, "v"));
            let mut geometry = |this: &mut Self, name: &str| match c.geometry.iter().find(|(n, _)| n.text == name) {
                Some((_, e)) => {
                    this.scope = scope;
                    infer.quantity(this, e, &format!("`{name}`"), &Ty::number(Dim::LENGTH), None)
                }
                None => {
                    infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0511,
                            c.span,
                            format!("cable `{prefix}` needs `{name}`"),
                            "incomplete cable",
                        )
                        .help(format!("write `{name} 20 um` in the compartment")),
                    );
                    Expr::Num(1.0)
                }
            };
            let (length, diameter) = (geometry(self, "length"), geometry(self, "diameter"));
            let segments = match &c.segments {
                Some(e) => self.typed(infer, scope, Place::Init, e).0,
                None => Expr::Num(1.0),
            };
            let density_ty = Ty::number(Dim::CURRENT / Dim::LENGTH.pow(Ratio::new(2, 1)));
            let mut density = Expr::Num(0.0);
            for (s, e) in &c.currents {
                (self.scope, self.place) = (*s, Place::Let);
                let current = infer.quantity(self, e, "a current through a cable's membrane", &density_ty, None);
                density = crate::math::add(density, current);
            }
            let mut injected = Expr::Num(0.0);
            for name in &c.injected {
                let id = self.index.get(name).copied().and_then(|d| self.define(infer, d, None));
                if let Some(id) = id.filter(|id| self.out.vars[*id].dim == Dim::CURRENT) {
                    self.used.insert(id);
                    injected = crate::math::add(injected, Expr::Var(id));
                }
            }
            self.scope = 0;
            let (Some(c_m), Some(r_a), Some(v)) = (c_m, r_a, v) else { continue };
            let inlined = inline_lets(&self.out, density.clone());
            if crate::math::linear_in(&inlined, v).is_none() {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0510,
                        c.span,
                        format!("a current of cable `{prefix}` is not linear in `v`"),
                        "this cable",
                    )
                    .note("cables are solved implicitly, which needs `current = g * (v - E)` with `g` free of `v`")
                    .help("put the voltage dependence into gates"),
                );
            }
            let parent = c.cable.and_then(|p| p.checked_sub(1)).and_then(|p| order.iter().position(|&o| o == p));
            self.out.cables.push(Cable {
                name: prefix,
                segments,
                length,
                diameter,
                c_m,
                r_a,
                v,
                density,
                injected,
                parent,
            });
            for (_, var) in self.out.vars.iter_mut() {
                if var.cable == Some(i) {
                    var.cable = Some(1000 + new_index);
                }
            }
        }
        for (_, var) in self.out.vars.iter_mut() {
            var.cable = var.cable.map(|c| c.saturating_sub(1000));
        }
    }

    /// Events have names everywhere in the neuron, also before the `emit`.
    fn declare_events(&mut self) {
        for (_, emit) in &self.pending.emits {
            if self.out.event(&emit.name.text).is_none() {
                self.out.events.push(Event { name: emit.name.text.clone(), span: emit.name.span });
            }
        }
    }

    fn emits(&mut self, infer: &mut Infer) {
        let pending = std::mem::take(&mut self.pending.emits);
        let mut emitted: Vec<EventId> = Vec::new();
        for (scope, emit) in pending {
            let Some(event) = self.out.event(&emit.name.text) else { continue };
            let mut when = match &emit.when {
                Some(e) => {
                    (self.scope, self.place) = (scope, Place::Event);
                    infer.condition(self, e)
                }
                None => Expr::Bool(true),
            };
            if let Some(on) = &emit.on {
                match self.out.event(&on.text) {
                    Some(other) if emitted.contains(&other) => when = Expr::bin(Op::And, Expr::Fired(other), when),
                    Some(_) => infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0509,
                            on.span,
                            format!("`{}` is emitted only later", on.text),
                            "not yet decided here",
                        )
                        .help(format!("move `emit {}` above this one", on.text)),
                    ),
                    None => {
                        let known: Vec<&str> = self.out.events.values().map(|e| e.name.as_str()).collect();
                        let help = crate::diag::nearest(&on.text, known).map(|n| format!("did you mean `{n}`?"));
                        infer.diagnostics.push(
                            Diagnostic::at(
                                Code::E0607,
                                on.span,
                                format!("no event `{}` here", on.text),
                                "unknown event",
                            )
                            .maybe_help(help),
                        );
                    }
                }
            } else if emit.when.is_none() {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0405,
                        emit.name.span,
                        format!("`emit {}` needs a condition", emit.name.text),
                        "would happen at every step",
                    )
                    .help(format!("write `emit {} when v > V_th`", emit.name.text)),
                );
            }
            let body = self.statements(infer, scope, &emit.body);
            let several = |v: &VarId| {
                let cable = self.out.vars[*v].cable.and_then(|c| self.out.cables.get(c));
                cable.is_some_and(|c| infer::fold(&c.segments) != Some(1.0))
            };
            if when.any(&mut |e| matches!(e, Expr::Var(v) if several(v))) {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0403,
                        emit.span,
                        "an event needs one value, a cable has one per segment",
                        "reads a cable",
                    )
                    .help("test the potential of a compartment of one segment, such as the soma"),
                );
            }
            emitted.push(event);
            self.out.emits.push(Emit { event, when, edge: emit.edge, body });
        }
    }

    fn statements(&mut self, infer: &mut Infer, scope: usize, body: &[ast::Stmt]) -> Vec<Stmt> {
        body.iter().filter_map(|s| self.statement(infer, scope, s)).collect()
    }

    fn statement(&mut self, infer: &mut Infer, scope: usize, stmt: &ast::Stmt) -> Option<Stmt> {
        (self.scope, self.place) = (scope, Place::Event);
        Some(match stmt {
            ast::Stmt::Assign(target, op, value) => {
                let (mut rhs, ty) = infer.expr(self, value);
                let id = self.assignable(infer, scope, target)?;
                let var = self.out.vars[id].clone();
                let expected = if var.boolean {
                    Ty::of(Kind::Bool)
                } else {
                    Ty { kind: Kind::Number, dim: Some(var.dim), unit: var.unit.clone() }
                };
                let scaling = matches!(op, Some(ast::BinOp::Mul | ast::BinOp::Div));
                let needed = if scaling { Ty::number(Dim::ONE) } else { expected };
                if !ty.is_error() && (ty.kind != needed.kind || !ty.same_dim(&needed)) {
                    infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0308,
                            value.span,
                            format!("`{}` would change its unit", target.text),
                            format!("expected {}, found {}", needed.describe(), ty.describe()),
                        )
                        .label(var.span, "declared here"),
                    );
                }
                let own = Expr::Var(id);
                rhs = match op {
                    None => rhs,
                    Some(ast::BinOp::Add) => Expr::bin(Op::Add, own, rhs),
                    Some(ast::BinOp::Sub) => Expr::bin(Op::Sub, own, rhs),
                    Some(ast::BinOp::Mul) => Expr::bin(Op::Mul, own, rhs),
                    Some(_) => Expr::bin(Op::Div, own, rhs),
                };
                if var.boolean {
                    rhs = Expr::If(Box::new(rhs), Box::new(Expr::Num(1.0)), Box::new(Expr::Num(0.0)));
                }
                Stmt::Assign(id, rhs)
            }
            ast::Stmt::Hold(names, duration) => {
                let time = infer.time(self, duration, "how long to hold");
                let mut out = Vec::new();
                for name in names {
                    let id = self.lookup(scope, &name.text).and_then(|i| self.define(infer, i, None));
                    match id.map(|id| (id, &self.out.vars[id])) {
                        Some((id, v)) if matches!(v.kind, VarKind::State(_)) => out.push(Stmt::Hold(id, time.clone())),
                        _ => infer.diagnostics.push(
                            Diagnostic::at(
                                Code::E0508,
                                name.span,
                                format!("`{}` is not a state", name.text),
                                "cannot be held",
                            )
                            .help("hold the membrane potential: `hold v for t_ref`"),
                        ),
                    }
                }
                if out.len() == 1 { out.remove(0) } else { Stmt::If(Expr::Bool(true), out, Vec::new()) }
            }
            ast::Stmt::Mute(name, duration) => {
                let time = infer.time(self, duration, "how long to mute");
                let Some(event) = self.out.event(&name.text) else {
                    infer.diagnostics.push(Diagnostic::at(
                        Code::E0607,
                        name.span,
                        format!("no event `{}` here", name.text),
                        "unknown event",
                    ));
                    return None;
                };
                Stmt::Mute(event, time)
            }
            ast::Stmt::If(c, a, b) => {
                let c = infer.condition(self, c);
                Stmt::If(c, self.statements(infer, scope, a), self.statements(infer, scope, b))
            }
            ast::Stmt::Deliver(e) => {
                infer.diagnostics.push(Diagnostic::at(
                    Code::E0401,
                    e.span,
                    "a neuron does not deliver",
                    "`deliver` belongs to a synapse",
                ));
                return None;
            }
        })
    }

    fn assignable(&mut self, infer: &mut Infer, scope: usize, target: &Name) -> Option<VarId> {
        let Some(i) = self.lookup(scope, &target.text) else {
            let known: Vec<String> = self.out.states().map(|(_, v)| v.name.clone()).collect();
            infer.diagnostics.push(errors::unknown_name(&target.text, target.span, known.iter().map(String::as_str)));
            return None;
        };
        let id = self.define(infer, i, None)?;
        let var = &self.out.vars[id];
        let what = match var.kind {
            VarKind::State(_) => return Some(id),
            VarKind::Param(_) => "a parameter",
            VarKind::Let(_) => "computed by its `let`",
            _ => "an input",
        };
        infer.diagnostics.push(errors::not_assignable(&target.text, what, target.span, Some(var.span)));
        None
    }

    fn scheme(&mut self, infer: &mut Infer) {
        let pending = std::mem::take(&mut self.pending.scheme);
        for (name, args) in pending {
            let tolerance = args.first().map(|a| self.typed(infer, 0, Place::Init, &a.value).0);
            let scheme = match name.text.as_str() {
                "exact" => Scheme::Exact,
                "exponential_euler" => Scheme::ExponentialEuler,
                "euler" => Scheme::Euler,
                "heun" => Scheme::Heun,
                "rk4" => Scheme::Rk4,
                "rk45" => Scheme::Rk45(tolerance.and_then(|t| infer::fold(&t)).unwrap_or(1e-6)),
                "implicit" => Scheme::Implicit,
                other => {
                    let known = ["exact", "exponential_euler", "euler", "heun", "rk4", "rk45", "implicit"];
                    let help = crate::diag::nearest(other, known).map(|n| format!("did you mean `{n}`?"));
                    infer.diagnostics.push(
                        Diagnostic::at(Code::E0504, name.span, format!("unknown scheme `{other}`"), "not a scheme")
                            .note(format!("schemes are {}", errors::list(&known)))
                            .maybe_help(help),
                    );
                    continue;
                }
            };
            self.out.scheme = Some((scheme, name.span));
        }
        if let Err(d) = crate::solve::applicable(&self.out) {
            infer.diagnostics.push(*d);
        }
    }

    /// Refuses what the kernels of cable segments do not have: other compartments' states, events, noise and time.
    fn cable_limits(&mut self, infer: &mut Infer) {
        let out = &self.out;
        let several = |v: VarId| {
            let cable = out.vars[v].cable.and_then(|c| out.cables.get(c));
            cable.is_some_and(|c| infer::fold(&c.segments) != Some(1.0))
        };
        let foreign = |e: &Expr, cable: usize| {
            inline_lets(out, e.clone()).any(&mut |e| match e {
                Expr::Var(v) => match out.vars[*v].kind {
                    VarKind::Param(_) => false,
                    VarKind::State(_) => out.vars[*v].cable != Some(cable),
                    _ => true,
                },
                Expr::Time | Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..) | Expr::Noise(_) => true,
                _ => false,
            })
        };
        let refuse = |span: Span, what: &str| crate::syntax::unsupported(span, what);
        let mut found: Vec<Diagnostic> = Vec::new();
        for eq in &out.equations {
            match out.vars[eq.state].cable {
                Some(c) if out.cables.get(c).is_some_and(|cable| cable.v == eq.state) => {
                    found.push(refuse(eq.span, "an equation for the potential of a cable"));
                }
                Some(c) if foreign(&eq.rhs, c) => {
                    found.push(refuse(
                        eq.span,
                        "an equation of a cable that needs more than its own states and parameters",
                    ));
                }
                None if inline_lets(out, eq.rhs.clone()).any(&mut |e| matches!(e, Expr::Var(v) if several(*v))) => {
                    found.push(refuse(eq.span, "reading a cable of several segments here"));
                }
                _ => {}
            }
        }
        for (c, cable) in out.cables.iter().enumerate() {
            if foreign(&cable.density, c) {
                let span = out.vars[cable.v].span;
                found.push(refuse(
                    span,
                    "a membrane current of a cable that needs more than its own states and parameters",
                ));
            }
        }
        let mut reads: Vec<Expr> = Vec::new();
        for emit in &out.emits {
            let event = out.events[emit.event].span;
            let mut writes = Vec::new();
            effects(&emit.body, &mut writes, &mut reads);
            if writes.iter().any(|v| out.vars[*v].cable.is_some()) {
                found.push(refuse(event, "a handler that changes or holds a state of a cable"));
            }
            if reads.drain(..).any(|e| inline_lets(out, e).any(&mut |e| matches!(e, Expr::Var(v) if several(*v)))) {
                found.push(refuse(event, "reading a cable of several segments in a handler"));
            }
        }
        found.into_iter().for_each(|d| infer.diagnostics.push(d));
    }

    fn unused(&mut self, infer: &mut Infer) {
        if infer.diagnostics.has_errors() {
            return;
        }
        for (id, var) in &self.out.vars {
            let what = match var.kind {
                VarKind::Param(_) => "parameter",
                VarKind::State(_) if !self.out.equations.iter().any(|e| e.state == id) => "state",
                VarKind::EventPort | VarKind::AnalogPort(_) => "input",
                _ => continue,
            };
            if !self.used.contains(&id) && !var.name.contains('.') {
                infer.diagnostics.push(
                    Diagnostic::at(Code::W0201, var.span, format!("{what} `{}` is never used", var.name), "unused")
                        .help("remove it, or use it in an equation"),
                );
            }
        }
    }
}

fn math_div(a: Expr, b: Expr) -> Expr {
    Expr::bin(Op::Div, a, b)
}

/// Collects what statements write and the expressions they read.
fn effects(body: &[Stmt], writes: &mut Vec<VarId>, reads: &mut Vec<Expr>) {
    for s in body {
        match s {
            Stmt::Assign(v, e) | Stmt::Hold(v, e) => {
                writes.push(*v);
                reads.push(e.clone());
            }
            Stmt::Mute(_, e) | Stmt::Deliver(e) => reads.push(e.clone()),
            Stmt::If(c, a, b) => {
                reads.push(c.clone());
                effects(a, writes, reads);
                effects(b, writes, reads);
            }
        }
    }
}

/// Replaces `let`s by their definitions.
pub(crate) fn inline_lets(neuron: &Neuron, e: Expr) -> Expr {
    e.map(&mut |e| match e {
        Expr::Var(v) => match &neuron.vars[v].kind {
            VarKind::Let(value) => inline_lets(neuron, value.clone()),
            _ => Expr::Var(v),
        },
        other => other,
    })
}

impl Context for Checker {
    fn name(&mut self, infer: &mut Infer, name: &str, span: Span) -> Option<(Expr, Ty)> {
        if let Some(found) = self.resolve(infer, name, span) {
            return Some(found);
        }
        let time = || Ty { kind: Kind::Number, dim: Some(Dim::TIME), unit: crate::units::lookup("ms") };
        match name {
            "t" => return Some((Expr::Time, time())),
            "dt" => return Some((Expr::Dt, time())),
            _ => {}
        }
        let noise = if name == "xi" { Some(self.out.n_noises) } else { self.noises.get(name).copied() };
        if let Some(id) = noise {
            if name == "xi" {
                self.out.n_noises += 1;
            }
            if self.place != Place::Equation {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0512,
                        span,
                        "white noise can only stand in an equation",
                        "has no value by itself",
                    )
                    .help("use `normal(0, 1)` for a random number in a handler"),
                );
            }
            return Some((Expr::Noise(id), Ty::number(Dim::TIME.pow(Ratio::new(-1, 2)))));
        }
        self.out.event(name).map(|e| (Expr::Fired(e), Ty::of(Kind::Bool)))
    }

    fn path(&mut self, infer: &mut Infer, e: &ast::Expr) -> Option<(Expr, Ty)> {
        let dotted = dotted(e)?;
        if let Some(found) = self.resolve(infer, &dotted, e.span) {
            return Some(found);
        }
        let known: Vec<String> = self.declared.iter().map(|d| d.name.clone()).collect();
        let (owner, member) = dotted.rsplit_once('.')?;
        let members: Vec<&str> = known.iter().filter_map(|k| k.strip_prefix(&format!("{owner}."))).collect();
        infer.diagnostics.push(if members.is_empty() {
            errors::unknown_name(owner, e.span, self.compartments.keys().map(String::as_str))
        } else {
            errors::no_member(&format!("`{owner}`"), member, e.span, members)
        });
        Some((Expr::Num(0.0), Ty::error()))
    }

    fn call(&mut self, infer: &mut Infer, name: &str, args: &[ast::Arg], span: Span) -> Option<(Expr, Ty)> {
        let (draw, arity) = match name {
            "uniform" => (Draw::Uniform, 2),
            "normal" => (Draw::Normal, 2),
            "random" => (Draw::Uniform, 0),
            _ => return None,
        };
        if args.len() != arity {
            infer.diagnostics.push(errors::wrong_arity(name, &arity.to_string(), args.len(), span));
            return Some((Expr::Num(0.0), Ty::error()));
        }
        if self.place != Place::Event {
            infer.diagnostics.push(
                Diagnostic::at(Code::E0512, span, "a random draw can only stand in `emit`", "drawn outside an event")
                    .help("use `xi` for white noise in an equation"),
            );
            return Some((Expr::Num(0.0), Ty::error()));
        }
        let typed: Vec<(Expr, Ty)> = args.iter().map(|a| infer.number(self, &a.value)).collect();
        let ty = typed.first().map_or(Ty::in_unit(crate::units::Unit::one()), |t| t.1.clone());
        if let [a, b] = &typed[..]
            && !a.1.same_dim(&b.1)
        {
            infer.diagnostics.push(errors::cannot_compare((&a.1, args[0].value.span), (&b.1, args[1].value.span)));
        }
        let mut values: Vec<Expr> = typed.into_iter().map(|t| t.0).collect();
        if values.is_empty() {
            values = vec![Expr::Num(0.0), Expr::Num(1.0)];
        }
        let id = self.out.n_draws;
        self.out.n_draws += 1;
        Some((Expr::Draw(id, draw, values), ty))
    }

    fn since(&mut self, _: &mut Infer, name: &Name, _: bool) -> Option<(Expr, Ty)> {
        self.out.event(&name.text).map(|e| (Expr::Since(e), Ty::number(Dim::TIME)))
    }

    fn known_names(&self) -> Vec<String> {
        let prefix = &self.scopes[self.scope].prefix;
        self.declared.iter().map(|d| d.name.strip_prefix(prefix.as_str()).unwrap_or(&d.name).to_string()).collect()
    }

    fn known_functions(&self) -> Vec<&'static str> {
        vec!["uniform", "normal", "random", "since"]
    }
}

/// Spells a chain of members as a dotted name.
pub(crate) fn dotted(e: &ast::Expr) -> Option<String> {
    match &e.kind {
        ExprKind::Name(n) => Some(n.clone()),
        ExprKind::Member(base, name) => Some(format!("{}.{}", dotted(base)?, name.text)),
        _ => None,
    }
}
