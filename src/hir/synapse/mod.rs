//! Checks a synapse for the cells and the port one projection connects.

use super::expr::{Expr, Op, VarId};
use super::infer::{Context, Infer};
use super::neuron::dotted;
use super::*;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::solve::Sharing;
use crate::source::Span;
use crate::syntax::ast::{self, ModelItem, Name};
use crate::units::{Dim, Ratio, Unit};
use std::collections::{BTreeMap, HashMap, HashSet};

mod asked;
mod body;
mod declare;
mod handlers;
mod order;

/// The projection in which a synapse is used.
pub struct SynapseUse<'a> {
    /// Model of the presynaptic cells.
    pub pre: &'a Neuron,
    /// Model of the postsynaptic cells.
    pub post: &'a Neuron,
    /// The target port; an energy needs none.
    pub port: Option<VarId>,
    /// Where the projection is written.
    pub span: Span,
}

/// Checks a synapse model in one use; units of weight and `deliver` follow from the port.
pub fn check_synapse(module: &Module, model: &ast::Model, use_: &SynapseUse, diagnostics: &mut Diagnostics) -> Synapse {
    let mut infer = Infer::new(module, diagnostics);
    let mut checker = Checker::new(model, Some(use_));
    checker.declare(&mut infer, model);
    checker.body(&mut infer, model);
    checker.places(&mut infer, use_);
    checker.order(&mut infer);
    checker.out
}

/// Checks what holds of a synapse model whatever it connects.
pub(super) fn check_synapse_alone(module: &Module, model: &ast::Model, diagnostics: &mut Diagnostics) {
    let mut infer = Infer::new(module, diagnostics);
    let mut checker = Checker::new(model, None);
    checker.declare(&mut infer, model);
    checker.body(&mut infer, model);
}

/// When a variable of a cell is read, if not now.
enum Moment {
    /// A constant time ago, and that time as text.
    Delayed(Expr, String),
    /// Of the last window of a name.
    Window(Taken),
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Moment::Delayed(_, by) => write!(f, "delayed by {by}"),
            Moment::Window(taken) => f.write_str(&taken.of("")),
        }
    }
}

struct Checker<'a> {
    out: Synapse,
    /// The projection, if one is known; what belongs to its cells and its port is of any unit without it.
    use_: Option<&'a SynapseUse<'a>>,
    names: HashMap<String, VarId>,
    /// Variables whose unit is not known.
    unknown: HashSet<VarId>,
    /// Variables of the cells in use, by path and delay.
    cells: HashMap<(String, Option<String>), VarId>,
    /// Whether the right-hand side of an equation is being checked, where noise has a meaning.
    in_equation: bool,
    /// What the handler waits for that is being checked.
    handles: Option<Trigger>,
}

impl<'a> Checker<'a> {
    fn new(model: &ast::Model, use_: Option<&'a SynapseUse<'a>>) -> Checker<'a> {
        Checker {
            out: Synapse { name: model.name.text.clone(), ..Synapse::default() },
            use_,
            names: HashMap::new(),
            unknown: HashSet::new(),
            cells: HashMap::new(),
            in_equation: false,
            handles: None,
        }
    }

    fn port(&self) -> Option<&'a Var> {
        self.use_.and_then(|u| u.port.map(|port| &u.post.vars[port]))
    }

    fn add(&mut self, infer: &mut Infer, name: &Name, kind: VarKind, ty: Ty) -> VarId {
        if let Some(&first) = self.names.get(&name.text) {
            infer.diagnostics.push(errors::declared_twice(&name.text, name.span, self.out.vars[first].span));
            return first;
        }
        let (dim, is_unknown) = (ty.dim.unwrap_or(Dim::ONE), ty.is_error());
        let var =
            Var { name: name.text.clone(), kind, dim, unit: ty.unit, boolean: false, cable: None, span: name.span };
        let id = self.out.vars.push(var);
        self.names.insert(name.text.clone(), id);
        if is_unknown {
            self.unknown.insert(id);
        }
        id
    }

    /// Finds the weight or state that an equation or an assignment changes.
    fn changeable(&self, infer: &mut Infer, name: &Name) -> Option<VarId> {
        let Some(&id) = self.names.get(&name.text) else {
            let known = self.names.keys().map(String::as_str);
            infer.diagnostics.push(errors::unknown_name(&name.text, name.span, known));
            return None;
        };
        let var = &self.out.vars[id];
        if matches!(var.kind, VarKind::State(_) | VarKind::Weight) {
            return Some(id);
        }
        infer.diagnostics.push(errors::not_assignable(&name.text, "not a state", name.span, Some(var.span)));
        None
    }

    /// Compares where states are said to live with where they do, as far as it is known without delays and modulators.
    fn places(&self, infer: &mut Infer, use_: &SynapseUse) {
        let found = crate::solve::places(&self.out, &Sharing::ALL);
        infer.diagnostics.extend(misplaced(&self.out, &found, use_.span));
    }

    fn fits_port(&self, infer: &mut Infer, ty: &Ty, span: Span, event: bool) {
        let Some(use_) = self.use_ else { return };
        let Some(port) = self.port() else {
            infer.diagnostics.push(errors::port_needed(use_.post, span, use_.span));
            return;
        };
        let is_event = matches!(port.kind, VarKind::EventPort);
        if event != is_event {
            let (deliver, kind, fix) = if event {
                ("delivers events", "analog", format!("declare it with `event input {}`", port.name))
            } else {
                ("delivers at every step", "an event port", format!("declare it with `input {}`", port.name))
            };
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0608,
                    use_.span,
                    format!("synapse `{}` {deliver}, but `{}` is {kind}", self.out.name, port.name),
                    "this projection",
                )
                .label(port.span, "the port")
                .help(fix),
            );
            return;
        }
        let expected = Ty { unit: port.unit.clone(), ..Ty::number(port.dim) };
        if !ty.is_error() && !ty.same_dim(&expected) {
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0309,
                    span,
                    format!("what `{}` delivers does not fit port `{}`", self.out.name, port.name),
                    format!("this is {}", ty.describe()),
                )
                .label(port.span, format!("the port takes {}", expected.describe()))
                .label(use_.span, "in this projection"),
            );
        }
    }

    /// Finds a state of the segment of the receiving cell that the synapse sits on.
    fn of_segment(&self, infer: &mut Infer, use_: &SynapseUse, member: &str, span: Span) -> Option<VarId> {
        let neuron = use_.post;
        let cable = use_.port.and_then(|port| neuron.cables.get(neuron.vars[port].cable?));
        let Some(cable) = cable else {
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0401,
                    span,
                    "`post.here` is the segment of a cable",
                    "this synapse does not sit on one",
                )
                .label(use_.span, "in this projection")
                .help("let it end at an event input of a compartment with `length` and `diameter`"),
            );
            return None;
        };
        let own = |v: &&Var| v.cable == neuron.vars[cable.v].cable && matches!(v.kind, VarKind::State(_));
        let short = |v: &Var| v.name.strip_prefix(&format!("{}.", cable.name)).map(str::to_string);
        let found = neuron.var(&format!("{}.{member}", cable.name)).filter(|id| own(&&neuron.vars[*id]));
        if found.is_none() {
            let known: Vec<String> = neuron.vars.values().filter(own).filter_map(short).collect();
            let owner = format!("cable `{}`", cable.name);
            infer.diagnostics.push(errors::no_member(&owner, member, span, known.iter().map(String::as_str)));
        }
        found
    }

    fn cell_variable(&mut self, infer: &mut Infer, path: &str, moment: Option<Moment>, span: Span) -> (Expr, Ty) {
        let (side, member) = path.split_once('.').unwrap_or((path, ""));
        let Some(use_) = self.use_ else { return (Expr::Num(0.0), Ty::error()) };
        let neuron = if side == "pre" { use_.pre } else { use_.post };
        let here = member.strip_prefix("here.").filter(|_| side == "post");
        let found = match here {
            Some(member) => self.of_segment(infer, use_, member, span),
            None => neuron.var(member),
        };
        if here.is_some() && found.is_none() {
            return (Expr::Num(0.0), Ty::error());
        }
        let Some(var) = found else {
            let known: Vec<&str> = neuron.vars.values().map(|v| v.name.as_str()).collect();
            infer.diagnostics.push(
                errors::no_member(&format!("`{}`", neuron.name), member, span, known)
                    .label(use_.span, "in this projection"),
            );
            return (Expr::Num(0.0), Ty::error());
        };
        let v = neuron.vars[var].clone();
        let value = Expr::Var(var);
        if here.is_some() && moment.is_some() {
            infer.diagnostics.push(crate::diag::unsupported(span, "what the segment of a synapse was earlier"));
        }
        if here.is_none() && neuron.reads_segments(&value) {
            infer.diagnostics.push(segment_by_name(span));
        } else if neuron.reads_update(&value) {
            let what = "reading what depends on events or random numbers of the cell in a synapse";
            infer.diagnostics.push(crate::diag::unsupported(span, what));
        }
        let key = (path.to_string(), moment.as_ref().map(Moment::to_string));
        let id = match self.cells.get(&key) {
            Some(id) => *id,
            None => {
                let kind = if side == "pre" { VarKind::Pre(var) } else { VarKind::Post(var) };
                let name = match &moment {
                    Some(Moment::Delayed(_, by)) => format!("delayed({path}, {by})"),
                    Some(Moment::Window(taken)) => taken.of(path),
                    None => path.to_string(),
                };
                // Only what is read of the synapse's own segment has one value for each.
                let cable = here.and(v.cable);
                // What was earlier is a variable of its own, declared where it is read.
                let span = if matches!(moment, Some(Moment::Delayed(..))) { span } else { v.span };
                let id = self.out.vars.push(Var { name, kind, cable, span, ..v.clone() });
                match moment {
                    Some(Moment::Delayed(delay, _)) => {
                        self.out.delayed.insert(id, delay);
                    }
                    Some(Moment::Window(taken)) => {
                        self.out.windows.insert(id, taken);
                    }
                    None => {}
                }
                self.cells.insert(key, id);
                id
            }
        };
        (Expr::Var(id), Ty { unit: v.unit, ..Ty::number(v.dim) })
    }

    /// Resolves what is taken of a window.
    fn taken(&mut self, infer: &mut Infer, of: &ast::Expr, taken: Taken) -> Option<(Expr, Ty)> {
        let path = dotted(of).filter(|p| p.starts_with("pre.") || p.starts_with("post."))?;
        Some(self.cell_variable(infer, &path, Some(Moment::Window(taken)), of.span))
    }

    /// `delayed(post.v, 5 ms)`: what a variable of a cell was a constant time ago.
    fn delayed(&mut self, infer: &mut Infer, args: &[ast::Arg], span: Span) -> (Expr, Ty) {
        let [of, by] = args else {
            infer.diagnostics.push(errors::wrong_arity("delayed", "2", args.len(), span));
            return (Expr::Num(0.0), Ty::error());
        };
        let path = dotted(&of.value).filter(|p| p.starts_with("pre.") || p.starts_with("post."));
        let Some(path) = path else {
            infer.diagnostics.push(
                Diagnostic::at(Code::E0401, of.value.span, "expected a variable of a cell", "cannot be delayed")
                    .help("write `delayed(post.v, 5 ms)`; to delay more, delay each variable in it"),
            );
            return (Expr::Num(0.0), Ty::error());
        };
        let delay = infer.time(self, &by.value, "the delay");
        let delay = self.out.inline(delay);
        if delay.any(&mut |e| match e {
            Expr::Var(v) => !matches!(self.out.vars[*v].kind, VarKind::Param(_)),
            Expr::Num(_) | Expr::Bin(..) | Expr::Neg(_) | Expr::Call(..) => false,
            _ => true,
        }) {
            infer.diagnostics.push(
                Diagnostic::at(Code::E0401, by.value.span, "this delay is not constant", "depends on what changes")
                    .help("use numbers and parameters only"),
            );
        }
        let text = crate::hir::print::expression(&delay, &self.out.vars, &|_| String::new());
        self.cell_variable(infer, &path, Some(Moment::Delayed(delay, text)), of.value.span)
    }
}

/// Refuses a segment of a cell, or all of a cable, in a synapse.
fn segment_by_name(span: Span) -> Diagnostic {
    crate::diag::unsupported(span, "reading a cable of several segments in a synapse").help(
        "name what is read in the neuron, `let tip = dend[3].v`, and read `pre.tip`; the segment that the synapse sits \
         on is `post.here`",
    )
}

/// Reports states that are said to live elsewhere than they do.
pub fn misplaced(s: &Synapse, found: &BTreeMap<VarId, Place>, projection: Span) -> Vec<Diagnostic> {
    let wrong = s.asserted.iter().filter_map(|(state, place, span)| {
        let inferred = found.get(state).copied().unwrap_or(Place::Synapse);
        (inferred != *place).then_some((&s.vars[*state].name, *place, inferred, *span))
    });
    let report = |(name, place, inferred, span): (&String, Place, Place, Span)| {
        Diagnostic::at(Code::E0702, span, format!("`{name}` cannot be kept {place}"), format!("it lives {inferred}"))
            .label(projection, "in this projection")
            .note("a state that only events of one side change, by values of that side, is kept once per cell")
            .help(format!("write `state {name} {inferred}`, or leave it out"))
    };
    wrong.map(report).collect()
}

impl Context for Checker<'_> {
    fn name(&mut self, infer: &mut Infer, name: &str, span: Span) -> Option<(Expr, Ty)> {
        if name == "xi" {
            if !self.in_equation {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0512,
                        span,
                        "white noise has a meaning only in an equation",
                        "not an equation",
                    )
                    .help("write it in a rate: `w' = … + sigma * xi`"),
                );
                return Some((Expr::Num(0.0), Ty::error()));
            }
            self.out.n_noises += 1;
            let ty = Ty::number(Dim::TIME.pow(Ratio::new(-1, 2)));
            return Some((Expr::Noise(self.out.n_noises - 1), ty));
        }
        if name == "t" && !self.names.contains_key(name) {
            infer.diagnostics.push(
                crate::diag::unsupported(span, "the time in a synapse")
                    .help("count it in a state: `state now = 0 ms   now' = 1`"),
            );
            return Some((Expr::Num(0.0), Ty::error()));
        }
        if name == "dt" {
            return Some((Expr::Dt, Ty { unit: crate::units::lookup("ms"), ..Ty::number(Dim::TIME) }));
        }
        let id = *self.names.get(name)?;
        let v = &self.out.vars[id];
        if self.unknown.contains(&id) {
            return Some((Expr::Var(id), Ty::error()));
        }
        Some((
            Expr::Var(id),
            Ty { unit: v.unit.clone().or_else(|| (v.dim == Dim::ONE).then(Unit::one)), ..Ty::number(v.dim) },
        ))
    }

    fn path(&mut self, infer: &mut Infer, e: &ast::Expr) -> Option<(Expr, Ty)> {
        let Some(path) = dotted(e) else {
            infer.diagnostics.push(segment_by_name(e.span));
            return Some((Expr::Num(0.0), Ty::error()));
        };
        let (side, member) = path.split_once('.')?;
        if side != "pre" && side != "post" {
            infer.diagnostics.push(errors::unknown_name(side, e.span, ["pre", "post"]));
            return Some((Expr::Num(0.0), Ty::error()));
        }
        if member.is_empty() {
            return None;
        }
        Some(self.cell_variable(infer, &path, None, e.span))
    }

    fn call(&mut self, infer: &mut Infer, name: &str, args: &[ast::Arg], span: Span) -> Option<(Expr, Ty)> {
        if window::is_mean(name, args) {
            let Some((of, taken)) = window::mean(infer, self, args, span) else {
                return Some((Expr::Num(0.0), Ty::error()));
            };
            return self.taken(infer, of, taken).or_else(|| Some(window::unnamed(infer, self, of)));
        }
        if args.iter().any(|a| a.name.as_ref().is_some_and(|n| n.text == "over")) {
            return self.reduction(infer, name, args, span);
        }
        if let Some(drawn) = chance::draw_named(name) {
            return Some(self.draw(infer, (name, drawn), args, span));
        }
        (name == "delayed").then(|| self.delayed(infer, args, span))
    }

    fn at_end(&mut self, infer: &mut Infer, of: &ast::Expr, window: &Name) -> Option<(Expr, Ty)> {
        self.taken(infer, of, Taken { window: window.text.clone(), how: Take::AtEnd })
    }

    fn known_functions(&self) -> Vec<&'static str> {
        chance::DRAWS.iter().map(|(name, _)| *name).chain(["delayed"]).collect()
    }

    fn known_names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }
}
