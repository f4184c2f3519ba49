//! Whether several threads pay: where little happens in a step, meeting costs more than sharing saves. Both ways are timed now
//! and then, by turns, and the faster one is taken; the bits are the same.

use super::pool::Pool;
use std::time::{Duration, Instant};

/// Turns of one trial, half of them alone.
const TURNS: u32 = 6;

/// Passes of a turn: so many, or fewer if they have taken long enough to be compared; and those before, in which threads wake up and
/// caches fill.
const PASSES: u32 = 100;
const ENOUGH: Duration = Duration::from_millis(2);
const UNTIMED: u32 = 3;

/// For how many passes a result is kept: at first, when much may still change, and at most.
const KEPT: (u32, u32) = (500, 20_000);

/// Decides between one thread and all.
pub struct Tuning {
    /// Turns that are left of a trial; none after it.
    turns: u32,
    /// Passes of the turn, or since the trial.
    passes: u32,
    /// For how many passes the next result is kept.
    kept: u32,
    /// Since when passes are being made, and the time spent on them before.
    begun: Instant,
    spent: Duration,
    /// Seconds per pass, summed over turns: alone, together.
    times: [f64; 2],
}

impl Tuning {
    /// Begins with a trial.
    pub fn new(pool: &mut Pool) -> Tuning {
        pool.set_alone(true);
        let (begun, spent) = (Instant::now(), Duration::ZERO);
        Tuning { turns: TURNS, passes: 0, kept: KEPT.0, begun, spent, times: [0.0; 2] }
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
        if self.turns == 0 {
            if self.passes == self.kept {
                self.kept = (2 * self.kept).min(KEPT.1);
                (self.turns, self.times) = (TURNS, [0.0; 2]);
                self.turn(pool);
            }
            return;
        }
        if self.passes == UNTIMED {
            (self.begun, self.spent) = (Instant::now(), Duration::ZERO);
        }
        let spent = self.spent + self.begun.elapsed();
        if self.passes <= UNTIMED || self.passes < PASSES && spent < ENOUGH {
            return;
        }
        self.times[(self.turns % 2) as usize] += spent.as_secs_f64() / f64::from(self.passes - UNTIMED);
        self.turns -= 1;
        self.turn(pool);
    }

    /// Begins a turn, the even ones alone, or what follows the last.
    fn turn(&mut self, pool: &mut Pool) {
        pool.set_alone(if self.turns == 0 { self.times[0] <= self.times[1] } else { self.turns.is_multiple_of(2) });
        (self.passes, self.begun, self.spent) = (0, Instant::now(), Duration::ZERO);
    }
}
