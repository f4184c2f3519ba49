//! Kernels as safe functions from arrays to an array.

use super::abi::SlotMemory;
use super::{Backend, KernelFn, Steps, compile};
use crate::ir::{Kernel, Precision, SlotKind};
use std::sync::Arc;

/// Lanes of a call are a multiple of this.
pub const LANES: usize = 16;

/// What a slot of the kernel reads or writes.
#[derive(Debug, Clone)]
pub enum ArraySlot {
    /// The n-th input.
    Input(usize),
    /// The same values in every call.
    Fixed(Arc<Vec<f64>>),
    /// The result.
    Out,
}

/// A compiled kernel in double precision whose slots have a value per lane.
#[derive(Clone)]
pub struct ArrayFunction {
    function: KernelFn,
    slots: Vec<ArraySlot>,
}

impl ArrayFunction {
    /// Compiles a kernel; `slots` says what each of its slots is.
    pub fn new(backend: Backend, kernel: &Kernel, slots: Vec<ArraySlot>) -> ArrayFunction {
        let in_lanes = kernel.slots.values().all(|s| matches!(s.kind, SlotKind::Lane | SlotKind::Out));
        assert!(kernel.precision == Precision::F64 && in_lanes && kernel.slots.len() == slots.len(), "not of arrays");
        ArrayFunction { function: compile(backend, kernel, Steps::One), slots }
    }

    /// Computes the result of as many lanes as `out` has; a multiple of [`LANES`], for which all inputs have values.
    pub fn call(&self, inputs: &[Vec<f64>], out: &mut [f64]) {
        let n = out.len();
        assert!(n.is_multiple_of(LANES), "lanes come in groups");
        let result = out.as_mut_ptr().cast::<u8>();
        let memory = |slot: &ArraySlot| {
            let values = match slot {
                ArraySlot::Input(k) => &inputs[*k],
                ArraySlot::Fixed(values) => &**values,
                ArraySlot::Out => return SlotMemory { input: result, output: result, stride: 0 },
            };
            assert!(values.len() >= n, "an input is too short");
            let at = values.as_ptr().cast_mut().cast::<u8>();
            SlotMemory { input: at, output: at, stride: 0 }
        };
        let table: Vec<SlotMemory> = self.slots.iter().map(memory).collect();
        // SAFETY: every slot has values for all lanes, inputs are only read, and the result is borrowed mutably.
        unsafe { self.function.call(&table, 0, n, 1) };
    }
}
