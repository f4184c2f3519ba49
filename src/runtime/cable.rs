//! Cables: membrane kernels per segment and backward Euler along the tree (Hines 1984, Int J Biomed Comput 15:69).
//!
//! Order of a step, as in NEURON: currents from the potential and gates at t; potential to t + dt; gates with the new
//! potential. Neighbouring segments are joined by half a segment's axial resistance on either side.

use super::Buffer;
use super::buffer::padded;
use crate::codegen::abi::SlotMemory;
use crate::codegen::{Backend, KernelFn, compile};
use crate::hir::VarId;
use crate::ir::Precision;
use crate::lower::{CableKernels, Geometry, lower_cables};
use crate::plan::{Column, Population};
use std::collections::BTreeMap;

/// The cables of one population.
pub struct Cables {
    kernels: Vec<CableKernels>,
    membrane: Vec<KernelFn>,
    gates: Vec<KernelFn>,
    /// By cable and state: `[cell * segments + segment]`.
    states: Vec<BTreeMap<VarId, Buffer>>,
    out: Vec<[Buffer; 2]>,
    tree: Tree,
    n: usize,
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

impl Cables {
    /// Compiles and allocates, if the population's model has cables.
    pub fn new(p: &Population, dt: f64, precision: Precision, backend: Backend) -> Option<Cables> {
        if p.model.cables.is_empty() {
            return None;
        }
        let kernels = lower_cables(p, dt, precision);
        let tree = Tree::new(p, &kernels, dt);
        let membrane = kernels.iter().map(|k| compile(backend, &k.membrane)).collect();
        let gates = kernels.iter().map(|k| compile(backend, &k.gates)).collect();
        let lanes = |k: &CableKernels| padded(p.n * k.geometry.segments);
        let states = kernels
            .iter()
            .map(|k| {
                let initial = |v: &VarId| {
                    let mut b = Buffer::new(lanes(k), precision);
                    for i in 0..b.len() {
                        let cell = (i / k.geometry.segments).min(p.n - 1);
                        b.set(i, p.init.get(v).map_or(0.0, |c| c.at(cell)));
                    }
                    (*v, b)
                };
                k.states.iter().map(initial).collect()
            })
            .collect();
        let out =
            kernels.iter().map(|k| [Buffer::new(lanes(k), precision), Buffer::new(lanes(k), precision)]).collect();
        Some(Cables { kernels, membrane, gates, states, out, tree, n: p.n })
    }

    /// Returns the values of a state, one per cell and segment.
    pub fn state(&self, var: VarId) -> Option<&Buffer> {
        self.states.iter().find_map(|s| s.get(&var))
    }

    /// Returns a state's values for writing, and the number of segments per cell.
    pub fn state_mut(&mut self, var: VarId) -> Option<(&mut Buffer, usize)> {
        let i = self.states.iter().position(|s| s.contains_key(&var))?;
        let segments = self.kernels[i].geometry.segments;
        self.states[i].get_mut(&var).map(|b| (b, segments))
    }

    /// Advances one step; `ports` are the injected currents.
    pub fn step(&mut self, ports: &BTreeMap<VarId, Column>) {
        for i in 0..self.kernels.len() {
            let [g, e] = &mut self.out[i];
            run(&self.kernels[i].membrane_slots, &self.membrane[i], &mut self.states[i], Some([g, e]));
        }
        for cell in 0..self.n {
            self.solve(cell, ports);
        }
        for i in 0..self.kernels.len() {
            run(&self.kernels[i].gate_slots, &self.gates[i], &mut self.states[i], None);
        }
    }

    /// Finds a state that is not finite: its variable and lane.
    pub fn not_finite(&self) -> Option<(VarId, usize)> {
        for states in &self.states {
            for (v, b) in states {
                if let Some(i) = (0..b.len()).find(|i| !b.get(*i).is_finite()) {
                    return Some((*v, i));
                }
            }
        }
        None
    }

    fn solve(&mut self, cell: usize, ports: &BTreeMap<VarId, Column>) {
        let t = &self.tree;
        let rows = t.parent.len();
        let (mut diagonal, mut rhs) = (vec![0.0; rows], vec![0.0; rows]);
        for (c, k) in self.kernels.iter().enumerate() {
            let injected: f64 = k.injected.iter().map(|v| ports.get(v).map_or(0.0, |p| p.at(cell))).sum();
            for s in 0..k.geometry.segments {
                let (row, lane) = (t.first[c] + s, cell * k.geometry.segments + s);
                let v = self.states[c].get(&k.v).map_or(0.0, |b| b.get(lane));
                let (g, i0) = (self.out[c][0].get(lane), self.out[c][1].get(lane));
                diagonal[row] += t.capacity[row] + t.area[row] * g;
                // What is injected enters the middle of the compartment.
                let share = if s == k.geometry.segments / 2 { injected } else { 0.0 };
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
        for (c, k) in self.kernels.iter().enumerate() {
            if let Some(b) = self.states[c].get_mut(&k.v) {
                for s in 0..k.geometry.segments {
                    b.set(cell * k.geometry.segments + s, rhs[t.first[c] + s]);
                }
            }
        }
    }
}

impl Tree {
    fn new(p: &Population, kernels: &[CableKernels], dt: f64) -> Tree {
        let mut t =
            Tree { first: Vec::new(), parent: Vec::new(), axial: Vec::new(), capacity: Vec::new(), area: Vec::new() };
        for (c, k) in kernels.iter().enumerate() {
            let Geometry { segments, length, diameter, c_m, r_a } = k.geometry;
            let h = length / segments as f64;
            // Resistance of half a segment: R_a (h / 2) / (pi d^2 / 4).
            let half = |h: f64, d: f64, r_a: f64| r_a * (h / 2.0) / (std::f64::consts::PI * d * d / 4.0);
            let own = half(h, diameter, r_a);
            t.first.push(t.parent.len());
            for s in 0..segments {
                let row = t.parent.len();
                let (parent, resistance) = match (s, p.model.cables[c].parent) {
                    (0, None) => (None, f64::INFINITY),
                    (0, Some(q)) => {
                        let g = &kernels[q].geometry;
                        let far = half(g.length / g.segments as f64, g.diameter, g.r_a);
                        (Some(t.first[q] + g.segments - 1), own + far)
                    }
                    _ => (Some(row - 1), 2.0 * own),
                };
                let area = std::f64::consts::PI * diameter * h;
                t.parent.push(parent);
                t.axial.push(1.0 / resistance);
                t.area.push(area);
                t.capacity.push(c_m * area / dt);
            }
        }
        t
    }
}

/// Runs a kernel over all segments; slots are states in place, then the outputs.
fn run(slots: &[VarId], f: &KernelFn, states: &mut BTreeMap<VarId, Buffer>, mut out: Option<[&mut Buffer; 2]>) {
    let mut lanes = 0;
    let mut table: Vec<SlotMemory> = slots
        .iter()
        .map(|v| match states.get_mut(v) {
            Some(b) => {
                lanes = b.len();
                let at = b.as_mut_ptr();
                SlotMemory { input: at, output: at, stride: 0 }
            }
            None => crate::ice!("cable state without memory"),
        })
        .collect();
    for b in out.iter_mut().flatten() {
        let at = b.as_mut_ptr();
        table.push(SlotMemory { input: at, output: at, stride: 0 });
    }
    // SAFETY: every slot is a buffer of the same number of lanes, a multiple of 16, that only this call uses.
    unsafe { f.call(&table, 0, lanes, 1) };
}
