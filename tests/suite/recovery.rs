//! Every mistake of a text is reported once, at its place, and what is right is understood in spite of it.

use crate::support::{rendered, try_program};
use neuro::compiler::{NoImports, compile};
use neuro::source::SourceFile;

/// The mistakes of a text: line, code and message.
fn mistakes(text: &str) -> Vec<(usize, String, String)> {
    let Err(refused) = compile(SourceFile::new("model.neuro", text), &mut NoImports) else { return Vec::new() };
    let line =
        |d: &neuro::diag::Diagnostic| d.span().map_or(0, |s| refused.sources.file(s.file).line_column(s.start).0);
    refused.diagnostics.iter().map(|d| (line(d), d.code.to_string(), d.help.clone().unwrap_or_default())).collect()
}

/// A cell, a network and an experiment without a mistake, in which one line is another.
fn with(line: usize, other: &str) -> String {
    let right = "neuron Lif {
    param tau = 20 ms
    event input exc: mV
    state v = -65 mV
    v' = (-65 mV - v) / tau + exc
    emit spike when v > -50 mV { v = -65 mV   hold v for 2 ms }
}
network Net(n: int = 10) {
    population cell: Lif[n]
    projection cell -> cell.exc: Static { connect fixed_probability(0.1)   weight 1 mV   delay 1 ms }
}
experiment e {
    network net = Net()
    record net.cell.spike
    run 100 ms
    expect count(net.cell.spike) == 0
}
";
    let mut lines: Vec<&str> = right.lines().collect();
    if line > 0 {
        lines[line - 1] = other;
    }
    lines.join("\n") + "\n"
}

#[test]
fn each_mistake_is_reported_once_with_a_help_that_can_be_followed() {
    assert_eq!(mistakes(&with(0, "")), []);
    for (line, text, at, code, help) in [
        (6, "    emit spike if v > -50 mV { v = -65 mV }", 6, "E0101", "when"),
        (6, "    spike when v > -50 mV { v = -65 mV }", 6, "E0101", "emit spike when"),
        (6, "    emit spike when v > -50 mV && v < 0 mV { v = -65 mV }", 6, "E0101", "`and`"),
        (6, "    emit spike when v > -50 mV || v < -90 mV { v = -65 mV }", 6, "E0101", "`or`"),
        (6, "    emit spike when v > -50 mV { v = -65 mV;  hold v for 2 ms }", 6, "E0101", "spaces"),
        (6, "    emit spike when v > -50 mV { v = -65 mV   hold v for 2 ms", 6, "E0103", ""),
        (6, "    emit spike when v > -50 mV { v = -65 mV   hold v for 2 ms }}", 6, "E0103", ""),
        (5, "    dv/dt = (-65 mV - v) / tau + exc", 5, "E0101", "v' = …"),
        (5, "    v' = (-65 mV - v) / tau ** 1 + exc", 5, "E0101", "x^2"),
        (5, "    v' = (-65 mV - v / tau + exc", 5, "E0103", ""),
        (5, "    v' = (\u{2212}65 mV - v) / tau + exc", 5, "E0101", "typography"),
        (5, "    v' =\u{a0}(-65 mV - v)\u{a0}/\u{202f}tau + exc", 5, "E0101", "U+00A0"),
        (5, "    v' = (-65 mV - v) / tau +\u{b} exc", 5, "E0101", "U+000B"),
        (7, "}\n\u{200b}\n", 8, "E0102", "U+200B"),
        (5, "    v' = v > 0 mV ? 0 mV/ms : exc", 5, "E0101", "if c then a else b"),
        (5, "    v' = (-65 mV - v) / tau + exc   // leak", 5, "E0101", "`#`"),
        (4, "    state v == -65 mV", 4, "E0101", "`=`"),
        (2, "    parameters tau = 20 ms", 2, "E0101", "param tau"),
        (4, "    v : volt", 4, "E0101", "state v"),
        (
            10,
            "    projection cell -> cell.exc: Static { connect all_to_all   weight 1 mV,  delay 1 ms }",
            10,
            "E0101",
            "commas",
        ),
        (15, "    rum 100 ms", 15, "E0101", "`run`"),
        (15, "    dt = 0.1 ms", 15, "E0201", "dt 0.1 ms"),
        (15, "    seed = 3", 15, "E0201", "seed 3"),
        (15, "    run 100 msec", 15, "E0305", "`ms`"),
    ] {
        let found = mistakes(&with(line, text));
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!((found[0].0, found[0].1.as_str()), (at, code), "{text}: {found:?}");
        assert!(found[0].2.contains(help), "{text}: `{help}` is not in {found:?}");
    }
}

#[test]
fn many_mistakes_are_reported_in_one_go() {
    let text = with(6, "    spike when v > -50 mV { v = -65 mV }")
        .replace("delay 1 ms }", "dealy 1 ms }")
        .replace("run 100 ms", "run 100 ms;")
        .replace("count(net.cell.spike)", "cuont(net.cell.spike)");
    let lines: Vec<usize> = mistakes(&text).iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, [6, 10, 15, 16]);
}

/// Where a closing brace is missing is told by indentation; what follows is understood.
#[test]
fn a_missing_brace_is_where_indentation_says() {
    let right = with(0, "");
    let lines: Vec<&str> = right.lines().collect();
    for missing in [7, 11, 17] {
        let text: Vec<&str> = lines.iter().enumerate().filter(|(k, _)| k + 1 != missing).map(|(_, l)| *l).collect();
        let found = mistakes(&(text.join("\n") + "\n"));
        let opened = [(7, 1), (11, 8), (17, 12)].iter().find(|(m, _)| *m == missing).unwrap().1;
        assert_eq!(found.iter().map(|f| (f.0, f.1.as_str())).collect::<Vec<_>>(), [(opened, "E0103")], "{missing}");
    }
}

/// Whatever is taken out of or put into a text, it is read to its end without a crash, and with some message if it is not right.
#[test]
fn no_text_stops_the_recovery() {
    let right = with(0, "");
    for k in 0..right.len() {
        let without = format!("{}{}", &right[..k], &right[k + 1..]);
        mistakes(&without);
        for sign in ["{", "}", "(", ")", "\"", "==", ";", "\u{2212}"] {
            mistakes(&format!("{}{sign}{}", &right[..k], &right[k..]));
        }
    }
}

/// An event input within brackets, as papers write it: what arrives is counted per time, which its declaration does not show.
#[test]
fn an_event_input_that_is_no_term_of_its_own_is_told_so() {
    let refused = |equation: &str| {
        let text = format!("neuron C {{ event input exc: mV   state v = 0 mV   {equation} }}\n");
        let Err(r) = try_program(&text) else { panic!("nothing was refused") };
        rendered(r.diagnostics.iter(), &r.sources)
    };
    let said = refused("v' = (-v + exc) / 20 ms");
    assert!(
        said.contains("E0302") && said.contains("counted per time") && said.contains("outside of brackets"),
        "{said}"
    );
    let said = refused("v' = exc * exc");
    assert!(!said.contains("of dimension kg"), "{said}");
}

/// What people type who come from other tools is told how it is written here, once.
#[test]
fn ways_of_other_tools_have_a_help() {
    let mut problems = Vec::new();
    for (line, text, code, help) in [
        (5, "    dv/dt = (-65 mV - v) / tau + exc : volt (unless refractory)", "E0101", "v' = …"),
        (5, "    v' = (-65 mV - v) / tau + exc : mV", "E0101", "belongs to the declaration"),
        (5, "    v = v + 1 mV", "E0101", "v' = …"),
        (5, "    v' = (-65 mV - v) / tau * np.exp(v / tau) + exc", "E0401", "exp(x)"),
        (5, "    v' = (-65 mV - v) / tau ** -1 + exc", "E0401", "x^2"),
        (5, "    v' = (1 if v > 0 mV else 2) * exc", "E0101", "if c then a else b"),
        (5, "    v' = (-65 mV - v) / tau + exc + 1 mV.ms^-1", "E0101", "`mV/ms`"),
        (6, "    if v > -50 mV: v = -65 mV", "E0101", "emit spike when"),
        (6, "    if v > -50 mV { emit_spike() }", "E0101", "emit spike when"),
        (6, "    threshold v > -50 mV", "E0101", "emit spike when"),
        (6, "    onCondition(v > -50 mV): v = -65 mV", "E0101", "emit spike when"),
        (6, "    emit spike when v = -50 mV { v = -65 mV }", "E0101", "`==`"),
        (6, "    emit spike when -90 mV < v < -50 mV { v = -65 mV }", "E0401", "x in 1 .. 3"),
        (6, "    emit spike when v > -50 mV { v = -65 mV   refractory 5 ms }", "E0101", "hold v"),
        (9, "    population cell = Lif[n]", "E0101", "population exc: LifCond(g_L = 10 nS)[100]"),
        (9, "    cell = NeuronGroup(n, Lif)", "E0101", "population exc: LifCond[100]"),
        (9, "    population cell: Lif(tau: 10 ms)[n]", "E0101", "`tau = …`"),
        (9, "    population cell: iaf_psc_exp[n]", "E0203", "LifExp"),
        (10, "    projection cell -> cell.exc: Static { connect all_to_all   weight w = 1 mV }", "E0101", "weight 1 …"),
        (
            10,
            "    projection cell -> cell.exc: Static { connect pairwise_bernoulli(0.1)   weight 1 mV }",
            "E0210",
            "fixed_p",
        ),
        (10, "    projection cell -> cell.exc: Static { connect i != j   weight 1 mV }", "E0210", "where pre.i"),
        (10, "    projection cell -> cell.exc: Static { connect p = 0.1   weight 1 mV }", "E0101", "fixed_probability"),
        (10, "    projection cell => cell.exc: Static { connect all_to_all   weight 1 mV }", "E0101", "`->`"),
        (14, "    record net.cell[0:2].v", "E0101", "`0 .. 2`"),
        (15, "    while true { run 1 ms }", "E0101", "repeat at most"),
        (15, "    for k in range(3) { run 1 ms }", "E0210", "0 .. 9"),
        (15, "    for k in 0 .. 2 { if k > 1 { break }   run 1 ms }", "E0101", "repeat at most"),
        (15, "    if 1 > 2 { run 1 ms } elif 1 > 3 { run 2 ms }", "E0101", "else if"),
        (15, "    import numpy as np", "E0101", "use std.neurons.lif"),
        (15, "    let x = lambda y: 2 * y", "E0101", "fn twice"),
        (15, "    let x = None", "E0201", "default"),
        (15, "    let x = True", "E0201", "`true`"),
        (15, "    let x = ln(2)", "E0210", "`log`"),
        (15, "    let x = .5", "E0101", "0.5"),
        (15, "    let x: mV = 5 mV", "E0101", "has the unit"),
        (15, "    let x = 7 % 2", "E0101", "mod(7, 2)"),
        (15, "    let x = net.cell.v(0)", "E0401", "net.exc.v[0]"),
        (15, "    if 1 <> 2 { run 1 ms }", "E0101", "`!=`"),
        (15, "    const x = 3", "E0101", "let x = 3"),
        (15, "    M = StateMonitor(net.cell, 'v', record=True)", "E0101", "record net.exc.v"),
        (15, "    plot 'v' net.cell.v", "E0101", "double quotes"),
        (15, "    print(\"mean\", 3)", "E0401", "without brackets"),
        (15, "    print(f\"mean {3}\")", "E0101", "print \"mean:\", m"),
        (15, "    plt.plot(net.cell.v)", "E0201", "plot net.exc"),
        (15, "    -- a comment", "E0101", "`#`"),
        (15, "    % a comment", "E0101", "`#`"),
        (15, "    /* a\n    comment */", "E0101", "`#`"),
        (15, "    net.cell.v = 3 \u{3bc}V", "E0101", "typography"),
        (15, "    measure m1 = mean(v)", "E0201", "net.cell.v"),
        (15, "    var x", "E0101", "var x = 0"),
    ] {
        let found = mistakes(&with(line, text));
        if !matches!(&found[..], [(_, c, h)] if c == code && h.contains(help)) {
            problems.push(format!("{text}: {code} with `{help}`, found {found:?}"));
        }
    }
    for (top, help) in [
        ("from std.neurons import lif", "use std.neurons.lif"),
        ("import std.neurons.lif", "use std.neurons.lif"),
        ("def twice(x) { return 2 * x }", "fn twice"),
        ("NEURON { SUFFIX na }", "neuro convert"),
        ("class Lif(Cell) { }", "neuron"),
        ("/* a\n comment */", "`#`"),
    ] {
        let found = mistakes(&format!("{}{top}\n", with(0, "")));
        if !matches!(&found[..], [(_, c, h)] if c == "E0102" && h.contains(help)) {
            problems.push(format!("{top}: E0102 with `{help}`, found {found:?}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// What a block of a network declares, and an input that is to change by a function of time: the help says what to write instead.
#[test]
fn what_cannot_be_reached_or_changed_is_told_so() {
    let network = |block: &str| with(10, block).replace("record net.cell.spike", "record net.more.v");
    let of_a_loop = mistakes(&network("    for k in 0 .. 1 { population more: Lif[n] }"));
    let of_a_branch = mistakes(&network("    if n > 3 { population more: Lif[n] }"));
    let with_input = with(3, "    event input exc: mV   input I: mV = 0 mV");
    let changed = mistakes(&with_input.replace("    run 100 ms", "    net.cell.I += 1 mV * t / 1 s\n    run 100 ms"));
    for (found, code, help) in [
        (of_a_loop, "E0205", "declare it once outside"),
        (of_a_branch, "E0205", "in both branches"),
        (changed, "E0207", "the whole course with `=`"),
    ] {
        assert!(matches!(&found[..], [(_, c, h)] if c == code && h.contains(help)), "`{help}` is not in {found:?}");
    }
}

/// What stands in a declaration of another kind than its own, or lacks a word, is told where it belongs and how it is written.
#[test]
fn what_belongs_elsewhere_is_told_so() {
    let mut problems = Vec::new();
    for (line, text, at, help) in [
        (9, "    population cell: Lif[n]   record cell.v", 9, "belongs to an experiment"),
        (10, "    run 3 ms", 10, "`experiment e { network net = Net()   run 100 ms }`"),
        (10, "    state x = 3", 10, "`neuron Cell { state v = -65 mV }`"),
        (10, "    cell.v = -60 mV", 10, "`init cell.v = …`"),
        (10, "    cell[0].v ~ uniform(0 mV, 3 mV)", 10, "`init cell[0].v = …`"),
        (4, "    record v", 4, "belongs to an experiment"),
        (4, "    state v = -65 mV\n    population a: Lif[3]", 5, "belongs to a network"),
        (15, "    state x = 3", 15, "`var x = 0`"),
        (15, "    init net.cell.v = -60 mV", 15, "`net.exc.v = -60 mV`"),
        (15, "    population b: Lif[2]", 15, "`network Net { population"),
        (15, "    param x = 3", 15, "in its head"),
        (10, "    data x = csv(\"a.csv\")", 10, "`let cells = csv"),
        (6, "    emit spike when v > -50 mV { v = -65 mV   hold v 2 ms }", 6, "`hold v for 2 ms`"),
        (15, "    for k 0 .. 3 { run 1 ms }", 15, "`for k in 0 .. 9 { … }`"),
        (7, "}\nsynapse S { weight w = 2 }", 8, "a projection says"),
        (
            7,
            "}\nmorphology M = swc(\"a.swc\")\nneuron C { cable M { state v = 0 mV }   emit spike when soma.v > 0 mV }",
            8,
            "segmented every",
        ),
    ] {
        let found = mistakes(&with(line, text));
        if !matches!(&found[..], [(l, c, h)] if *l == at && c == "E0101" && h.contains(help)) {
            problems.push(format!("{text}: line {at} with `{help}`, found {found:?}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Mistakes of cables and of what is declared below or twice: one message each, with what to write.
#[test]
fn what_is_named_wrongly_is_told_how_it_is_named() {
    let cell = "neuron C {
    compartment dend[4] {
        length 40 um   diameter 2 um
        param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
        event input exc: nS
        state v = -70 mV
        state g = 0 nS
        g' = -g / 2 ms + exc
        current = g * v
    }
    HERE
    emit spike when rising dend[0].v > -50 mV
}
network N { population cell: C[2] }
";
    let here = |text: &str| cell.replace("HERE", text);
    let below = |text: &str| here("") + text + "\n";
    let projection = |clauses: &str| below(&format!("network M {{ population c: C[2]   {clauses} }}"));
    let synapse = "synapse S { weight w: nS   on pre.spike { deliver w * (pre.dend[3].v / 1 mV) } }";
    let sent = "connect all_to_all   weight 1 nS";
    let mut problems = Vec::new();
    for (text, code, help) in [
        (
            format!(
                "{synapse}\n{}",
                projection(&format!("projection c -> c.dend.exc: S {{ {sent}   place segment 0 }}"))
            ),
            "E0106",
            "`let tip = dend[3].v`",
        ),
        (below("network M { population c: C(C_m = 2 uF/cm^2)[2] }"), "E0204", "`init c.dend.C_m = …`"),
        (
            projection(&format!("projection c -> c.dend.exc: Static {{ {sent}   place [1, 2] }}")),
            "E0306",
            "`place segment 7`",
        ),
        (
            projection(&format!(
                "projection c -> c.dend.exc: Static {{ connect transpose of k   place segment 0 }}   projection k: c -> c.dend.exc: Static {{ {sent}   place segment 0 }}"
            )),
            "E0201",
            "above",
        ),
        (here("let m = dend[3].v at end of free"), "E0401", "`x at end of free`"),
        (below("test \"a\" { network n = N()   expect n.cell[0].dend[-1].v < 0 mV }"), "E0406", "from the root"),
        (below("test \"a\" { plot [1, 2] with x 0 .. 1 with x 0 .. 2 }"), "E0202", "remove one"),
        (below("test \"a\" { plot [1, 2] with zero, zero }"), "E0202", "remove one"),
        (below("test \"a\" { repeat 0 times { print 1 } }"), "E0401", "parameter"),
        (below("test \"a\" { print k   let k = 2   print k }"), "E0201", "above"),
        (
            format!(
                "use std.channels.hodgkin_huxley\n{}",
                below(
                    "neuron D { param C_m = 1 uF/cm^2   state v = 0 mV   channel na: NaHH   channel na: NaHH   v' = -na.current / C_m }"
                )
            ),
            "E0202",
            "rename",
        ),
        (
            format!(
                "use std.channels.hodgkin_huxley\n{}",
                below(
                    "neuron D { param C_m = 1 uF/cm^2   state v = 0 mV   state na = 3   channel na: NaHH   v' = -na.current / C_m * na }"
                )
            ),
            "E0202",
            "rename",
        ),
        (here("emit spike when rising dend[0].v > -50 mV"), "E0202", "remove one"),
    ] {
        let found = mistakes(&text);
        if !matches!(&found[..], [(_, c, h)] if c == code && h.contains(help)) {
            problems.push(format!("{text}: {code} with `{help}`, found {found:?}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
