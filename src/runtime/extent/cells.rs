//! What cells take and do, whether or not they are a process's own.

use super::super::buffer::padded;
use super::super::chance::RARE;
use super::super::exchange::Ranks;
use super::super::options::Options;
use crate::hir::VarId;
use crate::hir::network::model::Process;
use crate::image::{self, Binding, CableSlot, PortSource};
use crate::ir::Precision;
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
    /// Its cables.
    pub cables: Vec<CableExtent>,
    drives: Vec<Drive>,
}

/// A cable of all cells of a population.
pub struct CableExtent {
    /// Places for segments, and how many of them sixteen cells have.
    pub places: usize,
    pub unit: usize,
    /// Values of a segment that processes tell each other.
    pub states: usize,
    /// Operations on a segment in a step, without those that solve for its potential.
    pub operations: f64,
    /// Bytes of a place.
    bytes: f64,
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
        let cables = CableExtent::all(p, &events, options);
        let (operations, planned) = (kernel.kernel().values.len() as f64, planned(p));
        let mut out = CellsExtent { n: p.n, lanes, states: 0, bytes: 0.0, planned, operations, cables, drives };
        // What arrives at segments is summed for each of them.
        let of_segments: Vec<f64> = { events.iter() }.filter_map(|v| Some(p.lanes_of(*v)?.places() as f64)).collect();
        out.bytes += of_segments.iter().sum::<f64>() * slots as f64 * word;
        out.bytes += out.cables.iter().map(|c| c.places as f64 * c.bytes).sum::<f64>();
        let mut rows = ((events.len() - of_segments.len()) * slots + summed.len()) as f64;
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

    /// Returns how many values of its cells and their segments a process tells the others.
    pub fn told(&self, ranks: &Ranks) -> usize {
        let segments = self.cables.iter().map(|c| ranks.own_of(c.places, c.unit).len() * c.states);
        ranks.own(self.lanes).len() * self.states + segments.sum::<usize>()
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

impl CableExtent {
    fn all(p: &Population, events: &BTreeSet<VarId>, options: &Options) -> Vec<CableExtent> {
        let word = options.precision.bytes() as f64;
        let cables = if p.n == 0 { Vec::new() } else { image::cables(p, events, &options.target()) };
        let one = |c: image::CompiledCable| {
            let kernels = || [&c.membrane, &c.gates].into_iter().chain(&c.arrivals);
            // Memory of its own has what is neither a state nor what kernels tell each other.
            let own = |slot: &&CableSlot| {
                use CableSlot::{Clock, Lane, OfCell, Random, Time};
                matches!(slot, Lane(_) | Random(..) | OfCell(_) | Time | Clock(_))
            };
            let own = kernels().flat_map(|kernel| kernel.slots().iter().filter(own)).count();
            let rest = usize::from(options.precision == Precision::F32);
            let (lanes, states) = (c.shape.lanes, c.shape.states.len() + rest);
            // Conductance and current, perhaps those of whole segments, the potential before, and what each cell's shape makes of it.
            let out = if c.shape.whole { 5 } else { 3 } + if p.has_one_shape() { 0 } else { 3 };
            let steady = [&c.membrane, &c.gates].into_iter().map(|kernel| kernel.kernel().values.len());
            CableExtent {
                places: lanes.places(),
                unit: lanes.unit(),
                states,
                operations: steady.sum::<usize>() as f64,
                bytes: (states + out + own) as f64 * word,
            }
        };
        cables.into_iter().map(one).collect()
    }
}

/// Bytes of the values of cells that the plan keeps.
fn planned(p: &Population) -> f64 {
    let columns = p.params.values().chain(p.init.values()).chain(p.ports.values()).chain(p.along.values());
    columns.map(|c| 8.0 * c.listed().unwrap_or(0) as f64).sum()
}
