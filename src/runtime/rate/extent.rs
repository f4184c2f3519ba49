//! What a network without events takes and does, found from its values and kernels: it is made, as it must fit into every process, but not run.

use super::graph::{Key, Node, What};
use super::kernel::Compiled;
use super::rules::Reducing;
use super::synapses::{Contribution, Layout};
use super::{Inner, RateNetwork};
use crate::image::Store;
use crate::plan::Network;
use crate::runtime::buffer::padded;
use crate::runtime::exchange::handed;
use std::collections::BTreeMap;

/// What is computed, of all examples.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Effort {
    /// Multiplications of products that every process computes as a whole.
    pub multiplications: f64,
    /// Those of products of which each process computes its examples.
    pub dealt: f64,
    /// Operations of kernels on single cells and synapses, which every process does.
    pub operations: f64,
    /// Those on synapses of which each process has some.
    pub dealt_operations: f64,
    /// How often processes tell each other their examples' part of a product.
    pub gathers: f64,
    /// Bytes of these products, of all examples.
    pub told: f64,
}

/// What a network takes and does.
pub struct RateExtent {
    /// Cells.
    pub cells: usize,
    /// Synapses.
    pub synapses: usize,
    /// Examples at once.
    pub examples: usize,
    /// Bytes of weights and states of synapses.
    pub of_synapses: f64,
    /// Bytes of all other values.
    pub of_cells: f64,
    /// All values once, as when other examples are shown.
    pub values: Effort,
    /// The states of all cells in a step, without the values that they follow from.
    pub step: Effort,
    /// What happens at each signal.
    pub signals: BTreeMap<String, Effort>,
}

impl Effort {
    fn add(&mut self, other: Effort) {
        self.multiplications += other.multiplications;
        self.dealt += other.dealt;
        self.operations += other.operations;
        self.dealt_operations += other.dealt_operations;
        self.gathers += other.gathers;
        self.told += other.told;
    }

    /// The same where each process does it for its own synapses, and all hear whether everything is finite.
    fn dealt_out(self) -> Effort {
        Effort { dealt: self.multiplications, dealt_operations: self.operations, gathers: 1.0, ..Effort::default() }
    }

    fn of_kernel(kernel: &Compiled, lanes: usize) -> Effort {
        let operations = kernel.kernel.lowered().kernel.values.len() * lanes;
        Effort { operations: operations as f64, ..Effort::default() }
    }

    /// Returns the bytes that a process of so many hands over, and that it gets.
    pub fn traffic(&self, processes: usize) -> (f64, f64) {
        let each = self.told / processes as f64 / self.gathers.max(1.0);
        let own = self.gathers * handed(each);
        if processes > 1 { (own, own * (processes - 1) as f64) } else { (0.0, 0.0) }
    }
}

impl RateNetwork {
    /// Returns what it takes and does, of which several processes would share out what is dealt.
    pub fn extent(&self) -> RateExtent {
        let mut inner = self.inner.borrow_mut();
        let dealt = inner.dealt_among_several(&self.network);
        let own = std::mem::replace(&mut inner.dealt, dealt);
        let extent = inner.extent(&self.network);
        inner.dealt = own;
        extent
    }
}

impl Inner {
    fn extent(&mut self, net: &Network) -> RateExtent {
        // All values that anything reads are there when everything is compiled.
        self.compile_all(net);
        let word = self.precision().bytes() as f64;
        let mut values = Effort::default();
        let (mut of_synapses, mut of_cells) = (0.0, 0.0);
        for node in self.graph.nodes.keys().collect::<Vec<_>>() {
            let bytes = self.graph.nodes[node].array.buffer.len() as f64 * word;
            *(if self.is_of_synapses(node) { &mut of_synapses } else { &mut of_cells }) += bytes;
            values.add(self.effort_of_value(net, node));
        }
        let mut step = Effort::default();
        for p in 0..net.populations.len() {
            if !net.populations[p].solved.next.is_empty() {
                let mover = self.mover(net, p);
                step.add(Effort::of_kernel(&mover.compiled, padded(net.populations[p].n) * self.batch));
            }
        }
        let signals = self.signals(net).into_iter().map(|signal| {
            let effort = self.effort_of_signal(net, &signal);
            (signal, effort)
        });
        let signals = signals.collect();
        RateExtent {
            cells: net.populations.iter().map(|p| p.n).sum(),
            synapses: net.projections.iter().map(|p| p.pairs.len()).sum(),
            examples: self.batch,
            of_synapses,
            of_cells,
            values,
            step,
            signals,
        }
    }

    fn is_of_synapses(&self, node: Node) -> bool {
        matches!(self.graph.nodes[node].key, Key::Synaptic(..) | Key::Mask(_))
    }

    fn effort_of_value(&mut self, net: &Network, node: Node) -> Effort {
        let entry = &self.graph.nodes[node];
        let lanes = entry.array.rows * entry.array.ld;
        match &entry.what {
            What::Elementwise(domain, e, _) => {
                let (domain, e) = (*domain, e.clone());
                let name = self.name_of_node(net, node);
                Effort::of_kernel(&self.compile(net, domain, &name, (&[Store::Out(e)], &[]), &[]), lanes)
            }
            What::Port(_, k) | What::Contribution(k) => self.effort_of_delivery(net, *k),
            What::Given | What::Sum(..) | What::Part(..) | What::Late => Effort::default(),
        }
    }

    /// What it takes to deliver what a projection delivers.
    fn effort_of_delivery(&self, net: &Network, k: usize) -> Effort {
        let each = self.batch * self.synapses[k].multiplications();
        let products = match self.deliveries.get(&k) {
            Some(Contribution::Products(list)) => list.len() as f64,
            // Synapse by synapse: some operations for each of them.
            Some(Contribution::BySource(..)) => {
                return Effort { operations: (BY_SOURCE * each) as f64, ..Effort::default() };
            }
            Some(Contribution::Cellwise(_)) | None => return Effort::default(),
        };
        let multiplications = products * each as f64;
        if !self.is_dealt(each) {
            return Effort { multiplications, ..Effort::default() };
        }
        let row = padded(net.projections[k].post.n) * self.precision().bytes();
        let told = products * (self.batch * row) as f64;
        Effort { dealt: multiplications, gathers: products, told, ..Effort::default() }
    }

    fn effort_of_signal(&mut self, net: &Network, signal: &str) -> Effort {
        let mut out = Effort::default();
        let hear = |k: &usize| crate::solve::bodies(&net.projections[*k].synapse, signal).next().is_some();
        let mut rules = Vec::new();
        for k in (0..net.projections.len()).filter(hear) {
            rules.push((k, self.synapse_rule(net, k, signal)));
        }
        // What several rules reduce alike is reduced once.
        for group in self.grouped(rules) {
            let lies = &self.synapses[group[0].0];
            let (rows, n) = lies.extent();
            let places = rows * padded(n);
            let each = self.batch * if lies.layout == Layout::Dense { places } else { lies.multiplications() };
            let mut of_group = Effort::default();
            for (_, how) in group.iter().take(1).flat_map(|(_, rule)| &rule.reductions) {
                of_group.add(match how {
                    Reducing::Product(..) => Effort { multiplications: each as f64, ..Effort::default() },
                    Reducing::Each(kernel) => Effort::of_kernel(kernel, each),
                });
            }
            let applied = group.iter().filter_map(|(_, rule)| rule.apply.as_ref());
            applied.for_each(|kernel| of_group.add(Effort::of_kernel(kernel, places)));
            out.add(if self.is_dealt_out(group[0].0) { of_group.dealt_out() } else { of_group });
        }
        for p in (0..net.populations.len()).filter(|p| net.populations[*p].model.hears(signal)) {
            let lanes = padded(net.populations[p].n) * self.batch;
            let rule = self.cell_rule(net, p, signal);
            rule.kernels().for_each(|kernel| out.add(Effort::of_kernel(kernel, lanes)));
        }
        out
    }
}

/// Operations on a synapse that delivers by itself.
const BY_SOURCE: usize = 8;
