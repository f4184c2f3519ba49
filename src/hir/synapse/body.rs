//! Equations and continuous contributions.

use super::*;

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
                    if !ty.is_error() && !ty.same_dim(&expected) {
                        infer
                            .diagnostics
                            .push(errors::mismatched_equation(&name.text, var.span, &expected, &ty, rhs.span));
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
                ModelItem::Unsupported(name) => {
                    infer.diagnostics.push(crate::syntax::unsupported(name.span, &name.text))
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
