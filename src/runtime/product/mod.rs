//! Products of matrices and vectors with a fixed order of every sum: the same bits on any machine and at any number of threads.

mod blocked;
mod rows;
mod simd;

pub use blocked::Tile;
pub use simd::Real;

use blocked::Scratch;
use std::cell::RefCell;
use std::ops::Range;

/// A matrix in memory: element (i, j) is `data[i * row + j * column]`.
#[derive(Clone, Copy)]
pub struct Matrix<'a, T> {
    /// The elements.
    pub data: &'a [T],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Elements between rows.
    pub row: usize,
    /// Elements between columns.
    pub column: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// A matrix whose rows lie one after the other, `ld` elements apart.
    pub fn new(data: &'a [T], rows: usize, columns: usize, ld: usize) -> Matrix<'a, T> {
        Matrix { data, rows, columns, row: ld, column: 1 }
    }

    /// The same elements with rows and columns exchanged.
    pub fn transposed(self) -> Matrix<'a, T> {
        Matrix { rows: self.columns, columns: self.rows, row: self.column, column: self.row, ..self }
    }
}

/// Up to so many rows of a result are computed by themselves, as products of a vector with a matrix.
pub const FEW: usize = 3;

/// Which code runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Plain,
}

fn detect() -> Set {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return Set::Avx512;
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Set::Avx2;
        }
    }
    Set::Plain
}

/// The types that products are made for.
pub trait Element: Real {
    /// Adds `a * b` to a part of a result.
    ///
    /// # Safety
    /// The part must be writable, its rows padded to 16 elements, and no other thread may use it meanwhile. The elements of `a`
    /// and `b` must be finite, or what is multiplied by zero may be left out.
    unsafe fn accumulate(tile: &Tile<Self>, a: Matrix<Self>, b: Matrix<Self>);
    /// Adds `x * b` to some columns of `out`; see [`rows::along`].
    ///
    /// # Safety
    /// As for [`rows::along`].
    unsafe fn along(out: *mut Self, columns: Range<usize>, x: &[Self], b: Matrix<Self>);
    /// Adds to each `out[i]` the scalar product of `x` with row `i` of `b`; see [`rows::across`].
    ///
    /// # Safety
    /// As for [`rows::across`].
    unsafe fn across(out: &mut [Self], rows: Range<usize>, x: &[Self], b: Matrix<Self>);
}

/// The three products of one type with one instruction set.
macro_rules! set {
    ($module:ident, $t:ty, $simd:ty, $scratch:ident $(, $feature:literal)?) => {
        mod $module {
            use super::*;

            $(#[target_feature(enable = $feature)])?
            pub unsafe fn accumulate(tile: &Tile<$t>, a: Matrix<$t>, b: Matrix<$t>) {
                // SAFETY: the processor has the instruction set; the rest is the caller's promise.
                $scratch.with_borrow_mut(|s| unsafe { blocked::accumulate::<$simd>(tile, a, b, s) })
            }
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn along(out: *mut $t, columns: Range<usize>, x: &[$t], b: Matrix<$t>) {
                // SAFETY: the processor has the instruction set; the rest is the caller's promise.
                unsafe { rows::along::<$simd>(out, columns, x, b) }
            }
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn across(out: &mut [$t], rows: Range<usize>, x: &[$t], b: Matrix<$t>) {
                // SAFETY: the processor has the instruction set; the rest is the caller's promise.
                unsafe { rows::across::<$simd>(out, rows, x, b) }
            }
        }
    };
}

thread_local! {
    static SINGLE: RefCell<Scratch<f32>> = RefCell::default();
    static DOUBLE: RefCell<Scratch<f64>> = RefCell::default();
}

#[cfg(target_arch = "x86_64")]
set!(single_512, f32, simd::Avx512Single, SINGLE, "avx512f");
#[cfg(target_arch = "x86_64")]
set!(double_512, f64, simd::Avx512Double, DOUBLE, "avx512f");
#[cfg(target_arch = "x86_64")]
set!(single_256, f32, simd::Avx2Single, SINGLE, "avx2,fma");
#[cfg(target_arch = "x86_64")]
set!(double_256, f64, simd::Avx2Double, DOUBLE, "avx2,fma");
set!(single_plain, f32, simd::Plain<f32>, SINGLE);
set!(double_plain, f64, simd::Plain<f64>, DOUBLE);

macro_rules! element {
    ($t:ty, $wide:ident, $middle:ident, $plain:ident) => {
        impl Element for $t {
            unsafe fn accumulate(tile: &Tile<$t>, a: Matrix<$t>, b: Matrix<$t>) {
                match detect() {
                    // SAFETY: the processor has been asked; the rest is the caller's promise.
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => unsafe { $wide::accumulate(tile, a, b) },
                    // SAFETY: the processor has been asked; the rest is the caller's promise.
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => unsafe { $middle::accumulate(tile, a, b) },
                    // SAFETY: needs no instruction set; the rest is the caller's promise.
                    Set::Plain => unsafe { $plain::accumulate(tile, a, b) },
                }
            }
            unsafe fn along(out: *mut $t, columns: Range<usize>, x: &[$t], b: Matrix<$t>) {
                match detect() {
                    // SAFETY: the processor has been asked; the rest is the caller's promise.
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => unsafe { $wide::along(out, columns, x, b) },
                    // SAFETY: the processor has been asked; the rest is the caller's promise.
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => unsafe { $middle::along(out, columns, x, b) },
                    // SAFETY: needs no instruction set; the rest is the caller's promise.
                    Set::Plain => unsafe { $plain::along(out, columns, x, b) },
                }
            }
            unsafe fn across(out: &mut [$t], rows: Range<usize>, x: &[$t], b: Matrix<$t>) {
                match detect() {
                    // SAFETY: the processor has been asked; the rest is the caller's promise.
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => unsafe { $wide::across(out, rows, x, b) },
                    // SAFETY: the processor has been asked; the rest is the caller's promise.
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => unsafe { $middle::across(out, rows, x, b) },
                    // SAFETY: needs no instruction set; the rest is the caller's promise.
                    Set::Plain => unsafe { $plain::across(out, rows, x, b) },
                }
            }
        }
    };
}

element!(f32, single_512, single_256, single_plain);
element!(f64, double_512, double_256, double_plain);

#[cfg(test)]
mod tests {
    use super::*;

    fn random(n: usize, seed: u32) -> Vec<f32> {
        let mut x = seed;
        let next = |_| {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // A quarter are zeros, which are left out.
            if x >> 30 == 0 { 0.0 } else { (x >> 8) as f32 / 8_388_608.0 - 1.0 }
        };
        (0..n).map(next).collect()
    }

    type Accumulate = unsafe fn(&Tile<f32>, Matrix<f32>, Matrix<f32>);

    fn sets() -> Vec<(&'static str, Accumulate)> {
        let mut all: Vec<(&'static str, Accumulate)> = vec![("plain", single_plain::accumulate)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                all.push(("avx512", single_512::accumulate));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(("avx2", single_256::accumulate));
            }
        }
        all
    }

    #[test]
    fn products_are_chains_in_the_order_of_the_inner_index() {
        for (m, k, n) in
            [(1usize, 1usize, 1usize), (3, 7, 17), (20, 130, 10), (64, 300, 70), (100, 33, 500), (5, 257, 49)]
        {
            let (la, lb, ld) = (k.div_ceil(16) * 16, n.div_ceil(16) * 16, n.div_ceil(16) * 16);
            let (a, b) = (random(m * la, 1), random(k * lb, 2));
            let start = random(m * ld, 3);
            let mut expected = start.clone();
            for i in 0..m {
                for j in 0..n {
                    for l in 0..k {
                        expected[i * ld + j] = a[i * la + l].mul_add(b[l * lb + j], expected[i * ld + j]);
                    }
                }
            }
            let bt: Vec<f32> = (0..n * la).map(|x| if x % la < k { b[x % la * lb + x / la] } else { 9.0 }).collect();
            let left = Matrix::new(&a, m, k, la);
            for right in [Matrix::new(&b, k, n, lb), Matrix::new(&bt, n, k, la).transposed()] {
                for (name, f) in sets() {
                    let mut out = start.clone();
                    // In two parts, as two threads would.
                    let (half, middle) = (m / 2, n / 2 / 16 * 16);
                    for rows in [0..half, half..m] {
                        for columns in [0..middle, middle..n] {
                            let tile = Tile { out: out.as_mut_ptr(), ld, rows: rows.clone(), columns };
                            // SAFETY: all rows are padded.
                            unsafe { f(&tile, left, right) };
                        }
                    }
                    for i in 0..m {
                        let at = i * ld..i * ld + n;
                        assert_eq!(out[at.clone()], expected[at], "{name} {m} {k} {n}, row {i}");
                    }
                }
            }
            // One row at a time gives the same chains.
            let mut out = start.clone();
            for i in 0..m {
                let x = &a[i * la..i * la + k];
                // SAFETY: all rows are padded.
                unsafe { f32::along(out[i * ld..].as_mut_ptr(), 0..n, x, Matrix::new(&b, k, n, lb)) };
                let at = i * ld..i * ld + n;
                assert_eq!(out[at.clone()], expected[at], "row {i} of {m} {k} {n}");
            }
        }
    }

    #[test]
    fn scalar_products_add_sixteen_sums_in_pairs() {
        for n in [1usize, 15, 16, 17, 100] {
            let ld = n.div_ceil(16) * 16;
            let (x, b) = (random(ld, 5), random(3 * ld, 6));
            let mut out = [0.25f32; 3];
            // SAFETY: all rows are padded.
            unsafe { f32::across(&mut out, 0..3, &x[..n], Matrix::new(&b, 3, n, ld)) };
            for i in 0..3 {
                let mut sums = [0.0f32; 16];
                (0..n).for_each(|j| sums[j % 16] = x[j].mul_add(b[i * ld + j], sums[j % 16]));
                for apart in [8, 4, 2, 1] {
                    (0..apart).for_each(|l| sums[l] += sums[l + apart]);
                }
                assert_eq!(out[i], 0.25 + sums[0], "{n}");
            }
        }
    }
}
