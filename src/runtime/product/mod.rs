//! Products of matrices and vectors with a fixed order of every sum: the same bits on any machine and at any number of threads.

mod blocked;
mod convolution;
mod rows;
mod scratch;
mod simd;

pub use blocked::Tile;
pub use convolution::{CORRELATED, Convolved, Correlated, Images, PACKED, interleave, interleaved};
pub use simd::Real;

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

/// The products, of numbers of the type `$t`: what follows is made of this list.
macro_rules! products {
    ($then:ident!($($given:tt)*), $t:ty) => {
        $then! {
            [$($given)*]
            /// Adds `a * b` to a part of a result.
            ///
            /// # Safety
            /// The part must be writable, its rows padded to 16 elements, and no other thread may use it meanwhile. The elements of `a`
            /// and `b` must be finite, or what is multiplied by zero may be left out.
            fn accumulate(tile: &Tile<$t>, a: Matrix<$t>, b: Matrix<$t>);
            /// Adds `x * b` to some columns of `out`; see [`rows::along`].
            ///
            /// # Safety
            /// As for [`rows::along`].
            fn along(out: *mut $t, columns: Range<usize>, x: &[$t], b: Matrix<$t>);
            /// Adds to each `out[i]` the scalar product of `x` with row `i` of `b`; see [`rows::across`].
            ///
            /// # Safety
            /// As for [`rows::across`].
            fn across(out: &mut [$t], rows: Range<usize>, x: &[$t], b: Matrix<$t>);
            /// Copies rows of the left side of a product that is used several times; see [`convolution::pack`].
            ///
            /// # Safety
            /// None beyond the extents of the matrix.
            fn pack(a: Matrix<$t>, rows: Range<usize>, out: &mut [$t]);
            /// Adds to the targets of a convolution what their windows see; see [`convolution::gather`].
            ///
            /// # Safety
            /// As for [`convolution::gather`].
            fn gather(job: &Convolved<$t>, packed: &[$t], examples: Range<usize>);
            /// Adds to the sources of a convolution what reaches them through its windows; see [`convolution::spread`].
            ///
            /// # Safety
            /// As for [`convolution::spread`].
            fn spread(job: &Convolved<$t>, packed: &[$t], examples: Range<usize>);
            /// Sums over examples and places what windows see, times what their targets are; see [`convolution::correlate`].
            ///
            /// # Safety
            /// As for [`convolution::correlate`].
            fn correlate(job: &Correlated<$t>, inputs: Range<usize>);
        }
    };
}

/// The trait of the types that products are made for.
macro_rules! declare {
    ([] $($(#[$doc:meta])* fn $name:ident($($a:ident: $ty:ty),*);)*) => {
        /// The types that products are made for.
        pub trait Element: Real {
            $($(#[$doc])* unsafe fn $name($($a: $ty),*);)*
        }
    };
}

products!(declare!(), Self);

/// Where the generic products are.
mod generic {
    pub use super::blocked::accumulate;
    pub use super::convolution::{correlate, gather, pack, spread};
    pub use super::rows::{across, along};
}

/// The products of one type with one instruction set.
macro_rules! set {
    (
        [$module:ident, $simd:ty, $attribute:meta]
        $($(#[$doc:meta])* fn $name:ident($($a:ident: $ty:ty),*);)*
    ) => {
        mod $module {
            use super::*;

            $(#[$attribute]
            pub unsafe fn $name($($a: $ty),*) {
                // SAFETY: the processor has the instruction set; the rest is the caller's promise.
                unsafe { generic::$name::<$simd>($($a),*) }
            })*
        }
    };
}

#[cfg(target_arch = "x86_64")]
products!(set!(single_512, simd::Avx512Single, target_feature(enable = "avx512f")), f32);
#[cfg(target_arch = "x86_64")]
products!(set!(double_512, simd::Avx512Double, target_feature(enable = "avx512f")), f64);
#[cfg(target_arch = "x86_64")]
products!(set!(single_256, simd::Avx2Single, target_feature(enable = "avx2,fma")), f32);
#[cfg(target_arch = "x86_64")]
products!(set!(double_256, simd::Avx2Double, target_feature(enable = "avx2,fma")), f64);
products!(set!(single_plain, simd::Plain<f32>, inline(never)), f32);
products!(set!(double_plain, simd::Plain<f64>, inline(never)), f64);

/// The products of one type with what the processor has.
macro_rules! element {
    (
        [$t:ty, $wide:ident, $middle:ident, $plain:ident]
        $($(#[$doc:meta])* fn $name:ident($($a:ident: $ty:ty),*);)*
    ) => {
        impl Element for $t {
            $(unsafe fn $name($($a: $ty),*) {
                match detect() {
                    // SAFETY: the processor has been asked; the rest is the caller's promise.
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => unsafe { $wide::$name($($a),*) },
                    // SAFETY: the processor has been asked; the rest is the caller's promise.
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => unsafe { $middle::$name($($a),*) },
                    // SAFETY: needs no instruction set; the rest is the caller's promise.
                    Set::Plain => unsafe { $plain::$name($($a),*) },
                }
            })*
        }
    };
}

products!(element!(f32, single_512, single_256, single_plain), f32);
products!(element!(f64, double_512, double_256, double_plain), f64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Convolution, View};

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

    /// A convolution: source and target channels, size, kernel, stride and padding.
    fn map(
        channels: (usize, usize),
        size: (usize, usize),
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Convolution {
        let out = |n: usize| (n + 2 * padding - kernel) / stride + 1;
        let out = (out(size.0), out(size.1));
        let view = |n: usize| View { population: 0, start: 0, n };
        let (pre, post) = (view(channels.0 * size.0 * size.1), view(channels.1 * out.0 * out.1));
        Convolution { pre, post, channels, size, out, kernel, stride, padding, pool: None }
    }

    /// Every input of every window: input, source, place.
    fn seen(m: &Convolution) -> Vec<(usize, usize, usize)> {
        let mut all = Vec::new();
        for input in 0..m.inputs() {
            let (c, row, column) = (input / m.kernel / m.kernel, input / m.kernel % m.kernel, input % m.kernel);
            for place in 0..m.out.0 * m.out.1 {
                let (y, x) = (place / m.out.1 * m.stride + row, place % m.out.1 * m.stride + column);
                let inside = |v: usize, n: usize| v.checked_sub(m.padding).filter(|v| *v < n);
                if let (Some(i), Some(j)) = (inside(y, m.size.0), inside(x, m.size.1)) {
                    all.push((input, (c * m.size.0 + i) * m.size.1 + j, place));
                }
            }
        }
        all
    }

    #[test]
    fn convolutions_are_sums_in_a_fixed_order_whatever_the_instruction_set() {
        type Convolve = unsafe fn(&Convolved<f32>, &[f32], Range<usize>);
        type Sets = (
            unsafe fn(Matrix<f32>, Range<usize>, &mut [f32]),
            Convolve,
            Convolve,
            unsafe fn(&Correlated<f32>, Range<usize>),
        );
        let mut sets: Vec<(&str, Sets)> = Vec::new();
        macro_rules! add {
            ($name:literal, $m:ident) => {
                sets.push(($name, ($m::pack, $m::gather, $m::spread, $m::correlate)))
            };
        }
        add!("plain", single_plain);
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                add!("avx512", single_512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                add!("avx2", single_256);
            }
        }
        for (m, examples) in [
            (map((1, 1), (1, 1), 1, 1, 0), 1usize),
            (map((2, 3), (7, 6), 3, 2, 2), 5),
            (map((3, 16), (32, 32), 5, 2, 0), 2),
            (map((16, 13), (14, 14), 5, 2, 0), 7),
            (map((5, 20), (4, 9), 3, 1, 1), 11),
            (map((2, 2), (5, 5), 2, 3, 1), 3),
            (map((1, 9), (20, 3), 3, 4, 1), 4),
        ] {
            let (ld_from, ld_to) = (m.pre.n.div_ceil(16) * 16, m.post.n.div_ceil(16) * 16);
            let (places, channels, ld) = (m.out.0 * m.out.1, m.channels.1, m.channels.1.div_ceil(16) * 16);
            let (sources, targets) = (random(examples * ld_from, 1), random(examples * ld_to, 2));
            let weights = random(m.inputs() * ld, 3);
            let (mut forward, mut backward) = (vec![0.5f32; examples * ld_to], vec![0.25f32; examples * ld_from]);
            let mut product = vec![0.0f32; m.inputs() * ld];
            for e in 0..examples {
                let (mut up, mut down) = (vec![0.0f32; m.post.n], vec![0.0f32; m.pre.n]);
                for c in 0..channels {
                    for (input, source, place) in seen(&m) {
                        let at = c * places + place;
                        up[at] = weights[input * ld + c].mul_add(sources[e * ld_from + source], up[at]);
                    }
                }
                for (input, source, place) in seen(&m) {
                    let mut sum = 0.0f32;
                    for c in 0..channels {
                        sum = weights[input * ld + c].mul_add(targets[e * ld_to + c * places + place], sum);
                    }
                    down[source] += sum;
                }
                up.iter().enumerate().for_each(|(i, x)| forward[e * ld_to + i] += x);
                down.iter().enumerate().for_each(|(i, x)| backward[e * ld_from + i] += x);
                let mut places_seen = seen(&m);
                places_seen.sort_by_key(|(_, _, place)| *place);
                for (input, source, place) in places_seen {
                    for c in 0..channels {
                        let at = input * ld + c;
                        let target = targets[e * ld_to + c * places + place];
                        product[at] = target.mul_add(sources[e * ld_from + source], product[at]);
                    }
                }
            }
            let mut images = vec![0.0f32; examples * interleaved(&m) + 16];
            for e in 0..examples {
                let to = &mut images[e * interleaved(&m)..][..interleaved(&m)];
                interleave(&m, &sources[e * ld_from..][..m.pre.n], to);
            }
            for (name, (pack, gather, spread, correlate)) in &sets {
                let stored = Matrix::new(&weights, m.inputs(), channels, ld);
                let (mut by_target, mut by_input) =
                    (vec![0.0; channels * m.inputs()], vec![0.0; channels * m.inputs()]);
                let (mut up, mut down) = (vec![0.5f32; examples * ld_to], vec![0.25f32; examples * ld_from]);
                let mut sums = vec![0.0f32; m.inputs() * ld];
                // SAFETY: all rows are as long as said; one thread.
                unsafe {
                    pack(stored.transposed(), 0..channels, &mut by_target);
                    for first in (0..m.inputs()).step_by(PACKED) {
                        let rows = first..(first + PACKED).min(m.inputs());
                        pack(stored, rows.clone(), &mut by_input[rows.start * channels..rows.end * channels]);
                    }
                    let from = Images { data: &sources[..], ld: ld_from };
                    let job = Convolved { map: m, from, out: up.as_mut_ptr(), ld: ld_to };
                    gather(&job, &by_target, 0..examples / 2);
                    gather(&job, &by_target, examples / 2..examples);
                    let from = Images { data: &targets[..], ld: ld_to };
                    let job = Convolved { map: m, from, out: down.as_mut_ptr(), ld: ld_from };
                    spread(&job, &by_input, 0..examples / 2);
                    spread(&job, &by_input, examples / 2..examples);
                    let targets = Images { data: &targets[..], ld: ld_to };
                    let job = Correlated { map: m, sources: &images, targets, examples, out: sums.as_mut_ptr(), ld };
                    for first in (0..m.inputs()).step_by(CORRELATED) {
                        correlate(&job, first..(first + CORRELATED).min(m.inputs()));
                    }
                }
                assert!(up == forward, "{name}: targets of {m:?}");
                assert!(down == backward, "{name}: sources of {m:?}");
                assert!(sums == product, "{name}: weights of {m:?}");
            }
        }
    }
}
