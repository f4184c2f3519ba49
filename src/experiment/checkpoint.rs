//! Checkpoints: everything that an experiment is in the middle of, as bytes, and how to go on from them.
//!
//! A checkpoint is taken within a `run`, at a step boundary. It holds the frames of the interpreter, the values of names, what has
//! been measured, the plans of the networks as data, and what the simulations remember. Models are not part of it: they are found by
//! name in the same source, whose hash the header carries.

mod format;
mod parts;

use self::format::{ANEW, CHECKPOINT, IN_PARTS, NETWORK, refuse};
use self::parts::Parts;
use super::live::{Live, PortFunction};
use super::outcome::Expectation;
use super::record::{GONE, Recording, Sampled, SpoolState, Subject, What};
use super::run::{Checkpoints, Frame, FrameKind, Run, Scheduled};
use super::store::{CheckpointStore, RunIdentity};
use crate::data::{Archive, Examples, Table};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::evaluate::{Attempt, LaneProgram, Turns};
use crate::figure::Figure;
use crate::hir::typed::{Expr, LocalId};
use crate::hir::{Module, SynapseUse, VarId, VarKind, check_synapse};
use crate::ir::Precision;
use crate::plan::{Batch, Column, Delay, Drive, DriveKind, Given, Network, Pairs, Population, Projection, no_port};
use crate::runtime::{Running, Snapshot};
use crate::solve::discretize;
use crate::source::Span;
use crate::units::{Dim, Unit};
use crate::value::{Cells, EnvironmentState, Instance, PopulationRef, Quantity, Value, View};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
struct Saved {
    frames: Vec<SavedFrame>,
    locals: Vec<Option<SavedValue>>,
    /// Data sets that values name, each once.
    sets: Vec<Examples>,
    networks: Vec<SavedNetwork>,
    recordings: Vec<SavedRecording>,
    schedule: Vec<SavedEvent>,
    clock: f64,
    step: u64,
    seed: u64,
    dt: f64,
    double: bool,
    streams: u32,
    shuffles: u32,
    networks_made: u32,
    expectations: Vec<Expectation>,
    measures: Vec<(String, Vec<Quantity>)>,
    log: Vec<String>,
    figures: Vec<Figure>,
    saved: Vec<(String, Vec<u8>)>,
    simulated: f64,
    passed: f64,
    total: Option<f64>,
    built_in: f64,
    ran_in: f64,
    took: f64,
    size: (usize, usize),
    synapse_bytes: usize,
}

#[derive(Serialize, Deserialize)]
struct SavedFrame {
    block: usize,
    next: usize,
    kind: SavedKind,
    until: Option<f64>,
}

#[derive(Serialize, Deserialize)]
enum SavedKind {
    Once,
    Loop { variables: Vec<LocalId>, of: Vec<Turns>, turn: usize, sweep: bool },
    Examples { variables: Vec<LocalId>, over: SavedValue, batch: Option<usize>, turn: usize },
    Repeat { most: usize, turn: usize },
    Gather { over: SavedValue, batch: Option<usize>, turn: usize, gathered: Vec<Option<Quantity>> },
    Window(String),
    At(Vec<(LocalId, Option<SavedValue>)>),
}

#[derive(Serialize, Deserialize)]
struct SavedEvent {
    time: f64,
    block: usize,
    captured: Vec<(LocalId, SavedValue)>,
}

#[derive(Serialize, Deserialize)]
enum SavedValue {
    /// Parts of a data set: their names, and which sets they are.
    Data(Vec<(String, usize)>),
    /// Which set, and the order of its examples.
    Examples(usize, Vec<usize>),
    Quantity(Quantity),
    Bool(bool),
    Text(String),
    Range(f64, f64, Dim, Option<Unit>),
    Population(PopulationRef),
    Network(usize, Vec<(String, SavedValue)>),
    /// Which world, and the values of its names.
    Environment(usize, Vec<Option<SavedValue>>),
    Projection(usize, Vec<usize>),
    Recording(usize),
    Table(Table),
}

#[derive(Serialize, Deserialize)]
struct SavedNetwork {
    name: String,
    seed: u64,
    dt: f64,
    populations: Vec<SavedPopulation>,
    projections: Vec<SavedProjection>,
    drives: Vec<Drive>,
    rates: Vec<LaneProgram>,
    functions: Vec<PortFunction>,
    batch: Option<Batch>,
    simulation: Option<Snapshot>,
}

#[derive(Serialize, Deserialize)]
struct SavedPopulation {
    name: String,
    model: String,
    n: usize,
    shape: Vec<usize>,
    spacing: f64,
    names: Option<Vec<String>>,
    params: BTreeMap<VarId, Column>,
    init: BTreeMap<VarId, Column>,
    along: Vec<((VarId, usize), Column)>,
    ports: BTreeMap<VarId, Column>,
    given: BTreeMap<VarId, Given>,
}

#[derive(Serialize, Deserialize)]
struct SavedProjection {
    name: String,
    pre: View,
    post: View,
    chosen: [Option<Cells>; 2],
    /// On which segment of a cable each synapse sits.
    segments: Option<Column>,
    port: VarId,
    synapse: String,
    params: BTreeMap<VarId, f64>,
    init: BTreeMap<VarId, f64>,
    given: BTreeSet<VarId>,
    values: BTreeMap<VarId, Column>,
    scattered: BTreeSet<VarId>,
    pairs: Pairs,
    weight: Column,
    delay: Delay,
    dendritic: Delay,
    lag: u32,
    modulators: BTreeMap<VarId, (View, VarId)>,
    delayed: BTreeMap<VarId, u32>,
    learning: bool,
    stored: bool,
    transpose_of: Option<usize>,
    has_energy: bool,
}

#[derive(Serialize, Deserialize)]
struct SavedRecording {
    name: String,
    of: Subject,
    network: usize,
    cells: Cells,
    what: What,
    spool: SpoolState,
    span: (u64, u64),
    dt: f64,
    window: Option<(f64, f64)>,
    asked: Span,
    closed: bool,
}

/// The names that parts of data sets may have.
const KNOWN_PARTS: &[&str] = &["train", "test"];

/// Data sets that are kept once, however many values name them.
#[derive(Default)]
struct Sets(Vec<Examples>);

impl Sets {
    fn place(&mut self, of: &Examples) -> usize {
        match self.0.iter().position(|e| e.id == of.id && e.name == of.name) {
            Some(at) => at,
            None => {
                self.0.push(of.clone());
                self.0.len() - 1
            }
        }
    }

    fn value(&mut self, v: &Value) -> SavedValue {
        match v {
            Value::Quantity(q) => SavedValue::Quantity(q.clone()),
            Value::Bool(b) => SavedValue::Bool(*b),
            Value::Text(t) => SavedValue::Text(t.to_string()),
            Value::Range(lo, hi, dim, unit) => SavedValue::Range(*lo, *hi, *dim, unit.clone()),
            Value::Population(p) => SavedValue::Population(p.clone()),
            Value::Network(i) => {
                SavedValue::Network(i.network, i.names.iter().map(|(n, v)| (n.clone(), self.value(v))).collect())
            }
            Value::Environment(world) => {
                let values = world.locals.iter().map(|v| v.as_ref().map(|v| self.value(v)));
                SavedValue::Environment(world.model, values.collect())
            }
            Value::Projection(n, list) => SavedValue::Projection(*n, list.to_vec()),
            Value::Recording(k) => SavedValue::Recording(*k),
            Value::Data(parts) => SavedValue::Data(parts.iter().map(|(n, e)| (n.to_string(), self.place(e))).collect()),
            Value::Examples(set, order) => SavedValue::Examples(self.place(set), order.to_vec()),
            Value::Table(t) => SavedValue::Table((**t).clone()),
            Value::Texts(_) => crate::ice!("a name for the texts of a column"),
        }
    }

    fn kind(&mut self, kind: &FrameKind) -> SavedKind {
        match kind {
            FrameKind::Once => SavedKind::Once,
            FrameKind::Loop { variables, of, turn, sweep } => {
                SavedKind::Loop { variables: variables.clone(), of: of.clone(), turn: *turn, sweep: *sweep }
            }
            FrameKind::Examples { variables, over, batch, turn } => {
                let over = SavedValue::Examples(self.place(&over.0), over.1.to_vec());
                SavedKind::Examples { variables: variables.clone(), over, batch: *batch, turn: *turn }
            }
            FrameKind::Repeat { most, turn } => SavedKind::Repeat { most: *most, turn: *turn },
            FrameKind::Gather { over, batch, turn, gathered } => {
                let over = SavedValue::Examples(self.place(&over.0), over.1.to_vec());
                SavedKind::Gather { over, batch: *batch, turn: *turn, gathered: gathered.clone() }
            }
            FrameKind::Window(name) => SavedKind::Window(name.clone()),
            FrameKind::At(before) => {
                SavedKind::At(before.iter().map(|(id, v)| (*id, v.as_ref().map(|v| self.value(v)))).collect())
            }
        }
    }
}

/// Finds what a file names; none if it names something that is not there.
struct Found {
    sets: Vec<Arc<Examples>>,
    /// Of each network, the sizes of its populations and the number of its projections.
    networks: Vec<(Vec<usize>, usize)>,
    recordings: usize,
    /// Of each world that is declared, the number of its names.
    environments: Vec<usize>,
}

impl Found {
    fn population(&self, p: &PopulationRef) -> bool {
        let n = self.networks.get(p.network).and_then(|(sizes, _)| sizes.get(p.cells.population));
        n.is_some_and(|n| p.cells.are_among(*n))
    }

    fn examples(&self, k: usize, order: &[usize]) -> Option<Arc<Examples>> {
        let set = self.sets.get(k)?;
        (set.is_sound() && order.iter().all(|at| *at < set.n)).then(|| set.clone())
    }

    fn value(&self, v: SavedValue) -> Option<Value> {
        Some(match v {
            SavedValue::Quantity(q) => Value::Quantity(q),
            SavedValue::Bool(b) => Value::Bool(b),
            SavedValue::Text(t) => Value::Text(t.as_str().into()),
            SavedValue::Range(lo, hi, dim, unit) => Value::Range(lo, hi, dim, unit),
            SavedValue::Population(p) if self.population(&p) => Value::Population(p),
            SavedValue::Network(network, names) if network < self.networks.len() => {
                let names = names.into_iter().map(|(n, v)| Some((n, self.value(v)?))).collect::<Option<_>>()?;
                Value::Network(Arc::new(Instance { network, names }))
            }
            SavedValue::Projection(n, list) if list.iter().all(|k| *k < self.networks.get(n).map_or(0, |of| of.1)) => {
                Value::Projection(n, Arc::new(list))
            }
            SavedValue::Recording(k) if k < self.recordings => Value::Recording(k),
            SavedValue::Environment(model, values) if self.environments.get(model) == Some(&values.len()) => {
                let value = |v: Option<SavedValue>| match v {
                    Some(v) => Some(Some(self.value(v)?)),
                    None => Some(None),
                };
                let locals = values.into_iter().map(value).collect::<Option<_>>()?;
                Value::Environment(Arc::new(EnvironmentState { model, locals }))
            }
            SavedValue::Population(_)
            | SavedValue::Network(..)
            | SavedValue::Environment(..)
            | SavedValue::Projection(..)
            | SavedValue::Recording(_) => {
                return None;
            }
            SavedValue::Data(parts) => {
                let part = |(n, k): (String, usize)| {
                    let name = KNOWN_PARTS.iter().find(|known| **known == n).copied()?;
                    Some((name, self.examples(k, &[])?))
                };
                Value::Data(Arc::new(parts.into_iter().map(part).collect::<Option<_>>()?))
            }
            SavedValue::Examples(k, order) => Value::Examples(self.examples(k, &order)?, Arc::new(order)),
            SavedValue::Table(table) => Value::Table(Arc::new(Some(table).filter(Table::is_sound)?)),
        })
    }

    fn chosen(&self, v: SavedValue) -> Option<super::run::Chosen> {
        match self.value(v)? {
            Value::Examples(set, order) => Some((set, order)),
            _ => None,
        }
    }

    fn kind(&self, kind: SavedKind) -> Option<FrameKind> {
        Some(match kind {
            SavedKind::Once => FrameKind::Once,
            SavedKind::Loop { variables, of, turn, sweep } => FrameKind::Loop { variables, of, turn, sweep },
            SavedKind::Examples { variables, over, batch, turn } => {
                FrameKind::Examples { variables, over: self.chosen(over)?, batch, turn }
            }
            SavedKind::Repeat { most, turn } => FrameKind::Repeat { most, turn },
            SavedKind::Gather { over, batch, turn, gathered } => {
                FrameKind::Gather { over: self.chosen(over)?, batch, turn, gathered }
            }
            SavedKind::Window(name) => FrameKind::Window(name),
            SavedKind::At(before) => {
                let value = |(id, v): (LocalId, Option<SavedValue>)| match v {
                    Some(v) => Some((id, Some(self.value(v)?))),
                    None => Some((id, None)),
                };
                FrameKind::At(before.into_iter().map(value).collect::<Option<_>>()?)
            }
        })
    }
}

fn saved_network(live: &Live, module: &Module, snapshot: fn(&Running) -> Snapshot) -> SavedNetwork {
    let network = live.network();
    // What the runtime has made states of (windows, the last steps) is made anew.
    let own = |p: &Population, v: &VarId| {
        let var = module.neurons.get(&p.model.name).and_then(|m| m.vars.get(*v));
        var.is_some_and(|var| matches!(var.kind, VarKind::State(_)))
    };
    let population = |p: &Population| SavedPopulation {
        name: p.name.clone(),
        model: p.model.name.clone(),
        n: p.n,
        shape: p.shape.clone(),
        spacing: p.spacing,
        names: p.names.as_ref().map(|names| names.iter().cloned().collect()),
        params: p.params.clone(),
        init: p.init.iter().filter(|(v, _)| own(p, v)).map(|(v, c)| (*v, c.clone())).collect(),
        along: p.along.iter().map(|(k, c)| (*k, c.clone())).collect(),
        ports: p.ports.clone(),
        given: p.given.clone(),
    };
    let projection = |p: &Projection| SavedProjection {
        name: p.name.clone(),
        pre: p.pre,
        post: p.post,
        chosen: p.chosen.clone(),
        segments: p.site.as_ref().map(|site| site.segment.clone()),
        port: p.port,
        synapse: p.synapse.name.clone(),
        params: p.params.clone(),
        init: p.init.clone(),
        given: p.given.clone(),
        values: p.values.clone(),
        scattered: p.synapse.scattered.clone(),
        pairs: match p.transpose_of {
            Some(of) => Pairs::Transposed(Box::new(network.projections[of].pairs.clone())),
            None => p.pairs.clone(),
        },
        weight: p.weight.clone(),
        delay: p.delay.clone(),
        dendritic: p.dendritic.clone(),
        lag: p.lag,
        modulators: p.modulators.clone(),
        delayed: p.delayed.clone(),
        learning: p.learning,
        stored: p.stored,
        transpose_of: p.transpose_of,
        has_energy: p.energy.is_some(),
    };
    SavedNetwork {
        name: live.name.clone(),
        seed: live.seed,
        dt: live.dt,
        populations: network.populations.iter().map(population).collect(),
        projections: network.projections.iter().map(projection).collect(),
        drives: network.drives.clone(),
        rates: live.rates.clone(),
        functions: live.functions.clone(),
        batch: network.batch,
        simulation: live.simulation.as_ref().map(snapshot),
    }
}

/// Makes a network of what was saved of it; models are found by name. The error says what cannot be.
fn network(saved: SavedNetwork, module: &Module) -> Result<(Live, Option<Snapshot>), String> {
    let mut plan = Network { drives: saved.drives, batch: saved.batch, ..Network::default() };
    for p in saved.populations {
        let model = module.neurons.get(&p.model).ok_or_else(|| format!("a neuron `{}` is not there", p.model))?.clone();
        let population = Population {
            name: p.name,
            solved: Arc::new(discretize(&model)),
            model,
            n: p.n,
            shape: p.shape,
            spacing: p.spacing,
            names: p.names.map(|names| Arc::new(names.into_iter().collect())),
            params: p.params,
            init: p.init,
            along: p.along.into_iter().collect(),
            settled: false,
            followed: std::collections::BTreeSet::new(),
            ports: p.ports,
            given: p.given,
        };
        population.sound()?;
        plan.populations.push(population);
    }
    for (k, p) in saved.projections.into_iter().enumerate() {
        if let Some(back) = plan.projections.get_mut(k) {
            // Made with the energy of the one before it.
            (back.params, back.weight, back.learning) = (p.params, p.weight, p.learning);
            continue;
        }
        // The ports of forces are made anew.
        let port = (!p.has_energy && p.port != no_port()).then_some(p.port);
        plan.ends_sound(&p.name, (p.pre, p.post), port, &p.pairs)?;
        for (chosen, view) in p.chosen.iter().zip([p.pre, p.post]) {
            let Some(chosen) = chosen else { continue };
            plan.cells_sound(chosen, &p.name)?;
            if chosen.cover() != view {
                return Err(format!("{}: cells that are not there", p.name));
            }
        }
        let unknown = || format!("a synapse `{}` is not there", p.synapse);
        let synapse = module.synapses.get(&p.synapse).ok_or_else(unknown)?.clone();
        let model = |v: View| plan.populations[v.population].model.clone();
        let (pre, post) = (model(p.pre), model(p.post));
        let use_ = SynapseUse { pre: &pre, post: &post, port, span: synapse.name.span };
        let mut found = Diagnostics::default();
        let mut synapse = check_synapse(module, &synapse, &use_, &mut found);
        if found.counts().0 > 0 || p.scattered.iter().any(|id| synapse.vars.get(*id).is_none()) {
            return Err(format!("{}: its synapses do not fit its cells", p.name));
        }
        p.scattered.into_iter().for_each(|id| synapse.scatter(id));
        let synapse = Arc::new(synapse);
        let energy = synapse.energy.clone().filter(|_| p.has_energy);
        if energy.is_some() != p.has_energy {
            return Err(format!("{}: its synapses have no energy", p.name));
        }
        let site = plan.populations[p.post.population].site(p.port, p.segments, p.pairs.len());
        let projection = Projection {
            site: site.map_err(|e| format!("{}: {e}", p.name))?,
            name: p.name,
            pre: p.pre,
            post: p.post,
            chosen: p.chosen,
            port: p.port,
            synapse,
            params: p.params,
            init: p.init,
            given: p.given,
            values: p.values,
            pairs: p.pairs,
            weight: p.weight,
            delay: p.delay,
            dendritic: p.dendritic,
            lag: p.lag,
            modulators: p.modulators,
            delayed: p.delayed,
            learning: p.learning,
            stored: p.stored,
            transpose_of: p.transpose_of,
            energy: None,
        };
        match energy {
            Some((energy, span)) => plan.energetic(projection, energy, span).map_err(|d| d.message.clone())?,
            None => plan.projections.push(projection),
        }
    }
    plan.sound(saved.rates.len())?;
    functions_sound(&plan, &saved.rates, &saved.functions)?;
    if !(saved.dt > 0.0 && saved.dt.is_finite()) {
        return Err(format!("a time step of {}", saved.dt));
    }
    let (name, seed, rates) = (saved.name, saved.seed, saved.rates);
    let live = Live { name, seed, dt: saved.dt, plan, rates, simulation: None, functions: saved.functions };
    Ok((live, saved.simulation))
}

/// Checks functions of time: they are for as many cells as follow them.
fn functions_sound(plan: &Network, rates: &[LaneProgram], functions: &[PortFunction]) -> Result<(), String> {
    for d in &plan.drives {
        if let DriveKind::RandomOf(_, k) = d.kind
            && !rates[k].is_sound(d.post.n)
        {
            return Err("a rate that cannot be computed".into());
        }
    }
    for f in functions {
        plan.cells_sound(&f.cells, "a function of time")?;
        let port = plan.populations[f.cells.population].model.vars.get(f.port);
        let follows = port.is_some_and(|v| matches!(v.kind, VarKind::AnalogPort(_)));
        if !follows || !f.of.is_sound(f.cells.len()) {
            return Err("an input that cannot be computed".into());
        }
    }
    Ok(())
}

impl Run<'_> {
    /// Keeps a checkpoint at the present step boundary, within a `run`.
    pub(super) fn checkpoint(&mut self, keeper: &dyn CheckpointStore, belongs: &RunIdentity) -> Attempt<()> {
        self.live.iter_mut().filter_map(|live| live.simulation.as_mut()).for_each(Running::put_into_effect);
        let kept = match self.runner.settings.ranks.are_several() {
            true => self.keep_in_parts(keeper, belongs),
            false => self.spools().and_then(|spools| {
                let saved = self.saved(spools, Running::snapshot);
                keeper.keep(&CHECKPOINT.write(Some(belongs.clone()), &saved)?, &[])
            }),
        };
        kept.map_err(|why| Box::new(Diagnostic::new(Code::E0809, format!("a checkpoint cannot be kept: {why}"))))
    }

    /// Writes out what was recorded; returns where it is.
    fn spools(&mut self) -> Result<Vec<SpoolState>, String> {
        self.recordings.iter_mut().map(|r| r.spool.state()).collect()
    }

    /// Returns everything that the run is in the middle of.
    fn saved(&self, spools: Vec<SpoolState>, snapshot: fn(&Running) -> Snapshot) -> Saved {
        let recording = |(r, spool): (&Recording, SpoolState)| SavedRecording {
            name: r.name.clone(),
            of: r.of.clone(),
            network: r.network,
            cells: r.cells.clone(),
            what: r.what.clone(),
            spool,
            span: r.span,
            dt: r.dt,
            window: r.window,
            asked: r.asked,
            closed: r.closed,
        };
        let mut sets = Sets::default();
        let frame = |f: &Frame, sets: &mut Sets| SavedFrame {
            block: f.block,
            next: f.next,
            kind: sets.kind(&f.kind),
            until: f.until,
        };
        let event = |s: &Scheduled, sets: &mut Sets| {
            let captured = s.captured.iter().map(|(id, v)| (*id, sets.value(v))).collect();
            SavedEvent { time: s.time, block: s.block, captured }
        };
        Saved {
            frames: self.frames.iter().map(|f| frame(f, &mut sets)).collect(),
            locals: self.locals.iter().map(|v| v.as_ref().map(|v| sets.value(v))).collect(),
            networks: self.live.iter().map(|live| saved_network(live, self.runner.module, snapshot)).collect(),
            recordings: self.recordings.iter().zip(spools).map(recording).collect(),
            schedule: self.schedule.iter().map(|s| event(s, &mut sets)).collect(),
            sets: sets.0,
            clock: self.clock,
            step: self.step,
            seed: self.seed,
            dt: self.dt,
            double: self.precision == Precision::F64,
            streams: self.streams,
            shuffles: self.shuffles.get(),
            networks_made: self.networks_made,
            log: self.out.log.clone(),
            expectations: self.out.expectations.clone(),
            measures: self.out.measures.iter().map(|(n, q)| (n.clone(), q.clone())).collect(),
            figures: self.out.figures.clone(),
            saved: self.out.saved.iter().map(|(n, b)| (n.clone(), b.clone())).collect(),
            simulated: self.out.simulated,
            passed: self.passed,
            total: self.total,
            built_in: self.out.built_in,
            ran_in: self.out.ran_in,
            took: self.took(),
            size: self.out.size,
            synapse_bytes: self.out.synapse_bytes,
        }
    }

    /// Becomes what a checkpoint says; the next commands go on from there.
    pub(super) fn resume(&mut self, file: &[u8], Checkpoints { keeper, belongs, .. }: &Checkpoints) -> Attempt<()> {
        let (of, (parts, saved)): (_, (Option<Parts>, Saved)) = match IN_PARTS.is_of(file) {
            true => IN_PARTS.read(file).map(|(of, (parts, saved))| (of, (Some(parts), saved)))?,
            false => CHECKPOINT.read(file).map(|(of, saved)| (of, (None, saved)))?,
        };
        let Some(of) = of else { return Err(refuse("this checkpoint does not say what it belongs to", ANEW)) };
        if let Some(difference) = of.differs(belongs) {
            let why = format!("this checkpoint cannot be resumed: {difference}");
            return Err(refuse(why, "restore what it belongs to, or run without `--resume` to begin anew"));
        }
        (self.clock, self.step, self.seed, self.dt) = (saved.clock, saved.step, saved.seed, saved.dt);
        (self.streams, self.networks_made) = (saved.streams, saved.networks_made);
        self.shuffles.set(saved.shuffles);
        self.precision = if saved.double { Precision::F64 } else { Precision::F32 };
        for network_ in saved.networks {
            let (live, snapshot) = network(network_, self.runner.module)
                .map_err(|why| refuse(format!("this checkpoint is damaged: {why}"), ANEW))?;
            self.live.push(live);
            let Some(snapshot) = snapshot else { continue };
            let index = self.live.len() - 1;
            self.start(index)?;
            let restore = if parts.is_some() { Running::restore_known } else { Running::restore };
            if !self.live[index].simulation.as_mut().is_some_and(|s| restore(s, &snapshot)) {
                return Err(refuse("this checkpoint does not fit the network", ANEW));
            }
        }
        if let Some(parts) = parts {
            self.resume_parts(parts, *keeper)?;
        }
        let folder = self.runner.settings.results.as_deref();
        let ranks = &self.runner.settings.ranks;
        for r in saved.recordings {
            let plan = self.live.get(r.network).map(Live::network);
            let of_cells = !matches!(r.what, What::Samples { of: Sampled::Synapses(_), .. });
            // The network of one that is closed has become another, or is gone.
            let there = r.closed || r.network == GONE || plan.is_some_and(|plan| !of_cells || plan.has_cells(&r.cells));
            if !there {
                return Err(refuse("this checkpoint records cells that are not there", ANEW));
            }
            let mut new = Recording::new(r.name, r.of, r.network, r.cells, r.what, r.span.0, r.dt, folder);
            (new.span, new.window, new.asked, new.closed) = (r.span, r.window, r.asked, r.closed);
            new.spool
                .restore(r.spool, ranks)
                .map_err(|why| refuse(format!("a recording is not there any more: {why}"), ANEW))?;
            self.recordings.push(new);
        }
        let sizes = |l: &Live| {
            let network = l.network();
            (network.populations.iter().map(|p| p.n).collect(), network.projections.len())
        };
        let found = Found {
            sets: saved.sets.into_iter().map(Arc::new).collect(),
            networks: self.live.iter().map(sizes).collect(),
            recordings: self.recordings.len(),
            environments: self.runner.module.environments.values().map(|e| e.locals.len()).collect(),
        };
        let missing = || refuse("this checkpoint names values that are not there", ANEW);
        for v in saved.locals.into_iter().enumerate() {
            let (place, Some(v)) = v else { continue };
            let slot = self.locals.get_mut(place).ok_or_else(missing)?;
            *slot = Some(found.value(v).ok_or_else(missing)?);
        }
        for f in saved.frames {
            let known = self.experiment.blocks.get(f.block).is_some_and(|b| f.next <= b.len());
            let kind = found.kind(f.kind).filter(|_| known).ok_or_else(missing)?;
            self.frames.push(Frame { block: f.block, next: f.next, kind, until: f.until });
        }
        for s in saved.schedule {
            let captured = s.captured.into_iter().map(|(id, v)| Some((id, found.value(v)?))).collect::<Option<_>>();
            self.schedule.push(Scheduled { time: s.time, block: s.block, captured: captured.ok_or_else(missing)? });
        }
        self.out.log = saved.log;
        self.out.expectations = saved.expectations;
        self.out.measures = saved.measures.into_iter().collect();
        self.out.figures = saved.figures;
        self.out.saved = saved.saved.into_iter().collect();
        (self.passed, self.total) = (saved.passed, saved.total);
        (self.out.simulated, self.out.built_in, self.out.ran_in) = (saved.simulated, saved.built_in, saved.ran_in);
        (self.out.size, self.out.synapse_bytes, self.out.took) = (saved.size, saved.synapse_bytes, saved.took);
        self.show_again()
    }

    /// Saves a network with everything that it remembers.
    pub(super) fn save(&mut self, net: &Expr, path: &str) -> Attempt<()> {
        let index = self.network_of(net)?;
        if let Some(format) = Archive::of(path) {
            return self.save_arrays(index, path, format, net.span);
        }
        self.start(index)?;
        self.live[index].simulation.iter_mut().for_each(Running::put_into_effect);
        let bytes = NETWORK.write(None, &saved_network(&self.live[index], self.runner.module, Running::snapshot));
        let bytes = bytes.map_err(|why| Box::new(Diagnostic::new(Code::E0809, format!("cannot save: {why}"))))?;
        self.out.saved.insert(path.to_string(), bytes);
        Ok(())
    }

    /// Lets a network become one that was saved, with its clock and everything that it remembers; it must be built alike.
    pub(super) fn load(&mut self, net: &Expr, path: &str, span: Span) -> Attempt<()> {
        let index = self.network_of(net)?;
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
        if saved.batch != now.batch {
            return Err(differs("it has another batch".into()));
        }
        for (a, b) in saved.populations.iter().zip(&now.populations) {
            if (&a.name, &a.model, a.n, &a.shape) != (&b.name, &b.model.name, b.n, &b.shape) {
                let found = format!("{}: {}[{}]", a.name, a.model, a.n);
                return Err(differs(format!("expected {}: {}[{}], found {found}", b.name, b.model.name, b.n)));
            }
        }
        for (a, b) in saved.projections.iter().zip(&now.projections) {
            let built = (a.stored, a.lag, a.transpose_of, a.has_energy, &a.modulators, &a.delayed);
            let alike = built == (b.stored, b.lag, b.transpose_of, b.energy.is_some(), &b.modulators, &b.delayed);
            if !alike || (a.pre, a.post, a.port, &a.synapse) != (b.pre, b.post, b.port, &b.synapse.name) {
                return Err(differs(format!("projection {} is another one", b.name)));
            }
        }
        let (live, snapshot) = network(saved, self.runner.module).map_err(differs)?;
        self.live[index] = Live { name: std::mem::take(&mut self.live[index].name), ..live };
        self.start(index)?;
        let restored = |s: &mut Running| snapshot.is_none_or(|snapshot| s.restore(&snapshot));
        if !self.live[index].simulation.as_mut().is_some_and(restored) {
            return Err(differs("its states are of another kind".into()));
        }
        // Earlier recordings keep their data but see no more of it: the network's clock is another one.
        self.recordings.iter_mut().filter(|r| r.network == index).for_each(|r| r.closed = true);
        Ok(())
    }

    /// Finds the running network that an expression names.
    fn network_of(&self, e: &Expr) -> Attempt<usize> {
        match self.eval(e)? {
            Value::Network(instance) => Ok(instance.network),
            other => crate::evaluate::fail(
                Code::E0401,
                e.span,
                format!("expected a network, found {}", other.kind()),
                "not one",
            ),
        }
    }
}
