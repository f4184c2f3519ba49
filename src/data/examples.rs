//! Data sets: examples with named fields, in memory as they are stored.

use super::sha256;
use serde::{Deserialize, Serialize};

/// The numbers of a field, example after example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Numbers {
    /// As read from images.
    Bytes(Vec<u8>),
    /// Any.
    Reals(Vec<f64>),
}

impl Numbers {
    /// Returns how many there are.
    pub fn len(&self) -> usize {
        match self {
            Numbers::Bytes(b) => b.len(),
            Numbers::Reals(r) => r.len(),
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One field of all examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Numbers per example.
    pub width: usize,
    /// Number of classes, for a label.
    pub classes: Option<u32>,
    /// The numbers.
    pub numbers: Numbers,
}

/// Examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Examples {
    /// What it is, for readers.
    pub name: String,
    /// How many.
    pub n: usize,
    /// Fields in order.
    pub fields: Vec<Field>,
    /// Tells data sets apart: the same content is the same set.
    pub id: u64,
}

impl Examples {
    /// Makes a data set of fields with so many examples, or as many as all lengths can be divided by; the error says which field
    /// does not fit.
    pub fn new(
        name: &str,
        fields: Vec<(String, Option<u32>, Numbers)>,
        examples: Option<usize>,
    ) -> Result<Examples, String> {
        let mut digest = String::new();
        for (_, _, numbers) in &fields {
            digest += &match numbers {
                Numbers::Bytes(b) => sha256(b),
                Numbers::Reals(r) => sha256(&r.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()),
            };
        }
        Examples::identified(name, &digest, fields, examples)
    }

    /// Makes a data set whose content is known by what identifies it.
    pub fn identified(
        name: &str,
        identity: &str,
        fields: Vec<(String, Option<u32>, Numbers)>,
        examples: Option<usize>,
    ) -> Result<Examples, String> {
        let n = examples.unwrap_or_else(|| fields.iter().fold(0, |n, (_, _, x)| common(n, x.len())));
        let mut out = Vec::new();
        for (name, classes, numbers) in fields {
            if n == 0 || !numbers.len().is_multiple_of(n) {
                return Err(format!(
                    "`{name}` has {} numbers, which are not so many for each of {n} examples",
                    numbers.len()
                ));
            }
            out.push(Field { name, width: numbers.len() / n, classes, numbers });
        }
        let id = u64::from_str_radix(&sha256(identity.as_bytes())[..16], 16).unwrap_or(0);
        Ok(Examples { name: name.to_string(), n, fields: out, id })
    }

    /// Returns whether every field has its numbers for every example, as it must be of what comes from a file.
    pub fn is_sound(&self) -> bool {
        self.n > 0 && self.fields.iter().all(|f| self.n.checked_mul(f.width) == Some(f.numbers.len()))
    }

    /// Returns some examples of a field, one after the other.
    pub fn rows(&self, field: usize, items: &[usize]) -> Vec<f64> {
        let f = &self.fields[field];
        let mut out = Vec::with_capacity(items.len() * f.width);
        for item in items {
            let at = item * f.width..(item + 1) * f.width;
            match &f.numbers {
                Numbers::Bytes(b) => out.extend(b[at].iter().map(|x| f64::from(*x))),
                Numbers::Reals(r) => out.extend_from_slice(&r[at]),
            }
        }
        out
    }
}

/// The greatest common divisor.
fn common(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common(b, a % b) }
}
