//! Networks without events: whether a network is one, what it may not contain, and which value follows from which.
//!
//! What a network means does not depend on what runs it. Without events it is a graph of values (`runtime::rate`), unless something in it
//! needs what only the engine for events has; then that runs it, step by step, with the same values.

use super::{Connector, Delay, Network, Pairs, Projection};
use crate::hir::{Expr, Kept, Stmt, VarId, VarKind, any_expr};
use crate::source::Span;
use std::collections::HashSet;

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
    if s.rewires() {
        return refuse("`rewire` in this network");
    }
    let windows = matches!(p.pairs.plain(), Pairs::Convolution(_));
    if windows && p.energy.is_some() {
        return refuse("an energy of a convolution or pool");
    }
    let shares = p.transpose_of.is_some();
    if p.spread().is_some() && (windows || shares || p.energy.is_some()) {
        return refuse("a delay per synapse of weights that are shared, or of an energy");
    }
    if p.has_multiple() {
        return refuse("several synapses from the same cell to the same cell in this network");
    }
    if !s.handlers.is_empty() && (shares || matches!(p.pairs, Pairs::Convolution(w) if w.pool.is_some())) {
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
    let greatest = matches!(p.pairs.plain(), Pairs::Convolution(w) if w.pool == Some(super::Pooling::Max));
    if greatest && p.deliveries() > 1 {
        return refuse("several terms to compare, by a pool that takes the greatest");
    }
    let state = |e: &Expr| matches!(e, Expr::Var(v) if matches!(s.vars[*v].kind, VarKind::State(_)));
    if shares && s.deliver.as_ref().is_some_and(|e| s.inline(e.clone()).any(&mut |e| state(e))) {
        return refuse("a state of synapses whose weights are another's");
    }
    None
}

impl Network {
    /// Returns whether it runs as a graph of values, perhaps for several examples at once: it asks for what only that has, or no cell
    /// has events and nothing in it needs the engine for events.
    pub fn is_without_events(&self) -> bool {
        let contributes = || {
            self.projections.iter().any(|p| p.synapse.deliver.is_some())
                && !self.projections.iter().any(Projection::is_sparse)
        };
        self.asks_for_values()
            || self.has_no_events() && (self.suits_values() || contributes()) && self.refused_without_events().is_none()
    }

    /// Returns whether no cell emits events or could receive any.
    pub fn has_no_events(&self) -> bool {
        let receives = |m: &crate::hir::Neuron| m.vars.values().any(|v| matches!(v.kind, VarKind::EventPort));
        let silent = |p: &super::Population| p.model.events.is_empty() && !receives(&p.model);
        self.drives.is_empty() && self.populations.iter().all(silent)
    }

    /// Returns whether the network asks for what only a graph of values has: energies, bounds, what is kept per channel or sample, shared
    /// weights.
    fn asks_for_values(&self) -> bool {
        let asks = |p: &super::Population| {
            let m = &p.model;
            let kept = |k: &Kept| matches!(k, Kept::Channel | Kept::Sample);
            !m.energies.is_empty() || !m.bounds.is_empty() || m.kept.values().any(kept)
        };
        self.populations.iter().any(asks)
            || self.projections.iter().any(|p| matches!(p.pairs, Pairs::Convolution(_)) || p.energy.is_some())
    }

    /// Returns whether a network without events has what a graph of values is made for: a batch, cells that hear signals, windows, transposes.
    fn suits_values(&self) -> bool {
        let suits = |p: &super::Population| {
            let m = &p.model;
            let windows = m.vars.values().any(|v| matches!(v.kind, VarKind::Window(..)));
            // Where there is one example, what is kept for each cell is kept for each example.
            !m.handlers.is_empty() || !m.kept.is_empty() || windows
        };
        self.batch.is_some()
            || self.populations.iter().any(suits)
            || self
                .projections
                .iter()
                .any(|p| p.transpose_of.is_some() || is_silent(p) || !p.synapse.windows.is_empty())
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
            if let Some((v, param)) = p.channel_without_one_parameter() {
                return Some((m.vars[v].span, p.several_in_channel(v, param)));
            }
        }
        if let Some(found) = self.projections.iter().find_map(refused_projection) {
            return Some(found);
        }
        if let Some(span) = self.entangled() {
            return Some((
                span,
                "a change, example by example, that follows from what all examples have changed".into(),
            ));
        }
        self.drives.first().map(|d| {
            let p = &self.populations[d.post.population];
            (p.model.vars[d.port].span, format!("a drive of events to `{}` in this network", p.name))
        })
    }

    /// Finds a handler one of whose changes would have to be reduced before another one can be, and where it is written.
    fn entangled(&self) -> Option<Span> {
        let several = self.batch.is_some_and(|batch| batch.size > 1);
        let sum = self.batch.is_some_and(|batch| batch.sum);
        let mut next = u32::MAX - 100;
        let mut fresh = || {
            next -= 1;
            VarId::from_u32(next)
        };
        for m in self.populations.iter().map(|p| &*p.model) {
            let inline = |e: Expr| crate::hir::inline_lets_unless(m, e, &|_| false);
            let shared = |v: VarId| m.kept.get(&v) == Some(&Kept::Channel) || several && m.is_shared(v);
            let reduces = m.vars.keys().any(shared);
            for h in m.handlers.iter().filter(|_| reduces) {
                let updates = crate::solve::cell_updates(m, &h.signal, &inline, (&shared, sum), &mut fresh);
                if updates.entangled.is_some() {
                    return Some(h.span);
                }
            }
        }
        for p in &self.projections {
            let windows = matches!(p.pairs.plain(), Pairs::Convolution(_));
            let single = |v: VarId| p.is_of_one(v);
            let owner = crate::solve::owner_in_synapse(&p.synapse, &single);
            for h in p.synapse.handlers.iter().filter(|_| several || windows) {
                let crate::hir::Trigger::Signal(signal) = &h.trigger else { continue };
                let adds_up = sum || windows;
                let updates = crate::solve::synapse_updates(
                    &p.synapse,
                    signal,
                    true,
                    adds_up,
                    &crate::solve::Owners { of: &owner, number: &|_| false },
                    &mut fresh,
                );
                if updates.entangled.is_some() {
                    return Some(h.span);
                }
            }
        }
        None
    }

    /// Finds values that follow from themselves within a step: the path, each following from the next.
    pub fn cycle(&self) -> Option<Vec<(usize, VarId)>> {
        let mut done = HashSet::new();
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
        done: &mut HashSet<(usize, VarId)>,
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
        let sources = self.sources_of(at, &|k, v| !self.projections[k].is_delayed(v));
        let found = sources.into_iter().find_map(|next| self.follow(next, path, done));
        path.pop();
        done.insert(at);
        found
    }

    /// Lists the ports that receive continuous contributions, each after those from which what it receives follows, as it does in the
    /// first step: then what is delayed is what it is, unless it comes back.
    pub fn order_of_sums(&self) -> Vec<(usize, VarId)> {
        let returning: Vec<Vec<VarId>> = (0..self.projections.len()).map(|k| self.returning(k)).collect();
        let (mut out, mut seen) = (Vec::new(), HashSet::new());
        for p in self.projections.iter().filter(|p| p.synapse.deliver.is_some()) {
            self.visit((p.post.population, p.port), &|k, v| !returning[k].contains(&v), &mut seen, &mut out);
        }
        out.retain(|at| self.receives(*at));
        out
    }

    /// Lists the delayed variables of a projection's synapses that follow from what it delivers, at once or after other delays. Before its
    /// delay has passed such a value is zero; any other is what it was at the first step.
    pub fn returning(&self, projection: usize) -> Vec<VarId> {
        let p = &self.projections[projection];
        let follows = |v: &VarId| {
            let view = match p.synapse.vars[*v].kind {
                VarKind::Pre(of) => (p.pre.population, of),
                VarKind::Post(of) => (p.post.population, of),
                _ => return false,
            };
            let (mut out, mut seen) = (Vec::new(), HashSet::new());
            self.visit(view, &|_, _| true, &mut seen, &mut out);
            out.contains(&(p.post.population, p.port))
        };
        if p.synapse.deliver.is_none() {
            return Vec::new();
        }
        p.synapse.vars.keys().filter(|v| p.is_delayed(*v) && follows(v)).collect()
    }

    /// Lists a value after all that it follows from, through variables of synapses that `through` lets pass.
    fn visit(
        &self,
        at: (usize, VarId),
        through: &dyn Fn(usize, VarId) -> bool,
        seen: &mut HashSet<(usize, VarId)>,
        out: &mut Vec<(usize, VarId)>,
    ) {
        if !seen.insert(at) {
            return;
        }
        self.sources_of(at, through).into_iter().for_each(|next| self.visit(next, through, seen, out));
        out.push(at);
    }

    /// Returns whether a variable of cells follows from what projections contribute at every step.
    pub fn follows_from_contributions(&self, population: usize, var: VarId) -> bool {
        let (mut out, mut seen) = (Vec::new(), HashSet::new());
        self.visit((population, var), &|_, _| false, &mut seen, &mut out);
        out.into_iter().any(|at| self.receives(at))
    }

    /// Returns whether projections contribute to a port at every step.
    fn receives(&self, (population, port): (usize, VarId)) -> bool {
        let into = |q: &Projection| q.post.population == population && q.port == port && q.synapse.deliver.is_some();
        self.projections.iter().any(into)
    }

    /// Lists what a value follows from, through variables of synapses that `through` lets pass.
    fn sources_of(&self, (p, v): (usize, VarId), through: &dyn Fn(usize, VarId) -> bool) -> Vec<(usize, VarId)> {
        let mut out = Vec::new();
        match &self.populations[p].model.vars[v].kind {
            VarKind::Let(e) => e.walk(&mut |e| {
                if let Expr::Var(v) = e {
                    out.push((p, *v));
                }
            }),
            VarKind::AnalogPort(_) => {
                for (k, q) in self.projections.iter().enumerate() {
                    let Some(deliver) = q.synapse.deliver.as_ref().filter(|_| q.post.population == p && q.port == v)
                    else {
                        continue;
                    };
                    q.synapse.inline(deliver.clone()).walk(&mut |e| {
                        let Expr::Var(v) = e else { return };
                        if !through(k, *v) || q.synapse.windows.contains_key(v) {
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

impl super::Population {
    /// Finds a state kept per channel that changes by a parameter with several values in one channel, and this parameter.
    pub fn channel_without_one_parameter(&self) -> Option<(VarId, VarId)> {
        let m = &self.model;
        let mut states = m.kept.iter().filter(|(_, k)| **k == Kept::Channel).map(|(v, _)| *v);
        let differs = |v: &VarId| self.params.get(v).is_some_and(|c| self.differ_in_channel(c, self.n).is_some());
        let heard = |v: VarId| m.handlers.iter().any(|h| crate::solve::writes(&h.body, v));
        let params: Vec<VarId> = m.params().map(|(v, _)| v).filter(differs).collect();
        let state = states.find(|v| heard(*v))?;
        let read = |body: &[Stmt], v: VarId| any_expr(body, &|e| m.any(e, &mut |e| *e == Expr::Var(v)));
        let reads = |body: &[Stmt]| params.iter().copied().find(|p| read(body, *p));
        m.handlers.iter().find_map(|h| reads(&h.body)).map(|param| (state, param))
    }

    /// Says that a parameter has several values in one channel, which shares a state that changes by it.
    pub fn several_in_channel(&self, state: VarId, param: VarId) -> String {
        let name = |v: VarId| &self.model.vars[v].name;
        format!("`{}` with several values in one channel, where `{}` follows from it", name(param), name(state))
    }
}

impl Projection {
    /// Returns the delays of a contribution at every step, if each synapse has its own. One delay for all is part of `delayed`.
    pub fn spread(&self) -> Option<&Delay> {
        let several = self.synapse.deliver.is_some() && !matches!(self.delay, Delay::Const(_));
        several.then_some(&self.delay)
    }

    /// Returns how many products what its synapses deliver is the sum of.
    pub fn deliveries(&self) -> usize {
        let single = |v: VarId| self.is_of_one(v);
        let owner = crate::solve::owner_in_synapse(&self.synapse, &single);
        let terms = |e: &Expr| crate::solve::Splitter { owner: &owner }.terms(&self.synapse.inline(e.clone())).len();
        self.synapse.deliver.as_ref().map_or(0, terms)
    }

    /// Returns whether a variable of the synapse is what a cell was some steps ago.
    pub fn is_delayed(&self, v: VarId) -> bool {
        let of_sender = matches!(self.synapse.vars[v].kind, VarKind::Pre(_));
        self.delayed.get(&v).is_some_and(|d| *d > 0) || of_sender && self.spread().is_some()
    }

    /// Lists the variables of cells that are read later: population, variable, and the most steps.
    pub fn remembered(&self) -> Vec<(usize, VarId, u32)> {
        let longest = self.spread().map_or(0, Delay::at_most);
        let of = |(id, v): (VarId, &crate::hir::Var)| {
            let (view, var, more) = match v.kind {
                VarKind::Pre(var) => (self.pre, var, longest),
                VarKind::Post(var) => (self.post, var, 0),
                _ => return None,
            };
            Some((view.population, var, self.delayed.get(&id).copied().unwrap_or(0) + more))
        };
        self.synapse.vars.iter().filter_map(of).filter(|(.., steps)| *steps > 0).collect()
    }

    /// Returns whether so few of many pairs are connected that a matrix would be a waste.
    fn is_sparse(&self) -> bool {
        let listed = matches!(self.pairs, Pairs::Listed(_) | Pairs::Drawn(_));
        let pairs = self.pre.n * self.post.n;
        listed && pairs > 1 << 20 && self.pairs.len() < pairs / 32
    }

    /// Returns whether some cell has several synapses from the same cell.
    fn has_multiple(&self) -> bool {
        let may = match self.pairs.plain() {
            Pairs::Drawn(d) => !matches!(d.connector, Connector::Probability(_)),
            Pairs::Listed(_) => true,
            _ => false,
        };
        may && {
            let edges = self.pairs.plain().edges();
            let mut keys: Vec<u64> = edges.iter().map(|e| u64::from(e.pre) << 32 | u64::from(e.post)).collect();
            keys.sort_unstable();
            keys.windows(2).any(|two| two[0] == two[1])
        }
    }
}
