//! Ion channels as declarations of their own.
//!
//! Input: an `ionChannelHH` or its kin. Output: a `channel`, with a conductance per area or of the whole cell.

use super::dimension::{Dimension, NONE, Quantity, TIME, VOLTAGE, number};
use super::model::{Model, kind};
use super::neuron::{Neuron, rows};
use super::part::{Builder, unknown};
use super::place::{Outcome, flaw};
use super::scope::{Scope, Written, capital, identifier, unique};
use super::xml::Element;
use std::collections::HashSet;

const RATE: Dimension = [0, 0, -1, 0, 0, 0, 0];
const CONCENTRATION: Dimension = [0, -3, 0, 0, 0, 1, 0];

/// What a rate is called within its own formula.
const ITSELF: &str = "beta_of_itself";

/// How the current follows from what is open.
#[derive(Clone, Debug, PartialEq)]
pub enum Driving {
    /// From a reversal potential that stays.
    Fixed(String),
    /// From one that changes, which is an argument.
    Moving,
    /// By Goldman, Hodgkin and Katz, at a temperature.
    Field(String),
}

/// A channel to be declared.
pub struct Wanted<'a> {
    /// The channel.
    pub element: &'a Element,
    /// The conductance, or the permeability, of the first use.
    pub conductance: Quantity,
    /// How its current follows.
    pub driving: Driving,
    /// The temperature, if it is known.
    pub temperature: Option<Quantity>,
}

/// A channel that has been declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// Whether calcium is an argument.
    pub calcium: bool,
    /// Its own conductance or permeability.
    pub strength: String,
    /// Its own reversal potential, if it stays.
    pub reversal: Option<String>,
    /// Its gates, by their paths below the channel.
    pub gates: Vec<(String, String)>,
}

struct Making<'m, 'a> {
    model: &'m Model<'a>,
    temperature: Option<Quantity>,
    neuron: Neuron,
    scope: Scope,
    gates: Vec<String>,
    open: Vec<String>,
    paths: Vec<(String, String)>,
}

/// Declares a channel. The text is its declaration.
pub fn declare<'a>(model: &Model<'a>, wanted: &Wanted<'a>, names: &mut HashSet<String>) -> Outcome<(Declared, String)> {
    let element = wanted.element;
    if !matches!(kind(element), "ionChannelHH" | "ionChannel" | "ionChannelPassive" | "ionChannelVShift") {
        return Err(unknown(element, kind(element)));
    }
    let mut scope = Scope::default();
    scope.set("v", Written::atom("v", VOLTAGE));
    scope.set("caConc", Written::atom("ca", CONCENTRATION));
    scope.set("vShift", Written::atom("0 mV", VOLTAGE));
    let mut neuron = Neuron::default();
    for own in ["v", "ca", "E", "g_max", "ca_ext", "T", "P"] {
        neuron.taken.insert(own.into());
    }
    if let Some(shift) = model.optional(element, "vShift", VOLTAGE)? {
        scope.set("vShift", super::scope::constant(&shift));
    }
    if let Some(temperature) = &wanted.temperature {
        scope.set("temperature", super::scope::constant(temperature));
    }
    let temperature = wanted.temperature.clone();
    let mut making =
        Making { model, temperature, neuron, scope, gates: Vec::new(), open: Vec::new(), paths: Vec::new() };
    for child in &element.children {
        match child.name.as_str() {
            "notes" | "annotation" | "property" => {}
            "q10ConductanceScaling" => making.scaling(child)?,
            "baseConductanceScaling" | "baseConductanceScalingCaDependent" => making.own_scaling(child)?,
            _ => making.gate(child)?,
        }
    }
    let id = element.need("id")?;
    let name = unique(&capital(id), names);
    making.prune();
    if making
        .gates
        .iter()
        .chain(&making.open)
        .chain(making.neuron.lets.iter().map(|l| &l.1))
        .any(|x| x.contains(ITSELF))
    {
        return Err(flaw(&element.place, "a rate that follows from itself cannot be carried over", "of this channel"));
    }
    Ok(making.text(wanted, id, name))
}

impl<'a> Making<'_, 'a> {
    fn text(self, wanted: &Wanted, id: &str, name: String) -> (Declared, String) {
        let g_max = ("g_max".to_string(), wanted.conductance.text.clone());
        let mut open = self.open.join(" * ");
        let mut more = String::new();
        let mut paths = self.paths;
        if self.model.records("fopen") {
            more = format!("    let open = {}\n", if open.is_empty() { "1" } else { &open });
            open = "open".into();
            paths.push(("fopen".into(), "open".into()));
        }
        let conductances = ["gDensity", "geff"].iter().any(|q| self.model.records(q));
        if conductances && !matches!(wanted.driving, Driving::Field(_)) {
            more += &format!("    let g = g_max{}{open}\n", if open.is_empty() { "" } else { " * " });
            paths.push(("g".into(), "g".into()));
        }
        let conductances = paths.iter().any(|p| p.0 == "g");
        let strength = match (conductances, open.is_empty()) {
            (true, _) => "g".to_string(),
            (_, true) => "g_max".into(),
            _ => format!("g_max * {open}"),
        };
        let product = |first: &str| if open.is_empty() { first.to_string() } else { format!("{first} * {open}") };
        let (own, current) = match &wanted.driving {
            Driving::Fixed(erev) => (vec![g_max, ("E".to_string(), erev.clone())], format!("{} * (v - E)", strength)),
            Driving::Moving => (vec![g_max], format!("{} * (v - E)", strength)),
            Driving::Field(_) => {
                let first = ("P".to_string(), wanted.conductance.text.clone());
                (vec![first], format!("{} * 2 * F * (ca - ca_ext * exp(-x)) / exprel(-x)", product("P")))
            }
        };
        let mut params = own;
        params.extend(self.neuron.params.iter().cloned());
        let lets: String = self.neuron.lets.iter().map(|(n, x)| format!("    let {n} = {x}\n")).collect();
        let states: String = self.neuron.states.iter().map(|(n, x)| format!("    state {n} = {x}\n")).collect();
        let rates: String = self.neuron.rates.iter().map(|(n, x)| format!("    {n}' = {x}\n")).collect();
        let gates: String = self.gates.iter().map(|g| format!("    {g}\n")).collect();
        let field = match &wanted.driving {
            Driving::Field(temperature) => format!(
                "    # Goldman, Hodgkin and Katz, with the constants of NeuroML.\n    let F = 96485.3 C/mol\n    let x = 2 * F * v / (8.3144621 J/K/mol * {temperature})\n"
            ),
            _ => String::new(),
        };
        let body =
            format!("{}{states}{lets}{rates}{gates}{more}{field}    current = {current}\n", rows("param", &params));
        let uses = |word: &str| body.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == word);
        let calcium = uses("ca");
        let mut arguments = vec!["v: mV"];
        if calcium {
            arguments.push("ca: mM");
        }
        match wanted.driving {
            Driving::Moving => arguments.push("E: mV"),
            Driving::Field(_) => arguments.push("ca_ext: mM"),
            Driving::Fixed(_) => {}
        }
        let head = format!(
            "## `{}` of the file: `{id}`.\nchannel {name}({}) {{\n",
            kind(wanted.element),
            arguments.join(", ")
        );
        let reversal = match &wanted.driving {
            Driving::Fixed(erev) => Some(erev.clone()),
            _ => None,
        };
        let strength = wanted.conductance.text.clone();
        (Declared { name, calcium, strength, reversal, gates: paths }, format!("{head}{body}}}\n"))
    }

    /// Removes what neither gates nor the current need.
    fn prune(&mut self) {
        self.neuron.channels = std::mem::take(&mut self.gates);
        self.neuron.channels.push(self.open.join(" * "));
        self.neuron.prune();
        self.neuron.channels.pop();
        self.gates = std::mem::take(&mut self.neuron.channels);
    }

    fn scaling(&mut self, element: &'a Element) -> Outcome<()> {
        let factor = self.model.quantity(element, "q10Factor", NONE)?;
        let text = self.at_temperature(element, &factor)?;
        let name = self.neuron.fresh("scale", "");
        self.neuron.lets.push((name.clone(), text));
        self.open.push(name);
        Ok(())
    }

    /// A factor of a type that the file declares.
    fn own_scaling(&mut self, element: &'a Element) -> Outcome<()> {
        let mut builder = Builder { model: self.model, neuron: &mut self.neuron };
        let mut part = builder.begin(element, "scale", "scale/", &self.scope, 0)?;
        builder.finish(&mut part, None)?;
        let factor = part.scope.get("factor").filter(|w| w.dimension == NONE).ok_or_else(|| {
            flaw(&element.place, format!("`{}` has no `factor`", part.kind.name), "this scaling")
                .help("declare a `DerivedVariable` called `factor`")
        })?;
        self.open.push(factor.within(6));
        Ok(())
    }

    /// A factor for each ten kelvin above the temperature of the experiment.
    fn at_temperature(&self, element: &Element, factor: &Quantity) -> Outcome<String> {
        let kelvin = [0, 0, 0, 0, 1, 0, 0];
        let own = self.model.quantity(element, "experimentalTemp", kelvin)?;
        let Some(temperature) = &self.temperature else {
            return Err(flaw(&element.place, "the temperature is not known", "needed here")
                .help("write `temperature=\"…degC\"` in the network, and `type=\"networkWithTemperature\"`"));
        };
        Ok(format!("{}^(({} - {}) / 10 K)", factor.text, temperature.text, own.text))
    }

    fn gate(&mut self, element: &'a Element) -> Outcome<()> {
        let own = if element.name == "gate" { element.get("type").unwrap_or("gateHHrates") } else { kind(element) };
        let id = element.need("id")?.to_string();
        let name = self.neuron.fresh(&id, "");
        let instances = self.model.optional(element, "instances", NONE)?.map_or(1.0, |n| n.value);
        let phi = self.phi(element, &name)?;
        let gated = match own {
            "gateHHrates" => {
                let (alpha, beta) = self.rates(element, &name, false)?;
                self.gates.push(format!(
                    "gate {name} {{ alpha = {}   beta = {} }}",
                    scaled(&phi, &alpha),
                    scaled(&phi, &beta)
                ));
                name.clone()
            }
            "gateHHtauInf" => {
                let inf = self.variable(element, "steadyState", &name, NONE)?;
                let tau = self.variable(element, "timeCourse", &name, TIME)?;
                self.gates.push(format!("gate {name} {{ inf = {}   tau = {} }}", inf.text, over(&tau, &phi)));
                name.clone()
            }
            "gateHHratesTau" | "gateHHratesInf" | "gateHHratesTauInf" => {
                let (alpha, beta) = self.rates(element, &name, true)?;
                let inf = match own {
                    "gateHHratesTau" => format!("{} / ({} + {})", alpha.text, alpha.text, beta.text),
                    _ => self.variable(element, "steadyState", &name, NONE)?.text,
                };
                let tau = match own {
                    "gateHHratesInf" => {
                        let factor = phi.as_ref().map_or(String::new(), |p| format!("{p} * "));
                        format!("1 / ({factor}({} + {}))", alpha.text, beta.text)
                    }
                    _ => over(&self.variable(element, "timeCourse", &name, TIME)?, &phi),
                };
                self.gates.push(format!("gate {name} {{ inf = {inf}   tau = {tau} }}"));
                name.clone()
            }
            "gateHHInstantaneous" => {
                let inf = self.variable(element, "steadyState", &name, NONE)?;
                self.neuron.lets.push((name.clone(), inf.text));
                self.neuron.kept.insert(name.clone());
                name.clone()
            }
            "gateFractional" => self.fractional(element, &name, &phi)?,
            other if self.model.is_own(other) => return self.own_gate(element, &id, &name),
            other => {
                return Err(flaw(&element.place, format!("`{other}` cannot be carried over"), "this gate")
                    .help("write its equations as a `gate` of a `channel` in the `.neuro` file by hand"));
            }
        };
        self.paths.push((format!("{id}/q"), name));
        let power = if instances == 1.0 { gated } else { format!("{gated}^{}", number(instances)) };
        if instances != 0.0 {
            self.open.push(power);
        }
        Ok(())
    }

    /// A gate of a type that the file declares.
    fn own_gate(&mut self, element: &'a Element, id: &str, name: &str) -> Outcome<()> {
        let mut builder = Builder { model: self.model, neuron: &mut self.neuron };
        let mut part = builder.begin(element, name, &format!("{name}/"), &self.scope, 0)?;
        builder.finish(&mut part, None)?;
        let Some(open) = part.scope.get("fcond").filter(|w| w.dimension == NONE) else {
            return Err(flaw(&element.place, format!("`{}` has no `fcond`", part.kind.name), "this gate")
                .help("declare a `DerivedVariable` called `fcond`"));
        };
        if !self.neuron.emits.is_empty() {
            return Err(flaw(&element.place, "conditions of a gate cannot be carried over", "this gate"));
        }
        self.open.push(open.text.clone());
        if let Some(q) = part.scope.get("q") {
            self.paths.push((format!("{id}/q"), q.text.clone()));
        }
        Ok(())
    }

    fn fractional(&mut self, element: &'a Element, name: &str, phi: &Option<String>) -> Outcome<String> {
        let mut terms = Vec::new();
        for child in element.children.iter().filter(|c| c.name == "subGate") {
            let share = self.model.quantity(child, "fractionalConductance", NONE)?;
            let own = self.neuron.fresh(name, child.need("id")?);
            let inf = self.variable(child, "steadyState", &own, NONE)?;
            let tau = self.variable(child, "timeCourse", &own, TIME)?;
            self.gates.push(format!("gate {own} {{ inf = {}   tau = {} }}", inf.text, over(&tau, phi)));
            terms.push(format!("{} * {own}", share.text));
        }
        if terms.is_empty() {
            return Err(flaw(&element.place, "a gate of no gates", "here").help("write a `subGate` within it"));
        }
        Ok(format!("({})", terms.join(" + ")))
    }

    /// The factor of temperature of a gate.
    fn phi(&mut self, element: &'a Element, gate: &str) -> Outcome<Option<String>> {
        let mut factors = Vec::new();
        for child in element.children.iter().filter(|c| c.name == "q10Settings") {
            match kind(child) {
                "q10Fixed" => factors.push(self.model.quantity(child, "fixedQ10", NONE)?.text),
                "q10ExpTemp" => {
                    let factor = self.model.quantity(child, "q10Factor", NONE)?;
                    factors.push(self.at_temperature(child, &factor)?);
                }
                own => return Err(unknown(child, own)),
            }
        }
        if factors.is_empty() {
            self.scope.set("rateScale", Written::atom("1", NONE));
            return Ok(None);
        }
        let name = self.neuron.fresh("phi", gate);
        self.neuron.lets.push((name.clone(), factors.join(" * ")));
        self.scope.set("rateScale", Written::atom(name.clone(), NONE));
        Ok(Some(name))
    }

    /// Forward and backward rate; `named` if both are used more than once.
    fn rates(&mut self, element: &'a Element, gate: &str, named: bool) -> Outcome<(Written, Written)> {
        let mut both = Vec::new();
        for (tag, letter) in [("forwardRate", "alpha"), ("reverseRate", "beta")] {
            if letter == "beta" {
                // Types may name it and not use it.
                self.scope.set(letter, Written::atom(ITSELF, RATE));
            }
            let mut rate = self.variable(element, tag, gate, RATE)?;
            if named {
                let name = self.neuron.fresh(letter, gate);
                self.neuron.lets.push((name.clone(), rate.text));
                rate = Written::atom(name, RATE);
            }
            self.scope.set(letter, rate.clone());
            both.push(rate);
        }
        let beta = both.pop().unwrap_or(Written::atom("0", RATE));
        let alpha = both.pop().unwrap_or(Written::atom("0", RATE));
        Ok((alpha, beta))
    }

    /// A rate, a limit or a time constant.
    fn variable(&mut self, element: &'a Element, tag: &str, gate: &str, dimension: Dimension) -> Outcome<Written> {
        let Some(child) = element.child(tag) else {
            return Err(flaw(&element.place, format!("this gate has no `{tag}`"), "incomplete")
                .help(format!("write a `{tag}` within it")));
        };
        let own = kind(child);
        let standard = [
            "HHExpRate",
            "HHSigmoidRate",
            "HHExpLinearRate",
            "HHExpVariable",
            "HHSigmoidVariable",
            "HHExpLinearVariable",
        ];
        if own == "fixedTimeCourse" {
            return Ok(Written { binding: 6, ..super::scope::constant(&self.model.quantity(child, "tau", TIME)?) });
        }
        if standard.contains(&own) {
            let rate = self.model.quantity(child, "rate", dimension)?;
            let midpoint = self.model.quantity(child, "midpoint", VOLTAGE)?;
            let scale = self.model.quantity(child, "scale", VOLTAGE)?;
            if scale.value == 0.0 {
                return Err(flaw(&child.place, "a rate with a scale of zero", "here").help("mend `scale`"));
            }
            let text = match own.trim_end_matches("Rate").trim_end_matches("Variable") {
                "HHExp" => format!("{} * exp({})", rate.text, argument(&midpoint, &scale, false)),
                "HHSigmoid" => format!("{} / (1 + exp({}))", rate.text, argument(&midpoint, &scale, true)),
                _ => format!("{} / exprel({})", rate.text, argument(&midpoint, &scale, true)),
            };
            let text = text.strip_prefix("1 * ").map_or(text.clone(), str::to_string);
            return Ok(Written { text, binding: 6, dimension });
        }
        if !self.model.is_own(own) {
            return Err(unknown(child, own));
        }
        self.custom(child, tag, gate, dimension)
    }

    fn custom(&mut self, child: &'a Element, tag: &str, gate: &str, dimension: Dimension) -> Outcome<Written> {
        let letter = match tag {
            "forwardRate" => "alpha",
            "reverseRate" => "beta",
            "steadyState" => "inf",
            _ => "tau",
        };
        let suffix = format!("{gate}_{letter}");
        let mut builder = Builder { model: self.model, neuron: &mut self.neuron };
        let mut part = builder.begin(child, &suffix, &format!("{gate}/"), &self.scope, 0)?;
        if part.kind.dynamics.as_ref().is_some_and(|d| !d.states.is_empty() || !d.regimes.is_empty()) {
            return Err(flaw(&child.place, format!("`{}` has states", part.kind.name), "a rate that remembers"));
        }
        builder.finish(&mut part, None)?;
        let exposed = if dimension == RATE {
            "r"
        } else if dimension == TIME {
            "t"
        } else {
            "x"
        };
        let found = part.scope.get(exposed).filter(|w| w.dimension == dimension && w.text != "t").cloned();
        found.ok_or_else(|| {
            flaw(&child.place, format!("`{}` has no `{exposed}`", part.kind.name), "needed here")
                .help(format!("declare a `DerivedVariable` called `{exposed}`"))
        })
    }
}

fn scaled(phi: &Option<String>, rate: &Written) -> String {
    match phi {
        Some(phi) => format!("{phi} * {}", rate.within(6)),
        None => rate.text.clone(),
    }
}

fn over(tau: &Written, phi: &Option<String>) -> String {
    match phi {
        Some(phi) => format!("{} / {phi}", tau.within(6)),
        None => tau.text.clone(),
    }
}

/// `(v - midpoint) / scale`, or the same with the other sign.
fn argument(midpoint: &Quantity, scale: &Quantity, turned: bool) -> String {
    let shifted = match midpoint.text.strip_prefix('-') {
        Some(rest) => format!("(v + {rest})"),
        None if midpoint.value == 0.0 => "v".to_string(),
        None => format!("(v - {})", midpoint.text),
    };
    let (negative, below) = match scale.text.strip_prefix('-') {
        Some(rest) => (!turned, rest),
        None => (turned, scale.text.as_str()),
    };
    format!("{}{shifted} / {below}", if negative { "-" } else { "" })
}

/// The name of a channel within a cell.
pub fn place_name(id: &str) -> String {
    identifier(id)
}
