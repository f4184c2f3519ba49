//! NeuroML 2 and LEMS: cells, synapses, networks and simulations.
//!
//! Input: the text of an `.nml` or `.xml` file, and a way to read the files that it includes. Output: a `.neuro` file, or all that
//! cannot be carried over. Stages: `xml` (tree), `model` (types and components), `network` (lists), `cells` (neurons), and texts.

mod actions;
mod biophysics;
mod cells;
mod channel;
mod core_types;
mod density;
mod dimension;
mod expression;
mod group;
mod inputs;
mod lems;
mod membrane;
mod model;
mod network;
mod neuron;
mod notation;
mod part;
mod pieces;
mod place;
mod pools;
mod projections;
mod scope;
mod segments;
mod shape;
mod simulation;
mod synapse;
mod tree;
mod types;
mod writing;
mod xml;

use crate::convert::{Converted, Flaw};
use std::io;
use std::path::Path;

/// Carries a NeuroML 2 or LEMS file over. Files that it includes are asked for by their path, beside that of the file.
pub fn neuroml(text: &str, name: &Path, read: &dyn Fn(&Path) -> io::Result<String>) -> Result<Converted, Vec<Flaw>> {
    let roots = model::files(text, name, read)?;
    let (model, flaws) = model::Model::new(&roots);
    if !flaws.is_empty() {
        return Err(flaws);
    }
    writing::file(&model, &roots, name)
}
