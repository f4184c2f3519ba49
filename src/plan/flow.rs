//! Networks without events: whether a network is one, what it may not contain, and which value follows from which.

use super::{Network, Pairs};
use crate::hir::{Expr, VarId, VarKind};
use crate::source::Span;

/// Returns whether the synapses of a projection deliver nothing and only hear signals.
fn is_silent(p: &super::Projection) -> bool {
    let signals = |h: &crate::hir::Handler| matches!(h.trigger, crate::hir::Trigger::Signal(_));
    p.synapse.deliver.is_none() && !p.synapse.handlers.is_empty() && p.synapse.handlers.iter().all(signals)
}

/// Finds what the synapses of a projection cannot do in a network without events.
fn refused_projection(p: &super::Projection) -> Option<(Span, String)> {
    let s = &p.synapse;
    if let Some(h) = s.handlers.iter().find(|h| matches!(h.trigger, crate::hir::Trigger::Cell(..))) {
        return Some((h.span, "a handler of events in this network".into()));
    }
    if let Some(e) = s.equations.first() {
        return Some((e.span, "an equation of a synapse in this network".into()));
    }
    let span = s.handlers.first().map(|h| h.span).or(s.vars.values().next().map(|v| v.span)).unwrap_or_default();
    let refuse = |what: &str| Some((span, what.to_string()));
    let windows = matches!(p.pairs.plain(), Pairs::Windows(_));
    if windows && p.energy.is_some() {
        return refuse("an energy of a convolution or pool");
    }
    let shares = p.transpose_of.is_some();
    if !s.handlers.is_empty() && (shares || matches!(p.pairs, Pairs::Windows(w) if w.pool)) {
        return refuse("learning by a projection whose weights are another's, or by a pool");
    }
    // Elsewhere weights lie source by source, or cell by cell.
    let cellwise = matches!(p.pairs.plain(), Pairs::OneToOne(..));
    let single = |v: VarId| p.is_of_one(v);
    let apart = |e: &Expr| {
        let owner = crate::solve::owner_in_synapse(s, &single);
        crate::solve::Splitter { owner: &owner }.terms(e).iter().all(|t| t.mixed.is_none())
    };
    if !cellwise && p.energy.as_ref().is_some_and(|e| !apart(e)) {
        return refuse("an energy that does not come apart into pre times post");
    }
    if (shares && !cellwise || windows) && crate::solve::factors(s, &single).iter().any(|f| f.term.mixed.is_some()) {
        return refuse("what does not come apart into pre times post, with shared weights");
    }
    let state = |e: &Expr| matches!(e, Expr::Var(v) if matches!(s.vars[*v].kind, VarKind::State(_)));
    if shares && s.deliver.as_ref().is_some_and(|e| s.inline(e.clone()).any(&mut |e| state(e))) {
        return refuse("a state of synapses whose weights are another's");
    }
    None
}

impl Network {
    /// Returns whether the network asks for what only a network without events has: a batch, cells that hear signals, values at
    /// ends of windows, energies, shared weights, or values that follow from one another through several populations.
    pub fn is_without_events(&self) -> bool {
        let asks = |p: &super::Population| {
            let m = &p.model;
            !m.handlers.is_empty()
                || !m.energies.is_empty()
                || !m.bounds.is_empty()
                || !m.kept.is_empty()
                || m.vars.values().any(|v| matches!(v.kind, VarKind::AtEnd(..)))
        };
        self.batch.is_some()
            || self.populations.iter().any(asks)
            || self.projections.iter().any(|p| {
                p.transpose_of.is_some()
                    || matches!(p.pairs, Pairs::Windows(_))
                    || is_silent(p)
                    || p.energy.is_some()
                    || !p.synapse.at_end.is_empty()
            })
            // DrawnValues that are passed on within a step do not need events, unless the network has some.
            || (self.projections.iter().any(|p| self.is_relayed(p)) && self.refused_without_events().is_none())
    }

    /// Returns whether what a projection sends follows at once from what other projections deliver to its sources.
    fn is_relayed(&self, p: &super::Projection) -> bool {
        let model = &self.populations[p.pre.population].model;
        let fed = |port: VarId| {
            let into = |q: &super::Projection| q.post.population == p.pre.population && q.port == port;
            self.projections.iter().any(|q| into(q) && q.synapse.deliver.is_some())
        };
        let Some(deliver) = &p.synapse.deliver else { return false };
        p.synapse.inline(deliver.clone()).any(&mut |e| {
            let Expr::Var(v) = e else { return false };
            let VarKind::Pre(of) = p.synapse.vars[*v].kind else { return false };
            if p.delayed.get(v).is_some_and(|d| *d > 0) {
                return false;
            }
            let read = crate::hir::inline_lets(model, Expr::Var(of));
            read.any(
                &mut |e| matches!(e, Expr::Var(v) if matches!(model.vars[*v].kind, VarKind::AnalogPort(_)) && fed(*v)),
            )
        })
    }

    /// Finds what a network without events cannot contain, and where it is written.
    pub fn refused_without_events(&self) -> Option<(Span, String)> {
        for p in &self.populations {
            let m = &p.model;
            if let Some(e) = m.events.values().next() {
                return Some((e.span, format!("an event (`{}` of `{}`) in this network", e.name, m.name)));
            }
            if let Some(c) = m.cables.first() {
                return Some((m.vars[c.v].span, "a cable in this network".into()));
            }
            if p.solved.adaptive.is_some() {
                let span = m.scheme.map_or(Span::default(), |(_, span)| span);
                return Some((span, "an adaptive scheme in this network".into()));
            }
            if let Some((v, _)) = m.kept.iter().find(|(_, k)| **k == crate::hir::Kept::Channel) {
                return Some((m.vars[*v].span, "a state kept per channel".into()));
            }
        }
        if let Some(found) = self.projections.iter().find_map(refused_projection) {
            return Some(found);
        }
        self.drives.first().map(|d| {
            let p = &self.populations[d.post.population];
            (p.model.vars[d.port].span, format!("a drive of events to `{}` in this network", p.name))
        })
    }

    /// Finds values that follow from themselves within a step: the path, each following from the next.
    pub fn cycle(&self) -> Option<Vec<(usize, VarId)>> {
        let mut done = Vec::new();
        for (p, population) in self.populations.iter().enumerate() {
            for (v, _) in &population.model.vars {
                let mut path = Vec::new();
                if let Some(found) = self.follow((p, v), &mut path, &mut done) {
                    return Some(found);
                }
            }
        }
        None
    }

    fn follow(
        &self,
        at: (usize, VarId),
        path: &mut Vec<(usize, VarId)>,
        done: &mut Vec<(usize, VarId)>,
    ) -> Option<Vec<(usize, VarId)>> {
        if let Some(k) = path.iter().position(|p| *p == at) {
            let mut cycle = path[k..].to_vec();
            cycle.push(at);
            return Some(cycle);
        }
        if done.contains(&at) {
            return None;
        }
        path.push(at);
        let found = self.sources_of(at).into_iter().find_map(|next| self.follow(next, path, done));
        path.pop();
        done.push(at);
        found
    }

    /// Lists what a value follows from at once.
    fn sources_of(&self, (p, v): (usize, VarId)) -> Vec<(usize, VarId)> {
        let mut out = Vec::new();
        match &self.populations[p].model.vars[v].kind {
            VarKind::Let(e) => e.walk(&mut |e| {
                if let Expr::Var(v) = e {
                    out.push((p, *v));
                }
            }),
            VarKind::AnalogPort(_) => {
                for q in self.projections.iter().filter(|q| q.post.population == p && q.port == v) {
                    let Some(deliver) = &q.synapse.deliver else { continue };
                    q.synapse.inline(deliver.clone()).walk(&mut |e| {
                        let Expr::Var(v) = e else { return };
                        if q.delayed.get(v).is_some_and(|d| *d > 0) || q.synapse.at_end.contains_key(v) {
                            return;
                        }
                        match q.synapse.vars[*v].kind {
                            VarKind::Pre(of) => out.push((q.pre.population, of)),
                            VarKind::Post(of) => out.push((q.post.population, of)),
                            VarKind::Modulator(_) => out.extend(q.modulators.get(v).map(|(w, of)| (w.population, *of))),
                            _ => {}
                        }
                    });
                }
            }
            _ => {}
        }
        out
    }
}
