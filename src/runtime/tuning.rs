//! Whether several threads pay: where little happens in a step, meeting costs more than sharing saves. Both ways are timed now
//! and then and the faster one is taken; the bits are the same.

use super::pool::Pool;
use std::time::{Duration, Instant};

/// Passes of one trial, and for which its result is kept.
const TRIAL: u32 = 200;
const KEPT: u32 = 20_000;

/// What is being timed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Alone,
    /// With the time that the other way took.
    Together(Duration),
    Decided,
}

/// Decides between one thread and all.
pub struct Tuning {
    stage: Stage,
    left: u32,
    /// Since when passes are being made, and the time spent on them before.
    begun: Instant,
    spent: Duration,
}

impl Tuning {
    /// Begins with a trial.
    pub fn new(pool: &mut Pool) -> Tuning {
        pool.set_alone(true);
        Tuning { stage: Stage::Alone, left: TRIAL, begun: Instant::now(), spent: Duration::ZERO }
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
        self.left -= 1;
        if self.left > 0 {
            return;
        }
        let took = self.spent + self.begun.elapsed();
        match self.stage {
            Stage::Alone => {
                pool.set_alone(false);
                self.stage = Stage::Together(took);
                self.left = TRIAL;
            }
            Stage::Together(alone) => {
                pool.set_alone(alone <= took);
                self.stage = Stage::Decided;
                self.left = KEPT;
            }
            Stage::Decided => {
                pool.set_alone(true);
                self.stage = Stage::Alone;
                self.left = TRIAL;
            }
        }
        (self.begun, self.spent) = (Instant::now(), Duration::ZERO);
    }
}
