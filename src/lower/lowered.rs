//! What every lowering returns.

use crate::ir::{Kernel, Slot, passes};

/// A kernel and the meaning of its slots.
#[derive(Debug, Clone)]
pub struct Lowered<S> {
    /// Before optimization.
    pub raw: Kernel,
    /// What runs.
    pub kernel: Kernel,
    /// By slot.
    pub slots: Vec<S>,
}

impl<S> Lowered<S> {
    /// Optimizes a kernel whose slots have these meanings.
    pub fn new(raw: Kernel, slots: Vec<S>) -> Lowered<S> {
        Lowered { kernel: passes::optimize(&raw), raw, slots }
    }

    /// The same with slots in any order.
    pub fn sorted(raw: Kernel, mut slots: Vec<(Slot, S)>) -> Lowered<S> {
        slots.sort_by_key(|(slot, _)| *slot);
        Lowered::new(raw, slots.into_iter().map(|(_, meaning)| meaning).collect())
    }
}
