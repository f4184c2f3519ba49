//! The shapes of cells: samples of a reconstruction, the unbranched sections they make up, and the segments these are cut into.
//!
//! Reads bytes that somebody else fetched: this module does no IO. Lengths are in µm, areas in µm². What a file means follows
//! NEURON's `Import3d_SWC_read` (share/lib/hoc/import3d/read_swc.hoc), but does not depend on how samples are numbered; where it
//! differs is said in `sections`.

mod frusta;
mod sections;
mod segments;
mod swc;

pub use sections::{Joint, Point, Section, sections};
pub use segments::{Cut, Segments, cut};
pub use swc::{Kind, Sample, Swc, swc};
