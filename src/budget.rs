//! How much memory there is, so that what does not fit is refused before it is made.
//!
//! The limit is that of the process: what `--max-memory` allows, or what the machine, its container and the shell leave.

use crate::parallel;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the user allows, in bytes; zero if nothing was said.
static ALLOWED: AtomicU64 = AtomicU64::new(0);

/// Below this many bytes nobody asks how much there is.
const SMALL: f64 = 16e6;

/// More memory than there is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lack {
    /// Bytes that are needed.
    pub needed: f64,
    /// Bytes that there are.
    pub left: f64,
}

impl std::fmt::Display for Lack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} are needed, {} are there", shown(self.needed), shown(self.left))
    }
}

/// Writes a number of bytes for people.
pub fn shown(bytes: f64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{value:.0} bytes"),
        _ if value >= 1000.0 => format!("{value:.1e} {}", units[unit]),
        _ => format!("{value:.1} {}", units[unit]),
    }
}

/// Allows so many bytes in all, however many the machine has.
pub fn allow(bytes: u64) {
    ALLOWED.store(bytes, Ordering::Relaxed);
}

/// Returns whether the user allows less than the machine has.
pub fn is_bounded() -> bool {
    ALLOWED.load(Ordering::Relaxed) > 0
}

/// Returns whether so many bytes more can be had.
pub fn fits(bytes: f64) -> Result<(), Lack> {
    fits_into(bytes, left)
}

/// The same for each of the processes of a run, all of which must ask.
pub fn fits_all(bytes: f64) -> Result<(), Lack> {
    fits_into(bytes, |allowed| parallel::least(left(allowed)))
}

fn fits_into(bytes: f64, left: impl Fn(u64) -> f64) -> Result<(), Lack> {
    let allowed = ALLOWED.load(Ordering::Relaxed);
    if bytes < SMALL && allowed == 0 {
        return Ok(());
    }
    let left = left(allowed);
    if bytes <= left { Ok(()) } else { Err(Lack { needed: bytes, left }) }
}

/// Returns whether the process has more than the user allows, and how much that is.
pub fn exceeded() -> Option<Lack> {
    let allowed = ALLOWED.load(Ordering::Relaxed);
    let used = used("VmRSS:").filter(|_| is_bounded())?;
    (used > allowed as f64).then_some(Lack { needed: used, left: allowed as f64 })
}

/// The bytes that can still be had; endless where the system does not say.
fn left(allowed: u64) -> f64 {
    let mut least = f64::INFINITY;
    if allowed > 0 {
        least = (allowed as f64 - used("VmRSS:").unwrap_or(0.0)).max(0.0);
    }
    if let Some(free) = kilobytes(&read("/proc/meminfo"), "MemAvailable:") {
        least = least.min(free);
    }
    let number = |path: &str| read(path).trim().parse::<f64>().ok();
    if let (Some(most), Some(now)) = (number("/sys/fs/cgroup/memory.max"), number("/sys/fs/cgroup/memory.current")) {
        // What the system keeps of files can be had again.
        let files = read("/sys/fs/cgroup/memory.stat");
        let files = files.lines().find_map(|l| l.strip_prefix("inactive_file ")?.trim().parse::<f64>().ok());
        least = least.min((most - now + files.unwrap_or(0.0)).max(0.0));
    }
    if let (Some(most), Some(now)) = (address_space(), used("VmSize:")) {
        least = least.min((most - now).max(0.0));
    }
    least
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn kilobytes(text: &str, key: &str) -> Option<f64> {
    let line = text.lines().find_map(|l| l.strip_prefix(key))?;
    Some(1024.0 * line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()?)
}

fn used(key: &str) -> Option<f64> {
    kilobytes(&read("/proc/self/status"), key)
}

/// The limit of the shell: `ulimit -v`.
fn address_space() -> Option<f64> {
    let limits = read("/proc/self/limits");
    let line = limits.lines().find_map(|l| l.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_for_people() {
        assert_eq!(shown(12.0), "12 bytes");
        assert_eq!(shown(8e9), "8.0 GB");
        assert_eq!(shown(2.4e25), "2.4e7 EB");
    }

    #[test]
    fn nothing_fits_that_no_machine_has() {
        assert!(fits(1e20).is_err());
        assert!(fits(1e3).is_ok());
    }
}
