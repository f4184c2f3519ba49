//! What of a synapse becomes a product of matrices in a network without events, and what does not.

use super::terms::{Owner, Splitter, Term};
use super::updates::{Replay, Updates};
use crate::hir::{Expr, Kept, Neuron, Stmt, Synapse, Trigger, VarId, VarKind};
use std::collections::BTreeSet;

/// One sum over sources or over examples.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// The signal, or none for what is delivered at every moment.
    pub signal: Option<String>,
    /// The term without what all examples share.
    pub term: Term,
}

/// Whose the variables of a synapse are.
pub struct Owners<'a> {
    /// Of each that is somebody's.
    pub of: &'a dyn Fn(&Expr) -> Option<Owner>,
    /// Which of cells are numbers all the same.
    pub number: &'a dyn Fn(&Expr) -> bool,
}

/// Returns whose values the expressions of a synapse are; modulators are of the example, or of the target as `single` says.
pub fn owner_in_synapse<'a>(s: &'a Synapse, single: &'a dyn Fn(VarId) -> bool) -> impl Fn(&Expr) -> Option<Owner> + 'a {
    move |e| match e {
        Expr::Var(v) => match s.vars.get(*v).map(|v| &v.kind) {
            Some(VarKind::Pre(_)) => Some(Owner::Pre),
            Some(VarKind::Post(_)) => Some(Owner::Post),
            Some(VarKind::Modulator(_)) if single(*v) => Some(Owner::Example),
            Some(VarKind::Modulator(_)) => Some(Owner::Post),
            Some(VarKind::Param(_)) => None,
            _ => Some(Owner::Own),
        },
        Expr::Noise(_) | Expr::Draw(..) | Expr::Time => Some(Owner::Own),
        _ => None,
    }
}

/// Replays what a synapse does at a signal; with several examples the changes are reduced over them: averaged, or added up.
pub fn synapse_updates(
    s: &Synapse,
    signal: &str,
    several: bool,
    adds_up: bool,
    owners: &Owners,
    fresh: &mut dyn FnMut() -> VarId,
) -> Updates {
    let shared = |_: VarId| true;
    let bounds = |v: VarId| s.bounds.iter().find(|(b, ..)| *b == v).map(|(_, lo, hi)| (lo.clone(), hi.clone()));
    let mut replay = Replay {
        inline: &|e| s.inline(e),
        bounds: &bounds,
        shared: several.then_some(&shared),
        pooled: &|_| false,
        adds_up: &|_| adds_up,
        number: owners.number,
        splitter: Splitter { owner: owners.of },
        fresh,
        choosing: false,
        marking: false,
        entangled: None,
    };
    replay.run(bodies(s, signal))
}

/// Replays what a cell does at a signal; changes of what is shared are averaged over the examples, or added up, and those of what cells of a
/// channel share are added up over these.
pub fn cell_updates(
    model: &Neuron,
    signal: &str,
    inline: &dyn Fn(Expr) -> Expr,
    (shared, adds_up): (&dyn Fn(VarId) -> bool, bool),
    fresh: &mut dyn FnMut() -> VarId,
) -> Updates {
    let pooled = |v: VarId| model.kept.get(&v) == Some(&Kept::Channel);
    let bounds = |v: VarId| model.bounds.iter().find(|(b, ..)| *b == v).map(|(_, lo, hi)| (lo.clone(), hi.clone()));
    let owner = owner_in_cell(model);
    let mut replay = Replay {
        inline,
        bounds: &bounds,
        shared: Some(shared),
        pooled: &pooled,
        adds_up: &|v| adds_up || pooled(v),
        number: &|_| false,
        splitter: Splitter { owner: &owner },
        fresh,
        choosing: false,
        marking: false,
        entangled: None,
    };
    replay.run(model.handlers.iter().filter(|h| h.signal == signal).map(|h| &h.body[..]))
}

/// Returns whose values the expressions of a cell are.
fn owner_in_cell(model: &Neuron) -> impl Fn(&Expr) -> Option<Owner> + '_ {
    move |e| match e {
        Expr::Var(v) => match model.vars.get(*v).map(|v| &v.kind) {
            Some(VarKind::Param(_)) => None,
            Some(VarKind::State(_)) if model.is_shared(*v) => Some(Owner::Own),
            // What has been reduced is the same for all.
            None => Some(Owner::Own),
            _ => Some(Owner::Post),
        },
        Expr::Noise(_) | Expr::Draw(..) => Some(Owner::Post),
        _ => None,
    }
}

/// Returns what a synapse does at a signal.
pub fn bodies<'a>(s: &'a Synapse, signal: &'a str) -> impl Iterator<Item = &'a [Stmt]> {
    let heard = move |t: &Trigger| matches!(t, Trigger::Signal(name) if name == signal);
    s.handlers.iter().filter(move |h| heard(&h.trigger)).map(|h| &h.body[..])
}

/// Lists the sums of a synapse in a network that sees several examples; `single` says which modulators are of one cell.
pub fn factors(s: &Synapse, single: &dyn Fn(VarId) -> bool) -> Vec<Factor> {
    let owner = owner_in_synapse(s, single);
    let mut out = Vec::new();
    if let Some(deliver) = &s.deliver {
        let terms = Splitter { owner: &owner }.terms(&s.inline(deliver.clone()));
        out.extend(terms.into_iter().map(|term| Factor { signal: None, term }));
    }
    let signals = s.handlers.iter().filter_map(|h| match &h.trigger {
        Trigger::Signal(name) => Some(name.as_str()),
        Trigger::Cell(..) => None,
    });
    for signal in signals.collect::<BTreeSet<&str>>() {
        let mut next = u32::MAX - 100;
        let mut fresh = || {
            next -= 1;
            VarId::from_u32(next)
        };
        let updates = synapse_updates(s, signal, true, true, &Owners { of: &owner, number: &|_| false }, &mut fresh);
        let reductions = updates.reductions.into_iter();
        out.extend(reductions.map(|r| Factor { signal: Some(signal.to_string()), term: r.term }));
    }
    out
}
