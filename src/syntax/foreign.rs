//! Words of other languages, and how what they say is written here.

/// What is written here for some words of other languages.
pub(crate) type Instead = (&'static [&'static str], &'static str);

/// Ways to say what is recorded.
pub(crate) const MONITORS: Instead = (
    &["StateMonitor", "SpikeMonitor", "PopulationRateMonitor"],
    "what is kept is recorded: `record net.exc.v`, `record net.exc.spike`",
);

/// Ways to make cells.
pub(crate) const CELLS: Instead = (
    &["NeuronGroup", "PoissonGroup", "Create", "create"],
    "cells are a population of a network: `population exc: LifCond[100]`",
);

/// Ways to make synapses.
pub(crate) const SYNAPSES: Instead = (
    &["Synapses", "Connect"],
    "synapses between two populations of a network are a projection: `projection exc -> inh.exc: Static { connect \
     all_to_all   weight 1 nS   delay 1 ms }`",
);

/// Functions without a name.
pub(crate) const LAMBDA: Instead = (
    &["lambda"],
    "a function has a name, `fn twice(x) = 2 * x`, outside of all blocks; what follows time is written with `t`: \
     `net.exc.I = 3 pA * sin(t / 1 ms)`",
);

/// Words with which statements of other languages begin, and what is written here.
pub(super) const STATEMENTS_ELSEWHERE: &[Instead] = &[
    (&["parameters", "parameter", "params"], "parameters are declared so: `param tau = 20 ms, C_m = 200 pF`"),
    (
        &["variables", "variable", "initial_values", "initial_block"],
        "what changes in time is a state: `state v = -65 mV`",
    ),
    (&["equations", "equation", "ode", "dynamics"], "an equation stands by itself: `v' = (E_L - v) / tau_m`"),
    (&["function", "def", "proc", "func"], "a function is declared outside, in one line: `fn twice(x) = 2 * x`"),
    (&["synapses", "connections"], SYNAPSES.1),
    (&["neurons", "group"], CELLS.1),
    (&["simulate", "Simulate"], "write `run 100 ms`"),
    (&["monitor"], MONITORS.1),
    (&["assert"], "write `expect …`"),
    (&["const"], "a value is named by `let x = 3`; constants of a whole file stand outside of all blocks"),
    (
        &["import", "include", "from", "load_file"],
        "write `use std.neurons.lif` or `use \"file.neuro\"` at the top of the file",
    ),
    (&["while"], "a loop that waits for something is `repeat at most 100 times until x > 3 { … }`"),
    (&["break"], "a loop that may end early is `repeat at most 100 times until x > 3 { … }`"),
    (&["continue"], "what a turn may leave out stands in an `if`: `if x > 3 { … }`"),
    (&["pass"], "a block may be empty: `{ }`"),
    (&["return"], "a function is one expression: `fn twice(x) = 2 * x`"),
    (&["elif", "elseif", "elsif"], "write `else if`"),
    (&["switch", "match", "case"], "write `if … { … } else if … { … }`"),
    (&["try", "except", "catch"], "a run ends with the first error; what may not hold is asked before, by `if`"),
    (
        &["class", "struct", "model"],
        "a model is declared by `neuron`, `synapse` or `channel`; a variant of one so: `neuron Fast = \
         LifExp(tau_m = 5 ms)`",
    ),
    (&["inline", "recordable"], "what follows from states is named by `let x = …`; everything can be recorded"),
    (&["kernel"], "a response to events is an equation with an event input, `g' = -g / tau + exc`, or `convolve`"),
    (&["update", "integrate_odes"], "equations are advanced by themselves, at every step"),
    (
        &[
            "NEURON",
            "PARAMETER",
            "ASSIGNED",
            "STATE",
            "INITIAL",
            "BREAKPOINT",
            "DERIVATIVE",
            "PROCEDURE",
            "FUNCTION",
            "NET_RECEIVE",
            "UNITS",
            "TITLE",
            "COMMENT",
        ],
        "this is NMODL: `neuro convert file.mod` writes it in this language",
    ),
];

/// Such words of events; what they declare is missed elsewhere as `spike`.
pub(super) const EVENTS_ELSEWHERE: &[Instead] = &[
    (
        &["threshold", "fire", "on_threshold", "onCondition", "emit_spike"],
        "a spike is emitted so: `emit spike when v > V_th { v = V_reset }`",
    ),
    (&["spike"], "write `emit spike when …`"),
    (&["reset"], "what follows a spike stands in the braces of its `emit`: `emit spike when v > V_th { v = V_reset }`"),
];

/// Words that show wherever they stand in a statement what it was meant to be.
pub(super) const ANYWHERE: &[Instead] = &[
    (&["refractory", "unless"], "for a refractory period write `hold v for 2 ms` in the braces of the spike's `emit`"),
    LAMBDA,
    MONITORS,
    CELLS,
    SYNAPSES,
];

/// How statements are written, by their first words.
pub(super) const FORMS: &[(&str, &str)] = &[
    ("param", "param tau = 20 ms, C_m: pF"),
    ("state", "state v = -65 mV"),
    ("input", "input I: pA = 0 pA"),
    ("event", "event input exc: nS"),
    ("emit", "emit spike when v > V_th { v = V_reset }"),
    ("noise", "noise sigma"),
    ("compartment", "compartment soma { … }"),
    ("gate", "gate m { alpha = …   beta = … }"),
    ("couple", "couple soma <-> dend with g_c"),
    ("population", "population exc: LifCond(g_L = 10 nS)[100]"),
    ("projection", "projection exc -> inh.exc: Static { connect all_to_all   weight 1 nS   delay 1 ms }"),
    ("drive", "drive exc.exc { poisson 1 kHz   weight 1 nS }"),
    ("connect", "projection exc -> inh.exc: Static { connect all_to_all   weight 1 nS   delay 1 ms }"),
    ("weight", "projection exc -> inh.exc: Static { connect all_to_all   weight 1 nS   delay 1 ms }"),
    ("delay", "projection exc -> inh.exc: Static { connect all_to_all   weight 1 nS   delay 1 ms }"),
    ("view", "view first = exc[0 .. 10]"),
    ("init", "init exc.v ~ uniform(-60 mV, -50 mV)"),
    ("network", "network net = Net(n = 100)"),
    ("world", "world grid = Grid(size = 5)"),
    ("let", "let x = 3"),
    ("var", "var x = 0"),
    ("data", "data table = csv(\"table.csv\")"),
    ("run", "run 100 ms"),
    ("record", "record net.exc.v every 1 ms as trace"),
    ("measure", "measure r = rate(net.exc.spike)"),
    ("expect", "expect r > 1 Hz"),
    ("plot", "plot \"Title\" net.exc.spike"),
    ("print", "print \"rate:\", r"),
    ("for", "for k in 0 .. 9 { … }"),
    ("if", "if x > 3 { … } else { … }"),
    ("repeat", "repeat 10 times { … }"),
    ("sweep", "sweep w in [1 nS, 2 nS] { … }"),
    ("at", "at 5 ms net.exc.I = 3 pA"),
    ("window", "window free { run 5 ms }"),
    ("settle", "settle for 20 steps"),
    ("signal", "signal reward in net.link"),
    ("plasticity", "plasticity off net.link"),
    ("save", "save net to \"trained.state\""),
    ("load", "load net from \"trained.state\""),
    ("reset", "reset net"),
    ("seed", "seed 3"),
    ("precision", "precision f64"),
];

/// Where statements belong that begin with some words: the words of such declarations, what is said of one, and its form.
pub(super) const HOMES: &[(&[&str], &[&str], &str, &str)] = &[
    (
        &["run", "record", "measure", "expect", "plot", "print", "sweep", "window", "settle", "signal"],
        &["experiment", "test"],
        "an experiment",
        "experiment e { network net = Net()   … }",
    ),
    (
        &["plasticity", "save", "load", "reset", "seed", "precision"],
        &["experiment", "test"],
        "an experiment",
        "experiment e { … }",
    ),
    (&["repeat", "var"], &["experiment", "test", "world"], "an experiment", "experiment e { … }"),
    (&["population", "projection", "view", "init"], &["network"], "a network", "network Net { … }"),
    (
        &["state", "input", "event", "emit", "noise", "compartment", "gate", "couple"],
        &["neuron", "synapse", "channel", "world"],
        "a model",
        "neuron Cell { … }",
    ),
];

/// What such declarations have instead of statements that belong elsewhere.
pub(super) const INSTEAD_IN: &[(&[&str], &[Instead])] = &[
    (
        &["experiment", "test"],
        &[
            (&["state"], "what an experiment changes is declared so: `var x = 0`"),
            (&["init"], "an experiment assigns: `net.exc.v = -60 mV`, `net.exc.v ~ uniform(-60 mV, -50 mV)`"),
            (&["param"], "parameters of an experiment stand in its head: `experiment e(n = 100) { … }`"),
            (&["input", "event"], "what arrives at cells is sent by a `drive`, or assigned: `net.exc.I = 3 pA`"),
        ],
    ),
    (&["network"], &[(&["data"], "a network names a table by `let`: `let cells = csv(\"cells.csv\")`")]),
];

/// Finds the help for a word in a table.
pub(super) fn help(table: &'static [Instead], word: &str) -> Option<&'static str> {
    table.iter().find(|(words, _)| words.contains(&word)).map(|(_, help)| *help)
}

#[cfg(test)]
mod tests {
    use super::FORMS;
    use crate::diag::Diagnostics;
    use crate::source::FileId;

    /// What stands for what a form leaves open.
    fn filled(form: &str) -> String {
        form.replace("{ … }", "{ }").replace('…', "1 / 1 ms")
    }

    #[test]
    fn every_form_parses_in_some_block() {
        for (word, form) in FORMS {
            assert!(form.split(|c: char| !c.is_alphabetic()).any(|w| w == *word), "`{word}` is not in `{form}`");
            let parses = |block: &str| {
                let mut found = Diagnostics::default();
                crate::syntax::parse(FileId(0), &format!("{block} {{\n{}\n}}\n", filled(form)), &mut found);
                !found.has_errors()
            };
            let blocks = ["neuron A", "synapse A", "channel A", "network A", "experiment e", "world A"];
            assert!(blocks.into_iter().any(parses), "`{form}`");
        }
    }
}
