//! Conditions, events and regimes of a component.
//!
//! Input: a part whose names are in a neuron. Output: events of the neuron, with what is done at each.

use super::dimension::NONE;
use super::expression::{Expression, Operator, binary, name};
use super::part::{Builder, Part};
use super::place::{Outcome, Place, flaw};
use super::scope::Written;
use super::types::{Action, Condition, Dynamics};

impl Builder<'_, '_> {
    /// Writes all conditions.
    pub(super) fn conditions(&mut self, part: &Part, dynamics: &Dynamics) -> Outcome<()> {
        for condition in &dynamics.conditions {
            self.condition(part, condition, None, dynamics)?;
        }
        for (n, regime) in dynamics.regimes.iter().enumerate() {
            for condition in &regime.conditions {
                self.condition(part, condition, Some(n), dynamics)?;
            }
        }
        Ok(())
    }

    fn condition(
        &mut self,
        part: &Part,
        condition: &Condition,
        regime: Option<usize>,
        dynamics: &Dynamics,
    ) -> Outcome<()> {
        let test = self.write(part, &condition.test, Some(NONE), &condition.place)?;
        let mut body = Vec::new();
        let mut port = None;
        self.actions(part, &condition.actions, dynamics, &mut body, &mut port, 0)?;
        let mut when = test.text.clone();
        if let Some(n) = regime {
            when = format!("{} == {n} and {}", part.regime, test.within(2));
        }
        if condition.rising {
            when = format!("rising {when}");
        }
        self.emit(part, port, when, body, &condition.place)
    }

    /// Adds an event.
    pub fn emit(
        &mut self,
        part: &Part,
        port: Option<String>,
        when: String,
        body: Vec<String>,
        place: &Place,
    ) -> Outcome<()> {
        let name = match port {
            None => self.neuron.fresh("change", &part.suffix),
            Some(port) => {
                // The only event of a cell is its spike.
                let only = part.suffix.is_empty() && part.kind.dynamics.as_ref().is_some_and(|d| d.sends_only(&port));
                let name = if only { "spike".to_string() } else { super::scope::identifier(&port) };
                self.neuron.paths.insert(format!("event {port}"), name.clone());
                if self.neuron.emits.iter().any(|e| e.0 == name) {
                    return Err(flaw(place, format!("`{port}` is sent in two ways"), "the second")
                        .help("join the conditions by `.or.`"));
                }
                name
            }
        };
        self.neuron.emits.push((name, when, body));
        Ok(())
    }

    /// Writes what is done; the port of an event that leaves is kept.
    pub fn actions(
        &self,
        part: &Part,
        actions: &[Action],
        dynamics: &Dynamics,
        body: &mut Vec<String>,
        port: &mut Option<String>,
        depth: usize,
    ) -> Outcome<()> {
        for action in actions {
            match action {
                Action::Emit(own) => *port = Some(own.clone()),
                Action::Hold(variable, time) => {
                    let own = self.variable(part, variable, &part.element.place)?;
                    let time = self.write(part, time, None, &part.element.place)?;
                    body.push(format!("hold {} for {}", own.text, time.text));
                }
                Action::Assign(variable, value, place) => {
                    let own = self.variable(part, variable, place)?;
                    body.push(self.assignment(part, variable, &own, value, place)?);
                }
                Action::Transition(to, place) => {
                    let n = dynamics.regimes.iter().position(|r| r.name == *to).ok_or_else(|| {
                        flaw(place, format!("there is no regime `{to}`"), "named here")
                            .help("declare a `Regime` of this name")
                    })?;
                    body.push(format!("{} = {n}", part.regime));
                    if depth > 0 {
                        return Err(flaw(place, "a regime that ends as it begins cannot be carried over", "here"));
                    }
                    self.actions(part, &dynamics.regimes[n].entry, dynamics, body, port, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    fn assignment(
        &self,
        part: &Part,
        variable: &str,
        own: &Written,
        value: &Expression,
        place: &Place,
    ) -> Outcome<String> {
        if let Some(rest) = added(variable, value) {
            let written = self.write(part, &rest, Some(own.dimension), place)?;
            return Ok(format!("{} += {}", own.text, written.text));
        }
        let written = self.write(part, value, Some(own.dimension), place)?;
        Ok(format!("{} = {}", own.text, written.text))
    }
}

/// What is added, if an assignment adds to its variable.
pub fn added(variable: &str, value: &Expression) -> Option<Expression> {
    let Expression::Binary(operator, x, y) = value else { return None };
    let own = name(variable);
    match operator {
        Operator::Plus if **x == own && !y.mentions(variable) => Some((**y).clone()),
        Operator::Plus if **y == own && !x.mentions(variable) => Some((**x).clone()),
        Operator::Minus if **x == own && !y.mentions(variable) => Some(Expression::Negative(y.clone())),
        // (x + a) + b
        Operator::Plus if !y.mentions(variable) => {
            added(variable, x).map(|rest| binary(Operator::Plus, rest, (**y).clone()))
        }
        _ => None,
    }
}
