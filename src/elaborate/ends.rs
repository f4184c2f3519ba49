//! The two ends of a projection.

use crate::plan::{Edge, Pairs, Population};
use crate::value::{Cells, View};
use std::sync::Arc;

/// One end of a projection.
///
/// Pairs are made of indices in [`End::view`]. If its cells are no range, that stands for their places among each other, until
/// [`placed`] makes cells of them.
#[derive(Clone, Copy)]
pub struct End<'a> {
    /// The population.
    pub population: &'a Population,
    /// Its cells.
    pub cells: &'a Cells,
    /// The range from which pairs take their indices.
    pub view: View,
}

impl<'a> End<'a> {
    /// An end of cells of a population.
    pub fn new(population: &'a Population, cells: &'a Cells) -> End<'a> {
        let places = View { population: cells.population, start: 0, n: cells.len() };
        End { population, cells, view: cells.view().unwrap_or(places) }
    }

    /// Returns the cell that an index of a pair stands for.
    pub fn cell(&self, index: usize) -> usize {
        self.cells.at(index - self.view.start)
    }

    /// Returns whether it has all cells of its population, in their order.
    pub fn is_whole(&self) -> bool {
        self.cells.is_whole(self.population.n)
    }

    fn is_chosen(&self) -> bool {
        self.cells.view().is_none()
    }
    /// Returns the coordinates of a cell of the population on its grid.
    pub fn position(&self, cell: usize) -> [f64; 3] {
        let mut out = [0.0; 3];
        let mut rest = cell;
        for (k, extent) in self.population.shape.iter().enumerate().rev() {
            if k < 3 {
                out[k] = (rest % extent) as f64 * self.population.spacing;
            }
            rest /= extent;
        }
        out
    }
}

/// Returns whether cells of an end are no range.
pub fn are_chosen(ends: (End, End)) -> bool {
    ends.0.is_chosen() || ends.1.is_chosen()
}

/// The pairs as pairs of cells.
pub fn placed(pairs: Pairs, ends: (End, End)) -> Pairs {
    if !are_chosen(ends) || pairs.are_expected() {
        return pairs;
    }
    let cell = |e: &Edge| Edge { pre: ends.0.cell(e.pre as usize) as u32, post: ends.1.cell(e.post as usize) as u32 };
    Pairs::Listed(Arc::new(pairs.edges().iter().map(cell).collect()))
}
