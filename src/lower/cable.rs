//! Kernels of cable compartments: membrane current as `g v + i`, and gates advanced with the new potential.

use super::expression::{Lowering, builder};
use crate::hir::{Expr, VarId, VarKind, inline_lets};
use crate::ir::{Kernel, Precision, SlotKind, passes};
use crate::math::{eval, linear_in, simplify};
use crate::plan::{Column, Population};
use std::collections::HashMap;

/// Shape and passive properties of a cable; internal units (µm, pF/µm², GΩ µm).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Number of segments.
    pub segments: usize,
    /// Length of the whole.
    pub length: f64,
    /// Diameter.
    pub diameter: f64,
    /// Capacitance per area.
    pub c_m: f64,
    /// Axial resistivity.
    pub r_a: f64,
}

/// The two kernels of one cable compartment.
#[derive(Debug, Clone)]
pub struct CableKernels {
    /// States of the segments, the potential among them.
    pub states: Vec<VarId>,
    /// The potential.
    pub v: VarId,
    /// Ports whose current enters the middle.
    pub injected: Vec<VarId>,
    /// Geometry of the first cell; cells of a population share it.
    pub geometry: Geometry,
    /// Conductance and current at zero potential, per area.
    pub membrane: Kernel,
    /// Slots of `membrane` before its two outputs.
    pub membrane_slots: Vec<VarId>,
    /// Advances all other states.
    pub gates: Kernel,
    /// Slots of `gates`.
    pub gate_slots: Vec<VarId>,
}

/// Lowers all cables of a population.
pub fn lower_cables(p: &Population, dt: f64, precision: Precision) -> Vec<CableKernels> {
    (0..p.model.cables.len()).map(|i| lower_cable(p, i, dt, precision)).collect()
}

fn lower_cable(p: &Population, index: usize, dt: f64, precision: Precision) -> CableKernels {
    let model = &p.model;
    let cable = &model.cables[index];
    let value = |e: &Expr| eval(e, &|v| p.params.get(&v).map(|c| c.at(0)), Some(dt)).unwrap_or(f64::NAN);
    let geometry = Geometry {
        segments: value(&cable.segments).max(1.0) as usize,
        length: value(&cable.length),
        diameter: value(&cable.diameter),
        c_m: value(&Expr::Var(cable.c_m)),
        r_a: value(&Expr::Var(cable.r_a)),
    };
    let states: Vec<VarId> = model.states().filter(|(_, v)| v.cable == Some(index)).map(|(id, _)| id).collect();
    let params = |v: VarId| p.params.get(&v).map(|c| Column::Const(c.at(0)));
    let lets = |_: VarId| None;
    let lowering = |name: &str| Lowering {
        b: builder(&format!("{}.{}.{name}", model.name, cable.name), precision),
        params: &params,
        lets: &lets,
        env: HashMap::new(),
        dt: Some(dt),
        dt_value: None,
        time: None,
        since: HashMap::new(),
        fired: HashMap::new(),
        randoms: HashMap::new(),
        invariants: Vec::new(),
        n_lanes: 1,
    };
    let mut l = lowering("membrane");
    for id in &states {
        let slot = l.b.slot(model.vars[*id].name.clone(), SlotKind::Lane);
        let v = l.b.load(slot);
        l.env.insert(*id, v);
    }
    let split = linear_in(&simplify(inline_lets(model, cable.density.clone())), cable.v);
    let split = split.unwrap_or_else(|| crate::ice!("current is not linear"));
    for (name, e) in [("g", simplify(split.coefficient)), ("i", simplify(split.rest))] {
        let slot = l.b.slot(name, SlotKind::Out);
        let v = l.number(&e);
        l.b.store(slot, v);
    }
    let membrane = passes::optimize(&l.b.finish());

    let mut l = lowering("gates");
    let gate_slots = states.clone();
    for id in &states {
        let kind = if *id == cable.v { SlotKind::Lane } else { SlotKind::State };
        let slot = l.b.slot(model.vars[*id].name.clone(), kind);
        let v = l.b.load(slot);
        l.env.insert(*id, v);
    }
    let next: Vec<_> =
        p.solved.cable_updates.iter().filter(|(s, _)| states.contains(s)).map(|(s, e)| (*s, l.number(e))).collect();
    for (i, id) in states.iter().enumerate().filter(|(_, id)| **id != cable.v) {
        let new = next.iter().find(|(s, _)| s == id).map_or(l.env[id], |(_, v)| *v);
        l.b.store(cranelift_entity::EntityRef::new(i), new);
    }
    let gates = passes::optimize(&l.b.finish());
    let mut injected = Vec::new();
    cable.injected.walk(&mut |e| {
        if let Expr::Var(v) = e
            && matches!(model.vars[*v].kind, VarKind::AnalogPort(_))
        {
            injected.push(*v);
        }
    });
    CableKernels { membrane_slots: states.clone(), states, v: cable.v, injected, geometry, membrane, gates, gate_slots }
}
