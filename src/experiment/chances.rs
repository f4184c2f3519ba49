//! Events that happen by chance: a cell has each of them once per step at most, so no probability may exceed one.

use crate::diag::{Code, Diagnostic};
use crate::evaluate::Attempt;
use crate::hir::{Expr, VarId};
use crate::plan::Population;
use crate::runtime::Simulation;
use crate::source::Span;
use crate::units::format_number;

/// Rounding of a rate times a step.
const TOLERANCE: f64 = 1e-9;

/// Refuses `random() < p` with a `p` above one, or below zero, as far as it follows from parameters and from inputs as they are now.
pub(super) fn refuse_impossible(s: &Simulation, dt: f64) -> Attempt<()> {
    for (index, p) in s.network.populations.iter().enumerate() {
        for (event, probability) in p.model.probabilities() {
            let Some([least, most]) = extremes(s, index, p, &probability, dt) else { continue };
            let event = &p.model.events[event];
            let of = |cell: usize| format!("{}.{}[{cell}]", p.name, event.name);
            if most.1 > 1.0 + TOLERANCE {
                return Err(refusal(&of(most.0), most.1, event.span));
            }
            // Inputs may follow a function of time, which is below zero for a while.
            let of_params = !probability.any(&mut |e| matches!(e, Expr::Var(v) if !p.params.contains_key(v)));
            if of_params && least.1 < 0.0 {
                let message = format!("`{}` would have a negative probability", of(least.0));
                let label = format!("{} per step", format_number(least.1));
                let d = Diagnostic::at(Code::E0604, event.span, message, label);
                return Err(Box::new(
                    d.help("give parameters with which it is not negative; at 0 there are no events"),
                ));
            }
        }
    }
    Ok(())
}

/// Returns the cells with the smallest and the largest probability, unless it depends on states or time.
fn extremes(s: &Simulation, index: usize, p: &Population, probability: &Expr, dt: f64) -> Option<[(usize, f64); 2]> {
    let of = |cell: usize| {
        let value = |v: VarId| p.params.get(&v).map(|c| c.at(cell)).or_else(|| s.port(index, v, cell));
        crate::math::eval(probability, &value, Some(dt))
    };
    let uniform = !probability.any(&mut |e| matches!(e, Expr::Var(v) if !is_constant(p, *v)));
    let cells = if uniform { p.n.min(1) } else { p.n };
    let mut found: Option<[(usize, f64); 2]> = None;
    for cell in 0..cells {
        let value = of(cell)?;
        let [least, most] = found.get_or_insert([(cell, value); 2]);
        if value < least.1 {
            *least = (cell, value);
        }
        if value > most.1 {
            *most = (cell, value);
        }
    }
    found
}

fn is_constant(p: &Population, v: VarId) -> bool {
    matches!(p.params.get(&v), Some(crate::plan::Column::Const(_)))
}

fn refusal(event: &str, value: f64, span: Span) -> Box<Diagnostic> {
    let message = format!("`{event}` would have to happen {} times per step", format_number(value));
    let help = "make the rate or `dt` smaller, or have several at once: `emit spike count ~ poisson(rate * dt)`, `drive … { poisson RATE }`";
    Box::new(Diagnostic::at(Code::E0604, span, message, "once per step at most").help(help))
}
