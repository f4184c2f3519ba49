//! NumPy's arrays: a header that says what follows, and the numbers.

use super::element::{Element, index, is_finite};
use super::inflate::Content;
use super::{Flaw, Table, Texts, Wanted};
use crate::parallel::with_deep_stack;
use ndarray::{ArrayD, IxDyn, ShapeBuilder};
use py_literal::Value;
use std::io::Read;

/// How an array begins.
const MAGIC: &[u8] = b"\x93NUMPY";

/// NumPy itself reads no longer headers unless it is told to.
const LONGEST_HEADER: u64 = 10_000;

/// A description of fields has four brackets within each other.
const DEEPEST_HEADER: usize = 4;

/// What a header says.
pub struct Header {
    /// The extent of each axis.
    pub shape: Vec<usize>,
    /// Whether the first axis moves fastest.
    fortran: bool,
    element: Element,
    big_endian: bool,
    /// How many bytes the header takes.
    pub length: u64,
    /// How many bytes of numbers must follow.
    pub body: u64,
}

/// Reads a NumPy array of floats or integers: its elements in C order, and its shape. What is not a number is refused, or replaced.
pub fn npy(bytes: &[u8], missing: Option<f64>) -> Result<(Vec<f64>, Vec<usize>), Flaw> {
    let mut content = Content::of(bytes);
    let header = Header::read(&mut content)?;
    header.holds_numbers()?;
    let other = content.left().is_some_and(|there| there != header.body);
    if other || content.left_at_most() < header.body {
        return Err(header.other_length(content.left_at_most()));
    }
    match content.rest(header.body)? {
        Some(body) => Ok((header.numbers(&body, missing)?, header.shape)),
        None => Err(header.longer()),
    }
}

/// Returns whether some bytes are a NumPy array.
pub fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads a NumPy array of two axes as a table, whole numbers of any size exactly. Its columns are named by their index, from 0 on.
pub fn table(file: &str, bytes: &[u8], wanted: Wanted) -> Result<Table, Flaw> {
    let header = Header::read(&mut &bytes[..])?;
    header.holds_numbers()?;
    let body = bytes.get(header.length as usize..).unwrap_or_default();
    if body.len() as u64 != header.body {
        return Err(header.other_length(body.len() as u64));
    }
    let [rows, n] = header.shape[..] else {
        let what = format!("an array of the shape {:?} has no rows and columns", header.shape);
        return Err(Flaw::new(what, "save an array of two axes, with a row for each pair of cells"));
    };
    let texts = header.element.texts(body, header.big_endian);
    let names: Vec<String> = (0..n).map(|k| k.to_string()).collect();
    let at = |row: usize, k: usize| if header.fortran { k * rows + row } else { row * n + k };
    let column = |k: usize| (0..rows).map(|row| &*texts[at(row, k)]).collect::<Texts>();
    let columns = (0..n).filter(|k| wanted(&names[*k])).map(|k| (names[k].clone(), column(k))).collect();
    Ok(Table::new(file, names, columns, rows))
}

const SAVE: &str = "save the array anew: `numpy.save(\"array.npy\", array)`";

fn flaw<T>(what: impl Into<String>) -> Result<T, Flaw> {
    Err(Flaw::new(what, SAVE))
}

impl Header {
    /// Reads a header.
    pub fn read(from: &mut impl Read) -> Result<Header, Flaw> {
        let start = take(from, 8)?;
        let Some([major, _]) = start.strip_prefix(MAGIC) else {
            return flaw("it does not begin like a NumPy array");
        };
        let size = match major {
            1 => 2,
            2 | 3 => 4,
            other => return flaw(format!("its header is of version {other}; versions 1 to 3 are known")),
        };
        let mut length = [0; 4];
        let bytes = take(from, size)?;
        if bytes.len() as u64 != size {
            return flaw("the file ends within its header");
        }
        length[..bytes.len()].copy_from_slice(&bytes);
        let length = u64::from(u32::from_le_bytes(length));
        if length > LONGEST_HEADER {
            return flaw(format!("its header announces {length} bytes for itself; at most {LONGEST_HEADER} are read"));
        }
        let text = take(from, length)?;
        if text.len() as u64 != length {
            return flaw(format!("the file ends within its header, which has {} of {length} bytes", text.len()));
        }
        described(&text, 8 + size + length)
    }

    /// Says that other bytes are there than must follow.
    pub fn other_length(&self, there: u64) -> Flaw {
        let what = format!("its header announces {}, but at most {there} can follow", self.announced());
        Flaw::new(what, SAVE)
    }

    /// Says that more bytes are there than must follow.
    pub fn longer(&self) -> Flaw {
        Flaw::new(format!("its header announces {}, but there are more", self.announced()), SAVE)
    }

    fn announced(&self) -> String {
        format!("{} bytes of numbers (shape {:?}, {} each)", self.body, self.shape, self.element.size())
    }

    /// Refuses an array with several axes one of which has no extent.
    pub fn holds_numbers(&self) -> Result<(), Flaw> {
        match self.shape.len() > 1 && self.shape.contains(&0) {
            true => flaw(format!("an array of the shape {:?} holds no numbers", self.shape)),
            false => Ok(()),
        }
    }

    /// Reads the numbers from what follows as they are stored, be they finite or not.
    pub fn stored(&self, body: &[u8]) -> Result<Vec<f64>, Flaw> {
        match body.len() as u64 == self.body {
            true => Ok(self.element.numbers(body, self.big_endian).collect()),
            false => Err(self.other_length(body.len() as u64)),
        }
    }

    /// Reads the numbers from what follows.
    pub fn numbers(&self, body: &[u8], missing: Option<f64>) -> Result<Vec<f64>, Flaw> {
        self.holds_numbers()?;
        let known = |x: f64| if x.is_nan() { missing.unwrap_or(x) } else { x };
        let values: Vec<f64> = self.stored(body)?.into_iter().map(known).collect();
        is_finite(&values, |k| {
            format!("element {:?} (byte {})", self.index(k), self.length + (k * self.element.size()) as u64)
        })?;
        if let Some((k, exact)) = self.element.inexact(body, self.big_endian) {
            let what = format!("element {:?} is {exact}, which no double holds exactly", self.index(k));
            return Err(Flaw::new(what, "save numbers below 2^53, or floats"));
        }
        if !self.fortran {
            return Ok(values);
        }
        match ArrayD::from_shape_vec(IxDyn(&self.shape).f(), values) {
            Ok(turned) => Ok(turned.iter().copied().collect()),
            Err(e) => Err(Flaw::new(format!("its shape {:?} is not possible: {e}", self.shape), SAVE)),
        }
    }

    /// The index of the element that is stored at a place.
    fn index(&self, place: usize) -> Vec<usize> {
        if !self.fortran {
            return index(&self.shape, place);
        }
        let turned: Vec<usize> = self.shape.iter().rev().copied().collect();
        index(&turned, place).into_iter().rev().collect()
    }
}

/// Reads so many bytes, or as many as there are.
fn take(from: &mut impl Read, n: u64) -> Result<Vec<u8>, Flaw> {
    let mut out = Vec::new();
    match from.take(n).read_to_end(&mut out) {
        Ok(_) => Ok(out),
        Err(e) => Err(Flaw::new(format!("its header cannot be unpacked: {e}"), "copy or compress the file anew")),
    }
}

/// Finds what the text of a header says: `{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }`.
fn described(text: &[u8], length: u64) -> Result<Header, Flaw> {
    let Ok(text) = std::str::from_utf8(text) else { return flaw("its header is not text") };
    let mut depth = 0;
    for c in text.chars() {
        depth += usize::from(matches!(c, '(' | '[' | '{'));
        depth -= usize::from(matches!(c, ')' | ']' | '}')).min(depth);
        if depth > DEEPEST_HEADER {
            return flaw("its header has too many brackets within each other");
        }
    }
    let Ok(Value::Dict(entries)) = with_deep_stack(|| text.trim().parse()) else {
        return flaw(format!("its header is no description of an array: {}", shortened(text)));
    };
    let entry =
        |name: &str| match entries.iter().filter(|(key, _)| *key == Value::String(name.into())).collect::<Vec<_>>()[..]
        {
            [(_, value)] => Ok(value),
            _ => flaw(format!("its header does not say `{name}` once: {}", shortened(text))),
        };
    let (element, big_endian) = kind(entry("descr")?)?;
    let fortran = match entry("fortran_order")? {
        Value::Boolean(b) => *b,
        other => return flaw(format!("`fortran_order` in its header is {other}, not True or False")),
    };
    let Value::Tuple(extents) = entry("shape")? else {
        return flaw(format!("the shape in its header is {}, not a tuple of numbers", entry("shape")?));
    };
    let extent = |v: &Value| match v {
        Value::Integer(n) => n.to_string().parse::<usize>().ok(),
        _ => None,
    };
    let Some(shape) = extents.iter().map(extent).collect::<Option<Vec<usize>>>() else {
        return flaw(format!("the shape in its header is {}, not one that an array can have", entry("shape")?));
    };
    match shape.iter().try_fold(element.size() as u64, |n, k| n.checked_mul(*k as u64)) {
        Some(body) => Ok(Header { shape, fortran, element, big_endian, length, body }),
        None => flaw(format!("its header announces the shape {shape:?}, which no memory can hold")),
    }
}

/// The beginning of a text.
fn shortened(text: &str) -> String {
    let start: String = text.trim().chars().take(80).collect();
    start.escape_debug().to_string()
}

/// The type of the elements, and whether their first byte is the highest.
fn kind(descr: &Value) -> Result<(Element, bool), Flaw> {
    let known = match descr {
        Value::String(s) => Element::named(s.trim_start_matches(['<', '>', '|', '='])).map(|e| (e, s.starts_with('>'))),
        _ => None,
    };
    known.ok_or_else(|| {
        let what = format!("its numbers are of the type {descr}, not one of {}", Element::NAMES);
        Flaw::new(what, "convert it before it is saved: `array.astype(\"f8\")`")
    })
}
