//! Backward Euler along the trees of several cells side by side: the change of all potentials in a step or half of it, by elimination from
//! the leaves to the root and back (Hines 1984, Int J Biomed Comput 15:69).

use super::tree::{Row, Tree};
use super::vector::{Float, Vector};
use crate::plan::Lanes;

/// The memory of a cable's segments, in the order of its lanes; internal units (mV, nS/µm², pA/µm², nS, pA).
pub struct Segments<F> {
    /// The order.
    pub lanes: Lanes,
    /// Potentials.
    pub v: *mut F,
    /// Where they are kept as they were before a step after which one is not finite.
    pub before: *mut F,
    /// What of their changes they could not take up, if that is kept.
    pub rest: Option<*mut F>,
    /// Conductance and current at zero potential, per area.
    pub density: [*const F; 2],
    /// The same of whole segments, if there is any.
    pub whole: Option<[*const F; 2]>,
    /// What enters the middle, by cell up to the end of the last group, if anything does.
    pub injected: Option<*const F>,
}

// SAFETY: threads solve disjoint cells.
unsafe impl<F> Sync for Segments<F> {}

/// By row and group, of cells side by side.
#[derive(Default)]
pub struct Scratch<F> {
    /// One over the diagonal of the matrix; until a row's turn comes, what others add to it.
    inverse: Vec<F>,
    /// The right side; until a row's turn comes, what others add to it, and in the end the change of the potential.
    change: Vec<F>,
}

/// Groups that are solved row by row together: steps of one wait for each other, those of several do not.
pub const TOGETHER: usize = 2;

/// The cables of some groups of cells.
pub struct Groups<'a, F> {
    /// Their tree.
    pub tree: &'a Tree,
    /// Whether potentials change by twice what is solved for.
    pub twice: bool,
    /// Their cables.
    pub cables: &'a [Segments<F>],
    /// The first group.
    pub first: usize,
    /// How many, [`TOGETHER`] at most.
    pub count: usize,
    /// Cells of a group.
    pub side_by_side: usize,
    /// How many places of the last group belong to cells; the others mirror the last cell.
    pub cells: usize,
}

/// Advances the potentials of some groups of cells by a step; returns whether all are finite.
///
/// # Safety
/// The memory of all segments of these cells must be valid, and no other thread may touch it meanwhile.
pub unsafe fn solve<F: Float>(groups: &Groups<F>, scratch: &mut Scratch<F>) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        let n = groups.side_by_side;
        if n >= F::Avx512::LANES && is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the instructions; the rest is the caller's promise.
            return unsafe { with_avx512(groups, scratch) };
        } else if n >= F::Avx2::LANES && is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { with_avx2(groups, scratch) };
        }
    }
    // SAFETY: the caller's promise.
    unsafe { groups.solve::<F>(scratch) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn with_avx512<F: Float>(groups: &Groups<F>, scratch: &mut Scratch<F>) -> bool {
    // SAFETY: the caller's promise.
    unsafe { groups.solve::<F::Avx512>(scratch) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn with_avx2<F: Float>(groups: &Groups<F>, scratch: &mut Scratch<F>) -> bool {
    // SAFETY: the caller's promise.
    unsafe { groups.solve::<F::Avx2>(scratch) }
}

impl<F: Float> Groups<'_, F> {
    /// The same operations in the same order for each cell, whatever the width of vectors.
    ///
    /// # Safety
    /// As for [`solve`], with the instructions of the vector.
    #[inline(always)]
    unsafe fn solve<V: Vector<T = F>>(&self, scratch: &mut Scratch<F>) -> bool {
        let length = self.tree.rows.len() * self.count * self.side_by_side;
        for list in [&mut scratch.inverse, &mut scratch.change] {
            list.clear();
            list.resize(length, F::default());
        }
        let (inverse, change) = (scratch.inverse.as_mut_ptr(), scratch.change.as_mut_ptr());
        // SAFETY: the caller's promise; both have a number for each row and cell.
        unsafe {
            let finite = match &self.tree.uneven {
                None => {
                    self.eliminate::<V, false>(inverse, change);
                    self.substitute::<V, false>(inverse, change)
                }
                Some(_) => {
                    self.eliminate::<V, true>(inverse, change);
                    self.substitute::<V, true>(inverse, change)
                }
            };
            self.advance::<V>(change, finite);
            finite
        }
    }

    /// The groups, one vector after the other: where it lies in the scratch memory of a row, and where in that of a segment of the group.
    #[inline(always)]
    fn vectors<V: Vector>(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let n = self.side_by_side;
        (0..self.count).flat_map(move |group| (0..n).step_by(V::LANES).map(move |k| (group, group * n + k, k)))
    }

    /// Where the values of a row's segment begin, of a group.
    #[inline(always)]
    fn place(&self, row: &Row, group: usize) -> usize {
        self.cables[row.cable].lanes.of((self.first + group) * self.side_by_side, row.segment)
    }

    /// Goes from the leaves to the root: every row is solved for but for the change of the one that it hangs on, to which it adds its part.
    /// `UNEVEN` says whether cells differ in their segments.
    ///
    /// # Safety
    /// As for [`Groups::solve`].
    #[inline(always)]
    unsafe fn eliminate<V: Vector<T = F>, const UNEVEN: bool>(&self, inverse: *mut F, change: *mut F) {
        let (width, n, Tree { rows, fixed, axial, area, uneven }) =
            (self.count * self.side_by_side, self.side_by_side, self.tree);
        let uneven = uneven.as_ref().filter(|_| UNEVEN);
        // SAFETY: the caller's promise.
        let one = unsafe { V::splat(F::ONE) };
        for (number, row) in rows.iter().enumerate().rev() {
            let cable = &self.cables[row.cable];
            let middle = uneven.is_some() || row.segment == cable.lanes.segments / 2;
            let injected = cable.injected.filter(|_| middle && !row.is_point);
            let above = row.parent.map(|parent| (parent, &rows[parent]));
            for (group, at, k) in self.vectors::<V>() {
                let cell = (self.first + group) * n + k;
                let place = self.place(row, group) + k;
                // SAFETY: the lanes of the groups.
                unsafe {
                    let own = number * width + at;
                    let v = V::load(cable.v.add(place));
                    let mut diagonal = fixed.of::<V>(number, cell).plus(V::load(inverse.add(own)));
                    let mut right = V::load(change.add(own));
                    if !row.is_point {
                        let [g, i] = [V::load(cable.density[0].add(place)), V::load(cable.density[1].add(place))];
                        let area = area.of::<V>(number, cell);
                        diagonal = diagonal.plus(area.times(g));
                        right = right.minus(area.times(g.times(v).plus(i)));
                        if let Some(whole) = cable.whole {
                            let [mut g, mut i] = [V::load(whole[0].add(place)), V::load(whole[1].add(place))];
                            if let Some(uneven) = uneven {
                                let there = uneven.there.of::<V>(number, cell);
                                (g, i) = (there.times(g), there.times(i));
                            }
                            diagonal = diagonal.plus(g);
                            right = right.minus(g.times(v).plus(i));
                        }
                    }
                    if let Some(injected) = injected {
                        let mut current = V::load(injected.add(cell));
                        if let Some(uneven) = uneven {
                            current = uneven.middle.of::<V>(number, cell).times(current);
                        }
                        right = right.plus(current);
                    }
                    // A row that the cell does not have hands on what it has from others; it may be nothing.
                    let handed = uneven.map(|uneven| {
                        let none = one.minus(uneven.there.of::<V>(number, cell));
                        (none, none.times(diagonal), none.times(right))
                    });
                    let divisor = handed.map_or(diagonal, |(none, ..)| diagonal.plus(none));
                    let one_over = one.over(divisor);
                    if let Some((parent, above)) = above {
                        let axial = axial.of::<V>(number, cell);
                        let v_above = V::load(self.cables[above.cable].v.add(self.place(above, group) + k));
                        let current = axial.times(v_above.minus(v));
                        right = right.plus(current);
                        let (up_inverse, up_change) =
                            (inverse.add(parent * width + at), change.add(parent * width + at));
                        V::load(up_inverse).minus(axial.times(axial).times(one_over)).store(up_inverse);
                        V::load(up_change).plus(axial.times(one_over).times(right).minus(current)).store(up_change);
                        if let Some((_, diagonal, right)) = handed {
                            V::load(up_inverse).plus(diagonal).store(up_inverse);
                            V::load(up_change).plus(right).store(up_change);
                        }
                    }
                    one_over.store(inverse.add(own));
                    right.store(change.add(own));
                }
            }
        }
    }

    /// Goes back from the root to the leaves: what is left are changes of potentials. Returns whether all will be finite.
    ///
    /// # Safety
    /// As for [`Groups::solve`].
    #[inline(always)]
    unsafe fn substitute<V: Vector<T = F>, const UNEVEN: bool>(&self, inverse: *const F, change: *mut F) -> bool {
        let (width, n) = (self.count * self.side_by_side, self.side_by_side);
        // Zero times what is not finite is no number.
        let mut beyond = [F::default(); TOGETHER * crate::plan::GROUP];
        for (number, row) in self.tree.rows.iter().enumerate() {
            let cable = &self.cables[row.cable];
            for (group, at, k) in self.vectors::<V>() {
                // SAFETY: the lanes of the groups.
                unsafe {
                    let own = change.add(number * width + at);
                    let mut new = V::load(own);
                    if let Some(parent) = row.parent {
                        let axial = self.tree.axial.of::<V>(number, (self.first + group) * n + k);
                        new = new.plus(axial.times(V::load(change.add(parent * width + at))));
                    }
                    new = new.times(V::load(inverse.add(number * width + at)));
                    if let (true, Some(uneven), Some(parent)) = (UNEVEN, &self.tree.uneven, row.parent) {
                        let there = uneven.there.of::<V>(number, (self.first + group) * n + k);
                        let above = V::load(change.add(parent * width + at));
                        let none = V::splat(F::ONE).minus(there);
                        new = there.times(new).plus(none.times(above));
                    }
                    new.store(own);
                    let v = V::load(cable.v.add(self.place(row, group) + k));
                    let beyond = beyond.as_mut_ptr().add(at);
                    let reached = self.changed(v, new);
                    V::load(beyond).plus(reached.times(V::splat(F::default()))).store(beyond);
                }
            }
        }
        let cells = (self.count - 1) * n + self.cells;
        beyond[..cells].iter().all(|x| x.is_finite())
    }

    /// What potentials are after a step.
    ///
    /// # Safety
    /// The processor must have the instructions of the vector.
    #[inline(always)]
    unsafe fn changed<V: Vector<T = F>>(&self, v: V, change: V) -> V {
        // SAFETY: the caller's promise.
        unsafe {
            let new = v.plus(change);
            if self.twice { new.plus(change) } else { new }
        }
    }

    /// Adds the changes; keeps the potentials as they were if not all will be finite.
    ///
    /// # Safety
    /// As for [`Groups::solve`].
    #[inline(always)]
    unsafe fn advance<V: Vector<T = F>>(&self, change: *const F, finite: bool) {
        let (width, n) = (self.count * self.side_by_side, self.side_by_side);
        for (number, row) in self.tree.rows.iter().enumerate().filter(|(_, row)| !row.is_point) {
            let cable = &self.cables[row.cable];
            for (group, at, k) in self.vectors::<V>() {
                // SAFETY: the lanes of the groups, which nobody else touches.
                unsafe {
                    let place = self.place(row, group) + k;
                    let v = V::load(cable.v.add(place));
                    if !finite {
                        v.store(cable.before.add(place));
                    }
                    let change = V::load(change.add(number * width + at));
                    match cable.rest {
                        None => self.changed(v, change).store(cable.v.add(place)),
                        // Kahan 1965, Commun ACM 8:40.
                        Some(rest) => {
                            let change = if self.twice { change.plus(change) } else { change };
                            let change = change.plus(V::load(rest.add(place)));
                            let new = v.plus(change);
                            change.minus(new.minus(v)).store(rest.add(place));
                            new.store(cable.v.add(place));
                        }
                    }
                }
            }
            let last = self.place(row, self.count - 1) + self.cells - 1;
            for beyond in 1..=n - self.cells {
                // SAFETY: as above.
                unsafe {
                    *cable.v.add(last + beyond) = *cable.v.add(last);
                    if let Some(rest) = cable.rest {
                        *rest.add(last + beyond) = *rest.add(last);
                    }
                }
            }
        }
    }
}
