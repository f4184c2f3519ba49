//! The first table: a network at a glance.

use super::document::Document;
use super::escape::{code, prose};
use super::layout::{Columns, Table};
use super::models::is_plastic;
use super::networks::members;
use crate::syntax::ast::{Clause, Drive, ExprKind, Model, ModelItem, ModelKind, Network, NetworkItem, Process};
use std::collections::BTreeSet;

const SUMMARY: Columns = &[("Part", 0.22), ("Description", 0.72)];

impl Document<'_> {
    /// A network at a glance: populations, topology, connectivity, models, input and measurements.
    pub fn summary(&self, n: &Network) -> String {
        let parts = Parts::of(n);
        let models = |names: &BTreeSet<String>| listed(names.iter().map(|n| code(n)));
        let is_channel = |m: &Model| uses_of(&m.body);
        let neurons = parts.neurons.iter().filter_map(|name| self.reached.model(name));
        let channels: BTreeSet<String> = neurons.flat_map(is_channel).collect();
        let plastic = |name: &&String| self.reached.model(name).is_some_and(is_plastic);
        let plasticity: BTreeSet<String> = parts.synapses.iter().filter(plastic).cloned().collect();
        let mut table = Table::new(SUMMARY);
        let mut row = |of: &str, what: String| table.row(&[of.to_string(), what]);
        row("Populations", listed(parts.populations.iter().cloned()));
        row("Topology", listed(parts.topology.iter().cloned()));
        row("Connectivity", listed(parts.connectors.iter().map(|c| prose(c))));
        row("Neuron models", models(&parts.neurons));
        row("Channel models", models(&channels));
        row("Synapse models", models(&parts.synapses));
        row("Plasticity", models(&plasticity));
        row("Input", listed(parts.input.iter().map(|i| prose(i))));
        row("Measurements", listed(self.measured(&n.name.text).into_iter()));
        table.written(&format!("Summary of {}.", code(&n.name.text)))
    }
}

/// The kinds of things that a network is made of.
#[derive(Default)]
struct Parts {
    populations: Vec<String>,
    topology: Vec<String>,
    connectors: BTreeSet<String>,
    neurons: BTreeSet<String>,
    synapses: BTreeSet<String>,
    input: BTreeSet<String>,
}

impl Parts {
    fn of(n: &Network) -> Parts {
        let mut parts = Parts::default();
        members(&n.body).iter().for_each(|m| parts.member(m.item));
        parts
    }

    fn member(&mut self, item: &NetworkItem) {
        match item {
            NetworkItem::Population { name, model, shape, spacing, .. } => {
                self.populations.push(code(&name.text));
                self.neurons.insert(model.text.clone());
                if shape.len() > 1 || spacing.is_some() {
                    self.topology.push(format!("{} in {} dimensions", code(&name.text), shape.len().max(1)));
                }
            }
            NetworkItem::Network { name, model, .. } => {
                self.populations.push(format!("{}, a network {}", code(&name.text), code(&model.text)));
            }
            NetworkItem::Projection(p) => {
                self.synapses.insert(p.synapse.as_ref().map_or("Static", |s| &s.text).to_string());
                self.connectors.extend(p.clauses.iter().filter_map(connector));
            }
            NetworkItem::Drive(d) => self.input.extend(kinds(d)),
            _ => {}
        }
    }
}

/// By which rule pairs are connected, in words.
fn connector(c: &Clause) -> Option<String> {
    let name = match c {
        Clause::Connect(e) => match &e.kind {
            ExprKind::Name(name) => name,
            ExprKind::Call(of, _) => match &of.kind {
                ExprKind::Name(name) => name,
                _ => return None,
            },
            _ => return None,
        },
        Clause::ConnectTable(..) => return Some("rows of a table".into()),
        Clause::ConnectWhere(_) => return Some("pairs that meet a condition".into()),
        Clause::Transpose(name) => return Some(format!("the transpose of `{}`", name.text)),
        _ => return None,
    };
    let help = crate::builtin::find(name).map_or(String::new(), |b| format!(" ({})", b.help));
    Some(format!("`{name}`{help}"))
}

fn kinds(d: &Drive) -> impl Iterator<Item = String> {
    let ports: Vec<String> = d.targets.iter().map(|t| t.end().text.clone()).collect();
    d.clauses.iter().filter_map(move |c| {
        let what = match c {
            Clause::Random(Process::Poisson, _) => "Poisson events",
            Clause::Random(Process::Bernoulli, _) => "Bernoulli events",
            Clause::Spikes(_) => "given events",
            _ => return None,
        };
        Some(format!("{what} at `{}`", ports.join(", ")))
    })
}

/// Channels that a model uses, in its compartments, too.
fn uses_of(body: &[ModelItem]) -> Vec<String> {
    let each = body.iter().map(|i| match i {
        ModelItem::ChannelUse(_, model, ..) => vec![model.text.clone()],
        ModelItem::Compartment(_, _, inner, _) | ModelItem::Cable(_, inner, _) | ModelItem::Sections(_, inner) => {
            uses_of(inner)
        }
        _ => Vec::new(),
    });
    each.flatten().collect()
}

fn listed(what: impl Iterator<Item = String>) -> String {
    let what: Vec<String> = what.collect();
    if what.is_empty() { "--".into() } else { what.join("; ") }
}

/// What a kind of model is called when several are spoken of.
pub fn plural(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Neuron => "Neuron models",
        ModelKind::Synapse => "Synapse models",
        ModelKind::Channel => "Channel models",
    }
}
