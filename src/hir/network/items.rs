//! The statements of a network.

use super::access::{refuse_segment, view};
use super::drive::drive;
use super::model::{Chosen, Hidden, Item, Nested, Network, Parameter, Population, Within};
use super::projection::projection;
use super::world::{World, elementwise};
use crate::diag::{Code, Diagnostic};
use crate::hir::arguments::bind;
use crate::hir::infer::{Infer, constant, goes_nowhere};
use crate::hir::typed::{Expr, ExprKind, LocalId};
use crate::hir::{Kind, Shape, Ty, VarId, VarKind, errors};
use crate::source::Span;
use crate::syntax::ast::{self, Name, NetworkItem};
use crate::units::Dim;
use std::sync::Arc;

/// Checks the statements of a body.
pub fn items(infer: &mut Infer, world: &mut World, body: &[NetworkItem]) -> Vec<Item> {
    let mut out = Vec::new();
    let around = std::mem::replace(&mut world.block, world.names.depth());
    let declared = world.declared.len();
    world.declared.extend(body.iter().filter_map(name_of).cloned());
    for i in body {
        item(infer, world, i, &mut out);
    }
    world.declared.truncate(declared);
    world.block = around;
    out
}

/// The name that a statement declares.
fn name_of(item: &NetworkItem) -> Option<&Name> {
    match item {
        NetworkItem::Population { name, .. }
        | NetworkItem::Network { name, .. }
        | NetworkItem::View(name, ..)
        | NetworkItem::Let(name, _) => Some(name),
        NetworkItem::Projection(p) => p.name.as_ref(),
        _ => None,
    }
}

fn item(infer: &mut Infer, world: &mut World, item: &NetworkItem, out: &mut Vec<Item>) {
    match item {
        NetworkItem::Population { name, model, args, shape, spacing, span } => {
            out.extend(population(infer, world, (name, model), args, shape, spacing.as_ref(), *span));
        }
        NetworkItem::Network { name, model, args, span } => {
            let found = nested(infer, world, model, args, *span);
            let ty = found.as_ref().map_or(Ty::error(), |_| Ty::of(Kind::Network(model.text.clone())));
            let id = world.declare_member(infer, name, ty);
            out.extend(found.map(|(model, args)| Item::Network(Nested { id, model, args, span: *span })));
        }
        NetworkItem::Init(paths, value) => init(infer, world, paths, value, out),
        NetworkItem::Projection(p) => out.extend(projection(infer, world, p).map(Item::Projection)),
        NetworkItem::Drive(d) => out.extend(drive(infer, world, d).map(|d| Item::Drive(Box::new(d)))),
        NetworkItem::View(name, v, chosen) => {
            let cells = view(world, infer, v);
            if !cells.is_error() && !matches!(cells.ty.kind, Kind::Population(_)) {
                infer.diagnostics.push(errors::wrong_kind("cells", &cells.ty, v.span));
            }
            let condition = chosen.as_ref().map(|e| {
                let condition = world.within(true, false, |world| infer.typed_rows(world, e));
                elementwise(infer, &condition);
                condition
            });
            let id = world.declare_member(infer, name, cells.ty.clone());
            out.push(match condition {
                None => Item::Let(id, cells),
                Some(condition) => Item::Chosen(Box::new(Chosen { id, of: cells, condition })),
            });
        }
        NetworkItem::Let(name, e) => {
            let value = infer.typed(world, e);
            let id = world.declare_once(infer, name, value.ty.clone());
            out.push(Item::Let(id, value));
        }
        NetworkItem::Params(bindings) => {
            for p in world.formals(infer, bindings) {
                match &p.default {
                    Some(value) => out.push(Item::Let(p.id, value.clone())),
                    None => infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0212,
                            p.span,
                            format!("parameter `{}` has no value", p.name),
                            "value missing",
                        )
                        .help("give it one, or write it in the network's head: `network Net(x) { … }`"),
                    ),
                }
            }
        }
        NetworkItem::For(name, range, body) => {
            let range = infer.typed(world, range);
            let depth = world.names.depth();
            let ty = turn(infer, &range);
            let variable = world.declare(infer, name, ty);
            let body = items(infer, world, body);
            let inner = world.names.leave(depth);
            inner.into_iter().for_each(|declared| hide(world, declared, Within::Loop));
            out.push(Item::For { variable, range, body });
        }
        NetworkItem::If(c, a, b) => {
            let condition = infer.typed_condition(world, c);
            let depth = world.names.depth();
            let mut first = items(infer, world, a);
            let of_first: Vec<(String, LocalId)> = world.names.leave(depth);
            let mut second = items(infer, world, b);
            let of_second: Vec<(String, LocalId)> = world.names.leave(depth);
            let joined = join_branches(world, of_first, of_second);
            for (id, (x, y)) in joined {
                let same = |from: LocalId| {
                    let local = &world.locals[from];
                    Item::Let(id, Expr::new(ExprKind::Local(from), local.ty.clone(), local.span))
                };
                first.push(same(x));
                second.push(same(y));
            }
            out.push(Item::If(condition, first, second));
        }
    }
}

/// The type of what a loop runs through, turn by turn.
pub fn turn(infer: &mut Infer, range: &Expr) -> Ty {
    match &range.ty.kind {
        Kind::Number if range.ty.shape == Shape::Number => {
            infer.diagnostics.push(errors::one_turn(&range.ty, range.span));
            Ty::error()
        }
        Kind::Number if matches!(&range.kind, ExprKind::List(items) if items.is_empty()) => {
            infer.diagnostics.push(errors::nothing_to_go_through(range.span));
            Ty::error()
        }
        Kind::Range if goes_nowhere(range, None) => {
            infer.diagnostics.push(errors::no_turn(range.span));
            Ty::error()
        }
        Kind::Range | Kind::Number => Ty { kind: Kind::Number, ..range.ty.clone() }.shaped(Shape::Number),
        Kind::Error => Ty::error(),
        _ => {
            infer.diagnostics.push(errors::wrong_kind("a range or an array", &range.ty, range.span));
            Ty::error()
        }
    }
}

/// Remembers a name of a block for the message to one who misses it.
fn hide(world: &mut World, (name, id): (String, LocalId), within: Within) {
    let span = world.locals[id].span;
    world.hidden.push(Hidden { name, span, within });
}

/// Joins the names that both branches of a condition declare; others are visible within their branch only.
fn join_branches(
    world: &mut World,
    first: Vec<(String, LocalId)>,
    second: Vec<(String, LocalId)>,
) -> Vec<(LocalId, (LocalId, LocalId))> {
    let mut joined = Vec::new();
    for (name, x) in &first {
        let other = second.iter().find(|(n, _)| n == name).map(|(_, y)| *y);
        match other.filter(|y| world.locals[*y].ty.kind == world.locals[*x].ty.kind) {
            Some(y) => {
                let local = world.locals[*x].clone();
                let ty = crate::hir::infer::join(local.ty.clone(), world.locals[y].ty.clone());
                let id = world.add(&Name { text: name.clone(), span: local.span }, ty, local.mutable);
                joined.push((id, (*x, y)));
            }
            None => hide(world, (name.clone(), *x), Within::Branch),
        }
    }
    for (name, y) in second {
        if !first.iter().any(|(n, _)| *n == name) {
            hide(world, (name, y), Within::Branch);
        }
    }
    joined
}

/// Steps, in ms, of which one is shorter and one longer than those of experiments.
const SHORT_STEP: f64 = 1e-4;
const LONG_STEP: f64 = 10.0;

fn population(
    infer: &mut Infer,
    world: &mut World,
    (name, model): (&Name, &Name),
    args: &[ast::Arg],
    shape: &[ast::Expr],
    spacing: Option<&ast::Expr>,
    span: Span,
) -> Option<Item> {
    let pure = Ty::number(Dim::ONE);
    let table = |e: &Expr| e.ty.kind == Kind::Table;
    let shape: Vec<Expr> = match shape {
        [one] => {
            let typed = infer.typed(world, one);
            vec![if table(&typed) { typed } else { infer.typed_one(world, one, "a size", &pure) }]
        }
        several => several.iter().map(|s| infer.typed_one(world, s, "a size", &pure)).collect(),
    };
    let spacing = spacing.map(|s| infer.typed_one(world, s, "the spacing", &Ty::number(Dim::LENGTH)));
    let Some(neuron) = infer.module.neurons.get(&model.text).cloned() else {
        let known: Vec<&str> = infer.module.neurons.keys().map(String::as_str).collect();
        let d = errors::unknown_model("neuron", model, known);
        let network = infer.module.networks.contains_key(&model.text);
        let help = network.then(|| format!("`{0}` is a network: `network {1} = {0}(…)`", model.text, name.text));
        infer.diagnostics.push(d.maybe_help(help));
        world.declare_member(infer, name, Ty::error());
        return None;
    };
    let params: Vec<(VarId, &str, Ty, Span)> =
        neuron.params().map(|(id, v)| (id, v.name.as_str(), Ty::of_variable(v), v.span)).collect();
    let args = world.within(true, false, |world| given(infer, world, (&name.text, &model.text), args, &params));
    let given = |id: &VarId| args.iter().any(|(of, _)| of == id);
    for (_, var) in neuron.params().filter(|(id, v)| matches!(v.kind, VarKind::Param(None)) && !given(id)) {
        let message = format!("parameter `{}` of `{}` has no value", var.name, model.text);
        infer.diagnostics.push(
            Diagnostic::at(Code::E0212, span, message, "value missing")
                .label(var.span, "declared without a default")
                .help(format!("write `{}({} = …)`", model.text, var.name)),
        );
    }
    for (of, e) in &args {
        // However short the steps are; what follows from more than a constant is looked at when the network is built.
        let negative = |value: f64| {
            let (_, event) = neuron.negative_chance(*of, std::iter::once(value), SHORT_STEP)?;
            neuron.negative_chance(*of, std::iter::once(value), LONG_STEP).and(Some(event))
        };
        if let Some(event) = constant(e).and_then(negative) {
            infer.diagnostics.push(neuron.less_than_never(event, *of, e.span));
        }
    }
    let place = if spacing.is_some() { Dim::LENGTH } else { Dim::ONE };
    let ty = Ty { dim: Some(place), ..Ty::of(Kind::Population(model.text.clone())) };
    let id = world.declare_member(infer, name, ty);
    Some(Item::Population(Box::new(Population { id, model: neuron, args, shape, spacing, span })))
}

/// Checks the parameters of a model that are given.
fn given(
    infer: &mut Infer,
    world: &mut World,
    (of, model): (&str, &str),
    args: &[ast::Arg],
    params: &[(VarId, &str, Ty, Span)],
) -> Vec<(VarId, Expr)> {
    let names: Vec<(&str, bool)> = params.iter().map(|(_, name, ..)| (*name, true)).collect();
    let unknown = args.iter().filter_map(|a| a.name.as_ref()).find(|n| names.iter().all(|(name, _)| *name != n.text));
    if let Some(unknown) = unknown {
        let outer = names.iter().map(|(name, _)| *name).filter(|name| !name.contains('.'));
        let end = format!(".{}", unknown.text);
        let inner = names.iter().find(|(name, _)| name.ends_with(&end));
        let inner =
            inner.map(|(name, _)| format!("compartments have it: `init {of}.{name} = …`, in a line of its own"));
        infer.diagnostics.push(errors::unknown_parameter(model, unknown, outer).maybe_help(inner));
        return Vec::new();
    }
    let list: Vec<&ast::Arg> = args.iter().collect();
    let span = args.first().map_or(Span::default(), |a| a.value.span);
    let Some(bound) = bind(infer, model, &names, &list, span, None) else { return Vec::new() };
    let mut out = Vec::new();
    for ((id, name, ty, declared), e) in params.iter().zip(bound) {
        let Some(e) = e else { continue };
        let what = format!("parameter `{name}` of `{model}`");
        out.push((*id, infer.typed_quantity(world, e, &what, ty, Some(*declared))));
    }
    out
}

fn init(infer: &mut Infer, world: &mut World, paths: &[ast::ViewPath], value: &ast::Value, out: &mut Vec<Item>) {
    for path in paths {
        let target = view(world, infer, path);
        if target.is_error() {
            continue;
        }
        if !matches!(target.kind, ExprKind::Variable { .. }) {
            infer.diagnostics.push(errors::wrong_kind("a state or parameter", &target.ty, path.span));
            continue;
        }
        if let ExprKind::Variable { of, id, .. } = &target.kind
            && let Kind::Population(model) = &of.ty.kind
            && let Some(var) = infer.module.neurons.get(model).map(|n| n.vars[*id].clone())
            && !matches!(var.kind, VarKind::State(_) | VarKind::Param(_) | VarKind::AnalogPort(_))
        {
            let message = format!("`{}` has no initial value", var.name);
            let d = Diagnostic::at(Code::E0207, path.span, message, "not a state, parameter or analog port");
            infer.diagnostics.push(d.label(var.span, "declared here"));
            continue;
        }
        if let ExprKind::Variable { of, id, segment: Some(_) } = &target.kind
            && let Kind::Population(model) = &of.ty.kind
            && let Some(kind) = infer.module.neurons.get(model).map(|n| n.vars[*id].kind.clone())
        {
            refuse_segment(infer, &kind, true, path.span);
        }
        let mut earlier = out.iter().filter_map(|item| match item {
            Item::Init(targets, _) => targets.iter().find(|t| target.covers(t)).map(|t| t.span),
            Item::Population(p) => {
                target.is_of_all(p.id).and_then(|id| p.args.iter().find(|(of, _)| *of == id)).map(|(_, e)| e.span)
            }
            _ => None,
        });
        if let Some(first) = earlier.next_back() {
            infer.diagnostics.push(given_again(target.span, first));
        }
        let ty = target.ty.clone();
        let value = world.within(true, false, |world| world.value(infer, value, "the initial value", &ty));
        out.push(Item::Init(vec![target], Box::new(value)));
    }
}

/// An initial value of which nothing stays, since another one of the same block comes after it.
fn given_again(span: Span, first: Span) -> Diagnostic {
    Diagnostic::at(Code::E0202, span, "a value is given twice", "given again")
        .label(first, "nothing stays of this one")
        .help("remove one of them; values of some cells stand after the value of all: `init a.v = …   init a[0 .. 5].v = …`")
}

/// A network model with the values of its parameters, as far as they are given.
type Instanced = (Arc<Network>, Vec<Option<Expr>>);

/// Reports a network that contains itself, maybe by way of others.
fn endless(unfinished: &[String], name: &str, span: Span) -> Diagnostic {
    let way = unfinished.iter().skip_while(|n| *n != name).map(String::as_str).chain([name]);
    let way: Vec<String> = way.map(|n| format!("`{n}`")).collect();
    let message = format!("network `{name}` contains itself");
    let d = Diagnostic::at(Code::E0503, span, message, "endless nesting");
    d.note(way.join(" contains ")).help("move what they share into a network of its own, which both contain")
}

/// Resolves `Model(args)` of a network.
pub fn nested(infer: &mut Infer, world: &mut World, model: &Name, args: &[ast::Arg], span: Span) -> Option<Instanced> {
    let Some(network) = infer.module.networks.get(&model.text).cloned() else {
        if infer.module.unfinished.contains(&model.text) {
            infer.diagnostics.push(endless(&infer.module.unfinished, &model.text, span));
            return None;
        }
        let known: Vec<&str> = infer.module.networks.keys().map(String::as_str).collect();
        let d = errors::unknown_model("network", model, known);
        let cells = infer.module.neurons.contains_key(&model.text);
        let help = cells.then(|| format!("`{0}` is a neuron: in a network, `population cells: {0}[100]`", model.text));
        infer.diagnostics.push(d.maybe_help(help));
        return None;
    };
    let values = arguments(infer, world, model, &network.params, args, span)?;
    Some((network, values))
}

/// Checks the arguments of `Model(args)`, by parameter.
pub fn arguments(
    infer: &mut Infer,
    world: &mut World,
    model: &Name,
    params: &[Parameter],
    args: &[ast::Arg],
    span: Span,
) -> Option<Vec<Option<Expr>>> {
    let names: Vec<(&str, bool)> = params.iter().map(|p| (p.name.as_str(), true)).collect();
    let list: Vec<&ast::Arg> = args.iter().collect();
    let bound = bind(infer, &model.text, &names, &list, span, None)?;
    let mut values = Vec::new();
    for (p, e) in params.iter().zip(bound) {
        let what = format!("parameter `{}` of `{}`", p.name, model.text);
        let value = e.map(|e| match p.ty.kind {
            Kind::Number => infer.typed_quantity(world, e, &what, &p.ty, Some(p.span)),
            _ => {
                let typed = infer.typed(world, e);
                if !typed.is_error() && !p.ty.is_error() && typed.ty.kind != p.ty.kind {
                    infer.diagnostics.push(errors::wrong_unit(&what, &p.ty, &typed.ty, e.span, Some(p.span)));
                }
                typed
            }
        });
        if value.is_none() && p.default.is_none() {
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0212,
                    model.span,
                    format!("parameter `{}` of `{}` has no value", p.name, model.text),
                    "value missing",
                )
                .label(p.span, "declared without a default")
                .help(format!("write `{}({} = …)`", model.text, p.name)),
            );
        }
        values.push(value);
    }
    Some(values)
}
