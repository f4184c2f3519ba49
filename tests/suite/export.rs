//! Models as texts of other tools: what is written, and what cannot be said.
//!
//! The texts in `tests/export` passed the checks of the other tool; `docs/formats.md` has the commands.

use crate::support::{program, rendered, root};
use neuro::compiler::Program;
use neuro::diag::Code;
use neuro::export::nestml;

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
