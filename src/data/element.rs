//! How one number is stored in a file.

use super::Flaw;

/// The type of the numbers of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    Float32,
    Float64,
    /// Of so many bytes.
    Signed(usize),
    /// Of so many bytes.
    Unsigned(usize),
}

impl Element {
    /// The names that NumPy has for them.
    pub const NAMES: &str = "f4, f8, i1, i2, i4, i8, u1, u2, u4, u8";

    /// Finds a type by NumPy's name.
    pub fn named(name: &str) -> Option<Element> {
        Some(match name {
            "f4" => Element::Float32,
            "f8" => Element::Float64,
            "i1" => Element::Signed(1),
            "i2" => Element::Signed(2),
            "i4" => Element::Signed(4),
            "i8" => Element::Signed(8),
            "u1" => Element::Unsigned(1),
            "u2" => Element::Unsigned(2),
            "u4" => Element::Unsigned(4),
            "u8" => Element::Unsigned(8),
            _ => return None,
        })
    }

    /// Returns how many bytes one takes.
    pub fn size(self) -> usize {
        match self {
            Element::Float32 => 4,
            Element::Float64 => 8,
            Element::Signed(n) | Element::Unsigned(n) => n,
        }
    }

    /// The bits of each number.
    fn bits(self, body: &[u8], big_endian: bool) -> impl Iterator<Item = u64> {
        body.chunks_exact(self.size()).map(move |bytes| {
            let next = |bits: u64, b: &u8| bits << 8 | u64::from(*b);
            if big_endian { bytes.iter().fold(0, next) } else { bytes.iter().rev().fold(0, next) }
        })
    }

    /// Reads all numbers.
    pub fn numbers(self, body: &[u8], big_endian: bool) -> impl Iterator<Item = f64> {
        self.bits(body, big_endian).map(move |bits| match self {
            Element::Float32 => f64::from(f32::from_bits(bits as u32)),
            Element::Float64 => f64::from_bits(bits),
            Element::Signed(n) => signed(bits, n) as f64,
            Element::Unsigned(_) => bits as f64,
        })
    }

    /// Writes all numbers, each with all of its digits.
    pub fn texts(self, body: &[u8], big_endian: bool) -> Vec<String> {
        let text = |bits: u64| match self {
            Element::Float32 => f32::from_bits(bits as u32).to_string(),
            Element::Float64 => f64::from_bits(bits).to_string(),
            Element::Signed(n) => signed(bits, n).to_string(),
            Element::Unsigned(_) => bits.to_string(),
        };
        self.bits(body, big_endian).map(text).collect()
    }

    /// Finds the first whole number that a double does not hold, and its place.
    pub fn inexact(self, body: &[u8], big_endian: bool) -> Option<(usize, i128)> {
        let exact = move |bits: u64| match self {
            Element::Signed(8) => Some(i128::from(signed(bits, 8))),
            Element::Unsigned(8) => Some(i128::from(bits)),
            _ => None,
        };
        exact(0)?;
        let whole = self.bits(body, big_endian).filter_map(exact).enumerate();
        whole.into_iter().find(|(_, n)| (*n as f64) as i128 != *n)
    }
}

/// A number of so many bytes whose highest bit is its sign.
fn signed(bits: u64, bytes: usize) -> i64 {
    let unused = 64 - 8 * bytes as u32;
    ((bits << unused) as i64) >> unused
}

/// Requires that all numbers are finite; `place` says where one is.
pub fn is_finite(values: &[f64], place: impl Fn(usize) -> String) -> Result<(), Flaw> {
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(k) => {
            let what = format!("{} is {}, not a finite number", place(k), values[k]);
            Err(Flaw::new(what, "replace it before the array is saved"))
        }
    }
}

/// The index of an element of an array in C order.
pub fn index(shape: &[usize], mut place: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (at, extent) in index.iter_mut().zip(shape).rev() {
        *at = place % extent;
        place /= extent;
    }
    index
}
