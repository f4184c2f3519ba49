//! What happens at events and signals.

use super::super::assign::{Assigned, assigned};
use super::*;

impl Checker<'_> {
    pub(super) fn on(&mut self, infer: &mut Infer, trigger: &Name, body: &[ast::Stmt], span: Span) {
        let span = Span { end: trigger.span.end, ..span };
        let trigger = match trigger.text.split_once('.') {
            Some(("pre", event)) => self.event(infer, Side::Pre, event, trigger),
            Some(("post", event)) => self.event(infer, Side::Post, event, trigger),
            Some((other, _)) => {
                infer.diagnostics.push(errors::unknown_name(other, trigger.span, ["pre", "post"]));
                None
            }
            None if matches!(trigger.text.as_str(), "pre" | "post") => {
                let side = &trigger.text;
                let message = format!("`{side}` is a cell, not an event");
                let d = Diagnostic::at(Code::E0607, trigger.span, message, "which of its events?");
                infer.diagnostics.push(d.help(format!("write `on {side}.spike {{ … }}`")));
                None
            }
            None => Some(Trigger::Signal(trigger.text.clone())),
        };
        let Some(trigger) = trigger else { return };
        let delivered = |s: &ast::Stmt| match s {
            ast::Stmt::Deliver(e) => Some(e.span),
            _ => None,
        };
        if !trigger.is(Side::Pre)
            && let Some(span) = first(body, &delivered)
        {
            infer.diagnostics.push(crate::diag::unsupported(span, "deliver at anything but a presynaptic event"));
        }
        let rewired = |s: &ast::Stmt| match s {
            ast::Stmt::Rewire(span) => Some(*span),
            _ => None,
        };
        if !matches!(trigger, Trigger::Signal(_))
            && let Some(span) = first(body, &rewired)
        {
            infer.diagnostics.push(
                crate::diag::unsupported(span, "rewire at an event")
                    .help("write `on NAME { if … { rewire } }` and send the signal `NAME` from the experiment"),
            );
        }
        self.handles = Some(trigger.clone());
        let statements = self.statements(infer, body);
        self.handles = None;
        self.out.handlers.push(Handler { trigger, body: statements, span });
    }

    /// Finds an event of one of the cells.
    fn event(&mut self, infer: &mut Infer, side: Side, event: &str, trigger: &Name) -> Option<Trigger> {
        let Some(use_) = self.use_ else { return Some(Trigger::Cell(side, event.to_string())) };
        let (word, cell) = match side {
            Side::Pre => ("pre", use_.pre),
            Side::Post => ("post", use_.post),
        };
        if cell.event(event).is_some() {
            return Some(Trigger::Cell(side, event.to_string()));
        }
        let known: Vec<&str> = cell.events.values().map(|e| e.name.as_str()).collect();
        let help = crate::diag::nearest(event, known.iter().copied()).map(|n| format!("did you mean `{word}.{n}`?"));
        let note = match known.is_empty() {
            true => "it emits no events".to_string(),
            false => format!("it emits {}", errors::list(&known)),
        };
        infer.diagnostics.push(
            Diagnostic::at(
                Code::E0607,
                use_.span,
                format!("`{}` emits no `{event}`", cell.name),
                "this projection needs it",
            )
            .label(trigger.span, "waits for it here")
            .note(note)
            .maybe_help(help),
        );
        None
    }

    fn statements(&mut self, infer: &mut Infer, body: &[ast::Stmt]) -> Vec<Stmt> {
        let mut out = Vec::new();
        for s in body {
            match s {
                ast::Stmt::Assign(target, op, value) => {
                    let (rhs, ty) = infer.expr(self, value);
                    let Some(id) = self.changeable(infer, target) else { continue };
                    let var = self.out.vars[id].clone();
                    chance::refuse_unsure(infer, &rhs, value.span);
                    let ty = if self.unknown.contains(&id) { Ty::error() } else { ty };
                    let given = Assigned { value: rhs, ty, span: value.span };
                    out.push(Stmt::Assign(id, assigned(infer, (id, &var), target, *op, given)));
                }
                ast::Stmt::If(c, a, b) => {
                    let of = c;
                    let c = infer.condition(self, of);
                    chance::refuse_unsure(infer, &c, of.span);
                    out.push(Stmt::If(c, self.statements(infer, a), self.statements(infer, b)));
                }
                ast::Stmt::Deliver(e) => {
                    let (value, ty) = infer.number(self, e);
                    chance::refuse_unsure(infer, &value, e.span);
                    self.fits_port(infer, &ty, e.span, true);
                    if let Some(w) = self.out.weight()
                        && crate::math::linear_through(&self.out.unfold(value.clone()), w, &|v| self.out.definition(v))
                            .is_none_or(|l| l.rest != Expr::Num(0.0) && l.coefficient != Expr::Num(0.0))
                    {
                        infer.diagnostics.push(
                            Diagnostic::at(
                                Code::E0611,
                                e.span,
                                "`deliver` in a handler must be proportional to the weight",
                                "not of the form `weight * factor`",
                            )
                            .help("write `deliver w * x` with `x` free of the weight"),
                        );
                    }
                    out.push(Stmt::Deliver(value));
                }
                ast::Stmt::Rewire(_) => out.push(Stmt::Rewire),
                ast::Stmt::Hold(names, _) => {
                    if let Some(n) = names.first() {
                        infer.diagnostics.push(Diagnostic::at(
                            Code::E0508,
                            n.span,
                            "a synapse cannot hold a state",
                            "belongs to a neuron",
                        ));
                    }
                }
                ast::Stmt::Mute(n, _) => infer.diagnostics.push(Diagnostic::at(
                    Code::E0508,
                    n.span,
                    "a synapse cannot mute an event",
                    "belongs to a neuron",
                )),
            }
        }
        out
    }
}

/// Finds the first statement of a kind, within conditions too.
fn first(body: &[ast::Stmt], is: &dyn Fn(&ast::Stmt) -> Option<Span>) -> Option<Span> {
    body.iter().find_map(|s| match s {
        ast::Stmt::If(_, a, b) => first(a, is).or_else(|| first(b, is)),
        s => is(s),
    })
}
