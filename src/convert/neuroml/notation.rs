//! The notation of the types of the core, read once per file that is carried over.

use super::core_types::CORE;
use super::dimension::{Dimension, NONE, Quantity, Units};
use super::expression::{Expression, parse};
use super::place::Place;
use super::types::{Action, Condition, Derived, Dynamics, Parameter, Rule, State, Type};
use std::collections::BTreeMap;

/// The types of the core, by name.
pub fn core(units: &Units) -> BTreeMap<String, Type> {
    let mut types = BTreeMap::new();
    let mut current = Type::default();
    let mut dynamics = Dynamics::default();
    for line in CORE.lines().filter(|l| !l.trim().is_empty()) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "type" {
            finish(&mut types, &mut current, &mut dynamics);
            let (name, base) = rest.split_once(" : ").map_or((rest, None), |(n, b)| (n, Some(b)));
            current = Type { name: name.to_string(), extends: base.map(str::to_string), ..Type::default() };
        } else {
            Line { units, rest }.add(word, &mut current, &mut dynamics);
        }
    }
    finish(&mut types, &mut current, &mut dynamics);
    types
}

fn finish(types: &mut BTreeMap<String, Type>, current: &mut Type, dynamics: &mut Dynamics) {
    let mut done = std::mem::take(current);
    let own = std::mem::take(dynamics);
    if done.name.is_empty() {
        return;
    }
    let empty = own.rates.is_empty() && own.derived.is_empty() && own.states.is_empty();
    done.dynamics = (!empty).then_some(own);
    types.insert(done.name.clone(), done);
}

struct Line<'a> {
    units: &'a Units,
    rest: &'a str,
}

impl Line<'_> {
    fn add(&self, word: &str, to: &mut Type, dynamics: &mut Dynamics) {
        let (head, tail) = self.rest.split_once(" = ").unwrap_or((self.rest, ""));
        let words: Vec<&str> = head.split(' ').collect();
        let name = words.first().copied().unwrap_or("").to_string();
        let dimension = words.get(1).and_then(|d| self.units.dimension(d)).unwrap_or(NONE);
        let called = words.iter().position(|w| *w == "as").and_then(|i| words.get(i + 1)).map(|w| (*w).to_string());
        match word {
            "param" => {
                let unit = words.iter().find_map(|w| w.strip_prefix("unit=")).map(str::to_string);
                to.parameters.push(Parameter { name, dimension, called, unit, default: None });
            }
            "const" => to.constants.push((name, self.quantity(words.get(1).copied().unwrap_or("0")))),
            "text" => to.texts.extend(words.iter().map(|w| (*w).to_string())),
            "require" => to.requirements.push((name, dimension)),
            "child" => to.children.push((name, words.get(1).copied().unwrap_or("").to_string())),
            "impulse" => to.impulse = Some(name),
            "state" => dynamics.states.push(State { name, dimension, called }),
            "derived" => to.derived_parameters.push(derived(name, dimension, called, Rule::Value(read(tail)))),
            "let" => dynamics.derived.push(derived(name, dimension, called, Rule::Value(read(tail)))),
            "attached" => {
                let quantity = if dimension == NONE { "I" } else { "i" };
                let rule = Rule::Select(format!("synapses[*]/{quantity}"), Some("add".into()));
                to.attachments.push("synapses".into());
                dynamics.derived.push(derived(name, dimension, called, rule));
            }
            "select" => {
                let (path, reduce) = tail.split_once(' ').unwrap_or((tail, ""));
                let rule = Rule::Select(path.to_string(), Some(reduce.to_string()));
                dynamics.derived.push(derived(name, dimension, called, rule));
            }
            "case" => dynamics.derived.push(derived(name, dimension, called, cases(tail))),
            "start" => dynamics.starts.push(Action::Assign(name, read(tail), Place::default())),
            "rate" => dynamics.rates.push((name, read(tail), Place::default())),
            "on" => {
                let actions = self.rest.split_once(" : ").map_or("", |(_, a)| a);
                dynamics.events.push((name, self.actions(actions)));
            }
            _ => {
                let (test, actions) = self.rest.split_once(" : ").unwrap_or((self.rest, ""));
                let actions = self.actions(actions);
                let rising = word == "rising";
                dynamics.conditions.push(Condition { test: read(test), rising, actions, place: Place::default() });
            }
        }
    }

    fn quantity(&self, text: &str) -> Quantity {
        self.units.quantity(text).unwrap_or(Quantity::number(0.0))
    }

    fn actions(&self, text: &str) -> Vec<Action> {
        let action = |text: &str| {
            let words: Vec<&str> = text.split(' ').collect();
            match (words.as_slice(), text.split_once(" = ")) {
                (["emit", port], _) => Action::Emit((*port).to_string()),
                (["hold", variable, time], _) => Action::Hold((*variable).to_string(), read(time)),
                (_, Some((variable, value))) => Action::Assign(variable.to_string(), read(value), Place::default()),
                _ => Action::Emit(text.to_string()),
            }
        };
        text.split(" ; ").map(action).collect()
    }
}

fn derived(name: String, dimension: Dimension, called: Option<String>, rule: Rule) -> Derived {
    Derived { name, dimension, said: true, called, rule, place: Place::default() }
}

fn cases(text: &str) -> Rule {
    let one = |text: &str| match text.split_once(" ? ") {
        Some((condition, value)) => (Some(read(condition)), read(value)),
        None => (None, read(text)),
    };
    Rule::Cases(text.split(" | ").map(one).collect())
}

fn read(text: &str) -> Expression {
    parse(text).unwrap_or_else(|_| Expression::Name(text.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_core_is_read() {
        let units = Units::core();
        let types = core(&units);
        assert!(types.len() > 60);
        for line in CORE.lines() {
            for formula in line.split_once(" = ").map(|(_, f)| f).into_iter().filter(|_| line.starts_with("let ")) {
                assert!(parse(formula).is_ok(), "{line}");
            }
        }
        for kind in types.values() {
            assert!(kind.extends.as_ref().is_none_or(|b| types.contains_key(b)), "{}", kind.name);
        }
    }
}
