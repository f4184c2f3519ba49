//! A run that is stopped and resumed gives the bits of one that was not; what does not fit is refused.

use crate::support::{Folder, program, root};
use neuro::compiler::{Program, Silent};
use neuro::diag::{Code, Diagnostic};
use neuro::experiment::{CheckpointStore, Checkpoints, Outcome, RunIdentity, Runner, Settings};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// Parts of checkpoints by their names, where several processes keep them.
pub type Parts = Arc<Mutex<Files>>;

/// Files in memory.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Keeps every checkpoint in memory, and every part.
#[derive(Default)]
pub struct All(pub Mutex<Vec<Vec<u8>>>, pub Parts);

impl All {
    pub fn kept(self) -> Vec<Vec<u8>> {
        self.0.into_inner().unwrap()
    }
}

impl CheckpointStore for All {
    fn is_due(&self) -> bool {
        true
    }
    fn keep(&self, bytes: &[u8], parts: &[String]) -> Result<(), String> {
        assert!(parts.iter().all(|name| self.part(name).is_ok()), "parts come first");
        self.0.lock().unwrap().push(bytes.to_vec());
        Ok(())
    }
    fn keep_part(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        self.1.lock().unwrap().insert(name.into(), bytes.to_vec());
        Ok(())
    }
    fn forget_part(&self, name: &str) {
        self.1.lock().unwrap().remove(name);
    }
    fn part(&self, name: &str) -> Result<Vec<u8>, String> {
        self.1.lock().unwrap().get(name).cloned().ok_or_else(|| format!("{name}: there is no such file"))
    }
}

pub fn belongs() -> RunIdentity {
    let (neuro, source_sha256, experiment) = ("test".into(), "same".into(), "e".into());
    RunIdentity { neuro, source_sha256, experiment, overrides: Vec::new(), precision: None }
}

pub fn run(p: &Program, keeper: &All, resume: Option<Vec<u8>>, threads: usize) -> Outcome {
    run_with(p, keeper, resume, Settings { threads, ..Settings::default() })
}

pub fn run_with(p: &Program, keeper: &All, resume: Option<Vec<u8>>, settings: Settings) -> Outcome {
    run_as(p, keeper, resume, settings, belongs())
}

pub fn run_as(p: &Program, keeper: &All, resume: Option<Vec<u8>>, settings: Settings, belongs: RunIdentity) -> Outcome {
    let files = Folder(root().join("examples"));
    let runner = Runner { module: &p.module, files: &files, settings, progress: &Silent };
    let checkpoints = Checkpoints { keeper, belongs, resume };
    runner.run_with(&p.module.experiments[0], &checkpoints)
}

/// Everything that a run leaves, as bits.
pub fn bits(out: &Outcome) -> Vec<u64> {
    assert!(out.failure.is_none(), "{:?}", out.failure);
    let mut all: Vec<u64> = Vec::new();
    for q in out.measures.values().flatten() {
        all.extend(q.data.iter().map(|v| v.to_bits()));
    }
    for r in &out.recordings {
        r.spool.each(1, &mut |b| all.push(u64::from(b[0]))).expect("readable");
    }
    all.extend(out.expectations.iter().map(|e| u64::from(e.passed)));
    all.push(out.figures.len() as u64);
    all
}

/// Delays, learning synapses, short-term plasticity, drives and ports that follow time, noise, draws, an adaptive scheme, a cable,
/// signals to cells, convolutions with and without events, loops, conditions and scheduled commands.
const EVERYTHING: &str = "
use std.synapses.short_term
use std.neurons.cable
use std.plasticity.reward: Dopamine
use std.neurons.rate: LinearLearner, RateInput
use std.plasticity.gradient: ErrorDrivenMomentum, Feedback, Fixed
neuron Map {
    input drive: 1
    input teach: 1
    state bias per channel = 0
    let r = tanh(drive + bias)
    let delta = teach * (1 - r * r)
    on learn { bias += 0.1 * delta + 0.01 * normal(0, 1) }
}
synapse Silent {
    weight w: 1
    state v = 0
    on learn {
        v = 0.5 * v + 0.1 * post.delta * pre.r
        w += v
    }
}
network Maps {
    population image: RateInput[1, 6, 6]
    population maps: Map[2, 4, 4]
    population pooled: LinearLearner[2, 2, 2]
    projection filters: image -> maps.drive: ErrorDrivenMomentum { connect conv(3)   weight ~ xavier(1) }
    projection down: maps -> pooled.drive: Fixed { connect max_pool(2)   weight 1 }
    projection pooled -> maps.teach: Feedback { connect transpose of down }
    projection silent: image -> maps: Silent { connect conv(3)   weight ~ xavier(1) }
    projection flat: image -> maps: Silent { connect all_to_all   weight 0.1 }
}
neuron Noisy {
    param tau = 10 ms, sigma = 3 mV / sqrt(1 ms)
    event input exc: mV
    input I: mV = 0 mV
    state v = 0 mV
    state count = 0, luck = 0
    on learn { luck += normal(count, 1) }
    v' = (I - v) / tau + sigma * xi + exc
    emit spike when v > 8 mV {
        v = 0 mV
        if random() < 0.5 { count += uniform(0, 1) }
        hold v for 1.5 ms
    }
    emit event on spike when since(previous spike) > 16 ms
    emit burst on spike when since(previous spike) <= 16 ms
}
neuron Slow { state x = 1  x' = sin(x) / 5 ms  scheme rk45(1e-8) }
synapse Drift { modulator m: 1 = 0  weight w: mV in 0 mV .. 5 mV  state c = 0
    c' = -c / 50 ms
    w' = 0.01 mV * c * m / 1 ms
    on pre.spike { deliver w }
    on post.spike { c += 1 }
    on learn { w += 0.1 mV }
}
network Net {
    population a: Noisy[60]
    population b: Noisy[40]
    population s: Slow[3]
    population m: Noisy[1, 4, 4]
    population o: Noisy[2, 3, 3]
    projection m -> o.exc: Static { connect conv(2)   weight ~ normal(2 mV, 0.5 mV)   delay 1 ms }
    drive m.exc { poisson 900 Hz  weight 0.6 mV }
    population c: ActiveBallAndStick[1]
    population da: Dopamine[1]
    init a.v ~ uniform(-5 mV, 5 mV)
    init da.level = 1
    projection a -> b.exc: ShortTerm(tau_rec = 50 ms) { connect fixed_probability(0.2)  weight ~ lognormal(1 mV, 0.5 mV)  delay ~ uniform(0.5 ms, 3 ms) }
    projection link: b -> a.exc: Drift { connect fixed_probability(0.3)  weight 0.5 mV  delay 1 ms  delay dendritic 0.5 ms  modulator m = da.level }
    drive a.exc { poisson 800 Hz  weight 0.5 mV }
    drive b.exc { bernoulli 400 Hz * (1 + sin(t / 20 ms))  weight 0.7 mV }
}
neuron Ticks { state c = 0  c' = 1 / 1 ms  emit spike when c > 1 { c = 0 } }
network Brief { population p: Ticks[2] }
experiment e {
    network net = Net()
    network maps = Maps()
    maps.image.r ~ normal(0, 1)
    maps.pooled.teach = 0.5
    net.a.I = 1 mV * sin(t / 7 ms)
    record (net.a.spike, net.b.event)
    record net.s.x every 1 ms as x
    net.c.soma.I = 0.4 nA
    record net.c.dend[50].v every 10 ms as cable
    at 130 ms net.b.tau = 12 ms
    for k in 1..3 {
        if k == 2 {
            run 150 ms
            signal learn
            let turns ~ poisson(2)
            for again in 1 .. turns { signal learn in net.a }
        } else {
            let extra = k * 10
            run 120 ms
            net.a.I = 0.1 mV * extra
            measure odd = mean(net.link.w) + extra * 1 mV
        }
        for j in shuffle([1, 2, 3]) {
            run 60 ms
            measure total = sum(net.a.count) + j
        }
        plasticity off net.link
    }
    data d = dataset(x = sin(linspace(1, 216, 216)), y = linspace(0, 1, 6), examples = 6)
    for epoch in 1 .. 2 {
        for (x, y) in shuffle(d) {
            maps.image.r = x
            maps.pooled.teach = y - mean(maps.pooled.r)
            signal learn in maps
        }
        measure gathered = all(maps.pooled.r) over shuffle(d)[0 .. 4] { maps.image.r = x }
    }
    for k in 1 .. 3 {
        network brief = Brief()
        record brief.p.spike
        run 5 ms
        measure ticks = count(brief.p.spike)
    }
    var tries = 0
    repeat at most 5 times until tries == 3 {
        run 2 ms
        tries += 1
    }
    signal learn
    measure last_x = net.s[0].x
    measure luck = net.a.luck
    measure spread = net.o.v
    measure filters = maps.filters.w
    measure bias = maps.maps.bias
    measure others = maps.silent.w
    measure others = maps.flat.w
    expect total[0] > 0
    plot odd
}";

#[test]
fn resuming_anywhere_gives_the_same_bits_at_any_thread_count() {
    let p = program(EVERYTHING);
    let keeper = All::default();
    let whole = bits(&run(&p, &keeper, None, 1));
    let files = Folder(root().join("examples"));
    let plain = Runner { module: &p.module, files: &files, settings: Settings::default(), progress: &Silent };
    assert!(whole == bits(&plain.run(&p.module.experiments[0])), "checkpoints change nothing");
    let all = keeper.kept();
    assert!(all.len() >= 10, "{}", all.len());
    for (k, file) in all.into_iter().enumerate() {
        let resumed = run(&p, &All::default(), Some(file), 1 + k % 3);
        assert!(whole == bits(&resumed), "from checkpoint {k}");
    }
}

fn refused(file: Vec<u8>, belongs: RunIdentity) -> Box<Diagnostic> {
    let p = program(
        "neuron A { state v = 1 v' = -v / 1 s } network N { population a: A[1] } experiment e { network n = N() run 1 s }",
    );
    let files = Folder(root());
    let runner = Runner { module: &p.module, files: &files, settings: Settings::default(), progress: &Silent };
    let checkpoints = Checkpoints { keeper: &All::default(), belongs, resume: Some(file) };
    runner.run_with(&p.module.experiments[0], &checkpoints).failure.expect("refused")
}

#[test]
fn what_does_not_belong_or_is_damaged_is_refused() {
    let p = program(
        "neuron A { state v = 1 v' = -v / 1 s } network N { population a: A[1] } experiment e { network n = N() run 1 s }",
    );
    let keeper = All::default();
    run(&p, &keeper, None, 1);
    let good = keeper.kept().swap_remove(0);
    let said = |file: Vec<u8>, b: RunIdentity| {
        let d = refused(file, b);
        assert_eq!(d.code, Code::E0813);
        d.message.clone()
    };
    let changed = RunIdentity { source_sha256: "other".into(), ..belongs() };
    assert_eq!(
        said(good.clone(), changed),
        "this checkpoint cannot be resumed: the model, or a file it imports, has changed since"
    );
    let overrides = vec![("T".to_string(), "4s".to_string())];
    assert_eq!(
        said(good.clone(), RunIdentity { overrides, ..belongs() }),
        "this checkpoint cannot be resumed: it was made with no --set, now there is --set T=4s"
    );
    let cut = good[..good.len() - 3].to_vec();
    assert!(said(cut, belongs()).starts_with("this checkpoint is cut off: "));
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(said(flipped, belongs()), "this checkpoint is damaged");
    assert_eq!(said(b"PAR1".to_vec(), belongs()), "this is not a checkpoint");
    let text = String::from_utf8_lossy(&good).replacen("\"version\":11", "\"version\":10", 1).into_bytes();
    assert_eq!(said(text, belongs()), "this checkpoint has format 10, this program reads 11");
}

#[test]
fn a_saved_network_is_loaded_with_everything_it_remembers() {
    let out = crate::support::run("
        neuron Cell { param tau = 10 ms  event input exc: mV  state v = 0 mV  v' = -v / tau + exc  emit spike when v > 5 mV { v = 0 mV } }
        network Net {
            population a: Cell[50]
            drive a.exc { poisson 900 Hz  weight 1 mV }
            projection a -> a.exc: Static { connect fixed_probability(0.1)  weight 0.3 mV  delay 2 ms }
        }
        experiment e {
            network net = Net()
            run 100 ms
            net.a.tau = 12 ms
            save net to \"there.state\"
            run 50 ms
            measure first = sum(net.a.v)
            run 50 ms
            load net from \"there.state\"
            run 50 ms
            measure second = sum(net.a.v)
            network other = Net()
            load other from \"there.state\"
            run 50 ms
            measure third = sum(other.a.v)
        }");
    let value = |name: &str| out.measures[name][0].data[0];
    assert_eq!(value("first").to_bits(), value("second").to_bits());
    assert_eq!(value("first").to_bits(), value("third").to_bits());
    assert!(out.saved["there.state"].starts_with(b"neuro network\n"));
}

#[test]
fn a_network_built_otherwise_is_not_loaded() {
    let d = crate::support::run_failing(
        "
        neuron Cell { state v = 0  v' = -v / 1 s }
        network Net(n: int) { population a: Cell[n] }
        experiment e {
            network net = Net(5)
            save net to \"five.state\"
            network net = Net(6)
            load net from \"five.state\"
        }",
    );
    assert_eq!(d.code, Code::E0813);
    assert_eq!(d.message, "`five.state` does not fit the network: expected a: Cell[6], found a: Cell[5]");
}

const LONG: &str = "
neuron Cell { event input exc: mV  state v = 0 mV  v' = -v / 10 ms + exc  emit spike when v > 5 mV { v = 0 mV } }
network Net { population a: Cell[400]  drive a.exc { poisson 900 Hz  weight 1 mV } }
experiment long {
    network net = Net()
    record net.a.spike
    for k in 1..100 {
        run 500 ms
        measure v = mean(net.a.v)
    }
    measure spikes = count(net.a.spike)
}
";

fn neuro(folder: &Path, results: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
    command.current_dir(folder).args(["run", "long.neuro", "long", "--quiet", "--results", results]).args(more);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_killed_run_goes_on_from_its_last_checkpoint() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("killed");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("long.neuro"), LONG).unwrap();
    assert!(neuro(&folder, "whole", &[]).status().unwrap().success());
    let options = ["--checkpoint-every", "10ms", "--resume"];
    let checkpoint = folder.join("parts/long/checkpoint.state");
    // Killed as soon as there is a checkpoint, twice; then to the end.
    for _ in 0..2 {
        let before = std::fs::metadata(&checkpoint).and_then(|m| m.modified()).ok();
        let mut child = neuro(&folder, "parts", &options).spawn().unwrap();
        while std::fs::metadata(&checkpoint).and_then(|m| m.modified()).ok() == before {
            assert!(child.try_wait().unwrap().is_none(), "ended before a checkpoint was kept");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(neuro(&folder, "parts", &options).status().unwrap().success());
    assert!(!checkpoint.exists());
    for file in ["measures.json", "a.spike.parquet"] {
        let read = |results: &str| std::fs::read(folder.join(results).join("long").join(file)).unwrap();
        assert!(read("whole") == read("parts"), "{file}");
    }
}

#[test]
fn recordings_stay_readable_after_a_load() {
    let out = crate::support::run(
        "
        neuron Cell { event input exc: mV  state v = 0 mV  v' = -v / 10 ms + exc  emit spike when v > 5 mV { v = 0 mV } }
        network Net { population a: Cell[50]  drive a.exc { poisson 900 Hz  weight 1 mV } }
        experiment e {
            network net = Net()
            save net to \"begin.state\"
            record net.a.spike
            record net.a[0].v every 1 ms as v
            run 100 ms
            measure before = count(net.a.spike)
            load net from \"begin.state\"
            measure after = count(net.a.spike)
            measure samples = len(values(v))
            plot net.a.spike, v
            record net.a.spike as again
            run 100 ms
            measure second = count(again)
            measure both = count(net.a.spike)
        }",
    );
    let value = |name: &str| out.measures[name][0].data[0];
    assert!(value("before") > 0.0);
    assert_eq!(value("before"), value("after"));
    // The same steps again, in a recording of their own; a name means the latest one.
    assert_eq!(value("before"), value("second"));
    assert_eq!(value("both"), value("second"));
    assert_eq!(value("samples"), 101.0);
}

/// Networks of every kind, each saved, and loaded by another experiment that goes on for a while.
const SAVED: [(&str, &str); 3] = [
    (
        "
neuron Cell { param tau = 10 ms  event input exc: mV  input I: mV = 0 mV  state v = 0 mV  v' = (I - v) / tau + exc  emit spike when v > 5 mV { v = 0 mV } }
synapse Pair { weight w: mV in 0 mV .. 5 mV  state x = 0  x' = -x / 20 ms  on pre.spike { deliver w  x += 1 }  on post.spike { w += 0.01 mV * x } }
network Net {
    population a: Cell[6, 5]
    population b: Cell[20]
    init a.v ~ uniform(0 mV, 4 mV)
    drive a.exc { poisson 900 Hz  weight 1 mV }
    drive b.exc { bernoulli 400 Hz * (1 + sin(t / 20 ms))  weight 0.7 mV }
    projection a -> b.exc: Pair { connect fixed_probability(0.3)  weight ~ uniform(0 mV, 1 mV)  delay ~ uniform(0.5 ms, 3 ms) }
    projection b -> a.exc: Static { connect fixed_in_degree(3)  weight 0.3 mV  delay 2 ms }
    projection a -> a.exc: Static { connect all_to_all  weight 0.01 mV }
}
",
        "net.a.I = 1 mV * sin(t / 7 ms)  run 20 ms",
    ),
    (
        "
neuron Source { input x: 1 = 0.5  state r = 0  r' = (x - r) / 1 ms }
neuron Unit { input drive: 1  let r = tanh(drive) }
synapse Link { weight w: 1  deliver w * pre.r  on learn { w += 0.01 * pre.r * post.r } }
network Net {
    population a: Source[1, 6, 6]
    population b: Unit[2, 4, 4]
    population c: Unit[3]
    projection a -> b.drive: Link { connect conv(3)  weight ~ normal(0, 0.1) }
    projection b -> c.drive: Link { connect all_to_all  weight ~ normal(0, 0.1) }
}
",
        "run 1 ms  signal learn",
    ),
    (
        "
use std.neurons.cable
network Net { population c: ActiveBallAndStick[2]  population d: ActiveBallAndStick[1] }
",
        "net.c.soma.I = 0.2 nA  run 2 ms",
    ),
];

/// The file of a network with another content, under digests that fit it.
fn resealed(file: &[u8], change: &mut dyn FnMut(&mut Vec<u8>)) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let digest = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>();
    let parts: Vec<&[u8]> = file.splitn(4, |b| *b == b'\n').collect();
    let mut content = parts[3].to_vec();
    change(&mut content);
    let mut header: serde_json::Value = serde_json::from_slice(parts[1]).unwrap();
    (header["bytes"], header["sha256"]) = (content.len().into(), digest(&content).into());
    let header = header.to_string();
    [parts[0], header.as_bytes(), digest(header.as_bytes()).as_bytes(), &content].join(&b'\n')
}

#[test]
fn a_saved_network_is_held_against_what_could_have_been_made_here() {
    struct One(Vec<u8>);
    impl neuro::data::Files for One {
        fn read(&self, _: &str) -> Result<Vec<u8>, String> {
            Ok(self.0.clone())
        }
        fn find(&self, _: &str) -> Option<Vec<u8>> {
            None
        }
    }
    let turns = if std::env::var_os("NEURO_SLOW").is_some() { 3_000 } else { 300 };
    let (mut refused, mut accepted, mut panicked) = (0, 0, Vec::new());
    for (which, (models, before)) in SAVED.into_iter().enumerate() {
        let saver = format!("{models}\nexperiment e {{ network net = Net()  {before}  save net to \"x.state\" }}");
        let good = crate::support::run(&saver).saved["x.state"].clone();
        let p = program(&format!(
            "{models}\nexperiment e {{ network net = Net()  load net from \"x.state\"  {before}  measure done = 1 }}"
        ));
        let run = |file: Vec<u8>| {
            let (files, settings) = (One(file), Settings { threads: 1, ..Settings::default() });
            Runner { module: &p.module, files: &files, settings, progress: &Silent }.run(&p.module.experiments[0])
        };
        assert!(run(good.clone()).failure.is_none(), "{which}");
        let mut state = 88_172_645_463_325_252u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        for turn in 0..turns {
            let file = resealed(&good, &mut |content| {
                for _ in 0..=random(2) {
                    // What comes first says how much there is of everything.
                    let reach = if random(2) == 0 { content.len() } else { content.len().min(1500) };
                    let at = random(reach);
                    content[at] = match random(4) {
                        0 => [0, 1, 0x7f, 0xff][random(4)],
                        1 => content[at].wrapping_add(1),
                        _ => content[at] ^ 1 << random(8),
                    };
                }
            });
            match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(file))) {
                Ok(out) if out.failure.is_some() => refused += 1,
                Ok(_) => accepted += 1,
                Err(_) => panicked.push((which, turn)),
            }
        }
    }
    assert!(panicked.is_empty(), "{panicked:?} of {refused} refused and {accepted} accepted");
    // Most bytes are numbers, of which others may be as good.
    assert!(refused > 30 && accepted > 30, "{refused} refused, {accepted} accepted");
}
