//! Drives: random events and given spikes.
//!
//! Where a cell expects few events in a step, the number of events in a block of cells is drawn, then the cell of each: the sum
//! of independent Poisson processes is one whose events fall on cells uniformly, that of Bernoulli processes a binomial number
//! whose events fall on different cells. Else the number for each cell is drawn by inversion of the cumulative distribution.

mod dense;

use self::dense::Dense;
use super::chance::{Distribution, LARGEST, TOGETHER, block_of, individual, words_of};
use super::exchange::Worker;
use super::ring::{RingPointer, SlotPointer};
use super::time::TimeFunction;
use crate::hir::network::model::Process;
use crate::ir::Precision;
use crate::plan::{Column, Drive, DriveKind, Lanes};
use crate::rng::Stream;
use std::ops::Range;

/// A drive ready to run.
pub struct RunningDrive {
    /// The plan.
    pub plan: Drive,
    /// Where its events go.
    ring: RingPointer,
    /// The segment of the cells to which they go, and the order of these; of cables of one segment, that of the cells.
    segment: Option<(Lanes, usize)>,
    /// How many lanes all cells have.
    lanes: usize,
    stream: Stream,
    dt: f64,
    /// Distributions of rates that all cells share: one, or one per step of a pass.
    shared: Vec<Distribution>,
    /// Rates of the cells at each step of a pass, where they follow time one by one.
    single: Vec<Vec<f64>>,
}

impl RunningDrive {
    /// Prepares a drive of some of the cells of a population, which has `lanes`, or of segments of them; `index` separates the random
    /// streams of a network's drives.
    pub fn new(
        plan: Drive,
        (ring, lanes, segments): (RingPointer, usize, Option<Lanes>),
        (seed, index): (u64, usize),
        dt: f64,
    ) -> RunningDrive {
        let stream = Stream::new(seed, 0x4000_0000 + index as u32);
        let segment = segments.filter(|lanes| lanes.segments > 1).map(|lanes| (lanes, plan.segment));
        RunningDrive { plan, ring, segment, lanes, dt, stream, shared: Vec::new(), single: Vec::new() }
    }

    /// Returns where the events of one of its cells go.
    #[inline(always)]
    fn lane(&self, cell: usize) -> usize {
        let cell = self.plan.post.start + cell;
        self.segment.map_or(cell, |(lanes, segment)| lanes.of(cell, segment))
    }

    /// Prepares a pass of `m` steps; `rates` are the network's time functions, in events per internal time unit.
    pub fn prepare(&mut self, rates: &[TimeFunction], step: u64, m: usize) {
        let block = block_of(self.plan.post.n);
        match self.plan.kind {
            DriveKind::Random(process, Column::Const(rate)) if self.shared.is_empty() => {
                self.shared.push(Distribution::default());
                self.shared[0].set(process, rate * self.dt, block);
            }
            DriveKind::RandomOf(_, f) if !rates[f].is_shared() => {
                self.single.resize_with(m, Vec::new);
                for (s, values) in self.single.iter_mut().enumerate() {
                    values.resize(self.plan.post.n, 0.0);
                    rates[f].fill((step + s as u64) as f64 * self.dt, values);
                }
            }
            DriveKind::RandomOf(process, f) => {
                self.shared.resize_with(m, Distribution::default);
                for (s, d) in self.shared.iter_mut().enumerate() {
                    let rate = rates[f].at((step + s as u64) as f64 * self.dt);
                    d.set(process, rate * self.dt, block);
                }
            }
            _ => {}
        }
    }

    /// Returns the distribution at step `s` of the pass, if all cells share it and expect few events.
    fn rare(&self, s: usize) -> Option<&Distribution> {
        let d = self.shared.get(s.min(self.shared.len().wrapping_sub(1)))?;
        (!d.block.is_empty()).then_some(d)
    }

    fn process(&self) -> Option<Process> {
        match self.plan.kind {
            DriveKind::Random(process, _) | DriveKind::RandomOf(process, _) => Some(process),
            DriveKind::Spikes(_) => None,
        }
    }

    /// Returns the drive's cells whose lanes are a thread's.
    fn cells(&self, worker: Worker) -> Range<usize> {
        let (own, first) = (worker.share(self.lanes), self.plan.post.start);
        let begin = own.start.max(first);
        begin - first..own.end.min(first + self.plan.post.n).max(begin) - first
    }

    /// Adds the events of one block, for the given cells; `words` are the first random words of the block.
    ///
    /// # Safety
    /// No other thread may touch these cells' lanes of the slot meanwhile.
    unsafe fn add_block(
        &self,
        d: &Distribution,
        step: u64,
        (b, words): (usize, &[u32]),
        cells: &Range<usize>,
        slot: SlotPointer,
    ) {
        let size = block_of(self.plan.post.n);
        let first = b * size;
        // The part of the block that is ours.
        let part = cells.start.max(first) - first..cells.end.min(first + size) - first;
        let single = self.process() == Some(Process::Bernoulli);
        let (block, words) = ((&self.stream, b), (step, words));
        match (slot.f32(), &self.plan.weight) {
            (Some(sums), Column::Const(w)) if self.segment.is_none() => {
                let (w, at) = (*w as f32, self.plan.post.start + first);
                // SAFETY: the cell lies in the caller's range.
                d.in_block(block, words, size, single, &part, |c| unsafe { *sums.add(at + c) += w });
            }
            (_, weight) => {
                d.in_block(block, words, size, single, &part, |c| {
                    // SAFETY: the cell lies in the caller's range, whose lanes no other thread touches.
                    unsafe { slot.add(self.lane(first + c), weight.at(first + c)) }
                })
            }
        }
    }

    /// Adds the events of the pass's step `s` to the ring, for these cells of the drive, unless they are drawn block by block.
    ///
    /// # Safety
    /// No other thread may touch these cells' lanes of the ring meanwhile.
    unsafe fn run(&self, step: u64, s: usize, cells: Range<usize>, precision: Precision, scratch: &mut Vec<u32>) {
        let ring = self.ring;
        if let DriveKind::Spikes(list) = &self.plan.kind {
            let from = list.partition_point(|(s, _, _)| *s < step);
            for (_, cell, weight) in list[from..].iter().take_while(|(s, _, _)| *s == step) {
                let told = match cell {
                    Some(c) => *c as usize..*c as usize + 1,
                    None => 0..self.plan.post.n,
                };
                for c in told.filter(|c| cells.contains(c)) {
                    // SAFETY: the cell lies in the caller's range.
                    unsafe { ring.add(step, self.lane(c), weight * self.plan.weight.at(c), precision) };
                }
            }
            return;
        }
        if self.rare(s).is_some() {
            return;
        }
        // Segments of several cells lie side by side in groups of these.
        let together = self.segment.map_or(usize::MAX, |(lanes, _)| lanes.side_by_side());
        let mut begin = cells.start;
        while begin < cells.end {
            let left = together - (self.plan.post.start + begin) % together;
            let end = cells.end.min(begin.saturating_add(left));
            // SAFETY: the caller's promise.
            unsafe { self.draw(step, s, begin..end, precision, scratch) };
            begin = end;
        }
    }

    /// Draws the events of cells whose lanes follow one another.
    ///
    /// # Safety
    /// As for [`RunningDrive::run`].
    unsafe fn draw(&self, step: u64, s: usize, cells: Range<usize>, precision: Precision, scratch: &mut Vec<u32>) {
        let (start, ring) = (self.plan.post.start, self.ring);
        let (begin, end, at) = (start + cells.start, start + cells.end, self.lane(cells.start));
        if let Some(d) = self.shared.get(s.min(self.shared.len().wrapping_sub(1)))
            && let Column::Const(w) = self.plan.weight
            && d.expected <= LARGEST
        {
            // A word serves two lanes, a counter eight.
            let first = begin / 8 * 8;
            scratch.resize((end - first).div_ceil(2), 0);
            self.stream.fill(step, (first / 8) as u32, scratch);
            // SAFETY: the words hold twice as many halves.
            let halves = unsafe { std::slice::from_raw_parts(scratch.as_ptr().cast::<u16>(), 2 * scratch.len()) };
            let upper = &halves[begin - first..end - first];
            let lower = |i: usize| {
                let number = (begin + i) as u64;
                self.stream.reader(step.wrapping_mul(0x1_0000_0000).wrapping_add(number) | 1 << 62).bits() as u16
            };
            let dense = Dense { table: &d.table, upper, lower };
            // SAFETY: the lanes are the caller's, and of the ring's precision.
            unsafe {
                match precision {
                    Precision::F32 => {
                        let sums = std::slice::from_raw_parts_mut(ring.lane::<f32>(step, at), upper.len());
                        dense.add(w as f32, sums);
                    }
                    Precision::F64 => {
                        let sums = std::slice::from_raw_parts_mut(ring.lane::<f64>(step, at), upper.len());
                        dense.add(w, sums);
                    }
                }
            }
            return;
        }
        let first = begin / 4;
        scratch.resize(end - first * 4, 0);
        self.stream.fill(step, first as u32, scratch);
        for number in begin..end {
            let cell = number - start;
            let word = scratch[number - first * 4];
            let rate = match &self.plan.kind {
                DriveKind::Random(_, Column::Array(rates)) => Some(rates[cell]),
                DriveKind::RandomOf(..) => self.single.get(s).map(|rates| rates[cell]),
                _ => None,
            };
            let count = match (rate, self.process()) {
                (Some(rate), Some(Process::Poisson)) => individual(word, rate * self.dt, &self.stream, step, number),
                (Some(rate), Some(Process::Bernoulli)) => u32::from(f64::from(word) < rate * self.dt * 4_294_967_296.0),
                _ => self.shared[s.min(self.shared.len() - 1)].count(word, &self.stream, step, number),
            };
            if count > 0 {
                // SAFETY: the cell lies in the caller's range.
                unsafe { ring.add(step, at + number - begin, f64::from(count) * self.plan.weight.at(cell), precision) };
            }
        }
    }
}

/// Adds the events of all drives of a population at step `s` of a pass, for a thread's share of the lanes.
///
/// # Safety
/// No other thread may touch its share of the population's rings meanwhile.
pub unsafe fn run_all(
    drives: &[RunningDrive],
    step: u64,
    s: usize,
    worker: Worker,
    precision: Precision,
    scratch: &mut Vec<u32>,
) {
    // Blocks of all drives wait until the words of several can be drawn at once; whoever owns a part of a block draws all of
    // it and keeps its own.
    let mut waiting = [(0usize, 0usize); TOGETHER];
    let mut n = 0;
    let run = |waiting: &[(usize, usize)]| {
        if waiting.is_empty() {
            return;
        }
        let mut wanted = [(Stream::new(0, 0), 0); TOGETHER];
        wanted.iter_mut().zip(waiting).for_each(|(to, (d, b))| *to = (drives[*d].stream, *b));
        let words = words_of(&wanted[..waiting.len()], step);
        for ((index, b), own) in waiting.iter().zip(&words) {
            let d = &drives[*index];
            if let Some(distribution) = d.rare(s) {
                let slot = d.ring.slot(step, precision);
                // SAFETY: the caller's promise.
                unsafe { d.add_block(distribution, step, (*b, own), &d.cells(worker), slot) };
            }
        }
    };
    for (index, d) in drives.iter().enumerate() {
        let cells = d.cells(worker);
        if cells.is_empty() {
            continue;
        }
        if d.rare(s).is_none() {
            // Sums are in the order of drives, whatever is drawn together.
            run(&waiting[..n]);
            n = 0;
            // SAFETY: the caller's promise.
            unsafe { d.run(step, s, cells, precision, scratch) };
            continue;
        }
        let size = block_of(d.plan.post.n);
        for b in cells.start / size..cells.end.div_ceil(size) {
            waiting[n] = (index, b);
            n += 1;
            if n == TOGETHER {
                run(&waiting);
                n = 0;
            }
        }
    }
    run(&waiting[..n]);
}

#[cfg(test)]
mod tests;
