//! The cells at both ends of a projection.

use super::super::buffer::Buffer;
use crate::hir::VarId;
use crate::plan::{Projection, View};

/// Where the values of the cells are found.
pub trait Cells {
    /// Returns the values of a variable of a population so many steps ago; none if there were no such values yet.
    fn values(&self, population: usize, var: VarId, steps: u32) -> Option<&Buffer>;
    /// Returns what a variable of a synapse was before its delay had passed, if that is not what the cells were at the first step.
    fn before(&self, variable: VarId, steps: u32) -> Option<f64>;
}

/// The cells of one side.
pub fn side(p: &Projection, pre: bool) -> View {
    if pre { p.pre } else { p.post }
}
