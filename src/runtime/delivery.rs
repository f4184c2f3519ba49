//! Synapses in compressed rows, one set of rows per range of targets, and delivery of events along them.
//!
//! Within a row synapses are sorted by delay, then target. Each target belongs to one range, so the order in which
//! weights are added to it does not depend on the number of ranges.

use crate::ir::Precision;
use crate::plan::{Column, Delay, Projection};

/// Weights of one partition.
pub enum Weights {
    /// All the same.
    Const(f64),
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
}

/// The synapses whose targets lie in one range.
pub struct Rows {
    /// Row `i` is `start[i] .. start[i + 1]`.
    start: Vec<u32>,
    targets: Vec<u32>,
    weights: Weights,
    delays: DelaySteps,
}

enum DelaySteps {
    Const(u32),
    Array(Vec<u16>),
}

/// Where arriving weights are summed: `[slot][lane]`.
pub struct Ring {
    /// The sums.
    pub buffer: super::Buffer,
    /// Lanes per slot.
    pub lanes: usize,
    /// Slots.
    pub slots: usize,
}

/// A ring as seen by one thread, which only touches its own lanes.
#[derive(Clone, Copy)]
pub struct RingPointer {
    base: *mut u8,
    lanes: usize,
    slots: usize,
}

// SAFETY: threads write disjoint lanes, see `Rows::deliver`.
unsafe impl Send for RingPointer {}
// SAFETY: as above.
unsafe impl Sync for RingPointer {}

impl Ring {
    /// Creates a ring of zeros.
    pub fn new(lanes: usize, slots: usize, precision: Precision) -> Ring {
        Ring { buffer: super::Buffer::new(lanes * slots, precision), lanes, slots }
    }

    /// Returns a pointer for delivery, good as long as the ring lives.
    pub fn pointer(&mut self) -> RingPointer {
        RingPointer { base: self.buffer.as_mut_ptr(), lanes: self.lanes, slots: self.slots }
    }

    /// Returns the address of a step's sums.
    pub fn at(&mut self, step: u64) -> *mut u8 {
        let slot = (step % self.slots as u64) as usize;
        let bytes = self.lanes * self.buffer.precision().bytes();
        // SAFETY: the slot lies within the ring.
        unsafe { self.buffer.as_mut_ptr().add(slot * bytes) }
    }
}

impl Rows {
    /// Builds the rows of the targets in `range` (cells of the target population).
    pub fn build(p: &Projection, range: std::ops::Range<usize>, precision: Precision) -> Rows {
        let mine = |e: &crate::plan::Edge| range.contains(&(e.post as usize));
        let mut start = vec![0u32; p.pre.n + 1];
        let first = p.pre.start as u32;
        for e in p.pairs.listed().iter().filter(|e| mine(e)) {
            start[(e.pre - first) as usize + 1] += 1;
        }
        for i in 0..p.pre.n {
            start[i + 1] += start[i];
        }
        let mut next = start.clone();
        let mut order = vec![0u32; start[p.pre.n] as usize];
        for (k, e) in p.pairs.listed().iter().enumerate().filter(|(_, e)| mine(e)) {
            let row = (e.pre - first) as usize;
            order[next[row] as usize] = k as u32;
            next[row] += 1;
        }
        let delay = |k: u32| match &p.delay {
            Delay::Const(_) => 0,
            Delay::Array(a) => a[k as usize],
        };
        for i in 0..p.pre.n {
            order[start[i] as usize..start[i + 1] as usize]
                .sort_by_key(|k| (delay(*k), p.pairs.listed()[*k as usize].post, *k));
        }
        let targets = order.iter().map(|k| p.pairs.listed()[*k as usize].post).collect();
        let weights = match (&p.weight, precision) {
            (Column::Const(w), _) => Weights::Const(*w),
            (Column::Array(w), Precision::F32) => Weights::F32(order.iter().map(|k| w[*k as usize] as f32).collect()),
            (Column::Array(w), Precision::F64) => Weights::F64(order.iter().map(|k| w[*k as usize]).collect()),
        };
        let delays = match &p.delay {
            Delay::Const(d) => DelaySteps::Const(*d),
            Delay::Array(a) => DelaySteps::Array(order.iter().map(|k| a[*k as usize]).collect()),
        };
        Rows { start, targets, weights, delays }
    }

    /// Returns the bytes of memory in use.
    pub fn bytes(&self) -> usize {
        let weights = match &self.weights {
            Weights::Const(_) => 0,
            Weights::F32(w) => w.len() * 4,
            Weights::F64(w) => w.len() * 8,
        };
        let delays = match &self.delays {
            DelaySteps::Const(_) => 0,
            DelaySteps::Array(d) => d.len() * 2,
        };
        self.start.len() * 4 + self.targets.len() * 4 + weights + delays
    }

    /// Adds the weights of row `i`, times `factor`, to the ring as events of step `step`.
    ///
    /// # Safety
    /// No other thread may touch the lanes of this partition's targets in this ring meanwhile.
    pub unsafe fn deliver(&self, i: usize, factor: f64, step: u64, ring: RingPointer, precision: Precision) {
        // SAFETY: forwarded from the caller; targets are below `lanes` by construction.
        unsafe {
            match precision {
                Precision::F32 => self.deliver_as::<f32>(i, factor as f32, step, ring),
                Precision::F64 => self.deliver_as::<f64>(i, factor, step, ring),
            }
        }
    }

    unsafe fn deliver_as<F: Float>(&self, i: usize, factor: F, step: u64, ring: RingPointer) {
        let (begin, end) = (self.start[i] as usize, self.start[i + 1] as usize);
        let mut k = begin;
        while k < end {
            // One run of equal delay goes to one slot.
            let (delay, stop) = match &self.delays {
                DelaySteps::Const(d) => (u64::from(*d), end),
                DelaySteps::Array(d) => {
                    let delay = d[k];
                    let mut stop = k + 1;
                    while stop < end && d[stop] == delay {
                        stop += 1;
                    }
                    (u64::from(delay), stop)
                }
            };
            let slot = ((step + delay) % ring.slots as u64) as usize;
            // SAFETY: `slot < slots`, targets are below `lanes`, and the caller owns these lanes.
            unsafe {
                let base = ring.base.cast::<F>().add(slot * ring.lanes);
                let targets = &self.targets[k..stop];
                match F::weights(&self.weights) {
                    Ok(weights) => {
                        for (t, w) in targets.iter().zip(&weights[k..stop]) {
                            *base.add(*t as usize) = *base.add(*t as usize) + *w * factor;
                        }
                    }
                    Err(w) => {
                        let w = w * factor;
                        for t in targets {
                            *base.add(*t as usize) = *base.add(*t as usize) + w;
                        }
                    }
                }
            }
            k = stop;
        }
    }
}

/// The two precisions of sums.
trait Float: Copy + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self> {
    fn weights(w: &Weights) -> Result<&[Self], Self>;
}

impl Float for f32 {
    fn weights(w: &Weights) -> Result<&[f32], f32> {
        match w {
            Weights::F32(w) => Ok(w),
            Weights::Const(w) => Err(*w as f32),
            Weights::F64(_) => crate::ice!("weights of another precision"),
        }
    }
}

impl Float for f64 {
    fn weights(w: &Weights) -> Result<&[f64], f64> {
        match w {
            Weights::F64(w) => Ok(w),
            Weights::Const(w) => Err(*w),
            Weights::F32(_) => crate::ice!("weights of another precision"),
        }
    }
}

impl RingPointer {
    /// Adds values to lanes of a step's slot, one after the other.
    ///
    /// # Safety
    /// As for [`RingPointer::add`], for every lane.
    pub unsafe fn add_all(&self, step: u64, lanes: impl Iterator<Item = usize>, values: &super::Buffer) {
        let slot = (step % self.slots as u64) as usize * self.lanes;
        // SAFETY: the slot is below `slots`, the lanes are the caller's promise.
        unsafe {
            match values.precision() {
                Precision::F32 => {
                    let base = self.base.cast::<f32>().add(slot);
                    values.f32().iter().zip(lanes).for_each(|(v, lane)| *base.add(lane) += v);
                }
                Precision::F64 => {
                    let base = self.base.cast::<f64>().add(slot);
                    values.f64().iter().zip(lanes).for_each(|(v, lane)| *base.add(lane) += v);
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
        let first = (step % self.slots as u64) as usize * self.lanes * precision.bytes();
        // SAFETY: the slot is below `slots`.
        SlotPointer { base: unsafe { self.base.add(first) }, precision }
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
