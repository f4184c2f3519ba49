//! Applies rules to the synapses of projections: some sources at a time, so that what was reduced over the examples is still in the
//! cache when the new weights are computed from it. What several projections reduce alike, as forward and feedback weights do that
//! follow the same product, is reduced once.

use super::Inner;
use super::convolution;
use super::evaluate::moved;
use super::graph::{Graph, Node};
use super::kernel::Compiled;
use super::rules::{Reducing, SynapseRule};
use crate::codegen::abi::SlotMemory;
use crate::hir::VarId;
use crate::image::Held;
use crate::plan::Network;
use crate::runtime::Buffer;
use crate::runtime::buffer::padded;
use crate::runtime::product::{Element, Matrix, Tile};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rules with fewer multiplications than this are applied by one thread.
const WORTH_SHARING: usize = 2_000_000;

/// Elements of reduced rows that are kept at a time: half of a second-level cache.
const KEPT: usize = 65_536;

/// A kernel's table, and by how many bytes which slots move from source to source.
type Moving = (Vec<SlotMemory>, Vec<(usize, usize)>);

/// Rules of one or several projections that are reduced alike, with the memory they work on.
struct Pass<'a, F> {
    graph: &'a Graph,
    numbers: F,
    rules: Vec<Rule<'a>>,
    products: Vec<(usize, Node, Node)>,
    each: Vec<Each<'a>>,
    /// Of a convolution: its reductions, which are made as a whole.
    whole: Option<Vec<SlotMemory>>,
    active: usize,
    n: usize,
    /// Whose synapses are worked on here, of the targets and what fills up their last vector.
    lanes: Range<usize>,
    word: usize,
    /// Sources that are reduced before the rules are applied to them.
    together: usize,
}

/// What one projection does with what was reduced.
struct Rule<'a> {
    kernel: &'a Compiled,
    table: Vec<SlotMemory>,
    moves: Vec<(usize, usize)>,
    /// Slots that hold reductions, and which.
    reduced: Vec<(usize, usize)>,
    silent: Option<&'a [usize]>,
    finite: AtomicBool,
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
    /// Reduces and applies rules that [are reduced alike](SynapseRule::is_reduced_like); returns of each whether all its new values are
    /// finite.
    pub fn apply<T: Element>(
        &mut self,
        net: &Network,
        rules: &mut [(usize, SynapseRule)],
        images: &mut Vec<T>,
        numbers: impl Fn(&Buffer) -> &[T] + Sync,
    ) -> Vec<bool> {
        let first = rules[0].0;
        let (rows, n) = self.synapses[first].extent();
        if rows == 0 || n == 0 {
            return vec![true; rules.len()];
        }
        let mut kernels: Vec<Compiled> = rules.iter_mut().filter_map(|(_, rule)| rule.apply.take()).collect();
        if kernels.is_empty() {
            return vec![true; rules.len()];
        }
        let (ld, word) = (padded(n), self.precision().bytes());
        let reductions = rules[0].1.reductions.len();
        let together = if reductions == 0 { rows } else { (KEPT / ld).clamp(8, 256).min(rows) };
        let own = self.own_lanes(first, ld).len().min(n);
        let threads = if rows * own * self.active.max(4) < WORTH_SHARING { 1 } else { self.pool.threads() };
        let size = (reductions * together * ld).max(1);
        while self.scratch.len() < threads || self.scratch.iter().any(|b| b.len() < size) {
            self.scratch.retain(|b| b.len() >= size);
            self.scratch.push(Buffer::new(size, self.options.precision));
        }
        let scratch: Vec<SlotMemory> = self.scratch.iter_mut().map(Buffer::in_place).collect();
        let (mut products, mut sums) = (Vec::new(), Vec::new());
        for (reduction, (_, how)) in rules[0].1.reductions.iter_mut().enumerate() {
            match how {
                Reducing::Product(p, q) => products.push((reduction, *p, *q)),
                Reducing::Each(kernel) => {
                    self.prepare(kernel);
                    let table = kernel.table(&mut self.graph, &[], &[scratch[0]], &|_| None);
                    let sum = kernel.kernel.slots().iter().position(|h| matches!(h, Held::Sum(_))).unwrap_or(0);
                    sums.push((reduction, table, self.moves(net, first, kernel, 0), sum));
                }
            }
        }
        let mut tables = Vec::new();
        for ((k, rule), kernel) in rules.iter().zip(&mut kernels) {
            // Where reductions lie is told when they are made.
            let kept = |v: VarId| rule.reduction(v).map(|_| scratch[0]);
            self.prepare(kernel);
            let table = kernel.table(&mut self.graph, &[], &[], &kept);
            tables.push((table, self.moves(net, *k, kernel, 0)));
        }
        let map = self.synapses[first].map;
        let mut correlated = |(_, p, q): &(usize, Node, Node), map| {
            let values = (&self.graph.nodes[*p].array, &self.graph.nodes[*q].array);
            convolution::correlate(map, values, self.active, &mut self.pool, images, &numbers)
        };
        let mut whole: Option<Vec<Vec<T>>> = map.map(|map| products.iter().map(|p| correlated(p, map)).collect());
        let memory = |sums: &mut Vec<T>| {
            let at: *mut u8 = sums.as_mut_ptr().cast();
            SlotMemory { input: at, output: at, stride: 0 }
        };
        let whole = whole.as_mut().map(|list| list.iter_mut().map(memory).collect());
        let each =
            sums.into_iter().filter_map(|(reduction, table, moves, sum)| match &rules[0].1.reductions[reduction] {
                (_, Reducing::Each(kernel)) => Some(Each { reduction, kernel, table, moves, sum }),
                _ => None,
            });
        let kernels_at = &kernels;
        let rule = |(i, (table, moves)): (usize, Moving)| {
            let (rule, kernel) = (&rules[i].1, &kernels_at[i]);
            let reduced = kernel.kernel.slots().iter().enumerate().filter_map(|(slot, held)| match held {
                Held::Variable(v) => rule.reduction(*v).map(|r| (slot, r)),
                _ => None,
            });
            let (silent, finite) = (rule.silent.as_deref(), AtomicBool::new(true));
            Rule { kernel, table, moves, reduced: reduced.collect(), silent, finite }
        };
        let pass = Pass {
            graph: &self.graph,
            numbers,
            rules: tables.into_iter().enumerate().map(rule).collect(),
            products,
            each: each.collect(),
            whole,
            active: self.active,
            n,
            lanes: self.own_lanes(first, ld),
            word,
            together,
        };
        let share = rows.div_ceil(threads);
        let job = |t: usize| {
            let sources = t * share..((t + 1) * share).min(rows);
            if t < threads {
                pass.run::<T>(sources, scratch[t]);
            }
        };
        if threads == 1 {
            job(0)
        } else {
            self.pool.run(&job)
        }
        let finite = pass.rules.into_iter().map(|r| r.finite.into_inner()).collect();
        rules.iter_mut().zip(kernels).for_each(|((_, rule), kernel)| rule.apply = Some(kernel));
        finite
    }
}

impl<F> Pass<'_, F> {
    /// Reduces and applies for some sources.
    fn run<T: Element>(&self, sources: Range<usize>, scratch: SlotMemory)
    where
        F: Fn(&Buffer) -> &[T],
    {
        if self.lanes.is_empty() {
            return;
        }
        let ld = padded(self.n);
        let row_of = |memory: &SlotMemory, row: usize| {
            // SAFETY: the memory has so many rows.
            let at = unsafe { memory.output.add(row * ld * self.word) };
            SlotMemory { input: at, output: at, stride: 0 }
        };
        // The scratch has `together` rows for each reduction; of a convolution there is a row for each source.
        let row = |r: usize, k: usize, source: usize| match &self.whole {
            Some(whole) => row_of(&whole[r], source),
            None => row_of(&scratch, r * self.together + k),
        };
        let mut chosen = Vec::new();
        let mut left = Vec::new();
        let mut tables: Vec<Vec<SlotMemory>> = self.rules.iter().map(|r| r.table.clone()).collect();
        for begin in sources.clone().step_by(self.together) {
            let part = begin..(begin + self.together).min(sources.end);
            self.choose::<T>(part, &mut chosen);
            if chosen.is_empty() {
                continue;
            }
            if self.whole.is_none() {
                for (r, p, q) in &self.products {
                    self.product::<T>(*p, *q, &chosen, row(*r, 0, 0).output.cast(), &mut left);
                }
            }
            for each in &self.each {
                for (k, source) in chosen.iter().enumerate() {
                    let mut table = moved(&each.table, &each.moves, *source);
                    table[each.sum] = row(each.reduction, k, *source);
                    // SAFETY: each thread has sources, and scratch, of its own; rows are padded.
                    let finite = unsafe {
                        std::ptr::write_bytes(table[each.sum].output, 0, ld * self.word);
                        each.kernel.run(&table, self.lanes.clone(), self.active)
                    };
                    self.note(&self.rules[0], finite);
                }
            }
            for (rule, table) in self.rules.iter().zip(&mut tables) {
                for (k, source) in chosen.iter().enumerate() {
                    table.copy_from_slice(&rule.table);
                    for (slot, by) in &rule.moves {
                        // SAFETY: the arrays have as many rows, or elements, as there are sources.
                        unsafe {
                            table[*slot].input = table[*slot].input.add(source * by);
                            table[*slot].output = table[*slot].output.add(source * by);
                        }
                    }
                    rule.reduced.iter().for_each(|(slot, r)| table[*slot] = row(*r, k, *source));
                    // SAFETY: each thread has sources, and scratch, of its own; rows are padded.
                    self.note(rule, unsafe { rule.kernel.run(table, self.lanes.clone(), 1) });
                }
            }
        }
    }

    fn note(&self, rule: &Rule, finite: bool) {
        if !finite {
            rule.finite.store(false, Ordering::Relaxed);
        }
    }

    /// Lists the sources at whose synapses something may change.
    fn choose<T: Element>(&self, sources: Range<usize>, out: &mut Vec<usize>)
    where
        F: Fn(&Buffer) -> &[T],
    {
        out.clear();
        if self.rules.iter().any(|r| r.silent.is_none()) {
            return out.extend(sources);
        }
        let zero = T::default();
        let mut used = vec![false; sources.len()];
        for (rule, slot) in self.rules.iter().flat_map(|r| r.silent.into_iter().flatten().map(move |s| (r, *s))) {
            for (k, used) in used.iter_mut().enumerate() {
                // SAFETY: presynaptic values have an element for every source.
                *used |= unsafe { rule.table[slot].input.cast::<T>().add(sources.start + k).read() } != zero;
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
            let columns = self.lanes.start..self.lanes.end.min(self.n);
            T::accumulate(&Tile { out, ld, rows: 0..chosen.len(), columns }, left, right);
        }
    }
}
