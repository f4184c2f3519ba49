//! Executes the statements of an experiment in order.

use super::Attempt;
use super::elaborate::{Elaborator, assign, column, fill_defaults, iterate, mentions, time_function};
use super::eval::{Live, Scope, fail};
use super::record::{Recording, What};
use super::settings::{Override, Settings};
use super::value::{PopulationRef, Quantity, Value};
use crate::data::Files;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hir::{EventId, Expr, Module, VarId, VarKind, inline_lets};
use crate::ir::Precision;
use crate::plan::{Column, Network, View};
use crate::runtime::rng::Stream;
use crate::runtime::{Failure, Observer, Options, Simulation, Spikes};
use crate::source::Span;
use crate::syntax::ast::{self, BinOp, Command, CommandKind, ExprKind};
use crate::units::{Dim, format_quantity, lookup};
use indexmap::IndexMap;
use std::rc::Rc;

/// Hears how far a run is, and may stop it.
pub trait Progress {
    /// Simulated time so far and the end of this `run`, internal units.
    fn update(&self, time: f64, end: f64);
    /// Returns whether the user asked to stop.
    fn interrupted(&self) -> bool;
}

/// The outcome of one `expect`.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Where it is written.
    pub span: Span,
    /// Whether it held.
    pub passed: bool,
    /// What was found.
    pub found: String,
}

/// Data of a figure.
#[derive(Debug, Clone)]
pub enum FigureData {
    /// Event times and cells.
    Raster {
        /// Times, ms.
        times: Vec<f64>,
        /// Rows.
        cells: Vec<f64>,
        /// Number of rows.
        rows: usize,
        /// Legend.
        label: String,
    },
    /// A line.
    Line {
        /// Abscissa.
        x: Vec<f64>,
        /// Ordinate.
        y: Vec<f64>,
        /// Legend.
        label: String,
    },
}

/// A figure to draw.
#[derive(Debug, Clone)]
pub struct Figure {
    /// File name without extension.
    pub name: String,
    /// Title.
    pub title: String,
    /// Label of the abscissa.
    pub x: String,
    /// Label of the ordinate.
    pub y: String,
    /// Series.
    pub series: Vec<FigureData>,
}

/// What came of an experiment.
#[derive(Default)]
pub struct Outcome {
    /// Checks in order.
    pub expectations: Vec<Expectation>,
    /// Measures by name, one element per execution.
    pub measures: IndexMap<String, Vec<Quantity>>,
    /// Figures in order.
    pub figures: Vec<Figure>,
    /// Recordings.
    pub recordings: Vec<Recording>,
    /// Why it stopped early, if it did.
    pub failure: Option<Box<Diagnostic>>,
    /// Findings that do not stop a run.
    pub warnings: Diagnostics,
    /// Seed, time step and precision used.
    pub seed: u64,
    /// Time step, internal units.
    pub dt: f64,
    /// Precision.
    pub precision: Precision,
    /// Simulated time over all runs, internal units.
    pub simulated: f64,
    /// Wall time of building networks, seconds.
    pub built_in: f64,
    /// Wall time of running, seconds.
    pub ran_in: f64,
    /// Neurons and synapses of the largest network.
    pub size: (usize, usize),
    /// Bytes of memory of its synapses.
    pub synapse_bytes: usize,
}

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

impl Runner<'_> {
    /// Runs an experiment; failures are part of the outcome, so that results so far are kept.
    pub fn run(&self, experiment: &ast::Experiment) -> Outcome {
        let mut run = Run::new(self);
        if let Err(d) = run.experiment(experiment) {
            run.out.failure = Some(d);
        }
        run.finish()
    }

    /// Builds the networks of an experiment without running it, for `emit` and `explain`.
    pub fn networks(&self, experiment: &ast::Experiment) -> Result<Vec<Simulation>, Box<Diagnostic>> {
        let mut run = Run::new(self);
        run.dry = true;
        run.experiment(experiment)?;
        for i in 0..run.live.len() {
            run.start(i);
        }
        Ok(run.live.into_iter().filter_map(|l| l.simulation).collect())
    }
}

struct Run<'a> {
    runner: &'a Runner<'a>,
    names: Vec<(String, Value)>,
    live: Vec<Live>,
    live_names: Vec<String>,
    recordings: Vec<Recording>,
    /// Commands to execute at a time of the network's clock, in order.
    schedule: Vec<(f64, Vec<Command>)>,
    clock: f64,
    seed: u64,
    dt: f64,
    precision: Precision,
    streams: u32,
    dry: bool,
    out: Outcome,
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
            dry: false,
            out: Outcome::default(),
        }
    }

    fn finish(mut self) -> Outcome {
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

    fn measure_size(&mut self) {
        for l in &self.live {
            let n = l.network();
            let cells: usize = n.populations.iter().map(|p| p.n).sum();
            let synapses: usize = n.projections.iter().map(|p| p.edges.len()).sum();
            if (synapses, cells) >= (self.out.size.1, self.out.size.0) {
                self.out.size = (cells, synapses);
                self.out.synapse_bytes = l.simulation.as_ref().map_or(0, Simulation::synapse_bytes);
            }
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            module: self.runner.module,
            names: self.names.clone(),
            live: &self.live,
            recordings: &self.recordings,
            files: self.runner.files,
            cell: None,
            time: None,
            dt: self.dt,
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

    /// Every override must name something before anything runs.
    fn check_overrides(&self, e: &ast::Experiment) -> Attempt<()> {
        let mut known: Vec<String> = vec!["dt".into(), "seed".into()];
        known.extend(e.formals.iter().map(|f| f.name.text.clone()));
        fn networks(body: &[Command], out: &mut Vec<String>) {
            for c in body {
                match &c.kind {
                    CommandKind::Network { name, .. } => out.push(name.text.clone()),
                    CommandKind::For { body, .. } | CommandKind::At(_, body) => networks(body, out),
                    CommandKind::If(_, a, b) => {
                        networks(a, out);
                        networks(b, out);
                    }
                    _ => {}
                }
            }
        }
        let mut nets = Vec::new();
        networks(&e.body, &mut nets);
        for o in &self.runner.settings.overrides {
            let first = o.path.split('.').next().unwrap_or_default();
            let ok = if o.path.contains('.') { nets.iter().any(|n| n == first) } else { known.contains(&o.path) };
            if !ok {
                let candidates = known.iter().chain(&nets).map(String::as_str);
                let help = crate::diag::nearest(first, candidates).map(|n| format!("did you mean `{n}`?"));
                return Err(Box::new(
                    Diagnostic::new(
                        Code::E0804,
                        format!("`--set {}` names nothing in experiment `{}`", o.path, e.name.text),
                    )
                    .note(format!(
                        "it has {}",
                        known.iter().chain(&nets).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
                    ))
                    .maybe_help(help),
                ));
            }
        }
        Ok(())
    }

    /// Evaluates an override and checks its unit against the value it replaces.
    fn overridden(&self, path: &str, default: Option<&Value>) -> Attempt<Option<Value>> {
        let Some(o) = self.runner.settings.overrides.iter().rev().find(|o| o.path == path) else { return Ok(None) };
        let value = self.override_value(o)?;
        if let (Value::Quantity(q), Some(Value::Quantity(d))) = (&value, default)
            && q.dim != d.dim
        {
            let unit = d.unit.clone().unwrap_or_else(|| crate::units::canonical_unit(d.dim));
            return Err(Box::new(
                Diagnostic::new(Code::E0805, format!("`--set {path}={}` has the wrong unit", o.value))
                    .note(format!(
                        "`{path}` is {}, this is {}",
                        crate::units::dimension_word(d.dim),
                        crate::units::dimension_word(q.dim)
                    ))
                    .help(format!("write `--set {path}=20{}`", unit.name)),
            ));
        }
        Ok(Some(value))
    }

    fn override_value(&self, o: &Override) -> Attempt<Value> {
        let mut d = Diagnostics::default();
        let bad = |why: String| {
            Box::new(Diagnostic::new(Code::E0805, format!("`--set {}={}` is not a value: {why}", o.path, o.value)))
        };
        let e = crate::syntax::parse_expr(Default::default(), &o.value, &mut d);
        let Some(e) = e else { return Err(bad(d.iter().next().map_or(String::new(), |d| d.message.clone()))) };
        self.scope().eval(&e).map_err(|d| bad(d.message.clone()))
    }

    fn commands(&mut self, body: &[Command]) -> Attempt<()> {
        for c in body {
            self.command(c)?;
        }
        Ok(())
    }

    fn command(&mut self, c: &Command) -> Attempt<()> {
        match &c.kind {
            CommandKind::Network { name, model, args } => self.network(name, model, args),
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
            CommandKind::Data(name, e) | CommandKind::Let(name, e) => {
                let v = self.scope().eval(e)?;
                self.names.push((name.text.clone(), v));
                Ok(())
            }
            CommandKind::Run(e) => {
                let duration = self.scope().number(e)?;
                self.run(duration, e.span)
            }
            CommandKind::Step => self.run(self.dt, c.span),
            CommandKind::Record { what, every, name } => self.record(what, every.as_ref(), name.as_ref()),
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
                self.schedule.push((t, body.clone()));
                self.schedule.sort_by(|a, b| a.0.total_cmp(&b.0));
                Ok(())
            }
            CommandKind::For { variable, range, step, body } => {
                for v in iterate(&self.scope(), range, step.as_ref())? {
                    let depth = self.names.len();
                    self.names.push((variable.text.clone(), v.into()));
                    self.commands(body)?;
                    self.leave(depth);
                }
                Ok(())
            }
            CommandKind::If(condition, a, b) => {
                let chosen = if self.scope().truth(condition)? { a } else { b };
                let depth = self.names.len();
                self.commands(chosen)?;
                self.leave(depth);
                Ok(())
            }
            CommandKind::Measure(name, e) => self.measure(name, e),
            CommandKind::Plot { title, series, against } => {
                self.plot(title.as_deref(), series, against.as_ref(), c.span)
            }
            CommandKind::Expect(e) => self.expect(e),
            CommandKind::Drive(d) => self.drive(d),
            CommandKind::Set { target, op, value } => self.set(target, *op, value),
            CommandKind::Unsupported(n) => Err(Box::new(crate::syntax::unsupported(n.span, &n.text))),
        }
    }

    /// Drops the names of a block, but not what it measured.
    fn leave(&mut self, depth: usize) {
        let inner: Vec<(String, Value)> = self.names.drain(depth..).collect();
        for (n, v) in inner {
            if self.out.measures.contains_key(&n) || matches!(v, Value::Network(_)) {
                self.bind(n, v);
            }
        }
    }

    fn bind(&mut self, name: String, value: Value) {
        match self.names.iter_mut().find(|(n, _)| *n == name) {
            Some(slot) => slot.1 = value,
            None => self.names.push((name, value)),
        }
    }

    fn network(&mut self, name: &ast::Name, model: &ast::Name, args: &[ast::Arg]) -> Attempt<()> {
        let clock = std::time::Instant::now();
        self.measure_size();
        let mut values = Vec::new();
        for a in args {
            values.push((a.name.as_ref().map(|n| n.text.clone()), self.scope().eval(&a.value)?));
        }
        let formals: Vec<String> = self
            .runner
            .module
            .networks
            .get(&model.text)
            .map(|n| n.formals.iter().map(|f| f.name.text.clone()).collect())
            .unwrap_or_default();
        let prefix = format!("{}.", name.text);
        let mine: Vec<Override> =
            self.runner.settings.overrides.iter().filter(|o| o.path.starts_with(&prefix)).cloned().collect();
        for o in &mine {
            let rest = &o.path[prefix.len()..];
            if let Some(position) = formals.iter().position(|f| f == rest) {
                let default = values
                    .iter()
                    .find(|(n, _)| n.as_deref() == Some(rest))
                    .or(values.get(position).filter(|(n, _)| n.is_none()))
                    .map(|v| v.1.clone());
                if let Some(v) = self.overridden(&o.path, default.as_ref())? {
                    values.retain(|(n, _)| n.as_deref() != Some(rest));
                    values.push((Some(rest.to_string()), v));
                }
            }
        }
        // A network of the same name is replaced, and the clock starts anew.
        let index = match self.live_names.iter().position(|n| *n == name.text) {
            Some(i) => i,
            None => {
                self.live_names.push(name.text.clone());
                self.live.push(Live {
                    plan: Network::default(),
                    rates: Vec::new(),
                    simulation: None,
                    functions: Vec::new(),
                });
                self.live.len() - 1
            }
        };
        self.live[index] =
            Live { plan: Network::default(), rates: Vec::new(), simulation: None, functions: Vec::new() };
        if self.live.len() == 1 {
            self.clock = 0.0;
            self.schedule.clear();
        }
        for r in self.recordings.iter_mut().filter(|r| r.network == index) {
            // Earlier recordings keep their data but see no more of it.
            r.network = usize::MAX;
        }
        let mut elaborator = Elaborator {
            module: self.runner.module,
            files: self.runner.files,
            recordings: &self.recordings,
            dt: self.dt,
            seed: self.seed,
            index,
            live: std::mem::take(&mut self.live),
            streams: self.streams,
        };
        let built = elaborator.network(model, &values, "");
        self.live = elaborator.live;
        let instance = built?;
        self.bind(name.text.clone(), Value::Network(Rc::new(instance)));
        for o in mine.iter().filter(|o| !formals.contains(&o.path[prefix.len()..].to_string())) {
            self.set_override(o)?;
        }
        self.out.built_in += clock.elapsed().as_secs_f64();
        Ok(())
    }

    fn set_override(&mut self, o: &Override) -> Attempt<()> {
        let mut d = Diagnostics::default();
        let unknown = || Box::new(Diagnostic::new(Code::E0804, format!("`--set {}` names no variable", o.path)));
        let target = crate::syntax::parse_expr(Default::default(), &o.path, &mut d).ok_or_else(unknown)?;
        let (p, id) = self.target(&target).map_err(|d| {
            Box::new(Diagnostic::new(Code::E0804, format!("`--set {}` names no variable: {}", o.path, d.message)))
        })?;
        let model = self.live[p.network].network().populations[p.view.population].model.clone();
        let var = &model.vars[id];
        let default = Value::Quantity(Quantity::number(0.0, var.dim, var.unit.clone()));
        if let Some(Value::Quantity(q)) = self.overridden(&o.path, Some(&default))? {
            let value = if q.scalar { Column::Const(q.first()) } else { Column::Array(q.data) };
            self.store(p, id, &value, Span::default())?;
        }
        Ok(())
    }

    fn drive(&mut self, d: &ast::Drive) -> Attempt<()> {
        let Some(first) = d.targets.first() else { return Ok(()) };
        let root = first.path.text.split('.').next().unwrap_or_default();
        let Some(index) = self.live_names.iter().position(|n| n == root) else {
            return fail(Code::E0201, first.span, format!("unknown network `{root}`"), "not declared here");
        };
        if self.live[index].simulation.is_some() {
            return fail(Code::E0106, d.span, "a drive cannot be added once the network has run", "comes too late");
        }
        let mut elaborator = Elaborator {
            module: self.runner.module,
            files: self.runner.files,
            recordings: &self.recordings,
            dt: self.dt,
            seed: self.seed,
            index,
            live: std::mem::take(&mut self.live),
            streams: 0x1000 + self.streams,
        };
        self.streams += 1;
        let done = elaborator.drive(d, &self.names);
        self.live = elaborator.live;
        done
    }

    /// Creates the simulation of a network that has not run yet.
    fn start(&mut self, index: usize) {
        let live = &mut self.live[index];
        if live.simulation.is_some() {
            return;
        }
        let clock = std::time::Instant::now();
        let settings = &self.runner.settings;
        let options = Options {
            dt: self.dt,
            seed: self.seed,
            precision: self.precision,
            threads: settings.threads,
            backend: settings.backend,
        };
        let mut s = Simulation::new(std::mem::take(&mut live.plan), live.rates.clone(), options);
        for (p, v, f) in live.functions.drain(..) {
            s.set_port_function(p, v, f);
        }
        live.simulation = Some(s);
        self.out.built_in += clock.elapsed().as_secs_f64();
    }

    fn run(&mut self, duration: f64, span: Span) -> Attempt<()> {
        if self.dry {
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
        let end = self.clock + steps.round() * self.dt;
        loop {
            let next = self.schedule.first().map(|s| s.0).filter(|t| *t <= end + 1e-9);
            let until = next.unwrap_or(end);
            self.advance(until, end)?;
            if next.is_none() {
                return Ok(());
            }
            let (_, body) = self.schedule.remove(0);
            self.commands(&body)?;
        }
    }

    fn advance(&mut self, until: f64, end: f64) -> Attempt<()> {
        let clock = std::time::Instant::now();
        let progress = self.runner.progress;
        let mut result = Ok(());
        for (index, live) in self.live.iter_mut().enumerate() {
            let Some(s) = &mut live.simulation else { continue };
            let steps = ((until - self.clock) / self.dt).round().max(0.0) as u64;
            let before = s.step();
            let target = before + steps;
            let mut watch = Watch::new(&mut self.recordings, index, self.dt, end, progress);
            let outcome = s.run_until(target, &mut watch);
            self.out.simulated += (s.step() - before) as f64 * self.dt;
            for r in self.recordings.iter_mut().filter(|r| r.network == index) {
                r.span.1 = s.step();
            }
            if let Err(f) = outcome {
                result = Err(failure(&f, &s.network, s.step() as f64 * self.dt));
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
        let list: Vec<&ast::Expr> = match &what.kind {
            ExprKind::List(items) => items.iter().collect(),
            _ => vec![what],
        };
        for e in list {
            let (p, path, segment) = self.cells_and_segment(e)?;
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
                    let segment = self.segment(population, id, segment, e.span)?;
                    What::Samples {
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
            let begin = self.live[p.network].simulation.as_ref().map_or(0, Simulation::step);
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
            if let What::Samples { value, .. } = &r.what {
                // The state at the beginning is part of a trace.
                let value = value.clone();
                let live = &self.live[p.network];
                let sample: Vec<f64> =
                    (cells.0..cells.0 + cells.1).map(|c| read(live, p.view.population, &value, c)).collect();
                r.sample(begin, sample.into_iter());
            }
            self.recordings.push(r);
            if let Some(n) = name {
                self.names.push((n.text.clone(), Value::Recording(self.recordings.len() - 1)));
            }
        }
        Ok(())
    }

    /// Returns whether an expression names a cable compartment of a population.
    fn is_cable(&self, e: &ast::Expr) -> bool {
        let ExprKind::Member(base, name) = &e.kind else { return false };
        let Ok(Value::Population(p)) = self.scope().eval(base) else { return false };
        let model = &self.live[p.network].network().populations[p.view.population].model;
        model.cables.iter().any(|c| c.name == name.text)
    }

    /// The segment of a cable's variable and the number of them; one must be named if there are several.
    fn segment(
        &self,
        population: &crate::plan::Population,
        id: VarId,
        index: Option<&ast::Expr>,
        span: Span,
    ) -> Attempt<Option<(usize, usize)>> {
        let Some(cable) = population.model.vars[id].cable.and_then(|c| population.model.cables.get(c)) else {
            return Ok(None);
        };
        let lookup = |v: VarId| population.params.get(&v).map(|c| c.at(0));
        let n = crate::math::eval(&cable.segments, &lookup, None).unwrap_or(1.0) as usize;
        let at = match index {
            Some(e) => self.scope().size(e)?,
            None if n == 1 => 0,
            None => {
                let message = format!("`{}` has {n} segments", cable.name);
                return Err(Box::new(
                    Diagnostic::at(Code::E0406, span, message, "which one?").help(format!("write `{}[0]`", cable.name)),
                ));
            }
        };
        if at >= n {
            return fail(Code::E0406, span, format!("segment {at} of a cable of {n}"), "out of range");
        }
        Ok(Some((at, n)))
    }

    /// Splits `net.exc[0..3].soma.v` into cells and the dotted name of a variable or event.
    fn cells(&self, e: &ast::Expr) -> Attempt<(PopulationRef, String)> {
        self.cells_and_segment(e).map(|(p, path, _)| (p, path))
    }

    /// The same for `net.cell.dend[50].v`, with the index of the segment.
    fn cells_and_segment<'e>(&self, e: &'e ast::Expr) -> Attempt<(PopulationRef, String, Option<&'e ast::Expr>)> {
        let mut names = Vec::new();
        let mut base = e;
        let mut segment = None;
        loop {
            match &base.kind {
                ExprKind::Member(inner, n) => {
                    names.push(n.text.clone());
                    base = inner;
                }
                ExprKind::Index(inner, index) if !names.is_empty() && self.is_cable(inner) => {
                    segment = index.first();
                    base = inner;
                }
                _ => break,
            }
        }
        names.reverse();
        let mut value = self.scope().eval(base)?;
        let mut i = 0;
        while let Value::Network(instance) = &value {
            let Some(next) = names.get(i).and_then(|n| instance.names.get(n)).cloned() else { break };
            value = next;
            i += 1;
        }
        match value {
            Value::Population(p) if i < names.len() => Ok((p, names[i..].join("."), segment)),
            _ => fail(Code::E0205, e.span, "expected `network.population.variable`", "does not name a variable"),
        }
    }

    fn target(&self, e: &ast::Expr) -> Attempt<(PopulationRef, VarId)> {
        // `net.exc.v[3]` indexes cells as `net.exc[3].v` does.
        let (inner, index) = match &e.kind {
            ExprKind::Index(base, index) => (&**base, Some(index)),
            _ => (e, None),
        };
        let (mut p, path) = self.cells(inner)?;
        if let Some(index) = index {
            p = self.scope().slice(p, index)?;
        }
        let model = &self.live[p.network].network().populations[p.view.population].model;
        match model.var(&path) {
            Some(id) => Ok((p, id)),
            None => fail(Code::E0205, e.span, format!("`{}` has no variable `{path}`", model.name), "no such member"),
        }
    }

    fn set(&mut self, target: &ast::Expr, op: Option<BinOp>, value: &ast::Value) -> Attempt<()> {
        let (p, id) = self.target(target)?;
        let kind = self.live[p.network].network().populations[p.view.population].model.vars[id].kind.clone();
        if let ast::Value::Expr(e) = value
            && mentions(e, "t")
            && self.scope().find("t").is_none()
        {
            if !matches!(kind, VarKind::AnalogPort(_)) || op.is_some() {
                return fail(
                    Code::E0207,
                    target.span,
                    "only an analog port can follow a function of time",
                    "not an `input`",
                );
            }
            let whole = self.live[p.network].network().populations[p.view.population].n;
            if p.view.n != whole {
                return fail(
                    Code::E0106,
                    target.span,
                    "a function of time drives a whole population",
                    "only some of its cells",
                );
            }
            let f = time_function(&self.scope(), e);
            match &mut self.live[p.network].simulation {
                Some(s) => s.set_port_function(p.view.population, id, f),
                None => self.live[p.network].functions.push((p.view.population, id, f)),
            }
            return Ok(());
        }
        self.streams += 1;
        let stream = Stream::new(self.seed, 0xc000_0000 + self.streams);
        let mut new = column(&self.scope(), value, p.view.n, &stream)?;
        if let Some(op) = op {
            let live = &self.live[p.network];
            let old = |k: usize| super::eval::cell_value(live, p.view.population, id, p.view.start + k);
            let f = |a: f64, b: f64| match op {
                BinOp::Add => a + b,
                BinOp::Sub => a - b,
                BinOp::Mul => a * b,
                _ => a / b,
            };
            new = Column::Array(std::sync::Arc::new((0..p.view.n).map(|k| f(old(k), new.at(k))).collect()));
        }
        self.store(p, id, &new, target.span)
    }

    fn store(&mut self, p: PopulationRef, id: VarId, value: &Column, span: Span) -> Attempt<()> {
        let live = &mut self.live[p.network];
        let index = p.view.population;
        match &mut live.simulation {
            None => {
                let population = &mut live.plan.populations[index];
                let before = population.init.clone();
                assign(population, id, p.view, value);
                if matches!(population.model.vars[id].kind, VarKind::Param(_)) {
                    // What was computed from the old value is computed anew.
                    recompute(population, id, before);
                    fill_defaults(population, span)?;
                }
                Ok(())
            }
            Some(s) => {
                let population = &mut s.network.populations[index];
                assign(population, id, p.view, value);
                let kind = population.model.vars[id].kind.clone();
                let whole = match kind {
                    VarKind::State(_) => None,
                    VarKind::Param(_) => population.params.get(&id).cloned(),
                    VarKind::AnalogPort(_) => population.ports.get(&id).cloned(),
                    _ => {
                        return fail(
                            Code::E0207,
                            span,
                            "this cannot be assigned",
                            "not a state, parameter or analog port",
                        );
                    }
                };
                match (kind, whole) {
                    (VarKind::Param(_), Some(c)) => s.set_param(index, id, c),
                    (VarKind::AnalogPort(_), Some(c)) => s.set_port(index, id, c),
                    _ => {
                        let View { start, n, .. } = p.view;
                        s.set_state(index, id, start..start + n, value);
                    }
                }
                Ok(())
            }
        }
    }

    fn measure(&mut self, name: &ast::Name, e: &ast::Expr) -> Attempt<()> {
        if self.dry {
            self.bind(name.text.clone(), Quantity::pure(f64::NAN).into());
            return Ok(());
        }
        let q = self.scope().quantity(e)?;
        let list = self.out.measures.entry(name.text.clone()).or_default();
        list.push(q.clone());
        let series = if list.len() == 1 {
            q
        } else {
            Quantity::array(list.iter().flat_map(|q| q.data.iter().copied()).collect(), q.dim, q.unit)
        };
        self.bind(name.text.clone(), series.into());
        Ok(())
    }

    fn expect(&mut self, e: &ast::Expr) -> Attempt<()> {
        if self.dry {
            return Ok(());
        }
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

    fn plot(
        &mut self,
        title: Option<&str>,
        series: &[ast::Expr],
        against: Option<&ast::Expr>,
        span: Span,
    ) -> Attempt<()> {
        if self.dry {
            return Ok(());
        }
        let mut figure = Figure {
            name: String::new(),
            title: title.unwrap_or_default().into(),
            x: String::new(),
            y: String::new(),
            series: Vec::new(),
        };
        let x = against.map(|e| self.scope().quantity(e)).transpose()?;
        if let (Some(q), Some(e)) = (&x, against) {
            figure.x = axis(&label(e), q);
        }
        for e in series {
            let name = label(e);
            let value = match self.recorded(e) {
                Some(i) => Value::Recording(i),
                None => self.scope().eval(e)?,
            };
            match value {
                Value::Recording(i) => self.plot_recording(&mut figure, i, &name, e.span)?,
                Value::Quantity(q) => {
                    let unit = q
                        .unit
                        .clone()
                        .filter(|u| u.dim == q.dim)
                        .unwrap_or_else(|| crate::units::canonical_unit(q.dim));
                    let xs: Vec<f64> = match &x {
                        Some(x) => {
                            let unit = x
                                .unit
                                .clone()
                                .filter(|u| u.dim == x.dim)
                                .unwrap_or_else(|| crate::units::canonical_unit(x.dim));
                            x.data.iter().map(|v| unit.from_internal(*v)).collect()
                        }
                        None => (0..q.data.len()).map(|i| i as f64).collect(),
                    };
                    if xs.len() != q.data.len() {
                        let message = format!("cannot plot {} values against {}", q.data.len(), xs.len());
                        return fail(Code::E0403, e.span, message, "different lengths");
                    }
                    figure.y = axis(if series.len() == 1 { &name } else { "" }, &q);
                    if figure.x.is_empty() {
                        figure.x = "index".into();
                    }
                    figure.series.push(FigureData::Line {
                        x: xs,
                        y: q.data.iter().map(|v| unit.from_internal(*v)).collect(),
                        label: name.clone(),
                    });
                }
                _ => return fail(Code::E0401, e.span, "this cannot be plotted", "not data"),
            }
            if figure.name.is_empty() {
                figure.name = title
                    .map_or(name, String::from)
                    .chars()
                    .map(|c| if c.is_alphanumeric() || c == '.' { c } else { '_' })
                    .collect();
            }
        }
        let copies = self.out.figures.iter().filter(|f| f.name == figure.name).count();
        if copies > 0 {
            figure.name = format!("{}_{}", figure.name, copies + 1);
        }
        let _ = span;
        self.out.figures.push(figure);
        Ok(())
    }

    /// Finds the recording that `net.exc.v` names in a plot.
    fn recorded(&self, e: &ast::Expr) -> Option<usize> {
        let (p, path) = self.cells(e).ok()?;
        let model = &self.live[p.network].network().populations[p.view.population].model;
        let wanted = inline_lets(model, Expr::Var(model.var(&path)?));
        self.recordings.iter().rposition(|r| {
            r.network == p.network
                && r.population == p.view.population
                && r.cells == (p.view.start, p.view.n)
                && matches!(&r.what, What::Samples { value, .. } if *value == wanted)
        })
    }

    fn plot_recording(&self, figure: &mut Figure, i: usize, name: &str, span: Span) -> Attempt<()> {
        let r = &self.recordings[i];
        let unreadable = |e: String| Box::new(Diagnostic::at(Code::E0802, span, "a recording cannot be read back", e));
        figure.x = "time (ms)".into();
        match &r.what {
            What::Events(_) => {
                let events = r.events(None).map_err(unreadable)?;
                let offset: f64 = figure
                    .series
                    .iter()
                    .map(|s| if let FigureData::Raster { rows, .. } = s { *rows as f64 } else { 0.0 })
                    .sum();
                // A raster of more than this many marks is only ink; every k-th cell is shown.
                let keep = (events.times.len() / 12_000 + 1) as u32;
                let shown: Vec<(f64, f64)> = events
                    .times
                    .iter()
                    .zip(&events.cells)
                    .filter(|(_, c)| *c % keep == 0)
                    .map(|(t, c)| (*t, f64::from(*c) + offset))
                    .collect();
                figure.y = "cell".into();
                figure.series.push(FigureData::Raster {
                    times: shown.iter().map(|s| s.0).collect(),
                    cells: shown.iter().map(|s| s.1).collect(),
                    rows: r.cells.1,
                    label: name.into(),
                });
            }
            What::Samples { dim, unit, .. } => {
                let (t, v) = r.samples(None).map_err(unreadable)?;
                let unit = unit.clone().filter(|u| u.dim == *dim).unwrap_or_else(|| crate::units::canonical_unit(*dim));
                let n = r.cells.1;
                let keep = t.len() / 4000 + 1;
                for cell in 0..n.min(8) {
                    let points: Vec<usize> = (0..t.len()).step_by(keep).collect();
                    figure.series.push(FigureData::Line {
                        x: points.iter().map(|k| t[*k]).collect(),
                        y: points.iter().map(|k| unit.from_internal(v[k * n + cell])).collect(),
                        label: if n == 1 { name.into() } else { format!("{name}[{cell}]") },
                    });
                }
                figure.y = if unit.name == "1" { name.into() } else { format!("{name} ({})", unit.name) };
            }
        }
        Ok(())
    }
}

/// Forgets initial states and other parameters whose defaults depend on a parameter that changed.
fn recompute(
    population: &mut crate::plan::Population,
    changed: VarId,
    before: std::collections::BTreeMap<VarId, Column>,
) {
    let model = population.model.clone();
    let depends = |e: &Expr| inline_lets(&model, e.clone()).mentions(changed);
    for (id, v) in &model.vars {
        match &v.kind {
            VarKind::State(e) if depends(e) && population.init.get(&id) == before.get(&id) => {
                population.init.remove(&id);
            }
            VarKind::Param(Some(e)) if id != changed && depends(e) => {
                population.params.remove(&id);
            }
            _ => {}
        }
    }
}

fn read(live: &Live, population: usize, value: &Expr, cell: usize) -> f64 {
    if let Expr::Var(v) = value {
        return super::eval::cell_value(live, population, *v, cell);
    }
    let lookup = |v: VarId| Some(super::eval::cell_value(live, population, v, cell));
    crate::math::eval(value, &lookup, None).unwrap_or(f64::NAN)
}

fn label(e: &ast::Expr) -> String {
    match &e.kind {
        ExprKind::Name(n) => n.clone(),
        ExprKind::Member(base, n) => match label(base) {
            b if b.is_empty() => n.text.clone(),
            b => format!("{b}.{}", n.text),
        },
        ExprKind::Index(base, _) => label(base),
        _ => String::new(),
    }
}

fn axis(name: &str, q: &Quantity) -> String {
    let unit = q.unit.clone().filter(|u| u.dim == q.dim).unwrap_or_else(|| crate::units::canonical_unit(q.dim));
    if unit.name == "1" { name.to_string() } else { format!("{name} ({})", unit.name).trim().to_string() }
}

fn failure(f: &Failure, network: &Network, time: f64) -> Box<Diagnostic> {
    let ms = lookup("ms");
    match f {
        Failure::Interrupted => Box::new(
            Diagnostic::new(Code::E0812, format!("stopped at {}", format_quantity(time, Dim::TIME, ms.as_ref())))
                .note("everything recorded until then is kept"),
        ),
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
            let last = format_quantity(*last, dim, unit.as_ref());
            Box::new(
                d.note(format!("one step before it was {last}"))
                    .help("make `dt` smaller, or look for a division by zero or a growing feedback"),
            )
        }
    }
}

/// Feeds recordings from a running network.
struct Watch<'r> {
    recordings: Vec<&'r mut Recording>,
    dt: f64,
    end: f64,
    progress: &'r dyn Progress,
    calls: std::cell::Cell<u32>,
    at: std::cell::Cell<u64>,
}

impl<'r> Watch<'r> {
    fn new(
        recordings: &'r mut [Recording],
        network: usize,
        dt: f64,
        end: f64,
        progress: &'r dyn Progress,
    ) -> Watch<'r> {
        let recordings = recordings.iter_mut().filter(|r| r.network == network).collect();
        Watch { recordings, dt, end, progress, calls: Default::default(), at: Default::default() }
    }
}

impl Observer for Watch<'_> {
    fn next_stop(&self, step: u64) -> u64 {
        self.at.set(step);
        let next = |r: &Recording| match r.what {
            What::Samples { every, .. } => step + every - (step - r.span.0) % every,
            What::Events(_) => u64::MAX,
        };
        self.recordings.iter().map(|r| next(r)).min().unwrap_or(u64::MAX)
    }

    fn sample(&mut self, simulation: &Simulation) {
        let step = simulation.step();
        for r in &mut self.recordings {
            let What::Samples { value, every, .. } = &r.what else { continue };
            if !(step - r.span.0).is_multiple_of(*every) {
                continue;
            }
            let (first, n) = r.cells;
            let population = r.population;
            let (segment, segments) = match &r.what {
                What::Samples { segment: Some(s), .. } => *s,
                _ => (0, 1),
            };
            let plan = &simulation.network.populations[population];
            let values: Vec<f64> = match value {
                Expr::Var(v) if simulation.state(population, *v).is_some() => {
                    let b = simulation.state(population, *v);
                    (first..first + n).map(|c| b.map_or(f64::NAN, |b| b.get(c * segments + segment))).collect()
                }
                e => (first..first + n)
                    .map(|c| {
                        let lookup = |v: VarId| {
                            simulation
                                .state(population, v)
                                .map(|b| b.get(c))
                                .or_else(|| plan.params.get(&v).map(|p| p.at(c)))
                                .or_else(|| plan.ports.get(&v).map(|p| p.at(c)))
                        };
                        crate::math::eval(e, &lookup, Some(simulation.options().dt)).unwrap_or(f64::NAN)
                    })
                    .collect(),
            };
            r.sample(step, values.into_iter());
        }
    }

    fn events(&mut self, population: usize, event: EventId, spikes: &Spikes, step: u64) {
        for r in &mut self.recordings {
            if r.population != population || !matches!(r.what, What::Events(e) if e == event) {
                continue;
            }
            for s in 0..spikes.start.len() - 1 {
                for cell in &spikes.cells[spikes.start[s] as usize..spikes.start[s + 1] as usize] {
                    r.event(step + s as u64, *cell);
                }
            }
        }
    }

    fn interrupted(&self) -> bool {
        let calls = self.calls.get();
        self.calls.set(calls.wrapping_add(1));
        if calls.is_multiple_of(64) {
            self.progress.update(self.at.get() as f64 * self.dt, self.end);
        }
        self.progress.interrupted() || self.recordings.iter().any(|r| r.spool.failed.is_some())
    }
}
