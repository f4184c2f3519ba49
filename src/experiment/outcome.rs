//! What comes of an experiment.

use super::record::Recording;
use crate::diag::{Diagnostic, Diagnostics};
use crate::elaborate::Import;
use crate::figure::Figure;
use crate::hir::experiment::model::Form;
use crate::ir::Precision;
use crate::runtime::exchange::Traffic;
use crate::runtime::{ProfileRow, Work};
use crate::source::Span;
use crate::value::Quantity;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// How far an experiment is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moment {
    /// The time that its `run`s have let pass so far, ms.
    pub simulated: f64,
    /// The time that all of them will, if that is known, ms.
    pub total: Option<f64>,
    /// The turn of the outermost loop, counted from zero, and how many there are at most.
    pub turn: Option<(usize, usize)>,
    /// How much of the outermost loop is done, by the turns of the loops in it.
    pub part: f64,
}

impl Moment {
    /// Returns which part of the whole experiment is done; of its outermost loop, if no more is known.
    pub fn done(&self) -> Option<f64> {
        match self.total {
            Some(total) => Some((self.simulated / total).min(1.0)),
            None => self.turn.map(|_| self.part),
        }
    }
}

/// Hears how far a run is, and may stop it.
pub trait Progress: Sync {
    /// A network is being built: of how many synapses it is made so far, and of how many it will be, where that is known.
    fn building(&self, _network: &str, _so_far: usize, _all: usize) {}
    /// How far it is.
    fn update(&self, at: &Moment);
    /// A measure with what it is by now.
    fn measure(&self, _name: &str, _executions: &[Quantity]) {}
    /// An expectation that was checked.
    fn expectation(&self, _checked: &Expectation) {}
    /// A figure, and the recordings that it refers to.
    fn figure(&self, _figure: &Figure, _recordings: &[Recording]) {}
    /// A line that the experiment prints.
    fn line(&self, _text: &str) {}
    /// Returns why the run shall stop, if it shall.
    fn interrupted(&self) -> Option<String>;
}

/// The outcome of one `expect`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Expectation {
    /// Where it is written.
    pub span: Span,
    /// Whether it held.
    pub passed: bool,
    /// What was found.
    pub found: String,
}

/// What the compiler made of a model or a network when a statement asked for it.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Where it is asked for.
    pub span: Span,
    /// What it is.
    pub form: Form,
    /// Of what.
    pub of: String,
    /// What it can be compared on, if it is not the same everywhere.
    pub machine: Option<String>,
    /// The text.
    pub text: String,
}

/// What a run took in one of several processes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Share {
    /// The most memory that it has had, in bytes, where the system says.
    pub peak_memory: Option<u64>,
    /// What it has told the others, and heard of them.
    pub traffic: Traffic,
}

/// What came of an experiment.
#[derive(Default)]
pub struct Outcome {
    /// Checks in order.
    pub expectations: Vec<Expectation>,
    /// What the compiler made, in order.
    pub snapshots: Vec<Snapshot>,
    /// Measures by name, one element per execution.
    pub measures: IndexMap<String, Vec<Quantity>>,
    /// Lines that were printed.
    pub log: Vec<String>,
    /// Figures in order.
    pub figures: Vec<Figure>,
    /// Networks that were saved, by file name.
    pub saved: IndexMap<String, Vec<u8>>,
    /// Recordings.
    pub recordings: Vec<Recording>,
    /// Why it stopped early, if it did.
    pub failure: Option<Box<Diagnostic>>,
    /// Findings that do not stop a run.
    pub warnings: Diagnostics,
    /// Seed, time step and precision used.
    pub seed: u64,
    /// Time step, internal units.
    pub dt: f64,
    /// Precision.
    pub precision: Precision,
    /// Simulated time over all runs, internal units.
    pub simulated: f64,
    /// Wall time of building networks, seconds.
    pub built_in: f64,
    /// Wall time of running, seconds.
    pub ran_in: f64,
    /// Wall time of the whole experiment, in all of its parts if it was resumed, seconds.
    pub took: f64,
    /// Where the time of running went: networks by their names, each with its parts; nothing unless it was asked for.
    pub profile: Vec<(String, Vec<ProfileRow>)>,
    /// Neurons and synapses of the largest network.
    pub size: (usize, usize),
    /// Bytes of memory of its synapses.
    pub synapse_bytes: usize,
    /// What networks with events have done.
    pub work: Work,
    /// What became of each of the processes, if there were several.
    pub processes: Vec<Share>,
    /// What became of tables of synapses, each said once.
    pub imports: Vec<Import>,
}

impl Outcome {
    /// Takes note of what became of tables.
    pub fn import(&mut self, imports: Vec<Import>) {
        let known = imports.into_iter().filter(|i| !self.imports.contains(i)).collect::<Vec<Import>>();
        self.imports.extend(known);
    }
}
