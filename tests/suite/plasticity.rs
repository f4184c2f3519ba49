//! Plastic synapses against NEST, and what their semantics promise.

use crate::support::{root, run, run_with, try_program};
use neuro::codegen::Backend;
use neuro::diag::Code;
use neuro::experiment::Settings;

/// Cells that spike when forced to, so that the synapse under test does not move them.
const FORCED: &str = "
    neuron Forced {
        event input exc: 1
        event input force: 1
        state v = 0
        state forced = 0
        v' = exc
        forced' = force
        emit spike when forced > 0.5 { forced = 0 }
    }";

fn protocol() -> (Vec<f64>, Vec<f64>) {
    let text = std::fs::read_to_string(root().join("tests/oracle/stdp_protocol.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let list = |n: &str| json[n].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    (list("pre_t_generator"), list("post_t_generator"))
}

fn times(list: &[f64], shift: f64) -> String {
    let list: Vec<String> = list.iter().map(|t| format!("{:.1} ms", t + shift)).collect();
    format!("[{}]", list.join(", "))
}

/// The weight after each presynaptic event of NEST's protocol: the postsynaptic side is 1 ms later than the presynaptic.
fn weights(rule: &str) -> Vec<f64> {
    let (pre, post) = protocol();
    let mut script = String::new();
    let mut now = 0.0;
    for t in &pre {
        // A forced cell spikes 0.1 ms after its entry in the list, its event arrives 1 ms later.
        let arrived = t + 1.1;
        script += &format!("run {:.1} ms  measure w = sum(weights(net.link))\n", arrived - now);
        now = arrived;
    }
    let out = run(&format!(
        "{FORCED} {rule}
        network Net {{
            population a: Forced[1]
            population b: Forced[1]
            projection link: a -> b.exc: Rule {{ connect all_to_all  weight 5  delay 1 ms }}
        }}
        experiment e {{
            precision f64
            network net = Net()
            drive net.a.force {{ spikes {}  weight 1  delay 0.1 ms }}
            drive net.b.force {{ spikes {}  weight 1  delay 0.1 ms }}
            {script}
        }}",
        times(&pre, 0.0),
        times(&post, 2.0),
    ));
    out.measures["w"].iter().map(|q| q.first()).collect()
}

fn nest(file: &str) -> Vec<f64> {
    let text = std::fs::read_to_string(root().join("tests/oracle").join(file)).unwrap();
    text.lines().skip(1).map(|l| l.split(',').nth(1).unwrap().parse().unwrap()).collect()
}

fn agree(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (k, (f, e)) in found.iter().zip(expected).enumerate() {
        // The files have twelve digits.
        assert!((f - e).abs() < 1e-10, "event {k}: {f} instead of {e}");
    }
}

#[test]
fn pair_stdp_agrees_with_nest() {
    let rule = "synapse Rule {
        param A_plus = 0.1, A_minus = 0.11, tau_plus = 16.8 ms, tau_minus = 33.7 ms
        weight w: 1 in 0 .. 10
        state x = 0
        state y = 0
        x' = -x / tau_plus
        y' = -y / tau_minus
        on pre.spike { w -= A_minus * y  x += 1  deliver w }
        on post.spike { w += A_plus * x  y += 1 }
    }";
    agree(&weights(rule), &nest("stdp_pair_additive_nest.csv"));
}

#[test]
fn triplet_stdp_agrees_with_nest() {
    let rule = "synapse Rule {
        param A2_plus = 0.05, A2_minus = 0.07, A3_plus = 0.062, A3_minus = 0.0023
        param tau_plus = 16.8 ms, tau_x = 101 ms, tau_minus = 33.7 ms, tau_y = 125 ms
        weight w: 1 in 0 .. 100
        state r1 = 0
        state r2 = 0
        state o1 = 0
        state o2 = 0
        r1' = -r1 / tau_plus
        r2' = -r2 / tau_x
        o1' = -o1 / tau_minus
        o2' = -o2 / tau_y
        on pre.spike {
            w -= o1 * (A2_minus + A3_minus * r2)
            r1 += 1
            r2 += 1
            deliver w
        }
        on post.spike {
            w += r1 * (A2_plus + A3_plus * o2)
            o1 += 1
            o2 += 1
        }
    }";
    agree(&weights(rule), &nest("stdp_triplet_nest.csv"));
}

/// A recurrent network in which weights, delays and all three places of states matter.
const RECURRENT: &str = "
    neuron Cell {
        event input exc: mV
        state v = 0 mV
        v' = -v / 10 ms + exc
        emit spike when v > 5 mV { v = 0 mV }
    }
    synapse Rule {
        weight w: mV in 0 mV .. 2 mV
        state x = 0
        state y = 0
        state z = 0 in 0 .. 3
        x' = -x / 20 ms
        y' = -y / 20 ms
        z' = -z / 50 ms
        on pre.spike { w -= 0.02 mV * y * (1 + 0.1 * z)  deliver w  x += 1 }
        on post.spike { w += 0.02 mV * x  z += x  if pre.v > 3 mV { w += 0.001 mV } y += 1 }
    }
    network Net {
        population a: Cell[200]
        projection link: a -> a.exc: Rule { connect fixed_probability(0.1)  weight ~ uniform(0.2 mV, 1 mV)  DELAY }
        drive a.exc { poisson 2 kHz  weight 0.5 mV }
    }
    experiment e { network net = Net()  record net.a.spike as s  run 100 ms  measure w = weights(net.link)  measure n = count(s) }";

#[test]
fn weights_have_the_same_bits_at_any_thread_count_and_on_any_back_end() {
    for delay in ["delay 0.5 ms", "delay ~ uniform(0.2 ms, 3 ms)"] {
        let p = try_program(&RECURRENT.replace("DELAY", delay)).unwrap_or_else(|r| panic!("{}", r.diagnostics));
        let run = |backend, threads| {
            let out = run_with(&p, 0, Settings { backend, threads, ..Settings::default() }, &root());
            assert!(out.failure.is_none(), "{:?}", out.failure);
            assert!(out.measures["n"][0].first() > 500.0);
            out.measures["w"][0].data.iter().map(|w| w.to_bits()).collect::<Vec<_>>()
        };
        let one = run(Backend::Cranelift, 1);
        assert_eq!(one, run(Backend::Cranelift, 2));
        assert_eq!(one, run(Backend::Cranelift, 4));
        assert_eq!(one, run(Backend::Interpreter, 2));
    }
}

#[test]
fn a_state_lives_where_its_events_are() {
    let p = try_program(&RECURRENT.replace("DELAY", "delay 1 ms")).unwrap_or_else(|r| panic!("{}", r.diagnostics));
    let text = p.explain(&neuro::compiler::NoImports);
    for line in ["x", "y", "z"].iter().zip(["per pre", "per post", "per synapse"]) {
        assert!(text.lines().any(|l| l.trim_start().starts_with(line.0) && l.contains(line.1)), "{text}");
    }
}

#[test]
fn one_step_runs_arrivals_before_responses_and_statements_in_order() {
    // Both spikes reach the synapse at 2.1 ms: the presynaptic one counts as the earlier.
    let out = run(&format!(
        "{FORCED}
        synapse Rule {{
            weight w: 1
            state x = 0
            state y = 0
            x' = -x / 1 s
            y' = -y / 1 s
            on post.spike {{ w += 10 * x  y += 1 }}
            on pre.spike {{ w += 1000 * y  deliver w  x += 1 }}
        }}
        network Net {{
            population a: Forced[1]
            population b: Forced[1]
            projection link: a -> b.exc: Rule {{ connect all_to_all  weight 1  delay 1 ms }}
        }}
        experiment e {{
            precision f64
            network net = Net()
            drive net.a.force {{ spikes [1 ms]  weight 1  delay 0.1 ms }}
            drive net.b.force {{ spikes [2 ms]  weight 1  delay 0.1 ms }}
            run 3 ms
            expect sum(weights(net.link)) == 11
            expect net.b.v == 1
        }}"
    ));
    assert!(out.expectations.iter().all(|e| e.passed), "{:?}", out.expectations);
}

#[test]
fn what_a_plastic_synapse_lacks_is_refused() {
    let codes = |synapse: &str, port: &str| {
        let text = format!(
            "neuron A {{
                event input exc: nS
                input J: nS = 0 nS
                state g = 0 nS
                g' = -g / 5 ms + exc + J / 1 ms
                emit spike when g > 5 nS {{ g = 0 nS }}
            }}
            synapse S {{ {synapse} }}
            network Net {{ population a: A[4]  projection link: a -> a.{port}: S {{ connect all_to_all  weight 1 nS }} }}"
        );
        match try_program(&text) {
            Ok(_) => Vec::new(),
            Err(r) => r.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(),
        }
    };
    assert_eq!(codes("weight w  on pre.spike { deliver w  w *= 0.9 }", "exc"), []);
    assert_eq!(codes("weight w in 0 .. 5 nS  on pre.spike { deliver w }", "exc"), [Code::E0308]);
    assert_eq!(codes("weight w  on post.spike { deliver w }", "exc"), [Code::E0106]);
    assert_eq!(codes("weight w  on post.spike { w += 1 }", "exc"), [Code::E0308]);
    assert_eq!(codes("weight w  on post.burst { w += 1 nS }", "exc"), [Code::E0607]);
    assert_eq!(codes("weight w  on post.spike { w += 1 nS }  deliver w", "J"), [Code::E0106]);
    assert_eq!(codes("weight w  state x = 1  deliver w * x", "J"), [Code::E0106]);
    assert_eq!(codes("weight w  on learn { w = 0 nS }", "exc"), [Code::E0701]);
}

#[test]
fn places_that_cannot_be_are_refused() {
    let text = RECURRENT.replace("DELAY", "delay 1 ms").replace("state z = 0 in 0 .. 3", "state z per pre = 0");
    let refused = try_program(&text).err().expect("refused");
    assert_eq!(refused.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), [Code::E0702]);
}
