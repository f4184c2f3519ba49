//! Feeds recordings from a running network.

use super::live::read;
use super::outcome::{Moment, Progress};
use super::record::{Recording, Sampled, What, is_due, next_due};
use crate::hir::{EventId, Expr};
use crate::runtime::{Observer, RateNetwork, Simulation, Spikes};

/// Feeds recordings from a running network.
pub struct Watch<'r> {
    recordings: Vec<&'r mut Recording>,
    progress: &'r dyn Progress,
    course: Course,
    /// Whether the run ends when the user asks for it.
    pub heeds_interrupts: bool,
    calls: std::cell::Cell<u32>,
    at: std::cell::Cell<u64>,
}

/// How the steps of a network move an experiment on.
#[derive(Clone, Copy)]
pub struct Course {
    /// How far it was when they began.
    pub begin: Moment,
    /// The network's step then.
    pub step: u64,
    /// What each step adds to the time of the experiment, ms: networks that run side by side share it.
    pub each: f64,
}

impl<'r> Watch<'r> {
    pub fn new(
        recordings: &'r mut [Recording],
        network: usize,
        course: Course,
        progress: &'r dyn Progress,
    ) -> Watch<'r> {
        let recordings = recordings.iter_mut().filter(|r| r.follows(network)).collect();
        Watch {
            recordings,
            progress,
            course,
            heeds_interrupts: true,
            calls: Default::default(),
            at: Default::default(),
        }
    }
}

impl Watch<'_> {
    /// Sees the states of a network without events.
    pub fn sample_rates(&mut self, s: &RateNetwork) {
        let step = s.step();
        for r in &mut self.recordings {
            let What::Samples { of, every, .. } = &r.what else { continue };
            if is_due(step - r.span.0, *every) && r.is_within(step) {
                let values: Vec<f64> = match of {
                    Sampled::Cells { variable, .. } => {
                        let cover = r.cells.cover();
                        let all = s.values_of(cover.population, *variable, cover.range()).values;
                        r.cells.among(all)
                    }
                    Sampled::Synapses(list) => list.iter().flat_map(|(k, v)| s.synapses(*k, *v)).collect(),
                };
                r.sample(step, values.into_iter());
            }
        }
    }
}

impl Observer for Watch<'_> {
    fn next_stop(&self, step: u64) -> u64 {
        self.at.set(step);
        let next = |r: &Recording| match r.what {
            What::Samples { every, .. } => r.span.0 + next_due(step - r.span.0, every),
            What::Events(_) => u64::MAX,
        };
        self.recordings.iter().map(|r| next(r)).min().unwrap_or(u64::MAX)
    }

    fn sample(&mut self, simulation: &Simulation) {
        let step = simulation.step();
        for r in &mut self.recordings {
            let What::Samples { of, every, .. } = &r.what else { continue };
            if !is_due(step - r.span.0, *every) || !r.is_within(step) {
                continue;
            }
            let (value, segments) = match of {
                Sampled::Cells { value, segments, .. } => (value, segments),
                Sampled::Synapses(list) => {
                    let values: Vec<f64> = list.iter().flat_map(|(k, v)| simulation.synapses(*k, *v)).collect();
                    r.sample(step, values.into_iter());
                    continue;
                }
            };
            let (population, cover) = (r.cells.population, r.cells.cover());
            let (state, all) = match value {
                Expr::Var(v) => match simulation.reader(population, *v) {
                    Some(state) => (Some(state), None),
                    None => (None, simulation.values(population, *v, cover.range())),
                },
                _ => (None, None),
            };
            let places = || r.cells.iter().flat_map(|c| segments.clone().map(move |s| (c, s)));
            let values: Vec<f64> = match (state, all) {
                (Some(state), _) => places().map(|(c, s)| state(c, s)).collect(),
                (None, Some(all)) => r.cells.among(all),
                (None, None) => {
                    let plan = &simulation.network.populations[population];
                    let at = |(c, s)| match read(Some(simulation), plan, population, value, c, s) {
                        Some(v) => v,
                        None => crate::ice!("a recorded value that cannot be computed"),
                    };
                    places().map(at).collect()
                }
            };
            r.sample(step, values.into_iter());
        }
    }

    fn samples(&self, population: usize) -> bool {
        self.recordings.iter().any(|r| matches!(r.what, What::Samples { .. }) && r.cells.population == population)
    }

    fn events(&mut self, population: usize, event: EventId, spikes: &Spikes, step: u64) {
        for r in &mut self.recordings {
            if r.cells.population != population || !matches!(r.what, What::Events(e) if e == event) {
                continue;
            }
            for s in 0..spikes.start.len() - 1 {
                for cell in &spikes.cells[spikes.start[s] as usize..spikes.start[s + 1] as usize] {
                    r.event(step + s as u64, *cell);
                }
            }
        }
    }

    fn interrupted(&self) -> bool {
        let calls = self.calls.get();
        self.calls.set(calls.wrapping_add(1));
        if calls.is_multiple_of(64) {
            let passed = self.at.get().saturating_sub(self.course.step) as f64 * self.course.each;
            let begin = self.course.begin;
            self.progress.update(&Moment { simulated: begin.simulated + passed, ..begin });
        }
        self.heeds_interrupts && self.progress.interrupted().is_some()
            || self.recordings.iter().any(|r| r.spool.failed.is_some())
    }
}
