//! `neuro run --profile`: where the time of a run went.

use super::messages::several;
use neuro::experiment::Outcome;

/// Parts below this share of the time are one.
const LEAST: f64 = 0.001;

/// A line of the table: share, seconds, how often, what.
fn line(all: f64, seconds: f64, times: Option<u64>, what: &str) -> String {
    let times = times.map_or(String::new(), |n| format!("{n} x"));
    format!("{:>6.1} %  {:>12}  {times:>12}  {what}", 100.0 * seconds / all, duration(seconds, all))
}

/// A time in the unit that suits the whole.
fn duration(seconds: f64, all: f64) -> String {
    if all < 1.0 { format!("{:.3} ms", 1000.0 * seconds) } else { format!("{seconds:.3} s") }
}

/// The table of a run: the longest parts first, then what belongs to none of them.
pub fn table(outcome: &Outcome) -> Vec<String> {
    let all = outcome.took.max(f64::MIN_POSITIVE);
    let several_networks = outcome.profile.len() > 1;
    let mut rows: Vec<(f64, Option<u64>, String)> = Vec::new();
    for (network, parts) in &outcome.profile {
        for row in parts {
            let of = match (several_networks, row.of.is_empty()) {
                (true, true) => format!("{network}: "),
                (true, false) => format!("{network}.{}: ", row.of),
                (false, true) => String::new(),
                (false, false) => format!("{}: ", row.of),
            };
            rows.push((row.seconds, Some(row.times), format!("{of}{}", row.what)));
        }
    }
    let known: f64 = rows.iter().map(|r| r.0).sum();
    rows.push((outcome.built_in, None, "building networks, and compiling their kernels".into()));
    let rest = (all - known - outcome.built_in).max(0.0);
    rows.push((rest, None, "the experiment's own statements, and what else was done".into()));
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (shown, small): (Vec<_>, Vec<_>) = rows.into_iter().partition(|r| r.0 >= LEAST * all);
    let mut out = vec![format!("where {} went:", duration(all, all))];
    out.extend(shown.iter().map(|(seconds, times, what)| line(all, *seconds, *times, what)));
    if !small.is_empty() {
        let what = several(small.len(), "smaller part");
        out.push(line(all, small.iter().map(|r| r.0).sum(), None, &what));
    }
    out
}
