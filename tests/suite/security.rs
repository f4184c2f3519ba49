//! What `docs/security.md` promises, sentence by sentence.

use crate::support::root;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CELL: &str = "neuron A { state v = 1  v' = -v / 10 ms }\nnetwork Net { population a: A[1] }\n";

/// A folder `models` in a folder of its own, beside which lies what the model must not see.
fn place(name: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("security").join(name);
    let _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir_all(out.join("models/data")).unwrap();
    std::fs::write(out.join("secret.csv"), "x\n1\n2\n").unwrap();
    std::fs::write(out.join("models/data/own.csv"), "x\n3\n4\n").unwrap();
    // The project of these tests would be that of the source.
    std::fs::write(out.join("models/neuro.toml"), "").unwrap();
    out
}

fn neuro(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
    command.current_dir(folder).args(args).env_remove("NEURO_DATA").env("HOME", folder).env_remove("XDG_CACHE_HOME");
    command.output().unwrap()
}

fn said(out: &Output) -> String {
    // Long lines are broken, with bars at their beginnings.
    let text = String::from_utf8_lossy(&out.stderr).replace(['│', '|', ':'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn reads(path: &str) -> String {
    format!("{CELL}experiment e {{ network net = Net()  run 1 ms  expect sum(column(csv(\"{path}\"), \"x\")) > 0 }}\n")
}

fn run(folder: &Path, text: &str, more: &[&str]) -> Output {
    std::fs::write(folder.join("models/m.neuro"), text).unwrap();
    neuro(folder, &[&["run", "models/m.neuro", "--results", "out", "--quiet"], more].concat())
}

#[test]
fn a_model_reads_its_own_folder() {
    let folder = place("own");
    let out = run(&folder, &reads("data/own.csv"), &[]);
    assert!(out.status.success(), "{}", said(&out));
}

#[test]
fn a_model_reads_nothing_outside_unless_it_is_allowed() {
    let folder = place("outside");
    let absolute = folder.join("secret.csv").display().to_string();
    let mut ways = vec!["../secret.csv", "data/../../secret.csv", absolute.as_str(), "/dev/zero", "/proc/self/environ"];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../../secret.csv", folder.join("models/data/link.csv")).unwrap();
        ways.push("data/link.csv");
    }
    for way in ways {
        let out = run(&folder, &reads(way), &[]);
        assert_eq!(out.status.code(), Some(1), "{way}");
        assert!(said(&out).contains("E0802") && said(&out).contains("--allow-read"), "{way} {}", said(&out));
    }
    for allowed in [".", "secret.csv"] {
        let out = run(&folder, &reads("../secret.csv"), &["--allow-read", allowed]);
        assert!(out.status.success(), "{}", said(&out));
    }
}

#[test]
fn a_model_reads_its_project_and_folders_of_data() {
    let folder = place("project");
    std::fs::remove_file(folder.join("models/neuro.toml")).unwrap();
    std::fs::create_dir(folder.join("models/deep")).unwrap();
    std::fs::write(folder.join("models/deep/m.neuro"), reads("../data/own.csv")).unwrap();
    let run = |more: &[&str]| neuro(&folder, &[&["run", "models/deep/m.neuro", "--quiet"], more].concat());
    // Here the nearest project is the folder above, which is the home: none.
    std::fs::write(folder.join("neuro.toml"), "").unwrap();
    assert_eq!(run(&[]).status.code(), Some(1));
    std::fs::write(folder.join("models/neuro.toml"), "").unwrap();
    assert!(run(&[]).status.success());
    // A folder of data is searched by the name that the model says.
    std::fs::create_dir(folder.join("sets")).unwrap();
    std::fs::write(folder.join("sets/there.csv"), "x\n1\n").unwrap();
    std::fs::write(folder.join("models/deep/m.neuro"), reads("there.csv")).unwrap();
    assert_eq!(run(&[]).status.code(), Some(1));
    assert!(run(&["--data", "sets"]).status.success());
    std::fs::write(folder.join("models/deep/m.neuro"), reads("../secret.csv")).unwrap();
    assert_eq!(run(&["--data", "sets"]).status.code(), Some(1));
}

#[test]
fn imports_are_read_as_other_files_are() {
    let folder = place("imports");
    std::fs::write(folder.join("outside.neuro"), CELL).unwrap();
    let text = "use \"../outside.neuro\"\nexperiment e { network net = Net()  run 1 ms  expect net.a[0].v < 1 }\n";
    let out = run(&folder, text, &[]);
    assert_eq!(out.status.code(), Some(1));
    assert!(said(&out).contains("E0209") && said(&out).contains("--allow-read"), "{}", said(&out));
    let out = run(&folder, text, &["--allow-read", "outside.neuro"]);
    assert!(out.status.success(), "{}", said(&out));
}

#[test]
fn what_is_converted_includes_what_it_may_read() {
    let folder = place("converted");
    std::fs::write(folder.join("outside.xml"), "<Lems/>").unwrap();
    let own = folder.join("models");
    std::fs::create_dir_all(&own).unwrap();
    let cell = "<izhikevichCell id='c' v0='-65mV' thresh='30mV' a='0.02' b='0.2' c='-65' d='6'/>";
    std::fs::write(own.join("m.xml"), format!("<Lems><Include file='../outside.xml'/>{cell}</Lems>")).unwrap();
    let convert = |args: &[&str]| {
        let of = ["convert", "models/m.xml"];
        std::process::Command::new(env!("CARGO_BIN_EXE_neuro"))
            .current_dir(&folder)
            .args(of)
            .args(args)
            .output()
            .unwrap()
    };
    let out = convert(&[]);
    assert_eq!(out.status.code(), Some(1));
    assert!(said(&out).contains("E0819") && said(&out).contains("--allow-read"), "{}", said(&out));
    let out = convert(&["--allow-read", "outside.xml"]);
    assert!(out.status.success(), "{}", said(&out));
}

#[test]
fn results_are_written_into_their_folder_alone() {
    let folder = place("names");
    for name in [
        "/../../../x",
        "../x",
        "a/b",
        "a\\\\b",
        "/tmp/x",
        "C:x",
        "",
        ".",
        "..",
        ".hidden",
        "run.json",
        "Measures.json",
        "checkpoint.state",
        "unfinished-1",
        "m.neuro",
        "a.parquet",
        "fig.png",
        "fig.svg",
        "fig.PDF",
        "figures.json",
        "report.html",
        "x.part",
        "x.spool",
        "x.",
    ] {
        let text = format!("{CELL}experiment e {{ network net = Net()  run 1 ms  save net to \"{name}\" }}\n");
        std::fs::write(folder.join("models/m.neuro"), text).unwrap();
        let out = neuro(&folder, &["check", "models/m.neuro"]);
        assert_eq!(out.status.code(), Some(1), "{name}");
        assert!(said(&out).contains("E0213"), "{name}: {}", said(&out));
    }
    let before = listed(&folder);
    let text = format!(
        "{CELL}experiment e {{ network net = Net()  run 1 ms  let x = [1, 2]  plot \"../../../up: a/b\" x  plot \"\" x\n\
         plot \"{}\" x  save net to \"good.state\" }}\n",
        "long ".repeat(200)
    );
    let out = run(&folder, &text, &[]);
    assert!(out.status.success(), "{}", said(&out));
    let new: Vec<PathBuf> = listed(&folder).into_iter().filter(|f| !before.contains(f)).collect();
    assert!(new.len() >= 9 && new.iter().all(|f| f.starts_with(folder.join("out/e"))), "{new:?}");
}

/// All files below a folder.
fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            p if p.is_dir() => out.extend(listed(&p)),
            p => out.push(p),
        }
    }
    out
}

#[test]
fn time_and_memory_are_bounded() {
    let folder = place("bounds");
    let endless =
        format!("{CELL}experiment e {{ network net = Net()  for k in 1..1e12 {{ let x = k * 2 }}  run 1 ms }}\n");
    let out = run(&folder, &endless, &["--max-time", "200ms"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(said(&out).contains("E0812") && said(&out).contains("--max-time"), "{}", said(&out));
    let large =
        format!("{CELL}experiment e {{ network net = Net()  let x = repeat(1, 1e8)  run 1 ms  expect len(x) > 1 }}\n");
    let out = run(&folder, &large, &["--max-memory", "500MB"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(said(&out).contains("E0408") && said(&out).contains("800.0 MB"), "{}", said(&out));
}

#[test]
fn what_no_machine_has_is_refused_at_once() {
    let sums = [
        "population a: A[100000000]  projection a -> a.exc: Static { connect fixed_probability(0.5)  weight 1 }",
        "population a: A[100000000]  projection a -> a.exc: Static { connect fixed_out_degree(100000)  weight 1 }",
        "population a: A[2000000]  projection a -> a.exc: Static { connect all_to_all  weight ~ normal(0, 1) }",
    ];
    let folder = place("sums");
    let cell = "neuron A { event input exc: 1  state v = 1  v' = -v / 10 ms + exc  emit spike when v > 2 }";
    for of in sums {
        let text = format!("{cell}\nnetwork Net {{ {of} }}\nexperiment e {{ network net = Net()  run 1 ms }}\n");
        let begin = std::time::Instant::now();
        let out = run(&folder, &text, &[]);
        assert!(begin.elapsed().as_secs() < 10, "{of}");
        assert_eq!(out.status.code(), Some(1), "{of}");
        assert!(said(&out).contains("E0408"), "{of}: {}", said(&out));
    }
    for of in ["repeat(1, 3e12)", "linspace(0, 1, 1e13)", "one_hot(3, 1e13)", "confusion([1], [1], 1e8)"] {
        let text = format!("{CELL}experiment e {{ network net = Net()  let x = {of}  run 1 ms  expect len(x) > 1 }}\n");
        let out = run(&folder, &text, &[]);
        assert_eq!(out.status.code(), Some(1), "{of}");
        assert!(said(&out).contains("E0408"), "{of}: {}", said(&out));
    }
}

/// Programs, sockets, the environment and the clock are named in a few rooms only.
#[test]
fn nothing_starts_programs_or_uses_the_network() {
    fn walk(folder: &Path, out: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.path() {
                p if p.is_dir() => walk(&p, out),
                p => out.push((p.display().to_string(), std::fs::read_to_string(&p).unwrap_or_default())),
            }
        }
    }
    let mut sources = Vec::new();
    walk(&root().join("src"), &mut sources);
    let known: [(&str, &[&str]); 5] = [
        ("process::{Child, Command", &["cli/sweep.rs"]),
        ("process::Command", &[]),
        // The page of a run is served to this machine alone, where it is asked for.
        ("std::net", &["cli/page.rs"]),
        ("env::var", &["disk/reach.rs", "cli/test.rs", "cli/ranks.rs"]),
        ("SystemTime", &[]),
    ];
    for (what, rooms) in known {
        for (file, _) in sources.iter().filter(|(_, text)| text.contains(what)) {
            assert!(rooms.iter().any(|r| file.ends_with(r)), "{what} in {file}");
        }
    }
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let clients = ["reqwest", "ureq", "hyper", "curl", "tokio", "socket"];
    assert!(clients.iter().all(|c| !manifest.contains(c)));
}
