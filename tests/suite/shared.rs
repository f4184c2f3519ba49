//! What handlers change that examples, cells of a channel or places of a kernel have in common: by the sum of what each would change it by.

use crate::support::{measured, near, run};

/// Shows four examples to a cell at once, or something to each of four cells.
fn taught(batch: &str) -> &'static str {
    match batch {
        "" => "net.cell.teach = [-1.5, -0.5, 0.5, 1.5]  signal learn",
        _ => "data d = dataset(x = [-1.5, -0.5, 0.5, 1.5])  for x in d { net.cell.teach = x  signal learn }",
    }
}

/// One number that all share, changed by a statement; four of whatever shares it, of which each has `teach` of -1.5 .. 1.5.
fn cells(declaration: &str, batch: &str, population: &str, statement: &str) -> f64 {
    let out = run(&format!(
        "
neuron Cell {{
    param k = 1
    input teach: 1 = 0
    input drive: 1 = 0
    state b {declaration} = 1
    let r = drive + b
    let same = max(drive + b, -1e6)
    on learn {{ {statement} }}
}}
network Net {{ population cell: Cell{population} }}
experiment e {{
    precision f64
    network net = Net(){batch}
    {}
    measure b = net.cell.b
}}
",
        taught(batch)
    ));
    measured(&out, "b")[0]
}

/// (statement, the change that a cell with a value `t` would make of b = 1, what happens once)
type Case = (&'static str, fn(f64) -> f64, f64);

const CASES: [Case; 15] = [
    ("b += 0.1 * (teach - r)", |t| 0.1 * (t - 1.0), 0.0),
    ("b += 0.1 * (teach - same)", |t| 0.1 * (t - 1.0), 0.0),
    ("b += 0.1 * (teach - k)", |t| 0.1 * (t - 1.0), 0.0),
    ("b += 0.1 * (teach^2 - b)", |t| 0.1 * t * t, -0.1),
    ("if teach > 0 { b -= 0.1 }", |t| if t > 0.0 { -0.1 } else { 0.0 }, 0.0),
    ("b -= if teach > 0 then 0.1 else 0", |t| if t > 0.0 { -0.1 } else { 0.0 }, 0.0),
    ("b = if teach > 0 then b - 0.1 else b", |t| if t > 0.0 { -0.1 } else { 0.0 }, 0.0),
    ("if teach > 0 { b = 0.5 * b - 0.1 * teach }", |t| if t > 0.0 { -0.5 - 0.1 * t } else { 0.0 }, 0.0),
    ("if teach > 0 { b = 3 }", |t| if t > 0.0 { 2.0 } else { 0.0 }, 0.0),
    ("b = clip(b + 0.1 * (teach - 1), -5, 5)", |t| 0.1 * (t - 1.0), 0.0),
    ("b = max(b + 0.1 * teach, 1)", |t| (0.1 * t).max(0.0), 0.0),
    ("b *= 1 - 0.1 * teach^2", |t| -0.1 * t * t, 0.0),
    ("b -= 0.1", |_| 0.0, -0.1),
    ("b *= 0.9", |_| 0.0, -0.1),
    ("b *= 0.9  if teach > 0 { b -= 0.1  b += 0.2 * r }", |t| if t > 0.0 { -0.1 + 0.2 * 0.8 } else { 0.0 }, -0.1),
];

#[test]
fn a_sum_is_of_what_each_would_change_however_it_is_written() {
    let each = [-1.5, -0.5, 0.5, 1.5];
    for (statement, change, once) in CASES {
        let sum = 1.0 + once + each.iter().map(|t| change(*t)).sum::<f64>();
        let mean = 1.0 + once + each.iter().map(|t| change(*t)).sum::<f64>() / 4.0;
        let of = |declaration, batch, population| cells(declaration, batch, population, statement);
        near(&[of("per cell", " with batch 4 sum", "[1]")], &[sum], 1e-12);
        near(&[of("per cell", " with batch 4", "[1]")], &[mean], 1e-12);
        near(&[of("per channel", "", "[1, 2, 2]")], &[sum], 1e-12);
    }
}

/// The same of a weight: of a batch, and of the places of a kernel.
fn weight(batch: &str, network: &str, statement: &str) -> f64 {
    let out = run(&format!(
        "
neuron Source {{ state r = 1 }}
neuron Cell {{ param k = 1  input drive: 1  input teach: 1 = 0 }}
synapse Rule {{
    weight w: 1
    deliver w * pre.r
    let miss = post.teach - w
    on learn {{ {statement} }}
}}
network Net {{ {network} }}
experiment e {{
    precision f64
    network net = Net(){batch}
    {}
    measure w = net.p.w
}}
",
        taught(batch)
    ));
    measured(&out, "w")[0]
}

#[test]
fn weights_that_many_share_are_changed_by_the_sum_as_well() {
    let each = [-1.5, -0.5, 0.5, 1.5];
    let cases: [Case; 8] = [
        ("w += 0.1 * miss", |t| 0.1 * (t - 1.0), 0.0),
        ("w += 0.1 * (post.teach - post.k)", |t| 0.1 * (t - 1.0), 0.0),
        ("w += 0.1 * (post.teach * pre.r - 1)", |t| 0.1 * (t - 1.0), 0.0),
        ("w += 0.1 * (post.teach * pre.r - w)", |t| 0.1 * t, -0.1),
        ("w += 0.1 * (post.teach - w) * pre.r", |t| 0.1 * (t - 1.0), 0.0),
        ("if post.teach > 0 { w -= 0.1 }", |t| if t > 0.0 { -0.1 } else { 0.0 }, 0.0),
        (
            "if post.teach > 0 { w = 0.5 * w - 0.1 * post.teach * pre.r }",
            |t| if t > 0.0 { -0.5 - 0.1 * t } else { 0.0 },
            0.0,
        ),
        ("w -= 0.1 * w", |_| 0.0, -0.1),
    ];
    let dense = "population x: Source[1]  population cell: Cell[1]  projection p: x -> cell.drive: Rule { connect all_to_all  weight 1 }";
    let shared = "population x: Source[1, 2, 2]  population cell: Cell[1, 2, 2]  projection p: x -> cell.drive: Rule { connect conv(1)  weight 1 }";
    for (statement, change, once) in cases {
        let sum = 1.0 + once + each.iter().map(|t| change(*t)).sum::<f64>();
        near(&[weight(" with batch 4 sum", dense, statement)], &[sum], 1e-12);
        near(&[weight("", shared, statement)], &[sum], 1e-12);
    }
}
