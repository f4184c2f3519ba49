//! Tables from Parquet files, whose columns of numbers, truth values and texts become texts as CSV has them.

use super::{Flaw, Table, Texts, Wanted};
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use ::parquet::schema::types::Type;
use bytes::Bytes;
use std::sync::Arc;

/// How a Parquet file begins and ends.
const MAGIC: &[u8] = b"PAR1";

/// Returns whether some bytes are a Parquet file.
pub fn is_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads a Parquet file. Of the columns, only those that are wanted are kept; an empty cell is an empty text.
pub fn parquet(file: &str, bytes: Vec<u8>, wanted: Wanted) -> Result<Table, Flaw> {
    if !is_parquet(&bytes) {
        return Err(Flaw::new("it is not a Parquet file", "read a CSV file with `csv`"));
    }
    let damaged = |e: ParquetError| match e.to_string() {
        what if what.contains("brotli") => {
            Flaw::new("it is compressed with Brotli", "save it with Zstandard or Snappy")
        }
        what => Flaw::new(format!("it cannot be read: {what}"), "save the table anew as Parquet"),
    };
    let reader = SerializedFileReader::new(Bytes::from(bytes)).map_err(damaged)?;
    let schema = reader.metadata().file_metadata().schema();
    let header: Vec<String> = schema.get_fields().iter().map(|f| f.name().to_string()).collect();
    if let Some(twice) = header.iter().enumerate().find(|(k, name)| header[..*k].contains(name)) {
        return Err(Flaw::new(format!("two columns are named `{}`", twice.1), "give every column a name of its own"));
    }
    let chosen: Vec<Arc<Type>> = schema.get_fields().iter().filter(|f| wanted(f.name())).cloned().collect();
    if let Some(nested) = chosen.iter().find(|f| !f.is_primitive()) {
        let what = format!("column `{}` holds lists or groups", nested.name());
        return Err(Flaw::new(what, "keep columns of numbers, truth values and texts"));
    }
    let mut columns: Vec<(String, Texts)> = chosen.iter().map(|f| (f.name().to_string(), Texts::default())).collect();
    let projected = Type::group_type_builder(schema.name()).with_fields(chosen).build().map_err(damaged)?;
    let mut rows = 0;
    // Without a column there is nothing to go through, but the file says how many rows it has.
    if columns.is_empty() {
        let counted = usize::try_from(reader.metadata().file_metadata().num_rows());
        rows = counted.map_err(|_| damaged(ParquetError::General("a negative number of rows".into())))?;
    } else {
        for row in reader.get_row_iter(Some(projected)).map_err(damaged)? {
            let row = row.map_err(damaged)?;
            rows += 1;
            for ((_, field), (name, texts)) in row.get_column_iter().zip(&mut columns) {
                let text = text(field).ok_or_else(|| {
                    let what = format!("row {rows}, column `{name}`: neither a number, a truth value nor a text");
                    Flaw::new(what, "keep columns of numbers, truth values and texts")
                })?;
                texts.push(&text);
            }
        }
    }
    Ok(Table::new(file, header, columns, rows))
}

/// What a cell says, as CSV would.
fn text(field: &Field) -> Option<String> {
    Some(match field {
        Field::Null => String::new(),
        Field::Bool(x) => x.to_string(),
        Field::Byte(x) => x.to_string(),
        Field::Short(x) => x.to_string(),
        Field::Int(x) => x.to_string(),
        Field::Long(x) => x.to_string(),
        Field::UByte(x) => x.to_string(),
        Field::UShort(x) => x.to_string(),
        Field::UInt(x) => x.to_string(),
        Field::ULong(x) => x.to_string(),
        Field::Float(x) => x.to_string(),
        Field::Double(x) => x.to_string(),
        Field::Str(x) => x.clone(),
        Field::Bytes(x) => x.as_utf8().ok()?.to_string(),
        _ => return None,
    })
}
