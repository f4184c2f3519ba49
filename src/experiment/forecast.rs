//! How much time an experiment will let pass, as far as its text and parameters say before it runs.

use super::run::{Run, turn};
use crate::evaluate::{Scope, Turns};
use crate::hir::experiment::model::{BlockId, StatementKind, Target};
use crate::hir::network::model::Value as Written;
use crate::hir::typed::{Expr, ExprKind, LocalId};
use crate::value::Value;

/// Statements that are looked at, those of loops in each of their turns.
const MOST: usize = 20_000;

impl Run<'_> {
    /// Returns the time of all `run`s together; none where it follows from what is simulated, or is too long a story.
    pub(super) fn forecast(&self) -> Option<f64> {
        let mut forecast = Forecast { run: self, locals: self.locals.clone(), dt: self.dt, left: MOST };
        forecast.block(0).filter(|t| *t > 0.0 && t.is_finite())
    }
}

struct Forecast<'r, 'a> {
    run: &'r Run<'a>,
    /// Values as far as they are known.
    locals: Vec<Option<Value>>,
    dt: f64,
    left: usize,
}

impl Forecast<'_, '_> {
    fn with<T>(&self, e: &Expr, f: impl FnOnce(&Scope) -> Option<T>) -> Option<T> {
        is_plain(e).then(|| f(&Scope::new(&self.run.surface(), &self.locals))).flatten()
    }

    fn number(&self, e: &Expr) -> Option<f64> {
        self.with(e, |s| s.number(e).ok())
    }

    fn block(&mut self, id: BlockId) -> Option<f64> {
        let experiment = self.run.experiment;
        let mut sum = 0.0;
        for s in &experiment.blocks[id] {
            self.left = self.left.checked_sub(1)?;
            sum += self.statement(&s.kind)?;
        }
        Some(sum)
    }

    fn statement(&mut self, s: &StatementKind) -> Option<f64> {
        use StatementKind as S;
        Some(match s {
            S::Run(e) => self.number(e)?,
            S::Step => self.dt,
            S::Settle(..) => return None,
            S::Dt(e) => {
                if !self.run.runner.settings.overrides.iter().any(|o| o.path == "dt") {
                    self.dt = self.number(e)?;
                }
                0.0
            }
            S::Let(id, Written::Expr(e)) => {
                self.locals[id.as_u32() as usize] = self.with(e, |s| s.eval(e).ok());
                0.0
            }
            S::Let(id, _) => {
                self.locals[id.as_u32() as usize] = None;
                0.0
            }
            S::Set(Target::Local(id, index), op, Written::Expr(e)) if index.is_empty() => {
                let value = op.is_none().then(|| self.with(e, |s| s.eval(e).ok())).flatten();
                self.locals[id.as_u32() as usize] = value;
                0.0
            }
            S::Set(Target::Local(id, _), ..) | S::Measure(id, _, None) => {
                self.locals[id.as_u32() as usize] = None;
                0.0
            }
            S::Measure(id, _, Some(over)) | S::LetOver(id, _, over) => {
                self.locals[id.as_u32() as usize] = None;
                // How many examples there are is known when they are read.
                if self.block(over.block)? > 0.0 {
                    return None;
                }
                0.0
            }
            S::For { variables, range, step, block } => {
                if !self.lets_time_pass(*block) {
                    self.forget(*block);
                    return Some(0.0);
                }
                if !step.as_ref().is_none_or(is_plain) {
                    return None;
                }
                let turns = self.with(range, |s| {
                    let over = s.eval(range).ok()?;
                    Turns::over(s, over, range, step.as_ref()).ok()
                })?;
                self.turns(variables, &[turns], *block)?
            }
            S::Sweep(list, block) => {
                let of = list
                    .iter()
                    .map(|(_, range)| self.with(range, |s| Turns::over(s, s.eval(range).ok()?, range, None).ok()));
                let of = of.collect::<Option<Vec<Turns>>>()?;
                let names: Vec<_> = list.iter().map(|(id, _)| *id).collect();
                self.turns(&names, &of, *block)?
            }
            S::Repeat { most, until, block } => self.repeat(most, until.is_some(), *block)?,
            S::If(condition, a, b) => match self.with(condition, |s| s.truth(condition).ok()) {
                Some(true) => self.block(*a)?,
                Some(false) => self.block(*b)?,
                None => {
                    let time = self.block(*a)?;
                    if self.block(*b)? != time {
                        return None;
                    }
                    self.forget(*a);
                    self.forget(*b);
                    time
                }
            },
            S::Window(_, block) => self.block(*block)?,
            _ => 0.0,
        })
    }

    fn repeat(&mut self, most: &Expr, may_end: bool, block: BlockId) -> Option<f64> {
        if !self.lets_time_pass(block) {
            self.forget(block);
            return Some(0.0);
        }
        let most = self.number(most)?;
        if may_end {
            return None;
        }
        let mut assigned = Vec::new();
        self.assigned(block, &mut assigned);
        if assigned.is_empty() {
            return Some(most * self.block(block)?);
        }
        let mut sum = 0.0;
        for _ in 0..most as u64 {
            sum += self.block(block)?;
        }
        Some(sum)
    }

    /// Returns whether a `run`, `step` or `settle` stands in a block.
    fn lets_time_pass(&self, block: BlockId) -> bool {
        self.run.experiment.blocks[block].iter().any(|s| match &s.kind {
            StatementKind::Run(_) | StatementKind::Step | StatementKind::Settle(..) => true,
            other => other.blocks().into_iter().any(|b| self.lets_time_pass(b)),
        })
    }

    /// Collects the names that a block gives values.
    fn assigned(&self, block: BlockId, out: &mut Vec<LocalId>) {
        for s in &self.run.experiment.blocks[block] {
            match &s.kind {
                StatementKind::Set(Target::Local(id, _), ..)
                | StatementKind::Let(id, _)
                | StatementKind::LetOver(id, ..)
                | StatementKind::Measure(id, ..) => out.push(*id),
                _ => {}
            }
            s.kind.blocks().into_iter().for_each(|b| self.assigned(b, out));
        }
    }

    /// What a block does to names is not known any more.
    fn forget(&mut self, block: BlockId) {
        let mut assigned = Vec::new();
        self.assigned(block, &mut assigned);
        assigned.into_iter().for_each(|id| self.locals[id.as_u32() as usize] = None);
    }

    fn turns(&mut self, names: &[LocalId], of: &[Turns], block: BlockId) -> Option<f64> {
        let mut sum = 0.0;
        for k in 0.. {
            let Some(values) = turn(of, k) else { break };
            for (id, value) in names.iter().zip(values) {
                self.locals[id.as_u32() as usize] = Some(value);
            }
            sum += self.block(block)?;
        }
        Some(sum)
    }
}

/// Returns whether a value follows at once from names and numbers, without data, networks or random numbers.
fn is_plain(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::Text(_) | ExprKind::Local(_) | ExprKind::All => true,
        ExprKind::Neg(a) | ExprKind::Not(a) => is_plain(a),
        ExprKind::Binary(_, a, b) | ExprKind::In(a, b) | ExprKind::Range(a, b) | ExprKind::Stepped(a, b) => {
            is_plain(a) && is_plain(b)
        }
        ExprKind::If(c, a, b) => is_plain(c) && is_plain(a) && is_plain(b),
        ExprKind::List(list) | ExprKind::Function(_, list) => list.iter().all(is_plain),
        ExprKind::Element(of, list) => is_plain(of) && list.iter().all(is_plain),
        ExprKind::Call(builtin, args, named) => {
            // Few values: what is computed here is computed again when its turn comes.
            let few = |n: &Expr| matches!(n.kind, ExprKind::Number(n) if n <= MOST as f64);
            match builtin.name {
                "linspace" => args.iter().flatten().all(is_plain) && args.iter().flatten().last().is_some_and(few),
                "len" => args.iter().flatten().all(is_plain) && named.is_empty(),
                _ => false,
            }
        }
        _ => false,
    }
}
