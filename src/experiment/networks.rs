//! Makes the networks of an experiment: their plans, and what runs once they are needed.

use super::live::Live;
use super::outcome::Progress;
use super::run::Run;
use super::settings::Override;
use crate::budget;
use crate::diag::{Code, Diagnostic};
use crate::elaborate::{Elaborated, Elaborator, Surroundings, batch_fits, too_many};
use crate::evaluate::{Attempt, LaneProgram, fail};
use crate::hir::experiment::model::{self, Statement, StatementKind};
use crate::hir::network::model::{Drive, Nested, Process};
use crate::hir::typed::Expr;
use crate::hir::{Var, VarId, VarKind};
use crate::plan::{self, Batch, DriveKind, Network};
use crate::rng::derived_seed;
use crate::runtime::{Options, PortFunction, Running, TimeFunction};
use crate::source::Span;
use crate::units::{Dim, format_quantity, lookup};
use crate::value::Value;
use std::sync::Arc;

impl Run<'_> {
    pub(super) fn network(&mut self, of: &Nested, name: &str, batch: Option<&model::Batch>) -> Attempt<()> {
        let batch = batch.map(|b| self.batch_of(b)).transpose()?;
        let clock = std::time::Instant::now();
        self.measure_size();
        let args = self.arguments(name, &of.model.params, &of.args)?;
        let prefix = format!("{name}.");
        let mine: Vec<Override> =
            self.runner.settings.overrides.iter().filter(|o| o.path.starts_with(&prefix)).cloned().collect();
        let parameter = |o: &Override| of.model.params.iter().position(|p| p.name == o.path[prefix.len()..]);
        let index = self.place_of(name);
        let seed = seed_of(self.seed, self.networks_made);
        self.networks_made += 1;
        let mut elaborator = Elaborator::new(self.surroundings(seed), index, self.streams);
        let instance = elaborator.network(&of.model, &args, of.span, "")?;
        let Elaborated { plan, rates, imports, warnings } = elaborator.finish();
        self.out.import(imports);
        warnings.into_iter().for_each(|d| self.out.warnings.push(d));
        self.live[index] = Live { name: name.to_string(), seed, dt: self.dt, plan, rates, ..Live::default() };
        self.live[index].plan.batch = batch;
        batch_fits(&self.live[index].plan, of.span)?;
        self.can_run(index, of.span)?;
        self.set_local(of.id, Value::Network(Arc::new(instance)));
        for o in mine.iter().filter(|o| parameter(o).is_none()) {
            self.set_override(o)?;
        }
        self.out.built_in += clock.elapsed().as_secs_f64();
        Ok(())
    }

    /// The place of a network among the running ones; one of the same name is replaced, and the clock starts anew.
    fn place_of(&mut self, name: &str) -> usize {
        let index = match self.live.iter().position(|l| l.name == name) {
            Some(i) => i,
            None => {
                self.live.push(Live::default());
                self.live.len() - 1
            }
        };
        // Those that an earlier turn of a loop made are gone.
        let others = self.live.iter().enumerate().any(|(i, l)| i != index && self.is_in_use(&l.name));
        if !others {
            self.warn_of_what_never_came();
            (self.clock, self.step) = (0.0, 0);
            self.schedule.clear();
        }
        for r in self.recordings.iter_mut().filter(|r| r.network == index) {
            // Earlier recordings keep their data but see no more of it.
            r.network = super::record::GONE;
        }
        index
    }

    /// Returns whether a network is one of the blocks that are being executed, not of an earlier turn or a block that was left.
    fn is_in_use(&self, name: &str) -> bool {
        let makes = |s: &Statement| matches!(&s.kind, StatementKind::Network { name: made, .. } if made == name);
        self.frames.iter().any(|f| self.experiment.blocks[f.block][..f.next].iter().any(makes))
    }

    fn surroundings(&self, seed: u64) -> Surroundings<'_> {
        Surroundings {
            files: self.runner.files,
            dt: self.dt,
            seed,
            backend: self.runner.settings.backend,
            shuffles: (self.seed, &self.shuffles),
            outer: None,
            expects: self.expects(),
        }
    }

    /// Adds a drive to a network that has not run yet.
    pub(super) fn drive(&mut self, d: &Drive) -> Attempt<()> {
        for (cells, port) in &d.targets {
            let index = self.cells(cells)?.network;
            match &self.live[index].simulation {
                Some(s) if s.step() == 0 => {
                    let message = "a drive cannot be added once something was computed with the network";
                    let d = Diagnostic::at(Code::E0106, d.span, message, "comes too late");
                    return Err(Box::new(
                        d.help("put it into the network, or before values are read or, in a batch, assigned"),
                    ));
                }
                Some(_) => {
                    let message = "a drive cannot be added once the network has run";
                    return fail(Code::E0106, d.span, message, "comes too late");
                }
                None => {}
            }
            let one = Drive { targets: vec![(cells.clone(), *port)], ..d.clone() };
            let live = &mut self.live[index];
            let (plan, rates) = (std::mem::take(&mut live.plan), std::mem::take(&mut live.rates));
            let built = Elaborated { plan, rates, imports: Vec::new(), warnings: Vec::new() };
            let seed = live.seed;
            let surface = self.surface();
            let around = Surroundings { outer: Some(&surface), ..self.surroundings(seed) };
            let mut elaborator = Elaborator::resume(around, index, 0x1000 + self.streams, built);
            let done = elaborator.drive(&one, &self.locals);
            let Elaborated { plan, rates, warnings, .. } = elaborator.finish();
            warnings.into_iter().for_each(|d| self.out.warnings.push(d));
            (self.live[index].plan, self.live[index].rates) = (plan, rates);
            done?;
            self.streams += 1;
        }
        Ok(())
    }

    fn batch_of(&self, batch: &model::Batch) -> Attempt<Batch> {
        let size = self.size(&batch.size)?;
        if size == 0 {
            return fail(Code::E0404, batch.size.span, "a batch has at least one example", "size 0");
        }
        Ok(Batch { size, sum: batch.sum })
    }

    /// Refuses a network whose values follow from themselves, or that has what a network without events cannot have.
    fn can_run(&self, index: usize, span: Span) -> Attempt<()> {
        let plan = &self.live[index].plan;
        if let Some(path) = plan.cycle() {
            return Err(cyclic(plan, &path, span));
        }
        if let Some((place, last)) = plan.uncounted_window(self.dt) {
            let (last, dt) = (crate::units::format_number(last), crate::units::format_number(self.dt));
            let message = format!("a mean over the last {last} ms of a window, in steps of {dt} ms");
            let d =
                Diagnostic::at(Code::E0404, place, message, "not a whole number of steps").label(span, "this network");
            return Err(Box::new(d.help("take a multiple of `dt`")));
        }
        if let Some((place, why)) = plan.uncounted_response(self.dt) {
            return fail(Code::E0404, place, why, "of this length")
                .map_err(|d: Box<Diagnostic>| Box::new(d.label(span, "this network")));
        }
        if !plan.is_without_events() {
            if plan.batch.is_some_and(|b| b.sum) {
                let d = crate::diag::unsupported(span, "`sum` for several examples of a network with events");
                return Err(Box::new(d.help("leave it out: what examples change is not put together here")));
            }
            return match plan.refused_with_events() {
                Some((place, what)) => {
                    Err(Box::new(crate::diag::unsupported(place, &what).label(span, "this network")))
                }
                None => Ok(()),
            };
        }
        if let Some((place, what)) = plan.refused_without_events() {
            let d = crate::diag::unsupported(place, &what).label(span, "this network");
            let note = "it has a batch, signals to cells, bounds or values kept per cell, energies, or shared weights";
            return Err(Box::new(d.note(note)));
        }
        Ok(())
    }

    /// Creates the simulation of a network that has not run yet.
    pub(super) fn start(&mut self, index: usize) -> Attempt<()> {
        if let Some(s) = &self.live[index].simulation {
            if s.options().dt != self.dt {
                let message = format!("`{}` has run with another `dt`", self.live[index].name);
                let d = Diagnostic::new(Code::E0106, message);
                return Err(Box::new(d.help("set `dt` before the network, or make the network anew")));
            }
            return Ok(());
        }
        self.unheard_precision = None;
        if self.expects() {
            let message = format!("the experiment asks what `{}` does before the first `run`", self.live[index].name);
            let d = Diagnostic::new(Code::E0822, message);
            return Err(Box::new(d.help("plan an experiment that makes its network and runs it")));
        }
        if !self.builds_only {
            self.check_values(index)?;
        }
        self.limits.building(&self.live[index].name, 0, 0);
        let clock = std::time::Instant::now();
        let settings = &self.runner.settings;
        let options = Options {
            dt: self.dt,
            seed: self.live[index].seed,
            precision: self.precision,
            threads: settings.threads,
            backend: settings.backend,
            profile: settings.profile.then(Default::default),
            side_by_side: 1,
            ranks: settings.ranks.clone(),
        };
        let live = &self.live[index];
        let rates: Vec<TimeFunction> = (0..live.rates.len())
            .map(|k| {
                let single = |d: &plan::Drive| matches!(d.kind, DriveKind::RandomOf(Process::Bernoulli, f) if f == k);
                let single = live.plan.drives.iter().any(single);
                self.function(&live.rates[k], Some(if single { Process::Bernoulli } else { Process::Poisson }))
            })
            .collect();
        let ports: Vec<(usize, VarId)> =
            self.live[index].functions.iter().map(|f| (f.cells.population, f.port)).collect();
        self.fits(index)?;
        self.sites_hold(index)?;
        let live = &mut self.live[index];
        let (limits, name) = (&self.limits, live.name.clone());
        let built = |so_far, all| limits.building(&name, so_far, all);
        let mut s = Running::new(std::mem::take(&mut live.plan), rates, options, &built);
        if let Some(s) = s.rates_mut() {
            s.expect_windows();
        }
        for frame in &self.frames {
            if let super::run::FrameKind::Window(name) = &frame.kind {
                s.begin_window(name);
            }
        }
        self.live[index].simulation = Some(s);
        self.catch_up(index);
        ports.into_iter().for_each(|(population, port)| self.follow(index, population, port));
        self.out.built_in += clock.elapsed().as_secs_f64();
        Ok(())
    }

    /// Refuses a network that does not fit into memory once it runs: states, deliveries under way, and synapses.
    fn fits(&self, index: usize) -> Attempt<()> {
        let plan = &self.live[index].plan;
        let word = self.precision.bytes() as f64;
        let rows = plan.batch.map_or(1, |b| b.size) as f64;
        let mut parts: Vec<(f64, String)> = Vec::new();
        for (k, p) in plan.populations.iter().enumerate() {
            let segments = |v: &Var| v.cable.filter(|c| *c < p.model.cables.len()).map_or(1, |c| p.segments(c));
            let states = p.model.vars.values().filter(|v| matches!(v.kind, VarKind::State(_)));
            let states: usize = states.map(segments).sum();
            let arriving = plan.projections.iter().filter(|q| q.post.population == k);
            let longest = arriving.map(|q| q.delay.at_most() + q.dendritic.at_most()).max().unwrap_or(0);
            let n = p.n as f64;
            parts.push((word * rows * n * states as f64, format!("{} cells of {} with {states} states", p.n, p.name)));
            if !plan.is_without_events() && longest > 1 {
                let what = format!("deliveries to {} under way for up to {longest} steps", p.name);
                parts.push((word * rows * n * f64::from(longest), what));
            }
        }
        let ranks = self.runner.settings.ranks.count();
        // Examples of a network with events have each synapses of their own, and processes have examples; without a batch they have cells.
        // Of synapses that learn without events every process has all.
        let (times, processes) = match plan.batch {
            _ if plan.is_without_events() => (1.0, 1),
            Some(batch) => (batch.size.div_ceil(ranks) as f64, 1),
            None => (1.0, ranks),
        };
        for p in plan.projections.iter().filter(|p| p.stored) {
            let (n, each) = (p.pairs.len(), p.bytes_per_synapse(self.precision.bytes()));
            let several = if times > 1.0 { format!("{times} times ") } else { String::new() };
            parts.push((
                times * n as f64 * each as f64 / processes as f64,
                format!("{several}{n} synapses of {} with {each} bytes", p.name),
            ));
        }
        let sum: f64 = parts.iter().map(|(bytes, _)| bytes).sum();
        // Where one process has too little, all end.
        let Err(lack) = budget::fits_all(sum) else { return Ok(()) };
        parts.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut d =
            Diagnostic::new(Code::E0408, format!("`{}` does not fit into memory: {lack}", self.live[index].name));
        for (bytes, what) in parts.into_iter().take(5) {
            d = d.note(format!("{}: {what}", budget::shown(bytes)));
        }
        Err(Box::new(d.help("make it smaller, or run it on a machine with more memory")))
    }

    /// Refuses cables that have become others since synapses were placed on them, or drives.
    fn sites_hold(&self, index: usize) -> Attempt<()> {
        let plan = &self.live[index].plan;
        let holds = |population: usize, port: VarId, shape: Option<&plan::Placed>| {
            let one = plan::Placed { segments: vec![1], reach: Vec::new() };
            shape.unwrap_or(&one).holds(&plan.populations[population], port, self.dt)
        };
        let projections = plan
            .projections
            .iter()
            .map(|p| (p.post.population, p.port, p.site.as_ref().map(|s| &s.shape), p.name.clone()));
        let drives = plan.drives.iter().map(|d| {
            (
                d.post.population,
                d.port,
                Some(&d.shape),
                format!("a drive of {}", plan.populations[d.post.population].name),
            )
        });
        match projections.chain(drives).find(|(population, port, shape, _)| !holds(*population, *port, *shape)) {
            None => Ok(()),
            Some((population, _, _, name)) => {
                let cells = &plan.populations[population].name;
                let message =
                    format!("the segments or lengths of `{cells}` have changed since {name} was given its places");
                let help = "let them follow from parameters of the network: `network Net(n: int = 5) { population cell: Cell(n = n)[10] … }`, `--set net.n=9`";
                Err(Box::new(Diagnostic::new(Code::E0404, message).help(help)))
            }
        }
    }

    /// Lets a port of a running network follow its functions of time.
    pub(super) fn follow(&mut self, index: usize, population: usize, port: VarId) {
        let mine = self.live[index].functions.iter().filter(|f| f.port == port && f.cells.population == population);
        let functions = mine.map(|f| PortFunction { cells: f.cells.clone(), of: self.function(&f.of, None) });
        let functions: Vec<PortFunction> = functions.collect();
        if let (Some(s), false) = (&mut self.live[index].simulation, functions.is_empty()) {
            s.set_port_functions(population, port, functions);
        }
    }

    /// A function of time whose complaints are heard when the run stops; a rate is not negative, nor above the most there can be.
    fn function(&self, program: &LaneProgram, rate_of: Option<Process>) -> TimeFunction {
        let dt = self.dt;
        let compiled = program.compile(self.runner.settings.backend);
        let complaint = self.complaint.clone();
        let span = program.span();
        let checked = move |of: Vec<f64>| {
            let Some(process) = rate_of else { return Ok(of) };
            let most = plan::most_expected(process) / dt;
            match of.iter().find(|r| !r.is_finite() || **r < -1e-9 || **r > most * (1.0 + 1e-9)) {
                Some(r) => Err(impossible_rate(*r, (process, most), span)),
                None => Ok(of.into_iter().map(|r| r.max(0.0)).collect::<Vec<f64>>()),
            }
        };
        TimeFunction::new(program.is_shared(), move |t, values| {
            match compiled.cells(values.len(), t).and_then(&checked) {
                Ok(of) => values.copy_from_slice(&of),
                Err(d) => {
                    // Whatever is computed from it is not used: the run ends with the complaint.
                    values.fill(if rate_of.is_some() { 0.0 } else { f64::NAN });
                    if let Ok(mut complaint) = complaint.lock() {
                        complaint.get_or_insert(d);
                    }
                }
            }
        })
    }

    /// Starts a network without events or with several examples: only while it runs do its values follow from one another, a row for every
    /// example.
    pub(super) fn start_rates(&mut self, index: usize) -> Attempt<()> {
        let Live { simulation, plan, .. } = &self.live[index];
        if simulation.is_none() && (plan.batch.is_some() || plan.is_without_events()) {
            self.start(index)?;
        }
        Ok(())
    }

    /// Starts the networks without events that an expression may read.
    pub(super) fn start_rates_in(&mut self, e: &Expr) -> Attempt<()> {
        if self.live.iter().all(|l| l.simulation.is_some()) {
            return Ok(());
        }
        let mut names = Vec::new();
        e.locals(&mut names);
        let network =
            |id: &crate::hir::typed::LocalId| self.locals[id.as_u32() as usize].as_ref().and_then(Value::network);
        let named: Vec<usize> = names.iter().filter_map(network).collect();
        named.into_iter().try_for_each(|i| self.start_rates(i))
    }
}

/// The seed of the n-th network that an experiment makes: that of the experiment for the first, and another one for each that follows.
pub(super) fn seed_of(seed: u64, n: u32) -> u64 {
    if n == 0 {
        return seed;
    }
    derived_seed(seed, n, 0x6e65_7477)
}

/// Reports a rate that is no number, or below zero or above the most there can be, beyond what rounding explains.
fn impossible_rate(rate: f64, (process, most): (Process, f64), span: Span) -> Box<Diagnostic> {
    let shown = |rate: f64| format_quantity(rate, Dim::RATE, lookup("Hz").as_ref());
    let message = format!("this rate becomes {}", shown(rate));
    if !rate.is_finite() {
        return Box::new(Diagnostic::at(Code::E0404, span, message, "a rate is a finite number"));
    }
    if rate < 0.0 {
        let d = Diagnostic::at(Code::E0404, span, message, "a rate cannot be negative");
        return Box::new(d.help("cut it off where that is meant: `max(0 Hz, …)`"));
    }
    let label = format!("{}, {}", too_many(process), shown(most));
    let d = Diagnostic::at(Code::E0404, span, message, label);
    Box::new(d.help(match process {
        Process::Bernoulli => "make `dt` smaller, use `poisson`, or cut it off where that is meant: `min(…, 1 / dt)`",
        Process::Poisson => "make `dt` smaller, or cut it off where that is meant: `min(…, 1e6 / dt)`",
    }))
}

/// Reports values that follow from themselves within a step.
fn cyclic(plan: &Network, path: &[(usize, VarId)], span: Span) -> Box<Diagnostic> {
    let name = |(p, v): &(usize, VarId)| {
        let population = &plan.populations[*p];
        format!("{}.{}", population.name, population.model.vars[*v].name)
    };
    let shown: Vec<String> = path.iter().map(name).collect();
    Box::new(
        Diagnostic::at(Code::E0612, span, "a value follows from itself within a step", "in this network")
            .note(shown.join(" <- "))
            .help("give one of the projections a `delay`, or make one of the values a state"),
    )
}
