//! pest pairs to AST: statements of experiments.

use super::ast::*;
use super::grammar::Rule;
use super::lower::{Lowered, Lowerer, P, Parts, assign_op, unquote};
use crate::diag::{Code, Diagnostic};

impl Lowerer {
    pub(super) fn block(&self, pair: P) -> Lowered<Vec<Command>> {
        pair.into_inner().filter(|p| p.as_rule() == Rule::command).map(|c| self.command(c)).collect()
    }

    fn command(&self, pair: P) -> Lowered<Command> {
        let pair = if pair.as_rule() == Rule::command { self.parts(pair).next()? } else { pair };
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let keyword: String = pair.as_str().chars().take_while(|c| c.is_alphabetic()).collect();
        let mut p = self.parts(pair.clone());
        let kind = match rule {
            Rule::net_cmd => {
                let (name, model) = (self.name(&p.next()?), self.name(&p.next()?));
                let args = self.opt_args(&mut p)?;
                let batch = p.take(Rule::batch).map(|b| self.batch(b)).transpose()?;
                CommandKind::Network { name, model, args, batch }
            }
            Rule::world_cmd => {
                let (name, model) = (self.name(&p.next()?), self.name(&p.next()?));
                CommandKind::World { name, model, args: self.opt_args(&mut p)? }
            }
            Rule::act_cmd => {
                let (of, action) = (self.name(&p.next()?), self.name(&p.next()?));
                CommandKind::Act { of, action, args: self.opt_args(&mut p)? }
            }
            Rule::seed_cmd => CommandKind::Seed(self.expr(p.next()?)?),
            Rule::dt_cmd => CommandKind::Dt(self.expr(p.next()?)?),
            Rule::precision_cmd => CommandKind::Precision(self.name(&p.next()?)),
            Rule::data_cmd => CommandKind::Data(self.name(&p.next()?), self.expr(p.next()?)?),
            Rule::run_cmd => CommandKind::Run(self.expr(p.next()?)?),
            Rule::step_cmd => CommandKind::Step,
            Rule::record_cmd => self.record(p)?,
            Rule::at_cmd => {
                let time = self.expr(p.next()?)?;
                let body = p.next()?;
                let body = if body.as_rule() == Rule::block { self.block(body)? } else { vec![self.command(body)?] };
                CommandKind::At(time, body)
            }
            Rule::for_cmd => {
                let first = p.next()?;
                let variables = match first.as_rule() {
                    Rule::for_names => first.into_inner().map(|n| self.name(&n)).collect(),
                    _ => vec![self.name(&first)],
                };
                let (range, step) = match self.expr(p.next()?)? {
                    Expr { kind: ExprKind::Stepped(range, step), .. } => (*range, Some(*step)),
                    range => (range, None),
                };
                CommandKind::For { variables, range, step, body: self.block(p.next()?)? }
            }
            Rule::if_cmd => {
                let condition = self.expr(p.next()?)?;
                let then = self.block(p.next()?)?;
                let otherwise = match p.next() {
                    Err(_) => Vec::new(),
                    Ok(e) if e.as_rule() == Rule::block => self.block(e)?,
                    Ok(e) => vec![self.command(e)?],
                };
                CommandKind::If(condition, then, otherwise)
            }
            Rule::measure_cmd => {
                let (name, e) = (self.name(&p.next()?), self.expr(p.next()?)?);
                CommandKind::Measure(name, e, self.over(&mut p)?)
            }
            Rule::let_cmd => {
                let (name, value) = (self.name(&p.next()?), self.amount(&mut p)?);
                CommandKind::Let(name, value, self.over(&mut p)?)
            }
            Rule::var_cmd => CommandKind::Var(self.name(&p.next()?), self.value(p.next()?)?),
            Rule::repeat_cmd => {
                p.take(Rule::at_most);
                let most = self.expr(p.next()?)?;
                p.take(Rule::k_times);
                let until = p.take(Rule::until).map(|_| self.expr(p.next()?)).transpose()?;
                CommandKind::Repeat { most, until, body: self.block(p.next()?)? }
            }
            Rule::print_cmd => CommandKind::Print(self.exprs(pair)?),
            Rule::reset_cmd => CommandKind::Reset(self.expr(p.next()?)?),
            Rule::snapshot_cmd => {
                let form = self.name(&p.next()?);
                p.all(Rule::snapshot_of);
                CommandKind::Snapshot(form, self.name(&p.next()?))
            }
            Rule::sweep_cmd => {
                let variables = p.all(Rule::sweep_variable).into_iter().map(|v| {
                    let mut v = self.parts(v);
                    Ok((self.name(&v.next()?), self.expr(v.next()?)?))
                });
                let variables = variables.collect::<Lowered<_>>()?;
                CommandKind::Sweep { variables, body: self.block(p.next()?)? }
            }
            Rule::window_cmd => CommandKind::Window(self.name(&p.next()?), self.block(p.next()?)?),
            Rule::settle_cmd => {
                let until = p.next()?.as_rule() == Rule::settle_until;
                let change = until.then(|| self.primary(p.next()?)).transpose()?.map(|e| e.expr);
                p.take(Rule::or);
                CommandKind::Settle(self.expr(p.next()?)?, change)
            }
            Rule::plot_cmd => self.plot(p)?,
            Rule::expect_cmd => CommandKind::Expect(self.expr(p.next()?)?),
            Rule::signal_cmd => {
                let name = self.name(&p.next()?);
                CommandKind::Signal(name, p.take(Rule::expr).map(|e| self.expr(e)).transpose()?)
            }
            Rule::plasticity_cmd => {
                let on = p.next()?.as_str() == "on";
                CommandKind::Plasticity(on, self.expr(p.next()?)?)
            }
            Rule::save_cmd | Rule::load_cmd => {
                let net = self.expr(p.next()?)?;
                p.next()?;
                let file = p.next()?;
                let (path, at) = (unquote(file.as_str()), self.span(&file));
                match keyword.as_str() {
                    "save" => CommandKind::Save(net, path, at),
                    _ => CommandKind::Load(net, path, at),
                }
            }
            Rule::drive => CommandKind::Drive(self.drive(pair)?),
            _ => {
                let target = self.target(p.next()?)?;
                let next = p.next()?;
                if next.as_rule() == Rule::distribution {
                    CommandKind::Set { target, op: None, value: Value::Distribution(self.distribution(next)?) }
                } else {
                    let op = assign_op(&next);
                    CommandKind::Set { target, op, value: Value::Expr(self.expr(p.next()?)?) }
                }
            }
        };
        Ok(Command { kind, span })
    }

    /// The clauses of a recording, in any order, each once.
    fn record(&self, mut p: Parts) -> Lowered<CommandKind> {
        let what = self.expr(p.next()?)?;
        let (mut every, mut during, mut name) = (None, None, None);
        while let Ok(clause) = p.next() {
            let (span, rule) = (self.span(&clause), clause.as_rule());
            let inner = self.parts(clause).next()?;
            let again = match rule {
                Rule::record_every => every.replace(self.expr(inner)?).map(|_| "every"),
                Rule::record_during => during.replace(self.expr(inner)?).map(|_| "during"),
                _ => name.replace(self.name(&inner)).map(|_| "as"),
            };
            if let Some(word) = again {
                let message = format!("`{word}` is given twice");
                return Err(Box::new(
                    Diagnostic::at(Code::E0101, span, message, "once more").help("leave one of them out"),
                ));
            }
        }
        Ok(CommandKind::Record { what, every, during, name })
    }

    /// `over data { … }`, if it follows
    fn over(&self, p: &mut Parts) -> Lowered<Option<Over>> {
        match p.take(Rule::over) {
            None => Ok(None),
            Some(_) => Ok(Some(Over { data: self.expr(p.next()?)?, body: self.block(p.next()?)? })),
        }
    }

    fn batch(&self, pair: P) -> Lowered<Batch> {
        let mut p = self.parts(pair);
        p.take(Rule::k_batch);
        let size = self.expr(p.next()?)?;
        Ok(Batch { size, sum: p.take(Rule::reduction).is_some_and(|r| r.as_str().trim() == "sum") })
    }
}
