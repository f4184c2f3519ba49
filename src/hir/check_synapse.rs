//! Checks a synapse for the cells and the port one projection connects.

use super::expr::{Expr, Op, VarId};
use super::infer::{Context, Infer};
use super::neuron::dotted;
use super::*;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::ast::{self, ModelItem, Name};
use crate::units::{Dim, Unit};
use std::collections::HashMap;

/// The projection in which a synapse is used.
pub struct SynapseUse<'a> {
    /// Model of the presynaptic cells.
    pub pre: &'a Neuron,
    /// Model of the postsynaptic cells.
    pub post: &'a Neuron,
    /// The target port.
    pub port: VarId,
    /// Where the projection is written.
    pub span: Span,
}

/// Checks a synapse model in one use; units of weight and `deliver` follow from the port.
pub fn check_synapse(module: &Module, model: &ast::Model, use_: &SynapseUse, diagnostics: &mut Diagnostics) -> Synapse {
    let mut checker = Checker {
        out: Synapse { name: model.name.text.clone(), ..Synapse::default() },
        use_,
        names: HashMap::new(),
        cells: HashMap::new(),
    };
    let mut infer = Infer { module, diagnostics, depth: 0 };
    checker.declare(&mut infer, model);
    checker.body(&mut infer, model);
    checker.places(&mut infer);
    checker.continuous(&mut infer, model);
    checker.out
}

struct Checker<'a> {
    out: Synapse,
    use_: &'a SynapseUse<'a>,
    names: HashMap<String, VarId>,
    cells: HashMap<String, VarId>,
}

impl Checker<'_> {
    fn add(&mut self, infer: &mut Infer, name: &Name, kind: VarKind, ty: Ty) -> VarId {
        if let Some(&first) = self.names.get(&name.text) {
            infer.diagnostics.push(errors::declared_twice(&name.text, name.span, self.out.vars[first].span));
            return first;
        }
        let dim = ty.dim.unwrap_or(Dim::ONE);
        let var =
            Var { name: name.text.clone(), kind, dim, unit: ty.unit, boolean: false, cable: None, span: name.span };
        let id = self.out.vars.push(var);
        self.names.insert(name.text.clone(), id);
        id
    }

    /// The unit of the weight: declared, or that of the port.
    fn weight_type(&self, infer: &mut Infer, model: &ast::Model) -> Ty {
        let port = &self.use_.post.vars[self.use_.port];
        let declared = model.body.iter().find_map(|item| match item {
            ModelItem::Weight(_, unit, _) => unit.as_ref(),
            _ => None,
        });
        let declared = declared.and_then(|u| resolve_unit(infer.module, u, infer.diagnostics)).map(Ty::in_unit);
        declared.unwrap_or(Ty { kind: Kind::Number, dim: Some(port.dim), unit: port.unit.clone() })
    }

    fn declare(&mut self, infer: &mut Infer, model: &ast::Model) {
        let weight = self.weight_type(infer, model);
        for item in &model.body {
            match item {
                ModelItem::Params(bindings) => {
                    for b in bindings {
                        let value = b.value.as_ref().map(|v| infer.number(self, v));
                        let declared = b
                            .unit
                            .as_ref()
                            .and_then(|u| resolve_unit(infer.module, u, infer.diagnostics))
                            .map(Ty::in_unit);
                        // Without unit and value a parameter is in the unit of the weight, as the weight is in the port's.
                        let ty = declared.or(value.as_ref().map(|v| v.1.clone())).unwrap_or(weight.clone());
                        self.add(infer, &b.name, VarKind::Param(value.map(|v| v.0)), ty);
                    }
                }
                ModelItem::States(states) => {
                    for s in states {
                        let value = s.init.as_ref().map(|v| infer.number(self, v));
                        let declared = s
                            .unit
                            .as_ref()
                            .and_then(|u| resolve_unit(infer.module, u, infer.diagnostics))
                            .map(Ty::in_unit);
                        let ty = declared.or(value.as_ref().map(|v| v.1.clone())).unwrap_or(Ty::number(Dim::ONE));
                        let id = self.add(infer, &s.name, VarKind::State(value.map_or(Expr::Num(0.0), |v| v.0)), ty);
                        self.bounds(infer, id, s.bounds.as_ref());
                        if let Some(per) = &s.per {
                            let place = match per.text.as_str() {
                                "pre" => Place::Pre,
                                "post" => Place::Post,
                                "synapse" => Place::Synapse,
                                other => {
                                    let what = format!("per {other}");
                                    infer.diagnostics.push(crate::syntax::unsupported(per.span, &what));
                                    continue;
                                }
                            };
                            self.out.asserted.push((id, place, per.span));
                        }
                    }
                }
                ModelItem::Weight(name, _, bounds) => {
                    let id = self.add(infer, name, VarKind::Weight, weight.clone());
                    self.bounds(infer, id, bounds.as_ref());
                }
                ModelItem::Let(name, e) => {
                    let (value, ty) = infer.number(self, e);
                    let id = self.add(infer, name, VarKind::Let(value), ty);
                    self.out.lets.push(id);
                }
                _ => {}
            }
        }
    }

    /// Checks `in lo .. hi`, which is applied at every write.
    fn bounds(&mut self, infer: &mut Infer, id: VarId, range: Option<&ast::Expr>) {
        let Some(range) = range else { return };
        let ast::ExprKind::Binary(ast::BinOp::Range, lo, hi) = &range.kind else {
            infer.diagnostics.push(Diagnostic::at(Code::E0401, range.span, "bounds are a range", "write `lo .. hi`"));
            return;
        };
        let expected = Ty::number(self.out.vars[id].dim);
        let mut one = |this: &mut Self, e: &ast::Expr| {
            let (value, ty) = infer.number(this, e);
            if !ty.is_error() && !ty.same_dim(&expected) {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0308,
                        e.span,
                        format!("this bound of `{}` has another unit", this.out.vars[id].name),
                        format!("expected {}, found {}", expected.describe(), ty.describe()),
                    )
                    .label(this.out.vars[id].span, "declared here"),
                );
            }
            value
        };
        let (lo, hi) = (one(self, lo), one(self, hi));
        self.out.bounds.push((id, lo, hi));
    }

    fn body(&mut self, infer: &mut Infer, model: &ast::Model) {
        for item in &model.body {
            match item {
                ModelItem::Equation(name, rhs) => {
                    let Some(&state) = self.names.get(&name.text) else {
                        infer.diagnostics.push(errors::unknown_name(
                            &name.text,
                            name.span,
                            self.names.keys().map(String::as_str),
                        ));
                        continue;
                    };
                    let var = self.out.vars[state].clone();
                    if matches!(var.kind, VarKind::Weight) {
                        infer.diagnostics.push(self.plastic(name.span, "a weight with an equation"));
                        continue;
                    }
                    let (value, ty) = infer.number(self, rhs);
                    let expected = Ty::number(var.dim / Dim::TIME);
                    if !ty.is_error() && !ty.same_dim(&expected) {
                        infer
                            .diagnostics
                            .push(errors::mismatched_equation(&name.text, var.span, &expected, &ty, rhs.span));
                    }
                    if !ty.is_error() && !self.advances_exactly(state, &value) {
                        infer
                            .diagnostics
                            .push(self.plastic(rhs.span, "a state that cannot be advanced exactly between events"));
                        continue;
                    }
                    self.out.equations.push(Equation { state, rhs: value, span: rhs.span });
                }
                ModelItem::On(trigger, body, span) => self.on(infer, trigger, body, *span),
                ModelItem::Deliver(e) => {
                    let (value, ty) = infer.number(self, e);
                    self.fits_port(infer, &ty, e.span, false);
                    self.out.deliver = Some(match self.out.deliver.take() {
                        Some(other) => Expr::bin(Op::Add, other, value),
                        None => value,
                    });
                }
                ModelItem::Unsupported(name) => {
                    infer.diagnostics.push(crate::syntax::unsupported(name.span, &name.text))
                }
                ModelItem::Params(_) | ModelItem::States(_) | ModelItem::Weight(..) | ModelItem::Let(..) => {}
                _ => infer.diagnostics.push(Diagnostic::at(
                    Code::E0401,
                    model.name.span,
                    format!("synapse `{}` holds a declaration of a neuron", model.name.text),
                    "this synapse",
                )),
            }
        }
    }

    /// Refuses what a contribution at every step does not follow yet: states, and a weight that changes.
    fn continuous(&self, infer: &mut Infer, model: &ast::Model) {
        let Some(deliver) = &self.out.deliver else { return };
        let span = model.body.iter().find_map(|item| match item {
            ModelItem::Deliver(e) => Some(e.span),
            _ => None,
        });
        let changes = |v: VarId| match self.out.vars[v].kind {
            VarKind::State(_) => true,
            VarKind::Weight => self.out.handlers.iter().any(|h| crate::solve::writes(&h.body, v)),
            _ => false,
        };
        let reads = self.out.inline(deliver.clone()).any(&mut |e| matches!(e, Expr::Var(v) if changes(*v)));
        if let Some(span) = span.filter(|_| reads) {
            let what = "a contribution at every step that depends on states or a changing weight";
            infer.diagnostics.push(crate::syntax::unsupported(span, what));
        }
    }

    /// Compares where states are said to live with where they do.
    fn places(&self, infer: &mut Infer) {
        let found = crate::solve::places(&self.out, true);
        for (state, place, span) in &self.out.asserted {
            let inferred = found.get(state).copied().unwrap_or(Place::Synapse);
            if inferred == *place {
                continue;
            }
            let name = &self.out.vars[*state].name;
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0702,
                    *span,
                    format!("`{name}` cannot be kept {place}"),
                    format!("it lives {inferred}"),
                )
                .note("a state that only events of one side change, by values of that side, is kept once per cell")
                .help(format!("write `state {name} {inferred}`, or leave it out")),
            );
        }
    }

    /// Between events a state is advanced in one go, which needs `x' = a x + b` with constants a and b.
    fn advances_exactly(&self, state: VarId, rhs: &Expr) -> bool {
        let constant = |e: &Expr| {
            !e.any(&mut |e| match e {
                Expr::Var(v) => !matches!(self.out.vars[*v].kind, VarKind::Param(_)),
                Expr::Dt => true,
                _ => false,
            })
        };
        crate::math::linear_in(&self.out.inline(rhs.clone()), state).is_some_and(|l| {
            constant(&crate::math::simplify(l.coefficient)) && constant(&crate::math::simplify(l.rest))
        })
    }

    fn plastic(&self, span: Span, what: &str) -> Diagnostic {
        Diagnostic::at(Code::E0701, span, format!("{what} is not supported yet"), "changes during the run")
            .note("states and weights change at events of the two cells, and states decay exactly between them")
    }

    fn on(&mut self, infer: &mut Infer, trigger: &Name, body: &[ast::Stmt], span: Span) {
        let (side, event) = match trigger.text.split_once('.') {
            Some(("pre", event)) => (Side::Pre, event),
            Some(("post", event)) => (Side::Post, event),
            _ => {
                let place = Span { end: trigger.span.end, ..span };
                infer.diagnostics.push(self.plastic(place, &format!("`on {}`", trigger.text)));
                return;
            }
        };
        let (word, cell) = match side {
            Side::Pre => ("pre", self.use_.pre),
            Side::Post => ("post", self.use_.post),
        };
        if cell.event(event).is_none() {
            let known: Vec<&str> = cell.events.values().map(|e| e.name.as_str()).collect();
            let help =
                crate::diag::nearest(event, known.iter().copied()).map(|n| format!("did you mean `{word}.{n}`?"));
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0607,
                    self.use_.span,
                    format!("`{}` emits no `{event}`", cell.name),
                    "this projection needs it",
                )
                .label(trigger.span, "waits for it here")
                .note(if known.is_empty() {
                    "it emits no events".to_string()
                } else {
                    format!("it emits {}", errors::list(&known))
                })
                .maybe_help(help),
            );
            return;
        }
        let post_deliver = body.iter().find_map(|s| match s {
            ast::Stmt::Deliver(e) if side == Side::Post => Some(e.span),
            _ => None,
        });
        if let Some(span) = post_deliver {
            infer.diagnostics.push(crate::syntax::unsupported(span, "deliver at a postsynaptic event"));
        }
        let statements = self.statements(infer, body);
        self.out.handlers.push(Handler { side, event: event.to_string(), body: statements });
    }

    fn statements(&mut self, infer: &mut Infer, body: &[ast::Stmt]) -> Vec<Stmt> {
        let mut out = Vec::new();
        for s in body {
            match s {
                ast::Stmt::Assign(target, op, value) => {
                    let (rhs, ty) = infer.number(self, value);
                    let Some(&id) = self.names.get(&target.text) else {
                        infer.diagnostics.push(errors::unknown_name(
                            &target.text,
                            target.span,
                            self.names.keys().map(String::as_str),
                        ));
                        continue;
                    };
                    let var = self.out.vars[id].clone();
                    match var.kind {
                        VarKind::State(_) | VarKind::Weight => {}
                        _ => {
                            infer.diagnostics.push(errors::not_assignable(
                                &target.text,
                                "not a state",
                                target.span,
                                Some(var.span),
                            ));
                            continue;
                        }
                    }
                    let scaling = matches!(op, Some(ast::BinOp::Mul | ast::BinOp::Div));
                    let needed = if scaling { Ty::number(Dim::ONE) } else { Ty::number(var.dim) };
                    if !ty.is_error() && !ty.same_dim(&needed) {
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
                    out.push(Stmt::Assign(
                        id,
                        match op {
                            None => rhs,
                            Some(ast::BinOp::Add) => Expr::bin(Op::Add, own, rhs),
                            Some(ast::BinOp::Sub) => Expr::bin(Op::Sub, own, rhs),
                            Some(ast::BinOp::Mul) => Expr::bin(Op::Mul, own, rhs),
                            Some(_) => Expr::bin(Op::Div, own, rhs),
                        },
                    ));
                }
                ast::Stmt::If(c, a, b) => {
                    let c = infer.condition(self, c);
                    out.push(Stmt::If(c, self.statements(infer, a), self.statements(infer, b)));
                }
                ast::Stmt::Deliver(e) => {
                    let (value, ty) = infer.number(self, e);
                    self.fits_port(infer, &ty, e.span, true);
                    if let Some(w) = self.out.weight()
                        && crate::math::linear_in(&self.out.inline(value.clone()), w)
                            .is_none_or(|l| l.rest != Expr::Num(0.0) && l.coefficient != Expr::Num(0.0))
                    {
                        infer.diagnostics.push(
                            Diagnostic::at(
                                Code::E0611,
                                e.span,
                                "`deliver` in a handler must be proportional to the weight",
                                "not of the form `weight * factor`",
                            )
                            .help("write `deliver w * x` with `x` free of the weight"),
                        );
                    }
                    out.push(Stmt::Deliver(value));
                }
                ast::Stmt::Hold(names, _) => {
                    if let Some(n) = names.first() {
                        infer.diagnostics.push(Diagnostic::at(
                            Code::E0508,
                            n.span,
                            "a synapse cannot hold a state",
                            "belongs to a neuron",
                        ));
                    }
                }
                ast::Stmt::Mute(n, _) => infer.diagnostics.push(Diagnostic::at(
                    Code::E0508,
                    n.span,
                    "a synapse cannot mute an event",
                    "belongs to a neuron",
                )),
            }
        }
        out
    }

    fn fits_port(&self, infer: &mut Infer, ty: &Ty, span: Span, event: bool) {
        let port = &self.use_.post.vars[self.use_.port];
        let is_event = matches!(port.kind, VarKind::EventPort);
        if event != is_event {
            let (deliver, kind, fix) = if event {
                ("delivers events", "analog", format!("declare it with `event input {}`", port.name))
            } else {
                ("delivers at every step", "an event port", format!("declare it with `input {}`", port.name))
            };
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0608,
                    self.use_.span,
                    format!("synapse `{}` {deliver}, but `{}` is {kind}", self.out.name, port.name),
                    "this projection",
                )
                .label(port.span, "the port")
                .help(fix),
            );
            return;
        }
        let expected = Ty { kind: Kind::Number, dim: Some(port.dim), unit: port.unit.clone() };
        if !ty.is_error() && !ty.same_dim(&expected) {
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0309,
                    span,
                    format!("what `{}` delivers does not fit port `{}`", self.out.name, port.name),
                    format!("this is {}", ty.describe()),
                )
                .label(port.span, format!("the port takes {}", expected.describe()))
                .label(self.use_.span, "in this projection"),
            );
        }
    }

    fn cell_variable(&mut self, infer: &mut Infer, side: &str, member: &str, span: Span) -> (Expr, Ty) {
        let neuron = if side == "pre" { self.use_.pre } else { self.use_.post };
        let key = format!("{side}.{member}");
        let Some(var) = neuron.var(member) else {
            let known: Vec<&str> = neuron.vars.values().map(|v| v.name.as_str()).collect();
            infer.diagnostics.push(
                errors::no_member(&format!("`{}`", neuron.name), member, span, known)
                    .label(self.use_.span, "in this projection"),
            );
            return (Expr::Num(0.0), Ty::error());
        };
        let v = neuron.vars[var].clone();
        let value = Expr::Var(var);
        if neuron.reads_segments(&value) {
            infer
                .diagnostics
                .push(crate::syntax::unsupported(span, "reading a cable of several segments in a synapse"));
        } else if neuron.reads_update(&value) {
            let what = "reading what depends on events or random numbers of the cell in a synapse";
            infer.diagnostics.push(crate::syntax::unsupported(span, what));
        }
        let id = *self.cells.entry(key.clone()).or_insert_with(|| {
            let kind = if side == "pre" { VarKind::Pre(var) } else { VarKind::Post(var) };
            self.out.vars.push(Var { name: key, kind, ..v.clone() })
        });
        (Expr::Var(id), Ty { kind: Kind::Number, dim: Some(v.dim), unit: v.unit })
    }
}

impl Context for Checker<'_> {
    fn name(&mut self, _: &mut Infer, name: &str, _: Span) -> Option<(Expr, Ty)> {
        if name == "dt" {
            return Some((Expr::Dt, Ty { kind: Kind::Number, dim: Some(Dim::TIME), unit: crate::units::lookup("ms") }));
        }
        let id = *self.names.get(name)?;
        let v = &self.out.vars[id];
        Some((
            Expr::Var(id),
            Ty {
                kind: Kind::Number,
                dim: Some(v.dim),
                unit: v.unit.clone().or_else(|| (v.dim == Dim::ONE).then(Unit::one)),
            },
        ))
    }

    fn path(&mut self, infer: &mut Infer, e: &ast::Expr) -> Option<(Expr, Ty)> {
        let path = dotted(e)?;
        let (side, member) = path.split_once('.')?;
        if side != "pre" && side != "post" {
            infer.diagnostics.push(errors::unknown_name(side, e.span, ["pre", "post"]));
            return Some((Expr::Num(0.0), Ty::error()));
        }
        Some(self.cell_variable(infer, side, member, e.span))
    }

    fn call(&mut self, _: &mut Infer, _: &str, _: &[ast::Arg], _: Span) -> Option<(Expr, Ty)> {
        None
    }

    fn known_names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }
}
