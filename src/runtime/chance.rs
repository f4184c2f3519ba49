//! Numbers of events of many cells in a step: of each, or of a block of cells and then which of them.

use crate::hir::network::model::Process;
use crate::rng::{BATCH, Stream, blocks};
use std::ops::Range;

/// The distribution of the number of events in a step.
#[derive(Default)]
pub struct Distribution {
    /// Events of a cell.
    pub expected: f64,
    /// Thresholds of the cumulative distribution in units of 2^-32; none if too many are expected.
    pub table: Vec<u32>,
    /// The same for the sum over a block of cells, if few events are expected of each.
    pub block: Vec<u32>,
    /// How many thresholds of the block are surely not above a word, by its highest byte.
    pub guide: Vec<u8>,
}

/// Up to this expected count events are drawn block by block.
pub const RARE: f64 = 0.25;

/// Cells of a block, at most; a byte tells one of them.
pub const LARGEST_BLOCK: usize = 256;

/// Expected counts above this are drawn as sums of smaller ones.
pub const LARGEST: f64 = 30.0;

/// Random words of a block that are drawn at once: the number of events, and the cells of the first ones.
pub const WORDS: usize = 8;

/// Returns the thresholds `2^32 P(k <= j)`; a draw is the number of thresholds not above the random word. The number is that
/// of `cells` processes with an expected count each.
pub fn thresholds(process: Process, expected: f64, cells: usize) -> Vec<u32> {
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

/// Random bytes of a block, each of which tells a cell.
pub struct Drawn<'a, M: Fn(usize) -> [u32; 4]> {
    /// The first words.
    pub words: &'a [u32],
    /// The next byte.
    pub at: usize,
    /// Which of its bits.
    pub mask: u8,
    /// Draws the words from the `4 k`-th on.
    pub more: M,
}

impl<M: Fn(usize) -> [u32; 4]> Drawn<'_, M> {
    /// Returns the next cell; `later` holds four words beyond the first ones.
    #[inline(always)]
    fn cell(&mut self, later: &mut [u32; 4]) -> usize {
        let (word, byte) = (self.at / 4, self.at % 4);
        let word = match self.words.get(word) {
            Some(first) => *first,
            None => {
                if self.at.is_multiple_of(16) {
                    *later = (self.more)(word / 4);
                }
                later[word % 4]
            }
        };
        self.at += 1;
        usize::from((word >> (8 * byte)) as u8 & self.mask)
    }

    /// Calls `add` for so many cells of the block, different ones if each has one event at most, that lie in a part of it.
    #[inline(always)]
    pub fn events(mut self, count: usize, single: bool, part: &Range<usize>, mut add: impl FnMut(usize)) {
        let mut later = [0; 4];
        let mut taken = [0u64; LARGEST_BLOCK / 64];
        let mut left = count;
        while left > 0 {
            let cell = self.cell(&mut later);
            if single {
                let (words, bit) = (&mut taken[cell / 64], 1 << (cell % 64));
                if *words & bit != 0 {
                    continue;
                }
                *words |= bit;
            }
            left -= 1;
            if part.contains(&cell) {
                add(cell);
            }
        }
    }
}

/// The counter of a block's random words, four at a time.
pub fn item(b: usize, k: usize) -> u32 {
    1 << 31 | (b as u32) << 8 | k as u32
}

impl Distribution {
    /// Aims at an expected number of events, for blocks of so many cells.
    pub fn set(&mut self, process: Process, expected: f64, block: usize) {
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
            // The highest word does not tell an event where there is none.
            Process::Bernoulli if self.expected <= 0.0 => Vec::new(),
            Process::Bernoulli => vec![((1.0 - self.expected) * 4_294_967_296.0) as u32],
        };
    }

    /// Returns the number of events that a random word tells.
    pub fn count(&self, word: u32, stream: &Stream, step: u64, lane: usize) -> u32 {
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
pub fn block_of(n: usize) -> usize {
    n.next_power_of_two().min(LARGEST_BLOCK)
}

/// Draws for one cell with its own expected count.
pub fn individual(word: u32, expected: f64, stream: &Stream, step: u64, lane: usize) -> u32 {
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

/// Returns the first random words of blocks, each of a stream of its own, all of one seed; at most [`TOGETHER`].
pub fn words_of(wanted: &[(Stream, usize)], step: u64) -> [[u32; WORDS]; TOGETHER] {
    let mut streams = [Stream::new(0, 0); BATCH];
    let mut items = [0u32; BATCH];
    for (k, (stream, b)) in wanted.iter().enumerate() {
        for j in 0..WORDS / 4 {
            streams[k * (WORDS / 4) + j] = *stream;
            items[k * (WORDS / 4) + j] = item(*b, j);
        }
    }
    let words = blocks(&streams, step, &items);
    std::array::from_fn(|k| std::array::from_fn(|j| words[j % 4][k * (WORDS / 4) + j / 4]))
}

/// Blocks whose words are drawn at once.
pub const TOGETHER: usize = BATCH * 4 / WORDS;

impl Distribution {
    /// Calls `add` for the cell of each event in a block, within a part of it; `words` are the first random words of the block. With
    /// `single` no cell has more than one event.
    #[inline(always)]
    pub fn in_block(
        &self,
        (stream, b): (&Stream, usize),
        (step, words): (u64, &[u32]),
        size: usize,
        single: bool,
        part: &Range<usize>,
        add: impl FnMut(usize),
    ) {
        let mut count = usize::from(self.guide[(words[0] >> 24) as usize]);
        while self.block.get(count).is_some_and(|t| words[0] >= *t) {
            count += 1;
        }
        // The first word told the number, each byte of the others tells a cell.
        let more = |k: usize| stream.block(step, item(b, k));
        Drawn { words, at: 4, mask: (size - 1) as u8, more }.events(count, single, part, add);
    }
}

/// Cells that have an event with a small probability at every step, and nothing else.
pub struct RareEvents {
    distribution: Distribution,
    stream: Stream,
    n: usize,
}

impl RareEvents {
    /// Prepares `n` cells, if the probability is small enough.
    pub fn new(probability: f64, n: usize, stream: Stream) -> Option<RareEvents> {
        if !(0.0..=RARE).contains(&probability) {
            return None;
        }
        let mut distribution = Distribution::default();
        distribution.set(Process::Bernoulli, probability, block_of(n));
        Some(RareEvents { distribution, stream, n })
    }

    /// Calls `add` for each of some cells that has the event at a step.
    pub fn at(&self, step: u64, cells: Range<usize>, mut add: impl FnMut(usize)) {
        let cells = cells.start..cells.end.min(self.n);
        let size = block_of(self.n);
        // Without thresholds there are no events.
        let Some(some) = self.distribution.block.first() else { return };
        let all = cells.start / size..cells.end.div_ceil(size);
        for begin in all.clone().step_by(BATCH) {
            let items: [u32; BATCH] = std::array::from_fn(|k| item(begin + k, 0));
            let words = blocks(&[self.stream; BATCH], step, &items);
            // Most blocks have none, which the first word tells.
            let mut left = (0..BATCH).fold(0u32, |left, k| left | u32::from(words[0][k] >= *some) << k);
            left &= u32::MAX >> (32 - BATCH.min(all.end - begin));
            while left != 0 {
                let k = left.trailing_zeros() as usize;
                left &= left - 1;
                let first = (begin + k) * size;
                // The last block reaches beyond the cells; whoever draws it leaves out what is not there.
                let part = cells.start.max(first) - first..cells.end.min(first + size) - first;
                let block = (&self.stream, begin + k);
                let words = words.map(|w| w[k]);
                self.distribution.in_block(block, (step, &words), size, true, &part, |c| add(first + c));
            }
        }
    }
}
