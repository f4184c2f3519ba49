//! Products of a few vectors with a matrix, row after row as it lies in memory.

use super::Matrix;
use super::simd::{Real, Simd};
use std::ops::Range;

/// Rows of the matrix that are taken at once, so that a result is read and written once for all of them.
const TOGETHER: usize = 8;

/// Adds `x * b` to `out` in some columns: the same chain as [`super::blocked::accumulate`]; rows multiplied by zero are not read.
///
/// # Safety
/// The processor must have the instruction set of `S`; `out` must be writable up to the next multiple of 16 after the columns,
/// which begin at a multiple of 16; `b` has unit stride along columns.
#[inline(always)]
pub unsafe fn along<S: Simd>(out: *mut S::T, columns: Range<usize>, x: &[S::T], b: Matrix<S::T>) {
    let mut chosen = [(0usize, S::T::default()); TOGETHER];
    let mut n = 0;
    for (i, value) in x.iter().enumerate() {
        if *value == S::T::default() {
            continue;
        }
        chosen[n] = (i, *value);
        n += 1;
        if n == TOGETHER {
            // SAFETY: forwarded from the caller.
            unsafe { add_rows::<S, TOGETHER>(out, &columns, &chosen, b) };
            n = 0;
        }
    }
    for one in &chosen[..n] {
        // SAFETY: forwarded from the caller.
        unsafe { add_rows::<S, 1>(out, &columns, std::slice::from_ref(one), b) };
    }
}

#[inline(always)]
unsafe fn add_rows<S: Simd, const N: usize>(
    out: *mut S::T,
    columns: &Range<usize>,
    rows: &[(usize, S::T)],
    b: Matrix<S::T>,
) {
    // SAFETY: the caller vouches for the extents.
    unsafe {
        let mut at = [std::ptr::null::<S::T>(); N];
        let mut scale = [S::zero(); N];
        for (k, (i, value)) in rows[..N].iter().enumerate() {
            at[k] = b.data.as_ptr().add(i * b.row);
            scale[k] = S::splat(*value);
        }
        for j in columns.clone().step_by(S::LANES) {
            let mut sum = S::load(out.add(j));
            for k in 0..N {
                sum = S::fma(scale[k], S::load(at[k].add(j)), sum);
            }
            S::store(out.add(j), sum);
        }
    }
}

/// How many sums a scalar product is split into; they are added in a fixed order.
pub const SPLIT: usize = 16;

/// Adds to each `out[i]` the scalar product of `x` with row `i` of `b`: element `j` goes to sum `j mod 16`, the sums are added in
/// pairs 8, 4, 2 and 1 apart.
///
/// # Safety
/// The processor must have the instruction set of `S`; `b` has unit stride along columns.
#[inline(always)]
pub unsafe fn across<S: Simd>(out: &mut [S::T], rows: Range<usize>, x: &[S::T], b: Matrix<S::T>) {
    const MOST: usize = 4;
    let vectors = SPLIT / S::LANES;
    let whole = x.len() / SPLIT * SPLIT;
    let mut end = [S::T::default(); SPLIT];
    end[..x.len() - whole].copy_from_slice(&x[whole..]);
    for i in rows {
        let row = &b.data[i * b.row..i * b.row + x.len()];
        let mut rest = [S::T::default(); SPLIT];
        rest[..x.len() - whole].copy_from_slice(&row[whole..]);
        // SAFETY: the caller vouches for the instruction set; all addresses are within the slices.
        unsafe {
            let mut sums = [S::zero(); MOST];
            let mut add = |x: *const S::T, y: *const S::T| {
                for (v, sum) in sums[..vectors].iter_mut().enumerate() {
                    *sum = S::fma(S::load(x.add(v * S::LANES)), S::load(y.add(v * S::LANES)), *sum);
                }
            };
            for j in (0..whole).step_by(SPLIT) {
                add(x.as_ptr().add(j), row.as_ptr().add(j));
            }
            if whole < x.len() {
                add(end.as_ptr(), rest.as_ptr());
            }
            let mut all = [S::T::default(); SPLIT];
            for (v, sum) in sums[..vectors].iter().enumerate() {
                S::store(all.as_mut_ptr().add(v * S::LANES), *sum);
            }
            let mut apart = SPLIT / 2;
            while apart > 0 {
                for l in 0..apart {
                    all[l] = all[l].plus(all[l + apart]);
                }
                apart /= 2;
            }
            out[i] = out[i].plus(all[0]);
        }
    }
}
