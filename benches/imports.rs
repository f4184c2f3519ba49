//! Synapses from a table: `cargo bench --bench imports`.
//!
//! Rows of the form `pre,post,syn_count,sign` between 139 255 cells, as many as FlyWire has neurons, held in memory: from text to the first
//! step, rows per second and the most memory that the process had, the 300 MB of the table among it. `NEURO_ROWS=15000000` is the default.

use neuro::compiler::{NoImports, Silent, compile};
use neuro::data::Files;
use neuro::experiment::{Runner, Settings};
use neuro::source::SourceFile;
use std::fmt::Write;
use std::time::Instant;

const CELLS: u64 = 139_255;

const TEXT: &str = "
neuron Cell { event input exc: 1   state v = 0   v' = -v / 5 ms + exc   emit spike when v > 1e6 }
network Brain {
    population cell: Cell[139255]
    projection wiring: cell -> cell.exc: Static { connect from \"edges.csv\"(where = syn_count >= 1, weight = 0.275 * sign * syn_count)   delay 1.8 ms }
}
experiment e { network net = Brain()   run 1 ms }
";

struct Edges(Vec<u8>);

impl Files for Edges {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(self.0.clone())
    }
    fn find(&self, _: &str) -> Option<Vec<u8>> {
        None
    }
}

/// Pseudorandom rows.
fn edges(rows: u64) -> Vec<u8> {
    let mut text = String::from("pre,post,syn_count,sign\n");
    let mut x = 1u64;
    let mut next = |n: u64| {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 33) % n
    };
    for _ in 0..rows {
        let sign = if next(10) < 7 { "1" } else { "-1" };
        writeln!(text, "{},{},{},{sign}", next(CELLS), next(CELLS), 1 + next(9)).expect("memory");
    }
    text.into_bytes()
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0) / 1024
}

fn main() {
    let rows = std::env::var("NEURO_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(15_000_000);
    let files = Edges(edges(rows));
    let p = compile(SourceFile::new("bench.neuro", TEXT), &mut NoImports).ok().expect("compiles");
    let runner = Runner { module: &p.module, files: &files, settings: Settings::default(), progress: &Silent };
    let begin = Instant::now();
    let out = runner.run(&p.module.experiments[0]);
    let took = begin.elapsed().as_secs_f64();
    assert!(out.failure.is_none(), "{:?}", out.failure);
    println!("{}", out.imports[0]);
    println!("{took:.1} s, {:.2} million rows per second, at most {} MB", rows as f64 / took / 1e6, peak_megabytes());
}
