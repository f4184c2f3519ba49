//! Drives: Poisson events and given spikes.
//!
//! Where a cell expects few events in a step, the number of events in a block of cells is drawn, then the cell of each:
//! independent Poisson processes add up to one whose events fall on cells uniformly. Else the number for each cell is
//! drawn by inversion of the cumulative distribution.

use super::delivery::RingPointer;
use super::rng::Stream;
use super::simulation::TimeFunction;
use crate::ir::Precision;
use crate::plan::{Column, Drive, DriveKind};

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

/// A Poisson distribution.
#[derive(Default)]
struct Distribution {
    expected: f64,
    /// Thresholds of the cumulative distribution in units of 2^-32; none if too many are expected.
    table: Vec<u32>,
    /// The same for the sum over a block of cells, if few events are expected of each.
    block: Vec<u32>,
}

/// Up to this expected count events are drawn block by block.
const RARE: f64 = 0.25;

/// Cells of a block, at most; a byte tells one of them.
const LARGEST_BLOCK: usize = 256;

/// Expected counts above this are drawn as sums of smaller ones.
const LARGEST: f64 = 30.0;

/// Returns the thresholds `2^32 P(k <= j)`; a draw is the number of thresholds not above the random word.
fn thresholds(expected: f64) -> Vec<u32> {
    let mut out = Vec::new();
    let mut p = (-expected).exp();
    let mut sum = p;
    let mut k = 0.0;
    while sum < 1.0 - 1e-12 && out.len() < 256 {
        let t = sum * 4_294_967_296.0;
        if t >= 4_294_967_295.0 {
            break;
        }
        out.push(t as u32);
        k += 1.0;
        p *= expected / k;
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
        if !self.shared.is_empty() && !matches!(self.plan.kind, DriveKind::PoissonOf(_)) {
            return;
        }
        let dt = self.dt;
        let expected = |s: usize| match &self.plan.kind {
            DriveKind::Poisson(Column::Const(rate)) => Some(rate * dt),
            DriveKind::PoissonOf(f) => Some(rates[*f]((step + s as u64) as f64 * dt).max(0.0) * dt),
            _ => None,
        };
        let steps = if matches!(self.plan.kind, DriveKind::PoissonOf(_)) { m } else { 1 };
        let all: Vec<f64> = (0..steps).map_while(expected).collect();
        self.shared.resize_with(all.len(), Distribution::default);
        let block = block_of(self.plan.post.n);
        for (d, expected) in self.shared.iter_mut().zip(all) {
            d.set(expected, block);
        }
    }

    /// Draws events block by block; whoever owns a part of a block draws all of it and keeps its own.
    ///
    /// # Safety
    /// As for [`RunningDrive::run`].
    unsafe fn run_blocks(
        &self,
        d: &Distribution,
        step: u64,
        lanes: std::ops::Range<usize>,
        precision: Precision,
    ) {
        let view = self.plan.post;
        let size = block_of(view.n);
        let slot = self.ring.slot(step, precision);
        let cells = lanes.start - view.start..lanes.end - view.start;
        for b in cells.start / size..cells.end.div_ceil(size) {
            let words = |k: usize| self.stream.block(step, 1 << 31 | (b as u32) << 8 | k as u32);
            let mut own = words(0);
            let count = d.block.partition_point(|t| own[0] >= *t);
            // The first word told the number, each byte of the others tells a cell.
            for event in 4..4 + count {
                if event % 16 == 0 {
                    own = words(event / 16);
                }
                let byte = own[event % 16 / 4] >> (8 * (event % 4));
                let cell = b * size + (byte as usize & (size - 1));
                if cells.contains(&cell) {
                    // SAFETY: the cell lies in the caller's range.
                    unsafe { slot.add(view.start + cell, self.plan.weight.at(cell)) };
                }
            }
        }
    }

    /// Adds the events of the pass's step `s` to the ring, for cells of this drive within `lanes` of the population.
    ///
    /// # Safety
    /// No other thread may touch these lanes of the ring meanwhile.
    pub unsafe fn run(
        &self,
        step: u64,
        s: usize,
        lanes: std::ops::Range<usize>,
        precision: Precision,
        scratch: &mut Vec<u32>,
    ) {
        let (view, ring) = (self.plan.post, self.ring);
        let (begin, end) = (lanes.start.max(view.start), lanes.end.min(view.start + view.n));
        if begin >= end {
            return;
        }
        match &self.plan.kind {
            DriveKind::Spikes(list) => {
                let from = list.partition_point(|(s, _, _)| *s < step);
                for (_, cell, weight) in list[from..].iter().take_while(|(s, _, _)| *s == step) {
                    let cells = match cell {
                        Some(c) => *c as usize..*c as usize + 1,
                        None => 0..view.n,
                    };
                    for c in cells {
                        let lane = view.start + c;
                        if (begin..end).contains(&lane) {
                            // SAFETY: `lane` lies in the caller's range.
                            unsafe { ring.add(step, lane, weight * self.plan.weight.at(c), precision) };
                        }
                    }
                }
            }
            DriveKind::Poisson(_) | DriveKind::PoissonOf(_) => {
                if let Some(d) = self.shared.get(s.min(self.shared.len().wrapping_sub(1)))
                    && !d.block.is_empty()
                {
                    // SAFETY: the caller's promise.
                    return unsafe { self.run_blocks(d, step, begin..end, precision) };
                }
                let first = begin / 4;
                scratch.resize(end - first * 4, 0);
                self.stream.fill(step, first as u32, scratch);
                for lane in begin..end {
                    let cell = lane - view.start;
                    let word = scratch[lane - first * 4];
                    let count = match &self.plan.kind {
                        DriveKind::Poisson(Column::Array(rates)) => {
                            individual(word, rates[cell] * self.dt, &self.stream, step, lane)
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
    }
}

impl Distribution {
    fn set(&mut self, expected: f64, block: usize) {
        if expected != self.expected || self.table.is_empty() {
            self.expected = expected;
            self.block = if expected > RARE { Vec::new() } else { thresholds(expected * block as f64) };
            self.table = if expected > LARGEST { Vec::new() } else { thresholds(expected) };
        }
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
mod tests {
    use super::*;

    #[test]
    fn poisson_table_has_the_right_mean_and_variance() {
        for expected in [0.05, 1.28, 12.0] {
            let table = thresholds(expected);
            let stream = Stream::new(1, 2);
            let mut words = vec![0; 200_000];
            stream.fill(0, 0, &mut words);
            let counts: Vec<f64> = words.iter().map(|w| table.iter().filter(|t| *w >= **t).count() as f64).collect();
            let mean = counts.iter().sum::<f64>() / counts.len() as f64;
            let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / counts.len() as f64;
            // Five standard errors of mean and variance of a Poisson variable.
            let n = counts.len() as f64;
            assert!((mean - expected).abs() < 5.0 * (expected / n).sqrt(), "{mean} {expected}");
            assert!((variance - expected).abs() < 5.0 * ((expected + 3.0 * expected * expected) / n).sqrt());
        }
    }

    #[test]
    fn events_by_block_are_poissonian_in_every_cell_and_whoever_draws_them() {
        use super::super::delivery::Ring;
        use crate::hir::VarId;
        use crate::plan::View;
        // 300 cells from the 16th on, of which a thread owns those below 144 and another one the rest; 5 % per step.
        let post = View { population: 0, start: 16, n: 300 };
        let (kind, port) = (DriveKind::Poisson(Column::Const(0.5)), VarId::from_u32(0));
        let plan = Drive { post, port, kind, weight: Column::Const(1.0) };
        let mut ring = Ring::new(320, 1, Precision::F32);
        let mut drive = RunningDrive::new(plan, ring.pointer(), 3, 0, 0.1);
        let mut counts = Vec::new();
        for step in 0..2000 {
            drive.prepare(&[], step, 1);
            let mut draw = |bounds: &[usize]| {
                ring.clear(0, 1);
                for share in bounds.windows(2) {
                    // SAFETY: one thread.
                    unsafe { drive.run(step, 0, share[0]..share[1], Precision::F32, &mut Vec::new()) };
                }
                (0..320).map(|lane| ring.buffer.get(lane)).collect::<Vec<f64>>()
            };
            let whole = draw(&[0, 320]);
            assert_eq!(whole, draw(&[0, 144, 320]));
            assert!(whole[..16].iter().chain(&whole[316..]).all(|x| *x == 0.0));
            counts.extend_from_slice(&whole[16..316]);
        }
        let n = counts.len() as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / n;
        let together = counts.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum::<f64>() / n;
        // Five standard errors.
        assert!((mean - 0.05).abs() < 5.0 * (0.05 / n).sqrt(), "{mean}");
        assert!((variance - 0.05).abs() < 5.0 * ((0.05 + 2.0 * 0.05 * 0.05) / n).sqrt(), "{variance}");
        assert!(together.abs() < 5.0 * 0.05 / n.sqrt(), "{together}");
        let first: f64 = counts.iter().step_by(300).sum::<f64>() / 2000.0;
        let last: f64 = counts.iter().skip(299).step_by(300).sum::<f64>() / 2000.0;
        assert!((first - 0.05).abs() < 5.0 * (0.05_f64 / 2000.0).sqrt());
        assert!((last - 0.05).abs() < 5.0 * (0.05_f64 / 2000.0).sqrt());
    }
}
