//! Kernels of networks without events: values of cells or synapses in, values out, no order of steps.
//!
//! A lane is a cell or a synapse. Where a batch of examples is seen at once, an example is a step of the kernel.

use super::expression::{Clock, Lowering};
use super::lowered::Lowered;
use crate::hir::{Expr, VarId};
use crate::ir::{Precision, Slot, SlotKind};
use crate::plan::Column;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a slot holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    /// A variable that has a place in memory.
    Variable(VarId),
    /// Fixed values per lane.
    Fixed(Arc<Vec<f64>>),
    /// Simulated time.
    Time,
    /// A function of time.
    Clock(Arc<Clock>),
    /// Raw random bits of a noise process (or of a draw), first or second word.
    Random(bool, u32, bool),
    /// The n-th result.
    Out(usize),
    /// The n-th sum over examples.
    Sum(usize),
}

/// What comes of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Store {
    /// It is a result, in a place of its own.
    Out(Expr),
    /// It replaces a variable, which is loaded as a state.
    Replace(VarId, Expr),
    /// It is added up over the examples.
    Sum(Expr),
}

impl Store {
    /// Returns the expression.
    pub fn expr(&self) -> &Expr {
        match self {
            Store::Out(e) | Store::Replace(_, e) | Store::Sum(e) => e,
        }
    }
}

/// What a kernel shall compute.
pub struct Elementwise<'a> {
    /// For readers.
    pub name: String,
    /// Type of numbers.
    pub precision: Precision,
    /// Time step.
    pub dt: f64,
    /// Names of variables, for readers.
    pub names: &'a dyn Fn(VarId) -> String,
    /// Number of lanes that parameters have values for.
    pub n_lanes: usize,
    /// Values of parameters.
    pub params: &'a dyn Fn(VarId) -> Option<Column>,
    /// Definitions of what has no place in memory.
    pub lets: &'a dyn Fn(VarId) -> Option<Expr>,
    /// How variables that have one are laid out.
    pub place: &'a dyn Fn(VarId) -> Option<SlotKind>,
    /// Temporaries, each from those before it.
    pub temps: &'a [(VarId, Expr)],
    /// Results.
    pub stores: &'a [Store],
}

impl Elementwise<'_> {
    /// Makes the kernel.
    pub fn lower(&self) -> Lowered<Held> {
        let mut l = Lowering::new(&self.name, self.precision, self.params, self.lets);
        (l.dt, l.n_lanes) = (Some(self.dt), self.n_lanes);
        let mut slots: Vec<(Slot, Held)> = Vec::new();
        let replaced = self.stores.iter().filter_map(|s| match s {
            Store::Replace(v, _) => Some(*v),
            _ => None,
        });
        let replaced: BTreeSet<VarId> = replaced.collect();
        let used = self.used();
        for v in used.variables.iter().chain(&replaced).collect::<BTreeSet<_>>() {
            let Some(kind) = (self.place)(*v) else { continue };
            let kind = if replaced.contains(v) { SlotKind::State } else { kind };
            let slot = l.b.slot((self.names)(*v), kind);
            slots.push((slot, Held::Variable(*v)));
            let value = l.b.load(slot);
            l.env.insert(*v, value);
        }
        if used.time {
            let slot = l.b.slot("t", SlotKind::Uniform);
            slots.push((slot, Held::Time));
            l.time = Some(l.b.load(slot));
            l.clocks_in = Some(SlotKind::Lane);
        }
        for (noise, k) in &used.random {
            let mut word = |second: bool| {
                let slot = l.b.slot(format!("random{k}_{}", u8::from(second)), SlotKind::Step);
                slots.push((slot, Held::Random(*noise, *k, second)));
                slot
            };
            let words = (word(false), word(true));
            l.randoms.insert((*noise, *k), words);
        }
        for (temp, e) in self.temps {
            let value = l.number(e);
            l.env.insert(*temp, value);
        }
        let values: Vec<_> = self.stores.iter().map(|s| l.number(s.expr())).collect();
        let (mut outs, mut sums) = (0, 0);
        for (store, value) in self.stores.iter().zip(values) {
            match store {
                Store::Out(_) => {
                    let slot = l.b.slot(format!("out{outs}"), SlotKind::Out);
                    slots.push((slot, Held::Out(outs)));
                    outs += 1;
                    l.b.store(slot, value);
                }
                Store::Sum(_) => {
                    let slot = l.b.slot(format!("sum{sums}"), SlotKind::State);
                    slots.push((slot, Held::Sum(sums)));
                    sums += 1;
                    let before = l.b.load(slot);
                    let after = l.b.add(before, value);
                    l.b.store(slot, after);
                }
                Store::Replace(v, _) => {
                    if let Some((slot, _)) = slots.iter().find(|(_, held)| *held == Held::Variable(*v)) {
                        l.b.store(*slot, value);
                    }
                }
            }
        }
        slots.extend(l.invariants.into_iter().map(|(s, v, _)| (s, Held::Fixed(v))));
        slots.extend(l.clocks.into_iter().map(|(s, c)| (s, Held::Clock(c))));
        Lowered::sorted(l.b.finish(), slots)
    }

    /// Finds what is read, through definitions that have no place.
    fn used(&self) -> Used {
        let mut used = Used::default();
        let temps = self.temps.iter().map(|(_, e)| e);
        for e in temps.chain(self.stores.iter().map(Store::expr)) {
            self.collect(e, &mut used);
        }
        used
    }

    fn collect(&self, e: &Expr, used: &mut Used) {
        e.walk(&mut |e| match e {
            Expr::Var(v) if !used.variables.contains(v) => {
                if (self.place)(*v).is_some() {
                    used.variables.insert(*v);
                } else if let Some(definition) = (self.lets)(*v)
                    && used.lets.insert(*v)
                {
                    self.collect(&definition, used);
                }
            }
            Expr::Time => used.time = true,
            Expr::Noise(k) => {
                used.random.insert((true, *k));
            }
            Expr::Draw(k, ..) => {
                used.random.insert((false, *k));
            }
            _ => {}
        });
    }
}

#[derive(Default)]
struct Used {
    lets: BTreeSet<VarId>,
    variables: BTreeSet<VarId>,
    time: bool,
    random: BTreeSet<(bool, u32)>,
}
