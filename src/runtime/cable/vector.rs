//! Vectors of one instruction set, as far as cables need them. Every lane does the same operations, each rounded once, so the width of a
//! vector changes no bits.

use crate::runtime::buffer::Buffer;

/// A vector, or a number by itself.
pub trait Vector: Copy {
    /// Its elements.
    type T: Copy;
    /// How many there are.
    const LANES: usize;
    /// Reads a vector.
    ///
    /// # Safety
    /// The processor must have the instruction set; so for all functions. The address must be readable; it need not be aligned.
    unsafe fn load(at: *const Self::T) -> Self;
    /// Writes a vector.
    ///
    /// # Safety
    /// The address must be writable; it need not be aligned.
    unsafe fn store(self, at: *mut Self::T);
    /// A vector of equal elements.
    ///
    /// # Safety
    /// As for `load`.
    unsafe fn splat(x: Self::T) -> Self;
    /// `self + a`
    ///
    /// # Safety
    /// As for `load`.
    unsafe fn plus(self, a: Self) -> Self;
    /// `self - a`
    ///
    /// # Safety
    /// As for `load`.
    unsafe fn minus(self, a: Self) -> Self;
    /// `self * a`
    ///
    /// # Safety
    /// As for `load`.
    unsafe fn times(self, a: Self) -> Self;
    /// `self / a`
    ///
    /// # Safety
    /// As for `load`.
    unsafe fn over(self, a: Self) -> Self;
}

/// The two precisions of potentials.
pub trait Float: Vector<T = Self> + Default {
    /// The widest vectors of two instruction sets.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Vector<T = Self>;
    #[cfg(target_arch = "x86_64")]
    type Avx2: Vector<T = Self>;
    /// The number one.
    const ONE: Self;
    /// A number in this precision.
    fn of(x: f64) -> Self;
    /// The numbers of a buffer, which must be of this precision.
    fn numbers(b: &Buffer) -> &[Self];
    /// Returns whether it is a number, and not infinite.
    fn is_finite(self) -> bool;
}

macro_rules! float {
    ($t:ty, $numbers:ident, $avx512:ty, $avx2:ty) => {
        impl Float for $t {
            #[cfg(target_arch = "x86_64")]
            type Avx512 = $avx512;
            #[cfg(target_arch = "x86_64")]
            type Avx2 = $avx2;
            const ONE: $t = 1.0;

            fn of(x: f64) -> $t {
                x as $t
            }

            #[inline(always)]
            fn numbers(b: &Buffer) -> &[$t] {
                b.$numbers()
            }

            #[inline(always)]
            fn is_finite(self) -> bool {
                <$t>::is_finite(self)
            }
        }

        impl Vector for $t {
            type T = $t;
            const LANES: usize = 1;

            #[inline(always)]
            unsafe fn load(at: *const $t) -> $t {
                // SAFETY: the caller's promise.
                unsafe { *at }
            }

            #[inline(always)]
            unsafe fn store(self, at: *mut $t) {
                // SAFETY: the caller's promise.
                unsafe { *at = self }
            }

            #[inline(always)]
            unsafe fn splat(x: $t) -> $t {
                x
            }

            #[inline(always)]
            unsafe fn plus(self, a: $t) -> $t {
                self + a
            }

            #[inline(always)]
            unsafe fn minus(self, a: $t) -> $t {
                self - a
            }

            #[inline(always)]
            unsafe fn times(self, a: $t) -> $t {
                self * a
            }

            #[inline(always)]
            unsafe fn over(self, a: $t) -> $t {
                self / a
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

float!(f32, f32, __m512, __m256);
float!(f64, f64, __m512d, __m256d);

#[cfg(target_arch = "x86_64")]
macro_rules! vector {
    ($v:ty, $t:ty, $lanes:expr, $load:ident, $store:ident, $splat:ident, $add:ident, $sub:ident, $mul:ident, $div:ident) => {
        impl Vector for $v {
            type T = $t;
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn load(at: *const $t) -> $v {
                // SAFETY: the caller's promise; so for all.
                unsafe { $load(at) }
            }

            #[inline(always)]
            unsafe fn store(self, at: *mut $t) {
                // SAFETY: as above.
                unsafe { $store(at, self) }
            }

            #[inline(always)]
            unsafe fn splat(x: $t) -> $v {
                // SAFETY: as above.
                unsafe { $splat(x) }
            }

            #[inline(always)]
            unsafe fn plus(self, a: $v) -> $v {
                // SAFETY: as above.
                unsafe { $add(self, a) }
            }

            #[inline(always)]
            unsafe fn minus(self, a: $v) -> $v {
                // SAFETY: as above.
                unsafe { $sub(self, a) }
            }

            #[inline(always)]
            unsafe fn times(self, a: $v) -> $v {
                // SAFETY: as above.
                unsafe { $mul(self, a) }
            }

            #[inline(always)]
            unsafe fn over(self, a: $v) -> $v {
                // SAFETY: as above.
                unsafe { $div(self, a) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
vector!(
    __m512,
    f32,
    16,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_div_ps
);
#[cfg(target_arch = "x86_64")]
vector!(
    __m512d,
    f64,
    8,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_set1_pd,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_mul_pd,
    _mm512_div_pd
);
#[cfg(target_arch = "x86_64")]
vector!(
    __m256,
    f32,
    8,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_div_ps
);
#[cfg(target_arch = "x86_64")]
vector!(
    __m256d,
    f64,
    4,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_set1_pd,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_div_pd
);
