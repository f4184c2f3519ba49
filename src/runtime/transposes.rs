//! Weights that two projections of a network with events share: one has them, the other follows.

use super::simulation::Simulation;
use crate::hir::VarId;
use crate::plan::Column;
use std::sync::Arc;

impl Simulation {
    /// Returns the projection that has the weights of another, and its weight; the projection itself if it has its own.
    pub(super) fn owner(&self, projection: usize, variable: VarId) -> (usize, VarId) {
        let p = &self.network.projections[projection];
        let shared = p.transpose_of.filter(|_| p.synapse.weight() == Some(variable));
        match shared.and_then(|of| Some((of, self.network.projections[of].synapse.weight()?))) {
            Some(owner) => owner,
            None => (projection, variable),
        }
    }

    /// Gives those that follow a projection its weights.
    pub(super) fn follow_weights(&mut self, owner: usize) {
        for k in 0..self.network.projections.len() {
            let p = &self.network.projections[k];
            let (true, Some(weight)) =
                (p.transpose_of == Some(owner), self.network.projections[owner].synapse.weight())
            else {
                continue;
            };
            let values = self.synapses(owner, weight);
            self.put_weights(k, &Column::Array(Arc::new(values)));
        }
    }

    /// Replaces the weights of a projection that does not learn.
    pub(super) fn put_weights(&mut self, projection: usize, value: &Column) {
        let p = &mut self.network.projections[projection];
        p.weight = value.clone();
        // What reaches its targets within the step is kept as what learns is.
        if let (Some(plastic), Some(weight)) = (&mut self.plastic[projection], p.synapse.weight()) {
            plastic.replace(p, weight, self.step, value);
            return self.sums.get_mut().forget();
        }
        self.deliveries.renew(&self.network, &self.projections, projection);
        self.sums.get_mut().renew(&self.network, projection);
    }
}
