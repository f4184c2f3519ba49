//! Drives: events of random processes, and given spikes.

use super::projection::off_grid;
use super::values::column;
use super::{Elaborator, Locals};
use crate::diag::{Code, Diagnostic};
use crate::evaluate::{Attempt, LaneProgram, Scope, fail, flawed};
use crate::hir::VarId;
use crate::hir::network::model::{self, Process, Sends, Value};
use crate::hir::typed::Expr;
use crate::plan::{Column, Drive, DriveKind, MOST_STEPS, Placed, most_expected};
use crate::rng::Stream;
use crate::units::{Dim, format_number, format_quantity, lookup};
use crate::value::{Cells, Value as Evaluated, extent};
use std::sync::Arc;

/// A spike: its time, its cell (or all), and the place among those that are written.
struct Spike {
    time: f64,
    cell: Option<u32>,
    place: usize,
}

impl Elaborator<'_> {
    /// Adds a drive of names in scope.
    pub fn drive(&mut self, d: &model::Drive, locals: &Locals) -> Attempt<()> {
        if let Some(e) = &d.delay {
            let delay = self.scope(locals).number(e)?;
            self.warnings.extend(off_grid(delay, self.around.dt, e.span, "rounded to whole steps"));
        }
        for (cells, port) in &d.targets {
            let cells = self.scope(locals).cells(cells)?.cells;
            let (segments, shape) = self.sites_of_drive(&self.scope(locals), d, (&cells, *port))?;
            for segment in segments {
                let stream = self.streams.another();
                let drive = match &d.sends {
                    Sends::Random(process, rate) => {
                        let kind = self.random(*process, rate, &cells, &stream, locals)?;
                        let weight = self.event_weight(d, &cells, &stream, locals)?;
                        Drive { post: cells.cover(), port: *port, segment, shape: shape.clone(), kind, weight }
                    }
                    Sends::Spikes(e) => self.spikes(d, e, (&cells, *port, segment, &shape), &stream, locals)?,
                };
                self.plan.drives.push(drive);
            }
        }
        Ok(())
    }

    fn event_weight(&self, d: &model::Drive, cells: &Cells, stream: &Stream, locals: &Locals) -> Attempt<Column> {
        let Some(v) = &d.weight else { return Ok(Column::Const(1.0)) };
        let each = column(&self.scope(locals), v, (cells.len(), "cell"), Some(stream), self.around.backend)?;
        Ok(match each {
            Column::Const(_) => each,
            each => spread(each, cells),
        })
    }

    fn random(
        &mut self,
        process: Process,
        e: &Expr,
        cells: &Cells,
        stream: &Stream,
        locals: &Locals,
    ) -> Attempt<DriveKind> {
        let (dt, n) = (self.around.dt, cells.len());
        if e.is_timed() {
            let scope = self.scope(locals);
            let program = LaneProgram::new(&scope, e, Some((n, "cell")))?;
            // A rate that has no value at the beginning has none at all.
            let lanes = if program.is_shared() { 1 } else { n };
            let first = program.compile(crate::codegen::Backend::Interpreter).cells(lanes, 0.0)?;
            if first.iter().any(|r| *r < 0.0) {
                return fail(Code::E0404, e.span, "a rate cannot be negative", "negative at the beginning");
            }
            self.rates.push(if cells.view().is_some() { program } else { program.spread(&cells.places()) });
            return Ok(DriveKind::RandomOf(process, self.rates.len() - 1));
        }
        let rate =
            column(&self.scope(locals), &Value::Expr(e.clone()), (n, "cell"), Some(stream), self.around.backend)?;
        for i in 0..if matches!(rate, Column::Const(_)) { 1 } else { n } {
            let r = rate.at(i);
            if r < 0.0 || !r.is_finite() {
                let shown = format_quantity(r, Dim::RATE, lookup("Hz").as_ref());
                return fail(Code::E0404, e.span, format!("a rate of {shown}"), "must be finite and not negative");
            }
            if r * dt > most_expected(process) * (1.0 + 1e-9) {
                let label = format!("{} events per step", format_number(r * dt));
                return fail(Code::E0404, e.span, too_many(process), label);
            }
        }
        Ok(DriveKind::Random(process, spread(rate, cells)))
    }

    /// Spikes at given times, or rows of a table with columns `time` (in ms) and `cell`, and maybe `weight`.
    fn spikes(
        &self,
        d: &model::Drive,
        e: &Expr,
        (cells, port, segment, shape): (&Cells, VarId, usize, &Placed),
        stream: &Stream,
        locals: &Locals,
    ) -> Attempt<Drive> {
        let scope = self.scope(locals);
        let dt = self.around.dt;
        let delay = d.delay.as_ref().map(|e| scope.number(e)).transpose()?.unwrap_or(dt);
        let delay_span = d.delay.as_ref().map_or(d.span, |e| e.span);
        if !(delay >= 0.0 && delay.is_finite()) {
            let shown = format_quantity(delay, Dim::TIME, lookup("ms").as_ref());
            return fail(Code::E0601, delay_span, format!("a delay of {shown}"), "must be finite and not negative");
        }
        let n = cells.len();
        let (mut spikes, weights_of_table) = spike_list(&scope, e, n)?;
        let places = spikes.len();
        // One weight for each spike where the list says so; else one for all, or one for each cell.
        let (relative, weight) = match &d.weight {
            None => (weights_of_table.unwrap_or(vec![1.0; places]), Column::Const(1.0)),
            Some(v) => {
                let of_spikes = self.weights_of_spikes(&scope, v, places, n)?;
                let relative = weights_of_table.unwrap_or(vec![1.0; places]);
                match of_spikes {
                    Some(own) => (own.iter().zip(&relative).map(|(a, b)| a * b).collect(), Column::Const(1.0)),
                    None => (relative, column(&scope, v, (n, "cell"), Some(stream), self.around.backend)?),
                }
            }
        };
        // Nothing arrives before the end of the first step.
        if let Some(early) = spikes.iter().find(|s| (s.time / dt).round() + (delay / dt).round() < 1.0) {
            let shown = |t: f64| format_quantity(t, Dim::TIME, lookup("ms").as_ref());
            let message = format!("a spike at {} with a delay of {}", shown(early.time), shown(delay));
            let d = Diagnostic::at(Code::E0601, delay_span, message, "would arrive before the first step has ended");
            return Err(Box::new(d.help("leave the delay out, so that it is `dt`, or send the spike later")));
        }
        if let Some(late) = spikes.iter().find(|s| (s.time + delay) / dt >= MOST_STEPS) {
            let shown = |t: f64| format_quantity(t, Dim::TIME, lookup("ms").as_ref());
            let message = format!("a spike at {} with a step of {}", shown(late.time), shown(dt));
            let d = Diagnostic::at(Code::E0404, e.span, message, "after more steps than can be counted");
            return Err(Box::new(d.help("send it earlier, or make `dt` larger")));
        }
        spikes.sort_by(|a, b| a.time.total_cmp(&b.time));
        // An input spike at time t acts at the end of the step that ends at t + delay.
        let step = |t: f64| ((t / dt).round() + (delay / dt).round()) as u64 - 1;
        let post = cells.cover();
        let sent = |s: &Spike, cell: Option<u32>| (step(s.time), cell, relative[s.place]);
        let cell = |k: usize| Some((cells.at(k) - post.start) as u32);
        let list = match cells.view() {
            Some(_) => spikes.iter().map(|s| sent(s, s.cell)).collect(),
            // What all cells get is sent to each of those that are chosen.
            None => {
                let to = |s: &Spike| s.cell.map_or(0..n, |k| k as usize..k as usize + 1);
                spikes.iter().flat_map(|s| to(s).map(move |k| sent(s, cell(k)))).collect()
            }
        };
        Ok(Drive {
            post,
            port,
            segment,
            shape: shape.clone(),
            kind: DriveKind::Spikes(Arc::new(list)),
            weight: spread(weight, cells),
        })
    }

    /// A list of weights belongs to the spikes, one each; none if it is for the cells.
    fn weights_of_spikes(&self, scope: &Scope, v: &Value, spikes: usize, cells: usize) -> Attempt<Option<Vec<f64>>> {
        let Value::Expr(e) = v else { return Ok(None) };
        if e.is_per_cell() {
            return Ok(None);
        }
        let q = scope.quantity(e)?;
        if q.is_single() {
            return Ok(None);
        }
        if q.data.len() == spikes {
            return Ok(Some(q.data.to_vec()));
        }
        let message = format!("{} weights for {spikes} spikes", q.data.len());
        let d = Diagnostic::at(Code::E0403, e.span, message, "a list has one weight for each spike");
        let help = if q.data.len() == cells {
            "for one weight per cell write an expression of `i`: `weight w[i]`"
        } else {
            "give one for each, or one for all"
        };
        Err(Box::new(d.help(help)))
    }
}

/// Values of cells as values of the least range that has them all: 0 for the others.
fn spread(values: Column, cells: &Cells) -> Column {
    if cells.view().is_some() {
        return values;
    }
    let of = |k: &Option<u32>| k.map_or(0.0, |k| values.at(k as usize));
    Column::Array(Arc::new(cells.places().iter().map(of).collect()))
}

/// Times and cells as they are written; weights, if a table gives them.
fn spike_list(scope: &Scope, e: &Expr, cells: usize) -> Attempt<(Vec<Spike>, Option<Vec<f64>>)> {
    let (times, of_cells, weights, table) = match scope.eval(e)? {
        Evaluated::Table(t) => {
            let column = |n: &str| match t.numbers(n, None) {
                Ok(v) => Ok(v),
                Err(flaw) => Err(flawed(flaw, e.span, "this table is not a spike list")),
            };
            let weights = if t.has("weight") { Some(column("weight")?) } else { None };
            (column("time")?, Some(column("cell")?), weights, Some(t.clone()))
        }
        other => {
            let q = scope.as_quantity(other, e.span)?;
            if q.shape.len() > 1 {
                let d = Diagnostic::at(Code::E0403, e.span, "spikes are one list of times", extent(&q.shape));
                return Err(Box::new(d.note("all cells of the target get each of them").help(
                    "write a `drive` for each cell, `drive net.exc[0].port { spikes [1 ms, 2 ms] }`, or give a table with columns `time` and `cell`",
                )));
            }
            (q.data.to_vec(), None, None, None)
        }
    };
    let mut spikes = Vec::with_capacity(times.len());
    for (place, time) in times.into_iter().enumerate() {
        let line = |what: String| match &table {
            Some(t) => format!("{}: {what}", t.place(place)),
            None => what,
        };
        if !time.is_finite() || time < 0.0 {
            let shown = format_quantity(time, Dim::TIME, lookup("ms").as_ref());
            let d = Diagnostic::at(Code::E0404, e.span, line(format!("a spike at {shown}")), "cannot be sent");
            return Err(Box::new(d.help("times count from the beginning of the run")));
        }
        let cell = match of_cells.as_ref().map(|c| c[place]) {
            None => None,
            Some(c) if c.fract() == 0.0 && c >= 0.0 && c < cells as f64 => Some(c as u32),
            Some(c) => {
                let message = line(format!("cell {c} of a population of {cells}"));
                return fail(Code::E0609, e.span, message, "no such cell");
            }
        };
        spikes.push(Spike { time, cell, place });
    }
    Ok((spikes, weights))
}

/// What is wrong with too high a rate.
pub fn too_many(process: Process) -> &'static str {
    match process {
        Process::Poisson => "a Poisson process sends a cell at most a million events per step, on the average",
        Process::Bernoulli => "a Bernoulli process sends at most one event per step",
    }
}
