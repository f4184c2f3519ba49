//! Every kind of population sees every kind of input and parameter: on the grid, adaptive, and cables.

use crate::support::{run, run_failing};
use neuro::diag::Code;

/// Runs an experiment and requires all that it expects.
fn holds(text: &str) {
    let out = run(text);
    assert!(!out.expectations.is_empty());
    for e in &out.expectations {
        assert!(e.passed, "{}: found {}\n{text}", &text[e.span.start as usize..e.span.end as usize], e.found);
    }
}

/// The same cell under three schemes; `in` is sampled at the beginning of each step of 0.1 ms.
fn leaky(scheme: &str) -> String {
    format!(
        "neuron R {{ param k = 1 / 1 ms  input I: 1/ms = 0 / 1 ms  state x = 1  x' = -k * x + I  scheme {scheme} }}
        network Net {{ population a: R[3]  init a.k = 0.1 / 1 ms * (1 + i) }}"
    )
}

#[test]
fn parameters_of_each_cell_and_functions_of_time_reach_every_scheme() {
    for scheme in ["exact", "rk4", "rk45(1e-9)"] {
        holds(&format!(
            "{}
            experiment e {{
                precision f64
                network net = Net()
                net.a.I = 1 / 1 ms * heaviside(t / 1 ms - 5)
                run 5 ms
                expect net.a[0].x == exp(-0.5) within 1e-6
                expect net.a[2].x == exp(-1.5) within 1e-6
                run 5 ms
                expect net.a[0].x == exp(-1) + (1 - exp(-0.5)) / 0.1 within 1e-6
                expect net.a[2].x == exp(-3) + (1 - exp(-1.5)) / 0.3 within 1e-6
                net.a[2].k = 0.2 / 1 ms
                net.a.I = 0 / 1 ms
                run 5 ms
                expect net.a[2].x == exp(-1) * (exp(-3) + (1 - exp(-1.5)) / 0.3) within 1e-6
            }}",
            leaky(scheme)
        ));
    }
}

#[test]
fn continuous_synapses_reach_every_scheme() {
    for scheme in ["exact", "rk4", "rk45(1e-9)"] {
        holds(&format!(
            "synapse Pull {{ weight w: 1/ms  deliver w * (pre.x - post.x) }}
            {}
            network Pair {{
                population a: R(k = 0 / 1 ms)[2]
                init a.x = i
                projection a -> a.I: Pull() {{ connect where pre.i != post.i  weight 0.5 / 1 ms }}
            }}
            experiment e {{
                precision f64
                dt 0.001 ms
                network net = Pair()
                run 2 ms
                expect net.a[0].x + net.a[1].x == 1 within 1e-9
                expect net.a[1].x - net.a[0].x == exp(-2) within 1e-3
            }}",
            leaky(scheme)
        ));
    }
}

#[test]
fn time_within_an_adaptive_step_moves() {
    holds(
        "neuron Clock { state x = 0  x' = cos(t / 1 ms) / 1 ms  scheme rk45(1e-9) }
        network Net { population a: Clock[1] }
        experiment e { precision f64  dt 1 ms  network net = Net()  run 3 ms  expect net.a.x == sin(3) within 1e-7 }",
    );
}

#[test]
fn an_adaptive_cell_rests_while_it_is_held() {
    holds(
        "neuron Lif {
            state v = 0  v' = 2 / 1 ms - v / 10 ms  scheme rk45(1e-6)
            emit spike when v > 1 { v = 0  hold v for 2 ms }
        }
        network Net { population a: Lif[1] }
        experiment e {
            precision f64
            network net = Net()
            record net.a.spike as spikes
            run 0.6 ms
            expect count(spikes) == 1 and net.a.v == 0
            run 1.9 ms
            expect net.a.v == 0
            run 0.2 ms
            expect net.a.v in 0.15 .. 0.25
        }",
    );
}

/// A passive soma of 100 pF with g = 10 nS (tau 10 ms), in two cells, of which the second leaks twice as much.
const CABLE: &str = "
    neuron Passive {
        param g = 1e-3 nS/um^2
        compartment soma[1] {
            length 100 um  diameter 100 um / 3.14159265358979
            param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
            state v = 0 mV
            current = g * v
            input I: pA = 0 pA
        }
    }
    network Net { population a: Passive[2]  init a.g = 1e-3 nS/um^2 * (1 + i) }";

#[test]
fn cables_have_parameters_per_cell_and_follow_functions_of_time() {
    holds(&format!(
        "{CABLE}
        experiment e {{
            precision f64
            dt 0.001 ms
            network net = Net()
            net.a.soma.I = 100 pA * heaviside(t / 1 ms - 10)
            run 10 ms
            expect net.a[0].soma.v == 0 mV
            run 10 ms
            expect net.a[0].soma.v == 10 mV * (1 - exp(-1)) within 0.01 mV
            expect net.a[1].soma.v == 5 mV * (1 - exp(-2)) within 0.01 mV
            net.a.soma.I = 0 pA
            net.a.g = 4e-3 nS/um^2
            let before = net.a[0].soma.v
            run 10 ms
            expect net.a[0].soma.v == before * exp(-4) within 0.02 mV
        }}"
    ));
}

#[test]
fn gap_junctions_couple_cables() {
    holds(&format!(
        "synapse Gap {{ weight g: nS  deliver g * (pre.soma.v - post.soma.v) }}
        {CABLE}
        network Pair {{
            population a: Passive(g = 0 nS/um^2)[2]
            init a.soma.v = 10 mV * i
            projection a -> a.soma.I: Gap() {{ connect where pre.i != post.i  weight 5 nS }}
        }}
        experiment e {{
            precision f64
            dt 0.001 ms
            network net = Pair()
            run 10 ms
            expect net.a[0].soma.v + net.a[1].soma.v == 10 mV within 1e-6 mV
            expect net.a[1].soma.v - net.a[0].soma.v == 10 mV * exp(-1) within 0.01 mV
        }}"
    ));
}

#[test]
fn segments_are_set_and_read_one_by_one() {
    let cable = "
        neuron Rod {
            compartment dend[4] {
                length 100 um  diameter 1 um
                param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
                state v = -65 mV
                current = 0 nS/um^2 * v
            }
        }
        network Net { population a: Rod[2] }";
    holds(&format!(
        "{cable}
        experiment e {{
            precision f64
            network net = Net()
            net.a[1].dend[2].v = -10 mV
            expect net.a[1].dend[2].v == -10 mV and net.a[1].dend[1].v == -65 mV
            run 0.1 ms
            expect net.a[0].dend[2].v == -65 mV within 1e-9 mV
            expect net.a[1].dend[2].v < -10 mV and net.a[1].dend[3].v > -65 mV
            net.a[0].dend[3].v = 0 mV
            expect net.a[0].dend[3].v == 0 mV and net.a[0].dend[2].v < -60 mV
        }}"
    ));
}

#[test]
fn a_rate_that_varies_does_not_depend_on_what_is_recorded() {
    let network = "
        neuron Sum { event input e: 1  state x = 0  x' = 0 / 1 s + e }
        network Net { population a: Sum[50]  drive a.e { poisson 1000 Hz * (1 + sin(t / 1 ms))  weight 1 } }";
    let total = |record: &str| {
        let out = run(&format!(
            "{network} experiment e {{ network net = Net() {record} run 20 ms  measure x = sum(net.a.x) }}"
        ));
        out.measures["x"][0].data[0]
    };
    let alone = total("");
    assert!(alone > 500.0);
    assert_eq!(alone, total("record net.a.x every 0.1 ms as x"));
    assert_eq!(alone, total("record net.a.x every 0.7 ms as x"));
}

#[test]
fn what_cables_and_adaptive_schemes_lack_is_refused() {
    let rod = "
        neuron Rod {
            param n = 3
            compartment dend[n] {
                length 100 um  diameter 1 um
                param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
                input I: pA = 0 pA
                state v = -65 mV
                current = 0 nS/um^2 * v
            }
        }";
    let codes = |text: &str| match crate::support::try_program(text) {
        Ok(_) => Vec::new(),
        Err(r) => r.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(),
    };
    let gap = "synapse Gap { weight g: nS  deliver g * (pre.dend.v - 0 mV) }";
    let net = "network Net { population a: Rod[2]  projection a -> a.dend.I: Gap { connect all_to_all } }";
    assert_eq!(codes(&format!("{rod} {gap} {net}")), [Code::E0106]);
    let since = "neuron C {
        state x = 0  x' = 1 / 1 s * since(spike) / 1 ms  scheme rk45(1e-6)
        emit spike when x > 1 { x = 0 }
    }";
    assert_eq!(codes(since), [Code::E0504]);
    let run = |body: &str| {
        let text =
            format!("{rod} network Net {{ population a: Rod[2] }} experiment e {{ network net = Net() {body} }}");
        run_failing(&text).message
    };
    assert!(run("run 1 ms  net.a.n = 5  run 1 ms").contains("cannot change once"));
    assert!(run("net.a.n = 2.5  run 1 ms").contains("2.5 segments"));
    assert!(run("net.a[0].n = 2  run 1 ms  measure v = net.a.dend.v").contains("different numbers of segments"));
}

#[test]
fn a_value_that_is_not_finite_is_found_in_every_cell() {
    for precision in ["f32", "f64"] {
        for cell in 0..5 {
            let failure = run_failing(&format!(
                "neuron R {{ param k = 0 / 1 ms  state x = 1  x' = k * x^3 }}
                network Net {{ population a: R[5]  init a[{cell}].k = 1e6 / 1 ms }}
                experiment e {{ precision {precision}  network net = Net()  run 1 s }}"
            ));
            assert_eq!(failure.code, Code::E0801);
            assert!(failure.message.contains(&format!("x[{cell}]")), "{}", failure.message);
        }
    }
}

/// A rate that is no number, or of more events than can be drawn, ends the run with its place: it must not be waited for.
#[test]
fn rates_that_cannot_be_are_refused_whenever_they_come() {
    for (rate, said) in [
        ("if t < 1 ms then 10 Hz else 10 Hz / (k - 1)", "this rate becomes inf Hz"),
        ("if t < 1 ms then 10 Hz else 10 Hz * sqrt(k - 1 - i)", "not a number"),
        (
            "if i < 1 then samples([10 Hz, 20 Hz], every = 1 ms) else samples([10 Hz], every = 1 ms)",
            "index 1 of 1 elements",
        ),
        ("10 Hz * exp(t / 0.1 ms)", "this rate becomes"),
        ("1e12 Hz", "at most a million events per step"),
        ("if i == 0 then 1e12 Hz else 1 Hz", "at most a million events per step"),
    ] {
        let d = run_failing(&format!(
            "neuron C {{ event input e: 1   state g = 0  g' = -g / 2 ms + e }}
network Net(k = 1) {{ population a: C[3]  drive a.e {{ poisson {rate}   weight 1 }} }}
experiment e {{ dt 0.1 ms   network net = Net()   run 20 ms }}"
        ));
        assert!(d.message.contains(said) && d.span().is_some(), "{rate}: {}", d.message);
    }
}
