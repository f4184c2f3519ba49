//! `neuro plan`: what a run would take in several processes, without running it.

use super::files::load;
use super::messages::{Done, MessageFormat, Messages, Stop, several};
use super::options::PlanOptions;
use super::planned_rates::Eventless;
use super::run::{overrides, precision};
use super::table::{aligned, base, seconds};
use neuro::budget::shown;
use neuro::codegen::Backend;
use neuro::compiler::{Program, Silent, unknown_experiment};
use neuro::disk::Disk;
use neuro::experiment::{Planned, PlannedNetwork, Runner, Settings};
use neuro::hir::EventId;
use neuro::ir::Precision;
use neuro::plan::Network;
use neuro::runtime::Options;
use neuro::runtime::exchange::Ranks;
use neuro::runtime::extent::{COSTS, Costs, Extent, Process, Time};
use neuro::units::{Dim, lookup};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What `neuro plan` was asked to do.
#[derive(clap::Args)]
pub struct Request {
    /// The .neuro file
    pub file: PathBuf,
    /// The experiment; the first one of the file unless named
    pub experiment: Option<String>,
    #[command(flatten)]
    pub options: PlanOptions,
}

/// How often cells have events.
enum Rates {
    /// As they did in a run, on the average of all cells, in events per second.
    Like(PathBuf, f64),
    /// As was said: of a population, of one of its events, or of all.
    Given(Vec<(Option<String>, f64)>),
}

impl Rates {
    fn new(options: &PlanOptions) -> Result<Rates, Stop> {
        match &options.like {
            Some(path) => Ok(Rates::Like(path.clone(), rate_of_run(path)?)),
            None => options.rate.iter().map(|text| rate(text)).collect::<Result<_, _>>().map(Rates::Given),
        }
    }

    /// Returns the rate of an event of a population, the most special one that was given.
    fn of(&self, population: &str, event: &str) -> Option<f64> {
        let list = match self {
            Rates::Like(_, rate) => return Some(*rate),
            Rates::Given(list) => list,
        };
        let both = format!("{population}.{event}");
        let named = |name: Option<&str>| list.iter().rev().find(|(of, _)| of.as_deref() == name).map(|(_, rate)| *rate);
        named(Some(&both)).or_else(|| named(Some(population))).or_else(|| named(None))
    }

    /// Says what is assumed.
    fn said(&self) -> String {
        let one = |(of, rate): &(Option<String>, f64)| match of {
            Some(name) => format!("{name} {rate} Hz"),
            None => format!("every cell {rate} Hz"),
        };
        match self {
            Rates::Like(path, rate) => format!("every cell {rate:.3} Hz, the mean of {}", path.display()),
            Rates::Given(list) => list.iter().map(one).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Reads `5Hz`, `exc=5Hz` or `exc.spike=5Hz`.
fn rate(text: &str) -> Result<(Option<String>, f64), Stop> {
    let (of, value) = match text.split_once('=') {
        Some((name, value)) => (Some(name.trim().to_string()), value),
        None => (None, text),
    };
    let bad = || Stop::Usage(format!("`--rate {text}` is no rate; write `--rate 5Hz` or `--rate exc=5Hz`"));
    let number = value.trim().trim_end_matches(char::is_alphabetic);
    let unit = lookup(&value.trim()[number.len()..]).filter(|unit| unit.dim == Dim::RATE).ok_or_else(bad)?;
    let number = number.trim().parse().ok().filter(|n| (0.0..f64::INFINITY).contains(n)).ok_or_else(bad)?;
    // Internal units are events per ms.
    Ok((of, unit.to_internal(number) * 1000.0))
}

/// Reads how often cells had an event in a run, on the average.
fn rate_of_run(path: &Path) -> Result<f64, Stop> {
    let bad = |why: String| Stop::Usage(format!("{} is not the record of a run: {why}", path.display()));
    let text =
        std::fs::read_to_string(path).map_err(|e| Stop::Usage(format!("cannot read {}: {e}", path.display())))?;
    let record: Value = serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?;
    let number = |name: &str| record[name].as_f64().ok_or_else(|| bad(format!("`{name}` is missing")));
    let (spikes, cells, time) = (number("spikes")?, number("neurons")?, number("simulated_ms")?);
    let rate = 1000.0 * spikes / (cells * time);
    if rate.is_finite() { Ok(rate) } else { Err(bad("no time has passed in it".into())) }
}

fn costs(list: &[String]) -> Result<Costs, Stop> {
    let mut out = Costs::default();
    for text in list {
        let bad = |why: &str| {
            let names: Vec<&str> = COSTS.iter().map(|(name, ..)| *name).collect();
            Stop::Usage(format!("`--cost {text}` {why}; write `--cost row=20ns`, of {}", names.join(", ")))
        };
        let (name, value) = text.split_once('=').ok_or_else(|| bad("lacks a time"))?;
        let number = value.trim().strip_suffix("ns").and_then(|n| n.trim().parse::<f64>().ok());
        let number = number.filter(|n| *n >= 0.0 && n.is_finite()).ok_or_else(|| bad("is no time in nanoseconds"))?;
        if !out.set(name.trim(), number) {
            return Err(bad("names nothing that is counted"));
        }
    }
    Ok(out)
}

pub fn plan(request: &Request, messages: Messages) -> Done {
    let options = &request.options;
    let (rates, costs) = (Rates::new(options)?, costs(&options.cost)?);
    let (precision, overrides) = (precision(options.precision.as_deref())?, overrides(&options.set)?);
    let settings = Settings { threads: options.threads, precision, overrides, ..Settings::default() };
    let program = load(&request.file, messages)?;
    let planned = planned(request, &program, &settings).map_err(|d| {
        messages.one(&d, &program.sources);
        Stop::Failed
    })?;
    if planned.is_empty() {
        return Err(Stop::Usage("this experiment makes no network before its first `run`".into()));
    }
    for network in planned {
        let Planned { name, network } = network;
        let (json, text) = match network {
            PlannedNetwork::Made(made) => {
                let table = Eventless { extent: made.extent(), options, costs: &costs };
                (table.json(&name), table.text(&name))
            }
            PlannedNetwork::Counted(network, dt, precision) => {
                let extent = extent(network, (dt, precision), options, &rates)?;
                let table = Table { extent, options, rates: &rates, costs: &costs };
                (table.json(&name), table.text(&name))
            }
        };
        match messages.format {
            MessageFormat::Json => say!("{json}"),
            _ => text.iter().for_each(|line| say!("{line}")),
        }
    }
    Ok(())
}

fn planned(
    request: &Request,
    program: &Program,
    settings: &Settings,
) -> Result<Vec<Planned>, Box<neuro::diag::Diagnostic>> {
    let all = &program.module.experiments;
    let found = match &request.experiment {
        Some(name) => all.iter().find(|e| e.name == *name),
        None => all.first(),
    };
    let name = request.experiment.as_deref().unwrap_or("");
    let experiment = found.ok_or_else(|| Box::new(unknown_experiment(&program.module, name)))?;
    let disk = Disk::beside(&request.file);
    let runner = Runner { module: &program.module, files: &disk, settings: settings.clone(), progress: &Silent };
    runner.planned(experiment)
}

/// Asks a network what it takes, if all rates are known.
fn extent(
    network: Network,
    (dt, precision): (f64, Precision),
    of: &PlanOptions,
    rates: &Rates,
) -> Result<Extent, Stop> {
    let names = network.populations.iter().map(|p| {
        let events = p.model.events.values().map(|e| rates.of(&p.name, &e.name).map(|rate| rate / 1000.0));
        events.collect::<Option<Vec<f64>>>().ok_or_else(|| p.name.clone())
    });
    let known: Vec<Vec<f64>> = names.collect::<Result<_, String>>().map_err(|name| {
        Stop::Usage(format!(
            "nothing says how often cells of `{name}` have events: `--rate {name}=5Hz`, `--rate 5Hz` for all, \
             or `--like results/NAME/run.json` for the mean of a run"
        ))
    })?;
    if let Rates::Given(list) = rates {
        let is_there = |name: &str| {
            network
                .populations
                .iter()
                .any(|p| p.name == name || p.model.events.values().any(|e| format!("{}.{}", p.name, e.name) == name))
        };
        if let Some((Some(name), _)) = list.iter().find(|(of, _)| of.as_deref().is_some_and(|name| !is_there(name))) {
            return Err(Stop::Usage(format!("`--rate {name}=…` is of no population, nor of one of its events")));
        }
    }
    let options = Options {
        dt,
        precision,
        threads: of.threads,
        seed: 1,
        backend: Backend::default(),
        profile: None,
        side_by_side: 1,
        ranks: Ranks::default(),
    };
    let rate = |population: usize, event: EventId| known[population][event.as_u32() as usize];
    Ok(Extent::new(network, options, (&rate, of.fano)))
}

/// What is said of a network.
struct Table<'a> {
    extent: Extent,
    options: &'a PlanOptions,
    rates: &'a Rates,
    costs: &'a Costs,
}

/// What is known of a number of processes.
struct Row {
    processes: usize,
    fullest: Process,
    mean: f64,
    memory: f64,
    time: Time,
}

impl Table<'_> {
    fn rows(&self) -> Vec<Row> {
        let row = |processes: &usize| {
            let (fullest, mean) = self.extent.fullest(*processes);
            let time = self.costs.time(&fullest, *processes, self.options.threads);
            let memory = fullest.memory.sum() + base(*processes);
            Row { processes: *processes, fullest, mean, memory, time }
        };
        self.options.ranks.iter().map(row).collect()
    }

    fn json(&self, name: &str) -> Value {
        let row = |r: &Row| {
            let (m, e, t) = (&r.fullest.memory, &r.fullest.effort, &r.time);
            json!({
                "processes": r.processes, "threads": self.options.threads, "rank": r.fullest.rank,
                "cells": r.fullest.cells, "synapses": r.fullest.synapses, "mean_synapses": r.mean,
                "memory_bytes": r.memory,
                "memory": {
                    "synapses": m.synapses, "index": m.index, "cells": m.cells, "plan": m.plan,
                    "building": m.building, "program": base(r.processes),
                },
                "gathers": e.gathers, "handed_bytes": e.handed, "received_bytes": e.received,
                "handed_at_end_bytes": e.ended,
                "seconds": t.sum(),
                "time": { "shared": t.shared, "repeated": t.repeated, "events": t.events, "told": t.told },
                "building_seconds": t.building,
            })
        };
        let (cells, synapses) = self.extent.size();
        let costs: serde_json::Map<String, Value> = self.costs.all().map(|(n, v)| (n.into(), json!(v))).collect();
        json!({
            "network": name, "cells": cells, "synapses": synapses, "steps_of_pass": self.extent.steps_of_pass(),
            "assumed": { "rates": self.rates.said(), "fano": self.options.fano, "costs_ns": costs },
            "rows": self.rows().iter().map(row).collect::<Vec<_>>(),
        })
    }

    fn text(&self, name: &str) -> Vec<String> {
        let (cells, synapses) = self.extent.size();
        let (rows, steps) = (self.rows(), self.extent.steps_of_pass());
        let mut out = vec![
            format!("{name}: {cells} cells, {synapses:.4e} synapses"),
            format!(
                "Of the process with the most synapses, with {} each; events are told every {}:",
                several(self.options.threads, "thread"),
                several(steps, "step")
            ),
        ];
        let heads = [
            "processes",
            "cells",
            "synapses",
            "of mean",
            "memory",
            "own rows",
            "of all",
            "handed",
            "received",
            "at end",
        ];
        out.extend(aligned(&heads, rows.iter().map(Row::sizes)));
        out.push("Predicted wall time of a second, and of building:".into());
        let heads = ["processes", "one second", "shared", "repeated", "events", "told", "building"];
        out.extend(aligned(&heads, rows.iter().map(Row::times)));
        let costs: Vec<String> = self.costs.all().map(|(name, v)| format!("{name} {v} ns")).collect();
        out.extend([
            "memory: the most while it is built; own rows: synapses onto its cells; of all: what every process has of all cells and".into(),
            "of the plan; handed, received: bytes that it tells the others, and hears of them, in a second of the model's time;".into(),
            "at end: what it hands over at the end of each `run`; shared: by threads; repeated: in each of them; events, told: by one".into(),
            format!(
                "assumed rates: {}; how many events there are between two messages has {} times the variance of independent ones",
                self.rates.said(),
                self.options.fano
            ),
            format!("assumed costs: {}", costs.join(", ")),
        ]);
        out
    }
}

impl Row {
    fn sizes(&self) -> Vec<String> {
        let (p, m) = (&self.fullest, &self.fullest.memory);
        vec![
            self.processes.to_string(),
            p.cells.to_string(),
            format!("{:.3e}", p.synapses),
            format!("{:.2}", if self.mean > 0.0 { p.synapses / self.mean } else { 1.0 }),
            shown(self.memory),
            shown(m.synapses + m.index),
            shown(m.cells + m.plan),
            shown(p.effort.handed),
            shown(p.effort.received),
            shown(p.effort.ended),
        ]
    }

    fn times(&self) -> Vec<String> {
        let t = &self.time;
        let times = [t.sum(), t.shared, t.repeated, t.events, t.told, t.building];
        std::iter::once(self.processes.to_string()).chain(times.map(seconds)).collect()
    }
}
