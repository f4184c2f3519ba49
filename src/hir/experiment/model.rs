//! Checked experiments: statements in blocks, with ids for names and a type for every expression.

use crate::hir::network::model::{Drive, Local, Nested, Parameter, Value};
use crate::hir::typed::{Expr, ExprKind, LocalId, Seen};
use crate::hir::{Kind, Op, Reduce, Ty, VarId};
use crate::source::Span;
use cranelift_entity::PrimaryMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// An experiment or a test.
#[derive(Debug, Clone, Default)]
pub struct Experiment {
    /// Its name, or a test's title.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// Its parameters.
    pub params: Vec<Parameter>,
    /// Whether it runs only when it is asked for, not with all tests.
    pub slow: bool,
    /// Its statements; the first block is its body, the others belong to statements.
    pub blocks: Vec<Vec<Statement>>,
    /// All names of its body.
    pub locals: PrimaryMap<LocalId, Local>,
    /// Names of networks that it reads: the model, and the name.
    pub reads: BTreeSet<(String, String)>,
}

/// A block of statements, by its place among those of the experiment.
pub type BlockId = usize;

/// A statement with its place.
#[derive(Debug, Clone)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// The whole.
    pub span: Span,
}

/// `with batch 50 sum`
#[derive(Debug, Clone)]
pub struct Batch {
    /// How many examples.
    pub size: Expr,
    /// Whether changes at signals are summed over them, else averaged.
    pub sum: bool,
}

/// `over data { … }`: expressions that are evaluated for every example, or batch of examples, and put together.
#[derive(Debug, Clone)]
pub struct Over {
    /// The data set.
    pub data: Expr,
    /// The names of its fields.
    pub fields: Vec<LocalId>,
    /// What is done with each example or batch.
    pub block: BlockId,
    /// What is gathered.
    pub parts: Vec<Expr>,
}

/// A world.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// Its parameters.
    pub params: Vec<Parameter>,
    /// Its states, in order, with their first values.
    pub states: Vec<(LocalId, Value)>,
    /// What follows from them.
    pub lets: Vec<(String, Expr)>,
    /// What it does when an agent acts.
    pub actions: Vec<Action>,
    /// When an episode is over.
    pub done: Option<Expr>,
    /// Statements of actions.
    pub blocks: Vec<Vec<Statement>>,
    /// All names of its body.
    pub locals: PrimaryMap<LocalId, Local>,
}

/// What a world does when an agent acts, or when it is reset.
#[derive(Debug, Clone)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub params: Vec<Parameter>,
    /// What happens.
    pub block: BlockId,
    /// Where its name is written.
    pub span: Span,
}

impl Action {
    /// The name of what follows when states have been put back.
    pub const RESET: &str = "reset";
}

impl Environment {
    /// Returns what happens when states have been put back, if anything does.
    pub fn on_reset(&self) -> Option<&Action> {
        self.actions.iter().find(|a| a.name == Action::RESET)
    }

    /// Finds what is seen under a name, and its type.
    pub fn member(&self, name: &str) -> Option<(Seen, Ty)> {
        let known = self.params.iter().map(|p| p.id).chain(self.states.iter().map(|(id, _)| *id));
        if let Some(id) = known.into_iter().find(|id| self.locals[*id].name == name) {
            return Some((Seen::Local(id), self.locals[id].ty.clone()));
        }
        if let Some(k) = self.lets.iter().position(|(n, _)| n == name) {
            return Some((Seen::Let(k), self.lets[k].1.ty.clone()));
        }
        (name == "done" && self.done.is_some()).then(|| (Seen::Done, Ty::of(Kind::Bool)))
    }

    /// Spells what is seen.
    pub fn spelled(&self, seen: Seen) -> Option<&str> {
        match seen {
            Seen::Local(id) => Some(self.locals.get(id)?.name.as_str()),
            Seen::Let(k) => Some(self.lets.get(k)?.0.as_str()),
            Seen::Done => Some("done"),
        }
    }

    /// Returns the names that are seen from outside.
    pub fn members(&self) -> Vec<&str> {
        let of = |id: &LocalId| self.locals[*id].name.as_str();
        let params = self.params.iter().map(|p| p.name.as_str());
        let lets = self.lets.iter().map(|(n, _)| n.as_str());
        params
            .chain(self.states.iter().map(|(id, _)| of(id)))
            .chain(lets)
            .chain(self.done.as_ref().map(|_| "done"))
            .collect()
    }
}

/// A world that an experiment makes.
#[derive(Debug, Clone)]
pub struct Environs {
    /// Its name in the experiment.
    pub id: LocalId,
    /// The same as it is written.
    pub name: String,
    /// What it is.
    pub model: Arc<Environment>,
    /// Arguments by parameter.
    pub args: Vec<Option<Expr>>,
}

/// What an assignment changes.
#[derive(Debug, Clone)]
pub enum Target {
    /// A variable of cells.
    Cells {
        /// The cells.
        of: Expr,
        /// The variable.
        id: VarId,
        /// One segment of a cable.
        segment: Option<Expr>,
    },
    /// A weight, state or parameter of synapses.
    Synapses {
        /// The projection.
        of: Expr,
        /// The variable.
        name: String,
        /// Which synapses, if not all.
        index: Option<Expr>,
    },
    /// A variable of the experiment, or elements of one.
    Local(LocalId, Vec<Expr>),
    /// A state of a world, or elements of one.
    Environment(LocalId, LocalId, Vec<Expr>),
}

impl Target {
    /// Returns whether all of another target is assigned to, too, as far as the text says.
    pub fn covers(&self, other: &Target) -> bool {
        let all = |index: &Option<Expr>, part: &Option<Expr>| match (index, part) {
            (None, _) => true,
            (Some(a), Some(b)) => a.is_spelled_like(b),
            (Some(_), None) => false,
        };
        let same = |a: &[Expr], b: &[Expr]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_spelled_like(b));
        match (self, other) {
            (Target::Cells { of, id, segment }, Target::Cells { of: part, id: same, segment: at }) => {
                let whole = matches!(&part.kind, ExprKind::Element(whole, _) if of.is_spelled_like(whole));
                id == same && all(segment, at) && (whole || of.is_spelled_like(part))
            }
            (Target::Synapses { of, name, index }, Target::Synapses { of: other, name: same, index: part }) => {
                name == same && of.is_spelled_like(other) && all(index, part)
            }
            (Target::Local(id, index), Target::Local(other, part)) => {
                id == other && (index.is_empty() || same(index, part))
            }
            (Target::Environment(of, id, index), Target::Environment(other, same_id, part)) => {
                of == other && id == same_id && (index.is_empty() || same(index, part))
            }
            _ => false,
        }
    }

    /// Returns the expressions that say which of something it is.
    pub fn places(&self) -> Vec<&Expr> {
        match self {
            Target::Cells { of, segment, .. } => [of].into_iter().chain(segment).collect(),
            Target::Synapses { of, index, .. } => [of].into_iter().chain(index).collect(),
            Target::Local(_, index) | Target::Environment(_, _, index) => index.iter().collect(),
        }
    }
}

/// The statements of experiments.
#[derive(Debug, Clone)]
pub enum StatementKind {
    /// `network name = Model(args) with batch n`
    Network {
        /// The network.
        network: Nested,
        /// Its name.
        name: String,
        /// How many examples it sees at once.
        batch: Option<Batch>,
    },
    /// `world name = Model(args)`
    Environment(Environs),
    /// `world.action(args)`: the world, the place of the action among its own, the arguments.
    Act(LocalId, usize, Vec<Option<Expr>>),
    /// `seed n`
    Seed(Expr),
    /// `dt t`
    Dt(Expr),
    /// `precision f64`: whether it is double.
    Precision(bool),
    /// `let x = …`, `let x ~ …`, `var x = …`, `data x = …`
    Let(LocalId, Value),
    /// `let x = … over data { … }`
    LetOver(LocalId, Expr, Over),
    /// `run t`
    Run(Expr),
    /// `step`
    Step,
    /// `signal name in targets`; to all without targets
    Signal(String, Option<Vec<Expr>>),
    /// `save net to "file"`
    Save(Expr, String),
    /// `load net from "file"`
    Load(Expr, String),
    /// `plasticity on links`
    Plasticity(bool, Vec<Expr>),
    /// `record what every t during a .. b as name`
    Record {
        /// What, and what is made of all values of a moment.
        what: Vec<(Expr, Option<Reduce>)>,
        /// How often states are recorded.
        every: Option<Expr>,
        /// When.
        during: Option<Expr>,
        /// Its name.
        id: Option<LocalId>,
    },
    /// `at t { … }`, with the names that keep the values they have now.
    At(Expr, BlockId, Vec<LocalId>),
    /// `for x in range step s { … }`
    For {
        /// One, or one for each field of a data set.
        variables: Vec<LocalId>,
        /// What it runs through.
        range: Expr,
        /// From turn to turn.
        step: Option<Expr>,
        /// What is done.
        block: BlockId,
    },
    /// `sweep seed in 1 .. 5, w in [1 nS, 2 nS] { … }`: every combination, the first name slowest
    Sweep(Vec<(LocalId, Expr)>, BlockId),
    /// `repeat at most n times until c { … }`
    Repeat {
        /// How often at most.
        most: Expr,
        /// When it ends earlier.
        until: Option<Expr>,
        /// What is done.
        block: BlockId,
    },
    /// `if c { … } else { … }`
    If(Expr, BlockId, BlockId),
    /// `measure x = e over data { … }`
    Measure(LocalId, Expr, Option<Over>),
    /// `window name { … }`
    Window(String, BlockId),
    /// `settle until change < e or n steps`
    Settle(Expr, Option<Expr>),
    /// `plot "title" in 2 columns { panel … }`
    Plot {
        /// Title.
        title: Option<String>,
        /// How many panels stand side by side, if not one.
        columns: Option<Expr>,
        /// The panels.
        panels: Vec<Panel>,
    },
    /// `expect c`
    Expect(Expr),
    /// `drive …`
    Drive(Drive),
    /// `target = e`, `target += e`
    Set(Target, Option<Op>, Value),
    /// `print …`
    Print(Vec<Expr>),
    /// `reset net.pop`
    Reset(Expr),
    /// `snapshot ir of LifCond`
    Snapshot(Form, String),
}

/// What the compiler makes of a model or a network, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Updates of a neuron's states.
    Solved,
    /// A network with all values known.
    Plan,
    /// Kernels, after optimization.
    Ir,
    /// Cranelift's form of kernels.
    Clif,
    /// Machine code.
    Asm,
}

impl Form {
    /// All forms with their words.
    pub const ALL: [(&'static str, Form); 5] =
        [("solved", Form::Solved), ("plan", Form::Plan), ("ir", Form::Ir), ("clif", Form::Clif), ("asm", Form::Asm)];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Form::ALL.iter().find(|(_, form)| *form == self).map_or("", |(word, _)| word)
    }
}

/// `panel "title" series against x as points with error s`
#[derive(Debug, Clone)]
pub struct Panel {
    /// Title.
    pub title: Option<String>,
    /// What is drawn, with its name.
    pub series: Vec<(Expr, String)>,
    /// The abscissa, with its name.
    pub against: Option<(Expr, String)>,
    /// What it is drawn as, with arguments.
    pub mark: Option<(MarkWord, Vec<Expr>)>,
    /// How uncertain each series is.
    pub errors: Vec<Expr>,
    /// Ends of the axes.
    pub ranges: [Option<Expr>; 2],
    /// Which axes are logarithmic.
    pub log: [bool; 2],
    /// Whether zero is shown in any case.
    pub zero: bool,
    /// Whether lines of least squares are drawn.
    pub fit: bool,
    /// Names in the legend.
    pub labels: Vec<String>,
    /// Where it is written.
    pub span: Span,
}

/// The words after `as` in a plot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum MarkWord {
    Lines,
    Steps,
    Points,
    Bars,
    Mean,
    Histogram,
    Raster,
    Density,
    Cells,
    Psth,
    HeatMap,
    Images,
}

impl StatementKind {
    /// Returns the blocks within this statement.
    pub fn blocks(&self) -> Vec<BlockId> {
        use StatementKind::{At, For, If, LetOver, Measure, Repeat, Sweep, Window};
        match self {
            For { block, .. } | Repeat { block, .. } | Sweep(_, block) | At(_, block, _) | Window(_, block) => {
                vec![*block]
            }
            Measure(_, _, Some(over)) | LetOver(_, _, over) => vec![over.block],
            If(_, a, b) => vec![*a, *b],
            _ => Vec::new(),
        }
    }
}

impl Experiment {
    /// Returns the names of all networks and worlds that it makes.
    pub fn made(&self) -> Vec<&str> {
        let all = self.blocks.iter().flatten();
        all.filter_map(|s| match &s.kind {
            StatementKind::Network { name, .. } => Some(name.as_str()),
            StatementKind::Environment(e) => Some(e.name.as_str()),
            _ => None,
        })
        .collect()
    }
}
