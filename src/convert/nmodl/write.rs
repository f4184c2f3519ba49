//! The channel as text.

use std::cell::Cell;
use std::collections::HashMap;

use super::ast::{Declared, Sort};
use super::choose::{Names, choose};
use super::graph::{Id, Op, Role};
use super::infer::{Infer, declared};
use super::measure::{infer, maximal};
use super::model::{Model, Motion, State};
use super::print::{Printer, number, quantity, unit_name};
use super::run::Run;
use super::units::{self, DENSITY, MS, NA, ONE, Unit, alike, plus};

/// How wide lines may be.
const WIDTH: usize = 140;

/// Writes a channel; `name` is for mechanisms without one.
pub fn write(run: &mut Run, model: &Model, name: &str, doc: &[String]) -> Option<String> {
    let forced = forced(run, model);
    let infer = infer(run, model)?;
    let maximal = maximal(run, &infer);
    let names = choose(run, model, &forced, maximal.as_deref());
    let mut writer = Writer { run, model, infer, names, out: String::new(), notes: Vec::new(), lost: false };
    writer.all(name, doc);
    let (out, notes, lost) = (writer.out, writer.notes, writer.lost);
    if lost {
        let at = run.mechanism.name.as_ref().map_or(0..0, |n| n.1.clone());
        run.flaw(&at, "an expression is too deep".into(), "in this mechanism", Some("compute it in several steps"));
        return None;
    }
    for note in notes {
        if !run.notes.contains(&note) {
            run.notes.push(note);
        }
    }
    Some(out)
}

/// What must have a name: currents of several, concentrations that others read.
fn forced(run: &Run, model: &Model) -> Vec<Id> {
    let mut forced = Vec::new();
    let named = |id: Id| matches!(run.graph.ops[id], Op::Named(..));
    if model.currents.len() > 1 {
        forced.extend(model.currents.iter().map(|c| c.1).filter(|&id| named(id)));
    }
    forced.extend(model.outputs.iter().map(|o| o.1).filter(|&id| named(id)));
    forced
}

struct Writer<'a, 'b> {
    run: &'a Run<'b>,
    model: &'a Model,
    infer: Infer,
    names: Names,
    out: String,
    notes: Vec<String>,
    lost: bool,
}

impl Writer<'_, '_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn name_of(&self, id: Id, within: Option<Id>) -> Option<String> {
        if Some(id) != within
            && let Some((_, name)) = self.names.lets.iter().find(|l| l.0 == id)
        {
            return Some(name.clone());
        }
        match &self.run.graph.ops[id] {
            Op::Atom(a) => self.names.atoms.get(&self.run.graph.atoms[*a].name).cloned(),
            _ => None,
        }
    }

    fn text(&mut self, id: Id, unit: &Unit, within: Option<Id>) -> String {
        let names = |id: Id| self.name_of(id, within);
        let printer = Printer {
            graph: &self.run.graph,
            infer: &self.infer,
            names: &names,
            forced: Cell::new(false),
            lost: Cell::new(false),
        };
        let text = printer.root(id, unit);
        let lost = printer.lost.get();
        let forced = printer.forced.get();
        self.lost |= lost;
        if forced {
            let note =
                "units of the file do not fit everywhere: numbers are taken in the file's units there".to_string();
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        text
    }

    fn all(&mut self, name: &str, doc: &[String]) {
        let graph = &self.run.graph;
        let used = |name: &str| {
            graph
                .atoms
                .iter()
                .any(|a| a.role == Role::Constant && self.names.atoms.get(&a.name).is_some_and(|n| n == name))
        };
        if used("F") || used("R") {
            self.line("use std.constants");
            self.line("");
        }
        let suffix = self.run.mechanism.name.as_ref().map_or(name, |n| n.0.as_str()).to_string();
        for line in comment(doc, &suffix) {
            self.line(&line);
        }
        let arguments = self.arguments();
        self.line(&format!("channel {}({arguments}) {{", camel(&suffix)));
        self.parameters();
        if let Some(weight) = self.model.weight {
            let unit = self.infer.unit(weight);
            let name = self.name_of(weight, None).unwrap_or_else(|| "events".into());
            self.line(&format!("    event input {name}: {}", unit_name(&unit)));
        }
        let lets = self.lets();
        let model = self.model;
        for state in &model.states {
            self.state(state);
        }
        for line in lets {
            self.line(&line);
        }
        self.gates();
        for state in &model.states {
            self.equation(state);
        }
        self.current();
        self.line("}");
    }

    /// Expressions with a name; of several that say the same, the first.
    fn lets(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut known: HashMap<String, String> = HashMap::new();
        for (place, (id, name)) in self.names.lets.clone().into_iter().enumerate() {
            let unit = self.infer.unit(id);
            let text = self.text(id, &unit, Some(id));
            match known.get(&text) {
                Some(first) => self.names.lets[place].1 = first.clone(),
                None => {
                    lines.push(format!("    let {name} = {text}"));
                    known.insert(text, name);
                }
            }
        }
        lines
    }

    fn arguments(&mut self) -> String {
        let mut list = Vec::new();
        for atom in &self.run.graph.atoms {
            let Some(name) = self.names.atoms.get(&atom.name) else { continue };
            match atom.role {
                Role::Voltage => list.insert(0, "v: mV".to_string()),
                Role::Argument => {
                    let unit = match self.run.of_ion(&atom.name) {
                        Some((_, "e")) => "mV",
                        Some((_, "current")) => "mA/cm^2",
                        Some(_) => "mM",
                        None if atom.name == "diam" => "um",
                        None => "um^2",
                    };
                    list.push(format!("{name}: {unit}"));
                }
                _ => {}
            }
        }
        if list.is_empty() { "v: mV".into() } else { list.join(", ") }
    }

    fn parameters(&mut self) {
        let mut lines: Vec<(String, String)> = Vec::new();
        let mechanism = self.run.mechanism;
        let mut atoms = self.run.graph.atoms.clone();
        let listed = |name: &str| mechanism.parameters.iter().position(|p| p.name == name).unwrap_or(usize::MAX);
        atoms.sort_by_key(|a| match (a.role, self.run.of_ion(&a.name)) {
            (Role::Temperature, _) => (2, listed(&a.name)),
            (_, Some(_)) => (1, 0),
            _ => (0, listed(&a.name)),
        });
        for atom in atoms {
            if !matches!(atom.role, Role::Parameter | Role::Temperature) {
                continue;
            }
            let Some(name) = self.names.atoms.get(&atom.name).cloned() else { continue };
            let Some(id) = self.run.graph.find(&atom.name) else { continue };
            let file: Option<&Declared> = mechanism
                .parameters
                .iter()
                .chain(&mechanism.constants)
                .chain(&mechanism.assigned)
                .find(|d| d.name == atom.name);
            let mut value = file.and_then(|d| d.value);
            if atom.role == Role::Temperature {
                value = match (value, atom.name.as_str()) {
                    (None, "celsius") => {
                        self.notes
                            .push("the file leaves the temperature open: 6.3 degrees Celsius, as NEURON begins".into());
                        Some(6.3)
                    }
                    (Some(_), "celsius") => {
                        self.notes.push("the temperature is that of the file, where NEURON takes its own".into());
                        value
                    }
                    (found, _) => found,
                };
                value = Some(super::graph::tidy(value.unwrap_or(0.0) + 273.15));
            }
            if let Some(usual) = self.run.usual(&atom.name)
                && !self.run.sets(&atom.name)
                && value.is_some_and(|value| value != usual)
            {
                let [own, usual] = [value.unwrap_or(usual), usual].map(|x| quantity(x, &self.infer.unit(id)).0);
                self.notes.push(format!(
                    "`{name}` is that of the file, {own}, where NEURON takes what the cell has, {usual} at first"
                ));
            }
            if value.is_none()
                && let Some(usual) = self.run.usual(&atom.name)
            {
                value = Some(usual);
                let text = quantity(usual, &self.infer.unit(id)).0;
                self.notes.push(format!("`{name}` is left open by the file: {text}, as NEURON begins"));
            }
            let mut remark = file.and_then(|d| d.remark.clone()).unwrap_or_default();
            if name != atom.name && self.run.of_ion(&atom.name).is_none() && atom.role == Role::Parameter {
                remark = if remark.is_empty() {
                    format!("`{}` of the file", atom.name)
                } else {
                    format!("`{}`: {remark}", atom.name)
                };
            }
            let unit = self.infer.unit(id);
            let spelling = file.and_then(|d| d.unit.as_deref());
            let own =
                declared(spelling, &self.run.units).filter(|u| alike(u, &unit)).and(spelling).and_then(units::spelled);
            let text = match own {
                Some(own) => format!("{}{own}", number(value.unwrap_or(0.0))),
                None => quantity(value.unwrap_or(0.0), &unit).0,
            };
            lines.push((format!("{name} = {text}"), remark));
        }
        let mut group = String::new();
        for (text, remark) in lines {
            if !remark.is_empty() || group.len() + text.len() > 100 {
                self.group(&mut group);
            }
            if remark.is_empty() {
                group.push_str(if group.is_empty() { "    param " } else { ", " });
                group.push_str(&text);
            } else {
                self.line(&format!("    param {text}   # {remark}"));
            }
        }
        self.group(&mut group);
    }

    fn group(&mut self, group: &mut String) {
        if !group.is_empty() {
            let text = std::mem::take(group);
            self.line(&text);
        }
    }

    fn own(&self, name: &str) -> (String, Unit) {
        let id = self.run.graph.find(name);
        let unit = id.map_or(ONE, |id| self.infer.unit(id));
        (self.names.atoms.get(name).cloned().unwrap_or_else(|| name.into()), unit)
    }

    fn state(&mut self, state: &State) {
        let (name, unit) = self.own(&state.name);
        let begins = match state.initial {
            Some(id) => self.text(id, &unit, None),
            None => quantity(0.0, &unit).0,
        };
        self.line(&format!("    state {name} = {begins}"));
    }

    fn equation(&mut self, state: &State) {
        let (name, unit) = self.own(&state.name);
        let per_time = plus(&unit, &MS, -1.0);
        let mut text = match state.rate {
            Some(id) => {
                let bare = self.run.graph.bare(id);
                self.text(bare, &per_time, Some(id))
            }
            None => String::new(),
        };
        if let (Some(event), Some(weight)) = (state.event, self.model.weight) {
            let arrives = self.name_of(weight, None).unwrap_or_default();
            let each = plus(&unit, &self.infer.unit(weight), -1.0);
            let factor = match self.run.graph.constant(event) {
                Some(1.0) if alike(&each, &ONE) => String::new(),
                _ => {
                    let text = self.text(event, &each, None);
                    if text.contains(' ') { format!("({text}) * ") } else { format!("{text} * ") }
                }
            };
            let joint = if text.is_empty() { "" } else { " + " };
            text = format!("{text}{joint}{factor}{arrives}");
        }
        if !text.is_empty() {
            self.line(&format!("    {name}' = {text}"));
        }
    }

    fn gates(&mut self) {
        let rate = plus(&ONE, &MS, -1.0);
        for gate in self.model.gates.clone() {
            let (name, _) = self.own(&gate.name);
            let ((a, first, unit_a), (b, second, unit_b)) = match gate.motion {
                Motion::Towards(inf, tau) => ((inf, "inf", ONE), (tau, "tau", MS)),
                Motion::Rates(alpha, beta) => ((alpha, "alpha", rate), (beta, "beta", rate)),
            };
            let (a, b) = (self.text(a, &unit_a, None), self.text(b, &unit_b, None));
            let line = format!("    gate {name} {{ {first} = {a}   {second} = {b} }}");
            if line.len() <= WIDTH {
                self.line(&line);
            } else {
                self.line(&format!("    gate {name} {{\n        {first} = {a}\n        {second} = {b}\n    }}"));
            }
        }
    }

    fn current(&mut self) {
        let unit = if self.run.mechanism.sort == Sort::Point { NA } else { DENSITY };
        let currents = self.model.currents.clone();
        match &currents[..] {
            [] => {}
            [(_, id)] => {
                let text = self.text(*id, &unit, None);
                self.line(&format!("    current = {text}"));
            }
            all => {
                let parts: Vec<String> = all.iter().map(|(_, id)| self.text(*id, &unit, None)).collect();
                let text = parts.iter().enumerate().map(|(i, p)| match (i, p.strip_prefix('-')) {
                    (0, _) => p.clone(),
                    (_, Some(rest)) => format!(" - {rest}"),
                    _ => format!(" + {p}"),
                });
                let text: String = text.collect();
                self.line(&format!("    current = {text}"));
            }
        }
    }
}

/// `Ca_HVA` as `CaHVA`.
pub fn camel(name: &str) -> String {
    let parts = name.split('_').filter(|p| !p.is_empty());
    let text: String = parts
        .map(|part| {
            let mut letters = part.chars();
            letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
        })
        .collect();
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) { text } else { format!("Channel{text}") }
}

fn comment(doc: &[String], suffix: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in doc.iter().map(|l| l.trim()) {
        let blank = line.is_empty() || line.chars().all(|c| !c.is_alphanumeric());
        if blank && lines.last().is_none_or(|l| l.is_empty()) {
            continue;
        }
        lines.push(if blank { String::new() } else { line.to_string() });
    }
    while lines.last().is_some_and(|l| l.is_empty()) {
        lines.pop();
    }
    if lines.is_empty() {
        lines.push(format!("The mechanism `{suffix}`."));
    }
    lines.iter().map(|l| if l.is_empty() { "##".into() } else { format!("## {l}") }).collect()
}
