//! The shapes of cables: the membrane and the axial resistance of each segment, and how far along the path it lies. Internal units: µm,
//! GΩ, pF.

use super::{Column, Lanes, Population};
use crate::hir::{Expr, VarId, VarKind};
use crate::math::{eval, eval_through};
use crate::value::Cells;
use std::f64::consts::PI;

/// A segment of a cable of one cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// Membrane area, µm².
    pub area: f64,
    /// Capacitance, pF.
    pub capacitance: f64,
    /// Axial resistance from the middle to the end that is nearer to the root, GΩ.
    pub to_begin: f64,
    /// Axial resistance from the middle to the other end, GΩ.
    pub to_end: f64,
}

impl Population {
    /// Returns the order of the segments that a port is of, if each has its own: of an event input of a cable. Other inputs are of the cell.
    pub fn lanes_of(&self, port: VarId) -> Option<Lanes> {
        let cable = self.model.vars.get(port).filter(|port| matches!(port.kind, VarKind::EventPort))?.cable?;
        Some(self.lanes(cable))
    }

    /// Returns how many segments a port has, in all cells or in each if they differ: one if it is of the cell.
    pub fn segments_at(&self, port: VarId) -> Vec<usize> {
        let cable = self.lanes_of(port).and_then(|_| self.model.vars[port].cable);
        cable.map_or(vec![1], |cable| self.counts(cable))
    }

    /// Returns the order of the segments of a cable.
    pub fn lanes(&self, cable: usize) -> Lanes {
        Lanes::new(self.n, self.segments(cable))
    }

    /// Returns the greatest number of segments of a cable; cells that have fewer have places that belong to none.
    pub fn segments(&self, cable: usize) -> usize {
        self.counts(cable).into_iter().max().unwrap_or(1)
    }

    /// Returns the number of segments of a cable: of all cells, or of each if they differ.
    pub fn counts(&self, cable: usize) -> Vec<usize> {
        let cells = if self.has_even(cable) { self.n.min(1) } else { self.n };
        (0..cells).map(|cell| self.segments_of(cable, cell)).collect()
    }

    /// Returns the number of segments of a cable of a cell.
    pub fn segments_of(&self, cable: usize, cell: usize) -> usize {
        let value = |v: VarId| self.params.get(&v).map(|c| c.at(cell));
        eval(&self.model.cables[cable].segments, &value, None).unwrap_or(1.0).max(1.0) as usize
    }

    /// Returns the number of segments of a cable that some cells have, if it is the same for all of them.
    pub fn segments_in(&self, cable: usize, cells: &Cells) -> Option<usize> {
        let mut all = cells.iter().map(|cell| self.segments_of(cable, cell));
        let first = all.next().unwrap_or_else(|| self.segments(cable));
        (self.has_even(cable) || all.all(|n| n == first)).then_some(first)
    }

    /// Returns whether a cable has the same number of segments in all cells.
    pub fn has_even(&self, cable: usize) -> bool {
        self.is_common(&self.model.cables[cable].segments)
            || (1..self.n).all(|cell| self.segments_of(cable, cell) == self.segments_of(cable, 0))
    }

    /// Returns the cell and the segment at every place of a cable; places that belong to none repeat the last segment or cell.
    pub fn each_place(&self, cable: usize) -> impl Iterator<Item = (usize, usize)> {
        let lanes = self.lanes(cable);
        let last = |cell| self.segments_of(cable, cell) - 1;
        let last: Option<Vec<usize>> = (!self.has_even(cable)).then(|| (0..self.n).map(last).collect());
        lanes.each().map(move |(cell, segment)| (cell, last.as_ref().map_or(segment, |last| segment.min(last[cell]))))
    }

    /// Evaluates what the shape of a cell's cables follows from, internal units.
    pub(super) fn measure(&self, e: &Expr, cell: usize, segment: usize, dt: f64) -> f64 {
        let lets = |v: VarId| self.model.definition(v);
        match eval_through(e, &lets, &|v| self.fixed(v, cell, segment), (Some(dt), None)) {
            Some(value) => value,
            None => crate::ice!("a cable whose shape follows from more than parameters"),
        }
    }

    /// Returns where a cable of a cell begins and how long it is: along the path from the middle of the root, internal units (µm).
    pub fn reach(&self, cable: usize, cell: usize, dt: f64) -> (f64, f64) {
        let length = |cable: usize| self.measure(&self.model.cables[cable].length, cell, 0, dt);
        let begin = match self.model.cables[cable].parent {
            None => -length(cable) / 2.0,
            Some(parent) => {
                let (begin, length) = self.reach(parent, cell, dt);
                begin + length
            }
        };
        (begin, length(cable))
    }

    /// Returns how far the middle of a segment lies along the path from the middle of the root, or of the last one if the cell has fewer;
    /// internal units (µm).
    pub fn distance(&self, cable: usize, cell: usize, segment: usize, dt: f64) -> f64 {
        if let Some(traced) = &self.model.cables[cable].traced {
            return traced.of.distance[traced.rows[segment]];
        }
        let (begin, length) = self.reach(cable, cell, dt);
        let n = self.segments_of(cable, cell);
        (begin + length * (segment.min(n - 1) as f64 + 0.5) / n as f64).abs()
    }

    /// Returns a segment of a cable of a cell.
    pub fn piece(&self, cable: usize, cell: usize, segment: usize, dt: f64) -> Piece {
        let c = &self.model.cables[cable];
        let value = |e: &Expr| self.measure(e, cell, segment, dt);
        if let Some(traced) = &c.traced {
            let (of, row) = (&traced.of, traced.rows[segment]);
            let r_a = value(&Expr::Var(c.r_a));
            let capacitance = value(&Expr::Var(c.c_m)) * of.area[row];
            let (to_begin, to_end) = (r_a * of.to_begin[row], r_a * of.to_end[row]);
            return Piece { area: of.area[row], capacitance, to_begin, to_end };
        }
        let (length, diameter) = (value(&c.length) / self.segments_of(cable, cell) as f64, value(&c.diameter));
        let area = PI * diameter * length;
        // R_a (length / 2) / (pi diameter^2 / 4)
        let half = value(&Expr::Var(c.r_a)) * (length / 2.0) / (PI * diameter * diameter / 4.0);
        Piece { area, capacitance: value(&Expr::Var(c.c_m)) * area, to_begin: half, to_end: half }
    }

    /// Returns whether all cells have cables of the same shape.
    pub fn has_one_shape(&self) -> bool {
        let cables = self.model.cables.iter();
        { cables }.all(|c| {
            [&c.length, &c.diameter, &c.segments].into_iter().all(|e| self.is_common(e))
                && [c.c_m, c.r_a].into_iter().all(|v| self.is_common(&Expr::Var(v)))
        })
    }

    /// Returns whether what follows from parameters is the same for all cells.
    fn is_common(&self, e: &Expr) -> bool {
        !self.model.any(e, &mut |e| match e {
            Expr::Var(v) => {
                let along = self.along.range((*v, 0)..=(*v, usize::MAX)).map(|(_, column)| column);
                self.params.get(v).into_iter().chain(along).any(|column| !matches!(column, Column::Const(_)))
            }
            _ => false,
        })
    }
}
