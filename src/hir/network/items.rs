//! The statements of a network.

use super::projection::{drive, projection};
use super::*;

pub(super) fn items(infer: &mut Infer, world: &mut World, body: &[NetworkItem], own: &str) {
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
                let synapse = projection(infer, world, p);
                if let Some(name) = &p.name {
                    world.declare(infer, name, Ty::of(Kind::Projection(synapse)));
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
pub(in crate::hir) fn network_type(infer: &mut Infer, world: &mut World, model: &Name, args: &[ast::Arg]) -> Ty {
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
