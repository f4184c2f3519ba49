//! Networks without events: what is in them means the same whatever runs them, with a batch and without, at any precision and number of
//! threads. What only the engine for events can do, or what is alone in a network with spikes, serves as the other opinion.

use crate::checkpoint::{All, bits, run as checkpointed};
use crate::support::{program, root, run, run_failing, run_with, trace};
use neuro::codegen::Backend;
use neuro::compiler::Program;
use neuro::experiment::Settings;
use std::collections::BTreeMap;

/// Cells of the population that all features measure.
const CELLS: usize = 3;

const MODELS: &str = "
neuron Source { param k = 1   state x = 0.2   let r = tanh(k * x)   x' = -x / 2 ms }
neuron Ramp { state x = 0   let r = 2 * x + 1   x' = 1 / 1 ms }
neuron Unit { param gain = 1.5   input I: 1 = 0.1   state x = 0.3   let r = gain * I + x   x' = (tanh(I) - x) / 1 ms }
neuron Relay { input I: 1 = 0.25   let r = 0.5 * I }
neuron Spiking { state v = 0   v' = 1 / 1 ms   emit spike when v > 1 { v = 0 } }
synapse Link { weight w   deliver w * pre.r }
synapse Later { weight w   deliver w * delayed(pre.r, 0.3 ms) }
synapse Bent { weight w   deliver tanh(w * pre.r + 0.1 * post.x) }
synapse Gap { weight w   deliver w * (pre.x - post.x) }
synapse Scaled { weight w   modulator m = 1   deliver m * w * pre.r }
synapse Learner { weight w   state seen = 0   deliver (w + 0.1 * seen) * pre.r   on learn {
    w += 0.05 * pre.r * post.x
    seen += 0.1
} }
synapse Averaging { weight w   state sum = 0   state n = 0   deliver w * pre.r
    on take {
        sum += pre.r * post.x
        n += 1
    }
    on learn {
        w += 0.1 * sum / n
        sum = 0
        n = 0
    }
}
";

/// What a network may have: its name, what it consists of, and what is done with it.
const FEATURES: &[(&str, &str, &str)] = &[
    (
        "one hop of definitions",
        "population a: Source[4]   population b: Relay[3]
         projection a -> b.I: Link { connect all_to_all   weight 0.1 * pre.i - 0.2 * post.i + 0.3 }",
        "measure b = net.b.r   net.a.x = [1, 2, -1, 0.5]   measure b = net.b.r   run 0.5 ms   measure b = net.b.r",
    ),
    (
        "two hops of definitions",
        "population a: Source[4]   population m: Relay[5]   population b: Relay[3]
         projection m -> b.I: Link { connect all_to_all   weight 0.3 - 0.1 * post.i }
         projection a -> m.I: Link { connect all_to_all   weight 0.1 * pre.i }",
        "net.a.x = 0.7   measure b = net.b.r   run 0.5 ms   measure b = net.b.r   measure I = net.b.I",
    ),
    (
        "recurrence",
        "population b: Unit[3]
         projection b -> b.I: Gap { connect all_to_all   weight 0.4 * (1 + pre.i) }",
        "net.b.x = [0.1, 0.5, -0.3]   run 2 ms   measure b = net.b.x   measure r = net.b.r",
    ),
    (
        "one delay of states",
        "population a: Ramp[4]   population b: Unit[3]
         projection a -> b.I: Link { connect all_to_all   weight 0.1 * (1 + pre.i + post.i)   delay 0.4 ms }",
        "net.a.x = [0, 1, 2, 3]   measure r = net.b.r   run 0.2 ms   measure r = net.b.r   run 1 ms   measure r = net.b.r   measure b = net.b.x",
    ),
    (
        "delays by an expression",
        "population a: Ramp[4]   population b: Unit[3]
         projection a -> b.I: Link { connect all_to_all   weight 0.1 * (1 + pre.i)   delay 0.1 ms * (1 + pre.i + 2 * post.i) }",
        "net.a.x = [0, 1, 2, 3]   measure r = net.b.r   run 0.2 ms   measure r = net.b.r   run 1 ms   measure r = net.b.r   measure b = net.b.x",
    ),
    (
        "delays that are drawn",
        "population a: Ramp[40]   population b: Unit[3]
         projection a -> b.I: Link { connect all_to_all   weight 0.01 * pre.i   delay ~ uniform(0.1 ms, 1 ms) }",
        "measure r = net.b.r   run 0.5 ms   measure r = net.b.r   run 1 ms   measure b = net.b.x",
    ),
    (
        "delays of chosen pairs",
        "population a: Ramp[4]   population b: Unit[3]
         projection a -> b.I: Link { connect where pre.i != post.i   weight 0.1   delay 0.1 ms * (1 + pre.i) }",
        "measure r = net.b.r   run 0.2 ms   measure r = net.b.r   run 1 ms   measure b = net.b.x",
    ),
    (
        "delays of pairs one by one",
        "population a: Ramp[3]   population b: Unit[3]
         projection a -> b.I: Link { connect one_to_one   weight 0.1 * (1 + pre.i)   delay 0.1 ms * (1 + 3 * pre.i) }",
        "measure r = net.b.r   run 0.2 ms   measure r = net.b.r   run 1 ms   measure r = net.b.r   measure b = net.b.x",
    ),
    (
        "delays of views",
        "population a: Ramp[6]   population b: Unit[3]
         projection a[2..6] -> b[1..3].I: Link { connect all_to_all   weight 0.1 * (1 + pre.i)   delay 0.1 ms * (1 + pre.i + post.i) }",
        "net.a.x = [0, 1, 2, 3, 4, 5]   measure r = net.b.r   run 0.3 ms   measure r = net.b.r   run 1 ms   measure b = net.b.x",
    ),
    (
        "delayed variables",
        "population a: Ramp[4]   population b: Unit[3]
         projection a -> b.I: Later { connect all_to_all   weight 0.1 * (1 + pre.i) }",
        "measure r = net.b.r   run 0.2 ms   measure r = net.b.r   run 1 ms   measure r = net.b.r   measure b = net.b.x",
    ),
    (
        "delayed variables after delays of synapses",
        "population a: Ramp[4]   population b: Unit[3]
         projection a -> b.I: Later { connect all_to_all   weight 0.1 * (1 + pre.i)   delay 0.1 ms * (1 + post.i) }",
        "measure r = net.b.r   run 0.2 ms   measure r = net.b.r   run 1 ms   measure r = net.b.r   measure b = net.b.x",
    ),
    (
        "definitions that come back after a delay",
        "population m: Relay[3]   population b: Relay[3]
         projection m -> b.I: Link { connect all_to_all   weight 0.3   delay 0.2 ms }
         projection b -> m.I: Link { connect one_to_one   weight 1 + pre.i }",
        "measure b = net.b.r   run 0.2 ms   measure b = net.b.r   run 0.2 ms   measure b = net.b.r   run 1 ms   measure b = net.b.r",
    ),
    (
        "definitions that come back after delays of synapses",
        "population b: Relay[3]
         projection b -> b.I: Link { connect all_to_all   weight 0.3   delay 0.1 ms * (1 + pre.i + post.i) }",
        "measure b = net.b.r   run 0.2 ms   measure b = net.b.r   run 0.2 ms   measure b = net.b.r   run 1 ms   measure b = net.b.r",
    ),
    (
        "definitions after a delay of definitions",
        "population a: Source[2]   population m: Relay[3]   population b: Relay[3]
         projection m -> b.I: Link { connect all_to_all   weight 0.3   delay 0.2 ms }
         projection a -> m.I: Link { connect all_to_all   weight 1 + pre.i }",
        "net.a.x = 0.6   measure b = net.b.r   run 0.2 ms   measure b = net.b.r   net.a.x = 3   run 0.2 ms   measure b = net.b.r",
    ),
    (
        "gap junctions with a delay",
        "population b: Unit[3]
         projection b -> b.I: Gap { connect all_to_all   weight 0.4 * (1 + pre.i)   delay 0.3 ms }",
        "net.b.x = [0.1, 0.5, -0.3]   run 2 ms   measure b = net.b.x   measure r = net.b.r",
    ),
    (
        "gap junctions with delays of their own",
        "population b: Unit[3]
         projection b -> b.I: Gap { connect all_to_all   weight 0.4 * (1 + pre.i)   delay 0.1 ms * (1 + pre.i + post.i) }",
        "net.b.x = [0.1, 0.5, -0.3]   run 2 ms   measure b = net.b.x   measure r = net.b.r",
    ),
    (
        "contributions that do not come apart",
        "population a: Source[5]   population b: Unit[3]
         projection a -> b.I: Bent { connect all_to_all   weight 0.4 * (1 + pre.i) }
         projection a[1..3] -> b[0..2].I: Bent { connect one_to_one   weight 2 }",
        "net.a.x = [0.1, 0.5, -0.3, 1, 2]   run 1 ms   measure b = net.b.x   measure r = net.b.r",
    ),
    (
        "contributions that do not come apart, with delays of their own",
        "population a: Source[5]   population b: Unit[3]
         projection a -> b.I: Bent { connect all_to_all   weight 0.4 * (1 + pre.i)   delay 0.1 ms * (1 + pre.i) }",
        "net.a.x = [0.1, 0.5, -0.3, 1, 2]   run 1 ms   measure b = net.b.x   measure r = net.b.r",
    ),
    (
        "modulators, one for all and one per target",
        "population a: Source[4]   population b: Unit[3]   population c: Ramp[3]
         projection a -> b.I: Scaled { connect all_to_all   weight 0.3   modulator m = c.r }
         projection a -> b.I: Scaled { connect all_to_all   weight 0.1   modulator m = c[1].x }
         projection a -> b.I: Scaled { connect all_to_all   weight 0.1   modulator m = 3 }",
        "net.a.x = 0.5   net.c.x = [0, 1, 2]   measure r = net.b.r   run 1 ms   measure r = net.b.r   measure b = net.b.x",
    ),
    (
        "inputs that follow time, and assignments at times",
        "population a: Source[4]   population m: Relay[2]   population b: Unit[3]
         projection m -> b.I: Link { connect all_to_all   weight 0.2 }
         projection a -> m.I: Link { connect all_to_all   weight 0.3 }",
        "net.m.I = sin(t / 1 ms)   net.b.I = t / 1 ms   at 0.5 ms { net.a.x = 2 }   at 0.75 ms { net.b.x += 1 }
         run 0.5 ms   measure r = net.b.r   run 0.5 ms   measure r = net.b.r   net.m.I = 0.5   run 0.5 ms
         measure r = net.b.r   measure b = net.b.x",
    ),
    (
        "parameters that change",
        "population a: Source[4]   population b: Unit[3]
         projection a -> b.I: Link { connect all_to_all   weight 0.2 }",
        "net.b.gain = [1, 2, 3]   net.a.x = 1   run 0.5 ms   measure r = net.b.r   net.a.k = 0.3   measure r = net.b.r
         net.b.gain = 2   run 0.5 ms   measure r = net.b.r   measure b = net.b.x",
    ),
    (
        "signals, and weights that are held",
        "population a: Source[4]   population b: Unit[3]
         projection link: a -> b.I: Learner { connect all_to_all   weight 0.1 * (1 + pre.i + post.i) }",
        "net.a.x = [1, 2, 3, 4]   signal learn   measure r = net.b.r   run 0.5 ms   plasticity off net.link   signal learn
         run 0.3 ms   plasticity on net.link   signal learn   measure r = net.b.r   run 0.5 ms   measure b = net.b.x
         net.link.w *= 0.5   measure r = net.b.r",
    ),
    (
        "signals that set back what synapses share",
        "population a: Source[4]   population b: Unit[3]
         projection link: a -> b.I: Averaging { connect all_to_all   weight 0.1 * (1 + pre.i + post.i) }",
        "net.a.x = [1, 2, 3, 4]   signal take   run 0.2 ms   signal take   signal learn   measure r = net.b.r   run 0.5 ms
         signal take   signal learn   measure r = net.b.r   measure b = net.b.x",
    ),
    (
        "signals whose rules read what is delayed",
        "population a: Ramp[4]   population b: Unit[3]
         projection link: a -> b.I: Learner { connect all_to_all   weight 0.1 * (1 + pre.i + post.i)   delay 0.3 ms }",
        "signal learn   measure r = net.b.r   run 0.5 ms   signal learn   measure r = net.b.r   run 0.5 ms   measure b = net.b.x",
    ),
];

fn text(feature: &(&str, &str, &str), batch: &str, precision: &str, spiking: bool) -> String {
    let (_, network, body) = feature;
    let other = if spiking { "population other: Spiking[1]" } else { "" };
    format!(
        "{MODELS}
network Net {{ {network}
    {other} }}
experiment e {{
    precision {precision}
    dt 0.1 ms
    network net = Net(){batch}
    {body}
}}"
    )
    .replace("   ", "\n")
}

#[track_caller]
fn outcome(p: &Program, settings: Settings, name: &str) -> BTreeMap<String, Vec<f64>> {
    let out = run_with(p, 0, settings, &root());
    if let Some(d) = &out.failure {
        panic!("{name}: {}", neuro::diag::render::human(d, &p.sources, false));
    }
    let values = |list: &Vec<neuro::experiment::Quantity>| list.iter().flat_map(|q| q.data.iter().copied()).collect();
    out.measures.iter().map(|(n, list)| (n.clone(), values(list))).collect()
}

fn is_without_events(p: &Program) -> bool {
    let nets = p.networks(None, &crate::support::Folder(root()), &Settings::default()).unwrap();
    nets.iter().all(|n| n.simulations().is_empty())
}

#[track_caller]
fn alike(name: &str, a: &BTreeMap<String, Vec<f64>>, b: &BTreeMap<String, Vec<f64>>, batch: usize, tolerance: f64) {
    assert_eq!(a.len(), b.len(), "{name}");
    for (measure, expected) in b {
        let found = &a[measure];
        assert_eq!(found.len(), batch * expected.len(), "{name}: {measure}");
        for (k, row) in found.chunks(CELLS).enumerate() {
            let expected = &expected[k / batch * CELLS..][..CELLS];
            for (x, y) in row.iter().zip(expected) {
                assert!((x - y).abs() <= tolerance * y.abs().max(1.0), "{name}: {measure}: {found:?} for {expected:?}");
            }
        }
    }
}

#[test]
fn a_network_means_the_same_whether_or_not_something_else_spikes() {
    for feature in FEATURES {
        let name = feature.0;
        for (precision, tolerance) in [("f64", 1e-12), ("f32", 3e-6)] {
            let spiking = program(&text(feature, "", precision, true));
            assert!(!is_without_events(&spiking), "{name}");
            let expected = outcome(&spiking, Settings { threads: 1, ..Settings::default() }, name);
            assert!(expected.values().flatten().all(|v| v.is_finite()), "{name}: {expected:?}");
            let distinct = |v: &&Vec<f64>| v.iter().any(|x| x.abs() > 1e-3);
            assert!(expected.values().all(|v| distinct(&v)), "{name}: {expected:?}");
            for (batch, size) in [("", 1), (" with batch 1", 1), (" with batch 4", 4)] {
                let p = program(&text(feature, batch, precision, false));
                assert!(is_without_events(&p), "{name}{batch}");
                let name = format!("{name}{batch}, {precision}");
                let one = outcome(&p, Settings { threads: 1, ..Settings::default() }, &name);
                alike(&name, &one, &expected, size, tolerance);
                let two = outcome(&p, Settings { threads: 2, ..Settings::default() }, &name);
                assert!(one == two, "{name}: two threads");
                let interpreted = Settings { threads: 1, backend: Backend::Interpreter, ..Settings::default() };
                assert!(one == outcome(&p, interpreted, &name), "{name}: interpreter");
            }
            let two = outcome(&spiking, Settings { threads: 2, ..Settings::default() }, name);
            assert!(expected == two, "{name}: two threads, with events");
        }
    }
}

/// Euler's method by hand: a ramp x = i + t reaches each target after the synapse's own delay; before it, what was at the beginning.
#[test]
fn contributions_arrive_as_late_as_their_delays_say() {
    let dt = 0.1;
    for (delay, steps) in [
        ("0.4 ms", (|_, _| 4) as fn(usize, usize) -> usize),
        ("0.1 ms * (1 + pre.i + 2 * post.i)", |i, j| 1 + i + 2 * j),
    ] {
        for synapse in [
            "deliver w * pre.x",
            "deliver max(w * pre.x, w * pre.x)",
            "state s = 1   deliver s * w * pre.x   on none { s = 2 }",
        ] {
            for other in ["", "population other: Spiking[1]"] {
                let text = format!(
                    "{MODELS}
neuron Follow {{ input I: 1 = 0   state z = 0   z' = I / 1 ms   scheme euler }}
synapse Plain {{ weight w   {synapse} }}
network Net {{
    population a: Ramp[3]
    population b: Follow[3]
    {other}
    projection a -> b.I: Plain {{ connect all_to_all   weight 1 + pre.i   delay {delay} }}
}}
experiment e {{
    precision f64
    network net = Net()
    net.a.x = [0, 1, 2]
    run 2 ms
    measure z = net.b.z
}}"
                )
                .replace("   ", "\n");
                let found = outcome(&program(&text), Settings::default(), delay);
                for j in 0..3 {
                    let arrives = |s: usize, i: usize| {
                        let then = s.saturating_sub(steps(i, j)) as f64 * dt;
                        (1 + i) as f64 * (i as f64 + then)
                    };
                    let z: f64 = (0..20).map(|s| (0..3).map(|i| arrives(s, i) * dt).sum::<f64>()).sum();
                    assert!((found["z"][j] - z).abs() < 1e-12, "{delay} {synapse} {other}: {found:?}, {z}");
                }
            }
        }
    }
}

#[test]
fn recordings_see_states_inputs_and_definitions_of_some_cells() {
    let text = |other: &str| {
        format!(
            "{MODELS}
network Net {{
    population a: Source[4]
    population m: Relay[2]
    population b: Unit[3]
    {other}
    projection m -> b.I: Link {{ connect all_to_all\nweight 0.2\ndelay 0.2 ms }}
    projection a -> m.I: Link {{ connect all_to_all\nweight 0.1 * (1 + pre.i + post.i) }}
}}
experiment e {{
    precision f64
    network net = Net()
    net.a.x = 1
    record net.b.x every 0.3 ms
    record net.m.I as inputs
    record net.b[1..3].r every 0.2 ms as some
    record net.m[1].r
    run 0.7 ms
    net.a.x = 2
    run 0.8 ms
}}"
        )
    };
    let (plain, spiking) = (run(&text("")), run(&text("population other: Spiking[1]")));
    assert_eq!(plain.recordings.len(), 4);
    for r in &plain.recordings {
        let ((times, values), (other_times, other)) = (trace(&plain, &r.name), trace(&spiking, &r.name));
        assert_eq!(times, other_times, "{}", r.name);
        assert!(values.len() == other.len() && values.len() > times.len() / 4, "{}", r.name);
        let off = values.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-12, "{}: {values:?} {other:?}", r.name);
    }
    // tanh of a state that decays from one, by its weights: the first sample is the value at the beginning.
    let (_, inputs) = trace(&plain, "inputs");
    let first = 0.25 + 0.1 * (1.0 + 2.0 + 3.0 + 4.0) * 1f64.tanh();
    assert!((inputs[0] - first).abs() < 1e-12, "{inputs:?}");
    let d = run_failing(&text("").replace("network net = Net()", "network net = Net() with batch 2"));
    assert_eq!(d.code.to_string(), "E0106");
}

/// White noise of unit strength: the variance of x' = -x / tau + xi / sqrt(ms) is tau / 2 in milliseconds, here 2.5 / (1 - dt / (2 tau)).
#[test]
fn noise_has_its_variance_and_looking_does_not_change_it() {
    let text = |look: &str, n: usize, batch: &str| {
        format!(
            "neuron Noisy {{ state x = 0\nlet late = x + t / 1 ms\nx' = -x / 5 ms + xi / sqrt(1 ms)\nscheme euler }}
neuron Sum {{ input I: 1 = 0\nlet r = I }}
synapse Link {{ weight w\ndeliver w * pre.x }}
network Net {{
    population a: Noisy[{n}]
    population b: Sum[1]
    projection a -> b.I: Link {{ connect all_to_all\nweight 1 }}
}}
experiment e {{
    precision f64
    network net = Net(){batch}
    {look}
    run 50 ms
    measure x = net.a.x
    measure r = net.b.r
}}"
        )
    };
    for (batch, rows) in [("", 1), (" with batch 4", 4)] {
        let out = outcome(&program(&text("", 4000, batch)), Settings::default(), "noise");
        let x = &out["x"];
        assert_eq!(x.len(), 4000 * rows);
        let n = x.len() as f64;
        let variance = x.iter().map(|x| x * x).sum::<f64>() / n;
        let expected = 2.5 / (1.0 - 0.1 / 10.0);
        // Five standard deviations of an estimate from independent Gaussian numbers.
        assert!((variance - expected).abs() < 5.0 * expected * (2.0 / n).sqrt(), "{batch}: {variance}, {expected}");
        let total: f64 = x[..4000].iter().sum();
        assert!((out["r"][0] - total).abs() < 1e-9);
    }
    let alone = outcome(&program(&text("", 20, "")), Settings::default(), "alone");
    let looked = text("record net.a.late every 0.1 ms\nmeasure first = net.b.r", 20, "");
    let looked = outcome(&program(&looked), Settings::default(), "looked");
    assert_eq!(alone["x"], looked["x"]);
}

#[test]
fn what_runs_a_network_is_decided_by_its_events_alone() {
    let without = |network: &str| {
        is_without_events(&program(&format!(
            "{MODELS}\nnetwork Net {{ {network} }}\nexperiment e {{ network net = Net()\nrun 1 ms }}"
        )))
    };
    let link = "projection a -> b.I: Link { connect all_to_all\nweight 1 }";
    assert!(without(&format!("population a: Source[2]\npopulation b: Unit[2]\n{link}")));
    assert!(!without(&format!("population a: Source[2]\npopulation b: Unit[2]\n{link}\npopulation c: Spiking[1]")));
    // A network in which no value travels has nothing to gain.
    assert!(!without("population a: Source[2]"));
    // Several synapses of the same pair, which a matrix cannot hold.
    let several = link.replace("all_to_all", "fixed_total(50)");
    assert!(!without(&format!("population a: Source[2]\npopulation b: Unit[2]\n{several}")));
}

#[test]
fn several_synapses_of_a_pair_all_count() {
    let text = |batch: &str| {
        format!(
            "{MODELS}
network Net {{
    population a: Source[2]
    population b: Relay[3]
    projection link: a -> b.I: Link {{ connect fixed_total(50)\nweight 1 }}
}}
experiment e {{
    precision f64
    network net = Net(){batch}
    net.a.k = 1
    net.a.x = 0.3
    net.b.I = 0
    measure I = net.b.I
}}"
        )
    };
    let out = outcome(&program(&text("")), Settings::default(), "several");
    assert!((out["I"].iter().sum::<f64>() - 50.0 * 0.3f64.tanh()).abs() < 1e-12, "{out:?}");
    // A graph of values has one weight for a pair; with a batch the engine for events runs it, too.
    let out = outcome(&program(&text(" with batch 2")), Settings::default(), "several");
    for example in out["I"].chunks(3) {
        assert!((example.iter().sum::<f64>() - 50.0 * 0.3f64.tanh()).abs() < 1e-12, "{out:?}");
    }
    assert_eq!(out["I"].len(), 6);
}

#[test]
fn networks_without_events_settle_whatever_runs_them() {
    let out = run("
neuron Unit { param target = 3   state s = 0   s' = (target - s) / 1 ms   scheme rk45(1e-9) }
network Net { population a: Unit[2] }
experiment e {
    precision f64
    network net = Net()
    settle until change < 1e-9 or 1000 steps
    expect net.a.s == 3 within 1e-7
}");
    assert!(out.expectations.iter().all(|e| e.passed), "{:?}", out.expectations);
}

#[test]
fn delays_that_cannot_be_kept_are_refused() {
    let text = |synapse: &str, clause: &str| {
        format!(
            "{MODELS}
synapse Tried {{ weight w\n{synapse} }}
network Net {{
    population a: Source[2]
    population b: Unit[3]
    projection a -> b.I: Tried {{ connect all_to_all\nweight 1\n{clause} }}
}}
experiment e {{ network net = Net()\nrun 1 ms }}"
        )
    };
    let d = run_failing(&text("deliver w * pre.r\non learn { w += pre.r }", "delay 0.1 ms * (1 + pre.i)"));
    assert!(d.code.to_string() == "E0106" && d.message.contains("values by which synapses change"), "{}", d.message);
}

/// Everything that a network without events remembers is saved: going on from it gives the bits of a run in one go.
#[test]
fn a_saved_network_goes_on_with_the_same_bits() {
    let network = "
neuron Kept { input I: 1 = 0   per sample state sample = 0   state x = 0.1   state bias = 0   let r = tanh(x + bias)
    x' = (I - x) / 1 ms + 0.1 * xi / sqrt(1 ms)   scheme euler
    on learn { bias += 0.1 * x   sample += x - x at end of free } }
synapse Rule { weight w   state m = 0   deliver w * pre.r   on learn { m += pre.r   w += 0.01 * m * post.r } }
synapse Plain { weight w   deliver w * pre.r }
network Net {
    population a: Kept[5]
    population b: Kept[3]
    projection link: a -> b.I: Rule { connect all_to_all   weight 0.1 * pre.i   delay 0.3 ms }
    projection b -> a.I: Plain { connect all_to_all   weight 0.2   delay 0.1 ms * (1 + pre.i) }
    projection b -> a.I: Plain { connect transpose of link }
}"
    .replace("   ", "\n");
    for precision in ["f64", "f32"] {
        for batch in ["", " with batch 3"] {
            let text = format!(
                "{network}
experiment e {{
    precision {precision}
    data d = dataset(x = [1, 2, 3, 4, 5])
    network net = Net(){batch}
    for (x) in d {{
        net.b.I = x
        window free {{ run 0.5 ms }}
        signal learn
    }}
    net.a.I = sin(t / 1 ms)
    run 0.4 ms
    save net to \"all\"
    run 0.4 ms
    signal learn
    run 0.6 ms
    measure x = net.a.x
    measure w = net.link.w
    measure m = net.link.m
    measure sample = net.b.sample
    load net from \"all\"
    run 0.4 ms
    signal learn
    run 0.6 ms
    measure x2 = net.a.x
    measure w2 = net.link.w
    measure m2 = net.link.m
    measure sample2 = net.b.sample
}}"
            );
            let out = outcome(&program(&text), Settings::default(), batch);
            for name in ["x", "w", "m", "sample"] {
                assert_eq!(out[name], out[&format!("{name}2")], "{precision}{batch}: {name}");
                assert!(out[name].iter().any(|v| v.abs() > 1e-3), "{name}");
            }
        }
    }
}

/// Checkpoints within runs of all sorts of networks without events, and energies, whose forces are made anew.
#[test]
fn resuming_a_network_without_events_gives_the_same_bits() {
    let text = |batch: &str| {
        format!(
            "
neuron Kept {{ input I: 1 = 0\nstate x = 0.1\nlet r = tanh(x)\nx' = (I - x) / 20 ms + 0.1 * xi / sqrt(1 ms)\nscheme euler }}
neuron Cell {{ input field: 1 = 0\nstate s = 0.1 in -1 .. 1\nlet f = tanh(s)\nenergy E = (s * s / 2 - field * s) / 10 ms }}
synapse Rule {{ weight w\ndeliver w * pre.r\non learn {{ w += 0.01 * pre.r * post.r }} }}
synapse Coupling {{ weight w\nenergy F = -w * pre.f * post.f / 10 ms\non learn {{ w += 0.01 * pre.f * post.f }} }}
network Net {{
    population a: Kept[5]
    population b: Kept[3]
    population c: Cell[4]
    population d: Cell[2]
    projection link: a -> b.I: Rule {{ connect all_to_all\nweight 0.1 * pre.i\ndelay 3 ms }}
    projection b -> a.I: Rule {{ connect transpose of link }}
    projection couple: c -> d: Coupling {{ connect all_to_all\nweight 0.3 }}
    projection a[0..4] -> c.field: Rule {{ connect one_to_one\nweight 0.5\ndelay 10 ms * (1 + pre.i) }}
}}
experiment e {{
    network net = Net(){batch}
    net.a.I = 0.1 * sin(t / 7 ms)
    at 130 ms net.b.x = 0.5
    {}
    for k in 1..2 {{
        run 150 ms
        signal learn in [net.link, net.couple]
        net.c.field = k
        run 60 ms
        measure x = net.a.x
        measure s = net.d.s
        plasticity off net.couple
    }}
    measure w = net.couple.w
    measure v = net.link.w
}}",
            if batch.is_empty() { "record net.b.r every 1 ms as r" } else { "" }
        )
        .replace("synapse Rule { weight w\ndeliver w * pre.r\non learn", "synapse Plain { weight w\ndeliver w * pre.r }\nsynapse Rule { weight w\ndeliver w * pre.r\non learn")
        .replace("a.I: Rule", "a.I: Plain")
        .replace("c.field: Rule", "c.field: Plain")
    };
    for batch in ["", " with batch 3"] {
        let p = program(&text(batch));
        let keeper = All::default();
        let whole = bits(&checkpointed(&p, &keeper, None, 1));
        assert!(
            whole == bits(&run_with(&p, 0, Settings::default(), &root().join("examples"))),
            "checkpoints change nothing"
        );
        let all = keeper.kept();
        assert!(all.len() >= 4, "{}", all.len());
        for (k, file) in all.into_iter().enumerate() {
            let resumed = checkpointed(&p, &All::default(), Some(file), 1 + k % 3);
            assert!(whole == bits(&resumed), "from checkpoint {k}{batch}");
        }
    }
}

#[test]
fn states_begin_from_parameters_that_are_set_before_the_first_step() {
    for other in ["", "population other: Spiking[1]"] {
        let out = run(&format!(
            "{MODELS}
neuron Held {{ param k = 2\nstate x = 3 * k\ninput I: 1 = 0\nlet r = I + x }}
network Net {{
    population a: Held[2]
    population b: Relay[3]
    {other}
    projection a -> b.I: Link {{ connect all_to_all\nweight 1 }}
}}
experiment e {{
    precision f64
    network net = Net()
    record net.b.r as r
    expect net.b.r == 6.125
    net.a.k = 5
    expect net.a.x == 15
    expect net.b.r == 15.125
    run 0.1 ms
    expect net.b.r == 15.125
}}"
        ));
        assert!(out.expectations.iter().all(|e| e.passed), "{other}: {:?}", out.expectations);
    }
}

/// A rule that runs at spikes of the target reads what its cells are then, also where that follows from contributions.
#[test]
fn handlers_of_events_see_contributions_of_their_moment() {
    let out = run("
neuron Ramp { state x = 0\nx' = 1 / 1 ms }
neuron Spiking { input I: 1 = 0\nlet r = 2 * I\nstate v = 0\nv' = 1 / 1 ms\nemit spike when v > 0.45 { v = 0 } }
synapse Rule { weight w\nstate seen = 0\ndeliver w * pre.x\non post.spike { seen = post.r } }
network Net {
    population a: Ramp[1]
    population b: Spiking[1]
    projection link: a -> b.I: Rule { connect all_to_all\nweight 1 }
}
experiment e {
    precision f64
    dt 0.1 ms
    network net = Net()
    run 0.5 ms
    expect net.link.seen == 1 within 1e-9
    run 0.2 ms
    expect net.link.seen == 1 within 1e-9
}");
    assert!(out.expectations.iter().all(|e| e.passed), "{:?}", out.expectations);
}
