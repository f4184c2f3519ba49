//! Defines what is declared, on demand: a declaration is checked when something first reads it.

use super::*;

impl Checker {
    pub(super) fn define_all(&mut self, infer: &mut Infer) {
        for i in 0..self.declared.len() {
            self.define(infer, i, None);
        }
    }

    /// Makes the variable of a declaration, first making those its value needs.
    pub(super) fn define(&mut self, infer: &mut Infer, i: usize, from: Option<Span>) -> Option<VarId> {
        let declared = self.declared[i].clone();
        match declared.status {
            Status::Done(id) => return id,
            Status::Defining => {
                let short = declared.name.rsplit('.').next().unwrap_or(&declared.name).to_string();
                let at = from.unwrap_or(declared.span);
                infer.diagnostics.push(match declared.kind {
                    DeclKind::Let(_) => {
                        Diagnostic::at(Code::E0503, at, format!("`{short}` depends on itself"), "closes the cycle")
                            .label(declared.span, "declared here")
                            .help("make one of the values a `state`, or break the cycle")
                    }
                    _ => Diagnostic::at(
                        Code::E0208,
                        at,
                        format!("`{short}` is used before it has a value"),
                        "its value needs itself",
                    )
                    .label(declared.span, "declared here"),
                });
                return None;
            }
            Status::Waiting => self.declared[i].status = Status::Defining,
        }
        let id = self.define_now(infer, &declared);
        self.declared[i].status = Status::Done(id);
        id
    }

    pub(super) fn cable_of(&self, scope: usize) -> Option<usize> {
        let mut at = Some(scope);
        while let Some(s) = at {
            if let Some(c) = self.scopes[s].cable {
                return Some(c);
            }
            at = self.scopes[s].parent;
        }
        None
    }

    pub(super) fn define_now(&mut self, infer: &mut Infer, d: &Declared) -> Option<VarId> {
        let cable = self.cable_of(d.scope);
        let short = d.name.rsplit('.').next().unwrap_or(&d.name).to_string();
        let annotated = |infer: &mut Infer, unit: &Option<ast::UnitExpr>| {
            unit.as_ref().map(|u| resolve_unit(infer.module, u, infer.diagnostics).map_or(Ty::error(), Ty::in_unit))
        };
        let (kind, ty) = match &d.kind {
            DeclKind::Param(unit, value, scope) => {
                let declared = annotated(infer, unit);
                let value = value.as_ref().map(|v| (self.typed(infer, *scope, Place::Init, v), v.span));
                let ty = self.agree(infer, &short, d.span, declared, value.as_ref().map(|((_, t), s)| (t.clone(), *s)));
                if let Some(((e, _), span)) = &value {
                    self.refuse_changing(infer, &short, e, *span);
                }
                (VarKind::Param(value.map(|((e, _), _)| e)), ty)
            }
            DeclKind::State(unit, init) => {
                let declared = annotated(infer, unit);
                let value = init.as_ref().map(|v| (self.typed(infer, d.scope, Place::Init, v), v.span));
                if value.is_none() && unit.is_none() {
                    infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0208,
                            d.span,
                            format!("state `{short}` has no initial value"),
                            "value missing",
                        )
                        .help(format!("write `state {short} = 0`, with its unit")),
                    );
                }
                let ty = self.agree(infer, &short, d.span, declared, value.as_ref().map(|((_, t), s)| (t.clone(), *s)));
                (VarKind::State(value.map_or(Expr::Num(0.0), |((e, _), _)| e)), ty)
            }
            DeclKind::Let(e) => {
                let (value, ty) = self.typed(infer, d.scope, Place::Let, e);
                (VarKind::Let(value), ty)
            }
            DeclKind::EventInput(unit) => (VarKind::EventPort, annotated(infer, unit).unwrap_or(Ty::number(Dim::ONE))),
            DeclKind::Input(unit, default) => {
                let declared = annotated(infer, unit);
                let value = default.as_ref().map(|v| (self.typed(infer, d.scope, Place::Init, v), v.span));
                let ty = self.agree(infer, &short, d.span, declared, value.as_ref().map(|((_, t), s)| (t.clone(), *s)));
                (VarKind::AnalogPort(value.map_or(Expr::Num(0.0), |((e, _), _)| e)), ty)
            }
            DeclKind::Gate(fields) => return self.gate(infer, d, fields, cable),
        };
        if ty.is_error() {
            return None;
        }
        let boolean = ty.kind == Kind::Bool;
        if !matches!(ty.kind, Kind::Number | Kind::Bool) {
            infer.diagnostics.push(errors::wrong_kind("a number", &ty, d.span));
            return None;
        }
        let var = Var {
            name: d.name.clone(),
            kind,
            dim: if boolean { Dim::ONE } else { ty.dim.unwrap_or(Dim::ONE) },
            unit: ty.unit,
            boolean,
            cable,
            span: d.span,
        };
        let is_let = matches!(var.kind, VarKind::Let(_));
        let id = self.out.vars.push(var);
        if is_let {
            self.out.lets.push(id);
        }
        Some(id)
    }

    /// Refuses a parameter that would follow what changes in a run: it has one value, from before the run.
    fn refuse_changing(&self, infer: &mut Infer, name: &str, value: &Expr, span: Span) {
        let mut changes = None;
        self.out.any(value, &mut |e| {
            if let Expr::Var(v) = e
                && !matches!(self.out.vars[*v].kind, VarKind::Param(_) | VarKind::Let(_) | VarKind::Distance)
            {
                changes = Some(*v);
            }
            false
        });
        if let Some(v) = changes {
            let var = &self.out.vars[v];
            let message = format!("parameter `{name}` would follow `{}`, which changes in a run", var.name);
            infer.diagnostics.push(
                Diagnostic::at(Code::E0401, span, message, "a parameter keeps its value")
                    .label(var.span, "declared here")
                    .help("write `let` instead, or make it an argument of the channel: `channel Ca(v: mV, E: mV)`"),
            );
        }
    }

    pub(super) fn agree(
        &mut self,
        infer: &mut Infer,
        name: &str,
        span: Span,
        declared: Option<Ty>,
        value: Option<(Ty, Span)>,
    ) -> Ty {
        match (declared, value) {
            (Some(d), Some((v, at))) => {
                if !d.is_error() && !v.is_error() && !v.same_dim(&d) {
                    infer.diagnostics.push(errors::wrong_unit(&format!("`{name}`"), &d, &v, at, Some(span)));
                }
                d
            }
            (Some(d), None) => d,
            (None, Some((v, _))) => v,
            (None, None) => Ty::number(Dim::ONE),
        }
    }

    pub(super) fn gate(
        &mut self,
        infer: &mut Infer,
        d: &Declared,
        fields: &[(Name, ast::Expr)],
        cable: Option<usize>,
    ) -> Option<VarId> {
        let short = d.name.rsplit('.').next().unwrap_or(&d.name).to_string();
        let find = |n: &str| fields.iter().find(|(name, _)| name.text == n).map(|(_, e)| e.clone());
        let mut typed = |this: &mut Self, e: &ast::Expr, expected: Dim, what: &str| {
            let saved = (this.scope, this.place);
            (this.scope, this.place) = (d.scope, Place::Let);
            let out =
                infer.quantity(this, e, &format!("`{what}` of gate `{short}`"), &Ty::number(expected), Some(d.span));
            (this.scope, this.place) = saved;
            out
        };
        let (rate_init, one) = (Dim::RATE, Dim::ONE);
        let pieces = match (find("alpha"), find("beta"), find("inf"), find("tau")) {
            (Some(a), Some(b), None, None) => {
                Some((typed(self, &a, rate_init, "alpha"), typed(self, &b, rate_init, "beta"), true))
            }
            (None, None, Some(i), Some(t)) => {
                Some((typed(self, &i, one, "inf"), typed(self, &t, Dim::TIME, "tau"), false))
            }
            _ => None,
        };
        let known = fields.iter().all(|(n, _)| matches!(n.text.as_str(), "alpha" | "beta" | "inf" | "tau"));
        let (Some((x, y, rates)), true) = (pieces, known) else {
            infer.diagnostics.push(
                Diagnostic::at(Code::E0513, d.span, format!("gate `{short}` is incomplete"), "needs two fields")
                    .help("give `alpha = …  beta = …` (rates), or `inf = …  tau = …`"),
            );
            return None;
        };
        let init =
            if rates { Expr::bin(Op::Div, x.clone(), Expr::bin(Op::Add, x.clone(), y.clone())) } else { x.clone() };
        let var = Var {
            name: d.name.clone(),
            kind: VarKind::State(init),
            dim: Dim::ONE,
            unit: None,
            boolean: false,
            cable,
            span: d.span,
        };
        let id = self.out.vars.push(var);
        self.used.insert(id);
        let m = Expr::Var(id);
        let rhs = if rates {
            let opening = Expr::bin(Op::Mul, x, Expr::bin(Op::Sub, Expr::Num(1.0), m.clone()));
            Expr::bin(Op::Sub, opening, Expr::bin(Op::Mul, y, m))
        } else {
            Expr::bin(Op::Div, Expr::bin(Op::Sub, x, m), y)
        };
        self.out.equations.push(Equation { state: id, rhs, span: d.span });
        Some(id)
    }

    pub(super) fn lookup(&self, scope: usize, name: &str) -> Option<usize> {
        let mut at = Some(scope);
        while let Some(s) = at {
            if let Some(&i) = self.index.get(&format!("{}{name}", self.scopes[s].prefix)) {
                return Some(i);
            }
            at = self.scopes[s].parent;
        }
        None
    }

    /// Finds a declared name, or the binding of a channel's argument, from the current scope outward.
    pub(super) fn resolve(&mut self, infer: &mut Infer, name: &str, span: Span) -> Option<(Expr, Ty)> {
        let mut at = Some(self.scope);
        while let Some(s) = at {
            if let Some(found) = self.argument(infer, s, name) {
                return Some(found);
            }
            if let Some(&i) = self.index.get(&format!("{}{name}", self.scopes[s].prefix)) {
                return Some(self.read(infer, i, span));
            }
            at = self.scopes[s].parent;
        }
        None
    }

    pub(super) fn read(&mut self, infer: &mut Infer, i: usize, span: Span) -> (Expr, Ty) {
        let Some(id) = self.define(infer, i, Some(span)) else { return (Expr::Num(0.0), Ty::error()) };
        self.used.insert(id);
        let var = &self.out.vars[id];
        if var.boolean {
            return (Expr::bin(Op::Gt, Expr::Var(id), Expr::Num(0.5)), Ty::of(Kind::Bool));
        }
        let mut dim = var.dim;
        let mut unit = var.unit.clone();
        if matches!(var.kind, VarKind::EventPort) {
            if self.place != Place::Equation {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0514,
                        span,
                        "an event input can only stand in an equation",
                        "a sum of impulses has no value",
                    )
                    .label(var.span, "declared here")
                    .help("let a state collect it: `g' = -g / tau + exc`"),
                );
                return (Expr::Num(0.0), Ty::error());
            }
            infer.impulses.push(span);
            dim = dim / Dim::TIME;
            unit = None;
        }
        (Expr::Var(id), Ty { unit, ..Ty::number(dim) })
    }
}
