//! Named arrays in the formats that others read: NumPy's `.npz` and `.safetensors`.

use ndarray::{ArrayD, IxDyn};
use ndarray_npy::{NpzReader, NpzWriter};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::io::Cursor;

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

    /// Reads all arrays of floats; the error says in words what is wrong.
    pub fn read(self, bytes: &[u8]) -> Result<Vec<Named>, String> {
        match self {
            Archive::Npz => {
                let mut archive = NpzReader::new(Cursor::new(bytes)).map_err(text)?;
                let mut out = Vec::new();
                for name in archive.names().map_err(text)? {
                    let array = match archive.by_name::<ndarray::OwnedRepr<f32>, IxDyn>(&name) {
                        Ok(a) => a.mapv(f64::from),
                        Err(_) => archive
                            .by_name::<ndarray::OwnedRepr<f64>, IxDyn>(&name)
                            .map_err(|e| format!("`{name}` is not an array of floats: {e}"))?,
                    };
                    let name = name.trim_end_matches(".npy").to_string();
                    out.push(Named { name, shape: array.shape().to_vec(), values: array.iter().copied().collect() });
                }
                Ok(out)
            }
            Archive::Safetensors => {
                let all = SafeTensors::deserialize(bytes).map_err(text)?;
                let one = |(name, view): (String, TensorView)| {
                    let data = view.data();
                    let values = match view.dtype() {
                        Dtype::F32 => data
                            .chunks_exact(4)
                            .map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])))
                            .collect(),
                        Dtype::F64 => data
                            .chunks_exact(8)
                            .map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
                            .collect(),
                        other => return Err(format!("`{name}` is of type {other:?}, not F32 or F64")),
                    };
                    Ok(Named { name, shape: view.shape().to_vec(), values })
                };
                all.tensors().into_iter().map(one).collect()
            }
        }
    }
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
                let mut back = format.read(&bytes).unwrap();
                back.sort_by(|a, b| a.name.cmp(&b.name));
                assert_eq!(back, arrays, "{format:?}");
            }
            assert!(format.read(b"something else").is_err());
        }
        assert_eq!(Archive::of("best.npz"), Some(Archive::Npz));
        assert_eq!(Archive::of("npz"), None);
    }
}
