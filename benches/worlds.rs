//! Steps of worlds: `cargo bench --bench worlds`.
//!
//! An experiment that does nothing but act, less the same loop without a world: nanoseconds per step, the best of five. Nothing bounds it but
//! the expressions themselves, which are walked, not compiled.

use neuro::compiler::{NoImports, Silent, compile};
use neuro::data::Files;
use neuro::experiment::{Runner, Settings};
use neuro::source::SourceFile;
use std::time::Instant;

const STEPS: usize = 300_000;

struct Nothing;

impl Files for Nothing {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("no file {path}"))
    }
    fn find(&self, _: &str) -> Option<Vec<u8>> {
        None
    }
}

/// Nanoseconds per turn of a loop with one statement.
fn turn(module: &str, world: &str, statement: &str) -> f64 {
    let text = format!("use std.worlds.{module}\nexperiment e {{ {world}  for k in 1 .. {STEPS} {{ {statement} }} }}");
    let p = compile(SourceFile::new("bench.neuro", text), &mut NoImports).ok().expect("compiles");
    let runner = Runner { module: &p.module, files: &Nothing, settings: Settings::default(), progress: &Silent };
    let once = || {
        let begun = Instant::now();
        let out = runner.run(&p.module.experiments[0]);
        assert!(out.failure.is_none(), "{:?}", out.failure);
        begun.elapsed().as_nanos() as f64 / STEPS as f64
    };
    (0..5).map(|_| once()).fold(f64::INFINITY, f64::min)
}

fn main() {
    let empty = turn("grid", "var x = 0", "");
    println!("{:24} {empty:7.0} ns a turn", "a loop alone");
    for (name, module, world, statement) in [
        ("Grid", "grid", "world w = Grid()", "w.act(mod(k, 4))"),
        ("Bandit", "bandit", "world w = Bandit()", "w.act(mod(k, 2))"),
        ("TMaze", "maze", "world w = TMaze()", "w.act(0)"),
        ("WaterMaze", "maze", "world w = WaterMaze()", "w.swim(1, 0)"),
        ("Pole", "pole", "world w = Pole()", "w.act(mod(k, 2))  w.angle = 0"),
    ] {
        println!("{name:24} {:7.0} ns a step", turn(module, world, statement) - empty);
    }
}
