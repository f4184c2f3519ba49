//! The kernels' calling convention: one table of base pointers, a range of lanes, a number of steps.

use crate::ir::interp::Memory;
use crate::ir::{Kernel, Precision, Slot, SlotKind};

/// Where one slot lives.
///
/// `State`: `input[lane]` is read at the first step, `output[lane]` is written after the last.
/// `Lane`: `input[lane]`. `Step`: `input[step * stride + lane]`. `Uniform`: `input[step * stride]`.
/// `Out`: `output[step * stride + lane]`. `Event`: bit `lane % w` of byte `output[step * stride + lane / w]`,
/// with w lanes per byte, which depends on the back end. Strides are in bytes. Arrays have at least as
/// many lanes as are asked for; these are a multiple of 16. States of kernels with events must not be read and written in place.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SlotMemory {
    /// What is read.
    pub input: *mut u8,
    /// What is written.
    pub output: *mut u8,
    /// Bytes from step to step.
    pub stride: usize,
}

// SAFETY: the pointers are only used within `KernelFn::call`, whose contract gives each thread its own lanes.
unsafe impl Send for SlotMemory {}
// SAFETY: the pointers are only used within `KernelFn::call`, whose contract gives each thread its own lanes.
unsafe impl Sync for SlotMemory {}

/// Fills the random bits of a vector of lanes at one step, where a kernel asks for them.
#[repr(C)]
pub struct Draw {
    /// Receives this very structure, the step within the call, the first lane and the number of lanes.
    pub function: extern "C" fn(*const Draw, step: u64, lane: u64, n_lanes: u64),
}

/// What a compiled kernel receives.
#[repr(C, align(16))]
pub struct Args {
    /// One entry per slot.
    pub slots: *const SlotMemory,
    /// Source of random bits that are drawn on demand; null if there are none.
    pub draw: *const Draw,
    /// Zero, or not a number if a state is not finite.
    pub status: [u64; 2],
}

impl Args {
    /// Reads the status.
    pub fn finite(&self, precision: Precision) -> bool {
        match precision {
            Precision::F64 => self.status.iter().all(|s| !f64::from_bits(*s).is_nan()),
            Precision::F32 => self
                .status
                .iter()
                .all(|s| !f32::from_bits(*s as u32).is_nan() && !f32::from_bits((*s >> 32) as u32).is_nan()),
        }
    }
}

/// How many lanes share a byte of an event slot where the interpreter runs.
pub const INTERPRETED_LANES_PER_BYTE: usize = 8;

/// Memory as the interpreter sees it.
pub struct LaneMemory<'a> {
    /// The kernel.
    pub kernel: &'a Kernel,
    /// Its slots.
    pub slots: &'a [SlotMemory],
    /// The lane.
    pub lane: usize,
    /// The step.
    pub step: usize,
}

impl LaneMemory<'_> {
    fn read(&self, base: *const u8, index: usize) -> u64 {
        let bytes = self.kernel.precision.bytes();
        // SAFETY: the caller of `KernelFn::call` vouches for the slot's extent.
        unsafe {
            match self.kernel.precision {
                Precision::F32 => u64::from(base.add(index * bytes).cast::<u32>().read()),
                Precision::F64 => base.add(index * bytes).cast::<u64>().read(),
            }
        }
    }

    fn write(&self, base: *mut u8, index: usize, bits: u64) {
        let bytes = self.kernel.precision.bytes();
        // SAFETY: the caller of `KernelFn::call` vouches for the slot's extent.
        unsafe {
            match self.kernel.precision {
                Precision::F32 => base.add(index * bytes).cast::<u32>().write(bits as u32),
                Precision::F64 => base.add(index * bytes).cast::<u64>().write(bits),
            }
        }
    }

    /// Returns whether all states of the lane are finite.
    pub fn states_finite(&self) -> bool {
        self.kernel.slots.iter().filter(|(_, d)| d.kind == SlotKind::State).all(|(s, _)| {
            let bits = self.read(self.slots[s.as_u32() as usize].output, self.lane);
            match self.kernel.precision {
                Precision::F32 => f32::from_bits(bits as u32).is_finite(),
                Precision::F64 => f64::from_bits(bits).is_finite(),
            }
        })
    }
}

impl Memory for LaneMemory<'_> {
    fn load(&self, slot: Slot) -> u64 {
        let m = &self.slots[slot.as_u32() as usize];
        match self.kernel.slots[slot].kind {
            // After the first step, the state is what the previous step wrote.
            SlotKind::State if self.step > 0 => self.read(m.output, self.lane),
            SlotKind::State | SlotKind::Lane => self.read(m.input, self.lane),
            // SAFETY: as in `read`.
            SlotKind::Uniform => self.read(unsafe { m.input.add(self.step * m.stride) }, 0),
            // SAFETY: as in `read`.
            _ => self.read(unsafe { m.input.add(self.step * m.stride) }, self.lane),
        }
    }

    fn store(&mut self, slot: Slot, bits: u64) {
        let m = &self.slots[slot.as_u32() as usize];
        match self.kernel.slots[slot].kind {
            SlotKind::Event => {
                let w = INTERPRETED_LANES_PER_BYTE;
                // SAFETY: as in `write`.
                let byte = unsafe { &mut *m.output.add(self.step * m.stride + self.lane / w) };
                let bit = 1 << (self.lane % w);
                *byte = if bits != 0 { *byte | bit } else { *byte & !bit };
            }
            // SAFETY: as in `write`.
            SlotKind::Out => self.write(unsafe { m.output.add(self.step * m.stride) }, self.lane, bits),
            _ => self.write(m.output, self.lane, bits),
        }
    }
}
