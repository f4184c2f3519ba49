//! Worlds of an experiment: made, reset, acted in and assigned to.

use super::run::Run;
use crate::diag::{Code, Diagnostic};
use crate::elaborate::whole;
use crate::evaluate::{Attempt, Scope, Turns, fail, one_for_examples};
use crate::hir::Op;
use crate::hir::experiment::model::{Action, BlockId, Environment, Environs, Statement, StatementKind, Target};
use crate::hir::network::model::{Parameter, Value as Written};
use crate::hir::typed::{Expr, LocalId};
use crate::source::Span;
use crate::units::Dim;
use crate::value::{EnvironmentState, Quantity, Value, extent};
use cranelift_entity::EntityRef;
use std::sync::Arc;

impl Run<'_> {
    /// `world grid = Grid(size = 7)`
    pub(super) fn environment(&mut self, of: &Environs) -> Attempt<()> {
        for e in of.args.iter().flatten() {
            self.start_rates_in(e)?;
        }
        let args = self.arguments(&of.name, &of.model.params, &of.args)?.into_iter().zip(&of.args);
        let place = |e: &Option<Expr>| e.as_ref().map_or(of.model.span, |e| e.span);
        let args = args.map(|(v, e)| v.map(|v| one_world(v, place(e))).transpose());
        let args = args.collect::<Attempt<Vec<Option<Value>>>>()?;
        let Some(model) = self.runner.module.environments.get_index_of(&of.model.name) else {
            crate::ice!("a world that is not declared")
        };
        self.only_parameters(of)?;
        let mut made = EnvironmentState { model, locals: vec![None; of.model.locals.len()] };
        self.give(&of.model.params, given(&of.args, args), &mut made.locals, of.model.span)?;
        Actor { run: self, model: &of.model, locals: &mut made.locals }.put_back()?;
        self.set_local(of.id, Value::Environment(Arc::new(made)));
        Ok(())
    }

    /// Arguments of what an experiment makes under a name, where those of the command line take the place of others.
    pub(super) fn arguments(
        &self,
        name: &str,
        params: &[Parameter],
        args: &[Option<Expr>],
    ) -> Attempt<Vec<Option<Value>>> {
        let mut values = Vec::new();
        for (p, e) in params.iter().zip(args) {
            let given = e.as_ref().map(|e| self.eval(e)).transpose()?;
            if let (Some(value), Some(e)) = (&given, e) {
                whole(p, value, e.span)?;
            }
            let path = format!("{name}.{}", p.name);
            let set = match self.runner.settings.overrides.iter().any(|o| o.path == path) {
                true => {
                    let default = given.clone().or_else(|| p.default.as_ref().and_then(|e| self.eval(e).ok()));
                    self.overridden(&path, default.as_ref())?
                }
                false => None,
            };
            values.push(set.or(given));
        }
        Ok(values)
    }

    /// Refuses options that name nothing of a world.
    fn only_parameters(&self, of: &Environs) -> Attempt<()> {
        let prefix = format!("{}.", of.name);
        let unknown =
            self.runner.settings.overrides.iter().find(|o| {
                o.path.strip_prefix(&prefix).is_some_and(|rest| of.model.params.iter().all(|p| p.name != rest))
            });
        let Some(o) = unknown else { return Ok(()) };
        let message = format!("`--set {}` names no parameter of world `{}`", o.path, of.model.name);
        let names: Vec<String> = of.model.params.iter().map(|p| format!("`{}`", p.name)).collect();
        let note = if names.is_empty() { "it has none".into() } else { format!("it has {}", names.join(", ")) };
        Err(Box::new(Diagnostic::new(Code::E0804, message).note(note)))
    }

    /// Gives parameters their values, or their defaults, which may name those before them.
    fn give(
        &self,
        params: &[Parameter],
        args: Vec<Option<(Value, Span)>>,
        locals: &mut [Option<Value>],
        span: Span,
    ) -> Attempt<()> {
        for (p, given) in params.iter().zip(args) {
            let (value, at) = match (given, &p.default) {
                (Some(given), _) => given,
                (None, Some(e)) => (Scope::new(&self.surface(), locals).eval(e)?, p.span),
                (None, None) => return fail(Code::E0212, span, format!("`{}` has no value", p.name), "value missing"),
            };
            whole(p, &value, at)?;
            locals[p.id.index()] = Some(value);
        }
        Ok(())
    }

    /// Changes a world that has a name: nobody else has it as it is then.
    fn within<T>(&mut self, id: LocalId, span: Span, change: impl FnOnce(&mut Actor) -> Attempt<T>) -> Attempt<T> {
        let Some(Value::Environment(mut world)) = self.locals[id.index()].take() else { return no_value(span) };
        let module = self.runner.module;
        let Some((_, model)) = module.environments.get_index(world.model) else {
            crate::ice!("a world that is not declared")
        };
        let outcome = change(&mut Actor { run: self, model, locals: &mut Arc::make_mut(&mut world).locals });
        self.locals[id.index()] = Some(Value::Environment(world));
        outcome
    }

    /// `reset grid`
    pub(super) fn reset_environment(&mut self, id: LocalId, span: Span) -> Attempt<()> {
        self.within(id, span, |actor| actor.put_back())
    }

    /// `grid.act(a)`
    pub(super) fn act(&mut self, id: LocalId, action: usize, args: &[Option<Expr>], span: Span) -> Attempt<()> {
        for e in args.iter().flatten() {
            self.start_rates_in(e)?;
        }
        // One number is put where the last one is.
        let numbers = self.with(|s| Ok(args.iter().map(|e| s.scalar(e.as_ref()?)).collect::<Option<Vec<f64>>>()))?;
        let one = |e: &Expr| one_world(self.eval(e)?, e.span);
        let each = || args.iter().map(|e| e.as_ref().map(one).transpose()).collect::<Attempt<Vec<_>>>();
        let values = if numbers.is_some() { Vec::new() } else { each()? };
        self.within(id, span, |actor| {
            let model = actor.model;
            let Action { params, block, .. } = &model.actions[action];
            match numbers {
                Some(numbers) => actor.tell(params, &numbers, args)?,
                None => actor.run.give(params, given(args, values), actor.locals, span)?,
            }
            actor.block(*block)
        })
    }

    /// `grid.x = e`
    pub(super) fn set_in_environment(
        &mut self,
        (id, state, index): (LocalId, LocalId, &[Expr]),
        op: Option<Op>,
        value: &Written,
        span: Span,
    ) -> Attempt<()> {
        let new = one_number_of(self.written(value)?, value.span())?;
        let old = match &self.locals[id.index()] {
            Some(Value::Environment(world)) => quantity_of(&world.locals, state, span)?,
            _ => return no_value(span),
        };
        let places = self.with(|s| s.places(old, index, span))?;
        self.within(id, span, |actor| actor.assign(state, (&places, index), op, new, span))
    }
}

/// A world in which something happens.
struct Actor<'r, 'a> {
    run: &'r Run<'a>,
    model: &'r Environment,
    locals: &'r mut [Option<Value>],
}

impl Actor<'_, '_> {
    fn with<T>(&self, f: impl FnOnce(&Scope) -> Attempt<T>) -> Attempt<T> {
        let surface = self.run.surface();
        f(&Scope::new(&surface, self.locals))
    }

    /// Gives states their first values, and does what follows.
    fn put_back(&mut self) -> Attempt<()> {
        for (id, value) in &self.model.states {
            let q = self.value(value)?;
            let local = &self.model.locals[*id];
            let q = one_number_of(q, value.span())?;
            let q = Quantity { unit: local.ty.unit.clone().or(q.unit), ..q };
            self.finite(*id, &q, value.span())?;
            self.locals[id.index()] = Some(q.into());
        }
        match self.model.on_reset() {
            Some(action) => self.block(action.block),
            None => Ok(()),
        }
    }

    fn value(&self, value: &Written) -> Attempt<Quantity> {
        match value {
            Written::Expr(e) => self.with(|s| s.quantity(e)),
            Written::Drawn(d) => self.run.draw_among(self.locals, d),
        }
    }

    fn block(&mut self, block: BlockId) -> Attempt<()> {
        let model = self.model;
        model.blocks[block].iter().try_for_each(|s| self.statement(s))
    }

    fn statement(&mut self, s: &Statement) -> Attempt<()> {
        match &s.kind {
            StatementKind::Let(id, Written::Expr(e)) => match self.with(|s| Ok(s.scalar(e)))? {
                Some(v) if self.put(*id, v) => Ok(()),
                _ => {
                    self.locals[id.index()] = Some(self.with(|s| s.eval(e))?);
                    Ok(())
                }
            },
            StatementKind::Let(id, drawn) => {
                self.locals[id.index()] = Some(self.value(drawn)?.into());
                Ok(())
            }
            StatementKind::Set(Target::Local(id, index), op, value) => self.set(*id, index, *op, value, s.span),
            StatementKind::If(condition, a, b) => {
                let chosen = if self.with(|s| s.truth(condition))? { *a } else { *b };
                self.block(chosen)
            }
            StatementKind::For { variables, range, step, block } => {
                let turns = self.with(|s| Turns::over(s, s.eval(range)?, range, step.as_ref()))?;
                for k in 0..turns.count() {
                    self.run.heed_interrupt()?;
                    self.locals[variables[0].index()] = Some(turns.at(k));
                    self.block(*block)?;
                }
                Ok(())
            }
            StatementKind::Repeat { most, until, block } => {
                for _ in 0..self.with(|s| s.size(most))? {
                    self.run.heed_interrupt()?;
                    self.block(*block)?;
                    if let Some(e) = until
                        && self.with(|s| s.truth(e))?
                    {
                        break;
                    }
                }
                Ok(())
            }
            _ => crate::ice!("a statement that cannot stand in a world"),
        }
    }

    /// Gives arguments that are numbers their values.
    fn tell(&mut self, params: &[Parameter], numbers: &[f64], args: &[Option<Expr>]) -> Attempt<()> {
        for ((p, v), e) in params.iter().zip(numbers).zip(args) {
            if (p.whole && v.fract() != 0.0) || !self.put(p.id, *v) {
                let value = Quantity::number(*v, p.ty.dim.unwrap_or(Dim::ONE), p.ty.unit.clone()).into();
                whole(p, &value, e.as_ref().map_or(p.span, |e| e.span))?;
                self.locals[p.id.index()] = Some(value);
            }
        }
        Ok(())
    }

    /// Puts a number where one is already; says whether it could.
    fn put(&mut self, id: LocalId, v: f64) -> bool {
        match &mut self.locals[id.index()] {
            Some(Value::Quantity(q)) if q.is_single() => {
                Arc::make_mut(&mut q.data)[0] = v;
                true
            }
            _ => false,
        }
    }

    fn set(&mut self, id: LocalId, index: &[Expr], op: Option<Op>, value: &Written, span: Span) -> Attempt<()> {
        if let (Written::Expr(e), []) = (value, index)
            && let Some(v) = self.with(|s| Ok(s.scalar(e)))?
            && let Some(Value::Quantity(old)) = &self.locals[id.index()]
            && let Some(old) = old.single()
        {
            let new = match op {
                None => v,
                Some(Op::Add) => old + v,
                Some(Op::Sub) => old - v,
                Some(Op::Mul) => old * v,
                _ => old / v,
            };
            if new.is_finite() && self.put(id, new) {
                return Ok(());
            }
        }
        let new = self.value(value)?;
        let places = self.with(|s| s.places(quantity_of(self.locals, id, span)?, index, span))?;
        self.assign(id, (&places, index), op, new, span)
    }

    /// Gives a state, or elements of one, other values of the same shape.
    fn assign(
        &mut self,
        id: LocalId,
        which: (&[usize], &[Expr]),
        op: Option<Op>,
        new: Quantity,
        span: Span,
    ) -> Attempt<()> {
        let Some(Value::Quantity(old)) = self.locals[id.index()].take() else { return no_value(span) };
        let (shape, unit) = (old.shape.clone(), old.unit.clone());
        let q = super::assign::assigned(old, which, op, new, span)?;
        if q.shape != shape && self.model.states.iter().any(|(state, _)| *state == id) {
            let before = Quantity { shape, ..q.clone() };
            let message = format!("{} where there was {}", shape_of(&q), shape_of(&before));
            let d = Diagnostic::at(Code::E0403, span, message, "another shape");
            return Err(Box::new(d.help("a state of a world keeps its shape")));
        }
        self.finite(id, &q, span)?;
        self.locals[id.index()] = Some(Quantity { unit: unit.or(q.unit.clone()), ..q }.into());
        Ok(())
    }

    fn finite(&self, id: LocalId, q: &Quantity, span: Span) -> Attempt<()> {
        let Some(bad) = q.data.iter().find(|v| !v.is_finite()) else { return Ok(()) };
        let message = format!("`{}` of world `{}` would be {bad}", self.model.locals[id].name, self.model.name);
        let d = Diagnostic::at(Code::E0801, span, message, "not a finite number");
        Err(Box::new(d.help("look for a division by zero, or for something that grows without bound")))
    }
}

/// A value that a world can take: there is one world, however many examples a network has.
fn one_world(value: Value, span: Span) -> Attempt<Value> {
    match value {
        Value::Quantity(q) => Ok(one_number_of(q, span)?.into()),
        other => Ok(other),
    }
}

fn one_number_of(q: Quantity, span: Span) -> Attempt<Quantity> {
    one_for_examples(&q, span)?;
    Ok(Quantity { rows: None, ..q })
}

fn quantity_of(locals: &[Option<Value>], id: LocalId, span: Span) -> Attempt<&Quantity> {
    match &locals[id.index()] {
        Some(Value::Quantity(q)) => Ok(q),
        _ => no_value(span),
    }
}

fn no_value<T>(span: Span) -> Attempt<T> {
    fail(Code::E0811, span, "this has no value yet", "was not made before this")
}

/// Values with the places where they are written.
fn given(args: &[Option<Expr>], values: Vec<Option<Value>>) -> Vec<Option<(Value, Span)>> {
    let place = |e: &Option<Expr>| e.as_ref().map_or(Span::default(), |e| e.span);
    values.into_iter().zip(args).map(|(v, e)| v.map(|v| (v, place(e)))).collect()
}

fn shape_of(q: &Quantity) -> String {
    if q.shape.is_empty() { "one number".into() } else { extent(&q.shape) }
}
