//! Cables: membrane kernels per segment and backward Euler along the tree (Hines 1984, Int J Biomed Comput 15:69).
//!
//! Order of a step, as in NEURON: currents from the potential and gates at t; potential to t + dt; gates with the new
//! potential. Neighbouring segments are joined by half a segment's axial resistance on either side.

use super::Buffer;
use super::buffer::padded;
use crate::hir::VarId;
use crate::image::{self, Bound, CableShape, CableSlot, Listing, Target};
use crate::ir::Precision;
use crate::plan::Population;
use std::collections::BTreeMap;

/// The cables of one population.
pub struct Cables {
    compartments: Vec<Compartment>,
    /// By cell.
    trees: Vec<Tree>,
}

struct Compartment {
    shape: CableShape,
    membrane: Loaded,
    gates: Loaded,
    /// By state: `[cell * segments + segment]`.
    states: BTreeMap<VarId, Buffer>,
    /// Conductance and current at zero potential.
    out: [Buffer; 2],
    /// The potential before this step.
    before: Vec<f64>,
}

/// A kernel and the memory of its fixed values.
struct Loaded {
    kernel: Bound<CableSlot>,
    lanes: Vec<Option<Buffer>>,
}

/// The segments of one cell in an order in which parents come first.
struct Tree {
    /// First row of each cable.
    first: Vec<usize>,
    parent: Vec<Option<usize>>,
    /// Axial conductance to the parent, internal units (nS).
    axial: Vec<f64>,
    /// Capacitance over dt, nS.
    capacity: Vec<f64>,
    /// Membrane area, µm².
    area: Vec<f64>,
}

/// A state of a segment that is not finite any more.
pub struct NotFinite {
    /// The state.
    pub var: VarId,
    /// The cell.
    pub cell: usize,
    /// The potential of that segment before the step.
    pub before: f64,
}

impl Cables {
    /// Compiles and allocates, if the population's model has cables; states of `old` are kept.
    pub fn new(p: &Population, target: &Target, old: Option<Cables>) -> Option<Cables> {
        if p.model.cables.is_empty() {
            return None;
        }
        let precision = target.precision;
        let compiled = image::cables(p, target);
        let shapes: Vec<&CableShape> = compiled.iter().map(|c| &c.shape).collect();
        let trees = (0..p.n).map(|cell| Tree::new(p, cell, &shapes, target.dt)).collect();
        let mut kept = old.map(|c| c.compartments).unwrap_or_default().into_iter();
        let compartments = compiled
            .into_iter()
            .map(|image::CompiledCable { shape: k, membrane, gates }| {
                let lanes = padded(p.n * k.segments);
                let loaded = |kernel| Loaded::new(kernel, lanes, precision);
                let initial = |v: &VarId| {
                    let mut b = Buffer::new(lanes, precision);
                    for i in 0..b.len() {
                        let cell = (i / k.segments).min(p.n - 1);
                        b.set(i, p.initial(*v, cell, i % k.segments));
                    }
                    (*v, b)
                };
                let states = match kept.next() {
                    Some(c) => c.states,
                    None => k.states.iter().map(initial).collect(),
                };
                Compartment {
                    membrane: loaded(membrane),
                    gates: loaded(gates),
                    states,
                    out: [Buffer::new(lanes, precision), Buffer::new(lanes, precision)],
                    before: vec![0.0; p.n * k.segments],
                    shape: k,
                }
            })
            .collect();
        Some(Cables { compartments, trees })
    }

    /// Returns the kernels.
    pub fn listings(&self) -> impl Iterator<Item = Listing> {
        self.compartments.iter().flat_map(|c| [c.membrane.kernel.listing(), c.gates.kernel.listing()])
    }

    /// Returns all states, in a fixed order.
    pub fn states(&self) -> impl Iterator<Item = &Buffer> {
        self.compartments.iter().flat_map(|c| c.states.values())
    }

    /// The same for writing.
    pub fn states_mut(&mut self) -> impl Iterator<Item = &mut Buffer> {
        self.compartments.iter_mut().flat_map(|c| c.states.values_mut())
    }

    /// Returns the values of a state, `[cell * segments + segment]`, and the number of segments.
    pub fn state(&self, var: VarId) -> Option<(&Buffer, usize)> {
        self.compartments.iter().find_map(|c| c.states.get(&var).map(|b| (b, c.shape.segments)))
    }

    /// The same for writing.
    pub fn state_mut(&mut self, var: VarId) -> Option<(&mut Buffer, usize)> {
        self.compartments.iter_mut().find_map(|c| c.states.get_mut(&var).map(|b| (b, c.shape.segments)))
    }

    /// Advances one step; `injected(port, cell)` is the current through a port.
    pub fn step(&mut self, injected: &dyn Fn(VarId, usize) -> f64) {
        for c in &mut self.compartments {
            c.membrane.run(&mut c.states, &mut c.out);
        }
        for cell in 0..self.trees.len() {
            self.solve(cell, injected);
        }
        for c in &mut self.compartments {
            c.gates.run(&mut c.states, &mut c.out);
        }
    }

    /// Finds a state that is not finite.
    pub fn not_finite(&self) -> Option<NotFinite> {
        for c in &self.compartments {
            let segments = c.shape.segments;
            // A potential that explodes takes its gates along; it is the cause to name.
            let others = c.states.iter().filter(|(v, _)| **v != c.shape.v);
            for (var, b) in c.states.get_key_value(&c.shape.v).into_iter().chain(others) {
                if let Some(i) = (0..self.trees.len() * segments).find(|i| !b.get(*i).is_finite()) {
                    return Some(NotFinite { var: *var, cell: i / segments, before: c.before[i] });
                }
            }
        }
        None
    }

    fn solve(&mut self, cell: usize, injected: &dyn Fn(VarId, usize) -> f64) {
        let t = &self.trees[cell];
        let rows = t.parent.len();
        let (mut diagonal, mut rhs) = (vec![0.0; rows], vec![0.0; rows]);
        for (index, c) in self.compartments.iter_mut().enumerate() {
            let segments = c.shape.segments;
            let injected: f64 = c.shape.injected.iter().map(|v| injected(*v, cell)).sum();
            for s in 0..segments {
                let (row, lane) = (t.first[index] + s, cell * segments + s);
                let v = c.states.get(&c.shape.v).map_or(0.0, |b| b.get(lane));
                c.before[lane] = v;
                let (g, i0) = (c.out[0].get(lane), c.out[1].get(lane));
                diagonal[row] += t.capacity[row] + t.area[row] * g;
                // What is injected enters the middle of the compartment.
                let share = if s == segments / 2 { injected } else { 0.0 };
                rhs[row] += t.capacity[row] * v - t.area[row] * i0 + share;
                if let Some(p) = t.parent[row] {
                    diagonal[row] += t.axial[row];
                    diagonal[p] += t.axial[row];
                }
            }
        }
        // Elimination from the leaves to the root, then back.
        for row in (0..rows).rev() {
            if let Some(p) = t.parent[row] {
                let factor = t.axial[row] / diagonal[row];
                diagonal[p] -= factor * t.axial[row];
                rhs[p] += factor * rhs[row];
            }
        }
        for row in 0..rows {
            let from_parent = t.parent[row].map_or(0.0, |p| t.axial[row] * rhs[p]);
            rhs[row] = (rhs[row] + from_parent) / diagonal[row];
        }
        for (index, c) in self.compartments.iter_mut().enumerate() {
            if let Some(b) = c.states.get_mut(&c.shape.v) {
                for s in 0..c.shape.segments {
                    b.set(cell * c.shape.segments + s, rhs[t.first[index] + s]);
                }
            }
        }
    }
}

impl Tree {
    fn new(p: &Population, cell: usize, shapes: &[&CableShape], dt: f64) -> Tree {
        let mut t =
            Tree { first: Vec::new(), parent: Vec::new(), axial: Vec::new(), capacity: Vec::new(), area: Vec::new() };
        // Resistance of half a segment: R_a (h / 2) / (pi d^2 / 4).
        let half = |k: &CableShape| {
            let g = &k.geometry[cell];
            let h = g.length / k.segments as f64;
            g.r_a * (h / 2.0) / (std::f64::consts::PI * g.diameter * g.diameter / 4.0)
        };
        for (c, k) in shapes.iter().enumerate() {
            let g = &k.geometry[cell];
            let own = half(k);
            let area = std::f64::consts::PI * g.diameter * (g.length / k.segments as f64);
            t.first.push(t.parent.len());
            for s in 0..k.segments {
                let row = t.parent.len();
                let (parent, resistance) = match (s, p.model.cables[c].parent) {
                    (0, None) => (None, f64::INFINITY),
                    (0, Some(q)) => (Some(t.first[q] + shapes[q].segments - 1), own + half(shapes[q])),
                    _ => (Some(row - 1), 2.0 * own),
                };
                t.parent.push(parent);
                t.axial.push(1.0 / resistance);
                t.area.push(area);
                t.capacity.push(g.c_m * area / dt);
            }
        }
        t
    }
}

impl Loaded {
    fn new(kernel: Bound<CableSlot>, lanes: usize, precision: Precision) -> Loaded {
        let fixed = |slot: &CableSlot| match slot {
            CableSlot::Lane(values) => Some(Buffer::repeating(lanes, precision, values)),
            _ => None,
        };
        Loaded { lanes: kernel.slots().iter().map(fixed).collect(), kernel }
    }

    /// Runs over all segments.
    fn run(&mut self, states: &mut BTreeMap<VarId, Buffer>, out: &mut [Buffer; 2]) {
        let mut lanes = 0;
        let mut table = Vec::with_capacity(self.lanes.len());
        for (slot, own) in self.kernel.slots().iter().zip(&mut self.lanes) {
            let buffer = match (slot, own) {
                (CableSlot::State(v), _) => states.get_mut(v),
                (CableSlot::Lane(_), own) => own.as_mut(),
                (CableSlot::Conductance, _) => Some(&mut out[0]),
                (CableSlot::Current, _) => Some(&mut out[1]),
            };
            let buffer = buffer.unwrap_or_else(|| crate::ice!("cable slot without memory"));
            lanes = buffer.len();
            table.push(buffer.in_place());
        }
        // SAFETY: every slot is a buffer of the same number of lanes, a multiple of 16, that only this call uses.
        unsafe { self.kernel.function().call(&table, 0, lanes, 1) };
    }
}
