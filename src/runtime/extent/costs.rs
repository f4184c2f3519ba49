//! How long it takes to do what a process does: so much for each of the things that are counted.

use super::super::rate::Effort as RateEffort;
use super::{Effort, Process};

/// What each thing takes, in nanoseconds. What these stand for was measured on one machine; others differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs([f64; NAMES.len()]);

/// Their names, what they are the time of, and what was measured.
pub const NAMES: [(&str, &str, f64); 16] = [
    ("operation", "an operation of a kernel on a cell", 0.009),
    ("segment", "a segment of a cable whose potential is solved for", 1.1),
    ("multiply", "a multiplication of a product of matrices", 0.02),
    ("draw", "a number of events drawn for a cell", 0.4),
    ("arrival", "an event of a drive that is drawn by itself", 5.0),
    ("delivery", "an event at a synapse", 0.55),
    ("memory", "a byte of rows that are too long for caches", 0.12),
    ("change", "an event at a synapse that is worked on by itself", 5.0),
    ("row", "the row of a source and a delay that is looked up", 12.0),
    ("far_row", "the same where rows begin in too many places for caches", 150.0),
    ("delay", "a delay that is gone through in a step", 3.0),
    ("event", "an event that is collected and remembered", 4.0),
    ("pass", "a pass of steps", 500.0),
    ("message", "a message to all, for each doubling of the processes", 1500.0),
    ("byte", "a byte from another process", 0.2),
    ("synapse", "a synapse that is made, and half of it for one that is only drawn", 50.0),
];

/// What a prediction is made of, in seconds of wall time for a second of the model's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Time {
    /// What threads share: cells, and events at synapses.
    pub shared: f64,
    /// What every thread does, however many there are: rows that are looked up, delays that are gone through.
    pub repeated: f64,
    /// What one thread does with the events of all.
    pub events: f64,
    /// What processes tell each other.
    pub told: f64,
    /// Wall time of building, in seconds.
    pub building: f64,
}

impl Time {
    /// Returns the whole time of a second.
    pub fn sum(&self) -> f64 {
        self.shared + self.repeated + self.events + self.told
    }
}

impl Default for Costs {
    fn default() -> Costs {
        Costs(NAMES.map(|(.., measured)| measured))
    }
}

impl Costs {
    /// Gives one of them another value; false if there is none of this name.
    pub fn set(&mut self, name: &str, nanoseconds: f64) -> bool {
        let found = NAMES.iter().position(|(known, ..)| *known == name);
        found.map(|k| self.0[k] = nanoseconds).is_some()
    }

    /// Returns all of them with their names.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, f64)> {
        NAMES.iter().zip(self.0).map(|((name, ..), value)| (*name, value))
    }

    fn of(&self, name: &str) -> f64 {
        self.all().find(|(known, _)| *known == name).map_or(0.0, |(_, nanoseconds)| nanoseconds * 1e-9)
    }

    /// Predicts the time in seconds of what is computed at once without events, by a process among so many, with so many threads.
    pub fn time_of(&self, effort: &RateEffort, count: usize, threads: usize) -> f64 {
        let multiplications = effort.multiplications + effort.dealt / count as f64;
        let operations = effort.operations + effort.dealt_operations / count as f64;
        let computed = self.of("multiply") * multiplications + self.of("operation") * operations;
        let doublings = (count as f64).log2().ceil();
        let told = self.of("message") * effort.gathers * doublings + self.of("byte") * effort.traffic(count).1;
        computed / threads as f64 + told
    }

    /// Predicts the time of a process among so many, with so many threads.
    pub fn time(&self, process: &Process, count: usize, threads: usize) -> Time {
        let [
            operation,
            segment,
            _,
            draw,
            arrival,
            delivery,
            memory,
            change,
            row,
            far_row,
            delay,
            event,
            pass,
            message,
            byte,
            synapse,
        ] = self.0.map(|nanoseconds| nanoseconds * 1e-9);
        let Effort { operations, draws, arrivals, deliveries, fetched, changes, rows, delays, events, .. } =
            process.effort;
        let Effort { far_rows, passes, gathers, received, segments, .. } = process.effort;
        let shared = operation * operations
            + segment * segments
            + draw * draws
            + arrival * arrivals
            + delivery * deliveries
            + memory * fetched;
        let doublings = (count as f64).log2().ceil();
        let own = process.synapses;
        Time {
            shared: (shared + change * changes) / threads as f64,
            repeated: row * rows + far_row * far_rows + delay * delays,
            events: event * events + pass * passes,
            told: message * gathers * doublings + byte * received,
            building: (synapse * own + 0.5 * synapse * (process.drawn - own).max(0.0)) / threads as f64,
        }
    }
}
