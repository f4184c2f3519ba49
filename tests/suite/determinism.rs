//! Same source, seed and precision: same bits at any thread count and on any back end.

use crate::support::{Folder, root, run_with, try_program};
use neuro::codegen::Backend;
use neuro::compiler::{Program, Silent, compile};
use neuro::experiment::{Outcome, Override, Runner, Settings};
use neuro::runtime::{Running, Simulation, Unwatched};
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

/// The bits of all states of an experiment's networks after so many steps.
fn states(p: &Program, index: usize, steps: &dyn Fn(&Simulation) -> u64, settings: Settings) -> Vec<u64> {
    let files = Folder(root().join("examples"));
    let runner = Runner { module: &p.module, files: &files, settings, progress: &Silent };
    let networks = runner.networks(&p.module.experiments[index]).unwrap_or_else(|d| panic!("{}", d.message));
    let mut out = Vec::new();
    for network in networks {
        // Networks without events are compared by what they have learned: see `rates.rs`.
        let Running::Events(mut simulation) = network else { continue };
        let steps = steps(&simulation);
        simulation.run_until(steps, &mut Unwatched).unwrap_or_else(|f| panic!("{f:?}"));
        for (i, population) in simulation.network.populations.iter().enumerate() {
            for (id, _) in population.model.states() {
                let b = simulation.state(i, id).expect("a state");
                out.extend((0..b.len()).map(|k| b.get(k).to_bits()));
            }
        }
    }
    out
}

#[test]
fn every_example_has_the_same_bits_at_any_thread_count_and_on_any_back_end() {
    let mut files: Vec<_> = std::fs::read_dir(root().join("examples")).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "neuro"));
    files.sort();
    assert!(files.len() >= 9);
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let p = compile(SourceFile::new(name.clone(), text), &mut Folder(root().join("examples")))
            .unwrap_or_else(|r| panic!("{name}: {}", r.diagnostics));
        // Data sets that are not part of the project may be missing; their networks have no events.
        let own = |e: &neuro::hir::experiment::model::Experiment| {
            let text = &p.sources.file(e.span.file).text;
            let folders = ["\"hemibrain/", "\"flywire_loom/", "\"celegans/"];
            let missing = std::env::var_os("NEURO_DATA").is_none() && folders.iter().any(|data| text.contains(data));
            // Files that users get themselves.
            let theirs = e.slow && text.contains("completeness_630");
            !missing && !theirs && !["mnist()", "cifar10()"].iter().any(|data| text.contains(data))
        };
        for (index, experiment) in p.module.experiments.iter().enumerate().filter(|(_, e)| own(e)) {
            let name = format!("{name} {}", experiment.name);
            let settings = |backend, threads| Settings { backend, threads, ..Settings::default() };
            let long = |_: &Simulation| 200;
            let one = states(&p, index, &long, settings(Backend::Auto, 1));
            for threads in [2, 4] {
                let other = states(&p, index, &long, settings(Backend::Auto, threads));
                assert!(one == other, "{name} at {threads} threads");
            }
            let portable = states(&p, index, &long, settings(Backend::Cranelift, 2));
            assert!(one == portable, "{name} on Cranelift");
            // The interpreter is slow: as many steps as a million updates of cells allow, three at least.
            let short = |s: &Simulation| {
                let cells: usize = s.network.populations.iter().map(|p| p.n).sum();
                (1_000_000 / cells as u64).clamp(3, 200)
            };
            let compiled = states(&p, index, &short, settings(Backend::Auto, 2));
            let interpreted = states(&p, index, &short, settings(Backend::Interpreter, 2));
            assert!(compiled == interpreted, "{name} on the interpreter");
        }
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
fn all_back_ends_give_the_same_bits_in_both_precisions() {
    let p = try_program(MIXED).unwrap_or_else(|r| panic!("{}", r.diagnostics));
    for precision in [neuro::ir::Precision::F32, neuro::ir::Precision::F64] {
        let run = |backend, threads| {
            let settings = Settings { backend, threads, precision: Some(precision), ..Settings::default() };
            let out = run_with(&p, 0, settings, &root());
            assert!(out.failure.is_none(), "{:?}", out.failure);
            fingerprint(&out)
        };
        let reference = run(Backend::Interpreter, 1);
        for backend in [Backend::Cranelift, Backend::Auto] {
            assert_eq!(reference, run(backend, 1), "{precision} {backend:?}");
            assert_eq!(reference, run(backend, 3), "{precision} {backend:?}");
        }
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

/// Four projections onto one port, two of which meet at their targets; `STORE` stands where a projection may say that it is not kept.
const MANY: &str = "
use std.synapses.short_term
neuron Cell {
    param tau = 10 ms
    event input exc: mV
    state v = 0 mV
    v' = -v / tau + exc
    emit spike when v > 8 mV { v = 0 mV }
}
network Net {
    population a: Cell[150]
    init a.v ~ uniform(0 mV, 8 mV)
    projection one: a[0 .. 100] -> a[0 .. 60].exc: Static { connect fixed_probability(0.2)  weight ~ normal(0.5 mV, 0.2 mV)  delay ~ normal(2 ms, 1 ms) redrawn in dt / 2 .. inf STORE }
    projection two: a[0 .. 100] -> a[50 .. 150].exc: Static { connect fixed_total(1500)  weight ~ normal(0.4 mV, 0.3 mV)  delay ~ uniform(1 ms, 3 ms) STORE }
    projection three: a[0 .. 100] -> a[60 .. 150].exc: Static { connect fixed_out_degree(20)  weight ~ uniform(0 mV, 0.5 mV)  delay ~ normal(2 ms, 1 ms) redrawn in dt / 2 .. inf STORE }
    projection four: a -> a.exc: ShortTerm(tau_rec = 50 ms) { connect all_to_all  weight 0.05 mV  delay 1.5 ms STORE }
    drive a.exc { poisson 800 Hz  weight 0.5 mV }
}
experiment e {
    network net = Net()
    record net.a.spike
    record net.a.v every 1 ms as v
    run 60 ms
    save net to \"net.neuro-state\"
    run 40 ms
    load net from \"net.neuro-state\"
    run 40 ms
    measure weights = mean(net.two.w)
}
";

#[test]
fn synapses_that_are_drawn_anew_give_the_bits_of_stored_ones() {
    for precision in [neuro::ir::Precision::F32, neuro::ir::Precision::F64] {
        let mut all = Vec::new();
        // None, all, and each by itself.
        for chosen in [0b0000, 0b1111, 0b0001, 0b0010, 0b0100, 0b1000] {
            let mut text = String::new();
            for (k, part) in MANY.split("STORE").enumerate() {
                text.push_str(part);
                text.push_str(if k < 4 && chosen >> k & 1 == 1 { "  store never" } else { "" });
            }
            let p = try_program(&text).unwrap_or_else(|r| panic!("{}", r.diagnostics));
            for threads in [1, 3] {
                let settings = Settings { threads, precision: Some(precision), ..Settings::default() };
                let out = run_with(&p, 0, settings, &root());
                assert!(out.failure.is_none(), "{:?}", out.failure);
                assert!(chosen != 0b1111 || out.synapse_bytes == 0);
                all.push((fingerprint(&out), out.measures["weights"][0].data[0].to_bits()));
            }
        }
        assert!(all.iter().all(|bits| *bits == all[0]), "{precision}");
    }
}

#[test]
fn what_cannot_be_drawn_anew_is_refused() {
    let mut found = String::new();
    for (synapse, connect, store) in [
        ("Static", "fixed_in_degree(3)", "never"),
        ("PairStdp(w_max = 1 mV)", "fixed_probability(0.5)", "never"),
        ("Static", "fixed_probability(0.5)", "sometimes"),
    ] {
        let text = format!(
            "use std.plasticity.pair: PairStdp\nuse std.neurons.lif: LifDelta\nnetwork Net {{\n    population a: LifDelta[10]\n    \
             projection a -> a.exc: {synapse} {{ connect {connect}  weight 1 mV  delay 1 ms  store {store} }}\n}}\n\
             experiment e {{ network net = Net()  run 1 ms }}\n"
        );
        let (list, sources) = match try_program(&text) {
            Err(r) => (r.diagnostics, r.sources),
            Ok(p) => {
                let mut list = neuro::diag::Diagnostics::default();
                list.push(*run_with(&p, 0, Settings::default(), &root()).failure.expect("refused"));
                (list, p.sources)
            }
        };
        found.push_str(&crate::support::rendered(list.iter(), &sources));
        found.push('\n');
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../ui" }, {
        insta::assert_snapshot!("store_never", found);
    });
}

/// Targets count from the first lane of a block of at most 65 536: every cell of a larger population is reached, at its own time.
#[test]
fn populations_of_several_blocks_are_reached_everywhere() {
    let text = "
        use std.sources.spikes: Clock
        neuron Counter { event input exc: 1   state n = 0   state last = 0 ms   n' = exc   emit reached when n > last / 1 ms { last = n * 1 ms } }
        network Net {
            population clock: Clock(period = 2 ms)[3]
            population cell: Counter[70000]
            projection all: clock[0] -> cell.exc: Static { connect all_to_all   weight 1   delay 1 ms }
            projection late: clock[1] -> cell[65530 .. 70000].exc: Static { connect all_to_all   weight 1   delay ~ uniform(0.1 ms, 1.5 ms) }
            projection single: clock[2] -> cell[69999].exc: Static { connect one_to_one   weight 10   delay 0.1 ms }
        }
        experiment e {
            network net = Net()
            run 9.9 ms
            measure n = net.cell.n
        }";
    let p = try_program(text).unwrap_or_else(|r| panic!("{}", r.diagnostics));
    for threads in [1, 2, 5] {
        let out = run_with(&p, 0, Settings { threads, ..Settings::default() }, &root());
        assert!(out.failure.is_none(), "{:?}", out.failure);
        let n = &out.measures["n"][0].data;
        assert_eq!(n.len(), 70_000);
        for (i, n) in n.iter().enumerate() {
            // Four ticks at 2, 4, 6 and 8 ms: once, again from cell 65 530 on, and ten times as much at the last cell.
            let expected = 4.0 + if i >= 65_530 { 4.0 } else { 0.0 } + if i == 69_999 { 40.0 } else { 0.0 };
            assert_eq!(*n, expected, "cell {i} at {threads} threads");
        }
    }
}
