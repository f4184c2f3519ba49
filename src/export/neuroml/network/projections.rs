//! Projections: a connection for each synapse, with its weight and its delay.

use super::Writer;
use crate::hir::{Expr, Side, Stmt, Synapse, Trigger};
use crate::plan::{Column, Delay, Pairs, Projection};
use crate::units::Dim;
use std::collections::BTreeMap;

impl Writer<'_> {
    /// Writes all projections.
    pub fn projections(&mut self) {
        for p in &self.begun.network.projections {
            let at = self.places.projection(&p.name);
            if let Some((what, why)) = unsaid(p) {
                self.refuse(at, &what, why);
            } else {
                self.projection(p);
            }
        }
    }

    fn projection(&mut self, p: &Projection) {
        let at = self.places.projection(&p.name);
        let [from, to] = [p.pre.population, p.post.population];
        let several = self.begun.network.populations[from].model.events.len() > 1;
        if several {
            self.refuse(at, "sources with several kinds of events", "a cell of a network sends one");
            return;
        }
        let (edges, dt) = (p.pairs.edges(), self.begun.dt);
        let mut lists: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
        for (k, edge) in edges.iter().enumerate() {
            let (pre, post) = (edge.pre as usize, edge.post as usize);
            let pair = (self.groups[from].of[pre].0, self.groups[to].of[post].0);
            let Some((_, unit)) = self.synapse(to, pair.1, p.port) else {
                self.refuse(at, "this projection", "what arrives there is no synapse");
                return;
            };
            let weight = super::super::standard::tidy(p.weight.at(k) * unit);
            let steps = p.delay.at(k) + p.dendritic.at(k) - p.lag;
            let delay = self.quantity(f64::from(steps) * dt, Dim::TIME);
            let list = lists.entry(pair).or_default();
            list.push(format!(
                "            <connectionWD id=\"{}\" preCellId=\"../{}\" postCellId=\"../{}\" weight=\"{weight}\" delay=\"{delay}\"/>\n",
                list.len(),
                self.groups[from].path(pre),
                self.groups[to].path(post)
            ));
        }
        for ((pre, post), list) in lists {
            let Some((synapse, _)) = self.synapse(to, post, p.port) else { continue };
            let id = self.ids.give(if p.name.is_empty() { "projection" } else { &p.name });
            let [pre, post] = [&self.groups[from].all[pre].id, &self.groups[to].all[post].id];
            self.connections += &format!(
                "        <projection id=\"{id}\" presynapticPopulation=\"{pre}\" postsynapticPopulation=\"{post}\" synapse=\"{synapse}\">\n{}        </projection>\n",
                list.concat()
            );
        }
    }
}

/// What of a projection has no counterpart, and why.
fn unsaid(p: &Projection) -> Option<(String, &'static str)> {
    let name = &p.synapse.name;
    if p.synapse.deliver.is_some() {
        return Some((format!("the synapse `{name}`"), "it acts at every step, not at spikes"));
    }
    if !is_plain(&p.synapse) {
        return Some((format!("the synapse `{name}`"), "weights of its synapses stay as they are"));
    }
    if matches!(p.pairs.plain(), Pairs::Convolution(_)) || p.transpose_of.is_some() {
        return Some(("weights that are shared".into(), "each of its connections has its own"));
    }
    let known = |c: &Column| !matches!(c, Column::Array(a) if a.iter().any(|w| !w.is_finite()));
    let endless = matches!(&p.delay, Delay::Const(d) if *d > crate::plan::LONGEST_DELAY);
    (!known(&p.weight) || endless).then(|| ("weights that are no numbers".into(), "each of its connections has one"))
}

/// Whether a synapse does nothing but deliver its weight at spikes.
fn is_plain(s: &Synapse) -> bool {
    let [handler] = &s.handlers[..] else { return false };
    let spike = matches!(&handler.trigger, Trigger::Cell(Side::Pre, event) if event == "spike");
    let weight = |e: &Expr| matches!(e, Expr::Var(v) if s.weight() == Some(*v));
    let delivers = matches!(&handler.body[..], [Stmt::Deliver(e)] if weight(e));
    spike && delivers && s.equations.is_empty() && s.energy.is_none() && s.vars.len() == 1
}
