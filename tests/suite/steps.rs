//! What models make of the time step: probabilities of events, and values that are computed from it.

use crate::support::{measured, near, program, root, run, run_failing, run_with, trace};
use neuro::codegen::Backend;
use neuro::diag::Code;
use neuro::experiment::Settings;
use neuro::ir::Precision;

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

/// Cells with events hear signals as others do: all handlers see the values from before, states in bounds or not, one after the other
/// within a handler; what is drawn is drawn for each cell, and differs from signal to signal.
#[test]
fn cells_with_events_hear_signals() {
    let text = |more: &str, body: &str| {
        format!(
            "neuron Cell {{
    param gain = 2, start = 1
    input I: 1/ms = 0/ms
    event input exc: 1
    state x = start, y = 0, total = 0, luck = 0, bias = 0
    let double = 2 * x
    x' = I
    total' = exc
    emit spike when x > 1e9
    on learn {{
        y = double + gain
        if x > 3 {{ bias += y }} else {{ bias += 1 }}
        x = 10 * x
    }}
    on roll {{ luck = normal(100 * gain, 1) + 0 * uniform(0, 1) }}
    {more}
}}
synapse Taught {{
    weight w: 1
    on pre.spike {{ deliver w }}
    on learn {{ w += post.x }}
}}
network Net {{
    population a: Cell[3]
    projection link: a -> a.exc: Taught {{ connect all_to_all   weight 0 }}
}}
experiment e {{
    dt 1 ms
    network net = Net()
    {body}
    expect true
}}"
        )
    };
    let body = "net.a.gain = [1, 2, 3]
    net.a.I = [1, 2, 4] / 1 ms
    run 1 ms
    signal learn
    measure x = net.a.x
    measure y = net.a.y
    measure bias = net.a.bias
    measure w = net.link.w[0 .. 3]
    signal learn in net.link
    measure alone = net.a.bias
    for k in 1 .. 2 {
        signal roll
        measure luck = net.a.luck
    }
    run 1 ms
    measure later = net.a.x";
    for precision in [Precision::F32, Precision::F64] {
        for backend in [Backend::Auto, Backend::Cranelift, Backend::Interpreter] {
            let settings = Settings { backend, precision: Some(precision), ..Settings::default() };
            let out = run_with(&program(&text("", body)), 0, settings, &root());
            assert!(out.failure.is_none(), "{:?}", out.failure.map(|d| d.message));
            let of = |name: &str| out.measures[name].iter().flat_map(|q| q.data.iter().copied()).collect::<Vec<f64>>();
            // x was 2, 3 and 5 after the step.
            assert_eq!(of("x"), [20.0, 30.0, 50.0]);
            assert_eq!(of("y"), [5.0, 8.0, 13.0]);
            assert_eq!(of("bias"), [1.0, 1.0, 13.0]);
            assert_eq!(of("w"), [2.0, 3.0, 5.0], "synapses see x from before the signal");
            assert_eq!(of("alone"), of("bias"), "a signal to a projection reaches no cell");
            assert_eq!(of("later"), [21.0, 32.0, 54.0]);
            let luck = of("luck");
            assert!(luck.iter().enumerate().all(|(k, l)| (l - 100.0 * (k % 3 + 1) as f64).abs() < 6.0), "{luck:?}");
            let deviates: Vec<f64> = luck.iter().enumerate().map(|(k, l)| l - 100.0 * (k % 3 + 1) as f64).collect();
            assert!((0..6).all(|i| (0..i).all(|j| deviates[i] != deviates[j])), "{luck:?}");
        }
    }
    for (more, what) in [
        ("on late { y = since(spike) / 1 ms }", "what happens in a step only"),
        ("state s per channel = 0   on late { s += 1 }", "an event"),
        ("state s per sample = 0   on late { s += 1 }", "an event"),
    ] {
        let d = run_failing(&text(more, "run 1 ms"));
        assert!(d.code == Code::E0106 && d.message.contains(what), "{more}: {}", d.message);
    }
    let d = run_failing(&text("on late { y = 1 / (x - 1) }", "signal late"));
    assert!(d.message.contains("y"), "{}", d.message);
}

/// A handler of a cell reads what projections contribute at that moment, and what is assigned besides.
#[test]
fn handlers_of_cells_read_ports_as_they_are_at_the_signal() {
    let out = run("
neuron Cell {
    param k = 2
    input I: 1 = 0
    event input exc: 1
    state x = 1, y = 0
    x' = exc
    emit spike when x > 1e9
    on look { y = k * I }
}
synapse Cont { weight w: 1   deliver w * pre.x }
network Net {
    population a: Cell[2]
    population b: Cell[3]
    projection a -> b.I: Cont { connect all_to_all   weight 0.5 }
}
experiment e {
    dt 1 ms
    network net = Net()
    net.a.x = [3, 5]
    net.b.I = [10, 20, 30]
    signal look
    measure y = net.b.y
    run 2 ms
    net.a.x = [1, 1]
    signal look in net.b
    measure y = net.b.y
    measure others = net.a.y
    expect true
}");
    let of = |name: &str| out.measures[name].iter().flat_map(|q| q.data.iter().copied()).collect::<Vec<f64>>();
    assert_eq!(of("y"), [28.0, 48.0, 68.0, 22.0, 42.0, 62.0]);
    assert_eq!(of("others"), [0.0, 0.0]);
}

/// Cells that are reset have had no event: nothing is held or muted, no event was ever, no condition held; others go on as they are.
#[test]
fn cells_that_are_reset_have_had_no_events() {
    for precision in ["f32", "f64"] {
        for (model, last) in [
            ("emit spike when v > 0.5 { v = 0   hold v for inf }", [2.0, 1.0]),
            ("emit spike when v > 0.5 { v = 0   mute spike for inf }", [2.0, 1.0]),
            ("emit spike when since(spike) > 1 s and v > 0.5 { v = 0 }", [2.0, 1.0]),
            ("emit spike when rising v > 0.5", [2.0, 1.0]),
        ] {
            let out = run(&format!(
                "neuron C {{ event input exc: 1   state v = 0   v' = exc   {model} }}
network Net {{ population b: C[2] }}
experiment e {{
    precision {precision}
    network net = Net()
    drive net.b.exc {{ spikes [10 ms, 30 ms]   weight 1 }}
    record net.b[0].spike
    record net.b[1].spike
    run 20 ms
    reset net.b[0 .. 1]
    run 20 ms
    measure spikes = [count(net.b[0].spike), count(net.b[1].spike)]
}}"
            ));
            assert_eq!(measured(&out, "spikes"), last, "{precision} {model}");
        }
    }
}

/// States that synapses without learning have per sending cell, read and recorded as they are at any time.
#[test]
fn states_of_synapses_that_do_not_learn_are_read() {
    for precision in ["f32", "f64"] {
        let out = run(&format!(
            "use std.sources.spikes: Forced
neuron Target {{ event input exc: 1   state v = 0   v' = exc }}
synapse Tires {{
    weight w: 1
    state x = 1
    x' = (1 - x) / 10 ms
    on pre.spike {{ deliver w * x   x = x / 2 }}
}}
network Net {{
    population a: Forced[3]
    population b: Target[2]
    projection l: a -> b.exc: Tires {{ connect where pre.i > 0   weight 1   delay 1 ms }}
}}
experiment e {{
    dt 0.1 ms
    precision {precision}
    network net = Net()
    drive net.a[1 .. 2].force {{ spikes [10 ms, 15 ms]   weight 1 }}
    record net.l.x every 5 ms as x
    measure before = net.l.x
    run 30 ms
    measure after = net.l.x
    measure sum = net.b.v
}}"
        ));
        // Both synapses of a cell have its state; cell 1 had events a step after 10 and 15 ms, cell 2 none.
        let second = 1.0 - 0.5 * (-0.5f64).exp();
        let at_30 = 1.0 - (1.0 - second / 2.0) * (-1.49f64).exp();
        assert_eq!(measured(&out, "before"), [1.0; 4], "{precision}");
        near(&measured(&out, "after"), &[at_30, at_30, 1.0, 1.0], if precision == "f32" { 1e-6 } else { 1e-12 });
        near(&measured(&out, "sum"), &[1.0 + second; 2], 1e-6);
        let (times, values) = trace(&out, "x");
        let at = |t: f64| values[times.iter().position(|x| (x - t).abs() < 1e-9).unwrap() * 4];
        near(&[at(25.0)], &[1.0 - (1.0 - second / 2.0) * (-0.99f64).exp()], 1e-6);
    }
}

#[test]
fn arrays_are_drawn_element_by_element() {
    let out = run("experiment e {
    var x = repeat(0 ms, 1000)
    x ~ uniform(0 ms, 500 ms)
    measure n = [len(x), sum(diff(sort(x)) > 0 ms) + 1]
    x[0 .. 10] = -1 ms
    x[0 .. 10] ~ uniform(600 ms, 700 ms)
    measure spread = [min(x[0 .. 10]), max(x[0 .. 10]), std(x[10 .. 1000])]
    var single_element = [5]
    single_element ~ uniform(0, 1)
    var none = repeat(1, 0)
    none ~ uniform(0, 1)
    measure lengths = [len(single_element), len(none)]
    var one = 0
    one ~ uniform(0, 1)
    measure single = len(one)
}");
    assert_eq!(measured(&out, "n"), [1000.0, 1000.0]);
    let spread = measured(&out, "spread");
    assert!(spread[0] >= 600.0 && spread[1] <= 700.0 && spread[1] - spread[0] > 20.0, "{spread:?}");
    // 500 ms / sqrt(12), within four standard errors.
    assert!((spread[2] - 144.34).abs() < 8.0, "{spread:?}");
    assert_eq!(measured(&out, "single"), [1.0]);
    assert_eq!(measured(&out, "lengths"), [1.0, 0.0]);
}
