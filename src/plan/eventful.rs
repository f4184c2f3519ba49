//! What networks with events cannot do, and where it is written.

use super::Network;
use crate::hir::{Expr, Neuron, Stmt, Trigger, VarId, VarKind, any_expr, rewires};
use crate::source::Span;

impl Network {
    /// Finds what a network with events cannot do, and where it is written.
    pub fn refused_with_events(&self) -> Option<(Span, String)> {
        self.refused_at_signals()
            .or_else(|| self.refused_of_windows())
            .or_else(|| self.refused_of_counts())
            .or_else(|| self.refused_of_transposes())
            .or_else(|| self.refused_of_circles())
            .or_else(|| self.refused_of_batches())
    }

    /// Finds what cells of a network with events cannot do at a signal, and where it is written.
    fn refused_at_signals(&self) -> Option<(Span, String)> {
        for p in &self.populations {
            let m = &p.model;
            let momentary = |e: &Expr| m.any(e, &mut |e| matches!(e, Expr::Since(_) | Expr::Fired(_) | Expr::Noise(_)));
            for h in &m.handlers {
                let what = if any_expr(&h.body, &momentary) {
                    "what happens in a step only (an event, the time since one, noise), at a signal"
                } else if reads_elsewhere(m, &h.body, &mut Vec::new()) {
                    "reading all segments of a cable elsewhere than in the cable, at a signal"
                } else if reads_changed_segments(m, &h.signal) {
                    "reading a segment of a cable that changes at the same signal"
                } else if p.solved.adaptive.is_some() {
                    "a signal to a cell with an adaptive scheme"
                } else {
                    continue;
                };
                return Some((h.span, what.into()));
            }
        }
        None
    }

    /// Finds states and weights that examples have in common and that each of several would change for itself.
    fn refused_of_batches(&self) -> Option<(Span, String)> {
        self.batch?;
        for m in self.populations.iter().map(|p| &*p.model) {
            let flows = |v: VarId| m.equations.iter().any(|e| e.state == v);
            let happens = |v: VarId| m.emits.iter().any(|e| crate::solve::writes(&e.body, v));
            if let Some((_, var)) = m.states().find(|(v, _)| m.is_shared(*v) && (flows(*v) || happens(*v))) {
                let what = format!("`{}`, which all examples share, changing by itself or at events", var.name);
                return Some((var.span, what));
            }
        }
        self.projections.iter().find_map(|p| {
            let s = &p.synapse;
            let weight = s.weight();
            let flows = s.equations.iter().find(|e| Some(e.state) == weight).map(|e| e.span);
            let at_events = |h: &&crate::hir::Handler| matches!(h.trigger, Trigger::Cell(..));
            let changes =
                |h: &&crate::hir::Handler| rewires(&h.body) || weight.is_some_and(|w| crate::solve::writes(&h.body, w));
            let span = flows.or_else(|| s.handlers.iter().filter(at_events).find(changes).map(|h| h.span))?;
            Some((span, "a weight that changes at events, where several examples have it in common".to_string()))
        })
    }

    /// Finds handlers that several events at once cannot reach: each would follow from what the one before it has changed.
    fn refused_of_counts(&self) -> Option<(Span, String)> {
        self.projections.iter().find_map(|p| {
            let s = &p.synapse;
            s.handlers.iter().find_map(|h| {
                let Trigger::Cell(side, name) = &h.trigger else { return None };
                let view = if *side == crate::hir::Side::Pre { p.pre } else { p.post };
                let model = &self.populations[view.population].model;
                let counted = model.event(name).is_some_and(|e| model.is_counted(e));
                // What only delivers does so for each; handlers of signals may change the weight all the same.
                let drawn = |e: &Expr| matches!(e, Expr::Draw(..) | Expr::Noise(_));
                let same = |stmt: &Stmt| matches!(stmt, Stmt::Deliver(e) if !s.any(e, &mut |e| drawn(e)));
                let changes = !h.body.iter().all(same) || !p.learns() && s.states().next().is_some();
                (counted && changes)
                    .then(|| (h.span, "several events at once at a synapse that changes at them".to_string()))
            })
        })
    }
}

/// Returns whether statements give a state, of the cell or of a cable, what differs between the segments of a cable that it is not of.
fn reads_elsewhere(m: &Neuron, body: &[Stmt], conditions: &mut Vec<Expr>) -> bool {
    let elsewhere = |e: &Expr, owner: Option<usize>| {
        m.any(e, &mut |e| matches!(e, Expr::Var(v) if m.vars[*v].cable != owner && m.reads_segments(&Expr::Var(*v))))
    };
    body.iter().any(|s| match s {
        Stmt::Assign(v, e) => conditions.iter().chain([e]).any(|e| elsewhere(e, m.vars[*v].cable)),
        Stmt::If(condition, a, b) => {
            conditions.push(condition.clone());
            let found = reads_elsewhere(m, a, conditions) || reads_elsewhere(m, b, conditions);
            conditions.pop();
            found
        }
        _ => false,
    })
}

/// Returns whether handlers of a signal change a state of a cable and read single segments of it.
fn reads_changed_segments(m: &Neuron, signal: &str) -> bool {
    let bodies = || m.handlers.iter().filter(|h| h.signal == signal).map(|h| &h.body);
    let changed = |v: VarId| bodies().any(|body| crate::solve::writes(body, v));
    let reads = |e: &Expr| {
        m.any(
            e,
            &mut |e| matches!(e, Expr::Var(v) if matches!(m.vars[*v].kind, VarKind::Segment(of, _) if changed(of))),
        )
    };
    bodies().any(|body| any_expr(body, &reads))
}
