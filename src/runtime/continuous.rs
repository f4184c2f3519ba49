//! Continuous contributions: gather both cells' values, run the synapse's kernel, add up in the order of synapses.

use super::Buffer;
use super::buffer::padded;
use crate::codegen::abi::SlotMemory;
use crate::codegen::{Backend, KernelFn, Steps, compile};
use crate::hir::VarId;
use crate::ir::Precision;
use crate::lower::{ContinuousKernel, ContinuousSlot, lower_continuous};
use crate::plan::{Edge, Projection};

/// A continuous projection ready to run.
pub struct Continuous {
    kernel: ContinuousKernel,
    function: KernelFn,
    slots: Vec<Buffer>,
    n: usize,
}

impl Continuous {
    /// Compiles the contribution of a projection, if it has one.
    pub fn new(p: &Projection, dt: f64, precision: Precision, backend: Backend) -> Option<Continuous> {
        let deliver = p.synapse.deliver.as_ref()?;
        let kernel = lower_continuous(p, deliver, dt, precision);
        let function = compile(backend, &kernel.kernel, Steps::One);
        let n = p.pairs.len();
        let mut slots: Vec<Buffer> = kernel.slots.iter().map(|_| Buffer::new(padded(n), precision)).collect();
        for (slot, what) in kernel.slots.iter().zip(&mut slots).map(|(a, b)| (b, a)) {
            if let ContinuousSlot::Own(variable) = what {
                let weight = p.synapse.weight() == Some(*variable);
                let value =
                    |k: usize| if weight { p.weight.at(k) } else { p.init.get(variable).copied().unwrap_or(0.0) };
                slot.fill_with((0..n).map(value));
            }
        }
        Some(Continuous { kernel, function, slots, n })
    }

    /// Reads weights and states anew, with `copy`, which writes them in the order of the plan.
    pub fn refresh(&mut self, copy: &dyn Fn(VarId, &mut [f64])) {
        let mut values = vec![0.0; self.n];
        for (slot, what) in self.kernel.slots.iter().enumerate() {
            if let ContinuousSlot::Own(variable) = what {
                copy(*variable, &mut values);
                self.slots[slot].fill_with(values.iter().copied());
            }
        }
    }

    /// Adds the contributions to `target`; `read(pre, variable, delay, cell)` gives the cells' values.
    pub fn run(&mut self, p: &Projection, read: &dyn Fn(bool, VarId, u32, usize) -> f64, target: &mut Buffer) {
        for (what, buffer) in self.kernel.slots.iter().zip(&mut self.slots) {
            if let ContinuousSlot::Cell { pre, var, delay } = *what {
                let cell = |e: &Edge| read(pre, var, delay, if pre { e.pre } else { e.post } as usize);
                buffer.fill_with(p.pairs.listed().iter().map(cell));
            }
        }
        let memory: Vec<SlotMemory> = self.slots.iter_mut().map(Buffer::in_place).collect();
        // SAFETY: every slot is a buffer of `padded(n)` elements that only this call uses.
        unsafe { self.function.call(&memory, 0, padded(self.n), 1) };
        let out = &self.slots[self.slots.len() - 1];
        for (k, e) in p.pairs.listed().iter().enumerate() {
            target.add(e.post as usize, out.get(k));
        }
    }
}
