//! Statements that show a network examples of a data set, or let it settle.

use super::failures::failure_of;
use super::live::Live;
use super::outcome::Progress;
use super::run::{Chosen, FrameKind, Run};
use super::statements::defined;
use crate::builtin::examples;
use crate::data::Examples;
use crate::diag::{Code, Diagnostic};
use crate::evaluate::{Attempt, fail};
use crate::hir::experiment::model::{BlockId, Over, StatementKind};
use crate::hir::typed::{Expr, LocalId};
use crate::runtime::{Failure, Running};
use crate::source::Span;
use crate::value::{Quantity, Value};
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
    pub(super) fn present(&mut self, set: &Examples, items: &[usize]) -> Attempt<()> {
        for index in 0..self.live.len() {
            if self.live[index].network().batch.is_some() {
                self.start(index)?;
            }
            self.present_to(index, set, items);
        }
        Ok(())
    }

    /// Returns whether a network sees the examples that are shown: where some have a batch, those without one do not.
    fn sees_examples(&self, index: usize) -> bool {
        let has_batch = |l: &Live| l.network().batch.is_some();
        has_batch(&self.live[index]) || !self.live.iter().any(has_batch)
    }

    fn present_to(&mut self, index: usize, set: &Examples, items: &[usize]) {
        if !self.sees_examples(index) {
            return;
        }
        match &mut self.live[index].simulation {
            Some(Running::Rates(s)) => s.present(set.id, items, set.n),
            Some(Running::Batched(s)) => s.set_active(items.len()),
            Some(Running::Events(_)) | None => {}
        }
    }

    /// Lets a network that starts in the midst of a loop over a data set see the examples of the turn.
    pub(super) fn catch_up(&mut self, index: usize) {
        if let Some((set, items)) = self.examples_shown() {
            self.present_to(index, &set, &items);
        }
    }

    fn put_away(&mut self, set: &Examples, items: &[usize]) {
        for index in 0..self.live.len() {
            let seen = self.sees_examples(index);
            if let Some(Running::Rates(s)) = self.live[index].simulation.as_mut().filter(|_| seen) {
                s.put_away(set.id, items);
            }
        }
    }

    /// Gives the names of fields the values of some examples: with a batch a row for each, without one the only example.
    fn name_fields(&mut self, names: &[LocalId], set: &Examples, items: &[usize], batch: Option<usize>) {
        for (k, id) in names.iter().enumerate() {
            let q = examples(set, k, items);
            let q = if batch.is_some() { q } else { Quantity { rows: None, ..q } };
            self.set_local(*id, q.into());
        }
    }

    /// `for (image, label) in data { … }`, or as many examples at once as the batch has.
    pub(super) fn for_examples(
        &mut self,
        variables: &[LocalId],
        over: Chosen,
        block: BlockId,
        span: Span,
    ) -> Attempt<()> {
        let batch = self.batch(span)?;
        let kind = FrameKind::Examples { variables: variables.to_vec(), over, batch, turn: 0 };
        self.enter(block, kind);
        self.show_examples()
    }

    /// `measure x = mean(…) over data { … }`: what the outermost functions are applied to is gathered over all examples.
    pub(super) fn gather(&mut self, over: &Over) -> Attempt<()> {
        let Value::Examples(set, order) = self.eval(&over.data)? else {
            return fail(Code::E0401, over.data.span, "expected a data set", "not a data set");
        };
        let batch = self.batch(over.data.span)?;
        let gathered = vec![None; over.parts.len()];
        self.enter(over.block, FrameKind::Gather { over: (set, order), batch, turn: 0, gathered });
        self.show_examples()
    }

    /// The examples of the turn of the frame at the top, and how many of them are shown at once.
    fn at_hand(&self) -> (Chosen, Vec<usize>, Option<usize>) {
        let Some(top) = self.frames.last() else { crate::ice!("examples without a frame") };
        let (FrameKind::Examples { over, batch, turn, .. } | FrameKind::Gather { over, batch, turn, .. }) = &top.kind
        else {
            crate::ice!("examples without a data set")
        };
        let size = batch.unwrap_or(1);
        let items = over.1[(turn * size).min(over.1.len())..((turn + 1) * size).min(over.1.len())].to_vec();
        (over.clone(), items, *batch)
    }

    /// Begins a turn with its examples, or ends the loop if there are none left.
    fn show_examples(&mut self) -> Attempt<()> {
        let ((set, _), items, batch) = self.at_hand();
        if items.is_empty() {
            return self.end_of_examples();
        }
        let names = match self.frames.last().map(|f| &f.kind) {
            Some(FrameKind::Examples { variables, .. }) => variables.clone(),
            _ => self.over().fields.clone(),
        };
        self.name_fields(&names, &set, &items, batch);
        self.present(&set, &items)?;
        if matches!(self.frames.last().map(|f| &f.kind), Some(FrameKind::Examples { .. })) {
            self.limits.update(&self.moment());
        }
        Ok(())
    }

    /// Shows the examples again that a run was resumed with.
    pub(super) fn show_again(&mut self) -> Attempt<()> {
        match self.examples_shown() {
            Some((set, items)) => self.present(&set, &items),
            None => Ok(()),
        }
    }

    /// Returns the examples of the innermost loop over a data set.
    fn examples_shown(&self) -> Option<(Arc<Examples>, Vec<usize>)> {
        self.frames.iter().rev().find_map(|f| match &f.kind {
            FrameKind::Examples { over, batch, turn, .. } | FrameKind::Gather { over, batch, turn, .. } => {
                let size = batch.unwrap_or(1);
                let end = ((turn + 1) * size).min(over.1.len());
                Some((over.0.clone(), over.1[(turn * size).min(end)..end].to_vec()))
            }
            _ => None,
        })
    }

    /// The statement that gathers at the top of the stack.
    fn over(&self) -> &Over {
        match self.owner() {
            StatementKind::Measure(_, _, Some(over)) | StatementKind::LetOver(_, _, over) => over,
            _ => crate::ice!("nothing is gathered here"),
        }
    }

    /// Ends a turn of a loop over a data set, and begins the next.
    pub(super) fn next_examples(&mut self) -> Attempt<()> {
        let ((set, _), items, _) = self.at_hand();
        if matches!(self.frames.last().map(|f| &f.kind), Some(FrameKind::Gather { .. })) {
            self.gather_turn()?;
        }
        self.put_away(&set, &items);
        if let Some(FrameKind::Examples { turn, .. } | FrameKind::Gather { turn, .. }) =
            self.frames.last_mut().map(|f| &mut f.kind)
        {
            *turn += 1;
        }
        if let Some(top) = self.frames.last_mut() {
            top.next = 0;
        }
        self.show_examples()?;
        self.between_turns()
    }

    /// Evaluates what is gathered, for the examples of a turn.
    fn gather_turn(&mut self) -> Attempt<()> {
        let parts = self.over().parts.clone();
        let mut values = Vec::new();
        for part in &parts {
            self.start_rates_in(part)?;
            values.push(self.quantity(part)?);
        }
        let Some(FrameKind::Gather { gathered, .. }) = self.frames.last_mut().map(|f| &mut f.kind) else {
            return Ok(());
        };
        for (q, sum) in values.into_iter().zip(gathered) {
            let rows = q.rows.unwrap_or(1);
            *sum = Some(match sum.take() {
                None => Quantity { rows: Some(rows), ..q },
                Some(before) => {
                    let mut data = Arc::try_unwrap(before.data).unwrap_or_else(|d| d.to_vec());
                    data.extend_from_slice(&q.data);
                    Quantity { data: data.into(), rows: before.rows.map(|r| r + rows), ..q }
                }
            });
        }
        Ok(())
    }

    /// Leaves a loop over a data set; what was gathered becomes a value.
    fn end_of_examples(&mut self) -> Attempt<()> {
        if !matches!(self.frames.last().map(|f| &f.kind), Some(FrameKind::Gather { .. })) {
            self.frames.pop();
            return Ok(());
        }
        let owner = match self.owner() {
            StatementKind::Measure(id, e, _) => (*id, e.clone(), true),
            StatementKind::LetOver(id, e, _) => (*id, e.clone(), false),
            _ => crate::ice!("nothing is gathered here"),
        };
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let FrameKind::Gather { gathered, .. } = frame.kind else { return Ok(()) };
        self.gathered = gathered.into_iter().flatten().map(as_rows).collect();
        let (id, e, measured) = owner;
        let value = if measured { self.quantity(&e).map(Value::Quantity) } else { self.eval(&e) };
        self.gathered.clear();
        match (value?, measured) {
            (Value::Quantity(q), true) => {
                defined(&q, e.span)?;
                self.keep_measure(id, q);
            }
            (value, _) => self.set_local(id, value),
        }
        Ok(())
    }

    /// `settle until change < e or n steps`
    pub(super) fn settle(&mut self, steps: &Expr, change: Option<&Expr>, span: Span) -> Attempt<()> {
        let most = self.size(steps)?;
        let change = change.map(|e| self.number(e)).transpose()?;
        for index in 0..self.live.len() {
            self.start(index)?;
            if !self.live[index].network().has_no_events() {
                let d = crate::diag::unsupported(span, "`settle` of a network with events");
                return Err(Box::new(d.help("write `run` with a duration")));
            }
        }
        if self.stops_here() {
            return Ok(());
        }
        for _ in 0..most {
            self.heed_interrupt()?;
            if self.schedule.first().is_some_and(|s| s.time <= self.clock + 1e-9) {
                let d = crate::diag::unsupported(span, "`settle` past a time at which something happens (`at`)");
                return Err(Box::new(d.help("write `run` with a duration, or let it happen between two `settle`s")));
            }
            self.begin_traces()?;
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
            let watched = self.recordings.iter().any(|r| r.follows(index));
            match self.live[index].simulation.as_mut().and_then(Running::settle).transpose() {
                Ok(None) => continue,
                Ok(Some(change)) => largest = largest.max(change),
                Err(f) => return Err(self.failed(index, &f)),
            }
            if watched {
                self.watch(index);
            }
        }
        self.step += 1;
        self.clock = self.clock.max((self.step as f64) * self.dt);
        self.out.simulated += self.dt;
        self.out.ran_in += clock.elapsed().as_secs_f64();
        Ok(largest)
    }

    pub(super) fn failed(&self, index: usize, f: &Failure) -> Box<Diagnostic> {
        failure_of(&(f.clone(), None), self.live[index].network())
    }
}

/// What was gathered, as a matrix with a row for each example, or an array of a number for each.
fn as_rows(q: Quantity) -> Quantity {
    let rows = q.rows.unwrap_or(1);
    let width = q.width();
    let shape = if width == 1 { vec![rows] } else { vec![rows, width] };
    Quantity { shape, rows: None, ..q }
}
