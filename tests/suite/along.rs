//! What differs along a cable: parameters, initial potentials and capacitances that follow from `distance`, in every way in which they are
//! given, changed and read.

use crate::support::{measured, program, run, run_with, same_everywhere, try_program};
use neuro::experiment::Settings;

/// A soma with a dendrite of four segments, 20 um each, with so much axial resistance that no segment feels another; each has the
/// potential at which its leak carries off the same current.
const CELL: &str = "
    const apart = 1e12 Ohm*cm
    channel Leak2(v: mV) { param g = 1 mS/cm^2   current = g * (v + 65 mV) }
    neuron Cell {
        param g0 = 0.1 mS/cm^2, L = 80 um
        compartment soma {
            length 20 um   diameter 20 um
            param C_m = 1 uF/cm^2, R_a = apart
            state v = -65 mV
            current = 0.1 mS/cm^2 * (v + 65 mV)
        }
        compartment dend[4] {
            length L   diameter 2 um
            param C_m = 1 uF/cm^2 * (1 + distance / 20 um), R_a = apart
            state v = -65 mV - 1 mV * distance / 20 um
            state at = distance
            channel leak: Leak2(g = g0 * (1 + distance / 20 um))
            param extra = 2 * leak.g
            current = -1 uA/cm^2
        }
        couple soma <-> dend
        emit spike when rising soma.v > 0 mV
    }
";

fn with(arguments: &str, experiment: &str) -> String {
    format!(
        "{CELL}\n network Net {{ population cell: Cell({arguments})[3] }}\n experiment e {{ dt 0.1 ms\n network net = Net()\n {experiment} }}"
    )
}

fn found(arguments: &str, experiment: &str, names: &[&str]) -> Vec<f64> {
    same_everywhere(&program(&with(arguments, experiment)), &Settings::default(), names)
}

/// Distances of the middles of segments in units of 20 um, and of twice that.
const PLACES: [f64; 4] = [1.0, 2.0, 3.0, 4.0];

fn near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    let close = found.iter().zip(expected).all(|(f, e)| (f - e).abs() <= tolerance * (1.0 + e.abs()));
    assert!(close, "{found:?} {expected:?}");
}

/// What a leak of so many times 0.1 mS/cm^2 makes of 1 uA/cm^2.
fn settled(factor: f64) -> f64 {
    -65.0 + 10.0 / factor
}

#[test]
fn parameters_potentials_and_capacitances_follow_from_distance() {
    let along = |f: fn(f64) -> f64| PLACES.map(f).repeat(3);
    let distance = found("", "run 0.1 ms   measure d = net.cell.dend.distance / 20 um", &["d"]);
    near(&distance, &along(|x| x), 1e-6);
    let before = found(
        "",
        "measure g = net.cell.dend.leak.g / (0.1 mS/cm^2)   measure v = net.cell.dend.v / 1 mV
         measure e = net.cell.dend.extra / (0.1 mS/cm^2)   measure at = net.cell.dend.at / 20 um",
        &["g", "v", "e", "at"],
    );
    let expected = [along(|x| 1.0 + x), along(|x| -65.0 - x), along(|x| 2.0 + 2.0 * x), along(|x| x)].concat();
    near(&before, &expected, 1e-6);
    near(&found("", "run 300 ms   measure v = net.cell.dend.v / 1 mV", &["v"]), &along(|x| settled(1.0 + x)), 1e-5);
    // A step of backward Euler: capacitance and conductance both grow with distance, so that their ratio is 0.1 / ms everywhere.
    let stepped = along(|x| -65.0 + (-x + 0.1 / (1.0 + x)) / 1.01);
    near(&found("", "run 0.1 ms   measure v = net.cell.dend.v / 1 mV", &["v"]), &stepped, 1e-6);
    // One segment is a number, of one cell or of several.
    near(&found("", "run 300 ms   measure v = net.cell[1].dend[2].v / 1 mV", &["v"]), &[settled(4.0)], 1e-5);
    near(&found("", "measure g = net.cell.dend[3].leak.g / (0.1 mS/cm^2)", &["g"]), &[5.0; 3], 1e-6);
}

#[test]
fn what_is_given_takes_the_place_of_what_follows_from_distance() {
    let all = |values: [[f64; 4]; 3]| values.concat();
    let v = "measure v = net.cell.dend.v / 1 mV";
    let same = all([[settled(2.0); 4]; 3]);
    // Before the run, before a second one, and in the run.
    near(
        &found("", &format!("net.cell.dend.leak.g = 0.2 mS/cm^2   run 1 ms   reset net.cell   run 300 ms {v}"), &["v"]),
        &same,
        1e-5,
    );
    near(&found("", &format!("net.cell.dend.leak.g = 0.2 mS/cm^2   run 300 ms {v}"), &["v"]), &same, 1e-5);
    near(&found("", &format!("run 50 ms   net.cell.dend.leak.g = 0.2 mS/cm^2   run 300 ms {v}"), &["v"]), &same, 1e-5);
    // Of some cells; the others follow as before.
    let along = PLACES.map(|x| settled(1.0 + x));
    let some = all([along, [settled(2.0); 4], along]);
    near(&found("", &format!("net.cell[1].dend.leak.g = 0.2 mS/cm^2   run 300 ms {v}"), &["v"]), &some, 1e-5);
    let late = format!("run 50 ms   net.cell[1].dend.leak.g = 0.2 mS/cm^2   run 300 ms {v}");
    near(&found("", &late, &["v"]), &some, 1e-5);
    // What it follows from beside the distance.
    let doubled = all([PLACES.map(|x| settled(2.0 + 2.0 * x)); 3]);
    near(&found("g0 = 0.2 mS/cm^2", &format!("run 300 ms {v}"), &["v"]), &doubled, 1e-5);
    near(&found("", &format!("run 50 ms   net.cell.g0 = 0.2 mS/cm^2   run 300 ms {v}"), &["v"]), &doubled, 1e-5);
    // From cell to cell.
    let each = "[0.1 mS/cm^2, 0.2 mS/cm^2, 0.4 mS/cm^2]";
    let by_cell = all([1.0, 2.0, 4.0].map(|f| PLACES.map(|x| settled(f * (1.0 + x)))));
    near(&found("", &format!("net.cell.g0 = {each}   run 300 ms {v}"), &["v"]), &by_cell, 1e-5);
    let lengths = "net.cell.L = [80 um, 160 um, 80 um]   measure d = net.cell.dend.distance / 20 um";
    near(&found("", lengths, &["d"]), &all([PLACES, [1.5, 3.5, 5.5, 7.5], PLACES]), 1e-6);
    // A potential that was set is not that of its distance any more.
    let set = "net.cell.dend[2].v = -60 mV   net.cell.g0 = 0.2 mS/cm^2   measure v = net.cell.dend.v / 1 mV";
    near(&found("", set, &["v"]), &all([[-66.0, -67.0, -60.0, -69.0]; 3]), 1e-6);
    let back = "run 5 ms   reset net.cell   measure v = net.cell.dend.v / 1 mV";
    near(&found("", back, &["v"]), &all([PLACES.map(|x| -65.0 - x); 3]), 1e-6);
}

#[test]
fn what_differs_along_a_cable_is_part_of_a_checkpoint_and_of_a_batch() {
    let text = with(
        "",
        "net.cell[1].dend.leak.g = 0.2 mS/cm^2
         run 5 ms
         save net to \"half.state\"
         run 5 ms
         measure whole = net.cell.dend.v / 1 mV
         load net from \"half.state\"
         run 5 ms
         measure again = net.cell.dend.v / 1 mV
         measure g = net.cell.dend.leak.g / (0.1 mS/cm^2)",
    );
    let folder = tempfile::tempdir().unwrap();
    let out = run_with(&program(&text), 0, Settings::default(), folder.path());
    assert!(out.failure.is_none(), "{:?}", out.failure.map(|d| d.message));
    assert_eq!(measured(&out, "whole"), measured(&out, "again"));
    let along = PLACES.map(|x| 1.0 + x);
    near(&measured(&out, "g"), &[along, [2.0; 4], along].concat(), 1e-12);
    let batched =
        with("", "run 300 ms   measure v = net.cell[0].dend.v / 1 mV").replace("= Net()", "= Net() with batch 2");
    near(&measured(&run(&batched), "v"), &PLACES.map(|x| settled(1.0 + x)).repeat(2), 1e-5);
}

#[test]
fn what_follows_from_distance_is_found_once_however_often_it_is_named() {
    // Each names the one before it twice: forty of them would be asked a million million times.
    let chain: String = (1..40).map(|k| format!("param p{k} = p{} + p{} - distance\n", k - 1, k - 1)).collect();
    let text = with("", "measure p = net.cell[0].dend.p39 / 20 um").replacen(
        "param extra",
        &format!("param p0 = distance\n{chain} param extra"),
        1,
    );
    near(&measured(&run(&text), "p"), &PLACES, 1e-12);
}

#[test]
fn cables_that_become_shorter_and_populations_without_cells_leave_nothing_behind() {
    let text = with("", "net.cell.segments = 2   save net to \"begun.state\"   load net from \"begun.state\"   net.cell.g0 = 0.2 mS/cm^2
         measure v = net.cell[0].dend.v / 1 mV   measure g = net.cell[0].dend.leak.g / (0.1 mS/cm^2)   run 5 ms")
    .replacen("param g0", "param segments = 4, g0", 1)
    .replacen("dend[4]", "dend[segments]", 1);
    let folder = tempfile::tempdir().unwrap();
    let out = run_with(&program(&text), 0, Settings::default(), folder.path());
    assert!(out.failure.is_none(), "{:?}", out.failure.map(|d| d.message));
    near(&measured(&out, "v"), &[-66.5, -68.5], 1e-12);
    near(&measured(&out, "g"), &[5.0, 9.0], 1e-12);
    let none = with("", "run 1 ms   save net to \"none.state\"   load net from \"none.state\"   run 1 ms")
        .replace("[3]", "[0]");
    let out = run_with(&program(&none), 0, Settings::default(), folder.path());
    assert!(out.failure.is_none(), "{:?}", out.failure.map(|d| d.message));
}

#[test]
fn what_cannot_differ_along_a_cable_is_refused() {
    let refused = |from: &str, to: &str| match try_program(&with("", "").replacen(from, to, 1)) {
        Err(r) => r.diagnostics.iter().map(|d| format!("{}: {}", d.code, d.message)).collect::<Vec<_>>().join("\n"),
        Ok(_) => panic!("accepted: {to}"),
    };
    insta::assert_snapshot!(
        [
            refused("length L", "length L + distance"),
            refused("diameter 2 um", "param d = 2 um + distance / 100   diameter d"),
            refused("dend[4]", "dend[4 + distance / 1 um]"),
            refused("rising soma.v > 0 mV", "rising soma.v > 0 mV * dend.extra / (1 S/m^2)"),
            refused("C_m = 1 uF/cm^2 * (1 + distance / 20 um)", "C_m = 1 uF/cm^2 * (1 + v / 1 mV)"),
            refused("emit spike", "state far = 0 um   far' = (dend.at - far) / 1 ms   emit spike"),
            refused("param g0 = 0.1 mS/cm^2", "param g0 = 0.1 mS/cm^2 * distance / 1 um"),
            refused("current = 0.1 mS/cm^2 * (v + 65 mV)", "current = dend.extra * (v + 65 mV)"),
        ]
        .join("\n")
    );
}
