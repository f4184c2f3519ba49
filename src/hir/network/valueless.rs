//! Parameters and states of synapses that have no value when a network is built.

use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr as CellExpr, Synapse, VarId, VarKind};
use crate::source::Span;

/// Reports parameters and states of synapses that have no value when the network is built.
pub fn without_value(synapse: &Synapse, given: &[VarId], projection: Span) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    for (_, var) in synapse.vars.iter().filter(|(id, _)| !given.contains(id)) {
        let missing = |place: Span, label: &str| {
            let message = format!("`{}` of `{}` has no value", var.name, synapse.name);
            Diagnostic::at(Code::E0212, place, message, label)
        };
        match &var.kind {
            VarKind::Param(None) => out.push(
                missing(projection, "value missing")
                    .label(var.span, "declared without a default")
                    .help(format!("write `{}({} = …)`", synapse.name, var.name)),
            ),
            VarKind::Param(Some(e)) | VarKind::State(e) => {
                if let Some(what) = only_in_a_run(synapse, e) {
                    out.push(
                        missing(var.span, "cannot be computed before the run")
                            .label(projection, "in this projection")
                            .note(format!("its default follows from {what}"))
                            .help(format!(
                                "let it begin from a number or a parameter, or give it: `init {} …`",
                                var.name
                            )),
                    );
                }
            }
            _ => {}
        }
    }
    out
}

/// Finds what an expression follows from that has a value for single synapses in a run only.
fn only_in_a_run(synapse: &Synapse, e: &CellExpr) -> Option<String> {
    let mut found = None;
    synapse.any(e, &mut |e| {
        found = match e {
            CellExpr::Var(v) => match &synapse.vars[*v].kind {
                VarKind::Weight => Some(format!("the weight `{}`", synapse.vars[*v].name)),
                VarKind::Pre(_) | VarKind::Post(_) => Some(format!("`{}`, what a cell has", synapse.vars[*v].name)),
                _ => None,
            },
            CellExpr::Draw(..) => Some("random numbers".to_string()),
            _ => None,
        };
        found.is_some()
    });
    found
}
