//! Which models of a program are written.

use crate::compiler::Program;
use crate::describe;
use crate::diag::nearest;
use crate::hir::network::model::{Network, Value};
use crate::hir::typed::ExprKind;
use crate::hir::{Neuron, Synapse, VarId, VarKind};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A name that no model of the file has, and the nearest one that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// What was asked for.
    pub name: String,
    /// What may have been meant.
    pub nearest: Option<String>,
}

/// A synapse as a projection uses it.
pub struct Used {
    pub synapse: Arc<Synapse>,
    /// Values of parameters that are constants of the projection.
    pub given: BTreeMap<VarId, f64>,
    /// The projection in the text.
    pub span: Span,
}

/// The models that are written, and what is left to say.
pub struct Chosen {
    pub neurons: Vec<Arc<Neuron>>,
    /// One use of each synapse: with the cells and the port of a projection.
    pub synapses: Vec<Used>,
    /// Names of networks and experiments, which are no models.
    pub others: Vec<String>,
    /// Names of synapses that no projection of the file uses, so that nothing is known of their cells.
    pub unused: Vec<String>,
}

/// Chooses the neurons that the first file of a program declares, and the synapses of its networks; or only those that are named.
pub fn chosen(program: &Program, only: &[String]) -> Result<Chosen, Unknown> {
    let declared = describe::declared(program);
    let wanted = |name: &str| only.is_empty() || only.iter().any(|o| o == name);
    let mut used: Vec<Used> = Vec::new();
    for network in program.module.networks.values() {
        uses(network, &mut used);
    }
    let is_own = |name: &str| declared.iter().any(|(_, n)| n == name);
    let known = |name: &String| {
        program.module.neurons.contains_key(name) || used.iter().any(|s| s.synapse.name == *name) || is_own(name)
    };
    if let Some(name) = only.iter().find(|name| !known(name)) {
        let names =
            program.module.neurons.keys().map(String::as_str).chain(used.iter().map(|s| s.synapse.name.as_str()));
        return Err(Unknown { name: name.clone(), nearest: nearest(name, names).map(str::to_string) });
    }
    let asked = |name: &str| if only.is_empty() { is_own(name) } else { wanted(name) };
    let neurons = program.module.neurons.iter().filter(|(name, _)| asked(name)).map(|(_, n)| n.clone()).collect();
    let of_kind = |kinds: &[&str]| -> Vec<String> {
        declared.iter().filter(|(k, _)| kinds.contains(k)).map(|(_, n)| n.clone()).collect()
    };
    let is_unused = |n: &String| wanted(n) && used.iter().all(|s| s.synapse.name != *n);
    let unused = of_kind(&["synapse"]).into_iter().filter(is_unused).collect();
    let others = if only.is_empty() { of_kind(&["network", "world"]) } else { Vec::new() };
    let mut written = BTreeSet::new();
    // What does nothing but carry its weight is how the other tools connect cells anyway.
    let asked = |s: &Synapse| wanted(&s.name) && (does_something(s) || !only.is_empty());
    let synapses = used.into_iter().filter(|u| asked(&u.synapse) && written.insert(u.synapse.name.clone())).collect();
    Ok(Chosen { neurons, synapses, others, unused })
}

fn does_something(s: &Synapse) -> bool {
    let is_plain = |kind: &VarKind| matches!(kind, VarKind::Weight);
    !s.equations.is_empty() || s.vars.values().any(|v| !is_plain(&v.kind)) || s.handlers.len() > 1
}

fn uses(network: &Network, out: &mut Vec<Used>) {
    for c in network.connections() {
        let given = c.params.iter().filter_map(|(id, value)| Some((*id, constant(value)?))).collect();
        out.push(Used { synapse: c.synapse.clone(), given, span: c.span });
    }
}

/// A value that is written with numbers only.
fn constant(value: &Value) -> Option<f64> {
    match value {
        Value::Expr(e) if e.foreign_to_cells().is_none() && !e.any(&|e| matches!(e.kind, ExprKind::Local(_))) => {
            crate::math::eval(&e.clone().cell(), &|_| None, None)
        }
        _ => None,
    }
}
