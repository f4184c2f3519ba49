//! Neurons, synapses and channels: their equations, what happens at events, and their variables.

use super::document::Document;
use super::escape::{code, paragraph};
use super::layout::{Equations, Lines, rate};
use super::math::Typesetter;
use super::scope::{Scope, Symbol, upright};
use super::statements::{emission, handler};
use super::variables::{Variables, sections};
use crate::describe::written::on_one_line;
use crate::syntax::ast::{Expr, Item, Model, ModelItem, ModelKind, Name, SchemeDecl, Stmt, Variant};

/// Whether weights of a synapse change.
pub fn is_plastic(m: &Model) -> bool {
    let weights: Vec<&str> = m.body.iter().filter_map(weight).collect();
    let changes = |name: &Name| weights.contains(&name.text.as_str());
    m.kind == ModelKind::Synapse
        && m.body.iter().any(|i| match i {
            ModelItem::Equation(name, _) => changes(name),
            ModelItem::On(_, body, _) => body.iter().any(|s| assigns(s, &changes)),
            _ => false,
        })
}

fn weight(i: &ModelItem) -> Option<&str> {
    match i {
        ModelItem::Weight(name, ..) => Some(&name.text),
        _ => None,
    }
}

fn assigns(s: &Stmt, to: &dyn Fn(&Name) -> bool) -> bool {
    match s {
        Stmt::Assign(name, ..) => to(name),
        Stmt::If(_, a, b) => a.iter().chain(b).any(|s| assigns(s, to)),
        Stmt::Rewire(_) => true,
        _ => false,
    }
}

/// Which word a model is called by.
pub fn kind(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Neuron => "Neuron",
        ModelKind::Synapse => "Synapse",
        ModelKind::Channel => "Channel",
    }
}

impl Document<'_> {
    /// A model with its text.
    pub fn model(&self, item: &Item, m: &Model) -> String {
        let scope = Scope::of_model(&self.program.module, m);
        let set = Typesetter::new(&scope, &self.notation);
        let name = code(&m.name.text);
        let mut out = format!("\\subsubsection*{{{} {name}}}\n\n", kind(m.kind));
        out += &paragraph(&item.doc);
        if !m.formals.is_empty() {
            let formals: Vec<String> = m.formals.iter().map(|b| set.name(&b.name.text)).collect();
            out += &format!("A function of {}.\n\n", formals.join(", "));
        }
        out += &self.body(set, &m.body, m.kind);
        let neuron = (m.kind == ModelKind::Neuron).then_some(m.name.text.as_str());
        let variables = Variables { document: self, set, neuron };
        out + &variables.table(m).written(&format!("Variables of {name}."))
    }

    /// A model, or network, that another one is with other values.
    pub fn variant(&self, item: &Item, v: &Variant) -> String {
        let model = self.reached.model(&v.base.text);
        let scope = model
            .map_or_else(|| Scope::new(&self.program.module, Vec::new()), |m| Scope::of_model(&self.program.module, m));
        let set = Typesetter::new(&scope, &self.notation);
        let args = if v.args.is_empty() { String::new() } else { format!(" with {}", set.args(&v.args)) };
        let what = v.kind.map_or("Network", kind);
        let doc = paragraph(&item.doc);
        let (name, base) = (code(&v.name.text), code(&v.base.text));
        format!("\\subsubsection*{{{what} {name}}}\n\n{doc}{name} is {base}{args}.\n\n")
    }

    /// Equations, compartments, and what happens, of a model or a compartment.
    fn body(&self, set: Typesetter, body: &[ModelItem], kind: ModelKind) -> String {
        let is_cable = body.iter().any(|i| matches!(i, ModelItem::Geometry(..)));
        self.items(set, body, kind, if is_cable { Membrane::OfCable } else { Membrane::None })
    }

    fn items(&self, set: Typesetter, body: &[ModelItem], kind: ModelKind, membrane: Membrane) -> String {
        let mut equations = Equations::new(set);
        body.iter().for_each(|i| equation(set, i, &mut equations));
        match membrane {
            Membrane::OfCable if kind == ModelKind::Neuron => cable(set, body, &mut equations),
            Membrane::OfSections => more_current(set, body, &mut equations),
            _ => currents(body, &mut equations),
        }
        let mut out = equations.written();
        let mut lines = Lines::default();
        for i in body {
            match i {
                ModelItem::Compartment(name, count, inner, _) => {
                    out += &std::mem::take(&mut lines).written();
                    out += &self.compartment(set, (name, count.as_ref(), inner), kind);
                }
                ModelItem::Cable(name, inner, _) => {
                    out += &std::mem::take(&mut lines).written();
                    let (name, items) = (code(&name.text), self.items(set, inner, kind, Membrane::OfCable));
                    out += &format!("\\noindent\\emph{{Cable}} with the shape of {name}.\n\n{items}");
                }
                ModelItem::Sections(kinds, inner) => {
                    out += &std::mem::take(&mut lines).written();
                    let items = self.items(set, inner, kind, Membrane::OfSections);
                    // What has parameters alone stands in the table.
                    if !items.is_empty() {
                        out += &format!("\\noindent\\emph{{In sections}} {}:\n\n{items}", sections(kinds));
                    }
                }
                i => self.line(set, i, &mut lines),
            }
        }
        if kind == ModelKind::Neuron && body.iter().any(|i| matches!(i, ModelItem::Energy(..))) {
            lines.line(0, "States without an equation of their own descend along the energy: $\\dot s = -\\partial E / \\partial s$, \
                where $E$ is the sum of the energies of the cell and of its synapses.");
        }
        out + &lines.written()
    }

    fn compartment(
        &self,
        set: Typesetter,
        (name, count, body): (&Name, Option<&Expr>, &[ModelItem]),
        kind: ModelKind,
    ) -> String {
        let mut said = Vec::new();
        if let Some(count) = count {
            said.push(format!("{} segments", set.inline(count)));
        }
        for i in body {
            if let ModelItem::Geometry(what, e) = i {
                said.push(format!("{} {}", what.text, set.inline(e)));
            }
        }
        let said = if said.is_empty() { String::new() } else { format!(", {}", said.join(", ")) };
        format!("\\noindent\\emph{{Compartment}} {}{said}.\n\n{}", code(&name.text), self.body(set, body, kind))
    }

    /// What is no equation, as a line of text.
    fn line(&self, set: Typesetter, i: &ModelItem, lines: &mut Lines) {
        match i {
            ModelItem::Emit(e) => emission(set, e, lines),
            ModelItem::On(name, body, _) => handler(set, name, body, lines),
            ModelItem::Deliver(e) => {
                lines.line(0, &format!("\\emph{{At every step}} {} is added to the target's input.", set.inline(e)));
            }
            ModelItem::Noise(name) => {
                set.notation.mention("xi");
                lines.line(0, &format!("{} is one process of white noise.", set.name(&name.text)));
            }
            ModelItem::ChannelUse(name, model, args, _) => {
                let args = if args.is_empty() { String::new() } else { format!(" with {}", set.args(args)) };
                lines.line(0, &format!("\\emph{{Channel}} {}: {}{args}.", code(&name.text), code(&model.text)));
            }
            ModelItem::Couple(a, b, conductance, _) => couple(set, (a, b), conductance.as_ref(), lines),
            ModelItem::Scheme(s) => lines.line(0, &format!("\\emph{{Integrated}} by {}.", self.scheme(set, s))),
            // Equations and tables say these.
            ModelItem::Equation(..) | ModelItem::Let(..) | ModelItem::Energy(..) | ModelItem::Gate(..) => {}
            ModelItem::Current(_) | ModelItem::Geometry(..) | ModelItem::Compartment(..) => {}
            ModelItem::Cable(..) | ModelItem::Sections(..) => {}
            ModelItem::Params(_) | ModelItem::States(_) | ModelItem::Weight(..) => {}
            ModelItem::EventInput(..) | ModelItem::Input(..) | ModelItem::Modulator(..) => {}
        }
    }

    fn scheme(&self, set: Typesetter, s: &SchemeDecl) -> String {
        let args: Vec<String> = s.args.iter().map(|a| on_one_line(self.written.of(a.span()))).collect();
        let args = if args.is_empty() { String::new() } else { format!("({})", args.join(", ")) };
        let states: Vec<String> = s.states.iter().map(|n| set.name(&n.text)).collect();
        let states = if states.is_empty() { String::new() } else { format!(" for {}", states.join(", ")) };
        format!("{}{states}", code(&format!("{}{args}", s.name.text)))
    }
}

/// What a body's currents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Membrane {
    /// A current of its own.
    None,
    /// All that goes through a cable's membrane.
    OfCable,
    /// What sections of some kinds have besides.
    OfSections,
}

fn equation(set: Typesetter, i: &ModelItem, equations: &mut Equations) {
    match i {
        ModelItem::Equation(name, e) => equations.rate(&set.scope.path(&name.text), e),
        ModelItem::Let(name, e) | ModelItem::Energy(name, e) => {
            equations.equal(&set.scope.symbol(&name.text).tex(), e);
        }
        ModelItem::Gate(name, fields, _) => gate(set, name, fields, equations),
        _ => {}
    }
}

/// A gate by its rates, or by its limit and its time constant.
fn gate(set: Typesetter, name: &Name, fields: &[(Name, Expr)], equations: &mut Equations) {
    let x = set.scope.symbol(&name.text).tex();
    let has = |field: &str| fields.iter().any(|(n, _)| n.text == field);
    let left = rate(&x);
    if has("alpha") {
        equations.given(&left, &format!("\\alpha_{{{x}}}\\,(1 - {x}) - \\beta_{{{x}}}\\,{x}"));
    } else {
        equations.given(&left, &format!("\\frac{{{x}_{{\\infty}} - {x}}}{{\\tau_{{{x}}}}}"));
    }
    for (field, e) in fields {
        let symbol = match field.text.as_str() {
            "inf" => format!("{x}_{{\\infty}}"),
            other => Symbol::of(other).with(x.clone()).tex(),
        };
        equations.equal(&symbol, e);
    }
}

/// The current of a channel.
fn currents(body: &[ModelItem], equations: &mut Equations) {
    for i in body {
        if let ModelItem::Current(e) = i {
            equations.equal("I", e);
        }
    }
}

/// The currents through the membrane that a body has.
fn through_membrane(set: Typesetter, body: &[ModelItem]) -> Vec<String> {
    let each = body.iter().filter_map(|i| match i {
        ModelItem::Current(e) => Some(set.term(e).tex),
        ModelItem::ChannelUse(name, model, ..) if set.scope.has_current(&model.text) => {
            Some(format!("I_{{{}}}", upright(&name.text)))
        }
        _ => None,
    });
    each.collect()
}

/// What sections of some kinds add to the membrane current of their cable.
fn more_current(set: Typesetter, body: &[ModelItem], equations: &mut Equations) {
    let sum = through_membrane(set, body);
    if !sum.is_empty() {
        equations.given("I_{\\mathrm{m}}", &format!("\\ldots + {}", sum.join(" + ")));
    }
}

/// The cable equation, and the membrane current in it.
fn cable(set: Typesetter, body: &[ModelItem], equations: &mut Equations) {
    set.notation.mention("cable");
    let sum = through_membrane(set, body);
    let injected = body.iter().any(|i| matches!(i, ModelItem::Input(..)));
    let injected = if injected { " + I_{\\mathrm{in}}" } else { "" };
    let capacity = set.scope.symbol("C_m").tex();
    let axial = set.scope.symbol("R_a").tex();
    equations.given(
        &format!("{capacity}\\,\\frac{{\\partial v}}{{\\partial t}}"),
        &format!(
            "\\frac{{D}}{{4\\,{axial}}}\\,\\frac{{\\partial^2 v}}{{\\partial x^2}} - I_{{\\mathrm{{m}}}}{injected}"
        ),
    );
    let sum = if sum.is_empty() { "0".into() } else { sum.join(" + ") };
    equations.given("I_{\\mathrm{m}}", &sum);
}

fn couple(set: Typesetter, (a, b): (&Name, &Name), conductance: Option<&Expr>, lines: &mut Lines) {
    let (one, other) = (code(&a.text), code(&b.text));
    let Some(g) = conductance else {
        return lines.line(0, &format!("{other} is joined to the far end of {one}."));
    };
    let g = set.flowing(g);
    let of = |name: &Name, what: &str| set.scope.symbol(what).with(upright(&name.text)).tex();
    let flow = |a: &Name, b: &Name| format!("({} - {}) / {}", of(b, "v"), of(a, "v"), of(a, "C_m"));
    let sides = [(a, b), (b, a)].map(|(x, y)| format!("${g}\\,{}$ to $d{}/dt$", flow(x, y), of(x, "v")));
    lines.line(0, &format!("{one} and {other} are coupled, which adds {}.", sides.join(" and ")));
}
