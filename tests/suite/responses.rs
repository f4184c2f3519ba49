//! Responses to events with a kernel that ends: `convolve(exc, KERNEL, over = TIME)`.

use crate::checkpoint::{All, bits, run as run_keeping};
use crate::support::{events, measured, near, program, run, run_failing, same_everywhere, trace, try_program};
use neuro::experiment::Settings;

/// Cells that respond to random events along several delays, to their own and to counted ones, and whose responses are used everywhere.
fn responding(precision: &str, scheme: &str) -> String {
    format!(
        "
neuron Source {{ emit spike count ~ poisson(60 Hz * dt) }}
neuron Cell {{
    param tau = 2 ms, gain = 1
    event input exc: mV
    event input inh: mV
    state v = 0 mV
    let rise = convolve(exc, gain * age / tau * exp(1 - age / tau), over = 3 ms)
    let sag = convolve(inh, 1 - age / 1 ms, over = 1 ms)
    let tired = convolve(spike, exp(-age / 1 ms), over = 2 ms)
    let long = convolve(exc, 1, over = 3.5 ms)
    let recent = mean(rise, over = all, last = 1 ms)
    v' = (rise - sag - v) / 5 ms
    emit spike when rise > 0.3 mV + tired * 1 mV
    {scheme}
}}
synapse Rule {{
    weight w: mV
    on pre.spike {{ deliver w }}
    on learn {{ w += 0.1 * (post.rise - post.recent) }}
}}
synapse Hebb {{
    weight w: mV
    on pre.spike {{ deliver w }}
    on post.spike {{ w += 0.001 * post.rise }}
}}
synapse Plain {{ weight w: mV  on pre.spike {{ deliver w }} }}
network Net {{
    population source: Source[40]
    population cell: Cell[3]
    view few = source[0 .. 3]
    init cell.tau = 1 ms + 0.5 ms * i
    projection p: source -> cell.exc: Plain {{ connect all_to_all  weight 0.02 mV * (1 + post.i)  delay 0.1 ms * (1 + mod(pre.i, 4)) }}
    projection q: few -> cell.inh: Plain {{ connect one_to_one  weight 0.1 mV  delay 0.5 ms }}
}}
network Learning {{
    population source: Cell[8]
    population cell: Cell[3]
    init source.tau = 1 ms + 0.1 ms * i
    projection r: source -> cell.exc: Rule {{ connect all_to_all  weight 0.1 mV  delay 0.3 ms }}
    projection h: source -> cell.exc: Hebb {{ connect all_to_all  weight 0.1 mV  delay 0.2 ms }}
    drive source.exc {{ poisson 400 Hz  weight 0.3 mV }}
}}
experiment e {{
    dt 0.1 ms
    precision {precision}
    network net = Net()
    record net.source.spike as sources
    record net.cell.spike as cells
    record net.cell.rise every 0.1 ms as rise
    record net.cell.sag every 0.1 ms as sag
    record net.cell.tired every 0.1 ms as tired
    record net.cell.long every 0.1 ms as long
    record net.cell.v every 0.1 ms as v
    measure at_first = net.cell.rise / 1 mV
    window all {{ run 40 ms }}
    measure now = net.cell.rise / 1 mV
    measure recent = net.cell.recent / 1 mV
    measure potential = net.cell.v / 1 mV
    network other = Learning()
    record other.cell.v every 1 ms as second
    for turn in 1 .. 3 {{
        window all {{ run 20 ms }}
        signal learn
        measure taught = other.r.w / 1 mV
        measure paired = other.h.w / 1 mV
    }}
}}
"
    )
}

#[test]
fn what_cells_make_of_the_last_events_is_the_sum_of_a_kernel() {
    for (precision, tolerance) in [("f64", 1e-12), ("f32", 1e-6)] {
        let out = run(&responding(precision, "scheme euler for v"));
        let steps = 400;
        let arrivals = |name: &str, n: usize| {
            let mut counts = vec![vec![0.0; n]; steps + 1];
            let (times, cells) = events(&out, name);
            let here = times.iter().zip(cells).map(|(t, c)| ((t / 0.1).round() as usize, c as usize));
            here.filter(|(step, _)| *step <= steps).for_each(|(step, c)| counts[step][c] += 1.0);
            counts
        };
        let (sources, cells) = (arrivals("sources", 40), arrivals("cells", 3));
        assert!(sources.iter().flatten().any(|n| *n > 1.0) || sources.iter().flatten().sum::<f64>() > 50.0);
        assert!(cells.iter().flatten().sum::<f64>() > 5.0);
        let values = |name: &str| trace(&out, name).1[3..3 * (steps + 1)].to_vec();
        let past = |step: usize, age: usize, delay: usize| (step).checked_sub(age + delay);
        let (mut rise, mut sag, mut tired, mut long, mut v) = (vec![], vec![], vec![], vec![], vec![0.0; 3]);
        for step in 1..=steps {
            for cell in 0..3 {
                let tau = 1.0 + 0.5 * cell as f64;
                let sum = |ages: usize, of: &dyn Fn(f64, usize) -> f64| {
                    (0..ages).map(|age| of(age as f64 * 0.1, age)).sum::<f64>()
                };
                let excitation = |age: usize| {
                    let of = |source: usize| past(step, age, 1 + source % 4).map_or(0.0, |s| sources[s][source]);
                    (0..40).map(of).sum::<f64>() * 0.02 * (1.0 + cell as f64)
                };
                rise.push(sum(30, &|t, age| t / tau * (1.0 - t / tau).exp() * excitation(age)));
                long.push(sum(35, &|_, age| excitation(age)));
                sag.push(sum(10, &|t, age| (1.0 - t) * past(step, age, 5).map_or(0.0, |s| sources[s][cell] * 0.1)));
                tired.push(sum(20, &|t, age| (-t).exp() * past(step, age, 0).map_or(0.0, |s| cells[s][cell])));
            }
        }
        for step in 0..steps {
            for cell in 0..3 {
                let (before, at) = (v[step * 3 + cell], step.checked_sub(1).map(|s| s * 3 + cell));
                v.push(before + 0.1 * (at.map_or(0.0, |k| rise[k] - sag[k]) - before) / 5.0);
            }
        }
        near(&values("rise"), &rise, tolerance);
        near(&values("sag"), &sag, tolerance);
        near(&values("tired"), &tired, tolerance);
        near(&values("long"), &long, tolerance);
        near(&values("v"), &v[3..], tolerance);
        near(&measured(&out, "at_first"), &[0.0; 3], 0.0);
        near(&measured(&out, "now"), &rise[rise.len() - 3..], tolerance);
        let mean = |cell: usize| (390..400).map(|step| rise[step * 3 + cell]).sum::<f64>() / 10.0;
        near(&measured(&out, "recent"), &[mean(0), mean(1), mean(2)], tolerance);
    }
}

#[test]
fn responses_have_the_same_bits_everywhere_and_after_checkpoints() {
    for precision in ["f64", "f32"] {
        for scheme in ["", "scheme euler for v", "scheme heun", "scheme rk45(1e-6)"] {
            let p = program(&responding(precision, scheme));
            let names = ["now", "recent", "potential", "taught", "paired"];
            let found = same_everywhere(&p, &Settings::default(), &names);
            assert!(found.iter().all(|x| x.is_finite()) && found.iter().any(|x| *x != 0.0));
        }
    }
    let p = program(&responding("f32", "scheme euler for v"));
    let all = All::default();
    let whole = bits(&run_keeping(&p, &all, None, 1));
    let files = all.kept();
    assert!(files.len() >= 4, "{} checkpoints", files.len());
    for (k, file) in files.into_iter().enumerate() {
        assert!(whole == bits(&run_keeping(&p, &All::default(), Some(file), 1 + k % 2)), "from checkpoint {k}");
    }
}

#[test]
fn kernels_that_cannot_be_are_refused() {
    let model = |declaration: &str| {
        format!(
            "neuron Cell {{ param tau = 1 ms  event input exc: mV  {declaration}  emit spike when x > 1e9 mV }}
             network Net {{ population cell: Cell[2] }}
             experiment e {{ dt 0.1 ms  network net = Net()  run 1 ms }}"
        )
    };
    let checked = |declaration: &str| {
        let Err(refused) = try_program(&model(declaration)) else { panic!("{declaration} is not refused") };
        refused.diagnostics.iter().map(|d| format!("{} {}", d.code, d.message)).collect::<Vec<_>>().join("; ")
    };
    for (declaration, says) in [
        ("let x = convolve(exc, exp(-t / tau), over = 1 ms)", "E0401 a kernel does not depend on `t`"),
        ("let x = convolve(exc, exp(-age / tau))", "E0401 `convolve` takes an input or an event, a kernel"),
        ("let x = convolve(tau, exp(-age / tau), over = 1 ms) * 1 mV", "E0401 `convolve` is of an event input"),
        ("let age = 2 ms  let x = convolve(exc, exp(-age / tau), over = 1 ms)", "E0401 in a kernel `age` is the time"),
        ("let x = convolve(exc, exp(-age), over = 1 ms)", "E0304"),
        ("let x = convolve(exc, exp(-age / tau), over = 1 mV)", "E0310"),
        ("let x = convolve(exc, since(spike) / age, over = 1 ms)", "E0401 `convolve` has a kernel without events"),
        ("state x = convolve(exc, 1, over = 1 ms)", "E0208"),
        (
            "let x = convolve(exc, 1, over = 10 * tau)",
            "E0401 `convolve` has a kernel whose length is a positive constant",
        ),
    ] {
        let found = checked(declaration);
        assert!(found.contains(says), "{declaration}: {found}");
    }
    let ran = |declaration: &str| run_failing(&model(declaration)).message;
    assert_eq!(
        ran("let x = convolve(exc, 1, over = 0.25 ms)"),
        "a kernel of 0.25 ms, in steps of 0.1 ms, has no whole number of steps"
    );
    assert_eq!(
        ran("let x = convolve(exc, 1, over = 100 ms)"),
        "a kernel of 1000 steps, at most 512 are kept; a state with an equation has no end"
    );
}

#[test]
fn several_emissions_of_a_step_are_counted_and_a_reset_forgets() {
    let out = run("
neuron Counted {
    state k = 1
    let own = convolve(spike, 1, over = 9 ms)
    emit spike count ~ poisson(3) when k > 0.5
    emit spike count ~ poisson(3) when k > 0.5
}
neuron Plain {
    state k = 1
    let own = convolve(spike, 1, over = 9 ms)
    emit spike when k > 0.5
    emit spike when k > 0.2
}
neuron Hearing { event input exc: 1  let x = convolve(exc, 1, over = 9 ms)  emit spike when x > 1e9 }
network Net { population a: Counted[4]  population b: Plain[4]  population c: Hearing[4] }
experiment e {
    dt 1 ms
    network net = Net()
    drive net.c.exc { spikes [2 ms]  weight 3  delay 1 ms }
    record (net.a.spike, net.b.spike)
    run 4 ms
    measure counted = sum(net.a.own) - count(net.a.spike)
    measure some = count(net.a.spike)
    measure plain = sum(net.b.own) - count(net.b.spike)
    measure heard = net.c.x
    reset net.c[1 .. 3]
    reset net.b
    measure after = net.c.x
    measure none = sum(net.b.own)
}
");
    assert_eq!(measured(&out, "counted"), [0.0]);
    assert!(measured(&out, "some")[0] > 20.0);
    assert_eq!(measured(&out, "plain"), [0.0]);
    assert_eq!(measured(&out, "heard"), [3.0; 4]);
    assert_eq!(measured(&out, "after"), [3.0, 0.0, 0.0, 3.0]);
    assert_eq!(measured(&out, "none"), [0.0]);
}
