//! Executes the statements of an experiment in order.

use super::Attempt;
use super::checkpoint::{Belongs, Keeper, Step};
use super::elaborate::iterate;
use super::eval::{Live, Scope, fail};
use super::outcome::{Expectation, Outcome, Progress};
use super::record::{Recording, What};
use super::select::Selected;
use super::settings::Settings;
use super::value::{Quantity, Value};
use super::watch::Watch;
use crate::data::{Examples, Files};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, Module, inline_lets};
use crate::ir::Precision;
use crate::plan::Network;
use crate::runtime::{Failure, Observer, RateNetwork, Running, Simulation};
use crate::source::Span;
use crate::syntax::ast::{self, BinOp, Command, CommandKind, ExprKind};
use crate::units::{Dim, format_quantity, lookup};
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Runs experiments of a module.
pub struct Runner<'a> {
    /// Declarations.
    pub module: &'a Module,
    /// Files that experiments name.
    pub files: &'a dyn Files,
    /// Options.
    pub settings: Settings,
    /// Listener.
    pub progress: &'a dyn Progress,
}

/// How checkpoints of a run are kept, and from which one it goes on.
pub struct Checkpoints<'a> {
    /// Where they go.
    pub keeper: &'a dyn Keeper,
    /// What they belong to.
    pub belongs: Belongs,
    /// The one to go on from.
    pub resume: Option<Vec<u8>>,
}

impl Runner<'_> {
    /// Runs an experiment; failures are part of the outcome, so that results so far are kept.
    pub fn run(&self, experiment: &ast::Experiment) -> Outcome {
        let mut run = Run::new(self);
        if let Err(d) = run.experiment(experiment) {
            run.out.failure = Some(d);
        }
        run.finish()
    }

    /// Runs an experiment that keeps checkpoints; a run that stops early keeps one more and can be resumed.
    pub fn run_with(&self, experiment: &ast::Experiment, checkpoints: &Checkpoints) -> Outcome {
        let mut run = Run::new(self);
        run.checkpoints = Some(checkpoints);
        let resumed = checkpoints.resume.as_ref().map(|file| run.resume(file, &checkpoints.belongs, experiment));
        let done = match resumed {
            Some(Ok(())) => run.commands(&experiment.body),
            Some(Err(d)) => Err(d),
            None => run.experiment(experiment),
        };
        if let Err(d) = done {
            run.out.failure = Some(d);
        }
        run.finish()
    }

    /// Builds the networks of an experiment as they are when it first runs, for `emit` and `explain`.
    pub fn networks(&self, experiment: &ast::Experiment) -> Result<Vec<Running>, Box<Diagnostic>> {
        let mut run = Run::new(self);
        run.mode = Mode::Build;
        run.experiment(experiment)?;
        for i in 0..run.live.len() {
            run.start(i);
        }
        Ok(run.live.into_iter().filter_map(|l| l.simulation).collect())
    }
}

/// Steps between two looks at the clock.
const PART: u64 = 1000;

/// How far commands are executed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    /// All of them.
    Run,
    /// Up to the first `run`.
    Build,
    /// The first `run` was reached.
    Built,
}

pub(super) struct Run<'a> {
    pub(super) runner: &'a Runner<'a>,
    pub(super) names: Vec<(String, Value)>,
    pub(super) live: Vec<Live>,
    pub(super) live_names: Vec<String>,
    pub(super) recordings: Vec<Recording>,
    /// Commands to execute at a time of the network's clock, in order.
    pub(super) schedule: Vec<Scheduled>,
    pub(super) clock: f64,
    pub(super) seed: u64,
    pub(super) dt: f64,
    pub(super) precision: Precision,
    pub(super) streams: u32,
    /// Counts what was shuffled.
    pub(super) shuffles: Cell<u32>,
    mode: Mode,
    /// The place among the statements, outermost first.
    pub(super) path: Vec<Step>,
    /// The part of the place that is still to be gone to.
    pub(super) resuming: VecDeque<Step>,
    /// When the `run` ends in whose midst the run is resumed.
    pub(super) resumed_end: Option<f64>,
    checkpoints: Option<&'a Checkpoints<'a>>,
    pub(super) out: Outcome,
}

/// Commands of an `at`.
pub(super) struct Scheduled {
    /// When.
    pub time: f64,
    /// Where it is written.
    pub span: Span,
    /// What.
    pub body: Vec<Command>,
}

impl<'a> Run<'a> {
    fn new(runner: &'a Runner<'a>) -> Run<'a> {
        Run {
            runner,
            names: Vec::new(),
            live: Vec::new(),
            live_names: Vec::new(),
            recordings: Vec::new(),
            schedule: Vec::new(),
            clock: 0.0,
            seed: 1,
            dt: 0.1,
            precision: runner.settings.precision.unwrap_or_default(),
            streams: 0,
            shuffles: Cell::new(0),
            mode: Mode::Run,
            path: Vec::new(),
            resuming: VecDeque::new(),
            resumed_end: None,
            checkpoints: None,
            out: Outcome::default(),
        }
    }

    fn finish(mut self) -> Outcome {
        if self.out.failure.as_ref().is_none_or(|d| d.code != Code::E0812) {
            self.recordings.iter_mut().for_each(|r| r.spool.release());
        }
        for r in &mut self.recordings {
            if let Some(s) = self.live.get(r.network).and_then(|l| l.simulation.as_ref()) {
                r.span.1 = r.span.1.max(s.step());
            }
        }
        self.measure_size();
        (self.out.seed, self.out.dt, self.out.precision) = (self.seed, self.dt, self.precision);
        self.out.recordings = self.recordings;
        self.out
    }

    pub(super) fn measure_size(&mut self) {
        for l in &self.live {
            let n = l.network();
            let cells: usize = n.populations.iter().map(|p| p.n).sum();
            let synapses: usize = n.projections.iter().map(|p| p.pairs.len()).sum();
            if (synapses, cells) >= (self.out.size.1, self.out.size.0) {
                self.out.size = (cells, synapses);
                self.out.synapse_bytes = l.simulation.as_ref().map_or(0, Running::synapse_bytes);
            }
        }
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            module: self.runner.module,
            names: (&self.names[..]).into(),
            live: &self.live,
            recordings: &self.recordings,
            files: self.runner.files,
            cell: None,
            time: None,
            dt: self.dt,
            shuffles: (self.seed, &self.shuffles),
            pair: None,
        }
    }

    fn experiment(&mut self, e: &ast::Experiment) -> Attempt<()> {
        self.check_overrides(e)?;
        for formal in &e.formals {
            let default = formal.value.as_ref().map(|v| self.scope().eval(v)).transpose()?;
            let value = match self.overridden(&formal.name.text, default.as_ref())? {
                Some(v) => v,
                None => match default {
                    Some(v) => v,
                    None => {
                        return Err(Box::new(
                            Diagnostic::at(
                                Code::E0212,
                                formal.name.span,
                                format!("parameter `{}` has no value", formal.name.text),
                                "value missing",
                            )
                            .help(format!("give it on the command line: `--set {}=…`", formal.name.text)),
                        ));
                    }
                },
            };
            self.names.push((formal.name.text.clone(), value));
        }
        let time = Value::Quantity(Quantity::number(self.dt, Dim::TIME, lookup("ms")));
        if let Some(Value::Quantity(q)) = self.overridden("dt", Some(&time))? {
            self.dt = q.first();
        }
        let pure = Value::Quantity(Quantity::pure(1.0));
        if let Some(Value::Quantity(q)) = self.overridden("seed", Some(&pure))? {
            self.seed = q.first() as u64;
        }
        self.commands(&e.body)
    }

    pub(super) fn commands(&mut self, body: &[Command]) -> Attempt<()> {
        let mut resumed = self.resuming.pop_front();
        let first = resumed.map_or(0, |s| s.command);
        for (command, c) in body.iter().enumerate().skip(first) {
            let begun = Step { command, turn: 0, depth: self.names.len(), shuffles: self.shuffles.get() };
            self.path.push(resumed.take().unwrap_or(begun));
            let done = self.command(c);
            self.path.pop();
            done?;
            if self.mode == Mode::Built {
                break;
            }
        }
        Ok(())
    }

    /// Notes which turn of a loop, or which branch, is being taken.
    pub(super) fn take_turn(&mut self, turn: usize, depth: usize) {
        if let Some(step) = self.path.last_mut() {
            (step.turn, step.depth) = (turn, depth);
        }
    }

    /// Returns the turn and depth to go on from, if this command is being resumed in its midst.
    pub(super) fn resumed_turn(&self) -> Option<(usize, usize)> {
        (!self.resuming.is_empty()).then(|| self.path.last().map_or((0, 0), |s| (s.turn, s.depth)))
    }

    /// Evaluates what a command begins with; in a command that is being resumed, with what is shuffled as it was then.
    fn as_begun<T>(&self, evaluate: impl FnOnce(&Self) -> T) -> T {
        let now = self.shuffles.get();
        let resumed = self.path.last().filter(|_| !self.resuming.is_empty());
        self.shuffles.set(resumed.map_or(now, |step| step.shuffles));
        let out = evaluate(self);
        self.shuffles.set(self.shuffles.get().max(now));
        out
    }

    fn command(&mut self, c: &Command) -> Attempt<()> {
        match &c.kind {
            CommandKind::Network { name, model, args, batch } => self.network(name, model, args, batch.as_ref()),
            CommandKind::Seed(e) => {
                if !self.runner.settings.overrides.iter().any(|o| o.path == "seed") {
                    self.seed = self.scope().number(e)?.max(0.0) as u64;
                }
                Ok(())
            }
            CommandKind::Dt(e) => {
                let dt = self.scope().number(e)?;
                if dt.is_nan() || dt <= 0.0 {
                    return fail(Code::E0404, e.span, "the time step must be positive", "not a step");
                }
                if !self.runner.settings.overrides.iter().any(|o| o.path == "dt") {
                    self.dt = dt;
                }
                Ok(())
            }
            CommandKind::Precision(name) => {
                if self.runner.settings.precision.is_none() {
                    self.precision = if name.text == "f64" { Precision::F64 } else { Precision::F32 };
                }
                Ok(())
            }
            CommandKind::Data(name, e) | CommandKind::Let(name, ast::Value::Expr(e), None) => {
                self.start_rates_in(e);
                let v = self.scope().eval(e)?;
                self.names.push((name.text.clone(), v));
                Ok(())
            }
            CommandKind::Run(_) | CommandKind::Step if self.resumed_end.is_some() => {
                let end = self.resumed_end.take().unwrap_or(self.clock);
                self.run_until(end)
            }
            CommandKind::Run(e) => {
                let duration = self.scope().number(e)?;
                self.run(duration, e.span)
            }
            CommandKind::Step => self.run(self.dt, c.span),
            CommandKind::Record { what, every, name, .. } => self.record(what, every.as_ref(), name.as_ref()),
            CommandKind::At(time, body) => {
                let t = self.scope().number(time)?;
                if t < self.clock - 1e-9 {
                    let now = format_quantity(self.clock, Dim::TIME, lookup("ms").as_ref());
                    return fail(
                        Code::E0404,
                        time.span,
                        format!("this time has passed: it is {now} now"),
                        "in the past",
                    );
                }
                self.schedule.push(Scheduled { time: t, span: c.span, body: body.clone() });
                self.schedule.sort_by(|a, b| a.time.total_cmp(&b.time));
                Ok(())
            }
            CommandKind::For { variables, range, step, body } => {
                self.start_rates_in(range);
                let over = match self.as_begun(|run| run.scope().eval(range))? {
                    Value::Examples(set, order) => {
                        return self.for_examples(variables, (set, order), body, range.span);
                    }
                    other => other,
                };
                let mut resumed = self.resumed_turn();
                let first = resumed.map_or(0, |(turn, _)| turn);
                let values = iterate(&self.scope(), over, range.span, step.as_ref())?;
                for (turn, v) in values.into_iter().enumerate().skip(first) {
                    let depth = match resumed.take() {
                        Some((_, depth)) => depth,
                        None => {
                            let depth = self.names.len();
                            self.names.push((variables[0].text.clone(), v.into()));
                            self.take_turn(turn, depth);
                            depth
                        }
                    };
                    self.commands(body)?;
                    if self.mode == Mode::Built {
                        break;
                    }
                    self.leave(depth);
                }
                Ok(())
            }
            CommandKind::If(condition, a, b) => {
                let (turn, depth) = match self.resumed_turn() {
                    Some(resumed) => resumed,
                    None => {
                        self.start_rates_in(condition);
                        (usize::from(self.scope().truth(condition)?), self.names.len())
                    }
                };
                self.take_turn(turn, depth);
                let chosen = if turn == 1 { a } else { b };
                self.commands(chosen)?;
                self.leave(depth);
                Ok(())
            }
            CommandKind::Measure(name, e, over) => {
                self.start_rates_in(e);
                match over {
                    Some(over) => self.measure_over(name, e, over),
                    None => self.measure(name, e),
                }
            }
            CommandKind::Window(name, body) => self.window(name, body),
            CommandKind::Settle(steps, change) => self.settle(steps, change.as_ref(), c.span),
            CommandKind::Plot { title, series, against } => {
                series.iter().chain(against).for_each(|e| self.start_rates_in(e));
                self.plot(title.as_deref(), series, against.as_ref())
            }
            CommandKind::Expect(e) => {
                self.start_rates_in(e);
                self.expect(e)
            }
            CommandKind::Drive(d) => self.drive(d),
            CommandKind::Plasticity(on, what) => self.plasticity(*on, what),
            CommandKind::Signal(name, target) if self.mode == Mode::Run => self.signal(name, target.as_ref()),
            CommandKind::Signal(..) => {
                self.mode = Mode::Built;
                Ok(())
            }
            CommandKind::Save(net, path, _) if self.mode == Mode::Run => self.save(net, path),
            CommandKind::Load(net, path, span) if self.mode == Mode::Run => self.load(net, path, *span),
            CommandKind::Save(..) | CommandKind::Load(..) => Ok(()),
            CommandKind::Set { target, op, value } => {
                if let ast::Value::Expr(e) = value {
                    self.start_rates_in(e);
                }
                self.set(target, *op, value)
            }
            // The check has refused these.
            kind @ (CommandKind::Let(..)
            | CommandKind::Var(..)
            | CommandKind::Repeat { .. }
            | CommandKind::Sweep { .. }
            | CommandKind::Print(_)
            | CommandKind::Reset(_)) => Err(Box::new(crate::syntax::unsupported(c.span, crate::hir::not_yet(kind)))),
        }
    }

    /// Returns whether the networks have been built and no more is wanted.
    pub(super) fn is_built(&self) -> bool {
        self.mode == Mode::Built
    }

    /// Returns whether nothing shall run; the networks have been built then.
    pub(super) fn stops_here(&mut self) -> bool {
        if self.mode != Mode::Run {
            self.mode = Mode::Built;
        }
        self.mode != Mode::Run
    }

    /// Returns whether a run ends where it is when the user asks for it.
    pub(super) fn is_without_checkpoints(&self) -> bool {
        self.checkpoints.is_none()
    }

    /// Feeds the recordings of a network without events.
    pub(super) fn watch_rates(&mut self, index: usize, end: f64) {
        let Some(Running::Rates(s)) = &self.live[index].simulation else { return };
        let mut watch = Watch::new(&mut self.recordings, index, self.dt, end, self.runner.progress);
        watch.sample_rates(s);
        let step = s.step();
        self.recordings.iter_mut().filter(|r| r.network == index).for_each(|r| r.span.1 = step);
    }

    /// Drops the names of a block, but not what it measured.
    pub(super) fn leave(&mut self, depth: usize) {
        let inner: Vec<(String, Value)> = self.names.drain(depth..).collect();
        for (n, v) in inner {
            if self.out.measures.contains_key(&n) || matches!(v, Value::Network(_)) {
                self.bind(n, v);
            }
        }
    }

    pub(super) fn bind(&mut self, name: String, value: Value) {
        match self.names.iter_mut().find(|(n, _)| *n == name) {
            Some(slot) => slot.1 = value,
            None => self.names.push((name, value)),
        }
    }

    fn run(&mut self, duration: f64, span: Span) -> Attempt<()> {
        if self.mode != Mode::Run {
            self.mode = Mode::Built;
            return Ok(());
        }
        let steps = duration / self.dt;
        if steps < 0.0 || !steps.is_finite() {
            return fail(Code::E0404, span, "a run cannot take a negative or endless time", "not a duration");
        }
        if (steps - steps.round()).abs() > 1e-6 {
            let shown = |t: f64| format_quantity(t, Dim::TIME, lookup("ms").as_ref());
            self.out.warnings.push(
                Diagnostic::at(
                    Code::W0801,
                    span,
                    format!("{} is not a multiple of dt = {}", shown(duration), shown(self.dt)),
                    "rounded to whole steps",
                )
                .help("choose a duration that `dt` divides"),
            );
        }
        for i in 0..self.live.len() {
            self.start(i);
        }
        self.run_until(self.clock + steps.round() * self.dt)
    }

    fn run_until(&mut self, end: f64) -> Attempt<()> {
        loop {
            let next = self.schedule.first().map(|s| s.time).filter(|t| *t <= end + 1e-9);
            self.advance_in_parts(next.unwrap_or(end), end)?;
            if next.is_none() {
                return Ok(());
            }
            let Scheduled { body, .. } = self.schedule.remove(0);
            self.as_a_whole(|run| run.commands(&body))?;
        }
    }

    /// Executes something in whose midst no checkpoint is taken.
    pub(super) fn as_a_whole<T>(&mut self, execute: impl FnOnce(&mut Self) -> T) -> T {
        let checkpoints = self.checkpoints.take();
        let done = execute(self);
        self.checkpoints = checkpoints;
        done
    }

    /// Advances with a look at the clock for checkpoints every now and then.
    fn advance_in_parts(&mut self, until: f64, end: f64) -> Attempt<()> {
        let Some(checkpoints) = self.checkpoints else { return self.advance(until, end) };
        loop {
            let part = (self.clock + PART as f64 * self.dt).min(until);
            self.advance(if part > until - 0.5 * self.dt { until } else { part }, end)?;
            let stop = self.runner.progress.interrupted();
            if stop || checkpoints.keeper.is_due() {
                self.checkpoint(checkpoints.keeper, &checkpoints.belongs, end)?;
            }
            if stop {
                return Err(stopped(self.clock));
            }
            if self.clock >= until - 0.5 * self.dt {
                return Ok(());
            }
        }
    }

    fn advance(&mut self, until: f64, end: f64) -> Attempt<()> {
        let clock = std::time::Instant::now();
        let progress = self.runner.progress;
        let mut result = Ok(());
        for (index, live) in self.live.iter_mut().enumerate() {
            let Some(s) = &mut live.simulation else { continue };
            let steps = ((until - self.clock) / self.dt).round().max(0.0) as u64;
            let (before, work) = (s.step(), s.events().map(Simulation::work));
            let target = before + steps;
            let mut watch = Watch::new(&mut self.recordings, index, self.dt, end, progress);
            // With checkpoints, a run stops where one can be taken.
            watch.heeds_interrupts = self.checkpoints.is_none();
            let outcome = match s {
                Running::Events(s) => s.run_until(target, &mut watch),
                Running::Rates(s) => run_rates(s, target, &mut watch),
            };
            self.out.simulated += (s.step() - before) as f64 * self.dt;
            if let Some((before, now)) = work.zip(s.events().map(Simulation::work)) {
                self.out.work.add(before, now);
            }
            for r in self.recordings.iter_mut().filter(|r| r.network == index) {
                r.span.1 = s.step();
            }
            if let Err(f) = outcome {
                result = Err(failure(&f, s.network(), s.step() as f64 * self.dt));
                break;
            }
            if let Some(reason) = self.recordings.iter().find_map(|r| r.spool.failed.clone()) {
                result =
                    Err(Box::new(Diagnostic::new(Code::E0809, format!("a recording cannot be written: {reason}"))));
                break;
            }
        }
        self.out.ran_in += clock.elapsed().as_secs_f64();
        self.clock = until.max(self.clock);
        result
    }

    fn record(&mut self, what: &ast::Expr, every: Option<&ast::Expr>, name: Option<&ast::Name>) -> Attempt<()> {
        for e in what.elements() {
            let Selected { cells: p, path, index } = self.scope().select(e)?;
            let population = &self.live[p.network].network().populations[p.view.population];
            let model = population.model.clone();
            let cells = (p.view.start, p.view.n);
            let default = format!("{}.{path}", population.name);
            let what = match (model.event(&path), model.var(&path)) {
                (Some(event), _) => What::Events(event),
                (None, Some(id)) => {
                    let steps = every.map(|e| self.scope().number(e)).transpose()?.map_or(1.0, |t| t / self.dt);
                    if steps.round() < 1.0 {
                        let span = every.map_or(e.span, |e| e.span);
                        return fail(Code::E0601, span, "this interval is shorter than a step", "below `dt`");
                    }
                    let v = &model.vars[id];
                    let segment = self.scope().segment(p, id, index, e.span)?;
                    What::Samples {
                        variable: id,
                        segment,
                        value: inline_lets(&model, Expr::Var(id)),
                        every: steps.round() as u64,
                        dim: v.dim,
                        unit: v.unit.clone(),
                    }
                }
                _ => return fail(Code::E0205, e.span, format!("`{}` has no `{path}`", model.name), "no such member"),
            };
            let whole = cells == (0, population.n);
            let default = if whole { default } else { format!("{default}.{}-{}", cells.0, cells.0 + cells.1 - 1) };
            let base = name.map_or(default, |n| n.text.clone());
            let copies =
                self.recordings.iter().filter(|r| r.name == base || r.name.starts_with(&format!("{base}#"))).count();
            let file = if copies == 0 { base } else { format!("{base}#{copies}") };
            let begin = self.live[p.network].simulation.as_ref().map_or(0, Running::step);
            let mut r = Recording::new(
                file,
                p.network,
                p.view.population,
                cells,
                what,
                begin,
                self.dt,
                self.runner.settings.results.as_deref(),
            );
            if let What::Samples { variable, segment, .. } = &r.what {
                if self.live[p.network].network().batch.is_some() {
                    let d =
                        crate::syntax::unsupported(e.span, "recording a network that sees several examples at once");
                    return Err(Box::new(d.help("use `measure`, or a network without a batch")));
                }
                // The state at the beginning is part of a trace.
                let now = self.scope().values(p, *variable, *segment);
                r.sample(begin, now.data.iter().copied());
            }
            self.recordings.push(r);
            if let Some(n) = name {
                self.names.push((n.text.clone(), Value::Recording(self.recordings.len() - 1)));
            }
        }
        Ok(())
    }

    fn measure(&mut self, name: &ast::Name, e: &ast::Expr) -> Attempt<()> {
        let q = self.scope().quantity(e)?;
        self.keep_measure(name, q);
        Ok(())
    }

    /// Adds a value to a measure.
    pub(super) fn keep_measure(&mut self, name: &ast::Name, q: Quantity) {
        let q = if q.rows.is_some() { Quantity { rows: None, scalar: false, ..q } } else { q };
        let list = self.out.measures.entry(name.text.clone()).or_default();
        list.push(q.clone());
        let before = self.names.iter_mut().find(|(n, _)| *n == name.text).map(|(_, v)| v);
        if list.len() > 1
            && let Some(Value::Quantity(series)) = before
        {
            // Nobody else has the series, as a rule: then it grows in its place.
            std::sync::Arc::make_mut(&mut series.data).extend_from_slice(&q.data);
            series.scalar = false;
            return;
        }
        self.bind(name.text.clone(), q.into());
    }

    fn expect(&mut self, e: &ast::Expr) -> Attempt<()> {
        let passed = self.scope().truth(e)?;
        let found = self.describe(e);
        self.out.expectations.push(Expectation { span: e.span, passed, found });
        Ok(())
    }

    /// Shows the values that an expectation compares.
    fn describe(&self, e: &ast::Expr) -> String {
        match &e.kind {
            ExprKind::Binary(BinOp::And | BinOp::Or, a, b) => format!("{}; {}", self.describe(a), self.describe(b)),
            ExprKind::Not(a) => self.describe(a),
            ExprKind::Binary(BinOp::In, a, _) => self.shown(a),
            ExprKind::Binary(BinOp::Within, a, _) => self.describe(a),
            ExprKind::Binary(BinOp::Lt | BinOp::Gt | BinOp::Le | BinOp::Ge | BinOp::Eq | BinOp::Ne, a, b) => {
                if matches!(b.kind, ExprKind::Quantity(..) | ExprKind::Neg(_)) {
                    self.shown(a)
                } else {
                    format!("{}, {}", self.shown(a), self.shown(b))
                }
            }
            _ => String::new(),
        }
    }

    fn shown(&self, e: &ast::Expr) -> String {
        self.scope().quantity(e).map(|q| q.to_string()).unwrap_or_default()
    }
}

/// Advances a network without events.
fn run_rates(s: &mut RateNetwork, target: u64, watch: &mut Watch) -> Result<(), Failure> {
    while s.step() < target {
        if watch.interrupted() {
            return Err(Failure::Interrupted);
        }
        let next = watch.next_stop(s.step());
        s.advance()?;
        if s.step() == next {
            watch.sample_rates(s);
        }
    }
    Ok(())
}

/// Examples of a data set, in an order.
pub(super) type Chosen = (Rc<Examples>, Rc<Vec<usize>>);

/// Reports that the user stopped a run.
pub(super) fn stopped(time: f64) -> Box<Diagnostic> {
    let at = format_quantity(time, Dim::TIME, lookup("ms").as_ref());
    let d = Diagnostic::new(Code::E0812, format!("stopped at {at}"));
    Box::new(d.note("everything recorded until then is kept"))
}

/// Reports why a run stopped.
pub(super) fn failure(f: &Failure, network: &Network, time: f64) -> Box<Diagnostic> {
    let ms = lookup("ms");
    match f {
        Failure::Interrupted => stopped(time),
        Failure::Synapse { projection, variable, index, time } => {
            let p = &network.projections[*projection];
            let v = &p.synapse.vars[*variable];
            let at = format_quantity(*time, Dim::TIME, ms.as_ref());
            let e = p.pairs.at(*index);
            Box::new(
                Diagnostic::at(
                    Code::E0801,
                    v.span,
                    format!("`{}.{}[{index}]` is not a finite number after {at}", p.name, v.name),
                    "this state",
                )
                .note(format!("the synapse from cell {} to cell {}", e.pre, e.post))
                .help("give it bounds (`in lo .. hi`), make the learning rate smaller, or look for a division by zero"),
            )
        }
        Failure::NonFinite { population, variable, index, time, last } => {
            let p = &network.populations[*population];
            let var = p.model.var(variable).map(|v| p.model.vars[v].clone());
            let (dim, unit) = var.as_ref().map_or((Dim::ONE, None), |v| (v.dim, v.unit.clone()));
            let at = format_quantity(*time, Dim::TIME, ms.as_ref());
            let message = format!("`{}.{variable}[{index}]` is not a finite number after {at}", p.name);
            let d = match var {
                Some(v) => Diagnostic::at(Code::E0801, v.span, message, "this state"),
                None => Diagnostic::new(Code::E0801, message),
            };
            let last = last.map(|last| format_quantity(last, dim, unit.as_ref()));
            let d = match last {
                Some(last) => d.note(format!("one step before it was {last}")),
                None => d,
            };
            Box::new(d.help("make `dt` smaller, or look for a division by zero or a growing feedback"))
        }
    }
}
