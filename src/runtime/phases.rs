//! Windows of the experiment in a network with events: what cells keep of them are states, written when one ends.

use super::buffer::Buffer;
use super::simulation::Simulation;
use super::windows::{Average, TooShort, Windows};
use crate::hir::{Expr, VarId};
use crate::plan::windows::Kept;

impl Simulation {
    /// Begins a window.
    pub fn begin_window(&mut self, name: &str) {
        let here = self.windows.kept.iter_mut().filter(|(k, _)| k.taken.window == name);
        here.filter_map(|(_, average)| average.as_mut()).for_each(Average::begin);
    }

    /// Adds the present values to the means over open windows.
    pub(super) fn follow_windows(&mut self) {
        let mut kept = std::mem::take(&mut self.windows.kept);
        for (what, average) in &mut kept {
            if let Some(average) = average.as_mut().filter(|a| a.is_open()) {
                let pop = &self.pops[what.population];
                match what.observed.and_then(|state| pop.state_buffer(state)) {
                    Some(values) => average.add(values),
                    None => self.with_present(what, |values| average.add(values)),
                }
            }
        }
        self.windows.kept = kept;
    }

    /// Ends a window: what is taken of it is written.
    ///
    /// # Errors
    /// A mean over more steps than the window had.
    pub fn end_window(&mut self, name: &str) -> Result<(), TooShort> {
        let Windows { kept, beginning } = &mut self.windows;
        beginning.retain(|k| kept[*k].0.taken.window != name);
        for k in 0..self.windows.kept.len() {
            let (kept, average) = &mut self.windows.kept[k];
            if kept.taken.window != name {
                continue;
            }
            let values = match average {
                Some(average) => average.end().map_err(|needed| TooShort {
                    what: kept.taken.of(&self.network.populations[kept.population].model.vars[kept.of].name),
                    steps: average.steps(),
                    needed,
                })?,
                None => Some(self.present_values(k)),
            };
            self.keep(k, values);
        }
        Ok(())
    }

    /// Lets what is taken of windows be what the cells begin with, until one of their name has ended.
    pub(super) fn begin_windows(&mut self) {
        for at in 0..self.windows.beginning.len() {
            let k = self.windows.beginning[at];
            self.keep(k, Some(self.present_values(k)));
        }
    }

    fn keep(&mut self, k: usize, values: Option<Vec<f64>>) {
        let Kept { population, state, .. } = self.windows.kept[k].0;
        if let Some(values) = values {
            self.sums.get_mut().forget();
            self.pops[population].put_values(state, &values[..self.network.populations[population].n]);
        }
    }

    fn present_values(&self, k: usize) -> Vec<f64> {
        let mut out = Vec::new();
        self.with_present(&self.windows.kept[k].0, |values| {
            out.resize(values.len(), 0.0);
            values.each(&mut out, |to, x| *to = x);
        });
        out
    }

    /// Notes that an input follows functions of time: what follows from it is not known from a step alone.
    pub(super) fn observe_no_more(&mut self, population: usize, port: VarId) {
        let model = &self.network.populations[population].model;
        let follows = |of: VarId| model.any(&Expr::Var(of), &mut |e| *e == Expr::Var(port));
        let here = self.windows.kept.iter_mut().map(|(kept, _)| kept).filter(|kept| kept.population == population);
        here.filter(|kept| follows(kept.of)).for_each(|kept| kept.observed = None);
    }

    /// Hands over the present values of what is taken of a window.
    fn with_present(&self, kept: &Kept, then: impl FnOnce(&Buffer)) {
        let Kept { population, of, .. } = *kept;
        let (pop, plan) = (&self.pops[population], &self.network.populations[population]);
        if let Some(state) = pop.state_buffer(of) {
            return then(state);
        }
        self.update_sums(self.step);
        let sums = self.sums.borrow();
        let summed = |port| sums.of(population, port);
        let t = self.step as f64 * self.options.dt;
        let fill = &mut |v: VarId, out: &mut Buffer| pop.place(plan, v, t, &summed, out);
        self.readings.with((population, of), plan, t, fill, then);
    }
}
