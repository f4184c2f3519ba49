//! Loops: through numbers, through the examples of data sets, and through the points of a sweep.

use super::Checker;
use super::gather::{nested, outermost};
use super::model::{Over, StatementKind};
use crate::diag::{Code, Diagnostic};
use crate::hir::infer::goes_nowhere;
use crate::hir::network::model::Within;
use crate::hir::typed::{Expr, ExprKind, LocalId};
use crate::hir::{Kind, Shape, Ty, errors};
use crate::syntax::ast::{self, Command, Name};
use crate::units::Dim;

impl Checker<'_> {
    pub(super) fn sweep(&mut self, variables: &[(Name, ast::Expr)], body: &[Command]) -> StatementKind {
        let depth = self.world.names.depth();
        let mut list = Vec::new();
        for (name, range) in variables {
            let range = self.typed(range);
            let ty = crate::hir::network::turn(&mut self.infer, &range);
            if name.text == "seed" && !ty.is_error() && !ty.same_dim(&Ty::number(Dim::ONE)) {
                self.infer.diagnostics.push(errors::wrong_unit(
                    "the seed",
                    &Ty::number(Dim::ONE),
                    &ty,
                    range.span,
                    None,
                ));
            }
            list.push((self.world.add(name, ty, false), range));
        }
        let block = self.block(body);
        self.leave(depth, body, Within::Turn);
        StatementKind::Sweep(list, block)
    }

    pub(super) fn for_(
        &mut self,
        variables: &[Name],
        range: &ast::Expr,
        step: Option<&ast::Expr>,
        body: &[Command],
    ) -> Option<StatementKind> {
        let range = self.typed(range);
        let step = step.map(|s| {
            let expected = Ty { kind: Kind::Number, ..range.ty.clone() };
            self.infer.typed_one(&mut self.world, s, "the step", &expected)
        });
        if let (Some(s), false) = (&step, range.ty.kind == Kind::Range || range.is_error()) {
            let d = Diagnostic::at(Code::E0401, s.span, "only a range has steps", "this is not a range");
            self.infer.diagnostics.push(d.label(range.span, format!("this is {}", range.ty.describe())));
        }
        if goes_nowhere(&range, step.as_ref()) {
            self.infer.diagnostics.push(errors::no_turn(range.span));
        }
        let depth = self.world.names.depth();
        let variables = self.loop_variables(variables, &range);
        let block = self.block(body);
        self.leave(depth, body, Within::Turn);
        Some(StatementKind::For { variables, range, step, block })
    }

    /// Declares what a loop runs through: one name for a number, or one for each field of a data set.
    fn loop_variables(&mut self, variables: &[Name], range: &Expr) -> Vec<LocalId> {
        let types: Vec<Ty> = match &range.ty.kind {
            Kind::Data { .. } => {
                let fields = self.fields(range);
                if fields.len() != variables.len() && !fields.is_empty() {
                    let names: Vec<&str> = fields.iter().map(|(n, _)| n.as_str()).collect();
                    let span = variables[0].span.to(variables[variables.len() - 1].span);
                    let message =
                        format!("this data set has {} fields, but the loop names {}", names.len(), variables.len());
                    self.infer.diagnostics.push(
                        Diagnostic::at(Code::E0402, span, message, "one name for each field is needed")
                            .help(format!("write `for ({}) in …`", names.join(", "))),
                    );
                } else {
                    self.refuse_other_places(variables, &fields);
                }
                fields.into_iter().map(|(_, ty)| ty).collect()
            }
            Kind::Number if variables.len() == 1 && range.ty.shape == Shape::Number => {
                self.infer.diagnostics.push(errors::one_turn(&range.ty, range.span));
                Vec::new()
            }
            Kind::Number if matches!(&range.kind, ExprKind::List(items) if items.is_empty()) => {
                self.infer.diagnostics.push(errors::nothing_to_go_through(range.span));
                Vec::new()
            }
            Kind::Range | Kind::Number if variables.len() == 1 => {
                let one = if range.ty.shape == Shape::Matrix { Shape::Array } else { Shape::Number };
                vec![Ty { kind: Kind::Number, ..range.ty.clone() }.shaped(one)]
            }
            Kind::Error => Vec::new(),
            _ => {
                let wanted = if variables.len() == 1 { "a range, an array or a data set" } else { "a data set" };
                self.infer.diagnostics.push(errors::wrong_kind(wanted, &range.ty, range.span));
                Vec::new()
            }
        };
        let mut out = Vec::new();
        for (i, name) in variables.iter().enumerate() {
            out.push(self.world.declare(&mut self.infer, name, types.get(i).cloned().unwrap_or(Ty::error())));
        }
        out
    }

    /// Refuses names of fields for other fields than these: a loop takes them by their places.
    fn refuse_other_places(&mut self, variables: &[Name], fields: &[(String, Ty)]) {
        let other = |(name, (field, _)): &(&Name, &(String, Ty))| {
            name.text != *field && fields.iter().any(|(f, _)| *f == name.text)
        };
        if let Some((name, (field, _))) = variables.iter().zip(fields).find(other) {
            let message = format!("`{}` would be the field `{field}`", name.text);
            let names: Vec<&str> = fields.iter().map(|(n, _)| n.as_str()).collect();
            self.infer.diagnostics.push(
                Diagnostic::at(Code::E0402, name.span, message, "a loop takes the fields in their order")
                    .help(format!("write `for ({}) in …`", names.join(", "))),
            );
        }
    }

    /// Returns the fields of a data set; one that has parts is not a data set yet.
    fn fields(&mut self, data: &Expr) -> Vec<(String, Ty)> {
        match &data.ty.kind {
            Kind::Data { fields, parts } if parts.is_empty() => {
                fields.iter().map(|(name, dim)| (name.clone(), Ty::number(*dim))).collect()
            }
            Kind::Data { parts, .. } => {
                let parts: Vec<String> = parts.iter().map(|p| format!("`.{p}`")).collect();
                self.infer.diagnostics.push(
                    Diagnostic::at(Code::E0401, data.span, "which part of this data set?", "has parts")
                        .help(format!("choose one: {}", parts.join(" or "))),
                );
                Vec::new()
            }
            Kind::Error => Vec::new(),
            _ => {
                self.infer.diagnostics.push(errors::wrong_kind("a data set", &data.ty, data.span));
                Vec::new()
            }
        }
    }

    /// `e over data { … }`
    pub(super) fn over(&mut self, e: &ast::Expr, over: &ast::Over) -> (Expr, Over) {
        let depth = self.world.names.depth();
        let data = self.typed(&over.data);
        let mut fields = Vec::new();
        for (field, ty) in self.fields(&data) {
            fields.push(self.world.add(&Name { text: field, span: over.data.span }, ty, false));
        }
        let block = self.block(&over.body);
        let mut parts = Vec::new();
        let value = match super::gather::all(e) {
            // `all(x)`: a row for each example.
            Some(inner) => {
                let inner = self.infer.typed_number(&mut self.world, inner);
                super::gather::rows(inner, e.span, &mut parts)
            }
            None => {
                let value = self.typed(e);
                outermost(value, &mut parts)
            }
        };
        self.leave(depth, &over.body, Within::Turn);
        let differs = |e: &Expr| match &e.kind {
            ExprKind::Variable { .. } => true,
            ExprKind::Local(id) => fields.contains(id),
            _ => false,
        };
        if let Some(span) = parts.iter().find_map(|part| nested(part, &differs)) {
            let message = "a function of all examples within another one";
            self.infer.diagnostics.push(
                Diagnostic::at(Code::E0401, span, message, "would be that of the examples that are shown at once")
                    .help("gather first: `let x = all(…) over …`, and apply functions to `x`; or give each example its own by `total(…)`"),
            );
        }
        if parts.is_empty() && !value.is_error() {
            self.infer.diagnostics.push(
                Diagnostic::at(Code::E0401, e.span, "how shall the examples be put together?", "one value for each")
                    .help("write `mean(…)`, `sum(…)` or `all(…)` around it"),
            );
        }
        (value, Over { data, fields, block, parts })
    }
}
