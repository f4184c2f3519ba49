//! Populations without cells, as layers that an area does not have.

use crate::support::{measured, program, run, run_failing, same_everywhere};
use neuro::diag::Code;
use neuro::experiment::Settings;

/// A network one of whose populations has `n` cells, beside others that it reaches in every way.
fn text(n: usize, of: &str) -> String {
    format!(
        "
neuron Adaptive {{ event input exc: 1  input I: 1 = 0  state v = 0  v' = (I - v) / 5 ms + exc  scheme rk45(1e-6)  emit spike when v > 1 {{ v = 0 }} }}
neuron Noisy {{ event input exc: 1  input I: 1 = 0  noise xi  state v = 0  v' = (I - v) / 5 ms + exc + xi / sqrt(1 ms)  scheme euler  emit spike when v > 1 {{ v = 0 }} }}
neuron Hears {{ event input exc: 1  input I: 1 = 0  state v = 0  v' = (I - v) / 5 ms + exc  let m = mean(v, over = look)  state kept per example = 0  emit spike when v > 1 {{ v = 0 }}  on tell {{ kept += m + uniform(0, 1) }} }}
neuron Counts {{ event input exc: 1  input I: 1 = 0  state v = 0  v' = (I - v) / 5 ms + exc  emit spike count ~ poisson(0.1 + I) }}
neuron Draws {{ event input exc: 1  input I: 1 = 0  state v = 0  v' = exc  emit spike when random() < 0.1 }}
synapse Learns {{ weight w: 1  on pre.spike {{ deliver w  w += 0.1 }}  on post.spike {{ w *= 0.9 }}  on tell {{ w += 0.5 }} }}
synapse Along {{ weight w: 1  deliver w * pre.v }}
network Net {{
    population area: {of}[{n}]
    population other: {of}[3]
    projection a: area -> other.exc: Static {{ connect all_to_all  weight 0.5  delay 1 ms }}
    projection b: other -> area.exc: Static {{ connect fixed_probability(0.5)  weight ~ uniform(0, 1)  delay ~ uniform(1 ms, 3 ms) }}
    projection c: area -> other.exc: Learns {{ connect all_to_all  weight 0.5  delay 1 ms }}
    projection d: other -> area.exc: Learns {{ connect where pre.i > 0  weight 0.5  delay 1 ms }}
    projection e: area -> area.exc: Static {{ connect one_to_one  weight 0.5  delay 1 ms }}
    projection f: area -> other.I: Along {{ connect all_to_all  weight 0.1 }}
    projection g: other -> area.I: Along {{ connect all_to_all  weight 0.1 }}
    projection h: other -> area.exc: Static {{ connect fixed_out_degree({n})  weight 0.5  delay 1 ms  }}
    init area.v ~ uniform(0, 1)
    drive area.exc {{ poisson 100 Hz  weight 1 }}
    drive other.exc {{ poisson 100 Hz  weight 1 }}
    drive area.exc {{ spikes [1 ms, 2 ms]  weight 1 }}
}}
experiment e {{
    network net = Net()
    record (net.area.spike, net.other.spike)
    record net.area.v every 1 ms as trace
    net.area.I = 0.5
    net.area.I = 0.1 * sin(t / 1 ms)
    window look {{ run 20 ms }}
    signal tell
    net.area.v = 0.25
    net.area.v *= 2
    reset net.area
    run 20 ms
    measure n = net.area.n
    measure spikes = count(net.other.spike)
    measure none = count(net.area.spike)
    measure v = net.other.v
    measure synapses = [n_synapses(net.a), n_synapses(net.b), n_synapses(net.c), n_synapses(net.e)]
    measure length = len(net.area.v) + len(weights(net.c)) + len(matrix(net.c))
    plot \"Both\" net.area.spike, net.other.spike
    plot \"Trace\" trace
}}
"
    )
}

#[test]
fn a_population_may_have_no_cells() {
    for of in ["Adaptive", "Noisy", "Hears", "Counts", "Draws"] {
        for precision in ["f32", "f64"] {
            let text =
                text(0, of).replace("network net = Net()", &format!("precision {precision}\n network net = Net()"));
            let text = text.replace("fixed_out_degree(0)", "fixed_probability(1)");
            // Several events at once do not reach synapses that learn.
            let text =
                if of == "Counts" { text.replace(": Learns", ": Static").replace("signal tell", "") } else { text };
            let out = run(&text);
            assert_eq!(measured(&out, "n"), [0.0], "{of}");
            assert_eq!(measured(&out, "none"), [0.0], "{of}");
            assert_eq!(measured(&out, "synapses"), [0.0; 4], "{of}");
            same_everywhere(&program(&text), &Settings::default(), &["spikes", "v"]);
        }
    }
    // The others do as if it were not there.
    let with = text(0, "Noisy").replace("fixed_out_degree(0)", "fixed_probability(1)");
    let spikes = measured(&run(&with), "spikes");
    assert!(spikes[0] > 0.0);
}

#[test]
fn networks_without_events_and_cables_may_have_empty_populations() {
    for batch in ["", " with batch 2"] {
        let out = run(&format!(
            "
use std.neurons.rate: RateInput, LinearLearner
use std.plasticity.gradient: ErrorDriven, Feedback
network Net(n: int = 0) {{
    population inputs: RateInput[4]
    population hidden: LinearLearner[n]
    population outputs: LinearLearner[2]
    projection a: inputs -> hidden.drive: ErrorDriven {{ connect all_to_all  weight ~ normal(0, 1) }}
    projection b: hidden -> outputs.drive: ErrorDriven {{ connect all_to_all  weight ~ normal(0, 1) }}
    projection c: inputs -> outputs.drive: ErrorDriven {{ connect all_to_all  weight 0.5 }}
    projection d: outputs -> hidden.teach: Feedback {{ connect transpose of b }}
}}
experiment e {{
    network net = Net(){batch}
    data d = dataset(examples = 2, x = [1, 2, 3, 4, 5, 6, 7, 8])
    measure y = all(net.outputs.r) over d {{ net.inputs.r = x }}
    for x in d {{ net.inputs.r = x   net.outputs.teach = 1   signal learn }}
    measure w = weights(net.c)
    measure h = len(net.hidden.r) + len(weights(net.a))
}}"
        ));
        assert_eq!(measured(&out, "y"), [5.0, 5.0, 13.0, 13.0]);
        assert_eq!(measured(&out, "h"), [0.0]);
        assert!(measured(&out, "w").iter().all(|w| *w != 0.5));
    }
    let out = run("
use std.neurons.cable
network Net { population area: BallAndStick[0]   population other: BallAndStick[1] }
experiment e {
    network net = Net()
    net.area.dend[3].v = -60 mV
    net.other.dend[3].v = -60 mV
    record net.area.dend[3].v every 1 ms as v
    run 2 ms
    measure n = len(net.area.dend[3].v) + len(net.area.soma.v)
    measure v = net.other.dend[3].v
}");
    assert_eq!(measured(&out, "n"), [0.0]);
    assert!(measured(&out, "v")[0] < -60.0);
}

#[test]
fn a_view_may_have_no_cells() {
    for with in ["", " with batch 2"] {
        let record = if with.is_empty() {
            "record (net.none.spike, net.cell[2 .. 2].spike)  record net.none.v every 1 ms"
        } else {
            ""
        };
        let text = format!("
neuron Cell {{ param k = 1  event input exc: 1  input I: 1 = 0  state v = 0  v' = (I - v) / 5 ms + exc  emit spike when v > 1 {{ v = 0 }} }}
synapse Learns {{ weight w: 1  on pre.spike {{ deliver w  w += 0.1 }}  on post.spike {{ w *= 0.9 }} }}
network Net(n: int = 0) {{
    population cell: Cell[4]
    view none = cell[3 .. 3 + n]
    view first = cell[0 .. n]
    init none.k = 3
    init none.v ~ uniform(0, 1)
    projection a: none -> cell.exc: Static {{ connect all_to_all  weight 0.5  delay 1 ms }}
    projection b: cell -> none.exc: Static {{ connect fixed_probability(0.5)  weight ~ uniform(0, 1)  delay 1 ms }}
    projection c: none -> first.exc: Static {{ connect one_to_one  weight 0.5  delay 1 ms }}
    projection d: cell -> cell[4 .. 4].exc: Static {{ connect where pre.i > 0  weight 0.5  delay 1 ms }}
    projection e: first -> cell.exc: {} {{ connect all_to_all  weight 0.5  delay 1 ms }}
    drive none.exc {{ poisson 100 Hz  weight 1 }}
    drive first.exc {{ spikes [1 ms]  weight 1 }}
}}
experiment e {{
    network net = Net(){with}
    {record}
    net.none.I = 0.5
    net.cell[1 .. 1].I = 0.1 * sin(t / 1 ms)
    net.cell.I = 2
    run 20 ms
    net.none.v = 0.25
    net.none.v *= 2
    reset net.none
    run 20 ms
    measure n = [net.none.n, n_synapses(net.a), n_synapses(net.b), n_synapses(net.c), n_synapses(net.d), n_synapses(net.e), len(net.none.v)]
    measure v = net.cell.v
}}
", if with.is_empty() { "Learns" } else { "Static" });
        let out = run(&text);
        assert_eq!(measured(&out, "n")[..6], [0.0; 6]);
        assert!(measured(&out, "v").iter().all(|v| *v > 0.0));
        same_everywhere(&program(&text), &Settings::default(), &["v"]);
    }
}

#[test]
fn what_needs_a_cell_says_so() {
    let net = "
neuron Cell { event input exc: 1  state v = 0  v' = exc  emit spike when v > 1e6 }
network Net(n: int = 0) { population a: Cell[n]  population b: Cell[2]  projection p: a -> b.exc: Static { connect CONNECT  weight 1 } }
experiment e { network net = Net()  run 1 ms  measure x = WHAT }";
    let text = |connect: &str, what: &str| net.replace("CONNECT", connect).replace("WHAT", what);
    for (connect, what) in [
        ("fixed_in_degree(2)", "1"),
        ("fixed_total(3)", "1"),
        ("all_to_all", "mean(net.a.v)"),
        ("all_to_all", "net.a[0].v"),
        ("all_to_all", "argmax(net.a.v)"),
    ] {
        let d = run_failing(&text(connect, what));
        assert!(
            matches!(d.code, Code::E0606 | Code::E0603 | Code::E0404 | Code::E0406 | Code::E0811 | Code::E0403),
            "{connect}, {what}: {d:?}"
        );
    }
    assert_eq!(measured(&run(&text("fixed_total(0)", "sum(net.a.v)")), "x"), [0.0]);
}
