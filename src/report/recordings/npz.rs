//! Recordings as NumPy's archive of arrays, which are not compressed.
//!
//! Of events it holds `times` and `cells`, of the shape (events,); of states `times` (moments,) and `values`, of the shape (moments, cells),
//! (moments, cells, segments) where several segments are recorded, or (moments,) if one number is kept of each. `indices` are those of the cells in their population; the rest is as in the metadata
//! of other formats: `span` (from, to; ms), `unit`, `population` or `projection`, `variable`.

use super::about::{About, Described};
use super::failure::{Failure, fits};
use super::rows::{self, Rows};
use crate::experiment::record::Recording;
use crate::figure::Member;
use std::fs::File;
use std::io::{BufWriter, Cursor, Read, Write};
use std::path::Path;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Bytes that are collected before they are written.
const CHUNK: usize = 1 << 16;

type Zip = ZipWriter<BufWriter<File>>;

/// The array that is being written.
struct Entry<'a> {
    zip: &'a mut Zip,
    bytes: Vec<u8>,
}

impl<'a> Entry<'a> {
    /// Begins an array of elements with a type as NumPy calls it, and so many bytes.
    fn begin(zip: &'a mut Zip, name: &str, (kind, size): (&str, usize), shape: &[usize]) -> Result<Entry<'a>, Failure> {
        let of =
            shape.iter().try_fold(size as u64, |n, k| n.checked_mul(*k as u64)).ok_or("more than a file can hold")?;
        // What the sizes of a plain archive do not tell.
        let large = of > u64::from(u32::MAX) - 1024;
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(large);
        zip.start_file(format!("{name}.npy"), options)?;
        let shape: String = shape.iter().map(|n| format!("{n},")).collect();
        let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
        // The header ends in a line of its own, at a multiple of 64 bytes.
        let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(u16::try_from(length)?.to_le_bytes());
        bytes.extend(format!("{text:<width$}\n", width = length - 1).into_bytes());
        Ok(Entry { zip, bytes })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= CHUNK {
            self.zip.write_all(&self.bytes)?;
            self.bytes.clear();
        }
        Ok(())
    }

    fn end(self) -> Result<(), Failure> {
        Ok(self.zip.write_all(&self.bytes)?)
    }
}

/// Writes a text as an array without axes.
fn text(zip: &mut Zip, name: &str, value: &str) -> Result<(), Failure> {
    let n = value.chars().count().max(1);
    let mut member = Entry::begin(zip, name, (&format!("<U{n}"), 4 * n), &[])?;
    value.chars().chain(std::iter::repeat('\0')).take(n).try_for_each(|c| member.put(&u32::from(c).to_le_bytes()))?;
    member.end()
}

/// Writes values in single precision if that holds them.
pub fn write(r: &Recording, about: &About, single: bool, path: &Path) -> Result<(), Failure> {
    let mut zip = ZipWriter::new(BufWriter::new(File::create(path)?));
    let n = usize::try_from(r.records())?;
    let mut times = Entry::begin(&mut zip, "times", ("<f8", 8), &[n])?;
    rows::each_record(r, |time, _| times.put(&time.to_le_bytes()))?;
    times.end()?;
    if about.unit.is_none() {
        let mut cells = Entry::begin(&mut zip, "cells", ("<i4", 4), &[n])?;
        rows::each_record(r, |_, record| cells.put(&rows::cell(record).to_le_bytes()))?;
        cells.end()?;
    } else {
        let shape = [n, about.cells, about.segments];
        let axes = if r.is_reduced() { 1 } else { 1 + about.members().len() };
        let kind = if single { ("<f4", 4) } else { ("<f8", 8) };
        let mut values = Entry::begin(&mut zip, "values", kind, &shape[..axes])?;
        rows::each_record(r, |_, record| {
            rows::values(record, about).try_for_each(|v| match single {
                true => values.put(&(v as f32).to_le_bytes()),
                false => values.put(&v.to_le_bytes()),
            })
        })?;
        values.end()?;
    }
    if about.member != Member::Synapse && !r.is_reduced() {
        let mut indices = Entry::begin(&mut zip, "indices", ("<i8", 8), &[r.cells.len()])?;
        r.cells.iter().try_for_each(|index| indices.put(&(index as i64).to_le_bytes()))?;
        indices.end()?;
    }
    let mut span = Entry::begin(&mut zip, "span", ("<f8", 8), &[2])?;
    [r.span.0, r.span.1].into_iter().try_for_each(|step| span.put(&(step as f64 * r.dt).to_le_bytes()))?;
    span.end()?;
    if let Some(unit) = &about.unit {
        text(&mut zip, "unit", &unit.name)?;
    }
    text(&mut zip, about.group(), &about.owner)?;
    text(&mut zip, "variable", &r.of.variable)?;
    zip.finish()?.flush()?;
    Ok(())
}

/// Reads a text, if it is there.
fn read_text(bytes: &[u8], name: &str) -> Result<Option<String>, Failure> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    let mut member = match archive.by_name(&format!("{name}.npy")) {
        Err(ZipError::FileNotFound) => return Ok(None),
        member => member?,
    };
    let mut bytes = Vec::new();
    member.by_ref().take(CHUNK as u64).read_to_end(&mut bytes)?;
    let broken = || format!("`{name}` is no text: not a recording");
    let header = bytes.get(8..10).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]]))).ok_or_else(broken)?;
    let (body, []) = bytes.get(10 + header..).ok_or_else(broken)?.as_chunks::<4>() else { return Err(broken().into()) };
    let chars = body.iter().map(|c| char::from_u32(u32::from_le_bytes(*c)));
    let text: Option<String> = chars.filter(|c| *c != Some('\0')).collect();
    Ok(Some(text.ok_or_else(broken)?))
}

pub fn described(path: &Path) -> Result<Described, Failure> {
    let bytes = whole(path)?;
    let (unit, synapses) = (read_text(&bytes, "unit")?, read_text(&bytes, "projection")?.is_some());
    let records = stored(&bytes, "times")?.1.len() as u64;
    let shape = unit.as_ref().map(|_| stored(&bytes, "values")).transpose()?.map(|(shape, _)| shape);
    let member = match &shape {
        _ if synapses => Member::Synapse,
        Some(shape) if shape.len() == 3 => Member::Segment,
        _ => Member::Cell,
    };
    let cells = match shape {
        Some(shape) => shape[1..].iter().product(),
        None => stored(&bytes, "indices")?.1.len(),
    };
    match stored(&bytes, "span")?.1[..] {
        [from, to] => Ok(Described { records, cells, member, from, to, unit }),
        _ => Err("`span` has not two numbers: not a recording".into()),
    }
}

pub fn read(path: &Path, most: u64) -> Result<Rows, Failure> {
    let bytes = whole(path)?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut time = stored(&bytes, "times")?.1;
    if read_text(&bytes, "unit")?.is_none() {
        let mut cell: Vec<i32> = stored(&bytes, "cells")?.1.into_iter().map(|c| c as i32).collect();
        time.truncate(most);
        cell.truncate(most);
        return Ok(Rows { time, cell, ..Rows::default() });
    }
    let (shape, mut value) = stored(&bytes, "values")?;
    let (segments, n) = (shape.get(2).copied(), shape.iter().skip(1).product::<usize>().max(1));
    if shape.first() != Some(&time.len()) {
        return Err(format!("values of the shape {shape:?} at {} moments: not a recording", time.len()).into());
    }
    value.truncate(most);
    let time = time.into_iter().flat_map(|t| std::iter::repeat_n(t, n)).take(most).collect();
    let each = segments.unwrap_or(1).max(1);
    let cell = (0..value.len()).map(|k| (k % n / each) as i32).collect();
    let segment = segments.map_or(Vec::new(), |_| (0..value.len()).map(|k| (k % each) as i32).collect());
    Ok(Rows { time, cell, segment, value })
}

/// Reads a file, if memory holds what is made of it.
fn whole(path: &Path) -> Result<Vec<u8>, Failure> {
    fits(std::fs::metadata(path)?.len() / 4)?;
    Ok(std::fs::read(path)?)
}

/// Reads an array.
fn stored(bytes: &[u8], name: &str) -> Result<(Vec<usize>, Vec<f64>), Failure> {
    Ok(crate::data::stored(bytes, name).map_err(|flaw| flaw.what)?)
}
