//! Processes that a launcher of MPI has started: the first one writes and prints, the others compute beside it.

use super::messages::{self, Stop};
use neuro::runtime::exchange::Ranks;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What launchers tell those that they start: how many there are.
pub const SIZES: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE", "MPI_LOCALNRANKS"];

/// Whether a launcher has started several processes.
fn are_several() -> bool {
    let size = |name: &&str| std::env::var(name).ok()?.parse::<usize>().ok();
    SIZES.iter().find_map(size).is_some_and(|n| n > 1)
}

/// What launchers tell those that they start: how many there are on the same machine.
const ON_THIS_MACHINE: [&str; 3] = ["OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "PMI_LOCAL_SIZE"];

/// Returns how many processes a launcher has started on this machine, as far as it says.
pub fn on_this_machine() -> usize {
    let size = |name: &&str| std::env::var(name).ok()?.parse::<usize>().ok();
    ON_THIS_MACHINE.iter().find_map(size).unwrap_or(1).max(1)
}

/// What a launcher has started.
pub struct Launched {
    ranks: Ranks,
    #[cfg(feature = "mpi")]
    _mpi: Option<neuro::runtime::exchange::Mpi>,
}

impl Launched {
    /// Looks whether this is one of several processes; `runs` says whether the command can be shared out.
    ///
    /// # Errors
    /// It cannot, or this program knows no MPI, or MPI does not work.
    pub fn begin(runs: bool) -> Result<Launched, String> {
        let several = are_several();
        if several && !runs {
            return Err("several processes were started, and only `neuro run` and `neuro sweep --mpi` share their work out to them".into());
        }
        let launched = Launched::with(several)?;
        if launched.ranks.rank() > 0 {
            messages::be_silent();
        }
        Ok(launched)
    }

    #[cfg(feature = "mpi")]
    fn with(several: bool) -> Result<Launched, String> {
        let mpi = several.then(neuro::runtime::exchange::Mpi::begin).transpose()?;
        let ranks = mpi.as_ref().map(neuro::runtime::exchange::Mpi::ranks).unwrap_or_default();
        Ok(Launched { ranks, _mpi: mpi })
    }

    #[cfg(not(feature = "mpi"))]
    fn with(several: bool) -> Result<Launched, String> {
        match several {
            true => Err("several processes were started, and this program was built without MPI; build it with \
                         `cargo install --path . --features mpi`"
                .into()),
            false => Ok(Launched { ranks: Ranks::default() }),
        }
    }

    /// Returns the processes.
    pub fn ranks(&self) -> Ranks {
        self.ranks.clone()
    }
}

/// Prepares a command in all processes. Where one of them cannot, the first of these says why.
///
/// # Errors
/// Some process cannot.
pub fn prepared<T>(ranks: &Ranks, mut prepare: impl FnMut() -> Result<T, Stop>) -> Result<T, Stop> {
    let prepared = prepare();
    let Some(first) = ranks.tell(&prepared.is_err()).iter().position(|failed| *failed) else { return prepared };
    if first != ranks.rank() {
        return Err(Stop::Failed);
    }
    if first == 0 {
        return prepared;
    }
    // What it said before, nobody has heard.
    messages::be_heard();
    prepare().and(Err(Stop::Failed))
}

/// Refuses processes that do not run the same.
///
/// # Errors
/// Another process has another program, model or command.
pub fn same(ranks: &Ranks, what: &str) -> Result<(), Stop> {
    if !ranks.are_several() {
        return Ok(());
    }
    let program = std::env::current_exe().and_then(std::fs::File::open);
    let program = program.and_then(|mut file| neuro::data::sha256_of(&mut file));
    let all = ranks.tell(&(program.as_ref().ok().cloned(), what.to_string()));
    if let Err(e) = program {
        return Err(Stop::Usage(format!(
            "this program cannot be read, to be compared with those of other processes: {e}"
        )));
    }
    match all.iter().position(|other| *other != all[0]) {
        Some(rank) => Err(Stop::Usage(format!(
            "process {rank} has another program, model or command than process 0; all must run the same"
        ))),
        None => Ok(()),
    }
}

/// How a run begins, as the first process tells the others.
#[derive(Serialize, Deserialize)]
pub enum Beginning {
    /// They hear it.
    Heard,
    /// It begins in a folder, perhaps from a checkpoint.
    Begins(PathBuf, Option<Vec<u8>>),
    /// It does not; the command goes on or fails.
    Not {
        /// Whether that is a failure.
        failed: bool,
    },
}

/// Names that are tried for a folder.
const MOST_TRIES: u32 = 1000;

/// A folder for what a process other than the first one records; it goes with the run.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes it.
    pub fn new() -> std::io::Result<Scratch> {
        let place = |k: u32| std::env::temp_dir().join(format!("neuro-{}-{k}", std::process::id()));
        // Only a folder that was not there: others may write where temporary files lie.
        let mut k = 0;
        loop {
            match std::fs::create_dir(place(k)) {
                Ok(()) => return Ok(Scratch(place(k))),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && k < MOST_TRIES => k += 1,
                Err(e) => return Err(e),
            }
        }
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
