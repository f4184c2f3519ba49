//! Where arriving weights are summed until the step at which they act.

use super::Buffer;
use super::exchange::{Layout, Worker};
use super::memory::too_many;
use crate::ir::Precision;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where arriving weights are summed: `[slot][lane]`.
pub struct Ring {
    /// The sums.
    pub buffer: Buffer,
    /// Lanes per slot.
    pub lanes: usize,
    /// How many of them sixteen cells have.
    pub unit: usize,
    /// Slots.
    pub slots: usize,
    /// By slot: whether anything was added since it was last forgotten.
    used: Box<[AtomicBool]>,
}

/// A ring as seen by one thread, which only touches its own lanes.
#[derive(Clone, Copy, PartialEq)]
pub struct RingPointer {
    base: *mut u8,
    lanes: usize,
    unit: usize,
    slots: usize,
    used: *const AtomicBool,
}

// SAFETY: threads write disjoint lanes.
unsafe impl Send for RingPointer {}
// SAFETY: threads that share a pointer write disjoint lanes, and read none of others.
unsafe impl Sync for RingPointer {}

impl Ring {
    /// Creates a ring of zeros with lanes of which sixteen cells have a unit.
    pub fn new((lanes, unit): (usize, usize), slots: usize, precision: Precision) -> Ring {
        let n = lanes.checked_mul(slots).unwrap_or_else(|| too_many(lanes));
        let used = (0..slots).map(|_| AtomicBool::new(false)).collect();
        Ring { buffer: Buffer::new(n, precision), lanes, unit, slots, used }
    }

    /// Returns a pointer for delivery, good as long as the ring lives.
    pub fn pointer(&mut self) -> RingPointer {
        let Ring { lanes, unit, slots, .. } = *self;
        RingPointer { base: self.buffer.as_mut_ptr(), lanes, unit, slots, used: self.used.as_ptr() }
    }

    /// Returns how the sums lie: a row for each slot.
    pub fn layout(&self) -> Layout {
        Layout { lanes: self.lanes, unit: self.unit, size: self.buffer.precision().bytes() }
    }

    /// Takes everything for used: the sums have been put back.
    pub fn use_all(&mut self) {
        self.used.iter_mut().for_each(|used| *used.get_mut() = true);
    }

    /// Notes that the sums of a step are used up.
    pub fn forget(&mut self, step: u64) {
        *self.used[(step % self.slots as u64) as usize].get_mut() = false;
    }

    /// Returns the address of a step's sums.
    pub fn at(&mut self, step: u64) -> *mut u8 {
        let slot = (step % self.slots as u64) as usize;
        let bytes = self.lanes * self.buffer.precision().bytes();
        // SAFETY: the slot lies within the ring.
        unsafe { self.buffer.as_mut_ptr().add(slot * bytes) }
    }
}

impl RingPointer {
    /// Returns the lanes of a thread's cells.
    pub fn share(&self, worker: Worker) -> std::ops::Range<usize> {
        worker.share_of(self.lanes, self.unit)
    }

    /// Returns whether anything was added to a step's sums; each thread asks about its own lanes.
    pub fn is_used(&self, step: u64) -> bool {
        // SAFETY: there is one for each slot, as long as the ring lives.
        unsafe { (*self.used.add((step % self.slots as u64) as usize)).load(Ordering::Relaxed) }
    }

    /// Returns the slot of a step, to which something will be added.
    fn using(&self, step: u64) -> usize {
        let slot = (step % self.slots as u64) as usize;
        // SAFETY: as above.
        unsafe { (*self.used.add(slot)).store(true, Ordering::Relaxed) };
        slot
    }

    /// Returns the address of a lane's sum at a step, of the ring's precision.
    pub fn lane<F>(&self, step: u64, lane: usize) -> *mut F {
        let slot = self.using(step);
        // SAFETY: the slot is below `slots`, the lane at most the number of lanes.
        unsafe { self.base.cast::<F>().add(slot * self.lanes + lane.min(self.lanes)) }
    }

    /// Adds some consecutive values to lanes of a step's slot, one after the other.
    ///
    /// # Safety
    /// As for [`RingPointer::add`], for every lane.
    pub unsafe fn add_all(
        &self,
        step: u64,
        lanes: impl Iterator<Item = usize>,
        values: &Buffer,
        which: std::ops::Range<usize>,
    ) {
        let slot = self.using(step) * self.lanes;
        // SAFETY: the slot is below `slots`, the lanes are the caller's promise.
        unsafe {
            match values.precision() {
                Precision::F32 => {
                    let base = self.base.cast::<f32>().add(slot);
                    values.f32()[which].iter().zip(lanes).for_each(|(v, lane)| *base.add(lane) += v);
                }
                Precision::F64 => {
                    let base = self.base.cast::<f64>().add(slot);
                    values.f64()[which].iter().zip(lanes).for_each(|(v, lane)| *base.add(lane) += v);
                }
            }
        }
    }

    /// Adds rows of `n` values, each from a place on, one after the other to the same consecutive lanes of a step's slot.
    ///
    /// # Safety
    /// As for [`RingPointer::add`], for every lane.
    pub unsafe fn add_rows(
        &self,
        step: u64,
        first: usize,
        values: &Buffer,
        rows: impl Iterator<Item = usize> + Clone,
        n: usize,
    ) {
        // SAFETY: the lanes are the caller's promise.
        unsafe {
            match values.precision() {
                Precision::F32 => {
                    let to = std::slice::from_raw_parts_mut(self.lane::<f32>(step, first), n);
                    add_rows(to, values.f32(), rows);
                }
                Precision::F64 => {
                    let to = std::slice::from_raw_parts_mut(self.lane::<f64>(step, first), n);
                    add_rows(to, values.f64(), rows);
                }
            }
        }
    }

    /// Adds to one lane of a step's slot.
    ///
    /// # Safety
    /// `lane` must be below the number of lanes and no other thread may touch it meanwhile.
    pub unsafe fn add(&self, step: u64, lane: usize, value: f64, precision: Precision) {
        // SAFETY: the caller's promise.
        unsafe { self.slot(step, precision).add(lane, value) }
    }

    /// Makes the sums of some steps, which do not wrap, free for later events, in some lanes.
    ///
    /// # Safety
    /// No other thread may touch these lanes meanwhile.
    pub unsafe fn clear(&self, step: u64, m: usize, lanes: std::ops::Range<usize>, precision: Precision) {
        let size = precision.bytes();
        for s in 0..m {
            let first = ((step + s as u64) % self.slots as u64) as usize * self.lanes + lanes.start;
            // SAFETY: the slot is below `slots`, the lanes are the caller's.
            unsafe { self.base.add(first * size).write_bytes(0, lanes.len() * size) };
        }
    }

    /// Returns the sums of one step.
    pub fn slot(&self, step: u64, precision: Precision) -> SlotPointer {
        let first = self.using(step) * self.lanes * precision.bytes();
        // SAFETY: the slot is below `slots`.
        SlotPointer { base: unsafe { self.base.add(first) }, precision }
    }
}

/// Sums that stay in registers while the rows pass.
const AT_ONCE: usize = 16;

fn add_rows<T: Copy + std::ops::AddAssign>(to: &mut [T], values: &[T], rows: impl Iterator<Item = usize> + Clone) {
    let n = to.len();
    let (whole, rest) = to.as_chunks_mut::<AT_ONCE>();
    let begin = whole.len() * AT_ONCE;
    for (k, to) in whole.iter_mut().enumerate() {
        let mut sums = *to;
        for row in rows.clone() {
            let values = &values[row + k * AT_ONCE..][..AT_ONCE];
            sums.iter_mut().zip(values).for_each(|(sum, v)| *sum += *v);
        }
        *to = sums;
    }
    for row in rows {
        rest.iter_mut().zip(&values[row + begin..row + n]).for_each(|(sum, v)| *sum += *v);
    }
}

/// The sums of one step in a ring.
#[derive(Clone, Copy)]
pub struct SlotPointer {
    base: *mut u8,
    precision: Precision,
}

impl SlotPointer {
    /// Returns the address of the sums if they are of single precision.
    pub fn f32(&self) -> Option<*mut f32> {
        (self.precision == Precision::F32).then_some(self.base.cast())
    }

    /// Adds to one lane.
    ///
    /// # Safety
    /// As for [`RingPointer::add`].
    #[inline(always)]
    pub unsafe fn add(&self, lane: usize, value: f64) {
        // SAFETY: the lane is the caller's promise.
        unsafe {
            match self.precision {
                Precision::F32 => *self.base.cast::<f32>().add(lane) += value as f32,
                Precision::F64 => *self.base.cast::<f64>().add(lane) += value,
            }
        }
    }
}
