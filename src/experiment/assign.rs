//! Assignments of an experiment to states, parameters and ports of cells, and to its own variables.

use super::checks::{lost, too_large};
use super::live::uneven;
use super::live::{PortFunction, is_per_example};
use super::run::Run;
use super::settable::{Settable, in_each_example};
use crate::codegen::Backend;
use crate::diag::{Code, Diagnostic};
use crate::elaborate::{
    cells_within_bounds, column, follow, one_per_channel, possible_events, rows_within_bounds, segment_exists,
};
use crate::evaluate::{Attempt, LaneProgram, combine, fail, one_for_examples};
use crate::hir::experiment::model::Target;
use crate::hir::network::model::{Distribution, Value as Written};
use crate::hir::typed::{Expr, LocalId};
use crate::hir::{Op, VarId, VarKind};
use crate::plan::{Column, Population};
use crate::rng::Stream;
use crate::runtime::{Rows, Running};
use crate::source::Span;
use crate::value::{PopulationRef, Quantity, Value, extent};
use std::sync::Arc;

/// A variable of cells, to be changed.
#[derive(Clone)]
pub(super) struct Variable {
    pub of: PopulationRef,
    pub id: VarId,
    pub segment: Option<usize>,
}

/// The stream of the n-th assignment or signal that draws.
pub(super) fn stream_of(seed: u64, n: u32) -> Stream {
    Stream::new(seed, 0xc000_0000 + n)
}

impl Run<'_> {
    pub(super) fn set(&mut self, target: &Target, op: Option<Op>, value: &Written, span: Span) -> Attempt<()> {
        if let Written::Expr(e) = value {
            self.start_rates_in(e)?;
        }
        match target {
            Target::Local(id, index) => self.set_variable(*id, index, op, value, span),
            Target::Environment(id, state, index) => self.set_in_environment((*id, *state, index), op, value, span),
            Target::Synapses { of, name, index } => self.set_synapses((of, name, index.as_ref()), op, value, span),
            Target::Cells { of, id, segment } => {
                let at = segment.as_ref().map(|s| self.size(s)).transpose()?;
                let variable = Variable { of: self.cells(of)?, id: *id, segment: at };
                let (of, place) = (&variable.of, segment.as_ref().map_or(span, |s| s.span));
                segment_exists(
                    &self.live[of.network].network().populations[of.cells.population],
                    &of.cells,
                    *id,
                    at,
                    place,
                )?;
                self.set_cells(variable, op, value, span)
            }
        }
    }

    /// Another random stream for an assignment.
    pub(super) fn assignment_stream(&mut self) -> Stream {
        self.streams += 1;
        stream_of(self.seed, self.streams)
    }

    /// `x = e`, `x += e`, `x[3] = e` of a variable of the experiment.
    fn set_variable(
        &mut self,
        id: LocalId,
        index: &[Expr],
        op: Option<Op>,
        value: &Written,
        span: Span,
    ) -> Attempt<()> {
        let place = id.as_u32() as usize;
        let new = match value {
            Written::Expr(e) => self.eval(e)?,
            Written::Drawn(d) => match &self.locals[place] {
                Some(Value::Quantity(old)) if old.rows.is_none() && !old.is_scalar() => {
                    let mut like = old.clone();
                    if !index.is_empty() {
                        like.shape = vec![self.with(|s| s.places(&like, index, span))?.len()];
                    }
                    self.draw_each(d, like)?.into()
                }
                _ => self.draw(d)?.into(),
            },
        };
        let new = match (&self.locals[place], new) {
            (_, new) if op.is_none() && index.is_empty() => new,
            (Some(Value::Quantity(old)), Value::Quantity(new)) => {
                let places = self.with(|s| s.places(old, index, span))?;
                let Some(Value::Quantity(old)) = self.locals[place].take() else { return Ok(()) };
                assigned(old, (&places, index), op, new, span)?.into()
            }
            _ => return fail(Code::E0401, span, "only numbers can be added to", "not a number"),
        };
        self.locals[place] = Some(new);
        Ok(())
    }

    /// A draw for each element of what has the shape and the unit of another value.
    fn draw_each(&mut self, d: &Distribution, like: Quantity) -> Attempt<Quantity> {
        let one = |q: Quantity| one_for_examples(&q, d.span).map(|()| q.data[0]);
        let n = like.shape.iter().product();
        let drawn = (0..n).map(|_| self.draw(d).and_then(one)).collect::<Attempt<Vec<f64>>>()?;
        Ok(Quantity { data: drawn.into(), ..like })
    }

    /// What is written, as numbers.
    pub(super) fn written(&mut self, value: &Written) -> Attempt<Quantity> {
        match value {
            Written::Expr(e) => self.quantity(e),
            Written::Drawn(d) => self.draw(d),
        }
    }

    fn population(&self, p: &PopulationRef) -> &Population {
        &self.live[p.network].network().populations[p.cells.population]
    }

    fn set_cells(&mut self, v: Variable, op: Option<Op>, value: &Written, span: Span) -> Attempt<()> {
        let kind = self.population(&v.of).model.vars[v.id].kind.clone();
        if let Written::Expr(e) = value
            && e.is_timed()
        {
            return self.set_function(v, e);
        }
        if op.is_some() {
            self.refuse_changing_functions(&v, span)?;
        }
        if matches!(kind, VarKind::State(_)) && v.segment.is_none() && self.set_along(&v, op, value, span)? {
            return Ok(());
        }
        if matches!(kind, VarKind::State(_) | VarKind::AnalogPort(_)) {
            let several = self.live[v.of.network].network().batch.is_some();
            if several {
                self.start_rates(v.of.network)?;
            }
            if several || self.live[v.of.network].rates().is_some() {
                return self.set_rows(v, op, value, span);
            }
        }
        let stream = self.assignment_stream();
        let (n, backend) = (v.of.cells.len(), self.runner.settings.backend);
        let mut new = self.with(|s| column(s, value, (n, "cell"), Some(&stream), backend))?;
        if let Some(op) = op {
            let live = &self.live[v.of.network];
            let segment = live.segment(&v.of.cells, v.id, v.segment, span)?;
            let old = live.values(&v.of.cells, v.id, segment, span)?;
            let by = Quantity { dim: old.dim, ..Quantity::array((0..n).map(|k| new.at(k)).collect(), old.dim, None) };
            let old = Quantity { shape: by.shape.clone(), ..old };
            let combined = combine(op, &old, &by, span)?;
            new = Column::Array(combined.data);
        }
        let drawn = (op.is_none() && matches!(value, Written::Drawn(_)), value.span());
        let new = one_per_channel(self.population(&v.of), v.id, &v.of.cells, new, drawn)?;
        possible_events(self.population(&v.of), v.id, &v.of.cells, &new, (self.dt, value.span()))?;
        self.store(v, &new, value.span())
    }

    /// Assigns to a state of a cable where each segment has a value of its own: one is given for each, or all are changed. Returns whether
    /// that is so.
    fn set_along(&mut self, v: &Variable, op: Option<Op>, value: &Written, span: Span) -> Attempt<bool> {
        let population = self.population(&v.of);
        let n = population.model.vars[v.id].cable.map_or(Some(1), |cable| population.segments_in(cable, &v.of.cells));
        if n == Some(1) {
            return Ok(false);
        }
        let cells = v.of.cells.len();
        let given = match value {
            Written::Expr(e) if !e.is_per_cell() => Some(self.quantity(e)?),
            _ => None,
        };
        let Some(n) = n else {
            let one_for_each =
                given.as_ref().is_none_or(|q| q.rows.is_none() && (q.width() == 1 || q.shape == [cells]));
            return if op.is_none() && one_for_each { Ok(false) } else { uneven(self.population(&v.of), v.id, span) };
        };
        let is_along = |q: &Quantity| q.rows.is_none() && (q.shape == [cells, n] || cells == 1 && q.shape == [n]);
        if let Some(q) =
            given.as_ref().filter(|q| !is_along(q) && q.rows.is_none() && q.width() != 1 && q.width() != cells)
        {
            let message = format!("{} for {cells} cells of {n} segments", extent(&q.shape));
            let d = Diagnostic::at(Code::E0403, value.span(), message, "neither one per cell nor one per segment");
            let help = format!("give one value for all, one for each cell, or for each cell a row of {n}");
            return Err(Box::new(d.help(help)));
        }
        let new = match given.filter(is_along) {
            Some(q) => q.data,
            None if op.is_none() => return Ok(false),
            None => {
                let stream = self.assignment_stream();
                let backend = self.runner.settings.backend;
                let each = self.with(|s| column(s, value, (cells, "cell"), Some(&stream), backend))?;
                Arc::new((0..cells).flat_map(|k| std::iter::repeat_n(each.at(k), n)).collect())
            }
        };
        let values = match op {
            None => new,
            Some(op) => {
                let old = self.live[v.of.network].values_along(&v.of.cells, v.id, None, span)?;
                if old.rows.is_some() {
                    return Err(Box::new(crate::diag::unsupported(span, "changing all segments in several examples")));
                }
                let by = Quantity { data: new, ..old.clone() };
                combine(op, &old, &by, span)?.data
            }
        };
        if values.iter().any(|v| v.is_nan()) {
            return fail(Code::E0404, span, "one of these values is not a number", "has no value");
        }
        for segment in 0..n {
            let column = Column::Array(Arc::new((0..cells).map(|k| values[k * n + segment]).collect()));
            self.store(Variable { segment: Some(segment), ..v.clone() }, &column, value.span())?;
        }
        Ok(true)
    }

    /// Lets a port of some cells follow a function of time.
    fn set_function(&mut self, v: Variable, e: &Expr) -> Attempt<()> {
        let cells = v.of.cells.clone();
        let program = self.with(|s| LaneProgram::new(s, e, Some((cells.len(), "cell"))))?;
        if self.live[v.of.network].network().batch.is_some() {
            self.start_rates(v.of.network)?;
        }
        let live = &self.live[v.of.network];
        if live.rates().is_none() {
            // What it is now can be read before a step has been taken. For one moment no code is made; every back end has the same bits.
            let t = live.simulation.as_ref().map_or(0.0, Running::time);
            let values = program.compile(Backend::Interpreter);
            let now = match program.is_shared() {
                true => Column::Const(values.at_time(t)?),
                false => Column::Array(Arc::new(values.cells(cells.len(), t)?)),
            };
            self.store(v.clone(), &now, e.span)?;
        }
        self.forget_functions(&v);
        let population = cells.population;
        self.live[v.of.network].functions.push(PortFunction { cells, port: v.id, of: program });
        self.follow(v.of.network, population, v.id);
        Ok(())
    }

    /// Refuses `+=` and its kin where cells follow a function of time, of which there is no value to go on from.
    fn refuse_changing_functions(&self, v: &Variable, span: Span) -> Attempt<()> {
        let live = &self.live[v.of.network];
        if !live.functions.iter().any(|f| f.port == v.id && f.cells.overlap(&v.of.cells)) {
            return Ok(());
        }
        let name = &self.population(&v.of).model.vars[v.id].name;
        let message = format!("`{name}` follows a function of time");
        let d = Diagnostic::at(Code::E0207, span, message, "has no one value to go on from");
        Err(Box::new(d.help(format!("assign the whole function: `… .{name} = …` with `t` in it"))))
    }

    /// What is assigned follows time no longer. Functions that other cells go on to follow stay, and later ones come after them.
    fn forget_functions(&mut self, v: &Variable) {
        let live = &mut self.live[v.of.network];
        live.functions.retain(|f| f.port != v.id || !f.cells.within(&v.of.cells));
    }

    /// Where other cells of functions of time go on to follow them, constants are functions that come after.
    fn hold_among_functions(&mut self, v: &Variable, value: impl Fn(usize) -> f64, span: Span) {
        let cells = &v.of.cells;
        let live = &mut self.live[v.of.network];
        if live.functions.iter().any(|f| f.port == v.id && f.cells.overlap(cells)) {
            let of = LaneProgram::constant((0..cells.len()).map(value).collect(), span);
            live.functions.push(PortFunction { cells: cells.clone(), port: v.id, of });
        }
    }

    /// Replaces states or inputs of a network without events, with a row for each example or one for all.
    fn set_rows(&mut self, v: Variable, op: Option<Op>, value: &Written, span: Span) -> Attempt<()> {
        let (p, id) = (&v.of, v.id);
        self.forget_functions(&v);
        let live = &self.live[p.network];
        let examples = is_per_example(live.network(), p.cells.population, id);
        let active = live.simulation.as_ref().map_or(1, Running::active);
        let mut new = self.rows_of(value, p.cells.len(), examples.then_some(active))?;
        if let Some(op) = op {
            let segment = self.live[p.network].segment(&p.cells, id, v.segment, span)?;
            let old = self.live[p.network].values(&p.cells, id, segment, span)?;
            new = combine(op, &old, &new, span)?;
        }
        let width = new.width();
        if !new.is_scalar() && width != p.cells.len() {
            let message = format!("{width} values for {} cells", p.cells.len());
            return fail(Code::E0403, span, message, "one value per cell is needed");
        }
        if new.rows.is_some_and(|r| r != active) {
            let message = format!("{} examples for a batch of {active}", new.rows.unwrap_or(1));
            return fail(Code::E0403, span, message, "one row per example is needed");
        }
        if new.data.iter().any(|v| v.is_nan()) {
            return fail(Code::E0404, span, "one of these values is not a number", "has no value");
        }
        let rows = new.rows.unwrap_or(1);
        let values: Vec<f64> = if new.is_scalar() && p.cells.len() > 1 {
            new.data.iter().flat_map(|v| std::iter::repeat_n(*v, p.cells.len())).collect()
        } else {
            Arc::try_unwrap(new.data).unwrap_or_else(|shared| shared.to_vec())
        };
        let values = if rows == 1 && values.len() == p.cells.len() {
            let drawn = (op.is_none() && matches!(value, Written::Drawn(_)), span);
            let column = Column::Array(Arc::new(values));
            let column = one_per_channel(self.population(p), id, &p.cells, column, drawn)?;
            (0..p.cells.len()).map(|i| column.at(i)).collect()
        } else {
            values
        };
        rows_within_bounds(self.population(p), id, &p.cells, &values, span)?;
        if rows == 1 && new.rows.is_none() {
            return self.store(v, &Column::Array(Arc::new(values)), span);
        }
        if rows == 1 {
            self.hold_among_functions(&v, |k| values[if values.len() == 1 { 0 } else { k }], span);
        } else if self.live[p.network].functions.iter().any(|f| f.port == id && f.cells.overlap(&p.cells)) {
            let what = "a value for each example where other cells follow a function of time";
            return Err(Box::new(crate::diag::unsupported(span, what)));
        }
        if let Some(Running::Batched(s)) = &mut self.live[p.network].simulation {
            let (mut rows, mut followed) = (values.chunks(p.cells.len().max(1)), Vec::new());
            let dt = self.dt;
            s.try_each(|s| -> Attempt<()> {
                let Some(row) = rows.next() else { return Ok(()) };
                followed = keep(s, &v, &Column::Array(Arc::new(row.to_vec())), dt, span)?;
                Ok(())
            })?;
            followed.into_iter().for_each(|port| self.follow(p.network, p.cells.population, port));
            return Ok(());
        }
        if let Some(s) = self.live[p.network].simulation.as_mut().and_then(Running::rates_mut) {
            for (first, run) in p.cells.runs() {
                let mut part = Vec::with_capacity(rows * run.n);
                for row in values.chunks(values.len() / rows) {
                    part.extend_from_slice(if row.len() == 1 { row } else { &row[first..first + run.n] });
                }
                if !s.set(run.population, id, run.range(), &Rows { rows, values: part }) {
                    let message = "all examples share this state, so it cannot have a value for each";
                    return fail(Code::E0403, span, message, "kept per cell");
                }
            }
        }
        self.follow(p.network, p.cells.population, id);
        Ok(())
    }

    /// Evaluates what is assigned to cells of a network without events; what is drawn is drawn for each example.
    fn rows_of(&mut self, value: &Written, cells: usize, rows: Option<usize>) -> Attempt<Quantity> {
        let n = match value {
            Written::Expr(e) if !e.is_per_cell() => return self.quantity(e),
            Written::Expr(_) => cells,
            Written::Drawn(_) => cells * rows.unwrap_or(1),
        };
        let stream = self.assignment_stream();
        let backend = self.runner.settings.backend;
        let column = self.with(|s| column(s, value, (n, "cell"), Some(&stream), backend))?;
        let data = (0..n).map(|i| column.at(i)).collect();
        let shape = if cells == 1 { Vec::new() } else { vec![cells] };
        let rows = rows.filter(|_| matches!(value, Written::Drawn(_)));
        Ok(Quantity { rows, shape, ..Quantity::array(data, crate::units::Dim::ONE, None) })
    }

    /// Puts values into the plan or the running network; what follows from them follows.
    pub(super) fn store(&mut self, v: Variable, value: &Column, span: Span) -> Attempt<()> {
        let (p, id) = (&v.of, v.id);
        cells_within_bounds(self.population(p), id, &p.cells, value, span)?;
        if let (Some((k, lost)), true) = (lost(value, self.precision), self.live[p.network].simulation.is_some()) {
            let var = &self.population(p).model.vars[id];
            let what = format!("{}[{}].{}", self.population(p).name, p.cells.at(k), var.name);
            return Err(too_large(&what, lost, var, span));
        }
        self.forget_functions(&v);
        self.hold_among_functions(&v, |k| value.at(k), span);
        let (dt, index) = (self.dt, p.cells.population);
        let live = &mut self.live[p.network];
        let Some(s) = &mut live.simulation else {
            return give(&mut live.plan.populations[index], &v, value, (false, dt), span).map(|_| ());
        };
        let mut followed = Vec::new();
        in_each_example(s, |s| keep(s, &v, value, dt, span).map(|ports| followed = ports))?;
        // Other cells may still follow functions of time.
        followed.into_iter().for_each(|port| self.follow(p.network, index, port));
        Ok(())
    }
}

/// Puts values into the plan; returns what else has other values then.
fn give(
    population: &mut Population,
    v: &Variable,
    value: &Column,
    (begun, dt): (bool, f64),
    span: Span,
) -> Attempt<Vec<VarId>> {
    // Once something has happened, what is assigned to a state is no longer where it begins.
    if begun && matches!(population.model.vars[v.id].kind, VarKind::State(_)) {
        return Ok(Vec::new());
    }
    population.give(v.id, &v.of.cells, v.segment, value);
    // Before the first step nothing has happened: what begins from the old value begins anew.
    let changed = follow(population, !begun, dt, span)?;
    match population.channel_without_one_parameter() {
        Some((state, param)) => {
            let what = population.several_in_channel(state, param);
            Err(Box::new(crate::diag::unsupported(span, &what)))
        }
        None => Ok(changed),
    }
}

/// Puts values into a running network, or one of several examples, and what follows from them; returns the ports among them.
fn keep(s: &mut dyn Settable, v: &Variable, value: &Column, dt: f64, span: Span) -> Attempt<Vec<VarId>> {
    let Variable { of: p, id, segment } = v;
    let (index, begun) = (p.cells.population, s.begun());
    let population = s.population(index);
    let before = segments(population);
    let mut changed = give(population, v, value, (begun, dt), span)?;
    if segments(population) != before {
        let message = "the number of segments cannot change once the network has run";
        return fail(Code::E0404, span, message, "set it before `run`");
    }
    changed.push(*id);
    let mut followed = Vec::new();
    for id in changed {
        let population = s.population(index);
        match population.model.vars[id].kind {
            VarKind::Param(_) => {
                if let Some(c) = population.params.get(&id).cloned() {
                    s.set_param(index, id, c);
                }
            }
            VarKind::AnalogPort(_) => {
                if let Some(c) = population.ports.get(&id).cloned() {
                    s.set_port(index, id, c);
                    followed.push(id);
                }
            }
            _ if id == v.id => {
                for (first, run) in p.cells.runs() {
                    let part = match value {
                        Column::Const(_) => value.clone(),
                        each => Column::Array(Arc::new((first..first + run.n).map(|k| each.at(k)).collect())),
                    };
                    s.set_state(index, id, run.range(), *segment, &part);
                }
            }
            _ => {
                let (n, beginnings) = (population.n, population.beginnings(id));
                beginnings.into_iter().for_each(|(at, c)| s.set_state(index, id, 0..n, at, &c));
            }
        }
    }
    Ok(followed)
}

fn segments(p: &Population) -> Vec<Vec<usize>> {
    (0..p.model.cables.len()).map(|c| p.counts(c)).collect()
}

/// What a variable holds after an assignment to it, or to elements of it if an index says which.
pub(super) fn assigned(
    mut old: Quantity,
    (places, index): (&[usize], &[Expr]),
    op: Option<Op>,
    new: Quantity,
    span: Span,
) -> Attempt<Quantity> {
    if index.is_empty() {
        return match op {
            Some(op) => combine(op, &old, &new, span),
            None => Ok(new),
        };
    }
    if new.data.len() != places.len() && !new.is_single() {
        let message = format!("{} values for {} elements", new.data.len(), places.len());
        return fail(Code::E0403, span, message, "one for each, or one for all, is needed");
    }
    let dim = old.dim;
    let data = Arc::make_mut(&mut old.data);
    for (k, place) in places.iter().enumerate() {
        let value = if new.is_single() { new.data[0] } else { new.data[k] };
        data[*place] = match op {
            None => value,
            Some(op) => {
                let (old, by) = (Quantity::number(data[*place], dim, None), Quantity::number(value, new.dim, None));
                combine(op, &old, &by, span)?.data[0]
            }
        };
    }
    Ok(old)
}
