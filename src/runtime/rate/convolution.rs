//! Convolutions and pools: what a projection with windows adds to its targets, and what its weights have in common with both.

use super::array::Array;
use crate::codegen::abi::SlotMemory;
use crate::plan::{Convolution, Pooling};
use crate::runtime::Buffer;
use crate::runtime::buffer::padded;
use crate::runtime::pool::Pool;
use crate::runtime::product::{
    CORRELATED, Convolved, Correlated, Element, Images, Matrix, PACKED, interleave, interleaved,
};
use std::ops::Range;

/// Work with fewer multiplications than this is done by one thread.
const WORTH_SHARING: usize = 2_000_000;

/// Some of several examples or panels, for one thread.
fn share(n: usize, t: usize, threads: usize) -> Range<usize> {
    n * t / threads..n * (t + 1) / threads
}

/// What a projection with windows adds to its targets, example by example.
pub struct Job<'a> {
    /// How windows move.
    pub map: Convolution,
    /// Whether the targets are what the windows move over.
    pub transposed: bool,
    /// Values of the sources, a row for each example.
    pub sources: &'a Array,
    /// Weights: rows of target channels.
    pub weights: &'a Array,
    /// Of a pool that takes the greatest: the values it compares, and what multiplies them.
    pub compared: Option<(&'a Array, &'a Array)>,
    /// Where to add.
    pub out: SlotMemory,
    /// From example to example.
    pub ld: usize,
    /// Which ones.
    pub examples: Range<usize>,
}

impl Job<'_> {
    /// Adds; examples are shared among threads, each is computed by one.
    pub fn run<T: Element + PartialOrd>(
        &self,
        pool: &mut Pool,
        packed: &mut Vec<T>,
        numbers: impl Fn(&Buffer) -> &[T] + Sync,
    ) {
        let m = &self.map;
        let work = self.examples.len() * m.weights() * m.out.0 * m.out.1;
        let threads = if work < WORTH_SHARING { 1 } else { pool.threads() };
        let (from, weights) = (numbers(&self.sources.buffer), numbers(&self.weights.buffer));
        let from = Images { data: from, ld: if self.sources.rows == 1 { 0 } else { self.sources.ld } };
        let out = self.out.output.cast::<T>();
        let job = Convolved { map: *m, from, out, ld: self.ld };
        if m.pool.is_none() {
            let stored = Matrix::new(weights, m.inputs(), m.channels.1, self.weights.ld);
            pack(if self.transposed { stored } else { stored.transposed() }, pool, threads, packed);
        }
        let compared = self.compared.map(|(values, factor)| {
            let values = Images { data: numbers(&values.buffer), ld: if values.rows == 1 { 0 } else { values.ld } };
            (values, numbers(&factor.buffer)[0])
        });
        let part = |t: usize| {
            let part = share(self.examples.len(), t, threads);
            let examples = self.examples.start + part.start..self.examples.start + part.end;
            match (m.pool, self.transposed) {
                // SAFETY: each thread has examples of its own, whose rows `out` holds.
                (None, false) => unsafe { T::gather(&job, packed, examples) },
                // SAFETY: as above.
                (None, true) => unsafe { T::spread(&job, packed, examples) },
                (Some(pool), _) => {
                    let square = if pool == Pooling::Mean { m.kernel * m.kernel } else { 1 };
                    examples.for_each(|e| self.pool(&job, e, (pool, weights[0].over(square)), compared))
                }
            }
        };
        together(pool, threads, &part);
    }

    /// Each channel for itself, with one weight.
    fn pool<T: Element + PartialOrd>(
        &self,
        job: &Convolved<T>,
        example: usize,
        (pool, weight): (Pooling, T),
        compared: Option<(Images<T>, T)>,
    ) {
        let m = &self.map;
        let (sources, targets) = (m.size.0 * m.size.1, m.out.0 * m.out.1);
        let (n_from, n_to) = if self.transposed { (m.post.n, m.pre.n) } else { (m.pre.n, m.post.n) };
        let from = &job.from.data[example * job.from.ld..][..n_from];
        // SAFETY: an example of this thread's, whose row `out` holds.
        let to = unsafe { std::slice::from_raw_parts_mut(job.out.add(example * job.ld), n_to) };
        let mut add = |source: usize, target: usize| {
            let (i, j) = if self.transposed { (target, source) } else { (source, target) };
            to[j] = weight.fma(from[i], to[j]);
        };
        for channel in 0..m.channels.0 {
            for place in 0..targets {
                let target = channel * targets + place;
                match (pool, compared) {
                    (Pooling::Max, Some((values, factor))) => {
                        let values = &values.data[example * values.ld..];
                        let value = |source: usize| factor.fma(values[source], T::default());
                        let mut best: Option<usize> = None;
                        m.seen(place, |source, _| {
                            let source = channel * sources + source;
                            // The first of those that are equal.
                            if best.is_none_or(|b| value(source) > value(b)) {
                                best = Some(source);
                            }
                        });
                        best.into_iter().for_each(|source| add(source, target));
                    }
                    _ => m.seen(place, |source, _| add(channel * sources + source, target)),
                }
            }
        }
    }
}

/// Copies the left side of a product, so many threads each some of its rows.
fn pack<T: Element>(a: Matrix<T>, pool: &mut Pool, threads: usize, packed: &mut Vec<T>) {
    packed.resize(a.rows * a.columns, T::default());
    let parts = a.rows.div_ceil(PACKED);
    let at = Shared(packed.as_mut_ptr());
    let part = |t: usize| {
        let parts = share(parts, t, threads);
        let rows = (parts.start * PACKED).min(a.rows)..(parts.end * PACKED).min(a.rows);
        // SAFETY: each thread has rows of its own, for which there is room; packing needs nothing beyond the extents of the matrix.
        unsafe {
            let to = std::slice::from_raw_parts_mut(at.at(rows.start * a.columns), rows.len() * a.columns);
            T::pack(a, rows, to)
        }
    };
    together(pool, threads, &part);
}

/// What every weight of a convolution sums over places and examples: the product of what its windows see and what their targets are.
pub fn correlate<T: Element>(
    map: Convolution,
    (sources, targets): (&Array, &Array),
    examples: usize,
    pool: &mut Pool,
    images: &mut Vec<T>,
    numbers: impl Fn(&Buffer) -> &[T] + Sync,
) -> Vec<T> {
    let (image, ld) = (interleaved(&map), padded(map.channels.1));
    let (from, to) = (numbers(&sources.buffer), numbers(&targets.buffer));
    // Beyond the last image whole vectors are read.
    images.resize(examples * image + 16, T::default());
    let work = examples * map.weights() * map.out.0 * map.out.1;
    let threads = if work < WORTH_SHARING { 1 } else { pool.threads() };
    let laid = Shared(images.as_mut_ptr());
    let lay = |t: usize| {
        for e in share(examples, t, threads) {
            // SAFETY: each thread has examples of its own, for which there is room.
            let to = unsafe { std::slice::from_raw_parts_mut(laid.at(e * image), image) };
            interleave(&map, &from[sources.row_of(e) * sources.ld..][..sources.n], to);
        }
    };
    together(pool, threads, &lay);
    let mut out = vec![T::default(); map.inputs() * ld];
    let targets = Images { data: to, ld: if targets.rows == 1 { 0 } else { targets.ld } };
    let job = Correlated { map, sources: images, targets, examples, out: out.as_mut_ptr(), ld };
    let panels = map.inputs().div_ceil(CORRELATED);
    let part = |t: usize| {
        let panels = share(panels, t, threads);
        let inputs = panels.start * CORRELATED..(panels.end * CORRELATED).min(map.inputs());
        if !inputs.is_empty() {
            // SAFETY: each thread has inputs of its own, whose rows `out` holds.
            unsafe { T::correlate(&job, inputs) }
        }
    };
    together(pool, threads, &part);
    out
}

/// Numbers of which each thread writes some of its own.
struct Shared<T>(*mut T);

// SAFETY: each thread is given places of its own.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// # Safety
    /// There must be so many numbers.
    unsafe fn at(&self, n: usize) -> *mut T {
        // SAFETY: the caller's promise.
        unsafe { self.0.add(n) }
    }
}

/// Does the parts of so many threads.
fn together(pool: &mut Pool, threads: usize, part: &(dyn Fn(usize) + Sync)) {
    if threads == 1 {
        return part(0);
    }
    pool.run(&|t| {
        if t < threads {
            part(t)
        }
    })
}
