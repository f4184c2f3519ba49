//! A neuron as a model of NESTML.

use super::blocks::{block, model};
use super::counters::Counters;
use super::expression::Speech;
use super::unsayable;
use super::words::{RESERVED, data_type};
use crate::compiler::Program;
use crate::diag::Diagnostics;
use crate::export::impulses::{coefficient, without};
use crate::export::measured::measured;
use crate::export::names::{Names, snake};
use crate::export::refused::of_any_cell;
use crate::hir::{Draw, Emit, Expr, Neuron, VarId, VarKind, any_expr};
use crate::source::{SourceMap, Span};
use crate::units::Dim;
use std::collections::BTreeMap;

/// What became of a neuron: its text, and remarks; or what cannot be said.
pub fn written(program: &Program, n: &Neuron) -> Result<(String, Vec<String>), Diagnostics> {
    let mut flaws = Diagnostics::default();
    refusals(n, &mut flaws);
    // Nothing but cables is left to be said of a cell with cables.
    if !n.cables.is_empty() {
        return Err(flaws);
    }
    let mut writer = Writer::new(&program.sources, n);
    let text = writer.model();
    flaws.append(writer.speech.flaws);
    if flaws.has_errors() { Err(flaws) } else { Ok((text, writer.notes)) }
}

/// What no cell of NESTML has.
fn refusals(n: &Neuron, flaws: &mut Diagnostics) {
    let mut refuse = |at: Span, what: &str, why: &str| flaws.push(unsayable("NESTML", at, what, why));
    of_any_cell(n, &mut refuse);
    for (_, event) in n.events.iter().skip(1) {
        refuse(event.span, "two kinds of events", "its cells emit spikes, and nothing else");
    }
    for (v, at) in n.vars.iter().filter(|(id, _)| !n.kept.contains_key(id)).map(|(_, v)| (v, v.span)) {
        match &v.kind {
            VarKind::Window(..) => refuse(at, "what is taken of a window", "it has no experiments"),
            VarKind::Response(_) => {
                refuse(at, "a response that ends", "its kernels are solutions of linear equations, which never do")
            }
            VarKind::Param(None) => refuse(at, "a parameter without a value", "what has none is zero there"),
            _ => {}
        }
    }
    for emit in &n.emits {
        if let Some(at) = emit.count.as_ref().map(|_| n.events[emit.event].span) {
            refuse(at, "several spikes at once", "`emit_spike` emits one");
        }
    }
}

/// Writes the blocks of a model.
pub struct Writer<'a> {
    pub n: &'a Neuron,
    names: Names,
    pub speech: Speech<'a>,
    /// States that hold whether a condition was true a step ago, by the number of its `emit`.
    pub was: BTreeMap<usize, String>,
    pub notes: Vec<String>,
}

impl<'a> Writer<'a> {
    fn new(sources: &'a SourceMap, n: &'a Neuron) -> Writer<'a> {
        let mut names = Names::beside(RESERVED);
        let given = n.vars.iter().map(|(id, v)| (id, names.give(&v.name))).collect();
        let counters = Counters::of(n, &mut names);
        let speech = Speech::new(sources, &n.vars, &n.bounds, given, counters);
        let mut writer = Writer { n, names, speech, was: BTreeMap::new(), notes: Vec::new() };
        writer.remembered();
        writer
    }

    /// Gives names to what NESTML does not remember by itself.
    fn remembered(&mut self) {
        let reads_since = |e: &Expr| e.any(&mut |e| matches!(e, Expr::Since(_)));
        let lets = self.n.vars.values().any(|v| matches!(&v.kind, VarKind::Let(e) if reads_since(e)));
        let emits = self.n.emits.iter().any(|e| reads_since(&e.when) || any_expr(&e.body, &reads_since));
        let rates = self.n.equations.iter().any(|e| reads_since(&e.rhs));
        if let Some(event) = self.n.events.keys().next().filter(|_| lets || emits || rates) {
            let name = self.names.give("last_spike");
            self.speech.last.insert(event, name);
        }
        for (i, emit) in self.n.emits.iter().enumerate().filter(|(_, e)| e.edge.is_some()) {
            let at = if emit.edge == Some(true) { "was_above" } else { "was_below" };
            self.was.insert(i, self.names.give(at));
        }
    }

    fn model(&mut self) -> String {
        let n = self.n;
        let dt = self.names.give("dt");
        let blocks = [
            self.states(),
            self.equations(),
            self.parameters(),
            self.inputs(),
            if n.emits.is_empty() { String::new() } else { block("output", &["spike".into()]) },
            block("update", &self.update()),
            self.arrivals(),
            self.decisions(),
        ];
        let mut internals = self.speech.lets(&n.lets, true);
        if self.speech.step {
            internals.insert(0, format!("{dt} ms = resolution()"));
        }
        let [states, equations, parameters, rest @ ..] = blocks;
        let body = states + &equations + &parameters + &block("internals", &internals) + &rest.concat();
        if n.scheme.is_some() {
            self.notes.push(format!("the scheme of `{}` is left to the tools of NESTML", n.name));
        }
        model(&format!("{}_neuron", snake(&n.name)), &n.doc, body, &self.speech.helpers)
    }

    fn parameters(&mut self) -> String {
        let n = self.n;
        let mut lines = Vec::new();
        for (id, v) in &n.vars {
            match &v.kind {
                VarKind::Param(Some(e)) => {
                    let value = self.speech.say(e, v.dim, v.span);
                    lines.push(self.speech.declared(id, v, &value));
                }
                // What a port has before anything arrives.
                VarKind::AnalogPort(e) if !is_zero(e) => {
                    let value = self.speech.say(e, v.dim, v.span);
                    let base = self.base(id);
                    lines.push(format!("{base} {} = {value}", data_type(v.dim).unwrap_or_default()));
                }
                _ => {}
            }
        }
        block("parameters", &lines)
    }

    /// The parameter that an input is added to.
    fn base(&mut self, port: VarId) -> String {
        let name = self.speech.names[&port].clone();
        name.trim_start_matches('(').split(' ').next().unwrap_or_default().to_string()
    }

    fn states(&mut self) -> String {
        let n = self.n;
        // A port with a value of its own is that and what arrives; every name is known before anything is written.
        for (id, v) in &n.vars {
            if matches!(&v.kind, VarKind::AnalogPort(e) if !is_zero(e)) {
                let port = self.speech.names[&id].clone();
                let base = self.names.give(&format!("{port}_0"));
                self.speech.names.insert(id, format!("({base} + {port})"));
            }
        }
        let mut lines = Vec::new();
        for id in ordered_states(n) {
            let v = &n.vars[id];
            let VarKind::State(e) = &v.kind else { continue };
            let value = self.speech.value(&n.unfold(e.clone()), v, v.span);
            lines.push(self.speech.declared(id, v, &value));
        }
        for name in self.speech.counters.names() {
            lines.push(format!("{name} integer = 0"));
        }
        for name in self.speech.last.values() {
            lines.push(format!("{name} ms = -1e12 ms"));
        }
        for (i, name) in self.was.clone() {
            let emit = &n.emits[i];
            let first = self.speech.say(&n.unfold(emit.when.clone()), Dim::ONE, n.events[emit.event].span);
            lines.push(format!("{name} boolean = {first}"));
        }
        block("state", &lines)
    }

    fn equations(&mut self) -> String {
        let n = self.n;
        let mut lines = self.speech.lets(&n.lets, false);
        for equation in &n.equations {
            let v = &n.vars[equation.state];
            let rest = self.between_events(&equation.rhs, equation.span);
            if self.vanishes(&rest, v.dim) {
                continue;
            }
            let rate = self.speech.say(&rest, v.dim / Dim::TIME, equation.span);
            lines.push(format!("{}' = {rate}", self.speech.names[&equation.state]));
        }
        block("equations", &lines)
    }

    /// Whether a rate of a state is nothing at all.
    fn vanishes(&self, rate: &Expr, dim: Dim) -> bool {
        measured(rate, dim / Dim::TIME, &|v| self.n.vars[v].dim).is_zero()
    }

    fn ports(&self) -> Vec<VarId> {
        self.n.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::EventPort)).map(|(id, _)| id).collect()
    }

    /// A rate without what arriving events add.
    fn between_events(&mut self, rate: &Expr, at: Span) -> Expr {
        if rate.any(&mut |e| matches!(e, Expr::Draw(..))) {
            self.speech.flaws.push(unsayable("NESTML", at, "a draw in an equation", "it draws in statements only"));
        }
        let mut rest = rate.clone();
        for port in self.ports() {
            rest = without(&rest, port);
        }
        rest
    }

    /// Whether a state changes between events.
    pub fn evolves(&mut self, state: VarId) -> bool {
        let n = self.n;
        let Some(equation) = n.equations.iter().find(|e| e.state == state) else { return false };
        let rest = self.between_events(&equation.rhs, equation.span);
        !self.vanishes(&rest, n.vars[state].dim)
    }

    fn inputs(&mut self) -> String {
        let mut lines = Vec::new();
        for (id, v) in &self.n.vars {
            match &v.kind {
                VarKind::EventPort => lines.push(format!("{} <- spike", self.speech.names[&id])),
                VarKind::AnalogPort(e) => {
                    let name = self.speech.names[&id].clone();
                    let name = if is_zero(e) {
                        name
                    } else {
                        name.trim_end_matches(')').rsplit(' ').next().unwrap_or_default().into()
                    };
                    lines.push(format!("{name} {} <- continuous", data_type(v.dim).unwrap_or_default()));
                }
                _ => {}
            }
        }
        block("input", &lines)
    }

    /// What arriving events add, a block for each input.
    fn arrivals(&mut self) -> String {
        let n = self.n;
        let mut out = String::new();
        for port in self.ports() {
            let mut lines = Vec::new();
            for equation in &n.equations {
                let Some(factor) = coefficient(&equation.rhs, port) else { continue };
                let dim = n.vars[equation.state].dim / n.vars[port].dim;
                // An input is a sum of weights per second there.
                let weight = match data_type(n.vars[port].dim) {
                    Some(unit) if unit != "real" => format!("(1 {unit}*s)"),
                    _ => "(1 s)".into(),
                };
                let weight = format!("{} * {weight}", self.speech.names[&port]);
                let change = match self.speech.factor(&factor, dim, equation.span) {
                    one if one == "1" => weight,
                    other => format!("{other} * {weight}"),
                };
                let line = format!("{} += {change}", self.speech.names[&equation.state]);
                match self.speech.counters.hold(equation.state) {
                    Some(counter) => lines.extend([format!("if {counter} == 0:"), format!("    {line}")]),
                    None => lines.push(line),
                }
            }
            out += &block(&format!("onReceive({})", self.speech.names[&port]), &lines);
        }
        out
    }

    /// Whether all there is to decide is one condition.
    fn is_simple(&self) -> bool {
        let draws = |e: &Expr| self.n.any(e, &mut |e| matches!(e, Expr::Draw(_, Draw::Normal | Draw::Uniform, _)));
        matches!(&self.n.emits[..], [emit] if emit.edge.is_none() && !draws(&emit.when))
    }

    fn decisions(&mut self) -> String {
        let n = self.n;
        if let ([emit], true) = (&n.emits[..], self.is_simple()) {
            let condition = self.condition(emit);
            let lines = self.emission(emit);
            return block(&format!("onCondition({condition})"), &lines);
        }
        let mut lines = Vec::new();
        for (i, emit) in n.emits.iter().enumerate() {
            let condition = self.condition(emit);
            let body = self.emission(emit);
            let head = match self.was.get(&i).cloned() {
                None => condition,
                Some(was) => {
                    let now = self.names.give("now");
                    lines.push(format!(
                        "{now} boolean = {}",
                        self.speech.say(&emit.when, Dim::ONE, n.events[emit.event].span)
                    ));
                    let changed = if emit.edge == Some(true) {
                        format!("{now} and not {was}")
                    } else {
                        format!("not {now} and {was}")
                    };
                    let free =
                        self.speech.counters.mute(emit.event).map_or(String::new(), |m| format!("{m} == 0 and "));
                    let at = n.events[emit.event].span;
                    let on = emit.on.map(|on| format!("{} and ", self.speech.say(&Expr::Fired(on), Dim::ONE, at)));
                    lines.extend([format!("if {free}{}{changed}:", on.unwrap_or_default())]);
                    lines.extend(body.iter().map(|l| format!("    {l}")));
                    lines.push(format!("{was} = {now}"));
                    continue;
                }
            };
            lines.push(format!("if {head}:"));
            lines.extend(body.iter().map(|l| format!("    {l}")));
        }
        if lines.is_empty() { String::new() } else { block("onCondition(true)", &lines) }
    }

    fn condition(&mut self, emit: &Emit) -> String {
        let at = self.n.events[emit.event].span;
        match self.speech.counters.mute(emit.event) {
            Some(counter) => format!("{counter} == 0 and {}", self.speech.condition(&emit.when, at)),
            None => self.speech.say(&emit.when, Dim::ONE, at),
        }
    }

    fn emission(&mut self, emit: &Emit) -> Vec<String> {
        let mut lines = self.speech.statements(&emit.body, self.n.events[emit.event].span);
        if let Some(last) = self.speech.last.get(&emit.event) {
            lines.push(format!("{last} = t"));
        }
        lines.push("emit_spike()".into());
        lines
    }
}

/// States in an order in which each begins with a value that follows from those before it.
fn ordered_states(n: &Neuron) -> Vec<VarId> {
    let (mut out, mut waiting): (Vec<VarId>, Vec<VarId>) = (Vec::new(), n.states().map(|(id, _)| id).collect());
    while !waiting.is_empty() {
        let is_free = |id: &VarId| match &n.vars[*id].kind {
            VarKind::State(e) => !waiting.iter().any(|w| w != id && n.any(e, &mut |e| *e == Expr::Var(*w))),
            _ => true,
        };
        // A circle cannot be: the check of the program refuses it.
        let next = waiting.iter().position(is_free).unwrap_or(0);
        out.push(waiting.remove(next));
    }
    out
}

fn is_zero(e: &Expr) -> bool {
    crate::math::eval(e, &|_| None, None) == Some(0.0)
}
