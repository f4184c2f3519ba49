//! Several processes give the bits of one: here they are threads that hand each other bytes, as those of MPI do by messages.

use crate::checkpoint::{belongs, bits};
use crate::support::{Folder, program, rendered, root};
use neuro::compiler::{Silent, compile};
use neuro::diag::Code;
use neuro::experiment::{CheckpointStore, Checkpoints, Outcome, Runner, Settings};
use neuro::ir::Precision;
use neuro::runtime::exchange::{Exchange, Ranks};
use neuro::runtime::{Running, Unwatched};
use neuro::source::SourceFile;
use std::sync::{Arc, Barrier, Mutex};

/// Where all hand over what they have, and take what all have.
#[derive(Debug)]
struct Table {
    meet: Barrier,
    handed: Mutex<Vec<Vec<u8>>>,
}

#[derive(Debug)]
struct Seat(usize, usize, Arc<Table>);

impl Exchange for Seat {
    fn rank(&self) -> usize {
        self.0
    }
    fn ranks(&self) -> usize {
        self.1
    }
    fn gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        let Table { meet, handed } = &*self.2;
        handed.lock().unwrap()[self.0] = mine.to_vec();
        meet.wait();
        let all = handed.lock().unwrap().clone();
        meet.wait();
        all
    }
}

/// Does something in so many processes at once.
pub fn together<T: Send>(ranks: usize, work: impl Fn(Ranks) -> T + Sync) -> Vec<T> {
    let table = Arc::new(Table { meet: Barrier::new(ranks), handed: Mutex::new(vec![Vec::new(); ranks]) });
    std::thread::scope(|scope| {
        let seats = (0..ranks).map(|rank| Seat(rank, ranks, table.clone()));
        let work = &work;
        let all: Vec<_> = seats.map(|seat| scope.spawn(move || work(Ranks::of(seat)))).collect();
        all.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

fn run(text: &str, settings: Settings) -> Outcome {
    let p = program(text);
    let files = Folder(root().join("examples"));
    let runner = Runner { module: &p.module, files: &files, settings, progress: &Silent };
    runner.run(&p.module.experiments[0])
}

/// Whatever reaches from one cell to another: events with one delay and many, drawn at once and anew, short-term plasticity, learning
/// that reads potentials of both sides, modulators, shared and structural synapses, gap junctions, delayed values, windows, signals to
/// cells and synapses, levels within a step, drives of every kind, noise, an adaptive scheme, and more populations than blocks of cells.
pub const REACHING: &str = "
use std.synapses.short_term
use std.plasticity.structural: StructuralStdp
use std.plasticity.reward: Dopamine
neuron Noisy {
    param tau = 10 ms, sigma = 3 mV / sqrt(1 ms)
    event input exc: mV
    input I: mV = 0 mV
    state v = 0 mV
    state count = 0, luck = 0
    let end = v at end of forward
    let usual = mean(v, over = forward)
    let wide = 2 * v + I
    on learn { luck += normal(count, 1) + (end - usual) / 1 mV }
    v' = (I - v) / tau + sigma * xi + exc
    emit spike when v > 8 mV {
        v = 0 mV
        if random() < 0.5 { count += uniform(0, 1) }
        hold v for 1.5 ms
    }
    emit event on spike when since(previous spike) > 16 ms
    emit pair on spike count ~ poisson(1.5)
}
neuron Slow { input I: 1 = 0  state x = 1  x' = (sin(x) + I) / 5 ms  scheme rk45(1e-8)  emit up when rising(x > 3) }
synapse Drift { modulator m: 1 = 0  weight w: mV in 0 mV .. 5 mV  state c = 0
    c' = -c / 50 ms
    w' = 0.01 mV * c * m / 1 ms
    on pre.spike { deliver w   w += 1e-3 * post.v }
    on post.spike { c += 1   w += 1e-3 * pre.wide + 1e-4 * delayed(pre.v, 2 ms) }
    on learn { w += 0.1 mV }
}
synapse Junction { weight g: 1  deliver g * (pre.v - post.v) }
synapse Coupled { weight w  deliver w * delayed(pre.x, 3 ms) }
synapse Counted { weight w: mV  on pre.pair { deliver w } }
network Net {
    population a: Noisy[70]
    population b: Noisy[40]
    population s: Slow[19]
    population da: Dopamine[1]
    population few: Noisy[3]
    init a.v ~ uniform(-5 mV, 5 mV)
    init s.x ~ uniform(0, 2)
    init da.level = 1
    projection a -> b.exc: ShortTerm(tau_rec = 50 ms) { connect fixed_probability(0.2)  weight ~ lognormal(1 mV, 0.5 mV)  delay ~ uniform(0.5 ms, 3 ms) }
    projection link: b -> a.exc: Drift { connect fixed_probability(0.3)  weight 0.5 mV  delay 1 ms  delay dendritic 0.5 ms  modulator m = da.level }
    projection grown: a -> few.exc: StructuralStdp(w_max = 1 mV) { connect fixed_in_degree(9)  weight ~ uniform(0 mV, 0.4 mV)  delay 0.3 ms }
    projection a -> a.I: Junction { connect fixed_probability(0.1)  weight 0.01 }
    projection s -> s.I: Coupled { connect all_to_all  weight ~ normal(0, 0.02) }
    projection few -> b.exc: Counted { connect all_to_all  weight 0.2 mV  delay 0.5 ms }
    projection anew: a -> b[3 .. 30].exc: Static { store never  connect fixed_out_degree(5)  weight 0.2 mV  delay ~ uniform(0.2 ms, 0.9 ms) }
    drive a.exc { poisson 800 Hz  weight 0.5 mV }
    drive b.exc { bernoulli 400 Hz * (1 + sin(t / 20 ms))  weight 0.7 mV }
    drive few.exc { poisson 2000 Hz  weight 1 mV }
    drive b[39].exc { spikes [3 ms, 5 ms]  weight 20 mV }
}
experiment e {
    network net = Net()
    net.a.I = 1 mV * sin(t / 7 ms)
    record (net.a.spike, net.b.event, net.few.pair, net.s.up)
    record net.s.x every 1 ms as x
    record net.link.w every 5 ms as weights
    record net.a[60 .. 70].wide every 0.5 ms as wide
    record net.b.usual every 10 ms as usual
    at 33 ms net.b.tau = 12 ms
    for k in 1 .. 3 {
        window forward { run 20 ms }
        signal learn
        signal turnover
        net.a[64].v = 7.5 mV
        measure learned = [mean(net.link.w), sum(net.a.wide)]
        run 12 ms
        measure luck = net.a.luck
        measure grown = net.grown.w
    }
    measure inputs = net.a.I
    measure c = net.link.c
    measure x = net.s.x
    measure total = sum(net.b.count)
}";

/// What reaches segments of cables, and what cells and synapses read of them, noise, time and what segments read of their cells: events
/// onto chosen and drawn segments, drives of every kind onto one, currents into the middle, synapses that learn by what their segment
/// does, cells of different shapes, and fewer cells than a vector has lanes; events and signals that change segments.
pub const DENDRITES: &str = "
use std.channels.hodgkin_huxley
neuron Pyramid {
    param long = 300 um, tau_low = 10 ms
    input dose: 1 = 0.5
    compartment soma {
        length 20 um   diameter 20 um
        param C_m = 1 uF/cm^2, R_a = 150 Ohm*cm
        input I: pA = 0 pA
        state v = -65 mV
        channel na: NaHH
        channel k: KHH
        channel leak: Leak
    }
    compartment apical[9] {
        length long   diameter 2 um
        param C_m = 1 uF/cm^2, R_a = 150 Ohm*cm
        event input exc: nS
        state v = -65 mV
        state g = 0 nS
        state low = -65 mV
        g' = -g / 2 ms + exc
        low' = (v - low) / tau_low
        state slow = 0
        state noisy = 0
        slow' = (g / 1 nS - slow) / 4 ms
        noisy' = -noisy / 4 ms + 0.1 / ms^0.5 * xi
        current = 0.05 uA*ms^0.5/cm^2 * xi + dose * sin(t / 3 ms) * 0.1 uA/cm^2
        channel leak: Leak(g_max = 0.1 mS/cm^2, E_L = -65 mV)
        current = g * (v - 0 mV)
    }
    compartment basal[3] {
        length 80 um   diameter 1 um
        param C_m = 1 uF/cm^2, R_a = 150 Ohm*cm
        event input inh: nS
        state v = -65 mV
        state g = 0 nS
        g' = -g / 5 ms + inh
        channel leak: Leak(g_max = 0.1 mS/cm^2, E_L = -65 mV)
        current = g * (v + 75 mV)
        current = 0.01 mS/cm^2 * (v - soma.v)
    }
    couple soma <-> apical
    couple soma <-> basal
    scheme crank_nicolson
    emit spike when rising soma.v > 0 mV
    emit far on spike when apical[7].v > -50 mV
}
neuron Leaky {
    compartment soma {
        length 20 um   diameter 20 um
        param C_m = 1 uF/cm^2, R_a = 150 Ohm*cm
        state v = -65 mV
        state w = 0 uA/cm^2
        w' = -w / 20 ms
        current = 0.1 mS/cm^2 * (v + 65 mV)
        current = w
    }
    compartment dend[6] {
        length 200 um   diameter 2 um
        param C_m = 1 uF/cm^2, R_a = 150 Ohm*cm
        event input exc: nS
        state v = -65 mV
        state g = 0 nS
        state learned = 0
        g' = -g / 3 ms + exc
        current = 0.1 mS/cm^2 * (v + 65 mV)
        current = g * (v - 0 mV)
        on learn { learned += (v + 65 mV) / 1 mV + uniform(0, 1) }
    }
    couple soma <-> dend
    emit spike when soma.v > -56 mV {
        soma.v = -63 mV
        soma.w += 0.5 uA/cm^2
        hold soma.v for 1 ms
    }
}
synapse Local {
    weight w: nS in 0 nS .. 20 nS
    on pre.spike {
        deliver w
        w += 0.01 nS/mV * (post.here.low + 60 mV)
    }
}
network Net {
    population p: Pyramid[50]
    population few: Pyramid[3]
    population leaky: Leaky[37]
    init p.long ~ uniform(250 um, 350 um)
    init p.apical.v ~ normal(-65 mV, 1 mV)
    projection ahead: p -> p.apical.exc: Static { connect where post.i == mod(pre.i + 1, 50)   place segment 4   weight 12 nS   delay 2 ms }
    projection there: p -> few.apical.exc: Static { connect fixed_probability(0.3)   place ~ uniform(40 um, 250 um)   weight 3 nS   delay ~ uniform(1 ms, 3 ms) }
    projection back: few -> p.basal.inh: Static { connect all_to_all   place segment mod(post.i, 3)   weight 1 nS   delay 1 ms }
    projection link: p -> p.apical.exc: Local { connect fixed_in_degree(4)   place ~ uniform(30 um, 240 um)   weight 0.5 nS   delay 1.5 ms }
    drive p[10 .. 40].apical.exc { poisson 200 Hz   weight 0.4 nS   place segment 6 }
    drive p.basal.inh { poisson 20 kHz   weight 0.02 nS   place segment 1 }
    projection p -> leaky.dend.exc: Static { connect fixed_probability(0.3)   place ~ uniform(20 um, 150 um)   weight 3 nS   delay 1 ms }
    drive leaky.dend.exc { poisson 1 kHz   weight 1 nS   place segment 1 }
    drive few.apical.exc { spikes [3 ms, 9 ms]   weight 15 nS   place segment 2 }
}
experiment e {
    dt 0.05 ms
    network net = Net()
    record (net.p.spike, net.p.far, net.few.spike, net.leaky.spike)
    record net.leaky.dend.v every 2 ms as along
    record net.p.apical[5].v every 1 ms as v
    record net.link.w every 5 ms as weights
    for k in 1 .. 3 {
        net.p.soma.I = 900 pA * heaviside(k - mod(net.p.soma.v / 1 mV, 3))
        run 6 ms
        net.p.soma.I = 0 pA
        net.p[33].apical[2].v = -50 mV
        run 6 ms
        signal learn
        measure fired = count(net.leaky.spike)
        measure learned = net.leaky.dend.learned
        measure low = net.p.apical.low
        measure g = sum(net.few.apical.g / 1 nS)
    }
    measure basal = net.p.basal.v
}";

/// Cables of different numbers of segments beside each other, in cells of several processes.
pub const UNEVEN: &str = "
neuron Branched {
    param parts = 1, twigs = 2
    compartment soma {
        length 20 um   diameter 20 um
        param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
        input I: pA = 0 pA
        state v = -70 mV
        current = 0.1 mS/cm^2 * (v + 70 mV)
    }
    compartment trunk[parts] {
        length 300 um   diameter 3 um
        param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
        event input exc: nS
        state v = -70 mV
        state g = 0 nS
        g' = -g / 2 ms + exc
        current = 0.1 mS/cm^2 * (1 + distance / 200 um) * (v + 70 mV)
        current = g * (v - 0 mV)
    }
    compartment left[twigs] {
        length 200 um   diameter 1 um
        param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
        input inject: pA = 0 pA
        state v = -70 mV
        state noisy = 0
        noisy' = -noisy / 4 ms + 0.1 / ms^0.5 * xi
        current = 0.1 mS/cm^2 * (v + 70 mV) + 0.05 uA*ms^0.5/cm^2 * xi
    }
    couple soma <-> trunk
    couple trunk <-> left
    emit spike when rising soma.v > -60 mV { soma.v = -70 mV }
}
synapse Local { weight w: nS in 0 nS .. 9 nS   on pre.spike { deliver w   w += 0.01 nS/mV * (post.here.v + 70 mV) } }
network Net {
    population cell: Branched(parts = 1 + mod(7 * i, 11), twigs = 1 + mod(i, 4))[53]
    population few: Branched(parts = 2 + i)[3]
    projection tip: cell -> cell.trunk.exc: Local { connect fixed_in_degree(3)   place segment mod(7 * post.i, 11)   weight 3 nS   delay 1 ms }
    projection each: cell -> few.trunk.exc: Local { connect fixed_in_degree(5)   place each segment   weight 0.5 nS   delay ~ uniform(1 ms, 3 ms) }
    projection far: few -> cell.trunk.exc: Static { connect all_to_all   place 200 um   weight 1 nS   delay 1.5 ms }
    drive cell.trunk.exc { poisson 300 Hz   weight 2 nS   place segment 0 }
    drive few.trunk.exc { poisson 500 Hz   weight 1 nS   place each segment }
}
experiment e {
    dt 0.05 ms
    network net = Net()
    record (net.cell.spike, net.few.spike)
    record net.cell[50].trunk.v every 1 ms as whole
    record net.cell.trunk[0].v every 1 ms as first
    record net.tip.w every 5 ms as weights
    for k in 1 .. 3 {
        net.cell.soma.I = 200 pA
        run 8 ms
        net.cell.soma.I = 0 pA
        net.cell[41].trunk[1].v = -50 mV
        run 8 ms
        measure soma = net.cell.soma.v
        measure along = net.cell[52].trunk.v
        measure twig = net.few.left[0].v
        measure w = net.each.w
    }
}";

#[test]
fn whatever_reaches_others_has_the_same_bits_in_any_number_of_processes() {
    for (text, precision) in [
        (REACHING, Precision::F32),
        (REACHING, Precision::F64),
        (DENDRITES, Precision::F32),
        (DENDRITES, Precision::F64),
        (UNEVEN, Precision::F32),
        (UNEVEN, Precision::F64),
    ] {
        let settings = |threads, ranks| Settings { threads, ranks, precision: Some(precision), ..Settings::default() };
        let alone = run(text, settings(1, Ranks::default()));
        let whole = bits(&alone);
        assert!(alone.work.spikes > 100, "{:?}", alone.work);
        for (ranks, threads) in [(1, 2), (2, 1), (3, 2), (4, 1), (7, 1)] {
            for out in together(ranks, |ranks| {
                let out = run(text, settings(threads, ranks));
                (bits(&out), out.work)
            }) {
                assert!(out.0 == whole, "{ranks} processes of {threads} threads, {precision:?}");
                assert_eq!(out.1, alone.work, "{ranks} processes of {threads} threads");
            }
        }
    }
}

/// Fails in a cell, a count, a synapse or a segment that only the last of three processes has.
const FAILING: [&str; 4] = [
    "neuron A { state v = 0 mV  state u = 1  v' = (50 mV - v) / 20 ms  u' = heaviside(v - 20 mV) * u^3 / 1 us }
network Net { population a: A[50]  init a.v = 0.3 mV * i }",
    "neuron A { state v = 0  v' = 1 / 1 ms  emit spike when v > 1  emit many on spike count ~ poisson(v * 1e9 * heaviside(k - 44)) { v = 0 }  param k = 0 }
network Net { population a: A[50]  init a.k = i }",
    "neuron A { event input e: 1  state v = 0  v' = (1 - v) / 10 ms + e  emit spike when v > 0.5 { v = 0 } }
synapse S { weight w  param b = 0  on pre.spike { deliver 0 * w   w += 1e300 * w * w * heaviside(post.v - 0.1) } }
network Net { population a: A[50]  projection p: a -> a[47 .. 50].e: S { connect all_to_all  weight 1e200  delay 1 ms } }",
    "use std.channels.hodgkin_huxley
neuron A { param a = 0
compartment dend[5] { length 100 um  diameter 1 um  param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm  state v = -65 mV  state u = 1  u' = a * u^3 / 1 us
    channel leak: Leak(g_max = 0.1 mS/cm^2, E_L = -65 mV) } }
network Net { population a: A[50]  init a.a = heaviside(i - 47) }",
];

#[test]
fn what_fails_in_one_process_is_told_by_all_as_by_one() {
    for text in FAILING {
        let text = format!("{text}\nexperiment e {{ precision f64  network net = Net()  run 50 ms }}");
        let told = |ranks| {
            let p = program(&text);
            let out = run(&text, Settings { threads: 1, ranks, ..Settings::default() });
            rendered(out.failure.iter().map(|d| &**d), &p.sources)
        };
        let alone = told(Ranks::default());
        assert!(alone.contains("error"), "{text} does not fail");
        for found in together(3, told) {
            assert_eq!(found, alone);
        }
    }
}

/// Asks to stop in one of the processes alone.
struct Asked(bool);

impl neuro::experiment::Progress for Asked {
    fn update(&self, _: &neuro::experiment::Moment) {}
    fn interrupted(&self) -> Option<String> {
        self.0.then(|| "a test asks for it".into())
    }
}

#[test]
fn when_one_process_is_asked_to_stop_all_do() {
    for heeds in [false, true] {
        let codes = together(2, |ranks| {
            let p = program(REACHING);
            let (files, asked) = (Folder(root()), Asked(ranks.rank() == 1));
            let settings = Settings { threads: 1, ranks, ..Settings::default() };
            let runner = Runner { module: &p.module, files: &files, settings, progress: &asked };
            let out = match heeds {
                false => runner.run(&p.module.experiments[0]),
                true => runner.run_with(
                    &p.module.experiments[0],
                    &Checkpoints { keeper: &Nowhere, belongs: belongs(), resume: None },
                ),
            };
            out.failure.map(|d| d.code)
        });
        assert_eq!(codes, [Some(Code::E0812), Some(Code::E0812)]);
    }
}

struct Nowhere;

impl CheckpointStore for Nowhere {
    fn is_due(&self) -> bool {
        false
    }
    fn keep(&self, _: &[u8], _: &[String]) -> Result<(), String> {
        Ok(())
    }
    fn keep_part(&self, _: &str, _: &[u8]) -> Result<(), String> {
        Ok(())
    }
    fn forget_part(&self, _: &str) {}
    fn part(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("nothing is kept".into())
    }
}

#[test]
fn every_example_with_events_has_the_same_bits_in_three_processes() {
    let mut files: Vec<_> = std::fs::read_dir(root().join("examples")).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "neuro"));
    let mut compared = 0;
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        // What reads data sets that are not part of the project is tested by itself.
        if ["\"hemibrain/", "\"flywire", "\"celegans/", "mnist()", "cifar10()"].iter().any(|data| text.contains(data)) {
            continue;
        }
        let states = |ranks: Ranks| {
            let folder = || Folder(root().join("examples"));
            let p = compile(SourceFile::new("example.neuro", text.clone()), &mut folder());
            let p = p.unwrap_or_else(|refused| panic!("{}", refused.diagnostics));
            let settings = Settings { threads: 1, ranks, ..Settings::default() };
            let files = folder();
            let runner = Runner { module: &p.module, files: &files, settings, progress: &Silent };
            let mut all = Vec::new();
            for e in p.module.experiments.iter().filter(|e| !e.slow) {
                match runner.networks(e) {
                    Err(d) => panic!("{}: {}", path.display(), d.message),
                    Ok(networks) => {
                        for network in networks {
                            let Running::Events(mut s) = network else { continue };
                            s.run_until(60, &mut Unwatched).expect("finite");
                            let states = s
                                .network
                                .populations
                                .iter()
                                .enumerate()
                                .flat_map(|(i, p)| p.model.states().map(move |(id, _)| (i, id)));
                            let values = states.filter_map(|(i, id)| s.state(i, id));
                            let bits = values.flat_map(|b| (0..b.len()).map(|k| b.get(k).to_bits()));
                            all.push((e.name.to_string(), bits.collect::<Vec<u64>>()));
                        }
                    }
                }
            }
            all
        };
        let alone = states(Ranks::default());
        for found in together(3, states) {
            assert_eq!(found.len(), alone.len());
            for ((name, bits), (_, same)) in found.iter().zip(&alone) {
                assert!(bits == same, "{} {name}", path.display());
                compared += 1;
            }
        }
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn a_file_that_is_not_the_same_for_all_is_refused_by_all() {
    let p = program("experiment e { measure x = npy(\"a.npy\") }");
    let array = |x: f64| vec![("a.npy", crate::damaged::npy("<f8", "False", "(1,)", &x.to_le_bytes()))];
    // What the second of three processes has in place of what the others have.
    let said = |other: &[(&str, Vec<u8>)]| {
        let said = together(3, |ranks| {
            let (same, rank) = (array(1.0), ranks.rank());
            let files = crate::damaged::Memory(if rank == 1 { other } else { &same });
            let settings = Settings { ranks, ..Settings::default() };
            let runner = Runner { module: &p.module, files: &files, settings, progress: &Silent };
            let out = runner.run(&p.module.experiments[0]);
            out.failure.map(|d| (d.code, d.labels[0].1.clone()))
        });
        assert!(said.iter().all(|of| *of == said[0]), "{said:?}");
        said[0].clone()
    };
    assert_eq!(said(&array(1.0)), None);
    let missing = "there is no such file (in process 1; others can read it)".to_string();
    assert_eq!(said(&[]), Some((Code::E0802, missing)));
    let another = "it is another one in process 1 than in process 0".to_string();
    assert_eq!(said(&array(2.0)), Some((Code::E0802, another)));
}

/// Networks without events: dense products of many examples and of one, forward and transposed, convolutions, pools, rules that share
/// products, rules of single synapses, states of examples, noise, and steps.
pub const EVENTLESS: &str = "
use std.neurons.rate: LinearLearner, RateInput
use std.plasticity.gradient: ErrorDrivenMomentum, Feedback, Fixed
neuron Map {
    input drive: 1
    input teach: 1
    state bias per channel = 0
    per sample state trace = 0
    let r = tanh(drive + bias)
    let delta = teach * (1 - r * r)
    on learn { bias += 0.1 * delta + 0.01 * normal(0, 1)   trace = 0.5 * trace + r }
}
neuron Hidden {
    input drive: 1
    input teach: 1
    state x = 0
    x' = (tanh(drive) - x) / 5 ms
    let r = x + 0.1 * drive
    let delta = teach * (1 - r * r)
}
synapse Single {
    weight w: 1
    deliver w * pre.r
    on learn { w += 0.001 * tanh(post.delta * pre.r) }
}
network Net {
    population image: RateInput[3, 14, 14]
    population maps: Map[16, 12, 12]
    population hidden: Hidden[120]
    population out: LinearLearner[33]
    projection filters: image -> maps.drive: ErrorDrivenMomentum(eta = 1e-4) { connect conv(3)   weight ~ xavier(1) }
    projection up: maps -> hidden.drive: ErrorDrivenMomentum(eta = 1e-4) { connect all_to_all   weight ~ xavier(1) }
    projection direct: image -> hidden.drive: ErrorDrivenMomentum(eta = 1e-4) { connect all_to_all   weight ~ xavier(0.1) }
    projection last: hidden -> out.drive: Single { connect fixed_probability(0.5)   weight ~ xavier(1) }
    projection out -> hidden.teach: Feedback { connect transpose of last }
    projection hidden -> maps.teach: Feedback { connect transpose of up }
}
experiment e {
    network net = Net() with batch 37 sum
    data d = dataset(x = sin(linspace(1, 58800, 58800)), y = linspace(0, 1, 100), examples = 100)
    for epoch in 1 .. 2 {
        for (x, y) in shuffle(d) {
            net.image.r = x
            net.out.teach = 0.01 * (y - mean(net.out.r))
            run 1 ms
            signal learn
            signal learn in net.direct
        }
        measure halfway = mean(net.direct.w)
        net.direct.w *= 0.9
        measure gathered = all(net.out.r) over d[0 .. 50] { net.image.r = x }
    }
    measure filters = net.filters.w
    measure direct = net.direct.w
    save net to \"all.state\"
    measure up = mean(net.up.w)
    measure last = net.last.w
    measure bias = net.maps.bias
}";

#[test]
fn networks_without_events_have_the_same_bits_in_any_number_of_processes() {
    for precision in [Precision::F32, Precision::F64] {
        let settings = |threads, ranks| Settings { threads, ranks, precision: Some(precision), ..Settings::default() };
        let whole = bits(&run(EVENTLESS, settings(1, Ranks::default())));
        assert!(whole.len() > 1000);
        for (ranks, threads) in [(2, 1), (3, 2), (40, 1)] {
            let told = together(ranks, |ranks| {
                let out = run(EVENTLESS, settings(threads, ranks.clone()));
                (bits(&out), ranks.traffic())
            });
            for (found, traffic) in told {
                assert!(found == whole, "{ranks} processes of {threads} threads, {precision:?}");
                assert!(traffic.received > 1_000_000, "nothing is dealt out: {traffic:?}");
            }
        }
    }
}

#[test]
fn a_weight_that_fails_in_another_process_is_told_by_all_as_by_one() {
    let text = "
use std.neurons.rate: RateInput
neuron Out { param k = 0   input drive: 1   let r = drive   let error = heaviside(k - 190) }
synapse Grows { weight w: 1   deliver w * pre.r   on learn { w += 1e30 * pre.r * w * w * post.error } }
network Net {
    population image: RateInput[300]
    population out: Out[200]
    init out.k = i
    projection p: image -> out.drive: Grows { connect all_to_all   weight 1 }
}
experiment e {
    network net = Net() with batch 40
    net.image.r = 1
    for k in 1 .. 9 { measure x = net.out.r   signal learn }
}";
    let told = |ranks| {
        let p = program(text);
        let out = run(text, Settings { threads: 1, ranks, ..Settings::default() });
        rendered(out.failure.iter().map(|d| &**d), &p.sources)
    };
    let alone = told(Ranks::default());
    assert!(alone.contains("error"), "it does not fail");
    for found in together(3, told) {
        assert_eq!(found, alone);
    }
}

/// Examples side by side: delays of one and many steps, synapses that are not kept and synapses with states of their own, noise, drives,
/// windows, signals, values for each example, and a last turn with fewer examples.
pub const BATCHED: &str = "
use std.synapses.short_term
neuron Cell {
    event input exc: 1
    input I: 1 = 0
    state v = 0, n = 0, drawn = 0
    let low = v at end of look
    v' = (I - v) / 5 ms + 0.1 * xi / sqrt(1 ms) + exc
    emit spike when v > 1 { v = 0   n += 1 }
    on tell { drawn = low + uniform(0, 1) }
}
synapse Faces { weight w: 1   state seen = 0   on pre.spike { deliver w * (1 + 0.1 * seen)   seen = post.v } }
network Net {
    population a: Cell[37]
    population b: Cell[20]
    init a.v ~ uniform(0, 1)
    projection a -> b.exc: ShortTerm { connect fixed_probability(0.3)   weight 0.2   delay ~ uniform(0.5 ms, 3 ms) }
    projection faces: b -> a.exc: Faces { connect fixed_in_degree(5)   weight ~ uniform(0, 0.2)   delay 1 ms }
    projection a -> a.exc: Static { store never   connect fixed_out_degree(3)   weight 0.1   delay ~ uniform(0.2 ms, 2 ms) }
    drive a.exc { poisson 400 Hz   weight 0.2 }
    drive b.exc { spikes [1 ms, 4 ms]   weight 0.7 }
}
experiment e {
    network net = Net() with batch 5
    data d = dataset(x = linspace(0, 1, 7), examples = 7)
    for x in d {
        net.a.I = x
        net.b[3].I = 0.5
        window look { run 20 ms }
        signal tell in net.a
        net.a[5].v = x
        run 7 ms
        measure spikes = net.a.n
        measure drawn = net.a.drawn
        measure v = mean(net.b.v)
        measure weights = sum(net.faces.w)
        net.faces.w = 0.15
    }
    save net to \"batch.state\"
    run 3 ms
    load net from \"batch.state\"
    run 5 ms
    measure last = net.b.v
}";

#[test]
fn examples_side_by_side_have_the_same_bits_in_any_number_of_processes() {
    for precision in [Precision::F32, Precision::F64] {
        let settings = |threads, ranks| Settings { threads, ranks, precision: Some(precision), ..Settings::default() };
        let alone = run(BATCHED, settings(1, Ranks::default()));
        let whole = bits(&alone);
        assert!(alone.work.spikes > 100, "{:?}", alone.work);
        for (ranks, threads) in [(2, 1), (3, 2), (7, 1)] {
            for out in together(ranks, |ranks| {
                let out = run(BATCHED, settings(threads, ranks));
                (bits(&out), out.work, out.saved)
            }) {
                assert!(out.0 == whole, "{ranks} processes of {threads} threads, {precision:?}");
                assert_eq!(out.1, alone.work, "{ranks} processes of {threads} threads");
                assert!(out.2 == alone.saved, "what {ranks} processes save");
            }
        }
    }
}

#[test]
fn processes_agree_on_what_time_it_is() {
    let text = "experiment e { for k in 1 .. 20 { measure now = wall_clock() } }";
    let found = together(3, |ranks| bits(&run(text, Settings { ranks, ..Settings::default() })));
    assert!(found[1..].iter().all(|other| *other == found[0]));
}
