//! Cables: membrane kernels of all segments, and backward Euler along the tree.
//!
//! Order of a step, as in NEURON: currents from the potential and gates at t; potential to t + dt; gates with the new potential. Cells of
//! a block are taken through all three, so that what they need stays in a cache.

mod solve;
mod tree;

use super::Buffer;
use super::exchange::Worker;
use super::pool::Pool;
use crate::codegen::abi::SlotMemory;
use crate::hir::VarId;
use crate::image::{self, Bound, CableShape, CableSlot, Listing, Target};
use crate::ir::Precision;
use crate::plan::{Lanes, Population};
use solve::{Float, SIDE_BY_SIDE, Scratch, Segments, solve};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tree::Tree;

/// Lanes of the widest vector of any back end, which are also the places after the last segment's.
const VECTOR: usize = 16;

/// Bytes that cells of a block may take together.
const CACHE: usize = 1 << 20;

/// The cables of one population.
pub struct Cables {
    compartments: Vec<Compartment>,
    tree: Tree,
    cells: usize,
    /// Cells that go through a step together.
    block: usize,
    precision: Precision,
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
    /// The potential before the step after which it is not finite.
    before: Buffer,
}

/// A kernel and the memory of its fixed values.
struct Loaded {
    kernel: Bound<CableSlot>,
    own: Vec<Option<Buffer>>,
}

/// A state of a segment that is not finite any more.
pub struct NotFinite {
    /// The state.
    pub var: VarId,
    /// The cell.
    pub cell: usize,
    /// The potential of that segment: before the step, if it is not finite itself.
    pub before: f64,
}

impl Cables {
    /// Compiles and allocates, if the population's model has cables and there are cells; states of `old` are kept. Events arrive at
    /// `event_ports`.
    pub fn new(p: &Population, event_ports: &BTreeSet<VarId>, target: &Target, old: Option<Cables>) -> Option<Cables> {
        if p.model.cables.is_empty() || p.n == 0 {
            return None;
        }
        let precision = target.precision;
        let compiled = image::cables(p, event_ports, target);
        let shapes: Vec<&CableShape> = compiled.iter().map(|c| &c.shape).collect();
        let tree = Tree::new(p, &shapes, target.dt);
        let mut kept = old.map(|c| c.compartments).unwrap_or_default().into_iter();
        let compartments: Vec<Compartment> = compiled
            .into_iter()
            .map(|image::CompiledCable { shape, membrane, gates, arrivals }| {
                let lanes = shape.lanes;
                let loaded = |kernel| Loaded::new(kernel, lanes.places(), precision);
                let initial = |v: &VarId| {
                    // Kernels of the population read whole vectors of any segment.
                    let mut b = Buffer::new(lanes.places() + VECTOR, precision);
                    b.fill_with(lanes.each().map(|(cell, segment)| p.initial(*v, cell, segment)));
                    (*v, b)
                };
                let states = match kept.next() {
                    Some(c) => c.states,
                    None => shape.states.iter().map(initial).collect(),
                };
                let empty = || Buffer::new(lanes.places(), precision);
                Compartment {
                    membrane: loaded(membrane),
                    gates: loaded(gates),
                    states,
                    arrivals: arrivals.map(|kernel| (loaded(kernel), Vec::new())),
                    out: (0..if shape.whole { 4 } else { 2 }).map(|_| empty()).collect(),
                    before: empty(),
                    shape,
                }
            })
            .collect();
        // Those whose lanes are whole vectors, or all cells.
        let whole = compartments.iter().all(|c| c.shape.lanes.are_whole());
        let block = if whole { side_by_side(&compartments, precision.bytes()) } else { p.n };
        Some(Cables { compartments, tree, cells: p.n, block, precision })
    }

    /// Returns the kernels.
    pub fn listings(&self) -> impl Iterator<Item = Listing> {
        let arrivals = |c: &Compartment| c.arrivals.as_ref().map(|(loaded, _)| loaded.kernel.listing());
        self.compartments
            .iter()
            .flat_map(move |c| [c.membrane.kernel.listing(), c.gates.kernel.listing()].into_iter().chain(arrivals(c)))
    }

    /// Returns all states, in a fixed order.
    pub fn states(&self) -> impl Iterator<Item = &Buffer> {
        self.compartments.iter().flat_map(|c| c.states.values())
    }

    /// The same for writing.
    pub fn states_mut(&mut self) -> impl Iterator<Item = &mut Buffer> {
        self.compartments.iter_mut().flat_map(|c| c.states.values_mut())
    }

    /// Returns the values of a state, and their order.
    pub fn state(&self, var: VarId) -> Option<(&Buffer, Lanes)> {
        self.compartments.iter().find_map(|c| c.states.get(&var).map(|b| (b, c.shape.lanes)))
    }

    /// The same for writing.
    pub fn state_mut(&mut self, var: VarId) -> Option<(&mut Buffer, Lanes)> {
        self.compartments.iter_mut().find_map(|c| c.states.get_mut(&var).map(|b| (b, c.shape.lanes)))
    }

    /// Advances one step; `injected(port, cell)` is the current through a port. Returns whether all states are finite.
    pub fn step(&mut self, injected: &dyn Fn(VarId, usize) -> f64, pool: &Pool) -> bool {
        match self.precision {
            Precision::F32 => self.step_of::<f32>(injected, pool),
            Precision::F64 => self.step_of::<f64>(injected, pool),
        }
    }

    fn step_of<F: Float>(&mut self, injected: &dyn Fn(VarId, usize) -> f64, pool: &Pool) -> bool {
        let Cables { compartments, tree, cells, block, .. } = self;
        let (cells, block) = (*cells, *block);
        let n = cells;
        let enters = |shape: &CableShape| {
            let sum = |cell: usize| shape.injected.iter().map(|v| injected(*v, cell)).sum();
            (!shape.injected.is_empty()).then(|| (0..cells).map(sum).collect())
        };
        let injected: Vec<Option<Vec<f64>>> = compartments.iter().map(|c| enters(&c.shape)).collect();
        let mut segments: Vec<Segments<F>> = Vec::with_capacity(compartments.len());
        let mut tables: Vec<[Vec<SlotMemory>; 2]> = Vec::with_capacity(compartments.len());
        for (c, injected) in compartments.iter_mut().zip(&injected) {
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
                density: [out[0], out[1]],
                whole: c.shape.whole.then(|| [out[2], out[3]]),
                injected: injected.as_deref(),
            });
        }
        let whole = compartments.iter().all(|c| c.shape.lanes.are_whole());
        let (next, finite) = (AtomicUsize::new(0), AtomicBool::new(true));
        let kernels = |which: usize, cells: &Range<usize>| {
            let mut ok = true;
            for (c, tables) in compartments.iter().zip(&tables) {
                let kernel = if which == 0 { &c.membrane.kernel } else { &c.gates.kernel };
                let lanes = c.shape.lanes;
                let mut run = |range: Range<usize>| {
                    // SAFETY: every slot is a buffer of all lanes, and blocks have disjoint ones.
                    ok &= unsafe { kernel.function().call(&tables[which], range.start, range.end, 1) };
                };
                match whole {
                    true => (0..lanes.segments).for_each(|s| run(lanes.block(cells, s))),
                    false => run(0..lanes.places()),
                }
            }
            ok
        };
        let job = |_: usize| {
            let mut scratch = Scratch::default();
            loop {
                let first = next.fetch_add(1, Ordering::Relaxed) * block;
                if first >= cells {
                    return;
                }
                let cells = first..(first + block).min(cells);
                kernels(0, &cells);
                // SAFETY: all buffers have these cells' lanes, and blocks have disjoint ones.
                let solved = unsafe { solve(tree, &segments, cells.clone(), &mut scratch) };
                // SAFETY: as above; places that belong to no cell are the last block's.
                segments.iter().filter(|_| cells.end == n).for_each(|s| unsafe { s.repeat_last() });
                if !solved | !kernels(1, &cells) {
                    finite.store(false, Ordering::Relaxed);
                }
            }
        };
        match cells > block {
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
            let lanes = worker.share(c.shape.lanes.places());
            let any =
                arrivals.kernel.slots().iter().any(|slot| matches!(slot, CableSlot::Arrival(port) if used(*port)));
            if any && !lanes.is_empty() {
                // SAFETY: every slot has all lanes, and threads have disjoint ones.
                finite &= unsafe { arrivals.kernel.function().call(table, lanes.start, lanes.end, 1) };
            }
        }
        finite
    }

    /// Finds a state that is not finite.
    pub fn not_finite(&self) -> Option<NotFinite> {
        for c in &self.compartments {
            let lanes = c.shape.lanes;
            // A potential that explodes takes its gates along; it is the cause to name.
            let others = c.states.iter().filter(|(v, _)| **v != c.shape.v);
            for (var, b) in c.states.get_key_value(&c.shape.v).into_iter().chain(others) {
                let all = (0..lanes.cells).flat_map(|cell| (0..lanes.segments).map(move |s| (cell, s)));
                if let Some((cell, s)) = { all }.find(|(cell, s)| !b.get(lanes.of(*cell, *s)).is_finite()) {
                    let kept = if *var == c.shape.v { &c.before } else { &c.states[&c.shape.v] };
                    return Some(NotFinite { var: *var, cell, before: kept.get(lanes.of(cell, s)) });
                }
            }
        }
        None
    }
}

/// How many cells go through a step together: as many as leave what they need in a cache, in whole vectors.
fn side_by_side(compartments: &[Compartment], word: usize) -> usize {
    let of_cell = |c: &Compartment| c.shape.lanes.segments * (c.states.len() + c.out.len() + 3) * word;
    let bytes: usize = compartments.iter().map(of_cell).sum();
    (CACHE / bytes.max(1) / VECTOR * VECTOR).clamp(VECTOR, SIDE_BY_SIDE)
}

impl Loaded {
    fn new(kernel: Bound<CableSlot>, lanes: usize, precision: Precision) -> Loaded {
        let fixed = |slot: &CableSlot| match slot {
            CableSlot::Lane(values) => Some(Buffer::repeating(lanes, precision, values)),
            _ => None,
        };
        Loaded { own: kernel.slots().iter().map(fixed).collect(), kernel }
    }

    /// Describes the memory of all lanes; `sums(port)` is where the sums of what arrives are.
    fn table(
        &mut self,
        states: &mut BTreeMap<VarId, Buffer>,
        out: &mut [Buffer],
        sums: &dyn Fn(VarId) -> *mut u8,
    ) -> Vec<SlotMemory> {
        let memory = |(slot, own): (&CableSlot, &mut Option<Buffer>)| {
            let buffer = match (slot, own) {
                (CableSlot::Arrival(port), _) => {
                    let at = sums(*port);
                    return SlotMemory { input: at, output: at, stride: 0 };
                }
                (CableSlot::State(v), _) => states.get_mut(v),
                (CableSlot::Lane(_), own) => own.as_mut(),
                (CableSlot::Conductance, _) => out.get_mut(0),
                (CableSlot::Current, _) => out.get_mut(1),
                (CableSlot::WholeConductance, _) => out.get_mut(2),
                (CableSlot::WholeCurrent, _) => out.get_mut(3),
            };
            buffer.unwrap_or_else(|| crate::ice!("cable slot without memory")).in_place()
        };
        self.kernel.slots().iter().zip(&mut self.own).map(memory).collect()
    }
}
