//! What values were some steps ago: one delay for all, or one per synapse.
//!
//! Before a delay has passed, a value is what it was at the first step; what comes back through delays to what it follows from is zero then.

use super::Inner;
use super::array::Array;
use super::graph::{Key, Node, What};
use super::synapses::Layout;
use crate::hir::VarId;
use crate::plan::{Network, View};
use crate::runtime::Buffer;
use std::collections::VecDeque;

/// A variable of a population at earlier steps.
pub struct Earlier {
    /// The variable.
    pub of: (usize, VarId),
    /// Its value, once all that there are have been made.
    node: Option<Node>,
    /// Over so many steps.
    depth: usize,
    /// The latest first; none before the first step.
    pub ring: VecDeque<Buffer>,
}

/// A value some steps ago.
pub struct Past {
    node: Node,
    kept: usize,
    steps: usize,
    returns: bool,
}

/// Values of sources, each of which reaches a synapse after its own delay.
pub struct Late {
    node: Node,
    projection: usize,
    view: View,
    kept: usize,
    /// By place of the synapse in its rows.
    steps: Vec<u32>,
    returns: bool,
}

impl Earlier {
    /// Returns the values `steps` before the present boundary, or the first ones.
    fn ago(&self, steps: usize) -> Option<&Buffer> {
        self.ring.get(steps - 1).or(self.ring.back())
    }
}

impl Inner {
    /// Finds or makes what a variable of a projection's synapses was some steps ago.
    pub fn past(&mut self, net: &Network, (k, v): (usize, VarId), of: (usize, VarId), steps: u32) -> Node {
        let returns = net.returning(k).contains(&v);
        let key = Key::Past(of.0, of.1, steps, returns);
        if let Some(node) = self.graph.find(&key) {
            return node;
        }
        let node = match returns {
            // What it is follows from this value, so it is made later.
            true => {
                let array = Array::new(self.batch, net.populations[of.0].n, self.precision());
                self.graph.add(key, What::Given, array, Vec::new())
            }
            false => {
                let present = self.variable(net, of.0, of.1);
                let (rows, n) = (self.graph.nodes[present].array.rows, self.graph.nodes[present].array.n);
                self.graph.add(key, What::Part(present, 0), Array::new(rows, n, self.precision()), vec![present])
            }
        };
        let kept = self.keep(of, steps as usize);
        self.past.push(Past { node, kept, steps: steps as usize, returns });
        node
    }

    /// Finds or makes what a variable of the sources is where synapses have delays of their own.
    pub fn late(&mut self, net: &Network, (k, v): (usize, VarId), of: VarId) -> Node {
        let key = Key::Late(k, v);
        if let Some(node) = self.graph.find(&key) {
            return node;
        }
        let p = &net.projections[k];
        let returns = net.returning(k).contains(&v);
        let present = (!returns).then(|| self.variable(net, p.pre.population, of));
        let rows = present.map_or(self.batch, |node| self.graph.nodes[node].array.rows);
        let what = match (self.synapses[k].layout, present) {
            (Layout::Diagonal, None) => What::Given,
            (Layout::Diagonal, Some(node)) => What::Part(node, p.pre.start),
            _ => What::Late,
        };
        let array = Array::new(rows, p.post.n, self.precision());
        let node = self.graph.add(key, what, array, present.into_iter().collect());
        let (rows, n) = self.synapses[k].extent();
        let (more, mut steps) = (p.delayed.get(&v).copied().unwrap_or(0), vec![1; rows * n]);
        for synapse in 0..p.pairs.len() {
            let (i, j) = self.synapses[k].at(p, synapse);
            steps[i * n + j] = p.delay.at(synapse) + more;
        }
        let longest = steps.iter().max().copied().unwrap_or(1) as usize;
        let kept = self.keep((p.pre.population, of), longest);
        self.late.push(Late { node, projection: k, view: p.pre, kept, steps, returns });
        node
    }

    /// Keeps a variable over so many steps from now on.
    fn keep(&mut self, of: (usize, VarId), steps: usize) -> usize {
        let found = self.kept.iter().position(|k| k.of == of);
        let kept = found.unwrap_or_else(|| {
            self.kept.push(Earlier { of, node: None, depth: 0, ring: VecDeque::new() });
            self.kept.len() - 1
        });
        self.kept[kept].depth = self.kept[kept].depth.max(steps);
        kept
    }

    /// Finds the values that are kept, once all that they follow from have been made.
    pub fn find_kept(&mut self, net: &Network) {
        for i in 0..self.kept.len() {
            let (population, var) = self.kept[i].of;
            self.kept[i].node = Some(self.variable(net, population, var));
        }
    }

    /// Takes note of the values at the beginning of a step, when all that it reads of earlier ones has been read.
    pub fn keep_present(&mut self, net: &Network) {
        for i in 0..self.kept.len() {
            self.kept[i].node.into_iter().for_each(|node| self.pull(net, node));
        }
        for i in 0..self.kept.len() {
            let Some(of) = self.kept[i].node else { continue };
            let Earlier { depth, ring, .. } = &mut self.kept[i];
            let now = &self.graph.nodes[of].array.buffer;
            let recycled = if ring.len() == *depth { ring.pop_back() } else { None };
            let mut latest = recycled.unwrap_or_else(|| Buffer::new(now.len(), self.options.precision));
            latest.copy_all(now);
            ring.push_front(latest);
        }
    }

    /// Brings the values of earlier steps to where they are read, after a step.
    pub fn bring_past(&mut self, net: &Network) {
        for i in 0..self.past.len() {
            let Past { node, kept, steps, returns } = self.past[i];
            self.graph.release(node);
            if returns && self.step < steps as u64 {
                continue;
            }
            if let Some(then) = self.kept[kept].ago(steps) {
                self.graph.nodes[node].array.buffer.copy_all(then);
                self.graph.changed(node);
            }
        }
        for i in 0..self.late.len() {
            let (node, k) = (self.late[i].node, self.late[i].projection);
            self.graph.release(node);
            if self.synapses[k].layout == Layout::Diagonal {
                let part = 0..net.projections[k].post.n;
                self.bring(i, part, &|lane| lane);
            }
            self.graph.changed(node);
        }
    }

    /// Returns whether values reach synapses after delays of their own.
    pub fn is_late(&self, node: Node) -> bool {
        matches!(self.graph.nodes[node].key, Key::Late(..))
    }

    /// Brings what reaches the synapses of one source of a projection.
    pub fn bring_late(&mut self, net: &Network, k: usize, source: usize) {
        let n = net.projections[k].post.n;
        for i in 0..self.late.len() {
            if self.late[i].projection == k && self.synapses[k].layout != Layout::Diagonal {
                self.bring(i, source * n..(source + 1) * n, &|_| source);
            }
        }
    }

    /// Fills the lanes of a late value with what each had so many steps ago as its synapse says; `source` gives the cell of a lane.
    fn bring(&mut self, late: usize, synapses: std::ops::Range<usize>, source: &dyn Fn(usize) -> usize) {
        let Late { node, view, kept, ref steps, returns, .. } = self.late[late];
        let (step, kept) = (self.step, &self.kept[kept]);
        let empty = Array::empty(self.options.precision);
        let mut array = std::mem::replace(&mut self.graph.nodes[node].array, empty);
        let Some(of) = kept.node.map(|node| &self.graph.nodes[node].array) else { return };
        for row in 0..self.active.min(array.rows) {
            for (lane, steps) in steps[synapses.clone()].iter().enumerate() {
                let at = of.row_of(row) * of.ld + view.start + source(lane);
                let before = returns && step < u64::from(*steps);
                let value = if before { 0.0 } else { kept.ago(*steps as usize).unwrap_or(&of.buffer).get(at) };
                array.buffer.set(row * array.ld + lane, value);
            }
            array.pad(row);
        }
        self.graph.nodes[node].array = array;
    }
}
