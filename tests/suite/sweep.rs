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
