//! Kernels to executable functions. Every back end gives the interpreter's bits.

pub mod abi;
pub mod cranelift;

use crate::ir::{Kernel, Slot, interp};
use abi::{Args, Draw, SlotMemory};
use std::sync::Arc;

/// Which back end runs the kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// The reference interpreter.
    Interpreter,
    /// Cranelift, 128-bit SIMD.
    #[default]
    Cranelift,
}

impl Backend {
    /// Finds a back end by name.
    pub fn parse(name: &str) -> Option<Backend> {
        match name {
            "interpreter" => Some(Backend::Interpreter),
            "cranelift" | "auto" => Some(Backend::Cranelift),
            _ => None,
        }
    }
}

/// When the random bits of a slot are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// In every step, so they are there before the kernel runs.
    Before,
    /// At events only: the kernel asks for them.
    OnDemand,
    /// Never.
    Never,
}

/// A compiled kernel; keeps its code alive.
#[derive(Clone)]
pub enum KernelFn {
    /// Interpreted.
    Interpreted(Arc<Kernel>),
    /// Compiled.
    Compiled(cranelift::Compiled),
}

/// How many steps a call may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steps {
    /// One.
    One,
    /// Any number.
    Many,
}

/// Compiles one kernel.
pub fn compile(backend: Backend, kernel: &Kernel, steps: Steps) -> KernelFn {
    match backend {
        Backend::Interpreter => KernelFn::Interpreted(Arc::new(kernel.clone())),
        Backend::Cranelift => KernelFn::Compiled(cranelift::compile(kernel, steps)),
    }
}

impl KernelFn {
    /// Runs lanes `begin .. end` (multiples of 16) for `n_steps` steps; returns whether all states stayed finite.
    ///
    /// # Safety
    /// `slots` must hold one entry per slot of the kernel, each valid for the lanes and steps asked for as
    /// [`abi::SlotMemory`] describes, and no other thread may touch these lanes meanwhile.
    pub unsafe fn call(&self, slots: &[SlotMemory], begin: usize, end: usize, n_steps: usize) -> bool {
        // SAFETY: forwarded from the caller.
        unsafe { self.call_with(std::ptr::null(), slots, begin, end, n_steps) }
    }

    /// Returns when a slot of random bits must be filled.
    pub fn need(&self, slot: Slot) -> Need {
        match self {
            KernelFn::Compiled(f) => f.need(slot),
            KernelFn::Interpreted(_) => Need::Before,
        }
    }

    /// Like [`KernelFn::call`], with a source for the slots that are filled on demand.
    ///
    /// # Safety
    /// As for [`KernelFn::call`]; if there are slots to be filled on demand, `draw` must point
    /// to what fills all of them.
    pub unsafe fn call_with(
        &self,
        draw: *const Draw,
        slots: &[SlotMemory],
        begin: usize,
        end: usize,
        n_steps: usize,
    ) -> bool {
        match self {
            KernelFn::Compiled(f) => {
                let mut args = Args { slots: slots.as_ptr(), draw, status: [0; 2] };
                // SAFETY: forwarded from the caller.
                unsafe { f.call(&mut args, begin, end, n_steps) };
                args.finite(f.precision())
            }
            KernelFn::Interpreted(kernel) => {
                let mut scratch = Vec::new();
                let mut finite = true;
                for lane in begin..end {
                    for step in 0..n_steps {
                        let mut memory = abi::LaneMemory { kernel, slots, lane, step };
                        interp::run(kernel, &mut memory, &mut scratch);
                    }
                    finite &= abi::LaneMemory { kernel, slots, lane, step: 0 }.states_finite();
                }
                finite
            }
        }
    }
}
