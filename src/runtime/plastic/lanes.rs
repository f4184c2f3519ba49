//! One call of a kernel: what its lanes are, and how values get into and out of its slots.

use super::View;
use super::exact::Exact;
use super::index::Index;
use super::tiles::Tiles;
use crate::codegen::abi::SlotMemory;
use crate::hir::{Place, Side, VarId};
use crate::image::{Compiled, PlasticSlot};
use crate::ir::{Precision, SlotKind};
use crate::plan::{Delay, Projection};
use crate::rng::Stream;
use crate::runtime::buffer::{Buffer, padded};
use crate::runtime::ring::RingPointer;
use std::collections::BTreeMap;
use std::ops::Range;

/// Lanes per call.
pub const CHUNK: usize = 1024;

/// Weights and states of synapses, in the order of their index.
pub struct Values {
    pub weight: Buffer,
    pub states: BTreeMap<VarId, Buffer>,
    /// Synapses that are to be rewired, by their position in the plan.
    pub rewired: Vec<u32>,
}

/// States kept once per cell or once for the projection, and what all synapses share.
pub struct Shared {
    pub pre: BTreeMap<VarId, Buffer>,
    pub post: BTreeMap<VarId, Buffer>,
    pub projection: BTreeMap<VarId, Buffer>,
    pub exact: Exact,
    /// Where deliveries go, if the port takes events.
    pub ring: Option<RingPointer>,
    /// First random stream of the projection's noise.
    pub stream: u32,
    /// First random stream of what handlers of events draw.
    pub draws: u32,
    /// Delayed variables of cells that follow from what the projection contributes: zero before their delay has passed.
    pub returning: Vec<(Side, VarId)>,
}

impl Shared {
    /// Returns what is kept at a place other than the synapses.
    pub fn kept(&mut self, place: Place) -> &mut BTreeMap<VarId, Buffer> {
        match place {
            Place::Pre => &mut self.pre,
            Place::Post => &mut self.post,
            _ => &mut self.projection,
        }
    }
}

/// The synapses of a call.
pub enum Which<'a> {
    /// The lanes are not synapses.
    None,
    /// Consecutive ones from this position on.
    From(usize),
    /// These positions.
    List(&'a [u32]),
    /// Of sources onto some targets of the range, source by source.
    Rows(&'a Tiles, &'a [u32], Range<usize>),
    /// Onto a target of the range, from a source on.
    Column(&'a Tiles, usize, usize),
}

/// The cells of a call on one side, within the view.
pub enum Cells<'a> {
    /// Unknown.
    None,
    /// The same one for all lanes.
    One(u32),
    /// Consecutive ones from this one on.
    From(u32),
    /// One per lane.
    List(&'a [u32]),
    /// The same in two bytes each.
    Narrow(&'a [u16]),
    /// Each one for so many lanes.
    Each(&'a [u32], usize),
    /// Consecutive ones from this one on, so many of them again and again.
    Again(u32, usize),
}

/// What the lanes of a call are.
pub struct Lanes<'a> {
    pub n: usize,
    pub synapse: Which<'a>,
    /// Positions in the plan; needed by what draws, and by what is rewired.
    pub edge: &'a [u32],
    pub source: Cells<'a>,
    pub target: Cells<'a>,
    /// The lanes of the segments that the synapses of the index sit on; none if targets have no segments.
    pub sites: &'a [u32],
    /// Whether the kernel works on consecutive synapses where they are; then they are a multiple of 16.
    pub in_place: bool,
}

impl Lanes<'_> {
    /// Returns the lane of the segment that a synapse sits on, if it sits on one of several.
    fn site(&self, i: usize) -> Option<usize> {
        let synapse = match &self.synapse {
            Which::From(begin) => begin + i,
            Which::List(list) => list[i] as usize,
            Which::None | Which::Rows(..) | Which::Column(..) => return None,
        };
        self.sites.get(synapse).map(|lane| *lane as usize)
    }
}

impl Cells<'_> {
    fn at(&self, lane: usize) -> usize {
        match self {
            Cells::None => crate::ice!("a kernel reads a cell that its lanes do not have"),
            Cells::One(c) => *c as usize,
            Cells::From(first) => *first as usize + lane,
            Cells::List(list) => list[lane] as usize,
            Cells::Narrow(list) => usize::from(list[lane]),
            Cells::Each(list, n) => list[lane / n] as usize,
            Cells::Again(first, n) => *first as usize + lane % n,
        }
    }

    /// Returns the first cell if a slot of a kind can be read from where the values of cells are kept.
    fn read_where_they_are(&self, kind: SlotKind, n: usize) -> Option<usize> {
        match self {
            Cells::From(c) if kind == SlotKind::Lane && n.is_multiple_of(16) && c.is_multiple_of(16) => {
                Some(*c as usize)
            }
            _ => None,
        }
    }

    /// Copies the values of these cells; cell 0 is at `first`.
    fn gather(&self, from: &Buffer, first: usize, out: &mut Buffer, n: usize) {
        match self {
            Cells::List(list) => out.gather(from, list.iter().map(|c| first + *c as usize)),
            Cells::Narrow(list) => out.gather(from, list.iter().map(|c| first + usize::from(*c))),
            Cells::From(c) => out.copy(0, from, first + *c as usize, n),
            Cells::Again(c, each) => {
                out.copy(0, from, first + *c as usize, *each);
                out.repeat_beginning(*each, n);
            }
            Cells::Each(list, each) => out.repeat_each(from, list.iter().map(|c| first + *c as usize), *each),
            Cells::None | Cells::One(_) => out.fill(n, from.get(first + self.at(0))),
        }
    }
}

/// The memory of one kernel's slots.
pub struct Scratch {
    pub buffers: Vec<Buffer>,
    table: Vec<SlotMemory>,
    /// When the slots that all synapses share were filled: the time and what it depends on beside.
    shared_at: Option<(u64, u64)>,
}

impl Scratch {
    pub fn new(k: &Compiled, precision: Precision) -> Scratch {
        let mut buffers: Vec<Buffer> = k.kernel.slots().iter().map(|_| Buffer::new(CHUNK, precision)).collect();
        let table = buffers.iter_mut().map(Buffer::in_place).collect();
        Scratch { buffers, table, shared_at: None }
    }

    /// Runs the kernel; returns whether all results are finite.
    pub fn call(&mut self, k: &Compiled, n: usize) -> bool {
        if n < padded(n) {
            for b in &mut self.buffers {
                b.repeat_last(n, padded(n));
            }
        }
        // SAFETY: every slot is a buffer of `CHUNK` elements, of which no more are asked for, or lies where so many synapses
        // follow (`load` has just said where); neither moves meanwhile, and only this call uses them.
        unsafe { k.kernel.function().call(&self.table, 0, padded(n), 1) }
    }

    /// Fills the slots that the kernel reads, or lets them be where values are kept.
    #[allow(clippy::too_many_arguments)]
    pub fn load(
        &mut self,
        k: &Compiled,
        mut values: Option<&mut Values>,
        shared: &Shared,
        p: &Projection,
        view: &View,
        learning: bool,
        lanes: &Lanes,
    ) {
        let now = Some((view.now, shared.exact.changes()));
        let fresh = self.shared_at == now;
        self.shared_at = now;
        for (((slot, kind), b), memory) in
            k.kernel.slots().iter().zip(&k.kinds).zip(&mut self.buffers).zip(&mut self.table)
        {
            let own = |values: Option<&mut Buffer>, b: &mut Buffer, memory: &mut SlotMemory, kept: bool| match (
                values,
                &lanes.synapse,
            ) {
                (Some(from), Which::From(begin)) if lanes.in_place => {
                    *memory = from.in_place_from(*begin);
                    if kept {
                        memory.output = b.as_mut_ptr();
                    }
                }
                (Some(from), Which::From(begin)) => b.copy(0, from, *begin, lanes.n),
                (Some(from), Which::List(list)) => b.gather(from, list.iter().map(|k| *k as usize)),
                (Some(from), Which::Rows(tiles, sources, targets)) => tiles.gather_rows(from, sources, targets, b),
                (Some(from), Which::Column(tiles, target, first)) => {
                    tiles.gather_column(from, *target, *first, lanes.n, b);
                }
                (_, Which::None) | (None, _) => crate::ice!("a kernel reads synapses that its lanes are not"),
            };
            match *slot {
                PlasticSlot::Weight => {
                    *memory = b.in_place();
                    let kept = *kind == SlotKind::State && !learning;
                    own(values.as_deref_mut().map(|v| &mut v.weight), b, memory, kept);
                }
                PlasticSlot::State(v, Place::Synapse) => {
                    *memory = b.in_place();
                    own(values.as_deref_mut().and_then(|x| x.states.get_mut(&v)), b, memory, false);
                }
                PlasticSlot::Scale(_) | PlasticSlot::Shift(_) | PlasticSlot::Unscale(_) if fresh => {}
                PlasticSlot::State(v, Place::Pre) if let Some(c) = lanes.source.read_where_they_are(*kind, lanes.n) => {
                    *memory = shared.pre[&v].read_from(c);
                }
                PlasticSlot::State(v, Place::Pre) => {
                    *memory = b.in_place();
                    lanes.source.gather(&shared.pre[&v], 0, b, lanes.n);
                }
                PlasticSlot::State(v, Place::Post) => lanes.target.gather(&shared.post[&v], 0, b, lanes.n),
                PlasticSlot::State(v, Place::Projection) => b.fill(lanes.n, shared.projection[&v].get(0)),
                PlasticSlot::Scale(v) => b.set(0, shared.exact.factors(v, view.now).0),
                PlasticSlot::Shift(v) => b.set(0, shared.exact.factors(v, view.now).1),
                PlasticSlot::Unscale(v) => b.set(0, 1.0 / shared.exact.factors(v, view.now).0),
                PlasticSlot::Cell(Side::Post, var, _) if let Some(segments) = here(p, view, var) => {
                    let lanes_of = (0..lanes.n).map(|i| lanes.site(i));
                    let each =
                        lanes_of.map(|lane| lane.unwrap_or_else(|| crate::ice!("a synapse that sits on no segment")));
                    b.gather(segments, each);
                }
                PlasticSlot::Cell(side, var, steps)
                    if view.cells < u64::from(steps) && shared.returning.contains(&(side, var)) =>
                {
                    b.fill(lanes.n, 0.0);
                }
                PlasticSlot::Cell(side, var, steps) => {
                    let (of, cells) = match side {
                        Side::Pre => (p.pre, &lanes.source),
                        Side::Post => (p.post, &lanes.target),
                    };
                    variable(view, of.population, var, steps, cells, of.start, b, lanes.n);
                }
                PlasticSlot::Modulator(v) => match p.modulators.get(&v) {
                    Some((of, var)) if of.n == 1 => {
                        variable(view, of.population, *var, 0, &Cells::One(0), of.start, b, lanes.n);
                    }
                    Some((of, var)) => variable(view, of.population, *var, 0, &lanes.target, of.start, b, lanes.n),
                    None => crate::ice!("a modulator is bound to nothing"),
                },
                PlasticSlot::Random(noise, second) => {
                    let stream = Stream::new(view.options.seed, shared.stream + noise);
                    for (i, edge) in lanes.edge.iter().enumerate() {
                        let words = stream.block(view.step, *edge);
                        b.set_bits(i, words, second);
                    }
                }
                PlasticSlot::Drawn(draw, second) => {
                    let stream = Stream::new(view.options.seed, shared.draws + draw);
                    for (i, edge) in lanes.edge.iter().enumerate() {
                        b.set_bits(i, stream.block(view.step, *edge), second);
                    }
                }
                PlasticSlot::Learning => b.set(0, f64::from(u8::from(learning))),
                PlasticSlot::Delivered | PlasticSlot::Rewired => {}
            }
        }
    }

    /// Puts back what the kernel has changed, and delivers.
    #[allow(clippy::too_many_arguments)]
    pub fn store(
        &self,
        k: &Compiled,
        values: &mut Values,
        index: &Index,
        p: &Projection,
        view: &View,
        ring: Option<RingPointer>,
        learning: bool,
        lanes: &Lanes,
    ) {
        let put = |to: &mut Buffer, b: &Buffer| match &lanes.synapse {
            Which::From(_) if lanes.in_place => {}
            Which::From(begin) => to.copy(*begin, b, 0, lanes.n),
            Which::List(list) => to.scatter(b, list.iter().map(|k| *k as usize)),
            Which::Rows(tiles, sources, targets) => tiles.scatter_rows(to, sources, targets, b),
            Which::Column(tiles, target, first) => tiles.scatter_column(to, *target, *first, lanes.n, b),
            Which::None => {}
        };
        for ((slot, kind), b) in k.kernel.slots().iter().zip(&k.kinds).zip(&self.buffers) {
            match slot {
                PlasticSlot::Weight if *kind == SlotKind::State && learning => put(&mut values.weight, b),
                PlasticSlot::State(v, Place::Synapse) if *kind == SlotKind::State => {
                    if let Some(state) = values.states.get_mut(v) {
                        put(state, b);
                    }
                }
                PlasticSlot::Delivered => deliver(b, index, p, view, ring, lanes),
                PlasticSlot::Rewired => {
                    let chosen = lanes.edge.iter().enumerate().filter(|(i, _)| b.get(*i) > 0.5);
                    values.rewired.extend(chosen.map(|(_, edge)| *edge));
                }
                _ => {}
            }
        }
    }
}

/// Adds what was delivered to the port, the dendritic delay later.
fn deliver(b: &Buffer, index: &Index, p: &Projection, view: &View, ring: Option<RingPointer>, lanes: &Lanes) {
    let Some(ring) = ring else { return };
    let step = |d: u32| view.step + u64::from(d - p.lag);
    let lane = |i: usize| lanes.site(i).unwrap_or_else(|| p.post.start + lanes.target.at(i));
    match &p.dendritic {
        Delay::Const(d) if let Cells::Again(first, n) = lanes.target => {
            // SAFETY: the targets of a part lie in its thread's share of the lanes.
            unsafe { ring.add_rows(step(*d), p.post.start + first as usize, b, (0..lanes.n).step_by(n), n) }
        }
        Delay::Const(d) if let Cells::From(first) = lanes.target => {
            let row = std::iter::once(0);
            // SAFETY: the targets of a part lie in its thread's share of the lanes.
            unsafe { ring.add_rows(step(*d), p.post.start + first as usize, b, row, lanes.n) }
        }
        // SAFETY: the targets of a part lie in its thread's share of the lanes.
        Delay::Const(d) => unsafe { ring.add_all(step(*d), (0..lanes.n).map(lane), b, 0..lanes.n) },
        Delay::Array(_) | Delay::Drawn(_) => {
            let Index::Listed(listed) = index else { crate::ice!("tiles have no delays of their own") };
            for i in 0..lanes.n {
                let k = match &lanes.synapse {
                    Which::From(begin) => begin + i,
                    Which::List(list) => list[i] as usize,
                    Which::None | Which::Rows(..) | Which::Column(..) => return,
                };
                let step = step(u32::from(listed.dendritic[k]));
                // SAFETY: the targets of a part lie in its thread's share of the lanes.
                unsafe { ring.add(step, lane(i), b.get(i), b.precision()) };
            }
        }
    }
}

/// Returns the values of a state of the segments that synapses sit on, if it is one of theirs.
fn here<'a>(p: &Projection, view: &View<'a>, var: VarId) -> Option<&'a Buffer> {
    p.site.as_ref()?;
    let cable = |v: VarId| view.network.populations[p.post.population].model.vars[v].cable;
    let segments =
        view.pops[p.post.population].cables.as_ref().filter(|_| cable(var).is_some() && cable(var) == cable(p.port))?;
    segments.state(var).map(|(values, _)| values)
}

/// Reads a variable of cells, now or some steps ago.
#[allow(clippy::too_many_arguments)]
fn variable(
    view: &View,
    population: usize,
    var: VarId,
    steps: u32,
    cells: &Cells,
    first: usize,
    out: &mut Buffer,
    n: usize,
) {
    let pop = &view.pops[population];
    if let Some(past) = view.history.value(population, var, steps as usize, view.cells) {
        return cells.gather(past, first, out, n);
    }
    if let Some(state) = pop.state_buffer(var) {
        return cells.gather(state, first, out, n);
    }
    if let Some((state, _)) = pop.cables.as_ref().and_then(|c| c.state(var)) {
        // Of several segments only the one that a synapse sits on is read, which is not asked for here.
        return cells.gather(state, first, out, n);
    }
    let compute = || {
        let p = &view.network.populations[population];
        let mut values = Buffer::new(padded(p.n), out.precision());
        let at = (view.cells as f64 * view.options.dt, view.readings);
        pop.read((population, p), var, at, &|_| None, &mut values);
        values
    };
    cells.gather(view.lets.values((population, var), compute), first, out, n);
}
