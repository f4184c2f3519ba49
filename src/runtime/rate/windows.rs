//! Convolutions and pools as products of matrices: what a window sees becomes a column.

use super::array::Array;
use crate::codegen::abi::SlotMemory;
use crate::plan::Windows;
use crate::runtime::Buffer;
use crate::runtime::buffer::padded;
use crate::runtime::pool::Pool;
use crate::runtime::product::{Element, Matrix, Tile};

/// What a projection with windows adds to its targets, example by example.
pub struct Job<'a> {
    /// How windows move.
    pub windows: Windows,
    /// Whether the targets are what the windows move over.
    pub transposed: bool,
    /// Values of the sources, a row for each example.
    pub sources: &'a Array,
    /// Weights: rows of target channels.
    pub weights: &'a Array,
    /// Where to add.
    pub out: SlotMemory,
    /// From example to example.
    pub ld: usize,
    /// How many.
    pub examples: usize,
}

impl Job<'_> {
    /// Adds; examples are shared among threads, each is computed by one.
    pub fn run<T: Element>(&self, pool: &mut Pool, numbers: impl Fn(&Buffer) -> &[T] + Sync) {
        let work = self.examples * self.windows.weights() * self.windows.out.0 * self.windows.out.1;
        let threads = if work < 2_000_000 { 1 } else { pool.threads() };
        let job = |t: usize| {
            let mut scratch = Scratch::default();
            for example in (0..self.examples).filter(|e| e % threads == t) {
                let from = &numbers(&self.sources.buffer)[self.sources.row_of(example) * self.sources.ld..];
                let from = &from[..self.sources.n];
                // Named whole, so that the thread gets what may be sent.
                let out = {
                    let whole = &self.out;
                    whole.output.cast::<T>()
                };
                let n = if self.transposed { self.windows.pre.n } else { self.windows.post.n };
                // SAFETY: examples have rows of their own.
                let to = unsafe { std::slice::from_raw_parts_mut(out.add(example * self.ld), n) };
                let weights = numbers(&self.weights.buffer);
                if self.windows.pool {
                    self.pool(from, weights[0], to);
                } else if self.transposed {
                    self.spread(from, weights, to, &mut scratch);
                } else {
                    self.gather(from, weights, to, &mut scratch);
                }
            }
        };
        if threads == 1 {
            job(0)
        } else {
            pool.run(&|t| {
                if t < threads {
                    job(t)
                }
            })
        }
    }

    /// Every target sums what its window sees.
    fn gather<T: Element>(&self, from: &[T], weights: &[T], to: &mut [T], scratch: &mut Scratch<T>) {
        let w = &self.windows;
        let (places, ld) = (w.out.0 * w.out.1, padded(w.out.0 * w.out.1));
        let all: Vec<usize> = (0..w.inputs()).collect();
        columns(w, &all, from, &mut scratch.columns);
        scratch.rows.clear();
        scratch.rows.resize(w.channels.1 * ld, T::default());
        let left = Matrix::new(weights, w.inputs(), w.channels.1, self.weights.ld).transposed();
        let right = Matrix::new(&scratch.columns, w.inputs(), places, ld);
        let tile = Tile { out: scratch.rows.as_mut_ptr(), ld, rows: 0..w.channels.1, columns: 0..places };
        // SAFETY: the rows are padded, and this thread's own.
        unsafe { T::accumulate(&tile, left, right) };
        for (to, row) in to.chunks_exact_mut(places).zip(scratch.rows.chunks_exact(ld)) {
            to.iter_mut().zip(row).for_each(|(a, b)| *a = a.plus(*b));
        }
    }

    /// Every target spreads over the window that it sees.
    fn spread<T: Element>(&self, from: &[T], weights: &[T], to: &mut [T], scratch: &mut Scratch<T>) {
        let w = &self.windows;
        let (places, ld) = (w.out.0 * w.out.1, padded(w.out.0 * w.out.1));
        pad_rows(from, places, ld, &mut scratch.rows);
        scratch.columns.clear();
        scratch.columns.resize(w.inputs() * ld, T::default());
        let left = Matrix::new(weights, w.inputs(), w.channels.1, self.weights.ld);
        let right = Matrix::new(&scratch.rows, w.channels.1, places, ld);
        let tile = Tile { out: scratch.columns.as_mut_ptr(), ld, rows: 0..w.inputs(), columns: 0..places };
        // SAFETY: the rows of the scratch are padded, and this thread's own.
        unsafe { T::accumulate(&tile, left, right) };
        for (input, row) in scratch.columns.chunks_exact(ld).enumerate() {
            each_place(w, input, |place, source| to[source] = to[source].plus(row[place]));
        }
    }

    /// Each channel for itself, with one weight.
    fn pool<T: Element>(&self, from: &[T], weight: T, to: &mut [T]) {
        let w = Windows { channels: (1, 1), ..self.windows };
        let (places, area) = (w.out.0 * w.out.1, w.size.0 * w.size.1);
        for channel in 0..self.windows.channels.0 {
            for input in 0..w.inputs() {
                each_place(&w, input, |place, source| {
                    let (place, source) = (channel * places + place, channel * area + source);
                    let (i, j) = if self.transposed { (place, source) } else { (source, place) };
                    to[j] = weight.fma(from[i], to[j]);
                });
            }
        }
    }
}

/// Memory of one thread.
struct Scratch<T> {
    columns: Vec<T>,
    rows: Vec<T>,
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Scratch { columns: Vec::new(), rows: Vec::new() }
    }
}

/// Visits the targets whose window has something at a place: `input` counts source channels, rows and columns of the window.
fn each_place(w: &Windows, input: usize, mut visit: impl FnMut(usize, usize)) {
    let square = w.kernel * w.kernel;
    let (channel, row, column) = (input / square, input % square / w.kernel, input % w.kernel);
    for y in 0..w.out.0 {
        let Some(i) = (y * w.stride + row).checked_sub(w.padding).filter(|i| *i < w.size.0) else { continue };
        let line = (channel * w.size.0 + i) * w.size.1;
        for x in 0..w.out.1 {
            if let Some(j) = (x * w.stride + column).checked_sub(w.padding).filter(|j| *j < w.size.1) {
                visit(y * w.out.1 + x, line + j);
            }
        }
    }
}

/// Lays out what windows see: a row for each of some inputs, a column for each target.
fn columns<T: Element>(w: &Windows, inputs: &[usize], from: &[T], out: &mut Vec<T>) {
    let ld = padded(w.out.0 * w.out.1);
    out.clear();
    out.resize(inputs.len() * ld, T::default());
    for (row, input) in out.chunks_exact_mut(ld).zip(inputs) {
        each_place(w, *input, |place, source| row[place] = from[source]);
    }
}

/// Copies rows so that each is padded with zeros.
fn pad_rows<T: Element>(from: &[T], n: usize, ld: usize, out: &mut Vec<T>) {
    out.clear();
    out.resize(from.len() / n * ld, T::default());
    for (to, row) in out.chunks_exact_mut(ld).zip(from.chunks_exact(n)) {
        to[..n].copy_from_slice(row);
    }
}

/// Adds to rows of `out` what some inputs of the windows have in common with the targets' channels.
///
/// # Safety
/// `out` must have a padded row for every input, and belong to this thread.
pub unsafe fn correlate<T: Element>(
    w: &Windows,
    inputs: &[usize],
    sources: &[T],
    targets: &[T],
    out: *mut T,
    out_ld: usize,
) {
    let (places, ld) = (w.out.0 * w.out.1, padded(w.out.0 * w.out.1));
    let (mut seen, mut rows) = (Vec::new(), Vec::new());
    columns(w, inputs, sources, &mut seen);
    pad_rows(targets, places, ld, &mut rows);
    let left = Matrix::new(&seen, inputs.len(), places, ld);
    let right = Matrix::new(&rows, w.channels.1, places, ld).transposed();
    let tile = Tile { out, ld: out_ld, rows: 0..inputs.len(), columns: 0..w.channels.1 };
    // SAFETY: forwarded from the caller.
    unsafe { T::accumulate(&tile, left, right) };
}
