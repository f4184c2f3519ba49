//! Backward Euler along the trees of several cells side by side: the change of all potentials in a step, by elimination from the leaves
//! to the root and back (Hines 1984, Int J Biomed Comput 15:69).

use super::tree::{Node, OfRow, Tree};
use crate::plan::Lanes;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Range, Sub, SubAssign};

/// The two precisions of potentials.
pub trait Float:
    Copy
    + Default
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
{
    /// The number one.
    const ONE: Self;
    /// Rounds to this precision.
    fn of(x: f64) -> Self;
    /// Returns whether it is a number, and not infinite.
    fn is_finite(self) -> bool;
}

macro_rules! floats {
    ($($float:ty),*) => {
        $(impl Float for $float {
            const ONE: $float = 1.0;

            #[inline(always)]
            fn of(x: f64) -> $float {
                x as $float
            }

            #[inline(always)]
            fn is_finite(self) -> bool {
                self.abs() <= <$float>::MAX
            }
        })*
    };
}

floats!(f32, f64);

/// The memory of a cable's segments, in the order of its lanes; internal units (mV, nS/µm², pA/µm², nS, pA).
pub struct Segments<'a, F> {
    /// The order.
    pub lanes: Lanes,
    /// Potentials.
    pub v: *mut F,
    /// Where they are kept as they were before a step after which one is not finite.
    pub before: *mut F,
    /// Conductance and current at zero potential, per area.
    pub density: [*const F; 2],
    /// The same of whole segments, if there is any.
    pub whole: Option<[*const F; 2]>,
    /// What enters the middle, by cell, if anything does.
    pub injected: Option<&'a [f64]>,
}

// SAFETY: threads solve disjoint cells.
unsafe impl<F> Sync for Segments<'_, F> {}

impl<F: Float> Segments<'_, F> {
    /// Lets places that belong to no cell have the potential of the last one.
    ///
    /// # Safety
    /// The memory must be valid, and no other thread may touch these places, nor the last cell's, meanwhile.
    pub unsafe fn repeat_last(&self) {
        for (last, places) in self.lanes.unused() {
            // SAFETY: the lanes are the cable's.
            places.for_each(|place| unsafe { *self.v.add(place) = *self.v.add(last) });
        }
    }
}

/// Cells that are solved side by side, at most.
pub const SIDE_BY_SIDE: usize = 64;

/// By row, of the cells that are solved at once.
#[derive(Default)]
pub struct Scratch<F> {
    v: Vec<F>,
    diagonal: Vec<F>,
    rhs: Vec<F>,
}

/// Advances the potentials of some cells, [`SIDE_BY_SIDE`] at most, by a step; returns whether all are finite.
///
/// # Safety
/// The memory of all segments of these cells must be valid, and no other thread may touch it meanwhile.
pub unsafe fn solve<F: Float>(
    tree: &Tree,
    cables: &[Segments<F>],
    cells: Range<usize>,
    scratch: &mut Scratch<F>,
) -> bool {
    if cells.len() == 1 {
        // SAFETY: the caller's promise.
        return unsafe { side_by_side(tree, cables, cells, scratch) };
    }
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the instructions; the rest is the caller's promise.
            return unsafe { with_avx512(tree, cables, cells, scratch) };
        } else if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { with_avx2(tree, cables, cells, scratch) };
        }
    }
    // SAFETY: the caller's promise.
    unsafe { side_by_side(tree, cables, cells, scratch) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn with_avx512<F: Float>(
    tree: &Tree,
    cables: &[Segments<F>],
    cells: Range<usize>,
    scratch: &mut Scratch<F>,
) -> bool {
    // SAFETY: the caller's promise.
    unsafe { side_by_side(tree, cables, cells, scratch) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn with_avx2<F: Float>(
    tree: &Tree,
    cables: &[Segments<F>],
    cells: Range<usize>,
    scratch: &mut Scratch<F>,
) -> bool {
    // SAFETY: the caller's promise.
    unsafe { side_by_side(tree, cables, cells, scratch) }
}

/// The value of a row for a cell.
#[inline(always)]
fn at<F: Float>(of: OfRow, cell: usize) -> F {
    F::of(of.each.map_or(of.all, |each| each[cell]))
}

/// The same operations in the same order for each cell, whatever the width of vectors.
///
/// # Safety
/// As for [`solve`].
#[inline(always)]
unsafe fn side_by_side<F: Float>(
    tree: &Tree,
    cables: &[Segments<F>],
    cells: Range<usize>,
    scratch: &mut Scratch<F>,
) -> bool {
    let (n, rows) = (cells.len(), tree.nodes.len());
    let Scratch { v, diagonal, rhs } = scratch;
    for list in [&mut *v, &mut *diagonal, &mut *rhs] {
        list.resize(rows * n, F::default());
    }
    for row in 0..rows {
        let range = row * n..(row + 1) * n;
        let (above, own) = v.split_at_mut(range.start);
        let own = &mut own[..n];
        let (diagonal_above, diagonal) = diagonal.split_at_mut(range.start);
        let (rhs_above, rhs) = rhs.split_at_mut(range.start);
        let (diagonal, rhs) = (&mut diagonal[..n], &mut rhs[..n]);
        match tree.nodes[row] {
            Node::Segment(c, s) => {
                let cable = &cables[c];
                let first = cable.lanes.of(cells.start, s);
                // SAFETY: the segment's lanes of these cells.
                let list = |at: *const F| unsafe { std::slice::from_raw_parts(at.add(first), n) };
                own.copy_from_slice(list(cable.v));
                let (capacity, area) = (tree.capacity.of(row, &cells), tree.area.of(row, &cells));
                let [g, i] = cable.density.map(list);
                for k in 0..n {
                    diagonal[k] = at::<F>(capacity, k) + at::<F>(area, k) * g[k];
                    rhs[k] = -(at::<F>(area, k) * (g[k] * own[k] + i[k]));
                }
                if let Some(whole) = cable.whole {
                    let [g, i] = whole.map(list);
                    for k in 0..n {
                        diagonal[k] += g[k];
                        rhs[k] -= g[k] * own[k] + i[k];
                    }
                }
                if let Some(injected) = cable.injected
                    && s == cable.lanes.segments / 2
                {
                    rhs.iter_mut().zip(&injected[cells.clone()]).for_each(|(to, x)| *to += F::of(*x));
                }
            }
            // A point has no membrane: wherever its potential begins, it is solved for exactly.
            Node::Point => {
                match row {
                    0 => own.fill(F::default()),
                    _ => own.copy_from_slice(&above[(row - 1) * n..row * n]),
                }
                diagonal.fill(F::default());
                rhs.fill(F::default());
            }
        }
        if let Some(p) = tree.parents[row] {
            let axial = tree.axial.of(row, &cells);
            let parent = p * n..(p + 1) * n;
            let (v_p, diagonal_p, rhs_p) =
                (&above[parent.clone()], &mut diagonal_above[parent.clone()], &mut rhs_above[parent]);
            for k in 0..n {
                let current = at::<F>(axial, k) * (v_p[k] - own[k]);
                diagonal[k] += at::<F>(axial, k);
                diagonal_p[k] += at::<F>(axial, k);
                rhs[k] += current;
                rhs_p[k] -= current;
            }
        }
    }
    for row in (0..rows).rev() {
        let (diagonal_above, diagonal) = diagonal.split_at_mut(row * n);
        let (rhs_above, rhs) = rhs.split_at_mut(row * n);
        let (diagonal, rhs) = (&mut diagonal[..n], &mut rhs[..n]);
        // From here on it is the inverse.
        diagonal.iter_mut().for_each(|d| *d = F::ONE / *d);
        if let Some(p) = tree.parents[row] {
            let axial = tree.axial.of(row, &cells);
            let (diagonal_p, rhs_p) = (&mut diagonal_above[p * n..(p + 1) * n], &mut rhs_above[p * n..(p + 1) * n]);
            for k in 0..n {
                let factor = at::<F>(axial, k) * diagonal[k];
                diagonal_p[k] -= factor * at::<F>(axial, k);
                rhs_p[k] += factor * rhs[k];
            }
        }
    }
    let mut finite = true;
    for row in 0..rows {
        let (rhs_above, rhs) = rhs.split_at_mut(row * n);
        let (diagonal, rhs) = (&diagonal[row * n..(row + 1) * n], &mut rhs[..n]);
        match tree.parents[row] {
            Some(p) => {
                let axial = tree.axial.of(row, &cells);
                let rhs_p = &rhs_above[p * n..(p + 1) * n];
                for k in 0..n {
                    rhs[k] = (rhs[k] + at::<F>(axial, k) * rhs_p[k]) * diagonal[k];
                }
            }
            None => rhs.iter_mut().zip(diagonal).for_each(|(r, d)| *r = *r * *d),
        }
        if let Node::Segment(c, s) = tree.nodes[row] {
            let first = cables[c].lanes.of(cells.start, s);
            // SAFETY: the segment's lanes of these cells, which nobody else touches.
            let to = unsafe { std::slice::from_raw_parts_mut(cables[c].v.add(first), n) };
            let own = &v[row * n..(row + 1) * n];
            for k in 0..n {
                to[k] = own[k] + rhs[k];
                finite &= to[k].is_finite();
            }
        }
    }
    if !finite {
        for (row, node) in tree.nodes.iter().enumerate() {
            if let Node::Segment(c, s) = *node {
                let first = cables[c].lanes.of(cells.start, s);
                // SAFETY: as above.
                let to = unsafe { std::slice::from_raw_parts_mut(cables[c].before.add(first), n) };
                to.copy_from_slice(&v[row * n..(row + 1) * n]);
            }
        }
    }
    finite
}
