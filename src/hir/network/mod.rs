//! Checks networks: names, models, ports, and the units of every clause.

mod access;
mod items;
mod projection;

use self::items::items;
pub(super) use self::items::network_type;
pub(super) use self::projection::drive;
use super::expr::Expr;
use super::functions::{self, Gives, Wants};
use super::infer::{Context, Infer};
use super::neuron::dotted;
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
    /// Synapses as checked for the projections so far, with the names of those that have one.
    pub synapses: NamedSynapses,
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

pub(crate) const DISTRIBUTIONS: [&str; 7] =
    ["normal", "lognormal", "uniform", "exponential", "xavier", "xavier_uniform", "kaiming"];
const CONNECTORS: [&str; 9] = [
    "all_to_all",
    "one_to_one",
    "fixed_probability",
    "fixed_in_degree",
    "fixed_out_degree",
    "fixed_total",
    "distance",
    "conv",
    "pool",
];

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
        Kind::Data { fields, parts: of } => {
            if of.iter().any(|p| p == parts[0]) {
                return (Ty::of(Kind::Data { fields: fields.clone(), parts: Vec::new() }), 1);
            }
            match fields.iter().find(|(n, _)| n == parts[0] && of.is_empty()) {
                Some((_, dim)) => (Ty::number(*dim), 1),
                None => {
                    let known: Vec<&str> = match of.is_empty() {
                        true => fields.iter().map(|(n, _)| n.as_str()).collect(),
                        false => of.iter().map(String::as_str).collect(),
                    };
                    infer.diagnostics.push(errors::no_member("this data set", parts[0], span, known));
                    (Ty::error(), parts.len())
                }
            }
        }
        Kind::Projection(Some(synapse)) => {
            let own = |v: &&Var| {
                use VarKind::{Modulator, Param, State, Weight};
                matches!(v.kind, Param(_) | State(_) | Weight | Modulator(_))
            };
            match synapse.vars.values().filter(own).find(|v| v.name == parts[0]) {
                Some(v) => (Ty { kind: Kind::Number, dim: Some(v.dim), unit: v.unit.clone() }, 1),
                None => {
                    let known: Vec<&str> = synapse.vars.values().filter(own).map(|v| v.name.as_str()).collect();
                    infer.diagnostics.push(errors::no_member(&format!("`{}`", synapse.name), parts[0], span, known));
                    (Ty::error(), parts.len())
                }
            }
        }
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
        collect_members(module, name, &network.body, &mut out);
    }
    out
}

fn collect_members(module: &Module, network: &str, body: &[NetworkItem], out: &mut Vec<(String, Ty)>) {
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
                    let known = module.projections.get(network).into_iter().flatten();
                    let synapse = known.clone().find(|(n, _)| n.as_ref() == Some(&name.text)).map(|(_, s)| s.clone());
                    out.push((name.text.clone(), Ty::of(Kind::Projection(synapse))));
                }
            }
            NetworkItem::Let(name, _) => out.push((name.text.clone(), Ty::any_number())),
            NetworkItem::Params(bindings) => {
                out.extend(bindings.iter().map(|b| (b.name.text.clone(), Ty::any_number())))
            }
            NetworkItem::For(_, _, body) => collect_members(module, network, body, out),
            NetworkItem::If(_, a, b) => {
                collect_members(module, network, a, out);
                collect_members(module, network, b, out);
            }
            NetworkItem::Init(..) | NetworkItem::Drive(_) => {}
        }
    }
}

/// Checks a network declaration; returns its synapses as checked, with the names of projections that have one.
pub(super) fn check_network(module: &Module, network: &ast::Network, diagnostics: &mut Diagnostics) -> NamedSynapses {
    let mut infer = Infer { module, diagnostics, depth: 0 };
    let mut world = World::default();
    world.formals(&mut infer, &network.formals);
    items(&mut infer, &mut world, &network.body, &network.name.text);
    world.synapses
}

/// Types `dataset(x = …, y = …)`: arrays with one row per example, by name.
fn dataset(world: &mut World, infer: &mut Infer, args: &[ast::Arg], span: Span) -> Ty {
    let mut fields = Vec::new();
    for a in args {
        let ty = infer.number(world, &a.value).1;
        match &a.name {
            // How many there are is not a field.
            Some(name) if name.text == "examples" => {}
            Some(name) => fields.push((name.text.clone(), ty.dim.unwrap_or(Dim::ONE))),
            None => infer.diagnostics.push(
                Diagnostic::at(Code::E0204, a.value.span, "a field of a data set needs a name", "unnamed")
                    .help("write `dataset(x = inputs, y = targets)`"),
            ),
        }
    }
    if args.is_empty() {
        infer.diagnostics.push(errors::wrong_arity("dataset", "at least 1", 0, span));
    }
    Ty::of(Kind::Data { fields, parts: Vec::new() })
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
        if name == "dataset" {
            return Some((Expr::Time, dataset(self, infer, args, span)));
        }
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
                Wants::Number | Wants::Pure | Wants::Same | Wants::Time | Wants::Collection | Wants::Vector => {
                    Kind::Number
                }
                Wants::Window => Kind::Range,
                Wants::Events => Kind::Events,
                Wants::Trace => Kind::Trace,
                Wants::Text => Kind::Text,
                Wants::Projection => Kind::Projection(None),
                Wants::Table => Kind::Table,
                Wants::Network => Kind::Network(String::new()),
            };
            let fits = match wants {
                Wants::Projection => matches!(ty.kind, Kind::Projection(_)),
                Wants::Network => matches!(ty.kind, Kind::Network(_)),
                Wants::Collection => matches!(ty.kind, Kind::Number | Kind::Bool | Kind::Data { .. }),
                Wants::Vector => matches!(ty.kind, Kind::Number | Kind::Projection(_)),
                Wants::Pure | Wants::Number => matches!(ty.kind, Kind::Number | Kind::Bool),
                _ => ty.kind == kind,
            };
            if !fits {
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
        // Truth values count as 0 and 1.
        let first = if first.kind == Kind::Bool { Ty::number(Dim::ONE) } else { first };
        let ms = || Ty { unit: crate::units::lookup("ms"), ..Ty::number(Dim::TIME) };
        let ty = match signature.gives {
            Gives::Pure => Ty::number(Dim::ONE),
            Gives::Same => first,
            Gives::Product => {
                let second = types.get(1).and_then(|t| t.dim);
                Ty { kind: Kind::Number, dim: first.dim.zip(second).map(|(a, b)| a * b), unit: None }
            }
            Gives::Angle => Ty { unit: crate::units::lookup("deg"), ..Ty::number(Dim::ONE) },
            Gives::Square => Ty { kind: Kind::Number, dim: first.dim.map(|d| d * d), unit: None },
            Gives::Time => ms(),
            Gives::Rate => Ty { unit: crate::units::lookup("Hz"), ..Ty::number(Dim::RATE) },
            Gives::Any => Ty { kind: Kind::Number, dim: first.dim, unit: first.unit },
            Gives::Table => Ty::of(Kind::Table),
            Gives::Images(parts) => {
                let fields = ["image", "label"].map(|n| (n.to_string(), Dim::ONE)).to_vec();
                Ty::of(Kind::Data { fields, parts: parts.iter().map(|p| p.to_string()).collect() })
            }
            Gives::Second => types.get(1).cloned().unwrap_or(Ty::error()),
        };
        Some((Expr::Time, ty))
    }

    fn at_end(&mut self, infer: &mut Infer, of: &ast::Expr, _window: &Name) -> Option<(Expr, Ty)> {
        let typed = infer.number(self, of);
        matches!(of.kind, ExprKind::Member(..)).then_some(typed)
    }

    fn known_names(&self) -> Vec<String> {
        self.names.iter().map(|(n, _)| n.clone()).collect()
    }

    fn known_functions(&self) -> Vec<&'static str> {
        functions::FUNCTIONS.iter().map(|f| f.name).collect()
    }
}
