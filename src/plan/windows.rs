//! What networks with events keep of windows: states of cells that are written when a window ends.

use super::Network;
use crate::hir::{Expr, Side, Take, Taken, Var, VarId, VarKind};
use crate::solve::discretize;
use crate::source::Span;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A state of cells that holds what is taken of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The population.
    pub population: usize,
    /// Of which of its variables.
    pub of: VarId,
    /// What.
    pub taken: Taken,
    /// The state.
    pub state: VarId,
    /// A state that has the values of the variable at the end of every step, if it is not one itself.
    pub observed: Option<VarId>,
}

impl Network {
    /// Lists what is taken of windows: of which population and variable, and where that is declared.
    fn taken(&self) -> impl Iterator<Item = (usize, VarId, &Taken, Span)> {
        let of_cells = self.populations.iter().enumerate().flat_map(|(p, population)| {
            population.model.vars.values().filter_map(move |v| match &v.kind {
                VarKind::Window(of, taken) => Some((p, *of, taken, v.span)),
                _ => None,
            })
        });
        let of_synapses = self.projections.iter().flat_map(|p| {
            p.synapse.windows.iter().filter_map(move |(id, taken)| {
                let (view, of) = match p.synapse.vars[*id].kind {
                    VarKind::Pre(of) => (p.pre, of),
                    VarKind::Post(of) => (p.post, of),
                    _ => return None,
                };
                Some((view.population, of, taken, p.synapse.vars[*id].span))
            })
        });
        of_cells.chain(of_synapses)
    }

    /// Finds what cannot be taken of a window in a network with events, and where it is declared.
    pub(super) fn refused_of_windows(&self) -> Option<(Span, String)> {
        self.taken().find_map(|(p, of, _, span)| {
            let model = &self.populations[p].model;
            let e = Expr::Var(of);
            let what = if model.reads_segments(&e) {
                "a cable of several segments"
            } else if model.reads_update(&e) {
                "what depends on events or random numbers of the cell"
            } else if matches!(model.vars[of].kind, VarKind::EventPort) {
                "an input of events"
            } else {
                return None;
            };
            Some((span, format!("a window of {what}")))
        })
    }

    /// Finds a last part of a window that is not a whole number of steps, and where it is declared.
    pub fn uncounted_window(&self, dt: f64) -> Option<(Span, f64)> {
        self.taken().find_map(|(.., taken, span)| match taken.how {
            Take::Mean(Some(last)) if steps_of(last, dt).is_none() => Some((span, last)),
            _ => None,
        })
    }

    /// Makes what is taken of windows states of the cells, and returns them.
    pub fn keep_windows(&mut self) -> Vec<Kept> {
        let mut out: Vec<Kept> = Vec::new();
        for (population, p) in self.populations.iter_mut().enumerate() {
            let own: Vec<(VarId, VarId, Taken)> = p
                .model
                .vars
                .iter()
                .filter_map(|(id, v)| match &v.kind {
                    VarKind::Window(of, taken) => Some((id, *of, taken.clone())),
                    _ => None,
                })
                .collect();
            for (state, of, taken) in own {
                // A state of the cell, also where it is taken of a segment.
                let var = &mut Arc::make_mut(&mut p.model).vars[state];
                (var.kind, var.cable) = (VarKind::State(Expr::Num(0.0)), None);
                out.push(Kept { population, of, taken, state, observed: None });
            }
        }
        for projection in &mut self.projections {
            let windows = projection.synapse.windows.clone();
            if windows.is_empty() {
                continue;
            }
            let (pre, post) = (projection.pre, projection.post);
            let synapse = Arc::make_mut(&mut projection.synapse);
            synapse.windows = BTreeMap::new();
            for (id, taken) in windows {
                let (side, of) = match synapse.vars[id].kind {
                    VarKind::Pre(of) => (Side::Pre, of),
                    VarKind::Post(of) => (Side::Post, of),
                    _ => continue,
                };
                let population = if side == Side::Pre { pre.population } else { post.population };
                let found = out.iter().find(|k| k.population == population && k.of == of && k.taken == taken);
                let state = match found {
                    Some(kept) => kept.state,
                    None => {
                        let model = Arc::make_mut(&mut self.populations[population].model);
                        let kind = VarKind::State(Expr::Num(0.0));
                        let name = taken.of(&model.vars[of].name);
                        let var = Var { name, kind, cable: None, ..model.vars[of].clone() };
                        let state = model.vars.push(var);
                        out.push(Kept { population, of, taken, state, observed: None });
                        state
                    }
                };
                synapse.vars[id].kind = if side == Side::Pre { VarKind::Pre(state) } else { VarKind::Post(state) };
            }
        }
        for kept in &mut out {
            if matches!(kept.taken.how, Take::Mean(_)) && self.is_known_in_a_step(kept) {
                kept.observed = Some(self.populations[kept.population].observe(kept.of));
            }
        }
        for kept in &out {
            let p = &mut self.populations[kept.population];
            p.solved = Arc::new(discretize(&p.model));
        }
        out
    }
}

impl Network {
    /// Returns whether the value at the end of a step follows from states and parameters as a step leaves them.
    fn is_known_in_a_step(&self, kept: &Kept) -> bool {
        let model = &self.populations[kept.population].model;
        let received = |port: VarId| {
            let to = |p: &super::Projection| p.post.population == kept.population && p.port == port;
            self.projections.iter().any(|p| to(p) && p.synapse.deliver.is_some())
        };
        matches!(model.vars[kept.of].kind, VarKind::Let(_))
            && model.cables.is_empty()
            && !model.any(&Expr::Var(kept.of), &mut |e| match e {
                Expr::Time => true,
                Expr::Var(v) => matches!(model.vars[*v].kind, VarKind::AnalogPort(_)) && received(*v),
                _ => false,
            })
    }
}

impl super::Population {
    /// Lets a state have the values of a `let` at the end of every step; returns it.
    fn observe(&mut self, of: VarId) -> VarId {
        let model = Arc::make_mut(&mut self.model);
        if let Some((state, _)) = model.observed.iter().find(|(_, known)| *known == of) {
            return *state;
        }
        let like = model.vars[of].clone();
        let name = format!("{} at the end of a step", like.name);
        let state = model.vars.push(Var { name, kind: VarKind::State(Expr::Num(0.0)), ..like });
        model.observed.push((state, of));
        state
    }
}

/// Returns a duration in steps, if it is a whole number of them.
pub fn steps_of(duration: f64, dt: f64) -> Option<usize> {
    let steps = (duration / dt).round();
    (steps >= 1.0 && (duration - steps * dt).abs() <= 1e-6 * dt).then_some(steps as usize)
}
