//! What was written: names, numbers and spans, no meaning.

use crate::source::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// The text; dotted for paths.
    pub text: String,
    /// Its position.
    pub span: Span,
}

/// An expression with its position.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// The text it was parsed from.
    pub span: Span,
}

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum BinOp {
    Or,
    And,
    Within,
    In,
    Le,
    Ge,
    Eq,
    Ne,
    Lt,
    Gt,
    Range,
    Add,
    Sub,
    Mul,
    Div,
    Pow,
}

impl BinOp {
    /// Returns the operator as typed.
    pub fn symbol(self) -> &'static str {
        use BinOp::*;
        match self {
            Or => "or",
            And => "and",
            Within => "within",
            In => "in",
            Le => "<=",
            Ge => ">=",
            Eq => "==",
            Ne => "!=",
            Lt => "<",
            Gt => ">",
            Range => "..",
            Add => "+",
            Sub => "-",
            Mul => "*",
            Div => "/",
            Pow => "^",
        }
    }
}

impl Expr {
    /// Returns the elements of a list in parentheses or brackets, or the expression alone.
    pub fn elements(&self) -> &[Expr] {
        match &self.kind {
            ExprKind::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }
}

/// The forms of expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `120 mS`: the number, the unit's name and its exponent as (numerator, denominator).
    Quantity(f64, Option<(Name, (i32, i32))>),
    /// `true`, `false`
    Bool(bool),
    /// `"text"`
    Text(String),
    /// `tau_m`
    Name(String),
    /// `-x`
    Neg(Box<Expr>),
    /// `not x`
    Not(Box<Expr>),
    /// `a + b`
    Binary(BinOp, Box<Expr>, Box<Expr>),
    /// `f(x, name = y)`
    Call(Box<Expr>, Vec<Arg>),
    /// `x[i]`
    Index(Box<Expr>, Vec<Expr>),
    /// `x.name`
    Member(Box<Expr>, Name),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `if c then a else b`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `since(spike)`, `since(previous spike)`
    Since(Name, bool),
    /// `s at end of free`
    AtEnd(Box<Expr>, Name),
    /// `*` in an index
    All,
    /// `lo .. hi step s`: the range and its step
    Stepped(Box<Expr>, Box<Expr>),
}

/// An argument, maybe named.
#[derive(Debug, Clone, PartialEq)]
pub struct Arg {
    /// The name before `=`, if any.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
}

impl Arg {
    /// Returns where it is written, with its name.
    pub fn span(&self) -> Span {
        self.name.as_ref().map_or(self.value.span, |n| n.span.to(self.value.span))
    }
}

/// A unit as typed: factors with exponents, numerator first.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitExpr {
    /// (name, exponent numerator, exponent denominator), already negated for divisors.
    pub factors: Vec<(Name, i32, i32)>,
    /// The whole unit.
    pub span: Span,
}

/// `name: unit = value`
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// What is bound.
    pub name: Name,
    /// Declared unit.
    pub unit: Option<UnitExpr>,
    /// Value or default.
    pub value: Option<Expr>,
}

/// `= expr` or `~ distribution`
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The same for all, or an expression of the index.
    Expr(Expr),
    /// Drawn.
    Distribution(Distribution),
}

/// `~ normal(a, b) redrawn in lo .. hi`
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// The call.
    pub call: Expr,
    /// Whether it is clipped (else redrawn), and to which range.
    pub bound: Option<(bool, Expr)>,
}

/// A top-level declaration.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// `##` lines above it.
    pub doc: String,
    /// What it declares.
    pub kind: ItemKind,
    /// The whole item.
    pub span: Span,
}

/// Kinds of declarations.
#[derive(Debug, Clone, PartialEq)]
pub enum ItemKind {
    /// `use`: path text, whether it was quoted, selected names.
    Use(Name, bool, Vec<Name>),
    /// `const`
    Const(Vec<Binding>),
    /// `unit name = expr`
    Unit(Name, Expr),
    /// `fn name(args) = expr`
    Fn(Name, Vec<Binding>, Expr),
    /// `channel`, `neuron`, `synapse`
    Model(Model),
    /// `morphology name = source segmented …`
    Morphology(Morphology),
    /// `network`
    Network(Network),
    /// `network Variant = Base(args)`, and the same of neurons and synapses
    Variant(Variant),
    /// `world`
    World(World),
    /// `experiment`
    Experiment(Experiment),
    /// `test "title"`
    Test(Experiment),
}

/// The shape of cells, read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Morphology {
    /// Its name.
    pub name: Name,
    /// Where it is from: `swc("cell.swc")`.
    pub source: Expr,
    /// How its sections are cut into segments.
    pub cut: Cut,
}

/// How sections are cut into segments.
#[derive(Debug, Clone, PartialEq)]
pub enum Cut {
    /// `segmented by d_lambda(0.1, 100 Hz)`
    By(Expr),
    /// `segmented every 20 um`
    Every(Expr),
}

/// Another model or network with other defaults for some of its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// The kind of model; none of a network.
    pub kind: Option<ModelKind>,
    /// Its name.
    pub name: Name,
    /// What it is a variant of.
    pub base: Name,
    /// Defaults.
    pub args: Vec<Arg>,
}

/// The three kinds of model declarations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ModelKind {
    Neuron,
    Synapse,
    Channel,
}

/// A neuron, synapse or channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Which of the three.
    pub kind: ModelKind,
    /// Its name.
    pub name: Name,
    /// Arguments in parentheses (the voltage of a channel).
    pub formals: Vec<Binding>,
    /// Its body.
    pub body: Vec<ModelItem>,
}

impl Model {
    /// Returns whether it carries a current; a pool of calcium does not.
    pub fn has_current(&self) -> bool {
        self.body.iter().any(|i| matches!(i, ModelItem::Current(_)))
    }
}

/// `state x: unit per pre = init in bounds`
#[derive(Debug, Clone, PartialEq)]
pub struct StateBinding {
    /// Name.
    pub name: Name,
    /// Declared unit.
    pub unit: Option<UnitExpr>,
    /// Asserted placement.
    pub per: Option<Name>,
    /// Initial value.
    pub init: Option<Expr>,
    /// Bounds.
    pub bounds: Option<Expr>,
}

/// What stands in a model's body.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum ModelItem {
    Params(Vec<Binding>),
    States(Vec<StateBinding>),
    Let(Name, Expr),
    EventInput(Name, Option<UnitExpr>),
    Input(Name, Option<UnitExpr>, Option<Expr>),
    Weight(Name, Option<UnitExpr>, Option<Expr>),
    Modulator(Name, Option<UnitExpr>, Option<Expr>),
    Equation(Name, Expr),
    Emit(Emit),
    Noise(Name),
    Compartment(Name, Option<Expr>, Vec<ModelItem>, Span),
    /// `cable morphology { … }`
    Cable(Name, Vec<ModelItem>, Span),
    /// What belongs to sections of some kinds only.
    Sections(Vec<Name>, Vec<ModelItem>),
    ChannelUse(Name, Name, Vec<Arg>, Span),
    Gate(Name, Vec<(Name, Expr)>, Span),
    Current(Expr),
    Couple(Name, Name, Option<Expr>, Span),
    Scheme(SchemeDecl),
    On(Name, Vec<Stmt>, Span),
    Deliver(Expr),
    Geometry(Name, Expr),
    Energy(Name, Expr),
}

/// `scheme name(args) for states`
#[derive(Debug, Clone, PartialEq)]
pub struct SchemeDecl {
    /// The scheme.
    pub name: Name,
    /// Its tolerance, if any.
    pub args: Vec<Arg>,
    /// The states it is for; none for all.
    pub states: Vec<Name>,
}

/// `emit name on other when condition { handler }`
#[derive(Debug, Clone, PartialEq)]
pub struct Emit {
    /// The event.
    pub name: Name,
    /// The event it depends on.
    pub on: Option<Name>,
    /// `rising` (true) or `falling` (false) edge.
    pub edge: Option<bool>,
    /// How many there are at once, drawn.
    pub count: Option<Expr>,
    /// The condition.
    pub when: Option<Expr>,
    /// What happens.
    pub body: Vec<Stmt>,
    /// The whole statement.
    pub span: Span,
}

/// Statements of handlers.
#[derive(Debug, Clone, PartialEq)]
pub enum Stmt {
    /// `x += e`; the operator without `=`, or none.
    Assign(Name, Option<BinOp>, Expr),
    /// `hold v for t`
    Hold(Vec<Name>, Expr),
    /// `mute spike for t`
    Mute(Name, Expr),
    /// `if c { … } else { … }`
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// `deliver w`
    Deliver(Expr),
    /// `rewire`
    Rewire(Span),
}

/// A network declaration.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub formals: Vec<Binding>,
    /// Its body.
    pub body: Vec<NetworkItem>,
}

/// `exc`, `exc[0..10].v`, `cell[0].dend[1].v`, `(exc, inh).ex`
#[derive(Debug, Clone, PartialEq)]
pub struct ViewPath {
    /// Dotted path before an index.
    pub path: Name,
    /// Indices, each with the dotted path after it.
    pub steps: Vec<(Vec<Expr>, Option<Name>)>,
    /// What stands behind the brackets of a list, and belongs to each of it.
    pub shared: Option<Name>,
    /// The whole, without what is shared.
    pub span: Span,
}

impl ViewPath {
    /// The dotted path at its end.
    pub fn end(&self) -> &Name {
        let step = self.steps.last().and_then(|(_, tail)| tail.as_ref());
        self.shared.as_ref().or(step).unwrap_or(&self.path)
    }
}

/// What stands in a network's body.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum NetworkItem {
    Population {
        name: Name,
        model: Name,
        args: Vec<Arg>,
        shape: Vec<Expr>,
        spacing: Option<Expr>,
        span: Span,
    },
    Network {
        name: Name,
        model: Name,
        args: Vec<Arg>,
        span: Span,
    },
    Init(Vec<ViewPath>, Value),
    Projection(Box<Projection>),
    Drive(Drive),
    /// Cells, and which of them if not all.
    View(Name, ViewPath, Option<Expr>),
    Let(Name, Expr),
    Params(Vec<Binding>),
    For(Name, Expr, Vec<NetworkItem>),
    If(Expr, Vec<NetworkItem>, Vec<NetworkItem>),
}

/// A projection.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// Optional name.
    pub name: Option<Name>,
    /// Sources.
    pub sources: Vec<ViewPath>,
    /// Targets with their ports.
    pub targets: Vec<ViewPath>,
    /// Synapse model; none means `Static`.
    pub synapse: Option<Name>,
    /// Its arguments.
    pub args: Vec<Arg>,
    /// Clauses in order.
    pub clauses: Vec<Clause>,
    /// The whole.
    pub span: Span,
}

/// A random process that sends events at a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Process {
    /// Any number of events in a step.
    Poisson,
    /// One event in a step, or none.
    Bernoulli,
}

/// Clauses of projections and drives.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Clause {
    Connect(Expr),
    /// The path of a table, or the name of one.
    ConnectTable(Expr, Vec<Arg>, Span),
    ConnectWhere(Expr),
    /// The projection whose weights are used the other way round.
    Transpose(Name),
    Weight(Value, Span),
    Delay(Value, bool, Span),
    Modulator(Name, Expr),
    Init(Name, Value),
    Random(Process, Expr),
    Spikes(Expr),
    /// Whether rows are kept: `never`.
    Store(Name),
    /// Where on a cable.
    Place(Site, Span),
}

/// Where on a cable synapses sit.
#[derive(Debug, Clone, PartialEq)]
pub enum Site {
    /// `place segment 7`
    Segment(Value),
    /// `place each segment`
    Each,
    /// `place ~ uniform(100 um, 400 um)`: at a distance from the root, along the path.
    Distance(Value),
}

/// A drive.
#[derive(Debug, Clone, PartialEq)]
pub struct Drive {
    /// Targets with their ports.
    pub targets: Vec<ViewPath>,
    /// Clauses.
    pub clauses: Vec<Clause>,
    /// The whole.
    pub span: Span,
}

/// What an agent acts in: states, what follows from them, and what actions do.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub formals: Vec<Binding>,
    /// Its body.
    pub body: Vec<WorldItem>,
}

/// What stands in the body of a world.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum WorldItem {
    /// `state x: unit = 0`, `state x ~ uniform(-1, 1)`
    State(Name, Option<UnitExpr>, Value),
    Let(Name, Expr),
    /// `on act(a: int) { … }`
    Action(Action),
    /// `done when c`
    Done(Expr),
}

/// What a world does when an agent acts, or when it is reset.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its name.
    pub name: Name,
    /// Its arguments.
    pub formals: Vec<Binding>,
    /// What happens.
    pub body: Vec<Command>,
}

/// An experiment, or a test with its title as name.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// Name or title.
    pub name: Name,
    /// Parameters.
    pub formals: Vec<Binding>,
    /// Whether it runs only when it is asked for, not with all tests.
    pub slow: bool,
    /// Statements.
    pub body: Vec<Command>,
}

/// A statement of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// What it does.
    pub kind: CommandKind,
    /// The whole.
    pub span: Span,
}

/// `with batch 50 sum`
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// How many examples.
    pub size: Expr,
    /// Whether changes at signals are summed over them, else averaged.
    pub sum: bool,
}

/// `over data { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Over {
    /// The data set.
    pub data: Expr,
    /// What is done with each batch of it.
    pub body: Vec<Command>,
}

/// The statements of experiments.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum CommandKind {
    Network {
        name: Name,
        model: Name,
        args: Vec<Arg>,
        batch: Option<Batch>,
    },
    /// `world grid = Grid(size = 7)`
    World {
        name: Name,
        model: Name,
        args: Vec<Arg>,
    },
    /// `grid.act(a)`
    Act {
        of: Name,
        action: Name,
        args: Vec<Arg>,
    },
    Seed(Expr),
    Dt(Expr),
    Precision(Name),
    Data(Name, Expr),
    Run(Expr),
    Step,
    /// `signal reward in net.link`
    Signal(Name, Option<Expr>),
    /// What is saved, the file, and where that is written.
    Save(Expr, String, Span),
    Load(Expr, String, Span),
    /// `plasticity on net.link`, or `off`
    Plasticity(bool, Expr),
    /// `record x every 1 ms during 1 s .. 2 s as name`
    Record {
        what: Expr,
        every: Option<Expr>,
        during: Option<Expr>,
        name: Option<Name>,
    },
    At(Expr, Vec<Command>),
    For {
        /// One, or one for each field of a data set.
        variables: Vec<Name>,
        range: Expr,
        step: Option<Expr>,
        body: Vec<Command>,
    },
    If(Expr, Vec<Command>, Vec<Command>),
    /// `repeat at most n times until c { … }`, or `repeat n times { … }`
    Repeat {
        most: Expr,
        until: Option<Expr>,
        body: Vec<Command>,
    },
    /// `sweep seed in 1 .. 5, w in [1 nS, 2 nS] { … }`
    Sweep {
        variables: Vec<(Name, Expr)>,
        body: Vec<Command>,
    },
    /// `measure x = e over data { … }`
    Measure(Name, Expr, Option<Over>),
    /// `window free { … }`
    Window(Name, Vec<Command>),
    /// `settle until change < e or n steps`: how many steps, and when it may end earlier.
    Settle(Expr, Option<Expr>),
    /// `plot "title" in 2 columns { panel … }`; a single panel has no title of its own
    Plot {
        title: Option<String>,
        columns: Option<Expr>,
        panels: Vec<Panel>,
    },
    Expect(Expr),
    /// `print "after", k, "turns"`
    Print(Vec<Expr>),
    /// `let x = e over data { … }`, or `let u ~ uniform(0, 1)`, which is over nothing
    Let(Name, Value, Option<Over>),
    /// `var x = e`, or `var u ~ uniform(0, 1)`; a [`CommandKind::Set`] of its name changes it
    Var(Name, Value),
    /// `reset net.pop`
    Reset(Expr),
    /// `snapshot ir of LifCond`: what the compiler makes of something, and of what.
    Snapshot(Name, Name),
    Drive(Drive),
    Set {
        target: Expr,
        op: Option<BinOp>,
        value: Value,
    },
}

impl CommandKind {
    /// Returns the name that is known after it.
    pub fn declares(&self) -> Option<&Name> {
        match self {
            CommandKind::Network { name, .. }
            | CommandKind::World { name, .. }
            | CommandKind::Data(name, _)
            | CommandKind::Let(name, ..)
            | CommandKind::Var(name, _)
            | CommandKind::Measure(name, ..)
            | CommandKind::Record { name: Some(name), .. } => Some(name),
            _ => None,
        }
    }

    /// Returns the blocks of statements within this one.
    pub fn blocks(&self) -> Vec<&[Command]> {
        match self {
            CommandKind::For { body, .. }
            | CommandKind::At(_, body)
            | CommandKind::Window(_, body)
            | CommandKind::Repeat { body, .. }
            | CommandKind::Sweep { body, .. }
            | CommandKind::Let(_, _, Some(Over { body, .. }))
            | CommandKind::Measure(_, _, Some(Over { body, .. })) => vec![body],
            CommandKind::If(_, a, b) => vec![a, b],
            _ => Vec::new(),
        }
    }
}

/// A parsed file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct File {
    /// Declarations in order.
    pub items: Vec<Item>,
    /// What could not be read.
    pub lost: Lost,
}

/// What could not be read of a file, so that nobody complains that it is not there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lost {
    /// Where it stands.
    pub places: Vec<Span>,
    /// The words in it.
    pub words: BTreeSet<String>,
}

/// `panel "title" a, b against x as points with error s with log x labelled "a", "b"`
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    pub title: Option<String>,
    pub series: Vec<Expr>,
    pub against: Option<Expr>,
    /// What it is drawn as, with arguments.
    pub mark: Option<(Name, Vec<Arg>)>,
    /// How uncertain each series is.
    pub errors: Vec<Expr>,
    /// Ends of axes: whether it is that of `x`, and a range.
    pub ranges: Vec<(bool, Expr)>,
    /// Other words: `log x`, `log y`, `zero`, `fit`.
    pub words: Vec<Name>,
    pub labels: Vec<String>,
    pub span: Span,
}
