//! `neuro plan`: what it says before a run is what is found by one.

use crate::ranks::together;
use crate::support::{Folder, program, rendered, root};
use neuro::compiler::Silent;
use neuro::diag::Code;
use neuro::experiment::{Outcome, Planned, PlannedNetwork, Runner, Settings};
use neuro::runtime::Options;
use neuro::runtime::exchange::Ranks;
use neuro::runtime::extent::Extent;
use std::path::Path;
use std::process::{Command, Output};

/// Cells that have events by themselves, every 10 ms, however few synapses they have: how often is known beforehand.
const CLOCKS: &str = "neuron Clock {
    event input exc: mV
    state v = 0 mV, phase = 0
    v' = -v / 10 ms + exc
    phase' = 0.1 / 1 ms
    emit spike when phase >= 1 { phase -= 1 }
}
";

fn network(connect: &str, values: &str) -> String {
    format!(
        "{CLOCKS}network Net {{
            population a: Clock[1200]
            population b: Clock[200]
            init a.phase ~ uniform(0, 1)
            init b.phase ~ uniform(0, 1)
            projection link: a -> (a, b).exc: Static {{ connect {connect}  {values} }}
            projection back: b -> a[100 .. 900].exc: Static {{ connect {connect}  {values} }}
        }}
        experiment e {{ network net = Net()  run 500 ms }}"
    )
}

fn planned(text: &str) -> Result<Vec<Planned>, Code> {
    let p = program(text);
    let files = Folder(root().join("examples"));
    let runner = Runner { module: &p.module, files: &files, settings: Settings::default(), progress: &Silent };
    runner.planned(&p.module.experiments[0]).map_err(|d| d.code)
}

/// Events of a cell per ms, and for how many seconds they run.
const RATE: f64 = 0.1;
const SECONDS: f64 = 0.5;

fn extent(text: &str, threads: usize) -> Extent {
    let mut networks = planned(text).expect("planned");
    let PlannedNetwork::Counted(network, dt, precision) = networks.remove(0).network else { panic!("no events") };
    let options = Options {
        dt,
        precision,
        threads,
        seed: 1,
        backend: Default::default(),
        profile: None,
        side_by_side: 1,
        ranks: Ranks::default(),
    };
    Extent::new(network, options, (&|_, _| RATE, 1.0))
}

fn run(text: &str, ranks: Ranks) -> Outcome {
    let p = program(text);
    let files = Folder(root());
    let settings = Settings { threads: 1, ranks, ..Settings::default() };
    let out = Runner { module: &p.module, files: &files, settings, progress: &Silent }.run(&p.module.experiments[0]);
    assert!(out.failure.is_none(), "{}", rendered(out.failure.iter().map(|d| &**d), &p.sources));
    out
}

#[test]
fn rows_and_what_is_told_are_as_large_as_planned_in_any_number_of_processes() {
    let delays = "weight ~ normal(0.1 mV, 0.01 mV)   delay ~ normal(1.5 ms, 0.5 ms) redrawn in 0.3 ms .. inf";
    let cases = [
        ("fixed_probability(0.1)", delays),
        ("fixed_total(100000)", "weight 0.1 mV   delay 1.5 ms"),
        ("fixed_in_degree(40)", delays),
        ("fixed_out_degree(9)", "weight ~ uniform(0 mV, 0.1 mV)   delay ~ uniform(0.5 ms, 6 ms)"),
        ("all_to_all", "weight 0.01 mV   delay 2 ms"),
    ];
    for (connect, values) in cases {
        as_planned(connect, &network(connect, values), 1400);
    }
}

/// Compares what a network is planned to have and to do with what it has and does, in one process and in several.
fn as_planned(name: &str, text: &str, cells: usize) {
    let extent = extent(text, 1);
    for count in [1, 2, 3] {
        let plan: Vec<_> = (0..count).map(|rank| extent.process(rank, count)).collect();
        let found = together(count, |ranks| {
            let out = run(text, ranks.clone());
            (out.size, out.synapse_bytes, out.work, ranks.traffic())
        });
        let ended: f64 = plan.iter().map(|p| p.effort.ended).sum();
        for (plan, (size, bytes, work, traffic)) in plan.iter().zip(found) {
            let near = |what: &str, planned: f64, found: f64, part: f64| {
                let all = format!("{name}, process {} of {count}: {what} planned {planned}, found {found}", plan.rank);
                assert!((planned - found).abs() <= part * found, "{all}");
            };
            near("bytes of rows", plan.memory.synapses + plan.memory.index, bytes as f64, 0.03);
            near("synapses of all", extent.size().1, size.1 as f64, 0.01);
            if count > 1 {
                near("gathers", plan.effort.gathers * SECONDS, traffic.gathers as f64, 0.05);
                let (e, others) = (plan.effort, ended - plan.effort.ended);
                near("bytes handed over", e.handed * SECONDS + e.ended, traffic.handed as f64, 0.05);
                near("bytes received", e.received * SECONDS + others, traffic.received as f64, 0.05);
            }
            near("events", plan.effort.events * SECONDS, work.spikes as f64, 0.01);
        }
        let deliveries: f64 = plan.iter().map(|p| p.effort.deliveries * SECONDS).sum();
        let all = run(text, Ranks::default()).work.deliveries as f64;
        // Those of the last delay are still on their way.
        assert!((deliveries / all - 1.0).abs() < 0.02, "{name}: {deliveries} events at synapses, {all}");
        assert_eq!(plan.iter().map(|p| p.cells).sum::<usize>(), cells);
    }
}

#[test]
fn the_fullest_process_is_that_with_the_most_synapses() {
    let extent = extent(&network("fixed_in_degree(40)", "weight 0.1 mV   delay 1 ms"), 2);
    for count in [1, 3, 7, 40] {
        let (fullest, mean) = extent.fullest(count);
        let all: Vec<f64> = (0..count).map(|rank| extent.process(rank, count).synapses).collect();
        assert!(all.iter().all(|synapses| *synapses <= fullest.synapses), "{count}: {all:?}");
        assert!((all.iter().sum::<f64>() / count as f64 - mean).abs() < 1e-6 * mean);
    }
}

#[test]
fn examples_side_by_side_are_planned_as_networks_of_their_own() {
    let values = "weight ~ uniform(0 mV, 0.1 mV)   delay ~ uniform(0.5 ms, 6 ms)";
    let text = network("fixed_in_degree(9)", values).replace("Net()  run", "Net() with batch 5  run");
    let extent = extent(&text, 2);
    assert_eq!(extent.size(), (5 * 1400, 5.0 * (1400.0 * 9.0 + 800.0 * 9.0)));
    for count in [1, 2, 7] {
        let (plan, mean) = extent.fullest(count);
        let most = 5_usize.div_ceil(count);
        assert_eq!((plan.cells, mean), (1400 * most, extent.size().1 / count as f64));
        let found = together(count, |ranks| {
            let out = run(&text, ranks);
            (out.synapse_bytes, out.work)
        });
        let bytes = found.iter().map(|(bytes, _)| *bytes).max().unwrap() as f64;
        let planned = plan.memory.synapses + plan.memory.index;
        assert!((planned / bytes - 1.0).abs() < 0.03, "{count}: {planned} bytes of rows, {bytes}");
        let deliveries = found[0].1.deliveries as f64 * most as f64 / 5.0;
        assert!((plan.effort.deliveries * SECONDS / deliveries - 1.0).abs() < 0.02, "{count}: {deliveries}");
    }
}

/// What cannot be planned.
const UNKNOWN: [&str; 5] = [
    "network Net { population a: Clock[100000]  projection a -> a.exc: Static { connect where(mod(pre.i, 7) == mod(post.i, 11))  weight 1 mV } }",
    "network Net { population a: Clock[9]  projection a -> a.exc: Static { connect fixed_in_degree(2)  weight 1 mV * pre.i } }",
    "neuron D { compartment dend[3] { length 9 um  diameter 1 um  param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm  event input exc: nS  state v = -65 mV, g = 0 nS  g' = -g / 2 ms + exc  current = g * (v - 0 mV) }  emit spike when rising dend[1].v > 0 mV }\nnetwork Net { population a: D[9]  projection a -> a.dend.exc: Static { connect fixed_in_degree(2)  place each segment  weight 1 nS } }",
    "neuron D { compartment dend[3] { length 9 um  diameter 1 um  param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm  event input exc: nS  state v = -65 mV, g = 0 nS  g' = -g / 2 ms + exc  current = g * (v - 0 mV) }  emit spike when rising dend[1].v > 0 mV }\nnetwork Net { population a: D[9]  projection a -> a.dend.exc: Static { connect fixed_in_degree(2)  place segment pre.i  weight 1 nS } }",
    "network Net { population a: Clock[9]  projection link: a -> a.exc: Static { connect fixed_in_degree(2)  weight 1 mV } }",
];

fn refused_of(network: &str) -> Code {
    let asked = if network.contains("link") { "measure w = mean(net.link.w)" } else { "" };
    let text = format!("{CLOCKS}{network}\nexperiment e {{ network net = Net()  {asked}  run 1 ms }}");
    planned(&text).map(|_| ()).expect_err("is refused")
}

/// The code of a network that cannot be planned.
pub fn refused() -> Vec<Code> {
    vec![refused_of(UNKNOWN[0])]
}

#[test]
fn what_follows_from_single_synapses_is_refused() {
    assert_eq!(UNKNOWN.map(refused_of), [Code::E0822; 5]);
}

/// Cells of two cables that have events every 10 ms, and synapses on chosen, drawn and all segments.
const CABLES: &str = "neuron Wired {
    param long = 300 um
    compartment soma {
        length 20 um   diameter 20 um
        param C_m = 1 uF/cm^2, R_a = 150 Ohm*cm
        state v = -65 mV, phase = 0
        phase' = 0.1 / 1 ms
        current = 0.1 mS/cm^2 * (v + 65 mV)
    }
    compartment dend[7] {
        length long   diameter 2 um
        param C_m = 1 uF/cm^2, R_a = 150 Ohm*cm
        event input exc: nS
        state v = -65 mV, g = 0 nS
        g' = -g / 2 ms + exc
        current = 0.1 mS/cm^2 * (v + 65 mV)
        current = g * (v - 0 mV)
    }
    couple soma <-> dend
    emit spike when soma.phase >= 1 { soma.phase -= 1 }
}
network Net {
    population a: Wired[330]
    population b: Wired[50]
    init a.soma.phase ~ uniform(0, 1)
    init b.soma.phase ~ uniform(0, 1)
    init b.long ~ uniform(200 um, 300 um)
    projection a -> (a, b).dend.exc: Static { connect fixed_probability(0.1)  place segment 3  weight 0.01 nS  delay 1.5 ms }
    projection b -> a.dend.exc: Static { connect fixed_in_degree(20)  place ~ uniform(20 um, 250 um)  weight ~ uniform(0 nS, 0.01 nS)  delay ~ uniform(0.5 ms, 4 ms) }
    projection a -> b[10 .. 40].dend.exc: Static { connect all_to_all  place each segment  weight 0.001 nS  delay 2 ms }
}
experiment e { network net = Net()  run 500 ms }";

#[test]
fn cells_with_cables_are_planned_as_they_run() {
    as_planned("cables", CABLES, 380);
}

/// Examples that are seen so many times.
fn eventless(times: usize) -> String {
    format!(
        "use std.neurons.rate: LinearLearner, RateInput
        use std.plasticity.gradient: ErrorDriven
        network Net {{
            population image: RateInput[500]
            population out: LinearLearner[400]
            population small: LinearLearner[10]
            projection image -> out.drive: ErrorDriven {{ connect all_to_all  weight ~ xavier(1) }}
            projection out -> small.drive: ErrorDriven {{ connect all_to_all  weight ~ xavier(1) }}
        }}
        experiment e {{
            network net = Net() with batch 20 sum
            for k in 1 .. {times} {{ net.image.r = k  measure x = net.small.r  signal learn }}
        }}"
    )
}

#[test]
fn networks_without_events_are_planned_as_they_are_made() {
    let planned = planned(&eventless(1)).expect("planned").remove(0);
    let PlannedNetwork::Made(made) = planned.network else { panic!("no events") };
    let extent = made.extent();
    assert_eq!((extent.cells, extent.synapses, extent.examples), (910, 204_000, 20));
    // Only the large product is worth a message; rows of weights are padded to sixteen.
    assert_eq!((extent.values.dealt, extent.values.multiplications), (20.0 * 200_000.0, 20.0 * 4000.0));
    // The rule of its synapses is applied by each process to its own.
    let learn = extent.signals["learn"];
    assert_eq!((learn.dealt, learn.multiplications), (20.0 * 200_000.0, 20.0 * (400 * 16) as f64));
    let found = together(2, |ranks| [5, 25].map(|times| (run(&eventless(times), ranks.clone()), ranks.traffic())));
    let (handed, _) = extent.values.traffic(2);
    let mut told = 0.0;
    for [(_, first), (out, second)] in found {
        assert_eq!(extent.of_synapses, out.synapse_bytes as f64);
        // Whether all go on, and whether weights are finite, is asked in short messages.
        told += (second.handed - first.handed) as f64 - (512 * (second.gathers - first.gathers - 25)) as f64;
    }
    // Targets come in groups of sixteen, so one process has some more of them.
    assert_eq!(told, 2.0 * 25.0 * handed);
}

fn plan(folder: &Path, args: &[&str]) -> (Output, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
    let out = command.current_dir(folder).args(["plan"]).args(args).output().expect("neuro runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, told) = (text(&out.stdout), text(&out.stderr));
    (out, said, told)
}

fn folder(name: &str) -> std::path::PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir_all(&out).expect("a folder");
    out
}

#[test]
fn a_rate_is_given_or_that_of_a_run_and_never_made_up() {
    let folder = folder("planned");
    std::fs::write(folder.join("m.neuro"), network("fixed_total(1000)", "weight 0.1 mV   delay 1 ms")).expect("a file");
    let (out, _, told) = plan(&folder, &["m.neuro"]);
    assert!(out.status.code() == Some(2) && told.contains("--rate"), "{told}");
    let (out, _, told) = plan(&folder, &["m.neuro", "--rate", "a=5Hz"]);
    assert!(out.status.code() == Some(2) && told.contains("how often cells of `b` have events"), "{told}");
    let (out, _, told) = plan(&folder, &["m.neuro", "--rate", "5Hz", "--rate", "c=5Hz"]);
    assert!(out.status.code() == Some(2) && told.contains("`--rate c=…` is of no population"), "{told}");
    let (out, _, told) = plan(&folder, &["m.neuro", "--rate", "5"]);
    assert!(out.status.code() == Some(2) && told.contains("is no rate"), "{told}");
    let (out, _, told) = plan(&folder, &["m.neuro", "--rate", "5Hz", "--cost", "rows=1ns"]);
    assert!(out.status.code() == Some(2) && told.contains("names nothing that is counted"), "{told}");
    let (out, said, told) =
        plan(&folder, &["m.neuro", "e", "--rate", "100Hz", "--rate", "b.spike=7Hz", "--ranks", "1,16"]);
    assert!(out.status.success(), "{told}");
    assert!(said.contains("every cell 100 Hz, b.spike 7 Hz"), "{said}");
    assert!(said.lines().any(|line| line.trim_start().starts_with("16 ")), "{said}");
    let run = Command::new(env!("CARGO_BIN_EXE_neuro")).current_dir(&folder).args(["run", "m.neuro", "-q"]).output();
    assert!(run.expect("neuro runs").status.success());
    let (_, said, told) = plan(&folder, &["m.neuro", "--like", "results/e/run.json", "--message-format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let rate = json["assumed"]["rates"].as_str().expect("a text");
    assert!(rate.contains("99.") || rate.contains("100."), "{rate} {told}");
    assert_eq!(json["cells"], 1400);
    assert_eq!(json["rows"][0]["processes"], 1);
}

#[test]
fn what_no_machine_holds_is_planned_at_once() {
    let text = format!(
        "{CLOCKS}network Net {{
            population a: Clock[4000000]
            projection a -> a.exc: Static {{ connect fixed_probability(0.0015)  weight ~ normal(0.1 mV, 0.01 mV)  delay ~ normal(1.5 ms, 0.5 ms) redrawn in 0.1 ms .. inf }}
        }}
        experiment e {{ network net = Net()  run 1 s }}"
    );
    let begun = std::time::Instant::now();
    let extent = extent(&text, 8);
    let (fullest, mean) = extent.fullest(4096);
    assert!((extent.size().1 / 2.4e10 - 1.0).abs() < 1e-6);
    assert!((mean / (2.4e10 / 4096.0) - 1.0).abs() < 1e-6);
    // Whole vectors of 16 lanes: 61 or 62 of them.
    assert_eq!(fullest.cells, 62 * 16);
    assert!(begun.elapsed().as_secs() < 60);
}
