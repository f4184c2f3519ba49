//! LEMS, in which the types of NeuroML 2 are written: a component for each cell, and a `ComponentType` unless NeuroML has one.
//!
//! Numbers are written in ms, mV, pA, nS, pF and µm. LEMS decides conditions one after the other at the end of a step, as it is done here.

mod actions;
mod cell;
mod component;
mod conditions;
mod formula;
mod network;
mod own_synapse;
mod polynomial;
mod receiving;
mod receptors;
mod standard;
mod synapses;
mod unit;

pub use network::network;

use super::chosen::{Unknown, chosen};
use super::{Exported, unsayable};
use crate::compiler::Program;
use crate::diag::Diagnostics;
use std::collections::BTreeSet;

/// Writes the neurons of a file, or those that are named.
pub fn neuroml(program: &Program, only: &[String]) -> Result<Result<Exported, Diagnostics>, Unknown> {
    let chosen = chosen(program, only)?;
    let (mut out, mut flaws, mut units) = (Exported::default(), Diagnostics::default(), unit::Units::default());
    let mut text = String::new();
    for neuron in &chosen.neurons {
        let given = cell::Given { first: &cell::first_values(neuron), begun: &BTreeSet::new() };
        match component::alone(neuron, &given, &mut units, &mut out.notes) {
            Ok(found) => {
                found.types.iter().for_each(|(_, declared)| text += declared);
                let id = crate::export::names::snake(&neuron.name);
                text += &found.lines(&id, &found.beside(neuron, &id).collect::<Vec<_>>());
            }
            Err(found) => flaws.append(found),
        }
    }
    let of_synapses = chosen.synapses.iter().map(|u| (&u.synapse.name, u.span));
    if only.is_empty() {
        let names: Vec<String> =
            of_synapses.map(|(n, _)| n).chain(&chosen.unused).chain(&chosen.others).map(|n| format!("`{n}`")).collect();
        if !names.is_empty() {
            out.notes.push(format!(
                "cells are written only, not {}; `--experiment NAME` writes the network of an experiment",
                names.join(", ")
            ));
        }
    } else {
        let why = "cells only are written in LEMS";
        flaws.extend(of_synapses.map(|(name, at)| unsayable("LEMS", at, &format!("the synapse `{name}`"), why)));
    }
    if flaws.has_errors() {
        return Ok(Err(flaws));
    }
    out.text = format!("<Lems>\n{}{}{text}</Lems>\n", includes(&text, &["Cells"]), units.declared());
    Ok(Ok(out))
}

/// The files of the core that a text needs, these and maybe one more.
fn includes(text: &str, files: &[&str]) -> String {
    let more = text.contains("<expCurrSynapse").then_some("PyNN");
    files.iter().copied().chain(more).map(|file| format!("    <Include file=\"{file}.xml\"/>\n")).collect()
}
