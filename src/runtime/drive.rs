//! Drives: random events and given spikes.
//!
//! Where a cell expects few events in a step, the number of events in a block of cells is drawn, then the cell of each: the sum
//! of independent Poisson processes is one whose events fall on cells uniformly, that of Bernoulli processes a binomial number
//! whose events fall on different cells. Else the number for each cell is drawn by inversion of the cumulative distribution.

mod dense;

use self::dense::Dense;
use super::ring::{RingPointer, SlotPointer};
use super::simulation::TimeFunction;
use crate::ir::Precision;
use crate::plan::{Column, Drive, DriveKind};
use crate::rng::{BATCH, Stream, blocks};
use crate::syntax::ast::Process;
use std::ops::Range;

/// A drive ready to run.
pub struct RunningDrive {
    /// The plan.
    pub plan: Drive,
    /// Where its events go.
    ring: RingPointer,
    stream: Stream,
    dt: f64,
    /// Distributions of rates that all cells share: one, or one per step of a pass.
    shared: Vec<Distribution>,
}

/// The distribution of the number of events in a step.
#[derive(Default)]
struct Distribution {
    expected: f64,
    /// Thresholds of the cumulative distribution in units of 2^-32; none if too many are expected.
    table: Vec<u32>,
    /// The same for the sum over a block of cells, if few events are expected of each.
    block: Vec<u32>,
    /// How many thresholds of the block are surely not above a word, by its highest byte.
    guide: Vec<u8>,
}

/// Up to this expected count events are drawn block by block.
const RARE: f64 = 0.25;

/// Cells of a block, at most; a byte tells one of them.
const LARGEST_BLOCK: usize = 256;

/// Expected counts above this are drawn as sums of smaller ones.
const LARGEST: f64 = 30.0;

/// Random words of a block that are drawn at once: the number of events, and the cells of the first ones.
const WORDS: usize = 8;

/// Returns the thresholds `2^32 P(k <= j)`; a draw is the number of thresholds not above the random word. The number is that
/// of `cells` processes with an expected count each.
fn thresholds(process: Process, expected: f64, cells: usize) -> Vec<u32> {
    let n = cells as f64;
    let first = match process {
        Process::Poisson => (-expected * n).exp(),
        Process::Bernoulli => (1.0 - expected).powf(n),
    };
    // P(k) / P(k - 1)
    let ratio = |k: f64| match process {
        Process::Poisson => expected * n / k,
        Process::Bernoulli => (n - k + 1.0) / k * expected / (1.0 - expected),
    };
    let mut out = Vec::new();
    let (mut p, mut sum, mut k) = (first, first, 0.0);
    while sum < 1.0 - 1e-12 && out.len() < 256 {
        let t = sum * 4_294_967_296.0;
        if t >= 4_294_967_295.0 {
            break;
        }
        out.push(t as u32);
        k += 1.0;
        p *= ratio(k);
        sum += p;
    }
    out
}

impl RunningDrive {
    /// Prepares a drive; `index` separates the random streams of a network's drives.
    pub fn new(plan: Drive, ring: RingPointer, seed: u64, index: usize, dt: f64) -> RunningDrive {
        RunningDrive { plan, ring, dt, stream: Stream::new(seed, 0x4000_0000 + index as u32), shared: Vec::new() }
    }

    /// Prepares a pass of `m` steps; `rates` are the network's time functions, in events per internal time unit.
    pub fn prepare(&mut self, rates: &[TimeFunction], step: u64, m: usize) {
        let block = block_of(self.plan.post.n);
        match self.plan.kind {
            DriveKind::Random(process, Column::Const(rate)) if self.shared.is_empty() => {
                self.shared.push(Distribution::default());
                self.shared[0].set(process, rate * self.dt, block);
            }
            DriveKind::RandomOf(process, f) => {
                self.shared.resize_with(m, Distribution::default);
                for (s, d) in self.shared.iter_mut().enumerate() {
                    let rate = rates[f]((step + s as u64) as f64 * self.dt).max(0.0);
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

    /// Returns the drive's cells within some lanes of the population.
    fn cells(&self, lanes: &Range<usize>) -> Range<usize> {
        let view = self.plan.post;
        let begin = lanes.start.max(view.start);
        begin - view.start..lanes.end.min(view.start + view.n).max(begin) - view.start
    }

    /// Adds the events of one block, for the given cells; `words` are the first random words of the block.
    ///
    /// # Safety
    /// No other thread may touch these cells' lanes of the slot meanwhile.
    unsafe fn add_block(
        &self,
        d: &Distribution,
        step: u64,
        (b, words): (usize, &[u32; WORDS]),
        cells: &Range<usize>,
        slot: SlotPointer,
    ) {
        let size = block_of(self.plan.post.n);
        let mut count = usize::from(d.guide[(words[0] >> 24) as usize]);
        while d.block.get(count).is_some_and(|t| words[0] >= *t) {
            count += 1;
        }
        let first = b * size;
        // The first word told the number, each byte of the others tells a cell.
        let more = |k: usize| self.stream.block(step, item(b, k));
        let drawn = Drawn { bytes: bytes_of(words), at: 4, mask: (size - 1) as u8, more };
        // The part of the block that is ours.
        let part = cells.start.max(first) - first..cells.end.min(first + size) - first;
        let single = self.process() == Some(Process::Bernoulli);
        let at = self.plan.post.start + first;
        match (slot.f32(), &self.plan.weight) {
            (Some(sums), Column::Const(w)) => {
                let w = *w as f32;
                // SAFETY: the cell lies in the caller's range.
                drawn.events(count, single, &part, |c| unsafe { *sums.add(at + c) += w });
            }
            // SAFETY: as above.
            (_, weight) => drawn.events(count, single, &part, |c| unsafe { slot.add(at + c, weight.at(first + c)) }),
        }
    }

    /// Adds the events of the pass's step `s` to the ring, for cells of this drive within `lanes` of the population, unless they
    /// are drawn block by block.
    ///
    /// # Safety
    /// No other thread may touch these lanes of the ring meanwhile.
    unsafe fn run(&self, step: u64, s: usize, lanes: &Range<usize>, precision: Precision, scratch: &mut Vec<u32>) {
        let (view, ring) = (self.plan.post, self.ring);
        let cells = self.cells(lanes);
        if cells.is_empty() {
            return;
        }
        if let DriveKind::Spikes(list) = &self.plan.kind {
            let from = list.partition_point(|(s, _, _)| *s < step);
            for (_, cell, weight) in list[from..].iter().take_while(|(s, _, _)| *s == step) {
                let told = match cell {
                    Some(c) => *c as usize..*c as usize + 1,
                    None => 0..view.n,
                };
                for c in told.filter(|c| cells.contains(c)) {
                    // SAFETY: the cell lies in the caller's range.
                    unsafe { ring.add(step, view.start + c, weight * self.plan.weight.at(c), precision) };
                }
            }
            return;
        }
        if self.rare(s).is_some() {
            return;
        }
        let (begin, end) = (view.start + cells.start, view.start + cells.end);
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
                let lane = (begin + i) as u64;
                self.stream.reader(step.wrapping_mul(0x1_0000_0000).wrapping_add(lane) | 1 << 62).bits() as u16
            };
            let dense = Dense { table: &d.table, upper, lower };
            // SAFETY: the lanes are the caller's, and of the ring's precision.
            unsafe {
                match precision {
                    Precision::F32 => {
                        let sums = std::slice::from_raw_parts_mut(ring.lane::<f32>(step, begin), upper.len());
                        dense.add_f32(w as f32, sums);
                    }
                    Precision::F64 => {
                        let sums = std::slice::from_raw_parts_mut(ring.lane::<f64>(step, begin), upper.len());
                        dense.add_f64(w, sums);
                    }
                }
            }
            return;
        }
        let first = begin / 4;
        scratch.resize(end - first * 4, 0);
        self.stream.fill(step, first as u32, scratch);
        for lane in begin..end {
            let cell = lane - view.start;
            let word = scratch[lane - first * 4];
            let count = match &self.plan.kind {
                DriveKind::Random(Process::Poisson, Column::Array(rates)) => {
                    individual(word, rates[cell] * self.dt, &self.stream, step, lane)
                }
                DriveKind::Random(Process::Bernoulli, Column::Array(rates)) => {
                    u32::from(f64::from(word) < rates[cell] * self.dt * 4_294_967_296.0)
                }
                _ => self.shared[s.min(self.shared.len() - 1)].count(word, &self.stream, step, lane),
            };
            if count > 0 {
                // SAFETY: `lane` lies in the caller's range.
                unsafe { ring.add(step, lane, f64::from(count) * self.plan.weight.at(cell), precision) };
            }
        }
    }
}

/// Adds the events of all drives of a population at step `s` of a pass, for some of its lanes.
///
/// # Safety
/// No other thread may touch these lanes of the population's rings meanwhile.
pub unsafe fn run_all(
    drives: &[RunningDrive],
    step: u64,
    s: usize,
    lanes: &Range<usize>,
    precision: Precision,
    scratch: &mut Vec<u32>,
) {
    // Blocks of all drives wait until the words of several can be drawn at once; whoever owns a part of a block draws all of
    // it and keeps its own.
    const TOGETHER: usize = BATCH * 4 / WORDS;
    let mut waiting = [(0usize, 0usize); TOGETHER];
    let mut n = 0;
    let run = |waiting: &[(usize, usize)]| {
        if waiting.is_empty() {
            return;
        }
        let mut streams = [Stream::new(0, 0); BATCH];
        let mut items = [0u32; BATCH];
        for (k, (d, b)) in waiting.iter().enumerate() {
            for j in 0..WORDS / 4 {
                streams[k * (WORDS / 4) + j] = drives[*d].stream;
                items[k * (WORDS / 4) + j] = item(*b, j);
            }
        }
        let words = blocks(&streams, step, &items);
        for (k, (index, b)) in waiting.iter().enumerate() {
            let d = &drives[*index];
            let mut own = [0u32; WORDS];
            for (j, word) in own.iter_mut().enumerate() {
                *word = words[j % 4][k * (WORDS / 4) + j / 4];
            }
            if let Some(distribution) = d.rare(s) {
                let slot = d.ring.slot(step, precision);
                // SAFETY: the caller's promise.
                unsafe { d.add_block(distribution, step, (*b, &own), &d.cells(lanes), slot) };
            }
        }
    };
    for (index, d) in drives.iter().enumerate() {
        let cells = d.cells(lanes);
        if cells.is_empty() {
            continue;
        }
        if d.rare(s).is_none() {
            // Sums are in the order of drives, whatever is drawn together.
            run(&waiting[..n]);
            n = 0;
            // SAFETY: the caller's promise.
            unsafe { d.run(step, s, lanes, precision, scratch) };
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

/// Random bytes of a block, each of which tells a cell.
struct Drawn<M: Fn(usize) -> [u32; 4]> {
    bytes: [u8; 4 * WORDS],
    /// The next byte.
    at: usize,
    mask: u8,
    /// Draws the words from the `4 k`-th on.
    more: M,
}

impl<M: Fn(usize) -> [u32; 4]> Drawn<M> {
    #[inline(always)]
    fn cell(&mut self) -> usize {
        let i = self.at % (4 * WORDS);
        if i == 0 {
            let k = self.at / 16;
            let mut words = [0; WORDS];
            words[..4].copy_from_slice(&(self.more)(k));
            words[4..].copy_from_slice(&(self.more)(k + 1));
            self.bytes = bytes_of(&words);
        }
        self.at += 1;
        usize::from(self.bytes[i] & self.mask)
    }

    /// Calls `add` for so many cells of the block, different ones if each has one event at most, that lie in a part of it.
    #[inline(always)]
    fn events(mut self, count: usize, single: bool, part: &Range<usize>, mut add: impl FnMut(usize)) {
        if !single {
            for _ in 0..count {
                let cell = self.cell();
                if part.contains(&cell) {
                    add(cell);
                }
            }
            return;
        }
        let mut taken = [false; LARGEST_BLOCK];
        let mut left = count;
        while left > 0 {
            let cell = self.cell();
            if std::mem::replace(&mut taken[cell], true) {
                continue;
            }
            left -= 1;
            if part.contains(&cell) {
                add(cell);
            }
        }
    }
}

fn bytes_of(words: &[u32; WORDS]) -> [u8; 4 * WORDS] {
    let mut out = [0; 4 * WORDS];
    out.chunks_exact_mut(4).zip(words).for_each(|(bytes, w)| bytes.copy_from_slice(&w.to_le_bytes()));
    out
}

/// The counter of a block's random words, four at a time.
fn item(b: usize, k: usize) -> u32 {
    1 << 31 | (b as u32) << 8 | k as u32
}

impl Distribution {
    fn set(&mut self, process: Process, expected: f64, block: usize) {
        if expected == self.expected && !self.table.is_empty() {
            return;
        }
        self.expected = if process == Process::Bernoulli { expected.min(1.0) } else { expected };
        self.block = if expected > RARE { Vec::new() } else { thresholds(process, expected, block) };
        let below = |byte: u32| self.block.partition_point(|t| byte << 24 >= *t).min(255) as u8;
        self.guide = (0..256).map(below).collect();
        self.table = match process {
            Process::Poisson if expected > LARGEST => Vec::new(),
            Process::Poisson => thresholds(process, expected, 1),
            Process::Bernoulli => vec![((1.0 - self.expected) * 4_294_967_296.0) as u32],
        };
    }

    fn count(&self, word: u32, stream: &Stream, step: u64, lane: usize) -> u32 {
        if self.expected > LARGEST {
            return individual(word, self.expected, stream, step, lane);
        }
        let mut k = 0;
        while k < self.table.len() && word >= self.table[k] {
            k += 1;
        }
        k as u32
    }
}

/// Returns how many of `n` cells are drawn together.
fn block_of(n: usize) -> usize {
    n.next_power_of_two().min(LARGEST_BLOCK)
}

/// Draws for one cell with its own expected count.
fn individual(word: u32, expected: f64, stream: &Stream, step: u64, lane: usize) -> u32 {
    let mut left = expected;
    let mut u = (f64::from(word) + 0.5) / 4_294_967_296.0;
    let mut total = 0;
    let mut reader = stream.reader(step.wrapping_mul(0x1_0000_0000).wrapping_add(lane as u64) | 1 << 63);
    loop {
        let part = left.min(LARGEST);
        let mut p = (-part).exp();
        let mut k = 0;
        while u > p && k < 1000 {
            u -= p;
            k += 1;
            p *= part / f64::from(k);
        }
        total += k;
        left -= part;
        if left <= 0.0 {
            return total;
        }
        u = reader.uniform();
    }
}

#[cfg(test)]
mod tests;
