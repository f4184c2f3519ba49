//! Types of components: what they have, and how it changes.

use super::dimension::{Dimension, Quantity};
use super::expression::Expression;
use super::place::Place;

/// A type of components.
#[derive(Clone, Debug, Default)]
pub struct Type {
    /// Its name.
    pub name: String,
    /// The type whose content it has as well.
    pub extends: Option<String>,
    /// Where it is declared; nowhere for a type of the core.
    pub place: Option<Place>,
    /// What components of it are given.
    pub parameters: Vec<Parameter>,
    /// What follows from parameters.
    pub derived_parameters: Vec<Derived>,
    /// What is the same for all components.
    pub constants: Vec<(String, Quantity)>,
    /// Attributes that say nothing about dynamics, and texts.
    pub texts: Vec<String>,
    /// Attributes that name other components.
    pub references: Vec<String>,
    /// What it may have within: name and type.
    pub children: Vec<(String, String)>,
    /// What is read from around.
    pub requirements: Vec<(String, Dimension)>,
    /// Where what is attached to it contributes: the name of the attachments.
    pub attachments: Vec<String>,
    /// What an impulse of weight one is, if the type says so.
    pub impulse: Option<String>,
    /// What changes.
    pub dynamics: Option<Dynamics>,
    /// What it makes of itself in a simulation.
    pub structure: Option<Structure>,
}

/// What a component makes of itself in a simulation.
#[derive(Clone, Debug, Default)]
pub struct Structure {
    /// Where that is written.
    pub place: Place,
    /// It is a population: which parameter says how many, and which attribute of what.
    pub population: Option<(String, String)>,
    /// Which attributes name components that are within it.
    pub within: Vec<String>,
    /// It joins two cells: which attributes name them, and which one the synapse.
    pub joins: Option<(String, String, Option<String>)>,
    /// Whether there is more, which cannot be carried over.
    pub more: bool,
}

/// What a component is given.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its dimension.
    pub dimension: Dimension,
    /// What it is called in Neuro.
    pub called: Option<String>,
    /// The unit of values that are written without one.
    pub unit: Option<String>,
    /// Its value where none is given.
    pub default: Option<String>,
}

/// What follows from other things.
#[derive(Clone, Debug)]
pub struct Derived {
    /// Its name.
    pub name: String,
    /// Its dimension.
    pub dimension: Dimension,
    /// Whether that is said, or follows from the formula.
    pub said: bool,
    /// What it is called in Neuro.
    pub called: Option<String>,
    /// How it follows.
    pub rule: Rule,
    /// Where that is written.
    pub place: Place,
}

/// How something follows from other things.
#[derive(Clone, Debug)]
pub enum Rule {
    /// From a formula.
    Value(Expression),
    /// From a formula for each case.
    Cases(Vec<(Option<Expression>, Expression)>),
    /// From components within, or attached: path, and `add` or `multiply`.
    Select(String, Option<String>),
}

/// What changes.
#[derive(Clone, Debug, Default)]
pub struct Dynamics {
    /// What is remembered.
    pub states: Vec<State>,
    /// What follows from it.
    pub derived: Vec<Derived>,
    /// Rates of change.
    pub rates: Vec<(String, Expression, Place)>,
    /// What is done at the beginning.
    pub starts: Vec<Action>,
    /// What is done where a condition holds.
    pub conditions: Vec<Condition>,
    /// What is done at events: port and actions.
    pub events: Vec<(String, Vec<Action>)>,
    /// Ways of behaving, one at a time.
    pub regimes: Vec<Regime>,
}

impl Dynamics {
    /// Whether all events leave by one port.
    pub fn sends_only(&self, port: &str) -> bool {
        let regimes = self.regimes.iter().flat_map(|r| r.conditions.iter().map(|c| &c.actions).chain([&r.entry]));
        let all = self.conditions.iter().map(|c| &c.actions).chain(self.events.iter().map(|e| &e.1)).chain(regimes);
        all.flatten().all(|action| !matches!(action, Action::Emit(own) if own != port))
    }
}

/// What is remembered.
#[derive(Clone, Debug)]
pub struct State {
    /// Its name.
    pub name: String,
    /// Its dimension.
    pub dimension: Dimension,
    /// What it is called in Neuro.
    pub called: Option<String>,
}

/// What is done where a condition holds.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The condition.
    pub test: Expression,
    /// Whether only its beginning counts.
    pub rising: bool,
    /// What is done.
    pub actions: Vec<Action>,
    /// Where it is written.
    pub place: Place,
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Action {
    /// A state gets a value.
    Assign(String, Expression, Place),
    /// A state keeps its value for a time.
    Hold(String, Expression),
    /// An event leaves.
    Emit(String),
    /// Another regime begins.
    Transition(String, Place),
}

/// A way of behaving.
#[derive(Clone, Debug)]
pub struct Regime {
    /// Its name.
    pub name: String,
    /// Whether it is the first one.
    pub initial: bool,
    /// Rates of change.
    pub rates: Vec<(String, Expression, Place)>,
    /// What is done when it begins.
    pub entry: Vec<Action>,
    /// What is done where a condition holds.
    pub conditions: Vec<Condition>,
}

impl Type {
    /// This type with what it has of another one.
    pub fn with(mut self, base: &Type) -> Type {
        let mut out = base.clone();
        out.name = std::mem::take(&mut self.name);
        out.extends = self.extends;
        out.place = self.place;
        out.structure = self.structure.or(out.structure);
        out.impulse = self.impulse.or(out.impulse);
        replace(&mut out.parameters, self.parameters, |p| &p.name);
        replace(&mut out.derived_parameters, self.derived_parameters, |p| &p.name);
        replace(&mut out.constants, self.constants, |c| &c.0);
        replace(&mut out.requirements, self.requirements, |c| &c.0);
        replace(&mut out.children, self.children, |c| &c.0);
        out.texts.extend(self.texts);
        out.references.extend(self.references);
        out.attachments.extend(self.attachments);
        // What is fixed by the type that extends is no parameter any more.
        out.parameters.retain(|p| !out.constants.iter().any(|c| c.0 == p.name));
        out.dynamics = self.dynamics.or(out.dynamics);
        out
    }
}

fn replace<T>(all: &mut Vec<T>, new: Vec<T>, name: impl Fn(&T) -> &String) {
    for x in new {
        match all.iter_mut().find(|y| name(y) == name(&x)) {
            Some(old) => *old = x,
            None => all.push(x),
        }
    }
}
