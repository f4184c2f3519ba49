//! Recordings in every format that a run can be asked for: the same numbers in all of them, on every way to them.

use neuro::data::{self, Archive, Table};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Records one of every kind, in a precision that is filled in.
const MODEL: &str = "
neuron Cell {
    param tau = 7 ms
    event input exc: mV
    state v = 0.1 mV  state x = 0.3  state big = 1e-30
    let twice = 2 * v
    let I = x * 0.7 nA
    v' = -v / tau + exc
    x' = (0.7 - x) / 3 ms
    big' = big / 1 ms
    emit spike when v > 5 mV { v = 0 mV }
    emit late when rising x > 0.5 { x = 0 }
}
synapse Learning {
    weight w: mV in 0 mV .. 10 mV
    state trace = 0
    trace' = -trace / 20 ms
    on pre.spike { deliver w   trace += 1   w = w * 1.01 }
}
network Net {
    population a: Cell[60]
    population none: Cell[0]
    drive a.exc { poisson 400 Hz  weight 1 mV }
    projection link: a[0..3] -> a.exc: Learning { connect all_to_all   weight 0.25 mV   delay 1 ms }
}
experiment e {
    precision PRECISION
    network net = Net()
    record (net.a.spike, net.a.late, net.a[10..20].spike, net.none.spike)
    record net.a[[3, 7, 50]].spike as chosen_spikes
    record net.a.v every 1 ms as v
    record net.a[5..8].v every 0.3 ms
    record net.a[[7, 3, 50]].twice every 1 ms as chosen
    record net.a.x every 1 ms as pure
    record net.a[0].big every 1 ms as big
    record net.a.I every 2 ms as current
    record net.a.tau every 5 ms as tau
    record net.none.v every 5 ms
    record net.link.w every 5 ms as w
    record net.link.trace every 5 ms
    record mean(net.a.v) every 1 ms as m
    record sum(net.link.w) every 5 ms as total
    record net.a.spike during 5 ms .. 20 ms as some
    record net.a.v every 1 ms during 5 ms .. 8 ms as part
    run 30 ms
    plot \"Spikes\" net.a.spike
    plot \"Few\" net.a[5..8].v
    plot \"Mean\" m, total
    plot \"Weights\" w
}
";

/// Names of recordings, one of each kind.
const KINDS: [&str; 19] = [
    "a.spike",
    "a.late",
    "a.spike.10-19",
    "none.spike",
    "chosen_spikes",
    "v",
    "a.v.5-7",
    "chosen",
    "pure",
    "big",
    "current",
    "tau",
    "none.v",
    "w",
    "link.trace",
    "m",
    "total",
    "some",
    "part",
];

fn place(name: &str, precision: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recordings").join(name);
    let _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir_all(&out).unwrap();
    std::fs::write(out.join("m.neuro"), MODEL.replace("PRECISION", precision)).unwrap();
    out
}

fn neuro(here: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_neuro")).current_dir(here).args(args).output().unwrap()
}

#[track_caller]
fn succeed(here: &Path, args: &[&str]) -> String {
    let out = neuro(here, args);
    assert!(out.status.success(), "{args:?}: {}", said(&out));
    said(&out)
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// The bits of columns, and what is said of them.
#[derive(Debug, Default, PartialEq)]
struct Columns {
    time: Vec<u64>,
    member: Vec<i64>,
    value: Vec<u64>,
    single: bool,
    about: BTreeMap<String, String>,
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// Reads a Parquet file with the crate alone.
fn parquet(path: &Path) -> Columns {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let all = reader.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let about = all.into_iter().map(|kv| (kv.key, kv.value.unwrap_or_default())).collect();
    let mut out = Columns { about, ..Columns::default() };
    for row in reader.get_row_iter(None).unwrap() {
        for (k, (_, field)) in row.unwrap().get_column_iter().enumerate() {
            match (k, field) {
                (0, Field::Double(t)) => out.time.push(t.to_bits()),
                (1, Field::Int(c)) => out.member.push(i64::from(*c)),
                (2, Field::Double(v)) => out.value.push(v.to_bits()),
                other => panic!("{other:?}"),
            }
        }
    }
    out
}

/// Reads an Arrow file with the crate alone.
fn arrow(path: &Path) -> Columns {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float32Type, Float64Type, Int32Type};
    let reader = arrow_ipc::reader::FileReader::try_new(std::fs::File::open(path).unwrap(), None).unwrap();
    let schema = reader.schema();
    let mut out = Columns {
        about: schema.metadata().iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        ..Columns::default()
    };
    out.single = schema.fields().get(2).is_some_and(|f| *f.data_type() == arrow_schema::DataType::Float32);
    for batch in reader {
        let batch = batch.unwrap();
        out.time.extend(bits(batch.column(0).as_primitive::<Float64Type>().values()));
        out.member.extend(batch.column(1).as_primitive::<Int32Type>().values().iter().map(|c| i64::from(*c)));
        let Some(values) = batch.columns().get(2) else { continue };
        match out.single {
            true => {
                out.value.extend(values.as_primitive::<Float32Type>().values().iter().map(|v| f64::from(*v).to_bits()))
            }
            false => out.value.extend(bits(values.as_primitive::<Float64Type>().values())),
        }
    }
    out
}

/// Columns of a table as the program reads it.
fn columns(table: &Table, names: [&str; 3]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let numbers = |name: &str| table.numbers(name, None).unwrap_or_else(|e| panic!("{}", e.what));
    (numbers(names[0]), numbers(names[1]), if names[2].is_empty() { Vec::new() } else { numbers(names[2]) })
}

#[test]
fn every_kind_of_recording_has_the_same_bits_in_every_format() {
    for precision in ["f32", "f64"] {
        let here = place(&format!("matrix_{precision}"), precision);
        succeed(&here, &["run", "m.neuro", "-q", "--format", "csv,npy", "--format", "arrow,parquet"]);
        let at = |name: &str, ending: &str| here.join(format!("results/e/{name}.{ending}"));
        let mut singles = Vec::new();
        for name in KINDS {
            let one = parquet(&at(name, "parquet"));
            assert!(!one.time.is_empty() || name.starts_with("none"), "{name}");
            // Arrow: the same but for the type of the values. What a run begins with may not have been rounded yet.
            let other = arrow(&at(name, "arrow"));
            let single = other.single;
            singles.extend(single.then_some(name));
            let rounded = |(v, t): (&u64, &u64)| match single && *t == 0 {
                true => f64::from(f64::from_bits(*v) as f32).to_bits(),
                false => *v,
            };
            let value = one.value.iter().zip(&one.time).map(rounded).collect();
            let expected =
                Columns { value, single, about: one.about.clone(), time: one.time.clone(), member: one.member.clone() };
            assert!(other == expected, "{name}");
            let synapses = one.about.contains_key("neuro.projection");
            let member = if synapses { "synapse" } else { "cell" };
            let unit = one.about.get("unit.value").cloned();
            let as_f32 = |v: &[f64]| v.iter().map(|v| (*v as f32).to_bits()).collect::<Vec<_>>();
            let truth: Vec<f64> = one.value.iter().map(|v| f64::from_bits(*v)).collect();
            let bytes = std::fs::read(at(name, "arrow")).unwrap();
            let table = data::arrow("a", &bytes, &|_| true).unwrap();
            let (time, cell, value) = columns(&table, ["time", member, if unit.is_some() { "value" } else { "" }]);
            assert_eq!(bits(&time), one.time, "{name}");
            assert!(cell.iter().map(|c| *c as i64).eq(one.member.iter().copied()), "{name}");
            match single {
                true => assert_eq!(as_f32(&value), as_f32(&truth), "{name}"),
                false => assert_eq!(bits(&value), one.value, "{name}"),
            }
            // CSV: units in the header.
            let bytes = std::fs::read(at(name, "csv")).unwrap();
            let text = String::from_utf8(bytes.clone()).unwrap();
            let heading = match unit.as_deref() {
                None => String::new(),
                Some("1") => "value".to_string(),
                Some(unit) => format!("value ({unit})"),
            };
            let group = if synapses { "projection" } else { "population" };
            let part = ["a.spike.10-19", "chosen_spikes", "a.v.5-7", "chosen"].contains(&name);
            let names: Vec<&str> = ["time (ms)", group, member].into_iter().chain(part.then_some("index")).collect();
            let names = if heading.is_empty() { names.join(",") } else { format!("{},{heading}", names.join(",")) };
            assert_eq!(text.lines().next(), Some(names.as_str()), "{name}");
            let table = data::csv("a", &bytes, None, &|_| true).unwrap();
            let (time, cell, value) = columns(&table, ["time (ms)", member, &heading]);
            assert_eq!((bits(&time), bits(&value)), (one.time.clone(), one.value.clone()), "{name}");
            assert!(cell.iter().map(|c| *c as i64).eq(one.member.iter().copied()), "{name}");
            let owner = &one.about[&format!("neuro.{group}")];
            assert!(table.texts(group).unwrap().iter().all(|text| text == owner), "{name}");
            // NPZ: one moment after another.
            let bytes = std::fs::read(at(name, "npz")).unwrap();
            let read = |array: &str| data::stored(&bytes, array).unwrap();
            let times = read("times").1;
            if unit.is_none() {
                assert_eq!(bits(&times), one.time, "{name}");
                assert!(read("cells").1.iter().map(|c| *c as i64).eq(one.member.iter().copied()), "{name}");
            } else {
                let (shape, values) = read("values");
                match single {
                    true => assert_eq!(bits(&values), arrow(&at(name, "arrow")).value, "{name}"),
                    false => assert_eq!(bits(&values), one.value, "{name}"),
                }
                assert_eq!(shape.len(), if one.about.contains_key("neuro.reduced") { 1 } else { 2 }, "{name}");
                let cells: usize = one.about["neuro.cells"].parse().unwrap();
                assert_eq!((shape[0], shape.get(1).copied().unwrap_or(1)), (times.len(), cells), "{name}");
                let each: Vec<u64> = times.iter().flat_map(|t| std::iter::repeat_n(t.to_bits(), cells)).collect();
                assert_eq!(each, one.time, "{name}");
                let own = Archive::Npz.open(&bytes).unwrap().read("times", |_| true).unwrap();
                assert_eq!(own.1.as_deref(), Some(&times[..]), "{name}");
                let stored = if single { b"'<f4'" } else { b"'<f8'" };
                let at = bytes.windows(10).position(|w| w == b"values.npy").unwrap();
                assert!(bytes[at..at + 80].windows(5).any(|w| w == stored), "{name}");
            }
            assert_eq!(read("span").1, [0.0, 30.0], "{name}");
        }
        // What is computed of several cells, traces of synapses between events, and values in units of their own are doubles.
        let held: &[&str] = &["v", "a.v.5-7", "chosen", "pure", "big", "tau", "none.v", "w", "part"];
        assert_eq!(singles, if precision == "f32" { held } else { &[] });
        // Which cells they are.
        let index = |name: &str| data::stored(&std::fs::read(at(name, "npz")).unwrap(), "indices").unwrap().1;
        assert_eq!((index("chosen"), index("a.v.5-7")), (vec![7.0, 3.0, 50.0], vec![5.0, 6.0, 7.0]));
        let table = data::csv("a", &std::fs::read(at("chosen", "csv")).unwrap(), None, &|_| true).unwrap();
        assert_eq!(table.numbers("index", None).unwrap()[..4], [7.0, 3.0, 50.0, 7.0]);
        let about = parquet(&at("chosen", "parquet")).about;
        assert_eq!((&*about["neuro.indices"], &*about["neuro.variable"]), ("7,3,50", "twice"));
    }
}

#[test]
fn what_the_language_reads_of_recordings_is_what_was_recorded() {
    let here = place("language", "f32");
    succeed(&here, &["run", "m.neuro", "-q", "--format", "csv,arrow,parquet"]);
    let text = "experiment back {
    let c = csv(\"results/e/v.csv\")
    let a = arrow(\"results/e/v.arrow\")
    let p = parquet(\"results/e/v.parquet\")
    expect rows(c) == 31 * 60 and rows(a) == 31 * 60 and rows(p) == 31 * 60
    expect column(c, \"time (ms)\") == column(p, \"time\") and column(a, \"time\") == column(p, \"time\")
    expect column(c, \"value (mV)\") == column(p, \"value\")
    expect max(abs(column(a, \"value\") - column(p, \"value\"))) < 1e-6
    expect count_where(c, \"population\", \"a\") == rows(c)
}";
    std::fs::write(here.join("back.neuro"), text).unwrap();
    succeed(&here, &["run", "back.neuro", "-q"]);
}

#[test]
fn figures_and_pages_are_drawn_from_recordings_in_any_format() {
    for format in ["csv", "npy", "arrow"] {
        let here = place(&format!("drawn_{format}"), "f32");
        succeed(&here, &["run", "m.neuro", "-q", "--report", "--format", format]);
        let results = here.join("results/e");
        let names: Vec<String> =
            std::fs::read_dir(&results).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        let ending = if format == "npy" { ".npz" } else { &format!(".{format}") };
        assert!(names.iter().any(|n| *n == format!("a.spike{ending}")), "{names:?}");
        assert!(!names.iter().any(|n| n.ends_with(".parquet") || n.starts_with('.')), "{names:?}");
        let page = std::fs::read_to_string(results.join("report.html")).unwrap();
        assert!(page.contains(&format!("a.spike{ending}")) && !page.contains("is not here"), "{format}");
        succeed(&here, &["plot", "results/e", "--to", "again"]);
        for name in ["Spikes", "Few", "Mean", "Weights"] {
            let name = format!("{name}.svg");
            let same =
                std::fs::read(results.join(&name)).unwrap() == std::fs::read(here.join("again").join(&name)).unwrap();
            assert!(same, "{name} of {format} differs");
        }
        let out = neuro(&here, &["plot", "results/e", "pure", "w", "some", "--to", "other"]);
        match format {
            "csv" => assert!(out.status.code() == Some(2) && said(&out).contains("CSV does not say"), "{}", said(&out)),
            _ => assert!(out.status.success(), "{format}: {}", said(&out)),
        }
    }
}

#[test]
fn damaged_recordings_of_every_format_are_refused_or_drawn() {
    for ending in ["csv", "npz", "arrow"] {
        let here = place(&format!("damaged_{ending}"), "f32");
        succeed(&here, &["run", "m.neuro", "-q", "--format", if ending == "npz" { "npy" } else { ending }]);
        let path = here.join(format!("results/e/a.v.5-7.{ending}"));
        let good = std::fs::read(&path).unwrap();
        let mut seed = 7u64;
        for _ in 0..40 {
            let mut bytes = good.clone();
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (seed >> 33) as usize % bytes.len();
            bytes[at] ^= 1 << (seed >> 20 & 7);
            std::fs::write(&path, &bytes).unwrap();
            let out = neuro(&here, &["plot", "results/e", "Few", "--formats", "svg", "--to", "x"]);
            assert!([Some(0), Some(2)].contains(&out.status.code()), "{ending} {at}: {:?} {}", out.status, said(&out));
            assert!(!said(&out).contains("panicked"), "{ending} {at}: {}", said(&out));
        }
        for cut in [0, 10, good.len() / 2, good.len() - 1] {
            std::fs::write(&path, &good[..cut]).unwrap();
            let out = neuro(&here, &["plot", "results/e", "Few", "--formats", "svg", "--to", "x"]);
            assert!([Some(0), Some(2)].contains(&out.status.code()), "{ending} {cut}: {:?} {}", out.status, said(&out));
        }
    }
}

/// Goes on for as long as is asked for, and saves something.
const LONG: &str = "
neuron Cell { state v = 0 mV  v' = (1 mV - v) / 10 ms  emit spike when v > 0.5 mV { v = 0 mV } }
network Net { population a: Cell[40] }
experiment e(turns: int = 1) {
    network net = Net()
    record net.a.v every 1 ms as v
    for k in 1..turns { run 50 ms }
    save net to \"v.SAVED\"
}
";

fn long(name: &str, saved: &str) -> PathBuf {
    let here = place(name, "f32");
    std::fs::write(here.join("m.neuro"), LONG.replace("SAVED", saved)).unwrap();
    here
}

fn files(here: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(here.join("results/e"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn files_of_another_format_are_replaced_and_those_of_users_are_not() {
    let here = long("replaced", "state");
    succeed(&here, &["run", "m.neuro", "-q"]);
    assert_eq!(files(&here), ["measures.json", "run.json", "v.parquet", "v.state"]);
    succeed(&here, &["run", "m.neuro", "-q", "--format", "csv"]);
    assert_eq!(files(&here), ["measures.json", "run.json", "v.csv", "v.state"]);
    std::fs::write(here.join("results/e/v.arrow"), "mine").unwrap();
    let out = neuro(&here, &["run", "m.neuro", "-q", "--format", "arrow"]);
    assert!(out.status.code() == Some(1) && said(&out).contains("v.arrow is not of a run"), "{}", said(&out));
    assert_eq!(std::fs::read(here.join("results/e/v.arrow")).unwrap(), b"mine");
    for (args, why) in [
        (&["run", "m.neuro", "--format", "cvs"][..], "did you mean csv?"),
        (&["run", "m.neuro", "--format", "hdf5"], "parquet, arrow, npy, csv"),
        (&["test", "m.neuro", "--format", "csv"], "--format"),
    ] {
        let out = neuro(&here, args);
        assert!(out.status.code() == Some(2) && said(&out).contains(why), "{args:?}: {}", said(&out));
    }
}

#[test]
fn a_recording_never_takes_the_name_of_what_is_saved() {
    let here = long("saved", "npz");
    let out = neuro(&here, &["run", "m.neuro", "-q", "--format", "npy"]);
    assert!(out.status.code() == Some(1), "{}", said(&out));
    assert!(
        said(&out).contains("E0809") && said(&out).contains("the experiment saves a file of this name"),
        "{}",
        said(&out)
    );
    let saved = std::fs::read(here.join("results/e/v.npz")).unwrap();
    assert!(saved.starts_with(b"neuro network") || saved.starts_with(b"PK"), "{:?}", &saved[..20]);
    succeed(&here, &["run", "m.neuro", "-q", "--format", "csv"]);
}

#[test]
fn a_run_is_finished_in_the_formats_that_it_has_and_goes_on_into_others() {
    let here = long("resumed", "state");
    succeed(&here, &["run", "m.neuro", "-q", "--set", "turns=40", "--format", "npy,csv"]);
    let whole = |name: &str| std::fs::read(here.join("results/e").join(name)).unwrap();
    let expected = [whole("v.npz"), whole("v.csv")];
    let again = ["run", "m.neuro", "-q", "--set", "turns=40", "--resume"];
    for formats in ["npy", "csv,npy", ""] {
        let with: Vec<&str> = if formats.is_empty() { vec![] } else { vec!["--format", formats] };
        assert!(succeed(&here, &[&again[..], &with].concat()).contains("has come to its end"), "{formats}");
    }
    let said = succeed(&here, &[&again[..], &["--format", "arrow"]].concat());
    assert!(!said.contains("has come to its end") && files(&here).contains(&"v.arrow".to_string()), "{said}");
    // Stopped, and gone on from a checkpoint: the same bytes.
    let args = ["run", "m.neuro", "-q", "--set", "turns=100000000", "--checkpoint-every", "10ms", "--max-time", "1s"];
    let out = neuro(&here, &[&args[..], &["--results", "part", "--format", "npy,csv"]].concat());
    assert_eq!(out.status.code(), Some(1));
    let begun = std::fs::read(here.join("part/e/v.npz")).unwrap();
    let out = neuro(&here, &[&args[..], &["--results", "part", "--format", "npy,csv", "--resume"]].concat());
    assert_eq!(out.status.code(), Some(1));
    let more = std::fs::read(here.join("part/e/v.npz")).unwrap();
    let values = |bytes: &[u8]| data::stored(bytes, "values").unwrap().1;
    let (first, then) = (values(&begun), values(&more));
    let all = values(&expected[0]);
    assert!(then.len() > first.len() && then[..first.len()] == first[..]);
    let n = all.len().min(then.len());
    assert!(all[..n] == then[..n]);
    let csv = std::fs::read(here.join("part/e/v.csv")).unwrap();
    let n = expected[1].len().min(csv.len());
    assert!(expected[1][..n] == csv[..n]);
}

#[test]
fn the_runs_of_a_sweep_have_the_formats_that_it_is_asked_for() {
    let here = long("swept", "state");
    let args = ["sweep", "m.neuro", "e", "--over", "turns=1..2"];
    assert!(succeed(&here, &args).contains("ran     turns=1"));
    let with = [&args[..], &["--format", "csv,arrow"]].concat();
    assert!(succeed(&here, &with).contains("ran     turns=1"));
    for ending in ["csv", "arrow"] {
        assert!(here.join(format!("sweep/turns=2/e/v.{ending}")).exists());
    }
    assert!(!here.join("sweep/turns=2/e/v.parquet").exists());
    assert!(succeed(&here, &with).contains("kept    turns=1") && succeed(&here, &args).contains("kept    turns=1"));
}
