//! Checks a neuron: declarations in any order, compartments and channels flattened into dotted names.

use super::expr::{EventId, Expr, Op, VarId};
use super::infer::{Context, Infer};
use super::*;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::morphology;
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, ModelItem, Name};
use crate::units::{Dim, Ratio, Unit};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

mod cables;
mod channels;
mod declare;
mod define;
mod equations;
mod handlers;
mod learning;
mod parts;
mod responses;

pub(super) use channels::check_channel;

const RESERVED: [&str; 5] = ["t", "dt", "xi", "inf", "pi"];

/// Checks a neuron declaration.
pub(super) fn check_neuron(module: &Module, model: &ast::Model, doc: &str, diagnostics: &mut Diagnostics) -> Neuron {
    let mut checker = Checker::new(&model.name.text, doc);
    let mut infer = Infer::new(module, diagnostics);
    checker.collect(&mut infer, &model.body, 0);
    checker.members(&mut infer);
    checker.cable_limits(&mut infer);
    checker.schemes(&mut infer);
    checker.currents(&mut infer);
    checker.unused();
    checker.out
}

/// Where an expression stands, which decides what it may contain.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Init,
    Let,
    Equation,
    /// A current through the membrane of a cable.
    Current,
    Event,
}

#[derive(Debug, Default, Clone)]
struct Scope {
    prefix: String,
    parent: Option<usize>,
    /// Names bound to an expression of the parent scope (a channel's `v`).
    bound: HashMap<String, channels::Argument>,
    cable: Option<usize>,
}

#[derive(Debug, Clone)]
enum DeclKind {
    Param(Option<ast::UnitExpr>, Option<ast::Expr>, usize),
    State(Option<ast::UnitExpr>, Option<ast::Expr>),
    Let(ast::Expr),
    EventInput(Option<ast::UnitExpr>),
    Input(Option<ast::UnitExpr>, Option<ast::Expr>),
    /// Gate with its fields; it becomes a state and an equation.
    Gate(Vec<(Name, ast::Expr)>),
}

#[derive(Debug, Clone)]
struct Declared {
    name: String,
    span: Span,
    scope: usize,
    kind: DeclKind,
    status: Status,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Status {
    Waiting,
    Defining,
    Done(Option<VarId>),
}

/// Sections of one kind of a cell whose shape a file gives.
#[derive(Clone)]
struct Part {
    of: Arc<Morphology>,
    kind: morphology::Kind,
}

struct Compartment {
    scope: usize,
    span: Span,
    cable: Option<usize>,
    segments: Option<ast::Expr>,
    geometry: Vec<(Name, ast::Expr)>,
    /// Currents through the membrane, as dotted names or expressions in the scope.
    currents: Vec<(usize, ast::Expr)>,
    injected: Vec<String>,
    /// The sections that it stands for, if it is part of a morphology.
    part: Option<Part>,
}

#[derive(Default)]
struct Pending {
    equations: Vec<(usize, Name, ast::Expr)>,
    emits: Vec<(usize, ast::Emit)>,
    signals: Vec<(usize, Name, Vec<ast::Stmt>, Span)>,
    bounds: Vec<(usize, Name, ast::Expr)>,
    per: Vec<(usize, Name, Name)>,
    energies: Vec<(usize, Name, Span)>,
    couples: Vec<(Name, Name, Option<ast::Expr>, Span)>,
    /// Whether one of them was refused.
    uncoupled: bool,
    schemes: Vec<(usize, ast::SchemeDecl)>,
    compartments: Vec<Compartment>,
}

struct Checker {
    out: Neuron,
    scopes: Vec<Scope>,
    declared: Vec<Declared>,
    index: HashMap<String, usize>,
    compartments: HashMap<String, usize>,
    /// Where compartments and channels have their names, which nothing else of the same scope has.
    scopes_named: HashMap<String, Span>,
    pending: Pending,
    used: HashSet<VarId>,
    place: Place,
    noises: HashMap<String, u32>,
    scope: usize,
    /// Whether the kernel of a response is being resolved.
    in_kernel: bool,
}

impl Checker {
    fn new(name: &str, doc: &str) -> Checker {
        Checker {
            out: Neuron { name: name.into(), doc: doc.into(), ..Neuron::default() },
            scopes: vec![Scope::default()],
            declared: Vec::new(),
            index: HashMap::new(),
            compartments: HashMap::new(),
            scopes_named: HashMap::new(),
            pending: Pending::default(),
            used: HashSet::new(),
            place: Place::Init,
            noises: HashMap::new(),
            scope: 0,
            in_kernel: false,
        }
    }

    /// Checks what has been collected.
    fn members(&mut self, infer: &mut Infer) {
        self.declare_events();
        self.define_all(infer);
        self.arguments(infer);
        self.equations(infer);
        self.couples(infer);
        self.cables(infer);
        self.emits(infer);
        self.signals(infer);
        self.bounds(infer);
        self.kept(infer);
        self.energies(infer);
        self.beginnings(infer);
    }

    fn typed(&mut self, infer: &mut Infer, scope: usize, place: Place, e: &ast::Expr) -> (Expr, Ty) {
        let saved = (self.scope, self.place);
        (self.scope, self.place) = (scope, place);
        let out = infer.expr(self, e);
        (self.scope, self.place) = saved;
        out
    }

    /// Refuses defaults that have no value before the first step.
    fn beginnings(&self, infer: &mut Infer) {
        for var in self.out.vars.values() {
            let (VarKind::Param(Some(e)) | VarKind::State(e) | VarKind::AnalogPort(e)) = &var.kind else { continue };
            let of_a_run = self.out.any(e, &mut |e| match e {
                Expr::Time | Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..) | Expr::Noise(_) => true,
                Expr::Var(v) => matches!(self.out.vars[*v].kind, VarKind::EventPort | VarKind::Response(_)),
                _ => false,
            });
            if of_a_run {
                let message = format!("`{}` begins with what only a run knows", var.name);
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0208, var.span, message, "cannot be computed before the first step")
                        .help("its default may use numbers, parameters, other states and `dt`"),
                );
            }
        }
    }

    /// Refuses currents of compartments that have neither length nor diameter: nothing would follow from them.
    fn currents(&self, infer: &mut Infer) {
        for name in self.compartments.keys() {
            let own = self.index.get(&format!("{name}.current"));
            let Some(declared) = own.map(|i| &self.declared[*i]) else { continue };
            let used = matches!(declared.status, Status::Done(Some(id)) if self.used.contains(&id));
            if !used {
                let message = format!("`{name}` has a current but neither length nor diameter");
                let d = Diagnostic::at(Code::E0511, declared.span, message, "nothing follows from it");
                infer
                    .diagnostics
                    .push(d.help("give the compartment both, or write the equation: `v' = -current / C_m`"));
            }
        }
    }

    /// Finds what the model does not use; synapses may.
    fn unused(&mut self) {
        let mut unused = Vec::new();
        for (id, var) in &self.out.vars {
            let what = match var.kind {
                VarKind::Param(_) => "parameter",
                // A state that handlers set, or of a cell without equations, is there for others to read.
                VarKind::State(_)
                    if !self.out.equations.is_empty()
                        && !self.out.equations.iter().any(|e| e.state == id)
                        && !self.out.emits.iter().any(|e| crate::solve::writes(&e.body, id))
                        && !self.out.handlers.iter().any(|h| crate::solve::writes(&h.body, id)) =>
                {
                    "state"
                }
                VarKind::EventPort | VarKind::AnalogPort(_) => "input",
                _ => continue,
            };
            let declared = || var.name.rsplit_once('.').is_none_or(|(of, _)| self.compartments.contains_key(of));
            // Of what holds for several sections of a morphology, one use is enough, and the first is told.
            let told = |(other, v): (VarId, &Var)| v.span == var.span && (other < id || self.used.contains(&other));
            if !self.used.contains(&id) && declared() && !self.out.vars.iter().any(told) {
                let d = Diagnostic::at(Code::W0201, var.span, format!("{what} `{}` is never used", var.name), "unused")
                    .help("remove it, or use it in an equation");
                unused.push((id, d));
            }
        }
        self.out.unused = unused;
    }
}

/// Replaces `let`s by their definitions.
pub(crate) fn inline_lets(neuron: &Neuron, e: Expr) -> Expr {
    inline_lets_unless(neuron, e, &|_| false)
}

/// Replaces `let`s by their definitions, except those that are kept; variables of the compiler's own stay.
pub(crate) fn inline_lets_unless(neuron: &Neuron, e: Expr, kept: &dyn Fn(VarId) -> bool) -> Expr {
    e.map(&mut |e| match e {
        Expr::Var(v) => match neuron.vars.get(v).map(|v| &v.kind) {
            Some(VarKind::Let(value)) if !kept(v) => inline_lets_unless(neuron, value.clone(), kept),
            _ => Expr::Var(v),
        },
        other => other,
    })
}

impl Context for Checker {
    fn name(&mut self, infer: &mut Infer, name: &str, span: Span) -> Option<(Expr, Ty)> {
        if self.in_kernel
            && let Some(found) = self.of_kernel(infer, name, span)
        {
            return Some(found);
        }
        if let Some(found) = self.resolve(infer, name, span) {
            return Some(found);
        }
        let time = || Ty { unit: crate::units::lookup("ms"), ..Ty::number(Dim::TIME) };
        match name {
            "t" => return Some((Expr::Time, time())),
            "dt" => return Some((Expr::Dt, time())),
            "distance" => {
                if let Some(cable) = self.cable_of(self.scope) {
                    let id = self.distance_along(cable, span);
                    let unit = crate::units::lookup("um");
                    return Some((Expr::Var(id), Ty { unit, ..Ty::number(Dim::LENGTH) }));
                }
            }
            _ => {}
        }
        let noise = if name == "xi" { Some(self.out.n_noises) } else { self.noises.get(name).copied() };
        if let Some(id) = noise {
            if name == "xi" {
                self.out.n_noises += 1;
            }
            if !matches!(self.place, Place::Equation | Place::Current) {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0512,
                        span,
                        "white noise can only stand in an equation",
                        "has no value by itself",
                    )
                    .help("use `normal(0, 1)` for a random number in a handler"),
                );
            }
            return Some((Expr::Noise(id), Ty::number(Dim::TIME.pow(Ratio::new(-1, 2)))));
        }
        self.out.event(name).map(|e| (Expr::Fired(e), Ty::of(Kind::Bool)))
    }

    fn path(&mut self, infer: &mut Infer, e: &ast::Expr) -> Option<(Expr, Ty)> {
        if let Some(found) = self.in_segment(infer, e) {
            return Some(found);
        }
        let dotted = dotted(e)?;
        if let Some(found) = self.resolve(infer, &dotted, e.span) {
            return Some(found);
        }
        let known: Vec<String> = self.declared.iter().map(|d| d.name.clone()).collect();
        let (owner, member) = dotted.rsplit_once('.')?;
        let members: Vec<&str> = known.iter().filter_map(|k| k.strip_prefix(&format!("{owner}."))).collect();
        infer.diagnostics.push(if members.is_empty() {
            errors::unknown_name(owner, e.span, self.compartments.keys().map(String::as_str))
        } else {
            errors::no_member(&format!("`{owner}`"), member, e.span, members)
        });
        Some((Expr::Num(0.0), Ty::error()))
    }

    fn call(&mut self, infer: &mut Infer, name: &str, args: &[ast::Arg], span: Span) -> Option<(Expr, Ty)> {
        if window::is_mean(name, args) {
            let Some((of, taken)) = window::mean(infer, self, args, span) else {
                return Some((Expr::Num(0.0), Ty::error()));
            };
            return self.taken(infer, of, taken).or_else(|| Some(window::unnamed(infer, self, of)));
        }
        if name == responses::CONVOLVE {
            return self.response(infer, args, span);
        }
        let drawn = chance::draw_named(name)?;
        if self.place != Place::Event {
            infer.diagnostics.push(
                Diagnostic::at(Code::E0512, span, "a random draw can only stand in `emit`", "drawn outside an event")
                    .help("use `xi` for white noise in an equation"),
            );
            return Some((Expr::Num(0.0), Ty::error()));
        }
        let Some((drawn, ty)) = chance::arguments(infer, self, (name, drawn), args, span) else {
            return Some((Expr::Num(0.0), Ty::error()));
        };
        let value = chance::expression(drawn, &mut |draw, a, b| {
            self.out.n_draws += 1;
            Expr::Draw(self.out.n_draws - 1, draw, vec![a, b])
        });
        Some((value, ty))
    }

    fn at_end(&mut self, infer: &mut Infer, of: &ast::Expr, window: &Name) -> Option<(Expr, Ty)> {
        self.taken(infer, of, Taken { window: window.text.clone(), how: Take::AtEnd })
    }

    fn since(&mut self, _: &mut Infer, name: &Name, _: bool) -> Option<(Expr, Ty)> {
        self.out.event(&name.text).map(|e| (Expr::Since(e), Ty::number(Dim::TIME)))
    }

    fn known_names(&self) -> Vec<String> {
        let prefix = &self.scopes[self.scope].prefix;
        self.declared.iter().map(|d| d.name.strip_prefix(prefix.as_str()).unwrap_or(&d.name).to_string()).collect()
    }

    fn known_functions(&self) -> Vec<&'static str> {
        chance::DRAWS.iter().map(|(name, _)| *name).chain(["since", responses::CONVOLVE]).collect()
    }
}

impl Checker {
    /// Resolves what is taken of a window.
    fn taken(&mut self, infer: &mut Infer, of: &ast::Expr, taken: Taken) -> Option<(Expr, Ty)> {
        let path = dotted(of)?;
        let (value, ty) = self.resolve(infer, &path, of.span)?;
        let id = match value {
            Expr::Var(id) => id,
            // A truth value is kept as 0 or 1.
            Expr::Bin(Op::Gt, of, _) if matches!(*of, Expr::Var(id) if self.out.vars[id].boolean) => {
                let Expr::Var(id) = *of else { return None };
                id
            }
            _ => return None,
        };
        let name = taken.of(&path);
        let mean = matches!(taken.how, Take::Mean(_));
        let (boolean, ty) = match self.out.vars[id].boolean {
            true if mean => (false, Ty::number(Dim::ONE)),
            boolean => (boolean, ty),
        };
        let kind = VarKind::Window(id, taken);
        let found = self.out.vars.iter().find(|(_, v)| v.kind == kind).map(|(id, _)| id);
        let id = found.unwrap_or_else(|| {
            let var = Var { name, kind, boolean, span: of.span, ..self.out.vars[id].clone() };
            self.out.vars.push(var)
        });
        let value = if boolean { Expr::bin(Op::Gt, Expr::Var(id), Expr::Num(0.5)) } else { Expr::Var(id) };
        Some((value, ty))
    }
}

/// Spells a chain of members as a dotted name.
pub(crate) fn dotted(e: &ast::Expr) -> Option<String> {
    match &e.kind {
        ExprKind::Name(n) => Some(n.clone()),
        ExprKind::Member(base, name) => Some(format!("{}.{}", dotted(base)?, name.text)),
        _ => None,
    }
}
