//! Arrays in the idx format, in which MNIST and sets like it are published: big-endian numbers after a header with their type and shape.

use super::{Flaw, inflate};

/// The numbers of an idx file of any type, compressed or not, and its shape.
pub fn idx(file: &[u8]) -> Result<(Vec<f64>, Vec<usize>), Flaw> {
    let bytes = inflate::text(file)?;
    let damaged = |what: String| Flaw::new(what, "get the file anew");
    let kind = *bytes.get(2).ok_or_else(|| damaged(format!("the header ends at byte {}", bytes.len())))?;
    let size = match kind {
        0x08 | 0x09 => 1,
        0x0b => 2,
        0x0c | 0x0d => 4,
        0x0e => 8,
        _ => return Err(damaged(format!("byte 2 is {kind:#04x}, no type of numbers"))),
    };
    let axes = usize::from(bytes.get(3).copied().unwrap_or_default());
    let (body, shape) = body(&bytes, (kind, axes), size).map_err(damaged)?;
    let values = match kind {
        0x08 => body.iter().map(|b| f64::from(*b)).collect(),
        0x09 => body.iter().map(|b| f64::from(*b as i8)).collect(),
        0x0b => body.as_chunks().0.iter().map(|b| f64::from(i16::from_be_bytes(*b))).collect(),
        0x0c => body.as_chunks().0.iter().map(|b| f64::from(i32::from_be_bytes(*b))).collect(),
        0x0d => body.as_chunks().0.iter().map(|b| f64::from(f32::from_be_bytes(*b))).collect(),
        _ => body.as_chunks().0.iter().map(|b| f64::from_be_bytes(*b)).collect::<Vec<f64>>(),
    };
    if let Some(k) = values.iter().position(|x| !x.is_finite()) {
        return Err(Flaw::new(format!("element {k} is not a finite number"), "take it out of the file"));
    }
    Ok((values, shape))
}

/// The body of an idx file of bytes with so many axes, and how many items it has; the error gives the offset.
pub fn bytes_of(bytes: &[u8], axes: usize) -> Result<(&[u8], usize), String> {
    body(bytes, (0x08, axes), 1).map(|(body, shape)| (body, shape[0]))
}

/// What follows the header, and the shape; numbers take `size` bytes each.
fn body(bytes: &[u8], (kind, axes): (u8, usize), size: usize) -> Result<(&[u8], Vec<usize>), String> {
    let word = |k: usize| -> Result<usize, String> {
        let b = bytes.get(4 * k..4 * k + 4).ok_or_else(|| format!("the header ends at byte {}", bytes.len()))?;
        Ok(u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize)
    };
    let (magic, wanted) = (word(0)?, usize::from(kind) << 8 | axes);
    if magic != wanted || axes == 0 {
        return Err(format!("the magic number at byte 0 is {magic:#010x}, not {wanted:#010x}"));
    }
    let shape = (1..=axes).map(word).collect::<Result<Vec<usize>, String>>()?;
    let body = &bytes[4 * (axes + 1)..];
    let total = shape.iter().try_fold(size, |n, k| n.checked_mul(*k));
    if total != Some(body.len()) {
        let found = format!("{} bytes follow byte {}", body.len(), 4 * (axes + 1));
        return Err(format!("{found}, not as many as the shape {shape:?} in its header needs"));
    }
    Ok((body, shape))
}
