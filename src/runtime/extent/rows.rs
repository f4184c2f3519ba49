//! What rows of synapses take that are only expected.

use super::super::buffer::padded;
use super::super::delivery;
use super::super::exchange::Ranks;
use super::super::projection::Proj;
use crate::hir::EventId;
use crate::plan::{Column, Delay, GROUP, Network, Pairs, Projection};
use std::ops::Range;

/// A projection among those whose rows are one.
struct Member {
    /// Lanes of its targets.
    post: Range<usize>,
    synapses: f64,
    /// Which part of them has which delay.
    delays: Vec<(u32, f64)>,
    /// Whether each source has all targets.
    all: bool,
    /// Bytes of lists that are made while rows are, of each synapse onto the process's own lanes.
    listed: f64,
}

impl Member {
    fn new(p: &Projection) -> Member {
        let constant = matches!((&p.weight, &p.delay), (Column::Const(_), Delay::Const(_)));
        let as_drawn = match &p.pairs {
            _ if p.site.is_some() => false,
            Pairs::Drawn(d) => !d.is_by_target() && p.chosen.iter().all(Option::is_none),
            Pairs::All(..) | Pairs::OneToOne(..) => true,
            _ => false,
        };
        let listed = match (as_drawn, constant) {
            (true, _) => 0.0,
            (false, true) => 4.0,
            (false, false) => 8.0,
        };
        let all = matches!(p.pairs, Pairs::All(..));
        let post = p.post.start..p.post.start + p.post.n;
        Member { post, synapses: p.pairs.len() as f64, delays: p.delay.parts(), all, listed }
    }

    /// Returns the synapses onto some lanes.
    fn onto(&self, lanes: &Range<usize>) -> f64 {
        let n = lanes.end.min(self.post.end).saturating_sub(lanes.start.max(self.post.start));
        self.synapses * n as f64 / self.post.len().max(1) as f64
    }
}

/// Projections whose rows are one.
pub struct Bundle {
    pub population: usize,
    /// The lanes of its port, and how many of them sixteen cells have.
    pub lanes: (usize, usize),
    /// The cells and the kinds of events that it waits for.
    pub pre: (usize, usize),
    pub events: Vec<EventId>,
    /// How many delays occur.
    pub delays: f64,
    pub shortest: u16,
    pub longest: u32,
    /// Whether rows are kept.
    stored: bool,
    weights: bool,
    members: Vec<Member>,
}

/// What rows take.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken {
    /// Bytes of targets and weights.
    pub synapses: f64,
    /// Bytes of where rows begin.
    pub index: f64,
    /// Bytes that they take on top while they are made.
    pub meanwhile: f64,
}

/// Synapses of a chunk of rows at least, and at most.
const CHUNK: (f64, f64) = ((1 << 17) as f64, (1 << 22) as f64);

/// Room that a list has on the average of its growth, for what is in it.
const GROWING: f64 = 1.5;

/// Bytes of a run before all delays are known.
const RUN: f64 = 12.0;

impl Bundle {
    /// Finds the bundles of a network, in the order in which they are made.
    pub fn all(network: &Network, projections: &[Proj]) -> Vec<Bundle> {
        let bundle = |members: Vec<usize>| {
            let first = &network.projections[members[0]];
            let weights = members.iter().any(|k| !matches!(network.projections[*k].weight, Column::Const(_)));
            let mut list: Vec<Member> = members.iter().map(|k| Member::new(&network.projections[*k])).collect();
            list.sort_by_key(|m| m.post.start);
            let occurring = occurring(&list);
            let post = &network.populations[first.post.population];
            let segments = post.lanes_of(first.port).map(|lanes| (lanes.places(), lanes.unit()));
            Bundle {
                population: first.post.population,
                lanes: segments.unwrap_or((padded(post.n), GROUP)),
                pre: (first.pre.population, first.pre.n),
                events: projections[members[0]].events().collect(),
                delays: occurring.iter().map(|(_, chance)| chance).sum(),
                // What is next to impossible does not make passes short.
                shortest: occurring.iter().find(|(_, chance)| *chance >= 0.5).map_or(1, |(d, _)| *d as u16),
                longest: occurring.iter().rev().find(|(_, chance)| *chance >= 0.5).map_or(1, |(d, _)| *d),
                stored: first.stored,
                weights,
                members: list,
            }
        };
        delivery::bundled(network, projections).into_iter().map(bundle).collect()
    }

    /// Returns the cells of each of the blocks that a process has; of their lanes, which may be segments, there are so many for sixteen.
    pub fn blocks(&self, ranks: &Ranks, threads: usize) -> Vec<Range<usize>> {
        let cells = |lane: usize| lane * GROUP / self.lanes.1;
        let all = delivery::blocks(self.lanes, ranks, threads).0.into_iter();
        all.map(|block| cells(block.start)..cells(block.end)).collect()
    }

    /// Returns the synapses onto some lanes.
    pub fn onto(&self, lanes: &Range<usize>) -> f64 {
        self.near(lanes).map(|m| m.onto(lanes)).sum()
    }

    /// Returns the bytes of a synapse in a row.
    pub fn bytes_of_synapse(&self, word: f64) -> f64 {
        if self.weights { 2.0 + word } else { 2.0 }
    }

    /// Members with targets among some lanes.
    fn near(&self, lanes: &Range<usize>) -> impl Iterator<Item = &Member> {
        let end = self.members.partition_point(|m| m.post.start < lanes.end);
        self.members[..end].iter().filter(move |m| m.post.end > lanes.start)
    }

    /// Returns what its rows take onto the blocks of a process, and how many runs of one source and delay they have.
    pub fn rows(&self, blocks: &[Range<usize>], word: f64, processors: f64) -> Taken {
        if !self.stored {
            return Taken::default();
        }
        let sources = self.pre.1 as f64;
        let mut out = Taken::default();
        let (mut own, mut runs, mut starts, mut lists) = (0.0, 0.0, 0.0f64, 0.0);
        // Weights grow in double precision.
        let each = self.bytes_of_synapse(word);
        let growing = GROWING * if self.weights { 10.0 } else { 2.0 };
        for block in blocks {
            let (synapses, of_block) = (self.onto(block), self.runs(block));
            out.synapses += synapses * each;
            lists += self.near(block).map(|m| m.onto(block) * m.listed).sum::<f64>();
            let table = sources * (self.delays + 1.0);
            // Where none arrive, nothing says where any begin.
            if synapses == 0.0 {
                continue;
            }
            let dense = table <= 4.0 * of_block + 16.0;
            out.index += if dense { 4.0 * table } else { 4.0 * (sources + 1.0) + 10.0 * of_block };
            starts = starts.max(if dense { 4.0 * table } else { 0.0 });
            own += synapses;
            runs += of_block;
        }
        let all: f64 = self.members.iter().map(|m| m.synapses).sum();
        let chunk = (all / 8.0).clamp(CHUNK.0, CHUNK.1).min(all) / all.max(1.0) * own;
        // Of the last chunks, one for each processor, what grows is there in place of what is kept.
        let last = (processors * chunk).min(own);
        out.meanwhile = lists + RUN * runs + starts.max(last * (growing - each));
        out
    }

    /// How many pairs of a source and a delay have synapses onto a block.
    fn runs(&self, block: &Range<usize>) -> f64 {
        let sources = self.pre.1.max(1) as f64;
        let near: Vec<&Member> = self.near(block).collect();
        if near.iter().any(|m| m.all) {
            return sources * self.delays.min(near.iter().map(|m| m.onto(block)).sum::<f64>() / sources);
        }
        // Synapses of a source and a delay are Poisson numbers, nearly.
        let mut means: Vec<(u32, f64)> = Vec::new();
        for m in near {
            let each = m.onto(block) / sources;
            add(&mut means, m.delays.iter().map(|(d, part)| (*d, each * part)));
        }
        sources * means.iter().map(|(_, mean)| -(-mean).exp_m1()).sum::<f64>()
    }
}

/// Adds numbers to those of the same delays; both lists ascend.
fn add(to: &mut Vec<(u32, f64)>, numbers: impl Iterator<Item = (u32, f64)>) {
    let mut at = 0;
    for (d, n) in numbers {
        while to.get(at).is_some_and(|(of, _)| *of < d) {
            at += 1;
        }
        match to.get_mut(at) {
            Some((of, sum)) if *of == d => *sum += n,
            _ => to.insert(at, (d, n)),
        }
    }
}

/// The delays that members have, and how likely it is that any synapse has them.
fn occurring(members: &[Member]) -> Vec<(u32, f64)> {
    let mut means = Vec::new();
    for m in members {
        add(&mut means, m.delays.iter().map(|(d, part)| (*d, m.synapses * part)));
    }
    means.into_iter().map(|(d, mean)| (d, -(-mean).exp_m1())).collect()
}
