//! Synapses on cables: where they sit, on every path that events take.

use crate::support::{measured, program, run, run_failing, run_with, same_everywhere, try_program};
use neuro::codegen::Backend;
use neuro::experiment::Settings;

/// A soma with a dendrite of five segments, 20 um each, whose input leaves traces: `n` counts weights, `g` decays.
const CELL: &str = "
    use std.sources.spikes: Forced
    neuron Cell {
        compartment soma {
            length 20 um   diameter 20 um
            param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
            state v = -65 mV
            current = 0.1 mS/cm^2 * (v + 65 mV)
        }
        compartment dend[5] {
            length 100 um   diameter 2 um
            param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
            state v = -65 mV
            event input exc: nS
            state g = 0 nS
            state n = 0 nS
            g' = -g / 2 ms + exc
            n' = 2 * exc
            current = 0.1 mS/cm^2 * (v + 65 mV)
            current = g * v
        }
        couple soma <-> dend
        emit spike when rising soma.v > 0 mV
    }
    neuron Plain { event input exc: nS   state n = 0 nS   n' = exc }
";

fn with(network: &str, experiment: &str) -> String {
    format!(
        "{CELL}\n network Net {{ population source: Forced[4]   population cell: Cell[3]\n {network} }}\n experiment e {{ dt 0.1 ms\n network net = Net()\n {experiment} }}"
    )
}

/// What has arrived at each segment of each cell after one event of each source.
fn arrived(projection: &str) -> Vec<f64> {
    let text = with(
        projection,
        "drive net.source.force { spikes [1 ms]   weight 1 }
         run 10 ms
         measure n = net.cell.dend.n / 2 nS",
    );
    same_everywhere(&program(&text), &Settings::default(), &["n"])
}

#[test]
fn synapses_sit_where_they_are_told() {
    let one =
        |segment: usize, weight: f64| (0..15).map(|k| if k % 5 == segment { weight } else { 0.0 }).collect::<Vec<_>>();
    let link = |rest: &str| {
        arrived(&format!("projection source -> cell.dend.exc: Static {{ connect all_to_all   delay 1 ms   {rest} }}"))
    };
    assert_eq!(link("weight 1 nS   place segment 3"), one(3, 4.0));
    assert_eq!(link("weight 1 nS   place segment 2 + 1"), one(3, 4.0));
    // The soma reaches from -10 um to 10 um; segments of 20 um follow.
    assert_eq!(link("weight 1 nS   place 10 um"), one(0, 4.0));
    assert_eq!(link("weight 1 nS   place 29.9 um"), one(0, 4.0));
    assert_eq!(link("weight 1 nS   place 30.1 um"), one(1, 4.0));
    assert_eq!(link("weight 1 nS   place 110 um"), one(4, 4.0));
    assert_eq!(link("weight 1 nS   place each segment"), vec![4.0; 15]);
    // By source, and by target.
    assert_eq!(link("weight 1 nS   place segment pre.i"), [[1.0, 1.0, 1.0, 1.0, 0.0]; 3].concat());
    assert_eq!(
        link("weight 1 nS * (1 + pre.i)   place segment post.i"),
        [[10.0, 0.0, 0.0, 0.0, 0.0], [0.0, 10.0, 0.0, 0.0, 0.0], [0.0, 0.0, 10.0, 0.0, 0.0]].concat()
    );
    assert_eq!(link("weight 1 nS   place 20 um * (1 + pre.i)"), [[1.0, 1.0, 1.0, 1.0, 0.0]; 3].concat());
    // One for each synapse, in their order.
    assert_eq!(
        link("weight 1 nS   place segment [0, 0, 0, 1, 1, 1, 2, 2, 2, 4, 4, 4]"),
        [[1.0, 1.0, 1.0, 0.0, 1.0]; 3].concat()
    );
}

#[test]
fn other_connectors_delays_and_weights_reach_segments_too() {
    let each = |connect: &str, rest: &str| {
        arrived(&format!("projection source -> cell.dend.exc: Static {{ {connect}   weight 1 nS   {rest} }}"))
    };
    for delay in [
        "delay 1 ms",
        "delay 0 ms",
        "delay ~ uniform(0.5 ms, 3 ms)",
        "delay 0.5 ms * (1 + post.i)",
        "delay dendritic 1 ms",
    ] {
        assert_eq!(
            each("connect where pre.i < 2 and post.i > 0", &format!("{delay}   place segment pre.i"))
                .iter()
                .sum::<f64>(),
            4.0,
            "{delay}"
        );
        let fixed = each("connect fixed_in_degree(6)", &format!("{delay}   place each segment"));
        assert_eq!(fixed, vec![6.0; 15], "{delay}");
        let drawn = each("connect fixed_out_degree(7)", &format!("{delay}   place ~ uniform(15 um, 105 um)"));
        assert_eq!(drawn.iter().sum::<f64>(), 28.0);
        assert!(drawn.iter().filter(|n| **n > 0.0).count() > 6, "{drawn:?}");
        let anew = each("connect fixed_out_degree(7)", "delay 1 ms   place ~ uniform(15 um, 105 um)   store never");
        assert_eq!(anew.iter().sum::<f64>(), 28.0);
    }
    let drawn = arrived(
        "projection source -> cell.dend.exc: Static { connect all_to_all   weight ~ uniform(1 nS, 2 nS)   delay 1 ms   place each segment }",
    );
    assert!(drawn.iter().all(|n| (4.0..8.0).contains(n)) && drawn.windows(2).any(|w| w[0] != w[1]));
    let some = arrived("view two = cell[1 .. 3]\n view three = cell[[0, 2]]
        projection source -> two.dend.exc: Static { connect all_to_all   weight 1 nS   delay 1 ms   place segment 4 }
        projection source -> three.dend.exc: Static { connect all_to_all   weight 10 nS   delay 1 ms   place segment 0 }");
    assert_eq!(some, [[40.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 4.0], [40.0, 0.0, 0.0, 0.0, 4.0]].concat());
}

#[test]
fn cells_of_any_number_have_segments_of_their_own() {
    // From twelve cells on each segment begins at a whole vector.
    for n in [1, 2, 11, 12, 13, 16, 17, 70, 130] {
        let text = format!(
            "{CELL} network Net {{ population source: Forced[{n}]   population cell: Cell[{n}]
                projection source -> cell.dend.exc: Static {{ connect one_to_one   weight 1 nS * (1 + pre.i)   delay 1 ms   place segment mod(pre.i, 5) }} }}
             experiment e {{ dt 0.1 ms   network net = Net()
                drive net.source.force {{ spikes [1 ms]   weight 1 }}
                run 10 ms
                measure n = net.cell.dend.n / 2 nS
                measure v = net.cell[{}].dend[{}].v - net.cell[{}].soma.v }}",
            n - 1,
            (n - 1) % 5,
            n - 1
        );
        let all = same_everywhere(&program(&text), &Settings::default(), &["n", "v"]);
        for cell in 0..n {
            for segment in 0..5 {
                let wanted = if segment == cell % 5 { 1.0 + cell as f64 } else { 0.0 };
                assert_eq!(all[cell * 5 + segment], wanted, "{n} cells, cell {cell}, segment {segment}");
            }
        }
        assert!(all[n * 5] > 0.0);
    }
}

#[test]
fn drives_reach_segments() {
    let driven = |drive: &str| {
        let text =
            with("", &format!("drive net.cell.dend.exc {{ {drive} }}\n run 1 s\n measure n = net.cell.dend.n / 2 nS"));
        same_everywhere(&program(&text), &Settings::default(), &["n"])
    };
    assert_eq!(driven("spikes [1 ms, 2 ms]   weight 1 nS   place segment 4"), [[0.0, 0.0, 0.0, 0.0, 2.0]; 3].concat());
    assert_eq!(
        driven("spikes [1 ms, 2 ms]   weight 1 nS * (1 + i)   place 50 um"),
        [[0.0, 0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 4.0, 0.0, 0.0], [0.0, 0.0, 6.0, 0.0, 0.0]].concat()
    );
    assert_eq!(driven("spikes [1 ms]   weight 1 nS   place each segment"), vec![1.0; 15]);
    for process in [
        "poisson 400 Hz",
        "poisson 400 Hz * (1 + 0 * i)",
        "poisson 400 Hz * (1 + 0 * t / 1 s)",
        "bernoulli 400 Hz",
        "poisson 30 kHz / 75",
    ] {
        let each = driven(&format!("{process}   weight 1 nS   place each segment"));
        // Five standard deviations, each segment for itself.
        assert!(each.iter().all(|n| (300.0..500.0).contains(n)), "{process}: {each:?}");
        assert!((0..15).any(|k| each[k] != each[0]), "{process}");
        let one = driven(&format!("{process}   weight 1 nS   place segment 1"));
        assert!(one.iter().enumerate().all(|(k, n)| (k % 5 == 1) == (*n > 0.0)), "{process}: {one:?}");
    }
}

/// A rule that reads the segment it sits on.
const LOCAL: &str = "
    synapse Local {
        weight w: nS
        state seen = 0 mV
        state trace = 0
        trace' = -trace / 20 ms
        on pre.spike {
            deliver w
            seen = post.here.v
            trace += 1
            if post.here.g > 3 nS { w += 1 nS }
        }
        on post.spike { w -= 0.1 nS * trace }
        on learn { seen = post.here.v - post.soma.v }
    }
    synapse Kept { weight w: nS   state n = 0   on pre.spike { deliver w   n += 1 } }
";

#[test]
fn plastic_synapses_read_the_segment_they_sit_on() {
    let text = format!(
        "{LOCAL}\n{}",
        with(
            "projection link: source -> cell.dend.exc: Local { connect all_to_all   weight 1 nS   delay 1 ms   place segment pre.i }",
            "drive net.source.force { spikes [1 ms]   weight 1 }
             run 1.9 ms
             net.cell[0].dend[0].v = -50 mV   net.cell[2].dend[3].v = -40 mV
             net.cell[1].dend[2].g = 20 nS
             run 0.1 ms
             measure before = net.cell.dend.v / 1 mV
             run 0.2 ms
             measure seen = net.link.seen / 1 mV
             measure w = net.link.w / 1 nS
             run 5 ms
             signal learn
             measure difference = net.link.seen / 1 mV
             measure v = net.cell.dend.v / 1 mV
             measure soma = net.cell.soma.v / 1 mV"
        )
    );
    for precision in ["f32", "f64"] {
        let text = text.replace("dt 0.1 ms", &format!("dt 0.1 ms\n precision {precision}"));
        let p = program(&text);
        let all = same_everywhere(&p, &Settings::default(), &["before", "seen", "w", "difference", "v", "soma"]);
        let (before, rest) = all.split_at(15);
        let (seen, rest) = rest.split_at(12);
        let (w, rest) = rest.split_at(12);
        let (difference, rest) = rest.split_at(12);
        let (v, soma) = rest.split_at(15);
        // Synapse `source * 3 + cell` sits on segment `source`.
        for source in 0..4 {
            for cell in 0..3 {
                let at = cell * 5 + source;
                assert_eq!(seen[source * 3 + cell], before[at], "{precision}, {source} onto {cell}");
                assert_eq!(w[source * 3 + cell], if (cell, source) == (1, 2) { 2.0 } else { 1.0 });
                assert!((difference[source * 3 + cell] - (v[at] - soma[cell])).abs() < 1e-4);
            }
        }
        assert!(before[0] != before[1] && before[13] != before[3]);
    }
}

#[test]
fn plastic_synapses_deliver_as_others_do() {
    for (connect, rest) in [
        ("all_to_all", "delay 1 ms   place segment 3"),
        ("all_to_all", "delay 1 ms   delay dendritic 0.5 ms   place segment post.i"),
        ("all_to_all", "delay ~ uniform(0.5 ms, 2 ms)   place segment pre.i"),
        ("all_to_all", "delay dendritic ~ uniform(0.5 ms, 2 ms)   place segment pre.i"),
        ("all_to_all", "delay 0 ms   place each segment"),
        ("fixed_in_degree(5)", "delay 1 ms   place ~ uniform(10 um, 110 um)"),
    ] {
        let of = |synapse: &str| {
            let text = with(
                &format!(
                    "projection source -> cell.dend.exc: {synapse} {{ connect {connect}   weight 1.5 nS   {rest} }}"
                ),
                "drive net.source.force { spikes [1 ms, 3 ms]   weight 1 }
                 run 10 ms
                 measure n = net.cell.dend.n / 1 nS
                 measure v = net.cell.dend.v / 1 mV",
            );
            same_everywhere(&program(&format!("{LOCAL}\n{text}")), &Settings::default(), &["n", "v"])
        };
        assert_eq!(of("Kept"), of("Static"), "{connect} {rest}");
    }
}

#[test]
fn sites_are_part_of_a_checkpoint_and_of_a_batch() {
    let text = with(
        "projection source -> cell.dend.exc: Static { connect fixed_in_degree(9)   weight 1 nS   delay 2 ms   place ~ uniform(10 um, 110 um) }",
        "drive net.source.force { poisson 100 Hz   weight 1 }
         drive net.cell.dend.exc { poisson 50 Hz   weight 1 nS   place each segment }
         run 50 ms
         save net to \"half.state\"
         run 50 ms
         measure whole = net.cell.dend.v / 1 mV
         load net from \"half.state\"
         run 50 ms
         measure again = net.cell.dend.v / 1 mV",
    );
    let folder = tempfile::tempdir().unwrap();
    let out = run_with(&program(&text), 0, Settings::default(), folder.path());
    assert!(out.failure.is_none(), "{:?}", out.failure.map(|d| d.message));
    assert_eq!(measured(&out, "whole"), measured(&out, "again"));
    let batched = with(
        "projection source -> cell.dend.exc: Static { connect all_to_all   weight 1 nS   delay 1 ms   place segment pre.i }",
        "drive net.source.force { spikes [1 ms]   weight 1 }\n run 10 ms\n measure n = net.cell.dend.n / 2 nS",
    );
    let batched = batched.replace("= Net()", "= Net() with batch 3");
    let n = measured(&run(&batched), "n");
    assert_eq!(n.len() % 15, 0);
    assert!(n.chunks(5).all(|cell| cell == [1.0, 1.0, 1.0, 1.0, 0.0]), "{n:?}");
}

#[test]
fn currents_that_are_not_linear_in_the_potential_follow_their_tangent() {
    // A quadratic current, one segment: the steady state is where currents vanish, whatever the step.
    let text = "neuron Cell { compartment soma {
            length 20 um   diameter 20 um
            param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
            state v = -60 mV
            current = 0.01 mS/cm^2/mV * (v + 70 mV) * (v + 50 mV) + 0.3 mS/cm^2 * (v + 65 mV)
        } }
        network Net { population cell: Cell[1] }
        experiment e { dt 0.1 ms   precision f64   network net = Net()   run 200 ms   measure v = net.cell.soma.v / 1 mV }";
    let v = measured(&run(text), "v")[0];
    // 0.01 (v + 70)(v + 50) + 0.3 (v + 65) = 0
    let root = (-150.0 + (150.0f64.powi(2) - 4.0 * (3500.0 + 30.0 * 65.0)).sqrt()) / 2.0;
    assert!((v - root).abs() < 1e-9, "{v} {root}");
}

#[test]
fn what_has_no_place_is_refused() {
    let refused = |text: &str| match try_program(text) {
        Err(r) => r.diagnostics.iter().map(|d| format!("{}: {}", d.code, d.message)).collect::<Vec<_>>().join("\n"),
        Ok(_) => panic!("accepted"),
    };
    let failing = |network: &str, rest: &str| {
        let d = run_failing(&with(network, rest));
        format!("{}: {}", d.code, d.message)
    };
    let link = |rest: &str| {
        format!(
            "projection source -> cell.dend.exc: Static {{ connect all_to_all   weight 1 nS   delay 1 ms   {rest} }}"
        )
    };
    insta::assert_snapshot!([
        failing(&link(""), ""),
        failing(&link("place segment 5"), ""),
        failing(&link("place segment 1.5"), ""),
        failing(&link("place segment -1"), ""),
        failing(&link("place 9 um"), ""),
        failing(&link("place 111 um"), ""),
        failing(&link("place ~ uniform(50 um, 200 um)"), ""),
        failing("", "drive net.cell.dend.exc { poisson 1 Hz   weight 1 nS }"),
        failing("", "drive net.cell.dend.exc { poisson 1 Hz   weight 1 nS   place segment i }"),
        failing("", "drive net.cell.dend.exc { poisson 1 Hz   weight 1 nS   place segment 7 }"),
        refused(&with("population plain: Plain[2]   projection source -> plain.exc: Static { connect all_to_all   weight 1 nS   delay 1 ms   place segment 0 }", "")),
        refused(&with("projection source -> cell.dend.exc: Static { connect all_to_all   weight 1 nS   delay 1 ms   place 3 ms }", "")),
        refused(&with("projection source -> cell.dend.exc: Static { connect all_to_all   weight 1 nS   delay 1 ms   place segment 0   place segment 1 }", "")),
        refused(&format!("synapse Far {{ weight w: nS   on pre.spike {{ deliver w   w += 0 nS * post.dend.v / 1 mV }} }}\n{}", with("projection source -> cell.dend.exc: Far { connect all_to_all   weight 1 nS   delay 1 ms   place segment 0 }", ""))),
        refused(&format!("synapse Here {{ weight w: nS   on pre.spike {{ deliver w   w += 0 nS * post.here.x }} }}\n{}", with("projection source -> cell.dend.exc: Here { connect all_to_all   weight 1 nS   delay 1 ms   place segment 0 }", ""))),
        refused(&format!("synapse Here {{ weight w: nS   on pre.spike {{ deliver w   w += 0 nS * post.here.v / 1 mV }} }}\n{}", with("population plain: Plain[2]   projection source -> plain.exc: Here { connect all_to_all   weight 1 nS   delay 1 ms }", ""))),
    ].join("\n"));
}

#[test]
fn a_tree_with_branches_converges_in_second_order() {
    // A trunk and two branches, at rest under a current into the soma (a single segment): cables with sealed ends have the input
    // conductance G tanh(L / lambda), with what hangs at the end G (h + tanh) / (1 + h tanh), h being that over G.
    let text = |n: usize| {
        let dendrite = |name: &str, length: f64, diameter: f64| {
            format!("compartment {name}[{n}] {{ length {length} um   diameter {diameter} um   param C_m = 1 uF/cm^2, R_a = 150 Ohm*cm
                state v = 0 mV   current = 0.1 mS/cm^2 * v }}\n")
        };
        format!(
            "neuron Tree {{ compartment soma {{ length 1 um   diameter 20 um   param C_m = 1 uF/cm^2, R_a = 150 Ohm*cm   input I: pA = 100 pA
                state v = 0 mV   current = 0.1 mS/cm^2 * v }}
                {}{}{} couple soma <-> trunk   couple trunk <-> left   couple trunk <-> right }}
             network Net {{ population cell: Tree[1] }}
             experiment e {{ dt 1 s   precision f64   network net = Net()   run 30 s
                measure v = net.cell.soma.v / 1 mV   measure left = net.cell.left[{}].v / 1 mV }}",
            dendrite("trunk", 300.0, 4.0),
            dendrite("left", 400.0, 2.0),
            dendrite("right", 250.0, 1.2),
            n / 2
        )
    };
    // In uS, MOhm, um and nA: 0.1 mS/cm^2 is 1e-6 uS/um^2, 150 Ohm cm are 1.5 MOhm um.
    let (g, r_a, pi) = (1e-6f64, 1.5f64, std::f64::consts::PI);
    let cable = |length: f64, d: f64, end: f64| {
        let lambda = (d / (4.0 * r_a * g)).sqrt();
        let infinite = pi * d * lambda * g;
        let (h, t) = (end / infinite, (length / lambda).tanh());
        infinite * (h + t) / (1.0 + h * t)
    };
    let branches = cable(400.0, 2.0, 0.0) + cable(250.0, 1.2, 0.0);
    let trunk = cable(300.0, 4.0, branches);
    let half_soma = r_a * 0.5 / (pi * 100.0);
    let dendrites = 1.0 / (1.0 / trunk + half_soma);
    let wanted = 0.1 / (dendrites + pi * 20.0 * g);
    let error = |n: usize| (measured(&run(&text(n)), "v")[0] - wanted).abs() / wanted;
    let errors = [5, 15, 45].map(error);
    assert!(errors[2] < 1e-4, "{errors:?}");
    for pair in errors.windows(2) {
        assert!((8.0..10.0).contains(&(pair[0] / pair[1])), "{errors:?}");
    }
}

#[test]
fn potentials_converge_in_first_or_second_order_in_time() {
    // Two equal segments with a leak: their mean and their difference decay by themselves, with g / C and (g + 2 g_a) / C.
    let text = |scheme: &str, dt: &str| {
        let half = |name: &str, v: f64| {
            format!(
                "compartment {name} {{ length 100 um   diameter 2 um   param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
                state v = {v} mV   current = 0.1 mS/cm^2 * v }}\n"
            )
        };
        format!(
            "neuron Two {{ {}{} couple a <-> b   scheme {scheme} }}
             network Net {{ population cell: Two[20] }}
             experiment e {{ dt {dt}   precision f64   network net = Net()   run 0.2 ms   measure v = net.cell.b.v / 1 mV }}",
            half("a", 10.0),
            half("b", 2.0)
        )
    };
    // Per ms: 0.1 mS/cm^2 over 1 uF/cm^2, and d / (4 R_a l^2 C_m).
    let (leak, coupling) = (0.1, 2e-4 / (4.0 * 100.0 * 0.01f64.powi(2) * 1e-6) * 1e-3);
    let exact = 6.0 * (-leak * 0.2f64).exp() - 4.0 * (-(leak + 2.0 * coupling) * 0.2f64).exp();
    let errors = |scheme: &str| {
        ["0.01 ms", "0.005 ms", "0.0025 ms"].map(|dt| (measured(&run(&text(scheme, dt)), "v")[0] - exact).abs())
    };
    for (scheme, factor) in [("implicit", 1.9..2.1), ("crank_nicolson", 3.95..4.05)] {
        let said = program(&text(scheme, "0.01 ms")).explain();
        assert!(said.contains(&format!("a.v              {scheme}")) && !said.contains("changes only"), "{said}");
        let errors = errors(scheme);
        assert!(errors[2] < 0.02, "{scheme}: {errors:?}");
        for pair in errors.windows(2) {
            assert!(factor.contains(&(pair[0] / pair[1])), "{scheme}: {errors:?}");
        }
    }
}

#[test]
fn cables_have_the_same_bits_on_all_threads_and_back_ends() {
    let text = format!(
        "use std.channels.hodgkin_huxley\n{}",
        CELL.replace("current = 0.1 mS/cm^2 * (v + 65 mV)", "channel na: NaHH   channel k: KHH   channel leak: Leak")
    );
    let text = format!(
        "{text} network Net {{ population cell: Cell[200]
            projection cell -> cell.dend.exc: Static {{ connect fixed_in_degree(5)   weight 3 nS   delay 2 ms   place ~ uniform(10 um, 110 um) }} }}
         experiment e {{ dt 0.025 ms   network net = Net()
            drive net.cell.dend.exc {{ poisson 200 Hz   weight 1 nS   place 100 um }}
            record net.cell.spike
            run 30 ms
            measure v = net.cell.dend.v / 1 mV
            measure spikes = count(net.cell.spike) }}"
    );
    for precision in ["f32", "f64"] {
        let p = program(&text.replace("dt 0.025 ms", &format!("dt 0.025 ms   precision {precision}")));
        let all = same_everywhere(&p, &Settings { backend: Backend::Auto, ..Settings::default() }, &["v", "spikes"]);
        assert!(all[1000] > 50.0, "{}", all[1000]);
    }
}

#[test]
fn what_has_one_value_is_not_given_others() {
    let refused = |text: &str| match try_program(text) {
        Err(r) => r.diagnostics.iter().map(|d| format!("{}: {}", d.code, d.message)).collect::<Vec<_>>().join("\n"),
        Ok(_) => panic!("accepted: {text}"),
    };
    let unsupported = "E0106: `a parameter or an input of one segment` is not supported yet";
    assert_eq!(refused(&with("", "net.cell.dend[1].C_m = 2 uF/cm^2")), unsupported);
    assert_eq!(refused(&with("init cell.dend[1].C_m = 2 uF/cm^2", "")), unsupported);
    assert!(
        try_program(&with("init cell.dend[1].v = -60 mV", "net.cell.dend[1].g = 2 nS   net.cell.dend.C_m = 2 uF/cm^2"))
            .is_ok()
    );
    // A parameter of a channel does not follow a state; an argument does.
    let cell = |channel: &str, used: &str| {
        format!(
            "channel C(v: mV{channel} current = 1 mS/cm^2 * (v - E) }}
             neuron N {{ param C_m = 1 uF/cm^2   state v = -60 mV   state ca = 1 mM   ca' = -ca / 1 s
                 let E_Ca = ca * 10 mV / 1 mM   channel c: C({used})   v' = -c.current / C_m }}"
        )
    };
    let message = "E0401: parameter `E` would follow `ca`, which changes in a run";
    assert_eq!(refused(&cell(") { param E = 0 mV", "E = ca * 10 mV / 1 mM")), message);
    assert_eq!(refused(&cell(") { param E = 0 mV", "E = E_Ca")), message);
    assert!(try_program(&cell(", E: mV) {", "E = E_Ca")).is_ok());
}

#[test]
fn what_carries_no_current_is_a_channel_of_a_cable_too() {
    let text = "channel Pool(i: uA/cm^2) { state ca = 0 uA/cm^2   ca' = (i - ca) / 10 ms }
        channel Leak(v: mV) { current = 1 mS/cm^2 * (v + 50 mV) }
        neuron N { compartment dend[3] {
            length 10 um   diameter 2 um   param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm   state v = -60 mV
            channel leak: Leak   channel pool: Pool(i = leak.current)
            current = 1 mS/cm^2 * (v + 70 mV)
        } }
        network Net { population cell: N[2] }
        experiment e { dt 0.1 ms   network net = Net()   run 200 ms   measure ca = net.cell.dend.pool.ca / 1 uA * 1 cm^2 }";
    let ca = same_everywhere(&program(text), &Settings::default(), &["ca"]);
    // At -60 mV the leak's current is 1 mS/cm^2 times -10 mV.
    assert!(ca.len() == 6 && ca.iter().all(|ca| (ca + 10.0).abs() < 1e-3), "{ca:?}");
}

#[test]
fn a_cable_that_becomes_another_after_places_were_chosen_is_refused() {
    let cell = CELL.replace(
        "compartment dend[5] {\n            length 100 um",
        "param cuts = 5, L = 100 um\n        compartment dend[cuts] {\n            length L",
    );
    assert!(cell != CELL);
    let link = |place: &str| {
        format!(
            "projection source -> cell.dend.exc: Static {{ connect all_to_all   weight 1 nS   delay 1 ms   {place} }}"
        )
    };
    let outcome = |network: &str, experiment: &str| {
        let text = format!(
            "{cell} network Net {{ population source: Forced[4]   population cell: Cell[30]\n {network} }}\n experiment e {{ dt 0.1 ms\n network net = Net()\n {experiment}\n run 3 ms }}"
        );
        run_with(&program(&text), 0, Settings::default(), std::path::Path::new(".")).failure
    };
    let segments = link("place segment 4");
    let distance = link("place 105 um");
    for (network, experiment) in [
        (segments.as_str(), "net.cell.cuts = 3"),
        (segments.as_str(), "net.cell.cuts = 10"),
        (link("place each segment").as_str(), "net.cell.cuts = 7"),
        (distance.as_str(), "net.cell.L = 200 um"),
        (distance.as_str(), "net.cell[2 .. 3].L = 200 um"),
        ("", "drive net.cell.dend.exc { spikes [1 ms]   weight 1 nS   place segment 4 }   net.cell.cuts = 2"),
        ("", "drive net.cell.dend.exc { spikes [1 ms]   weight 1 nS   place 50 um }   net.cell.L = 200 um"),
        (format!("init cell.cuts = 1\n{}", link("")).as_str(), "net.cell.cuts = 2"),
    ] {
        let d = outcome(network, experiment).unwrap_or_else(|| panic!("accepted: {network} {experiment}"));
        assert!(d.message.contains("have changed since"), "{}", d.message);
    }
    // A segment stays a segment whatever its length, and a place is a place before the projection is made.
    assert!(outcome(&segments, "net.cell.L = 200 um").is_none());
    assert!(outcome(&format!("init cell.L = 200 um\n{}", link("place 205 um")), "").is_none());
    // Where there is one segment its place has to be right, too.
    for place in ["place segment 7", "place 700 um", "place segment [0, 1]"] {
        assert!(outcome(&format!("init cell.cuts = 1\n{}", link(place)), "").is_some(), "{place}");
    }
    assert!(outcome(&format!("init cell.cuts = 1\n{}", link("place 50 um")), "").is_none());
}

#[test]
fn places_that_belong_to_no_cell_are_no_failure_and_no_cells_are_no_error() {
    // What explodes above -60 mV; the cells are below it after the first steps.
    for n in [0, 3, 11, 20, 64] {
        let text = format!(
            "neuron Cell {{ compartment dend[3] {{
                length 10 um   diameter 2 um   param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
                event input exc: 1
                state v = -55 mV, n = 1, m = 0
                n' = (v + 60 mV) / 1 mV / 1 ms * n
                m' = exc
                current = 1 mS/cm^2 * (v + 65 mV)
             }}
             compartment soma {{ length 10 um   diameter 20 um   param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm   state v = -65 mV   current = 1 mS/cm^2 * (v + 65 mV) }}
             couple soma <-> dend
             emit spike when rising soma.v > 0 mV }}
             network Net {{ population cell: Cell[{n}]   drive cell.dend.exc {{ poisson 500 Hz   weight 1   place each segment }} }}
             experiment e {{ dt 0.1 ms   network net = Net()   run 400 ms   measure m = net.cell.dend.m }}"
        );
        let m = measured(&run(&text), "m");
        assert!(m.len() == 3 * n && m.iter().all(|m| (100.0..300.0).contains(m)), "{n}: {m:?}");
    }
}

/// Segments are dealt out to threads otherwise than cells, so a threshold reads what arrived in another thread's share.
#[test]
fn thresholds_see_what_has_arrived_on_any_segment_at_any_thread_count() {
    let p = program(
        "neuron Source { state n = 0  n' = 1 / 1 ms  emit spike when n > 2 { n = 0 } }
neuron Cell {
    compartment dend[20] {
        length 500 um   diameter 2 um
        param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
        event input exc: nS
        state v = -65 mV
        state g = 0 nS
        g' = -g / 5 ms + exc
        current = 0.1 mS/cm^2 * (v + 65 mV)
    }
    state count = 0
    count' = 0 / 1 ms
    emit spike when dend[19].g > 1 nS { count += 1 }
}
network Net(n: int) {
    population s: Source[1]
    population c: Cell[n]
    projection s -> c.dend.exc: Static { connect all_to_all  place segment 19  weight 2 nS  delay 1 ms }
}
experiment e {
    for n in [40, 2100] {
        network net = Net(n)
        run 10 ms
        measure counts = net.c.count
    }
}",
    );
    // Events arrive at the ends of steps 31, 52, 73 and 94, and g falls below 1 nS 35 steps after the first: it is above from then on.
    let counts = same_everywhere(&p, &Settings::default(), &["counts"]);
    assert!(counts.iter().all(|n| *n == 70.0), "{counts:?}");
}

/// The first compartment has an event, and the one after the thousandth several segments.
#[test]
fn more_than_a_thousand_compartments_are_told_apart() {
    let body = "param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm   state v = -65 mV   current = 0.1 mS/cm^2 * (v + 65 mV)";
    let compartment = |k: usize| {
        let several = if k == 1000 { "[2]" } else { "" };
        format!("compartment c{k}{several} {{ length 5 um   diameter 2 um   {body} }}\n")
    };
    let cell: String =
        (0..1010).map(compartment).chain((1..1010).map(|k| format!("couple c{} <-> c{k}\n", k - 1))).collect();
    program(&format!("neuron Long {{\n{cell}emit spike when rising c0.v > 0 mV\n}}"));
}
