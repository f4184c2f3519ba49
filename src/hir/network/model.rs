//! Checked networks: what they declare, with ids for names and a type for every expression.

use crate::builtin::Builtin;
use crate::diag::Diagnostic;
use crate::hir::typed::{Expr, LocalId};
use crate::hir::{Neuron, Synapse, Ty, VarId, VarKind};
use crate::source::Span;
use cranelift_entity::PrimaryMap;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A name of a body.
#[derive(Debug, Clone, PartialEq)]
pub struct Local {
    /// As it is written.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// What it holds.
    pub ty: Ty,
    /// Whether it may change after it is declared.
    pub mutable: bool,
    /// Whether anything reads it.
    pub read: bool,
    /// What it stands for wherever it is read, if it holds nothing itself.
    pub stands_for: Option<Expr>,
}

/// A parameter of a network or experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// The name in the body.
    pub id: LocalId,
    /// As it is written.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// What it takes.
    pub ty: Ty,
    /// Whether it is a whole number.
    pub whole: bool,
    /// Its value if none is given.
    pub default: Option<Expr>,
}

/// The block that a name was declared in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// A loop of a network, of which every turn declares it anew.
    Loop,
    /// The same of an experiment.
    Turn,
    /// One branch of a condition, or a block that is no loop.
    Branch,
}

/// A name that is visible within its block only.
#[derive(Debug, Clone, PartialEq)]
pub struct Hidden {
    /// As it is written.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// In what.
    pub within: Within,
}

impl Hidden {
    /// Points at the declaration, and says what to write instead.
    pub fn explain(&self, d: Diagnostic) -> Diagnostic {
        match self.within {
            Within::Loop => d.label(self.span, "declared here, anew in each turn of the loop").help(
                "use it within the loop, or declare it once outside, with room for all turns, and take parts of it: \
                 `cells[0 .. 10]`",
            ),
            Within::Turn => d
                .label(self.span, "declared here, anew in each turn of the loop")
                .help("use it within the loop, or declare it before the loop by `var`, and assign to it in each turn"),
            Within::Branch => d
                .label(self.span, "declared here, in a block that may not be entered")
                .help("use it within that block, or declare it outside of the `if`, or in both branches"),
        }
    }
}

/// A name where columns of a table are read that is none of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Beside {
    /// As it is written.
    pub name: String,
    /// Where it is used.
    pub span: Span,
    /// Where it is declared, if it is not built in.
    pub declared: Option<Span>,
}

/// A network.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// Its parameters.
    pub params: Vec<Parameter>,
    /// What it is made of, in order.
    pub body: Vec<Item>,
    /// All names of its body.
    pub locals: PrimaryMap<LocalId, Local>,
    /// The names that are visible from outside.
    pub members: IndexMap<String, LocalId>,
    /// Those that are visible in a loop or one branch of a condition only.
    pub hidden: Vec<Hidden>,
    /// Names of networks within it that it reads: the model, and the name.
    pub reads: BTreeSet<(String, String)>,
}

impl Network {
    /// Returns the connections of all projections.
    pub fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.projections().into_iter().flat_map(|p| &p.ends)
    }

    /// Returns the synapses of all projections, each with the projection's name if it has one.
    pub fn synapses(&self) -> impl Iterator<Item = (Option<&str>, &Arc<Synapse>)> {
        self.projections().into_iter().flat_map(|p| p.ends.iter().map(|e| (p.name.as_deref(), &e.synapse)))
    }

    /// Collects the signals that its cells and synapses wait for, also those of networks within it.
    pub fn signals(&self, out: &mut BTreeSet<String>) {
        signals(&self.body, out);
    }

    /// Returns whether weights of some projection change, also of networks within it.
    pub fn learns(&self) -> bool {
        learns(&self.body)
    }

    /// Collects the windows that its cells and synapses take something of, and where that is written, also those of networks within it.
    pub fn windows<'a>(&'a self, out: &mut Vec<(&'a str, Span)>) {
        windows(&self.body, out);
    }

    fn projections(&self) -> Vec<&Projection> {
        let mut out = Vec::new();
        collect(&self.body, &mut out);
        out
    }
}

fn signals(body: &[Item], out: &mut BTreeSet<String>) {
    for item in body {
        match item {
            Item::Projection(p) => p.ends.iter().for_each(|e| out.extend(e.synapse.signals().map(str::to_string))),
            Item::Population(p) => out.extend(p.model.handlers.iter().map(|h| h.signal.clone())),
            Item::Network(n) => n.model.signals(out),
            Item::For { body, .. } => signals(body, out),
            Item::If(_, a, b) => {
                signals(a, out);
                signals(b, out);
            }
            Item::Init(..) | Item::Drive(_) | Item::Let(..) | Item::Chosen(_) => {}
        }
    }
}

fn learns(body: &[Item]) -> bool {
    body.iter().any(|item| match item {
        Item::Projection(p) => p.ends.iter().any(|e| e.synapse.learns()),
        Item::Network(n) => n.model.learns(),
        Item::For { body, .. } => learns(body),
        Item::If(_, a, b) => learns(a) || learns(b),
        Item::Population(_) | Item::Init(..) | Item::Drive(_) | Item::Let(..) | Item::Chosen(_) => false,
    })
}

fn windows<'a>(body: &'a [Item], out: &mut Vec<(&'a str, Span)>) {
    for item in body {
        match item {
            Item::Projection(p) => {
                let of = |s: &'a Synapse| s.windows.iter().map(|(v, taken)| (taken.window.as_str(), s.vars[*v].span));
                p.ends.iter().for_each(|e| out.extend(of(&e.synapse)));
            }
            Item::Population(p) => out.extend(p.model.vars.values().filter_map(|v| match &v.kind {
                VarKind::Window(_, taken) => Some((taken.window.as_str(), v.span)),
                _ => None,
            })),
            Item::Network(n) => n.model.windows(out),
            Item::For { body, .. } => windows(body, out),
            Item::If(_, a, b) => {
                windows(a, out);
                windows(b, out);
            }
            Item::Init(..) | Item::Drive(_) | Item::Let(..) | Item::Chosen(_) => {}
        }
    }
}

fn collect<'a>(body: &'a [Item], out: &mut Vec<&'a Projection>) {
    for item in body {
        match item {
            Item::Projection(p) => out.push(p),
            Item::For { body, .. } => collect(body, out),
            Item::If(_, a, b) => {
                collect(a, out);
                collect(b, out);
            }
            _ => {}
        }
    }
}

/// What stands in a network's body.
#[derive(Debug, Clone)]
pub enum Item {
    /// `population name: Model(args)[shape]`
    Population(Box<Population>),
    /// `network name = Model(args)`
    Network(Nested),
    /// `init targets = value`
    Init(Vec<Expr>, Box<Value>),
    /// `projection`
    Projection(Projection),
    /// `drive`
    Drive(Box<Drive>),
    /// `let name = value`, a view, or a parameter declared in the body.
    Let(LocalId, Expr),
    /// `view name = cells where condition`
    Chosen(Box<Chosen>),
    /// `for name in range { … }`
    For {
        /// The name of the turn's value.
        variable: LocalId,
        /// What it runs through.
        range: Expr,
        /// What is made at every turn.
        body: Vec<Item>,
    },
    /// `if condition { … } else { … }`
    If(Expr, Vec<Item>, Vec<Item>),
}

/// A population.
#[derive(Debug, Clone)]
pub struct Population {
    /// Its name.
    pub id: LocalId,
    /// The model of its cells.
    pub model: Arc<Neuron>,
    /// Parameters that are given.
    pub args: Vec<(VarId, Expr)>,
    /// Extents, or a table with a row for each cell.
    pub shape: Vec<Expr>,
    /// Distance of neighbours.
    pub spacing: Option<Expr>,
    /// The declaration.
    pub span: Span,
}

/// A network that is part of another, or of an experiment.
#[derive(Debug, Clone)]
pub struct Nested {
    /// Its name.
    pub id: LocalId,
    /// What it is made from.
    pub model: Arc<Network>,
    /// Values of its parameters, as far as they are given.
    pub args: Vec<Option<Expr>>,
    /// The model's name in the text.
    pub span: Span,
}

/// A value for many cells or synapses.
#[derive(Debug, Clone)]
pub enum Value {
    /// The same for all, one for each, or an expression of the index, the pair or the time.
    Expr(Expr),
    /// Drawn.
    Drawn(Distribution),
}

impl Value {
    /// Returns where it is written.
    pub fn span(&self) -> Span {
        match self {
            Value::Expr(e) => e.span,
            Value::Drawn(d) => d.span,
        }
    }
}

/// A distribution with its arguments.
#[derive(Debug, Clone)]
pub struct Distribution {
    /// Which.
    pub of: &'static Builtin,
    /// Its arguments, by parameter.
    pub args: Vec<Expr>,
    /// Whether it is clipped (else redrawn), and to which range.
    pub bound: Option<(bool, Expr)>,
    /// Where it is written.
    pub span: Span,
}

/// A projection: a connection for each pair of a source and a target.
#[derive(Debug, Clone)]
pub struct Projection {
    /// Its name, if it has one.
    pub id: Option<LocalId>,
    /// As it is written.
    pub name: Option<String>,
    /// The connections.
    pub ends: Vec<Connection>,
}

/// Synapses from one population, or a part of it, to a port of another.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Sources.
    pub pre: Expr,
    /// Targets.
    pub post: Expr,
    /// Their port; none if nothing is delivered.
    pub port: Option<VarId>,
    /// The synapses' model.
    pub synapse: Arc<Synapse>,
    /// Parameters that are given.
    pub params: Vec<(VarId, Value)>,
    /// Which pairs.
    pub connect: Connect,
    /// Weights.
    pub weight: Option<Value>,
    /// Delays of the axon, and where they are written.
    pub delay: Option<(Value, Span)>,
    /// Delays of the dendrite.
    pub dendritic: Option<(Value, Span)>,
    /// Where on a cable they sit.
    pub site: Option<(Site, Span)>,
    /// What modulators follow.
    pub modulators: Vec<(VarId, Expr)>,
    /// Initial values of states.
    pub init: Vec<(VarId, Value)>,
    /// Where it says that synapses are drawn anew at every event.
    pub anew: Option<Span>,
    /// The projection in the text.
    pub span: Span,
}

/// Which pairs a projection connects.
#[derive(Debug, Clone)]
pub enum Connect {
    /// By a connector with its arguments.
    By(&'static Builtin, Vec<Option<Expr>>, Span),
    /// Those for which a condition holds.
    Where(Expr),
    /// Those of a projection, the other way round.
    Transposed(Expr),
    /// Those of a table.
    Table(Box<FromTable>),
}

/// `connect from "edges.csv"(…)`, `connect from edges(…)`
#[derive(Debug, Clone)]
pub struct FromTable {
    /// The file, or the name of the table.
    pub path: String,
    /// The table, if it has been read.
    pub table: Option<Expr>,
    /// Columns of sources and targets.
    pub ends: (Option<Expr>, Option<Expr>),
    /// The table that names the cells.
    pub ids: Option<Expr>,
    /// What must hold of a row.
    pub filter: Option<Expr>,
    /// What separates the columns.
    pub delimiter: Option<Expr>,
    /// What happens to rows whose cells are not there.
    pub missing: Option<Expr>,
    /// The number that an empty cell of a column stands for.
    pub blank: Option<Expr>,
    /// What happens to several rows of the same cells.
    pub duplicates: Option<Expr>,
    /// Weights, of the row's columns.
    pub weight: Option<Expr>,
    /// Delays, of the row's columns.
    pub delay: Option<Expr>,
    /// Names in those expressions that are no columns: the table must have none of the name.
    pub beside: Vec<Beside>,
    /// Where it is written.
    pub span: Span,
}

/// Those cells for which a condition holds.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// What they are called.
    pub id: LocalId,
    /// Of which cells.
    pub of: Expr,
    /// A number for each of those: they are chosen where it is not 0.
    pub condition: Expr,
}

/// Events from outside.
#[derive(Debug, Clone)]
pub struct Drive {
    /// Populations and their ports.
    pub targets: Vec<(Expr, VarId)>,
    /// What is sent.
    pub sends: Sends,
    /// Weight of each event.
    pub weight: Option<Value>,
    /// How much later spikes arrive.
    pub delay: Option<Expr>,
    /// Where on a cable they arrive.
    pub site: Option<Box<(Site, Span)>>,
    /// The whole.
    pub span: Span,
}

/// Where on a cable synapses sit.
#[derive(Debug, Clone)]
pub enum Site {
    /// On these segments.
    Segment(Value),
    /// One on each segment.
    Each,
    /// At a distance from the root, along the path.
    Distance(Value),
}

/// What a drive sends.
#[derive(Debug, Clone)]
pub enum Sends {
    /// Events of a random process at a rate.
    Random(Process, Expr),
    /// Spikes at given times.
    Spikes(Expr),
}

/// A random process that sends events at a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Process {
    /// Any number of events in a step.
    Poisson,
    /// One event in a step, or none.
    Bernoulli,
}
