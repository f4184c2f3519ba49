//! What a network takes, does and tells in each of several processes, found from its plan: nothing is built, drawn or run.
//!
//! Lanes are dealt out, projections put into bundles and lanes into blocks by what does it in a run. What is drawn is taken as its
//! expectation; events of different cells and steps are taken to be independent.

mod batch;
mod cells;
mod costs;
mod rows;

pub use self::costs::{Costs, NAMES as COSTS, Time};

use self::cells::CellsExtent;
use self::rows::Bundle;
use super::delivery::FAR;
use super::exchange::{LENGTH, Others, Ranks, handed};
use super::history::History;
use super::options::Options;
use super::projection::Proj;
use super::simulation::{by_level, pass};
use super::windows::Windows;
use crate::hir::{EventId, Side, Trigger};
use crate::parallel;
use crate::plan::{Column, Delay, Network, Pairs, Projection};
use cranelift_entity::EntityRef;
use std::collections::BTreeMap;
use std::ops::Range;

/// Events per ms of a cell of a population, by the population and the event.
pub type Rates<'a> = &'a dyn Fn(usize, EventId) -> f64;

/// A network that is asked what it would take.
pub struct Extent {
    network: Network,
    options: Options,
    cells: Vec<CellsExtent>,
    bundles: Vec<Bundle>,
    others: Others,
    /// Populations with a port that receives continuous contributions, once for each.
    summed: Vec<usize>,
    levels: Vec<Vec<usize>>,
    /// Steps of a pass.
    pass: usize,
    /// By population and event: events per ms of a cell.
    rates: Vec<Vec<f64>>,
    /// Variance over mean of how many events all cells have in a pass.
    fano: f64,
    /// Synapses onto ranges of lanes that projections have as targets: population, lanes, synapses.
    onto: Vec<(usize, Range<usize>, f64)>,
}

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Memory {
    /// Synapses onto its cells.
    pub synapses: f64,
    /// Where the synapses of each source begin.
    pub index: f64,
    /// States, parameters and sums of all cells.
    pub cells: f64,
    /// The plan of the whole network.
    pub plan: f64,
    /// What is there on top while synapses are made.
    pub building: f64,
}

impl Memory {
    /// Returns all of it.
    pub fn sum(&self) -> f64 {
        self.synapses + self.index + self.cells + self.plan + self.building
    }
}

/// What is done in a second of the model's time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Effort {
    /// Steps.
    pub steps: f64,
    /// Passes of steps.
    pub passes: f64,
    /// Operations on single cells, of this process's.
    pub operations: f64,
    /// Segments whose potential is solved for, of this process's cells.
    pub segments: f64,
    /// Numbers of events drawn for single cells, of this process's.
    pub draws: f64,
    /// Events of drives that are drawn block by block, of this process's.
    pub arrivals: f64,
    /// Events at synapses that do not learn, of this process's.
    pub deliveries: f64,
    /// Bytes of rows that these read, where rows lie in memory.
    pub fetched: f64,
    /// Events at synapses that are worked on one by one, of this process's.
    pub changes: f64,
    /// Rows of one source and delay that are looked up, by every thread.
    pub rows: f64,
    /// The same where what says where rows begin lies in memory.
    pub far_rows: f64,
    /// Delays of bundles that are gone through, by every thread.
    pub delays: f64,
    /// Events of all cells, of which every process hears.
    pub events: f64,
    /// How often all tell each other something.
    pub gathers: f64,
    /// Bytes that the process hands over.
    pub handed: f64,
    /// Bytes that it gets of the others.
    pub received: f64,
    /// Bytes that it hands over at the end of each run, whatever its time: states that nobody has read.
    pub ended: f64,
}

/// What a process has and does.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Process {
    /// Its number.
    pub rank: usize,
    /// Its cells.
    pub cells: usize,
    /// Synapses onto them.
    pub synapses: f64,
    /// Its memory.
    pub memory: Memory,
    /// What it does in a second of the model's time.
    pub effort: Effort,
    /// Synapses that it draws when it is built, be they its own or not.
    pub drawn: f64,
}

/// Milliseconds of a second.
const SECOND: f64 = 1000.0;

/// Bytes of a pair of cells that is written out.
const EDGE: f64 = size_of::<crate::plan::Edge>() as f64;

impl Extent {
    /// Prepares a network; `options` say with how many threads each process would run, their processes do not matter.
    ///
    /// `fano` is the variance over the mean of how many events all cells have in a pass: one if they are independent.
    pub fn new(mut network: Network, options: Options, (rates, fano): (Rates, f64)) -> Extent {
        // An example that has others beside it has one thread.
        let options = match network.batch {
            Some(_) => Options { side_by_side: options.threads, threads: 1, ..options },
            None => options,
        };
        network.write_transposes();
        network.remember_events(options.dt);
        let windows = Windows::new(network.keep_windows(), options.dt);
        let mut history = History::default();
        let all = network.projections.iter();
        let projections: Vec<Proj> = all.map(|p| Proj::new(&network, p, &mut history, &options)).collect();
        let bundles = Bundle::all(&network, &projections);
        let (pass, ahead) = pass(&network, windows.have_means(), bundles.iter().map(|b| b.shortest).min());
        let each = network.populations.iter().enumerate();
        let rates: Vec<Vec<f64>> = each.map(|(k, p)| p.model.events.keys().map(|e| rates(k, e)).collect()).collect();
        let cells = CellsExtent::all(&network, (pass, ahead + pass), &options);
        let others = Others::new(&network, windows.kept.iter().map(|(kept, _)| kept.population));
        let summed = network.order_of_sums().into_iter().map(|(population, _)| population).collect();
        let levels = by_level(&network);
        let onto = joined(&network);
        Extent { network, options, cells, bundles, others, summed, levels, pass, rates, fano, onto }
    }

    /// Returns how many cells and synapses there are.
    pub fn size(&self) -> (usize, f64) {
        let (cells, synapses): (usize, f64) =
            (self.cells.iter().map(|c| c.n).sum(), self.onto.iter().map(|(.., synapses)| synapses).sum());
        let examples = self.network.batch.map_or(1, |batch| batch.size);
        (examples * cells, examples as f64 * synapses)
    }

    /// Returns how many steps go by between two times at which processes tell each other events.
    pub fn steps_of_pass(&self) -> usize {
        self.pass
    }

    /// Returns what the process with the most synapses would have and do among so many, and the mean number of synapses.
    pub fn fullest(&self, count: usize) -> (Process, f64) {
        if let Some(batch) = self.network.batch {
            return self.of_examples(batch.size, count);
        }
        let loads = parallel::map(count, |rank| self.load(&Ranks::planned(rank, count)));
        let heavier = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        let rank = (0..count).rev().max_by(|a, b| heavier(&loads[*a], &loads[*b])).unwrap_or(0);
        let mean = loads.iter().map(|(synapses, _)| synapses).sum::<f64>() / count as f64;
        (self.process(rank, count), mean)
    }

    /// Returns the synapses and the cells of a process.
    fn load(&self, ranks: &Ranks) -> (f64, usize) {
        let own: Vec<Range<usize>> = self.cells.iter().map(|c| ranks.own(c.lanes)).collect();
        let part =
            |(population, post, synapses): &(usize, Range<usize>, f64)| synapses * overlap(&own[*population], post);
        let cells = own.iter().zip(&self.cells).map(|(own, c)| own.end.min(c.n).saturating_sub(own.start));
        (self.onto.iter().map(part).sum(), cells.sum())
    }

    /// Returns what a process of so many would have and do.
    pub fn process(&self, rank: usize, count: usize) -> Process {
        let ranks = Ranks::planned(rank, count);
        let (synapses, cells) = self.load(&ranks);
        let memory = self.memory(&ranks);
        let far = (memory.synapses + memory.index >= FAR as f64, memory.index >= FAR as f64);
        let mut effort = self.effort(&ranks, far);
        if count > 1 {
            let told: Vec<f64> = parallel::map(count, |rank| self.told(&Ranks::planned(rank, count)));
            (effort.handed, effort.received) = (told[rank], told.iter().sum::<f64>() - told[rank]);
            effort.gathers = effort.passes * self.gathers() as f64;
            effort.ended = self.ended(&ranks);
        }
        Process { rank, cells, synapses, memory, effort, drawn: self.drawn(&ranks) }
    }

    /// How many synapses a process draws when it is built: all whose lines are those of sources, of others its own.
    fn drawn(&self, ranks: &Ranks) -> f64 {
        let of = |p: &Projection| match &p.pairs {
            Pairs::Drawn(d) if d.is_by_target() => self.own_of(p, ranks),
            _ if !p.stored => 0.0,
            pairs => pairs.len() as f64,
        };
        self.network.projections.iter().map(of).sum()
    }

    /// The synapses of a projection that are a process's.
    fn own_of(&self, p: &Projection, ranks: &Ranks) -> f64 {
        let own = ranks.own(self.cells[p.post.population].lanes);
        p.pairs.len() as f64 * overlap(&own, &(p.post.start..p.post.start + p.post.n))
    }

    fn memory(&self, ranks: &Ranks) -> Memory {
        let word = self.options.precision.bytes() as f64;
        let processors = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let mut out = Memory { cells: self.cells.iter().map(|c| c.bytes).sum(), ..Memory::default() };
        out.cells += self.remembered();
        out.plan = self.cells.iter().map(|c| c.planned).sum::<f64>() + self.planned();
        let mut dealt: BTreeMap<(usize, usize), Vec<Range<usize>>> = BTreeMap::new();
        // They are made one after the other: what is there on top of those before counts.
        let (mut so_far, mut most) = (0.0, 0.0f64);
        for b in &self.bundles {
            let own = dealt.entry(b.lanes).or_insert_with(|| b.blocks(ranks, self.options.threads));
            let taken = b.rows(own, word, processors);
            out.synapses += taken.synapses;
            out.index += taken.index;
            so_far += taken.synapses + taken.index;
            most = most.max(so_far - taken.index + taken.meanwhile);
        }
        for p in self.network.projections.iter().filter(|p| p.is_plastic()) {
            let own = self.own_of(p, ranks);
            let values = crate::plan::synapse_bytes(&p.places(), true, word as usize);
            out.synapses += own * values as f64;
            if !p.is_matrix() {
                let index = p.bytes_per_synapse(word as usize) - values;
                out.index += own * index as f64 + 4.0 * (p.pre.n + p.post.n) as f64;
                most = most.max(out.synapses + out.index + p.pairs.len() as f64 * EDGE + own * EDGE);
            }
        }
        out.building = (most - out.synapses - out.index).max(0.0);
        out
    }

    /// Bytes of the events of the last steps, which every process knows of all.
    fn remembered(&self) -> f64 {
        let mut longest: BTreeMap<(usize, EventId), u32> = BTreeMap::new();
        for b in &self.bundles {
            for event in &b.events {
                let known = longest.entry((b.pre.0, *event)).or_default();
                *known = (*known).max(b.longest);
            }
        }
        let of = |((population, event), steps): (&(usize, EventId), &u32)| {
            let events = self.cells[*population].n as f64 * self.rates[*population][event.index()] * self.options.dt;
            // A list for every step.
            f64::from(*steps) * (24.0 + 4.0 * events)
        };
        longest.iter().map(of).sum()
    }

    /// Bytes of the plan of synapses, which every process has of all.
    fn planned(&self) -> f64 {
        let of = |p: &Projection| {
            let n = p.pairs.len() as f64;
            let chosen = p.chosen.iter().any(Option::is_some) || p.synapse.deliver.is_some();
            let pairs = match &p.pairs {
                Pairs::Listed(_) => n * EDGE,
                Pairs::Drawn(_) if chosen => n * EDGE,
                Pairs::Drawn(d) => 8.0 * (d.lines() + 1) as f64,
                _ => 0.0,
            };
            let weight = if matches!(p.weight, Column::Array(_)) { 8.0 * n } else { 0.0 };
            let listed = |d: &Delay| match d {
                Delay::Array(_) => 2.0 * n,
                Delay::Drawn(_) if p.is_plastic() => 2.0 * n,
                _ => 0.0,
            };
            let placed = p.site.as_ref().is_some_and(|site| !matches!(site.segment, Column::Const(_)));
            let weight = if placed { weight + 8.0 * n } else { weight };
            pairs + weight + listed(&p.delay) + listed(&p.dendritic)
        };
        self.network.projections.iter().map(of).sum()
    }

    fn effort(&self, ranks: &Ranks, (far, far_index): (bool, bool)) -> Effort {
        let steps = SECOND / self.options.dt;
        let word = self.options.precision.bytes() as f64;
        let mut out = Effort { steps, passes: steps / self.pass as f64, ..Effort::default() };
        for (k, c) in self.cells.iter().enumerate() {
            let own = ranks.own(c.lanes);
            out.operations += steps * own.len() as f64 * c.operations;
            for cable in &c.cables {
                let segments = steps * ranks.own_of(cable.places, cable.unit).len() as f64;
                out.segments += segments;
                out.operations += segments * cable.operations;
            }
            let (draws, arrivals) = c.driven(&own, self.options.dt);
            out.draws += steps * draws;
            out.arrivals += steps * arrivals;
            out.events += SECOND * c.n as f64 * self.rates[k].iter().sum::<f64>();
        }
        for b in &self.bundles {
            let own = ranks.own(self.cells[b.population].lanes);
            let rate: f64 = b.events.iter().map(|e| self.rates[b.pre.0][e.index()]).sum();
            let deliveries = SECOND * rate * b.onto(&own);
            out.deliveries += deliveries;
            out.fetched += if far { deliveries * b.bytes_of_synapse(word) } else { 0.0 };
            // Threads share blocks, of which each has one at least; where no synapses arrive nothing is looked up.
            let reached = b.blocks(ranks, self.options.threads).iter().filter(|block| b.onto(block) > 0.0).count();
            let blocks = reached.div_ceil(self.options.threads) as f64;
            let rows = SECOND * rate * b.pre.1 as f64 * b.delays * blocks;
            *(if far_index { &mut out.far_rows } else { &mut out.rows }) += rows;
            out.delays += steps * b.delays * blocks;
        }
        for p in self.network.projections.iter().filter(|p| p.is_plastic()) {
            let own = self.own_of(p, ranks);
            let rate = |h: &crate::hir::Handler| {
                let Trigger::Cell(side, name) = &h.trigger else { return 0.0 };
                let population = if *side == Side::Pre { p.pre.population } else { p.post.population };
                let event = self.network.populations[population].model.event(name);
                event.map_or(0.0, |e| self.rates[population][e.index()])
            };
            out.changes += SECOND * own * p.synapse.handlers.iter().map(rate).sum::<f64>();
        }
        out
    }

    /// How often all processes tell each other something in a pass: events of each level, states, what stopped any of them.
    fn gathers(&self) -> usize {
        let sums = self.summed.len();
        self.levels.len() + usize::from(!self.others.read.is_empty()) + usize::from(self.others.synapses) + sums
    }

    /// Returns the bytes that a process hands over at the end of a run.
    fn ended(&self, ranks: &Ranks) -> f64 {
        let unread = (0..self.cells.len()).filter(|p| !self.others.read.contains(p)).map(|p| &self.cells[p]);
        let values: usize = unread.map(|c| c.told(ranks)).sum();
        handed((values * self.options.precision.bytes()) as f64)
    }

    /// Returns the bytes that a process hands over in a second of the model's time.
    fn told(&self, ranks: &Ranks) -> f64 {
        let word = self.options.precision.bytes() as f64;
        let events: f64 = self.levels.iter().map(|level| self.told_of(level, ranks)).sum();
        let own = |population: usize| ranks.own(self.cells[population].lanes).len() as f64 * word;
        let read = self.others.read.iter().map(|p| self.cells[*p].told(ranks) as f64 * word).sum::<f64>();
        let states = if self.others.read.is_empty() { 0.0 } else { handed(read) };
        let agreed = if self.others.synapses { handed(1.0) } else { 0.0 };
        let sums: f64 = self.summed.iter().map(|p| handed(own(*p))).sum();
        SECOND / self.options.dt / self.pass as f64 * (events + states + agreed + sums)
    }

    /// The mean number of bytes that a process tells of a level in a pass.
    fn told_of(&self, level: &[usize], ranks: &Ranks) -> f64 {
        // Whether it was stopped, how many lists there are.
        let (mut fixed, mut mean, mut variance, mut all) = (3.0, 0.0, 0.0, 0.0);
        let time = self.pass as f64 * self.options.dt;
        for population in level {
            let own = ranks.own(self.cells[*population].lanes);
            let own = own.start..own.end.min(self.cells[*population].n).max(own.start);
            for rate in &self.rates[*population] {
                let events = own.len() as f64 * rate * time;
                // How many in each step, and how many in all: in one byte up to 127.
                let counts = self.pass as f64 * length(events / self.pass as f64) + length(events);
                fixed += 1.0 + counts;
                let (each, square) = lengths(&own);
                mean += events * each;
                variance += events * square;
                all += self.cells[*population].n as f64 * rate * time;
            }
        }
        // Where the cells of all processes have more events at once, so have those of each.
        let together = if all > 0.0 { (self.fano - 1.0) / all * mean * mean } else { 0.0 };
        mean_handed(fixed + mean, (variance + together).max(0.0))
    }
}

/// The part of some lanes that others are.
fn overlap(own: &Range<usize>, of: &Range<usize>) -> f64 {
    own.end.min(of.end).saturating_sub(own.start.max(of.start)) as f64 / of.len().max(1) as f64
}

/// The synapses of all projections onto the same lanes.
fn joined(network: &Network) -> Vec<(usize, Range<usize>, f64)> {
    let mut out: BTreeMap<(usize, usize, usize), f64> = BTreeMap::new();
    for p in &network.projections {
        *out.entry((p.post.population, p.post.start, p.post.n)).or_default() += p.pairs.len() as f64;
    }
    out.into_iter().map(|((population, start, n), synapses)| (population, start..start + n, synapses)).collect()
}

/// Where numbers take another byte when they are told: seven bits go into each.
const LONGER: [usize; 4] = [1 << 7, 1 << 14, 1 << 21, 1 << 28];

/// The bytes of a number.
fn length(number: f64) -> f64 {
    1.0 + LONGER.iter().filter(|least| number >= **least as f64).count() as f64
}

/// The mean bytes of the number of a cell, and of their square.
fn lengths(cells: &Range<usize>) -> (f64, f64) {
    let n = cells.len().max(1) as f64;
    let from = |least: usize| cells.end.saturating_sub(least.max(cells.start)) as f64 / n;
    let longer = LONGER.map(from);
    // The square of a number of bytes is the sum of the odd numbers up to it.
    let square = longer.iter().enumerate().map(|(k, part)| (2 * k + 3) as f64 * part).sum::<f64>();
    (1.0 + longer.iter().sum::<f64>(), 1.0 + square)
}

/// The mean of what goes out for numbers of bytes that scatter about a mean as normal ones do.
fn mean_handed(mean: f64, variance: f64) -> f64 {
    let least = handed(0.0);
    let beyond = mean + LENGTH as f64 - least;
    let deviation = variance.sqrt();
    if deviation <= 0.0 {
        return handed(mean);
    }
    let z = beyond / deviation;
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let part = 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
    least + beyond * part + deviation * density
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_bytes_that_they_are_told_with() {
        for cells in [0..10, 100..300, 16_000..17_000, 2_097_000..2_097_300] {
            let bytes = |c: usize| postcard::to_allocvec(&(c as u32)).map_or(0, |b| b.len()) as f64;
            let (mut mean, mut square) = (0.0, 0.0);
            cells.clone().for_each(|c| (mean, square) = (mean + bytes(c), square + bytes(c).powi(2)));
            let n = cells.len() as f64;
            let found = lengths(&cells);
            assert!((found.0 - mean / n).abs() < 1e-9 && (found.1 - square / n).abs() < 1e-9, "{cells:?} {found:?}");
        }
    }

    #[test]
    fn what_fits_into_a_short_message_takes_all_of_it() {
        assert_eq!(mean_handed(100.0, 1.0), 512.0);
        assert!((mean_handed(5000.0, 100.0) - 5008.0).abs() < 1e-6);
        // At the edge half of all are longer, by the mean of half a normal distribution.
        assert!((mean_handed(504.0, 100.0) - 512.0 - 10.0 / (2.0 * std::f64::consts::PI).sqrt()).abs() < 1e-9);
    }
}
