//! What the checked program knows of declared names: units, schemes, where states live.

use crate::hir::network::model::{Local, Parameter};
use crate::hir::{self, Kind, Module, Ty, VarKind};
use crate::solve;
use crate::source::Span;
use crate::units::{Dim, Unit, canonical_unit};
use std::collections::HashMap;

/// What is known of a name.
#[derive(Debug, Clone, Default)]
pub struct Fact {
    /// The unit, or the kind of what is no number.
    pub unit: String,
    /// What else there is to say, a line each.
    pub said: Vec<String>,
}

/// Facts by the place of the declared name.
pub fn facts(module: &Module) -> HashMap<Span, Fact> {
    let mut out = HashMap::new();
    module.neurons.values().for_each(|n| of_neuron(n, &mut out));
    for network in module.networks.values() {
        of_locals(network.locals.values(), &network.params, &mut out);
        for (_, s) in network.synapses() {
            of_synapse(s, &mut out);
        }
    }
    for e in module.experiments.iter().chain(&module.tests) {
        of_locals(e.locals.values(), &e.params, &mut out);
    }
    out
}

fn unit_of(dim: Dim, unit: Option<&Unit>) -> String {
    unit.map_or_else(|| canonical_unit(dim).name, |u| u.name.clone())
}

fn of_variable(v: &hir::Var) -> Option<Fact> {
    let unit = if v.boolean { "true or false".into() } else { unit_of(v.dim, v.unit.as_ref()) };
    match v.kind {
        VarKind::Pre(_) | VarKind::Post(_) | VarKind::Window(..) | VarKind::Response(_) => None,
        _ => Some(Fact { unit, said: Vec::new() }),
    }
}

fn of_neuron(n: &hir::Neuron, out: &mut HashMap<Span, Fact>) {
    let schemes = solve::discretize(n).schemes;
    for (id, v) in n.vars.iter() {
        let Some(mut fact) = of_variable(v) else { continue };
        if let Some((_, scheme, why)) = schemes.iter().find(|(state, ..)| *state == id) {
            fact.said.push(format!("advanced by `{}`: {why}", solve::scheme_name(*scheme)));
        } else if matches!(v.kind, VarKind::State(_)) {
            fact.said.push("changes only in handlers".into());
        }
        if let Some(kept) = n.kept.get(&id) {
            fact.said.push(format!("kept {kept}"));
        }
        out.insert(v.span, fact);
    }
}

fn of_synapse(s: &hir::Synapse, out: &mut HashMap<Span, Fact>) {
    let places = solve::places(s, &solve::Sharing::ALL);
    let stepped = solve::stepped(s);
    for (id, v) in s.vars.iter() {
        let Some(mut fact) = of_variable(v) else { continue };
        if let Some(place) = places.get(&id) {
            let bytes =
                if *place == hir::Place::Synapse { ", 4 bytes each in single precision, 8 in double" } else { "" };
            fact.said.push(format!("kept {place}{bytes}"));
        }
        if stepped.contains(&id) {
            fact.said.push("advanced at every step".into());
        }
        out.insert(v.span, fact);
    }
}

fn of_locals<'a>(locals: impl Iterator<Item = &'a Local>, params: &[Parameter], out: &mut HashMap<Span, Fact>) {
    let locals = locals.map(|l| (l.span, &l.ty)).chain(params.iter().map(|p| (p.span, &p.ty)));
    for (span, ty) in locals {
        out.extend(described(ty).map(|unit| (span, Fact { unit, said: Vec::new() })));
    }
}

fn described(ty: &Ty) -> Option<String> {
    match (&ty.kind, ty.dim) {
        (Kind::Number, Some(dim)) => Some(unit_of(dim, ty.unit.as_ref())),
        (Kind::Number, None) | (Kind::Error, _) => None,
        _ => Some(ty.describe()),
    }
}
