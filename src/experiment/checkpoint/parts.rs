//! Checkpoints of several processes. Each keeps a part with what it alone knows; then the first one keeps the file that names the parts,
//! and holds what all know. So the last checkpoint is whole until the next one is, and nobody has what all others have.

use super::format::{ANEW, IN_PARTS, PART, refuse};
use crate::data::sha256;
use crate::evaluate::Attempt;
use crate::experiment::run::Run;
use crate::experiment::store::{CheckpointStore, RunIdentity};
use crate::runtime::{Running, Share};
use serde::{Deserialize, Serialize};

/// The parts of a checkpoint.
#[derive(Serialize, Deserialize)]
pub(super) struct Parts {
    /// Which checkpoint of its run it is: no two that follow each other have parts of the same names.
    number: u64,
    /// SHA-256 of the part of each process, in the order of ranks.
    digests: Vec<String>,
}

/// What one process alone knows.
#[derive(Serialize, Deserialize)]
struct Part {
    rank: usize,
    networks: Vec<Vec<Share>>,
}

impl Parts {
    fn name(number: u64, rank: usize) -> String {
        format!(".checkpoint-{number}-{rank}.part")
    }

    fn names(&self) -> Vec<String> {
        (0..self.digests.len()).map(|rank| Parts::name(self.number, rank)).collect()
    }

    /// Reads the part of a process.
    fn read(&self, rank: usize, keeper: &dyn CheckpointStore) -> Result<Part, String> {
        let which = format!("part {} of {}", rank + 1, self.digests.len());
        let bytes = keeper.part(&Parts::name(self.number, rank)).map_err(|why| format!("{which} is missing: {why}"))?;
        if sha256(&bytes) != self.digests[rank] {
            return Err(format!("{which} is damaged, or belongs to another checkpoint"));
        }
        match PART.read::<Part>(&bytes) {
            Ok((_, part)) if part.rank == rank => Ok(part),
            Ok(_) => Err(format!("{which} is the one of another process")),
            Err(d) => Err(format!("{which}: {}", d.message)),
        }
    }
}

impl Run<'_> {
    /// Keeps a checkpoint together with the other processes; what one of them cannot write, none has kept.
    pub(super) fn keep_in_parts(&mut self, keeper: &dyn CheckpointStore, belongs: &RunIdentity) -> Result<(), String> {
        let ranks = self.runner.settings.ranks.clone();
        let number = self.checkpoints_kept + 1;
        let mine = Parts::name(number, ranks.rank());
        let written = self.spools().and_then(|spools| {
            let networks =
                self.live.iter().map(|l| l.simulation.as_ref().map_or(Vec::new(), Running::shares)).collect();
            let part = PART.write(Some(belongs.clone()), &Part { rank: ranks.rank(), networks })?;
            keeper.keep_part(&mine, &part).map(|()| (spools, sha256(&part)))
        });
        let (spools, digest) =
            written.map_or_else(|why| (None, Err(why)), |(spools, digest)| (Some(spools), Ok(digest)));
        let kept = ranks.agree(digest).and_then(|digests| {
            let kept = spools.filter(|_| ranks.rank() == 0).map_or(Ok(()), |spools| {
                let parts = Parts { number, digests };
                let names = parts.names();
                let file = IN_PARTS.write(Some(belongs.clone()), &(parts, self.saved(spools, Running::known)))?;
                keeper.keep(&file, &names)
            });
            ranks.agree(kept)
        });
        match kept {
            Ok(_) => self.checkpoints_kept = number,
            Err(_) => keeper.forget_part(&mine),
        }
        kept.map(|_| ())
    }

    /// Goes on from what the processes that kept a checkpoint knew alone, as far as it is about cells of this one.
    pub(super) fn resume_parts(&mut self, parts: Parts, keeper: &dyn CheckpointStore) -> Attempt<()> {
        self.checkpoints_kept = parts.number;
        let taken = self.take_parts(&parts, keeper);
        match self.runner.settings.ranks.agree(taken) {
            Ok(_) => Ok(()),
            Err(why) => Err(refuse(format!("this checkpoint cannot be resumed: {why}"), ANEW)),
        }
    }

    fn take_parts(&mut self, parts: &Parts, keeper: &dyn CheckpointStore) -> Result<(), String> {
        let unfit = || "it does not fit the network".to_string();
        let mut synapses = vec![0; self.live.len()];
        let count = parts.digests.len();
        for rank in 0..count {
            let concerns = |s: &Running| s.has_any_of((rank, count));
            if !self.live.iter().filter_map(|l| l.simulation.as_ref()).any(concerns) {
                continue;
            }
            let part = parts.read(rank, keeper)?;
            if part.networks.len() != self.live.len() {
                return Err(unfit());
            }
            for ((live, shares), synapses) in self.live.iter_mut().zip(&part.networks).zip(&mut synapses) {
                let Some(s) = &mut live.simulation else { continue };
                *synapses += s.restore_shares(shares, (rank, count)).ok_or_else(unfit)?;
            }
        }
        let mut running = self.live.iter_mut().zip(synapses).filter_map(|(l, n)| Some((l.simulation.as_mut()?, n)));
        match running.all(|(s, n)| s.restore_rest(n)) {
            true => Ok(()),
            false => Err(unfit()),
        }
    }
}
