//! Random bits of a population's kernel: filled before a pass where every step needs them, else drawn when an event does.

use super::bits;
use super::population::Loaded;
use crate::codegen::Need;
use crate::codegen::abi::{Draw, SlotMemory};
use crate::image::Binding;
use crate::ir::Precision;
use crate::rng::Stream;
use std::ops::Range;

/// The random slots of a kernel; begins with what the kernel calls.
#[repr(C)]
pub struct Noise {
    _draw: Draw,
    before: Vec<(Stream, SlotMemory)>,
    on_demand: Vec<(Stream, SlotMemory)>,
    step: u64,
    precision: Precision,
}

impl Default for Noise {
    fn default() -> Noise {
        let (before, on_demand) = (Vec::new(), Vec::new());
        Noise { _draw: Draw { function: vector }, before, on_demand, step: 0, precision: Precision::F32 }
    }
}

impl Noise {
    /// Describes the random slots of a population's kernel; `slots` is its table.
    pub fn new(loaded: &Loaded, population: usize, seed: u64, slots: &[SlotMemory], precision: Precision) -> Noise {
        let (mut before, mut on_demand) = (Vec::new(), Vec::new());
        for (slot, binding) in loaded.kernel.slots().iter().enumerate() {
            let Binding::Random(stream) = binding else { continue };
            let one = (Stream::new(seed, (population as u32 + 1) << 12 | *stream), slots[slot]);
            match loaded.kernel.need(slot) {
                Need::Before => before.push(one),
                Need::OnDemand => on_demand.push(one),
                Need::Never => {}
            }
        }
        Noise { _draw: Draw { function: vector }, before, on_demand, step: 0, precision }
    }

    /// Sets the step at which the next pass begins.
    pub fn aim(&mut self, step: u64) {
        self.step = step;
    }

    /// Returns what the kernel calls for the slots that are not filled before.
    pub fn draw(&self) -> *const Draw {
        std::ptr::from_ref(self).cast()
    }

    /// Fills the slots that every step needs, for some lanes.
    ///
    /// # Safety
    /// The slots must have room for `m` steps of all lanes; no other thread may touch these lanes.
    pub unsafe fn fill(&self, m: usize, lanes: &Range<usize>) {
        for (stream, slot) in &self.before {
            for s in 0..m {
                // SAFETY: the caller's promise; lanes are multiples of 16, so counters do not straddle.
                unsafe { self.row(stream, slot, s, lanes.clone()) };
            }
        }
    }

    /// Fills the lanes of a slot at one step of the pass.
    unsafe fn row(&self, stream: &Stream, slot: &SlotMemory, s: usize, lanes: Range<usize>) {
        // SAFETY: the caller's promise about the buffer.
        unsafe { bits::fill(stream, self.step + s as u64, slot.input.add(s * slot.stride), lanes, self.precision) }
    }
}

/// Fills all slots that are drawn on demand for one vector of lanes.
extern "C" fn vector(draw: *const Draw, step: u64, lane: u64, n_lanes: u64) {
    // SAFETY: the kernel passes on what it got, which begins a `Noise`; the lanes belong to the calling thread.
    unsafe {
        let noise = &*draw.cast::<Noise>();
        let lane = lane as usize;
        for (stream, slot) in &noise.on_demand {
            noise.row(stream, slot, step as usize, lane..lane + n_lanes as usize);
        }
    }
}
