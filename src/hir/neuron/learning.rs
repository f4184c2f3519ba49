//! What happens at signals, bounds of states, and for what a state is kept where several examples are seen at once.

use super::*;
use crate::solve::writes;

impl Checker {
    /// `on SIGNAL { … }`
    pub(super) fn signals(&mut self, infer: &mut Infer) {
        for (scope, name, body, span) in std::mem::take(&mut self.pending.signals) {
            if name.text.contains('.') {
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0401, name.span, "a neuron hears signals only", "not a signal")
                        .help("write `on learn { … }`; a synapse reacts to events of its cells"),
                );
                continue;
            }
            let span = Span { end: name.span.end, ..span };
            let body = self.statements(infer, scope, &body);
            if let Some(what) = counts(&body) {
                infer.diagnostics.push(crate::diag::unsupported(span, &format!("{what} at a signal")));
            }
            self.out.handlers.push(SignalHandler { signal: name.text, body, span });
        }
    }

    /// `state s = 0 in 0 .. 1`
    pub(super) fn bounds(&mut self, infer: &mut Infer) {
        for (scope, name, range) in std::mem::take(&mut self.pending.bounds) {
            let found = self.lookup(scope, &name.text).and_then(|i| self.define(infer, i, None));
            let Some(id) = found else { continue };
            let ast::ExprKind::Binary(ast::BinOp::Range, lo, hi) = &range.kind else {
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0401, range.span, "bounds are a range", "not a range")
                        .help("write `lo .. hi`"),
                );
                continue;
            };
            let var = self.out.vars[id].clone();
            let expected = Ty { unit: var.unit.clone(), ..Ty::number(var.dim) };
            let mut one = |this: &mut Self, e: &ast::Expr| {
                let (value, ty) = this.typed(infer, scope, Place::Init, e);
                if !ty.is_error() && !ty.same_dim(&expected) {
                    let message = format!("this bound of `{}` has another unit", var.name);
                    let found = format!("expected {}, found {}", expected.describe(), ty.describe());
                    let d = Diagnostic::at(Code::E0308, e.span, message, found).label(var.span, "declared here");
                    infer.diagnostics.push(d);
                }
                value
            };
            let (lo, hi) = (one(self, lo), one(self, hi));
            if self.out.scheme.is_some_and(|(s, _)| matches!(s, Scheme::Rk45(_))) || var.cable.is_some() {
                infer
                    .diagnostics
                    .push(crate::diag::unsupported(range.span, "bounds with an adaptive scheme or a cable"));
            }
            self.out.bounds.push((id, lo, hi));
        }
    }

    /// Finds what states are kept for: asserted, or one value per cell for those that handlers change step by step.
    pub(super) fn kept(&mut self, infer: &mut Infer) {
        for (scope, name, per) in std::mem::take(&mut self.pending.per) {
            let found = self.lookup(scope, &name.text).and_then(|i| self.define(infer, i, None));
            let Some(id) = found else { continue };
            let kept = match per.text.as_str() {
                "example" => Kept::Example,
                "cell" => Kept::Cell,
                "channel" => Kept::Channel,
                "sample" => Kept::Sample,
                other => {
                    let known = ["example", "cell", "channel", "sample"];
                    let help = crate::diag::nearest(other, known).map(|n| format!("did you mean `per {n}`?"));
                    infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0201,
                            per.span,
                            format!("unknown place `per {other}`"),
                            "not for a neuron",
                        )
                        .note("a neuron's state is kept per example, per cell, per channel or per sample")
                        .maybe_help(help),
                    );
                    continue;
                }
            };
            if kept != Kept::Example && self.out.equations.iter().any(|e| e.state == id) {
                let message = format!("`{}` cannot be kept {kept}", name.text);
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0702, per.span, message, "it has an equation")
                        .note("what follows an equation has a value of its own for every example"),
                );
                continue;
            }
            self.out.kept.insert(id, kept);
        }
        let states: Vec<VarId> = self.out.states().map(|(id, _)| id).collect();
        for id in states {
            let steps = |h: &SignalHandler| writes(&h.body, id) && reads_itself(&self.out, &h.body, id);
            let sets = |h: &SignalHandler| writes(&h.body, id) && !steps(h);
            let moves = self.out.equations.iter().any(|e| e.state == id)
                || self.out.emits.iter().any(|e| writes(&e.body, id))
                || self.out.handlers.iter().any(sets);
            if !moves && self.out.handlers.iter().any(steps) {
                self.out.kept.entry(id).or_insert(Kept::Cell);
            }
        }
        self.channels(infer);
    }

    /// Refuses changes of what the cells of a channel share that follow from what each of them has of its own, for all examples.
    fn channels(&self, infer: &mut Infer) {
        for (id, _) in self.out.kept.iter().filter(|(_, kept)| **kept == Kept::Channel) {
            for h in &self.out.handlers {
                let Some(other) = self.of_cells(&h.body, *id) else { continue };
                let (state, other) = (&self.out.vars[*id], &self.out.vars[other]);
                let message = format!("`{}` is kept per channel and follows from `{}`", state.name, other.name);
                let label = format!("`{}` is kept per cell", other.name);
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0702, h.span, message, label)
                        .label(state.span, "one value for all cells of a channel")
                        .help(format!("write `state {} per channel`", other.name)),
                );
            }
        }
    }

    /// Finds a state kept per cell in what changes another.
    fn of_cells(&self, body: &[Stmt], id: VarId) -> Option<VarId> {
        let mut found = None;
        let mut look = |e: &Expr| {
            self.out.any(e, &mut |e| {
                if let Expr::Var(v) = e
                    && self.out.kept.get(v) == Some(&Kept::Cell)
                {
                    found = found.or(Some(*v));
                }
                false
            })
        };
        fn visit(body: &[Stmt], id: VarId, look: &mut dyn FnMut(&Expr) -> bool) {
            for s in body {
                match s {
                    Stmt::Assign(v, e) if *v == id => {
                        look(e);
                    }
                    Stmt::If(c, a, b) if writes(a, id) || writes(b, id) => {
                        look(c);
                        visit(a, id, look);
                        visit(b, id, look);
                    }
                    _ => {}
                }
            }
        }
        visit(body, id, &mut look);
        found
    }

    /// `energy F = …`: its unit must fit the states that descend along it.
    pub(super) fn energies(&mut self, infer: &mut Infer) {
        let mut last = None;
        for (scope, name, span) in std::mem::take(&mut self.pending.energies) {
            last = Some(span);
            let found = self.lookup(scope, &name.text).and_then(|i| self.define(infer, i, None));
            let Some(id) = found else { continue };
            self.used.insert(id);
            self.out.energies.push(id);
            let dim = self.out.vars[id].dim;
            for state in crate::solve::descending(&self.out, id) {
                let var = &self.out.vars[state];
                if dim / var.dim != var.dim / Dim::TIME {
                    infer.diagnostics.push(errors::energy_unit(&name.text, dim, var, span));
                }
            }
        }
        if let Some(span) = last {
            self.out.descending = crate::solve::free_states(&self.out).collect();
            let descents = crate::solve::descents(&self.out, span);
            self.out.equations.extend(descents);
        }
    }
}

/// Returns whether an assignment of a state, or a condition around one, reads the state.
fn reads_itself(neuron: &Neuron, body: &[Stmt], id: VarId) -> bool {
    body.iter().any(|s| match s {
        Stmt::Assign(v, e) => *v == id && neuron.any(e, &mut |e| *e == Expr::Var(id)),
        Stmt::If(_, a, b) => reads_itself(neuron, a, id) || reads_itself(neuron, b, id),
        _ => false,
    })
}

/// Finds a statement that counts time.
fn counts(body: &[Stmt]) -> Option<&'static str> {
    body.iter().find_map(|s| match s {
        Stmt::Hold(..) => Some("hold"),
        Stmt::Mute(..) => Some("mute"),
        Stmt::If(_, a, b) => counts(a).or_else(|| counts(b)),
        _ => None,
    })
}
