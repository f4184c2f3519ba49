//! Compiled elementwise kernels with the values that their slots hold.

use super::graph::{Graph, Node};
use crate::codegen::abi::SlotMemory;
use crate::codegen::{Backend, Steps};
use crate::hir::VarId;
use crate::image::{Bound, Held, Lowered};
use crate::rng::Stream;
use crate::runtime::Buffer;
use crate::runtime::buffer::padded;
use std::ops::Range;

/// A kernel ready to run.
pub struct Compiled {
    /// Its code.
    pub kernel: Bound<Held>,
    /// Number of lanes.
    n: usize,
    /// By slot: the value it holds.
    sources: Vec<Option<Node>>,
    /// By slot: memory of its own.
    own: Vec<Option<Buffer>>,
    /// Bytes from one example to the next in memory of its own.
    stride: usize,
    /// Its random numbers.
    stream: u32,
}

impl Compiled {
    /// Compiles a kernel for `n` lanes and examples up to `rows`.
    pub fn new(
        lowered: Lowered<Held>,
        sources: Vec<Option<Node>>,
        (n, rows): (usize, usize),
        backend: Backend,
        stream: u32,
    ) -> Compiled {
        let steps = if rows > 1 { Steps::Many } else { Steps::One };
        let precision = lowered.kernel.precision;
        let kernel = Bound::new(lowered, backend, steps);
        let own = |held: &Held| match held {
            Held::Fixed(values) => Some(Buffer::repeating(padded(n), precision, values)),
            Held::Time => Some(Buffer::new(16, precision)),
            Held::Clock(clock) => Some(Buffer::new(if clock.is_uniform() { 16 } else { padded(n) }, precision)),
            Held::Random(..) => Some(Buffer::new(padded(n) * rows, precision)),
            _ => None,
        };
        let own = kernel.slots().iter().map(own).collect();
        Compiled { n, stride: padded(n) * precision.bytes(), kernel, sources, own, stream }
    }

    /// Returns the value that a slot holds.
    pub fn source(&self, slot: usize) -> Option<Node> {
        self.sources[slot]
    }

    /// Returns whether it draws random numbers.
    pub fn draws(&self) -> bool {
        self.kernel.slots().iter().any(|h| matches!(h, Held::Random(..)))
    }

    /// Sets the time and draws what is random; every moment has draws of its own.
    pub fn prepare(&mut self, time: f64, moment: u64, seed: u64) {
        for (k, (held, own)) in self.kernel.slots().iter().zip(&mut self.own).enumerate() {
            match (held, own) {
                (Held::Time, Some(b)) => b.set(0, time),
                (Held::Clock(clock), Some(b)) => {
                    let lanes = if clock.is_uniform() { 1 } else { self.n };
                    (0..lanes).for_each(|i| b.set(i, clock.at(time, i)));
                }
                (Held::Random(..), Some(b)) => {
                    let bytes = b.bytes_mut();
                    let mut bits = vec![0u32; bytes.len() / 4];
                    Stream::new(seed, self.stream.wrapping_add((k as u32).wrapping_mul(0x9e37_79b9)))
                        .fill(moment, 0, &mut bits);
                    bytes.chunks_exact_mut(4).zip(&bits).for_each(|(to, x)| to.copy_from_slice(&x.to_le_bytes()));
                }
                _ => {}
            }
        }
    }

    /// Describes the memory of all slots: what is read, results and sums in their order, and what the caller keeps.
    pub fn table(
        &mut self,
        graph: &mut Graph,
        outs: &[SlotMemory],
        sums: &[SlotMemory],
        kept: &dyn Fn(VarId) -> Option<SlotMemory>,
    ) -> Vec<SlotMemory> {
        let memory = |(k, held): (usize, &Held)| match (held, self.sources[k], &mut self.own[k]) {
            (Held::Out(i), ..) => outs[*i],
            (Held::Sum(i), ..) => sums[*i],
            (_, Some(node), _) => graph.nodes[node].array.memory(),
            (Held::Variable(v), None, _) => match kept(*v) {
                Some(memory) => memory,
                None => crate::ice!("a variable without memory"),
            },
            (Held::Random(..), _, Some(b)) => SlotMemory { stride: self.stride, ..b.in_place() },
            (_, _, Some(b)) => b.in_place(),
            _ => crate::ice!("a slot without memory"),
        };
        self.kernel.slots().iter().enumerate().map(memory).collect()
    }

    /// Runs lanes for some examples; returns whether replaced values and sums stayed finite.
    ///
    /// # Safety
    /// The table must be valid for the lanes and examples, and no other thread may use what it writes there.
    pub unsafe fn run(&self, table: &[SlotMemory], lanes: Range<usize>, examples: usize) -> bool {
        // SAFETY: forwarded from the caller.
        unsafe { self.kernel.function().call(table, lanes.start, lanes.end, examples) }
    }
}
