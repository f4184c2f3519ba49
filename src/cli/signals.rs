//! Signals: the first one asks for an orderly stop, a second one ends the process at once.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Why a process was asked to stop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signal(i32);

impl Signal {
    /// The exit code of a process that it has ended, as shells have it.
    pub fn exit_code(self) -> u8 {
        128u8.saturating_add(self.0 as u8)
    }

    /// What has happened, in a word or two.
    pub fn describe(self) -> String {
        match self.0 {
            SIGINT => "Ctrl-C".to_string(),
            SIGTERM => "SIGTERM".to_string(),
            #[cfg(unix)]
            signal_hook::consts::SIGHUP => "SIGHUP".to_string(),
            other => format!("signal {other}"),
        }
    }

    /// The one byte that tells a process of a sweep.
    pub fn byte(self) -> u8 {
        self.0 as u8
    }
}

/// The signal that has come; zero is none.
fn asked() -> &'static Arc<AtomicUsize> {
    static ASKED: OnceLock<Arc<AtomicUsize>> = OnceLock::new();
    ASKED.get_or_init(Arc::default)
}

/// Returns the signal that has asked for a stop, if one has.
pub fn stop_asked_for() -> Option<Signal> {
    match asked().load(Ordering::Relaxed) {
        0 => None,
        signal => Some(Signal(signal as i32)),
    }
}

/// Lets Ctrl-C, SIGTERM and SIGHUP ask for an orderly stop. Signals that are ignored, as under `nohup`, stay so.
pub fn catch() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let second = Arc::new(AtomicBool::new(false));
        for signal in stopping().into_iter().filter(|s| !is_ignored(*s)) {
            // In this order: only a second signal finds the flag set.
            let _ = flag::register_conditional_shutdown(signal, 128 + signal, second.clone());
            let _ = flag::register(signal, second.clone());
            let _ = flag::register_usize(signal, asked().clone(), signal as usize);
        }
        // A file that grows too large is an error of writing, which is told, and does not end the process.
        #[cfg(unix)]
        let _ = flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    });
}

#[cfg(unix)]
fn stopping() -> Vec<i32> {
    vec![SIGINT, SIGTERM, signal_hook::consts::SIGHUP]
}

#[cfg(not(unix))]
fn stopping() -> Vec<i32> {
    vec![SIGINT, SIGTERM]
}

/// Returns whether a signal is ignored, where the system says so.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:")).map(str::trim);
    mask.and_then(|m| u64::from_str_radix(m, 16).ok()).is_some_and(|m| m >> (signal - 1) & 1 == 1)
}

/// Stops when the sweep that has started this process says so, or is no longer there: its end of standard input is closed then.
pub fn heed_sweep() {
    std::thread::spawn(|| {
        let mut byte = [0];
        let signal = match std::io::stdin().read(&mut byte) {
            Ok(1) => usize::from(byte[0]),
            _ => SIGTERM as usize,
        };
        asked().store(signal, Ordering::Relaxed);
    });
}
