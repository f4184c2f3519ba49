//! Continuous contributions: what a projection adds to a port at every step.
//!
//! What comes apart into a weight times something of the source times something of the target is a product of matrices ([`factored`]);
//! anything else, and sources that are seen with delays that differ, is worked on synapse by synapse ([`each`]).

mod cells;
mod each;
mod factored;

use super::buffer::Buffer;
use super::options::Options;
use crate::hir::VarId;
use crate::image::Listing;
use crate::plan::Projection;
pub use cells::Cells;
use each::Each;
use factored::Factored;

/// A continuous projection ready to run.
pub enum Continuous {
    /// As a product.
    Factored(Factored),
    /// Synapse by synapse.
    Each(Box<Each>),
}

impl Continuous {
    /// Compiles the contribution of a projection, if it has one.
    pub fn new(p: &Projection, options: &Options) -> Option<Continuous> {
        let deliver = p.synapse.deliver.as_ref()?;
        Some(match Factored::new(p, options) {
            Some(factored) => Continuous::Factored(factored),
            None => Continuous::Each(Box::new(Each::new(p, deliver, options))),
        })
    }

    /// Returns the kernels.
    pub fn listings(&self) -> Vec<Listing> {
        match self {
            Continuous::Factored(f) => f.listings(),
            Continuous::Each(e) => vec![e.listing()],
        }
    }

    /// Lists the variables of the cells that are read: the population and the variable.
    pub fn reads(&self, p: &Projection) -> Vec<(usize, VarId)> {
        match self {
            Continuous::Factored(f) => f.reads(p),
            Continuous::Each(e) => e.reads(p).collect(),
        }
    }

    /// Reads weights and states anew, with `copy`, which writes them in the order of the plan.
    pub fn refresh(&mut self, copy: &dyn Fn(VarId, &mut [f64])) {
        match self {
            Continuous::Factored(f) => f.refresh(copy),
            Continuous::Each(e) => e.refresh(copy),
        }
    }

    /// Adds the contributions to `target`.
    pub fn run(&mut self, p: &Projection, cells: &impl Cells, target: &mut Buffer) {
        match self {
            Continuous::Factored(f) => f.run(p, cells, target),
            Continuous::Each(e) => e.run(p, cells, target),
        }
    }
}
