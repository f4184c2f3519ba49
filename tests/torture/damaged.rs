//! Damaged files of every format that is read: refused or read, but never a panic, a signal or a hang; and what carries a digest is
//! never accepted with another content.

use crate::support::{Ended, Neuro, Numbers, SIGINT, Turns, files, folder, while_};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What writes the files and what reads them.
const MODEL: &str = "
use std.synapses.short_term
neuron Cell {
    param tau = 10 ms
    event input exc: mV
    state v = 0 mV
    v' = -v / tau + exc
    emit spike when v > 5 mV { v = 0 mV   hold v for 1 ms }
}
synapse Rule {
    weight w: mV in 0 mV .. 1 mV
    state x = 0
    x' = -x / 20 ms
    on pre.spike { deliver w   x += 1 }
    on post.spike { w += 0.01 mV * (x - 0.5) }
}
neuron Unit { input I: 1 = 0   state bias = 0   let r = tanh(I + bias)   on learn { bias += 0.1 * r } }
synapse Link { weight w   deliver w * pre.r   on learn { w += 0.01 * pre.r * post.r } }
network Net {
    population a: Cell[20]
    population b: Cell[10]
    drive a.exc { poisson 900 Hz  weight 1 mV }
    projection link: a -> b.exc: Rule { connect all_to_all  weight ~ uniform(0 mV, 0.5 mV)  delay ~ uniform(1 ms, 4 ms) }
    projection back: b -> a.exc: ShortTerm { connect fixed_probability(0.3)  weight 0.2 mV  delay 1 ms }
}
network Rates {
    population a: Unit[6]
    population b: Unit[4]
    projection link: a -> b.I: Link { connect all_to_all  weight ~ uniform(-1, 1) }
}
network FromFiles {
    population a: Cell[5]
    population b: Cell[4]
    drive a.exc { spikes csv(\"spikes.csv\")  weight 1 mV }
    projection link: a -> b.exc: Static { connect from \"links.csv\"(pre = \"pre\", post = \"post\")  weight 1 mV  delay 1 ms }
    projection zipped: a -> b.exc: Static { connect from \"links.csv.gz\"(pre = \"pre\", post = \"post\")  weight 1 mV  delay 1 ms }
}
network FromArray {
    population a: Unit[5]
    population b: Unit[4]
    projection link: a -> b.I: Link { connect all_to_all  weight npy(\"weights.npy\") }
}
experiment long(rounds: int = 400) {
    network net = Net()
    record net.a.spike
    record net.b.v every 0.5 ms as v
    for k in 1 .. rounds {
        run 100 ms
        measure total = sum(net.link.w)
    }
}
experiment write {
    network net = Net()
    run 30 ms
    save net to \"net.state\"
    network rates = Rates()
    signal learn
    save rates to \"rates.npz\"
    save rates to \"rates.safetensors\"
    save rates to \"rates.state\"
}
experiment read_state { network net = Net()   load net from \"net.state\"   run 20 ms   measure v = sum(net.a.v) }
experiment read_rates { network net = Rates()   load net from \"rates.state\"   signal learn   run 1 ms   measure r = sum(net.b.r) }
experiment read_npz { network net = Rates()   load net from \"rates.npz\"   measure w = sum(net.link.w) }
experiment read_safetensors { network net = Rates()   load net from \"rates.safetensors\"   measure w = sum(net.link.w) }
experiment read_tables {
    network net = FromFiles()
    network other = FromArray()
    let x = npy(\"numbers.npy.gz\")
    let y = column(csv(\"numbers.csv\"), \"y\")
    measure sums = sum(x) + sum(y) + rows(csv(\"numbers.csv\"))
    run 10 ms
    measure v = sum(net.b.v) + sum(other.b.r) * 1 mV
}
";

/// A file in the format of NumPy.
fn npy(shape: &str, kind: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend_from_slice(&(header.len() as u16).to_le_bytes());
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(data);
    out
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    out.write_all(bytes).and_then(|()| out.finish()).expect("compressed")
}

/// Writes another content: bits, cuts, additions, numbers that are too large.
fn damage(bytes: &[u8], n: &mut Numbers) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..1 + n.below(2) {
        let at = n.below(out.len());
        let end = (at + 1 + n.below(12)).min(out.len());
        match n.below(9) {
            0..=2 => out.iter_mut().skip(at).take(1).for_each(|b| *b ^= 1 << n.below(8)),
            3 => out.truncate(at),
            4 => out.extend((0..1 + n.below(40)).map(|_| n.next() as u8)),
            5 => out[at..end].fill(0),
            6 => out[at..end].fill(0xff),
            7 => drop(out.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])),
            _ => drop(out.drain(at..end)),
        }
        if out.is_empty() {
            break;
        }
    }
    out
}

/// The first line, the header, its digest and the content of a checkpoint or a saved network.
fn parts(bytes: &[u8]) -> [&[u8]; 4] {
    let mut lines = bytes.splitn(4, |b| *b == b'\n');
    std::array::from_fn(|_| lines.next().expect("three lines and a content"))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Damages what follows the header, and lets the header fit.
fn damage_within(bytes: &[u8], n: &mut Numbers) -> Vec<u8> {
    let [magic, header, _, content] = parts(bytes);
    let mut content = content.to_vec();
    match n.chance(0.3) {
        true => content = damage(&content, n),
        // Little enough for the content to be read, mostly.
        false => {
            for _ in 0..1 + n.below(3) {
                // What comes first says how much there is of everything.
                let most = if n.chance(0.5) { content.len() } else { content.len().min(2000) };
                let at = n.below(most);
                let (old, bit) = (content[at], 1 << n.below(8));
                content[at] = *n.pick(&[0, 1, 0x7f, 0xff, old ^ bit, old.wrapping_add(1)]);
            }
        }
    }
    let mut header: serde_json::Value = serde_json::from_slice(header).expect("a header");
    (header["bytes"], header["sha256"]) = (content.len().into(), sha256(&content).into());
    let header = header.to_string();
    [magic, header.as_bytes(), sha256(header.as_bytes()).as_bytes(), &content].join(&b'\n')
}

/// Damages a bit of the header.
fn damage_header(bytes: &[u8], n: &mut Numbers) -> Vec<u8> {
    let [magic, header, digest, _] = parts(bytes);
    let mut out = bytes.to_vec();
    out[n.below(magic.len() + header.len() + digest.len() + 3)] ^= 1 << n.below(8);
    out
}

/// Damages a file that carries a digest. Returns what was done, and whether the digest is right nonetheless.
fn damage_digested(bytes: &[u8], n: &mut Numbers) -> (Vec<u8>, bool) {
    match n.below(4) {
        0 => (damage(bytes, n), false),
        1 => (damage_header(bytes, n), false),
        _ => (damage_within(bytes, n), true),
    }
}

fn run(folder: &Path, experiment: &str, to: &str) -> Neuro {
    Neuro::new(folder, ["run", "m.neuro", experiment, "--quiet", "--results", to])
}

/// The undamaged files, by name.
struct Whole {
    folder: PathBuf,
    /// Beside the source.
    files: BTreeMap<&'static str, Vec<u8>>,
    /// What a stopped run leaves, and where its checkpoint is.
    stopped: BTreeMap<String, Vec<u8>>,
    checkpoint: String,
    record: Vec<u8>,
}

/// Makes all files once.
fn whole() -> Result<Whole, String> {
    let here = folder("damaged");
    std::fs::write(here.join("m.neuro"), MODEL).expect("a file");
    while_("write", run(&here, "write", "out").run().is_well())?;
    let mut all = BTreeMap::new();
    for name in ["net.state", "rates.state", "rates.npz", "rates.safetensors"] {
        let bytes = std::fs::read(here.join("out/write").join(name)).map_err(|e| format!("{name}: {e}"))?;
        all.insert(name, bytes);
    }
    let doubles: Vec<u8> = (0..20).flat_map(|k| (0.1 * f64::from(k)).to_le_bytes()).collect();
    let singles: Vec<u8> = (0..12).flat_map(|k| (k as f32).to_le_bytes()).collect();
    let links = b"pre,post,weight\n0,1,0.5\n1,2,0.25\n4,3,1\n2,0,2\n";
    all.insert("weights.npy", npy("(20,)", "<f8", &doubles));
    all.insert("numbers.npy.gz", gz(&npy("(3, 4)", "<f4", &singles)));
    all.insert("links.csv", links.to_vec());
    all.insert("links.csv.gz", gz(links));
    all.insert("spikes.csv", b"time,cell\n1,0\n1.5,3\n2.25,4\n".to_vec());
    all.insert("numbers.csv", b"x\ty\n1\t2\n3\t4.5\n-1e3\t0\n".to_vec());
    for (name, bytes) in &all {
        std::fs::write(here.join(name), bytes).expect("a file");
    }
    for (experiment, _) in READERS {
        while_(experiment, run(&here, experiment, "out").run().is_well())?;
    }
    // Stopped while it goes on.
    let parts = here.join("parts/long");
    let mut going = run(&here, "long", "parts").args(["--checkpoint-every", "1s"]).start();
    going.wait(Duration::from_millis(300));
    while going.is_going() && !parts.exists() {
        going.wait(Duration::from_millis(5));
    }
    going.signal(SIGINT);
    let ended = going.end();
    while_("a run that is stopped", ended.is_orderly())?;
    let stopped = files(&parts);
    let checkpoint = stopped.keys().find(|f| f.starts_with("checkpoint")).cloned();
    let checkpoint = checkpoint.ok_or_else(|| format!("no checkpoint is kept\n{}", ended.err))?;
    let record = std::fs::read(here.join("out/write/run.json")).map_err(|e| format!("run.json: {e}"))?;
    Ok(Whole { folder: here, files: all, stopped, checkpoint, record })
}

/// Experiments that read files, and which.
const READERS: [(&str, &[&str]); 5] = [
    ("read_state", &["net.state"]),
    ("read_rates", &["rates.state"]),
    ("read_npz", &["rates.npz"]),
    ("read_safetensors", &["rates.safetensors"]),
    ("read_tables", &["weights.npy", "numbers.npy.gz", "links.csv", "links.csv.gz", "spikes.csv", "numbers.csv"]),
];

/// A damaged file with a digest that does not fit must be refused; others may be.
fn is_refused(ended: &Ended, must: bool) -> Result<(), String> {
    ended.is_orderly()?;
    match must && !(ended.code() == 1 && ended.err.contains("E0813")) {
        true => Err(format!("is not refused with E0813: exits with {}\n{}", ended.code(), ended.err)),
        false => Ok(()),
    }
}

fn put(folder: &Path, files: &BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    }
}

/// Lets the run of a damaged checkpoint go on.
fn resume(whole: &Whole, here: &Path, n: &mut Numbers) -> Result<(), String> {
    let mut stopped = whole.stopped.clone();
    let good = &whole.stopped[&whole.checkpoint];
    let (bad, within) = damage_digested(good, n);
    let differs = bad != *good;
    stopped.insert(whole.checkpoint.clone(), bad);
    put(&here.join("parts/long"), &stopped);
    // What goes on in spite of the damage need not come to its end.
    let mut going = run(here, "long", "parts").args(["--resume", "--checkpoint-every", "1h"]).start();
    going.wait(Duration::from_millis(700));
    going.signal(SIGINT);
    let ended = going.end();
    while_(
        &format!("a damaged checkpoint, digest {}", if within { "made anew" } else { "left" }),
        is_refused(&ended, differs && !within),
    )
}

/// Lets experiments read damaged files.
fn read(whole: &Whole, here: &Path, n: &mut Numbers, turns: &mut Turns) -> Result<(), String> {
    for (experiment, names) in READERS {
        let name = *n.pick(names);
        let good = &whole.files[name];
        let digested = name.ends_with(".state");
        let (bad, within) = if digested { damage_digested(good, n) } else { (damage(good, n), false) };
        let differs = bad != *good;
        std::fs::write(here.join(name), bad).expect("a file");
        let ended = run(here, experiment, "out").run();
        turns.count("refused", u64::from(ended.code() == 1));
        turns.count("read", u64::from(ended.code() == 0));
        let what = format!("{experiment} of a damaged {name}{}", if within { ", digest made anew" } else { "" });
        while_(&what, is_refused(&ended, differs && digested && !within))?;
        if !digested && ended.code() == 2 {
            return Err(format!("{what}: exits with 2\n{}", ended.err));
        }
        std::fs::write(here.join(name), good).expect("a file");
        std::fs::remove_dir_all(here.join("out")).map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// Repeats a damaged record, and sweeps over one.
fn records(whole: &Whole, here: &Path, n: &mut Numbers) -> Result<(), String> {
    std::fs::write(here.join("run.json"), damage(&whole.record, n)).expect("a file");
    let ended = Neuro::new(here, ["run", "--replay", "run.json", "--quiet", "--results", "again"]).run();
    while_("--replay of a damaged record", ended.is_orderly())?;
    let point = here.join("sweep/rounds=1/long");
    let sweep = || Neuro::new(here, ["sweep", "m.neuro", "long", "--over", "rounds=1,2"]).run();
    while_("a sweep", sweep().is_well())?;
    let record = std::fs::read(point.join("run.json")).map_err(|e| e.to_string())?;
    std::fs::write(point.join("run.json"), damage(&record, n)).expect("a file");
    while_("a sweep over a damaged record", sweep().is_orderly())
}

#[test]
fn damaged() {
    let mut turns = Turns::of("damaged", 16);
    let whole = match whole() {
        Ok(whole) => whole,
        Err(why) => panic!("{why}"),
    };
    while let Some(seed) = turns.next() {
        let mut n = Numbers::of(seed);
        let here = folder(&format!("damaged-{seed}"));
        std::fs::write(here.join("m.neuro"), MODEL).expect("a file");
        let beside: BTreeMap<String, Vec<u8>> = whole.files.iter().map(|(n, b)| (n.to_string(), b.clone())).collect();
        put(&here, &beside);
        let told = |why: String| format!("{}: {why}", here.display());
        let mut fine = turns.check(resume(&whole, &here, &mut n).map_err(told));
        let done = read(&whole, &here, &mut n, &mut turns);
        fine &= turns.check(done.map_err(told));
        if seed % 4 == 0 {
            fine &= turns.check(records(&whole, &here, &mut n).map_err(told));
        }
        turns.count("files", 7);
        if fine {
            let _ = std::fs::remove_dir_all(here);
        }
    }
    let _ = std::fs::remove_dir_all(&whole.folder);
    turns.end();
}
