//! Connections as projections.

use super::dimension::{CONDUCTANCE, Dimension, NONE, Quantity, VOLTAGE};
use super::group::{Group, Spot};
use super::model::{Model, kind};
use super::network::{Joint, Link, Network, Pair};
use super::place::{Outcome, flaw};
use super::scope::{capital, unique};
use super::scope::{identifier, network_name};
use super::shape::shapes;
use super::synapse::{mechanisms, unit_of};
use super::xml::Element;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Writes projections, and the synapses that they need.
pub struct Projections<'m, 'a> {
    /// All that is declared.
    pub model: &'m Model<'a>,
    /// The network.
    pub network: &'m Network<'a>,
    /// Its neurons.
    pub groups: &'m [Group<'a>],
    /// Which neuron each population has.
    pub member: &'m [Option<usize>],
    /// Synapses that are declared.
    pub declared: BTreeMap<String, String>,
    /// Texts of these.
    pub texts: Vec<String>,
    /// Remarks.
    pub notes: Vec<String>,
}

/// Where connections lead, and through which synapse.
struct Target {
    port: String,
    synapse: String,
    unit: Quantity,
    weighted: bool,
    instant: bool,
}

impl<'a> Projections<'_, 'a> {
    /// The projections, one statement each.
    pub fn write(&mut self, names: &mut HashSet<String>) -> Outcome<Vec<String>> {
        let circular = self.circular();
        let mut taken: HashSet<String> = self.network.populations.iter().map(|p| network_name(p.id)).collect();
        let mut out = Vec::new();
        for (n, link) in self.network.links.iter().enumerate() {
            if kind(link.synapse) == "silentSynapse" || link.pairs.is_empty() {
                continue;
            }
            let joined = |id: &str| identifier(if id.is_empty() { "projection" } else { id });
            let name = unique(&joined(&link.id), &mut taken);
            match link.joint {
                Joint::Events => {
                    let parts = super::synapse::parts(self.model, link.synapse)?;
                    for (m, synapse) in parts.into_iter().enumerate() {
                        let own = if m == 0 { name.clone() } else { unique(&format!("{name}_{}", m + 1), &mut taken) };
                        out.extend(self.events(link, synapse, &own, circular.contains(&n), names)?);
                    }
                }
                joint => {
                    out.extend(self.steady(link, &name, &link.pairs, names)?);
                    if joint == Joint::Electrical {
                        let back: Vec<Pair> =
                            link.pairs.iter().map(|p| Pair { pre: p.post, post: p.pre, ..p.clone() }).collect();
                        let turned = Link {
                            id: String::new(),
                            pre: link.post,
                            post: link.pre,
                            joint,
                            synapse: link.synapse,
                            pre_spot: link.post_spot.clone(),
                            post_spot: link.pre_spot.clone(),
                            pairs: back,
                        };
                        let name = unique(&format!("{name}_back"), &mut taken);
                        out.extend(self.steady(&turned, &name, &turned.pairs, names)?);
                    }
                }
            }
        }
        Ok(out)
    }

    /// Links without a delay that close a circle.
    fn circular(&mut self) -> HashSet<usize> {
        let links = &self.network.links;
        let instant = |l: &Link| {
            l.joint == Joint::Events && l.pairs.iter().any(|p| p.delay.as_ref().is_none_or(|d| d.value == 0.0))
        };
        let mut reach: HashMap<usize, HashSet<usize>> = HashMap::new();
        for link in links.iter().filter(|l| instant(l)) {
            reach.entry(link.pre).or_default().insert(link.post);
        }
        let reaches = |from: usize, to: usize| {
            let mut seen = HashSet::new();
            let mut open = vec![from];
            while let Some(at) = open.pop() {
                if at == to {
                    return true;
                }
                if seen.insert(at) {
                    open.extend(reach.get(&at).into_iter().flatten());
                }
            }
            false
        };
        let found: HashSet<usize> =
            links.iter().enumerate().filter(|(_, l)| instant(l) && reaches(l.post, l.pre)).map(|(n, _)| n).collect();
        if !found.is_empty() {
            self.notes.push("connections without a delay that close a circle take one step".into());
        }
        found
    }

    fn cells(&self, population: usize, cells: &[usize]) -> String {
        super::inputs::view(self.network, population, cells)
    }

    /// The statements that make connections: arrays, and projections.
    fn statements(&self, link: &Link, pairs: &[Pair], name: &str, to: &Target) -> Vec<String> {
        let mut out = Vec::new();
        for (n, shape) in shapes(pairs, name, to.weighted).into_iter().enumerate() {
            out.extend(shape.arrays.iter().map(|(array, values)| format!("let {array} = {values}")));
            let name = if n == 0 { name.to_string() } else { format!("{name}_{}", n + 1) };
            let delay = match (&shape.delay, to.instant) {
                (Some(delay), _) => format!("   delay {}", delay.text()),
                (None, true) => "   delay 0 ms".to_string(),
                (None, false) => String::new(),
            };
            out.push(format!(
                "projection {name}: {} -> {}.{}: {} {{ {}   weight {}{delay} }}",
                self.cells(link.pre, &shape.pre),
                self.cells(link.post, &shape.post),
                to.port,
                to.synapse,
                shape.connector,
                shape.weight.times(&to.unit),
            ));
        }
        out
    }

    fn events(
        &mut self,
        link: &Link<'a>,
        synapse: &'a Element,
        name: &str,
        circular: bool,
        names: &mut HashSet<String>,
    ) -> Outcome<Vec<String>> {
        let id = synapse.get("id").unwrap_or("");
        let own = self.own(link.post, &link.post_spot, synapse)?;
        let Some((head, attached)) = own.and_then(|(head, group)| Some((head, group.attached.get(id)?))) else {
            return Err(flaw(&synapse.place, format!("`{id}` acts on nothing"), "this synapse"));
        };
        let port = format!("{head}{}", attached.port);
        let (impulse, weighted) = (attached.impulse.clone(), attached.weighted);
        let plastic = mechanisms(self.model, synapse);
        let through =
            if plastic.is_empty() { "Static".to_string() } else { self.plastic(synapse, &plastic, &impulse, names)? };
        let to = Target { port, synapse: through, unit: impulse, weighted, instant: !circular };
        Ok(self.statements(link, &link.pairs, name, &to))
    }

    /// What is at a spot of the cells of a population, and how names of it begin.
    fn own(&self, population: usize, spot: &Spot, element: &Element) -> Outcome<Option<(String, &Group<'a>)>> {
        self.member[population].map(|g| self.groups[g].known(spot, &element.place)).transpose()
    }

    fn port(&self, link: &Link) -> Outcome<String> {
        match self.own(link.post, &link.post_spot, link.synapse)? {
            Some((head, group)) if group.current.is_some() => Ok(format!("{head}{}", group.port)),
            _ => Err(flaw(&link.synapse.place, "this synapse acts on cells that take no current", "here")),
        }
    }

    /// A projection that acts at every step.
    fn steady(
        &mut self,
        link: &Link<'a>,
        name: &str,
        pairs: &[Pair],
        names: &mut HashSet<String>,
    ) -> Outcome<Vec<String>> {
        let port = self.port(link)?;
        let element = link.synapse;
        let conductance = match kind(element) {
            "gapJunction" | "linearGradedSynapse" | "gradedSynapse" => {
                self.model.quantity(element, "conductance", CONDUCTANCE)?
            }
            own => return Err(super::part::unknown(element, own)),
        };
        let potential = |population: usize, spot: &Spot| {
            let own = self.own(population, spot, element)?;
            own.and_then(|(head, g)| Some(format!("{head}{}", g.neuron.paths.get("v")?))).ok_or_else(|| {
                flaw(
                    &element.place,
                    format!("cells of `{}` have no potential", self.network.populations[population].id),
                    "needed here",
                )
            })
        };
        let (pre, post) = (potential(link.pre, &link.pre_spot)?, potential(link.post, &link.post_spot)?);
        let synapse = match kind(element) {
            "gradedSynapse" => self.graded(element, &pre, &post, &conductance, names)?,
            _ => self.gap(element, &pre, &post, &conductance, names),
        };
        let to = Target { port, synapse, unit: conductance, weighted: true, instant: false };
        Ok(self.statements(link, pairs, name, &to))
    }

    fn gap(
        &mut self,
        element: &Element,
        pre: &str,
        post: &str,
        conductance: &Quantity,
        names: &mut HashSet<String>,
    ) -> String {
        let key = format!("gap {pre} {post}");
        if let Some(name) = self.declared.get(&key) {
            return name.clone();
        }
        let wanted = if kind(element) == "gapJunction" { "GapJunction" } else { "Graded" };
        let name = unique(wanted, names);
        self.texts.push(format!(
            "## A current at every step, proportional to the difference of potentials.\nsynapse {name} {{\n    weight g: {}\n    deliver g * (pre.{pre} - post.{post})\n}}\n",
            unit_of(conductance)
        ));
        self.declared.insert(key, name.clone());
        name
    }

    fn graded(
        &mut self,
        element: &Element,
        pre: &str,
        post: &str,
        conductance: &Quantity,
        names: &mut HashSet<String>,
    ) -> Outcome<String> {
        let id = element.get("id").unwrap_or("graded");
        if let Some(name) = self.declared.get(id) {
            return Ok(name.clone());
        }
        let value = |name: &str, dimension: Dimension| self.model.quantity(element, name, dimension).map(|q| q.text);
        let (delta, threshold, erev) = (value("delta", VOLTAGE)?, value("Vth", VOLTAGE)?, value("erev", VOLTAGE)?);
        let k = value("k", [0, 0, -1, 0, 0, 0, 0])?;
        let name = unique(&capital(id), names);
        let text = format!(
            "## `gradedSynapse` of the file: `{id}`.\nsynapse {name} {{\n    param V_th = {threshold}, delta = {delta}, k = {k}, E = {erev}\n    weight g: {}\n    state s = 0\n\n    let s_inf = 1 / (1 + exp((V_th - pre.{pre}) / delta))\n    s' = if 1 - s_inf > 1e-4 then k * (s_inf - s) / (1 - s_inf) else 0 /ms\n    deliver g * s * (E - post.{post})\n}}\n",
            unit_of(conductance)
        );
        self.texts.push(text);
        self.declared.insert(id.to_string(), name.clone());
        Ok(name)
    }

    fn plastic(
        &mut self,
        element: &Element,
        mechanisms: &[&Element],
        impulse: &Quantity,
        names: &mut HashSet<String>,
    ) -> Outcome<String> {
        let id = element.get("id").unwrap_or("synapse");
        if let Some(name) = self.declared.get(id) {
            return Ok(name.clone());
        }
        let [mechanism] = mechanisms else {
            return Err(flaw(
                &element.place,
                "several plasticity mechanisms of one synapse cannot be carried over",
                "here",
            ));
        };
        let release = self.model.quantity(mechanism, "initReleaseProb", NONE)?.text;
        let recovery = self.model.quantity(mechanism, "tauRec", super::dimension::TIME)?.text;
        let name = unique(&capital(id), names);
        let head =
            format!("## `{}` of the file: `{id}`, with short-term plasticity.\nsynapse {name} {{\n", kind(element));
        let unit = unit_of(impulse);
        let text = match kind(mechanism) {
            "tsodyksMarkramDepMechanism" => format!(
                "{head}    param U = {release}, tau_rec = {recovery}\n    weight w: {unit}\n    state R = 1\n\n    R' = (1 - R) / tau_rec\n    on pre.spike {{\n        deliver w * R * U\n        R *= 1 - U\n    }}\n}}\n"
            ),
            "tsodyksMarkramDepFacMechanism" => {
                let facilitation = self.model.quantity(mechanism, "tauFac", super::dimension::TIME)?.text;
                format!(
                    "{head}    param U_0 = {release}, tau_rec = {recovery}, tau_fac = {facilitation}\n    weight w: {unit}\n    state R = 1\n    state U = U_0\n\n    R' = (1 - R) / tau_rec\n    U' = (U_0 - U) / tau_fac\n    on pre.spike {{\n        deliver w * R * U\n        R *= 1 - U\n        U += U_0 * (1 - U)\n    }}\n}}\n"
                )
            }
            own => return Err(super::part::unknown(mechanism, own)),
        };
        self.texts.push(text);
        self.declared.insert(id.to_string(), name.clone());
        Ok(name)
    }
}
