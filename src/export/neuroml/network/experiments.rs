//! What an experiment may do whose network is written: make it, give it values, and let it run once.

use crate::diag::Diagnostics;
use crate::export::unsaid;
use crate::hir::experiment::model::{Experiment, StatementKind as Kind};

/// Refuses all else, each with its place.
pub fn refusals(experiment: &Experiment, flaws: &mut Diagnostics) {
    let (mut networks, mut runs) = (0, 0);
    for statement in &experiment.blocks[0] {
        let mut refuse = |what: &str, why: &str| {
            flaws.push(unsaid("NeuroML", statement.span, what, why).help("write an experiment for it"))
        };
        match &statement.kind {
            Kind::Network { batch, .. } => {
                networks += 1;
                if networks > 1 {
                    refuse("a second network", "a simulation has one target");
                }
                if batch.is_some() {
                    refuse("a batch", "a network of it sees one thing at a time");
                }
            }
            Kind::Run(_) => {
                runs += 1;
                if runs > 1 {
                    refuse("a second `run`", "a simulation runs once, from its beginning");
                }
            }
            Kind::Seed(_) | Kind::Dt(_) | Kind::Precision(_) | Kind::Let(..) => {}
            Kind::Measure(..) | Kind::Plot { .. } | Kind::Expect(_) | Kind::Print(_) => {}
            Kind::Record { during, .. } if runs == 0 => {
                if during.is_some() {
                    refuse("a recording of a part of the time", "it records from the beginning to the end");
                }
            }
            Kind::Drive(_) | Kind::Set(..) | Kind::Plasticity(..) if runs == 0 => {}
            Kind::Drive(_) | Kind::Set(..) | Kind::Plasticity(..) | Kind::Record { .. } => {
                refuse("what is done after the first `run`", "a simulation runs once, from its beginning");
            }
            _ => refuse("this statement of an experiment", "a simulation runs a network, and no more"),
        }
    }
}
