//! Cells that are chosen one by one: whatever can be done with a range can be done with them, with the same numbers.
//!
//! Mostly, a network whose population has other cells between those that are chosen is compared with one that has these alone.

use crate::damaged::{measured, refused, run};
use crate::support::{program, try_program};
use neuro::diag::Code;

/// Cells with and without events.
const MODELS: &str = "
neuron Spiking {
    param p = 1
    event input exc: 1
    input I: 1 = 0.5
    state v = 0
    v' = (I * p - v) / 5 ms + exc
    state u = 0
    u' = -u / 7 ms
    emit spike when v > 10 { v = 0  u += 1 }
}
neuron Rate { param p = 1   input I: 1 = 0.5   state v = 0   v' = (I * p - v) / 5 ms   state u = 0   u' = -u / 7 ms }
synapse Weighed { weight w: 1   deliver w * pre.v }
synapse Learning { weight w: 1   state e = 0   on pre.spike { deliver w  e += 1 } on post.spike { w += 0.25 } }
neuron Sink { event input exc: 1  state s = 0  s' = exc  emit never when s < -1 }
neuron Summed { input in_: 1 = 0   let s = in_   state k = 0  k' = in_ / 1 ms }
";

/// What is measured of cells among others, and of the same cells alone.
#[track_caller]
fn same(cell: &str, network: &str, body: &str) {
    let batch = if body.contains("dataset") { "with batch 2" } else { "" };
    let among = [
        ("view odd = pop where mod(i, 2) == 1", 11, "1, 3, 5, 7, 9"),
        ("let mask = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]  view odd = pop where mask > 0 and mask < 2", 11, ""),
        ("view odd = pop[[2, 3, 5, 7, 8]]", 9, ""),
        ("view first = pop where i > 0  view odd = first where mod(i, 2) == 0", 10, ""),
    ];
    let text = |view: &str, n: usize| {
        format!(
            "{MODELS}
network Net {{ population pop: {cell}[{n}]  {view}  population other: {cell}[5]  population sink: Sink[4]  population sum: Summed[4]  {network} }}
experiment e {{ dt 0.5 ms  seed 3  network net = Net() {batch} {body} }}"
        )
    };
    let alone = measured(&text("view odd = pop[0 .. 5]", 5), &[]);
    assert!(alone.iter().any(|x| *x != 0.0), "nothing happens: {alone:?}, {cell}: {network} {body}");
    for (view, n, _) in among {
        let chosen = measured(&text(view, n), &[]);
        // Continuous contributions of a whole matrix are a product, whose sums have another order.
        let alike = |(x, y): (&f64, &f64)| x == y || network.contains("Weighed") && (x / y - 1.0).abs() < 1e-12;
        let same = chosen.len() == alone.len() && chosen.iter().zip(&alone).all(alike);
        assert!(same, "{chosen:?}, alone {alone:?}; {cell}, {view}: {network} {body}");
    }
}

const BOTH: [&str; 2] = ["Spiking", "Rate"];

#[test]
fn what_is_assigned_reaches_them_and_no_others() {
    let values = ["3", "[1, 2, 3, 4, 5]", "2 * i + 1", "~ uniform(1, 2)", "1 + t / 1 ms", "i + 1 + t / 1 ms"];
    for cell in BOTH {
        for target in ["v", "p", "I"] {
            for value in values {
                if value.contains('t') && target != "I" {
                    continue;
                }
                let value = if value.starts_with('~') { value.to_string() } else { format!("= {value}") };
                let body = format!("net.odd.{target} {value}  run 3 ms  measure x = net.odd.v");
                same(cell, "", &body);
                let later = format!("run 2 ms  net.odd.{target} {value}  run 3 ms  measure x = net.odd.v");
                same(cell, "", &later);
                let init = value.starts_with('~') || !value.contains('t');
                if init {
                    same(cell, &format!("init odd.{target} {value}"), "run 3 ms  measure x = net.odd.v");
                }
            }
        }
        same(cell, "", "net.odd.v += [1, 2, 3, 4, 5]  net.odd.v *= 2  run 2 ms  net.odd.v -= 1  measure x = net.odd.v");
        same(cell, "", "net.odd.I = 4 * sin(t / 1 ms)  net.odd[1 .. 3].I = 2  run 3 ms  measure x = net.odd.v");
        same(cell, "", "net.odd.v = 2  run 2 ms  reset net.odd  net.odd.u = 1  run 1 ms  measure x = net.odd.u");
        same(cell, "", "net.odd[2].v = 4  measure x = net.odd.v * len(net.odd.v) + net.odd.n");
    }
    let others = |body: &str| {
        let text = "network Net { population pop: Spiking[6]  view some = pop where mod(i, 3) == 1 }";
        measured(
            &format!("{MODELS}{text} experiment e {{ dt 1 ms  network net = Net()  {body}  measure x = net.pop.v }}"),
            &[],
        )
    };
    assert_eq!(others("net.some.v = 3"), [0.0, 3.0, 0.0, 0.0, 3.0, 0.0]);
    assert_eq!(others("net.some.v = [4, 5]"), [0.0, 4.0, 0.0, 0.0, 5.0, 0.0]);
    assert_eq!(others("net.pop.v = 1  reset net.some"), [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    assert_eq!(others("run 1 ms  net.pop.v = 1  reset net.some"), [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
    assert_eq!(others("net.pop[[4, 0]].v = [7, 8]"), [8.0, 0.0, 0.0, 0.0, 7.0, 0.0]);
}

#[test]
fn examples_of_a_batch_have_values_of_their_own() {
    for body in [
        "for (a, b) in d { net.odd.v = a  net.odd.u = b * 2  run 2 ms  measure x = net.odd.v + net.odd.u }",
        "for (a, b) in d { net.odd.I = a  run 2 ms  net.odd.v += a  run 1 ms  measure x = net.odd.v }",
        "for (a, b) in d { net.odd.v ~ uniform(0, 1)  run 2 ms  measure x = net.odd.v }",
    ] {
        for cell in BOTH {
            let set = "data d = dataset(a = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], b = [1, 2])";
            same(cell, "", &format!("{set}  {body}"));
        }
    }
}

#[test]
fn what_is_recorded_is_theirs() {
    let drive = "net.odd.I = 30 + 10 * i";
    let spikes = "drive odd.exc { spikes [1 ms, 2 ms, 3 ms]  weight 3 * (i + 1) }";
    same("Spiking", "", &format!("record net.odd.spike  {drive}  run 20 ms  measure x = rates(net.odd.spike)"));
    same("Spiking", "", &format!("record net.odd.spike  {drive}  run 20 ms  measure x = times(net.odd.spike)"));
    same("Spiking", spikes, "record net.odd.spike  run 20 ms  measure x = senders(net.odd.spike)");
    for cell in BOTH {
        let n = format!("record net.odd.v every 1 ms as trace  {drive}  run 6 ms  measure x = values(trace)");
        same(cell, "", &n);
        let n = format!("record mean(net.odd.v) every 1 ms as trace  {drive}  run 6 ms  measure x = values(trace)");
        same(cell, "", &n);
    }
}

#[test]
fn events_from_outside_reach_them_alone() {
    let same = |drive: &str| same("Spiking", drive, "run 6 ms  measure x = net.odd.v");
    same("drive odd.exc { spikes [1 ms, 2 ms]  weight 2 }");
    same("drive odd.exc { spikes [1 ms, 2 ms]  weight i + 1 }");
    same("drive odd.exc { spikes [1 ms, 2 ms]  weight [1, 2] }");
    // Chances differ, so only certain ones are compared.
    same("drive odd.exc { bernoulli 2000 Hz  weight i + 1 }");
    same("drive odd.exc { bernoulli 2000 Hz + 0 * t / 1 ms * 1 Hz  weight 1 }");
    same("drive odd.exc { bernoulli [2000 Hz, 0 Hz, 2000 Hz, 0 Hz, 2000 Hz][i]  weight 1 }");
    same("drive odd.exc { bernoulli if t > 2 ms and i > 2 then 2000 Hz else 0 Hz  weight 1 }");
    let text = format!(
        "{MODELS}network Net {{ population pop: Sink[3000]  view some = pop where mod(i, 3) == 1
            drive some.exc {{ poisson (1 + mod(i, 2)) * 100 Hz  weight 1 }} }}
        experiment e {{ dt 1 ms  network net = Net()  run 1 s
            measure x = [sum(net.some.s), sum(net.pop.s), mean(net.pop[1 .. 2].s), sum(net.pop.s * net.pop.s)] }}"
    );
    let x = measured(&text, &[]);
    assert_eq!(x[0], x[1], "others got events");
    // 500 cells at 100 Hz, 500 at 200 Hz: 150 000 events, deviation 387.
    assert!((x[0] - 150_000.0).abs() < 5.0 * 387.0, "{x:?}");
    // Squares: 500 (100 + 100^2) + 500 (200 + 200^2) = 25.15 millions.
    assert!((x[3] / 25.15e6 - 1.0).abs() < 0.02, "{x:?}");
    let spikes: &[(&str, Vec<u8>)] = &[("s.csv", "time,cell,weight\n1,0,1\n2,2,2\n3,4,4\n".into())];
    let text = |view: &str, n: usize| {
        format!(
            "{MODELS}network Net {{ population pop: Sink[{n}] {view}  drive odd.exc {{ spikes csv(\"s.csv\") }} }}
            experiment e {{ dt 1 ms  network net = Net()  run 6 ms  measure x = net.odd.s }}"
        )
    };
    let alone = measured(&text("view odd = pop[0 .. 5]", 5), spikes);
    assert_eq!(alone, [1.0, 0.0, 2.0, 0.0, 4.0]);
    assert_eq!(measured(&text("view odd = pop where mod(i, 2) == 1", 10), spikes), alone);
}

#[test]
fn projections_join_them() {
    let ends = [("odd", "other"), ("other", "odd"), ("odd", "odd")];
    let connectors = [
        "all_to_all",
        "all_to_all(autapses = false)",
        "one_to_one",
        "fixed_probability(0.5)",
        "fixed_probability(0.5, autapses = false)",
        "fixed_in_degree(2)",
        "fixed_in_degree(2, autapses = false)",
        "fixed_out_degree(2, autapses = false)",
        "fixed_total(9, autapses = false)",
        "where mod(pre.i + post.i, 3) == 0",
        "distance(0.3 + 0.1 * mod(pre.i, 2))",
    ];
    let weights = ["2", "1 + pre.i + 10 * post.i", "~ uniform(1, 2)"];
    for (pre, post) in ends {
        for (k, connector) in connectors.iter().enumerate() {
            let weight = weights[k % 3];
            let has = "measure x = weights(net.link)";
            let p = |synapse: &str, port: &str, delay: &str| {
                format!(
                    "projection link: {pre} -> {post}{port}: {synapse} {{ connect {connector}  weight {weight} {delay} }}"
                )
            };
            same("Spiking", &p("Static", ".exc", "delay 1 ms"), has);
            let run = "net.odd.I = 30 + 10 * i  net.other.I = 25  run 12 ms  measure x = net.odd.v + net.other.v + net.odd.u + net.other.u";
            same("Spiking", &p("Static", ".exc", "delay 1 ms"), run);
            same("Spiking", &p("Static", ".exc", "delay ~ uniform(1 ms, 3 ms)"), run);
            same("Spiking", &p("Learning", ".exc", "delay 1 ms"), &format!("{run} + mean(weights(net.link))"));
            same(
                "Spiking",
                &p("Weighed", ".I", ""),
                "net.odd.v = 0.01 * (i + 1)  net.other.v = 0.02  run 1 ms  measure x = net.odd.v + net.other.v",
            );
            same(
                "Rate",
                &p("Weighed", ".I", ""),
                "net.odd.v = 0.01 * (i + 1)  net.other.v = 0.02  run 1 ms  measure x = net.odd.v + net.other.v",
            );
        }
    }
}

#[test]
fn they_take_part_in_what_others_take_part_in() {
    // From a range that does not begin with the first cell: only the third of the sources is a target, too.
    let offset = |connector: &str| {
        format!(
            "{MODELS}network Net {{ population pop: Spiking[9]  view some = pop where mod(i, 4) == 3
                projection link: pop[5 .. 9] -> some.exc: Static {{ connect {connector}  weight 1  delay 1 ms }} }}
            experiment e {{ network net = Net()  measure x = [n_synapses(net.link), out_degrees(net.link)[2]] }}"
        )
    };
    assert_eq!(measured(&offset("all_to_all(autapses = false)"), &[]), [7.0, 1.0]);
    assert_eq!(measured(&offset("fixed_probability(1, autapses = false)"), &[]), [7.0, 1.0]);
    assert_eq!(measured(&offset("fixed_in_degree(40, autapses = false)"), &[])[0], 80.0);
    assert_eq!(measured(&offset("fixed_out_degree(5, autapses = false)"), &[]), [20.0, 5.0]);
    // Synapses that move stay among the sources that are chosen.
    let moving = format!(
        "{MODELS}synapse Moves {{ weight w: 1   on pre.spike {{ deliver w }}  on turnover {{ rewire }} }}
        network Net {{ population pop: Spiking[40]  view some = pop where mod(i, 4) == 3  population other: Spiking[5]
            projection link: some -> other.exc: Moves {{ connect fixed_in_degree(4)  weight 1  delay 1 ms }} }}
        experiment e {{ dt 1 ms  network net = Net()  run 1 ms  let before = out_degrees(net.link)
            for k in 1 .. 5 {{ signal turnover  run 1 ms }}
            measure x = [sum(out_degrees(net.link)), sum(abs(out_degrees(net.link) - before))] }}"
    );
    let moved = measured(&moving, &[]);
    assert!(moved[0] == 20.0 && moved[1] > 0.0, "{moved:?}");
    // From all cells of a population onto some of them, none onto itself.
    let text = |connector: &str| {
        format!(
            "{MODELS}network Net {{ population pop: Spiking[9]  view some = pop where mod(i, 2) == 0
                projection link: pop -> some.exc: Static {{ connect {connector}  weight if pre.i == 2 * post.i then 1000 else 1  delay 1 ms }} }}
            experiment e {{ network net = Net()  measure x = [n_synapses(net.link), max(weights(net.link))] }}"
        )
    };
    assert_eq!(measured(&text("all_to_all"), &[]), [45.0, 1000.0]);
    for (connector, n) in
        [("all_to_all", 40.0), ("fixed_in_degree", 100.0), ("fixed_out_degree", 180.0), ("fixed_total", 99.0)]
    {
        let given = match connector {
            "all_to_all" => "",
            "fixed_total" => "99, ",
            _ => "20, ",
        };
        assert_eq!(measured(&text(&format!("{connector}({given}autapses = false)")), &[]), [n, 1.0], "{connector}");
    }
    // A modulator of the same cells, or of one of them.
    let modulated = |of: &str| {
        format!(
            "{MODELS}synapse Third {{ weight w: 1  modulator m: 1   on pre.spike {{ deliver w * m }} }}
            network Net {{ population pop: Spiking(p = 1)[8]  view some = pop where mod(i, 2) == 1  view others = pop where i > 3
                population source: Spiking[4]
                projection source -> some.exc: Third {{ connect one_to_one  weight 1  delay 1 ms  modulator m = {of}.u }}
            }}
            experiment e {{ dt 1 ms  network net = Net()  net.source.v = 20  net.some.u = 1 + i  run 1 ms  run 1 ms
                net.some.u = 0  measure x = net.pop.v }}"
        )
    };
    let each = measured(&modulated("some"), &[]);
    let one = measured(&modulated("some[1]"), &[]);
    assert!(each[1] < each[3] && each[3] < each[5] && each[5] < each[7] && each[2] == each[4], "{each:?}");
    assert!(one[1] == one[3] && one[3] == one[7] && one[1] > one[0], "{one:?}");
    refused(&modulated("others"), &[], Code::E0106, &["a modulator of cells that are chosen otherwise"]);
}

const CELLS: &str =
    "name,type,side,size\na,KC,right,2\nb,KC,left,3\nc,MB,right,5\nd,KC,right,7\ne,XX,left,11\nf,KC,right,13\n";

fn of_table(view: &str, measure: &str) -> String {
    format!(
        "neuron Cell {{ param size = 1  event input exc: 1  state v = size  v' = exc  emit spike when v > 1e6 }}
        network Net {{ let all = csv(\"cells.csv\")  population cell: Cell(size = all.size)[all]  view kc = cell where all.type == \"KC\"
            {view} }}
        experiment e {{ network net = Net()  measure x = {measure} }}"
    )
}

#[test]
fn columns_of_the_table_choose_cells() {
    let files: &[(&str, Vec<u8>)] =
        &[("cells.csv", CELLS.into()), ("edges.csv", "pre,post,w\na,c,1\nd,f,2\nf,a,3\nb,d,4\n".into())];
    let of = |view: &str, measure: &str| measured(&of_table(view, measure), files);
    assert_eq!(of("", "net.kc.v"), [2.0, 3.0, 7.0, 13.0]);
    // A column has a value for each cell of the population, also where some of them were chosen before.
    assert_eq!(of("view right = kc where all.side == \"right\"", "net.right.v"), [2.0, 7.0, 13.0]);
    assert_eq!(of("view some = cell where all.size > 3 and not (all.type == \"XX\")", "net.some.v"), [5.0, 7.0, 13.0]);
    assert_eq!(
        of("view some = cell where starts_with(all.type, \"K\") and i > 1 or all.size == 11", "net.some.v"),
        [7.0, 11.0, 13.0]
    );
    assert_eq!(of("", "[net.kc[\"d\"].v, net.kc[2].v, net.kc[1 .. 3].n, net.kc.n]"), [7.0, 7.0, 2.0, 4.0]);
    assert_eq!(
        of(
            "view none = cell where all.size > 100  drive none.exc { poisson 3 Hz weight 1 }",
            "net.none.n + len(net.none.v)"
        ),
        [0.0]
    );
    let edges =
        "projection p: kc -> kc.exc: Static { connect from \"edges.csv\"(weight = w, missing = \"skip\")  delay 1 ms }";
    assert_eq!(of(edges, "weights(net.p)"), [2.0, 3.0, 4.0]);
    refused(
        &of_table("", "net.kc[\"c\"].v"),
        files,
        Code::E0406,
        &["no cell is called \"c\"", "not among these cells"],
    );
    let strict = "projection p: kc -> kc.exc: Static { connect from \"edges.csv\"(weight = w)  delay 1 ms }";
    refused(&of_table(strict, "1"), files, Code::E0609, &["line 2 of `edges.csv`: `c`", "none of the 4 cells"]);
    let short = "let few = csv(\"edges.csv\")  view some = cell where few.w > 1";
    refused(&of_table(short, "1"), files, Code::E0403, &["4 values for 6 cells"]);
}

#[test]
fn what_cannot_be_chosen_is_refused() {
    let files: &[(&str, Vec<u8>)] = &[("cells.csv", CELLS.into())];
    refused(&of_table("view some = cell[[1, 2, 1]]", "1"), files, Code::E0406, &["cell 1 is named twice"]);
    refused(&of_table("view some = cell[[1, 6]]", "1"), files, Code::E0406, &["index 6"]);
    refused(&of_table("view some = kc[4]", "1"), files, Code::E0406, &["index 4"]);
    let transposed = "projection p: kc -> kc.exc: Static { connect all_to_all  weight 1  delay 1 ms }
        projection q: kc -> kc.exc: Static { connect transpose of p  delay 1 ms }";
    refused(
        &of_table(transposed, "1"),
        files,
        Code::E0106,
        &["the transpose between cells that are chosen one by one"],
    );
    let p = |view: &str| {
        let found = try_program(&of_table(view, "1"));
        found.err().map(|d| d.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>())
    };
    assert_eq!(p("view some = cell where 3 mV"), Some(vec![Code::E0405]));
    refused(&of_table("view some = cell where all.type", "1"), files, Code::E0803, &["`KC` is not a number", "`type`"]);
    assert_eq!(p("view some = all where i > 1"), Some(vec![Code::E0401]));
}

#[test]
fn a_run_that_goes_on_knows_them() {
    use crate::checkpoint::{All, run as piece};
    let text = format!(
        "{MODELS}network Net {{ population pop: Spiking[40]  view some = pop where mod(i, 3) == 1
            projection some -> pop.exc: Static {{ connect fixed_probability(0.3)  weight 2  delay 1 ms }}
            drive some.exc {{ poisson 400 Hz  weight 3 }} }}
        experiment e {{ dt 0.5 ms  network net = Net()  record net.some.spike  record net.some.v every 2 ms as trace
            net.some.I = 3 + sin(t / 3 ms) + i / 10  for k in 1 .. 6 {{ run 8 ms  net.some.v = i }}
            measure x = [count(net.some.spike), sum(values(trace)), sum(net.some.v)] }}"
    );
    let p = program(&text);
    let all = All::default();
    let whole = piece(&p, &all, None, 1);
    assert!(whole.failure.is_none(), "{:?}", whole.failure);
    let measured = |o: &neuro::experiment::Outcome| o.measures["x"][0].data.to_vec();
    let files = all.kept();
    assert!(files.len() > 2);
    for file in files.iter().step_by(files.len().div_ceil(5)) {
        let resumed = piece(&p, &All::default(), Some(file.clone()), 2);
        assert_eq!(measured(&resumed), measured(&whole));
    }
    assert_eq!(measured(&run(&text, &[])).len(), 3);
}
