//! Events that reach their targets within the step in which they happen: populations then follow one another within a step.

use super::{Delay, Network, Projection};
use crate::hir::Trigger;
use crate::source::Span;

impl Projection {
    /// Returns whether events reach the targets within the step in which they happen (`delay 0 ms`).
    pub fn is_immediate(&self) -> bool {
        matches!(self.delay, Delay::Const(0))
    }
}

impl Network {
    /// Returns the level of each population: above all whose events reach it within a step. None if there is a circle.
    pub fn levels(&self) -> Option<Vec<usize>> {
        let mut levels = vec![0; self.populations.len()];
        let immediate = || self.projections.iter().filter(|p| p.is_immediate());
        // In as many rounds as there are populations every way without a circle has been gone.
        for _ in 0..self.populations.len() {
            let mut settled = true;
            for p in immediate() {
                let least = levels[p.pre.population] + 1;
                if levels[p.post.population] < least {
                    levels[p.post.population] = least;
                    settled = false;
                }
            }
            if settled {
                return Some(levels);
            }
        }
        immediate().next().is_none().then_some(levels)
    }

    /// Finds events that would follow from themselves within a step.
    pub(super) fn refused_of_circles(&self) -> Option<(Span, String)> {
        if self.levels().is_some() {
            return None;
        }
        let circle = self.circle();
        let p = self.projections.iter().find(|p| p.is_immediate() && circle.contains(&p.pre.population))?;
        let pre = |h: &&crate::hir::Handler| matches!(h.trigger, Trigger::Cell(..));
        let span = p.synapse.handlers.iter().find(pre).map(|h| h.span).unwrap_or_default();
        let name = |population: &usize| self.populations[*population].name.as_str();
        let path: Vec<&str> = circle.iter().chain(circle.first()).map(name).collect();
        Some((span, format!("a delay of 0 ms around a circle of populations ({})", path.join(" -> "))))
    }

    /// Returns populations each of which reaches the next one within a step, and the last the first; none if there is no circle.
    fn circle(&self) -> Vec<usize> {
        for start in 0..self.populations.len() {
            let (mut path, mut waiting) = (Vec::new(), vec![(start, 0)]);
            let mut seen = vec![false; self.populations.len()];
            while let Some((at, depth)) = waiting.pop() {
                path.truncate(depth);
                path.push(at);
                let reached = self.projections.iter().filter(|p| p.is_immediate() && p.pre.population == at);
                for next in reached.map(|p| p.post.population) {
                    if next == start {
                        return path;
                    }
                    if !std::mem::replace(&mut seen[next], true) {
                        waiting.push((next, depth + 1));
                    }
                }
            }
        }
        Vec::new()
    }
}
