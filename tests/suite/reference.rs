//! The table of built-in functions: its examples are executed, and the chapter of the reference is what it says.

use crate::support::{rendered, root, run_with, try_program};
use neuro::builtin::{Builtin, Place, reference, rows};
use neuro::experiment::Settings;
use std::path::PathBuf;

/// Four cells that spike every 10 ms or so, onto four others; an energy; a table and an array.
const FIXTURE: &str = "
neuron Cell {
    event input exc: mV
    input I: mV = 8 mV
    state v = 0 mV
    v' = (I - v) / 10 ms + exc
    emit spike when v > 5 mV { v = 0 mV }
}
neuron Unit { input drive: mV = 0 mV   state r = 0 mV   r' = (drive - r) / 10 ms }
synapse Joint { weight w: 1   deliver w * pre.r }
network Net {
    population a: Cell[4]
    population b: Cell[4]
    projection link: a -> b.exc: Static { connect all_to_all   weight 0.1 mV   delay 1 ms }
}
neuron Held { state s = 1   energy E = s * s / 2 / 1 ms }
network Still { population a: Held[2] }
";

/// What an example stands in.
fn program_of(b: &Builtin) -> String {
    let within = |clauses: String, population: &str| {
        format!(
            "{FIXTURE} network Drawn {{
                population a: {population}
                population b: {population}
                projection link: {clauses}
            }}
            test \"builds\" {{ network net = Drawn()   run 1 ms   expect n_synapses(net.link) > 0 }}"
        )
    };
    let events = |clauses: String| within(format!("a -> b.exc: Static {{ {clauses}   delay 1 ms }}"), "Cell[4]");
    match b.example.split(' ').next() {
        Some("weight") => events(format!("connect all_to_all   {}", b.example)),
        Some("connect") if matches!(b.name, "conv" | "pool" | "mean_pool" | "max_pool") => {
            within(format!("a -> b.drive: Joint {{ {}   weight 1 }}", b.example), "Unit[1, 2, 2]")
        }
        Some("connect") => events(format!("{}   weight 1 mV", b.example)),
        _ => format!(
            "{FIXTURE}
            test \"holds\" {{
                precision f64
                network held = Still()
                network net = Net()
                record net.a.spike as spikes
                record net.a.v every 1 ms as trace
                run 100 ms
                {}
                run 1 ms
            }}",
            b.example
        ),
    }
}

/// A NumPy array of doubles.
pub fn array(shape: &str, values: &[f64]) -> Vec<u8> {
    let header = format!("{:<117}\n", format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"));
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    npy.extend((header.len() as u16).to_le_bytes());
    npy.extend(header.bytes());
    values.iter().for_each(|v| npy.extend(v.to_le_bytes()));
    npy
}

/// A folder with `table.csv`, other tables, `array.npy`, `arrays.npz` and `pictures.zip`.
fn data() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("reference");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("table.csv"), "x,kind\n1,a\n2,b\n").unwrap();
    std::fs::write(folder.join("table.parquet"), crate::tables::parquet_file(false)).unwrap();
    std::fs::write(folder.join("table.feather"), crate::tables::arrow_file(true)).unwrap();
    std::fs::write(folder.join("table.json"), r#"{"edges": [{"a": "x", "at": [1, 2]}, {"a": "y", "at": [3]}]}"#)
        .unwrap();
    std::fs::write(folder.join("array.idx"), [0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3]).unwrap();
    std::fs::write(folder.join("array.npy"), array("(3,)", &[1.0, 2.0, 3.0])).unwrap();
    let three =
        ["x", "y"].map(|name| neuro::data::Named { name: name.into(), shape: vec![3], values: vec![1.0, 2.0, 3.0] });
    std::fs::write(folder.join("arrays.npz"), neuro::data::Archive::Npz.write(&three, true).unwrap()).unwrap();
    // Four repetitions of five images at two cells, all alike but for one that is missing; three rows, the second of which is turned round.
    let mut repeats: Vec<f64> = (0..4).flat_map(|_| [1.0, 7.0, 2.0, 5.0, 4.0, 6.0, 3.0, 2.0, 5.0, 1.0]).collect();
    repeats[13] = f64::NAN;
    std::fs::write(folder.join("repeats.npy"), array("(4, 5, 2)", &repeats)).unwrap();
    let rows = [1.0, 2.0, 4.0, 4.0, 3.0, 1.0, 2.0, 4.0, 8.0];
    std::fs::write(folder.join("rows.npy"), array("(3, 3)", &rows)).unwrap();
    std::fs::write(folder.join("pictures.zip"), crate::data::pictures(&[("a.png", 4), ("b.png", 8)])).unwrap();
    folder
}

#[test]
fn every_example_of_the_table_holds() {
    let folder = data();
    let mut problems = String::new();
    for b in rows() {
        if matches!(b.name, "mnist" | "cifar10") && std::env::var_os("NEURO_DATA").is_none() {
            eprintln!("the example of `{}` is skipped: NEURO_DATA is not set", b.name);
            continue;
        }
        let p = match try_program(&program_of(b)) {
            Ok(p) => p,
            Err(r) => {
                problems += &format!("{}: {}\n", b.name, rendered(r.diagnostics.iter(), &r.sources));
                continue;
            }
        };
        let out = run_with(&p, 0, Settings::default(), &folder);
        if let Some(d) = &out.failure {
            problems += &format!("{}: {} {}\n", b.name, d.code, d.message);
        }
        for e in out.expectations.iter().filter(|e| !e.passed) {
            problems += &format!("{}: `{}` found {}\n", b.name, p.sources.text(e.span), e.found);
        }
        let expects = b.example.starts_with("expect") || b.place == Place::Connector;
        if expects && out.expectations.is_empty() {
            problems += &format!("{}: nothing was expected\n", b.name);
        }
    }
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn the_chapter_is_what_the_table_says() {
    let written = std::fs::read_to_string(root().join("docs/language/functions.md")).unwrap_or_default();
    assert!(written == reference(), "run `neuro explain functions > docs/language/functions.md`");
}

/// The pages of the library are what `neuro doc` makes of it; with NEURO_UPDATE=1 they are written.
#[test]
fn pages_of_the_library_are_current() {
    let folder = root().join("docs/library");
    let mut stale = Vec::new();
    let mut page = |name: String, text: String| {
        let path = folder.join(name);
        if std::env::var_os("NEURO_UPDATE").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != text {
            stale.push(path);
        }
    };
    let mut index =
        "# The standard library\n\nMade by `neuro list` and `neuro doc`.\n\n| module | declares |\n|---|---|\n"
            .to_string();
    for module in neuro::stdlib::module_names() {
        let text = neuro::describe::module(module).expect("described");
        let names: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("## ")?.split(' ').nth(1)).collect();
        let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
        let file = format!("{}.md", module.trim_start_matches("std."));
        index += &format!("| [{module}]({file}) | {} |\n", names.join(", "));
        page(file, text);
    }
    page("README.md".into(), index);
    assert!(stale.is_empty(), "not what `neuro doc` says: {stale:?}; write them with NEURO_UPDATE=1");
}

#[test]
fn a_model_is_described_by_what_it_takes_and_gives() {
    let p = crate::support::program(
        "## A cell. With a second sentence.
neuron Cell(x) { }"
            .replace("(x)", "")
            .replace(
                "{ }",
                "{
    param tau = 10 ms, k = 2    # how slow
    event input exc: mV
    input I: pA = 0 pA
    state v = k * 3 mV
    v' = -v / tau + exc + 0 * I * 1 GOhm / ms
    emit spike when v > 5 mV { v = 0 mV }
}",
            )
            .as_str(),
    );
    let said = neuro::describe::declaration(&p, "Cell").expect("declared");
    for part in [
        "## neuron Cell",
        "A cell.",
        "| `tau` | `ms` | `10 ms` | how slow |",
        "| `exc` | `mV` | `events` |",
        "| `v` | `mV` | `k * 3 mV` |",
        "Events: `spike`.",
        "v' = -v / tau + exc",
        "population cells: Cell[10]",
    ] {
        assert!(said.contains(part), "`{part}` is not in\n{said}");
    }
    assert!(neuro::describe::declaration(&p, "Sell").is_none());
    let of_library = neuro::describe::of_library("ShortTerm").expect("in the library");
    assert!(
        of_library.contains("## synapse ShortTerm") && of_library.contains("use std.synapses.short_term: ShortTerm")
    );
}
