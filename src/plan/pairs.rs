//! Which pairs of cells a projection connects, in the order in which its weights are kept.

use super::View;
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
    /// Those of another projection, with sources and targets exchanged.
    Transposed(Box<Pairs>),
}

impl Pairs {
    /// Returns the number of synapses.
    pub fn len(&self) -> usize {
        match self {
            Pairs::All(pre, post) => pre.n * post.n,
            Pairs::OneToOne(pre, _) => pre.n,
            Pairs::Listed(edges) => edges.len(),
            Pairs::Transposed(of) => of.len(),
        }
    }

    /// Returns whether nothing is connected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the cells of one synapse.
    pub fn at(&self, k: usize) -> Edge {
        let edge = |i: usize, j: usize| Edge { pre: i as u32, post: j as u32 };
        match self {
            Pairs::All(pre, post) => edge(pre.start + k / post.n, post.start + k % post.n),
            Pairs::OneToOne(pre, post) => edge(pre.start + k, post.start + k),
            Pairs::Listed(edges) => edges[k],
            Pairs::Transposed(of) => {
                let Edge { pre, post } = of.at(k);
                Edge { pre: post, post: pre }
            }
        }
    }

    /// Visits the cells of all synapses in order.
    pub fn iter(&self) -> impl Iterator<Item = Edge> + '_ {
        (0..self.len()).map(|k| self.at(k))
    }

    /// Writes every pair out.
    pub fn list(&mut self) {
        if !matches!(self, Pairs::Listed(_)) {
            *self = Pairs::Listed(Arc::new(self.iter().collect()));
        }
    }

    /// Returns the pairs as they were written out.
    pub fn listed(&self) -> &[Edge] {
        match self {
            Pairs::Listed(edges) => edges,
            _ => crate::ice!("pairs that are not written out"),
        }
    }
}

impl From<Vec<Edge>> for Pairs {
    fn from(edges: Vec<Edge>) -> Pairs {
        Pairs::Listed(Arc::new(edges))
    }
}
