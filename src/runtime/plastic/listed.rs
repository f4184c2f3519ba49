//! Any synapses: in rows by presynaptic cell, sorted by delay and target within a row, and their index by target.

use super::lanes::Cells;
use crate::plan::{Delay, Edge, Projection};
use std::ops::Range;

/// The order of the synapses onto a range of targets; cells are counted within the projection's views.
pub struct Listed {
    /// Row `i` is `start[i] .. start[i + 1]`.
    pub start: Vec<u32>,
    /// Targets.
    pub target: Ids,
    /// The lane of the segment that each synapse sits on; none if targets have no segments.
    pub lane: Vec<u32>,
    /// Position of each synapse in the plan; none if that is its own.
    edge: Vec<u32>,
    /// Axonal delays; none if all are equal.
    delay: Vec<u16>,
    /// Dendritic delays; none if all are equal.
    pub dendritic: Vec<u16>,
    /// First target.
    first: usize,
    /// Synapses onto target `first + j` are `column[column_start[j] .. column_start[j + 1]]`, by dendritic delay.
    column_start: Vec<u32>,
    column: Vec<u32>,
    /// Presynaptic cells of the synapses in `column`.
    column_source: Ids,
}

/// Cells, each in two bytes if they fit.
pub enum Ids {
    Narrow(Vec<u16>),
    Wide(Vec<u32>),
}

impl Ids {
    /// Keeps cells below `end`.
    fn new(end: usize, cells: impl Iterator<Item = u32>) -> Ids {
        match end <= 1 << 16 {
            true => Ids::Narrow(cells.map(|c| c as u16).collect()),
            false => Ids::Wide(cells.collect()),
        }
    }

    /// Returns some of them.
    pub fn cells(&self, range: Range<usize>) -> Cells<'_> {
        match self {
            Ids::Narrow(list) => Cells::Narrow(&list[range]),
            Ids::Wide(list) => Cells::List(&list[range]),
        }
    }

    /// Returns one of them.
    pub fn at(&self, k: usize) -> usize {
        match self {
            Ids::Narrow(list) => usize::from(list[k]),
            Ids::Wide(list) => list[k] as usize,
        }
    }

    /// Appends some of them to a list.
    pub fn extend(&self, range: Range<usize>, to: &mut Vec<u32>) {
        match self {
            Ids::Narrow(list) => to.extend(list[range].iter().map(|c| u32::from(*c))),
            Ids::Wide(list) => to.extend_from_slice(&list[range]),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Ids::Narrow(list) => list.len() * 2,
            Ids::Wide(list) => list.len() * 4,
        }
    }
}

impl Listed {
    /// Sorts the synapses whose targets lie in a range of the target population.
    pub fn new(p: &Projection, range: Range<usize>) -> Listed {
        let varying = |d: &Delay, order: &[u32]| match d {
            Delay::Const(_) => Vec::new(),
            each => order.iter().map(|k| each.at(*k as usize) as u16).collect(),
        };
        let edges = p.pairs.edges();
        let mut edge = in_rows(p, &edges, &range);
        let source: Vec<u32> = edge.iter().map(|k| edges[*k as usize].pre - p.pre.start as u32).collect();
        let target: Vec<u32> = edge.iter().map(|k| edges[*k as usize].post - p.post.start as u32).collect();
        let first = range.start.max(p.post.start) - p.post.start;
        let end = range.end.min(p.post.start + p.post.n).max(range.start.max(p.post.start)) - p.post.start;
        let dendritic = varying(&p.dendritic, &edge);
        let column_start = starts(end - first, target.iter().map(|t| *t as usize - first));
        let mut next = column_start.clone();
        let mut column = vec![0u32; edge.len()];
        for (k, t) in target.iter().enumerate() {
            let at = &mut next[*t as usize - first];
            column[*at as usize] = k as u32;
            *at += 1;
        }
        if !dendritic.is_empty() {
            for j in 0..end - first {
                column[column_start[j] as usize..column_start[j + 1] as usize]
                    .sort_by_key(|k| (dendritic[*k as usize], *k));
            }
        }
        let delay = varying(&p.delay, &edge);
        let lane = match &p.site {
            Some(site) => {
                edge.iter().map(|k| site.lane(edges[*k as usize].post as usize, *k as usize) as u32).collect()
            }
            None => Vec::new(),
        };
        if edge.iter().enumerate().all(|(k, edge)| k == *edge as usize) {
            edge = Vec::new();
        }
        Listed {
            start: starts(p.pre.n, source.iter().map(|s| *s as usize)),
            delay,
            column_source: Ids::new(p.pre.n, column.iter().map(|k| source[*k as usize])),
            target: Ids::new(p.post.n, target.into_iter()),
            lane,
            edge,
            dendritic,
            first,
            column_start,
            column,
        }
    }

    /// Returns the number of synapses.
    pub fn len(&self) -> usize {
        self.column.len()
    }

    /// Returns the position of a synapse in the plan.
    pub fn edge(&self, synapse: usize) -> usize {
        self.edge.get(synapse).map_or(synapse, |edge| *edge as usize)
    }

    /// Returns the lane that a synapse delivers to, of targets from `first` on.
    pub fn lane(&self, synapse: usize, first: usize) -> usize {
        self.lane.get(synapse).map_or_else(|| first + self.target.at(synapse), |lane| *lane as usize)
    }

    /// Returns the synapses of a presynaptic cell that its events reach after a delay.
    pub fn row(&self, cell: u32, delay: u32) -> Range<usize> {
        let (begin, end) = (self.start[cell as usize] as usize, self.start[cell as usize + 1] as usize);
        match self.delay.is_empty() {
            true => begin..end,
            false => within(&self.delay[begin..end], begin, |d| u32::from(*d), delay),
        }
    }

    /// Returns the synapses onto a postsynaptic cell that its events reach after a delay, and their presynaptic cells.
    pub fn column(&self, cell: u32, delay: u32) -> Column<'_> {
        let j = (cell as usize).checked_sub(self.first).filter(|j| j + 1 < self.column_start.len());
        let Some(j) = j else { return Column { synapses: &[], sources: &self.column_source, first: 0 } };
        let (begin, end) = (self.column_start[j] as usize, self.column_start[j + 1] as usize);
        let range = match self.dendritic.is_empty() {
            true => begin..end,
            false => within(&self.column[begin..end], begin, |k| u32::from(self.dendritic[*k as usize]), delay),
        };
        Column { synapses: &self.column[range.clone()], sources: &self.column_source, first: range.start }
    }

    /// Writes the presynaptic cells of consecutive synapses.
    pub fn sources(&self, synapses: Range<usize>, out: &mut Vec<u32>) {
        out.clear();
        let mut row = self.start.partition_point(|s| *s as usize <= synapses.start) - 1;
        for k in synapses {
            while self.start[row + 1] as usize <= k {
                row += 1;
            }
            out.push(row as u32);
        }
    }

    /// Returns the bytes in use.
    pub fn bytes(&self) -> usize {
        let words = [&self.start, &self.edge, &self.column_start, &self.column, &self.lane];
        let cells = self.target.bytes() + self.column_source.bytes();
        words.iter().map(|v| v.len() * 4).sum::<usize>() + cells + (self.delay.len() + self.dendritic.len()) * 2
    }
}

/// Synapses onto a cell, with their presynaptic cells.
pub struct Column<'a> {
    pub synapses: &'a [u32],
    sources: &'a Ids,
    first: usize,
}

impl<'a> Column<'a> {
    /// Returns the presynaptic cells of some of the synapses.
    pub fn sources(&self, range: Range<usize>) -> Cells<'a> {
        self.sources.cells(self.first + range.start..self.first + range.end)
    }

    /// Appends all presynaptic cells to a list.
    pub fn extend(&self, to: &mut Vec<u32>) {
        self.sources.extend(self.first..self.first + self.synapses.len(), to);
    }
}

/// Returns the positions of the synapses onto a range of targets, row by row, by delay and target.
fn in_rows(p: &Projection, edges: &[Edge], range: &Range<usize>) -> Vec<u32> {
    let mine = || edges.iter().enumerate().filter(|(_, e)| range.contains(&(e.post as usize)));
    let row = |e: &Edge| e.pre as usize - p.pre.start;
    let start = starts(p.pre.n, mine().map(|(_, e)| row(e)));
    let mut next = start.clone();
    let mut out = vec![0u32; start[p.pre.n] as usize];
    for (k, e) in mine() {
        let at = &mut next[row(e)];
        out[*at as usize] = k as u32;
        *at += 1;
    }
    for i in 0..p.pre.n {
        out[start[i] as usize..start[i + 1] as usize]
            .sort_unstable_by_key(|k| (p.delay.at(*k as usize), edges[*k as usize].post, *k));
    }
    out
}

/// The part of a sorted list that has a key, as a range that begins at `offset`.
fn within<T>(sorted: &[T], offset: usize, key: impl Fn(&T) -> u32, wanted: u32) -> Range<usize> {
    offset + sorted.partition_point(|x| key(x) < wanted)..offset + sorted.partition_point(|x| key(x) <= wanted)
}

/// Counts how many of `items` fall on each of `n` rows, summed up.
fn starts(n: usize, items: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut start = vec![0u32; n + 1];
    items.for_each(|i| start[i + 1] += 1);
    for i in 0..n {
        start[i + 1] += start[i];
    }
    start
}
