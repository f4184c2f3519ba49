//! Assignments of an experiment to states, parameters and ports.

use super::Attempt;
use super::columns::{assign, column, fill_defaults};
use super::datasets::is_per_example;
use super::eval::{arithmetic, fail};
use super::run::Run;
use super::select::{SelectedVariable, cell_value};
use super::time::{at_time, mentions, time_function};
use super::value::{Quantity, Value};
use crate::diag::Code;
use crate::hir::{Expr, VarId, VarKind, inline_lets};
use crate::plan::{Column, View};
use crate::rng::Stream;
use crate::runtime::{Rows, Running};
use crate::source::Span;
use crate::syntax::ast::{self, BinOp};
use crate::units::Dim;

impl Run<'_> {
    pub(super) fn set(&mut self, target: &ast::Expr, op: Option<BinOp>, value: &ast::Value) -> Attempt<()> {
        if let Some(done) = self.set_synapses(target, op, value) {
            return done;
        }
        let selected = self.scope().select_variable(target)?;
        let (p, id) = (selected.cells, selected.id);
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
            let live = &mut self.live[p.network];
            if let Some(s) = &mut live.simulation {
                s.set_port_function(p.view.population, id, at_time(&f));
            }
            live.functions.retain(|(population, port, _)| (*population, *port) != (p.view.population, id));
            live.functions.push((p.view.population, id, f));
            return Ok(());
        }
        if let Some(done) = self.set_rows(&selected, &kind, (target, op, value)) {
            return done;
        }
        self.streams += 1;
        let stream = Stream::new(self.seed, 0xc000_0000 + self.streams);
        let mut new = column(&self.scope(), value, p.view.n, &stream)?;
        if let Some(op) = op {
            let live = &self.live[p.network];
            let segment = self.scope().segment(p, id, None, target.span).or_else(|d| selected.segment.ok_or(d))?;
            let old = |k: usize| cell_value(live, p.view.population, id, p.view.start + k, segment);
            let f = |a: f64, b: f64| match op {
                BinOp::Add => a + b,
                BinOp::Sub => a - b,
                BinOp::Mul => a * b,
                _ => a / b,
            };
            new = Column::Array(std::sync::Arc::new((0..p.view.n).map(|k| f(old(k), new.at(k))).collect()));
        }
        self.store(&selected, &new, target.span)
    }

    /// Replaces states or inputs of a network without events, with a row for each example or one for all; none if this is another
    /// assignment.
    fn set_rows(
        &mut self,
        selected: &SelectedVariable,
        kind: &VarKind,
        (target, op, value): (&ast::Expr, Option<BinOp>, &ast::Value),
    ) -> Option<Attempt<()>> {
        let p = selected.cells;
        if !matches!(kind, VarKind::State(_) | VarKind::AnalogPort(_)) {
            return None;
        }
        self.start_rates(p.network);
        self.live[p.network].simulation.as_ref().and_then(Running::rates)?;
        let live = &mut self.live[p.network];
        live.functions.retain(|(population, port, _)| (*population, *port) != (p.view.population, selected.id));
        Some(self.set_rows_of(selected, (target, op, value)))
    }

    fn set_rows_of(
        &mut self,
        selected: &SelectedVariable,
        (target, op, value): (&ast::Expr, Option<BinOp>, &ast::Value),
    ) -> Attempt<()> {
        let (p, id) = (selected.cells, selected.id);
        let examples = is_per_example(self.live[p.network].network(), p.view.population, id);
        let active = self.live[p.network].simulation.as_ref().and_then(Running::rates).map_or(1, |s| s.active());
        let mut new = match value {
            ast::Value::Expr(e) if !mentions(e, "i") || self.scope().find("i").is_some() => self.scope().quantity(e)?,
            other => {
                self.streams += 1;
                let stream = Stream::new(self.seed, 0xc000_0000 + self.streams);
                let rows = examples.then_some(active);
                let drawn = matches!(other, ast::Value::Distribution(_));
                let n = p.view.n * if drawn { rows.unwrap_or(1) } else { 1 };
                let column = column(&self.scope(), other, n, &stream)?;
                let data = (0..n).map(|i| column.at(i)).collect();
                let q = Quantity::array(data, Dim::ONE, None);
                Quantity { rows: rows.filter(|_| drawn), scalar: p.view.n == 1, ..q }
            }
        };
        if let Some(op) = op {
            let old = self.scope().values(p, id, 0);
            let Value::Quantity(q) = arithmetic(op, &old, &new, target.span)? else { return Ok(()) };
            new = q;
        }
        let wide = new.width();
        if !new.scalar && wide != p.view.n {
            let message = format!("{wide} values for {} cells", p.view.n);
            return fail(Code::E0403, target.span, message, "one value per cell is needed");
        }
        if new.rows.is_some_and(|r| r != active) {
            let message = format!("{} examples for a batch of {active}", new.rows.unwrap_or(1));
            return fail(Code::E0403, target.span, message, "one row per example is needed");
        }
        let rows = new.rows.unwrap_or(1);
        let values = if new.scalar && p.view.n > 1 {
            new.data.iter().flat_map(|v| std::iter::repeat_n(*v, p.view.n)).collect()
        } else {
            std::sync::Arc::try_unwrap(new.data).unwrap_or_else(|shared| shared.to_vec())
        };
        let s = self.live[p.network].simulation.as_mut().and_then(Running::rates_mut);
        let cells = p.view.start..p.view.start + p.view.n;
        if !s.is_none_or(|s| s.set(p.view.population, id, cells, &Rows { rows, values })) {
            let message = "all examples share this state, so it cannot have a value for each";
            return fail(Code::E0403, target.span, message, "kept per cell");
        }
        Ok(())
    }

    /// Puts values into the plan or the running network.
    pub(super) fn store(&mut self, selected: &SelectedVariable, value: &Column, span: Span) -> Attempt<()> {
        let &SelectedVariable { cells: p, id, segment } = selected;
        let live = &mut self.live[p.network];
        let index = p.view.population;
        // What is assigned follows time no longer.
        live.functions.retain(|(population, port, _)| (*population, *port) != (index, id));
        match &mut live.simulation {
            None => {
                let population = &mut live.plan.populations[index];
                let before = population.init.clone();
                assign(population, id, p.view, segment, value);
                if matches!(population.model.vars[id].kind, VarKind::Param(_)) {
                    // What was computed from the old value is computed anew.
                    recompute(population, id, before);
                    fill_defaults(population, span)?;
                }
                Ok(())
            }
            Some(s) => {
                let population = &mut s.network_mut().populations[index];
                let segments = |p: &crate::plan::Population| -> Vec<usize> {
                    (0..p.model.cables.len()).map(|c| p.segments(c)).collect()
                };
                let before = segments(population);
                assign(population, id, p.view, segment, value);
                fill_defaults(population, span)?;
                if segments(population) != before {
                    let message = "the number of segments cannot change once the network has run";
                    return fail(Code::E0404, span, message, "set it before `run`");
                }
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
                        s.set_state(index, id, start..start + n, segment, value);
                    }
                }
                Ok(())
            }
        }
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
