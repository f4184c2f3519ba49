//! Mechanisms of NEURON as channels: what becomes of them, and what is refused.

use crate::support::{program, rendered, root, run_with};
use neuro::convert::{Flaw, nmodl};
use neuro::experiment::Settings;
use std::path::Path;

fn folder() -> std::path::PathBuf {
    root().join("tests/convert/nmodl")
}

/// Spaces and line breaks are the formatter's.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn files_become_channels() {
    let mut files: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "mod"));
    files.sort();
    assert!(files.len() >= 14);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().to_string();
        let found = nmodl(&text, &name).unwrap_or_else(|flaws| panic!("{name}: {flaws:?}"));
        let expected = std::fs::read_to_string(file.with_extension("neuro")).unwrap();
        assert_eq!(words(&found.text), words(&expected), "{name} became\n{}", found.text);
    }
}

fn refused(text: &str) -> Vec<Flaw> {
    nmodl(text, "x").expect_err(text)
}

/// A mechanism that differs in few places.
fn mechanism(neuron: &str, blocks: &str, rate: &str) -> String {
    format!(
        "NEURON {{ SUFFIX x NONSPECIFIC_CURRENT i {neuron} }}
PARAMETER {{ g = 1 (S/cm2) e = 0 (mV) k = 2 (ms) }}
ASSIGNED {{ v (mV) i (mA/cm2) old }}
STATE {{ m }}
INITIAL {{ m = 1/(1 + exp(-v/5)) }}
BREAKPOINT {{ SOLVE states METHOD cnexp i = g*m*(v - e) }}
DERIVATIVE states {{ {rate} }}
{blocks}"
    )
}

const RATE: &str = "m' = (1/(1 + exp(-v/5)) - m)/k";

#[test]
fn the_mechanism_of_the_refusals_is_sound() {
    let found = nmodl(&mechanism("", "", RATE), "x").unwrap();
    assert!(found.text.contains("gate m { inf = 1 / (1 + exp(-v / 5 mV))   tau = k }"), "{}", found.text);
    assert_eq!(found.notes, Vec::<String>::new());
}

/// Each text is refused, with a message at the place that begins so.
fn refused_at(cases: &[(String, &str, &str)]) {
    for (text, place, message) in cases {
        let flaws = refused(text);
        let found =
            flaws.iter().find(|f| f.message == *message).unwrap_or_else(|| panic!("{text}\n{message}\n{flaws:#?}"));
        assert!(text[found.at.start..].starts_with(place), "{message} is at {:?}", &text[found.at.start..]);
        assert!(!found.label.is_empty());
    }
}

#[test]
fn what_has_no_counterpart_is_refused_with_its_place() {
    let event = "NET_RECEIVE(w) { m = m + w ";
    let cases = [
        (mechanism("", "VERBATIM\n#include <x.h>\nENDVERBATIM", RATE), "VERBATIM", "`VERBATIM` is C code"),
        (mechanism("POINTER p", "", RATE), "POINTER", "`POINTER` points out of the mechanism"),
        (mechanism("BBCOREPOINTER p", "", RATE), "BBCOREPOINTER", "`BBCOREPOINTER` points out of the mechanism"),
        (mechanism("RANDOM r", "", RATE), "RANDOM", "`RANDOM` draws numbers"),
        (mechanism("", "LINEAR l { ~ m = 1 }", RATE), "LINEAR", "`LINEAR` solves equations at every step"),
        (mechanism("", "NONLINEAR l { ~ m = 1 }", RATE), "NONLINEAR", "`NONLINEAR` solves equations at every step"),
        (mechanism("", "FUNCTION_TABLE f(v)", RATE), "FUNCTION_TABLE", "`FUNCTION_TABLE` reads a table of numbers"),
        (mechanism("", "INCLUDE \"x.inc\"", RATE), "INCLUDE", "`INCLUDE` reads another file"),
        (mechanism("", "BEFORE STEP { k = 1 }", RATE), "BEFORE", "`BEFORE` runs outside of the equations"),
        (mechanism("", "", "m' = scop_random() - m"), "scop_random()", "`scop_random` draws numbers"),
        (mechanism("", "", "m' = (1 - m)/tau"), "tau", "unknown name `tau`"),
        (mechanism("", "", "m' = f(v) - m"), "f(v)", "unknown function `f`"),
        (mechanism("", "", "m' = f(v) - m  while (1) { }"), "while", "`while` has no counterpart"),
        (mechanism("", &format!("{event} WATCH (v > 0) 2 }}"), RATE), "WATCH", "`WATCH` has no counterpart"),
        (mechanism("", &format!("{event} net_send(1, 2) }}"), RATE), "net_send(1, 2)", "`net_send` makes events"),
        (
            mechanism("", &format!("{event} if (flag == 1) {{ m = 0 }} }}"), RATE),
            "flag",
            "`flag` tells events of its own from others",
        ),
        (
            mechanism("", "NET_RECEIVE(w) { m = m + 1 }", RATE),
            "NET_RECEIVE",
            "an event changes `m` by what is not proportional to its weight",
        ),
        (
            mechanism("", "NET_RECEIVE(w, y) { m = m + w }", RATE),
            "NET_RECEIVE",
            "`NET_RECEIVE` keeps `y` with the connection",
        ),
        (
            mechanism("", "NET_RECEIVE(w) { INITIAL { m = 0 } m = m + w }", RATE),
            "INITIAL { m = 0 }",
            "`INITIAL` of a connection",
        ),
        (mechanism("USEION na WRITE ena", "", RATE), "ena", "`ena` is written: a reversal potential"),
        (mechanism("", "", "m' = (old - m)/k  old = m"), "old", "`old` keeps a value from an earlier moment"),
        (
            mechanism("", "INITIAL { SOLVE states STEADYSTATE derivimplicit }", RATE),
            "SOLVE",
            "equations are solved in `INITIAL`",
        ),
        (mechanism("", "", &format!("{RATE} if (v > 0) {{ m = 0 }}")), "m }", "`m` is set outside of its equation"),
        (mechanism("", "ASSIGNED { a[4] }", RATE), "a[4]", "`a` is an array"),
        (mechanism("", "", "m'' = -m"), "m''", "`m''` is of second order"),
        (mechanism("", "", "m' = (1 - m)/"), "}", "expected an expression, found `}`"),
        ("NEURON { ARTIFICIAL_CELL Cell }".into(), "ARTIFICIAL_CELL", "an `ARTIFICIAL_CELL` is no channel"),
        ("NEURON { SUFFIX x }".into(), "x }", "the mechanism has no currents and no states"),
        ("PARAMETER { g = 1 }".into(), "", "no `SUFFIX` and no `POINT_PROCESS`"),
    ];
    refused_at(&cases);
}

/// The text of a mechanism that differs in few places, which passes the checks in a neuron.
fn carried(neuron: &str, blocks: &str, rate: &str) -> neuro::convert::Converted {
    let found =
        nmodl(&mechanism(neuron, blocks, rate), "x").unwrap_or_else(|flaws| panic!("{rate} {blocks}: {flaws:?}"));
    program(&format!("{}\nneuron Cell {{\n    state v = -65 mV\n    channel x: X\n}}\n", found.text));
    found
}

#[test]
fn the_potential_is_moved_where_a_singularity_stays() {
    let rates = |at: &str, below: &str| {
        let body = format!("a = 0.1*(v + 30)/{below} f = a/(a + 1)");
        format!("FUNCTION f(v) {{ LOCAL a if (v == {at}) {{ v = v + 0.0001 }} {body} }}")
    };
    let rate = "m' = (f(v) - m)/k";
    let smooth = carried("", &rates("-30", "(1 - exp(-(v + 30)/10))"), rate);
    assert!(!smooth.text.contains("=="), "{}", smooth.text);
    assert_eq!(smooth.notes, ["the potential is not moved off singularities: rates are smooth there"]);
    let sharp = carried("", &rates("-30", "sinh((v + 30)/10)"), rate);
    assert!(sharp.text.contains("if v == -30 mV then v + 0.0001 mV else v"), "{}", sharp.text);
    assert_eq!(sharp.notes, Vec::<String>::new());
    // A step at the place where the potential is moved.
    let step = "FUNCTION f(v) { if (v == -30) { v = v + 0.0001 } if (v > -30) { f = 1 } else { f = 0 } }";
    assert!(carried("", step, rate).text.contains("v == -30 mV"));
}

#[test]
fn what_one_branch_sets_is_not_taken_for_all() {
    let function = |body: &str| format!("FUNCTION f(v) {{ LOCAL a {body} }}");
    let procedure = |body: &str| format!("ASSIGNED {{ tau }} PROCEDURE r(v) {{ {body} }}");
    let (of_function, of_procedure) = ("m' = f(v) - m", "r(v) m' = (1 - m)/tau");
    let kept = "`tau` keeps a value from an earlier moment";
    let cases = [
        (function("if (v > 0) { a = 1 } f = a"), of_function, "`a` is not set in every case"),
        (function("if (v > 0) { } else { a = 1 } f = a"), of_function, "`a` is not set in every case"),
        (function("if (v > 0) { f = 1 }"), of_function, "`f` is not set in every case"),
        (function(""), of_function, "`f` is not set in every case"),
        (function("a = 1 if (v > 0) { LOCAL a a = 5 } f = a"), of_function, "`a` is declared twice"),
        (procedure("if (v > 0) { tau = 3 }"), of_procedure, kept),
        (procedure("if (v > 0) { } else { tau = 3 }"), of_procedure, kept),
        (String::new(), "if (v > 0) { m' = -m/k }", "`m` has an equation in one branch only"),
        (String::new(), "if (v > 0) { } else { m' = -m/k }", "`m` has an equation in one branch only"),
        (procedure("tau = 3"), "r() m' = (1 - m)/tau", "`r` takes 1 arguments, not 0"),
    ];
    for (blocks, rate, message) in cases {
        let flaws = refused(&mechanism("", &blocks, rate));
        assert!(flaws.iter().any(|f| f.message == message), "{blocks} {rate}: {message}\n{flaws:#?}");
    }
    let both = function("if (v > 0) { LOCAL b b = 2 a = b } else { LOCAL b b = 3 a = b } f = a");
    assert!(carried("", &both, of_function).text.contains("if v > 0 mV then 2 else 3"));
    let kinetic = "NEURON { SUFFIX x USEION k READ ek WRITE ik }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) }
STATE { a b }
INITIAL { a = 1 b = 0 }
BREAKPOINT { SOLVE s METHOD sparse ik = 0.01*b*(v - ek) }
KINETIC s { if (v > 0) { ~ a <-> b (1, 2) } else { ~ a <-> b (3, 4) } }";
    assert_eq!(refused(kinetic)[0].message, "reactions under a condition");
}

#[test]
fn conditions_on_numbers_are_decided() {
    let function = "FUNCTION f(v, n) { if (n == 0) { f = 2 } else if (n == 1) { f = 3 } }";
    let found = carried("", function, "m' = (f(v, 1) - m)/k");
    assert!(found.text.contains("m' = (3 - m) / k"), "{}", found.text);
}

#[test]
fn what_is_cut_off_or_there_twice_is_refused() {
    let function = "FUNCTION f(v) { f = 1 }";
    let sum = "STATE { b } KINETIC s { ~ m <-> b (1, 2) CONSERVE m + 2 b = 3 }";
    let cases = [
        (mechanism("", "COMMENT never closed", RATE), "COMMENT", "`ENDCOMMENT` is missing"),
        (mechanism("", "PARAMETER { q = 5", RATE), "", "expected `}`, found the end of the file"),
        (mechanism("", "PARAMETER { q = 1e999 }", RATE), "1e999", "`1e999` is no finite number"),
        (mechanism("", "PARAMETER { k = 3 }", RATE), "k = 3", "`k` is there twice"),
        (mechanism("", "UNITS { c = other }", RATE), "other", "expected a number, found `other`"),
        (mechanism("", "BREAKPOINT { i = g*v }", RATE), "BREAKPOINT { i = g*v }", "`BREAKPOINT` is there twice"),
        (mechanism("", &format!("{function} {function}"), RATE), "f(v)", "`f` is there twice"),
        (mechanism("", sum, RATE), "3 }", "`CONSERVE` of other than a sum of states of its own"),
    ];
    refused_at(&cases);
}

#[test]
fn what_events_set_is_not_dropped() {
    let on = |event: &str| {
        format!("PARAMETER {{ on = 0 }} NET_RECEIVE(w) {{ {event} m = m + w }} PROCEDURE p() {{ on = 1 }}")
    };
    for event in ["on = 1", "if (w > 0) { on = 1 }", "p()"] {
        let flaws = refused(&mechanism("", &on(event), "m' = (on - m)/k"));
        assert_eq!(flaws[0].message, "an event sets `on`, which is no state", "{event}");
    }
}

#[test]
fn states_begin_as_in_neuron() {
    let text = |parameters: &str, start: &str, initial: &str| {
        format!(
            "NEURON {{ SUFFIX x NONSPECIFIC_CURRENT i }} PARAMETER {{ g = 1 (S/cm2) {parameters} }}
ASSIGNED {{ v (mV) i (mA/cm2) }} STATE {{ m h {start} }} INITIAL {{ {initial} }}
BREAKPOINT {{ SOLVE s METHOD cnexp i = g*m*h*v }} DERIVATIVE s {{ m' = -m h' = -h }}"
        )
    };
    let cases = [
        (text("", "", ""), "state m = 0 state h = 0"),
        (text("m0 = 0.4", "", ""), "state m = m0 state h = 0"),
        (text("", "START 0.3", "m = 0.5"), "state m = 0.5 state h = 0.3"),
        // What is read before it is set has the value from before `INITIAL`.
        (text("m0 = 0.4", "", "h = m m = 0.2"), "state m = 0.2 state h = m0"),
        (text("", "", "if (v > 0) { m = 1 }"), "state m = if v > 0 mV then 1 else 0 state h = 0"),
    ];
    for (text, expected) in cases {
        let found = nmodl(&text, "x").unwrap();
        assert!(words(&found.text).join(" ").contains(expected), "{expected}\n{}", found.text);
    }
}

#[test]
fn values_that_neuron_takes_from_elsewhere_are_noted() {
    let text = "NEURON { SUFFIX x USEION k READ ek WRITE ik }
PARAMETER { ek = -90 (mV) celsius = 36 (degC) tau (ms) }
ASSIGNED { v (mV) ik (mA/cm2) }
STATE { m }
INITIAL { m = 0 }
BREAKPOINT { SOLVE s METHOD cnexp ik = 0.01*m*(v - ek)*3^((celsius - 22)/10) }
DERIVATIVE s { m' = -m/(1 + tau) }";
    let notes = nmodl(text, "x").unwrap().notes;
    let expected = [
        "`tau` has no value in the file, as NEURON has it: 0",
        "`E_K` is that of the file, -90 mV, where NEURON takes what the cell has, -77 mV at first",
        "the temperature is that of the file, where NEURON takes its own",
    ];
    assert_eq!(notes, expected);
    // What a current reads before it is computed is that of the step before.
    let late = "ASSIGNED { y } ";
    let text = mechanism("", late, RATE).replace("i = g*m*(v - e)", "i = g*m*y*(v - e) y = v/k");
    assert_eq!(refused(&text)[0].message, "`y` keeps a value from an earlier moment");
}

#[test]
fn all_flaws_are_told_at_once() {
    let text = mechanism("POINTER p", "LINEAR l { ~ m = 1 }\nVERBATIM\nint x;\nENDVERBATIM", RATE);
    let flaws = refused(&text);
    assert_eq!(flaws.len(), 3, "{flaws:#?}");
}

#[test]
fn kinetic_schemes_with_loops_may_not_begin_at_their_steady_state() {
    let text = "NEURON { SUFFIX x USEION k READ ek WRITE ik }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) }
STATE { a b c }
INITIAL { SOLVE s STEADYSTATE sparse }
BREAKPOINT { SOLVE s METHOD sparse ik = 0.01*c*(v - ek) }
KINETIC s { ~ a <-> b (1, 2) ~ b <-> c (1, 2) ~ c <-> a (1, 2) CONSERVE a + b + c = 1 }";
    assert_eq!(refused(text)[0].message, "the steady state of a scheme with loops");
}

/// What is cut off or changed by chance may be refused, but must not take long or fall over.
#[test]
fn malformed_files_are_refused() {
    let mut seed = 1u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below.max(1)
    };
    for file in std::fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|e| e != "mod") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for end in (0..text.len()).step_by(7) {
            let _ = nmodl(text.get(..end).unwrap_or(""), "x");
        }
        let signs = [
            "{", "}", "(", ")", "'", "=", "-", "^", "if", "SOLVE", "1e999", "m", "\u{b5}", "/", "LOCAL", "0", "~",
            "exp(",
        ];
        for _ in 0..150 {
            let mut changed = text.clone();
            for _ in 0..1 + next(3) {
                let at = next(changed.len());
                let to = (at + next(12)).min(changed.len());
                if changed.is_char_boundary(at) && changed.is_char_boundary(to) {
                    changed.replace_range(at..to, signs[next(signs.len())]);
                }
            }
            let _ = nmodl(&changed, "x");
        }
    }
}

#[test]
fn what_is_deep_or_long_is_refused() {
    let deep = format!("m' = {}v{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(refused(&mechanism("", "", &deep))[0].message.contains("too deep"));
    let minus = format!("m' = {}v", "-".repeat(100_000));
    assert!(refused(&mechanism("", "", &minus))[0].message.contains("too deep"));
    let branches = format!("{} m' = m", "if (v > 0) { k = 1 } else ".repeat(5000));
    refused(&mechanism("", "", &branches));
    // Each function calls the one before twice.
    let mut doubling = "FUNCTION f0(x) { f0 = x + v }\n".to_string();
    for i in 1..40 {
        doubling.push_str(&format!("FUNCTION f{i}(x) {{ f{i} = f{}(x) + f{}(x + 1) }}\n", i - 1, i - 1));
    }
    assert!(!refused(&mechanism("", &doubling, "m' = f39(v) - m")).is_empty());
    let itself = "FUNCTION f(x) { f = f(x + 1) }";
    assert!(refused(&mechanism("", itself, "m' = f(v) - m"))[0].message.contains("calls itself"));
    // A long sum of squares.
    let long = format!("m' = {}m", "(v + 1)^2 + ".repeat(20_000));
    refused(&mechanism("", "", &long));
    let power = format!("m' = {}", "m^m*".repeat(400) + "m");
    let _ = nmodl(&mechanism("", "", &power), "x");
    assert_eq!(refused(&" ".repeat(1 << 21))[0].message, "the file is too long for a mechanism");
}

/// A neuron that holds the channel, and a test with a line for each row of the file.
fn clamped(channel: &str, rows: &str) -> String {
    let head = channel.lines().find_map(|l| l.strip_prefix("channel ")).unwrap();
    let (name, arguments) = head.split_once('(').unwrap();
    let calcium = if arguments.contains("ca: mM") { "    state ca = 5e-5 mM\n" } else { "" };
    let mut given = Vec::new();
    let point = channel.contains(" uS") || channel.contains("amp = 0.1 nA");
    for (word, value) in [(" T = ", "T = 298.15 K"), ("E_K = ", "E_K = -77 mV"), ("E_Na = ", "E_Na = 50 mV")] {
        if channel.contains(word) {
            given.push(value);
        }
    }
    let given = if given.is_empty() { String::new() } else { format!("({})", given.join(", ")) };
    let mut text = format!(
        "{channel}\nneuron Clamped {{\n    state v = -65 mV\n{calcium}    channel x: {name}{given}\n}}\n\
         network Net {{ population cell: Clamped[1] }}\ntest \"as NEURON\" {{\n    precision f64\n    dt 0.005 ms\n    network net = Net()\n"
    );
    if channel.contains("event input") {
        // What is sent at 0.2 ms acts in NEURON from then on, here from the end of the step on.
        text.push_str("    drive net.cell.x.events { spikes [0.195 ms]   weight 0.01 uS }\n");
    }
    let unit = if point { "nA" } else { "mA/cm^2" };
    let mut now = 0.0;
    let steps = [(1.0, -20.0), (4.0, 20.0), (7.0, -90.0)];
    for row in rows.lines().skip(1) {
        let numbers: Vec<f64> = row.split(',').map(|n| n.parse().unwrap()).collect();
        if let Some((at, v)) = steps.iter().find(|s| (now..numbers[0]).contains(&s.0)) {
            text.push_str(&format!("    run {} ms\n    net.cell.v = {v} mV\n", at - now));
            now = *at;
        }
        text.push_str(&format!("    run {} ms\n", numbers[0] - now));
        now = numbers[0];
        let within = (numbers[2].abs() * 1e-6).max(1e-15);
        text.push_str(&format!("    expect net.cell.x.current == {} {unit} within {within} {unit}\n", numbers[2]));
    }
    text.push_str("}\n");
    text
}

/// Converted channels under voltage clamp, against NEURON (tests/oracle/nmodl/clamp.py).
#[test]
fn currents_under_voltage_clamp_are_those_of_neuron() {
    let mut count = 0;
    for file in std::fs::read_dir(root().join("tests/oracle/nmodl")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|e| e != "csv") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().to_string();
        let source = std::fs::read_to_string(folder().join(format!("{name}.mod"))).unwrap();
        let text = clamped(&nmodl(&source, &name).unwrap().text, &std::fs::read_to_string(&path).unwrap());
        let p = program(&text);
        let out = run_with(&p, 0, Settings::default(), &root());
        assert!(out.failure.is_none(), "{name}: {}", rendered(out.failure.iter().map(|d| &**d), &p.sources));
        let failed: Vec<_> = out.expectations.iter().filter(|e| !e.passed).map(|e| &e.found).collect();
        assert!(!out.expectations.is_empty() && failed.is_empty(), "{name}: {failed:?}\n{text}");
        count += 1;
    }
    assert_eq!(count, 12);
}

/// The text between the fences of a kind after a place of docs/formats.md.
fn shown(after: &str, fence: &str) -> String {
    let page = std::fs::read_to_string(root().join("docs/formats.md")).unwrap();
    let rest = page.split_once(after).unwrap().1.split_once(&format!("```{fence}\n")).unwrap().1;
    rest.split_once("```").unwrap().0.to_string()
}

#[test]
fn the_chapter_shows_what_comes_out() {
    let found = nmodl(&shown("## NMODL", "text"), "ka").unwrap();
    assert_eq!(words(&found.text), words(&shown("## NMODL", "neuro")), "{}", found.text);
    let nothing = |_: &Path| Err(std::io::Error::other("nothing is included"));
    let found = neuro::convert::neuroml(&shown("## NeuroML", "xml"), Path::new("LEMS_run.xml"), &nothing).unwrap();
    let written = shown("## NeuroML", "text");
    let declared = &found.text[found.text.find("fn pulse").unwrap()..];
    assert_eq!(words(declared), words(&written), "{}", found.text);
    program(&found.text);
}

#[test]
fn files_in_latin_1_are_read_as_they_were_meant() {
    let leak = std::fs::read_to_string(folder().join("leak.mod")).unwrap();
    let plain = leak.replace("e = -70 (mV)", "e = -70000 (uV)");
    assert_ne!(plain, leak);
    let comment = "COMMENT\nd\u{e9}j\u{e0} vu, \u{b5}m\nENDCOMMENT\n";
    // In Latin-1 a byte is the character of its number.
    let bytes = format!("{comment}{}", plain.replace("uV", "\u{b5}V")).chars().map(|c| c as u8).collect::<Vec<u8>>();
    let path = std::env::temp_dir().join(format!("latin_{}.mod", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    let read = neuro::disk::source_of_bytes(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let converted = |text: &str| nmodl(text, "x").unwrap_or_else(|flaws| panic!("{flaws:?}")).text;
    let (found, expected) = (converted(&read.text), converted(&format!("{comment}{plain}")));
    assert_eq!(found.replace("\u{b5}V", "uV"), expected);
}
