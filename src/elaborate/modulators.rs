//! Binds the third factors of a projection's synapses.

use super::Elaborator;
use crate::diag::{Code, Diagnostic};
use crate::evaluate::{Attempt, Scope, fail};
use crate::hir::network::model::Connection;
use crate::hir::typed::ExprKind;
use crate::hir::{Expr, VarId, VarKind};
use crate::math::eval;
use crate::plan::Projection;
use crate::value::{Cells, View};
use std::collections::BTreeMap;

impl Elaborator<'_> {
    /// Binds modulators to what varies; constants and defaults become parameters.
    pub(super) fn modulators(
        &self,
        scope: &Scope,
        c: &Connection,
        post: &Cells,
        p: &mut Projection,
    ) -> Attempt<BTreeMap<VarId, (View, VarId)>> {
        let mut out = BTreeMap::new();
        for (id, v) in &c.synapse.vars {
            let VarKind::Modulator(default) = &v.kind else { continue };
            let Some((_, e)) = c.modulators.iter().find(|(m, _)| *m == id) else {
                let missing = |help: String| {
                    let message = format!("modulator `{}` has no value", v.name);
                    Box::new(
                        Diagnostic::at(Code::E0212, c.span, message, "value missing")
                            .label(v.span, "declared without a default")
                            .help(help),
                    )
                };
                let help = format!("bind it in the projection: `modulator {} = …`", v.name);
                let known = |v: VarId| p.params.get(&v).copied();
                let value = default.as_ref().and_then(|e| eval(e, &known, Some(self.around.dt)));
                let value = value.filter(|v| !v.is_nan()).ok_or_else(|| missing(help))?;
                p.params.insert(id, value);
                continue;
            };
            let ExprKind::Variable { of, id: var, segment } = &e.kind else {
                p.params.insert(id, scope.number(e)?);
                p.given.insert(id);
                continue;
            };
            let cells = scope.cells(of)?.cells;
            let population = &self.plan.populations[cells.population];
            if population.model.reads_update(&Expr::Var(*var)) {
                let what = "reading what depends on events or random numbers of the cell from outside";
                return Err(Box::new(crate::diag::unsupported(e.span, what)));
            }
            if segment.is_some() || population.model.reads_segments(&Expr::Var(*var)) {
                return fail(Code::E0406, e.span, "a modulator is one value of a cell", "a cable has several segments");
            }
            if cells.len() != 1 && cells.len() != post.len() {
                let message = format!("modulator `{}` has {} values for {} targets", v.name, cells.len(), post.len());
                let d = Diagnostic::at(Code::E0703, e.span, message, "one for all or one per target is needed");
                return Err(Box::new(d.label(v.span, "declared here")));
            }
            // Values and targets are found by the same steps from the first.
            let (from, to) = (cells.cover(), post.cover());
            let apart = |(value, target): (usize, usize)| value - from.start != target - to.start;
            if cells.len() > 1 && cells.iter().zip(post.iter()).any(apart) {
                let what = "a modulator of cells that are chosen otherwise than the targets";
                let d = crate::diag::unsupported(e.span, what);
                return Err(Box::new(d.help("choose both by the same condition, or take one value for all targets")));
            }
            out.insert(id, (from, *var));
        }
        Ok(out)
    }
}
