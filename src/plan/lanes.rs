//! Where the values of segments lie: all cells of a segment side by side, so that the same segment of several cells is one vector.

/// Lanes of the widest vector of any back end; kernels run for a multiple of them.
const VECTOR: usize = 16;

/// The order of a cable's segments in memory. Those of a cable of one segment are the lanes of the cells: kernels of populations read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes {
    /// Cells.
    pub cells: usize,
    /// Segments of each.
    pub segments: usize,
    /// From a segment to the next one.
    stride: usize,
}

/// Multiples of so many lanes are kept apart.
const AWAY: usize = 64;

/// From so many cells on each segment begins at a whole vector; fewer would leave too many places empty.
const WHOLE: usize = 12;

impl Lanes {
    /// Lays out the segments of a cable.
    pub fn new(cells: usize, segments: usize) -> Lanes {
        let whole = cells.next_multiple_of(VECTOR);
        // Segments that are a power of two apart would share the same few lines of a cache.
        let apart = if segments > 1 && whole.is_multiple_of(AWAY) { VECTOR } else { 0 };
        Lanes { cells, segments, stride: if cells < WHOLE { cells } else { whole + apart } }
    }

    /// Returns the number of places, padded.
    pub fn places(&self) -> usize {
        (self.segments * self.stride).next_multiple_of(VECTOR)
    }

    /// Returns the place of a segment of a cell.
    #[inline(always)]
    pub fn of(&self, cell: usize, segment: usize) -> usize {
        segment * self.stride + cell
    }

    /// Returns whether each segment begins at a whole vector.
    pub fn are_whole(&self) -> bool {
        self.stride.is_multiple_of(VECTOR)
    }

    /// Returns the places of the same segment of some cells, up to whole vectors; of the last cells, all that are left.
    pub fn block(&self, cells: &std::ops::Range<usize>, segment: usize) -> std::ops::Range<usize> {
        let end = if cells.end == self.cells { self.stride } else { cells.end };
        self.of(cells.start, segment)..self.of(end, segment)
    }

    /// Returns places that belong to no segment, and the one before them.
    pub fn unused(&self) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
        let lanes = *self;
        let within = move |segment: usize| {
            let last = lanes.of(lanes.cells - 1, segment);
            (last, last + 1..lanes.of(0, segment + 1))
        };
        let end = lanes.segments * lanes.stride;
        (0..lanes.segments)
            .map(within)
            .chain(std::iter::once((end - 1, end..lanes.places())))
            .filter(|(_, unused)| !unused.is_empty())
    }

    /// Returns the cell and the segment at every place; places that belong to none repeat the last cell or segment.
    pub fn each(&self) -> impl Iterator<Item = (usize, usize)> {
        let Lanes { cells, segments, stride } = *self;
        (0..self.places()).map(move |i| ((i % stride).min(cells - 1), (i / stride).min(segments - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::Lanes;

    #[test]
    fn every_segment_has_a_place_of_its_own() {
        for (cells, segments) in [(1, 1), (1, 100), (3, 7), (11, 2), (12, 5), (64, 1), (64, 4), (100, 3)] {
            let lanes = Lanes::new(cells, segments);
            let all: Vec<_> = lanes.each().collect();
            let mut seen = vec![false; lanes.places()];
            for cell in 0..cells {
                for segment in 0..segments {
                    let at = lanes.of(cell, segment);
                    assert_eq!(all[at], (cell, segment));
                    assert!(!std::mem::replace(&mut seen[at], true));
                }
            }
            for (last, unused) in lanes.unused() {
                assert!(seen[last] || unused.start == last + 1);
                unused.for_each(|at| assert!(!std::mem::replace(&mut seen[at], true)));
            }
            assert!(seen.iter().all(|seen| *seen));
        }
    }
}
