//! Responses to events with a kernel that ends: states of the cells that hold what happened in the last steps, one for each step.

use super::Network;
use super::windows::steps_of;
use crate::hir::{Cause, Event, Expr, Memory, Neuron, Response, Stmt, Var, VarId, VarKind};
use crate::math::{add, mul, simplify};
use crate::solve::discretize;
use crate::source::Span;
use std::sync::Arc;

/// Steps that a kernel may have: as many states has each cell.
const LONGEST: usize = 512;

impl Network {
    /// Finds a kernel whose length cannot be counted in steps: where it is written, and why.
    pub fn uncounted_response(&self, dt: f64) -> Option<(Span, String)> {
        self.populations.iter().find_map(|p| {
            responses(&p.model).find_map(|(id, r)| Some((p.model.vars[id].span, steps_of_kernel(r, dt).err()?)))
        })
    }

    /// Lets states of the cells hold the events of the last steps, from which their responses follow.
    pub fn remember_events(&mut self, dt: f64) {
        for p in &mut self.populations {
            let all: Vec<(VarId, Response, usize)> = responses(&p.model)
                .map(|(id, r)| match steps_of_kernel(r, dt) {
                    Ok(steps) => (id, r.clone(), steps),
                    Err(why) => crate::ice!("an unchecked kernel: {why}"),
                })
                .collect();
            if all.is_empty() {
                continue;
            }
            let model = Arc::make_mut(&mut p.model);
            for (id, r, steps) in all {
                let memory = memory(model, r.to, steps);
                let at = |age: usize| simplify(r.kernel.clone().at_time(age as f64 * dt));
                let term = |age: usize| mul(at(age), Expr::Var(model.memories[memory].states[age]));
                let sum = (0..steps).map(term).reduce(add).unwrap_or(Expr::Num(0.0));
                model.vars[id].kind = VarKind::Let(sum);
            }
            p.solved = Arc::new(discretize(&p.model));
        }
    }
}

/// Returns how many steps a kernel has.
///
/// # Errors
/// Why they cannot be counted.
fn steps_of_kernel(r: &Response, dt: f64) -> Result<usize, String> {
    let number = crate::units::format_number;
    match steps_of(r.over, dt) {
        Some(steps) if steps <= LONGEST => Ok(steps),
        Some(steps) => {
            Err(format!("a kernel of {steps} steps, at most {LONGEST} are kept; a state with an equation has no end"))
        }
        None => Err(format!(
            "a kernel of {} ms, in steps of {} ms, has no whole number of steps",
            number(r.over),
            number(dt)
        )),
    }
}

fn responses(model: &Neuron) -> impl Iterator<Item = (VarId, &Response)> {
    model.vars.iter().filter_map(|(id, v)| match &v.kind {
        VarKind::Response(r) => Some((id, &**r)),
        _ => None,
    })
}

/// Returns which memory of a model holds what happened in so many of the last steps; it is made, or made longer, if there is none.
fn memory(model: &mut Neuron, of: Cause, steps: usize) -> usize {
    let found = model.memories.iter().position(|m| m.of == of);
    let k = found.unwrap_or_else(|| {
        model.memories.push(Memory { of, states: Vec::new() });
        model.memories.len() - 1
    });
    let (name, like) = match of {
        Cause::Port(port) => (model.vars[port].name.clone(), model.vars[port].clone()),
        Cause::Event(event) => {
            let Event { name, span } = model.events[event].clone();
            let dim = crate::units::Dim::ONE;
            let kind = VarKind::State(Expr::Num(0.0));
            (name.clone(), Var { name, kind, dim, unit: None, boolean: false, cable: None, span })
        }
    };
    for age in model.memories[k].states.len()..steps {
        let kind = VarKind::State(Expr::Num(0.0));
        let state = model.vars.push(Var { name: format!("{name} {age} steps ago"), kind, ..like.clone() });
        model.memories[k].states.push(state);
        if let (0, Cause::Event(event)) = (age, of) {
            // Events that are counted add up within a step; others happen once.
            let counted = model.is_counted(event);
            for emit in model.emits.iter_mut().filter(|e| e.event == event) {
                let count = emit.count.clone().unwrap_or(Expr::Num(1.0));
                let all = if counted { add(Expr::Var(state), count) } else { count };
                emit.body.insert(0, Stmt::Assign(state, all));
            }
        }
    }
    k
}
