//! An experiment as it stands when it first lets time pass: its network, what drives it, and what it will record.

use super::live::PortFunction;
use super::record::Recording;
use super::run::{Run, Runner};
use crate::diag::{Code, Diagnostic};
use crate::evaluate::Attempt;
use crate::hir::experiment::model::{Experiment, StatementKind};
use crate::parallel::within;
use crate::plan::Network;

/// A network that is about to run.
pub struct Begun {
    /// Its name in the experiment.
    pub name: String,
    /// Its plan.
    pub network: Network,
    /// Ports that follow functions of time.
    pub functions: Vec<PortFunction>,
    /// What is recorded.
    pub recordings: Vec<Recording>,
    /// Time step, internal units.
    pub dt: f64,
    /// The seed of the experiment.
    pub seed: u64,
    /// How long the first `run` takes, if there is one.
    pub length: Option<f64>,
}

impl Runner<'_> {
    /// Builds the one network of an experiment, and goes on to its first `run`.
    pub fn begun(&self, experiment: &Experiment) -> Attempt<Begun> {
        let mut run = Run::new(self, experiment);
        run.builds_only = true;
        within(self.settings.threads, || {
            run.begin()?;
            run.go()
        })?;
        let first = experiment.blocks[0].iter().find_map(|s| match &s.kind {
            StatementKind::Run(time) => Some(time),
            _ => None,
        });
        let length = first.map(|time| run.number(time)).transpose()?;
        let (dt, seed, recordings) = (run.dt, run.seed, run.recordings);
        let Some(live) = run.live.into_iter().next() else {
            let message = format!("`{}` has no network", experiment.name);
            return Err(Box::new(Diagnostic::at(Code::E0106, experiment.span, message, "this experiment")));
        };
        let (name, network, functions) = (live.name, live.plan, live.functions);
        Ok(Begun { name, network, functions, recordings, dt, seed, length })
    }
}
