//! Synapses of which each of several processes has those onto its own cells: it applies rules to them, and computes what they deliver, of
//! all examples. Others hear of them when somebody reads them.

use super::Inner;
use super::graph::Key;
use super::synapses::Layout;
use crate::hir::VarKind;
use crate::plan::{GROUP, Network};
use crate::runtime::buffer::padded;
use crate::runtime::exchange::{Array, Layout as Lanes};
use crate::solve::{Splitter, owner_in_synapse};
use std::collections::BTreeSet;
use std::ops::Range;

/// Fewer targets are not dealt out.
const FEWEST: usize = 4 * GROUP;

impl Inner {
    /// Lists the projections whose synapses are dealt out to several processes: those of which a product alone reads the weights, and that
    /// have cells for some.
    pub fn dealt_among_several(&self, net: &Network) -> BTreeSet<usize> {
        let transposed: BTreeSet<usize> = net.projections.iter().filter_map(|p| p.transpose_of).collect();
        let is_dealt = |k: &usize| {
            let (p, synapses) = (&net.projections[*k], &self.synapses[*k]);
            let states = p.synapse.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::State(_)));
            let apart = !transposed.contains(k) && p.transpose_of.is_none() && p.energy.is_none();
            apart
                && synapses.layout == Layout::Dense
                && p.post.n >= FEWEST
                && self.is_dealt(self.batch * synapses.multiplications())
                && states.map(|(v, _)| v).all(|v| !synapses.is_single(v))
                && delivers_products(p)
        };
        (0..net.projections.len()).filter(is_dealt).collect()
    }

    /// Returns whether this process has only some of the synapses of a projection.
    pub fn is_dealt_out(&self, k: usize) -> bool {
        self.dealt.contains(&k)
    }

    /// Returns the lanes of targets whose synapses are this process's, of so many.
    pub fn own_lanes(&self, k: usize, lanes: usize) -> Range<usize> {
        if self.is_dealt_out(k) { self.options.ranks.own(lanes) } else { 0..lanes }
    }

    /// Notes that synapses have changed of which this process has only some; returns whether all processes can go on.
    pub fn changed_in_part(&mut self, k: usize, finite: &mut [bool]) {
        if self.is_dealt_out(k) {
            self.partial.insert(k);
            let all = self.options.ranks.tell(&finite.to_vec());
            finite.iter_mut().enumerate().for_each(|(rule, finite)| *finite = all.iter().all(|of| of[rule]));
        }
    }

    /// Gives all processes the synapses of a projection as they are.
    pub fn complete_synapses(&mut self, net: &Network, k: usize) {
        if !self.partial.remove(&k) {
            return;
        }
        let size = self.precision().bytes();
        let lanes = Lanes { lanes: padded(net.projections[k].post.n), unit: GROUP, size };
        let each = net.projections[k].synapse.vars.keys().filter_map(|v| self.graph.find(&Key::Synaptic(k, v)));
        for node in each.collect::<Vec<_>>() {
            let bytes = self.graph.nodes[node].array.buffer.bytes_mut();
            self.options.ranks.complete(vec![Array { bytes, layout: lanes }]);
        }
    }

    /// Gives all processes all synapses as they are.
    pub fn complete_all_synapses(&mut self, net: &Network) {
        for k in self.partial.clone() {
            self.complete_synapses(net, k);
        }
    }
}

/// Whether what a projection delivers is a sum of products of matrices.
fn delivers_products(p: &crate::plan::Projection) -> bool {
    let Some(deliver) = &p.synapse.deliver else { return false };
    let single = |v| p.is_of_one(v);
    let owner = owner_in_synapse(&p.synapse, &single);
    let terms = Splitter { owner: &owner }.terms(&p.synapse.inline(deliver.clone()));
    p.spread().is_none() && terms.iter().all(|t| t.mixed.is_none())
}
