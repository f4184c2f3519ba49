//! What a text is made of.

use super::notation::Notation;
use super::reached::Reached;
use crate::compiler::Program;
use crate::describe::written::Written;

/// A program, the declarations that a text is about, and what it has to tell at its end.
pub struct Document<'a> {
    pub program: &'a Program,
    pub written: Written<'a>,
    pub notation: Notation,
    pub reached: Reached,
}

impl<'a> Document<'a> {
    /// About the first file of a program, or a module of the library.
    pub fn new(program: &'a Program, library: bool) -> Document<'a> {
        let reached = Reached::of(program, library);
        Document { program, written: Written(&program.sources), notation: Notation::default(), reached }
    }
}
