//! Where populations, projections and drives are written.

use crate::hir::experiment::model::{Experiment, StatementKind};
use crate::hir::network::model::{Item, Network};
use crate::hir::{VarId, experiment::model::Statement};
use crate::source::Span;
use std::collections::BTreeMap;

/// Places by the names of a plan; what has none is at the network.
pub struct Places {
    network: Span,
    populations: BTreeMap<String, Span>,
    projections: BTreeMap<String, Span>,
    drives: BTreeMap<VarId, Span>,
}

impl Places {
    /// Those of the first network of an experiment.
    pub fn of(experiment: &Experiment) -> Places {
        let mut places = Places {
            network: experiment.span,
            populations: BTreeMap::new(),
            projections: BTreeMap::new(),
            drives: BTreeMap::new(),
        };
        for Statement { kind, span } in &experiment.blocks[0] {
            match kind {
                StatementKind::Network { network, .. } => {
                    places.network = *span;
                    places.items(&network.model.body, &network.model, "");
                }
                StatementKind::Drive(d) => places.drives.extend(d.targets.iter().map(|(_, port)| (*port, d.span))),
                _ => {}
            }
        }
        places
    }

    fn items(&mut self, body: &[Item], of: &Network, prefix: &str) {
        for item in body {
            match item {
                Item::Population(p) => {
                    self.populations.insert(format!("{prefix}{}", of.locals[p.id].name), p.span);
                }
                Item::Network(n) => {
                    self.items(&n.model.body, &n.model, &format!("{prefix}{}.", of.locals[n.id].name));
                }
                Item::Projection(p) => {
                    if let (Some(name), Some(end)) = (&p.name, p.ends.first()) {
                        self.projections.insert(format!("{prefix}{name}"), end.span);
                    }
                }
                Item::Drive(d) => self.drives.extend(d.targets.iter().map(|(_, port)| (*port, d.span))),
                Item::For { body, .. } => self.items(body, of, prefix),
                Item::If(_, a, b) => {
                    self.items(a, of, prefix);
                    self.items(b, of, prefix);
                }
                Item::Init(..) | Item::Let(..) | Item::Chosen(_) => {}
            }
        }
    }

    pub fn population(&self, name: &str) -> Span {
        self.populations.get(name).copied().unwrap_or(self.network)
    }

    pub fn projection(&self, name: &str) -> Span {
        self.projections.get(name).copied().unwrap_or(self.network)
    }

    pub fn drive(&self, port: VarId) -> Span {
        self.drives.get(&port).copied().unwrap_or(self.network)
    }
}
