//! Mechanisms of NEURON, written in NMODL (Hines & Carnevale 2000, Neural Comput 12:995), as channels.
//!
//! The blocks of a file are run on expressions instead of numbers; what they compute is recognized as gates, states and currents; the units
//! of all numbers follow from where they stand.

mod ast;
mod build;
mod choose;
mod graph;
mod infer;
mod lexer;
mod measure;
mod model;
mod parse;
mod print;
mod run;
mod units;
mod write;

use super::{Converted, Flaw};

/// How long a file may be.
const LONGEST: usize = 1 << 20;

/// Carries a mechanism over. `name` is that of the file, for mechanisms without one.
pub fn nmodl(text: &str, name: &str) -> Result<Converted, Vec<Flaw>> {
    if text.len() > LONGEST {
        return Err(vec![parse::flaw(0..0, "the file is too long for a mechanism", "longer than 1 MiB", None)]);
    }
    let lexed = lexer::lex(text);
    let (mechanism, mut flaws) = parse::parse(text, &lexed);
    if mechanism.name.is_none() && flaws.is_empty() {
        flaws.push(parse::flaw(
            0..0,
            "no `SUFFIX` and no `POINT_PROCESS`",
            "in this file",
            Some("is this an NMODL file?"),
        ));
    }
    if !flaws.is_empty() {
        return Err(flaws);
    }
    let (mut run, mut model) = computed(&mechanism, false)?;
    if !run.graph.nudges_hold(&model::roots(&model), &|atom| run.value(atom)) {
        (run, model) = computed(&mechanism, true)?;
    }
    let Some(text) = write::write(&mut run, &model, name, &lexed.doc) else { return Err(run.flaws) };
    let mut notes = std::mem::take(&mut run.notes);
    if mechanism.table {
        notes.push("`TABLE` is left out: rates are computed, not looked up".into());
    }
    if mechanism.prints {
        notes.push("what is printed is left out".into());
    }
    Ok(Converted { text, notes })
}

/// What a mechanism computes. `literal` keeps moves of the potential off singularities.
fn computed(mechanism: &ast::Mechanism, literal: bool) -> Result<(run::Run<'_>, model::Model), Vec<Flaw>> {
    let mut run = run::Run::new(mechanism);
    run.graph.literal = literal;
    let outcome = run.all();
    if !run.flaws.is_empty() {
        return Err(run.flaws);
    }
    let model = model::model(&mut run, &outcome);
    model::complete(&mut run, &model);
    if run.flaws.is_empty() && model::roots(&model).is_empty() {
        let at = mechanism.name.as_ref().map_or(0..0, |n| n.1.clone());
        run.flaws.push(parse::flaw(at, "the mechanism has no currents and no states", "nothing to carry over", None));
    }
    if run.flaws.is_empty() { Ok((run, model)) } else { Err(run.flaws) }
}
