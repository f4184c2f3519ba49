//! Plastic projections: weights and states that change at events of either cell, at signals, and at every step.
//!
//! Order within a step from t to t + dt (`docs/language/semantics.md`): equations that are followed step by step advance
//! from t; presynaptic events that reach the synapses at t + dt run their handlers and deliver; the cells are updated;
//! postsynaptic events that reach the synapses at t + dt run theirs. A handler first changes the synapses, then the
//! states kept elsewhere.

mod exact;
mod index;
mod kept;
mod lanes;
mod lets;
mod listed;
mod part;
mod tiles;

use self::exact::Exact;
pub use self::kept::{Owned, Synapses};
use self::lanes::{Cells, Lanes, Scratch, Shared, Which};
pub use self::lets::Lets;
use self::part::{Part, Way};
use super::buffer::{Buffer, padded};
use super::history::History;
use super::options::Options;
use super::pool::Pool;
use super::population::Pop;
use super::reading::Readings;
use super::ring::RingPointer;
use crate::hir::{EventId, Place, Side, Trigger, VarId, VarKind};
use crate::image::{self, Compiled, Listing};
use crate::ir::Precision;
use crate::parallel::locked;
use crate::plan::{Column, Edge, Network, Projection};
use crate::rng::Stream;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// A plastic projection that runs.
pub struct Plastic {
    handlers: Vec<Running>,
    flows: Vec<Compiled>,
    shared: Shared,
    /// By thread: the synapses onto its share of the targets.
    parts: Vec<Mutex<Part>>,
    /// For kernels of places other than the synapses.
    scratch: Vec<Scratch>,
    /// The axonal delays that occur, in steps, ascending; and those at which postsynaptic events come back.
    delays: Vec<u32>,
    back: Vec<u32>,
    /// Whether weights change; states go on either way.
    pub learning: bool,
    finite: AtomicBool,
}

struct Running {
    trigger: Trigger,
    event: Option<EventId>,
    /// Under which number the events are remembered.
    remembered: usize,
    kernels: Vec<Compiled>,
}

/// What the synapses see of the network.
pub struct View<'a> {
    /// Populations.
    pub pops: &'a [Pop],
    /// Their plan.
    pub network: &'a Network,
    /// Options of the run.
    pub options: &'a Options,
    /// The step that is being made.
    pub step: u64,
    /// The step boundary at which what happens now happens.
    pub now: u64,
    /// The step boundary of the cells' values.
    pub cells: u64,
    /// What variables were, and what happened, in earlier steps.
    pub history: &'a History,
    /// How variables of cells are read that are not states.
    pub readings: &'a Readings,
    /// Values of such variables that have been read.
    pub lets: &'a Lets,
}

/// A state or the weight of a synapse that is not a finite number.
pub struct NotFinite {
    /// Which.
    pub variable: VarId,
    /// Of which synapse, in the order of the plan; the first one that a shared state belongs to.
    pub synapse: usize,
}

impl Plastic {
    /// Builds and compiles, if the projection's synapse is plastic; `index` separates the random streams of projections.
    pub fn new(
        network: &Network,
        index: usize,
        ring: Option<RingPointer>,
        shares: Vec<std::ops::Range<usize>>,
        options: &Options,
    ) -> Option<Plastic> {
        let p = &network.projections[index];
        if !p.is_plastic() {
            return None;
        }
        let precision = options.precision;
        let places = p.places();
        let kept = |place: Place, n: usize| {
            let here = places.iter().filter(|(_, p)| **p == place);
            here.map(|(v, _)| (*v, initial(p, *v, n, precision))).collect()
        };
        let here: Vec<VarId> = places.iter().filter(|(_, p)| **p == Place::Synapse).map(|(v, _)| *v).collect();
        let shared = Shared {
            pre: kept(Place::Pre, p.pre.n),
            post: kept(Place::Post, p.post.n),
            projection: kept(Place::Projection, 1),
            exact: Exact::default(),
            ring,
            stream: 0x2000_0000 + ((index as u32) << 8),
            draws: 0x3000_0000 + ((index as u32) << 8),
            returning: returning(network, index),
        };
        let mut out = Plastic {
            handlers: Vec::new(),
            flows: Vec::new(),
            shared,
            parts: shares.into_iter().map(|range| Mutex::new(Part::new(p, range, &here, precision))).collect(),
            scratch: Vec::new(),
            delays: p.delay.values(),
            back: p.dendritic.values().iter().map(|d| d + p.lag).collect(),
            learning: p.learning,
            finite: AtomicBool::new(true),
        };
        out.compile(network, index, 0, options);
        p.values.iter().for_each(|(state, values)| out.replace(p, *state, 0, values));
        Some(out)
    }

    /// Compiles the program with the projection's parameters as they are.
    fn compile(&mut self, network: &Network, index: usize, now: u64, options: &Options) {
        let p = &network.projections[index];
        let program = image::program(p, &options.target());
        self.handlers = program
            .handlers
            .into_iter()
            .map(|h| {
                let event = match &h.trigger {
                    Trigger::Signal(_) => None,
                    Trigger::Cell(side, name) => {
                        let view = if *side == Side::Pre { p.pre } else { p.post };
                        network.populations[view.population].model.event(name)
                    }
                };
                Running { event, remembered: 0, kernels: h.kernels, trigger: h.trigger }
            })
            .collect();
        self.flows = program.flows;
        self.shared.exact = Exact::new(program.exact, now, options.dt);
        let scratch = |kernels: &[&Compiled]| kernels.iter().map(|k| Scratch::new(k, options.precision)).collect();
        let mut all: Vec<&Compiled> = self.handlers.iter().flat_map(|h| &h.kernels).chain(&self.flows).collect();
        all.sort_by_key(|k| k.number);
        self.scratch = scratch(&all);
        for part in &self.parts {
            locked(part).scratch = scratch(&all);
        }
    }

    /// Compiles anew after parameters have changed; `network` holds the new ones, states go on from where they are.
    pub fn refresh(&mut self, network: &Network, index: usize, now: u64, options: &Options) {
        self.settle(now, true);
        let remembered: Vec<usize> = self.handlers.iter().map(|h| h.remembered).collect();
        self.compile(network, index, now, options);
        self.handlers.iter_mut().zip(remembered).for_each(|(h, number)| h.remembered = number);
    }

    /// Moves the common moment of exactly advanced states to now where it is long ago, or everywhere.
    fn settle(&mut self, now: u64, all: bool) {
        if !all && !self.shared.exact.is_due(now) {
            return;
        }
        for (v, scale, shift) in self.shared.exact.settle(now, all) {
            for kept in [&mut self.shared.pre, &mut self.shared.post, &mut self.shared.projection] {
                if let Some(b) = kept.get_mut(&v) {
                    b.affine(scale, shift);
                }
            }
            for part in &self.parts {
                if let Some(b) = locked(part).values.states.get_mut(&v) {
                    b.affine(scale, shift);
                }
            }
        }
    }

    /// Lets the events be remembered that it waits for.
    pub fn remember(&mut self, p: &Projection, history: &mut History) {
        let longest = |list: &[u32]| list.last().copied().unwrap_or(1) as usize;
        let (forth, back) = (longest(&self.delays), longest(&self.back));
        for h in &mut self.handlers {
            if let (Trigger::Cell(side, _), Some(event)) = (&h.trigger, h.event) {
                let (view, steps) = if *side == Side::Pre { (p.pre, forth) } else { (p.post, back) };
                h.remembered = history.keep_events(view.population, event, steps);
            }
        }
    }

    /// Returns its kernels: handlers in order, then equations.
    pub fn listings(&self) -> impl Iterator<Item = Listing> {
        self.handlers.iter().flat_map(|h| &h.kernels).chain(&self.flows).map(|k| k.kernel.listing())
    }

    /// Returns how many synapses events have reached since this was last asked.
    pub fn take_visited(&self) -> u64 {
        self.parts.iter().map(|p| locked(p).take_visited()).sum()
    }

    /// Returns the bytes that the synapses take.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|p| locked(p).bytes()).sum()
    }

    /// Returns the cells of all synapses if a state belongs to one of them; nothing otherwise.
    fn cells_of(&self, p: &Projection, state: VarId) -> Arc<Vec<Edge>> {
        match self.shared.pre.contains_key(&state) || self.shared.post.contains_key(&state) {
            true => p.pairs.edges(),
            false => Arc::default(),
        }
    }

    /// Copies the weights, or a state as it is at a step boundary, into the order of the plan; what is not kept here stays.
    pub fn copy(&self, p: &Projection, variable: VarId, now: u64, out: &mut [f64]) {
        let (scale, shift) = self.shared.exact.factors(variable, now);
        let weight = p.synapse.weight() == Some(variable);
        let value = |b: &Buffer, i: usize| b.get(i) * scale + shift;
        let edges = self.cells_of(p, variable);
        let Shared { pre, post, projection, .. } = &self.shared;
        for part in &self.parts {
            let part = locked(part);
            let own = if weight { Some(&part.values.weight) } else { part.values.states.get(&variable) };
            if let Some(b) = own {
                match b.precision() {
                    Precision::F32 => {
                        let own = b.f32();
                        part.index.for_each(|k, at| out[at] = f64::from(own[k]) * scale + shift);
                    }
                    Precision::F64 => {
                        let own = b.f64();
                        part.index.for_each(|k, at| out[at] = own[k] * scale + shift);
                    }
                }
            } else if let Some(b) = pre.get(&variable) {
                part.index.for_each(|_, at| out[at] = value(b, edges[at].pre as usize - p.pre.start));
            } else if let Some(b) = post.get(&variable) {
                part.index.for_each(|_, at| out[at] = value(b, edges[at].post as usize - p.post.start));
            } else if let Some(b) = projection.get(&variable) {
                part.index.for_each(|_, at| out[at] = value(b, 0));
            }
        }
    }

    /// Replaces the weights, or a state, at a step boundary; synapses that share it have the same value.
    pub fn replace(&mut self, p: &Projection, variable: VarId, now: u64, value: &Column) {
        let (scale, shift) = self.shared.exact.factors(variable, now);
        let weight = p.synapse.weight() == Some(variable);
        let edges = self.cells_of(p, variable);
        let new = |at: usize| (value.at(at) - shift) / scale;
        let Shared { pre, post, projection, .. } = &mut self.shared;
        for part in &self.parts {
            let Part { index, values, .. } = &mut *locked(part);
            let own = if weight { Some(&mut values.weight) } else { values.states.get_mut(&variable) };
            if let Some(b) = own {
                index.for_each(|k, at| b.set(k, new(at)));
            } else if let Some(b) = pre.get_mut(&variable) {
                index.for_each(|_, at| b.set(edges[at].pre as usize - p.pre.start, new(at)));
            } else if let Some(b) = post.get_mut(&variable) {
                index.for_each(|_, at| b.set(edges[at].post as usize - p.post.start, new(at)));
            } else if let Some(b) = projection.get_mut(&variable) {
                index.for_each(|_, at| b.set(0, new(at)));
            }
        }
    }

    /// Replaces a state of targets, or of sources, that no equation changes; cells are counted from the first of the view.
    pub fn replace_of_cells(&mut self, variable: VarId, values: &[f64]) {
        let Shared { pre, post, .. } = &mut self.shared;
        match post.get_mut(&variable).or(pre.get_mut(&variable)) {
            Some(b) => values.iter().enumerate().for_each(|(cell, value)| b.set(cell, *value)),
            None => crate::ice!("a sum over synapses that is kept at none of their cells"),
        }
    }

    /// Advances what follows equations step by step, from the values at the beginning of the step.
    pub fn advance(&mut self, p: &Projection, view: &View, pool: &Pool) {
        self.settle(view.now, false);
        let flows = std::mem::take(&mut self.flows);
        // All of them start from the same values: what is kept outside the synapses is put in place at the end.
        for k in flows.iter().filter(|k| k.place == Place::Synapse) {
            self.synapses(k, p, view, pool, &Way::All);
        }
        let mut results: Vec<(&Compiled, VarId, Buffer)> = Vec::new();
        for k in flows.iter().filter(|k| k.place != Place::Synapse) {
            let items = all_of(p, k.place);
            let mut whole = k.written().map(|(v, _)| v).collect::<Vec<_>>();
            let first = results.len();
            for v in whole.drain(..) {
                results.push((k, v, Buffer::new(padded(items.len()), view.options.precision)));
            }
            for (c, chunk) in items.chunks(lanes::CHUNK).enumerate() {
                self.chunk(k, p, view, chunk);
                let buffers = &self.scratch[k.number].buffers;
                let written = k.written().map(|(v, slot)| (v, &buffers[slot]));
                for ((_, _, to), (_, from)) in results[first..].iter_mut().zip(written) {
                    to.copy(c * lanes::CHUNK, from, 0, chunk.len());
                }
            }
        }
        for (k, v, new) in results {
            if let Some(state) = self.shared.kept(k.place).get_mut(&v) {
                *state = new;
            }
        }
        self.flows = flows;
    }

    /// Runs the handlers of presynaptic events that arrive.
    pub fn arrivals(&mut self, p: &Projection, view: &View, pool: &Pool) {
        self.events_of(Side::Pre, p, view, pool);
    }

    /// Runs the handlers of postsynaptic events that come back.
    pub fn responses(&mut self, p: &Projection, view: &View, pool: &Pool) {
        self.events_of(Side::Post, p, view, pool);
    }

    fn events_of(&mut self, side: Side, p: &Projection, view: &View, pool: &Pool) {
        let handlers = std::mem::take(&mut self.handlers);
        let delays = std::mem::take(if side == Side::Pre { &mut self.delays } else { &mut self.back });
        let from = if side == Side::Pre { p.pre } else { p.post };
        let mut cells = Vec::new();
        for h in handlers.iter().filter(|h| h.trigger.is(side)) {
            let Some(event) = h.event else { continue };
            for delay in &delays {
                let seen = match (side, delay) {
                    (_, 0) => &view.pops[from.population].spikes[event.as_u32() as usize].cells,
                    _ => view.history.events(h.remembered, *delay as usize),
                };
                if seen.is_empty() {
                    continue;
                }
                cells.clear();
                cells.extend(
                    seen.iter().filter_map(|c| c.checked_sub(from.start as u32).filter(|c| *c < from.n as u32)),
                );
                if cells.is_empty() {
                    continue;
                }
                let way = match side {
                    Side::Pre => Way::Rows(&cells, *delay),
                    Side::Post => Way::Columns(&cells, *delay - p.lag),
                };
                for k in &h.kernels {
                    self.run(k, p, view, pool, &way);
                }
            }
        }
        self.handlers = handlers;
        *(if side == Side::Pre { &mut self.delays } else { &mut self.back }) = delays;
    }

    /// Runs the handlers of a signal.
    pub fn signal(&mut self, name: &str, p: &Projection, view: &View, pool: &Pool) {
        let handlers = std::mem::take(&mut self.handlers);
        for h in handlers.iter().filter(|h| matches!(&h.trigger, Trigger::Signal(n) if n == name)) {
            for k in &h.kernels {
                self.run(k, p, view, pool, &Way::All);
            }
        }
        self.handlers = handlers;
    }

    fn run(&mut self, k: &Compiled, p: &Projection, view: &View, pool: &Pool, way: &Way) {
        match (k.place, way) {
            (Place::Synapse, _) => self.synapses(k, p, view, pool, way),
            (Place::Projection, _) | (_, Way::All) => self.cells(k, p, view, &all_of(p, k.place)),
            (_, Way::Rows(cells, _) | Way::Columns(cells, _)) => self.cells(k, p, view, cells),
        }
    }

    /// Runs a kernel over synapses.
    fn synapses(&mut self, k: &Compiled, p: &Projection, view: &View, pool: &Pool, way: &Way) {
        let Plastic { shared, parts, learning, finite, .. } = self;
        if !*learning && k.only_weight {
            return;
        }
        let job = |t: usize| {
            let part = &mut *locked(&parts[t]);
            if !part.run(k, p, shared, view, *learning, way) {
                finite.store(false, Ordering::Relaxed);
            }
        };
        let per_cell = |n: usize| p.pairs.len() / n.max(1);
        let work = match way {
            Way::All => p.pairs.len(),
            Way::Rows(cells, _) => cells.len() * per_cell(p.pre.n),
            Way::Columns(cells, _) => cells.len() * per_cell(p.post.n),
        };
        if work < SMALL { (0..parts.len()).for_each(job) } else { pool.run(&job) }
    }

    /// Runs a kernel over cells of one side, or once, and keeps what it computes.
    fn cells(&mut self, k: &Compiled, p: &Projection, view: &View, items: &[u32]) {
        for chunk in items.chunks(lanes::CHUNK) {
            self.chunk(k, p, view, chunk);
            let kept = self.shared.kept(k.place);
            let buffers = &self.scratch[k.number].buffers;
            for (v, b) in k.written().map(|(v, slot)| (v, &buffers[slot])) {
                if let Some(state) = kept.get_mut(&v) {
                    state.scatter(b, chunk.iter().map(|c| *c as usize));
                }
            }
        }
    }

    /// Runs a kernel over a few cells, or once; what it computes is in its scratch.
    fn chunk(&mut self, k: &Compiled, p: &Projection, view: &View, items: &[u32]) {
        let cells = |place: Place| if k.place == place { Cells::List(items) } else { Cells::None };
        let (source, target) = (cells(Place::Pre), cells(Place::Post));
        let lanes =
            Lanes { n: items.len(), synapse: Which::None, edge: &[], source, target, sites: &[], in_place: false };
        let scratch = &mut self.scratch[k.number];
        scratch.load(k, None, &self.shared, p, view, self.learning, &lanes);
        if !scratch.call(k, items.len()) {
            self.finite.store(false, Ordering::Relaxed);
        }
    }

    /// Gives every synapse that asked for it another source, drawn from those that the target has no synapse from; weight
    /// and states begin anew. Those whose weights are kept stay. Returns whether any did.
    pub fn rewire(&mut self, p: &mut Projection, now: u64, options: &Options) -> bool {
        let mut chosen: Vec<u32> = Vec::new();
        self.parts.iter().for_each(|part| chosen.append(&mut locked(part).values.rewired));
        if options.ranks.are_several() {
            let mine: Vec<u64> = chosen.iter().map(|k| u64::from(*k)).collect();
            chosen = options.ranks.numbers(&mine).concat().into_iter().map(|k| k as u32).collect();
        }
        if chosen.is_empty() || !self.learning {
            return false;
        }
        chosen.sort_unstable();
        let here: Vec<VarId> =
            p.places().into_iter().filter(|(_, place)| *place == Place::Synapse).map(|(v, _)| v).collect();
        let mut values: Vec<(VarId, Vec<f64>)> = Vec::new();
        for variable in here.iter().copied().chain(p.synapse.weight()) {
            let mut of_all = vec![0.0; p.pairs.len()];
            self.copy(p, variable, now, &mut of_all);
            let weight = p.synapse.weight() == Some(variable);
            let fresh = |k: usize| if weight { p.weight.at(k) } else { p.initial(variable, k) };
            chosen.iter().for_each(|k| of_all[*k as usize] = fresh(*k as usize));
            values.push((variable, of_all));
        }
        let mut edges: Vec<Edge> = p.pairs.edges().to_vec();
        let mut taken: HashSet<(u32, u32)> = edges.iter().map(|e| (e.pre, e.post)).collect();
        let stream = Stream::new(options.seed, self.shared.stream + 0xff);
        let [sources, _] = p.ends();
        for k in &chosen {
            let edge = &mut edges[*k as usize];
            let mut draw = stream.reader(now << 32 | u64::from(*k));
            // A target that is connected to all sources keeps its synapse.
            let free = (0..TRIES).find_map(|_| {
                let pre = sources.at(draw.below(sources.len() as u32) as usize) as u32;
                taken.insert((pre, edge.post)).then_some(pre)
            });
            if let Some(pre) = free {
                taken.remove(&(edge.pre, edge.post));
                edge.pre = pre;
            }
        }
        p.pairs = edges.into();
        for part in &self.parts {
            let part = &mut *locked(part);
            let scratch = std::mem::take(&mut part.scratch);
            *part = Part::new(p, part.range.clone(), &here, options.precision);
            part.scratch = scratch;
        }
        for (variable, of_all) in values {
            self.replace(p, variable, now, &Column::Array(Arc::new(of_all)));
        }
        true
    }

    /// Finds a weight or state that is not a finite number, if a kernel met one since the last call.
    pub fn not_finite(&mut self, p: &Projection, now: u64) -> Option<NotFinite> {
        if self.finite.load(Ordering::Relaxed) {
            return None;
        }
        self.finite.store(true, Ordering::Relaxed);
        let mut values = vec![0.0; p.pairs.len()];
        let lasting = p.synapse.weight().into_iter().chain(p.synapse.states().map(|(id, _)| id));
        lasting.into_iter().find_map(|variable| {
            self.copy(p, variable, now, &mut values);
            let synapse = values.iter().position(|x| !x.is_finite())?;
            Some(NotFinite { variable, synapse })
        })
    }
}

/// Sources tried for a synapse that is rewired.
const TRIES: usize = 1000;

/// Fewer synapses than this are left to one thread.
const SMALL: usize = 4096;

/// All items of a place other than the synapses.
fn all_of(p: &Projection, place: Place) -> Vec<u32> {
    let n = match place {
        Place::Pre => p.pre.n,
        Place::Post => p.post.n,
        _ => 1,
    };
    (0..n as u32).collect()
}

/// Lists the delayed variables of cells that follow from what a projection contributes.
fn returning(network: &Network, projection: usize) -> Vec<(Side, VarId)> {
    let vars = &network.projections[projection].synapse.vars;
    let of_cells = |v: VarId| match vars[v].kind {
        VarKind::Pre(of) => Some((Side::Pre, of)),
        VarKind::Post(of) => Some((Side::Post, of)),
        _ => None,
    };
    network.returning(projection).into_iter().filter_map(of_cells).collect()
}

fn initial(p: &Projection, state: VarId, n: usize, precision: Precision) -> Buffer {
    // Values that differ are put in place when all is there.
    let start = if p.values.contains_key(&state) || p.pairs.is_empty() { 0.0 } else { p.initial(state, 0) };
    Buffer::repeating(padded(n), precision, &[start])
}
