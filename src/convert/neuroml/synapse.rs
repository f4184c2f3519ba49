//! Synapses, whose equations become part of the cell that they act on.
//!
//! Input: a synapse and the scope of a cell. Output: a port for events, and the current that flows. Synapses of one kind on a cell
//! share their states where these add up; where they do not, a cell may have only one.

use super::actions::added;
use super::dimension::{Dimension, NONE, Quantity};
use super::expression::{Expression, Operator};
use super::model::{Model, kind};
use super::part::{Builder, Part};
use super::place::{Outcome, flaw};
use super::scope::{Scope, Written, identifier};
use super::types::{Action, Dynamics, Rule};
use super::xml::Element;
use std::collections::HashMap;

/// A synapse that has become part of a cell.
pub struct Attached {
    /// The port that takes its events.
    pub port: String,
    /// The current that flows.
    pub current: Written,
    /// What an event of weight one is.
    pub impulse: Quantity,
    /// Whether weights act.
    pub weighted: bool,
}

/// Makes a synapse part of a cell.
pub fn attach<'a>(
    builder: &mut Builder<'_, 'a>,
    element: &'a Element,
    cell: &Scope,
    several: bool,
    quantity: &str,
) -> Outcome<Attached> {
    let id = element.need("id")?;
    let port = builder.neuron.fresh(id, "");
    // A row of parameters of its own.
    builder.neuron.params.push((String::new(), String::new()));
    let mut part = builder.begin(element, id, &format!("{id}/"), cell, 0)?;
    let dynamics = part.kind.dynamics.clone().unwrap_or_default();
    if several && !adds_up(&part, &dynamics, quantity) {
        let message = format!("several synapses of `{id}` act on one cell, and do not add up");
        return Err(flaw(&element.place, message, "its equations are not linear in its states").help(
            "declare a synapse for each of them, or write a `synapse` with states in the `.neuro` file by hand",
        ));
    }
    let impulse = impulse_of(builder.model, &part)?;
    let mut weighted = true;
    builder.finish(&mut part, None)?;
    for (event, actions) in &dynamics.events {
        if event != "in" {
            return Err(flaw(&element.place, format!("events at the port `{event}` cannot be carried over"), "here")
                .help("write the synapse in the `.neuro` file by hand"));
        }
        weighted = on_event(builder, &mut part, &dynamics, actions, &port, impulse.dimension)?;
    }
    let unit = if impulse.dimension == NONE { "1".to_string() } else { unit_of(&impulse) };
    builder.neuron.inputs.push(format!("event input {port}: {unit}"));
    let current = current(builder, &part, &dynamics, quantity)?;
    Ok(Attached { port, current, impulse, weighted })
}

/// The names of the parameters that switch an input on and scale it.
pub fn switches(element: &Element) -> (String, String) {
    let id = element.get("id").unwrap_or("input");
    (identifier(&format!("on_{id}")), identifier(&format!("weight_{id}")))
}

/// Makes an input of a type of the file part of a cell, where it is off until it is switched on.
pub fn inject<'a>(
    builder: &mut Builder<'_, 'a>,
    element: &'a Element,
    cell: &Scope,
    quantity: &str,
) -> Outcome<Written> {
    let id = element.need("id")?;
    builder.neuron.params.push((String::new(), String::new()));
    let (on, weight) = switches(element);
    let mut part = builder.begin(element, id, &format!("{id}/"), cell, 0)?;
    let dynamics = part.kind.dynamics.clone().unwrap_or_default();
    if dynamics.events.iter().any(|e| !e.1.is_empty()) {
        return Err(flaw(&element.place, "an input that takes events cannot be carried over", "this input"));
    }
    builder.neuron.params.push((on.clone(), "0".into()));
    builder.neuron.params.push((weight.clone(), "1".into()));
    part.scope.set("weight", Written::atom(weight, NONE));
    builder.finish(&mut part, None)?;
    let current = current(builder, &part, &dynamics, quantity)?;
    Ok(Written { text: format!("{on} * {}", current.within(6)), binding: 6, dimension: current.dimension })
}

/// The synapses that one stands for.
pub fn parts<'a>(model: &Model<'a>, element: &'a Element) -> Outcome<Vec<&'a Element>> {
    match kind(element) {
        "doubleSynapse" => Ok(vec![model.referred(element, "synapse1")?, model.referred(element, "synapse2")?]),
        _ => Ok(vec![element]),
    }
}

/// The unit of a quantity, for a declaration.
pub fn unit_of(quantity: &Quantity) -> String {
    let unit =
        if quantity.unit.is_empty() { super::dimension::usual(quantity.dimension) } else { quantity.unit.clone() };
    match unit.strip_prefix('/') {
        Some(below) => format!("1/{below}"),
        None if unit.is_empty() => "1".into(),
        None => unit,
    }
}

fn impulse_of(model: &Model, part: &Part) -> Outcome<Quantity> {
    let Some(name) = &part.kind.impulse else { return Ok(Quantity::number(1.0)) };
    match part.kind.parameters.iter().find(|p| p.name == *name) {
        Some(parameter) => model.parameter(part.element, parameter),
        None => model.units.quantity(name).map_err(|e| flaw(&part.element.place, e, "here")),
    }
}

fn current(builder: &Builder, part: &Part, dynamics: &Dynamics, name: &str) -> Outcome<Written> {
    let derived = dynamics.derived.iter().find(|d| d.name == name);
    if let Some(Rule::Value(x)) = derived.map(|d| &d.rule) {
        let units = &builder.model.units;
        return part.scope.write(x, units, None).map_err(|e| flaw(&part.element.place, e, "its current"));
    }
    part.scope.get(name).cloned().ok_or_else(|| {
        flaw(&part.element.place, format!("`{}` has no `{name}`", part.kind.name), "not a synapse of this cell")
            .help(format!("declare a `DerivedVariable` called `{name}`"))
    })
}

/// Writes what events do: terms of rates where they add something that does not change, or else an event of the cell. Returns whether
/// weights act.
pub fn on_event(
    builder: &mut Builder,
    part: &mut Part,
    dynamics: &Dynamics,
    actions: &[Action],
    port: &str,
    dimension: Dimension,
) -> Outcome<bool> {
    let weighted = !part.kind.parameters.iter().all(|p| p.name != "weight") || part.kind.impulse.is_some();
    let impulse = Written::atom(port, dimension);
    let fixed = changing(dynamics);
    let mut terms = Vec::new();
    for action in actions {
        let Action::Assign(variable, value, place) = action else { continue };
        let Some(rest) = added(variable, value) else { break };
        let Some(own) = part.scope.get(variable).cloned() else { break };
        let mut env: HashMap<String, Degree> = fixed.keys().map(|n| (n.clone(), Degree::Other)).collect();
        env.insert("weight".into(), Degree::One);
        env.insert("impulse".into(), Degree::One);
        let degree = degree(&rest, &env);
        let units = &builder.model.units;
        let at =
            |e: String| flaw(if place.at.is_empty() { &part.element.place } else { place }, e, "in this assignment");
        let mut scope = part.scope.clone();
        scope.set("weight", impulse.clone());
        scope.set("impulse", impulse.clone());
        let text = match degree {
            Degree::One => scope.write(&rest, units, Some(own.dimension)).map_err(at)?.within(5),
            Degree::Zero => {
                let rest = scope.write(&rest, units, Some(own.dimension)).map_err(at)?;
                if rest.text == "1" { port.to_string() } else { format!("{} * {port}", rest.within(6)) }
            }
            Degree::Other => break,
        };
        terms.push((own.text, text));
    }
    let assignments = actions.iter().filter(|a| matches!(a, Action::Assign(..))).count();
    let sends = actions.iter().any(|a| matches!(a, Action::Emit(p) if p != "relay"));
    if terms.len() == assignments && !sends {
        terms.into_iter().for_each(|(state, term)| builder.neuron.add_rate(&state, term));
        return Ok(weighted);
    }
    arrive(builder, part, dynamics, actions, port)?;
    Ok(weighted)
}

/// Events that do more than add are counted in a state, and handled at once.
fn arrive(builder: &mut Builder, part: &mut Part, dynamics: &Dynamics, actions: &[Action], port: &str) -> Outcome<()> {
    let count = builder.neuron.fresh("arrived", port);
    builder.neuron.states.push((count.clone(), "0".into()));
    builder.neuron.add_rate(&count, port.to_string());
    part.scope.set("weight", Written::atom(count.clone(), NONE));
    let mut body = Vec::new();
    let mut sent = None;
    builder.actions(part, actions, dynamics, &mut body, &mut sent, 0)?;
    body.push(format!("{count} = 0"));
    let place = part.element.place.clone();
    builder.emit(part, sent.filter(|p| p != "relay"), format!("{count} != 0"), body, &place)
}

/// The states of a synapse, and what follows from them or from the potential.
fn changing(dynamics: &Dynamics) -> HashMap<String, Degree> {
    let mut out: HashMap<String, Degree> = dynamics.states.iter().map(|s| (s.name.clone(), Degree::One)).collect();
    for derived in &dynamics.derived {
        out.insert(derived.name.clone(), Degree::Other);
    }
    for moving in ["v", "V", "t", "caConc"] {
        out.insert(moving.into(), Degree::Other);
    }
    out
}

/// How something depends on states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Degree {
    /// Not at all.
    Zero,
    /// Linearly, without a constant.
    One,
    /// In another way.
    Other,
}

fn degree(x: &Expression, env: &HashMap<String, Degree>) -> Degree {
    match x {
        Expression::Number(_) => Degree::Zero,
        Expression::Name(name) => env.get(name).copied().unwrap_or(Degree::Zero),
        Expression::Negative(x) => degree(x, env),
        Expression::Not(x) => only_zero(&[degree(x, env)]),
        Expression::Call(_, arguments) => only_zero(&arguments.iter().map(|a| degree(a, env)).collect::<Vec<_>>()),
        Expression::Binary(operator, x, y) => {
            let (left, right) = (degree(x, env), degree(y, env));
            match operator {
                Operator::Plus | Operator::Minus if x.as_number() == Some(0.0) => right,
                Operator::Plus | Operator::Minus if y.as_number() == Some(0.0) || left == right => left,
                Operator::Times if left == Degree::Zero => right,
                Operator::Times | Operator::Over if right == Degree::Zero => left,
                _ => only_zero(&[left, right]),
            }
        }
    }
}

fn only_zero(all: &[Degree]) -> Degree {
    if all.iter().all(|d| *d == Degree::Zero) { Degree::Zero } else { Degree::Other }
}

/// Whether synapses may share their states: these and the current are linear in them, and so is what events add.
fn adds_up(part: &Part, dynamics: &Dynamics, quantity: &str) -> bool {
    let mut env: HashMap<String, Degree> = dynamics.states.iter().map(|s| (s.name.clone(), Degree::One)).collect();
    // Formulas may be written in any order.
    for _ in 0..dynamics.derived.len() {
        for derived in &dynamics.derived {
            let own = match &derived.rule {
                Rule::Value(x) => degree(x, &env),
                Rule::Cases(cases) => {
                    let tests = cases.iter().filter_map(|(test, _)| test.as_ref());
                    let fixed = tests.map(|t| degree(t, &env)).all(|d| d == Degree::Zero);
                    let mut values = cases.iter().map(|(_, x)| degree(x, &env));
                    let first = values.next().unwrap_or(Degree::Zero);
                    if fixed && values.all(|d| d == first) { first } else { Degree::Other }
                }
                Rule::Select(..) => Degree::Zero,
            };
            env.insert(derived.name.clone(), own);
        }
    }
    let rates = dynamics.rates.iter().all(|(_, x, _)| degree(x, &env) == Degree::One);
    let current = env.get(quantity) == Some(&Degree::One);
    let fixed = changing(dynamics);
    let adds = dynamics.events.iter().flat_map(|e| &e.1).all(|action| match action {
        Action::Assign(variable, value, _) => added(variable, value).is_some_and(|rest| {
            let mut names = Vec::new();
            rest.visit(&mut |x| {
                if let Expression::Name(n) = x {
                    names.push(n.clone());
                }
            });
            names.iter().all(|n| !fixed.contains_key(n))
        }),
        Action::Emit(port) => port == "relay",
        _ => false,
    });
    let starts = dynamics.starts.iter().all(|a| matches!(a, Action::Assign(_, x, _) if x.as_number() == Some(0.0)));
    let quiet =
        dynamics.conditions.is_empty() && dynamics.regimes.is_empty() && part.within.iter().all(|(_, p)| still(p));
    rates && current && adds && starts && quiet
}

/// Whether a part remembers nothing.
fn still(part: &Part) -> bool {
    part.kind.dynamics.as_ref().is_none_or(|d| d.states.is_empty())
}

/// Whether a synapse changes with its own activity, and how: its plasticity mechanisms.
pub fn mechanisms<'a>(model: &Model, element: &'a Element) -> Vec<&'a Element> {
    element.children.iter().filter(|c| model.is_a(kind(c), "basePlasticityMechanism")).collect()
}
