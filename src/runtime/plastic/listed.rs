//! Any synapses: in rows by presynaptic cell, sorted by delay and target within a row, and their index by target.

use crate::plan::{Delay, Edge, Projection};
use std::ops::Range;

/// The order of the synapses onto a range of targets; cells are counted within the projection's views.
pub struct Listed {
    /// Row `i` is `start[i] .. start[i + 1]`.
    pub start: Vec<u32>,
    /// Targets.
    pub target: Vec<u32>,
    /// Position of each synapse in the plan.
    pub edge: Vec<u32>,
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
    column_source: Vec<u32>,
}

impl Listed {
    /// Sorts the synapses whose targets lie in a range of the target population.
    pub fn new(p: &Projection, range: Range<usize>) -> Listed {
        let varying = |d: &Delay, order: &[u32]| match d {
            Delay::Const(_) => Vec::new(),
            each => order.iter().map(|k| each.at(*k as usize) as u16).collect(),
        };
        let edge = in_rows(p, &range);
        let source: Vec<u32> = edge.iter().map(|k| p.pairs.listed()[*k as usize].pre - p.pre.start as u32).collect();
        let target: Vec<u32> = edge.iter().map(|k| p.pairs.listed()[*k as usize].post - p.post.start as u32).collect();
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
        Listed {
            start: starts(p.pre.n, source.iter().map(|s| *s as usize)),
            delay: varying(&p.delay, &edge),
            column_source: column.iter().map(|k| source[*k as usize]).collect(),
            target,
            edge,
            dendritic,
            first,
            column_start,
            column,
        }
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
    pub fn column(&self, cell: u32, delay: u32) -> (&[u32], &[u32]) {
        let j = (cell as usize).checked_sub(self.first).filter(|j| j + 1 < self.column_start.len());
        let Some(j) = j else { return (&[], &[]) };
        let (begin, end) = (self.column_start[j] as usize, self.column_start[j + 1] as usize);
        let range = match self.dendritic.is_empty() {
            true => begin..end,
            false => within(&self.column[begin..end], begin, |k| u32::from(self.dendritic[*k as usize]), delay),
        };
        (&self.column[range.clone()], &self.column_source[range])
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
        let words = [&self.start, &self.target, &self.edge, &self.column_start, &self.column, &self.column_source];
        words.iter().map(|v| v.len() * 4).sum::<usize>() + (self.delay.len() + self.dendritic.len()) * 2
    }
}

/// Returns the positions of the synapses onto a range of targets, row by row, by delay and target.
fn in_rows(p: &Projection, range: &Range<usize>) -> Vec<u32> {
    let edges = p.pairs.listed();
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
