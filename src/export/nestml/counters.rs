//! Counters of the steps for which states are held and events are muted.

use crate::export::names::Names;
use crate::hir::{EventId, Neuron, Stmt, VarId, each_stmt};
use std::collections::BTreeMap;

/// Counters of steps, which `update` counts down before anything else.
#[derive(Default)]
pub struct Counters {
    hold: BTreeMap<VarId, String>,
    mute: BTreeMap<EventId, String>,
}

impl Counters {
    pub fn of(n: &Neuron, names: &mut Names) -> Counters {
        let mut out = Counters { hold: BTreeMap::new(), mute: BTreeMap::new() };
        for emit in &n.emits {
            each_stmt(&emit.body, &mut |s| match s {
                Stmt::Hold(v, ..) if !out.hold.contains_key(v) => {
                    out.hold.insert(*v, names.give(&format!("held_{}", n.vars[*v].name)));
                }
                Stmt::Mute(e, ..) if !out.mute.contains_key(e) => {
                    out.mute.insert(*e, names.give(&format!("muted_{}", n.events[*e].name)));
                }
                _ => {}
            });
        }
        out
    }

    pub fn hold(&self, state: VarId) -> Option<String> {
        self.hold.get(&state).cloned()
    }

    pub fn mute(&self, event: EventId) -> Option<String> {
        self.mute.get(&event).cloned()
    }

    pub fn names(&self) -> Vec<String> {
        self.hold.values().chain(self.mute.values()).cloned().collect()
    }
}
