//! What each statement of an experiment does.

use super::outcome::Progress;
use super::run::{FrameKind, Run, Scheduled, positive_step, turn, whole_seed};
use super::settable::{Settable, in_each_example};
use crate::diag::{Code, Diagnostic};
use crate::elaborate::{another_shuffle, distribution, one_per_channel};
use crate::evaluate::{Attempt, Locals, Scope, Turns, fail, holds};
use crate::hir::experiment::model::{BlockId, Statement, StatementKind};
use crate::hir::network::model::{Distribution, Value as Written};
use crate::hir::typed::{Expr, ExprKind, LocalId};
use crate::hir::{Kind, Op, VarId};
use crate::ir::Precision;
use crate::plan::Column;
use crate::rng::Reader;
use crate::source::Span;
use crate::units::{Dim, format_quantity, lookup};
use crate::value::{Quantity, Value, View};
use std::sync::Arc;

impl Run<'_> {
    pub(super) fn statement(&mut self, s: &Statement) -> Attempt<()> {
        match &s.kind {
            StatementKind::Network { network, name, batch } => self.network(network, name, batch.as_ref()),
            StatementKind::Environment(of) => self.environment(of),
            StatementKind::Act(id, action, args) => self.act(*id, *action, args, s.span),
            StatementKind::Seed(e) => self.set_seed(e),
            StatementKind::Dt(e) => self.set_dt(e),
            StatementKind::Precision(double) => {
                let asked = if *double { Precision::F64 } else { Precision::F32 };
                if self.runner.settings.precision.is_none() && asked != self.precision {
                    self.unheard_precision = (!self.live.is_empty()).then_some(s.span);
                    self.precision = asked;
                }
                Ok(())
            }
            StatementKind::Let(id, value) => self.let_(*id, value),
            StatementKind::LetOver(_, _, over) | StatementKind::Measure(_, _, Some(over)) => self.gather(over),
            StatementKind::Run(e) => {
                let duration = self.number(e)?;
                self.run_for(duration, e.span)
            }
            StatementKind::Step => self.run_for(self.dt, s.span),
            StatementKind::Record { what, every, during, id } => {
                what.iter().try_for_each(|(e, how)| self.record((e, *how), every.as_ref(), during.as_ref(), *id))
            }
            StatementKind::At(time, block, captured) => self.at(time, *block, captured),
            StatementKind::For { variables, range, step, block } => self.for_(variables, range, step.as_ref(), *block),
            StatementKind::Sweep(list, block) => self.sweep(list, *block),
            StatementKind::Repeat { most, block, .. } => {
                let most = self.size(most)?;
                if most > 0 {
                    self.enter(*block, FrameKind::Repeat { most, turn: 0 });
                }
                Ok(())
            }
            StatementKind::If(condition, a, b) => {
                self.start_rates_in(condition)?;
                let chosen = if self.same_truth(condition)? { *a } else { *b };
                self.enter(chosen, FrameKind::Once);
                Ok(())
            }
            StatementKind::Measure(id, e, None) => {
                self.start_rates_in(e)?;
                let q = self.quantity(e)?;
                defined(&q, e.span)?;
                self.keep_measure(*id, q);
                Ok(())
            }
            StatementKind::Window(name, block) => {
                if self.frames.iter().any(|f| matches!(&f.kind, FrameKind::Window(open) if open == name)) {
                    let message = format!("window `{name}` within a window `{name}`");
                    return fail(Code::E0404, s.span, message, "the outer one has not ended");
                }
                self.live.iter_mut().filter_map(|l| l.simulation.as_mut()).for_each(|s| s.begin_window(name));
                self.enter(*block, FrameKind::Window(name.clone()));
                Ok(())
            }
            StatementKind::Settle(steps, change) => self.settle(steps, change.as_ref(), s.span),
            StatementKind::Plot { title, columns, panels } => self.plot(title.as_deref(), columns.as_ref(), panels),
            StatementKind::Expect(e) => self.expect(e),
            StatementKind::Drive(d) => self.drive(d),
            StatementKind::Plasticity(on, what) => self.plasticity(*on, what),
            StatementKind::Signal(name, targets) => {
                if self.stops_here() {
                    Ok(())
                } else {
                    self.signal(name, targets.as_deref(), s.span)
                }
            }
            StatementKind::Save(..) | StatementKind::Load(..) if self.builds_only() => Ok(()),
            StatementKind::Save(net, path) => self.save(net, path),
            StatementKind::Load(net, path) => self.load(net, path, s.span),
            StatementKind::Set(target, op, value) => {
                self.warn_of_replaced_override(target, *op, s.span)?;
                self.set(target, *op, value, s.span)
            }
            StatementKind::Print(what) => self.print(what),
            StatementKind::Reset(what) => self.reset(what),
            StatementKind::Snapshot(..) if self.builds_only() => Ok(()),
            StatementKind::Snapshot(form, of) => self.snapshot(*form, of, s.span),
        }
    }

    fn is_overridden(&self, path: &str) -> bool {
        self.runner.settings.overrides.iter().any(|o| o.path == path)
    }

    fn set_seed(&mut self, e: &Expr) -> Attempt<()> {
        if self.is_overridden("seed") {
            return Ok(());
        }
        match whole_seed(self.number(e)?) {
            Ok(seed) => {
                self.begin_anew(seed);
                Ok(())
            }
            Err(why) => Err(Box::new(Diagnostic::at(Code::E0404, e.span, why, "not a seed").help("write `seed 1`"))),
        }
    }

    /// Lets everything that is drawn follow from a seed as if nothing had been drawn before.
    pub(super) fn begin_anew(&mut self, seed: u64) {
        (self.seed, self.networks_made, self.streams) = (seed, 0, 0);
        self.shuffles.set(0);
    }

    /// Warns of a precision after all networks have begun with another one.
    pub(super) fn warn_of_unheard_precision(&mut self) {
        if let Some(span) = self.unheard_precision {
            let message = "this precision has no effect: no network begins with it";
            let d = Diagnostic::at(Code::W0205, span, message, "too late");
            self.out.warnings.push(d.help("write it before the first `run` of the network"));
        }
    }

    fn set_dt(&mut self, e: &Expr) -> Attempt<()> {
        match positive_step(self.number(e)?) {
            Ok(dt) if !self.is_overridden("dt") => self.dt = dt,
            Ok(_) => {}
            Err(why) => {
                let d = Diagnostic::at(Code::E0404, e.span, why, "not a step");
                return Err(Box::new(d.help("write a part of the fastest time constant: `dt 0.1 ms`")));
            }
        }
        Ok(())
    }

    /// `let x = e`, `let x ~ d`
    fn let_(&mut self, id: LocalId, value: &Written) -> Attempt<()> {
        let value = match value {
            Written::Expr(e) => {
                self.start_rates_in(e)?;
                self.eval(e)?
            }
            Written::Drawn(d) => self.draw(d)?.into(),
        };
        self.set_local(id, value);
        Ok(())
    }

    /// Draws one number from a stream of its own.
    pub(super) fn draw(&mut self, d: &Distribution) -> Attempt<Quantity> {
        for e in &d.args {
            self.start_rates_in(e)?;
        }
        self.draw_among(&self.locals, d)
    }

    /// The same where names have other values.
    pub(super) fn draw_among(&self, locals: &Locals, d: &Distribution) -> Attempt<Quantity> {
        let surface = self.surface();
        let scope = Scope::new(&surface, locals);
        let stream = another_shuffle((self.seed, &self.shuffles));
        let mut reader = stream.reader(0);
        if d.of.name == "categorical" {
            return categorical(&scope, &d.args[0], &mut reader);
        }
        let distribution = distribution(&scope, d, None)?;
        let unit = d.args.iter().find_map(|a| a.ty.unit.clone());
        let dim = d.args.iter().find_map(|a| a.ty.dim).unwrap_or(Dim::ONE);
        match distribution.sample(&mut reader) {
            Some(v) => Ok(Quantity::number(v, dim, unit)),
            None => fail(Code::E0604, d.span, "nothing can be drawn within the bounds", "would be redrawn for ever"),
        }
    }

    fn at(&mut self, time: &Expr, block: BlockId, captured: &[LocalId]) -> Attempt<()> {
        let t = self.number(time)?;
        if t < self.clock - 1e-9 || !t.is_finite() {
            let now = format_quantity(self.clock, Dim::TIME, lookup("ms").as_ref());
            let message = format!("this time has passed: it is {now} now");
            return fail(Code::E0404, time.span, message, "in the past");
        }
        self.warn_off_grid(t, time.span, "happens at the nearest step");
        let value = |id: &LocalId| self.locals[id.as_u32() as usize].clone().map(|v| (*id, v));
        let captured = captured.iter().filter_map(value).collect();
        let place = self.schedule.partition_point(|s| s.time <= t);
        self.schedule.insert(place, Scheduled { time: t, block, captured });
        Ok(())
    }

    /// Warns of what was to happen at times that nothing has come to.
    pub(super) fn warn_of_what_never_came(&mut self) {
        let all = self.experiment.blocks.iter().flatten();
        let planned = all.filter_map(|s| match &s.kind {
            StatementKind::At(time, block, _) => Some((*block, time.span)),
            _ => None,
        });
        let planned: Vec<(BlockId, Span)> = planned.collect();
        for s in &self.schedule {
            let Some((_, span)) = planned.iter().find(|(block, _)| *block == s.block) else { continue };
            let shown = |t: f64| format_quantity(t, Dim::TIME, lookup("ms").as_ref());
            let message = format!("this never happens: time ends at {}", shown(self.clock));
            let d = Diagnostic::at(Code::W0205, *span, message, format!("{} is later", shown(s.time)));
            self.out.warnings.push(d.help("run for longer, or let it happen earlier"));
        }
    }

    fn for_(&mut self, variables: &[LocalId], range: &Expr, step: Option<&Expr>, block: BlockId) -> Attempt<()> {
        self.start_rates_in(range)?;
        let over = self.eval(range)?;
        if let Value::Examples(set, order) = over {
            return self.for_examples(variables, (set, order), block, range.span);
        }
        let turns = self.with(|s| Turns::over(s, over, range, step))?;
        self.enter_loop(variables.to_vec(), vec![turns], block, false)
    }

    fn sweep(&mut self, list: &[(LocalId, Expr)], block: BlockId) -> Attempt<()> {
        let mut turns = Vec::new();
        for (_, range) in list {
            self.start_rates_in(range)?;
            let over = self.eval(range)?;
            turns.push(self.with(|s| Turns::over(s, over, range, None))?);
        }
        self.enter_loop(list.iter().map(|(id, _)| *id).collect(), turns, block, true)
    }

    fn enter_loop(&mut self, variables: Vec<LocalId>, of: Vec<Turns>, block: BlockId, sweep: bool) -> Attempt<()> {
        let Some(first) = turn(&of, 0) else { return Ok(()) };
        self.begin_turn(&variables, first, sweep)?;
        self.enter(block, FrameKind::Loop { variables, of, turn: 0, sweep });
        Ok(())
    }

    /// Adds a value to a measure.
    pub(super) fn keep_measure(&mut self, id: LocalId, q: Quantity) {
        let q = if q.rows.is_some() { q.flattened() } else { q };
        let name = &self.experiment.locals[id].name;
        let list = self.out.measures.entry(name.clone()).or_default();
        list.push(q.clone());
        self.limits.measure(name, list);
        let first = list.len() == 1;
        let place = &mut self.locals[id.as_u32() as usize];
        if let (false, Some(Value::Quantity(series))) = (first, place.as_mut()) {
            // Nobody else has the series, as a rule: then it grows in its place.
            Arc::make_mut(&mut series.data).extend_from_slice(&q.data);
            series.shape = vec![series.data.len()];
            return;
        }
        *place = Some(q.into());
    }

    /// Whether a condition holds, which must not differ between examples.
    fn same_truth(&self, e: &Expr) -> Attempt<bool> {
        match &e.kind {
            ExprKind::Not(a) => return Ok(!self.same_truth(a)?),
            ExprKind::Binary(Op::And, a, b) => return Ok(self.same_truth(a)? && self.same_truth(b)?),
            ExprKind::Binary(Op::Or, a, b) => return Ok(self.same_truth(a)? || self.same_truth(b)?),
            _ => {}
        }
        let value = self.eval(e)?;
        if let Value::Quantity(q) = &value
            && q.rows.is_some_and(|rows| rows > 1)
            && q.data.iter().any(|x| (*x != 0.0) != (q.data[0] != 0.0))
        {
            let d = Diagnostic::at(Code::E0403, e.span, "this holds for some examples and not for others", "differs");
            return Err(Box::new(d.help("say for which: `if max(x) > 0 { … }`, or compute with it: `y * (x > 0)`")));
        }
        holds(&value, e.span)
    }

    /// `print`: a line for the log.
    fn print(&mut self, what: &[Expr]) -> Attempt<()> {
        let mut line = Vec::new();
        for e in what {
            self.start_rates_in(e)?;
            line.push(match self.eval(e)? {
                Value::Text(t) => t.to_string(),
                Value::Bool(b) => b.to_string(),
                Value::Quantity(q) => {
                    defined(&q, e.span)?;
                    q.to_string()
                }
                other => other.kind().to_string(),
            });
        }
        let line = line.join(" ");
        self.limits.line(&line);
        self.out.log.push(line);
        Ok(())
    }

    /// `reset net.pop`: states as they were before the first step.
    pub(super) fn reset(&mut self, what: &Expr) -> Attempt<()> {
        if let (ExprKind::Local(id), Kind::Environment(_)) = (&what.kind, &what.ty.kind) {
            return self.reset_environment(*id, what.span);
        }
        let (network, cells) = match self.eval(what)? {
            Value::Population(p) => (p.network, p.cells.runs().into_iter().map(|(_, run)| run).collect()),
            Value::Network(instance) => {
                let populations = self.live[instance.network].network().populations.iter().enumerate();
                let views = populations.map(|(population, p)| View { population, start: 0, n: p.n });
                (instance.network, views.collect::<Vec<View>>())
            }
            other => return fail(Code::E0401, what.span, format!("{} cannot be reset", other.kind()), "not cells"),
        };
        for view in &cells {
            let population = &self.live[network].network().populations[view.population];
            for id in population.init.keys() {
                one_per_channel(population, *id, &(*view).into(), Column::Const(0.0), (false, what.span))?;
            }
        }
        let Some(s) = &mut self.live[network].simulation else { return Ok(()) };
        in_each_example(s, |s| {
            cells.iter().for_each(|view| reset_states(s, *view));
            Ok(())
        })
    }
}

/// An index with a probability proportional to its weight; for each example, if there are several.
fn categorical(scope: &Scope, e: &Expr, reader: &mut Reader) -> Attempt<Quantity> {
    let q = scope.quantity(e)?;
    let mut drawn = Vec::new();
    for weights in q.examples() {
        let sum: f64 = weights.iter().sum();
        if weights.iter().any(|w| *w < 0.0 || !w.is_finite()) || sum <= 0.0 {
            let message = "weights of a draw are not negative, and not all zero";
            return fail(Code::E0404, e.span, message, "cannot be drawn from");
        }
        let mut left = reader.uniform() * sum;
        let chosen = weights.iter().position(|w| {
            left -= w;
            left < 0.0
        });
        // Rounding may leave a rest behind the last weight that is not zero.
        let last = weights.iter().rposition(|w| *w > 0.0);
        drawn.push(chosen.or(last).unwrap_or_default() as f64);
    }
    Ok(Quantity { data: drawn.into(), rows: q.rows, ..Quantity::pure(0.0) })
}

/// Puts the states of some cells back to their initial values; they have had no events.
fn reset_states(s: &mut dyn Settable, View { population: index, start, n }: View) {
    let population = &*s.population(index);
    let mut states: Vec<(VarId, Option<usize>, Column)> = Vec::new();
    // What happened in the last steps is forgotten too.
    let remembered = population.model.memories.iter().flat_map(|m| &m.states);
    for id in population.init.keys().chain(remembered) {
        let cable = population.model.vars[*id].cable.filter(|c| *c < population.model.cables.len());
        let segments = cable.map_or(1, |c| population.segments(c));
        for segment in 0..segments {
            let values = (start..start + n).map(|cell| population.initial(*id, cell, segment)).collect();
            states.push((*id, (segments > 1).then_some(segment), Column::Array(Arc::new(values))));
        }
    }
    for (id, segment, values) in states {
        s.set_state(index, id, start..start + n, segment, &values);
    }
    s.forget_events(index, start..start + n);
}

/// Refuses to measure what is no number.
pub(super) fn defined(q: &Quantity, span: Span) -> Attempt<()> {
    let Some(k) = q.data.iter().position(|x| x.is_nan()) else { return Ok(()) };
    let which = if q.data.len() == 1 { "this".to_string() } else { format!("element {k} of this") };
    let d = Diagnostic::at(Code::E0404, span, format!("{which} has no value: it is not a number"), "undefined");
    Err(Box::new(d.help("0 / 0, inf - inf, and the root or logarithm of a negative number have no value")))
}
