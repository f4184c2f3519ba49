//! Chains of members and indices, as in `net.exc[0..3].dend[5].v`.

use super::world::World;
use crate::builtin::End;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hir::infer::{Infer, constant};
use crate::hir::neuron::dotted;
use crate::hir::typed::{Coordinate, Expr, ExprKind, LocalId};
use crate::hir::{Kind, Op, Shape, Ty, Var, VarKind, errors};
use crate::source::Span;
use crate::syntax::ast::{self, ViewPath};
use crate::units::Dim;

/// Returns whether an expression names a cable compartment of a population.
fn is_cable(world: &mut World, infer: &Infer, e: &ast::Expr) -> bool {
    let ast::ExprKind::Member(base, name) = &e.kind else { return false };
    let mut silent = Diagnostics::default();
    let mut quiet = infer.quiet(&mut silent);
    match access(world, &mut quiet, base).ty.kind {
        Kind::Population(model) => {
            infer.module.neurons.get(&model).is_some_and(|n| n.cables.iter().any(|c| c.name == name.text))
        }
        _ => false,
    }
}

/// Resolves a chain of members and indices.
pub fn access(world: &mut World, infer: &mut Infer, e: &ast::Expr) -> Expr {
    if let Some(found) = of_pair(world, infer, e) {
        return found;
    }
    match &e.kind {
        ast::ExprKind::Index(base, index) => {
            let of = access(world, infer, base);
            let index = index.iter().map(|i| infer.typed(world, i)).collect();
            element(infer, of, index, e.span)
        }
        ast::ExprKind::Member(..) => {
            // Gather members down to the first index or name, so that compartments stay together.
            let mut names: Vec<&ast::Name> = Vec::new();
            let mut base = e;
            let mut segment = None;
            loop {
                match &base.kind {
                    ast::ExprKind::Member(inner, name) => {
                        names.push(name);
                        base = inner;
                    }
                    // `cell.dend[50].v`: the index of a segment of a cable.
                    ast::ExprKind::Index(inner, index) if is_cable(world, infer, inner) => {
                        if let [one] = &index[..] {
                            let number = infer.typed_one(world, one, "a segment", &Ty::number(Dim::ONE));
                            if constant(&number).is_some_and(|k| k < 0.0 || k.fract() != 0.0) {
                                infer.diagnostics.push(errors::no_segment(number.span));
                            }
                            segment = Some(Box::new(number));
                        } else {
                            infer.diagnostics.push(errors::wrong_arity("[]", "1", index.len(), base.span));
                        }
                        base = inner;
                    }
                    _ => break,
                }
            }
            names.reverse();
            let base = access(world, infer, base);
            members(infer, base, &names, segment, e.span)
        }
        _ => infer.typed(world, e),
    }
}

/// `pre.i`, `post.x`
fn of_pair(world: &World, infer: &mut Infer, e: &ast::Expr) -> Option<Expr> {
    let dim = world.pair?;
    let path = dotted(e)?;
    let (side @ ("pre" | "post"), member) = path.split_once('.')? else { return None };
    let end = if side == "pre" { End::Pre } else { End::Post };
    let (coordinate, dim) = match member {
        "i" => (Coordinate::Index, Dim::ONE),
        "n" => (Coordinate::Count, Dim::ONE),
        "x" => (Coordinate::Axis(0), dim),
        "y" => (Coordinate::Axis(1), dim),
        "z" => (Coordinate::Axis(2), dim),
        _ => {
            let owner = format!("`{side}`");
            infer.diagnostics.push(errors::no_member(&owner, member, e.span, ["i", "n", "x", "y", "z"]));
            return Some(Expr::error(e.span));
        }
    };
    Some(Expr::new(ExprKind::OfPair(end, coordinate), Ty::number(dim).shaped(Shape::Number), e.span))
}

/// Resolves members of a value one after the other; those of a population belong together.
fn members(infer: &mut Infer, base: Expr, names: &[&ast::Name], segment: Option<Box<Expr>>, span: Span) -> Expr {
    let mut value = base;
    for (i, name) in names.iter().enumerate() {
        if value.is_error() {
            return Expr::error(span);
        }
        if let Kind::Population(_) = &value.ty.kind {
            let path: Vec<&str> = names[i..].iter().map(|n| n.text.as_str()).collect();
            return of_population(infer, value, &path.join("."), segment, span);
        }
        value = member(infer, value, name, span);
    }
    value
}

fn member(infer: &mut Infer, of: Expr, name: &ast::Name, span: Span) -> Expr {
    let unknown = |infer: &mut Infer, owner: &str, known: Vec<&str>| {
        infer.diagnostics.push(errors::no_member(owner, &name.text, name.span, known));
        Expr::error(span)
    };
    match of.ty.kind.clone() {
        Kind::Network(model) => {
            let Some(network) = infer.module.networks.get(&model).cloned() else { return Expr::error(span) };
            match network.members.get(&name.text) {
                Some(id) => {
                    let ty = network.locals[*id].ty.clone();
                    infer.members.insert((model, name.text.clone()));
                    Expr::new(ExprKind::Member(Box::new(of), name.text.clone()), ty, span)
                }
                None => {
                    if let Some(hidden) = network.hidden.iter().find(|h| h.name == name.text) {
                        let message = format!("`{}` of network `{model}` cannot be reached from outside", name.text);
                        let d = Diagnostic::at(Code::E0205, name.span, message, "visible within its block only");
                        infer.diagnostics.push(hidden.explain(d));
                        return Expr::error(span);
                    }
                    let known: Vec<&str> = network.members.keys().map(String::as_str).collect();
                    let has = |id: &LocalId| match &network.locals[*id].ty.kind {
                        Kind::Population(m) => infer.module.neurons.get(m).is_some_and(|n| n.var(&name.text).is_some()),
                        _ => false,
                    };
                    let of = network.members.iter().find(|(_, id)| has(id)).map(|(of, _)| of);
                    let d = errors::no_member(&format!("network `{model}`"), &name.text, name.span, known);
                    let meant = of.filter(|_| d.help.is_none());
                    let meant = meant.map(|of| format!("`{0}` belongs to cells: `{of}.{0}`", name.text));
                    infer.diagnostics.push(d.maybe_help(meant));
                    Expr::error(span)
                }
            }
        }
        Kind::Environment(model) => {
            let Some(environment) = infer.module.environments.get(&model).cloned() else { return Expr::error(span) };
            match environment.member(&name.text) {
                Some((seen, ty)) => Expr::new(ExprKind::OfEnvironment(Box::new(of), seen), ty, span),
                None => unknown(infer, &format!("world `{model}`"), environment.members()),
            }
        }
        Kind::Table => {
            let ty = Ty::number(Dim::ONE).shaped(Shape::Array);
            Expr::new(ExprKind::Column(Box::new(of), name.text.as_str().into()), ty, span)
        }
        Kind::Data { fields, parts } if !parts.is_empty() => match parts.contains(&name.text) {
            true => {
                let ty = Ty::of(Kind::Data { fields, parts: Vec::new() });
                Expr::new(ExprKind::Part(Box::new(of), name.text.clone()), ty, span)
            }
            false => unknown(infer, "this data set", parts.iter().map(String::as_str).collect()),
        },
        Kind::Data { fields, .. } => match fields.iter().find(|(n, _)| *n == name.text) {
            Some((_, dim)) => Expr::new(ExprKind::Field(Box::new(of), name.text.clone()), Ty::number(*dim), span),
            None => unknown(infer, "this data set", fields.iter().map(|(n, _)| n.as_str()).collect()),
        },
        Kind::Projection(Some(synapse)) => {
            let own = |v: &&Var| {
                use VarKind::{Modulator, Param, State, Weight};
                matches!(v.kind, Param(_) | State(_) | Weight | Modulator(_))
            };
            match synapse.vars.values().filter(own).find(|v| v.name == name.text) {
                Some(v) => {
                    let ty = Ty::of_variable(v);
                    Expr::new(ExprKind::Synaptic { of: Box::new(of), name: name.text.clone() }, ty, span)
                }
                None => {
                    let known = synapse.vars.values().filter(own).map(|v| v.name.as_str()).collect();
                    unknown(infer, &format!("`{}`", synapse.name), known)
                }
            }
        }
        _ => unknown(infer, "this value", Vec::new()),
    }
}

/// A variable, an event or the number of cells of a population.
fn of_population(infer: &mut Infer, of: Expr, path: &str, segment: Option<Box<Expr>>, span: Span) -> Expr {
    let Kind::Population(model) = of.ty.kind.clone() else { return Expr::error(span) };
    let Some(neuron) = infer.module.neurons.get(&model).cloned() else { return Expr::error(span) };
    let of = Box::new(of);
    if let Some(id) = neuron.var(path) {
        let ty = Ty::of_variable(&neuron.vars[id]);
        return Expr::new(ExprKind::Variable { of, id, segment }, ty, span);
    }
    // The number of cells, unless the model has a variable of this name.
    if path == "n" {
        return Expr::new(ExprKind::Size(of), Ty::number(Dim::ONE).shaped(Shape::Number), span);
    }
    if let Some(id) = neuron.event(path) {
        return Expr::new(ExprKind::Events { of, id }, Ty::of(Kind::Events), span);
    }
    let known = neuron.vars.values().map(|v| v.name.as_str()).chain(neuron.events.values().map(|e| e.name.as_str()));
    infer.diagnostics.push(errors::no_member(&format!("`{model}`"), path, span, known.collect::<Vec<_>>()));
    Expr::error(span)
}

/// How many numbers an index picks.
fn picks(e: &Expr) -> Shape {
    match (&e.ty.kind, e.ty.shape) {
        (Kind::Range, _) => Shape::Array,
        (_, shape) => shape,
    }
}

/// Resolves an index of a population, an array, a matrix or a data set.
pub fn element(infer: &mut Infer, of: Expr, index: Vec<Expr>, span: Span) -> Expr {
    if of.is_error() || index.iter().any(Expr::is_error) {
        return Expr::error(span);
    }
    // A cell by its name.
    let named = matches!((&of.ty.kind, &index[..]), (Kind::Population(_), [one]) if one.ty.kind == Kind::Text);
    for e in &index {
        if named {
            continue;
        }
        if !matches!(e.ty.kind, Kind::Number | Kind::Range) || !e.ty.same_dim(&Ty::number(Dim::ONE)) {
            infer.diagnostics.push(errors::wrong_kind("an index", &e.ty, e.span));
            return Expr::error(span);
        }
        // Truths are numbers of arrays, but no places in them.
        if e.is_comparison() || matches!(e.kind, ExprKind::Not(_) | ExprKind::Binary(Op::And | Op::Or, ..)) {
            let d = errors::wrong_kind("an index", &Ty::of(Kind::Bool), e.span);
            infer
                .diagnostics
                .push(d.help("indices are places; `sum(if x > 1 then x else 0)` reduces what a condition chooses"));
            return Expr::error(span);
        }
    }
    let refuse = |infer: &mut Infer, most: usize, what: &str| {
        let message =
            format!("{what} takes {most} ind{}, found {}", if most == 1 { "ex" } else { "ices" }, index.len());
        infer.diagnostics.push(Diagnostic::at(Code::E0406, span, message, "too many"));
        Expr::error(span)
    };
    let ty = match (&of.ty.kind, of.ty.shape) {
        (Kind::Population(_), _) => of.ty.clone(),
        (Kind::Data { parts, .. }, _) if parts.is_empty() && index.len() == 1 => of.ty.clone(),
        (Kind::Number, Shape::Number) => {
            infer.diagnostics.push(errors::wrong_kind("something with elements", &of.ty, of.span));
            return Expr::error(span);
        }
        (Kind::Number, Shape::Array) if index.len() > 1 => return refuse(infer, 1, "an array"),
        (Kind::Number, _) if index.len() > 2 => return refuse(infer, 2, "a matrix"),
        (Kind::Number, Shape::Array) => of.ty.clone().shaped(picks(&index[0])),
        (Kind::Number, Shape::Matrix) => {
            let shape = match (picks(&index[0]), index.get(1).map_or(Shape::Array, picks)) {
                (Shape::Number, other) | (other, Shape::Number) => other,
                (Shape::Any, _) | (_, Shape::Any) => Shape::Any,
                _ => Shape::Matrix,
            };
            of.ty.clone().shaped(shape)
        }
        (Kind::Number, _) => of.ty.clone().shaped(Shape::Any),
        _ => {
            infer.diagnostics.push(errors::wrong_kind("something with elements", &of.ty, of.span));
            return Expr::error(span);
        }
    };
    Expr::new(ExprKind::Element(Box::new(of), index), ty, span)
}

/// Spells a path with indices as an expression.
fn spelled(v: &ViewPath) -> ast::Expr {
    let dotted = |base: Option<ast::Expr>, name: &ast::Name| {
        let mut out = base;
        for part in name.text.split('.') {
            let kind = match out {
                None => ast::ExprKind::Name(part.to_string()),
                Some(of) => ast::ExprKind::Member(Box::new(of), ast::Name { text: part.to_string(), span: name.span }),
            };
            out = Some(ast::Expr { kind, span: name.span });
        }
        out.unwrap_or(ast::Expr { kind: ast::ExprKind::All, span: name.span })
    };
    let mut e = dotted(None, &v.path);
    for (index, tail) in &v.steps {
        e = ast::Expr { kind: ast::ExprKind::Index(Box::new(e), index.clone()), span: v.span };
        if let Some(tail) = tail {
            e = dotted(Some(e), tail);
        }
    }
    if let Some(shared) = &v.shared {
        e = dotted(Some(e), shared);
    }
    ast::Expr { span: v.span, ..e }
}

/// Resolves cells, or a variable of cells, written as a path.
pub fn view(world: &mut World, infer: &mut Infer, v: &ViewPath) -> Expr {
    infer.typed(world, &spelled(v))
}

/// The same for a port: what is written may be a population alone, or end in names that are no variable; those come back as text.
pub fn target(world: &mut World, infer: &Infer, v: &ViewPath) -> Option<(ViewPath, String)> {
    let names: Vec<&str> = v.path.text.split('.').collect();
    let index = match &v.steps[..] {
        [] => None,
        [(index, _)] => Some(index),
        // One of several indices is a segment's, which is no target by itself.
        _ => return None,
    };
    let tails = v.steps.iter().filter_map(|(_, tail)| tail.as_ref()).chain(&v.shared);
    let tail: Vec<&str> = tails.flat_map(|t| t.text.split('.')).collect();
    let mut silent = Diagnostics::default();
    let mut quiet = infer.quiet(&mut silent);
    let named = |path: &[&str]| ViewPath {
        path: ast::Name { text: path.join("."), span: v.path.span },
        steps: index.map(|index| (index.clone(), None)).into_iter().collect(),
        shared: None,
        span: v.span,
    };
    let splits: Vec<usize> = if index.is_some() { vec![names.len()] } else { (1..=names.len()).rev().collect() };
    for k in splits {
        let cells = named(&names[..k]);
        if matches!(view(world, &mut quiet, &cells).ty.kind, Kind::Population(_)) {
            let port: Vec<&str> = names[k..].iter().chain(&tail).copied().collect();
            return Some((cells, port.join(".")));
        }
    }
    None
}

/// Refuses to give one segment of a cable a value of its own of what all segments have in common.
pub fn refuse_segment(infer: &mut Infer, kind: &VarKind, segment: bool, span: Span) {
    if segment && !matches!(kind, VarKind::State(_)) {
        infer.diagnostics.push(crate::diag::unsupported(span, "a parameter or an input of one segment").help(
            "it holds for all segments of a cell; a `state` without an equation may differ from segment to segment",
        ));
    }
}
