//! The compiled image of a plan: kernels with their code and the meaning of their slots. What runs them gives the slots memory.

mod cells;
mod clocks;
mod readings;
mod synapses;

pub use crate::lower::{
    BLOCK, Baked, Binding, CableShape, CableSlot, Clock, ContinuousSlot, Elementwise, EventSlot, Held, Hidden,
    LONG_AGO, Lowered, PlasticSlot, PortSource, Rates, Store, UNSEEN, baked, chance, longest, parameters,
};
pub use cells::{CompiledCable, attempt, cables, update};
pub use clocks::clock;
pub use readings::reading;
pub use synapses::{Compiled, Effect, Handler, Program, contribution, effect, program};

use crate::codegen::{Backend, KernelFn, Need, Steps, compile};
use crate::ir::{Kernel, Precision, Slot};

/// What kernels are made for.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Time step, internal units.
    pub dt: f64,
    /// Type of numbers.
    pub precision: Precision,
    /// Which back end compiles.
    pub backend: Backend,
}

/// A kernel with its code.
pub struct Bound<S> {
    lowered: Lowered<S>,
    function: KernelFn,
    steps: Steps,
}

impl<S> Bound<S> {
    /// Compiles a kernel that is asked for one step at a time, or for many.
    pub fn new(lowered: Lowered<S>, backend: Backend, steps: Steps) -> Bound<S> {
        Bound { function: compile(backend, &lowered.kernel, steps), lowered, steps }
    }

    /// Returns the meaning of its slots.
    pub fn slots(&self) -> &[S] {
        &self.lowered.slots
    }

    /// Returns the IR that runs.
    pub fn kernel(&self) -> &Kernel {
        &self.lowered.kernel
    }

    /// Returns the kernel without its code.
    pub fn lowered(&self) -> &Lowered<S> {
        &self.lowered
    }

    /// Returns it for readers of the IR.
    pub fn listing(&self) -> Listing {
        Listing { raw: self.lowered.raw.clone(), kernel: self.lowered.kernel.clone(), steps: self.steps }
    }

    /// Returns how many lanes share a byte of event bits.
    pub fn lanes_per_byte(&self) -> usize {
        self.function.lanes_per_byte()
    }

    /// Returns when the random bits of a slot are needed.
    pub fn need(&self, slot: usize) -> Need {
        self.function.need(Slot::from_u32(slot as u32))
    }

    /// Returns its code, which the slots' memory is handed to.
    pub fn function(&self) -> &KernelFn {
        &self.function
    }
}

/// A kernel as `emit` shows it.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Before optimization.
    pub raw: Kernel,
    /// What runs.
    pub kernel: Kernel,
    /// How many steps a call may ask for.
    pub steps: Steps,
}
