//! Pictures, tables and arrays as data.

use crate::support::{measured, near, program, run, run_failing, run_with};
use neuro::diag::Code;
use neuro::experiment::Settings;
use std::io::{Cursor, Write};
use std::path::PathBuf;

/// A zip archive of square pictures of so many pixels along a side: red grows to the right, green downwards, blue is 50.
pub fn pictures(list: &[(&str, u32)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, side) in list {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        let at = |x: u32, y: u32| image::Rgb([(x * 200 / side) as u8, (y * 100 / side) as u8, 50]);
        let mut png = Cursor::new(Vec::new());
        image::RgbImage::from_fn(*side, *side, at).write_to(&mut png, image::ImageFormat::Png).unwrap();
        zip.write_all(png.get_ref()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("data").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

const MEANS: &str = "
use std.neurons.rate: RateInput
network Net { population image: RateInput[3, 4, 4] }
experiment e {
    data d = images(\"PLACE\", size = 4)
    measure n = len(d)
    network net = Net() with batch 2
    let all = all(net.image.r) over d { net.image.r = image }
    for k in 0 .. n - 1 {
        measure red = mean(all[k, 0 .. 16])
        measure first = all[k, 0]
        measure green = mean(all[k, 16 .. 32])
        measure blue = mean(all[k, 32 .. 48])
    }
}
";

#[test]
fn pictures_of_archives_and_folders_are_examples() {
    let folder = folder("pictures");
    // Sorted by name, whatever the archive's order; what is no picture is left alone.
    let archive = pictures(&[("b.png", 8), ("a.png", 4), ("c/d.PNG", 4)]);
    std::fs::write(folder.join("all.zip"), archive).unwrap();
    let out = run_with(&program(&MEANS.replace("PLACE", "all.zip")), 0, Settings::default(), &folder);
    assert!(out.failure.is_none(), "{:?}", out.failure.map(|d| d.message));
    assert_eq!(measured(&out, "n"), [3.0]);
    near(&measured(&out, "red"), &[75.0, 87.0, 75.0], 0.02);
    near(&measured(&out, "green"), &[37.5, 43.5, 37.5], 0.02);
    assert_eq!(measured(&out, "blue"), [50.0; 3]);
    let mut damaged = pictures(&[("a.png", 4)]);
    damaged.truncate(40);
    std::fs::write(folder.join("damaged.zip"), damaged).unwrap();
    std::fs::write(folder.join("none.zip"), pictures(&[])).unwrap();
    for (file, code, says) in [
        ("damaged.zip", Code::E0803, "`damaged.zip` does not hold pictures of this kind"),
        ("none.zip", Code::E0803, "`none.zip` does not hold pictures of this kind"),
        ("missing.zip", Code::E0802, "cannot read `missing.zip`"),
    ] {
        let out = run_with(&program(&MEANS.replace("PLACE", file)), 0, Settings::default(), &folder);
        let d = out.failure.expect("refused");
        assert_eq!((d.code, d.message.as_str()), (code, says));
    }
}

/// The rows of a table of numbers.
fn table(text: &str) -> Vec<Vec<f64>> {
    let row = |line: &str| line.split(',').map(|x| x.trim().parse().unwrap()).collect();
    text.lines().filter(|l| l.starts_with(|c: char| c.is_ascii_digit() || c == '-')).map(row).collect()
}

/// The worked example of the reference program (scikit-learn 1.9.1): 120 images, 60 features, 12 cells, 10 repetitions.
#[test]
fn predictivity_and_ceiling_are_those_of_the_reference() {
    let folder = folder("brainscore");
    let put = |name: &str, shape: &str, values: &[f64]| {
        std::fs::write(folder.join(name), crate::reference::array(shape, values)).unwrap();
    };
    let flat = |rows: &[Vec<f64>]| rows.concat();
    let (x, y) = (table(include_str!("../oracle/brainscore/X.csv")), table(include_str!("../oracle/brainscore/Y.csv")));
    assert_eq!((x.len(), x[0].len(), y.len(), y[0].len()), (120, 60, 120, 12));
    put("x.npy", "(120, 60)", &flat(&x));
    put("y.npy", "(120, 12)", &flat(&y));
    let repeats = table(include_str!("../oracle/brainscore/Y_reps.csv"));
    assert_eq!((repeats.len(), repeats[0].len()), (1200, 14));
    let of_cells: Vec<f64> = repeats.iter().flat_map(|row| row[2..].to_vec()).collect();
    put("repeats.npy", "(10, 120, 12)", &of_cells);
    let expected: serde_json::Value =
        serde_json::from_str(include_str!("../oracle/brainscore/splits_and_expected.json")).unwrap();
    let marked = |split: &serde_json::Value, part: &str, n: usize| {
        let mut row = vec![0.0; n];
        split[part].as_array().unwrap().iter().for_each(|k| row[k.as_u64().unwrap() as usize] = 1.0);
        row
    };
    let splits = expected["score_splits"].as_array().unwrap();
    put("splits.npy", "(10, 120)", &flat(&splits.iter().map(|s| marked(s, "test", 120)).collect::<Vec<_>>()));
    let out = run_with(
        &program(
            "
experiment e {
    let x = npy(\"x.npy\")
    let y = npy(\"y.npy\")
    let splits = npy(\"splits.npy\")
    measure center = predictivity(x, y, components = 25, splits = splits)
    let each = predictivities(x, y, splits = splits)
    measure error = std(each) / sqrt(10)
    measure few = predictivity(x, y, components = 1, splits = splits)
    measure likeness = spearman(dissimilarity(x), dissimilarity(y))
    measure drawn = predictivity(x, y)
    measure ridge = predictivity(x, y, penalty = 10)
    measure same = predictivity(x[*, 0 .. 20], x[*, 0 .. 20], components = 20)
    measure ceiling = ceiling(npy(\"repeats.npy\"))
    let twice = transpose(transpose(npy(\"repeats.npy\")))
    measure turned = ceiling(twice) - ceiling(npy(\"repeats.npy\"))
}
",
        ),
        0,
        Settings::default(),
        &folder,
    );
    assert!(out.failure.is_none(), "{:?}", out.failure.map(|d| d.message));
    let m = |name: &str| measured(&out, name)[0];
    near(&[m("center"), m("error")], &[0.6803414835, 0.0168030733], 1e-9);
    near(&[m("few"), m("likeness")], &[0.487247, 0.5733811827], 1e-6);
    near(&[m("same")], &[1.0], 1e-9);
    // Drawn otherwise: within the spread of the reference's splits (0.053) and ceilings (0.003).
    near(&[m("drawn")], &[0.680], 0.06);
    assert!(m("ridge") > 0.5 && m("ridge") < 0.95);
    near(&[m("ceiling")], &[0.9501], 0.006);
    assert_eq!(m("turned"), 0.0);
}

#[test]
fn splits_that_are_none_are_refused() {
    let folder = folder("splits");
    let text = "
experiment e {
    let rows = linspace(1, 4, 4)
    measure p = predictivity(rows, rows, components = 1, splits = npy(\"splits.npy\"))
}
";
    for (shape, splits, says) in [
        ("(1, 5)", &[0.0, 0.0, 1.0, 1.0, 1.0][..], "a split has 5 rows, the data 4"),
        ("(1, 4)", &[0.0, 0.0, 0.5, 1.0], "a row of a split is 0.5"),
    ] {
        std::fs::write(folder.join("splits.npy"), crate::reference::array(shape, splits)).unwrap();
        let out = run_with(&program(text), 0, Settings::default(), &folder);
        let d = out.failure.expect("refused");
        assert_eq!((d.code, d.message.as_str()), (Code::E0403, says));
    }
}

#[test]
fn text_columns_become_numbers() {
    let folder = folder("texts");
    std::fs::write(folder.join("cells.csv"), "id,type\n7,KCg\n8,PN\n9,KCab\n10,\n11,PN\n").unwrap();
    let text = "
experiment e {
    let cells = csv(\"cells.csv\")
    measure pn = matches(cells, \"type\", \"PN\")
    measure kc = matches(cells, \"type\", \"KC\", begins = true)
    measure none = matches(cells, \"type\", \"\")
    measure label = labels(cells, \"type\")
}
";
    let out = run_with(&program(text), 0, Settings::default(), &folder);
    assert!(out.failure.is_none(), "{:?}", out.failure.map(|d| d.message));
    assert_eq!(measured(&out, "pn"), [0.0, 1.0, 0.0, 0.0, 1.0]);
    assert_eq!(measured(&out, "kc"), [1.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(measured(&out, "none"), [0.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(measured(&out, "label"), [0.0, 1.0, 2.0, 3.0, 1.0]);
    let out = run_with(&program(&text.replace("\"type\"", "\"kind\"")), 0, Settings::default(), &folder);
    let d = out.failure.expect("refused");
    assert_eq!((d.code, d.message.as_str()), (Code::E0205, "there is no column `kind`; the columns are `id`, `type`"));
}

#[test]
fn empty_cells_stand_for_what_is_said() {
    let folder = folder("blanks");
    std::fs::write(folder.join("edges.csv"), "pre,post,n\n0,1,3\n1,2,\n2,0,5\n").unwrap();
    let text = |blank: &str, column: &str| {
        format!(
            "
neuron Cell {{ event input exc: 1  state x = 0  x' = exc  emit spike when x > 1e9 }}
network Net {{
    population cell: Cell[3]
    projection p: cell -> cell.exc: Static {{ connect from \"edges.csv\"(pre = \"pre\", post = \"post\", weight = 2 * n{blank})   delay 1 ms }}
}}
experiment e {{ network net = Net()   measure w = net.p.w   measure n = column(\"edges.csv\", \"n\"{column}) }}
"
        )
    };
    let out = run_with(&program(&text(", blank = 0.5", ", blank = 7")), 0, Settings::default(), &folder);
    assert!(out.failure.is_none(), "{:?}", out.failure.map(|d| d.message));
    assert_eq!(measured(&out, "w"), [6.0, 1.0, 10.0]);
    assert_eq!(measured(&out, "n"), [3.0, 7.0, 5.0]);
    for (blank, column) in [("", ", blank = 7"), (", blank = 0", "")] {
        let out = run_with(&program(&text(blank, column)), 0, Settings::default(), &folder);
        let d = out.failure.expect("refused");
        assert_eq!(d.code, Code::E0803, "{}", d.message);
    }
}

#[test]
fn directions_have_a_mean_and_a_length() {
    let out = run("experiment e {
    measure across = circular_mean([179 deg, -175 deg, 178 deg]) / 1 deg
    measure one = circular_mean(2) - 2
    measure length = resultant([0, 120 deg, 240 deg])
    measure half = resultant([0, 120 deg])
}");
    // Across the cut; the value is that of complex numbers in another program.
    near(&measured(&out, "across"), &[-179.334_312_186], 1e-9);
    near(&measured(&out, "one"), &[0.0], 1e-12);
    near(&measured(&out, "length"), &[0.0], 1e-12);
    near(&measured(&out, "half"), &[0.5], 1e-12);
    let d = run_failing("experiment e { measure none = circular_mean([0, pi]) }");
    assert!(d.message.contains("no direction is preferred"), "{}", d.message);
}
