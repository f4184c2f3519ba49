//! A network as NeuroML: populations, projections, what drives them, and a simulation that records what the experiment does.
//!
//! Input: a network as it is when its experiment first runs, in which every synapse is known. What differs from cell to cell of a
//! population makes several populations of it.

mod cells;
mod experiments;
mod inputs;
mod places;
mod projections;
mod simulation;

use super::component::Component;
use super::unit::Units;
use crate::diag::Diagnostics;
use crate::experiment::Begun;
use crate::export::names::{Names, snake};
use crate::export::{Exported, unsaid};
use crate::hir::experiment::model::Experiment;
use crate::source::Span;
use crate::units::Dim;
use places::Places;
use std::collections::BTreeMap;

/// Writes the network of an experiment that is about to run, and a simulation of as long as its first `run`.
pub fn network(experiment: &Experiment, begun: &Begun) -> Result<Exported, Diagnostics> {
    let mut writer = Writer {
        begun,
        places: Places::of(experiment),
        units: Units::default(),
        flaws: Diagnostics::default(),
        notes: Vec::new(),
        ids: Names::beside(&[]),
        types: Vec::new(),
        components: String::new(),
        known: BTreeMap::new(),
        groups: Vec::new(),
        populations: String::new(),
        connections: String::new(),
        inputs: String::new(),
    };
    experiments::refusals(experiment, &mut writer.flaws);
    let network = writer.ids.give(&snake(&experiment.name.replace(' ', "_")));
    let before = writer.flaws.counts().0;
    writer.cells();
    if writer.flaws.counts().0 == before {
        writer.projections();
        writer.all_inputs();
    }
    let id = writer.ids.give(&begun.name);
    let simulation = writer.simulation(&network, &id);
    if writer.flaws.has_errors() {
        return Err(writer.flaws);
    }
    let types: String = writer.types.iter().map(|(_, text)| text.as_str()).collect();
    let body = format!("{types}{}", writer.components);
    let includes = super::includes(&body, &["Cells", "Networks", "Simulation"]);
    let target = if simulation.is_empty() { &id } else { &network };
    let text = format!(
        "<Lems>\n    <Target component=\"{target}\"/>\n{includes}{}{body}    <network id=\"{id}\">\n{}    </network>\n{simulation}</Lems>\n",
        writer.units.declared(),
        [writer.populations, writer.connections, writer.inputs].concat()
    );
    writer.notes.sort();
    writer.notes.dedup();
    Ok(Exported { text, notes: writer.notes })
}

/// A network that is being written.
struct Writer<'a> {
    begun: &'a Begun,
    places: Places,
    units: Units,
    flaws: Diagnostics,
    notes: Vec<String>,
    ids: Names,
    /// Types: name and declaration.
    types: Vec<(String, String)>,
    components: String,
    /// Names of components, by what they are.
    known: BTreeMap<String, String>,
    /// What each population became.
    groups: Vec<Groups>,
    /// What is within the network, in this order.
    populations: String,
    connections: String,
    inputs: String,
}

/// The populations of NeuroML that one of ours became.
#[derive(Default)]
struct Groups {
    all: Vec<Group>,
    /// Which of them each cell is in, and its place there.
    of: Vec<(usize, usize)>,
}

/// A population of NeuroML.
struct Group {
    id: String,
    /// None of sources of spikes.
    cell: Option<Component>,
    /// Names of the synapses of its cells.
    synapses: Vec<String>,
}

impl Groups {
    /// A cell as `exc[3]`.
    fn path(&self, cell: usize) -> String {
        let (group, place) = self.of[cell];
        format!("{}[{place}]", self.all[group].id)
    }
}

impl Writer<'_> {
    fn refuse(&mut self, at: Span, what: &str, why: &str) {
        self.flaws.push(unsaid("NeuroML", at, what, why).help("change the network, or the experiment"));
    }

    /// A value in our unit, as an attribute.
    fn quantity(&mut self, value: f64, dim: Dim) -> String {
        let unit = self.units.of(dim).map_or(String::new(), |(_, unit)| unit);
        format!("{}{unit}", super::standard::tidy(value))
    }

    /// The name of a component that is declared once.
    fn component(&mut self, kind: &str, name: &str, body: &str) -> String {
        if let Some(id) = self.known.get(&format!("{kind}{body}")) {
            return id.clone();
        }
        let id = self.ids.give(name);
        self.components += &format!("    <{kind} id=\"{id}\"{body}\n");
        self.known.insert(format!("{kind}{body}"), id.clone());
        id
    }

    /// Synapses that a port of a cell has there: its name, and the weight that one unit of the port is.
    fn synapse(&self, population: usize, group: usize, port: crate::hir::VarId) -> Option<(String, f64)> {
        let group = &self.groups[population].all[group];
        let place = group.cell.as_ref()?.synapses.iter().position(|s| s.port == port)?;
        Some((group.synapses[place].clone(), group.cell.as_ref()?.synapses[place].unit))
    }
}
