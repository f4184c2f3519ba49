//! How the segments of a cable of all cells lie in memory: groups of cells one after the other, in each group segment by segment, and of
//! a segment the cells of the group side by side, as the lanes of vectors. All that a group needs lies together, and whoever has
//! whole groups of cells has consecutive places.

use std::ops::Range;

/// The order of the segments of a cable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes {
    /// Cells.
    pub cells: usize,
    /// Segments of each.
    pub segments: usize,
    /// Cells of a group, as a power of two.
    shift: u32,
}

/// The most cells of a group: the lanes of the widest vectors. Cells are dealt out to threads and processes by as many.
pub const GROUP: usize = 16;

impl Lanes {
    /// Lays out the segments of a cable.
    pub fn new(cells: usize, segments: usize) -> Lanes {
        Lanes { cells, segments, shift: cells.next_power_of_two().min(GROUP).trailing_zeros() }
    }

    /// Returns how many cells lie side by side: a power of two.
    #[inline(always)]
    pub fn side_by_side(&self) -> usize {
        1 << self.shift
    }

    /// Returns the number of groups.
    pub fn groups(&self) -> usize {
        self.cells.div_ceil(self.side_by_side())
    }

    /// Returns the number of places, whole vectors.
    pub fn places(&self) -> usize {
        ((self.groups() * self.segments) << self.shift).next_multiple_of(GROUP)
    }

    /// Returns the place of a segment of a cell.
    #[inline(always)]
    pub fn of(&self, cell: usize, segment: usize) -> usize {
        (((cell >> self.shift) * self.segments + segment) << self.shift) + (cell & (self.side_by_side() - 1))
    }

    /// Returns the places of a group; those of the last one go on to the end.
    pub fn of_group(&self, group: usize) -> Range<usize> {
        let end = if group + 1 == self.groups() { self.places() } else { ((group + 1) * self.segments) << self.shift };
        (group * self.segments) << self.shift..end
    }

    /// Returns how many places sixteen cells have, which are dealt out together.
    pub fn unit(&self) -> usize {
        (self.segments * GROUP).min(self.places()).max(1)
    }

    /// Returns the groups of cells that begin and end at a multiple of sixteen, or with the last one.
    pub fn groups_of(&self, cells: &Range<usize>) -> Range<usize> {
        let group = |cell: usize| cell.div_ceil(self.side_by_side()).min(self.groups());
        group(cells.start)..group(cells.end)
    }

    /// Returns the cell and the segment at every place; places that belong to none repeat the last cell or segment.
    pub fn each(self) -> impl Iterator<Item = (usize, usize)> {
        let lanes = self;
        (0..self.places()).map(move |place| {
            let (row, within) = (place >> lanes.shift, place & (lanes.side_by_side() - 1));
            if row >= lanes.groups() * lanes.segments {
                return (lanes.cells - 1, lanes.segments - 1);
            }
            let cell = ((row / lanes.segments) << lanes.shift) + within;
            (cell.min(lanes.cells - 1), row % lanes.segments)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{GROUP, Lanes};

    const SIZES: [(usize, usize); 10] =
        [(1, 1), (1, 100), (3, 7), (8, 2), (11, 2), (12, 5), (64, 1), (64, 4), (100, 3), (33, 51)];

    #[test]
    fn every_segment_has_a_place_of_its_own() {
        for (cells, segments) in SIZES {
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
        }
    }

    #[test]
    fn whoever_has_sixteen_cells_has_consecutive_places() {
        for (cells, segments) in SIZES {
            let lanes = Lanes::new(cells, segments);
            let sixteens = cells.div_ceil(GROUP);
            assert_eq!(lanes.places(), sixteens * lanes.unit());
            for cell in 0..cells {
                let places = cell / GROUP * lanes.unit()..(cell / GROUP + 1) * lanes.unit();
                assert!((0..segments).all(|segment| places.contains(&lanes.of(cell, segment))));
            }
            let groups = (0..sixteens).flat_map(|k| lanes.groups_of(&(k * GROUP..(k + 1) * GROUP)));
            assert!(groups.eq(0..lanes.groups()));
            assert!((0..lanes.groups()).flat_map(|group| lanes.of_group(group)).eq(0..lanes.places()));
        }
    }
}
