//! A synapse as a type of LEMS: what events at a port move, and the current that follows.

use super::actions::assign;
use super::cell::{block, escaped};
use super::formula::Formulas;
use super::receiving::Cell;
use super::synapses::{Attributes, Synapse};
use super::unit::Units;
use crate::export::impulses::{coefficient, without};
use crate::hir::{Expr, Op, VarId, VarKind};
use crate::units::Dim;
use std::collections::BTreeSet;

/// Names that its type has from those that it extends.
const INHERITED: [&str; 3] = ["i", "in", "weight"];

/// The type of a port, and its parameters; none if it cannot be written.
pub fn written(
    cell: &Cell,
    port: VarId,
    states: &BTreeSet<VarId>,
    current: &[(VarId, Expr)],
    units: &mut Units,
) -> Option<Synapse> {
    let n = cell.n;
    let at = n.vars[port].span;
    let mut formulas = Formulas::new(&n.vars, units);
    for name in formulas.names.values_mut().filter(|n| INHERITED.contains(&n.as_str()) || *n == "v") {
        name.push_str("_own");
    }
    formulas.names.insert(cell.v, "v".into());
    let made = current.iter().map(|(s, gain)| Expr::bin(Op::Mul, gain.clone(), Expr::Var(*s)));
    let made = made.reduce(|a, b| Expr::bin(Op::Add, a, b))?;
    let (mut rates, mut starts, mut arrivals, mut declared) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for s in states {
        let (name, dim) = (formulas.names[s].clone(), n.vars[*s].dim);
        declared.push(format!("<StateVariable name=\"{name}\" dimension=\"{}\"/>", formulas.dimension(dim, at)));
        let rate = formulas.say(&without(&cell.rates[s], port), dim / Dim::TIME, at);
        rates.push(format!("<TimeDerivative variable=\"{name}\" value=\"{rate}\"/>"));
        let begins = match *cell.first.get(s)? {
            0.0 => "0".into(),
            value => formulas.say(&Expr::Num(value), dim, at),
        };
        starts.push(assign(&name, &begins));
        let Some(factor) = coefficient(&cell.rates[s], port) else {
            if cell.rates[s].mentions(port) {
                return None;
            }
            continue;
        };
        let jump = formulas.say(&factor, dim / n.vars[port].dim, at);
        let unit = formulas.say(&Expr::Num(1.0), n.vars[port].dim, at);
        arrivals.push(assign(&name, &format!("{name} + weight * {unit} * ({jump})")));
    }
    let made = formulas.say(&made, Dim::CURRENT, at);
    let made = format!("<DerivedVariable name=\"i\" dimension=\"current\" exposure=\"i\" value=\"{made}\"/>");
    let (parameters, attributes) = parameters(cell, states, current, &mut formulas)?;
    let dynamics = [
        declared,
        std::mem::take(&mut formulas.derived),
        vec![made],
        rates,
        block("OnStart", "", &starts),
        block("OnEvent", " port=\"in\"", &arrivals),
    ];
    let mut lines = vec!["<Property name=\"weight\" dimension=\"none\" defaultValue=\"1\"/>".to_string()];
    lines.extend([parameters, formulas.constants(at), vec!["<Dynamics>".into()]].concat());
    lines.extend(dynamics.concat().into_iter().map(|l| format!("    {l}")));
    lines.push("</Dynamics>".into());
    if formulas.flaws.has_errors() {
        return None;
    }
    let kind = format!("{}_{}", n.name, n.vars[port].name.replace('.', "_"));
    let doc = escaped(&format!("What arrives at `{}` of `{}`.", n.vars[port].name, n.name));
    let body: String = lines.iter().map(|l| format!("        {l}\n")).collect();
    let declared = format!(
        "    <ComponentType name=\"{kind}\" extends=\"baseVoltageDepSynapse\" description=\"{doc}\">\n{body}    </ComponentType>\n"
    );
    Some(Synapse { port, kind, attributes: Attributes::Written(attributes), declared: Some(declared), unit: 1.0 })
}

/// Parameters of the cell that the synapse needs: declarations, and attributes.
fn parameters(
    cell: &Cell,
    states: &BTreeSet<VarId>,
    current: &[(VarId, Expr)],
    formulas: &mut Formulas,
) -> Option<(Vec<String>, String)> {
    let n = cell.n;
    let used =
        |v: VarId| states.iter().any(|s| cell.rates[s].mentions(v)) || current.iter().any(|(_, gain)| gain.mentions(v));
    let (mut lines, mut attributes) = (Vec::new(), String::new());
    for (id, v) in n.vars.iter().filter(|(id, v)| matches!(v.kind, VarKind::Param(_)) && used(*id)) {
        let name = formulas.names[&id].clone();
        let dimension = formulas.dimension(v.dim, v.span);
        lines.push(format!("<Parameter name=\"{name}\" dimension=\"{dimension}\"/>"));
        let value = cell.first.get(&id).copied().filter(|x| x.is_finite())?;
        attributes += &format!(" {name}=\"{}\"", formulas.quantity(value, v.dim, v.span));
    }
    Some((lines, attributes))
}
