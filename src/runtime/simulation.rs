//! A running network: what it is made of, and how its values are read and set between steps.

use super::buffer::Buffer;
use super::delivery::Deliveries;
use super::drive::RunningDrive;
use super::exchange::{Others, Worker, is_marked, marked};
use super::failure::Failure;
use super::history::History;
use super::options::Options;
use super::plastic::{Lets, Plastic};
use super::pool::Pool;
use super::population::Pop;
use super::profile::Part;
use super::projection::Proj;
use super::reading::Readings;
use super::ring::RingPointer;
use super::signals::{Heard, Hearing, NotFinite};
use super::spikes::Spikes;
use super::sums::Sums;
use super::time::{PortFunction, TimeFunction};
use super::tuning::Tuning;
use super::windows::Windows;
use crate::codegen::Steps;
use crate::hir::{EventId, Expr, VarId, VarKind};
use crate::image::Listing;
use crate::plan::{Column, Lanes, Network, Pairs};
use crate::rng::Stream;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;

/// Watches a run.
pub trait Observer {
    /// Returns the next step boundary, after `step`, at which `sample` must be called.
    fn next_stop(&self, step: u64) -> u64;
    /// Sees the states at a boundary.
    fn sample(&mut self, simulation: &Simulation);
    /// Returns whether `sample` looks at the cells of a population.
    fn samples(&self, population: usize) -> bool;
    /// Sees the events of a pass; `step` is the boundary at which the first ones happened.
    fn events(&mut self, population: usize, event: EventId, spikes: &Spikes, step: u64);
    /// Returns whether the run should stop.
    fn interrupted(&self) -> bool;
}

/// Watches nothing.
pub struct Unwatched;

impl Observer for Unwatched {
    fn next_stop(&self, _: u64) -> u64 {
        u64::MAX
    }
    fn sample(&mut self, _: &Simulation) {}
    fn samples(&self, _: usize) -> bool {
        false
    }
    fn events(&mut self, _: usize, _: EventId, _: &Spikes, _: u64) {}
    fn interrupted(&self) -> bool {
        false
    }
}

/// A running network.
pub struct Simulation {
    /// What runs; parameters in it are current.
    pub network: Network,
    pub(super) options: Options,
    pub(super) pops: Vec<Pop>,
    pub(super) projections: Vec<Proj>,
    /// By projection: the plastic ones.
    pub(super) plastic: Vec<Option<Plastic>>,
    /// Earlier events and values, as far back as plastic projections delay.
    pub(super) history: History,
    /// By population: its drives.
    pub(super) drives: Vec<Vec<RunningDrive>>,
    pub(super) rates: Vec<TimeFunction>,
    pub(super) pool: Pool,
    pub(super) tuning: Tuning,
    pub(super) step: u64,
    pub(super) max_pass: usize,
    pub(super) ring_slots: usize,
    /// Synapses that do not learn.
    pub(super) deliveries: Deliveries,
    /// Values of ports that receive continuous contributions, computed when they are asked for.
    pub(super) sums: RefCell<Sums>,
    /// Whether synapses that learn read of the cells what follows from such contributions.
    pub(super) synapses_read_sums: bool,
    pub(super) work: Work,
    /// Populations by level: those of one come after those whose events reach them within a step.
    pub(super) levels: Vec<Vec<usize>>,
    /// What is taken of windows.
    pub(super) windows: Windows,
    /// By population: what its cells do at signals.
    heard: Vec<Vec<Heard>>,
    /// How variables of cells are read that are not states.
    pub(super) readings: Readings,
    /// What synapses have read of them.
    pub(super) lets: Lets,
    /// What is known of the other processes.
    pub(super) others: Others,
}

/// How much has been done since the simulation was built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Steps of single cells.
    pub updates: u64,
    /// Events of cells.
    pub spikes: u64,
    /// Events at synapses: of those that learn, at every handler that an event reaches.
    pub deliveries: u64,
}

impl Work {
    /// Adds what has been done between two moments.
    pub fn add(&mut self, before: Work, now: Work) {
        self.updates += now.updates - before.updates;
        self.spikes += now.spikes - before.spikes;
        self.deliveries += now.deliveries - before.deliveries;
    }
}

/// Longest pass; more steps would not help and cost memory for inputs.
const LONGEST_PASS: usize = 16;

impl Simulation {
    /// Allocates and compiles a network; `rates` are the time functions of drives, `built` hears how far it is.
    pub fn new(
        mut network: Network,
        rates: Vec<TimeFunction>,
        mut options: Options,
        built: &dyn Fn(usize, usize),
    ) -> Simulation {
        let mut pool = Pool::new(options.threads);
        // Where the system gives fewer threads, these have all lanes.
        options.threads = pool.threads();
        network.write_transposes();
        network.remember_events(options.dt);
        let windows = Windows::new(network.keep_windows(), options.dt);
        let levels = by_level(&network);
        let plastic: Vec<bool> = network.projections.iter().map(crate::plan::Projection::is_plastic).collect();
        let analog = |p: &crate::plan::Projection| p.synapse.deliver.is_some();
        for (p, plastic) in network.projections.iter_mut().zip(&plastic) {
            // All with all is a matrix, which needs no list.
            if analog(p) && !matches!(p.pairs, Pairs::All(..)) {
                p.pairs.list();
            }
            // Only what does not learn can be left to be drawn.
            if *plastic || analog(p) {
                p.delay.write();
                p.dendritic.write();
            }
        }
        let mut history = History::default();
        let mut projections: Vec<Proj> =
            network.projections.iter().map(|p| Proj::new(&network, p, &mut history, &options)).collect();
        let deliveries = Deliveries::new(&network, &mut projections, &mut history, &options, built);
        let (max_pass, ahead) = pass(&network, windows.have_means(), deliveries.shortest);
        let sums = Sums::new(&network, &options);
        let mut out = Simulation {
            network,
            options: options.clone(),
            pops: Vec::new(),
            projections,
            plastic: Vec::new(),
            history,
            drives: Vec::new(),
            rates,
            tuning: Tuning::new(&mut pool),
            pool,
            step: 0,
            sums: RefCell::new(sums),
            synapses_read_sums: false,
            max_pass,
            ring_slots: ahead + max_pass,
            deliveries,
            work: Work::default(),
            levels,
            windows,
            heard: Vec::new(),
            readings: Readings::new(options.dt, options.backend),
            lets: Lets::default(),
            others: Others::default(),
        };
        let of_windows = out.windows.kept.iter().map(|(kept, _)| kept.population);
        out.others = Others::new(&out.network, of_windows);
        out.heard = out.network.populations.iter().map(|p| Heard::all(p, options.dt, options.backend)).collect();
        out.lets = Lets::new(read_by_synapses(&out.network));
        out.pops = (0..out.network.populations.len()).map(|i| out.new_population(i)).collect();
        out.deliveries.aim(&mut out.pops);
        out.drives.resize_with(out.pops.len(), Vec::new);
        for (i, d) in out.network.drives.iter().enumerate() {
            let Some(ring) = out.pops[d.post.population].ring(d.port) else { continue };
            let segments = out.network.populations[d.post.population].lanes_of(d.port);
            let lanes = (ring, out.pops[d.post.population].lanes, segments);
            let drive = RunningDrive::new(d.clone(), lanes, (options.seed, i), options.dt);
            out.drives[d.post.population].push(drive);
        }
        let rings: Vec<Option<RingPointer>> =
            out.network.projections.iter().map(|p| out.pops[p.post.population].ring(p.port)).collect();
        let shares = |p: &crate::plan::Projection| {
            let (lanes, threads) = (out.pops[p.post.population].lanes, out.pool.threads());
            let ranks = &out.options.ranks;
            (0..threads).map(move |thread| Worker { ranks, thread, threads }.share(lanes)).collect()
        };
        let network = &out.network;
        let every = network.projections.iter().enumerate();
        let mut plastic: Vec<Option<Plastic>> =
            every.map(|(i, p)| Plastic::new(network, i, rings[i], shares(p), &options)).collect();
        for (plastic, p) in plastic.iter_mut().zip(&network.projections) {
            let Some(plastic) = plastic else { continue };
            plastic.remember(p, &mut out.history);
        }
        for (population, var, steps) in network.projections.iter().flat_map(crate::plan::Projection::remembered) {
            let n = network.populations[population].n;
            out.history.keep_values((population, var), steps as usize, n, options.precision);
        }
        let reads_sums = |p: &crate::plan::Projection| {
            p.synapse.vars.values().any(|v| match v.kind {
                VarKind::Pre(of) => network.follows_from_contributions(p.pre.population, of),
                VarKind::Post(of) => network.follows_from_contributions(p.post.population, of),
                _ => false,
            })
        };
        let learning = network.projections.iter().filter(|p| p.is_plastic());
        out.synapses_read_sums = learning.into_iter().any(reads_sums);
        out.plastic = plastic;
        (0..out.network.projections.len()).for_each(|k| out.follow_weights(k));
        out.begin_windows();
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
        Pop::new(&network.populations[index], index, &events, &summed, self.ring_slots, self.max_pass, &self.options)
    }

    /// Keeps no rows of synapses: another process runs it, and tells what it remembers.
    pub(super) fn leave_to_another(&mut self) {
        self.deliveries.forget();
    }

    /// Returns the options of the run.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Returns the number of steps done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Advances by one step; returns the largest change of a state.
    pub fn advance(&mut self) -> Result<f64, Failure> {
        let every = |p: &crate::plan::Population| p.model.states().map(|(v, _)| v).collect::<Vec<VarId>>();
        let all: Vec<Vec<VarId>> = self.network.populations.iter().map(every).collect();
        let values = |s: &Simulation| -> Vec<f64> {
            let states = all.iter().enumerate().flat_map(|(p, list)| list.iter().map(move |v| (p, *v)));
            let of = |(p, v): (usize, VarId)| {
                let (cells, kept) = (s.network.populations[p].n, s.segments(p, v));
                let segments = kept.and_then(|(_, lanes)| lanes).map_or(1, |lanes| lanes.segments);
                let all = (0..cells).flat_map(move |cell| (0..segments).map(move |segment| (cell, segment)));
                all.filter_map(move |(cell, segment)| kept.map(|k| of_segment(k, cell, segment)))
            };
            states.flat_map(of).collect()
        };
        let before = values(self);
        self.run_until(self.step + 1, &mut Unwatched)?;
        let after = values(self);
        Ok(before.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max))
    }

    /// Returns the current values of a state.
    pub fn state(&self, population: usize, var: VarId) -> Option<&Buffer> {
        self.segments(population, var).map(|(b, _)| b)
    }

    /// Returns what reads a state of a cell; of a cable's, in a segment, or the last one if there are fewer.
    pub fn reader(&self, population: usize, var: VarId) -> Option<impl Fn(usize, usize) -> f64> {
        self.segments(population, var).map(|kept| move |cell, segment| of_segment(kept, cell, segment))
    }

    /// Returns the current values of a state, and the order of segments if it is a cable's.
    fn segments(&self, population: usize, var: VarId) -> Option<(&Buffer, Option<Lanes>)> {
        let pop = &self.pops[population];
        let own = pop.state_buffer(var).map(|b| (b, None));
        own.or_else(|| pop.cables.as_ref().and_then(|c| c.state(var)).map(|(b, lanes)| (b, Some(lanes))))
    }

    /// Returns how many steps the kernels of populations may be asked for at once.
    pub fn steps(&self) -> Steps {
        if self.max_pass == 1 { Steps::One } else { Steps::Many }
    }

    /// Returns all kernels: those of populations, then those of projections.
    pub fn listings(&self) -> Vec<Listing> {
        let mut out: Vec<Listing> = self.pops.iter().flat_map(Pop::listings).collect();
        out.extend(self.heard.iter().flatten().flat_map(Heard::listings));
        for k in 0..self.network.projections.len() {
            out.extend(self.projections[k].listings());
            out.extend(self.sums.borrow().listings(k));
            out.extend(self.plastic[k].iter().flat_map(Plastic::listings));
        }
        out
    }

    /// Returns how much has been done.
    pub fn work(&self) -> Work {
        self.work
    }

    /// Returns the bytes that synapses take.
    pub fn synapse_bytes(&self) -> usize {
        self.deliveries.bytes() + self.plastic.iter().flatten().map(Plastic::bytes).sum::<usize>()
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
        self.sums.get_mut().forget();
        let pop = &mut self.pops[population];
        match &mut pop.cables {
            Some(cables) if cables.state(var).is_some() => {
                cells.clone().enumerate().for_each(|(k, cell)| cables.set(var, cell, segment, value.at(k)));
                cells.enumerate().for_each(|(k, cell)| pop.keep_at(var, cell, value.at(k)));
            }
            _ => {
                pop.set_values(var, cells, value);
            }
        }
        // What is taken of windows begins with what there is before the first step.
        if self.step == 0 {
            self.begin_windows();
        }
    }

    /// Lets some cells forget their events: for how long they hold states and mute events, when there was one, whether a condition held.
    pub fn forget_events(&mut self, population: usize, cells: std::ops::Range<usize>) {
        self.pops[population].forget_events(cells, &self.options);
        self.sums.get_mut().forget();
    }

    /// Replaces a parameter; the kernels are compiled anew before the next step.
    pub fn set_param(&mut self, population: usize, var: VarId, value: Column) {
        self.network.populations[population].params.insert(var, value);
        self.pops[population].touch();
        self.sums.get_mut().forget();
    }

    /// Replaces the value of an analog port.
    pub fn set_port(&mut self, population: usize, var: VarId, value: Column) {
        self.network.populations[population].ports.insert(var, value.clone());
        self.pops[population].set_port(var, value);
        self.sums.get_mut().forget();
    }

    /// Puts back the value of an analog port; cells that follow functions of time go on to follow them.
    pub(super) fn restore_port(&mut self, population: usize, var: VarId, value: Column) {
        match self.pops[population].follows_functions(var) {
            true => drop(self.network.populations[population].ports.insert(var, value)),
            false => self.set_port(population, var, value),
        }
    }

    /// Lets an analog port of some cells follow functions of time, instead of those that it followed before.
    pub fn set_port_functions(&mut self, population: usize, var: VarId, functions: Vec<PortFunction>) {
        self.observe_no_more(population, var);
        let n = self.network.populations[population].n;
        if !self.pops[population].set_functions(var, functions, n) {
            // Values of single cells are there for one step at a time.
            self.max_pass = 1;
        }
        self.sums.get_mut().forget();
    }

    /// Sends a signal to the synapses of some projections and to the cells of some populations. Whatever hears it sees the values from
    /// before; handlers of cells draw from `chance`.
    pub fn signal(
        &mut self,
        name: &str,
        projections: &[usize],
        populations: &[usize],
        chance: Option<&Stream>,
    ) -> Result<(), Failure> {
        self.refresh();
        self.sum_inputs(self.step);
        let mut heard = std::mem::take(&mut self.heard);
        let hearing = |index: usize, h: &Heard| h.signal == name && populations.contains(&index);
        let each = heard.iter_mut().enumerate();
        let each = each.flat_map(|(k, list)| list.iter_mut().map(move |h| (k, h))).filter(|(k, h)| hearing(*k, h));
        let computed = each.map(|(k, h)| self.hear(k, h, chance)).collect::<Result<Vec<()>, Failure>>();
        self.heard = heard;
        computed?;
        self.sums.get_mut().forget();
        self.plasticity((self.step, self.step), (0, Part::Learning), &|k, plastic, p, view, pool| {
            if projections.contains(&k) {
                plastic.signal(name, p, view, pool);
            }
        })?;
        self.agree()?;
        for k in projections {
            let Some(plastic) = &mut self.plastic[*k] else { continue };
            if plastic.rewire(&mut self.network.projections[*k], self.step, &self.options) {
                self.sums.get_mut().compile(&self.network, *k, &self.options);
            }
        }
        for (k, (list, pop)) in self.heard.iter().zip(&mut self.pops).enumerate() {
            let changed = list.iter().filter(|h| hearing(k, h)).flat_map(Heard::changed);
            changed.for_each(|(state, values)| pop.put_values(state, values));
        }
        self.sums.get_mut().forget();
        projections.iter().for_each(|k| self.follow_weights(*k));
        Ok(())
    }

    /// Computes what a signal makes of the states of a population.
    fn hear(&self, index: usize, heard: &mut Heard, chance: Option<&Stream>) -> Result<(), Failure> {
        let (pop, plan) = (&self.pops[index], &self.network.populations[index]);
        let (sums, time) = (self.sums.borrow(), self.step as f64 * self.options.dt);
        let summed = |port| sums.of(index, port);
        let place = |cable: Option<usize>, v: VarId, out: &mut Buffer| match cable {
            None => pop.place(plan, v, time, &summed, out),
            Some(cable) => pop.place_along(plan, (cable, v), time, &summed, out),
        };
        heard.compute(&Hearing { index, place: &place, chance, t: time }).map_err(|NotFinite { state, cell }| {
            let variable = plan.model.vars[state].name.clone();
            let last = pop.state_buffer(state).map(|b| b.get(cell));
            Failure::NonFinite { population: index, variable, index: cell, time, last }
        })
    }

    /// Lets the weights of a plastic projection change, or keeps them.
    pub fn set_learning(&mut self, projection: usize, on: bool) {
        if let Some(p) = &mut self.plastic[projection] {
            p.learning = on;
        }
    }

    /// Returns the weights of a projection's synapses, or a state of them, in the order of the plan.
    pub fn synapses(&self, projection: usize, variable: VarId) -> Vec<f64> {
        let (projection, variable) = self.owner(projection, variable);
        let p = &self.network.projections[projection];
        let weight = p.synapse.weight() == Some(variable);
        let plastic = self.plastic[projection].as_ref();
        let mut out: Vec<f64> = match (weight, plastic) {
            // What learns holds all of its weights; those of the plan may have to be drawn.
            (true, Some(_)) => vec![0.0; p.pairs.len()],
            (true, None) => (0..p.pairs.len()).map(|k| p.weight.at(k)).collect(),
            (false, _) => p.all_initial(variable),
        };
        if let Some(plastic) = plastic {
            self.copy_all(plastic, p, variable, &mut out);
        } else if !weight
            && let Some(cells) = self.projections[projection].state_at(p, variable, self.step, &self.options)
        {
            let edges = p.pairs.edges();
            edges.iter().zip(&mut out).for_each(|(e, value)| *value = cells[e.pre as usize - p.pre.start]);
        }
        out
    }

    /// Copies what plastic synapses have, in any of the processes; what none keeps stays.
    fn copy_all(&self, plastic: &Plastic, p: &crate::plan::Projection, variable: VarId, out: &mut [f64]) {
        if !self.options.ranks.are_several() {
            return plastic.copy(p, variable, self.step, out);
        }
        let mut kept = marked(out.len());
        plastic.copy(p, variable, self.step, &mut kept);
        self.options.ranks.join_numbers(&mut kept);
        let known = out.iter_mut().zip(kept).filter(|(_, kept)| !is_marked(*kept));
        known.for_each(|(out, kept)| *out = kept);
    }

    /// Replaces the weights of a projection or a state of a plastic one, one value for all or one per synapse of the plan.
    pub fn set_synapses(&mut self, projection: usize, variable: VarId, value: &Column) {
        let (projection, variable) = self.owner(projection, variable);
        let p = &mut self.network.projections[projection];
        if let Some(plastic) = &mut self.plastic[projection] {
            plastic.replace(p, variable, self.step, value);
            self.sums.get_mut().forget();
        } else {
            self.put_weights(projection, value);
        }
        self.follow_weights(projection);
    }

    /// Replaces a state that plastic synapses onto each target, or from each source, have in common.
    pub fn set_of_cells(&mut self, projection: usize, variable: VarId, values: &[f64]) {
        let (projection, variable) = self.owner(projection, variable);
        match &mut self.plastic[projection] {
            Some(plastic) => plastic.replace_of_cells(variable, values),
            None => crate::ice!("a signal to synapses that do not learn"),
        }
    }

    /// Replaces a parameter of a plastic projection; its program is compiled anew.
    pub fn set_synapse_param(&mut self, projection: usize, variable: VarId, value: f64) {
        self.network.projections[projection].params.insert(variable, value);
        if let Some(plastic) = &mut self.plastic[projection] {
            plastic.refresh(&self.network, projection, self.step, &self.options);
        }
        self.sums.get_mut().compile(&self.network, projection, &self.options);
    }

    /// Returns the values of a variable now, one for each of some cells; none if it has none, or several per cell.
    pub fn values(&self, population: usize, var: VarId, cells: std::ops::Range<usize>) -> Option<Vec<f64>> {
        let (pop, plan) = (&self.pops[population], &self.network.populations[population]);
        if let Some(state) = pop.state_buffer(var) {
            return Some(cells.map(|i| state.get(i)).collect());
        }
        let impulses = matches!(plan.model.vars[var].kind, VarKind::EventPort);
        if impulses || plan.model.reads_segments(&Expr::Var(var)) {
            return None;
        }
        self.update_sums(self.step);
        let (sums, t) = (self.sums.borrow(), self.step as f64 * self.options.dt);
        let summed = |port| sums.of(population, port);
        let fill = &mut |v: VarId, out: &mut Buffer| pop.place(plan, v, t, &summed, out);
        Some(self.readings.with((population, var), plan, t, fill, |values| values.f64()[cells].to_vec()))
    }

    /// Returns the value of an analog port of one cell.
    pub fn port(&self, population: usize, port: VarId, cell: usize) -> Option<f64> {
        let t = self.step as f64 * self.options.dt;
        self.update_sums(self.step);
        if let Some(sum) = self.sums.borrow().of(population, port) {
            return Some(sum.get(cell));
        }
        self.pops[population].port_of(&self.network.populations[population], port, cell, t)
    }
}

/// The value of a cell among those of all, or of its segment, or of the last one.
fn of_segment((values, lanes): (&Buffer, Option<Lanes>), cell: usize, segment: usize) -> f64 {
    values.get(lanes.map_or(cell, |lanes| lanes.of(cell, segment.min(lanes.segments - 1))))
}

/// Lists what synapses that learn read of cells and is not a state: the population and the variable.
fn read_by_synapses(network: &Network) -> impl Iterator<Item = (usize, VarId)> {
    let learning = network.projections.iter().filter(|p| p.is_plastic());
    let of_cells = learning.flat_map(|p| {
        let modulators = p.modulators.values().map(|(view, var)| (view.population, *var));
        let sides = p.synapse.vars.values().filter_map(|v| match v.kind {
            VarKind::Pre(of) => Some((p.pre.population, of)),
            VarKind::Post(of) => Some((p.post.population, of)),
            _ => None,
        });
        modulators.chain(sides)
    });
    let is_state = |(population, v): &(usize, VarId)| {
        matches!(network.populations[*population].model.vars[*v].kind, VarKind::State(_))
    };
    of_cells.filter(move |key| !is_state(key))
}

/// Returns how many steps a pass has at most, and how many steps ahead of it synapses that learn deliver, when events reach them.
pub(super) fn pass(network: &Network, means: bool, shortest: Option<u16>) -> (usize, usize) {
    let slow = |p: &crate::plan::Population| p.solved.adaptive.is_some() || !p.model.cables.is_empty();
    let plastic = || network.projections.iter().filter(|p| p.is_plastic());
    let stepwise = means
        || plastic().next().is_some()
        || network.projections.iter().any(|p| p.synapse.deliver.is_some())
        || network.populations.iter().any(slow);
    let shortest = shortest.map_or(LONGEST_PASS, usize::from);
    let ahead = plastic().map(|p| p.delay.at_most().max(p.dendritic.at_most()) as usize).max().unwrap_or(0);
    (if stepwise { 1 } else { shortest.clamp(1, LONGEST_PASS) }, ahead)
}

/// Puts populations together that may be advanced at once.
pub(super) fn by_level(network: &Network) -> Vec<Vec<usize>> {
    let Some(levels) = network.levels() else { crate::ice!("events that follow from themselves within a step") };
    let mut out = vec![Vec::new(); levels.iter().max().map_or(1, |last| last + 1)];
    levels.into_iter().enumerate().for_each(|(population, level)| out[level].push(population));
    out
}
