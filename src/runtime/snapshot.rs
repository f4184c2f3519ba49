//! Everything that a running network remembers from step to step, as plain data: from it the same steps follow, bit for bit, at any
//! number of threads. Random numbers need no memory: they are functions of the step.

use super::exchange::{ANOTHERS, Array, Process, Ranks};
use super::history::Past;
use super::plastic::{Owned, Plastic, Synapses};
use super::population::Pop;
use super::remembered::{Cells, Raw, Sources};
use super::ring::Ring;
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

/// What one of several processes alone knows at a step boundary; everything else is known to all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    populations: Vec<Lanes>,
    plastic: Vec<Option<Owned>>,
}

/// What a process alone knows of a population: weights under way to its cells, by port, and their adaptive steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Lanes {
    rings: Vec<Raw>,
    adaptive: Vec<f64>,
}

impl Lanes {
    /// Returns what a process alone knows of its cells.
    fn of(pop: &Pop, ranks: &Ranks) -> Lanes {
        let steps = pop.step_sizes().get(ranks.own(pop.lanes)).unwrap_or_default();
        Lanes { rings: pop.rings().map(|ring| Raw::part(ring, ranks.process())).collect(), adaptive: steps.to_vec() }
    }

    /// Puts back what one of the processes knew; false if it does not fit.
    fn restore(&self, pop: &mut Pop, ranks: &Ranks) -> bool {
        let mut steps = pop.step_sizes().to_vec();
        let own = steps.get_mut(ranks.own(pop.lanes)).unwrap_or_default();
        if self.rings.len() != pop.rings().count() || own.len() != self.adaptive.len() {
            return false;
        }
        own.copy_from_slice(&self.adaptive);
        let fits = self.rings.iter().zip(pop.rings_mut()).all(|(raw, ring)| raw.restore_part(ring, ranks.process()));
        fits && pop.set_step_sizes(&steps)
    }
}

impl Simulation {
    /// Returns the state at the present step boundary, of all processes.
    pub fn snapshot(&self) -> Remembered {
        let ranks = &self.options.ranks;
        let mut whole = self.known();
        for (pop, cells) in self.pops.iter().zip(&mut whole.populations) {
            cells.rings = pop.rings().map(|ring| Raw::of(&ring.buffer)).collect();
            let sums = pop.rings().zip(&mut cells.rings);
            ranks.complete(sums.map(|(ring, raw)| Array { bytes: &mut raw.0, layout: ring.layout() }).collect());
            let own = ranks.own(pop.lanes);
            let step = |(k, step): (usize, &f64)| if own.contains(&k) { *step } else { f64::from_bits(ANOTHERS) };
            cells.adaptive = pop.step_sizes().iter().enumerate().map(step).collect();
            ranks.join_numbers(&mut cells.adaptive);
        }
        for ((plastic, p), out) in self.plastic.iter().zip(&self.network.projections).zip(&mut whole.plastic) {
            *out = plastic.as_ref().map(|plastic| plastic.synapses_of(p, ranks));
        }
        whole
    }

    /// Returns what every process knows of the state at the present step boundary.
    pub fn known(&self) -> Remembered {
        Remembered {
            step: self.step,
            populations: self.pops.iter().map(Pop::cells).collect(),
            projections: self.projections.iter().map(|p| p.sources()).collect(),
            plastic: self.plastic.iter().map(|plastic| plastic.as_ref().map(Plastic::known)).collect(),
            past: self.history.past(),
            windows: self.windows.averages(),
        }
    }

    /// Returns what this process alone knows of it.
    pub fn share(&self) -> Share {
        Share {
            populations: self.pops.iter().map(|pop| Lanes::of(pop, &self.options.ranks)).collect(),
            plastic: self.plastic.iter().map(|plastic| plastic.as_ref().map(Plastic::owned)).collect(),
        }
    }

    /// Goes on from a state of a simulation of the same plan; false if the state is of another one.
    pub fn restore(&mut self, from: &Remembered) -> bool {
        let fits = self.restore_known(from)
            && self.pops.iter_mut().zip(&from.populations).all(|(pop, cells)| {
                pop.rings_mut().for_each(Ring::use_all);
                Raw::restore_all(&cells.rings, pop.rings_mut().map(|ring| &mut ring.buffer))
                    && pop.set_step_sizes(&cells.adaptive)
            })
            && self.plastic.iter_mut().zip(&self.network.projections).zip(&from.plastic).all(|((plastic, p), from)| {
                plastic.as_mut().zip(from.as_ref()).is_none_or(|(plastic, from)| plastic.set_synapses(p, from))
            });
        if fits {
            self.restored();
        }
        fits
    }

    /// Begins to go on from what every process knew of a state of a simulation of the same plan; false if it is of another one.
    pub fn restore_known(&mut self, from: &Remembered) -> bool {
        self.step = from.step;
        self.sums.get_mut().forget();
        self.refresh();
        let sizes = from.populations.len() == self.pops.len()
            && from.projections.len() == self.projections.len()
            && from.plastic.len() == self.plastic.len();
        sizes
            && self.pops.iter_mut().zip(&from.populations).all(|(p, cells)| p.set_cells(cells))
            && self.projections.iter_mut().zip(&from.projections).all(|(p, sources)| p.set_sources(sources))
            && self.plastic.iter_mut().zip(&from.plastic).all(|(plastic, from)| match (plastic, from) {
                (Some(plastic), Some(from)) => plastic.set_known(from),
                (None, None) => true,
                _ => false,
            })
            && self.history.set_past(&from.past)
            && self.windows.set_averages(&from.windows)
    }

    /// Returns whether any cell of this process was one of another process when there were perhaps others.
    pub fn has_cells_of(&self, (rank, count): Process) -> bool {
        let ranks = Ranks::planned(rank, count);
        self.pops.iter().any(|pop| {
            let (own, theirs) = (self.options.ranks.own(pop.lanes), ranks.own(pop.lanes));
            own.start < theirs.end && theirs.start < own.end
        })
    }

    /// Goes on from what one of the processes alone knew; says of how many synapses here, and nothing if it does not fit.
    pub fn restore_share(&mut self, from: &Share, process: Process) -> Option<usize> {
        let theirs = Ranks::planned(process.0, process.1);
        let fits = from.populations.len() == self.pops.len()
            && from.plastic.len() == self.plastic.len()
            && self.pops.iter_mut().zip(&from.populations).all(|(pop, lanes)| lanes.restore(pop, &theirs));
        let mut synapses = 0;
        for (plastic, from) in self.plastic.iter_mut().zip(&from.plastic).filter(|_| fits) {
            synapses += match (plastic, from) {
                (Some(plastic), Some(from)) => plastic.set_owned(from)?,
                (None, None) => 0,
                _ => return None,
            };
        }
        fits.then_some(synapses)
    }

    /// Goes on when all shares have been put back, which must have had so many synapses of this process.
    pub fn restore_rest(&mut self, synapses: usize) -> bool {
        let fits = synapses == self.own_synapses();
        if fits {
            self.restored();
        }
        fits
    }

    /// Returns how many synapses that learn are this process's.
    pub(super) fn own_synapses(&self) -> usize {
        self.plastic.iter().flatten().map(Plastic::own).sum()
    }

    /// Becomes what another process, which runs it, tells of it; false if it is of another plan.
    pub(super) fn become_known(&mut self, from: &Remembered) -> bool {
        self.windows.beginning.clear();
        self.restore_known(from)
    }

    /// Lets what follows from a state follow from the one that was put back.
    pub(super) fn restored(&mut self) {
        self.windows.beginning.clear();
        (0..self.network.projections.len()).for_each(|k| self.follow_weights(k));
        self.deliveries.draw_again(&self.network, &self.projections, &self.history);
    }
}
