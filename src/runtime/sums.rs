//! Values of analog ports at a step boundary: what is assigned to each and what projections add to it, in the order of projections.

use super::buffer::{Buffer, padded};
use super::continuous::{Cells, Continuous};
use super::exchange::{Array, Ranks};
use super::history::History;
use super::options::Options;
use super::plastic::Plastic;
use super::population::Pop;
use super::reading::Readings;
use crate::hir::VarId;
use crate::image::Listing;
use crate::plan::Network;
use std::collections::BTreeMap;

/// Sums of the continuous contributions to ports.
pub struct Sums {
    /// By projection.
    contributions: Vec<Option<Continuous>>,
    /// The ports, each after those from which what it receives follows.
    order: Vec<(usize, VarId)>,
    values: BTreeMap<(usize, VarId), Buffer>,
    /// Variables of cells that contributions read.
    read: BTreeMap<(usize, VarId), Buffer>,
    /// By projection: delayed variables that follow from what the projection delivers.
    returning: Vec<Vec<VarId>>,
    /// The step boundary of the values, if they are still those that follow from the states.
    at: Option<u64>,
    /// Whether synapses may have changed that only do so at signals.
    changed: bool,
}

/// What sums are computed from.
pub struct Present<'a> {
    /// Populations.
    pub pops: &'a [Pop],
    /// Their plan.
    pub network: &'a Network,
    /// By projection: synapses that change.
    pub plastic: &'a [Option<Plastic>],
    /// Earlier values.
    pub history: &'a History,
    /// How variables of cells are read.
    pub readings: &'a Readings,
    /// The step boundary.
    pub step: u64,
    /// Time step, internal units.
    pub dt: f64,
    /// The processes, each of which has the synapses onto its own cells.
    pub ranks: &'a Ranks,
}

impl Sums {
    /// Compiles the contributions of all projections.
    pub fn new(network: &Network, options: &Options) -> Sums {
        let contributions: Vec<Option<Continuous>> =
            network.projections.iter().map(|p| Continuous::new(p, options)).collect();
        let buffer = |population: usize| Buffer::new(padded(network.populations[population].n), options.precision);
        let order = network.order_of_sums();
        let reads = contributions.iter().zip(&network.projections);
        let reads = reads.flat_map(|(c, p)| c.iter().flat_map(|c| c.reads(p)));
        Sums {
            values: order.iter().map(|key| (*key, buffer(key.0))).collect(),
            read: reads.map(|key| (key, buffer(key.0))).collect(),
            returning: (0..network.projections.len()).map(|k| network.returning(k)).collect(),
            contributions,
            order,
            at: None,
            changed: true,
        }
    }

    /// Returns the ports and their values.
    pub fn ports(&self) -> impl Iterator<Item = (&(usize, VarId), &Buffer)> {
        self.values.iter()
    }

    /// Returns the values of a port, if projections contribute to it.
    pub fn of(&self, population: usize, port: VarId) -> Option<&Buffer> {
        self.values.get(&(population, port))
    }

    /// Notes that something has changed from which the values follow.
    pub fn forget(&mut self) {
        (self.at, self.changed) = (None, true);
    }

    /// Returns the kernels of a projection's contribution, if it has one.
    pub fn listings(&self, projection: usize) -> Vec<Listing> {
        self.contributions[projection].as_ref().map_or(Vec::new(), Continuous::listings)
    }

    /// Compiles the contribution of a projection anew.
    pub fn compile(&mut self, network: &Network, projection: usize, options: &Options) {
        self.contributions[projection] = Continuous::new(&network.projections[projection], options);
        self.forget();
    }

    /// Reads the weights of a projection that does not learn anew.
    pub fn renew(&mut self, network: &Network, projection: usize) {
        if let Some(c) = &mut self.contributions[projection] {
            let p = &network.projections[projection];
            c.refresh(&|variable, out| match p.synapse.weight() == Some(variable) {
                true => out.iter_mut().enumerate().for_each(|(k, w)| *w = p.weight.at(k)),
                false => out.copy_from_slice(&p.all_initial(variable)),
            });
        }
        self.forget();
    }

    /// Computes the values at a step boundary, if they are not known.
    pub fn update(&mut self, now: &Present) {
        if self.at == Some(now.step) {
            return;
        }
        let t = now.step as f64 * now.dt;
        let Sums { contributions, order, values, read, returning, .. } = self;
        for (population, port) in order.iter() {
            let Some(mut sum) = values.remove(&(*population, *port)) else { continue };
            now.pops[*population].own_input(&now.network.populations[*population], *port, t, &mut sum);
            for (k, p) in now.network.projections.iter().enumerate() {
                let here = p.post.population == *population && p.port == *port;
                let Some(c) = contributions[k].as_mut().filter(|_| here) else { continue };
                let steady = crate::solve::changes_at_signals_only(&p.synapse);
                if let Some(plastic) = now.plastic[k].as_ref().filter(|_| self.changed || !steady) {
                    c.refresh(&|variable, out| plastic.copy(p, variable, now.step, out));
                }
                for (of, var) in c.reads(p) {
                    let Some(to) = read.get_mut(&(of, var)) else { continue };
                    let summed = |port: VarId| values.get(&(of, port));
                    let p = (of, &now.network.populations[of]);
                    now.pops[of].read(p, var, (t, now.readings), &summed, to);
                }
                c.run(p, &Seen { now, read, returning: &returning[k] }, &mut sum);
            }
            if now.ranks.are_several() {
                now.ranks.complete(vec![Array::of(&mut sum, now.pops[*population].lanes)]);
            }
            values.insert((*population, *port), sum);
        }
        (self.at, self.changed) = (Some(now.step), false);
    }
}

/// What the contributions of a projection see of the cells.
struct Seen<'a> {
    now: &'a Present<'a>,
    read: &'a BTreeMap<(usize, VarId), Buffer>,
    returning: &'a [VarId],
}

impl Cells for Seen<'_> {
    fn values(&self, population: usize, var: VarId, steps: u32) -> Option<&Buffer> {
        let past = self.now.history.value(population, var, steps as usize, self.now.step);
        past.or_else(|| self.read.get(&(population, var)))
    }

    fn before(&self, variable: VarId, steps: u32) -> Option<f64> {
        (self.now.step < u64::from(steps) && self.returning.contains(&variable)).then_some(0.0)
    }
}
