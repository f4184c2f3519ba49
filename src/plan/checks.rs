//! What of a network's values is out of range, or too fine for single precision: found once its parameters are known.

use super::{Column, Network, Population, Projection};
use crate::hir::{Cable, Expr, Neuron, Stmt, VarId, VarKind};
use crate::math::{derivative, eval};
use crate::solve::stepped;
use crate::source::Span;
use crate::units::Dim;
use crate::value::{Cells, View};

/// Slower states than so many steps change by less than single precision resolves to four digits.
const SLOW: f64 = 8192.0;

/// A value that lies outside of its bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfBounds {
    /// The state or weight.
    pub variable: VarId,
    /// Which cell or synapse.
    pub index: usize,
    /// Its value, internal units.
    pub value: f64,
    /// The bounds, internal units.
    pub bounds: (f64, f64),
}

/// A measure of a cable that is not above zero.
#[derive(Debug, Clone, PartialEq)]
pub struct BadMeasure {
    /// What it is: a length, a diameter, a capacitance, a resistance.
    pub what: String,
    /// Where it is declared.
    pub span: Span,
    /// Of which cell.
    pub cell: usize,
    /// Its value, internal units.
    pub value: f64,
    /// Its dimension.
    pub dim: Dim,
}

/// A duration that cannot be counted.
#[derive(Debug, Clone, PartialEq)]
pub struct BadDuration {
    /// Where it is written.
    pub span: Span,
    /// Which cell.
    pub cell: usize,
    /// The time, internal units.
    pub time: f64,
}

/// What single precision is too coarse for.
#[derive(Debug, Clone, PartialEq)]
pub struct TooFine {
    /// What it is.
    pub what: String,
    /// Where it is declared.
    pub span: Span,
}

/// Finds the first of `n` values that is outside of bounds; what is not a number is outside.
fn first_outside(
    variable: VarId,
    n: usize,
    value: &dyn Fn(usize) -> f64,
    bounds: &dyn Fn(usize) -> (f64, f64),
) -> Option<OutOfBounds> {
    let outside = |index: usize| {
        let (value, (lo, hi)) = (value(index), bounds(index));
        // What was read from a network in single precision may lie beyond a bound that it was put to.
        let (single, least, most) = (value as f32, lo as f32, hi as f32);
        let inside = (value >= lo && value <= hi) || (single >= least && single <= most);
        (!inside).then_some(OutOfBounds { variable, index, value, bounds: (lo, hi) })
    };
    (0..n).find_map(outside)
}

impl Population {
    /// Evaluates an expression of parameters, inputs and initial states in one cell.
    fn at_start(&self, e: &Expr, cell: usize, dt: Option<f64>) -> Option<f64> {
        let find = |v: VarId| self.params.get(&v).or(self.init.get(&v)).or(self.ports.get(&v));
        eval(e, &|v| find(v).map(|c| c.at(cell)), dt)
    }

    /// Returns how many cells must be looked at to see all values of an expression.
    fn varying(&self, e: &Expr) -> usize {
        let varies = |v: VarId| {
            let column = self.params.get(&v).or(self.init.get(&v)).or(self.ports.get(&v));
            matches!(column, Some(Column::Array(_) | Column::Drawn(_)))
        };
        let all = e.any(&mut |e| matches!(e, Expr::Var(v) if varies(*v)));
        if all { self.n } else { 1.min(self.n) }
    }

    /// Finds an initial state outside of its bounds.
    pub fn out_of_bounds(&self) -> Option<OutOfBounds> {
        self.model.bounds.iter().find_map(|(state, lo, hi)| {
            let column = self.init.get(state)?;
            self.outside(*state, &View { population: 0, start: 0, n: self.n }.into(), &|i| column.at(i), (lo, hi))
        })
    }

    /// Finds a value for the cells from `start` on that is outside of a state's bounds, counted from the first of them.
    pub fn assigned_out_of_bounds(&self, state: VarId, cells: &Cells, value: &Column) -> Option<OutOfBounds> {
        let (_, lo, hi) = self.model.bounds.iter().find(|(of, ..)| *of == state)?;
        self.outside(state, cells, &|i| value.at(i), (lo, hi))
    }

    fn outside(
        &self,
        state: VarId,
        cells: &Cells,
        value: &dyn Fn(usize) -> f64,
        (lo, hi): (&Expr, &Expr),
    ) -> Option<OutOfBounds> {
        let (lo, hi) = (self.model.unfold(lo.clone()), self.model.unfold(hi.clone()));
        // Bounds are expressions of the beginning; what cannot be computed there allows nothing.
        let nothing = (f64::INFINITY, f64::NEG_INFINITY);
        let bounds_of =
            |cell: usize| self.at_start(&lo, cell, None).zip(self.at_start(&hi, cell, None)).unwrap_or(nothing);
        let whole = self.varying(&lo).max(self.varying(&hi)) > 1;
        let first = bounds_of(cells.cover().start);
        let bounds = |i: usize| if whole { bounds_of(cells.at(i)) } else { first };
        let found = first_outside(state, cells.len(), value, &bounds)?;
        Some(OutOfBounds { index: cells.at(found.index), ..found })
    }

    /// Finds a length, a diameter, a capacitance or a resistance of a cable that is not above zero.
    pub fn bad_measure(&self, dt: f64) -> Option<BadMeasure> {
        let cells = if self.has_one_shape() { self.n.min(1) } else { self.n };
        let of_cable = |(number, c): (usize, &Cable)| {
            let of_file = c.traced.is_some();
            let shape = [("length", &c.length), ("diameter", &c.diameter)].into_iter().filter(|_| !of_file);
            let shape = shape.map(|(what, e)| (what, e.clone(), c.span, Dim::LENGTH));
            let param = |(what, v): (&'static str, VarId)| {
                let var = &self.model.vars[v];
                (what, Expr::Var(v), var.span, var.dim)
            };
            let all: Vec<_> = shape.chain([("C_m", c.c_m), ("R_a", c.r_a)].map(param)).collect();
            let segments = self.segments(number);
            all.into_iter().find_map(|(what, e, span, dim)| {
                let places = (0..cells).flat_map(|cell| (0..segments).map(move |segment| (cell, segment)));
                let value = |(cell, segment)| (cell, self.measure(&e, cell, segment, dt));
                let (cell, value) = places.map(value).find(|(_, value)| !(value.is_finite() && *value > 0.0))?;
                Some(BadMeasure { what: format!("{}.{what}", c.name), span, cell, value, dim })
            })
        };
        self.model.cables.iter().enumerate().find_map(of_cable)
    }

    /// Finds a duration of `hold` or `mute` that follows from parameters and is negative, not a number, or finite and longer than
    /// `longest` steps.
    pub fn bad_duration(&self, dt: f64, longest: f64) -> Option<BadDuration> {
        let mut durations = Vec::new();
        self.model.emits.iter().for_each(|e| collect_durations(&e.body, &mut durations));
        durations.into_iter().find_map(|(e, span)| {
            let e = self.model.unfold(e.clone());
            let fixed = !e.any(&mut |e| match e {
                Expr::Var(v) => !matches!(self.model.vars[*v].kind, VarKind::Param(_)),
                _ => false,
            });
            let cells = if fixed { self.varying(&e) } else { 0 };
            (0..cells).find_map(|cell| {
                let time = self.at_start(&e, cell, Some(dt))?;
                let counts = time >= 0.0 && (time.is_infinite() || time / dt <= longest);
                (!counts).then_some(BadDuration { span, cell, time })
            })
        })
    }

    /// Finds the states that change so little in a step that single precision alone would distort or stop them.
    pub fn slow(&self, dt: f64) -> Vec<VarId> {
        let changes = self.solved.changes.iter();
        changes.filter(|c| c.slope.as_ref().is_some_and(|s| self.is_slow(s, dt))).map(|c| c.state).collect()
    }

    fn is_slow(&self, slope: &Expr, dt: f64) -> bool {
        // Only parameters are looked at in every cell: where states come in, one of them shows the order of magnitude.
        let of_params = !slope.any(&mut |e| matches!(e, Expr::Var(v) if !self.params.contains_key(v)));
        let slope = slope.clone().at_time(0.0);
        let cells = if of_params { self.varying(&slope) } else { 1.min(self.n) };
        (0..cells).any(|cell| self.at_start(&slope, cell, Some(dt)).is_some_and(|a| (a * dt).abs() * SLOW < 1.0))
    }

    /// Lists what single precision distorts in this population.
    fn too_fine(&self, dt: f64, without_events: bool, out: &mut Vec<TooFine>) {
        let model = &self.model;
        for (state, span) in stored_times(model) {
            let what = format!("`{}` holds a time", model.vars[state].name);
            out.push(TooFine { what, span });
        }
        let slow = |e: &Expr, state: VarId| {
            let slope = derivative(e, state);
            slope != Expr::Num(0.0) && self.is_slow(&slope, dt)
        };
        let mut note = |state: VarId, what: &str| {
            let var = &model.vars[state];
            out.push(TooFine { what: format!("`{}` {what}", var.name), span: var.span });
        };
        for (state, rate) in self.solved.adaptive.iter().flat_map(|(_, rates)| rates) {
            if rate.any(&mut |e| matches!(e, Expr::Time)) {
                note(*state, "follows the time in an adaptive scheme");
            } else if slow(rate, *state) {
                note(*state, "changes slowly in an adaptive scheme");
            }
        }
        let rates = model.equations.iter().filter(|eq| model.vars[eq.state].cable.is_some() || without_events);
        for eq in rates {
            if slow(&model.unfold(eq.rhs.clone()), eq.state) {
                note(eq.state, "changes slowly");
            }
        }
    }
}

fn collect_durations<'a>(body: &'a [Stmt], out: &mut Vec<(&'a Expr, Span)>) {
    for s in body {
        match s {
            Stmt::Hold(_, e, span) | Stmt::Mute(_, e, span) => out.push((e, *span)),
            Stmt::If(_, a, b) => {
                collect_durations(a, out);
                collect_durations(b, out);
            }
            _ => {}
        }
    }
}

/// Finds the states to which handlers assign a time that grows without end.
fn stored_times(model: &Neuron) -> Vec<(VarId, Span)> {
    /// Whether an expression is the time, or differs from it by a sum.
    fn is_time(e: &Expr) -> bool {
        match e {
            Expr::Time => true,
            Expr::Bin(crate::hir::Op::Add | crate::hir::Op::Sub, a, b) => is_time(a) != is_time(b),
            Expr::If(_, a, b) => is_time(a) || is_time(b),
            _ => false,
        }
    }
    fn collect(model: &Neuron, body: &[Stmt], out: &mut Vec<(VarId, Span)>) {
        for s in body {
            match s {
                Stmt::Assign(v, e) if is_time(&model.unfold(e.clone())) => out.push((*v, model.vars[*v].span)),
                Stmt::If(_, a, b) => {
                    collect(model, a, out);
                    collect(model, b, out);
                }
                _ => {}
            }
        }
    }
    let mut out = Vec::new();
    let bodies = model.emits.iter().map(|e| &e.body).chain(model.handlers.iter().map(|h| &h.body));
    bodies.for_each(|body| collect(model, body, &mut out));
    out.dedup();
    out
}

impl Projection {
    /// Returns the bounds of the weight or a state of one synapse, internal units.
    fn bounds(&self, variable: VarId, synapse: usize) -> Option<(f64, f64)> {
        let (_, lo, hi) = self.synapse.bounds.iter().find(|(of, ..)| *of == variable)?;
        let known =
            |v: VarId| self.params.get(&v).copied().or_else(|| self.values.get(&v).map(|each| each.at(synapse)));
        let value = |e: &Expr| eval(&self.synapse.unfold(e.clone()), &known, None);
        Some((value(lo)?, value(hi)?))
    }

    /// Returns whether the bounds of the weight or a state differ between synapses.
    fn bounds_vary(&self, variable: VarId) -> bool {
        let own = |e: &Expr| self.synapse.any(e, &mut |e| matches!(e, Expr::Var(v) if self.values.contains_key(v)));
        self.synapse.bounds.iter().any(|(of, lo, hi)| *of == variable && (own(lo) || own(hi)))
    }

    /// Returns whether the bounds of the weight or a state leave no value, at any synapse.
    pub fn has_empty_bounds(&self, variable: VarId) -> bool {
        let each = self.bounds_vary(variable) && !self.pairs.are_expected();
        let n = if each { self.pairs.len() } else { 1 };
        (0..n).any(|k| self.bounds(variable, k).is_some_and(|(lo, hi)| lo > hi))
    }

    /// Finds a weight, or an initial state of the synapses, outside of its bounds.
    pub fn out_of_bounds(&self) -> Option<OutOfBounds> {
        self.synapse.bounds.iter().find_map(|(variable, ..)| {
            if self.synapse.weight() == Some(*variable) {
                return self.assigned_out_of_bounds(*variable, self.pairs.len(), &self.weight);
            }
            match self.values.get(variable) {
                Some(each) => self.assigned_out_of_bounds(*variable, self.pairs.len(), each),
                None => {
                    self.assigned_out_of_bounds(*variable, self.pairs.len(), &Column::Const(*self.init.get(variable)?))
                }
            }
        })
    }

    /// Finds a value for `n` synapses that is outside of a variable's bounds.
    pub fn assigned_out_of_bounds(&self, variable: VarId, n: usize, value: &Column) -> Option<OutOfBounds> {
        if n == 0 {
            return None;
        }
        let vary = self.bounds_vary(variable);
        let first = self.bounds(variable, 0)?;
        let n = match value {
            _ if vary => n,
            Column::Const(_) => n.min(1),
            // If nothing outside can be drawn, nothing has to be looked at.
            Column::Drawn(d) if d.distribution.lowest() >= first.0 && d.distribution.highest() <= first.1 => 0,
            _ => n,
        };
        // What cannot be computed allows nothing.
        let nothing = (f64::INFINITY, f64::NEG_INFINITY);
        let bounds = |k: usize| if vary { self.bounds(variable, k).unwrap_or(nothing) } else { first };
        first_outside(variable, n, &|i| value.at(i), &bounds)
    }
}

impl Network {
    /// Lists what single precision distorts.
    pub fn too_fine(&self, dt: f64) -> Vec<TooFine> {
        let mut out = Vec::new();
        let without_events = self.is_without_events();
        self.populations.iter().for_each(|p| p.too_fine(dt, without_events, &mut out));
        for p in &self.projections {
            let s = &p.synapse;
            let advanced = stepped(s);
            for eq in s.equations.iter().filter(|eq| advanced.contains(&eq.state)) {
                let slope = derivative(&s.unfold(eq.rhs.clone()), eq.state);
                let slow = |k: usize| {
                    let each = |v: VarId| p.values.get(&v).map(|each| each.at(k));
                    let find = |v: VarId| p.params.get(&v).or(p.init.get(&v)).copied().or_else(|| each(v));
                    eval(&slope, &find, Some(dt)).is_some_and(|a| a != 0.0 && (a * dt).abs() * SLOW < 1.0)
                };
                let n = if p.values.is_empty() { 1 } else { p.pairs.len() };
                if (0..n).any(slow) {
                    let what = format!("`{}` changes slowly, step by step", s.vars[eq.state].name);
                    out.push(TooFine { what, span: eq.span });
                }
            }
        }
        out.dedup();
        out
    }
}
