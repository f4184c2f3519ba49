//! A file and all that it includes: types, components, networks and what is to be simulated.

use super::dimension::{Dimension, NONE, Quantity, Units};
use super::lems;
use super::notation;
use super::place::{Outcome, Place, flaw};
use super::scope::Scope;
use super::types::{Parameter, Type};
use super::xml::{self, Element};
use crate::convert::Flaw;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component as Part, Path, PathBuf};
use std::rc::Rc;

/// Files of the core, which are known.
const KNOWN_FILES: [&str; 10] = [
    "NeuroMLCoreDimensions.xml",
    "NeuroMLCoreCompTypes.xml",
    "NeuroML2CoreTypes.xml",
    "Cells.xml",
    "Channels.xml",
    "Synapses.xml",
    "Inputs.xml",
    "Networks.xml",
    "Simulation.xml",
    "PyNN.xml",
];

const MOST_FILES: usize = 2000;

/// Reads a file and those that it includes: the outermost element of each, the given one first.
pub fn files(text: &str, name: &Path, read: &dyn Fn(&Path) -> io::Result<String>) -> Result<Vec<Element>, Vec<Flaw>> {
    let mut roots = vec![xml::parse(text, None).map_err(|f| vec![*f])?];
    let mut seen = BTreeSet::from([plain(name)]);
    let mut waiting: Vec<(PathBuf, Place)> = includes(&roots[0], name);
    let mut flaws = Vec::new();
    waiting.reverse();
    while let Some((path, place)) = waiting.pop() {
        let known = path.file_name().and_then(|n| n.to_str()).is_some_and(|n| KNOWN_FILES.contains(&n));
        if known || !seen.insert(plain(&path)) {
            continue;
        }
        if seen.len() > MOST_FILES {
            flaws.push(*flaw(&place, format!("more than {MOST_FILES} files are included"), "too many"));
            break;
        }
        let file: Rc<Path> = Rc::from(path.as_path());
        let parsed = match read(&path) {
            Ok(text) => xml::parse(&text, Some(file)),
            Err(error) => Err(flaw(&place, format!("`{}` cannot be read: {error}", path.display()), "included here")
                .help("put the file where this one looks for it")),
        };
        match parsed {
            Ok(root) => {
                let mut more = includes(&root, &path);
                more.reverse();
                waiting.extend(more);
                roots.push(root);
            }
            Err(found) => flaws.push(*found),
        }
    }
    if flaws.is_empty() { Ok(roots) } else { Err(flaws) }
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Part::CurDir => {}
            Part::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

fn includes(root: &Element, path: &Path) -> Vec<(PathBuf, Place)> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let tags = root.children.iter().filter(|c| c.name == "Include" || c.name == "include");
    tags.filter_map(|c| Some((folder.join(c.get("file").or(c.get("href"))?), c.place.clone()))).collect()
}

/// Whether files use the types of the core.
fn uses_core(roots: &[Element]) -> bool {
    let known = |path: &str| path.rsplit('/').next().is_some_and(|n| KNOWN_FILES.contains(&n));
    let included = |c: &Element| c.get("file").or(c.get("href")).is_some_and(known);
    let includes =
        roots.iter().flat_map(|r| &r.children).any(|c| c.name.eq_ignore_ascii_case("include") && included(c));
    includes || roots.iter().any(|r| r.name == "neuroml")
}

/// All that files declare.
pub struct Model<'a> {
    /// Dimensions and units.
    pub units: Units,
    types: BTreeMap<String, Type>,
    /// Components by their identifier, in the order of the files.
    pub components: Vec<&'a Element>,
    by_name: BTreeMap<&'a str, &'a Element>,
    /// Whether the files use the types of the core.
    core: bool,
    /// Constants that are known everywhere.
    pub constants: Vec<(String, Quantity)>,
    /// What is to be simulated, if the files say so.
    pub target: Option<&'a Element>,
}

impl<'a> Model<'a> {
    /// Gathers what files declare.
    pub fn new(roots: &'a [Element]) -> (Model<'a>, Vec<Flaw>) {
        let mut units = Units::core();
        let mut flaws: Vec<Flaw> = Vec::new();
        let all = || roots.iter().flat_map(|r| &r.children);
        for element in all().filter(|e| e.name == "Dimension") {
            flaws.extend(lems::dimension(element, &mut units).err().map(|f| *f));
        }
        for element in all().filter(|e| e.name == "Unit") {
            flaws.extend(lems::unit(element, &mut units).err().map(|f| *f));
        }
        let types = notation::core(&units);
        let mut model = Model {
            units,
            types,
            components: Vec::new(),
            by_name: BTreeMap::new(),
            core: uses_core(roots),
            constants: Vec::new(),
            target: None,
        };
        for element in all() {
            if let Err(found) = model.add(element) {
                flaws.push(*found);
            }
        }
        (model, flaws)
    }

    fn add(&mut self, element: &'a Element) -> Outcome<()> {
        match element.name.as_str() {
            "Dimension" | "Unit" | "Include" | "include" | "notes" | "annotation" | "property" | "Assertion" => {}
            "Target" | "DefaultRun" => self.target = Some(element),
            "Constant" => {
                let name = element.get("name").or(element.get("symbol"));
                let quantity =
                    self.units.quantity(element.need("value")?).map_err(|e| flaw(&element.place, e, "here"))?;
                self.constants.push((name.unwrap_or("").to_string(), quantity));
            }
            "ComponentType" => {
                let own = lems::component_type(element, &self.units)?;
                // Where the core is included, what it declares is known; a file may repeat it.
                if !self.core || self.types.get(&own.name).is_none_or(|t| t.place.is_some()) {
                    self.types.insert(own.name.clone(), own);
                }
            }
            _ => {
                let id = element.need("id")?;
                self.components.push(element);
                if let Some(first) = self.by_name.insert(id, element)
                    && kind(first) != "Simulation"
                    && first != element
                {
                    return Err(flaw(&element.place, format!("`{id}` is declared twice"), "the second declaration")
                        .help("give one of them another `id`"));
                }
            }
        }
        Ok(())
    }

    /// The component of a name.
    pub fn component(&self, name: &str) -> Option<&'a Element> {
        self.by_name.get(name).copied()
    }

    /// The component that an attribute names.
    pub fn referred(&self, element: &Element, attribute: &str) -> Outcome<&'a Element> {
        self.named(element, element.need(attribute)?)
    }

    /// The component of a name, which an element needs.
    pub fn named(&self, element: &Element, name: &str) -> Outcome<&'a Element> {
        self.component(name).ok_or_else(|| {
            flaw(&element.place, format!("`{name}` is not declared"), "named here")
                .help(format!("declare a component with `id=\"{name}\"`, or include the file that does"))
        })
    }

    /// A type with all that it has of the types that it extends.
    pub fn full_type(&self, name: &str) -> Option<Type> {
        let mut chain = Vec::new();
        let mut next = Some(name.to_string());
        while let Some(name) = next {
            let found = self.types.get(&name)?;
            next = found.extends.clone();
            chain.push(found);
            if chain.len() > 64 {
                return None;
            }
        }
        let mut full = Type::default();
        for own in chain.into_iter().rev() {
            full = own.clone().with(&full);
        }
        Some(full)
    }

    /// Whether a type is, or extends, another one.
    pub fn is_a(&self, name: &str, base: &str) -> bool {
        let mut next = Some(name.to_string());
        for _ in 0..64 {
            match next {
                Some(n) if n == base => return true,
                Some(n) => next = self.types.get(&n).and_then(|t| t.extends.clone()),
                None => return false,
            }
        }
        false
    }

    /// Whether a simulation records a quantity of this name.
    pub fn records(&self, quantity: &str) -> bool {
        let simulations = self.components.iter().filter(|c| c.name == "Simulation");
        let files = simulations.flat_map(|s| &s.children);
        files
            .flat_map(|f| &f.children)
            .filter_map(|c| c.get("quantity"))
            .any(|q| q.rsplit('/').next() == Some(quantity))
    }

    /// The population that a component is: how many cells, of which component.
    pub fn population(&self, element: &'a Element) -> Option<(&'a str, &'a str)> {
        let (number, component) = self.full_type(kind(element))?.structure?.population?;
        Some((element.get(&number)?, element.get(&component)?))
    }

    /// Whether a component is a network.
    pub fn is_network(&self, element: &'a Element) -> bool {
        kind(element).starts_with("network") || element.children.iter().any(|c| self.population(c).is_some())
    }

    /// Components that nothing leads to from some of them.
    pub fn unused(&self, from: &[&'a Element]) -> Vec<&'a str> {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&Element> = from.to_vec();
        while let Some(element) = open.pop() {
            open.extend(&element.children);
            for attribute in &element.attributes {
                if let Some((id, found)) = self.by_name.get_key_value(attribute.value.as_str())
                    && reached.insert(id)
                {
                    open.push(found);
                }
            }
        }
        let all = self.components.iter().filter_map(|c| c.get("id"));
        all.filter(|id| !reached.contains(id)).collect()
    }

    /// Whether a type comes from a file.
    pub fn is_own(&self, name: &str) -> bool {
        self.types.get(name).is_some_and(|t| t.place.is_some())
    }

    /// What is known everywhere.
    pub fn scope(&self) -> Scope {
        let mut scope = Scope::default();
        for (name, quantity) in &self.constants {
            scope.set(name, super::scope::constant(quantity));
        }
        scope
    }

    /// A quantity of an attribute that must be there.
    pub fn quantity(&self, element: &Element, attribute: &str, dimension: Dimension) -> Outcome<Quantity> {
        self.read_quantity(element, attribute, element.need(attribute)?, dimension)
    }

    /// A quantity of an attribute, if it is there.
    pub fn optional(&self, element: &Element, attribute: &str, dimension: Dimension) -> Outcome<Option<Quantity>> {
        element.get(attribute).map(|text| self.read_quantity(element, attribute, text, dimension)).transpose()
    }

    fn read_quantity(&self, element: &Element, attribute: &str, text: &str, wanted: Dimension) -> Outcome<Quantity> {
        let quantity = self.units.quantity(text).map_err(|e| {
            flaw(&element.place, format!("`{attribute}`: {e}"), "in this element")
                .help("write a number and a unit of NeuroML")
        })?;
        if quantity.dimension == wanted {
            return Ok(quantity);
        }
        let (is, should) = (self.units.name(quantity.dimension), self.units.name(wanted));
        let message = format!("`{attribute}=\"{text}\"` is a {}, where a {} is needed", spoken(&is), spoken(&should));
        Err(flaw(&element.place, message, "wrong unit").help("mend the unit"))
    }

    /// The value of a parameter of a component.
    pub fn parameter(&self, element: &Element, parameter: &Parameter) -> Outcome<Quantity> {
        let text = match (element.get(&parameter.name), &parameter.default) {
            (Some(text), _) => text,
            (None, Some(text)) => text,
            (None, None) => element.need(&parameter.name)?,
        };
        if let Some(unit) = &parameter.unit {
            let bare = text.chars().all(|c| !c.is_alphabetic() || matches!(c, 'e' | 'E'));
            let text = if bare { format!("{text}{unit}") } else { text.to_string() };
            return self.read_quantity(element, &parameter.name, &text, parameter.dimension);
        }
        if parameter.dimension != NONE && text.parse() == Ok(0.0) {
            let zero = super::dimension::zero(parameter.dimension);
            return Ok(Quantity { text: zero, value: 0.0, dimension: parameter.dimension, unit: String::new() });
        }
        self.read_quantity(element, &parameter.name, text, parameter.dimension)
    }
}

fn spoken(dimension: &str) -> &str {
    if dimension == "none" { "pure number" } else { dimension }
}

/// The type of a component.
pub fn kind(element: &Element) -> &str {
    match (element.name.as_str(), element.get("type")) {
        ("Component", Some(kind)) => kind,
        ("population" | "network" | "property", _) | (_, None) => &element.name,
        (_, Some(kind)) => kind,
    }
}
