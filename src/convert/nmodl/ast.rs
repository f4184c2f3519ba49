//! A mechanism as it is written.

use std::collections::BTreeMap;
use std::ops::Range;

/// Bytes of the text.
pub type Place = Range<usize>;

/// An expression and its place.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub at: Place,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A number, with its unit if it has one.
    Number(f64, Option<String>),
    /// A variable.
    Name(String),
    /// `-x`
    Negative(Box<Expr>),
    /// `!x`
    Not(Box<Expr>),
    /// `x + y`, and the like.
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `f(x, y)`
    Call(String, Vec<Expr>),
    /// What cannot be carried over, already complained about.
    Lost,
}

/// A statement.
#[derive(Debug, Clone)]
pub enum Stmt {
    /// `x = e`
    Assign(String, Expr, Place),
    /// `x' = e`
    Rate(String, Expr, Place),
    /// `f(x)`
    Call(String, Vec<Expr>, Place),
    /// `if (c) { … } else { … }`
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// `SOLVE block METHOD method`, `STEADYSTATE` instead of `METHOD` if the last is true.
    Solve(String, Option<String>, bool, Place),
    /// `LOCAL a, b`
    Local(Vec<(String, Place)>),
    /// `~ a + b <-> c (forward, backward)`
    Reaction(Vec<(f64, String)>, Vec<(f64, String)>, Expr, Expr),
    /// `CONSERVE a + b = c`
    Conserve(Vec<(f64, String)>, Expr),
}

/// A procedure, function or block of equations.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// Its arguments with their units.
    pub args: Vec<(String, Option<String>)>,
    /// The unit of its value.
    pub unit: Option<String>,
    /// What it does.
    pub body: Vec<Stmt>,
    /// Where its name stands.
    pub at: Place,
}

/// A declared variable.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// Its value, if the file has one.
    pub value: Option<f64>,
    /// Its unit, if the file has one.
    pub unit: Option<String>,
    /// Where its name stands.
    pub at: Place,
    /// The comment that ends its line.
    pub remark: Option<String>,
}

/// `USEION na READ ena WRITE ina`
#[derive(Debug, Clone, Default)]
pub struct Ion {
    /// Its name.
    pub name: String,
    /// What is read.
    pub read: Vec<(String, Place)>,
    /// What is written.
    pub write: Vec<(String, Place)>,
}

/// What a mechanism is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Spread over the membrane.
    #[default]
    Density,
    /// At a point.
    Point,
}

/// A file.
#[derive(Debug, Default)]
pub struct Mechanism {
    /// Its name, and where it stands.
    pub name: Option<(String, Place)>,
    /// What it is for.
    pub sort: Sort,
    /// Ions.
    pub ions: Vec<Ion>,
    /// Currents of no ion.
    pub currents: Vec<(String, Place)>,
    /// Currents that flow inward where they are positive.
    pub electrodes: Vec<(String, Place)>,
    /// Names of units, as the file defines them.
    pub units: Vec<(String, String)>,
    /// Constants, with their unit; `None` for the ones that NEURON knows.
    pub constants: Vec<Declared>,
    /// Constants such as `(faraday) (coulomb)`: name, which, unit.
    pub known: Vec<(String, String, String, Place)>,
    /// Parameters.
    pub parameters: Vec<Declared>,
    /// Variables that are computed.
    pub assigned: Vec<Declared>,
    /// Variables that evolve.
    pub states: Vec<Declared>,
    /// Names that all blocks share.
    pub shared: Vec<String>,
    /// `INITIAL`
    pub initial: Block,
    /// `BREAKPOINT`
    pub breakpoint: Option<Block>,
    /// `NET_RECEIVE`
    pub receive: Option<Block>,
    /// Functions, procedures.
    pub procedures: BTreeMap<String, Block>,
    /// Functions among them.
    pub functions: Vec<String>,
    /// Blocks of equations.
    pub derivatives: BTreeMap<String, Block>,
    /// Kinetic schemes.
    pub kinetics: BTreeMap<String, Block>,
    /// Whether there is a table.
    pub table: bool,
    /// Whether something is printed.
    pub prints: bool,
}
