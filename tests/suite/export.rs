//! Models as texts of other tools: what is written, and what cannot be said.
//!
//! The texts in `tests/export` passed the checks of the other tool; `docs/formats.md` has the commands.

use crate::support::{measured, program, rendered, root, run_with};
use neuro::compiler::Program;
use neuro::convert;
use neuro::diag::Code;
use neuro::experiment::Settings;
use neuro::export::{nestml, neuroml};
use std::io;
use std::path::Path;

fn library(path: &str) -> Program {
    program(&std::fs::read_to_string(root().join("stdlib").join(path)).unwrap())
}

fn only(name: &str) -> Vec<String> {
    vec![name.to_string()]
}

fn kept(name: String, text: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../export" }, {
        insta::assert_snapshot!(name, text);
    });
}

/// Holds, lost arrivals, edges, helpers, draws, counters of mute and of time, counted whole numbers, weights with a unit.
#[test]
fn models_of_the_library_as_nestml() {
    for (file, name) in [
        ("neurons/lif.neuro", "LifCond"),
        ("neurons/lif.neuro", "LifDelta"),
        ("neurons/adex.neuro", "AdEx"),
        ("neurons/izhikevich.neuro", "Izhikevich"),
        ("neurons/hodgkin_huxley.neuro", "HodgkinHuxley"),
        ("plasticity/pair.neuro", "PairStdp"),
        ("plasticity/homeostatic.neuro", "SynapticScaling"),
        ("synapses/short_term.neuro", "Tsodyks2"),
    ] {
        let written = nestml(&library(file), &only(name)).unwrap().unwrap();
        kept(format!("nestml_{name}"), &written.text);
    }
}

const ODD: &str = "
neuron Odd {
    param C_m = 1 uF/cm^2, g = 1 mS/cm^2, q = 2 / 1 ms, lambda = 1
    input I: uA/cm^2 = 3 uA/cm^2
    event input exc: mV
    event input e: 1
    state soma = -70 mV
    state n = 0
    state w = 0
    state bursting = false
    let gain = 2 * lambda
    let seen = if soma > 0 mV then soma else 0 mV
    soma' = (I - g * (soma + 70 mV)) / C_m + (exc - 0.5 * seen * 1 / 1 ms + n * 1 mV / 1 ms) * gain
    n' = 2 * e
    w' = sqrt(soma^2 / mV^2) * mod(w, 3) / ms - sigmoid(w) * q
    emit spike when rising soma > -50 mV and (w < 3 or not bursting) {
        if since(previous spike) > 5 ms { w += normal(0, 1) } else { bursting = true   hold soma for 1 ms + w * 1 ms }
        n = round(n)
        hold w for 3 ms
        mute spike for 2 ms
    }
}";

#[test]
fn everything_a_cell_of_nestml_can_have() {
    let written = nestml(&program(ODD), &[]).unwrap().unwrap();
    kept("nestml_Odd".into(), &written.text);
    assert_eq!(written.notes, Vec::<String>::new());
}

const UNSAYABLE: &str = "
use std.channels.hodgkin_huxley
neuron Target {
    event input exc: mV
    input rate: 1 = 0
    param tau: ms
    state v = 0 mV
    v' = -v / tau + exc + 0.1 mV / sqrt(1 ms) * xi
    let shape = convolve(exc, exp(-age / 5 ms), over = 20 ms)
    emit spike when v > 1 mV { v = 0 mV   hold v for inf }
    emit burst on spike when v > 2 mV
    on stop { v = 0 mV }
}
neuron Cable {
    compartment soma[3] {
        length 10 um   diameter 10 um
        param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
        state v = -65 mV
        channel leak: Leak
    }
}
synapse Flow {
    weight w
    deliver w * pre.v / 1 mV
}
synapse Rule {
    param limit
    weight w
    on pre.spike { deliver w }
    on pre.burst { w = limit }
    on stop { w = 0 * limit }
}
network Net(most = 1 mV) {
    population a: Target(tau = 5 ms)[2]
    projection a -> a.rate: Flow { connect all_to_all   weight 1 }
    projection a -> a.exc: Rule(limit = most) { connect all_to_all   weight 1 mV   delay 1 ms }
}";

#[test]
fn what_nestml_cannot_say_is_told_with_its_place() {
    let p = program(UNSAYABLE);
    let flaws = nestml(&p, &[]).unwrap().unwrap_err();
    assert!(flaws.iter().all(|d| d.code == Code::E0820 && d.span().is_some()));
    kept("nestml_refused".into(), &rendered(flaws.iter(), &p.sources));
    let unknown = nestml(&p, &only("Targt")).unwrap_err();
    assert_eq!(unknown.nearest.as_deref(), Some("Target"));
}

/// A cell, what acts on it in LEMS and here, and the scheme that it names.
struct Case {
    source: &'static str,
    name: &'static str,
    id: &'static str,
    /// What is written in place of an attribute of the component, and what drives the cell.
    attribute: Option<(&'static str, &'static str)>,
    pulse: Option<&'static str>,
    assigned: &'static str,
    scheme: Option<&'static str>,
}

/// Spike times and potentials of the first experiment.
fn trace(text: &str) -> (Vec<f64>, Vec<f64>) {
    let p = program(text);
    let out = run_with(&p, 0, Settings::default(), &root());
    if let Some(d) = &out.failure {
        panic!("{}\n{text}", rendered(std::iter::once(&**d), &p.sources));
    }
    (measured(&out, "spikes"), measured(&out, "trace"))
}

const MEASURES: &str = "    measure spikes = times(net.c.spike)\n    measure trace = values(c_v)\n}\n";

/// What was written, as a simulation of LEMS.
fn simulation(written: &str, case: &Case) -> String {
    let written = case.attribute.map_or(written.to_string(), |(old, new)| {
        assert!(written.contains(old), "{written}");
        written.replace(old, new)
    });
    let (input, joined) = case.pulse.map_or((String::new(), ""), |amplitude| {
        let pulse = format!("<pulseGenerator id='p' delay='0ms' duration='1s' amplitude='{amplitude}'/>");
        (pulse, "<explicitInput target='c[0]' input='p'/>")
    });
    let (head, id) =
        ("<Lems><Target component='run'/><Include file='Networks.xml'/><Include file='Simulation.xml'/>", case.id);
    let more = format!(
        "<Include file='Inputs.xml'/>{input}
        <network id='net'><population id='c' component='{id}' size='1'/>{joined}</network>
        <Simulation id='run' length='100ms' step='0.01ms' target='net'>
            <OutputFile id='f' fileName='v.dat'><OutputColumn id='v' quantity='c[0]/v'/></OutputFile>
            <EventOutputFile id='e' fileName='s.dat' format='TIME_ID'><EventSelection id='0' select='c[0]' eventPort='spike'/></EventOutputFile>
        </Simulation></Lems>"
    );
    written.replace("<Lems>", head).replace("</Lems>", &more)
}

fn round_trip(case: &Case) {
    let nothing = |_: &Path| -> io::Result<String> { Err(io::Error::new(io::ErrorKind::NotFound, "no such file")) };
    let cell = if case.source.contains('{') {
        case.source.to_string()
    } else {
        std::fs::read_to_string(root().join(case.source)).unwrap()
    };
    let written = neuroml(&program(&cell), &only(case.name)).unwrap().unwrap();
    let back = convert::neuroml(&simulation(&written.text, case), Path::new("LEMS_run.xml"), &nothing);
    let back = back.unwrap_or_else(|flaws| panic!("{flaws:?}\n{}", written.text)).text;
    let back = match case.scheme {
        Some(scheme) => back.replacen("    emit ", &format!("    scheme {scheme}\n    emit "), 1),
        None => back,
    };
    let back = back.trim_end().strip_suffix('}').expect("an experiment").to_string() + MEASURES;
    let uses = match case.source.strip_prefix("stdlib/").and_then(|f| f.strip_suffix(".neuro")) {
        Some(module) => format!("use std.{}: {}", module.replace('/', "."), case.name),
        None => cell,
    };
    let here = format!(
        "{uses}\nnetwork Net {{ population c: {}[1] }}\nexperiment e {{\n    dt 0.01 ms\n    precision f64\n    network net = Net()\n    {}\n    record net.c.v every 0.01 ms as c_v\n    record net.c.spike\n    run 100 ms\n{MEASURES}",
        case.name, case.assigned
    );
    let ((spikes, v), (spikes_back, v_back)) = (trace(&here), trace(&back));
    assert!(spikes.len() > 2 && v.len() > 5000, "{}: {spikes:?}", case.name);
    assert_eq!(spikes, spikes_back, "{}\n{back}", case.name);
    let most = v.iter().zip(&v_back).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(v.len() == v_back.len() && most < 1e-6, "{}: {most}\n{back}", case.name);
}

/// Two events of which one follows the other, edges, branches, times since events, mutes and functions that LEMS does not have.
const BRANCHES: &str = "
neuron Branching {
    param tau = 10 ms, level = 3 mV, I = 1 mV/ms
    state v = 0 mV
    state calm = true
    state n = 0
    let pulled = max(min(v, 10 mV), -1 mV)
    v' = I - pulled / tau + mod(n, 3) * 0.1 mV/ms + floor(n / 2) * 0.05 mV/ms * exprel(v / 100 mV)
    emit spike when rising v > level {
        n += 1
        if since(spike) > 5 ms and calm { v -= 1 mV   calm = false } else { n = n - 0.5   v = 0 mV   hold v for 1 ms }
        mute spike for 2 ms
    }
    emit second on spike when n > 2 { calm = true }
    emit third when not (v < level * 1.5 or n < 1) { v = -0.5 mV }
}";

#[test]
fn what_becomes_lems_comes_back_with_the_same_trace() {
    let hh = "stdlib/neurons/hodgkin_huxley.neuro";
    let lif = "stdlib/neurons/lif.neuro";
    let case =
        |source, name, id, assigned| Case { source, name, id, attribute: None, pulse: None, assigned, scheme: None };
    for case in [
        Case { pulse: Some("0.3nA"), ..case(lif, "LifCond", "lif_cond", "net.c.I = 300 pA") },
        Case { pulse: Some("0.5nA"), ..case(lif, "LifAlpha", "lif_alpha", "net.c.I = 500 pA") },
        Case {
            attribute: Some(("I=\"0mV\"", "I=\"10mV\"")),
            scheme: Some("euler"),
            ..case("stdlib/neurons/izhikevich.neuro", "Izhikevich", "izhikevich", "net.c.I = 10 mV")
        },
        Case {
            pulse: Some("1nA"),
            scheme: Some("rk4"),
            ..case("stdlib/neurons/adex.neuro", "AdEx", "ad_ex", "net.c.I = 1 nA")
        },
        Case {
            attribute: Some(("I=\"0A_per_m2\"", "I=\"0.1A_per_m2\"")),
            ..case(hh, "HodgkinHuxley", "hodgkin_huxley", "net.c.I = 10 uA/cm^2")
        },
        Case { pulse: Some("0.6nA"), ..case(hh, "TraubMiles", "traub_miles", "net.c.I = 600 pA") },
        case(BRANCHES, "Branching", "branching", ""),
    ] {
        round_trip(&case);
    }
}

/// A cell of every standard type, some of them written in another way than usual.
const STANDARD: &str = "
neuron Leaky {
    param C = 0.2 nF, g = 10 nS, E = -65 mV
    input I: pA = 0 pA
    state v = E
    let leak = g / C * (v - E)
    v' = I / C - leak
    emit spike when v > -50 mV { v = -70 mV }
}
neuron Resting {
    param C = 0.2 nF, g = 10 nS, E = -65 mV, pause = 2 ms
    input I: nA = 0 nA
    state v = E
    v' = (g * (E - v) + I) / C
    emit spike when v > -50 mV { hold v for pause   v = -70 mV }
}
neuron Filter {
    state v = -50 mV
    v' = (-50 mV - v) / 30 ms
    emit spike when v > -55 mV { v = -70 mV }
}
neuron FilterResting {
    state v = -50 mV
    v' = (-50 mV - v) / 30 ms
    emit spike when v > -55 mV { v = -70 mV   hold v for 5 ms }
}
neuron Quadratic {
    input I: pA = 0 pA
    state v = -62 mV
    state u = 0 pA
    v' = (0.7 nS/mV * (v + 40 mV) * (v + 60 mV) - u + I) / 100 pF
    u' = 0.03/ms * (-2 nS * (v + 60 mV) - u)
    emit spike when v > 35 mV { v = -50 mV   u = u + 100 pA }
}
neuron Exponential {
    param D = 2 mV, g = 30 nS, E = -70.6 mV, a = 4 nS, tau = 144 ms
    input I: pA = 0 pA
    state v = E
    state w = 0 pA
    v' = (g * (E - v) + g * D * exp((v + 50.4 mV) / D) - w + I) / 281 pF
    w' = a / tau * (v - E) - w / tau
    emit spike when v > -40.4 mV { v = -48.5 mV   w += 80.5 pA   hold v for 1 ms }
}
neuron Reached {
    param C = 0.2 nF, g_L = 10 nS, E_L = -65 mV, tau = 4 ms
    event input exc: nS
    event input slow: nS
    input I: pA = 0 pA
    state v = E_L
    state g = 0 nS, x = 0 nS, h = 0 nS
    g' = -g / 5 ms + 2 * exc
    x' = slow - x / tau
    h' = (x - h) / tau
    v' = (g_L * (E_L - v) + g * (0 mV - v) - h * (v + 80 mV) + I) / C
    emit spike when v > -50 mV { v = -65 mV   hold v for 2 ms }
}";

#[test]
fn cells_that_neuroml_has_become_components_of_its_types() {
    let written = neuroml(&program(STANDARD), &[]).unwrap().unwrap();
    assert_eq!(written.notes, Vec::<String>::new());
    kept("lems_standard".into(), &written.text);
    let pulsed = |name, id, assigned, pulse| Case {
        source: STANDARD,
        name,
        id,
        attribute: None,
        pulse: Some(pulse),
        assigned,
        scheme: None,
    };
    for case in [
        pulsed("Reached", "reached", "net.c.I = 300 pA", "0.3nA"),
        pulsed("Leaky", "leaky", "net.c.I = 300 pA", "0.3nA"),
        pulsed("Resting", "resting", "net.c.I = 300 pA", "0.3nA"),
        pulsed("Quadratic", "quadratic", "net.c.I = 300 pA", "0.3nA"),
        pulsed("Exponential", "exponential", "net.c.I = 1 nA", "1nA"),
        Case { pulse: None, ..pulsed("Filter", "filter", "", "") },
        Case { pulse: None, ..pulsed("FilterResting", "filter_resting", "", "") },
    ] {
        round_trip(&case);
    }
}

/// What differs from a standard type in one thing is a type of its own.
#[test]
fn cells_that_only_resemble_standard_types_are_written_out() {
    for (from, to) in [
        ("= 0 pA\n    state v = E\n    let", "= 10 pA\n    state v = E\n    let"),
        ("state v = E\n    let leak", "state v = -60 mV\n    let leak"),
        ("spike when v > -50 mV { v = -70 mV }", "spike when rising v > -50 mV { v = -70 mV }"),
        ("spike when v > -50 mV { v = -70 mV }", "spike when v > -50 mV { v -= 20 mV }"),
        ("I / C - leak", "2 * I / C - leak * abs(v / 1 mV)"),
        ("let leak = g / C * (v - E)", "let leak = g / C * (v - E) + g / C * v^2 / 1 mV"),
    ] {
        assert!(STANDARD.contains(from), "{from}");
        let written = neuroml(&program(&STANDARD.replacen(from, to, 1)), &only("Leaky")).unwrap().unwrap();
        assert!(written.text.contains("<ComponentType name=\"Leaky\""), "{to}\n{}", written.text);
    }
}

#[test]
fn what_lems_says_and_what_it_cannot_say() {
    let text = |file: &str, name: &str| neuroml(&library(file), &only(name)).unwrap().unwrap();
    let lif = text("neurons/lif.neuro", "LifCond");
    kept("lems_LifCond".into(), &lif.text);
    assert_eq!(lif.notes, Vec::<String>::new());
    let exp = text("neurons/lif.neuro", "LifExp");
    kept("lems_LifExp".into(), &exp.text);
    assert_eq!(exp.notes.len(), 2, "{:?}", exp.notes);
    kept("lems_AdEx".into(), &text("neurons/adex.neuro", "AdEx").text);
    kept("lems_Branching".into(), &neuroml(&program(BRANCHES), &[]).unwrap().unwrap().text);
    let p = program(UNSAYABLE);
    let flaws = neuroml(&p, &[]).unwrap().unwrap_err();
    assert!(flaws.iter().all(|d| d.code == Code::E0820 && d.span().is_some()));
    kept("lems_refused".into(), &rendered(flaws.iter(), &p.sources));
}

/// Definitions that double at each step are written out for as long as that makes sense.
#[test]
fn formulas_of_thousands_of_parts_are_refused() {
    let lets: String = (1..40).map(|i| format!("let x{i} = x{} + x{}\n", i - 1, i - 1)).collect();
    let states: String = (1..40).map(|i| format!("state s{i} = s{} + s{}\n", i - 1, i - 1)).collect();
    let tall = program(&format!(
        "neuron Tall {{\nstate s0 = 1\n{states}let x0 = s39\n{lets}s0' = x39 / 1 ms\nemit spike when x39 > 1\n}}"
    ));
    let flaws = neuroml(&tall, &[]).unwrap().unwrap_err();
    assert!((1..50).contains(&flaws.counts().0), "{flaws}");
    assert!(flaws.iter().all(|d| d.message.contains("as long as this")), "{flaws}");
    assert!(nestml(&tall, &[]).unwrap().is_ok());
}
