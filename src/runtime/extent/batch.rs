//! What examples that a network with events sees side by side take: each is a network of its own, and processes have some of them each.

use super::super::exchange::{Ranks, handed};
use super::{Effort, Extent, Memory, Process};

impl Extent {
    /// Returns what the first process with the most of so many examples would have and do among so many, and the mean number of synapses.
    pub(super) fn of_examples(&self, size: usize, count: usize) -> (Process, f64) {
        let most = size.div_ceil(count);
        let has_most = |rank: &usize| Ranks::planned(*rank, count).rows(size).len() == most;
        let rank = (0..count).find(has_most).unwrap_or(0);
        let one = self.process(0, 1);
        let (all, own) = (size as f64, most as f64);
        // Threads take examples in turn; what single threads repeat, each does for its own.
        let turns = most.div_ceil(self.options.side_by_side.max(1)) as f64;
        let alone = Ranks::default();
        let values: usize = self.cells.iter().map(|c| c.told(&alone)).sum();
        let of_one = (values * self.options.precision.bytes()) as f64;
        let process = Process {
            rank,
            cells: most * one.cells,
            synapses: own * one.synapses,
            memory: Memory {
                synapses: own * one.memory.synapses,
                index: own * one.memory.index,
                cells: all * one.memory.cells,
                plan: one.memory.plan,
                building: one.memory.building,
            },
            effort: Effort {
                ended: if count > 1 { handed(own * of_one) } else { 0.0 },
                ..one.effort.of_examples(own, turns)
            },
            drawn: all * one.drawn,
        };
        (process, all * one.synapses / count as f64)
    }
}

impl Effort {
    /// What so many examples make of what one does; some work is done in so many turns.
    fn of_examples(self, own: f64, turns: f64) -> Effort {
        Effort {
            passes: turns * self.passes,
            operations: own * self.operations,
            segments: own * self.segments,
            draws: own * self.draws,
            arrivals: own * self.arrivals,
            deliveries: own * self.deliveries,
            fetched: own * self.fetched,
            changes: own * self.changes,
            rows: turns * self.rows,
            far_rows: turns * self.far_rows,
            delays: turns * self.delays,
            events: turns * self.events,
            ..self
        }
    }
}
