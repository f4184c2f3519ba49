//! Shapes of cells: files that are damaged, and cells as NEURON makes them: tests/oracle/morphology, by gen_morphology.py.

use neuro::morphology::{Cut, Joint, Kind, Section, Segments, cut, sections, swc};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What differs in the order of operations only.
const ROUNDING: f64 = 1e-11;

/// NEURON keeps coordinates and diameters as 32-bit floats: what is made of decimals differs by the relative rounding of lengths.
const SINGLE: f64 = 2e-6;

const CELLS: [(&str, f64); 9] = [
    ("ball_and_stick", ROUNDING),
    ("rall", ROUNDING),
    ("three_points", ROUNDING),
    ("stack", ROUNDING),
    ("branched_soma", ROUNDING),
    ("kinds", ROUNDING),
    ("without_soma", ROUNDING),
    ("pyramid", ROUNDING),
    ("decimals", SINGLE),
];

const LAMBDA: Cut = Cut::Lambda { share: 0.1, frequency: 100.0, capacitance: 1.0, resistivity: 100.0 };

fn oracle(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/morphology").join(name)
}

fn file(cell: &str) -> Vec<u8> {
    std::fs::read(oracle(&format!("{cell}.swc"))).unwrap()
}

/// The rows of a table, each by the names of its columns.
fn table(name: &str) -> Option<Vec<BTreeMap<String, String>>> {
    let text = std::fs::read_to_string(oracle(name)).ok()?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next()?.split(',').collect();
    let row = |line: &str| header.iter().map(|h| h.to_string()).zip(line.split(',').map(str::to_string)).collect();
    Some(lines.map(row).collect())
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap()
}

/// The largest relative difference seen of each quantity.
#[derive(Default)]
struct Worst(BTreeMap<&'static str, f64>);

impl Worst {
    fn see(&mut self, what: &'static str, found: f64, expected: f64, tolerance: f64, place: &str) {
        // Path distances in the middle of the soma are zero.
        let off = (found - expected).abs() / expected.abs().max(1e-3);
        assert!(off <= tolerance, "{place}: {what} is {found}, not {expected}: off by {off:e}");
        let worst = self.0.entry(what).or_default();
        *worst = worst.max(off);
    }
}

/// The sections of a cell by kind and index, compared with NEURON's.
fn compared(cell: &str, tolerance: f64, worst: &mut Worst) -> (Vec<Section>, BTreeMap<(String, usize), usize>) {
    let found = sections(&swc(&file(cell)).unwrap()).unwrap();
    let by_name: BTreeMap<(String, usize), usize> =
        found.iter().enumerate().map(|(k, s)| ((s.kind.to_string(), s.index), k)).collect();
    let expected = table(&format!("{cell}_sections.csv")).unwrap();
    assert_eq!(found.len(), expected.len(), "{cell}");
    for row in &expected {
        let name = (row["kind"].clone(), row["index"].parse().unwrap());
        let place = format!("{cell}: {} {}", name.0, name.1);
        let section = &found[by_name[&name]];
        assert_eq!(section.points.len().to_string(), row["points"], "{place}");
        let parent = (!row["parent_kind"].is_empty()).then(|| Joint {
            section: by_name[&(row["parent_kind"].clone(), row["parent_index"].parse().unwrap())],
            at: number(row, "at"),
        });
        assert_eq!(section.parent, parent, "{place}");
        worst.see("length", section.length, number(row, "length_um"), tolerance, &place);
        worst.see("begin", section.begin, number(row, "begin_um"), tolerance, &place);
    }
    (found, by_name)
}

#[test]
fn cells_are_as_neuron_makes_them() {
    for (cell, tolerance) in CELLS {
        let mut worst = Worst::default();
        let (sections, by_name) = compared(cell, tolerance, &mut worst);
        for (name, by) in [("one", Cut::Count(1)), ("three", Cut::Count(3)), ("lambda", LAMBDA)] {
            let Some(expected) = table(&format!("{cell}_{name}.csv")) else { continue };
            let found = cut(&sections, &|_| by).unwrap();
            // Into the middle of the soma; without one, into the node at the beginning.
            let v = steady(&found, if sections[0].kind == Kind::Soma { found.row(0, 0.5) } else { 0 });
            let mut segments = 0;
            for row in &expected {
                let s = by_name[&(row["kind"].clone(), row["index"].parse().unwrap())];
                let last = found.first[s] + found.count[s] - 1;
                let place = format!("{cell} {name}: {} {} {}", row["kind"], row["index"], row["number"]);
                let ri = number(row, "ri_MOhm");
                let Ok(k) = row["number"].parse::<usize>() else {
                    worst.see("ri", found.to_end[last], ri, tolerance, &place);
                    if let Some(None) = found.number.get(last + 1) {
                        worst.see("ri", found.axial[last + 1], ri, tolerance, &place);
                        worst.see("distance", found.distance[last + 1], number(row, "distance_um"), tolerance, &place);
                        worst.see("v", v[last + 1], number(row, "v_mV"), tolerance, &place);
                    }
                    continue;
                };
                segments += 1;
                let at = found.first[s] + k;
                assert!(at <= last && (found.section[at], found.number[at]) == (s, Some(k)), "{place}");
                let before = if k == 0 { 0.0 } else { found.to_end[at - 1] };
                worst.see("area", found.area[at], number(row, "area_um2"), tolerance, &place);
                worst.see("diameter", found.diameter[at], number(row, "diameter_um"), tolerance, &place);
                worst.see("ri", found.to_begin[at] + before, ri, tolerance, &place);
                if at > 0 {
                    worst.see("ri", found.axial[at], ri, tolerance, &place);
                }
                worst.see("distance", found.distance[at], number(row, "distance_um"), tolerance, &place);
                worst.see("v", v[at], number(row, "v_mV"), tolerance, &place);
            }
            assert_eq!(segments, found.count.iter().sum::<usize>(), "{cell} {name}");
        }
        // `--nocapture` shows how far off it is.
        println!("{cell}: {:?}", worst.0);
    }
}

/// The potentials in mV of a passive cell (R_a 100 Ohm*cm, 1e-4 S/cm²) that gets 0.1 nA in one row, solved along the tree.
fn steady(rows: &Segments, at: usize) -> Vec<f64> {
    // µS: with this R_a, resistances are `axial` MΩ.
    let mut diagonal: Vec<f64> = rows.area.iter().map(|a| a * 1e-6).collect();
    let mut v = vec![0.0; diagonal.len()];
    v[at] = 0.1;
    for (k, parent) in rows.parent.iter().enumerate() {
        if let Some(p) = parent {
            assert!(*p < k);
            diagonal[k] += 1.0 / rows.axial[k];
            diagonal[*p] += 1.0 / rows.axial[k];
        }
    }
    for k in (0..v.len()).rev() {
        if let Some(p) = rows.parent[k] {
            let factor = 1.0 / rows.axial[k] / diagonal[k];
            diagonal[p] -= factor / rows.axial[k];
            v[p] += factor * v[k];
        }
    }
    for k in 0..v.len() {
        let above = rows.parent[k].map_or(0.0, |p| v[p] / rows.axial[k]);
        v[k] = (v[k] + above) / diagonal[k];
    }
    v
}

/// Three times as many segments are nine times as close, through forks and tapering neurites.
#[test]
fn coupling_is_of_second_order() {
    let text = "1 1 0 0 0 8 -1\n2 3 8 0 0 2 1\n3 3 208 0 0 1 2\n4 3 400 99 0 .4 3\n5 3 300 -90 0 .6 3\n6 2 0 -8 0 1 1\n7 2 0 -300 0 .5 6";
    let sections = sections(&swc(text.as_bytes()).unwrap()).unwrap();
    let soma = |n: usize| {
        let rows = cut(&sections, &|_| Cut::Count(n)).unwrap();
        steady(&rows, rows.row(0, 0.5))[rows.row(0, 0.5)]
    };
    let [coarse, fine, finest] = [5, 15, 45].map(soma);
    let ratio = (coarse - fine) / (fine - finest);
    assert!((ratio - 9.0).abs() < 0.1, "{coarse} {fine} {finest}: {ratio}");
}

/// Every byte of a small file is replaced by others that mean something in it, left out, and doubled.
#[test]
fn damaged_files_are_refused_or_read() {
    let whole: &[u8] = b"# cell\r\n1 1 0 0 0 5 -1\n2 1 0 -5 0 5 1\n3 1 0 5 0 5 1\n4 3 6 0 0 1.5 1\n5 3 9 2 0 .5 4\n6 4 9 -2 1e1 .5 4\n";
    let (mut refused, mut read) = (0, 0);
    let mut try_one = |bytes: &[u8]| match swc(bytes) {
        Err(flaw) => {
            assert!(!flaw.what.is_empty() && !flaw.fix.is_empty() && flaw.what.len() < 400, "{flaw:?}");
            refused += 1;
        }
        Ok(tree) => {
            assert!(tree.samples.len() <= bytes.len() / 14 + 1);
            let Ok(sections) = sections(&tree) else { return refused += 1 };
            assert!(sections.len() <= 2 * tree.samples.len());
            match cut(&sections, &|_| LAMBDA) {
                Ok(rows) => {
                    assert!(
                        rows.parent.iter().enumerate().all(|(k, p)| p.is_none_or(|p| p < k) && (k == 0) == p.is_none())
                    );
                    let all = rows.area.iter().chain(&rows.axial[1..]).chain(&rows.diameter).chain(&rows.distance);
                    assert!(all.into_iter().all(|x| x.is_finite() && *x >= 0.0));
                    read += 1;
                }
                Err(_) => refused += 1,
            }
        }
    };
    for k in 0..whole.len() {
        for byte in *b"0159-+.eE# \t\r\n,;xN\0\xff" {
            let mut bytes = whole.to_vec();
            bytes[k] = byte;
            try_one(&bytes);
        }
        try_one(&[&whole[..k], &whole[k + 1..]].concat());
        try_one(&[&whole[..k], &whole[k..k + 1], &whole[k..]].concat());
        try_one(&whole[..k]);
    }
    assert!(refused > 500 && read > 500, "{refused} {read}");
}
