//! Densities of channels that vary along a cell.
//!
//! Input: a formula of the path from the root, and a place. Output: the density there, a number of SI units as NeuroML has it.

use super::dimension::{Dimension, Quantity, number};
use super::expression::{Expression, Operator, parse};
use super::place::{Outcome, flaw};
use super::segments::Shape;
use super::xml::Element;

const DENSITY: Dimension = [-1, -4, 3, 2, 0, 0, 0];

/// The density of a channel at a distance from the root, in micrometres.
pub fn at(element: &Element, morphology: &Element, shape: &Shape, path: f64) -> Outcome<Quantity> {
    let variable = varying(element)?;
    if variable.get("parameter").is_some_and(|p| p != "condDensity") {
        return Err(flaw(&variable.place, "only `condDensity` may vary along a cell", "here"));
    }
    let value = variable.child("inhomogeneousValue").ok_or_else(|| {
        flaw(&variable.place, "this has no `inhomogeneousValue`", "incomplete").help("write one within it")
    })?;
    let wanted = value.need("inhomogeneousParameter")?;
    let groups = morphology.all("segmentGroup");
    let own = |g: &&Element| g.all("inhomogeneousParameter").any(|p| p.get("id") == Some(wanted));
    let (group, parameter) = groups
        .into_iter()
        .find(own)
        .and_then(|g| Some((g, g.all("inhomogeneousParameter").find(|p| p.get("id") == Some(wanted))?)))
        .ok_or_else(|| flaw(&value.place, format!("there is no parameter `{wanted}`"), "named here"))?;
    if parameter.get("metric").is_some_and(|m| m != "Path Length from root") {
        return Err(
            flaw(&parameter.place, "this metric cannot be carried over", "here").help("use `Path Length from root`")
        );
    }
    let path = scaled(parameter, shape, group.need("id")?, path)?;
    let text = value.need("value")?;
    let formula = parse(text).map_err(|e| flaw(&value.place, e, "in this value"))?;
    let name = parameter.need("variable")?;
    let found = evaluated(&formula, name, path).filter(|x| x.is_finite());
    let found = found.ok_or_else(|| {
        flaw(&value.place, format!("`{text}` has no value at {path} um"), "here")
            .help(format!("write a formula of `{name}` alone"))
    })?;
    let text = format!("{} mS/cm^2", number(format!("{:.9e}", found * 0.1).parse().unwrap_or(found * 0.1)));
    Ok(Quantity { text, value: found, dimension: DENSITY, unit: "mS/cm^2".into() })
}

/// What varies.
pub fn varying(element: &Element) -> Outcome<&Element> {
    let mut all = element.all("variableParameter");
    match (all.next(), all.next()) {
        (Some(one), None) => Ok(one),
        (_, second) => Err(flaw(&second.unwrap_or(element).place, "one `variableParameter` is needed", "here")),
    }
}

/// The path as a parameter counts it: from the beginning of its group, as a part of the longest one.
fn scaled(parameter: &Element, shape: &Shape, group: &str, path: f64) -> Outcome<f64> {
    let given = |tag: &str, name: &str, known: &str| match parameter.child(tag).and_then(|e| e.get(name)) {
        None => Ok(false),
        Some(text) if text.parse::<f64>().ok() == known.parse().ok() => Ok(true),
        Some(text) => Err(flaw(&parameter.place, format!("`{name}=\"{text}\"` cannot be carried over"), "here")
            .help(format!("write `{name}=\"{known}\"`"))),
    };
    let (begins, ends) = (given("proximal", "translationStart", "0")?, given("distal", "normalizationEnd", "1")?);
    let (first, last) = shape.extent(group);
    let path = if begins { path - first } else { path };
    let longest = if begins { last - first } else { last };
    Ok(if ends { path / longest } else { path })
}

/// The value of a formula of one variable.
fn evaluated(x: &Expression, name: &str, value: f64) -> Option<f64> {
    let of = |x: &Expression| evaluated(x, name, value);
    let truth = |b: bool| f64::from(u8::from(b));
    Some(match x {
        Expression::Number(_) => x.as_number()?,
        Expression::Name(own) if own == name => value,
        Expression::Name(_) => return None,
        Expression::Negative(x) => -of(x)?,
        Expression::Not(x) => truth(of(x)? == 0.0),
        Expression::Call(function, arguments) => {
            let [argument] = &arguments[..] else { return None };
            let y = of(argument)?;
            match function.as_str() {
                "exp" => y.exp(),
                "log" | "ln" => y.ln(),
                "sqrt" => y.sqrt(),
                "abs" => y.abs(),
                "sin" => y.sin(),
                "cos" => y.cos(),
                "tan" => y.tan(),
                "H" => truth(y > 0.0),
                _ => return None,
            }
        }
        Expression::Binary(operator, x, y) => {
            let (x, y) = (of(x)?, of(y)?);
            match operator {
                Operator::Plus => x + y,
                Operator::Minus => x - y,
                Operator::Times => x * y,
                Operator::Over => x / y,
                Operator::Power => x.powf(y),
                _ => return None,
            }
        }
    })
}
