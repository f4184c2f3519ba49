//! Values of networks and experiments: numbers with units, arrays, and handles to what is simulated.

use crate::data::{Examples, Table};
use crate::plan::View;
use crate::units::{Dim, Unit};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::rc::Rc;
use std::sync::Arc;

/// A number or a one-dimensional array, in internal units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    /// Elements.
    pub data: Arc<Vec<f64>>,
    /// Whether it is a single number.
    pub scalar: bool,
    /// Dimension.
    pub dim: Dim,
    /// Unit to print it in.
    pub unit: Option<Unit>,
    /// How many examples it has values for, one row of elements (or a single number) after the other; none if it is of no batch.
    #[serde(default)]
    pub rows: Option<usize>,
    /// The number of classes, of a label.
    #[serde(default)]
    pub classes: Option<u32>,
}

impl Quantity {
    /// A single number.
    pub fn number(value: f64, dim: Dim, unit: Option<Unit>) -> Quantity {
        Quantity { data: Arc::new(vec![value]), scalar: true, dim, unit, rows: None, classes: None }
    }

    /// A pure number.
    pub fn pure(value: f64) -> Quantity {
        Quantity::number(value, Dim::ONE, None)
    }

    /// An array.
    pub fn array(data: Vec<f64>, dim: Dim, unit: Option<Unit>) -> Quantity {
        Quantity { data: Arc::new(data), scalar: false, dim, unit, rows: None, classes: None }
    }

    /// Returns the only or first element, or NaN.
    pub fn first(&self) -> f64 {
        self.data.first().copied().unwrap_or(f64::NAN)
    }

    /// Returns element `i`, or the only one.
    pub fn at(&self, i: usize) -> f64 {
        if self.is_single() { self.first() } else { self.data.get(i).copied().unwrap_or(f64::NAN) }
    }

    /// Returns whether it is one number for all.
    pub fn is_single(&self) -> bool {
        self.scalar && self.rows.is_none()
    }

    /// Returns the number of elements of an example, or of all.
    pub fn width(&self) -> usize {
        self.data.len() / self.rows.unwrap_or(1).max(1)
    }

    /// Returns the elements of every example, or all elements.
    pub fn examples(&self) -> impl Iterator<Item = &[f64]> {
        self.data.chunks(self.width().max(1))
    }

    /// The same shape with other elements, as many or one for each example.
    pub fn with(&self, data: Vec<f64>) -> Quantity {
        let scalar = self.scalar || data.len() == self.rows.unwrap_or(1) && self.rows.is_some();
        Quantity { data: data.into(), scalar, classes: None, ..self.clone() }
    }

    /// One number for each example, or one for all.
    pub fn per_example(&self, dim: Dim, unit: Option<Unit>, f: impl Fn(&[f64]) -> f64) -> Quantity {
        let data: Vec<f64> = self.examples().map(f).collect();
        Quantity { data: data.into(), scalar: true, dim, unit, rows: self.rows, classes: None }
    }

    /// Combines two quantities element by element: a number with all, an array with each example. The error says what differs.
    pub fn zip(&self, other: &Quantity, f: impl Fn(f64, f64) -> f64) -> Result<Quantity, String> {
        let rows = match (self.rows, other.rows) {
            (Some(a), Some(b)) if a != b => return Err(format!("{a} examples with {b}")),
            (a, b) => a.or(b),
        };
        let (a, b) = (self.width(), other.width());
        if !self.scalar && !other.scalar && a != b {
            return Err(format!("arrays of {a} and {b} elements"));
        }
        let (width, scalar) = (if self.scalar { b } else { a }, self.scalar && other.scalar);
        let mut data = Vec::with_capacity(width * rows.unwrap_or(1));
        for row in 0..rows.unwrap_or(1) {
            let x = &self.data[if self.rows.is_some() { row * a } else { 0 }..];
            let y = &other.data[if other.rows.is_some() { row * b } else { 0 }..];
            match (self.scalar, other.scalar) {
                (false, false) => data.extend(x[..width].iter().zip(&y[..width]).map(|(x, y)| f(*x, *y))),
                (false, true) => data.extend(x[..width].iter().map(|x| f(*x, y[0]))),
                (true, false) => data.extend(y[..width].iter().map(|y| f(x[0], *y))),
                (true, true) => data.push(f(x[0], y[0])),
            }
        }
        Ok(Quantity { data: data.into(), scalar, rows, classes: None, ..self.clone() })
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit =
            self.unit.clone().filter(|u| u.dim == self.dim).unwrap_or_else(|| crate::units::canonical_unit(self.dim));
        let shown: Vec<String> =
            self.data.iter().take(12).map(|v| crate::units::format_number(unit.from_internal(*v))).collect();
        let suffix = if unit.name == "1" { String::new() } else { format!(" {}", unit.name) };
        if self.is_single() {
            return write!(f, "{}{suffix}", shown.first().map_or("nan", String::as_str));
        }
        let more = if self.data.len() > 12 { ", …" } else { "" };
        write!(f, "[{}{more}]{suffix}", shown.join(", "))
    }
}

/// An instantiated network: its names and what they stand for.
#[derive(Debug, Default)]
pub struct Instance {
    /// Populations, views, projections, nested networks, parameters.
    pub names: IndexMap<String, Value>,
}

/// A population or part of one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PopulationRef {
    /// Index of the running network.
    pub network: usize,
    /// Cells.
    pub view: View,
}

/// A value.
#[derive(Debug, Clone)]
pub enum Value {
    /// A number or array.
    Quantity(Quantity),
    /// A truth value.
    Bool(bool),
    /// A string.
    Text(Rc<str>),
    /// `lo .. hi`
    Range(f64, f64, Dim, Option<Unit>),
    /// A population.
    Population(PopulationRef),
    /// A network.
    Network(Rc<Instance>),
    /// A projection: network, and indices (several if it has several ends).
    Projection(usize, Rc<Vec<usize>>),
    /// Recorded events or states, by index.
    Recording(usize),
    /// A table.
    Table(Rc<Table>),
    /// The parts of a data set.
    Data(Rc<Vec<(&'static str, Rc<Examples>)>>),
    /// Examples of a data set, in an order.
    Examples(Rc<Examples>, Rc<Vec<usize>>),
}

impl Value {
    /// Returns which running network this is, or is part of.
    pub fn network(&self) -> Option<usize> {
        match self {
            Value::Population(p) => Some(p.network),
            Value::Projection(network, _) => Some(*network),
            Value::Network(instance) => instance.names.values().find_map(Value::network),
            _ => None,
        }
    }
}

impl From<Quantity> for Value {
    fn from(q: Quantity) -> Value {
        Value::Quantity(q)
    }
}
