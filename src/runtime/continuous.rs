//! Continuous contributions: gather both cells' values, run the synapse's kernel, add up in the order of synapses.

use super::Buffer;
use super::buffer::padded;
use crate::codegen::abi::SlotMemory;
use crate::codegen::{Backend, KernelFn, compile};
use crate::hir::VarId;
use crate::ir::Precision;
use crate::lower::{ContinuousKernel, lower_continuous};
use crate::plan::Projection;

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
        let function = compile(backend, &kernel.kernel);
        let n = p.edges.len();
        let mut slots: Vec<Buffer> = kernel.kernel.slots.values().map(|_| Buffer::new(padded(n), precision)).collect();
        if let Some(w) = kernel.weight {
            for i in 0..n {
                slots[w.as_u32() as usize].set(i, p.weight.at(i));
            }
        }
        Some(Continuous { kernel, function, slots, n })
    }

    /// Adds the contributions to `target`; `read(pre, variable, cell)` gives the cells' values.
    pub fn run(&mut self, p: &Projection, read: &dyn Fn(bool, VarId, usize) -> f64, target: &mut Buffer) {
        for (i, (_, pre, var)) in self.kernel.cells.iter().enumerate() {
            let slot = self
                .kernel
                .kernel
                .slots
                .keys()
                .filter(|s| Some(*s) != self.kernel.weight && *s != self.kernel.out)
                .nth(i);
            let Some(slot) = slot else { continue };
            let buffer = &mut self.slots[slot.as_u32() as usize];
            for (k, e) in p.edges.iter().enumerate() {
                buffer.set(k, read(*pre, *var, if *pre { e.pre } else { e.post } as usize));
            }
        }
        let memory: Vec<SlotMemory> = self.slots.iter_mut().map(Buffer::in_place).collect();
        // SAFETY: every slot is a buffer of `padded(n)` elements that only this call uses.
        unsafe { self.function.call(&memory, 0, padded(self.n), 1) };
        let out = &self.slots[self.kernel.out.as_u32() as usize];
        for (k, e) in p.edges.iter().enumerate() {
            target.add(e.post as usize, out.get(k));
        }
    }
}
