//! One projection: rows of synapses, states per presynaptic cell, and what its events and values contribute.

use super::buffer::{Buffer, padded};
use super::continuous::Continuous;
use super::delivery::{RingPointer, Rows};
use super::simulation::{Options, Spikes};
use super::snapshot::{Raw, Sources};
use crate::codegen::abi::SlotMemory;
use crate::codegen::{KernelFn, Steps, compile};
use crate::hir::{EventId, Trigger};
use crate::ir::Precision;
use crate::lower::{EventKernel, lower_on_pre};
use crate::plan::{Network, Projection};

/// What one kind of presynaptic event does.
struct OnPre {
    event: EventId,
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
    Kernel(Box<EventKernel>, KernelFn),
}

/// A projection that runs.
pub struct Proj {
    on_pre: Vec<OnPre>,
    /// Where events go, if the port takes them.
    ring: Option<RingPointer>,
    /// By thread.
    rows: Vec<Rows>,
    /// States per presynaptic cell and the step of the last event.
    states: Vec<Buffer>,
    last: Vec<u64>,
    /// Contribution at every step.
    pub continuous: Option<Continuous>,
    /// Factors of this pass's events, parallel to the spikes.
    factors: Vec<f64>,
}

impl Proj {
    /// Builds the rows of every thread's share of the targets and compiles the handlers.
    pub fn new(
        network: &Network,
        p: &Projection,
        ring: Option<RingPointer>,
        shares: Vec<std::ops::Range<usize>>,
        options: &Options,
    ) -> Proj {
        let &Options { dt, precision, backend, .. } = options;
        let fixed = !p.is_plastic();
        let rows = match !fixed || p.synapse.handlers.is_empty() {
            true => Vec::new(),
            false => shares.into_iter().map(|range| Rows::build(p, range, precision)).collect(),
        };
        let handlers = p.synapse.handlers.iter().filter(|_| fixed);
        let on_pre: Vec<OnPre> = handlers
            .filter_map(|h| {
                let Trigger::Cell(_, event) = &h.trigger else { return None };
                let event = network.populations[p.pre.population].model.event(event)?;
                let action = match lower_on_pre(p, &h.body, precision) {
                    Ok(factor) => Action::Factor(factor),
                    Err(kernel) => {
                        let function = compile(backend, &kernel.kernel, Steps::One);
                        Action::Kernel(kernel, function)
                    }
                };
                Some(OnPre { event, action })
            })
            .collect();
        let initial = |state: &crate::hir::VarId| {
            let value = p.init.get(state).copied().unwrap_or(0.0);
            Buffer::repeating(padded(p.pre.n), precision, &[value])
        };
        let states: Vec<Buffer> = on_pre
            .iter()
            .find_map(|on| match &on.action {
                Action::Kernel(k, _) => Some(k.states.iter().map(initial).collect()),
                Action::Factor(_) => None,
            })
            .unwrap_or_default();
        let last = if states.is_empty() { Vec::new() } else { vec![0; p.pre.n] };
        let continuous = Continuous::new(p, dt, precision, backend);
        Proj { on_pre, ring, rows, states, last, continuous, factors: Vec::new() }
    }

    /// Returns what is remembered per presynaptic cell.
    pub fn sources(&self) -> Sources {
        Sources { states: self.states.iter().map(Raw::of).collect(), last: self.last.clone() }
    }

    /// Puts it back; false if it does not fit.
    pub fn set_sources(&mut self, from: &Sources) -> bool {
        let fits = from.last.len() == self.last.len();
        if fits {
            self.last.copy_from_slice(&from.last);
        }
        fits && Raw::restore_all(&from.states, self.states.iter_mut())
    }

    /// Returns the bytes that its synapses take.
    pub fn bytes(&self) -> usize {
        self.rows.iter().map(Rows::bytes).sum()
    }

    /// Advances presynaptic states at this pass's events, in order; `step` is the one before the pass.
    pub fn event_factors(&mut self, p: &Projection, spikes: &[Spikes], step: u64, options: &Options) {
        let &Options { dt, precision, .. } = options;
        let Proj { on_pre, states, last, factors, .. } = self;
        factors.clear();
        let advances = |on: &OnPre| matches!(on.action, Action::Kernel(..)) && !on.of(spikes).cells.is_empty();
        if !on_pre.iter().any(advances) {
            return;
        }
        let steps = on_pre.first().map_or(0, |on| on.of(spikes).start.len() - 1);
        for s in 0..steps {
            for on in on_pre.iter() {
                let Action::Kernel(kernel, function) = &on.action else { continue };
                let spikes = on.of(spikes);
                let cells: Vec<usize> = spikes.of_step(s, p.pre.start, p.pre.n).collect();
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
                let table: Vec<SlotMemory> = buffers.iter_mut().map(Buffer::in_place).collect();
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

    /// Adds the weights of a pass of `m` steps from `step` to the ring, for the targets of one thread.
    ///
    /// # Safety
    /// No other thread may touch the lanes of thread `t` meanwhile.
    #[allow(clippy::too_many_arguments)]
    pub unsafe fn deliver(
        &self,
        p: &Projection,
        spikes: &[Spikes],
        t: usize,
        m: usize,
        step: u64,
        precision: Precision,
    ) {
        let Some(ring) = self.ring else { return };
        if self.on_pre.iter().all(|on| on.of(spikes).cells.is_empty()) {
            return;
        }
        let mut factors = self.factors.iter();
        for s in 0..m {
            for on in &self.on_pre {
                for row in on.of(spikes).of_step(s, p.pre.start, p.pre.n) {
                    let factor = match &on.action {
                        Action::Factor(f) => *f,
                        Action::Kernel(..) => factors.next().copied().unwrap_or(0.0),
                    };
                    // SAFETY: rows of thread `t` hold targets of its own lanes only.
                    unsafe { self.rows[t].deliver(row, factor, step + s as u64, ring, precision) };
                }
            }
        }
    }
}
