//! Recordings as Arrow files (Feather, version 2): the columns and metadata of the Parquet file, compressed with LZ4.

use super::about::{About, Described};
use super::failure::{Failure, fits};
use super::rows::{self, Rows};
use crate::data::guarded;
use crate::experiment::record::Recording;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type};
use arrow_array::{ArrayRef, Float32Array, Float64Array, Int32Array, RecordBatch};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{DataType, Field, Schema};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Cursor};
use std::path::Path;
use std::sync::Arc;

/// Writes values in single precision if that holds them.
pub fn write(r: &Recording, about: &About, single: bool, path: &Path) -> Result<(), Failure> {
    let mut fields = vec![Field::new("time", DataType::Float64, false)];
    fields.extend(about.members().iter().map(|name| Field::new(*name, DataType::Int32, false)));
    if about.unit.is_some() {
        let kind = if single { DataType::Float32 } else { DataType::Float64 };
        fields.push(Field::new("value", kind, false));
    }
    let metadata: HashMap<String, String> = about.metadata.iter().cloned().collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let file = BufWriter::new(File::create(path)?);
    let mut writer = FileWriter::try_new_with_options(file, &schema, options)?;
    rows::each(r, about, |rows| {
        let mut columns: Vec<ArrayRef> =
            vec![Arc::new(Float64Array::from(rows.time.clone())), Arc::new(Int32Array::from(rows.cell.clone()))];
        if !rows.segment.is_empty() {
            columns.push(Arc::new(Int32Array::from(rows.segment.clone())));
        }
        if about.unit.is_some() {
            columns.push(match single {
                true => Arc::new(Float32Array::from_iter_values(rows.value.iter().map(|v| *v as f32))),
                false => Arc::new(Float64Array::from(rows.value.clone())),
            });
        }
        Ok(writer.write(&RecordBatch::try_new(schema.clone(), columns)?)?)
    })?;
    writer.finish()?;
    Ok(())
}

/// Reads the batches of a file.
fn batches<T>(path: &Path, read: impl FnOnce(FileReader<Cursor<&[u8]>>) -> Result<T, Failure>) -> Result<T, Failure> {
    let bytes = std::fs::read(path)?;
    guarded(&bytes, || read(FileReader::try_new(Cursor::new(&bytes[..]), None)?))?
}

pub fn described(path: &Path) -> Result<Described, Failure> {
    batches(path, |reader| {
        let schema = reader.schema();
        let mut rows = 0;
        for batch in reader {
            rows += batch?.num_rows() as u64;
        }
        Described::read(rows, |key| schema.metadata().get(key).cloned())
    })
}

pub fn read(path: &Path, most: u64) -> Result<Rows, Failure> {
    batches(path, |reader| {
        let mut out = Rows::default();
        for batch in reader {
            append(&batch?, most, &mut out)?;
        }
        Ok(out)
    })
}

/// Adds the rows of a batch, but no more than so many are wanted of all.
fn append(batch: &RecordBatch, most: u64, out: &mut Rows) -> Result<(), Failure> {
    let n = batch.num_rows().min(usize::try_from(most).unwrap_or(usize::MAX) - out.time.len());
    fits((out.time.len() + n) as u64)?;
    let batch = batch.slice(0, n);
    let other = || "its columns are of other types: not a recording";
    let doubles = |k: usize| batch.columns().get(k).and_then(|c| c.as_primitive_opt::<Float64Type>());
    let whole = |k: usize| batch.columns().get(k).and_then(|c| c.as_primitive_opt::<Int32Type>());
    out.time.extend_from_slice(doubles(0).ok_or_else(other)?.values());
    out.cell.extend_from_slice(whole(1).ok_or_else(other)?.values());
    let segments = batch.schema_ref().column_with_name("segment").is_some_and(|(k, _)| k == 2);
    if segments {
        out.segment.extend_from_slice(whole(2).ok_or_else(other)?.values());
    }
    let at = if segments { 3 } else { 2 };
    let Some(values) = batch.columns().get(at) else { return Ok(()) };
    match values.as_primitive_opt::<Float32Type>() {
        Some(single) => out.value.extend(single.values().iter().map(|v| f64::from(*v))),
        None => out.value.extend_from_slice(doubles(at).ok_or_else(other)?.values()),
    }
    Ok(())
}
