//! Tables as the source of populations and projections.

use crate::damaged::{measured, npy, refused, run};
use crate::support::program;
use neuro::diag::Code;

const CELLS: &str = "root,type,side,size\n\
    720575940603989420,KCg,right,2\n\
    720575940603989421,KCab,left,3\n\
    007,MBON,right,5\n\
    x y,KCg,left,7\n";

const EDGES: &str = "pre,post,kind,Number (all),w\n\
    720575940603989420,007,a,3,1\n\
    720575940603989421,007,b,5,2\n\
    007,x y,a,1,4\n\
    720575940603989420,007,a,4,8\n\
    007,gone,a,9,16\n";

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![("cells.csv", CELLS.into()), ("edges.csv", EDGES.into())]
}

/// Measures something of a network of the cells, with a projection of the edges.
fn network(cells: &str, from: &str, measure: &str) -> String {
    format!(
        "
neuron Cell {{ param size = 1  event input exc: 1  state v = size  v' = exc  emit spike when v > 1e6 }}
network Net {{
    let all = csv(\"cells.csv\", id = \"root\")
    population cell: Cell[{cells}]
    projection p: cell -> cell.exc: Static {{ connect from \"edges.csv\"({from}) }}
}}
experiment e {{
    let all = csv(\"cells.csv\")
    network net = Net()
    measure x = {measure}
}}"
    )
}

#[test]
fn a_cell_for_each_row_is_found_by_its_name() {
    let text = |measure: &str| network("all", "weight = w, missing = \"skip\"", measure);
    let x = |measure: &str| measured(&text(measure), &files());
    assert_eq!(x("net.cell.n"), [4.0]);
    assert_eq!(x("weights(net.p)"), [1.0, 2.0, 4.0, 8.0]);
    assert_eq!(x("matrix(net.p)[2]"), [9.0, 2.0, 0.0, 0.0]);
    assert_eq!(x("in_degrees(net.p)"), [0.0, 0.0, 3.0, 1.0]);
    // By name: of the whole, of a view, to read, to set and to record.
    let assigned = |what: &str| text("net.cell.v").replace("measure x", &format!("{what}\n measure x"));
    assert_eq!(measured(&assigned("net.cell[\"007\"].v = 4"), &files()), [1.0, 1.0, 4.0, 1.0]);
    assert_eq!(measured(&assigned("net.cell[1 .. 4][\"x y\"].v = 4"), &files()), [1.0, 1.0, 1.0, 4.0]);
    assert_eq!(x("net.cell[\"720575940603989421\"].v"), [1.0]);
    let recorded = text("times(net.cell[\"007\"].spike)");
    let recorded =
        recorded.replace("measure x", "record net.cell[\"007\"].spike net.cell[2].v = 1e7 run 1 ms\n measure x");
    assert_eq!(measured(&recorded, &files()).len(), 10);
    refused(&text("net.cell[\"7\"].v"), &files(), Code::E0406, &["\"7\""]);
    refused(&text("net.cell[0 .. 2][\"007\"].v"), &files(), Code::E0406, &["\"007\""]);
    let plain = text("net.cell[\"007\"].v").replace("Cell[all]", "Cell[4]");
    refused(&plain.replace("missing", "ids = all, missing"), &files(), Code::E0406, &["no names"]);
}

#[test]
fn names_stand_wherever_cells_do() {
    let text = "
neuron Cell { event input exc: 1  input I: 1 = 0  state v = 0  v' = exc  emit spike when v > 0.5 { v = 0 } }
network Net {
    population cell: Cell[csv(\"cells.csv\", id = \"root\")]
    view one = cell[\"007\"]
    init cell[\"x y\"].v = 0.25
    drive one.exc { spikes [1 ms]  weight 1 }
    projection p: cell[\"007\"] -> cell[\"720575940603989420\"].exc: Static { connect all_to_all  weight 0.5  delay 1 ms }
}
experiment e {
    network net = Net()
    record net.one.spike
    run 5 ms
    measure x = [n_synapses(net.p), count(net.one.spike), net.cell[0].v, net.cell[3].v]
}";
    assert_eq!(measured(text, &files()), [1.0, 1.0, 0.5, 0.25]);
}

#[test]
fn columns_are_values_and_conditions() {
    let x = |measure: &str| measured(&network("all", "weight = w, missing = \"skip\"", measure), &files());
    assert_eq!(x("all.type == \"KCg\""), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(x("\"KCg\" == all.type"), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(x("all.type != \"KCg\""), [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(x("starts_with(all.type, \"KC\") * all.size"), [2.0, 3.0, 0.0, 7.0]);
    assert_eq!(x("ends_with(all.type, \"g\")"), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(x("contains(all.type, \"BO\")"), [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(x("column(filter(all, starts_with(all.type, \"KC\") and all.side == \"left\"), \"size\")"), [3.0, 7.0]);
    assert_eq!(x("column(filter(all, not (all.type == \"KCg\") or all.size > 6), \"size\")"), [3.0, 5.0, 7.0]);
    assert_eq!(x("rows(filter(all, true)) + rows(filter(all, 1 > 2))"), [4.0]);
    assert_eq!(x("rows(filter(all, all.size)) + 10 * rows(filter(all, not all.size))"), [4.0]);
    // As values of cells, and in the network's own conditions.
    let of_kc = "filter(all, starts_with(all.type, \"KC\"))";
    let sized = network(of_kc, "weight = w, missing = \"skip\"", "net.cell.v");
    let sized = sized.replace(
        "projection p",
        "init cell.size = column(filter(all, starts_with(all.type, \"KC\")), \"size\")\n projection p",
    );
    assert_eq!(measured(&sized, &files()), [2.0, 3.0, 7.0]);
    refused(
        &network("all", "weight = w, missing = \"skip\"", "all.nothing == \"a\""),
        &files(),
        Code::E0803,
        &["`nothing`"],
    );
    refused(&network("all", "weight = w", "rows(filter(all, [1, 0]))"), &files(), Code::E0609, &["gone"]);
    let short = network("all", "weight = w, missing = \"skip\"", "rows(filter(all, [1, 0]))");
    refused(&short, &files(), Code::E0403, &["2 values", "4 rows"]);
}

#[test]
fn rows_are_chosen_added_up_and_counted() {
    let with = |from: &str| network("all", from, "weights(net.p)");
    let x = |from: &str| measured(&with(from), &files());
    assert_eq!(x("weight = w, where = kind == \"a\" and w < 16"), [1.0, 4.0, 8.0]);
    assert_eq!(x("weight = w, where = not (kind == \"a\") or w == 4"), [2.0, 4.0]);
    assert_eq!(x("weight = column(\"Number (all)\"), where = w < 16"), [3.0, 5.0, 1.0, 4.0]);
    assert_eq!(x("weight = w * (kind == \"a\"), where = w < 16"), [1.0, 0.0, 4.0, 8.0]);
    assert_eq!(x("weight = w, where = w < 16, duplicates = \"sum\""), [9.0, 2.0, 4.0]);
    assert_eq!(x("weight = w, where = w < 16, duplicates = \"keep\""), [1.0, 2.0, 4.0, 8.0]);
    assert_eq!(x("weight = 1, where = w < 16, duplicates = \"sum\""), [2.0, 1.0, 1.0]);
    let delayed = "weight = w, delay = column(\"Number (all)\"), where = w < 16, duplicates = \"sum\"";
    refused(&with(delayed), &files(), Code::E0803, &["line 2", "line 5", "different delays"]);
    refused(&with("weight = w, where = w < 16, duplicates = \"error\""), &files(), Code::E0803, &["line 2", "line 5"]);
    refused(&with("weight = w, where = w < 16, duplicates = \"twice\""), &files(), Code::E0401, &["twice", "sum"]);
    let unweighted = with("where = w < 16, duplicates = \"sum\"").replace("sum\")", "sum\") weight 1");
    refused(&unweighted, &files(), Code::E0402, &["weight"]);
    let out = run(&with("weight = w, where = w != 2, missing = \"skip\", duplicates = \"sum\""), &files());
    assert!(out.failure.is_none(), "{:?}", out.failure);
    let said: Vec<String> = out.imports.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        ["edges.csv: 5 rows, 2 synapses, 1 left out by `where`, 1 without such cells, \
          1 added to others of the same cells; none from 2 of the 4 cells of `cell`; none to 2 of the 4 cells of `cell`"]
    );
}

#[test]
fn ends_have_names_of_their_own() {
    let text = "
neuron Cell { event input exc: 1  state v = 0  v' = exc  emit spike when v > 1e6 }
network Net {
    let all = csv(\"cells.csv\", id = \"root\")
    population kc: Cell[filter(all, starts_with(all.type, \"KC\"))]
    population out: Cell[filter(all, all.type == \"MBON\")]
    projection p: kc -> out.exc: Static { connect from \"edges.csv\"(missing = \"skip\", weight = w) }
    projection q: kc[1 .. 3] -> out.exc: Static { connect from \"edges.csv\"(missing = \"skip\", weight = w) }
}
experiment e {
    network net = Net()
    measure x = concat(out_degrees(net.p), weights(net.q))
}";
    assert_eq!(measured(text, &files()), [2.0, 1.0, 0.0, 2.0]);
}

#[test]
fn names_that_are_none_are_refused() {
    let cells = |table: &str| vec![("cells.csv", table.as_bytes().to_vec()), ("edges.csv", EDGES.into())];
    let text = network("all", "weight = w, missing = \"skip\"", "net.cell.n");
    refused(&text, &cells("root,a\n1,2\n2,3\n1,4\n"), Code::E0803, &["`1`", "line 2", "line 4", "id ="]);
    refused(&text, &cells("root,a\n1,2\n,3\n"), Code::E0803, &["line 3", "empty", "`root`"]);
    refused(&text, &cells("name,a\n1,2\n"), Code::E0803, &["`root`", "`name`"]);
    // Without `id` the first column names the cells.
    let first = text.replace(", id = \"root\"", "");
    refused(&first, &cells("a,root\n1,2\n1,3\n"), Code::E0803, &["`1`", "id ="]);
    // A condition that is none, and a text where a condition stands.
    for (from, words) in [("where = \"kind\"", "condition"), ("where = kind", "`a` is not a number")] {
        let text = network("all", &format!("weight = w, {from}"), "1");
        let p = neuro::compiler::compile(
            neuro::source::SourceFile::new("model.neuro", text.clone()),
            &mut neuro::compiler::NoImports,
        );
        match p {
            Err(r) => assert!(r.diagnostics.iter().any(|d| d.message.contains(words)), "{from}"),
            Ok(_) => refused(&text, &files(), Code::E0803, &[words]),
        }
    }
}

#[test]
fn names_outlast_checkpoints() {
    use crate::checkpoint::{All, bits, run as kept};
    let text = "
neuron Cell { event input exc: 1  state v = 0  v' = exc  emit spike when v > 1e6 }
network Net { population cell: Cell[csv(\"data/celegans/cells.csv.gz\")] }
experiment e {
    network net = Net()
    let cells = csv(\"data/celegans/cells.csv.gz\")
    run 1 ms
    net.cell[\"ADAL\"].v = 2
    run 1 ms
    net.cell[\"ADAR\"].v = 3 * net.cell[\"ADAL\"].v + rows(cells)
    measure x = net.cell.v
}";
    let p = program(text);
    let all = All::default();
    let whole = bits(&kept(&p, &all, None, 1));
    for checkpoint in all.kept() {
        assert!(whole == bits(&kept(&p, &All::default(), Some(checkpoint), 1)));
    }
}

/// A Parquet file of cells: an id, a number that may be missing, a type and a truth value, and maybe a group of one number.
pub fn parquet_file(nested: bool) -> Vec<u8> {
    packed_parquet_file(nested, parquet::basic::Compression::UNCOMPRESSED)
}

/// The same, packed in some way.
fn packed_parquet_file(nested: bool, how: parquet::basic::Compression) -> Vec<u8> {
    use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
    use parquet::file::writer::SerializedFileWriter;
    let schema = "message cells {
        required int64 root; optional double size; required binary type (UTF8); required boolean on; optional group list { required int32 x; } }";
    let schema =
        if nested { schema.to_string() } else { schema.replace("optional group list { required int32 x; }", "") };
    let schema = std::sync::Arc::new(parquet::schema::parser::parse_message_type(&schema).unwrap());
    let mut out = Vec::new();
    let properties = parquet::file::properties::WriterProperties::builder().set_compression(how).build();
    let mut writer = SerializedFileWriter::new(&mut out, schema, properties.into()).unwrap();
    let mut rows = writer.next_row_group().unwrap();
    let mut column = rows.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[720575940603989420, 720575940603989421, 7], None, None).unwrap();
    column.close().unwrap();
    let mut column = rows.next_column().unwrap().unwrap();
    column.typed::<DoubleType>().write_batch(&[0.25, 4.0], Some(&[1, 0, 1]), None).unwrap();
    column.close().unwrap();
    let mut column = rows.next_column().unwrap().unwrap();
    let types: Vec<ByteArray> = ["KCg", "KCab", "MBON"].map(ByteArray::from).to_vec();
    column.typed::<ByteArrayType>().write_batch(&types, None, None).unwrap();
    column.close().unwrap();
    let mut column = rows.next_column().unwrap().unwrap();
    column.typed::<BoolType>().write_batch(&[true, false, true], None, None).unwrap();
    column.close().unwrap();
    if nested {
        let mut column = rows.next_column().unwrap().unwrap();
        column.typed::<parquet::data_type::Int32Type>().write_batch(&[1, 2, 3], Some(&[1, 1, 1]), None).unwrap();
        column.close().unwrap();
    }
    rows.close().unwrap();
    writer.close().unwrap();
    out
}

#[test]
fn parquet_files_are_tables() {
    let files =
        [("cells.parquet", parquet_file(true)), ("cells.csv", CELLS.into()), ("edges.parquet", parquet_file(true))];
    let text = |measure: &str, from: &str| {
        format!(
            "
neuron Cell {{ event input exc: 1  state v = 0  v' = exc  emit spike when v > 1e6 }}
network Net {{
    let all = csv(\"cells.csv\")
    population cell: Cell[all]
    projection p: cell -> cell.exc: Static {{ connect from {from} }}
}}
experiment e {{
    let all = csv(\"cells.csv\")
    network net = Net()
    measure x = {measure}
}}"
        )
    };
    let edges =
        "\"edges.parquet\"(pre = \"root\", post = \"root\", where = on == \"true\", weight = size, missing = \"skip\")";
    let x = |measure: &str| measured(&text(measure, edges), &files);
    // 7 is not 007.
    assert_eq!(x("weights(net.p)"), [0.25]);
    let whole = files[0].1.clone();
    let refuse = |bytes: Vec<u8>, measure: &str, code: Code, words: &[&str]| {
        refused(
            &text(measure, edges),
            &[("cells.csv", CELLS.into()), ("edges.parquet", whole.clone()), ("c.parquet", bytes)],
            code,
            words,
        );
    };
    refuse(whole.clone(), "rows(parquet(\"c.parquet\"))", Code::E0803, &["`list`", "lists or groups"]);
    refuse(whole.clone(), "rows(csv(\"c.parquet\"))", Code::E0803, &["Parquet", "`parquet`"]);
    refuse(CELLS.into(), "rows(parquet(\"c.parquet\"))", Code::E0803, &["not a Parquet file", "`csv`"]);
    refuse(whole[..whole.len() / 2].to_vec(), "rows(parquet(\"c.parquet\"))", Code::E0803, &["cannot be read"]);
    let blank = edges.replace("where = on == \"true\", ", "");
    refused(&text("1", &blank), &files, Code::E0803, &["row 2", "empty", "`size`"]);
    assert_eq!(measured(&text("weights(net.p)", &blank.replace("weight", "blank = 9, weight")), &files), [0.25, 9.0]);
}

#[test]
fn parquet_files_may_be_packed_as_others_pack_them() {
    use parquet::basic::{Compression, GzipLevel, ZstdLevel};
    let plain = parquet_file(false);
    let ways = [
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
        Compression::ZSTD(ZstdLevel::try_new(19).unwrap()),
        Compression::LZ4_RAW,
        Compression::LZ4,
        Compression::GZIP(GzipLevel::default()),
    ];
    for how in ways {
        let bytes = packed_parquet_file(false, how);
        assert!(bytes != plain);
        let x = |measure: &str| {
            let text = format!("experiment e {{ let cells = parquet(\"a\")  measure x = {measure} }}");
            measured(&text, &[("a", bytes.clone())])
        };
        assert_eq!(x("column(cells, \"size\", blank = 9)"), [0.25, 9.0, 4.0], "{how:?}");
        assert_eq!(x("count_where(cells, \"root\", \"720575940603989421\")"), [1.0], "{how:?}");
        assert_eq!(x("starts_with(cells.type, \"KC\")"), [1.0, 1.0, 0.0], "{how:?}");
    }
}

/// An idx file: its type, its shape and its body.
fn idx(kind: u8, shape: &[u32], body: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 0, kind, shape.len() as u8];
    shape.iter().for_each(|n| out.extend(n.to_be_bytes()));
    out.extend(body);
    out
}

#[test]
fn idx_files_are_arrays_of_any_type() {
    let text = |what: &str| format!("experiment e {{ measure x = {what} }}");
    let x = |bytes: Vec<u8>, what: &str| measured(&text(what), &[("a.idx", bytes)]);
    assert_eq!(x(idx(8, &[2, 2], &[1, 2, 3, 255]), "idx(\"a.idx\")[1]"), [3.0, 255.0]);
    assert_eq!(x(idx(9, &[2], &[255, 2]), "idx(\"a.idx\")"), [-1.0, 2.0]);
    assert_eq!(x(idx(0xb, &[2], &[1, 0, 255, 255]), "idx(\"a.idx\")"), [256.0, -1.0]);
    assert_eq!(x(idx(0xc, &[1, 2], &[0, 1, 0, 0, 255, 255, 255, 254]), "idx(\"a.idx\")[0]"), [65536.0, -2.0]);
    assert_eq!(
        x(idx(0xd, &[2], &[1.5f32.to_be_bytes(), (-2f32).to_be_bytes()].concat()), "idx(\"a.idx\")"),
        [1.5, -2.0]
    );
    assert_eq!(x(idx(0xe, &[2], &[0.1f64.to_be_bytes(), 3f64.to_be_bytes()].concat()), "idx(\"a.idx\")"), [0.1, 3.0]);
    let refuse =
        |bytes: Vec<u8>, words: &[&str]| refused(&text("sum(idx(\"a.idx\"))"), &[("a.idx", bytes)], Code::E0803, words);
    refuse(idx(7, &[1], &[1]), &["byte 2", "0x07"]);
    refuse(idx(8, &[2], &[1]), &["1 bytes follow byte 8"]);
    refuse(idx(0xe, &[1], &f64::NAN.to_be_bytes()), &["element 0", "finite"]);
    refuse(vec![0, 0], &["byte 2"]);
    refuse(idx(8, &[], &[]), &["magic"]);
}

#[test]
fn sets_like_mnist_come_from_any_folder_and_by_a_text_of_the_command_line() {
    let images = |n: u32| idx(8, &[n, 2, 2], &(0..4 * n as u8).collect::<Vec<u8>>());
    let files = |labels: &[u8]| {
        vec![
            ("clothes/train-images-idx3-ubyte", images(3)),
            ("clothes/train-labels-idx1-ubyte", idx(8, &[3], labels)),
            ("clothes/t10k-images-idx3-ubyte", images(2)),
            ("clothes/t10k-labels-idx1-ubyte", idx(8, &[2], &[1, 0])),
        ]
    };
    let text = "experiment e(folder = \"letters\") {
        data d = mnist(folder = folder)
        for (image, label) in d.train { measure x = [sum(image), len(one_hot(label))] }
    }";
    refused(text, &files(&[0, 1, 4]), Code::E0803, &["letters/train-images-idx3-ubyte", "no such file"]);
    let p = program(text);
    let set = |value: &str| {
        let overrides = vec![neuro::experiment::Override { path: "folder".into(), value: value.into() }];
        let settings = neuro::experiment::Settings { overrides, ..Default::default() };
        let memory = crate::damaged::Memory(&files(&[0, 1, 4]));
        let runner = neuro::experiment::Runner {
            module: &p.module,
            files: &memory,
            settings,
            progress: &neuro::compiler::Silent,
        };
        let out = runner.run(&p.module.experiments[0]);
        assert!(out.failure.is_none(), "{:?}", out.failure);
        crate::support::measured(&out, "x")
    };
    // Five classes, as the largest label is 4.
    for value in ["clothes", "\"clothes\""] {
        assert_eq!(set(value), [6.0, 5.0, 22.0, 5.0, 38.0, 5.0]);
    }
    let clothes = text.replace("letters", "clothes");
    refused(&clothes, &files(&[0, 1]), Code::E0803, &["train-labels", "bytes follow"]);
    let mut fewer = files(&[0, 1, 4]);
    fewer[1].1 = idx(8, &[2], &[0, 1]);
    refused(&clothes, &fewer, Code::E0803, &["2 labels for 3 images"]);
}

#[test]
fn json_lists_are_tables_and_tables_are_sources_of_projections() {
    const JSON: &str = r#"{"cells": [{"name": "a", "size": 2}, {"name": "b"}, {"name": "c", "size": null, "big": 720575940603989421}],
        "edges": [{"from": "a", "to": "b", "sign": -1, "at": [[[0, 1], 2.5], [[1, 0], 1]], "note": {"x": 1}},
                  {"from": "b", "to": "c", "sign": 1, "at": []}, {"from": "c", "to": "a", "sign": 1, "at": [[[0, 0], 4]]}]}"#;
    let with = |json: &str, edges: &str, from: &str, measure: &str| {
        let text = format!(
            "
neuron Cell {{ event input exc: 1  state v = 0  v' = exc  emit spike when v > 1e6 }}
network Net {{
    let edges = {edges}
    population cell: Cell[json(\"c.json\", list = \"cells\")]
    projection p: cell -> cell.exc: Static {{ connect from edges({from}) }}
}}
experiment e {{
    let edges = {edges}
    let cells = json(\"c.json\", list = \"cells\")
    network net = Net()
    measure x = {measure}
}}"
        );
        (text, [("c.json", json.as_bytes().to_vec())])
    };
    let each = "json(\"c.json\", list = \"edges\", each = \"at\")";
    let sum = "pre = \"from\", post = \"to\", weight = sign * column(\"at.1\"), duplicates = \"sum\"";
    let x = |edges: &str, from: &str, measure: &str| {
        let (text, files) = with(JSON, edges, from, measure);
        measured(&text, &files)
    };
    assert_eq!(x(each, sum, "weights(net.p)"), [-3.5, 4.0]);
    assert_eq!(x(each, &sum.replace("\"sum\"", "\"keep\""), "weights(net.p)"), [-2.5, -1.0, 4.0]);
    assert_eq!(x(&format!("filter({each}, 1 > 0)"), sum, "weights(net.p)"), [-3.5, 4.0]);
    assert_eq!(x(each, &format!("{sum}, where = from == \"a\""), "weights(net.p)"), [-3.5]);
    assert_eq!(
        x("json(\"c.json\", list = \"edges\")", "pre = \"from\", post = \"to\", weight = sign", "weights(net.p)"),
        [-1.0, 1.0, 1.0]
    );
    assert_eq!(x(each, sum, "column(edges, \"at.0.1\")"), [1.0, 0.0, 0.0]);
    assert_eq!(x(each, sum, "column(cells, \"size\", blank = 7)"), [2.0, 7.0, 7.0]);
    assert_eq!(x(each, sum, "cells.big == \"720575940603989421\""), [0.0, 0.0, 1.0]);
    let refuse = |json: &str, edges: &str, from: &str, measure: &str, code: Code, words: &[&str]| {
        let (text, files) = with(json, edges, from, measure);
        refused(&text, &files, code, words);
    };
    let cells = r#"{"cells": [{"name": "a"}], "edges": "#;
    refuse(&format!("{cells}[1]}}"), each, sum, "1", Code::E0803, &["element 0", "object"]);
    refuse(&format!("{cells}[{{\"a\": 1}}]}}"), each, sum, "1", Code::E0803, &["element 0", "`at`"]);
    refuse(&format!("{cells}3}}"), each, sum, "1", Code::E0803, &["no list", "\"cells\""]);
    refuse(&format!("{cells}[}}"), each, sum, "1", Code::E0803, &["not JSON"]);
    refuse(JSON, each, "pre = \"from\", post = \"to\", weight = nothing", "1", Code::E0803, &["`nothing`", "`at.1`"]);
    refuse(JSON, each, "pre = \"from\", post = \"nowhere\", weight = 1", "1", Code::E0803, &["`nowhere`"]);
    // What is no table, and what has been read, are told before anything runs.
    for (from, words) in
        [("connect from cell(weight = 1)", "a table"), ("connect from all(weight = 1, delimiter = \",\")", "delimiter")]
    {
        let text = network("all", "weight = 1", "1").replace("connect from \"edges.csv\"(weight = 1)", from);
        match crate::support::try_program(&text) {
            Ok(_) => panic!("{from} was not refused"),
            Err(r) => assert!(r.diagnostics.iter().any(|d| d.message.contains(words)), "{from}"),
        }
    }
}

/// An Arrow file of cells, as the Parquet file above, whose types are categories; compressed or plain.
pub fn arrow_file(compressed: bool) -> Vec<u8> {
    packed_arrow_file(compressed.then_some(arrow_ipc::CompressionType::LZ4_FRAME))
}

/// The same, packed in some way.
fn packed_arrow_file(how: Option<arrow_ipc::CompressionType>) -> Vec<u8> {
    use arrow_array::types::Int8Type;
    use arrow_array::{ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, RecordBatch};
    use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
    use std::sync::Arc;
    let batch = |from: usize, to: usize| {
        let root: Vec<i64> = [720575940603989420, 720575940603989421, 7][from..to].to_vec();
        let size: Vec<Option<f64>> = [Some(0.25), None, Some(4.0)][from..to].to_vec();
        let kind: DictionaryArray<Int8Type> = ["KCg", "KCab", "MBON"][from..to].iter().copied().collect();
        let on: Vec<Option<bool>> = [Some(true), Some(false), Some(true)][from..to].to_vec();
        let columns: [(&str, ArrayRef, bool); 4] = [
            ("root", Arc::new(Int64Array::from(root)), false),
            ("size", Arc::new(Float64Array::from(size)), true),
            ("type", Arc::new(kind), true),
            ("on", Arc::new(BooleanArray::from(on)), true),
        ];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    let options = IpcWriteOptions::default().try_with_compression(how).unwrap();
    // Each batch has categories of its own, which a file takes once only.
    let whole = batch(0, 3);
    let mut out = Vec::new();
    let mut writer = FileWriter::try_new_with_options(&mut out, &whole.schema(), options).unwrap();
    writer.write(&whole.slice(0, 2)).unwrap();
    writer.write(&whole.slice(2, 1)).unwrap();
    writer.finish().unwrap();
    drop(writer);
    out
}

#[test]
fn arrow_files_are_tables() {
    use arrow_ipc::CompressionType;
    for how in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        let whole = packed_arrow_file(how);
        let files = [("a.feather", whole.clone()), ("cells.csv", CELLS.into())];
        let x = |measure: &str| {
            measured(&format!("experiment e {{ let cells = arrow(\"a.feather\")  measure x = {measure} }}"), &files)
        };
        assert_eq!(x("rows(cells)"), [3.0]);
        assert_eq!(x("column(cells, \"size\", blank = 9)"), [0.25, 9.0, 4.0]);
        assert_eq!(x("starts_with(cells.type, \"KC\") + (if cells.on == \"true\" then 10 else 0)"), [11.0, 1.0, 10.0]);
        // Longer than a double is exact.
        assert_eq!(x("count_where(cells, \"root\", \"720575940603989421\")"), [1.0]);
        let edges =
            "\"a.feather\"(pre = \"root\", post = \"root\", where = on == \"true\", weight = size, missing = \"skip\")";
        assert_eq!(measured(&from(edges, "weights(net.p)"), &files), [0.25]);
        let refuse = |bytes: Vec<u8>, measure: &str, words: &[&str]| {
            refused(&format!("experiment e {{ measure x = rows({measure}) }}"), &[("c", bytes)], Code::E0803, words);
        };
        refuse(whole.clone(), "csv(\"c\")", &["Arrow", "`arrow`"]);
        refuse(CELLS.into(), "arrow(\"c\")", &["not an Arrow file", "`csv`"]);
        refuse(b"FEA1....".to_vec(), "arrow(\"c\")", &["first version", "version 2"]);
        for cut in [8, whole.len() / 2, whole.len() - 3] {
            refuse(whole[..cut].to_vec(), "arrow(\"c\")", &["cannot be read"]);
        }
        refused(
            "experiment e { measure x = column(arrow(\"c\"), \"size\") }",
            &[("c", whole)],
            Code::E0803,
            &["row 2", "empty"],
        );
    }
}

#[test]
fn damaged_arrow_files_are_refused_or_read() {
    damage(&packed_arrow_file(Some(arrow_ipc::CompressionType::ZSTD)));
    damage(&arrow_file(true));
}

fn damage(whole: &[u8]) {
    let mut refused = 0;
    for k in 0..whole.len() * 4 {
        let mut bytes = whole.to_vec();
        let at = k * 7919 % bytes.len();
        bytes[at] = match k % 4 {
            0 => 0,
            1 => 0xff,
            2 => bytes[at].wrapping_add(1),
            _ => bytes[at] ^ 0x80,
        };
        refused += usize::from(neuro::data::arrow("a", &bytes, &|_| true).is_err());
    }
    assert!(refused > whole.len() / 4, "{refused} of {}", 4 * whole.len());
}

#[test]
fn numpy_arrays_are_lists_of_edges() {
    let bytes = |values: &[i64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let rows = [720575940603989420, 7, 3, 720575940603989421, 7, 5];
    let columns = [720575940603989420, 720575940603989421, 7, 7, 3, 5];
    let cells = CELLS.replace("\n    ", "\n").replace("007", "7");
    let edges = "\"e.npy\"(pre = \"0\", post = \"1\", weight = 2 * column(\"2\"))";
    for (fortran, values) in [("False", rows), ("True", columns)] {
        let files = [("cells.csv", cells.clone().into()), ("e.npy", npy("<i8", fortran, "(2, 3)", &bytes(&values)))];
        assert_eq!(measured(&from(edges, "weights(net.p)"), &files), [6.0, 10.0], "{fortran}");
        assert_eq!(measured(&from(edges, "in_degrees(net.p)"), &files), [0.0, 0.0, 2.0, 0.0]);
    }
    let refuse = |file: Vec<u8>, words: &[&str]| {
        refused(&from(edges, "1"), &[("cells.csv", cells.clone().into()), ("e.npy", file)], Code::E0803, words);
    };
    refuse(npy("<i8", "False", "(6,)", &bytes(&rows)), &["no rows and columns", "two axes"]);
    refuse(npy("<i8", "False", "(2, 4)", &bytes(&rows)), &["announces 64 bytes"]);
    refuse(npy("<i8", "False", "(3, 2)", &bytes(&[7; 6])), &["no column `2`", "`0`, `1`"]);
}

/// Measures something of a network of the cells whose edges come from a file.
fn from(edges: &str, measure: &str) -> String {
    let text = network("all", "", measure);
    text.replace("\"edges.csv\"()", edges)
}
