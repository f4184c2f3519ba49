//! The whole file.

use super::cells::{Source, groups, place, source};
use super::channel::{Driving, Wanted, declare};
use super::group::{Group, Shared};
use super::inputs::{FUNCTIONS, assignments, drives, switched};
use super::model::{Model, kind};
use super::network::{Input, Network};
use super::place::{Outcome, flaw};
use super::projections::Projections;
use super::scope::{capital, unique};
use super::scope::{identifier, network_name};
use super::simulation::{Recordings, recordings, times};
use super::xml::Element;
use crate::convert::{Converted, Flaw};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// Writes what files declare.
pub fn file(model: &Model, roots: &[Element], name: &Path) -> Result<Converted, Vec<Flaw>> {
    let simulation = simulation(model).map_err(|f| vec![*f])?;
    let network = match simulation {
        Some(simulation) => {
            let target = model.referred(simulation, "target").map_err(|f| vec![*f])?;
            Some(target)
        }
        None => model.components.iter().copied().find(|c| model.is_network(c)),
    };
    let (network, flaws) = match network {
        Some(element) if model.is_network(element) => Network::read(model, element),
        Some(element) => (alone(element), Vec::new()),
        None => (Network::default(), Vec::new()),
    };
    if !flaws.is_empty() {
        return Err(flaws);
    }
    let _ = roots;
    Writer { model, network, names: HashSet::new(), notes: Vec::new() }.run(simulation, name)
}

/// A network of one cell, where a cell itself is what is simulated.
fn alone(element: &Element) -> Network<'_> {
    let mut network = Network { id: "network".into(), ..Network::default() };
    network.populations.push(super::network::Population::one(element));
    network
}

/// The simulation that is asked for, or else the only one.
fn simulation<'a>(model: &Model<'a>) -> Outcome<Option<&'a Element>> {
    if let Some(target) = model.target {
        return model.referred(target, "component").map(Some);
    }
    let mut all = model.components.iter().filter(|c| c.name == "Simulation");
    let first = all.next().copied();
    match all.next() {
        Some(second) => Err(flaw(&second.place, "the file has two simulations, and no `Target`", "the second")
            .help("write `<Target component=\"…\"/>`")),
        None => Ok(first),
    }
}

/// What an input acts on, and how names of it begin.
fn known<'g, 'a>(
    groups: &'g [Group<'a>],
    member: &[Option<usize>],
    input: &Input,
) -> Outcome<Option<(String, &'g Group<'a>)>> {
    member[input.population].map(|g| groups[g].known(&input.spot, &input.component.place)).transpose()
}

struct Writer<'m, 'a> {
    model: &'m Model<'a>,
    network: Network<'a>,
    names: HashSet<String>,
    notes: Vec<String>,
}

impl<'a> Writer<'_, 'a> {
    fn run(mut self, simulation: Option<&'a Element>, name: &Path) -> Result<Converted, Vec<Flaw>> {
        for taken in ["Static", "Poisson", "Relay", "Clock", "RefractoryPoisson", "RandomIntervals"] {
            self.names.insert(taken.into());
        }
        let (mut groups, member, flaws) = groups(self.model, &self.network, &mut self.names);
        if !flaws.is_empty() {
            return Err(flaws);
        }
        if self.network.populations.is_empty() {
            self.bare(&mut groups)?;
        }
        let mut flaws: Vec<Flaw> = Vec::new();
        let temperature = self.network.temperature.clone();
        let mut shared = Shared {
            temperature: temperature.as_ref(),
            texts: Vec::new(),
            names: &mut self.names,
            channels: BTreeMap::new(),
        };
        for group in &mut groups {
            flaws.extend(group.build(self.model, &mut shared).err().map(|f| *f));
        }
        if groups.is_empty() && self.network.populations.is_empty() {
            let channels = self.model.components.iter().filter(|c| kind(c).starts_with("ionChannel"));
            for &element in channels {
                let own = self.model.quantity(element, "conductance", super::dimension::CONDUCTANCE).and_then(
                    |conductance| {
                        let wanted = Wanted { element, conductance, driving: Driving::Moving, temperature: None };
                        declare(self.model, &wanted, shared.names)
                    },
                );
                match own {
                    Ok((_, text)) => shared.texts.push(text),
                    Err(found) => flaws.push(*found),
                }
            }
        }
        let declarations = shared.texts;
        let mut records = Recordings::default();
        if let (Some(simulation), true) = (simulation, flaws.is_empty()) {
            let (found, more) = recordings(self.model, simulation, &self.network, &mut groups, &member);
            records = found;
            flaws.extend(more);
        }
        if !flaws.is_empty() {
            return Err(flaws);
        }
        groups.iter_mut().for_each(Group::prune);
        self.say_unused(simulation);
        self.notes.append(&mut self.network.notes);
        self.notes.append(&mut records.notes);
        self.whole(simulation, name, &groups, &member, declarations, &records).map_err(|f| vec![*f])
    }

    /// Says which components the simulation does not use.
    fn say_unused(&mut self, simulation: Option<&'a Element>) {
        let Some(simulation) = simulation else { return };
        let unused = self.model.unused(&[simulation]);
        if !unused.is_empty() {
            let named: Vec<String> = unused.iter().take(12).map(|id| format!("`{id}`")).collect();
            let more = if unused.len() > 12 { format!(" and {} more", unused.len() - 12) } else { String::new() };
            self.notes.push(format!("not used by the simulation, and left out: {}{more}", named.join(", ")));
        }
    }

    /// Cells that no network holds.
    fn bare(&mut self, groups: &mut Vec<Group<'a>>) -> Result<(), Vec<Flaw>> {
        for &component in &self.model.components {
            let cell =
                self.model.is_a(kind(component), "baseCell") || super::biophysics::is_biophysical(kind(component));
            if cell {
                place(self.model, groups, component, &mut self.names).map_err(|f| vec![*f])?;
            }
        }
        if groups.is_empty() && self.model.components.iter().all(|c| !kind(c).starts_with("ionChannel")) {
            let place = super::place::Place { file: None, at: 0..1 };
            return Err(vec![
                *flaw(&place, "the file has no network, no cell and no channel", "nothing to carry over")
                    .help("give the file that declares a network, a cell or a simulation"),
            ]);
        }
        Ok(())
    }

    fn whole(
        mut self,
        simulation: Option<&Element>,
        name: &Path,
        groups: &[Group<'a>],
        member: &[Option<usize>],
        declarations: Vec<String>,
        records: &Recordings,
    ) -> Outcome<Converted> {
        let mut projections = Projections {
            model: self.model,
            network: &self.network,
            groups,
            member,
            declared: BTreeMap::new(),
            texts: Vec::new(),
            notes: Vec::new(),
        };
        let links = projections.write(&mut self.names)?;
        let synapses = std::mem::take(&mut projections.texts);
        self.notes.append(&mut projections.notes);
        let network = self.network_text(groups, member, &links)?;
        let experiment = self.experiment(simulation, records, groups, member)?;
        let body = format!("{network}{experiment}");
        let mut out = String::new();
        let file = name.file_name().map_or(String::new(), |n| n.to_string_lossy().into_owned());
        out += &format!("# From the NeuroML 2 file `{file}`.\n");
        if body.contains(": Clock(") {
            out += "use std.sources.spikes: Clock\n";
        }
        for (function, text) in FUNCTIONS {
            let called =
                body.contains(&format!("{function}(t, ")) || (function == "pulse" && body.contains("sine(t, "));
            if called {
                out += &format!("\n{text}");
            }
        }
        let sources: BTreeMap<String, String> = self.sources()?;
        for text in
            declarations.into_iter().chain(sources.into_values()).chain(groups.iter().map(Group::text)).chain(synapses)
        {
            out += &format!("\n{text}");
        }
        out += &body;
        Ok(Converted { text: out, notes: self.notes })
    }

    /// Sources of spikes that the library does not have.
    fn sources(&self) -> Outcome<BTreeMap<String, String>> {
        let mut out = BTreeMap::new();
        for population in &self.network.populations {
            if let Some(Source { neuron, declaration: Some(text), .. }) = source(self.model, population.component)? {
                out.insert(neuron, text.to_string());
            }
        }
        Ok(out)
    }

    fn network_text(&self, groups: &[Group<'a>], member: &[Option<usize>], links: &[String]) -> Outcome<String> {
        let network = &self.network;
        if network.populations.is_empty() {
            return Ok(String::new());
        }
        let mut out = format!("\nnetwork {} {{\n", self.network_name());
        let mut driven = Vec::new();
        for (n, population) in network.populations.iter().enumerate() {
            let name = network_name(population.id);
            let (neuron, arguments) = match member[n] {
                Some(group) => (groups[group].name.clone(), groups[group].arguments(population.component)),
                None => {
                    let Some(source) = source(self.model, population.component)? else { continue };
                    if let Some(drive) = source.drive {
                        let delay = if drive.starts_with("spikes") { "   delay 0 ms" } else { "" };
                        if drive != "spikes []" {
                            driven.push(format!("drive {name}.in_ {{ {drive}   weight 1{delay} }}"));
                        }
                    }
                    let arguments =
                        if source.arguments.is_empty() { String::new() } else { format!("({})", source.arguments) };
                    (source.neuron, arguments)
                }
            };
            out += &format!("    population {name}: {neuron}{arguments}[{}]\n", population.size);
        }
        let own = |input: &Input| known(groups, member, input);
        let ports = |input: &Input, synapse: &str| {
            let Some((head, group)) = own(input)? else { return Ok(None) };
            let attached = group.attached.get(synapse);
            Ok(attached.map(|a| (format!("{head}{}", a.port), a.impulse.clone())))
        };
        driven.extend(drives(self.model, network, &ports)?);
        let heads = |input: &Input| Ok(own(input)?.map_or(String::new(), |k| k.0));
        let switched = switched(self.model, network, &heads)?;
        switched.iter().for_each(|line| out += &format!("    {line}\n"));
        if !links.is_empty() || !driven.is_empty() {
            out.push('\n');
        }
        for line in links.iter().chain(&driven) {
            out += &format!("    {line}\n");
        }
        Ok(out + "}\n")
    }

    fn network_name(&self) -> String {
        let name = capital(&self.network.id);
        if self.names.contains(&name) { unique(&format!("{name}Network"), &mut self.names.clone()) } else { name }
    }

    fn experiment(
        &mut self,
        simulation: Option<&Element>,
        records: &Recordings,
        groups: &[Group],
        member: &[Option<usize>],
    ) -> Outcome<String> {
        let heads = |input: &Input| Ok(known(groups, member, input)?.map_or(String::new(), |k| k.0));
        let port = |input: &Input| {
            Ok(known(groups, member, input)?.map_or("I".to_string(), |(head, group)| format!("{head}{}", group.port)))
        };
        let inputs = assignments(self.model, &self.network, &heads, &port)?;
        let (length, step) = match simulation {
            Some(simulation) => times(self.model, simulation)?,
            None if inputs.lines.is_empty() => return Ok(String::new()),
            None => {
                self.notes
                    .push("the file has no simulation: the experiment runs for 100 ms in steps of 0.025 ms".into());
                ("100 ms".into(), "0.025 ms".into())
            }
        };
        let id = simulation.and_then(|s| s.get("id")).unwrap_or("stimulated");
        let mut out = format!("\nexperiment {} {{\n    dt {step}\n", identifier(id));
        if let Some(seed) = simulation.and_then(|s| s.get("seed")).and_then(|s| s.parse::<u32>().ok()) {
            out += &format!("    seed {seed}\n");
        }
        out += &format!("    precision f64\n    network net = {}()\n", self.network_name());
        for (target, value) in &inputs.lines {
            out += &format!("    net.{target} = {value}\n");
        }
        for line in &records.lines {
            out += &format!("    {line}\n");
        }
        out += &format!("    run {length}\n");
        for (title, lines) in &records.figures {
            let title: String = title.chars().filter(|c| *c != '"' && *c != '\\' && !c.is_control()).collect();
            out += &format!("    plot \"{title}\" {}\n", lines.join(", "));
        }
        Ok(out + "}\n")
    }
}
