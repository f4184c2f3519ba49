//! Statements that show a network examples of a data set, let it settle, or name a window of time.

use super::Attempt;
use super::datasets::examples;
use super::eval::fail;
use super::run::{Chosen, Run, failure, stopped};
use super::value::{Quantity, Value};
use crate::data::Examples;
use crate::diag::{Code, Diagnostic};
use crate::runtime::{Failure, Running};
use crate::source::Span;
use crate::syntax::ast::{self, Command, ExprKind, Over};
use std::sync::Arc;

impl Run<'_> {
    /// Returns how many examples are shown at once: the batch of the networks, and whether one has any.
    fn batch(&self, span: Span) -> Attempt<Option<usize>> {
        let mut sizes: Vec<usize> = self.live.iter().filter_map(|l| l.network().batch.map(|b| b.size)).collect();
        sizes.dedup();
        match sizes[..] {
            [] => Ok(None),
            [n] => Ok(Some(n)),
            _ => fail(Code::E0403, span, "the networks have batches of different sizes", "how many at once?"),
        }
    }

    /// Lets every network see as many examples as there are items.
    fn present(&mut self, set: &Examples, items: &[usize]) {
        for index in 0..self.live.len() {
            if self.live[index].network().batch.is_some() {
                self.start(index);
            }
            if let Some(Running::Rates(s)) = &mut self.live[index].simulation {
                s.present(set.id, items, set.n);
            }
        }
    }

    fn put_away(&mut self, set: &Examples, items: &[usize]) {
        for live in &mut self.live {
            if let Some(Running::Rates(s)) = &mut live.simulation {
                s.put_away(set.id, items);
            }
        }
    }

    /// The fields of some examples: with a batch a row for each, without one the only example.
    fn fields(&self, set: &Examples, items: &[usize], batch: Option<usize>) -> Vec<Quantity> {
        let field = |k: usize| {
            let q = examples(set, k, items);
            match batch {
                Some(_) => q,
                None => Quantity { rows: None, ..q },
            }
        };
        (0..set.fields.len()).map(field).collect()
    }

    /// `for (image, label) in data { … }`, or as many examples at once as the batch has.
    pub(super) fn for_examples(
        &mut self,
        variables: &[ast::Name],
        (set, order): Chosen,
        body: &[Command],
        span: Span,
    ) -> Attempt<()> {
        let batch = self.batch(span)?;
        let mut resumed = self.resumed_turn();
        let first = resumed.map_or(0, |(turn, _)| turn);
        let turns = order.len().div_ceil(batch.unwrap_or(1));
        for (turn, items) in order.chunks(batch.unwrap_or(1)).enumerate().skip(first) {
            let depth = match resumed.take() {
                Some((_, depth)) => depth,
                None => {
                    let depth = self.names.len();
                    for (name, q) in variables.iter().zip(self.fields(&set, items, batch)) {
                        self.names.push((name.text.clone(), q.into()));
                    }
                    self.take_turn(turn, depth);
                    self.present(&set, items);
                    depth
                }
            };
            self.runner.progress.examples(turn, turns);
            self.commands(body)?;
            if self.is_built() {
                break;
            }
            self.put_away(&set, items);
            self.leave(depth);
            self.heed_interrupt()?;
        }
        Ok(())
    }

    /// `measure x = mean(…) over data { … }`: what the outermost functions are applied to is gathered over all examples.
    pub(super) fn measure_over(&mut self, name: &ast::Name, e: &ast::Expr, over: &Over) -> Attempt<()> {
        let Value::Examples(set, order) = self.scope().eval(&over.data)? else {
            return fail(Code::E0401, over.data.span, "expected a data set", "not a data set");
        };
        let batch = self.batch(over.data.span)?;
        let mut parts = Vec::new();
        let whole = outermost(e, &mut parts);
        if parts.is_empty() {
            return Err(Box::new(
                Diagnostic::at(Code::E0401, e.span, "how shall the examples be put together?", "one value for each")
                    .help("write `mean(…)` or `sum(…)` around it"),
            ));
        }
        let depth = self.names.len();
        // What has been gathered is in no checkpoint.
        let gathered = self.as_a_whole(|run| run.gather(&parts, &(set, order), batch, &over.body));
        let Some(gathered) = gathered? else { return Ok(()) };
        for (k, q) in gathered.into_iter().enumerate() {
            self.names.push((gathered_name(k), q.into()));
        }
        let value = self.scope().quantity(&whole);
        self.names.truncate(depth);
        self.keep_measure(name, value?);
        Ok(())
    }

    /// Evaluates expressions for examples, one after the other or a batch at once; none if nothing shall run.
    fn gather(
        &mut self,
        parts: &[ast::Expr],
        (set, order): &Chosen,
        batch: Option<usize>,
        body: &[Command],
    ) -> Attempt<Option<Vec<Quantity>>> {
        let mut gathered: Vec<Option<Quantity>> = vec![None; parts.len()];
        for items in order.chunks(batch.unwrap_or(1)) {
            let depth = self.names.len();
            for (field, q) in set.fields.iter().zip(self.fields(set, items, batch)) {
                self.names.push((field.name.clone(), q.into()));
            }
            self.present(set, items);
            self.commands(body)?;
            if self.is_built() {
                return Ok(None);
            }
            for (part, sum) in parts.iter().zip(&mut gathered) {
                let q = self.scope().quantity(part)?;
                *sum = Some(match sum.take() {
                    None => Quantity { rows: None, scalar: false, ..q },
                    Some(before) => {
                        let mut data = Arc::try_unwrap(before.data).unwrap_or_else(|d| d.to_vec());
                        data.extend_from_slice(&q.data);
                        Quantity { data: data.into(), rows: None, scalar: false, ..q }
                    }
                });
            }
            self.put_away(set, items);
            self.leave(depth);
            self.heed_interrupt()?;
        }
        Ok(Some(gathered.into_iter().flatten().collect()))
    }

    /// Stops where the user asks for it, unless a checkpoint can be taken later.
    fn heed_interrupt(&self) -> Attempt<()> {
        match self.runner.progress.interrupted() && self.is_without_checkpoints() {
            true => Err(stopped(self.clock)),
            false => Ok(()),
        }
    }

    /// `window free { … }`: keeps what is read at its end.
    pub(super) fn window(&mut self, name: &ast::Name, body: &[Command]) -> Attempt<()> {
        let depth = match self.resumed_turn() {
            Some((_, depth)) => depth,
            None => {
                self.take_turn(0, self.names.len());
                self.names.len()
            }
        };
        self.commands(body)?;
        self.leave(depth);
        for live in &mut self.live {
            if let Some(Running::Rates(s)) = &mut live.simulation {
                s.end_window(&name.text);
            }
        }
        Ok(())
    }

    /// `settle until change < e or n steps`
    pub(super) fn settle(&mut self, steps: &ast::Expr, change: Option<&ast::Expr>, span: Span) -> Attempt<()> {
        let most = self.scope().size(steps)?;
        let change = change.map(|e| self.scope().number(e)).transpose()?;
        for index in 0..self.live.len() {
            self.start(index);
            if self.live[index].simulation.as_ref().is_some_and(|s| s.events().is_some()) {
                let d = crate::syntax::unsupported(span, "`settle` of a network with events");
                return Err(Box::new(d.help("write `run` with a duration")));
            }
        }
        if self.stops_here() {
            return Ok(());
        }
        for _ in 0..most {
            self.heed_interrupt()?;
            let largest = self.step_rates()?;
            if change.is_some_and(|limit| largest < limit) {
                break;
            }
        }
        Ok(())
    }

    /// Advances all networks by one step; returns the largest change of a state.
    fn step_rates(&mut self) -> Attempt<f64> {
        let mut largest = 0.0f64;
        let clock = std::time::Instant::now();
        for index in 0..self.live.len() {
            let end = self.clock + self.dt;
            let watched = self.recordings.iter().any(|r| r.network == index);
            let Some(Running::Rates(s)) = &mut self.live[index].simulation else { continue };
            match s.advance() {
                Ok(change) => largest = largest.max(change),
                Err(f) => return Err(self.failed(index, &f)),
            }
            if watched {
                self.watch_rates(index, end);
            }
        }
        self.clock += self.dt;
        self.out.simulated += self.dt;
        self.out.ran_in += clock.elapsed().as_secs_f64();
        Ok(largest)
    }

    pub(super) fn failed(&self, index: usize, f: &Failure) -> Box<Diagnostic> {
        let time = self.live[index].simulation.as_ref().map_or(0.0, Running::time);
        failure(f, self.live[index].network(), time)
    }
}

/// The name under which gathered values are found.
fn gathered_name(k: usize) -> String {
    format!("<gathered {k}>")
}

/// Functions of all examples.
const OF_ALL: &[&str] = &["mean", "sum", "std", "variance", "median", "min", "max", "confusion", "corr"];

/// Takes out what functions of all examples are applied to; returns the expression with names in its place.
fn outermost(e: &ast::Expr, parts: &mut Vec<ast::Expr>) -> ast::Expr {
    if let ExprKind::Call(f, args) = &e.kind
        && let ExprKind::Name(name) = &f.kind
        && OF_ALL.contains(&name.as_str())
    {
        let args = args.iter().map(|a| {
            if matches!(a.value.kind, ExprKind::Quantity(..)) {
                return a.clone();
            }
            parts.push(a.value.clone());
            let kind = ExprKind::Name(gathered_name(parts.len() - 1));
            ast::Arg { value: ast::Expr { kind, span: a.value.span }, ..a.clone() }
        });
        return ast::Expr { kind: ExprKind::Call(f.clone(), args.collect()), span: e.span };
    }
    let mut of = |e: &ast::Expr| Box::new(outermost(e, parts));
    let kind = match &e.kind {
        ExprKind::Neg(a) => ExprKind::Neg(of(a)),
        ExprKind::Not(a) => ExprKind::Not(of(a)),
        ExprKind::Binary(op, a, b) => ExprKind::Binary(*op, of(a), of(b)),
        ExprKind::If(c, a, b) => ExprKind::If(of(c), of(a), of(b)),
        ExprKind::Call(f, args) => {
            let args = args.iter().map(|a| ast::Arg { value: *of(&a.value), ..a.clone() }).collect();
            ExprKind::Call(f.clone(), args)
        }
        other => other.clone(),
    };
    ast::Expr { kind, span: e.span }
}
