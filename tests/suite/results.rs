//! The folder of results: nothing of a user's is lost, and whatever ends a run, the next one knows what it finds.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs for as long as is asked for, and measures as it goes.
const MODEL: &str = "
neuron Cell { event input exc: mV  state v = 0 mV  v' = -v / 10 ms + exc  emit spike when v > 5 mV { v = 0 mV } }
network Net { population a: Cell[400]  drive a.exc { poisson 900 Hz  weight 1 mV } }
experiment e(turns: int = 2) {
    network net = Net()
    record net.a.spike
    for k in 1..turns {
        run 100 ms
        measure v = mean(net.a.v)
        plot \"fig\" v
    }
    expect v[0] > 0 mV
}
";

const ENDLESS: &[&str] = &["--set", "turns=100000000"];

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("results").join(name);
        let _ = std::fs::remove_dir_all(&out);
        std::fs::create_dir_all(&out).unwrap();
        std::fs::write(out.join("m.neuro"), MODEL).unwrap();
        Place(out)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = hearing();
        command.current_dir(&self.0).args(["run", "m.neuro", "--quiet"]).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    #[track_caller]
    fn run(&self, args: &[&str], code: i32) -> String {
        let out = self.command(args).output().unwrap();
        let said = said(&out);
        assert_eq!(out.status.code(), Some(code), "{said}");
        said
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join("results/e").join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.at(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn record(&self) -> serde_json::Value {
        serde_json::from_slice(&self.read("run.json")).unwrap()
    }

    /// Names in the folder, hidden ones as well.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.at(""))
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Begins a run, waits until something is there, and sends it a signal.
    fn stop_when(&self, args: &[&str], signal: &str, there: impl Fn() -> bool) -> Output {
        let child = self.command(args).spawn().unwrap();
        let begin = Instant::now();
        while !there() {
            assert!(begin.elapsed() < Duration::from_secs(60), "nothing has come");
            std::thread::sleep(Duration::from_millis(2));
        }
        send(&child, signal);
        child.wait_with_output().unwrap()
    }
}

/// The program with signals as they are by default: whoever runs the tests may ignore them, which is handed down.
fn hearing() -> Command {
    if !cfg!(target_os = "linux") {
        return Command::new(env!("CARGO_BIN_EXE_neuro"));
    }
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP,INT,TERM", env!("CARGO_BIN_EXE_neuro")]);
    command
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

const OF_TWO: &[&str] = &[
    "a.spike.parquet",
    "fig.pdf",
    "fig.png",
    "fig.svg",
    "fig_2.pdf",
    "fig_2.png",
    "fig_2.svg",
    "figures.json",
    "measures.json",
    "run.json",
];

#[test]
fn the_same_command_can_be_typed_twice_and_files_of_users_stay() {
    let place = Place::new("twice");
    place.run(&[], 0);
    assert_eq!(place.names(), OF_TWO);
    std::fs::write(place.at("notes.txt"), "mine").unwrap();
    let before = place.read("measures.json");
    let said = place.run(&["--set", "turns=3"], 0);
    assert!(said.contains("will be replaced when this run ends"), "{said}");
    assert_ne!(before, place.read("measures.json"));
    let more: Vec<&str> =
        ["fig_3.pdf", "fig_3.png", "fig_3.svg", "notes.txt"].into_iter().chain(OF_TWO.iter().copied()).collect();
    assert!(more.iter().all(|f| place.names().contains(&f.to_string())) && place.names().len() == more.len());
    // What the first run wrote and the third one does not is gone.
    for how in [&["--force"][..], &["--replay", "results/e/run.json"], &[]] {
        place.run(how, 0);
        assert_eq!(place.read("notes.txt"), b"mine");
    }
    assert_eq!(place.read("measures.json"), before);
    assert_eq!(place.names().len(), OF_TWO.len() + 1);
}

#[test]
fn every_figure_of_a_loop_has_a_file_of_its_own() {
    let place = Place::new("figures");
    place.run(&["--set", "turns=5"], 0);
    let files = place.record()["files"].as_array().unwrap().len();
    assert_eq!(files, 3 * 5 + 4);
    assert!(place.at("fig_5.png").exists() && place.names().len() == files);
}

#[test]
fn a_folder_of_others_is_left_alone() {
    let place = Place::new("others");
    std::fs::create_dir_all(place.at("")).unwrap();
    std::fs::write(place.at("measures.json"), "mine").unwrap();
    assert!(place.run(&[], 1).contains("E0806"));
    // Even with `--force` a file of another is not replaced; the results are beside.
    let said = place.run(&["--force"], 1);
    assert!(said.contains("E0809") && said.contains("is not of a run"), "{said}");
    assert_eq!(place.read("measures.json"), b"mine");
    assert!(place.at("unfinished-1/measures.json").exists());
    std::fs::remove_file(place.at("measures.json")).unwrap();
    std::fs::write(place.at("notes.txt"), "mine").unwrap();
    place.run(&["--force"], 0);
    assert_eq!(place.read("notes.txt"), b"mine");
    assert_eq!(place.names().len(), OF_TWO.len() + 1);
    // What is no record of a run does not make a folder one of results.
    std::fs::write(place.at("run.json"), "{}").unwrap();
    assert!(place.run(&["--force"], 1).contains("E0806"));
}

#[test]
fn results_can_be_kept() {
    let place = Place::new("kept");
    place.run(&[], 0);
    let before = place.read("run.json");
    place.run(&["--keep"], 0);
    place.run(&["--keep"], 0);
    assert_eq!(place.read("run.json"), before);
    assert!(place.0.join("results/e-2/run.json").exists() && place.0.join("results/e-3/run.json").exists());
}

#[test]
fn a_run_that_is_killed_early_leaves_a_folder_that_the_next_one_takes() {
    for again in [&[][..], &["--resume"], &["--force"]] {
        let place = Place::new("early");
        let marked = || place.at("run.json").exists();
        place.stop_when(ENDLESS, "-KILL", marked);
        assert_eq!(place.record()["complete"], false);
        place.run(again, 0);
        assert_eq!(place.record()["complete"], true);
        assert_eq!(place.names(), OF_TWO);
    }
}

#[test]
fn signals_end_a_run_in_order() {
    for (signal, code, name) in [("-INT", 130, "Ctrl-C"), ("-TERM", 143, "SIGTERM"), ("-HUP", 129, "SIGHUP")] {
        let place = Place::new(signal);
        let checkpoint = || place.at("checkpoint.state").exists();
        let args = [ENDLESS, &["--checkpoint-every", "20ms"]].concat();
        let out = place.stop_when(&args, signal, checkpoint);
        assert_eq!(out.status.code(), Some(code), "{}", said(&out));
        assert!(said(&out).contains("E0812") && said(&out).contains(name), "{}", said(&out));
        assert_eq!(place.record()["complete"], false);
        for file in ["measures.json", "a.spike.parquet", "fig.png", "checkpoint.state"] {
            assert!(place.at(file).exists(), "{file}");
        }
        assert!(place.names().iter().all(|n| !n.ends_with(".part") && !n.ends_with(".neuro")));
    }
}

#[test]
fn what_is_ignored_stays_so() {
    let place = Place::new("nohup");
    let shell = format!("trap '' HUP; exec {} run m.neuro --quiet", env!("CARGO_BIN_EXE_neuro"));
    let mut child =
        Command::new("sh").current_dir(&place.0).args(["-c", &shell]).stdout(Stdio::null()).spawn().unwrap();
    while !place.at("run.json").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    send(&child, "-HUP");
    assert!(child.wait().unwrap().success());
}

#[test]
fn resuming_what_is_finished_says_so() {
    let place = Place::new("finished");
    let said = place.run(&["--resume"], 0);
    assert!(said.contains("no checkpoint is in") && said.contains("begins at its beginning"), "{said}");
    let before = place.read("run.json");
    let said = place.run(&["--resume"], 0);
    assert!(said.contains("has come to its end"), "{said}");
    assert_eq!(place.read("run.json"), before);
    // Another run is not finished.
    place.run(&["--resume", "--set", "turns=3"], 0);
    assert_ne!(place.read("run.json"), before);
}

#[test]
fn a_run_that_is_stopped_does_not_take_the_place_of_one_that_came_to_its_end() {
    let place = Place::new("second");
    place.run(&[], 0);
    let before = place.read("measures.json");
    let args = [ENDLESS, &["--checkpoint-every", "20ms"]].concat();
    let out = place.stop_when(&args, "-TERM", || place.at("unfinished-1/checkpoint.state").exists());
    assert_eq!(out.status.code(), Some(143));
    assert!(said(&out).contains("unfinished-1") && said(&out).contains("keeps the results"), "{}", said(&out));
    assert_eq!(place.read("measures.json"), before);
    assert!(place.at("unfinished-1/measures.json").exists());
    // It goes on from where it was, and then takes the place.
    let kept = || std::fs::metadata(place.at("unfinished-1/checkpoint.state")).and_then(|m| m.modified()).ok();
    let first = kept();
    let out = place.stop_when(&[&args[..], &["--resume"]].concat(), "-INT", || kept() != first);
    assert_eq!(out.status.code(), Some(130), "{}", said(&out));
    place.run(&["--set", "turns=3"], 0);
    assert!(place.at("fig_3.png").exists() && !place.at("unfinished-1").exists());
    assert!(place.names().iter().all(|n| !n.starts_with('.')), "{:?}", place.names());
}

#[test]
fn a_checkpoint_is_not_lost_to_a_run_that_does_not_go_on_from_it() {
    let place = Place::new("forgotten");
    let args = [ENDLESS, &["--checkpoint-every", "20ms"]].concat();
    place.stop_when(&args, "-KILL", || place.at("checkpoint.state").exists());
    let kept = place.read("checkpoint.state");
    let out = place.stop_when(ENDLESS, "-INT", || place.at("unfinished-1/run.json").exists());
    assert_eq!(out.status.code(), Some(130), "{}", said(&out));
    assert!(place.read("checkpoint.state") == kept);
    let out = place.stop_when(&[&args[..], &["--resume"]].concat(), "-INT", || place.read("checkpoint.state") != kept);
    assert_eq!(out.status.code(), Some(130), "{}", said(&out));
    // A run that comes to its end takes the place of all that.
    place.run(&[], 0);
    assert_eq!(place.names(), OF_TWO);
}

#[test]
fn two_runs_do_not_write_into_one_folder() {
    let place = Place::new("lock");
    let mut child = place.command(ENDLESS).spawn().unwrap();
    while !place.at("run.json").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let said = place.run(&[], 1);
    assert!(said.contains("E0806") && said.contains("another run"), "{said}");
    child.kill().unwrap();
    child.wait().unwrap();
    place.run(&[], 0);
}

#[test]
fn a_full_disk_is_told_and_earlier_results_stay() {
    let place = Place::new("disk");
    place.run(&[], 0);
    let before: Vec<Vec<u8>> = OF_TWO.iter().map(|f| place.read(f)).collect();
    // No file may have more than 4 MB: the recording does not fit.
    let shell = format!("ulimit -f 8192; exec {} run m.neuro --quiet --set turns=2000", env!("CARGO_BIN_EXE_neuro"));
    let out = Command::new("bash").current_dir(&place.0).args(["-c", &shell]).output().unwrap();
    let said = said(&out);
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("E0809") && !said.contains("E0812"), "{said}");
    let after: Vec<Vec<u8>> = OF_TWO.iter().map(|f| place.read(f)).collect();
    assert!(before == after);
    let beside = |name: &str| place.at("unfinished-1").join(name);
    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(beside("run.json")).unwrap()).unwrap();
    assert_eq!(record["complete"], false);
    assert!(record["stopped_because"].as_str().unwrap().contains("E0809"));
    assert!(beside("measures.json").exists());
    // What was recorded is readable: as a file, or as it was spooled.
    match record["spools"][0]["file"].as_str() {
        Some(spool) => {
            let size = std::fs::metadata(beside(spool)).unwrap().len();
            assert!(size > 0 && size % 12 == 0, "{size}");
        }
        None => assert!(beside("a.spike.parquet").exists()),
    }
}

#[test]
fn a_sweep_passes_signals_on_and_leaves_nobody_behind() {
    for signal in ["-TERM", "-INT", "-KILL"] {
        let place = Place::new(&format!("sweep{signal}"));
        let mut command = hearing();
        command.current_dir(&place.0).args(["sweep", "m.neuro", "e", "--over", "seed=1..4", "--jobs", "2"]);
        command.args(ENDLESS).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let marks = || (1..=2).all(|k| place.0.join(format!("sweep/seed={k}/e/run.json")).exists());
        while !marks() {
            std::thread::sleep(Duration::from_millis(2));
        }
        let children = children_of(child.id());
        assert_eq!(children.len(), 2);
        send(&child, signal);
        let status = child.wait().unwrap();
        match signal {
            "-TERM" => assert_eq!(status.code(), Some(143)),
            "-INT" => assert_eq!(status.code(), Some(130)),
            _ => assert_eq!(status.code(), None),
        }
        let begin = Instant::now();
        while children.iter().any(|c| is_running(*c)) {
            assert!(begin.elapsed() < Duration::from_secs(20), "a run is left behind after {signal}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn children_of(parent: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    let of_main = list.unwrap_or_default();
    // Each thread has its own.
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).unwrap().flatten();
    let all = tasks.map(|t| std::fs::read_to_string(t.path().join("children")).unwrap_or_default());
    let mut found: Vec<u32> = all
        .chain([of_main])
        .flat_map(|l| l.split_whitespace().map(|p| p.parse().unwrap()).collect::<Vec<u32>>())
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn is_running(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status.lines().any(|l| l.starts_with("State:") && !l.contains('Z'))
}

#[test]
fn formatting_writes_where_a_link_leads_and_keeps_the_mode() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new("fmt");
    let file = place.0.join("real.neuro");
    std::fs::write(&file, "neuron A { state v = 1   v' = -v / 10 ms }\n\n\n\nnetwork N {population a: A[1]}\n")
        .unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("real.neuro", place.0.join("link.neuro")).unwrap();
    let out =
        Command::new(env!("CARGO_BIN_EXE_neuro")).current_dir(&place.0).args(["fmt", "link.neuro"]).output().unwrap();
    assert!(out.status.success());
    assert!(place.0.join("link.neuro").is_symlink());
    assert!(std::fs::read_to_string(&file).unwrap().contains("network N { population"));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
}
