//! Applies a rule to the synapses of a projection: some sources at a time, so that what was reduced over the examples is still in the
//! cache when the new weights are computed from it.

use super::Inner;
use super::evaluate::moved;
use super::graph::{Graph, Node};
use super::kernel::Compiled;
use super::rules::{Reducing, SynapseRule};
use super::windows;
use crate::codegen::abi::SlotMemory;
use crate::hir::VarId;
use crate::lower::Held;
use crate::plan::{Network, Windows};
use crate::runtime::Buffer;
use crate::runtime::buffer::padded;
use crate::runtime::product::{Element, Matrix, Tile};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rules with fewer multiplications than this are applied by one thread.
const WORTH_SHARING: usize = 2_000_000;

/// Elements of reduced rows that are kept at a time: half of a second-level cache.
const KEPT: usize = 65_536;

/// A rule with the memory it works on.
struct Pass<'a, F> {
    graph: &'a Graph,
    numbers: F,
    apply: &'a Compiled,
    table: Vec<SlotMemory>,
    moves: Vec<(usize, usize)>,
    /// Slots of `apply` that hold reductions, and which.
    reduced: Vec<(usize, usize)>,
    products: Vec<(usize, Node, Node)>,
    each: Vec<Each<'a>>,
    silent: Option<&'a [usize]>,
    windows: Option<Windows>,
    active: usize,
    n: usize,
    word: usize,
    /// Sources that are reduced before the rule is applied to them.
    together: usize,
}

/// A term that is reduced synapse by synapse.
struct Each<'a> {
    reduction: usize,
    kernel: &'a Compiled,
    table: Vec<SlotMemory>,
    moves: Vec<(usize, usize)>,
    /// The slot of the sum.
    sum: usize,
}

impl Inner {
    /// Reduces and applies a rule; returns whether all new values are finite.
    pub fn apply<T: Element>(
        &mut self,
        net: &Network,
        k: usize,
        rule: &mut SynapseRule,
        apply: &mut Compiled,
        numbers: impl Fn(&Buffer) -> &[T] + Sync,
    ) -> bool {
        let (rows, n) = self.synapses[k].extent();
        let (ld, word) = (padded(n), self.precision().bytes());
        let together = if rule.reductions.is_empty() { rows } else { (KEPT / ld).clamp(8, 256).min(rows) };
        let threads = if rows * n * self.active.max(4) < WORTH_SHARING { 1 } else { self.pool.threads() };
        let size = (rule.reductions.len() * together * ld).max(1);
        while self.scratch.len() < threads || self.scratch.iter().any(|b| b.len() < size) {
            self.scratch.retain(|b| b.len() >= size);
            self.scratch.push(Buffer::new(size, self.options.precision));
        }
        let scratch: Vec<SlotMemory> = self.scratch.iter_mut().map(Buffer::in_place).collect();
        let index = |v: VarId| rule.reductions.iter().position(|(r, _)| *r == v);
        // Where reductions lie is told when they are made.
        let kept = |v: VarId| index(v).map(|_| scratch[0]);
        self.prepare(apply);
        let table = apply.table(&mut self.graph, &[], &[], &kept);
        let moves = self.moves(net, k, apply, 0);
        let reduced = apply.kernel.slots.iter().enumerate().filter_map(|(slot, held)| match held {
            Held::Variable(v) => index(*v).map(|r| (slot, r)),
            _ => None,
        });
        let reduced = reduced.collect();
        let (mut products, mut each) = (Vec::new(), Vec::new());
        for (reduction, (_, how)) in rule.reductions.iter_mut().enumerate() {
            match how {
                Reducing::Product(p, q) => products.push((reduction, *p, *q)),
                Reducing::Each(kernel) => {
                    self.prepare(kernel);
                    let table = kernel.table(&mut self.graph, &[], &[scratch[0]], &|_| None);
                    let moves = self.moves(net, k, kernel, 0);
                    let sum = kernel.kernel.slots.iter().position(|h| matches!(h, Held::Sum(_))).unwrap_or(0);
                    each.push(Each { reduction, kernel, table, moves, sum });
                }
            }
        }
        let pass = Pass {
            graph: &self.graph,
            numbers,
            apply,
            table,
            moves,
            reduced,
            products,
            each,
            silent: rule.silent.as_deref(),
            windows: self.synapses[k].windows,
            active: self.active,
            n,
            word,
            together,
        };
        let finite = AtomicBool::new(true);
        let share = rows.div_ceil(threads);
        let job = |t: usize| {
            let sources = t * share..((t + 1) * share).min(rows);
            if t < threads && !pass.run::<T>(sources, scratch[t]) {
                finite.store(false, Ordering::Relaxed);
            }
        };
        if threads == 1 {
            job(0)
        } else {
            self.pool.run(&job)
        }
        finite.into_inner()
    }
}

impl<F> Pass<'_, F> {
    /// Reduces and applies for some sources.
    fn run<T: Element>(&self, sources: Range<usize>, scratch: SlotMemory) -> bool
    where
        F: Fn(&Buffer) -> &[T],
    {
        let ld = padded(self.n);
        let row = |r: usize, k: usize| {
            // SAFETY: the scratch has `together` rows for each reduction.
            let at = unsafe { scratch.output.add((r * self.together + k) * ld * self.word) };
            SlotMemory { input: at, output: at, stride: 0 }
        };
        let mut finite = true;
        let mut table = self.table.clone();
        let mut chosen = Vec::new();
        let mut left = Vec::new();
        for begin in sources.clone().step_by(self.together) {
            let part = begin..(begin + self.together).min(sources.end);
            self.choose::<T>(part, &mut chosen);
            if chosen.is_empty() {
                continue;
            }
            for (r, p, q) in &self.products {
                self.product::<T>(*p, *q, &chosen, row(*r, 0).output.cast(), &mut left);
            }
            for each in &self.each {
                for (k, source) in chosen.iter().enumerate() {
                    let mut table = moved(&each.table, &each.moves, *source);
                    table[each.sum] = row(each.reduction, k);
                    // SAFETY: each thread has sources, and scratch, of its own; rows are padded.
                    finite &= unsafe {
                        std::ptr::write_bytes(table[each.sum].output, 0, ld * self.word);
                        each.kernel.run(&table, 0..ld, self.active)
                    };
                }
            }
            for (k, source) in chosen.iter().enumerate() {
                table.copy_from_slice(&self.table);
                for (slot, by) in &self.moves {
                    // SAFETY: the arrays have as many rows, or elements, as there are sources.
                    unsafe {
                        table[*slot].input = table[*slot].input.add(source * by);
                        table[*slot].output = table[*slot].output.add(source * by);
                    }
                }
                self.reduced.iter().for_each(|(slot, r)| table[*slot] = row(*r, k));
                // SAFETY: each thread has sources, and scratch, of its own; rows are padded.
                finite &= unsafe { self.apply.run(&table, 0..ld, 1) };
            }
        }
        finite
    }

    /// Lists the sources at whose synapses something may change.
    fn choose<T: Element>(&self, sources: Range<usize>, out: &mut Vec<usize>)
    where
        F: Fn(&Buffer) -> &[T],
    {
        out.clear();
        let Some(slots) = self.silent else { return out.extend(sources) };
        let zero = T::default();
        let mut used = vec![false; sources.len()];
        for slot in slots {
            for (k, used) in used.iter_mut().enumerate() {
                // SAFETY: presynaptic values have an element for every source.
                *used |= unsafe { self.table[*slot].input.cast::<T>().add(sources.start + k).read() } != zero;
            }
        }
        for (_, p, _) in &self.products {
            let p = &self.graph.nodes[*p].array;
            let all = (self.numbers)(&p.buffer);
            for example in 0..self.active {
                let row = &all[example * p.ld..][sources.clone()];
                used.iter_mut().zip(row).for_each(|(u, x)| *u |= *x != zero);
            }
        }
        out.extend(sources.zip(used).filter(|(_, u)| *u).map(|(s, _)| s));
    }

    /// Multiplies values of the chosen sources with those of the targets, example by example.
    fn product<T: Element>(&self, p: Node, q: Node, chosen: &[usize], out: *mut T, left: &mut Vec<T>)
    where
        F: Fn(&Buffer) -> &[T],
    {
        let (p, q) = (&self.graph.nodes[p].array, &self.graph.nodes[q].array);
        let (from, ld) = ((self.numbers)(&p.buffer), padded(self.n));
        if let Some(w) = self.windows {
            // SAFETY: each thread has scratch of its own, with `together` padded rows for each reduction.
            unsafe { std::ptr::write_bytes(out.cast::<u8>(), 0, chosen.len() * ld * self.word) };
            for example in 0..self.active {
                let row = &from[example * p.ld..][..p.n];
                let taught = &(self.numbers)(&q.buffer)[example * q.ld..][..q.n];
                // SAFETY: `out` is this thread's scratch, with a padded row for each of the chosen sources.
                unsafe { windows::correlate(&w, chosen, row, taught, out, ld) };
            }
            return;
        }
        left.resize(chosen.len() * self.active, T::default());
        for example in 0..self.active {
            let row = &from[example * p.ld..];
            chosen.iter().enumerate().for_each(|(k, source)| left[k * self.active + example] = row[*source]);
        }
        let left = Matrix::new(left, chosen.len(), self.active, self.active);
        let right = Matrix::new((self.numbers)(&q.buffer), self.active, self.n, q.ld);
        // SAFETY: each thread has scratch of its own, with `together` padded rows for each reduction.
        unsafe {
            std::ptr::write_bytes(out.cast::<u8>(), 0, chosen.len() * ld * self.word);
            T::accumulate(&Tile { out, ld, rows: 0..chosen.len(), columns: 0..self.n }, left, right);
        }
    }
}
