//! Equations of a component, and of those within it, written into a neuron.
//!
//! Input: a component and the scope around it. Output: parameters, states, formulas, rates and events of the neuron.

use super::dimension::{Dimension, NONE, VOLTAGE, zero};
use super::expression::Expression;
use super::model::{Model, kind};
use super::neuron::Neuron;
use super::place::{Outcome, Place, flaw};
use super::scope::{Scope, Written, constant, nothing};
use super::types::{Action, Derived, Dynamics, Rule, Type};
use super::xml::Element;

/// Attributes that say nothing about dynamics.
const SILENT: [&str; 12] = [
    "id",
    "type",
    "metaid",
    "name",
    "notes",
    "description",
    "neuroLexId",
    "schemaLocation",
    "species",
    "xmlns",
    "ion",
    "color",
];

/// A component whose names are in a neuron.
pub struct Part<'a> {
    /// The component.
    pub element: &'a Element,
    /// Its type.
    pub kind: Type,
    /// What its names stand for.
    pub scope: Scope,
    /// What is put after its names.
    pub suffix: String,
    /// How paths to it begin.
    pub path: String,
    /// What the number of its present regime is called.
    pub regime: String,
    /// The parts within it, by the name of what they are within.
    pub within: Vec<(String, Part<'a>)>,
}

/// Writes components into a neuron.
pub struct Builder<'m, 'a> {
    /// All that is declared.
    pub model: &'m Model<'a>,
    /// What is made.
    pub neuron: &'m mut Neuron,
}

impl<'a> Builder<'_, 'a> {
    /// Declares the names of a component: parameters, states and formulas.
    pub fn begin(
        &mut self,
        element: &'a Element,
        suffix: &str,
        path: &str,
        outer: &Scope,
        depth: usize,
    ) -> Outcome<Part<'a>> {
        let kind_name = kind(element);
        let kind = self.model.full_type(kind_name).ok_or_else(|| unknown(element, kind_name))?;
        if depth > 16 {
            return Err(flaw(&element.place, "components are nested deeper than 16", "too deep"));
        }
        if let Some(structure) =
            kind.structure.as_ref().filter(|s| s.more || s.population.is_some() || s.joins.is_some())
        {
            return Err(flaw(
                &structure.place,
                format!("what `{kind_name}` makes of itself cannot be carried over"),
                "its structure",
            )
            .help("write the network that it stands for with populations and projections"));
        }
        let mut part = Part {
            element,
            scope: outer.clone(),
            suffix: suffix.to_string(),
            path: path.to_string(),
            within: Vec::new(),
            regime: String::new(),
            kind,
        };
        if part.kind.dynamics.as_ref().is_some_and(|d| !d.regimes.is_empty()) {
            part.regime = self.neuron.fresh("regime", suffix);
        }
        self.check_attributes(&part)?;
        self.parameters(&mut part)?;
        self.names(&mut part)?;
        self.infer(&mut part);
        self.referred(&mut part, depth)?;
        self.children(&mut part, depth)?;
        self.infer(&mut part);
        Ok(part)
    }

    fn check_attributes(&self, part: &Part) -> Outcome<()> {
        for attribute in &part.element.attributes {
            let name = &attribute.name;
            let known = SILENT.contains(&name.as_str())
                || part.kind.parameters.iter().any(|p| p.name == *name)
                || part.kind.constants.iter().any(|c| c.0 == *name)
                || part.kind.texts.contains(name)
                || part.kind.references.contains(name);
            if !known {
                let message = format!("`{}` has no `{name}`", part.kind.name);
                return Err(flaw(&part.element.place, message, "written here").help("remove it, or mend its name"));
            }
        }
        Ok(())
    }

    fn parameters(&mut self, part: &mut Part) -> Outcome<()> {
        for (called, quantity) in &part.kind.constants {
            part.scope.set(called, constant(quantity));
            if quantity.dimension == NONE {
                part.scope.set_number(called, quantity.value);
            }
        }
        for parameter in &part.kind.parameters {
            if parameter.name == "weight" && parameter.default.is_some() {
                continue;
            }
            let quantity = self.model.parameter(part.element, parameter)?;
            if part.kind.impulse.as_deref() == Some(&parameter.name) {
                part.scope.set(&parameter.name, constant(&quantity));
                continue;
            }
            let called = self.neuron.fresh(parameter.called.as_deref().unwrap_or(&parameter.name), &part.suffix);
            self.neuron.params.push((called.clone(), quantity.text.clone()));
            self.neuron.paths.insert(format!("{}{}", part.path, parameter.name), called.clone());
            part.scope.set(&parameter.name, Written::atom(called, parameter.dimension));
            if parameter.dimension == NONE {
                part.scope.set_number(&parameter.name, quantity.value);
            }
        }
        Ok(())
    }

    fn names(&mut self, part: &mut Part) -> Outcome<()> {
        part.scope.set("t", Written::atom("t", super::dimension::TIME));
        let dynamics = part.kind.dynamics.clone().unwrap_or_default();
        for state in &dynamics.states {
            let called = self.neuron.fresh(state.called.as_deref().unwrap_or(&state.name), &part.suffix);
            self.neuron.paths.insert(format!("{}{}", part.path, state.name), called.clone());
            part.scope.set(&state.name, Written::atom(called, state.dimension));
        }
        let derived: Vec<&Derived> = part.kind.derived_parameters.iter().chain(&dynamics.derived).collect();
        for derived in derived {
            if is_attached(&part.kind, derived) {
                continue;
            }
            let called = self.neuron.fresh(derived.called.as_deref().unwrap_or(&derived.name), &part.suffix);
            self.neuron.paths.insert(format!("{}{}", part.path, derived.name), called.clone());
            part.scope.set(&derived.name, Written::atom(called, derived.dimension));
        }
        Ok(())
    }

    /// Dimensions that are not said follow from formulas.
    fn infer(&self, part: &mut Part) {
        let dynamics = part.kind.dynamics.clone().unwrap_or_default();
        let all: Vec<Derived> =
            part.kind.derived_parameters.iter().chain(&dynamics.derived).filter(|d| !d.said).cloned().collect();
        for _ in 0..all.len().min(32) {
            for derived in &all {
                let found = match &derived.rule {
                    Rule::Value(x) => part.scope.write(x, &self.model.units, None).ok().map(|w| w.dimension),
                    Rule::Cases(cases) => cases
                        .iter()
                        .filter(|(_, x)| x.as_number() != Some(0.0))
                        .find_map(|(_, x)| part.scope.write(x, &self.model.units, None).ok().map(|w| w.dimension)),
                    Rule::Select(path, _) => path.split_once('/').and_then(|(role, quantity)| {
                        let role = role.trim_end_matches("[*]");
                        let own = part.within.iter().find(|(r, p)| r == role || p.element.get("id") == Some(role));
                        own.and_then(|(_, p)| p.scope.get(quantity)).map(|w| w.dimension)
                    }),
                };
                if let (Some(dimension), Some(written)) = (found, part.scope.get(&derived.name).cloned()) {
                    part.scope.set(&derived.name, Written { dimension, ..written });
                }
            }
        }
    }

    /// Components that attributes name, and that are within.
    fn referred(&mut self, part: &mut Part<'a>, depth: usize) -> Outcome<()> {
        let Some(structure) = part.kind.structure.clone() else {
            return match part.kind.references.iter().find(|r| part.element.get(r).is_some()) {
                Some(reference) => Err(flaw(
                    &part.element.place,
                    format!("`{reference}` of `{}` cannot be carried over", part.kind.name),
                    "here",
                )
                .help("write the component that it names within this one")),
                None => Ok(()),
            };
        };
        for role in &structure.within {
            let inner = self.model.referred(part.element, role)?;
            let own = inner.get("id").unwrap_or(role);
            let suffix = if part.suffix.is_empty() { own.to_string() } else { format!("{}_{own}", part.suffix) };
            let path = format!("{}{own}/", part.path);
            let inner = self.begin(inner, &suffix, &path, &part.scope, depth + 1)?;
            part.within.push((role.clone(), inner));
        }
        Ok(())
    }

    fn children(&mut self, part: &mut Part<'a>, depth: usize) -> Outcome<()> {
        let element = part.element;
        for child in &element.children {
            if matches!(child.name.as_str(), "notes" | "annotation" | "property") {
                continue;
            }
            let called = [child.get("role").unwrap_or(""), child.name.as_str(), kind(child)];
            let named = part.kind.children.iter().find(|c| called.contains(&c.0.as_str()));
            let typed = || part.kind.children.iter().find(|c| self.model.is_a(kind(child), &c.1));
            let role = named.or_else(typed).map(|c| c.0.clone());
            let Some(role) = role else {
                return Err(flaw(
                    &child.place,
                    format!("`{}` within `{}` cannot be carried over", child.name, part.kind.name),
                    "here",
                )
                .help("remove it, or write what it does in the `.neuro` file by hand"));
            };
            if self.model.is_a(kind(child), "basePlasticityMechanism") {
                continue;
            }
            let own = child.get("id").unwrap_or(&child.name);
            let suffix = match part.suffix.as_str() {
                "" => own.to_string(),
                around if part.kind.children.len() == 1 || child.get("id").is_none() => around.to_string(),
                around => format!("{around}_{own}"),
            };
            let path = format!("{}{own}/", part.path);
            let inner = self.begin(child, &suffix, &path, &part.scope, depth + 1)?;
            part.within.push((role, inner));
        }
        Ok(())
    }

    /// Writes formulas, rates and events of a part. `attached` is the sum of what is attached to it.
    pub fn finish(&mut self, part: &mut Part<'a>, attached: Option<&Written>) -> Outcome<()> {
        let mut within = std::mem::take(&mut part.within);
        for (_, inner) in &mut within {
            // What is around is complete by now.
            self.finish(inner, None)?;
        }
        part.within = within;
        let dynamics = part.kind.dynamics.clone().unwrap_or_default();
        for derived in dynamics.derived.iter().filter(|d| is_attached(&part.kind, d)) {
            let sum = match attached {
                Some(sum) => sum.clone(),
                None => nothing(derived.dimension),
            };
            part.scope.set(&derived.name, sum);
        }
        for derived in part.kind.derived_parameters.iter().chain(&dynamics.derived) {
            if !is_attached(&part.kind, derived) {
                let text = self.rule(part, derived)?;
                let called = part.scope.get(&derived.name).map_or(String::new(), |w| w.text.clone());
                self.neuron.lets.push((called, text));
            }
        }
        self.states(part, &dynamics)?;
        self.rates(part, &dynamics)?;
        self.conditions(part, &dynamics)
    }

    /// Writes an expression of a dimension.
    pub(super) fn write(
        &self,
        part: &Part,
        x: &Expression,
        wanted: Option<Dimension>,
        place: &Place,
    ) -> Outcome<Written> {
        part.scope.write(x, &self.model.units, wanted).map_err(|e| {
            let place = if *place == Place::default() { &part.element.place } else { place };
            flaw(place, e, "in this formula").help("mend the formula, or declare what it names")
        })
    }

    fn rule(&self, part: &Part, derived: &Derived) -> Outcome<String> {
        let mut derived = derived.clone();
        if let Some(written) = part.scope.get(&derived.name).filter(|_| !derived.said) {
            derived.dimension = written.dimension;
        }
        let derived = &derived;
        match &derived.rule {
            Rule::Value(x) => Ok(self.write(part, x, Some(derived.dimension), &derived.place)?.text),
            Rule::Cases(cases) => {
                let mut out = String::new();
                for (condition, value) in cases {
                    let value = self.write(part, value, Some(derived.dimension), &derived.place)?.text;
                    match condition {
                        Some(condition) => {
                            let condition = self.write(part, condition, Some(NONE), &derived.place)?.text;
                            out += &format!("if {condition} then {value} else ");
                        }
                        None => return Ok(out + &value),
                    }
                }
                Ok(out + &zero(derived.dimension))
            }
            Rule::Select(path, reduce) => self.select(part, path, reduce.as_deref(), derived),
        }
    }

    fn select(&self, part: &Part, path: &str, reduce: Option<&str>, derived: &Derived) -> Outcome<String> {
        let place = if derived.place == Place::default() { &part.element.place } else { &derived.place };
        let refuse = |what: &str| {
            flaw(place, format!("`{path}` cannot be carried over"), what)
                .help("write the formula in the `.neuro` file by hand")
        };
        let (role, quantity) = path.split_once('/').ok_or_else(|| refuse("no path to a quantity"))?;
        let (role, many) = role.strip_suffix("[*]").map_or((role, false), |r| (r, true));
        let mut terms = Vec::new();
        for (own, inner) in &part.within {
            if own != role && inner.element.get("id") != Some(role) && !(many && own.starts_with(role)) {
                continue;
            }
            let written = inner.scope.get(quantity).ok_or_else(|| refuse("what is within has no such quantity"))?;
            terms.push(written.clone());
        }
        let (sign, none) = match reduce {
            Some("multiply") => (" * ", "1".to_string()),
            _ => (" + ", zero(derived.dimension)),
        };
        match terms.as_slice() {
            [] if many => Ok(none),
            [] => Err(refuse("there is no such component within")),
            _ if !many && terms.len() > 1 => Err(refuse("several components are within")),
            _ => Ok(terms.iter().map(|t| t.within(7)).collect::<Vec<_>>().join(sign)),
        }
    }

    /// Draws at random are possible where a condition holds, and nowhere else.
    fn check_draws(&self, part: &Part, dynamics: &Dynamics) -> Outcome<()> {
        let mut draws = false;
        let mut look = |x: &Expression| draws |= matches!(x, Expression::Call(f, _) if f == "random");
        for derived in &dynamics.derived {
            match &derived.rule {
                Rule::Value(x) => x.visit(&mut look),
                Rule::Cases(cases) => cases.iter().for_each(|(_, x)| x.visit(&mut look)),
                Rule::Select(..) => {}
            }
        }
        let rates = dynamics.rates.iter().chain(dynamics.regimes.iter().flat_map(|r| &r.rates));
        rates.for_each(|(_, x, _)| x.visit(&mut look));
        for action in &dynamics.starts {
            if let Action::Assign(_, x, _) = action {
                x.visit(&mut look);
            }
        }
        if draws {
            let what = format!("`{}` draws at random outside of a condition", part.kind.name);
            return Err(flaw(&part.element.place, what, "cannot be carried over")
                .help("draw where a condition holds (`OnCondition`)"));
        }
        Ok(())
    }

    fn states(&mut self, part: &Part, dynamics: &Dynamics) -> Outcome<()> {
        self.check_draws(part, dynamics)?;
        for state in &dynamics.states {
            let called = part.scope.get(&state.name).map_or(String::new(), |w| w.text.clone());
            let mut value = None;
            for action in &dynamics.starts {
                match action {
                    Action::Assign(variable, x, place) if *variable == state.name => {
                        value = Some(self.write(part, x, Some(state.dimension), place)?.text);
                    }
                    _ => {}
                }
            }
            // A potential that nothing sets begins at zero, as every state does.
            let value = value.unwrap_or_else(|| zero(state.dimension));
            debug_assert!(state.dimension != VOLTAGE || !value.is_empty());
            self.neuron.states.push((called, value));
        }
        if let Some(first) = first_regime(dynamics) {
            self.neuron.states.push((part.regime.clone(), first.to_string()));
        }
        Ok(())
    }

    fn rates(&mut self, part: &Part, dynamics: &Dynamics) -> Outcome<()> {
        let per_time = |d: Dimension| super::dimension::combine(d, super::dimension::TIME, -1);
        for (variable, rate, place) in &dynamics.rates {
            let own = self.variable(part, variable, place)?;
            let text = self.write(part, rate, Some(per_time(own.dimension)), place)?.text;
            self.neuron.add_rate(&own.text, text);
        }
        for state in &dynamics.states {
            let mut cases = Vec::new();
            for (n, regime) in dynamics.regimes.iter().enumerate() {
                for (variable, rate, place) in regime.rates.iter().filter(|r| r.0 == state.name) {
                    let own = self.variable(part, variable, place)?;
                    cases.push((n, self.write(part, rate, Some(per_time(own.dimension)), place)?.text));
                }
            }
            let own = self.variable(part, &state.name, &part.element.place)?;
            let Some((_, first)) = cases.first() else { continue };
            if cases.len() == dynamics.regimes.len() && cases.iter().all(|(_, text)| text == first) {
                self.neuron.add_rate(&own.text, first.clone());
                continue;
            }
            let regime = &part.regime;
            let choice: String =
                cases.iter().map(|(n, text)| format!("if {regime} == {n} then {text} else ")).collect();
            self.neuron.add_rate(&own.text, choice + &zero(per_time(own.dimension)));
        }
        Ok(())
    }

    /// What a state is called.
    pub(super) fn variable(&self, part: &Part, variable: &str, place: &Place) -> Outcome<Written> {
        let known = part.kind.dynamics.as_ref().is_some_and(|d| d.states.iter().any(|s| s.name == variable));
        let found = part.scope.get(variable).filter(|_| known);
        found.cloned().ok_or_else(|| {
            let place = if *place == Place::default() { &part.element.place } else { place };
            flaw(place, format!("`{variable}` is no state of `{}`", part.kind.name), "here")
                .help("declare a `StateVariable`")
        })
    }
}

/// Whether a quantity is the sum of what is attached.
pub fn is_attached(kind: &Type, derived: &Derived) -> bool {
    let Rule::Select(path, _) = &derived.rule else { return false };
    let head = path.split(['[', '/']).next().unwrap_or("");
    kind.attachments.iter().any(|a| a == head)
}

/// Which regime is the first.
fn first_regime(dynamics: &Dynamics) -> Option<usize> {
    (!dynamics.regimes.is_empty()).then(|| dynamics.regimes.iter().position(|r| r.initial).unwrap_or(0))
}

/// What is said of a type that is not known.
pub fn unknown(element: &Element, name: &str) -> Box<crate::convert::Flaw> {
    flaw(&element.place, format!("`{name}` cannot be carried over"), "a type that is not known here")
        .help("declare it by a `ComponentType`, include the file that does, or write it in the `.neuro` file by hand")
}
