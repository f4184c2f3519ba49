//! Which pairs of cells a projection connects, in the order in which its weights are kept.

use super::View;
use super::draw::Drawing;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One synapse before it is stored in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Presynaptic cell within its population.
    pub pre: u32,
    /// Postsynaptic cell within its population.
    pub post: u32,
}

/// The pairs of a projection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Pairs {
    /// Each source with all targets, source after source.
    All(View, View),
    /// Equal indices within the two views, which are as long.
    OneToOne(View, View),
    /// One by one.
    Listed(Arc<Vec<Edge>>),
    /// Drawn, line after line.
    Drawn(Drawing),
    /// Windows that move over the sources, with the same weights everywhere.
    Convolution(Convolution),
    /// Those of another projection, with sources and targets exchanged.
    Transposed(Box<Pairs>),
}

/// A convolution or a pool: targets see a square of sources that moves with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Convolution {
    /// Sources.
    pub pre: View,
    /// Targets.
    pub post: View,
    /// Channels of the sources and of the targets.
    pub channels: (usize, usize),
    /// Height and width of the sources.
    pub size: (usize, usize),
    /// Height and width of the targets.
    pub out: (usize, usize),
    /// Side of the square.
    pub kernel: usize,
    /// Sources from target to target.
    pub stride: usize,
    /// Zeros around the sources.
    pub padding: usize,
    /// Whether every channel is for itself, with one weight for all, and what that multiplies.
    pub pool: Option<Pooling>,
}

/// What of the sources that it sees a target of a pool gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pooling {
    /// The sum.
    Sum,
    /// The sum over the number of places in the window, also of those beyond the edge.
    Mean,
    /// The greatest contribution; of several equal ones, that of the first.
    Max,
}

impl Convolution {
    /// Returns the number of weights of a target's channel.
    pub fn inputs(&self) -> usize {
        self.channels.0 * self.kernel * self.kernel
    }

    /// Visits all pairs of a source and a target that sees it.
    pub fn each(&self, mut visit: impl FnMut(usize, usize)) {
        self.each_weight(|pre, post, _| visit(pre, post));
    }

    /// Visits what of one channel the window of a target sees, line after line: the source within the channel, and its place in the window.
    pub fn seen(&self, place: usize, mut visit: impl FnMut(usize, usize)) {
        let (y, x) = (place / self.out.1 * self.stride, place % self.out.1 * self.stride);
        for i in y.max(self.padding)..(y + self.kernel).min(self.size.0 + self.padding) {
            for j in x.max(self.padding)..(x + self.kernel).min(self.size.1 + self.padding) {
                let source = (i - self.padding) * self.size.1 + j - self.padding;
                visit(source, (i - y) * self.kernel + j - x);
            }
        }
    }

    /// Visits all pairs of a source and a target that sees it, with the weight that they share with others.
    pub fn each_weight(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let (places, area, square) = (self.out.0 * self.out.1, self.size.0 * self.size.1, self.kernel * self.kernel);
        for target in 0..self.channels.1 {
            let channels = if self.pool.is_some() { target..target + 1 } else { 0..self.channels.0 };
            for place in 0..places {
                for channel in channels.clone() {
                    self.seen(place, |source, input| {
                        let input = target * self.inputs() + channel * square + input;
                        let weight = if self.pool.is_some() { 0 } else { input };
                        let (pre, post) = (channel * area + source, target * places + place);
                        visit(self.pre.start + pre, self.post.start + post, weight);
                    });
                }
            }
        }
    }

    /// Returns the number of weights.
    pub fn weights(&self) -> usize {
        if self.pool.is_some() { 1 } else { self.inputs() * self.channels.1 }
    }
}

impl Pairs {
    /// Returns the number of synapses; of shared weights, that of the weights: `[target channel][source channel][row][column]`.
    pub fn len(&self) -> usize {
        match self {
            Pairs::All(pre, post) => pre.n * post.n,
            Pairs::OneToOne(pre, _) => pre.n,
            Pairs::Listed(edges) => edges.len(),
            Pairs::Drawn(d) => d.len(),
            Pairs::Convolution(w) => w.weights(),
            Pairs::Transposed(of) => of.len(),
        }
    }

    /// Returns whether only their number is known.
    pub fn are_expected(&self) -> bool {
        matches!(self.plain(), Pairs::Drawn(d) if d.is_expected())
    }

    /// Returns the pairs as they were drawn, whichever way round they are used.
    pub fn plain(&self) -> &Pairs {
        match self {
            Pairs::Transposed(of) => of.plain(),
            other => other,
        }
    }

    /// Returns whether nothing is connected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the cells of one synapse; of a shared weight, the first cells of the channels that it joins.
    pub fn at(&self, k: usize) -> Edge {
        let edge = |i: usize, j: usize| Edge { pre: i as u32, post: j as u32 };
        match self {
            Pairs::All(pre, post) => edge(pre.start + k / post.n, post.start + k % post.n),
            Pairs::OneToOne(pre, post) => edge(pre.start + k, post.start + k),
            Pairs::Listed(edges) => edges[k],
            Pairs::Drawn(d) => {
                let line = d.line_of(k);
                let mut partners = Vec::new();
                d.line(line, |p| partners.push(p));
                drawn(d, line, partners[k - d.first(line)])
            }
            Pairs::Convolution(w) if w.pool.is_some() => edge(w.pre.start, w.post.start),
            Pairs::Convolution(w) => {
                let (from, to) = (k % w.inputs() / (w.kernel * w.kernel), k / w.inputs());
                edge(w.pre.start + from * w.size.0 * w.size.1, w.post.start + to * w.out.0 * w.out.1)
            }
            Pairs::Transposed(of) => {
                let Edge { pre, post } = of.at(k);
                Edge { pre: post, post: pre }
            }
        }
    }

    /// Returns the mean numbers of inputs of a target and of outputs of a source.
    pub fn fans(&self, sources: usize, targets: usize) -> (f64, f64) {
        match self {
            Pairs::Convolution(w) => {
                let square = (w.kernel * w.kernel) as f64;
                (w.channels.0 as f64 * square, w.channels.1 as f64 * square)
            }
            _ => (self.len() as f64 / targets as f64, self.len() as f64 / sources as f64),
        }
    }

    /// Returns the cells of all synapses in order.
    pub fn edges(&self) -> Arc<Vec<Edge>> {
        let mut out = Vec::with_capacity(self.len());
        match self {
            Pairs::Listed(edges) => return edges.clone(),
            // Without a division for each.
            Pairs::All(pre, post) => {
                for i in pre.start..pre.start + pre.n {
                    out.extend((post.start..post.start + post.n).map(|j| Edge { pre: i as u32, post: j as u32 }));
                }
            }
            Pairs::Drawn(d) => (0..d.lines()).for_each(|i| d.line(i, |p| out.push(drawn(d, i, p)))),
            _ => out.extend((0..self.len()).map(|k| self.at(k))),
        }
        Arc::new(out)
    }

    /// Writes pairs out that are drawn; those that follow from the views stay as they are.
    pub fn list_drawn(&mut self) {
        match self {
            Pairs::Drawn(_) => self.list(),
            Pairs::Transposed(of) => of.list_drawn(),
            _ => {}
        }
    }

    /// Writes every pair out.
    pub fn list(&mut self) {
        *self = Pairs::Listed(self.edges());
    }
}

fn drawn(d: &Drawing, line: usize, partner: u32) -> Edge {
    match d.is_by_target() {
        true => Edge { pre: partner, post: (d.post.start + line) as u32 },
        false => Edge { pre: (d.pre.start + line) as u32, post: partner },
    }
}

impl From<Vec<Edge>> for Pairs {
    fn from(edges: Vec<Edge>) -> Pairs {
        Pairs::Listed(Arc::new(edges))
    }
}
