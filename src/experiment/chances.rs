//! Events that happen by chance: a cell has each of them once per step at most, so no probability may exceed one.

use crate::diag::{Code, Diagnostic};
use crate::evaluate::Attempt;
use crate::hir::{Draw, Expr, Op, VarId};
use crate::plan::Population;
use crate::runtime::Simulation;
use crate::source::Span;
use crate::units::format_number;

/// Rounding of a rate times a step.
const TOLERANCE: f64 = 1e-9;

/// Refuses `random() < p` with a `p` above one, as far as it follows from parameters and from inputs as they are now.
pub(super) fn refuse_impossible(s: &Simulation, dt: f64) -> Attempt<()> {
    for (index, p) in s.network.populations.iter().enumerate() {
        for emit in &p.model.emits {
            for probability in probabilities(&p.model.unfold(emit.when.clone())) {
                let Some((cell, value)) = largest(s, index, p, &probability, dt) else { continue };
                if value > 1.0 + TOLERANCE {
                    let event = &p.model.events[emit.event];
                    return Err(refusal(&format!("{}.{}[{cell}]", p.name, event.name), value, event.span));
                }
            }
        }
    }
    Ok(())
}

/// Returns what random numbers between 0 and 1 are compared with.
fn probabilities(when: &Expr) -> Vec<Expr> {
    let mut found = Vec::new();
    when.walk(&mut |e| {
        if let Expr::Bin(Op::Lt | Op::Le, draw, limit) = e
            && matches!(&**draw, Expr::Draw(_, Draw::Uniform, args) if args[..] == [Expr::Num(0.0), Expr::Num(1.0)])
        {
            found.push((**limit).clone());
        }
    });
    found
}

/// Returns the cell with the largest probability, unless it depends on states or time.
fn largest(s: &Simulation, index: usize, p: &Population, probability: &Expr, dt: f64) -> Option<(usize, f64)> {
    let of = |cell: usize| {
        let value = |v: VarId| p.params.get(&v).map(|c| c.at(cell)).or_else(|| s.port(index, v, cell));
        crate::math::eval(probability, &value, Some(dt))
    };
    let uniform = !probability.any(&mut |e| matches!(e, Expr::Var(v) if !is_constant(p, *v)));
    let cells = if uniform { p.n.min(1) } else { p.n };
    (0..cells).map(|cell| Some((cell, of(cell)?))).try_fold(None, |most: Option<(usize, f64)>, next| {
        let next = next?;
        Some(Some(most.filter(|m| m.1 >= next.1).unwrap_or(next)))
    })?
}

fn is_constant(p: &Population, v: VarId) -> bool {
    matches!(p.params.get(&v), Some(crate::plan::Column::Const(_)))
}

fn refusal(event: &str, value: f64, span: Span) -> Box<Diagnostic> {
    let message = format!("`{event}` would have to happen {} times per step", format_number(value));
    let help = "make the rate or `dt` smaller, or have several at once: `emit spike count ~ poisson(rate * dt)`, `drive … { poisson RATE }`";
    Box::new(Diagnostic::at(Code::E0604, span, message, "once per step at most").help(help))
}
