//! A network that runs: with events, perhaps for several examples side by side, or without.

use super::asked::{Answer, asked};
use super::batched::{Batched, Example, Stopped};
use super::exchange::Process;
use super::failure::Failure;
use super::options::Options;
use super::profile::Row;
use super::rate::{Memory, RateNetwork, Rows};
use super::simulation::{Simulation, Work};
use super::snapshot::{Remembered, Share};
use super::time::{PortFunction, TimeFunction};
use super::windows::TooShort;
use crate::hir::VarId;
use crate::image::Listing;
use crate::plan::{Column, Network};
use crate::rng::Stream;
use serde::{Deserialize, Serialize};

/// A running network.
pub enum Running {
    /// With events, delays and time steps.
    Events(Box<Simulation>),
    /// The same, for several examples at once.
    Batched(Box<Batched>),
    /// Without events: values that follow from one another, perhaps for several examples at once.
    Rates(Box<RateNetwork>),
}

/// The state of a running network at a step boundary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Snapshot {
    /// With events.
    Events(Box<Remembered>),
    /// The same, of each example.
    Batched(Vec<Example>),
    /// Without.
    Rates(Box<Memory>),
}

impl Running {
    /// Allocates and compiles a network; `rates` are the time functions of drives. `built` hears of how many synapses it is made so far, of
    /// all.
    pub fn new(network: Network, rates: Vec<TimeFunction>, options: Options, built: &dyn Fn(usize, usize)) -> Running {
        if network.is_without_events() {
            return Running::Rates(Box::new(RateNetwork::new(network, options)));
        }
        match network.batch {
            Some(batch) => Running::Batched(Box::new(Batched::new(network, rates, options, batch.size, built))),
            None => Running::Events(Box::new(Simulation::new(network, rates, options, built))),
        }
    }

    /// Returns what runs; parameters in it are current. Examples that run side by side have all but values of ports in common.
    pub fn network(&self) -> &Network {
        match self {
            Running::Events(s) => &s.network,
            Running::Batched(s) => &s.first().network,
            Running::Rates(s) => &s.network,
        }
    }

    /// Returns what runs.
    pub fn network_mut(&mut self) -> &mut Network {
        match self {
            Running::Events(s) => &mut s.network,
            Running::Batched(s) => &mut s.first_mut().network,
            Running::Rates(s) => &mut s.network,
        }
    }

    /// Returns the simulations of examples that are shown something; without a batch, there is one. None if there are no events.
    pub fn simulations(&self) -> &[Simulation] {
        match self {
            Running::Events(s) => std::slice::from_ref(&**s),
            Running::Batched(s) => s.active(),
            Running::Rates(_) => &[],
        }
    }

    /// Returns where the time went so far, if that was asked for.
    pub fn profile(&self) -> Vec<Row> {
        let Some(profile) = self.options().profile else { return Vec::new() };
        let value = |place: usize| self.rates().map_or(String::new(), |s| s.name_of_value(place));
        profile.rows(self.network(), &value)
    }

    /// Returns how many examples are shown something.
    pub fn active(&self) -> usize {
        match self {
            Running::Events(_) => 1,
            Running::Batched(s) => s.active().len(),
            Running::Rates(s) => s.active(),
        }
    }

    /// Returns the network without events.
    pub fn rates(&self) -> Option<&RateNetwork> {
        match self {
            Running::Events(_) | Running::Batched(_) => None,
            Running::Rates(s) => Some(s),
        }
    }

    /// Returns the network without events.
    pub fn rates_mut(&mut self) -> Option<&mut RateNetwork> {
        match self {
            Running::Events(_) | Running::Batched(_) => None,
            Running::Rates(s) => Some(s),
        }
    }

    /// Returns the options of the run.
    pub fn options(&self) -> Options {
        match self {
            Running::Events(s) => s.options().clone(),
            Running::Batched(s) => s.options(),
            Running::Rates(s) => s.options(),
        }
    }

    /// Returns the number of steps done.
    pub fn step(&self) -> u64 {
        match self {
            Running::Events(s) => s.step(),
            Running::Batched(s) => s.first().step(),
            Running::Rates(s) => s.step(),
        }
    }

    /// Advances a network without events by one step, whatever runs it; returns the largest change of a state, or nothing if the network
    /// has events.
    pub fn settle(&mut self) -> Option<Result<f64, Failure>> {
        match self {
            Running::Rates(s) => Some(s.advance()),
            Running::Events(s) if s.network.has_no_events() => Some(s.advance()),
            Running::Batched(s) if s.first().network.has_no_events() => Some(s.advance()),
            Running::Events(_) | Running::Batched(_) => None,
        }
    }

    /// Begins a window of a name.
    pub fn begin_window(&mut self, name: &str) {
        match self {
            Running::Events(s) => s.begin_window(name),
            Running::Batched(s) => s.each(|s| s.begin_window(name)),
            Running::Rates(s) => s.begin_window(name),
        }
    }

    /// Ends a window of a name: what is taken of it is known from now on.
    ///
    /// # Errors
    /// A mean over more steps than the window had.
    pub fn end_window(&mut self, name: &str) -> Result<(), TooShort> {
        match self {
            Running::Events(s) => s.end_window(name),
            Running::Batched(s) => s.try_each(|s| s.end_window(name)),
            Running::Rates(s) => s.end_window(name),
        }
    }

    /// Returns how much has been done.
    pub fn work(&self) -> Work {
        match self {
            Running::Events(s) => s.work(),
            Running::Batched(s) => s.work(),
            Running::Rates(s) => s.work(),
        }
    }

    /// Returns the time, internal units.
    pub fn time(&self) -> f64 {
        self.step() as f64 * self.options().dt
    }

    /// Returns the bytes that synapses take.
    pub fn synapse_bytes(&self) -> usize {
        match self {
            Running::Events(s) => s.synapse_bytes(),
            Running::Batched(s) => s.synapse_bytes(),
            Running::Rates(s) => s.synapse_bytes(),
        }
    }

    /// Replaces values of a state; of a cable, those of one segment or of all.
    pub fn set_state(
        &mut self,
        population: usize,
        var: VarId,
        cells: std::ops::Range<usize>,
        segment: Option<usize>,
        value: &Column,
    ) {
        match self {
            Running::Events(s) => s.set_state(population, var, cells, segment, value),
            Running::Batched(s) => s.each(|s| s.set_state(population, var, cells.clone(), segment, value)),
            Running::Rates(s) => {
                let rows = Rows { rows: 1, values: (0..cells.len()).map(|i| value.at(i)).collect() };
                s.set(population, var, cells, &rows);
            }
        }
    }

    /// Returns the kernels that run, each as it is made.
    pub fn listings(&self) -> Vec<Listing> {
        match self {
            Running::Events(s) => s.listings(),
            Running::Batched(s) => s.first().listings(),
            Running::Rates(s) => s.listings(),
        }
    }

    /// Lets some cells forget their events; cells of networks without events have none.
    pub fn forget_events(&mut self, population: usize, cells: std::ops::Range<usize>) {
        match self {
            Running::Events(s) => s.forget_events(population, cells),
            Running::Batched(s) => s.each(|s| s.forget_events(population, cells.clone())),
            Running::Rates(_) => {}
        }
    }

    /// Replaces a parameter; what depends on it is compiled anew.
    pub fn set_param(&mut self, population: usize, var: VarId, value: Column) {
        match self {
            Running::Events(s) => s.set_param(population, var, value),
            Running::Batched(s) => s.each(|s| s.set_param(population, var, value.clone())),
            Running::Rates(s) => s.set_param(population, var, value),
        }
    }

    /// Replaces the value of an analog port.
    pub fn set_port(&mut self, population: usize, var: VarId, value: Column) {
        match self {
            Running::Events(s) => s.set_port(population, var, value),
            Running::Batched(s) => s.each(|s| s.set_port(population, var, value.clone())),
            Running::Rates(s) => {
                let n = s.network.populations[population].n;
                let rows = Rows { rows: 1, values: (0..n).map(|i| value.at(i)).collect() };
                s.network.populations[population].ports.insert(var, value);
                s.set(population, var, 0..n, &rows);
            }
        }
    }

    /// Lets an analog port of some cells follow functions of time, instead of those that it followed before.
    pub fn set_port_functions(&mut self, population: usize, var: VarId, functions: Vec<PortFunction>) {
        match self {
            Running::Events(s) => s.set_port_functions(population, var, functions),
            Running::Batched(s) => s.each(|s| s.set_port_functions(population, var, functions.clone())),
            Running::Rates(s) => s.set_port_functions(population, var, functions),
        }
    }

    /// Sends a signal to some projections and populations; where examples run side by side, only to populations.
    ///
    /// What handlers of synapses ask of all synapses of a cell, or draw from `chance`, is found before any of them runs.
    pub fn signal(
        &mut self,
        name: &str,
        projections: &[usize],
        populations: &[usize],
        chance: Option<&Stream>,
    ) -> Result<(), Stopped> {
        if let Running::Batched(s) = self {
            return s.signal(name, populations, chance);
        }
        for (k, variable, answer) in asked(self.network(), &|k, v| self.synapses(k, v), name, projections, chance) {
            self.put(k, variable, answer);
        }
        let heard = match self {
            Running::Events(s) => s.signal(name, projections, populations, chance),
            Running::Rates(s) => s.signal(name, projections, populations),
            Running::Batched(_) => Ok(()),
        };
        heard.map_err(|f| (f, None))
    }

    /// Puts down the answer to what a handler of a signal asks for.
    fn put(&mut self, projection: usize, variable: VarId, answer: Answer) {
        match (self, answer) {
            (Running::Events(s), Answer::Cells(_, values)) => s.set_of_cells(projection, variable, &values),
            (to, answer) => {
                let values = answer.of_synapses(&to.network().projections[projection]);
                to.set_synapses(projection, variable, &values);
            }
        }
    }

    /// Lets weights change, or keeps them.
    pub fn set_learning(&mut self, projection: usize, on: bool) {
        match self {
            Running::Events(s) => s.set_learning(projection, on),
            Running::Batched(s) => s.each(|s| s.set_learning(projection, on)),
            Running::Rates(s) => s.set_learning(projection, on),
        }
    }

    /// Returns the weights of a projection's synapses, or a state of them, in the order of the plan.
    pub fn synapses(&self, projection: usize, variable: VarId) -> Vec<f64> {
        match self {
            Running::Events(s) => s.synapses(projection, variable),
            Running::Batched(s) => s.first().synapses(projection, variable),
            Running::Rates(s) => s.synapses(projection, variable),
        }
    }

    /// Replaces the weights or a state of a projection, one value for all or one per synapse of the plan.
    pub fn set_synapses(&mut self, projection: usize, variable: VarId, value: &Column) {
        match self {
            Running::Events(s) => s.set_synapses(projection, variable, value),
            Running::Batched(s) => s.each(|s| s.set_synapses(projection, variable, value)),
            Running::Rates(s) => s.set_synapses(projection, variable, value),
        }
    }

    /// Replaces a parameter of a projection.
    pub fn set_synapse_param(&mut self, projection: usize, variable: VarId, value: f64) {
        match self {
            Running::Events(s) => s.set_synapse_param(projection, variable, value),
            Running::Batched(s) => s.each(|s| s.set_synapse_param(projection, variable, value)),
            Running::Rates(s) => s.set_synapse_param(projection, variable, value),
        }
    }

    /// Puts into effect what has been given since the last step, so that the state is that of the network as it is, and known to all.
    pub fn put_into_effect(&mut self) {
        match self {
            Running::Events(s) => s.refresh(),
            Running::Batched(s) => s.each(Simulation::refresh),
            Running::Rates(s) => s.complete_synapses(),
        }
    }

    /// Returns the state at the present step boundary.
    pub fn snapshot(&self) -> Snapshot {
        match self {
            Running::Events(s) => Snapshot::Events(Box::new(s.snapshot())),
            Running::Batched(s) => Snapshot::Batched(s.snapshot()),
            Running::Rates(s) => Snapshot::Rates(Box::new(s.memory())),
        }
    }

    /// Returns what every process knows of the state at the present step boundary.
    pub fn known(&self) -> Snapshot {
        match self {
            Running::Events(s) => Snapshot::Events(Box::new(s.known())),
            Running::Batched(s) => Snapshot::Batched(s.known()),
            Running::Rates(_) => self.snapshot(),
        }
    }

    /// Returns what this process alone knows of it: of its cells, or of each of its examples.
    pub fn shares(&self) -> Vec<Share> {
        match self {
            Running::Events(s) => vec![s.share()],
            Running::Batched(s) => s.shares(),
            Running::Rates(_) => Vec::new(),
        }
    }

    /// Goes on from a state of a network of the same plan; false if the state is of another one.
    pub fn restore(&mut self, from: &Snapshot) -> bool {
        match (self, from) {
            (Running::Events(s), Snapshot::Events(from)) => s.restore(from),
            (Running::Batched(s), Snapshot::Batched(from)) => s.restore(from),
            (Running::Rates(s), Snapshot::Rates(from)) => s.restore(from),
            _ => false,
        }
    }

    /// Begins to go on from what every process knew of a state; false if it is of another network.
    pub fn restore_known(&mut self, from: &Snapshot) -> bool {
        match (self, from) {
            (Running::Events(s), Snapshot::Events(from)) => s.restore_known(from),
            (Running::Batched(s), Snapshot::Batched(from)) => s.restore_known(from),
            (running, from) => running.restore(from),
        }
    }

    /// Returns whether a process knew anything alone of what is this process's now.
    pub fn has_any_of(&self, process: Process) -> bool {
        match self {
            Running::Events(s) => s.has_cells_of(process),
            Running::Batched(s) => s.has_examples_of(process),
            Running::Rates(_) => false,
        }
    }

    /// Goes on from what one of the processes alone knew; says of how many synapses here, and nothing if it does not fit.
    pub fn restore_shares(&mut self, from: &[Share], process: Process) -> Option<usize> {
        match (self, from) {
            (Running::Events(s), [from]) => s.restore_share(from, process),
            (Running::Batched(s), from) => s.restore_shares(from, process),
            (Running::Rates(_), []) => Some(0),
            _ => None,
        }
    }

    /// Goes on when all shares have been put back, which must have had so many synapses of this process.
    pub fn restore_rest(&mut self, synapses: usize) -> bool {
        match self {
            Running::Events(s) => s.restore_rest(synapses),
            Running::Batched(s) => s.restore_rest(synapses),
            Running::Rates(_) => synapses == 0,
        }
    }
}
