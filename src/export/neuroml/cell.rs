//! A neuron as a type of LEMS with a component.

use super::actions::{Conditions, assign};
use super::formula::Formulas;
use super::unit::Units;
use super::unsayable;
use crate::diag::Diagnostics;
use crate::export::impulses::{coefficient, without};
use crate::export::measured::measured;
use crate::export::names::Names;
use crate::export::refused::of_any_cell;
use crate::hir::{EventId, Expr, Func, Neuron, Stmt, VarId, VarKind, each_stmt};
use crate::math::{eval_through, walk_through};
use crate::source::Span;
use crate::units::Dim;
use std::collections::{BTreeMap, BTreeSet};

/// Names that have a meaning in LEMS or in the core of NeuroML already.
const CORE: &[&str] = &[
    "Component",
    "ComponentType",
    "Dimension",
    "Unit",
    "Include",
    "Target",
    "Constant",
    "Assertion",
    "IF_curr_alpha",
    "IF_curr_exp",
    "IF_cond_alpha",
    "IF_cond_exp",
    "EIF_cond_exp_isfa_ista",
    "EIF_cond_alpha_isfa_ista",
    "HH_cond_exp",
];

const LONG: &str = "it has thousands of parts when it is written out";

/// Values of parameters and inputs and first values of states, and states whose first value is a parameter of the component.
pub struct Given<'a> {
    pub first: &'a BTreeMap<VarId, f64>,
    pub begun: &'a BTreeSet<VarId>,
}

/// A neuron as a type, and the parameters of a component.
pub struct Type {
    pub name: String,
    pub declared: String,
    pub attributes: String,
    /// What its states and events are called.
    pub names: BTreeMap<VarId, String>,
    pub events: BTreeMap<EventId, String>,
}

/// The type of a neuron, or what cannot be said.
pub fn written(n: &Neuron, given: &Given, units: &mut Units, notes: &mut Vec<String>) -> Result<Type, Diagnostics> {
    let mut flaws = Diagnostics::default();
    refusals(n, &mut flaws);
    // Nothing but cables is left to be said of a cell with cables.
    if !n.cables.is_empty() {
        return Err(flaws);
    }
    let mut cell = Cell::new(n, given, units);
    let written = cell.text(notes);
    flaws.append(cell.formulas.flaws);
    if flaws.has_errors() { Err(flaws) } else { Ok(written) }
}

/// What is said of a cell that asks for a scheme.
pub fn left_to_tools(name: &str) -> String {
    format!("the scheme of `{name}` is left to the tools of LEMS")
}

/// Values of parameters and first values of states, as far as they are known.
pub fn first_values(n: &Neuron) -> BTreeMap<VarId, f64> {
    let mut first = BTreeMap::new();
    for _ in 0..=n.vars.len() {
        let before = first.len();
        for (id, v) in &n.vars {
            let (VarKind::Param(Some(e)) | VarKind::State(e) | VarKind::AnalogPort(e)) = &v.kind else { continue };
            let known = |v: VarId| first.get(&v).copied();
            if let Some(x) = eval_through(e, &|v| n.definition(v), &known, (None, Some(0.0))) {
                first.insert(id, x);
            }
        }
        if first.len() == before {
            break;
        }
    }
    first
}

fn refusals(n: &Neuron, flaws: &mut Diagnostics) {
    let mut refuse = |at: Span, what: &str, why: &str| flaws.push(unsayable("LEMS", at, what, why));
    of_any_cell(n, &mut refuse);
    for (id, v) in n.vars.iter().filter(|(id, _)| !n.kept.contains_key(id)) {
        match &v.kind {
            VarKind::Window(..) => refuse(v.span, "what is taken of a window", "it has no windows"),
            VarKind::Response(_) => refuse(v.span, "a response that ends", "it remembers no events"),
            VarKind::Param(None) => refuse(v.span, "a parameter without a value", "a component has one for each"),
            _ if n.bounds.iter().any(|(b, ..)| *b == id) && n.equations.iter().any(|e| e.state == id) => {
                refuse(v.span, "a bound that an equation meets", "states are as their equations make them");
            }
            _ => {}
        }
    }
    for emit in n.emits.iter().filter(|e| e.count.is_some()) {
        refuse(n.events[emit.event].span, "several events at once", "one is sent");
    }
}

/// A cell under construction.
pub struct Cell<'a> {
    pub n: &'a Neuron,
    pub formulas: Formulas<'a>,
    pub conditions: Conditions,
    /// States of zero and one that say what is held and what is muted; another state says for how long.
    pub held: BTreeMap<VarId, String>,
    pub muted: BTreeMap<EventId, String>,
    pub ports: BTreeMap<EventId, String>,
    /// What an event adds, by the input that it arrives at.
    weights: BTreeMap<VarId, String>,
    /// The input that currents are attached to.
    attached: Option<VarId>,
    /// States of our own that are pure numbers, with their first values.
    pub flags: Vec<(String, String)>,
    pub edges: Vec<(usize, String, String)>,
    /// First values of states, and values of parameters, as far as they are known.
    pub first: &'a BTreeMap<VarId, f64>,
    /// What the first values of states are called that are parameters.
    begun: BTreeMap<VarId, String>,
    /// Names of constants: no time, and a time shorter than any step.
    pub zero_time: String,
    pub soon: String,
}

impl<'a> Cell<'a> {
    fn new(n: &'a Neuron, given: &Given<'a>, units: &'a mut Units) -> Cell<'a> {
        let mut formulas = Formulas::new(&n.vars, units);
        let (mut held, mut muted) = (BTreeMap::new(), BTreeMap::new());
        for emit in &n.emits {
            each_stmt(&emit.body, &mut |s| match s {
                Stmt::Hold(v, ..) if !held.contains_key(v) => {
                    held.insert(*v, formulas.free.give_with(&format!("held_{}", n.vars[*v].name), "_left"));
                }
                Stmt::Mute(e, ..) if !muted.contains_key(e) => {
                    muted.insert(*e, formulas.free.give_with(&format!("muted_{}", n.events[*e].name), "_left"));
                }
                _ => {}
            });
        }
        let ports = n.events.iter().map(|(id, e)| (id, formulas.free.give(&e.name))).collect();
        let inputs = n.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::EventPort));
        let weights = inputs.map(|(id, v)| (id, formulas.free.give(&format!("{}_weight", v.name)))).collect();
        let begun =
            given.begun.iter().map(|s| (*s, formulas.free.give(&format!("first_{}", n.vars[*s].name)))).collect();
        let (zero_time, soon) = (formulas.free.give("no_time"), formulas.free.give("instant"));
        let mut cell = Cell {
            n,
            formulas,
            conditions: Conditions::default(),
            held,
            muted,
            ports,
            weights,
            attached: attached(n),
            flags: Vec::new(),
            edges: Vec::new(),
            first: given.first,
            begun,
            zero_time,
            soon,
        };
        cell.remember();
        cell
    }

    /// Gives states to what LEMS does not remember by itself.
    fn remember(&mut self) {
        let reads = |this: &Self, what: &Expr| {
            let within = |e: &Expr| e.any(&mut |e| e == what);
            let n = this.n;
            n.vars.values().any(|v| matches!(&v.kind, VarKind::Let(e) if within(e)))
                || n.equations.iter().any(|e| within(&e.rhs))
                || n.emits.iter().any(|e| within(&e.when) || any_in(&e.body, &within))
                || n.emits.iter().any(|e| e.on.is_some_and(|on| *what == Expr::Fired(on)))
        };
        for event in self.n.events.keys() {
            if reads(self, &Expr::Since(event)) {
                let name = self.formulas.free.give(&format!("since_{}", self.n.events[event].name));
                self.formulas.since.insert(event, name);
            }
            if reads(self, &Expr::Fired(event)) {
                let name = self.formulas.free.give(&format!("{}_now", self.n.events[event].name));
                self.flags.push((name.clone(), "0".into()));
                self.conditions.passing.push(name.clone());
                self.formulas.fired.insert(event, name);
            }
        }
    }

    fn is_constant(&self, e: &Expr) -> bool {
        let mut constant = true;
        walk_through(e, &|v| self.n.definition(v), &mut |e| {
            constant &= match e {
                Expr::Var(v) => matches!(self.n.vars[*v].kind, VarKind::Param(_)),
                Expr::Time | Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..) | Expr::Noise(_) => false,
                _ => true,
            };
        });
        constant
    }

    /// An expression in which what follows from states is written out, so that it is that of the states as they are.
    pub fn now(&mut self, e: &Expr, at: Span) -> Expr {
        let moving = |v: VarId| self.n.definition(v).filter(|definition| !self.is_constant(definition));
        let out = crate::math::unfold(e.clone(), &moving);
        if out.any(&mut |e| matches!(e, Expr::Var(v) if moving(*v).is_some())) {
            self.formulas.refuse(at, "a formula as long as this at an event", LONG);
        }
        out
    }

    fn text(&mut self, notes: &mut Vec<String>) -> Type {
        let n = self.n;
        let at = n.vars.values().next().map_or_else(Span::default, |v| v.span);
        let (parameters, attributes) = self.parameters();
        let inputs = self.inputs(notes);
        self.lets();
        let rates = self.rates();
        for (i, emit) in n.emits.iter().enumerate() {
            self.emission(i, emit);
        }
        self.ends();
        self.afterwards();
        let arrivals = self.arrivals();
        let (states, starts) = self.states();
        let mut constants = self.formulas.constants(at);
        constants.push(format!("<Constant name=\"{}\" dimension=\"time\" value=\"0ms\"/>", self.zero_time));
        constants.push(format!("<Constant name=\"{}\" dimension=\"time\" value=\"1e-6ms\"/>", self.soon));
        let mut lines = [parameters, constants, inputs.declared, self.exposures()].concat();
        lines.push("<Dynamics>".into());
        let dynamics = [
            states,
            inputs.derived,
            std::mem::take(&mut self.formulas.derived),
            rates,
            block("OnStart", "", &starts),
            arrivals,
            self.decisions(),
        ];
        lines.extend(dynamics.concat().into_iter().map(|l| format!("    {l}")));
        lines.push("</Dynamics>".into());
        let body: String = lines.iter().map(|l| format!("        {l}\n")).collect();
        let doc = escaped(n.doc.lines().next().unwrap_or_default().trim());
        let name = Names::beside(CORE).give(&n.name);
        if n.scheme.is_some() {
            notes.push(left_to_tools(&name));
        }
        let declared = format!(
            "    <ComponentType name=\"{name}\" extends=\"baseCell\" description=\"{doc}\">\n{body}    </ComponentType>\n"
        );
        Type { declared, name, attributes, names: self.formulas.names.clone(), events: self.ports.clone() }
    }

    fn parameters(&mut self) -> (Vec<String>, String) {
        let n = self.n;
        let (mut lines, mut attributes) = (Vec::new(), String::new());
        for (id, v) in n.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::Param(_))) {
            let (name, dimension) = (self.formulas.names[&id].clone(), self.formulas.dimension(v.dim, v.span));
            lines.push(format!("<Parameter name=\"{name}\" dimension=\"{dimension}\"/>"));
            match self.first.get(&id).copied().filter(|x| x.is_finite()) {
                Some(x) => attributes += &format!(" {name}=\"{}\"", self.formulas.quantity(x, v.dim, v.span)),
                None => {
                    self.formulas.refuse(v.span, "a parameter without a finite value", "a component has one for each");
                }
            }
        }
        for (id, v) in n.vars.iter() {
            let VarKind::AnalogPort(_) = v.kind else { continue };
            if let (false, Some(x)) = (self.attached == Some(id), self.first.get(&id).copied()) {
                let (name, dimension) = (self.formulas.names[&id].clone(), self.formulas.dimension(v.dim, v.span));
                lines.push(format!("<Parameter name=\"{name}\" dimension=\"{dimension}\"/>"));
                attributes += &format!(" {name}=\"{}\"", self.formulas.quantity(x, v.dim, v.span));
            }
        }
        for (id, v) in n.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::EventPort)) {
            let name = self.weights[&id].clone();
            let dimension = self.formulas.dimension(v.dim, v.span);
            lines.push(format!("<Parameter name=\"{name}\" dimension=\"{dimension}\"/>"));
            attributes += &format!(" {name}=\"{}\"", self.formulas.quantity(1.0, v.dim, v.span));
        }
        for (state, name) in self.begun.clone() {
            let v = &n.vars[state];
            let dimension = self.formulas.dimension(v.dim, v.span);
            lines.push(format!("<Parameter name=\"{name}\" dimension=\"{dimension}\"/>"));
            let x = self.first.get(&state).copied().unwrap_or(0.0);
            attributes += &format!(" {name}=\"{}\"", self.formulas.quantity(x, v.dim, v.span));
        }
        (lines, attributes)
    }

    fn exposures(&mut self) -> Vec<String> {
        let states: Vec<(VarId, Dim, Span)> = self.n.states().map(|(id, v)| (id, v.dim, v.span)).collect();
        let mut lines = Vec::new();
        for (id, dim, at) in states {
            let dimension = self.formulas.dimension(dim, at);
            lines.push(format!("<Exposure name=\"{}\" dimension=\"{dimension}\"/>", self.formulas.names[&id]));
        }
        lines.extend(self.ports.values().map(|p| format!("<EventPort name=\"{p}\" direction=\"out\"/>")));
        lines
    }

    fn inputs(&mut self, notes: &mut Vec<String>) -> Inputs {
        let n = self.n;
        let mut out = Inputs::default();
        for (id, v) in &n.vars {
            let name = self.formulas.names[&id].clone();
            match &v.kind {
                VarKind::EventPort => {
                    out.declared.push(format!("<EventPort name=\"{name}\" direction=\"in\"/>"));
                    notes.push(format!(
                        "events of LEMS have no weight: each one at `{}` of `{}` adds `{}`",
                        v.name, n.name, self.weights[&id]
                    ));
                }
                VarKind::AnalogPort(e) if self.attached == Some(id) => {
                    let (kind, exposed) =
                        if v.dim == Dim::ONE { ("basePointCurrentDL", "I") } else { ("basePointCurrent", "i") };
                    out.declared.push(format!("<Attachments name=\"synapses\" type=\"{kind}\"/>"));
                    let dimension = self.formulas.dimension(v.dim, v.span);
                    let base = self.first.get(&id).copied().unwrap_or(0.0);
                    let sum = |name: &str| {
                        format!(
                            "<DerivedVariable name=\"{name}\" dimension=\"{dimension}\" select=\"synapses[*]/{exposed}\" reduce=\"add\"/>"
                        )
                    };
                    if base == 0.0 {
                        out.derived.push(sum(&name));
                        continue;
                    }
                    let arriving = self.formulas.free.give(&format!("{name}_arriving"));
                    out.derived.push(sum(&arriving));
                    let own = self.formulas.say(e, v.dim, v.span);
                    out.derived.push(format!(
                        "<DerivedVariable name=\"{name}\" dimension=\"{dimension}\" value=\"{arriving} + {own}\"/>"
                    ));
                }
                VarKind::AnalogPort(_) => notes.push(format!(
                    "`{}` of `{}` is a parameter: what arrives there has no counterpart",
                    v.name, n.name
                )),
                _ => {}
            }
        }
        out
    }

    fn lets(&mut self) {
        let n = self.n;
        for id in n.lets.iter().copied() {
            let v = &n.vars[id];
            let VarKind::Let(e) = &v.kind else { continue };
            let name = self.formulas.names[&id].clone();
            self.formulas.derive(&name, e, v.dim, v.span);
        }
    }

    fn event_ports(&self) -> Vec<VarId> {
        self.n.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::EventPort)).map(|(id, _)| id).collect()
    }

    /// Rates between events; what is held does not move.
    fn rates(&mut self) -> Vec<String> {
        let n = self.n;
        let mut lines = Vec::new();
        let line = |name: &str, value: &str| format!("<TimeDerivative variable=\"{name}\" value=\"{value}\"/>");
        for equation in &n.equations {
            let v = &n.vars[equation.state];
            let mut rate = equation.rhs.clone();
            for port in self.event_ports() {
                rate = without(&rate, port);
            }
            let dim = v.dim / Dim::TIME;
            if measured(&rate, dim, &|v| n.vars[v].dim).is_zero() {
                continue;
            }
            let name = self.formulas.names[&equation.state].clone();
            let value = self.formulas.say(&rate, dim, equation.span);
            match self.held.get(&equation.state).cloned() {
                Some(held) => lines.push(line(&name, &format!("(1 - {held}) * ({value})"))),
                None => lines.push(line(&name, &value)),
            }
        }
        for flag in self.held.values().chain(self.muted.values()) {
            lines.push(line(&format!("{flag}_left"), &format!("-1 * {flag}")));
        }
        lines.extend(self.formulas.since.values().map(|since| line(since, "1")));
        lines
    }

    fn states(&mut self) -> (Vec<String>, Vec<String>) {
        let n = self.n;
        let (mut lines, mut starts) = (Vec::new(), Vec::new());
        for (id, v) in n.states() {
            let VarKind::State(e) = &v.kind else { continue };
            let (name, dimension) = (self.formulas.names[&id].clone(), self.formulas.dimension(v.dim, v.span));
            lines.push(format!("<StateVariable name=\"{name}\" dimension=\"{dimension}\" exposure=\"{name}\"/>"));
            if let Some(first) = self.begun.get(&id) {
                starts.push(assign(&name, first));
                continue;
            }
            let Some(e) = self.beginning(e, &mut 4096) else {
                self.formulas.refuse(v.span, "a first value as long as this", LONG);
                continue;
            };
            let e = if v.boolean { decided(&e) } else { e };
            let known = |v: VarId| self.first.get(&v).copied();
            if divides_by_nothing(&e, &|e| crate::math::eval(e, &known, None)) {
                self.formulas.refuse(v.span, "this first value", "it divides by nothing as it is written there");
            }
            self.formulas.may_derive = false;
            let value = self.formulas.say(&e, v.dim, v.span);
            self.formulas.may_derive = true;
            starts.push(assign(&name, &value));
        }
        let own = |name: &str, dimension: &str| format!("<StateVariable name=\"{name}\" dimension=\"{dimension}\"/>");
        for flag in self.held.values().chain(self.muted.values()) {
            lines.extend([own(flag, "none"), own(&format!("{flag}_left"), "time")]);
            starts.push(assign(flag, "0"));
            starts.push(assign(&format!("{flag}_left"), &self.zero_time));
        }
        for (flag, first) in &self.flags {
            lines.push(own(flag, "none"));
            starts.push(assign(flag, first));
        }
        for since in self.formulas.since.values() {
            lines.push(own(since, "time"));
            starts.push(assign(since, &format!("1e18 * {}", self.soon)));
        }
        (lines, starts)
    }

    /// A first value in terms of parameters alone; none if it would be too long.
    fn beginning(&self, e: &Expr, left: &mut usize) -> Option<Expr> {
        let mut parts = 0;
        e.walk(&mut |_| parts += 1);
        *left = left.checked_sub(parts)?;
        let mut whole = true;
        let out = e.clone().map(&mut |e| match e {
            Expr::Var(v) => match &self.n.vars[v].kind {
                VarKind::State(first) | VarKind::Let(first) if whole => {
                    self.beginning(first, left).unwrap_or_else(|| {
                        whole = false;
                        Expr::Num(0.0)
                    })
                }
                _ => Expr::Var(v),
            },
            other => other,
        });
        whole.then_some(out)
    }

    /// What arriving events add.
    fn arrivals(&mut self) -> Vec<String> {
        let n = self.n;
        let mut lines = Vec::new();
        for port in self.event_ports() {
            let name = self.formulas.names[&port].clone();
            let mut actions = Vec::new();
            for equation in &n.equations {
                let Some(factor) = coefficient(&equation.rhs, port) else { continue };
                let (state, dim) = (self.formulas.names[&equation.state].clone(), n.vars[equation.state].dim);
                let factor = Expr::bin(crate::hir::Op::Mul, self.now(&factor, equation.span), Expr::Var(port));
                self.formulas.may_derive = false;
                let change = self.formulas.say(&factor, dim, equation.span);
                self.formulas.may_derive = true;
                let change = renamed(&change, &name, &self.weights[&port]);
                let change = match self.held.get(&equation.state) {
                    Some(held) => format!("{state} + (1 - {held}) * ({change})"),
                    None => format!("{state} + {change}"),
                };
                actions.push(assign(&state, &change));
            }
            lines.extend(block("OnEvent", &format!(" port=\"{name}\""), &actions));
        }
        lines
    }

    fn decisions(&mut self) -> Vec<String> {
        let all = std::mem::take(&mut self.conditions.all);
        let told = all.iter().filter(|w| !w.actions.is_empty());
        told.flat_map(|w| block("OnCondition", &format!(" test=\"{}\"", w.test), &w.actions)).collect()
    }
}

#[derive(Default)]
struct Inputs {
    declared: Vec<String>,
    derived: Vec<String>,
}

/// The weight of an event in place of the port that it arrives at.
fn renamed(formula: &str, port: &str, weight: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in formula.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        out += &if word == port { weight.to_string() } else { std::mem::take(&mut word) };
        word.clear();
        out.push(c);
    }
    out.trim_end().to_string()
}

/// The input that currents are attached to: of all inputs one, as what is attached says no more than what it is.
pub fn attached(n: &Neuron) -> Option<VarId> {
    let port = |dim: Dim| {
        n.vars.iter().find(|(_, v)| matches!(v.kind, VarKind::AnalogPort(_)) && v.dim == dim).map(|(id, _)| id)
    };
    port(Dim::CURRENT).or_else(|| port(Dim::ONE))
}

/// An element with what is within it; none without anything.
pub fn block(name: &str, attributes: &str, actions: &[String]) -> Vec<String> {
    if actions.is_empty() {
        return Vec::new();
    }
    let inner = actions.iter().map(|a| format!("    {a}"));
    [format!("<{name}{attributes}>")].into_iter().chain(inner).chain([format!("</{name}>")]).collect()
}

/// Whether any expression of statements, also of times, satisfies a predicate.
pub fn any_in(body: &[Stmt], predicate: &dyn Fn(&Expr) -> bool) -> bool {
    let mut found = false;
    each_stmt(body, &mut |s| {
        found |= match s {
            Stmt::Assign(_, e) | Stmt::Hold(_, e, _) | Stmt::Mute(_, e, _) | Stmt::Deliver(e) | Stmt::If(e, ..) => {
                predicate(e)
            }
            Stmt::Rewire => false,
        }
    });
    found
}

/// A text as the value of an attribute.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A truth value as the number that it is kept as.
pub fn decided(e: &Expr) -> Expr {
    match e {
        Expr::Bool(b) => Expr::Num(f64::from(u8::from(*b))),
        Expr::If(c, a, b) => match **c {
            Expr::Bool(c) => decided(if c { a } else { b }),
            _ => e.clone(),
        },
        e => e.clone(),
    }
}

/// Whether an expression is near zero somewhere that `exp(x) - 1` is divided by it.
fn divides_by_nothing(e: &Expr, value: &dyn Fn(&Expr) -> Option<f64>) -> bool {
    e.any(&mut |e| match e {
        Expr::Call(Func::Exprel, args) => value(&args[0]).is_none_or(|x| x.abs() < 1e-3),
        _ => false,
    })
}
