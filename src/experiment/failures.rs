//! Why a run stops before its end, for the user.

use crate::builtin::{Func, MOST_EVENTS};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, any_expr};
use crate::image::Hidden;
use crate::plan::Network;
use crate::runtime::{Failure, Stopped, TooShort};
use crate::source::Span;
use crate::units::{Dim, format_number, format_quantity, lookup};

/// Reports a window that was shorter than what is taken of its last part.
pub(super) fn too_short(name: &str, short: &TooShort, dt: f64, span: Span) -> Box<Diagnostic> {
    let time = |steps: usize| format!("{} ms", format_number(steps as f64 * dt));
    let message =
        format!("window `{name}` lasted {}, and `{}` needs {}", time(short.steps), short.what, time(short.needed));
    Box::new(Diagnostic::at(Code::E0404, span, message, "too short").help("let it last longer, or take less of it"))
}

/// Why a run ends in a process that was not asked to end it.
pub(super) fn stopped_elsewhere() -> String {
    "another process was asked to stop".into()
}

/// Reports that the user stopped a run.
pub(super) fn stopped(time: f64, why: &str) -> Box<Diagnostic> {
    let at = format_quantity(time, Dim::TIME, lookup("ms").as_ref());
    let d = Diagnostic::new(Code::E0812, format!("stopped at {at}: {why}"));
    Box::new(d.note("everything recorded until then is kept"))
}

/// Reports a recording for which there is no room.
pub(super) fn unwritten(reason: &str, time: f64) -> Box<Diagnostic> {
    let at = format_quantity(time, Dim::TIME, lookup("ms").as_ref());
    let d = Diagnostic::new(Code::E0809, format!("a recording cannot be written: {reason}"));
    let d = d.note(format!("the run has ended at {at}; what was recorded until then is kept as far as it fits"));
    Box::new(d.help("free some space, or choose another folder with `--results`, and run it again"))
}

/// Reports a duration that a handler has computed and that is none.
fn duration_failure(network: &Network, population: usize, what: Hidden, index: usize, time: f64) -> Box<Diagnostic> {
    let p = &network.populations[population];
    let (text, span) = match what {
        Hidden::Hold(v) => (format!("hold {}", p.model.vars[v].name), p.model.vars[v].span),
        Hidden::Mute(e) => (format!("mute {}", p.model.events[e].name), p.model.events[e].span),
        _ => crate::ice!("not a duration"),
    };
    let at = format_quantity(time, Dim::TIME, lookup("ms").as_ref());
    let message = format!("`{}[{index}]` would `{text}` for a time that is none after {at}", p.name);
    let d = Diagnostic::at(Code::E0816, span, message, "negative, not a number, or too long to be counted");
    Box::new(d.help("keep it positive: `max(0 ms, …)`; `inf` is for ever"))
}

/// Reports why a run stopped, and in which example, where several are shown at once.
pub(super) fn failure_of((f, example): &Stopped, network: &Network) -> Box<Diagnostic> {
    let d = failure(f, network);
    match example {
        Some(k) => Box::new(d.note(format!("in example {k} of those that are shown at once"))),
        None => d,
    }
}

/// Reports why a run stopped.
fn failure(f: &Failure, network: &Network) -> Box<Diagnostic> {
    let ms = lookup("ms");
    match f {
        Failure::Interrupted => crate::ice!("an interrupt without a reason"),
        Failure::Synapse { projection, variable, index, time } => {
            let p = &network.projections[*projection];
            let v = &p.synapse.vars[*variable];
            let at = format_quantity(*time, Dim::TIME, ms.as_ref());
            let e = p.pairs.at(*index);
            Box::new(
                Diagnostic::at(
                    Code::E0801,
                    v.span,
                    format!("`{}.{}[{index}]` is not a finite number after {at}", p.name, v.name),
                    "this state",
                )
                .note(format!("the synapse from cell {} to cell {}", e.pre, e.post))
                .help("give it bounds (`in lo .. hi`), make the learning rate smaller, or look for a division by zero"),
            )
        }
        Failure::Count { population, event, index, time } => {
            let p = &network.populations[*population];
            let event = &p.model.events[*event];
            let at = format_quantity(*time, Dim::TIME, ms.as_ref());
            let message = format!("`{}.{}[{index}]` would happen too often in the step to {at}", p.name, event.name);
            Box::new(
                Diagnostic::at(Code::E0604, event.span, message, format!("a mean below 0, or above {MOST_EVENTS}"))
                    .help("make the rate or `dt` smaller, or let `drive … { poisson RATE }` send the events"),
            )
        }
        Failure::Duration { population, what, index, time } => {
            duration_failure(network, *population, *what, *index, *time)
        }
        Failure::NonFinite { population, variable, index, time, last } => {
            let p = &network.populations[*population];
            let var = p.model.var(variable).map(|v| p.model.vars[v].clone());
            let (dim, unit) = var.as_ref().map_or((Dim::ONE, None), |v| (v.dim, v.unit.clone()));
            let at = format_quantity(*time, Dim::TIME, ms.as_ref());
            let message = format!("`{}.{variable}[{index}]` is not a finite number after {at}", p.name);
            let d = match var {
                Some(v) => Diagnostic::at(Code::E0801, v.span, message, "this state"),
                None => Diagnostic::new(Code::E0801, message),
            };
            let last = last.map(|last| format_quantity(last, dim, unit.as_ref()));
            let d = match last {
                Some(last) => d.note(format!("one step before it was {last}")),
                None => d,
            };
            let is_poisson = |e: &Expr| e.any(&mut |e| matches!(e, Expr::Call(Func::Poisson, _)));
            let counts = p.model.handlers.iter().any(|h| any_expr(&h.body, &is_poisson));
            Box::new(match counts {
                true => d.help(format!(
                    "make `dt` smaller, or look for a division by zero, a growing feedback, or `poisson` of a mean below 0 or above {MOST_EVENTS}"
                )),
                false => d.help("make `dt` smaller, or look for a division by zero or a growing feedback"),
            })
        }
    }
}
