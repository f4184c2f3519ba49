//! Handlers of both cells whose order within a step matters.

use super::*;
use crate::math::walk_through;
use std::collections::BTreeSet;

impl Checker<'_> {
    /// Warns where a postsynaptic handler is written before a presynaptic one and their order changes the result:
    /// within a step presynaptic events count as the earlier, whatever the text suggests.
    pub(super) fn order(&self, infer: &mut Infer) {
        let s = &self.out;
        for (k, post) in s.handlers.iter().enumerate().filter(|(_, h)| h.trigger.is(Side::Post)) {
            let later =
                s.handlers[k + 1..].iter().find(|h| h.trigger.is(Side::Pre) && !commute(s, &h.body, &post.body));
            let Some(pre) = later else { continue };
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::W0701,
                    post.span,
                    format!("`on {}` runs after `on {}` although it is written first", post.trigger, pre.trigger),
                    "runs second if both happen in one step",
                )
                .label(pre.span, "runs first")
                .note("within a step presynaptic events count as the earlier; here the result depends on it")
                .help("write the presynaptic handler first"),
            );
        }
    }
}

/// What a handler does to one variable.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    /// Adds something that does not depend on it.
    Adds,
    /// Anything else.
    Sets,
}

/// Returns whether two handlers give the same result in either order.
fn commute(s: &Synapse, a: &[Stmt], b: &[Stmt]) -> bool {
    let (mut read_a, mut read_b) = (BTreeSet::new(), BTreeSet::new());
    let (mut written_a, mut written_b) = (Vec::new(), Vec::new());
    effects(s, a, &mut read_a, &mut written_a);
    effects(s, b, &mut read_b, &mut written_b);
    let bounded = |v: VarId| s.bounds.iter().any(|(id, _, _)| *id == v);
    let apart = |written: &[(VarId, Change)], read: &BTreeSet<VarId>| written.iter().all(|(v, _)| !read.contains(v));
    let both_add = |(v, change): &(VarId, Change)| {
        written_b
            .iter()
            .filter(|(w, _)| w == v)
            .all(|(_, other)| *change == Change::Adds && *other == Change::Adds && !bounded(*v))
    };
    apart(&written_a, &read_b) && apart(&written_b, &read_a) && written_a.iter().all(both_add)
}

/// Collects what statements read, apart from a variable that is only added to, and what they write.
fn effects(s: &Synapse, body: &[Stmt], read: &mut BTreeSet<VarId>, written: &mut Vec<(VarId, Change)>) {
    let mut note = |e: &Expr| {
        walk_through(e, &|v| s.definition(v), &mut |e| {
            if let Expr::Var(v) = e {
                read.insert(*v);
            }
        });
    };
    for stmt in body {
        match stmt {
            Stmt::Assign(v, e) => match e {
                Expr::Bin(Op::Add | Op::Sub, own, change)
                    if **own == Expr::Var(*v) && !s.any(change, &mut |e| *e == Expr::Var(*v)) =>
                {
                    note(change);
                    written.push((*v, Change::Adds));
                }
                _ => {
                    note(e);
                    written.push((*v, Change::Sets));
                }
            },
            Stmt::If(c, _, _) => note(c),
            // What is delivered in one order or the other differs by one event's change only if the weight is read.
            _ => {}
        }
    }
    for stmt in body {
        if let Stmt::If(_, a, b) = stmt {
            effects(s, a, read, written);
            effects(s, b, read, written);
        }
    }
}
