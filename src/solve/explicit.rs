//! Schemes that step forward from the values at the beginning of the step.
//!
//! White noise enters as `xi = N(0, 1) / sqrt(dt)`, the same number in both stages of Heun's scheme, which makes
//! Euler the Euler-Maruyama scheme (Ito, strong order 1/2) and Heun the stochastic Heun scheme (Stratonovich).

use super::{Rate, Solved, definition};
use crate::hir::{Expr, Func, Op, Scheme, VarId};
use crate::math::{add, any_through, mul, simplify};
use std::collections::{HashMap, HashSet};

fn step(x: VarId, rate: Expr) -> Expr {
    add(Expr::Var(x), mul(Expr::Dt, rate))
}

/// Lets a state follow a rate for a step.
fn follow(out: &mut Solved, x: VarId, rate: Expr) {
    out.add(x, mul(Expr::Dt, rate));
}

/// `x + dt f(x)`
pub(super) fn euler(out: &mut Solved, rates: &[&Rate], why: &'static str) {
    for r in rates {
        out.schemes.push((r.state, Scheme::Euler, why));
        follow(out, r.state, r.rhs.clone());
    }
}

/// `x + dt f(x) (e^z - 1) / z` with `z = dt ∂f/∂x`, exact if nothing else changes within the step.
pub(super) fn exponential_euler(out: &mut Solved, rates: &[&Rate], why: &'static str) {
    for r in rates {
        let Some(split) = r.split(&out.vars) else { crate::ice!("exponential Euler of a nonlinear equation") };
        out.schemes.push((r.state, Scheme::ExponentialEuler, why));
        let a = simplify(split.coefficient);
        if a == Expr::Num(0.0) {
            follow(out, r.state, r.rhs.clone());
            continue;
        }
        let name = out.vars[r.state].name.clone();
        let rate = out.temp(format!("{name}.rate"), r.state);
        let z = out.temp(format!("{name}.z"), r.state);
        out.temps.push((z, mul(a.clone(), Expr::Dt)));
        let value = add(mul(a, Expr::Var(r.state)), simplify(split.rest));
        out.temps.push((rate, value));
        let phi = Expr::Call(Func::Exprel, vec![Expr::Var(z)]);
        follow(out, r.state, Expr::bin(Op::Mul, Expr::Var(rate), phi));
    }
}

/// Two stages; `known` states are already advanced exactly and enter the second stage with their new values.
pub(super) fn heun(out: &mut Solved, rates: &[&Rate], known: &[VarId], why: &'static str) {
    let mut at_end: HashMap<VarId, VarId> = HashMap::new();
    for &k in known {
        let reads = |r: &&Rate| any_through(&r.rhs, &|v| definition(&out.vars, v), &mut |e| *e == Expr::Var(k));
        if !rates.iter().any(reads) {
            continue;
        }
        let name = out.vars[k].name.clone();
        let t = out.temp(format!("{name}.end"), k);
        let Some((_, value)) = out.next.iter().find(|(s, _)| *s == k).cloned() else { continue };
        out.temps.push((t, value));
        at_end.insert(k, t);
    }
    let k1 = stage(out, rates, &HashMap::new(), 0.0, "k1");
    for (r, k) in rates.iter().zip(&k1) {
        let name = out.vars[r.state].name.clone();
        let predicted = out.temp(format!("{name}.predicted"), r.state);
        out.temps.push((predicted, step(r.state, Expr::Var(*k))));
        at_end.insert(r.state, predicted);
    }
    let k2 = stage(out, rates, &at_end, 1.0, "k2");
    for ((r, a), b) in rates.iter().zip(k1).zip(k2) {
        out.schemes.push((r.state, Scheme::Heun, why));
        let mean = mul(Expr::Num(0.5), add(Expr::Var(a), Expr::Var(b)));
        follow(out, r.state, mean);
    }
}

/// The classical scheme of order four, all equations together.
pub(super) fn rk4(out: &mut Solved, rates: &[&Rate]) {
    let mut ks: Vec<Vec<VarId>> = vec![stage(out, rates, &HashMap::new(), 0.0, "k1")];
    for (name, fraction) in [("k2", 0.5), ("k3", 0.5), ("k4", 1.0)] {
        let mut at: HashMap<VarId, VarId> = HashMap::new();
        let last = ks.last().cloned().unwrap_or_default();
        for (r, k) in rates.iter().zip(last) {
            let label = format!("{}.{name}.at", out.vars[r.state].name);
            let t = out.temp(label, r.state);
            let h = mul(Expr::Num(fraction), Expr::Dt);
            out.temps.push((t, add(Expr::Var(r.state), mul(h, Expr::Var(k)))));
            at.insert(r.state, t);
        }
        ks.push(stage(out, rates, &at, fraction, name));
    }
    for (i, r) in rates.iter().enumerate() {
        out.schemes.push((r.state, Scheme::Rk4, "asked for"));
        let inner = mul(Expr::Num(2.0), add(Expr::Var(ks[1][i]), Expr::Var(ks[2][i])));
        let sum = add(add(Expr::Var(ks[0][i]), Expr::Var(ks[3][i])), inner);
        follow(out, r.state, mul(Expr::Num(1.0 / 6.0), sum));
    }
}

/// Evaluates all rates with some states replaced, a fraction of the step after its beginning.
fn stage(out: &mut Solved, rates: &[&Rate], at: &HashMap<VarId, VarId>, fraction: f64, name: &str) -> Vec<VarId> {
    let mut stage = Stage {
        time: add(Expr::Time, mul(Expr::Num(fraction), Expr::Dt)),
        name,
        replaced: at.clone(),
        same: HashSet::new(),
    };
    rates
        .iter()
        .map(|r| {
            let value = stage.of(out, r.rhs.clone());
            let t = out.temp(format!("{}.{name}", out.vars[r.state].name), r.state);
            out.temps.push((t, value));
            t
        })
        .collect()
}

/// What expressions mean in a stage.
struct Stage<'a> {
    time: Expr,
    name: &'a str,
    /// What stands for states, and for the large `let`s that depend on them or on the time.
    replaced: HashMap<VarId, VarId>,
    /// Large `let`s that depend on neither.
    same: HashSet<VarId>,
}

impl Stage<'_> {
    fn of(&mut self, out: &mut Solved, e: Expr) -> Expr {
        e.map(&mut |e| match e {
            Expr::Var(v) => Expr::Var(self.variable(out, v)),
            Expr::Time => self.time.clone(),
            other => other,
        })
    }

    fn variable(&mut self, out: &mut Solved, v: VarId) -> VarId {
        if let Some(stands) = self.replaced.get(&v) {
            return *stands;
        }
        let Some(before) = definition(&out.vars, v).filter(|_| !self.same.contains(&v)).cloned() else { return v };
        let value = self.of(out, before.clone());
        if value == before {
            self.same.insert(v);
            return v;
        }
        let t = out.temp(format!("{}.{}", out.vars[v].name, self.name), v);
        out.temps.push((t, value));
        self.replaced.insert(v, t);
        t
    }
}
