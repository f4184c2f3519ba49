//! Makes the networks of an experiment: their plans, and what runs once they are needed.

use super::Attempt;
use super::elaborate::Elaborator;
use super::eval::{Live, fail};
use super::run::Run;
use super::settings::Override;
use super::time::{at_time, mentions};
use super::value::Value;
use crate::diag::{Code, Diagnostic};
use crate::plan::{Batch, Network};
use crate::runtime::{Options, Running};
use crate::source::Span;
use crate::syntax::ast;
use std::rc::Rc;

impl Run<'_> {
    pub(super) fn network(
        &mut self,
        name: &ast::Name,
        model: &ast::Name,
        args: &[ast::Arg],
        batch: Option<&ast::Batch>,
    ) -> Attempt<()> {
        let batch = batch.map(|b| self.batch_of(b)).transpose()?;
        let clock = std::time::Instant::now();
        self.measure_size();
        let mut values = Vec::new();
        for a in args {
            values.push((a.name.as_ref().map(|n| n.text.clone()), self.scope().eval(&a.value)?));
        }
        let formals: Vec<String> = self
            .runner
            .module
            .networks
            .get(&model.text)
            .map(|n| n.formals.iter().map(|f| f.name.text.clone()).collect())
            .unwrap_or_default();
        let prefix = format!("{}.", name.text);
        let mine: Vec<Override> =
            self.runner.settings.overrides.iter().filter(|o| o.path.starts_with(&prefix)).cloned().collect();
        for o in &mine {
            let rest = &o.path[prefix.len()..];
            if let Some(position) = formals.iter().position(|f| f == rest) {
                let default = values
                    .iter()
                    .find(|(n, _)| n.as_deref() == Some(rest))
                    .or(values.get(position).filter(|(n, _)| n.is_none()))
                    .map(|v| v.1.clone());
                if let Some(v) = self.overridden(&o.path, default.as_ref())? {
                    values.retain(|(n, _)| n.as_deref() != Some(rest));
                    values.push((Some(rest.to_string()), v));
                }
            }
        }
        // A network of the same name is replaced, and the clock starts anew.
        let index = match self.live_names.iter().position(|n| *n == name.text) {
            Some(i) => i,
            None => {
                self.live_names.push(name.text.clone());
                self.live.push(Live {
                    plan: Network::default(),
                    rates: Vec::new(),
                    simulation: None,
                    functions: Vec::new(),
                });
                self.live.len() - 1
            }
        };
        self.live[index] =
            Live { plan: Network::default(), rates: Vec::new(), simulation: None, functions: Vec::new() };
        if self.live.len() == 1 {
            self.clock = 0.0;
            self.schedule.clear();
        }
        for r in self.recordings.iter_mut().filter(|r| r.network == index) {
            // Earlier recordings keep their data but see no more of it.
            r.network = usize::MAX;
        }
        let instance = self.elaborate(index, self.streams, |e| e.network(model, &values, ""))?;
        self.live[index].plan.batch = batch;
        self.can_run(index, name.span)?;
        self.bind(name.text.clone(), Value::Network(Rc::new(instance)));
        for o in mine.iter().filter(|o| !formals.contains(&o.path[prefix.len()..].to_string())) {
            self.set_override(o)?;
        }
        self.out.built_in += clock.elapsed().as_secs_f64();
        Ok(())
    }

    pub(super) fn drive(&mut self, d: &ast::Drive) -> Attempt<()> {
        let Some(first) = d.targets.first() else { return Ok(()) };
        let root = first.path.text.split('.').next().unwrap_or_default();
        let Some(index) = self.live_names.iter().position(|n| n == root) else {
            return fail(Code::E0201, first.span, format!("unknown network `{root}`"), "not declared here");
        };
        if self.live[index].simulation.is_some() {
            return fail(Code::E0106, d.span, "a drive cannot be added once the network has run", "comes too late");
        }
        let names = std::mem::take(&mut self.names);
        let done = self.elaborate(index, 0x1000 + self.streams, |e| e.drive(d, &names));
        self.names = names;
        self.streams += 1;
        done
    }

    /// Lets an elaborator work on the plan of a network.
    fn elaborate<T>(
        &mut self,
        index: usize,
        streams: u32,
        work: impl FnOnce(&mut Elaborator) -> Attempt<T>,
    ) -> Attempt<T> {
        let mut elaborator = Elaborator {
            module: self.runner.module,
            files: self.runner.files,
            recordings: &self.recordings,
            dt: self.dt,
            seed: self.seed,
            shuffles: &self.shuffles,
            index,
            live: std::mem::take(&mut self.live),
            streams,
        };
        let done = work(&mut elaborator);
        self.live = elaborator.live;
        done
    }

    fn batch_of(&self, batch: &ast::Batch) -> Attempt<Batch> {
        let size = self.scope().size(&batch.size)?;
        if size == 0 {
            return fail(Code::E0404, batch.size.span, "a batch has at least one example", "size 0");
        }
        Ok(Batch { size, sum: batch.sum })
    }

    /// Refuses a network whose values follow from themselves, or that has what a network without events cannot have.
    fn can_run(&self, index: usize, span: Span) -> Attempt<()> {
        let plan = &self.live[index].plan;
        if let Some(path) = plan.cycle() {
            return Err(cyclic(plan, &path, span));
        }
        if !plan.is_without_events() {
            return Ok(());
        }
        if !self.is_without_checkpoints() {
            let d = crate::syntax::unsupported(span, "a checkpoint of a network without events");
            return Err(Box::new(d.help("run without `--checkpoint-every` and `--resume`, and `save` its weights")));
        }
        if let Some((place, what)) = plan.refused_without_events() {
            let d = crate::syntax::unsupported(place, &what).label(span, "this network");
            let note = "it has a batch, signals to cells, energies, or values that follow from one another at once";
            return Err(Box::new(d.note(note)));
        }
        Ok(())
    }

    /// Creates the simulation of a network that has not run yet.
    pub(super) fn start(&mut self, index: usize) {
        let live = &mut self.live[index];
        if live.simulation.is_some() {
            return;
        }
        let clock = std::time::Instant::now();
        let settings = &self.runner.settings;
        let options = Options {
            dt: self.dt,
            seed: self.seed,
            precision: self.precision,
            threads: settings.threads,
            backend: settings.backend,
        };
        let rates = live.rates.iter().map(at_time).collect();
        let mut s = Running::new(std::mem::take(&mut live.plan), rates, options);
        Self::follow(&live.functions, &mut s);
        if let Some(s) = s.rates_mut() {
            s.expect_windows();
        }
        live.simulation = Some(s);
        self.out.built_in += clock.elapsed().as_secs_f64();
    }

    /// Starts a network without events: only while it runs do its values follow from one another, a row for every example.
    pub(super) fn start_rates(&mut self, index: usize) {
        if self.live[index].simulation.is_none() && self.live[index].plan.is_without_events() {
            self.start(index);
        }
    }

    /// Starts the networks without events that an expression may read.
    pub(super) fn start_rates_in(&mut self, e: &ast::Expr) {
        if self.live.iter().all(|l| l.simulation.is_some()) {
            return;
        }
        let networks = |(name, v): &(String, Value)| mentions(e, name).then(|| v.network()).flatten();
        let named: Vec<usize> = self.names.iter().filter_map(networks).collect();
        named.into_iter().for_each(|i| self.start_rates(i));
    }
}

/// Reports values that follow from themselves within a step.
fn cyclic(plan: &Network, path: &[(usize, crate::hir::VarId)], span: Span) -> Box<Diagnostic> {
    let name = |(p, v): &(usize, crate::hir::VarId)| {
        let population = &plan.populations[*p];
        format!("{}.{}", population.name, population.model.vars[*v].name)
    };
    let shown: Vec<String> = path.iter().map(name).collect();
    Box::new(
        Diagnostic::at(Code::E0612, span, "a value follows from itself within a step", "in this network")
            .note(shown.join(" <- "))
            .help("give one of the projections a `delay`, or make one of the values a state"),
    )
}
