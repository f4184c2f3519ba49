//! What a process knows of the others.

use crate::hir::VarKind;
use crate::plan::Network;
use crate::runtime::failure::Failure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a running network knows of the other processes.
#[derive(Default)]
pub struct Others {
    /// Populations whose states are read at every step by what other processes do.
    pub read: BTreeSet<usize>,
    /// Whether there is more to agree on at the end of a pass than what the cells did.
    pub synapses: bool,
    /// What stopped this process first in the pass.
    pub met: Option<Met>,
    /// Whether this process was asked to end the run, and whether any was.
    pub asked: bool,
    pub ends: bool,
}

/// A failure, and where one process would have met it: the phase of the pass, then what it goes through there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Met {
    /// The place, in the order in which one process goes.
    pub place: [u64; 5],
    /// What was met.
    pub failure: Failure,
}

impl Others {
    /// Finds out what others read of the cells.
    pub fn new(network: &Network, windows: impl Iterator<Item = usize>) -> Others {
        let mut read: BTreeSet<usize> = windows.collect();
        for p in &network.projections {
            read.extend(p.remembered().into_iter().map(|(population, ..)| population));
            if p.synapse.deliver.is_some() {
                read.extend([p.pre.population, p.post.population]);
            }
            if p.is_plastic() {
                read.extend(p.modulators.values().map(|(view, _)| view.population));
                read.extend(p.synapse.vars.values().filter_map(|v| match v.kind {
                    VarKind::Pre(_) => Some(p.pre.population),
                    VarKind::Post(_) => Some(p.post.population),
                    _ => None,
                }));
            }
        }
        let synapses = network.projections.iter().any(crate::plan::Projection::is_plastic);
        Others { read, synapses, ..Others::default() }
    }

    /// Keeps what came first.
    pub fn note(&mut self, met: Met) {
        if self.met.as_ref().is_none_or(|before| met.place < before.place) {
            self.met = Some(met);
        }
    }
}
