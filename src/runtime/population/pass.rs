//! What a population does in a pass: where its kernels find and leave their values, what arrives, and what they do not do themselves.

use super::{Changed, Copied, Loaded, Moving, Pop, input_slot, state_slot};
use crate::codegen::abi::SlotMemory;
use crate::hir::VarId;
use crate::image::{Binding, PortSource};
use crate::ir::Precision;
use crate::runtime::buffer::Buffer;
use crate::runtime::exchange::Worker;
use crate::runtime::noise::Noise;
use crate::runtime::options::Options;
use crate::runtime::pool::Pool;

impl Pop {
    /// Describes the memory of all slots; what moves is aimed before every pass.
    pub(super) fn lay_out(&mut self, precision: Precision) {
        let stride = self.lanes * precision.bytes();
        self.moving.clear();
        self.uniform.clear();
        self.copied.clear();
        self.changed.clear();
        let mut table = Vec::with_capacity(self.update.kernel.slots().len());
        for (slot, (binding, own)) in self.update.kernel.slots().iter().zip(&mut self.update.own).enumerate() {
            table.push(match binding {
                Binding::State(_) | Binding::Hidden(_) => {
                    self.moving.push((slot, Moving::State));
                    state_slot(&mut self.states, binding)
                }
                Binding::Event(e) => {
                    let at = self.bits[e.as_u32() as usize].as_mut_ptr();
                    SlotMemory { input: at, output: at, stride: self.lanes / self.update.kernel.lanes_per_byte() }
                }
                Binding::Arrival(v) => match self.rings.iter().position(|(port, _)| port == v) {
                    Some(ring) => {
                        self.moving.push((slot, Moving::Ring(ring)));
                        SlotMemory { stride, ..self.rings[ring].1.buffer.in_place() }
                    }
                    None => crate::ice!("arrivals without a ring"),
                },
                Binding::PortUniform(v) => {
                    self.uniform.push(slot);
                    SlotMemory { stride: precision.bytes(), ..input_slot(&mut self.inputs, *v) }
                }
                Binding::PortStep(v) => input_slot(&mut self.inputs, *v),
                _ => match own {
                    Some(b) => {
                        // Where there are no cells, nothing runs.
                        if let Binding::CableState(v, segment) = binding
                            && let Some((state, lanes)) = self.cables.as_mut().and_then(|c| c.state_mut(*v))
                        {
                            let from = state.as_mut_ptr().cast_const();
                            self.copied.push(Copied { slot, from, lanes, segment: *segment });
                        }
                        if let Binding::CableChanged(v) = binding
                            && let Some((to, rest, lanes)) = self.cables.as_mut().and_then(|c| c.place_of(*v))
                        {
                            self.changed.push(Changed { slot, to, rest, lanes });
                        }
                        let uniform = match binding {
                            Binding::Time => true,
                            Binding::Clock(clock) => clock.is_uniform(),
                            _ => false,
                        };
                        if uniform {
                            self.uniform.push(slot);
                        }
                        SlotMemory { stride: if uniform { precision.bytes() } else { stride }, ..b.in_place() }
                    }
                    None => crate::ice!("slot without memory"),
                },
            });
        }
        self.table = table;
    }

    /// Aims the slots that move along rings at a step, and the random streams.
    pub fn aim(&mut self, step: u64) {
        for (slot, moving) in &self.moving {
            if let Moving::Ring(ring) = moving {
                let at = self.rings[*ring].1.at(step);
                (self.table[*slot].input, self.table[*slot].output) = (at, at);
            }
        }
        if let Some(cables) = &mut self.cables {
            let sums: Vec<(VarId, *mut u8)> =
                self.rings.iter_mut().map(|(port, ring)| (*port, ring.at(step))).collect();
            cables.aim(&|port| match sums.iter().find(|(known, _)| *known == port) {
                Some((_, at)) => *at,
                None => crate::ice!("arrivals without a ring"),
            });
        }
        self.noise.aim(step);
    }

    /// Returns the memory of the kernel's slots for the pass that is aimed at.
    pub fn table(&self) -> &[SlotMemory] {
        &self.table
    }

    /// Draws the events of step `s` of a pass that begins at `step`, for some lanes; false if the kernel must run instead.
    ///
    /// # Safety
    /// No other thread may touch these lanes meanwhile.
    pub unsafe fn draw_events(&self, step: u64, s: usize, lanes: &std::ops::Range<usize>) -> bool {
        let Some((events, slot)) = &self.rare else { return false };
        let per_byte = self.update.kernel.lanes_per_byte();
        let SlotMemory { output, stride, .. } = self.table[*slot];
        // SAFETY: the slot has a bit for every lane of every step of a pass, and lanes are multiples of 16.
        unsafe {
            let row = output.add(s * stride);
            row.add(lanes.start / per_byte).write_bytes(0, lanes.len() / per_byte);
            let shift = per_byte.trailing_zeros();
            events.at(step + s as u64, lanes.clone(), |c| *row.add(c >> shift) |= 1 << (c & (per_byte - 1)));
        }
        true
    }

    /// Returns how many of an event there are at once, if it may be several: `[step * lanes + cell]`.
    pub fn counts(&self, event: usize) -> Option<&Buffer> {
        let counts = |b: &Binding| matches!(b, Binding::Count(e) if e.as_u32() as usize == event);
        let slot = self.update.kernel.slots().iter().position(counts)?;
        self.update.own[slot].as_ref()
    }

    /// Returns the random bits of the kernel.
    pub fn noise(&self) -> &Noise {
        &self.noise
    }

    /// Ends a pass: what it wrote is what the next one begins with.
    pub fn finish_pass(&mut self) {
        for s in &mut self.states {
            s.at = 1 - s.at;
        }
        for (slot, moving) in &self.moving {
            if let Moving::State = moving {
                let memory = &mut self.table[*slot];
                std::mem::swap(&mut memory.input, &mut memory.output);
            }
        }
    }

    /// Makes the sums of some steps free for later events, for a thread's share of the lanes; those of segments of cables stay.
    ///
    /// # Safety
    /// Every thread must be another one, and have used what has arrived.
    pub unsafe fn clear(&self, step: u64, m: usize, worker: Worker, precision: Precision) {
        for (ring, _) in self.ring_pointers.iter().filter(|(_, segments)| !segments) {
            // SAFETY: threads have disjoint shares.
            unsafe { ring.clear(step, m, ring.share(worker), precision) };
        }
    }

    /// Adds what has arrived at segments of cables in a step, for a thread's share of the lanes, and makes their sums free for later
    /// events; returns whether all states are finite.
    ///
    /// # Safety
    /// Every thread must be another one, for whose share of the lanes everything has arrived.
    pub unsafe fn arrive(&self, step: u64, worker: Worker, precision: Precision) -> bool {
        let Some(cables) = &self.cables else { return true };
        let ring =
            |port: VarId| self.rings.iter().position(|(known, _)| *known == port).map(|k| self.ring_pointers[k].0);
        let used = |port: VarId| ring(port).is_some_and(|ring| ring.is_used(step));
        // SAFETY: the caller's promise.
        let finite = unsafe { cables.arrive(&used, worker) };
        for (ring, _) in self.ring_pointers.iter().filter(|(ring, segments)| *segments && ring.is_used(step)) {
            // SAFETY: threads have disjoint shares, and theirs are used up.
            unsafe { ring.clear(step, 1, ring.share(worker), precision) };
        }
        finite
    }

    /// Copies what the kernel reads of segments, for some lanes.
    ///
    /// # Safety
    /// The lanes must be a thread's, and no other one may touch the segments of their cells meanwhile.
    pub unsafe fn read_segments(&self, own: &std::ops::Range<usize>, precision: Precision) {
        for Copied { slot, from, lanes, segment } in &self.copied {
            let (to, size, n) = (self.table[*slot].output, precision.bytes(), lanes.side_by_side());
            for group in lanes.groups_of(own) {
                // SAFETY: both have these cells' lanes.
                unsafe {
                    let from = from.add(lanes.of(group * n, *segment) * size);
                    to.add(group * n * size).copy_from_nonoverlapping(from, n * size);
                }
            }
            // Places that belong to no cell mirror the last one.
            for beyond in if own.contains(&(lanes.cells - 1)) { lanes.cells..own.end } else { 0..0 } {
                // SAFETY: as above.
                unsafe { to.add(beyond * size).copy_from_nonoverlapping(to.add((lanes.cells - 1) * size), size) };
            }
        }
    }

    /// Copies what events have changed back to the segments, for some lanes.
    ///
    /// # Safety
    /// As for [`Pop::read_segments`], after the kernel has run.
    pub unsafe fn write_segments(&self, own: &std::ops::Range<usize>, precision: Precision) {
        for Changed { slot, to, rest, lanes } in &self.changed {
            let (from, size) = (self.table[*slot].output.cast_const(), precision.bytes());
            for cell in own.start..own.end.min(lanes.cells) {
                let at = lanes.of(cell, 0) * size;
                // SAFETY: both have these cells' lanes, and so has the rest.
                unsafe {
                    let bytes = |at: *const u8| std::slice::from_raw_parts(at, size);
                    if bytes(from.add(cell * size)) == bytes(to.add(at).cast_const()) {
                        continue;
                    }
                    to.add(at).copy_from_nonoverlapping(from.add(cell * size), size);
                    if let Some(rest) = rest {
                        rest.add(at).write_bytes(0, size);
                    }
                }
            }
        }
    }

    /// Notes that what has arrived at segments of cables in a step is used up.
    pub fn forget_arrivals(&mut self, step: u64) {
        if self.cables.is_some() {
            self.rings.iter_mut().for_each(|(_, ring)| ring.forget(step));
        }
    }

    /// Fills what is the same for all cells in the next `m` steps: time and functions of time.
    pub fn fill_uniform(&mut self, step: u64, m: usize, dt: f64) {
        let at = |s: usize| (step + s as u64) as f64 * dt;
        for slot in &self.uniform {
            match (&self.update.kernel.slots()[*slot], &mut self.update.own[*slot]) {
                (Binding::Time, Some(b)) => (0..m).for_each(|s| b.set(s, at(s))),
                (Binding::Clock(clock), Some(b)) => (0..m).for_each(|s| b.set(s, clock.at(at(s), 0))),
                (Binding::PortUniform(port), _) => {
                    let one = self.functions.get(port).and_then(|list| list.first());
                    if let (Some(f), Some(b)) = (one, self.inputs.get_mut(port)) {
                        (0..m).for_each(|s| b.set(s, f.of.at(at(s))));
                    }
                }
                _ => {}
            }
        }
    }

    /// Fills what follows from the time and differs from cell to cell.
    pub fn fill_clocks(&mut self, step: u64, m: usize, dt: f64) {
        let Loaded { clocks, own, .. } = &mut self.update;
        (0..m).for_each(|s| clocks.fill((step + s as u64) as f64 * dt, s, own));
    }

    /// Advances what the update kernel does not: adaptive schemes and cables, the step after `step`; returns whether the states of cables are
    /// finite.
    pub fn advance_others(&mut self, step: u64, options: &Options, pool: &Pool) -> bool {
        if let Some(a) = &mut self.adaptive {
            let own = options.ranks.own(self.lanes);
            let t = step as f64 * options.dt;
            a.advance((t, options.dt), (self.lanes, own), options.precision, &mut self.states, &mut self.inputs);
        }
        if let Some(cables) = &mut self.cables {
            let (ports, inputs, states) = (&self.ports, &self.inputs, &self.states);
            let add = |var: VarId, to: &mut [f64]| {
                let mut each = |of: &dyn Fn(usize) -> f64| {
                    to.iter_mut().enumerate().for_each(|(cell, to)| *to += of(cell));
                };
                match (ports.get(&var), inputs.get(&var)) {
                    (Some(PortSource::Fixed(c)), _) => each(&|cell| c.at(cell)),
                    (Some(PortSource::Uniform), Some(b)) => each(&|_| b.get(0)),
                    (Some(PortSource::Step), Some(b)) => each(&|cell| b.get(cell)),
                    _ => match states.iter().find(|s| s.key == Binding::State(var)) {
                        Some(s) => each(&|cell| s.now().get(cell)),
                        None => crate::ice!("input without memory"),
                    },
                }
            };
            return cables.step((step, step as f64 * options.dt), &add, &options.ranks, pool);
        }
        true
    }
}
