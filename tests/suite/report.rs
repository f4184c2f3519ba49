//! The page of a run, figures that are drawn again from its files, and what a run tells as it goes on.
#![cfg(unix)]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const MODEL: &str = "
neuron Cell { event input exc: mV  state v = 0 mV  v' = -v / 10 ms + exc  emit spike when v > 5 mV { v = 0 mV } }
network Net { population a: Cell[400]  drive a.exc { poisson 900 Hz  weight 1 mV } }
## </script><img src=x onerror=alert(1)>
experiment e(duration: int = 200) {
    network net = Net()
    record net.a.spike
    record net.a[0 .. 2].v as v
    for k in 1 .. 4 {
        run duration * 1 ms
        measure rate_now = rate(net.a.spike)
    }
    measure drawn = [1 mV, 2 mV, 4 mV]
    print \"half way: <b>\"
    plot \"Spikes & more\" net.a.spike
    plot \"Voltage\" v
    plot \"Density\" {
        panel net.a.spike as density
        panel \"Rates\" net.a.spike as psth(10 ms)
    }
    plot \"Drawn\" drawn against [1, 10, 100] as points with log x
    expect rate_now[3] > 0 Hz
    expect drawn[0] > 3 mV
}
";

fn place(name: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report").join(name);
    let _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir_all(&out).unwrap();
    std::fs::write(out.join("m.neuro"), MODEL).unwrap();
    out
}

fn neuro(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_neuro")).current_dir(folder).args(args).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn files(folder: &Path) -> Vec<String> {
    let record: Value = serde_json::from_slice(&std::fs::read(folder.join("run.json")).unwrap()).unwrap();
    record["files"].as_array().unwrap().iter().map(|f| f.as_str().unwrap().to_string()).collect()
}

/// The data within a page.
fn data(page: &str) -> Value {
    let begin = page.find("<script type=\"application/json\" id=\"data\">").unwrap();
    let rest = &page[begin..];
    let rest = &rest[rest.find('>').unwrap() + 1..];
    serde_json::from_str(&rest[..rest.find("</script>").unwrap()]).unwrap()
}

#[test]
fn what_is_drawn_from_the_files_of_a_run_is_what_the_run_drew() {
    let here = place("again");
    neuro(&here, &["run", "m.neuro", "-q"]);
    let results = here.join("results/e");
    let drawn: Vec<String> =
        files(&results).into_iter().filter(|f| [".svg", ".png", ".pdf"].iter().any(|e| f.ends_with(e))).collect();
    assert_eq!(drawn.len(), 4 * 3, "{drawn:?}");
    let out = neuro(&here, &["plot", "results/e", "--to", "again"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    for name in &drawn {
        let (before, after) =
            (std::fs::read(results.join(name)).unwrap(), std::fs::read(here.join("again").join(name)).unwrap());
        assert!(before == after, "{name} differs");
    }
    // In place, with other options; the next run replaces what was added.
    let out = neuro(
        &here,
        &["plot", "results/e", "Spikes___more", "--as", "cells(20)", "--x", "0ms..100ms", "--formats", "svg"],
    );
    assert!(out.status.success(), "{}", text(&out.stderr));
    // The run's own figure stays as it is.
    assert!(
        std::fs::read(results.join("Spikes___more.svg")).unwrap()
            == std::fs::read(here.join("again/Spikes___more.svg")).unwrap()
    );
    let svg = text(&std::fs::read(results.join("Spikes___more-2.svg")).unwrap());
    assert!(svg.contains("20\u{a0}cells drawn at random"), "{}", svg.len());
    // A recording that was not plotted as it is wanted now.
    let out = neuro(&here, &["plot", "results/e", "v", "--as", "histogram(10)", "--formats", "svg"]);
    assert!(out.status.success() && results.join("v.svg").exists(), "{}", text(&out.stderr));
    assert!(files(&results).contains(&"v.svg".to_string()));
    neuro(&here, &["run", "m.neuro", "-q"]);
    assert!(!results.join("v.svg").exists() && !files(&results).contains(&"v.svg".to_string()));
}

#[test]
fn what_cannot_be_drawn_again_says_why() {
    let here = place("refused");
    neuro(&here, &["run", "m.neuro", "-q"]);
    std::fs::write(here.join("results/e/Mine.svg"), "mine").unwrap();
    let cases: [(&[&str], &str); 14] = [
        (&["plot", "nowhere"], "nowhere holds no results of a run"),
        (&["plot", "results/e", "nothing"], "has no figure `nothing`"),
        (&["plot", "results/e", "--as", "pointz"], "`--as pointz` says nothing of a plot"),
        (&["plot", "results/e", "Voltage", "--as", "raster"], "v holds values, not events"),
        (&["plot", "results/e", "Spikes___more", "--x", "0mV..10mV"], "is in mV; this axis is in ms"),
        (&["plot", "results/e", "--columns", "0"], "--columns must be at least 1"),
        (&["plot", "results/e", "Voltag"], "did you mean `Voltage`?"),
        (&["plot", "results/e", "Spikes___more", "--log", "y"], "cells are not on a logarithmic axis"),
        (&["plot", "results/e", "v", "--as", "heatmap", "--log", "x"], "colors have no logarithmic axes"),
        (&["plot", "results/e", "--log", "z"], "an axis is x or y"),
        (&["plot", "results/e", "--x", "5ms..1ms"], "`--x 5ms..1ms` is not a range"),
        (&["plot", "results/e", "--formats", "gif"], "unknown format `gif`"),
        (&["report", "nowhere"], "nowhere/run.json"),
        (&["plot", "results/e", "Voltage", "--as", "images(2,2)"], "whose moments are no images"),
    ];
    for (args, why) in cases {
        let out = neuro(&here, args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(text(&out.stderr).contains(why), "{args:?}: {}", text(&out.stderr));
    }
    std::fs::remove_file(here.join("results/e/a.spike.parquet")).unwrap();
    let out = neuro(&here, &["plot", "results/e"]);
    assert!(out.status.code() == Some(2) && text(&out.stderr).contains("a.spike.parquet"), "{}", text(&out.stderr));
    assert_eq!(std::fs::read(here.join("results/e/Mine.svg")).unwrap(), b"mine");
}

#[test]
fn damaged_recordings_are_refused_when_they_are_drawn() {
    let here = place("damaged");
    neuro(&here, &["run", "m.neuro", "-q"]);
    let path = here.join("results/e/v.parquet");
    let good = std::fs::read(&path).unwrap();
    let mut seed = 7u64;
    for _ in 0..60 {
        let mut bytes = good.clone();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = (seed >> 33) as usize % bytes.len();
        bytes[at] ^= 1 << (seed >> 20 & 7);
        std::fs::write(&path, &bytes).unwrap();
        let out = neuro(&here, &["plot", "results/e", "Voltage", "--formats", "svg", "--to", "x"]);
        assert!([Some(0), Some(2)].contains(&out.status.code()), "byte {at}: {:?} {}", out.status, text(&out.stderr));
        assert!(!text(&out.stderr).contains("panicked"), "byte {at}: {}", text(&out.stderr));
    }
}

#[test]
fn a_report_holds_everything_and_asks_for_nothing() {
    let here = place("page");
    let out = neuro(&here, &["run", "m.neuro", "-q", "--report", "--set", "duration=20"]);
    assert_eq!(out.status.code(), Some(1), "one expectation fails");
    let path = here.join("results/e/report.html");
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(files(&here.join("results/e")).contains(&"report.html".to_string()));
    assert!(page.len() < 5_000_000, "{}", page.len());
    // Nothing is loaded from anywhere, and no text of the model is markup.
    let json = page.find("id=\"data\">").unwrap()..page.rfind("<script>").unwrap();
    let markup = [&page[..json.start], &page[json.end..]].concat();
    for bad in [" src=", "@import", "<img", "<link rel=\"stylesheet\""] {
        assert!(!markup.contains(bad), "{bad}");
    }
    assert!(
        !page[json.start + 10..json.end].trim_end().trim_end_matches("</script>").contains('<'),
        "markup in the data"
    );
    assert!(page.contains("Content-Security-Policy") && page.contains("default-src 'none'"));
    let d = data(&page);
    assert_eq!(d["run"]["overrides"]["duration"], "20");
    assert_eq!(d["source"][0]["text"], MODEL);
    let e = d["expectations"].as_array().unwrap();
    assert_eq!((e.len(), &e[1]["passed"]), (2, &Value::Bool(false)));
    assert_eq!((e[1]["text"].as_str(), e[1]["line"].as_u64()), (Some("expect drawn[0] > 3 mV"), Some(23)));
    let measure = |name: &str| d["measures"].as_array().unwrap().iter().find(|m| m["name"] == name).unwrap().clone();
    assert_eq!(
        (measure("rate_now")["executions"].as_u64(), measure("rate_now")["values"].as_array().unwrap().len()),
        (Some(4), 4)
    );
    assert_eq!((measure("drawn")["unit"].as_str(), &measure("drawn")["shape"]), (Some("mV"), &serde_json::json!([3])));
    let figures = d["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 4);
    assert_eq!(figures[0]["panels"][0]["layers"][0]["kind"], "raster");
    assert_eq!(figures[2]["panels"][1]["layers"][0]["kind"], "bars");
    assert_eq!(
        (&figures[3]["panels"][0]["x"]["log"], &d["log"][0]),
        (&Value::Bool(true), &Value::from("half way: <b>"))
    );
    // The command makes the same page.
    let out = neuro(&here, &["report", "results/e", "--to", "other.html"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(std::fs::read_to_string(here.join("other.html")).unwrap() == page, "another page");
}

#[test]
fn a_run_tells_programs_what_happens() {
    let here = place("events");
    let args = ["run", "m.neuro", "-q", "--message-format", "json"];
    let out = neuro(&here, &args);
    let lines: Vec<Value> =
        text(&out.stdout).lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect();
    let kinds: Vec<&str> = lines.iter().map(|l| l["event"].as_str().unwrap()).collect();
    let expected = [
        "begin",
        "measure",
        "measure",
        "measure",
        "measure",
        "measure",
        "line",
        "figure",
        "figure",
        "figure",
        "figure",
        "expectation",
        "expectation",
        "end",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(lines[4]["measure"]["executions"], 4);
    assert_eq!(
        (&lines[12]["expectation"]["passed"], &lines[13]["complete"]),
        (&Value::Bool(false), &Value::Bool(true))
    );
    // What is said does not depend on the time.
    assert_eq!(text(&neuro(&here, &args).stdout), text(&out.stdout));
}

#[test]
fn what_follows_from_no_text_is_not_forecast() {
    let here = place("forecast");
    let total = |body: &str| -> Option<f64> {
        let text = MODEL.split("##").next().unwrap().to_string()
            + &format!(
                "experiment e(n: int = 4, choice = 1) {{ network net = Net()\n record net.a.spike\n {body} }}\n"
            );
        std::fs::write(here.join("m.neuro"), text).unwrap();
        let out = neuro(&here, &["run", "m.neuro", "--message-format", "json", "--threads", "1"]);
        let lines = text_lines(&out);
        assert_eq!(lines.last().unwrap()["complete"], true, "{body}");
        lines.iter().find(|l| l["phase"] == "running").unwrap_or_else(|| panic!("{body}"))["total_ms"].as_f64()
    };
    assert_eq!(total("for k in 1 .. n { if k > 2 { run 40 ms } }"), Some(80.0));
    assert_eq!(total("var T = 5 ms  repeat 3 times { run T  T = 2 * T  if choice > 0 { T = 30 ms } }"), Some(65.0));
    assert_eq!(total("run 100 ms  let T = if rate(net.a.spike) > 0 Hz then 70 ms else 1 ms  run T"), None);
    let open =
        "run 100 ms  var T = 1 ms  let r = rate(net.a.spike)  if r > 0 Hz { T = 60 ms } else { T = 2 ms }  run T";
    assert_eq!(total(open), None);
}

fn text_lines(out: &Output) -> Vec<Value> {
    text(&out.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn progress_is_of_the_whole_experiment() {
    let here = place("progress");
    let args = ["run", "m.neuro", "--message-format", "json", "--set", "duration=20000", "--threads", "1"];
    let out = neuro(&here, &args);
    let lines: Vec<Value> = text(&out.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let progress: Vec<&Value> = lines.iter().filter(|l| l["event"] == "progress").collect();
    assert_eq!(progress[0]["phase"], "building");
    let running: Vec<&&Value> = progress.iter().filter(|p| p["phase"] == "running").collect();
    assert!(!running.is_empty());
    let done: Vec<f64> = running.iter().map(|p| p["done"].as_f64().unwrap()).collect();
    assert!(done.windows(2).all(|w| w[0] <= w[1]) && done.iter().all(|d| (0.0..=1.0).contains(d)), "{done:?}");
    for p in &running {
        let part = p["simulated_ms"].as_f64().unwrap() / 80_000.0;
        assert!((p["done"].as_f64().unwrap() - part).abs() < 1e-9, "{p}");
    }
}

/// Reads events until the end.
fn listen(port: u16) -> Vec<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n").unwrap();
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.filter_map(|l| l.strip_prefix("data: ").map(|d| serde_json::from_str(d).unwrap())).collect()
}

fn get(port: u16, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut out = Vec::new();
    stream.read_to_end(&mut out).unwrap();
    text(&out)
}

#[test]
fn a_page_shows_a_run_that_goes_on() {
    let here = place("watch");
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
    command.current_dir(&here).args(["run", "m.neuro", "--watch", "--set", "duration=15000", "--threads", "1"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = said.find_map(|l| l.ok().filter(|l| l.contains("http://127.0.0.1:"))).unwrap();
    let port: u16 = line.split("127.0.0.1:").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
    let here_is = format!("127.0.0.1:{port}");
    let page = get(port, "/", &here_is);
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("\"live\":true"), "{}", &page[..200]);
    // A page of elsewhere that gives this machine a name of its own learns nothing.
    assert!(get(port, "/", "evil.example").starts_with("HTTP/1.1 403"));
    assert!(get(port, "/etc/passwd", &here_is).starts_with("HTTP/1.1 404"));
    let events = listen(port);
    let _ = said.by_ref().count();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let kinds: Vec<&str> = events.iter().map(|e| e["event"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], *kinds.last().unwrap()), ("begin", "end"));
    assert_eq!(events[0]["source"][0]["text"], MODEL);
    for kind in ["progress", "measure", "figure", "expectation", "line"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    let end = events.last().unwrap();
    assert!(end["files"].as_array().unwrap().iter().any(|f| f["name"] == "measures.json"), "{end}");
    assert!(here.join("results/e/report.html").exists(), "who comes too late finds a report");
}

const PARTS: &str = "
neuron Cell { event input exc: 1   input I: 1 = 0   state v = 0   v' = (I - v) / 5 ms + exc   emit spike when v > 1 { v = 0 } }
neuron Unit { input in_: 1 = 0   state r = 0   r' = (in_ - r) / 5 ms }
synapse Learns { weight w: 1   on pre.spike { deliver w } on post.spike { w += 0.01 }  on teach { w *= 0.9 } }
synapse Passes { weight w: 1   deliver w * pre.r }
network Spiking {
    population a: Cell[50]   population b: Cell[50]
    drive a.exc { poisson 200 Hz   weight 0.6 }
    projection still: a -> b.exc: Static { connect fixed_probability(0.2)   weight 0.1   delay 1 ms }
    projection learning: a -> b.exc: Learns { connect fixed_probability(0.2)   weight 0.1   delay 1 ms }
}
network Shown { population a: Cell[50]   drive a.exc { poisson 200 Hz   weight 0.6 }   population b: Cell[50] }
network Rates { population a: Unit[30]   projection all: a -> a.in_: Passes { connect all_to_all   weight 0.01 } }
experiment spiking {
    dt 0.5 ms
    network net = Spiking()
    record net.b.spike
    for k in 1 .. 3 { run 30 ms   signal teach }
    measure x = net.b.v
}
experiment examples {
    dt 0.5 ms
    network net = Shown() with batch 5
    run 30 ms
    measure x = net.b.v
}
experiment rates { dt 0.5 ms   network net = Rates()   net.a.r = i   run 30 ms   measure x = net.a.r }
";

#[test]
fn a_profile_says_where_the_time_went_and_changes_nothing() {
    let here = place("profile");
    std::fs::write(here.join("p.neuro"), PARTS).unwrap();
    let parts = [
        ("spiking", "a", "kernel of a step"),
        ("spiking", "a", "events from drives"),
        ("spiking", "b.exc", "events along synapses that do not learn"),
        ("spiking", "learning", "handlers of arriving events"),
        ("spiking", "learning", "handlers of events of the targets"),
        ("spiking", "learning", "equations and signals of synapses"),
        ("examples", "a", "kernel of a step"),
        ("rates", "a", "kernel of a step"),
        ("rates", "a.in_", "computing a value"),
    ];
    for threads in ["1", "2"] {
        neuro(&here, &["run", "p.neuro", "-q", "--results", "plain"]);
        let out =
            neuro(&here, &["run", "p.neuro", "-q", "--profile", "--report", "--results", "with", "--threads", threads]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        let table = text(&out.stderr);
        for (experiment, of, what) in parts {
            let read = |folder: &str, file: &str| std::fs::read(here.join(folder).join(experiment).join(file)).unwrap();
            assert_eq!(read("plain", "measures.json"), read("with", "measures.json"));
            let run: serde_json::Value = serde_json::from_slice(&read("with", "run.json")).unwrap();
            let rows = run["profile"].as_array().unwrap();
            let row = rows.iter().find(|r| r["of"] == of && r["what"] == what);
            let row = row.unwrap_or_else(|| panic!("no `{what}` of `{of}`: {rows:?}"));
            assert!(row["times"].as_u64() > Some(0) && row["seconds"].as_f64() >= Some(0.0), "{row}");
            let sum: f64 = rows.iter().filter_map(|r| r["seconds"].as_f64()).sum();
            assert!(sum > 0.0 && sum <= run["wall_s"].as_f64().unwrap(), "{sum} of {}", run["wall_s"]);
            let plain: serde_json::Value = serde_json::from_slice(&read("plain", "run.json")).unwrap();
            assert!(plain["profile"].is_null());
            assert!(String::from_utf8(read("with", "report.html")).unwrap().contains(what), "{what}");
        }
        assert!(
            table.contains("s went:")
                && table.contains(" ms  ")
                && table.contains(" %  ")
                && table.contains("building networks"),
            "{table}"
        );
    }
}
