//! Sums over the events of the last moments, each weighted by a kernel of its age.

use super::{EventId, Expr, VarId};

/// What a cell responds to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cause {
    /// Impulses at an input.
    Port(VarId),
    /// Its own events.
    Event(EventId),
}

/// The response to the events of the last moments: the sum over them of a kernel of their age.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// To what.
    pub to: Cause,
    /// The kernel, in which time stands for the age of an event.
    pub kernel: Expr,
    /// How old events may be, internal units of time; what is as old as this or older has no part in it.
    pub over: f64,
}

/// States that hold what happened in the last steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    /// What happened.
    pub of: Cause,
    /// By age in steps, the latest first.
    pub states: Vec<VarId>,
}
