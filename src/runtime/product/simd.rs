//! Vectors of one instruction set, as far as products need them. Every lane does what `mul_add` does, so the width of a vector
//! changes no bits.

use super::scratch::{self, Scratch};

/// A floating-point type of arrays.
pub trait Real: Copy + Default + PartialEq + Send + Sync + 'static {
    /// `self * a + b`, rounded once.
    fn fma(self, a: Self, b: Self) -> Self;
    /// `self + a`
    fn plus(self, a: Self) -> Self;
    /// `self / n`
    fn over(self, n: usize) -> Self;
    /// Takes this thread's memory, which is to be given back: without a closure, in which no instruction set would be known.
    fn take_scratch() -> Scratch<Self>;
    /// Gives it back.
    fn give_scratch(scratch: Scratch<Self>);
}

macro_rules! real {
    ($t:ty, $scratch:ident) => {
        impl Real for $t {
            #[inline(always)]
            fn fma(self, a: Self, b: Self) -> Self {
                self.mul_add(a, b)
            }
            #[inline(always)]
            fn plus(self, a: Self) -> Self {
                self + a
            }
            #[inline(always)]
            fn over(self, n: usize) -> Self {
                self / n as $t
            }
            fn take_scratch() -> Scratch<Self> {
                scratch::$scratch.take()
            }
            fn give_scratch(scratch: Scratch<Self>) {
                scratch::$scratch.set(scratch)
            }
        }
    };
}

real!(f32, SINGLE);
real!(f64, DOUBLE);

/// A vector type.
pub trait Simd: 'static {
    /// Its elements.
    type T: Real;
    /// The vector.
    type V: Copy;
    /// Elements in a vector.
    const LANES: usize;
    /// Rows of a tile of a product whose sums stay in registers: with six of two vectors AVX2 has one left to multiply by.
    const ROWS: usize;
    /// Vectors in a row of such a tile.
    const VECTORS: usize;
    /// A vector of zeros.
    ///
    /// # Safety
    /// The processor must have the instruction set; so for all functions.
    unsafe fn zero() -> Self::V;
    /// Reads a vector.
    ///
    /// # Safety
    /// The address must be readable; it need not be aligned.
    unsafe fn load(at: *const Self::T) -> Self::V;
    /// Writes a vector.
    ///
    /// # Safety
    /// The address must be writable; it need not be aligned.
    unsafe fn store(at: *mut Self::T, v: Self::V);
    /// A vector of equal elements.
    ///
    /// # Safety
    /// As for `zero`.
    unsafe fn splat(x: Self::T) -> Self::V;
    /// `a * b + c`
    ///
    /// # Safety
    /// As for `zero`.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Adds `n` elements of `from` to those of `at`: no more than a vector has.
    ///
    /// # Safety
    /// So many must be readable and writable.
    unsafe fn add_some(at: *mut Self::T, from: *const Self::T, n: usize);
}

/// Plain arrays, for machines without one of the others.
pub struct Plain<T>(std::marker::PhantomData<T>);

impl<T: Real> Simd for Plain<T> {
    type T = T;
    type V = [T; 4];
    const LANES: usize = 4;
    const ROWS: usize = 4;
    const VECTORS: usize = 2;
    #[inline(always)]
    unsafe fn zero() -> [T; 4] {
        [T::default(); 4]
    }
    #[inline(always)]
    unsafe fn load(at: *const T) -> [T; 4] {
        // SAFETY: the caller's promise.
        unsafe { at.cast::<[T; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(at: *mut T, v: [T; 4]) {
        // SAFETY: the caller's promise.
        unsafe { at.cast::<[T; 4]>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn splat(x: T) -> [T; 4] {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn fma(a: [T; 4], b: [T; 4], c: [T; 4]) -> [T; 4] {
        std::array::from_fn(|i| a[i].fma(b[i], c[i]))
    }
    #[inline(always)]
    unsafe fn add_some(at: *mut T, from: *const T, n: usize) {
        // SAFETY: the caller's promise.
        (0..n).for_each(|i| unsafe { at.add(i).write(at.add(i).read().plus(from.add(i).read())) });
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86::*;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use crate::runtime::product::simd::Simd;
    use std::arch::x86_64::*;

    macro_rules! vectors {
        ($name:ident, $t:ty, $v:ty, $lanes:expr, $rows:expr, $vectors:expr, $doc:literal, $zero:ident, $load:ident, $store:ident, $splat:ident, $fma:ident, $add_some:expr) => {
            #[doc = $doc]
            pub struct $name;

            impl Simd for $name {
                type T = $t;
                type V = $v;
                const LANES: usize = $lanes;
                const ROWS: usize = $rows;
                const VECTORS: usize = $vectors;
                #[inline(always)]
                unsafe fn zero() -> $v {
                    // SAFETY: the processor has the instruction set, which the caller of the whole product has made sure of.
                    unsafe { $zero() }
                }
                #[inline(always)]
                unsafe fn load(at: *const $t) -> $v {
                    // SAFETY: the processor has the instruction set; the caller promises that a vector can be read at the address.
                    unsafe { $load(at) }
                }
                #[inline(always)]
                unsafe fn store(at: *mut $t, v: $v) {
                    // SAFETY: the processor has the instruction set; the caller promises that a vector can be written at the address.
                    unsafe { $store(at, v) }
                }
                #[inline(always)]
                unsafe fn splat(x: $t) -> $v {
                    // SAFETY: the processor has the instruction set, which the caller of the whole product has made sure of.
                    unsafe { $splat(x) }
                }
                #[inline(always)]
                unsafe fn fma(a: $v, b: $v, c: $v) -> $v {
                    // SAFETY: the processor has the instruction set, which the caller of the whole product has made sure of.
                    unsafe { $fma(a, b, c) }
                }
                #[inline(always)]
                unsafe fn add_some(at: *mut $t, from: *const $t, n: usize) {
                    // SAFETY: the processor has the instruction set; the caller promises that so many can be read and written.
                    unsafe { $add_some(at, from, n) }
                }
            }
        };
    }

    vectors!(
        Avx512Single,
        f32,
        __m512,
        16,
        8,
        3,
        "Sixteen floats.",
        _mm512_setzero_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_fmadd_ps,
        |at: *mut f32, from: *const f32, n: usize| {
            let some = (1u32 << n).wrapping_sub(1) as __mmask16;
            let sum = _mm512_add_ps(_mm512_maskz_loadu_ps(some, at), _mm512_maskz_loadu_ps(some, from));
            _mm512_mask_storeu_ps(at, some, sum)
        }
    );
    vectors!(
        Avx512Double,
        f64,
        __m512d,
        8,
        8,
        3,
        "Eight doubles.",
        _mm512_setzero_pd,
        _mm512_loadu_pd,
        _mm512_storeu_pd,
        _mm512_set1_pd,
        _mm512_fmadd_pd,
        |at: *mut f64, from: *const f64, n: usize| {
            let some = (1u32 << n).wrapping_sub(1) as __mmask8;
            let sum = _mm512_add_pd(_mm512_maskz_loadu_pd(some, at), _mm512_maskz_loadu_pd(some, from));
            _mm512_mask_storeu_pd(at, some, sum)
        }
    );
    vectors!(
        Avx2Single,
        f32,
        __m256,
        8,
        6,
        2,
        "Eight floats.",
        _mm256_setzero_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_fmadd_ps,
        |at: *mut f32, from: *const f32, n: usize| (0..n).for_each(|i| *at.add(i) += *from.add(i))
    );
    vectors!(
        Avx2Double,
        f64,
        __m256d,
        4,
        6,
        2,
        "Four doubles.",
        _mm256_setzero_pd,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_set1_pd,
        _mm256_fmadd_pd,
        |at: *mut f64, from: *const f64, n: usize| (0..n).for_each(|i| *at.add(i) += *from.add(i))
    );
}
