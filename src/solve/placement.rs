//! What a synapse needs: which states are advanced at every step, where each is kept, and whether anything changes at all.

use crate::hir::{Expr, Place, Side, Stmt, Synapse, Trigger, VarId, VarKind};
use crate::math::{eval, linear_through, simplify};
use std::collections::{BTreeMap, BTreeSet};

/// What the synapses of a projection have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sharing {
    /// All have the same axonal delay: an event of a presynaptic cell reaches them at the same time.
    pub axonal: bool,
    /// All have the same dendritic delay.
    pub dendritic: bool,
    /// Modulators have one value for the whole projection, not one per target.
    pub modulators: bool,
}

impl Sharing {
    /// Everything in common.
    pub const ALL: Sharing = Sharing { axonal: true, dendritic: true, modulators: true };
}

/// Finds the place of every state: the most widely shared one whose events change it and where all that it needs is known.
pub fn places(s: &Synapse, sharing: &Sharing) -> BTreeMap<VarId, Place> {
    // Where synapses move, each begins anew by itself.
    let shared = if s.rewires() { Place::Synapse } else { Place::Projection };
    let first = |id: VarId| s.reductions.get(&id).map_or(shared, |r| r.place());
    let mut out: BTreeMap<VarId, Place> = s.states().map(|(id, _)| (id, first(id))).collect();
    // A state that needs what is not shared as widely moves on, which may move others.
    loop {
        let misplaced = out.iter().find(|(id, place)| !fits(s, &out, sharing, **id, **place));
        match misplaced.map(|(id, place)| (*id, *place)) {
            Some((id, Place::Projection)) => out.insert(id, Place::Pre),
            Some((id, Place::Pre)) => out.insert(id, Place::Post),
            Some((id, _)) => out.insert(id, Place::Synapse),
            None => return out,
        };
    }
}

fn fits(s: &Synapse, places: &BTreeMap<VarId, Place>, sharing: &Sharing, id: VarId, place: Place) -> bool {
    if s.reductions.contains_key(&id) {
        return true;
    }
    if s.scattered.contains(&id) && place != Place::Synapse {
        return false;
    }
    let changed_by = |side: Side| s.handlers.iter().any(|h| h.trigger.is(side) && writes(&h.body, id));
    let (pre, post) = (changed_by(Side::Pre), changed_by(Side::Post));
    let events = match place {
        Place::Projection => !pre && !post,
        Place::Pre => !post && (!pre || sharing.axonal),
        Place::Post => !pre && (!post || sharing.dendritic),
        Place::Synapse => return true,
    };
    let missing = |v: VarId| !available(s, places, sharing, place, v);
    let flow = s
        .equations
        .iter()
        .filter(|eq| eq.state == id)
        .any(|eq| s.any(&eq.rhs, &mut |e| matches!(e, Expr::Noise(_)) || matches!(e, Expr::Var(v) if missing(*v))));
    let mut limits = s.bounds.iter().filter(|(of, ..)| *of == id);
    let limited = limits
        .any(|(_, lo, hi)| [lo, hi].into_iter().any(|e| s.any(e, &mut |e| matches!(e, Expr::Var(v) if missing(*v)))));
    events && !flow && !limited && !s.handlers.iter().any(|h| needs(s, &h.body, id, &missing))
}

fn available(s: &Synapse, places: &BTreeMap<VarId, Place>, sharing: &Sharing, place: Place, v: VarId) -> bool {
    match s.vars[v].kind {
        VarKind::Param(_) => true,
        VarKind::State(_) => matches!(places.get(&v), Some(p) if *p == place || *p == Place::Projection),
        VarKind::Pre(_) => place == Place::Pre,
        // What belongs to the segment that a synapse sits on is not known at the cell.
        VarKind::Post(_) => place == Place::Post && s.vars[v].cable.is_none(),
        VarKind::Modulator(_) => sharing.modulators || place == Place::Post,
        _ => false,
    }
}

/// Finds the states, and the weight, that are advanced at every step: those whose equations have no solution known
/// beforehand, and those that these read. The others are advanced exactly, when they are needed.
pub fn stepped(s: &Synapse) -> BTreeSet<VarId> {
    let rhs = |id: VarId| s.equations.iter().find(|eq| eq.state == id).map(|eq| &eq.rhs);
    let reads = |rhs: &Expr, v: VarId| s.any(rhs, &mut |e| *e == Expr::Var(v));
    let mut out: BTreeSet<VarId> =
        s.equations.iter().map(|eq| eq.state).filter(|v| constant_rates(s, *v).is_none() || may_leave(s, *v)).collect();
    if let Some(w) = s.weight().filter(|w| rhs(*w).is_some()) {
        out.insert(w);
    }
    loop {
        let before = out.len();
        for id in out.clone() {
            let rhs = rhs(id);
            out.extend(s.equations.iter().map(|eq| eq.state).filter(|v| rhs.is_some_and(|rhs| reads(rhs, *v))));
        }
        if out.len() == before {
            return out;
        }
    }
}

/// Returns whether a state's equation may take it out of its bounds: unless it goes to zero and that is within them.
fn may_leave(s: &Synapse, state: VarId) -> bool {
    let Some((_, lo, hi)) = s.bounds.iter().find(|(v, ..)| *v == state) else { return false };
    let vanishes = constant_rates(s, state).is_some_and(|(_, b)| b == Expr::Num(0.0));
    let value = |e: &Expr| eval(&s.unfold(e.clone()), &|_| None, None);
    !(vanishes && value(lo).is_some_and(|lo| lo <= 0.0) && value(hi).is_some_and(|hi| hi >= 0.0))
}

/// Returns `a` and `b` if a state's equation is `x' = a x + b` with constants of parameters only.
pub fn constant_rates(s: &Synapse, state: VarId) -> Option<(Expr, Expr)> {
    let equation = s.equations.iter().find(|eq| eq.state == state)?;
    let linear = linear_through(&s.unfold(equation.rhs.clone()), state, &|v| s.definition(v))?;
    let (a, b) = (simplify(linear.coefficient), simplify(linear.rest));
    let constant = |e: &Expr| {
        !e.any(&mut |e| match e {
            Expr::Var(v) => !matches!(s.vars[*v].kind, VarKind::Param(_)),
            Expr::Dt | Expr::Noise(_) | Expr::Time => true,
            _ => false,
        })
    };
    (constant(&a) && constant(&b)).then_some((a, b))
}

/// Returns whether statements assign a variable.
pub fn writes(body: &[Stmt], id: VarId) -> bool {
    body.iter().any(|s| match s {
        Stmt::Assign(v, _) => *v == id,
        Stmt::If(_, a, b) => writes(a, id) || writes(b, id),
        _ => false,
    })
}

/// Returns whether an assignment to `id`, or a condition around one, mentions a variable of which `missing` is true.
fn needs(s: &Synapse, body: &[Stmt], id: VarId, missing: &dyn Fn(VarId) -> bool) -> bool {
    // What is drawn is each synapse's own.
    let mentions = |e: &Expr| {
        s.any(e, &mut |e| match e {
            Expr::Var(v) => missing(*v),
            Expr::Draw(..) => true,
            _ => false,
        })
    };
    body.iter().any(|stmt| match stmt {
        Stmt::Assign(v, e) => *v == id && mentions(e),
        Stmt::If(c, a, b) => {
            (writes(a, id) || writes(b, id)) && (mentions(c) || needs(s, a, id, missing) || needs(s, b, id, missing))
        }
        _ => false,
    })
}

/// Returns whether a synapse does more than deliver its fixed weight, scaled by states of the sending cell.
pub fn is_plastic(s: &Synapse, places: &BTreeMap<VarId, Place>) -> bool {
    let weight = s.weight();
    let simple = |h: &crate::hir::Handler| {
        matches!(h.trigger, Trigger::Cell(Side::Pre, _))
            && !weight.is_some_and(|w| writes(&h.body, w))
            && !reads_outside(s, &h.body)
            && !draws(&h.body)
    };
    let continuous = s.deliver.is_some() && (!places.is_empty() || !s.handlers.is_empty());
    continuous || places.values().any(|p| *p != Place::Pre) || !stepped(s).is_empty() || !s.handlers.iter().all(simple)
}

/// Returns whether a synapse changes at signals at most, neither at events nor by itself.
pub fn changes_at_signals_only(s: &Synapse) -> bool {
    s.equations.is_empty() && s.handlers.iter().all(|h| matches!(h.trigger, Trigger::Signal(_)))
}

/// Returns whether equations or handlers of a synapse read a variable.
pub fn changes_by(s: &Synapse, id: VarId) -> bool {
    let flows = s.equations.iter().any(|eq| s.inline(eq.rhs.clone()).mentions(id));
    flows || s.handlers.iter().any(|h| reads(s, &h.body, &|v| v == id))
}

/// Returns whether statements draw.
fn draws(body: &[Stmt]) -> bool {
    let drawn = |e: &Expr| e.any(&mut |e| matches!(e, Expr::Draw(..)));
    body.iter().any(|stmt| match stmt {
        Stmt::Assign(_, e) | Stmt::Deliver(e) => drawn(e),
        Stmt::If(c, a, b) => drawn(c) || draws(a) || draws(b),
        _ => false,
    })
}

/// Returns whether statements read anything of the cells or a modulator.
fn reads_outside(s: &Synapse, body: &[Stmt]) -> bool {
    let outside = |v: VarId| matches!(s.vars[v].kind, VarKind::Pre(_) | VarKind::Post(_) | VarKind::Modulator(_));
    reads(s, body, &outside)
}

/// Returns whether statements read a variable of which `which` is true.
pub fn reads(s: &Synapse, body: &[Stmt], which: &dyn Fn(VarId) -> bool) -> bool {
    let mentions = |e: &Expr| s.any(e, &mut |e| matches!(e, Expr::Var(v) if which(*v)));
    body.iter().any(|stmt| match stmt {
        Stmt::Assign(_, e) | Stmt::Deliver(e) => mentions(e),
        Stmt::If(c, a, b) => mentions(c) || reads(s, a, which) || reads(s, b, which),
        _ => false,
    })
}
