//! Values of a network that has not run yet, as they follow from its states, inputs and weights.

use super::{Network, Projection, View};
use crate::hir::{Expr, VarId, VarKind};
use crate::math::eval;
use std::collections::BTreeMap;

/// Overwrites the values that a port begins with, one per cell, by those of the functions of time that it follows.
pub type Follows<'a> = dyn Fn(usize, VarId, &mut [f64]) + 'a;

/// Values at the beginning, each computed once.
pub struct Initial<'a> {
    network: &'a Network,
    follows: &'a Follows<'a>,
    dt: f64,
    known: BTreeMap<(usize, VarId), Vec<f64>>,
}

impl<'a> Initial<'a> {
    /// Prepares the values of a network; `follows` gives those of ports that follow functions of time.
    pub fn new(network: &'a Network, dt: f64, follows: &'a Follows<'a>) -> Initial<'a> {
        Initial { network, follows, dt, known: BTreeMap::new() }
    }

    /// Returns the values of a variable, one per cell, if it has any before the first step; of a cable, those of its first segment.
    /// Nothing follows from itself: that has been refused.
    pub fn of(&mut self, population: usize, var: VarId) -> Option<&[f64]> {
        if !self.known.contains_key(&(population, var)) {
            let values = self.compute(population, var)?;
            self.known.insert((population, var), values);
        }
        self.known.get(&(population, var)).map(Vec::as_slice)
    }

    fn compute(&mut self, population: usize, var: VarId) -> Option<Vec<f64>> {
        let p = &self.network.populations[population];
        match &p.model.vars[var].kind {
            VarKind::State(_) => Some((0..p.n).map(|c| p.initial(var, c, 0)).collect()),
            VarKind::Segment(of, segment) => Some((0..p.n).map(|c| p.initial(*of, c, *segment)).collect()),
            VarKind::Param(_) => p.params.get(&var).map(|v| (0..p.n).map(|c| v.at(c)).collect()),
            VarKind::AnalogPort(_) => self.input(population, var),
            // No window has ended yet.
            VarKind::Window(of, _) => self.of(population, *of).map(<[f64]>::to_vec),
            // Nothing has happened yet.
            VarKind::Response(_) => Some(vec![0.0; p.n]),
            VarKind::Let(e) => self.definition(population, &e.clone().at_time(0.0)),
            _ => None,
        }
    }

    fn definition(&mut self, population: usize, e: &Expr) -> Option<Vec<f64>> {
        let n = self.network.populations[population].n;
        for v in variables(e) {
            self.of(population, v)?;
        }
        let value = |c: usize| eval(e, &|v| Some(self.known.get(&(population, v))?[c]), Some(self.dt));
        (0..n).map(value).collect()
    }

    /// What is assigned to a port and what projections contribute.
    fn input(&mut self, population: usize, port: VarId) -> Option<Vec<f64>> {
        let network = self.network;
        let p = &network.populations[population];
        let assigned = p.ports.get(&port);
        let mut sum: Vec<f64> = (0..p.n).map(|c| assigned.map_or(0.0, |v| v.at(c))).collect();
        (self.follows)(population, port, &mut sum);
        for (k, q) in network.projections.iter().enumerate() {
            if q.post.population == population && q.port == port {
                self.contribute(k, q, &mut sum)?;
            }
        }
        Some(sum)
    }

    fn contribute(&mut self, k: usize, q: &Projection, sum: &mut [f64]) -> Option<()> {
        let Some(deliver) = &q.synapse.deliver else { return Some(()) };
        let deliver = q.synapse.inline(deliver.clone());
        let returning = self.network.returning(k);
        let weight = &q.transpose_of.map_or(q, |of| &self.network.projections[of]).weight;
        let place = |v: VarId| -> Option<(View, VarId, bool)> {
            match q.synapse.vars[v].kind {
                VarKind::Pre(of) => Some((q.pre, of, true)),
                VarKind::Post(of) => Some((q.post, of, false)),
                _ => None,
            }
        };
        for v in variables(&deliver).into_iter().filter(|v| !returning.contains(v)) {
            if let Some((view, of, _)) = place(v) {
                self.of(view.population, of)?;
            } else if let Some((view, of)) = q.modulators.get(&v) {
                self.of(view.population, *of)?;
            }
        }
        for (synapse, e) in q.pairs.edges().iter().enumerate() {
            let value = |v: VarId| {
                if returning.contains(&v) {
                    return Some(0.0);
                }
                if let Some((view, of, pre)) = place(v) {
                    return Some(self.known.get(&(view.population, of))?[if pre { e.pre } else { e.post } as usize]);
                }
                if let Some((view, of)) = q.modulators.get(&v) {
                    let cell = if view.n == 1 { 0 } else { e.post as usize - q.post.start };
                    return Some(self.known.get(&(view.population, *of))?[view.start + cell]);
                }
                match q.synapse.vars[v].kind {
                    VarKind::Weight => Some(weight.at(synapse)),
                    _ => match q.values.get(&v) {
                        Some(each) => Some(each.at(synapse)),
                        None => q.params.get(&v).or(q.init.get(&v)).copied(),
                    },
                }
            };
            sum[e.post as usize] += eval(&deliver, &value, Some(self.dt))?;
        }
        Some(())
    }
}

fn variables(e: &Expr) -> Vec<VarId> {
    let mut out = Vec::new();
    e.walk(&mut |e| {
        if let Expr::Var(v) = e {
            out.push(*v);
        }
    });
    out
}
