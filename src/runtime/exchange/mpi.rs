//! Processes that a launcher of MPI has started: `mpirun -n 4 neuro run model.neuro`.

use super::{Exchange, LENGTH, Ranks, SHORT};
use mpi::Threading;
use mpi::datatype::PartitionMut;
use mpi::environment::{Universe, initialize_with_threading};
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives};
use std::time::Duration;

/// Between two looks at whether all wait.
const LOOK: Duration = Duration::from_millis(5);

/// The largest message, in bytes of each process: counts of MPI are 32 bits wide.
const LARGEST: usize = 1 << 30;

/// MPI, until it is dropped; the thread that has begun it makes all calls.
pub struct Mpi {
    universe: Universe,
}

impl Mpi {
    /// Begins; a launcher must have started this process.
    ///
    /// # Errors
    /// MPI does not work here.
    pub fn begin() -> Result<Mpi, String> {
        match initialize_with_threading(Threading::Funneled) {
            Some((universe, level)) if level >= Threading::Funneled => Ok(Mpi { universe }),
            Some(_) => Err("this MPI knows no threads: it must allow at least MPI_THREAD_FUNNELED".into()),
            None => Err("MPI has begun before".into()),
        }
    }

    /// Returns the processes.
    pub fn ranks(&self) -> Ranks {
        let world = self.universe.world();
        Ranks::of(World { rank: world.rank() as usize, ranks: world.size() as usize })
    }
}

impl Drop for Mpi {
    fn drop(&mut self) {
        // The end would wait for the others, who wait for this process.
        if std::thread::panicking() {
            self.universe.world().abort(101)
        }
        // A launcher may end all when one has failed: not before the first has written.
        self.universe.world().barrier();
    }
}

/// All processes of the launcher.
#[derive(Debug)]
struct World {
    rank: usize,
    ranks: usize,
}

impl Exchange for World {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.ranks
    }

    fn wait(&self) {
        // A barrier that blocks would look for messages all the time.
        let mut request = SimpleCommunicator::world().immediate_barrier();
        while let Err(not_yet) = request.test() {
            request = not_yet;
            std::thread::sleep(LOOK);
        }
    }

    fn gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        let world = SimpleCommunicator::world();
        let (length, room) = (LENGTH, SHORT - LENGTH);
        let mut short = [0; SHORT];
        let (first, rest) = mine.split_at(mine.len().min(room));
        short[..length].copy_from_slice(&(mine.len() as u64).to_le_bytes());
        short[length..length + first.len()].copy_from_slice(first);
        let mut all = vec![0; SHORT * self.ranks];
        world.all_gather_into(&short[..], &mut all[..]);
        let mut lengths = Vec::with_capacity(self.ranks);
        let mut out: Vec<Vec<u8>> = Vec::with_capacity(self.ranks);
        for block in all.as_chunks::<SHORT>().0 {
            let (n, bytes) = block.split_at(length);
            let n = n.iter().rev().fold(0, |n, byte| n << 8 | usize::from(*byte));
            lengths.push(n);
            out.push(bytes[..n.min(room)].to_vec());
        }
        let most = LARGEST / self.ranks;
        let mut left: Vec<usize> = lengths.iter().map(|n| n.saturating_sub(room)).collect();
        let mut rest = rest;
        while left.iter().any(|n| *n > 0) {
            let now: Vec<usize> = left.iter().map(|n| *n.min(&most)).collect();
            let (piece, later) = rest.split_at(now[self.rank]);
            rest = later;
            let ends = now.iter().scan(0, |end, n| {
                *end += n;
                Some(*end)
            });
            let ends: Vec<usize> = ends.collect();
            let counts: Vec<i32> = now.iter().map(|n| *n as i32).collect();
            let starts: Vec<i32> = ends.iter().zip(&now).map(|(end, n)| (end - n) as i32).collect();
            let mut pieces = vec![0; ends[self.ranks - 1]];
            world.all_gather_varcount_into(piece, &mut PartitionMut::new(&mut pieces[..], counts, starts));
            for (k, n) in now.iter().enumerate() {
                out[k].extend(&pieces[ends[k] - n..ends[k]]);
                left[k] -= n;
            }
        }
        out
    }
}
