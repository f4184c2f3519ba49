//! What a cell with channels has: shape, capacitance, channels, and calcium.

use super::dimension::{Dimension, Quantity, VOLTAGE};
use super::model::{Model, kind};
use super::place::{Outcome, flaw};
use super::xml::Element;

const SPECIFIC: Dimension = [-1, -4, 4, 2, 0, 0, 0];

/// What a cell of one compartment has.
pub struct Membrane<'a> {
    /// Length (none of a sphere) and diameter in micrometres; nothing for a cell without a surface.
    pub shape: Option<(Option<f64>, f64)>,
    /// Its capacitance, per area if it has a surface.
    pub capacitance: Quantity,
    /// Its potential at the beginning.
    pub initial: Quantity,
    /// Above which it spikes.
    pub threshold: Option<Quantity>,
    /// Populations and densities of channels.
    pub channels: Vec<&'a Element>,
    /// Its calcium.
    pub species: Option<&'a Element>,
    /// How paths to channels begin.
    pub paths: Vec<String>,
    /// How paths to calcium begin.
    pub inner_paths: Vec<String>,
}

/// Reads a cell.
pub fn read<'a>(model: &Model<'a>, element: &'a Element) -> Outcome<Membrane<'a>> {
    if kind(element).starts_with("pointCell") {
        return point(model, element);
    }
    let morphology = part(model, element, "morphology")?;
    let biophysics = part(model, element, "biophysicalProperties")?;
    let shape = cylinder(morphology)?;
    let id = biophysics.get("id").unwrap_or("biophysicalProperties").to_string();
    let heads = [id, "biophysicalProperties".to_string()];
    let mut out = Membrane {
        shape: Some(shape),
        capacitance: Quantity::number(0.0),
        initial: Quantity::number(0.0),
        threshold: None,
        channels: Vec::new(),
        species: None,
        paths: heads.iter().map(|h| format!("{h}/membraneProperties")).collect(),
        inner_paths: heads.iter().map(|h| format!("{h}/intracellularProperties")).collect(),
    };
    let mut found = (false, false);
    for child in &biophysics.children {
        match child.name.as_str() {
            "membraneProperties" => {
                for own in &child.children {
                    match own.name.as_str() {
                        "specificCapacitance" if found.0 => return Err(twice(own)),
                        "specificCapacitance" => {
                            out.capacitance = model.quantity(own, "value", SPECIFIC)?;
                            found.0 = true;
                        }
                        "initMembPotential" if found.1 => return Err(twice(own)),
                        "initMembPotential" => {
                            out.initial = model.quantity(own, "value", VOLTAGE)?;
                            found.1 = true;
                        }
                        "spikeThresh" if out.threshold.is_some() => return Err(twice(own)),
                        "spikeThresh" => out.threshold = Some(model.quantity(own, "value", VOLTAGE)?),
                        "notes" | "annotation" | "property" => {}
                        _ => {
                            parametrised(own)?;
                            out.channels.push(own);
                        }
                    }
                }
            }
            "intracellularProperties" => {
                for own in &child.children {
                    match own.name.as_str() {
                        "species" if out.species.is_some() => return Err(twice(own)),
                        "species" => out.species = Some(own),
                        // Resistance along the cell says nothing of one compartment.
                        "resistivity" | "notes" | "annotation" | "property" => {}
                        other => return Err(super::part::unknown(own, other)),
                    }
                }
            }
            "notes" | "annotation" | "property" | "extracellularProperties" => {}
            other => return Err(super::part::unknown(child, other)),
        }
    }
    let missing = if !found.0 { "specificCapacitance" } else { "initMembPotential" };
    if !(found.0 && found.1) {
        return Err(flaw(&biophysics.place, format!("the membrane has no `{missing}`"), "incomplete")
            .help(format!("write a `{missing}` in its `membraneProperties`")));
    }
    Ok(out)
}

fn twice(element: &Element) -> Box<crate::convert::Flaw> {
    flaw(&element.place, format!("`{}` is declared twice", element.name), "the second")
        .help("a cell of one segment has one")
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
        capacitance: model.quantity(element, "C", [-1, -2, 4, 2, 0, 0, 0])?,
        initial: model.quantity(element, "v0", VOLTAGE)?,
        threshold: Some(model.quantity(element, "thresh", VOLTAGE)?),
        channels: element.children.iter().filter(skip).collect(),
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
    if let Some(second) = segments.next() {
        return Err(flaw(&second.place, "a cell of several segments cannot be carried over", "the second segment")
            .help("write it as compartments with `length` and `diameter` in the `.neuro` file by hand"));
    }
    let (proximal, distal) = (segment.child("proximal"), segment.child("distal"));
    let (Some(proximal), Some(distal)) = (proximal, distal) else {
        return Err(
            flaw(&segment.place, "this segment has no two ends", "incomplete").help("write `proximal` and `distal`")
        );
    };
    let number = |end: &Element, name: &str| {
        let text = end.need(name)?;
        text.parse::<f64>().ok().filter(|x| x.is_finite()).ok_or_else(|| {
            flaw(&end.place, format!("`{text}` is no number"), "here").help("write a number of micrometres")
        })
    };
    let mut square = 0.0;
    for axis in ["x", "y", "z"] {
        square += (number(distal, axis)? - number(proximal, axis)?).powi(2);
    }
    let (one, other) = (number(proximal, "diameter")?, number(distal, "diameter")?);
    if one <= 0.0 || other <= 0.0 {
        return Err(flaw(&segment.place, "a diameter that is not above zero", "of this segment"));
    }
    if one != other {
        return Err(flaw(
            &segment.place,
            "a segment that tapers cannot be carried over",
            "its ends differ in diameter",
        )
        .help("give both ends the same diameter"));
    }
    let length = square.sqrt();
    Ok(((length > 0.0).then_some(length), one))
}
