//! Convolutions as products of matrices: what windows see becomes a column, for several examples side by side.
//!
//! Nothing is laid out as a whole: panels of columns are copied from the images when they are multiplied, so that they stay in a cache,
//! and weights are copied once for all examples. Each sum is a chain in a fixed order, whatever the panels, the vectors and the threads:
//! a target's in the order of the inputs of its window, from zero; a source's in that of the inputs by which windows see it; a weight's
//! in that of examples and places.

use super::Matrix;
use super::blocked::{chunk, pack_rows, tiles};
use super::scratch::Scratch;
use super::simd::{Real, Simd};
use crate::plan::Convolution;
use std::ops::Range;

/// Inner indices of one pass over sums that stay in registers.
const INNER: usize = 256;

/// Columns that are made of several examples, about.
const TOGETHER: usize = 384;

/// The images of several examples.
#[derive(Clone, Copy)]
pub struct Images<'a, T> {
    /// The numbers, example after example.
    pub data: &'a [T],
    /// From example to example; zero if all have the same.
    pub ld: usize,
}

/// A convolution of several examples.
pub struct Convolved<'a, T> {
    /// How windows move.
    pub map: Convolution,
    /// What is multiplied with the weights: of the sources to gather, of the targets to spread.
    pub from: Images<'a, T>,
    /// Where to add.
    pub out: *mut T,
    /// From example to example.
    pub ld: usize,
}

// SAFETY: whoever shares it between threads gives each examples of its own.
unsafe impl<T: Sync> Sync for Convolved<'_, T> {}

/// Products of sources and targets, to be summed over examples and places.
pub struct Correlated<'a, T> {
    /// How windows move.
    pub map: Convolution,
    /// What windows see: images with their channels side by side, as [`interleave`] makes them.
    pub sources: &'a [T],
    /// Values of the targets.
    pub targets: Images<'a, T>,
    /// How many examples.
    pub examples: usize,
    /// A row for each input, as wide as there are channels of targets.
    pub out: *mut T,
    /// From row to row.
    pub ld: usize,
}

// SAFETY: whoever shares it between threads gives each inputs of its own.
unsafe impl<T: Sync> Sync for Correlated<'_, T> {}

/// Rows of a left side that are copied together: a multiple of those of any tile.
pub const PACKED: usize = 24;

/// Copies rows of the left side of a product so that what a tile multiplies next lies side by side. They begin at a multiple of
/// [`PACKED`], and end at one or with the matrix.
#[inline(always)]
pub unsafe fn pack<S: Simd>(a: Matrix<S::T>, rows: Range<usize>, out: &mut [S::T]) {
    let inner: Vec<u32> = (0..a.columns as u32).collect();
    pack_rows::<S>(a, rows, &inner, out);
}

/// Images in which every `stride`-th number of a line lies side by side, with zeros around them: then what a window sees from target to
/// target does, too.
#[derive(Clone, Copy)]
struct Split {
    map: Convolution,
    /// Numbers of one phase of a line.
    width: usize,
    /// Numbers of an image.
    image: usize,
}

impl Split {
    fn new(map: Convolution) -> Split {
        let width = (map.size.1 + 2 * map.padding).div_ceil(map.stride);
        let lines = map.channels.0 * (map.size.0 + 2 * map.padding);
        Split { map, width, image: lines * map.stride * width }
    }

    /// Where a window's input lies, from the place of its target on.
    fn input(&self, input: usize) -> usize {
        let (m, square) = (&self.map, self.map.kernel * self.map.kernel);
        let (channel, row, column) = (input / square, input % square / m.kernel, input % m.kernel);
        let line = channel * (m.size.0 + 2 * m.padding) + row;
        (line * m.stride + column % m.stride) * self.width + column / m.stride
    }

    /// Where the window of the first target of a line begins.
    fn line(&self, example: usize, y: usize) -> usize {
        example * self.image + y * self.map.stride * self.map.stride * self.width
    }

    /// Visits the phases of all lines: where a line begins, from which of its numbers on, and where these go, side by side.
    fn phases(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let m = &self.map;
        for line in 0..m.channels.0 * m.size.0 {
            let (channel, i) = (line / m.size.0, line % m.size.0);
            let padded = channel * (m.size.0 + 2 * m.padding) + i + m.padding;
            for j in 0..m.stride.min(m.size.1) {
                let at = j + m.padding;
                let to = (padded * m.stride + at % m.stride) * self.width + at / m.stride;
                visit(line * m.size.1, j, to);
            }
        }
    }

    fn split<T: Real>(&self, from: &[T], to: &mut [T]) {
        let m = &self.map;
        self.phases(|line, first, at| {
            let numbers = from[line + first..line + m.size.1].iter().step_by(m.stride);
            to[at..].iter_mut().zip(numbers).for_each(|(to, x)| *to = *x);
        });
    }

    fn add_back<T: Real>(&self, from: &[T], to: &mut [T]) {
        let m = &self.map;
        self.phases(|line, first, at| {
            let numbers = to[line + first..line + m.size.1].iter_mut().step_by(m.stride);
            numbers.zip(&from[at..]).for_each(|(to, x)| *to = to.plus(*x));
        });
    }
}

/// Numbers that lie side by side in a panel and elsewhere.
#[derive(Clone, Copy)]
struct Segment {
    /// The first column of the panel.
    column: usize,
    /// Where the first number is elsewhere.
    at: usize,
    /// How many.
    n: usize,
}

/// Cuts a range of places of several examples where one example, or one line of `line` places, ends; `at` says where a place lies.
fn segments(columns: Range<usize>, line: usize, at: impl Fn(usize) -> usize, out: &mut Vec<Segment>) {
    out.clear();
    let mut first = columns.start;
    while first < columns.end {
        let n = (line - first % line).min(columns.end - first);
        out.push(Segment { column: first - columns.start, at: at(first), n });
        first += n;
    }
}

/// Copies whole vectors: what is written beyond the last number is written again by who comes after.
#[inline(always)]
unsafe fn copy<S: Simd>(to: *mut S::T, from: *const S::T, n: usize) {
    let mut at = 0;
    while at < n {
        // SAFETY: the caller has room for whole vectors on both sides.
        unsafe { S::store(to.add(at), S::load(from.add(at))) };
        at += S::LANES;
    }
}

/// Adds some numbers.
#[inline(always)]
unsafe fn add<S: Simd>(to: *mut S::T, from: *const S::T, n: usize) {
    let mut at = 0;
    while at < n {
        // SAFETY: the caller vouches for the numbers.
        unsafe { S::add_some(to.add(at), from.add(at), (n - at).min(S::LANES)) };
        at += S::LANES;
    }
}

/// Makes room for at least so many zeros, and a vector more.
fn zeros<T: Real>(v: &mut Vec<T>, n: usize) {
    v.clear();
    v.resize(n + 16, T::default());
}

/// Makes room for at least so many numbers, whatever they are.
fn room<T: Real>(v: &mut Vec<T>, n: usize) {
    if v.len() < n + 16 {
        v.resize(n + 16, T::default());
    }
}

/// Adds to every target what its window sees: `packed` holds, for each channel of the targets, the weights of all inputs.
///
/// # Safety
/// The processor must have the instruction set of `S`; `out` must have a row of targets for each example, and no other thread may use
/// those of these examples.
#[inline(always)]
pub unsafe fn gather<S: Simd>(job: &Convolved<S::T>, packed: &[S::T], examples: Range<usize>) {
    let (m, split) = (&job.map, Split::new(job.map));
    let (places, inputs, channels) = (m.out.0 * m.out.1, m.inputs(), m.channels.1);
    let width = S::LANES * S::VECTORS;
    let offsets: Vec<usize> = (0..inputs).map(|i| split.input(i)).collect();
    let together = TOGETHER.div_ceil(places).min(examples.len()).max(1);
    let mut scratch = S::T::take_scratch();
    let Scratch { b, images, sums, .. } = &mut scratch;
    zeros(images, together * split.image);
    room(b, INNER * width);
    room(sums, channels * width);
    let (mut lines, mut whole) = (Vec::new(), Vec::new());
    for first in examples.clone().step_by(together) {
        let n = together.min(examples.end - first);
        for e in 0..n {
            let from = &job.from.data[(first + e) * job.from.ld..][..m.pre.n];
            split.split(from, &mut images[e * split.image..][..split.image]);
        }
        for begin in (0..n * places).step_by(width) {
            let columns = begin..(begin + width).min(n * places);
            let vectors = columns.len().div_ceil(S::LANES);
            let at = |p: usize| split.line(p / places, p % places / m.out.1) + p % places % m.out.1;
            segments(columns.clone(), m.out.1, at, &mut lines);
            segments(columns, places, |p| (first + p / places) * job.ld + p % places, &mut whole);
            sums[..channels * width].fill(S::T::default());
            for k in (0..inputs).step_by(INNER) {
                let block = &offsets[k..(k + INNER).min(inputs)];
                // SAFETY: the panel has room for a vector more, the images, too; the sums have a row for each channel.
                unsafe {
                    for (row, offset) in block.iter().enumerate() {
                        let to = b.as_mut_ptr().add(row * vectors * S::LANES);
                        for s in &lines {
                            copy::<S>(to.add(s.column), images.as_ptr().add(s.at + offset), s.n);
                        }
                    }
                    let mut row = 0;
                    while row < channels {
                        let step = chunk(channels - row, S::ROWS);
                        let left = packed.as_ptr().add(row * inputs + k * step);
                        let out = sums.as_mut_ptr().add(row * width);
                        tiles::<S>(step, vectors, block.len(), left, b.as_ptr(), vectors * S::LANES, out, width);
                        row += step;
                    }
                }
            }
            for channel in 0..channels {
                for s in &whole {
                    // SAFETY: within the rows of these examples.
                    unsafe {
                        let to = job.out.add(s.at + channel * places);
                        add::<S>(to, sums.as_ptr().add(channel * width + s.column), s.n);
                    }
                }
            }
        }
    }
    S::T::give_scratch(scratch);
}

/// Adds to every source what reaches it through windows: `packed` holds, for each input, the weights to all channels of the targets.
///
/// # Safety
/// The processor must have the instruction set of `S`; `out` must have a row of sources for each example, and no other thread may use
/// those of these examples.
#[inline(always)]
pub unsafe fn spread<S: Simd>(job: &Convolved<S::T>, packed: &[S::T], examples: Range<usize>) {
    let (m, split) = (&job.map, Split::new(job.map));
    let (places, inputs, channels) = (m.out.0 * m.out.1, m.inputs(), m.channels.1);
    let width = S::LANES * S::VECTORS;
    let together = TOGETHER.div_ceil(places).min(examples.len()).max(1);
    let panels = (together * places).div_ceil(width);
    let mut scratch = S::T::take_scratch();
    let Scratch { b, images, sums, .. } = &mut scratch;
    room(b, panels * channels * width);
    room(sums, S::ROWS * panels * width);
    let (mut whole, mut lines) = (Vec::new(), Vec::new());
    for first in examples.clone().step_by(together) {
        let n = together.min(examples.end - first);
        zeros(images, n * split.image);
        let panels = (n * places).div_ceil(width);
        for panel in 0..panels {
            let columns = panel * width..((panel + 1) * width).min(n * places);
            let at = |p: usize| (first + p / places) * job.from.ld + p % places;
            segments(columns, places, at, &mut whole);
            for channel in 0..channels {
                let to = &mut b[(panel * channels + channel) * width..][..width];
                for s in &whole {
                    to[s.column..s.column + s.n].copy_from_slice(&job.from.data[s.at + channel * places..][..s.n]);
                }
            }
        }
        segments(0..n * places, m.out.1, |p| split.line(p / places, p % places / m.out.1), &mut lines);
        let mut row = 0;
        while row < inputs {
            let step = chunk(inputs - row, S::ROWS);
            let ld = panels * width;
            sums[..step * ld].fill(S::T::default());
            // SAFETY: the sums have a row for each input of the tile; the images hold what windows see.
            unsafe {
                let left = packed.as_ptr().add(row * channels);
                for panel in 0..panels {
                    let vectors = (n * places - panel * width).min(width).div_ceil(S::LANES);
                    let right = b.as_ptr().add(panel * channels * width);
                    let out = sums.as_mut_ptr().add(panel * width);
                    tiles::<S>(step, vectors, channels, left, right, width, out, ld);
                }
                for r in 0..step {
                    let offset = split.input(row + r);
                    for s in &lines {
                        let to = images.as_mut_ptr().add(s.at + offset);
                        add::<S>(to, sums.as_ptr().add(r * ld + s.column), s.n);
                    }
                }
            }
            row += step;
        }
        for e in 0..n {
            // SAFETY: the row of an example that is this thread's.
            let to = unsafe { std::slice::from_raw_parts_mut(job.out.add((first + e) * job.ld), m.pre.n) };
            split.add_back(&images[e * split.image..], to);
        }
    }
    S::T::give_scratch(scratch);
}

/// The numbers of an image with zeros around it.
pub fn interleaved(m: &Convolution) -> usize {
    (m.size.0 + 2 * m.padding) * (m.size.1 + 2 * m.padding) * m.channels.0
}

/// Lays out an image with the channels of a place side by side, and zeros around it: then all that a window sees in a line does, too.
pub fn interleave<T: Real>(m: &Convolution, from: &[T], to: &mut [T]) {
    to.fill(T::default());
    let width = m.size.1 + 2 * m.padding;
    for (line, numbers) in from.chunks_exact(m.size.1).enumerate() {
        let (channel, i) = (line / m.size.0, line % m.size.0);
        let at = ((i + m.padding) * width + m.padding) * m.channels.0 + channel;
        to[at..].iter_mut().step_by(m.channels.0).zip(numbers).for_each(|(to, x)| *to = *x);
    }
}

/// Sums over examples and places what windows see times what their targets are, for some of the inputs, counted row by row of the
/// window, then column by column, then channel by channel: ranges begin at multiples of [`CORRELATED`].
///
/// # Safety
/// The processor must have the instruction set of `S`; `out` must have a row for each input, and no other thread may use those of these
/// inputs. Interleaved images need a vector of room after the last.
#[inline(always)]
pub unsafe fn correlate<S: Simd>(job: &Correlated<S::T>, inputs: Range<usize>) {
    let m = &job.map;
    let (places, channels) = (m.out.0 * m.out.1, m.channels.1);
    let (image, line) = (interleaved(m), (m.size.1 + 2 * m.padding) * m.channels.0);
    let width = S::LANES * S::VECTORS;
    let ld = inputs.len().div_ceil(width) * width;
    // Where the window of each place of each example begins.
    let window = |k: usize| {
        let (e, p) = (k / places, k % places);
        e * image + p / m.out.1 * m.stride * line + p % m.out.1 * m.stride * m.channels.0
    };
    let windows: Vec<usize> = (0..job.examples * places).map(window).collect();
    // What a window sees in a line.
    let seen = m.kernel * m.channels.0;
    let mut scratch = S::T::take_scratch();
    let Scratch { a, b, sums, .. } = &mut scratch;
    room(a, INNER * channels);
    room(b, INNER * width);
    zeros(sums, channels * ld);
    let mut parts = Vec::new();
    for first in (0..windows.len()).step_by(INNER) {
        let block = &windows[first..(first + INNER).min(windows.len())];
        pack_targets::<S>(job, first..first + block.len(), a);
        for begin in inputs.clone().step_by(width) {
            let columns = begin..(begin + width).min(inputs.end);
            let vectors = columns.len().div_ceil(S::LANES);
            segments(columns, seen, |n| n / seen * line + n % seen, &mut parts);
            // SAFETY: the panel and the images have room for a vector more; the sums have a row for each channel.
            unsafe {
                for (row, window) in block.iter().enumerate() {
                    let to = b.as_mut_ptr().add(row * vectors * S::LANES);
                    for s in &parts {
                        copy::<S>(to.add(s.column), job.sources.as_ptr().add(s.at + window), s.n);
                    }
                }
                let mut row = 0;
                while row < channels {
                    let step = chunk(channels - row, S::ROWS);
                    let left = a.as_ptr().add(row * block.len());
                    let out = sums.as_mut_ptr().add(row * ld + begin - inputs.start);
                    tiles::<S>(step, vectors, block.len(), left, b.as_ptr(), vectors * S::LANES, out, ld);
                    row += step;
                }
            }
        }
    }
    for n in inputs.clone() {
        let (row, column, channel) = (n / seen, n % seen / m.channels.0, n % m.channels.0);
        let input = (channel * m.kernel + row) * m.kernel + column;
        // SAFETY: a row of these inputs.
        let to = unsafe { std::slice::from_raw_parts_mut(job.out.add(input * job.ld), channels) };
        to.iter_mut().enumerate().for_each(|(c, to)| *to = sums[c * ld + n - inputs.start]);
    }
    S::T::give_scratch(scratch);
}

/// Inputs of a correlation that are computed together: a multiple of the columns of any panel.
pub const CORRELATED: usize = 96;

/// Copies the targets of some examples and places so that what a tile multiplies next lies side by side.
#[inline(always)]
fn pack_targets<S: Simd>(job: &Correlated<S::T>, block: Range<usize>, out: &mut [S::T]) {
    let (places, channels, k) = (job.map.out.0 * job.map.out.1, job.map.channels.1, block.len());
    let mut row = 0;
    while row < channels {
        let step = chunk(channels - row, S::ROWS);
        let panel = &mut out[row * k..(row + step) * k];
        let mut at = block.start;
        while at < block.end {
            let (e, place) = (at / places, at % places);
            let n = (places - place).min(block.end - at);
            for r in 0..step {
                let from = &job.targets.data[e * job.targets.ld + (row + r) * places + place..][..n];
                let to = panel[(at - block.start) * step + r..].iter_mut().step_by(step);
                to.zip(from).for_each(|(to, x)| *to = *x);
            }
            at += n;
        }
        row += step;
    }
}
