//! Plastic delivery: 10 000 Poisson inputs onto 100 cells, all to all, and a recurrent network of 10 000 cells with 1000
//! plastic synapses each. Times are per simulated second, one and two threads; construction is part of them.

use criterion::{Criterion, criterion_group, criterion_main};
use neuro::compiler::{NoImports, Silent, compile};
use neuro::experiment::{Runner, Settings};
use neuro::source::SourceFile;
use std::hint::black_box;

/// The cell and parameters of Song, Miller & Abbott 2000; first second of ten.
const INPUTS: &str = "
    use std.plasticity.pair: PairStdp
    neuron Cell {
        param tau_m = 10 ms, tau_e = 5 ms, E_L = -74 mV, V_th = -54 mV, V_reset = -60 mV
        event input exc: 1
        state g = 0
        state v = V_reset
        g' = -g / tau_e + exc
        v' = (E_L - v - g * v) / tau_m
        emit spike when v > V_th { v = V_reset }
    }
    network Net {
        population inputs: Poisson(rate = 15 Hz)[10000]
        population cell: Cell[100]
        projection inputs -> cell.exc: PairStdp(w_max = 0.001) { connect all_to_all  weight ~ uniform(0, 0.001)  delay 0.1 ms }
    }
    experiment e { network net = Net()  record net.cell.spike  run 1 s  measure r = rate(net.cell.spike) }";

/// Ten million plastic synapses, cells at some 10 Hz from a drive of their own.
const RECURRENT: &str = "
    use std.neurons.lif: LifDelta
    use std.plasticity.pair: PairStdp
    network Net {
        population cell: LifDelta[10000]
        projection cell -> cell.exc: PairStdp(w_max = 0.02 mV) { connect fixed_in_degree(1000)  weight 0.01 mV  delay 1.5 ms }
        drive cell.exc { poisson 9 kHz  weight 0.1 mV }
    }
    experiment e { network net = Net()  record net.cell.spike  run 1 s  measure r = rate(net.cell.spike) }";

fn plastic_delivery(c: &mut Criterion) {
    let mut group = c.benchmark_group("plastic delivery");
    group.sample_size(10);
    for (name, text) in [("10 000 inputs onto 100 cells", INPUTS), ("10 000 cells, 1000 synapses each", RECURRENT)] {
        let p = compile(SourceFile::new("bench.neuro", text), &mut NoImports).ok().expect("compiles");
        for threads in [1, 2] {
            let run = || {
                let settings = Settings { threads, ..Settings::default() };
                let runner = Runner { module: &p.module, files: &NoImports, settings, progress: &Silent };
                runner.run(&p.module.experiments[0])
            };
            println!("{name}: {}", run().measures["r"][0]);
            group.bench_function(format!("{name}, {threads} threads"), |b| b.iter(|| black_box(run().simulated)));
        }
    }
    group.finish();
}

criterion_group!(benches, plastic_delivery);
criterion_main!(benches);
