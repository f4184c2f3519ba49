//! What a running network tells those of the other processes: events after every level of a pass, and at its end what others read of
//! the cells.

use super::exchange::{Array, Met, Others};
use super::failure::Failure;
use super::simulation::Simulation;
use super::spikes::Spikes;
use serde::{Deserialize, Serialize};

/// What a process tells the others after a level of a pass.
#[derive(Serialize, Deserialize)]
struct Told {
    met: Option<Met>,
    asked: bool,
    /// By population of the level and event: how many in each step, and their cells.
    events: Vec<(Vec<u32>, Vec<u32>)>,
}

impl Simulation {
    /// Stops a process that is alone; with others, it goes on until they hear of it.
    pub(super) fn meets(&mut self, met: Met) -> Result<(), Failure> {
        if !self.options.ranks.are_several() {
            return Err(met.failure);
        }
        self.others.note(met);
        Ok(())
    }

    /// Lets all processes know of the events of a level in the `m` steps of a pass, and of what stopped any of them.
    pub(super) fn share_events(&mut self, level: &[usize], m: usize) -> Result<(), Failure> {
        if !self.options.ranks.are_several() {
            return Ok(());
        }
        let mine = level.iter().flat_map(|p| &self.pops[*p].spikes).map(|s| {
            let counts = s.start.windows(2).map(|w| w[1] - w[0]).collect();
            (counts, s.cells.clone())
        });
        let told = Told { met: self.others.met.take(), asked: self.others.asked, events: mine.collect() };
        let all = self.options.ranks.tell(&told);
        self.others.ends |= all.iter().any(|told| told.asked);
        if let Some(first) = all.iter().filter_map(|told| told.met.as_ref()).min_by_key(|met| met.place) {
            return Err(first.failure.clone());
        }
        let mut of_events = 0;
        for p in level {
            for spikes in &mut self.pops[*p].spikes {
                let lists: Vec<&(Vec<u32>, Vec<u32>)> = all.iter().map(|told| &told.events[of_events]).collect();
                *spikes = joined(&lists, m);
                of_events += 1;
            }
        }
        Ok(())
    }

    /// Lets all processes know what they read of the cells at every step.
    pub(super) fn share_states(&mut self) {
        self.complete(&|others, population| others.read.contains(&population));
    }

    /// Gives all processes the states of populations that they do not read at every step.
    pub(super) fn complete_others(&mut self, of: &dyn Fn(usize) -> bool) {
        self.complete(&|others, population| !others.read.contains(&population) && of(population));
    }

    /// Gives all processes the states of some populations as they are.
    fn complete(&mut self, of: &dyn Fn(&Others, usize) -> bool) {
        let Simulation { pops, options, others, .. } = self;
        if !options.ranks.are_several() {
            return;
        }
        let asked = pops.iter_mut().enumerate().filter(|(k, _)| of(others, *k));
        let arrays: Vec<Array> = asked.flat_map(|(_, pop)| pop.arrays()).collect();
        if !arrays.is_empty() {
            options.ranks.complete(arrays);
        }
    }

    /// Lets all processes stop where synapses have stopped one of them.
    pub(super) fn agree(&mut self) -> Result<(), Failure> {
        if !self.options.ranks.are_several() || !self.others.synapses {
            return Ok(());
        }
        let all = self.options.ranks.tell(&self.others.met.take());
        match all.into_iter().flatten().min_by_key(|met| met.place) {
            Some(first) => Err(first.failure),
            None => Ok(()),
        }
    }
}

/// Puts the events of all processes together: within a step in the order of ranks, which is that of cells.
fn joined(lists: &[&(Vec<u32>, Vec<u32>)], m: usize) -> Spikes {
    let mut out = Spikes { start: vec![0], cells: Vec::new() };
    let mut from = vec![0; lists.len()];
    for s in 0..m {
        for ((counts, cells), from) in lists.iter().zip(&mut from) {
            let n = counts[s] as usize;
            out.cells.extend(&cells[*from..*from + n]);
            *from += n;
        }
        out.start.push(out.cells.len() as u32);
    }
    out
}
