//! Networks that go on as they are asked to: advanced, read and changed from outside, one request at a time.

use super::limits::Limits;
use super::record::Recording;
use super::run::{FrameKind, Run, Runner};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::evaluate::{Attempt, Scope};
use crate::hir::experiment::model::{Environs, Experiment, StatementKind, Target};
use crate::hir::experiment::overrides;
use crate::hir::network::model::{Parameter, Value as Written};
use crate::hir::typed::{Expr, ExprKind, LocalId, Seen};
use crate::plan::Network;
use crate::runtime::Running;
use crate::source::{FileId, Span};
use crate::units::{Dim, Unit, canonical_unit, dimension_word};
use crate::value::{Quantity, Value};
use cranelift_entity::EntityRef;
use std::collections::HashMap;

/// The file of texts that come from outside.
const OUTSIDE: FileId = FileId(u32::MAX);

/// What is assigned to a variable.
pub enum Given {
    /// A value with its unit, as it would be written.
    Text(String),
    /// Numbers in the variable's unit, with their extents; none for a single one.
    Numbers(Vec<f64>, Vec<usize>),
}

/// The networks of an experiment that has come to its end.
///
/// A request that is refused changes nothing; one that fails on the way leaves the networks at a boundary between steps.
pub struct Session<'a> {
    run: Run<'a>,
    /// A name beside those of the experiment, which holds what is assigned.
    given: LocalId,
    /// Expressions that were asked for, by their texts.
    read: HashMap<String, Expr>,
}

/// So many expressions are kept.
const MOST_READ: usize = 256;

impl<'a> Session<'a> {
    /// Executes an experiment, and keeps its networks.
    pub fn begin(runner: &'a Runner<'a>, experiment: &'a Experiment) -> Attempt<Session<'a>> {
        let mut run = Run::new(runner, experiment);
        run.begin()?;
        run.go()?;
        let given = LocalId::new(run.locals.len());
        run.locals.push(None);
        Ok(Session { run, given, read: HashMap::new() })
    }

    /// The time that the networks have come to, ms.
    pub fn time(&self) -> f64 {
        self.run.clock
    }

    /// The time step, ms.
    pub fn dt(&self) -> f64 {
        self.run.dt
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.run.seed
    }

    /// A network by its name in the experiment.
    pub fn network(&self, name: &str) -> Option<&Network> {
        self.run.live.iter().find(|l| l.name == name).map(|l| l.network())
    }

    /// What has been recorded so far.
    pub fn recordings(&self) -> &[Recording] {
        &self.run.recordings
    }

    /// Findings since they were last asked for.
    pub fn warnings(&mut self) -> Diagnostics {
        let found = std::mem::take(&mut self.run.out.warnings);
        let mut out = Diagnostics::default();
        out.extend(found.iter().map(|d| *placeless(Box::new(d.clone()))));
        out
    }

    /// Forgets what has been recorded; recordings go on from here.
    pub fn forget_recorded(&mut self) {
        for r in &mut self.run.recordings {
            let Some(s) = self.run.live.get(r.network).and_then(|l| l.simulation.as_ref()) else { continue };
            let (name, of, cells, what) = (r.name.clone(), r.of.clone(), r.cells.clone(), r.what.clone());
            let (window, asked) = (r.window, r.asked);
            *r = Recording::new(name, of, r.network, cells, what, s.step(), r.dt, None);
            (r.window, r.asked) = (window, asked);
        }
    }

    /// Lets so many ms pass, as `run` does.
    pub fn advance(&mut self, duration: f64) -> Attempt<()> {
        // Why an earlier request was stopped does not stop this one.
        self.run.limits = Limits::new(self.run.runner.progress, self.run.runner.settings.longest);
        self.run.enter(0, FrameKind::Once);
        if let Some(top) = self.run.frames.last_mut() {
            top.next = self.run.experiment.blocks[0].len();
        }
        let passed = self.run.run_for(duration, Span::default()).and_then(|()| self.run.go());
        if passed.is_err() {
            self.run.frames.clear();
            self.take_clock();
        }
        passed.map_err(placeless)
    }

    /// Goes by the clock of the networks: they have stopped early, or have become others.
    fn take_clock(&mut self) {
        if let Some(step) = self.run.live.iter().filter_map(|l| l.simulation.as_ref()).map(Running::step).max() {
            (self.run.step, self.run.clock) = (step, step as f64 * self.run.dt);
        }
    }

    /// Evaluates an expression in the words of the experiment: `net.exc.v`, `mean(net.link.w)`.
    pub fn value(&mut self, text: &str) -> Attempt<Value> {
        let e = self.seen(text)?;
        self.run.start_rates_in(&e).and_then(|()| self.run.eval(&e)).map_err(placeless)
    }

    /// Gives a variable of cells, synapses or a world another value.
    pub fn assign(&mut self, path: &str, value: Given) -> Attempt<()> {
        let e = self.seen(path)?;
        let (dim, unit) = (e.ty.dim, e.ty.unit.clone());
        let target = match e.kind {
            ExprKind::Variable { of, id, segment } => Target::Cells { of: *of, id, segment: segment.map(|s| *s) },
            ExprKind::Synaptic { of, name } => Target::Synapses { of: *of, name, index: None },
            ExprKind::OfEnvironment(ref of, Seen::Local(state))
                if let ExprKind::Local(id) = of.kind
                    && self.environments().any(|e| e.id == id && e.model.states.iter().any(|(s, _)| *s == state)) =>
            {
                Target::Environment(id, state, Vec::new())
            }
            _ => {
                let message = format!("`{path}` names nothing that can be assigned");
                return Err(Box::new(Diagnostic::new(Code::E0804, message)));
            }
        };
        let new = match value {
            Given::Text(text) => self.written(path, &text)?,
            Given::Numbers(data, shape) => {
                // A synapse's variable has the unit of its port, which its values tell.
                let (dim, unit) = match dim {
                    Some(dim) => (dim, unit),
                    None => self.value(path).map(|v| dimension_of(&v))?,
                };
                let unit = unit.filter(|u| u.dim == dim).unwrap_or_else(|| canonical_unit(dim));
                let data: Vec<f64> = data.iter().map(|v| unit.to_internal(*v)).collect();
                Quantity { shape, ..Quantity::array(data, dim, Some(unit)) }
            }
        };
        if let Some(dim) = dim.filter(|dim| *dim != new.dim) {
            let message = format!("`{path} = {new}` has the wrong unit");
            let note = format!("`{path}` is {}, this is {}", dimension_word(dim), dimension_word(new.dim));
            return Err(Box::new(Diagnostic::new(Code::E0805, message).note(note)));
        }
        let ty = e.ty.clone();
        self.run.set_local(self.given, new.into());
        let value = Written::Expr(Expr { kind: ExprKind::Local(self.given), ty, span: Span::default() });
        self.run.set(&target, None, &value, Span::default()).map_err(placeless)
    }

    /// Evaluates a value that needs nothing of the experiment.
    fn written(&self, path: &str, text: &str) -> Attempt<Quantity> {
        let bad =
            |why: String| Box::new(Diagnostic::new(Code::E0805, format!("`{path} = {text}` is no assignment: {why}")));
        let e = overrides::value(self.run.runner.module, text).map_err(bad)?;
        let surface = self.run.surface();
        Scope::new(&surface, &[]).quantity(&e).map_err(|d| bad(d.message.clone()))
    }

    fn environments(&self) -> impl Iterator<Item = &'a Environs> + use<'a> {
        self.run.experiment.blocks.iter().flatten().filter_map(|s| match &s.kind {
            StatementKind::Environment(e) => Some(e),
            _ => None,
        })
    }

    /// Lets an action of a world happen, with numbers in the units of its arguments.
    pub fn act(&mut self, world: &str, action: &str, args: &[f64]) -> Attempt<()> {
        let unknown = |message: String| Box::new(Diagnostic::new(Code::E0804, message));
        let named = self.environments().filter(|e| e.name == world);
        let of = named.last().ok_or_else(|| unknown(format!("there is no world `{world}`")))?;
        let Some(place) = of.model.actions.iter().position(|a| a.name == action) else {
            let known: Vec<&str> = of.model.actions.iter().map(|a| a.name.as_str()).collect();
            let d = Diagnostic::new(Code::E0804, format!("`{world}` has no action `{action}`"));
            return Err(Box::new(d.note(format!("it has {}", known.join(", ")))));
        };
        let params = &of.model.actions[place].params;
        if params.len() != args.len() {
            return Err(unknown(format!("`{action}` takes {} numbers, not {}", params.len(), args.len())));
        }
        let number = |(p, v): (&Parameter, &f64)| {
            let v = p.ty.unit.as_ref().map_or(*v, |u| u.to_internal(*v));
            Some(Expr { kind: ExprKind::Number(v), ty: p.ty.clone(), span: Span::default() })
        };
        let args: Vec<Option<Expr>> = params.iter().zip(args).map(number).collect();
        self.run.act(of.id, place, &args, Span::default()).map_err(placeless)
    }

    /// Sends a signal to all cells and synapses that wait for it.
    pub fn signal(&mut self, name: &str) -> Attempt<()> {
        self.run.signal(name, None, Span::default()).map_err(placeless)
    }

    /// Lets the weights of projections change, or keeps them: of one, or of a network.
    pub fn learning(&mut self, on: bool, path: &str) -> Attempt<()> {
        let e = self.seen(path)?;
        self.run.plasticity(on, &[e]).map_err(placeless)
    }

    /// Puts the states of cells back to where they began: of some cells, or of a network.
    pub fn reset(&mut self, path: &str) -> Attempt<()> {
        let e = self.seen(path)?;
        self.run.reset(&e).map_err(placeless)
    }

    /// Returns the bytes of a saved network; the ending of the file's name says in which format.
    pub fn save(&mut self, network: &str, file: &str) -> Attempt<Vec<u8>> {
        let e = self.seen(network)?;
        self.run.save(&e, file).map_err(placeless)?;
        Ok(self.run.out.saved.shift_remove(file).unwrap_or_default())
    }

    /// Lets a network become one that was saved; recordings begin anew.
    pub fn load(&mut self, network: &str, file: &str, bytes: Vec<u8>) -> Attempt<()> {
        let e = self.seen(network)?;
        self.run.out.saved.insert(file.to_string(), bytes);
        let loaded = self.run.load(&e, file, Span::default());
        self.run.out.saved.shift_remove(file);
        loaded.map_err(placeless)?;
        self.take_clock();
        self.forget_recorded();
        Ok(())
    }

    fn seen(&mut self, text: &str) -> Attempt<Expr> {
        if let Some(e) = self.read.get(text) {
            return Ok(e.clone());
        }
        let told = |why: String| Box::new(Diagnostic::new(Code::E0804, format!("`{text}` cannot be read: {why}")));
        let e = overrides::seen(self.run.runner.module, self.run.experiment, (OUTSIDE, text)).map_err(told)?;
        if self.read.len() >= MOST_READ {
            self.read.clear();
        }
        self.read.insert(text.to_string(), e.clone());
        Ok(e)
    }
}

fn dimension_of(value: &Value) -> (Dim, Option<Unit>) {
    match value {
        Value::Quantity(q) => (q.dim, q.unit.clone()),
        _ => (Dim::ONE, None),
    }
}

/// What was asked for from outside has no place in the sources.
fn placeless(mut d: Box<Diagnostic>) -> Box<Diagnostic> {
    d.labels.retain(|(span, _)| *span != Span::default() && span.file != OUTSIDE);
    d
}

const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Session<'static>>();
};
