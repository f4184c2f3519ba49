//! Update kernels of cells by themselves: nanoseconds per cell and step on one thread, in single precision, beside what the machine
//! needs for as many arithmetic operations on vectors, and for moving the states in and out once per step.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use neuro::compiler::{NoImports, Silent, compile};
use neuro::experiment::{Runner, Settings};
use neuro::ir::{Op, SlotKind};
use neuro::runtime::{Running, Unwatched};
use neuro::source::SourceFile;
use std::hint::black_box;
use std::time::Instant;

/// Cells: states of all models fit the second-level cache.
const CELLS: usize = 4096;
const STEPS: u64 = 100;

/// Name, line that makes the model known, model, and what drives it.
const MODELS: &[(&str, &str, &str, &str)] = &[
    ("LifExp, exact", "use std.neurons.lif", "LifExp", ""),
    ("LifCond, exponential Euler", "use std.neurons.lif", "LifCond", ""),
    ("AdEx", "use std.neurons.adex", "AdEx", "init cell.I = 300 pA"),
    ("TraubMiles", "use std.neurons.hodgkin_huxley", "TraubMiles", ""),
    ("HodgkinHuxley", "use std.neurons.hodgkin_huxley", "HodgkinHuxley", ""),
];

/// Seconds for one fused multiplication and addition of 16 single-precision numbers, many of them side by side, with the widest
/// vectors of the machine; none if it has no wide ones.
fn seconds_per_operation() -> Option<f64> {
    const N: usize = 100_000;
    const CHAINS: usize = 12;
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        #[target_feature(enable = "avx512f")]
        fn of_sixteen(x: f32) -> f32 {
            let (a, b) = (_mm512_set1_ps(0.999), _mm512_set1_ps(x));
            let mut chains = [b; CHAINS];
            for _ in 0..N {
                chains.iter_mut().for_each(|v| *v = _mm512_fmadd_ps(*v, a, b));
            }
            chains.iter().map(|v| _mm512_reduce_add_ps(*v)).sum()
        }
        #[target_feature(enable = "avx2,fma")]
        fn of_eight(x: f32) -> f32 {
            let (a, b) = (_mm256_set1_ps(0.999), _mm256_set1_ps(x));
            let mut chains = [b; CHAINS];
            for _ in 0..N {
                chains.iter_mut().for_each(|v| *v = _mm256_fmadd_ps(*v, a, b));
            }
            chains.iter().map(|v| _mm256_cvtss_f32(*v)).sum()
        }
        let fastest = |f: &dyn Fn(f32) -> f32| {
            let once = || {
                let begun = Instant::now();
                black_box(f(black_box(1e-3)));
                begun.elapsed().as_secs_f64() / (CHAINS * N) as f64
            };
            (0..20).map(|_| once()).fold(f64::INFINITY, f64::min)
        };
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the feature.
            return Some(fastest(&|x| unsafe { of_sixteen(x) }));
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: as above; sixteen numbers take two operations.
            return Some(2.0 * fastest(&|x| unsafe { of_eight(x) }));
        }
    }
    None
}

/// Bytes per second when as many states as the models have are copied within the second-level cache.
fn copies_per_second() -> f64 {
    let from = vec![1u8; CELLS * 4 * 10];
    let mut to = vec![0u8; from.len()];
    let mut best = f64::INFINITY;
    for _ in 0..200 {
        let begun = Instant::now();
        black_box(&mut to).copy_from_slice(black_box(&from));
        best = best.min(begun.elapsed().as_secs_f64());
    }
    from.len() as f64 / best
}

fn kernels(c: &mut Criterion) {
    let (operation, copy) = (seconds_per_operation(), copies_per_second());
    let operation = operation.unwrap_or(f64::NAN);
    println!("one operation on 16 cells: {:.3} ns; copies: {:.0} GB/s", operation * 1e9, copy / 1e9);
    let mut group = c.benchmark_group("kernels");
    group.throughput(Throughput::Elements(CELLS as u64 * STEPS));
    for (name, line, model, init) in MODELS {
        let text = format!(
            "{line}\nnetwork Net {{ population cell: {model}[{CELLS}]  {init} }}\nexperiment e {{ network net = Net()  step }}\n"
        );
        let p = compile(SourceFile::new("bench.neuro", text), &mut NoImports).ok().expect("compiles");
        let settings = Settings { threads: 1, ..Settings::default() };
        let runner = Runner { module: &p.module, files: &NoImports, settings, progress: &Silent };
        let network = runner.networks(&p.module.experiments[0]).expect("builds").remove(0);
        let Running::Events(mut simulation) = network else { unreachable!("cells emit events") };
        let kernel = &simulation.listings()[0].kernel;
        let still =
            |op: &Op| matches!(op, Op::Load(_) | Op::LoadBits(_) | Op::Const(_) | Op::IConst(_) | Op::MConst(_));
        let operations = kernel.values.values().filter(|op| !still(op)).count();
        let states = kernel.slots.values().filter(|s| s.kind == SlotKind::State).count();
        println!(
            "{name}: {operations} operations, at least {:.3} ns per cell; {states} states, at least {:.3} ns to copy",
            operations as f64 * operation / 16.0 * 1e9,
            (states * 4) as f64 / copy * 1e9,
        );
        let mut step = 0;
        group.bench_function(*name, |b| {
            b.iter(|| {
                step += STEPS;
                simulation.run_until(step, &mut Unwatched).expect("finite")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
