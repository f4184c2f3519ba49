//! Where the time of a run goes, if that is asked for.
//!
//! A [`Stopwatch`] reads the time between one part of the work and the next, and adds it to the part that has just been done. Threads that work side by
//! side have clocks of their own, each of which counts for its share, so that the sum over all parts is wall time. Without a [`Profile`] a
//! clock does nothing.

use crate::hir::VarId;
use crate::plan::Network;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// A part of the work of a network, by the places of what it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The kernel that moves the cells of a population by a step, with its random numbers.
    Step(usize),
    /// The cables and adaptive schemes of all populations.
    Cables,
    /// Events from outside for a population.
    Drives(usize),
    /// Finding the events of all populations, and keeping them as long as they are on their way.
    Events,
    /// Events that arrive at a port along synapses that do not learn.
    Arriving(usize, VarId),
    /// Synapses of a projection that learn: equations and handlers of their own.
    Learning(usize),
    /// Handlers of a projection that learns, at events that arrive, with what they deliver.
    Arrivals(usize),
    /// Handlers of a projection that learns, at events of its targets.
    Responses(usize),
    /// Continuous contributions to all ports, and functions of time.
    Inputs,
    /// A value of a network without events, by its place.
    Value(usize),
    /// The rule of a projection at a signal.
    Rule(usize),
    /// What the cells of a population do at a signal.
    Hears(usize),
    /// Threads that have done their share, and wait for others.
    Waiting,
    /// Recording, and what else is done between steps.
    Between,
}

/// What a part has taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    /// Seconds of wall time.
    pub seconds: f64,
    /// How often.
    pub times: u64,
}

/// What all parts have taken so far.
#[derive(Debug, Default)]
pub struct Profile {
    parts: Mutex<BTreeMap<Part, Spent>>,
}

impl Profile {
    /// Returns what all parts have taken.
    pub fn parts(&self) -> Vec<(Part, Spent)> {
        self.parts.lock().map(|parts| parts.iter().map(|(part, spent)| (*part, *spent)).collect()).unwrap_or_default()
    }
}

/// A part of the work in words.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Row {
    /// What it belongs to: a population, a projection, a port, a value.
    pub of: String,
    /// What was done.
    pub what: &'static str,
    /// Seconds of wall time.
    pub seconds: f64,
    /// How often it was done, by all threads.
    pub times: u64,
}

impl Profile {
    /// Puts what all parts have taken into words, what took longest first; `value` names a value of a network without events.
    pub fn rows(&self, network: &Network, value: &dyn Fn(usize) -> String) -> Vec<Row> {
        let population = |p: usize| network.populations[p].name.clone();
        let projection = |k: usize| network.projections[k].name.clone();
        let named = |part: Part| match part {
            Part::Step(p) => (population(p), "kernel of a step"),
            Part::Hears(p) => (population(p), "handlers of signals"),
            Part::Drives(p) => (population(p), "events from drives"),
            Part::Arriving(p, port) => {
                let model = &network.populations[p].model;
                (format!("{}.{}", population(p), model.vars[port].name), "events along synapses that do not learn")
            }
            Part::Learning(k) => (projection(k), "equations and signals of synapses"),
            Part::Arrivals(k) => (projection(k), "handlers of arriving events"),
            Part::Responses(k) => (projection(k), "handlers of events of the targets"),
            Part::Rule(k) => (projection(k), "handlers of signals"),
            Part::Value(place) => (value(place), "computing a value"),
            Part::Cables => (String::new(), "cables and adaptive schemes"),
            Part::Events => (String::new(), "collecting events and delaying them"),
            Part::Inputs => (String::new(), "continuous contributions and functions of time"),
            Part::Waiting => (String::new(), "threads that wait for others"),
            Part::Between => (String::new(), "recording, and passing from step to step"),
        };
        let row = |(part, spent): (Part, Spent)| {
            let (of, what) = named(part);
            Row { of, what, seconds: spent.seconds, times: spent.times }
        };
        Row::joined(self.parts().into_iter().map(row).collect())
    }
}

impl Row {
    /// Adds up what has the same name, and puts what took longest first.
    pub fn joined(rows: Vec<Row>) -> Vec<Row> {
        let mut out: Vec<Row> = Vec::new();
        for new in rows {
            match out.iter_mut().find(|r| (&r.of, r.what) == (&new.of, new.what)) {
                Some(same) => {
                    same.seconds += new.seconds;
                    same.times += new.times;
                }
                None => out.push(new),
            }
        }
        out.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        out
    }
}

/// Reads the time for a profile, if there is one.
pub struct Stopwatch {
    profile: Option<Arc<Profile>>,
    last: Option<Instant>,
    /// What a second counts for.
    share: f64,
    own: Vec<(Part, Spent)>,
}

impl Stopwatch {
    /// A stopwatch that begins now, of one of so many that count side by side.
    pub fn new(profile: Option<Arc<Profile>>, side_by_side: usize) -> Stopwatch {
        let last = profile.as_ref().map(|_| Instant::now());
        Stopwatch { profile, last, share: 1.0 / side_by_side as f64, own: Vec::new() }
    }

    /// Returns the seconds of all parts so far, as they count.
    pub fn seconds(&self) -> f64 {
        self.own.iter().map(|(_, spent)| spent.seconds).sum()
    }

    /// What has passed was for this part, but for some seconds that belong to others.
    pub fn was_beside(&mut self, part: Part, others: f64) {
        self.was(part);
        if let Some((_, spent)) = self.own.iter_mut().find(|(p, _)| *p == part) {
            spent.seconds = (spent.seconds - others).max(0.0);
        }
    }

    /// Begins anew: what has passed belongs to no part.
    pub fn again(&mut self) {
        self.last = self.profile.as_ref().map(|_| Instant::now());
    }

    /// What has passed was for this part.
    pub fn was(&mut self, part: Part) {
        let Some(last) = self.last else { return };
        let now = Instant::now();
        let seconds = self.share * (now - last).as_secs_f64();
        match self.own.iter_mut().find(|(p, _)| *p == part) {
            Some((_, spent)) => {
                spent.seconds += seconds;
                spent.times += 1;
            }
            None => self.own.push((part, Spent { seconds, times: 1 })),
        }
        self.last = Some(now);
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        let Some(Ok(mut parts)) = self.profile.as_ref().map(|p| p.parts.lock()) else { return };
        for (part, own) in self.own.drain(..) {
            let spent = parts.entry(part).or_default();
            spent.seconds += own.seconds;
            spent.times += own.times;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, Profile, Stopwatch};
    use std::sync::Arc;

    #[test]
    fn clocks_of_several_threads_add_up() {
        let profile = Arc::new(Profile::default());
        std::thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    let mut watch = Stopwatch::new(Some(profile.clone()), 3);
                    (0..5).for_each(|_| watch.was(Part::Step(1)));
                    watch.was(Part::Inputs);
                });
            }
        });
        let times: Vec<(Part, u64)> = profile.parts().into_iter().map(|(part, spent)| (part, spent.times)).collect();
        assert_eq!(times, [(Part::Step(1), 15), (Part::Inputs, 3)]);
        Stopwatch::new(None, 1).was(Part::Events);
    }
}
