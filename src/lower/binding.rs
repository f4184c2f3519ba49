//! What the slots of a population's kernel hold, and which values of parameters and inputs are part of it.

use super::expression::{Clock, lanes_of};
use super::lowered::Lowered;
use crate::hir::{EventId, Expr, VarId, VarKind};
use crate::ir::Precision;
use crate::plan::{Column, Population};
use crate::solve::{Matrix, Propagator, exponential};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How an analog port gets its value.
#[derive(Debug, Clone, PartialEq)]
pub enum PortSource {
    /// A constant or one value per cell.
    Fixed(Column),
    /// One value for all cells, new at every step.
    Uniform,
    /// One value per cell, new at every step.
    Step,
}

/// States the compiler adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Hidden {
    /// Steps for which a state is still held.
    Hold(VarId),
    /// Steps for which an event is still muted.
    Mute(EventId),
    /// Steps since an event; in single precision what is left after whole blocks of [`BLOCK`] steps.
    Since(EventId),
    /// Blocks of steps since an event, in single precision.
    Blocks(EventId),
    /// What a slow state has beyond its precision, in single precision.
    Rest(VarId),
    /// Where the potential of a cable was at the end of the last step: there it is held.
    Kept(VarId),
    /// Whether the condition of the n-th `emit` held in the last step; [`UNSEEN`] before the first one.
    Edge(usize),
}

/// Steps that are counted exactly in single precision, well below the end of its whole numbers.
pub const BLOCK: f64 = 8_388_608.0;

/// What stands for a condition that has not been looked at yet, beside 0 and 1.
pub const UNSEEN: f64 = 2.0;

/// How long ago an event counts that has not happened yet: some thirty years, internal units.
pub const LONG_AGO: f64 = 1e12;

/// Returns the number of steps that stands for ever: counting down from it does not change it.
pub(super) fn for_ever(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 4.0 * BLOCK,
        Precision::F64 => 2f64.powi(54),
    }
}

/// Returns the largest number of steps that is counted down exactly.
pub fn longest(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 2.0 * BLOCK - 1.0,
        Precision::F64 => 2f64.powi(53) - 1.0,
    }
}

/// What a slot of a neuron's kernel holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Binding {
    /// A state of the model.
    State(VarId),
    /// A state the compiler added.
    Hidden(Hidden),
    /// Fixed values per cell, and the expression of parameters and ports that they are.
    Lane(Arc<Vec<f64>>, Expr),
    /// Summed weights of events that arrive at an event port.
    Arrival(VarId),
    /// A port's value per step.
    PortUniform(VarId),
    /// A port's value per cell and step.
    PortStep(VarId),
    /// Raw random bits of a stream.
    Random(u32),
    /// Simulated time.
    Time,
    /// A function of time.
    Clock(Arc<Clock>),
    /// Bits of an event.
    Event(EventId),
    /// How many there are at once.
    Count(EventId),
    /// A state of a segment of a cable, after this step's solution.
    CableState(VarId, usize),
    /// What events have made of a state of a cable that has one segment.
    CableChanged(VarId),
    /// The step to attempt (adaptive kernels).
    StepSize,
    /// The error of the attempt relative to the tolerance.
    StepError,
}

impl Lowered<Binding> {
    /// Computes the slots with a value for each cell anew, after values have changed that are not part of the kernel, given those of
    /// [parameters]; false if one has none.
    pub fn refill(
        &self,
        p: &Population,
        (parameters, ports): (&HashMap<VarId, Column>, &BTreeMap<VarId, PortSource>),
        dt: f64,
        put: &mut dyn FnMut(usize, &[f64]),
    ) -> bool {
        let params = |v: VarId| match ports.get(&v) {
            Some(PortSource::Fixed(c)) => Some(c.clone()),
            _ => parameters.get(&v).cloned(),
        };
        let definitions = |v: VarId| match p.model.vars.get(v).map(|v| &v.kind) {
            Some(VarKind::Let(e)) => Some(e.clone()),
            _ => None,
        };
        self.slots.iter().enumerate().all(|(slot, binding)| {
            let Binding::Lane(_, e) = binding else { return true };
            let values = lanes_of(e, &definitions, &params, Some(dt), p.n);
            values.inspect(|values| put(slot, values)).is_some()
        })
    }
}

/// What of a parameter or port is part of a kernel: two kernels are alike if all is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baked {
    /// Its value, by its bits.
    Value(u64),
    /// That it has a value for each cell, which is not.
    Lanes,
    /// That it has a new value at every step.
    Uniform,
    /// That it has a new value for each cell at every step.
    Step,
}

/// Lists what of parameters and ports is part of a kernel.
pub fn baked(p: &Population, ports: &BTreeMap<VarId, PortSource>) -> Vec<(VarId, Baked)> {
    let column = |c: &Column| match c {
        Column::Const(x) => Baked::Value(x.to_bits()),
        _ => Baked::Lanes,
    };
    let of_ports = ports.iter().map(|(v, source)| match source {
        PortSource::Fixed(c) => (*v, column(c)),
        PortSource::Uniform => (*v, Baked::Uniform),
        PortSource::Step => (*v, Baked::Step),
    });
    p.params.iter().map(|(v, c)| (*v, column(c))).chain(of_ports).collect()
}

/// Names a hidden state as readers see it in the IR.
pub(super) fn hidden_name(population: &Population, h: Hidden) -> String {
    match h {
        Hidden::Hold(v) => format!("hold.{}", population.model.vars[v].name),
        Hidden::Mute(e) => format!("mute.{}", population.model.events[e].name),
        Hidden::Since(e) => format!("since.{}", population.model.events[e].name),
        Hidden::Blocks(e) => format!("blocks.{}", population.model.events[e].name),
        Hidden::Rest(v) => format!("rest.{}", population.model.vars[v].name),
        Hidden::Kept(v) => format!("kept.{}", population.model.vars[v].name),
        Hidden::Edge(i) => format!("edge.{i}"),
    }
}

/// Returns values of parameters including the entries of propagators.
pub fn parameters(p: &Population, dt: f64) -> HashMap<VarId, Column> {
    let mut out: HashMap<VarId, Column> = p.params.iter().map(|(k, v)| (*k, v.clone())).collect();
    for block in p.solved.propagators.iter().filter(|b| b.states.iter().all(|s| p.model.vars[*s].cable.is_none())) {
        let uniform =
            !block.matrix.iter().flatten().any(|e| {
                e.any(&mut |e| matches!(e, Expr::Var(v) if matches!(p.params.get(v), Some(Column::Array(_)))))
            });
        let cells = if uniform { 1 } else { p.n };
        let mut columns: BTreeMap<VarId, Vec<f64>> = BTreeMap::new();
        for i in 0..cells {
            for (v, value) in entries(block, &|v| p.params.get(&v).map(|c| c.at(i)), dt) {
                columns.entry(v).or_default().push(value);
            }
        }
        for (v, values) in columns {
            out.insert(v, if uniform { Column::Const(values[0]) } else { Column::Array(Arc::new(values)) });
        }
    }
    out
}

/// Returns the entries of a propagator where its parameters have some values.
pub(super) fn entries(block: &Propagator, params: &dyn Fn(VarId) -> Option<f64>, dt: f64) -> Vec<(VarId, f64)> {
    let value = |e: &Expr| match crate::math::eval(e, params, Some(dt)) {
        Some(v) => v,
        None => crate::ice!("a propagator that follows from more than parameters"),
    };
    let matrix = block.matrix.iter().map(|r| r.iter().map(value).collect()).collect();
    let (transition, integral) = exponential(&matrix, dt);
    let of = |list: &[(usize, usize, VarId)], entries: &Matrix| -> Vec<(VarId, f64)> {
        list.iter().map(|(row, column, v)| (*v, entries[*row][*column])).collect()
    };
    [of(&block.transition, &transition), of(&block.integral, &integral)].concat()
}

/// Returns the ports whose values are parameters of the kernel.
pub(super) fn fixed(ports: &BTreeMap<VarId, PortSource>) -> impl Iterator<Item = (VarId, Column)> {
    ports.iter().filter_map(|(port, source)| match source {
        PortSource::Fixed(c) => Some((*port, c.clone())),
        _ => None,
    })
}
