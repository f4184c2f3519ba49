//! Turns differential equations into updates: the structure of the equations decides the scheme, and says so.
//!
//! Input: a [`Neuron`]. Output: a [`Solved`] model: assignments from the values at the beginning of a step to those
//! at its end, what arriving events add, and which scheme each state got and why.

mod energy;
mod explicit;
mod factors;
mod late;
mod linear_block;
mod placement;
mod propagator;
mod terms;
mod updates;

pub use energy::{descending, descending_along, descents, free_states};
pub use factors::{Factor, Owners, bodies, cell_updates, factors, owner_in_synapse, synapse_updates};
pub use late::late_lets;
pub use linear_block::exact_scalar;
pub use placement::{
    Sharing, changes_at_signals_only, changes_by, constant_rates, is_plastic, places, reads, stepped, writes,
};
pub use propagator::{Matrix, exponential};
pub use terms::{Owner, Splitter, Term};
pub use updates::{Reduction, Replay, Updates};

use crate::diag::{Code, Diagnostic};
use crate::hir::{Cause, Expr, Func, Neuron, Op, Scheme, Var, VarId, VarKind};
use crate::math::{Linear, add, any_through, derivative, linear_in, linear_through, mul, simplify, unfold};
use crate::source::Span;
use cranelift_entity::PrimaryMap;
use std::collections::BTreeSet;

/// What an arriving event adds to a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// The state.
    pub state: VarId,
    /// The port.
    pub port: VarId,
    /// What multiplies the summed weights, read after integration.
    pub coefficient: Expr,
}

/// A set of linear equations integrated exactly: entries of `exp(A dt)` and its integral.
#[derive(Debug, Clone, PartialEq)]
pub struct Propagator {
    /// The states, in the order of the matrix.
    pub states: Vec<VarId>,
    /// Coefficients of parameters only.
    pub matrix: Vec<Vec<Expr>>,
    /// Entries of `exp(A dt)` in use: row, column, and the invariant that holds it.
    pub transition: Vec<(usize, usize, VarId)>,
    /// Entries of `∫ exp(A s) ds` in use.
    pub integral: Vec<(usize, usize, VarId)>,
}

/// A step of a state as a sum: `x + by`.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The state.
    pub state: VarId,
    /// What is added.
    pub by: Expr,
    /// How its rate depends on itself: the reciprocal of its time constant, negative where it decays; none if that is within a large
    /// `let`.
    pub slope: Option<Expr>,
}

/// A discretized neuron.
#[derive(Debug, Clone)]
pub struct Solved {
    /// The neuron's variables followed by temporaries and invariants.
    pub vars: PrimaryMap<VarId, Var>,
    /// Temporaries in order.
    pub temps: Vec<(VarId, Expr)>,
    /// New values of states, all from old ones and temporaries.
    pub next: Vec<(VarId, Expr)>,
    /// By how much states change, where that is known more exactly than the difference of their values.
    pub changes: Vec<Change>,
    /// What events add afterwards.
    pub arrivals: Vec<Arrival>,
    /// Exactly integrated blocks.
    pub propagators: Vec<Propagator>,
    /// State, scheme, reason.
    pub schemes: Vec<(VarId, Scheme, &'static str)>,
    /// Adaptive integration instead of `next`, with its tolerance: right-hand sides by state.
    pub adaptive: Option<(f64, Vec<(VarId, Expr)>)>,
    /// Updates of states of cable segments other than the potential, which the tree solver advances.
    pub cable_updates: Vec<(VarId, Expr)>,
}

/// One equation with its event ports taken out and its `let`s expanded but for large ones.
pub(crate) struct Rate {
    pub state: VarId,
    pub rhs: Expr,
}

impl Rate {
    /// Splits the rate into what multiplies its state and the rest.
    fn split(&self, vars: &PrimaryMap<VarId, Var>) -> Option<Linear> {
        linear_through(&self.rhs, self.state, &|v| definition(vars, v))
    }

    fn is_linear(&self, vars: &PrimaryMap<VarId, Var>) -> bool {
        self.split(vars).is_some()
    }

    /// How the rate depends on its state; none if that is within a large `let`.
    fn slope(&self, vars: &PrimaryMap<VarId, Var>) -> Option<Expr> {
        let through = |v: VarId| definition(vars, v);
        let own = Expr::Var(self.state);
        let hidden = |v: VarId| through(v).is_some_and(|e| any_through(e, &through, &mut |e| *e == own));
        let within = self.rhs.any(&mut |e| matches!(e, Expr::Var(v) if hidden(*v)));
        (!within).then(|| derivative(&self.rhs, self.state))
    }
}

/// Returns the definition of a `let`.
fn definition(vars: &PrimaryMap<VarId, Var>, v: VarId) -> Option<&Expr> {
    match vars.get(v).map(|v| &v.kind) {
        Some(VarKind::Let(e)) => Some(e),
        _ => None,
    }
}

/// Reports a scheme that the equations do not allow, or event inputs that are not added.
pub fn applicable(neuron: &Neuron) -> Result<(), Box<Diagnostic>> {
    let (rates, _) = split_ports(neuron)?;
    for (state, scheme, span) in &neuron.state_schemes {
        let Some(rate) = rates.iter().find(|r| r.state == *state) else { continue };
        integrates(neuron, *scheme, *span, std::slice::from_ref(rate))?;
    }
    let Some((scheme, span)) = neuron.scheme else { return Ok(()) };
    integrates(neuron, scheme, span, &rates)
}

/// Reports a scheme that some equations do not allow.
fn integrates(neuron: &Neuron, scheme: Scheme, span: Span, rates: &[Rate]) -> Result<(), Box<Diagnostic>> {
    let refuse = |why: String, help: &str| {
        Err(Box::new(
            Diagnostic::at(Code::E0504, span, "this scheme cannot integrate these equations", why)
                .help(help.to_string()),
        ))
    };
    let noisy = rates.iter().find(|r| r.rhs.any(&mut |e| matches!(e, Expr::Noise(_))));
    if let Some(r) = noisy
        && !matches!(scheme, Scheme::Euler | Scheme::Heun | Scheme::Implicit | Scheme::CrankNicolson)
    {
        return Err(Box::new(
            Diagnostic::at(
                Code::E0506,
                span,
                "this scheme cannot integrate white noise",
                format!("`{}` has noise", neuron.vars[r.state].name),
            )
            .help("use `scheme euler` (Euler-Maruyama, Ito) or `scheme heun` (Stratonovich)"),
        ));
    }
    match scheme {
        Scheme::Implicit | Scheme::CrankNicolson if neuron.cables.is_empty() => refuse(
            "there is no cable".into(),
            "`implicit` and `crank_nicolson` solve cables; use `scheme exponential_euler`",
        ),
        Scheme::Implicit | Scheme::CrankNicolson => Ok(()),
        _ if !neuron.cables.is_empty() => refuse(
            "cables are solved implicitly".into(),
            "remove the `scheme` line, or write `scheme crank_nicolson` for potentials of second order",
        ),
        Scheme::Exact => {
            let moving = rates.iter().map(|r| r.state).collect();
            let linear = linear_block::closed_linear(neuron, &rates.iter().collect::<Vec<_>>(), &moving);
            match rates.iter().find(|r| !linear.contains(&r.state)) {
                Some(r) => refuse(
                    format!("`{}` is not linear with constant coefficients", neuron.vars[r.state].name),
                    "use `scheme exponential_euler`, or none to let the compiler choose",
                ),
                None => Ok(()),
            }
        }
        Scheme::ExponentialEuler => match rates.iter().find(|r| !r.is_linear(&neuron.vars)) {
            Some(r) => refuse(
                format!("`{}` is not linear in itself", neuron.vars[r.state].name),
                "use `scheme heun` or `scheme rk4`",
            ),
            None => Ok(()),
        },
        Scheme::Rk45(_) => {
            let moment = |e: &mut dyn FnMut(&Expr) -> bool| rates.iter().find(|r| r.rhs.any(e));
            match moment(&mut |e| matches!(e, Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..))) {
                Some(r) => refuse(
                    format!("the rate of `{}` depends on events or draws", neuron.vars[r.state].name),
                    "an adaptive scheme needs a rate that is smooth within a step; use `scheme heun` or `scheme rk4`",
                ),
                None => Ok(()),
            }
        }
        Scheme::Euler | Scheme::Heun | Scheme::Rk4 => Ok(()),
    }
}

/// Discretizes a neuron; `hir` has already refused what cannot be.
pub fn discretize(neuron: &Neuron) -> Solved {
    let (rates, arrivals) = split_ports(neuron).unwrap_or_else(|d| crate::ice!("unchecked neuron: {}", d.message));
    let mut out = Solved {
        vars: neuron.vars.clone(),
        temps: Vec::new(),
        next: Vec::new(),
        changes: Vec::new(),
        arrivals,
        propagators: Vec::new(),
        schemes: Vec::new(),
        adaptive: None,
        cable_updates: Vec::new(),
    };
    let (segments, all): (Vec<&Rate>, Vec<&Rate>) = rates.iter().partition(|r| neuron.vars[r.state].cable.is_some());
    let noisy = |r: &Rate| r.rhs.any(&mut |e| matches!(e, Expr::Noise(_)));
    let moving: BTreeSet<VarId> = rates.iter().map(|r| r.state).collect();
    let mut of_cables: Vec<Vec<&Rate>> = vec![Vec::new(); neuron.cables.len()];
    for r in segments {
        // A cable with a mistake is not among them.
        if let Some(own) = neuron.vars[r.state].cable.and_then(|cable| of_cables.get_mut(cable)) {
            own.push(r);
        }
    }
    for own in of_cables {
        let linear = linear_block::closed_linear(neuron, &own, &moving);
        let linear: Vec<&Rate> = own.iter().copied().filter(|r| linear.contains(&r.state)).collect();
        let done = linear_block::exact_in_segments(&mut out, &linear);
        for r in own.iter().filter(|r| !done.contains(&r.state)) {
            let exact = linear_block::exact_scalar(r.state, &r.rhs).filter(|_| r.is_linear(&neuron.vars) && !noisy(r));
            let euler = || add(Expr::Var(r.state), mul(Expr::Dt, r.rhs.clone()));
            out.schemes.push(match (&exact, noisy(r)) {
                (Some(_), _) => (r.state, Scheme::ExponentialEuler, "a cable's state, with the new potential"),
                (None, true) => (r.state, Scheme::Euler, "white noise: Euler-Maruyama, with the new potential"),
                (None, false) => (r.state, Scheme::Euler, "not linear in itself, with the new potential"),
            });
            out.cable_updates.push((r.state, exact.unwrap_or_else(euler)));
        }
    }
    let along = match neuron.scheme {
        Some((Scheme::CrankNicolson, _)) => (Scheme::CrankNicolson, "Crank-Nicolson along the tree"),
        _ => (Scheme::Implicit, "backward Euler along the tree"),
    };
    out.schemes.extend(neuron.cables.iter().map(|c| (c.v, along.0, along.1)));
    let own =
        |r: &Rate| neuron.state_schemes.iter().find(|(state, ..)| *state == r.state).map(|(_, scheme, _)| *scheme);
    let (single, all): (Vec<&Rate>, Vec<&Rate>) = all.into_iter().partition(|r| own(r).is_some());
    for r in single {
        match own(r) {
            Some(Scheme::ExponentialEuler) => explicit::exponential_euler(&mut out, &[r], "asked for"),
            _ => explicit::euler(&mut out, &[r], "asked for"),
        }
    }
    match neuron.scheme.map(|s| s.0) {
        Some(Scheme::Euler) => explicit::euler(&mut out, &all, "asked for"),
        Some(Scheme::Heun) => explicit::heun(&mut out, &all, &[], "asked for"),
        Some(Scheme::Rk4) => explicit::rk4(&mut out, &all),
        Some(Scheme::Rk45(tolerance)) => {
            out.schemes.extend(all.iter().map(|r| (r.state, Scheme::Rk45(tolerance), "asked for")));
            out.adaptive = Some((tolerance, all.iter().map(|r| (r.state, r.rhs.clone())).collect()));
        }
        Some(Scheme::ExponentialEuler) => explicit::exponential_euler(&mut out, &all, "asked for"),
        asked @ (None | Some(Scheme::Exact | Scheme::Implicit | Scheme::CrankNicolson)) => {
            let linear: BTreeSet<VarId> = linear_block::closed_linear(neuron, &all, &moving);
            let (exact, rest): (Vec<&Rate>, Vec<&Rate>) = all.into_iter().partition(|r| linear.contains(&r.state));
            let why = if asked == Some(Scheme::Exact) { "asked for" } else { "linear, constant coefficients" };
            linear_block::exact(&mut out, &exact, why);
            let (random, rest): (Vec<&Rate>, Vec<&Rate>) = rest.into_iter().partition(|r| noisy(r));
            explicit::euler(&mut out, &random, "white noise: Euler-Maruyama");
            if rest.iter().all(|r| r.is_linear(&neuron.vars)) {
                explicit::exponential_euler(&mut out, &rest, "linear in itself");
            } else {
                let known: Vec<VarId> = exact.iter().map(|r| r.state).collect();
                explicit::heun(&mut out, &rest, &known, "nonlinear");
            }
        }
    }
    for memory in &neuron.memories {
        for (age, state) in memory.states.iter().enumerate() {
            out.next
                .push((*state, age.checked_sub(1).map_or(Expr::Num(0.0), |younger| Expr::Var(memory.states[younger]))));
        }
        if let (Cause::Port(port), Some(latest)) = (memory.of, memory.states.first()) {
            out.arrivals.push(Arrival { state: *latest, port, coefficient: Expr::Num(1.0) });
        }
    }
    for (_, e) in out.temps.iter_mut().chain(out.next.iter_mut()) {
        *e = simplify(std::mem::replace(e, Expr::Num(0.0)));
    }
    for change in &mut out.changes {
        change.by = simplify(std::mem::replace(&mut change.by, Expr::Num(0.0)));
        if let Some(rate) = rates.iter().find(|r| r.state == change.state) {
            change.slope = rate.slope(&neuron.vars);
        }
    }
    out
}

/// Takes the event ports out of the right-hand sides: they act at the end of the step.
fn split_ports(neuron: &Neuron) -> Result<(Vec<Rate>, Vec<Arrival>), Box<Diagnostic>> {
    let mut rates = Vec::new();
    let mut arrivals = Vec::new();
    for eq in &neuron.equations {
        let mut rhs = simplify(unfold(eq.rhs.clone(), &|v| neuron.definition(v)));
        let ports: Vec<VarId> = neuron
            .vars
            .iter()
            .filter(|(id, v)| matches!(v.kind, VarKind::EventPort) && rhs.mentions(*id))
            .map(|(id, _)| id)
            .collect();
        for port in ports {
            let bad = || {
                Box::new(
                    Diagnostic::at(
                        Code::E0505,
                        eq.span,
                        format!("event input `{}` must be added to the rate", neuron.vars[port].name),
                        "not of the form `… + factor * input`",
                    )
                    .label(neuron.vars[port].span, "an impulse input")
                    .help("write it as a term of its own: `g' = -g / tau + exc`"),
                )
            };
            let split = linear_in(&rhs, port).ok_or_else(bad)?;
            if split
                .coefficient
                .any(&mut |e| matches!(e, Expr::Var(v) if matches!(neuron.vars[*v].kind, VarKind::EventPort)))
            {
                return Err(bad());
            }
            arrivals.push(Arrival { state: eq.state, port, coefficient: simplify(split.coefficient) });
            rhs = simplify(split.rest);
        }
        rates.push(Rate { state: eq.state, rhs });
    }
    Ok((rates, arrivals))
}

impl Solved {
    /// Lets a state change by something.
    fn add(&mut self, state: VarId, by: Expr) {
        self.next.push((state, add(Expr::Var(state), by.clone())));
        self.changes.push(Change { state, by, slope: Some(Expr::Num(0.0)) });
    }

    /// Adds a temporary variable.
    pub(crate) fn temp(&mut self, name: String, like: VarId) -> VarId {
        let v = self.vars[like].clone();
        self.vars.push(Var { name, kind: VarKind::Let(Expr::Num(0.0)), ..v })
    }

    /// Prints the updates: the text of `neuro emit --stage solved`.
    pub fn show(&self, neuron: &Neuron) -> String {
        use std::fmt::Write;
        let events = |id| neuron.events[id].name.clone();
        let show = |e: &Expr| crate::hir::print::expression(e, &self.vars, &events);
        let mut out = String::new();
        for (state, scheme, why) in &self.schemes {
            let _ = writeln!(out, "# {}: {} ({why})", self.vars[*state].name, scheme_name(*scheme));
        }
        for p in &self.propagators {
            let names: Vec<&str> = p.states.iter().map(|s| self.vars[*s].name.as_str()).collect();
            let _ = writeln!(out, "# exact block: {}", names.join(", "));
            for (i, row) in p.matrix.iter().enumerate() {
                for (j, e) in row.iter().enumerate().filter(|(_, e)| **e != Expr::Num(0.0)) {
                    let _ = writeln!(out, "#   A[{}, {}] = {}", names[i], names[j], show(e));
                }
            }
        }
        for (v, e) in &self.temps {
            let _ = writeln!(out, "let {} = {}", self.vars[*v].name, show(e));
        }
        for (v, e) in self.next.iter().chain(&self.cable_updates) {
            let _ = writeln!(out, "{} = {}", self.vars[*v].name, show(e));
        }
        if let Some((tolerance, rates)) = &self.adaptive {
            let _ = writeln!(out, "# adaptive Dormand-Prince, tolerance {tolerance:e}");
            for (v, e) in rates {
                let _ = writeln!(out, "{}' = {}", self.vars[*v].name, show(e));
            }
        }
        for a in &self.arrivals {
            let what = simplify(mul(a.coefficient.clone(), Expr::Var(a.port)));
            let _ = writeln!(out, "{} = {}", self.vars[a.state].name, show(&add(Expr::Var(a.state), what)));
        }
        out
    }
}

/// Returns a scheme's name in the language.
pub fn scheme_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Exact => "exact",
        Scheme::ExponentialEuler => "exponential_euler",
        Scheme::Euler => "euler",
        Scheme::Heun => "heun",
        Scheme::Rk4 => "rk4",
        Scheme::Rk45(_) => "rk45",
        Scheme::Implicit => "implicit",
        Scheme::CrankNicolson => "crank_nicolson",
    }
}

/// `e^(a dt)` for a coefficient.
pub(crate) fn decay(a: Expr) -> Expr {
    Expr::Call(Func::Exp, vec![simplify(Expr::bin(Op::Mul, a, Expr::Dt))])
}
