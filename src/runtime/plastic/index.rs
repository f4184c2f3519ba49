//! Where the synapses onto a range of targets are kept, and how they are found from either side.

use super::listed::Listed;
use super::tiles::Tiles;
use crate::plan::Projection;
use std::ops::Range;

/// The order of the synapses onto a range of targets; cells are counted within the projection's views.
pub enum Index {
    /// Every source has a synapse onto every target, and all are alike in their delays.
    Tiled(Tiles),
    /// Any others.
    Listed(Listed),
}

impl Index {
    /// Sorts the synapses whose targets lie in a range of the target population.
    pub fn new(p: &Projection, range: Range<usize>) -> Index {
        match Tiles::new(p, &range) {
            Some(tiles) => Index::Tiled(tiles),
            None => Index::Listed(Listed::new(p, range)),
        }
    }

    /// Returns how many places for values there are; not every one belongs to a synapse.
    pub fn places(&self) -> usize {
        match self {
            Index::Tiled(tiles) => tiles.places(),
            Index::Listed(listed) => listed.len(),
        }
    }

    /// Visits all synapses: where their values are, and their position in the plan.
    pub fn for_each(&self, mut visit: impl FnMut(usize, usize)) {
        match self {
            Index::Tiled(tiles) => tiles.for_each(visit),
            Index::Listed(listed) => (0..listed.len()).for_each(|k| visit(k, listed.edge(k))),
        }
    }

    /// Returns the bytes in use.
    pub fn bytes(&self) -> usize {
        match self {
            Index::Tiled(_) => 0,
            Index::Listed(listed) => listed.bytes(),
        }
    }
}
