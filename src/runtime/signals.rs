//! What cells of a network with events do at a signal of the experiment.
//!
//! New values follow from those before the signal, all cells at once and in double precision, so they have the same bits whatever
//! runs the network.

use super::buffer::Buffer;
use super::reading::Reading;
use crate::codegen::Backend;
use crate::hir::{Draw, Expr, VarId, inline_lets_unless};
use crate::image::Listing;
use crate::math::{add, mul, sub};
use crate::plan::{Lanes, Population};
use crate::rng::Stream;
use crate::solve::{Replay, Splitter, writes};
use cranelift_entity::EntityRef;
use std::collections::BTreeSet;

/// Draws of cells lie beside those of synapses.
const OF_CELLS: u64 = 1 << 63;

/// What the handlers of a signal do to the cells of a population.
pub struct Heard {
    /// The signal.
    pub signal: String,
    /// To the cells, and to the segments of each of their cables.
    parts: Vec<Part>,
}

/// States of cells, or of the segments of a cable, that change together.
struct Part {
    /// The order of the segments, if they are a cable's.
    along: Option<(usize, Lanes)>,
    /// The states that change.
    states: Vec<VarId>,
    /// What they become.
    reading: Reading,
    /// The variables that stand for what is drawn: the first is that of draw 0.
    draws: Vec<(u32, Draw)>,
    first_draw: usize,
}

/// A state of a cell that would not be finite.
pub struct NotFinite {
    /// The state.
    pub state: VarId,
    /// The cell.
    pub cell: usize,
}

/// What cells that hear a signal are.
pub struct Hearing<'a> {
    /// The number of their population.
    pub index: usize,
    /// Writes the values of a variable, cell by cell or for every place of a cable's segments.
    pub place: &'a dyn Fn(Option<usize>, VarId, &mut Buffer),
    /// Where handlers draw from, if they do.
    pub chance: Option<&'a Stream>,
    /// The time, internal units.
    pub t: f64,
}

impl Heard {
    /// Compiles the handlers of all signals that a population hears.
    pub fn all(p: &Population, dt: f64, backend: Backend) -> Vec<Heard> {
        let signals: BTreeSet<&str> = p.model.handlers.iter().map(|h| h.signal.as_str()).collect();
        signals.into_iter().map(|signal| Heard::new(signal, p, dt, backend)).collect()
    }

    fn new(signal: &str, p: &Population, dt: f64, backend: Backend) -> Heard {
        let model = &p.model;
        let bounds = |v: VarId| model.bounds.iter().find(|(b, ..)| *b == v).map(|(_, lo, hi)| (lo.clone(), hi.clone()));
        let bodies = || model.handlers.iter().filter(|h| h.signal == signal).map(|h| &h.body[..]);
        // A `let` is written out only where it follows from what a statement before has changed.
        let changed = |e: &Expr| matches!(e, Expr::Var(v) if bodies().any(|body| writes(body, *v)));
        let apart = |v: VarId| !model.any(&Expr::Var(v), &mut |e| changed(e) || matches!(e, Expr::Draw(..)));
        let mut replay = Replay {
            inline: &|e| inline_lets_unless(model, e, &apart),
            bounds: &bounds,
            shared: None,
            pooled: &|_| false,
            adds_up: &|_| false,
            number: &|_| false,
            splitter: Splitter { owner: &|_| None },
            fresh: &mut || crate::ice!("a single example is not reduced"),
            choosing: false,
            marking: false,
            entangled: None,
        };
        let updates: Vec<(VarId, Expr)> = replay.run(bodies()).values.into_iter().collect();
        let owners: BTreeSet<Option<usize>> = updates.iter().map(|(v, _)| model.vars[*v].cable).collect();
        let part = |cable: Option<usize>| {
            let of = updates.iter().filter(|(v, _)| model.vars[*v].cable == cable);
            Part::new(&format!("on_{signal}"), (p, cable), of.cloned(), dt, backend)
        };
        Heard { signal: signal.to_string(), parts: owners.into_iter().map(part).collect() }
    }

    /// Returns the kernels.
    pub fn listings(&self) -> impl Iterator<Item = Listing> {
        self.parts.iter().map(|part| part.reading.listing())
    }

    /// Computes the new values of the states that change.
    ///
    /// # Errors
    /// A new value that is not finite.
    pub fn compute(&mut self, of: &Hearing) -> Result<(), NotFinite> {
        self.parts.iter_mut().try_for_each(|part| part.compute(of))
    }

    /// Returns the new values of the states that change, cell by cell or place by place.
    pub fn changed(&self) -> impl Iterator<Item = (VarId, &[f64])> {
        self.parts.iter().flat_map(|p| p.states.iter().enumerate().map(|(k, state)| (*state, p.reading.values(k))))
    }
}

impl Part {
    fn new(
        name: &str,
        (p, cable): (&Population, Option<usize>),
        updates: impl Iterator<Item = (VarId, Expr)>,
        dt: f64,
        backend: Backend,
    ) -> Part {
        let first_draw = p.model.vars.len();
        let mut draws: Vec<(u32, Draw)> = Vec::new();
        let mut drawn = |e: Expr| match e {
            Expr::Draw(id, draw, args) => {
                let known = draws.iter().position(|(other, _)| *other == id);
                let k = known.unwrap_or_else(|| {
                    draws.push((id, draw));
                    draws.len() - 1
                });
                let (standard, [a, b]) = (Expr::Var(VarId::new(first_draw + k)), &args[..]) else {
                    crate::ice!("a draw has two arguments")
                };
                match draw {
                    Draw::Uniform => add(a.clone(), mul(sub(b.clone(), a.clone()), standard)),
                    Draw::Normal => add(a.clone(), mul(b.clone(), standard)),
                }
            }
            e => e,
        };
        let (states, values): (Vec<VarId>, Vec<Expr>) = updates.map(|(v, e)| (v, e.map(&mut drawn))).unzip();
        let along = cable.map(|cable| (cable, p.lanes(cable)));
        let n = along.map_or(p.n, |(_, lanes)| lanes.places());
        let reading = Reading::new(name, (p, n), &values, dt, backend);
        Part { along, states, reading, draws, first_draw }
    }

    fn compute(&mut self, of: &Hearing) -> Result<(), NotFinite> {
        let Part { along, states, reading, draws, first_draw } = self;
        reading.compute(of.t, &mut |v, out| match (v.index().checked_sub(*first_draw), &along) {
            (Some(k), None) => out.fill_with((0..out.len()).map(|cell| of.draw(draws[k], cell))),
            (Some(k), Some((_, lanes))) => {
                let place = |(cell, segment): (usize, usize)| of.draw(draws[k], cell * lanes.segments + segment);
                out.fill_with(lanes.each().map(place));
            }
            (None, along) => (of.place)(along.map(|(cable, _)| cable), v, out),
        });
        states.iter().enumerate().try_for_each(|(k, state)| {
            let Some(unfit) = reading.values(k).iter().position(|v| !v.is_finite()) else { return Ok(()) };
            let cell = along.map_or(Some(unfit), |(_, lanes)| lanes.each().nth(unfit).map(|(cell, _)| cell));
            Err(NotFinite { state: *state, cell: cell.unwrap_or_else(|| crate::ice!("a place of no cell")) })
        })
    }
}

impl Hearing<'_> {
    /// Draws a standard number for a cell.
    fn draw(&self, (id, draw): (u32, Draw), cell: usize) -> f64 {
        let Some(chance) = self.chance else { crate::ice!("a signal draws from nothing") };
        let mut reader = chance.reader(OF_CELLS | (self.index as u64) << 48 | u64::from(id) << 32 | cell as u64);
        match draw {
            Draw::Uniform => reader.uniform(),
            Draw::Normal => reader.normal(),
        }
    }
}
