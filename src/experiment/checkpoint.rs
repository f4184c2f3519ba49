//! Checkpoints: everything that an experiment is in the middle of, as bytes, and how to go on from them.
//!
//! A checkpoint is taken within a `run`, at a step boundary. It holds the place among the statements, the names, what has been
//! measured, the plans of the networks as data, and what the simulations remember. Models are not part of it: they are found by
//! name in the same source, whose hash the header carries.

use super::Attempt;
use super::eval::Live;
use super::outcome::{Expectation, Figure};
use super::record::{Recording, SpoolState, What};
use super::run::{Run, Scheduled};
use super::time::at_time;
use super::value::{Instance, PopulationRef, Quantity, Value};
use crate::data::{Archive, Examples, Table};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hir::{Expr, Module, SynapseUse, VarId, check_synapse};
use crate::ir::Precision;
use crate::plan::{Column, Delay, Drive, Network, Pairs, Population, Projection, View};
use crate::runtime::{Running, Simulation, Snapshot};
use crate::solve::discretize;
use crate::source::Span;
use crate::syntax::ast::{self, Command, CommandKind};
use crate::units::{Dim, Unit};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// The version of the format; another one is refused.
const VERSION: u32 = 3;

/// Where checkpoints go.
pub trait Keeper {
    /// Returns whether one is due.
    fn is_due(&self) -> bool;
    /// Keeps one so that it is either whole or not there.
    fn keep(&self, bytes: &[u8]) -> Result<(), String>;
}

/// What a checkpoint belongs to; all of it must be the same to go on from one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belongs {
    /// Version of the program.
    pub neuro: String,
    /// Hash of all sources.
    pub source_sha256: String,
    /// The experiment.
    pub experiment: String,
    /// Overrides in order.
    pub overrides: Vec<(String, String)>,
    /// `--precision`.
    pub precision: Option<String>,
}

/// The second line of a file.
#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    /// What the file belongs to; a saved network belongs to nobody.
    #[serde(flatten)]
    belongs: Option<Belongs>,
    bytes: usize,
    sha256: String,
}

/// One level of the place among the statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which command of the block.
    pub command: usize,
    /// Which iteration of a loop, or which branch of a condition.
    pub turn: usize,
    /// How many names there were before the inner block.
    pub depth: usize,
    /// How often something had been shuffled when the command began, so that a loop finds its order again.
    pub shuffles: u32,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    path: Vec<Step>,
    end: f64,
    names: Vec<(String, SavedValue)>,
    networks: Vec<(String, SavedNetwork)>,
    recordings: Vec<SavedRecording>,
    schedule: Vec<(f64, Span)>,
    clock: f64,
    seed: u64,
    dt: f64,
    double: bool,
    streams: u32,
    shuffles: u32,
    expectations: Vec<Expectation>,
    measures: Vec<(String, Vec<Quantity>)>,
    figures: Vec<Figure>,
    saved: Vec<(String, Vec<u8>)>,
    simulated: f64,
    built_in: f64,
    ran_in: f64,
    size: (usize, usize),
    synapse_bytes: usize,
}

#[derive(Serialize, Deserialize)]
enum SavedValue {
    Data(Vec<(String, Examples)>),
    Examples(Examples, Vec<usize>),
    Quantity(Quantity),
    Bool(bool),
    Text(String),
    Range(f64, f64, Dim, Option<Unit>),
    Population(PopulationRef),
    Network(Vec<(String, SavedValue)>),
    Projection(usize, Vec<usize>),
    Recording(usize),
    Table(Vec<(String, Vec<String>)>),
}

#[derive(Serialize, Deserialize)]
struct SavedNetwork {
    populations: Vec<SavedPopulation>,
    projections: Vec<SavedProjection>,
    drives: Vec<Drive>,
    rates: Vec<Expr>,
    functions: Vec<(usize, VarId, Expr)>,
    simulation: Option<Snapshot>,
}

#[derive(Serialize, Deserialize)]
struct SavedPopulation {
    name: String,
    model: String,
    n: usize,
    shape: Vec<usize>,
    spacing: f64,
    params: BTreeMap<VarId, Column>,
    init: BTreeMap<VarId, Column>,
    segment_init: Vec<((VarId, usize), Column)>,
    ports: BTreeMap<VarId, Column>,
}

#[derive(Serialize, Deserialize)]
struct SavedProjection {
    name: String,
    pre: View,
    post: View,
    port: VarId,
    synapse: String,
    params: BTreeMap<VarId, f64>,
    init: BTreeMap<VarId, f64>,
    pairs: Pairs,
    weight: Column,
    delay: Delay,
    dendritic: Delay,
    lag: u32,
    modulators: BTreeMap<VarId, (View, VarId)>,
    delayed: BTreeMap<VarId, u32>,
    learning: bool,
    stored: bool,
}

#[derive(Serialize, Deserialize)]
struct SavedRecording {
    name: String,
    network: usize,
    population: usize,
    cells: (usize, usize),
    what: What,
    spool: SpoolState,
    span: (u64, u64),
    dt: f64,
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Reports a file from which nothing can go on.
fn refuse(why: impl Into<String>, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Code::E0813, why.into()).help(help.to_string()))
}

const ANEW: &str = "run it without `--resume` to begin anew";

/// A kind of file: what it is called, its first line, and what to do about a bad one.
struct Format {
    name: &'static str,
    magic: &'static str,
    help: &'static str,
}

const CHECKPOINT: Format = Format { name: "checkpoint", magic: "neuro checkpoint", help: ANEW };
const NETWORK: Format =
    Format { name: "saved network", magic: "neuro network", help: "load a file that `save` has written" };

impl Format {
    fn write(&self, belongs: Option<Belongs>, content: &impl Serialize) -> Result<Vec<u8>, String> {
        let payload = postcard::to_stdvec(content).map_err(|e| e.to_string())?;
        let header = Header { version: VERSION, belongs, bytes: payload.len(), sha256: sha256(&payload) };
        let header = serde_json::to_string(&header).map_err(|e| e.to_string())?;
        let mut file = format!("{}\n{header}\n", self.magic).into_bytes();
        file.extend_from_slice(&payload);
        Ok(file)
    }

    /// Takes a file apart: whom it belongs to, and what it holds.
    fn read<T: for<'a> Deserialize<'a>>(&self, file: &[u8]) -> Attempt<(Option<Belongs>, T)> {
        let refuse = |why: String| refuse(why, self.help);
        let damaged = || refuse(format!("this {} is damaged", self.name));
        let mut lines = file.splitn(3, |b| *b == b'\n');
        if lines.next() != Some(self.magic.as_bytes()) {
            return Err(refuse(format!("this is not a {}", self.name)));
        }
        let header = lines.next().ok_or_else(damaged)?;
        let json: serde_json::Value = serde_json::from_slice(header).map_err(|_| damaged())?;
        let version = json["version"].as_u64().unwrap_or_default();
        if version != u64::from(VERSION) {
            let why = format!("this {} has format {version}, this program reads {VERSION}", self.name);
            return Err(refuse(why));
        }
        let header: Header = serde_json::from_value(json).map_err(|_| damaged())?;
        let payload = lines.next().ok_or_else(damaged)?;
        if payload.len() != header.bytes {
            let why = format!("this {} is cut off: {} of {} bytes", self.name, payload.len(), header.bytes);
            return Err(refuse(why));
        }
        if sha256(payload) != header.sha256 {
            return Err(damaged());
        }
        Ok((header.belongs, postcard::from_bytes(payload).map_err(|_| damaged())?))
    }
}

impl Belongs {
    /// Says what is different from another one.
    fn differs(&self, other: &Belongs) -> Option<String> {
        let list = |b: &Belongs| {
            let all: Vec<String> = b.overrides.iter().map(|(p, v)| format!("--set {p}={v}")).collect();
            if all.is_empty() { "no --set".to_string() } else { all.join(" ") }
        };
        if self.neuro != other.neuro {
            Some(format!("it was made by neuro {}, this is {}", self.neuro, other.neuro))
        } else if self.experiment != other.experiment {
            Some(format!("it is of experiment `{}`", self.experiment))
        } else if self.overrides != other.overrides {
            Some(format!("it was made with {}, now there is {}", list(self), list(other)))
        } else if self.precision != other.precision {
            Some("it was made with another `--precision`".into())
        } else if self.source_sha256 != other.source_sha256 {
            Some("the model, or a file it imports, has changed since".into())
        } else {
            None
        }
    }
}

/// The names that parts of data sets may have.
const KNOWN_PARTS: &[&str] = &["train", "test"];

fn saved_value(v: &Value) -> SavedValue {
    match v {
        Value::Quantity(q) => SavedValue::Quantity(q.clone()),
        Value::Bool(b) => SavedValue::Bool(*b),
        Value::Text(t) => SavedValue::Text(t.to_string()),
        Value::Range(lo, hi, dim, unit) => SavedValue::Range(*lo, *hi, *dim, unit.clone()),
        Value::Population(p) => SavedValue::Population(*p),
        Value::Network(i) => SavedValue::Network(i.names.iter().map(|(n, v)| (n.clone(), saved_value(v))).collect()),
        Value::Projection(n, list) => SavedValue::Projection(*n, list.to_vec()),
        Value::Recording(k) => SavedValue::Recording(*k),
        Value::Data(parts) => SavedValue::Data(parts.iter().map(|(n, e)| (n.to_string(), (**e).clone())).collect()),
        Value::Examples(set, order) => SavedValue::Examples((**set).clone(), order.to_vec()),
        Value::Table(t) => SavedValue::Table(t.columns.iter().map(|(n, c)| (n.clone(), c.clone())).collect()),
    }
}

fn value(v: SavedValue) -> Value {
    match v {
        SavedValue::Quantity(q) => Value::Quantity(q),
        SavedValue::Bool(b) => Value::Bool(b),
        SavedValue::Text(t) => Value::Text(t.as_str().into()),
        SavedValue::Range(lo, hi, dim, unit) => Value::Range(lo, hi, dim, unit),
        SavedValue::Population(p) => Value::Population(p),
        SavedValue::Network(names) => {
            let names = names.into_iter().map(|(n, v)| (n, value(v))).collect();
            Value::Network(Rc::new(Instance { names }))
        }
        SavedValue::Projection(n, list) => Value::Projection(n, Rc::new(list)),
        SavedValue::Recording(k) => Value::Recording(k),
        SavedValue::Data(parts) => {
            let parts = parts
                .into_iter()
                .filter_map(|(n, e)| Some((KNOWN_PARTS.iter().find(|k| **k == n).copied()?, Rc::new(e))));
            Value::Data(Rc::new(parts.collect()))
        }
        SavedValue::Examples(set, order) => Value::Examples(Rc::new(set), Rc::new(order)),
        SavedValue::Table(columns) => Value::Table(Rc::new(Table { columns: columns.into_iter().collect() })),
    }
}

fn saved_network(live: &Live) -> SavedNetwork {
    let network = live.network();
    let population = |p: &Population| SavedPopulation {
        name: p.name.clone(),
        model: p.model.name.clone(),
        n: p.n,
        shape: p.shape.clone(),
        spacing: p.spacing,
        params: p.params.clone(),
        init: p.init.clone(),
        segment_init: p.segment_init.iter().map(|(k, c)| (*k, c.clone())).collect(),
        ports: p.ports.clone(),
    };
    let projection = |p: &Projection| SavedProjection {
        name: p.name.clone(),
        pre: p.pre,
        post: p.post,
        port: p.port,
        synapse: p.synapse.name.clone(),
        params: p.params.clone(),
        init: p.init.clone(),
        pairs: p.pairs.clone(),
        weight: p.weight.clone(),
        delay: p.delay.clone(),
        dendritic: p.dendritic.clone(),
        lag: p.lag,
        modulators: p.modulators.clone(),
        delayed: p.delayed.clone(),
        learning: p.learning,
        stored: p.stored,
    };
    SavedNetwork {
        populations: network.populations.iter().map(population).collect(),
        projections: network.projections.iter().map(projection).collect(),
        drives: network.drives.clone(),
        rates: live.rates.clone(),
        functions: live.functions.clone(),
        simulation: live.simulation.as_ref().and_then(Running::events).map(Simulation::snapshot),
    }
}

/// Finds models by name; the source is the same, so they are there.
fn network(saved: SavedNetwork, module: &Module) -> Option<(Live, Option<Snapshot>)> {
    let mut plan = Network { drives: saved.drives, ..Network::default() };
    for p in saved.populations {
        let model = module.neurons.get(&p.model)?.clone();
        plan.populations.push(Population {
            name: p.name,
            solved: Arc::new(discretize(&model)),
            model,
            n: p.n,
            shape: p.shape,
            spacing: p.spacing,
            params: p.params,
            init: p.init,
            segment_init: p.segment_init.into_iter().collect(),
            ports: p.ports,
        });
    }
    for p in saved.projections {
        let synapse = module.synapses.get(&p.synapse)?.clone();
        let model = |v: View| plan.populations.get(v.population).map(|p| p.model.clone());
        let (pre, post) = (model(p.pre)?, model(p.post)?);
        let use_ = SynapseUse { pre: &pre, post: &post, port: Some(p.port), span: synapse.name.span };
        let synapse = Arc::new(check_synapse(module, &synapse, &use_, &mut Diagnostics::default()));
        plan.projections.push(Projection {
            name: p.name,
            pre: p.pre,
            post: p.post,
            port: p.port,
            synapse,
            params: p.params,
            init: p.init,
            pairs: p.pairs,
            weight: p.weight,
            delay: p.delay,
            dendritic: p.dendritic,
            lag: p.lag,
            modulators: p.modulators,
            delayed: p.delayed,
            learning: p.learning,
            stored: p.stored,
            // Networks without events are not saved.
            transpose_of: None,
            energy: None,
        });
    }
    let live = Live { plan, rates: saved.rates, simulation: None, functions: saved.functions };
    Some((live, saved.simulation))
}

/// Finds the commands of an `at` by its place in the source.
fn scheduled(body: &[Command], span: Span) -> Option<&[Command]> {
    body.iter().find_map(|c| match &c.kind {
        CommandKind::At(_, inner) if c.span == span => Some(&inner[..]),
        kind => kind.blocks().into_iter().find_map(|body| scheduled(body, span)),
    })
}

impl Run<'_> {
    /// Keeps a checkpoint at the present step boundary, within a `run` that ends at `end`.
    pub(super) fn checkpoint(&mut self, keeper: &dyn Keeper, belongs: &Belongs, end: f64) -> Attempt<()> {
        let cannot =
            |why: String| Box::new(Diagnostic::new(Code::E0809, format!("a checkpoint cannot be kept: {why}")));
        let mut recordings = Vec::new();
        for r in &mut self.recordings {
            recordings.push(SavedRecording {
                name: r.name.clone(),
                network: r.network,
                population: r.population,
                cells: r.cells,
                what: r.what.clone(),
                spool: r.spool.state().map_err(cannot)?,
                span: r.span,
                dt: r.dt,
            });
        }
        let saved = Saved {
            path: self.path.clone(),
            end,
            names: self.names.iter().map(|(n, v)| (n.clone(), saved_value(v))).collect(),
            networks: self.live_names.iter().cloned().zip(self.live.iter().map(saved_network)).collect(),
            recordings,
            schedule: self.schedule.iter().map(|s| (s.time, s.span)).collect(),
            clock: self.clock,
            seed: self.seed,
            dt: self.dt,
            double: self.precision == Precision::F64,
            streams: self.streams,
            shuffles: self.shuffles.get(),
            expectations: self.out.expectations.clone(),
            measures: self.out.measures.iter().map(|(n, q)| (n.clone(), q.clone())).collect(),
            figures: self.out.figures.clone(),
            saved: self.out.saved.iter().map(|(n, b)| (n.clone(), b.clone())).collect(),
            simulated: self.out.simulated,
            built_in: self.out.built_in,
            ran_in: self.out.ran_in,
            size: self.out.size,
            synapse_bytes: self.out.synapse_bytes,
        };
        let file = CHECKPOINT.write(Some(belongs.clone()), &saved).map_err(cannot)?;
        keeper.keep(&file).map_err(cannot)
    }

    /// Becomes what a checkpoint says; the next commands go on from there.
    pub(super) fn resume(&mut self, file: &[u8], belongs: &Belongs, experiment: &ast::Experiment) -> Attempt<()> {
        let (of, saved): (_, Saved) = CHECKPOINT.read(file)?;
        if let Some(difference) = of.and_then(|of| of.differs(belongs)) {
            let why = format!("this checkpoint cannot be resumed: {difference}");
            return Err(refuse(why, "restore what it belongs to, or run without `--resume` to begin anew"));
        }
        (self.clock, self.seed, self.dt, self.streams) = (saved.clock, saved.seed, saved.dt, saved.streams);
        self.shuffles.set(saved.shuffles);
        self.precision = if saved.double { Precision::F64 } else { Precision::F32 };
        for (name, network_) in saved.networks {
            let Some((live, snapshot)) = network(network_, self.runner.module) else {
                return Err(refuse("this checkpoint names models that are not there", ANEW));
            };
            self.live_names.push(name);
            self.live.push(live);
            let Some(snapshot) = snapshot else { continue };
            let index = self.live.len() - 1;
            self.start(index);
            let restored = self.live[index]
                .simulation
                .as_mut()
                .and_then(Running::events_mut)
                .is_some_and(|s| s.restore(&snapshot));
            if !restored {
                return Err(refuse("this checkpoint does not fit the network", ANEW));
            }
        }
        let folder = self.runner.settings.results.as_deref();
        for r in saved.recordings {
            let mut new = Recording::new(r.name, r.network, r.population, r.cells, r.what, r.span.0, r.dt, folder);
            new.span = r.span;
            new.spool
                .restore(r.spool)
                .map_err(|why| refuse(format!("a recording is not there any more: {why}"), ANEW))?;
            self.recordings.push(new);
        }
        for (time, span) in saved.schedule {
            let Some(body) = scheduled(&experiment.body, span) else {
                return Err(refuse("this checkpoint names statements that are not there", ANEW));
            };
            self.schedule.push(Scheduled { time, span, body: body.to_vec() });
        }
        self.names = saved.names.into_iter().map(|(n, v)| (n, value(v))).collect();
        self.out.expectations = saved.expectations;
        self.out.measures = saved.measures.into_iter().collect();
        self.out.figures = saved.figures;
        self.out.saved = saved.saved.into_iter().collect();
        (self.out.simulated, self.out.built_in, self.out.ran_in) = (saved.simulated, saved.built_in, saved.ran_in);
        (self.out.size, self.out.synapse_bytes) = (saved.size, saved.synapse_bytes);
        self.resuming = saved.path.into();
        self.resumed_end = Some(saved.end);
        Ok(())
    }

    /// Saves a network with everything that it remembers.
    pub(super) fn save(&mut self, net: &ast::Expr, path: &str) -> Attempt<()> {
        let index = self.scope().network_of(net)?;
        if let Some(format) = Archive::of(path) {
            return self.save_arrays(index, path, format, net.span);
        }
        self.refuse_without_events(index, net)?;
        self.start(index);
        let bytes = NETWORK.write(None, &saved_network(&self.live[index]));
        let bytes = bytes.map_err(|why| Box::new(Diagnostic::new(Code::E0809, format!("cannot save: {why}"))))?;
        self.out.saved.insert(path.to_string(), bytes);
        Ok(())
    }

    /// Lets a network become one that was saved, with its clock and everything that it remembers; it must be built alike.
    pub(super) fn load(&mut self, net: &ast::Expr, path: &str, span: Span) -> Attempt<()> {
        let index = self.scope().network_of(net)?;
        let bytes = match self.out.saved.get(path) {
            Some(bytes) => bytes.clone(),
            None => self
                .runner
                .files
                .read(path)
                .map_err(|why| Box::new(Diagnostic::at(Code::E0802, span, format!("cannot read `{path}`"), why)))?,
        };
        if Archive::of(path).is_some() {
            return self.load_arrays(index, path, &bytes, span);
        }
        self.refuse_without_events(index, net)?;
        let here = |mut d: Box<Diagnostic>| {
            *d = (*d).label(span, "this file");
            d
        };
        let (_, saved): (_, SavedNetwork) = NETWORK.read(&bytes).map_err(here)?;
        let differs = |what: String| here(refuse(format!("`{path}` does not fit the network: {what}"), NETWORK.help));
        let now = self.live[index].network();
        if saved.populations.len() != now.populations.len() || saved.projections.len() != now.projections.len() {
            return Err(differs("it has other populations or projections".into()));
        }
        for (a, b) in saved.populations.iter().zip(&now.populations) {
            if (&a.name, &a.model, a.n) != (&b.name, &b.model.name, b.n) {
                let found = format!("{}: {}[{}]", a.name, a.model, a.n);
                return Err(differs(format!("expected {}: {}[{}], found {found}", b.name, b.model.name, b.n)));
            }
        }
        for (a, b) in saved.projections.iter().zip(&now.projections) {
            if (a.pre, a.post, a.port, &a.synapse) != (b.pre, b.post, b.port, &b.synapse.name) {
                return Err(differs(format!("projection {} is another one", b.name)));
            }
        }
        let Some((live, snapshot)) = network(saved, self.runner.module) else {
            return Err(differs("a model is not there".into()));
        };
        self.live[index] = live;
        self.start(index);
        let restored = |s: &mut Simulation| snapshot.is_none_or(|snapshot| s.restore(&snapshot));
        if !self.live[index].simulation.as_mut().and_then(Running::events_mut).is_some_and(restored) {
            return Err(differs("its states are of another kind".into()));
        }
        // Earlier recordings keep their data but see no more of it: the network's clock is another one.
        self.recordings.iter_mut().filter(|r| r.network == index).for_each(|r| r.network = usize::MAX);
        Ok(())
    }

    /// Gives a simulation that has just been made the functions of time that its ports follow.
    pub(super) fn follow(functions: &[(usize, VarId, Expr)], s: &mut Running) {
        for (population, port, e) in functions {
            s.set_port_function(*population, *port, at_time(e));
        }
    }
}
