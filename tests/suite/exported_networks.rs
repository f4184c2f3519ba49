//! Networks as NeuroML: what is written, what comes back, and what cannot be said.
//!
//! The texts in `tests/export` ran in jNeuroML; `docs/formats.md` has the commands.

use crate::support::{measured, program, rendered, root, run_with};
use neuro::compiler::{NoImports, Program, Silent};
use neuro::convert;
use neuro::diag::{Code, Diagnostics};
use neuro::experiment::{Runner, Settings};
use neuro::export::{Exported, network};
use std::io;
use std::path::Path;

fn written(p: &Program) -> Result<Exported, Diagnostics> {
    let settings = Settings { threads: 1, ..Settings::default() };
    let runner = Runner { module: &p.module, files: &NoImports, settings, progress: &Silent };
    let experiment = &p.module.experiments[0];
    let begun = runner.begun(experiment).unwrap_or_else(|d| panic!("{}", rendered(std::iter::once(&*d), &p.sources)));
    network(experiment, &begun)
}

fn text(p: &Program) -> Exported {
    written(p).unwrap_or_else(|flaws| panic!("{}", rendered(flaws.iter(), &p.sources)))
}

fn kept(name: &str, text: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../export" }, {
        insta::assert_snapshot!(name, text);
    });
}

/// Times of the spikes of populations in the first experiment, in order.
fn spikes(text: &str, names: &[&str]) -> Vec<f64> {
    let measures = names.iter().map(|n| format!("    measure t_{n} = times(net.{n}.spike)\n"));
    let text = text.trim_end().strip_suffix('}').expect("an experiment").to_string() + &measures.collect::<String>();
    let p = program(&(text.clone() + "}\n"));
    let out = run_with(&p, 0, Settings::default(), &root());
    if let Some(d) = &out.failure {
        panic!("{}\n{text}", rendered(std::iter::once(&**d), &p.sources));
    }
    let mut all: Vec<f64> = names.iter().flat_map(|n| measured(&out, &format!("t_{n}"))).collect();
    all.sort_by(f64::total_cmp);
    all
}

fn back(text: &str) -> String {
    let nothing = |_: &Path| -> io::Result<String> { Err(io::Error::new(io::ErrorKind::NotFound, "no such file")) };
    convert::neuroml(text, Path::new("net.xml"), &nothing).unwrap_or_else(|flaws| panic!("{flaws:?}\n{text}")).text
}

/// Drawn connections, delays and weights; two values of a threshold; given spikes; currents that follow time.
const EXACT: &str = "
use std.neurons.lif: LifCond
network Net {
    population clocks: Relay[2]
    population exc: LifCond[30]
    population inh: LifCond(C_m = 150 pF)[10]
    init exc[0 .. 5].V_th = -52 mV
    projection e: exc -> (exc, inh).exc: Static {
        connect fixed_probability(0.2)   weight ~ uniform(3 nS, 5 nS)   delay ~ uniform(0.5 ms, 2 ms)
    }
    projection back: inh[2 .. 9] -> exc.inh: Static { connect fixed_in_degree(3)   weight 20 nS   delay 1 ms }
    projection given: clocks -> exc[[3, 7]].exc: Static { connect one_to_one   weight 60 nS   delay 0.5 ms }
    drive clocks[1].in_ { spikes [5 ms, 17 ms]   weight 1 }
    drive exc[10 .. 20].exc { spikes [12 ms, 13 ms, 40 ms]   weight [30 nS, 50 nS, 40 nS] }
}
experiment activity {
    dt 0.1 ms
    seed 4
    precision f64
    network net = Net()
    net.exc[0 .. 8].I = 280 pA
    net.exc[8 .. 15].I = if t >= 10 ms and t < 60 ms then 300 pA else 120 pA
    net.inh.I = 90 pA
    record net.exc.spike
    record net.inh.spike
    record net.clocks.spike
    run 100 ms
}";

#[test]
fn a_network_comes_back_with_the_same_spikes() {
    let found = text(&program(EXACT));
    let there = back(&found.text);
    // The cells with another threshold are a population of their own.
    for (own, written) in [("exc", &["exc", "exc_2"][..]), ("inh", &["inh"])] {
        let here = spikes(EXACT, &[own]);
        assert!(here.len() > 20, "{own}: {here:?}");
        assert_eq!(spikes(&there, written), here);
    }
    assert_eq!(
        found.notes,
        [
            "`clocks` is written as 2 populations, whose cells differ",
            "`exc` is written as 2 populations, whose cells differ"
        ]
    );
}

/// Each kind of synapse, source and input once.
const KINDS: &str = "
use std.sources.spikes: PoissonSource
neuron Cell {
    param C_m = 200 pF, g_L = 10 nS, E_L = -65 mV, E_slow = 0 mV, tau_rise = 1 ms, tau_decay = 5 ms
    input I: pA = 5 pA
    event input alpha: pA
    event input exponential: pA
    event input conductance: nS
    event input slow: nS
    state v = E_L
    state y = 0 pA/ms, I_alpha = 0 pA, I_exponential = 0 pA
    state g = 0 nS, rise = 0 nS, decay = 0 nS
    let block = 1 / (1 + 0.3 * exp(-v / 16 mV))
    let I_slow = block * (decay - rise) * (E_slow - v)
    y' = -y / 3 ms + alpha * exp(1) / 3 ms
    I_alpha' = y - I_alpha / 3 ms
    I_exponential' = -I_exponential / 2 ms + exponential
    g' = -g / 4 ms + conductance
    rise' = -rise / tau_rise + 2 * slow
    decay' = -decay / tau_decay + 2 * slow
    v' = (g_L * (E_L - v) + I_alpha - I_exponential + g * (-70 mV - v) + I_slow + I) / C_m
    emit spike when v > -50 mV { v = -65 mV   hold v for 2 ms }
}
network Net {
    population noise: PoissonSource[3]
    population relays: Relay[2]
    population cells: Cell[2]
    init noise.rate = [10 Hz, 10 Hz, 20 Hz]
    init cells[1].v = -60 mV
    projection a: noise -> cells.alpha: Static { connect all_to_all   weight 50 pA   delay 1 ms }
    projection e: relays -> cells.exponential: Static { connect one_to_one   weight [20 pA, 30 pA]   delay 2 ms }
    projection c: cells[0] -> cells[1].conductance: Static { connect all_to_all   weight 2 nS   delay 1.5 ms }
    projection s: cells[1] -> cells[0].slow: Static { connect all_to_all   weight 3 nS }
    drive relays.in_ { poisson 30 Hz   weight 1 }
    drive cells.slow { poisson 100 Hz   weight 0.5 nS }
}
experiment kinds {
    dt 0.1 ms
    precision f64
    network net = Net()
    net.cells.I = if t < 50 ms then 100 pA else 200 pA
    record net.cells.spike
    record net.cells.v every 1 ms as v
    run 100 ms
}";

#[test]
fn every_kind_of_synapse_and_source_has_a_word() {
    let found = text(&program(KINDS));
    kept("network_kinds", &found.text);
    assert_eq!(
        found.notes,
        [
            "`cells` is written as 2 populations, whose cells differ",
            "`noise` is written as 2 populations, whose cells differ",
            "values are recorded at every step"
        ]
    );
    program(&back(&found.text));
}

const UNSAYABLE: &str = "
use std.neurons.lif: LifCond, LifDelta
use std.plasticity.pair: PairStdp
use std.synapses.gap_junction: GapJunction
network Net {
    population a: LifCond[20]
    population b: LifDelta[2]
    projection learn: a -> a.exc: PairStdp(w_max = 2 nS) { connect all_to_all   weight 1 nS }
    projection gap: a -> a.I: GapJunction { connect all_to_all   weight 1 nS }
    drive a.exc { bernoulli 10 Hz   weight 1 nS }
    drive a.inh { poisson if t < 10 ms then 5 Hz else 0 Hz   weight 1 nS }
}
experiment e {
    network net = Net()
    net.a.I = 10 pA * sin(t / 1 ms)
    record mean(net.a.v) every 1 ms
    record net.a.g_exc every 1 ms
    for k in 0 .. 3 { net.a.I = 1 pA }
    run 1 s
    net.a.I = 5 pA
    run 1 s
}";

#[test]
fn what_neuroml_cannot_say_of_a_network_is_told_with_its_place() {
    let mut all = String::new();
    // What a cell cannot be keeps all that follows to itself.
    for source in [UNSAYABLE.to_string(), UNSAYABLE.replace("    population b: LifDelta[2]\n", "")] {
        let p = program(&source);
        let flaws = written(&p).unwrap_err();
        assert!(flaws.iter().all(|d| d.code == Code::E0820 && d.span().is_some()));
        all += &rendered(flaws.iter(), &p.sources);
    }
    kept("network_refused", &all);
}
