//! Every diagnostic: its page's wrong example gives exactly that code, its right one compiles and runs, and the
//! rendering of source and message together is a snapshot.

use crate::checkpoint::All;
use crate::support::{program, rendered, root, run_with, try_program};
use neuro::compiler::Silent;
use neuro::data::Files;
use neuro::diag::{Code, Diagnostics};
use neuro::experiment::{CheckpointStore, Checkpoints, Override, Progress, RunIdentity, Runner, Settings};
use neuro::source::FileId;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What raises a code.
type Raise = fn() -> Vec<Code>;

/// Codes that the text of a page cannot bring about, because they follow from files, options or what happens to a run; and what does.
const OTHERWISE: [(Code, Raise); 15] = [
    (Code::E0609, || {
        of_files("connect from \"edges.csv\"(pre = \"a\", post = \"b\")", "", &[("edges.csv", b"a,b\n0,1\n0,99\n")])
    }),
    (Code::E0803, || {
        of_files("connect all_to_all", "measure x = column(csv(\"t.csv\"), \"y\")", &[("t.csv", b"y\n1\ntwo\n")])
    }),
    (Code::E0804, || of_options("net.a.nothing", "3")),
    (Code::E0805, || of_options("net.a.tau", "3 mV")),
    (Code::E0806, || {
        of_results("occupied", |folder| std::fs::write(folder.join("results/e/own.txt"), "of the user"), &["e"])
    }),
    (Code::E0808, || of_results("unknown", |_| Ok(()), &["f"])),
    (Code::E0809, || of_run(&Full, None, &Silent)),
    (Code::E0810, changed_since),
    (Code::E0812, || of_run(&All::default(), None, &Stopped)),
    (Code::E0813, || of_run(&All::default(), Some(b"something else".to_vec()), &Silent)),
    (Code::E0814, || of_files("connect all_to_all", "data d = mnist()", &[])),
    (Code::E0819, || of_conversion("NEURON { SUFFIX x }\nVERBATIM\nENDVERBATIM\n")),
    (Code::E0820, of_export),
    (Code::E0822, crate::planned::refused),
    (Code::E0815, || {
        of_files("connect all_to_all", "data d = mnist()", &[("mnist/train-images-idx3-ubyte", b"other images")])
    }),
];

/// A model in which everything else is right.
fn model(connect: &str, statement: &str) -> String {
    format!(
        "neuron Cell {{ param tau = 10 ms  event input exc: mV  state v = 0 mV  v' = -v / tau + exc  emit spike when v > 9 mV }}
        network Net {{ population a: Cell[3]  projection a -> a.exc: Static {{ {connect}  weight 1 mV  delay 1 ms }} }}
        experiment e {{
            network net = Net()
            {statement}
            run 5 ms
            measure v = sum(net.a.v)
        }}"
    )
}

/// Files in memory, of which some belong to data sets.
struct Held(&'static [(&'static str, &'static [u8])]);

impl Files for Held {
    fn find(&self, path: &str) -> Option<Vec<u8>> {
        self.read(path).ok()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let found = self.0.iter().find(|(name, _)| *name == path);
        found.map(|(_, bytes)| bytes.to_vec()).ok_or_else(|| "not there".into())
    }
}

fn run_model(text: &str, files: &Held, settings: Settings) -> Vec<Code> {
    let p = program(text);
    let out = Runner { module: &p.module, files, settings, progress: &Silent }.run(&p.module.experiments[0]);
    out.warnings.iter().map(|d| d.code).chain(out.failure.map(|d| d.code)).collect()
}

/// What is said with such files.
fn of_files(connect: &str, statement: &str, files: &'static [(&'static str, &'static [u8])]) -> Vec<Code> {
    run_model(&model(connect, statement), &Held(files), Settings::default())
}

/// What is said with such a `--set`.
fn of_options(path: &str, value: &str) -> Vec<Code> {
    let overrides = vec![Override { path: path.into(), value: value.into() }];
    run_model(&model("connect all_to_all", ""), &Held(&[]), Settings { overrides, ..Settings::default() })
}

/// A place for checkpoints without room.
struct Full;

impl CheckpointStore for Full {
    fn is_due(&self) -> bool {
        true
    }

    fn keep(&self, _: &[u8], _: &[String]) -> Result<(), String> {
        Err("no space left".into())
    }

    fn keep_part(&self, _: &str, _: &[u8]) -> Result<(), String> {
        Err("no space left".into())
    }

    fn forget_part(&self, _: &str) {}

    fn part(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("nothing is kept".into())
    }
}

/// The user asks to stop.
struct Stopped;

impl Progress for Stopped {
    fn update(&self, _: &neuro::experiment::Moment) {}

    fn interrupted(&self) -> Option<String> {
        Some("the test".to_string())
    }
}

/// What is said when checkpoints are kept and the run goes on from one.
fn of_run(keeper: &dyn CheckpointStore, resume: Option<Vec<u8>>, progress: &dyn Progress) -> Vec<Code> {
    let p = program(&model("connect all_to_all", ""));
    let (neuro, source_sha256, experiment) = ("test".into(), "same".into(), "e".into());
    let belongs = RunIdentity { neuro, source_sha256, experiment, overrides: Vec::new(), precision: None };
    let runner = Runner { module: &p.module, files: &Held(&[]), settings: Settings::default(), progress };
    let out = runner.run_with(&p.module.experiments[0], &Checkpoints { keeper, belongs, resume });
    out.failure.map(|d| d.code).into_iter().collect()
}

/// A folder with a model and a folder for its results.
fn folder(name: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("errors").join(name);
    let _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir_all(out.join("results/e")).expect("a folder");
    std::fs::write(out.join("m.neuro"), model("connect all_to_all", "")).expect("a file");
    out
}

/// What the binary says.
fn said(folder: &Path, args: &[&str]) -> Vec<Code> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
    let out = command.current_dir(folder).args(args).args(["--message-format", "short"]).output().expect("neuro runs");
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    text.split("error[").skip(1).filter_map(|t| Code::parse(t.split(']').next()?)).collect()
}

/// What `neuro run` says in a folder that was changed before.
fn of_results(name: &str, change: fn(&Path) -> std::io::Result<()>, args: &[&str]) -> Vec<Code> {
    let folder = folder(name);
    change(&folder).expect("changed");
    said(&folder, &[&["run", "m.neuro", "--quiet"], args].concat())
}

/// What `neuro convert` says of a mechanism.
fn of_conversion(text: &str) -> Vec<Code> {
    let folder = folder("conversion");
    std::fs::write(folder.join("x.mod"), text).expect("a file");
    said(&folder, &["convert", "x.mod"])
}

/// What `neuro convert --to` says of a cell with two kinds of events.
fn of_export() -> Vec<Code> {
    let folder = folder("export");
    let cell = "neuron A { state v = 0  v' = 1/ms  emit spike when v > 1 { v = 0 }  emit burst on spike when v > 2 }";
    std::fs::write(folder.join("m.neuro"), cell).expect("a file");
    said(&folder, &["convert", "m.neuro", "--to", "nestml"])
}

/// What `--replay` says when the source has changed since.
fn changed_since() -> Vec<Code> {
    let folder = folder("replay");
    let first = said(&folder, &["run", "m.neuro", "e", "--quiet"]);
    assert!(first.is_empty(), "{first:?}");
    std::fs::write(folder.join("m.neuro"), model("connect all_to_all", "measure two = 2")).expect("a file");
    said(&folder, &["run", "--replay", "results/e/run.json", "--results", "again", "--quiet"])
}

#[test]
fn what_no_text_brings_about_is_raised_as_well() {
    for (code, raise) in OTHERWISE {
        assert_eq!(raise(), [code]);
    }
}

fn fences(page: &str) -> Vec<String> {
    page.split("```neuro\n").skip(1).map(|p| p.split("```").next().unwrap_or("").to_string()).collect()
}

/// Checks, and if that finds nothing, runs what the text declares first.
fn findings(text: &str) -> (Vec<Code>, String) {
    let (diagnostics, sources) = match try_program(text) {
        Err(r) => (r.diagnostics, r.sources),
        Ok(p) => {
            let mut all = p.diagnostics.clone();
            if !p.module.experiments.is_empty() || !p.module.tests.is_empty() {
                let out = run_with(&p, 0, Settings::default(), &root());
                all.append(out.warnings);
                if let Some(d) = out.failure {
                    all.push(*d);
                }
                for e in out.expectations.iter().filter(|e| !e.passed) {
                    let d = neuro::diag::Diagnostic::at(
                        Code::E0807,
                        e.span,
                        format!("expectation failed: found {}", e.found),
                        "does not hold",
                    );
                    all.push(d);
                }
            }
            (all, p.sources)
        }
    };
    let codes = diagnostics.iter().map(|d| d.code).collect();
    (codes, rendered(diagnostics.iter(), &sources))
}

#[test]
fn every_page_has_a_wrong_and_a_right_example() {
    let mut problems = Vec::new();
    for code in Code::ALL {
        let examples = fences(code.page());
        let name = code.to_string();
        if examples.len() != 2 {
            if !OTHERWISE.iter().any(|(c, _)| c == code) {
                problems.push(format!("{name}: {} examples", examples.len()));
            }
            continue;
        }
        let (wrong, _) = findings(&examples[0]);
        if wrong != [*code] {
            problems.push(format!("{name}: wrong example gives {wrong:?}"));
        }
        let (right, text) = findings(&examples[1]);
        if !right.is_empty() {
            problems.push(format!("{name}: right example gives {right:?}\n{text}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn renderings() {
    for code in Code::ALL {
        let examples = fences(code.page());
        let Some(wrong) = examples.first() else { continue };
        let (_, text) = findings(wrong);
        let name = code.to_string();
        // How much memory a machine has left is its own.
        let memory = (r"[0-9.]+ [kMGT]B are there", "[memory] are there");
        insta::with_settings!({
            omit_expression => true,
            prepend_module_to_snapshot => false,
            snapshot_path => "../ui",
            filters => vec![memory],
        }, {
            insta::assert_snapshot!(name, format!("----- SOURCE\n{wrong}\n----- MESSAGES\n{text}"));
        });
    }
}

#[test]
fn all_mistakes_of_a_file_are_reported_at_once_and_each_once() {
    let text = "neuron A {\n    param tau = 20 ms\n    state v = 0 mV\n    v' = -u / tau\n    emit spike when v > 3 { w = 0 mV }\n}\nneuron B {\n    state g = 0\n    g' = -g / 3 mV\n}\nneuron C { state }\n";
    let (codes, text) = findings(text);
    let shown: Vec<String> = codes.iter().map(Code::to_string).collect();
    assert_eq!(shown, ["E0201", "E0303", "E0201", "E0301", "E0101"], "{text}");
}

#[test]
fn a_mis_declared_variable_is_complained_about_once() {
    let text = "neuron A {\n    param tau = 20 mx\n    state v = 0 mV\n    v' = -v / tau\n    emit spike when v > 3 mV * (tau / tau)\n}\n";
    assert_eq!(findings(text).0, [Code::E0305]);
}

#[test]
fn there_are_at_least_sixty_codes_with_snapshots() {
    let with = Code::ALL.iter().filter(|c| !fences(c.page()).is_empty()).count();
    assert!(with >= 60, "{with}");
}

#[test]
fn diagnostics_sort_and_do_not_repeat() {
    let mut d = Diagnostics::default();
    d.push(neuro::diag::Diagnostic::new(Code::E0812, "stopped"));
    d.push(neuro::diag::Diagnostic::new(Code::E0812, "stopped"));
    assert_eq!(d.counts(), (1, 0));
}

#[test]
fn the_text_above_a_broken_declaration_is_no_mistake_of_its_own() {
    let (codes, text) = findings("## What it is for.\nnetwork Net { population (a): A[1] }\n\n## Fine.\nconst c = 1\n");
    assert_eq!(codes, [Code::E0101], "{text}");
}

/// What `--set` gives, and the experiment assigns before anything followed from it, is told with the place of the assignment.
#[test]
fn an_option_that_the_experiment_overwrites_is_told() {
    let p = program(
        "neuron Cell { input I: 1 = 0   state x = 0   x' = (I - x) / 5 ms }
network Net { population a: Cell[4] }
experiment e {
    network net = Net()
    net.a[0 .. 2].I = 1
    run 1 ms
    net.a.I = 3
    expect true
}
",
    );
    let told = |path: &str| {
        let overrides = vec![Override { path: path.into(), value: "2".into() }];
        let out = run_with(&p, 0, Settings { overrides, ..Settings::default() }, Path::new("."));
        assert!(out.failure.is_none(), "{path}");
        out.warnings.iter().map(|d| (d.code, d.span().map(|s| s.start))).collect::<Vec<_>>()
    };
    let text = &p.sources.file(FileId(0)).text;
    let place = text.find("net.a[0 .. 2].I").map(|at| at as u32);
    for path in ["net.a.I", "net.a[1].I"] {
        assert_eq!(told(path), [(Code::W0205, place)], "{path}");
    }
    // Other cells, and another variable.
    for path in ["net.a[3].I", "net.a.x"] {
        assert_eq!(told(path), [], "{path}");
    }
}
