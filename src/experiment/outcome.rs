//! What comes of an experiment.

use super::record::Recording;
use crate::diag::{Diagnostic, Diagnostics};
use crate::ir::Precision;
use crate::runtime::Work;
use crate::source::Span;
use crate::value::Quantity;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// Hears how far a run is, and may stop it.
pub trait Progress {
    /// Simulated time so far and the end of this `run`, internal units.
    fn update(&self, time: f64, end: f64);
    /// How many minibatches of a loop over a data set have been shown, of how many.
    fn examples(&self, _shown: usize, _of: usize) {}
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

/// Data of a figure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FigureData {
    /// Event times and cells.
    Raster {
        /// Times, ms.
        times: Vec<f64>,
        /// Rows.
        cells: Vec<f64>,
        /// Number of rows.
        rows: usize,
        /// Legend.
        label: String,
    },
    /// A line.
    Line {
        /// Abscissa.
        x: Vec<f64>,
        /// Ordinate.
        y: Vec<f64>,
        /// Legend.
        label: String,
    },
}

/// A figure to draw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figure {
    /// File name without extension.
    pub name: String,
    /// Title.
    pub title: String,
    /// Label of the abscissa.
    pub x: String,
    /// Label of the ordinate.
    pub y: String,
    /// Series.
    pub series: Vec<FigureData>,
}

/// What came of an experiment.
#[derive(Default)]
pub struct Outcome {
    /// Checks in order.
    pub expectations: Vec<Expectation>,
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
    /// Neurons and synapses of the largest network.
    pub size: (usize, usize),
    /// Bytes of memory of its synapses.
    pub synapse_bytes: usize,
    /// What networks with events have done.
    pub work: Work,
}
