//! Values of networks and experiments: numbers with units, arrays, matrices, and handles to what is simulated.

use crate::data::{Examples, Table, Texts};
use crate::units::{Dim, Unit, canonical_unit, format_number};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// Elements that an array can have at most: more than any machine holds, and few enough for their bytes to be counted.
pub const MOST_ELEMENTS: usize = 1 << 48;

/// Returns the number of elements of these extents; none if no array can have as many.
pub fn elements(extents: &[usize]) -> Option<usize> {
    extents.iter().try_fold(1usize, |n, extent| n.checked_mul(*extent)).filter(|n| *n <= MOST_ELEMENTS)
}

/// A number, an array or a matrix, in internal units; maybe one for each example of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    /// Elements, row-major; example after example.
    pub data: Arc<Vec<f64>>,
    /// Extents of one example: none for a number, one for an array, two (rows, columns) for a matrix.
    pub shape: Vec<usize>,
    /// Dimension.
    pub dim: Dim,
    /// Unit to print it in.
    pub unit: Option<Unit>,
    /// How many examples it has values for; none if it is of no batch.
    pub rows: Option<usize>,
    /// The number of classes, of a label.
    pub classes: Option<u32>,
}

impl Quantity {
    /// A single number.
    pub fn number(value: f64, dim: Dim, unit: Option<Unit>) -> Quantity {
        Quantity { data: Arc::new(vec![value]), shape: Vec::new(), dim, unit, rows: None, classes: None }
    }

    /// A pure number.
    pub fn pure(value: f64) -> Quantity {
        Quantity::number(value, Dim::ONE, None)
    }

    /// An array.
    pub fn array(data: Vec<f64>, dim: Dim, unit: Option<Unit>) -> Quantity {
        Quantity { shape: vec![data.len()], data: Arc::new(data), dim, unit, rows: None, classes: None }
    }

    /// An array of so many rows, each of so many columns; of one row after the other.
    pub fn matrix(data: Vec<f64>, shape: [usize; 2], dim: Dim, unit: Option<Unit>) -> Quantity {
        Quantity { shape: shape.to_vec(), ..Quantity::array(data, dim, unit) }
    }

    /// Returns whether an example is one number.
    pub fn is_scalar(&self) -> bool {
        self.shape.is_empty()
    }

    /// Returns whether it is one number for all.
    pub fn is_single(&self) -> bool {
        self.shape.is_empty() && self.rows.is_none()
    }

    /// Returns the number, if it is one.
    pub fn single(&self) -> Option<f64> {
        if self.is_single() { self.data.first().copied() } else { None }
    }

    /// Returns the number of elements of an example, or of all.
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// Returns the elements of every example, or all elements.
    pub fn examples(&self) -> impl Iterator<Item = &[f64]> {
        let width = self.width();
        (0..self.rows.unwrap_or(1)).map(move |k| &self.data[k * width..(k + 1) * width])
    }

    /// The same shape with other elements, as many.
    pub fn with(&self, data: Vec<f64>) -> Quantity {
        Quantity { data: data.into(), classes: None, ..self.clone() }
    }

    /// The same shape with a function of every element.
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Quantity {
        self.with(self.data.iter().map(|v| f(*v)).collect())
    }

    /// One number for each example, or one for all.
    pub fn per_example(&self, dim: Dim, unit: Option<Unit>, f: impl Fn(&[f64]) -> f64) -> Quantity {
        let data: Vec<f64> = self.examples().map(f).collect();
        Quantity { data: data.into(), shape: Vec::new(), dim, unit, rows: self.rows, classes: None }
    }

    /// All examples, one after the other, as one array.
    pub fn flattened(&self) -> Quantity {
        Quantity { shape: vec![self.data.len()], rows: None, ..self.clone() }
    }

    /// Combines two quantities element by element: a number with all, an array with each example. The error says what differs.
    pub fn zip(&self, other: &Quantity, f: impl Fn(f64, f64) -> f64) -> Result<Quantity, String> {
        let rows = match (self.rows, other.rows) {
            (Some(a), Some(b)) if a != b => return Err(format!("{a} examples with {b}")),
            (a, b) => a.or(b),
        };
        if !self.is_scalar() && !other.is_scalar() && self.shape != other.shape {
            return Err(match (&self.shape[..], &other.shape[..]) {
                ([a], [b]) => format!("arrays of {a} and {b} elements"),
                (a, b) => format!("{} with {}", extent(a), extent(b)),
            });
        }
        let (a, b) = (self.width(), other.width());
        let shape = if self.is_scalar() { &other.shape } else { &self.shape };
        let width: usize = shape.iter().product();
        let mut data = Vec::with_capacity(width * rows.unwrap_or(1));
        for row in 0..rows.unwrap_or(1) {
            let x = &self.data[if self.rows.is_some() { row * a } else { 0 }..];
            let y = &other.data[if other.rows.is_some() { row * b } else { 0 }..];
            match (self.is_scalar(), other.is_scalar()) {
                (false, false) => data.extend(x[..width].iter().zip(&y[..width]).map(|(x, y)| f(*x, *y))),
                (false, true) => data.extend(x[..width].iter().map(|x| f(*x, y[0]))),
                (true, false) => data.extend(y[..width].iter().map(|y| f(x[0], *y))),
                (true, true) => data.push(f(x[0], y[0])),
            }
        }
        Ok(Quantity { data: data.into(), shape: shape.clone(), rows, classes: None, ..self.clone() })
    }

    /// Returns the unit in which it is shown.
    pub fn shown_unit(&self) -> Unit {
        self.unit.clone().filter(|u| u.dim == self.dim).unwrap_or_else(|| canonical_unit(self.dim))
    }
}

/// Says in words how many elements there are.
pub fn extent(shape: &[usize]) -> String {
    match shape {
        [] => "a number".into(),
        [1] => "an array of 1 element".into(),
        [n] => format!("an array of {n} elements"),
        [rows, columns] => format!("a matrix of {rows} x {columns}"),
        more => format!("an array of the shape {more:?}"),
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = self.shown_unit();
        let shown: Vec<String> = self.data.iter().take(12).map(|v| format_number(unit.from_internal(*v))).collect();
        let suffix = if unit.name == "1" { String::new() } else { format!(" {}", unit.name) };
        if let (true, Some(one)) = (self.is_single(), shown.first()) {
            return write!(f, "{one}{suffix}");
        }
        let more = if self.data.len() > 12 { ", …" } else { "" };
        match self.shape[..] {
            [rows, columns] if self.rows.is_none() && columns > 0 => {
                // Of a large one the beginnings of its first rows.
                let (most, wide) = if more.is_empty() { (rows, columns) } else { (3, 4) };
                let begins = |row: &[f64]| {
                    let shown = row.iter().take(wide).map(|v| format_number(unit.from_internal(*v)));
                    let more = if columns > wide { ", …" } else { "" };
                    format!("[{}{more}]", shown.collect::<Vec<_>>().join(", "))
                };
                let shown: Vec<String> = self.data.chunks(columns).take(most).map(begins).collect();
                let more = if rows > most { ", …" } else { "" };
                write!(f, "[{}{more}]{suffix}", shown.join(", "))
            }
            _ => write!(f, "[{}{more}]{suffix}", shown.join(", ")),
        }
    }
}

/// Which cells of a population: a contiguous range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Index of the population.
    pub population: usize,
    /// First cell.
    pub start: usize,
    /// Number of cells.
    pub n: usize,
}

impl View {
    /// Indices of its cells.
    pub fn range(self) -> Range<usize> {
        self.start..self.start + self.n
    }
}

/// Cells of a population, none twice: a range, or any of them in any order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cells {
    /// Index of the population.
    pub population: usize,
    members: Members,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Members {
    Range(usize, usize),
    /// These do not follow one another.
    Listed(Arc<Vec<u32>>),
}

impl From<View> for Cells {
    fn from(v: View) -> Cells {
        Cells { population: v.population, members: Members::Range(v.start, v.n) }
    }
}

impl Cells {
    /// The cells with these indices, none of them twice.
    pub fn listed(population: usize, cells: Vec<u32>) -> Cells {
        let start = cells.first().map_or(0, |c| *c as usize);
        match cells.iter().enumerate().all(|(k, c)| *c as usize == start + k) {
            true => View { population, start, n: cells.len() }.into(),
            false => Cells { population, members: Members::Listed(Arc::new(cells)) },
        }
    }

    /// Returns the number of cells.
    pub fn len(&self) -> usize {
        match &self.members {
            Members::Range(_, n) => *n,
            Members::Listed(cells) => cells.len(),
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether these are all cells of a population of `n`, in order.
    pub fn is_whole(&self, n: usize) -> bool {
        self.members == Members::Range(0, n)
    }

    /// Returns the index of the k-th cell.
    pub fn at(&self, k: usize) -> usize {
        match &self.members {
            Members::Range(start, _) => start + k,
            Members::Listed(cells) => cells[k] as usize,
        }
    }

    /// Returns the range, if it is one.
    pub fn view(&self) -> Option<View> {
        match self.members {
            Members::Range(start, n) => Some(View { population: self.population, start, n }),
            Members::Listed(_) => None,
        }
    }

    /// Returns the indices of the cells.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.len()).map(|k| self.at(k))
    }

    /// Returns the least range that has them all.
    pub fn cover(&self) -> View {
        let population = self.population;
        match &self.members {
            Members::Range(start, n) => View { population, start: *start, n: *n },
            Members::Listed(cells) => {
                let (lo, hi) = cells.iter().fold((u32::MAX, 0), |(lo, hi), c| (lo.min(*c), hi.max(*c)));
                View { population, start: lo as usize, n: (hi - lo) as usize + 1 }
            }
        }
    }

    /// Returns the cells as ranges, each with the place of its first cell among them.
    pub fn runs(&self) -> Vec<(usize, View)> {
        let mut out: Vec<(usize, View)> = Vec::new();
        if let Some(view) = self.view() {
            return vec![(0, view)];
        }
        for (k, cell) in self.iter().enumerate() {
            match out.last_mut() {
                Some((_, last)) if last.start + last.n == cell => last.n += 1,
                _ => out.push((k, View { population: self.population, start: cell, n: 1 })),
            }
        }
        out
    }

    /// Returns some of them, by their places among these.
    pub fn part(&self, places: &[usize]) -> Cells {
        Cells::listed(self.population, places.iter().map(|k| self.at(*k) as u32).collect())
    }

    /// Returns where each cell of the least range stands among these, if it does.
    pub fn places(&self) -> Vec<Option<u32>> {
        let cover = self.cover();
        let mut out = vec![None; cover.n];
        self.iter().enumerate().for_each(|(k, cell)| out[cell - cover.start] = Some(k as u32));
        out
    }

    /// Returns their values among those of the least range that has them all.
    pub fn among(&self, all: Vec<f64>) -> Vec<f64> {
        match self.view() {
            Some(_) => all,
            None => {
                let start = self.cover().start;
                self.iter().map(|cell| all[cell - start]).collect()
            }
        }
    }

    /// Returns whether these can be cells of a population of `n`, none of them twice.
    pub fn are_among(&self, n: usize) -> bool {
        match &self.members {
            Members::Range(start, length) => start.checked_add(*length).is_some_and(|end| end <= n),
            Members::Listed(cells) => {
                let mut seen = vec![false; n];
                !cells.is_empty()
                    && cells.iter().all(|c| seen.get_mut(*c as usize).is_some_and(|s| !std::mem::replace(s, true)))
            }
        }
    }

    /// Returns whether some of these are among others.
    pub fn overlap(&self, other: &Cells) -> bool {
        let (a, b) = (self.cover(), other.cover());
        let near = a.population == b.population && a.start < b.start + b.n && b.start < a.start + a.n;
        if !near || (self.view().is_some() && other.view().is_some()) {
            return near && a.n > 0 && b.n > 0;
        }
        let places = other.places();
        self.iter().any(|c| c.checked_sub(b.start).and_then(|k| places.get(k)).is_some_and(Option::is_some))
    }

    /// Returns whether all of these are among others.
    pub fn within(&self, other: &Cells) -> bool {
        let (a, b) = (self.cover(), other.cover());
        let covered = a.population == b.population && b.start <= a.start && a.start + a.n <= b.start + b.n;
        if !covered || other.view().is_some() {
            return covered;
        }
        let places = other.places();
        self.iter().all(|c| places[c - b.start].is_some())
    }
}

impl std::fmt::Display for Cells {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match &self.members {
            Members::Range(start, n) => write!(f, "{start}..{}", start + n),
            Members::Listed(cells) => write!(f, "{} chosen cells", cells.len()),
        }
    }
}

/// A population or part of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PopulationRef {
    /// Index of the running network.
    pub network: usize,
    /// Cells.
    pub cells: Cells,
}

/// An instantiated network: the names that are visible from outside, and their values.
#[derive(Debug, Default)]
pub struct Instance {
    /// Which running network it is, or is part of.
    pub network: usize,
    /// Populations, views, projections, nested networks, parameters.
    pub names: IndexMap<String, Value>,
}

/// A world as it is now.
#[derive(Debug, Clone)]
pub struct EnvironmentState {
    /// What it is, by its place among those that are declared.
    pub model: usize,
    /// Values of its names: parameters and states.
    pub locals: Vec<Option<Value>>,
}

/// A value.
#[derive(Debug, Clone)]
pub enum Value {
    /// A number or array.
    Quantity(Quantity),
    /// A truth value.
    Bool(bool),
    /// A string.
    Text(Arc<str>),
    /// `lo .. hi`
    Range(f64, f64, Dim, Option<Unit>),
    /// A population.
    Population(PopulationRef),
    /// A network.
    Network(Arc<Instance>),
    /// A world as it is now.
    Environment(Arc<EnvironmentState>),
    /// A projection: network, and indices (several if it has several ends).
    Projection(usize, Arc<Vec<usize>>),
    /// Recorded events or states, by index.
    Recording(usize),
    /// A table.
    Table(Arc<Table>),
    /// The texts of a column of a table, while they are compared.
    Texts(Arc<Texts>),
    /// The parts of a data set.
    Data(Arc<Vec<(&'static str, Arc<Examples>)>>),
    /// Examples of a data set, in an order.
    Examples(Arc<Examples>, Arc<Vec<usize>>),
}

impl Value {
    /// Returns which running network this is, or is part of.
    pub fn network(&self) -> Option<usize> {
        match self {
            Value::Population(p) => Some(p.network),
            Value::Projection(network, _) => Some(*network),
            Value::Network(instance) => Some(instance.network),
            _ => None,
        }
    }

    /// Names the kind of value for a message.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Quantity(q) if q.is_single() => "a number",
            Value::Quantity(_) => "an array",
            Value::Bool(_) => "a truth value",
            Value::Text(_) => "a text",
            Value::Range(..) => "a range",
            Value::Population(_) => "a population",
            Value::Network(_) => "a network",
            Value::Environment(_) => "a world",
            Value::Projection(..) => "a projection",
            Value::Recording(_) => "a recording",
            Value::Table(_) => "a table",
            Value::Texts(_) => "a column of texts",
            Value::Data(_) | Value::Examples(..) => "a data set",
        }
    }
}

impl From<Quantity> for Value {
    fn from(q: Quantity) -> Value {
        Value::Quantity(q)
    }
}
