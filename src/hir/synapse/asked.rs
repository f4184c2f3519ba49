//! What handlers alone can ask for: `sum(w, over = pre)`, of all synapses of a cell, and draws.

use super::*;
use crate::hir::chance::Chance;

impl Checker<'_> {
    /// Checks a reduction over the synapses onto the same target, or from the same source; none if the name is not one.
    pub(super) fn reduction(
        &mut self,
        infer: &mut Infer,
        name: &str,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<(Expr, Ty)> {
        let how = Reduce::named(name)?;
        let refused = |infer: &mut Infer, d: Diagnostic| {
            infer.diagnostics.push(d);
            Some((Expr::Num(0.0), Ty::error()))
        };
        let [of, over] = args else {
            return refused(infer, errors::wrong_arity(name, "2", args.len(), span));
        };
        let over = match &over.value.kind {
            ast::ExprKind::Name(side) if side == "pre" => Side::Pre,
            ast::ExprKind::Name(side) if side == "post" => Side::Post,
            _ => {
                let message = format!("`{name}` goes over the synapses of a cell");
                let d = Diagnostic::at(Code::E0401, over.value.span, message, "neither `pre` nor `post`");
                let help = format!(
                    "`{name}(w, over = pre)`: all synapses onto the same target; `over = post`: all from the same source"
                );
                return refused(infer, d.help(help));
            }
        };
        if !matches!(self.handles, Some(Trigger::Signal(_))) {
            let message = format!("`{name}` over synapses has a value only at a signal");
            let d = Diagnostic::at(Code::E0401, span, message, "not in the handler of a signal");
            return refused(infer, d.help("write it in `on NAME { … }` and send `signal NAME` from the experiment"));
        }
        let (value, ty) = infer.number(self, &of.value);
        let own = |v: VarId| {
            matches!(self.out.vars[v].kind, VarKind::Weight | VarKind::State(_) | VarKind::Param(_) | VarKind::Let(_))
                && !self.out.is_of_signal(v)
        };
        let foreign = self.out.any(&value, &mut |e| match e {
            Expr::Var(v) => !own(*v),
            Expr::Noise(_) | Expr::Draw(..) | Expr::Time | Expr::Dt => true,
            _ => false,
        });
        if foreign {
            let message = format!("`{name}` over synapses is of what belongs to them");
            let d = Diagnostic::at(Code::E0401, of.value.span, message, "not of weights, states and parameters alone");
            return refused(infer, d);
        }
        let text = crate::hir::print::expression(&value, &self.out.vars, &|_| String::new());
        let side = if over == Side::Pre { "pre" } else { "post" };
        let text = format!("{name}({text}, over = {side})");
        let id = match self.out.var(&text) {
            Some(id) => id,
            None => {
                let kind = VarKind::State(Expr::Num(0.0));
                let dim = ty.dim.unwrap_or(Dim::ONE);
                let unit = ty.unit.clone();
                let id = self.out.vars.push(Var { name: text, kind, dim, unit, boolean: false, cable: None, span });
                self.out.reductions.insert(id, Reduction { how, over, of: value });
                id
            }
        };
        Some((Expr::Var(id), ty))
    }

    /// Checks a draw, which every synapse makes for itself. At a signal it is made before any handler runs.
    pub(super) fn draw(
        &mut self,
        infer: &mut Infer,
        (name, drawn): (&str, Chance),
        args: &[ast::Arg],
        span: Span,
    ) -> (Expr, Ty) {
        if self.handles.is_none() {
            infer.diagnostics.push(
                Diagnostic::at(Code::E0512, span, "a synapse draws in handlers only", "drawn outside a handler")
                    .help("use `xi` for white noise in an equation"),
            );
            return (Expr::Num(0.0), Ty::error());
        }
        let Some((drawn, ty)) = chance::arguments(infer, self, (name, drawn), args, span) else {
            return (Expr::Num(0.0), Ty::error());
        };
        let at_signal = matches!(self.handles, Some(Trigger::Signal(_)));
        let value = chance::expression(drawn, &mut |draw, a, b| {
            if !at_signal {
                self.out.n_draws += 1;
                return Expr::Draw(self.out.n_draws - 1, draw, vec![a, b]);
            }
            let name = format!("draw {}", self.out.draws.len() + 1);
            let kind = VarKind::State(Expr::Num(0.0));
            let unit = Some(Unit::one());
            let id = self.out.vars.push(Var { name, kind, dim: Dim::ONE, unit, boolean: false, cable: None, span });
            self.out.draws.insert(id, draw);
            self.out.scattered.insert(id);
            let width = match draw {
                Draw::Uniform => Expr::bin(Op::Sub, b, a.clone()),
                Draw::Normal => b,
            };
            Expr::bin(Op::Add, a, Expr::bin(Op::Mul, width, Expr::Var(id)))
        });
        (value, ty)
    }
}
