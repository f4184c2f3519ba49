//! Events of a pass.

/// Events of one pass: cells in ascending order, step after step.
#[derive(Debug, Default)]
pub struct Spikes {
    /// Events of the pass's step `s` are `cells[start[s] .. start[s + 1]]`.
    pub start: Vec<u32>,
    /// Cells.
    pub cells: Vec<u32>,
}

impl Spikes {
    /// Returns the cells of a view, counted from its first, that had the event in step `s` of the pass.
    pub fn of_step(&self, s: usize, first: usize, n: usize) -> impl Iterator<Item = usize> {
        let cells = &self.cells[self.start[s] as usize..self.start[s + 1] as usize];
        cells.iter().filter_map(move |c| (*c as usize).checked_sub(first).filter(|c| *c < n))
    }
}
