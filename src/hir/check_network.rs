//! Checks networks: names, models, ports, and the units of every clause.

use super::check_neuron::dotted;
use super::expr::Expr;
use super::functions::{self, Gives, Wants};
use super::infer::{Context, Infer};
use super::*;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::ast::{self, Clause, ExprKind, Name, NetworkItem, Value, ViewPath};
use crate::units::Dim;

/// The names visible in a network or an experiment, and what they are.
#[derive(Default)]
pub(super) struct World {
    /// Innermost last.
    pub names: Vec<(String, Ty)>,
    /// Whether `pre`, `post` and `d` have a meaning here, and the type of `d`.
    pub pair: Option<Ty>,
    /// Whether `i`, the index of the cell, has a meaning here.
    pub cell: bool,
    /// Whether `t` has a meaning here.
    pub time: bool,
}

impl World {
    pub fn find(&self, name: &str) -> Option<&Ty> {
        self.names.iter().rev().find(|(n, _)| n == name).map(|(_, t)| t)
    }

    pub fn declare(&mut self, infer: &mut Infer, name: &Name, ty: Ty) {
        if matches!(name.text.as_str(), "t" | "dt" | "pi" | "inf" | "i" | "pre" | "post") {
            infer.diagnostics.push(errors::reserved(&name.text, name.span));
        } else if name.text.chars().count() > 1 && crate::units::lookup(&name.text).is_some() {
            infer.diagnostics.push(errors::unit_clash(&name.text, name.span));
        }
        self.names.push((name.text.clone(), ty));
    }

    /// Declares formals; their defaults give their types.
    pub fn formals(&mut self, infer: &mut Infer, formals: &[ast::Binding]) {
        for b in formals {
            let mut ty = Ty::any_number();
            if let Some(v) = &b.value {
                ty = infer.expr(self, v).1;
            }
            if let Some(u) = &b.unit
                && u.factors.first().is_none_or(|f| f.0.text != "int")
                && let Some(unit) = resolve_unit(infer.module, u, infer.diagnostics)
            {
                let declared = Ty::in_unit(unit);
                if let Some(v) = &b.value
                    && !ty.is_error()
                    && !ty.same_dim(&declared)
                {
                    infer.diagnostics.push(errors::wrong_unit(
                        &format!("`{}`", b.name.text),
                        &declared,
                        &ty,
                        v.span,
                        Some(b.name.span),
                    ));
                }
                ty = declared;
            }
            self.declare(infer, &b.name, ty);
        }
    }

    /// Resolves `population` or `network.population` written as a path in a network body.
    pub fn path_type(&mut self, infer: &mut Infer, path: &str, span: Span) -> Ty {
        let mut parts = path.split('.');
        let first = parts.next().unwrap_or_default();
        let Some(mut ty) = self.find(first).cloned() else {
            let names: Vec<String> = self.known_names();
            infer.diagnostics.push(errors::unknown_name(first, span, names.iter().map(String::as_str)));
            return Ty::error();
        };
        let rest: Vec<&str> = parts.collect();
        let mut i = 0;
        while i < rest.len() {
            let (next, used) = member(infer, &ty, &rest[i..], span);
            ty = next;
            i += used;
        }
        ty
    }

    /// Resolves a view with its tail; returns the type of the whole.
    pub fn view_type(&mut self, infer: &mut Infer, v: &ViewPath) -> Ty {
        let mut ty = self.path_type(infer, &v.path.text, v.path.span);
        for e in v.index.iter().flatten() {
            self.index(infer, e);
        }
        if let Some(tail) = &v.tail {
            let parts: Vec<&str> = tail.text.split('.').collect();
            let mut i = 0;
            while i < parts.len() {
                let (next, used) = member(infer, &ty, &parts[i..], tail.span);
                ty = next;
                i += used;
            }
        }
        ty
    }

    fn index(&mut self, infer: &mut Infer, e: &ast::Expr) {
        let (_, ty) = infer.expr(self, e);
        if !ty.is_error() && (!matches!(ty.kind, Kind::Number | Kind::Range) || !ty.same_dim(&Ty::number(Dim::ONE))) {
            infer.diagnostics.push(errors::wrong_kind("an index", &ty, e.span));
        }
    }

    /// Checks a weight, delay or initial value against the expected type.
    pub fn value(&mut self, infer: &mut Infer, value: &Value, what: &str, expected: &Ty) {
        match value {
            Value::Expr(e) => {
                infer.quantity(self, e, what, expected, None);
            }
            Value::Distribution(d) => {
                infer.quantity(self, &d.call, what, expected, None);
                let ok = matches!(&d.call.kind, ExprKind::Call(f, _) if matches!(&f.kind, ExprKind::Name(n) if DISTRIBUTIONS.contains(&n.as_str())));
                if !ok {
                    infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0401,
                            d.call.span,
                            "expected a distribution after `~`",
                            "not a distribution",
                        )
                        .help(format!("use one of {}", errors::list(&DISTRIBUTIONS))),
                    );
                }
                if let Some((_, range)) = &d.bound {
                    let (_, ty) = infer.expr(self, range);
                    if !ty.is_error() && (ty.kind != Kind::Range || !ty.same_dim(expected)) {
                        infer.diagnostics.push(errors::wrong_unit("the bound", expected, &ty, range.span, None));
                    }
                }
            }
        }
    }
}

pub(crate) const DISTRIBUTIONS: [&str; 4] = ["normal", "lognormal", "uniform", "exponential"];
const CONNECTORS: [&str; 7] =
    ["all_to_all", "one_to_one", "fixed_probability", "fixed_in_degree", "fixed_out_degree", "fixed_total", "distance"];

/// Resolves one member; compartments join with what follows. Returns the type and how many parts were used.
pub(super) fn member(infer: &mut Infer, base: &Ty, parts: &[&str], span: Span) -> (Ty, usize) {
    match &base.kind {
        Kind::Error => (Ty::error(), parts.len()),
        Kind::Network(name) => {
            let members = network_members(infer.module, name);
            match members.iter().find(|(n, _)| n == parts[0]) {
                Some((_, ty)) => (ty.clone(), 1),
                None => {
                    infer.diagnostics.push(errors::no_member(
                        &format!("network `{name}`"),
                        parts[0],
                        span,
                        members.iter().map(|(n, _)| n.as_str()),
                    ));
                    (Ty::error(), parts.len())
                }
            }
        }
        Kind::Population(model) => {
            let Some(neuron) = infer.module.neurons.get(model) else { return (Ty::error(), parts.len()) };
            let path = parts.join(".");
            if let Some(v) = neuron.var(&path) {
                let v = &neuron.vars[v];
                return (Ty { kind: Kind::Number, dim: Some(v.dim), unit: v.unit.clone() }, parts.len());
            }
            // The number of cells, unless the model has a variable of this name.
            if parts == ["n"] {
                return (Ty::number(Dim::ONE), 1);
            }
            if neuron.event(&path).is_some() {
                return (Ty::of(Kind::Events), parts.len());
            }
            let known =
                neuron.vars.values().map(|v| v.name.as_str()).chain(neuron.events.values().map(|e| e.name.as_str()));
            infer.diagnostics.push(errors::no_member(&format!("`{model}`"), &path, span, known.collect::<Vec<_>>()));
            (Ty::error(), parts.len())
        }
        Kind::Table => (Ty::any_number(), 1),
        _ => {
            infer.diagnostics.push(errors::no_member("this value", parts[0], span, []));
            (Ty::error(), parts.len())
        }
    }
}

/// Lists what a network makes visible: parameters, populations, views, projections, nested networks.
pub(super) fn network_members(module: &Module, name: &str) -> Vec<(String, Ty)> {
    let mut out = Vec::new();
    if let Some(network) = module.networks.get(name) {
        for b in &network.formals {
            out.push((b.name.text.clone(), Ty::any_number()));
        }
        collect_members(module, &network.body, &mut out);
    }
    out
}

fn collect_members(module: &Module, body: &[NetworkItem], out: &mut Vec<(String, Ty)>) {
    for item in body {
        match item {
            NetworkItem::Population { name, model, .. } => {
                out.push((name.text.clone(), Ty::of(Kind::Population(model.text.clone()))))
            }
            NetworkItem::Network { name, model, .. } => {
                out.push((name.text.clone(), Ty::of(Kind::Network(model.text.clone()))))
            }
            NetworkItem::View(name, v) => {
                let first = v.path.text.split('.').next().unwrap_or_default();
                if let Some((_, ty)) = out.iter().find(|(n, _)| n == first) {
                    let mut ty = ty.clone();
                    for part in v.path.text.split('.').skip(1) {
                        if let Kind::Network(n) = &ty.kind {
                            let inner = network_members(module, n);
                            ty = inner.into_iter().find(|(n, _)| n == part).map_or(Ty::error(), |(_, t)| t);
                        }
                    }
                    out.push((name.text.clone(), ty));
                }
            }
            NetworkItem::Projection(p) => {
                if let Some(name) = &p.name {
                    out.push((name.text.clone(), Ty::of(Kind::Projection)));
                }
            }
            NetworkItem::Let(name, _) => out.push((name.text.clone(), Ty::any_number())),
            NetworkItem::Params(bindings) => {
                out.extend(bindings.iter().map(|b| (b.name.text.clone(), Ty::any_number())))
            }
            NetworkItem::For(_, _, body) => collect_members(module, body, out),
            NetworkItem::If(_, a, b) => {
                collect_members(module, a, out);
                collect_members(module, b, out);
            }
            NetworkItem::Init(..) | NetworkItem::Drive(_) => {}
        }
    }
}

/// Checks a network declaration.
pub(super) fn check_network(module: &Module, network: &ast::Network, diagnostics: &mut Diagnostics) {
    let mut infer = Infer { module, diagnostics, depth: 0 };
    let mut world = World::default();
    world.formals(&mut infer, &network.formals);
    items(&mut infer, &mut world, &network.body, &network.name.text);
}

fn items(infer: &mut Infer, world: &mut World, body: &[NetworkItem], own: &str) {
    for item in body {
        match item {
            NetworkItem::Population { name, model, args, shape, spacing, .. } => {
                let ty = match infer.module.neurons.get(&model.text).cloned() {
                    Some(neuron) => {
                        let params: Vec<(String, Ty, Span)> = neuron
                            .params()
                            .map(|(_, v)| {
                                (
                                    v.name.clone(),
                                    Ty { kind: Kind::Number, dim: Some(v.dim), unit: v.unit.clone() },
                                    v.span,
                                )
                            })
                            .collect();
                        world.cell = true;
                        arguments(infer, world, &model.text, args, &params);
                        world.cell = false;
                        Ty::of(Kind::Population(model.text.clone()))
                    }
                    None => {
                        let known: Vec<&str> = infer.module.neurons.keys().map(String::as_str).collect();
                        infer.diagnostics.push(errors::unknown_model("neuron", model, known));
                        Ty::error()
                    }
                };
                for s in shape {
                    infer.quantity(world, s, "a size", &Ty::number(Dim::ONE), None);
                }
                if let Some(s) = spacing {
                    infer.quantity(world, s, "the spacing", &Ty::number(Dim::LENGTH), None);
                }
                if world.find(&name.text).is_some() {
                    infer.diagnostics.push(errors::declared_twice(&name.text, name.span, name.span));
                }
                world.declare(infer, name, ty);
            }
            NetworkItem::Network { name, model, args, span } => {
                if model.text == own {
                    infer.diagnostics.push(Diagnostic::at(
                        Code::E0503,
                        *span,
                        format!("network `{own}` contains itself"),
                        "endless nesting",
                    ));
                }
                let ty = network_type(infer, world, model, args);
                world.declare(infer, name, ty);
            }
            NetworkItem::Init(paths, value) => {
                for path in paths {
                    let ty = world.view_type(infer, path);
                    if ty.is_error() {
                        continue;
                    }
                    if ty.kind != Kind::Number {
                        infer.diagnostics.push(errors::wrong_kind("a state or parameter", &ty, path.span));
                        continue;
                    }
                    world.cell = true;
                    world.value(infer, value, "the initial value", &ty);
                    world.cell = false;
                }
            }
            NetworkItem::Projection(p) => {
                projection(infer, world, p);
                if let Some(name) = &p.name {
                    world.declare(infer, name, Ty::of(Kind::Projection));
                }
            }
            NetworkItem::Drive(d) => drive(infer, world, d),
            NetworkItem::View(name, v) => {
                let ty = world.view_type(infer, v);
                world.declare(infer, name, ty);
            }
            NetworkItem::Let(name, e) => {
                let ty = infer.expr(world, e).1;
                world.declare(infer, name, ty);
            }
            NetworkItem::Params(bindings) => world.formals(infer, bindings),
            NetworkItem::For(name, range, body) => {
                let ty = infer.expr(world, range).1;
                let depth = world.names.len();
                world.declare(infer, name, Ty { kind: Kind::Number, ..ty });
                items(infer, world, body, own);
                world.names.truncate(depth);
            }
            NetworkItem::If(c, a, b) => {
                infer.condition(world, c);
                items(infer, world, a, own);
                items(infer, world, b, own);
            }
        }
    }
}

/// Checks the arguments of a model or network against its parameters.
pub(super) fn arguments(
    infer: &mut Infer,
    world: &mut World,
    model: &str,
    args: &[ast::Arg],
    params: &[(String, Ty, Span)],
) {
    for (i, a) in args.iter().enumerate() {
        let found = match &a.name {
            Some(n) => {
                let p = params.iter().find(|p| p.0 == n.text);
                if p.is_none() {
                    infer.diagnostics.push(errors::unknown_parameter(model, n, params.iter().map(|p| p.0.as_str())));
                }
                p
            }
            None => {
                let p = params.get(i);
                if p.is_none() {
                    infer.diagnostics.push(errors::wrong_arity(
                        model,
                        &format!("at most {}", params.len()),
                        args.len(),
                        a.value.span,
                    ));
                }
                p
            }
        };
        match found {
            Some((name, ty, span)) => {
                let what = format!("parameter `{name}` of `{model}`");
                let (_, given) = infer.expr(world, &a.value);
                if !given.is_error()
                    && !ty.is_error()
                    && (given.kind != ty.kind && ty.dim.is_some() || !given.same_dim(ty))
                {
                    infer.diagnostics.push(errors::wrong_unit(&what, ty, &given, a.value.span, Some(*span)));
                }
            }
            None => {
                infer.expr(world, &a.value);
            }
        }
    }
}

/// Resolves `network x = Model(args)`.
pub(super) fn network_type(infer: &mut Infer, world: &mut World, model: &Name, args: &[ast::Arg]) -> Ty {
    let Some(network) = infer.module.networks.get(&model.text).cloned() else {
        let known: Vec<&str> = infer.module.networks.keys().map(String::as_str).collect();
        infer.diagnostics.push(errors::unknown_model("network", model, known));
        return Ty::error();
    };
    let mut silent = Diagnostics::default();
    let mut inner = Infer { module: infer.module, diagnostics: &mut silent, depth: 0 };
    let mut formals = World::default();
    formals.formals(&mut inner, &network.formals);
    let params: Vec<(String, Ty, Span)> =
        network.formals.iter().zip(formals.names).map(|(b, (name, ty))| (name, ty, b.name.span)).collect();
    arguments(infer, world, &model.text, args, &params);
    for b in &network.formals {
        let given = args.iter().any(|a| a.name.as_ref().is_some_and(|n| n.text == b.name.text));
        let position = network.formals.iter().position(|f| f.name == b.name).unwrap_or(0);
        if b.value.is_none() && !given && args.get(position).is_none_or(|a| a.name.is_some()) {
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0212,
                    model.span,
                    format!("parameter `{}` of `{}` has no value", b.name.text, model.text),
                    "value missing",
                )
                .label(b.name.span, "declared without a default")
                .help(format!("write `{}({} = …)`", model.text, b.name.text)),
            );
        }
    }
    Ty::of(Kind::Network(model.text.clone()))
}

/// Finds the port a target names; reports what is wrong with it.
fn target_port(infer: &mut Infer, world: &mut World, v: &ViewPath) -> Option<(Arc<Neuron>, VarId)> {
    // The port is the longest tail that names one: `exc.ex`, `pyr[0..10].soma.exc`, `net.exc.ex`.
    let (population, port, span) = match (&v.index, &v.tail) {
        (Some(_), Some(tail)) => (v.path.text.clone(), tail.text.clone(), tail.span),
        _ => {
            let parts: Vec<&str> = v.path.text.split('.').collect();
            let mut silent = Diagnostics::default();
            let mut quiet = Infer { module: infer.module, diagnostics: &mut silent, depth: 0 };
            let split = (1..=parts.len()).rev().find(|&k| {
                matches!(world.path_type(&mut quiet, &parts[..k].join("."), v.path.span).kind, Kind::Population(_))
            });
            match split {
                Some(k) => {
                    let tail = v.tail.as_ref().map(|t| t.text.clone()).unwrap_or_default();
                    let port = [parts[k..].join("."), tail]
                        .into_iter()
                        .filter(|s| !s.is_empty())
                        .collect::<Vec<_>>()
                        .join(".");
                    (parts[..k].join("."), port, v.span)
                }
                None => (v.path.text.clone(), String::new(), v.span),
            }
        }
    };
    for e in v.index.iter().flatten() {
        world.index(infer, e);
    }
    let ty = world.path_type(infer, &population, v.path.span);
    let Kind::Population(model) = &ty.kind else {
        if !ty.is_error() {
            infer.diagnostics.push(errors::wrong_kind("a population", &ty, v.span));
        }
        return None;
    };
    let neuron = infer.module.neurons.get(model)?.clone();
    let ports: Vec<&str> = neuron
        .vars
        .values()
        .filter(|v| matches!(v.kind, VarKind::EventPort | VarKind::AnalogPort(_)))
        .map(|v| v.name.as_str())
        .collect();
    let found =
        neuron.var(&port).filter(|&id| matches!(neuron.vars[id].kind, VarKind::EventPort | VarKind::AnalogPort(_)));
    if found.is_none() {
        let help =
            crate::diag::nearest(&port, ports.iter().copied()).map(|p| format!("did you mean `{population}.{p}`?"));
        let message = if port.is_empty() {
            format!("`{population}` needs a port")
        } else {
            format!("`{port}` is not a port of `{model}`")
        };
        let d = Diagnostic::at(Code::E0602, span, message, "a target is `population.port`");
        let d = if ports.is_empty() {
            d.note(format!("`{model}` has no ports"))
        } else {
            d.note(format!("`{model}` has the ports {}", errors::list(&ports)))
        };
        infer.diagnostics.push(d.maybe_help(help));
    }
    found.map(|id| (neuron, id))
}

fn projection(infer: &mut Infer, world: &mut World, p: &ast::Projection) {
    let mut sources: Vec<Ty> = Vec::new();
    for v in &p.sources {
        let ty = world.view_type(infer, v);
        if matches!(ty.kind, Kind::Population(_)) {
            sources.push(ty);
        } else if !ty.is_error() {
            infer.diagnostics.push(errors::wrong_kind("a population", &ty, v.span));
        }
    }
    let targets: Vec<_> = p.targets.iter().filter_map(|v| target_port(infer, world, v)).collect();
    let name = p.synapse.clone().unwrap_or(Name { text: "Static".into(), span: p.span });
    let Some(synapse) = infer.module.synapses.get(&name.text).cloned() else {
        let known: Vec<&str> = infer.module.synapses.keys().map(String::as_str).collect();
        infer.diagnostics.push(errors::unknown_model("synapse", &name, known));
        return;
    };
    let head = Span { end: p.targets.last().map_or(p.span.end, |t| t.span.end), ..p.span };
    for source in &sources {
        let Kind::Population(model) = &source.kind else { continue };
        let Some(pre) = infer.module.neurons.get(model).cloned() else { continue };
        for (post, port) in &targets {
            let use_ = SynapseUse { pre: &pre, post, port: *port, span: head };
            let checked = check_synapse(infer.module, &synapse, &use_, infer.diagnostics);
            let params: Vec<(String, Ty, Span)> = checked
                .vars
                .values()
                .filter(|v| matches!(v.kind, VarKind::Param(_)))
                .map(|v| (v.name.clone(), Ty { kind: Kind::Number, dim: Some(v.dim), unit: v.unit.clone() }, v.span))
                .collect();
            arguments(infer, world, &name.text, &p.args, &params);
            let weight = checked.vars.values().find(|v| matches!(v.kind, VarKind::Weight));
            let weight_ty = weight.map(|v| Ty { kind: Kind::Number, dim: Some(v.dim), unit: v.unit.clone() });
            clauses(infer, world, &p.clauses, weight_ty, &checked);
        }
    }
    if !p.clauses.iter().any(|c| {
        matches!(c, Clause::Connect(_) | Clause::ConnectFile(..) | Clause::ConnectWhere(_) | Clause::Unsupported(_))
    }) {
        infer.diagnostics.push(
            Diagnostic::at(
                Code::E0605,
                head,
                "this projection does not say which pairs to connect",
                "no `connect` clause",
            )
            .help("add `connect all_to_all`, `connect fixed_probability(0.1)`, …"),
        );
    }
}

fn clauses(infer: &mut Infer, world: &mut World, list: &[Clause], weight: Option<Ty>, synapse: &Synapse) {
    world.pair = Some(Ty::any_number());
    for clause in list {
        match clause {
            Clause::Connect(e) => connector(infer, world, e),
            Clause::ConnectWhere(e) => {
                infer.condition(world, e);
            }
            Clause::ConnectFile(_, args, _) => {
                for a in args {
                    match a.name.as_ref().map(|n| n.text.as_str()) {
                        Some("pre" | "post" | "where" | "equals" | "delimiter" | "ids" | "missing") => {}
                        Some("weight") => {
                            if let Some(ty) = &weight {
                                // Names that are declared nowhere else are columns of the file.
                                let depth = world.names.len();
                                let mut columns = Vec::new();
                                free_names(&a.value, &mut columns);
                                for name in columns {
                                    let known = world.find(name).is_some() || infer.module.constants.contains_key(name) || matches!(name, "pi" | "inf");
                                    if !known {
                                        world.names.push((name.to_string(), Ty::number(Dim::ONE)));
                                    }
                                }
                                let (_, given) = infer.expr(world, &a.value);
                                world.names.truncate(depth);
                                if !given.is_error() && given.kind == Kind::Number && !given.same_dim(ty) {
                                    infer.diagnostics.push(errors::wrong_unit("the weight", ty, &given, a.value.span, None));
                                }
                            }
                        }
                        Some("delay") => {}
                        _ => infer.diagnostics.push(
                            Diagnostic::at(Code::E0204, a.value.span, "`from` has no such argument", "unknown argument")
                                .note("it takes `pre`, `post`, `ids`, `weight`, `delay`, `where`, `equals`, `delimiter`, `missing`"),
                        ),
                    }
                }
            }
            Clause::Weight(value, span) => match &weight {
                Some(ty) => world.value(infer, value, "the weight", ty),
                None => infer.diagnostics.push(
                    Diagnostic::at(Code::E0204, *span, format!("`{}` has no weight", synapse.name), "nothing to set")
                        .help("declare `weight w` in the synapse"),
                ),
            },
            Clause::Delay(value, dendritic, span) => {
                if *dendritic {
                    infer.diagnostics.push(crate::syntax::unsupported(*span, "delay dendritic"));
                }
                match value {
                    Value::Expr(e) => {
                        infer.time(world, e, "a delay");
                    }
                    Value::Distribution(_) => world.value(
                        infer,
                        value,
                        "the delay",
                        &Ty { unit: crate::units::lookup("ms"), ..Ty::number(Dim::TIME) },
                    ),
                }
            }
            Clause::On(name) => infer.diagnostics.push(crate::syntax::unsupported(name.span, "on")),
            Clause::Init(name, Value::Distribution(_)) => {
                infer.diagnostics.push(crate::syntax::unsupported(name.span, "init ~ of a synapse's state"));
            }
            Clause::Init(name, value) => match synapse.vars.values().find(|v| v.name == name.text) {
                Some(v) => {
                    let ty = Ty { kind: Kind::Number, dim: Some(v.dim), unit: v.unit.clone() };
                    world.value(infer, value, &format!("`{}`", name.text), &ty);
                }
                None => infer.diagnostics.push(errors::no_member(
                    &format!("`{}`", synapse.name),
                    &name.text,
                    name.span,
                    synapse.vars.values().map(|v| v.name.as_str()).collect::<Vec<_>>(),
                )),
            },
            Clause::Unsupported(name) => infer.diagnostics.push(crate::syntax::unsupported(name.span, &name.text)),
            Clause::Poisson(e) | Clause::Spikes(e) => {
                infer.diagnostics.push(errors::wrong_kind("a clause of a projection", &Ty::error(), e.span))
            }
        }
    }
    world.pair = None;
}

/// Collects names that stand by themselves, not as functions or members.
fn free_names<'a>(e: &'a ast::Expr, out: &mut Vec<&'a str>) {
    match &e.kind {
        ExprKind::Name(n) => out.push(n),
        ExprKind::Neg(a) | ExprKind::Not(a) | ExprKind::Member(a, _) => free_names(a, out),
        ExprKind::Binary(_, a, b) => {
            free_names(a, out);
            free_names(b, out);
        }
        ExprKind::Call(_, args) => args.iter().for_each(|a| free_names(&a.value, out)),
        ExprKind::List(items) | ExprKind::Index(_, items) => items.iter().for_each(|e| free_names(e, out)),
        ExprKind::If(a, b, c) => [a, b, c].into_iter().for_each(|e| free_names(e, out)),
        _ => {}
    }
}

fn connector(infer: &mut Infer, world: &mut World, e: &ast::Expr) {
    let (name, args): (&str, &[ast::Arg]) = match &e.kind {
        ExprKind::Name(n) => (n, &[]),
        ExprKind::Call(f, args) => match &f.kind {
            ExprKind::Name(n) => (n, args),
            _ => ("", &[]),
        },
        _ => ("", &[]),
    };
    if matches!(name, "conv" | "pool") {
        infer.diagnostics.push(crate::syntax::unsupported(e.span, name));
        return;
    }
    if !CONNECTORS.contains(&name) {
        let help = crate::diag::nearest(name, CONNECTORS).map(|n| format!("did you mean `{n}`?"));
        infer.diagnostics.push(
            Diagnostic::at(Code::E0210, e.span, format!("unknown connector `{name}`"), "not a connector")
                .note(format!("connectors are {}", errors::list(&CONNECTORS)))
                .maybe_help(help),
        );
        return;
    }
    let positional: Vec<&ast::Arg> =
        args.iter().filter(|a| a.name.as_ref().is_none_or(|n| n.text != "autapses")).collect();
    let expected = usize::from(!matches!(name, "all_to_all" | "one_to_one"));
    if positional.len() != expected {
        infer.diagnostics.push(errors::wrong_arity(name, &expected.to_string(), positional.len(), e.span));
        return;
    }
    if let Some(a) = positional.first() {
        let value = infer.quantity(world, &a.value, &format!("the argument of `{name}`"), &Ty::number(Dim::ONE), None);
        if let (true, Some(p)) = (name == "fixed_probability", super::infer::fold(&value))
            && !(0.0..=1.0).contains(&p)
        {
            infer.diagnostics.push(Diagnostic::at(
                Code::E0604,
                a.value.span,
                format!("{} is not a probability", crate::units::format_number(p)),
                "must lie in 0 .. 1",
            ));
        }
    }
}

/// Checks a drive; also used by experiments.
pub(super) fn drive(infer: &mut Infer, world: &mut World, d: &ast::Drive) {
    for v in &d.targets {
        let Some((neuron, port)) = target_port(infer, world, v) else { continue };
        let port = &neuron.vars[port];
        if !matches!(port.kind, VarKind::EventPort) {
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0608,
                    v.span,
                    format!("a drive sends events, but `{}` is an analog port", port.name),
                    "this target",
                )
                .label(port.span, "the port")
                .help("assign an analog port in the experiment: `net.exc.I = 3 pA`"),
            );
        }
        let expected = Ty { kind: Kind::Number, dim: Some(port.dim), unit: port.unit.clone() };
        for clause in &d.clauses {
            match clause {
                Clause::Poisson(e) => {
                    (world.cell, world.time) = (true, true);
                    infer.quantity(
                        world,
                        e,
                        "the rate",
                        &Ty { unit: crate::units::lookup("Hz"), ..Ty::number(Dim::RATE) },
                        None,
                    );
                    (world.cell, world.time) = (false, false);
                }
                Clause::Spikes(e) => {
                    let (_, ty) = infer.expr(world, e);
                    if !ty.is_error() && ty.kind == Kind::Number && !ty.same_dim(&Ty::number(Dim::TIME)) {
                        infer.diagnostics.push(errors::time_needed("a spike", &ty, e.span));
                    }
                }
                Clause::Weight(value, _) => {
                    world.cell = true;
                    world.value(infer, value, "the weight", &expected);
                    world.cell = false;
                }
                Clause::Delay(Value::Expr(e), ..) => {
                    infer.time(world, e, "a delay");
                }
                Clause::Delay(_, _, span) => {
                    infer.diagnostics.push(crate::syntax::unsupported(*span, "a drawn delay of a drive"));
                }
                Clause::Unsupported(n) => infer.diagnostics.push(crate::syntax::unsupported(n.span, &n.text)),
                _ => {}
            }
        }
        let poisson = d.clauses.iter().any(|c| matches!(c, Clause::Poisson(_)));
        if let Some(Clause::Delay(_, _, span)) = d.clauses.iter().find(|c| poisson && matches!(c, Clause::Delay(..))) {
            infer.diagnostics.push(
                crate::syntax::unsupported(*span, "a delay of a Poisson drive")
                    .help("leave it out: it changes nothing but the first events, or shift the rate's `t`"),
            );
        }
        if !d.clauses.iter().any(|c| matches!(c, Clause::Poisson(_) | Clause::Spikes(_))) {
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0605,
                    d.span,
                    "this drive does not say what it sends",
                    "no `poisson` or `spikes`",
                )
                .help("add `poisson 8 Hz` or `spikes [1 ms, 5 ms]`"),
            );
        }
    }
}

impl Context for World {
    fn name(&mut self, infer: &mut Infer, name: &str, span: Span) -> Option<(Expr, Ty)> {
        if let Some(ty) = self.find(name) {
            return Some((Expr::Time, ty.clone()));
        }
        let number = |dim| Some((Expr::Time, Ty::number(dim)));
        match name {
            "i" if self.cell => number(Dim::ONE),
            "d" if self.pair.is_some() => Some((Expr::Time, Ty::any_number())),
            "t" if self.time => Some((Expr::Time, Ty { unit: crate::units::lookup("ms"), ..Ty::number(Dim::TIME) })),
            "t" => {
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0211, span, "`t` has no value here", "the simulated time")
                        .note("`t` may stand in equations, in the rate of a drive, and in what an experiment assigns to an analog port"),
                );
                Some((Expr::Time, Ty::error()))
            }
            _ => None,
        }
    }

    fn path(&mut self, infer: &mut Infer, e: &ast::Expr) -> Option<(Expr, Ty)> {
        let ty = self.access(infer, e)?;
        Some((Expr::Time, ty))
    }

    fn call(&mut self, infer: &mut Infer, name: &str, args: &[ast::Arg], span: Span) -> Option<(Expr, Ty)> {
        let signature = functions::find(name)?;
        let total = signature.needs.len() + signature.takes.len();
        if args.len() < signature.needs.len() || args.len() > total {
            let expected = if signature.takes.is_empty() {
                total.to_string()
            } else {
                format!("{} to {total}", signature.needs.len())
            };
            infer.diagnostics.push(errors::wrong_arity(name, &expected, args.len(), span).note(signature.help));
            return Some((Expr::Time, Ty::error()));
        }
        let mut types: Vec<Ty> = Vec::new();
        for (a, wants) in args.iter().zip(signature.needs.iter().chain(signature.takes)) {
            let (_, ty) = infer.expr(self, &a.value);
            if ty.is_error() {
                types.push(ty);
                continue;
            }
            let kind = match wants {
                Wants::Number | Wants::Pure | Wants::Same | Wants::Time => Kind::Number,
                Wants::Window => Kind::Range,
                Wants::Events => Kind::Events,
                Wants::Trace => Kind::Trace,
                Wants::Text => Kind::Text,
                Wants::Projection => Kind::Projection,
                Wants::Table => Kind::Table,
            };
            if ty.kind != kind && !(*wants == Wants::Pure && ty.kind == Kind::Bool) {
                let d = if matches!(kind, Kind::Events | Kind::Trace) {
                    Diagnostic::at(
                        Code::E0407,
                        a.value.span,
                        format!("`{name}` needs {}", Ty::of(kind).describe()),
                        format!("this is {}", ty.describe()),
                    )
                    .help("name a recording: `record net.exc.v every 1 ms as trace`")
                } else {
                    errors::wrong_kind(&Ty::of(kind).describe(), &ty, a.value.span)
                };
                infer.diagnostics.push(d);
                types.push(Ty::error());
                continue;
            }
            let expected = match wants {
                Wants::Pure => Some(Ty::number(Dim::ONE)),
                Wants::Same => types.first().cloned(),
                Wants::Time | Wants::Window => Some(Ty::number(Dim::TIME)),
                _ => None,
            };
            if let Some(expected) = expected
                && !expected.is_error()
                && !ty.same_dim(&expected)
            {
                infer.diagnostics.push(match wants {
                    Wants::Time | Wants::Window => {
                        errors::time_needed("this argument", &Ty { kind: Kind::Number, ..ty.clone() }, a.value.span)
                    }
                    Wants::Pure => errors::pure_number_needed(name, &ty, a.value.span),
                    _ => errors::cannot_compare((&expected, args[0].value.span), (&ty, a.value.span)),
                });
            }
            types.push(ty);
        }
        let first = types.first().cloned().unwrap_or(Ty::error());
        let ms = || Ty { unit: crate::units::lookup("ms"), ..Ty::number(Dim::TIME) };
        let ty = match signature.gives {
            Gives::Pure => Ty::number(Dim::ONE),
            Gives::Same => first,
            Gives::Square => Ty { kind: Kind::Number, dim: first.dim.map(|d| d * d), unit: None },
            Gives::Time => ms(),
            Gives::Rate => Ty { unit: crate::units::lookup("Hz"), ..Ty::number(Dim::RATE) },
            Gives::Any => Ty { kind: Kind::Number, dim: first.dim, unit: first.unit },
            Gives::Table => Ty::of(Kind::Table),
            Gives::Second => types.get(1).cloned().unwrap_or(Ty::error()),
        };
        Some((Expr::Time, ty))
    }

    fn known_names(&self) -> Vec<String> {
        self.names.iter().map(|(n, _)| n.clone()).collect()
    }

    fn known_functions(&self) -> Vec<&'static str> {
        functions::FUNCTIONS.iter().map(|f| f.name).collect()
    }
}

impl World {
    /// Returns whether an expression names a cable compartment of a population.
    fn is_cable(&mut self, infer: &mut Infer, e: &ast::Expr) -> bool {
        let ExprKind::Member(base, name) = &e.kind else { return false };
        let mut silent = Diagnostics::default();
        let mut quiet = Infer { module: infer.module, diagnostics: &mut silent, depth: 0 };
        match self.access(&mut quiet, base).map(|t| t.kind) {
            Some(Kind::Population(model)) => {
                infer.module.neurons.get(&model).is_some_and(|n| n.cables.iter().any(|c| c.name == name.text))
            }
            _ => false,
        }
    }

    /// Types a chain of members and indices.
    fn access(&mut self, infer: &mut Infer, e: &ast::Expr) -> Option<Ty> {
        if self.pair.is_some()
            && let Some(path) = dotted(e)
            && let Some((side @ ("pre" | "post"), member)) = path.split_once('.')
        {
            if !matches!(member, "i" | "n" | "x" | "y" | "z") {
                infer.diagnostics.push(errors::no_member(
                    &format!("`{side}`"),
                    member,
                    e.span,
                    ["i", "n", "x", "y", "z"],
                ));
            }
            return Some(if matches!(member, "x" | "y" | "z") { Ty::any_number() } else { Ty::number(Dim::ONE) });
        }
        match &e.kind {
            ExprKind::Name(name) => match self.find(name).cloned() {
                Some(ty) => Some(ty),
                None => Some(infer.expr(self, e).1),
            },
            ExprKind::Index(base, index) => {
                let ty = self.access(infer, base)?;
                for i in index {
                    self.index(infer, i);
                }
                if matches!(
                    ty.kind,
                    Kind::Number | Kind::Population(_) | Kind::Error | Kind::Events | Kind::Trace | Kind::Table
                ) {
                    return Some(ty);
                }
                infer.diagnostics.push(errors::wrong_kind("something with elements", &ty, base.span));
                Some(Ty::error())
            }
            ExprKind::Member(..) => {
                // Gather members down to the first index or name, so that compartments stay together.
                let mut names = Vec::new();
                let mut base = e;
                loop {
                    match &base.kind {
                        ExprKind::Member(inner, name) => {
                            names.push(name.text.as_str());
                            base = inner;
                        }
                        // `cell.dend[50].v`: the index of a segment of a cable.
                        ExprKind::Index(inner, index) if self.is_cable(infer, inner) => {
                            for i in index {
                                self.index(infer, i);
                            }
                            base = inner;
                        }
                        _ => break,
                    }
                }
                names.reverse();
                let mut ty = self.access(infer, base)?;
                let mut i = 0;
                while i < names.len() {
                    let (next, used) = member(infer, &ty, &names[i..], e.span);
                    ty = next;
                    i += used;
                }
                Some(ty)
            }
            _ => Some(infer.expr(self, e).1),
        }
    }
}
