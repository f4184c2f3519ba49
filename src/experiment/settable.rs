//! Cells whose values can be set: of a running network, or of one of the examples that it shows side by side.

use crate::evaluate::Attempt;
use crate::hir::VarId;
use crate::plan::{Column, Population};
use crate::runtime::{Running, Simulation};
use std::ops::Range;

/// The cells of a running network or of one example, with the plan that they follow.
pub(super) trait Settable {
    /// A population's plan.
    fn population(&mut self, index: usize) -> &mut Population;
    /// Whether a step has been made.
    fn begun(&self) -> bool;
    /// Replaces a parameter.
    fn set_param(&mut self, population: usize, id: VarId, value: Column);
    /// Replaces the value of an analog port.
    fn set_port(&mut self, population: usize, id: VarId, value: Column);
    /// Replaces values of a state; of a cable, those of one segment or of all.
    fn set_state(&mut self, population: usize, id: VarId, cells: Range<usize>, segment: Option<usize>, value: &Column);
    /// Lets cells forget the events that they had, and what follows from them.
    fn forget_events(&mut self, population: usize, cells: Range<usize>);
}

impl Settable for Running {
    fn population(&mut self, index: usize) -> &mut Population {
        &mut self.network_mut().populations[index]
    }
    fn begun(&self) -> bool {
        self.step() > 0
    }
    fn set_param(&mut self, population: usize, id: VarId, value: Column) {
        self.set_param(population, id, value);
    }
    fn set_port(&mut self, population: usize, id: VarId, value: Column) {
        self.set_port(population, id, value);
    }
    fn set_state(&mut self, population: usize, id: VarId, cells: Range<usize>, segment: Option<usize>, value: &Column) {
        self.set_state(population, id, cells, segment, value);
    }
    fn forget_events(&mut self, population: usize, cells: Range<usize>) {
        self.forget_events(population, cells);
    }
}

impl Settable for Simulation {
    fn population(&mut self, index: usize) -> &mut Population {
        &mut self.network.populations[index]
    }
    fn begun(&self) -> bool {
        self.step() > 0
    }
    fn set_param(&mut self, population: usize, id: VarId, value: Column) {
        self.set_param(population, id, value);
    }
    fn set_port(&mut self, population: usize, id: VarId, value: Column) {
        self.set_port(population, id, value);
    }
    fn set_state(&mut self, population: usize, id: VarId, cells: Range<usize>, segment: Option<usize>, value: &Column) {
        self.set_state(population, id, cells, segment, value);
    }
    fn forget_events(&mut self, population: usize, cells: Range<usize>) {
        self.forget_events(population, cells);
    }
}

/// Does something to the cells of each example that runs side by side with others, or of the one network.
pub(super) fn in_each_example(
    s: &mut Running,
    mut change: impl FnMut(&mut dyn Settable) -> Attempt<()>,
) -> Attempt<()> {
    match s {
        Running::Batched(s) => s.try_each(|s| change(s)),
        s => change(s),
    }
}
