//! Integrals along a chain of frusta: what lies between two places of a section.

use super::sections::Point;
use std::f64::consts::PI;

/// A stretch of a section.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stretch {
    /// Lateral area, µm²; where the radius jumps, that of the ring between.
    pub area: f64,
    /// Axial resistance over the resistivity, ∫ dx / (π r²), 1/µm.
    pub axial: f64,
    /// ∫ 2 r dx, µm².
    pub profile: f64,
}

impl Stretch {
    fn add(&mut self, from: f64, to: f64, length: f64) {
        self.area += PI * (from + to) * length.hypot(to - from);
        self.axial += length / (PI * from * to);
        self.profile += (from + to) * length;
    }
}

/// How far along the section each point lies, µm.
pub fn arc(points: &[Point]) -> Vec<f64> {
    let mut along = 0.0;
    let steps = points.windows(2).map(|p| {
        along += p[0].to(&p[1]);
        along
    });
    std::iter::once(0.0).chain(steps).collect()
}

/// Cuts a chain of at least two points into stretches of equal length.
pub fn stretches(points: &[Point], count: usize) -> Vec<Stretch> {
    let arc = arc(points);
    let length = arc[arc.len() - 1];
    let mut out = vec![Stretch::default(); count];
    let (mut piece, mut at, mut radius) = (0, 0.0, points[0].radius);
    for (k, stretch) in out.iter_mut().enumerate() {
        let end = if k + 1 == count { f64::INFINITY } else { length * ((k + 1) as f64 / count as f64) };
        while piece + 1 < points.len() && arc[piece + 1] <= end {
            stretch.add(radius, points[piece + 1].radius, arc[piece + 1] - at);
            piece += 1;
            (at, radius) = (arc[piece], points[piece].radius);
        }
        if piece + 1 < points.len() {
            let share = (end - arc[piece]) / (arc[piece + 1] - arc[piece]);
            let there = points[piece].radius + share * (points[piece + 1].radius - points[piece].radius);
            stretch.add(radius, there, end - at);
            (at, radius) = (end, there);
        }
    }
    out
}
