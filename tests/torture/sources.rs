//! Mutated sources: whatever a file holds, every command ends in an orderly way.

use crate::support::{Ended, Neuro, Numbers, SIGINT, Turns, folder, root, shortened};
use neuro::compiler::{NoImports, compile};
use neuro::parallel::on_deep_stack;
use neuro::source::{FileId, SourceFile};
use neuro::syntax::format::format;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// Words that are put in: keywords, marks, units, and numbers that are too much.
const WORDS: &str = "
neuron synapse network experiment test population projection drive connect weight delay dendritic param state let var
event input emit on when rising falling if then else for in init view run step measure expect within record every as
at during signal seed dt precision f32 f64 poisson bernoulli spikes scheme exact euler rk4 rk45(1e-9) deliver hold
mute use fn const and or not true false from with batch modulator compartment current channel gate length diameter
conv(3) pool(2) energy window settle until sweep reset print plot save load data dataset over against rewire since
previous delayed xi noise shared redrawn clipped t i pi inf nan { } ( ) [ ] -> .. = == != <= >= += -= *= /= + - * / ^
~ , . : ' \" ## # µ é 😀 0 -1 0.5 1e308 1e309 -1e-320 1e10 9007199254740993 18446744073709551616
99999999999999999999999999 4294967296 2147483648 mV ms Hz nS pA s kHz um uF/cm^2 1/ms % degC [] (((( )))) random()
exp(1e6) sqrt(-1) log(0) x[1e9] all_to_all one_to_one fixed_probability(0.1) fixed_in_degree(1e9) fixed_total(1e12)
distance(d)
";

/// Others, which are more than a word, or less.
const PHRASES: &[&str] = &[
    "store never",
    "transpose of",
    "repeat at most",
    "plasticity off",
    "per pre",
    "per synapse",
    "per cell",
    "\\",
    "\0",
    "\u{feff}",
    "\r\n",
    "\t",
    "0.1 ms",
    "1e9 s",
    "1e-12 ms",
    "[1, 2]",
    "uniform(0, 1)",
    "normal(0, 1)",
    "1 / 0",
    "0 / 0",
    "mod(1, 0)",
    "linspace(0, 1, 1e7)",
    "repeat(1, 1e12)",
    "csv(\"links.csv\")",
    "npy(\"no.npy\")",
];

/// Numbers that are too small or too large for what they are written for.
const NUMBERS: &[&str] =
    &["0", "0.0", "1", "2", "3", "-1", "0.5", "1e-9", "1e-30", "1e3", "65536", "1e6", "1e9", "1e15", "1e30", "1e300"];

fn word(n: &mut Numbers) -> &'static str {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    if n.chance(0.8) { n.pick::<&str>(&words) } else { n.pick::<&str>(PHRASES) }
}

/// A source that is mutated, and the folder whose files it may read.
struct Source {
    name: String,
    text: Vec<u8>,
    beside: PathBuf,
}

fn originals() -> &'static [Source] {
    static ALL: OnceLock<Vec<Source>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut out = Vec::new();
        let mut folders = ["examples", "stdlib", "tests/meaning"].map(|f| root().join(f)).to_vec();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "neuro") {
                    let name = path.to_string_lossy().into_owned();
                    out.push(Source { name, text: std::fs::read(&path).expect("a file"), beside: folder.clone() });
                }
            }
        }
        out.sort_by(|a, b| a.name.cmp(&b.name));
        out
    })
}

/// Cuts a text into words, numbers, marks and blanks.
fn tokens(text: &[u8]) -> Vec<&[u8]> {
    let class = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'_' | 128.. => 0,
        b'0'..=b'9' | b'.' => 1,
        b' ' | b'\t' | b'\n' | b'\r' => 2,
        _ => 3,
    };
    text.chunk_by(|a, b| class(*a) == class(*b) && class(*a) != 3).collect()
}

fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    text.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect()
}

/// One mutation.
fn mutation(text: Vec<u8>, n: &mut Numbers) -> Vec<u8> {
    if text.is_empty() {
        return word(n).as_bytes().to_vec();
    }
    match n.below(18) {
        // Numbers and words for others of their kind, so that many a file is still accepted.
        14.. => {
            let mut all: Vec<Vec<u8>> = tokens(&text).into_iter().map(<[u8]>::to_vec).collect();
            let number = n.chance(0.6);
            let is_such = |t: &[u8]| if number { t[0].is_ascii_digit() } else { t[0].is_ascii_alphabetic() };
            let such: Vec<usize> = (0..all.len()).filter(|k| is_such(&all[*k])).collect();
            if let (Some(at), Some(other)) = (such.get(n.below(such.len())), such.get(n.below(such.len()))) {
                let extreme = number && n.chance(0.7);
                all[*at] = if extreme { n.pick(NUMBERS).as_bytes().to_vec() } else { all[*other].clone() };
            }
            all.concat()
        }
        // Tokens.
        0..=6 => {
            let mut all: Vec<Vec<u8>> = tokens(&text).into_iter().map(<[u8]>::to_vec).collect();
            let (at, other) = (n.below(all.len()), n.below(all.len()));
            match n.below(6) {
                0 => drop(all.remove(at)),
                1 => all.insert(at, all[at].clone()),
                2 => all.swap(at, other),
                3 => all[at] = all[other].clone(),
                4 => all[at] = word(n).as_bytes().to_vec(),
                _ => {
                    all.insert(at, format!(" {} ", word(n)).into_bytes());
                }
            }
            all.concat()
        }
        // Lines.
        7..=9 => {
            let mut all = lines(&text);
            let (at, other) = (n.below(all.len()), n.below(all.len()));
            match n.below(4) {
                0 => drop(all.remove(at)),
                1 => all.insert(at, all[other].clone()),
                2 => all.swap(at, other),
                _ => {
                    // A stretch many times over.
                    let stretch = all[at.min(other)..=at.max(other).min(at.min(other) + 5)].concat();
                    all.insert(at, stretch.repeat(1 + n.below(30)));
                }
            }
            all.concat()
        }
        // Bytes.
        10 => {
            let mut text = text;
            let at = n.below(text.len());
            match n.below(4) {
                0 => text[at] ^= 1 << n.below(8),
                1 => text[at] = n.next() as u8,
                2 => drop(text.remove(at)),
                _ => text.insert(at, *n.pick(&[0u8, 0xff, 0xc3, b'{', b'(', b'"', b'\n'])),
            }
            text
        }
        11 => text[..n.below(text.len())].to_vec(),
        12 => {
            // The beginning of this one and the end of another.
            let other = &n.pick(originals()).text;
            [&text[..n.below(text.len())], &other[n.below(other.len().max(1)).min(other.len())..]].concat()
        }
        _ => {
            // Deep nesting, or a very long name.
            let mut text = text;
            let at = n.below(text.len());
            let deep =
                n.pick(&["(", "[", "{", "-", "not ", "x", "if 1 > 0 then ", "1 + (", "f("]).repeat(1 + n.below(3000));
            text.splice(at..at, deep.into_bytes());
            text
        }
    }
}

/// A mutated source; most mutations are few, so that some files are still accepted.
fn mutated(n: &mut Numbers) -> (&'static Source, Vec<u8>) {
    let source = n.pick(originals());
    let mut text = source.text.clone();
    for _ in 0..if n.chance(0.6) { 1 } else { 2 + n.below(3) } {
        text = mutation(text, n);
    }
    (source, text)
}

const STAGES: [&str; 7] = ["ast", "hir", "solved", "plan", "ir", "clif", "asm"];

/// What a turn is made of: so many files, each in a folder that has the data beside it.
const FILES: usize = 30;

fn write(text: &[u8], name: &str, beside: &Path, folder: &Path) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a file");
    // What the source reads and imports, without copies.
    for entry in std::fs::read_dir(beside).into_iter().flatten().flatten() {
        let _ = std::os::unix::fs::symlink(entry.path(), folder.join(entry.file_name()));
    }
    path
}

/// Without data sets, which would take as much memory as they are large.
fn run(folder: &Path, args: &[&str]) -> Ended {
    Neuro::new(folder, ["--message-format", "short"]).args(args).before("unset NEURO_DATA").run()
}

/// Runs for so long at most.
fn run_shortly(folder: &Path, args: &[&str], most: Duration) -> Ended {
    let going = Neuro::new(folder, ["--message-format", "short"]).args(args).before("unset NEURO_DATA");
    let mut going = going.start();
    going.wait(most);
    going.signal(SIGINT);
    // A second one ends at once what does not heed the first, such as a large network that is being built.
    going.wait(most + Duration::from_secs(4));
    going.signal(SIGINT);
    going.end()
}

/// Says what was wrong, and with which file.
fn verdict(ended: &Ended, command: &str, file: &Path) -> Result<(), String> {
    ended.is_orderly().map_err(|why| format!("{command} {}: {why}", file.display()))
}

/// Goes through the commands with one file; returns whether it is accepted.
fn one(folder: &Path, name: &str, n: &mut Numbers, turns: &mut Turns) -> bool {
    let file = folder.join(name);
    let (mut failed, long) = (false, turns.is_long());
    let mut look = |turns: &mut Turns, ended: &Ended, command: &str| {
        turns.count("commands", 1);
        failed |= !turns.check(verdict(ended, command, &file));
    };
    let checked = run(folder, &["check", name]);
    let accepted = checked.succeeded();
    look(turns, &checked, "check");
    if accepted {
        turns.count("accepted", 1);
        for stage in STAGES.into_iter().filter(|_| long || n.chance(0.3)) {
            look(turns, &run(folder, &["emit", "--stage", stage, name]), &format!("emit --stage {stage}"));
        }
        look(turns, &run(folder, &["explain", name]), "explain");
        let most = Duration::from_millis(if long { 1500 } else { 300 });
        let threads = *n.pick(&["1", "2"]);
        let backend = *n.pick(&["auto", "cranelift", "interpreter"]);
        let args = ["run", name, "--quiet", "--results", "out", "--threads", threads, "--backend", backend];
        look(turns, &run_shortly(folder, &args, most), "run");
        look(turns, &run_shortly(folder, &["test", name], most), "test");
    } else if n.chance(0.1) {
        for command in [
            vec!["emit", "--stage", *n.pick(&STAGES), name],
            vec!["explain", name],
            vec!["run", name],
            vec!["test", name],
        ] {
            look(turns, &run(folder, &command), &command.join(" "));
        }
    }
    // The layout changes nothing about what is said, and a second time nothing at all.
    let copy = "formatted.neuro";
    let _ = std::fs::copy(&file, folder.join(copy));
    let formatted = run(folder, &["fmt", copy]);
    look(turns, &formatted, "fmt");
    if formatted.succeeded() {
        let text = std::fs::read(folder.join(copy)).unwrap_or_default();
        let again = run(folder, &["fmt", "--check", copy]);
        if !again.succeeded() {
            turns.fail(format!("fmt is not done after one time: {}", file.display()));
            failed = true;
        }
        if accepted && !run(folder, &["check", copy]).succeeded() {
            turns.fail(format!(
                "fmt of an accepted file gives one that is not: {}\n{}",
                file.display(),
                shortened(&String::from_utf8_lossy(&text))
            ));
            failed = true;
        }
    }
    let _ = std::fs::remove_file(folder.join(copy));
    if !failed && !accepted {
        let _ = std::fs::remove_file(&file);
    }
    accepted
}

/// Returns whether a file is text; the check of many files ends with one that is not.
fn is_text(folder: &Path) -> bool {
    std::fs::read(folder.join("m.neuro")).is_ok_and(|b| std::str::from_utf8(&b).is_ok())
}

#[test]
fn sources() {
    let mut turns = Turns::of("sources", 3);
    while let Some(seed) = turns.next() {
        let mut n = Numbers::of(seed);
        let here = folder(&format!("sources-{seed}"));
        // One process checks many files; only those that are accepted, or make trouble, are gone through one by one.
        let mut all = Vec::new();
        for k in 0..FILES {
            let (source, text) = mutated(&mut n);
            let place = here.join(format!("{k}"));
            std::fs::create_dir_all(&place).expect("a folder");
            write(&text, "m.neuro", &source.beside, &place);
            all.push(place);
        }
        turns.count("files", all.len() as u64);
        let name = |p: &PathBuf| p.join("m.neuro").to_string_lossy().into_owned();
        let (text, other): (Vec<PathBuf>, Vec<PathBuf>) = all.into_iter().partition(|f| is_text(f));
        let names: Vec<String> = text.iter().map(name).collect();
        let together = Neuro::new(&here, ["check", "--message-format", "short"]).args(&names).run();
        let told: Vec<bool> = names.iter().map(|f| together.err.contains(&format!("{f}:"))).collect();
        let trouble = together.is_orderly().is_err();
        let before = turns.failures();
        let told = told.into_iter().chain(other.iter().map(|_| false));
        for (place, told) in text.iter().chain(&other).zip(told) {
            if trouble || !told || n.chance(0.05) {
                one(place, "m.neuro", &mut n, &mut turns);
            }
        }
        if trouble && turns.failures() == before {
            turns.fail(format!("check of many files in {}: {}", here.display(), together.is_orderly().unwrap_err()));
        }
        if turns.failures() == before {
            let _ = std::fs::remove_dir_all(here);
        }
    }
    turns.end();
}

/// Sources of a turn that are compiled in this process.
const TEXTS: u64 = 500;

/// Many more mutated sources, without the commands around them: checked and laid out in this process.
#[test]
fn compiled() {
    let mut turns = Turns::of("compiled", 2);
    while let Some(seed) = turns.next() {
        let mut n = Numbers::of(seed);
        for _ in 0..TEXTS {
            let (source, bytes) = mutated(&mut n);
            let Ok(text) = String::from_utf8(bytes) else { continue };
            turns.count("files", 1);
            let compiled = || {
                let accepted = compile(SourceFile::new("m.neuro", text.clone()), &mut NoImports).is_ok();
                let laid_out = format(FileId(0), &text);
                let again = laid_out.as_ref().ok().and_then(|once| format(FileId(0), once).ok());
                (accepted, laid_out.is_ok() || !accepted, again == laid_out.ok())
            };
            match catch_unwind(AssertUnwindSafe(|| on_deep_stack(compiled))) {
                Ok((accepted, true, true)) => turns.count("accepted", u64::from(accepted)),
                Ok((_, false, _)) => {
                    turns.fail(format!("of {}: fmt refuses what is right\n{}", source.name, shortened(&text)))
                }
                Ok((_, _, false)) => {
                    turns.fail(format!("of {}: fmt is not done after one time\n{}", source.name, shortened(&text)))
                }
                Err(_) => turns.fail(format!("of {}: a panic\n{}", source.name, shortened(&text))),
            }
        }
    }
    turns.end();
}
