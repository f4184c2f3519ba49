//! States that are advanced exactly: all synapses keep the value of one earlier moment, and two numbers make it today's.

use crate::hir::VarId;
use crate::image::Rates;
use std::collections::BTreeMap;

/// The equations `x' = a x + b` of a projection and the moments to which the stored values belong.
#[derive(Default)]
pub struct Exact {
    states: BTreeMap<VarId, (Rates, u64)>,
    dt: f64,
    /// Until when no moment need be renewed.
    fresh: u64,
    /// How often moments have changed.
    changes: u64,
}

/// A moment is renewed before stored values differ from today's by more than this exponent, or after so many steps.
const LONGEST: (f64, u64) = (4.0, 4096);

impl Exact {
    /// Starts at a step boundary with values as they are.
    pub fn new(rates: BTreeMap<VarId, Rates>, now: u64, dt: f64) -> Exact {
        Exact { states: rates.into_iter().map(|(v, r)| (v, (r, now))).collect(), dt, fresh: now, changes: 0 }
    }

    /// Returns `scale` and `shift` with which a stored value `s` is `scale * s + shift` now.
    pub fn factors(&self, state: VarId, now: u64) -> (f64, f64) {
        let Some((rates, since)) = self.states.get(&state) else { return (1.0, 0.0) };
        let elapsed = (now - since) as f64 * self.dt;
        let exponent = rates.a * elapsed;
        let mean = if exponent == 0.0 { 1.0 } else { exponent.exp_m1() / exponent };
        (exponent.exp(), rates.b * elapsed * mean)
    }

    /// Returns the moments of all states.
    pub fn moments(&self) -> Vec<u64> {
        self.states.values().map(|(_, since)| *since).collect()
    }

    /// Puts them back; false if they are not as many.
    pub fn set_moments(&mut self, from: &[u64]) -> bool {
        self.states.values_mut().zip(from).for_each(|((_, since), moment)| *since = *moment);
        self.fresh = 0;
        self.changes += 1;
        from.len() == self.states.len()
    }

    /// Returns whether a moment may have to be renewed.
    pub fn is_due(&self, now: u64) -> bool {
        now > self.fresh
    }

    /// Returns how often moments have changed, on which factors depend beside the time.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Makes now the moment of states whose moment is long ago, or of all; stored values must follow as it says.
    pub fn settle(&mut self, now: u64, all: bool) -> Vec<(VarId, f64, f64)> {
        self.changes += 1;
        let dt = self.dt;
        let old = |rates: &Rates, since: u64, now: u64| {
            let exponent = rates.a * (now - since) as f64 * dt;
            exponent.abs() > LONGEST.0 || rates.b != 0.0 && now - since > LONGEST.1
        };
        let due: Vec<VarId> =
            self.states.iter().filter(|(_, (r, since))| all || old(r, *since, now)).map(|(v, _)| *v).collect();
        let settled = due
            .into_iter()
            .map(|v| {
                let (scale, shift) = self.factors(v, now);
                if let Some((_, since)) = self.states.get_mut(&v) {
                    *since = now;
                }
                (v, scale, shift)
            })
            .collect();
        // The longest that all of them stay fresh, to a power of two.
        let fresh = |ahead: u64| self.states.values().all(|(r, since)| !old(r, *since, now + ahead));
        self.fresh = now + (0..40).map(|k| 1 << k).take_while(|ahead| fresh(*ahead)).last().unwrap_or(0);
        settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_the_same_whether_or_not_its_moment_was_renewed() {
        // x' = (1 - x) / 20 from x = 3.
        let x = VarId::from_u32(0);
        let rates = Rates { a: -0.05, b: 0.05 };
        let mut exact = Exact::new(BTreeMap::from([(x, rates)]), 0, 0.1);
        let mut stored = 3.0;
        for now in [0u64, 7, 400, 900, 1000] {
            for (_, scale, shift) in exact.settle(now, false) {
                stored = stored * scale + shift;
            }
            let (scale, shift) = exact.factors(x, now);
            let expected = 1.0 + 2.0 * (-0.05 * now as f64 * 0.1).exp();
            assert!((stored * scale + shift - expected).abs() < 1e-13, "{now}");
        }
    }

    #[test]
    fn without_decay_the_rest_adds_up() {
        let x = VarId::from_u32(0);
        let exact = Exact::new(BTreeMap::from([(x, Rates { a: 0.0, b: 2.0 })]), 0, 0.1);
        assert_eq!(exact.factors(x, 10), (1.0, 2.0));
    }
}
