//! Kernels of cable compartments: membrane current as `g v + i`, gates advanced with the new potential, and what arrives at the end.

use super::expression::Lowering;
use super::lowered::Lowered;
use crate::hir::{Expr, Op, VarId, VarKind, inline_lets};
use crate::ir::{Precision, Slot, SlotKind, Value};
use crate::math::{Linear, derivative, linear_in, simplify};
use crate::plan::{Column, Lanes, Population};
use crate::solve::Arrival;
use std::collections::HashMap;
use std::sync::Arc;

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
    /// Membrane conductance of the whole segment.
    WholeConductance,
    /// Membrane current of the whole segment at zero potential.
    WholeCurrent,
    /// What arrives at an event input.
    Arrival(VarId),
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
    /// Their order in memory.
    pub lanes: Lanes,
    /// Whether there are currents of whole segments.
    pub whole: bool,
    /// Ports whose current enters the middle.
    pub injected: Vec<VarId>,
}

/// A cable compartment with its two kernels.
#[derive(Debug, Clone)]
pub struct Cable {
    /// What it is made of.
    pub shape: CableShape,
    /// Conductance and current at zero potential, per area, and of the whole segment if `shape` says so.
    pub membrane: Lowered<CableSlot>,
    /// Advances all other states.
    pub gates: Lowered<CableSlot>,
    /// Adds what arrives at event inputs, if there are any that are reached.
    pub arrivals: Option<Lowered<CableSlot>>,
}

/// Lowers all cables of a population; `connected` tells which event inputs anything reaches.
pub fn lower_cables(p: &Population, connected: &dyn Fn(VarId) -> bool, dt: f64, precision: Precision) -> Vec<Cable> {
    (0..p.model.cables.len()).map(|i| lower_cable(p, i, connected, dt, precision)).collect()
}

fn lower_cable(
    p: &Population,
    index: usize,
    connected: &dyn Fn(VarId) -> bool,
    dt: f64,
    precision: Precision,
) -> Cable {
    let model = &p.model;
    let cable = &model.cables[index];
    let segments = p.segments(index);
    let lanes = Lanes::new(p.n, segments);
    let states: Vec<VarId> = model.states().filter(|(_, v)| v.cable == Some(index)).map(|(id, _)| id).collect();
    // A cell's parameter holds for all its segments, unless it follows from where they are.
    let fixed = model.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::Param(_) | VarKind::Distance));
    let per_segment: HashMap<VarId, Column> = fixed
        .filter_map(|(id, var)| {
            let along = model.varies_along(id) && var.cable == Some(index);
            Some((
                id,
                match p.params.get(&id) {
                    Some(Column::Const(c)) if !along => Column::Const(*c),
                    None if !along => return None,
                    _ => {
                        let value = |(cell, segment): (usize, usize)| p.fixed(id, cell, segment);
                        Column::Array(Arc::new(lanes.each().map(value).collect::<Option<_>>()?))
                    }
                },
            ))
        })
        .collect();
    let params = |v: VarId| per_segment.get(&v).cloned();
    let lets = |v: VarId| model.definition(v).cloned();
    let start = |name: &str, writes: bool| {
        let mut l = Lowering::new(&format!("{}.{}.{name}", model.name, cable.name), precision, &params, &lets);
        (l.dt, l.n_lanes) = (Some(dt), lanes.places());
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
    let whole = simplify(inline_lets(model, cable.whole.clone()));
    let has_whole = whole != Expr::Num(0.0);
    let density = linearized(&simplify(inline_lets(model, cable.density.clone())), cable.v);
    let mut outputs = vec![("g", CableSlot::Conductance, density.coefficient), ("i", CableSlot::Current, density.rest)];
    if has_whole {
        let whole = linearized(&whole, cable.v);
        outputs.push(("g_whole", CableSlot::WholeConductance, whole.coefficient));
        outputs.push(("i_whole", CableSlot::WholeCurrent, whole.rest));
    }
    for (name, meaning, e) in outputs {
        let slot = l.b.slot(name, SlotKind::Out);
        slots.push((slot, meaning));
        let v = l.number(&simplify(e));
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

    let mine = |a: &&Arrival| states.contains(&a.state) && connected(a.port);
    let arriving: Vec<&Arrival> = p.solved.arrivals.iter().filter(mine).collect();
    let arrivals = (!arriving.is_empty()).then(|| {
        let (mut l, mut slots) = start("arrivals", true);
        let mut ports: Vec<(VarId, Value)> = Vec::new();
        let mut next: Vec<(VarId, Value)> = Vec::new();
        for a in arriving {
            let known = ports.iter().find(|(port, _)| *port == a.port).map(|(_, value)| *value);
            let arrived = known.unwrap_or_else(|| {
                let slot = l.b.slot(model.vars[a.port].name.clone(), SlotKind::Lane);
                slots.push((slot, CableSlot::Arrival(a.port)));
                let value = l.b.load(slot);
                ports.push((a.port, value));
                value
            });
            let coefficient = l.number(&a.coefficient);
            let change = l.b.mul(coefficient, arrived);
            let old = next.iter().rfind(|(state, _)| *state == a.state).map_or(l.env[&a.state], |(_, value)| *value);
            next.push((a.state, l.b.add(old, change)));
        }
        for (slot, meaning) in &slots {
            let CableSlot::State(id) = meaning else { continue };
            if *id != cable.v {
                let new = next.iter().rfind(|(s, _)| s == id).map_or(l.env[id], |(_, v)| *v);
                l.b.store(*slot, new);
            }
        }
        finish(l, slots)
    });

    let mut injected = Vec::new();
    cable.injected.walk(&mut |e| {
        if let Expr::Var(v) = e
            && matches!(model.vars[*v].kind, VarKind::AnalogPort(_))
        {
            injected.push(*v);
        }
    });
    let shape = CableShape { states, v: cable.v, segments, lanes, whole: has_whole, injected };
    Cable { shape, membrane, gates, arrivals }
}

/// A current as conductance and current at zero potential: as it is if it is linear in the potential, else its tangent.
fn linearized(current: &Expr, v: VarId) -> Linear {
    linear_in(current, v).unwrap_or_else(|| {
        let coefficient = simplify(derivative(current, v));
        let rest = Expr::bin(Op::Sub, current.clone(), Expr::bin(Op::Mul, coefficient.clone(), Expr::Var(v)));
        Linear { coefficient, rest }
    })
}

fn finish(l: Lowering, mut slots: Vec<(Slot, CableSlot)>) -> Lowered<CableSlot> {
    slots.extend(l.invariants.into_iter().map(|(slot, values, _)| (slot, CableSlot::Lane(values))));
    Lowered::sorted(l.b.finish(), slots)
}
