//! Cells whose shape an SWC file gives: against NEURON, and in what the language says of their sections.

use crate::support::{measured, near, rendered, root, run_with};
use neuro::codegen::Backend;
use neuro::compiler::{Program, Refused, compile};
use neuro::disk::Disk;
use neuro::experiment::Settings;
use neuro::morphology::{Cut, Kind, Segments, cut, sections, swc};
use neuro::source::SourceFile;

/// Compiles a text as if it stood beside the files of the oracle.
fn try_beside(text: &str) -> Result<Program, Box<Refused>> {
    let path = root().join("tests/oracle/morphology/model.neuro");
    compile(SourceFile::new(path.to_string_lossy(), text), &mut Disk::beside(&path))
}

#[track_caller]
fn beside(text: &str) -> Program {
    match try_beside(text) {
        Ok(p) => p,
        Err(r) => panic!("{}", rendered(r.diagnostics.iter(), &r.sources)),
    }
}

#[track_caller]
fn found(text: &str, settings: &Settings, names: &[&str]) -> Vec<f64> {
    let p = beside(text);
    let out = run_with(&p, 0, settings.clone(), &root());
    assert!(out.failure.is_none(), "{:?}", out.failure.map(|d| d.message));
    names.iter().flat_map(|name| measured(&out, name)).collect()
}

/// The segments of a file as the language has them: by kind, in the order of rows.
fn rows(file: &str, by: Cut) -> (Vec<neuro::morphology::Section>, Segments) {
    let text = std::fs::read(root().join("tests/oracle/morphology").join(file)).unwrap();
    let found = sections(&swc(&text).unwrap()).unwrap();
    let rows = cut(&found, &|_| by).unwrap();
    (found, rows)
}

/// The number of a segment among those of its kind.
fn number(sections: &[neuro::morphology::Section], rows: &Segments, (kind, index, k): (Kind, usize, usize)) -> usize {
    let section = sections.iter().position(|s| s.kind == kind && s.index == index).unwrap();
    let row = rows.first[section] + k;
    (0..row).filter(|r| rows.kind[*r] == kind && rows.number[*r].is_some()).count()
}

/// Passive, with a current into the soma.
const PASSIVE: &str = "
    param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
    state v = -65 mV
    current = 1e-4 S/cm^2 * (v + 65 mV)
";

#[test]
fn a_cell_with_synapses_and_channels_behaves_as_in_neuron() {
    let table = std::fs::read_to_string(root().join("tests/oracle/pyramid_neuron.csv")).unwrap();
    let expected: Vec<Vec<f64>> =
        table.lines().skip(1).map(|l| l.split(',').map(|x| x.parse().unwrap()).collect()).collect();
    // As many segments as by the rule with twice the capacitance in dendrites.
    let (all, _) = rows("pyramid.swc", Cut::Count(1));
    let lambda = |s: &neuro::morphology::Section| Cut::Lambda {
        share: 0.1,
        frequency: 100.0,
        capacitance: if matches!(s.kind, Kind::Basal | Kind::Apical) { 2.0 } else { 1.0 },
        resistivity: 100.0,
    };
    let segments = cut(&all, &lambda).unwrap();
    assert_eq!(segments.number.iter().flatten().count(), 317);
    let of = |kind, section, k| number(&all, &segments, (kind, section, k));
    use Kind::{Apical, Axon, Basal, Soma};
    let synapses = [
        (Apical, 0, 0, "fast", "16 nS", "[2 ms, 9 ms]"),
        (Apical, 7, 1, "fast", "9 nS", "[3 ms, 3 ms, 12 ms]"),
        (Basal, 2, 0, "slow", "18 nS", "[5.5 ms]"),
        (Basal, 5, 1, "fast", "15 nS", "[5 ms, 6 ms]"),
    ];
    let drives: String = synapses
        .iter()
        .map(|(kind, section, k, port, weight, times)| {
            let segment = of(*kind, *section, *k);
            format!("drive net.cell.{kind}.{port} {{ spikes {times}   weight {weight}   delay 0 ms   place segment {segment} }}\n")
        })
        .collect();
    let places = [
        (Soma, 0, 0),
        (Axon, 0, 0),
        (Axon, 1, 0),
        (Basal, 2, 0),
        (Basal, 5, 1),
        (Apical, 0, 0),
        (Apical, 7, 1),
        (Apical, 9, 0),
    ];
    let measures: String = places
        .iter()
        .enumerate()
        .map(|(n, (kind, section, k))| {
            format!("record net.cell[0].{kind}[{}].v every 0.2 ms as v{n}\n", of(*kind, *section, *k))
        })
        .collect();
    let model = |cells: usize, precision: &str| {
        format!(
            "use std.channels.hodgkin_huxley
            morphology Shape = swc(\"pyramid.swc\") segmented by d_lambda(0.1, 100 Hz)
            neuron Cell {{
                cable Shape {{
                    param R_a = 100 Ohm*cm
                    state v = -65 mV
                    sections soma, axon {{ param C_m = 1 uF/cm^2 }}
                    channel na: NaHH in soma, axon
                    channel k: KHH in axon, soma
                    channel leak: Leak in soma, axon
                    sections basal, apical {{
                        param C_m = 2 uF/cm^2
                        event input fast: nS
                        event input slow: nS
                        state f = 0 nS, s = 0 nS
                        f' = -f / 2 ms + fast
                        s' = -s / 5 ms + slow
                        current = (f + s) * v
                        current = 1e-4 S/cm^2 * (1 + distance / 200 um) * (v + 65 mV)
                    }}
                }}
                emit spike when rising soma.v > 0 mV
            }}
            network Net {{ population cell: Cell[{cells}] }}
            experiment e {{
                dt 0.025 ms   precision {precision}
                network net = Net()
                {drives}
                {measures}
                run 25 ms
                measure inner = net.cell[{last}].apical[3].v / 1 mV
                measure first = net.cell[0].apical[3].v / 1 mV
            }}",
            last = cells - 1
        )
    };
    for (precision, cells, threads, backend, tolerance) in [
        ("f64", 1, 1, Backend::Auto, 1e-5),
        ("f64", 20, 2, Backend::Auto, 1e-5),
        ("f64", 3, 1, Backend::Cranelift, 1e-5),
        ("f64", 2, 1, Backend::Interpreter, 1e-5),
        ("f32", 70, 2, Backend::Auto, 0.05),
    ] {
        let p = beside(&model(cells, precision));
        let settings = Settings { threads, backend, ..Settings::default() };
        let out = run_with(&p, 0, settings, &root());
        assert!(out.failure.is_none(), "{:?}", out.failure.map(|d| d.message));
        assert_eq!(measured(&out, "inner"), measured(&out, "first"));
        for n in 0..places.len() {
            let (times, values) = crate::support::trace(&out, &format!("v{n}"));
            assert!(times.len() > 100);
            for (t, v) in times.iter().zip(&values) {
                let row = expected.iter().find(|row| (row[0] - t).abs() < 1e-6).unwrap();
                let off = (v - row[n + 1]).abs();
                // NEURON keeps points in 32 bits; the upstroke of the spike in the axon makes more of what is off.
                let tolerance = if *t < 5.0 { tolerance / 10.0 } else { tolerance };
                assert!(
                    off < tolerance,
                    "{precision}, {cells} cells, {:?} at {t} ms: {v}, not {}",
                    places[n],
                    row[n + 1]
                );
            }
        }
    }
}

#[test]
fn every_cut_has_neurons_potentials_at_rest_under_a_current() {
    // By file: kind, index and number of a segment with its potential in NEURON, 0.1 nA into the soma.
    for file in ["ball_and_stick", "rall", "three_points", "stack", "branched_soma", "kinds"] {
        for (by, rule, table) in [
            ("by count(1)", Cut::Count(1), "one"),
            ("by count(3)", Cut::Count(3), "three"),
            (
                "by d_lambda(0.1, 100 Hz)",
                Cut::Lambda { share: 0.1, frequency: 100.0, capacitance: 1.0, resistivity: 100.0 },
                "lambda",
            ),
        ] {
            let text =
                std::fs::read_to_string(root().join(format!("tests/oracle/morphology/{file}_{table}.csv"))).unwrap();
            let mut lines = text.lines();
            let names: Vec<&str> = lines.next().unwrap().split(',').collect();
            let column = |name: &str| names.iter().position(|n| *n == name).unwrap();
            let (kind_at, index_at, number_at, v_at) =
                (column("kind"), column("index"), column("number"), column("v_mV"));
            let lines: Vec<Vec<&str>> = lines.map(|l| l.split(',').collect()).collect();
            let (all, segments) = rows(&format!("{file}.swc"), rule);
            let kinds: Vec<String> =
                all.iter().map(|s| s.kind.to_string()).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
            let measures: String = kinds.iter().map(|k| format!("measure {k} = net.cell.{k}.v / 1 mV\n")).collect();
            let middle = segments.count[0] / 2;
            let program = format!(
                "morphology Shape = swc(\"{file}.swc\") segmented {by}
                neuron Cell {{ cable Shape {{ {PASSIVE}   sections soma {{ state I = 0 pA   current = -I }} }} }}
                network Net {{ population cell: Cell[1] }}
                experiment e {{
                    dt 100 ms   precision f64
                    network net = Net()
                    net.cell.soma[{middle}].I = 100 pA
                    run 4 s
                    {measures}
                }}"
            );
            let settings = Settings::default();
            let values: std::collections::BTreeMap<&str, Vec<f64>> =
                kinds.iter().map(|k| (k.as_str(), found(&program, &settings, &[k]))).collect();
            let mut compared = 0;
            for line in lines.iter().filter(|l| l[number_at] != "end" && l[number_at] != "begin") {
                let kind = all.iter().map(|s| s.kind).find(|k| k.to_string() == line[kind_at]).unwrap();
                let place = (kind, line[index_at].parse().unwrap(), line[number_at].parse().unwrap());
                let found = values[line[kind_at]][number(&all, &segments, place)] + 65.0;
                let expected: f64 = line[v_at].parse().unwrap();
                assert!(
                    (found - expected).abs() < 1e-6 * (1.0 + expected),
                    "{file} {by} {place:?}: {found} {expected}"
                );
                compared += 1;
            }
            assert_eq!(compared, segments.number.iter().flatten().count());
        }
    }
}

#[test]
fn sections_have_parameters_channels_and_distances_of_their_own() {
    let text = format!(
        "morphology Shape = swc(\"kinds.swc\") segmented every 30 um
        channel Leak2(v: mV) {{ param g = 0.1 mS/cm^2   current = g * (v + 60 mV) }}
        neuron Cell {{
            param base = 0.2 mS/cm^2
            cable Shape {{
                {PASSIVE}
                sections basal, apical {{ param spines = 2 }}
                sections apical {{ event input exc: nS   state g = 0 nS   g' = -g / 2 ms + exc   current = g * v }}
                channel more: Leak2(g = base * exp(-distance / 100 um)) in apical
            }}
            emit spike when rising soma.v > 0 mV
        }}
        network Net {{ population cell: Cell(base = 0.4 mS/cm^2)[2] }}
        experiment e {{
            network net = Net()
            net.cell.basal.spines = 3
            measure g = net.cell[0].apical.more.g / 1 mS * 1 cm^2
            measure d = net.cell[0].apical.distance / 1 um
            measure spines = net.cell[1].basal.spines
            measure others = net.cell[1].apical.spines
        }}"
    );
    let p = beside(&text);
    let out = run_with(&p, 0, Settings::default(), &root());
    assert!(out.failure.is_none(), "{:?}", out.failure.map(|d| d.message));
    let (_, segments) = rows("kinds.swc", Cut::Every(30.0));
    let apical = |r: &usize| segments.kind[*r] == Kind::Apical && segments.number[*r].is_some();
    let distances: Vec<f64> = (0..segments.kind.len()).filter(apical).map(|r| segments.distance[r]).collect();
    assert!(distances.len() > 2);
    near(&measured(&out, "d"), &distances, 1e-9);
    let expected: Vec<f64> = distances.iter().map(|d| 0.4 * (-d / 100.0).exp()).collect();
    near(&measured(&out, "g"), &expected, 1e-6);
    assert_eq!((measured(&out, "spines"), measured(&out, "others")), (vec![3.0], vec![2.0]));
}

#[test]
fn synapses_find_their_places_on_branches() {
    let text = |place: &str, n: usize| {
        format!(
            "use std.sources.spikes: Forced
            morphology Shape = swc(\"rall.swc\") segmented every 10 um
            neuron Cell {{
                cable Shape {{ {PASSIVE}   sections basal {{ event input exc: nS   state n = 0 nS   n' = exc }} }}
                emit spike when rising soma[1].v > 0 mV
            }}
            network Net {{
                population source: Forced[{n}]
                population cell: Cell[2]
                projection link: source -> cell.basal.exc: Static {{ connect all_to_all   weight 1 nS   delay 1 ms   {place} }}
            }}
            experiment e {{
                dt 0.1 ms
                network net = Net()
                drive net.source.force {{ spikes [1 ms]   weight 1 }}
                run 3 ms
                measure n = net.cell[1].basal.n / 1 nS
            }}"
        )
    };
    let (_, segments) = rows("rall.swc", Cut::Every(10.0));
    let of_kind: Vec<usize> = (0..segments.kind.len())
        .filter(|r| segments.kind[*r] == Kind::Basal && segments.number[*r].is_some())
        .collect();
    let holds = |r: usize, from: f64, to: f64| {
        let (begin, end) =
            (segments.distance[r] - segments.length[r] / 2.0, segments.distance[r] + segments.length[r] / 2.0);
        end > from && begin <= to
    };
    let at = |place: &str, n: usize| found(&text(place, n), &Settings::default(), &["n"]);
    // Four branches lie at a distance of 250 um: the synapses are spread over them.
    let there = at("place 250 um", 400);
    let branches: Vec<usize> = (0..of_kind.len()).filter(|k| holds(of_kind[*k], 250.0, 250.0)).collect();
    assert_eq!(branches.len(), 4, "{branches:?}");
    for (k, n) in there.iter().enumerate() {
        // 100 each; the deviation is less than 9.
        assert!(if branches.contains(&k) { (n - 100.0).abs() < 40.0 } else { *n == 0.0 }, "{k}: {n}");
    }
    // Anywhere within a range, and nowhere else.
    let there = at("place ~ uniform(100 um, 200 um)", 1000);
    near(&[there.iter().sum()], &[1000.0], 1e-9);
    for (k, n) in there.iter().enumerate() {
        assert!(*n == 0.0 || holds(of_kind[k], 100.0, 200.0), "{k}: {n}");
    }
    assert_eq!(at("place each segment", 1), vec![1.0; of_kind.len()]);
    let mut one = vec![0.0; of_kind.len()];
    one[7] = 2.0;
    assert_eq!(at("place segment 7", 2), one);
}

#[test]
fn single_segments_decide_about_events() {
    // The tip of a branch is driven over a threshold that nothing else reaches.
    let text = |cells: usize, precision: &str| {
        format!(
            "morphology Shape = swc(\"small.swc\") segmented every 10 um
            neuron Cell {{
                cable Shape {{ {PASSIVE}   state I = 0 pA   current = -I   sections soma {{ current = 5e-3 S/cm^2 * (v + 65 mV) }} }}
                state seen = -65 mV, count = 0
                seen' = (basal[9].v - seen) / 1 ms
                emit plateau when rising basal[9].v > -45 mV {{ count += 1 }}
                emit spike when rising soma[0].v > -45 mV
            }}
            network Net {{ population cell: Cell[{cells}] }}
            experiment e {{
                dt 0.1 ms   precision {precision}
                network net = Net()
                record net.cell.plateau
                record net.cell.spike
                net.cell[{last}].basal[9].I = 150 pA
                run 60 ms
                measure plateaus = count(net.cell.plateau)
                measure spikes = count(net.cell.spike)
                measure counted = net.cell.count
                measure seen = (net.cell[{last}].seen - net.cell[{last}].basal[9].v) / 1 mV
            }}",
            last = cells - 1
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let small = "1 1 0 0 0 5 -1\n2 3 5 0 0 0.3 1\n3 3 55 0 0 0.3 2\n4 3 0 5 0 0.3 1\n5 3 0 55 0 0.3 4\n";
    std::fs::write(folder.path().join("small.swc"), small).unwrap();
    let path = folder.path().join("model.neuro");
    for precision in ["f32", "f64"] {
        for cells in [1, 3, 20] {
            let source = SourceFile::new(path.to_string_lossy(), text(cells, precision));
            let Ok(p) = compile(source, &mut Disk::beside(&path)) else { panic!("refused") };
            let names = ["plateaus", "spikes", "counted", "seen"];
            let all = crate::support::same_everywhere(&p, &Settings::default(), &names);
            let mut counted = vec![0.0; cells];
            counted[cells - 1] = 1.0;
            assert_eq!(all[..2], [1.0, 0.0], "{cells} {precision}");
            assert_eq!(all[2..2 + cells], counted);
            assert!(all[2 + cells].abs() < 0.5, "{all:?}");
        }
    }
    let refused = |from: &str, to: &str| {
        let source = SourceFile::new(path.to_string_lossy(), text(1, "f32").replace(from, to));
        let shown = |d: &neuro::diag::Diagnostic| format!("{}: {}", d.code, d.message);
        match compile(source, &mut Disk::beside(&path)) {
            Err(r) => r.diagnostics.iter().map(shown).collect::<Vec<_>>().join("\n"),
            Ok(p) => shown(&run_with(&p, 0, Settings::default(), &root()).failure.expect("a failure")),
        }
    };
    insta::assert_snapshot!(
        [
            refused("rising basal[9]", "rising basal[10]"),
            refused("rising basal[9]", "rising basal[0.5]"),
            refused("rising basal[9]", "rising basal[seen / 1 mV]"),
            refused("rising basal[9].v > -45 mV", "rising basal[9].C_m > 1 uF/cm^2"),
            refused("rising basal[9].v", "rising basal[9].u"),
        ]
        .join("\n")
    );
}

#[test]
fn what_a_morphology_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("cut.swc", "1 1 0 0 0 5 -1\n2 3 5 0 0 1 1\n3 3 65 0 0 -1 2\n"),
        ("forest.swc", "1 1 0 0 0 5 -1\n2 3 5 0 0 1 9\n"),
        ("none.swc", "# nothing\n"),
        ("small.swc", "1 1 0 0 0 5 -1\n2 3 5 0 0 1 1\n3 3 65 0 0 1 2\n4 3 5 9 0 1 1\n5 3 65 9 0 1 4\n"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let refused = |text: &str| {
        let path = folder.path().join("model.neuro");
        match compile(SourceFile::new(path.to_string_lossy(), text), &mut Disk::beside(&path)) {
            Err(r) => rendered(r.diagnostics.iter(), &r.sources).replace(&format!("{}/", folder.path().display()), ""),
            Ok(_) => panic!("accepted: {text}"),
        }
    };
    let cell = |head: &str, body: &str| refused(&format!("{head}\nneuron Cell {{ {body} }}\n"));
    let small = "morphology Shape = swc(\"small.swc\") segmented every 20 um";
    let cable = |more: &str| format!("cable Shape {{ {PASSIVE} {more} }}");
    insta::assert_snapshot!(
        [
            refused("morphology A = swc(\"gone.swc\") segmented every 20 um"),
            refused("morphology A = swc(\"cut.swc\") segmented every 20 um"),
            refused("morphology A = swc(\"forest.swc\") segmented every 20 um"),
            refused("morphology A = swc(\"none.swc\") segmented every 20 um"),
            refused("morphology A = csv(\"small.swc\") segmented every 20 um"),
            refused("morphology A = swc(\"small.swc\") segmented every 20 mV"),
            refused("morphology A = swc(\"small.swc\") segmented every 0 um"),
            refused("morphology A = swc(\"small.swc\") segmented by d_lambda(0.1)"),
            refused("morphology A = swc(\"small.swc\") segmented by lambda(0.1, 100 Hz)"),
            refused("morphology A = swc(\"small.swc\") segmented by count(1.5)"),
            // Nobody misses what the cell would have.
            refused(&format!(
                "morphology A = swc(\"forest.swc\") segmented every 20 um
                neuron Cell {{ cable A {{ {PASSIVE} }}   emit spike when rising soma.v > 0 mV }}
                network Net {{ population cell: Cell[2] }}
                experiment e {{ network net = Net()   run 1 ms   print net.cell.basal.v }}"
            )),
            cell(small, "cable Shap { state v = 0 mV }"),
            cell(small, &cable("length 20 um")),
            cell(small, &cable("sections apical { param g = 1 }")),
            cell(small, &cable("sections basal { input I: pA = 0 pA }")),
            cell(small, &format!("{} {}", cable(""), cable(""))),
            cell(small, &format!("{} compartment basal {{ state v = 0 mV }}", cable(""))),
            cell(
                small,
                &format!(
                    "{} compartment axon {{ length 9 um diameter 1 um {PASSIVE} }} couple soma <-> axon",
                    cable("")
                )
            ),
            cell(small, "sections soma { state v = 0 mV }"),
            cell(small, "cable Shape { param R_a = 100 Ohm*cm   state v = 0 mV }"),
            cell(small, &format!("{} emit spike when rising basal.v > 0 mV", cable(""))),
            cell(
                "morphology Shape = swc(\"small.swc\") segmented by d_lambda(0.1, 100 Hz)",
                "cable Shape { param C_m = 1 uF/cm^2 * (1 + distance / 1 mm), R_a = 100 Ohm*cm   state v = 0 mV }"
            ),
        ]
        .join("\n")
    );
}
