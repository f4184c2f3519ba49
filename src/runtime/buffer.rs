//! Aligned arrays of floats of a run-time precision, padded to 16 lanes.

use super::memory::{bytes_of, large, too_many};
use crate::codegen::abi::SlotMemory;
use crate::ir::Precision;
use crate::plan::Column;
use memmap2::MmapMut;

/// One cache line.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u8; 64]);

/// Whole cache lines.
enum Lines {
    Few(Vec<Line>),
    /// In large pages, which begin at a line.
    Many(MmapMut),
}

impl Lines {
    fn new(n: usize) -> Lines {
        match large(bytes_of::<Line>(n)) {
            Some(map) => Lines::Many(map),
            None => Lines::Few(vec![Line([0; 64]); n]),
        }
    }

    fn as_ptr(&self) -> *const u8 {
        match self {
            Lines::Few(lines) => lines.as_ptr().cast(),
            Lines::Many(map) => map.as_ptr(),
        }
    }

    fn as_mut_ptr(&mut self) -> *mut u8 {
        match self {
            Lines::Few(lines) => lines.as_mut_ptr().cast(),
            Lines::Many(map) => map.as_mut_ptr(),
        }
    }
}

/// An aligned, zeroed array.
pub struct Buffer {
    lines: Lines,
    precision: Precision,
    len: usize,
}

/// Rounds up to a multiple of 16 lanes, the widest vector of any back end.
pub fn padded(n: usize) -> usize {
    n.checked_next_multiple_of(16).unwrap_or_else(|| too_many(n))
}

impl Buffer {
    /// Creates an array of `len` zeros.
    pub fn new(len: usize, precision: Precision) -> Buffer {
        let bytes = match precision {
            Precision::F32 => bytes_of::<f32>(len),
            Precision::F64 => bytes_of::<f64>(len),
        };
        Buffer { lines: Lines::new(bytes.div_ceil(64).max(1)), precision, len }
    }

    /// Creates an array that begins with `values`; the last one fills what remains.
    pub fn repeating(len: usize, precision: Precision, values: &[f64]) -> Buffer {
        let mut b = Buffer::new(len, precision);
        b.repeat(values);
        b
    }

    /// Writes values, and the last of them to the end.
    pub fn repeat(&mut self, values: &[f64]) {
        if let Some(last) = values.last() {
            (0..self.len).for_each(|i| self.set(i, *values.get(i).unwrap_or(last)));
        }
    }

    /// Describes the array as a slot that is read and written in place, the same at every step.
    pub fn in_place(&mut self) -> SlotMemory {
        let at = self.as_mut_ptr();
        SlotMemory { input: at, output: at, stride: 0 }
    }

    /// Describes the part of the array that begins at an element as a slot that is read and written in place.
    pub fn in_place_from(&mut self, begin: usize) -> SlotMemory {
        assert!(begin <= self.len);
        // SAFETY: the element lies within the array or is its end.
        let at = unsafe { self.as_mut_ptr().add(begin * self.precision.bytes()) };
        SlotMemory { input: at, output: at, stride: 0 }
    }

    /// Describes the part of the array that begins at an element as a slot that is only read.
    pub fn read_from(&self, begin: usize) -> SlotMemory {
        // The bytes that follow the element, none if it is beyond the end.
        let at = self.bytes()[begin * self.precision.bytes()..].as_ptr().cast_mut();
        SlotMemory { input: at, output: at, stride: 0 }
    }

    /// Returns the precision of the elements.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Copies elements of an array of the same precision to the beginning of this one.
    pub fn gather(&mut self, from: &Buffer, indices: impl Iterator<Item = usize>) {
        match self.precision {
            Precision::F32 => {
                let from = from.f32();
                self.f32_mut().iter_mut().zip(indices).for_each(|(to, i)| *to = from[i]);
            }
            Precision::F64 => {
                let from = from.f64();
                self.f64_mut().iter_mut().zip(indices).for_each(|(to, i)| *to = from[i]);
            }
        }
    }

    /// Fills the beginning with elements of an array of the same precision, each one so many times.
    pub fn repeat_each(&mut self, from: &Buffer, indices: impl Iterator<Item = usize>, times: usize) {
        match self.precision {
            Precision::F32 => {
                let from = from.f32();
                self.f32_mut().chunks_exact_mut(times).zip(indices).for_each(|(to, i)| to.fill(from[i]));
            }
            Precision::F64 => {
                let from = from.f64();
                self.f64_mut().chunks_exact_mut(times).zip(indices).for_each(|(to, i)| to.fill(from[i]));
            }
        }
    }

    /// Copies the beginning of an array of the same precision to elements of this one.
    pub fn scatter(&mut self, from: &Buffer, indices: impl Iterator<Item = usize>) {
        match self.precision {
            Precision::F32 => {
                let to = self.f32_mut();
                from.f32().iter().zip(indices).for_each(|(from, i)| to[i] = *from);
            }
            Precision::F64 => {
                let to = self.f64_mut();
                from.f64().iter().zip(indices).for_each(|(from, i)| to[i] = *from);
            }
        }
    }

    /// Copies consecutive elements of an array of the same precision.
    pub fn copy(&mut self, at: usize, from: &Buffer, begin: usize, n: usize) {
        match self.precision {
            Precision::F32 => self.f32_mut()[at..at + n].copy_from_slice(&from.f32()[begin..begin + n]),
            Precision::F64 => self.f64_mut()[at..at + n].copy_from_slice(&from.f64()[begin..begin + n]),
        }
    }

    /// Repeats the first `length` elements until there are `n`.
    pub fn repeat_beginning(&mut self, length: usize, n: usize) {
        let size = self.precision.bytes();
        let mut done = length;
        while done < n {
            let more = done.min(n - done);
            self.bytes_mut().copy_within(..more * size, done * size);
            done += more;
        }
    }

    /// Copies all elements of an array of the same precision and length.
    pub fn copy_all(&mut self, from: &Buffer) {
        self.bytes_mut().copy_from_slice(from.bytes());
    }

    /// Copies the first elements of an array of any precision.
    pub fn convert(&mut self, from: &Buffer, n: usize) {
        match (self.precision, from.precision) {
            (Precision::F64, Precision::F32) => {
                self.f64_mut()[..n].iter_mut().zip(from.f32()).for_each(|(to, v)| *to = f64::from(*v));
            }
            (Precision::F32, Precision::F64) => {
                self.f32_mut()[..n].iter_mut().zip(from.f64()).for_each(|(to, v)| *to = *v as f32);
            }
            _ => self.copy(0, from, 0, n),
        }
    }

    /// Hands over all elements with the places of a list that they belong to.
    pub fn each(&self, list: &mut [f64], then: impl Fn(&mut f64, f64)) {
        match self.precision {
            Precision::F32 => list.iter_mut().zip(self.f32()).for_each(|(to, x)| then(to, f64::from(*x))),
            Precision::F64 => list.iter_mut().zip(self.f64()).for_each(|(to, x)| then(to, *x)),
        }
    }

    /// Writes the first values of a column.
    pub fn fill_column(&mut self, n: usize, column: &Column) {
        match column {
            Column::Const(value) => self.fill(n, *value),
            _ => self.fill_with((0..n).map(|i| column.at(i))),
        }
    }

    /// Sets the first elements to one value.
    pub fn fill(&mut self, n: usize, value: f64) {
        match self.precision {
            Precision::F32 => self.f32_mut()[..n].fill(value as f32),
            Precision::F64 => self.f64_mut()[..n].fill(value),
        }
    }

    /// Repeats the element before `from` up to `end`.
    pub fn repeat_last(&mut self, from: usize, end: usize) {
        if from < end {
            let last = self.get(from.max(1) - 1);
            (from..end).for_each(|i| self.set(i, last));
        }
    }

    /// Replaces every element `x` by `scale * x + shift`.
    pub fn affine(&mut self, scale: f64, shift: f64) {
        match self.precision {
            Precision::F32 => self.f32_mut().iter_mut().for_each(|x| *x = *x * scale as f32 + shift as f32),
            Precision::F64 => self.f64_mut().iter_mut().for_each(|x| *x = *x * scale + shift),
        }
    }

    /// Writes random bits to one element, from the first or the second half of a block of words.
    pub fn set_bits(&mut self, i: usize, words: [u32; 4], second: bool) {
        match self.precision {
            Precision::F32 => self.f32_mut()[i] = f32::from_bits(words[usize::from(second)]),
            Precision::F64 => {
                let half = &words[2 * usize::from(second)..];
                self.f64_mut()[i] = f64::from_bits(u64::from(half[0]) << 32 | u64::from(half[1]));
            }
        }
    }

    /// Writes values to the beginning.
    pub fn fill_with(&mut self, values: impl Iterator<Item = f64>) {
        match self.precision {
            Precision::F32 => self.f32_mut().iter_mut().zip(values).for_each(|(to, v)| *to = v as f32),
            Precision::F64 => self.f64_mut().iter_mut().zip(values).for_each(|(to, v)| *to = v),
        }
    }

    /// Returns the number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the raw bytes of the elements.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the lines hold at least so many bytes.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len * self.precision.bytes()) }
    }

    /// Returns the raw bytes of the elements for writing; any bits are valid floats.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len * self.precision.bytes()) }
    }

    /// Returns the address of the first element.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.lines.as_mut_ptr()
    }

    /// Returns the elements of a single-precision array.
    pub fn f32(&self) -> &[f32] {
        assert_eq!(self.precision, Precision::F32);
        // SAFETY: the lines hold at least `len` aligned elements, any bits of which are valid floats.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    /// Returns the elements of a double-precision array.
    pub fn f64(&self) -> &[f64] {
        assert_eq!(self.precision, Precision::F64);
        // SAFETY: as in `f32`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    /// Returns the elements of a single-precision array for writing.
    pub fn f32_mut(&mut self) -> &mut [f32] {
        assert_eq!(self.precision, Precision::F32);
        // SAFETY: as in `f32`, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }

    /// Returns the elements of a double-precision array for writing.
    pub fn f64_mut(&mut self) -> &mut [f64] {
        assert_eq!(self.precision, Precision::F64);
        // SAFETY: as in `f32`, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }

    /// Reads one element.
    pub fn get(&self, i: usize) -> f64 {
        match self.precision {
            Precision::F32 => f64::from(self.f32()[i]),
            Precision::F64 => self.f64()[i],
        }
    }

    /// Writes one element, rounding to the array's precision.
    pub fn set(&mut self, i: usize, value: f64) {
        match self.precision {
            Precision::F32 => self.f32_mut()[i] = value as f32,
            Precision::F64 => self.f64_mut()[i] = value,
        }
    }

    /// Adds to one element.
    pub fn add(&mut self, i: usize, value: f64) {
        match self.precision {
            Precision::F32 => self.f32_mut()[i] += value as f32,
            Precision::F64 => self.f64_mut()[i] += value,
        }
    }

    /// Sets a range to zero.
    pub fn clear(&mut self, range: std::ops::Range<usize>) {
        match self.precision {
            Precision::F32 => self.f32_mut()[range].fill(0.0),
            Precision::F64 => self.f64_mut()[range].fill(0.0),
        }
    }
}
