//! Windows of the experiment in a network with events: what cells keep of them are states, written when one ends.

use super::buffer::Buffer;
use super::simulation::Simulation;
use super::windows::{Average, TooShort};
use crate::plan::Column;
use crate::plan::windows::Kept;
use std::sync::Arc;

impl Simulation {
    /// Begins a window.
    pub fn begin_window(&mut self, name: &str) {
        let here = self.windows.kept.iter_mut().filter(|(k, _)| k.taken.window == name);
        here.filter_map(|(_, average)| average.as_mut()).for_each(Average::begin);
    }

    /// Adds the present values to the means over open windows.
    pub(super) fn follow_windows(&mut self) {
        let open = |average: &Option<Average>| average.as_ref().is_some_and(Average::is_open);
        for k in 0..self.windows.kept.len() {
            if open(&self.windows.kept[k].1) {
                let values = self.present_values(k);
                if let Some(average) = &mut self.windows.kept[k].1 {
                    average.add(&values);
                }
            }
        }
    }

    /// Ends a window: what is taken of it is written.
    ///
    /// # Errors
    /// A mean over more steps than the window had.
    pub fn end_window(&mut self, name: &str) -> Result<(), TooShort> {
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
                None => {
                    let now = self.present_values(k);
                    Some((0..now.len()).map(|i| now.get(i)).collect())
                }
            };
            self.keep(k, values);
        }
        Ok(())
    }

    /// Lets what is taken of windows be what the cells begin with, until one of their name has ended.
    pub(super) fn begin_windows(&mut self) {
        for k in 0..self.windows.kept.len() {
            let now = self.present_values(k);
            self.keep(k, Some((0..now.len()).map(|i| now.get(i)).collect()));
        }
    }

    fn keep(&mut self, k: usize, values: Option<Vec<f64>>) {
        let Kept { population, state, .. } = self.windows.kept[k].0;
        let n = self.network.populations[population].n;
        if let Some(values) = values {
            self.set_state(population, state, 0..n, None, &Column::Array(Arc::new(values[..n].to_vec())));
        }
    }

    fn present_values(&self, k: usize) -> Buffer {
        let Kept { population, of, .. } = self.windows.kept[k].0;
        let (pop, plan) = (&self.pops[population], &self.network.populations[population]);
        let mut out = Buffer::new(pop.lanes, self.options.precision);
        let dt = self.options.dt;
        if pop.state_buffer(of).is_none() {
            self.update_sums(self.step);
        }
        let sums = self.sums.borrow();
        pop.read(plan, of, (self.step as f64 * dt, dt), &|port| sums.of(population, port), &mut out);
        out
    }
}
