//! Networks without events: every algebraic value follows from inputs, states and weights at once; a step moves the states.
//!
//! Several examples can be seen at once: states and values then have a row for each, weights are shared. Sums over sources and
//! over examples are products of matrices with a fixed order, so results do not depend on the number of threads.

mod apply;
mod array;
mod build;
mod convolution;
mod dealt;
mod evaluate;
mod extent;
mod graph;
mod kernel;
mod memory;
mod past;
mod rules;
mod synapses;
mod windows;

use array::Array;
pub use extent::{Effort, RateExtent};
use graph::{Domain, Graph, Key, Node, What};
use kernel::Compiled;
pub use memory::Memory;
use past::{Earlier, Late, Past};
use rules::{CellRule, SynapseRule};
use synapses::{Contribution, Synapses};

use super::buffer::Buffer;
use super::failure::Failure;
use super::options::Options;
use super::pool::Pool;
use super::profile::Part;
use super::simulation::Work;
use super::time::PortFunction;
use super::windows::{Average, TooShort};
use crate::codegen::Steps;
use crate::hir::{Expr, Func, Kept, VarId, VarKind};
use crate::image::{Listing, Store};
use crate::plan::{Column, Network};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A running network without events.
pub struct RateNetwork {
    /// What runs; parameters in it are current.
    pub network: Network,
    inner: RefCell<Inner>,
}

/// A mean over a window.
struct Averaged {
    /// The name of the window.
    window: String,
    /// The mean so far.
    average: Average,
    /// Of which value.
    of: Node,
    /// Where it is kept.
    node: Node,
}

/// How the states of a population move in a step.
struct Mover {
    compiled: Compiled,
    states: Vec<Node>,
    inputs: Vec<Node>,
}

struct Inner {
    options: Options,
    batch: usize,
    sum: bool,
    /// How many examples are there at present.
    active: usize,
    graph: Graph,
    /// `let`s of cells that synapses read, which are kept.
    stored: BTreeSet<(usize, VarId)>,
    synapses: Vec<Synapses>,
    /// Projections of whose synapses each of several processes has some, and those that have changed since all knew them.
    dealt: BTreeSet<usize>,
    partial: BTreeSet<usize>,
    deliveries: BTreeMap<usize, Contribution>,
    /// Values at earlier steps, and those that are read of them.
    kept: Vec<Earlier>,
    past: Vec<Past>,
    late: Vec<Late>,
    scale: Node,
    pool: Pool,
    step: u64,
    /// Counts steps of cells.
    updates: u64,
    /// Counts what was drawn at signals.
    moment: u64,
    /// By population; compiled when first needed.
    movers: Vec<Option<Mover>>,
    synapse_rules: BTreeMap<(usize, String), SynapseRule>,
    cell_rules: BTreeMap<(usize, String), CellRule>,
    /// What is assigned to ports that follow functions of time, for some of the cells.
    functions: Vec<(Node, PortFunction)>,
    /// Arrays that were replaced, to be used again.
    spare: Vec<Array>,
    /// Memory for reductions, by thread.
    scratch: Vec<Buffer>,
    /// Memory for what convolutions see, in both precisions.
    images: (Vec<f32>, Vec<f64>),
    /// Memory for weights of convolutions as products read them, likewise.
    packed: (Vec<f32>, Vec<f64>),
    /// Means over windows.
    averages: Vec<Averaged>,
    /// What is taken of windows of which none has ended yet: where it is kept, and of which value.
    beginning: Vec<(Node, Node)>,
    /// States kept per item of a data set: by data set and state, item after item.
    samples: BTreeMap<(u64, Node), Array>,
}

/// Values of cells, row after row.
pub struct Rows {
    /// One row per example, or one for all.
    pub rows: usize,
    /// The values.
    pub values: Vec<f64>,
}

impl RateNetwork {
    /// Allocates a network.
    pub fn new(mut network: Network, options: Options) -> RateNetwork {
        // Synapses are reached one by one, and which are absent must be known.
        network.projections.iter_mut().for_each(|p| p.pairs.list_drawn());
        let batch = network.batch.map_or(1, |b| b.size);
        let mut graph = Graph::default();
        let scale = graph.add(Key::Scale, What::Given, Array::new(1, 1, options.precision), Vec::new());
        let mut inner = Inner {
            options: options.clone(),
            batch,
            sum: network.batch.is_some_and(|b| b.sum),
            active: batch,
            graph,
            stored: BTreeSet::new(),
            synapses: Vec::new(),
            dealt: BTreeSet::new(),
            partial: BTreeSet::new(),
            deliveries: BTreeMap::new(),
            kept: Vec::new(),
            past: Vec::new(),
            late: Vec::new(),
            scale,
            pool: Pool::new(options.threads),
            step: 0,
            updates: 0,
            moment: 0,
            movers: network.populations.iter().map(|_| None).collect(),
            synapse_rules: BTreeMap::new(),
            cell_rules: BTreeMap::new(),
            functions: Vec::new(),
            spare: Vec::new(),
            scratch: Vec::new(),
            images: Default::default(),
            packed: Default::default(),
            averages: Vec::new(),
            beginning: Vec::new(),
            samples: BTreeMap::new(),
        };
        inner.rescale();
        inner.allocate(&network);
        if options.ranks.are_several() {
            inner.dealt = inner.dealt_among_several(&network);
        }
        RateNetwork { network, inner: RefCell::new(inner) }
    }

    /// Returns the options of the run.
    pub fn options(&self) -> Options {
        self.inner.borrow().options.clone()
    }

    /// Returns the number of steps done.
    pub fn step(&self) -> u64 {
        self.inner.borrow().step
    }

    /// Returns how much has been done: steps of cells, of every example.
    pub fn work(&self) -> Work {
        Work { updates: self.inner.borrow().updates, ..Work::default() }
    }

    /// Returns how many examples are seen at present.
    pub fn active(&self) -> usize {
        self.inner.borrow().active
    }

    /// Returns the bytes that synapses take.
    pub fn synapse_bytes(&self) -> usize {
        let inner = self.inner.borrow();
        let of = |e: &graph::Entry| matches!(e.key, Key::Synaptic(..) | Key::Mask(_)).then(|| e.array.buffer.len());
        inner.graph.nodes.values().filter_map(of).sum::<usize>() * inner.options.precision.bytes()
    }

    /// Advances by one step; returns the largest change of a state.
    pub fn advance(&mut self) -> Result<f64, Failure> {
        self.inner.get_mut().advance(&self.network)
    }

    /// Reads a variable of a population, up to the present moment.
    pub fn values(&self, population: usize, var: VarId) -> Rows {
        self.values_of(population, var, 0..self.network.populations[population].n)
    }

    /// Reads a variable of some cells of a population, up to the present moment.
    pub fn values_of(&self, population: usize, var: VarId, cells: Range<usize>) -> Rows {
        let p = &self.network.populations[population];
        if let Some(column) = p.params.get(&var) {
            return Rows { rows: 1, values: cells.map(|i| column.at(i)).collect() };
        }
        let mut inner = self.inner.borrow_mut();
        let node = inner.variable(&self.network, population, var);
        inner.pull(&self.network, node);
        let rows = inner.rows_in_use(node);
        let array = &inner.graph.nodes[node].array;
        let values = (0..rows).flat_map(|r| cells.clone().map(move |i| array.get(r, i))).collect();
        Rows { rows, values }
    }

    /// Replaces values of a state or of what is assigned to an analog port: one row, or one per example. Returns false if all
    /// examples share the state and there are several rows.
    pub fn set(&mut self, population: usize, var: VarId, cells: Range<usize>, rows: &Rows) -> bool {
        let inner = self.inner.get_mut();
        let port = matches!(self.network.populations[population].model.vars[var].kind, VarKind::AnalogPort(_));
        let node = match port {
            true => {
                inner.variable(&self.network, population, var);
                inner.graph.find(&Key::Base(population, var))
            }
            false => Some(inner.variable(&self.network, population, var)),
        };
        let Some(node) = node else { return false };
        inner.functions.retain(|(base, _)| *base != node);
        let (precision, batch) = (inner.options.precision, inner.batch);
        let array = &mut inner.graph.nodes[node].array;
        if port && rows.rows > array.rows {
            // From now on every example has a value of its own.
            let mut new = Array::new(batch, array.n, precision);
            (0..batch).for_each(|r| new.buffer.copy(r * new.ld, &array.buffer, 0, array.ld));
            *array = new;
        }
        if rows.rows > array.rows {
            return false;
        }
        let n = cells.len();
        let every = if rows.rows == 1 { array.rows } else { rows.rows };
        for row in 0..every {
            let values = &rows.values[if rows.rows == 1 { 0 } else { row * n }..][..n];
            array.set_part(row, cells.start, values);
        }
        inner.graph.changed(node);
        // What is taken of windows begins with what there is before the first step.
        if inner.step == 0 {
            inner.begin_windows(&self.network);
        }
        true
    }

    /// Replaces a parameter; what depends on it is compiled anew.
    pub fn set_param(&mut self, population: usize, var: VarId, value: Column) {
        self.network.populations[population].params.insert(var, value);
        self.inner.get_mut().forget(Domain::Cells(population), &self.network);
    }

    /// Lets an analog port of some cells follow functions of time, instead of those that it followed before.
    pub fn set_port_functions(&mut self, population: usize, var: VarId, functions: Vec<PortFunction>) {
        let inner = self.inner.get_mut();
        inner.variable(&self.network, population, var);
        let Some(base) = inner.graph.find(&Key::Base(population, var)) else { return };
        inner.functions.retain(|(of, _)| *of != base);
        inner.functions.extend(functions.into_iter().map(|f| (base, f)));
        inner.follow();
    }

    /// Sends a signal to some projections and populations.
    pub fn signal(&mut self, name: &str, projections: &[usize], populations: &[usize]) -> Result<(), Failure> {
        self.inner.get_mut().signal(&self.network, name, projections, populations)
    }

    /// Begins a window.
    pub fn begin_window(&mut self, name: &str) {
        let inner = self.inner.get_mut();
        let here = inner.averages.iter_mut().filter(|a| a.window == name);
        here.for_each(|a| a.average.begin());
    }

    /// Keeps what is taken of a window, which has just ended.
    ///
    /// # Errors
    /// A mean over more steps than the window had.
    pub fn end_window(&mut self, name: &str) -> Result<(), TooShort> {
        self.inner.get_mut().end_window(&self.network, name)
    }

    /// Makes what is taken of windows known, so that it is kept from the first window on. Until then it is what the network begins with.
    pub fn expect_windows(&mut self) {
        let inner = self.inner.get_mut();
        for (p, population) in self.network.populations.iter().enumerate() {
            for (v, var) in &population.model.vars {
                if matches!(var.kind, VarKind::Window(..)) {
                    inner.variable(&self.network, p, v);
                }
            }
        }
        for (k, projection) in self.network.projections.iter().enumerate() {
            for v in projection.synapse.windows.keys() {
                inner.place(&self.network, Domain::Targets(k), *v);
            }
        }
        inner.find_windows(&self.network);
    }

    /// Compiles everything that can happen: all values that something reads, steps and signals.
    pub fn listings(&self) -> Vec<Listing> {
        let mut inner = self.inner.borrow_mut();
        inner.compile_all(&self.network)
    }

    /// Returns how many examples the kernels may be asked for at once.
    pub fn steps(&self) -> Steps {
        if self.inner.borrow().batch > 1 { Steps::Many } else { Steps::One }
    }

    /// Names a value by its place.
    pub fn name_of_value(&self, place: usize) -> String {
        self.inner.borrow().name_of_node(&self.network, Node::from_u32(place as u32))
    }

    /// Returns the energy of a projection's synapses, of every example.
    pub fn energy(&self, projection: usize) -> Vec<f64> {
        let Some(energy) = &self.network.projections[projection].energy else { return Vec::new() };
        let mut inner = self.inner.borrow_mut();
        inner.energy(&self.network, projection, energy)
    }

    /// Lets weights change at signals, or keeps them.
    pub fn set_learning(&mut self, projection: usize, on: bool) {
        self.network.projections[projection].learning = on;
        self.inner.get_mut().synapse_rules.retain(|(k, _), _| *k != projection);
    }

    /// Returns the weights of a projection's synapses, or a state of them, in the order of the plan.
    pub fn synapses(&self, projection: usize, variable: VarId) -> Vec<f64> {
        let mut inner = self.inner.borrow_mut();
        let node = inner.synaptic(&self.network, projection, variable);
        let owner = self.network.projections[projection].transpose_of.unwrap_or(projection);
        inner.complete_synapses(&self.network, owner);
        inner.synapses[owner].read(&self.network.projections[owner], &inner.graph.nodes[node].array)
    }

    /// Lets every process know all synapses.
    pub fn complete_synapses(&mut self) {
        self.inner.get_mut().complete_all_synapses(&self.network);
    }

    /// Replaces the weights or a state of a projection, one value for all or one per synapse of the plan.
    pub fn set_synapses(&mut self, projection: usize, variable: VarId, value: &Column) {
        let inner = self.inner.get_mut();
        let node = inner.synaptic(&self.network, projection, variable);
        let owner = self.network.projections[projection].transpose_of.unwrap_or(projection);
        let mut array = std::mem::replace(&mut inner.graph.nodes[node].array, Array::empty(inner.options.precision));
        if inner.synapses[owner].is_single(variable) {
            array.fill_rows(&|_| value.at(0));
        } else {
            let p = &self.network.projections[owner];
            match self.network.projections[projection].synapse.weight() == Some(variable) {
                true => inner.synapses[owner].set_all(p, &mut array, value),
                false => inner.synapses[owner].set_states(p, &mut array, value),
            }
        }
        inner.graph.nodes[node].array = array;
        inner.graph.changed(node);
    }

    /// Replaces a parameter of a projection; what depends on it is compiled anew.
    pub fn set_synapse_param(&mut self, projection: usize, variable: VarId, value: f64) {
        self.network.projections[projection].params.insert(variable, value);
        self.inner.get_mut().forget(Domain::Synapses(projection), &self.network);
    }

    /// Shows some items of a data set: as many examples as there are items, each with the states that are kept for it.
    pub fn present(&mut self, data: u64, items: &[usize], of: usize) {
        self.inner.get_mut().present(&self.network, data, items, of);
    }

    /// Keeps the states of the items of a data set that have been shown.
    pub fn put_away(&mut self, data: u64, items: &[usize]) {
        self.inner.get_mut().put_away(&self.network, data, items);
    }
}

impl Inner {
    fn rescale(&mut self) {
        let scale = if self.sum { 1.0 } else { 1.0 / self.active as f64 };
        self.graph.nodes[self.scale].array.fill_rows(&|_| scale);
        self.graph.changed(self.scale);
    }

    fn advance(&mut self, net: &Network) -> Result<f64, Failure> {
        let mut movers = std::mem::take(&mut self.movers);
        for (p, mover) in movers.iter_mut().enumerate() {
            if mover.is_none() && !net.populations[p].solved.next.is_empty() {
                *mover = Some(self.mover(net, p));
            }
            mover.iter().flat_map(|m| &m.inputs).for_each(|n| self.pull(net, *n));
        }
        self.keep_present(net);
        let mut most = Ok(0.0f64);
        let mut watch = self.options.stopwatch();
        for (p, mover) in movers.iter_mut().enumerate() {
            let Some(mover) = mover else { continue };
            mover.compiled.prepare(self.step as f64 * self.options.dt, self.step, self.options.seed);
            let change = self.replace_states(net, p, &mut mover.compiled, &mover.states, &|_| None);
            most = most.and_then(|most: f64| change.map(|change| most.max(change)));
            watch.was(Part::Step(p));
        }
        movers.iter().flatten().flat_map(|m| &m.states).for_each(|node| self.graph.changed(*node));
        self.movers = movers;
        self.step += 1;
        self.updates += net.populations.iter().map(|p| (p.n * self.active) as u64).sum::<u64>();
        for i in 0..self.graph.timed.len() {
            let node = self.graph.timed[i];
            self.graph.stale(node);
        }
        self.follow();
        self.bring_past(net);
        self.follow_windows(net);
        most
    }

    /// Sets ports that follow functions of time.
    fn follow(&mut self) {
        let t = self.step as f64 * self.options.dt;
        for i in 0..self.functions.len() {
            let (base, f) = self.functions[i].clone();
            let mut values = vec![0.0; f.cells.len()];
            f.of.fill(t, &mut values);
            self.graph.nodes[base].array.fill_cells(&f.cells, &values);
            self.graph.changed(base);
        }
    }

    fn mover(&mut self, net: &Network, p: usize) -> Mover {
        let population = &net.populations[p];
        let (model, solved) = (&population.model, &population.solved);
        let bounded = |v: VarId, e: &Expr| match model.bounds.iter().find(|(b, ..)| *b == v) {
            Some((_, lo, hi)) => {
                let e = Expr::Call(Func::Max, vec![e.clone(), lo.clone()]);
                Expr::Call(Func::Min, vec![e, hi.clone()])
            }
            None => e.clone(),
        };
        let stores: Vec<Store> = solved.next.iter().map(|(v, e)| Store::Out(bounded(*v, e))).collect();
        let domain = Domain::Cells(p);
        let mut inputs = Vec::new();
        for e in stores.iter().map(Store::expr).chain(solved.temps.iter().map(|(_, e)| e)) {
            inputs.extend(self.sources(net, domain, e));
        }
        let name = format!("{}.step", model.name);
        let compiled = self.compile(net, domain, &name, (&stores, &solved.temps), &[]);
        let states = solved.next.iter().map(|(v, _)| self.variable(net, p, *v)).collect();
        Mover { compiled, states, inputs }
    }

    /// Drops what was compiled for cells of a population or for a projection.
    fn forget(&mut self, domain: Domain, net: &Network) {
        let concerns = |d: Domain| match (domain, d) {
            (Domain::Synapses(k), Domain::Sources(j) | Domain::Targets(j) | Domain::Synapses(j)) => k == j,
            (a, b) => a == b,
        };
        let nodes: Vec<Node> = self.graph.nodes.keys().collect();
        for node in nodes {
            if let What::Elementwise(of, _, compiled) = &mut self.graph.nodes[node].what
                && concerns(*of)
            {
                *compiled = None;
                self.graph.stale(node);
            }
        }
        for (k, c) in &mut self.deliveries {
            if let Contribution::BySource(_, compiled) = c
                && concerns(Domain::Synapses(*k))
            {
                *compiled = None;
            }
        }
        for k in 0..net.projections.len() {
            if concerns(Domain::Synapses(k))
                && let Some(node) = self.graph.find(&Key::Contribution(k))
            {
                self.graph.stale(node);
            }
        }
        self.synapse_rules.retain(|(k, _), _| !concerns(Domain::Synapses(*k)));
        self.cell_rules.retain(|(p, _), _| !concerns(Domain::Cells(*p)));
        for (p, mover) in self.movers.iter_mut().enumerate() {
            if concerns(Domain::Cells(p)) {
                *mover = None;
            }
        }
    }

    fn present(&mut self, net: &Network, data: u64, items: &[usize], of: usize) {
        let n = items.len().min(self.batch).max(1);
        if n != self.active {
            if n > self.active {
                let all: Vec<Node> = self.graph.nodes.keys().collect();
                all.into_iter().for_each(|node| self.graph.stale(node));
            }
            self.active = n;
            self.rescale();
        }
        for (p, v, node) in self.per_sample(net) {
            let population = &net.populations[p];
            let precision = self.options.precision;
            let store = self.samples.entry((data, node)).or_insert_with(|| {
                let mut store = Array::new(of, population.n, precision);
                store.fill_rows(&|i| population.initial(v, i, 0));
                store
            });
            let array = &mut self.graph.nodes[node].array;
            items.iter().enumerate().for_each(|(row, item)| array.copy_row(row, store, *item));
            self.graph.changed(node);
        }
    }

    fn put_away(&mut self, net: &Network, data: u64, items: &[usize]) {
        for (_, _, node) in self.per_sample(net) {
            let Some(store) = self.samples.get_mut(&(data, node)) else { continue };
            let array = &self.graph.nodes[node].array;
            items.iter().enumerate().for_each(|(row, item)| store.copy_row(*item, array, row));
        }
    }

    /// Lists the states that are kept per item of a data set.
    fn per_sample(&self, net: &Network) -> Vec<(usize, VarId, Node)> {
        let mut out = Vec::new();
        for (p, population) in net.populations.iter().enumerate() {
            for (v, kept) in &population.model.kept {
                if *kept == Kept::Sample
                    && let Some(node) = self.graph.find(&Key::Variable(p, *v))
                {
                    out.push((p, *v, node));
                }
            }
        }
        out
    }
}
