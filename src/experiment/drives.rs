//! Builds the drives of a network: Poisson events and given spikes.

use super::Attempt;
use super::columns::column;
use super::elaborate::Elaborator;
use super::eval::{Scope, fail};
use super::time::{mentions, time_function};
use super::value::Value;
use crate::diag::Code;
use crate::plan::{Column, Drive, DriveKind};
use crate::syntax::ast::{self, Clause, Process};
use std::sync::Arc;

impl Elaborator<'_> {
    /// Adds a drive.
    pub fn drive(&mut self, d: &ast::Drive, names: &[(String, Value)]) -> Attempt<()> {
        for target in &d.targets {
            let (post, port) = self.resolve(target, names)?;
            let stream = self.stream();
            let population = &self.live[self.index].plan.populations[post.view.population];
            let Some(port) = population.model.var(&port) else {
                return fail(Code::E0602, target.span, format!("`{port}` is not a port"), "here");
            };
            let scope = self.scope(names);
            let mut weight = Column::Const(1.0);
            let mut delay = self.dt;
            let mut kind = None;
            for c in &d.clauses {
                if let Clause::Delay(ast::Value::Expr(e), ..) = c {
                    delay = scope.number(e)?;
                }
            }
            for c in &d.clauses {
                match c {
                    Clause::Random(process, e) if mentions(e, "t") => {
                        let f = time_function(&self.scope(names), e);
                        self.live[self.index].rates.push(f);
                        kind = Some(DriveKind::RandomOf(*process, self.live[self.index].rates.len() - 1));
                    }
                    Clause::Random(process, e) => {
                        let rate = ast::Value::Expr(e.clone());
                        let rate = column(&self.scope(names), &rate, post.view.n, &stream)?;
                        let most = (0..post.view.n).map(|i| rate.at(i) * self.dt).fold(0.0, f64::max);
                        if *process == Process::Bernoulli && most > 1.0 {
                            let reason = format!("{most:.3} events per step");
                            return fail(
                                Code::E0605,
                                e.span,
                                "a Bernoulli process sends at most one event per step",
                                reason,
                            );
                        }
                        kind = Some(DriveKind::Random(*process, rate));
                    }
                    Clause::Spikes(e) => {
                        let shift = (delay / self.dt).round() as i64 - 1;
                        kind = Some(DriveKind::Spikes(Arc::new(self.spike_list(&self.scope(names), e, shift)?)));
                    }
                    _ => {}
                }
            }
            let scope = self.scope(names);
            for c in &d.clauses {
                let Clause::Weight(v, _) = c else { continue };
                // A list of weights belongs to the spikes, one each.
                if let (ast::Value::Expr(e), Some(DriveKind::Spikes(list))) = (v, &kind) {
                    let q = scope.quantity(e)?;
                    if !q.scalar && list.len() == q.data.len() {
                        let list = list.iter().zip(q.data.iter()).map(|((s, c, _), w)| (*s, *c, *w)).collect();
                        kind = Some(DriveKind::Spikes(Arc::new(list)));
                        continue;
                    }
                }
                weight = column(&scope, v, post.view.n, &stream)?;
            }
            let Some(kind) = kind else {
                return fail(Code::E0605, d.span, "this drive sends nothing", "no `poisson`, `bernoulli` or `spikes`");
            };
            self.plan().drives.push(Drive { post: post.view, port, kind, weight });
        }
        Ok(())
    }

    /// Spikes at given times, or rows of a table with columns `time` (in ms) and `cell`.
    fn spike_list(&self, scope: &Scope, e: &ast::Expr, shift: i64) -> Attempt<Vec<(u64, Option<u32>, f64)>> {
        // An input spike at time t acts at the end of the step that ends at t + delay.
        let step = |t: f64| ((t / self.dt).round() as i64 + shift).max(0) as u64;
        let mut out: Vec<(u64, Option<u32>, f64)> = match scope.eval(e)? {
            Value::Table(t) => {
                let column = |n: &str| match t.numbers(n) {
                    Ok(v) => Ok(v),
                    Err(reason) => fail(Code::E0803, e.span, "this table is not a spike list", reason),
                };
                let (times, cells) = (column("time")?, column("cell")?);
                times.iter().zip(cells).map(|(t, c)| (step(*t), Some(c as u32), 1.0)).collect()
            }
            _ => scope.quantity(e)?.data.iter().map(|t| (step(*t), None, 1.0)).collect(),
        };
        out.sort_by_key(|s| s.0);
        Ok(out)
    }
}
