//! A synapse as a model of NESTML.

use super::blocks::{block, model};
use super::counters::Counters;
use super::expression::Speech;
use super::unsayable;
use super::words::{RESERVED, data_type, number, quantity};
use crate::compiler::Program;
use crate::diag::Diagnostics;
use crate::export::chosen::Used;
use crate::export::names::{Names, snake};
use crate::hir::{Handler, Side, Synapse, Trigger, VarKind};
use crate::source::Span;
use crate::units::Dim;
use std::collections::BTreeMap;

/// What became of a synapse: its text, and remarks; or what cannot be said.
pub fn written(program: &Program, used: &Used) -> Result<(String, Vec<String>), Diagnostics> {
    let s = &used.synapse;
    let mut flaws = Diagnostics::default();
    refusals(s, used, &mut flaws);
    let doc = program.module.docs.get(&s.name).map_or("", String::as_str);
    let mut writer = Writer::new(program, used);
    let text = writer.model(doc);
    flaws.append(writer.speech.flaws);
    if flaws.has_errors() { Err(flaws) } else { Ok((text, writer.notes)) }
}

/// What no synapse of NESTML has.
fn refusals(s: &Synapse, used: &Used, flaws: &mut Diagnostics) {
    let mut refuse = |at: Span, what: &str, why: &str| flaws.push(unsayable("NESTML", at, what, why));
    if let Some((_, at)) = &s.energy {
        refuse(*at, "an energy", "every state has an equation of its own");
    }
    if s.deliver.is_some() {
        refuse(used.span, "a synapse that delivers at every step", "its synapses send spikes");
    }
    for (i, handler) in s.handlers.iter().enumerate() {
        match &handler.trigger {
            Trigger::Signal(_) => {
                refuse(handler.span, "what a synapse does at a signal", "nothing outside of a network speaks to it")
            }
            Trigger::Cell(side, event) => {
                let other = |h: &Handler| matches!(&h.trigger, Trigger::Cell(s, e) if s == side && e != event);
                if s.handlers[..i].iter().any(other) {
                    refuse(handler.span, "two kinds of events", "its cells emit spikes, and nothing else");
                }
            }
        }
    }
    for v in s.delayed.keys() {
        refuse(s.vars[*v].span, "what a variable of a cell was earlier", "it sees cells as they are");
    }
    for (id, v) in &s.vars {
        let at = if matches!(v.kind, VarKind::Pre(_)) { used.span } else { v.span };
        match &v.kind {
            VarKind::Pre(_) => {
                refuse(at, &format!("`{}` in a synapse", v.name), "of the sending cell it sees spikes only")
            }
            VarKind::Param(None) if !used.given.contains_key(&id) => {
                refuse(at, "a parameter without a value", "what has none is zero there");
            }
            VarKind::Post(_) if s.windows.contains_key(&id) => {
                refuse(at, "what is taken of a window", "it has no experiments")
            }
            _ => {}
        }
    }
}

struct Writer<'a> {
    s: &'a Synapse,
    used: &'a Used,
    speech: Speech<'a>,
    names: Names,
    notes: Vec<String>,
}

impl<'a> Writer<'a> {
    fn new(program: &'a Program, used: &'a Used) -> Writer<'a> {
        let s = &*used.synapse;
        let mut names = Names::beside(RESERVED);
        let mut given: BTreeMap<_, _> = s.vars.iter().map(|(id, v)| (id, names.give(&v.name))).collect();
        let weight = s.weight().map(|w| (w, s.vars[w].dim));
        if let Some((w, dim)) = weight.filter(|(_, dim)| *dim != Dim::ONE)
            && let Some((unit, _)) = quantity(1.0, dim)
        {
            let name = format!("({} * ({unit}))", given[&w]);
            given.insert(w, name);
        }
        let mut speech = Speech::new(&program.sources, &s.vars, &s.bounds, given, Counters::default());
        speech.weight = weight.or(Some((crate::hir::VarId::EACH, Dim::ONE)));
        Writer { s, used, speech, names, notes: Vec::new() }
    }

    fn model(&mut self, doc: &str) -> String {
        let s = self.s;
        let states = self.states();
        let mut equations = self.speech.lets(&s.lets, false);
        for equation in &s.equations {
            let v = &s.vars[equation.state];
            let (dim, at) = (v.dim / Dim::TIME, equation.span);
            let rate = match self.speech.is_pure_there(equation.state) {
                true => format!("{} / {}", self.speech.factor(&equation.rhs, dim, at), self.speech.unit(v.dim, at)),
                false => self.speech.say(&equation.rhs, dim, at),
            };
            equations.push(format!("{}' = {rate}", self.speech.stored(equation.state)));
        }
        let parameters = self.parameters();
        let mut internals = self.speech.lets(&s.lets, true);
        let handlers = self.handlers();
        let update = if s.equations.is_empty() { Vec::new() } else { vec!["integrate_odes()".into()] };
        let moved: Vec<_> = s.equations.iter().map(|e| e.state).collect();
        let update = update.into_iter().chain(self.speech.bounded(&moved)).collect::<Vec<String>>();
        if self.speech.step {
            internals.insert(0, format!("{} ms = resolution()", self.names.give("dt")));
        }
        let body = block("state", &states)
            + &block("parameters", &parameters)
            + &block("equations", &equations)
            + &block("internals", &internals)
            + &block("input", &self.inputs())
            + &block("output", &["spike".into()])
            + &handlers
            + &block("update", &update);
        let name = snake(&s.name);
        let name = if name.ends_with("synapse") { name } else { format!("{name}_synapse") };
        model(&name, doc, body, &self.speech.helpers)
    }

    fn states(&mut self) -> Vec<String> {
        let s = self.s;
        let mut lines = Vec::new();
        for (id, v) in &s.vars {
            match &v.kind {
                VarKind::Weight => {
                    let name = self.speech.stored(id);
                    let unit = data_type(v.dim).filter(|u| u != "real").map_or(String::new(), |u| format!(", in {u}"));
                    lines.push(format!("{name} real = 1  # weight{unit}"));
                }
                VarKind::State(e) if !s.is_parameter(id) => {
                    let value = self.speech.say(&s.unfold(e.clone()), v.dim, v.span);
                    lines.push(self.speech.declared(id, v, &value));
                }
                _ => {}
            }
        }
        lines
    }

    fn parameters(&mut self) -> Vec<String> {
        let s = self.s;
        let mut lines = Vec::new();
        for (id, v) in s.vars.iter().filter(|(id, _)| s.is_parameter(*id)) {
            let (VarKind::Param(default), given) = (&v.kind, self.used.given.get(&id)) else {
                if let VarKind::State(e) = &v.kind {
                    let value = self.speech.say(e, v.dim, v.span);
                    lines.push(self.speech.declared(id, v, &value));
                }
                continue;
            };
            let value = match (default, given) {
                (Some(e), _) => self.speech.say(e, v.dim, v.span),
                (None, Some(x)) => {
                    self.notes.push(format!(
                        "`{}` of `{}` has the value of the first projection that uses it",
                        v.name, s.name
                    ));
                    quantity(*x, v.dim).map_or_else(|| number(*x), |(text, _)| text)
                }
                (None, None) => continue,
            };
            lines.push(self.speech.declared(id, v, &value));
        }
        lines
    }

    fn inputs(&mut self) -> Vec<String> {
        let mut lines = vec!["pre_spikes <- spike".to_string()];
        if self.s.handlers.iter().any(|h| h.trigger.is(Side::Post)) {
            lines.push("post_spikes <- spike".into());
        }
        for (id, v) in &self.s.vars {
            if matches!(v.kind, VarKind::Post(_) | VarKind::Modulator(_)) {
                lines.push(format!(
                    "{} {} <- continuous",
                    self.speech.names[&id],
                    data_type(v.dim).unwrap_or_default()
                ));
            }
            if matches!(v.kind, VarKind::Modulator(_)) {
                self.notes.push(format!(
                    "`{}` of `{}` is an input: what it follows is said where NEST is told to connect",
                    v.name, self.s.name
                ));
            }
        }
        lines
    }

    /// A block for the spikes of each side: those of the sending cell come first.
    fn handlers(&mut self) -> String {
        let s = self.s;
        let mut out = String::new();
        let both = [Side::Pre, Side::Post].iter().all(|side| s.handlers.iter().any(|h| h.trigger.is(*side)));
        for (side, port, priority) in [(Side::Pre, "pre_spikes", 2), (Side::Post, "post_spikes", 1)] {
            let mut lines = Vec::new();
            for handler in s.handlers.iter().filter(|h| h.trigger.is(side)) {
                lines.extend(self.speech.statements(&handler.body, handler.span));
            }
            let first = if both { format!(", priority={priority}") } else { String::new() };
            out += &block(&format!("onReceive({port}{first})"), &lines);
        }
        out
    }
}
