//! Units of a mechanism: what is known of variables, what its parts must have, and what the file says.

use std::collections::HashMap;

use super::ast::Sort;
use super::graph::{Id, Op, Role};
use super::infer::{Infer, MOST, declared};
use super::model::{Model, Motion, roots};
use super::print::unit_name;
use super::run::Run;
use super::units::{DENSITY, FARADAY, GAS, KELVIN, MM, MS, MV, NA, ONE, UM, Unit, plus};

/// The parameter that is the density of the channel (or its conductance at a point), if there is just one.
pub fn maximal(run: &Run, infer: &Infer) -> Option<String> {
    let siemens = [-1.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    let density = [-1.0, 0.0, 1.0, -2.0, 0.0, 0.0];
    let is_conductance = |unit: &Unit| unit[..6] == siemens || unit[..6] == density;
    let mut found = run.graph.atoms.iter().filter(|a| {
        let unit = run.graph.find(&a.name).map(|id| infer.unit(id));
        a.role == Role::Parameter && unit.is_some_and(|u| is_conductance(&u))
    });
    let first = found.next()?;
    let name = first.name.to_ascii_lowercase();
    let wanted = name.starts_with('g') && (name.contains("bar") || name.contains("max"));
    (wanted && found.next().is_none()).then(|| first.name.clone())
}

/// The units of the variables that the file has no say in.
fn given(run: &Run) -> HashMap<Id, Unit> {
    let mut known = HashMap::new();
    for atom in &run.graph.atoms {
        let Some(id) = run.graph.find(&atom.name) else { continue };
        let unit = match atom.role {
            Role::Voltage => MV,
            Role::Time | Role::Step => MS,
            Role::Temperature => KELVIN,
            Role::Constant => match atom.name.as_str() {
                "F" => FARADAY,
                "F in kC" => plus(&FARADAY, &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0], 1.0),
                "F in 10 kC" => plus(&FARADAY, &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0], 1.0),
                "R" => GAS,
                _ => ONE,
            },
            Role::Argument if atom.name == "diam" => UM,
            Role::Argument if atom.name == "area" => plus(&UM, &UM, 1.0),
            Role::Argument | Role::Parameter | Role::State => match run.of_ion(&atom.name) {
                Some((_, "e")) => MV,
                Some((_, "current")) => DENSITY,
                Some(_) => MM,
                None => continue,
            },
            Role::Weight | Role::Stale => continue,
        };
        known.insert(id, unit);
    }
    known
}

pub fn infer(run: &mut Run, model: &Model) -> Option<Infer> {
    let mut infer = Infer::new(&run.graph, &given(run));
    let graph = &run.graph;
    let rate = plus(&ONE, &MS, -1.0);
    for root in
        roots(model).into_iter().chain(model.weight).chain(model.states.iter().filter_map(|s| graph.find(&s.name)))
    {
        infer.visit(graph, root);
    }
    if infer.size() > MOST {
        let at = run.mechanism.name.as_ref().map_or(0..0, |n| n.1.clone());
        run.flaw(&at, "the mechanism is too long".into(), "here", Some("divide it"));
        return None;
    }
    for gate in &model.gates {
        if let Some(own) = graph.find(&gate.name) {
            infer.visit(graph, own);
            infer.demand(own, &ONE);
        }
        match gate.motion {
            Motion::Towards(inf, tau) => {
                infer.demand(inf, &ONE);
                infer.demand(tau, &MS);
            }
            Motion::Rates(alpha, beta) => {
                infer.demand(alpha, &rate);
                infer.demand(beta, &rate);
            }
        }
    }
    let current = if run.mechanism.sort == Sort::Point { NA } else { DENSITY };
    for (_, id) in &model.currents {
        infer.demand(*id, &current);
    }
    for (_, id) in &model.outputs {
        infer.demand(*id, &MM);
    }
    for state in &model.states {
        let Some(own) = graph.find(&state.name) else { continue };
        if let Some(id) = state.rate {
            infer.relate(id, own, &rate);
        }
        if let Some(id) = state.initial {
            infer.relate(id, own, &ONE);
        }
    }
    for state in &model.states {
        if let (Some(own), Some(event), Some(weight)) = (graph.find(&state.name), state.event, model.weight) {
            infer.arrival(own, event, weight);
        }
    }
    told(run, &mut infer);
    infer.settle(&run.graph);
    Some(infer)
}

/// What the file says of units, as far as its arithmetic allows.
fn told(run: &mut Run, infer: &mut Infer) {
    let mechanism = run.mechanism;
    let lists =
        mechanism.states.iter().chain(&mechanism.parameters).chain(&mechanism.constants).chain(&mechanism.assigned);
    let mut notes = Vec::new();
    for one in lists {
        let faraday = one.name.to_ascii_uppercase().starts_with('F')
            && one.value.is_some_and(|v| (96_000.0..97_000.0).contains(&v));
        let gas = one.name == "R" && one.value.is_some_and(|v| (8.2..8.4).contains(&v));
        let unit = match declared(one.unit.as_deref(), &run.units) {
            _ if faraday => Some(FARADAY),
            _ if gas => Some(GAS),
            found => found,
        };
        let Some(id) = run.graph.find(&one.name) else { continue };
        if let Some(unit) = unit
            && !infer.demand(id, &unit)
            && !faraday
            && !gas
            && run.graph.variable(id).is_some_and(|a| a.role != Role::Temperature)
        {
            let text = one.unit.as_deref().unwrap_or("");
            notes.push((id, one.name.clone(), text.to_string()));
        }
    }
    for (id, op) in run.graph.ops.iter().enumerate() {
        if let Op::Number(_, Some(text)) = op
            && let Some(unit) = declared(Some(text), &run.units)
        {
            infer.demand(id, &unit);
        }
    }
    for (id, op) in run.graph.ops.iter().enumerate() {
        let Op::Named(name, _) = op else { continue };
        let unit = mechanism.assigned.iter().find(|a| a.name == *name).and_then(|a| a.unit.as_deref());
        let unit = unit.or_else(|| mechanism.procedures.get(name).and_then(|p| p.unit.as_deref()));
        if let Some(unit) = declared(unit, &run.units) {
            infer.demand(id, &unit);
        }
    }
    for (id, name, unit) in notes {
        let found = unit_name(&infer.unit(id));
        let text = format!("`{name}` is in `{unit}` in the file; its arithmetic takes it in `{found}`");
        if !run.notes.contains(&text) {
            run.notes.push(text);
        }
    }
}
