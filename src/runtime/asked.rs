//! What handlers of signals ask for before they run: of all synapses of a cell, as the sum of the weights onto it, and draws.

use crate::hir::{Draw, Expr, Place, Reduce, Reduction, Side, Trigger, VarId, VarKind};
use crate::math::eval_through;
use crate::plan::{Column, Edge, Network, Pairs, Projection};
use crate::rng::Stream;
use crate::solve::reads;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reads the weights of a projection, or a state of its synapses, in the order of the plan.
pub type Synapses<'a> = &'a dyn Fn(usize, VarId) -> Vec<f64>;

/// The answer to what a handler asks for.
pub enum Answer {
    /// A value for every synapse, in the order of the plan.
    Synapses(Column),
    /// A value for every target, or for every source, counted from the first of the view; zero for cells without synapses.
    Cells(Place, Vec<f64>),
}

impl Answer {
    /// Returns a value for every synapse, in the order of the plan.
    pub fn of_synapses(self, p: &Projection) -> Column {
        let cell: fn(&Projection, &Edge) -> usize = match self {
            Answer::Synapses(column) => return column,
            Answer::Cells(Place::Pre, _) => |p, e| e.pre as usize - p.pre.start,
            Answer::Cells(..) => |p, e| e.post as usize - p.post.start,
        };
        let Answer::Cells(_, values) = self else { unreachable!("returned") };
        Column::Array(Arc::new(p.pairs.edges().iter().map(|e| values[cell(p, e)]).collect()))
    }
}

/// Computes what the handlers of a signal ask for, before any of them runs, by projection.
///
/// Sums are made in double precision in the order of the plan, and what is drawn follows from the synapse's place in it, so both have
/// the same bits whatever runs the network.
pub fn asked(
    network: &Network,
    synapses: Synapses,
    signal: &str,
    projections: &[usize],
    chance: Option<&Stream>,
) -> Vec<(usize, VarId, Answer)> {
    let mut out = Vec::new();
    for k in projections {
        let p = &network.projections[*k];
        let s = &p.synapse;
        let hears = |trigger: &Trigger| matches!(trigger, Trigger::Signal(name) if name == signal);
        let asked = |v: VarId| s.handlers.iter().any(|h| hears(&h.trigger) && reads(s, &h.body, &|read| read == v));
        for (v, reduction) in s.reductions.iter().filter(|(v, _)| asked(**v)) {
            out.push((*k, *v, reduced(&|v| synapses(*k, v), p, reduction)));
        }
        for (v, draw) in s.draws.iter().filter(|(v, _)| asked(**v)) {
            let Some(chance) = chance else { crate::ice!("a signal draws from nothing") };
            let first = (*k as u64) << 48 | u64::from(v.as_u32()) << 32;
            let sample = |synapse: usize| {
                let mut reader = chance.reader(first | synapse as u64);
                match draw {
                    Draw::Uniform => reader.uniform(),
                    Draw::Normal => reader.normal(),
                }
            };
            out.push((*k, *v, Answer::Synapses(Column::Array(Arc::new((0..p.pairs.len()).map(sample).collect())))));
        }
    }
    out
}

fn reduced(synapses: &dyn Fn(VarId) -> Vec<f64>, p: &Projection, r: &Reduction) -> Answer {
    let values = values_of(synapses, p, &r.of);
    let cells = match r.over {
        Side::Pre => p.post.n,
        Side::Post => p.pre.n,
    };
    let (start, combine): (f64, fn(f64, f64) -> f64) = match r.how {
        Reduce::Sum | Reduce::Mean => (0.0, |a, b| a + b),
        Reduce::Norm => (0.0, |a, b| a + b * b),
        Reduce::Max => (f64::NEG_INFINITY, f64::max),
        Reduce::Min => (f64::INFINITY, f64::min),
    };
    let mut of_cells = vec![(start, 0.0); cells];
    let mut add = |cell: usize, value: f64| {
        let (sum, count) = &mut of_cells[cell];
        (*sum, *count) = (combine(*sum, value), *count + 1.0);
    };
    match (&p.pairs, r.over) {
        (Pairs::All(_, post), Side::Pre) => {
            values.chunks(post.n.max(1)).for_each(|row| (0..).zip(row).for_each(|(j, v)| add(j, *v)))
        }
        (Pairs::All(_, post), Side::Post) => {
            (0..).zip(values.chunks(post.n.max(1))).for_each(|(i, row)| row.iter().for_each(|v| add(i, *v)))
        }
        (pairs, Side::Pre) => {
            pairs.edges().iter().zip(&values).for_each(|(e, v)| add(e.post as usize - p.post.start, *v))
        }
        (pairs, Side::Post) => {
            pairs.edges().iter().zip(&values).for_each(|(e, v)| add(e.pre as usize - p.pre.start, *v))
        }
    }
    let result = |(value, count): (f64, f64)| match r.how {
        _ if count == 0.0 => 0.0,
        Reduce::Mean => value / count,
        Reduce::Norm => value.sqrt(),
        _ => value,
    };
    Answer::Cells(r.place(), of_cells.into_iter().map(result).collect())
}

/// The values of an expression of what synapses own, one for each.
fn values_of(synapses: &dyn Fn(VarId) -> Vec<f64>, p: &Projection, of: &Expr) -> Vec<f64> {
    let s = &p.synapse;
    let mut own: BTreeMap<VarId, Vec<f64>> = BTreeMap::new();
    s.any(of, &mut |e| {
        if let Expr::Var(v) = e
            && matches!(s.vars[*v].kind, VarKind::Weight | VarKind::State(_))
            && !own.contains_key(v)
        {
            own.insert(*v, synapses(*v));
        }
        false
    });
    if let Expr::Var(v) = of
        && let Some(values) = own.remove(v)
        && values.len() == p.pairs.len()
    {
        return values;
    }
    let find = |v: VarId, synapse: usize| match own.get(&v).map(Vec::as_slice) {
        // A state of the whole projection.
        Some([one]) => Some(*one),
        Some(each) => each.get(synapse).copied(),
        None => p.params.get(&v).copied(),
    };
    let lets = |v: VarId| s.definition(v);
    let value = |synapse: usize| match eval_through(of, &lets, &|v| find(v, synapse), (None, None)) {
        Some(value) => value,
        None => crate::ice!("a reduction of what synapses do not own"),
    };
    (0..p.pairs.len()).map(value).collect()
}
