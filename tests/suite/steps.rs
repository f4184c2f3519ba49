//! What models make of the time step: probabilities of events, and values that are computed from it.

use crate::support::{program, root, run, run_failing, run_with};
use neuro::codegen::Backend;
use neuro::diag::Code;
use neuro::experiment::Settings;

/// A population of three with a probability of 0.5, 1 and `last` per step, and one that has it by an input.
fn chances(last: &str, rest: &str) -> String {
    format!(
        "use std.sources.spikes: PoissonSource
        neuron Chance {{ param p = 0.5   emit spike when random() < p }}
        neuron Within {{ param p = 0.5   let q = 2 * p   emit tick when true   emit spike on tick when not (random() < q / 2) }}
        network Net {{
            population one: Poisson(rate = {last})[3]
            population each: Chance[3]
            population inner: Within[3]
            population source: PoissonSource[3]
        }}
        experiment e {{ network net = Net()  {rest} }}"
    )
}

#[test]
fn an_event_that_would_have_to_happen_more_than_once_per_step_is_refused() {
    for (last, rest, event, times) in [
        ("10.1 kHz", "run 1 ms", "`one.spike[0]`", "1.01 times"),
        ("10 Hz", "net.each.p = [0.5, 1, 1.5]  run 1 ms", "`each.spike[2]`", "1.5 times"),
        ("10 Hz", "net.inner.p = 2  run 1 ms", "`inner.spike[0]`", "2 times"),
        ("10 Hz", "net.source.rate = [1 Hz, 20 kHz, 1 Hz]  run 1 ms", "`source.spike[1]`", "2 times"),
        ("10 Hz", "run 1 ms  net.source.rate = 30 kHz  run 1 ms", "`source.spike[0]`", "3 times"),
        ("10 Hz", "net.source.rate = 40 kHz + 1 Hz * (t / 1 s)  run 1 ms", "`source.spike[0]`", "4 times"),
        ("10 Hz", "run 1 ms  net.each.p = 3  step", "`each.spike[0]`", "3 times"),
    ] {
        let d = run_failing(&chances(last, rest));
        assert_eq!(d.code, Code::E0604, "{rest}");
        assert!(d.message.contains(event) && d.message.contains(times), "{rest}: {}", d.message);
    }
}

#[test]
fn an_event_of_every_step_is_not() {
    run(&chances("10 kHz", "net.each.p = [0, 0.5, 1]  net.inner.p = 1  net.source.rate = 10 kHz  run 1 ms"));
    run(&chances("10 kHz", "net.source.rate = 1 kHz * (1 - t / 1 ms)  run 3 ms"));
}

#[test]
fn initial_states_and_parameters_of_neurons_and_synapses_may_use_the_step() {
    let p = program(
        "neuron A {
            param tau = 2 ms, steps = tau / dt
            event input exc: 1
            state left = tau / dt
            state twice = 2 * left
            state n = 0
            n' = exc
        }
        synapse Once {
            param steps = 1 ms / dt
            weight w
            state x per pre = 3 ms / dt
            x' = -x / 1 s
            on pre.spike { deliver w * x  x = 0 }
        }
        network Net {
            population source: Relay[1]
            population a: A(tau = 3 ms)[2]
            projection link: source -> a.exc: Once { connect all_to_all  weight 1  delay 1 ms }
        }
        experiment e {
            precision f64
            dt 0.5 ms
            network net = Net()
            expect net.a.left == [6, 6] and net.a.twice == [12, 12] and net.a.steps == [6, 6]
            net.a.tau = [2 ms, 3 ms]
            expect net.a.left == [4, 6] and net.a.steps == [4, 6]
            expect net.link.x == 6 and net.link.steps == 2
        }",
    );
    let out = run_with(&p, 0, Settings::default(), std::path::Path::new("."));
    assert!(out.failure.is_none(), "{:?}", out.failure);
    for e in &out.expectations {
        assert!(e.passed, "{}", e.found);
    }
}

/// What is assigned between runs counts from then on, whether it is one value or one for each cell, new or as it was before.
#[test]
fn kernels_follow_what_is_assigned_between_runs() {
    let values = [("1", "1"), ("[1, 2]", "1"), ("0", "1"), ("[3, 4]", "[1, 2]"), ("0", "[5, 1]"), ("[3, 4]", "[5, 1]")];
    let number = |text: &str, cell: usize| -> f64 {
        let inner = text.trim_matches(['[', ']']);
        inner.split(", ").nth(cell).or(inner.split(", ").next()).and_then(|x| x.parse().ok()).unwrap_or(f64::NAN)
    };
    let (mut body, mut sums, mut decayed) = (String::new(), [0.0f64; 2], [1.0f64; 2]);
    // Each pair after each other one, so that every kernel comes back with other values.
    for step in 0..3 * values.len() {
        let (drive, gain) = values[step * 5 % values.len()];
        let (drive, gain) = if step % 4 == 3 { (drive, "2") } else { (drive, gain) };
        body += &format!("net.a.drive = {drive} / 1 ms   net.a.gain = {gain}   net.a.tau = {gain} * 4 ms   run 1 ms\n");
        for cell in 0..2 {
            let gain = number(gain, cell);
            sums[cell] += 2.0 * gain * number(drive, cell);
            decayed[cell] *= (-1.0 / (4.0 * gain)).exp();
        }
    }
    let text = format!(
        "neuron Cell {{
    param gain = 1, tau = 4 ms
    input drive: 1/ms = 0/ms
    state x = 0, y = 1
    let twice = 2 * gain * drive
    x' = twice
    y' = -y / tau
    emit spike when x > 1e9
}}
network Net {{ population a: Cell[2] }}
experiment e {{
    dt 1 ms
    precision f64
    network net = Net()
    {body}
    measure x = net.a.x
    measure y = net.a.y
    expect true
}}"
    );
    for backend in [Backend::Auto, Backend::Cranelift, Backend::Interpreter] {
        let out = run_with(&program(&text), 0, Settings { backend, ..Settings::default() }, &root());
        assert!(out.failure.is_none(), "{:?}", out.failure.map(|d| d.message));
        let of = |name: &str| out.measures[name][0].data.to_vec();
        for cell in 0..2 {
            assert!((of("x")[cell] - sums[cell]).abs() < 1e-9, "{backend:?}: {:?} is not {sums:?}", of("x"));
            assert!(
                (of("y")[cell] / decayed[cell] - 1.0).abs() < 1e-12,
                "{backend:?}: {:?} is not {decayed:?}",
                of("y")
            );
        }
    }
}
