//! A figure in the units of its axes: what the SVG and the page of a report are made of.

use super::scale::Scale;
use serde::Serialize;

/// A figure, ready to be drawn.
#[derive(Debug, Clone, Serialize)]
pub struct Scene {
    /// Name of its files, without an ending.
    pub name: String,
    /// Title; may be empty.
    pub title: String,
    /// How many panels stand side by side.
    pub columns: usize,
    /// Panels, row by row.
    pub panels: Vec<View>,
}

/// A panel.
#[derive(Debug, Clone, Serialize)]
pub struct View {
    /// Title; may be empty.
    pub title: String,
    /// What was counted, averaged or left out; may be empty.
    pub caption: String,
    /// Width of the plotting area by its height, where both have one measure.
    pub aspect: Option<f64>,
    /// Abscissa.
    pub x: Scale,
    /// Ordinate on the left.
    pub y: Scale,
    /// Ordinate on the right.
    pub right: Option<Scale>,
    /// Marks, the lowest first.
    pub layers: Vec<Layer>,
}

/// Whose axis values belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Side {
    Left,
    Right,
}

/// Marks of one series. What has no label is not in the legend.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Layer {
    /// A line, interrupted where a value is not finite.
    Line { label: String, color: String, dash: Option<[u8; 2]>, axis: Side, steps: bool, x: Vec<f64>, y: Vec<f64> },
    /// What lies between two lines.
    Band { label: String, color: String, axis: Side, x: Vec<f64>, low: Vec<f64>, high: Vec<f64> },
    /// Marks with whiskers.
    Points {
        label: String,
        color: String,
        axis: Side,
        x: Vec<f64>,
        y: Vec<f64>,
        error: Option<Vec<f64>>,
        names: Option<Vec<String>>,
    },
    /// Bars between edges.
    Bars { label: String, color: String, axis: Side, edges: Vec<f64>, y: Vec<f64> },
    /// A tick for each event.
    Raster { label: String, color: String, x: Vec<f64>, y: Vec<f64> },
    /// Pixels, stretched over a rectangle.
    Image {
        label: String,
        href: String,
        x: [f64; 2],
        y: [f64; 2],
        values: Option<Grid>,
        scale: Option<ColorScale>,
        /// How many columns and rows of pixels it has.
        pixels: [usize; 2],
    },
    /// A thin line along an axis.
    Rule { axis: Side, at: f64, along: &'static str },
}

/// The values of an image's pixels, the lowest row first.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct Grid {
    pub rows: usize,
    pub columns: usize,
    pub data: Vec<f64>,
}

/// Which colors mean which values.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct ColorScale {
    pub low: f64,
    pub high: f64,
    pub colors: Vec<String>,
}

impl Layer {
    /// Returns its name in the legend; none if it is not there.
    pub fn label(&self) -> Option<&str> {
        let label = match self {
            Layer::Line { label, .. }
            | Layer::Band { label, .. }
            | Layer::Points { label, .. }
            | Layer::Bars { label, .. }
            | Layer::Raster { label, .. } => label,
            Layer::Image { .. } | Layer::Rule { .. } => return None,
        };
        Some(label.as_str()).filter(|l| !l.is_empty())
    }
}
