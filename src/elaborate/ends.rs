//! The two ends of a projection.

use crate::plan::Population;
use crate::value::View;

/// One end of a projection.
#[derive(Clone, Copy)]
pub struct End<'a> {
    /// The population.
    pub population: &'a Population,
    /// Its cells.
    pub view: View,
}

impl End<'_> {
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
