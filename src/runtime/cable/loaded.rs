//! A kernel of all segments of a cable, and the memory of what only it reads.

use super::vector::Float;
use crate::codegen::abi::SlotMemory;
use crate::hir::VarId;
use crate::image::{Bound, CableSlot, Listing, Target};
use crate::ir::Precision;
use crate::plan::Lanes;
use crate::rng::Stream;
use crate::runtime::bits;
use crate::runtime::buffer::Buffer;
use crate::runtime::clock::LaneClocks;
use std::collections::BTreeMap;
use std::ops::Range;

/// A kernel and the memory of what is neither a state nor what kernels tell each other.
pub struct Loaded {
    /// The kernel.
    pub kernel: Bound<CableSlot>,
    own: Vec<Option<Buffer>>,
    /// Slots of random bits, and where these come from.
    random: Vec<(usize, Stream)>,
    /// Slots that have what the kernel reads of the cells.
    of_cells: Vec<(usize, VarId)>,
    clocks: LaneClocks,
    precision: Precision,
}

/// What random streams of segments are derived for.
const SEGMENTS: u32 = 0x7365_676d;

impl Loaded {
    /// Allocates memory for some lanes of the n-th cable; noise is drawn from streams that are derived from one of the population.
    pub fn new(kernel: Bound<CableSlot>, cable: usize, lanes: usize, target: &Target, stream: Stream) -> Loaded {
        let precision = target.precision;
        let own = |slot: &CableSlot| match slot {
            CableSlot::Lane(values) => Some(Buffer::repeating(lanes, precision, values)),
            CableSlot::Random(..) | CableSlot::OfCell(_) | CableSlot::Time | CableSlot::Clock(_) => {
                Some(Buffer::new(lanes, precision))
            }
            _ => None,
        };
        let stream = stream.derived(cable as u32, SEGMENTS);
        let (mut random, mut of_cells) = (Vec::new(), Vec::new());
        for (at, slot) in kernel.slots().iter().enumerate() {
            match slot {
                CableSlot::Random(k, second) => random.push((at, stream.derived(2 * k + u32::from(*second), SEGMENTS))),
                CableSlot::OfCell(v) => of_cells.push((at, *v)),
                _ => {}
            }
        }
        let clocks = kernel.slots().iter().enumerate().filter_map(|(at, slot)| match slot {
            CableSlot::Clock(clock) => Some((at, &**clock)),
            _ => None,
        });
        let clocks = LaneClocks::new(clocks, lanes, target.backend);
        Loaded { own: kernel.slots().iter().map(own).collect(), kernel, random, of_cells, clocks, precision }
    }

    /// Returns the kernels.
    pub fn listings(&self) -> impl Iterator<Item = Listing> {
        std::iter::once(self.kernel.listing()).chain(self.clocks.listings())
    }

    /// Sets the time at the beginning of a step, and what follows from it.
    pub fn set_time(&mut self, t: f64) {
        for (slot, own) in self.kernel.slots().iter().zip(&mut self.own) {
            match (slot, own) {
                (CableSlot::Time, Some(own)) => own.set(0, t),
                (CableSlot::Clock(clock), Some(own)) if clock.is_uniform() => own.set(0, clock.at(t, 0)),
                _ => {}
            }
        }
        self.clocks.fill(t, 0, &mut self.own);
    }

    /// Describes the memory of all lanes; `sums(port)` is where the sums of what arrives are.
    pub fn table(
        &mut self,
        states: &mut BTreeMap<VarId, Buffer>,
        out: &mut [Buffer],
        sums: &dyn Fn(VarId) -> *mut u8,
    ) -> Vec<SlotMemory> {
        let memory = |(slot, own): (&CableSlot, &mut Option<Buffer>)| {
            let buffer = match slot {
                CableSlot::Arrival(port) => {
                    let at = sums(*port);
                    return SlotMemory { input: at, output: at, stride: 0 };
                }
                CableSlot::State(v) => states.get_mut(v),
                CableSlot::Conductance => out.get_mut(0),
                CableSlot::Current => out.get_mut(1),
                CableSlot::WholeConductance => out.get_mut(2),
                CableSlot::WholeCurrent => out.get_mut(3),
                _ => own.as_mut(),
            };
            buffer.unwrap_or_else(|| crate::ice!("cable slot without memory")).in_place()
        };
        self.kernel.slots().iter().zip(&mut self.own).map(memory).collect()
    }

    /// Runs the kernel on some groups of cells in a step, with random bits of that step and `values` of the cells; returns whether all states
    /// are finite.
    ///
    /// # Safety
    /// The table must have memory for all lanes of these groups, which no other thread touches.
    pub unsafe fn run<F: Float>(
        &self,
        table: &[SlotMemory],
        step: u64,
        values: &[(VarId, Vec<f64>)],
        (lanes, groups): (Lanes, &Range<usize>),
    ) -> bool {
        let range = lanes.of_group(groups.start).start..lanes.of_group(groups.end - 1).end;
        // SAFETY: the caller's promise; groups that are followed by others begin and end at multiples of sixteen.
        unsafe {
            for (slot, var) in &self.of_cells {
                let Some((_, values)) = values.iter().find(|(v, _)| v == var) else {
                    crate::ice!("a kernel reads what nobody told it");
                };
                groups.clone().for_each(|group| spread::<F>(table[*slot].input.cast(), values, lanes, group));
            }
            for (slot, stream) in &self.random {
                bits::fill(stream, step, table[*slot].input, range.clone(), self.precision);
            }
            self.kernel.function().call(table, range.start, range.end, 1)
        }
    }
}

/// Gives all segments of a group the values of its cells.
///
/// # Safety
/// There must be room for all lanes of the group from `to` on, which no other thread touches.
unsafe fn spread<F: Float>(to: *mut F, values: &[f64], lanes: Lanes, group: usize) {
    let side_by_side = lanes.side_by_side();
    let values = &values[group * side_by_side..][..side_by_side];
    for (place, value) in lanes.of_group(group).zip(values.iter().cycle()) {
        // SAFETY: the caller's promise.
        unsafe { *to.add(place) = F::of(*value) };
    }
}
