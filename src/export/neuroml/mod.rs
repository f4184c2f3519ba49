//! LEMS, in which the types of NeuroML 2 are written: a component for each cell, and a `ComponentType` unless NeuroML has one.
//!
//! Numbers are written in ms, mV, pA, nS, pF and µm. LEMS decides conditions one after the other at the end of a step, as it is done here.

mod actions;
mod cell;
mod conditions;
mod formula;
mod polynomial;
mod standard;
mod synapses;
mod unit;

use super::chosen::{Unknown, chosen};
use super::{Exported, unsayable};
use crate::compiler::Program;
use crate::diag::Diagnostics;
use std::collections::BTreeMap;

/// Writes the neurons of a file, or those that are named.
pub fn neuroml(program: &Program, only: &[String]) -> Result<Result<Exported, Diagnostics>, Unknown> {
    let chosen = chosen(program, only)?;
    let (mut out, mut flaws, mut units) = (Exported::default(), Diagnostics::default(), unit::Units::default());
    let mut types: BTreeMap<usize, String> = BTreeMap::new();
    for (i, neuron) in chosen.neurons.iter().enumerate() {
        let id = crate::export::names::snake(&neuron.name);
        if let Some(found) = standard::components(neuron, &id, &cell::first_values(neuron), &mut units) {
            out.notes.extend(neuron.scheme.map(|_| cell::left_to_tools(&neuron.name)));
            types.insert(i, found);
            continue;
        }
        match cell::written(neuron, &mut units, &mut out.notes) {
            Ok(text) => {
                types.insert(i, text);
            }
            Err(found) => flaws.append(found),
        }
    }
    let of_synapses = chosen.synapses.iter().map(|u| (&u.synapse.name, u.span));
    if only.is_empty() {
        let names: Vec<String> =
            of_synapses.map(|(n, _)| n).chain(&chosen.unused).chain(&chosen.others).map(|n| format!("`{n}`")).collect();
        if !names.is_empty() {
            out.notes.push(format!("cells are written only, not {}", names.join(", ")));
        }
    } else {
        let why = "cells only are written in LEMS";
        flaws.extend(of_synapses.map(|(name, at)| unsayable("LEMS", at, &format!("the synapse `{name}`"), why)));
    }
    if flaws.has_errors() {
        return Ok(Err(flaws));
    }
    let types: String = types.into_values().collect();
    out.text = format!("<Lems>\n    <Include file=\"Cells.xml\"/>\n{}{types}</Lems>\n", units.declared());
    Ok(Ok(out))
}
