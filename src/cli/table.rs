//! Tables of what `neuro plan` has found.

/// Bytes of the program itself, and of MPI where there are several processes.
pub fn base(processes: usize) -> f64 {
    if processes > 1 { PROGRAM + MPI } else { PROGRAM }
}

/// What a small model takes in one process, and how much more it is under `mpirun`, as measured.
const PROGRAM: f64 = 24e6;
const MPI: f64 = 11e6;

/// A time in the unit that suits it.
pub fn seconds(time: f64) -> String {
    match time {
        t if t < 1e-3 => format!("{:.0} us", 1e6 * t),
        t if t < 1.0 => format!("{:.0} ms", 1e3 * t),
        t if t < 600.0 => format!("{t:.1} s"),
        t => format!("{:.1} min", t / 60.0),
    }
}

/// Columns below their heads, to the right.
pub fn aligned(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_string()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(heads).chain(rows).collect();
    let width = |k: usize| lines.iter().map(|line| line[k].chars().count()).max().unwrap_or(0);
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().enumerate().map(|(k, cell)| format!("{cell:>width$}", width = width(k)));
        padded.collect::<Vec<_>>().join("  ")
    };
    lines.iter().map(line).collect()
}
