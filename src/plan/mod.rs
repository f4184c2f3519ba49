//! A network with all its values known: what to allocate, who is connected to whom. Data only.

mod checks;
mod draw;
mod eventful;
mod eventless;
mod given;
mod immediate;
mod lanes;
mod pairs;
mod parts;
mod pieces;
mod responses;
mod sound;
mod transposes;
mod values;
pub mod windows;

pub use crate::value::{Cells, View};
pub use checks::{BadDuration, OutOfBounds, TooFine};
pub use draw::{Bound, Connector, Distribution, Drawing, DrawnValues, Shape};
pub use given::{Given, Missing};
pub use lanes::{GROUP, Lanes};
pub use pairs::{Convolution, Edge, Pairs, Pooling};
pub use pieces::Piece;
pub use sound::Sound;
pub use values::Initial;

use crate::hir::network::model::Process;
use crate::hir::{Neuron, Place, Synapse, VarId};
use crate::solve::{Sharing, Solved};
use crate::value::MOST_ELEMENTS;
use indexmap::IndexSet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One value for all cells, or one per cell; internal units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Column {
    /// The same for all.
    Const(f64),
    /// One per cell.
    Array(Arc<Vec<f64>>),
    /// One per synapse, drawn when it is needed.
    Drawn(DrawnValues),
}

impl Column {
    /// Returns how many values there are, if they are listed.
    pub fn listed(&self) -> Option<usize> {
        match self {
            Column::Array(a) => Some(a.len()),
            _ => None,
        }
    }

    /// Writes out `n` values that are drawn.
    pub fn write(&mut self, n: usize) {
        if let Column::Drawn(values) = self {
            *self = Column::Array(Arc::new((0..n).map(|i| values.at(i)).collect()));
        }
    }

    /// Returns the value of one cell.
    pub fn at(&self, i: usize) -> f64 {
        match self {
            Column::Const(v) => *v,
            Column::Array(a) => a[i],
            Column::Drawn(values) => values.at(i),
        }
    }

    /// Appends the values of several.
    pub fn append(&self, which: &[usize], out: &mut Vec<f64>) {
        match self {
            Column::Const(v) => out.resize(out.len() + which.len(), *v),
            Column::Array(a) => out.extend(which.iter().map(|i| a[*i])),
            Column::Drawn(values) => values.append(which, out),
        }
    }
}

/// N instances of one neuron model.
#[derive(Debug, Clone)]
pub struct Population {
    /// Dotted name in the network.
    pub name: String,
    /// The model.
    pub model: Arc<Neuron>,
    /// Its updates.
    pub solved: Arc<Solved>,
    /// Number of cells.
    pub n: usize,
    /// Extents, row-major.
    pub shape: Vec<usize>,
    /// Distance of neighbours in each direction, internal units.
    pub spacing: f64,
    /// The names of its cells, if a table gives them.
    pub names: Option<Arc<IndexSet<String>>>,
    /// Parameters.
    pub params: BTreeMap<VarId, Column>,
    /// Initial states, in the order in which they were computed.
    pub init: BTreeMap<VarId, Column>,
    /// Parameters and initial states of single segments of cables, where they differ from the others; and how far each segment lies from the root.
    pub along: BTreeMap<(VarId, usize), Column>,
    /// States that begin, segment by segment, with what follows from others.
    pub followed: BTreeSet<VarId>,
    /// Whether these are what follows from the parameters now.
    pub settled: bool,
    /// Values of analog ports.
    pub ports: BTreeMap<VarId, Column>,
    /// For which cells parameters, ports and initial states were given; the others follow from their defaults.
    pub given: BTreeMap<VarId, Given>,
}

/// Why no cell has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unnamed {
    /// None of this population has one.
    All,
    /// Others have names, but none this one.
    This,
}

impl Population {
    /// Returns which cell has a name.
    ///
    /// # Errors
    /// That none has it, or any.
    pub fn cell_named(&self, name: &str) -> Result<usize, Unnamed> {
        let names = self.names.as_ref().ok_or(Unnamed::All)?;
        names.get_index_of(name).ok_or(Unnamed::This)
    }

    /// Returns the initial value of a state.
    pub fn initial(&self, state: VarId, cell: usize, segment: usize) -> f64 {
        let column = self.along.get(&(state, segment)).or(self.init.get(&state));
        column.map_or(0.0, |c| c.at(cell))
    }

    /// Returns the value of a parameter, or the distance of a segment.
    pub fn fixed(&self, v: VarId, cell: usize, segment: usize) -> Option<f64> {
        self.along.get(&(v, segment)).or(self.params.get(&v)).map(|c| c.at(cell))
    }

    /// Returns the initial values of a state: of all segments, or of each.
    pub fn beginnings(&self, state: VarId) -> Vec<(Option<usize>, Column)> {
        let of_all = self.init.get(&state).map(|c| (None, c.clone()));
        let each = self.along.range((state, 0)..=(state, usize::MAX)).map(|((_, s), c)| (Some(*s), c.clone()));
        of_all.into_iter().chain(each).collect()
    }

    /// Returns how many cells one channel has: all with the same index along the first of three axes, as images `[channels, height, width]`
    /// have; an image `[height, width]` is one channel, and every cell of a row one of its own.
    pub fn channel_size(&self) -> usize {
        match &self.shape[..] {
            [_, rest @ ..] if rest.len() > 1 => rest.iter().product(),
            [_, _] => self.n,
            _ => 1,
        }
    }

    /// Returns two cells of one channel for which different values are given, of `n` cells from the first of a channel on.
    pub fn differ_in_channel(&self, values: &Column, n: usize) -> Option<(usize, usize)> {
        let size = self.channel_size();
        let first = |i: usize| i / size * size;
        (0..n).find(|i| values.at(*i) != values.at(first(*i))).map(|i| (first(i), i))
    }
}

/// Cells of a population, or segments of all its cables, at most: they are counted with 32 bits.
pub const MOST_CELLS: usize = u32::MAX as usize;

/// Below so many steps every step has a number, and a time of its own.
pub const MOST_STEPS: f64 = 9_007_199_254_740_992.0;

/// How many events a process may send a cell in a step, on the average: of a Poisson process as many as single precision counts with room to spare.
pub fn most_expected(process: Process) -> f64 {
    match process {
        Process::Poisson => 1e6,
        Process::Bernoulli => 1.0,
    }
}

/// Steps of all delays of a synapse, at most: they are counted with 16 bits.
pub const LONGEST_DELAY: u32 = 60_000;

/// The port of synapses that deliver nothing and were given none: no variable of any model.
pub fn no_port() -> VarId {
    VarId::from_u32(u32::MAX - 4096)
}

/// All synapses of one projection.
#[derive(Debug, Clone)]
pub struct Projection {
    /// Name for readers.
    pub name: String,
    /// Sources.
    pub pre: View,
    /// Targets.
    pub post: View,
    /// Sources and targets that are no ranges: `pre` and `post` are the least ranges that have them.
    pub chosen: [Option<Cells>; 2],
    /// Target port of the postsynaptic model, or [`no_port`].
    pub port: VarId,
    /// Where on the cable that the port is of, if it has several segments.
    pub site: Option<Site>,
    /// Synapse model.
    pub synapse: Arc<Synapse>,
    /// Its parameters.
    pub params: BTreeMap<VarId, f64>,
    /// Initial values of its states.
    pub init: BTreeMap<VarId, f64>,
    /// Initial values of states that differ from synapse to synapse.
    pub values: BTreeMap<VarId, Column>,
    /// Parameters and initial values that were given; the others follow from their defaults.
    pub given: BTreeSet<VarId>,
    /// The synapses.
    pub pairs: Pairs,
    /// Weights, one for all or one per edge.
    pub weight: Column,
    /// Axonal delays in steps, at least one: events of presynaptic cells reach the synapses so much later.
    pub delay: Delay,
    /// Dendritic delays in steps: events of postsynaptic cells reach the synapses so much later, deliveries the port.
    pub dendritic: Delay,
    /// Without an axonal delay events still take one step to the synapses; the dendritic delay makes up for it: one step
    /// less on the way to the port and one more on the way back, so that the synapses see both sides one step later.
    pub lag: u32,
    /// Where modulators are read that have no constant value: which cells, and which of their variables.
    pub modulators: BTreeMap<VarId, (View, VarId)>,
    /// How many steps ago variables of the cells are read.
    pub delayed: BTreeMap<VarId, u32>,
    /// Whether weights of plastic synapses change.
    pub learning: bool,
    /// Whether rows are kept; else they are drawn anew at every event.
    pub stored: bool,
    /// The projection whose weights these are, used the other way round.
    pub transpose_of: Option<usize>,
    /// The energy of one synapse, if it has one.
    pub energy: Option<crate::hir::Expr>,
}

/// On which segments of a cable synapses sit.
#[derive(Debug, Clone)]
pub struct Site {
    /// The order of all cells' segments.
    pub lanes: Lanes,
    /// The segment of each synapse.
    pub segment: Column,
    /// What that follows from.
    pub shape: Placed,
}

/// The shape of a cable when places on it were chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// How many segments there were: in all cells, or in each if they differed.
    pub segments: Vec<usize>,
    /// Where the cable of each cell began and how long it was, if that was asked for.
    pub reach: Vec<(f64, f64)>,
}

impl Placed {
    /// Returns whether the cable of a port still has this shape.
    pub fn holds(&self, p: &Population, port: VarId, dt: f64) -> bool {
        let cable = p.model.vars.get(port).and_then(|v| v.cable);
        let lengths =
            |cable: usize| self.reach.iter().enumerate().all(|(cell, reach)| *reach == p.reach(cable, cell, dt));
        p.segments_at(port) == self.segments && cable.is_none_or(lengths)
    }
}

impl Site {
    /// Returns the lane of a synapse onto a cell.
    pub fn lane(&self, cell: usize, synapse: usize) -> usize {
        self.lanes.of(cell, self.segment.at(synapse) as usize)
    }
}

impl Projection {
    /// Returns the sources and the targets.
    pub fn ends(&self) -> [Cells; 2] {
        let [pre, post] = self.chosen.clone();
        [pre.unwrap_or(self.pre.into()), post.unwrap_or(self.post.into())]
    }

    /// Returns where each state of the synapse is kept.
    pub fn places(&self) -> BTreeMap<VarId, Place> {
        let single = |d: &Delay| matches!(d, Delay::Const(_));
        let modulators = self.modulators.values().all(|(view, _)| view.n == 1);
        let sharing = Sharing { axonal: true, dendritic: single(&self.dendritic), modulators };
        let places = crate::solve::places(&self.synapse, &sharing);
        if single(&self.delay) || !crate::solve::is_plastic(&self.synapse, &places) {
            // Where only the sender's events count they can be taken when they leave, whatever their ways.
            return places;
        }
        crate::solve::places(&self.synapse, &Sharing { axonal: false, ..sharing })
    }

    /// Returns the bytes that one synapse takes with numbers of `word` bytes, beside where rows begin.
    pub fn bytes_per_synapse(&self, word: usize) -> usize {
        let values = synapse_bytes(&self.places(), self.is_plastic(), word);
        if !self.is_plastic() {
            let one_weight = matches!(self.weight, Column::Const(_));
            return values - if one_weight { word } else { 0 };
        }
        if self.is_matrix() {
            return values;
        }
        let varies = |d: &Delay| usize::from(!matches!(d, Delay::Const(_)));
        let cell = |view: View| if view.n <= 1 << 16 { 2 } else { 4 };
        // Target, source and place in the index by target, place in the plan.
        values + cell(self.post) + cell(self.pre) + 8 + 2 * (varies(&self.delay) + varies(&self.dendritic))
    }

    /// Returns whether a modulator is a value of one cell, the same for all synapses.
    pub fn is_of_one(&self, modulator: VarId) -> bool {
        self.modulators.get(&modulator).is_none_or(|(view, _)| view.n == 1)
    }

    /// Returns how many synapses it can have: where they are sorted, or change, they are counted with 32 bits.
    pub fn most_synapses(&self) -> usize {
        let as_drawn = match &self.pairs {
            Pairs::Drawn(d) => !d.is_by_target(),
            Pairs::All(..) | Pairs::OneToOne(..) | Pairs::Convolution(_) => true,
            _ => false,
        };
        if as_drawn && !self.is_plastic() { MOST_ELEMENTS } else { u32::MAX as usize }
    }

    /// Sources and targets that a matrix has at least.
    pub const LEAST_OF_A_MATRIX: usize = 16;

    /// Returns whether it connects all sources with all targets, with the same delays, and is not too small for tiles.
    pub fn is_matrix(&self) -> bool {
        let alike = |d: &Delay| matches!(d, Delay::Const(_));
        let large = |view: View| view.n >= Projection::LEAST_OF_A_MATRIX;
        self.site.is_none()
            && matches!(self.pairs, Pairs::All(..))
            && alike(&self.delay)
            && alike(&self.dendritic)
            && large(self.pre)
            && large(self.post)
    }

    /// Returns whether its synapses learn: change at events, at signals or by themselves.
    pub fn learns(&self) -> bool {
        crate::solve::is_plastic(&self.synapse, &self.places())
    }

    /// Returns whether its synapses are worked on one by one: those that learn, and those that events reach within a step.
    pub fn is_plastic(&self) -> bool {
        self.is_immediate() || self.learns()
    }
}

/// Returns the bytes of one synapse with a weight of its own; where it is listed, a plastic one takes more to be found from both sides.
pub fn synapse_bytes(places: &BTreeMap<VarId, Place>, plastic: bool, word: usize) -> usize {
    if !plastic {
        return 2 + word;
    }
    word * (1 + places.values().filter(|p| **p == Place::Synapse).count())
}

/// Delays in steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Delay {
    /// The same for all.
    Const(u32),
    /// One per edge.
    Array(Arc<Vec<u16>>),
    /// One per edge, drawn when it is needed.
    Drawn(DrawnDelays),
}

/// Delays that are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DrawnDelays {
    /// The times.
    pub times: DrawnValues,
    /// Of how many synapses.
    pub n: usize,
    /// Time step, internal units.
    pub dt: f64,
    /// Steps that are added to all.
    pub more: u32,
}

impl DrawnDelays {
    /// Returns the delay of one edge in steps.
    pub fn at(&self, edge: usize) -> u16 {
        self.steps(self.times.at(edge))
    }

    fn steps(&self, time: f64) -> u16 {
        ((time / self.dt).round() as u32 + self.more) as u16
    }
}

impl Delay {
    /// Returns the delay of one edge.
    pub fn at(&self, edge: usize) -> u32 {
        match self {
            Delay::Const(d) => *d,
            Delay::Array(a) => u32::from(a[edge]),
            Delay::Drawn(d) => u32::from(d.at(edge)),
        }
    }

    /// Appends the delays of several edges, which fit into 16 bits; `room` is for values that are drawn.
    pub fn append(&self, which: &[usize], room: &mut Vec<f64>, out: &mut Vec<u16>) {
        match self {
            Delay::Const(d) => out.resize(out.len() + which.len(), *d as u16),
            Delay::Array(a) => out.extend(which.iter().map(|k| a[*k])),
            Delay::Drawn(d) => {
                room.clear();
                d.times.append(which, room);
                out.extend(room.iter().map(|time| d.steps(*time)));
            }
        }
    }

    /// Returns delays with the drawn ones written out.
    fn written(&self) -> Delay {
        match self {
            Delay::Drawn(d) => Delay::Array(Arc::new((0..d.n).map(|k| d.at(k)).collect())),
            other => other.clone(),
        }
    }

    /// Writes out delays that are drawn.
    pub fn write(&mut self) {
        *self = self.written();
    }

    /// Returns the sum of two delays less a number of steps.
    pub fn plus(&self, other: &Delay, less: u32) -> Delay {
        match (self, other) {
            (Delay::Const(a), Delay::Const(b)) => Delay::Const(a + b - less),
            (Delay::Drawn(d), Delay::Const(c)) | (Delay::Const(c), Delay::Drawn(d)) => {
                Delay::Drawn(DrawnDelays { more: d.more + c - less, ..*d })
            }
            (Delay::Drawn(_), _) | (_, Delay::Drawn(_)) => self.written().plus(&other.written(), less),
            (Delay::Array(a), other) | (other, Delay::Array(a)) => {
                let sum = |(i, a): (usize, &u16)| (u32::from(*a) + other.at(i) - less) as u16;
                Delay::Array(Arc::new(a.iter().enumerate().map(sum).collect()))
            }
        }
    }

    /// Returns the delays that occur, ascending.
    pub fn values(&self) -> Vec<u32> {
        match self {
            Delay::Const(d) => vec![*d],
            Delay::Array(a) => a.iter().map(|d| u32::from(*d)).collect::<BTreeSet<u32>>().into_iter().collect(),
            Delay::Drawn(_) => self.written().values(),
        }
    }

    /// Returns all delays that may occur, ascending, without looking at each.
    pub fn possible(&self) -> Vec<u32> {
        match self {
            Delay::Drawn(d) => {
                let steps = |t: f64| (t / d.dt).round().max(1.0) as u32 + d.more;
                (steps(d.times.distribution.lowest())..=steps(d.times.distribution.highest())).collect()
            }
            other => other.values(),
        }
    }

    /// Returns a number of steps that no delay exceeds, without looking at each.
    pub fn longest(&self) -> u32 {
        match self {
            Delay::Drawn(d) => {
                let steps = (d.times.distribution.highest() / d.dt).round();
                steps.min(f64::from(LONGEST_DELAY)) as u32 + d.more
            }
            other => other.range().1,
        }
    }

    /// Returns a delay that none exceeds, without drawing any.
    pub fn at_most(&self) -> u32 {
        match self {
            Delay::Drawn(_) => self.possible().last().copied().unwrap_or(1),
            other => other.range().1,
        }
    }

    /// Returns the shortest and longest delay.
    pub fn range(&self) -> (u32, u32) {
        match self {
            Delay::Const(d) => (*d, *d),
            Delay::Array(a) => {
                (a.iter().min().map_or(1, |d| u32::from(*d)), a.iter().max().map_or(1, |d| u32::from(*d)))
            }
            Delay::Drawn(_) => self.written().range(),
        }
    }
}

/// Events that come from outside the network.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Drive {
    /// Targets.
    pub post: View,
    /// Port.
    pub port: VarId,
    /// The segment, if the port is of a cable's segments.
    pub segment: usize,
    /// What that follows from.
    pub shape: Placed,
    /// What is sent.
    pub kind: DriveKind,
    /// Weight of each event, per cell.
    pub weight: Column,
}

/// Kinds of drives.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum DriveKind {
    /// Independent processes, one per cell, expected events per internal time unit.
    Random(Process, Column),
    /// Processes whose rate is a function of time, given as an index into the simulation's time functions; a Bernoulli
    /// process sends one event at every step where the rate asks for more.
    RandomOf(Process, usize),
    /// Given steps (sorted) and cells (or all), with their weights relative to `weight`.
    Spikes(Arc<Vec<(u64, Option<u32>, f64)>>),
}

fn process_name(process: Process) -> &'static str {
    match process {
        Process::Poisson => "poisson",
        Process::Bernoulli => "bernoulli",
    }
}

/// A network ready to be simulated.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Populations.
    pub populations: Vec<Population>,
    /// Projections.
    pub projections: Vec<Projection>,
    /// Drives.
    pub drives: Vec<Drive>,
    /// How many examples it sees at once.
    pub batch: Option<Batch>,
}

/// Several examples at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// How many.
    pub size: usize,
    /// Whether what they change is summed, else averaged.
    pub sum: bool,
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for p in &self.populations {
            let shape: Vec<String> = p.shape.iter().map(usize::to_string).collect();
            writeln!(f, "population {}: {}[{}]", p.name, p.model.name, shape.join(", "))?;
            let arrays = p.params.iter().filter(|(_, c)| matches!(c, Column::Array(_))).count();
            writeln!(f, "  {} parameters ({arrays} per cell), {} states", p.params.len(), p.init.len())?;
        }
        for p in &self.projections {
            let weight = match &p.weight {
                Column::Const(w) => format!("weight {w}"),
                Column::Array(_) | Column::Drawn(_) => "weight per synapse".into(),
            };
            let (lo, hi) = p.delay.range();
            let bytes = p.bytes_per_synapse(4);
            writeln!(
                f,
                "projection {}: {} synapses of {}, {weight}, delay {lo}..{hi} steps, {bytes} bytes per synapse",
                p.name,
                p.pairs.len(),
                p.synapse.name
            )?;
            if !p.stored {
                writeln!(f, "  drawn anew at every event")?;
            }
            for (state, place) in p.places() {
                writeln!(f, "  {} {place}", p.synapse.vars[state].name)?;
            }
        }
        for d in &self.drives {
            let kind = match &d.kind {
                DriveKind::Random(process, _) => process_name(*process).to_string(),
                DriveKind::RandomOf(process, _) => format!("{}, rate varies with time", process_name(*process)),
                DriveKind::Spikes(s) => format!("{} spikes", s.len()),
            };
            writeln!(f, "drive {}: {} cells, {kind}", self.populations[d.post.population].name, d.post.n)?;
        }
        Ok(())
    }
}
