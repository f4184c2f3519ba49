//! Events, their handlers, and the scheme.

use super::super::assign::{Assigned, assigned};
use super::*;

/// The tolerance of an adaptive scheme that is given none.
const USUAL_TOLERANCE: f64 = 1e-6;

impl Checker {
    /// Events have names everywhere in the neuron, also before the `emit`.
    pub(super) fn declare_events(&mut self) {
        for (_, emit) in &self.pending.emits {
            if self.out.event(&emit.name.text).is_none() {
                self.out.events.push(Event { name: emit.name.text.clone(), span: emit.name.span });
            }
        }
    }

    pub(super) fn emits(&mut self, infer: &mut Infer) {
        let pending = std::mem::take(&mut self.pending.emits);
        let mut emitted: Vec<EventId> = Vec::new();
        let mut said: Vec<Span> = Vec::new();
        for (scope, emit) in pending {
            let Some(event) = self.out.event(&emit.name.text) else { continue };
            let mut when = match &emit.when {
                Some(e) => {
                    (self.scope, self.place) = (scope, Place::Event);
                    let when = infer.condition(self, e);
                    chance::refuse_unsure(infer, &when, e.span);
                    when
                }
                None => Expr::Bool(true),
            };
            let mut of_change = None;
            if let Some(on) = &emit.on {
                match self.out.event(&on.text) {
                    Some(other) if emitted.contains(&other) && emit.edge.is_some() => of_change = Some(other),
                    Some(other) if emitted.contains(&other) => when = Expr::bin(Op::And, Expr::Fired(other), when),
                    Some(_) => infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0509,
                            on.span,
                            format!("`{}` is emitted only later", on.text),
                            "not yet decided here",
                        )
                        .help(format!("move `emit {}` above this one", on.text)),
                    ),
                    None => {
                        let known: Vec<&str> = self.out.events.values().map(|e| e.name.as_str()).collect();
                        let help = crate::diag::nearest(&on.text, known).map(|n| format!("did you mean `{n}`?"));
                        infer.diagnostics.push(
                            Diagnostic::at(
                                Code::E0607,
                                on.span,
                                format!("no event `{}` here", on.text),
                                "unknown event",
                            )
                            .maybe_help(help),
                        );
                    }
                }
            } else if emit.when.is_none() && emit.count.is_none() {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0405,
                        emit.name.span,
                        format!("`emit {}` needs a condition", emit.name.text),
                        "would happen at every step",
                    )
                    .help(format!("write `emit {} when v > V_th`", emit.name.text)),
                );
            }
            let count = emit.count.as_ref().map(|e| self.count(infer, scope, e, emit.edge.is_some()));
            if let Some(count) = &count {
                // Of a number that cannot be there is an event, too, so that it is found.
                let none = Expr::bin(Op::Lt, count.clone(), Expr::Num(1.0));
                when = Expr::bin(Op::And, when, Expr::Not(Box::new(none)));
            }
            let body = self.statements(infer, scope, &emit.body);
            if self.out.reads_segments(&when) {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0403,
                        emit.span,
                        "an event needs one value, a cable has one per segment",
                        "reads a cable",
                    )
                    .help("test the potential of a compartment of one segment, or of one segment: `soma[0].v`"),
                );
            }
            let what = (event, &when, of_change, &count, emit.edge);
            let same = |e: &&Emit| (e.event, &e.when, e.on, &e.count, e.edge) == what;
            if let Some(first) = self.out.emits.iter().position(|e| same(&e)) {
                let what = format!("emit {}", emit.name.text);
                infer.diagnostics.push(errors::said_twice(&what, emit.name.span, said[first]));
            }
            emitted.push(event);
            said.push(emit.name.span);
            self.out.emits.push(Emit { event, when, on: of_change, count, edge: emit.edge, body });
        }
    }

    /// Checks how many events there are at once.
    fn count(&mut self, infer: &mut Infer, scope: usize, e: &ast::Expr, edge: bool) -> Expr {
        (self.scope, self.place) = (scope, Place::Event);
        if edge {
            let message = "events are counted at every step, not when a condition changes";
            let d = Diagnostic::at(Code::E0405, e.span, message, "with `rising` or `falling`");
            infer.diagnostics.push(d.help("write `emit spike count ~ poisson(rate * dt) when …`"));
        }
        let drawn =
            matches!(&e.kind, ast::ExprKind::Call(f, _) if matches!(&f.kind, ast::ExprKind::Name(n) if n == "poisson"));
        if !drawn {
            let d =
                Diagnostic::at(Code::E0405, e.span, "how many events there are is drawn by `poisson`", "not drawn so");
            infer.diagnostics.push(d.help("write `emit spike count ~ poisson(rate * dt)`"));
        }
        infer.number(self, e).0
    }

    pub(super) fn statements(&mut self, infer: &mut Infer, scope: usize, body: &[ast::Stmt]) -> Vec<Stmt> {
        body.iter().filter_map(|s| self.statement(infer, scope, s)).collect()
    }

    pub(super) fn statement(&mut self, infer: &mut Infer, scope: usize, stmt: &ast::Stmt) -> Option<Stmt> {
        (self.scope, self.place) = (scope, Place::Event);
        Some(match stmt {
            ast::Stmt::Assign(target, op, value) => {
                let (rhs, ty) = infer.expr(self, value);
                let id = self.assignable(infer, scope, target)?;
                chance::refuse_unsure(infer, &rhs, value.span);
                let given = Assigned { value: rhs, ty, span: value.span };
                let rhs = assigned(infer, (id, &self.out.vars[id]), target, *op, given);
                Stmt::Assign(id, rhs)
            }
            ast::Stmt::Hold(names, duration) => {
                let time = self.duration(infer, duration, "how long to hold");
                let mut out = Vec::new();
                for name in names {
                    let id = self.lookup(scope, &name.text).and_then(|i| self.define(infer, i, None));
                    match id.map(|id| (id, &self.out.vars[id])) {
                        Some((id, v)) if matches!(v.kind, VarKind::State(_)) => {
                            out.push(Stmt::Hold(id, time.clone(), duration.span))
                        }
                        _ => infer.diagnostics.push(
                            Diagnostic::at(
                                Code::E0508,
                                name.span,
                                format!("`{}` is not a state", name.text),
                                "cannot be held",
                            )
                            .help("hold the membrane potential: `hold v for t_ref`"),
                        ),
                    }
                }
                if out.len() == 1 { out.remove(0) } else { Stmt::If(Expr::Bool(true), out, Vec::new()) }
            }
            ast::Stmt::Mute(name, duration) => {
                let time = self.duration(infer, duration, "how long to mute");
                let Some(event) = self.out.event(&name.text) else {
                    infer.diagnostics.push(Diagnostic::at(
                        Code::E0607,
                        name.span,
                        format!("no event `{}` here", name.text),
                        "unknown event",
                    ));
                    return None;
                };
                Stmt::Mute(event, time, duration.span)
            }
            ast::Stmt::If(c, a, b) => {
                let of = c;
                let c = infer.condition(self, of);
                chance::refuse_unsure(infer, &c, of.span);
                Stmt::If(c, self.statements(infer, scope, a), self.statements(infer, scope, b))
            }
            ast::Stmt::Rewire(span) => {
                infer.diagnostics.push(Diagnostic::at(
                    Code::E0401,
                    *span,
                    "a neuron does not rewire",
                    "`rewire` belongs to a synapse",
                ));
                return None;
            }
            ast::Stmt::Deliver(e) => {
                infer.diagnostics.push(Diagnostic::at(
                    Code::E0401,
                    e.span,
                    "a neuron does not deliver",
                    "`deliver` belongs to a synapse",
                ));
                return None;
            }
        })
    }

    /// Checks how long something is held or muted; what depends on parameters is checked when a network is built.
    fn duration(&mut self, infer: &mut Infer, duration: &ast::Expr, what: &str) -> Expr {
        let time = infer.time(self, duration, what);
        if let Some(t) = infer::fold(&self.out.unfold(time.clone()))
            && (t < 0.0 || t.is_nan())
        {
            infer.diagnostics.push(
                Diagnostic::at(Code::E0816, duration.span, "a duration is not negative", format!("this is {t} ms"))
                    .help("write a time, or `inf` for ever"),
            );
        }
        time
    }

    pub(super) fn assignable(&mut self, infer: &mut Infer, scope: usize, target: &Name) -> Option<VarId> {
        let Some(i) = self.lookup(scope, &target.text) else {
            let known: Vec<String> = self.out.states().map(|(_, v)| v.name.clone()).collect();
            infer.diagnostics.push(errors::unknown_name(&target.text, target.span, known.iter().map(String::as_str)));
            return None;
        };
        let id = self.define(infer, i, None)?;
        let var = &self.out.vars[id];
        let what = match var.kind {
            VarKind::State(_) => return Some(id),
            VarKind::Param(_) => "a parameter",
            VarKind::Let(_) => "computed by its `let`",
            _ => "an input",
        };
        infer.diagnostics.push(errors::not_assignable(&target.text, what, target.span, Some(var.span)));
        None
    }

    pub(super) fn schemes(&mut self, infer: &mut Infer) {
        let pending = std::mem::take(&mut self.pending.schemes);
        for (scope, decl) in pending {
            let Some(scheme) = self.scheme(infer, &decl) else { continue };
            if decl.states.is_empty() {
                if let Some((_, first)) = self.out.scheme {
                    infer.diagnostics.push(errors::said_twice("scheme", decl.name.span, first));
                }
                self.out.scheme = Some((scheme, decl.name.span));
                continue;
            }
            if !matches!(scheme, Scheme::Euler | Scheme::ExponentialEuler) {
                let what = format!("`{}` advances all states together", decl.name.text);
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0504, decl.name.span, "this scheme cannot be given to single states", what)
                        .help("use `euler` or `exponential_euler`, or leave out `for`"),
                );
                continue;
            }
            for name in &decl.states {
                if let Some(id) = self.assignable(infer, scope, name) {
                    if let Some((.., first)) = self.out.state_schemes.iter().find(|(other, ..)| *other == id) {
                        infer.diagnostics.push(errors::said_twice(
                            &format!("scheme … for {}", name.text),
                            name.span,
                            *first,
                        ));
                    }
                    self.out.state_schemes.push((id, scheme, name.span));
                }
            }
        }
        if let Err(d) = crate::solve::applicable(&self.out) {
            infer.diagnostics.push(*d);
        }
    }

    /// The tolerance of an adaptive scheme, as it is given or else a usual one; other schemes take none.
    fn tolerance(&mut self, infer: &mut Infer, decl: &ast::SchemeDecl) -> Option<f64> {
        let Some(given) = decl.args.first() else { return Some(USUAL_TOLERANCE) };
        let takes = usize::from(decl.name.text == "rk45");
        if let Some(more) = decl.args.get(takes) {
            let message =
                format!("`{}` takes {}", decl.name.text, if takes == 1 { "one tolerance" } else { "nothing" });
            let d = Diagnostic::at(Code::E0402, more.value.span, message, "one too many");
            infer.diagnostics.push(
                d.help("`rk45(1e-6)` has a tolerance: the largest error of a step, relative or in units of a state"),
            );
            return None;
        }
        let (value, ty) = self.typed(infer, 0, Place::Init, &given.value);
        let constant = infer::fold(&value).filter(|t| *t > 0.0 && t.is_finite());
        let pure = ty.is_error() || ty.same_dim(&Ty::number(Dim::ONE));
        if constant.is_none() || !pure {
            let message = "a tolerance is a number above zero, known before the run";
            let d = Diagnostic::at(Code::E0404, given.value.span, message, "not one");
            infer.diagnostics.push(d.help("write `scheme rk45(1e-6)`"));
            return None;
        }
        constant
    }

    fn scheme(&mut self, infer: &mut Infer, decl: &ast::SchemeDecl) -> Option<Scheme> {
        let tolerance = self.tolerance(infer, decl)?;
        Some(match decl.name.text.as_str() {
            "exact" => Scheme::Exact,
            "exponential_euler" => Scheme::ExponentialEuler,
            "euler" => Scheme::Euler,
            "heun" => Scheme::Heun,
            "rk4" => Scheme::Rk4,
            "rk45" => Scheme::Rk45(tolerance),
            "implicit" => Scheme::Implicit,
            "crank_nicolson" => Scheme::CrankNicolson,
            other => {
                let known =
                    ["exact", "exponential_euler", "euler", "heun", "rk4", "rk45", "implicit", "crank_nicolson"];
                let help = crate::diag::nearest(other, known).map(|n| format!("did you mean `{n}`?"));
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0504, decl.name.span, format!("unknown scheme `{other}`"), "not a scheme")
                        .note(format!("schemes are {}", errors::list(&known)))
                        .maybe_help(help),
                );
                return None;
            }
        })
    }
}
