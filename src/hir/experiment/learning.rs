//! Signals and switches of plasticity: somebody must hear them.

use super::Checker;
use super::model::StatementKind;
use crate::diag::{Code, Diagnostic};
use crate::hir::typed::Expr;
use crate::hir::{Kind, errors};
use crate::syntax::ast::{self, Name};
use std::collections::BTreeSet;

impl Checker<'_> {
    /// The signals that targets, or all networks so far, wait for; none where that is not known.
    fn heard(&self, targets: Option<&[Expr]>) -> Option<BTreeSet<String>> {
        let module = self.infer.module;
        let mut out = BTreeSet::new();
        let networks = self.world.locals.values().map(|l| &l.ty.kind);
        let networks = networks.filter(|k| matches!(k, Kind::Network(_)));
        let of: Vec<&Kind> =
            targets.map_or_else(|| networks.collect(), |list| list.iter().map(|e| &e.ty.kind).collect());
        for kind in of {
            match kind {
                Kind::Network(name) => module.networks.get(name)?.signals(&mut out),
                Kind::Population(name) => {
                    out.extend(module.neurons.get(name)?.handlers.iter().map(|h| h.signal.clone()))
                }
                Kind::Projection(synapse) => out.extend(synapse.as_ref()?.signals().map(str::to_string)),
                _ => return None,
            }
        }
        Some(out)
    }

    /// Refuses to switch plasticity of what has none.
    pub(super) fn learns(&mut self, e: &Expr) {
        let learns = match &e.ty.kind {
            Kind::Projection(synapse) => synapse.as_ref().is_none_or(|s| s.learns()),
            Kind::Network(name) => self.infer.module.networks.get(name).is_none_or(|n| n.learns()),
            _ => true,
        };
        if !learns {
            self.infer.diagnostics.push(errors::nothing_to_switch(&e.ty, e.span));
        }
    }

    /// Checks that somebody listens to a signal.
    pub(super) fn signal(&mut self, name: &Name, target: Option<&ast::Expr>) -> StatementKind {
        let fits = |k: &Kind| matches!(k, Kind::Projection(_) | Kind::Network(_) | Kind::Population(_));
        let targets = target.map(|e| self.list(e, fits, "a network, a population or a named projection"));
        if let Some(known) = self.heard(targets.as_deref())
            && !known.contains(&name.text)
        {
            let help = crate::diag::nearest(&name.text, known.iter().map(String::as_str))
                .map(|n| format!("did you mean `{n}`?"));
            let message = format!("nobody waits for the signal `{}`", name.text);
            self.infer.diagnostics.push(
                Diagnostic::at(Code::E0607, name.span, message, "nobody listens")
                    .note("a synapse or a neuron listens with `on NAME { … }`")
                    .maybe_help(help),
            );
        }
        StatementKind::Signal(name.text.clone(), targets)
    }
}
