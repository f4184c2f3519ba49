//! Random bits of lanes.

use crate::ir::Precision;
use crate::rng::Stream;
use std::ops::Range;

/// Fills some lanes with the random bits of a step: one word for each, or two in double precision.
///
/// # Safety
/// There must be room for these lanes from `base` on, which no other thread touches; they begin at a multiple of four.
pub unsafe fn fill(stream: &Stream, step: u64, base: *mut u8, lanes: Range<usize>, precision: Precision) {
    let words = precision.bytes() / 4;
    let first = (lanes.start * words / 4) as u32;
    // SAFETY: the caller's promise.
    let out = unsafe {
        std::slice::from_raw_parts_mut(base.add(lanes.start * precision.bytes()).cast::<u32>(), lanes.len() * words)
    };
    match out {
        [a, b, c, d] => [*a, *b, *c, *d] = stream.block(step, first),
        out => stream.fill(step, first, out),
    }
}
