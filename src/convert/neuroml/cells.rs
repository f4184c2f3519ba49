//! Which neurons a network needs, each with the synapses and inputs that act on it.
//!
//! Input: a network. Output: a neuron for each type of point cells, one for each cell with channels, and what sources of spikes become.

use super::biophysics;
use super::dimension::{CURRENT, Dimension, NONE};
use super::expression::{Expression, Operator};
use super::group::{Group, Shared, add_synapse};
use super::inputs;
use super::membrane;
use super::model::{Model, kind};
use super::network::{Joint, Link, Network};
use super::neuron::Neuron;
use super::part::{Builder, is_attached};
use super::place::{Outcome, flaw};
use super::scope::{Scope, Written, capital, unique};
use super::synapse::{attach, inject, mechanisms};
use super::tree::Tree;
use super::types::Rule;
use super::xml::Element;
use crate::convert::Flaw;
use std::collections::HashSet;

/// What a source of spikes becomes.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Its declaration.
    pub neuron: String,
    /// Its arguments.
    pub arguments: String,
    /// What drives it.
    pub drive: Option<String>,
    /// The declaration itself, if the library has none.
    pub declaration: Option<&'static str>,
}

const REFRACTORY: &str = "## Spikes at random, with a shortest interval.
neuron RefractoryPoisson {
    param rate = 50 Hz, t_ref = 10 ms
    emit spike when t + dt > t_ref and random() < dt / (1 / rate - t_ref) {
        mute spike for t_ref
    }
}
";

const RANDOM: &str = "## Intervals between spikes are drawn evenly from a range.
neuron RandomIntervals {
    param shortest = 10 ms, longest = 30 ms
    state due = 0 ms
    emit first when due == 0 ms {
        due = uniform(shortest, longest)
    }
    emit spike when t + dt > due {
        due += uniform(shortest, longest)
    }
}
";

/// The source of spikes that a component is, if it is one.
pub fn source(model: &Model, element: &Element) -> Outcome<Option<Source>> {
    let time = super::dimension::TIME;
    let rate: Dimension = [0, 0, -1, 0, 0, 0, 0];
    let make = |neuron: &str, arguments: String, drive: Option<String>| {
        Ok(Some(Source { neuron: neuron.into(), arguments, drive, declaration: None }))
    };
    match kind(element) {
        own if model.is_own(own) => Ok(None),
        "spikeGeneratorRefPoisson" => {
            let (rate, shortest) =
                (model.quantity(element, "averageRate", rate)?, model.quantity(element, "minimumISI", time)?);
            let arguments = format!("rate = {}, t_ref = {}", rate.text, shortest.text);
            Ok(Some(Source {
                neuron: "RefractoryPoisson".into(),
                arguments,
                drive: None,
                declaration: Some(REFRACTORY),
            }))
        }
        "spikeGeneratorRandom" => {
            let (longest, shortest) =
                (model.quantity(element, "maxISI", time)?, model.quantity(element, "minISI", time)?);
            let arguments = format!("shortest = {}, longest = {}", shortest.text, longest.text);
            Ok(Some(Source { neuron: "RandomIntervals".into(), arguments, drive: None, declaration: Some(RANDOM) }))
        }
        "spikeGenerator" => {
            let period = model.quantity(element, "period", time)?.text;
            make("Clock", format!("period = {period}, phase = {period}"), None)
        }
        "spikeGeneratorPoisson" => {
            make("Poisson", format!("rate = {}", model.quantity(element, "averageRate", rate)?.text), None)
        }
        "SpikeSourcePoisson" => {
            let (start, duration) =
                (model.quantity(element, "start", time)?, model.quantity(element, "duration", time)?);
            let rate = model.quantity(element, "rate", rate)?;
            let drive = format!("poisson {}", inputs::pulse(&start, &duration, &rate.text));
            make("Relay", String::new(), Some(drive))
        }
        "spikeArray" => {
            let spikes = element.children.iter().filter(|c| c.name == "spike" || kind(c) == "spike");
            let times = inputs::times(model, spikes)?;
            make("Relay", String::new(), Some(format!("spikes {}", inputs::list(times.into_iter()))))
        }
        own if model.is_a(own, "baseSpikeSource") && !model.is_own(own) => Err(flaw(
            &element.place,
            format!("`{own}` cannot be carried over"),
            "a source of spikes that is not known here",
        )
        .help(
            "use `spikeGeneratorPoisson`, `spikeGenerator` or `spikeArray`, or write it in the `.neuro` file by hand",
        )),
        _ => Ok(None),
    }
}

/// The groups of a network, and which one each population belongs to (none for sources of spikes).
pub fn groups<'a>(
    model: &Model<'a>,
    network: &Network<'a>,
    names: &mut HashSet<String>,
) -> (Vec<Group<'a>>, Vec<Option<usize>>, Vec<Flaw>) {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut member = Vec::new();
    let mut flaws: Vec<Flaw> = Vec::new();
    for population in &network.populations {
        match source(model, population.component) {
            Ok(None) => match place(model, &mut groups, population.component, names) {
                Ok(group) => member.push(Some(group)),
                Err(found) => {
                    flaws.push(*found);
                    member.push(None);
                }
            },
            Ok(Some(_)) => member.push(None),
            Err(found) => {
                flaws.push(*found);
                member.push(None);
            }
        }
    }
    if flaws.is_empty() {
        flaws = demands(model, network, &mut groups, &member);
    }
    (groups, member, flaws)
}

/// Puts a component into its group.
pub fn place<'a>(
    model: &Model<'a>,
    groups: &mut Vec<Group<'a>>,
    element: &'a Element,
    names: &mut HashSet<String>,
) -> Outcome<usize> {
    let biophysical = biophysics::is_biophysical(kind(element));
    let own = biophysical || !element.children.is_empty() || raised(model, element);
    let id = element.get("id").unwrap_or("cell");
    let key = if own { format!("component {id}") } else { format!("type {}", kind(element)) };
    let at = match groups.iter().position(|g| g.key == key) {
        Some(at) => at,
        None => {
            let shape = if biophysical { membrane::shape(model, element)? } else { None };
            let name = unique(&capital(if own { id } else { kind(element) }), names);
            groups.push(Group { key, name, port: "I".into(), tree: shape.map(Tree::new), ..Group::default() });
            groups.len() - 1
        }
    };
    let group = &mut groups[at];
    if let Some(tree) = &mut group.tree {
        tree.compartments.iter_mut().for_each(|c| c.body.is_cable = true);
    }
    if !group.components.iter().any(|c| std::ptr::eq(*c, element)) {
        group.components.push(element);
    }
    Ok(at)
}

/// Whether a type of a file raises something to the power of a parameter, or has components within it.
fn raised(model: &Model, element: &Element) -> bool {
    let Some(full) = model.full_type(kind(element)).filter(|_| model.is_own(kind(element))) else { return false };
    if full.structure.is_some_and(|s| !s.within.is_empty()) {
        return true;
    }
    let mut found = false;
    let mut look = |x: &Expression| {
        found |= matches!(x, Expression::Binary(Operator::Power, _, n) if n.as_number().is_none());
    };
    let dynamics = full.dynamics.unwrap_or_default();
    for derived in &dynamics.derived {
        match &derived.rule {
            Rule::Value(x) => x.visit(&mut look),
            Rule::Cases(cases) => cases.iter().for_each(|(_, x)| x.visit(&mut look)),
            Rule::Select(..) => {}
        }
    }
    dynamics.rates.iter().for_each(|(_, x, _)| x.visit(&mut look));
    found
}

fn demands<'a>(
    model: &Model<'a>,
    network: &Network<'a>,
    groups: &mut [Group<'a>],
    member: &[Option<usize>],
) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for link in &network.links {
        flaws.extend(joined(model, network, link, groups, member).err().map(|f| *f));
    }
    for input in &network.inputs {
        let found = match member[input.population] {
            Some(group) => groups[group]
                .at(&input.spot, &input.component.place)
                .and_then(|own| inputs::demand(model, input.component, own)),
            None => Err(flaw(
                &input.component.place,
                "an input into a source of spikes cannot be carried over",
                "this input",
            )),
        };
        flaws.extend(found.err().map(|f| *f));
    }
    flaws
}

/// What connections ask of the cells that they join.
fn joined<'a>(
    model: &Model<'a>,
    network: &Network<'a>,
    link: &Link<'a>,
    groups: &mut [Group<'a>],
    member: &[Option<usize>],
) -> Outcome<()> {
    let place = &link.synapse.place;
    let Some(post) = member[link.post] else {
        let what = format!("`{}` takes no events", network.populations[link.post].id);
        return Err(flaw(place, what, "connected to it"));
    };
    if link.joint != Joint::Events {
        groups[post].at(&link.post_spot, place)?.current.get_or_insert("nA".into());
        if let (Joint::Electrical, Some(pre)) = (link.joint, member[link.pre]) {
            groups[pre].at(&link.pre_spot, place)?.current.get_or_insert("nA".into());
        }
        return Ok(());
    }
    for synapse in super::synapse::parts(model, link.synapse).unwrap_or_default() {
        let mut targets = HashSet::new();
        let several = link.pairs.iter().any(|p| !targets.insert(p.post));
        add_synapse(groups[post].at(&link.post_spot, place)?, synapse, several);
    }
    let Some(pre) = member[link.pre].map(|pre| &mut groups[pre]) else { return Ok(()) };
    let sender = pre.compartment(&link.pre_spot, place)?;
    if let (Some(tree), Some(sender)) = (&mut pre.tree, sender)
        && tree.sender.replace(sender).is_some_and(|known| known != sender)
    {
        return Err(flaw(place, "events of two segments of one cell cannot be carried over", "this synapse")
            .help("let all connections begin at one `preSegmentId`"));
    }
    Ok(())
}

impl<'a> Group<'a> {
    /// Makes the declaration.
    pub fn build(&mut self, model: &Model<'a>, shared: &mut Shared) -> Outcome<()> {
        let Some(&first) = self.components.first() else { return Ok(()) };
        self.neuron = Neuron { name: self.name.clone(), ..Neuron::default() };
        let ids: Vec<&str> = self.components.iter().filter_map(|c| c.get("id")).collect();
        let named = ids.iter().take(6).map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
        let more = if ids.len() > 6 { format!(" and {} more", ids.len() - 6) } else { String::new() };
        self.neuron.doc.push(format!("`{}` of the file: {named}{more}.", kind(first)));
        if biophysics::is_biophysical(kind(first)) {
            biophysics::build(self, model, first, shared)?;
        } else {
            self.point(model, first)?;
        }
        self.values(model)
    }

    fn point(&mut self, model: &Model<'a>, first: &'a Element) -> Outcome<()> {
        let mut neuron = std::mem::take(&mut self.neuron);
        let mut builder = Builder { model, neuron: &mut neuron };
        let mut part = builder.begin(first, "", "", &model.scope(), 0)?;
        let dynamics = part.kind.dynamics.clone().unwrap_or_default();
        let sum = dynamics.derived.iter().find(|d| is_attached(&part.kind, d)).cloned();
        let attached = match sum {
            Some(sum) => {
                let quantity = match &sum.rule {
                    Rule::Select(path, _) => path.rsplit('/').next().unwrap_or("i").to_string(),
                    _ => "i".into(),
                };
                Some(self.attach(&mut builder, &part.scope, sum.dimension, &quantity)?)
            }
            None if !self.synapses.is_empty() || self.current.is_some() || self.clamped || !self.sources.is_empty() => {
                return Err(flaw(
                    &first.place,
                    format!("`{}` takes no input", kind(first)),
                    "but something acts on it",
                )
                .help("use another type of cell, or remove the input"));
            }
            None => None,
        };
        for (port, actions) in &dynamics.events {
            let called = builder.neuron.fresh(port, "");
            builder.neuron.inputs.push(format!("event input {called}: 1"));
            super::synapse::on_event(&mut builder, &mut part, &dynamics, actions, &called, NONE)?;
        }
        builder.finish(&mut part, attached.as_ref())?;
        self.neuron = neuron;
        Ok(())
    }

    /// Lets synapses and inputs act, and returns the sum of their currents.
    pub fn attach(
        &mut self,
        builder: &mut Builder<'_, 'a>,
        scope: &Scope,
        dimension: Dimension,
        quantity: &str,
    ) -> Outcome<Written> {
        let mut terms: Vec<Written> = Vec::new();
        if self.current.is_some() || (self.is_free() && !self.is_cable) {
            let name = builder.neuron.fresh("I", "");
            self.port = name.clone();
            let unit = match (dimension, &self.current) {
                (NONE, _) => "1".to_string(),
                (_, Some(unit)) if unit != "1" => unit.clone(),
                _ => "nA".into(),
            };
            let zero = if dimension == NONE { "0".to_string() } else { format!("0 {unit}") };
            builder.neuron.inputs.push(format!("input {name}: {unit} = {zero}"));
            // What is put into a cable is one of its currents.
            if !self.is_cable {
                terms.push(Written::atom(name, dimension));
            }
        }
        if self.clamped {
            builder.neuron.inputs.push("input g_clamp: uS = 0 uS".into());
            builder.neuron.inputs.push("input V_clamp: mV = 0 mV".into());
            let v = scope.get("v").map_or("v", |w| w.text.as_str());
            terms.push(Written { text: format!("g_clamp * (V_clamp - {v})"), binding: 6, dimension: CURRENT });
        }
        for (synapse, several) in &self.synapses {
            let attached =
                attach(builder, synapse, scope, *several && mechanisms(builder.model, synapse).is_empty(), quantity)?;
            if attached.current.dimension != dimension {
                let message = format!("the current of `{}` has another dimension than the cell takes", kind(synapse));
                return Err(flaw(&synapse.place, message, "this synapse"));
            }
            terms.push(attached.current.clone());
            self.attached.insert(synapse.get("id").unwrap_or("").to_string(), attached);
        }
        for element in &self.sources {
            let current = inject(builder, element, scope, quantity)?;
            if current.dimension != dimension {
                let message = format!("the current of `{}` has another dimension than the cell takes", kind(element));
                return Err(flaw(&element.place, message, "this input"));
            }
            terms.push(current);
        }
        let text = terms.iter().map(|t| t.within(5)).collect::<Vec<_>>().join(" + ");
        let binding = if terms.len() == 1 { terms[0].binding } else { 5 };
        Ok(Written { text, binding, dimension })
    }

    /// Values of parameters in which components differ from the first one.
    fn values(&mut self, model: &Model<'a>) -> Outcome<()> {
        let Some(first) = self.components.first() else { return Ok(()) };
        let Some(full) = model.full_type(kind(first)) else { return Ok(()) };
        for component in &self.components {
            let mut values = Vec::new();
            for parameter in &full.parameters {
                let Some(called) = self.neuron.paths.get(&parameter.name) else { continue };
                let (own, default) = (model.parameter(component, parameter)?, model.parameter(first, parameter)?);
                if own.text != default.text && self.neuron.params.iter().any(|p| p.0 == *called) {
                    values.push((called.clone(), own.text));
                }
            }
            self.values.insert(component.get("id").unwrap_or("").to_string(), values);
        }
        Ok(())
    }

    /// The arguments with which a component is declared.
    pub fn arguments(&self, component: &Element) -> String {
        let values = self.values.get(component.get("id").unwrap_or("")).map_or(&[][..], Vec::as_slice);
        let written: Vec<String> = values
            .iter()
            .filter(|(name, _)| self.neuron.params.iter().any(|p| p.0 == *name))
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        if written.is_empty() { String::new() } else { format!("({})", written.join(", ")) }
    }
}
