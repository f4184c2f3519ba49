//! One attempted step of an adaptive scheme, each lane with its own step size.

use super::binding::{Binding, Hidden, PortSource, fixed, hidden_name};
use super::expression::Lowering;
use super::lowered::Lowered;
use super::neuron::{Build, collect_hidden};
use crate::hir::VarId;
use crate::ir::{Precision, SlotKind, Value};
use crate::plan::{Column, Population};
use std::collections::{BTreeMap, HashMap};

/// Lowers one attempted Dormand-Prince step of a population with an adaptive scheme: new states and the error.
pub fn lower_rk45(
    p: &Population,
    ports: &BTreeMap<VarId, PortSource>,
    precision: Precision,
) -> Option<Lowered<Binding>> {
    let (tolerance, rates) = p.solved.adaptive.as_ref()?;
    let params: HashMap<VarId, Column> = p.params.iter().map(|(k, v)| (*k, v.clone())).chain(fixed(ports)).collect();
    let lookup = |v: VarId| params.get(&v).cloned();
    let lets = |v: VarId| p.model.definition(v).cloned();
    let mut l = Lowering::new(&format!("{}.rk45", p.model.name), precision, &lookup, &lets);
    l.n_lanes = p.n;
    let mut k = Build::new(p);
    for (id, _) in rates {
        let name = p.model.vars[*id].name.clone();
        let slot = k.slot(&mut l, name, SlotKind::State, Binding::State(*id));
        k.states.push((*id, slot));
        let v = l.b.load(slot);
        l.env.insert(*id, v);
    }
    for (id, _) in p.model.states().filter(|(id, _)| !rates.iter().any(|r| r.0 == *id)) {
        let name = p.model.vars[id].name.clone();
        let slot = k.slot(&mut l, name, SlotKind::State, Binding::State(id));
        k.states.push((id, slot));
        let v = l.b.load(slot);
        l.env.insert(id, v);
    }
    let h_slot = k.slot(&mut l, "h".into(), SlotKind::Lane, Binding::StepSize);
    let h = l.b.load(h_slot);
    l.dt_value = Some(h);
    k.ports(&mut l, ports);
    let time_slot = k.slot(&mut l, "t".into(), SlotKind::Lane, Binding::Time);
    let time = l.b.load(time_slot);
    l.time = Some(time);
    let held = held(&mut k, &mut l);
    // Dormand and Prince (1980), RK5(4)7M.
    const A: [&[f64]; 6] = [
        &[1.0 / 5.0],
        &[3.0 / 40.0, 9.0 / 40.0],
        &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
        &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
        &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
        &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
    ];
    const C: [f64; 7] = [0.0, 1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0];
    const E: [f64; 7] =
        [71.0 / 57600.0, 0.0, -71.0 / 16695.0, 71.0 / 1920.0, -17253.0 / 339_200.0, 22.0 / 525.0, -1.0 / 40.0];
    let start = l.env.clone();
    let mut ks: Vec<Vec<Value>> = Vec::new();
    for stage in 0..7 {
        if stage > 0 {
            for (i, (id, _)) in rates.iter().enumerate() {
                let sum = weighted(&mut l, &ks, i, A[stage - 1]);
                let step = l.b.mul(h, sum);
                let at = l.b.add(start[id], step);
                l.env.insert(*id, at);
            }
            let node = l.b.constant(C[stage]);
            l.time = Some(l.b.fma(h, node, time));
        }
        let zero = l.b.constant(0.0);
        let rate = |(id, e): &(VarId, crate::hir::Expr)| {
            let rate = l.number(e);
            held.get(id).map_or(rate, |held| l.b.select(*held, zero, rate))
        };
        ks.push(rates.iter().map(rate).collect());
    }
    // The last stage stands at the fifth-order solution; the error is the largest over the states.
    let mut error = l.b.constant(0.0);
    for (i, (id, _)) in rates.iter().enumerate() {
        let sum = weighted(&mut l, &ks, i, &E);
        let e = l.b.mul(h, sum);
        let e = l.b.abs(e);
        let (a, b) = (l.b.abs(start[id]), l.b.abs(l.env[id]));
        let size = l.b.max(a, b);
        let (relative, absolute) = (l.b.constant(*tolerance), l.b.constant(*tolerance));
        let allowed = l.b.fma(size, relative, absolute);
        let ratio = l.b.div(e, allowed);
        error = l.b.max(error, ratio);
    }
    let slot = k.slot(&mut l, "error".into(), SlotKind::Out, Binding::StepError);
    l.b.store(slot, error);
    Some(k.finish(l))
}

fn weighted(l: &mut Lowering, ks: &[Vec<Value>], i: usize, weights: &[f64]) -> Value {
    let mut sum = l.b.constant(0.0);
    for (k, w) in ks.iter().zip(weights).filter(|(_, w)| **w != 0.0) {
        let w = l.b.constant(*w);
        sum = l.b.fma(k[i], w, sum);
    }
    sum
}

/// Masks of the states that are held during this step: they do not move.
fn held(k: &mut Build, l: &mut Lowering) -> HashMap<VarId, Value> {
    let mut hidden = Vec::new();
    k.p.model.emits.iter().for_each(|e| collect_hidden(&e.body, &mut hidden));
    let mut out = HashMap::new();
    for h in hidden {
        let Hidden::Hold(state) = h else { continue };
        out.entry(state).or_insert_with(|| {
            let slot = k.slot(l, hidden_name(k.p, h), SlotKind::Lane, Binding::Hidden(h));
            let (left, zero) = (l.b.load(slot), l.b.constant(0.0));
            l.b.lt(zero, left)
        });
    }
    out
}
