//! Binds the third factors of a projection's synapses.

use super::Attempt;
use super::eval::{Scope, fail};
use super::select::Selected;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Synapse, VarId, VarKind};
use crate::math::eval;
use crate::plan::View;
use crate::syntax::ast::{self, Clause};
use std::collections::BTreeMap;

/// Binds modulators to what varies; constants and defaults become parameters.
pub fn modulators(
    scope: &Scope,
    p: &ast::Projection,
    synapse: &Synapse,
    post: View,
    network: usize,
    params: &mut BTreeMap<VarId, f64>,
) -> Attempt<BTreeMap<VarId, (View, VarId)>> {
    let mut out = BTreeMap::new();
    for (id, v) in &synapse.vars {
        let VarKind::Modulator(default) = &v.kind else { continue };
        let bound = p.clauses.iter().find_map(|c| match c {
            Clause::Modulator(n, e) if n.text == v.name => Some(e),
            _ => None,
        });
        let Some(e) = bound else {
            let Some(default) = default else {
                return Err(Box::new(
                    Diagnostic::at(
                        Code::E0212,
                        p.span,
                        format!("modulator `{}` has no value", v.name),
                        "value missing",
                    )
                    .label(v.span, "declared without a default")
                    .help(format!("bind it in the projection: `modulator {} = …`", v.name)),
                ));
            };
            params.insert(id, eval(default, &|v| params.get(&v).copied(), None).unwrap_or(f64::NAN));
            continue;
        };
        let Ok(Selected { cells, path, .. }) = scope.select(e) else {
            params.insert(id, scope.number(e)?);
            continue;
        };
        let model = &scope.live[cells.network].network().populations[cells.view.population].model;
        let Some(var) = model.var(&path).filter(|_| cells.network == network) else {
            return fail(Code::E0205, e.span, format!("`{}` has no variable `{path}`", model.name), "no such member");
        };
        scope.segment(cells, var, None, e.span)?;
        if cells.view.n != 1 && cells.view.n != post.n {
            return Err(Box::new(
                Diagnostic::at(
                    Code::E0703,
                    e.span,
                    format!("modulator `{}` has {} values for {} targets", v.name, cells.view.n, post.n),
                    "one for all or one per target is needed",
                )
                .label(v.span, "declared here"),
            ));
        }
        out.insert(id, (cells.view, var));
    }
    Ok(out)
}
