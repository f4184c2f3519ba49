//! Arrays of a network without events: one row per example, or one for all.

use crate::codegen::abi::SlotMemory;
use crate::ir::Precision;
use crate::runtime::buffer::{Buffer, padded};
use crate::runtime::memory::too_many;
use crate::value::Cells;

/// Rows of numbers, each padded to 16.
pub struct Array {
    /// The numbers, row after row.
    pub buffer: Buffer,
    /// Number of rows.
    pub rows: usize,
    /// Numbers in a row.
    pub n: usize,
    /// From row to row.
    pub ld: usize,
}

impl Array {
    /// An array of zeros.
    pub fn new(rows: usize, n: usize, precision: Precision) -> Array {
        let ld = padded(n);
        let all = rows.checked_mul(ld).unwrap_or_else(|| too_many(ld));
        Array { buffer: Buffer::new(all, precision), rows, n, ld }
    }

    /// Fills every row with values; those that pad it repeat the last one.
    pub fn fill_rows(&mut self, value: &dyn Fn(usize) -> f64) {
        for i in 0..self.ld {
            let v = value(i.min(self.n.max(1) - 1));
            (0..self.rows).for_each(|r| self.buffer.set(r * self.ld + i, v));
        }
    }

    /// Writes values of some cells into every row.
    pub fn fill_cells(&mut self, cells: &Cells, values: &[f64]) {
        for row in 0..self.rows {
            for (i, v) in cells.iter().zip(values) {
                self.buffer.set(row * self.ld + i, *v);
            }
            self.pad(row);
        }
    }

    /// Repeats the last number of a row in those that pad it.
    pub fn pad(&mut self, row: usize) {
        self.buffer.repeat_last(row * self.ld + self.n, (row + 1) * self.ld);
    }

    /// Puts the sum of every group of neighbours, in their order, in the place of each of them, row after row.
    pub fn sum_groups(&mut self, size: usize) {
        for row in 0..self.rows {
            for start in (0..self.n).step_by(size) {
                let group = row * self.ld + start..row * self.ld + (start + size).min(self.n);
                let sum = group.clone().map(|i| self.buffer.get(i)).fold(0.0, |sum, x| sum + x);
                group.for_each(|i| self.buffer.set(i, sum));
            }
            self.pad(row);
        }
    }

    /// An array without numbers.
    pub fn empty(precision: Precision) -> Array {
        Array { buffer: Buffer::new(0, precision), rows: 0, n: 0, ld: 0 }
    }

    /// Replaces some numbers of a row.
    pub fn set_part(&mut self, row: usize, start: usize, values: &[f64]) {
        let at = row * self.ld + start;
        match self.buffer.precision() {
            Precision::F32 => {
                let to = &mut self.buffer.f32_mut()[at..at + values.len()];
                to.iter_mut().zip(values).for_each(|(a, b)| *a = *b as f32);
            }
            Precision::F64 => self.buffer.f64_mut()[at..at + values.len()].copy_from_slice(values),
        }
        self.pad(row);
    }

    /// Adds a row of another array to some cells of one of this.
    pub fn add(&mut self, row: usize, start: usize, other: &Array, other_row: usize) {
        let (at, from, n) = (row * self.ld + start, other_row * other.ld, other.n);
        match self.buffer.precision() {
            Precision::F32 => {
                let to = &mut self.buffer.f32_mut()[at..at + n];
                to.iter_mut().zip(&other.buffer.f32()[from..from + n]).for_each(|(a, b)| *a += b);
            }
            Precision::F64 => {
                let to = &mut self.buffer.f64_mut()[at..at + n];
                to.iter_mut().zip(&other.buffer.f64()[from..from + n]).for_each(|(a, b)| *a += b);
            }
        }
    }

    /// Copies a row of an array that is as wide.
    pub fn copy_row(&mut self, row: usize, other: &Array, other_row: usize) {
        self.buffer.copy(row * self.ld, &other.buffer, other_row * other.ld, self.ld);
    }

    /// Fills a row with some cells of another array.
    pub fn copy_part(&mut self, row: usize, other: &Array, start: usize) {
        self.buffer.copy(row * self.ld, &other.buffer, row * other.ld + start, self.n);
        self.pad(row);
    }

    /// Returns the largest difference from another array in some rows; not a number if one of this is not finite.
    pub fn change(&self, other: &Array, rows: usize) -> f64 {
        let mut most = 0.0f64;
        for row in 0..rows {
            let at = row * self.ld..(row + 1) * self.ld;
            let largest = match self.buffer.precision() {
                Precision::F32 => f64::from(change(&self.buffer.f32()[at.clone()], &other.buffer.f32()[at])),
                Precision::F64 => change(&self.buffer.f64()[at.clone()], &other.buffer.f64()[at]),
            };
            most = if largest > most || largest.is_nan() { largest } else { most };
            if most.is_nan() {
                return most;
            }
        }
        most
    }

    /// Returns one number.
    pub fn get(&self, row: usize, i: usize) -> f64 {
        self.buffer.get(row * self.ld + i)
    }

    /// Returns the row that an example reads.
    pub fn row_of(&self, example: usize) -> usize {
        if self.rows == 1 { 0 } else { example }
    }

    /// Describes the array as memory of a kernel's slot whose steps are examples.
    pub fn memory(&mut self) -> SlotMemory {
        let stride = if self.rows == 1 { 0 } else { self.ld * self.buffer.precision().bytes() };
        SlotMemory { stride, ..self.buffer.in_place() }
    }

    /// Returns the bytes between rows.
    pub fn row_bytes(&self) -> usize {
        self.ld * self.buffer.precision().bytes()
    }
}

/// Returns the largest difference of two arrays of full blocks, or not a number if one of the first is not finite.
fn change<T>(a: &[T], b: &[T]) -> T
where
    T: Copy + Default + PartialOrd + std::ops::Sub<Output = T> + std::ops::AddAssign,
{
    // Sixteen at a time, as vectors: a number that is not finite, less itself, is not a number, and makes the sum none.
    let zero = T::default();
    let (mut most, mut odd) = ([zero; 16], [zero; 16]);
    for (a, b) in a.chunks_exact(16).zip(b.chunks_exact(16)) {
        for l in 0..16 {
            let d = a[l] - b[l];
            let d = if d < zero { zero - d } else { d };
            most[l] = if d > most[l] { d } else { most[l] };
            let same = a[l];
            odd[l] += a[l] - same;
        }
    }
    let mut out = zero;
    for l in 0..16 {
        out = if most[l] > out { most[l] } else { out };
        out += odd[l];
    }
    out
}
