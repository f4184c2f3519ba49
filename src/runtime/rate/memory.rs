//! Everything that a network without events remembers from step to step, as plain data: all else follows from it.

use super::array::Array;
use super::graph::{Entry, Key, Node};
use super::{Inner, RateNetwork};
use crate::hir::VarId;
use crate::plan::Network;
use crate::runtime::Buffer;
use crate::runtime::remembered::Raw;
use crate::runtime::windows::Average;
use serde::{Deserialize, Serialize};

/// The state of a network without events at a step boundary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    step: u64,
    moment: u64,
    active: usize,
    /// What is given, with the number of its rows.
    given: Vec<(Place, usize, Raw)>,
    /// Values at earlier steps, the latest first, by population and variable.
    kept: Vec<(usize, VarId, Vec<Raw>)>,
    /// Means over open windows.
    averages: Vec<Average>,
    /// States kept per item of a data set: which set, which state, how many items.
    samples: Vec<(u64, usize, VarId, usize, Raw)>,
}

/// Where something given is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Place {
    /// A state of a population.
    State(usize, VarId),
    /// What is assigned to a port.
    Input(usize, VarId),
    /// What is taken of a variable of a population in a window, as it is written.
    Window(usize, VarId, String),
    /// Weights or a state of a projection.
    Synapses(usize, VarId),
}

impl RateNetwork {
    /// Returns the state at the present step boundary.
    pub fn memory(&self) -> Memory {
        self.inner.borrow().memory()
    }

    /// Goes on from a state of a network of the same plan; false if the state is of another one.
    pub fn restore(&mut self, from: &Memory) -> bool {
        self.inner.get_mut().restore(&self.network, from)
    }
}

impl Inner {
    fn memory(&self) -> Memory {
        let given = |e: &Entry| Some((self.place_of(e)?, e.array.rows, Raw::of(&e.array.buffer)));
        let variable = |node: Node| match self.graph.nodes[node].key {
            Key::Variable(p, v) => (p, v),
            _ => crate::ice!("only variables of cells are kept"),
        };
        Memory {
            step: self.step,
            moment: self.moment,
            active: self.active,
            given: self.graph.nodes.values().filter_map(given).collect(),
            kept: self.kept.iter().map(|k| (k.of.0, k.of.1, k.ring.iter().map(Raw::of).collect())).collect(),
            averages: self.averages.iter().map(|a| a.average.clone()).collect(),
            samples: self
                .samples
                .iter()
                .map(|((data, node), array)| {
                    let (p, v) = variable(*node);
                    (*data, p, v, array.rows, Raw::of(&array.buffer))
                })
                .collect(),
        }
    }

    /// Returns where a value that is given is found again; none if it follows from others.
    fn place_of(&self, e: &Entry) -> Option<Place> {
        match &e.key {
            Key::Variable(p, v) if matches!(e.what, super::graph::What::Given) => Some(Place::State(*p, *v)),
            Key::Base(p, v) => Some(Place::Input(*p, *v)),
            Key::Synaptic(k, v) => Some(Place::Synapses(*k, *v)),
            Key::Window(of, taken) => match self.graph.nodes[*of].key {
                Key::Variable(p, v) => Some(Place::Window(p, v, taken.of(""))),
                _ => None,
            },
            _ => None,
        }
    }

    fn restore(&mut self, net: &Network, from: &Memory) -> bool {
        self.partial.clear();
        if !(1..=self.batch).contains(&from.active) {
            return false;
        }
        (self.step, self.moment, self.active) = (from.step, from.moment, from.active);
        self.beginning.clear();
        self.rescale();
        let fits = from.given.iter().all(|(place, rows, raw)| self.restore_given(net, place, *rows, raw))
            && self.restore_kept(net, from)
            && self.restore_averages(&from.averages)
            && from.samples.iter().all(|sample| self.restore_sample(net, sample));
        let all: Vec<Node> = self.graph.nodes.keys().collect();
        all.into_iter().for_each(|node| self.graph.stale(node));
        if fits && from.step > 0 {
            self.bring_past(net);
        }
        fits
    }

    fn restore_given(&mut self, net: &Network, place: &Place, rows: usize, raw: &Raw) -> bool {
        let key = match place {
            Place::State(p, v) => Key::Variable(*p, *v),
            Place::Input(p, v) if known(net, *p, *v) => {
                self.variable(net, *p, *v);
                Key::Base(*p, *v)
            }
            Place::Window(p, v, taken) if known(net, *p, *v) => {
                let of = self.variable(net, *p, *v);
                let same = |e: &Entry| matches!(&e.key, Key::Window(node, t) if *node == of && t.of("") == *taken);
                match self.graph.nodes.values().find(|e| same(e)) {
                    Some(entry) => entry.key.clone(),
                    None => return false,
                }
            }
            Place::Synapses(k, v) => Key::Synaptic(*k, *v),
            _ => return false,
        };
        let Some(node) = self.graph.find(&key) else { return false };
        let (n, precision, batch) = (self.graph.nodes[node].array.n, self.options.precision, self.batch);
        let array = &mut self.graph.nodes[node].array;
        if rows != array.rows {
            // An input may have got a value for every example.
            if !matches!(place, Place::Input(..)) || rows != batch && rows != 1 {
                return false;
            }
            *array = Array::new(rows, n, precision);
        }
        raw.restore(&mut array.buffer)
    }

    fn restore_kept(&mut self, net: &Network, from: &Memory) -> bool {
        let precision = self.options.precision;
        from.kept.len() == self.kept.len()
            && from.kept.iter().all(|(p, v, ring)| {
                if !known(net, *p, *v) {
                    return false;
                }
                let node = self.variable(net, *p, *v);
                let n = self.graph.nodes[node].array.buffer.len();
                let Some(kept) = self.kept.iter_mut().find(|k| k.of == (*p, *v)) else { return false };
                kept.ring = ring.iter().map(|_| Buffer::new(n, precision)).collect();
                Raw::restore_all(ring, kept.ring.iter_mut())
            })
    }

    fn restore_sample(&mut self, net: &Network, sample: &(u64, usize, VarId, usize, Raw)) -> bool {
        let (data, p, v, rows, raw) = sample;
        let (Some(population), Some(node)) = (net.populations.get(*p), self.graph.find(&Key::Variable(*p, *v))) else {
            return false;
        };
        let mut array = Array::new(*rows, population.n, self.options.precision);
        let fits = raw.restore(&mut array.buffer);
        self.samples.insert((*data, node), array);
        fits
    }
}

/// Returns whether a network has a variable.
fn known(net: &Network, population: usize, var: VarId) -> bool {
    net.populations.get(population).is_some_and(|p| p.model.vars.get(var).is_some())
}
