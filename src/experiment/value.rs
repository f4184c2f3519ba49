//! Values of networks and experiments: numbers with units, arrays, and handles to what is simulated.

use crate::data::Table;
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
}

impl Quantity {
    /// A single number.
    pub fn number(value: f64, dim: Dim, unit: Option<Unit>) -> Quantity {
        Quantity { data: Arc::new(vec![value]), scalar: true, dim, unit }
    }

    /// A pure number.
    pub fn pure(value: f64) -> Quantity {
        Quantity::number(value, Dim::ONE, None)
    }

    /// An array.
    pub fn array(data: Vec<f64>, dim: Dim, unit: Option<Unit>) -> Quantity {
        Quantity { data: Arc::new(data), scalar: false, dim, unit }
    }

    /// Returns the only or first element, or NaN.
    pub fn first(&self) -> f64 {
        self.data.first().copied().unwrap_or(f64::NAN)
    }

    /// Returns element `i`, or the only one.
    pub fn at(&self, i: usize) -> f64 {
        if self.scalar { self.first() } else { self.data.get(i).copied().unwrap_or(f64::NAN) }
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit =
            self.unit.clone().filter(|u| u.dim == self.dim).unwrap_or_else(|| crate::units::canonical_unit(self.dim));
        let shown: Vec<String> =
            self.data.iter().take(12).map(|v| crate::units::format_number(unit.from_internal(*v))).collect();
        let suffix = if unit.name == "1" { String::new() } else { format!(" {}", unit.name) };
        if self.scalar {
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
}

impl From<Quantity> for Value {
    fn from(q: Quantity) -> Value {
        Value::Quantity(q)
    }
}
