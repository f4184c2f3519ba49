//! Sections cut into pieces, and how these hang on each other.
//!
//! Input: the shape of a cell. Output: cylinders, each with the area and the axial resistance of its stretch, and which hangs on
//! the far end of which. Sections join at their ends, or where another one is cut.

use super::segments::{Section, Shape};
use std::f64::consts::PI;

/// A stretch of a section.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Its section.
    pub section: usize,
    /// From where along the section to where.
    pub span: (f64, f64),
    /// The length and the diameter of its cylinder, in micrometres.
    pub cylinder: (f64, f64),
    /// The piece on whose far end it hangs.
    pub parent: Option<usize>,
    /// Whether it hangs by the end that is the later one along its section.
    pub turned: bool,
}

/// The pieces of a cell.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    /// In the order of sections, and along them.
    pub all: Vec<Piece>,
    /// The pieces in an order in which parents come first.
    pub order: Vec<usize>,
    /// By section, whether it is a cylinder of equal pieces on whose borders nothing hangs.
    pub plain: Vec<bool>,
}

/// Places closer than this, as a part of a section, are one.
const CLOSE: f64 = 1e-9;

/// Cuts all sections.
pub fn cut(shape: &Shape) -> Pieces {
    let borders: Vec<Vec<f64>> = (0..shape.sections.len()).map(|s| borders(shape, s)).collect();
    let mut out = Pieces::default();
    // Nodes at the borders of pieces, and which pieces meet there.
    let mut nodes: Vec<Vec<usize>> = Vec::new();
    let mut count = 0;
    for (s, section) in shape.sections.iter().enumerate() {
        let first = match section.joint {
            Some((parent, at)) => {
                let nearest = borders[parent].iter().position(|b| (b - at).abs() <= CLOSE);
                nodes[parent][nearest.unwrap_or(borders[parent].len() - 1)]
            }
            None => {
                count += 1;
                count - 1
            }
        };
        let more = borders[s].len() - 1;
        nodes.push(std::iter::once(first).chain(count..count + more).collect());
        count += more;
        for ends in borders[s].windows(2) {
            let cylinder = cylinder(shape, section, (ends[0], ends[1]));
            out.all.push(Piece { section: s, span: (ends[0], ends[1]), cylinder, parent: None, turned: false });
        }
        let even = shape.sections[s].divisions == more && uniform(shape, section).is_some();
        out.plain.push(even);
    }
    let ends: Vec<(usize, usize)> = nodes.iter().flat_map(|n| n.windows(2).map(|w| (w[0], w[1]))).collect();
    out.hang(&ends, count);
    for section in &shape.sections {
        if let Some((parent, at)) = section.joint
            && at > CLOSE
            && at < 1.0 - CLOSE
        {
            out.plain[parent] = false;
        }
    }
    out
}

impl Pieces {
    /// Lets pieces hang on each other, from one of which an end is free: the first of all if it has one.
    fn hang(&mut self, ends: &[(usize, usize)], count: usize) {
        let mut meeting: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (piece, (from, to)) in ends.iter().enumerate() {
            meeting[*from].push(piece);
            meeting[*to].push(piece);
        }
        let free = |piece: usize| {
            let (from, to) = ends[piece];
            if meeting[from].len() == 1 { Some(false) } else { (meeting[to].len() == 1).then_some(true) }
        };
        // A piece that is turned has its far end where its section begins.
        let root = (0..ends.len()).find_map(|p| free(p).filter(|turned| p > 0 || !turned).map(|turned| (p, turned)));
        let (root, turned) = root.unwrap_or((0, false));
        self.all[root].turned = turned;
        self.order.push(root);
        let mut next = 0;
        while let Some(&piece) = self.order.get(next) {
            let (from, to) = ends[piece];
            let far = if self.all[piece].turned { from } else { to };
            for &child in meeting[far].iter().filter(|c| **c != piece) {
                self.all[child].parent = Some(piece);
                self.all[child].turned = ends[child].1 == far;
                self.order.push(child);
            }
            next += 1;
        }
    }

    /// The piece that holds a place along a section; a border belongs to the later one.
    pub fn at(&self, section: usize, along: f64) -> Option<usize> {
        let own = |n: &usize| self.all[*n].section == section && self.all[*n].span.0 <= along + CLOSE;
        (0..self.all.len()).rev().find(own)
    }
}

/// Where a section is cut: into its pieces, and where others hang on it.
fn borders(shape: &Shape, section: usize) -> Vec<f64> {
    let n = shape.sections[section].divisions;
    let mut out: Vec<f64> = (0..=n).map(|k| k as f64 / n as f64).collect();
    for (parent, at) in shape.sections.iter().filter_map(|s| s.joint) {
        if parent == section && out.iter().all(|b| (b - at).abs() > CLOSE) {
            out.push(at);
        }
    }
    out.sort_by(f64::total_cmp);
    out
}

/// The diameter of a section that is a cylinder.
fn uniform(shape: &Shape, section: &Section) -> Option<f64> {
    let mut ends = section.members.iter().map(|m| &shape.segments[*m]).flat_map(|s| [s.from.diameter, s.to.diameter]);
    let first = ends.next()?;
    ends.all(|d| d == first).then_some(first)
}

/// Length and diameter of the cylinder that has the area and the axial resistance of a stretch.
fn cylinder(shape: &Shape, section: &Section, (from, to): (f64, f64)) -> (f64, f64) {
    if let Some(diameter) = uniform(shape, section) {
        return (section.length * (to - from), diameter);
    }
    let (from, to) = (from * section.length, to * section.length);
    let (mut area, mut axial, mut before) = (0.0, 0.0, 0.0);
    for segment in section.members.iter().map(|m| &shape.segments[*m]) {
        let (start, end) = (from.max(before), to.min(before + segment.length));
        if end > start {
            let at = |x: f64| {
                let share = (x - before) / segment.length;
                segment.from.diameter + share * (segment.to.diameter - segment.from.diameter)
            };
            let (one, other, length) = (at(start), at(end), end - start);
            area += PI * (one + other) / 2.0 * length.hypot((one - other) / 2.0);
            axial += 4.0 * length / (PI * one * other);
        }
        before += segment.length;
    }
    // Of a cylinder, they are π d l and 4 l / (π d²).
    let diameter = (4.0 * area / (PI * PI * axial)).cbrt();
    (area / (PI * diameter), diameter)
}
