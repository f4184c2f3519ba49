//! Differential equations and the currents between coupled compartments.

use super::*;
use crate::hir::root::parameter_without_unit;

impl Checker {
    pub(super) fn equations(&mut self, infer: &mut Infer) {
        let pending = std::mem::take(&mut self.pending.equations);
        for (scope, name, rhs) in pending {
            let found = self.lookup(scope, &name.text).and_then(|i| self.define(infer, i, None));
            let Some(id) = found else {
                if self.lookup(scope, &name.text).is_none() {
                    let states: Vec<String> = self.out.states().map(|(_, v)| v.name.clone()).collect();
                    let help = crate::diag::nearest(&name.text, states.iter().map(String::as_str))
                        .map(|n| format!("did you mean `{n}'`?"));
                    infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0501,
                            name.span,
                            format!("`{}` has an equation but is not a state", name.text),
                            "not declared",
                        )
                        .help(format!("declare it: `state {} = …`", name.text))
                        .maybe_help(help),
                    );
                }
                continue;
            };
            let var = self.out.vars[id].clone();
            if !matches!(var.kind, VarKind::State(_)) || var.boolean {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0501,
                        name.span,
                        format!("`{}` has an equation but is not a state", name.text),
                        "has no rate of change",
                    )
                    .label(var.span, "declared here")
                    .help(format!("declare it with `state {} = …`", name.text)),
                );
            } else if let Some(first) = self.out.equations.iter().find(|e| e.state == id) {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0502,
                        name.span,
                        format!("`{}` has two equations", name.text),
                        "second equation",
                    )
                    .label(first.span, "first one")
                    .help("add their right-hand sides, or rename the state"),
                );
                continue;
            }
            let (value, ty) = self.typed(infer, scope, Place::Equation, &rhs);
            if !ty.is_error() && !matches!(ty.kind, Kind::Number) {
                infer.diagnostics.push(errors::wrong_kind("a number", &ty, rhs.span));
            } else {
                let expected = Ty { unit: None, ..Ty::number(var.dim / Dim::TIME) };
                if !ty.is_error() && !ty.same_dim(&expected) {
                    let missing = ty.dim.map(|found| var.dim / Dim::TIME / found);
                    let without = missing.and_then(|m| parameter_without_unit(&value, &self.out.vars, m));
                    let d = errors::mismatched_equation(&var, (&expected, &ty), rhs.span, without);
                    infer.diagnostics.push(d);
                }
            }
            self.used.insert(id);
            self.out.equations.push(Equation { state: id, rhs: value, span: rhs.span });
        }
    }

    pub(super) fn couples(&mut self, infer: &mut Infer) {
        let pending = std::mem::take(&mut self.pending.couples);
        let mut known: Vec<((usize, usize), Span)> = Vec::new();
        for (a, b, g, span) in pending {
            let mut ends = Vec::new();
            for end in [&a, &b] {
                match self.compartments.get(&end.text) {
                    Some(&c) => ends.push(c),
                    None => {
                        let known: Vec<&str> = self.compartments.keys().map(String::as_str).collect();
                        infer.diagnostics.push(errors::no_member("this neuron", &end.text, end.span, known));
                    }
                }
            }
            let [first, second] = ends[..] else {
                self.pending.uncoupled = true;
                continue;
            };
            let pair = (first.min(second), first.max(second));
            if let Some((_, before)) = known.iter().find(|(known, _)| *known == pair) {
                let message = format!("`{}` and `{}` are coupled twice", a.text, b.text);
                let d = Diagnostic::at(Code::E0202, span, message, "once more");
                infer.diagnostics.push(d.label(*before, "the first time").help("remove one of them"));
                continue;
            }
            known.push((pair, span));
            let traced = [first, second].into_iter().find(|c| self.pending.compartments[*c].part.is_some());
            if let Some(c) = traced {
                let part = self.pending.compartments[c].part.as_ref().map_or(String::new(), |p| p.kind.to_string());
                let message = format!("`{part}` is part of a morphology, which says what hangs together");
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0511, span, message, "cannot be coupled")
                        .help("add the sections to the file"),
                );
                self.pending.uncoupled = true;
                continue;
            }
            if self.pending.compartments[first].cable.is_some() || self.pending.compartments[second].cable.is_some() {
                if let Some(g) = g {
                    infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0504,
                            g.span,
                            "cables couple through their axial resistance",
                            "not needed",
                        )
                        .help("write `couple a <-> b` without `with`"),
                    );
                }
                if let Some(parent) = self.pending.compartments[second].cable.and_then(|p| p.checked_sub(1)) {
                    let parent =
                        self.scopes[self.pending.compartments[parent].scope].prefix.trim_end_matches('.').to_string();
                    let message = format!("`{}` hangs on `{parent}` already", b.text);
                    let d = Diagnostic::at(Code::E0511, span, message, "cannot hang on two cables");
                    infer
                        .diagnostics
                        .push(d.help(format!("write `couple {} <-> {}` to hang the other one on it", b.text, a.text)));
                    self.pending.uncoupled = true;
                    continue;
                }
                // Parents come first; the far end of the first carries the second.
                self.pending.compartments[second].cable = Some(first + 1);
                continue;
            }
            let Some(g) = g else {
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0507, span, "this coupling has no conductance", "add `with g_c`")
                        .help(format!("write `couple {} <-> {} with g_c`", a.text, b.text)),
                );
                continue;
            };
            let conductance = {
                let saved = (self.scope, self.place);
                (self.scope, self.place) = (0, Place::Equation);
                let out = infer.quantity(self, &g, "the coupling conductance", &Ty::number(Dim::CONDUCTANCE), None);
                (self.scope, self.place) = saved;
                out
            };
            for (own, other) in [(first, second), (second, first)] {
                self.add_axial_current(infer, own, other, conductance.clone(), span);
            }
        }
    }

    pub(super) fn add_axial_current(&mut self, infer: &mut Infer, own: usize, other: usize, g: Expr, span: Span) {
        let scope = self.pending.compartments[own].scope;
        let other_scope = self.pending.compartments[other].scope;
        let v = self.lookup(scope, "v").and_then(|i| self.define(infer, i, None));
        let v_other = self.lookup(other_scope, "v").and_then(|i| self.define(infer, i, None));
        let c = self.lookup(scope, "C_m").and_then(|i| self.define(infer, i, None));
        let (Some(v), Some(v_other), Some(c)) = (v, v_other, c) else {
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0507,
                    span,
                    "a coupled compartment needs a voltage and a capacitance",
                    "this coupling",
                )
                .help("declare `state v` and `param C_m` in both compartments"),
            );
            return;
        };
        self.used.extend([v, v_other, c]);
        let (var, expected) = (&self.out.vars[c], Dim::CONDUCTANCE * Dim::TIME);
        if var.dim != expected {
            let d = errors::wrong_unit(
                "`C_m` of a coupled compartment",
                &Ty::number(expected),
                &Ty::of_variable(var),
                var.span,
                None,
            );
            infer.diagnostics.push(d.label(span, "a conductance times a difference of potentials flows here"));
            return;
        }
        let difference = Expr::bin(Op::Sub, Expr::Var(v_other), Expr::Var(v));
        let current = Expr::bin(Op::Div, Expr::bin(Op::Mul, g, difference), Expr::Var(c));
        match self.out.equations.iter_mut().find(|e| e.state == v) {
            Some(eq) => eq.rhs = Expr::bin(Op::Add, eq.rhs.clone(), current),
            None => self.out.equations.push(Equation { state: v, rhs: current, span }),
        }
    }
}
