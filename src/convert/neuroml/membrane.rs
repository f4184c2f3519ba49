//! What a cell with channels has: shape, capacitance, channels, and calcium.

use super::density;
use super::dimension::{Dimension, Quantity, VOLTAGE};
use super::model::{Model, kind};
use super::place::{Outcome, flaw};
use super::segments::{End, Shape, end};
use super::xml::Element;

const SPECIFIC: Dimension = [-1, -4, 4, 2, 0, 0, 0];

const RESISTIVITY: Dimension = [1, 3, -3, -2, 0, 0, 0];

/// What a compartment of a cell, or a cell of one compartment, has.
pub struct Membrane<'a> {
    /// Length (none of a sphere) and diameter in micrometres; nothing for a cell without a surface.
    pub shape: Option<(Option<f64>, f64)>,
    /// The resistivity within it, of compartments.
    pub resistivity: Option<Quantity>,
    /// Its capacitance, per area if it has a surface.
    pub capacitance: Quantity,
    /// Its potential at the beginning.
    pub initial: Quantity,
    /// Above which it spikes.
    pub threshold: Option<Quantity>,
    /// Populations and densities of channels, with the density of those that vary along a cell.
    pub channels: Vec<(&'a Element, Option<Quantity>)>,
    /// Its calcium.
    pub species: Option<&'a Element>,
    /// How paths to channels begin.
    pub paths: Vec<String>,
    /// How paths to calcium begin.
    pub inner_paths: Vec<String>,
}

impl Membrane<'_> {
    /// Its area in square micrometres, if it has a surface.
    pub fn area(&self) -> Option<f64> {
        self.shape.map(|(length, diameter)| std::f64::consts::PI * diameter * length.unwrap_or(diameter))
    }
}

/// Stretches of a cell that are asked about.
pub struct Stretch<'s> {
    /// The shape of the cell.
    pub shape: &'s Shape,
    /// The segments.
    pub members: &'s [usize],
    /// Length and diameter of their cylinder.
    pub cylinder: (f64, f64),
    /// How far its middle lies from the beginning of the root.
    pub path: f64,
}

/// The shape of a cell that is more than one cylinder.
pub fn shape(model: &Model, element: &Element) -> Outcome<Option<Shape>> {
    if kind(element).starts_with("pointCell") {
        return Ok(None);
    }
    let morphology = part(model, element, "morphology")?;
    let segments: Vec<&Element> = morphology.all("segment").collect();
    if segments.is_empty() {
        return Ok(None);
    }
    if let [segment] = segments[..] {
        let diameters = [segment.child("proximal"), segment.child("distal")].map(|e| e.map(end).transpose());
        if let [Ok(Some(from)), Ok(Some(to))] = diameters
            && from.diameter == to.diameter
        {
            return Ok(None);
        }
    }
    Shape::read(morphology).map(Some)
}

/// Reads a cell of one segment, or a stretch of one of several.
pub fn read<'a>(model: &Model<'a>, element: &'a Element, stretch: Option<&Stretch>) -> Outcome<Membrane<'a>> {
    if kind(element).starts_with("pointCell") {
        return point(model, element);
    }
    let biophysics = part(model, element, "biophysicalProperties")?;
    let shape = match stretch {
        Some(stretch) => (Some(stretch.cylinder.0), stretch.cylinder.1),
        None => cylinder(part(model, element, "morphology")?)?,
    };
    let id = biophysics.get("id").unwrap_or("biophysicalProperties").to_string();
    let heads = [id, "biophysicalProperties".to_string()];
    let mut found = Found { morphology: part(model, element, "morphology").ok(), ..Found::default() };
    for child in &biophysics.children {
        match child.name.as_str() {
            "membraneProperties" => child.children.iter().try_for_each(|own| found.membrane(model, own, stretch))?,
            "intracellularProperties" => child.children.iter().try_for_each(|own| found.inside(model, own, stretch))?,
            "notes" | "annotation" | "property" | "extracellularProperties" => {}
            other => return Err(super::part::unknown(child, other)),
        }
    }
    let incomplete = |missing: &str, within: &str| {
        flaw(&biophysics.place, format!("the membrane has no `{missing}`"), "incomplete").help(format!(
            "write a `{missing}`{} in its `{within}`",
            if stretch.is_some() { " for each segment" } else { "" }
        ))
    };
    if stretch.is_some() && found.resistivity.is_none() {
        return Err(incomplete("resistivity", "intracellularProperties"));
    }
    Ok(Membrane {
        shape: Some(shape),
        resistivity: found.resistivity,
        capacitance: found.capacitance.ok_or_else(|| incomplete("specificCapacitance", "membraneProperties"))?,
        initial: found.initial.ok_or_else(|| incomplete("initMembPotential", "membraneProperties"))?,
        threshold: found.threshold,
        channels: found.channels,
        species: found.species,
        paths: heads.iter().map(|h| format!("{h}/membraneProperties")).collect(),
        inner_paths: heads.iter().map(|h| format!("{h}/intracellularProperties")).collect(),
    })
}

/// What biophysical properties say of a stretch.
#[derive(Default)]
struct Found<'a> {
    morphology: Option<&'a Element>,
    capacitance: Option<Quantity>,
    initial: Option<Quantity>,
    threshold: Option<Quantity>,
    resistivity: Option<Quantity>,
    channels: Vec<(&'a Element, Option<Quantity>)>,
    species: Option<&'a Element>,
}

impl<'a> Found<'a> {
    fn membrane(&mut self, model: &Model, own: &'a Element, stretch: Option<&Stretch>) -> Outcome<()> {
        let (slot, dimension) = match own.name.as_str() {
            "notes" | "annotation" | "property" => return Ok(()),
            "specificCapacitance" => (&mut self.capacitance, SPECIFIC),
            "initMembPotential" => (&mut self.initial, VOLTAGE),
            "spikeThresh" => (&mut self.threshold, VOLTAGE),
            "channelDensityNonUniform" | "channelDensityNonUniformNernst" => {
                let (Some(stretch), Some(morphology)) = (stretch, self.morphology) else {
                    return Err(super::part::unknown(own, &own.name));
                };
                if applies(density::varying(own)?, Some(stretch))? {
                    let there = density::at(own, morphology, stretch.shape, stretch.path)?;
                    self.channels.push((own, Some(there)));
                }
                return Ok(());
            }
            _ => {
                if applies(own, stretch)? {
                    parametrised(own)?;
                    self.channels.push((own, None));
                }
                return Ok(());
            }
        };
        once(model, own, stretch, slot, dimension)
    }

    fn inside(&mut self, model: &Model, own: &'a Element, stretch: Option<&Stretch>) -> Outcome<()> {
        match own.name.as_str() {
            "species" if !applies(own, stretch)? => Ok(()),
            "species" if self.species.is_some() => Err(twice(own)),
            "species" => {
                self.species = Some(own);
                Ok(())
            }
            // Resistance along the cell says nothing of one compartment.
            "resistivity" if stretch.is_none() => Ok(()),
            "resistivity" => once(model, own, stretch, &mut self.resistivity, RESISTIVITY),
            "notes" | "annotation" | "property" => Ok(()),
            other => Err(super::part::unknown(own, other)),
        }
    }
}

/// Reads a value that a stretch has once.
fn once(
    model: &Model,
    own: &Element,
    stretch: Option<&Stretch>,
    slot: &mut Option<Quantity>,
    dimension: Dimension,
) -> Outcome<()> {
    if applies(own, stretch)? {
        let value = model.quantity(own, "value", dimension)?;
        if slot.replace(value).is_some() {
            return Err(twice(own));
        }
    }
    Ok(())
}

/// Whether a property is one of a stretch: of all cells of one segment, and of segments that are in its group.
fn applies(own: &Element, stretch: Option<&Stretch>) -> Outcome<bool> {
    let Some(stretch) = stretch else { return Ok(true) };
    let group = own.get("segmentGroup").unwrap_or("all");
    let mut among = Vec::new();
    for &member in stretch.members {
        let there = match own.get("segment") {
            Some(id) => {
                let named = stretch.shape.segment(id);
                named.map(|n| n == member).ok_or_else(|| {
                    flaw(&own.place, format!("there is no segment {id}"), "named here").help("mend the number")
                })?
            }
            None => stretch.shape.holds(group, member).ok_or_else(|| {
                flaw(&own.place, format!("there is no group `{group}`"), "named here")
                    .help("declare a `segmentGroup` of this name")
            })?,
        };
        among.push(there);
    }
    if among.iter().any(|there| *there != among[0]) {
        return Err(flaw(&own.place, "this holds for a part of an unbranched section", "here")
            .help("mark other groups as sections, so that each is wholly in the group or not at all"));
    }
    Ok(among.first() == Some(&true))
}

fn twice(element: &Element) -> Box<crate::convert::Flaw> {
    flaw(&element.place, format!("`{}` is declared twice", element.name), "the second").help("a segment has one")
}

fn parametrised(element: &Element) -> Outcome<()> {
    match element.children.iter().find(|c| !matches!(c.name.as_str(), "notes" | "annotation" | "property")) {
        Some(child) => Err(super::part::unknown(child, &child.name)),
        None => Ok(()),
    }
}

fn point<'a>(model: &Model<'a>, element: &'a Element) -> Outcome<Membrane<'a>> {
    let skip = |c: &&Element| !matches!(c.name.as_str(), "notes" | "annotation" | "property");
    Ok(Membrane {
        shape: None,
        resistivity: None,
        capacitance: model.quantity(element, "C", [-1, -2, 4, 2, 0, 0, 0])?,
        initial: model.quantity(element, "v0", VOLTAGE)?,
        threshold: Some(model.quantity(element, "thresh", VOLTAGE)?),
        channels: element.children.iter().filter(skip).map(|c| (c, None)).collect(),
        species: None,
        paths: Vec::new(),
        inner_paths: Vec::new(),
    })
}

/// An element within a cell, or one that the cell names.
fn part<'a>(model: &Model<'a>, element: &'a Element, tag: &str) -> Outcome<&'a Element> {
    match element.child(tag) {
        Some(found) => Ok(found),
        None if element.get(tag).is_some() => model.referred(element, tag),
        None => Err(flaw(&element.place, format!("this cell has no `{tag}`"), "incomplete")
            .help(format!("write a `{tag}` within it"))),
    }
}

/// Length and diameter of the only segment.
fn cylinder(morphology: &Element) -> Outcome<(Option<f64>, f64)> {
    let mut segments = morphology.all("segment");
    let Some(segment) = segments.next() else {
        return Err(
            flaw(&morphology.place, "this morphology has no segment", "incomplete").help("write a `segment` within it")
        );
    };
    let (Some(proximal), Some(distal)) = (segment.child("proximal"), segment.child("distal")) else {
        return Err(
            flaw(&segment.place, "this segment has no two ends", "incomplete").help("write `proximal` and `distal`")
        );
    };
    let (from, to): (End, End) = (end(proximal)?, end(distal)?);
    let length = from.to(&to);
    Ok(((length > 0.0).then_some(length), from.diameter))
}
