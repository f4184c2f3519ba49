//! Checks experiments and tests: statements in order, names as they appear.

use super::infer::Infer;
use super::network::{World, drive, network_type};
use super::*;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::ast::{self, Command, CommandKind, ExprKind};
use crate::units::Dim;

/// Checks an experiment.
pub(super) fn check_experiment(module: &Module, e: &ast::Experiment, diagnostics: &mut Diagnostics) {
    let mut infer = Infer { module, diagnostics, depth: 0 };
    let mut world = World::default();
    world.formals(&mut infer, &e.formals);
    commands(&mut infer, &mut world, &e.body);
}

fn commands(infer: &mut Infer, world: &mut World, body: &[Command]) {
    for c in body {
        command(infer, world, c);
    }
}

fn command(infer: &mut Infer, world: &mut World, c: &Command) {
    match &c.kind {
        CommandKind::Network { name, model, args, batch } => {
            if let Some(b) = batch {
                infer.quantity(world, &b.size, "the batch", &Ty::number(Dim::ONE), None);
            }
            let ty = network_type(infer, world, model, args);
            world.declare(infer, name, ty);
        }
        CommandKind::Seed(e) => {
            infer.quantity(world, e, "the seed", &Ty::number(Dim::ONE), None);
        }
        CommandKind::Dt(e) => {
            infer.time(world, e, "the time step");
        }
        CommandKind::Precision(name) => {
            if !matches!(name.text.as_str(), "f32" | "f64") {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0201,
                        name.span,
                        format!("unknown precision `{}`", name.text),
                        "expected `f32` or `f64`",
                    )
                    .help("write `precision f64`"),
                );
            }
        }
        CommandKind::Data(name, e) | CommandKind::Let(name, ast::Value::Expr(e), None) => {
            let ty = infer.expr(world, e).1;
            world.declare(infer, name, ty);
        }
        CommandKind::Run(e) => {
            infer.time(world, e, "how long to run");
        }
        CommandKind::Step => {}
        CommandKind::Plasticity(_, what) => {
            for e in what.elements() {
                let ty = infer.expr(world, e).1;
                if !ty.is_error() && !matches!(ty.kind, Kind::Projection(_)) {
                    infer.diagnostics.push(errors::wrong_kind("a named projection", &ty, e.span));
                }
            }
        }
        CommandKind::Save(e, ..) | CommandKind::Load(e, ..) => {
            let ty = infer.expr(world, e).1;
            if !ty.is_error() && !matches!(ty.kind, Kind::Network(_)) {
                infer.diagnostics.push(errors::wrong_kind("a network", &ty, e.span));
            }
        }
        CommandKind::Signal(name, target) => signal(infer, world, name, target.as_ref()),
        CommandKind::Record { what, every, during, name } => {
            if let Some(e) = during {
                infer.diagnostics.push(crate::syntax::unsupported(e.span, "record … during"));
            }
            let ty = infer.expr(world, what).1;
            if !ty.is_error() && !matches!(ty.kind, Kind::Number | Kind::Events) {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0407,
                        what.span,
                        format!("{} cannot be recorded", ty.describe()),
                        "not a state or event",
                    )
                    .help("record `net.exc.spike` or `net.exc.v`"),
                );
            }
            if let Some(e) = every {
                infer.time(world, e, "the interval");
            }
            if let Some(name) = name {
                let ty = if ty.kind == Kind::Number { Ty { kind: Kind::Trace, ..ty } } else { ty };
                world.declare(infer, name, ty);
            }
        }
        CommandKind::At(time, body) => {
            infer.time(world, time, "when");
            commands(infer, world, body);
        }
        CommandKind::For { variables, range, step, body } => {
            let (_, ty) = infer.expr(world, range);
            if let Some(s) = step {
                infer.quantity(world, s, "the step", &Ty { kind: Kind::Number, ..ty.clone() }, None);
            }
            let depth = world.names.len();
            loop_variables(infer, world, variables, &ty, range);
            commands(infer, world, body);
            keep_measures(world, depth, body);
        }
        CommandKind::Window(_, body) => {
            let depth = world.names.len();
            commands(infer, world, body);
            keep_measures(world, depth, body);
        }
        CommandKind::Settle(steps, change) => {
            infer.quantity(world, steps, "the number of steps", &Ty::number(Dim::ONE), None);
            if let Some(e) = change {
                infer.number(world, e);
            }
        }
        CommandKind::If(c, a, b) => {
            infer.condition(world, c);
            let depth = world.names.len();
            commands(infer, world, a);
            keep_measures(world, depth, a);
            let depth = world.names.len();
            commands(infer, world, b);
            keep_measures(world, depth, b);
        }
        CommandKind::Measure(name, e, over) => {
            let depth = world.names.len();
            if let Some(over) = over {
                let ty = infer.expr(world, &over.data).1;
                for (field, ty) in fields(infer, &ty, over.data.span) {
                    world.names.push((field, ty));
                }
                commands(infer, world, &over.body);
            }
            let ty = infer.expr(world, e).1;
            if let Some(over) = over {
                keep_measures(world, depth, &over.body);
            }
            if !ty.is_error() && !matches!(ty.kind, Kind::Number | Kind::Bool) {
                infer.diagnostics.push(errors::wrong_kind("a number to measure", &ty, e.span));
            }
            if world.find(&name.text).is_none() {
                world.declare(infer, name, ty);
            }
        }
        CommandKind::Plot { series, against, .. } => {
            for e in series.iter().chain(against) {
                let ty = infer.expr(world, e).1;
                if !ty.is_error() && !matches!(ty.kind, Kind::Number | Kind::Events | Kind::Trace) {
                    infer.diagnostics.push(errors::wrong_kind("something to plot", &ty, e.span));
                }
            }
        }
        CommandKind::Expect(e) => {
            infer.condition(world, e);
        }
        CommandKind::Drive(d) => drive(infer, world, d),
        CommandKind::Set { target, value, op } => set(infer, world, target, *op, value),
        kind @ (CommandKind::Let(..)
        | CommandKind::Var(..)
        | CommandKind::Repeat { .. }
        | CommandKind::Sweep { .. }
        | CommandKind::Print(_)
        | CommandKind::Reset(_)) => infer.diagnostics.push(crate::syntax::unsupported(c.span, not_yet(kind))),
    }
}

/// The name of a statement that has a syntax but no meaning yet.
pub(crate) fn not_yet(kind: &CommandKind) -> &'static str {
    match kind {
        CommandKind::Let(_, _, Some(_)) => "let … over",
        CommandKind::Let(..) => "let … ~",
        CommandKind::Var(..) => "var",
        CommandKind::Repeat { .. } => "repeat",
        CommandKind::Sweep { .. } => "sweep",
        CommandKind::Print(_) => "print",
        CommandKind::Reset(_) => "reset",
        _ => "this statement",
    }
}

/// Declares what a loop runs through: one name for a number, or one for each field of a data set.
fn loop_variables(infer: &mut Infer, world: &mut World, variables: &[ast::Name], ty: &Ty, range: &ast::Expr) {
    let types: Vec<Ty> = match &ty.kind {
        Kind::Data { .. } => {
            let fields = fields(infer, ty, range.span);
            if fields.len() != variables.len() && !fields.is_empty() {
                let names: Vec<&str> = fields.iter().map(|(n, _)| n.as_str()).collect();
                let span = variables[0].span.to(variables[variables.len() - 1].span);
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0402,
                        span,
                        format!("this data set has {} fields, but the loop names {}", names.len(), variables.len()),
                        "one name for each field is needed",
                    )
                    .help(format!("write `for ({}) in …`", names.join(", "))),
                );
            }
            fields.into_iter().map(|(_, ty)| ty).collect()
        }
        Kind::Range | Kind::Number if variables.len() == 1 => vec![Ty { kind: Kind::Number, ..ty.clone() }],
        Kind::Error => Vec::new(),
        _ => {
            let wanted = if variables.len() == 1 { "a range, an array or a data set" } else { "a data set" };
            infer.diagnostics.push(errors::wrong_kind(wanted, ty, range.span));
            Vec::new()
        }
    };
    for (i, name) in variables.iter().enumerate() {
        world.declare(infer, name, types.get(i).cloned().unwrap_or(Ty::error()));
    }
}

/// Returns the fields of a data set; one that has parts is not a data set yet.
fn fields(infer: &mut Infer, ty: &Ty, span: Span) -> Vec<(String, Ty)> {
    match &ty.kind {
        Kind::Data { fields, parts } if parts.is_empty() => {
            fields.iter().map(|(name, dim)| (name.clone(), Ty::number(*dim))).collect()
        }
        Kind::Data { parts, .. } => {
            let parts: Vec<String> = parts.iter().map(|p| format!("`.{p}`")).collect();
            infer.diagnostics.push(
                Diagnostic::at(Code::E0401, span, "which part of this data set?", "has parts")
                    .help(format!("choose one: {}", parts.join(" or "))),
            );
            Vec::new()
        }
        Kind::Error => Vec::new(),
        _ => {
            infer.diagnostics.push(errors::wrong_kind("a data set", ty, span));
            Vec::new()
        }
    }
}

/// Checks that somebody listens to a signal.
fn signal(infer: &mut Infer, world: &mut World, name: &ast::Name, target: Option<&ast::Expr>) {
    if let Some(e) = target {
        let ty = infer.expr(world, e).1;
        if !ty.is_error() && !matches!(ty.kind, Kind::Projection(_) | Kind::Network(_) | Kind::Population(_)) {
            infer.diagnostics.push(errors::wrong_kind("a network, a population or a named projection", &ty, e.span));
        }
    }
    let heard = infer.module.projections.values().flatten().flat_map(|(_, s)| &s.handlers);
    let neurons = infer.module.neurons.values().flat_map(|n| &n.handlers).map(|h| h.signal.clone());
    let known: Vec<String> = heard
        .filter_map(|h| match &h.trigger {
            Trigger::Signal(n) => Some(n.clone()),
            Trigger::Cell(..) => None,
        })
        .chain(neurons)
        .collect();
    if !known.contains(&name.text) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let help = crate::diag::nearest(&name.text, known.iter().copied()).map(|n| format!("did you mean `{n}`?"));
        infer.diagnostics.push(
            Diagnostic::at(
                Code::E0607,
                name.span,
                format!("nobody waits for the signal `{}`", name.text),
                "nobody listens",
            )
            .note("a synapse or a neuron listens with `on NAME { … }`")
            .maybe_help(help),
        );
    }
}

/// Names measured in a block stay visible after it; its other names do not.
fn keep_measures(world: &mut World, depth: usize, body: &[Command]) {
    let mut kept: Vec<(String, Ty)> = world.names.drain(depth..).collect();
    let mut names = Vec::new();
    measured(body, &mut names);
    kept.retain(|(n, _)| names.contains(&n.as_str()));
    world.names.extend(kept);
}

fn measured<'a>(body: &'a [Command], out: &mut Vec<&'a str>) {
    for c in body {
        if let CommandKind::Measure(name, ..) = &c.kind {
            out.push(&name.text);
        }
        c.kind.blocks().into_iter().for_each(|body| measured(body, out));
    }
}

fn set(infer: &mut Infer, world: &mut World, target: &ast::Expr, op: Option<ast::BinOp>, value: &ast::Value) {
    if let ExprKind::Name(name) = &target.kind {
        let span = target.span;
        if world.find(name).is_none() {
            let names: Vec<String> = world.names.iter().map(|(n, _)| n.clone()).collect();
            infer.diagnostics.push(errors::unknown_name(name, span, names.iter().map(String::as_str)));
        } else {
            infer.diagnostics.push(errors::not_assignable(name, "a name, not a variable of a network", span, None));
        }
        return;
    }
    let ty = infer.expr(world, target).1;
    if ty.is_error() {
        return;
    }
    if ty.kind != Kind::Number {
        infer.diagnostics.push(errors::not_assignable("this", &ty.describe(), target.span, None));
        return;
    }
    (world.time, world.cell) = (true, true);
    let scaling = matches!(op, Some(ast::BinOp::Mul | ast::BinOp::Div));
    let expected = if scaling { Ty::number(Dim::ONE) } else { ty };
    world.value(infer, value, "the assigned value", &expected);
    (world.time, world.cell) = (false, false);
}
