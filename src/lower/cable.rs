//! Kernels of cable compartments: membrane current as `g v + i`, and gates advanced with the new potential.

use super::expression::Lowering;
use super::lowered::Lowered;
use crate::hir::{Expr, VarId, VarKind, inline_lets};
use crate::ir::{Precision, Slot, SlotKind};
use crate::math::{eval, linear_in, simplify};
use crate::plan::{Column, Population};
use std::collections::HashMap;
use std::sync::Arc;

/// Shape and passive properties of a cable; internal units (µm, pF/µm², GΩ µm).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Length of the whole.
    pub length: f64,
    /// Diameter.
    pub diameter: f64,
    /// Capacitance per area.
    pub c_m: f64,
    /// Axial resistivity.
    pub r_a: f64,
}

/// What a slot of a cable's kernel holds, one value per cell and segment.
#[derive(Debug, Clone, PartialEq)]
pub enum CableSlot {
    /// A state.
    State(VarId),
    /// Fixed values.
    Lane(Arc<Vec<f64>>),
    /// Membrane conductance per area.
    Conductance,
    /// Membrane current per area at zero potential.
    Current,
}

/// A cable compartment of all cells.
#[derive(Debug, Clone)]
pub struct CableShape {
    /// States of the segments, the potential among them.
    pub states: Vec<VarId>,
    /// The potential.
    pub v: VarId,
    /// Number of segments, the same for all cells.
    pub segments: usize,
    /// Ports whose current enters the middle.
    pub injected: Vec<VarId>,
    /// Geometry per cell.
    pub geometry: Vec<Geometry>,
}

/// A cable compartment with its two kernels.
#[derive(Debug, Clone)]
pub struct Cable {
    /// What it is made of.
    pub shape: CableShape,
    /// Conductance and current at zero potential, per area.
    pub membrane: Lowered<CableSlot>,
    /// Advances all other states.
    pub gates: Lowered<CableSlot>,
}

/// Lowers all cables of a population.
pub fn lower_cables(p: &Population, dt: f64, precision: Precision) -> Vec<Cable> {
    (0..p.model.cables.len()).map(|i| lower_cable(p, i, dt, precision)).collect()
}

fn lower_cable(p: &Population, index: usize, dt: f64, precision: Precision) -> Cable {
    let model = &p.model;
    let cable = &model.cables[index];
    let segments = p.segments(index);
    let geometry = |cell: usize| {
        let value = |e: &Expr| match eval(e, &|v| p.params.get(&v).map(|c| c.at(cell)), Some(dt)) {
            Some(v) => v,
            None => crate::ice!("a cable whose shape follows from more than parameters"),
        };
        Geometry {
            length: value(&cable.length),
            diameter: value(&cable.diameter),
            c_m: value(&Expr::Var(cable.c_m)),
            r_a: value(&Expr::Var(cable.r_a)),
        }
    };
    let states: Vec<VarId> = model.states().filter(|(_, v)| v.cable == Some(index)).map(|(id, _)| id).collect();
    // A cell's parameter holds for all its segments.
    let per_segment: HashMap<VarId, Column> = p
        .params
        .iter()
        .map(|(id, column)| match column {
            Column::Const(c) => (*id, Column::Const(*c)),
            each => {
                let repeated = (0..p.n).flat_map(|i| std::iter::repeat_n(each.at(i), segments)).collect();
                (*id, Column::Array(Arc::new(repeated)))
            }
        })
        .collect();
    let params = |v: VarId| per_segment.get(&v).cloned();
    let lets = |v: VarId| model.definition(v).cloned();
    let start = |name: &str, writes: bool| {
        let mut l = Lowering::new(&format!("{}.{}.{name}", model.name, cable.name), precision, &params, &lets);
        (l.dt, l.n_lanes) = (Some(dt), p.n * segments);
        let mut slots = Vec::new();
        for id in &states {
            let kind = if writes && *id != cable.v { SlotKind::State } else { SlotKind::Lane };
            let slot = l.b.slot(model.vars[*id].name.clone(), kind);
            slots.push((slot, CableSlot::State(*id)));
            let v = l.b.load(slot);
            l.env.insert(*id, v);
        }
        (l, slots)
    };

    let (mut l, mut slots) = start("membrane", false);
    let split = linear_in(&simplify(inline_lets(model, cable.density.clone())), cable.v);
    let split = split.unwrap_or_else(|| crate::ice!("current is not linear"));
    let outputs =
        [("g", CableSlot::Conductance, simplify(split.coefficient)), ("i", CableSlot::Current, simplify(split.rest))];
    for (name, meaning, e) in outputs {
        let slot = l.b.slot(name, SlotKind::Out);
        slots.push((slot, meaning));
        let v = l.number(&e);
        l.b.store(slot, v);
    }
    let membrane = finish(l, slots);

    let (mut l, slots) = start("gates", true);
    let updates = p.solved.cable_updates.iter().filter(|(s, _)| states.contains(s));
    let next: Vec<_> = updates.map(|(s, e)| (*s, l.number(e))).collect();
    for (slot, meaning) in &slots {
        let CableSlot::State(id) = meaning else { continue };
        if *id != cable.v {
            let new = next.iter().find(|(s, _)| s == id).map_or(l.env[id], |(_, v)| *v);
            l.b.store(*slot, new);
        }
    }
    let gates = finish(l, slots);

    let mut injected = Vec::new();
    cable.injected.walk(&mut |e| {
        if let Expr::Var(v) = e
            && matches!(model.vars[*v].kind, VarKind::AnalogPort(_))
        {
            injected.push(*v);
        }
    });
    let geometry = (0..p.n).map(geometry).collect();
    Cable { shape: CableShape { states, v: cable.v, segments, injected, geometry }, membrane, gates }
}

fn finish(l: Lowering, mut slots: Vec<(Slot, CableSlot)>) -> Lowered<CableSlot> {
    slots.extend(l.invariants.into_iter().map(|(slot, values, _)| (slot, CableSlot::Lane(values))));
    Lowered::sorted(l.b.finish(), slots)
}
