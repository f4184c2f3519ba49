//! Kernels of cable compartments: membrane current as `g v + i`, gates advanced with the new potential, and what arrives at the end.

use super::binding::entries;
use super::expression::{Clock, Lowering};
use super::lowered::Lowered;
use crate::hir::{self, Expr, Neuron, Op, VarId, VarKind, inline_lets};
use crate::ir::{Precision, Slot, SlotKind, Value};
use crate::math::{Linear, derivative, linear_in, simplify};
use crate::plan::{Column, Lanes, Population};
use crate::solve::Arrival;
use std::collections::{BTreeSet, HashMap};
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
    /// Random bits of a noise process: the first or the second word.
    Random(u32, bool),
    /// An input, a state of the cell or of one segment of another cable: the same in all segments of a cell.
    OfCell(VarId),
    /// The time at the beginning of the step.
    Time,
    /// A function of the time.
    Clock(Arc<Clock>),
}

/// A cable compartment of all cells.
#[derive(Debug, Clone)]
pub struct CableShape {
    /// States of the segments, the potential among them.
    pub states: Vec<VarId>,
    /// The potential.
    pub v: VarId,
    /// Number of segments, those that not all cells have among them.
    pub segments: usize,
    /// Their order in memory.
    pub lanes: Lanes,
    /// How many segments each cell has, if they differ.
    pub counts: Option<Vec<usize>>,
    /// Whether there are currents of whole segments.
    pub whole: bool,
    /// Ports whose current enters the middle.
    pub injected: Vec<VarId>,
    /// What its kernels read of the cells.
    pub of_cells: Vec<VarId>,
}

impl CableShape {
    /// Returns the number of segments of a cell.
    pub fn segments_of(&self, cell: usize) -> usize {
        self.counts.as_ref().map_or(self.segments, |counts| counts[cell])
    }
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
    let (model, cable) = (&p.model, &p.model.cables[index]);
    let of = Segments::new(p, index, dt, precision);
    let current = |e: &Expr| simplify(inline_lets(model, e.clone()));
    let (density, whole) = (current(&cable.density), current(&cable.whole));
    let has_whole = whole != Expr::Num(0.0);
    let updates: Vec<(VarId, &Expr)> =
        p.solved.cable_updates.iter().filter(|(s, _)| of.states.contains(s)).map(|(s, e)| (*s, e)).collect();
    let of_membrane = Reads::of(model, index, [&density, &whole].into_iter());
    let of_gates = Reads::of(model, index, updates.iter().map(|(_, e)| *e));
    let mine = |a: &&Arrival| of.states.contains(&a.state) && connected(a.port);
    let arriving: Vec<&Arrival> = p.solved.arrivals.iter().filter(mine).collect();
    let mut injected = Vec::new();
    cable.injected.walk(&mut |e| {
        if let Expr::Var(v) = e
            && matches!(model.vars[*v].kind, VarKind::AnalogPort(_))
        {
            injected.push(*v);
        }
    });
    let membrane = of.membrane(&of_membrane, &density, has_whole.then_some(&whole));
    let gates = of.gates(&of_gates, &updates);
    let arrivals = (!arriving.is_empty()).then(|| of.arrivals(&arriving));
    let of_cells = of_membrane.outside.union(&of_gates.outside).copied().collect();
    let lanes = of.lanes;
    let shape = CableShape {
        states: of.states,
        v: cable.v,
        segments: lanes.segments,
        lanes,
        counts: (!p.has_even(index)).then(|| p.counts(index)),
        whole: has_whole,
        injected,
        of_cells,
    };
    Cable { shape, membrane, gates, arrivals }
}

/// The segments of a cable, for which kernels are made.
struct Segments<'a> {
    p: &'a Population,
    index: usize,
    states: Vec<VarId>,
    lanes: Lanes,
    /// What stays of what is its own, the same everywhere or by place: parameters, distances, entries of propagators.
    fixed: HashMap<VarId, Column>,
    dt: f64,
    precision: Precision,
}

impl<'a> Segments<'a> {
    fn new(p: &'a Population, index: usize, dt: f64, precision: Precision) -> Segments<'a> {
        let model = &p.model;
        let lanes = p.lanes(index);
        let states: Vec<VarId> = model.states().filter(|(_, v)| v.cable == Some(index)).map(|(id, _)| id).collect();
        let mut of = Segments { p, index, states, lanes, fixed: HashMap::new(), dt, precision };
        let own = model.vars.iter().filter(|(_, v)| v.cable == Some(index));
        let mut used: BTreeSet<VarId> = own.map(|(id, _)| id).collect();
        for block in p.solved.propagators.iter().filter(|b| b.states.iter().all(|s| of.states.contains(s))) {
            let mut mention = |e: &Expr| {
                if let Expr::Var(v) = e {
                    used.insert(*v);
                }
            };
            block.matrix.iter().flatten().for_each(|e| e.walk(&mut mention));
        }
        of.fixed = used.into_iter().filter_map(|id| Some((id, of.column(id)?))).collect();
        of.fixed.extend(propagated(p, &of.fixed, lanes, dt, |s| of.states.contains(&s)));
        of
    }

    /// What a parameter, or the distance, is in each segment, if it is either. A cell's parameter holds for all its segments, unless it
    /// follows from where they are.
    fn column(&self, id: VarId) -> Option<Column> {
        let (p, var) = (self.p, &self.p.model.vars[id]);
        if !matches!(var.kind, VarKind::Param(_) | VarKind::Distance) {
            return None;
        }
        let along = p.model.varies_along(id) && var.cable == Some(self.index);
        match p.params.get(&id) {
            Some(Column::Const(c)) if !along => Some(Column::Const(*c)),
            None if !along => None,
            _ => {
                let value = |(cell, segment): (usize, usize)| p.fixed(id, cell, segment);
                Some(Column::Array(Arc::new(p.each_place(self.index).map(value).collect::<Option<_>>()?)))
            }
        }
    }

    fn cable(&self) -> &'a hir::Cable {
        &self.p.model.cables[self.index]
    }

    /// Makes a kernel that has the states, perhaps to replace them, and what it `reads` besides.
    fn kernel(
        &self,
        name: &str,
        writes: bool,
        reads: &Reads,
        body: impl FnOnce(&mut Lowering, &mut Vec<(Slot, CableSlot)>),
    ) -> Lowered<CableSlot> {
        let model = &self.p.model;
        let params = |v: VarId| self.fixed.get(&v).cloned().or_else(|| self.column(v));
        let lets = |v: VarId| model.definition(v).cloned();
        let name = format!("{}.{}.{name}", model.name, self.cable().name);
        let mut l = Lowering::new(&name, self.precision, &params, &lets);
        (l.dt, l.n_lanes) = (Some(self.dt), self.lanes.places());
        let mut slots = Vec::new();
        let states = self.states.iter().map(|id| {
            let kind = if writes && *id != self.cable().v { SlotKind::State } else { SlotKind::Lane };
            (*id, kind, CableSlot::State(*id))
        });
        let outside = reads.outside.iter().map(|id| (*id, SlotKind::Lane, CableSlot::OfCell(*id)));
        for (id, kind, meaning) in states.chain(outside) {
            let slot = l.b.slot(model.vars[id].name.clone(), kind);
            slots.push((slot, meaning));
            let v = l.b.load(slot);
            l.env.insert(id, v);
        }
        if reads.time {
            let slot = l.b.slot("t".to_string(), SlotKind::Uniform);
            slots.push((slot, CableSlot::Time));
            l.time = Some(l.b.load(slot));
            l.clocks_in = Some(SlotKind::Lane);
        }
        for k in &reads.noises {
            let mut word = |second: bool| {
                let slot = l.b.slot(format!("random{}", 2 * k + 1 + u32::from(second)), SlotKind::Step);
                slots.push((slot, CableSlot::Random(*k, second)));
                slot
            };
            let pair = (word(false), word(true));
            l.randoms.insert((true, *k), pair);
        }
        body(&mut l, &mut slots);
        slots.extend(l.invariants.into_iter().map(|(slot, values, _)| (slot, CableSlot::Lane(values))));
        slots.extend(l.clocks.into_iter().map(|(slot, clock)| (slot, CableSlot::Clock(clock))));
        Lowered::sorted(l.b.finish(), slots)
    }

    /// Conductance and current at zero potential, per area, and of the whole segment if there is any.
    fn membrane(&self, reads: &Reads, density: &Expr, whole: Option<&Expr>) -> Lowered<CableSlot> {
        let density = linearized(density, self.cable().v);
        let mut outputs =
            vec![("g", CableSlot::Conductance, density.coefficient), ("i", CableSlot::Current, density.rest)];
        if let Some(whole) = whole {
            let whole = linearized(whole, self.cable().v);
            outputs.push(("g_whole", CableSlot::WholeConductance, whole.coefficient));
            outputs.push(("i_whole", CableSlot::WholeCurrent, whole.rest));
        }
        self.kernel("membrane", false, reads, |l, slots| {
            for (name, meaning, e) in outputs {
                let slot = l.b.slot(name, SlotKind::Out);
                slots.push((slot, meaning));
                let v = l.number(&simplify(e));
                l.b.store(slot, v);
            }
        })
    }

    /// Advances all states but the potential.
    fn gates(&self, reads: &Reads, updates: &[(VarId, &Expr)]) -> Lowered<CableSlot> {
        self.kernel("gates", true, reads, |l, slots| {
            let next: Vec<_> = updates.iter().map(|(s, e)| (*s, l.number(e))).collect();
            self.store(l, slots, &next);
        })
    }

    /// Adds what arrives.
    fn arrivals(&self, arriving: &[&Arrival]) -> Lowered<CableSlot> {
        self.kernel("arrivals", true, &Reads::default(), |l, slots| {
            let mut ports: Vec<(VarId, Value)> = Vec::new();
            let mut next: Vec<(VarId, Value)> = Vec::new();
            for a in arriving {
                let known = ports.iter().find(|(port, _)| *port == a.port).map(|(_, value)| *value);
                let arrived = known.unwrap_or_else(|| {
                    let slot = l.b.slot(self.p.model.vars[a.port].name.clone(), SlotKind::Lane);
                    slots.push((slot, CableSlot::Arrival(a.port)));
                    let value = l.b.load(slot);
                    ports.push((a.port, value));
                    value
                });
                let coefficient = l.number(&a.coefficient);
                let change = l.b.mul(coefficient, arrived);
                let old = next.iter().rfind(|(state, _)| *state == a.state).map_or(l.env[&a.state], |(_, v)| *v);
                next.push((a.state, l.b.add(old, change)));
            }
            self.store(l, slots, &next);
        })
    }

    /// Stores the last of the new values of every state but the potential, or what it was.
    fn store(&self, l: &mut Lowering, slots: &[(Slot, CableSlot)], next: &[(VarId, Value)]) {
        for (slot, meaning) in slots {
            let CableSlot::State(id) = meaning else { continue };
            if *id != self.cable().v {
                let new = next.iter().rfind(|(s, _)| s == id).map_or(l.env[id], |(_, v)| *v);
                l.b.store(*slot, new);
            }
        }
    }
}

/// Returns the entries of the propagators of states, the same everywhere or by place.
fn propagated(
    p: &Population,
    params: &HashMap<VarId, Column>,
    lanes: Lanes,
    dt: f64,
    own: impl Fn(VarId) -> bool,
) -> HashMap<VarId, Column> {
    let mut out = HashMap::new();
    for block in p.solved.propagators.iter().filter(|b| b.states.iter().all(|s| own(*s))) {
        let differs = |e: &Expr| matches!(e, Expr::Var(v) if !matches!(params.get(v), Some(Column::Const(_))));
        if !block.matrix.iter().flatten().any(|e| e.any(&mut |e| differs(e))) {
            let value = |v: VarId| params.get(&v).map(|c| c.at(0));
            out.extend(entries(block, &value, dt).into_iter().map(|(v, x)| (v, Column::Const(x))));
            continue;
        }
        let mut columns: HashMap<VarId, Vec<f64>> = HashMap::new();
        for place in 0..lanes.places() {
            for (v, x) in entries(block, &|v| params.get(&v).map(|c| c.at(place)), dt) {
                columns.entry(v).or_default().push(x);
            }
        }
        out.extend(columns.into_iter().map(|(v, values)| (v, Column::Array(Arc::new(values)))));
    }
    out
}

/// What expressions of a cable read beside its own states, parameters and arrivals.
#[derive(Default)]
struct Reads {
    /// Noise processes.
    noises: BTreeSet<u32>,
    /// Inputs, states of the cell, of one segment of another cable.
    outside: BTreeSet<VarId>,
    time: bool,
}

impl Reads {
    fn of<'e>(model: &Neuron, cable: usize, expressions: impl Iterator<Item = &'e Expr>) -> Reads {
        let mut out = Reads::default();
        for e in expressions {
            model.any(e, &mut |e| {
                match e {
                    Expr::Noise(k) => {
                        out.noises.insert(*k);
                    }
                    Expr::Time => out.time = true,
                    Expr::Var(v) => {
                        let Some(var) = model.vars.get(*v) else { return false };
                        if match var.kind {
                            VarKind::AnalogPort(_) | VarKind::Segment(..) => true,
                            VarKind::State(_) => var.cable != Some(cable),
                            _ => false,
                        } {
                            out.outside.insert(*v);
                        }
                    }
                    _ => {}
                }
                false
            });
        }
        out
    }
}

/// A current as conductance and current at zero potential: as it is if it is linear in the potential, else its tangent.
fn linearized(current: &Expr, v: VarId) -> Linear {
    linear_in(current, v).unwrap_or_else(|| {
        let coefficient = simplify(derivative(current, v));
        let rest = Expr::bin(Op::Sub, current.clone(), Expr::bin(Op::Mul, coefficient.clone(), Expr::Var(v)));
        Linear { coefficient, rest }
    })
}
