//! Networks with events that see several examples side by side: each is what the network would be by itself.

use crate::checkpoint::{All, bits, run as run_kept};
use crate::support::{measured, program, run, run_failing, same_everywhere};
use neuro::diag::Code;
use neuro::experiment::Settings;

/// Delays of one and many steps and of none, short-term plasticity, an adaptive scheme, a cable, drives, ports that follow time, what
/// happens at signals, windows and events that act for a while.
const MODELS: &str = "
use std.neurons.lif
use std.neurons.cable
use std.synapses.short_term
neuron Source { input rate: Hz = 0 Hz  state phase = 0  phase' = rate  emit spike when phase > 1 { phase -= 1 } }
neuron Cell {
    event input exc: 1
    input level: 1 = 0
    state v = 0
    state n = 0
    state told per example = 0
    state b per cell = 0.5
    let tail = convolve(exc, exp(-age / 2 ms), over = 3 ms)
    let seen = mean(v, over = look, last = 2 ms)
    v' = (level + tail - v) / 5 ms
    scheme rk4
    emit spike when v > 1 { v = 0  n += 1 }
    on tell { told += seen + b }
}
neuron Slow { input I: 1 = 0  state x = 0.1  x' = (I - x) / 3 ms  scheme rk45(1e-6)  state n = 0  emit spike when x > 0.5 { x = 0  n += 1 } }
network Net {
    population source: Source[3]
    population cell: Cell[4]
    population slow: Slow[2]
    population tree: BallAndStick[2]
    projection near: source -> cell.exc: Static { connect all_to_all   weight 0.4 + 0.1 * pre.i   delay 0 ms }
    projection far: cell -> cell.exc: Static { connect all_to_all   weight 0.1 + 0.1 * post.i   delay 0.2 ms + 0.5 ms * pre.i }
    projection tired: source -> cell[0..3].exc: ShortTerm { connect one_to_one   weight 0.5   delay 0.3 ms }
    drive cell.exc { spikes [1 ms, 4 ms, 9.5 ms]   weight 0.3 }
}
";

/// What an experiment measures of the network: of all cells.
const MEASURES: [&str; 7] = ["cell.v", "cell.n", "cell.told", "cell.tail", "slow.x", "slow.n", "tree.dend.v"];

/// Shows the network three examples with different inputs: one after the other, or at once.
fn examples(batch: usize) -> String {
    let with = if batch > 0 { format!(" with batch {batch}") } else { String::new() };
    let measures: String =
        MEASURES.iter().enumerate().map(|(k, what)| format!("measure m{k} = net.{what}\n")).collect();
    format!(
        "{MODELS}
experiment e {{
    dt 0.1 ms
    data d = dataset(examples = 3, rate = [100, 0, 350, 250, 120, 40, 0, 0, 900], level = [0.2, 1.4, 0.9], start = [0.5, 0, 0.9, 0.1, 0.2, 0.3, 0, 0.6, 0])
    network net = Net(){with}
    for (rate, level, start) in d {{
        seed 5
        network net = Net(){with}
        net.source.rate = rate * 1 Hz
        net.source.phase = start
        net.cell[1..3].level = level
        net.cell[3].level = 1.2 + 0.2 * sin(t / 1 ms)
        net.slow.I = 0.3 + level
        net.tree.dend[2].v = -60 mV + 5 mV * level
        run 3 ms
        window look {{ run 6 ms }}
        net.cell.b = 0.25
        signal tell in net.cell
        net.cell.v *= 0.5
        net.source.rate += 50 Hz
        run 4.3 ms
        {measures}
    }}
}}
"
    )
}

#[test]
fn each_example_is_what_the_network_would_be_by_itself() {
    let names: Vec<String> = (0..MEASURES.len()).map(|k| format!("m{k}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for precision in ["f32", "f64"] {
        let text = |batch: usize| examples(batch).replace("dt 0.1 ms", &format!("dt 0.1 ms  precision {precision}"));
        let one = run(&text(0));
        let (three, two) = (run(&text(3)), run(&text(2)));
        for name in &names {
            let each = measured(&one, name);
            assert!(each.iter().any(|x| *x != each[0]), "{name} differs between nothing: {each:?}");
            assert_eq!(each, measured(&three, name), "{name}, three at once");
            // Two, and then the one that is left.
            assert_eq!(each, measured(&two, name), "{name}, two at once");
        }
        same_everywhere(&program(&text(3)), &Settings::default(), &names);
    }
}

const NOISY: &str = "
neuron Source { input rate: Hz = 100 Hz  state n = 0  emit spike when random() < rate * dt { n += 1 } }
neuron Cell {
    event input exc: 1
    noise xi
    state n = 0
    state v = 0
    state g = 0
    state drawn = 0
    g' = -g / 5 ms + exc
    v' = -v / 5 ms + xi / sqrt(1 ms)
    scheme euler
    emit spike when since(spike) > 2 ms and v > 1 { n += g }
    on draw { drawn = uniform(0, 1) }
}
network Net {
    population source: Source[50]
    population cell: Cell[20]
    drive cell.exc { poisson 500 Hz   weight 1 }
}
experiment e {
    seed 4
    network net = Net()WITH
    run 500 ms
    signal draw in net.cell
    measure n = net.source.n
    measure v = net.cell.v
    measure drawn = net.cell.drawn
    net.cell.v ~ uniform(0, 1)
    measure start = net.cell.v
}
";

#[test]
fn examples_draw_for_themselves_and_the_first_as_the_network_alone() {
    let alone = run(&NOISY.replace("WITH", ""));
    let several = run(&NOISY.replace("WITH", " with batch 4"));
    for (name, n) in [("n", 50), ("v", 20), ("drawn", 20)] {
        let (alone, several) = (measured(&alone, name), measured(&several, name));
        assert_eq!(alone, several[..n], "{name}");
        for k in 1..4 {
            assert!(several[k * n..(k + 1) * n] != several[(k - 1) * n..k * n], "{name}: examples {k} are alike");
        }
    }
    let start = measured(&several, "start");
    assert_eq!(start.len(), 80);
    assert!(start[..20] != start[20..40]);
    // 200 sources of 100 Hz for half a second: a mean of 10 000 events, with a standard deviation of 99.5.
    let events: f64 = measured(&several, "n").iter().sum();
    assert!((events - 10_000.0).abs() < 500.0, "{events} events");
    same_everywhere(&program(&NOISY.replace("WITH", " with batch 4")), &Settings::default(), &["n", "v", "drawn"]);
}

#[test]
fn a_batch_goes_on_from_a_checkpoint_with_the_same_bits() {
    let p = program(&examples(2));
    let all = All::default();
    let whole = bits(&run_kept(&p, &all, None, 1));
    let kept = all.kept();
    assert!(kept.len() > 3);
    for (k, checkpoint) in kept.into_iter().enumerate() {
        let resumed = bits(&run_kept(&p, &All::default(), Some(checkpoint), 1 + k % 2));
        let differs = whole.iter().zip(&resumed).position(|(a, b)| a != b);
        assert!(differs.is_none() && whole.len() == resumed.len(), "checkpoint {k}: number {differs:?}");
    }
}

#[test]
fn what_examples_cannot_have_is_refused() {
    const LEARNING: &str = "
neuron Cell { event input exc: 1  state v = 0  v' = -v / 5 ms + exc  emit spike when v > 1 { v = 0 } }
neuron Bias { event input exc: 1  state v = 0  state b = 1  v' = -v / 5 ms  emit spike when v > 1 { v = b }  on learn { b += 0.1 } }
neuron Adapts { event input exc: 1  state v = 0  state b per cell = 1  v' = -v / 5 ms  emit spike when v > b { v = 0  b += 1 } }
synapse Events { weight w: 1  on pre.spike { deliver w }  on post.spike { w += 0.1 } }
synapse Signals { weight w: 1  on pre.spike { deliver w }  on learn { w += 0.1 } }
synapse Flows { weight w: 1  w' = -w / 1 s  on pre.spike { deliver w } }
synapse Tires { weight w: 1  state u = 1  on pre.spike { u *= 0.5  deliver w * u } }
network Net(kind: int) {
    population cell: Cell[2]
    if kind == 0 { projection p: cell -> cell.exc: Events { connect all_to_all  weight 1 } }
    if kind == 1 { projection q: cell -> cell.exc: Signals { connect all_to_all  weight 1 } }
    if kind == 2 { projection r: cell -> cell.exc: Flows { connect all_to_all  weight 1 } }
    if kind == 4 { population bias: Bias[2] }
    if kind == 5 { population adapts: Adapts[2] }
    if kind == 3 { projection s: cell -> cell.exc: Tires { connect all_to_all  weight 1 } }
}
";
    let case = |kind: u32, with: &str, rest: &str| {
        run_failing(&format!("{LEARNING}experiment e {{ network net = Net({kind}) with batch {with}\n{rest} }}"))
    };
    for (kind, with, rest, says) in [
        (0, "2", "run 1 ms", "a weight that changes at events"),
        (2, "2", "run 1 ms", "a weight that changes at events"),
        (1, "2 sum", "run 1 ms", "`sum` for several examples"),
        (1, "2", "run 1 ms signal learn", "a signal at which `q` changes"),
        (4, "2", "run 1 ms signal learn", "a signal at which `b` changes"),
        (5, "2", "run 1 ms", "`b`, which all examples share"),
        (3, "2", "run 1 ms record net.cell.v", "recording several examples"),
        (3, "2", "record net.cell.spike run 1 ms", "recording several examples"),
    ] {
        let d = case(kind, with, rest);
        assert!(d.code == Code::E0106 && d.message.contains(says), "{rest}: {}", d.message);
    }
    let d = case(3, "3", "data d = dataset(x = [1, 2])  for x in d { net.cell.v = [x, x, x] }");
    assert!(d.code == Code::E0403, "{}", d.message);
    // What fails in one example says in which.
    let d = run_failing(
        "
neuron Cell { input I: 1 = 0  state v = 1  v' = I * v / 1 ms  scheme euler  emit spike when v < 0 }
network Net { population cell: Cell[2] }
experiment e {
    network net = Net() with batch 3
    data d = dataset(x = [0, 1e30, 0])
    for x in d { net.cell.I = x  run 100 ms }
}",
    );
    assert!(d.code == Code::E0801 && d.notes.iter().any(|n| n.contains("example 1")), "{d:?}");
}

#[test]
fn weights_are_common_to_all_examples() {
    let out = run("

neuron Cell { event input exc: 1  state v = 0  v' = exc  emit spike when v > 1e9 }
network Net {
    population source: Relay[2]
    population cell: Cell[1]
    projection p: source -> cell.exc: Static { connect all_to_all  weight 1  delay 1 ms }
    drive source.in_ { spikes [1 ms]  weight 1 }
}
experiment e {
    network net = Net() with batch 3
    net.p.w = [0.25, 0.5]
    measure w = weights(net.p)
    run 5 ms
    measure v = net.cell.v
    net.p.w = 1
    run 1 ms
    measure later = weights(net.p)
}");
    assert_eq!(measured(&out, "w"), [0.25, 0.5]);
    assert_eq!(measured(&out, "v"), [0.75; 3]);
    assert_eq!(measured(&out, "later"), [1.0, 1.0]);
}

/// Two examples with values of their own, and what is assigned to all of them, or to other cells, beside.
fn assigned(with: &str, statements: &str, measure: &str) -> Vec<f64> {
    let out = run(&format!(
        "
neuron Cell {{ param p = 1   event input exc: 1   input I: 1 = 3 * p   state v = 0   state u = 2 * v + I   v' = (I - v) / 5 ms + exc   emit spike when v > 100 {{ v = 0 }} }}
network Net {{ population cell: Cell[3] }}
experiment e {{
    precision f64
    data d = dataset(examples = 2, a = [1, 2, 3, 4, 5, 6], k = [2, 7])
    network net = Net(){with}
    for (a, k) in d {{
        {}
        {statements}
        measure x = {measure}
    }}
}}",
        if with.is_empty() { "network net = Net()" } else { "" }
    ));
    measured(&out, "x")
}

#[test]
fn assignments_to_some_leave_others_and_other_examples_alone() {
    for statements in [
        "net.cell.I = a  net.cell[2].I = 5",
        "net.cell[0 .. 2].I = k  net.cell[2].I = 5  net.cell[1].I += 0.5",
        "net.cell.I = a  net.cell.p = 3",
        "net.cell[0 .. 2].I = k  net.cell.p = 3",
        "net.cell[0 .. 2].I = k  net.cell[1].p = 2",
        "net.cell.I = a  net.cell[1].p = 2  net.cell[0].I = 9",
        "net.cell[1].I = k  net.cell[2].I = sin(t / 1 ms)  net.cell.p = 4",
        "net.cell.v = a",
        "net.cell[1].v = k  net.cell.I = a",
        "net.cell.v = a  net.cell.v = 3",
        "run 1 ms  net.cell.I = a  net.cell[2].I = 5  net.cell.p = 2",
        "run 1 ms  net.cell.v = a  net.cell[0].v = 1",
    ] {
        for measure in ["net.cell.I", "net.cell.u", "net.cell.v"] {
            let each = assigned("", &format!("{statements}  run 2 ms"), measure);
            let both = assigned(" with batch 2", &format!("{statements}  run 2 ms"), measure);
            assert_eq!(each, both, "{statements}, {measure}");
            let now = assigned("", statements, measure);
            assert_eq!(now, assigned(" with batch 2", statements, measure), "{statements}, {measure} at once");
        }
    }
}

#[test]
fn what_all_examples_have_in_common_takes_no_value_for_each() {
    // Three cells and three examples, so that the numbers would fit.
    let text = |statement: &str| {
        format!(
            "
neuron Cell {{ param p = 1   event input exc: 1   input I: 1 = 0   state v = 0   v' = (I - v) / 5 ms + exc   emit spike when v > 100 }}
network Net {{
    population cell: Cell[3]
    projection s: cell -> cell.exc: Static {{ connect one_to_one  weight 1  delay 1 ms }}
}}
experiment e {{
    data d = dataset(examples = 3, a = [1, 2, 3])
    network net = Net() with batch 3
    for a in d {{ {statement} }}
}}"
        )
    };
    for statement in ["net.cell.p = a", "net.s.w = a", "net.cell.I = a * sin(t / 1 ms)", "if a > 1 { net.cell.v = 5 }"]
    {
        let d = run_failing(&text(statement));
        assert!(d.code == Code::E0403 && d.message.contains("example"), "{statement}: {}", d.message);
    }
    let d = run_failing(&text("net.cell.v = a  drive net.cell.exc { spikes [1 ms]  weight 1 }"));
    assert!(d.code == Code::E0106 && d.message.contains("something was computed"), "{}", d.message);
    let out = run(&text("if a > 0 { net.cell.v = a }  measure v = net.cell.v"));
    assert_eq!(measured(&out, "v"), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0]);
}

#[test]
fn a_reset_brings_each_example_back_to_its_own_beginning() {
    let text = |with: &str| {
        format!(
            "
neuron Cell {{ event input exc: 1   input I: 1 = 0   state v = 0   state u = 2 * v   v' = (I - v) / 5 ms + exc   u' = -u / 5 ms   emit spike when v > 100 }}
network Net {{ population cell: Cell[2] }}
experiment e {{
    precision f64
    data d = dataset(examples = 2, a = [1, 2, 3, 4])
    network net = Net(){with}
    for a in d {{
        {}
        net.cell.v = a
        net.cell.I = a
        run 2 ms
        reset net
        measure v = net.cell.v
        measure u = net.cell.u
        run 2 ms
        reset net.cell[1]
        measure later = net.cell.v
    }}
}}",
            if with.is_empty() { "network net = Net()" } else { "" }
        )
    };
    let (each, both) = (run(&text("")), run(&text(" with batch 2")));
    assert_eq!(measured(&each, "v"), [1.0, 2.0, 3.0, 4.0]);
    for name in ["v", "u", "later"] {
        assert_eq!(measured(&each, name), measured(&both, name), "{name}");
    }
    let p = program(&text(" with batch 2"));
    let all = All::default();
    let whole = bits(&run_kept(&p, &all, None, 1));
    for checkpoint in all.kept() {
        assert!(whole == bits(&run_kept(&p, &All::default(), Some(checkpoint), 2)));
    }
}
