//! Cables: membrane kernels per segment and backward Euler along the tree (Hines 1984, Int J Biomed Comput 15:69).
//!
//! Order of a step, as in NEURON: currents from the potential and gates at t; potential to t + dt; gates with the new
//! potential. Neighbouring segments are joined by half a segment's axial resistance on either side.

use super::Buffer;
use super::buffer::padded;
use crate::codegen::{Backend, KernelFn, Steps, compile};
use crate::hir::VarId;
use crate::ir::Precision;
use crate::lower::{CableKernel, CableKernels, CableSlot, lower_cables};
use crate::plan::Population;
use std::collections::BTreeMap;

/// The cables of one population.
pub struct Cables {
    compartments: Vec<Compartment>,
    /// By cell.
    trees: Vec<Tree>,
}

struct Compartment {
    kernels: CableKernels,
    membrane: Code,
    gates: Code,
    /// By state: `[cell * segments + segment]`.
    states: BTreeMap<VarId, Buffer>,
    /// Conductance and current at zero potential.
    out: [Buffer; 2],
    /// The potential before this step.
    before: Vec<f64>,
}

/// A kernel's code and the memory of its fixed values.
struct Code {
    function: KernelFn,
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
    pub fn new(p: &Population, dt: f64, precision: Precision, backend: Backend, old: Option<Cables>) -> Option<Cables> {
        if p.model.cables.is_empty() {
            return None;
        }
        let kernels = lower_cables(p, dt, precision);
        let trees = (0..p.n).map(|cell| Tree::new(p, cell, &kernels, dt)).collect();
        let mut kept = old.map(|c| c.compartments).unwrap_or_default().into_iter();
        let compartments = kernels
            .into_iter()
            .map(|k| {
                let lanes = padded(p.n * k.segments);
                let loaded = |kernel: &CableKernel| Code::new(kernel, lanes, precision, backend);
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
                    membrane: loaded(&k.membrane),
                    gates: loaded(&k.gates),
                    states,
                    out: [Buffer::new(lanes, precision), Buffer::new(lanes, precision)],
                    before: vec![0.0; p.n * k.segments],
                    kernels: k,
                }
            })
            .collect();
        Some(Cables { compartments, trees })
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
        self.compartments.iter().find_map(|c| c.states.get(&var).map(|b| (b, c.kernels.segments)))
    }

    /// The same for writing.
    pub fn state_mut(&mut self, var: VarId) -> Option<(&mut Buffer, usize)> {
        self.compartments.iter_mut().find_map(|c| c.states.get_mut(&var).map(|b| (b, c.kernels.segments)))
    }

    /// Advances one step; `injected(port, cell)` is the current through a port.
    pub fn step(&mut self, injected: &dyn Fn(VarId, usize) -> f64) {
        for c in &mut self.compartments {
            c.membrane.run(&c.kernels.membrane, &mut c.states, &mut c.out);
        }
        for cell in 0..self.trees.len() {
            self.solve(cell, injected);
        }
        for c in &mut self.compartments {
            c.gates.run(&c.kernels.gates, &mut c.states, &mut c.out);
        }
    }

    /// Finds a state that is not finite.
    pub fn not_finite(&self) -> Option<NotFinite> {
        for c in &self.compartments {
            let segments = c.kernels.segments;
            // A potential that explodes takes its gates along; it is the cause to name.
            let others = c.states.iter().filter(|(v, _)| **v != c.kernels.v);
            for (var, b) in c.states.get_key_value(&c.kernels.v).into_iter().chain(others) {
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
            let segments = c.kernels.segments;
            let injected: f64 = c.kernels.injected.iter().map(|v| injected(*v, cell)).sum();
            for s in 0..segments {
                let (row, lane) = (t.first[index] + s, cell * segments + s);
                let v = c.states.get(&c.kernels.v).map_or(0.0, |b| b.get(lane));
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
            if let Some(b) = c.states.get_mut(&c.kernels.v) {
                for s in 0..c.kernels.segments {
                    b.set(cell * c.kernels.segments + s, rhs[t.first[index] + s]);
                }
            }
        }
    }
}

impl Tree {
    fn new(p: &Population, cell: usize, kernels: &[CableKernels], dt: f64) -> Tree {
        let mut t =
            Tree { first: Vec::new(), parent: Vec::new(), axial: Vec::new(), capacity: Vec::new(), area: Vec::new() };
        // Resistance of half a segment: R_a (h / 2) / (pi d^2 / 4).
        let half = |k: &CableKernels| {
            let g = &k.geometry[cell];
            let h = g.length / k.segments as f64;
            g.r_a * (h / 2.0) / (std::f64::consts::PI * g.diameter * g.diameter / 4.0)
        };
        for (c, k) in kernels.iter().enumerate() {
            let g = &k.geometry[cell];
            let own = half(k);
            let area = std::f64::consts::PI * g.diameter * (g.length / k.segments as f64);
            t.first.push(t.parent.len());
            for s in 0..k.segments {
                let row = t.parent.len();
                let (parent, resistance) = match (s, p.model.cables[c].parent) {
                    (0, None) => (None, f64::INFINITY),
                    (0, Some(q)) => (Some(t.first[q] + kernels[q].segments - 1), own + half(&kernels[q])),
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

impl Code {
    fn new(k: &CableKernel, lanes: usize, precision: Precision, backend: Backend) -> Code {
        let fixed = |slot: &CableSlot| match slot {
            CableSlot::Lane(values) => Some(Buffer::repeating(lanes, precision, values)),
            _ => None,
        };
        Code { function: compile(backend, &k.kernel, Steps::One), lanes: k.slots.iter().map(fixed).collect() }
    }

    /// Runs over all segments.
    fn run(&mut self, k: &CableKernel, states: &mut BTreeMap<VarId, Buffer>, out: &mut [Buffer; 2]) {
        let mut lanes = 0;
        let mut table = Vec::with_capacity(k.slots.len());
        for (slot, own) in k.slots.iter().zip(&mut self.lanes) {
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
        unsafe { self.function.call(&table, 0, lanes, 1) };
    }
}
