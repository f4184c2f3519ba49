//! Computes values when they are asked for.

use super::Inner;
use super::array::Array;
use super::graph::{Domain, Key, Node, What};
use super::kernel::Compiled;
use super::synapses::Layout;
use crate::codegen::abi::SlotMemory;
use crate::hir::{VarId, VarKind};
use crate::image::{Held, Listing, Store};
use crate::ir::Precision;
use crate::plan::Network;
use crate::runtime::pool::share;
use crate::runtime::profile::Part;
use cranelift_entity::EntityRef;

/// Fewer operations on single numbers are left to one thread: some tens of microseconds in vectors, as long as it takes to wake another.
const WORTH_SHARING: usize = 2_000_000;

/// Moments of draws that do not belong to steps.
const AT_SIGNALS: u64 = 1 << 62;

impl Inner {
    /// Computes a value, and what it depends on, as far as something has changed.
    pub fn pull(&mut self, net: &Network, node: Node) {
        if self.graph.nodes[node].fresh {
            return;
        }
        let mut plan = Vec::new();
        self.graph.plan(node, &mut plan);
        let mut watch = self.options.stopwatch();
        for node in plan {
            self.compute(net, node);
            watch.was(Part::Value(node.index()));
            self.graph.nodes[node].fresh = true;
        }
    }

    /// Returns how many rows of a value are in use.
    pub fn rows_in_use(&self, node: Node) -> usize {
        if self.graph.nodes[node].array.rows == self.batch { self.active } else { self.graph.nodes[node].array.rows }
    }

    fn compute(&mut self, net: &Network, node: Node) {
        let mut what = std::mem::replace(&mut self.graph.nodes[node].what, What::Given);
        let empty = Array::empty(self.precision());
        let mut array = std::mem::replace(&mut self.graph.nodes[node].array, empty);
        match &mut what {
            What::Given => {}
            What::Elementwise(domain, e, compiled) => {
                let mut ready = match compiled.take() {
                    Some(ready) => ready,
                    None => {
                        let name = self.name_of_node(net, node);
                        Box::new(self.compile(net, *domain, &name, (&[Store::Out(e.clone())], &[]), &[]))
                    }
                };
                self.elementwise_values(net, *domain, &mut ready, &mut array);
                *compiled = Some(ready);
            }
            What::Port(base, k) => {
                self.copy_base(*base, &mut array);
                let memory = array.memory();
                self.deliver(net, *k, memory, array.ld);
            }
            What::Sum(base, parts) => {
                self.copy_base(*base, &mut array);
                for (part, start) in parts.iter() {
                    let part = &self.graph.nodes[*part].array;
                    (0..self.active).for_each(|row| array.add(row, *start, part, part.row_of(row)));
                }
            }
            What::Contribution(k) => {
                let end = array.buffer.len();
                array.buffer.clear(0..end);
                let memory = array.memory();
                self.deliver(net, *k, memory, array.ld);
            }
            // Brought source by source when it is read.
            What::Late => {}
            What::Part(of, start) => {
                let of = &self.graph.nodes[*of].array;
                (0..array.rows).for_each(|row| array.copy_part(row, of, *start));
            }
        }
        if matches!(what, What::Port(..) | What::Sum(..) | What::Contribution(_)) {
            // Lanes beyond the last cell compute the same as it does, so that they stay finite when it does.
            (0..self.active.min(array.rows)).for_each(|row| array.pad(row));
        }
        let entry = &mut self.graph.nodes[node];
        (entry.what, entry.array) = (what, array);
    }

    fn copy_base(&self, base: Node, array: &mut Array) {
        let base = &self.graph.nodes[base].array;
        for row in 0..self.active.min(array.rows) {
            array.buffer.copy(row * array.ld, &base.buffer, base.row_of(row) * base.ld, array.ld);
        }
    }

    fn elementwise_values(&mut self, net: &Network, domain: Domain, ready: &mut Compiled, array: &mut Array) {
        self.prepare(ready);
        let by_rows = match domain {
            Domain::Synapses(k) => matches!(self.synapses[k].layout, Layout::Dense | Layout::Convolution),
            _ => false,
        };
        if by_rows {
            let Domain::Synapses(k) = domain else { return };
            let out = SlotMemory { stride: 0, ..array.memory() };
            let table = ready.table(&mut self.graph, &[out], &[], &|_| None);
            let moves = self.moves(net, k, ready, array.row_bytes());
            for row in 0..array.rows {
                let table = moved(&table, &moves, row);
                // SAFETY: rows of the arrays are padded, and this thread has them alone.
                unsafe { ready.run(&table, 0..array.ld, 1) };
            }
            return;
        }
        let examples = if array.rows > 1 { self.active } else { 1 };
        let out = array.memory();
        let table = ready.table(&mut self.graph, &[out], &[], &|_| None);
        self.run_lanes(ready, &table, array.ld, examples);
    }

    /// Sets what a kernel reads of the time and of chance; what a step draws is prepared by the number of the step instead.
    pub fn prepare(&mut self, ready: &mut Compiled) {
        self.moment += u64::from(ready.draws());
        ready.prepare(self.step as f64 * self.options.dt, AT_SIGNALS | self.moment, self.options.seed);
    }

    /// Runs all lanes of a kernel, by several threads where it pays; returns whether what it replaced stayed finite.
    pub fn run_lanes(&mut self, ready: &Compiled, table: &[SlotMemory], lanes: usize, examples: usize) -> bool {
        let operations = ready.kernel.lowered().kernel.values.len();
        if lanes * examples * operations < WORTH_SHARING || self.pool.threads() == 1 {
            // SAFETY: rows of the arrays are padded, and this thread has them alone.
            return unsafe { ready.run(table, 0..lanes, examples) };
        }
        let threads = self.pool.threads();
        let finite = std::sync::atomic::AtomicBool::new(true);
        self.pool.run(&|t| {
            let part = share(lanes, t, threads);
            // SAFETY: each thread has lanes of its own.
            if !part.is_empty() && !unsafe { ready.run(table, part, examples) } {
                finite.store(false, std::sync::atomic::Ordering::Relaxed);
            }
        });
        finite.into_inner()
    }

    /// Returns by how many bytes slots move from source to source of a projection; results by so many as given.
    pub fn moves(&self, net: &Network, k: usize, ready: &Compiled, out: usize) -> Vec<(usize, usize)> {
        let synapse = &net.projections[k].synapse;
        let word = self.precision().bytes();
        let mut moves = Vec::new();
        for (slot, held) in ready.kernel.slots().iter().enumerate() {
            let by = match held {
                Held::Out(_) | Held::Sum(_) => out,
                Held::Variable(v) => match (ready.source(slot), synapse.vars.get(*v).map(|v| &v.kind)) {
                    (Some(node), Some(VarKind::Pre(_))) if self.is_late(node) => 0,
                    (Some(_), Some(VarKind::Pre(_))) => word,
                    (Some(node), _) if self.is_matrix(node) => self.graph.nodes[node].array.row_bytes(),
                    _ => 0,
                },
                _ => 0,
            };
            if by > 0 {
                moves.push((slot, by));
            }
        }
        moves
    }

    /// Returns whether a value has a row for each source of a projection.
    fn is_matrix(&self, node: Node) -> bool {
        let entry = &self.graph.nodes[node];
        match entry.key {
            Key::Mask(_) => true,
            Key::Synaptic(k, v) => {
                let layout = self.synapses[k].layout;
                matches!(layout, Layout::Dense | Layout::Convolution) && !self.synapses[k].is_single(v)
            }
            _ => false,
        }
    }

    /// Runs a kernel source by source.
    pub fn by_source(
        &mut self,
        net: &Network,
        k: usize,
        ready: &mut Compiled,
        out: SlotMemory,
        kept: &dyn Fn(VarId) -> Option<SlotMemory>,
    ) {
        self.prepare(ready);
        let table = ready.table(&mut self.graph, &[out], &[], kept);
        let moves = self.moves(net, k, ready, 0);
        let lanes = crate::runtime::buffer::padded(net.projections[k].post.n);
        for source in 0..net.projections[k].pre.n {
            self.bring_late(net, k, source);
            let table = moved(&table, &moves, source);
            // SAFETY: rows of the arrays are padded, and this thread has them alone.
            unsafe { ready.run(&table, 0..lanes, self.active) };
        }
    }

    /// Compiles everything that can happen, and returns it in an order that does not change.
    pub fn compile_all(&mut self, net: &Network) -> Vec<Listing> {
        let mut out = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for (p, population) in net.populations.iter().enumerate() {
            if !population.solved.next.is_empty() {
                let mover = self.mover(net, p);
                mover.inputs.iter().for_each(|n| self.compile_node(net, *n, &mut seen, &mut out));
                out.push(mover.compiled.kernel.listing());
            }
        }
        for signal in &self.signals(net) {
            for (inputs, kernels) in self.rules_of(net, signal) {
                inputs.iter().for_each(|n| self.compile_node(net, *n, &mut seen, &mut out));
                out.extend(kernels);
            }
        }
        out
    }

    /// Lists the signals that anything hears.
    pub fn signals(&self, net: &Network) -> Vec<String> {
        let mut signals: Vec<String> = Vec::new();
        let of_cells = net.populations.iter().flat_map(|p| p.model.handlers.iter().map(|h| h.signal.clone()));
        let of_synapses = net.projections.iter().flat_map(|p| &p.synapse.handlers).filter_map(|h| match &h.trigger {
            crate::hir::Trigger::Signal(name) => Some(name.clone()),
            _ => None,
        });
        signals.extend(of_cells.chain(of_synapses));
        signals.sort();
        signals.dedup();
        signals
    }

    fn compile_node(
        &mut self,
        net: &Network,
        node: Node,
        seen: &mut std::collections::BTreeSet<Node>,
        out: &mut Vec<Listing>,
    ) {
        if !seen.insert(node) {
            return;
        }
        for input in self.graph.nodes[node].inputs.clone() {
            self.compile_node(net, input, seen, out);
        }
        if let What::Elementwise(domain, e, _) = &self.graph.nodes[node].what {
            let (domain, e) = (*domain, e.clone());
            let name = self.name_of_node(net, node);
            out.push(self.compile(net, domain, &name, (&[Store::Out(e)], &[]), &[]).kernel.listing());
        }
    }

    /// Names a value for readers of the IR.
    pub(super) fn name_of_node(&self, net: &Network, node: Node) -> String {
        match &self.graph.nodes[node].key {
            Key::Variable(p, v) | Key::Base(p, v) => {
                format!("{}.{}", net.populations[*p].name, net.populations[*p].model.vars[*v].name)
            }
            Key::Contribution(k) => net.projections[*k].name.clone(),
            Key::Expression(Domain::Sources(k), ..) => format!("{}.sources", net.projections[*k].name),
            Key::Expression(Domain::Targets(k), ..) => format!("{}.targets", net.projections[*k].name),
            Key::Expression(Domain::Synapses(k), ..) => format!("{}.synapses", net.projections[*k].name),
            _ => "value".into(),
        }
    }

    /// Returns the type of numbers.
    pub fn precision(&self) -> Precision {
        self.options.precision
    }
}

/// The table of a kernel, so many sources on.
pub fn moved(table: &[SlotMemory], moves: &[(usize, usize)], sources: usize) -> Vec<SlotMemory> {
    let mut out = table.to_vec();
    for (slot, by) in moves {
        let m = &mut out[*slot];
        // SAFETY: the arrays have as many rows, or elements, as there are sources.
        unsafe {
            m.input = m.input.add(sources * by);
            m.output = m.output.add(sources * by);
        }
    }
    out
}
