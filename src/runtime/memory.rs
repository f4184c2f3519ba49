//! Large arrays in memory that the system is asked to map in large pages, so that visiting them in any order does not wait for page
//! tables; and asking for memory ahead of its use.

use memmap2::MmapMut;
use std::marker::PhantomData;
use std::ops::Deref;

/// Numbers of which any bits are valid.
pub trait Plain: Copy {}
impl Plain for u16 {}
impl Plain for u32 {}
impl Plain for f32 {}
impl Plain for f64 {}

/// An array that does not change.
pub enum Fixed<T: Plain> {
    /// A short one.
    Small(Box<[T]>),
    /// A long one, with its number of elements.
    Large(MmapMut, usize, PhantomData<T>),
}

/// From so many bytes on large pages are asked for.
const LARGE: usize = 2 << 20;

/// Ends the program: sizes are checked when a network is built, so that no array is asked for that cannot be.
#[cold]
pub fn too_many(n: usize) -> ! {
    crate::ice!("an array of {n} elements or more")
}

/// Returns the bytes of so many elements.
pub fn bytes_of<T>(n: usize) -> usize {
    n.checked_mul(size_of::<T>()).filter(|bytes| *bytes <= isize::MAX as usize).unwrap_or_else(|| too_many(n))
}

/// Returns so many zeros in large pages, if they are many.
pub fn large(bytes: usize) -> Option<MmapMut> {
    let map = if bytes < LARGE { None } else { MmapMut::map_anon(bytes).ok() }?;
    #[cfg(target_os = "linux")]
    // A system without large pages refuses; small ones do as well.
    let _ = map.advise(memmap2::Advice::HugePage);
    Some(map)
}

impl<T: Plain> Fixed<T> {
    /// Copies elements.
    pub fn of(values: &[T]) -> Fixed<T> {
        Fixed::from_iter(values.len(), values.iter().copied())
    }

    /// Collects so many elements; missing ones are zero.
    pub fn from_iter(n: usize, values: impl Iterator<Item = T>) -> Fixed<T> {
        let bytes = bytes_of::<T>(n);
        let Some(mut map) = large(bytes) else { return Fixed::Small(values.take(n).collect()) };
        // SAFETY: the mapping is aligned to pages, has room for `n` elements, and any bits are valid.
        let elements = unsafe { std::slice::from_raw_parts_mut(map.as_mut_ptr().cast::<T>(), n) };
        elements.iter_mut().zip(values).for_each(|(to, v)| *to = v);
        Fixed::Large(map, n, PhantomData)
    }
}

impl<T: Plain> Deref for Fixed<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        match self {
            Fixed::Small(values) => values,
            // SAFETY: as when it was written; the mapping lives as long as the borrow.
            Fixed::Large(map, n, _) => unsafe { std::slice::from_raw_parts(map.as_ptr().cast::<T>(), *n) },
        }
    }
}

/// Cache lines that [`prefetch`] asks for, at most.
const LINES: usize = 4;

/// Asks for the first cache lines of a slice.
#[inline(always)]
pub fn prefetch<T>(slice: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let bytes = std::mem::size_of_val(slice);
        for line in 0..LINES.min(bytes.div_ceil(64)) {
            // SAFETY: the address lies within the slice; a prefetch reads nothing.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(slice.as_ptr().cast::<i8>().add(64 * line)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, LINES);
}

#[cfg(test)]
mod tests {
    use super::Fixed;

    #[test]
    fn long_and_short_arrays_hold_what_was_put_in() {
        for n in [0, 5, 1000, 3_000_000] {
            let values: Vec<u32> = (0..n).map(|i| i * 7).collect();
            assert_eq!(&*Fixed::of(&values), &values[..]);
        }
    }
}
