//! From what blocks compute to gates, states and currents.

use std::collections::BTreeSet;

use super::ast::Place;
use super::graph::{Graph, Id, Op, Role};
use super::run::{Outcome, Run};

mod kinetic;
mod receive;

/// How a gate moves.
#[derive(Debug, Clone, Copy)]
pub enum Motion {
    /// `inf`, `tau`
    Towards(Id, Id),
    /// `alpha`, `beta`
    Rates(Id, Id),
}

/// A gate.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Its name in the file.
    pub name: String,
    /// How it moves.
    pub motion: Motion,
}

/// A state with an equation.
#[derive(Debug, Clone)]
pub struct State {
    /// Its name in the file.
    pub name: String,
    /// Its value at the beginning; 0 if the file has none.
    pub initial: Option<Id>,
    /// Its rate, without events.
    pub rate: Option<Id>,
    /// What an event adds, per weight.
    pub event: Option<Id>,
}

/// What a mechanism is.
#[derive(Debug, Default)]
pub struct Model {
    /// Gates.
    pub gates: Vec<Gate>,
    /// States.
    pub states: Vec<State>,
    /// Currents, by name.
    pub currents: Vec<(String, Id)>,
    /// Concentrations that it sets, by name.
    pub outputs: Vec<(String, Id)>,
    /// The unit of what arrives with an event.
    pub weight: Option<Id>,
    /// Parameters of the beginning of states.
    pub beginnings: Vec<(String, f64)>,
}

/// Recognizes gates, states and currents.
pub fn model(run: &mut Run, outcome: &Outcome) -> Model {
    let mut model = Model::default();
    kinetic::rates(run);
    let mut initial = outcome.initial.clone();
    initial.extend(kinetic::initial(run));
    let events = receive::events(run, &mut model.weight);
    let mechanism = run.mechanism;
    for declared in &mechanism.states {
        let name = &declared.name;
        if run.eliminated(name) {
            continue;
        }
        let rate = run.rates.get(name).copied();
        let event = events.get(name).copied();
        if rate.is_none() && event.is_none() {
            if outcome.shared.contains_key(name) {
                continue;
            }
            if run.graph.find(name).is_some() {
                run.flaw(
                    &declared.at,
                    format!("the state `{name}` has no equation"),
                    "declared here",
                    Some("write `x' = …`, or make it a parameter"),
                );
            }
            continue;
        }
        let set = outcome.shared.get(name).map(|&id| run.graph.bare(id));
        if set.is_some() && set != run.graph.find(name) {
            let help = "bound the state in the neuron, or leave the bound out where it is never reached";
            run.flaw(
                &declared.at,
                format!("`{name}` is set outside of its equation"),
                "cannot be carried over",
                Some(help),
            );
            continue;
        }
        let mut begins = initial.get(name).copied();
        if begins.is_none()
            && let Some(usual) = run.usual(name)
        {
            let id = run.graph.number(usual);
            model.beginnings.push((name.clone(), usual));
            begins = Some(id);
        }
        if begins.is_none() && (declared.value.is_some() || run.declares(&format!("{name}0"))) {
            begins = Some(run.begin(name, declared.value, &declared.at));
        }
        match rate.filter(|_| event.is_none()).and_then(|r| gate(&mut run.graph, name, r, begins)) {
            Some(motion) => model.gates.push(Gate { name: name.clone(), motion }),
            None => model.states.push(State { name: name.clone(), initial: begins, rate, event }),
        }
    }
    currents(run, outcome, &mut model);
    model
}

fn currents(run: &mut Run, outcome: &Outcome, model: &mut Model) {
    let mechanism = run.mechanism;
    let electrodes: BTreeSet<&str> = mechanism.electrodes.iter().map(|e| e.0.as_str()).collect();
    let mut names: Vec<(String, Place)> = Vec::new();
    for ion in &mechanism.ions {
        for (name, at) in &ion.write {
            match run.of_ion(name) {
                Some((_, "current")) => names.push((name.clone(), at.clone())),
                Some((_, "e")) => {
                    let help = "compute it where the channels are used: `let E_Na = nernst(…)`";
                    run.flaw(
                        at,
                        format!("`{name}` is written: a reversal potential"),
                        "cannot be carried over",
                        Some(help),
                    );
                }
                _ => output(run, outcome, model, name, at),
            }
        }
    }
    names.extend(mechanism.currents.iter().chain(&mechanism.electrodes).cloned());
    for (name, at) in names {
        let found = outcome
            .shared
            .get(&name)
            .copied()
            .or_else(|| mechanism.states.iter().any(|s| s.name == name).then(|| run.graph.find(&name)).flatten());
        match found {
            Some(id) => {
                let id = if electrodes.contains(name.as_str()) { run.graph.negative(id) } else { id };
                model.currents.push((name, id));
            }
            None if mechanism.breakpoint.is_none() => {}
            None => run.flaw(&at, format!("the current `{name}` is never computed"), "declared here", None),
        }
    }
}

fn output(run: &mut Run, outcome: &Outcome, model: &mut Model, name: &str, at: &Place) {
    let evolves = run.mechanism.states.iter().any(|s| s.name == name) && run.rates.contains_key(name);
    match outcome.shared.get(name).copied() {
        _ if evolves => {}
        Some(id) => model.outputs.push((name.into(), id)),
        None => run.flaw(at, format!("`{name}` is never computed"), "declared here", None),
    }
}

/// A gate, if an equation is one and it begins at its steady state.
fn gate(graph: &mut Graph, name: &str, rate: Id, initial: Option<Id>) -> Option<Motion> {
    let own = graph.find(name)?;
    let motion = towards(graph, own, rate).or_else(|| rates(graph, own, rate))?;
    let (Motion::Towards(a, b) | Motion::Rates(a, b)) = motion;
    let depends = |graph: &Graph, id| graph.contains(id, &|atom| atom.role == Role::State && atom.name == name);
    if depends(graph, a) || depends(graph, b) {
        return None;
    }
    let steady = match motion {
        Motion::Towards(inf, _) => inf,
        Motion::Rates(alpha, beta) => {
            let sum = graph.add(Op::Binary("+", alpha, beta));
            graph.add(Op::Binary("/", alpha, sum))
        }
    };
    let voltage = graph.contains(steady, &|a| matches!(a.role, Role::Voltage | Role::Argument));
    if !graph.same(initial?, steady) || !voltage {
        return None;
    }
    Some(match motion {
        Motion::Towards(inf, tau) => opened(graph, inf, tau).unwrap_or(motion),
        motion => motion,
    })
}

/// `(inf - x) / tau`
fn towards(graph: &mut Graph, own: Id, rate: Id) -> Option<Motion> {
    let mut factors = graph.factors(rate);
    let is_own = |graph: &Graph, id| graph.bare(id) == own;
    let (place, inf, sign) =
        factors.list.iter().enumerate().filter(|(_, f)| f.1 == 1).find_map(|(i, f)| match graph.op(f.0) {
            Op::Binary("-", x, y) if is_own(graph, *y) => Some((i, *x, 1.0)),
            Op::Binary("-", x, y) if is_own(graph, *x) => Some((i, *y, -1.0)),
            _ => None,
        })?;
    factors.list.remove(place);
    factors.number = 1.0 / (factors.number * sign);
    // 1 - x belongs to the other form.
    if graph.constant(inf).is_some() {
        return None;
    }
    for f in &mut factors.list {
        f.1 = -f.1;
    }
    let tau = if let [(only, 1)] = factors.list[..]
        && factors.number == 1.0
    {
        only
    } else {
        graph.product(&factors)
    };
    Some(Motion::Towards(inf, tau))
}

/// `alpha * (1 - x) - beta * x`
fn rates(graph: &mut Graph, own: Id, rate: Id) -> Option<Motion> {
    let Op::Binary("-", opening, closing) = graph.op(rate).clone() else { return scaled(graph, own, rate) };
    let mut up = graph.factors(opening);
    let mut down = graph.factors(closing);
    let closed = up.list.iter().position(|f| {
        f.1 == 1 && matches!(graph.op(f.0), Op::Binary("-", one, x) if graph.constant(*one) == Some(1.0) && graph.bare(*x) == own)
    })?;
    let open = down.list.iter().position(|f| f.1 == 1 && graph.bare(f.0) == own)?;
    up.list.remove(closed);
    down.list.remove(open);
    let plain = |graph: &mut Graph, factors: &super::build::Factors| match factors.list[..] {
        [(only, 1)] if factors.number == 1.0 => only,
        _ => graph.product(factors),
    };
    Some(Motion::Rates(plain(graph, &up), plain(graph, &down)))
}

/// `q * (alpha * (1 - x) - beta * x)`
fn scaled(graph: &mut Graph, own: Id, rate: Id) -> Option<Motion> {
    let factors = graph.factors(rate);
    let place = factors.list.iter().position(|f| f.1 == 1 && matches!(graph.op(f.0), Op::Binary("-", ..)))?;
    if factors.list.len() < 2 && factors.number == 1.0 {
        return None;
    }
    let Some(Motion::Rates(alpha, beta)) = rates(graph, own, factors.list[place].0) else { return None };
    let mut times = factors.clone();
    times.list.remove(place);
    let scale = graph.product(&times);
    let (alpha, beta) = (graph.binary("*", scale, alpha), graph.binary("*", scale, beta));
    Some(Motion::Rates(alpha, beta))
}

/// `inf = alpha / (alpha + beta)` and `tau = 1 / (q * (alpha + beta))` as rates.
fn opened(graph: &mut Graph, inf: Id, tau: Id) -> Option<Motion> {
    let above = graph.factors(inf);
    let sums = above.list.iter().filter(|f| f.1 == -1 && matches!(graph.op(f.0), Op::Binary("+", ..)));
    let sums: Vec<Id> = sums.map(|f| f.0).collect();
    sums.into_iter().find_map(|sum| opened_by(graph, inf, tau, sum))
}

fn opened_by(graph: &mut Graph, inf: Id, tau: Id, sum: Id) -> Option<Motion> {
    let Op::Binary("+", x, y) = graph.op(sum).clone() else { return None };
    if graph.constant(x).is_some() || graph.constant(y).is_some() {
        return None;
    }
    let share = graph.add(Op::Binary("/", x, sum));
    let (alpha, beta) = if graph.same(inf, share) {
        (x, y)
    } else {
        let share = graph.add(Op::Binary("/", y, sum));
        if !graph.same(inf, share) {
            return None;
        }
        (y, x)
    };
    // What is left of 1/tau beside the sum.
    let mut speed = graph.factors(tau);
    let place = speed.list.iter().position(|f| f.1 == -1 && graph.same(f.0, sum))?;
    speed.list.remove(place);
    speed.number = 1.0 / speed.number;
    for f in &mut speed.list {
        f.1 = -f.1;
    }
    if speed.list.is_empty() && speed.number == 1.0 {
        return Some(Motion::Rates(alpha, beta));
    }
    if speed.list.is_empty() {
        return None;
    }
    let scale = graph.product(&speed);
    let (alpha, beta) = (graph.binary("*", scale, alpha), graph.binary("*", scale, beta));
    Some(Motion::Rates(alpha, beta))
}

/// All expressions that are written, with what they are for.
pub fn roots(model: &Model) -> Vec<Id> {
    let mut roots = Vec::new();
    for g in &model.gates {
        let (Motion::Towards(a, b) | Motion::Rates(a, b)) = g.motion;
        roots.extend([a, b]);
    }
    for s in &model.states {
        roots.extend(s.initial.iter().chain(&s.rate).chain(&s.event));
    }
    roots.extend(model.currents.iter().chain(&model.outputs).map(|c| c.1));
    roots
}

/// Complains about what is not known at every step.
pub fn complete(run: &mut Run, model: &Model) {
    for root in roots(model) {
        let mut found = None;
        let atoms: Vec<String> =
            run.graph.atoms.iter().filter(|a| a.role == Role::Stale).map(|a| a.name.clone()).collect();
        for name in atoms {
            if run.graph.contains(root, &|a| a.role == Role::Stale && a.name == name) {
                found = Some(name);
            }
        }
        if let Some(name) = found {
            let unset = name.strip_suffix(" in no case").map(str::to_string);
            let name = name.trim_end_matches(" of before").trim_end_matches(" in no case").to_string();
            let declared = run.mechanism.assigned.iter().chain(&run.mechanism.parameters).chain(&run.mechanism.states);
            let at = declared.filter(|d| d.name == name).map(|d| d.at.clone()).next();
            let at = at.or_else(|| run.mechanism.procedures.get(&name).map(|p| p.at.clone()));
            let at = at.or_else(|| run.mechanism.name.as_ref().map(|n| n.1.clone())).unwrap_or(0..0);
            if unset.is_some() {
                let help = "set it in every branch";
                run.flaw(&at, format!("`{name}` is not set in every case"), "but is used", Some(help));
                continue;
            }
            let message = format!("`{name}` keeps a value from an earlier moment");
            let help = "compute it at every step, make it a state, or make it a parameter";
            run.flaw(&at, message, "is not computed anew before it is used", Some(help));
        }
    }
}
