//! `neuro sweep`: one table, runs that are kept, and a failure that is told again.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const MODEL: &str = "neuron Decay { param tau = 10 ms  state x = 1  x' = -x / tau }
network Net { population a: Decay[1] }
experiment decay(tau = 10 ms) {
    network net = Net()
    net.a.tau = tau
    run 10 ms
    measure x = net.a[0].x
    expect x < 0.5
}
";

fn folder(name: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir_all(&out).expect("a folder");
    std::fs::write(out.join("decay.neuro"), MODEL).expect("a file");
    out
}

fn sweep(folder: &Path, over: &[&str]) -> (Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
    command.current_dir(folder).args(["sweep", "decay.neuro", "decay"]);
    for o in over {
        command.args(["--over", o]);
    }
    let out = command.output().expect("neuro runs");
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    (out, said)
}

#[test]
fn every_combination_has_a_row_and_a_folder() {
    let folder = folder("combinations");
    let (out, said) = sweep(&folder, &["tau=5ms,10ms", "seed=1..2"]);
    assert!(out.status.success(), "{said}");
    let table = std::fs::read_to_string(folder.join("sweep/sweep.csv")).expect("a table");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "tau,seed,complete,expectations_met,expectations,x");
    assert_eq!(lines.len(), 5);
    assert!(lines[1].starts_with("5ms,1,true,1,1,0.1353"), "{table}");
    assert!(lines[4].starts_with("10ms,2,true,1,1,0.3678"), "{table}");
    assert!(folder.join("sweep/tau=10ms seed=2/decay/run.json").exists());
}

#[test]
fn a_sweep_goes_on_where_it_was_and_begins_anew_when_the_model_has_changed() {
    let folder = folder("resumed");
    sweep(&folder, &["tau=5ms"]);
    let (out, said) = sweep(&folder, &["tau=5ms,8ms"]);
    assert!(out.status.success(), "{said}");
    assert!(said.contains("kept    tau=5ms") && said.contains("ran     tau=8ms"), "{said}");
    std::fs::write(folder.join("decay.neuro"), MODEL.replace("state x = 1", "state x = 2")).expect("a file");
    let (_, said) = sweep(&folder, &["tau=5ms"]);
    assert!(said.contains("ran     tau=5ms"), "{said}");
}

#[test]
fn a_failed_expectation_fails_the_sweep_also_when_it_is_kept() {
    let folder = folder("failing");
    for _ in 0..2 {
        let (out, said) = sweep(&folder, &["tau=5ms,20ms"]);
        assert_eq!(out.status.code(), Some(1));
        assert!(said.contains("FAILED  tau=20ms"), "{said}");
    }
    let (out, said) = sweep(&folder, &["tau=5ms,,"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(said.contains("has an empty value"), "{said}");
}

#[test]
fn without_a_launcher_one_process_makes_all_runs() {
    let folder = folder("alone");
    let table = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
        let out =
            command.current_dir(&folder).args(["sweep", "decay.neuro", "decay", "--over", "tau=5ms,8ms"]).args(args);
        let out = out.output().expect("neuro runs");
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success() && !said.contains("process"), "{said}");
        std::fs::read(folder.join(String::from_utf8_lossy(&out.stdout).trim())).expect("a table")
    };
    assert_eq!(table(&["--results", "plain"]), table(&["--mpi", "--results", "dealt"]));
}

/// Writes a model, sweeps its experiment, and returns the lines of the table and what was said.
fn of_model(folder: &Path, model: &str, over: &[&str]) -> (Vec<String>, String) {
    std::fs::write(folder.join("decay.neuro"), model).expect("a file");
    let (_, said) = sweep(folder, over);
    let table = std::fs::read_to_string(folder.join("sweep/sweep.csv")).unwrap_or_default();
    (table.lines().map(String::from).collect(), said)
}

#[test]
fn a_column_has_one_unit() {
    let folder = folder("units");
    let model = "experiment decay(I = 100 pA, p = 5 %) { measure drive = I   measure part = p   measure time = if I > 200 pA then 250 ms else 1 s }";
    let (lines, said) = of_model(&folder, model, &["I=100pA,500pA,1nA", "p=5%,0.5"]);
    assert_eq!(lines[0], "I,p,complete,expectations_met,expectations,drive (pA),part (%),time (s)", "{said}");
    assert_eq!(lines[1], "100pA,5%,true,0,0,100,5,1");
    assert_eq!(lines[2], "100pA,0.5,true,0,0,100,50,1");
    assert_eq!(lines[5], "1nA,5%,true,0,0,1000,5,0.25");
}

#[test]
fn a_run_whose_data_have_changed_is_made_again() {
    let folder = folder("data");
    let model = "experiment decay(n = 1) { let rows = csv(\"t.csv\")   measure y = n * rows.y[0] }";
    std::fs::write(folder.join("t.csv"), "y\n5\n").expect("a file");
    let (lines, said) = of_model(&folder, model, &["n=1,2"]);
    assert!(lines[1].ends_with(",5") && lines[2].ends_with(",10"), "{lines:?} {said}");
    let (_, said) = of_model(&folder, model, &["n=1,2"]);
    assert!(said.contains("kept    n=1") && said.contains("kept    n=2"), "{said}");
    std::fs::write(folder.join("t.csv"), "y\n7\n").expect("a file");
    let (lines, said) = of_model(&folder, model, &["n=1,2"]);
    assert!(lines[1].ends_with(",7") && lines[2].ends_with(",14"), "{lines:?} {said}");
    std::fs::remove_file(folder.join("t.csv")).expect("a file");
    let (_, said) = of_model(&folder, model, &["n=1"]);
    assert!(said.contains("FAILED  n=1"), "{said}");
}

#[test]
fn what_is_said_twice_is_refused_and_arrays_are_values() {
    let folder = folder("twice");
    let (_, said) = sweep(&folder, &["tau=5ms", "tau=8ms"]);
    assert!(said.contains("`--over tau` is given twice"), "{said}");
    let (_, said) = sweep(&folder, &["tau=1ms..3ms"]);
    assert!(said.contains("has a range that is not of whole numbers"), "{said}");
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
        let out = command.current_dir(&folder).args(args).output().expect("neuro runs");
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (code, said) = run(&["sweep", "decay.neuro", "decay", "--over", "tau=5ms", "--set", "tau=8ms"]);
    assert!(code == Some(2) && said.contains("leave one of them out"), "{said}");
    let (code, said) = run(&["run", "decay.neuro", "--set", "tau=5ms", "--set", "tau=8ms"]);
    assert!(code == Some(2) && said.contains("`--set tau` is given twice"), "{said}");
    let model = "experiment decay(all = [1, 2, 3]) { measure s = sum(all) }";
    let (lines, said) = of_model(&folder, model, &["all=[1,2,3],[3,4,5]"]);
    assert!(lines.len() == 3 && lines[1].ends_with(",6") && lines[2].ends_with(",12"), "{lines:?} {said}");
}
