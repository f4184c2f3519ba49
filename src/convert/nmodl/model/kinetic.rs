//! Kinetic schemes as linear equations.

use std::collections::{BTreeSet, HashMap};

use super::super::graph::{Id, Op};
use super::super::run::Run;

/// Turns reactions into rates of states.
pub fn rates(run: &mut Run) {
    let reactions = std::mem::take(&mut run.reactions);
    let mut sums: HashMap<String, Vec<Id>> = HashMap::new();
    for (left, right, forward, backward) in &reactions {
        if left.iter().chain(right).any(|t| !run.mechanism.states.iter().any(|s| s.name == t.1)) {
            let at = run.mechanism.breakpoint.as_ref().map_or(0..0, |b| b.at.clone());
            run.flaw(
                &at,
                "a reaction has a partner that is no state".into(),
                "solved here",
                Some("write it as equations `x' = …`"),
            );
            return;
        }
        let there = side(run, left, *forward);
        let back = side(run, right, *backward);
        let flow = match (run.graph.constant(*backward) == Some(0.0), right.is_empty()) {
            (true, _) => there,
            _ => run.graph.binary("-", there, back),
        };
        for (terms, sign) in [(left, -1.0), (right, 1.0)] {
            for (n, name) in terms {
                if run.eliminated(name) {
                    continue;
                }
                let mut part = flow;
                if *n != 1.0 {
                    let n = run.graph.number(*n);
                    part = run.graph.binary("*", n, part);
                }
                let part = if sign < 0.0 { run.graph.negative(part) } else { part };
                sums.entry(name.clone()).or_default().push(part);
            }
        }
    }
    run.reactions = reactions;
    for (name, parts) in sums {
        let Some((&first, rest)) = parts.split_first() else { continue };
        let mut sum = first;
        for &part in rest {
            sum = run.graph.binary("+", sum, part);
        }
        let id = run.graph.add(Op::Named(format!("{name}'"), sum));
        run.rates.insert(name, id);
    }
}

/// A rate times what reacts.
fn side(run: &mut Run, terms: &[(f64, String)], rate: Id) -> Id {
    let mut id = rate;
    for (n, name) in terms {
        let mut state = run.state(name);
        if *n != 1.0 {
            let n = run.graph.number(*n);
            state = run.graph.binary("^", state, n);
        }
        id = run.graph.binary("*", id, state);
    }
    id
}

/// The steady state of schemes without loops: neighbours are in balance.
pub fn initial(run: &mut Run) -> HashMap<String, Id> {
    let mut out = HashMap::new();
    if !run.steady || run.reactions.is_empty() {
        return out;
    }
    let at = run.mechanism.initial.at.clone();
    let help = "write the values at the beginning into `INITIAL`";
    let simple = run.reactions.iter().all(|r| matches!((&r.0[..], &r.1[..]), ([a], [b]) if a.0 == 1.0 && b.0 == 1.0));
    let pairs: Vec<(String, String, Id, Id)> = match simple {
        true => run.reactions.iter().map(|r| (r.0[0].1.clone(), r.1[0].1.clone(), r.2, r.3)).collect(),
        false => Vec::new(),
    };
    for scheme in schemes(&pairs) {
        let total = run.conserved.iter().find(|(terms, _)| {
            terms.len() == scheme.len() && terms.iter().all(|t| t.0 == 1.0 && scheme.contains(&t.1))
        });
        let reactions = pairs.iter().filter(|p| scheme.contains(&p.0)).count();
        match total.map(|t| t.1) {
            Some(total) if reactions + 1 == scheme.len() => out.extend(balance(run, &scheme, &pairs, total)),
            Some(_) => {
                run.flaw(&at, "the steady state of a scheme with loops".into(), "`STEADYSTATE` here", Some(help))
            }
            None => {
                let message = "the steady state needs a `CONSERVE` of all states of a scheme".into();
                run.flaw(&at, message, "`STEADYSTATE` here", Some(help));
            }
        }
    }
    if !simple {
        run.flaw(&at, "the steady state of reactions of several partners".into(), "`STEADYSTATE` here", Some(help));
    }
    out
}

/// States that react with each other, group by group.
fn schemes(pairs: &[(String, String, Id, Id)]) -> Vec<BTreeSet<String>> {
    let mut groups: Vec<BTreeSet<String>> = Vec::new();
    for (a, b, ..) in pairs {
        let (touched, rest): (Vec<_>, Vec<_>) = groups.into_iter().partition(|g| g.contains(a) || g.contains(b));
        let mut joined: BTreeSet<String> = touched.into_iter().flatten().collect();
        joined.extend([a.clone(), b.clone()]);
        groups = rest;
        groups.push(joined);
    }
    groups
}

fn balance(
    run: &mut Run,
    names: &BTreeSet<String>,
    pairs: &[(String, String, Id, Id)],
    total: Id,
) -> HashMap<String, Id> {
    // Shares relative to the first state, along the tree.
    let mut shares: HashMap<String, Option<Id>> = HashMap::new();
    if let Some(first) = names.iter().next() {
        shares.insert(first.clone(), None);
    }
    for _ in 0..names.len() {
        for (left, right, forward, backward) in pairs.iter().filter(|p| names.contains(&p.0)) {
            for (from, to, there, back) in [(left, right, *forward, *backward), (right, left, *backward, *forward)] {
                if shares.contains_key(from) && !shares.contains_key(to) {
                    let mut share = run.graph.binary("/", there, back);
                    if let Some(Some(x)) = shares.get(from) {
                        share = run.graph.binary("*", *x, share);
                    }
                    let share = run.graph.add(Op::Named(format!("{to}_share"), share));
                    shares.insert(to.clone(), Some(share));
                }
            }
        }
    }
    let mut sum = run.graph.number(1.0);
    for share in names.iter().filter_map(|n| shares.get(n).copied().flatten()) {
        sum = run.graph.binary("+", sum, share);
    }
    let sum = run.graph.add(Op::Named("shares".into(), sum));
    let mut out = HashMap::new();
    for name in names {
        let above = match shares.get(name).copied().flatten() {
            Some(share) if run.graph.constant(total) == Some(1.0) => share,
            Some(share) => run.graph.binary("*", total, share),
            None => total,
        };
        let id = run.graph.add(Op::Binary("/", above, sum));
        out.insert(name.clone(), id);
    }
    out
}
