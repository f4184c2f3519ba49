//! Ports of cells as synapses of NeuroML: a conductance or a current that decays by itself, at once or after it has risen.

use super::polynomial::{Factor, Polynomial, close};
use crate::hir::VarId;
use std::collections::BTreeMap;

/// Values of parameters: name, value in our unit, and that unit.
pub type Values = Vec<(&'static str, f64, &'static str)>;

/// A port of a cell, and what there is to know of the cell.
pub struct Port<'a> {
    pub port: VarId,
    pub v: VarId,
    /// First values of states.
    pub first: &'a BTreeMap<VarId, f64>,
}

/// A synapse that stands for a port.
pub struct Synapse {
    pub port: VarId,
    /// Its type, and its parameters as attributes.
    pub kind: String,
    pub attributes: Attributes,
    /// The declaration of the type, if NeuroML does not have it.
    pub declared: Option<String>,
    /// The weight there that one unit of the port is.
    pub unit: f64,
}

/// Values of parameters of a type, or how they are written already.
pub enum Attributes {
    Values(Values),
    Written(String),
}

impl Port<'_> {
    /// The synapse, if there is one, by the rates of its states and, as that of the potential, the current that they make.
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
        let current = rates.remove(&self.v)?;
        let (state, own) = (Factor::Variable(acts), Factor::Variable(self.v));
        let (fixed, driven) = (current.coefficient(&[state]), current.coefficient(&[state, own]));
        let alone = current.is_of(&[&[state], &[state, own]]);
        let quiet = [acts, enters].iter().all(|s| self.first.get(s) == Some(&0.0));
        if !alone || !quiet || rates.len() != 1 + usize::from(rises) {
            return None;
        }
        // So that a weight of one unit of the port is one of 1 there; `expCurrSynapse` counts in nA.
        let (kind, values, unit) = match (driven < 0.0, rises) {
            (true, _) => {
                let (kind, constant) = if rises { ("alphaSynapse", "tau") } else { ("expOneSynapse", "tauDecay") };
                let base = ("gbase", weight * -driven, "nS");
                (kind, vec![base, ("erev", -fixed / driven, "mV"), (constant, decay, "ms")], 1.0)
            }
            (false, true) if driven == 0.0 => {
                ("alphaCurrentSynapse", vec![("tau", decay, "ms"), ("ibase", weight * fixed, "pA")], 1.0)
            }
            (false, false) if driven == 0.0 => {
                ("expCurrSynapse", vec![("tau_syn", decay, "")], weight * fixed / 1000.0)
            }
            _ => return None,
        };
        Some(Synapse {
            port: self.port,
            kind: kind.into(),
            attributes: Attributes::Values(values),
            declared: None,
            unit,
        })
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
