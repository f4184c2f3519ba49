//! What is taken of windows in a network without events.

use super::graph::{Entry, Key, Node};
use super::{Array, Averaged, Inner};
use crate::plan::Network;
use crate::runtime::windows::{Average, TooShort};

impl Inner {
    /// Lists what is taken of windows of a name, or of all: where it is kept, and of which value.
    fn taken_of(&self, name: Option<&str>) -> Vec<(Node, Node)> {
        let of = |e: &Entry| match &e.key {
            Key::Window(of, taken) if name.is_none_or(|name| taken.window == name) => Some(*of),
            _ => None,
        };
        self.graph.nodes.iter().filter_map(|(n, e)| of(e).map(|of| (n, of))).collect()
    }

    /// Prepares means, and lets everything taken of windows be what the network begins with.
    pub fn find_windows(&mut self, net: &Network) {
        self.beginning = self.taken_of(None);
        self.begin_windows(net);
        for (node, of) in self.taken_of(None) {
            let Key::Window(_, taken) = &self.graph.nodes[node].key else { continue };
            let Some(average) = Average::for_what(taken, self.options.dt) else { continue };
            self.averages.push(Averaged { window: taken.window.clone(), average, of, node });
        }
    }

    /// Lets what is taken of windows be what there is now, until one of their name has ended.
    pub fn begin_windows(&mut self, net: &Network) {
        for k in 0..self.beginning.len() {
            let (node, of) = self.beginning[k];
            self.copy_value(net, node, of);
        }
    }

    /// Adds the present values to the means over open windows.
    pub fn follow_windows(&mut self, net: &Network) {
        let mut averages = std::mem::take(&mut self.averages);
        for a in averages.iter_mut().filter(|a| a.average.is_open()) {
            self.pull(net, a.of);
            a.average.add(&self.graph.nodes[a.of].array.buffer);
        }
        self.averages = averages;
    }

    /// Keeps what is taken of a window that ends.
    pub fn end_window(&mut self, net: &Network, name: &str) -> Result<(), TooShort> {
        let mut averages = std::mem::take(&mut self.averages);
        let mut result = Ok(());
        let taken = self.taken_of(Some(name));
        self.beginning.retain(|of| !taken.contains(of));
        for (node, of) in taken {
            let Some(a) = averages.iter_mut().find(|a| a.node == node) else {
                self.copy_value(net, node, of);
                continue;
            };
            match a.average.end() {
                Ok(Some(values)) => {
                    let buffer = &mut self.graph.nodes[node].array.buffer;
                    values.iter().enumerate().for_each(|(i, x)| buffer.set(i, *x));
                    self.graph.changed(node);
                }
                Ok(None) => {}
                Err(needed) => {
                    let Key::Window(_, taken) = &self.graph.nodes[node].key else { continue };
                    let name = match self.graph.nodes[of].key {
                        Key::Variable(p, v) => &net.populations[p].model.vars[v].name,
                        _ => "",
                    };
                    result = Err(TooShort { what: taken.of(name), steps: a.average.steps(), needed });
                }
            }
        }
        self.averages = averages;
        result
    }

    fn copy_value(&mut self, net: &Network, node: Node, of: Node) {
        self.pull(net, of);
        let mut array = std::mem::replace(&mut self.graph.nodes[node].array, Array::empty(self.options.precision));
        array.buffer.copy_all(&self.graph.nodes[of].array.buffer);
        self.graph.nodes[node].array = array;
        self.graph.changed(node);
    }

    /// Puts means over open windows back; false if they are others.
    pub fn restore_averages(&mut self, from: &[Average]) -> bool {
        self.averages.len() == from.len()
            && self.averages.iter_mut().zip(from).all(|(own, from)| {
                let fits = own.average.is_like(from);
                own.average = from.clone();
                fits
            })
    }
}
