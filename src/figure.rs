//! What figures show: panels of series, each with its values or with the recording that holds them.
//!
//! An experiment makes them, `figures.json` keeps them, and [`crate::draw`] draws them: once for the run, and again for whoever asks.

use crate::units::{Dim, Unit, lookup};
use serde::{Deserialize, Serialize};

/// More bins than this cannot be told apart.
pub const MOST_BINS: usize = 10_000;

/// A figure: panels under one title.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Name of its files, without an ending.
    pub name: String,
    /// Title; may be empty.
    pub title: String,
    /// How many panels stand side by side.
    pub columns: usize,
    /// Panels, row by row.
    pub panels: Vec<Panel>,
}

/// One pair of axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Panel {
    /// Title; may be empty.
    pub title: String,
    /// What is drawn.
    pub series: Vec<Series>,
    /// The abscissa of all series, unless it is time or an index.
    pub against: Option<Column>,
    /// How, unless the data say it.
    pub mark: Option<Mark>,
    /// The abscissa's axis.
    pub x: Axis,
    /// The ordinate's axis.
    pub y: Axis,
    /// Whether the axis of ordinates shows zero in any case.
    pub zero: bool,
    /// Whether lines of least squares are drawn.
    pub fit: bool,
}

/// What a series is drawn as.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Mark {
    /// Values joined by lines.
    Lines,
    /// A line that stays at a value until the next.
    Steps,
    /// A mark for each value.
    Points,
    /// A bar for each value.
    Bars,
    /// The mean over cells, with a band of one standard deviation.
    Mean,
    /// How often values occur, in so many bins.
    Histogram(usize),
    /// A mark for each event.
    Raster,
    /// How many events there are at each place.
    Density,
    /// The events of so many cells, drawn at random.
    Cells(usize),
    /// The rate of a cell in bins of so many ms.
    Psth(f64),
    /// Values as colors: rows and columns, or cells and time.
    HeatMap,
    /// Each row as an image of so many rows and columns.
    Images(usize, usize),
}

/// What was said of an axis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Whether it is logarithmic.
    pub log: bool,
    /// Its ends in internal units, if they are given.
    pub range: Option<(f64, f64)>,
}

/// A series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Its name in the legend, if one was given.
    pub label: Option<String>,
    /// Its values or events.
    pub of: Column,
    /// How uncertain each value is, as half of an interval.
    pub error: Option<Column>,
}

/// Values or events with a name and a unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// As the experiment calls it; may be empty.
    pub name: String,
    /// What it measures.
    pub dim: Dim,
    /// Unit of the values.
    pub unit: Unit,
    /// The values, or where they are.
    pub data: Data,
}

/// Where values are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Data {
    /// Here.
    Values {
        /// Numbers, row by row; what is not finite interrupts lines.
        #[serde(with = "numbers")]
        values: Vec<f64>,
        /// Extents.
        shape: Vec<usize>,
    },
    /// In a recording of events.
    Events(Recorded),
    /// In a recording of samples.
    Samples(Recorded),
}

/// What a value of a recording is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Member {
    /// A cell.
    Cell,
    /// A synapse.
    Synapse,
    /// A segment of a cell, where several are recorded.
    Segment,
}

impl Member {
    /// What its axis and its column are called.
    pub fn name(self) -> &'static str {
        match self {
            Member::Cell => "cell",
            Member::Synapse => "synapse",
            Member::Segment => "segment",
        }
    }
}

/// A part of a recording: all until a moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its name.
    pub name: String,
    /// How many events, or moments.
    pub records: u64,
    /// How many cells, synapses or segments.
    pub cells: usize,
    /// What each value is of.
    pub member: Member,
    /// Since when it recorded, ms.
    pub from: f64,
    /// Until when, ms.
    pub to: f64,
}

/// Recordings by name, wherever they are.
pub trait Recordings {
    /// Reads the first so many events: times in ms, and cells.
    fn events(&self, r: &Recorded) -> Result<(Vec<f64>, Vec<u32>), String>;
    /// Reads the first so many moments: times in ms, and values moment by moment, in the column's unit.
    fn samples(&self, r: &Recorded) -> Result<(Vec<f64>, Vec<f64>), String>;
}

impl Panel {
    /// Returns what the abscissa and the ordinate on the left measure, and the unit in which they are given.
    pub fn axes(&self) -> [(Dim, Unit); 2] {
        let one = || (Dim::ONE, Unit::one());
        let named = |name: &str| lookup(name).map_or_else(one, |unit| (unit.dim, unit));
        let Some(first) = self.series.first() else { return [one(), one()] };
        let own = || (first.of.dim, first.of.unit.clone());
        let over_time = |s: &Series| matches!(s.of.data, Data::Events(_) | Data::Samples(_));
        let events = matches!(first.of.data, Data::Events(_));
        let x = match (self.mark, &self.against) {
            (Some(Mark::Histogram(_)), _) => own(),
            (Some(Mark::Images(..)), _) => one(),
            (_, Some(c)) => (c.dim, c.unit.clone()),
            _ if self.series.iter().any(over_time) => named("ms"),
            _ => one(),
        };
        let y = match self.mark {
            Some(Mark::Psth(_)) => named("Hz"),
            Some(Mark::Histogram(_) | Mark::HeatMap | Mark::Images(..)) => one(),
            _ if events => one(),
            _ => own(),
        };
        [x, y]
    }
}

impl Figure {
    /// Returns all columns.
    pub fn data(&self) -> impl Iterator<Item = &Column> {
        let panels = self.panels.iter();
        panels.flat_map(|p| p.series.iter().flat_map(|s| [Some(&s.of), s.error.as_ref()]).flatten().chain(&p.against))
    }
}

/// Numbers in JSON, which has none that are not finite.
mod numbers {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        let finite: Vec<Option<f64>> = values.iter().map(|v| v.is_finite().then_some(*v)).collect();
        finite.serialize(to)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<f64>, D::Error> {
        let values = Vec::<Option<f64>>::deserialize(from)?;
        Ok(values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect())
    }
}
