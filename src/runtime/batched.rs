//! A network with events that sees several examples side by side: each has its own cells, events and synapses under way, all have the
//! same parameters and weights.
//!
//! Nothing crosses examples, so each is a simulation of its own, and threads share them out; one thread runs all steps of an example.
//! Several processes have a range of the examples each. The others' are there as well, with everything but the rows of synapses: what they
//! remember is told when a run has ended, so that every process reads, assigns and signals as one would.

use super::exchange::{Process, Ranks};
use super::failure::Failure;
use super::options::Options;
use super::simulation::{Observer, Simulation, Unwatched, Work};
use super::snapshot::{Remembered, Share};
use super::time::TimeFunction;
use crate::hir::VarId;
use crate::plan::{Column, Given, Network, Population};
use crate::rng::{Stream, derived_seed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
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
    ranks: Ranks,
    /// What the other processes have done.
    elsewhere: Work,
}

/// What an example remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    state: Remembered,
    /// By population: what examples may differ in of their plans.
    plans: Vec<Own>,
}

impl Example {
    fn of(s: &Simulation, state: Remembered) -> Example {
        Example { state, plans: s.network.populations.iter().map(Own::of).collect() }
    }
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
        let ranks = options.ranks.clone();
        let own = ranks.rows(size);
        let side_by_side = options.threads.min(own.len()).max(1);
        let one = |k: usize, built: &dyn Fn(usize, usize)| {
            let seed = if k == 0 { options.seed } else { derived_seed(options.seed, k as u32, EXAMPLES) };
            let options = Options { threads: 1, seed, side_by_side, ranks: Ranks::default(), ..options.clone() };
            let mut s = Simulation::new(network.clone(), rates.clone(), options, built);
            if !own.contains(&k) {
                s.leave_to_another();
            }
            s
        };
        let mut of = vec![one(0, built)];
        of.extend(crate::parallel::map(size - 1, |k| one(k + 1, &|_, _| ())));
        Batched { of, active: size, threads: options.threads, ranks, elsewhere: Work::default() }
    }

    /// Returns which examples are this process's.
    fn own(&self) -> Range<usize> {
        self.ranks.rows(self.of.len())
    }

    /// Returns the options of the run.
    pub fn options(&self) -> Options {
        Options { threads: self.threads, ranks: self.ranks.clone(), ..self.first().options().clone() }
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
        let own = self.own();
        let most = self.of[own].iter_mut().try_fold(0.0, |most: f64, s| Ok(most.max(s.advance()?)));
        if !self.ranks.are_several() {
            return most;
        }
        let all = self.ranks.tell(&most);
        self.hear_others();
        all.into_iter().try_fold(0.0, |most: f64, of| Ok(most.max(of?)))
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
        let ended = self.run_in_parts(target, observer);
        self.hear_others();
        ended
    }

    fn run_in_parts(&mut self, target: u64, observer: &mut dyn Observer) -> Result<(), Stopped> {
        let mut begin = self.first().step();
        while begin < target {
            // So the observer knows how far the run is.
            observer.next_stop(begin);
            if self.ranks.any(observer.interrupted()) {
                return Err((Failure::Interrupted, None));
            }
            let end = target.min(begin + PART);
            let mut failed = self.run_part(end);
            if self.ranks.are_several() {
                failed = self.ranks.tell(&failed).into_iter().flatten().next();
            }
            if let Some((f, k)) = failed {
                return Err((f, Some(k)));
            }
            begin = end;
        }
        Ok(())
    }

    /// Runs this process's examples; returns the failure of the first one that has one.
    fn run_part(&mut self, target: u64) -> Option<(Failure, usize)> {
        let own = self.own();
        let threads = self.threads.min(own.len());
        let first = own.start;
        let queue = Mutex::new(self.of[own].iter_mut().enumerate());
        let next = || queue.lock().ok()?.next();
        let work = || {
            let mut failed: Option<(Failure, usize)> = None;
            while let Some((k, s)) = next() {
                if let Err(f) = s.run_until(target, &mut Unwatched) {
                    failed.get_or_insert((f, first + k));
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
        failed.into_iter().flatten().min_by_key(|(_, k)| *k)
    }

    /// Lets all processes know what each other's examples remember, and how much has been done.
    fn hear_others(&mut self) {
        if !self.ranks.are_several() {
            return;
        }
        let own = self.own();
        let known: Vec<Remembered> = self.of[own.clone()].iter().map(Simulation::known).collect();
        let all = self.ranks.tell(&(known, self.done(own)));
        self.elsewhere = Work::default();
        for (rank, (known, done)) in all.iter().enumerate().filter(|(rank, _)| *rank != self.ranks.rank()) {
            self.elsewhere.add(Work::default(), *done);
            let theirs = self.of_process((rank, self.ranks.count()));
            if !self.of[theirs].iter_mut().zip(known).all(|(s, known)| s.become_known(known)) {
                crate::ice!("another process tells of another network");
            }
        }
    }

    /// How much some examples have done.
    fn done(&self, examples: Range<usize>) -> Work {
        let mut sum = Work::default();
        self.of[examples].iter().for_each(|s| sum.add(Work::default(), s.work()));
        sum
    }

    /// Returns the examples of a process.
    fn of_process(&self, (rank, count): Process) -> Range<usize> {
        Ranks::planned(rank, count).rows(self.of.len())
    }

    /// Returns how much has been done, by all examples.
    pub fn work(&self) -> Work {
        let mut sum = self.done(self.own());
        sum.add(Work::default(), self.elsewhere);
        sum
    }

    /// Returns the bytes that synapses take.
    pub fn synapse_bytes(&self) -> usize {
        self.of.iter().map(Simulation::synapse_bytes).sum()
    }

    /// Returns the state of each example at the present step boundary.
    pub fn snapshot(&self) -> Vec<Example> {
        let own = self.of[self.own()].iter().map(|s| Example::of(s, s.snapshot())).collect::<Vec<_>>();
        if self.ranks.are_several() { self.ranks.tell(&own).concat() } else { own }
    }

    /// Returns what every process knows of the state of each example.
    pub fn known(&self) -> Vec<Example> {
        self.of.iter().map(|s| Example::of(s, s.known())).collect()
    }

    /// Returns what this process alone knows, of its examples.
    pub fn shares(&self) -> Vec<Share> {
        self.of[self.own()].iter().map(Simulation::share).collect()
    }

    /// Returns whether a process had an example of which this process has to know everything.
    pub fn has_examples_of(&self, process: Process) -> bool {
        self.of_process(process).any(|k| self.is_whole(k))
    }

    /// Returns whether this process has to know everything of an example: of its own, and of the first, which has what all have in common.
    fn is_whole(&self, k: usize) -> bool {
        k == 0 || self.own().contains(&k)
    }

    /// Goes on from what one of the processes alone knew; says of how many synapses here, and nothing if it does not fit.
    pub fn restore_shares(&mut self, from: &[Share], process: Process) -> Option<usize> {
        let theirs = self.of_process(process);
        if from.len() != theirs.len() {
            return None;
        }
        let here: Vec<(usize, &Share)> = theirs.zip(from).filter(|(k, _)| self.is_whole(*k)).collect();
        here.into_iter().map(|(k, share)| self.of[k].restore_share(share, (0, 1))).sum()
    }

    /// Goes on when all shares have been put back, which must have had so many synapses of this process.
    pub fn restore_rest(&mut self, synapses: usize) -> bool {
        let whole = self.of.iter().enumerate().filter(|(k, _)| self.is_whole(*k));
        let fits = synapses == whole.map(|(_, s)| s.own_synapses()).sum::<usize>();
        if fits {
            self.each(Simulation::restored);
        }
        fits
    }

    /// Goes on from states of a network of the same plan; false if they are of another one.
    pub fn restore(&mut self, from: &[Example]) -> bool {
        self.restore_by(from, Simulation::restore)
    }

    /// Begins to go on from what every process knew of states; false if they are of another network.
    pub fn restore_known(&mut self, from: &[Example]) -> bool {
        self.restore_by(from, Simulation::restore_known)
    }

    fn restore_by(&mut self, from: &[Example], restore: fn(&mut Simulation, &Remembered) -> bool) -> bool {
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
            restore(s, state)
        })
    }
}
