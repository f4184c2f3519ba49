//! What the command line may change about a run.

use crate::codegen::Backend;
use crate::ir::Precision;
use crate::runtime::exchange::Ranks;

/// `--set path=value`
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// Dotted path: `dt`, `seed`, an experiment's parameter, or `net.population.variable`.
    pub path: String,
    /// The value as typed.
    pub value: String,
}

/// Threads that a run has at most.
pub const MOST_THREADS: usize = 4096;

/// Options of a run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Threads, all cores unless given; results do not depend on it.
    pub threads: usize,
    /// Back end; results do not depend on it.
    pub backend: Backend,
    /// Precision, unless the experiment says.
    pub precision: Option<Precision>,
    /// Overrides in order.
    pub overrides: Vec<Override>,
    /// How much wall time a run may take.
    pub longest: Option<std::time::Duration>,
    /// Whether to find out where the time goes.
    pub profile: bool,
    /// Where recordings are spooled; `None` keeps them in memory only.
    pub results: Option<std::path::PathBuf>,
    /// The processes that networks are dealt out to; results do not depend on how many there are.
    pub ranks: Ranks,
}

impl Default for Settings {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        Settings {
            threads,
            backend: Backend::default(),
            precision: None,
            overrides: Vec::new(),
            longest: None,
            profile: false,
            results: None,
            ranks: Ranks::default(),
        }
    }
}
