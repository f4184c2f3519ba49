//! The largest set of linear equations with constant coefficients, integrated exactly.

use super::{Change, Propagator, Rate, Solved, decay};
use crate::hir::{Expr, Func, Neuron, Op, Scheme, Var, VarId, VarKind};
use crate::math::{add, linear_in, mul, neg, simplify, sub};
use crate::units::Dim;
use cranelift_entity::PrimaryMap;
use std::collections::BTreeSet;

/// A state, the coefficients of the set's states in its rate, and the rest.
type Row = (VarId, Vec<(VarId, Expr)>, Expr);

/// Finds those of some states whose equations are linear in each other with coefficients of parameters, driven by nothing that changes
/// within a step, as `moving` states do.
pub(super) fn closed_linear(neuron: &Neuron, rates: &[&Rate], moving: &BTreeSet<VarId>) -> BTreeSet<VarId> {
    let own_scheme = |state: VarId| neuron.state_schemes.iter().any(|(s, ..)| *s == state);
    let mut set: BTreeSet<VarId> = rates.iter().map(|r| r.state).filter(|s| !own_scheme(*s)).collect();
    loop {
        let bad = rates.iter().find(|r| set.contains(&r.state) && row(&neuron.vars, moving, &set, r).is_none());
        match bad {
            Some(r) => set.remove(&r.state),
            None => return set,
        };
    }
}

/// Splits a rate into coefficients of the set's states and the rest; `None` if it does not qualify.
fn row(
    vars: &PrimaryMap<VarId, Var>,
    moving: &BTreeSet<VarId>,
    set: &BTreeSet<VarId>,
    r: &Rate,
) -> Option<(Vec<(VarId, Expr)>, Expr)> {
    let mut rest = r.rhs.clone();
    let mut coefficients = Vec::new();
    for &x in set {
        let split = linear_in(&rest, x)?;
        let constant = !split.coefficient.any(&mut |e| match e {
            Expr::Var(v) => !matches!(vars[*v].kind, VarKind::Param(_)),
            Expr::Time | Expr::Noise(_) | Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..) => true,
            _ => false,
        });
        if !constant {
            return None;
        }
        let coefficient = simplify(split.coefficient);
        if coefficient != Expr::Num(0.0) {
            coefficients.push((x, coefficient));
        }
        rest = simplify(split.rest);
    }
    let changes = rest.any(&mut |e| match e {
        // A large `let` is not looked into.
        Expr::Var(v) => moving.contains(v) || matches!(vars[*v].kind, VarKind::Let(_)),
        Expr::Time | Expr::Noise(_) | Expr::Since(_) => true,
        _ => false,
    });
    (!changes).then_some((coefficients, rest))
}

/// Adds the exact updates of a closed linear set.
pub(super) fn exact(out: &mut Solved, rates: &[&Rate], why: &'static str) {
    let rows = rows(out, rates);
    out.schemes.extend(rates.iter().map(|r| (r.state, Scheme::Exact, why)));
    let mut done: BTreeSet<VarId> = BTreeSet::new();
    for (state, coefficients, rest) in &rows {
        if done.contains(state) {
            continue;
        }
        let members = connected(&rows, *state);
        if members.len() == 1 {
            let a = coefficients.first().map_or(Expr::Num(0.0), |(_, c)| c.clone());
            let by = scalar_change(Expr::Var(*state), a.clone(), rest.clone());
            out.changes.push(Change { state: *state, by, slope: Some(Expr::Num(0.0)) });
            out.next.push((*state, scalar(Expr::Var(*state), a, rest.clone())));
            done.insert(*state);
            continue;
        }
        for (state, sum, by) in block(out, &rows, &members) {
            out.changes.push(Change { state, by, slope: Some(Expr::Num(0.0)) });
            out.next.push((state, sum));
        }
        done.extend(members);
    }
}

/// Splits the rates of a closed linear set.
fn rows(out: &Solved, rates: &[&Rate]) -> Vec<Row> {
    let set: BTreeSet<VarId> = rates.iter().map(|r| r.state).collect();
    let moving = BTreeSet::new();
    rates.iter().filter_map(|r| row(&out.vars, &moving, &set, r).map(|(c, rest)| (r.state, c, rest))).collect()
}

/// Advances the states of a closed linear set of a cable that depend on each other; returns which.
pub(super) fn exact_in_segments(out: &mut Solved, rates: &[&Rate]) -> BTreeSet<VarId> {
    let rows = rows(out, rates);
    let mut done: BTreeSet<VarId> = BTreeSet::new();
    for (state, ..) in &rows {
        let members = connected(&rows, *state);
        if members.len() > 1 && !done.contains(state) {
            for (state, sum, _) in block(out, &rows, &members) {
                out.schemes.push((state, Scheme::Exact, "linear in each other, with the new potential"));
                out.cable_updates.push((state, simplify(sum)));
            }
            done.extend(members);
        }
    }
    done
}

/// `x e^(a dt) + b (e^(a dt) - 1) / a`, and `x + b dt` when `a` is zero.
fn scalar(x: Expr, a: Expr, b: Expr) -> Expr {
    if a == Expr::Num(0.0) {
        return add(x, mul(b, Expr::Dt));
    }
    let e = decay(a.clone());
    if b == Expr::Num(0.0) {
        return mul(x, e);
    }
    // x_inf + (x - x_inf) e^(a dt): a cell at rest stays there to the last bit.
    let x_inf = neg(Expr::bin(Op::Div, b.clone(), a.clone()));
    let relaxed = add(x_inf.clone(), mul(sub(x.clone(), x_inf), e));
    if never_zero(&a) {
        return relaxed;
    }
    let still = Expr::bin(Op::Eq, a, Expr::Num(0.0));
    Expr::If(Box::new(still), Box::new(add(x, mul(b, Expr::Dt))), Box::new(relaxed))
}

/// The same less `x`, exact where `a dt` is small: `(x + b / a) (e^(a dt) - 1)`, and `b dt` when `a` is zero.
fn scalar_change(x: Expr, a: Expr, b: Expr) -> Expr {
    let still = mul(b.clone(), Expr::Dt);
    if a == Expr::Num(0.0) {
        return still;
    }
    let exponent = simplify(Expr::bin(Op::Mul, a.clone(), Expr::Dt));
    let gain = Expr::Call(Func::Expm1, vec![exponent]);
    if b == Expr::Num(0.0) {
        return mul(x, gain);
    }
    let away = add(x, Expr::bin(Op::Div, b, a.clone()));
    let relaxed = mul(away, gain);
    if never_zero(&a) {
        return relaxed;
    }
    let is_still = Expr::bin(Op::Eq, a, Expr::Num(0.0));
    Expr::If(Box::new(is_still), Box::new(still), Box::new(relaxed))
}

/// Returns whether a coefficient is a number over something, the usual `-1 / tau`.
fn never_zero(a: &Expr) -> bool {
    match a {
        Expr::Num(v) => *v != 0.0,
        Expr::Neg(a) => never_zero(a),
        Expr::Bin(Op::Div, a, _) => never_zero(a),
        _ => false,
    }
}

fn connected(rows: &[Row], start: VarId) -> Vec<VarId> {
    let mut members = vec![start];
    loop {
        let more = rows.iter().map(|(s, c, _)| (s, c)).find(|(s, c)| {
            let linked = c.iter().any(|(v, _)| members.contains(v))
                || members.iter().any(|m| rows.iter().any(|(r, rc, _)| r == m && rc.iter().any(|(v, _)| v == *s)));
            linked && !members.contains(s)
        });
        match more {
            Some((s, _)) => members.push(*s),
            None => break,
        }
    }
    members.sort();
    members
}

/// Adds the propagator of some states; returns what each is after a step, and by how much it changes.
fn block(out: &mut Solved, rows: &[Row], members: &[VarId]) -> Vec<(VarId, Expr, Expr)> {
    let mut updates = Vec::new();
    let n = members.len();
    let find = |v: VarId| rows.iter().find(|(s, _, _)| *s == v);
    let mut matrix = vec![vec![Expr::Num(0.0); n]; n];
    let mut rests = vec![Expr::Num(0.0); n];
    for (i, &m) in members.iter().enumerate() {
        if let Some((_, coefficients, rest)) = find(m) {
            for (v, c) in coefficients {
                if let Some(j) = members.iter().position(|m| m == v) {
                    matrix[i][j] = c.clone();
                }
            }
            rests[i] = rest.clone();
        }
    }
    // Entry (i, j) is nonzero only if j reaches i.
    let mut reach: Vec<Vec<bool>> =
        (0..n).map(|i| (0..n).map(|j| i == j || matrix[i][j] != Expr::Num(0.0)).collect()).collect();
    for k in 0..n {
        for i in 0..n {
            for j in 0..n {
                reach[i][j] |= reach[i][k] && reach[k][j];
            }
        }
    }
    let mut p = Propagator { states: members.to_vec(), matrix, transition: Vec::new(), integral: Vec::new() };
    for i in 0..n {
        let row_name = out.vars[members[i]].name.clone();
        let (mut sum, mut by) = (Expr::Num(0.0), Expr::Num(0.0));
        for j in (0..n).filter(|&j| reach[i][j]) {
            let column_name = out.vars[members[j]].name.clone();
            let entry = invariant(out, format!("P[{row_name}, {column_name}]"));
            p.transition.push((i, j, entry));
            sum = add(sum, mul(Expr::Var(entry), Expr::Var(members[j])));
            let gain = if i == j { sub(Expr::Var(entry), Expr::Num(1.0)) } else { Expr::Var(entry) };
            by = add(by, mul(gain, Expr::Var(members[j])));
            if rests[j] != Expr::Num(0.0) {
                let entry = invariant(out, format!("Q[{row_name}, {column_name}]"));
                p.integral.push((i, j, entry));
                sum = add(sum, mul(Expr::Var(entry), rests[j].clone()));
                by = add(by, mul(Expr::Var(entry), rests[j].clone()));
            }
        }
        updates.push((members[i], sum, by));
    }
    out.propagators.push(p);
    updates
}

/// An entry of a propagator: constant during a run, so it counts as a parameter without default.
fn invariant(out: &mut Solved, name: String) -> VarId {
    out.vars.push(Var {
        name,
        kind: VarKind::Param(None),
        dim: Dim::ONE,
        unit: None,
        boolean: false,
        cable: None,
        span: Default::default(),
    })
}

/// Solves one linear equation exactly over a time `dt`; `None` if it is not linear with constant coefficients.
pub fn exact_scalar(x: VarId, rhs: &Expr) -> Option<Expr> {
    let split = linear_in(rhs, x)?;
    Some(simplify(scalar(Expr::Var(x), simplify(split.coefficient), simplify(split.rest))))
}
