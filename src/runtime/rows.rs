//! Synapses in rows by source, for blocks of targets: within a row by delay, then target.
//!
//! A block has at most 65 536 lanes, so that a target takes two bytes. Each target belongs to one block; the order in which
//! weights are added to it does not depend on how many blocks there are.

use super::exchange::Ranks;
use super::memory::Fixed;
use crate::ir::Precision;
use crate::parallel;
use crate::plan::{Column, Delay, Drawing, Pairs, Projection, View};
use std::ops::Range;

/// The most lanes of a block.
pub const BLOCK: usize = 1 << 16;

/// A projection among those whose rows are one.
pub struct Member<'a> {
    /// The projection.
    pub projection: &'a Projection,
    /// By what its weights are multiplied.
    pub factor: f64,
}

/// The synapses onto one block of lanes.
pub struct Rows {
    runs: Runs,
    chunks: Vec<Chunk>,
    /// A chunk has the rows of `1 << shift` sources.
    shift: u32,
}

/// The rows of some consecutive sources.
struct Chunk {
    targets: Fixed<u16>,
    weights: Weights,
}

/// Where the synapses of a source with the same delay are in its chunk.
enum Runs {
    /// There are none.
    None,
    /// From `start[source * (delays + 1) + rank]` up to the next one.
    Dense { delays: usize, start: Fixed<u32> },
    /// Those of a source are `row[source] .. row[source + 1]`, with the ranks of their delays, which ascend; each begins at `start`
    /// and ends where `end` says.
    Sparse { row: Vec<u32>, rank: Vec<u16>, start: Vec<u32>, end: Vec<u32> },
}

enum Weights {
    /// All the same.
    Const(f64),
    F32(Fixed<f32>),
    F64(Fixed<f64>),
}

/// The weights of a run.
#[derive(Clone, Copy)]
pub enum RunWeights<'a> {
    /// All the same.
    Const(f64),
    /// Single precision.
    F32(&'a [f32]),
    /// Double precision.
    F64(&'a [f64]),
}

/// The synapses of a source that have one delay.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// Targets, from the first lane of the block.
    pub targets: &'a [u16],
    /// Their weights.
    pub weights: RunWeights<'a>,
}

impl Rows {
    /// Builds the rows of projections from the same cells onto the same population, for each block of its lanes; returns the
    /// delays that occur as well, in any of the processes.
    pub fn build(
        members: &[Member],
        pre: View,
        blocks: &[Range<usize>],
        (precision, ranks): (Precision, &Ranks),
    ) -> (Vec<Rows>, Vec<u16>) {
        let builder = Builder::new(members, pre, blocks, precision);
        let made = parallel::map(pre.n.div_ceil(1 << builder.shift), |c| builder.chunk(c));
        let mut delays: Vec<u16> = made.iter().flatten().flat_map(|b| b.delays.iter().copied()).collect();
        delays.sort_unstable();
        delays.dedup();
        if ranks.are_several() {
            let mine: Vec<u64> = delays.iter().map(|d| u64::from(*d)).collect();
            delays = ranks.numbers(&mine).concat().into_iter().map(|d| d as u16).collect();
            delays.sort_unstable();
            delays.dedup();
        }
        let shift = builder.shift;
        let mut parts: Vec<Vec<Part>> = blocks.iter().map(|_| Vec::new()).collect();
        for chunk in made {
            parts.iter_mut().zip(chunk).for_each(|(parts, part)| parts.push(part));
        }
        let rows = |parts: Vec<Part>| {
            let runs = Runs::new(&parts, pre.n, shift, &delays);
            let chunk = |p: Part| Chunk { targets: p.targets, weights: p.weights };
            Rows { runs, chunks: parts.into_iter().map(chunk).collect(), shift }
        };
        (parts.into_iter().map(rows).collect(), delays)
    }

    /// Returns the bytes of memory in use.
    pub fn bytes(&self) -> usize {
        self.runs.bytes() + self.chunks.iter().map(Chunk::bytes).sum::<usize>()
    }

    /// Returns whether there are no synapses.
    pub fn are_empty(&self) -> bool {
        matches!(self.runs, Runs::None)
    }

    /// Returns the synapses of a source with the delay of a rank.
    #[inline]
    pub fn run(&self, source: usize, rank: usize) -> Run<'_> {
        let chunk = &self.chunks[source >> self.shift];
        let range = self.runs.find(source, rank);
        Run { targets: &chunk.targets[range.clone()], weights: chunk.weights.of(range) }
    }
}

impl Chunk {
    fn bytes(&self) -> usize {
        let weights = match &self.weights {
            Weights::Const(_) => 0,
            Weights::F32(w) => w.len() * 4,
            Weights::F64(w) => w.len() * 8,
        };
        weights + self.targets.len() * 2
    }
}

impl Runs {
    /// Finds the runs of all sources.
    fn new(parts: &[Part], sources: usize, shift: u32, delays: &[u16]) -> Runs {
        let n: usize = parts.iter().map(|p| p.runs.len()).sum();
        if n == 0 {
            return Runs::None;
        }
        let rank = |d: u16| delays.partition_point(|x| *x < d);
        let all = || parts.iter().enumerate().flat_map(|(c, p)| p.runs.iter().map(move |r| (c << shift, p, r)));
        // A table of all delays costs little where most rows have most of them.
        if sources * (delays.len() + 1) > 4 * n + 16 {
            if u32::try_from(n).is_err() {
                crate::ice!("{n} runs of synapses in one block");
            }
            let mut row = vec![0u32; sources + 1];
            all().for_each(|(first, _, r)| row[first + r.0 as usize + 1] += 1);
            (0..sources).for_each(|i| row[i + 1] += row[i]);
            let ends = |p: &Part| {
                let next = p.runs.iter().skip(1).map(|r| r.2);
                next.chain((!p.runs.is_empty()).then_some(p.targets.len() as u32)).collect::<Vec<u32>>()
            };
            return Runs::Sparse {
                row,
                rank: all().map(|(_, _, r)| rank(r.1) as u16).collect(),
                start: all().map(|(_, _, r)| r.2).collect(),
                end: parts.iter().flat_map(ends).collect(),
            };
        }
        let width = delays.len() + 1;
        let mut start = vec![0u32; sources * width];
        for (c, part) in parts.iter().enumerate() {
            let first = c << shift;
            let rows = &mut start[first * width..(first + (1 << shift)).min(sources) * width];
            let mut filled = 0;
            for (source, delay, begin) in &part.runs {
                // Between the runs before and this one there is nothing.
                let at = *source as usize * width + rank(*delay);
                rows[filled..=at].fill(*begin);
                filled = at + 1;
            }
            rows[filled..].fill(part.targets.len() as u32);
        }
        Runs::Dense { delays: delays.len(), start: Fixed::of(&start) }
    }

    fn bytes(&self) -> usize {
        match self {
            Runs::None => 0,
            Runs::Dense { start, .. } => start.len() * 4,
            Runs::Sparse { row, rank, start, end } => (row.len() + start.len() + end.len()) * 4 + rank.len() * 2,
        }
    }

    #[inline]
    fn find(&self, source: usize, rank: usize) -> Range<usize> {
        match self {
            Runs::None => 0..0,
            Runs::Dense { delays, start } => {
                let at = source * (delays + 1) + rank;
                start[at] as usize..start[at + 1] as usize
            }
            Runs::Sparse { row, rank: ranks, start, end } => {
                let (first, last) = (row[source] as usize, row[source + 1] as usize);
                match ranks[first..last].binary_search(&(rank as u16)) {
                    Ok(k) => start[first + k] as usize..end[first + k] as usize,
                    Err(_) => 0..0,
                }
            }
        }
    }
}

/// A chunk that grows, row after row.
#[derive(Default)]
struct Growing {
    runs: Vec<(u32, u16, u32)>,
    delays: Vec<u16>,
    targets: Vec<u16>,
    weights: Vec<f64>,
}

/// A chunk before all delays are known, or a row that is not kept.
pub struct Part {
    /// Source, delay, first synapse.
    runs: Vec<(u32, u16, u32)>,
    delays: Vec<u16>,
    targets: Fixed<u16>,
    weights: Weights,
}

impl Part {
    /// Draws the row of one source, for each block; the projection's lines must be those of sources.
    pub fn drawn(member: &Member, blocks: &[Range<usize>], precision: Precision, source: usize) -> Vec<Part> {
        let members = std::slice::from_ref(member);
        let mut builder = Builder::new(members, member.projection.pre, blocks, precision);
        builder.shift = 0;
        builder.chunk(source)
    }

    /// Returns the synapses with a delay.
    pub fn run(&self, delay: u16) -> Run<'_> {
        let k = self.runs.partition_point(|r| r.1 < delay);
        let range = match self.runs.get(k) {
            Some((_, d, first)) if *d == delay => {
                *first as usize..self.runs.get(k + 1).map_or(self.targets.len(), |next| next.2 as usize)
            }
            _ => 0..0,
        };
        Run { targets: &self.targets[range.clone()], weights: self.weights.of(range) }
    }
}

impl Weights {
    #[inline]
    fn of(&self, range: Range<usize>) -> RunWeights<'_> {
        match self {
            Weights::Const(w) => RunWeights::Const(*w),
            Weights::F32(w) => RunWeights::F32(&w[range]),
            Weights::F64(w) => RunWeights::F64(&w[range]),
        }
    }
}

/// How the targets of a source are found.
enum Lines<'a> {
    /// Drawn source by source.
    Drawn(&'a Drawing),
    /// All cells of the targets' view.
    All,
    /// The cell at the same place.
    OneToOne,
    /// From lists that were sorted by source: targets, and which synapses they are if that matters.
    Sorted { start: Vec<u32>, target: Vec<u32>, synapse: Vec<u32> },
}

struct Builder<'a> {
    members: Vec<(&'a Member<'a>, Lines<'a>)>,
    pre: View,
    blocks: &'a [Range<usize>],
    precision: Precision,
    /// The weight, if there is only one.
    weight: Option<f64>,
    shift: u32,
}

/// Where a synapse belongs, in one word that sorts: block, delay, target, and which of the row it is.
trait Key: Ord + Copy + Default {
    /// Bits for which of the row it is.
    const NTH: u32;
    /// Bits for the block.
    const BLOCK: u32;

    fn new(block: usize, delay: u16, target: usize, nth: usize) -> Self;

    /// Returns the block, the delay, the target and which of the row it is.
    fn parts(self) -> (usize, u16, u16, usize);

    /// Returns the n-th byte of the block, the delay and the target, from the lowest of the target.
    fn byte(self, n: u32) -> usize;
}

/// Sorts the keys of a row, which are in the order of their numbers; `room` is for as many.
fn sort<K: Key>(keys: &mut Vec<K>, room: &mut Vec<K>) {
    if keys.len() < 128 {
        return keys.sort_unstable();
    }
    room.resize(keys.len(), K::default());
    for n in 0..4 + K::BLOCK / 8 {
        let mut next = [0usize; 256];
        keys.iter().for_each(|k| next[k.byte(n)] += 1);
        // Where all have the same byte, they are in order.
        if next.contains(&keys.len()) {
            continue;
        }
        let mut before = 0;
        next.iter_mut().for_each(|n| before += std::mem::replace(n, before));
        for k in &*keys {
            let at = &mut next[k.byte(n)];
            room[*at] = *k;
            *at += 1;
        }
        std::mem::swap(keys, room);
    }
}

macro_rules! keys {
    ($($word:ty, $nth:literal, $block:literal;)*) => {
        $(impl Key for $word {
            const NTH: u32 = $nth;
            const BLOCK: u32 = $block;

            #[inline(always)]
            fn new(block: usize, delay: u16, target: usize, nth: usize) -> $word {
                (((block as $word) << 16 | delay as $word) << 16 | target as $word) << $nth | nth as $word
            }

            #[inline(always)]
            fn parts(self) -> (usize, u16, u16, usize) {
                let rest = self >> $nth;
                ((rest >> 32) as usize, (rest >> 16) as u16, rest as u16, (self & ((1 << $nth) - 1)) as usize)
            }

            #[inline(always)]
            fn byte(self, n: u32) -> usize {
                usize::from((self >> ($nth + 8 * n)) as u8)
            }
        })*
    };
}

// A long word where a short one does not suffice: rows of 16 million synapses, populations of 16 million cells.
keys! { u64, 24, 8; u128, 48, 48; }

/// The synapses of a source while they are collected.
#[derive(Default)]
struct Row<K> {
    keys: Vec<K>,
    room: Vec<K>,
    /// By the numbers in the keys, if they differ.
    weights: Vec<f64>,
    /// Of the last projection: blocks and lanes, which synapses they are, and their delays.
    places: Vec<(usize, usize)>,
    which: Vec<usize>,
    delays: Vec<u16>,
    /// Room for values that are drawn.
    values: Vec<f64>,
}

impl Lines<'_> {
    /// Returns the number of synapses of a source.
    fn count(&self, p: &Projection, source: usize) -> usize {
        match self {
            Lines::Drawn(d) => d.first(source + 1) - d.first(source),
            Lines::All => p.post.n,
            Lines::OneToOne => 1,
            Lines::Sorted { start, .. } => (start[source + 1] - start[source]) as usize,
        }
    }
}

impl<'a> Builder<'a> {
    fn new(members: &'a [Member<'a>], pre: View, blocks: &'a [Range<usize>], precision: Precision) -> Builder<'a> {
        let weight = |m: &Member| match m.projection.weight {
            Column::Const(w) => Some(w * m.factor),
            _ => None,
        };
        let weight = weight(&members[0]).filter(|w| members.iter().all(|m| weight(m) == Some(*w)));
        let synapses: usize = members.iter().map(|m| m.projection.pairs.len()).sum();
        // Chunks of up to some million synapses, so that large pages hold them, but enough of them for all processors.
        let size = (synapses / 8).clamp(1 << 17, 1 << 22);
        let shift = (size * pre.n.max(1) / synapses.max(1)).clamp(1, pre.n.max(1)).ilog2();
        let own = blocks.first().map_or(0, |b| b.start)..blocks.last().map_or(0, |b| b.end);
        let lines = |m: &'a Member<'a>| {
            let p = m.projection;
            match &p.pairs {
                Pairs::Drawn(d) if !d.is_by_target() => Lines::Drawn(d),
                Pairs::All(..) => Lines::All,
                Pairs::OneToOne(..) => Lines::OneToOne,
                _ => sorted(p, &own),
            }
        };
        Builder { members: members.iter().map(|m| (m, lines(m))).collect(), pre, blocks, precision, weight, shift }
    }

    /// Builds the rows of a chunk, for each block.
    fn chunk(&self, c: usize) -> Vec<Part> {
        let first = c << self.shift;
        let sources = first..(first + (1 << self.shift)).min(self.pre.n);
        if let ([(m, Lines::All)], Delay::Const(delay)) = (&self.members[..], &self.members[0].0.projection.delay)
            && m.projection.site.is_none()
        {
            return self.blocks.iter().map(|block| self.all_of(m, *delay as u16, sources.clone(), block)).collect();
        }
        let row = |i: usize| self.members.iter().map(|(m, lines)| lines.count(m.projection, i)).sum::<usize>();
        let longest = sources.clone().map(row).max().unwrap_or(0);
        match longest <= 1 << u64::NTH && self.blocks.len() <= 1 << u64::BLOCK {
            true => self.chunk_by::<u64>(sources),
            false => self.chunk_by::<u128>(sources),
        }
    }

    /// Builds the rows of some sources that reach all targets at once: they are in order as they are.
    fn all_of(&self, m: &Member, delay: u16, sources: Range<usize>, block: &Range<usize>) -> Part {
        let p = m.projection;
        let targets = block.start.max(p.post.start)..block.end.min(p.post.start + p.post.n).max(block.start);
        let n = targets.len();
        let synapses = || {
            let row = |i: usize| targets.clone().map(move |target| i * p.post.n + target - p.post.start);
            sources.clone().flat_map(row)
        };
        let weight = |k: usize| p.weight.at(k) * m.factor;
        let all = n * sources.len();
        let weights = match (self.weight, self.precision) {
            (Some(w), _) => Weights::Const(w),
            (None, Precision::F32) => Weights::F32(Fixed::from_iter(all, synapses().map(|k| weight(k) as f32))),
            (None, Precision::F64) => Weights::F64(Fixed::from_iter(all, synapses().map(weight))),
        };
        let within = |_| targets.clone().map(|target| (target - block.start) as u16);
        let run = |i: usize| (i as u32, delay, (i * n) as u32);
        Part {
            runs: if n > 0 { (0..sources.len()).map(run).collect() } else { Vec::new() },
            delays: if n > 0 { vec![delay] } else { Vec::new() },
            targets: Fixed::from_iter(all, sources.clone().flat_map(within)),
            weights,
        }
    }

    /// Builds the rows of some sources, sorted by keys of a kind.
    fn chunk_by<K: Key>(&self, sources: Range<usize>) -> Vec<Part> {
        let first = sources.start;
        let mut row = Row::<K>::default();
        let mut parts: Vec<Growing> = self.blocks.iter().map(|_| Growing::default()).collect();
        for i in sources.clone() {
            row.keys.clear();
            row.weights.clear();
            self.members.iter().for_each(|(m, lines)| self.row(m, lines, i, &mut row));
            sort(&mut row.keys, &mut row.room);
            let mut last = None;
            for (block, delay, target, nth) in row.keys.iter().map(|k| k.parts()) {
                let part = &mut parts[block];
                if last != Some((block, delay)) {
                    last = Some((block, delay));
                    part.runs.push(((i - first) as u32, delay, part.targets.len() as u32));
                    if let Err(at) = part.delays.binary_search(&delay) {
                        part.delays.insert(at, delay);
                    }
                }
                part.targets.push(target);
                if self.weight.is_none() {
                    part.weights.push(row.weights[nth]);
                }
            }
        }
        let finish = |mut part: Growing| {
            part.runs.shrink_to_fit();
            let weights = match (self.weight, self.precision) {
                (Some(w), _) => Weights::Const(w),
                (None, Precision::F32) => {
                    Weights::F32(Fixed::from_iter(part.weights.len(), part.weights.iter().map(|w| *w as f32)))
                }
                (None, Precision::F64) => Weights::F64(Fixed::of(&part.weights)),
            };
            // A copy has no room to grow.
            Part { runs: part.runs, delays: part.delays, targets: Fixed::of(&part.targets), weights }
        };
        parts.into_iter().map(finish).collect()
    }

    /// Collects the synapses of a source in one projection.
    fn row<K: Key>(&self, m: &Member, lines: &Lines, i: usize, row: &mut Row<K>) {
        let p = m.projection;
        row.places.clear();
        row.which.clear();
        let mut add = |cell: usize, k: usize| {
            let target = p.site.as_ref().map_or(cell, |site| site.lane(cell, k));
            // Blocks are as long as one another, up to sixteen lanes.
            let block = self.blocks.partition_point(|b| b.end <= target);
            // Synapses onto the cells of other processes are theirs.
            if self.blocks.get(block).is_some_and(|b| b.start <= target) {
                row.places.push((block, target - self.blocks[block].start));
                row.which.push(k);
            }
        };
        match lines {
            Lines::Drawn(d) => {
                let mut k = d.first(i);
                d.line(i, |target| {
                    add(target as usize, k);
                    k += 1;
                });
            }
            Lines::All => (0..p.post.n).for_each(|j| add(p.post.start + j, i * p.post.n + j)),
            Lines::OneToOne => add(p.post.start + i, i),
            Lines::Sorted { start, target, synapse } => {
                let row = start[i] as usize..start[i + 1] as usize;
                for (at, target) in row.clone().zip(&target[row]) {
                    add(*target as usize, synapse.get(at).map_or(0, |k| *k as usize));
                }
            }
        }
        let first = row.keys.len();
        let key =
            |(n, ((block, lane), delay)): (usize, (&(usize, usize), &u16))| K::new(*block, *delay, *lane, first + n);
        row.delays.clear();
        p.delay.append(&row.which, &mut row.values, &mut row.delays);
        row.keys.extend(row.places.iter().zip(&row.delays).enumerate().map(key));
        if self.weight.is_none() {
            let before = row.weights.len();
            p.weight.append(&row.which, &mut row.weights);
            row.weights[before..].iter_mut().for_each(|w| *w *= m.factor);
        }
    }
}

/// Sorts the synapses of a projection onto some lanes by source.
fn sorted(p: &Projection, own: &Range<usize>) -> Lines<'static> {
    // All segments of a cell are lanes of the same process.
    let mine = |post: usize| own.contains(&p.site.as_ref().map_or(post, |site| site.lanes.of(post, 0)));
    let visit = |see: &mut dyn FnMut(u32, usize, u32)| match &p.pairs {
        Pairs::Drawn(d) if d.is_by_target() => {
            for j in (0..d.lines()).filter(|j| mine(d.post.start + j)) {
                let mut k = d.first(j) as u32;
                d.line(j, |pre| {
                    see(pre, d.post.start + j, k);
                    k += 1;
                });
            }
        }
        pairs => {
            let edges = pairs.edges();
            let all = edges.iter().enumerate().filter(|(_, e)| mine(e.post as usize));
            all.for_each(|(k, e)| see(e.pre, e.post as usize, k as u32));
        }
    };
    let first = p.pre.start as u32;
    let mut start = vec![0u32; p.pre.n + 1];
    visit(&mut |pre, _, _| start[(pre - first) as usize + 1] += 1);
    (0..p.pre.n).for_each(|i| start[i + 1] += start[i]);
    let n = start[p.pre.n] as usize;
    let same = matches!((&p.weight, &p.delay), (Column::Const(_), Delay::Const(_))) && p.site.is_none();
    let (mut target, mut synapse) = (vec![0u32; n], vec![0u32; if same { 0 } else { n }]);
    let mut next = start.clone();
    visit(&mut |pre, post, k| {
        let at = &mut next[(pre - first) as usize];
        target[*at as usize] = post as u32;
        if !same {
            synapse[*at as usize] = k;
        }
        *at += 1;
    });
    Lines::Sorted { start, target, synapse }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn keys_sort_by_block_delay_and_target_and_give_them_back() {
        fn check<K: Key>(largest: [(usize, u16, usize, usize); 2]) {
            let mut all = vec![(0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 0xffff, 0), (0, 0xffff, 3, 7), (1, 2, 3, 4)];
            all.extend(largest);
            let keys: Vec<K> = all.iter().map(|(b, d, t, n)| K::new(*b, *d, *t, *n)).collect();
            assert!(keys.is_sorted());
            let mut r = Stream::new(1, 2).reader(0);
            let mut many: Vec<K> =
                (0..1000).map(|n| K::new(0, (r.bits() >> 23) as u16, r.bits() as usize >> 20, n)).collect();
            let mut right = many.clone();
            sort(&mut many, &mut Vec::new());
            right.sort_unstable();
            assert!(many == right);
            let parts: Vec<_> = keys.iter().map(|k| k.parts()).map(|(b, d, t, n)| (b, d, usize::from(t), n)).collect();
            assert_eq!(parts, all);
        }
        check::<u64>([(255, 0, 0, (1 << 24) - 1), (255, 0xffff, 0xffff, 0)]);
        check::<u128>([(256, 0, 0, 1 << 24), (1 << 40, 0xffff, 0xffff, 1 << 40)]);
    }

    #[test]
    fn runs_are_found_whether_delays_are_common_or_rare() {
        let part = |runs: &[(u32, u16, u32)], n: usize| Part {
            runs: runs.to_vec(),
            delays: vec![3, 7],
            targets: Fixed::of(&vec![0; n]),
            weights: Weights::Const(1.0),
        };
        // Chunks of two sources: the second one lacks the first delay, the third has nothing.
        let parts = [part(&[(0, 3, 0), (0, 7, 2), (1, 7, 5)], 6), part(&[(1, 3, 0), (1, 7, 1)], 4)];
        for more in [0u16, 200] {
            let mut delays = vec![3, 7];
            delays.extend(100..100 + more);
            let runs = Runs::new(&parts, 4, 1, &delays);
            assert_eq!(matches!(runs, Runs::Dense { .. }), more == 0);
            let found: Vec<_> = (0..4).map(|s| [0, 1].map(|r| runs.find(s, r))).collect();
            assert_eq!(found[0], [0..2, 2..5]);
            assert!(found[1][0].is_empty() && found[1][1] == (5..6));
            assert!(found[2].iter().all(Range::is_empty));
            assert_eq!(found[3], [0..1, 1..4]);
        }
    }
}
