//! What has to come before a statement, or after it: networks, and time that passes.

use super::Checker;
use crate::diag::{Code, Diagnostic};
use crate::hir::Kind;
use crate::source::Span;

impl Checker<'_> {
    /// Refuses another step where a network has been made of the one before.
    pub(super) fn before_networks(&mut self, span: Span) {
        let visible = self.world.names.iter().map(|(_, id)| &self.world.locals[*id]);
        if let Some(made) = visible.into_iter().find(|l| matches!(l.ty.kind, Kind::Network(_))) {
            self.infer.diagnostics.push(
                Diagnostic::at(Code::E0401, span, "`dt` comes after a network is made", "too late")
                    .label(made.span, "made here")
                    .note("delays and durations of a network are counted in steps from when it is made")
                    .help("write `dt` before `network`"),
            );
        }
    }

    /// Refuses to let time pass where nothing has been made that would see it.
    pub(super) fn after_networks(&mut self, span: Span) {
        let made = |kind: &Kind| matches!(kind, Kind::Network(_) | Kind::Error);
        if !self.world.locals.values().any(|l| made(&l.ty.kind)) {
            let d = Diagnostic::at(Code::E0401, span, "no network has been made that could run", "nothing runs here");
            self.infer.diagnostics.push(d.help("make one before: `network net = Net()`"));
        }
    }

    /// Refuses to let time pass while something happens at one time.
    pub(super) fn not_in_at(&mut self, span: Span, what: &str) {
        if self.at > 0 {
            let d = Diagnostic::at(Code::E0401, span, format!("`{what}` cannot stand in `at`"), "time would pass here");
            self.infer.diagnostics.push(d.help("what stands in `at` happens at one time, while another `run` goes on"));
        }
    }
}
