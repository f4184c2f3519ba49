//! The step loop: passes of several steps wherever the shortest delay allows, states in registers within a pass.
//!
//! Phases of a pass: what arrives (along synapses, then from drives), integration and thresholds, all parallel over lanes; then
//! extraction of events. The order of every floating-point sum is fixed by the plan.

use super::delivery;
use super::drive;
use super::exchange::{Met, Worker};
use super::failure::Failure;
use super::plastic::{NotFinite, Plastic, View};
use super::pool::Pool;
use super::population::Pop;
use super::profile::Part;
use super::simulation::{Observer, Simulation};
use super::sums::Present;
use crate::hir::EventId;
use crate::image::{Binding, Hidden};
use crate::plan::Projection;
use cranelift_entity::EntityRef;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The phases of a pass that synapses have, and those of cells between them, in their order.
const LEARNING: u64 = 0;
const ARRIVALS: u64 = 1;
const CABLES: u64 = 2;
const CELLS: u64 = 3;
const EVENTS: u64 = 4;
const RESPONSES: u64 = 5;

/// Passes with less work than this run on one thread.
const SMALL: usize = 2048;

impl Simulation {
    /// Compiles anew what depends on what has been set.
    pub(super) fn refresh(&mut self) {
        for (i, (pop, plan)) in self.pops.iter_mut().zip(&self.network.populations).enumerate() {
            pop.refresh(plan, i, self.max_pass, &self.options);
        }
    }

    /// Runs until the boundary of step `end`.
    pub fn run_until(&mut self, end: u64, observer: &mut dyn Observer) -> Result<(), Failure> {
        self.refresh();
        self.tuning.begin();
        let deliveries = self.work.deliveries;
        let mut watch = self.options.stopwatch();
        while self.step < end {
            self.others.asked = observer.interrupted();
            if self.others.ends || self.others.asked && !self.options.ranks.are_several() {
                return Err(Failure::Interrupted);
            }
            let stop = observer.next_stop(self.step).min(end);
            let wrap = self.ring_slots as u64 - self.step % self.ring_slots as u64;
            let m = (stop - self.step).min(self.max_pass as u64).min(wrap) as usize;
            self.pass(m)?;
            watch.again();
            self.tuning.passed(&mut self.pool);
            let first = self.step + 1;
            self.step += m as u64;
            self.follow_windows();
            for (i, pop) in self.pops.iter().enumerate() {
                for (event, spikes) in pop.spikes.iter().enumerate() {
                    if !spikes.cells.is_empty() {
                        observer.events(i, EventId::from_u32(event as u32), spikes, first);
                    }
                }
            }
            if self.step == stop {
                self.complete_others(&|population| observer.samples(population));
                observer.sample(self);
            }
            watch.was(Part::Between);
        }
        self.tuning.end();
        self.complete_others(&|_| true);
        self.work.deliveries = deliveries + self.options.ranks.sum(self.work.deliveries - deliveries);
        Ok(())
    }

    fn pass(&mut self, m: usize) -> Result<(), Failure> {
        let mut watch = self.options.stopwatch();
        self.inputs(m);
        watch.was(Part::Inputs);
        self.history.begin((&self.pops, &self.readings), &self.network, self.step, self.options.dt);
        watch.was(Part::Events);
        self.plasticity((self.step, self.step), (LEARNING, Part::Learning), &|_, plastic, p, view, pool| {
            plastic.advance(p, view, pool);
        })?;
        self.plasticity((self.step + 1, self.step), (ARRIVALS, Part::Arrivals), &|_, plastic, p, view, pool| {
            if !p.is_immediate() {
                plastic.arrivals(p, view, pool);
            }
        })?;
        watch.again();
        self.advance_others()?;
        self.pops.iter_mut().for_each(|p| p.aim(self.step));
        watch.was(Part::Cables);
        let levels = std::mem::take(&mut self.levels);
        let passed = levels.iter().enumerate().try_for_each(|(k, level)| self.advance_level(level, k == 0, m));
        self.levels = levels;
        passed?;
        watch.again();
        self.pops.iter_mut().for_each(Pop::finish_pass);
        self.share_states();
        for (proj, plan) in self.projections.iter_mut().zip(&self.network.projections) {
            proj.event_factors(plan, &self.pops[plan.pre.population].spikes, self.step, &self.options);
        }
        self.deliveries.draw(&self.network, &self.projections, &self.pops, m);
        watch.was(Part::Events);
        let end = self.step + m as u64;
        if self.synapses_read_sums {
            self.sum_inputs(end);
            watch.was(Part::Inputs);
        }
        let respond =
            &|_, plastic: &mut Plastic, p: &Projection, view: &View, pool: &Pool| plastic.responses(p, view, pool);
        self.plasticity((end, end), (RESPONSES, Part::Responses), respond)?;
        self.agree()?;
        watch.again();
        self.work.deliveries += self.plastic.iter().flatten().map(Plastic::take_visited).sum::<u64>();
        self.history.end(&self.pops, m);
        watch.was(Part::Events);
        Ok(())
    }

    /// Advances populations that may be advanced at once, and lets their events reach others within the step.
    fn advance_level(&mut self, level: &[usize], first: bool, m: usize) -> Result<(), Failure> {
        if self.integrate(level, first, m) {
            self.extract(level, m)?;
        } else {
            let met = self.diagnose(m);
            self.meets(met)?;
        }
        let mut watch = self.options.stopwatch();
        self.share_events(level, m)?;
        let spikes = level.iter().flat_map(|p| &self.pops[*p].spikes).map(|s| s.cells.len() as u64);
        self.work.spikes += spikes.sum::<u64>();
        watch.was(Part::Events);
        if level.len() == self.pops.len() {
            return Ok(());
        }
        self.plasticity((self.step + 1, self.step), (ARRIVALS, Part::Arrivals), &|_, plastic, p, view, pool| {
            if p.is_immediate() && level.contains(&p.pre.population) {
                plastic.arrivals(p, view, pool);
            }
        })
    }

    /// Fills what the kernels read per step: time, functions of time, continuous contributions.
    fn inputs(&mut self, m: usize) {
        let (dt, step) = (self.options.dt, self.step);
        for d in self.drives.iter_mut().flatten() {
            d.prepare(&self.rates, step, m);
        }
        for (pop, p) in self.pops.iter_mut().zip(&self.network.populations) {
            pop.fill_uniform(step, m, dt);
            pop.fill_clocks(step, m, dt);
            pop.fill_inputs(p, step as f64 * dt);
        }
        self.sum_inputs(step);
    }

    /// Gives ports that receive continuous contributions the values that follow from the states as they are, at a step boundary.
    pub(super) fn sum_inputs(&mut self, boundary: u64) {
        self.update_sums(boundary);
        let sums = self.sums.get_mut();
        sums.ports().for_each(|((population, port), values)| self.pops[*population].set_input(*port, values));
    }

    /// Computes sums of continuous contributions at a step boundary, that of the states as they are, if they are not known.
    pub(super) fn update_sums(&self, step: u64) {
        let Simulation { pops, network, plastic, history, readings, options, .. } = self;
        let (dt, ranks) = (options.dt, &options.ranks);
        let now = Present { pops, network, plastic, history, readings, step, dt, ranks };
        self.sums.borrow_mut().update(&now);
    }

    /// Advances the populations of a level; what has been on the way arrives before the first.
    fn integrate(&mut self, level: &[usize], first: bool, m: usize) -> bool {
        let threads = self.pool.threads();
        let work: usize = level.iter().map(|p| self.pops[*p].lanes * m).sum();
        let (step, precision) = (self.step, self.options.precision);
        let (finite, arrived) = (AtomicBool::new(true), AtomicBool::new(true));
        let visited = AtomicU64::new(0);
        let (pops, drives, history) = (&self.pops, &self.drives, &self.history);
        let (deliveries, projections) = (&self.deliveries, &self.projections);
        let side_by_side = if work < SMALL { 1 } else { threads };
        let (mut whole, options) = (self.options.stopwatch(), &self.options);
        let busy = AtomicU64::new(0);
        let job = |t: usize| {
            let worker = Worker { ranks: &options.ranks, thread: t, threads };
            let mut watch = options.stopwatch_of_one(side_by_side);
            let mut scratch = Vec::new();
            let mut runs = delivery::Scratch::default();
            for s in 0..if first { m } else { 0 } {
                // SAFETY: threads have disjoint lanes.
                let n = unsafe { deliveries.run(projections, history, (step, s), t, &mut runs, &mut watch) };
                visited.fetch_add(n, Ordering::Relaxed);
            }
            for (k, pop, drives) in level.iter().map(|p| (*p, &pops[*p], &drives[*p])) {
                if !drives.is_empty() {
                    for s in 0..m {
                        // SAFETY: threads have disjoint lanes.
                        unsafe { drive::run_all(drives, step + s as u64, s, worker, precision, &mut scratch) };
                    }
                    watch.was(Part::Drives(k));
                }
                // SAFETY: threads have disjoint lanes, for which everything has arrived; with cables a pass is one step.
                if !unsafe { pop.arrive(step, worker, precision) } {
                    arrived.store(false, Ordering::Relaxed);
                }
                let lanes = worker.share(pop.lanes);
                if lanes.is_empty() {
                    continue;
                }
                // SAFETY: threads have disjoint lanes.
                unsafe { pop.read_segments(&lanes, precision) };
                // SAFETY: as above.
                if (0..m).all(|s| unsafe { pop.draw_events(step, s, &lanes) }) {
                    watch.was(Part::Step(k));
                    continue;
                }
                let noise = pop.noise();
                // SAFETY: the table describes this population's buffers, and threads have disjoint lanes.
                let ok = unsafe {
                    noise.fill(m, &lanes);
                    pop.update.kernel.function().call_with(noise.draw(), pop.table(), lanes.start, lanes.end, m)
                };
                // SAFETY: as above.
                unsafe { pop.write_segments(&lanes, precision) };
                if ok {
                    // What has arrived is used up; whoever used it still has it in its cache.
                    // SAFETY: threads have disjoint lanes.
                    unsafe { pop.clear(step, m, worker, precision) };
                } else {
                    finite.store(false, Ordering::Relaxed);
                }
                watch.was(Part::Step(k));
            }
            if options.profile.is_some() {
                busy.fetch_add((watch.seconds() * 1e9) as u64, Ordering::Relaxed);
            }
        };
        match work < SMALL {
            true => (0..threads).for_each(job),
            false => self.pool.run(&job),
        }
        if work >= SMALL {
            whole.was_beside(Part::Waiting, busy.into_inner() as f64 * 1e-9);
        }
        level.iter().for_each(|p| self.pops[*p].forget_arrivals(step));
        self.work.deliveries += visited.into_inner();
        self.work.updates += level.iter().map(|p| (self.network.populations[*p].n * m) as u64).sum::<u64>();
        // Places that belong to no cell count for nothing.
        let cables = arrived.into_inner() || level.iter().all(|p| self.not_finite_segment(CELLS, *p).is_none());
        finite.into_inner() && cables
    }

    /// Advances adaptive schemes and cables; the update kernels then decide on events.
    fn advance_others(&mut self) -> Result<(), Failure> {
        for population in 0..self.pops.len() {
            if !self.pops[population].advance_others(self.step, &self.options, &self.pool)
                && let Some(met) = self.not_finite_segment(CABLES, population)
            {
                self.meets(met)?;
            }
        }
        Ok(())
    }

    /// Finds a state of a cable that is not finite, in a phase.
    fn not_finite_segment(&self, phase: u64, population: usize) -> Option<Met> {
        let pop = &self.pops[population];
        let found = pop.cables.as_ref()?.not_finite(&self.options.ranks.own(pop.lanes))?;
        let [state, segment] = found.place;
        let failure = Failure::NonFinite {
            population,
            variable: self.network.populations[population].model.vars[found.var].name.clone(),
            index: found.cell,
            time: (self.step + 1) as f64 * self.options.dt,
            last: Some(found.before),
        };
        Some(Met { place: [phase, population as u64, 0, state, segment], failure })
    }

    /// Finds the first step of the pass after which a state is not finite, from the states still kept at its start.
    fn diagnose(&mut self, m: usize) -> Met {
        let step = self.step;
        for population in 0..self.pops.len() {
            if let Some(met) = self.not_finite_segment(CELLS, population) {
                return met;
            }
            let own = self.options.ranks.own(self.pops[population].lanes);
            let mut before: Option<Vec<f64>> = None;
            for k in 1..=m {
                let pop = &mut self.pops[population];
                // SAFETY: as in `integrate`, on one thread.
                unsafe {
                    pop.update.kernel.function().call_with(pop.noise().draw(), pop.table(), own.start, own.end, k)
                };
                let n = self.network.populations[population].n;
                for (j, s) in pop.states.iter().enumerate() {
                    let Some(lane) = own.clone().find(|i| !s.next().get(*i).is_finite()) else { continue };
                    let last = before.as_ref().map_or(s.now().get(lane), |b| b[j * own.len() + lane - own.start]);
                    // Lanes beyond the last cell mirror it, except in what comes from a file.
                    let index = lane.min(n - 1);
                    let time = (step + k as u64) as f64 * self.options.dt;
                    let model = &self.network.populations[population].model;
                    let grown = |variable| Failure::NonFinite { population, variable, index, time, last: Some(last) };
                    let failure = match &s.key {
                        Binding::State(v) => grown(model.vars[*v].name.clone()),
                        Binding::Hidden(what @ (Hidden::Hold(_) | Hidden::Mute(_))) => {
                            Failure::Duration { population, what: *what, index, time }
                        }
                        _ => grown("a counter".into()),
                    };
                    return Met { place: [CELLS, population as u64, k as u64, j as u64, lane as u64], failure };
                }
                let own = || own.clone();
                before = Some(pop.states.iter().flat_map(|s| own().map(|i| s.next().get(i))).collect());
            }
        }
        // Every lane of every state has been looked at.
        crate::ice!("a state is not finite, but none was found")
    }

    fn extract(&mut self, level: &[usize], m: usize) -> Result<(), Failure> {
        let mut found = None;
        for &population in level {
            let (pop, plan) = (&mut self.pops[population], &self.network.populations[population]);
            let per_byte = pop.update.kernel.lanes_per_byte();
            let stride = pop.lanes / per_byte;
            let own = self.options.ranks.own(pop.lanes);
            for event in 0..pop.bits.len() {
                let mut spikes = std::mem::take(&mut pop.spikes[event]);
                let bits = &pop.bits[event];
                let counts = pop.counts(event);
                spikes.cells.clear();
                spikes.start.clear();
                spikes.start.push(0);
                for s in 0..m {
                    let row = s * stride;
                    if let Some(bits) = bits.get(row + own.start / per_byte..row + own.end / per_byte) {
                        let first = spikes.cells.len();
                        scan(bits, per_byte, (own.start, plan.n), &mut spikes.cells);
                        if let Some(counts) = counts
                            && let Err(index) = multiply(&mut spikes.cells, first, &|c| counts.get(s * pop.lanes + c))
                        {
                            let time = (self.step + s as u64 + 1) as f64 * self.options.dt;
                            let place = [EVENTS, population as u64, event as u64, s as u64, index as u64];
                            let event = EventId::from_u32(event as u32);
                            found.get_or_insert(Met {
                                place,
                                failure: Failure::Count { population, event, index, time },
                            });
                        }
                    }
                    spikes.start.push(spikes.cells.len() as u32);
                }
                pop.spikes[event] = spikes;
            }
        }
        found.map_or(Ok(()), |met| self.meets(met))
    }

    /// Runs something at all plastic projections, at a step boundary and with the cells' values of another.
    pub(super) fn plasticity(
        &mut self,
        (now, cells): (u64, u64),
        (phase, part): (u64, fn(usize) -> Part),
        run: &dyn Fn(usize, &mut Plastic, &crate::plan::Projection, &View, &Pool),
    ) -> Result<(), Failure> {
        self.lets.forget();
        let Simulation { pops, network, options, history, readings, lets, plastic, pool, .. } = self;
        let view = View { pops, network, options, step: self.step, now, cells, history, readings, lets };
        let mut watch = options.stopwatch();
        for (k, (plastic, p)) in plastic.iter_mut().zip(&network.projections).enumerate() {
            let Some(plastic) = plastic else { continue };
            run(k, plastic, p, &view, pool);
            watch.was(part(k));
            if let Some(NotFinite { variable, synapse: index }) = plastic.not_finite(p, now) {
                let time = now as f64 * options.dt;
                let place = [phase, k as u64, variable.index() as u64, index as u64, 0];
                let failure = Failure::Synapse { projection: k, variable, index, time };
                return self.meets(Met { place, failure });
            }
        }
        Ok(())
    }
}

/// Lets cells from a place of a list on stand there as often as they had an event.
///
/// # Errors
/// The cell, if that is not a number.
fn multiply(cells: &mut Vec<u32>, first: usize, count: &dyn Fn(usize) -> f64) -> Result<(), usize> {
    for cell in cells.split_off(first) {
        let n = count(cell as usize);
        if !n.is_finite() {
            return Err(cell as usize);
        }
        cells.extend(std::iter::repeat_n(cell, n as usize));
    }
    Ok(())
}

/// Collects the indices of set bits, from that of the first one on; whole words without any are skipped.
fn scan(bytes: &[u8], per_byte: usize, (begin, n): (usize, usize), out: &mut Vec<u32>) {
    let mut collect = |first: usize, mut word: u64| {
        while word != 0 {
            let bit = word.trailing_zeros() as usize;
            let cell = begin + (first + bit / 8) * per_byte + bit % 8;
            if cell < n {
                out.push(cell as u32);
            }
            word &= word - 1;
        }
    };
    let (words, rest) = bytes.as_chunks::<8>();
    for (k, word) in words.iter().enumerate() {
        collect(8 * k, u64::from_le_bytes(*word));
    }
    for (k, byte) in rest.iter().enumerate() {
        collect(8 * words.len() + k, u64::from(*byte));
    }
}
