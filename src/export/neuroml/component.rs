//! A neuron as a component, with the synapses that its ports are.

use super::cell::{self, Given, Type};
use super::receptors::bare;
use super::standard;
use super::synapses::{Attributes, Synapse};
use super::unit::Units;
use crate::diag::Diagnostics;
use crate::export::unsaid;
use crate::hir::{EventId, Neuron, VarId};
use std::collections::BTreeMap;

/// A component of a cell, and what there has to be beside it.
pub struct Component {
    /// Types that NeuroML does not have: name and declaration.
    pub types: Types,
    /// Its type and its parameters.
    pub kind: String,
    pub attributes: String,
    pub synapses: Vec<Beside>,
    /// What its states and its events are called.
    pub names: BTreeMap<VarId, String>,
    pub events: BTreeMap<EventId, String>,
}

/// A synapse of a port.
pub struct Beside {
    pub port: VarId,
    pub kind: String,
    pub attributes: String,
    /// The weight there that one unit of the port is.
    pub unit: f64,
}

impl Component {
    /// The lines of the component and its synapses, by their names.
    pub fn lines(&self, id: &str, synapses: &[String]) -> String {
        let named = self.synapses.iter().zip(synapses);
        let synapses = named.map(|(s, id)| format!("    <{} id=\"{id}\"{}/>\n", s.kind, s.attributes));
        synapses.collect::<String>() + &format!("    <{} id=\"{id}\"{}/>\n", self.kind, self.attributes)
    }

    /// The names of its synapses, by its own.
    pub fn beside<'a>(&'a self, n: &'a Neuron, id: &'a str) -> impl Iterator<Item = String> + 'a {
        self.synapses.iter().map(move |s| format!("{id}_{}", n.vars[s.port].name.replace('.', "_")))
    }
}

/// A cell by itself: one of a standard type with synapses for its ports, or one of a type of its own at which events arrive.
pub fn alone(n: &Neuron, given: &Given, units: &mut Units, notes: &mut Vec<String>) -> Result<Component, Diagnostics> {
    if let Some(found) = standard_with_synapses(n, given, units) {
        notes.extend(n.scheme.map(|_| cell::left_to_tools(&n.name)));
        return Ok(found);
    }
    Ok(of_own(cell::written(n, given, units, notes)?, Vec::new(), Vec::new()))
}

/// A cell of a network: every port is a synapse beside it.
pub fn connected(
    n: &Neuron,
    given: &Given,
    units: &mut Units,
    notes: &mut Vec<String>,
) -> Result<Component, Diagnostics> {
    if let Some(found) = standard_with_synapses(n, given, units) {
        notes.extend(n.scheme.map(|_| cell::left_to_tools(&n.name)));
        return Ok(found);
    }
    let flaw = |port: VarId, why: &str| {
        let v = &n.vars[port];
        let mut flaws = Diagnostics::default();
        flaws.push(
            unsaid("NeuroML", v.span, &format!("the port `{}` as a synapse", v.name), why).help("change the model"),
        );
        flaws
    };
    let found = bare(n, given.first, units).map_err(|(port, why)| flaw(port, why))?;
    let first = found.synapses.first().map(|s| s.port);
    let Some((types, synapses)) = synapses(found.synapses, units) else {
        return Err(first.map_or_else(Diagnostics::default, |port| flaw(port, "it has a unit with a broken exponent")));
    };
    Ok(of_own(cell::written(&found.neuron, given, units, notes)?, types, synapses))
}

fn standard_with_synapses(n: &Neuron, given: &Given, units: &mut Units) -> Option<Component> {
    let found = bare(n, given.first, units).ok()?;
    let standard = standard::component(&found.neuron, given.first, units)?;
    let (types, synapses) = synapses(found.synapses, units)?;
    let names = standard.names.into_iter().map(|(v, name)| (v, name.to_string())).collect();
    let events = n.events.keys().map(|e| (e, "spike".to_string())).collect();
    Some(Component { types, kind: standard.kind, attributes: standard.attributes, synapses, names, events })
}

fn of_own(own: Type, mut types: Types, synapses: Vec<Beside>) -> Component {
    types.push((own.name.clone(), own.declared));
    let Type { name: kind, attributes, names, events, .. } = own;
    Component { types, kind, attributes, synapses, names, events }
}

/// Types: name and declaration.
type Types = Vec<(String, String)>;

/// Synapses with their parameters written, and the types that they need.
fn synapses(found: Vec<Synapse>, units: &mut Units) -> Option<(Types, Vec<Beside>)> {
    let (mut types, mut out) = (Vec::new(), Vec::new());
    for s in found {
        types.extend(s.declared.map(|text| (s.kind.clone(), text)));
        let attributes = match s.attributes {
            Attributes::Values(values) => standard::attributes(&values, units)?,
            Attributes::Written(text) => text,
        };
        out.push(Beside { port: s.port, kind: s.kind, attributes, unit: s.unit });
    }
    Some((types, out))
}
