//! The cables of a cell as one tree of rows, for elimination from the leaves to the root (Hines 1984, Int J Biomed Comput 15:69).
//!
//! Rows are the middles of segments, and the points where several cables hang on the end of another: a point has no membrane. From a
//! middle to the end of its segment lies the axial resistance of half a segment.

use crate::image::CableShape;
use crate::plan::Population;
use std::f64::consts::PI;

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
        let hang =
            |c: usize| shapes.iter().enumerate().filter(move |(k, _)| p.model.cables[*k].parent == Some(c)).count();
        let (mut nodes, mut parents) = (Vec::new(), Vec::new());
        // The row of each cable's end.
        let mut ends: Vec<usize> = Vec::new();
        for (c, k) in shapes.iter().enumerate() {
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
        // Resistance from the middle of a segment to its end: R_a (h / 2) / (pi d^2 / 4).
        let half = |node: Node, cell: usize| match node {
            Node::Segment(c, _) => {
                let g = &shapes[c].geometry[cell];
                g.r_a * (g.length / shapes[c].segments as f64 / 2.0) / (PI * g.diameter * g.diameter / 4.0)
            }
            Node::Point => 0.0,
        };
        let area = |row: usize, cell: usize| match nodes[row] {
            Node::Segment(c, _) => {
                let g = &shapes[c].geometry[cell];
                PI * g.diameter * (g.length / shapes[c].segments as f64)
            }
            Node::Point => 0.0,
        };
        let capacity = |row: usize, cell: usize| match nodes[row] {
            Node::Segment(c, _) => shapes[c].geometry[cell].c_m * area(row, cell) / dt,
            Node::Point => 0.0,
        };
        let axial = |row: usize, cell: usize| match parents[row] {
            Some(parent) => 1.0 / (half(nodes[row], cell) + half(nodes[parent], cell)),
            None => 0.0,
        };
        let (rows, n) = (nodes.len(), p.n);
        let (area, capacity, axial) =
            (ByRow::new(rows, n, area), ByRow::new(rows, n, capacity), ByRow::new(rows, n, axial));
        Tree { nodes, parents, axial, capacity, area }
    }
}
