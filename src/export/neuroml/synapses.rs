//! Ports of cells as synapses of NeuroML: a conductance that decays by itself, at once or after it has risen.

use super::polynomial::{Factor, Polynomial, close};
use crate::hir::VarId;
use crate::units::Dim;
use std::collections::BTreeMap;

/// Values of parameters: name, value in our unit, and that unit.
pub type Values = Vec<(&'static str, f64, &'static str)>;

/// A port of a cell, and what there is to know of the cell.
pub struct Port<'a> {
    pub port: VarId,
    pub v: VarId,
    /// The input that currents are attached to.
    pub input: VarId,
    /// First values of states.
    pub first: &'a BTreeMap<VarId, f64>,
    pub dim: &'a dyn Fn(VarId) -> Dim,
}

/// A synapse that stands for a port.
pub struct Synapse {
    pub port: VarId,
    /// Its type, and the values of its parameters.
    pub kind: &'static str,
    pub values: Values,
}

impl Port<'_> {
    /// The synapse, if there is one; its states are taken out of the rates.
    pub fn synapse(&self, rates: &mut BTreeMap<VarId, Polynomial>) -> Option<Synapse> {
        let arriving = [Factor::Variable(self.port)];
        let (enters, jump) = self.only(rates, |rate| rate.coefficient(&arriving))?;
        let decay = self.decay(rates.get(&enters)?, enters, &arriving)?;
        let inner = [Factor::Variable(enters)];
        let rising = self.only(rates, |rate| rate.coefficient(&inner)).filter(|(s, _)| *s != enters);
        let (acts, weight, rises) = match rising {
            None => (enters, jump, false),
            Some((state, gain)) => {
                let own = self.decay(rates.get(&state)?, state, &inner)?;
                // Of an alpha function, whose peak is one there.
                close(own, decay).then_some((state, jump * gain * decay / std::f64::consts::E, true))?
            }
        };
        let potential = rates.remove(&self.v)?;
        let (state, own) = (Factor::Variable(acts), Factor::Variable(self.v));
        let (fixed, driven) = (potential.coefficient(&[state]), potential.coefficient(&[state, own]));
        let input = potential.coefficient(&[Factor::Variable(self.input)]);
        let rest = potential.without(state);
        let untouched = rest.clone().without(Factor::Variable(enters)) == rest;
        let quiet = [acts, enters].iter().all(|s| self.first.get(s) == Some(&0.0));
        rates.insert(self.v, rest);
        rates.remove(&acts);
        rates.remove(&enters);
        let elsewhere = rates.values().any(|r| r.clone().without(state).without(Factor::Variable(enters)) != *r);
        if !untouched || !quiet || elsewhere || input <= 0.0 {
            return None;
        }
        if driven >= 0.0 || (self.dim)(acts) != Dim::CURRENT / Dim::VOLTAGE {
            return None;
        }
        // So that a weight of 1 nS is one of 1 there.
        let base = weight * -driven / input;
        let (kind, constant) = if rises { ("alphaSynapse", "tau") } else { ("expOneSynapse", "tauDecay") };
        let values = vec![("gbase", base, "nS"), ("erev", -fixed / driven, "mV"), (constant, decay, "ms")];
        Some(Synapse { port: self.port, kind, values })
    }

    /// The only state beside the potential, and other than itself, in whose rate something is, and what it is multiplied by.
    fn only(&self, rates: &BTreeMap<VarId, Polynomial>, of: impl Fn(&Polynomial) -> f64) -> Option<(VarId, f64)> {
        let all = rates.iter().filter(|(s, _)| **s != self.v).map(|(s, rate)| (*s, of(rate)));
        let mut found = all.filter(|(_, x)| *x > 0.0);
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// The time constant of a state that decays by itself and is driven by one thing more.
    fn decay(&self, rate: &Polynomial, state: VarId, driven: &[Factor]) -> Option<f64> {
        let own = [Factor::Variable(state)];
        let rate_constant = rate.coefficient(&own);
        (rate_constant < 0.0 && rate.is_of(&[&own, driven])).then(|| -1.0 / rate_constant)
    }
}
