//! Worlds that an agent acts in: states, what follows from them, what actions do, and when an episode is over.

use super::Checker;
use super::model::{Action, Environment};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hir::infer::Infer;
use crate::hir::network::model::{Value, Within};
use crate::hir::typed::{Expr, ExprKind, LocalId};
use crate::hir::{Kind, Module, Ty, errors, resolve_unit};
use crate::syntax::ast::{self, Command, CommandKind, Name, WorldItem};

/// Checks a world.
pub(in crate::hir) fn check_environment(module: &Module, w: &ast::World, diagnostics: &mut Diagnostics) -> Environment {
    let infer = Infer::new(module, diagnostics);
    let mut c = Checker::new(infer);
    let mut out = Environment { name: w.name.text.clone(), span: w.name.span, ..Environment::default() };
    out.params = c.world.formals(&mut c.infer, &w.formals);
    for item in &w.body {
        match item {
            WorldItem::State(name, unit, value) => out.states.push(c.state(name, unit.as_ref(), value)),
            WorldItem::Let(name, e) => out.lets.push((name.text.clone(), c.follows(name, e))),
            WorldItem::Action(_) | WorldItem::Done(_) => {}
        }
    }
    for item in &w.body {
        let WorldItem::Done(e) = item else { continue };
        let condition = c.infer.typed_condition(&mut c.world, e);
        // Said twice, or a state's name.
        let name = Name { text: "done".into(), span: e.span };
        let id = c.world.declare_member(&mut c.infer, &name, condition.ty.clone());
        c.world.locals[id].stands_for = Some(condition.clone());
        out.done = Some(condition);
    }
    for item in &w.body {
        let WorldItem::Action(a) = item else { continue };
        if let Some(first) = out.actions.iter().find(|other| other.name == a.name.text) {
            c.infer.diagnostics.push(errors::declared_twice(&a.name.text, a.name.span, first.span));
        }
        out.actions.push(c.action(a));
    }
    Environment { blocks: c.blocks, locals: c.world.locals, ..out }
}

impl Checker<'_> {
    fn state(&mut self, name: &Name, unit: Option<&ast::UnitExpr>, value: &ast::Value) -> (LocalId, Value) {
        let declared = unit.and_then(|u| resolve_unit(self.infer.module, u, self.infer.diagnostics)).map(Ty::in_unit);
        let (value, ty) = match value {
            ast::Value::Expr(e) => {
                let e = self.infer.typed_number(&mut self.world, e);
                let ty = e.ty.clone();
                (Value::Expr(e), ty)
            }
            ast::Value::Distribution(d) => match self.world.distribution(&mut self.infer, d) {
                Some((drawn, ty)) => (Value::Drawn(drawn), ty),
                None => (Value::Expr(Expr::error(d.call.span)), Ty::error()),
            },
        };
        let ty = match declared {
            Some(declared) if ty.is_error() || ty.same_dim(&declared) => declared.shaped(ty.shape),
            Some(declared) => {
                let what = format!("`{}`", name.text);
                let d = errors::wrong_unit(&what, &declared, &ty, value.span(), Some(name.span));
                self.infer.diagnostics.push(d);
                declared
            }
            None => ty,
        };
        let id = self.world.declare_member(&mut self.infer, name, ty);
        self.world.locals[id].mutable = true;
        (id, value)
    }

    /// `let place = x + size * y`: written out wherever it is read.
    fn follows(&mut self, name: &Name, e: &ast::Expr) -> Expr {
        let typed = self.typed(e);
        self.must_be(&typed, |k| matches!(k, Kind::Number | Kind::Bool), "a number or a truth value");
        let id = self.world.declare_member(&mut self.infer, name, typed.ty.clone());
        self.world.locals[id].stands_for = Some(typed.clone());
        typed
    }

    fn action(&mut self, a: &ast::Action) -> Action {
        let depth = self.world.names.depth();
        if let (Action::RESET, Some(first)) = (a.name.text.as_str(), a.formals.first()) {
            let d =
                Diagnostic::at(Code::E0402, first.name.span, "nothing is told to a world that is reset", "an argument");
            self.infer.diagnostics.push(d.help("write `on reset { … }`, or give the action another name"));
        }
        let params = self.world.formals(&mut self.infer, &a.formals);
        refuse_what_does_not_compute(&a.body, self.infer.diagnostics);
        let block = self.block(&a.body);
        self.leave(depth, &a.body, Within::Branch);
        Action { name: a.name.text.clone(), params, block, span: a.name.span }
    }

    /// Finds the world that a name stands for, which may change if it is to act.
    pub(super) fn environment(&mut self, of: &Name) -> Option<(LocalId, std::sync::Arc<Environment>)> {
        let e = self.typed(&ast::Expr { kind: ast::ExprKind::Name(of.text.clone()), span: of.span });
        let (ExprKind::Local(id), Kind::Environment(model)) = (&e.kind, &e.ty.kind) else {
            if !e.is_error() {
                let d = errors::wrong_kind("a world, which can act", &e.ty, e.span);
                self.infer.diagnostics.push(d.help(
                    "only worlds have actions; an array does not grow, but a `measure` that is taken several times is the series of its \
                     values",
                ));
            }
            return None;
        };
        let local = &self.world.locals[*id];
        if !local.mutable {
            let d = Diagnostic::at(Code::E0207, of.span, format!("`{}` never changes", of.text), "a `let`");
            let d = d.label(local.span, "declared here");
            self.infer.diagnostics.push(d.help("let the world itself act, as it was named by `world`"));
            return None;
        }
        Some((*id, self.infer.module.environments.get(model)?.clone()))
    }
}

/// Worlds compute: they have no networks, no time that passes and no results of their own.
fn refuse_what_does_not_compute(body: &[Command], diagnostics: &mut Diagnostics) {
    for c in body {
        match &c.kind {
            CommandKind::Let(_, _, None)
            | CommandKind::Var(..)
            | CommandKind::Set { .. }
            | CommandKind::If(..)
            | CommandKind::For { .. }
            | CommandKind::Repeat { .. } => {
                c.kind.blocks().into_iter().for_each(|b| refuse_what_does_not_compute(b, diagnostics));
            }
            _ => {
                let d = Diagnostic::at(Code::E0401, c.span, "this cannot stand in a world", "not a computation");
                let help = "a world has assignments, `let`, `var`, `if`, `for` and `repeat`; networks and results belong to the experiment";
                diagnostics.push(d.help(help));
            }
        }
    }
}
