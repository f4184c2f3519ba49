//! Schemes converge with their order; semantics in closed form; files and overrides.

use crate::support::{events, program, root, run, run_with, trace};
use neuro::diag::Code;
use neuro::experiment::{Override, Settings};

/// The error at t = 8 ms of a nonlinear oscillator with a known solution path (by a much smaller step).
fn oscillator(scheme: &str, dt_us: u32) -> f64 {
    let out = run(&format!(
        "neuron Pendulum {{
            state x = 1
            state y = 0
            x' = y / 1 ms
            y' = -sin(x) / 1 ms
            scheme {scheme}
        }}
        network Net {{ population cell: Pendulum[1] }}
        experiment e {{
            precision f64
            dt {} ms
            network net = Net()
            record net.cell.x every 8 ms as x
            run 8 ms
        }}",
        f64::from(dt_us) / 1000.0
    ));
    *trace(&out, "x").1.last().unwrap()
}

#[test]
fn schemes_converge_with_their_order() {
    let truth = oscillator("rk4", 2);
    for (scheme, order) in [("euler", 1.0), ("heun", 2.0), ("rk4", 4.0)] {
        let (coarse, fine) = ((oscillator(scheme, 80) - truth).abs(), (oscillator(scheme, 40) - truth).abs());
        let found = (coarse / fine).log2();
        assert!((found - order).abs() < 0.25, "{scheme}: order {found:.2}");
    }
    assert!((oscillator("rk45(1e-10)", 1000) - truth).abs() < 1e-7);
}

#[test]
fn a_scheme_can_be_asked_for_single_states() {
    let out = run("neuron Two {
            state a = 1
            state b = 1
            a' = -a / 2 ms
            b' = -b / 2 ms
            scheme euler for a
        }
        network Net { population cell: Two[1] }
        experiment e {
            precision f64
            dt 1 ms
            network net = Net()
            record net.cell.a every 1 ms as a
            record net.cell.b every 1 ms as b
            run 1 ms
        }");
    assert_eq!(*trace(&out, "a").1.last().unwrap(), 0.5);
    assert!((trace(&out, "b").1.last().unwrap() - (-0.5f64).exp()).abs() < 1e-15);
    let together = crate::support::try_program("neuron A { state v = 1  v' = -v / 1 ms  scheme rk4 for v }");
    let codes: Vec<Code> = together.err().map(|r| r.diagnostics.iter().map(|d| d.code).collect()).unwrap_or_default();
    assert_eq!(codes, [Code::E0504]);
}

#[test]
fn exponential_euler_is_of_first_order_and_exact_alone() {
    let decay = |dt: &str| {
        let out = run(&format!(
            "neuron Gate {{ state m = 0  m' = (0.7 - m) / 3 ms  scheme exponential_euler }}
            network Net {{ population cell: Gate[1] }}
            experiment e {{ precision f64  dt {dt}  network net = Net()  record net.cell.m every 6 ms as m  run 6 ms }}"
        ));
        *trace(&out, "m").1.last().unwrap()
    };
    let exact = 0.7 * (1.0 - (-2.0f64).exp());
    assert!((decay("1 ms") - exact).abs() < 1e-14);
    let coupled = |dt: &str| {
        let out = run(&format!(
            "neuron Two {{ state a = 1  state b = 0  a' = -a * (1 + b) / 1 ms  b' = (a - b) / 2 ms }}
            network Net {{ population cell: Two[1] }}
            experiment e {{ precision f64  dt {dt}  network net = Net()  record net.cell.b every 4 ms as b  run 4 ms }}"
        ));
        *trace(&out, "b").1.last().unwrap()
    };
    let truth = coupled("0.0005 ms");
    let order = ((coupled("0.1 ms") - truth).abs() / (coupled("0.05 ms") - truth).abs()).log2();
    assert!((order - 1.0).abs() < 0.15, "{order}");
}

#[test]
fn stochastic_schemes_have_the_right_stationary_variance() {
    // Ornstein-Uhlenbeck: variance sigma^2 tau / 2 = 4.5 for sigma = 3/sqrt(ms), tau = 1 ms ... 4000 cells.
    for scheme in ["euler", "heun"] {
        let out = run(&format!(
            "neuron Ou {{ param sigma = 3 / sqrt(1 ms)  state x = 0  x' = -x / 1 ms + sigma * xi  scheme {scheme} }}
            network Net {{ population cell: Ou[4000] }}
            experiment e {{ dt 0.01 ms  network net = Net()  run 8 ms  measure v = variance(net.cell.x)  measure m = mean(net.cell.x) }}"
        ));
        let v = out.measures["v"][0].data[0];
        // Five standard errors of a variance over 4000 cells, and the scheme's own bias of dt / (2 tau).
        assert!((v - 4.5).abs() < 5.0 * 4.5 * (2.0f64 / 4000.0).sqrt() + 4.5 * 0.005, "{scheme}: {v}");
        assert!(out.measures["m"][0].data[0].abs() < 5.0 * (4.5f64 / 4000.0).sqrt());
    }
}

#[test]
fn refractoriness_is_exact_to_the_step() {
    let out = run("neuron Fast {
            state v = 0
            v' = 1000 / 1 ms
            emit spike when v > 1 { v = 0  hold v for 2 ms }
        }
        neuron Muted {
            state v = 0
            v' = 1000 / 1 ms
            emit spike when v > 1 { mute spike for 2 ms }
        }
        network Net { population a: Fast[1]  population b: Muted[1] }
        experiment e { precision f64  network net = Net()  record (net.a.spike, net.b.spike)  run 10 ms }");
    for name in ["a.spike", "b.spike"] {
        let (t, _) = events(&out, name);
        // Held for 20 steps, the first free one fires: 21 steps apart.
        for w in t.windows(2) {
            assert!((w[1] - w[0] - 2.1).abs() < 1e-9, "{name}: {t:?}");
        }
        assert_eq!(t.len(), 5);
    }
}

#[test]
fn an_event_arrives_after_its_delay() {
    let out = run("neuron Sink { event input exc: 1  state n = 0  n' = exc }
        network Net {
            population source: Relay[1]
            population sink: Sink[1]
            drive source.in_ { spikes [5 ms]  weight 1  delay 0.1 ms }
            projection source -> sink.exc: Static { connect one_to_one  weight 3  delay 1.8 ms }
        }
        experiment e { precision f64  network net = Net()  record net.source.spike  record net.sink.n every 0.1 ms as n  run 10 ms }");
    let spike = events(&out, "source.spike").0[0];
    let (t, n) = trace(&out, "n");
    let arrival = t[n.iter().position(|v| *v > 0.0).unwrap()];
    assert!((arrival - spike - 1.8).abs() < 1e-9, "{spike} {arrival}");
    assert_eq!(*n.last().unwrap(), 3.0);
}

#[test]
fn passes_of_several_steps_change_nothing() {
    // The delay alone decides how many steps run per pass; an extra recording cuts them to one.
    let text = |record: &str| {
        format!(
            "use std.neurons.lif
            network Net {{
                population cell: LifExp[50]
                projection cell -> cell.exc: Static {{ connect fixed_probability(0.3)  weight 200 pA  delay 1.5 ms }}
                drive cell.exc {{ poisson 3000 Hz  weight 80 pA }}
            }}
            experiment e {{ network net = Net()  record net.cell.spike  {record}  run 200 ms }}"
        )
    };
    let (a, b) = (run(&text("")), run(&text("record net.cell.v every 0.1 ms as v")));
    assert_eq!(events(&a, "cell.spike"), events(&b, "cell.spike"));
    assert!(events(&a, "cell.spike").0.len() > 100);
}

fn overridden(path: &str, value: &str) -> neuro::experiment::Outcome {
    let p = program(
        "use std.neurons.lif
        network Net(n: int = 3) { population cell: LifExp[n] }
        experiment e(current = 500 pA) {
            network net = Net()
            net.cell.I = current
            record net.cell.spike
            run 100 ms
            measure count_all = count(net.cell.spike)
        }",
    );
    let overrides = vec![Override { path: path.into(), value: value.into() }];
    run_with(&p, 0, Settings { overrides, ..Settings::default() }, &root())
}

#[test]
fn overrides_are_checked_with_their_units() {
    let count = |path, value| overridden(path, value).measures["count_all"][0].data[0];
    let base = count("seed", "1");
    assert!(count("current", "1nA") > base);
    assert_eq!(count("net.n", "6"), 2.0 * base);
    assert!(count("net.cell.t_ref", "20 ms") < base);
    let code = |path, value| overridden(path, value).failure.map(|d| d.code);
    assert_eq!(code("current", "5 mV"), Some(Code::E0805));
    assert_eq!(code("net.cell.t_ref", "20 mV"), Some(Code::E0805));
    assert_eq!(code("curent", "5 pA"), Some(Code::E0804));
    assert_eq!(code("net.cell.tau_x", "5 ms"), Some(Code::E0804));
    assert_eq!(code("current", "5 qq"), Some(Code::E0805));
}

#[test]
fn edges_from_a_file_name_their_cells() {
    let text = |missing: &str| {
        format!(
            "neuron A {{ event input exc: 1  state n = 0  n' = exc  emit spike when n > 1 }}
            network Net {{
                population a: A[3]
                projection link: a -> a.exc: Static {{ connect from \"edges.csv\"(pre = \"from\", post = \"to\", weight = 0.5 * strength{missing})  delay 1 ms }}
            }}
            experiment e {{
                network net = Net()
                run 1 ms
                measure n = n_synapses(net.link)
                measure w = sum(weights(net.link))
                measure d = out_degrees(net.link)
            }}"
        )
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("edges.csv"), "from,to,strength\n0,1,2\n 1 ,2,4\n2,9,6").unwrap();
    let failed = run_with(&program(&text("")), 0, Settings::default(), folder.path());
    let d = failed.failure.expect("an edge without a cell");
    assert_eq!(d.code, Code::E0609);
    assert!(d.message.contains("line 4"), "{}", d.message);
    let ok = run_with(&program(&text(", missing = \"skip\"")), 0, Settings::default(), folder.path());
    assert!(ok.failure.is_none());
    assert_eq!(ok.measures["n"][0].data[0], 2.0);
    assert_eq!(ok.measures["w"][0].data[0], 3.0);
    std::fs::write(folder.path().join("edges.csv"), "from,to,strength\n0,1,much\n").unwrap();
    let bad = run_with(&program(&text("")), 0, Settings::default(), folder.path());
    assert!(bad.failure.is_some());
}

#[test]
fn networks_choose_among_several() {
    let out = run("
neuron Cell { state x = 0 }
network Net(k = 0) {
    if k == 0 { population a: Cell[1] }
    else if k == 1 { population a: Cell[2] }
    else if k == 2 { population a: Cell[3] }
    else { population a: Cell[4] }
}
experiment e {
    for k in 0 .. 3 {
        network net = Net(k = k)
        measure n = net.a.n
    }
}
");
    assert_eq!(
        out.measures["n"].iter().flat_map(|q| q.data.iter().copied()).collect::<Vec<f64>>(),
        [1.0, 2.0, 3.0, 4.0]
    );
}

#[test]
fn a_current_from_which_nothing_follows_is_refused() {
    let text = "neuron Cell { compartment soma { param g = 10 nS   state v = -60 mV   current = g * (v + 70 mV) }   emit spike when soma.v > 0 mV }
                network Net { population a: Cell[1] }   experiment e { network net = Net()   run 1 ms }";
    let Err(refused) = crate::support::try_program(text) else { panic!("accepted") };
    let found: Vec<String> = refused.diagnostics.iter().map(|d| d.message.clone()).collect();
    assert_eq!(found, ["`soma` has a current but neither length nor diameter"]);
}

#[test]
fn inputs_that_follow_time_are_read_as_they_are_now() {
    for (cells, expected) in [("net.cell[1]", [0.0, 5.0, 0.0]), ("net.cell", [5.0, 5.0, 5.0])] {
        let out = run(&format!(
            "
neuron Cell {{ input I: 1 = 0   state v = 0   let y = 2 * I   v' = I / 1 ms   emit spike when v > 1e9 }}
network Net {{ population cell: Cell[3] }}
experiment e {{
    dt 1 ms
    network net = Net()
    {cells}.I = t / 1 ms
    run 5 ms
    measure y = net.cell.y / 2
}}
"
        ));
        assert_eq!(out.measures["y"].iter().flat_map(|q| q.data.iter().copied()).collect::<Vec<f64>>(), expected);
    }
}

/// Lets that double in number where they are written out.
#[test]
fn signals_do_not_write_out_what_they_do_not_change() {
    let lets: String = (1..60).map(|k| format!("let a{k} = a{} + 0.5 * a{}  ", k - 1, k - 1)).collect();
    let out = run(&format!(
        "
neuron Cell {{ state v = 0.5   state w = 0   let a0 = v   {lets} emit spike when v > 1e9   on learn {{ w = a59 }} }}
network Net {{ population cell: Cell[2] }}
experiment e {{ precision f64   network net = Net()   signal learn   measure w = net.cell.w[0] }}
"
    ));
    let w = out.measures["w"][0].data[0];
    assert!((w / (0.5 * 1.5f64.powi(59)) - 1.0).abs() < 1e-12, "{w}");
}
