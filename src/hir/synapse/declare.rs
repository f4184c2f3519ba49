//! Parameters, states, weight and their bounds.

use super::*;

impl Checker<'_> {
    /// The unit of the weight: declared, or that of the port.
    fn weight_type(&self, infer: &mut Infer, model: &ast::Model) -> Ty {
        let declared = model.body.iter().find_map(|item| match item {
            ModelItem::Weight(_, unit, _) => unit.as_ref(),
            _ => None,
        });
        let declared = declared.and_then(|u| resolve_unit(infer.module, u, infer.diagnostics)).map(Ty::in_unit);
        let of_port = |port: &Var| Ty { unit: port.unit.clone(), ..Ty::number(port.dim) };
        let otherwise = || if self.use_.is_some() { Ty::number(Dim::ONE) } else { Ty::error() };
        declared.or(self.port().map(of_port)).unwrap_or_else(otherwise)
    }

    pub(super) fn declare(&mut self, infer: &mut Infer, model: &ast::Model) {
        let weight = self.weight_type(infer, model);
        for item in &model.body {
            match item {
                ModelItem::Params(bindings) => {
                    for b in bindings {
                        // Without unit and value a parameter is in the unit of the weight, as the weight is in the port's.
                        let (value, ty) = self.valued(infer, b.value.as_ref(), b.unit.as_ref(), weight.clone());
                        self.add(infer, &b.name, VarKind::Param(value), ty);
                    }
                }
                ModelItem::States(states) => {
                    for s in states {
                        let (value, ty) = self.valued(infer, s.init.as_ref(), s.unit.as_ref(), Ty::number(Dim::ONE));
                        let id = self.add(infer, &s.name, VarKind::State(value.unwrap_or(Expr::Num(0.0))), ty);
                        self.bounds(infer, id, s.bounds.as_ref());
                        if let Some(per) = &s.per {
                            let place = match per.text.as_str() {
                                "projection" => Place::Projection,
                                "pre" => Place::Pre,
                                "post" => Place::Post,
                                "synapse" => {
                                    self.out.scatter(id);
                                    continue;
                                }
                                other => {
                                    let what = format!("per {other}");
                                    infer.diagnostics.push(crate::diag::unsupported(per.span, &what));
                                    continue;
                                }
                            };
                            self.out.asserted.push((id, place, per.span));
                        }
                    }
                }
                ModelItem::Modulator(name, unit, value) => {
                    let (value, ty) = self.valued(infer, value.as_ref(), unit.as_ref(), Ty::number(Dim::ONE));
                    self.add(infer, name, VarKind::Modulator(value), ty);
                }
                ModelItem::Weight(name, _, bounds) => {
                    let id = self.add(infer, name, VarKind::Weight, weight.clone());
                    self.bounds(infer, id, bounds.as_ref());
                }
                ModelItem::Let(name, e) => {
                    let (value, ty) = infer.number(self, e);
                    let id = self.add(infer, name, VarKind::Let(value), ty);
                    self.out.lets.push(id);
                }
                _ => {}
            }
        }
    }

    /// Checks a value and the unit it is declared in; without either the type is `otherwise`.
    fn valued(
        &mut self,
        infer: &mut Infer,
        value: Option<&ast::Expr>,
        unit: Option<&ast::UnitExpr>,
        otherwise: Ty,
    ) -> (Option<Expr>, Ty) {
        let value = value.map(|v| infer.number(self, v));
        let declared = unit.and_then(|u| resolve_unit(infer.module, u, infer.diagnostics)).map(Ty::in_unit);
        let ty = declared.or(value.as_ref().map(|v| v.1.clone())).unwrap_or(otherwise);
        (value.map(|v| v.0), ty)
    }

    /// Checks `in lo .. hi`, which is applied at every write.
    fn bounds(&mut self, infer: &mut Infer, id: VarId, range: Option<&ast::Expr>) {
        let Some(range) = range else { return };
        let ast::ExprKind::Binary(ast::BinOp::Range, lo, hi) = &range.kind else {
            infer.diagnostics.push(Diagnostic::at(Code::E0401, range.span, "bounds are a range", "write `lo .. hi`"));
            return;
        };
        let expected = Ty::number(self.out.vars[id].dim);
        let mut one = |this: &mut Self, e: &ast::Expr| {
            let (value, ty) = infer.number(this, e);
            if !ty.is_error() && !this.unknown.contains(&id) && !ty.same_dim(&expected) {
                infer.diagnostics.push(
                    Diagnostic::at(
                        Code::E0308,
                        e.span,
                        format!("this bound of `{}` has another unit", this.out.vars[id].name),
                        format!("expected {}, found {}", expected.describe(), ty.describe()),
                    )
                    .label(this.out.vars[id].span, "declared here"),
                );
            }
            value
        };
        let (lo, hi) = (one(self, lo), one(self, hi));
        self.out.bounds.push((id, lo, hi));
    }
}
