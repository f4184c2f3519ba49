//! Groups of cells that one declaration of a neuron stands for.

use super::channel::Declared;
use super::dimension::Quantity;
use super::neuron::Neuron;
use super::synapse::Attached;
use super::xml::Element;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Channels that are declared, by channel and way of driving.
pub type Channels = BTreeMap<String, Declared>;

/// Cells that one declaration stands for.
pub struct Group<'a> {
    /// What they have in common: a type, or a component.
    pub key: String,
    /// The name of the declaration.
    pub name: String,
    /// The components.
    pub components: Vec<&'a Element>,
    /// Synapses that act on them, and whether several may act on one cell.
    pub synapses: Vec<(&'a Element, bool)>,
    /// The unit of currents that are put in, if there are any.
    pub current: Option<String>,
    /// The input that takes currents.
    pub port: String,
    /// Whether potentials are clamped.
    pub clamped: bool,
    /// Inputs of types that the file declares.
    pub sources: Vec<&'a Element>,
    /// The declaration.
    pub neuron: Neuron,
    /// What synapses have become, by their names.
    pub attached: BTreeMap<String, Attached>,
    /// The values of the parameters of each component.
    pub values: HashMap<String, Vec<(String, String)>>,
}

/// What the declarations of neurons share.
pub struct Shared<'m> {
    /// The temperature.
    pub temperature: Option<&'m Quantity>,
    /// Texts of channels.
    pub texts: Vec<String>,
    /// Names that are taken.
    pub names: &'m mut HashSet<String>,
    /// Channels that are declared.
    pub channels: Channels,
}

/// Lets a synapse act on the cells of a group.
pub fn add_synapse<'a>(group: &mut Group<'a>, synapse: &'a Element, several: bool) {
    match group.synapses.iter_mut().find(|s| std::ptr::eq(s.0, synapse)) {
        // A second projection may have the same targets.
        Some(known) => known.1 = true,
        None => group.synapses.push((synapse, several)),
    }
}
