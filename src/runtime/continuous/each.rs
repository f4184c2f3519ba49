//! Contributions synapse by synapse: gather both cells' values, run the synapse's kernel, add up in the order of synapses.

use super::super::buffer::{Buffer, padded};
use super::super::options::Options;
use super::cells::{Cells, side};
use crate::codegen::abi::SlotMemory;
use crate::hir::{Expr, VarId};
use crate::image::{self, Bound, ContinuousSlot, Listing};
use crate::ir::Precision;
use crate::plan::{Edge, Pairs, Projection};
use std::sync::Arc;

/// A continuous projection that is worked on synapse by synapse.
pub struct Each {
    kernel: Bound<ContinuousSlot>,
    slots: Vec<Buffer>,
    n: usize,
    /// The pairs, unless the plan lists them.
    edges: Arc<Vec<Edge>>,
}

impl Each {
    /// Compiles the contribution of a projection.
    pub fn new(p: &Projection, deliver: &Expr, options: &Options) -> Each {
        let precision = options.precision;
        let kernel = image::contribution(p, deliver, &options.target());
        let n = p.pairs.len();
        let mut slots: Vec<Buffer> = kernel.slots().iter().map(|_| Buffer::new(padded(n), precision)).collect();
        for (what, slot) in kernel.slots().iter().zip(&mut slots) {
            if let ContinuousSlot::Own(variable) = what {
                let weight = p.synapse.weight() == Some(*variable);
                let value = |k: usize| if weight { p.weight.at(k) } else { p.initial(*variable, k) };
                slot.fill_with((0..n).map(value));
            }
        }
        let edges = if matches!(p.pairs, Pairs::Listed(_)) { Arc::default() } else { p.pairs.edges() };
        Each { kernel, slots, n, edges }
    }

    /// Returns the kernel.
    pub fn listing(&self) -> Listing {
        self.kernel.listing()
    }

    /// Lists the variables of the cells that are read: the population and the variable.
    pub fn reads(&self, p: &Projection) -> impl Iterator<Item = (usize, VarId)> {
        self.kernel.slots().iter().filter_map(|slot| match *slot {
            ContinuousSlot::Cell { pre, var, .. } => Some((side(p, pre).population, var)),
            ContinuousSlot::Modulator(v) => p.modulators.get(&v).map(|(view, var)| (view.population, *var)),
            ContinuousSlot::Own(_) | ContinuousSlot::Out => None,
        })
    }

    /// Reads weights and states anew, with `copy`, which writes them in the order of the plan.
    pub fn refresh(&mut self, copy: &dyn Fn(VarId, &mut [f64])) {
        let mut values = vec![0.0; self.n];
        for (what, slot) in self.kernel.slots().iter().zip(&mut self.slots) {
            if let ContinuousSlot::Own(variable) = what {
                copy(*variable, &mut values);
                slot.fill_with(values.iter().copied());
            }
        }
    }

    /// Adds the contributions to `target`.
    pub fn run(&mut self, p: &Projection, cells: &impl Cells, target: &mut Buffer) {
        let edges = match &p.pairs {
            Pairs::Listed(edges) => edges.clone(),
            _ => self.edges.clone(),
        };
        for (what, slot) in self.kernel.slots().iter().zip(&mut self.slots) {
            match *what {
                ContinuousSlot::Cell { id, pre, var, delay } if pre && p.spread().is_some() => {
                    late((p, &edges), cells, (id, var, delay), slot)
                }
                ContinuousSlot::Cell { id, pre, var, delay } => {
                    let view = side(p, pre);
                    let cell = |e: &Edge| if pre { e.pre } else { e.post } as usize;
                    match (cells.before(id, delay), cells.values(view.population, var, delay)) {
                        (Some(value), _) => slot.fill(self.n, value),
                        (None, Some(from)) => slot.gather(from, edges.iter().map(cell)),
                        (None, None) => crate::ice!("a contribution without values"),
                    }
                }
                ContinuousSlot::Modulator(v) => {
                    let Some((view, var)) = p.modulators.get(&v) else { continue };
                    let Some(from) = cells.values(view.population, *var, 0) else { continue };
                    let of_target = |e: &Edge| if view.n == 1 { 0 } else { e.post as usize - p.post.start };
                    slot.gather(from, edges.iter().map(|e| view.start + of_target(e)));
                }
                ContinuousSlot::Own(_) | ContinuousSlot::Out => {}
            }
        }
        let memory: Vec<SlotMemory> = self.slots.iter_mut().map(Buffer::in_place).collect();
        // SAFETY: every slot is a buffer of `padded(n)` elements that only this call uses.
        unsafe { self.kernel.function().call(&memory, 0, padded(self.n), 1) };
        let Some(out) = self.slots.last() else { return };
        let targets = edges.iter().map(|e| e.post as usize);
        match out.precision() {
            Precision::F32 => add_all(target.f32_mut(), targets, out.f32()),
            Precision::F64 => add_all(target.f64_mut(), targets, out.f64()),
        }
    }
}

/// Gathers a variable of the sources, each as long ago as the synapse's own delay says.
fn late(
    (p, edges): (&Projection, &[Edge]),
    cells: &impl Cells,
    (id, var, more): (VarId, VarId, u32),
    slot: &mut Buffer,
) {
    for (k, e) in edges.iter().enumerate() {
        let steps = p.delay.at(k) + more;
        let value = cells.before(id, steps).or_else(|| {
            let from = cells.values(p.pre.population, var, steps)?;
            Some(from.get(e.pre as usize))
        });
        slot.set(k, value.unwrap_or_else(|| crate::ice!("a contribution without values")));
    }
}

fn add_all<T: Copy + std::ops::AddAssign>(to: &mut [T], targets: impl Iterator<Item = usize>, values: &[T]) {
    targets.zip(values).for_each(|(at, v)| to[at] += *v);
}
