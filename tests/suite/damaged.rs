//! Files that are damaged, or say what they do not hold: what is read from them is right, or refused in words.

use crate::support::program;
use flate2::Compression;
use flate2::write::GzEncoder;
use neuro::compiler::Silent;
use neuro::data::{Archive, Files, Named};
use neuro::diag::{Code, Diagnostic};
use neuro::experiment::{Outcome, Runner, Settings};
use neuro::ir::Precision;
use std::io::Write;

/// Files in memory.
pub struct Memory<'a>(pub &'a [(&'a str, Vec<u8>)]);

impl Files for Memory<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.find(path).ok_or_else(|| "there is no such file".into())
    }

    fn find(&self, path: &str) -> Option<Vec<u8>> {
        self.0.iter().find(|(name, _)| *name == path).map(|(_, bytes)| bytes.clone())
    }
}

/// Runs the experiment of a text beside some files.
pub fn run(text: &str, files: &[(&str, Vec<u8>)]) -> Outcome {
    let p = program(text);
    let settings = Settings { precision: Some(Precision::F64), ..Settings::default() };
    let runner = Runner { module: &p.module, files: &Memory(files), settings, progress: &Silent };
    runner.run(&p.module.experiments[0])
}

/// Everything that a diagnostic says; it must have a place and say what to do.
#[track_caller]
fn said(d: &Diagnostic) -> String {
    let help = d.help.as_deref().unwrap_or_else(|| panic!("no help: {d:?}"));
    let label = d.labels.first().unwrap_or_else(|| panic!("no place: {d:?}"));
    format!("{}; {}; {help}; {}", d.message, label.1, d.notes.join("; "))
}

/// Requires that an experiment is stopped by a code, in words that contain all of some.
#[track_caller]
pub fn refused(text: &str, files: &[(&str, Vec<u8>)], code: Code, words: &[&str]) {
    let out = run(text, files);
    let d = out.failure.unwrap_or_else(|| panic!("nothing was refused, but {words:?} expected: {:?}", out.measures));
    let said = said(&d);
    assert_eq!(d.code, code, "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not said: {said}");
    }
}

/// Requires that an experiment runs; returns what it measured as `x`.
#[track_caller]
pub fn measured(text: &str, files: &[(&str, Vec<u8>)]) -> Vec<f64> {
    let out = run(text, files);
    assert!(out.failure.is_none(), "{:?}", out.failure);
    out.measures["x"][0].data.to_vec()
}

/// A NumPy file: what its header says, and what follows.
pub fn npy(kind: &str, fortran: &str, shape: &str, body: &[u8]) -> Vec<u8> {
    npy_of(&format!("{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}"), body)
}

fn npy_of(header: &str, body: &[u8]) -> Vec<u8> {
    let header = format!("{header:<117}\n");
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.bytes());
    out.extend(body);
    out
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|k| u8::from_str_radix(&text[k..k + 2], 16).unwrap()).collect()
}

const READ_ARRAY: &str = "experiment e { measure x = npy(\"a.npy\") }";

#[test]
fn headers_of_numpy_arrays_are_compared_with_the_bytes() {
    let three = doubles(&[1.0, 2.0, 3.0]);
    let check = |bytes: Vec<u8>, words: &[&str]| {
        let words: Vec<&str> = ["`a.npy`"].iter().chain(words).copied().collect();
        refused(READ_ARRAY, &[("a.npy", bytes)], Code::E0803, &words);
    };
    check(npy("<f8", "False", "(1000000000000,)", &three), &["8000000000000 bytes", "24"]);
    check(npy("<f8", "False", "(4294967296, 4294967296, 3)", &three), &["[4294967296, 4294967296, 3]"]);
    check(npy("<f8", "False", "(99999999999999999999999,)", &three), &["99999999999999999999999"]);
    check(npy("<f8", "False", "(-3,)", &three), &["-3"]);
    check(npy("<f8", "False", "(3.0,)", &three), &["shape"]);
    check(npy("<f8", "False", "(3, 0)", &[]), &["[3, 0]"]);
    check(npy("<f8", "False", "(4,)", &three), &["32 bytes", "24"]);
    check(npy("<f8", "False", "(2,)", &three), &["16 bytes", "24"]);
    check(npy("<c16", "False", "(3,)", &three), &["<c16", "f8"]);
    check(npy("|O", "False", "(3,)", &three), &["|O"]);
    check(npy("<f8", "Perhaps", "(3,)", &three), &["header"]);
    check(npy_of("{'descr': '<f8', 'shape': (3,), }", &three), &["fortran_order"]);
    check(npy_of(&"(".repeat(5000), &three), &["header"]);
    check(npy("<f8", "False", "(3,)", &three)[..60].to_vec(), &["header"]);
    check(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(), &["header", "4294967295"]);
    check(b"not an array".to_vec(), &["NumPy"]);
    check(Vec::new(), &["NumPy"]);
    // What is announced must be possible within what is compressed, and then be there.
    check(gzip(&npy("<f8", "False", "(1000000000000,)", &three)), &["8000000000000 bytes"]);
    check(gzip(&npy("<f8", "False", "(4,)", &three)), &["32 bytes", "24"]);
    check(gzip(&npy("<f8", "False", "(2,)", &three)), &["16 bytes"]);
}

#[test]
fn numpy_arrays_of_every_kind_and_order_are_read() {
    let read = |bytes: Vec<u8>| measured(READ_ARRAY, &[("a.npy", bytes)]);
    assert_eq!(read(npy("<f8", "False", "(3,)", &doubles(&[1.0, -2.5, 3.0]))), [1.0, -2.5, 3.0]);
    assert_eq!(read(npy(">f4", "False", "(1,)", &0.5f32.to_be_bytes())), [0.5]);
    assert_eq!(read(npy("<i2", "False", "(2,)", &[0xfe, 0xff, 1, 1])), [-2.0, 257.0]);
    assert_eq!(read(npy(">u4", "False", "(1,)", &[0xff, 0, 0, 1])), [4278190081.0]);
    assert_eq!(read(npy("|i1", "False", "(2,)", &[0x80, 7])), [-128.0, 7.0]);
    assert_eq!(read(npy("|u1", "False", "()", &[200])), [200.0]);
    assert_eq!(read(npy("<i8", "False", "(1,)", &(-5i64).to_le_bytes())), [-5.0]);
    let column_by_column = npy("<f8", "True", "(2, 3)", &doubles(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
    assert_eq!(read(column_by_column.clone()), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(read(gzip(&column_by_column)), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let big = npy("<u8", "False", "(1,)", &9007199254740993u64.to_le_bytes());
    refused(READ_ARRAY, &[("a.npy", big)], Code::E0803, &["element [0]", "9007199254740993"]);
}

/// A network whose projection has six weights and whose file is read.
fn loading(path: &str) -> String {
    format!(
        "use std.neurons.lif: LifDelta
        network Net {{
            population a: LifDelta[2]
            population b: LifDelta[3]
            projection link: a -> b.exc {{ connect all_to_all   weight 0.1 mV }}
        }}
        experiment e {{ network net = Net()   load net from \"{path}\"   measure x = net.link.w / 1 mV }}"
    )
}

fn link(shape: &[usize], values: &[f64]) -> Vec<Named> {
    vec![Named { name: "link.w".into(), shape: shape.to_vec(), values: values.to_vec() }]
}

const SIX: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

#[test]
fn headers_of_archives_are_compared_with_the_bytes() {
    let safetensors = |header: &str, body: usize| {
        let mut out = (header.len() as u64).to_le_bytes().to_vec();
        out.extend(header.bytes());
        out.extend(vec![0; body]);
        out
    };
    let tensor = |kind: &str, shape: &str, end: &str| {
        format!("{{\"link.w\":{{\"dtype\":\"{kind}\",\"shape\":{shape},\"data_offsets\":[0,{end}]}}}}")
    };
    let check = |bytes: Vec<u8>, words: &[&str]| {
        let words: Vec<&str> = ["`w.safetensors`"].iter().chain(words).copied().collect();
        refused(&loading("w.safetensors"), &[("w.safetensors", bytes)], Code::E0803, &words);
    };
    check(safetensors(&tensor("F64", "[1000000000000]", "8000000000000"), 48), &["link.w", "8000000000000", "48"]);
    check(safetensors(&tensor("F64", "[2, 3]", "24"), 24), &["link.w", "48", "24"]);
    check(safetensors(&tensor("F64", "[-2, 3]", "48"), 48), &["link.w"]);
    check(safetensors(&tensor("F64", "[4294967296, 4294967296]", "48"), 48), &["link.w", "4294967296"]);
    check(safetensors(&tensor("F64", "[2, 3]", "48"), 50), &["50", "48"]);
    check(safetensors(&tensor("BF16", "[2, 3]", "12"), 12), &["link.w", "BF16", "F64"]);
    check(safetensors(&tensor("F64", "[2, 3]", "48"), 48)[..30].to_vec(), &["header"]);
    check(u64::MAX.to_le_bytes().to_vec(), &["header", "18446744073709551615"]);
    check(vec![1, 2, 3], &["header"]);
    // Ends that together overflow.
    let halves: Vec<String> = (0..9u64)
        .map(|k| {
            let (from, size) = (k << 61, 1u64 << 61);
            let to = if k == 8 { "16".into() } else { (from + size - 1).to_string() };
            format!("\"t{k}\":{{\"dtype\":\"U8\",\"shape\":[{size}],\"data_offsets\":[{from},{to}]}}")
        })
        .collect();
    check(safetensors(&format!("{{{}}}", halves.join(",")), 16), &["t0"]);

    let whole = Archive::Npz.write(&link(&[2, 3], &SIX), true).unwrap();
    assert_eq!(measured(&loading("w.npz"), &[("w.npz", whole.clone())]), SIX);
    let check = |bytes: Vec<u8>, words: &[&str]| {
        let words: Vec<&str> = ["`w.npz`"].iter().chain(words).copied().collect();
        refused(&loading("w.npz"), &[("w.npz", bytes)], Code::E0803, &words);
    };
    check(whole[..whole.len() / 2].to_vec(), &["zip"]);
    // The array within announces more than its member holds.
    let place = whole.windows(6).position(|w| w == b"(2, 3)").unwrap();
    let mut more = whole.clone();
    more[place..place + 6].copy_from_slice(b"(9, 3)");
    check(more, &["link.w", "216", "48"]);
    // A changed number is found by the checksum.
    let place = whole.windows(8).position(|w| w == 3.0f64.to_le_bytes()).unwrap();
    let mut changed = whole.clone();
    changed[place + 3] ^= 1;
    check(changed, &["link.w"]);
}

const READ_ARCHIVE: &str = "experiment e { measure x = npz(\"a.npz\", \"link.w\") }";

#[test]
fn arrays_of_archives_are_read_by_their_names() {
    let file =
        |shape: &[usize], values: &[f64]| vec![("a.npz", Archive::Npz.write(&link(shape, values), true).unwrap())];
    let read = |statement: &str, values: &[f64]| {
        measured(
            &format!("experiment e {{ let a = npz(\"a.npz\", \"link.w\", missing = -1)   {statement} }}"),
            &file(&[2, 3], values),
        )
    };
    assert_eq!(read("measure x = a[1, 2] + len(a)", &SIX), [SIX[5] + 2.0]);
    assert_eq!(read("measure x = min(a[0])", &[1.0, f64::NAN, 2.0, 3.0, 4.0, 5.0]), [-1.0]);
    refused(
        READ_ARCHIVE,
        &file(&[2, 3], &[1.0, f64::NAN, 2.0, 3.0, 4.0, 5.0]),
        Code::E0803,
        &["link.w", "[0, 1]", "NaN"],
    );
    refused(&READ_ARCHIVE.replace("link.w", "w"), &file(&[2, 3], &SIX), Code::E0803, &["`a.npz`", "no array `w`"]);
    refused(READ_ARCHIVE, &[("a.npz", b"PK and nothing".to_vec())], Code::E0803, &["`a.npz`", "no zip archive"]);
}

#[test]
fn arrays_of_another_network_are_refused_before_they_are_inflated() {
    // 32 MB of zeros in a small file.
    let mut zeros = ndarray_npy::NpzWriter::new_compressed(std::io::Cursor::new(Vec::new()));
    zeros.add_array("link.w", &ndarray::Array1::<f64>::zeros(4_000_000)).unwrap();
    let bomb = zeros.finish().unwrap().into_inner();
    assert!(bomb.len() < 100_000);
    refused(&loading("w.npz"), &[("w.npz", bomb)], Code::E0403, &["link.w", "[4000000]", "[2, 3]"]);
    for (path, format) in [("w.npz", Archive::Npz), ("w.safetensors", Archive::Safetensors)] {
        // As many weights, but of the transposed projection.
        let turned = format.write(&link(&[3, 2], &SIX), true).unwrap();
        refused(&loading(path), &[(path, turned)], Code::E0403, &["[3, 2]", "[2, 3]"]);
        let mut values = SIX;
        values[4] = f64::NAN;
        let bytes = format.write(&link(&[2, 3], &values), true).unwrap();
        refused(&loading(path), &[(path, bytes)], Code::E0803, &[path, "link.w", "[1, 1]", "NaN"]);
        values[4] = f64::NEG_INFINITY;
        let bytes = format.write(&link(&[2, 3], &values), true).unwrap();
        refused(&loading(path), &[(path, bytes)], Code::E0803, &[path, "link.w", "[1, 1]", "-inf"]);
        values[4] = 1e300;
        let bytes = format.write(&link(&[2, 3], &values), true).unwrap();
        let single = loading(path).replace("experiment e {", "experiment e { precision f32 ");
        let p = program(&single);
        let files = [(path, bytes)];
        let runner =
            Runner { module: &p.module, files: &Memory(&files), settings: Settings::default(), progress: &Silent };
        let d = runner.run(&p.module.experiments[0]).failure.expect("beyond single precision");
        assert!(said(&d).contains("[1, 1]") && said(&d).contains("single precision"), "{d:?}");
    }
}

const READ_TABLE: &str = "experiment e { measure x = column(\"t.csv\", \"x\") }";

/// `x,y\n1,2\n3,4\n` as xz, and a mebibyte of zeros.
const XZ_TABLE: &str = "fd377a585a000004e6d6b4460200210116000000742fe5a301000b782c790a312c320a332c340a00781daa182974d9640001240ca618d8d81fb6f37d010000000004595a";
const XZ_ZEROS: &str = "fd377a585a000004e6d6b4460200210116000000742fe5a3efffff00d95d00006ffdffffa3b7ff473e481572396151b89228e6a38607f9eee41e82d32fc53a3c014bb17ec98a8a4d2fa30dd97fa6e38c231153e05918c5758ae277f8b6947f0c6ac0de744964e2e95c53b204d8f7440cab5f0d6d46e9e5c37688b79657acb64de1691d6ffb4b88106c42cb883f5c008fd04eaf262894711f3d8f24e1709ea7235fec28cb85d195988a7e2a91f22775f719c006984d98fdd8afd5900fc42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522af7e495250000000000c2f6ba3ea2706b600001f5018080400079977f47b1c467fb020000000004595a";

#[test]
fn all_members_of_a_compressed_file_are_read() {
    let mut two = gzip(b"x,y\n1,2\n");
    two.extend(gzip(b"3,4\n5,6\n"));
    assert_eq!(measured(READ_TABLE, &[("t.csv", two.clone())]), [1.0, 3.0, 5.0]);
    let xz = from_hex(XZ_TABLE);
    assert_eq!(measured(READ_TABLE, &[("t.csv", xz.clone())]), [1.0, 3.0]);
    two.extend(b"garbage");
    refused(READ_TABLE, &[("t.csv", two.clone())], Code::E0803, &["`t.csv`", "gzip"]);
    two.truncate(two.len() - 20);
    refused(READ_TABLE, &[("t.csv", two)], Code::E0803, &["`t.csv`", "gzip"]);
    refused(READ_TABLE, &[("t.csv", xz[..50].to_vec())], Code::E0803, &["`t.csv`", "xz"]);
}

#[test]
fn a_small_file_that_inflates_to_much_is_refused() {
    // 200 MiB and more, in members of a mebibyte, 16 MiB beyond what a file of this size may hold.
    let bombs = [gzip(&vec![b'1'; 1 << 20]).repeat(400), from_hex(XZ_ZEROS).repeat(400)];
    for bomb in bombs {
        assert!(bomb.len() < 500_000);
        refused(READ_TABLE, &[("t.csv", bomb.clone())], Code::E0803, &["`t.csv`", "67108864 bytes"]);
        // Every file of a known data set has a known length.
        let files = [("mnist/train-images-idx3-ubyte.gz", bomb)];
        let text = "experiment e { let m = mnist()   measure x = 1 }";
        refused(text, &files, Code::E0815, &["train-images-idx3-ubyte", "47040016 bytes"]);
    }
    let files = [("mnist/train-images-idx3-ubyte", vec![0; 100])];
    let text = "experiment e { let m = mnist()   measure x = 1 }";
    refused(text, &files, Code::E0815, &["100 bytes", "47040016"]);
}

#[test]
fn cells_that_are_no_finite_number_are_refused_with_their_line() {
    for (cell, word) in
        [("NaN", "`NaN`"), ("inf", "`inf`"), ("-Infinity", "`-Infinity`"), ("1e999", "1e999"), ("", "empty")]
    {
        let table = format!("x,y\n1,a\n\n\"2\",\"two\nlines\"\n{cell},b\n").into_bytes();
        refused(READ_TABLE, &[("t.csv", table.clone())], Code::E0803, &["line 6", "`t.csv`", "`x`", word]);
        // What is not read as numbers may be missing.
        let text = "experiment e { measure x = count_where(csv(\"t.csv\"), \"y\", \"b\") }";
        assert_eq!(measured(text, &[("t.csv", table)]), [1.0]);
    }
    let nan = npy("<f8", "True", "(2, 2)", &doubles(&[1.0, f64::NAN, 3.0, 4.0]));
    refused(READ_ARRAY, &[("a.npy", nan)], Code::E0803, &["`a.npy`", "element [1, 0]", "NaN", "byte 136"]);
    let inf = npy("<f4", "False", "(2,)", &[0, 0, 0x80, 0x7f, 0, 0, 0, 0]);
    refused(READ_ARRAY, &[("a.npy", inf)], Code::E0803, &["`a.npy`", "element [0]", "inf", "byte 128"]);
}

#[test]
fn tables_that_are_none_are_refused() {
    let check = |text: &str, words: &[&str]| {
        let words: Vec<&str> = ["`t.csv`"].iter().chain(words).copied().collect();
        refused(READ_TABLE, &[("t.csv", text.as_bytes().to_vec())], Code::E0803, &words);
    };
    check("", &["empty"]);
    check("x,y\n1,2\n3\n", &["line 3", "1 cell", "2"]);
    check("x,x\n1,2\n", &["`x`", "two columns"]);
    refused(READ_TABLE, &[("t.csv", b"x\n1\n\xff\n".to_vec())], Code::E0803, &["line 3", "UTF-8"]);
}

/// A network of four cells connected by the rows of a table.
fn edges(more: &str) -> String {
    format!(
        "neuron A {{ event input exc: 1  state n = 0  n' = exc  emit spike when n > 1e9 }}
        network Net {{
            population a: A[4]
            projection link: a -> a.exc: Static {{ connect from \"t.csv\"({more}) {} }}
        }}
        experiment e {{ network net = Net()   run 1 ms   measure x = weights(net.link) }}",
        if more.contains("delay =") { "" } else { "delay 1 ms" }
    )
}

#[test]
fn indices_and_lists_of_tables_are_held_against_the_table() {
    let table = |text: &str| [("t.csv", text.as_bytes().to_vec())];
    let given = |row: &str| format!("pre,post,w,kind\n0,1,1,a\n{row}\n2,3,3,a\n").into_bytes();
    for skip in ["", ", missing = \"skip\""] {
        let text = edges(&format!("weight = w{skip}"));
        for index in ["1.5", "-1", "one", "NaN", "1e0"] {
            let files = [("t.csv", given(&format!("{index},2,2,a")))];
            refused(&text, &files, Code::E0609, &["line 3", "`t.csv`", &format!("`{index}`"), "`pre`"]);
        }
    }
    let outside = [("t.csv", given("1,4,2,a"))];
    refused(&edges("weight = w"), &outside, Code::E0609, &["line 3", "`4`", "`post`", "4 cells"]);
    assert_eq!(measured(&edges("weight = w, missing = \"skip\""), &outside), [1.0, 3.0]);
    let far = [("t.csv", given("99999999999999999999,2,2,a"))];
    refused(&edges("weight = w"), &far, Code::E0609, &["line 3", "`99999999999999999999`"]);

    let three = [("t.csv", given("1,2,2,a"))];
    assert_eq!(measured(&edges("weight = [4, 5, 6]"), &three), [4.0, 5.0, 6.0]);
    assert_eq!(measured(&edges("weight = 7"), &three), [7.0, 7.0, 7.0]);
    for list in ["[4]", "[4, 5]", "[4, 5, 6, 7]"] {
        refused(&edges(&format!("weight = {list}")), &three, Code::E0403, &["3 rows", "`t.csv`"]);
    }
    refused(&edges("weight = w, delay = [1 ms, 2 ms]"), &three, Code::E0403, &["2 delays", "3 rows"]);
    // A list has a value for each row that is read, and rows that are left out need no numbers.
    let filtered = [("t.csv", given("1,2,,b"))];
    let chosen = |list: &str| edges(&format!("weight = {list}, where = kind == \"a\""));
    assert_eq!(measured(&chosen("w"), &filtered), [1.0, 3.0]);
    assert_eq!(measured(&chosen("[4, 6]"), &filtered), [4.0, 6.0]);
    refused(&chosen("[4, 5, 6]"), &filtered, Code::E0403, &["3 weights", "2 rows"]);
    let matrix = |shape: &str| {
        [table("pre,post\n0,1\n1,2\n2,3\n3,0\n")[0].clone(), ("a.npy", npy("<f8", "False", shape, &doubles(&SIX[..4])))]
    };
    assert_eq!(measured(&edges("weight = npy(\"a.npy\")"), &matrix("(4,)")), SIX[..4]);
    refused(&edges("weight = npy(\"a.npy\")"), &matrix("(2, 2)"), Code::E0403, &["2 x 2", "4 rows"]);

    // What is computed from numbers must be finite, too.
    let zero = [("t.csv", given("1,2,0,a"))];
    refused(&edges("weight = 1 / w"), &zero, Code::E0803, &["line 3", "`t.csv`", "weight", "inf"]);
    let large = [("t.csv", given("1,2,1e308,a"))];
    refused(&edges("weight = 1000 * w"), &large, Code::E0803, &["line 3", "`t.csv`", "weight"]);
    refused(&edges("weight = 1, delay = 1 s * w"), &large, Code::E0803, &["line 3", "`t.csv`", "delay"]);
    let single = edges("weight = 10 * w").replace("experiment e {", "experiment e { precision f32 ");
    let p = program(&single);
    let files = [("t.csv", given("1,2,1e300,a"))];
    let runner = Runner { module: &p.module, files: &Memory(&files), settings: Settings::default(), progress: &Silent };
    let d = runner.run(&p.module.experiments[0]).failure.expect("beyond single precision");
    assert_eq!(d.code, Code::E0105);
    assert!(said(&d).contains("[1]") && said(&d).contains("single precision"), "{d:?}");
    let negative = [("t.csv", given("1,2,-2,a"))];
    refused(&edges("weight = 1, delay = w"), &negative, Code::E0601, &["line 3", "-2 ms"]);
}

/// A small deterministic stream of numbers (xorshift).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Changes some bytes, cuts off the end, adds one, or exchanges or repeats parts.
fn damage(bytes: &[u8], draw: &mut Draw) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..1 + draw.below(3) {
        let at = draw.below(out.len());
        match draw.below(8) {
            0 => out.truncate(at),
            1 => out.extend((0..1 + draw.below(20)).map(|_| draw.next() as u8).collect::<Vec<u8>>()),
            2 => drop(out.drain(at..(at + 1 + draw.below(8)).min(out.len()))),
            3 => {
                let part = out[at..(at + draw.below(16)).min(out.len())].to_vec();
                let to = draw.below(out.len() + 1);
                out.splice(to..to, part);
            }
            4 => out.iter_mut().skip(at).take(1 + draw.below(8)).for_each(|b| *b = 0xff),
            5 => out.iter_mut().skip(at).take(1 + draw.below(8)).for_each(|b| *b = b'9'),
            6 => out.iter_mut().skip(at).take(1).for_each(|b| *b ^= 1 << draw.below(8)),
            _ => out.iter_mut().skip(at).take(1).for_each(|b| *b = draw.next() as u8),
        }
    }
    out
}

/// Models, the file that each reads, and that file as it should be.
fn whole_files() -> Vec<(String, &'static str, Vec<u8>)> {
    let array = npy("<f8", "False", "(2, 3)", &doubles(&SIX));
    let table = "pre,post,w,x\n0,1,1,1\n1,2,0.5,2\n2,3,0.25,3\n".as_bytes().to_vec();
    let mut packed = ndarray_npy::NpzWriter::new_compressed(std::io::Cursor::new(Vec::new()));
    packed.add_array("link.w", &ndarray::arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])).unwrap();
    let images = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2][..], &[7; 8]].concat();
    let mnist = "experiment e { let m = mnist()   measure x = 1 }";
    vec![
        (READ_ARRAY.into(), "a.npy", array.clone()),
        (READ_ARRAY.into(), "a.npy", npy(">i2", "True", "(2, 2)", &[1, 2, 3, 4, 5, 6, 7, 8])),
        (READ_ARRAY.into(), "a.npy", gzip(&array)),
        (READ_ARCHIVE.into(), "a.npz", Archive::Npz.write(&link(&[2, 3], &SIX), true).unwrap()),
        (READ_TABLE.into(), "t.csv", table.clone()),
        (READ_TABLE.into(), "t.csv", gzip(&table)),
        (READ_TABLE.into(), "t.csv", from_hex(XZ_TABLE)),
        (edges("weight = w"), "t.csv", table.clone()),
        (edges("weight = 1 / w, delay = x, missing = \"skip\""), "t.csv", table),
        (loading("w.npz"), "w.npz", Archive::Npz.write(&link(&[2, 3], &SIX), true).unwrap()),
        (loading("w.npz"), "w.npz", packed.finish().unwrap().into_inner()),
        (loading("w.safetensors"), "w.safetensors", Archive::Safetensors.write(&link(&[2, 3], &SIX), false).unwrap()),
        (mnist.into(), "mnist/train-images-idx3-ubyte", images.clone()),
        (mnist.into(), "mnist/train-images-idx3-ubyte.gz", gzip(&images)),
        (mnist.into(), "mnist/train-images-idx3-ubyte.xz", from_hex(XZ_TABLE)),
    ]
}

/// Reads one damaged file; what comes out are finite numbers, or a diagnostic that says all that it has to.
fn read_damaged(text: &str, files: &[(&str, Vec<u8>)]) -> bool {
    let out = run(text, files);
    match out.failure {
        Some(d) => {
            assert!(
                matches!(d.code, Code::E0403 | Code::E0601 | Code::E0609 | Code::E0803 | Code::E0814 | Code::E0815),
                "{d:?}"
            );
            said(&d);
            false
        }
        None => {
            assert!(out.measures["x"][0].data.iter().all(|x| x.is_finite()), "{:?}", out.measures);
            true
        }
    }
}

/// Damages files in many ways; NEURO_TORTURE says for how many minutes instead of for 2 000 cases.
#[test]
fn damaged_files_are_read_rightly_or_refused() {
    let whole = whole_files();
    for (text, path, bytes) in &whole[..11] {
        assert!(read_damaged(text, &[(path, bytes.clone())]), "{path} is not read when it is whole");
    }
    let minutes = std::env::var("NEURO_TORTURE").ok().map(|m| m.parse::<f64>().expect("minutes"));
    let clock = std::time::Instant::now();
    let mut case = 0u64;
    let mut read = 0;
    loop {
        match minutes {
            Some(minutes) if clock.elapsed().as_secs_f64() > 60.0 * minutes => break,
            None if case == 2000 => break,
            _ => {}
        }
        let (text, path, bytes) = &whole[case as usize % whole.len()];
        let mut draw = Draw(case.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        draw.next();
        let files = [(*path, damage(bytes, &mut draw))];
        match std::panic::catch_unwind(|| read_damaged(text, &files)) {
            Ok(ok) => read += usize::from(ok),
            Err(_) => panic!("case {case} ended in a panic: `{path}` with the bytes {:?}\n{text}", files[0].1),
        }
        case += 1;
    }
    assert!(read > 0, "nothing was read at all");
}

/// Files in memory that are told what is to be kept.
struct Keeping {
    files: Vec<(String, Vec<u8>)>,
    kept: std::sync::Mutex<Vec<(String, Vec<u8>)>>,
}

impl Files for Keeping {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.find(path).ok_or_else(|| "there is no such file".into())
    }

    fn find(&self, path: &str) -> Option<Vec<u8>> {
        self.files.iter().find(|(name, _)| *name == path).map(|(_, bytes)| bytes.clone())
    }

    fn keep(&self, path: &str, content: &[u8]) {
        self.kept.lock().unwrap().push((path.to_string(), content.to_vec()));
    }
}

#[test]
fn what_took_long_to_unpack_is_kept_and_a_damaged_copy_is_not_believed() {
    let Some(folder) = std::env::var_os("NEURO_DATA").map(|d| std::path::Path::new(&d).join("mnist")) else {
        println!("skipped: NEURO_DATA is not set");
        return;
    };
    let (mut others, mut labels) = (Vec::new(), Vec::new());
    for name in
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    {
        let found = ["", ".gz"].iter().find_map(|e| Some((e, std::fs::read(folder.join(format!("{name}{e}"))).ok()?)));
        let Some((ending, bytes)) = found else {
            println!("skipped: NEURO_DATA has no mnist/{name}");
            return;
        };
        if name.starts_with("t10k-labels") {
            let mut plain = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&bytes[..]), &mut plain).unwrap();
            labels = plain;
        } else {
            others.push((format!("mnist/{name}{ending}"), bytes));
        }
    }
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(6)).unwrap();
    xz.write_all(&labels).unwrap();
    let (plain, packed) = ("mnist/t10k-labels-idx1-ubyte", "mnist/t10k-labels-idx1-ubyte.xz");
    let (xz, wrong) = (xz.finish().unwrap(), vec![0; labels.len()]);
    let read = |more: &[(&str, &Vec<u8>)]| {
        let more = more.iter().map(|(name, bytes)| (name.to_string(), bytes.to_vec()));
        let files = Keeping { files: others.iter().cloned().chain(more).collect(), kept: Default::default() };
        let p = program("experiment e { data d = mnist()   measure x = d.test.label[0]   expect true }");
        let runner = Runner { module: &p.module, files: &files, settings: Settings::default(), progress: &Silent };
        let failure = runner.run(&p.module.experiments[0]).failure.map(|d| said(&d));
        (failure, files.kept.into_inner().unwrap())
    };
    let kept = [(plain.to_string(), labels.clone())];
    assert_eq!(read(&[(packed, &xz)]), (None, kept.to_vec()));
    // The copy alone is enough; where it is damaged, what it was made of is read again.
    assert_eq!(read(&[(plain, &labels), (packed, &xz)]), (None, Vec::new()));
    assert_eq!(read(&[(plain, &wrong), (packed, &xz)]), (None, kept.to_vec()));
    let (failure, _) = read(&[(plain, &wrong)]);
    assert!(failure.is_some_and(|said| said.contains("SHA-256")));
}
