//! What handlers of signals ask for before they run: of all synapses of a cell, as the sum of the weights onto it, and draws.

use crate::hir::{Draw, Expr, Reduce, Reduction, Side, Trigger, VarId, VarKind};
use crate::math::eval_through;
use crate::plan::{Column, Edge, Network, Projection};
use crate::rng::Stream;
use crate::solve::reads;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reads the weights of a projection, or a state of its synapses, in the order of the plan.
pub type Synapses<'a> = &'a dyn Fn(usize, VarId) -> Vec<f64>;

/// Computes what the handlers of a signal ask for, before any of them runs: a value for every synapse, by projection.
///
/// Sums are made in double precision in the order of the plan, and what is drawn follows from the synapse's place in it, so both have
/// the same bits whatever runs the network.
pub fn asked(
    network: &Network,
    synapses: Synapses,
    signal: &str,
    projections: &[usize],
    chance: Option<&Stream>,
) -> Vec<(usize, VarId, Column)> {
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
            out.push((*k, *v, Column::Array(Arc::new((0..p.pairs.len()).map(sample).collect()))));
        }
    }
    out
}

fn reduced(synapses: &dyn Fn(VarId) -> Vec<f64>, p: &Projection, r: &Reduction) -> Column {
    let values = values_of(synapses, p, &r.of);
    let edges = p.pairs.edges();
    let (cell, n): (fn(&Edge) -> u32, usize) = match r.over {
        Side::Pre => (|e| e.post, p.post.start + p.post.n),
        Side::Post => (|e| e.pre, p.pre.start + p.pre.n),
    };
    let (start, combine): (f64, fn(f64, f64) -> f64) = match r.how {
        Reduce::Sum | Reduce::Mean => (0.0, |a, b| a + b),
        Reduce::Norm => (0.0, |a, b| a + b * b),
        Reduce::Max => (f64::NEG_INFINITY, f64::max),
        Reduce::Min => (f64::INFINITY, f64::min),
    };
    let mut of_cells = vec![(start, 0.0); n];
    for (e, value) in edges.iter().zip(&values) {
        let (sum, count) = &mut of_cells[cell(e) as usize];
        (*sum, *count) = (combine(*sum, *value), *count + 1.0);
    }
    let result = |e: &Edge| match (r.how, of_cells[cell(e) as usize]) {
        (Reduce::Mean, (sum, count)) => sum / count,
        (Reduce::Norm, (sum, _)) => sum.sqrt(),
        (_, (value, _)) => value,
    };
    Column::Array(Arc::new(edges.iter().map(result).collect()))
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
