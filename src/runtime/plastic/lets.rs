//! What synapses that learn read of cells and is not a state.

use crate::hir::VarId;
use crate::runtime::buffer::Buffer;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Values that have been read; those of a variable are computed when the first synapse asks for it.
#[derive(Default)]
pub struct Lets {
    of: BTreeMap<(usize, VarId), OnceLock<Buffer>>,
}

impl Lets {
    /// Prepares for variables of populations.
    pub fn new(of: impl Iterator<Item = (usize, VarId)>) -> Lets {
        Lets { of: of.map(|key| (key, OnceLock::new())).collect() }
    }

    /// Forgets the values.
    pub fn forget(&mut self) {
        self.of.values_mut().for_each(|values| drop(values.take()));
    }

    /// Returns the values of a variable, which are computed if they are not known.
    pub fn values(&self, key: (usize, VarId), compute: impl FnOnce() -> Buffer) -> &Buffer {
        match self.of.get(&key) {
            Some(values) => values.get_or_init(compute),
            None => crate::ice!("a variable that synapses were not known to read"),
        }
    }
}
