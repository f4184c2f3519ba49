//! How the kernels of a population come to fit what has been set: parameters, and where ports have their values.

use super::{Loaded, Pop, Stale, StateArray, load};
use crate::hir::VarId;
use crate::image::{self, Binding, PortSource, baked, chance};
use crate::plan::{self, Column};
use crate::rng::Stream;
use crate::runtime::adaptive::Adaptive;
use crate::runtime::buffer::Buffer;
use crate::runtime::cable::Cables;
use crate::runtime::chance::RareEvents;
use crate::runtime::noise::Noise;
use crate::runtime::options::Options;
use crate::runtime::time::PortFunction;
use cranelift_entity::EntityRef;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Kernels of a population that are kept, as inputs go on and off.
const EARLIER: usize = 6;

/// From so many values on that a port has had, the same for all cells, its value is no part of the kernel any more.
const OFTEN: u32 = 3;

impl Pop {
    /// Lets the kernels fit parameters and the sources of ports, if they have changed; states are kept. Values that differ from cell to
    /// cell are memory and are replaced; values that all cells have are part of a kernel, which is compiled unless one of the last fits.
    pub fn refresh(&mut self, p: &plan::Population, index: usize, steps: usize, options: &Options) {
        let stale = std::mem::replace(&mut self.stale, Stale::Nothing);
        match stale {
            Stale::Nothing => return,
            Stale::Ports => {}
            Stale::All => self.parameters = None,
        }
        let parameters = self.parameters.take().unwrap_or_else(|| image::parameters(p, options.dt));
        let event_ports: BTreeSet<VarId> = self.rings.iter().map(|(port, _)| *port).collect();
        let fits = (steps, baked(p, &self.ports));
        let timed = |l: &Loaded| l.kernel.slots().iter().any(|b| matches!(b, Binding::Clock(_)));
        let whole = self.adaptive.is_some() || self.cables.is_some() && stale == Stale::All || timed(&self.update);
        let values = (&parameters, &self.ports);
        if !whole && fits == self.baked && self.update.refill(p, values, options.dt) {
            self.parameters = Some(parameters);
            return;
        }
        let known = self.earlier.iter().position(|(key, _)| *key == fits).map(|k| self.earlier.remove(k).1);
        let known = known.and_then(|mut l| l.refill(p, values, options.dt).then_some(l));
        self.parameters = Some(parameters);
        let new = known.unwrap_or_else(|| load(p, &self.ports, &event_ports, steps, options));
        let old = std::mem::replace(&mut self.update, new);
        let key = std::mem::replace(&mut self.baked, fits);
        if !whole {
            if self.earlier.len() == EARLIER {
                self.earlier.remove(0);
            }
            self.earlier.push((key, old));
        }
        self.allocate(p, index, (steps, stale), options);
    }

    pub(super) fn allocate(
        &mut self,
        p: &plan::Population,
        index: usize,
        (steps, stale): (usize, Stale),
        options: &Options,
    ) {
        let &Options { dt, precision, .. } = options;
        let target = options.target();
        self.adaptive = Adaptive::new(p, &self.ports, &target, self.adaptive.take());
        if stale == Stale::All {
            let event_ports: BTreeSet<VarId> = self.rings.iter().map(|(port, _)| *port).collect();
            let stream = Stream::new(options.seed, (index as u32 + 1) << 12);
            self.cables = Cables::new(p, &event_ports, (&target, stream), self.cables.take());
        }
        self.inputs.clear();
        for (port, source) in &self.ports {
            match source {
                PortSource::Fixed(_) => {}
                PortSource::Uniform => {
                    self.inputs.insert(*port, Buffer::new(steps.max(16), precision));
                }
                PortSource::Step => {
                    self.inputs.insert(*port, Buffer::new(self.lanes, precision));
                }
            }
        }
        let mut old = std::mem::take(&mut self.states);
        for binding in self.update.kernel.slots() {
            match binding {
                Binding::State(_) | Binding::Hidden(_) => {
                    let kept = old.iter().position(|s| s.key == *binding).map(|k| old.swap_remove(k));
                    self.states.push(kept.unwrap_or_else(|| StateArray::new(binding.clone(), self.lanes, precision)));
                }
                Binding::Event(e) => {
                    self.bits[e.as_u32() as usize] = vec![0; steps * self.lanes / self.update.kernel.lanes_per_byte()];
                }
                _ => {}
            }
        }
        self.state_of = vec![None; p.solved.vars.len()];
        for (k, s) in self.states.iter().enumerate() {
            if let Binding::State(v) = s.key {
                self.state_of[v.index()] = Some(k);
            }
        }
        self.lay_out(precision);
        self.noise = Noise::new(&self.update, index, options.seed, &self.table, precision);
        self.rare = chance(p, &self.ports, dt).and_then(|(event, probability)| {
            let stream = Stream::new(options.seed, (index as u32 + 1) << 12);
            let slot = self.update.kernel.slots().iter().position(|b| *b == Binding::Event(event))?;
            Some((RareEvents::new(probability, p.n, stream)?, slot))
        });
    }

    /// Notes that a parameter has changed.
    pub fn touch(&mut self) {
        self.stale = Stale::All;
    }

    /// Gives an analog port a value.
    pub fn set_port(&mut self, port: VarId, value: Column) {
        self.functions.remove(&port);
        self.set_source(port, PortSource::Fixed(value));
    }

    /// Returns whether some cells of an analog port follow functions of time.
    pub fn follows_functions(&self, port: VarId) -> bool {
        self.functions.contains_key(&port)
    }

    /// Lets an analog port follow functions of time; returns whether one serves all of the `n` cells.
    pub fn set_functions(&mut self, port: VarId, functions: Vec<PortFunction>, n: usize) -> bool {
        let one = matches!(&functions[..], [f] if f.of.is_shared() && f.cells.is_whole(n));
        self.functions.insert(port, functions);
        if one {
            self.set_source(port, PortSource::Uniform);
            return true;
        }
        self.set_source(port, PortSource::Step);
        if !self.filled.contains(&port) {
            self.filled.push(port);
        }
        false
    }

    /// Ports with continuous contributions keep their buffer per cell whatever else they receive.
    fn set_source(&mut self, port: VarId, source: PortSource) {
        let (before, source) = (self.ports.get(&port), self.apart(port, source));
        if before != Some(&PortSource::Step) && before != Some(&source) {
            if matches!(source, PortSource::Fixed(Column::Const(_))) {
                *self.moves.entry(port).or_default() += 1;
            }
            self.ports.insert(port, source);
            self.stale = self.stale.max(Stale::Ports);
        }
    }

    /// Lets a port that gets other values again and again have them in the memory of its cells, where they cost no kernel. The bits of
    /// what follows are the same.
    fn apart(&self, port: VarId, source: PortSource) -> PortSource {
        match source {
            PortSource::Fixed(Column::Const(value))
                if self.rare.is_none() && self.moves.get(&port).is_some_and(|n| *n + 1 >= OFTEN) =>
            {
                PortSource::Fixed(Column::Array(Arc::new(vec![value; self.n])))
            }
            source => source,
        }
    }
}
