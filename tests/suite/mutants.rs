//! `check` and `run` agree: a program that is accepted is never refused, while it runs, for its names, units, types or arguments.
//!
//! Programs that are right are changed a little (a name, a unit, an argument, an operator, a statement), most of them into
//! programs with a mistake. Those that are still accepted run for some steps; whatever stops them must be about values. Kinds of
//! mistakes that get past the check are listed in `KNOWN`, which only shrinks. `NEURO_SLOW=1` tries more.

use crate::support::{Folder, root, try_program};
use neuro::codegen::Backend;
use neuro::experiment::{Progress, Runner, Settings};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// What stops a run although the check has accepted the program, and the change that brings it about. Only ever take lines out.
const KNOWN: &[(&str, &str)] = &[];

/// What only more changes find.
const KNOWN_WHEN_SLOW: &[(&str, &str)] = &[];

/// Codes that follow from the text alone. E0205 is not among them where it is about a column of a file.
fn is_of_the_text(code: &str, message: &str) -> bool {
    let listed = ["E0401", "E0402", "E0405", "E0407", "E0602", "E0605", "E0607", "E0608", "E0611"].contains(&code);
    let named = code.starts_with("E02") || code.starts_with("E03") || code.starts_with("E05");
    listed || (named && !message.contains("column"))
}

/// A small generator: the same numbers for the same file and turn.
struct Numbers(u64);

impl Numbers {
    fn of(name: &str, turn: u64) -> Numbers {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        let mut n = Numbers((hash ^ turn.wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1);
        (0..8).for_each(|_| {
            n.below(2);
        });
        n
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % limit.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Number,
    Text,
    Mark,
    /// White space and comments.
    Blank,
}

/// Cuts a program into pieces, which joined are the program.
fn pieces(text: &str) -> Vec<(Kind, String)> {
    let mut out: Vec<(Kind, String)> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let take = |accept: fn(char) -> bool| rest.find(|c| !accept(c)).unwrap_or(rest.len());
        let (kind, length) = match first {
            '#' => (Kind::Blank, rest.find('\n').unwrap_or(rest.len())),
            '"' => (Kind::Text, rest[1..].find('"').map_or(rest.len(), |n| n + 2)),
            c if c.is_whitespace() => (Kind::Blank, take(char::is_whitespace)),
            c if c.is_ascii_digit() => (Kind::Number, number(rest)),
            c if c.is_alphabetic() || c == '_' => (Kind::Word, take(|c| c.is_alphanumeric() || c == '_')),
            _ => {
                let two =
                    ["->", "..", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/="].iter().any(|m| rest.starts_with(m));
                (Kind::Mark, if two { 2 } else { first.len_utf8() })
            }
        };
        out.push((kind, rest[..length].to_string()));
        rest = &rest[length..];
    }
    out
}

/// The length of a number: `1e-3`, `0.5`; not the dots of `0 .. 4` or `0..4`.
fn number(text: &str) -> usize {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(0);
    if text[end..].starts_with('.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    let sign = usize::from(text[end..].starts_with("e-") || text[end..].starts_with("e+"));
    if text[end..].starts_with('e') && digits(end + 1 + sign) > 0 {
        end += 1 + sign + digits(end + 1 + sign);
    }
    end
}

/// A program in pieces.
struct Draft(Vec<(Kind, String)>);

const UNITS: [&str; 9] = ["mV", "ms", "Hz", "nS", "pA", "s", "kHz", "um", "1"];
const OPERATORS: [&str; 8] = ["+", "-", "*", "/", "<", ">", "==", ">="];
/// Functions, connectors, distributions and values that are always there.
const BUILT_IN: [&str; 26] = [
    "t",
    "dt",
    "i",
    "pi",
    "xi",
    "mean",
    "sum",
    "len",
    "clip",
    "all_to_all",
    "one_to_one",
    "fixed_probability",
    "distance",
    "normal",
    "uniform",
    "exponential",
    "csv",
    "column",
    "weights",
    "delays",
    "n_synapses",
    "count",
    "values",
    "random",
    "shuffle",
    "linspace",
];
/// Words that a program is made of, which are left alone.
const WORDS: [&str; 62] = [
    "neuron",
    "synapse",
    "network",
    "experiment",
    "test",
    "population",
    "projection",
    "drive",
    "connect",
    "weight",
    "delay",
    "param",
    "state",
    "let",
    "event",
    "input",
    "emit",
    "on",
    "when",
    "if",
    "then",
    "else",
    "for",
    "in",
    "init",
    "view",
    "run",
    "step",
    "measure",
    "expect",
    "record",
    "every",
    "as",
    "at",
    "signal",
    "seed",
    "dt",
    "precision",
    "poisson",
    "bernoulli",
    "spikes",
    "scheme",
    "deliver",
    "hold",
    "mute",
    "use",
    "fn",
    "const",
    "within",
    "and",
    "or",
    "not",
    "true",
    "false",
    "from",
    "with",
    "batch",
    "modulator",
    "compartment",
    "current",
    "length",
    "diameter",
];

impl Draft {
    fn places(&self, wanted: impl Fn(Kind, &str) -> bool) -> Vec<usize> {
        (0..self.0.len()).filter(|i| wanted(self.0[*i].0, &self.0[*i].1)).collect()
    }

    fn names(&self) -> Vec<usize> {
        self.places(|k, t| k == Kind::Word && !WORDS.contains(&t) && !UNITS.contains(&t))
    }

    /// The next piece from a place on that is not blank.
    fn solid(&self, from: usize) -> Option<usize> {
        (from..self.0.len()).find(|i| self.0[*i].0 != Kind::Blank)
    }

    fn is(&self, at: Option<usize>, mark: &str) -> bool {
        at.is_some_and(|at| self.0[at].1 == mark)
    }

    /// The arguments of every call: ranges of pieces, the call's brackets not included.
    fn calls(&self) -> Vec<Vec<std::ops::Range<usize>>> {
        let opens = self.places(|_, t| t == "(").into_iter();
        let calls =
            opens.filter(|at| *at > 0 && self.0[at - 1].0 == Kind::Word && !WORDS.contains(&self.0[at - 1].1.as_str()));
        calls.filter_map(|open| self.arguments(open)).filter(|a| a.iter().all(|r| !r.is_empty())).collect()
    }

    fn arguments(&self, open: usize) -> Option<Vec<std::ops::Range<usize>>> {
        let (mut depth, mut start, mut found) = (0, open + 1, Vec::new());
        for at in open..self.0.len() {
            match self.0[at].1.as_str() {
                "(" | "[" => depth += 1,
                ")" | "]" if depth == 1 => {
                    found.push(start..at);
                    return Some(found);
                }
                ")" | "]" => depth -= 1,
                "," if depth == 1 => {
                    found.push(start..at);
                    start = at + 1;
                }
                _ => {}
            }
        }
        None
    }

    fn argument_texts(&self, arguments: &[std::ops::Range<usize>]) -> Vec<String> {
        arguments.iter().map(|r| self.0[r.clone()].iter().map(|p| p.1.as_str()).collect()).collect()
    }

    /// Writes other arguments between the brackets of a call.
    fn put_arguments(&mut self, old: &[std::ops::Range<usize>], new: &[String]) {
        let range = old[0].start..old[old.len() - 1].end;
        let text = new.iter().map(|a| a.trim()).collect::<Vec<_>>().join(", ");
        self.0.splice(range, [(Kind::Text, text)]);
    }

    fn text(&self) -> String {
        self.0.iter().map(|p| p.1.as_str()).collect()
    }
}

/// A change: its name, and what it does to a program; `None` where there is nothing to change.
type Change = (&'static str, fn(&str, &mut Numbers) -> Option<String>);

const CHANGES: [Change; 15] = [
    ("name replaced", name_replaced),
    ("built-in name", built_in_name),
    ("built-in call", built_in_call),
    ("unit replaced", unit_replaced),
    ("unit taken out", unit_taken_out),
    ("operator replaced", operator_replaced),
    ("argument taken out", |t, n| with_arguments(t, n, |a, n| drop(a.remove(n.below(a.len()))))),
    ("argument repeated", |t, n| with_arguments(t, n, |a, n| a.push(a[n.below(a.len())].clone()))),
    ("arguments exchanged", |t, n| with_arguments(t, n, |a, _| a.reverse())),
    ("argument named", argument_named),
    ("value of another kind", value_of_another_kind),
    ("member replaced", member_replaced),
    ("statement moved", statement_moved),
    ("statement in a block", statement_in_a_block),
    ("statement taken out", statement_taken_out),
];

fn name_replaced(text: &str, n: &mut Numbers) -> Option<String> {
    let mut draft = Draft(pieces(text));
    let names = draft.names();
    let (at, other) = (*n.pick(&names)?, *n.pick(&names)?);
    draft.0[at].1 = draft.0[other].1.clone();
    Some(draft.text())
}

/// Puts a name that every program knows where another one is.
fn built_in_name(text: &str, n: &mut Numbers) -> Option<String> {
    let mut draft = Draft(pieces(text));
    let at = *n.pick(&draft.names())?;
    draft.0[at].1 = n.pick(&BUILT_IN)?.to_string();
    Some(draft.text())
}

/// Puts a call of a function that every program knows where a number is.
fn built_in_call(text: &str, n: &mut Numbers) -> Option<String> {
    let mut draft = Draft(pieces(text));
    let numbers = draft.places(|k, _| k == Kind::Number);
    let at = *n.pick(&numbers)?;
    let name = *n.pick(&BUILT_IN)?;
    draft.0[at].1 = format!("{name}({})", draft.0[at].1);
    Some(draft.text())
}

fn unit_replaced(text: &str, n: &mut Numbers) -> Option<String> {
    let mut draft = Draft(pieces(text));
    let units = draft.places(|k, t| k == Kind::Word && UNITS.contains(&t));
    draft.0[*n.pick(&units)?].1 = n.pick(&UNITS)?.to_string();
    Some(draft.text())
}

fn unit_taken_out(text: &str, n: &mut Numbers) -> Option<String> {
    let mut draft = Draft(pieces(text));
    let units = draft.places(|k, t| k == Kind::Word && UNITS.contains(&t));
    draft.0[*n.pick(&units)?].1.clear();
    Some(draft.text())
}

fn operator_replaced(text: &str, n: &mut Numbers) -> Option<String> {
    let mut draft = Draft(pieces(text));
    let operators = draft.places(|k, t| k == Kind::Mark && OPERATORS.contains(&t));
    draft.0[*n.pick(&operators)?].1 = n.pick(&OPERATORS)?.to_string();
    Some(draft.text())
}

fn with_arguments(text: &str, n: &mut Numbers, change: fn(&mut Vec<String>, &mut Numbers)) -> Option<String> {
    let mut draft = Draft(pieces(text));
    let call = n.pick(&draft.calls())?.clone();
    let mut arguments = draft.argument_texts(&call);
    change(&mut arguments, n);
    draft.put_arguments(&call, &arguments);
    Some(draft.text())
}

/// Names an argument, or gives it another name, from those of the program.
fn argument_named(text: &str, n: &mut Numbers) -> Option<String> {
    let mut draft = Draft(pieces(text));
    let call = n.pick(&draft.calls())?.clone();
    let names = draft.names();
    let name = draft.0[*n.pick(&names)?].1.clone();
    let mut arguments = draft.argument_texts(&call);
    let which = n.below(arguments.len());
    let value = arguments[which].split_once(" = ").map_or(arguments[which].as_str(), |(_, v)| v).to_string();
    arguments[which] = format!("{name} = {}", value.trim());
    draft.put_arguments(&call, &arguments);
    Some(draft.text())
}

/// Puts a text, a truth value, an array or a quantity where a number is.
fn value_of_another_kind(text: &str, n: &mut Numbers) -> Option<String> {
    const VALUES: [&str; 6] = ["\"text\"", "true", "[1, 2]", "(3 mV)", "(1 > 0)", "t"];
    let mut draft = Draft(pieces(text));
    let numbers = draft.places(|k, _| k == Kind::Number);
    let at = *n.pick(&numbers)?;
    draft.0[at].1 = n.pick(&VALUES)?.to_string();
    let unit = draft.solid(at + 1).filter(|u| UNITS.contains(&draft.0[*u].1.as_str()));
    if let Some(unit) = unit {
        draft.0[unit].1.clear();
    }
    Some(draft.text())
}

/// Gives what stands after a dot the name of another member.
fn member_replaced(text: &str, n: &mut Numbers) -> Option<String> {
    let mut draft = Draft(pieces(text));
    let members: Vec<usize> =
        (1..draft.0.len()).filter(|i| draft.0[*i].0 == Kind::Word && draft.is(Some(i - 1), ".")).collect();
    let (at, other) = (*n.pick(&members)?, *n.pick(&members)?);
    draft.0[at].1 = draft.0[other].1.clone();
    Some(draft.text())
}

/// Lines that are one statement or item, brackets closed.
fn statements(lines: &[&str]) -> Vec<usize> {
    let balanced =
        |l: &str| [('{', '}'), ('(', ')')].iter().all(|(a, b)| l.matches(*a).count() == l.matches(*b).count());
    let is_one =
        |l: &str| !l.trim().is_empty() && !l.trim_start().starts_with('#') && l.starts_with(' ') && balanced(l);
    (0..lines.len()).filter(|i| is_one(lines[*i])).collect()
}

fn statement_moved(text: &str, n: &mut Numbers) -> Option<String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let all = statements(&lines);
    let (from, to) = (*n.pick(&all)?, *n.pick(&all)?);
    let line = lines.remove(from);
    lines.insert(to, line);
    Some(lines.join("\n"))
}

fn statement_in_a_block(text: &str, n: &mut Numbers) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let at = *n.pick(&statements(&lines))?;
    let head = n.pick(&["if true", "if 1 > 2", "for turn in 1 .. 2", "at 1 ms"])?;
    let block = format!("    {head} {{ {} }}", lines[at]);
    let mut lines = lines;
    lines[at] = &block;
    Some(lines.join("\n"))
}

fn statement_taken_out(text: &str, n: &mut Numbers) -> Option<String> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.remove(*n.pick(&statements(&lines))?);
    Some(lines.join("\n"))
}

/// Lets a run go on for some looks at the clock only.
struct Budget(AtomicU32);

impl Progress for Budget {
    fn update(&self, _: &neuro::experiment::Moment) {}

    fn interrupted(&self) -> Option<String> {
        (self.0.fetch_add(1, Ordering::Relaxed) >= 4).then(|| "long enough".to_string())
    }
}

/// Runs everything in an accepted program but some experiments; what the text should have been refused for: code and message.
fn late_refusal(text: &str, folder: &Path, but: &[String]) -> Option<(String, String)> {
    let program = try_program(text).ok()?;
    let files = Folder(folder.to_path_buf());
    let all = program.module.experiments.iter().chain(&program.module.tests);
    for experiment in all.filter(|e| !but.iter().any(|b| *b == e.name)) {
        let settings = Settings { backend: Backend::Interpreter, threads: 1, ..Settings::default() };
        let progress = Budget(AtomicU32::new(0));
        let runner = Runner { module: &program.module, files: &files, settings, progress: &progress };
        let failure = runner.run(experiment).failure.map(|d| (d.code.to_string(), d.message.clone()));
        if let Some(found) = failure.filter(|(code, message)| is_of_the_text(code, message)) {
            return Some(found);
        }
    }
    None
}

/// The same on a thread of its own: a panic is a finding, and what takes too long is left alone.
fn judged(text: String, folder: PathBuf, but: Vec<String>) -> Option<(String, String)> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let found = std::panic::catch_unwind(|| late_refusal(&text, &folder, &but));
        let _ = send.send(found.unwrap_or_else(|_| Some(("panic".to_string(), String::new()))));
    });
    receive.recv_timeout(Duration::from_secs(10)).unwrap_or_else(|_| Some(("endless".to_string(), String::new())))
}

/// Right programs: their name, text, and the folder of their files. Adaptive steps are left out: where a change makes their input
/// infinite, they take minutes to say so.
fn corpus() -> Vec<(String, String, PathBuf)> {
    let library = ["sources/spikes", "synapses/short_term", "synapses/gap_junction", "neurons/rate", "neurons/lif"];
    let mut files: Vec<PathBuf> =
        library.iter().map(|n| root().join("stdlib").join(n).with_extension("neuro")).collect();
    let own = std::fs::read_dir(root().join("tests/meaning/values")).unwrap().flatten().map(|e| e.path());
    files.extend(own.filter(|p| p.extension().is_some_and(|e| e == "neuro")));
    files.sort();
    let read = |p: PathBuf| {
        let name = p.file_stem().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&p).unwrap(), p.parent().unwrap().to_path_buf())
    };
    files.into_iter().map(read).filter(|(_, text, _)| !text.contains("rk45") && try_program(text).is_ok()).collect()
}

/// Titles of experiments that are refused late as they are.
fn refused_unchanged(text: &str, folder: &Path) -> Vec<String> {
    let titles = |p: neuro::compiler::Program| -> Vec<String> {
        p.module.experiments.iter().chain(&p.module.tests).map(|e| e.name.to_string()).collect()
    };
    let all = try_program(text).ok().map(titles).unwrap_or_default();
    let alone = |title: &String| {
        let but: Vec<String> = all.iter().filter(|t| *t != title).cloned().collect();
        late_refusal(text, folder, &but).is_some()
    };
    all.iter().filter(|t| alone(t)).cloned().collect()
}

/// The first line that differs.
fn difference(before: &str, after: &str) -> String {
    let changed = after.lines().zip(before.lines()).find(|(a, b)| a != b).map_or("", |(a, _)| a);
    changed.trim().to_string()
}

#[test]
fn what_is_accepted_is_not_refused_for_its_text_while_it_runs() {
    let slow = std::env::var_os("NEURO_SLOW").is_some();
    let turns = if slow { 600 } else { 60 };
    let mut found: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut accepted = 0;
    for (name, text, folder) in corpus() {
        let but = refused_unchanged(&text, &folder);
        for turn in 0..turns {
            let mut n = Numbers::of(&name, turn);
            let (change, apply) = CHANGES[turn as usize % CHANGES.len()];
            let Some(mutant) = apply(&text, &mut n).filter(|m| *m != text) else { continue };
            // Names of columns are known when the file is read.
            if difference(&text, &mutant).contains("from \"") || try_program(&mutant).is_err() {
                continue;
            }
            accepted += 1;
            if let Some((code, message)) = judged(mutant.clone(), folder.clone(), but.clone()) {
                let example = format!("{name}: {}\n        {message}", difference(&text, &mutant));
                found.entry((code, change.to_string())).or_insert(example);
            }
        }
    }
    assert!(accepted > 50, "only {accepted} changed programs are accepted");
    let expected: Vec<_> = KNOWN.iter().chain(KNOWN_WHEN_SLOW.iter().filter(|_| slow)).collect();
    let is_known = |code: &str, change: &str| expected.iter().any(|k| **k == (code, change));
    let mut problems = Vec::new();
    for ((code, change), example) in found.iter().filter(|((code, change), _)| !is_known(code, change)) {
        problems.push(format!("    (\"{code}\", \"{change}\"),    // {example}"));
    }
    for known in expected.iter().filter(|k| !found.contains_key(&(k.0.to_string(), k.1.to_string()))) {
        problems.push(format!("    {known:?} is no longer found: take it out"));
    }
    assert!(problems.is_empty(), "of {accepted} accepted programs\n{}", problems.join("\n"));
}
