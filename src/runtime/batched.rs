//! A network with events that sees several examples side by side: each has its own cells, events and synapses under way, all have the
//! same parameters and weights.
//!
//! Nothing crosses examples, so each is a simulation of its own, and threads share them out; one thread runs all steps of an example.

use super::failure::Failure;
use super::options::Options;
use super::simulation::{Observer, Simulation, Unwatched, Work};
use super::snapshot::Remembered;
use super::time::TimeFunction;
use crate::hir::VarId;
use crate::plan::{Column, Given, Network, Population};
use crate::rng::{Stream, derived_seed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Tells the random numbers of examples apart.
const EXAMPLES: u32 = 0x6578_616d;

/// Steps between two looks at whether the run should stop.
const PART: u64 = 1000;

/// Simulations of a network, one for each example.
pub struct Batched {
    /// By example; at least one.
    of: Vec<Simulation>,
    /// How many of them are shown something.
    active: usize,
    threads: usize,
}

/// What an example remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    state: Remembered,
    /// By population: what examples may differ in of their plans.
    plans: Vec<Own>,
}

/// What an example has of a population's plan for itself: where states begin, values of analog ports, and what was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Own {
    init: BTreeMap<VarId, Column>,
    along: Vec<((VarId, usize), Column)>,
    ports: BTreeMap<VarId, Column>,
    given: BTreeMap<VarId, Given>,
}

impl Own {
    fn of(p: &Population) -> Own {
        let along = p.along.iter().map(|(k, c)| (*k, c.clone())).collect();
        Own { init: p.init.clone(), along, ports: p.ports.clone(), given: p.given.clone() }
    }

    /// Whether it can be that of a population.
    fn fits(&self, p: &Population) -> bool {
        let column = |c: &Column| c.listed().is_none_or(|n| n == p.n);
        let known = |(v, c): (&VarId, &Column)| p.model.vars.is_valid(*v) && column(c);
        self.init.iter().all(known)
            && self.along.iter().all(|((v, _), c)| known((v, c)))
            && self.ports.iter().all(|(v, c)| p.ports.contains_key(v) && column(c))
            && self.given.values().all(|g| !matches!(g, Given::Cells(cells) if cells.len() != p.n))
    }
}

/// Why a run stopped, and in which example, if it was in one.
pub type Stopped = (Failure, Option<usize>);

impl Batched {
    /// Allocates and compiles a network for so many examples; the random numbers of the first are those of the network by itself.
    pub fn new(
        mut network: Network,
        rates: Vec<TimeFunction>,
        options: Options,
        size: usize,
        built: &dyn Fn(usize, usize),
    ) -> Batched {
        // What is drawn is drawn once for all.
        for p in network.projections.iter_mut().filter(|p| p.stored) {
            p.pairs.list_drawn();
            p.weight.write(p.pairs.len());
        }
        let side_by_side = options.threads.min(size).max(1);
        let one = |k: usize, built: &dyn Fn(usize, usize)| {
            let seed = if k == 0 { options.seed } else { derived_seed(options.seed, k as u32, EXAMPLES) };
            let options = Options { threads: 1, seed, side_by_side, ..options.clone() };
            Simulation::new(network.clone(), rates.clone(), options, built)
        };
        let mut of = vec![one(0, built)];
        of.extend(crate::parallel::map(size - 1, |k| one(k + 1, &|_, _| ())));
        Batched { of, active: size, threads: options.threads }
    }

    /// Returns the first example: what it has in common with the others is what all have.
    pub fn first(&self) -> &Simulation {
        &self.of[0]
    }

    /// Returns the first example; what all have in common must be changed in each.
    pub fn first_mut(&mut self) -> &mut Simulation {
        &mut self.of[0]
    }

    /// Returns the examples that are shown something.
    pub fn active(&self) -> &[Simulation] {
        &self.of[..self.active]
    }

    /// Lets the first ones be shown something; the others go on beside them, and nobody looks at them.
    pub fn set_active(&mut self, active: usize) {
        self.active = active.min(self.of.len());
    }

    /// Does the same to each example.
    pub fn each(&mut self, change: impl FnMut(&mut Simulation)) {
        self.of.iter_mut().for_each(change);
    }

    /// Does the same to each example, until it cannot be done.
    pub fn try_each<E>(&mut self, change: impl FnMut(&mut Simulation) -> Result<(), E>) -> Result<(), E> {
        self.of.iter_mut().try_for_each(change)
    }

    /// Advances all examples by one step; returns the largest change of a state.
    ///
    /// # Errors
    /// The first failure.
    pub fn advance(&mut self) -> Result<f64, Failure> {
        self.of.iter_mut().try_fold(0.0, |most: f64, s| Ok(most.max(s.advance()?)))
    }

    /// Sends a signal to some populations of each example.
    ///
    /// # Errors
    /// The first failure, and the example.
    pub fn signal(&mut self, name: &str, populations: &[usize], chance: Option<&Stream>) -> Result<(), Stopped> {
        for (k, s) in self.of.iter_mut().enumerate() {
            let own = chance.map(|c| if k == 0 { *c } else { c.derived(k as u32, EXAMPLES) });
            s.signal(name, &[], populations, own.as_ref()).map_err(|f| (f, Some(k)))?;
        }
        Ok(())
    }

    /// Runs all examples until a step boundary; what watches hears between parts of the run only whether it shall stop.
    ///
    /// # Errors
    /// The failure of the first example that has one, or that the observer asked to stop: then all are at the same boundary.
    pub fn run_until(&mut self, target: u64, observer: &mut dyn Observer) -> Result<(), Stopped> {
        while self.first().step() < target {
            let begin = self.first().step();
            // So the observer knows how far the run is.
            observer.next_stop(begin);
            if observer.interrupted() {
                return Err((Failure::Interrupted, None));
            }
            self.run_part(target.min(begin + PART))?;
        }
        Ok(())
    }

    fn run_part(&mut self, target: u64) -> Result<(), Stopped> {
        let threads = self.threads.min(self.of.len());
        let queue = Mutex::new(self.of.iter_mut().enumerate());
        let next = || queue.lock().ok()?.next();
        let work = || {
            let mut failed: Option<(Failure, usize)> = None;
            while let Some((k, s)) = next() {
                if let Err(f) = s.run_until(target, &mut Unwatched) {
                    failed.get_or_insert((f, k));
                }
            }
            failed
        };
        let failed: Vec<Option<(Failure, usize)>> = std::thread::scope(|scope| {
            // Where the system gives fewer threads, these do all the work.
            let more = |_| std::thread::Builder::new().spawn_scoped(scope, work).ok();
            let others: Vec<_> = (1..threads).map_while(more).collect();
            let own = work();
            let others = others.into_iter().map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            std::iter::once(own).chain(others).collect()
        });
        match failed.into_iter().flatten().min_by_key(|(_, k)| *k) {
            Some((f, k)) => Err((f, Some(k))),
            None => Ok(()),
        }
    }

    /// Returns how much has been done, by all examples.
    pub fn work(&self) -> Work {
        let mut sum = Work::default();
        self.of.iter().for_each(|s| sum.add(Work::default(), s.work()));
        sum
    }

    /// Returns the bytes that synapses take.
    pub fn synapse_bytes(&self) -> usize {
        self.of.iter().map(Simulation::synapse_bytes).sum()
    }

    /// Returns the state of each example at the present step boundary.
    pub fn snapshot(&self) -> Vec<Example> {
        let plans = |s: &Simulation| s.network.populations.iter().map(Own::of).collect();
        self.of.iter().map(|s| Example { state: s.snapshot(), plans: plans(s) }).collect()
    }

    /// Goes on from states of a network of the same plan; false if they are of another one.
    pub fn restore(&mut self, from: &[Example]) -> bool {
        let fits = |(s, from): (&Simulation, &Example)| {
            let populations = &s.network.populations;
            from.plans.len() == populations.len() && from.plans.iter().zip(populations).all(|(own, p)| own.fits(p))
        };
        if from.len() != self.of.len() || !self.of.iter().zip(from).all(fits) {
            return false;
        }
        self.of.iter_mut().zip(from).all(|(s, Example { state, plans })| {
            for (k, own) in plans.iter().enumerate() {
                for (port, column) in &own.ports {
                    if s.network.populations[k].ports.get(port) != Some(column) {
                        s.restore_port(k, *port, column.clone());
                    }
                }
                let p = &mut s.network.populations[k];
                (p.init, p.given) = (own.init.clone(), own.given.clone());
                p.along = own.along.iter().cloned().collect();
                p.settled = false;
            }
            s.restore(state)
        })
    }
}
