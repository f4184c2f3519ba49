//! Pools of calcium of types that files declare.
//!
//! Input: a component that extends `concentrationModel`, and what there is around it. Output: the rate of `ca`, and what it needs.

use super::dimension::{CURRENT, Dimension, Quantity};
use super::expression::{Expression, Operator};
use super::part::Builder;
use super::place::{Outcome, flaw};
use super::scope::{Scope, Written, constant, nothing};
use super::types::{Action, Condition};
use super::xml::Element;

const CONCENTRATION: Dimension = [0, -3, 0, 0, 0, 1, 0];
const AREA: Dimension = [0, 2, 0, 0, 0, 0, 0];

/// What there is around a pool.
pub struct Around<'q> {
    /// Currents of calcium out of the cell, per area.
    pub outward: Option<String>,
    /// The name of the area that they are through.
    pub area: String,
    /// The concentration at the beginning.
    pub inside: &'q Quantity,
    /// The name of that outside, if it is given.
    pub outside: Option<&'q str>,
}

/// Writes a pool; its concentration is called `ca` and is declared already.
pub fn own<'a>(builder: &mut Builder<'_, 'a>, pool: &'a Element, around: &Around) -> Outcome<()> {
    let mut scope = Scope::default();
    let current = around.outward.as_ref().map_or(nothing(CURRENT), |outward| Written {
        text: format!("{} * {}", negative(outward), around.area),
        binding: 6,
        dimension: CURRENT,
    });
    scope.set("iCa", current);
    scope.set("surfaceArea", Written::atom(around.area.clone(), AREA));
    scope.set("initialConcentration", constant(around.inside));
    let outside = around.outside.map_or(nothing(CONCENTRATION), |name| Written::atom(name, CONCENTRATION));
    scope.set("initialExtConcentration", outside.clone());
    let mut part = builder.begin(pool, "ca", "", &scope, 0)?;
    part.scope.set("concentration", Written::atom("ca", CONCENTRATION));
    part.scope.set("extConcentration", outside);
    let mut dynamics = part.kind.dynamics.take().unwrap_or_default();
    if let Some((_, _, place)) = dynamics.rates.iter().find(|r| r.0 == "extConcentration") {
        return Err(flaw(place, "a concentration outside of the cell that changes cannot be carried over", "its rate")
            .help("write a pool whose `extConcentration` stays as it is"));
    }
    dynamics.states.retain(|s| s.name != "extConcentration");
    dynamics.starts.retain(|a| !matches!(a, Action::Assign(s, ..) if s == "extConcentration"));
    let before = dynamics.conditions.len();
    dynamics.conditions.retain(|c| !is_bound(c));
    let bounded = dynamics.conditions.len() < before;
    part.kind.dynamics = Some(dynamics);
    builder.finish(&mut part, None)?;
    // What it begins with is said where it is declared.
    let mut begun = builder.neuron.states.iter().rposition(|s| s.0 == "ca").map(|n| builder.neuron.states.remove(n));
    if let (Some(first), Some(own)) = (builder.neuron.states.iter_mut().find(|s| s.0 == "ca"), begun.take()) {
        *first = own;
    }
    if bounded {
        let below = ("negative".to_string(), "ca < 0 mM".to_string(), vec!["ca = 0 mM".to_string()]);
        builder.neuron.emits.push(below);
    }
    Ok(())
}

/// `concentration .lt. 0`, where it becomes zero: as pools of the core have it.
fn is_bound(condition: &Condition) -> bool {
    let none = |x: &Expression| x.as_number() == Some(0.0);
    let below = matches!(&condition.test, Expression::Binary(Operator::Less, a, b)
        if **a == Expression::Name("concentration".into()) && none(b));
    below && matches!(&condition.actions[..], [Action::Assign(s, x, _)] if s == "concentration" && none(x))
}

/// The opposite of a sum of names.
fn negative(sum: &str) -> String {
    if sum.contains(" + ") { format!("-({sum})") } else { format!("-{sum}") }
}
