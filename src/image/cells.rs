//! Kernels of populations: the update of a step or of many, the attempt of an adaptive scheme, cables.

use super::{Bound, Target};
use crate::codegen::Steps;
use crate::hir::VarId;
use crate::lower::{Binding, Cable, CableShape, CableSlot, PortSource, lower_cables, lower_neuron, lower_rk45};
use crate::plan::Population;
use std::collections::{BTreeMap, BTreeSet};

/// Compiles what a population does in a step: integration, arrivals at `event_ports`, events and their handlers.
pub fn update(
    p: &Population,
    ports: &BTreeMap<VarId, PortSource>,
    event_ports: &BTreeSet<VarId>,
    steps: usize,
    target: &Target,
) -> Bound<Binding> {
    let kernel = lower_neuron(p, ports, &|port| event_ports.contains(&port), target.dt, target.precision);
    Bound::new(kernel, target.backend, if steps == 1 { Steps::One } else { Steps::Many })
}

/// Compiles an attempted step of an adaptive scheme, if the population asks for one.
pub fn attempt(p: &Population, ports: &BTreeMap<VarId, PortSource>, target: &Target) -> Option<Bound<Binding>> {
    Some(Bound::new(lower_rk45(p, ports, target.precision)?, target.backend, Steps::One))
}

/// A cable compartment of all cells with its code.
pub struct CompiledCable {
    /// Its shape.
    pub shape: CableShape,
    /// Conductance and current at zero potential.
    pub membrane: Bound<CableSlot>,
    /// Advances all states but the potential.
    pub gates: Bound<CableSlot>,
    /// Adds what arrives at event inputs.
    pub arrivals: Option<Bound<CableSlot>>,
}

/// Compiles the cables of a population, with arrivals at `event_ports`.
pub fn cables(p: &Population, event_ports: &BTreeSet<VarId>, target: &Target) -> Vec<CompiledCable> {
    let bound = |lowered| Bound::new(lowered, target.backend, Steps::One);
    let compiled = |Cable { shape, membrane, gates, arrivals }| CompiledCable {
        shape,
        membrane: bound(membrane),
        gates: bound(gates),
        arrivals: arrivals.map(bound),
    };
    lower_cables(p, &|port| event_ports.contains(&port), target.dt, target.precision)
        .into_iter()
        .map(compiled)
        .collect()
}
