//! Pictures, tables and arrays as data.

use crate::support::{measured, near, program, run_with};
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
