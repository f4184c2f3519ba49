//! Synapses of all sources onto all targets, in tiles of 4 x 4, so that a row and a column both find four values wherever
//! they touch memory: a tile of single precision is one cache line.
//!
//! Tiles of four sources lie one after the other by target; within a tile, values are by target first, then by source. Where no column is
//! ever visited, because nothing follows events of targets, each row lies by itself.

use crate::hir::{Side, Trigger};
use crate::ir::Precision;
use crate::plan::Projection;
use crate::runtime::buffer::Buffer;
use crate::runtime::memory::prefetch;
use std::ops::Range;

/// Sources, and targets, of a tile.
const SIDE: usize = 4;

/// Values of a tile.
const AREA: usize = SIDE * SIDE;

/// So many tiles ahead of their use columns are asked for.
const AHEAD: usize = 16;

/// With fewer targets in a thread's share, too many places would be left empty.
const LEAST: usize = Projection::LEAST_OF_A_MATRIX;

/// The shape of the matrix of synapses onto a range of targets.
pub struct Tiles {
    /// Sources.
    pub sources: usize,
    /// Targets within the range.
    pub targets: usize,
    /// The first target.
    pub first: usize,
    /// Targets of the whole projection.
    all: usize,
    /// Whether columns are visited.
    columns: bool,
}

impl Tiles {
    /// Returns the shape if the projection is a matrix.
    pub fn new(p: &Projection, range: &Range<usize>) -> Option<Tiles> {
        let (begin, end) = (range.start.max(p.post.start), range.end.min(p.post.start + p.post.n));
        let targets = end.checked_sub(begin).filter(|n| *n >= LEAST)?;
        let of_target = |t: &Trigger| matches!(t, Trigger::Cell(Side::Post, _));
        let columns = p.synapse.handlers.iter().any(|h| of_target(&h.trigger));
        let (sources, first, all) = (p.pre.n, begin - p.post.start, p.post.n);
        p.is_matrix().then_some(Tiles { sources, targets, first, all, columns })
    }

    /// Returns how many places for values there are.
    pub fn places(&self) -> usize {
        let rows = if self.columns { self.sources.div_ceil(SIDE) } else { self.sources };
        rows * self.stride()
    }

    /// Returns where the values of a source begin, if each row lies by itself.
    pub fn row(&self, source: u32) -> Option<usize> {
        (!self.columns).then(|| self.place(source as usize, 0))
    }

    /// Returns the position in the plan of the synapse of a source onto a target of the range.
    pub fn edge(&self, source: usize, target: usize) -> usize {
        source * self.all + self.first + target
    }

    /// Visits all synapses: where their values are, and their position in the plan.
    pub fn for_each(&self, mut visit: impl FnMut(usize, usize)) {
        for source in 0..self.sources {
            for target in 0..self.targets {
                visit(self.place(source, target), self.edge(source, target));
            }
        }
    }

    /// Returns the target of the range that a cell is.
    pub fn target(&self, cell: u32) -> Option<usize> {
        (cell as usize).checked_sub(self.first).filter(|t| *t < self.targets)
    }

    /// Copies the values of sources onto some targets, from a multiple of 4 on, source by source.
    pub fn gather_rows(&self, from: &Buffer, sources: &[u32], targets: &Range<usize>, out: &mut Buffer) {
        match from.precision() {
            Precision::F32 => self.gather(from.f32(), sources, targets, out.f32_mut()),
            Precision::F64 => self.gather(from.f64(), sources, targets, out.f64_mut()),
        }
    }

    /// Puts back what [`Tiles::gather_rows`] has copied.
    pub fn scatter_rows(&self, to: &mut Buffer, sources: &[u32], targets: &Range<usize>, from: &Buffer) {
        match from.precision() {
            Precision::F32 => self.scatter(to.f32_mut(), sources, targets, from.f32()),
            Precision::F64 => self.scatter(to.f64_mut(), sources, targets, from.f64()),
        }
    }

    /// Copies the values of `n` sources, from a multiple of 4 on, onto a target.
    pub fn gather_column(&self, from: &Buffer, target: usize, first: usize, n: usize, out: &mut Buffer) {
        match from.precision() {
            Precision::F32 => self.column(from.f32(), target, first, &mut out.f32_mut()[..n]),
            Precision::F64 => self.column(from.f64(), target, first, &mut out.f64_mut()[..n]),
        }
    }

    /// Puts back what [`Tiles::gather_column`] has copied.
    pub fn scatter_column(&self, to: &mut Buffer, target: usize, first: usize, n: usize, from: &Buffer) {
        match from.precision() {
            Precision::F32 => self.put_column(to.f32_mut(), target, first, &from.f32()[..n]),
            Precision::F64 => self.put_column(to.f64_mut(), target, first, &from.f64()[..n]),
        }
    }

    /// From the values of four sources to those of the next four, or from row to row.
    fn stride(&self) -> usize {
        self.targets.div_ceil(SIDE) * if self.columns { AREA } else { SIDE }
    }

    fn place(&self, source: usize, target: usize) -> usize {
        if !self.columns {
            return source * self.stride() + target;
        }
        source / SIDE * self.stride() + target / SIDE * AREA + target % SIDE * SIDE + source % SIDE
    }

    /// The places of the tiles that hold the values of a source onto some targets.
    fn tiles(&self, source: u32, targets: &Range<usize>) -> Range<usize> {
        let begin = source as usize / SIDE * self.stride();
        begin + targets.start / SIDE * AREA..begin + targets.end.div_ceil(SIDE) * AREA
    }

    fn gather<T: Value>(&self, from: &[T], sources: &[u32], targets: &Range<usize>, out: &mut [T]) {
        for (source, out) in sources.iter().zip(out.chunks_exact_mut(targets.len())) {
            if !self.columns {
                let at = self.place(*source as usize, targets.start);
                out.copy_from_slice(&from[at..at + out.len()]);
                continue;
            }
            T::gather(&from[self.tiles(*source, targets)], *source as usize % SIDE, out);
        }
    }

    fn scatter<T: Value>(&self, to: &mut [T], sources: &[u32], targets: &Range<usize>, from: &[T]) {
        for (source, from) in sources.iter().zip(from.chunks_exact(targets.len())) {
            if !self.columns {
                let at = self.place(*source as usize, targets.start);
                to[at..at + from.len()].copy_from_slice(from);
                continue;
            }
            T::scatter(&mut to[self.tiles(*source, targets)], *source as usize % SIDE, from);
        }
    }

    fn column<T: Copy>(&self, from: &[T], target: usize, first: usize, out: &mut [T]) {
        let (mut at, stride) = (self.place(first, target), self.stride());
        let (whole, rest) = out.as_chunks_mut::<SIDE>();
        for out in whole {
            if let Some(next) = from.get(at + AHEAD * stride..) {
                prefetch(&next[..next.len().min(SIDE)]);
            }
            out.copy_from_slice(&from[at..at + SIDE]);
            at += stride;
        }
        if !rest.is_empty() {
            rest.copy_from_slice(&from[at..at + rest.len()]);
        }
    }

    fn put_column<T: Copy>(&self, to: &mut [T], target: usize, first: usize, from: &[T]) {
        let (mut at, stride) = (self.place(first, target), self.stride());
        let (whole, rest) = from.as_chunks::<SIDE>();
        for from in whole {
            to[at..at + SIDE].copy_from_slice(from);
            at += stride;
        }
        if !rest.is_empty() {
            to[at..at + rest.len()].copy_from_slice(rest);
        }
    }
}

/// A number of some precision.
trait Value: Copy {
    /// Copies the values of one of the four sources of tiles.
    fn gather(tiles: &[Self], lane: usize, out: &mut [Self]) {
        one_by_one(tiles, lane, out);
    }

    /// Puts back what [`Value::gather`] has copied.
    fn scatter(tiles: &mut [Self], lane: usize, from: &[Self]) {
        put_one_by_one(tiles, lane, from);
    }
}

impl Value for f64 {}

impl Value for f32 {
    #[cfg(target_arch = "x86_64")]
    fn gather(tiles: &[f32], lane: usize, out: &mut [f32]) {
        match is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the instructions.
            true => unsafe { avx512::gather(tiles, lane, out) },
            false => one_by_one(tiles, lane, out),
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn scatter(tiles: &mut [f32], lane: usize, from: &[f32]) {
        match is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the instructions.
            true => unsafe { avx512::scatter(tiles, lane, from) },
            false => put_one_by_one(tiles, lane, from),
        }
    }
}

fn one_by_one<T: Copy>(tiles: &[T], lane: usize, out: &mut [T]) {
    for (tile, out) in tiles.as_chunks::<AREA>().0.iter().zip(out.chunks_mut(SIDE)) {
        out.iter_mut().enumerate().for_each(|(t, out)| *out = tile[t * SIDE + lane]);
    }
}

fn put_one_by_one<T: Copy>(tiles: &mut [T], lane: usize, from: &[T]) {
    for (tile, from) in tiles.as_chunks_mut::<AREA>().0.iter_mut().zip(from.chunks(SIDE)) {
        from.iter().enumerate().for_each(|(t, from)| tile[t * SIDE + lane] = *from);
    }
}

/// A tile of single precision is one vector.
#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{AREA, SIDE, one_by_one, put_one_by_one};
    use std::arch::x86_64::*;

    /// Copies the values of a source.
    #[target_feature(enable = "avx512f")]
    pub fn gather(tiles: &[f32], lane: usize, out: &mut [f32]) {
        let (whole, rest) = out.as_chunks_mut::<AREA>();
        let fours = tiles.as_chunks::<{ AREA * SIDE }>().0;
        // Of two tiles the eight values wanted, then of two such halves all sixteen.
        let of_two = _mm512_add_epi32(
            _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28),
            _mm512_set1_epi32(lane as i32),
        );
        for (four, out) in fours.iter().zip(whole.iter_mut()) {
            // SAFETY: four tiles are 64 values, and 16 are written.
            unsafe {
                let tile = |k: usize| _mm512_loadu_ps(four.as_ptr().add(k * AREA));
                let low = _mm512_permutex2var_ps(tile(0), of_two, tile(1));
                let high = _mm512_permutex2var_ps(tile(2), of_two, tile(3));
                let both = _mm512_mask_blend_ps(0xff00, low, high);
                _mm512_storeu_ps(out.as_mut_ptr(), both);
            }
        }
        one_by_one(&tiles[whole.len() * AREA * SIDE..], lane, rest);
    }

    /// Puts back the values of a source.
    #[target_feature(enable = "avx512f")]
    pub fn scatter(tiles: &mut [f32], lane: usize, from: &[f32]) {
        let (whole, rest) = from.as_chunks::<SIDE>();
        let (head, tail) = tiles.split_at_mut(whole.len() * AREA);
        let spread = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
        let wanted: __mmask16 = 0x1111 << lane;
        for (tile, from) in head.as_chunks_mut::<AREA>().0.iter_mut().zip(whole) {
            // SAFETY: four values are read, and a tile is written.
            unsafe {
                let four = _mm512_castps128_ps512(_mm_loadu_ps(from.as_ptr()));
                let spread = _mm512_permutexvar_ps(spread, four);
                _mm512_mask_storeu_ps(tile.as_mut_ptr(), wanted, spread);
            }
        }
        put_one_by_one(tail, lane, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every value at its own place, read by rows and by columns, and put back twice as large.
    fn rows_and_columns(precision: Precision) {
        let sizes = [(16, 16), (18, 37), (33, 100), (61, 19)];
        for (columns, (sources, targets)) in [true, false].into_iter().flat_map(|c| sizes.map(|s| (c, s))) {
            let tiles = Tiles { sources, targets, first: 0, all: targets, columns };
            let mut values = Buffer::new(tiles.places(), precision);
            tiles.for_each(&mut |k, edge| values.set(k, 1.0 + edge as f64));
            let mut work = Buffer::new(sources * targets, precision);
            let rows = [3, 0, sources as u32 - 1, 7];
            for range in [0..targets, 4..targets, 8..13] {
                tiles.gather_rows(&values, &rows, &range, &mut work);
                for (i, source) in rows.iter().enumerate() {
                    for (j, target) in range.clone().enumerate() {
                        let at = i * range.len() + j;
                        assert_eq!(work.get(at), 1.0 + tiles.edge(*source as usize, target) as f64);
                        work.set(at, -work.get(at));
                    }
                }
                tiles.scatter_rows(&mut values, &rows, &range, &work);
                tiles.for_each(&mut |k, edge| {
                    let (source, target) = (edge / targets, edge % targets);
                    let sign = if rows.contains(&(source as u32)) && range.contains(&target) { -1.0 } else { 1.0 };
                    assert_eq!(values.get(k), sign * (1.0 + edge as f64));
                    values.set(k, 1.0 + edge as f64);
                });
            }
            for (target, first) in [(0, 0), (targets - 1, 8), (5, 4)].into_iter().filter(|_| columns) {
                let n = sources - first;
                tiles.gather_column(&values, target, first, n, &mut work);
                for k in 0..n {
                    assert_eq!(work.get(k), 1.0 + tiles.edge(first + k, target) as f64);
                    work.set(k, -work.get(k));
                }
                tiles.scatter_column(&mut values, target, first, n, &work);
                tiles.for_each(&mut |k, edge| {
                    let sign = if edge % targets == target && edge / targets >= first { -1.0 } else { 1.0 };
                    assert_eq!(values.get(k), sign * (1.0 + edge as f64));
                    values.set(k, 1.0 + edge as f64);
                });
            }
        }
    }

    #[test]
    fn rows_and_columns_find_their_values() {
        rows_and_columns(Precision::F32);
        rows_and_columns(Precision::F64);
    }
}
