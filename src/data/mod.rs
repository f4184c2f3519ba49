//! Tables and arrays from local files. Reads bytes that somebody else fetched: this module does no IO.

mod arrays;
mod examples;
mod images;

pub use arrays::{Archive, Named};
pub use examples::{Examples, Field, Numbers};
pub use images::{KNOWN, Known, Unavailable, checked, images};

use indexmap::IndexMap;
use std::io::Read;

/// Gives the bytes of files; implemented by the command line.
pub trait Files {
    /// Reads a file, relative to the source file that names it; the error says why in words.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
    /// Reads a file of a data set from the folders that may hold it, if one does.
    fn find(&self, path: &str) -> Option<Vec<u8>>;
}

/// A table with named columns of text.
#[derive(Debug, Default, PartialEq)]
pub struct Table {
    /// Columns in order.
    pub columns: IndexMap<String, Vec<String>>,
}

impl Table {
    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.columns.values().next().map_or(0, Vec::len)
    }

    /// Reads a column as numbers; the error gives the row and the text.
    pub fn numbers(&self, name: &str) -> Result<Vec<f64>, String> {
        let column = self.columns.get(name).ok_or_else(|| self.no_column(name))?;
        column
            .iter()
            .enumerate()
            .map(|(i, t)| {
                t.parse::<f64>().map_err(|_| format!("line {}: `{t}` in column `{name}` is not a number", i + 2))
            })
            .collect()
    }

    /// Says that a column does not exist.
    pub fn no_column(&self, name: &str) -> String {
        let known: Vec<String> = self.columns.keys().map(|k| format!("`{k}`")).collect();
        format!("there is no column `{name}`; the columns are {}", known.join(", "))
    }
}

/// Decompresses gzip, recognized by its first bytes.
fn plain(bytes: &[u8]) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes.to_vec());
    }
    let mut out = Vec::new();
    match flate2::read::GzDecoder::new(bytes).read_to_end(&mut out) {
        Ok(_) => Ok(out),
        Err(e) => Err(format!("the gzip data is damaged after {} bytes of content: {e}", out.len())),
    }
}

/// Returns the SHA-256 of some bytes in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Parses CSV (or with tabs) with a header line; fields are trimmed.
pub fn csv(bytes: &[u8], delimiter: Option<u8>) -> Result<Table, String> {
    let text = plain(bytes)?;
    let first = text.split(|b| *b == b'\n').next().unwrap_or(&[]);
    let delimiter = delimiter.unwrap_or(if first.contains(&b'\t') && !first.contains(&b',') { b'\t' } else { b',' });
    let mut reader = ::csv::ReaderBuilder::new().delimiter(delimiter).trim(::csv::Trim::All).from_reader(&text[..]);
    let names: Vec<String> = reader.headers().map_err(|e| e.to_string())?.iter().map(String::from).collect();
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); names.len()];
    for record in reader.records() {
        let record = record.map_err(|e| match e.position() {
            Some(p) => format!("line {}: {e}", p.line()),
            None => e.to_string(),
        })?;
        for (column, field) in columns.iter_mut().zip(record.iter()) {
            column.push(field.to_string());
        }
    }
    Ok(Table { columns: names.into_iter().zip(columns).collect() })
}

/// Reads a NumPy array of floats or integers: its elements in C order, and its shape.
pub fn npy(bytes: &[u8]) -> Result<(Vec<f64>, Vec<usize>), String> {
    use ndarray::ArrayD;
    use ndarray_npy::ReadNpyExt;
    let bytes = plain(bytes)?;
    macro_rules! attempt {
        ($($t:ty),*) => { $(if let Ok(a) = ArrayD::<$t>::read_npy(&bytes[..]) {
            return Ok((a.iter().map(|v| *v as f64).collect(), a.shape().to_vec()));
        })* };
    }
    attempt!(f64, f32, i64, i32, u8, u16, u32, u64, i8, i16);
    match ArrayD::<f64>::read_npy(&bytes[..]) {
        Ok(a) => Ok((a.iter().copied().collect(), a.shape().to_vec())),
        Err(e) => Err(format!("not a NumPy array of numbers: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_line_without_newline_counts_and_fields_are_trimmed() {
        let t = csv(b"pre, post ,weight\nA,B, 1\nA ,C,2", None).unwrap();
        assert_eq!(t.rows(), 2);
        assert_eq!(t.columns["post"], ["B", "C"]);
        assert_eq!(t.numbers("weight").unwrap(), [1.0, 2.0]);
        assert!(t.numbers("post").unwrap_err().contains("line 2"));
    }

    #[test]
    fn tabs_are_recognized() {
        assert_eq!(csv(b"a\tb\n1\t2\n", None).unwrap().columns["b"], ["2"]);
    }
}
