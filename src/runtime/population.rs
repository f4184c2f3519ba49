//! One population: its states, its compiled kernels and the memory their slots point to.

mod fit;
mod pass;

use super::adaptive::{Adaptive, Attempt};
use super::buffer::{Buffer, padded};
use super::cable::Cables;
use super::chance::RareEvents;
use super::clock::LaneClocks;
use super::exchange::Array;
use super::noise::Noise;
use super::options::Options;
use super::reading::Readings;
use super::remembered::{Cells, Raw};
use super::ring::{Ring, RingPointer};
use super::spikes::Spikes;
use super::time::PortFunction;
use crate::codegen::abi::SlotMemory;
use crate::hir::{VarId, VarKind};
use crate::image::{self, BLOCK, Baked, Binding, Bound, Hidden, LONG_AGO, Listing, PortSource, Target, UNSEEN, baked};
use crate::ir::Precision;
use crate::plan::{self, GROUP, Lanes};
use cranelift_entity::EntityRef;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A state's values at the beginning and at the end of a pass.
pub struct StateArray {
    /// The state.
    pub key: Binding,
    buffers: [Buffer; 2],
    /// Which of them is the one at the beginning.
    at: usize,
}

impl StateArray {
    fn new(key: Binding, lanes: usize, precision: Precision) -> StateArray {
        StateArray { key, buffers: [Buffer::new(lanes, precision), Buffer::new(lanes, precision)], at: 0 }
    }

    /// Returns the values at the beginning of the pass.
    pub fn now(&self) -> &Buffer {
        &self.buffers[self.at]
    }

    /// Returns the values at the beginning of the pass, to be changed.
    pub fn now_mut(&mut self) -> &mut Buffer {
        &mut self.buffers[self.at]
    }

    /// Returns the values at the end of the pass.
    pub fn next(&self) -> &Buffer {
        &self.buffers[1 - self.at]
    }

    fn memory(&mut self) -> SlotMemory {
        let output = self.buffers[1 - self.at].as_mut_ptr();
        SlotMemory { input: self.now_mut().as_mut_ptr(), output, stride: 0 }
    }
}

/// A kernel and the memory of the slots that belong to it alone.
pub struct Loaded {
    /// The kernel.
    pub kernel: Bound<Binding>,
    /// By slot: fixed values, time, random bits.
    pub own: Vec<Option<Buffer>>,
    /// Functions of time that differ from cell to cell.
    clocks: LaneClocks,
}

/// What a kernel was made for: steps of a pass, and what of parameters and ports is part of it.
type Fit = (usize, Vec<(VarId, Baked)>);

/// What kernels may not fit any more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stale {
    Nothing,
    /// Values or sources of ports, which cables read from memory.
    Ports,
    /// Parameters as well.
    All,
}

/// Values of ports that are sums of continuous contributions.
pub type Summed<'a, 'b> = &'a dyn Fn(VarId) -> Option<&'b Buffer>;

/// A population that runs.
pub struct Pop {
    /// Number of cells, padded.
    pub lanes: usize,
    /// Integration, events and handlers.
    pub update: Loaded,
    /// States, at the beginning and end of a pass.
    pub states: Vec<StateArray>,
    /// Which of them is a variable of the model, by its number.
    state_of: Vec<Option<usize>>,
    /// Event bits of a pass, by event.
    pub bits: Vec<Vec<u8>>,
    /// Events of a pass, by event.
    pub spikes: Vec<Spikes>,
    /// Arriving weights, by port; they never move.
    rings: Vec<(VarId, Ring)>,
    /// The same, and whether the lanes are segments of a cable.
    ring_pointers: Vec<(RingPointer, bool)>,
    /// Cable compartments.
    pub cables: Option<Cables>,
    adaptive: Option<Adaptive>,
    /// How analog ports get their values.
    ports: BTreeMap<VarId, PortSource>,
    /// Values of analog ports that change: one per step, or one per cell.
    inputs: BTreeMap<VarId, Buffer>,
    /// Ports whose values are written cell by cell at every step.
    filled: Vec<VarId>,
    /// Ports that projections contribute to continuously.
    contributed: BTreeSet<VarId>,
    /// Functions that ports follow, each for some of the cells.
    functions: BTreeMap<VarId, Vec<PortFunction>>,
    /// What has changed, so that the kernels must be made to fit.
    stale: Stale,
    /// Values of parameters, if they are known.
    parameters: Option<HashMap<VarId, plan::Column>>,
    /// How often each port has been given another value for all cells.
    moves: BTreeMap<VarId, u32>,
    /// Cells.
    n: usize,
    /// What the kernel fits.
    baked: Fit,
    /// Kernels that fitted earlier, the latest last.
    earlier: Vec<(Fit, Loaded)>,
    /// The memory of the kernel's slots in the next pass.
    table: Vec<SlotMemory>,
    /// Slots whose memory is another one in every pass.
    moving: Vec<(usize, Moving)>,
    /// Slots that hold one value per step.
    uniform: Vec<usize>,
    /// Slots to which values of segments are copied.
    copied: Vec<Copied>,
    /// Slots from which they are copied back where events have changed them.
    changed: Vec<Changed>,
    noise: Noise,
    /// Its events, if there is nothing else to it than that they are drawn, and which slot they go to.
    rare: Option<(RareEvents, usize)>,
}

/// A slot with the values of one segment of the cells.
struct Copied {
    slot: usize,
    from: *const u8,
    lanes: Lanes,
    segment: usize,
}

// SAFETY: what is read belongs to the population.
unsafe impl Send for Copied {}
// SAFETY: threads copy what belongs to their cells.
unsafe impl Sync for Copied {}

/// A slot with what events have made of a state of a cable of one segment.
struct Changed {
    slot: usize,
    to: *mut u8,
    /// What single precision could not take up of the changes of a potential.
    rest: Option<*mut u8>,
    lanes: Lanes,
}

// SAFETY: what is written belongs to the population.
unsafe impl Send for Changed {}
// SAFETY: threads write what belongs to their cells.
unsafe impl Sync for Changed {}

/// Where a slot's memory moves.
#[derive(Clone, Copy)]
enum Moving {
    /// From one buffer of a state to the other.
    State,
    /// Along a ring.
    Ring(usize),
}

impl Loaded {
    /// Allocates what the slots of a kernel need for passes of `steps` steps.
    pub fn new(kernel: Bound<Binding>, lanes: usize, steps: usize, target: &Target) -> Loaded {
        let precision = target.precision;
        let own = |binding: &Binding| match binding {
            Binding::Lane(values, _) => Some(Buffer::repeating(lanes, precision, values)),
            Binding::Time => Some(Buffer::new(steps.max(16), precision)),
            Binding::Clock(clock) if clock.is_uniform() => Some(Buffer::new(steps.max(16), precision)),
            Binding::Clock(_) => Some(Buffer::new(steps * lanes, precision)),
            Binding::Random(_) | Binding::Count(_) => Some(Buffer::new(steps * lanes, precision)),
            Binding::CableState(..) | Binding::CableChanged(_) => Some(Buffer::new(lanes, precision)),
            _ => None,
        };
        let clocks = kernel.slots().iter().enumerate().filter_map(|(slot, binding)| match binding {
            Binding::Clock(clock) => Some((slot, &**clock)),
            _ => None,
        });
        let clocks = LaneClocks::new(clocks, lanes, target.backend);
        Loaded { own: kernel.slots().iter().map(own).collect(), kernel, clocks }
    }

    /// Returns the kernels.
    pub fn listings(&self) -> impl Iterator<Item = Listing> {
        std::iter::once(self.kernel.listing()).chain(self.clocks.listings())
    }

    /// Computes anew what differs from cell to cell; false if it has no value.
    fn refill(
        &mut self,
        p: &plan::Population,
        values: (&HashMap<VarId, plan::Column>, &BTreeMap<VarId, PortSource>),
        dt: f64,
    ) -> bool {
        let (kernel, own) = (&self.kernel, &mut self.own);
        kernel.lowered().refill(p, values, dt, &mut |slot, values| match &mut own[slot] {
            Some(buffer) => buffer.repeat(values),
            None => crate::ice!("values of cells without memory"),
        })
    }

    /// Describes the slots of an adaptive attempt.
    pub fn attempt_table(
        &mut self,
        attempt: &mut Attempt,
        states: &mut [StateArray],
        inputs: &mut BTreeMap<VarId, Buffer>,
    ) -> Vec<SlotMemory> {
        let memory = |(binding, own): (&Binding, &mut Option<Buffer>)| match binding {
            Binding::StepSize => attempt.h.in_place(),
            Binding::StepError => attempt.error.in_place(),
            Binding::Time => attempt.time.in_place(),
            Binding::State(_) | Binding::Hidden(_) => state_slot(states, binding),
            Binding::PortUniform(v) | Binding::PortStep(v) => input_slot(inputs, *v),
            _ => own.as_mut().map(Buffer::in_place).unwrap_or_else(|| crate::ice!("slot without memory")),
        };
        self.kernel.slots().iter().zip(&mut self.own).map(memory).collect()
    }
}

/// Returns what of a number single precision leaves over.
fn beyond_single(value: f64) -> f64 {
    let rest = value - f64::from(value as f32);
    if rest.is_finite() { rest } else { 0.0 }
}

fn state_slot(states: &mut [StateArray], key: &Binding) -> SlotMemory {
    match states.iter_mut().find(|s| s.key == *key) {
        Some(s) => s.memory(),
        None => crate::ice!("state without memory"),
    }
}

fn input_slot(inputs: &mut BTreeMap<VarId, Buffer>, port: VarId) -> SlotMemory {
    inputs.get_mut(&port).map(Buffer::in_place).unwrap_or_else(|| crate::ice!("input without memory"))
}

impl Pop {
    /// Allocates and compiles a population with initial states; `analog` ports receive continuous contributions.
    pub fn new(
        p: &plan::Population,
        index: usize,
        event_ports: &BTreeSet<VarId>,
        analog: &BTreeSet<VarId>,
        ring_slots: usize,
        steps: usize,
        options: &Options,
    ) -> Pop {
        let lanes = padded(p.n);
        let source = |v: &VarId, c: &plan::Column| match analog.contains(v) {
            true => PortSource::Step,
            false => PortSource::Fixed(c.clone()),
        };
        let lanes_of =
            |port: &VarId| p.lanes_of(*port).map_or((lanes, GROUP), |segments| (segments.places(), segments.unit()));
        let ring = |port: &VarId| (*port, Ring::new(lanes_of(port), ring_slots, options.precision));
        let ports = p.ports.iter().map(|(v, c)| (*v, source(v, c))).collect();
        let mut rings: Vec<(VarId, Ring)> = event_ports.iter().map(ring).collect();
        let ring_pointers = rings.iter_mut().map(|(port, r)| (r.pointer(), p.lanes_of(*port).is_some())).collect();
        let mut pop = Pop {
            lanes,
            update: load(p, &ports, event_ports, steps, options),
            states: Vec::new(),
            state_of: Vec::new(),
            bits: vec![Vec::new(); p.model.events.len()],
            spikes: p.model.events.keys().map(|_| Spikes::default()).collect(),
            rings,
            ring_pointers,
            cables: None,
            adaptive: None,
            ports,
            inputs: BTreeMap::new(),
            filled: Vec::new(),
            contributed: analog.clone(),
            functions: BTreeMap::new(),
            stale: Stale::Nothing,
            parameters: None,
            moves: BTreeMap::new(),
            n: p.n,
            baked: (steps, Vec::new()),
            earlier: Vec::new(),
            table: Vec::new(),
            moving: Vec::new(),
            uniform: Vec::new(),
            copied: Vec::new(),
            changed: Vec::new(),
            noise: Noise::default(),
            rare: None,
        };
        pop.baked.1 = baked(p, &pop.ports);
        pop.allocate(p, index, (steps, Stale::All), options);
        for s in &mut pop.states {
            match &s.key {
                Binding::State(v) => {
                    if let Some(c) = p.init.get(v) {
                        (0..lanes).for_each(|i| s.now_mut().set(i, c.at(i.min(p.n - 1))));
                    }
                }
                Binding::Hidden(Hidden::Rest(v)) => {
                    if let Some(c) = p.init.get(v) {
                        (0..lanes).for_each(|i| s.now_mut().set(i, beyond_single(c.at(i.min(p.n - 1)))));
                    }
                }
                _ => {}
            }
        }
        pop.forget_events(0..lanes, options);
        pop
    }

    /// Lets cells be as if they had had no event yet.
    pub fn forget_events(&mut self, cells: std::ops::Range<usize>, options: &Options) {
        for s in &mut self.states {
            let Binding::Hidden(what) = s.key else { continue };
            let first = match (what, options.precision) {
                // Long enough ago for any comparison.
                (Hidden::Since(_), Precision::F64) => (LONG_AGO / options.dt).round(),
                (Hidden::Blocks(_), _) => (LONG_AGO / options.dt / BLOCK).round(),
                (Hidden::Edge(_), _) => UNSEEN,
                (Hidden::Since(_) | Hidden::Hold(_) | Hidden::Mute(_), _) => 0.0,
                // A part of a state.
                (Hidden::Rest(_) | Hidden::Kept(_), _) => continue,
            };
            cells.clone().for_each(|i| s.now_mut().set(i, first));
        }
    }

    /// Returns where weights arrive at an event port.
    pub fn ring(&mut self, port: VarId) -> Option<RingPointer> {
        self.rings.iter_mut().find(|(p, _)| *p == port).map(|(_, r)| r.pointer())
    }

    /// Writes what a port has by itself at time `t`, without what projections contribute.
    pub fn own_input(&self, p: &plan::Population, port: VarId, t: f64, out: &mut Buffer) {
        let mut own: Vec<f64> = match p.ports.get(&port) {
            Some(column) => (0..p.n).map(|c| column.at(c)).collect(),
            None => vec![0.0; p.n],
        };
        self.functions.get(&port).into_iter().flatten().for_each(|f| f.fill(t, &mut own));
        out.fill_with(own.into_iter());
    }

    /// Writes the values of ports of which single cells follow functions of time.
    pub fn fill_inputs(&mut self, p: &plan::Population, t: f64) {
        for port in self.filled.clone() {
            let Some(mut values) = self.inputs.remove(&port) else { continue };
            self.own_input(p, port, t, &mut values);
            self.inputs.insert(port, values);
        }
    }

    /// Replaces the values of a port that receives continuous contributions.
    pub fn set_input(&mut self, port: VarId, values: &Buffer) {
        match self.inputs.get_mut(&port) {
            Some(b) => b.copy_all(values),
            None => crate::ice!("input without memory"),
        }
    }

    /// Writes the values of any variable at time `t`, one per cell, given those of ports that are sums.
    pub fn read(
        &self,
        (index, p): (usize, &plan::Population),
        var: VarId,
        (t, readings): (f64, &Readings),
        summed: Summed,
        out: &mut Buffer,
    ) {
        match self.state_buffer(var) {
            Some(state) => out.copy_all(state),
            None => {
                let fill = &mut |v: VarId, out: &mut Buffer| self.place(p, v, t, summed, out);
                readings.with((index, var), p, t, fill, |values| out.convert(values, p.n));
            }
        }
    }

    /// Writes the values of a variable that has a place of its own at time `t`, one per cell, given those of ports that are sums.
    pub fn place(&self, p: &plan::Population, var: VarId, t: f64, summed: Summed, out: &mut Buffer) {
        if let Some(state) = self.state_buffer(var) {
            out.convert(state, p.n);
        } else if let Some((states, lanes, segment)) = self.cables.as_ref().and_then(|c| c.segment(var)) {
            (0..p.n).for_each(|cell| out.set(cell, states.get(lanes.of(cell, segment))));
        } else if matches!(p.model.vars[var].kind, VarKind::Distance) {
            (0..p.n).for_each(|cell| {
                out.set(cell, p.fixed(var, cell, 0).unwrap_or_else(|| crate::ice!("a distance of nothing")))
            });
        } else if let Some(column) = p.params.get(&var) {
            out.fill_column(p.n, column);
        } else if let Some(sum) = summed(var) {
            out.convert(sum, p.n);
        } else {
            match (self.contributed.contains(&var), self.inputs.get(&var), p.ports.get(&var)) {
                (true, Some(sum), _) => out.convert(sum, p.n),
                (false, ..) if self.functions.contains_key(&var) => self.own_input(p, var, t, out),
                (.., Some(column)) => out.fill_column(p.n, column),
                _ => crate::ice!("`{}` of a cell cannot be computed between steps", p.model.vars[var].name),
            }
        }
    }

    /// The same for every place of the segments of a cable: what is the cell's is that of all its segments.
    pub fn place_along(
        &self,
        p: &plan::Population,
        (cable, var): (usize, VarId),
        t: f64,
        summed: Summed,
        out: &mut Buffer,
    ) {
        let (of, lanes) = (&p.model.vars[var], p.lanes(cable));
        match (of.cable == Some(cable), &of.kind) {
            (true, VarKind::State(_)) => match self.cables.as_ref().and_then(|c| c.state(var)) {
                Some((states, _)) => out.convert(states, lanes.places()),
                None => crate::ice!("a cable without the state"),
            },
            (true, VarKind::Param(_) | VarKind::Distance) => {
                let fixed = |(cell, segment): (usize, usize)| p.fixed(var, cell, segment);
                let value = |place| fixed(place).unwrap_or_else(|| crate::ice!("`{}` of no segment", of.name));
                out.fill_with(p.each_place(cable).map(value));
            }
            _ => {
                let mut cells = Buffer::new(padded(p.n), Precision::F64);
                self.place(p, var, t, summed, &mut cells);
                out.fill_with(lanes.each().map(|(cell, _)| cells.get(cell)));
            }
        }
    }

    /// Returns the kernels.
    pub fn listings(&self) -> Vec<Listing> {
        let adaptive = self.adaptive.iter().flat_map(Adaptive::listings);
        self.update.listings().chain(adaptive).chain(self.cables.iter().flat_map(Cables::listings)).collect()
    }

    /// Returns the states, of which every process has those of its own lanes.
    pub fn arrays(&mut self) -> impl Iterator<Item = Array<'_>> {
        let lanes = self.lanes;
        let cells = self.states.iter_mut().map(move |s| Array::of(s.now_mut(), lanes));
        cells.chain(self.cables.iter_mut().flat_map(Cables::arrays))
    }

    /// Returns where weights under way are summed, by port.
    pub fn rings(&self) -> impl Iterator<Item = &Ring> {
        self.rings.iter().map(|(_, ring)| ring)
    }

    /// Returns the same, to put sums back.
    pub fn rings_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Ring> {
        self.rings.iter_mut().map(|(_, ring)| ring)
    }

    /// Returns the step sizes of an adaptive scheme; none if there is no such scheme.
    pub fn step_sizes(&self) -> &[f64] {
        self.adaptive.as_ref().map_or(&[], Adaptive::step_sizes)
    }

    /// Puts them back; false if they are not as many.
    pub fn set_step_sizes(&mut self, from: &[f64]) -> bool {
        self.adaptive.as_mut().map_or(from.is_empty(), |a| a.set_step_sizes(from))
    }

    /// Returns what the cells remember that every process knows.
    pub fn cells(&self) -> Cells {
        Cells {
            states: self.states.iter().map(|s| Raw::of(s.now())).collect(),
            rings: Vec::new(),
            inputs: self.inputs.values().map(Raw::of).collect(),
            cables: self.cables.iter().flat_map(Cables::states).map(Raw::of).collect(),
            adaptive: Vec::new(),
        }
    }

    /// Puts back what the cells remembered that every process knows; false if it does not fit.
    pub fn set_cells(&mut self, from: &Cells) -> bool {
        let cables: Vec<&mut Buffer> = self.cables.iter_mut().flat_map(Cables::states_mut).collect();
        Raw::restore_all(&from.states, self.states.iter_mut().map(StateArray::now_mut))
            && Raw::restore_all(&from.inputs, self.inputs.values_mut())
            && Raw::restore_all(&from.cables, cables.into_iter())
    }

    /// Returns the value of an analog port of one cell: the last sum of what arrives, or what it is set to.
    pub fn port_of(&self, p: &plan::Population, port: VarId, cell: usize, t: f64) -> Option<f64> {
        match (self.ports.get(&port), self.inputs.get(&port), self.functions.get(&port)) {
            (Some(PortSource::Step), Some(sum), _) => Some(sum.get(cell)),
            (_, _, Some(list)) => list.first().map(|f| f.of.at(t)),
            _ => p.ports.get(&port).map(|c| c.at(cell)),
        }
    }

    /// Replaces values of a state that is not a cable's; false if there is none.
    pub fn set_values(&mut self, var: VarId, cells: std::ops::Range<usize>, value: &plan::Column) -> bool {
        let mut put = |key: Binding, of: &dyn Fn(f64) -> f64| match self.states.iter_mut().find(|s| s.key == key) {
            Some(s) => {
                cells.clone().enumerate().for_each(|(k, i)| s.now_mut().set(i, of(value.at(k))));
                true
            }
            None => false,
        };
        put(Binding::Hidden(Hidden::Rest(var)), &beyond_single);
        put(Binding::State(var), &|v| v)
    }

    /// Lets the potential of a cable that is held be held at another value.
    pub fn keep_at(&mut self, var: VarId, cell: usize, value: f64) {
        let key = Binding::Hidden(Hidden::Kept(var));
        if let Some(s) = self.states.iter_mut().find(|s| s.key == key) {
            s.now_mut().set(cell, value);
        }
    }

    /// Replaces all values of a state: one for each cell, of a cable's one for each place of its segments.
    pub fn put_values(&mut self, var: VarId, values: &[f64]) {
        if self.cables.as_mut().is_some_and(|cables| cables.put(var, values)) {
            let lanes = self.cables.as_ref().and_then(|cables| cables.state(var)).map(|(_, lanes)| lanes);
            if let Some(lanes) = lanes.filter(|lanes| lanes.segments == 1) {
                (0..lanes.cells).for_each(|cell| self.keep_at(var, cell, values[lanes.of(cell, 0)]));
            }
            return;
        }
        let mut put = |key: Binding, of: &dyn Fn(f64) -> f64| {
            if let Some(s) = self.states.iter_mut().find(|s| s.key == key) {
                s.now_mut().fill_with(values.iter().map(|v| of(*v)));
            }
        };
        put(Binding::Hidden(Hidden::Rest(var)), &beyond_single);
        put(Binding::State(var), &|v| v);
    }

    /// Returns the values of a state, one per cell, if it is not a cable's.
    pub fn state_buffer(&self, var: VarId) -> Option<&Buffer> {
        let at = *self.state_of.get(var.index())?;
        at.map(|k| self.states[k].now())
    }
}

fn load(
    p: &plan::Population,
    ports: &BTreeMap<VarId, PortSource>,
    event_ports: &BTreeSet<VarId>,
    steps: usize,
    options: &Options,
) -> Loaded {
    let target = options.target();
    Loaded::new(image::update(p, ports, event_ports, steps, &target), padded(p.n), steps, &target)
}
