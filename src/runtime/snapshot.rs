//! Everything that a running network remembers from step to step, as plain data: from it the same steps follow, bit for bit, at any
//! number of threads. Random numbers need no memory: they are functions of the step.

use super::buffer::Buffer;
use super::exchange::{ANOTHERS, Array};
use super::history::Past;
use super::plastic::Synapses;
use super::population::Pop;
use super::simulation::Simulation;
use super::windows::Average;
use serde::{Deserialize, Serialize};

/// The state of a simulation at a step boundary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    step: u64,
    populations: Vec<Cells>,
    projections: Vec<Sources>,
    plastic: Vec<Option<Synapses>>,
    past: Past,
    /// Means over open windows.
    windows: Vec<Average>,
}

/// The raw numbers of an array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raw(Vec<u8>);

/// The cells of a population, arrays in the order of the kernels' slots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cells {
    /// States.
    pub states: Vec<Raw>,
    /// Weights under way, by port.
    pub rings: Vec<Raw>,
    /// Values of analog ports that change.
    pub inputs: Vec<Raw>,
    /// States of cables.
    pub cables: Vec<Raw>,
    /// Step sizes of an adaptive scheme.
    pub adaptive: Vec<f64>,
}

/// States per presynaptic cell of a projection that does not learn, and the steps of the last events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sources {
    /// States.
    pub states: Vec<Raw>,
    /// Steps.
    pub last: Vec<u64>,
    /// Factors of the events of earlier steps, by handler.
    pub factors: Vec<Vec<Vec<f64>>>,
}

impl Raw {
    /// Copies an array.
    pub fn of(b: &Buffer) -> Raw {
        Raw(b.bytes().to_vec())
    }

    /// Copies the numbers back; false if they are not as many.
    pub fn restore(&self, b: &mut Buffer) -> bool {
        let fits = self.0.len() == b.bytes().len();
        if fits {
            b.bytes_mut().copy_from_slice(&self.0);
        }
        fits
    }

    /// Copies several arrays back.
    pub fn restore_all<'a>(all: &[Raw], to: impl ExactSizeIterator<Item = &'a mut Buffer>) -> bool {
        all.len() == to.len() && all.iter().zip(to).all(|(raw, b)| raw.restore(b))
    }
}

impl Simulation {
    /// Returns the state at the present step boundary, of all processes.
    pub fn snapshot(&self) -> Remembered {
        let of_plan = |(plastic, p): (&Option<super::plastic::Plastic>, &crate::plan::Projection)| {
            plastic.as_ref().map(|x| x.synapses_of(p, &self.options.ranks))
        };
        Remembered {
            step: self.step,
            populations: self.pops.iter().map(|p| self.cells_of(p)).collect(),
            projections: self.projections.iter().map(|p| p.sources()).collect(),
            plastic: self.plastic.iter().zip(&self.network.projections).map(of_plan).collect(),
            past: self.history.past(),
            windows: self.windows.averages(),
        }
    }

    /// Returns what the cells of a population remember, with what the other processes have of it.
    fn cells_of(&self, pop: &Pop) -> Cells {
        let (ranks, size) = (&self.options.ranks, self.options.precision.bytes());
        let mut cells = pop.cells();
        let sums = pop.ring_lanes().zip(&mut cells.rings);
        ranks.complete(sums.map(|((lanes, unit), raw)| Array { bytes: &mut raw.0, lanes, unit, size }).collect());
        let own = ranks.own(pop.lanes);
        let theirs = cells.adaptive.iter_mut().enumerate().filter(|(k, _)| !own.contains(k));
        theirs.for_each(|(_, step)| *step = f64::from_bits(ANOTHERS));
        ranks.join_numbers(&mut cells.adaptive);
        cells
    }

    /// Goes on from a state of a simulation of the same plan; false if the state is of another one.
    pub fn restore(&mut self, from: &Remembered) -> bool {
        self.step = from.step;
        self.sums.get_mut().forget();
        self.refresh();
        let sizes = from.populations.len() == self.pops.len()
            && from.projections.len() == self.projections.len()
            && from.plastic.len() == self.plastic.len();
        let fits = sizes
            && self.pops.iter_mut().zip(&from.populations).all(|(p, cells)| p.set_cells(cells))
            && self.projections.iter_mut().zip(&from.projections).all(|(p, sources)| p.set_sources(sources))
            && self.plastic.iter_mut().zip(&self.network.projections).zip(&from.plastic).all(|((plastic, p), from)| {
                match (plastic, from) {
                    (Some(plastic), Some(from)) => plastic.set_synapses(p, from),
                    (None, None) => true,
                    _ => false,
                }
            })
            && self.history.set_past(&from.past)
            && self.windows.set_averages(&from.windows);
        if fits {
            (0..self.network.projections.len()).for_each(|k| self.follow_weights(k));
            self.deliveries.draw_again(&self.network, &self.projections, &self.history);
        }
        fits
    }
}
