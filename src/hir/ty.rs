//! Types: what kind of value, and of which dimension.

use super::{Synapse, Var};
use crate::units::{Dim, Unit, dimension_word};
use std::sync::Arc;

/// The kinds of values.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A number or an array of numbers.
    Number,
    /// A truth value.
    Bool,
    /// A string.
    Text,
    /// `lo .. hi`
    Range,
    /// Recorded or recordable events.
    Events,
    /// A recorded state over time.
    Trace,
    /// A population of the named neuron model.
    Population(String),
    /// An instance of the named network.
    Network(String),
    /// An instance of the named world.
    Environment(String),
    /// A projection; with its synapse if it has a name.
    Projection(Option<Arc<Synapse>>),
    /// A table of named columns.
    Table,
    /// The texts of a column of a table.
    Texts,
    /// Examples with named fields, or several such sets by name.
    Data {
        /// Names and dimensions of the fields.
        fields: Vec<(String, Dim)>,
        /// Names of its parts; none for a set itself.
        parts: Vec<String>,
    },
    /// Unknown because of an earlier error; fits everything and is never complained about.
    Error,
}

/// How many numbers there are, as far as the text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Known only when it is evaluated: values of a population, a parameter of a network.
    Any,
    /// One.
    Number,
    /// A row of them.
    Array,
    /// Rows and columns.
    Matrix,
}

impl Shape {
    /// The shape of two values that are combined element by element; none if they do not fit.
    pub fn with(self, other: Shape) -> Option<Shape> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Shape::Number, other) | (other, Shape::Number) => Some(other),
            (Shape::Any, other) | (other, Shape::Any) => Some(other),
            _ => None,
        }
    }
}

/// Kind, dimension, shape, and the unit as the reader typed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ty {
    /// The kind.
    pub kind: Kind,
    /// Dimension of a number; `None` fits all (`inf`, a weight whose unit the port decides).
    pub dim: Option<Dim>,
    /// Spelling for messages.
    pub unit: Option<Unit>,
    /// How many numbers.
    pub shape: Shape,
}

impl Ty {
    /// A number of the given dimension.
    pub fn number(dim: Dim) -> Ty {
        Ty { kind: Kind::Number, dim: Some(dim), unit: None, shape: Shape::Any }
    }

    /// A number in a spelled unit.
    pub fn in_unit(unit: Unit) -> Ty {
        Ty { kind: Kind::Number, dim: Some(unit.dim), unit: Some(unit), shape: Shape::Any }
    }

    /// A number whose dimension is not known.
    pub fn any_number() -> Ty {
        Ty { kind: Kind::Number, dim: None, unit: None, shape: Shape::Any }
    }

    /// A value of a kind without dimension.
    pub fn of(kind: Kind) -> Ty {
        Ty { kind, dim: None, unit: None, shape: Shape::Any }
    }

    /// The type of a variable of cells or synapses: of one cell a number, of several an array.
    pub fn of_variable(v: &Var) -> Ty {
        Ty { unit: v.unit.clone(), ..Ty::number(v.dim) }
    }

    /// A time, in milliseconds.
    pub fn time() -> Ty {
        Ty { unit: crate::units::lookup("ms"), ..Ty::number(Dim::TIME) }
    }

    /// A rate, in hertz.
    pub fn rate() -> Ty {
        Ty { unit: crate::units::lookup("Hz"), ..Ty::number(Dim::RATE) }
    }

    /// The same with a known shape.
    pub fn shaped(self, shape: Shape) -> Ty {
        Ty { shape, ..self }
    }

    /// Returns whether it is known to be more than one number.
    pub fn is_several(&self) -> bool {
        self.kind == Kind::Number && matches!(self.shape, Shape::Array | Shape::Matrix)
    }

    /// The absorbing type.
    pub fn error() -> Ty {
        Ty::of(Kind::Error)
    }

    /// Returns whether an earlier error made this type unknown.
    pub fn is_error(&self) -> bool {
        self.kind == Kind::Error
    }

    /// Describes the type for a message: the unit as typed and the word for its dimension.
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Number => match (self.dim, &self.unit) {
                (_, Some(u)) if u.name != "1" => format!("`{}` ({})", u.name, dimension_word(u.dim)),
                (Some(d), _) if d == Dim::ONE => "a pure number".into(),
                (Some(d), _) => {
                    let (unit, word) = (crate::units::canonical_unit(d).name, dimension_word(d));
                    // What has no name of its own is not said twice.
                    if word.ends_with(&unit) { format!("`{unit}`") } else { format!("`{unit}` ({word})") }
                }
                (None, _) => "a number".into(),
            },
            Kind::Bool => "a condition".into(),
            Kind::Text => "a text".into(),
            Kind::Range => "a range".into(),
            Kind::Events => "recorded events".into(),
            Kind::Trace => "a recorded state".into(),
            Kind::Population(n) => format!("a population of `{n}`"),
            Kind::Network(n) => format!("a network `{n}`"),
            Kind::Environment(n) => format!("a world `{n}`"),
            Kind::Projection(_) => "a projection".into(),
            Kind::Table => "a table".into(),
            Kind::Texts => "a column of texts".into(),
            Kind::Data { .. } => "a data set".into(),
            Kind::Error => "unknown".into(),
        }
    }

    /// Returns whether the two dimensions agree, counting unknown ones as agreeing.
    pub fn same_dim(&self, other: &Ty) -> bool {
        match (self.dim, other.dim) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        }
    }
}
