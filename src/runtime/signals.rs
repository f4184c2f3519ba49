//! What cells of a network with events do at a signal of the experiment.
//!
//! New values follow from those before the signal, in double precision, cell by cell: signals are rare beside steps. So they have the same
//! bits whatever runs the network.

use super::buffer::Buffer;
use crate::hir::{Draw, Expr, VarId, inline_lets_unless};
use crate::math::eval_at;
use crate::plan::{Column, Population};
use crate::rng::Stream;
use crate::solve::{Replay, Splitter};
use std::sync::Arc;

/// Draws of cells lie beside those of synapses.
const OF_CELLS: u64 = 1 << 63;

/// A population that hears a signal.
pub struct Hearing<'a> {
    /// Its number in the network.
    pub index: usize,
    /// Its plan.
    pub population: &'a Population,
    /// Its states, one value for each cell.
    pub states: &'a dyn Fn(VarId) -> Option<&'a Buffer>,
    /// The values of its analog ports, with what projections contribute.
    pub port: &'a dyn Fn(VarId, usize) -> Option<f64>,
    /// Where handlers draw from, if they do.
    pub chance: Option<&'a Stream>,
    /// The time and the step, internal units.
    pub clock: (f64, f64),
}

/// A state of a cell that would not be finite.
pub struct NotFinite {
    /// The state.
    pub state: VarId,
    /// The cell.
    pub cell: usize,
    /// What it was.
    pub last: Option<f64>,
}

/// Where a variable is.
enum Held<'a> {
    State(&'a Buffer),
    Param(&'a Column),
    Port,
}

impl Hearing<'_> {
    /// Returns the new values of the states that the handlers of a signal change.
    ///
    /// # Errors
    /// A new value that is not finite.
    pub fn changes(&self, signal: &str) -> Result<Vec<(VarId, Column)>, NotFinite> {
        let model = &self.population.model;
        let bounds = |v: VarId| model.bounds.iter().find(|(b, ..)| *b == v).map(|(_, lo, hi)| (lo.clone(), hi.clone()));
        let mut replay = Replay {
            inline: &|e| inline_lets_unless(model, e, &|_| false),
            bounds: &bounds,
            shared: None,
            pooled: &|_| false,
            splitter: Splitter { owner: &|_| None },
            fresh: &mut || crate::ice!("a single example is not reduced"),
            choosing: false,
        };
        let heard = model.handlers.iter().filter(|h| h.signal == signal).map(|h| &h.body[..]);
        let updates = replay.run(heard);
        let each = |(v, e): (VarId, Expr)| {
            let held = self.held(&e);
            let draws = e.any(&mut |e| matches!(e, Expr::Draw(..)));
            let value = |cell| match draws {
                true => self.finite(v, cell, self.value(&self.drawn(&e, &held, cell), &held, cell)),
                false => self.finite(v, cell, self.value(&e, &held, cell)),
            };
            let values = (0..self.population.n).map(value).collect::<Result<Vec<f64>, NotFinite>>()?;
            Ok((v, Column::Array(Arc::new(values))))
        };
        updates.values.into_iter().map(each).collect()
    }

    /// Finds where the variables of an expression are.
    fn held(&self, e: &Expr) -> Vec<(VarId, Held<'_>)> {
        let mut out: Vec<(VarId, Held)> = Vec::new();
        e.walk(&mut |e| {
            let Expr::Var(v) = e else { return };
            if out.iter().all(|(known, _)| known != v) {
                let param = || self.population.params.get(v).map(Held::Param);
                let held = (self.states)(*v).map(Held::State).or_else(param);
                out.push((*v, held.unwrap_or(Held::Port)));
            }
        });
        out
    }

    fn value(&self, e: &Expr, held: &[(VarId, Held)], cell: usize) -> f64 {
        let variable = |v: VarId| match held.iter().find(|(known, _)| *known == v)?.1 {
            Held::State(buffer) => Some(buffer.get(cell)),
            Held::Param(column) => Some(column.at(cell)),
            Held::Port => (self.port)(v, cell),
        };
        match eval_at(e, &variable, Some(self.clock.1), Some(self.clock.0)) {
            Some(value) => value,
            None => crate::ice!("a handler that reads what has no value at a signal"),
        }
    }

    /// The expression with what this cell draws in it.
    fn drawn(&self, e: &Expr, held: &[(VarId, Held)], cell: usize) -> Expr {
        e.clone().map(&mut |e| match &e {
            Expr::Draw(id, draw, args) => {
                let of = |k: usize| self.value(&args[k], held, cell);
                Expr::Num(self.draw(*id, *draw, (of(0), of(1)), cell))
            }
            _ => e,
        })
    }

    fn finite(&self, state: VarId, cell: usize, value: f64) -> Result<f64, NotFinite> {
        if value.is_finite() {
            return Ok(value);
        }
        Err(NotFinite { state, cell, last: (self.states)(state).map(|b| b.get(cell)) })
    }

    fn draw(&self, id: u32, draw: Draw, (a, b): (f64, f64), cell: usize) -> f64 {
        let Some(chance) = self.chance else { crate::ice!("a signal draws from nothing") };
        let mut reader = chance.reader(OF_CELLS | (self.index as u64) << 48 | u64::from(id) << 32 | cell as u64);
        match draw {
            Draw::Uniform => a + (b - a) * reader.uniform(),
            Draw::Normal => a + b * reader.normal(),
        }
    }
}
