//! Recordings: events and states spooled to disk as they come, so that memory does not grow with the run.

use crate::figure::Member;
use crate::hir::{EventId, Expr, Reduce, VarId};
use crate::measure::Events;
use crate::runtime::exchange::Ranks;
use crate::source::Span;
use crate::units::{Dim, Unit};
use crate::value::{Cells, View};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::PathBuf;

/// Bytes kept in memory before a spool is written out.
const MEMORY: usize = 4 << 20;

/// Fixed-size records, the newest in memory and the rest in a file.
#[derive(Debug)]
pub struct Spool {
    memory: Vec<u8>,
    file: Option<File>,
    path: Option<PathBuf>,
    /// The first error of writing; checked at boundaries.
    pub failed: Option<String>,
    /// Whether the file stays, for a run that is resumed.
    keep: bool,
}

impl Spool {
    fn new(path: Option<PathBuf>) -> Spool {
        Spool { memory: Vec::new(), file: None, path, failed: None, keep: false }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.memory.extend_from_slice(bytes);
    }

    /// Forgets what it holds.
    fn clear(&mut self) {
        self.memory.clear();
        let emptied = self.file.as_ref().map_or(Ok(()), |file| file.set_len(0));
        if let (Err(e), Some(path)) = (emptied, &self.path) {
            self.failed.get_or_insert(format!("{}: {e}", path.display()));
        }
    }

    /// Ends a record; only whole records go to disk, so that both parts stay aligned.
    fn end_record(&mut self) {
        if self.memory.len() >= MEMORY && self.path.is_some() {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let Some(path) = &self.path else { return };
        let write = |file: &mut Option<File>, memory: &[u8]| -> std::io::Result<()> {
            if file.is_none() {
                *file = Some(File::options().create(true).truncate(true).read(true).write(true).open(path)?);
            }
            if let Some(f) = file {
                let end = f.seek(SeekFrom::End(0))?;
                if let Err(e) = f.write_all(memory) {
                    // What did not fit whole is not there; it is still in memory.
                    f.set_len(end)?;
                    return Err(e);
                }
            }
            Ok(())
        };
        match write(&mut self.file, &self.memory) {
            Ok(()) => self.memory.clear(),
            Err(e) => {
                self.failed.get_or_insert(format!("{}: {e}", path.display()));
            }
        }
    }

    /// Writes everything out and says where it is; from then on the file outlives the spool.
    pub fn state(&mut self) -> Result<SpoolState, String> {
        if self.path.is_some() && !self.memory.is_empty() {
            self.flush();
        }
        self.keep = true;
        if let Some(why) = &self.failed {
            return Err(why.clone());
        }
        let on_disk = match &self.file {
            Some(f) => f.sync_data().and_then(|()| f.metadata()).map_err(|e| e.to_string())?.len(),
            None => 0,
        };
        Ok(SpoolState { on_disk, memory: self.memory.clone() })
    }

    /// Goes on from a state; what was written after it is dropped. The file is the first process's; others get a copy.
    pub fn restore(&mut self, from: SpoolState, ranks: &Ranks) -> Result<(), String> {
        self.memory = from.memory;
        if from.on_disk == 0 {
            return Ok(());
        }
        let Some(path) = self.path.clone() else { return Err("no results folder".into()) };
        let bad = |e: std::io::Error| format!("{}: {e}", path.display());
        if !ranks.are_several() {
            return self.reopen(from.on_disk);
        }
        let mine = if ranks.rank() == 0 { std::fs::read(&path).map_err(bad) } else { Ok(Vec::new()) };
        let bytes = ranks.first(mine.as_deref().unwrap_or_default());
        let written =
            mine.and_then(|_| if ranks.rank() > 0 { std::fs::write(&path, bytes).map_err(bad) } else { Ok(()) });
        ranks.agree(written.and_then(|()| self.reopen(from.on_disk))).map(|_| ())
    }

    /// Goes on with the file, of which so many bytes are there.
    fn reopen(&mut self, on_disk: u64) -> Result<(), String> {
        let Some(path) = &self.path else { return Err("no results folder".into()) };
        let bad = |e: std::io::Error| format!("{}: {e}", path.display());
        let file = File::options().read(true).write(true).open(path).map_err(bad)?;
        let there = file.metadata().map_err(bad)?.len();
        if there < on_disk {
            return Err(format!("{}: {there} of {on_disk} bytes", path.display()));
        }
        file.set_len(on_disk).map_err(bad)?;
        self.file = Some(file);
        Ok(())
    }

    /// Lets what was recorded outlive the spool as it is, as much of it as the disk holds, and says in which file.
    pub fn leave(&mut self) -> Option<String> {
        if !self.memory.is_empty() {
            self.flush();
        }
        self.keep = true;
        self.file.as_ref()?;
        Some(self.path.as_ref()?.file_name()?.to_string_lossy().into_owned())
    }

    /// Lets the file go with the spool, as if no state had been asked for.
    pub fn release(&mut self) {
        self.keep = false;
    }

    /// Returns how many bytes there are, as far as that can be found.
    fn bytes(&self) -> u64 {
        let on_disk = self.file.as_ref().and_then(|f| f.metadata().ok()).map_or(0, |m| m.len());
        on_disk + self.memory.len() as u64
    }

    /// Returns whether everything stays in memory.
    fn is_in_memory(&self) -> bool {
        self.path.is_none()
    }

    /// Visits all records of `size` bytes in order.
    pub fn each(&self, size: usize, visit: &mut dyn FnMut(&[u8])) -> Result<(), String> {
        if let Some(file) = &self.file {
            let mut file = file.try_clone().map_err(|e| e.to_string())?;
            file.seek(SeekFrom::Start(0)).map_err(|e| e.to_string())?;
            let mut buffer = vec![0; size * (65_536 / size).max(1)];
            loop {
                let mut filled = 0;
                while filled < buffer.len() {
                    match file.read(&mut buffer[filled..]).map_err(|e| e.to_string())? {
                        0 => break,
                        k => filled += k,
                    }
                }
                buffer[..filled].chunks_exact(size).for_each(&mut *visit);
                if filled < buffer.len() {
                    break;
                }
            }
        }
        self.memory.chunks_exact(size).for_each(visit);
        Ok(())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let (Some(_), Some(path), false) = (&self.file, &self.path, self.keep) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Where the data of a spool are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolState {
    /// Bytes in its file.
    on_disk: u64,
    /// What is not.
    memory: Vec<u8>,
}

/// What is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum What {
    /// Every event.
    Events(EventId),
    /// Values every so many steps.
    Samples {
        /// Of what.
        of: Sampled,
        /// What is made of the values of a moment, if not all of them are kept.
        reduce: Option<Reduce>,
        /// Interval in steps, which need not be whole: samples are taken at the nearest steps.
        every: f64,
        /// Dimension.
        dim: Dim,
        /// Unit.
        unit: Option<Unit>,
    },
}

/// What samples are of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Sampled {
    /// A state, parameter or `let` of cells.
    Cells {
        /// The variable.
        variable: VarId,
        /// What is evaluated for every cell.
        value: Expr,
        /// Of a cable: one of its segments, or all.
        segments: Range<usize>,
    },
    /// Weights or a state of synapses: projections, each with its variable.
    Synapses(Vec<(usize, VarId)>),
}

/// Makes one number of several; there is at least one.
fn reduced(how: Reduce, values: impl Iterator<Item = f64>) -> f64 {
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for v in values {
        (n, sum, squares) = (n + 1.0, sum + v, squares + v * v);
        (least, most) = (v.min(least), v.max(most));
    }
    match how {
        Reduce::Sum => sum,
        Reduce::Mean => sum / n,
        Reduce::Min => least,
        Reduce::Max => most,
        Reduce::Norm => squares.sqrt(),
    }
}

/// What is recorded of what, by their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The population or projection.
    pub owner: String,
    /// The variable or event.
    pub variable: String,
}

/// Stands for a network that another one has taken the place of.
pub const GONE: usize = usize::MAX;

/// A recording.
#[derive(Debug)]
pub struct Recording {
    /// Name of its file.
    pub name: String,
    /// Of what it is.
    pub of: Subject,
    /// Index of the running network.
    pub network: usize,
    /// Which cells, or how many synapses.
    pub cells: Cells,
    /// The least range that has the cells, and where each of it stands among them, if they are no range themselves.
    places: (View, Option<Vec<Option<u32>>>),
    /// What.
    pub what: What,
    /// The data: (step, cell) for events, (step, values…) for samples.
    pub spool: Spool,
    /// Step at which recording began and the latest one.
    pub span: (u64, u64),
    /// Time step.
    pub dt: f64,
    /// When it records, if not always.
    pub window: Option<(f64, f64)>,
    /// Where it was asked for.
    pub asked: Span,
    /// Whether it has seen all that it will: its network has become another one.
    pub closed: bool,
}

/// Returns whether a sample is due at a step, counted from the beginning of the recording.
pub fn is_due(step: u64, every: f64) -> bool {
    let k = (step as f64 / every).round();
    (k * every).round() as u64 == step
}

/// Returns the step at which the next sample is due.
pub fn next_due(step: u64, every: f64) -> u64 {
    let k = (step as f64 / every).floor();
    let at = |k: f64| (k * every).round() as u64;
    (0..3).map(|more| at(k + f64::from(more))).find(|s| *s > step).unwrap_or(step + 1)
}

impl Recording {
    /// Creates a recording that spools to `folder`, if given.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        name: String,
        of: Subject,
        network: usize,
        cells: Cells,
        what: What,
        begin: u64,
        dt: f64,
        folder: Option<&std::path::Path>,
    ) -> Recording {
        let path = folder.map(|f| f.join(format!(".{name}.spool")));
        let spool = Spool::new(path);
        Recording {
            name,
            of,
            network,
            places: (cells.cover(), cells.view().is_none().then(|| cells.places())),
            cells,
            what,
            spool,
            span: (begin, begin),
            dt,
            window: None,
            asked: Span::default(),
            closed: false,
        }
    }

    /// Returns whether it records what a network does.
    pub fn follows(&self, network: usize) -> bool {
        self.network == network && !self.closed
    }

    /// Returns whether it records at a step.
    pub fn is_within(&self, step: u64) -> bool {
        let t = step as f64 * self.dt;
        self.window.is_none_or(|(from, to)| t >= from - 1e-9 && t <= to + 1e-9)
    }

    /// Adds an event of a cell of the population.
    pub fn event(&mut self, step: u64, cell: u32) {
        let (cover, places) = &self.places;
        let from_first = (cell as usize).checked_sub(cover.start).filter(|k| *k < cover.n);
        let place = from_first.and_then(|k| places.as_ref().map_or(Some(k as u32), |places| places[k]));
        // An event ends its step: at the beginning of the window it is not in it.
        let begun = self.window.is_none_or(|(from, _)| step as f64 * self.dt > from + 1e-9);
        if let (Some(place), true) = (place, begun && self.is_within(step)) {
            self.spool.push(&step.to_le_bytes());
            self.spool.push(&place.to_le_bytes());
            self.spool.end_record();
        }
    }

    /// Adds a sample.
    pub fn sample(&mut self, step: u64, values: impl Iterator<Item = f64>) {
        self.spool.push(&step.to_le_bytes());
        match self.what {
            What::Samples { reduce: Some(how), .. } => self.spool.push(&reduced(how, values).to_le_bytes()),
            _ => values.for_each(|v| self.spool.push(&v.to_le_bytes())),
        }
        self.spool.end_record();
    }

    /// Puts other values in the place of the first sample, as long as there is no other.
    pub fn begin_with(&mut self, values: Vec<f64>) {
        self.spool.clear();
        self.sample(self.span.0, values.into_iter());
    }

    /// Returns whether it is read by the path of what it records: names that are given have no dot.
    pub fn is_by_path(&self) -> bool {
        self.name.contains('.')
    }

    /// Returns whether time has not come to its window, or no sample was due in it.
    pub fn has_missed_its_window(&self) -> bool {
        let Some((from, to)) = self.window else { return false };
        match self.what {
            What::Events(_) => {
                let (begin, end) = (self.span.0 as f64 * self.dt, self.span.1 as f64 * self.dt);
                end.min(to) <= begin.max(from) + 1e-9
            }
            What::Samples { .. } => self.records() == 0,
        }
    }

    /// Returns how many events or samples there are.
    pub fn records(&self) -> u64 {
        self.spool.bytes() / self.record_size() as u64
    }

    /// Returns whether one number is kept of each moment.
    pub fn is_reduced(&self) -> bool {
        matches!(self.what, What::Samples { reduce: Some(_), .. })
    }

    /// Returns the number of values of a sample: of cells with several segments, those of the first cell come first.
    pub fn width(&self) -> usize {
        if self.is_reduced() { 1 } else { self.cells.len() * self.segments() }
    }

    /// Returns how many segments of each cell are recorded; one where there are none.
    pub fn segments(&self) -> usize {
        match &self.what {
            What::Samples { of: Sampled::Cells { segments, .. }, .. } => segments.len(),
            _ => 1,
        }
    }

    /// Returns what each value is of.
    pub fn member(&self) -> Member {
        match &self.what {
            What::Samples { of: Sampled::Synapses(_), .. } => Member::Synapse,
            _ if self.segments() > 1 && !self.is_reduced() => Member::Segment,
            _ => Member::Cell,
        }
    }

    /// Returns the size of a record.
    pub fn record_size(&self) -> usize {
        match self.what {
            What::Events(_) => 12,
            What::Samples { .. } => 8 + 8 * self.width(),
        }
    }

    /// Refuses to read what does not fit into memory.
    pub fn can_be_read(&self) -> Result<(), String> {
        let numbers = self.spool.bytes() as f64 * if matches!(self.what, What::Events(_)) { 16.0 / 12.0 } else { 1.0 };
        crate::budget::fits(numbers).map_err(|lack| format!("it does not fit into memory: {lack}"))
    }

    /// The bytes that samples of so many steps take in memory, if they stay there.
    pub fn bytes_in_memory(&self, steps: f64) -> f64 {
        match self.what {
            What::Samples { every, .. } if self.spool.is_in_memory() => steps / every * self.record_size() as f64,
            _ => 0.0,
        }
    }

    /// Reads the events within a window, given in internal time units.
    pub fn events(&self, window: Option<(f64, f64)>) -> Result<Events, String> {
        let (begin, end) = (self.span.0 as f64 * self.dt, self.span.1 as f64 * self.dt);
        let (begin, end) = self.window.map_or((begin, end), |(from, to)| (begin.max(from), end.min(to)));
        let (from, to) = window.unwrap_or((begin, end));
        self.can_be_read()?;
        let mut out = Events { n: self.cells.len(), from: from.max(begin), to: to.min(end), ..Events::default() };
        self.spool.each(12, &mut |r| {
            let step = u64::from_le_bytes(r[..8].try_into().unwrap_or_default());
            let t = step as f64 * self.dt;
            // An event at the boundary t ended a step within the window if t lies in (from, to].
            if t > out.from + 1e-9 && t <= out.to + 1e-9 {
                out.times.push(t);
                out.cells.push(u32::from_le_bytes(r[8..].try_into().unwrap_or_default()));
            }
        })?;
        Ok(out)
    }

    /// Reads samples within a window: times, and values sample after sample.
    pub fn samples(&self, window: Option<(f64, f64)>) -> Result<(Vec<f64>, Vec<f64>), String> {
        self.can_be_read()?;
        let mut out = (Vec::new(), Vec::new());
        self.spool.each(self.record_size(), &mut |r| {
            let t = u64::from_le_bytes(r[..8].try_into().unwrap_or_default()) as f64 * self.dt;
            if window.is_none_or(|(from, to)| t >= from - 1e-9 && t <= to + 1e-9) {
                out.0.push(t);
                out.1.extend(r[8..].chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap_or_default())));
            }
        })?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_due_at_the_steps_nearest_to_their_times() {
        let due: Vec<u64> = (0..20).filter(|s| is_due(*s, 3.3)).collect();
        assert_eq!(due, [0, 3, 7, 10, 13, 17]);
        let mut step = 0;
        for expected in &due[1..] {
            step = next_due(step, 3.3);
            assert_eq!(step, *expected);
        }
        assert_eq!((next_due(0, 1.0), next_due(7, 5.0)), (1, 10));
    }

    #[test]
    fn nothing_is_lost_when_a_recording_moves_to_disk() {
        let folder = tempfile::tempdir().unwrap();
        let what = What::Events(EventId::from_u32(0));
        let mut r = Recording::new(
            "r".into(),
            Subject { owner: "a".into(), variable: "spike".into() },
            0,
            View { population: 0, start: 0, n: 1000 }.into(),
            what,
            0,
            1.0,
            Some(folder.path()),
        );
        let n = 2 * MEMORY as u64 / 12 + 1000;
        for step in 1..=n {
            r.event(step, (step % 1000) as u32);
        }
        r.span.1 = n;
        assert!(r.spool.file.is_some());
        let e = r.events(None).unwrap();
        assert_eq!(e.times.len() as u64, n);
        assert!(e.times.iter().zip(&e.cells).zip(1..).all(|((t, c), k)| *t == f64::from(k) && *c == k as u32 % 1000));
    }
}
