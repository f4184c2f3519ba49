//! Named arrays in the formats that others read: NumPy's `.npz` and `.safetensors`.

use super::element::{Element, index, is_finite};
use super::inflate::MOST_TIMES;
use super::{Flaw, npy};
use indexmap::IndexMap;
use ndarray::{ArrayD, IxDyn};
use ndarray_npy::NpzWriter;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Deserialize;
use std::io::{Cursor, Read as _};
use zip::ZipArchive;
use zip::result::ZipError;

/// An array with a name, in C order.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The extent of each axis.
    pub shape: Vec<usize>,
    /// The numbers.
    pub values: Vec<f64>,
}

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archive {
    /// NumPy's archive.
    Npz,
    /// Safetensors.
    Safetensors,
}

impl Archive {
    /// Finds the format by the end of a file's name.
    pub fn of(path: &str) -> Option<Archive> {
        let end = path.rsplit('.').next().unwrap_or_default();
        match end {
            "npz" if path.contains('.') => Some(Archive::Npz),
            "safetensors" => Some(Archive::Safetensors),
            _ => None,
        }
    }

    /// Writes arrays, in single precision unless `double`.
    pub fn write(self, arrays: &[Named], double: bool) -> Result<Vec<u8>, String> {
        match self {
            Archive::Npz => {
                let mut out = NpzWriter::new(Cursor::new(Vec::new()));
                for a in arrays {
                    let shaped = ArrayD::from_shape_vec(IxDyn(&a.shape), a.values.clone()).map_err(text)?;
                    if double {
                        out.add_array(&a.name, &shaped).map_err(text)?;
                    } else {
                        out.add_array(&a.name, &shaped.mapv(|x| x as f32)).map_err(text)?;
                    }
                }
                Ok(out.finish().map_err(text)?.into_inner())
            }
            Archive::Safetensors => {
                let bytes = |a: &Named| -> Vec<u8> {
                    match double {
                        true => a.values.iter().flat_map(|x| x.to_le_bytes()).collect(),
                        false => a.values.iter().flat_map(|x| (*x as f32).to_le_bytes()).collect(),
                    }
                };
                let data: Vec<Vec<u8>> = arrays.iter().map(bytes).collect();
                let of = if double { Dtype::F64 } else { Dtype::F32 };
                let mut views = Vec::new();
                for (a, bytes) in arrays.iter().zip(&data) {
                    views.push((a.name.as_str(), TensorView::new(of, a.shape.clone(), bytes).map_err(text)?));
                }
                safetensors::serialize(views, None).map_err(text)
            }
        }
    }

    /// Finds the arrays of a file, of which none is read yet.
    pub fn open(self, bytes: &[u8]) -> Result<Arrays<'_>, Flaw> {
        Ok(Arrays(match self {
            Archive::Npz => {
                let (archive, members) = npz(bytes)?;
                Format::Npz(archive, members)
            }
            Archive::Safetensors => {
                let tensors = announced(bytes)?;
                let all = SafeTensors::deserialize(bytes)
                    .map_err(|e| Flaw::new(format!("its header does not fit what follows: {e}"), SAVE))?;
                Format::Safetensors(all, tensors)
            }
        }))
    }
}

/// The arrays of a file.
pub struct Arrays<'a>(Format<'a>);

enum Format<'a> {
    /// The archive, and the place of the member of each name.
    Npz(ZipArchive<Cursor<&'a [u8]>>, IndexMap<String, usize>),
    /// The tensors, and where the numbers of each begin in the file.
    Safetensors(SafeTensors<'a>, IndexMap<String, usize>),
}

const SAVE: &str = "save the arrays anew";

impl Arrays<'_> {
    /// Lists their names.
    pub fn names(&self) -> Vec<&str> {
        let (Format::Npz(_, places) | Format::Safetensors(_, places)) = &self.0;
        places.keys().map(String::as_str).collect()
    }

    /// Reads an array of floats if `wanted` says so of its shape; returns its shape, and the numbers.
    pub fn read(
        &mut self,
        name: &str,
        wanted: impl Fn(&[usize]) -> bool,
    ) -> Result<(Vec<usize>, Option<Vec<f64>>), Flaw> {
        let read = match &mut self.0 {
            Format::Npz(archive, members) => match members.get(name) {
                Some(member) => member_array(archive, *member, wanted, |header, body| header.numbers(body, None)),
                None => missing(),
            },
            Format::Safetensors(all, places) => match (all.tensor(name), places.get(name)) {
                (Ok(view), Some(place)) => tensor(&view, *place, wanted),
                _ => missing(),
            },
        };
        read.map_err(|e| e.within(&format!("`{name}`")))
    }
}

/// Reads an array of an archive of NumPy as it is stored in C order, be its numbers finite or not.
pub fn stored(bytes: &[u8], name: &str) -> Result<(Vec<usize>, Vec<f64>), Flaw> {
    let (mut archive, members) = npz(bytes)?;
    let read = match members.get(name) {
        Some(member) => member_array(&mut archive, *member, |_| true, npy::Header::stored),
        None => missing(),
    };
    let (shape, values) = read.map_err(|e| e.within(&format!("`{name}`")))?;
    Ok((shape, values.unwrap_or_default()))
}

/// Reads an array of an archive of NumPy: its elements in C order, and its shape. What is not a number is refused, or replaced.
pub fn npz_array(bytes: &[u8], name: &str, missing: Option<f64>) -> Result<(Vec<f64>, Vec<usize>), Flaw> {
    let (mut archive, members) = npz(bytes)?;
    let Some(member) = members.get(name) else {
        let names: Vec<String> = members.keys().map(|n| format!("`{n}`")).collect();
        let there = if names.is_empty() { "no array".into() } else { names.join(", ") };
        return Err(Flaw::new(format!("there is no array `{name}`"), format!("it holds {there}")));
    };
    let numbers = |header: &npy::Header, body: &[u8]| {
        header.holds_numbers()?;
        header.numbers(body, missing)
    };
    let read = member_array(&mut archive, *member, |_| true, numbers);
    let (shape, values) = read.map_err(|e| e.within(&format!("`{name}`")))?;
    Ok((values.unwrap_or_default(), shape))
}

type Read = Result<(Vec<usize>, Option<Vec<f64>>), Flaw>;

fn missing() -> Read {
    Err(Flaw::new("there is no such array", SAVE))
}

/// An archive of NumPy, and its members by the names of their arrays.
type Npz<'a> = (ZipArchive<Cursor<&'a [u8]>>, IndexMap<String, usize>);

/// Finds the members of an archive of NumPy.
fn npz(bytes: &[u8]) -> Result<Npz<'_>, Flaw> {
    let flaw = |e: ZipError| Flaw::new(format!("it is no zip archive: {e}"), "copy the file anew");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(flaw)?;
    let mut members = IndexMap::new();
    for k in 0..archive.len() {
        let file = archive.by_index_raw(k).map_err(flaw)?;
        let name = file.name().strip_suffix(".npy").unwrap_or(file.name()).to_string();
        if members.insert(name.clone(), k).is_some() {
            return Err(Flaw::new(format!("two of its arrays are named `{name}`"), SAVE));
        }
    }
    Ok((archive, members))
}

/// Reads a member of an archive of NumPy, which is as long as the header of its array says.
fn member_array(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    member: usize,
    wanted: impl Fn(&[usize]) -> bool,
    numbers: impl Fn(&npy::Header, &[u8]) -> Result<Vec<f64>, Flaw>,
) -> Read {
    let damaged = |e: String| Flaw::new(format!("it cannot be unpacked: {e}"), "copy the file anew");
    let mut file = archive.by_index(member).map_err(|e| damaged(e.to_string()))?;
    let announced = file.size();
    let most = file.compressed_size().saturating_mul(MOST_TIMES);
    let header = npy::Header::read(&mut file)?;
    let there = announced.saturating_sub(header.length);
    if there != header.body || header.body > most {
        return Err(header.other_length(there.min(most)));
    }
    if !wanted(&header.shape) {
        return Ok((header.shape, None));
    }
    let mut body = Vec::new();
    match file.take(header.body + 1).read_to_end(&mut body) {
        Ok(_) if body.len() as u64 > header.body => Err(header.longer()),
        Ok(_) => Ok((header.shape.clone(), Some(numbers(&header, &body)?))),
        Err(e) => Err(damaged(e.to_string())),
    }
}

/// Reads a tensor whose numbers begin at a byte of the file.
fn tensor(view: &TensorView, place: usize, wanted: impl Fn(&[usize]) -> bool) -> Read {
    let shape = view.shape().to_vec();
    let element = match view.dtype() {
        Dtype::F32 => Element::Float32,
        Dtype::F64 => Element::Float64,
        other => {
            return Err(Flaw::new(
                format!("its numbers are {other:?}, not F32 or F64"),
                "convert it before it is saved",
            ));
        }
    };
    if !wanted(&shape) {
        return Ok((shape, None));
    }
    let values: Vec<f64> = element.numbers(view.data(), false).collect();
    is_finite(&values, |k| format!("element {:?} (byte {})", index(&shape, k), place + k * element.size()))?;
    Ok((shape, Some(values)))
}

/// What the header of a file of safetensors says of a tensor.
#[derive(Deserialize)]
struct Announced {
    dtype: Dtype,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

/// Compares what a file of safetensors announces with its length; returns where each tensor begins.
fn announced(bytes: &[u8]) -> Result<IndexMap<String, usize>, Flaw> {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        let what = format!("its {} bytes are too few for the length of a header", bytes.len());
        return Err(Flaw::new(what, SAVE));
    };
    let length = u64::from_le_bytes(*length);
    let Some(header) = usize::try_from(length).ok().and_then(|n| rest.get(..n)) else {
        let what = format!("it announces a header of {length} bytes, but {} follow", rest.len());
        return Err(Flaw::new(what, SAVE));
    };
    let there = (rest.len() - header.len()) as u64;
    let entries: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(header)
        .map_err(|e| Flaw::new(format!("its header is no description of tensors: {e}"), SAVE))?;
    let mut places = IndexMap::new();
    let mut end = 0;
    for (name, entry) in entries {
        if name == "__metadata__" {
            continue;
        }
        let flaw = |what: String| Flaw::new(format!("`{name}` {what}"), SAVE);
        let tensor: Announced =
            serde_json::from_value(entry).map_err(|e| flaw(format!("is described wrongly in the header: {e}")))?;
        let (from, to) = tensor.data_offsets;
        if from > to || to > there {
            return Err(flaw(format!("is announced at the bytes {from} .. {to} of {there}")));
        }
        let numbers = tensor.shape.iter().try_fold(1u64, |n, k| n.checked_mul(*k));
        match numbers.and_then(|n| n.checked_mul(tensor.dtype.bitsize() as u64)) {
            Some(bits) if bits == 8 * (to - from) => {}
            Some(bits) => {
                let needed = bits.div_ceil(8);
                let what = format!("is announced with the shape {:?} of {:?}", tensor.shape, tensor.dtype);
                return Err(flaw(format!("{what}, which takes {needed} bytes, at {} bytes", to - from)));
            }
            None => {
                return Err(flaw(format!("is announced with the shape {:?}, which no memory can hold", tensor.shape)));
            }
        }
        end = end.max(to);
        places.insert(name, 8 + header.len() + from as usize);
    }
    if end != there {
        let what = format!("its header announces {end} bytes of numbers, but {there} follow");
        return Err(Flaw::new(what, SAVE));
    }
    Ok(places)
}

fn text(e: impl std::fmt::Display) -> String {
    e.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_come_back_as_they_were() {
        let arrays = vec![
            Named { name: "a -> b.w".into(), shape: vec![2, 3], values: vec![0.5, -1.0, 2.0, 0.25, 0.0, 3.0] },
            Named { name: "b.bias".into(), shape: vec![1], values: vec![1.5] },
        ];
        for format in [Archive::Npz, Archive::Safetensors] {
            for double in [false, true] {
                let bytes = format.write(&arrays, double).unwrap();
                let mut back = format.open(&bytes).unwrap();
                let mut names: Vec<String> = back.names().iter().map(|n| n.to_string()).collect();
                names.sort();
                assert_eq!(names, ["a -> b.w", "b.bias"]);
                for a in &arrays {
                    let (shape, values) = back.read(&a.name, |_| true).unwrap();
                    assert_eq!((&shape, values.as_ref()), (&a.shape, Some(&a.values)), "{format:?}");
                    assert_eq!(back.read(&a.name, |shape| shape.is_empty()).unwrap(), (shape, None));
                }
            }
            assert!(format.open(b"something else").is_err());
        }
        assert_eq!(Archive::of("best.npz"), Some(Archive::Npz));
        assert_eq!(Archive::of("npz"), None);
    }
}
