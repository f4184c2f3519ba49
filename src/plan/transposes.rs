//! Projections that have the weights of another, the other way round, in networks with events: there they are synapses of their own, whose
//! weights follow those of the other.

use super::{Edge, Network, Pairs};
use crate::hir::VarId;
use crate::solve::writes;
use crate::source::Span;
use std::sync::Arc;

impl Network {
    /// Finds weights that change while cells run, and which another projection has, too.
    pub(super) fn refused_of_transposes(&self) -> Option<(Span, String)> {
        self.projections.iter().find_map(|p| {
            let owner = &self.projections[p.transpose_of?];
            let span = |q: &super::Projection| {
                let first = q.synapse.handlers.first().map(|h| h.span);
                first.or(q.synapse.vars.values().next().map(|v| v.span)).unwrap_or_default()
            };
            let own = |v: VarId| owner.synapse.weight() == Some(v);
            let event = owner.synapse.handlers.iter().find(|h| {
                crate::hir::rewires(&h.body)
                    || !matches!(h.trigger, crate::hir::Trigger::Signal(_))
                        && owner.synapse.vars.keys().any(|v| own(v) && writes(&h.body, v))
            });
            if let Some(h) = event {
                return Some((
                    h.span,
                    "weights that change at events, or move, and are another projection's, too".into(),
                ));
            }
            if let Some(e) = owner.synapse.equations.iter().find(|e| own(e.state)) {
                return Some((e.span, "weights that follow an equation and are another projection's, too".into()));
            }
            if p.learns() {
                return Some((span(p), "learning by a projection whose weights are another's".into()));
            }
            (!owner.stored || !p.stored)
                .then(|| (span(p), "weights that are not stored and are another projection's, too".into()))
        })
    }

    /// Returns the first source and the first target that a projection's pairs count from: those of a transpose are the other's.
    pub fn first_cells(&self, projection: usize) -> (usize, usize) {
        let p = &self.projections[projection];
        match (&p.pairs, p.transpose_of) {
            (Pairs::Transposed(_), Some(of)) => (self.projections[of].post.start, self.projections[of].pre.start),
            _ => (p.pre.start, p.post.start),
        }
    }

    /// Writes out the pairs of projections that have the weights of another, in its order.
    pub fn write_transposes(&mut self) {
        for k in 0..self.projections.len() {
            let Some(of) = self.projections[k].transpose_of else { continue };
            let (before, rest) = self.projections.split_at_mut(k);
            let (owner, p) = (&before[of], &mut rest[0]);
            let turned = |e: &Edge| Edge {
                pre: e.post - owner.post.start as u32 + p.pre.start as u32,
                post: e.pre - owner.pre.start as u32 + p.post.start as u32,
            };
            p.pairs = Pairs::Listed(Arc::new(owner.pairs.edges().iter().map(turned).collect()));
            p.weight = owner.weight.clone();
        }
    }
}
