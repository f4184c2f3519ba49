//! What an event does.

use super::super::ast::Stmt;
use super::super::graph::{Id, Op, Role};
use super::super::run::Run;
use std::collections::HashMap;

/// What an event adds to states, by their names, per weight.
pub type Events = HashMap<String, Id>;

/// What an event adds to states, per weight; the unit of what arrives with it is put into `unit`.
pub fn events(run: &mut Run, unit: &mut Option<Id>) -> Events {
    let mut events = Events::new();
    let mechanism = run.mechanism;
    let Some(block) = &mechanism.receive else { return events };
    let help = "write the rule as a `synapse`, or the event in the neuron";
    let Some((name, _)) = block.args.first() else {
        run.flaw(&block.at, "`NET_RECEIVE` without a weight".into(), "cannot be carried over", Some(help));
        return events;
    };
    if let Some((name, _)) = block.args.get(1) {
        run.flaw(
            &block.at,
            format!("`NET_RECEIVE` keeps `{name}` with the connection"),
            "cannot be carried over",
            Some(help),
        );
        return events;
    }
    let weight = run.weight(name);
    *unit = Some(weight);
    let before = run.flaws.len();
    let kept = run.shared.clone();
    run.receive(name, weight, &block.body);
    if run.flaws.len() > before {
        return events;
    }
    for declared in &mechanism.states {
        let Some(value) = run.shared.remove(&declared.name) else { continue };
        match jump(run, &declared.name, value, weight) {
            Some(event) => {
                events.insert(declared.name.clone(), event);
            }
            None => {
                let message = format!("an event changes `{}` by what is not proportional to its weight", declared.name);
                run.flaw(&block.at, message, "cannot be carried over", Some(help));
            }
        }
    }
    let mut others: Vec<String> = block
        .body
        .iter()
        .filter_map(|s| match s {
            Stmt::Assign(n, ..) if mechanism.assigned.iter().chain(&mechanism.parameters).any(|d| d.name == *n) => {
                Some(n.clone())
            }
            _ => None,
        })
        .collect();
    // Within a branch or a procedure; what every step computes anew does no harm.
    let set = run.shared.iter().filter(|(n, id)| kept.get(*n) != Some(id) && !run.renewed(n)).map(|(n, _)| n.clone());
    others.extend(set.filter(|n| n != "v"));
    others.sort();
    others.dedup();
    for name in others.into_iter().filter(|n| !mechanism.states.iter().any(|s| s.name == *n)) {
        let message = format!("an event sets `{name}`, which is no state");
        run.flaw(&block.at, message, "cannot be carried over", Some(help));
    }
    events
}

fn jump(run: &mut Run, state: &str, value: Id, weight: Id) -> Option<Id> {
    let own = run.graph.find(state)?;
    let Op::Binary(sign @ ("+" | "-"), x, y) = run.graph.op(value).clone() else { return None };
    let (step, sign) = if run.graph.bare(x) == own {
        (y, if sign == "-" { -1.0 } else { 1.0 })
    } else if run.graph.bare(y) == own && sign == "+" {
        (x, 1.0)
    } else {
        return None;
    };
    // `w * factor` keeps the name of the factor.
    if let (Op::Binary("*", x, y), true) = (run.graph.op(step).clone(), sign > 0.0) {
        let other = if run.graph.bare(x) == weight { Some(y) } else { (run.graph.bare(y) == weight).then_some(x) };
        if let Some(other) = other.filter(|&id| still(run, id)) {
            return Some(other);
        }
    }
    let mut factors = run.graph.factors(step);
    let place = factors.list.iter().position(|f| f.1 == 1 && run.graph.bare(f.0) == weight)?;
    factors.list.remove(place);
    factors.number *= sign;
    let id = match factors.list[..] {
        [(only, 1)] if factors.number == 1.0 => only,
        _ => run.graph.product(&factors),
    };
    still(run, id).then_some(id)
}

/// Whether an expression is made of parameters alone.
fn still(run: &Run, id: Id) -> bool {
    !run.graph
        .contains(id, &|a| matches!(a.role, Role::State | Role::Weight | Role::Voltage | Role::Time | Role::Argument))
}
