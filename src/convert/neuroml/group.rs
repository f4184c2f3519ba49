//! Groups of cells that one declaration of a neuron stands for.

use super::channel::Declared;
use super::dimension::Quantity;
use super::neuron::Neuron;
use super::place::{Outcome, Place, flaw};
use super::synapse::Attached;
use super::tree::Tree;
use super::xml::Element;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Channels that are declared, by channel and way of driving.
pub type Channels = BTreeMap<String, Declared>;

/// Where on a cell something is: on which segment, and where along it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spot {
    /// The segment; none for the first one.
    pub segment: Option<String>,
    /// The part of its length, of 1; none for its middle.
    pub along: Option<f64>,
}

/// Cells that one declaration stands for.
#[derive(Default)]
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
    /// Whether it is a compartment with a length.
    pub is_cable: bool,
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
    /// The compartments of a cell of several segments.
    pub tree: Option<Tree<Group<'a>>>,
}

impl Spot {
    /// Reads the attributes of these names.
    pub fn read(element: &Element, segment: &[&str], along: &str) -> Outcome<Spot> {
        let segment = segment.iter().find_map(|name| element.get(name)).map(str::to_string);
        let along = element.get(along).map(|text| {
            text.parse().ok().filter(|x| (0.0..=1.0).contains(x)).ok_or_else(|| {
                flaw(&element.place, format!("`{text}` is no place along a segment"), "here")
                    .help("write a number from 0 to 1")
            })
        });
        Ok(Spot { segment, along: along.transpose()? })
    }
}

impl<'a> Group<'a> {
    /// The compartment at a spot, or the cell itself if it has none.
    pub fn compartment(&self, spot: &Spot, place: &Place) -> Outcome<Option<usize>> {
        let none = |segment: &str| flaw(place, format!("the cell has no segment {segment}"), "named here");
        match (&self.tree, spot.segment.as_deref()) {
            (Some(tree), segment) => {
                let found = tree.compartment(segment, spot.along.unwrap_or(0.5));
                found.map(Some).ok_or_else(|| none(segment.unwrap_or("0")))
            }
            (None, None | Some("0")) => Ok(None),
            (None, Some(segment)) => Err(none(segment).help("this cell has one segment, 0")),
        }
    }

    /// What acts at a spot.
    pub fn at(&mut self, spot: &Spot, place: &Place) -> Outcome<&mut Group<'a>> {
        let found = self.compartment(spot, place)?;
        if self.tree.is_none() {
            return Ok(self);
        }
        let compartments = self.tree.iter_mut().flat_map(|t| &mut t.compartments);
        let own = compartments.map(|c| &mut c.body).nth(found.unwrap_or(0));
        own.ok_or_else(|| flaw(place, "the cell has no compartment", "here"))
    }

    /// What is at a spot, and how names of it begin.
    pub fn known(&self, spot: &Spot, place: &Place) -> Outcome<(String, &Group<'a>)> {
        match (self.compartment(spot, place)?, &self.tree) {
            (Some(n), Some(tree)) => Ok((format!("{}.", tree.name(n)), &tree.compartments[n].body)),
            _ => Ok((String::new(), self)),
        }
    }

    /// Removes what nothing needs.
    pub fn prune(&mut self) {
        self.neuron.prune();
        let compartments = self.tree.iter_mut().flat_map(|t| &mut t.compartments);
        compartments.for_each(|c| c.body.neuron.prune());
    }

    /// The declaration.
    pub fn text(&self) -> String {
        let Some(tree) = &self.tree else { return self.neuron.text() };
        let mut within = String::new();
        for own in tree.compartments.iter().filter(|c| c.part.is_none_or(|(number, _)| number == 0)) {
            let count = own.part.map_or(1, |p| p.1);
            let several = if count > 1 { format!("[{count}]") } else { String::new() };
            let (length, diameter) = (own.cylinder.0 * count as f64, own.cylinder.1);
            within += &format!("    compartment {}{several} {{\n", own.name);
            within += &format!("        length {} um   diameter {} um\n", rounded(length), rounded(diameter));
            let body = own.body.neuron.body();
            body.lines()
                .for_each(|line| within += &if line.is_empty() { "\n".into() } else { format!("    {line}\n") });
            within += "    }\n";
        }
        tree.couples().iter().for_each(|(a, b)| within += &format!("    couple {a} <-> {b}\n"));
        self.neuron.around(&within)
    }

    /// Whether nothing acts on it.
    pub fn is_free(&self) -> bool {
        self.synapses.is_empty() && self.current.is_none() && !self.clamped && self.sources.is_empty()
    }
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

/// A length, with as many digits as are meant.
fn rounded(x: f64) -> String {
    super::dimension::number(format!("{x:.9e}").parse().unwrap_or(x))
}
