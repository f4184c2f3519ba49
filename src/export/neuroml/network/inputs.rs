//! What drives cells: random and given spikes, and currents that stay as they are for a while.

use super::super::cell::attached;
use super::Writer;
use crate::codegen::Backend;
use crate::hir::VarId;
use crate::hir::network::model::Process;
use crate::plan::{Column, Drive, DriveKind};
use crate::units::Dim;
use std::collections::BTreeMap;

/// A current that changes more often is no sum of pulses.
const MOST_PULSES: usize = 1000;

/// A list of inputs: the component, and the population.
type Lists = BTreeMap<(String, String), Vec<String>>;

/// Cells and weights, by the group of the cells and the steps of spikes that all get.
type Alike = BTreeMap<(usize, Vec<u64>), Vec<(usize, f64)>>;

impl Writer<'_> {
    /// Writes drives and currents.
    pub fn all_inputs(&mut self) {
        let mut lists = Lists::new();
        let network = &self.begun.network;
        for d in &network.drives {
            // Those of sources are what these are.
            if self.groups[d.post.population].all.iter().any(|g| g.cell.is_some()) {
                self.drive(d, &mut lists);
            }
        }
        for (k, p) in network.populations.iter().enumerate() {
            if let Some(input) = attached(&p.model).filter(|_| self.groups[k].all.iter().any(|g| g.cell.is_some())) {
                self.currents(k, input, &mut lists);
            }
            for f in self.begun.functions.iter().filter(|f| f.cells.population == k) {
                if Some(f.port) != attached(&p.model) {
                    let what = format!("a function of time at `{}`", p.model.vars[f.port].name);
                    self.refuse(f.of.span(), &what, "currents are attached to cells, and no more");
                }
            }
        }
        for ((component, population), inputs) in lists {
            let id = self.ids.give(&format!("{component}_{population}"));
            self.inputs += &format!(
                "        <inputList id=\"{id}\" population=\"{population}\" component=\"{component}\">\n{}        </inputList>\n",
                inputs.concat()
            );
        }
    }

    fn input(&self, population: usize, cell: usize, component: String, weight: f64, lists: &mut Lists) {
        let groups = &self.groups[population];
        let list = lists.entry((component, groups.all[groups.of[cell].0].id.clone())).or_default();
        let target = format!("id=\"{}\" target=\"../{}\" destination=\"synapses\"", list.len(), groups.path(cell));
        list.push(match weight == 1.0 {
            true => format!("            <input {target}/>\n"),
            false => format!("            <inputW {target} weight=\"{}\"/>\n", super::super::standard::tidy(weight)),
        });
    }

    fn drive(&mut self, d: &Drive, lists: &mut Lists) {
        let (at, population) = (self.places.drive(d.port), d.post.population);
        let mut trains: BTreeMap<usize, Vec<(u64, f64)>> = BTreeMap::new();
        for cell in d.post.range() {
            let own = cell - d.post.start;
            let Some((synapse, unit)) = self.synapse(population, self.groups[population].of[cell].0, d.port) else {
                return self.refuse(at, "this drive", "what arrives there is no synapse");
            };
            let weight = d.weight.at(own) * unit;
            match &d.kind {
                DriveKind::Random(Process::Poisson, rates) => {
                    let rate = rates.at(own);
                    if rate > 0.0 {
                        let rate = self.quantity(rate, Dim::RATE);
                        let body =
                            format!(" averageRate=\"{rate}\" synapse=\"{synapse}\" spikeTarget=\"./{synapse}\"/>");
                        let id = self.component("poissonFiringSynapse", &format!("{synapse}_poisson"), &body);
                        self.input(population, cell, id, weight, lists);
                    }
                }
                DriveKind::Random(Process::Bernoulli, _) => {
                    return self.refuse(at, "a Bernoulli process", "its events are those of Poisson processes");
                }
                DriveKind::RandomOf(..) => {
                    return self.refuse(at, "a rate that is a function of time", "its rates are constants");
                }
                DriveKind::Spikes(list) => {
                    let mine = list.iter().filter(|(_, to, _)| to.is_none_or(|to| to as usize == own));
                    trains.entry(cell).or_default().extend(mine.map(|(step, _, w)| (step + 1, w * weight)));
                }
            }
        }
        self.trains(d, &trains);
    }

    /// Given spikes as sources of their own: in jNeuroML a `timedSynapticInput` would hear the spikes of its own cell as well.
    fn trains(&mut self, d: &Drive, trains: &BTreeMap<usize, Vec<(u64, f64)>>) {
        let population = d.post.population;
        // The times of the spikes of one weight, which is that of the connection, and the group of the cells.
        let mut alike = Alike::new();
        for (cell, train) in trains {
            let mut by_weight: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
            for (step, weight) in train {
                by_weight.entry(weight.to_bits()).or_default().push(*step);
            }
            for (weight, steps) in by_weight {
                let group = self.groups[population].of[*cell].0;
                alike.entry((group, steps)).or_default().push((*cell, f64::from_bits(weight)));
            }
        }
        for ((group, steps), cells) in alike {
            let Some((synapse, _)) = self.synapse(population, group, d.port) else { continue };
            let component = self.spike_array(&format!("{synapse}_train"), steps.iter().copied());
            let (source, projection) = (self.ids.give(&format!("{synapse}_spikes")), self.ids.give("given"));
            let groups = &self.groups[population];
            let mut list = String::new();
            for (k, (cell, weight)) in cells.iter().enumerate() {
                let (to, weight) = (groups.path(*cell), super::super::standard::tidy(*weight));
                list += &format!(
                    "            <connectionWD id=\"{k}\" preCellId=\"../{source}[0]\" postCellId=\"../{to}\" weight=\"{weight}\" delay=\"0ms\"/>\n"
                );
            }
            let post = &groups.all[group].id;
            self.populations +=
                &format!("        <population id=\"{source}\" component=\"{component}\" size=\"1\"/>\n");
            self.connections += &format!(
                "        <projection id=\"{projection}\" presynapticPopulation=\"{source}\" postsynapticPopulation=\"{post}\" synapse=\"{synapse}\">\n{list}        </projection>\n"
            );
        }
    }

    /// The name of a source of spikes at the ends of these steps.
    pub fn spike_array(&mut self, name: &str, steps: impl Iterator<Item = u64>) -> String {
        let mut body = String::from(">\n");
        for (k, step) in steps.enumerate() {
            let time = self.quantity(step as f64 * self.begun.dt, Dim::TIME);
            body += &format!("        <spike id=\"{k}\" time=\"{time}\"/>\n");
        }
        self.component("spikeArray", name, &(body + "    </spikeArray>"))
    }

    /// The current of each cell, as pulses.
    fn currents(&mut self, k: usize, input: VarId, lists: &mut Lists) {
        let begun = self.begun;
        let p = &begun.network.populations[k];
        let base = p.ports.get(&input).cloned().unwrap_or(Column::Const(0.0));
        let functions: Vec<_> = begun.functions.iter().filter(|f| f.cells.population == k && f.port == input).collect();
        let dt = begun.dt;
        let steps = begun.length.map_or(0, |t| (t / dt).round() as u64);
        let mut pulses: Vec<Vec<(u64, f64)>> = (0..p.n).map(|cell| vec![(0, base.at(cell))]).collect();
        let compiled: Vec<_> = functions.iter().map(|f| f.of.compile(Backend::Interpreter)).collect();
        for step in 0..if functions.is_empty() { 0 } else { steps } {
            let t = step as f64 * dt;
            let mut now: BTreeMap<usize, f64> = BTreeMap::new();
            for (f, of) in functions.iter().zip(&compiled) {
                let n = f.cells.len();
                let values = if f.of.is_shared() { of.at_time(t).map(|v| vec![v; n]) } else { of.cells(n, t) };
                match values {
                    Ok(values) => now.extend(f.cells.iter().zip(values)),
                    Err(flaw) => return self.flaws.push(*flaw),
                }
            }
            for (cell, value) in now {
                let own = &mut pulses[cell];
                match own.last_mut() {
                    Some((from, last)) if *from == step => *last = value,
                    Some((_, last)) if *last == value => {}
                    _ => own.push((step, value)),
                }
                if own.len() > MOST_PULSES {
                    let why = "its currents from functions are sums of pulses";
                    return self.refuse(functions[0].of.span(), "a current that changes all the time", why);
                }
            }
        }
        // What goes on to the end ends well after it.
        let end = steps + steps / 10 + 1000;
        for (cell, own) in pulses.iter().enumerate() {
            for (n, (from, value)) in own.iter().enumerate() {
                let to = own.get(n + 1).map_or(end, |(next, _)| *next);
                if *value != 0.0 {
                    let id = self.pulse(k, input, (*from, to), *value);
                    self.input(k, cell, id, 1.0, lists);
                }
            }
        }
    }

    fn pulse(&mut self, k: usize, input: VarId, (from, to): (u64, u64), value: f64) -> String {
        let p = &self.begun.network.populations[k];
        let (dt, dim) = (self.begun.dt, p.model.vars[input].dim);
        let delay = self.quantity(from as f64 * dt, Dim::TIME);
        let duration = self.quantity((to - from) as f64 * dt, Dim::TIME);
        let amplitude = self.quantity(value, dim);
        let kind = if dim == Dim::ONE { "pulseGeneratorDL" } else { "pulseGenerator" };
        let body = format!(" delay=\"{delay}\" duration=\"{duration}\" amplitude=\"{amplitude}\"/>");
        self.component(kind, &format!("{}_pulse", p.name), &body)
    }
}
