//! Turns and their seeds, processes with limits, and folders that are compared.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub const SIGHUP: i32 = 1;
pub const SIGINT: i32 = 2;
pub const SIGKILL: i32 = 9;
pub const SIGTERM: i32 = 15;

/// Among how many kinds the minutes are divided.
const KINDS: f64 = 6.0;

/// A process that takes longer hangs, unless the machine is so busy that it has hardly run.
const HANG: Duration = Duration::from_secs(20);

/// A process that takes this long hangs in any case.
const STUCK: Duration = Duration::from_secs(180);

/// Memory that a process may map, in KiB.
const MEMORY: u64 = 4 << 20;

/// How many failures of a kind are told.
const TOLD: usize = 20;

/// Random numbers (SplitMix64): the same for the same seed.
pub struct Numbers(u64);

impl Numbers {
    pub fn of(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// A number from 0 to 1.
    pub fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn chance(&mut self, p: f64) -> bool {
        self.part() < p
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// A number between two, with few digits.
    pub fn between(&mut self, low: f64, high: f64) -> String {
        format!("{:.3}", low + (high - low) * self.part())
    }
}

/// The turns of one kind, each with a seed; failures are collected and told at the end.
pub struct Turns {
    kind: &'static str,
    next: u64,
    left: u64,
    until: Option<Instant>,
    begun: Instant,
    seed: u64,
    done: u64,
    failures: Vec<String>,
    counts: BTreeMap<&'static str, u64>,
}

/// Reads a number from the environment.
fn given<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

impl Turns {
    /// `few` turns from seed 1 on, unless the environment asks for others.
    pub fn of(kind: &'static str, few: u64) -> Turns {
        let minutes: Option<f64> = given("NEURO_TORTURE");
        let seed: Option<u64> = given("NEURO_TORTURE_SEED");
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |d| d.as_micros() as u64);
        let (next, left) = match (seed, minutes) {
            (Some(seed), None) => (seed, 1),
            (Some(seed), Some(_)) => (seed, u64::MAX),
            (None, Some(_)) => (clock(), u64::MAX),
            (None, None) => (1, few),
        };
        if next != 1 {
            println!("{kind}: from NEURO_TORTURE_SEED={next} on");
        }
        let begun = Instant::now();
        let until = minutes.map(|m| begun + Duration::from_secs_f64(m * 60.0 / KINDS));
        let (failures, counts) = (Vec::new(), BTreeMap::new());
        Turns { kind, next, left, until, begun, seed: next, done: 0, failures, counts }
    }

    /// Returns the seed of the next turn, if there is one.
    pub fn next(&mut self) -> Option<u64> {
        if self.left == 0 || (self.done > 0 && self.until.is_some_and(|u| Instant::now() >= u)) {
            return None;
        }
        self.seed = self.next;
        self.next = self.next.wrapping_add(1);
        self.left -= 1;
        self.done += 1;
        Some(self.seed)
    }

    /// Counts something for the line at the end.
    pub fn count(&mut self, what: &'static str, n: u64) {
        *self.counts.entry(what).or_default() += n;
    }

    /// Notes a failure of the present turn.
    pub fn fail(&mut self, why: impl std::fmt::Display) {
        let (kind, seed) = (self.kind, self.seed);
        let text = format!("{why}\nrepeat: NEURO_TORTURE_SEED={seed} cargo test --test torture {kind}");
        // A long run tells at once what it has found.
        if self.until.is_some() {
            println!("{kind}: {text}");
        }
        self.failures.push(text);
    }

    /// Notes a failure if there is one.
    pub fn check(&mut self, verdict: Result<(), String>) -> bool {
        match verdict {
            Ok(()) => true,
            Err(why) => {
                self.fail(why);
                false
            }
        }
    }

    /// Returns how many failures there are.
    pub fn failures(&self) -> usize {
        self.failures.len()
    }

    /// Returns whether this goes on for minutes.
    pub fn is_long(&self) -> bool {
        self.until.is_some()
    }

    /// Prints the counts, and fails if anything has.
    pub fn end(self) {
        let counts: Vec<String> = self.counts.iter().map(|(what, n)| format!("{n} {what}")).collect();
        let took = self.begun.elapsed().as_secs_f64();
        let (kind, done, failed) = (self.kind, self.done, self.failures.len());
        println!("{kind}: {done} turns, {}, {failed} failures, {took:.1} s", counts.join(", "));
        let told: Vec<&str> = self.failures.iter().take(TOLD).map(String::as_str).collect();
        assert!(failed == 0, "{failed} failures of {kind}\n\n{}", told.join("\n\n"));
    }
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The binary: that of this build, unless the environment names another one.
pub fn binary() -> OsString {
    std::env::var_os("NEURO_TORTURE_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_neuro").into())
}

/// A new empty folder.
pub fn folder(name: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("torture").join(name);
    let _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir_all(&out).expect("a folder");
    out
}

/// How a process has ended.
pub struct Ended {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
    pub took: Duration,
    /// It had to be killed.
    pub hung: bool,
    /// The last signal that was sent to it.
    pub sent: Option<i32>,
}

/// A process that is going on.
pub struct Going {
    child: Child,
    out: Receiver<Vec<u8>>,
    err: Receiver<Vec<u8>>,
    begun: Instant,
    sent: Option<i32>,
    what: String,
}

/// A command of the binary, in a folder.
pub struct Neuro {
    folder: PathBuf,
    args: Vec<OsString>,
    /// Shell commands before the binary: limits.
    before: String,
    /// Shell commands after it.
    after: String,
    /// The command that the binary is an argument of.
    through: Vec<String>,
}

/// Returns the processor time that a process has had, where the system tells.
fn processor_time(id: u32) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The name, in brackets, may hold spaces.
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<u64> = after.split_whitespace().skip(11).take(2).filter_map(|t| t.parse().ok()).collect();
    if ticks.len() == 2 { Duration::from_millis(10 * (ticks[0] + ticks[1])) } else { STUCK }
}

/// Reads all that a process says, so that it never waits.
fn listen(from: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    if let Some(mut from) = from {
        std::thread::spawn(move || {
            let mut part = vec![0; 1 << 16];
            while let Ok(n) = from.read(&mut part) {
                if n == 0 || send.send(part[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
    }
    receive
}

unsafe extern "C" {
    fn kill(process: i32, signal: i32) -> i32;
}

impl Neuro {
    pub fn new<S: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = S>) -> Neuro {
        let args = args.into_iter().map(|a| a.as_ref().to_os_string()).collect();
        let before = format!("ulimit -v {MEMORY} && ulimit -c 0");
        Neuro { folder: folder.to_path_buf(), args, before, after: String::new(), through: Vec::new() }
    }

    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Neuro {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_os_string()));
        self
    }

    /// Adds shell commands before the binary.
    pub fn before(mut self, shell: &str) -> Neuro {
        self.before = format!("{} && {shell}", self.before);
        self
    }

    /// Adds shell commands after the binary, whose status stays that of the whole.
    pub fn after(mut self, shell: &str) -> Neuro {
        self.after = shell.into();
        self
    }

    /// Lets another command run the shell.
    pub fn through(mut self, command: &[&str]) -> Neuro {
        self.through = command.iter().map(|s| s.to_string()).collect();
        self
    }

    pub fn start(&self) -> Going {
        let shell = match self.after.is_empty() {
            true => format!("{} && exec \"$0\" \"$@\"", self.before),
            false => format!("{} || exit 9; \"$0\" \"$@\"; status=$?; {}; exit $status", self.before, self.after),
        };
        // Whoever runs the tests may ignore signals, which would be handed down.
        let heard: &[&str] = if cfg!(target_os = "linux") { &["env", "--default-signal=HUP,INT,TERM"] } else { &[] };
        let mut all: Vec<OsString> = heard.iter().map(OsString::from).collect();
        all.extend(self.through.iter().map(OsString::from));
        all.extend(["sh", "-c", &shell].map(OsString::from));
        all.push(binary());
        all.extend(self.args.iter().cloned());
        let mut command = Command::new(&all[0]);
        command.args(&all[1..]).current_dir(&self.folder).stdin(Stdio::null());
        command.env("RUST_BACKTRACE", "0");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("neuro starts");
        let (out, err) = (listen(child.stdout.take()), listen(child.stderr.take()));
        let args: Vec<String> = self.args.iter().map(|a| a.to_string_lossy().into_owned()).collect();
        let what = format!("neuro {} (in {})", args.join(" "), self.folder.display());
        Going { child, out, err, begun: Instant::now(), sent: None, what }
    }

    /// Runs it to its end.
    pub fn run(&self) -> Ended {
        self.start().end()
    }
}

impl Going {
    pub fn is_going(&mut self) -> bool {
        self.child.try_wait().expect("waits").is_none()
    }

    /// Waits until a moment or the end, whichever is first.
    pub fn wait(&mut self, longest: Duration) {
        while self.begun.elapsed() < longest && self.is_going() {
            let left = longest.saturating_sub(self.begun.elapsed());
            std::thread::sleep(left.min(Duration::from_millis(2)));
        }
    }

    pub fn signal(&mut self, signal: i32) {
        if self.is_going() {
            // SAFETY: sends a signal to a child that has not been waited for, so the number is still its.
            let done = unsafe { kill(self.child.id() as i32, signal) };
            assert_eq!(done, 0, "a signal is sent");
            self.sent = Some(signal);
        }
    }

    /// Waits for the end, for so long as is not a hang.
    pub fn end(mut self) -> Ended {
        let from = self.begun.elapsed();
        let before = processor_time(self.child.id());
        self.wait(from + HANG);
        while self.begun.elapsed() < from + STUCK
            && processor_time(self.child.id()) < before + HANG / 2
            && self.is_going()
        {
            std::thread::sleep(Duration::from_millis(20));
        }
        let hung = self.is_going();
        if hung {
            let _ = self.child.kill();
        }
        let status = self.child.wait().expect("waits");
        let took = self.begun.elapsed();
        // Others that it has left behind may hold the other end.
        let read = |from: Receiver<Vec<u8>>| {
            let mut bytes = Vec::new();
            while let Ok(more) = from.recv_timeout(Duration::from_secs(2)) {
                bytes.extend(more);
            }
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let err =
            format!("{}{}", read(self.err), if hung { format!("\n[hangs: {}]", self.what) } else { String::new() });
        Ended { status, out: read(self.out), err, took, hung, sent: self.sent }
    }
}

impl Ended {
    pub fn succeeded(&self) -> bool {
        self.status.success()
    }

    /// Returns the exit code as a shell shows it.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or(0))
    }

    /// Says what no command may do: panic, die of a signal that nobody sent, hang, or end with another status.
    pub fn is_orderly(&self) -> Result<(), String> {
        let why = if self.hung {
            "hangs".into()
        } else if self.err.contains("panicked at") {
            "panics".into()
        } else if let Some(signal) = self.status.signal().filter(|s| self.sent != Some(*s)) {
            format!("dies of signal {signal}")
        } else if ![0, 1, 2].contains(&self.code()) && Some(self.code() - 128) != self.sent {
            format!("exits with {}", self.code())
        } else {
            return Ok(());
        };
        Err(format!("{why} after {:.1} s\n{}", self.took.as_secs_f64(), shortened(&self.err)))
    }

    /// As [`Ended::is_orderly`], and with success.
    pub fn is_well(&self) -> Result<(), String> {
        self.is_orderly()?;
        match self.succeeded() {
            true => Ok(()),
            false => Err(format!("exits with {}\n{}", self.code(), shortened(&self.err))),
        }
    }
}

pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(1500) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_string(),
    }
}

/// Adds what was done to what went wrong.
pub fn while_<T>(what: &str, done: Result<T, String>) -> Result<T, String> {
    done.map_err(|why| format!("{what}: {why}"))
}

/// All files below a folder, with their contents.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, base: &Path, out: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, base, out);
            } else if let (Ok(bytes), Ok(name)) = (std::fs::read(&path), path.strip_prefix(base)) {
                out.insert(name.to_string_lossy().into_owned(), bytes);
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(folder, folder, &mut out);
    out
}

/// The results of a run: all files but its record, which tells times.
pub fn results(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = files(folder);
    out.retain(|name, _| name.rsplit('/').next() != Some("run.json"));
    out
}

/// Says which files of two folders differ.
pub fn same(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) -> Result<(), String> {
    let mut other: Vec<String> = Vec::new();
    for name in a.keys().chain(b.keys().filter(|n| !a.contains_key(*n))) {
        match (a.get(name), b.get(name)) {
            (Some(x), Some(y)) if x == y => {}
            (Some(_), Some(_)) => other.push(format!("{name} differs")),
            (Some(_), None) => other.push(format!("{name} is missing")),
            _ => other.push(format!("{name} should not be there")),
        }
    }
    if other.is_empty() { Ok(()) } else { Err(other.join(", ")) }
}

/// Says what a run has left behind that is neither a result nor the user's.
pub fn has_no_leftovers(folder: &Path) -> Result<(), String> {
    let is_left = |name: &str| {
        let last = name.rsplit('/').next().unwrap_or(name);
        let ends = [".spool", ".part", ".lock"].iter().any(|e| last.ends_with(e));
        ends || last.starts_with("checkpoint") || name.split('/').any(|p| p.starts_with("unfinished"))
    };
    let left: Vec<String> = files(folder).into_keys().filter(|n| is_left(n)).collect();
    if left.is_empty() { Ok(()) } else { Err(format!("left behind: {}", left.join(", "))) }
}

/// Processes whose arguments or environment hold a text.
pub fn processes(with: &str) -> Vec<u32> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command).contains(with) {
            out.push(id);
        }
    }
    out
}
