//! What is to be simulated, as an experiment.
//!
//! Input: a `Simulation`. Output: what is recorded, with the names under which cells know it, and the lines of an experiment.

use super::dimension::TIME;
use super::group::{Group, Spot};
use super::inputs::view;
use super::model::{Model, kind};
use super::network::Network;
use super::place::{Outcome, flaw};
use super::scope::identifier;
use super::scope::unique;
use super::xml::Element;
use crate::convert::Flaw;
use std::collections::{BTreeSet, HashSet};

/// What is recorded.
#[derive(Default)]
pub struct Recordings {
    /// Statements.
    pub lines: Vec<String>,
    /// Names of the values, for figures: title and names.
    pub figures: Vec<(String, Vec<String>)>,
    /// Remarks.
    pub notes: Vec<String>,
}

/// The names of recordings.
#[derive(Default)]
struct Named {
    /// All of them.
    taken: HashSet<String>,
    /// Those of paths.
    known: Vec<(String, String)>,
}

/// Finds what is recorded, and keeps it in the neurons.
pub fn recordings(
    model: &Model,
    simulation: &Element,
    network: &Network,
    groups: &mut [Group],
    member: &[Option<usize>],
) -> (Recordings, Vec<Flaw>) {
    let mut out = Recordings::default();
    let mut flaws: Vec<Flaw> = Vec::new();
    let mut named = Named::default();
    let step =
        simulation.get("step").and_then(|s| model.units.quantity(s).ok()).map_or("0.1 ms".to_string(), |q| q.text);
    let written = simulation.children.iter().any(|c| matches!(c.name.as_str(), "OutputFile" | "EventOutputFile"));
    for child in &simulation.children {
        match child.name.as_str() {
            "OutputFile" => {
                for column in child.all("OutputColumn") {
                    let path = match column.need("quantity") {
                        Ok(path) => path,
                        Err(found) => {
                            flaws.push(*found);
                            continue;
                        }
                    };
                    if named.known.iter().any(|k| k.0 == path) {
                        continue;
                    }
                    match recorded(network, groups, member, column, path) {
                        Ok((target, wanted)) => {
                            let name = unique(&wanted, &mut named.taken);
                            out.lines.push(format!("record net.{target} every {step} as {name}"));
                            named.known.push((path.to_string(), name));
                        }
                        Err(found) => flaws.push(*found),
                    }
                }
            }
            "EventOutputFile" => events(child, network, groups, member, &mut out, &mut flaws),
            "Display" if written => {
                out.notes.push(format!("the display `{}` is left out", child.get("title").unwrap_or("")))
            }
            "Display" => display(child, network, groups, member, &step, (&mut out, &mut named)),
            "Record" | "notes" | "annotation" | "property" | "Meta" | "EventRecord" | "DataDisplay" => {}
            other => {
                flaws.push(*flaw(&child.place, format!("`{other}` of a simulation cannot be carried over"), "here"))
            }
        }
    }
    (out, flaws)
}

fn display(
    element: &Element,
    network: &Network,
    groups: &mut [Group],
    member: &[Option<usize>],
    step: &str,
    (out, named): (&mut Recordings, &mut Named),
) {
    let title = element.get("title").unwrap_or("display").to_string();
    let mut lines = Vec::new();
    for line in element.all("Line") {
        let Some(path) = line.get("quantity") else { continue };
        if let Some((_, name)) = named.known.iter().find(|k| k.0 == path) {
            lines.push(name.clone());
            continue;
        }
        match recorded(network, groups, member, line, path) {
            Ok((target, wanted)) => {
                let name = unique(&wanted, &mut named.taken);
                out.lines.push(format!("record net.{target} every {step} as {name}"));
                named.known.push((path.to_string(), name.clone()));
                lines.push(name);
            }
            Err(found) => out.notes.push(format!("`{path}` of the display `{title}` is left out: {}", found.message)),
        }
    }
    if !lines.is_empty() {
        out.figures.push((title, lines));
    }
}

fn events(
    element: &Element,
    network: &Network,
    groups: &mut [Group],
    member: &[Option<usize>],
    out: &mut Recordings,
    flaws: &mut Vec<Flaw>,
) {
    let mut selected: Vec<((usize, String), BTreeSet<usize>)> = Vec::new();
    for selection in element.all("EventSelection") {
        let found = (|| {
            let (population, cell) = network.cell(selection, selection.need("select")?, None)?;
            let wanted = selection.get("eventPort").unwrap_or("spike");
            let own = member[population].and_then(|g| groups[g].neuron.paths.get(&format!("event {wanted}")).cloned());
            let port = own.unwrap_or_else(|| identifier(wanted));
            let there = member[population].is_none_or(|g| groups[g].neuron.emits.iter().any(|e| e.0 == port));
            if !there {
                let what = format!("cells of `{}` send no `{port}`", network.populations[population].id);
                return Err(flaw(&selection.place, what, "recorded here").help("remove it"));
            }
            Ok(((population, port), cell))
        })();
        match found {
            Ok((key, cell)) => match selected.iter_mut().find(|s| s.0 == key) {
                Some((_, cells)) => {
                    cells.insert(cell);
                }
                None => selected.push((key, BTreeSet::from([cell]))),
            },
            Err(found) => flaws.push(*found),
        }
    }
    for ((population, port), cells) in selected {
        let cells: Vec<usize> = cells.into_iter().collect();
        let line = format!("record net.{}.{port}", view(network, population, &cells));
        if !out.lines.contains(&line) {
            out.lines.push(line);
        }
    }
}

/// What a path of LEMS is called, and a name for its values.
fn recorded(
    network: &Network,
    groups: &mut [Group],
    member: &[Option<usize>],
    element: &Element,
    path: &str,
) -> Outcome<(String, String)> {
    let refuse =
        |what: String| flaw(&element.place, what, "recorded here").help("remove it, or record what it follows from");
    let only = network.populations.len() == 1 && network.populations[0].size == 1 && network.links.is_empty();
    let whole = (only && !path.contains('/')).then(|| (network.populations[0].id.to_string(), path.to_string()));
    let (cell, quantity) =
        whole.or_else(|| split(path)).ok_or_else(|| refuse(format!("`{path}` is no path to a quantity")))?;
    let (population, index) = network.cell(element, &cell, None)?;
    let own = &network.populations[population];
    let component = own.component.get("id").unwrap_or("");
    let quantity = quantity.strip_prefix(&format!("{component}/")).unwrap_or(&quantity).to_string();
    let Some(group) = member[population] else {
        return Err(refuse(format!("`{quantity}` of a source of spikes cannot be recorded")));
    };
    let (spot, quantity) = on_segment(&groups[group], &quantity);
    let (head, _) = groups[group].known(&spot, &element.place)?;
    let own_group = groups[group].at(&spot, &element.place)?;
    let port = own_group.port.clone();
    let neuron = &mut own_group.neuron;
    let name = find(neuron, &quantity)
        .or_else(|| {
            input(network, (population, index), &spot, &quantity)
                .filter(|_| neuron.inputs.iter().any(|i| i.starts_with(&format!("input {port}:"))))
        })
        .ok_or_else(|| refuse(format!("`{}` has no `{quantity}` that can be recorded", kind(own.component))))?;
    if neuron.params.iter().any(|p| p.0 == name) {
        return Err(refuse(format!("`{quantity}` is a parameter, which does not change")));
    }
    neuron.kept.insert(name.clone());
    let target = view(network, population, &[index]);
    let place = if own.size > 1 { format!("{}_{index}", own.id) } else { own.id.to_string() };
    let name = format!("{head}{name}");
    let called: String = format!("{place}_{name}").replace(['.', '['], "_").replace(']', "");
    Ok((format!("{target}.{name}"), identifier(&called)))
}

/// The segment that a quantity is of, in a cell of several.
fn on_segment(group: &Group, quantity: &str) -> (Spot, String) {
    let split = quantity
        .split_once('/')
        .filter(|(head, _)| group.tree.as_ref().is_some_and(|tree| tree.shape.segment(head).is_some()));
    match split {
        Some((head, rest)) => (Spot { segment: Some(head.into()), along: None }, rest.to_string()),
        None => (Spot::default(), quantity.to_string()),
    }
}

/// The path of a cell, and the rest of a path.
fn split(path: &str) -> Option<(String, String)> {
    let path = path.trim_start_matches("../");
    let (first, rest) = path.split_once('/')?;
    if first.contains('[') {
        return Some((first.to_string(), rest.to_string()));
    }
    let (index, rest) = rest.split_once('/')?;
    index.parse::<usize>().ok()?;
    Some((format!("{first}[{index}]"), rest.to_string()))
}

fn find(neuron: &super::neuron::Neuron, quantity: &str) -> Option<String> {
    let plain = |q: &str| neuron.paths.get(q).cloned();
    plain(quantity).or_else(|| {
        // `synapses:syn1:0/g`
        let (head, rest) = quantity.split_once('/')?;
        let id = head.strip_prefix("synapses:")?.split(':').next()?;
        plain(&format!("{id}/{rest}"))
    })
}

/// The current of the only input of a cell.
fn input(network: &Network, (population, cell): (usize, usize), spot: &Spot, quantity: &str) -> Option<String> {
    let (id, value) = quantity.split_once('/')?;
    let mut own = network.inputs.iter().filter(|i| i.population == population && i.cell == cell && i.spot == *spot);
    let only = own.next()?;
    let alone = own.next().is_none() && !kind(only.component).starts_with("voltageClamp");
    (alone && only.component.get("id") == Some(id) && matches!(value, "i" | "I")).then(|| "I".to_string())
}

/// Length and step of a simulation.
pub fn times(model: &Model, simulation: &Element) -> Outcome<(String, String)> {
    let (length, step) = (model.quantity(simulation, "length", TIME)?, model.quantity(simulation, "step", TIME)?);
    if step.value <= 0.0 || length.value < step.value {
        return Err(
            flaw(&simulation.place, "a simulation shorter than its step", "here").help("mend `length` or `step`")
        );
    }
    Ok((length.text, step.text))
}
