//! Kernels of plastic synapses: what an event of either cell, or a signal, does to the weights and states it reaches, and
//! how those change that follow equations at every step.
//!
//! A handler becomes a kernel for the synapses that it reaches and one for every other place where a state is kept that it
//! changes. Each has one lane per item of its place, replays the statements that matter to it, and starts from the states
//! before the event, so a statement sees exactly what the statements before it have done.
//!
//! A state whose equation is `x' = a x + b` with constants is kept as the value `s` that it would have had at a common
//! earlier moment: now it is `scale * s + shift`, with two numbers for all lanes.

use super::expression::Lowering;
use super::lowered::Lowered;
use super::synapse::bounded;
use crate::hir::{Expr, Handler, Place, Side, Stmt, Synapse, Trigger, VarId, VarKind};
use crate::ir::{Precision, Slot, SlotKind, Value};
use crate::math::{eval, linear_through, simplify, walk_through};
use crate::plan::{Column, Projection};
use crate::solve::{constant_rates, exact_scalar, stepped, writes};
use std::collections::{BTreeMap, BTreeSet};

/// What a slot of a plastic synapse's kernel holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PlasticSlot {
    /// The weight.
    Weight,
    /// A state of the synapse, wherever it is kept.
    State(VarId, Place),
    /// What multiplies a state that is advanced exactly, the same in all lanes.
    Scale(VarId),
    /// What is added to it.
    Shift(VarId),
    /// The reciprocal of its scale.
    Unscale(VarId),
    /// A variable of one of the cells: of which side, which, and how many steps ago.
    Cell(Side, VarId, u32),
    /// A modulator that varies.
    Modulator(VarId),
    /// Random bits of a noise process, first or second word.
    Random(u32, bool),
    /// Random bits of a draw, first or second word.
    Drawn(u32, bool),
    /// What is sent to the port.
    Delivered,
    /// Whether the synapse is to be rewired.
    Rewired,
    /// Whether weights change: one or zero, the same in all lanes.
    Learning,
}

/// A kernel over the lanes of a place; states and the weight are written if their slot is of kind `State`.
#[derive(Debug, Clone)]
pub struct PlasticKernel {
    /// What one lane is.
    pub place: Place,
    /// What it computes.
    pub lowered: Lowered<PlasticSlot>,
}

/// What happens at one kind of event or signal.
#[derive(Debug, Clone)]
pub struct PlasticHandler {
    /// When.
    pub trigger: Trigger,
    /// One for each place that it changes, the synapses first.
    pub kernels: Vec<PlasticKernel>,
}

/// `x' = a x + b`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// The coefficient of the state.
    pub a: f64,
    /// The rest.
    pub b: f64,
}

/// The program of a projection's synapses.
#[derive(Debug, Clone)]
pub struct PlasticProgram {
    /// In order of declaration.
    pub handlers: Vec<PlasticHandler>,
    /// One step of what follows equations at every step, one for each place.
    pub flows: Vec<PlasticKernel>,
    /// States that are advanced exactly over any time.
    pub exact: BTreeMap<VarId, Rates>,
}

/// Lowers handlers and equations of a projection.
pub fn lower_plastic(p: &Projection, dt: f64, precision: Precision) -> PlasticProgram {
    let places = p.places();
    let steps = stepped(&p.synapse);
    let s = &p.synapse;
    let constant = |e: &Expr| match eval(e, &|v| p.params.get(&v).copied(), None) {
        Some(v) => v,
        None => crate::ice!("a rate of a synapse that follows from more than parameters"),
    };
    let exact: BTreeMap<VarId, Rates> = s
        .states()
        .filter(|(id, _)| !steps.contains(id))
        .filter_map(|(id, _)| constant_rates(s, id).map(|(a, b)| (id, Rates { a: constant(&a), b: constant(&b) })))
        .collect();
    let build = Build { p, places: &places, stepped: &steps, exact: &exact, dt, precision };
    let handlers = s.handlers.iter().map(|h| build.handler(h)).collect();
    let flows = [Place::Projection, Place::Pre, Place::Post, Place::Synapse].into_iter();
    let flows = flows.filter_map(|place| build.flow(place)).collect();
    PlasticProgram { handlers, flows, exact }
}

/// Returns whether a statement assigns one of `targets`, or delivers and that counts.
fn concerns(stmt: &Stmt, targets: &dyn Fn(VarId) -> bool, deliveries: bool) -> bool {
    match stmt {
        Stmt::Assign(v, _) => targets(*v),
        Stmt::Deliver(_) | Stmt::Rewire => deliveries,
        Stmt::If(_, a, b) => a.iter().chain(b).any(|s| concerns(s, targets, deliveries)),
        _ => false,
    }
}

/// Finds all variables whose assignments must be replayed: those that last, and those that their values need.
fn closure(s: &Synapse, body: &[Stmt], lasting: &dyn Fn(VarId) -> bool, deliveries: bool) -> BTreeSet<VarId> {
    let mut out: BTreeSet<VarId> = s.vars.keys().filter(|v| lasting(*v)).collect();
    loop {
        let mut read = BTreeSet::new();
        reads(s, body, &out, deliveries, &mut read);
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
            Stmt::Assign(v, e) => {
                limits(s, *v).for_each(|e| mentioned(s, e, out));
                e
            }
            Stmt::Deliver(e) => e,
            Stmt::If(c, a, b) => {
                reads(s, a, targets, deliveries, out);
                reads(s, b, targets, deliveries, out);
                c
            }
            _ => continue,
        };
        mentioned(s, e, out);
    }
}

/// Collects what the statements that count draw.
fn draws(body: &[Stmt], counts: &dyn Fn(&Stmt) -> bool, out: &mut BTreeSet<u32>) {
    for stmt in body.iter().filter(|stmt| counts(stmt)) {
        let e = match stmt {
            Stmt::Assign(_, e) | Stmt::Deliver(e) => e,
            Stmt::If(c, a, b) => {
                draws(a, counts, out);
                draws(b, counts, out);
                c
            }
            _ => continue,
        };
        e.walk(&mut |e| {
            if let Expr::Draw(k, ..) = e {
                out.insert(*k);
            }
        });
    }
}

/// Returns whether anything that follows a change of the weight reads it, but for the weight itself; it says whether it has changed by
/// then, and whether it has at the end.
fn reads_changed_weight(s: &Synapse, body: &[Stmt], weight: VarId, changed: &mut bool) -> bool {
    let mentions = |e: &Expr| {
        let mut found = BTreeSet::new();
        mentioned(s, e, &mut found);
        found.contains(&weight)
    };
    let mut found = false;
    for stmt in body {
        found |= match stmt {
            Stmt::Assign(v, _) if *v == weight => {
                *changed = true;
                false
            }
            Stmt::Assign(_, e) | Stmt::Deliver(e) => *changed && mentions(e),
            Stmt::If(c, a, b) => {
                let (mut then, mut or) = (*changed, *changed);
                let within =
                    reads_changed_weight(s, a, weight, &mut then) | reads_changed_weight(s, b, weight, &mut or);
                let asked = *changed && mentions(c);
                *changed = then || or;
                within || asked
            }
            _ => false,
        };
    }
    found
}

/// The bounds of a variable.
fn limits(s: &Synapse, v: VarId) -> impl Iterator<Item = &Expr> {
    s.bounds.iter().filter(move |(of, ..)| *of == v).flat_map(|(_, lo, hi)| [lo, hi])
}

/// Collects the variables of an expression.
fn mentioned(s: &Synapse, e: &Expr, out: &mut BTreeSet<VarId>) {
    walk_through(e, &|v| s.definition(v), &mut |e| {
        if let Expr::Var(v) = e {
            out.insert(*v);
        }
    });
}

struct Build<'a> {
    p: &'a Projection,
    places: &'a BTreeMap<VarId, Place>,
    stepped: &'a BTreeSet<VarId>,
    exact: &'a BTreeMap<VarId, Rates>,
    dt: f64,
    precision: Precision,
}

/// What the statements of a handler send beside what they assign.
struct Sent {
    delivered: Value,
    rewired: Value,
    /// Whether weights change, where that is more than whether they are stored.
    learning: Option<Value>,
}

/// Returns whether any statement, also within conditions, is of a kind.
fn contains(body: &[Stmt], what: &dyn Fn(&Stmt) -> bool) -> bool {
    body.iter().any(|s| what(s) || matches!(s, Stmt::If(_, a, b) if contains(a, what) || contains(b, what)))
}

/// Finds something by variable.
type Lookup<'a, T> = &'a dyn Fn(VarId) -> Option<T>;

/// A kernel in the making.
struct Open<'a> {
    l: Lowering<'a>,
    slots: Vec<PlasticSlot>,
    stored: Vec<(Slot, VarId)>,
}

impl Build<'_> {
    fn handler(&self, h: &Handler) -> PlasticHandler {
        let s = &self.p.synapse;
        let name = format!("{}.{}", s.name, h.trigger);
        let weight = s.weight();
        let lasting = |v: VarId| Some(v) == weight || self.places.get(&v) == Some(&Place::Synapse);
        let mut kernels = Vec::new();
        if h.body.iter().any(|stmt| concerns(stmt, &lasting, true)) {
            kernels.push(self.replayed(&name, Place::Synapse, &h.body, &closure(s, &h.body, &lasting, true)));
        }
        for place in [Place::Pre, Place::Post, Place::Projection] {
            let kept = |v: VarId| self.places.get(&v) == Some(&place) && writes(&h.body, v);
            if self.places.keys().any(|v| kept(*v)) {
                let targets = closure(s, &h.body, &kept, false);
                kernels.push(self.replayed(&format!("{name} {place}"), place, &h.body, &targets));
            }
        }
        PlasticHandler { trigger: h.trigger.clone(), kernels }
    }

    /// Lowers the assignments to `targets`, and deliveries if it is the kernel of the synapses.
    fn replayed(&self, name: &str, place: Place, body: &[Stmt], targets: &BTreeSet<VarId>) -> PlasticKernel {
        let s = &self.p.synapse;
        let params = |v: VarId| self.p.params.get(&v).map(|c| Column::Const(*c));
        let synapses = place == Place::Synapse;
        let mut used: BTreeSet<VarId> = targets.iter().copied().filter(|v| writes(body, *v)).collect();
        reads(s, body, targets, synapses, &mut used);
        let written = |v: VarId| {
            let here = if s.weight() == Some(v) { synapses } else { self.places.get(&v) == Some(&place) };
            here && targets.contains(&v) && writes(body, v)
        };
        let lets = |v: VarId| s.definition(v).cloned();
        let mut open = self.open(name, (&params, &lets), &used, &written);
        open.l.dt = Some(self.dt);
        let mut drawn = BTreeSet::new();
        draws(body, &|stmt| concerns(stmt, &|v| targets.contains(&v), synapses), &mut drawn);
        for k in drawn {
            open.random((false, k), "draw", PlasticSlot::Drawn);
        }
        let any = |what: &dyn Fn(&Stmt) -> bool| synapses && contains(body, what);
        let delivers = any(&|s| matches!(s, Stmt::Deliver(_)));
        let rewires = any(&|s| matches!(s, Stmt::Rewire));
        let zero = open.l.b.constant(0.0);
        let gated = s.weight().is_some_and(|w| reads_changed_weight(s, body, w, &mut false));
        let learning = gated.then(|| {
            let (on, half) = (open.uniform("learning".into(), PlasticSlot::Learning), open.l.b.constant(0.5));
            open.l.b.lt(half, on)
        });
        let mut sum = Sent { delivered: zero, rewired: zero, learning };
        let always = open.l.b.truth(true);
        self.replay(&mut open.l, body, always, targets, synapses, &mut sum);
        if delivers {
            let slot = open.l.b.slot("delivered", SlotKind::Out);
            open.slots.push(PlasticSlot::Delivered);
            open.l.b.store(slot, sum.delivered);
        }
        if rewires {
            let slot = open.l.b.slot("rewired", SlotKind::Out);
            open.slots.push(PlasticSlot::Rewired);
            open.l.b.store(slot, sum.rewired);
        }
        self.close(open, place)
    }

    /// Lowers one step of the equations at a place, all from the values at its beginning.
    fn flow(&self, place: Place) -> Option<PlasticKernel> {
        let s = &self.p.synapse;
        let weight = s.weight();
        let here =
            |v: VarId| if Some(v) == weight { place == Place::Synapse } else { self.places.get(&v) == Some(&place) };
        let equations: Vec<(VarId, Expr)> = s
            .equations
            .iter()
            .filter(|eq| self.stepped.contains(&eq.state) && here(eq.state))
            .map(|eq| (eq.state, simplify(s.unfold(eq.rhs.clone()))))
            .collect();
        if equations.is_empty() {
            return None;
        }
        let params = |v: VarId| self.p.params.get(&v).map(|c| Column::Const(*c));
        let targets: BTreeSet<VarId> = equations.iter().map(|(v, _)| *v).collect();
        let mut used = targets.clone();
        targets.iter().flat_map(|v| limits(s, *v)).for_each(|e| mentioned(s, e, &mut used));
        let mut noises = BTreeSet::new();
        for (_, rhs) in &equations {
            walk_through(rhs, &|v| s.definition(v), &mut |e| match e {
                Expr::Var(v) => {
                    used.insert(*v);
                }
                Expr::Noise(k) => {
                    noises.insert(*k);
                }
                _ => {}
            });
        }
        let name = format!("{} {place}", s.name);
        let lets = |v: VarId| s.definition(v).cloned();
        let mut open = self.open(&name, (&params, &lets), &used, &|v| targets.contains(&v));
        for k in noises {
            open.random((true, k), "noise", PlasticSlot::Random);
        }
        open.l.dt = Some(self.dt);
        let next: Vec<(VarId, Value)> = equations
            .iter()
            .map(|(v, rhs)| {
                let noisy = rhs.any(&mut |e| matches!(e, Expr::Noise(_)));
                let euler = || crate::math::add(Expr::Var(*v), crate::math::mul(Expr::Dt, rhs.clone()));
                let linear = linear_through(rhs, *v, &|v| s.definition(v)).is_some();
                let exact = if noisy || !linear { None } else { exact_scalar(*v, rhs) };
                let next = exact.unwrap_or_else(euler);
                let value = open.l.number(&next);
                (*v, bounded(&mut open.l, s, *v, value))
            })
            .collect();
        open.l.env.extend(next);
        Some(self.close(open, place))
    }

    /// Begins a kernel: loads everything in use, states as they are now.
    fn open<'a>(
        &self,
        name: &str,
        (params, lets): (Lookup<'a, Column>, Lookup<'a, Expr>),
        used: &BTreeSet<VarId>,
        written: &dyn Fn(VarId) -> bool,
    ) -> Open<'a> {
        let s = &self.p.synapse;
        let mut open =
            Open { l: Lowering::new(name, self.precision, params, lets), slots: Vec::new(), stored: Vec::new() };
        for v in used {
            let delay = || self.p.delayed.get(v).copied().unwrap_or(0);
            let slot = match s.vars[*v].kind {
                VarKind::Weight => PlasticSlot::Weight,
                VarKind::Pre(of) => PlasticSlot::Cell(Side::Pre, of, delay()),
                VarKind::Post(of) => PlasticSlot::Cell(Side::Post, of, delay()),
                VarKind::State(_) => PlasticSlot::State(*v, self.places[v]),
                VarKind::Modulator(_) if !self.p.params.contains_key(v) => PlasticSlot::Modulator(*v),
                _ => continue,
            };
            let kind = if written(*v) { SlotKind::State } else { SlotKind::Lane };
            let name: String = s.vars[*v].name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
            let at = open.l.b.slot(name.clone(), kind);
            open.slots.push(slot);
            if kind == SlotKind::State {
                open.stored.push((at, *v));
            }
            let mut value = open.l.b.load(at);
            if let Some(rates) = self.exact.get(v) {
                let scale = open.uniform(format!("{name}_scale"), PlasticSlot::Scale(*v));
                value = open.l.b.mul(value, scale);
                if rates.b != 0.0 {
                    let shift = open.uniform(format!("{name}_shift"), PlasticSlot::Shift(*v));
                    value = open.l.b.add(value, shift);
                }
            }
            open.l.env.insert(*v, value);
        }
        open
    }

    /// Ends a kernel: stores what it writes.
    fn close(&self, mut open: Open, place: Place) -> PlasticKernel {
        for (slot, v) in std::mem::take(&mut open.stored) {
            let mut value = open.l.env[&v];
            if let Some(rates) = self.exact.get(&v) {
                let name = &self.p.synapse.vars[v].name;
                if rates.b != 0.0 {
                    let shift = open.uniform(format!("{name}_shift"), PlasticSlot::Shift(v));
                    value = open.l.b.sub(value, shift);
                }
                let unscale = open.uniform(format!("{name}_unscale"), PlasticSlot::Unscale(v));
                value = open.l.b.mul(value, unscale);
            }
            open.l.b.store(slot, value);
        }
        PlasticKernel { place, lowered: Lowered::new(open.l.b.finish(), open.slots) }
    }

    fn replay(
        &self,
        l: &mut Lowering,
        body: &[Stmt],
        when: Value,
        targets: &BTreeSet<VarId>,
        synapses: bool,
        sum: &mut Sent,
    ) {
        let s = &self.p.synapse;
        for stmt in body.iter().filter(|stmt| concerns(stmt, &|v| targets.contains(&v), synapses)) {
            match stmt {
                Stmt::Assign(v, e) => {
                    let value = l.number(&s.unfold(e.clone()));
                    let value = bounded(l, s, *v, value);
                    let old = l.env[v];
                    let when = match sum.learning.filter(|_| s.weight() == Some(*v)) {
                        Some(learning) => l.b.and(when, learning),
                        None => when,
                    };
                    let new = l.b.select(when, value, old);
                    l.env.insert(*v, new);
                }
                Stmt::Deliver(e) => {
                    let value = l.number(&s.unfold(e.clone()));
                    let more = l.b.add(sum.delivered, value);
                    sum.delivered = l.b.select(when, more, sum.delivered);
                }
                Stmt::Rewire => {
                    let one = l.b.constant(1.0);
                    sum.rewired = l.b.select(when, one, sum.rewired);
                }
                Stmt::If(c, a, b) => {
                    let c = l.mask(&s.unfold(c.clone()));
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

impl Open<'_> {
    /// Adds the two words of random bits of a noise process, or of a draw.
    fn random(&mut self, (noise, k): (bool, u32), name: &str, of: fn(u32, bool) -> PlasticSlot) {
        let mut word = |second: bool| {
            self.slots.push(of(k, second));
            self.l.b.slot(format!("{name}{k}_{}", u8::from(second)), SlotKind::Lane)
        };
        let words = (word(false), word(true));
        self.l.randoms.insert((noise, k), words);
    }

    /// Loads a number that all lanes share.
    fn uniform(&mut self, name: String, slot: PlasticSlot) -> Value {
        let at = match self.slots.iter().position(|s| *s == slot) {
            Some(k) => Slot::from_u32(k as u32),
            None => {
                self.slots.push(slot);
                self.l.b.slot(name, SlotKind::Uniform)
            }
        };
        self.l.b.load(at)
    }
}
