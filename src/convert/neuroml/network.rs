//! The network of a file: populations, connections and inputs, as lists.

use super::dimension::{NONE, Quantity, TIME};
use super::group::Spot;
use super::model::{Model, kind};
use super::place::{Outcome, flaw};
use super::xml::Element;
use crate::convert::Flaw;
use std::collections::BTreeMap;

/// What is simulated.
#[derive(Default)]
pub struct Network<'a> {
    /// Its name.
    pub id: String,
    /// Populations in the order of the file.
    pub populations: Vec<Population<'a>>,
    /// Connections, by projection and synapse.
    pub links: Vec<Link<'a>>,
    /// What is put into cells.
    pub inputs: Vec<Input<'a>>,
    /// Its temperature.
    pub temperature: Option<Quantity>,
    /// Remarks.
    pub notes: Vec<String>,
}

/// A population.
pub struct Population<'a> {
    /// Its name.
    pub id: &'a str,
    /// What its cells are.
    pub component: &'a Element,
    /// How many there are.
    pub size: usize,
    /// The index of each instance, where instances have numbers of their own.
    instances: BTreeMap<String, usize>,
}

/// How cells are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// Events of one act on the other.
    Events,
    /// At every step, both ways.
    Electrical,
    /// At every step, from one to the other.
    Continuous,
}

/// Connections of one kind between two populations.
pub struct Link<'a> {
    /// The name of the projection.
    pub id: String,
    /// How cells are joined.
    pub joint: Joint,
    /// From which population.
    pub pre: usize,
    /// To which population.
    pub post: usize,
    /// The synapse.
    pub synapse: &'a Element,
    /// Where on the first cells they begin.
    pub pre_spot: Spot,
    /// Where on the second ones they end.
    pub post_spot: Spot,
    /// The connections.
    pub pairs: Vec<Pair>,
}

/// A connection.
#[derive(Clone, Debug)]
pub struct Pair {
    /// From which cell.
    pub pre: usize,
    /// To which cell.
    pub post: usize,
    /// Its weight.
    pub weight: f64,
    /// Its delay.
    pub delay: Option<Quantity>,
}

/// What is put into a cell.
pub struct Input<'a> {
    /// What it is.
    pub component: &'a Element,
    /// Into which population.
    pub population: usize,
    /// Into which cell.
    pub cell: usize,
    /// Its weight.
    pub weight: f64,
    /// Where on it.
    pub spot: Spot,
}

impl<'a> Population<'a> {
    /// A population of one cell.
    pub fn one(component: &'a Element) -> Self {
        let id = component.get("id").unwrap_or("cell");
        Population { id, component, size: 1, instances: BTreeMap::new() }
    }
}

const MOST_CELLS: usize = 100_000_000;

impl<'a> Network<'a> {
    /// Reads a network.
    pub fn read(model: &Model<'a>, element: &'a Element) -> (Network<'a>, Vec<Flaw>) {
        let mut network = Network { id: element.get("id").unwrap_or("network").to_string(), ..Network::default() };
        let mut flaws: Vec<Flaw> = Vec::new();
        match model.optional(element, "temperature", [0, 0, 0, 0, 1, 0, 0]) {
            Ok(found) => network.temperature = found,
            Err(found) => flaws.push(*found),
        }
        let populations =
            |c: &&Element| matches!(c.name.as_str(), "population" | "populationList") || model.population(c).is_some();
        for child in element.children.iter().filter(populations) {
            flaws.extend(network.population(model, child).err().map(|f| *f));
        }
        if !flaws.is_empty() {
            return (network, flaws);
        }
        for child in &element.children {
            flaws.extend(network.child(model, child).err().map(|f| *f));
        }
        (network, flaws)
    }

    fn population(&mut self, model: &Model<'a>, element: &'a Element) -> Outcome<()> {
        let (own_size, component) = match model.population(element) {
            Some((size, component)) => (Some(size), model.named(element, component)?),
            None => (element.get("size"), model.referred(element, "component")?),
        };
        let mut instances = BTreeMap::new();
        let mut located = false;
        for (index, instance) in element.all("instance").enumerate() {
            let id = instance.get("id").map_or_else(|| index.to_string(), str::to_string);
            located |= instance.child("location").is_some();
            if instances.insert(id.clone(), index).is_some() {
                return Err(flaw(&instance.place, format!("the instance `{id}` is declared twice"), "the second"));
            }
        }
        let size = match own_size.filter(|_| instances.is_empty()) {
            None => instances.len(),
            Some(text) => text.parse().ok().filter(|n| *n <= MOST_CELLS).ok_or_else(|| {
                flaw(&element.place, format!("`{text}` is no number of cells"), "here").help("write a whole number")
            })?,
        };
        for child in &element.children {
            match child.name.as_str() {
                "instance" | "property" | "notes" | "annotation" => {}
                other => {
                    return Err(flaw(
                        &child.place,
                        format!("`{other}` of a population cannot be carried over"),
                        "here",
                    )
                    .help("write a `size`, or an `instance` for each cell"));
                }
            }
        }
        let id = element.need("id")?;
        if located {
            self.notes.push(format!("locations of the cells of `{id}` are left out: nothing depends on them"));
        }
        self.populations.push(Population { id, component, size, instances });
        Ok(())
    }

    fn child(&mut self, model: &Model<'a>, element: &'a Element) -> Outcome<()> {
        match element.name.as_str() {
            "population" | "populationList" | "notes" | "annotation" | "property" | "space" | "region" | "layout" => {
                Ok(())
            }
            "projection" => self.projection(model, element, Joint::Events),
            "electricalProjection" => self.projection(model, element, Joint::Electrical),
            "continuousProjection" => self.projection(model, element, Joint::Continuous),
            "synapticConnection" | "synapticConnectionWD" => self.single(model, element),
            "explicitInput" => {
                let component = model.referred(element, "input")?;
                let (population, cell) = self.cell(element, element.need("target")?, None)?;
                self.inputs.push(Input { component, population, cell, weight: 1.0, spot: Spot::default() });
                Ok(())
            }
            "inputList" => self.input_list(model, element),
            _ if model.population(element).is_some() => Ok(()),
            other if model.is_own(kind(element)) => {
                let structure = model.full_type(kind(element)).and_then(|t| t.structure);
                match structure.filter(|s| !s.more).and_then(|s| s.joins) {
                    Some((from, to, Some(synapse))) => self.joined(model, element, [&from, &to, &synapse]),
                    _ => Err(flaw(&element.place, format!("`{other}` in a network cannot be carried over"), "here")
                        .help("write what it does in the `.neuro` file by hand")),
                }
            }
            other => Err(flaw(&element.place, format!("`{other}` in a network cannot be carried over"), "here")
                .help("write what it does in the `.neuro` file by hand")),
        }
    }

    fn projection(&mut self, model: &Model<'a>, element: &'a Element, joint: Joint) -> Outcome<()> {
        let pre = self.named(element, element.need("presynapticPopulation")?)?;
        let post = self.named(element, element.need("postsynapticPopulation")?)?;
        let id = element.get("id").unwrap_or("").to_string();
        let common = match joint {
            Joint::Events => Some(model.referred(element, "synapse")?),
            _ => None,
        };
        let mut links: Vec<Link<'a>> = Vec::new();
        for child in &element.children {
            if matches!(child.name.as_str(), "notes" | "annotation" | "property") {
                continue;
            }
            let from = child.get("preCellId").or(child.get("preCell"));
            let to = child.get("postCellId").or(child.get("postCell"));
            let (Some(from), Some(to)) = (from, to) else {
                return Err(flaw(&child.place, format!("`{}` names no two cells", child.name), "here")
                    .help("write `preCellId` and `postCellId`"));
            };
            let synapse = match (joint, common) {
                (_, Some(common)) => common,
                (Joint::Electrical, _) => model.referred(child, "synapse")?,
                _ => self.continuous(model, child)?,
            };
            let (pre, own_pre) = self.cell(child, from, Some(pre))?;
            let (post, own_post) = self.cell(child, to, Some(post))?;
            let delay = model.optional(child, "delay", TIME)?;
            let pre_spot = Spot::read(child, &["preSegmentId", "preSegment"], "preFractionAlong")?;
            let post_spot = Spot::read(child, &["postSegmentId", "postSegment"], "postFractionAlong")?;
            let pair = Pair { pre: own_pre, post: own_post, weight: weight(model, child)?, delay };
            let same =
                |l: &&mut Link| std::ptr::eq(l.synapse, synapse) && l.pre_spot == pre_spot && l.post_spot == post_spot;
            match links.iter_mut().find(same) {
                Some(link) => link.pairs.push(pair),
                None => {
                    let (id, pairs) = (id.clone(), vec![pair]);
                    links.push(Link { id, joint, pre, post, synapse, pre_spot, post_spot, pairs });
                }
            }
        }
        self.links.extend(links);
        Ok(())
    }

    fn continuous(&self, model: &Model<'a>, element: &Element) -> Outcome<&'a Element> {
        let before = model.referred(element, "preComponent")?;
        if kind(before) != "silentSynapse" {
            let message = format!("`{}` acts on the presynaptic cell", before.get("id").unwrap_or(""));
            return Err(
                flaw(&element.place, message, "here").help("write the other direction as a projection of its own")
            );
        }
        model.referred(element, "postComponent")
    }

    fn single(&mut self, model: &Model<'a>, element: &'a Element) -> Outcome<()> {
        self.joined(model, element, ["from", "to", "synapse"])
    }

    /// A connection of two cells, which attributes name.
    fn joined(&mut self, model: &Model<'a>, element: &'a Element, names: [&str; 3]) -> Outcome<()> {
        let synapse = model.referred(element, names[2])?;
        let (pre, from) = self.cell(element, element.need(names[0])?, None)?;
        let (post, to) = self.cell(element, element.need(names[1])?, None)?;
        let delay = model.optional(element, "delay", TIME)?;
        let pair = Pair { pre: from, post: to, weight: weight(model, element)?, delay };
        let joint = Joint::Events;
        let id = format!("{}_to_{}", self.populations[pre].id, self.populations[post].id);
        let same = |l: &&mut Link| l.pre == pre && l.post == post && std::ptr::eq(l.synapse, synapse) && l.id == id;
        match self.links.iter_mut().find(same) {
            Some(link) => link.pairs.push(pair),
            None => {
                let (pre_spot, post_spot) = (Spot::default(), Spot::default());
                self.links.push(Link { id, joint, pre, post, synapse, pre_spot, post_spot, pairs: vec![pair] });
            }
        }
        Ok(())
    }

    fn input_list(&mut self, model: &Model<'a>, element: &'a Element) -> Outcome<()> {
        let component = model.referred(element, "component")?;
        let population = self.named(element, element.need("population")?)?;
        for child in &element.children {
            match child.name.as_str() {
                "input" | "inputW" => {
                    let (population, cell) = self.cell(child, child.need("target")?, Some(population))?;
                    let spot = Spot::read(child, &["segmentId"], "fractionAlong")?;
                    self.inputs.push(Input { component, population, cell, weight: weight(model, child)?, spot });
                }
                "notes" | "annotation" | "property" => {}
                other => {
                    return Err(flaw(
                        &child.place,
                        format!("`{other}` in an `inputList` cannot be carried over"),
                        "here",
                    ));
                }
            }
        }
        Ok(())
    }

    fn named(&self, element: &Element, name: &str) -> Outcome<usize> {
        self.populations.iter().position(|p| p.id == name).ok_or_else(|| {
            flaw(&element.place, format!("there is no population `{name}`"), "named here")
                .help("declare a `population` of this name")
        })
    }

    /// Population and index of `../pop[3]`, `../pop/3/cell`, `pop[3]`, or `3` where the population is known.
    pub fn cell(&self, element: &Element, path: &str, known: Option<usize>) -> Outcome<(usize, usize)> {
        let refuse =
            || flaw(&element.place, format!("`{path}` is no cell"), "named here").help("write `../population[index]`");
        let text = path.trim_start_matches("../").trim_start_matches("./");
        let (name, index) = if let Some((name, rest)) = text.split_once('[') {
            (name, rest.split(']').next().unwrap_or(""))
        } else if let Some((name, rest)) = text.split_once('/') {
            (name, rest.split('/').next().unwrap_or(""))
        } else if let (Some(_), Ok(_)) = (known, text.parse::<usize>()) {
            ("", text)
        } else {
            (text, "0")
        };
        let population = match (name, known) {
            ("", Some(known)) => known,
            _ => self.named(element, name)?,
        };
        let own = &self.populations[population];
        let found = match own.instances.get(index) {
            Some(index) => Some(*index),
            None => index.parse().ok().filter(|_| own.instances.is_empty()),
        };
        let index: usize = found.ok_or_else(refuse)?;
        if index >= own.size {
            return Err(flaw(
                &element.place,
                format!("`{}` has {} cells: there is none of index {index}", own.id, own.size),
                "named here",
            )
            .help("mend the index, or the size of the population"));
        }
        Ok((population, index))
    }
}

fn weight(model: &Model, element: &Element) -> Outcome<f64> {
    Ok(model.optional(element, "weight", NONE)?.map_or(1.0, |w| w.value))
}
