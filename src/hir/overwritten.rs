//! Statements of experiments of which nothing stays, because another one of the same block comes before anything could follow from them.

use super::Kind;
use super::experiment::model::{Experiment, Statement, StatementKind as S, Target};
use super::network::model::Value;
use super::typed::{Expr, ExprKind};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;

/// Assignments in a row that are looked through for another one to the same.
const MOST_IN_A_ROW: usize = 64;

/// Warns of them.
pub(super) fn report(e: &Experiment, diagnostics: &mut Diagnostics) {
    for block in &e.blocks {
        options(block, diagnostics);
        for (k, s) in block.iter().enumerate() {
            let (what, again) = match &s.kind {
                S::Set(target, _, Value::Expr(_)) => ("assignment", assigned_again(target, &block[k + 1..])),
                S::Save(_, path) => ("file", saved_again(path, &block[k + 1..])),
                _ => continue,
            };
            if let Some(at) = again {
                let message = format!("this {what} has no effect: another one comes before anything follows from it");
                let d = Diagnostic::at(Code::W0205, s.span, message, "of no use").label(at, "this one stays");
                diagnostics.push(d.help("remove one of them"));
            }
        }
    }
}

/// Warns of a step or a precision after which another one comes before anything could begin with it.
fn options(block: &[Statement], diagnostics: &mut Diagnostics) {
    let (mut dt, mut precision) = (false, false);
    for s in block.iter().rev() {
        let (what, again) = match &s.kind {
            S::Dt(_) => ("step", std::mem::replace(&mut dt, true)),
            S::Precision(..) => ("precision", std::mem::replace(&mut precision, true)),
            S::Seed(_) => continue,
            _ => {
                (dt, precision) = (false, false);
                continue;
            }
        };
        if again {
            let message = format!("this {what} has no effect: nothing begins with it before the next one");
            let d = Diagnostic::at(Code::W0205, s.span, message, "of no use");
            diagnostics.push(d.help("remove one of them"));
        }
    }
}

/// Finds an assignment to all of the same that comes after nothing but assignments of what does not follow from it.
fn assigned_again(target: &Target, rest: &[Statement]) -> Option<Span> {
    for s in rest.iter().take(MOST_IN_A_ROW) {
        let S::Set(next, op, Value::Expr(value)) = &s.kind else { return None };
        if follows_from(value, target) || next.places().into_iter().any(|e| follows_from(e, target)) {
            return None;
        }
        if op.is_none() && next.covers(target) {
            return Some(s.span);
        }
        // A variable may be the index of what is assigned to.
        if let Target::Local(id, _) = next
            && target.places().into_iter().any(|e| e.any(&|e| matches!(e.kind, ExprKind::Local(k) if k == *id)))
        {
            return None;
        }
    }
    None
}

/// Returns whether a value may follow from what a target holds: of cells, what anything in their network is.
fn follows_from(value: &Expr, target: &Target) -> bool {
    value.any(&|e| match target {
        Target::Local(id, _) => matches!(e.kind, ExprKind::Local(k) if k == *id),
        Target::Environment(id, ..) => matches!(&e.kind, ExprKind::Local(k) if k == id),
        Target::Cells { .. } | Target::Synapses { .. } => {
            matches!(e.kind, ExprKind::Variable { .. } | ExprKind::Synaptic { .. } | ExprKind::AtEnd(..))
                || matches!(e.kind, ExprKind::Call(..)) && e.any(&|e| matches!(e.ty.kind, Kind::Network(_)))
        }
    })
}

/// Finds where a file is saved again, if nothing can read it before.
fn saved_again(path: &str, rest: &[Statement]) -> Option<Span> {
    let reads = |s: &Statement| matches!(&s.kind, S::Load(_, of) if of == path) || !s.kind.blocks().is_empty();
    let until = rest.iter().take_while(|s| !reads(s));
    until.into_iter().find(|s| matches!(&s.kind, S::Save(_, of) if of == path)).map(|s| s.span)
}
