//! `neuro plan` of networks without events: examples, and synapses that products alone read, are dealt out.

use super::messages::several;
use super::options::PlanOptions;
use super::table::{aligned, base, seconds};
use neuro::budget::shown;
use neuro::runtime::extent::Costs;
use neuro::runtime::{RateEffort, RateExtent};
use serde_json::{Value, json};

/// What is said of a network without events.
pub struct Eventless<'a> {
    pub extent: RateExtent,
    pub options: &'a PlanOptions,
    pub costs: &'a Costs,
}

impl Eventless<'_> {
    /// What is computed at once, by name.
    fn efforts(&self) -> Vec<(String, RateEffort)> {
        let RateExtent { values, step, signals, .. } = &self.extent;
        let signals = signals.iter().map(|(name, effort)| (format!("signal {name}"), *effort));
        [("all values".to_string(), *values), ("step".to_string(), *step)].into_iter().chain(signals).collect()
    }

    fn memory(&self, processes: usize) -> f64 {
        self.extent.of_synapses + self.extent.of_cells + base(processes)
    }

    fn time(&self, effort: &RateEffort, processes: usize) -> f64 {
        self.costs.time_of(effort, processes, self.options.threads)
    }

    pub fn json(&self, name: &str) -> Value {
        let RateExtent { cells, synapses, examples, of_synapses, of_cells, values, .. } = &self.extent;
        let row = |n: &usize| {
            let (handed, received) = values.traffic(*n);
            let times = self.efforts().into_iter().map(|(name, effort)| (name, json!(self.time(&effort, *n))));
            json!({
                "processes": n, "threads": self.options.threads, "cells": cells, "synapses": synapses,
                "memory_bytes": self.memory(*n),
                "memory": { "synapses": of_synapses, "values": of_cells, "program": base(*n) },
                "handed_bytes": handed, "received_bytes": received,
                "seconds": times.collect::<serde_json::Map<_, _>>(),
            })
        };
        let efforts = self.efforts().into_iter().map(|(name, e)| {
            let counts = json!({
                "multiplications": e.multiplications, "dealt": e.dealt,
                "operations": e.operations, "dealt_operations": e.dealt_operations,
            });
            (name, counts)
        });
        let costs: serde_json::Map<String, Value> = self.costs.all().map(|(n, v)| (n.into(), json!(v))).collect();
        json!({
            "network": name, "cells": cells, "synapses": synapses, "examples": examples,
            "counts": efforts.collect::<serde_json::Map<_, _>>(), "assumed": { "costs_ns": costs },
            "rows": self.options.ranks.iter().map(row).collect::<Vec<_>>(),
        })
    }

    pub fn text(&self, name: &str) -> Vec<String> {
        let RateExtent { cells, synapses, examples, of_synapses, of_cells, values, .. } = &self.extent;
        let efforts = self.efforts();
        let names = efforts.iter().map(|(name, _)| name.as_str());
        let heads = ["processes", "memory", "of synapses", "of cells", "handed", "received"];
        let heads: Vec<&str> = heads.into_iter().chain(names).collect();
        let row = |n: &usize| {
            let (handed, received) = values.traffic(*n);
            let bytes = [self.memory(*n), *of_synapses, *of_cells, handed, received].map(shown);
            let times = efforts.iter().map(|(_, effort)| seconds(self.time(effort, *n)));
            std::iter::once(n.to_string()).chain(bytes).chain(times).collect()
        };
        let mut out = vec![format!(
            "{name}: {cells} cells, {synapses:.4e} synapses, {} at once; without events",
            several(*examples, "example"),
            synapses = *synapses as f64,
        )];
        out.push(format!("Of each process, with {} each:", several(self.options.threads, "thread")));
        out.extend(aligned(&heads, self.options.ranks.iter().map(row)));
        let costs: Vec<String> = self.costs.all().map(|(name, v)| format!("{name} {v} ns")).collect();
        out.extend([
            "memory: all of it; synapses, values: weights and states of synapses, and all other values; handed, received: bytes that it tells".into(),
            "the others, and hears of them, when all values are computed once; then predicted wall times: of all values once, as when other".into(),
            "examples are shown, of the states of a step, and of each signal, without the values that it reads".into(),
            format!("assumed costs: {}", costs.join(", ")),
        ]);
        out
    }
}
