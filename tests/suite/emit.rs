//! Every stage of a small model, as a snapshot.

use crate::support::{Folder, program, root};
use neuro::compiler::Stage;
use neuro::experiment::Settings;

const MODEL: &str = "neuron Lif {
    param tau_m = 20 ms, E_L = -65 mV, C_m = 200 pF
    input I: pA = 100 pA
    event input exc: pA
    state v = E_L
    state I_exc = 0 pA
    I_exc' = -I_exc / 5 ms + exc
    v' = (E_L - v) / tau_m + (I_exc + I) / C_m
    emit spike when v > -50 mV { v = E_L  hold v for 2 ms }
}
network Net {
    population cell: Lif[10]
    projection cell -> cell.exc: Static { connect all_to_all  weight 10 pA  delay 1 ms }
}
experiment e { network net = Net()  run 1 ms }
";

#[test]
fn stages() {
    let p = program(MODEL);
    for (name, stage) in Stage::ALL {
        // Machine code and Cranelift's own text depend on the processor; that they exist is enough.
        let text = p.emit(stage, None, None, &Folder(root()), &Settings::default()).unwrap();
        assert!(!text.is_empty(), "{name}");
        if matches!(stage, Stage::Hir | Stage::Solved | Stage::Plan | Stage::Ir) {
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../emit" }, {
                insta::assert_snapshot!(name, text);
            });
        }
        if stage == Stage::Clif {
            assert!(text.contains("f32x4"), "{text}");
        }
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../emit" }, {
        insta::assert_snapshot!("explain", p.explain());
        let folded = p.emit(Stage::Ir, Some("fold"), None, &Folder(root()), &Settings::default()).unwrap();
        insta::assert_snapshot!("ir_after_fold", folded);
    });
}

#[test]
fn the_asm_of_a_kernel_uses_vectors() {
    let text = program(MODEL).emit(Stage::Asm, None, None, &Folder(root()), &Settings::default()).unwrap();
    assert!(text.contains("ps") || text.contains(".4s"), "{text}");
}

#[test]
fn functions_of_time_along_a_cable_are_shown() {
    let text = "neuron Cell {
    compartment dend[3] {
        length 300 um   diameter 2 um
        param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm, period = 1 ms + distance / 100 um * 1 ms
        state v = -70 mV
        current = 0.1 uA/cm^2 * sin(t / period)
    }
}
network Net { population cell: Cell[2] }
experiment e { network net = Net()   run 1 ms }";
    let shown = program(text).emit(Stage::Ir, None, None, &Folder(root()), &Settings::default()).unwrap();
    assert!(shown.contains("kernel clock f64"), "{shown}");
}

#[test]
fn states_with_a_scheme_of_their_own_are_listed_beside_an_adaptive_one() {
    let text =
        "neuron A { state v = 0  state u = 1  v' = u / 1 ms  u' = -u / 5 ms  scheme rk45(1e-6)  scheme euler for u }";
    let said = program(text).explain();
    assert!(["v                rk45", "u                euler"].iter().all(|line| said.contains(line)), "{said}");
}

#[test]
fn places_of_every_rule_in_the_library() {
    let mut folder: Vec<_> =
        std::fs::read_dir(root().join("stdlib/plasticity")).unwrap().map(|f| f.unwrap().path()).collect();
    folder.sort();
    let mut text = String::new();
    for path in folder {
        let all = program(&std::fs::read_to_string(&path).unwrap()).explain();
        text += &all[all.find("synapse").expect("a rule")..];
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../emit" }, {
        insta::assert_snapshot!("places", text);
    });
}

/// Every kind of kernel that a network with events can have is shown: cables, adaptive attempts, clocks, events that advance states,
/// continuous contributions and programs of rules.
#[test]
fn every_kind_of_kernel() {
    let of = |text: &str| {
        let ir =
            program(text).emit(Stage::Ir, None, None, &Folder(root().join("examples")), &Settings::default()).unwrap();
        ir.lines().filter(|l| l.starts_with("kernel ")).map(str::to_string).collect::<Vec<_>>().join("\n")
    };
    let example = |name: &str| of(&std::fs::read_to_string(root().join("examples").join(name)).unwrap());
    assert_eq!(
        example("ball_and_stick.neuro"),
        "kernel ActiveBallAndStick f64\nkernel ActiveBallAndStick.soma.membrane f64\nkernel ActiveBallAndStick.soma.gates f64\n\
         kernel ActiveBallAndStick.dend.membrane f64\nkernel ActiveBallAndStick.dend.gates f64"
    );
    assert!(example("worm.neuro").contains("kernel GapJunction.deliver f32"));
    assert!(example("dendritic_transfer.neuro").contains("kernel Depressing.on_pre f32"));
    let timed = "neuron Cell {
    input I: pA = 0 pA
    state v = 0 mV
    v' = -v^3 / (1 mV^2 * 10 ms) + I / 10 pF
    scheme rk45(1e-6)
    emit spike when v > 1 V { v = 0 mV }
}
neuron Wave {
    param phase = 0
    state x = 0
    x' = (sin(2*pi*t / 100 ms + phase) - x) / 10 ms
    emit up when x > 2 { x = 0 }
}
network Net {
    population cell: Cell[2]
    population wave: Wave[3]
    init wave.phase = 0.1 * i
}
experiment e { network net = Net()  run 1 ms }
";
    assert_eq!(of(timed), "kernel Cell f32\nkernel Cell.rk45 f32\nkernel Wave f32\nkernel clock f64");
}

#[test]
fn kernels_of_a_rule() {
    let text = std::fs::read_to_string(root().join("stdlib/plasticity/triplet.neuro")).unwrap();
    let ir = program(&text).emit(Stage::Ir, None, None, &Folder(root()), &Settings::default()).unwrap();
    let from = ir.find("kernel TripletStdp").or(ir.find("TripletStdp")).expect("kernels of the synapse");
    let to = ir.find("NearestTripletStdp").unwrap_or(ir.len());
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../emit" }, {
        insta::assert_snapshot!("triplet", &ir[from..to.max(from)]);
    });
}
