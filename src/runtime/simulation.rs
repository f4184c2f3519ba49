//! The step loop: passes of several steps wherever the shortest delay allows, states in registers within a pass.
//!
//! Phases of a pass: inputs and drives, integration and thresholds (parallel over lanes), extraction of events,
//! delivery (parallel over ranges of targets). The order of every floating-point sum is fixed by the plan.

use super::buffer::Buffer;
use super::cable::Cables;
use super::delivery::RingPointer;
use super::drive::RunningDrive;
use super::history::History;
use super::noise::Noise;
use super::plastic::{Plastic, View};
use super::pool::Pool;
use super::population::{Pop, Table};
use super::projection::Proj;
use crate::codegen::Backend;
use crate::hir::{EventId, Side, VarId, VarKind};
use crate::ir::Precision;
use crate::lower::{Binding, NeuronKernel, PlasticKernel};
use crate::plan::{Column, Network};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How to run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Time step, internal units (ms).
    pub dt: f64,
    /// Seed of all random streams.
    pub seed: u64,
    /// Type of states.
    pub precision: Precision,
    /// Threads.
    pub threads: usize,
    /// Back end.
    pub backend: Backend,
}

/// Why a run stopped.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// A state is not finite any more.
    NonFinite {
        /// Population index.
        population: usize,
        /// Name of the state.
        variable: String,
        /// Cell.
        index: usize,
        /// Time at the end of the step, internal units.
        time: f64,
        /// Value at the beginning of that step, internal units.
        last: f64,
    },
    /// A weight or state of a synapse is not finite any more.
    Synapse {
        /// Index of the projection.
        projection: usize,
        /// The weight or state.
        variable: VarId,
        /// The synapse, in the order of the plan.
        index: usize,
        /// Time at the end of the step, internal units.
        time: f64,
    },
    /// The observer asked to stop.
    Interrupted,
}

/// A function of time that gives an input or a rate, internal units.
pub type TimeFunction = Arc<dyn Fn(f64) -> f64 + Send + Sync>;

/// Watches a run.
pub trait Observer {
    /// Returns the next step boundary, after `step`, at which `sample` must be called.
    fn next_stop(&self, step: u64) -> u64;
    /// Sees the states at a boundary.
    fn sample(&mut self, simulation: &Simulation);
    /// Sees the events of a pass; `step` is the boundary at which the first ones happened.
    fn events(&mut self, population: usize, event: EventId, spikes: &Spikes, step: u64);
    /// Returns whether the run should stop.
    fn interrupted(&self) -> bool;
}

/// Events of one pass: cells in ascending order, step after step.
#[derive(Debug, Default)]
pub struct Spikes {
    /// Events of the pass's step `s` are `cells[start[s] .. start[s + 1]]`.
    pub start: Vec<u32>,
    /// Cells.
    pub cells: Vec<u32>,
}

impl Spikes {
    /// Returns the cells of a view, counted from its first, that had the event in step `s` of the pass.
    pub fn of_step(&self, s: usize, first: usize, n: usize) -> impl Iterator<Item = usize> {
        let cells = &self.cells[self.start[s] as usize..self.start[s + 1] as usize];
        cells.iter().filter_map(move |c| (*c as usize).checked_sub(first).filter(|c| *c < n))
    }
}

/// A running network.
pub struct Simulation {
    /// What runs; parameters in it are current.
    pub network: Network,
    options: Options,
    pops: Vec<Pop>,
    projections: Vec<Proj>,
    /// By projection: the plastic ones.
    plastic: Vec<Option<Plastic>>,
    /// Earlier events and values, as far back as plastic projections delay.
    history: History,
    drives: Vec<RunningDrive>,
    rates: Vec<TimeFunction>,
    pool: Pool,
    step: u64,
    max_pass: usize,
    ring_slots: usize,
}

/// Longest pass; more steps would not help and cost memory for inputs.
const LONGEST_PASS: usize = 16;

/// Passes with less work than this run on one thread.
const SMALL: usize = 2048;

impl Simulation {
    /// Allocates and compiles a network; `rates` are the time functions of drives.
    pub fn new(network: Network, rates: Vec<TimeFunction>, options: Options) -> Simulation {
        let delays = |p: &crate::plan::Projection| {
            let (axonal, dendritic) = (p.delay.range(), p.dendritic.range());
            (axonal.0, axonal.1.max(dendritic.1))
        };
        let event_delays: Vec<(u32, u32)> =
            network.projections.iter().filter(|p| p.synapse.deliver.is_none()).map(delays).collect();
        let shortest = event_delays.iter().map(|d| d.0).min().unwrap_or(LONGEST_PASS as u32).max(1) as usize;
        let longest = event_delays.iter().map(|d| d.1).max().unwrap_or(1) as usize;
        let analog = network.projections.iter().any(|p| p.synapse.deliver.is_some());
        let single = |p: &crate::plan::Population| p.solved.adaptive.is_some() || !p.model.cables.is_empty();
        let adaptive = network.populations.iter().any(single);
        let plastic = network.projections.iter().any(crate::plan::Projection::is_plastic);
        let max_pass = if analog || adaptive || plastic { 1 } else { shortest.min(LONGEST_PASS) };
        let ring_slots = longest + max_pass;
        let pool = Pool::new(options.threads);
        let drives = network
            .drives
            .iter()
            .enumerate()
            .map(|(i, d)| RunningDrive::new(d.clone(), options.seed, i, options.dt))
            .collect();
        let mut out = Simulation {
            network,
            options,
            pops: Vec::new(),
            projections: Vec::new(),
            plastic: Vec::new(),
            history: History::default(),
            drives,
            rates,
            pool,
            step: 0,
            max_pass,
            ring_slots,
        };
        out.pops = (0..out.network.populations.len()).map(|i| out.new_population(i)).collect();
        let shares = |p: &crate::plan::Projection| {
            let (lanes, threads) = (out.pops[p.post.population].lanes, out.pool.threads());
            (0..threads).map(move |t| share(lanes, t, threads)).collect()
        };
        let network = &out.network;
        let every = || network.projections.iter().enumerate();
        let plastic: Vec<Option<Plastic>> =
            every().map(|(i, p)| Plastic::new(network, i, shares(p), &options)).collect();
        out.projections = network.projections.iter().map(|p| Proj::new(network, p, shares(p), &options)).collect();
        for (plastic, p) in plastic.iter().zip(&network.projections) {
            let Some(plastic) = plastic else { continue };
            let (forth, back) = plastic.memory();
            for (side, event) in plastic.events() {
                let (view, steps) = if side == Side::Pre { (p.pre, forth) } else { (p.post, back) };
                out.history.keep_events(view.population, event, steps);
            }
            for (variable, steps) in &p.delayed {
                let (view, var) = match p.synapse.vars[*variable].kind {
                    VarKind::Pre(var) => (p.pre, var),
                    VarKind::Post(var) => (p.post, var),
                    _ => continue,
                };
                let (pop, plan) = (&out.pops[view.population], &network.populations[view.population]);
                let value = |c: usize| pop.value_of(plan, var, c, 0.0);
                let key = (view.population, var);
                out.history.keep_values(key, *steps as usize, plan.n, options.precision, &value);
            }
        }
        out.plastic = plastic;
        out
    }

    fn new_population(&self, index: usize) -> Pop {
        let network = &self.network;
        let here = |p: &&crate::plan::Projection| p.post.population == index;
        let analog = |p: &&crate::plan::Projection| p.synapse.deliver.is_some();
        let summed = network.projections.iter().filter(here).filter(analog).map(|p| p.port).collect();
        let driven = network.drives.iter().filter(|d| d.post.population == index).map(|d| d.port);
        let delivered = network.projections.iter().filter(here).filter(|p| !analog(p)).map(|p| p.port);
        let events = driven.chain(delivered).collect();
        Pop::new(&network.populations[index], &events, &summed, self.ring_slots, self.max_pass, &self.options)
    }

    /// Returns the options of the run.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Returns the number of steps done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Returns the current values of a state.
    pub fn state(&self, population: usize, var: VarId) -> Option<&Buffer> {
        self.segments(population, var).map(|(b, _)| b)
    }

    /// Returns the current values of a state, `[cell * segments + segment]`, and the number of segments per cell.
    pub fn segments(&self, population: usize, var: VarId) -> Option<(&Buffer, usize)> {
        let pop = &self.pops[population];
        let own = pop.states.iter().find(|s| s.key == Binding::State(var)).map(|s| (&s.now, 1));
        own.or_else(|| pop.cables.as_ref().and_then(|c| c.state(var)))
    }

    /// Returns the IR of a population's kernel, before and after optimization.
    pub fn kernel(&self, population: usize) -> &NeuronKernel {
        &self.pops[population].update.kernel
    }

    /// Returns the IR of a plastic projection's kernels.
    pub fn plastic_kernels(&self, projection: usize) -> impl Iterator<Item = &PlasticKernel> {
        self.plastic[projection].iter().flat_map(Plastic::kernels)
    }

    /// Returns the bytes that synapses take.
    pub fn synapse_bytes(&self) -> usize {
        self.projections.iter().map(Proj::bytes).chain(self.plastic.iter().flatten().map(Plastic::bytes)).sum()
    }

    /// Replaces values of a state; of a cable, those of one segment or of all.
    pub fn set_state(
        &mut self,
        population: usize,
        var: VarId,
        cells: std::ops::Range<usize>,
        segment: Option<usize>,
        value: &Column,
    ) {
        let pop = &mut self.pops[population];
        if let Some((b, segments)) = pop.cables.as_mut().and_then(|c| c.state_mut(var)) {
            let which = segment.map_or(0..segments, |s| s..s + 1);
            for (k, i) in cells.enumerate() {
                which.clone().for_each(|s| b.set(i * segments + s, value.at(k)));
            }
        } else if let Some(s) = pop.states.iter_mut().find(|s| s.key == Binding::State(var)) {
            for (k, i) in cells.enumerate() {
                s.now.set(i, value.at(k));
            }
        }
    }

    /// Replaces a parameter; the kernels are compiled anew before the next step.
    pub fn set_param(&mut self, population: usize, var: VarId, value: Column) {
        self.network.populations[population].params.insert(var, value);
        self.pops[population].touch();
    }

    /// Replaces the value of an analog port.
    pub fn set_port(&mut self, population: usize, var: VarId, value: Column) {
        self.network.populations[population].ports.insert(var, value.clone());
        self.pops[population].set_port(var, value);
    }

    /// Lets an analog port follow a function of time, the same for all cells.
    pub fn set_port_function(&mut self, population: usize, var: VarId, f: TimeFunction) {
        self.pops[population].set_function(var, f);
    }

    /// Runs until the boundary of step `end`.
    pub fn run_until(&mut self, end: u64, observer: &mut dyn Observer) -> Result<(), Failure> {
        for (pop, plan) in self.pops.iter_mut().zip(&self.network.populations) {
            pop.refresh(plan, self.max_pass, &self.options);
        }
        while self.step < end {
            if observer.interrupted() {
                return Err(Failure::Interrupted);
            }
            let stop = observer.next_stop(self.step).min(end);
            let wrap = self.ring_slots as u64 - self.step % self.ring_slots as u64;
            let m = (stop - self.step).min(self.max_pass as u64).min(wrap) as usize;
            self.pass(m)?;
            let first = self.step + 1;
            self.step += m as u64;
            for (i, pop) in self.pops.iter().enumerate() {
                for (event, spikes) in &pop.spikes {
                    if !spikes.cells.is_empty() {
                        observer.events(i, EventId::from_u32(*event), spikes, first);
                    }
                }
            }
            if self.step == stop {
                observer.sample(self);
            }
        }
        Ok(())
    }

    fn pass(&mut self, m: usize) -> Result<(), Failure> {
        self.history.begin(&self.pops, &self.network, self.step, self.options.dt);
        self.inputs(m);
        self.plasticity((self.step, self.step), &|_, plastic, p, view, pool| plastic.advance(p, view, pool))?;
        self.plasticity((self.step + 1, self.step), &|_, plastic, p, view, pool| plastic.arrivals(p, view, pool))?;
        self.advance_others()?;
        if !self.integrate(m) {
            return Err(self.diagnose(m));
        }
        for pop in &mut self.pops {
            for s in &mut pop.states {
                std::mem::swap(&mut s.now, &mut s.next);
            }
        }
        self.extract(m);
        for (proj, plan) in self.projections.iter_mut().zip(&self.network.projections) {
            proj.event_factors(plan, &self.pops[plan.pre.population].spikes, self.step, &self.options);
        }
        self.deliver(m);
        let end = self.step + m as u64;
        self.plasticity((end, end), &|_, plastic, p, view, pool| plastic.responses(p, view, pool))?;
        self.history.end(&self.pops);
        Ok(())
    }

    /// Fills what the kernels read per step: time, functions of time, continuous contributions.
    fn inputs(&mut self, m: usize) {
        let (dt, step) = (self.options.dt, self.step);
        for d in &mut self.drives {
            d.prepare(&self.rates, step, m);
        }
        for i in 0..self.pops.len() {
            self.pops[i].fill_uniform(step, m, dt);
            for port in self.pops[i].summed_ports() {
                self.sum_continuous(i, port);
            }
        }
    }

    /// Sums the continuous contributions to a port in the order of projections.
    fn sum_continuous(&mut self, population: usize, port: VarId) {
        let t = self.step as f64 * self.options.dt;
        let mut sum = self.pops[population].begin_sum(&self.network.populations[population], port, t);
        for (k, p) in self.network.projections.iter().enumerate() {
            if p.post.population != population || p.port != port {
                continue;
            }
            let (pops, network) = (&self.pops, &self.network);
            let history = &self.history;
            let read = |pre: bool, var: VarId, delay: u32, cell: usize| {
                let index = if pre { p.pre.population } else { p.post.population };
                if let Some(past) = history.value(index, var, delay as usize, self.step) {
                    return past.get(cell);
                }
                pops[index].value_of(&network.populations[index], var, cell, t)
            };
            if let Some(c) = &mut self.projections[k].continuous {
                if let Some(plastic) = &self.plastic[k] {
                    c.refresh(&|variable, out| plastic.copy(p, variable, self.step, out));
                }
                c.run(p, &read, &mut sum);
            }
        }
        self.pops[population].end_sum(port, sum);
    }

    fn integrate(&mut self, m: usize) -> bool {
        let threads = self.pool.threads();
        let work: usize = self.pops.iter().map(|p| p.lanes * m).sum();
        let (step, precision, seed) = (self.step, self.options.precision, self.options.seed);
        let tables: Vec<Table> = self.pops.iter_mut().map(|p| p.table(step, self.ring_slots, precision)).collect();
        let finite = AtomicBool::new(true);
        let (pops, drives) = (&self.pops, &self.drives);
        let job = |t: usize| {
            let mut scratch = Vec::new();
            for (i, pop) in pops.iter().enumerate() {
                let lanes = share(pop.lanes, t, threads);
                if lanes.is_empty() {
                    continue;
                }
                let (slots, rings) = &tables[i];
                for d in drives.iter().filter(|d| d.plan.post.population == i) {
                    if let Some((_, ring)) = rings.iter().find(|(v, _)| *v == d.plan.port) {
                        for s in 0..m {
                            // SAFETY: threads have disjoint lanes.
                            unsafe { d.run(step + s as u64, s, lanes.clone(), *ring, precision, &mut scratch) };
                        }
                    }
                }
                let noise = Noise::new(&pop.update, i, seed, step, slots, precision);
                // SAFETY: the table describes this population's buffers, and threads have disjoint lanes.
                let ok = unsafe {
                    noise.fill(m, &lanes);
                    pop.update.function.call_with(noise.draw(), slots, lanes.start, lanes.end, m)
                };
                if !ok {
                    finite.store(false, Ordering::Relaxed);
                }
            }
        };
        if work < SMALL {
            (0..threads).for_each(job);
        } else {
            self.pool.run(&job);
        }
        finite.load(Ordering::Relaxed)
    }

    /// Advances adaptive schemes and cables; the update kernels then decide on events.
    fn advance_others(&mut self) -> Result<(), Failure> {
        let t = self.step as f64 * self.options.dt;
        for (population, pop) in self.pops.iter_mut().enumerate() {
            pop.advance_others(t, &self.options);
            if let Some(found) = pop.cables.as_ref().and_then(Cables::not_finite) {
                return Err(Failure::NonFinite {
                    population,
                    variable: self.network.populations[population].model.vars[found.var].name.clone(),
                    index: found.cell,
                    time: t + self.options.dt,
                    last: found.before,
                });
            }
        }
        Ok(())
    }

    /// Finds the first step of the pass after which a state is not finite, from the states still kept at its start.
    fn diagnose(&mut self, m: usize) -> Failure {
        let (step, precision) = (self.step, self.options.precision);
        for population in 0..self.pops.len() {
            let mut before: Option<Vec<f64>> = None;
            for k in 1..=m {
                let pop = &mut self.pops[population];
                let (table, _) = pop.table(step, self.ring_slots, precision);
                let noise = Noise::new(&pop.update, population, self.options.seed, step, &table, precision);
                // SAFETY: as in `integrate`, on one thread.
                unsafe { pop.update.function.call_with(noise.draw(), &table, 0, pop.lanes, k) };
                let n = self.network.populations[population].n;
                for (j, s) in pop.states.iter().enumerate() {
                    if let Some(i) = (0..n).find(|i| !s.next.get(*i).is_finite()) {
                        let last = before.as_ref().map_or(s.now.get(i), |b| b[j * n + i]);
                        let model = &self.network.populations[population].model;
                        let variable = match &s.key {
                            Binding::State(v) => model.vars[*v].name.clone(),
                            _ => "a counter".into(),
                        };
                        return Failure::NonFinite {
                            population,
                            variable,
                            index: i,
                            time: (step + k as u64) as f64 * self.options.dt,
                            last,
                        };
                    }
                }
                before =
                    Some(pop.states.iter().flat_map(|s| (0..n).map(|i| s.next.get(i)).collect::<Vec<_>>()).collect());
            }
        }
        // Only padding lanes were affected; they mirror the last cell, so this cannot happen.
        crate::ice!("a state is not finite, but none was found")
    }

    fn extract(&mut self, m: usize) {
        for (i, pop) in self.pops.iter_mut().enumerate() {
            let n = self.network.populations[i].n;
            let per_byte = pop.update.function.lanes_per_byte();
            let stride = pop.lanes / per_byte;
            for (event, spikes) in &mut pop.spikes {
                spikes.cells.clear();
                spikes.start.clear();
                spikes.start.push(0);
                for s in 0..m {
                    scan(&pop.bits[event][s * stride..(s + 1) * stride], per_byte, n, &mut spikes.cells);
                    spikes.start.push(spikes.cells.len() as u32);
                }
            }
        }
    }

    /// Runs something at all plastic projections, at a step boundary and with the cells' values of another.
    fn plasticity(
        &mut self,
        (now, cells): (u64, u64),
        run: &dyn Fn(usize, &mut Plastic, &crate::plan::Projection, &View, &Pool),
    ) -> Result<(), Failure> {
        for k in 0..self.plastic.len() {
            let Some(plastic) = &mut self.plastic[k] else { continue };
            let p = &self.network.projections[k];
            let ring = self.pops[p.post.population].rings.get_mut(&p.port).map(|r| r.pointer());
            let view = View {
                pops: &self.pops,
                network: &self.network,
                options: &self.options,
                step: self.step,
                now,
                cells,
                history: &self.history,
                ring,
            };
            run(k, plastic, p, &view, &self.pool);
            if let Some(found) = plastic.not_finite(p, now) {
                let time = now as f64 * self.options.dt;
                return Err(Failure::Synapse { projection: k, variable: found.variable, index: found.synapse, time });
            }
        }
        Ok(())
    }

    /// Sends a signal to the synapses of some projections.
    pub fn signal(&mut self, name: &str, projections: &[usize]) -> Result<(), Failure> {
        self.plasticity((self.step, self.step), &|k, plastic, p, view, pool| {
            if projections.contains(&k) {
                plastic.signal(name, p, view, pool);
            }
        })?;
        for k in projections {
            if let Some(plastic) = &mut self.plastic[*k] {
                plastic.rewire(&mut self.network.projections[*k], self.step, &self.options);
            }
        }
        Ok(())
    }

    /// Lets the weights of a plastic projection change, or keeps them.
    pub fn set_learning(&mut self, projection: usize, on: bool) {
        if let Some(p) = &mut self.plastic[projection] {
            p.learning = on;
        }
    }

    /// Returns the weights of a projection's synapses, or a state of them, in the order of the plan.
    pub fn synapses(&self, projection: usize, variable: VarId) -> Vec<f64> {
        let p = &self.network.projections[projection];
        let weight = p.synapse.weight() == Some(variable);
        let mut out: Vec<f64> = match weight {
            true => (0..p.edges.len()).map(|k| p.weight.at(k)).collect(),
            false => vec![p.init.get(&variable).copied().unwrap_or(f64::NAN); p.edges.len()],
        };
        if let Some(plastic) = &self.plastic[projection] {
            plastic.copy(p, variable, self.step, &mut out);
        }
        out
    }

    /// Replaces the weights or a state of a plastic projection, one value for all or one per synapse of the plan.
    pub fn set_synapses(&mut self, projection: usize, variable: VarId, value: &Column) {
        if let Some(plastic) = &mut self.plastic[projection] {
            plastic.replace(&self.network.projections[projection], variable, self.step, value);
        }
    }

    /// Replaces a parameter of a plastic projection; its program is compiled anew.
    pub fn set_synapse_param(&mut self, projection: usize, variable: VarId, value: f64) {
        self.network.projections[projection].params.insert(variable, value);
        if let Some(plastic) = &mut self.plastic[projection] {
            plastic.refresh(&self.network, projection, self.step, &self.options);
        }
    }

    /// Returns the value of an analog port of one cell.
    pub fn port(&self, population: usize, port: VarId, cell: usize) -> Option<f64> {
        let t = self.step as f64 * self.options.dt;
        self.pops[population].port_of(&self.network.populations[population], port, cell, t)
    }

    fn deliver(&mut self, m: usize) {
        let threads = self.pool.threads();
        let precision = self.options.precision;
        let step = self.step;
        let slots = self.ring_slots as u64;
        let mut pointers: Vec<BTreeMap<VarId, RingPointer>> = Vec::new();
        for pop in &mut self.pops {
            // What this pass consumed is free for later events.
            for ring in pop.rings.values_mut() {
                let at = (step % slots) as usize * ring.lanes;
                ring.buffer.clear(at..at + m * ring.lanes);
            }
            pointers.push(pop.rings.iter_mut().map(|(v, r)| (*v, r.pointer())).collect());
        }
        let events: usize = self.pops.iter().flat_map(|p| p.spikes.values()).map(|s| s.cells.len()).sum();
        if events == 0 {
            return;
        }
        let (network, projections, pops) = (&self.network, &self.projections, &self.pops);
        let job = |t: usize| {
            for (k, p) in network.projections.iter().enumerate() {
                let proj = &projections[k];
                let Some(ring) = pointers[p.post.population].get(&p.port).copied() else { continue };
                let spikes = &pops[p.pre.population].spikes;
                // SAFETY: rows of thread `t` hold targets of its own lanes only.
                unsafe { proj.deliver(p, spikes, t, m, step, ring, precision) };
            }
        };
        if events < 16 {
            (0..threads).for_each(job);
        } else {
            self.pool.run(&job);
        }
    }
}

/// Returns thread `t`'s share of the lanes, in multiples of 16.
fn share(lanes: usize, t: usize, threads: usize) -> std::ops::Range<usize> {
    let blocks = lanes / 16;
    blocks * t / threads * 16..blocks * (t + 1) / threads * 16
}

/// Collects the indices of set bits; whole words without any are skipped.
fn scan(bytes: &[u8], per_byte: usize, n: usize, out: &mut Vec<u32>) {
    for (k, word) in bytes.chunks(8).enumerate() {
        let mut padded = [0u8; 8];
        padded[..word.len()].copy_from_slice(word);
        if u64::from_le_bytes(padded) == 0 {
            continue;
        }
        for (j, byte) in word.iter().enumerate() {
            for bit in 0..per_byte {
                let cell = (k * 8 + j) * per_byte + bit;
                if byte >> bit & 1 == 1 && cell < n {
                    out.push(cell as u32);
                }
            }
        }
    }
}
