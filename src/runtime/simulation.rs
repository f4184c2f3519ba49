//! The step loop: passes of several steps wherever the shortest delay allows, states in registers within a pass.
//!
//! Phases of a pass: inputs and drives, integration and thresholds (parallel over lanes), extraction of events,
//! delivery (parallel over ranges of targets). The order of every floating-point sum is fixed by the plan.

use super::buffer::{Buffer, padded};
use super::cable::Cables;
use super::continuous::Continuous;
use super::delivery::{Ring, RingPointer, Rows};
use super::drive::RunningDrive;
use super::pool::Pool;
use super::rng::Stream;
use crate::codegen::abi::SlotMemory;
use crate::codegen::{Backend, KernelFn, compile};
use crate::hir::{EventId, VarId};
use crate::ir::{Precision, SlotKind};
use crate::lower::{Binding, EventKernel, Hidden, NeuronKernel, PortSource, lower_neuron, lower_on_pre, lower_rk45};
use crate::plan::{Column, DriveKind, Network};
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

struct StateArray {
    key: Binding,
    now: Buffer,
    next: Buffer,
}

struct Pop {
    lanes: usize,
    kernel: NeuronKernel,
    function: KernelFn,
    adaptive: Option<Adaptive>,
    cables: Option<Cables>,
    states: Vec<StateArray>,
    /// By slot, for slots that are not states.
    others: Vec<Option<Buffer>>,
    bits: BTreeMap<u32, Vec<u8>>,
    spikes: BTreeMap<u32, Spikes>,
    rings: BTreeMap<VarId, Ring>,
    ports: BTreeMap<VarId, PortSource>,
    functions: BTreeMap<VarId, TimeFunction>,
    dirty: bool,
}

struct Adaptive {
    kernel: NeuronKernel,
    function: KernelFn,
    step: Vec<f64>,
}

struct OnPre {
    event: EventId,
    action: Result<f64, (Box<EventKernel>, KernelFn)>,
}

struct Proj {
    on_pre: Vec<OnPre>,
    /// By thread.
    rows: Vec<Rows>,
    /// States per presynaptic cell and the step of the last event.
    states: Vec<Buffer>,
    last: Vec<u64>,
    continuous: Option<Continuous>,
    /// Factors of this pass's events, parallel to the spikes.
    factors: Vec<f64>,
}

/// A running network.
pub struct Simulation {
    /// What runs; parameters in it are current.
    pub network: Network,
    options: Options,
    pops: Vec<Pop>,
    projections: Vec<Proj>,
    drives: Vec<RunningDrive>,
    rates: Vec<TimeFunction>,
    pool: Pool,
    step: u64,
    max_pass: usize,
    ring_slots: usize,
}

/// The memory of a population's slots, and its rings.
type Table = (Vec<SlotMemory>, Vec<(VarId, RingPointer)>);

/// Longest pass; more steps would not help and cost memory for inputs.
const LONGEST_PASS: usize = 16;

/// Passes with less work than this run on one thread.
const SMALL: usize = 2048;

impl Simulation {
    /// Allocates and compiles a network; `rates` are the time functions of drives.
    pub fn new(network: Network, rates: Vec<TimeFunction>, options: Options) -> Simulation {
        let event_delays: Vec<(u32, u32)> =
            network.projections.iter().filter(|p| p.synapse.deliver.is_none()).map(|p| p.delay.range()).collect();
        let shortest = event_delays.iter().map(|d| d.0).min().unwrap_or(LONGEST_PASS as u32).max(1) as usize;
        let longest = event_delays.iter().map(|d| d.1).max().unwrap_or(1) as usize;
        let analog = network.projections.iter().any(|p| p.synapse.deliver.is_some());
        let single = |p: &crate::plan::Population| p.solved.adaptive.is_some() || !p.model.cables.is_empty();
        let adaptive = network.populations.iter().any(single);
        let max_pass = if analog || adaptive { 1 } else { shortest.min(LONGEST_PASS) };
        let ring_slots = longest + max_pass;
        let pool = Pool::new(options.threads);
        let drives =
            network.drives.iter().enumerate().map(|(i, d)| RunningDrive::new(d.clone(), options.seed, i)).collect();
        let mut out = Simulation {
            network,
            options,
            pops: Vec::new(),
            projections: Vec::new(),
            drives,
            rates,
            pool,
            step: 0,
            max_pass,
            ring_slots,
        };
        for i in 0..out.network.populations.len() {
            let pop = out.new_population(i);
            out.pops.push(pop);
        }
        let threads = out.pool.threads();
        for i in 0..out.network.projections.len() {
            let p = &out.network.projections[i];
            let lanes = out.pops[p.post.population].lanes;
            let rows = if p.synapse.on_pre.is_empty() {
                Vec::new()
            } else {
                (0..threads).map(|t| Rows::build(p, share(lanes, t, threads), options.precision)).collect()
            };
            let on_pre: Vec<OnPre> = p
                .synapse
                .on_pre
                .iter()
                .filter_map(|(event, body)| {
                    let event = out.network.populations[p.pre.population].model.event(event)?;
                    let action = lower_on_pre(p, body, options.precision).map_err(|k| {
                        let f = compile(options.backend, &k.kernel);
                        (k, f)
                    });
                    Some(OnPre { event, action })
                })
                .collect();
            let states = match on_pre.iter().find_map(|o| o.action.as_ref().err()) {
                None => Vec::new(),
                Some((k, _)) => k
                    .states
                    .iter()
                    .map(|s| {
                        let mut b = Buffer::new(padded(p.pre.n), options.precision);
                        (0..p.pre.n).for_each(|c| b.set(c, p.init.get(s).copied().unwrap_or(0.0)));
                        b
                    })
                    .collect(),
            };
            let continuous = Continuous::new(p, options.dt, options.precision, options.backend);
            let last = if states.is_empty() { Vec::new() } else { vec![0; p.pre.n] };
            out.projections.push(Proj { on_pre, rows, states, last, continuous, factors: Vec::new() });
        }
        out
    }

    fn new_population(&self, index: usize) -> Pop {
        let p = &self.network.populations[index];
        let lanes = padded(p.n);
        let precision = self.options.precision;
        let mut rings = BTreeMap::new();
        let targets = self
            .network
            .projections
            .iter()
            .filter(|q| q.synapse.deliver.is_none())
            .map(|q| (q.post.population, q.port));
        for (population, port) in targets.chain(self.network.drives.iter().map(|d| (d.post.population, d.port))) {
            if population == index {
                rings.entry(port).or_insert_with(|| Ring::new(lanes, self.ring_slots, precision));
            }
        }
        let analog: Vec<VarId> = self
            .network
            .projections
            .iter()
            .filter(|q| q.synapse.deliver.is_some() && q.post.population == index)
            .map(|q| q.port)
            .collect();
        let ports = p
            .ports
            .iter()
            .map(|(v, c)| (*v, if analog.contains(v) { PortSource::Step } else { PortSource::Fixed(c.clone()) }))
            .collect();
        let mut pop = Pop {
            lanes,
            kernel: NeuronKernel {
                raw: crate::ir::Kernel::new("", precision),
                kernel: crate::ir::Kernel::new("", precision),
                bindings: Vec::new(),
            },
            function: KernelFn::Interpreted(Arc::new(crate::ir::Kernel::new("", precision))),
            adaptive: None,
            cables: None,
            states: Vec::new(),
            others: Vec::new(),
            bits: BTreeMap::new(),
            spikes: BTreeMap::new(),
            rings,
            ports,
            functions: BTreeMap::new(),
            dirty: true,
        };
        pop.cables = Cables::new(p, self.options.dt, precision, self.options.backend);
        self.compile_population(index, &mut pop);
        for s in &mut pop.states {
            match &s.key {
                Binding::State(v) => {
                    if let Some(c) = p.init.get(v) {
                        (0..lanes).for_each(|i| s.now.set(i, c.at(i.min(p.n - 1))));
                    }
                }
                // Nothing has happened yet: long enough ago for any comparison.
                Binding::Hidden(Hidden::Since(_)) => (0..lanes).for_each(|i| s.now.set(i, 1e7)),
                _ => {}
            }
        }
        pop
    }

    /// Compiles a population's kernel for its current parameters and inputs; states are kept.
    fn compile_population(&self, index: usize, pop: &mut Pop) {
        let p = &self.network.populations[index];
        let (dt, precision) = (self.options.dt, self.options.precision);
        let rings = &pop.rings;
        pop.kernel = lower_neuron(p, &pop.ports, &|port| rings.contains_key(&port), dt, precision);
        pop.function = compile(self.options.backend, &pop.kernel.kernel);
        if p.solved.adaptive.is_some() {
            let kernel = lower_rk45(p, &p.ports, precision);
            let step = pop.adaptive.take().map_or(vec![dt; p.n], |a| a.step);
            pop.adaptive = kernel.map(|kernel| {
                let function = compile(self.options.backend, &kernel.kernel);
                Adaptive { kernel, function, step }
            });
        }
        let mut old = std::mem::take(&mut pop.states);
        pop.others = Vec::new();
        for (i, binding) in pop.kernel.bindings.iter().enumerate() {
            let kind = pop.kernel.kernel.slots.values().nth(i).map(|d| d.kind).unwrap_or(SlotKind::Lane);
            let mut other = None;
            match binding {
                Binding::State(_) | Binding::Hidden(_) => {
                    let kept = old.iter().position(|s| s.key == *binding).map(|k| old.swap_remove(k));
                    pop.states.push(kept.unwrap_or_else(|| StateArray {
                        key: binding.clone(),
                        now: Buffer::new(pop.lanes, precision),
                        next: Buffer::new(pop.lanes, precision),
                    }));
                }
                Binding::Lane(values) => {
                    let mut b = Buffer::new(pop.lanes, precision);
                    (0..pop.lanes).for_each(|k| b.set(k, values[k.min(values.len() - 1)]));
                    other = Some(b);
                }
                Binding::Event(e) => {
                    pop.bits.insert(e.as_u32(), vec![0; self.max_pass * pop.lanes / precision.lanes_per_byte()]);
                    pop.spikes.entry(e.as_u32()).or_default();
                }
                Binding::Arrival(_) | Binding::CableState(_) => {}
                _ if kind == SlotKind::Uniform => other = Some(Buffer::new(self.max_pass.max(16), precision)),
                _ => other = Some(Buffer::new(self.max_pass * pop.lanes, precision)),
            }
            pop.others.push(other);
        }
        pop.dirty = false;
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
        let pop = &self.pops[population];
        let own = pop.states.iter().find(|s| s.key == Binding::State(var)).map(|s| &s.now);
        own.or_else(|| pop.cables.as_ref().and_then(|c| c.state(var)))
    }

    /// Returns the IR of a population's kernel, before and after optimization.
    pub fn kernel(&self, population: usize) -> &NeuronKernel {
        &self.pops[population].kernel
    }

    /// Returns the bytes that synapses take.
    pub fn synapse_bytes(&self) -> usize {
        self.projections.iter().flat_map(|p| &p.rows).map(Rows::bytes).sum()
    }

    /// Replaces values of a state.
    pub fn set_state(&mut self, population: usize, var: VarId, cells: std::ops::Range<usize>, value: &Column) {
        if let Some((b, segments)) = self.pops[population].cables.as_mut().and_then(|c| c.state_mut(var)) {
            for (k, i) in cells.enumerate() {
                (0..segments).for_each(|s| b.set(i * segments + s, value.at(k)));
            }
        } else if let Some(s) = self.pops[population].states.iter_mut().find(|s| s.key == Binding::State(var)) {
            for (k, i) in cells.enumerate() {
                s.now.set(i, value.at(k));
            }
        }
    }

    /// Replaces a parameter; the kernel is compiled anew before the next step.
    pub fn set_param(&mut self, population: usize, var: VarId, value: Column) {
        self.network.populations[population].params.insert(var, value);
        self.pops[population].dirty = true;
    }

    /// Replaces the value of an analog port.
    pub fn set_port(&mut self, population: usize, var: VarId, value: Column) {
        self.network.populations[population].ports.insert(var, value.clone());
        let pop = &mut self.pops[population];
        pop.functions.remove(&var);
        if pop.ports.get(&var) != Some(&PortSource::Step) {
            pop.ports.insert(var, PortSource::Fixed(value));
            pop.dirty = true;
        }
    }

    /// Lets an analog port follow a function of time, the same for all cells.
    pub fn set_port_function(&mut self, population: usize, var: VarId, f: TimeFunction) {
        let pop = &mut self.pops[population];
        pop.functions.insert(var, f);
        if pop.ports.get(&var) != Some(&PortSource::Step) {
            pop.ports.insert(var, PortSource::Uniform);
            pop.dirty = true;
        }
    }

    /// Runs until the boundary of step `end`.
    pub fn run_until(&mut self, end: u64, observer: &mut dyn Observer) -> Result<(), Failure> {
        for i in 0..self.pops.len() {
            if self.pops[i].dirty {
                let mut pop = std::mem::replace(&mut self.pops[i], Pop::hollow(self.options.precision));
                self.compile_population(i, &mut pop);
                self.pops[i] = pop;
            }
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
        self.inputs(m);
        self.integrate_adaptive();
        self.integrate_cables()?;
        if !self.integrate(m) {
            return Err(self.diagnose(m));
        }
        for pop in &mut self.pops {
            for s in &mut pop.states {
                std::mem::swap(&mut s.now, &mut s.next);
            }
        }
        self.extract(m);
        self.event_factors();
        self.deliver(m);
        Ok(())
    }

    /// Fills what the kernels read per step: time, functions of time, continuous contributions.
    fn inputs(&mut self, m: usize) {
        let (dt, step) = (self.options.dt, self.step);
        for d in &mut self.drives {
            match &d.plan.kind {
                DriveKind::Poisson(Column::Const(rate)) => {
                    let rate = *rate;
                    d.set_rate(rate, dt);
                }
                DriveKind::PoissonOf(f) => {
                    let rate = (self.rates[*f])(step as f64 * dt).max(0.0);
                    d.set_rate(rate, dt);
                }
                _ => {}
            }
        }
        for i in 0..self.pops.len() {
            let bindings = self.pops[i].kernel.bindings.clone();
            for (slot, binding) in bindings.iter().enumerate() {
                match binding {
                    Binding::Time => {
                        if let Some(b) = &mut self.pops[i].others[slot] {
                            (0..m).for_each(|s| b.set(s, (step + s as u64) as f64 * dt));
                        }
                    }
                    Binding::PortUniform(v) => {
                        let f = self.pops[i].functions.get(v).cloned();
                        if let (Some(f), Some(b)) = (f, &mut self.pops[i].others[slot]) {
                            (0..m).for_each(|s| b.set(s, f((step + s as u64) as f64 * dt)));
                        }
                    }
                    Binding::PortStep(v) => self.continuous_input(i, slot, *v),
                    _ => {}
                }
            }
        }
    }

    fn continuous_input(&mut self, population: usize, slot: usize, port: VarId) {
        let t = self.step as f64 * self.options.dt;
        let Some(mut target) = self.pops[population].others[slot].take() else { return };
        let base = self.network.populations[population].ports.get(&port).cloned().unwrap_or(Column::Const(0.0));
        let extra = self.pops[population].functions.get(&port).map_or(0.0, |f| f(t));
        let function = self.pops[population].functions.contains_key(&port);
        for i in 0..self.network.populations[population].n {
            target.set(i, if function { extra } else { base.at(i) });
        }
        for (k, p) in self.network.projections.iter().enumerate() {
            if p.post.population != population || p.port != port {
                continue;
            }
            let pops = &self.pops;
            let network = &self.network;
            let read = |pre: bool, var: VarId, cell: usize| {
                let index = if pre { p.pre.population } else { p.post.population };
                read_cell(&pops[index], &network.populations[index], var, cell)
            };
            if let Some(c) = &mut self.projections[k].continuous {
                c.run(p, &read, &mut target);
            }
        }
        self.pops[population].others[slot] = Some(target);
    }

    fn integrate(&mut self, m: usize) -> bool {
        let threads = self.pool.threads();
        let work: usize = self.pops.iter().map(|p| p.lanes * m).sum();
        let (step, dt, precision, seed) = (self.step, self.options.dt, self.options.precision, self.options.seed);
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
                        for s in 0..m as u64 {
                            // SAFETY: threads have disjoint lanes.
                            unsafe { d.run(step + s, dt, lanes.clone(), *ring, precision, &mut scratch) };
                        }
                    }
                }
                for (slot, binding) in pop.kernel.bindings.iter().enumerate() {
                    if let Binding::Random(stream) = binding {
                        let stream = Stream::new(seed, (i as u32 + 1) << 12 | *stream);
                        // SAFETY: the slot's buffer has `max_pass * lanes` elements and threads have disjoint lanes.
                        unsafe { fill_random(&stream, step, m, &lanes, slots[slot], precision) };
                    }
                }
                // SAFETY: the table describes this population's buffers, and threads have disjoint lanes.
                let ok = unsafe { pop.function.call(slots, lanes.start, lanes.end, m) };
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

    /// Advances cables; their potentials are ready when the cell's events are decided.
    fn integrate_cables(&mut self) -> Result<(), Failure> {
        for (population, pop) in self.pops.iter_mut().enumerate() {
            let Some(cables) = &mut pop.cables else { continue };
            let plan = &self.network.populations[population];
            cables.step(&plan.ports);
            if let Some((var, index)) = cables.not_finite() {
                let variable = plan.model.vars[var].name.clone();
                let time = (self.step + 1) as f64 * self.options.dt;
                return Err(Failure::NonFinite { population, variable, index, time, last: f64::NAN });
            }
        }
        Ok(())
    }

    /// Integrates populations with an adaptive scheme over one step, cell by cell with its own step size.
    fn integrate_adaptive(&mut self) {
        let (dt, precision) = (self.options.dt, self.options.precision);
        let t = self.step as f64 * dt;
        for pop in &mut self.pops {
            let Some(mut a) = pop.adaptive.take() else { continue };
            let n = a.step.len();
            let mut done = vec![0.0; n];
            let mut h = Buffer::new(pop.lanes, precision);
            let mut error = Buffer::new(pop.lanes, precision);
            let mut time = Buffer::new(16, precision);
            time.set(0, t);
            // A step that shrinks below this would never end; the state is then left to the finiteness check.
            let smallest = dt * 1e-9;
            while done.iter().any(|d| *d < dt) {
                for (i, done) in done.iter().enumerate() {
                    h.set(i, (dt - done).min(a.step[i]).max(0.0));
                }
                let mut table = Vec::new();
                for b in &a.kernel.bindings {
                    table.push(match b {
                        Binding::StepSize => same(&mut h),
                        Binding::StepError => same(&mut error),
                        Binding::Time => same(&mut time),
                        key => match pop.states.iter_mut().find(|s| s.key == *key) {
                            Some(s) => SlotMemory { input: s.now.as_mut_ptr(), output: s.next.as_mut_ptr(), stride: 0 },
                            None => same(pop.others.iter_mut().flatten().next().unwrap_or(&mut time)),
                        },
                    });
                }
                // SAFETY: every slot is a buffer of at least `lanes` elements (uniform ones of one).
                unsafe { a.function.call(&table, 0, pop.lanes, 1) };
                for (i, done) in done.iter_mut().enumerate() {
                    let used = (dt - *done).min(a.step[i]);
                    if used <= 0.0 {
                        continue;
                    }
                    let e = error.get(i);
                    if e <= 1.0 || used <= smallest {
                        for s in &mut pop.states {
                            let v = s.next.get(i);
                            s.now.set(i, v);
                        }
                        *done = if used >= (dt - *done) * (1.0 - 1e-12) { dt } else { *done + used };
                    }
                    // The usual controller: safety 0.9, growth between 0.2 and 5.
                    let factor = if e.is_finite() { 0.9 * e.max(1e-8).powf(-0.2) } else { 0.2 };
                    let new = used * factor.clamp(0.2, 5.0);
                    if e > 1.0 || e.is_nan() || used == a.step[i] || new < a.step[i] {
                        a.step[i] = new.max(smallest);
                    }
                }
            }
            pop.adaptive = Some(a);
        }
    }

    /// Finds the first step of the pass after which a state is not finite, from the states still kept at its start.
    fn diagnose(&mut self, m: usize) -> Failure {
        let (step, precision) = (self.step, self.options.precision);
        for population in 0..self.pops.len() {
            let mut before: Option<Vec<f64>> = None;
            for k in 1..=m {
                let pop = &mut self.pops[population];
                let (table, _) = pop.table(step, self.ring_slots, precision);
                // SAFETY: as in `integrate`, on one thread.
                unsafe { pop.function.call(&table, 0, pop.lanes, k) };
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
        let precision = self.options.precision;
        for (i, pop) in self.pops.iter_mut().enumerate() {
            let n = self.network.populations[i].n;
            let stride = pop.lanes / precision.lanes_per_byte();
            for (event, spikes) in &mut pop.spikes {
                spikes.cells.clear();
                spikes.start.clear();
                spikes.start.push(0);
                for s in 0..m {
                    scan(
                        &pop.bits[event][s * stride..(s + 1) * stride],
                        precision.lanes_per_byte(),
                        n,
                        &mut spikes.cells,
                    );
                    spikes.start.push(spikes.cells.len() as u32);
                }
            }
        }
    }

    /// Advances presynaptic states of synapses at this pass's events, in order.
    fn event_factors(&mut self) {
        let (step, dt, precision) = (self.step, self.options.dt, self.options.precision);
        for (k, p) in self.network.projections.iter().enumerate() {
            let Proj { on_pre, states, last, factors, .. } = &mut self.projections[k];
            factors.clear();
            for on in on_pre.iter() {
                let Err((kernel, function)) = &on.action else { continue };
                let spikes = &self.pops[p.pre.population].spikes[&on.event.as_u32()];
                for s in 0..spikes.start.len() - 1 {
                    let cells: Vec<usize> = spikes.cells[spikes.start[s] as usize..spikes.start[s + 1] as usize]
                        .iter()
                        .filter_map(|c| (*c as usize).checked_sub(p.pre.start).filter(|c| *c < p.pre.n))
                        .collect();
                    let lanes = padded(cells.len());
                    let now = step + s as u64 + 1;
                    let mut buffers: Vec<Buffer> =
                        kernel.kernel.slots.values().map(|_| Buffer::new(lanes, precision)).collect();
                    for (i, c) in cells.iter().enumerate() {
                        for (j, state) in states.iter().enumerate() {
                            buffers[j].set(i, state.get(*c));
                        }
                        buffers[kernel.elapsed.as_u32() as usize].set(i, (now - last[*c]) as f64 * dt);
                        last[*c] = now;
                    }
                    let table: Vec<SlotMemory> = buffers.iter_mut().map(same).collect();
                    // SAFETY: every slot is a buffer of `lanes` elements that only this call uses.
                    unsafe { function.call(&table, 0, lanes, 1) };
                    for (i, c) in cells.iter().enumerate() {
                        for (j, state) in states.iter_mut().enumerate() {
                            state.set(*c, buffers[j].get(i));
                        }
                        factors.push(buffers[kernel.factor.as_u32() as usize].get(i));
                    }
                }
            }
        }
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
                let mut factor_at = 0;
                for on in &proj.on_pre {
                    let spikes = &pops[p.pre.population].spikes[&on.event.as_u32()];
                    for s in 0..m {
                        for cell in &spikes.cells[spikes.start[s] as usize..spikes.start[s + 1] as usize] {
                            let Some(row) = (*cell as usize).checked_sub(p.pre.start).filter(|c| *c < p.pre.n) else {
                                continue;
                            };
                            let factor = match &on.action {
                                Ok(f) => *f,
                                Err(_) => {
                                    factor_at += 1;
                                    proj.factors[factor_at - 1]
                                }
                            };
                            // SAFETY: rows of thread `t` hold targets of its own lanes only.
                            unsafe { proj.rows[t].deliver(row, factor, step + s as u64, ring, precision) };
                        }
                    }
                }
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

fn same(b: &mut Buffer) -> SlotMemory {
    let at = b.as_mut_ptr();
    SlotMemory { input: at, output: at, stride: 0 }
}

fn read_cell(pop: &Pop, plan: &crate::plan::Population, var: VarId, cell: usize) -> f64 {
    if let Some(s) = pop.states.iter().find(|s| s.key == Binding::State(var)) {
        return s.now.get(cell);
    }
    let value = |v: VarId| {
        pop.states
            .iter()
            .find(|s| s.key == Binding::State(v))
            .map(|s| s.now.get(cell))
            .or_else(|| plan.params.get(&v).map(|c| c.at(cell)))
            .or_else(|| plan.ports.get(&v).map(|c| c.at(cell)))
    };
    let e = crate::hir::inline_lets(&plan.model, crate::hir::Expr::Var(var));
    crate::math::eval(&e, &value, None).unwrap_or(f64::NAN)
}

/// # Safety
/// `slot` must be a buffer of `m * lanes of the population` elements; no other thread may touch these lanes.
unsafe fn fill_random(
    stream: &Stream,
    step: u64,
    m: usize,
    lanes: &std::ops::Range<usize>,
    slot: SlotMemory,
    precision: Precision,
) {
    let n = lanes.len();
    for s in 0..m {
        // SAFETY: the caller's promise about the buffer; lanes are multiples of 16, so counters do not straddle.
        unsafe {
            let base = slot.input.add(s * slot.stride + lanes.start * precision.bytes()).cast::<u32>();
            match precision {
                Precision::F32 => {
                    stream.fill(step + s as u64, (lanes.start / 4) as u32, std::slice::from_raw_parts_mut(base, n))
                }
                // Two words per lane.
                Precision::F64 => {
                    stream.fill(step + s as u64, (lanes.start / 2) as u32, std::slice::from_raw_parts_mut(base, 2 * n))
                }
            }
        }
    }
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

impl Pop {
    fn hollow(precision: Precision) -> Pop {
        let kernel = crate::ir::Kernel::new("", precision);
        Pop {
            lanes: 0,
            kernel: NeuronKernel { raw: kernel.clone(), kernel: kernel.clone(), bindings: Vec::new() },
            function: KernelFn::Interpreted(Arc::new(kernel)),
            adaptive: None,
            cables: None,
            states: Vec::new(),
            others: Vec::new(),
            bits: BTreeMap::new(),
            spikes: BTreeMap::new(),
            rings: BTreeMap::new(),
            ports: BTreeMap::new(),
            functions: BTreeMap::new(),
            dirty: false,
        }
    }

    /// Describes the memory of all slots for a pass that begins at `step`.
    fn table(&mut self, step: u64, ring_slots: usize, precision: Precision) -> Table {
        let bytes = precision.bytes();
        let stride = self.lanes * bytes;
        let mut table = Vec::with_capacity(self.kernel.bindings.len());
        for (slot, binding) in self.kernel.bindings.iter().enumerate() {
            table.push(match binding {
                Binding::State(_) | Binding::Hidden(_) => match self.states.iter_mut().find(|s| s.key == *binding) {
                    Some(s) => SlotMemory { input: s.now.as_mut_ptr(), output: s.next.as_mut_ptr(), stride: 0 },
                    None => crate::ice!("state without memory"),
                },
                Binding::CableState(v) => match self.cables.as_mut().and_then(|c| c.state_mut(*v)) {
                    Some((b, _)) => same(b),
                    None => crate::ice!("cable state without memory"),
                },
                Binding::Event(e) => {
                    let at = self.bits.get_mut(&e.as_u32()).map_or(std::ptr::null_mut(), |b| b.as_mut_ptr());
                    SlotMemory { input: at, output: at, stride: self.lanes / precision.lanes_per_byte() }
                }
                Binding::Arrival(v) => match self.rings.get_mut(v) {
                    Some(ring) => {
                        let slot = (step % ring_slots as u64) as usize;
                        // SAFETY: the slot lies within the ring.
                        let at = unsafe { ring.buffer.as_mut_ptr().add(slot * stride) };
                        SlotMemory { input: at, output: at, stride }
                    }
                    None => crate::ice!("arrivals without a ring"),
                },
                _ => match &mut self.others[slot] {
                    Some(b) => {
                        let at = b.as_mut_ptr();
                        SlotMemory { input: at, output: at, stride }
                    }
                    None => crate::ice!("slot without memory"),
                },
            });
        }
        let rings = self.rings.iter_mut().map(|(v, r)| (*v, r.pointer())).collect();
        (table, rings)
    }
}
