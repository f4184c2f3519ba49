//! Products of matrices, cut into tiles whose sums stay in registers.
//!
//! Each element of the result is one chain of fused multiply-adds in ascending order of the inner index, whatever the tiles, the
//! vectors and the threads: `out[i][j] = fma(a[i][K-1], b[K-1][j], … fma(a[i][0], b[0][j], start))`.

use super::Matrix;
use super::scratch::Scratch;
use super::simd::{Real, Simd};
use std::ops::Range;

/// Inner indices of one pass over the result: a panel of `b` of so many rows stays in the first-level cache.
const INNER: usize = 128;

/// Below so many rows of the result, `b` is read where it is: copying it would not pay.
const COPY_ROWS: usize = 48;

/// Part of a result: rows `ld` apart.
pub struct Tile<T> {
    /// Element (0, 0) of the whole result.
    pub out: *mut T,
    /// Elements between rows.
    pub ld: usize,
    /// Rows of this part.
    pub rows: Range<usize>,
    /// Columns of this part, from a multiple of 16; up to the next multiple of 16 after the end may be written.
    pub columns: Range<usize>,
}

/// Adds `a * b` to a part of the result.
///
/// # Safety
/// The processor must have the instruction set of `S`, and the part must be writable, rows padded to 16 elements.
#[inline(always)]
pub unsafe fn accumulate<S: Simd>(tile: &Tile<S::T>, a: Matrix<S::T>, b: Matrix<S::T>) {
    let mut scratch = S::T::take_scratch();
    inner_indices(a, &tile.rows, tile.columns.len(), &mut scratch.inner);
    let inner = std::mem::take(&mut scratch.inner);
    for part in inner.chunks(INNER) {
        // SAFETY: forwarded from the caller.
        unsafe { pass::<S>(tile, a, b, part, &mut scratch) };
    }
    scratch.inner = inner;
    S::T::give_scratch(scratch);
}

/// Lists the inner indices for which a row of this part has something other than zero to multiply: the rest adds nothing.
#[inline(always)]
fn inner_indices<T: super::Real>(a: Matrix<T>, rows: &Range<usize>, columns: usize, out: &mut Vec<u32>) {
    out.clear();
    // Looking is worth it only if much would have been multiplied.
    if columns < 64 || a.column != 1 {
        return out.extend(0..a.columns as u32);
    }
    const TOGETHER: usize = 64;
    let zero = T::default();
    for first in (0..a.columns).step_by(TOGETHER) {
        let n = TOGETHER.min(a.columns - first);
        let mut used = [false; TOGETHER];
        for i in rows.clone() {
            let row = &a.data[i * a.row + first..i * a.row + first + n];
            used.iter_mut().zip(row).for_each(|(u, x)| *u |= *x != zero);
        }
        out.extend((0..n).filter(|k| used[*k]).map(|k| (first + k) as u32));
    }
}

#[inline(always)]
unsafe fn pass<S: Simd>(
    tile: &Tile<S::T>,
    a: Matrix<S::T>,
    b: Matrix<S::T>,
    inner: &[u32],
    scratch: &mut Scratch<S::T>,
) {
    let (m, k) = (tile.rows.len(), inner.len());
    scratch.a.resize(m * k, S::T::default());
    pack_rows::<S>(a, tile.rows.clone(), inner, &mut scratch.a);
    let width = S::LANES * S::VECTORS;
    let contiguous = inner.last().is_some_and(|l| *l as usize - inner[0] as usize + 1 == k);
    // SAFETY: within the result, which the caller vouches for; panels have the sizes that they were packed with.
    unsafe {
        for first in tile.columns.clone().step_by(width) {
            let vectors = (tile.columns.end - first).min(width).div_ceil(S::LANES);
            let direct = b.column == 1 && contiguous && m < COPY_ROWS;
            let (panel, stride) = if direct {
                (b.data.as_ptr().add(inner[0] as usize * b.row + first), b.row)
            } else {
                pack_columns::<S>(b, first, vectors * S::LANES, inner, &mut scratch.b);
                (scratch.b.as_ptr(), vectors * S::LANES)
            };
            let mut row = 0;
            while row < m {
                let step = chunk(m - row, S::ROWS);
                let left = scratch.a.as_ptr().add(row * k);
                let out = tile.out.add((tile.rows.start + row) * tile.ld + first);
                tiles::<S>(step, vectors, k, left, panel, stride, out, tile.ld);
                row += step;
            }
        }
    }
}

/// Returns how many of `left` rows the next tile takes, of `most`.
#[inline(always)]
pub fn chunk(left: usize, most: usize) -> usize {
    if left >= most {
        return most;
    }
    let mut step = 8;
    while step > left || step > most {
        step /= 2;
    }
    step
}

/// Copies rows of `a` so that what a tile multiplies next lies side by side: `[tile][inner][row]`.
#[inline(always)]
pub fn pack_rows<S: Simd>(a: Matrix<S::T>, rows: Range<usize>, inner: &[u32], out: &mut [S::T]) {
    let k = inner.len();
    let mut row = 0;
    while row < rows.len() {
        let step = chunk(rows.len() - row, S::ROWS);
        let panel = &mut out[row * k..(row + step) * k];
        if a.row == 1 {
            // What lies side by side stays so.
            for (to, index) in panel.chunks_exact_mut(step).zip(inner) {
                let from = rows.start + row + *index as usize * a.column;
                to.copy_from_slice(&a.data[from..from + step]);
            }
            row += step;
            continue;
        }
        for r in 0..step {
            let from = (rows.start + row + r) * a.row;
            for (at, index) in inner.iter().enumerate() {
                panel[at * step + r] = a.data[from + *index as usize * a.column];
            }
        }
        row += step;
    }
}

/// Copies columns of `b`: `[inner][column]`, zeros beyond the last.
#[inline(always)]
fn pack_columns<S: Simd>(b: Matrix<S::T>, first: usize, width: usize, inner: &[u32], out: &mut Vec<S::T>) {
    out.resize(inner.len() * width, S::T::default());
    let n = width.min(b.columns.saturating_sub(first));
    let contiguous = inner.last().is_some_and(|l| *l as usize - inner[0] as usize + 1 == inner.len());
    if b.row == 1 && contiguous {
        return turn(&b.data[inner[0] as usize + first * b.column..], b.column, (inner.len(), n), width, out);
    }
    for (row, index) in out.chunks_exact_mut(width).zip(inner) {
        let from = *index as usize * b.row + first * b.column;
        if b.column == 1 {
            row[..n].copy_from_slice(&b.data[from..from + n]);
        } else {
            row[..n].iter_mut().enumerate().for_each(|(j, x)| *x = b.data[from + j * b.column]);
        }
        row[n..].fill(S::T::default());
    }
}

/// Copies `n` rows of `k` elements, `ld` apart, so that they become columns of rows of `width`; zeros beyond the last.
#[inline(always)]
fn turn<T: super::Real>(from: &[T], ld: usize, (k, n): (usize, usize), width: usize, out: &mut [T]) {
    // Squares that fit into registers: both what is read and what is written lies side by side.
    const SIDE: usize = 8;
    for first in (0..width).step_by(SIDE) {
        let columns = n.saturating_sub(first).min(SIDE);
        let mut begin = 0;
        while begin < k {
            let rows = (k - begin).min(SIDE);
            let mut square = [[T::default(); SIDE]; SIDE];
            if rows == SIDE {
                for (c, column) in square.iter_mut().enumerate().take(columns) {
                    column.copy_from_slice(&from[(first + c) * ld + begin..][..SIDE]);
                }
            } else {
                for (c, column) in square.iter_mut().enumerate().take(columns) {
                    column[..rows].copy_from_slice(&from[(first + c) * ld + begin..][..rows]);
                }
            }
            for r in 0..rows {
                let row = &mut out[(begin + r) * width + first..][..SIDE.min(width - first)];
                row.iter_mut().zip(&square).for_each(|(to, column)| *to = column[r]);
            }
            begin += rows;
        }
    }
}

/// One tile, by its size.
#[allow(clippy::too_many_arguments)]
#[inline(always)]
pub unsafe fn tiles<S: Simd>(
    rows: usize,
    vectors: usize,
    k: usize,
    a: *const S::T,
    b: *const S::T,
    stride: usize,
    out: *mut S::T,
    ld: usize,
) {
    macro_rules! sizes {
        ($($r:literal $v:literal),*) => {
            match (rows, vectors) {
                // SAFETY: forwarded from the caller.
                $(($r, $v) => unsafe { one::<S, $r, $v>(k, a, b, stride, out, ld) },)*
                _ => crate::ice!("a tile of {rows} rows and {vectors} vectors"),
            }
        };
    }
    sizes!(8 3, 8 2, 8 1, 6 2, 6 1, 4 3, 4 2, 4 1, 2 3, 2 2, 2 1, 1 3, 1 2, 1 1);
}

/// `out[R][V vectors] += a[k][R] * b[k][V vectors]`
#[inline(always)]
unsafe fn one<S: Simd, const R: usize, const V: usize>(
    k: usize,
    a: *const S::T,
    b: *const S::T,
    stride: usize,
    out: *mut S::T,
    ld: usize,
) {
    // SAFETY: the caller vouches for the extents.
    unsafe {
        let mut sums = [[S::zero(); V]; R];
        for (r, row) in sums.iter_mut().enumerate() {
            for (v, sum) in row.iter_mut().enumerate() {
                *sum = S::load(out.add(r * ld + v * S::LANES));
            }
        }
        for i in 0..k {
            let mut right = [S::zero(); V];
            for (v, x) in right.iter_mut().enumerate() {
                *x = S::load(b.add(i * stride + v * S::LANES));
            }
            for (r, row) in sums.iter_mut().enumerate() {
                let left = S::splat(*a.add(i * R + r));
                for (v, sum) in row.iter_mut().enumerate() {
                    *sum = S::fma(left, right[v], *sum);
                }
            }
        }
        for (r, row) in sums.iter().enumerate() {
            for (v, sum) in row.iter().enumerate() {
                S::store(out.add(r * ld + v * S::LANES), *sum);
            }
        }
    }
}
