//! Latency from text to the first step, for the models of the library and the studies (small networks).

use criterion::{Criterion, criterion_group, criterion_main};
use neuro::compiler::{NoImports, Silent, compile};
use neuro::experiment::{Runner, Settings};
use neuro::source::SourceFile;
use std::hint::black_box;

fn model(use_line: &str, neuron: &str) -> String {
    format!(
        "{use_line}\nnetwork Net {{ population cell: {neuron}[100] }}\nexperiment e {{ network net = Net()  step }}\n"
    )
}

fn text_to_first_step(c: &mut Criterion) {
    let mut group = c.benchmark_group("text to first step");
    group.sample_size(20);
    for (name, module, neuron) in [
        ("LifCond", "std.neurons.lif", "LifCond"),
        ("AdEx", "std.neurons.adex", "AdEx"),
        ("HodgkinHuxley", "std.neurons.hodgkin_huxley", "HodgkinHuxley"),
        ("TraubMiles", "std.neurons.hodgkin_huxley", "TraubMiles"),
        ("Pyramidal", "std.neurons.pyramidal", "Pyramidal"),
        ("BallAndStick", "std.neurons.cable", "ActiveBallAndStick"),
    ] {
        let text = model(&format!("use {module}"), neuron);
        group.bench_function(name, |b| {
            b.iter(|| {
                let p = compile(SourceFile::new("bench.neuro", text.as_str()), &mut NoImports).ok().expect("compiles");
                let runner =
                    Runner { module: &p.module, files: &NoImports, settings: Settings::default(), progress: &Silent };
                black_box(runner.run(&p.module.experiments[0]).simulated)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, text_to_first_step);
criterion_main!(benches);
