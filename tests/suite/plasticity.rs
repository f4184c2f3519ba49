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
    out.measures["w"].iter().map(|q| q.data[0]).collect()
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
            assert!(out.measures["n"][0].data[0] > 500.0);
            out.measures["w"][0].data.iter().map(|w| w.to_bits()).collect::<Vec<_>>()
        };
        let one = run(Backend::Cranelift, 1);
        assert_eq!(one, run(Backend::Cranelift, 2));
        assert_eq!(one, run(Backend::Cranelift, 4));
        assert_eq!(one, run(Backend::Auto, 2));
        assert_eq!(one, run(Backend::Interpreter, 2));
    }
}

#[test]
fn a_state_lives_where_its_events_are() {
    let p = try_program(&RECURRENT.replace("DELAY", "delay 1 ms")).unwrap_or_else(|r| panic!("{}", r.diagnostics));
    let text = p.explain();
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
            on pre.spike {{ w += 1000 * y  deliver w  x += 1 }}
            on post.spike {{ w += 10 * x  y += 1 }}
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
    assert_eq!(codes("weight w  on learn { deliver w }", "exc"), [Code::E0106]);
    assert_eq!(codes("weight w  w' = 1 nS  on pre.spike { deliver w }", "exc"), [Code::E0301]);
    assert_eq!(codes("weight w  w' = w / 1 s  w' = -w / 1 s  on pre.spike { deliver w }", "exc"), [Code::E0502]);
    assert_eq!(codes("weight w  on pre.spike { w += 1 nS * xi }", "exc"), [Code::E0512]);
    assert_eq!(codes("weight w  on pre.spike { deliver w * delayed(3, 1 ms) }", "exc"), [Code::E0401]);
    assert_eq!(
        codes("weight w  on pre.spike { deliver w * delayed(post.g, w / 1 nS * 1 ms) / 1 nS }", "exc"),
        [Code::E0401]
    );
}

#[test]
fn places_that_cannot_be_are_refused() {
    let text = RECURRENT.replace("DELAY", "delay 1 ms").replace("state z = 0 in 0 .. 3", "state z per pre = 0");
    let refused = try_program(&text).err().expect("refused");
    assert_eq!(refused.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), [Code::E0702]);
}

/// Runs an experiment body on one synapse between forced cells and checks its expectations.
fn expects(rule: &str, clauses: &str, body: &str) {
    let out = run(&format!(
        "{FORCED} {rule}
        neuron Level {{ param tau = 200 ms   event input in_: 1   state d = 0   d' = -d / tau + in_ }}
        network Net {{
            population a: Forced[1]
            population b: Forced[1]
            population da: Level[1]
            projection link: a -> b.exc: Rule {{ connect all_to_all  weight 1  {clauses} }}
        }}
        experiment e {{
            precision f64
            network net = Net()
            {body}
        }}"
    ));
    assert!(out.failure.is_none(), "{:?}", out.failure);
    assert!(!out.expectations.is_empty());
    assert!(out.expectations.iter().all(|e| e.passed), "{:?}", out.expectations);
}

#[test]
fn a_weight_follows_its_equation_from_the_values_at_the_beginning_of_each_step() {
    // w' = c d with c and d exponential: forward Euler over 20 ms, 200 terms of a geometric series.
    expects(
        "synapse Rule {
            modulator dopamine: 1
            weight w: 1
            state c = 1
            c' = -c / 1 s
            w' = c * dopamine / 1 s
            on pre.spike { deliver w }
        }",
        "delay 1 ms  modulator dopamine = da.d",
        "net.da.d = 0.5
        run 20 ms
        let q = exp(-0.1 / 1000 - 0.1 / 200)
        expect sum(net.link.w) == 1 + 0.5 * 1e-4 * (1 - q^200) / (1 - q) within 1e-12
        expect sum(net.link.c) == exp(-0.02) within 1e-12",
    );
}

#[test]
fn bounds_hold_for_equations_and_plasticity_off_keeps_the_weight() {
    expects(
        "synapse Rule { weight w: 1 in 0 .. 1.5   w' = 1 / 10 ms   on pre.spike { deliver w } }",
        "delay 1 ms",
        "plasticity off net.link
        run 3 ms
        expect sum(net.link.w) == 1
        plasticity on net.link
        run 3 ms
        expect sum(net.link.w) == 1.3 within 1e-12
        run 30 ms
        expect sum(net.link.w) == 1.5",
    );
}

#[test]
fn signals_run_handlers_at_once_and_parameters_can_be_set() {
    expects(
        "synapse Rule {
            param eta = 2
            weight w: 1
            state x = 0
            x' = -x / 20 ms
            on pre.spike { deliver w   x += 1 }
            on learn { w += eta * x   x = 0 }
        }",
        "delay 1 ms",
        "drive net.a.force { spikes [1 ms]   weight 1   delay 0.1 ms }
        run 12.1 ms
        expect sum(net.link.x) == exp(-0.5) within 1e-12
        signal learn in net.link
        expect sum(net.link.w) == 1 + 2 * exp(-0.5) within 1e-12
        expect sum(net.link.x) == 0
        net.link.eta = 5
        net.link.x = 1
        run 20 ms
        signal learn
        expect sum(net.link.w) == 1 + 2 * exp(-0.5) + 5 * exp(-1) within 1e-12
        net.link.w *= 2
        expect sum(net.link.w) == 2 + 4 * exp(-0.5) + 10 * exp(-1) within 1e-12",
    );
}

/// Runs the first experiment of a text and returns why it stopped.
fn fails(text: &str) -> Option<Box<neuro::diag::Diagnostic>> {
    let p = try_program(text).unwrap_or_else(|r| panic!("{}", r.diagnostics));
    run_with(&p, 0, Settings::default(), &root()).failure
}

/// One pair of spikes: the presynaptic cell at 10 ms, the postsynaptic at 20 ms.
const PAIR: &str = "
    drive net.a.force { spikes [10 ms]  weight 1  delay 0.1 ms }
    drive net.b.force { spikes [20 ms]  weight 1  delay 0.1 ms }";

#[test]
fn axonal_and_dendritic_delays_shift_what_the_synapse_sees() {
    let rule = "synapse Rule {
        weight w: 1
        state x = 0
        x' = -x / 20 ms
        on pre.spike { deliver w   x += 1 }
        on post.spike { w += x }
    }";
    // The synapse sees 10 ms + axonal and 20 ms + dendritic; the target sees the sum.
    for (clauses, seen, arrival) in [
        ("delay 1 ms", 9.0, 11.1),
        ("delay dendritic 4 ms", 14.0, 14.1),
        ("delay 1 ms  delay dendritic 4 ms", 13.0, 15.1),
        ("delay 1 ms  delay dendritic ~ uniform(4 ms, 4.01 ms)", 13.0, 15.1),
    ] {
        let body = format!(
            "{PAIR}
            run {} ms
            expect net.b.v == 0
            run 0.1 ms
            expect net.b.v == 1
            run 30 ms
            expect sum(net.link.w) == 1 + exp(-{seen} / 20) within 1e-12",
            arrival - 0.1
        );
        expects(rule, clauses, &body);
    }
    // Without anything at the synapse only the sum counts.
    expects(
        "synapse Rule { weight w: 1   on pre.spike { deliver w } }",
        "delay 1 ms  delay dendritic 4 ms",
        &format!("{PAIR} run 15 ms  expect net.b.v == 0  run 0.1 ms  expect net.b.v == 1"),
    );
}

#[test]
fn values_of_cells_can_be_read_as_they_were() {
    let rule = |read: &str| {
        format!("synapse Rule {{ weight w: 1   state seen = 0   on pre.spike {{ deliver w   seen = {read} }} }}")
    };
    // The event of 10 ms arrives at 11 ms; it sees the cell as it is one step before, where it was emitted.
    let ramp = |read: &str, expected: f64| {
        let text = format!(
            "{FORCED} {}
            neuron Ramp {{ event input exc: 1   state v = 0   state n = 0   v' = 1 / 1 ms   n' = exc }}
            network Net {{
                population a: Forced[1]
                population b: Ramp[1]
                projection link: a -> b.exc: Rule {{ connect all_to_all  weight 1  delay 1 ms }}
            }}
            experiment e {{
                precision f64
                network net = Net()
                drive net.a.force {{ spikes [9.9 ms]  weight 1  delay 0.1 ms }}
                run 20 ms
                expect sum(net.link.seen) == {expected} within 1e-9
            }}",
            rule(read)
        );
        let out = run(&text);
        assert!(out.expectations.iter().all(|e| e.passed), "{read}: {:?}", out.expectations);
    };
    ramp("post.v", 10.9);
    ramp("delayed(post.v, 3 ms)", 7.9);
    ramp("delayed(post.v, 1 ms) - delayed(post.v, 5 ms)", 4.0);
    // Before the beginning, the initial value.
    ramp("delayed(post.v, 30 ms)", 0.0);
}

#[test]
fn a_continuous_contribution_follows_states_and_changing_weights() {
    let out = run(&format!(
        "{FORCED}
        neuron Sum {{ input drive: 1   state v = 0   v' = drive / 1 ms   let y = drive }}
        synapse Rule {{
            weight w: 1
            state x = 0
            x' = -x / 5 ms
            w' = 1 / 1 ms
            deliver w * x
            on pre.spike {{ x += 1 }}
        }}
        network Net {{
            population a: Forced[1]
            population b: Sum[1]
            projection link: a -> b.drive: Rule {{ connect all_to_all  weight 1 }}
        }}
        experiment e {{
            precision f64
            network net = Net()
            drive net.a.force {{ spikes [0.9 ms]  weight 1  delay 0.1 ms }}
            run 3 ms
            # The event is there at 1.1 ms; the sum is that of now, with a weight of 1 + 3.
            expect net.b.y == 4 * exp(-1.9 / 5) within 1e-9
            measure w = net.link.w
        }}"
    ));
    assert!(out.failure.is_none(), "{:?}", out.failure);
    assert!(out.expectations.iter().all(|e| e.passed), "{:?}", out.expectations);
}

#[test]
fn noise_belongs_to_the_synapse_whatever_the_threads() {
    let text = format!(
        "{FORCED}
        synapse Rule {{
            weight w: 1
            state r = 0
            r' = -r / 10 ms + xi / sqrt(1 ms)
            w' = 0.1 * r / 1 ms
            on pre.spike {{ deliver w }}
        }}
        network Net {{
            population a: Forced[40]
            population b: Forced[150]
            projection link: a -> b.exc: Rule {{ connect all_to_all  weight 0  delay 1 ms }}
        }}
        experiment e {{
            network net = Net()
            run 100 ms
            measure r = net.link.r
            # The variance of dr = -r / tau + xi is tau / 2, 5 ms; 6000 synapses give it to 1 %.
            expect std(net.link.r) == sqrt(5) within 5 %
        }}"
    );
    let p = try_program(&text).unwrap_or_else(|r| panic!("{}", r.diagnostics));
    let run = |backend, threads| {
        let out = run_with(&p, 0, Settings { backend, threads, ..Settings::default() }, &root());
        assert!(out.failure.is_none(), "{:?}", out.failure);
        assert!(out.expectations.iter().all(|e| e.passed), "{:?}", out.expectations);
        out.measures["r"][0].data.iter().map(|w| w.to_bits()).collect::<Vec<_>>()
    };
    let one = run(Backend::Cranelift, 1);
    assert_eq!(one, run(Backend::Cranelift, 3));
    assert_eq!(one, run(Backend::Auto, 2));
    assert_eq!(one, run(Backend::Interpreter, 2));
}

#[test]
fn a_weight_that_is_not_a_number_is_reported_with_its_synapse() {
    let out = fails(&format!(
        "{FORCED}
        synapse Rule {{ weight w: 1   on pre.spike {{ deliver w   w = w / (w - w) }} }}
        network Net {{
            population a: Forced[3]
            population b: Forced[3]
            projection link: a -> b.exc: Rule {{ connect one_to_one  weight 1  delay 1 ms }}
        }}
        experiment e {{ network net = Net()   drive net.a[1].force {{ spikes [1 ms]  weight 1 }}   run 10 ms }}"
    ));
    let failure = out.expect("must fail");
    assert_eq!(failure.code, Code::E0801);
    assert!(failure.message.contains("link.w[1]"), "{}", failure.message);
}

#[test]
fn an_assertion_that_a_delay_breaks_is_refused() {
    let out = fails(&format!(
        "{FORCED}
        synapse Rule {{ weight w: 1   state x per pre = 0   x' = -x / 5 ms   on pre.spike {{ deliver w   x += 1 }}   on post.spike {{ w += x }} }}
        network Net {{
            population a: Forced[30]
            projection link: a -> a.exc: Rule {{ connect all_to_all  weight 1  delay ~ uniform(1 ms, 5 ms) }}
        }}
        experiment e {{ network net = Net()   run 1 ms }}"
    ));
    assert_eq!(out.expect("must fail").code, Code::E0702);
}

#[test]
fn rewiring_is_the_same_at_any_thread_count_and_belongs_to_signals() {
    let text = RECURRENT
        .replace("DELAY", "delay ~ uniform(0.2 ms, 3 ms)")
        .replace("on pre.spike {", "on turnover { if w < 0.4 mV { rewire } }  on pre.spike {")
        .replace(
            "run 100 ms  measure w = weights(net.link)",
            "run 50 ms  signal turnover  run 50 ms  signal turnover  run 20 ms  measure d = out_degrees(net.link)  measure w = weights(net.link)",
        );
    let p = try_program(&text).unwrap_or_else(|r| panic!("{}", r.diagnostics));
    let run = |threads| {
        let out = run_with(&p, 0, Settings { threads, ..Settings::default() }, &root());
        assert!(out.failure.is_none(), "{:?}", out.failure);
        let bits = |name: &str| out.measures[name][0].data.iter().map(|w| w.to_bits()).collect::<Vec<_>>();
        (bits("w"), bits("d"))
    };
    let one = run(1);
    assert_eq!(one, run(3));
    assert!(
        one.0 != {
            let p = try_program(&text.replace("signal turnover", "run 0 ms"))
                .unwrap_or_else(|r| panic!("{}", r.diagnostics));
            let out = run_with(&p, 0, Settings::default(), &root());
            out.measures["w"][0].data.iter().map(|w| w.to_bits()).collect::<Vec<_>>()
        }
    );
    let at_event = RECURRENT.replace("DELAY", "delay 1 ms").replace("x += 1 }", "x += 1  rewire }");
    let refused = try_program(&at_event).err().expect("refused");
    assert_eq!(refused.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), [Code::E0106]);
}

/// Columns of all-to-all synapses are in the order of their dendritic delays, not of their sources. Without one source nothing changes
/// for the others, and the synapses are no longer all there are.
#[test]
fn dendritic_delays_of_their_own_find_their_sources() {
    let weights = |connect: &str| {
        let out = run(&format!(
            "
synapse Count {{
    weight w
    state x = 0
    x' = -x / 20 ms
    on pre.spike {{ x += 1 }}
    on post.spike {{ w += x }}
}}
neuron Cell {{ event input exc: 1   state v = 0   v' = -v / 10 ms + exc   emit spike when v > 1 {{ v = 0 }} }}
network Net {{
    population a: Poisson(rate = 40 Hz)[400]
    population b: Cell[3]
    drive b.exc {{ poisson 400 Hz   weight 0.5 }}
    projection link: a -> b.exc: Count {{
        connect {connect}   weight 0   delay 0.1 ms   delay dendritic 0.1 ms * (1 + mod(pre.i + post.i, 2))
    }}
}}
experiment e {{
    network net = Net()
    run 500 ms
    measure w = net.link.w
}}"
        ));
        out.measures["w"][0].data.to_vec()
    };
    let (all, without) = (weights("all_to_all"), weights("where pre.i != 5"));
    assert!(all.iter().filter(|w| **w > 0.0).count() > 300);
    let others: Vec<f64> = all.iter().enumerate().filter(|(k, _)| k / 3 != 5).map(|(_, w)| *w).collect();
    assert_eq!(others, without);
}

/// Synapses of all onto all lie in tiles, any others in rows; neither may be seen in what they learn. The equation reads both cells,
/// so that sources are known at every step, and handlers need them for rows that are gathered.
#[test]
fn a_matrix_of_synapses_learns_as_rows_do() {
    let learned = |connect: &str, precision: &str, (sources, targets): (usize, usize), threads: usize| {
        let text = format!(
            "
synapse Rule {{
    weight w in 0 .. 2
    state x = 0, y = 0, c = 0
    x' = -x / 20 ms
    y' = -y / 30 ms
    c' = (pre.v - post.v) / 1 s + 0.1 * xi / sqrt(1 s) - c / 50 ms
    w' = 0.01 * c / 1 ms
    on pre.spike {{ deliver w   w -= 0.01 * y * (1 + pre.v)   x += 1 }}
    on post.spike {{ w += 0.01 * x * pre.v   y += 1 }}
}}
neuron Cell {{ event input exc: 1   state v = 0   v' = -v / 10 ms + exc   emit spike when v > 1 {{ v = 0 }} }}
network Net {{
    population a: Cell[{sources}]
    population b: Cell[{targets}]
    drive a.exc {{ poisson 400 Hz   weight 0.5 }}
    drive b.exc {{ poisson 400 Hz   weight 0.5 }}
    projection link: a -> b.exc: Rule {{ connect {connect}   weight ~ uniform(0, 0.1)   delay 0.3 ms }}
}}
experiment e {{
    precision {precision}
    network net = Net()
    run 100 ms
    measure w = net.link.w
    measure c = net.link.c
}}"
        );
        let p = try_program(&text).unwrap_or_else(|r| panic!("{}", r.diagnostics));
        let out = run_with(&p, 0, Settings { threads, ..Settings::default() }, &root());
        assert!(out.failure.is_none(), "{:?}", out.failure);
        let bits = |name: &str| out.measures[name][0].data.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        (bits("w"), bits("c"))
    };
    for shape in [(67, 37), (18, 150), (16, 1040)] {
        for precision in ["f32", "f64"] {
            let rows = learned("fixed_probability(1)", precision, shape, 1);
            for threads in [1, 3] {
                let tiles = learned("all_to_all", precision, shape, threads);
                assert!(tiles == rows, "{shape:?} {precision} {threads} threads");
            }
        }
    }
}
