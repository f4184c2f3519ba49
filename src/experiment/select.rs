//! Which cells, variable and segment an expression such as `net.exc[0..3].dend[5].v` names, and their values.

use super::Attempt;
use super::datasets::is_per_example;
use super::eval::{Live, Scope, fail};
use super::value::{PopulationRef, Quantity, Value};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, Neuron, VarId, VarKind, inline_lets};
use crate::plan;
use crate::runtime::{RateNetwork, Rows, Running, Simulation};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};
use crate::units::{Dim, Unit};

/// Cells and the dotted name of one of their variables or events.
pub struct Selected<'e> {
    /// The cells.
    pub cells: PopulationRef,
    /// The name.
    pub path: String,
    /// The index of a cable's segment.
    pub index: Option<&'e ast::Expr>,
}

/// Cells and one of their variables.
pub struct SelectedVariable {
    /// The cells.
    pub cells: PopulationRef,
    /// The variable.
    pub id: VarId,
    /// The segment, if one was named.
    pub segment: Option<usize>,
}

impl Scope<'_> {
    fn population(&self, p: PopulationRef) -> &plan::Population {
        &self.live[p.network].network().populations[p.view.population]
    }

    /// Returns whether an expression names a cable compartment of a population.
    pub fn is_cable(&self, e: &ast::Expr) -> bool {
        let ExprKind::Member(base, name) = &e.kind else { return false };
        let Ok(Value::Population(p)) = self.eval(base) else { return false };
        self.population(p).model.cables.iter().any(|c| c.name == name.text)
    }

    /// Splits `net.exc[0..3].soma.v` into cells and the dotted name of a variable or event.
    pub fn select<'e>(&self, e: &'e ast::Expr) -> Attempt<Selected<'e>> {
        let mut names = Vec::new();
        let mut base = e;
        let mut index = None;
        loop {
            match &base.kind {
                ExprKind::Member(inner, n) => {
                    names.push(n.text.clone());
                    base = inner;
                }
                ExprKind::Index(inner, of) if !names.is_empty() && self.is_cable(inner) => {
                    index = of.first();
                    base = inner;
                }
                _ => break,
            }
        }
        names.reverse();
        let mut value = self.eval(base)?;
        let mut i = 0;
        while let Value::Network(instance) = &value {
            let Some(next) = names.get(i).and_then(|n| instance.names.get(n)).cloned() else { break };
            value = next;
            i += 1;
        }
        match value {
            Value::Population(cells) if i < names.len() => Ok(Selected { cells, path: names[i..].join("."), index }),
            _ => fail(Code::E0205, e.span, "expected `network.population.variable`", "does not name a variable"),
        }
    }

    /// Finds the variable that an assignment changes; `net.exc.v[3]` indexes cells as `net.exc[3].v` does.
    pub fn select_variable(&self, e: &ast::Expr) -> Attempt<SelectedVariable> {
        let (inner, of) = match &e.kind {
            ExprKind::Index(base, of) => (&**base, Some(of)),
            _ => (e, None),
        };
        let Selected { mut cells, path, index } = self.select(inner)?;
        if let Some(of) = of {
            cells = self.slice(cells, of)?;
        }
        let model = &self.population(cells).model;
        let Some(id) = model.var(&path) else {
            return fail(Code::E0205, e.span, format!("`{}` has no variable `{path}`", model.name), "no such member");
        };
        let segment = index.map(|i| self.segment(cells, id, Some(i), e.span)).transpose()?;
        Ok(SelectedVariable { cells, id, segment })
    }

    /// Returns the segment of which a variable is read; one must be named if there are several.
    pub fn segment(&self, p: PopulationRef, id: VarId, index: Option<&ast::Expr>, span: Span) -> Attempt<usize> {
        let population = self.population(p);
        if population.model.reads_update(&Expr::Var(id)) {
            let what = "reading what depends on events or random numbers of the cell from outside";
            return Err(Box::new(crate::syntax::unsupported(span, what)));
        }
        let Some(cable) = cable_of(&population.model, id) else { return Ok(0) };
        let n = population.segments(cable);
        let name = &population.model.cables[cable].name;
        let at = match index {
            Some(e) => self.size(e)?,
            None if n == 1 => 0,
            None => {
                let message = format!("`{name}` has {n} segments");
                return Err(Box::new(
                    Diagnostic::at(Code::E0406, span, message, "which one?").help(format!("write `{name}[0]`")),
                ));
            }
        };
        if at >= n {
            return fail(Code::E0406, span, format!("segment {at} of a cable of {n}"), "out of range");
        }
        Ok(at)
    }

    /// Reads a variable of cells.
    pub fn values(&self, p: PopulationRef, id: VarId, segment: usize) -> Quantity {
        let live = &self.live[p.network];
        let var = &self.population(p).model.vars[id];
        let mut cells = p.view.start..p.view.start + p.view.n;
        let unit = var.unit.clone();
        if let Some(s) = live.simulation.as_ref().and_then(Running::rates) {
            return of_rates(s, p, id, (var.dim, unit));
        }
        let value = |cell: usize| cell_value(live, p.view.population, id, cell, segment);
        match cells.len() {
            1 => Quantity::number(cells.next().map_or(f64::NAN, value), var.dim, unit),
            _ => Quantity::array(cells.map(value).collect(), var.dim, unit),
        }
    }
}

/// Reads a variable of cells of a network without events: a row for each example, if it sees several.
fn of_rates(s: &RateNetwork, p: PopulationRef, id: VarId, (dim, unit): (Dim, Option<Unit>)) -> Quantity {
    let Rows { rows, values } = s.values(p.view.population, id);
    let n = s.network.populations[p.view.population].n;
    let part = p.view.start..p.view.start + p.view.n;
    let values: Vec<f64> = if p.view.n == n {
        values
    } else {
        values.chunks(n).flat_map(|row| row[part.clone()].iter().copied()).collect()
    };
    let batch = is_per_example(&s.network, p.view.population, id).then_some(s.active());
    // What all examples have in common is each one's, too.
    let values = if batch.is_some_and(|b| b > rows) { values.repeat(s.active()) } else { values };
    let q = Quantity::array(values, dim, unit);
    Quantity { rows: batch, scalar: p.view.n == 1, ..q }
}

/// Returns the cable on whose segments a variable depends.
fn cable_of(model: &Neuron, id: VarId) -> Option<usize> {
    let mut cable = None;
    inline_lets(model, Expr::Var(id)).walk(&mut |e| {
        if let Expr::Var(v) = e
            && matches!(model.vars[*v].kind, VarKind::State(_))
        {
            cable = cable.or(model.vars[*v].cable);
        }
    });
    cable
}

/// Reads a variable of one cell, computing `let`s from states and parameters.
pub fn cell_value(live: &Live, population: usize, id: VarId, cell: usize, segment: usize) -> f64 {
    let plan = &live.network().populations[population];
    if let Some(s) = live.simulation.as_ref().and_then(Running::rates) {
        return s.values(population, id).values.get(cell).copied().unwrap_or(f64::NAN);
    }
    let value = inline_lets(&plan.model, Expr::Var(id));
    read(live.simulation.as_ref().and_then(Running::events), plan, population, &value, cell, segment)
}

/// Evaluates an expression of one cell's states, parameters and ports.
pub fn read(
    simulation: Option<&Simulation>,
    plan: &plan::Population,
    population: usize,
    value: &Expr,
    cell: usize,
    segment: usize,
) -> f64 {
    let variable = |v: VarId| match (&plan.model.vars[v].kind, simulation) {
        (VarKind::State(_), None) => Some(plan.initial(v, cell, segment)),
        (VarKind::State(_), Some(s)) => {
            s.segments(population, v).map(|(b, segments)| b.get(cell * segments + segment.min(segments - 1)))
        }
        (VarKind::Param(_), _) => plan.params.get(&v).map(|c| c.at(cell)),
        (VarKind::AnalogPort(_), None) => plan.ports.get(&v).map(|c| c.at(cell)),
        (VarKind::AnalogPort(_), Some(s)) => s.port(population, v, cell),
        _ => None,
    };
    let dt = simulation.map(|s| s.options().dt);
    let t = simulation.map_or(0.0, |s| s.step() as f64 * s.options().dt);
    crate::math::eval(&value.clone().at_time(t), &variable, dt).unwrap_or(f64::NAN)
}
