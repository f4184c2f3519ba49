//! `delay 0 ms`: events that reach their targets within the step in which they happen.

use crate::checkpoint::{All, bits, run as run_keeping};
use crate::support::{events, near, program, run, run_failing, same_everywhere, trace};
use neuro::diag::Code;
use neuro::experiment::Settings;

fn model(projections: &str, precision: &str) -> String {
    format!(
        "
use std.synapses.short_term
neuron Source {{ emit spike when random() < 30 Hz * dt }}
neuron Several {{ emit spike count ~ poisson(200 Hz * dt) }}
neuron Relay {{
    event input exc: 1
    state n = 0
    state seen = 0
    n' = 0 * n / 1 ms + exc
    state told = 0
    emit spike when n > seen {{ seen = n }}
    on learn {{ told += 1 }}
}}
synapse Reading {{
    weight w: 1
    on pre.spike {{ deliver w * (1 + post.seen) }}
}}
synapse Taught {{
    weight w: 1
    on pre.spike {{ deliver w }}
    on learn {{ w += 0.5 }}
}}
network Net {{
    population source: Source[40]
    population several: Several[40]
    population c: Relay[20]
    population b: Relay[20]
    population a: Relay[20]
    {projections}
}}
experiment e {{
    dt 1 ms
    precision {precision}
    network net = Net()
    record net.source.spike
    record net.a.spike
    record net.b.spike
    record net.c.spike
    record net.a.n every 1 ms as an
    record net.b.n every 1 ms as bn
    record net.c.n every 1 ms as cn
    for k in 1 .. 3 {{
        run 50 ms
        signal learn
    }}
    measure n = [sum(net.a.n), sum(net.b.n), sum(net.c.n)]
}}
"
    )
}

/// What an event does with `delay 0 ms` at a boundary it does with a delay of one step at the next, of all kinds of synapses and pairs.
#[test]
fn without_a_delay_everything_happens_one_step_earlier() {
    for projection in [
        "source -> a.exc: Static { connect all_to_all   weight 0.25",
        "source -> a.exc: Static { connect fixed_probability(0.3)   weight ~ uniform(0, 1)",
        "source[3 .. 23] -> a.exc: Static { connect one_to_one   weight 1 + pre.i",
        "source -> a[2 .. 9].exc: Static { connect where mod(pre.i, 7) == post.i   weight 1 + pre.i",
        "source -> a.exc: Depressing(U = 0.4, tau_rec = 100 ms) { connect all_to_all   weight 1",
        "several -> a.exc: Static { connect fixed_in_degree(5)   weight 1",
        "several -> a.exc: Taught { connect all_to_all   weight 1",
        "source -> a.exc: Taught { connect fixed_out_degree(3)   weight 1",
    ] {
        for precision in ["f32", "f64"] {
            let text = |delay: &str| model(&format!("projection {projection}   delay {delay} }}"), precision);
            let (now, later) = (run(&text("0 ms")), run(&text("1 ms")));
            let (_, x) = trace(&now, "an");
            let (_, y) = trace(&later, "an");
            let n = 20;
            assert!(x.iter().any(|v| *v > 0.0), "{projection}");
            // A signal between two steps finds what has arrived; weights of what is under way have changed by then.
            let steps = if projection.contains("Taught") { 50 } else { 149 };
            // States of synapses that do not learn are advanced by other kernels, which round otherwise.
            let tolerance = match (projection.contains("Depressing"), precision) {
                (false, _) => 0.0,
                (true, "f32") => 2e-6,
                (true, _) => 1e-14,
            };
            near(&x[..n * steps], &y[n..n * (steps + 1)], tolerance);
            same_everywhere(&program(&text("0 ms")), &Settings::default(), &["n"]);
        }
    }
}

#[test]
fn populations_follow_one_another_within_a_step() {
    // Declared against the order in which events go.
    let text = model(
        "projection b -> c.exc: Reading { connect one_to_one   weight 1   delay 0 ms }
    projection a -> b.exc: Taught { connect one_to_one   weight 1   delay 0 ms }
    projection source[0 .. 20] -> a.exc: Static { connect one_to_one   weight 1   delay 0 ms }
    projection source[20 .. 40] -> c.exc: Static { connect one_to_one   weight 1   delay 1 ms }
    projection c -> a.exc: Static { connect one_to_one   weight 1   delay 5 ms }",
        "f32",
    );
    let out = run(&text);
    let (a, b, c) = (events(&out, "a.spike"), events(&out, "b.spike"), events(&out, "c.spike"));
    assert!(a.0.len() > 60);
    assert_eq!(a, b);
    // Others reach `c`, too.
    let all: Vec<(u64, u32)> = c.0.iter().zip(&c.1).map(|(t, i)| (t.to_bits(), *i)).collect();
    assert!(a.0.iter().zip(&a.1).all(|(t, i)| all.contains(&(t.to_bits(), *i))) && all.len() > a.0.len());
    let source = events(&out, "source.spike");
    let first = source.1.iter().position(|i| *i < 20).expect("an event");
    assert!(a.0.contains(&source.0[first]));
    same_everywhere(&program(&text), &Settings::default(), &["n"]);
    let all = All::default();
    let p = program(&text);
    let whole = bits(&run_keeping(&p, &all, None, 2));
    for file in all.kept() {
        assert!(whole == bits(&run_keeping(&p, &All::default(), Some(file), 1)));
    }
}

/// A value that is delivered continuously is there anyway.
#[test]
fn continuous_contributions_have_no_delay_anyway() {
    let text = |delay: &str| {
        format!(
            "
neuron Cell {{ input drive: 1   state v = 1   v' = (drive - v) / 10 ms   emit spike when v > 9 {{ v = 0 }} }}
synapse Gap {{ weight w: 1   deliver w * (pre.v - post.v) }}
network Net {{
    population cell: Cell[4]
    init cell.v = i
    projection cell -> cell.drive: Gap {{ connect all_to_all   weight 0.3   {delay} }}
}}
experiment e {{ network net = Net()   record net.cell.v every 1 ms as v   run 20 ms }}
"
        )
    };
    assert!(trace(&run(&text("delay 0 ms")), "v") == trace(&run(&text("")), "v"));
}

#[test]
fn what_a_step_cannot_hold_is_refused() {
    let said = |projections: &str| {
        let d = run_failing(&model(projections, "f32"));
        (d.code, d.message)
    };
    let circle = |path: &str| {
        (Code::E0106, format!("`a delay of 0 ms around a circle of populations ({path})` is not supported yet"))
    };
    let one = "connect one_to_one   weight 1   delay 0 ms }";
    assert_eq!(said(&format!("projection a -> a.exc: Static {{ {one}")), circle("a -> a"));
    let there = format!("projection a -> b.exc: Static {{ {one}\n    projection b -> c.exc: Static {{ {one}");
    assert_eq!(said(&format!("{there}\n    projection c -> a.exc: Static {{ {one}")), circle("c -> a -> b -> c"));
    for delay in
        ["delay ~ uniform(0 ms, 1 ms)", "delay 0.2 ms", "delay 1 ms * pre.i", "delay 0 ms   delay dendritic 0 ms"]
    {
        let (code, message) =
            said(&format!("projection a -> b.exc: Static {{ connect one_to_one   weight 1   {delay} }}"));
        assert!(code == Code::E0601 && message.contains("cannot be kept"), "{delay}: {message}");
    }
}
