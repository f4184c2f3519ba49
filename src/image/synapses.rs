//! Kernels of projections: what presynaptic events do, continuous contributions, programs of synapses that learn.

use super::{Bound, Target};
use crate::codegen::Steps;
use crate::hir::{Expr, Place, Side, Stmt, Trigger, VarId};
use crate::ir::{Op, Slot, SlotKind, Value};
use crate::lower::{
    ContinuousSlot, EventSlot, Lowered, OnPre, PlasticKernel, PlasticSlot, Rates, lower_continuous, lower_on_pre,
    lower_plastic,
};
use crate::plan::Projection;
use std::collections::BTreeMap;

/// What a presynaptic event of synapses that do not learn does.
pub enum Effect {
    /// Delivers the weight times this.
    Factor(f64),
    /// Advances states, which come first among the slots and give the factor.
    Kernel(Box<Bound<EventSlot>>),
}

/// Compiles a handler of presynaptic events of synapses that do not learn.
pub fn effect(p: &Projection, body: &[Stmt], target: &Target) -> Effect {
    match lower_on_pre(p, body, target.precision) {
        OnPre::Factor(factor) => Effect::Factor(factor),
        OnPre::Kernel(lowered) => Effect::Kernel(Box::new(Bound::new(*lowered, target.backend, Steps::One))),
    }
}

/// Compiles a continuous `deliver`.
pub fn contribution(p: &Projection, deliver: &Expr, target: &Target) -> Bound<ContinuousSlot> {
    Bound::new(lower_continuous(p, deliver, target.dt, target.precision), target.backend, Steps::One)
}

/// A kernel of synapses that learn, and what follows from its slots.
pub struct Compiled {
    /// The kernel.
    pub kernel: Bound<PlasticSlot>,
    /// What one lane is.
    pub place: Place,
    /// Its number among the projection's kernels.
    pub number: usize,
    /// By slot: how it is laid out.
    pub kinds: Vec<SlotKind>,
    /// Whether presynaptic cells must be known.
    pub needs_source: bool,
    /// Whether positions in the plan must be known.
    pub needs_edge: bool,
    /// Whether it changes weights and does nothing else.
    pub only_weight: bool,
    /// Whether it delivers.
    pub delivers: bool,
    /// Whether it delivers the weight as it is and does nothing else.
    pub hands_on_weight: bool,
}

/// What happens at one kind of event or signal.
pub struct Handler {
    /// When.
    pub trigger: Trigger,
    /// One for each place that it changes, the synapses first.
    pub kernels: Vec<Compiled>,
}

/// The program of a projection's synapses.
pub struct Program {
    /// In order of declaration.
    pub handlers: Vec<Handler>,
    /// One step of what follows equations at every step, one for each place.
    pub flows: Vec<Compiled>,
    /// States that are advanced exactly over any time.
    pub exact: BTreeMap<VarId, Rates>,
}

/// Compiles handlers and equations of synapses that learn.
pub fn program(p: &Projection, target: &Target) -> Program {
    let lowered = lower_plastic(p, target.dt, target.precision);
    let mut count = 0;
    let mut compiled = |kernel: PlasticKernel| {
        count += 1;
        Compiled::new(kernel, count - 1, target)
    };
    let handlers = lowered
        .handlers
        .into_iter()
        .map(|h| Handler { trigger: h.trigger, kernels: h.kernels.into_iter().map(&mut compiled).collect() });
    Program {
        handlers: handlers.collect(),
        flows: lowered.flows.into_iter().map(&mut compiled).collect(),
        exact: lowered.exact,
    }
}

impl Compiled {
    /// Returns the states that it writes, with their slots.
    pub fn written(&self) -> impl Iterator<Item = (VarId, usize)> {
        self.kernel.slots().iter().enumerate().filter_map(|(k, slot)| match slot {
            PlasticSlot::State(v, _) if self.kinds[k] == SlotKind::State => Some((*v, k)),
            _ => None,
        })
    }

    fn new(PlasticKernel { place, lowered }: PlasticKernel, number: usize, target: &Target) -> Compiled {
        let slots = &lowered.slots;
        let kinds: Vec<SlotKind> = lowered.kernel.slots.values().map(|d| d.kind).collect();
        let any = |what: &dyn Fn(&PlasticSlot) -> bool| slots.iter().any(what);
        let only_weight = slots.iter().zip(&kinds).all(|(slot, kind)| match slot {
            PlasticSlot::Delivered | PlasticSlot::Rewired => false,
            PlasticSlot::State(..) => *kind != SlotKind::State,
            _ => true,
        });
        Compiled {
            place,
            number,
            only_weight,
            delivers: slots.contains(&PlasticSlot::Delivered),
            hands_on_weight: hands_on_weight(&lowered),
            needs_edge: any(&|s| matches!(s, PlasticSlot::Random(..) | PlasticSlot::Drawn(..) | PlasticSlot::Rewired)),
            needs_source: any(&|s| matches!(s, PlasticSlot::State(_, Place::Pre) | PlasticSlot::Cell(Side::Pre, ..))),
            kinds,
            kernel: Bound::new(lowered, target.backend, Steps::One),
        }
    }
}

/// Returns whether all that a kernel does is to deliver the weight.
fn hands_on_weight(lowered: &Lowered<PlasticSlot>) -> bool {
    let what = |slot: Slot| &lowered.slots[slot.as_u32() as usize];
    let values = &lowered.kernel.values;
    let is_weight = |v: Value| matches!(values[v], Op::Load(from) if *what(from) == PlasticSlot::Weight);
    let is_zero = |v: Value| matches!(values[v], Op::Const(0));
    match lowered.kernel.stores[..] {
        [(to, value)] if *what(to) == PlasticSlot::Delivered => match values[value] {
            // Sums of deliveries begin with zero.
            Op::Add(a, b) => is_zero(a) && is_weight(b),
            _ => is_weight(value),
        },
        _ => false,
    }
}
