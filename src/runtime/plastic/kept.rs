//! What plastic synapses remember from step to step, of all processes or of one of them.

use super::part::Part;
use super::{Plastic, Shared};
use crate::hir::VarId;
use crate::parallel::locked;
use crate::plan::Projection;
use crate::runtime::buffer::Buffer;
use crate::runtime::exchange::{ANOTHERS, Ranks};
use crate::runtime::remembered::Raw;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// What plastic synapses remember: numbers as bits of doubles, which hold those of single precision exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Synapses {
    /// Weights and states of single synapses; none where each process keeps those of its own.
    own: Vec<(Option<VarId>, Vec<u64>)>,
    pre: Vec<Raw>,
    post: Vec<Raw>,
    projection: Vec<Raw>,
    /// The moments to which exactly advanced states belong.
    moments: Vec<u64>,
    learning: bool,
}

/// Weights and states of the synapses of one process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Owned {
    /// Which synapses of the plan they are: how many are others' before each.
    gaps: Vec<u64>,
    values: Vec<(Option<VarId>, Vec<u64>)>,
}

impl Plastic {
    /// Returns what every process knows of what the synapses remember.
    pub fn known(&self) -> Synapses {
        let kept = |place: &BTreeMap<VarId, Buffer>| place.values().map(Raw::of).collect();
        Synapses {
            own: Vec::new(),
            pre: kept(&self.shared.pre),
            post: kept(&self.shared.post),
            projection: kept(&self.shared.projection),
            moments: self.shared.exact.moments(),
            learning: self.learning,
        }
    }

    /// Puts it back; false if it does not fit.
    pub fn set_known(&mut self, from: &Synapses) -> bool {
        self.learning = from.learning;
        let Shared { pre, post, projection, exact, .. } = &mut self.shared;
        exact.set_moments(&from.moments)
            && Raw::restore_all(&from.pre, pre.values_mut())
            && Raw::restore_all(&from.post, post.values_mut())
            && Raw::restore_all(&from.projection, projection.values_mut())
    }

    /// Returns everything that the synapses remember, in all processes, in the order of the plan.
    pub fn synapses_of(&self, p: &Projection, ranks: &Ranks) -> Synapses {
        let mut own: Vec<(Option<VarId>, Vec<u64>)> = Vec::new();
        for variable in self.variables() {
            let mut list = vec![ANOTHERS; p.pairs.len()];
            self.each_value(variable, &mut |k, bits| list[k] = bits);
            ranks.join(&mut list);
            own.push((variable, list));
        }
        Synapses { own, ..self.known() }
    }

    /// Puts it back; false if it does not fit.
    pub fn set_synapses(&mut self, p: &Projection, from: &Synapses) -> bool {
        let whole = from.own.iter().all(|(_, list)| list.len() == p.pairs.len());
        whole
            && self.set_known(from)
            && from.own.iter().all(|(variable, list)| self.set_values(*variable, &|k| Some(list[k])).is_some())
    }

    /// Returns what the synapses of this process remember.
    pub fn owned(&self) -> Owned {
        let mut order: Vec<u64> = Vec::new();
        self.each_value(None, &mut |k, _| order.push(k as u64));
        order.sort_unstable();
        let values = self.variables().into_iter().map(|variable| {
            let mut list = Vec::with_capacity(order.len());
            self.each_value(variable, &mut |k, bits| list.push((k as u64, bits)));
            list.sort_unstable_by_key(|(k, _)| *k);
            (variable, list.into_iter().map(|(_, bits)| bits).collect())
        });
        let values = values.collect();
        let mut next = 0;
        for k in &mut order {
            (*k, next) = (*k - next, *k + 1);
        }
        Owned { gaps: order, values }
    }

    /// Puts back what is there of this process's synapses; says how many these are, and nothing if it does not fit.
    pub fn set_owned(&mut self, from: &Owned) -> Option<usize> {
        let mut next = 0u64;
        let mut places = Vec::with_capacity(from.gaps.len());
        for gap in &from.gaps {
            let k = next.checked_add(*gap)?;
            places.push(k);
            next = k.checked_add(1)?;
        }
        let variables: BTreeSet<_> = from.values.iter().map(|(variable, _)| *variable).collect();
        if variables != self.variables() || from.values.iter().any(|(_, list)| list.len() != places.len()) {
            return None;
        }
        let mut found = 0;
        for (variable, list) in &from.values {
            let value = |k: usize| Some(list[places.binary_search(&(k as u64)).ok()?]);
            found = self.set_values(*variable, &value)?;
        }
        Some(found)
    }

    /// Returns how many synapses this process has.
    pub fn own(&self) -> usize {
        let mut n = 0;
        self.each_value(None, &mut |_, _| n += 1);
        n
    }

    /// The weight and the states of single synapses.
    fn variables(&self) -> BTreeSet<Option<VarId>> {
        let states = |part: &Mutex<Part>| locked(part).values.states.keys().copied().map(Some).collect::<Vec<_>>();
        self.parts.iter().flat_map(states).chain([None]).collect()
    }

    /// Visits the values of this process's synapses, with their places in the plan.
    fn each_value(&self, variable: Option<VarId>, visit: &mut dyn FnMut(usize, u64)) {
        for part in &self.parts {
            let part = locked(part);
            let values = variable.map_or(Some(&part.values.weight), |v| part.values.states.get(&v));
            let Some(values) = values else { continue };
            part.index.for_each(|k, at| visit(at, values.get(k).to_bits()));
        }
    }

    /// Replaces values of this process's synapses, and says how many; nothing if they have no such variable.
    fn set_values(&self, variable: Option<VarId>, bits: &dyn Fn(usize) -> Option<u64>) -> Option<usize> {
        let mut n = 0;
        for part in &self.parts {
            let part = &mut *locked(part);
            let values = match variable {
                None => Some(&mut part.values.weight),
                Some(v) => part.values.states.get_mut(&v),
            }?;
            part.index.for_each(|k, at| {
                if let Some(bits) = bits(at) {
                    values.set(k, f64::from_bits(bits));
                    n += 1;
                }
            });
        }
        Some(n)
    }
}
