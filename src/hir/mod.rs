//! Resolved, typed, unit-checked models.
//!
//! Input: [`crate::syntax::ast`]. Output: a [`Module`] that holds the whole program: models, networks and experiments with ids for
//! names and a type for every expression. After it is made without errors, nothing later fails because of names, units or kinds.

mod arguments;
mod assign;
mod call;
mod chance;
mod clash;
pub(crate) mod errors;
pub mod experiment;
mod expr;
mod foreign;
mod infer;
mod lists;
mod module;
pub mod network;
mod neuron;
mod operators;
mod overwritten;
pub mod print;
mod response;
mod root;
mod shape;
mod synapse;
mod taken;
mod ty;
pub mod typed;
mod unit_of;
mod unused;
mod variant;
mod window;

pub use crate::builtin::{Func, apply};
pub use expr::{Draw, EventId, Expr, Op, Reduce, VarId};
pub use infer::{Context, Infer};
pub use module::{Imports, check, check_showing};
pub(crate) use neuron::{inline_lets, inline_lets_unless};
pub use response::{Cause, Memory, Response};
pub use shape::{Cut, Morphology, Traced};
pub use synapse::{SynapseUse, check_synapse, misplaced};
pub use ty::{Kind, Shape, Ty};
pub use unit_of::resolve_unit;
pub use window::{Take, Taken};

use crate::source::Span;
use crate::syntax::ast;
use crate::units::{Dim, Unit};
use cranelift_entity::PrimaryMap;
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a variable is.
#[derive(Debug, Clone, PartialEq)]
pub enum VarKind {
    /// Fixed per instance, with its default.
    Param(Option<Expr>),
    /// Evolves; with its initial value.
    State(Expr),
    /// How far the middle of a segment of a cable lies along the path from the middle of the root.
    Distance,
    /// A state in one segment of a cable.
    Segment(VarId, usize),
    /// Algebraic.
    Let(Expr),
    /// Impulse port.
    EventPort,
    /// Analog port, with its default.
    AnalogPort(Expr),
    /// The weight of a synapse.
    Weight,
    /// A third factor that the projection binds, with its value if it does not.
    Modulator(Option<Expr>),
    /// What is taken of the last window of a name: a variable of the cell at its end, or its mean.
    Window(VarId, Taken),
    /// The response to events of the last moments.
    Response(Box<Response>),
    /// A variable of the presynaptic cell.
    Pre(VarId),
    /// A variable of the postsynaptic cell.
    Post(VarId),
}

/// A variable of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Var {
    /// Dotted name within the model.
    pub name: String,
    /// What it is.
    pub kind: VarKind,
    /// Dimension (of the impulse, for an event port).
    pub dim: Dim,
    /// The unit to print it in.
    pub unit: Option<Unit>,
    /// Whether it holds a truth value, as 0 or 1.
    pub boolean: bool,
    /// The cable compartment it belongs to, one value per segment.
    pub cable: Option<usize>,
    /// Where it is declared.
    pub span: Span,
}

/// `x' = rhs`
#[derive(Debug, Clone, PartialEq)]
pub struct Equation {
    /// The state.
    pub state: VarId,
    /// Its rate of change.
    pub rhs: Expr,
    /// The right-hand side's position.
    pub span: Span,
}

/// An event of a neuron.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Where it is first emitted.
    pub span: Span,
}

/// `emit event on other when condition { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Emit {
    /// The event.
    pub event: EventId,
    /// The condition, including `on` where it counts at every step.
    pub when: Expr,
    /// The event that must happen as well where only a change of the condition counts.
    pub on: Option<EventId>,
    /// How many events there are at once, if it may be several; that there is one is part of the condition.
    pub count: Option<Expr>,
    /// Whether only the change of the condition counts: to true (`rising`) or to false.
    pub edge: Option<bool>,
    /// What happens.
    pub body: Vec<Stmt>,
}

/// A checked handler statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Stmt {
    /// `x = e`, compound operators expanded.
    Assign(VarId, Expr),
    /// `hold x for t`, and where `t` is written.
    Hold(VarId, Expr, Span),
    /// `mute e for t`, and where `t` is written.
    Mute(EventId, Expr, Span),
    /// `if c { … } else { … }`
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// `deliver e`
    Deliver(Expr),
    /// Removes the synapse and makes one from another source to the same target.
    Rewire,
}

/// A scheme asked for by name.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Scheme {
    Exact,
    ExponentialEuler,
    Euler,
    Heun,
    Rk4,
    /// Adaptive, with its tolerance.
    Rk45(f64),
    /// Backward Euler along a cable tree.
    Implicit,
    /// Half a step of it, and as far again.
    CrankNicolson,
}

/// A compartment with length and diameter, cut into segments.
#[derive(Debug, Clone, PartialEq)]
pub struct Cable {
    /// Its name.
    pub name: String,
    /// Number of segments.
    pub segments: Expr,
    /// Length.
    pub length: Expr,
    /// Diameter.
    pub diameter: Expr,
    /// Specific membrane capacitance.
    pub c_m: VarId,
    /// Axial resistivity.
    pub r_a: VarId,
    /// Voltage state.
    pub v: VarId,
    /// Membrane current per area, outward.
    pub density: Expr,
    /// Membrane current of a whole segment, outward.
    pub whole: Expr,
    /// Injected current, inward.
    pub injected: Expr,
    /// The cable whose far end this one hangs on.
    pub parent: Option<usize>,
    /// The segments of a morphology that it consists of, if it is part of one; number, length and diameter are theirs.
    pub traced: Option<Traced>,
    /// Where it is declared.
    pub span: Span,
}

/// For what a neuron's state has one value, in a network that sees several examples at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// One per cell and example.
    Example,
    /// One per cell, the same for all examples; handlers change it by the mean or the sum over them.
    Cell,
    /// One for all cells with the same index along the first axis of the population.
    Channel,
    /// One per cell and item of a data set, there whenever the item is.
    Sample,
}

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kept::Example => "per example",
            Kept::Cell => "per cell",
            Kept::Channel => "per channel",
            Kept::Sample => "per sample",
        })
    }
}

/// What a neuron does at a signal of the experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalHandler {
    /// The signal.
    pub signal: String,
    /// What happens, statement after statement.
    pub body: Vec<Stmt>,
    /// `on …` in the text.
    pub span: Span,
}

/// A neuron model.
#[derive(Debug, Clone, Default)]
pub struct Neuron {
    /// Its name.
    pub name: String,
    /// Its `##` text.
    pub doc: String,
    /// All variables, in order of declaration.
    pub vars: PrimaryMap<VarId, Var>,
    /// Events in order of emission.
    pub events: PrimaryMap<EventId, Event>,
    /// Differential equations.
    pub equations: Vec<Equation>,
    /// `let`s in an order in which each needs only earlier ones.
    pub lets: Vec<VarId>,
    /// Emissions in order.
    pub emits: Vec<Emit>,
    /// `on SIGNAL`, in order of declaration.
    pub handlers: Vec<SignalHandler>,
    /// Bounds of states, applied at every write.
    pub bounds: Vec<(VarId, Expr, Expr)>,
    /// What states that change by handlers are kept for, as far as it is not one value per cell and example.
    pub kept: BTreeMap<VarId, Kept>,
    /// `let`s that are energies: states without an equation of their own descend along them.
    pub energies: Vec<VarId>,
    /// The states that descend along them, and along energies of synapses.
    pub descending: Vec<VarId>,
    /// The scheme asked for, and where.
    pub scheme: Option<(Scheme, Span)>,
    /// Schemes asked for single states, and where.
    pub state_schemes: Vec<(VarId, Scheme, Span)>,
    /// Cable compartments, parents first.
    pub cables: Vec<Cable>,
    /// What differs between the segments of a cable: how far they lie from the root, and parameters and initial values that follow from that.
    pub along: BTreeSet<VarId>,
    /// States that hold what happened in the last steps.
    pub memories: Vec<Memory>,
    /// States that have, at the end of every step, the value that a `let` has then.
    pub observed: Vec<(VarId, VarId)>,
    /// Number of white-noise processes.
    pub n_noises: u32,
    /// Number of draws.
    pub n_draws: u32,
    /// Variables that it does not use itself, each with a warning for the case that nothing else does.
    pub unused: Vec<(VarId, crate::diag::Diagnostic)>,
}

impl Neuron {
    /// Finds a variable by its dotted name.
    pub fn var(&self, name: &str) -> Option<VarId> {
        self.vars.iter().find(|(_, v)| v.name == name).map(|(id, _)| id)
    }

    /// Finds an event by its name.
    pub fn event(&self, name: &str) -> Option<EventId> {
        self.events.iter().find(|(_, e)| e.name == name).map(|(id, _)| id)
    }

    /// Returns the parameters.
    pub fn params(&self) -> impl Iterator<Item = (VarId, &Var)> {
        self.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::Param(_)))
    }

    /// Returns the definition of a `let`.
    pub fn definition(&self, v: VarId) -> Option<&Expr> {
        definition(&self.vars, v)
    }

    /// Returns whether any part of an expression, also of the `let`s it names, satisfies the predicate.
    pub fn any(&self, e: &Expr, predicate: &mut dyn FnMut(&Expr) -> bool) -> bool {
        crate::math::any_through(e, &|v| self.definition(v), predicate)
    }

    /// Replaces `let`s by their definitions, except those that are large.
    pub fn unfold(&self, e: Expr) -> Expr {
        crate::math::unfold(e, &|v| self.definition(v))
    }

    /// Returns whether a parameter, or the initial value of a state, differs between the segments of a cable: it follows from where they are.
    pub fn varies_along(&self, v: VarId) -> bool {
        self.along.contains(&v)
    }

    /// Returns whether what differs along cables is computed from a variable.
    pub fn bears_on_segments(&self, id: VarId) -> bool {
        let reads = |e: &Expr| self.any(e, &mut |e| *e == Expr::Var(id));
        let follows = |v: &VarId| match &self.vars[*v].kind {
            VarKind::Param(Some(e)) | VarKind::State(e) => reads(e),
            _ => false,
        };
        self.along.contains(&id)
            || self.along.iter().any(follows)
            || self.cables.iter().any(|c| reads(&c.length) || reads(&c.segments))
    }

    /// Returns whether an expression reads what differs between the segments of a cable that has several, so that it has no one value.
    pub fn reads_segments(&self, e: &Expr) -> bool {
        self.any(e, &mut |e| match e {
            Expr::Var(v) => {
                let cable = self.vars[*v].cable.and_then(|c| self.cables.get(c));
                (matches!(self.vars[*v].kind, VarKind::State(_)) || self.varies_along(*v))
                    && cable.is_some_and(|c| crate::math::eval(&c.segments, &|_| None, None) != Some(1.0))
            }
            _ => false,
        })
    }

    /// Returns whether an expression has a value only within the cell's own update: its events, noise and draws.
    pub fn reads_update(&self, e: &Expr) -> bool {
        self.any(e, &mut |e| matches!(e, Expr::Since(_) | Expr::Fired(_) | Expr::Noise(_) | Expr::Draw(..)))
    }

    /// Returns whether several of an event may happen at once.
    pub fn is_counted(&self, event: EventId) -> bool {
        self.emits.iter().any(|e| e.event == event && e.count.is_some())
    }

    /// Returns the states.
    pub fn states(&self) -> impl Iterator<Item = (VarId, &Var)> {
        self.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::State(_)))
    }

    /// Returns whether all examples of a batch share a state.
    pub fn is_shared(&self, state: VarId) -> bool {
        matches!(self.kept.get(&state), Some(Kept::Cell | Kept::Channel))
    }

    /// Returns whether something is drawn at a signal.
    pub fn draws_at(&self, signal: &str) -> bool {
        let draws = |e: &Expr| self.any(e, &mut |e| matches!(e, Expr::Draw(..)));
        self.handlers.iter().filter(|h| h.signal == signal).any(|h| any_expr(&h.body, &draws))
    }

    /// Returns whether the cell does something at a signal.
    pub fn hears(&self, signal: &str) -> bool {
        self.handlers.iter().any(|h| h.signal == signal)
    }
}

/// Returns whether any expression of some statements satisfies a predicate.
pub fn any_expr(body: &[Stmt], predicate: &dyn Fn(&Expr) -> bool) -> bool {
    body.iter().any(|s| match s {
        Stmt::Assign(_, e) => predicate(e),
        Stmt::If(c, a, b) => predicate(c) || any_expr(a, predicate) || any_expr(b, predicate),
        _ => false,
    })
}

/// Visits all statements, however deep.
pub fn each_stmt(body: &[Stmt], see: &mut dyn FnMut(&Stmt)) {
    for s in body {
        see(s);
        if let Stmt::If(_, a, b) = s {
            each_stmt(a, see);
            each_stmt(b, see);
        }
    }
}

/// Returns whether statements move synapses.
pub fn rewires(body: &[Stmt]) -> bool {
    let mut out = false;
    each_stmt(body, &mut |s| out |= matches!(s, Stmt::Rewire));
    out
}

/// The two sides of a synapse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The sending cell.
    Pre,
    /// The receiving cell.
    Post,
}

/// Where one value of a synapse's state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// One for the whole projection.
    Projection,
    /// One per presynaptic cell.
    Pre,
    /// One per postsynaptic cell.
    Post,
    /// One per synapse.
    Synapse,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Place::Projection => "per projection",
            Place::Pre => "per pre",
            Place::Post => "per post",
            Place::Synapse => "per synapse",
        })
    }
}

/// What makes a handler of a synapse run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// An event of one of the cells, by its name.
    Cell(Side, String),
    /// A signal of the experiment.
    Signal(String),
}

impl Trigger {
    /// Returns whether an event of this side is meant.
    pub fn is(&self, side: Side) -> bool {
        matches!(self, Trigger::Cell(s, _) if *s == side)
    }
}

impl std::fmt::Display for Trigger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trigger::Cell(Side::Pre, event) => write!(f, "pre.{event}"),
            Trigger::Cell(Side::Post, event) => write!(f, "post.{event}"),
            Trigger::Signal(name) => f.write_str(name),
        }
    }
}

/// What a synapse does at an event of one of its cells, or at a signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Handler {
    /// When.
    pub trigger: Trigger,
    /// What happens, statement after statement.
    pub body: Vec<Stmt>,
    /// `on …` in the text.
    pub span: Span,
}

/// A synapse model as used by one projection: weight and cells have known units.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Synapse {
    /// Its name.
    pub name: String,
    /// Parameters, states, weight, and the cells' variables it reads.
    pub vars: PrimaryMap<VarId, Var>,
    /// Differential equations of its states.
    pub equations: Vec<Equation>,
    /// `let`s in dependency order.
    pub lets: Vec<VarId>,
    /// `on pre.event`, `on post.event` and `on signal`, in order of declaration.
    pub handlers: Vec<Handler>,
    /// Variables of the cells that are read as they were a constant time ago, and that time.
    pub delayed: BTreeMap<VarId, Expr>,
    /// Variables of the cells that are taken of a window, and what is taken.
    pub windows: BTreeMap<VarId, Taken>,
    /// Energy of one synapse; states of both cells descend along it.
    pub energy: Option<(Expr, Span)>,
    /// Number of white-noise processes.
    pub n_noises: u32,
    /// Bounds of the weight and of states, applied at every write.
    pub bounds: Vec<(VarId, Expr, Expr)>,
    /// What has a value for each synapse, wherever it could be kept otherwise: states and parameters.
    pub scattered: BTreeSet<VarId>,
    /// Parameters among them; they are kept as states that nothing changes.
    pub scattered_parameters: BTreeSet<VarId>,
    /// States that hold a sum over synapses, or the like, while a signal is handled.
    pub reductions: BTreeMap<VarId, Reduction>,
    /// States that hold a draw of each synapse while a signal is handled: uniform between 0 and 1, or standard normal.
    pub draws: BTreeMap<VarId, Draw>,
    /// Number of draws in handlers of events.
    pub n_draws: u32,
    /// Where the author says that states live.
    pub asserted: Vec<(VarId, Place, Span)>,
    /// Continuous contribution.
    pub deliver: Option<Expr>,
}

/// `sum(w, over = pre)`: something of all synapses onto the same target, or from the same source.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduction {
    /// What is computed.
    pub how: Reduce,
    /// Over the synapses with the same cell on the other side.
    pub over: Side,
    /// Of what: weights, states and parameters.
    pub of: Expr,
}

impl Reduction {
    /// Where the result is kept.
    pub fn place(&self) -> Place {
        match self.over {
            Side::Pre => Place::Post,
            Side::Post => Place::Pre,
        }
    }
}

impl Synapse {
    /// Returns whether synapses move to other sources.
    pub fn rewires(&self) -> bool {
        self.handlers.iter().any(|h| rewires(&h.body))
    }

    /// Returns the signals that it waits for.
    pub fn signals(&self) -> impl Iterator<Item = &str> {
        self.handlers.iter().filter_map(|h| match &h.trigger {
            Trigger::Signal(name) => Some(name.as_str()),
            Trigger::Cell(..) => None,
        })
    }

    /// Returns the weight, if one is declared.
    pub fn weight(&self) -> Option<VarId> {
        self.vars.iter().find(|(_, v)| matches!(v.kind, VarKind::Weight)).map(|(id, _)| id)
    }

    /// Returns the states.
    pub fn states(&self) -> impl Iterator<Item = (VarId, &Var)> {
        self.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::State(_)))
    }

    /// Returns whether its weight changes by itself, at events or at signals, or whether it is made anew.
    pub fn learns(&self) -> bool {
        fn changes(body: &[Stmt], weight: VarId) -> bool {
            body.iter().any(|s| match s {
                Stmt::Assign(v, _) => *v == weight,
                Stmt::If(_, a, b) => changes(a, weight) || changes(b, weight),
                Stmt::Rewire => true,
                _ => false,
            })
        }
        let Some(weight) = self.weight() else { return false };
        let flows = self.equations.iter().any(|eq| eq.state == weight);
        flows || self.handlers.iter().any(|h| changes(&h.body, weight))
    }

    /// Returns whether it delivers anything, at events, at every step, or by an energy.
    pub fn delivers(&self) -> bool {
        fn delivers(body: &[Stmt]) -> bool {
            body.iter().any(|s| match s {
                Stmt::Deliver(_) => true,
                Stmt::If(_, a, b) => delivers(a) || delivers(b),
                _ => false,
            })
        }
        self.deliver.is_some() || self.energy.is_some() || self.handlers.iter().any(|h| delivers(&h.body))
    }

    /// Keeps a state or a parameter at every synapse.
    pub fn scatter(&mut self, id: VarId) {
        self.scattered.insert(id);
        if let VarKind::Param(default) = &self.vars[id].kind {
            self.vars[id].kind = VarKind::State(default.clone().unwrap_or(Expr::Num(0.0)));
            self.scattered_parameters.insert(id);
        }
    }

    /// Returns whether a delay makes no difference: it delivers nothing, and neither sees cells nor hears what they send.
    pub fn has_nothing_under_way(&self) -> bool {
        let sees_cells = self.vars.values().any(|v| matches!(v.kind, VarKind::Pre(_) | VarKind::Post(_)));
        let hears_signals_only = self.handlers.iter().all(|h| matches!(h.trigger, Trigger::Signal(_)));
        // One without any handler has lost them to a mistake, which is told.
        !self.handlers.is_empty()
            && hears_signals_only
            && !sees_cells
            && self.deliver.is_none()
            && self.energy.is_none()
    }

    /// Returns whether a state holds a value only while a signal is handled.
    pub fn is_of_signal(&self, id: VarId) -> bool {
        self.reductions.contains_key(&id) || self.draws.contains_key(&id)
    }

    /// Returns whether a variable is a parameter, of all synapses or of each.
    pub fn is_parameter(&self, id: VarId) -> bool {
        matches!(self.vars[id].kind, VarKind::Param(_)) || self.scattered_parameters.contains(&id)
    }

    /// Finds a variable of its own by name.
    pub fn var(&self, name: &str) -> Option<VarId> {
        self.vars.iter().find(|(_, v)| v.name == name).map(|(id, _)| id)
    }

    /// Returns the definition of a `let`.
    pub fn definition(&self, v: VarId) -> Option<&Expr> {
        definition(&self.vars, v)
    }

    /// Returns whether any part of an expression, also of the `let`s it names, satisfies the predicate.
    pub fn any(&self, e: &Expr, predicate: &mut dyn FnMut(&Expr) -> bool) -> bool {
        crate::math::any_through(e, &|v| self.definition(v), predicate)
    }

    /// Replaces `let`s by their definitions, except those that are large.
    pub fn unfold(&self, e: Expr) -> Expr {
        crate::math::unfold(e, &|v| self.definition(v))
    }

    /// Replaces `let`s by their definitions.
    pub fn inline(&self, e: Expr) -> Expr {
        e.map(&mut |e| match e {
            Expr::Var(v) => match &self.vars[v].kind {
                VarKind::Let(value) => self.inline(value.clone()),
                _ => Expr::Var(v),
            },
            other => other,
        })
    }
}

fn definition(vars: &PrimaryMap<VarId, Var>, v: VarId) -> Option<&Expr> {
    match vars.get(v).map(|v| &v.kind) {
        Some(VarKind::Let(e)) => Some(e),
        _ => None,
    }
}

/// A named constant.
#[derive(Debug, Clone)]
pub struct Constant {
    /// Value in internal units.
    pub value: f64,
    /// Type.
    pub ty: Ty,
    /// Where it is declared.
    pub span: Span,
}

/// Everything a file declares and imports, checked.
#[derive(Debug, Clone, Default)]
pub struct Module {
    /// Constants by name.
    pub constants: IndexMap<String, Constant>,
    /// User units by name.
    pub units: IndexMap<String, Unit>,
    /// Functions by name.
    pub functions: IndexMap<String, Arc<Function>>,
    /// Channels, still as syntax: they are checked where they are used.
    pub channels: IndexMap<String, Arc<ast::Model>>,
    /// Shapes of cells by name.
    pub morphologies: IndexMap<String, Arc<Morphology>>,
    /// Neurons by name.
    pub neurons: IndexMap<String, Arc<Neuron>>,
    /// Synapses, still as syntax: their units depend on the projection.
    pub synapses: IndexMap<String, Arc<ast::Model>>,
    /// Networks by name.
    pub networks: IndexMap<String, Arc<network::model::Network>>,
    /// Worlds by name.
    pub environments: IndexMap<String, Arc<experiment::model::Environment>>,
    /// Networks that are being checked, outermost first.
    unfinished: Vec<String>,
    /// Experiments of the file itself.
    pub experiments: Vec<Arc<experiment::model::Experiment>>,
    /// Tests of the file itself.
    pub tests: Vec<Arc<experiment::model::Experiment>>,
    /// `##` texts of all declarations by name.
    pub docs: IndexMap<String, String>,
}

/// `fn name(formals) = body`
#[derive(Debug)]
pub struct Function {
    /// Arguments.
    pub formals: Vec<ast::Binding>,
    /// Body.
    pub body: ast::Expr,
}
