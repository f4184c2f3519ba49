//! What the processes of a run tell each other.
//!
//! All of them run the same experiment. Each has a range of the cells of every population, and the synapses onto them; what others need
//! of it is gathered in the order of ranks, so that everybody has what one process would have, bit for bit.

#[cfg(feature = "mpi")]
mod mpi;
mod others;

#[cfg(feature = "mpi")]
pub use self::mpi::Mpi;
pub(super) use self::others::{Met, Others};
use super::buffer::Buffer;
use super::pool;
use crate::plan::GROUP;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a process hands over at once: in most steps all, so that one message does.
const SHORT: usize = 512;

/// Of these bytes, how many say how long everything is.
pub(super) const LENGTH: usize = size_of::<u64>();

/// Returns the bytes that go out for so many: a short message at least, and what does not fit into it.
pub(super) fn handed(bytes: f64) -> f64 {
    (bytes + LENGTH as f64).max(SHORT as f64)
}

/// How processes reach each other.
pub trait Exchange: Debug + Send + Sync {
    /// Returns the number of this process, from 0 on.
    fn rank(&self) -> usize;
    /// Returns how many processes there are.
    fn ranks(&self) -> usize;
    /// Returns what every process hands over, in the order of ranks. All of them must call it as often.
    fn gather(&self, mine: &[u8]) -> Vec<Vec<u8>>;
    /// Waits for all of them, however long that takes, and leaves the processor to others meanwhile.
    fn wait(&self) {
        self.gather(&[]);
    }
}

/// How much a process has told the others, and heard of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// How often all handed something over.
    pub gathers: u64,
    /// Bytes that it handed over.
    pub handed: u64,
    /// Bytes that it got of the others.
    pub received: u64,
}

/// The same while it grows.
#[derive(Debug, Default)]
struct Counted {
    gathers: AtomicU64,
    handed: AtomicU64,
    received: AtomicU64,
}

impl Counted {
    fn add(&self, rank: usize, all: &[Vec<u8>]) {
        let bytes = |k: usize| handed(all[k].len() as f64) as u64;
        let others = (0..all.len()).filter(|k| *k != rank);
        self.gathers.fetch_add(1, Ordering::Relaxed);
        self.handed.fetch_add(bytes(rank), Ordering::Relaxed);
        self.received.fetch_add(others.map(bytes).sum(), Ordering::Relaxed);
    }
}

/// A place among processes that are only thought of, and hand over nothing.
#[derive(Debug, Clone, Copy)]
struct Seat(usize, usize);

impl Exchange for Seat {
    fn rank(&self) -> usize {
        self.0
    }
    fn ranks(&self) -> usize {
        self.1
    }
    fn gather(&self, _: &[u8]) -> Vec<Vec<u8>> {
        crate::ice!("a process that is only thought of is told something")
    }
}

/// One process for itself.
#[derive(Debug, Clone, Copy)]
struct Alone;

impl Exchange for Alone {
    fn rank(&self) -> usize {
        0
    }
    fn ranks(&self) -> usize {
        1
    }
    fn gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        vec![mine.to_vec()]
    }
}

/// The processes of a run.
#[derive(Debug, Clone)]
pub struct Ranks {
    exchange: Arc<dyn Exchange>,
    rank: usize,
    count: usize,
    counted: Arc<Counted>,
}

impl Default for Ranks {
    fn default() -> Self {
        Ranks::of(Alone)
    }
}

/// A thread of one of the processes.
#[derive(Debug, Clone, Copy)]
pub struct Worker<'a> {
    /// The processes.
    pub ranks: &'a Ranks,
    /// Its number among those of its process.
    pub thread: usize,
    /// How many there are.
    pub threads: usize,
}

impl Worker<'_> {
    /// Returns its lanes of cells.
    pub fn share(&self, lanes: usize) -> Range<usize> {
        let own = self.ranks.own(lanes);
        let part = pool::share(own.len(), self.thread, self.threads);
        own.start + part.start..own.start + part.end
    }

    /// Returns its lanes of segments, of which the cells that are dealt out together have a unit.
    pub fn share_of(&self, lanes: usize, unit: usize) -> Range<usize> {
        in_units(lanes, unit, |cells| self.share(cells))
    }
}

/// Lanes of which sixteen cells have a unit, dealt out as these cells are.
fn in_units(lanes: usize, unit: usize, deal: impl Fn(usize) -> Range<usize>) -> Range<usize> {
    let cells = deal(lanes / unit * GROUP);
    cells.start / GROUP * unit..cells.end / GROUP * unit
}

/// The bits of a value that is another process's: those of no number that is ever kept.
pub(super) const ANOTHERS: u64 = u64::MAX;

impl Ranks {
    /// The processes that reach each other in some way.
    pub fn of(exchange: impl Exchange + 'static) -> Ranks {
        let (rank, count) = (exchange.rank(), exchange.ranks());
        Ranks { exchange: Arc::new(exchange), rank, count, counted: Arc::default() }
    }

    /// One of so many processes, to ask what it would have.
    pub(super) fn planned(rank: usize, count: usize) -> Ranks {
        Ranks::of(Seat(rank, count))
    }

    /// Returns the number of this process.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Returns how many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns both.
    pub fn process(&self) -> Process {
        (self.rank, self.count)
    }

    /// Returns whether there are others.
    pub fn are_several(&self) -> bool {
        self.count() > 1
    }

    /// Returns this process's lanes.
    pub(super) fn own(&self, lanes: usize) -> Range<usize> {
        pool::share(lanes, self.rank(), self.count())
    }

    /// Returns this process's lanes of segments, of which the cells that are dealt out together have a unit.
    pub(super) fn own_of(&self, lanes: usize, unit: usize) -> Range<usize> {
        in_units(lanes, unit, |cells| self.own(cells))
    }

    /// Returns what every process hands over, in the order of ranks.
    pub fn gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        let all = self.exchange.gather(mine);
        self.counted.add(self.rank, &all);
        all
    }

    /// Waits until all processes do, without keeping a processor busy.
    pub fn wait(&self) {
        if self.are_several() {
            self.exchange.wait();
        }
    }

    /// Returns how much they have told each other so far.
    pub fn traffic(&self) -> Traffic {
        let Counted { gathers, handed, received } = &*self.counted;
        let [gathers, handed, received] = [gathers, handed, received].map(|n| n.load(Ordering::Relaxed));
        Traffic { gathers, handed, received }
    }

    /// Hands something to all processes; returns what each has handed over.
    pub fn tell<T: Serialize + for<'a> Deserialize<'a>>(&self, mine: &T) -> Vec<T> {
        let Ok(bytes) = postcard::to_allocvec(mine) else { crate::ice!("nothing that can be told") };
        let read = |bytes: &Vec<u8>| match postcard::from_bytes(bytes) {
            Ok(told) => told,
            Err(e) => crate::ice!("another process tells what it cannot: {e}"),
        };
        self.gather(&bytes).iter().map(read).collect()
    }

    /// Returns what every process has done, or why the first one that could not do it could not.
    ///
    /// # Errors
    /// It could not be done in some process.
    pub fn agree<T: Serialize + for<'a> Deserialize<'a>>(&self, mine: Result<T, String>) -> Result<Vec<T>, String> {
        if !self.are_several() {
            return Ok(vec![mine?]);
        }
        let done = |(rank, done): (usize, Result<T, String>)| done.map_err(|why| format!("in process {rank}: {why}"));
        self.tell(&mine).into_iter().enumerate().map(done).collect()
    }

    /// Returns what the first process hands over.
    pub fn first(&self, mine: &[u8]) -> Vec<u8> {
        let mine = if self.rank() == 0 { mine } else { &[] };
        self.gather(mine).swap_remove(0)
    }

    /// Returns whether something holds in any process.
    pub fn any(&self, here: bool) -> bool {
        match self.are_several() {
            true => self.gather(&[u8::from(here)]).concat().contains(&1),
            false => here,
        }
    }

    /// Returns the sum over all processes.
    pub(super) fn sum(&self, here: u64) -> u64 {
        match self.are_several() {
            true => self.numbers(&[here]).iter().flatten().sum(),
            false => here,
        }
    }

    /// Returns the numbers of every process.
    pub(super) fn numbers(&self, mine: &[u64]) -> Vec<Vec<u64>> {
        let bytes: Vec<u8> = mine.iter().flat_map(|n| n.to_le_bytes()).collect();
        let number = |b: &[u8; 8]| u64::from_le_bytes(*b);
        self.gather(&bytes).iter().map(|list| list.as_chunks().0.iter().map(number).collect()).collect()
    }

    /// Fills arrays in which every process has the values of its own lanes with those of all.
    pub(super) fn complete(&self, mut arrays: Vec<Array>) {
        if !self.are_several() {
            return;
        }
        let here = self.process();
        let mut mine = Vec::new();
        arrays.iter().for_each(|a| a.layout.take(here, a.bytes, &mut mine));
        for (rank, theirs) in self.gather(&mine).iter().enumerate().filter(|(rank, _)| *rank != self.rank) {
            let mut left = &theirs[..];
            for Array { bytes, layout } in &mut arrays {
                let process = (rank, self.count);
                let (values, rest) = left.split_at(layout.bytes(process, bytes.len()));
                layout.put(process, values, bytes);
                left = rest;
            }
        }
    }

    /// Returns this process's rows of so many, which are dealt out one by one.
    pub(super) fn rows(&self, rows: usize) -> Range<usize> {
        rows * self.rank / self.count..rows * (self.rank + 1) / self.count
    }

    /// Fills rows of which every process has its own with those of all.
    pub(super) fn collect(&self, rows: usize, bytes: &mut [u8]) {
        let row = bytes.len() / rows.max(1);
        let own = self.rows(rows);
        let mut at = 0;
        for (rank, theirs) in self.gather(&bytes[own.start * row..own.end * row]).iter().enumerate() {
            if rank != self.rank {
                bytes[at..at + theirs.len()].copy_from_slice(theirs);
            }
            at += theirs.len();
        }
    }

    /// Fills a list in which values that another process has are [`ANOTHERS`].
    pub(super) fn join(&self, values: &mut [u64]) {
        if !self.are_several() {
            return;
        }
        let own = values.iter().enumerate().filter(|(_, value)| **value != ANOTHERS);
        let mine: Vec<u64> = own.flat_map(|(k, value)| [k as u64, *value]).collect();
        for theirs in self.numbers(&mine) {
            theirs.as_chunks().0.iter().for_each(|[k, value]| values[*k as usize] = *value);
        }
    }

    /// The same for numbers.
    pub(super) fn join_numbers(&self, values: &mut [f64]) {
        if self.are_several() {
            let mut bits: Vec<u64> = values.iter().map(|x| x.to_bits()).collect();
            self.join(&mut bits);
            values.iter_mut().zip(bits).for_each(|(x, bits)| *x = f64::from_bits(bits));
        }
    }
}

/// Values that are another process's until they are joined.
pub(super) fn marked(n: usize) -> Vec<f64> {
    vec![f64::from_bits(ANOTHERS); n]
}

/// Whether a value is still one that no process has.
pub(super) fn is_marked(value: f64) -> bool {
    value.to_bits() == ANOTHERS
}

/// Values of the lanes of a population: one for each, or several rows of them.
pub(super) struct Array<'a> {
    /// The values.
    pub bytes: &'a mut [u8],
    /// How they lie.
    pub layout: Layout,
}

/// How values of the lanes of a population lie: row by row.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// How many lanes there are.
    pub lanes: usize,
    /// How many of them sixteen cells have.
    pub unit: usize,
    /// Bytes of a value.
    pub size: usize,
}

impl Array<'_> {
    /// The values of a buffer, one for each cell.
    pub fn of(b: &mut Buffer, lanes: usize) -> Array<'_> {
        Array::of_units(b, lanes, GROUP)
    }

    /// The values of a buffer, one for each segment.
    pub fn of_units(b: &mut Buffer, lanes: usize, unit: usize) -> Array<'_> {
        let size = b.precision().bytes();
        Array { bytes: b.bytes_mut(), layout: Layout { lanes, unit, size } }
    }
}

/// The number of a process, and how many there are.
pub type Process = (usize, usize);

impl Layout {
    /// The bytes of a row; there are no rows of no lanes.
    fn row(&self) -> usize {
        self.lanes.max(1) * self.size
    }

    /// The bytes of a row that a process has.
    fn of_rank(&self, (rank, ranks): Process) -> Range<usize> {
        let lanes = in_units(self.lanes, self.unit, |cells| pool::share(cells, rank, ranks));
        lanes.start * self.size..lanes.end * self.size
    }

    /// Returns how many bytes a process has of so many.
    pub fn bytes(&self, process: Process, all: usize) -> usize {
        self.of_rank(process).len() * (all / self.row())
    }

    /// Takes what a process has of them.
    pub fn take(&self, process: Process, from: &[u8], to: &mut Vec<u8>) {
        let own = self.of_rank(process);
        from.chunks_exact(self.row()).for_each(|row| to.extend(&row[own.clone()]));
    }

    /// Puts down what a process has of them, which is as much as it can have.
    pub fn put(&self, process: Process, mine: &[u8], to: &mut [u8]) {
        let range = self.of_rank(process);
        let rows = to.chunks_exact_mut(self.row());
        rows.enumerate()
            .for_each(|(k, row)| row[range.clone()].copy_from_slice(&mine[k * range.len()..][..range.len()]));
    }
}
