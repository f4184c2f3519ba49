//! One meaning on every path.
//!
//! `tests/meaning/values`: every `test` and `experiment` must hold in both precisions and on every back end, and its file must
//! be checked and run without a warning, but for one that a first line `# warned: W0801 by run at "text"` announces, or that
//! `# allowed: …` permits.
//!
//! `tests/meaning/refused`: one mistake in each file. Its first line `# refused: E0404 by check at "text"` says the code, where it
//! is found, and the text that the primary label must cover: all of the quoted text, which is there once, or the part of it
//! between bars. `or` separates codes (and stages) that are right both.
//!
//! What does not hold yet is listed in `PENDING`. A pending case that holds fails the test, so that the list only shrinks.

use crate::support::{program, root, run_with, try_program};
use neuro::codegen::Backend;
use neuro::compiler::Program;
use neuro::diag::{Diagnostic, Severity};
use neuro::experiment::{Outcome, Override, Settings};
use neuro::ir::Precision;
use neuro::source::{FileId, Span};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

#[path = "meaning/pending.rs"]
mod pending;
use pending::{PENDING_PROPERTIES, PENDING_REFUSED, PENDING_VALUES};

fn folder(name: &str) -> PathBuf {
    root().join("tests/meaning").join(name)
}

/// Stem and text of every program of a folder, by name.
fn programs(name: &str) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder(name)).unwrap().flatten().map(|e| e.path());
    files
        .filter(|p| p.extension().is_some_and(|e| e == "neuro"))
        .map(|p| (p.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&p).unwrap()))
        .collect()
}

/// Every way in which a value has to be the same.
fn variations() -> impl Iterator<Item = Settings> {
    let backends = [Backend::Interpreter, Backend::Cranelift, Backend::Wide].into_iter().filter(|b| b.is_available());
    backends.flat_map(|backend| {
        [Precision::F32, Precision::F64].map(|p| Settings { backend, precision: Some(p), ..Settings::default() })
    })
}

/// What a first line announces: a finding of one of some codes, at one of some stages, at a place.
struct Announced {
    codes: Vec<String>,
    required: bool,
    stages: Vec<String>,
    place: Span,
}

impl Announced {
    /// Reads `# keyword: E0101 or E0102 by check or by run at "text"`.
    fn read(text: &str, keyword: &str) -> Option<Announced> {
        let line = text.lines().next()?.strip_prefix("# ")?.strip_prefix(keyword)?.strip_prefix(": ")?;
        let (what, quoted) = line.split_once(" at ").expect("` at ` before the text");
        let quoted = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')).expect("a quoted text");
        let words: Vec<&str> = what.split(' ').filter(|w| !["or", "by"].contains(w)).collect();
        let (stages, codes): (Vec<&str>, Vec<&str>) = words.iter().partition(|w| ["check", "run"].contains(w));
        let own = |list: Vec<&str>| list.into_iter().map(str::to_string).collect();
        Some(Announced {
            codes: own(codes),
            required: keyword != "allowed",
            stages: own(stages),
            place: place(text, quoted),
        })
    }

    /// Says what is wrong with a finding, if anything is.
    fn objection(&self, finding: &Diagnostic, stage: &str, text: &str) -> Option<String> {
        if !self.codes.contains(&finding.code.to_string()) {
            return Some(format!("{} by {stage}: {}", finding.code, finding.message));
        }
        if !self.stages.iter().any(|s| s == stage) {
            return Some(format!("{} by {stage}", finding.code));
        }
        let Some(found) = finding.span() else { return Some(format!("{} without a place", finding.code)) };
        let covers = found.file == FileId(0) && found.start <= self.place.start && self.place.end <= found.end;
        let same_lines = || lines(text, found) == lines(text, self.place);
        (!covers || !same_lines()).then(|| format!("{} at `{}`", finding.code, shown(text, found)))
    }
}

fn shown(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap_or("another file")
}

fn lines(text: &str, span: Span) -> (usize, usize) {
    let line = |at: u32| text[..at as usize].matches('\n').count();
    (line(span.start), line(span.end))
}

/// Where the quoted text is, or the part of it between two bars; comments do not count.
#[track_caller]
fn place(text: &str, quoted: &str) -> Span {
    let parts: Vec<&str> = quoted.split('|').collect();
    let (before, wanted) = if let [before, wanted, _] = parts[..] { (before, wanted) } else { ("", quoted) };
    let all = if parts.len() == 3 { parts.concat() } else { quoted.to_string() };
    let in_comment = |at: usize| text[..at].rsplit('\n').next().is_some_and(|l| l.trim_start().starts_with('#'));
    let found: Vec<usize> = text.match_indices(&all).map(|(at, _)| at).filter(|at| !in_comment(*at)).collect();
    let [at] = found[..] else { panic!("`{all}` is there {} times", found.len()) };
    let start = (at + before.len()) as u32;
    Span { file: FileId(0), start, end: start + wanted.len() as u32 }
}

/// Says in which variation an experiment does not hold, and how.
fn objection_to_value(p: &Program, index: usize, warned: Option<&Announced>) -> Option<String> {
    let text = &p.sources.file(FileId(0)).text;
    let double = text.starts_with("# in double precision: ");
    variations().filter(|s| !double || s.precision == Some(Precision::F64)).find_map(|settings| {
        let name = format!("{:?} {:?}", settings.backend, settings.precision.unwrap_or_default());
        let objection = unless_it_panics(|| {
            let out = run_with(p, index, settings, &folder("values"));
            objection_to_outcome(&out, text, warned)
        });
        objection.map(|o| format!("{name}: {o}"))
    })
}

/// A panic is an objection like others.
fn unless_it_panics(judge: impl FnOnce() -> Option<String>) -> Option<String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(judge)).unwrap_or_else(|_| Some("a panic".to_string()))
}

fn objection_to_outcome(out: &Outcome, text: &str, warned: Option<&Announced>) -> Option<String> {
    if let Some(d) = &out.failure {
        return Some(format!("{}: {}", d.code, d.message));
    }
    if out.expectations.is_empty() {
        return Some("nothing is expected".to_string());
    }
    if let Some(e) = out.expectations.iter().find(|e| !e.passed) {
        return Some(format!("`{}` found {}", shown(text, e.span), e.found));
    }
    objection_to_warnings(out.warnings.iter(), "run", text, warned)
}

/// The warnings must be those that are announced; one that is announced at this stage must be there.
fn objection_to_warnings<'a>(
    found: impl Iterator<Item = &'a Diagnostic>,
    stage: &str,
    text: &str,
    announced: Option<&Announced>,
) -> Option<String> {
    let mut expected = announced.is_some_and(|a| a.required && a.stages.iter().any(|s| s == stage));
    for d in found {
        let Some(a) = announced else { return Some(format!("{}: {}", d.code, d.message)) };
        if let Some(o) = a.objection(d, stage, text) {
            return Some(o);
        }
        expected = false;
    }
    expected.then(|| "no warning".to_string())
}

/// Compares what failed with what is expected to fail.
#[track_caller]
fn only_pending(failed: &BTreeMap<String, String>, pending: &[&str]) {
    let mut problems = String::new();
    for (name, why) in failed.iter().filter(|(name, _)| !pending.contains(&name.as_str())) {
        let _ = writeln!(problems, "{name}\n    {why}");
    }
    for name in pending.iter().filter(|name| !failed.contains_key(**name)) {
        let _ = writeln!(problems, "{name}\n    holds (or is no longer there): take it off the list of pending cases");
    }
    assert!(problems.is_empty(), "\n{problems}");
    if std::env::var_os("NEURO_PENDING").is_some() {
        failed.iter().for_each(|(name, why)| println!("{name}\n    {why}"));
    }
}

/// Checks and runs every experiment of a text; failures by `file: title`, or by `file` where nothing can be run.
fn failures_of_values(stem: &str, text: &str) -> Vec<(String, String)> {
    let warned = Announced::read(text, "warned").or_else(|| Announced::read(text, "allowed"));
    let p = match try_program(text) {
        Ok(p) => p,
        Err(r) => return vec![(stem.to_string(), first_error(&r.diagnostics.iter().collect::<Vec<_>>()))],
    };
    let mut failed = Vec::new();
    if let Some(o) = objection_to_warnings(p.diagnostics.iter(), "check", text, warned.as_ref()) {
        failed.push((stem.to_string(), o));
    }
    let titles = p.module.experiments.iter().chain(&p.module.tests).map(|e| e.name.to_string());
    for (index, title) in titles.enumerate() {
        if let Some(o) = objection_to_value(&p, index, warned.as_ref()) {
            failed.push((format!("{stem}: {title}"), o));
        }
    }
    failed
}

fn first_error(found: &[&Diagnostic]) -> String {
    let first = found.iter().find(|d| d.severity() == Severity::Error);
    first.map_or(String::new(), |d| format!("{}: {}", d.code, d.message))
}

#[test]
fn values_are_right_on_every_path() {
    let failed: BTreeMap<String, String> =
        programs("values").iter().flat_map(|(stem, text)| failures_of_values(stem, text)).collect();
    only_pending(&failed, PENDING_VALUES);
}

/// Says why a text is not refused as its first line announces.
fn objection_to_refusal(text: &str, folder: &Path) -> Option<String> {
    let announced = Announced::read(text, "refused").expect("a first line that announces a refusal");
    let p = match try_program(text) {
        Err(r) => {
            let errors: Vec<&Diagnostic> = r.diagnostics.iter().filter(|d| d.severity() == Severity::Error).collect();
            return match errors[..] {
                [one] => announced.objection(one, "check", text),
                _ => Some(errors.iter().map(|d| format!("{}: {}; ", d.code, d.message)).collect()),
            };
        }
        Ok(p) => p,
    };
    let experiments = p.module.experiments.len() + p.module.tests.len();
    assert_eq!(experiments, 1, "one experiment in each file");
    let out = run_with(&p, 0, Settings::default(), folder);
    match &out.failure {
        Some(d) => announced.objection(d, "run", text),
        None => Some("accepted".to_string()),
    }
}

#[test]
fn mistakes_are_refused_at_their_place() {
    let folder = folder("refused");
    let failed: BTreeMap<String, String> = programs("refused")
        .into_iter()
        .filter_map(|(stem, text)| unless_it_panics(|| objection_to_refusal(&text, &folder)).map(|o| (stem, o)))
        .collect();
    only_pending(&failed, PENDING_REFUSED);
}

/// Runs properties; those that fail must be pending.
#[track_caller]
fn only_pending_properties(results: impl IntoIterator<Item = (&'static str, Result<(), String>)>) {
    let results: Vec<_> = results.into_iter().collect();
    let pending: Vec<&str> =
        PENDING_PROPERTIES.iter().copied().filter(|p| results.iter().any(|(name, _)| name == p)).collect();
    let failed = results.into_iter().filter_map(|(name, r)| r.err().map(|why| (name.to_string(), why))).collect();
    only_pending(&failed, &pending);
}

#[test]
fn pending_properties_exist() {
    let here = include_str!("meaning.rs");
    for name in PENDING_PROPERTIES {
        assert!(here.contains(&format!("(\"{name}\"")), "{name}");
    }
}

/// Where a variable gets its value.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    /// Arguments of the population; of parameters only.
    Model,
    Init,
    Experiment,
    /// `--set`
    Override,
}

/// The variables of a chain of defaults and what they follow from.
const CHAIN: [&str; 5] = ["p", "q", "r", "x", "y"];
const CHAIN_MODEL: &str = "neuron Chain {
    param p = 1, q = 2 * p, r = q + p
    state x = r, y = q + 1
    x' = 0 / 1 ms
    y' = 0 / 1 ms
}";

/// The definitions of the model, with given values put in.
fn chain_by_algebra(given: &[Option<f64>; 5]) -> [f64; 5] {
    let p = given[0].unwrap_or(1.0);
    let q = given[1].unwrap_or(2.0 * p);
    let r = given[2].unwrap_or(q + p);
    [p, q, r, given[3].unwrap_or(r), given[4].unwrap_or(q + 1.0)]
}

/// Runs the chain with its values given at their places, statements in the order of `given`, and compares all variables.
fn chain_holds(given: &[(usize, Place, u32)]) -> Result<(), String> {
    let at = |place: Place, before: &str, separator: &str| -> String {
        let of_place = given.iter().filter(|g| g.1 == place);
        of_place.map(|(v, _, value)| format!("{before}{} = {value}", CHAIN[*v])).collect::<Vec<_>>().join(separator)
    };
    let arguments = at(Place::Model, "", ", ");
    let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
    let text = format!(
        "{CHAIN_MODEL}
        network Net {{ population a: Chain{arguments}[2]\n {} }}
        experiment e {{ network net = Net()\n {}\n {} }}",
        at(Place::Init, "init a.", "\n"),
        at(Place::Experiment, "net.a.", "\n"),
        CHAIN.map(|v| format!("measure m_{v} = net.a.{v}")).join("\n"),
    );
    let overrides = given
        .iter()
        .filter(|g| g.1 == Place::Override)
        .map(|(v, _, value)| Override { path: format!("net.a.{}", CHAIN[*v]), value: value.to_string() })
        .collect();
    let settings = Settings { overrides, precision: Some(Precision::F64), ..Settings::default() };
    let out = run_with(&program(&text), 0, settings, &root());
    if let Some(d) = out.failure {
        return Err(format!("{given:?}: {}: {}", d.code, d.message));
    }
    let values = CHAIN.map(|v| out.measures[&format!("m_{v}")][0].clone());
    let mut of_variable = [None; 5];
    given.iter().for_each(|(v, _, value)| of_variable[*v] = Some(f64::from(*value)));
    for (v, expected) in chain_by_algebra(&of_variable).into_iter().enumerate() {
        if values[v].data.iter().any(|x| *x != expected) {
            return Err(format!("{given:?}: {} is {:?}, not {expected}", CHAIN[v], values[v].data));
        }
    }
    Ok(())
}

/// Every variable given at most once, at some place, in some order.
fn givens() -> impl Strategy<Value = Vec<(usize, Place, u32)>> {
    let place = prop_oneof![
        Just(None),
        Just(Some(Place::Model)),
        Just(Some(Place::Init)),
        Just(Some(Place::Experiment)),
        Just(Some(Place::Override))
    ];
    (prop::array::uniform5((place, 10u32..99)), Just([0, 1, 2, 3, 4]).prop_shuffle()).prop_map(|(choices, order)| {
        let of_variable = |v: usize| {
            let (place, value) = choices[v];
            let place = place.filter(|p| *p != Place::Model || v < 3)?;
            Some((v, place, value))
        };
        order.into_iter().filter_map(of_variable).collect()
    })
}

#[test]
fn a_variable_is_what_is_given_or_what_it_follows_from() {
    let one = |place: Place, v: usize| chain_holds(&[(v, place, 50)]);
    let alone = |place: Place| (0..5).filter(|v| place != Place::Model || *v < 3).try_for_each(|v| one(place, v));
    let orders = TestRunner::deterministic()
        .run(&givens(), |given| chain_holds(&given).map_err(TestCaseError::fail))
        .map_err(|e| e.to_string());
    let init_last = chain_holds(&[(0, Place::Init, 50), (1, Place::Init, 60)]);
    let init_first = chain_holds(&[(1, Place::Init, 60), (0, Place::Init, 50)]);
    let experiment_last = chain_holds(&[(0, Place::Experiment, 50), (3, Place::Experiment, 60)]);
    let experiment_first = chain_holds(&[(3, Place::Experiment, 60), (0, Place::Experiment, 50)]);
    let overridden = chain_holds(&[(1, Place::Model, 60), (0, Place::Override, 50)]);
    let set_over_init = chain_holds(&[(3, Place::Init, 60), (0, Place::Override, 50)]);
    only_pending_properties([
        ("nothing given", chain_holds(&[])),
        ("given by the population", alone(Place::Model)),
        ("given by init", alone(Place::Init)),
        ("given by the experiment", alone(Place::Experiment)),
        ("given by --set", alone(Place::Override)),
        ("a parameter before its follower by init", init_last),
        ("a parameter after its follower by init", init_first),
        ("a parameter before a state by the experiment", experiment_last),
        ("a parameter after a state by the experiment", experiment_first),
        ("--set keeps explicit parameters", overridden),
        ("--set keeps explicit initial values", set_over_init),
        ("any places in any order", orders),
    ]);
}

/// Whether a value out of bounds is refused, or else where it ends up.
#[derive(Debug, Clone, PartialEq)]
enum Beyond {
    Refused(String),
    Clipped,
    Kept,
}

/// A network whose synapses have bounded weights and states, with what says where they begin.
fn bounded_synapses(clauses: &str) -> String {
    format!(
        "neuron Cell {{ event input exc: 1   state v = 0   v' = exc   emit spike when v > 1e6 }}
        synapse Bounded {{ weight w: 1 in 0 .. 1   state z = 0.5 in 0 .. 1   on pre.spike {{ deliver w * z }} on shift {{ z += w }} }}
        network Net {{
            population a: Cell[2]
            population b: Cell[2]
            projection p: a -> b.exc: Bounded {{ connect one_to_one   {clauses}   delay 1 ms }}
        }}"
    )
}

/// A network whose cells have a bounded state, with what says where it begins.
fn bounded_cells(init: &str) -> String {
    format!(
        "neuron Unit {{ state s = 0.5 in 0 .. 1   on shift {{ s += 0.1 }} }}
        network Net {{ population a: Unit[2]   {init} }}"
    )
}

/// What becomes of 5 where 0 .. 1 is allowed.
fn beyond(network: &str, statement: &str, measured: &str) -> Beyond {
    let text = format!("{network} experiment e {{ network net = Net()\n {statement}\n measure m = {measured} }}");
    let refused = |d: &Diagnostic| Beyond::Refused(d.code.to_string());
    let p = match try_program(&text) {
        Ok(p) => p,
        Err(r) => return refused(r.diagnostics.iter().next().expect("a reason")),
    };
    let out = run_with(&p, 0, Settings::default(), &root());
    match out.failure {
        Some(d) => refused(&d),
        None if out.measures["m"][0].data.iter().all(|x| (0.0..=1.0).contains(x)) => Beyond::Clipped,
        None => Beyond::Kept,
    }
}

/// Bounds mean the same wherever a value comes from: out of bounds is refused everywhere, or clipped everywhere.
#[test]
fn bounds_hold_for_initial_values_and_assignments() {
    let weight = |clause: &str| beyond(&bounded_synapses(clause), "", "net.p.w");
    let synapse = |statement: &str, measured: &str| beyond(&bounded_synapses("weight 0.5"), statement, measured);
    let init = |init: &str| beyond(&bounded_cells(init), "", "net.a.s");
    let cell = |statement: &str| beyond(&bounded_cells(""), statement, "net.a.s");
    assert_eq!(synapse("net.p.w = 0.75  net.p.z = 0.25", "net.p.w"), Beyond::Clipped, "values within bounds");
    assert_eq!(cell("net.a.s = 0.75"), Beyond::Clipped, "values within bounds");
    let found = [
        ("weight of a projection", weight("weight 5")),
        ("weight by expression", weight("weight 5 + pre.i")),
        ("weight drawn", weight("weight ~ uniform(4, 5)")),
        ("weight assigned", synapse("net.p.w = 5", "net.p.w")),
        ("weights assigned", synapse("net.p.w = [0.5, 5]", "net.p.w")),
        ("weight added to", synapse("net.p.w += 5", "net.p.w")),
        ("weight drawn anew", synapse("net.p.w ~ uniform(4, 5)", "net.p.w")),
        ("weight assigned, then run", synapse("net.p.w = 5  run 1 ms", "net.p.w")),
        ("state of a synapse assigned", synapse("net.p.z = 5", "net.p.z")),
        ("state of a cell by init", init("init a.s = 5")),
        ("state of a cell drawn by init", init("init a.s ~ uniform(4, 5)")),
        ("state of a cell assigned", cell("net.a.s = 5")),
        ("states of cells assigned", cell("net.a.s = [0.5, 5]")),
        ("state of one cell assigned", cell("net.a[1].s = 5")),
        ("state of a cell added to", cell("net.a.s += 5")),
        ("state of a cell drawn anew", cell("net.a.s ~ uniform(4, 5)")),
    ];
    let refuses = found.iter().any(|(_, b)| matches!(b, Beyond::Refused(_)));
    let right = |b: &Beyond| if refuses { matches!(b, Beyond::Refused(_)) } else { *b == Beyond::Clipped };
    let wrong = found.iter().filter(|(_, b)| !right(b)).map(|(name, b)| format!("{name}: {b:?}")).collect::<Vec<_>>();
    let result = if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) };
    only_pending_properties([("bounds", result)]);
}

/// The error of x' = f(t, x) at 4 ms, whose solution is known: x = sin(t) for x' = cos(t) - (x - sin(t)).
fn error_with_time(scheme: &str, dt_us: u32) -> f64 {
    let text = format!(
        "neuron Follower {{ state x = 0   x' = (cos(t / 1 ms) - (x - sin(t / 1 ms)) * (1 + x * x)) / 1 ms   scheme {scheme} }}
        network Net {{ population a: Follower[1] }}
        experiment e {{ precision f64   dt {} ms   network net = Net()   run 4 ms   measure x = net.a.x }}",
        f64::from(dt_us) / 1000.0
    );
    let out = run_with(&program(&text), 0, Settings::default(), &root());
    (out.measures["x"][0].data[0] - 4f64.sin()).abs()
}

#[test]
fn schemes_keep_their_order_where_equations_contain_time() {
    let order = |scheme: &'static str, expected: f64| {
        let found = (error_with_time(scheme, 80) / error_with_time(scheme, 40)).log2();
        let off = (found - expected).abs();
        if off < 0.3 { Ok(()) } else { Err(format!("order {found:.2}, not {expected}")) }
    };
    only_pending_properties([
        ("order of euler with time", order("euler", 1.0)),
        ("order of heun with time", order("heun", 2.0)),
        ("order of rk4 with time", order("rk4", 4.0)),
    ]);
}

#[test]
fn what_goes_on_with_the_unit_of_a_number_is_a_unit_whatever_else_has_its_name() {
    let text = "
        neuron Cell {
            param E = -77 mV
            state v = -65 mV, m = 0.5, s = 2
            let inside = 36 S/m^2
            let outside = 36 S/m/m
            let slope = 3 um/s
            let divided = 36 S / m
            let bracketed = (36 S)/m
            let product = 2 mV*m^2
            m' = 0/ms
        }
        network Net { population cell: Cell[1] }
        experiment e {
            network net = Net()
            measure inside = net.cell.inside / (1 S) * 1 cm^2
            measure outside = net.cell.outside / (1 S) * 1 cm^2
            measure slope = net.cell.slope / (1 um) * 1 ms
            measure divided = net.cell.divided / 1 S
            measure bracketed = net.cell.bracketed / 1 S
            measure product = net.cell.product / 1 mV
        }";
    let out = crate::support::run(text);
    let found = |name: &str| crate::support::measured(&out, name);
    crate::support::near(&found("inside"), &[36e-4], 1e-12);
    crate::support::near(&found("outside"), &[36e-4], 1e-12);
    crate::support::near(&found("slope"), &[3e-3], 1e-12);
    assert_eq!((found("divided"), found("bracketed")), (vec![72.0], vec![72.0]));
    assert_eq!(found("product"), [0.5]);
}
