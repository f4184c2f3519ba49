//! Learning in networks without events: `cargo bench --bench learning`.
//!
//! The multilayer perceptron 784-500-10 learns by backpropagation (images of which 19 % are not zero, as in MNIST), one thread; beside it
//! stands the time of its matrix products alone. A convolution goes forwards, backwards, and changes its weights.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use neuro::codegen::Backend;
use neuro::compiler::{NoImports, Silent, compile};
use neuro::experiment::{Runner, Settings};
use neuro::runtime::product::{Element, Matrix, Tile};
use neuro::runtime::{RateNetwork, Rows, Running};
use neuro::source::SourceFile;

fn network(text: &str) -> RateNetwork {
    let p = compile(SourceFile::new("bench.neuro", text), &mut NoImports).ok().expect("compiles");
    let settings = Settings { threads: 1, backend: Backend::Auto, ..Settings::default() };
    let runner = Runner { module: &p.module, files: &NoImports, settings, progress: &Silent };
    let mut all = runner.networks(&p.module.experiments[0]).expect("builds");
    match all.remove(0) {
        Running::Rates(n) => *n,
        Running::Events(_) | Running::Batched(_) => panic!("no events"),
    }
}

/// Pseudorandom images, about a fifth of whose pixels are not zero, each with pixels of its own kind.
fn images(rows: usize, n: usize, seed: usize) -> Rows {
    let value = |k: usize| {
        let x = (k + seed).wrapping_mul(2_654_435_761) % 1000;
        // Many pixels are zero in all images.
        if x < 810 || k % n % 7 == 3 { 0.0 } else { x as f64 / 1000.0 }
    };
    Rows { rows, values: (0..rows * n).map(value).collect() }
}

fn perceptron(c: &mut Criterion) {
    let mut group = c.benchmark_group("backpropagation 784-500-10");
    for batch in [100, 1] {
        let mut net = network(&format!(
            "use std.plasticity.gradient: ErrorDriven, Feedback
use std.neurons.rate: LogisticLearner, RateInput
network Net {{
    population a: RateInput[784]
    population h: LogisticLearner[500]
    population b: LogisticLearner[10]
    projection lower: a -> h.drive: ErrorDriven {{ connect all_to_all   weight ~ normal(0, 0.05) }}
    projection upper: h -> b.drive: ErrorDriven {{ connect all_to_all   weight ~ normal(0, 0.05) }}
    projection b -> h.teach: Feedback {{ connect transpose of upper }}
}}
experiment e {{ network net = Net() with batch {batch}   signal learn }}"
        ));
        let (r, teach) = {
            let p = &net.network.populations;
            (p[0].model.var("r").unwrap(), p[2].model.var("teach").unwrap())
        };
        let all: Vec<usize> = (0..net.network.projections.len()).collect();
        let seen: Vec<Rows> = (0..8).map(|k| images(batch, 784, 7919 * k)).collect();
        let rate = net.network.populations[2].model.var("r").unwrap();
        let mut k = 0;
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(format!("batch {batch}"), |bench| {
            bench.iter(|| {
                k += 1;
                net.set(0, r, 0..784, &seen[k % 8]);
                let mut error = net.values(2, rate);
                error.values.iter_mut().enumerate().for_each(|(i, r)| *r = f64::from(u8::from(i % 10 == k % 8)) - *r);
                net.set(2, teach, 0..10, &error);
                net.signal("learn", &all, &[0, 1, 2]).unwrap();
            })
        });
    }
    // The two large products of a batch, without anything else.
    let (m, k, n) = (100usize, 784usize, 512usize);
    let a: Vec<f32> = images(m, k, 3).values.iter().map(|x| *x as f32).collect();
    let b = vec![0.01f32; k * n];
    let mut out = vec![0.0f32; k * n];
    group.throughput(Throughput::Elements(100));
    group.bench_function("the two products of its lower layer", |bench| {
        bench.iter(|| {
            let left = Matrix::new(&a, m, k, k);
            let forward = Tile { out: out.as_mut_ptr(), ld: n, rows: 0..m, columns: 0..500 };
            // SAFETY: all rows are padded to 16 elements.
            unsafe { f32::accumulate(&forward, left, Matrix::new(&b, k, 500, n)) };
            let gradient = Tile { out: out.as_mut_ptr(), ld: n, rows: 0..k, columns: 0..500 };
            // SAFETY: as above.
            unsafe { f32::accumulate(&gradient, left.transposed(), Matrix::new(&b[..m * n], m, 500, n)) };
        })
    });
    group.finish();
}

fn convolution(c: &mut Criterion) {
    let batch = 16;
    let mut group = c.benchmark_group("convolution 3x32x32 to 64x14x14, kernel 5, stride 2");
    group.throughput(Throughput::Elements(batch as u64));
    let mut net = network(&format!(
        "use std.plasticity.gradient: ErrorDriven, Feedback
use std.neurons.rate: LinearLearner
network Net {{
    population image: LinearLearner[3, 32, 32]
    population maps: LinearLearner[64, 14, 14]
    projection filters: image -> maps.drive: ErrorDriven(eta = 1e-6) {{ connect conv(5, stride = 2)   weight ~ kaiming(1) }}
    projection maps -> image.teach: Feedback {{ connect transpose of filters }}
}}
experiment e {{ network net = Net() with batch {batch}   signal learn }}"
    ));
    let var = |net: &RateNetwork, p: usize, name: &str| net.network.populations[p].model.var(name).unwrap();
    let (drive, teach, r) = (var(&net, 0, "drive"), var(&net, 1, "teach"), var(&net, 1, "r"));
    let back = var(&net, 0, "teach");
    let (seen, taught) = (images(batch, 3 * 32 * 32, 1), images(batch, 64 * 14 * 14, 2));
    group.bench_function("forward", |bench| {
        bench.iter(|| {
            net.set(0, drive, 0..3072, &seen);
            net.values(1, r).values[0]
        })
    });
    group.bench_function("input gradient", |bench| {
        bench.iter(|| {
            net.set(1, teach, 0..12544, &taught);
            net.values(0, back).values[0]
        })
    });
    group.bench_function("weight gradient", |bench| {
        bench.iter(|| {
            net.set(1, teach, 0..12544, &taught);
            net.signal("learn", &[0], &[]).unwrap();
        })
    });
    group.finish();
}

criterion_group!(benches, perceptron, convolution);
criterion_main!(benches);
