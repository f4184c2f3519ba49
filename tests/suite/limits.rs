//! What is too large, too deep or too long is refused or said, and never wraps, hangs or ends the program.

use crate::support::{program, run, run_failing, run_with};
use neuro::diag::{Code, Diagnostic};
use neuro::experiment::{Override, Settings};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const CELL: &str = "neuron A { param tau = 10 ms  event input exc: mV  state v = 0 mV  v' = -v / tau + exc
    emit spike when v > 5 mV { v = 0 mV } }\n";

fn folder(name: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("limits").join(name);
    let _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir_all(&out).expect("a folder");
    out
}

fn neuro(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
    command.current_dir(folder).args(args);
    command
}

fn code(out: &Output) -> i32 {
    out.status.code().unwrap_or(-1)
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// Runs a network of one kind of cell and returns what stopped it, and the text that it points at.
#[track_caller]
fn refused(network: &str, experiment: &str) -> (Diagnostic, String) {
    let text = format!("{CELL}{network}\nexperiment e {{ {experiment} }}");
    let d = run_failing(&text);
    let at = d.span().map_or(String::new(), |s| text[s.start as usize..s.end as usize].to_string());
    (d, at)
}

#[test]
fn sizes_whose_product_cannot_be_are_refused() {
    let big = "network Net { population x: A[2147483649, 2147483648, 2147483648] }";
    let (d, at) = refused(big, "network net = Net()  run 1 ms");
    assert_eq!((d.code, at.as_str()), (Code::E0404, "2147483649, 2147483648, 2147483648"), "{d:?}");
    assert!(d.help.is_some());
    // A product that wraps to nothing, and one that no index reaches.
    for shape in ["65536, 65536, 65536, 65536", "3000000000, 3000000000", "65536, 65536"] {
        let (d, at) = refused(&format!("network Net {{ population x: A[{shape}] }}"), "network net = Net()  run 1 ms");
        assert_eq!((d.code, at.as_str()), (Code::E0404, shape), "{d:?}");
    }
}

#[test]
fn more_synapses_than_can_be_counted_are_refused() {
    let pair = |n: &str, connect: &str| {
        format!(
            "network Net {{ population a: A[{n}]  population b: A[{n}]
            projection a -> b.exc: Static {{ connect {connect}  weight 1 mV }} }}"
        )
    };
    for (connect, at) in
        [("all_to_all", "all_to_all"), ("fixed_out_degree(3999999999)", "fixed_out_degree(3999999999)")]
    {
        let (d, found) = refused(&pair("20000000", connect), "network net = Net()  run 1 ms");
        // What can be counted does not fit into memory.
        assert!([Code::E0404, Code::E0408].contains(&d.code), "{d:?}");
        assert!(found.starts_with(at) || d.code == Code::E0408, "{found}");
    }
    let windows = "network Net { population a: A[1, 1]  population b: A[1, 1]
        projection a -> b.exc: Static { connect conv(3999999999, 3999999999, 3999999998)  weight 1 mV } }";
    let (d, _) = refused(windows, "network net = Net()  run 1 ms");
    assert_eq!(d.code, Code::E0404, "{d:?}");
}

#[test]
fn two_delays_that_are_too_long_together_are_refused() {
    let network = "network Net { population a: A[2]  population b: A[2]
        projection a -> b.exc: Static { connect one_to_one  weight 1 mV  delay 5000 ms  delay dendritic 5000 ms } }";
    let (d, _) = refused(network, "network net = Net()  run 1 ms");
    assert_eq!(d.code, Code::E0601, "{d:?}");
}

#[test]
fn arrays_that_cannot_be_are_refused() {
    let none = "network Net { population a: A[1] }";
    for (text, at) in [
        ("let x = confusion([0, 1], [1, 0], 3999999999)", "confusion([0, 1], [1, 0], 3999999999)"),
        ("let x = confusion([0, 1e300], [1, 0])", ""),
        ("for k in 0 .. 1e300 { print k }", "0 .. 1e300"),
        ("network net = Net()  record net.a.spike  run 1 ms  print rate(net.a.spike, bin = 1e-30 ms)", ""),
        ("network net = Net()  record net.a.spike  run 1 ms  print counts(net.a.spike, 1e-30 ms)", ""),
    ] {
        let text = format!("{CELL}{none}\nexperiment e {{ {text} }}");
        let Ok(p) = crate::support::try_program(&text) else { continue };
        let out = run_with(&p, 0, Settings::default(), Path::new("."));
        let d = out.failure.expect("a failure");
        assert!([Code::E0404, Code::E0408].contains(&d.code), "{text}: {d:?}");
        let found = d.span().map_or("", |s| &text[s.start as usize..s.end as usize]);
        assert!(at.is_empty() || found == at || d.code == Code::E0408, "{found}");
    }
}

#[test]
fn spikes_beyond_all_steps_are_refused() {
    let network = "network Net { population a: A[1]  drive a.exc { spikes [1e300 ms]  weight 1 mV } }";
    let (d, at) = refused(network, "network net = Net()  run 1 ms");
    assert_eq!((d.code, at.as_str()), (Code::E0404, "[1e300 ms]"), "{d:?}");
}

/// What stops an experiment whose options are set.
fn failing_with(text: &str, set: &[(&str, &str)]) -> Option<Box<Diagnostic>> {
    let overrides = set.iter().map(|(path, value)| Override { path: (*path).into(), value: (*value).into() }).collect();
    run_with(&program(text), 0, Settings { overrides, ..Settings::default() }, Path::new(".")).failure
}

#[test]
fn a_run_that_would_take_no_step_or_too_many_is_refused() {
    let network = format!("{CELL}network Net {{ population a: A[1] }}\n");
    let experiment = |body: &str| format!("{network}experiment e {{ {body} }}");
    let plain = experiment("network net = Net()  run 10 ms");
    for dt in ["1e300ms", "100ms", "1e-300ms", "1e-30ms", "0ms", "-1ms"] {
        let d = failing_with(&plain, &[("dt", dt)]).unwrap_or_else(|| panic!("{dt}"));
        assert!(matches!(d.code, Code::E0404 | Code::E0805), "{dt}: {d:?}");
        assert!(d.help.is_some() || d.message.contains("must"), "{dt}: {d:?}");
    }
    for body in ["dt 1e300 ms", "dt 1 s", "dt 1e-300 ms", "dt 1e-20 ms", "dt 0 ms", "dt -1 ms"] {
        let text = experiment(&format!("{body}  network net = Net()  run 10 ms"));
        let d = run_failing(&text);
        let at = &text[d.span().expect("a place").start as usize..];
        assert_eq!(d.code, Code::E0404, "{body}: {d:?}");
        assert!(
            d.help.is_some() && (at.starts_with("10 ms") || body.ends_with(&at[..at.find(" ms").unwrap() + 3])),
            "{body}"
        );
    }
    // Nothing to do is no mistake, and part of a step that ends in a whole one neither.
    run(&experiment("network net = Net()  run 0 ms"));
    run(&experiment("dt 1 ms  network net = Net()  run 0.6 ms  run 0.9 ms"));
}

#[test]
fn seeds_that_cannot_be_are_refused() {
    let experiment = |body: &str| format!("experiment e {{ {body} }}");
    for seed in ["-1", "0.5", "1e300", "9007199254740992", "-0.5", "18446744073709551616"] {
        let d = run_failing(&experiment(&format!("seed {seed}")));
        assert_eq!(d.code, Code::E0404, "{seed}: {d:?}");
        assert!(d.help.is_some(), "{seed}");
        let d = run_failing(&experiment(&format!("sweep seed in [1, {seed}] {{ print seed }}")));
        assert_eq!(d.code, Code::E0404, "{seed}: {d:?}");
        let d = failing_with(&experiment("print 1"), &[("seed", seed)]).expect(seed);
        assert_eq!(d.code, Code::E0805, "{seed}: {d:?}");
    }
    run(&experiment("seed 9007199254740991"));
}

#[test]
fn messages_about_very_long_lines_fit_a_screen() {
    let folder = folder("lines");
    for columns in [65_530, 70_000, 300_000] {
        let text = format!("const a = 1 {} const b = nothing {}", " ".repeat(columns), "# and so on ".repeat(9000));
        std::fs::write(folder.join("long.neuro"), text).unwrap();
        let out = neuro(&folder, &["check", "long.neuro"]).output().unwrap();
        let said = said(&out);
        assert_eq!(code(&out), 1, "{said}");
        assert!(said.contains("E0201") && said.contains("nothing") && said.len() < 2000, "{}", said.len());
        assert!(said.contains(&format!("long.neuro:1:{}", columns + 24)), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_said_and_no_crash() {
    let full = || Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let folder = folder("full");
    let good = format!(
        "{CELL}network Net {{ population a: A[1] }}
        experiment e {{ network net = Net()  print \"line\"  run 1 ms  expect 1 < 2 }}"
    );
    std::fs::write(folder.join("good.neuro"), &good).unwrap();
    std::fs::write(folder.join("bad.neuro"), "const a = nothing").unwrap();
    std::fs::write(folder.join("untidy.neuro"), "const a=1,b  =2\n\n\n\nconst c = 3").unwrap();
    // What is said on stderr may get lost; the exit code stays.
    for args in
        [&["check", "bad.neuro"][..], &["run", "bad.neuro"], &["check", "--message-format", "json", "bad.neuro"]]
    {
        let out = neuro(&folder, args).stderr(full()).output().unwrap();
        assert_eq!(code(&out), 1, "{args:?}");
    }
    let out = neuro(&folder, &["check", "missing.neuro"]).stderr(full()).output().unwrap();
    assert_eq!(code(&out), 2);
    for (args, expected) in [
        (&["emit", "good.neuro"][..], 2),
        (&["emit", "--stage", "ast", "good.neuro"], 2),
        (&["explain", "E0404"], 2),
        (&["explain", "functions"], 2),
        (&["explain", "good.neuro"], 2),
        (&["data"], 2),
        (&["fmt", "--check", "untidy.neuro"], 2),
        (&["run", "good.neuro", "--force"], 2),
        (&["test", "good.neuro"], 2),
        (&["sweep", "good.neuro", "e", "--over", "seed=1"], 2),
        (&["--help"], 2),
        (&["--version"], 2),
    ] {
        let out = neuro(&folder, args).stdout(full()).output().unwrap();
        let said = said(&out);
        assert_eq!(code(&out), expected, "{args:?}: {said}");
        assert!(said.matches("cannot write").count() == 1, "{args:?}: {said}");
    }
    // A reader that has seen enough is no error.
    let mut child =
        neuro(&folder, &["explain", "functions"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let out = child.wait_with_output().unwrap();
    assert_eq!((code(&out), said(&out).as_str()), (0, ""));
}

#[test]
fn a_number_of_threads_that_cannot_be_is_refused() {
    let folder = folder("threads");
    std::fs::write(folder.join("e.neuro"), "experiment e { print 1 }").unwrap();
    for threads in ["1000000", "0", "-1", "4097", "99999999999999999999", "two"] {
        for command in ["run", "test", "emit"] {
            let out = neuro(&folder, &[command, "e.neuro", &format!("--threads={threads}")]).output().unwrap();
            assert_eq!(code(&out), 2, "{command} {threads}: {}", said(&out));
            assert!(said(&out).contains("from 1 to 4096"), "{}", said(&out));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn paths_that_are_no_text_work() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let base = folder("paths");
    let inner = base.join(OsStr::from_bytes(b"caf\xe9"));
    std::fs::create_dir(&inner).unwrap();
    let file = inner.join(OsStr::from_bytes(b"m\xff.neuro"));
    let bad = inner.join(OsStr::from_bytes(b"bad\xfe.neuro"));
    std::fs::write(inner.join("cells.neuro"), CELL).unwrap();
    std::fs::write(inner.join("times.csv"), "time\n1\n2\n").unwrap();
    let text = "use \"cells.neuro\": A\nnetwork Net { population a: A[1] }\n
        experiment e { network net = Net()  run 1 ms  measure n = rows(csv(\"times.csv\"))  expect n == 2 }";
    std::fs::write(&file, text).unwrap();
    std::fs::write(&bad, "const a = nothing").unwrap();
    let run = |args: &[&OsStr]| {
        let out = Command::new(env!("CARGO_BIN_EXE_neuro")).current_dir(&base).args(args).output().unwrap();
        (code(&out), said(&out) + &String::from_utf8_lossy(&out.stdout))
    };
    let s = OsStr::new;
    let (file, inner) = (file.as_os_str(), inner.as_os_str());
    for args in [
        vec![s("check"), file],
        vec![s("run"), file],
        vec![s("test"), file],
        vec![s("fmt"), file],
        vec![s("emit"), file],
        vec![s("explain"), file],
        vec![s("sweep"), file, s("e"), s("--over"), s("seed=1..2")],
        vec![s("data"), s("--data"), inner],
    ] {
        let (code, said) = run(&args);
        assert_eq!(code, 0, "{args:?}: {said}");
    }
    let (found, said) = run(&[s("check"), bad.as_os_str()]);
    assert!(found == 1 && said.contains(r"bad\xFE.neuro:1:11"), "{said}");
    let made = Path::new(inner).join(OsStr::from_bytes(b"new\xfd"));
    let (code, said) = run(&[s("new"), made.as_os_str()]);
    assert_eq!(code, 0, "{said}");
    assert!(Path::new(inner).join(OsStr::from_bytes(b"new\xfd.neuro")).exists());
}

/// Long chains wherever an expression or a statement stands, each with what must hold of it.
fn chains(n: usize) -> Vec<(&'static str, String)> {
    let sum = |f: &dyn Fn(usize) -> String, by: &str| (0..n).map(f).collect::<Vec<_>>().join(by);
    let test = |body: &str| format!("test \"chain\" {{ {body} }}\n");
    let cell = |equation: &str, handler: &str, holds: &str| {
        format!(
            "neuron A {{ state x = 1  state y = 1  x' = {equation}  y' = 0 / 1 s  emit spike when y > 0.5 {{ {handler} }} }}
            network Net {{ population a: A[4] }}
            {}experiment e {{ network net = Net()  run 1 ms  expect net.a[0].y >= 0 }}\n",
            test(&format!("precision f64  dt 1 ms  network net = Net()  run 1 ms  expect {holds}"))
        )
    };
    let total = n * (n - 1) / 2;
    let polynomial = sum(&|k| format!("{} * x * x", k % 7), " + ");
    let choice = sum(&|k| format!("if x > {} then {k}", n - k + 1), " else ") + " else 7";
    let branches = sum(&|k| format!("if y > {} {{ y = {k} }}", n - k), " else ") + " else { y = 0.25 }";
    let printed = sum(&|k| format!("if y > {} {{ print {k} }}", n - k), " else ") + " else { print y }";
    vec![
        ("polynomial", cell(&format!("({polynomial}) * 1e-9 / 1 s"), "", "net.a[3].x > 1")),
        ("else if", cell(&format!("({choice}) / 1 s"), "", "net.a[3].x == 1.007 within 1e-9")),
        ("else if of a handler", cell("0 / 1 s", &branches, "net.a[0].y == 0.25")),
        (
            "condition",
            cell(
                "0 / 1 s",
                &format!("y = if {} then 0 else 1", sum(&|k| format!("x < {}", k + 2), " and ")),
                "net.a[0].y == 0",
            ),
        ),
        ("of an experiment", test(&format!("let y = 1  expect {} == {total}", sum(&|k| format!("{k} * y"), " + ")))),
        (
            "else if of an experiment",
            test(&format!("let y = 1  {printed}  expect ({}) == 7", choice.replace('x', "y"))),
        ),
        (
            "constant",
            format!("const c = {}\n{}", sum(&|k| k.to_string(), " + "), test(&format!("expect c == {total}"))),
        ),
        (
            "of cells",
            cell("0 / 1 s", "", &format!("net.a[2].x == {}", 2 * total)).replace(
                "population a: A[4]",
                &format!("population a: A[4]  init a.x = {}", sum(&|k| format!("{k} * i"), " + ")),
            ),
        ),
        (
            "function",
            format!("fn f(x) = {}\n", sum(&|k| format!("{k} * x"), " + "))
                + &cell("f(x) / 1 s * 1e-9", "", "net.a[0].x > 1"),
        ),
    ]
}

#[test]
fn long_chains_are_compiled_and_run() {
    let folder = folder("chains");
    let run = |args: &[&str], file: &str| {
        let out = neuro(&folder, args).arg(file).output().unwrap();
        assert_eq!(code(&out), 0, "{args:?} {file}: {}", said(&out) + &String::from_utf8_lossy(&out.stdout));
    };
    for (name, text) in chains(1000) {
        std::fs::write(folder.join("chain.neuro"), &text).unwrap();
        run(&["fmt"], "chain.neuro");
        run(&["test"], "chain.neuro");
        if text.contains("experiment e") {
            run(&["run", "--force"], "chain.neuro");
            run(&["explain"], "chain.neuro");
            for stage in ["ast", "hir", "solved", "ir"] {
                run(&["emit", "--stage", stage], "chain.neuro");
            }
        }
        println!("{name}");
    }
    for (_, text) in chains(6000) {
        std::fs::write(folder.join("longer.neuro"), &text).unwrap();
        run(&["check"], "longer.neuro");
    }
}

#[test]
fn what_is_too_deep_is_refused_by_every_command() {
    let folder = folder("deep");
    let experiment = |body: String| format!("experiment e {{ {body} }}\n");
    let n = 20_000;
    let texts = [
        experiment(format!("let x = {}1", "-".repeat(n))),
        experiment(format!("let x = {}true", "not ".repeat(n))),
        experiment(format!("let a = [1]  let x = a{}", "[0]".repeat(n))),
        experiment(format!("let x = {}1{}", "(".repeat(n), ")".repeat(n))),
        experiment(format!("let x = {}1{}", "abs(".repeat(n), ")".repeat(n))),
        experiment(format!("{}{}", "repeat 1 times { ".repeat(n), "}".repeat(n))),
        experiment(format!("let x = 1{}", " + 1".repeat(n))),
        experiment(format!("let x = {}1", "if 1 < 2 then 1 else ".repeat(n))),
        // Written out, this would have 2^60 parts, and this one 6^14.
        format!("fn f(x) = x * x + x\nneuron A {{ state x = 1  x' = {}x{} / 1 s }}", "f(".repeat(60), ")".repeat(60)),
        (1..15).fold("fn f0(x) = x\n".to_string(), |text, k| {
            text + &format!("fn f{k}(x) = {}\n", vec![format!("f{}(x)", k - 1); 6].join(" + "))
        }) + "neuron A { state x = 1  x' = f14(x) / 1 s }",
    ];
    for text in texts {
        std::fs::write(folder.join("deep.neuro"), &text).unwrap();
        for args in [&["check"][..], &["run"], &["test"], &["explain"], &["emit", "--stage", "ast"]] {
            let out = neuro(&folder, args).arg("deep.neuro").output().unwrap();
            assert_eq!(code(&out), 1, "{args:?} {}", &text[..60]);
            assert_eq!(said(&out).matches("E0107").count(), 1, "{args:?} {}: {}", &text[..60], said(&out));
        }
        // What is only too deep once functions are written out can be laid out.
        let out = neuro(&folder, &["fmt", "deep.neuro"]).output().unwrap();
        let refused = said(&out).matches("E0107").count();
        assert_eq!(code(&out), refused as i32, "{}: {}", &text[..60], said(&out));
        assert_eq!(refused == 0, text.starts_with("fn "), "{}", &text[..60]);
    }
}

#[test]
fn networks_that_contain_each_other_are_refused() {
    let of = |networks: &str| format!("neuron A {{ state x = 1  x' = -x / 1 s }}\n{networks}\n");
    for (networks, note) in [
        ("network P { network b = P() }", "`P` contains `P`"),
        ("network P { network b = Q() }\nnetwork Q { network a = P() }", "`P` contains `Q` contains `P`"),
        (
            "network P { if 1 < 2 { network b = Q() } }\nnetwork Q { for k in 1 .. 2 { network a = R() } }
            network R { network c = Q() }",
            "`Q` contains `R` contains `Q`",
        ),
    ] {
        let Err(refused) = crate::support::try_program(&of(networks)) else { panic!("{networks}") };
        let found: Vec<_> = refused.diagnostics.iter().filter(|d| d.code == Code::E0503).collect();
        assert_eq!(found.len(), 1, "{networks}");
        assert!(found[0].notes.iter().any(|n| n == note) && found[0].help.is_some(), "{:?}", found[0]);
    }
}
