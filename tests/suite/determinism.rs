//! Same source, seed and precision: same bits at any thread count and on any back end.

use crate::support::{root, run_with, try_program};
use neuro::codegen::Backend;
use neuro::compiler::compile;
use neuro::experiment::{Outcome, Override, Settings};
use neuro::source::SourceFile;

fn fingerprint(out: &Outcome) -> Vec<(String, u64)> {
    out.recordings
        .iter()
        .map(|r| {
            // FNV-1a over the raw records.
            let mut hash = 0xcbf2_9ce4_8422_2325u64;
            r.spool
                .each(r.record_size(), &mut |bytes| {
                    for b in bytes {
                        hash = (hash ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3);
                    }
                })
                .unwrap();
            (r.name.clone(), hash)
        })
        .collect()
}

/// File, experiment, overrides.
type Example = (&'static str, &'static str, Vec<(&'static str, &'static str)>);

/// A short run of each example that has a network: overrides keep it small where a parameter allows.
fn examples() -> Vec<Example> {
    vec![
        ("coba.neuro", "coba", vec![("duration", "120 ms")]),
        ("microcircuit.neuro", "microcircuit", vec![("warm", "10 ms"), ("duration", "50 ms"), ("net.scale", "0.05")]),
        ("worm.neuro", "worm", vec![]),
    ]
}

#[test]
fn examples_have_the_same_bits_at_one_two_and_four_threads() {
    for (file, name, overrides) in examples() {
        let text = std::fs::read_to_string(root().join("examples").join(file)).unwrap();
        let p = compile(SourceFile::new(file, text), &mut neuro::compiler::NoImports)
            .unwrap_or_else(|r| panic!("{file}: {}", r.diagnostics));
        let index = p.module.experiments.iter().position(|e| e.name.text == name).unwrap();
        let run = |threads: usize| {
            let overrides = overrides.iter().map(|(p, v)| Override { path: (*p).into(), value: (*v).into() }).collect();
            let settings = Settings { threads, overrides, ..Settings::default() };
            let out = run_with(&p, index, settings, &root().join("examples"));
            assert!(out.failure.is_none(), "{file}: {:?}", out.failure);
            fingerprint(&out)
        };
        let one = run(1);
        assert!(!one.is_empty());
        assert_eq!(one, run(2), "{file} at 2 threads");
        assert_eq!(one, run(4), "{file} at 4 threads");
    }
}

/// A network with everything that draws numbers or sums: noise, handlers' draws, drives, short-term plasticity.
const MIXED: &str = "
use std.synapses.short_term
neuron Noisy {
    param tau = 10 ms, sigma = 3 mV / sqrt(1 ms)
    event input exc: mV
    state v = 0 mV
    state extra = 0
    v' = -v / tau + sigma * xi + exc
    emit spike when v > 8 mV + normal(0 mV, 0.5 mV) {
        v = 0 mV
        if random() < 0.5 { extra += uniform(0, 1) }
        mute spike for 1.5 ms
    }
    emit late on spike when since(previous spike) > 5 ms
}
network Net {
    population a: Noisy[100]
    init a.v ~ uniform(-5 mV, 5 mV)
    projection a -> a.exc: ShortTerm(tau_rec = 50 ms) { connect fixed_probability(0.2)  weight ~ lognormal(1 mV, 0.5 mV)  delay ~ uniform(0.5 ms, 3 ms) }
    drive a.exc { poisson 800 Hz  weight 0.5 mV }
}
experiment mixed {
    network net = Net()
    record (net.a.spike, net.a.late)
    record net.a.v every 1 ms as v
    record net.a.extra every 5 ms as extra
    run 60 ms
}
";

#[test]
fn the_interpreter_and_cranelift_give_the_same_bits_in_both_precisions() {
    let p = try_program(MIXED).unwrap_or_else(|r| panic!("{}", r.diagnostics));
    for precision in [neuro::ir::Precision::F32, neuro::ir::Precision::F64] {
        let run = |backend, threads| {
            let settings = Settings { backend, threads, precision: Some(precision), ..Settings::default() };
            let out = run_with(&p, 0, settings, &root());
            assert!(out.failure.is_none(), "{:?}", out.failure);
            fingerprint(&out)
        };
        let reference = run(Backend::Interpreter, 1);
        assert_eq!(reference, run(Backend::Cranelift, 1), "{precision}");
        assert_eq!(reference, run(Backend::Cranelift, 3), "{precision}");
    }
}

#[test]
fn another_seed_gives_other_bits() {
    let p = try_program(MIXED).unwrap_or_else(|r| panic!("{}", r.diagnostics));
    let run = |seed: &str| {
        let overrides = vec![Override { path: "seed".into(), value: seed.into() }];
        fingerprint(&run_with(&p, 0, Settings { overrides, ..Settings::default() }, &root()))
    };
    assert_ne!(run("1"), run("2"));
    assert_eq!(run("2"), run("2"));
}
