//! The cables of a cell as one tree of rows, for elimination from the leaves to the root (Hines 1984, Int J Biomed Comput 15:69).
//!
//! Rows are the middles of segments, and the points where several cables hang on the end of another: a point has no membrane. From a
//! middle to the end of its segment lies the axial resistance of half a segment.

use crate::image::CableShape;
use crate::plan::{Piece, Population};

/// What a row of the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// A segment: its cable, and which of it.
    Segment(usize, usize),
    /// The end of a cable.
    Point,
}

/// A value for each row, the same for all cells or one for each: `[row * cells + cell]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ByRow {
    values: Vec<f64>,
    cells: usize,
}

impl ByRow {
    fn new(rows: usize, cells: usize, value: impl Fn(usize, usize) -> f64) -> ByRow {
        let values: Vec<f64> =
            (0..rows).flat_map(|row| (0..cells).map(move |cell| (row, cell))).map(|(r, c)| value(r, c)).collect();
        match values.chunks(cells).all(|row| row.iter().all(|v| *v == row[0])) {
            true => ByRow { values: values.into_iter().step_by(cells).collect(), cells: 1 },
            false => ByRow { values, cells },
        }
    }

    /// Returns the values of a row for some cells.
    #[inline(always)]
    pub fn of(&self, row: usize, cells: &std::ops::Range<usize>) -> OfRow<'_> {
        match self.cells {
            1 => OfRow { all: self.values[row], each: None },
            n => OfRow { all: 0.0, each: Some(&self.values[row * n..][cells.clone()]) },
        }
    }
}

/// The values of a row: the same for all cells, or one for each.
#[derive(Clone, Copy)]
pub struct OfRow<'a> {
    /// The same.
    pub all: f64,
    /// One for each.
    pub each: Option<&'a [f64]>,
}

/// The rows of all cells, which have the same tree.
pub struct Tree {
    /// Parents come before their children.
    pub nodes: Vec<Node>,
    /// The row that each hangs on; the first one hangs on none, nor does the root of another tree.
    pub parents: Vec<Option<usize>>,
    /// Axial conductance to the parent, nS.
    pub axial: ByRow,
    /// Capacitance over dt, nS.
    pub capacity: ByRow,
    /// Membrane area, µm².
    pub area: ByRow,
}

impl Tree {
    /// Joins the cables of a population's cells.
    pub fn new(p: &Population, shapes: &[&CableShape], dt: f64) -> Tree {
        let (mut nodes, mut parents) = traced(p);
        // Sections of a morphology meet in points, or in the middle of one.
        let apart: Vec<bool> = match p.model.cables.iter().find_map(|c| c.traced.as_ref()) {
            Some(t) => {
                (0..nodes.len()).map(|r| parents[r].is_some_and(|q| t.of.section[q] != t.of.section[r])).collect()
            }
            None => Vec::new(),
        };
        let hang =
            |c: usize| shapes.iter().enumerate().filter(move |(k, _)| p.model.cables[*k].parent == Some(c)).count();
        // The row of each cable's end.
        let mut ends: Vec<usize> = Vec::new();
        for (c, k) in shapes.iter().enumerate() {
            if p.model.cables[c].traced.is_some() {
                ends.push(0);
                continue;
            }
            for s in 0..k.segments {
                parents.push(match s {
                    0 => p.model.cables[c].parent.map(|q| ends[q]),
                    _ => Some(nodes.len() - 1),
                });
                nodes.push(Node::Segment(c, s));
            }
            if hang(c) > 1 {
                parents.push(Some(nodes.len() - 1));
                nodes.push(Node::Point);
            }
            ends.push(nodes.len() - 1);
        }
        let piece = |row: usize, cell: usize| match nodes[row] {
            Node::Segment(c, s) => p.piece(c, cell, s, dt),
            // The end of the segment before it.
            Node::Point => Piece { area: 0.0, capacitance: 0.0, to_begin: 0.0, to_end: 0.0 },
        };
        let area = |row: usize, cell: usize| piece(row, cell).area;
        let capacity = |row: usize, cell: usize| piece(row, cell).capacitance / dt;
        let axial = |row: usize, cell: usize| match parents[row] {
            Some(_) if apart.get(row) == Some(&true) => 1.0 / piece(row, cell).to_begin,
            Some(parent) => 1.0 / (piece(row, cell).to_begin + piece(parent, cell).to_end),
            None => 0.0,
        };
        let (rows, n) = (nodes.len(), if p.has_one_shape() { 1 } else { p.n });
        let (area, capacity, axial) =
            (ByRow::new(rows, n, area), ByRow::new(rows, n, capacity), ByRow::new(rows, n, axial));
        Tree { nodes, parents, axial, capacity, area }
    }
}

/// The rows of a morphology, and their parents; none if the cells have none.
fn traced(p: &Population) -> (Vec<Node>, Vec<Option<usize>>) {
    let parts = p.model.cables.iter().enumerate().filter_map(|(c, cable)| Some((c, cable.traced.as_ref()?)));
    let (mut nodes, mut parents) = (Vec::new(), Vec::new());
    for (c, part) in parts {
        nodes.resize(part.of.parent.len(), Node::Point);
        parents.clone_from(&part.of.parent);
        part.rows.iter().enumerate().for_each(|(s, row)| nodes[*row] = Node::Segment(c, s));
    }
    (nodes, parents)
}
