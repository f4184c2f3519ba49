//! The interpreter of experiments: frames on a stack, each with its block, the next statement and what it is in the midst of.
//! The stack, the values of names and what the networks remember are all there is to a run, so they are its checkpoint.

use super::chances::refuse_impossible;
use super::failures::{failure_of, stopped, stopped_elsewhere, too_short, unwritten};
use super::files::SameFiles;
use super::limits::Limits;
use super::live::{Live, profile};
use super::outcome::{Moment, Outcome, Progress};
use super::record::Recording;
use super::settings::Settings;
use super::store::{CheckpointStore, RunIdentity};
use super::watch::{Course, Watch};
use super::world::Surface;
use crate::data::{Examples, Files};
use crate::diag::{Code, Diagnostic};
use crate::elaborate::off_grid;
use crate::evaluate::{Attempt, Scope, Turns, fail, room};
use crate::hir::Module;
use crate::hir::experiment::model::{BlockId, Experiment, StatementKind};
use crate::hir::typed::{Expr, LocalId};
use crate::ir::Precision;
use crate::parallel::{agreeing, within};
use crate::plan::MOST_STEPS;
use crate::runtime::{Failure, Observer, RateNetwork, Running};
use crate::source::Span;
use crate::units::{Dim, format_quantity, lookup};
use crate::value::{PopulationRef, Quantity, Value};
use cranelift_entity::EntityRef;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

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
    pub keeper: &'a dyn CheckpointStore,
    /// What they belong to.
    pub belongs: RunIdentity,
    /// The one to go on from.
    pub resume: Option<Vec<u8>>,
}

impl Runner<'_> {
    /// Runs an experiment; failures are part of the outcome, so that results so far are kept.
    pub fn run(&self, experiment: &Experiment) -> Outcome {
        self.whole(experiment, None)
    }

    /// Runs an experiment that keeps checkpoints; a run that stops early keeps one more and can be resumed.
    pub fn run_with(&self, experiment: &Experiment, checkpoints: &Checkpoints) -> Outcome {
        self.whole(experiment, Some(checkpoints))
    }

    fn whole(&self, experiment: &Experiment, checkpoints: Option<&Checkpoints>) -> Outcome {
        let files = SameFiles::new(self.files, &self.settings.ranks);
        let Runner { module, progress, .. } = *self;
        let runner = Runner { module, files: &files, settings: self.settings.clone(), progress };
        let mut run = Run::new(&runner, experiment);
        run.checkpoints = checkpoints;
        let ranks = self.settings.ranks.clone();
        let told = move |mine: f64| if ranks.are_several() { ranks.tell(&mine) } else { vec![mine] };
        let work = || {
            let begun = match run.checkpoints.and_then(|c| Some((c.resume.as_ref()?, c))) {
                Some((file, checkpoints)) => run.resume(file, checkpoints),
                None => run.begin(),
            };
            if let Err(d) = begun.and_then(|()| run.go()) {
                run.out.failure = Some(d);
            }
            run.finish()
        };
        agreeing(told, || within(self.settings.threads, work))
    }

    /// Builds the networks of an experiment as they are when it first runs, for `emit` and `explain`.
    pub fn networks(&self, experiment: &Experiment) -> Result<Vec<Running>, Box<Diagnostic>> {
        let mut run = Run::new(self, experiment);
        run.builds_only = true;
        within(self.settings.threads, || {
            run.begin()?;
            run.go()?;
            for i in 0..run.live.len() {
                run.start(i)?;
            }
            Ok(run.live.into_iter().filter_map(|l| l.simulation).collect())
        })
    }
}

/// Steps between two looks at the clock.
const PART: u64 = 1000;

/// Examples of a data set, in an order.
pub(super) type Chosen = (Arc<Examples>, Arc<Vec<usize>>);

/// A block that is being executed.
pub(super) struct Frame {
    /// The block.
    pub block: BlockId,
    /// The statement that comes next.
    pub next: usize,
    /// What happens at its end.
    pub kind: FrameKind,
    /// When the `run` ends that is going on, in time since the networks began.
    pub until: Option<f64>,
}

/// What a block belongs to.
pub(super) enum FrameKind {
    /// The experiment, or a branch of a condition.
    Once,
    /// A loop: names, what each of them runs through, the turn, and whether it is a sweep.
    Loop { variables: Vec<LocalId>, of: Vec<Turns>, turn: usize, sweep: bool },
    /// A loop over a data set, some examples at once.
    Examples { variables: Vec<LocalId>, over: Chosen, batch: Option<usize>, turn: usize },
    /// A repetition; the statement with its condition is the one before the next of the frame below.
    Repeat { most: usize, turn: usize },
    /// What is gathered over a data set, for the statement before the next of the frame below.
    Gather { over: Chosen, batch: Option<usize>, turn: usize, gathered: Vec<Option<Quantity>> },
    /// A window of a name.
    Window(String),
    /// What happens at a time: the values that names had before.
    At(Vec<(LocalId, Option<Value>)>),
}

/// Returns the values of a turn, if there is such a one; of all combinations, the last name changes fastest.
pub(super) fn turn(of: &[Turns], turn: usize) -> Option<Vec<Value>> {
    let mut left = turn;
    let mut values = Vec::with_capacity(of.len());
    for turns in of.iter().rev() {
        let n = turns.count();
        values.push(turns.at(left.checked_rem(n)?));
        left /= n;
    }
    values.reverse();
    (left == 0).then_some(values)
}

/// Statements to execute at a time.
pub(super) struct Scheduled {
    /// When.
    pub time: f64,
    /// What.
    pub block: BlockId,
    /// Names with the values that they had when it was planned.
    pub captured: Vec<(LocalId, Value)>,
}

pub(super) struct Run<'a> {
    pub(super) runner: &'a Runner<'a>,
    pub(super) experiment: &'a Experiment,
    pub(super) locals: Vec<Option<Value>>,
    pub(super) frames: Vec<Frame>,
    pub(super) live: Vec<Live>,
    pub(super) recordings: Vec<Recording>,
    /// In order of time.
    pub(super) schedule: Vec<Scheduled>,
    /// Simulated time as it was asked for; steps are counted from it, so that nothing is lost between pieces.
    pub(super) clock: f64,
    /// Steps that the networks have done.
    pub(super) step: u64,
    pub(super) seed: u64,
    pub(super) dt: f64,
    pub(super) precision: Precision,
    /// A precision that was asked for when there were networks, and that none has begun with since.
    pub(super) unheard_precision: Option<Span>,
    /// Random streams that assignments have used.
    pub(super) streams: u32,
    /// Counts what was shuffled or drawn.
    pub(super) shuffles: Cell<u32>,
    /// How many networks have been made since the seed was set: each has random numbers of its own.
    pub(super) networks_made: u32,
    /// What was gathered over a data set, for the expression that is being evaluated.
    pub(super) gathered: Vec<Quantity>,
    /// Why a function of time had no value.
    pub(super) complaint: Arc<Mutex<Option<Box<Diagnostic>>>>,
    pub(super) builds_only: bool,
    /// Whether networks are only planned.
    pub(super) expects: bool,
    /// The time that all `run`s have let pass so far.
    pub(super) passed: f64,
    /// The time that they will, as far as is known.
    pub(super) total: Option<f64>,
    /// When this part of it began.
    begun: std::time::Instant,
    /// Hears how far the run is, and says when it shall stop.
    pub(super) limits: Limits<'a>,
    checkpoints: Option<&'a Checkpoints<'a>>,
    /// How many it has kept together with other processes.
    pub(super) checkpoints_kept: u64,
    /// Assignments that have been executed, where `--set` gives something of a network a value.
    pub(super) assigned: BTreeSet<Span>,
    pub(super) out: Outcome,
}

impl<'a> Run<'a> {
    pub(super) fn new(runner: &'a Runner<'a>, experiment: &'a Experiment) -> Run<'a> {
        Run {
            runner,
            experiment,
            locals: vec![None; experiment.locals.len()],
            frames: Vec::new(),
            live: Vec::new(),
            recordings: Vec::new(),
            schedule: Vec::new(),
            clock: 0.0,
            step: 0,
            seed: 1,
            dt: 0.1,
            precision: runner.settings.precision.unwrap_or_default(),
            unheard_precision: None,
            streams: 0,
            shuffles: Cell::new(0),
            networks_made: 0,
            gathered: Vec::new(),
            complaint: Arc::default(),
            builds_only: false,
            expects: false,
            passed: 0.0,
            total: None,
            begun: std::time::Instant::now(),
            limits: Limits::new(runner.progress, runner.settings.longest),
            checkpoints: None,
            checkpoints_kept: 0,
            assigned: BTreeSet::new(),
            out: Outcome::default(),
        }
    }

    /// Returns the wall time of the whole experiment so far.
    pub(super) fn took(&self) -> f64 {
        self.out.took + self.begun.elapsed().as_secs_f64()
    }

    fn finish(mut self) -> Outcome {
        if self.out.failure.is_none() {
            self.warn_of_what_never_came();
            self.recordings.iter_mut().for_each(|r| r.spool.release());
        }
        for r in self.recordings.iter_mut().filter(|r| !r.closed) {
            if let Some(s) = self.live.get(r.network).and_then(|l| l.simulation.as_ref()) {
                r.span.1 = r.span.1.max(s.step());
            }
        }
        if self.out.failure.is_none() {
            self.warn_of_missed_windows();
            self.warn_of_unheard_precision();
        }
        self.measure_size();
        self.out.profile = profile(&self.live);
        self.out.took = self.took();
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

    /// What expressions see.
    pub(super) fn surface(&self) -> Surface<'_> {
        Surface {
            live: &self.live,
            recordings: &self.recordings,
            files: self.runner.files,
            dt: self.dt,
            shuffles: (self.seed, &self.shuffles),
            gathered: &self.gathered,
            module: self.runner.module,
        }
    }

    /// Lets something be evaluated.
    pub(super) fn with<T>(&self, f: impl FnOnce(&Scope) -> Attempt<T>) -> Attempt<T> {
        let surface = self.surface();
        f(&Scope::new(&surface, &self.locals))
    }

    pub(super) fn number(&self, e: &Expr) -> Attempt<f64> {
        self.with(|s| s.number(e))
    }

    pub(super) fn quantity(&self, e: &Expr) -> Attempt<Quantity> {
        self.with(|s| s.quantity(e))
    }

    pub(super) fn truth(&self, e: &Expr) -> Attempt<bool> {
        self.with(|s| s.truth(e))
    }

    pub(super) fn size(&self, e: &Expr) -> Attempt<usize> {
        self.with(|s| s.size(e))
    }

    pub(super) fn eval(&self, e: &Expr) -> Attempt<Value> {
        self.with(|s| s.eval(e))
    }

    pub(super) fn cells(&self, e: &Expr) -> Attempt<PopulationRef> {
        self.with(|s| s.cells(e))
    }

    /// Gives a name its value.
    pub(super) fn set_local(&mut self, id: LocalId, value: Value) {
        self.locals[id.index()] = Some(value);
    }

    /// Sets parameters and options, and goes to the first statement.
    pub(super) fn begin(&mut self) -> Attempt<()> {
        self.check_overrides()?;
        for p in &self.experiment.params {
            let default = p.default.as_ref().map(|e| self.eval(e)).transpose()?;
            let value = match self.overridden(&p.name, default.as_ref())?.or(default) {
                Some(v) => v,
                None => {
                    let message = format!("parameter `{}` has no value", p.name);
                    return Err(Box::new(
                        Diagnostic::at(Code::E0212, p.span, message, "value missing")
                            .help(format!("give it on the command line: `--set {}=…`", p.name)),
                    ));
                }
            };
            crate::elaborate::whole(p, &value, p.span)?;
            self.set_local(p.id, value);
        }
        let time = Value::Quantity(Quantity::number(self.dt, Dim::TIME, lookup("ms")));
        if let Some(dt) = self.overridden_number("dt", &time)? {
            self.dt = positive_step(dt).map_err(|why| self.bad_override("dt", &why))?;
        }
        let pure = Value::Quantity(Quantity::pure(1.0));
        if let Some(seed) = self.overridden_number("seed", &pure)? {
            self.seed = whole_seed(seed).map_err(|why| self.bad_override("seed", &why))?;
        }
        self.enter(0, FrameKind::Once);
        self.total = self.forecast();
        Ok(())
    }

    /// Returns how far the experiment is.
    pub(super) fn moment(&self) -> Moment {
        let (mut turn, mut part, mut weight) = (None, 0.0, 1.0);
        for f in &self.frames {
            let (now, of) = match &f.kind {
                FrameKind::Loop { of, turn, .. } => (*turn, of.iter().map(Turns::count).product::<usize>()),
                FrameKind::Repeat { most, turn } => (*turn, *most),
                FrameKind::Examples { over, batch, turn, .. } | FrameKind::Gather { over, batch, turn, .. } => {
                    (*turn, over.1.len().div_ceil(batch.unwrap_or(1).max(1)))
                }
                FrameKind::Once | FrameKind::Window(_) | FrameKind::At(_) => continue,
            };
            let of = of.max(1);
            turn.get_or_insert((now, of));
            part += weight * now as f64 / of as f64;
            weight /= of as f64;
        }
        Moment { simulated: self.passed, total: self.total, turn, part }
    }

    /// Goes into a block.
    pub(super) fn enter(&mut self, block: BlockId, kind: FrameKind) {
        self.frames.push(Frame { block, next: 0, kind, until: None });
    }

    /// Executes until the experiment ends.
    pub(super) fn go(&mut self) -> Attempt<()> {
        let experiment = self.experiment;
        while let Some(top) = self.frames.last_mut() {
            if let Some(end) = top.until {
                self.let_time_pass(end)?;
                continue;
            }
            match experiment.blocks[top.block].get(top.next) {
                Some(s) => {
                    top.next += 1;
                    self.statement(s)?;
                }
                None => self.end_of_block()?,
            }
        }
        Ok(())
    }

    /// Returns the statement that the block at the top of the stack belongs to.
    pub(super) fn owner(&self) -> &'a StatementKind {
        let Some(below) = self.frames.len().checked_sub(2).map(|k| &self.frames[k]) else {
            crate::ice!("a block without a statement")
        };
        &self.experiment.blocks[below.block][below.next - 1].kind
    }

    /// Leaves a block, or begins its next turn.
    fn end_of_block(&mut self) -> Attempt<()> {
        let Some(mut frame) = self.frames.pop() else { return Ok(()) };
        match &mut frame.kind {
            FrameKind::Once => Ok(()),
            FrameKind::Loop { variables, of, turn: now, sweep } => {
                *now += 1;
                let Some(values) = turn(of, *now) else { return Ok(()) };
                self.begin_turn(variables, values, *sweep)?;
                frame.next = 0;
                self.frames.push(frame);
                self.between_turns()
            }
            FrameKind::Repeat { most, turn } => {
                *turn += 1;
                let more = *turn < *most;
                frame.next = 0;
                self.frames.push(frame);
                if !more || self.is_over()? {
                    self.frames.pop();
                    return Ok(());
                }
                self.between_turns()
            }
            FrameKind::Examples { .. } | FrameKind::Gather { .. } => {
                self.frames.push(frame);
                self.next_examples()
            }
            FrameKind::Window(name) => {
                let around = self.frames.last();
                let span = around.map_or_else(Span::default, |f| self.experiment.blocks[f.block][f.next - 1].span);
                for live in &mut self.live {
                    let Some(s) = &mut live.simulation else { continue };
                    let dt = s.options().dt;
                    s.end_window(name).map_err(|short| too_short(name, &short, dt, span))?;
                }
                Ok(())
            }
            FrameKind::At(before) => {
                for (id, value) in std::mem::take(before) {
                    self.locals[id.index()] = value;
                }
                Ok(())
            }
        }
    }

    /// Returns whether the condition of a repetition holds.
    fn is_over(&mut self) -> Attempt<bool> {
        let StatementKind::Repeat { until, .. } = self.owner() else { crate::ice!("a repetition without a statement") };
        match until {
            Some(e) => {
                self.start_rates_in(e)?;
                self.truth(e)
            }
            None => Ok(false),
        }
    }

    /// Gives names their values in a turn; in a sweep, one called `seed` is the seed.
    pub(super) fn begin_turn(&mut self, variables: &[LocalId], values: Vec<Value>, sweep: bool) -> Attempt<()> {
        for (id, value) in variables.iter().zip(values) {
            let local = &self.experiment.locals[*id];
            if sweep
                && local.name == "seed"
                && let Value::Quantity(q) = &value
            {
                match q.single().map_or(Err("a seed is one number".into()), whole_seed) {
                    Ok(seed) => self.begin_anew(seed),
                    Err(why) => {
                        let d = Diagnostic::at(Code::E0404, local.span, why, "not a seed");
                        return Err(Box::new(d.help("write `sweep seed in 1 .. 5`")));
                    }
                }
            }
            self.set_local(*id, value);
        }
        Ok(())
    }

    /// Returns whether nothing shall run; then the networks are as they are wanted, and nothing more happens.
    pub(super) fn stops_here(&mut self) -> bool {
        if self.builds_only {
            self.frames.clear();
        }
        self.builds_only
    }

    /// Returns whether networks are only built.
    pub(super) fn builds_only(&self) -> bool {
        self.builds_only
    }

    /// Returns whether networks are only planned.
    pub(super) fn expects(&self) -> bool {
        self.expects
    }

    /// Returns whether a run ends where it is when the user asks for it.
    pub(super) fn is_without_checkpoints(&self) -> bool {
        self.checkpoints.is_none()
    }

    /// `run t`, `step`
    pub(super) fn run_for(&mut self, duration: f64, span: Span) -> Attempt<()> {
        if self.stops_here() {
            return Ok(());
        }
        if duration < 0.0 || !duration.is_finite() {
            return fail(Code::E0404, span, "a run cannot take a negative or endless time", "not a duration");
        }
        self.countable_time(duration, span)?;
        self.warn_off_grid(duration, span, "rounded to whole steps");
        for i in 0..self.live.len() {
            self.start(i)?;
            self.live[i].simulations().iter().try_for_each(|s| refuse_impossible(s, self.dt))?;
        }
        let steps = duration / self.dt;
        let kept = self.recordings.iter().filter(|r| !r.closed && r.window.is_none());
        let bytes: f64 = kept.map(|r| r.bytes_in_memory(steps)).sum();
        room(bytes, span, || format!("recordings of {steps:.0} steps"))?;
        let end = self.clock + duration;
        if let Some(top) = self.frames.last_mut() {
            top.until = Some(end);
        }
        Ok(())
    }

    /// Refuses a run without a step, or with more than can be counted.
    fn countable_time(&self, duration: f64, span: Span) -> Attempt<()> {
        let shown = |t: f64| format_quantity(t, Dim::TIME, lookup("ms").as_ref());
        let message = || format!("a run of {} with dt = {}", shown(duration), shown(self.dt));
        let end = ((self.clock + duration) / self.dt).round();
        if end >= MOST_STEPS {
            let d = Diagnostic::at(Code::E0404, span, message(), "more steps than can be counted");
            return Err(Box::new(d.help("make `dt` larger, or run for less time")));
        }
        if duration > 0.0 && end as u64 <= self.step {
            let d = Diagnostic::at(Code::E0404, span, message(), "not one step");
            return Err(Box::new(d.help("make `dt` smaller, or run for at least one step")));
        }
        Ok(())
    }

    /// Warns of a time that is not a multiple of the step.
    pub(super) fn warn_off_grid(&mut self, time: f64, span: Span, label: &str) {
        let found = off_grid(time, self.dt, span, label);
        let noted = found.map(|d| d.note("steps are counted from the beginning, so that no time is lost"));
        noted.into_iter().for_each(|d| self.out.warnings.push(d));
    }

    /// Lets time pass until the end of a `run`, or until something is planned.
    fn let_time_pass(&mut self, end: f64) -> Attempt<()> {
        let next = self.schedule.first().map(|s| s.time).filter(|t| *t <= end + 1e-9);
        self.advance_in_parts(next.unwrap_or(end))?;
        if next.is_none() {
            if let Some(top) = self.frames.last_mut() {
                top.until = None;
            }
            return Ok(());
        }
        let Scheduled { block, captured, .. } = self.schedule.remove(0);
        let mut before = Vec::new();
        for (id, value) in captured {
            before.push((id, self.locals[id.index()].replace(value)));
        }
        self.enter(block, FrameKind::At(before));
        Ok(())
    }

    /// Advances with a look at the clock for checkpoints every now and then.
    fn advance_in_parts(&mut self, until: f64) -> Attempt<()> {
        let Some(checkpoints) = self.checkpoints else { return self.advance(until) };
        loop {
            let part = (self.clock + PART as f64 * self.dt).min(until);
            self.advance(if part > until - 0.5 * self.dt { until } else { part })?;
            let stop = self.asked_to_stop();
            if stop.is_some() || self.is_due(checkpoints) {
                self.checkpoint(checkpoints.keeper, &checkpoints.belongs)?;
            }
            if let Some(why) = stop {
                return Err(stopped(self.clock, &why));
            }
            if self.clock >= until {
                return Ok(());
            }
        }
    }

    fn advance(&mut self, until: f64) -> Attempt<()> {
        if until > self.clock {
            self.begin_traces()?;
        }
        let clock = std::time::Instant::now();
        // What is asked for is rounded, not each piece of it.
        let target_step = ((until / self.dt).round() as u64).max(self.step);
        let steps = target_step - self.step;
        let result = self.advance_networks(steps);
        self.passed += steps as f64 * self.dt;
        self.out.ran_in += clock.elapsed().as_secs_f64();
        self.step = target_step;
        self.clock = until.max(self.clock);
        let complaint = self.complaint.lock().ok().and_then(|mut c| c.take());
        match complaint {
            Some(d) => Err(d),
            None => result,
        }
    }

    fn advance_networks(&mut self, steps: u64) -> Attempt<()> {
        let begin = self.moment();
        let progress = &self.limits;
        let running = self.live.iter().filter(|l| l.simulation.is_some()).count().max(1);
        let each = self.dt / running as f64;
        let mut passed = begin.simulated;
        for (index, live) in self.live.iter_mut().enumerate() {
            let Some(s) = &mut live.simulation else { continue };
            let (before, work) = (s.step(), s.work());
            let target = before + steps;
            let course = Course { begin: Moment { simulated: passed, ..begin }, step: s.step(), each };
            passed += steps as f64 * each;
            let mut watch = Watch::new(&mut self.recordings, index, course, progress);
            // With checkpoints, a run stops where one can be taken.
            watch.heeds_interrupts = self.checkpoints.is_none();
            let outcome = match s {
                Running::Rates(s) => run_rates(s, target, &mut watch).map_err(|f| (f, None)),
                Running::Events(s) => s.run_until(target, &mut watch).map_err(|f| (f, None)),
                Running::Batched(s) => s.run_until(target, &mut watch),
            };
            self.out.simulated += (s.step() - before) as f64 * self.dt;
            self.out.work.add(work, s.work());
            for r in self.recordings.iter_mut().filter(|r| r.follows(index)) {
                r.span.1 = s.step();
            }
            let written = self.recordings.iter().find_map(|r| r.spool.failed.clone()).map_or(Ok(()), Err);
            if let Err(reason) = self.runner.settings.ranks.agree(written) {
                return Err(unwritten(&reason, s.step() as f64 * self.dt));
            }
            let now = s.step() as f64 * self.dt;
            match outcome {
                Ok(()) => {}
                Err((Failure::Interrupted, _)) => {
                    return Err(stopped(now, &progress.interrupted().unwrap_or_else(stopped_elsewhere)));
                }
                Err(f) => return Err(failure_of(&f, s.network())),
            }
        }
        Ok(())
    }

    /// Feeds the recordings of a network after a step of its own.
    pub(super) fn watch(&mut self, index: usize) {
        let begin = self.moment();
        let Some(s) = &self.live[index].simulation else { return };
        let course = Course { begin, step: s.step(), each: 0.0 };
        let mut watch = Watch::new(&mut self.recordings, index, course, &self.limits);
        match s {
            Running::Rates(s) => watch.sample_rates(s),
            Running::Events(s) => watch.sample(s),
            Running::Batched(_) => {}
        }
        let step = s.step();
        self.recordings.iter_mut().filter(|r| r.follows(index)).for_each(|r| r.span.1 = step);
    }

    /// Returns why the run shall end here, in this process or another.
    fn asked_to_stop(&self) -> Option<String> {
        let here = self.limits.interrupted();
        match self.runner.settings.ranks.any(here.is_some()) {
            true => Some(here.unwrap_or_else(stopped_elsewhere)),
            false => None,
        }
    }

    /// Whether a checkpoint is due; where there are several processes, in any of them.
    fn is_due(&self, checkpoints: &Checkpoints) -> bool {
        self.runner.settings.ranks.any(checkpoints.keeper.is_due())
    }

    /// Stops where the user asks for it, unless a checkpoint can be taken later.
    pub(super) fn heed_interrupt(&self) -> Attempt<()> {
        match self.asked_to_stop().filter(|_| self.is_without_checkpoints()) {
            Some(why) => Err(stopped(self.clock, &why)),
            None => Ok(()),
        }
    }

    /// Keeps a checkpoint between two turns of a loop if one is due, and stops where the user asks for it.
    pub(super) fn between_turns(&mut self) -> Attempt<()> {
        let stop = self.asked_to_stop();
        if let Some(checkpoints) = self.checkpoints
            && (stop.is_some() || self.is_due(checkpoints))
        {
            self.checkpoint(checkpoints.keeper, &checkpoints.belongs)?;
        }
        match stop {
            Some(why) => Err(stopped(self.clock, &why)),
            None => Ok(()),
        }
    }
}

/// Checks a seed.
pub(super) fn whole_seed(seed: f64) -> Result<u64, String> {
    match seed.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&seed) {
        true => Ok(seed as u64),
        false => Err(format!("a seed is a whole number from 0 to 2^53 - 1, not {}", crate::units::format_number(seed))),
    }
}

/// Checks a time step; kernels of single precision see it, too.
pub(super) fn positive_step(dt: f64) -> Result<f64, String> {
    match (f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX)).contains(&dt) {
        true => Ok(dt),
        false => Err("the time step must be positive, from 1.2e-38 to 3.4e38 ms".into()),
    }
}

/// Advances a network without events.
fn run_rates(s: &mut RateNetwork, target: u64, watch: &mut Watch) -> Result<(), Failure> {
    let ranks = s.options().ranks;
    while s.step() < target {
        if ranks.any(watch.interrupted()) {
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
