//! Plastic projections: weights and states that change at events of either cell.
//!
//! Order within a step from t to t + dt (`docs/language/semantics.md`): presynaptic events that reach the synapses at
//! t + dt run their handlers and deliver; the cells are updated; postsynaptic events of t + dt run theirs. A handler
//! first changes the synapses it reaches, then the states kept with the cell that had the event.

use super::buffer::{Buffer, padded};
use super::delivery::RingPointer;
use super::pool::Pool;
use super::population::Pop;
use super::simulation::Options;
use crate::codegen::abi::SlotMemory;
use crate::codegen::{KernelFn, compile};
use crate::hir::{EventId, Place, Side, VarId};
use crate::ir::{Precision, SlotKind};
use crate::lower::{PlasticHandler, PlasticKernel, PlasticSlot, lower_plastic};
use crate::plan::{Column, Delay, Network, Projection};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A plastic projection that runs.
pub struct Plastic {
    handlers: Vec<Running>,
    pre: Kept,
    post: Kept,
    /// By thread: the synapses onto its share of the targets.
    parts: Vec<Mutex<Part>>,
    /// The delays that occur, in steps, ascending.
    delays: Vec<u32>,
    /// Whether weights change; states go on either way.
    pub learning: bool,
}

struct Running {
    event: EventId,
    lowered: PlasticHandler,
    synapse: Option<KernelFn>,
    cell: Option<KernelFn>,
}

/// States kept once per cell of one side, and the step at which they were last advanced.
struct Kept {
    states: BTreeMap<VarId, Buffer>,
    last: Vec<u64>,
}

/// Synapses in rows by presynaptic cell, sorted by delay and target within a row, and their index by target.
struct Part {
    /// Row `i` is `start[i] .. start[i + 1]`.
    start: Vec<u32>,
    target: Vec<u32>,
    /// Empty if all delays are equal.
    delay: Vec<u16>,
    weight: Buffer,
    states: BTreeMap<VarId, Buffer>,
    last: Vec<u64>,
    /// First lane of the targets.
    first: usize,
    /// Synapses onto lane `first + j` are `column[column_start[j] .. column_start[j + 1]]`.
    column_start: Vec<u32>,
    column: Vec<u32>,
    /// Presynaptic cells of the synapses in `column`, within the view.
    column_source: Vec<u32>,
    /// Position of each synapse in the plan.
    edge: Vec<u32>,
    /// By slot of the kernel in use.
    scratch: Vec<Buffer>,
    /// Synapses that this step's events reach.
    reached: Reached,
}

/// Synapses with their cells, within the views.
#[derive(Default)]
struct Reached {
    synapse: Vec<u32>,
    source: Vec<u32>,
    target: Vec<u32>,
}

/// Synapses per call of a kernel.
const CHUNK: usize = 1024;

/// What the synapses see of the network.
pub struct View<'a> {
    /// Populations.
    pub pops: &'a [Pop],
    /// Their plan.
    pub network: &'a Network,
    /// The step that is being made.
    pub step: u64,
    /// Options of the run.
    pub options: &'a Options,
    /// Where deliveries of this step go.
    pub ring: RingPointer,
}

impl View<'_> {
    /// The step boundary at which this step's events happen.
    fn now(&self) -> u64 {
        self.step + 1
    }

    fn elapsed(&self, last: u64) -> f64 {
        (self.now() - last) as f64 * self.options.dt
    }
}

impl Plastic {
    /// Builds and compiles, if the projection's synapse is plastic.
    pub fn new(
        network: &Network,
        p: &Projection,
        shares: Vec<std::ops::Range<usize>>,
        options: &Options,
    ) -> Option<Plastic> {
        if !p.is_plastic() {
            return None;
        }
        let places = p.places();
        let &Options { dt, precision, backend, .. } = options;
        let handlers = lower_plastic(p, &places, dt, precision)
            .into_iter()
            .filter_map(|lowered| {
                let view = if lowered.side == Side::Pre { p.pre } else { p.post };
                let event = network.populations[view.population].model.event(&lowered.event)?;
                let function = |k: &Option<PlasticKernel>| k.as_ref().map(|k| compile(backend, &k.kernel));
                Some(Running { event, synapse: function(&lowered.synapse), cell: function(&lowered.cell), lowered })
            })
            .collect();
        let kept = |place: Place, n: usize| Kept {
            states: places
                .iter()
                .filter(|(_, p)| **p == place)
                .map(|(v, _)| (*v, initial(p, *v, n, precision)))
                .collect(),
            last: vec![0; n],
        };
        let mut delays: Vec<u32> = match &p.delay {
            Delay::Const(d) => vec![*d],
            Delay::Array(a) => a.iter().map(|d| u32::from(*d)).collect(),
        };
        delays.sort_unstable();
        delays.dedup();
        let here: Vec<VarId> = places.iter().filter(|(_, p)| **p == Place::Synapse).map(|(v, _)| *v).collect();
        let parts = shares.into_iter().map(|range| Mutex::new(Part::new(p, range, &here, precision))).collect();
        let (pre, post) = (kept(Place::Pre, p.pre.n), kept(Place::Post, p.post.n));
        Some(Plastic { handlers, pre, post, parts, delays, learning: p.learning })
    }

    /// Returns the longest delay, in steps.
    pub fn longest_delay(&self) -> usize {
        self.delays.last().copied().unwrap_or(1) as usize
    }

    /// Returns the presynaptic events that it waits for.
    pub fn events(&self) -> impl Iterator<Item = EventId> {
        self.handlers.iter().filter(|h| h.lowered.side == Side::Pre).map(|h| h.event)
    }

    /// Returns the kernels of its handlers, in order.
    pub fn kernels(&self) -> impl Iterator<Item = &PlasticKernel> {
        self.handlers.iter().flat_map(|h| h.lowered.synapse.iter().chain(&h.lowered.cell))
    }

    /// Returns the bytes that the synapses take.
    pub fn bytes(&self) -> usize {
        let part = |p: &Mutex<Part>| {
            let p = lock(p);
            let word = p.weight.precision().bytes();
            let n = p.target.len();
            (p.start.len() + p.column_start.len()) * 4
                + n * (4 + 4 + 4 + 4 + word + p.states.len() * word)
                + p.delay.len() * 2
                + p.last.len() * 8
        };
        self.parts.iter().map(part).sum()
    }

    /// Copies the weights into the order of the plan.
    pub fn weights(&self, out: &mut [f64]) {
        for part in &self.parts {
            let part = lock(part);
            for (k, edge) in part.edge.iter().enumerate() {
                out[*edge as usize] = part.weight.get(k);
            }
        }
    }

    /// Runs the handlers of presynaptic events; `history(event, steps)` are the cells that had it so many steps ago.
    pub fn arrivals<'h>(
        &mut self,
        p: &Projection,
        view: &View,
        pool: &Pool,
        history: &dyn Fn(EventId, usize) -> &'h [u32],
    ) {
        for k in 0..self.handlers.len() {
            if self.handlers[k].lowered.side != Side::Pre {
                continue;
            }
            for d in self.delays.clone() {
                let cells = within(history(self.handlers[k].event, d as usize), p.pre.start, p.pre.n);
                self.handle(k, p, view, pool, &cells, Some(d));
            }
        }
    }

    /// Runs the handlers of postsynaptic events of this step.
    pub fn responses(&mut self, p: &Projection, view: &View, pool: &Pool) {
        for k in 0..self.handlers.len() {
            if self.handlers[k].lowered.side == Side::Post {
                let spikes = &view.pops[p.post.population].spikes[&self.handlers[k].event.as_u32()];
                let cells = within(&spikes.cells, p.post.start, p.post.n);
                self.handle(k, p, view, pool, &cells, None);
            }
        }
    }

    fn handle(&mut self, k: usize, p: &Projection, view: &View, pool: &Pool, cells: &[u32], delay: Option<u32>) {
        if cells.is_empty() {
            return;
        }
        let Plastic { handlers, pre, post, parts, learning, .. } = self;
        let Running { lowered, synapse, cell, .. } = &handlers[k];
        if let (Some(kernel), Some(function)) = (&lowered.synapse, synapse) {
            let (pre, post, parts) = (&*pre, &*post, &*parts);
            let job = |t: usize| {
                let mut part = lock(&parts[t]);
                let sides = Sides { p, pre, post, view, learning: *learning };
                part.reach(p, cells, delay, lowered.side);
                part.run(kernel, function, &sides);
            };
            if cells.len() < 4 { (0..parts.len()).for_each(job) } else { pool.run(&job) }
        }
        if let (Some(kernel), Some(function)) = (&lowered.cell, cell) {
            let kept = if lowered.side == Side::Pre { pre } else { post };
            kept.run(kernel, function, lowered.side, p, cells, view);
        }
    }
}

fn lock(part: &Mutex<Part>) -> std::sync::MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The cells of a view, counted from its first.
fn within(cells: &[u32], first: usize, n: usize) -> Vec<u32> {
    let local = |c: &u32| (*c as usize).checked_sub(first).filter(|c| *c < n).map(|c| c as u32);
    cells.iter().filter_map(local).collect()
}

fn initial(p: &Projection, state: VarId, n: usize, precision: Precision) -> Buffer {
    Buffer::repeating(padded(n), precision, &[p.init.get(&state).copied().unwrap_or(0.0)])
}

/// What the lanes of a synapse kernel read beside the synapses themselves.
struct Sides<'a> {
    p: &'a Projection,
    pre: &'a Kept,
    post: &'a Kept,
    view: &'a View<'a>,
    learning: bool,
}

impl Kept {
    /// Changes the states of the cells that had the event.
    fn run(&mut self, k: &PlasticKernel, f: &KernelFn, side: Side, p: &Projection, cells: &[u32], view: &View) {
        let precision = view.options.precision;
        let lanes = padded(cells.len());
        let mut buffers: Vec<Buffer> = k.slots.iter().map(|_| Buffer::new(lanes, precision)).collect();
        let from = if side == Side::Pre { p.pre } else { p.post };
        for (slot, b) in k.slots.iter().zip(&mut buffers) {
            for (j, c) in cells.iter().enumerate() {
                let c = *c as usize;
                b.set(
                    j,
                    match slot {
                        PlasticSlot::State(v, _) => self.states[v].get(c),
                        PlasticSlot::Elapsed(_) => view.elapsed(self.last[c]),
                        PlasticSlot::Cell(_, var) => cell_value(view, from.population, *var, from.start + c),
                        _ => crate::ice!("a cell's kernel reads a synapse"),
                    },
                );
            }
        }
        call(f, &mut buffers, lanes);
        for (slot, b) in k.slots.iter().zip(&buffers) {
            if let PlasticSlot::State(v, _) = slot
                && let Some(state) = self.states.get_mut(v)
            {
                cells.iter().enumerate().for_each(|(j, c)| state.set(*c as usize, b.get(j)));
            }
        }
        cells.iter().for_each(|c| self.last[*c as usize] = view.now());
    }
}

fn cell_value(view: &View, population: usize, var: VarId, cell: usize) -> f64 {
    let t = view.step as f64 * view.options.dt;
    view.pops[population].value_of(&view.network.populations[population], var, cell, t)
}

fn call(f: &KernelFn, buffers: &mut [Buffer], lanes: usize) {
    let table: Vec<SlotMemory> = buffers.iter_mut().map(Buffer::in_place).collect();
    // SAFETY: every slot is a buffer of at least `lanes` elements that only this call uses.
    unsafe { f.call(&table, 0, lanes, 1) };
}

impl Part {
    fn new(p: &Projection, range: std::ops::Range<usize>, here: &[VarId], precision: Precision) -> Part {
        let delay = |k: usize| match &p.delay {
            Delay::Const(_) => 0,
            Delay::Array(a) => a[k],
        };
        let mut order: Vec<u32> = Vec::new();
        order.extend((0..p.edges.len() as u32).filter(|k| range.contains(&(p.edges[*k as usize].post as usize))));
        order.sort_by_key(|k| {
            let e = p.edges[*k as usize];
            (e.pre, delay(*k as usize), e.post, *k)
        });
        let n = order.len();
        let source: Vec<u32> = order.iter().map(|k| p.edges[*k as usize].pre - p.pre.start as u32).collect();
        let target: Vec<u32> = order.iter().map(|k| p.edges[*k as usize].post).collect();
        let start = index(p.pre.n, source.iter().map(|s| *s as usize));
        let local = |t: &u32| *t as usize - range.start;
        let column_start = index(range.len(), target.iter().map(local));
        let mut next = column_start.clone();
        let (mut column, mut column_source) = (vec![0u32; n], vec![0u32; n]);
        for (k, t) in target.iter().enumerate() {
            let at = next[local(t)] as usize;
            (column[at], column_source[at]) = (k as u32, source[k]);
            next[local(t)] += 1;
        }
        let mut weight = Buffer::new(padded(n), precision);
        for (k, edge) in order.iter().enumerate() {
            weight.set(
                k,
                match &p.weight {
                    Column::Const(w) => *w,
                    Column::Array(w) => w[*edge as usize],
                },
            );
        }
        Part {
            start,
            target,
            delay: match &p.delay {
                Delay::Const(_) => Vec::new(),
                Delay::Array(a) => order.iter().map(|k| a[*k as usize]).collect(),
            },
            weight,
            states: here.iter().map(|v| (*v, initial(p, *v, n, precision))).collect(),
            last: if here.is_empty() { Vec::new() } else { vec![0; n] },
            first: range.start,
            column_start,
            column,
            column_source,
            edge: order,
            scratch: Vec::new(),
            reached: Reached::default(),
        }
    }

    /// Lists the synapses that events of these cells reach, those of one delay only if one is given.
    fn reach(&mut self, p: &Projection, cells: &[u32], delay: Option<u32>, side: Side) {
        let r = &mut self.reached;
        r.synapse.clear();
        r.source.clear();
        r.target.clear();
        for c in cells {
            match side {
                Side::Pre => {
                    let (begin, end) = (self.start[*c as usize] as usize, self.start[*c as usize + 1] as usize);
                    let (from, to) = match delay {
                        Some(d) if !self.delay.is_empty() => {
                            let row = &self.delay[begin..end];
                            let before = row.partition_point(|x| u32::from(*x) < d);
                            (begin + before, begin + row.partition_point(|x| u32::from(*x) <= d))
                        }
                        _ => (begin, end),
                    };
                    r.synapse.extend(from as u32..to as u32);
                    r.source.resize(r.synapse.len(), *c);
                    r.target.extend(self.target[from..to].iter().map(|t| t - p.post.start as u32));
                }
                Side::Post => {
                    let Some(j) = (p.post.start + *c as usize).checked_sub(self.first) else { continue };
                    if j + 1 < self.column_start.len() {
                        let (begin, end) = (self.column_start[j] as usize, self.column_start[j + 1] as usize);
                        r.synapse.extend_from_slice(&self.column[begin..end]);
                        r.source.extend_from_slice(&self.column_source[begin..end]);
                        r.target.resize(r.synapse.len(), *c);
                    }
                }
            }
        }
    }

    /// Runs a kernel over the synapses reached.
    fn run(&mut self, k: &PlasticKernel, f: &KernelFn, sides: &Sides) {
        let precision = sides.view.options.precision;
        while self.scratch.len() < k.slots.len() {
            self.scratch.push(Buffer::new(CHUNK, precision));
        }
        let reached = std::mem::take(&mut self.reached);
        let mut scratch = std::mem::take(&mut self.scratch);
        let kinds: Vec<SlotKind> = k.kernel.slots.values().map(|d| d.kind).collect();
        for begin in (0..reached.synapse.len()).step_by(CHUNK) {
            let range = begin..(begin + CHUNK).min(reached.synapse.len());
            let chunk = Chunk {
                synapse: &reached.synapse[range.clone()],
                source: &reached.source[range.clone()],
                target: &reached.target[range.clone()],
            };
            for (slot, b) in k.slots.iter().zip(&mut scratch) {
                self.load(*slot, b, &chunk, sides);
            }
            call(f, &mut scratch[..k.slots.len()], padded(range.len()));
            for ((slot, kind), b) in k.slots.iter().zip(&kinds).zip(&scratch) {
                self.store(*slot, *kind, b, &chunk, sides);
            }
        }
        self.scratch = scratch;
        self.reached = reached;
    }

    fn load(&self, slot: PlasticSlot, b: &mut Buffer, chunk: &Chunk, sides: &Sides) {
        let view = sides.view;
        match slot {
            PlasticSlot::Weight => b.gather(&self.weight, indices(chunk.synapse)),
            PlasticSlot::State(v, Place::Synapse) => b.gather(&self.states[&v], indices(chunk.synapse)),
            PlasticSlot::State(v, Place::Pre) => b.gather(&sides.pre.states[&v], indices(chunk.source)),
            PlasticSlot::State(v, Place::Post) => b.gather(&sides.post.states[&v], indices(chunk.target)),
            PlasticSlot::Elapsed(place) => {
                let (last, of) = match place {
                    Place::Pre => (&sides.pre.last, chunk.source),
                    Place::Post => (&sides.post.last, chunk.target),
                    Place::Synapse => (&self.last, chunk.synapse),
                };
                b.fill_with(indices(of).map(|i| view.elapsed(last[i])));
            }
            PlasticSlot::Cell(side, var) => {
                let (from, of) = match side {
                    Side::Pre => (sides.p.pre, chunk.source),
                    Side::Post => (sides.p.post, chunk.target),
                };
                b.fill_with(indices(of).map(|i| cell_value(view, from.population, var, from.start + i)));
            }
            PlasticSlot::Delivered => {}
        }
    }

    fn store(&mut self, slot: PlasticSlot, kind: SlotKind, b: &Buffer, chunk: &Chunk, sides: &Sides) {
        match slot {
            PlasticSlot::Weight if kind == SlotKind::State && sides.learning => {
                self.weight.scatter(b, indices(chunk.synapse));
            }
            PlasticSlot::State(v, Place::Synapse) => {
                if let Some(state) = self.states.get_mut(&v) {
                    state.scatter(b, indices(chunk.synapse));
                }
            }
            PlasticSlot::Elapsed(Place::Synapse) => {
                indices(chunk.synapse).for_each(|k| self.last[k] = sides.view.now());
            }
            PlasticSlot::Delivered => {
                let View { step, ring, .. } = sides.view;
                let lanes = indices(chunk.target).map(|t| sides.p.post.start + t);
                // SAFETY: the targets of a part lie in its thread's share of the lanes.
                unsafe { ring.add_all(*step, lanes, b) };
            }
            _ => {}
        }
    }
}

/// Some of the synapses reached.
struct Chunk<'a> {
    synapse: &'a [u32],
    source: &'a [u32],
    target: &'a [u32],
}

fn indices(list: &[u32]) -> impl Iterator<Item = usize> {
    list.iter().map(|i| *i as usize)
}

/// Counts how many of `items` fall on each of `n` rows, summed up.
fn index(n: usize, items: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut start = vec![0u32; n + 1];
    items.for_each(|i| start[i + 1] += 1);
    for i in 0..n {
        start[i + 1] += start[i];
    }
    start
}
