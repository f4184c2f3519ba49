//! Contributions that come apart: for each term, what targets multiply the sum over sources of weight times source with.
//!
//! Sources are taken in order, so that a sum does not depend on who computes it; where all weights are equal and all are connected there is one
//! sum for all targets, in sixteen parts. Matrices are multiplied as in networks without events.

use super::super::buffer::{Buffer, padded};
use super::super::options::Options;
use super::super::product::{Element, Matrix};
use super::cells::{Cells, side};
use crate::codegen::abi::SlotMemory;
use crate::hir::{Expr, VarId};
use crate::image::{self, Bound, ContinuousSlot, Listing};
use crate::ir::Precision;
use crate::plan::{Pairs, Projection};
use crate::solve::{self, Owner};
use std::ops::{AddAssign, Mul};

/// A continuous projection whose contributions are products.
pub struct Factored {
    terms: Vec<Term>,
    links: Links,
    targets: usize,
    /// Sums of a term, by target.
    sums: Buffer,
}

struct Term {
    strengths: Strengths,
    /// Of each source, and of each target; none if it is one.
    pre: Option<Lanes>,
    post: Option<Lanes>,
    /// The sums, if sources do not matter: then they change with the weights only.
    steady: Option<Buffer>,
}

/// Which sources and targets are connected, as far as that must be looked up.
enum Links {
    /// All with all: by source, then target, the place in the plan; empty if that is the order of the plan.
    All(Vec<u32>),
    OneToOne,
    /// By source: where its targets begin; the targets; and the place in the plan of each.
    Rows(Vec<usize>, Vec<u32>, Vec<u32>),
}

/// By what synapses multiply.
struct Strengths {
    kernel: Lanes,
    /// The one value that all have, or one for each in the order of the links; rows of a matrix are padded.
    one: Option<f64>,
    each: Buffer,
}

/// A kernel with its slots: of cells, or of synapses.
struct Lanes {
    kernel: Bound<ContinuousSlot>,
    slots: Vec<Buffer>,
    n: usize,
}

impl Lanes {
    fn new(p: &Projection, e: &Expr, n: usize, options: &Options) -> Lanes {
        let kernel = image::contribution(p, e, &options.target());
        let slots = kernel.slots().iter().map(|_| Buffer::new(padded(n), options.precision)).collect();
        Lanes { kernel, slots, n }
    }

    fn call(&mut self) {
        let memory: Vec<SlotMemory> = self.slots.iter_mut().map(Buffer::in_place).collect();
        // SAFETY: every slot is a buffer of `padded(n)` elements that only this call uses.
        unsafe { self.kernel.function().call(&memory, 0, padded(self.n), 1) };
    }

    fn out(&self) -> &Buffer {
        match self.slots.last() {
            Some(out) => out,
            None => crate::ice!("a contribution without a result"),
        }
    }

    /// Computes the values of the cells of one side.
    fn evaluate(&mut self, p: &Projection, cells: &impl Cells) -> &Buffer {
        for (what, slot) in self.kernel.slots().iter().zip(&mut self.slots) {
            match *what {
                ContinuousSlot::Cell { id, pre, var, delay } => {
                    let view = side(p, pre);
                    match (cells.before(id, delay), cells.values(view.population, var, delay)) {
                        (Some(value), _) => slot.fill(self.n, value),
                        (None, Some(from)) => slot.copy(0, from, view.start, self.n),
                        (None, None) => crate::ice!("a contribution without values"),
                    }
                }
                ContinuousSlot::Modulator(v) => {
                    let Some((view, var)) = p.modulators.get(&v) else { continue };
                    let Some(from) = cells.values(view.population, *var, 0) else { continue };
                    match view.n {
                        1 => slot.fill(self.n, from.get(view.start)),
                        _ => slot.copy(0, from, view.start, self.n),
                    }
                }
                ContinuousSlot::Own(_) | ContinuousSlot::Out => {}
            }
        }
        self.call();
        self.out()
    }
}

impl Factored {
    /// Compiles the contribution of a projection, if it comes apart.
    pub fn new(p: &Projection, options: &Options) -> Option<Factored> {
        if p.spread().is_some() || matches!(p.pairs, Pairs::Convolution(_)) {
            return None;
        }
        let single = |_: VarId| false;
        let factors = solve::factors(&p.synapse, &single);
        let terms: Vec<&solve::Term> = factors.iter().filter(|f| f.signal.is_none()).map(|f| &f.term).collect();
        let own = |t: &solve::Term| Lanes::new(p, t.part(Owner::Own), p.pairs.len(), options);
        let apart = |t: &&solve::Term| t.mixed.is_none() && *t.part(Owner::Example) == Expr::Num(1.0);
        if terms.is_empty() || !terms.iter().all(apart) {
            return None;
        }
        let links = Links::of(p);
        let lanes = |e: &Expr, n: usize| (*e != Expr::Num(1.0)).then(|| Lanes::new(p, e, n, options));
        let term = |t: &&solve::Term| Term {
            strengths: Strengths { kernel: own(t), one: None, each: Buffer::new(0, options.precision) },
            pre: lanes(t.part(Owner::Pre), p.pre.n),
            post: lanes(t.part(Owner::Post), p.post.n),
            steady: None,
        };
        let terms: Vec<Term> = terms.iter().map(term).collect();
        let foreign =
            |slot: &ContinuousSlot| matches!(slot, ContinuousSlot::Cell { .. } | ContinuousSlot::Modulator(_));
        if terms.iter().any(|t| t.strengths.kernel.kernel.slots().iter().any(foreign)) {
            return None;
        }
        let sums = Buffer::new(padded(p.post.n), options.precision);
        let mut out = Factored { terms, links, targets: p.post.n, sums };
        out.refresh(&|variable, values| {
            let weight = p.synapse.weight() == Some(variable);
            let value = |k: usize| if weight { p.weight.at(k) } else { p.initial(variable, k) };
            values.iter_mut().enumerate().for_each(|(k, v)| *v = value(k));
        });
        Some(out)
    }

    fn lanes(&self) -> impl Iterator<Item = &Lanes> {
        self.terms.iter().flat_map(|t| std::iter::once(&t.strengths.kernel).chain(&t.pre).chain(&t.post))
    }

    /// Returns the kernels.
    pub fn listings(&self) -> Vec<Listing> {
        self.lanes().map(|l| l.kernel.listing()).collect()
    }

    /// Lists the variables of the cells that are read: the population and the variable.
    pub fn reads(&self, p: &Projection) -> Vec<(usize, VarId)> {
        let of = |slot: &ContinuousSlot| match *slot {
            ContinuousSlot::Cell { pre, var, .. } => Some((side(p, pre).population, var)),
            ContinuousSlot::Modulator(v) => p.modulators.get(&v).map(|(view, var)| (view.population, *var)),
            ContinuousSlot::Own(_) | ContinuousSlot::Out => None,
        };
        self.lanes().flat_map(|l| l.kernel.slots().iter().filter_map(of)).collect()
    }

    /// Reads weights and states anew, with `copy`, which writes them in the order of the plan.
    pub fn refresh(&mut self, copy: &dyn Fn(VarId, &mut [f64])) {
        for t in &mut self.terms {
            let Strengths { kernel, one, each } = &mut t.strengths;
            let mut values = vec![0.0; kernel.n];
            for (what, slot) in kernel.kernel.slots().iter().zip(&mut kernel.slots) {
                if let ContinuousSlot::Own(variable) = what {
                    copy(*variable, &mut values);
                    slot.fill_with(values.iter().copied());
                }
            }
            kernel.call();
            let out = kernel.out();
            let first = if kernel.n > 0 { out.get(0) } else { 0.0 };
            *one = (0..kernel.n).all(|k| out.get(k) == first).then_some(first);
            if one.is_none() {
                let row = padded(self.targets);
                let room =
                    if let Links::All(_) = self.links { kernel.n / self.targets * row } else { padded(kernel.n) };
                // Weights that learn are read anew at every step.
                if each.len() != room {
                    *each = Buffer::new(room, out.precision());
                }
                match &self.links {
                    Links::Rows(_, _, places) => each.gather(out, places.iter().map(|k| *k as usize)),
                    Links::OneToOne => each.copy(0, out, 0, kernel.n),
                    Links::All(places) => {
                        for i in 0..kernel.n / self.targets {
                            match places.get(i * self.targets..(i + 1) * self.targets) {
                                Some(from) => {
                                    (0..self.targets).for_each(|j| each.set(i * row + j, out.get(from[j] as usize)))
                                }
                                None => each.copy(i * row, out, i * self.targets, self.targets),
                            }
                        }
                    }
                }
            }
            t.steady = None;
        }
    }

    /// Adds the contributions to `target`.
    pub fn run(&mut self, p: &Projection, cells: &impl Cells, target: &mut Buffer) {
        let Factored { terms, links, sums, .. } = self;
        for t in terms {
            let sums = match (&mut t.pre, &mut t.steady) {
                (Some(pre), _) => {
                    t.strengths.sum(links, (p.pre.n, p.post.n), pre.evaluate(p, cells), sums);
                    &*sums
                }
                (None, Some(steady)) => steady,
                (None, steady) => {
                    let mut fixed = Buffer::new(sums.len(), sums.precision());
                    let ones = Buffer::repeating(padded(p.pre.n), sums.precision(), &[1.0]);
                    t.strengths.sum(links, (p.pre.n, p.post.n), &ones, &mut fixed);
                    steady.insert(fixed)
                }
            };
            let by = t.post.as_mut().map(|post| post.evaluate(p, cells));
            let at = p.post.start..p.post.start + p.post.n;
            match sums.precision() {
                Precision::F32 => add(&mut target.f32_mut()[at], sums.f32(), by.map(Buffer::f32)),
                Precision::F64 => add(&mut target.f64_mut()[at], sums.f64(), by.map(Buffer::f64)),
            }
        }
    }
}

impl Links {
    fn of(p: &Projection) -> Links {
        match &p.pairs {
            Pairs::All(..) => Links::All(Vec::new()),
            Pairs::OneToOne(..) => Links::OneToOne,
            other => {
                let (edges, n) = (other.edges(), p.post.n);
                let source = |k: &u32| edges[*k as usize].pre as usize - p.pre.start;
                let target = |k: &u32| edges[*k as usize].post as usize - p.post.start;
                let mut places: Vec<u32> = (0..edges.len() as u32).collect();
                places.sort_by_key(source);
                let in_turn = |(at, k): (usize, &u32)| source(k) == at / n && target(k) == at % n;
                if places.len() == p.pre.n * n && places.iter().enumerate().all(in_turn) {
                    let as_planned = places.iter().enumerate().all(|(at, k)| at == *k as usize);
                    return Links::All(if as_planned { Vec::new() } else { places });
                }
                let mut starts = vec![0; p.pre.n + 1];
                places.iter().for_each(|k| starts[source(k) + 1] += 1);
                (0..p.pre.n).for_each(|i| starts[i + 1] += starts[i]);
                Links::Rows(starts, places.iter().map(|k| target(k) as u32).collect(), places)
            }
        }
    }
}

impl Strengths {
    /// Writes the sum over the sources of each target.
    fn sum(&self, links: &Links, (sources, targets): (usize, usize), of: &Buffer, to: &mut Buffer) {
        match to.precision() {
            Precision::F32 => {
                let each = self.one.is_none().then(|| self.each.f32());
                let one = self.one.map_or(0.0, |w| w as f32);
                sum(links, (sources, targets), (one, each), of.f32(), to.f32_mut());
            }
            Precision::F64 => {
                let each = self.one.is_none().then(|| self.each.f64());
                sum(links, (sources, targets), (self.one.unwrap_or(0.0), each), of.f64(), to.f64_mut());
            }
        }
    }
}

/// `one` is the weight of all, unless there is one for each.
fn sum<T: Element + Mul<Output = T> + AddAssign>(
    links: &Links,
    (sources, targets): (usize, usize),
    (one, each): (T, Option<&[T]>),
    of: &[T],
    to: &mut [T],
) {
    match (links, each) {
        (Links::All(_), None) => {
            let mut parts = [T::default(); 16];
            of[..sources].iter().enumerate().for_each(|(i, x)| parts[i % 16] += *x);
            let all = parts.into_iter().fold(T::default(), T::plus);
            to[..targets].fill(all * one);
        }
        (Links::All(_), Some(each)) => {
            to.fill(T::default());
            let matrix = Matrix::new(each, sources, targets, padded(targets));
            // SAFETY: sums and rows of the matrix are padded to a multiple of 16.
            unsafe { T::along(to.as_mut_ptr(), 0..targets, &of[..sources], matrix) };
        }
        (Links::OneToOne, each) => {
            let weight = |k: usize| each.map_or(one, |each| each[k]);
            to[..targets].iter_mut().enumerate().for_each(|(k, sum)| *sum = of[k] * weight(k));
        }
        (Links::Rows(starts, posts, _), each) => {
            to.fill(T::default());
            for (i, x) in of[..sources].iter().enumerate() {
                let row = starts[i]..starts[i + 1];
                let at = posts[row.clone()].iter().map(|j| *j as usize);
                match each {
                    Some(each) => at.zip(&each[row]).for_each(|(j, w)| to[j] += *x * *w),
                    None => at.for_each(|j| to[j] += *x * one),
                }
            }
        }
    }
}

fn add<T: Copy + Mul<Output = T> + AddAssign>(to: &mut [T], sums: &[T], by: Option<&[T]>) {
    match by {
        Some(by) => to.iter_mut().zip(sums).zip(by).for_each(|((to, sum), by)| *to += *sum * *by),
        None => to.iter_mut().zip(sums).for_each(|(to, sum)| *to += *sum),
    }
}
