//! Memory for what products copy.

use std::cell::RefCell;

/// Memory that one thread uses again and again.
pub struct Scratch<T> {
    /// The left side of a product, so that what a tile multiplies next lies side by side.
    pub a: Vec<T>,
    /// Columns of the right side.
    pub b: Vec<T>,
    /// Inner indices that are multiplied.
    pub inner: Vec<u32>,
    /// Images of some examples.
    pub images: Vec<T>,
    /// Results before they are put where they belong.
    pub sums: Vec<T>,
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Scratch { a: Vec::new(), b: Vec::new(), inner: Vec::new(), images: Vec::new(), sums: Vec::new() }
    }
}

thread_local! {
    pub static SINGLE: RefCell<Scratch<f32>> = RefCell::default();
    pub static DOUBLE: RefCell<Scratch<f64>> = RefCell::default();
}
