//! Whether several threads pay: where little happens in a step, meeting costs more than sharing saves. Both ways are timed now
//! and then and the faster one is taken; the bits are the same.

use super::pool::Pool;
use std::time::{Duration, Instant};

/// Passes of one trial: so many, or fewer if they have taken long enough to be compared.
const TRIAL: u32 = 200;
const FEWEST: u32 = 8;
const ENOUGH: Duration = Duration::from_millis(5);

/// For how many passes a result is kept.
const KEPT: u32 = 20_000;

/// What is being timed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Alone,
    /// With the time of a pass the other way, seconds.
    Together(f64),
    Decided,
}

/// Decides between one thread and all.
pub struct Tuning {
    stage: Stage,
    passes: u32,
    /// Since when passes are being made, and the time spent on them before.
    begun: Instant,
    spent: Duration,
}

impl Tuning {
    /// Begins with a trial.
    pub fn new(pool: &mut Pool) -> Tuning {
        pool.set_alone(true);
        Tuning { stage: Stage::Alone, passes: 0, begun: Instant::now(), spent: Duration::ZERO }
    }

    /// Takes note of the beginning of a run.
    pub fn begin(&mut self) {
        self.begun = Instant::now();
    }

    /// Takes note of the end of a run: the time until the next one does not count.
    pub fn end(&mut self) {
        self.spent += self.begun.elapsed();
    }

    /// Takes note of a pass.
    pub fn passed(&mut self, pool: &mut Pool) {
        if pool.threads() == 1 {
            return;
        }
        self.passes += 1;
        let done = match self.stage {
            Stage::Decided => self.passes == KEPT,
            _ => self.passes == TRIAL || self.passes >= FEWEST && self.spent + self.begun.elapsed() > ENOUGH,
        };
        if !done {
            return;
        }
        let each = (self.spent + self.begun.elapsed()).as_secs_f64() / f64::from(self.passes);
        let (next, alone) = match self.stage {
            Stage::Alone => (Stage::Together(each), false),
            Stage::Together(other) => (Stage::Decided, other <= each),
            Stage::Decided => (Stage::Alone, true),
        };
        self.stage = next;
        pool.set_alone(alone);
        (self.passes, self.begun, self.spent) = (0, Instant::now(), Duration::ZERO);
    }
}
