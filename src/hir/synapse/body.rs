//! Equations and continuous contributions.

use super::*;
use crate::hir::root::parameter_without_unit;

impl Checker<'_> {
    /// Checks that the states of both cells on which an energy depends can descend along it.
    fn energy_fits(&self, infer: &mut Infer, name: &str, value: &Expr, ty: &Ty, span: Span) {
        let Some(dim) = ty.dim.filter(|_| !ty.is_error()) else { return };
        let Some(use_) = self.use_ else { return };
        for (side, cell) in [(Side::Pre, use_.pre), (Side::Post, use_.post)] {
            for state in crate::solve::descending_along(&self.out, value, side, cell) {
                let var = &cell.vars[state];
                if dim / var.dim != var.dim / Dim::TIME {
                    infer.diagnostics.push(errors::energy_unit(name, dim, var, span));
                }
            }
        }
    }
}

impl Checker<'_> {
    pub(super) fn body(&mut self, infer: &mut Infer, model: &ast::Model) {
        for item in &model.body {
            match item {
                ModelItem::Equation(name, rhs) => {
                    let Some(state) = self.changeable(infer, name) else { continue };
                    let var = self.out.vars[state].clone();
                    self.in_equation = true;
                    let (value, ty) = infer.number(self, rhs);
                    self.in_equation = false;
                    let expected = Ty::number(var.dim / Dim::TIME);
                    if !ty.is_error() && !self.unknown.contains(&state) && !ty.same_dim(&expected) {
                        let missing = ty.dim.map(|found| var.dim / Dim::TIME / found);
                        let without = missing.and_then(|m| parameter_without_unit(&value, &self.out.vars, m));
                        let d = errors::mismatched_equation(&var, (&expected, &ty), rhs.span, without);
                        infer.diagnostics.push(d);
                    }
                    if let Some(first) = self.out.equations.iter().find(|eq| eq.state == state) {
                        infer.diagnostics.push(
                            Diagnostic::at(
                                Code::E0502,
                                rhs.span,
                                format!("`{}` has two equations", name.text),
                                "the second one",
                            )
                            .label(first.span, "the first one"),
                        );
                        continue;
                    }
                    self.out.equations.push(Equation { state, rhs: value, span: rhs.span });
                }
                ModelItem::On(trigger, body, span) => self.on(infer, trigger, body, *span),
                ModelItem::Deliver(e) => {
                    let (value, ty) = infer.number(self, e);
                    self.fits_port(infer, &ty, e.span, false);
                    self.out.deliver = Some(match self.out.deliver.take() {
                        Some(other) => Expr::bin(Op::Add, other, value),
                        None => value,
                    });
                }
                ModelItem::Energy(name, e) => {
                    let (value, ty) = infer.number(self, e);
                    self.energy_fits(infer, &name.text, &value, &ty, e.span);
                    self.out.energy = Some((value, e.span));
                }
                ModelItem::Params(_)
                | ModelItem::States(_)
                | ModelItem::Weight(..)
                | ModelItem::Modulator(..)
                | ModelItem::Let(..) => {}
                _ => infer.diagnostics.push(Diagnostic::at(
                    Code::E0401,
                    model.name.span,
                    format!("synapse `{}` holds a declaration of a neuron", model.name.text),
                    "this synapse",
                )),
            }
        }
    }
}
