//! Weights that two projections of a network with events share, one of them the other way round.

use crate::checkpoint::{All, bits, run as run_keeping};
use crate::support::{measured, program, run, run_failing, same_everywhere};
use neuro::diag::Code;
use neuro::experiment::Settings;

/// Forward weights that learn at signals, and a way back with the same ones: by `transpose of`, or copied by the experiment.
fn network(connect: &str, back: &str, precision: &str, shared: bool) -> String {
    let (connected, copy) = if shared {
        ("connect transpose of upper".to_string(), String::new())
    } else {
        // The pairs of the way back come in the order of the forward ones, from target to source.
        let connect = connect.replace("pre", "SWAP").replace("post", "pre").replace("SWAP", "post");
        (format!("{connect}   weight 0"), "net.back.w = turned(net.upper.w)".to_string())
    };
    let text = format!(
        "
neuron Source {{
    event input exc: 1
    input rate: Hz = 200 Hz
    state g = 0
    state e = 0
    g' = -g / 5 ms + exc
    let r = tanh(g)
    emit spike when random() < rate * dt {{ e += 1 }}
    on learn {{ e = 0.5 * e }}
}}
neuron Target {{
    event input exc: 1
    input drive: 1
    state v = 0
    state e = 0
    v' = (drive - v) / 10 ms + exc
    let r = tanh(v)
    emit spike when v > 1 {{ v = 0 }}
    on learn {{ e = 0.3 - v }}
}}
neuron Hearer {{ input drive: 1   state x = 0   x' = (drive - x) / 5 ms   emit spike when x > 1e9 {{ x = 0 }} }}
synapse Rule {{
    weight w: 1
    on pre.spike {{ deliver w }}
    on learn {{ w += 0.02 * post.e * pre.e }}
}}
synapse Plain {{ weight w: 1   on pre.spike {{ deliver w }} }}
synapse Analog {{ weight w: 1   deliver w * pre.r }}
synapse Feature {{ weight w: 1   on pre.spike {{ deliver 2 * w }}  on learn {{ w += 0.001 * pre.e }} }}
network Net {{
    population source: Source[12]
    population target: Target[4]
    population hearer: Hearer[12]
    projection upper: source -> target.exc: Rule {{ {connect}   weight ~ uniform(0, 0.3)   delay 0.2 ms }}
    projection back: {back} {{ {connected} }}
}}
experiment e {{
    dt 0.1 ms
    precision {precision}
    network net = Net()
    {copy}
    for k in 1 .. 4 {{
        run 5 ms
        signal learn
        {copy}
        measure w = net.upper.w
        measure back = net.back.w
        measure g = net.source.g
        measure x = net.hearer.x
        measure v = net.target.v
    }}
    net.upper.w = 0.9 * net.upper.w
    {copy}
    run 5 ms
    measure last = net.source.g + net.hearer.x
}}
"
    );
    text
}

#[test]
fn a_way_back_has_the_weights_of_the_way_there() {
    let events = "target -> source.exc: Plain";
    let analog = "target -> hearer.drive: Analog";
    for (back, precision) in [(events, "f32"), (events, "f64"), (analog, "f32"), (analog, "f64")] {
        let delay = if back == events { "   delay 0.3 ms" } else { "" };
        let shared =
            network("connect all_to_all", back, precision, true).replace("of upper", &format!("of upper{delay}"));
        let copied = network("connect all_to_all", back, precision, false)
            .replace("weight 0 }", &format!("weight 0{delay} }}"))
            .replace("turned(net.upper.w)", "transpose(matrix(net.upper))");
        let (a, b) = (run(&shared), run(&copied));
        for name in ["w", "g", "x", "v", "last"] {
            assert!(measured(&a, name) == measured(&b, name), "{name}, {back}, {precision}");
        }
        assert!(measured(&a, "w") == measured(&a, "back"));
        let changed = measured(&a, "w");
        assert!(changed[..48] != changed[48..96] && measured(&a, "last").iter().any(|x| *x != 0.0));
        same_everywhere(&program(&shared), &Settings::default(), &["w", "g", "x", "v", "last"]);
        let all = All::default();
        let p = program(&shared);
        let whole = bits(&run_keeping(&p, &all, None, 2));
        for file in all.kept() {
            assert!(whole == bits(&run_keeping(&p, &All::default(), Some(file), 1)));
        }
    }
}

/// Pairs of every kind: the sum over all cells of what goes there equals that of what comes back.
#[test]
fn pairs_of_every_kind_are_turned() {
    for connect in [
        "connect fixed_probability(0.4)",
        "connect fixed_in_degree(3)",
        "connect where mod(pre.i, 3) == mod(post.i, 3)",
        "connect all_to_all",
    ] {
        let text = network(connect, "target -> hearer.drive: Analog", "f64", true);
        let more = "measure x = net.hearer.x   measure drive = net.hearer.drive   measure sum = sum(net.upper.w)";
        let out = run(&text.replace("let r = tanh(v)", "let r = 1").replace("measure x = net.hearer.x", more));
        let (drive, sums) = (measured(&out, "drive"), measured(&out, "sum"));
        for (k, sum) in sums.iter().enumerate() {
            let heard: f64 = drive[12 * k..12 * (k + 1)].iter().sum();
            assert!((heard - sum).abs() < 1e-12 * sum.abs().max(1.0), "{connect}: {heard} is not {sum}");
        }
        assert!(sums[0] != sums[1], "{connect}");
    }
}

#[test]
fn weights_that_change_at_events_have_no_transpose() {
    let text = network("connect all_to_all", "target -> source.exc: Plain", "f32", true);
    let said = |text: &str| {
        let d = run_failing(text);
        (d.code, d.message)
    };
    let not = |what: &str| (Code::E0106, format!("`{what}` is not supported yet"));
    let changing =
        text.replace("on pre.spike { deliver w }\n    on learn", "on pre.spike { deliver w  w += 1e-3 }\n    on learn");
    assert_eq!(said(&changing), not("weights that change at events, or move, and are another projection's, too"));
    let learning = text.replace("exc: Plain", "exc: Feature");
    assert_eq!(said(&learning), not("learning by a projection whose weights are another's"));
}

/// A matrix has a row for each target and a column for each source, wherever it is assigned; what does not fit is refused.
#[test]
fn a_matrix_is_assigned_by_pairs() {
    let rates = ("Rate", "Analog", "drive");
    let spikes = ("Cell", "Plain", "exc");
    for (cell, synapse, port) in [rates, spikes] {
        let text = |pairs: &str, value: &str| {
            format!(
                "
neuron Rate {{ input drive: 1   state x = 0   x' = (drive - x) / 5 ms   let r = 2 * x }}
neuron Cell {{ event input exc: 1   state v = 0   v' = -v / 10 ms + exc   emit spike when v > 1 {{ v = 0 }} }}
synapse Plain {{ weight w: 1   on pre.spike {{ deliver w }} }}
synapse Analog {{ weight w: 1   deliver w * pre.r }}
network Net {{
    population a: {cell}[6]
    population b: {cell}[5]
    projection there: a[1 .. 4] -> b[2 .. 4].{port}: {synapse} {{ {pairs}   weight 1 + pre.i + 10 * post.i }}
    projection again: a[1 .. 4] -> b[2 .. 4].{port}: {synapse} {{ {pairs}   weight 7 }}
    projection back: b[0 .. 2] -> a[3 .. 6].{port}: {synapse} {{ connect transpose of there }}
}}
experiment e {{
    network net = Net()
    let m = matrix(net.there)
    net.again.w = {value}
    measure same = net.again.w - net.there.w
    measure back = matrix(net.back) - transpose(m)
    net.back.w = 2 * transpose(m)
    measure twice = net.there.w - 2 * net.again.w
    measure degrees = out_degrees(net.back)
}}
"
            )
        };
        for pairs in ["connect all_to_all", "connect where mod(pre.i + post.i, 2) == 0"] {
            let out = run(&text(pairs, "m"));
            for name in ["same", "back", "twice"] {
                let values = measured(&out, name);
                assert!(!values.is_empty() && values.iter().all(|x| *x == 0.0), "{name}, {pairs}: {values:?}");
            }
            assert_eq!(measured(&out, "degrees").len(), 2);
        }
        let said = |pairs: &str, value: &str| {
            let d = run_failing(&text(pairs, value));
            (d.code, d.message)
        };
        assert_eq!(
            said("connect all_to_all", "transpose(m)"),
            (Code::E0403, "a matrix of 3 x 2 for 2 targets and 3 sources".to_string())
        );
        assert_eq!(
            said("connect where pre.i == post.i", "m + 1"),
            (Code::E0403, "a value for a synapse from cell 1 to cell 0, which there is not".to_string())
        );
    }
}

#[test]
fn a_transpose_within_a_step_follows_its_weights() {
    for delay in ["0 ms", "1 ms"] {
        let out = run(&format!(
            "
neuron Cell {{ event input exc: 1   state n = 0   n' = exc   emit spike when n > 0.5 {{ n = 0 }} }}
neuron Sum {{ event input exc: 1   state n = 0   n' = exc }}
synapse Taught {{ weight w: 1   on pre.spike {{ deliver w }}   on learn {{ w += 1 }} }}
synapse Back {{ weight w: 1   on pre.spike {{ deliver w }} }}
network Net {{
    population a: Cell[2]
    population b: Cell[3]
    population q: Sum[2]
    projection up: a -> b.exc: Taught {{ connect all_to_all   weight 1 + pre.i   delay 1 ms }}
    projection down: b -> q.exc: Back {{ connect transpose of up   delay {delay} }}
}}
experiment e {{
    dt 1 ms
    precision f64
    network net = Net()
    drive net.b.exc {{ spikes [1 ms, 11 ms, 21 ms, 31 ms]   weight 1   delay 0 ms }}
    run 9 ms
    measure n = net.q.n
    signal learn
    run 10 ms
    measure n = net.q.n
    net.up.w = 10
    run 10 ms
    measure n = net.q.n
    net.down.w = 100
    run 10 ms
    measure n = net.q.n
}}
"
        ));
        // Three cells at once: 1 and 2 for each, then one more, then 10, then 100.
        assert_eq!(measured(&out, "n"), [3.0, 6.0, 9.0, 15.0, 39.0, 45.0, 339.0, 345.0], "{delay}");
    }
}
