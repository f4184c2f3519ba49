//! One projection: what its presynaptic events do, states per presynaptic cell.

use super::buffer::{Buffer, padded};
use super::history::History;
use super::options::Options;
use super::remembered::{Raw, Sources};
use super::spikes::Spikes;
use crate::codegen::abi::SlotMemory;
use crate::hir::{EventId, Trigger, VarId};
use crate::image::{self, Bound, Effect, EventSlot, Listing};
use crate::ir::Precision;
use crate::plan::{Network, Projection, View};
use std::collections::VecDeque;
use std::sync::OnceLock;

/// What one kind of presynaptic event does.
struct OnPre {
    event: EventId,
    /// Under which number the events are remembered.
    remembered: usize,
    action: Action,
}

impl OnPre {
    /// Returns this pass's events among all of the population's.
    fn of<'a>(&self, spikes: &'a [Spikes]) -> &'a Spikes {
        &spikes[self.event.as_u32() as usize]
    }
}

enum Action {
    /// Delivers the weight times this.
    Factor(f64),
    /// Advances states, which give the factor.
    Kernel(Box<Advance>),
}

struct Advance {
    kernel: Box<Bound<EventSlot>>,
    /// Factors of the events of earlier steps, the latest first, in the order of the cells.
    past: VecDeque<Vec<f64>>,
}

/// A projection that runs.
pub struct Proj {
    on_pre: Vec<OnPre>,
    /// States per presynaptic cell and the step of the last event.
    states: Vec<Buffer>,
    last: Vec<u64>,
    /// Advances states without an event, for readers; made when it is needed.
    reader: OnceLock<Option<Box<Bound<EventSlot>>>>,
}

impl Proj {
    /// Compiles what presynaptic events do, if the synapses do not learn.
    pub fn new(network: &Network, p: &Projection, history: &mut History, options: &Options) -> Proj {
        let precision = options.precision;
        let fixed = !p.is_plastic();
        let handlers = p.synapse.handlers.iter().filter(|_| fixed);
        let on_pre: Vec<OnPre> = handlers
            .filter_map(|h| {
                let Trigger::Cell(_, event) = &h.trigger else { return None };
                let event = network.populations[p.pre.population].model.event(event)?;
                let action = match image::effect(p, &h.body, &options.target()) {
                    Effect::Factor(factor) => Action::Factor(factor),
                    Effect::Kernel(kernel) => Action::Kernel(Box::new(Advance { kernel, past: VecDeque::new() })),
                };
                let remembered = history.keep_events(p.pre.population, event, 0);
                Some(OnPre { event, remembered, action })
            })
            .collect();
        let initial = |slot: &EventSlot| match slot {
            EventSlot::State(v) => Some(Buffer::repeating(padded(p.pre.n), precision, &[p.initial(*v, 0)])),
            EventSlot::Elapsed | EventSlot::Factor => None,
        };
        let states: Vec<Buffer> = on_pre
            .iter()
            .find_map(|on| match &on.action {
                Action::Kernel(a) => Some(a.kernel.slots().iter().filter_map(initial).collect()),
                Action::Factor(_) => None,
            })
            .unwrap_or_default();
        let last = if states.is_empty() { Vec::new() } else { vec![0; p.pre.n] };
        Proj { on_pre, states, last, reader: OnceLock::new() }
    }

    /// Returns the kernels.
    pub fn listings(&self) -> impl Iterator<Item = Listing> {
        self.on_pre.iter().filter_map(|on| match &on.action {
            Action::Kernel(a) => Some(a.kernel.listing()),
            Action::Factor(_) => None,
        })
    }

    /// Returns whether events are delivered along its synapses as they are.
    pub fn sends(&self) -> bool {
        !self.on_pre.is_empty()
    }

    /// Returns the kinds of events that it waits for.
    pub fn events(&self) -> impl Iterator<Item = EventId> {
        self.on_pre.iter().map(|on| on.event)
    }

    /// Returns by what weights are multiplied, if that is always the same.
    pub fn constant(&self) -> Option<f64> {
        match &self.on_pre[..] {
            [OnPre { action: Action::Factor(f), .. }] => Some(*f),
            _ => None,
        }
    }

    /// Returns whether both are about the same kinds of events.
    pub fn same_events(&self, other: &Proj) -> bool {
        let numbers = |p: &Proj| p.on_pre.iter().map(|on| on.remembered).collect::<Vec<_>>();
        numbers(self) == numbers(other)
    }

    /// Lets events and factors of so many steps be remembered.
    pub fn remember(&mut self, p: &Projection, history: &mut History, steps: usize) {
        for on in &mut self.on_pre {
            history.keep_events(p.pre.population, on.event, steps);
            if let Action::Kernel(a) = &mut on.action {
                a.past.resize(a.past.len().max(steps), Vec::new());
            }
        }
    }

    /// Returns the cells of the view that had an event which is delivered in step `s` of the pass, ascending.
    pub fn senders(&self, spikes: &[Spikes], s: usize, pre: View) -> Vec<usize> {
        let of = |on: &OnPre| on.of(spikes).of_step(s, pre.start, pre.n).collect::<Vec<usize>>();
        let mut cells: Vec<usize> = self.on_pre.iter().flat_map(of).collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }

    /// Visits the events of the step that ended `steps` boundaries ago: the cell within the view, and by what the weights of its
    /// synapses are multiplied beyond what is constant.
    #[inline]
    pub fn arriving(&self, history: &History, pre: View, steps: usize, mut visit: impl FnMut(usize, f64)) {
        let constant = self.constant().is_some();
        for on in &self.on_pre {
            let cells = within(history.events(on.remembered, steps), pre);
            match &on.action {
                Action::Factor(f) => {
                    let f = if constant { 1.0 } else { *f };
                    cells.iter().for_each(|c| visit(*c as usize - pre.start, f));
                }
                Action::Kernel(a) => {
                    let factors = &a.past[steps - 1];
                    cells.iter().zip(factors).for_each(|(c, f)| visit(*c as usize - pre.start, *f));
                }
            }
        }
    }

    /// Returns a state of the sending cells at a step boundary, cell by cell; none if synapses learn or have no such state.
    pub fn state_at(&self, p: &Projection, state: VarId, now: u64, options: &Options) -> Option<Vec<f64>> {
        if self.states.is_empty() {
            return None;
        }
        // A handler without statements only advances.
        let made = || match image::effect(p, &[], &options.target()) {
            Effect::Kernel(kernel) => Some(kernel),
            Effect::Factor(_) => None,
        };
        let kernel = self.reader.get_or_init(made).as_ref()?;
        let at = kernel.slots().iter().position(|slot| *slot == EventSlot::State(state))?;
        let cells: Vec<usize> = (0..p.pre.n).collect();
        let elapsed = |c: usize| (now - self.last[c]) as f64 * options.dt;
        let buffers = advanced(kernel, &self.states, &cells, elapsed, options.precision);
        Some(cells.iter().map(|c| buffers[at].get(*c)).collect())
    }

    /// Returns what is remembered per presynaptic cell.
    pub fn sources(&self) -> Sources {
        let past = self.on_pre.iter().filter_map(|on| match &on.action {
            Action::Kernel(a) => Some(a.past.iter().cloned().collect()),
            Action::Factor(_) => None,
        });
        Sources { states: self.states.iter().map(Raw::of).collect(), last: self.last.clone(), factors: past.collect() }
    }

    /// Puts it back; false if it does not fit.
    pub fn set_sources(&mut self, from: &Sources) -> bool {
        let fits = from.last.len() == self.last.len();
        if fits {
            self.last.copy_from_slice(&from.last);
        }
        let advances = self.on_pre.iter_mut().filter_map(|on| match &mut on.action {
            Action::Kernel(a) => Some(a),
            Action::Factor(_) => None,
        });
        for (a, past) in advances.zip(&from.factors) {
            if a.past.len() != past.len() {
                return false;
            }
            a.past = past.iter().cloned().collect();
        }
        fits && Raw::restore_all(&from.states, self.states.iter_mut())
    }

    /// Advances presynaptic states at this pass's events, in order; `step` is the one before the pass.
    pub fn event_factors(&mut self, p: &Projection, spikes: &[Spikes], step: u64, options: &Options) {
        let &Options { dt, precision, .. } = options;
        let Proj { on_pre, states, last, .. } = self;
        if !on_pre.iter().any(|on| matches!(on.action, Action::Kernel(_))) {
            return;
        }
        let steps = on_pre.first().map_or(0, |on| on.of(spikes).start.len() - 1);
        for s in 0..steps {
            for on in on_pre.iter_mut() {
                let cells: Vec<usize> = on.of(spikes).of_step(s, p.pre.start, p.pre.n).collect();
                let Action::Kernel(a) = &mut on.action else { continue };
                // None is remembered if no synapse waits for any.
                let mut kept = a.past.pop_back();
                if let Some(factors) = &mut kept {
                    factors.clear();
                }
                if cells.is_empty() {
                    kept.into_iter().for_each(|factors| a.past.push_front(factors));
                    continue;
                }
                let now = step + s as u64 + 1;
                let buffers = advanced(&a.kernel, states, &cells, |c| (now - last[c]) as f64 * dt, precision);
                cells.iter().for_each(|c| last[*c] = now);
                for (i, c) in cells.iter().enumerate() {
                    for (j, state) in states.iter_mut().enumerate() {
                        state.set(*c, buffers[j].get(i));
                    }
                    if let Some(factors) = &mut kept {
                        factors.push(buffers[states.len() + 1].get(i));
                    }
                }
                kept.into_iter().for_each(|factors| a.past.push_front(factors));
            }
        }
    }
}

/// Runs a kernel for some cells, so long after the last event of each; what its slots hold then.
fn advanced(
    kernel: &Bound<EventSlot>,
    states: &[Buffer],
    cells: &[usize],
    elapsed: impl Fn(usize) -> f64,
    precision: Precision,
) -> Vec<Buffer> {
    let lanes = padded(cells.len());
    let mut buffers: Vec<Buffer> = kernel.slots().iter().map(|_| Buffer::new(lanes, precision)).collect();
    for (i, c) in cells.iter().enumerate() {
        for (j, state) in states.iter().enumerate() {
            buffers[j].set(i, state.get(*c));
        }
        buffers[states.len()].set(i, elapsed(*c));
    }
    let table: Vec<SlotMemory> = buffers.iter_mut().map(Buffer::in_place).collect();
    // SAFETY: every slot is a buffer of `lanes` elements that only this call uses.
    unsafe { kernel.function().call(&table, 0, lanes, 1) };
    buffers
}

/// The cells of a sorted list that lie in a view.
fn within(cells: &[u32], view: View) -> &[u32] {
    let place = |c: usize| cells.partition_point(|x| (*x as usize) < c);
    &cells[place(view.start)..place(view.start + view.n)]
}
