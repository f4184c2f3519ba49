//! NESTML 9: neurons and synapses of spiking networks.
//!
//! Numbers are written in ms, mV, pA, nS, pF and µm, the units of NEST. NESTML's loop has the order of a step here: `update` integrates,
//! `onReceive` adds what arrives, `onCondition` decides the spikes.

mod blocks;
mod counters;
mod expression;
mod neuron;
mod statements;
mod synapse;
mod update;
mod words;

use super::chosen::{Unknown, chosen};
use super::{Exported, unsayable};
use crate::compiler::Program;
use crate::diag::Diagnostics;

/// Writes the neurons and synapses of a file, or those that are named.
pub fn nestml(program: &Program, only: &[String]) -> Result<Result<Exported, Diagnostics>, Unknown> {
    let chosen = chosen(program, only)?;
    let (mut out, mut flaws, mut texts) = (Exported::default(), Diagnostics::default(), Vec::new());
    for neuron in &chosen.neurons {
        match neuron::written(program, neuron) {
            Ok((text, notes)) => {
                texts.push(text);
                out.notes.extend(notes);
            }
            Err(found) => flaws.append(found),
        }
    }
    for used in &chosen.synapses {
        match synapse::written(program, used) {
            Ok((text, notes)) => {
                texts.push(text);
                out.notes.extend(notes);
            }
            Err(found) => flaws.append(found),
        }
    }
    if flaws.has_errors() {
        return Ok(Err(flaws));
    }
    let unused = chosen.unused.iter();
    out.notes.extend(
        unused.map(|n| format!("`{n}` is not written: without a projection that uses it, its units are not known")),
    );
    if !chosen.others.is_empty() {
        let names: Vec<String> = chosen.others.iter().map(|n| format!("`{n}`")).collect();
        out.notes.push(format!("NESTML has cells and synapses only: not written are {}", names.join(", ")));
    }
    out.text = texts.join("\n");
    Ok(Ok(out))
}
