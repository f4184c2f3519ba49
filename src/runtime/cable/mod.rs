//! Cables: membrane kernels of all segments, and backward Euler along the tree.
//!
//! Order of a step, as in NEURON: currents from the potential and gates at t; potential to t + dt; gates with the new potential. A few groups
//! of cells at a time are taken through all three, so that what they need stays in a cache.

mod loaded;
mod solve;
mod tree;
mod vector;

use super::buffer::{Buffer, padded};
use super::exchange::{Array, Ranks, Worker};
use super::pool::Pool;
use crate::codegen::abi::SlotMemory;
use crate::hir::{Scheme, Var, VarId, VarKind};
use crate::image::{self, CableShape, CableSlot, Listing, Target};
use crate::ir::Precision;
use crate::plan::{Lanes, Population};
use crate::rng::Stream;
use loaded::Loaded;
use solve::{Groups, Scratch, Segments, TOGETHER, solve};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tree::Tree;
use vector::Float;

/// Bytes that the groups may take which are taken through a step together.
const CACHE: usize = 1 << 19;

/// The cables of one population.
pub struct Cables {
    compartments: Vec<Compartment>,
    tree: Tree,
    /// Whether changes count twice.
    twice: bool,
    cells: usize,
    precision: Precision,
    /// States in one segment, by the variables that stand for them.
    single: BTreeMap<VarId, (VarId, usize)>,
}

struct Compartment {
    shape: CableShape,
    membrane: Loaded,
    gates: Loaded,
    /// Adds what arrives, and the memory of its slots in the step that is aimed at.
    arrivals: Option<(Loaded, Vec<SlotMemory>)>,
    /// By state, in the order of the lanes.
    states: BTreeMap<VarId, Buffer>,
    /// Conductance and current at zero potential, per area, and perhaps those of whole segments.
    out: Vec<Buffer>,
    /// What enters the middle in this step, by cell up to the end of the last group, if anything can.
    injected: Option<Buffer>,
    /// What the kernels read of the cells in this step, by cell up to the end of the last group.
    of_cells: Vec<(VarId, Vec<f64>)>,
    /// The potential before the step after which it is not finite.
    before: Buffer,
    /// In single precision, what of the changes of the potential it could not take up.
    rest: Option<Buffer>,
}

/// A state of a segment that is not finite any more.
pub struct NotFinite {
    /// The state.
    pub var: VarId,
    /// The cell.
    pub cell: usize,
    /// The potential of that segment: before the step, if it is not finite itself.
    pub before: f64,
    /// Where it was found, in the order in which states are looked at: the cable and the state, the segment.
    pub place: [u64; 2],
}

impl Cables {
    /// Compiles and allocates, if the population's model has cables and there are cells; states of `old` are kept. Events arrive at
    /// `event_ports`.
    pub fn new(
        p: &Population,
        event_ports: &BTreeSet<VarId>,
        (target, stream): (&Target, Stream),
        old: Option<Cables>,
    ) -> Option<Cables> {
        if p.model.cables.is_empty() || p.n == 0 {
            return None;
        }
        let precision = target.precision;
        let compiled = image::cables(p, event_ports, target);
        let shapes: Vec<&CableShape> = compiled.iter().map(|c| &c.shape).collect();
        // Half a step of backward Euler and as far again is a step of Crank and Nicolson.
        let twice = matches!(p.model.scheme, Some((Scheme::CrankNicolson, _)));
        let span = if twice { target.dt / 2.0 } else { target.dt };
        let tree = Tree::new(p, &shapes, precision, (target.dt, span));
        let mut kept = old.map(|c| c.compartments).unwrap_or_default().into_iter();
        let compartments: Vec<Compartment> = compiled
            .into_iter()
            .enumerate()
            .map(|(number, image::CompiledCable { shape, membrane, gates, arrivals })| {
                let lanes = shape.lanes;
                let loaded = |kernel| Loaded::new(kernel, number, lanes.places(), target, stream);
                let initial = |v: &VarId| {
                    let mut b = Buffer::new(lanes.places(), precision);
                    b.fill_with(p.each_place(number).map(|(cell, segment)| p.initial(*v, cell, segment)));
                    (*v, b)
                };
                let (states, kept_rest) = match kept.next() {
                    Some(c) => (c.states, c.rest),
                    None => (shape.states.iter().map(initial).collect(), None),
                };
                let empty = || Buffer::new(lanes.places(), precision);
                Compartment {
                    membrane: loaded(membrane),
                    gates: loaded(gates),
                    states,
                    arrivals: arrivals.map(|kernel| (loaded(kernel), Vec::new())),
                    out: (0..if shape.whole { 4 } else { 2 }).map(|_| empty()).collect(),
                    before: empty(),
                    rest: kept_rest.or_else(|| (precision == Precision::F32).then(empty)),
                    injected: (!shape.injected.is_empty())
                        .then(|| Buffer::new(lanes.groups() * lanes.side_by_side(), precision)),
                    of_cells: { shape.of_cells.iter() }
                        .map(|v| (*v, vec![0.0; lanes.groups() * lanes.side_by_side()]))
                        .collect(),
                    shape,
                }
            })
            .collect();
        let single = |(id, v): (VarId, &Var)| match v.kind {
            VarKind::Segment(of, segment) => Some((id, (of, segment))),
            _ => None,
        };
        let single = p.model.vars.iter().filter_map(single).collect();
        Some(Cables { compartments, tree, twice, cells: p.n, precision, single })
    }

    /// Returns the kernels.
    pub fn listings(&self) -> impl Iterator<Item = Listing> {
        self.compartments.iter().flat_map(|c| {
            let arrivals = c.arrivals.iter().map(|(loaded, _)| loaded);
            [&c.membrane, &c.gates].into_iter().chain(arrivals).flat_map(Loaded::listings)
        })
    }

    /// Returns all states, in a fixed order.
    pub fn states(&self) -> impl Iterator<Item = &Buffer> {
        self.compartments.iter().flat_map(|c| c.states.values().chain(&c.rest))
    }

    /// The same for writing.
    pub fn states_mut(&mut self) -> impl Iterator<Item = &mut Buffer> {
        self.compartments.iter_mut().flat_map(|c| c.states.values_mut().chain(&mut c.rest))
    }

    /// Returns the values of a state, and their order.
    pub fn state(&self, var: VarId) -> Option<(&Buffer, Lanes)> {
        self.compartments.iter().find_map(|c| c.states.get(&var).map(|b| (b, c.shape.lanes)))
    }

    /// The same for writing.
    pub fn state_mut(&mut self, var: VarId) -> Option<(&mut Buffer, Lanes)> {
        self.compartments.iter_mut().find_map(|c| c.states.get_mut(&var).map(|b| (b, c.shape.lanes)))
    }

    /// Gives a state of one segment or of all of a cell a value.
    pub fn set(&mut self, var: VarId, cell: usize, segment: Option<usize>, value: f64) {
        let found = self.compartments.iter_mut().find_map(|c| {
            let rest = c.rest.as_mut().filter(|_| var == c.shape.v);
            Some((c.states.get_mut(&var)?, rest, c.shape.lanes))
        });
        let Some((states, mut rest, lanes)) = found else { crate::ice!("a cable without the state") };
        for segment in segment.map_or(0..lanes.segments, |s| s..s + 1) {
            states.set(lanes.of(cell, segment), value);
            if let Some(rest) = &mut rest {
                rest.set(lanes.of(cell, segment), 0.0);
            }
        }
    }

    /// Returns where the values of a state lie, and what of a potential single precision could not take up.
    pub fn place_of(&mut self, var: VarId) -> Option<(*mut u8, Option<*mut u8>, Lanes)> {
        let c = self.compartments.iter_mut().find(|c| c.states.contains_key(&var))?;
        let rest = c.rest.as_mut().filter(|_| var == c.shape.v).map(Buffer::as_mut_ptr);
        c.states.get_mut(&var).map(|states| (states.as_mut_ptr(), rest, c.shape.lanes))
    }

    /// Gives a state a value for every place; false if it is none of these cables'.
    pub fn put(&mut self, var: VarId, values: &[f64]) -> bool {
        let Some(c) = self.compartments.iter_mut().find(|c| c.states.contains_key(&var)) else { return false };
        if let Some(states) = c.states.get_mut(&var) {
            states.fill_with(values.iter().copied());
        }
        if let Some(rest) = c.rest.as_mut().filter(|_| var == c.shape.v) {
            rest.fill(c.shape.lanes.places(), 0.0);
        }
        true
    }

    /// Returns the states of all segments, of which every process has those of its own cells.
    pub fn arrays(&mut self) -> impl Iterator<Item = Array<'_>> {
        self.compartments.iter_mut().flat_map(|c| {
            let lanes = c.shape.lanes;
            c.states.values_mut().chain(&mut c.rest).map(move |b| Array::of_units(b, lanes.places(), lanes.unit()))
        })
    }

    /// Advances one step from `now`; `add` adds the values of an input or a state of the cells to numbers. Returns whether all states are
    /// finite.
    pub fn step(&mut self, now: (u64, f64), add: &dyn Fn(VarId, &mut [f64]), ranks: &Ranks, pool: &Pool) -> bool {
        self.compartments.iter_mut().for_each(Compartment::repeat_last);
        let mut currents = vec![0.0; self.cells];
        for Compartment { injected, shape, .. } in &mut self.compartments {
            let Some(injected) = injected else { continue };
            currents.fill(0.0);
            shape.injected.iter().for_each(|port| add(*port, &mut currents));
            injected.fill_with(currents.iter().copied());
        }
        for k in 0..self.compartments.len() {
            let mut values = std::mem::take(&mut self.compartments[k].of_cells);
            for (var, values) in &mut values {
                let (cells, beyond) = values.split_at_mut(self.cells);
                cells.fill(0.0);
                match self.segment(*var) {
                    Some((states, lanes, segment)) => {
                        cells.iter_mut().enumerate().for_each(|(cell, to)| *to = states.get(lanes.of(cell, segment)));
                    }
                    None => add(*var, cells),
                }
                beyond.fill(cells[cells.len() - 1]);
            }
            self.compartments[k].of_cells = values;
        }
        match self.precision {
            Precision::F32 => self.step_of::<f32>(now, ranks, pool),
            Precision::F64 => self.step_of::<f64>(now, ranks, pool),
        }
    }

    /// Returns the values of a state that has one in each cell: in one segment of a cable, or of a cable that has no other.
    pub fn segment(&self, var: VarId) -> Option<(&Buffer, Lanes, usize)> {
        match self.single.get(&var) {
            Some((of, segment)) => self.state(*of).map(|(states, lanes)| (states, lanes, *segment)),
            None => self.state(var).filter(|(_, lanes)| lanes.segments == 1).map(|(states, lanes)| (states, lanes, 0)),
        }
    }

    fn step_of<F: Float>(&mut self, (step, t): (u64, f64), ranks: &Ranks, pool: &Pool) -> bool {
        let Cables { compartments, tree, twice, cells, precision, .. } = self;
        let mut segments: Vec<Segments<F>> = Vec::with_capacity(compartments.len());
        let mut tables: Vec<[Vec<SlotMemory>; 2]> = Vec::with_capacity(compartments.len());
        let bytes: usize = compartments.iter().map(|c| c.bytes_of_group(precision.bytes())).sum();
        for c in &mut *compartments {
            c.membrane.set_time(t);
            c.gates.set_time(t);
            let nothing = |_: VarId| -> *mut u8 { crate::ice!("arrivals before the step") };
            tables.push([
                c.membrane.table(&mut c.states, &mut c.out, &nothing),
                c.gates.table(&mut c.states, &mut c.out, &nothing),
            ]);
            let v = c.states.get_mut(&c.shape.v).unwrap_or_else(|| crate::ice!("a cable without potential"));
            let out: Vec<*const F> = c.out.iter_mut().map(|b| b.as_mut_ptr().cast_const().cast()).collect();
            segments.push(Segments {
                lanes: c.shape.lanes,
                v: v.as_mut_ptr().cast(),
                before: c.before.as_mut_ptr().cast(),
                rest: c.rest.as_mut().map(|b| b.as_mut_ptr().cast()),
                density: [out[0], out[1]],
                whole: c.shape.whole.then(|| [out[2], out[3]]),
                injected: c.injected.as_mut().map(|b| b.as_mut_ptr().cast_const().cast()),
            });
        }
        let lanes = compartments[0].shape.lanes;
        let own = lanes.groups_of(&ranks.own(padded(*cells)));
        // As many as leave what they need in a cache, and as many turns for each thread.
        let turns = own.len().div_ceil((CACHE / bytes.max(1)).max(1)).next_multiple_of(pool.threads());
        let together = own.len().div_ceil(turns.max(1)).max(1);
        let (next, finite) = (AtomicUsize::new(own.start), AtomicBool::new(true));
        let kernels = |which: usize, groups: &Range<usize>| {
            compartments.iter().zip(&tables).fold(true, |ok, (c, tables)| {
                let loaded = if which == 0 { &c.membrane } else { &c.gates };
                // SAFETY: every slot is a buffer of all lanes, and groups have disjoint ones.
                ok & unsafe { loaded.run::<F>(&tables[which], step, &c.of_cells, (c.shape.lanes, groups)) }
            })
        };
        let job = |_: usize| {
            let mut scratch = Scratch::default();
            loop {
                let first = next.fetch_add(together, Ordering::Relaxed);
                if first >= own.end {
                    return;
                }
                let groups = first..(first + together).min(own.end);
                kernels(0, &groups);
                let mut solved = true;
                for first in groups.clone().step_by(TOGETHER) {
                    let count = TOGETHER.min(groups.end - first);
                    let side_by_side = lanes.side_by_side();
                    let before = (first + count - 1) * side_by_side;
                    let cells = (*cells - before).min(side_by_side);
                    let some = Groups { tree, twice: *twice, cables: &segments, first, count, side_by_side, cells };
                    // SAFETY: all buffers have these cells' lanes, and groups have disjoint ones.
                    solved &= unsafe { solve(&some, &mut scratch) };
                }
                if !solved | !kernels(1, &groups) {
                    finite.store(false, Ordering::Relaxed);
                }
            }
        };
        match own.len() > together {
            true => pool.run(&job),
            false => job(0),
        }
        finite.into_inner()
    }

    /// Aims what arrives at a step; `sums(port)` is where the sums of its lanes are.
    pub fn aim(&mut self, sums: &dyn Fn(VarId) -> *mut u8) {
        for c in &mut self.compartments {
            if let Some((arrivals, table)) = &mut c.arrivals {
                *table = arrivals.table(&mut c.states, &mut c.out, sums);
            }
        }
    }

    /// Adds what has arrived at ports of which `used` tells that something did, for a thread's share of the lanes; returns whether all
    /// states are finite.
    ///
    /// # Safety
    /// Every thread must be another one, and the sums that were aimed at must be complete for its share of their lanes.
    pub unsafe fn arrive(&self, used: &dyn Fn(VarId) -> bool, worker: Worker) -> bool {
        let mut finite = true;
        for c in &self.compartments {
            let Some((arrivals, table)) = &c.arrivals else { continue };
            let lanes = worker.share_of(c.shape.lanes.places(), c.shape.lanes.unit());
            let any =
                arrivals.kernel.slots().iter().any(|slot| matches!(slot, CableSlot::Arrival(port) if used(*port)));
            if any && !lanes.is_empty() {
                // SAFETY: every slot has all lanes, and threads have disjoint ones.
                finite &= unsafe { arrivals.kernel.function().call(table, lanes.start, lanes.end, 1) };
            }
        }
        finite
    }

    /// Finds a state of some cells that is not finite.
    pub fn not_finite(&self, cells: &Range<usize>) -> Option<NotFinite> {
        for (k, c) in self.compartments.iter().enumerate() {
            let lanes = c.shape.lanes;
            // A potential that explodes takes its gates along; it is the cause to name.
            let others = c.states.iter().filter(|(v, _)| **v != c.shape.v);
            for (j, (var, b)) in c.states.get_key_value(&c.shape.v).into_iter().chain(others).enumerate() {
                let own = cells.start..cells.end.min(self.cells);
                let all = own.flat_map(|cell| (0..c.shape.segments_of(cell)).map(move |s| (cell, s)));
                if let Some((cell, s)) = { all }.find(|(cell, s)| !b.get(lanes.of(*cell, *s)).is_finite()) {
                    let kept = if *var == c.shape.v { &c.before } else { &c.states[&c.shape.v] };
                    let place = [(k * self.states().count() + j) as u64, (cell * lanes.segments + s) as u64];
                    return Some(NotFinite { var: *var, cell, before: kept.get(lanes.of(cell, s)), place });
                }
            }
        }
        None
    }
}

impl Compartment {
    /// Gives places of segments that a cell does not have the values of its last segment, of which solving takes them for a part.
    fn repeat_last(&mut self) {
        let Some(counts) = &self.shape.counts else { return };
        let lanes = self.shape.lanes;
        for values in self.states.values_mut().chain(&mut self.rest) {
            for (cell, n) in counts.iter().enumerate() {
                let last = values.get(lanes.of(cell, n - 1));
                (*n..lanes.segments).for_each(|beyond| values.set(lanes.of(cell, beyond), last));
            }
        }
    }

    /// Returns the bytes that a group of cells takes, with numbers of so many.
    fn bytes_of_group(&self, word: usize) -> usize {
        self.shape.lanes.of_group(0).len() * (self.states.len() + self.out.len() + 3) * word
    }
}
