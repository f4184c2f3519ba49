//! The compartments of a cell of several segments.
//!
//! Input: the shape of a cell. Output: a compartment for each piece, how they are called, and which of them are coupled.

use super::pieces::{Pieces, cut};
use super::scope::{identifier, unique};
use super::segments::Shape;
use std::collections::HashSet;

/// Compartments of a cell, each with what it holds.
pub struct Tree<B> {
    /// The shape that they are of.
    pub shape: Shape,
    /// One for each piece.
    pub compartments: Vec<Compartment<B>>,
    /// The compartment that spikes are sent from, if something says so.
    pub sender: Option<usize>,
    pieces: Pieces,
}

/// A compartment.
pub struct Compartment<B> {
    /// What it is called.
    pub name: String,
    /// Its number, and how many there are, where it is a segment of a cable.
    pub part: Option<(usize, usize)>,
    /// Length and diameter of its cylinder, in micrometres.
    pub cylinder: (f64, f64),
    /// The segments of the file whose stretch it is a part of.
    pub members: Vec<usize>,
    /// How far its middle lies from the beginning of the root, along the path.
    pub path: f64,
    /// Whether those are no cylinder.
    pub tapers: bool,
    /// What it holds.
    pub body: B,
}

impl<B: Default> Tree<B> {
    /// The compartments of a cell.
    pub fn new(shape: Shape) -> Tree<B> {
        let pieces = cut(&shape);
        let mut taken: HashSet<String> = ["spike", "negative", "t"].map(String::from).into();
        let names: Vec<String> = shape.sections.iter().map(|s| unique(&identifier(&s.name), &mut taken)).collect();
        let counts = pieces.all.iter().fold(vec![0; names.len()], |mut n, p| {
            n[p.section] += 1;
            n
        });
        let mut numbers = vec![0; names.len()];
        let mut compartments = Vec::new();
        for piece in &pieces.all {
            let section = &shape.sections[piece.section];
            numbers[piece.section] += 1;
            let name = match counts[piece.section] {
                1 => names[piece.section].clone(),
                _ => unique(&format!("{}_{}", names[piece.section], numbers[piece.section]), &mut taken),
            };
            let (length, members) = (section.length * (piece.span.1 - piece.span.0), section.members.clone());
            let tapers = (piece.cylinder.0 - length).abs() > 1e-9 * length;
            let (cylinder, body) = (piece.cylinder, B::default());
            let path = shape.path(piece.section, (piece.span.0 + piece.span.1) / 2.0);
            compartments.push(Compartment { name, part: None, cylinder, members, path, tapers, body });
        }
        Tree { shape, compartments, sender: None, pieces }
    }
}

impl<B> Tree<B> {
    /// The compartment at a place along a segment; of the first one if none is named.
    pub fn compartment(&self, segment: Option<&str>, along: f64) -> Option<usize> {
        let segment = segment.map_or(Some(0), |id| self.shape.segment(id))?;
        let (section, at) = self.shape.along(segment, along)?;
        self.pieces.at(section, at)
    }

    /// How a compartment is written.
    pub fn name(&self, n: usize) -> String {
        let own = &self.compartments[n];
        own.part.map_or(own.name.clone(), |(number, _)| format!("{}[{number}]", own.name))
    }

    /// Makes cables of sections that are cylinders of equal pieces, where all pieces may be segments of one with the first.
    pub fn join(&mut self, may: impl Fn(&B, &B) -> bool) {
        for (section, plain) in self.pieces.plain.iter().enumerate() {
            let own: Vec<usize> =
                (0..self.compartments.len()).filter(|n| self.pieces.all[*n].section == section).collect();
            if !plain
                || own.len() < 2
                || !own.iter().all(|n| may(&self.compartments[*n].body, &self.compartments[own[0]].body))
            {
                continue;
            }
            let Some(name) = self.compartments[own[0]].name.strip_suffix("_1").map(str::to_string) else { continue };
            for (at, n) in own.iter().enumerate() {
                let number = if self.pieces.all[*n].turned { own.len() - 1 - at } else { at };
                self.compartments[*n].name = name.clone();
                self.compartments[*n].part = Some((number, own.len()));
            }
        }
    }

    /// The names of coupled compartments.
    pub fn couples(&self) -> Vec<(&str, &str)> {
        let coupled = self.pieces.order.iter().filter_map(|n| Some((self.pieces.all[*n].parent?, *n)));
        let named = coupled.map(|(a, b)| (self.compartments[a].name.as_str(), self.compartments[b].name.as_str()));
        named.filter(|(a, b)| a != b).collect()
    }
}
