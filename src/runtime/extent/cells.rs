//! What cells take and do, whether or not they are a process's own.

use super::super::buffer::padded;
use super::super::chance::RARE;
use super::super::options::Options;
use crate::hir::VarId;
use crate::hir::network::model::Process;
use crate::image::{self, Binding, PortSource};
use crate::plan::{Column, Drive, DriveKind, Network, Population};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A population.
pub struct CellsExtent {
    /// Cells, and lanes for them.
    pub n: usize,
    pub lanes: usize,
    /// States that are kept from step to step.
    pub states: usize,
    /// Bytes of what runs, and of the plan.
    pub bytes: f64,
    pub planned: f64,
    /// Operations on a cell in a step.
    pub operations: f64,
    drives: Vec<Drive>,
}

impl CellsExtent {
    /// Finds what the populations of a network take, for passes of so many steps and rings of so many slots.
    pub fn all(network: &Network, (steps, slots): (usize, usize), options: &Options) -> Vec<CellsExtent> {
        let one = |(k, p)| CellsExtent::new(network, (k, p), (steps, slots), options);
        network.populations.iter().enumerate().map(one).collect()
    }

    fn new(
        network: &Network,
        (index, p): (usize, &Population),
        (steps, slots): (usize, usize),
        options: &Options,
    ) -> CellsExtent {
        let (lanes, word) = (padded(p.n), options.precision.bytes() as f64);
        let (mut events, mut summed) = (BTreeSet::new(), BTreeSet::new());
        for q in network.projections.iter().filter(|q| q.post.population == index) {
            if q.synapse.deliver.is_some() {
                summed.insert(q.port)
            } else {
                events.insert(q.port)
            };
        }
        let drives: Vec<Drive> = network.drives.iter().filter(|d| d.post.population == index).cloned().collect();
        events.extend(drives.iter().map(|d| d.port));
        let source = |(v, c): (&VarId, &Column)| match summed.contains(v) {
            true => (*v, PortSource::Step),
            false => (*v, PortSource::Fixed(c.clone())),
        };
        let ports: BTreeMap<VarId, PortSource> = p.ports.iter().map(source).collect();
        let kernel = image::update(p, &ports, &events, steps, &options.target());
        let mut out =
            CellsExtent { n: p.n, lanes, states: 0, bytes: 0.0, planned: planned(p), operations: 0.0, drives };
        out.operations = kernel.kernel().values.len() as f64;
        let mut rows = (events.len() * slots + summed.len()) as f64;
        for slot in kernel.slots() {
            match slot {
                Binding::State(_) | Binding::Hidden(_) => {
                    out.states += 1;
                    rows += 2.0;
                }
                Binding::Lane(..) => rows += 1.0,
                Binding::Random(_) | Binding::Count(_) => rows += steps as f64,
                Binding::Clock(c) if !c.is_uniform() => rows += steps as f64,
                Binding::Event(_) => out.bytes += (steps * lanes / kernel.lanes_per_byte()) as f64,
                _ => {}
            }
        }
        out.bytes += rows * lanes as f64 * word;
        out.planned += out.drives.iter().map(|d| 8.0 * d.weight.listed().unwrap_or(0) as f64).sum::<f64>();
        out
    }

    /// Returns how many numbers of events drives draw for single cells of some lanes in a step, and how many events block by block.
    pub fn driven(&self, own: &Range<usize>, dt: f64) -> (f64, f64) {
        let (mut draws, mut arrivals) = (0.0, 0.0);
        for d in &self.drives {
            let cells = own.end.min(d.post.start + d.post.n).saturating_sub(own.start.max(d.post.start)) as f64;
            match &d.kind {
                DriveKind::Random(Process::Poisson | Process::Bernoulli, Column::Const(rate)) if rate * dt <= RARE => {
                    arrivals += cells * rate * dt;
                }
                DriveKind::Random(..) | DriveKind::RandomOf(..) => draws += cells,
                DriveKind::Spikes(_) => {}
            }
        }
        (draws, arrivals)
    }
}

/// Bytes of the values of cells that the plan keeps.
fn planned(p: &Population) -> f64 {
    let columns = p.params.values().chain(p.init.values()).chain(p.ports.values()).chain(p.along.values());
    columns.map(|c| 8.0 * c.listed().unwrap_or(0) as f64).sum()
}
