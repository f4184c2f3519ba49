//! Kernels of plastic synapses: what an event of either cell does to the weights and states it reaches.
//!
//! A handler becomes up to two kernels. The synapse kernel has one lane per synapse that the event reaches and replays
//! the statements that matter to it; the cell kernel has one lane per cell that had the event and replays those that
//! change the states kept with the cell. Both start from the states before the event, so a statement sees exactly what
//! the statements before it have done.

use super::expression::Lowering;
use super::synapse::bounded;
use crate::hir::{Expr, Place, Side, Stmt, Synapse, VarId, VarKind};
use crate::ir::{Kernel, Precision, Slot, SlotKind, Value, passes};
use crate::plan::{Column, Projection};
use crate::solve::{exact_scalar, writes};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a slot of a plastic synapse's kernel holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PlasticSlot {
    /// The weight.
    Weight,
    /// A state of the synapse, wherever it is kept.
    State(VarId, Place),
    /// Time since the states kept at a place were last advanced.
    Elapsed(Place),
    /// A variable of one of the cells: whether of the sending one, and which.
    Cell(Side, VarId),
    /// What is sent to the port.
    Delivered,
}

/// A kernel and the meaning of its slots.
#[derive(Debug, Clone)]
pub struct PlasticKernel {
    /// Before optimization.
    pub raw: Kernel,
    /// What runs.
    pub kernel: Kernel,
    /// By slot; states and the weight are written if their slot is of kind `State`.
    pub slots: Vec<PlasticSlot>,
}

/// What happens at one kind of event.
#[derive(Debug, Clone)]
pub struct PlasticHandler {
    /// Whose event.
    pub side: Side,
    /// Its name.
    pub event: String,
    /// For every synapse it reaches; none if nothing but states of the cell change.
    pub synapse: Option<PlasticKernel>,
    /// For the cell that had it; none if no state is kept with the cell.
    pub cell: Option<PlasticKernel>,
}

/// Lowers all handlers of a projection in order of declaration.
pub fn lower_plastic(
    p: &Projection,
    places: &BTreeMap<VarId, Place>,
    dt: f64,
    precision: Precision,
) -> Vec<PlasticHandler> {
    let s = &p.synapse;
    s.handlers
        .iter()
        .map(|h| {
            let own = if h.side == Side::Pre { Place::Pre } else { Place::Post };
            let kept = |v: VarId, place: Place| places.get(&v) == Some(&place);
            let weight = s.weight();
            let lasting = |v: VarId| Some(v) == weight || kept(v, Place::Synapse);
            let name = format!("{}.{}.{}", s.name, if h.side == Side::Pre { "pre" } else { "post" }, h.event);
            let reaches = h.body.iter().any(|stmt| concerns(stmt, &lasting, true));
            let synapse = reaches.then(|| {
                let targets = closure(s, &h.body, &lasting);
                Build { p, places, dt, precision }.kernel(&name, &h.body, &targets, true)
            });
            let shared: BTreeSet<VarId> = s.states().map(|(id, _)| id).filter(|v| kept(*v, own)).collect();
            let changes = shared.iter().any(|v| writes(&h.body, *v));
            let cell = changes
                .then(|| Build { p, places, dt, precision }.kernel(&format!("{name}.cell"), &h.body, &shared, false));
            PlasticHandler { side: h.side, event: h.event.clone(), synapse, cell }
        })
        .collect()
}

/// Returns whether a statement assigns one of `targets`, or delivers and that counts.
fn concerns(stmt: &Stmt, targets: &dyn Fn(VarId) -> bool, deliveries: bool) -> bool {
    match stmt {
        Stmt::Assign(v, _) => targets(*v),
        Stmt::Deliver(_) => deliveries,
        Stmt::If(_, a, b) => a.iter().chain(b).any(|s| concerns(s, targets, deliveries)),
        _ => false,
    }
}

/// Finds all variables whose assignments must be replayed: those that last, and those that their values need.
fn closure(s: &Synapse, body: &[Stmt], lasting: &dyn Fn(VarId) -> bool) -> BTreeSet<VarId> {
    let mut out: BTreeSet<VarId> = s.vars.keys().filter(|v| lasting(*v)).collect();
    loop {
        let mut read = BTreeSet::new();
        reads(s, body, &out, true, &mut read);
        let before = out.len();
        out.extend(read.into_iter().filter(|v| writes(body, *v)));
        if out.len() == before {
            return out;
        }
    }
}

/// Collects what the statements that assign `targets`, or deliver if that counts, read.
fn reads(s: &Synapse, body: &[Stmt], targets: &BTreeSet<VarId>, deliveries: bool, out: &mut BTreeSet<VarId>) {
    for stmt in body.iter().filter(|stmt| concerns(stmt, &|v| targets.contains(&v), deliveries)) {
        let e = match stmt {
            Stmt::Assign(_, e) | Stmt::Deliver(e) => e,
            Stmt::If(c, a, b) => {
                reads(s, a, targets, deliveries, out);
                reads(s, b, targets, deliveries, out);
                c
            }
            _ => continue,
        };
        s.inline(e.clone()).walk(&mut |e| {
            if let Expr::Var(v) = e {
                out.insert(*v);
            }
        });
    }
}

struct Build<'a> {
    p: &'a Projection,
    places: &'a BTreeMap<VarId, Place>,
    dt: f64,
    precision: Precision,
}

impl Build<'_> {
    /// Lowers the assignments to `targets`, and deliveries if it is the kernel of the synapses.
    fn kernel(&self, name: &str, body: &[Stmt], targets: &BTreeSet<VarId>, synapses: bool) -> PlasticKernel {
        let s = &self.p.synapse;
        let params = |v: VarId| self.p.params.get(&v).map(|c| Column::Const(*c));
        let lets = |_: VarId| None;
        let mut l = Lowering::new(name, self.precision, &params, &lets);
        let mut used: BTreeSet<VarId> = targets.iter().copied().filter(|v| writes(body, *v)).collect();
        reads(s, body, targets, synapses, &mut used);
        let kept = |place: Place| self.places.iter().filter(move |(_, p)| **p == place).map(|(v, _)| *v);
        // What is kept together is advanced together: it has one time of the last event.
        for place in [Place::Pre, Place::Post, Place::Synapse] {
            let written = kept(place).any(|v| targets.contains(&v) && (place == Place::Synapse || !synapses));
            if written && kept(place).any(|v| used.contains(&v)) {
                used.extend(kept(place));
            }
        }
        let mut slots: Vec<PlasticSlot> = Vec::new();
        let mut stored: Vec<(Slot, VarId)> = Vec::new();
        let mut elapsed: HashMap<u8, Value> = HashMap::new();
        for v in &used {
            let var = &s.vars[*v];
            let (kind, slot) = match var.kind {
                VarKind::Weight if writes(body, *v) => (SlotKind::State, PlasticSlot::Weight),
                VarKind::Weight => (SlotKind::Lane, PlasticSlot::Weight),
                VarKind::Pre(of) => (SlotKind::Lane, PlasticSlot::Cell(Side::Pre, of)),
                VarKind::Post(of) => (SlotKind::Lane, PlasticSlot::Cell(Side::Post, of)),
                VarKind::State(_) => {
                    let place = self.places[v];
                    let writes = if synapses { place == Place::Synapse } else { true };
                    (if writes { SlotKind::State } else { SlotKind::Lane }, PlasticSlot::State(*v, place))
                }
                _ => continue,
            };
            if let PlasticSlot::State(_, place) = slot {
                elapsed.entry(place as u8).or_insert_with(|| {
                    slots.push(PlasticSlot::Elapsed(place));
                    let slot = l.b.slot(["pre_elapsed", "post_elapsed", "elapsed"][place as usize], SlotKind::Lane);
                    l.b.load(slot)
                });
            }
            let at = l.b.slot(var.name.replace('.', "_"), kind);
            slots.push(slot);
            if kind == SlotKind::State {
                stored.push((at, *v));
            }
            let value = l.b.load(at);
            l.env.insert(*v, value);
        }
        let mut advanced: Vec<(VarId, Value)> = Vec::new();
        for eq in s.equations.iter().filter(|eq| used.contains(&eq.state)) {
            let exact = exact_scalar(eq.state, &s.inline(eq.rhs.clone()));
            let exact = exact.unwrap_or_else(|| crate::ice!("synapse state is not linear"));
            l.dt_value = Some(elapsed[&(self.places[&eq.state] as u8)]);
            advanced.push((eq.state, l.number(&exact)));
        }
        l.env.extend(advanced);
        l.dt_value = None;
        l.dt = Some(self.dt);
        let delivers = synapses && body.iter().any(|s| concerns(s, &|_| false, true));
        let mut sum = l.b.constant(0.0);
        let always = l.b.truth(true);
        self.replay(&mut l, body, always, targets, synapses, &mut sum);
        for (slot, v) in stored {
            let value = l.env[&v];
            l.b.store(slot, value);
        }
        if delivers {
            let slot = l.b.slot("delivered", SlotKind::Out);
            slots.push(PlasticSlot::Delivered);
            l.b.store(slot, sum);
        }
        let raw = l.b.finish();
        PlasticKernel { kernel: passes::optimize(&raw), raw, slots }
    }

    fn replay(
        &self,
        l: &mut Lowering,
        body: &[Stmt],
        when: Value,
        targets: &BTreeSet<VarId>,
        synapses: bool,
        sum: &mut Value,
    ) {
        let s = &self.p.synapse;
        for stmt in body.iter().filter(|stmt| concerns(stmt, &|v| targets.contains(&v), synapses)) {
            match stmt {
                Stmt::Assign(v, e) => {
                    let value = l.number(&s.inline(e.clone()));
                    let value = bounded(l, s, *v, value);
                    let old = l.env[v];
                    let new = l.b.select(when, value, old);
                    l.env.insert(*v, new);
                }
                Stmt::Deliver(e) => {
                    let value = l.number(&s.inline(e.clone()));
                    let more = l.b.add(*sum, value);
                    *sum = l.b.select(when, more, *sum);
                }
                Stmt::If(c, a, b) => {
                    let c = l.mask(&s.inline(c.clone()));
                    let both = l.b.and(when, c);
                    self.replay(l, a, both, targets, synapses, sum);
                    let opposite = l.b.not(c);
                    let both = l.b.and(when, opposite);
                    self.replay(l, b, both, targets, synapses, sum);
                }
                _ => {}
            }
        }
    }
}
