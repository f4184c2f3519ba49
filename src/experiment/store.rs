//! Where checkpoints are kept, and what they belong to.

use serde::{Deserialize, Serialize};

/// Where checkpoints go.
pub trait CheckpointStore: Sync {
    /// Returns whether one is due.
    fn is_due(&self) -> bool;
    /// Keeps one so that it is either whole or not there, and lets go of all parts but those that it names.
    fn keep(&self, bytes: &[u8], parts: &[String]) -> Result<(), String>;
    /// Keeps what one of several processes adds to the next one; what the last one names stays.
    fn keep_part(&self, name: &str, bytes: &[u8]) -> Result<(), String>;
    /// Lets go of a part of one that was not kept.
    fn forget_part(&self, name: &str);
    /// Reads a part.
    fn part(&self, name: &str) -> Result<Vec<u8>, String>;
}

/// What a checkpoint belongs to; all of it must be the same to go on from one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunIdentity {
    /// Version of the program.
    pub neuro: String,
    /// Hash of all sources.
    pub source_sha256: String,
    /// The experiment.
    pub experiment: String,
    /// Overrides in order.
    pub overrides: Vec<(String, String)>,
    /// `--precision`.
    pub precision: Option<String>,
}

impl RunIdentity {
    /// Says what is different from another one.
    pub(super) fn differs(&self, other: &RunIdentity) -> Option<String> {
        let list = |b: &RunIdentity| {
            let all: Vec<String> = b.overrides.iter().map(|(p, v)| format!("--set {p}={v}")).collect();
            if all.is_empty() { "no --set".to_string() } else { all.join(" ") }
        };
        if self.neuro != other.neuro {
            Some(format!("it was made by neuro {}, this is {}", self.neuro, other.neuro))
        } else if self.experiment != other.experiment {
            Some(format!("it is of experiment `{}`", self.experiment))
        } else if self.overrides != other.overrides {
            Some(format!("it was made with {}, now there is {}", list(self), list(other)))
        } else if self.precision != other.precision {
            Some("it was made with another `--precision`".into())
        } else if self.source_sha256 != other.source_sha256 {
            Some("the model, or a file it imports, has changed since".into())
        } else {
            None
        }
    }
}
