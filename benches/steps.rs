//! What one `step` statement costs beside the work of the step, and what another input before each: `cargo bench --bench steps`.
//!
//! Networks of 4096 synapses are advanced a step at a time, and as many steps at once; the difference is what a call costs.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use neuro::codegen::Backend;
use neuro::compiler::{NoImports, Silent, compile};
use neuro::experiment::{Runner, Settings};
use neuro::plan::Column;
use neuro::runtime::{Running, Unwatched};
use neuro::source::SourceFile;
use std::sync::Arc;

const MODELS: &str = "
use std.neurons.lif
use std.neurons.cable
neuron Unit { input I: 1 = 0   state x = 0.3   let r = tanh(x)   x' = (I - x) / 10 ms   scheme euler }
neuron Counting { event input exc: 1   state n = 0   n' = -n / 10 ms + exc   emit spike when n > 1 { n = 0 } }
synapse Link { weight w   deliver w * pre.r }
synapse Learning { weight w   deliver w * pre.r   on learn { w += 0.001 * pre.r * post.r } }
";

/// Steps of one call.
const STEPS: u64 = 100;

fn network(body: &str) -> Running {
    let text = format!("{MODELS}network Net {{ {body} }}\nexperiment e {{ network net = Net()   run 1 ms }}");
    let p = compile(SourceFile::new("bench.neuro", text), &mut NoImports).ok().expect("compiles");
    let settings = Settings { threads: 1, backend: Backend::Auto, ..Settings::default() };
    let runner = Runner { module: &p.module, files: &NoImports, settings, progress: &Silent };
    runner.networks(&p.module.experiments[0]).expect("builds").remove(0)
}

fn advance(net: &mut Running, steps: u64) {
    match net {
        Running::Batched(_) => panic!("no batch"),
        Running::Events(s) => s.run_until(s.step() + steps, &mut Unwatched).expect("stays finite"),
        Running::Rates(s) => (0..steps).for_each(|_| assert!(s.advance().is_ok())),
    }
}

fn steps(c: &mut Criterion) {
    let rates = |synapse: &str| {
        format!("population a: Unit[64]   projection a -> a.I: {synapse} {{ connect all_to_all   weight 0.01 }}")
    };
    for (name, body) in [
        (
            "events",
            "population a: Counting[64]   projection a -> a.exc: Static { connect all_to_all   weight 0.01   delay 0.1 ms }".into(),
        ),
        ("contributions beside events", format!("{}   population s: Counting[1]", rates("Link"))),
        ("contributions that learn beside events", format!("{}   population s: Counting[1]", rates("Learning"))),
        ("without events", rates("Link")),
    ] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(STEPS));
        let mut net = network(&body);
        group.bench_function("one by one", |b| b.iter(|| (0..STEPS).for_each(|_| advance(&mut net, 1))));
        group.bench_function("at once", |b| b.iter(|| advance(&mut net, STEPS)));
        group.finish();
    }
}

/// Cells whose input is another one at each step: the same for all of them, or an array.
fn inputs(c: &mut Criterion) {
    for (name, body, input, n) in [
        ("10 LifExp", "population a: LifExp[10]", "I", 10),
        ("1 000 LifExp", "population a: LifExp[1000]", "I", 1000),
        ("one ActiveBallAndStick", "population a: ActiveBallAndStick[1]", "soma.I", 1),
    ] {
        let mut group = c.benchmark_group(format!("inputs of {name}"));
        let mut net = network(body);
        let Running::Events(s) = &net else { panic!("no network with events") };
        let port = s.network.populations[0].model.var(input).expect("an input");
        let mut k = 0;
        group.bench_function("none", |b| b.iter(|| advance(&mut net, 1)));
        let mut set = |net: &mut Running, column: &dyn Fn(f64) -> Column| {
            k += 1;
            if let Running::Events(s) = net {
                s.set_port(0, port, column(1e-3 * f64::from(k % 1009)));
            }
            advance(net, 1);
        };
        group.bench_function("one for all", |b| b.iter(|| set(&mut net, &Column::Const)));
        group.bench_function("an array", |b| {
            b.iter(|| set(&mut net, &|x| Column::Array(Arc::new((0..n).map(|i| x * i as f64).collect()))));
        });
        group.finish();
    }
}

criterion_group!(benches, steps, inputs);
criterion_main!(benches);
