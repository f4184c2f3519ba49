//! Projections and drives: ports, connectors, and the units of every clause.

use super::access::{target, view};
use super::model::{Connect, Connection, FromTable, Projection, Site, Value};
use super::valueless::without_value;
use super::world::{World, called};
use crate::builtin::{self, Place};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hir::arguments::bind;
use crate::hir::infer::{Infer, constant};
use crate::hir::typed::Expr;
use crate::hir::{Kind, Neuron, Synapse, SynapseUse, Ty, Var, VarId, VarKind, check_synapse, errors, foreign};
use crate::source::Span;
use crate::syntax::ast::{self, Clause, Name, ViewPath};
use crate::units::Dim;
use std::sync::Arc;

/// Cells that a projection or drive reaches, and the port it reaches.
type Target = (Expr, Arc<Neuron>, Option<VarId>);

/// Finds the port a target names; reports what is wrong with it.
///
/// A target that needs no port, because the synapse is an energy or only learns at signals, may name a population alone.
pub(super) fn target_port(infer: &mut Infer, world: &mut World, v: &ViewPath, portless: bool) -> Option<Target> {
    let Some((path, port)) = target(world, infer, v) else {
        let found = view(world, infer, v);
        if !found.is_error() {
            let d = errors::wrong_kind("a population", &found.ty, v.span);
            infer.diagnostics.push(d.maybe_help(segment_of(v)));
        }
        return None;
    };
    let cells = view(world, infer, &path);
    let Kind::Population(model) = cells.ty.kind.clone() else { return None };
    let neuron = infer.module.neurons.get(&model)?.clone();
    if portless && port.is_empty() {
        return Some((cells, neuron, None));
    }
    let is_port = |v: &Var| matches!(v.kind, VarKind::EventPort | VarKind::AnalogPort(_));
    let found = neuron.var(&port).filter(|id| is_port(&neuron.vars[*id]));
    if found.is_none() {
        let ports: Vec<&str> = neuron.vars.values().filter(|v| is_port(v)).map(|v| v.name.as_str()).collect();
        let population = &path.path.text;
        let help =
            crate::diag::nearest(&port, ports.iter().copied()).map(|p| format!("did you mean `{population}.{p}`?"));
        let message = match port.is_empty() {
            true => format!("`{population}` needs a port"),
            false => format!("`{port}` is not a port of `{model}`"),
        };
        let d = Diagnostic::at(Code::E0602, v.span, message, "a target is `population.port`");
        let d = match ports.is_empty() {
            true => d.note(format!("`{model}` has no ports")),
            false => d.note(format!("`{model}` has the ports {}", errors::list(&ports))),
        };
        infer.diagnostics.push(d.maybe_help(help));
        return None;
    }
    Some((cells, neuron, found))
}

/// How synapses reach one segment of a cable, where it was written with an index.
fn segment_of(v: &ViewPath) -> Option<String> {
    let ((_, last), before) = v.steps.split_last()?;
    let before = before.iter().filter_map(|(_, tail)| tail.as_ref());
    let cable: String = before.map(|tail| format!("[…].{}", tail.text)).collect();
    let port = last.iter().chain(&v.shared).map(|t| format!(".{}", t.text)).collect::<String>();
    let target = format!("{}{cable}{port}", v.path.text);
    (!port.is_empty()).then(|| format!("to reach a segment, write `{target}` and `place segment 3` in the block"))
}

/// Returns whether a synapse delivers nothing that a port would have to take: it follows an energy, or only learns at signals.
fn is_portless(synapse: &ast::Model) -> bool {
    let item = |is: fn(&ast::ModelItem) -> bool| synapse.body.iter().any(is);
    !item(|i| match i {
        ast::ModelItem::Deliver(_) => true,
        ast::ModelItem::On(trigger, ..) => trigger.text.contains('.'),
        _ => false,
    }) && item(|i| matches!(i, ast::ModelItem::Energy(..) | ast::ModelItem::On(..)))
}

/// Checks a projection and declares its name.
pub fn projection(infer: &mut Infer, world: &mut World, p: &ast::Projection) -> Option<Projection> {
    let checked = ends(infer, world, p);
    let synapse = checked.as_ref().and_then(|ends| ends.first()).map(|c| c.synapse.clone());
    let id = p.name.as_ref().map(|name| world.declare_member(infer, name, Ty::of(Kind::Projection(synapse))));
    checked.map(|ends| Projection { id, name: p.name.as_ref().map(|n| n.text.clone()), ends })
}

fn ends(infer: &mut Infer, world: &mut World, p: &ast::Projection) -> Option<Vec<Connection>> {
    let mut sources: Vec<(Expr, Arc<Neuron>)> = Vec::new();
    for v in &p.sources {
        let cells = view(world, infer, v);
        if let Kind::Population(model) = &cells.ty.kind {
            if let Some(neuron) = infer.module.neurons.get(model).cloned() {
                sources.push((cells, neuron));
            }
        } else if !cells.is_error() {
            let d = errors::wrong_kind("a population", &cells.ty, v.span);
            infer
                .diagnostics
                .push(d.help("a source is a population alone; what it sends, its synapses say: `on pre.spike`"));
        }
    }
    let name = p.synapse.clone().unwrap_or(Name { text: "Static".into(), span: p.span });
    let Some(synapse) = infer.module.synapses.get(&name.text).cloned() else {
        let known: Vec<&str> = infer.module.synapses.keys().map(String::as_str).collect();
        infer.diagnostics.push(errors::unknown_model("synapse", &name, known));
        return None;
    };
    let portless = is_portless(&synapse);
    let targets: Vec<Target> = p.targets.iter().filter_map(|v| target_port(infer, world, v, portless)).collect();
    let head = Span { end: p.targets.last().map_or(p.span.end, |t| t.span.end), ..p.span };
    once(infer, &p.clauses);
    let mut out = Vec::new();
    for (cells, pre) in &sources {
        for (reached, post, port) in &targets {
            let use_ = SynapseUse { pre, post, port: *port, span: head };
            let checked = Arc::new(check_synapse(infer.module, &synapse, &use_, infer.diagnostics));
            world.pair = Some(distance_dimension(cells, reached));
            let connection =
                connection(infer, world, p, (cells.clone(), reached.clone(), *port), (checked, post), head);
            world.pair = None;
            out.extend(connection);
        }
    }
    if !p.clauses.iter().any(is_connect) {
        infer.diagnostics.push(
            Diagnostic::at(
                Code::E0605,
                head,
                "this projection does not say which pairs to connect",
                "no `connect` clause",
            )
            .help("add `connect all_to_all`, `connect fixed_probability(0.1)`, …"),
        );
        return None;
    }
    Some(out)
}

/// Distances have a unit where one of the two populations has a spacing.
fn distance_dimension(pre: &Expr, post: &Expr) -> Dim {
    let spaced = |e: &Expr| e.ty.dim == Some(Dim::LENGTH);
    if spaced(pre) || spaced(post) { Dim::LENGTH } else { Dim::ONE }
}

pub(super) fn is_connect(c: &Clause) -> bool {
    matches!(c, Clause::Connect(_) | Clause::ConnectTable(..) | Clause::ConnectWhere(_) | Clause::Transpose(_))
}

/// The place of a clause, and what it says if it may be said once only.
pub(super) fn single(c: &Clause) -> Option<(&str, Span)> {
    match c {
        Clause::Connect(e) | Clause::ConnectWhere(e) => Some(("connect", e.span)),
        Clause::ConnectTable(_, _, span) => Some(("connect", *span)),
        Clause::Transpose(of) => Some(("connect", of.span)),
        Clause::Weight(_, span) => Some(("weight", *span)),
        Clause::Delay(_, false, span) => Some(("delay", *span)),
        Clause::Delay(_, true, span) => Some(("dendritic delay", *span)),
        Clause::Random(_, e) | Clause::Spikes(e) => Some(("poisson, bernoulli or spikes", e.span)),
        Clause::Store(name) => Some(("store", name.span)),
        Clause::Place(_, span) => Some(("place", *span)),
        Clause::Modulator(name, _) | Clause::Init(name, _) => Some((&name.text, name.span)),
    }
}

/// Refuses clauses that are said twice.
pub(super) fn once(infer: &mut Infer, clauses: &[Clause]) {
    let mut seen: Vec<(&str, Span)> = Vec::new();
    for (what, span) in clauses.iter().filter_map(single) {
        match seen.iter().find(|(w, _)| *w == what) {
            Some((_, first)) => infer.diagnostics.push(errors::said_twice(what, span, *first)),
            None => seen.push((what, span)),
        }
    }
}

fn connection(
    infer: &mut Infer,
    world: &mut World,
    p: &ast::Projection,
    (pre, post, port): (Expr, Expr, Option<VarId>),
    (synapse, neuron): (Arc<Synapse>, &Neuron),
    span: Span,
) -> Option<Connection> {
    let params = parameters(infer, world, p, &synapse);
    let weight_ty = synapse.weight().map(|w| Ty::of_variable(&synapse.vars[w]));
    let mut connect = None;
    let (mut weight, mut delay, mut dendritic, mut anew, mut site) = (None, None, None, None, None);
    let (mut modulators, mut init) = (Vec::new(), Vec::new());
    for clause in &p.clauses {
        match clause {
            Clause::Connect(e) => connect = connector(infer, world, e),
            Clause::Transpose(of) => {
                connect = transpose(infer, world, &p.clauses, of, weight_ty.as_ref()).map(Connect::Transposed);
            }
            Clause::ConnectWhere(e) => connect = Some(Connect::Where(infer.typed_condition(world, e))),
            Clause::ConnectTable(table, args, span) => {
                let table = from_table(infer, world, table, args, *span, weight_ty.as_ref());
                connect = table.map(|t| Connect::Table(Box::new(t)));
            }
            Clause::Weight(value, span) => match &weight_ty {
                Some(ty) => weight = Some(world.value(infer, value, "the weight", ty)),
                None => infer.diagnostics.push(
                    Diagnostic::at(Code::E0204, *span, format!("`{}` has no weight", synapse.name), "nothing to set")
                        .help("declare `weight w` in the synapse"),
                ),
            },
            Clause::Delay(value, is_dendritic, span) => {
                if *is_dendritic && synapse.deliver.is_some() {
                    let what = "a dendritic delay of a contribution at every step";
                    infer.diagnostics.push(crate::diag::unsupported(*span, what));
                }
                if synapse.has_nothing_under_way() {
                    let message = format!("nothing of `{}` is under way for any time", synapse.name);
                    infer.diagnostics.push(
                        Diagnostic::at(Code::E0204, *span, message, "no effect")
                            .note("it hears signals only, which reach all synapses at once")
                            .help("remove it"),
                    );
                }
                let value = match value {
                    ast::Value::Expr(e) => Value::Expr(infer.typed_time(world, e, "a delay")),
                    drawn => world.value(infer, drawn, "the delay", &Ty::time()),
                };
                *(if *is_dendritic { &mut dendritic } else { &mut delay }) = Some((value, *span));
            }
            Clause::Modulator(name, e) => modulators.extend(modulator(infer, world, &synapse, name, e)),
            Clause::Init(name, value) => {
                let can = |v: &Var| matches!(v.kind, VarKind::State(_) | VarKind::Param(_));
                let mut all = synapse.vars.iter().filter(|(_, v)| can(v));
                let found = all.find(|(_, v)| v.name == name.text).map(|(id, v)| (id, Ty::of_variable(v)));
                let twice = found.as_ref().and_then(|(id, _)| params.iter().find(|(p, _)| p == id));
                match found {
                    Some(_) if twice.is_some() => {
                        let message = format!("`{}` is given twice", name.text);
                        infer.diagnostics.push(
                            Diagnostic::at(Code::E0202, name.span, message, "given again").help("remove one of them"),
                        );
                    }
                    Some((id, ty)) => init.push((id, world.value(infer, value, &format!("`{}`", name.text), &ty))),
                    None => {
                        let known: Vec<&str> =
                            synapse.vars.values().filter(|v| can(v)).map(|v| v.name.as_str()).collect();
                        let owner = format!("`{}`", synapse.name);
                        infer.diagnostics.push(errors::no_member(&owner, &name.text, name.span, known));
                    }
                }
            }
            Clause::Place(at, span) => site = placed(infer, world, at, port.map(|port| &neuron.vars[port]), *span),
            Clause::Store(when) if when.text == "never" => anew = Some(when.span),
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
                infer.diagnostics.push(errors::wrong_kind("a clause of a projection", &Ty::error(), e.span));
            }
        }
    }
    let given: Vec<VarId> = params.iter().map(|(id, _)| *id).chain(init.iter().map(|(id, _)| *id)).collect();
    infer.diagnostics.extend(without_value(&synapse, &given, span));
    let connect = connect?;
    Some(Connection {
        pre,
        post,
        port,
        synapse,
        params,
        connect,
        weight,
        delay,
        dendritic,
        site,
        modulators,
        init,
        anew,
        span,
    })
}

/// Checks where on a cable synapses sit; the port must belong to one.
pub(super) fn placed(
    infer: &mut Infer,
    world: &mut World,
    at: &ast::Site,
    port: Option<&Var>,
    span: Span,
) -> Option<(Site, Span)> {
    let site = match at {
        ast::Site::Each => Site::Each,
        ast::Site::Segment(value) => Site::Segment(world.value(infer, value, "a segment", &Ty::number(Dim::ONE))),
        ast::Site::Distance(value) => {
            let (what, expected) = ("a distance along the path", Ty::number(Dim::LENGTH));
            if let ast::Value::Expr(e) = value {
                let found = infer.quiet(&mut Diagnostics::default()).typed(world, e).ty;
                if found.dim == Some(Dim::ONE) {
                    let d = errors::wrong_unit(what, &expected, &found, e.span, None);
                    infer.diagnostics.push(d.help("the number of a segment follows its word: `place segment 7`"));
                    return None;
                }
            }
            Site::Distance(world.value(infer, value, what, &expected))
        }
    };
    match port {
        Some(port) if port.cable.is_none() => {
            let message = format!("`{}` does not belong to a cable", port.name);
            infer.diagnostics.push(
                Diagnostic::at(Code::E0204, span, message, "there is only one place")
                    .label(port.span, "the port")
                    .help("remove `place`, or declare the input in a compartment with `length` and `diameter`"),
            );
            None
        }
        Some(port) if !matches!(port.kind, VarKind::EventPort) => {
            infer.diagnostics.push(crate::diag::unsupported(span, "a place of what is delivered at every step").help(
                "without `place` it is one value of a cell: a current enters the middle of the cable, other inputs reach all segments",
            ));
            None
        }
        _ => Some((site, span)),
    }
}

/// Checks the parameters of a synapse that are given.
fn parameters(infer: &mut Infer, world: &mut World, p: &ast::Projection, synapse: &Synapse) -> Vec<(VarId, Value)> {
    let params: Vec<(VarId, &Var)> = synapse.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::Param(_))).collect();
    let names: Vec<(&str, bool)> = params.iter().map(|(_, v)| (v.name.as_str(), true)).collect();
    let given: Vec<&ast::Arg> = p.args.iter().collect();
    let Some(bound) = bind(infer, &synapse.name, &names, &given, p.span, None) else { return Vec::new() };
    let mut out = Vec::new();
    for ((id, v), e) in params.into_iter().zip(bound) {
        let Some(e) = e else { continue };
        let what = format!("parameter `{}` of `{}`", v.name, synapse.name);
        out.push((id, Value::Expr(infer.typed_quantity(world, e, &what, &Ty::of_variable(v), Some(v.span)))));
    }
    out
}

fn modulator(
    infer: &mut Infer,
    world: &mut World,
    synapse: &Synapse,
    name: &Name,
    e: &ast::Expr,
) -> Option<(VarId, Expr)> {
    let is_modulator = |v: &Var| matches!(v.kind, VarKind::Modulator(_));
    let found = synapse.vars.iter().find(|(_, v)| v.name == name.text && is_modulator(v));
    let Some((id, v)) = found else {
        let known: Vec<&str> = synapse.vars.values().filter(|v| is_modulator(v)).map(|v| v.name.as_str()).collect();
        infer.diagnostics.push(errors::no_member(&format!("`{}`", synapse.name), &name.text, name.span, known));
        return None;
    };
    let pair = world.pair.take();
    let what = format!("modulator `{}`", name.text);
    let typed = infer.typed_quantity(world, e, &what, &Ty::of_variable(v), Some(v.span));
    world.pair = pair;
    Some((id, typed))
}

/// Checks that a projection whose weights are to be used the other way round is there, and has weights of the same unit.
fn transpose(infer: &mut Infer, world: &mut World, clauses: &[Clause], of: &Name, weight: Option<&Ty>) -> Option<Expr> {
    let path = ViewPath { path: of.clone(), steps: Vec::new(), shared: None, span: of.span };
    let found = view(world, infer, &path);
    let Kind::Projection(synapse) = &found.ty.kind else {
        if !found.is_error() {
            infer.diagnostics.push(
                errors::wrong_kind("a named projection", &found.ty, of.span)
                    .help("name it where it is declared: `projection forward: hidden -> output.drive: …`"),
            );
        }
        return None;
    };
    let theirs = synapse.as_ref().and_then(|s| s.weight().map(|w| s.vars[w].clone()));
    if let (Some(theirs), Some(ours)) = (theirs, weight) {
        let ty = Ty::of_variable(&theirs);
        if !ours.same_dim(&ty) {
            infer.diagnostics.push(errors::wrong_unit("the shared weight", ours, &ty, of.span, Some(theirs.span)));
        }
    }
    if let Some(Clause::Weight(_, span)) = clauses.iter().find(|c| matches!(c, Clause::Weight(..))) {
        infer.diagnostics.push(
            Diagnostic::at(Code::E0202, *span, "the weights are given twice", "given again")
                .label(of.span, "they are those of this projection")
                .help("leave this `weight` out"),
        );
    }
    Some(found)
}

/// Checks which pairs are connected.
fn connector(infer: &mut Infer, world: &mut World, e: &ast::Expr) -> Option<Connect> {
    let called = called(e);
    let found = called.and_then(|(name, _)| builtin::find(name)).filter(|b| b.place == Place::Connector);
    let (Some(b), Some((_, args))) = (found, called) else {
        let known: Vec<&str> = builtin::rows().filter(|b| b.place == Place::Connector).map(|b| b.name).collect();
        let name = called.map_or("", |(name, _)| name);
        let near = || crate::diag::nearest(name, known.iter().copied()).map(|n| format!("did you mean `{n}`?"));
        let help = match called {
            Some(_) => foreign::connector(name).or_else(near),
            None => Some("pairs that fulfil a condition are connected so: `connect where pre.i != post.i`".to_string()),
        };
        let message = match called {
            Some(_) => format!("unknown connector `{name}`"),
            None => "expected a connector, found an expression".to_string(),
        };
        infer.diagnostics.push(
            Diagnostic::at(Code::E0210, e.span, message, "not a connector")
                .note(format!("connectors are {}", errors::list(&known)))
                .maybe_help(help),
        );
        return None;
    };
    // Only a probability by distance depends on the pair.
    let pair = world.pair;
    world.pair = pair.filter(|_| b.name == "distance");
    let given = infer.arguments(world, b, args, e.span);
    world.pair = pair;
    let values = given?.values;
    if b.name == "fixed_probability"
        && let Some(Some(p)) = values.first()
        && let Some(value) = constant(p)
        && !(0.0..=1.0).contains(&value)
    {
        infer.diagnostics.push(errors::not_a_probability(value, p.span));
    }
    Some(Connect::By(b, values, e.span))
}

/// What `from` takes.
const FROM: [(&str, bool); 10] = [
    ("pre", true),
    ("post", true),
    ("ids", true),
    ("weight", true),
    ("delay", true),
    ("where", true),
    ("delimiter", true),
    ("missing", true),
    ("blank", true),
    ("duplicates", true),
];

fn from_table(
    infer: &mut Infer,
    world: &mut World,
    table: &ast::Expr,
    args: &[ast::Arg],
    span: Span,
    weight: Option<&Ty>,
) -> Option<FromTable> {
    let list: Vec<&ast::Arg> = args.iter().collect();
    let bound = bind(infer, "from", &FROM, &list, span, None)?;
    let [pre, post, ids, weight_of, delay, filter, delimiter, missing, blank, duplicates]: [Option<&ast::Expr>; 10] =
        bound.try_into().ok()?;
    let (path, table) = match &table.kind {
        ast::ExprKind::Text(path) => (path.clone(), None),
        ast::ExprKind::Name(name) => {
            let typed = infer.typed(world, table);
            if !typed.is_error() && typed.ty.kind != Kind::Table {
                infer.diagnostics.push(errors::wrong_kind("a table, or the path of one", &typed.ty, table.span));
            }
            (name.clone(), Some(typed))
        }
        _ => crate::ice!("a table that is neither a path nor a name"),
    };
    if let (Some(_), Some(e)) = (&table, delimiter) {
        let d = Diagnostic::at(Code::E0402, e.span, "a table that has been read has no delimiter", "too late");
        infer.diagnostics.push(d.help("name the file instead of the table"));
    }
    let pair = world.pair.take();
    let mut text = |infer: &mut Infer, e: Option<&ast::Expr>| {
        e.map(|e| {
            let typed = infer.typed(world, e);
            if !typed.is_error() && typed.ty.kind != Kind::Text {
                infer.diagnostics.push(errors::wrong_kind("a text", &typed.ty, e.span));
            }
            typed
        })
    };
    let ends = (text(infer, pre), text(infer, post));
    let (delimiter, missing, duplicates) = (text(infer, delimiter), text(infer, missing), text(infer, duplicates));
    let ids = ids.map(|e| {
        let typed = infer.typed(world, e);
        if !typed.is_error() && typed.ty.kind != Kind::Table {
            infer.diagnostics.push(errors::wrong_kind("a table of names", &typed.ty, e.span));
        }
        typed
    });
    let blank =
        blank.map(|e| infer.typed_quantity(world, e, "what an empty cell stands for", &Ty::number(Dim::ONE), None));
    world.columns = true;
    let filter = filter.map(|e| infer.typed_rows(world, e));
    let weight_of = match (weight_of, weight) {
        (Some(e), Some(ty)) => Some(infer.typed_quantity(world, e, "the weight", ty, None)),
        (Some(e), None) => {
            infer.diagnostics.push(Diagnostic::at(
                Code::E0204,
                e.span,
                "these synapses have no weight",
                "nothing to set",
            ));
            None
        }
        (None, _) => None,
    };
    // A column of delays without a unit is in milliseconds.
    let delay = delay.map(|e| {
        let typed = infer.typed_number(world, e);
        let pure = typed.ty.same_dim(&Ty::number(Dim::ONE))
            && matches!(typed.kind, crate::hir::typed::ExprKind::TableColumn(_));
        if !typed.is_error() && !pure && !typed.ty.same_dim(&Ty::time()) {
            infer.diagnostics.push(errors::time_needed("a delay", &typed.ty, e.span));
        }
        typed
    });
    world.columns = false;
    let beside = std::mem::take(&mut world.beside_columns);
    world.pair = pair;
    Some(FromTable {
        path,
        table,
        ends,
        ids,
        filter,
        delimiter,
        missing,
        blank,
        duplicates,
        weight: weight_of,
        delay,
        beside,
        span,
    })
}
