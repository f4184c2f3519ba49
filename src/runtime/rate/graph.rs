//! Values that follow from one another, each computed when it is asked for and what it depends on has changed.

use super::array::Array;
use super::kernel::Compiled;
use crate::hir::{Expr, Taken, VarId};
use cranelift_entity::{PrimaryMap, entity_impl};

/// A value of all cells of a population, or of all synapses of a projection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(u32);
entity_impl!(Node, "node");

/// What lanes of a kernel are, and whose variables its expressions name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// Cells of a population, by its model's variables.
    Cells(usize),
    /// Sources of a projection, by its synapse's variables.
    Sources(usize),
    /// Targets of a projection, by its synapse's variables.
    Targets(usize),
    /// Synapses of a projection, a source at a time.
    Synapses(usize),
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// A variable of a population.
    Variable(usize, VarId),
    /// What is assigned to a port.
    Base(usize, VarId),
    /// What a projection adds to its port, if others do too.
    Contribution(usize),
    /// An expression; with a row for each example whatever it reads, if so asked.
    Expression(Domain, Expr, bool),
    /// Some of the cells of another value.
    Part(Node, usize, usize),
    /// A variable of a population, so many steps ago; zero before, if so asked.
    Past(usize, VarId, u32, bool),
    /// A variable of the sources of a projection, which reaches each synapse after its own delay.
    Late(usize, VarId),
    /// What is taken of another value in the last window of a name.
    Window(Node, Taken),
    /// Weights or states of a projection's synapses.
    Synaptic(usize, VarId),
    /// What multiplies sums over examples.
    Scale,
    /// 1 where a projection has a synapse, 0 elsewhere.
    Mask(usize),
}

/// How it is computed.
pub enum What {
    /// It is not: it is set from outside.
    Given,
    /// Element by element from an expression; compiled when first needed.
    Elementwise(Domain, Expr, Option<Box<Compiled>>),
    /// What is assigned to a port and what the only projection to it adds.
    Port(Node, usize),
    /// What is assigned to a port and what projections add, each from its first cell on.
    Sum(Node, Vec<(Node, usize)>),
    /// What one projection adds.
    Contribution(usize),
    /// Some of the cells.
    Part(Node, usize),
    /// The values that reach the synapses of one source, which are brought when they are read.
    Late,
}

/// A value and its place in memory.
pub struct Entry {
    /// What it is.
    pub key: Key,
    /// How it is computed.
    pub what: What,
    /// The numbers.
    pub array: Array,
    /// What it is computed from.
    pub inputs: Vec<Node>,
    /// What is computed from it.
    pub users: Vec<Node>,
    /// Whether the numbers are those that follow from its inputs.
    pub fresh: bool,
}

/// All values.
#[derive(Default)]
pub struct Graph {
    /// The values.
    pub nodes: PrimaryMap<Node, Entry>,
    /// Values that are to be computed anew at every step: those that depend on time.
    pub timed: Vec<Node>,
}

impl Graph {
    /// Finds a value.
    pub fn find(&self, key: &Key) -> Option<Node> {
        self.nodes.iter().find(|(_, e)| e.key == *key).map(|(n, _)| n)
    }

    /// Adds a value.
    pub fn add(&mut self, key: Key, what: What, array: Array, inputs: Vec<Node>) -> Node {
        let fresh = matches!(what, What::Given);
        let node = self.nodes.push(Entry { key, what, array, inputs: inputs.clone(), users: Vec::new(), fresh });
        for input in inputs {
            if !self.nodes[input].users.contains(&node) {
                self.nodes[input].users.push(node);
            }
        }
        node
    }

    /// Lets a value follow from nothing any more: it is set from outside from now on.
    pub fn release(&mut self, node: Node) {
        for input in std::mem::take(&mut self.nodes[node].inputs) {
            self.nodes[input].users.retain(|user| *user != node);
        }
        (self.nodes[node].what, self.nodes[node].fresh) = (What::Given, true);
    }

    /// Notes that a value has changed: what depends on it is to be computed anew.
    pub fn changed(&mut self, node: Node) {
        for i in 0..self.nodes[node].users.len() {
            let user = self.nodes[node].users[i];
            if std::mem::take(&mut self.nodes[user].fresh) {
                self.changed(user);
            }
        }
    }

    /// Notes that a value must be computed anew.
    pub fn stale(&mut self, node: Node) {
        if !matches!(self.nodes[node].what, What::Given) {
            self.nodes[node].fresh = false;
        }
        self.changed(node);
    }

    /// Lists what must be computed for a value, inputs first.
    pub fn plan(&self, node: Node, out: &mut Vec<Node>) {
        if self.nodes[node].fresh || out.contains(&node) {
            return;
        }
        for input in &self.nodes[node].inputs {
            self.plan(*input, out);
        }
        out.push(node);
    }
}
