//! Why a run stops before its end.

use crate::hir::{EventId, VarId};
use crate::image::Hidden;
use serde::{Deserialize, Serialize};

/// Why a run stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Failure {
    /// A state is not finite any more.
    NonFinite {
        /// Population index.
        population: usize,
        /// Name of the state.
        variable: String,
        /// Cell.
        index: usize,
        /// Time at the end of the step, internal units.
        time: f64,
        /// Value at the beginning of that step, internal units, if it is known.
        last: Option<f64>,
    },
    /// A cell holds a state or mutes an event for a time that cannot be counted.
    Duration {
        /// Population index.
        population: usize,
        /// What is held or muted.
        what: Hidden,
        /// Cell.
        index: usize,
        /// Time at the end of the step, internal units.
        time: f64,
    },
    /// A cell would have so many events at once that they cannot be counted.
    Count {
        /// Population index.
        population: usize,
        /// The event.
        event: EventId,
        /// Cell.
        index: usize,
        /// Time at the end of the step, internal units.
        time: f64,
    },
    /// A weight or state of a synapse is not finite any more.
    Synapse {
        /// Index of the projection.
        projection: usize,
        /// The weight or state.
        variable: VarId,
        /// The synapse, in the order of the plan.
        index: usize,
        /// Time at the end of the step, internal units.
        time: f64,
    },
    /// The observer asked to stop.
    Interrupted,
}
