//! The cables of a cell as one tree of rows, for elimination from the leaves to the root (Hines 1984, Int J Biomed Comput 15:69).
//!
//! Rows are the middles of segments, and the points where several cables hang on the end of another: a point has no membrane. From a
//! middle to the end of its segment lies the axial resistance of half a segment.

use super::vector::{Float, Vector};
use crate::image::CableShape;
use crate::ir::Precision;
use crate::plan::{Piece, Population};
use crate::runtime::buffer::Buffer;

/// What a row of the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    /// A segment: its cable, and which of it.
    Segment(usize, usize),
    /// The end of a cable.
    Point,
}

/// A value for each row, the same for all cells or one for each: `[row * cells + cell]`.
pub struct ByRow {
    values: Buffer,
    cells: usize,
}

impl ByRow {
    fn new(rows: usize, cells: usize, precision: Precision, value: impl Fn(usize, usize) -> f64) -> ByRow {
        let mut values: Vec<f64> =
            (0..rows).flat_map(|row| (0..cells).map(move |cell| (row, cell))).map(|(r, c)| value(r, c)).collect();
        let same = values.chunks(cells).all(|row| row.iter().all(|v| *v == row[0]));
        if same {
            values = values.into_iter().step_by(cells).collect();
        }
        let mut buffer = Buffer::new(values.len(), precision);
        buffer.fill_with(values.into_iter());
        ByRow { values: buffer, cells: if same { 1 } else { cells } }
    }

    /// Returns the values of a row for the cells from one on.
    ///
    /// # Safety
    /// There must be as many rows and cells, and the processor must have the instructions of the vector.
    #[inline(always)]
    pub unsafe fn of<V: Vector<T: Float>>(&self, row: usize, cell: usize) -> V {
        let values = V::T::numbers(&self.values).as_ptr();
        // SAFETY: the caller's promise.
        unsafe {
            match self.cells {
                1 => V::splat(*values.add(row)),
                n => V::load(values.add(row * n + cell)),
            }
        }
    }
}

/// A row of the tree.
pub struct Row {
    /// The row that it hangs on, which comes before it; the first one hangs on none, nor does the root of another tree.
    pub parent: Option<usize>,
    /// The cable and the segment whose potential it has. Points begin a step with that of a segment beside them: they are solved for
    /// exactly, wherever they begin.
    pub cable: usize,
    /// The segment.
    pub segment: usize,
    /// Whether it is a point, which has no membrane.
    pub is_point: bool,
}

/// The rows of all cells, which have the same tree.
pub struct Tree {
    /// The rows.
    pub rows: Vec<Row>,
    /// Axial conductance to the parent, nS.
    pub axial: ByRow,
    /// Capacitance over the time that is solved for and axial conductances to all neighbours, nS.
    pub fixed: ByRow,
    /// Membrane area, µm².
    pub area: ByRow,
    /// Which rows a cell has, if cells have different numbers of segments.
    pub uneven: Option<Uneven>,
}

/// What differs where cells have different numbers of segments. Where a cell has none, the row has the potential of the one that it
/// hangs on: it hands on what hangs on itself, as it is.
pub struct Uneven {
    /// One for a row that a cell has, zero for another.
    pub there: ByRow,
    /// One for the middle of a cable, zero elsewhere.
    pub middle: ByRow,
}

impl Tree {
    /// Joins the cables of a population's cells, which lie side by side in groups; potentials are solved for at `span` after the beginning
    /// of a step.
    pub fn new(p: &Population, shapes: &[&CableShape], precision: Precision, (dt, span): (f64, f64)) -> Tree {
        let (nodes, parents) = joined(p, shapes);
        // Sections of a morphology meet in points, or in the middle of one.
        let apart: Vec<bool> = match p.model.cables.iter().find_map(|c| c.traced.as_ref()) {
            Some(t) => {
                (0..nodes.len()).map(|r| parents[r].is_some_and(|q| t.of.section[q] != t.of.section[r])).collect()
            }
            None => Vec::new(),
        };
        let there = |row: usize, cell: usize| match nodes[row] {
            Node::Segment(c, s) => s < shapes[c].segments_of(cell),
            Node::Point => true,
        };
        let piece = |row: usize, cell: usize| match nodes[row] {
            Node::Segment(c, s) => {
                let last = p.piece(c, cell, s, dt);
                if there(row, cell) { last } else { Piece { area: 0.0, capacitance: 0.0, ..last } }
            }
            // The end of the segment before it.
            Node::Point => Piece { area: 0.0, capacitance: 0.0, to_begin: 0.0, to_end: 0.0 },
        };
        let area = |row: usize, cell: usize| piece(row, cell).area;
        let axial = |row: usize, cell: usize| match parents[row] {
            Some(_) if !there(row, cell) => 0.0,
            Some(_) if apart.get(row) == Some(&true) => 1.0 / piece(row, cell).to_begin,
            Some(parent) => 1.0 / (piece(row, cell).to_begin + piece(parent, cell).to_end),
            None => 0.0,
        };
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        parents.iter().enumerate().for_each(|(row, p)| p.iter().for_each(|p| children[*p].push(row)));
        let fixed = |row: usize, cell: usize| {
            let below: f64 = children[row].iter().map(|child| axial(*child, cell)).sum();
            piece(row, cell).capacitance / span + axial(row, cell) + below
        };
        // One for every place of a group; those that belong to no cell have the values of the last one.
        let n = if p.has_one_shape() { 1 } else { p.n.next_multiple_of(shapes[0].lanes.side_by_side()) };
        let by_row = |value: &dyn Fn(usize, usize) -> f64| {
            ByRow::new(nodes.len(), n, precision, |row, cell| value(row, cell.min(p.n - 1)))
        };
        let uneven = shapes.iter().any(|shape| shape.counts.is_some()).then(|| Uneven {
            there: by_row(&|row, cell| f64::from(u8::from(there(row, cell)))),
            middle: by_row(&|row, cell| match nodes[row] {
                Node::Segment(c, s) if s == shapes[c].segments_of(cell) / 2 => 1.0,
                _ => 0.0,
            }),
        });
        let (axial, fixed, area) = (by_row(&axial), by_row(&fixed), by_row(&area));
        let row = |((node, parent), (cable, segment)): ((&Node, &Option<usize>), _)| Row {
            parent: *parent,
            cable,
            segment,
            is_point: *node == Node::Point,
        };
        let rows = nodes.iter().zip(&parents).zip(places(&nodes, &parents)).map(row).collect();
        Tree { rows, axial, fixed, area, uneven }
    }
}

/// The rows of all cables, and their parents.
fn joined(p: &Population, shapes: &[&CableShape]) -> (Vec<Node>, Vec<Option<usize>>) {
    let (mut nodes, mut parents) = traced(p);
    let hang = |c: usize| shapes.iter().enumerate().filter(move |(k, _)| p.model.cables[*k].parent == Some(c)).count();
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
    (nodes, parents)
}

/// Returns the segment whose potential each row has, or begins with.
fn places(nodes: &[Node], parents: &[Option<usize>]) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = Vec::with_capacity(nodes.len());
    for (row, node) in nodes.iter().enumerate() {
        let segment = |node: &Node| match node {
            Node::Segment(c, s) => Some((*c, *s)),
            Node::Point => None,
        };
        let own = segment(node).or_else(|| parents[row].map(|p| out[p]));
        match own.or_else(|| nodes[row..].iter().find_map(segment)) {
            Some(place) => out.push(place),
            None => crate::ice!("a tree of points only"),
        }
    }
    out
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
