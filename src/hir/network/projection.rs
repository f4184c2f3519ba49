//! Projections and drives: ports, connectors, and the units of every clause.

use super::items::arguments;
use super::*;

/// Finds the port a target names; reports what is wrong with it.
///
/// A target that needs no port, because the synapse is an energy or only learns at signals, may name a population alone.
pub(super) fn target_port(
    infer: &mut Infer,
    world: &mut World,
    v: &ViewPath,
    portless: bool,
) -> Option<(Arc<Neuron>, Option<VarId>)> {
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
    if portless && port.is_empty() {
        return Some((neuron, None));
    }
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
    found.map(|id| (neuron, Some(id)))
}

/// Checks a projection; returns its synapse, that of the first pair of populations.
pub(super) fn projection(infer: &mut Infer, world: &mut World, p: &ast::Projection) -> Option<Arc<Synapse>> {
    let mut sources: Vec<Ty> = Vec::new();
    for v in &p.sources {
        let ty = world.view_type(infer, v);
        if matches!(ty.kind, Kind::Population(_)) {
            sources.push(ty);
        } else if !ty.is_error() {
            infer.diagnostics.push(errors::wrong_kind("a population", &ty, v.span));
        }
    }
    let name = p.synapse.clone().unwrap_or(Name { text: "Static".into(), span: p.span });
    let Some(synapse) = infer.module.synapses.get(&name.text).cloned() else {
        let known: Vec<&str> = infer.module.synapses.keys().map(String::as_str).collect();
        infer.diagnostics.push(errors::unknown_model("synapse", &name, known));
        return None;
    };
    let item = |is: fn(&ast::ModelItem) -> bool| synapse.body.iter().any(is);
    // What follows an energy, or only learns at signals, delivers nothing that a port would have to take.
    let portless = !item(|i| match i {
        ast::ModelItem::Deliver(_) => true,
        ast::ModelItem::On(trigger, ..) => trigger.text.contains('.'),
        _ => false,
    }) && item(|i| matches!(i, ast::ModelItem::Energy(..) | ast::ModelItem::On(..)));
    let targets: Vec<_> = p.targets.iter().filter_map(|v| target_port(infer, world, v, portless)).collect();
    let mut first = None;
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
            let checked = Arc::new(checked);
            world.synapses.push((p.name.as_ref().map(|n| n.text.clone()), checked.clone()));
            first.get_or_insert(checked);
        }
    }
    if !p.clauses.iter().any(|c| {
        matches!(c, Clause::Connect(_) | Clause::ConnectFile(..) | Clause::ConnectWhere(_) | Clause::Transpose(_))
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
    first
}

pub(super) fn clauses(infer: &mut Infer, world: &mut World, list: &[Clause], weight: Option<Ty>, synapse: &Synapse) {
    world.pair = Some(Ty::any_number());
    for clause in list {
        match clause {
            Clause::Connect(e) => connector(infer, world, e),
            Clause::Transpose(of) => transpose(infer, world, list, of, weight.as_ref()),
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
                if *dendritic && synapse.deliver.is_some() {
                    let what = "a dendritic delay of a contribution at every step";
                    infer.diagnostics.push(crate::syntax::unsupported(*span, what));
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
            Clause::Modulator(name, e) => {
                let found = synapse.vars.values().find(|v| v.name == name.text);
                match found.filter(|v| matches!(v.kind, VarKind::Modulator(_))) {
                    Some(v) => {
                        let ty = Ty { kind: Kind::Number, dim: Some(v.dim), unit: v.unit.clone() };
                        world.pair = None;
                        infer.quantity(world, e, &format!("modulator `{}`", name.text), &ty, Some(v.span));
                        world.pair = Some(Ty::any_number());
                    }
                    None => infer.diagnostics.push(errors::no_member(
                        &format!("`{}`", synapse.name),
                        &name.text,
                        name.span,
                        synapse
                            .vars
                            .values()
                            .filter(|v| matches!(v.kind, VarKind::Modulator(_)))
                            .map(|v| v.name.as_str()),
                    )),
                }
            }
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
            Clause::Store(when) if when.text == "never" => {}
            Clause::Store(when) => infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0204,
                    when.span,
                    format!("`store {}` is unknown", when.text),
                    "not a way to store",
                )
                .help("`store never` draws synapses anew at every event; without it they are kept"),
            ),
            Clause::Random(_, e) | Clause::Spikes(e) => {
                infer.diagnostics.push(errors::wrong_kind("a clause of a projection", &Ty::error(), e.span))
            }
        }
    }
    world.pair = None;
}

/// Checks that a projection whose weights are to be used the other way round is there, and has weights of the same unit.
fn transpose(infer: &mut Infer, world: &mut World, clauses: &[Clause], of: &Name, weight: Option<&Ty>) {
    let ty = world.path_type(infer, &of.text, of.span);
    let Kind::Projection(synapse) = &ty.kind else {
        if !ty.is_error() {
            infer.diagnostics.push(
                errors::wrong_kind("a named projection", &ty, of.span)
                    .help("name it where it is declared: `projection forward: hidden -> output.drive: …`"),
            );
        }
        return;
    };
    let theirs = synapse.as_ref().and_then(|s| s.weight().map(|w| s.vars[w].clone()));
    if let (Some(theirs), Some(ours)) = (theirs, weight) {
        let theirs_ty = Ty { kind: Kind::Number, dim: Some(theirs.dim), unit: theirs.unit.clone() };
        if !ours.same_dim(&theirs_ty) {
            infer.diagnostics.push(errors::wrong_unit(
                "the shared weight",
                ours,
                &theirs_ty,
                of.span,
                Some(theirs.span),
            ));
        }
    }
    if let Some(Clause::Weight(_, span)) = clauses.iter().find(|c| matches!(c, Clause::Weight(..))) {
        infer.diagnostics.push(
            Diagnostic::at(Code::E0202, *span, "the weights are given twice", "given again")
                .label(of.span, "they are those of this projection")
                .help("leave this `weight` out"),
        );
    }
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

pub(super) fn connector(infer: &mut Infer, world: &mut World, e: &ast::Expr) {
    let (name, args): (&str, &[ast::Arg]) = match &e.kind {
        ExprKind::Name(n) => (n, &[]),
        ExprKind::Call(f, args) => match &f.kind {
            ExprKind::Name(n) => (n, args),
            _ => ("", &[]),
        },
        _ => ("", &[]),
    };
    if matches!(name, "conv" | "pool") {
        if args.is_empty() || args.len() > 3 {
            infer.diagnostics.push(errors::wrong_arity(name, "1 to 3", args.len(), e.span));
        }
        for a in args {
            infer.quantity(world, &a.value, &format!("the argument of `{name}`"), &Ty::number(Dim::ONE), None);
            if let Some(n) = a.name.as_ref().filter(|n| !matches!(n.text.as_str(), "kernel" | "stride" | "padding")) {
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0204, n.span, format!("`{name}` has no `{}`", n.text), "unknown argument")
                        .note("it takes `kernel`, `stride`, `padding`"),
                );
            }
        }
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
pub(in crate::hir) fn drive(infer: &mut Infer, world: &mut World, d: &ast::Drive) {
    for v in &d.targets {
        let Some((neuron, Some(port))) = target_port(infer, world, v, false) else { continue };
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
                Clause::Random(_, e) => {
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
                _ => {}
            }
        }
        let random = d.clauses.iter().any(|c| matches!(c, Clause::Random(..)));
        if let Some(Clause::Delay(_, _, span)) = d.clauses.iter().find(|c| random && matches!(c, Clause::Delay(..))) {
            infer.diagnostics.push(
                crate::syntax::unsupported(*span, "a delay of random events")
                    .help("leave it out: it changes nothing but the first events, or shift the rate's `t`"),
            );
        }
        if !d.clauses.iter().any(|c| matches!(c, Clause::Random(..) | Clause::Spikes(_))) {
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
