//! Functions of time that differ from cell to cell, computed in double precision for kernels in single precision.

use super::buffer::Buffer;
use crate::codegen::Backend;
use crate::codegen::abi::SlotMemory;
use crate::image::{self, Bound, Clock, Held, Listing};
use crate::ir::Precision;

/// The functions of a kernel.
pub struct LaneClocks {
    lanes: usize,
    clocks: Vec<LaneClock>,
}

/// One function: its kernel, the memory of its slots, and the slot of the population's kernel that holds its values.
struct LaneClock {
    slot: usize,
    kernel: Bound<Held>,
    memory: Vec<Buffer>,
}

impl LaneClocks {
    /// Compiles functions, each with the slot that holds it, but for those that are the same in all lanes.
    pub fn new<'a>(of: impl Iterator<Item = (usize, &'a Clock)>, lanes: usize, backend: Backend) -> LaneClocks {
        let differing = of.filter(|(_, clock)| !clock.is_uniform());
        LaneClocks {
            lanes,
            clocks: differing.map(|(slot, clock)| LaneClock::new(slot, clock, lanes, backend)).collect(),
        }
    }

    /// Returns the kernels.
    pub fn listings(&self) -> impl Iterator<Item = Listing> {
        self.clocks.iter().map(|c| c.kernel.listing())
    }

    /// Computes the values at a time as those of step `s` of a pass.
    pub fn fill(&mut self, t: f64, s: usize, own: &mut [Option<Buffer>]) {
        let lanes = self.lanes;
        for clock in &mut self.clocks {
            let to = &mut own[clock.slot];
            let values = clock.run(t, lanes);
            if let Some(to) = to {
                (0..lanes).for_each(|i| to.set(s * lanes + i, values.get(i)));
            }
        }
    }
}

impl LaneClock {
    fn new(slot: usize, clock: &Clock, lanes: usize, backend: Backend) -> LaneClock {
        let kernel = image::clock(clock, lanes, backend);
        let memory = |held: &Held| match held {
            Held::Fixed(values) => Buffer::repeating(lanes, Precision::F64, values),
            Held::Time => Buffer::new(16, Precision::F64),
            _ => Buffer::new(lanes, Precision::F64),
        };
        let memory = kernel.slots().iter().map(memory).collect();
        LaneClock { slot, kernel, memory }
    }

    fn run(&mut self, t: f64, lanes: usize) -> &Buffer {
        let mut out = 0;
        for (k, (held, memory)) in self.kernel.slots().iter().zip(&mut self.memory).enumerate() {
            match held {
                Held::Time => memory.set(0, t),
                Held::Out(_) => out = k,
                _ => {}
            }
        }
        let table: Vec<SlotMemory> = self.memory.iter_mut().map(Buffer::in_place).collect();
        // SAFETY: every slot is a buffer of at least `lanes` numbers, or of one where all lanes share it.
        unsafe { self.kernel.function().call(&table, 0, lanes, 1) };
        &self.memory[out]
    }
}
