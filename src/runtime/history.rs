//! What happened, and what variables of cells were, in the last steps, as far back as delays reach.

use super::buffer::{Buffer, padded};
use super::population::Pop;
use super::reading::Readings;
use super::remembered::Raw;
use crate::hir::{EventId, VarId};
use crate::ir::Precision;
use crate::plan::Network;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Events and values of earlier steps, the latest first.
#[derive(Default)]
pub struct History {
    events: Vec<Events>,
    values: BTreeMap<(usize, VarId), VecDeque<Buffer>>,
    /// The step boundary of the latest values; none before the first step.
    latest: Option<u64>,
}

/// The cells that had an event, step by step.
struct Events {
    population: usize,
    event: EventId,
    kept: VecDeque<Vec<u32>>,
}

impl History {
    /// Keeps the events of so many steps; returns the number under which they are kept.
    pub fn keep_events(&mut self, population: usize, event: EventId, steps: usize) -> usize {
        let found = self.events.iter().position(|e| e.population == population && e.event == event);
        let number = found.unwrap_or_else(|| {
            self.events.push(Events { population, event, kept: VecDeque::new() });
            self.events.len() - 1
        });
        let kept = &mut self.events[number].kept;
        kept.resize(kept.len().max(steps), Vec::new());
        number
    }

    /// Keeps the values of so many steps.
    pub fn keep_values(&mut self, key: (usize, VarId), steps: usize, n: usize, precision: Precision) {
        let kept = self.values.entry(key).or_default();
        while kept.len() <= steps {
            kept.push_back(Buffer::new(padded(n), precision));
        }
    }

    /// Returns the cells that had an event in the step that ended `steps` boundaries ago, counted from the end of the
    /// step that is being made.
    pub fn events(&self, number: usize, steps: usize) -> &[u32] {
        self.events[number].kept.get(steps - 1).map_or(&[][..], Vec::as_slice)
    }

    /// Returns the values `steps` before a boundary, those at the first step if that is later; none if they are the present ones, as
    /// all are before the first step.
    pub fn value(&self, population: usize, var: VarId, steps: usize, boundary: u64) -> Option<&Buffer> {
        let since = (boundary - self.latest?) as usize;
        if steps == 0 || steps < since {
            return None;
        }
        let kept = self.values.get(&(population, var))?;
        kept.get(steps - since).or(kept.back())
    }

    /// Takes note of the values at the beginning of a step; before the first one they were as at it.
    pub fn begin(&mut self, (pops, readings): (&[Pop], &Readings), network: &Network, step: u64, dt: f64) {
        let first = self.latest.is_none();
        self.latest = Some(step);
        for ((population, var), kept) in &mut self.values {
            let (pop, plan) = (&pops[*population], &network.populations[*population]);
            let Some(mut oldest) = kept.pop_back() else { continue };
            pop.read((*population, plan), *var, (step as f64 * dt, readings), &|_| None, &mut oldest);
            if first {
                kept.iter_mut().for_each(|b| b.copy_all(&oldest));
            }
            kept.push_front(oldest);
        }
    }

    /// Takes note of the events of a pass of `m` steps, at its end.
    pub fn end(&mut self, pops: &[Pop], m: usize) {
        for Events { population, event, kept } in &mut self.events {
            let spikes = &pops[*population].spikes[event.as_u32() as usize];
            for s in 0..m {
                if let Some(mut oldest) = kept.pop_back() {
                    oldest.clear();
                    oldest.extend_from_slice(&spikes.cells[spikes.start[s] as usize..spikes.start[s + 1] as usize]);
                    kept.push_front(oldest);
                }
            }
        }
    }

    /// Returns all of it.
    pub fn past(&self) -> Past {
        Past {
            events: self.events.iter().map(|e| e.kept.iter().cloned().collect()).collect(),
            values: self.values.values().map(|kept| kept.iter().map(Raw::of).collect()).collect(),
            latest: self.latest,
        }
    }

    /// Puts it back; false if it does not fit.
    pub fn set_past(&mut self, from: &Past) -> bool {
        self.latest = from.latest;
        let same = |a: usize, b: usize| a == b;
        same(self.events.len(), from.events.len())
            && same(self.values.len(), from.values.len())
            && self.events.iter_mut().zip(&from.events).all(|(e, steps)| {
                let fits = e.kept.len() == steps.len();
                e.kept = steps.iter().cloned().collect();
                fits
            })
            && self.values.values_mut().zip(&from.values).all(|(kept, raw)| Raw::restore_all(raw, kept.iter_mut()))
    }
}

/// What happened in earlier steps, as plain data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Past {
    events: Vec<Vec<Vec<u32>>>,
    values: Vec<Vec<Raw>>,
    latest: Option<u64>,
}
