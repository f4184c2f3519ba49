//! What models take of the windows of an experiment: values at their ends, and means over their steps.

use crate::checkpoint::{All, bits, run as run_keeping};
use crate::support::{measured, near, program, run, run_failing, same_everywhere, try_program};
use neuro::diag::Code;
use neuro::experiment::Settings;

/// Cells that hear random events and take all kinds of things of two windows; synapses that learn from them at signals and events.
fn spiking(precision: &str) -> String {
    format!(
        "
neuron Source {{ emit spike when uniform(0, 1) < 40 Hz * dt }}
neuron Cell {{
    param gain = 2
    event input exc: 1
    input teach: 1 = 0
    state v = 0.25
    v' = -v / 10 ms + exc
    let r = gain * v + teach
    let end = v at end of forward
    let all = mean(v, over = forward)
    let last = mean(v, over = forward, last = 2 ms)
    let rate = mean(r, over = forward, last = 2 ms)
    let other = mean(r, over = target)
    state kept = 0
    emit spike when v > 1.5 {{ v = end }}
    on learn {{ kept = r at end of target - r at end of forward }}
}}
synapse Rule {{
    weight w: 1
    on pre.spike {{ deliver w }}
    on post.spike {{ w += 1e-3 * (post.v at end of forward) }}
    on learn {{ w += (post.r at end of target) * mean(post.v, over = forward) + mean(pre.x, over = target, last = 1 ms) }}
}}
neuron Follower {{
    event input exc: 1
    state x = 0
    x' = -x / 20 ms + exc
    emit spike when rising x > 0.8
}}
network Net {{
    population source: Source[30]
    population first: Follower[8]
    population cell: Cell[5]
    init cell.gain = 2 + i
    projection source -> first.exc: Static {{ connect all_to_all  weight 0.05  delay 0.1 ms }}
    projection p: first -> cell.exc: Rule {{ connect all_to_all  weight 0.2  delay 0.3 ms }}
}}
experiment e {{
    dt 0.1 ms
    precision {precision}
    network net = Net()
    record net.cell.v every 0.1 ms as v
    record net.first.x every 0.1 ms as x
    for k in 1 .. 3 {{
        window forward {{ run 4 ms  run 3 ms }}
        let vf = net.cell.v
        let rf = net.cell.r
        net.cell.teach = k
        window target {{ for j in 1 .. 2 {{ run 2 ms }} }}
        let before = net.p.w
        signal learn
        measure kept = net.cell.kept - (net.cell.r - rf)
        measure end = net.cell.end - vf
        measure change = net.p.w - before
        measure all = net.cell.all
        measure last = net.cell.last
        measure rate = net.cell.rate
        measure other = net.cell.other
        measure r = net.cell.r
    }}
}}
"
    )
}

#[test]
fn cells_and_synapses_with_events_take_of_windows_what_was_there() {
    for (precision, tolerance) in [("f64", 1e-12), ("f32", 2e-6)] {
        let text = spiking(precision);
        let out = run(&text);
        let m = |name: &str| measured(&out, name);
        near(&m("kept"), &[0.0; 15], tolerance);
        near(&m("end"), &[0.0; 15], 0.0);
        let samples = |name: &str, n: usize| {
            let r = out.recordings.iter().find(|r| r.name == name).expect("recorded");
            let (_, values) = r.samples(None).expect("readable");
            move |step: usize, cell: usize| values[step * n + cell]
        };
        let (v, x) = (samples("v", 5), samples("x", 8));
        let (mut all, mut last, mut rate, mut other, mut change) = (vec![], vec![], vec![], vec![], vec![]);
        for k in 0..3 {
            // A step's end is what counts: the first of a window is one step after its beginning.
            let begin = 110 * k;
            let mean = |from: usize, to: usize, of: &dyn Fn(usize) -> f64| {
                (from + 1..=to).map(of).sum::<f64>() / (to - from) as f64
            };
            for cell in 0..5 {
                let gain = 2.0 + cell as f64;
                all.push(mean(begin, begin + 70, &|s| v(s, cell)));
                last.push(mean(begin + 50, begin + 70, &|s| v(s, cell)));
                rate.push(mean(begin + 50, begin + 70, &|s| gain * v(s, cell) + k as f64));
                other.push(mean(begin + 70, begin + 110, &|s| gain * v(s, cell) + k as f64 + 1.0));
            }
            for source in 0..8 {
                for cell in 0..5 {
                    let late = mean(begin + 100, begin + 110, &|s| x(s, source));
                    change.push(m("r")[5 * k + cell] * all[5 * k + cell] + late);
                }
            }
        }
        near(&m("all"), &all, tolerance);
        near(&m("last"), &last, tolerance);
        near(&m("rate"), &rate, tolerance);
        near(&m("other"), &other, tolerance);
        near(&m("change"), &change, 10.0 * tolerance);
        assert!(out.recordings.iter().any(|r| r.name == "v"));
        let names = ["kept", "end", "change", "all", "last", "rate", "other"];
        let found = same_everywhere(&program(&text), &Settings::default(), &names);
        assert!(found.iter().any(|x| *x != 0.0));
    }
}

#[test]
fn a_window_that_is_open_is_resumed() {
    let text = spiking("f32");
    let all = All::default();
    let p = program(&text);
    let whole = bits(&run_keeping(&p, &all, None, 1));
    let files = all.kept();
    // Between the two turns of the inner loop the window is open.
    assert!(files.len() >= 6, "{} checkpoints", files.len());
    for (k, file) in files.into_iter().enumerate() {
        assert!(whole == bits(&run_keeping(&p, &All::default(), Some(file), 1 + k % 3)), "from checkpoint {k}");
    }
}

#[test]
fn means_over_windows_in_networks_without_events() {
    for (batch, rows) in [("", 1), (" with batch 3", 3)] {
        let text = format!(
            "
neuron Cell {{
    input drive: 1
    state v = 0.5
    v' = (drive - v) / 10 ms
    let r = tanh(v)
    let all = mean(r, over = settled)
    let last = mean(r, over = settled, last = 2 ms)
    let end = r at end of settled
}}
synapse Rule {{
    weight w: 1
    deliver w * pre.r
    on learn {{ w += mean(pre.r, over = settled) * post.v at end of settled }}
}}
network Net {{
    population a: Cell[2]
    population b: Cell[3]
    projection p: a -> b.drive: Rule {{ connect all_to_all  weight 0.5 }}
}}
experiment e {{
    dt 1 ms
    precision f64
    network net = Net(){batch}
    net.a.drive = 0.3 + i
    measure first = net.b.all
    window settled {{
        for k in 1 .. 6 {{
            settle for 1 steps
            measure r = net.b.r
            measure ra = net.a.r
        }}
    }}
    measure all = net.b.all
    measure last = net.b.last
    measure end = net.b.end
    measure v = net.b.v
    let before = net.p.w
    signal learn
    measure change = net.p.w - before
}}
"
        );
        let out = run(&text);
        let m = |name: &str| measured(&out, name);
        near(&m("first"), &vec![0.5f64.tanh(); 3 * rows], 1e-15);
        let (r, ra) = (m("r"), m("ra"));
        let at = |values: &[f64], n: usize, turn: usize, k: usize| values[turn * n * rows + k];
        let mean = |values: &[f64], n: usize, from: usize, k: usize| {
            (from..6).map(|turn| at(values, n, turn, k)).sum::<f64>() / (6 - from) as f64
        };
        let each = |n: usize, of: &dyn Fn(usize) -> f64| (0..n * rows).map(of).collect::<Vec<f64>>();
        near(&m("all"), &each(3, &|k| mean(&r, 3, 0, k)), 1e-14);
        near(&m("last"), &each(3, &|k| mean(&r, 3, 4, k)), 1e-14);
        near(&m("end"), &each(3, &|k| at(&r, 3, 5, k)), 0.0);
        let v = m("v");
        let change: Vec<f64> = (0..6).map(|k| mean(&ra, 2, 0, k / 3) * v[k % 3]).collect();
        near(&m("change"), &change, 1e-14);
    }
}

/// Until a window has ended, what is taken of it is what the cells begin with; one without a step leaves means as they are.
#[test]
fn before_the_first_window_there_is_what_the_cells_begin_with() {
    let text = "
neuron Cell {
    input I: 1 = 3
    state v = 2
    v' = -v / 10 ms
    let r = v + I
    let end = r at end of w
    let average = mean(r, over = w)
    let twice = average + end
    emit spike when v > 100 { v = 0 }
}
network Net { population cell: Cell[2]  init cell.v = 2 + i }
experiment e {
    network net = Net()
    record net.cell.average every 1 ms as a
    expect net.cell.end == [5, 6] and net.cell.twice == [10, 12]
    run 5 ms
    expect net.cell.end == [5, 6] and net.cell.average == [5, 6]
    window w { net.cell.I = 1 }
    expect net.cell.end == net.cell.r and net.cell.average == [5, 6]
    window w { run 0.1 ms }
    expect net.cell.average == net.cell.r
}
";
    let out = run(text);
    assert!(out.expectations.iter().all(|e| e.passed), "{:?}", out.expectations);
}

#[test]
fn a_window_within_itself_is_refused() {
    let d = run_failing(
        "
neuron Cell { state v = 1   v' = -v / 10 ms   let m = mean(v, over = w)   emit spike when v > m + 9 { v = 0 } }
network Net { population cell: Cell[1] }
experiment e { network net = Net()  window w { run 1 ms  window w { run 1 ms } } }
",
    );
    assert_eq!((d.code, &d.message[..]), (Code::E0404, "window `w` within a window `w`"));
}

#[test]
fn what_a_window_cannot_give_is_refused() {
    let cell = |taken: &str, last: &str| {
        format!(
            "
neuron Cell {{
    compartment dend[3] {{
        length 100 um   diameter 2 um
        param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
        state v = -70 mV
        current = 1 uS/cm^2 * (v + 70 mV)
    }}
    state x = 0
    x' = -x / 10 ms
    let ago = since(spike)
    let y = {taken}
    emit spike when x > 1 {{ x = 0 }}
}}
network Net {{ population cell: Cell[1] }}
experiment e {{ dt 0.1 ms  network net = Net()  window w {{ run 1 ms }} {last} }}
"
        )
    };
    let refused = |taken: &str| match try_program(&cell(taken, "")) {
        Err(refused) => {
            let d = refused.diagnostics.iter().next().expect("a diagnostic").clone();
            (d.code, d.message)
        }
        Ok(_) => {
            let d = run_failing(&cell(taken, ""));
            (d.code, d.message)
        }
    };
    for (taken, code, message) in [
        (
            "mean(x, over = w, last = 1.5 ms)",
            Code::E0404,
            "window `w` lasted 1 ms, and `mean(x, over = w, last = 1.5 ms)` needs 1.5 ms",
        ),
        (
            "mean(x, over = w, last = 0.25 ms)",
            Code::E0404,
            "a mean over the last 0.25 ms of a window, in steps of 0.1 ms",
        ),
        ("mean(x, over = w, last = 0 ms)", Code::E0401, "the last part of a window is a constant time"),
        ("mean(x, over = w, last = 2 mV)", Code::E0310, "the last part of a window must be a time"),
        ("mean(x + 1, over = w)", Code::E0401, "a window keeps variables of a cell"),
        ("mean(x, over = w, first = 2 ms)", Code::E0401, "a mean over a window has no such argument"),
        ("mean(x, over = 3)", Code::E0401, "expected the name of a window"),
        ("mean(over = w)", Code::E0402, "`mean` takes 2 or 3 arguments, found 1"),
        ("mean(t, over = w) / 1 ms", Code::E0401, "a window keeps variables of a cell"),
        ("mean(z, over = w)", Code::E0201, "unknown name `z`"),
        (
            "mean(ago, over = w) / 1 ms",
            Code::E0106,
            "`a window of what depends on events or random numbers of the cell` is not supported yet",
        ),
        (
            "mean(dend.v, over = w) / 1 mV",
            Code::E0106,
            "`a window of a cable of several segments` is not supported yet",
        ),
    ] {
        assert_eq!(refused(taken), (code, message.to_string()), "{taken}");
    }
}

#[test]
fn truth_values_are_taken_of_windows_too() {
    let out = run("
neuron Cell {
    param from = 0 ms
    state on = false
    let share = mean(on, over = all)
    let was = if on at end of all then 1 else 0
    emit tick when true { on = t >= from }
}
network Net { population cell: Cell[4]   init cell.from = 1 ms * i }
experiment e {
    dt 1 ms
    network net = Net()
    window all { run 4 ms }
    measure share = net.cell.share
    measure was = net.cell.was
}
");
    assert_eq!(measured(&out, "share"), [1.0, 0.75, 0.5, 0.25]);
    assert_eq!(measured(&out, "was"), [1.0; 4]);
}
