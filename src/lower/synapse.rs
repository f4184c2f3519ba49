//! Kernels of synapses: what a presynaptic event does to its cell's states, and continuous contributions.

use super::expression::Lowering;
use super::lowered::Lowered;
use crate::hir::{Expr, Stmt, Synapse, VarId, VarKind};
use crate::ir::{Precision, Slot, SlotKind, Value};
use crate::math::linear_through;
use crate::plan::{Column, Projection};

/// What a slot of a presynaptic event's kernel holds, one value per event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EventSlot {
    /// A state of the sending cell.
    State(VarId),
    /// The time since its last event.
    Elapsed,
    /// By what weights are multiplied.
    Factor,
}

/// What a presynaptic event of synapses that do not learn does.
#[derive(Debug, Clone)]
pub enum OnPre {
    /// Delivers the weight times this.
    Factor(f64),
    /// Advances states exactly over the elapsed time and runs the handler, which gives the factor; the states come first.
    Kernel(Box<Lowered<EventSlot>>),
}

/// What a slot of a continuous contribution's kernel holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ContinuousSlot {
    /// The weight or a state of the synapse.
    Own(VarId),
    /// A variable of one of the cells, now or so many steps ago.
    Cell {
        /// The variable of the synapse.
        id: VarId,
        /// Whether of the sending one.
        pre: bool,
        /// Which.
        var: VarId,
        /// Steps; of the sending one so many more than the synapse's own delay, if each has one.
        delay: u32,
    },
    /// A modulator that follows a population.
    Modulator(VarId),
    /// The contribution; the last slot.
    Out,
}

/// Returns the factor of the weight if `on pre` only delivers a constant multiple of it.
fn constant_factor(p: &Projection, body: &[Stmt]) -> Option<f64> {
    let [Stmt::Deliver(e)] = body else { return None };
    if !p.synapse.equations.is_empty() {
        return None;
    }
    let factor = factor_expression(&p.synapse, e);
    crate::math::eval(&factor, &|v| p.params.get(&v).copied(), None)
}

fn factor_expression(s: &Synapse, e: &Expr) -> Expr {
    let e = s.unfold(e.clone());
    match s.weight().and_then(|w| linear_through(&e, w, &|v| s.definition(v))) {
        Some(l) if l.coefficient != Expr::Num(0.0) => crate::math::simplify(l.coefficient),
        _ => e,
    }
}

/// Lowers `on pre.event`.
pub fn lower_on_pre(p: &Projection, body: &[Stmt], precision: Precision) -> OnPre {
    if let Some(factor) = constant_factor(p, body) {
        return OnPre::Factor(factor);
    }
    let s = &p.synapse;
    let lookup = |v: VarId| p.params.get(&v).map(|c| Column::Const(*c));
    let lets = |v: VarId| s.definition(v).cloned();
    let mut l = Lowering::new(&format!("{}.on_pre", s.name), precision, &lookup, &lets);
    let states: Vec<VarId> =
        s.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::State(_))).map(|(id, _)| id).collect();
    let slots: Vec<Slot> = states.iter().map(|id| l.b.slot(s.vars[*id].name.clone(), SlotKind::State)).collect();
    let elapsed = l.b.slot("elapsed", SlotKind::Lane);
    let factor = l.b.slot("factor", SlotKind::Out);
    for (id, slot) in states.iter().zip(&slots) {
        let v = l.b.load(*slot);
        l.env.insert(*id, v);
    }
    l.dt_value = Some(l.b.load(elapsed));
    let advanced: Vec<(VarId, Value)> = s
        .equations
        .iter()
        .map(|eq| {
            let exact = crate::solve::exact_scalar(eq.state, &s.unfold(eq.rhs.clone()));
            let exact = exact.unwrap_or_else(|| crate::ice!("synapse state is not linear"));
            (eq.state, l.number(&exact))
        })
        .collect();
    l.env.extend(advanced);
    let zero = l.b.constant(0.0);
    let always = l.b.truth(true);
    let mut sum = zero;
    handler(&mut l, s, body, always, &mut sum);
    for (id, slot) in states.iter().zip(&slots) {
        let v = l.env[id];
        l.b.store(*slot, v);
    }
    l.b.store(factor, sum);
    let meanings = states.into_iter().map(EventSlot::State).chain([EventSlot::Elapsed, EventSlot::Factor]);
    OnPre::Kernel(Box::new(Lowered::new(l.b.finish(), meanings.collect())))
}

fn handler(l: &mut Lowering, s: &Synapse, body: &[Stmt], when: Value, factor: &mut Value) {
    for stmt in body {
        match stmt {
            Stmt::Assign(state, e) => {
                let value = l.number(&s.unfold(e.clone()));
                let value = bounded(l, s, *state, value);
                let old = l.env[state];
                let new = l.b.select(when, value, old);
                l.env.insert(*state, new);
            }
            Stmt::Deliver(e) => {
                let value = l.number(&factor_expression(s, e));
                let more = l.b.add(*factor, value);
                *factor = l.b.select(when, more, *factor);
            }
            Stmt::If(c, a, b) => {
                let c = l.mask(&s.unfold(c.clone()));
                let both = l.b.and(when, c);
                handler(l, s, a, both, factor);
                let opposite = l.b.not(c);
                let both = l.b.and(when, opposite);
                handler(l, s, b, both, factor);
            }
            Stmt::Hold(..) | Stmt::Mute(..) | Stmt::Rewire => crate::ice!("not a statement of `on pre`"),
        }
    }
}

/// Keeps a written value within its bounds.
pub(super) fn bounded(l: &mut Lowering, s: &Synapse, target: VarId, value: Value) -> Value {
    match s.bounds.iter().find(|(v, _, _)| *v == target) {
        Some((_, lo, hi)) => {
            let (lo, hi) = (l.number(&s.unfold(lo.clone())), l.number(&s.unfold(hi.clone())));
            // Operand order lets NaN through: it is reported, not bounded.
            let value = l.b.max(lo, value);
            l.b.min(hi, value)
        }
        None => value,
    }
}

/// Lowers a continuous `deliver`: a lane per synapse, its own values and those of both cells in, contribution out.
pub fn lower_continuous(p: &Projection, deliver: &Expr, dt: f64, precision: Precision) -> Lowered<ContinuousSlot> {
    let s = &p.synapse;
    let lookup = |v: VarId| p.params.get(&v).map(|c| Column::Const(*c));
    let lets = |v: VarId| s.definition(v).cloned();
    let mut l = Lowering::new(&format!("{}.deliver", s.name), precision, &lookup, &lets);
    l.dt = Some(dt);
    let mut slots = Vec::new();
    let deliver = s.unfold(deliver.clone());
    for (id, v) in s.vars.iter().filter(|(id, _)| s.any(&deliver, &mut |e| *e == Expr::Var(*id))) {
        let delay = p.delayed.get(&id).copied().unwrap_or(0);
        slots.push(match v.kind {
            VarKind::Pre(var) => ContinuousSlot::Cell { id, pre: true, var, delay },
            VarKind::Post(var) => ContinuousSlot::Cell { id, pre: false, var, delay },
            VarKind::Weight | VarKind::State(_) => ContinuousSlot::Own(id),
            VarKind::Modulator(_) if p.modulators.contains_key(&id) => ContinuousSlot::Modulator(id),
            _ => continue,
        });
        let slot = l.b.slot(v.name.clone(), SlotKind::Lane);
        let value = l.b.load(slot);
        l.env.insert(id, value);
    }
    slots.push(ContinuousSlot::Out);
    let out = l.b.slot("out", SlotKind::Out);
    let value = l.number(&deliver);
    l.b.store(out, value);
    Lowered::new(l.b.finish(), slots)
}
