//! Cells with channels: one compartment of equations, or several that are coupled.
//!
//! Input: a `cell`, or a `pointCellCondBased`. Output: a neuron, and the channels that it needs.

use super::channel::{Driving, Wanted, declare, place_name};
use super::dimension::{CONDUCTANCE, CURRENT, Dimension, NONE, Quantity, TIME, VOLTAGE};
use super::group::{Group, Shared};
use super::membrane::{self, Membrane, Stretch};
use super::model::{Model, kind};
use super::neuron::Neuron;
use super::part::Builder;
use super::place::{Outcome, flaw};
use super::pools::Around;
use super::scope::{Scope, Written};
use super::xml::Element;

const DENSITY: Dimension = [-1, -4, 3, 2, 0, 0, 0];
const PERMEABILITY: Dimension = [0, 1, -1, 0, 0, 0, 0];
const CONCENTRATION: Dimension = [0, -3, 0, 0, 0, 1, 0];

/// Whether cells of a type have channels.
pub fn is_biophysical(kind: &str) -> bool {
    matches!(kind, "cell" | "cell2CaPools" | "pointCellCondBased" | "pointCellCondBasedCa")
}

/// Makes the declaration of a cell.
pub fn build<'a>(group: &mut Group<'a>, model: &Model<'a>, element: &'a Element, shared: &mut Shared) -> Outcome<()> {
    let Some(mut tree) = group.tree.take() else {
        let membrane = membrane::read(model, element, None)?;
        let rate = membrane_of(group, model, &membrane, shared)?;
        group.neuron.rates.push(("v".into(), rate));
        if let Some(threshold) = &membrane.threshold {
            group.neuron.emits.push(("spike".into(), format!("rising v > {}", threshold.text), Vec::new()));
        }
        return Ok(());
    };
    let mut populations: Vec<&Element> = Vec::new();
    let sender = tree.sender.or(tree.compartment(None, 0.5)).unwrap_or(0);
    let mut threshold = None;
    for (n, own) in tree.compartments.iter_mut().enumerate() {
        let stretch = Stretch { shape: &tree.shape, members: &own.members, cylinder: own.cylinder, path: own.path };
        let membrane = membrane::read(model, element, Some(&stretch))?;
        for (channels, _) in membrane.channels.iter().filter(|(c, _)| kind(c).starts_with("channelPopulation")) {
            if populations.iter().any(|known| std::ptr::eq(*known, *channels)) {
                let what = "a population of channels on several compartments cannot be carried over";
                return Err(flaw(&channels.place, what, "how many are on each is not said")
                    .help("write a `channelDensity`, or a `channelPopulation` for each compartment"));
            }
            populations.push(channels);
        }
        let current = membrane_of(&mut own.body, model, &membrane, shared)?;
        own.body.neuron.currents.extend((!current.is_empty()).then_some(current));
        if n == sender {
            threshold = membrane.threshold;
        }
    }
    tree.join(|own, first| {
        own.is_free() && own.neuron.emits.is_empty() && own.neuron.channels == first.neuron.channels
    });
    if let Some(threshold) = threshold {
        let test = format!("rising {}.v > {}", tree.name(sender), threshold.text);
        group.neuron.emits.push(("spike".into(), test, Vec::new()));
    }
    for n in 0..tree.compartments.len() {
        let name = tree.name(n);
        let emits = std::mem::take(&mut tree.compartments[n].body.neuron.emits);
        for (event, _, _) in emits {
            if event != "negative" {
                return Err(flaw(&element.place, "events within a compartment cannot be carried over", "of this cell")
                    .help("use synapses that only add to their states"));
            }
            let called = group.neuron.fresh("negative", &name.replace(['[', ']'], "_"));
            group.neuron.emits.push((called, format!("{name}.ca < 0 mM"), vec![format!("{name}.ca = 0 mM")]));
        }
    }
    if tree.compartments.iter().any(|c| c.tapers) {
        let what = "Stretches that taper are cylinders of the same area and axial resistance.";
        group.neuron.doc.push(what.into());
    }
    group.tree = Some(tree);
    Ok(())
}

/// Writes a membrane. Returns the rate of its potential, or of a compartment the current that synapses and inputs bring.
fn membrane_of<'a>(
    group: &mut Group<'a>,
    model: &Model<'a>,
    membrane: &Membrane<'a>,
    shared: &mut Shared,
) -> Outcome<String> {
    let neuron = std::mem::take(&mut group.neuron);
    let mut cell = Cell { model, neuron, shared, currents: Vec::new(), calcium: Vec::new() };
    cell.geometry(membrane)?;
    cell.neuron.taken.insert("v".into());
    cell.neuron.taken.insert("ca".into());
    cell.neuron.states.push(("v".into(), membrane.initial.text.clone()));
    cell.neuron.paths.insert("v".into(), "v".into());
    cell.pool(membrane)?;
    for (own, density) in &membrane.channels {
        cell.channel(own, density.as_ref(), membrane)?;
    }
    cell.concentration(membrane)?;
    let mut scope = Scope::default();
    scope.set("v", Written::atom("v", VOLTAGE));
    if membrane.species.is_some() {
        scope.set("caConc", Written::atom("ca", CONCENTRATION));
    }
    let mut neuron = cell.neuron;
    let currents = cell.currents;
    let sum = group.attach(&mut Builder { model, neuron: &mut neuron }, &scope, CURRENT, "i")?;
    group.neuron = neuron;
    let outward: String = currents.iter().map(|c| format!(" - {c}.current")).collect();
    Ok(match (&membrane.shape, &membrane.resistivity) {
        (_, Some(_)) if sum.text.is_empty() => String::new(),
        (_, Some(_)) => format!("-{}", sum.within(6)),
        (Some(_), None) => format!("({} / area{outward}) / C_m", sum.within(6)),
        (None, None) => format!("({}{outward}) / C", sum.text),
    })
}

struct Cell<'m, 's, 'a> {
    model: &'m Model<'a>,
    neuron: Neuron,
    shared: &'m mut Shared<'s>,
    currents: Vec<String>,
    calcium: Vec<String>,
}

impl<'a> Cell<'_, '_, 'a> {
    fn geometry(&mut self, membrane: &Membrane) -> Outcome<()> {
        let capacitance = membrane.capacitance.text.clone();
        if let Some(resistivity) = &membrane.resistivity {
            self.param("C_m", capacitance);
            self.param("R_a", resistivity.text.clone());
            self.neuron.kept.extend(["C_m", "R_a"].map(String::from));
            return Ok(());
        }
        match &membrane.shape {
            None => self.param("C", capacitance),
            Some((length, diameter)) => {
                self.param("d", format!("{} um", super::dimension::number(*diameter)));
                match length {
                    Some(length) => {
                        self.param("L", format!("{} um", super::dimension::number(*length)));
                        self.neuron.lets.push(("area".into(), "pi * d * L".into()));
                    }
                    None => self.neuron.lets.push(("area".into(), "pi * d^2".into())),
                }
                self.neuron.taken.insert("area".into());
                self.param("C_m", capacitance);
            }
        }
        Ok(())
    }

    fn param(&mut self, name: &str, value: String) {
        self.neuron.taken.insert(name.into());
        self.neuron.params.push((name.into(), value));
    }

    /// The concentration of calcium.
    fn pool(&mut self, membrane: &Membrane) -> Outcome<()> {
        let Some(species) = membrane.species else { return Ok(()) };
        let inside = self.model.quantity(species, "initialConcentration", CONCENTRATION)?;
        self.neuron.states.push(("ca".into(), inside.text));
        if let Some(outside) = self.model.optional(species, "initialExtConcentration", CONCENTRATION)? {
            self.param("ca_ext", outside.text);
        }
        self.neuron.paths.insert("caConc".into(), "ca".into());
        let id = species.get("id").unwrap_or("ca");
        for head in &membrane.inner_paths {
            self.neuron.paths.insert(format!("{head}/{id}/concentration"), "ca".into());
            self.neuron.paths.insert(format!("{head}/caConc"), "ca".into());
        }
        Ok(())
    }

    fn concentration(&mut self, membrane: &Membrane<'a>) -> Outcome<()> {
        let Some(species) = membrane.species else { return Ok(()) };
        let pool = self.model.referred(species, "concentrationModel")?;
        let flux = match self.calcium.as_slice() {
            [] => None,
            all => Some(all.iter().map(|c| format!("{c}.current")).collect::<Vec<_>>().join(" + ")),
        };
        if membrane.shape.is_none() {
            return Err(flaw(
                &pool.place,
                "a pool of calcium of a cell without a surface cannot be carried over",
                "here",
            ));
        }
        if self.model.is_own(kind(pool)) && self.model.is_a(kind(pool), "concentrationModel") {
            return self.own_pool(pool, species, flux, membrane);
        }
        let rest = self.model.quantity(pool, "restingConc", CONCENTRATION)?;
        self.param("ca_rest", rest.text);
        let enters = |factor: &str| match &flux {
            None => String::new(),
            Some(one) if !one.contains(" + ") => format!("-{one}{factor} "),
            Some(several) => format!("-({several}){factor} "),
        };
        let rate = match kind(pool) {
            "fixedFactorConcentrationModel" => {
                let tau = self.model.quantity(pool, "decayConstant", TIME)?.text;
                let rho = self.model.quantity(pool, "rho", [0, -1, -1, -1, 0, 1, 0])?.text;
                self.param("tau_ca", tau);
                if flux.is_some() {
                    self.param("rho", rho);
                }
                format!("{}- (ca - ca_rest) / tau_ca", enters(" * rho"))
            }
            "fixedFactorConcentrationModelTraub" => {
                let beta = self.model.quantity(pool, "beta", [0, 0, -1, 0, 0, 0, 0])?.text;
                let phi = self.model.quantity(pool, "phi", [0, -1, -1, -1, 0, 1, 0])?.text;
                self.param("beta_ca", beta);
                if flux.is_some() {
                    self.param("phi_ca", phi);
                }
                format!("{}- (ca - ca_rest) * beta_ca", enters(" * 1e-9 * phi_ca"))
            }
            "decayingPoolConcentrationModel" => {
                let tau = self.model.quantity(pool, "decayConstant", TIME)?.text;
                let shell = self.model.quantity(pool, "shellThickness", [0, 1, 0, 0, 0, 0, 0])?.text;
                self.param("tau_ca", tau);
                if flux.is_some() {
                    self.param("shell", shell);
                    self.area(membrane);
                    let radius = "sqrt(area / (4 * 3.14159))".to_string();
                    self.neuron.lets.push(("radius".into(), radius));
                    let volume = "4 / 3 * 3.14159 * (radius^3 - (radius - shell)^3)".to_string();
                    self.neuron.lets.push(("volume".into(), volume));
                }
                format!("{}- (ca - ca_rest) / tau_ca", enters(" * area / (2 * 96485.3 C/mol * volume)"))
            }
            own => return Err(super::part::unknown(pool, own)),
        };
        let rate = rate.strip_prefix("- (ca - ca_rest)").map_or(rate.clone(), |rest| format!("(ca_rest - ca){rest}"));
        self.neuron.rates.push(("ca".into(), rate));
        let below = ("negative".to_string(), "ca < 0 mM".to_string(), vec!["ca = 0 mM".to_string()]);
        self.neuron.emits.push(below);
        Ok(())
    }

    /// The area of a compartment; a cell of one segment knows its own.
    fn area(&mut self, membrane: &Membrane) {
        if let (Some((Some(length), diameter)), Some(_)) = (membrane.shape, &membrane.resistivity) {
            let area = super::dimension::number(std::f64::consts::PI * diameter * length);
            self.param("area", format!("{area} um^2"));
        }
    }

    /// A pool of a type of the file.
    fn own_pool(
        &mut self,
        pool: &'a Element,
        species: &Element,
        outward: Option<String>,
        membrane: &Membrane,
    ) -> Outcome<()> {
        self.area(membrane);
        let inside = self.model.quantity(species, "initialConcentration", CONCENTRATION)?;
        let outside = species.get("initialExtConcentration").map(|_| "ca_ext");
        let around = Around { outward, area: "area".into(), inside: &inside, outside };
        super::pools::own(&mut Builder { model: self.model, neuron: &mut self.neuron }, pool, &around)
    }

    fn channel(&mut self, element: &'a Element, density: Option<&Quantity>, membrane: &Membrane<'a>) -> Outcome<()> {
        let id = element.need("id")?;
        let ion_channel = self.model.referred(element, "ionChannel")?;
        let own = kind(element);
        let conductance = match own {
            _ if density.is_some() => density.cloned().unwrap_or(Quantity::number(0.0)),
            "channelPopulation" | "channelPopulationNernst" => {
                self.model.quantity(ion_channel, "conductance", CONDUCTANCE)?
            }
            "channelDensityGHK" => self.model.quantity(element, "permeability", PERMEABILITY)?,
            "channelDensity" | "channelDensityNernst" => self.model.quantity(element, "condDensity", DENSITY)?,
            _ => return Err(super::part::unknown(element, own)),
        };
        let count = match own {
            "channelPopulation" | "channelPopulationNernst" => Some(self.model.quantity(element, "number", NONE)?),
            _ => None,
        };
        let conductance = count.map_or(conductance.clone(), |n| conductance.times(n.value));
        let conductance = match membrane.area().filter(|_| own.starts_with("channelPopulation")) {
            Some(area) => per_area(&conductance, area),
            None => conductance,
        };
        let driving = match own {
            "channelDensityGHK" => Driving::Field(self.temperature(element)?),
            "channelDensityNernst" | "channelPopulationNernst" | "channelDensityNonUniformNernst" => {
                self.nernst(element, membrane)?;
                Driving::Moving
            }
            _ => Driving::Fixed(self.model.quantity(element, "erev", VOLTAGE)?.text),
        };
        let key = format!(
            "{} {} {}",
            ion_channel.need("id")?,
            conductance.dimension.map(|n| n.to_string()).concat(),
            way(&driving)
        );
        let erev = match &driving {
            Driving::Fixed(erev) => Some(erev.clone()),
            _ => None,
        };
        let first = !self.shared.channels.contains_key(&key);
        if first {
            let temperature = self.shared.temperature.cloned();
            let wanted = Wanted {
                element: ion_channel,
                conductance: conductance.clone(),
                driving: driving.clone(),
                temperature,
            };
            let (declared, text) = declare(self.model, &wanted, self.shared.names)?;
            self.shared.channels.insert(key.clone(), declared);
            self.shared.texts.push(text);
        }
        let Some(declared) = self.shared.channels.get(&key).cloned() else { return Ok(()) };
        if (declared.calcium || driving_needs(&driving)) && membrane.species.is_none() {
            return Err(flaw(&element.place, "this channel needs a concentration of calcium", "the cell has none")
                .help("write a `species` in the `intracellularProperties` of the cell"));
        }
        let name = self.neuron.fresh(&place_name(id), "");
        let strength = if matches!(driving, Driving::Field(_)) { "P" } else { "g_max" };
        // What the channel says itself need not be repeated.
        let mut arguments = Vec::new();
        if declared.strength != conductance.text {
            arguments.push(format!("{strength} = {}", conductance.text));
        }
        arguments.extend(erev.filter(|e| declared.reversal.as_ref() != Some(e)).map(|e| format!("E = {e}")));
        if driving == Driving::Moving {
            arguments.push("E = E_ca".into());
        }
        let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
        self.neuron.channels.push(format!("channel {name}: {}{arguments}", declared.name));
        let mut paths: Vec<(String, String)> = Vec::new();
        let below = ion_channel.get("id").unwrap_or("");
        for (gate, called) in &declared.gates {
            let written = format!("{name}.{called}");
            match gate.as_str() {
                "g" => paths.extend(["gDensity", "geff"].map(|q| (format!("{id}/{q}"), written.clone()))),
                _ => paths.push((format!("{id}/{below}/{gate}"), written)),
            }
        }
        let inward =
            ["iDensity", "i"].into_iter().find(|q| self.model.records(q) && (*q == "i") == membrane.shape.is_none());
        if let Some(quantity) = inward {
            // Inward, as NeuroML has it.
            let called = self.neuron.fresh("i", &place_name(id));
            self.neuron.lets.push((called.clone(), format!("-{name}.current")));
            paths.push((format!("{id}/{quantity}"), called));
        }
        for (path, written) in paths {
            for head in &membrane.paths {
                self.neuron.paths.insert(format!("{head}/{path}"), written.clone());
            }
            self.neuron.paths.insert(path, written);
        }
        if element.get("ion") == Some("ca") {
            self.calcium.push(name.clone());
        }
        if matches!(driving, Driving::Field(_)) {
            // An argument of the channel, of the same name.
            self.neuron.kept.insert("ca_ext".into());
        }
        self.currents.push(name);
        Ok(())
    }

    fn temperature(&self, element: &Element) -> Outcome<String> {
        self.shared.temperature.map(|t| t.text.clone()).ok_or_else(|| {
            flaw(&element.place, "the temperature is not known", "needed here")
                .help("write `temperature=\"…degC\"` in the network, and `type=\"networkWithTemperature\"`")
        })
    }

    /// The reversal potential of calcium, recomputed.
    fn nernst(&mut self, element: &Element, membrane: &Membrane) -> Outcome<()> {
        if membrane.species.is_none_or(|s| s.get("initialExtConcentration").is_none()) {
            return Err(flaw(
                &element.place,
                "this channel needs concentrations of calcium on both sides",
                "the cell has none",
            )
            .help("write a `species` with `initialExtConcentration` in the `intracellularProperties` of the cell"));
        }
        if self.neuron.taken.insert("E_ca".into()) {
            let temperature = self.temperature(element)?;
            let text = format!("8.3144621 J/K/mol * {temperature} / (2 * 96485.3 C/mol) * log(ca_ext / ca)");
            self.neuron.channels.push(format!("let E_ca = {text}"));
        }
        Ok(())
    }
}

/// A conductance through an area, in square micrometres, as a density.
fn per_area(conductance: &Quantity, area: f64) -> Quantity {
    let value = conductance.value / (area * 1e-12);
    let unit = "mS/cm^2".to_string();
    Quantity { text: format!("{} {unit}", super::dimension::number(value / 10.0)), value, dimension: DENSITY, unit }
}

fn driving_needs(driving: &Driving) -> bool {
    !matches!(driving, Driving::Fixed(_))
}

fn way(driving: &Driving) -> &'static str {
    match driving {
        Driving::Fixed(_) => "fixed",
        Driving::Moving => "moving",
        Driving::Field(_) => "field",
    }
}
