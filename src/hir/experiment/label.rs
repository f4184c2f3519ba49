//! How an expression is called in a figure.

use super::model::Environment;
use crate::hir::Kind;
use crate::hir::Module;
use crate::hir::network::model::Local;
use crate::hir::typed::{Expr, ExprKind, LocalId};
use cranelift_entity::PrimaryMap;

/// Spells a chain of names; empty for anything else.
pub fn label(module: &Module, locals: &PrimaryMap<LocalId, Local>, e: &Expr) -> String {
    let sub = |e: &Expr| label(module, locals, e);
    let joined = |base: String, name: &str| if base.is_empty() { name.to_string() } else { format!("{base}.{name}") };
    match &e.kind {
        ExprKind::Local(id) => locals[*id].name.clone(),
        ExprKind::Member(of, name) | ExprKind::Field(of, name) | ExprKind::Part(of, name) => joined(sub(of), name),
        ExprKind::OfEnvironment(of, seen) => match environment(module, of).and_then(|e| e.spelled(*seen)) {
            Some(name) => joined(sub(of), name),
            None => String::new(),
        },
        ExprKind::Synaptic { of, name } => joined(sub(of), name),
        ExprKind::Column(of, name) => joined(sub(of), name),
        ExprKind::Element(of, at) => match (sub(of), at.iter().map(index).collect::<Option<Vec<String>>>()) {
            (base, Some(at)) if !base.is_empty() => format!("{base}[{}]", at.join(", ")),
            (base, _) => base,
        },
        ExprKind::Variable { of, id, .. } => match model(module, of) {
            Some(neuron) => joined(sub(of), &neuron.vars[*id].name),
            None => String::new(),
        },
        ExprKind::Events { of, id } => match model(module, of) {
            Some(neuron) => joined(sub(of), &neuron.events[*id].name),
            None => String::new(),
        },
        _ => String::new(),
    }
}

/// Spells an index that is written as numbers.
fn index(e: &Expr) -> Option<String> {
    match &e.kind {
        ExprKind::Number(n) => Some(crate::units::format_number(*n)),
        ExprKind::Range(a, b) => Some(format!("{}..{}", index(a)?, index(b)?)),
        ExprKind::All => Some("*".into()),
        _ => None,
    }
}

fn model<'a>(module: &'a Module, of: &Expr) -> Option<&'a crate::hir::Neuron> {
    match &of.ty.kind {
        Kind::Population(model) => module.neurons.get(model).map(|n| &**n),
        _ => None,
    }
}

fn environment<'a>(module: &'a Module, of: &Expr) -> Option<&'a Environment> {
    match &of.ty.kind {
        Kind::Environment(model) => module.environments.get(model).map(|e| &**e),
        _ => None,
    }
}
