//! Everything the language brings along that is called by name: functions, data sources, distributions, connectors.
//!
//! One row of one table says all of it: names of parameters, kinds of values that they take, the result, a line of help, an example
//! and what is computed. The checker, the evaluator, `neuro explain NAME` and the reference read the same row.

mod arrays;
mod func;
mod images;
mod recordings;
mod reference;
mod sets;
mod statistics;
mod synapses;
mod table;

pub use self::func::{Func, MOST_EVENTS, POISSON_TERMS, apply, power};
pub use self::reference::reference;
pub use self::sets::examples;
pub use self::table::rows;

use crate::data::{Files, Table};
use crate::diag::Code;
use crate::measure::Events;
use crate::rng::Stream;
use crate::units::{Dim, Unit};
use crate::value::{Quantity, Value};
use std::sync::Arc;

/// A row of the table.
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Where it may stand.
    pub place: Place,
    /// What it takes, in order.
    pub parameters: &'static [Parameter],
    /// The result.
    pub gives: Gives,
    /// One line of documentation.
    pub help: &'static str,
    /// A program's part that uses it; every one is executed by a test.
    pub example: &'static str,
    /// What is computed.
    pub evaluate: Evaluate,
}

/// Where something that is called may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In every expression, those of neurons and synapses too.
    Everywhere,
    /// In expressions of networks and experiments.
    Program,
    /// After `~`.
    Distribution,
    /// After `connect`.
    Connector,
}

/// One argument.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it must be.
    pub wants: Wants,
    /// Whether it may be left out.
    pub optional: bool,
}

/// What an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// A number, an array or a matrix of any dimension.
    Number,
    /// The same without a dimension.
    Pure,
    /// A pure number that is one for all.
    PureNumber,
    /// A number or array with the dimension of the first argument.
    Same,
    /// A number with the dimension of the second argument.
    SameAsSecond,
    /// A time.
    Time,
    /// A range of times.
    Window,
    /// A truth value.
    Truth,
    /// Recorded events.
    Events,
    /// A recorded state.
    Trace,
    /// A string.
    Text,
    /// A projection.
    Projection,
    /// A table.
    Table,
    /// A table, or the path of one.
    TableOrPath,
    /// A column of a table, as texts.
    Texts,
    /// A condition of the rows of a table.
    Rows,
    /// A network.
    Network,
    /// Numbers or a data set.
    Collection,
    /// Numbers or the weights of a projection.
    Vector,
    /// A number per pair of cells, in which `pre`, `post` and `d` may stand.
    PerPair,
    /// Any number of named arrays.
    Fields,
}

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// A pure number.
    Pure,
    /// A pure number for every element of the first argument.
    PureEach,
    /// Pure numbers in an array.
    PureArray,
    /// The first argument's dimension and shape.
    Same,
    /// One number of the first argument's dimension.
    SameNumber,
    /// An array of the first argument's dimension.
    SameArray,
    /// Several of the first argument's dimension, in any shape.
    SameAny,
    /// A matrix of the first argument's dimension.
    SameMatrix,
    /// The square root of the first argument.
    Root,
    /// The square of the first argument's dimension, one number.
    Square,
    /// The square of the first argument's dimension per rate, in an array.
    Density,
    /// The product of both arguments' dimensions, one number.
    Product,
    /// The product of both arguments' dimensions, a matrix or an array.
    MatrixProduct,
    /// An angle in degrees.
    Angle,
    /// A time.
    Time,
    /// Times in an array.
    Times,
    /// A rate.
    Rate,
    /// Rates in an array.
    Rates,
    /// An array of the recorded state's dimension.
    Recorded,
    /// The weights of a projection.
    Weights,
    /// An energy of a network, whose dimension its cells decide.
    Unknown,
    /// Pure numbers of any shape.
    PureAny,
    /// A table.
    Table,
    /// Images and labels, in parts of these names.
    Images(&'static [&'static str]),
    /// Images without labels.
    Pictures,
    /// A data set with the fields that were named.
    Examples,
    /// Nothing that an expression could use.
    Nothing,
}

/// What a row computes.
#[derive(Clone, Copy)]
pub enum Evaluate {
    /// A function of single numbers, applied to every element.
    Elementwise(Func),
    /// Something that is written out in terms of other functions where it is checked.
    Expanded,
    /// A function of the values of its arguments and of the running program.
    Function(fn(&dyn Host, &Arguments) -> Result<Value, Refusal>),
    /// Something that has a meaning only in its own place.
    InItsPlace,
}

/// Finds a row by name.
pub fn find(name: &str) -> Option<&'static Builtin> {
    rows().find(|b| b.name == name)
}

impl Builtin {
    /// Returns how it is called: `name(first, second, third = …)`.
    pub fn signature(&self) -> String {
        let one = |p: &Parameter| if p.optional { format!("{} = …", p.name) } else { p.name.to_string() };
        let parameters: Vec<String> = self.parameters.iter().map(one).collect();
        format!("{}({})", self.name, parameters.join(", "))
    }

    /// Returns whether arguments have names that the caller chooses.
    pub fn is_open(&self) -> bool {
        self.parameters.iter().any(|p| p.wants == Wants::Fields)
    }
}

impl std::fmt::Debug for Builtin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Builtin {
    fn eq(&self, other: &Builtin) -> bool {
        self.name == other.name
    }
}

/// Why a call has no value.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Its code.
    pub code: Code,
    /// Which argument is to blame, if one is.
    pub argument: Option<usize>,
    /// The cause.
    pub message: String,
    /// What is said at the place.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
    /// What else helps to understand it.
    pub notes: Vec<String>,
}

impl Refusal {
    /// Blames the whole call.
    pub fn new(code: Code, message: impl Into<String>, label: impl Into<String>) -> Refusal {
        let (message, label) = (message.into(), label.into());
        Refusal { code, argument: None, message, label, help: None, notes: Vec::new() }
    }

    /// Blames an argument.
    pub fn of(argument: usize, code: Code, message: impl Into<String>, label: impl Into<String>) -> Refusal {
        Refusal { argument: Some(argument), ..Refusal::new(code, message, label) }
    }

    /// Says what to do.
    pub fn help(self, help: impl Into<String>) -> Refusal {
        Refusal { help: Some(help.into()), ..self }
    }

    /// Says what else helps to understand it.
    pub fn note(mut self, note: impl Into<String>) -> Refusal {
        self.notes.push(note.into());
        self
    }
}

/// Refuses an array of more elements than there is memory for.
pub fn room(extents: &[usize], argument: usize) -> Result<usize, Refusal> {
    let bytes = extents.iter().fold(8.0, |product, n| product * *n as f64);
    match crate::budget::fits_all(bytes) {
        // What fits into memory can be counted.
        Ok(()) => Ok(extents.iter().product()),
        Err(lack) => {
            let shape: Vec<String> = extents.iter().map(usize::to_string).collect();
            let message = format!("{} numbers do not fit into memory", shape.join(" x "));
            Err(Refusal::of(argument, Code::E0408, message, lack.to_string()).help("make it smaller, or use a loop"))
        }
    }
}

/// A recorded state.
pub struct Samples {
    /// Times of the samples.
    pub times: Vec<f64>,
    /// Values, cell after cell within a sample.
    pub values: Vec<f64>,
    /// Number of cells.
    pub cells: usize,
    /// Dimension.
    pub dim: Dim,
    /// Unit to print it in.
    pub unit: Option<Unit>,
}

/// The weights of a projection as a matrix.
pub struct Dense {
    /// Numbers of sources and of targets.
    pub size: (usize, usize),
    /// Weights, source after source; zero where nothing is connected.
    pub weights: Vec<f64>,
    /// The populations of sources and targets.
    pub joins: (usize, usize),
    /// Of a convolution, whose weights many places share: target channels, source channels, rows and columns, in whose order they are.
    pub shared: Option<[usize; 4]>,
}

/// One end of synapses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The presynaptic cell.
    Pre,
    /// The postsynaptic cell.
    Post,
}

/// What a function may ask the program that is running.
pub trait Host {
    /// Files that are read.
    fn files(&self) -> &dyn Files;
    /// Another random stream, a different one at every call.
    fn stream(&self) -> Stream;
    /// Events of a recording within a window.
    fn events(&self, recording: usize, window: Option<(f64, f64)>) -> Result<Events, Refusal>;
    /// Samples of a recording within a window.
    fn samples(&self, recording: usize, window: Option<(f64, f64)>) -> Result<Samples, Refusal>;
    /// Weights of projections of a network, one per synapse.
    fn weights(&self, network: usize, projections: &[usize]) -> Result<Quantity, Refusal>;
    /// Delays of all synapses.
    fn delays(&self, network: usize, projections: &[usize]) -> Result<Vec<f64>, Refusal>;
    /// Number of synapses.
    fn synapses(&self, network: usize, projections: &[usize]) -> Result<usize, Refusal>;
    /// Number of synapses of each cell of one end.
    fn degrees(&self, network: usize, projections: &[usize], end: End) -> Result<Vec<f64>, Refusal>;
    /// The weights of one projection as a matrix.
    fn dense(&self, network: usize, projections: &[usize]) -> Result<(Dense, Dim, Option<Unit>), Refusal>;
    /// The energy of a network.
    fn energy(&self, network: usize) -> Result<Quantity, Refusal>;
    /// Seconds of a clock of which only differences mean something.
    fn wall_clock(&self) -> f64;
}

/// The evaluated arguments of a call, by parameter.
pub struct Arguments<'a> {
    /// One for each parameter; none if it was left out.
    pub values: &'a [Option<Value>],
    /// Named values of a call whose names are chosen by the caller.
    pub fields: &'a [(String, Value)],
}

impl Arguments<'_> {
    fn value(&self, i: usize) -> Option<&Value> {
        self.values.get(i).and_then(Option::as_ref)
    }

    fn wrong<T>(&self, i: usize, expected: &str) -> Result<T, Refusal> {
        let found = self.value(i).map_or("nothing", Value::kind);
        Err(Refusal::of(i, Code::E0401, format!("expected {expected}, found {found}"), "wrong kind of value"))
    }

    fn has(&self, i: usize) -> bool {
        self.value(i).is_some()
    }

    /// Numbers; truth values count as 0 and 1.
    fn quantity(&self, i: usize) -> Result<Quantity, Refusal> {
        match self.value(i) {
            Some(Value::Quantity(q)) => Ok(q.clone()),
            Some(Value::Bool(b)) => Ok(Quantity::pure(f64::from(u8::from(*b)))),
            Some(Value::Population(p)) => Ok(Quantity::pure(p.cells.len() as f64)),
            _ => self.wrong(i, "numbers"),
        }
    }

    /// Numbers of which there is at least one.
    fn some(&self, i: usize) -> Result<Quantity, Refusal> {
        let q = self.quantity(i)?;
        match q.data.is_empty() {
            true => Err(Refusal::of(i, Code::E0811, "there are no values", "an empty array")),
            false => Ok(q),
        }
    }

    /// One number for all.
    fn number(&self, i: usize) -> Result<f64, Refusal> {
        let q = self.quantity(i)?;
        q.single().map_or_else(|| self.wrong(i, "one number"), Ok)
    }

    /// A whole number, not negative.
    fn size(&self, i: usize) -> Result<usize, Refusal> {
        let n = self.number(i)?;
        match n.fract().abs() < 1e-9 && (0.0..9e15).contains(&n) {
            true => Ok(n.round() as usize),
            false => {
                let shown = crate::units::format_number(n);
                let message = format!("{shown} is not a whole number from 0 on");
                Err(Refusal::of(i, Code::E0404, message, "must be a whole number, not negative"))
            }
        }
    }

    /// A number above zero.
    fn positive(&self, i: usize, what: &str) -> Result<f64, Refusal> {
        let x = self.number(i)?;
        match x > 0.0 && x.is_finite() {
            true => Ok(x),
            false => Err(Refusal::of(i, Code::E0404, format!("{what} must be positive and finite"), "out of range")),
        }
    }

    fn text(&self, i: usize) -> Result<Arc<str>, Refusal> {
        match self.value(i) {
            Some(Value::Text(t)) => Ok(t.clone()),
            _ => self.wrong(i, "a string"),
        }
    }

    fn table(&self, i: usize) -> Result<Arc<Table>, Refusal> {
        match self.value(i) {
            Some(Value::Table(t)) => Ok(t.clone()),
            _ => self.wrong(i, "a table"),
        }
    }

    fn recording(&self, i: usize) -> Result<usize, Refusal> {
        match self.value(i) {
            Some(Value::Recording(r)) => Ok(*r),
            _ => self.wrong(i, "a recording"),
        }
    }

    fn projection(&self, i: usize) -> Result<(usize, &[usize]), Refusal> {
        match self.value(i) {
            Some(Value::Projection(network, list)) => Ok((*network, list)),
            _ => self.wrong(i, "a projection"),
        }
    }

    fn window(&self, i: usize) -> Result<Option<(f64, f64)>, Refusal> {
        match self.value(i) {
            None => Ok(None),
            Some(Value::Range(lo, hi, ..)) if lo < hi => Ok(Some((*lo, *hi))),
            Some(Value::Range(..)) => Err(Refusal::of(i, Code::E0404, "this window is empty", "ends before it begins")),
            _ => self.wrong(i, "a range of times"),
        }
    }
}

/// Refuses arrays of different lengths.
fn same_length(x: &Quantity, y: &Quantity) -> Result<(), Refusal> {
    match x.data.len() == y.data.len() {
        true => Ok(()),
        false => {
            let message = format!("{} values with {}", x.data.len(), y.data.len());
            Err(Refusal::new(Code::E0403, message, "different lengths"))
        }
    }
}

/// Reports that a statistic of these values does not exist.
fn undefined(i: usize, why: &str) -> Refusal {
    Refusal::of(i, Code::E0811, format!("this has no value: {why}"), "nothing to compute it from")
}
