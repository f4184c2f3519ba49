//! Delivery of events along synapses that do not learn: at each step the synapses are visited whose delay has passed, so that all
//! that is written lies in the sums of one step and one block of lanes, which fit a cache.
//!
//! The order of the sums of a target: the longest delay first, then bundles, then sources, then as the synapses were drawn.

use super::buffer::padded;
use super::exchange::{Ranks, Worker};
use super::history::History;
use super::memory::prefetch;
use super::options::Options;
use super::pool::share;
use super::population::Pop;
use super::profile::{Part as Profiled, Stopwatch};
use super::projection::Proj;
use super::ring::RingPointer;
use super::rows::{BLOCK, Member, Part, Rows, Run, RunWeights};
use crate::hir::VarId;
use crate::ir::Precision;
use crate::plan::{GROUP, Network, Projection, View};
use std::collections::VecDeque;
use std::ops::Range;

/// Projections from the same cells onto the same port, whose rows are one.
struct Bundle {
    pre: View,
    /// The projection that its events belong to.
    projection: usize,
    /// All of its projections.
    members: Vec<usize>,
    synapses: Synapses,
}

enum Synapses {
    /// Kept, by block.
    Rows(Vec<Rows>),
    /// Drawn at each event and kept until the longest delay has passed, the latest step first: sources and, by block, their
    /// synapses.
    Anew(Drawn),
}

type Drawn = VecDeque<Vec<(usize, Vec<Part>)>>;

/// All bundles that end at one port.
struct Target {
    population: usize,
    port: VarId,
    /// Where it is summed, once the populations exist.
    ring: Option<RingPointer>,
    bundles: Vec<Bundle>,
    /// Delay, bundle and rank of the delay within it; in the order of delivery.
    due: Vec<(u16, u32, u16)>,
    /// Lanes of the blocks.
    lanes: Vec<Range<usize>>,
    /// By thread, which blocks.
    blocks: Vec<Range<usize>>,
}

/// All synapses that do not learn.
pub struct Deliveries {
    targets: Vec<Target>,
    precision: Precision,
    ranks: Ranks,
    /// How many runs ahead rows are asked for.
    ahead: usize,
    /// The shortest delay.
    pub shortest: Option<u16>,
}

/// Projections with what their handlers multiply the weights by.
fn listed<'a>(network: &'a Network, projections: &[Proj], members: &[usize]) -> Vec<Member<'a>> {
    let member =
        |k: &usize| Member { projection: &network.projections[*k], factor: projections[*k].constant().unwrap_or(1.0) };
    members.iter().map(member).collect()
}

/// What a thread needs to deliver.
#[derive(Default)]
pub struct Scratch<'a> {
    runs: Vec<(Run<'a>, f64)>,
}

/// How many runs ahead rows are asked for that some cache holds, and rows that lie in memory: too early pushes out of the first-level
/// cache what is needed sooner.
const AHEAD: usize = 3;
const FAR_AHEAD: usize = 8;

/// From so many bytes on rows lie in memory.
pub(super) const FAR: usize = 64 << 20;

impl Deliveries {
    /// Builds the rows of every projection that has handlers of events and does not learn; `built` hears of how many synapses they are
    /// so far, of all.
    pub fn new(
        network: &Network,
        projections: &mut [Proj],
        history: &mut History,
        options: &Options,
        built: &dyn Fn(usize, usize),
    ) -> Deliveries {
        let synapses = |members: &[usize]| members.iter().map(|k| network.projections[*k].pairs.len()).sum::<usize>();
        let bundles = bundled(network, projections);
        let (mut so_far, all) = (0, bundles.iter().map(|b| synapses(b)).sum());
        let mut targets: Vec<Target> = Vec::new();
        for members in bundles {
            built(so_far, all);
            so_far += synapses(&members);
            let first = &network.projections[members[0]];
            let (population, port) = (first.post.population, first.port);
            let at = targets.iter().position(|t| (t.population, t.port) == (population, port)).unwrap_or_else(|| {
                let p = &network.populations[population];
                let lanes =
                    p.lanes_of(port).map_or((padded(p.n), GROUP), |segments| (segments.places(), segments.unit()));
                targets.push(Target::new(population, port, lanes, options));
                targets.len() - 1
            });
            let list = listed(network, projections, &members);
            let (synapses, delays) = if first.stored {
                let (rows, delays) =
                    Rows::build(&list, first.pre, &targets[at].lanes, (options.precision, &options.ranks));
                (Synapses::Rows(rows), delays)
            } else {
                let delays: Vec<u16> = first.delay.possible().into_iter().map(|d| d as u16).collect();
                let longest = delays.last().copied().unwrap_or(0);
                (Synapses::Anew((0..longest).map(|_| Vec::new()).collect()), delays)
            };
            let target = &mut targets[at];
            let bundle = target.bundles.len() as u32;
            target.due.extend(delays.iter().enumerate().map(|(rank, d)| (*d, bundle, rank as u16)));
            let longest = delays.last().map_or(0, |d| usize::from(*d));
            projections[members[0]].remember(first, history, longest);
            target.bundles.push(Bundle { pre: first.pre, projection: members[0], members, synapses });
        }
        for target in &mut targets {
            target.due.sort_by_key(|(delay, bundle, _)| (std::cmp::Reverse(*delay), *bundle));
        }
        let shortest = targets.iter().flat_map(|t| &t.due).map(|d| d.0).min();
        // Most events of other processes' cells are of no interest where projections are local.
        for Target { due, bundles, .. } in &mut targets {
            due.retain(|(_, bundle, _)| bundles[*bundle as usize].reach_here());
        }
        let mut out =
            Deliveries { targets, precision: options.precision, ranks: options.ranks.clone(), ahead: AHEAD, shortest };
        if out.bytes() >= FAR {
            out.ahead = FAR_AHEAD;
        }
        out
    }

    /// Builds rows anew after the weights of a projection have changed.
    pub fn renew(&mut self, network: &Network, projections: &[Proj], changed: usize) {
        for target in &mut self.targets {
            for bundle in target.bundles.iter_mut().filter(|b| b.members.contains(&changed)) {
                let list = listed(network, projections, &bundle.members);
                if let Synapses::Rows(rows) = &mut bundle.synapses {
                    *rows = Rows::build(&list, bundle.pre, &target.lanes, (self.precision, &self.ranks)).0;
                }
            }
        }
    }

    /// Forgets all rows for good: nothing is delivered.
    pub fn forget(&mut self) {
        self.targets.iter_mut().for_each(|target| target.bundles.clear());
    }

    /// Lets what is delivered arrive at the ports of populations.
    pub fn aim(&mut self, pops: &mut [Pop]) {
        for target in &mut self.targets {
            target.ring = pops[target.population].ring(target.port);
        }
    }

    /// Returns the bytes of rows.
    pub fn bytes(&self) -> usize {
        let bytes = |b: &Bundle| match &b.synapses {
            Synapses::Rows(rows) => rows.iter().map(Rows::bytes).sum(),
            Synapses::Anew(_) => 0,
        };
        self.targets.iter().flat_map(|t| &t.bundles).map(bytes).sum()
    }

    /// Draws the synapses that are not kept, of the events of a pass of `m` steps.
    pub fn draw(&mut self, network: &Network, projections: &[Proj], pops: &[Pop], m: usize) {
        let precision = self.precision;
        for (synapses, projection, lanes) in self.anew() {
            let pre = network.projections[projection].pre;
            for s in 0..m {
                let sources = projections[projection].senders(&pops[pre.population].spikes, s, pre);
                keep(synapses, rows_of(network, projections, projection, lanes, precision, sources));
            }
        }
    }

    /// Draws the synapses that are not kept, of all events whose delays have not passed.
    pub fn draw_again(&mut self, network: &Network, projections: &[Proj], history: &History) {
        let precision = self.precision;
        for (synapses, projection, lanes) in self.anew() {
            let pre = network.projections[projection].pre;
            for steps in (1..=synapses.len()).rev() {
                let mut sources = Vec::new();
                projections[projection].arriving(history, pre, steps, |source, _| sources.push(source));
                sources.sort_unstable();
                sources.dedup();
                keep(synapses, rows_of(network, projections, projection, lanes, precision, sources));
            }
        }
    }

    /// Visits the bundles whose synapses are not kept.
    fn anew(&mut self) -> impl Iterator<Item = (&mut Drawn, usize, &[Range<usize>])> {
        self.targets.iter_mut().flat_map(|Target { bundles, lanes, .. }| {
            let lanes = &lanes[..];
            bundles.iter_mut().filter_map(move |b| match &mut b.synapses {
                Synapses::Rows(_) => None,
                Synapses::Anew(drawn) => Some((drawn, b.projection, lanes)),
            })
        })
    }

    /// Adds what arrives at step `s` of a pass that begins at `step`, for the lanes of thread `t`; returns the number of synapses
    /// visited.
    ///
    /// # Safety
    /// No other thread may touch the lanes of thread `t` meanwhile.
    pub unsafe fn run<'a>(
        &'a self,
        projections: &[Proj],
        history: &History,
        (step, s): (u64, usize),
        t: usize,
        scratch: &mut Scratch<'a>,
        watch: &mut Stopwatch,
    ) -> u64 {
        let mut visited = 0;
        for target in &self.targets {
            let Some(ring) = target.ring else { continue };
            for block in target.blocks[t].clone() {
                scratch.runs.clear();
                for (delay, bundle, rank) in &target.due {
                    let Bundle { pre, projection, synapses, .. } = &target.bundles[*bundle as usize];
                    let steps = *delay as usize - s;
                    let mut add = |run: Run<'a>, factor: f64| {
                        visited += run.targets.len() as u64;
                        scratch.runs.push((run, factor));
                    };
                    match synapses {
                        Synapses::Rows(rows) if rows[block].are_empty() => {}
                        Synapses::Rows(rows) => {
                            let rows = &rows[block];
                            projections[*projection].arriving(history, *pre, steps, |source, factor| {
                                add(rows.run(source, *rank as usize), factor);
                            });
                        }
                        Synapses::Anew(drawn) => {
                            let rows = &drawn[steps - 1];
                            projections[*projection].arriving(history, *pre, steps, |source, factor| {
                                if let Ok(k) = rows.binary_search_by_key(&source, |(s, _)| *s) {
                                    add(rows[k].1[block].run(*delay), factor);
                                }
                            });
                        }
                    }
                }
                if scratch.runs.is_empty() {
                    continue;
                }
                let first = target.lanes[block].start;
                // SAFETY: targets of the block are lanes of this thread, below the number of lanes.
                unsafe {
                    match self.precision {
                        Precision::F32 => add_all(&scratch.runs, self.ahead, ring.lane::<f32>(step + s as u64, first)),
                        Precision::F64 => add_all(&scratch.runs, self.ahead, ring.lane::<f64>(step + s as u64, first)),
                    }
                }
            }
            watch.was(Profiled::Arriving(target.population, target.port));
        }
        visited
    }
}

impl Bundle {
    /// Returns whether any synapses are onto cells of this process.
    fn reach_here(&self) -> bool {
        match &self.synapses {
            Synapses::Rows(rows) => rows.iter().any(|rows| !rows.are_empty()),
            Synapses::Anew(_) => true,
        }
    }
}

/// Puts projections together whose rows are one, in the order of delivery.
pub(super) fn bundled(network: &Network, projections: &[Proj]) -> Vec<Vec<usize>> {
    let mut grouped: Vec<Vec<usize>> = Vec::new();
    for (k, p) in network.projections.iter().enumerate().filter(|(k, _)| projections[*k].sends()) {
        let share = |first: usize| {
            projections[first].constant().is_some()
                && projections[k].constant().is_some()
                && projections[first].same_events(&projections[k])
                && belong(&network.projections[first], p)
        };
        // What a target gets must come in the same order whether rows are one or not: those of projections that meet at
        // a target never are, and a later projection never comes before an earlier one.
        let same = |members: &Vec<usize>| same_ends(&network.projections[members[0]], p);
        let any = |members: &Vec<usize>| members.iter().any(|other| meet(&network.projections[*other], p));
        let meets = |members: &Vec<usize>| same(members) && any(members);
        let after = grouped.iter().rposition(meets).map_or(0, |last| last + 1);
        match grouped[after..].iter_mut().find(|members| share(members[0])) {
            Some(members) => members.push(k),
            None => grouped.push(vec![k]),
        }
    }
    let order = |members: &Vec<usize>| {
        let pre = network.projections[members[0]].pre;
        (pre.population, pre.start, pre.n)
    };
    grouped.sort_by_key(order);
    grouped
}

impl Target {
    fn new(population: usize, port: VarId, lanes: (usize, usize), options: &Options) -> Target {
        let (lanes, blocks) = blocks(lanes, &options.ranks, options.threads.max(1));
        Target { population, port, ring: None, bundles: Vec::new(), due: Vec::new(), lanes, blocks }
    }
}

/// Cuts each thread's share of a process's lanes, of which sixteen cells have a unit, into blocks; returns their lanes, and by thread which
/// blocks.
pub(super) fn blocks(
    (lanes, unit): (usize, usize),
    ranks: &Ranks,
    threads: usize,
) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let (mut all, mut blocks) = (Vec::new(), Vec::new());
    for thread in 0..threads {
        let range = Worker { ranks, thread, threads }.share_of(lanes, unit);
        let n = range.len().div_ceil(BLOCK).max(1);
        let block = |k: usize| share(range.len(), k, n);
        blocks.push(all.len()..all.len() + n);
        all.extend((0..n).map(block).map(|r| range.start + r.start..range.start + r.end));
    }
    (all, blocks)
}

/// Whether the rows of two projections may be one: what all their synapses share must be the same.
fn belong(a: &Projection, b: &Projection) -> bool {
    use crate::plan::{Column, Delay};
    let weight = match (&a.weight, &b.weight) {
        (Column::Const(x), Column::Const(y)) => x == y,
        (Column::Const(_), _) | (_, Column::Const(_)) => false,
        _ => true,
    };
    let delay = match (&a.delay, &b.delay) {
        (Delay::Const(x), Delay::Const(y)) => x == y,
        (Delay::Const(_), _) | (_, Delay::Const(_)) => false,
        _ => true,
    };
    weight
        && delay
        && a.stored
        && b.stored
        && a.pre == b.pre
        && a.post.population == b.post.population
        && a.port == b.port
}

/// Whether two projections join the same cells with the same port, be it of other cells.
fn same_ends(a: &Projection, b: &Projection) -> bool {
    a.pre == b.pre && a.post.population == b.post.population && a.port == b.port
}

/// Whether two projections may deliver to the same cell from the same cells.
fn meet(a: &Projection, b: &Projection) -> bool {
    let apart = a.post.start + a.post.n <= b.post.start || b.post.start + b.post.n <= a.post.start;
    same_ends(a, b) && !apart
}

/// Draws the rows of sources, for all blocks.
fn rows_of(
    network: &Network,
    projections: &[Proj],
    projection: usize,
    lanes: &[Range<usize>],
    precision: Precision,
    sources: Vec<usize>,
) -> Vec<(usize, Vec<Part>)> {
    let factor = projections[projection].constant().unwrap_or(1.0);
    let member = Member { projection: &network.projections[projection], factor };
    let row = |source: usize| (source, Part::drawn(&member, lanes, precision, source));
    sources.into_iter().map(row).collect()
}

/// Takes the rows of a step in, in place of the oldest.
fn keep(drawn: &mut Drawn, rows: Vec<(usize, Vec<Part>)>) {
    drawn.pop_back();
    drawn.push_front(rows);
}

/// The two precisions of sums.
trait Float: Copy + std::ops::AddAssign + std::ops::Mul<Output = Self> + PartialEq {
    const ONE: Self;
    fn of(x: f64) -> Self;
    /// Weights that are stored have the precision of the sums.
    fn weights<'a>(w: RunWeights<'a>) -> Result<&'a [Self], f64>;
}

impl Float for f32 {
    const ONE: f32 = 1.0;

    fn of(x: f64) -> f32 {
        x as f32
    }

    #[inline(always)]
    fn weights<'a>(w: RunWeights<'a>) -> Result<&'a [f32], f64> {
        match w {
            RunWeights::F32(w) => Ok(w),
            RunWeights::Const(w) => Err(w),
            RunWeights::F64(_) => crate::ice!("weights of another precision"),
        }
    }
}

impl Float for f64 {
    const ONE: f64 = 1.0;

    fn of(x: f64) -> f64 {
        x
    }

    #[inline(always)]
    fn weights<'a>(w: RunWeights<'a>) -> Result<&'a [f64], f64> {
        match w {
            RunWeights::F64(w) => Ok(w),
            RunWeights::Const(w) => Err(w),
            RunWeights::F32(_) => crate::ice!("weights of another precision"),
        }
    }
}

/// Adds the weights of all runs, each times its factor, to the lanes from `base` on; rows are asked for some runs ahead.
///
/// # Safety
/// Targets must be lanes from `base` on that no other thread touches.
unsafe fn add_all<F: Float>(runs: &[(Run, f64)], ahead: usize, base: *mut F) {
    for (i, (run, factor)) in runs.iter().enumerate() {
        if let Some((next, _)) = runs.get(i + ahead) {
            prefetch(next.targets);
            if let Ok(weights) = F::weights(next.weights) {
                prefetch(weights);
            }
        }
        // SAFETY: the caller's promise.
        unsafe {
            match F::weights(run.weights) {
                Ok(weights) if F::of(*factor) == F::ONE => {
                    run.targets.iter().zip(weights).for_each(|(t, w)| *base.add(*t as usize) += *w);
                }
                Ok(weights) => {
                    let f = F::of(*factor);
                    run.targets.iter().zip(weights).for_each(|(t, w)| *base.add(*t as usize) += *w * f);
                }
                Err(w) => {
                    let w = F::of(w) * F::of(*factor);
                    run.targets.iter().for_each(|t| *base.add(*t as usize) += w);
                }
            }
        }
    }
}
