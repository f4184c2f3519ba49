//! Types that a file declares by `ComponentType`.

use super::dimension::{Dimension, NONE, Units};
use super::expression::{Expression, parse};
use super::place::{Outcome, Place, flaw};
use super::types::{Action, Condition, Derived, Dynamics, Parameter, Regime, Rule, State, Structure, Type};
use super::xml::Element;

/// Reads a `Dimension`.
pub fn dimension(element: &Element, units: &mut Units) -> Outcome<()> {
    let mut exponents = NONE;
    for (own, name) in exponents.iter_mut().zip(["m", "l", "t", "i", "k", "n", "j"]) {
        if let Some(text) = element.get(name) {
            *own = text.parse().ok().filter(|n: &i16| n.abs() <= 30).ok_or_else(|| {
                flaw(&element.place, format!("`{text}` is no exponent"), "in this dimension")
                    .help("write a whole number")
            })?;
        }
    }
    units.add_dimension(element.need("name")?, exponents);
    Ok(())
}

/// Reads a `Unit`.
pub fn unit(element: &Element, units: &mut Units) -> Outcome<()> {
    let dimension = named(element, "dimension", units)?;
    let number = |name: &str, default: f64| match element.get(name) {
        None => Ok(default),
        Some(text) => text.parse::<f64>().ok().filter(|x| x.is_finite()).ok_or_else(|| {
            flaw(&element.place, format!("`{text}` is no number"), "in this unit").help("write a number")
        }),
    };
    let scale = number("scale", 1.0)? * 10f64.powf(number("power", 0.0)?.clamp(-300.0, 300.0));
    if scale <= 0.0 || !scale.is_finite() {
        return Err(flaw(&element.place, "a unit of nothing", "its scale is not above zero"));
    }
    units.add_unit(element.need("symbol")?, dimension, scale, number("offset", 0.0)?);
    Ok(())
}

fn named(element: &Element, attribute: &str, units: &Units) -> Outcome<Dimension> {
    let name = match element.get(attribute) {
        None | Some("*" | "any" | "") => return Ok(NONE),
        Some(name) => name,
    };
    units.dimension(name).ok_or_else(|| {
        flaw(&element.place, format!("the dimension `{name}` is not declared"), "used here")
            .help(format!("declare `<Dimension name=\"{name}\" …/>`"))
    })
}

/// Reads a `ComponentType`.
pub fn component_type(element: &Element, units: &Units) -> Outcome<Type> {
    let mut out = Type {
        name: element.need("name")?.to_string(),
        extends: element.get("extends").or(element.get("eXtends")).map(str::to_string),
        place: Some(element.place.clone()),
        ..Type::default()
    };
    for child in &element.children {
        match child.name.as_str() {
            "Parameter" | "Property" => out.parameters.push(Parameter {
                name: child.need("name")?.to_string(),
                dimension: named(child, "dimension", units)?,
                called: None,
                unit: None,
                default: child.get("defaultValue").map(str::to_string),
            }),
            "DerivedParameter" => {
                let value = formula(child, "value")?;
                out.derived_parameters.push(derived(child, units, Rule::Value(value))?);
            }
            "Constant" => {
                let value = child.need("value")?;
                let quantity =
                    units.quantity(value).map_err(|e| flaw(&child.place, e, "the value of this constant"))?;
                let wanted = named(child, "dimension", units)?;
                if quantity.dimension != wanted && quantity.value != 0.0 {
                    let (is, should) = (units.name(quantity.dimension), units.name(wanted));
                    return Err(flaw(
                        &child.place,
                        format!("`{value}` is a {is}, not a {should}"),
                        "the value of this constant",
                    )
                    .help("mend the unit or the dimension"));
                }
                out.constants.push((child.need("name")?.to_string(), quantity));
            }
            "Fixed" => {
                let value = child.need("value")?;
                let quantity = units.quantity(value).map_err(|e| flaw(&child.place, e, "the value that is fixed"))?;
                out.constants.push((child.need("parameter")?.to_string(), quantity));
            }
            "Requirement" => out.requirements.push((child.need("name")?.into(), named(child, "dimension", units)?)),
            "Text" | "Path" | "IndexParameter" => out.texts.push(child.need("name")?.into()),
            "Link" | "ComponentReference" => out.references.push(child.need("name")?.into()),
            "Child" | "Children" => {
                out.children.push((child.need("name")?.into(), child.get("type").unwrap_or("").into()));
            }
            "Attachments" => out.attachments.push(child.need("name")?.into()),
            "Dynamics" | "Behavior" => out.dynamics = Some(dynamics(child, units)?),
            "Structure" => out.structure = Some(structure(child)),
            // What a simulation does is known.
            "Simulation" | "Procedure" => {}
            "Exposure"
            | "EventPort"
            | "InstanceRequirement"
            | "About"
            | "Meta"
            | "notes"
            | "annotation"
            | "property"
            | "Insertion" => {}
            other => return Err(unknown(child, other)),
        }
    }
    Ok(out)
}

fn structure(element: &Element) -> Structure {
    let mut out = Structure { place: element.place.clone(), ..Structure::default() };
    let mut called: Vec<(String, String)> = Vec::new();
    for child in &element.children {
        let text = |name: &str| child.get(name).unwrap_or("").to_string();
        match child.name.as_str() {
            "MultiInstantiate" => out.population = Some((text("number"), text("component"))),
            "ChildInstance" => out.within.push(text("component")),
            "With" => called.push((text("as"), text("instance"))),
            "EventConnection" => {
                let of = |name: String| called.iter().find(|c| c.0 == name).map_or(name.clone(), |c| c.1.clone());
                let receiver = child.get("receiver").map(str::to_string);
                out.joins = Some((of(text("from")), of(text("to")), receiver));
            }
            _ => out.more = true,
        }
    }
    out
}

fn unknown(element: &Element, name: &str) -> Box<crate::convert::Flaw> {
    flaw(&element.place, format!("`{name}` cannot be carried over"), "not known here")
        .help("remove it, or write what it does in the `.neuro` file by hand")
}

/// Reads the formula of an attribute.
pub fn formula(element: &Element, attribute: &str) -> Outcome<Expression> {
    let text = element.need(attribute)?;
    parse(text).map_err(|e| flaw(&element.place, format!("{e}: `{text}`"), "in this formula").help("mend the formula"))
}

fn derived(element: &Element, units: &Units, rule: Rule) -> Outcome<Derived> {
    let said = !matches!(element.get("dimension"), None | Some("*"));
    let dimension = named(element, "dimension", units)?;
    Ok(Derived {
        name: element.need("name")?.into(),
        dimension,
        said,
        called: None,
        rule,
        place: element.place.clone(),
    })
}

fn dynamics(element: &Element, units: &Units) -> Outcome<Dynamics> {
    let mut out = Dynamics::default();
    for child in &element.children {
        match child.name.as_str() {
            "StateVariable" => out.states.push(State {
                name: child.need("name")?.into(),
                dimension: named(child, "dimension", units)?,
                called: None,
            }),
            "DerivedVariable" => {
                let rule = match child.get("select") {
                    Some(path) => Rule::Select(path.to_string(), child.get("reduce").map(str::to_string)),
                    None => Rule::Value(formula(child, "value")?),
                };
                out.derived.push(derived(child, units, rule)?);
            }
            "ConditionalDerivedVariable" => {
                let mut cases = Vec::new();
                for case in child.all("Case") {
                    let condition = case.get("condition").map(|_| formula(case, "condition")).transpose()?;
                    cases.push((condition, formula(case, "value")?));
                }
                out.derived.push(derived(child, units, Rule::Cases(cases))?);
            }
            "TimeDerivative" => out.rates.push(rate(child)?),
            "OnStart" => out.starts.extend(actions(child)?),
            "OnCondition" => out.conditions.push(condition(child)?),
            "OnEvent" => out.events.push((child.need("port")?.into(), actions(child)?)),
            "Regime" => out.regimes.push(regime(child)?),
            "notes" | "annotation" => {}
            other => return Err(unknown(child, other)),
        }
    }
    Ok(out)
}

fn rate(element: &Element) -> Outcome<(String, Expression, Place)> {
    Ok((element.need("variable")?.into(), formula(element, "value")?, element.place.clone()))
}

fn condition(element: &Element) -> Outcome<Condition> {
    let test = formula(element, "test")?;
    Ok(Condition { test, rising: false, actions: actions(element)?, place: element.place.clone() })
}

fn actions(element: &Element) -> Outcome<Vec<Action>> {
    let one = |child: &Element| match child.name.as_str() {
        "StateAssignment" => {
            Ok(Action::Assign(child.need("variable")?.into(), formula(child, "value")?, child.place.clone()))
        }
        "EventOut" => Ok(Action::Emit(child.need("port")?.into())),
        "Transition" => Ok(Action::Transition(child.need("regime")?.into(), child.place.clone())),
        other => Err(unknown(child, other)),
    };
    element.children.iter().map(one).collect()
}

fn regime(element: &Element) -> Outcome<Regime> {
    let mut out = Regime {
        name: element.need("name")?.into(),
        initial: element.get("initial") == Some("true"),
        rates: Vec::new(),
        entry: Vec::new(),
        conditions: Vec::new(),
    };
    for child in &element.children {
        match child.name.as_str() {
            "TimeDerivative" => out.rates.push(rate(child)?),
            "OnEntry" => out.entry.extend(actions(child)?),
            "OnCondition" => out.conditions.push(condition(child)?),
            other => return Err(unknown(child, other)),
        }
    }
    Ok(out)
}
