//! Experiments that are planned: their networks as they are when these first run, without running them.

use super::live::Live;
use super::run::{Run, Runner};
use crate::diag::{Code, Diagnostic};
use crate::evaluate::Attempt;
use crate::hir::experiment::model::Experiment;
use crate::ir::Precision;
use crate::parallel::within;
use crate::plan::Network;
use crate::runtime::{RateNetwork, Running};

/// A network that is planned.
pub struct Planned {
    /// Its name in the experiment.
    pub name: String,
    /// What it has.
    pub network: PlannedNetwork,
}

/// What is known of a network that is planned.
pub enum PlannedNetwork {
    /// Its plan, in which synapses are only counted, its time step in internal units, and the type of its states.
    Counted(Network, f64, Precision),
    /// A network without events, as it would run.
    Made(Box<RateNetwork>),
}

impl Runner<'_> {
    /// Plans the networks of an experiment as they are when it first runs; synapses that are drawn are only counted, as they are expected.
    /// Networks without events are made: each process has to have all of them anyway.
    pub fn planned(&self, experiment: &Experiment) -> Attempt<Vec<Planned>> {
        let mut run = Run::new(self, experiment);
        (run.builds_only, run.expects) = (true, true);
        let done = run.begin().and_then(|()| run.go());
        if run.live.iter().any(|l| l.plan.is_without_events()) {
            return self.made(experiment);
        }
        done?;
        let (dt, precision) = (run.dt, run.precision);
        let planned = |l: Live| Planned { name: l.name, network: PlannedNetwork::Counted(l.plan, dt, precision) };
        Ok(run.live.into_iter().map(planned).collect())
    }

    /// Makes the networks of an experiment, which have no events.
    fn made(&self, experiment: &Experiment) -> Attempt<Vec<Planned>> {
        let mut run = Run::new(self, experiment);
        run.builds_only = true;
        within(self.settings.threads, || {
            run.begin()?;
            run.go()?;
            (0..run.live.len()).try_for_each(|i| run.start(i))
        })?;
        let made = |l: Live| match l.simulation {
            Some(Running::Rates(network)) => Ok(Planned { name: l.name, network: PlannedNetwork::Made(network) }),
            _ => {
                let message = format!("`{}` has events, and another network of the experiment has none", l.name);
                let d = Diagnostic::new(Code::E0822, message);
                Err(Box::new(d.help("plan an experiment with one of them")))
            }
        };
        run.live.into_iter().map(made).collect()
    }
}
