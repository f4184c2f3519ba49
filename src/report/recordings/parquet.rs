//! Recordings as Parquet: `time` in ms, `cell` (and `segment`), and for states a value column; what is said of them in the file's metadata.

use super::about::{About, Described};
use super::failure::{Failure, fits};
use super::rows::{self, Rows};
use crate::experiment::record::Recording;
use parquet::basic::{Compression, Repetition, Type as PhysicalType};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{DoubleType, Int32Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

pub fn write(r: &Recording, about: &About, path: &Path) -> Result<(), Failure> {
    let field = |name: &str, t| {
        Type::primitive_type_builder(name, t).with_repetition(Repetition::REQUIRED).build().map(Arc::new)
    };
    let mut fields = vec![field("time", PhysicalType::DOUBLE)?];
    for name in about.members() {
        fields.push(field(name, PhysicalType::INT32)?);
    }
    if about.unit.is_some() {
        fields.push(field("value", PhysicalType::DOUBLE)?);
    }
    let schema = Arc::new(Type::group_type_builder("recording").with_fields(fields).build()?);
    let metadata = about.metadata.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
    let properties =
        WriterProperties::builder().set_compression(Compression::SNAPPY).set_key_value_metadata(Some(metadata)).build();
    let mut writer = SerializedFileWriter::new(File::create(path)?, schema, Arc::new(properties))?;
    rows::each(r, about, |rows| put(rows, &mut writer))?;
    writer.close()?;
    Ok(())
}

/// Writes rows as a group of their own.
fn put(rows: &Rows, writer: &mut SerializedFileWriter<File>) -> Result<(), Failure> {
    let mut group = writer.next_row_group()?;
    let segments = !rows.segment.is_empty();
    let mut index = 0;
    while let Some(mut column) = group.next_column()? {
        match index {
            0 => column.typed::<DoubleType>().write_batch(&rows.time, None, None)?,
            1 => column.typed::<Int32Type>().write_batch(&rows.cell, None, None)?,
            2 if segments => column.typed::<Int32Type>().write_batch(&rows.segment, None, None)?,
            _ => column.typed::<DoubleType>().write_batch(&rows.value, None, None)?,
        };
        column.close()?;
        index += 1;
    }
    group.close()?;
    Ok(())
}

pub fn described(path: &Path) -> Result<Described, Failure> {
    let reader = SerializedFileReader::new(File::open(path)?)?;
    let told = reader.metadata().file_metadata();
    let all = told.key_value_metadata().map_or(&[][..], Vec::as_slice);
    let find = |key: &str| all.iter().find(|kv| kv.key == key).and_then(|kv| kv.value.clone());
    Described::read(told.num_rows().max(0) as u64, find)
}

pub fn read(path: &Path, most: u64) -> Result<Rows, Failure> {
    let reader = SerializedFileReader::new(File::open(path)?)?;
    let there: i64 = reader.metadata().row_groups().iter().map(|g| g.num_rows()).sum();
    fits(most.min(there.max(0) as u64))?;
    let mut out = Rows::default();
    let mut left = usize::try_from(most).unwrap_or(usize::MAX);
    for k in 0..reader.num_row_groups() {
        let group = reader.get_row_group(k)?;
        let n = left.min(group.metadata().num_rows().max(0) as usize);
        left -= n;
        for c in 0..group.num_columns().min(4) {
            let column = group.get_column_reader(c)?;
            let of = group.metadata().column(c);
            let (physical, segments) = (of.column_type(), of.column_descr().name() == "segment");
            let expected = if c == 1 || segments { PhysicalType::INT32 } else { PhysicalType::DOUBLE };
            if physical != expected {
                return Err(format!("column {c} holds {physical}, not {expected}: not a recording").into());
            }
            match c {
                1 => get_typed_column_reader::<Int32Type>(column).read_records(n, None, None, &mut out.cell)?,
                0 => get_typed_column_reader::<DoubleType>(column).read_records(n, None, None, &mut out.time)?,
                _ if segments => {
                    get_typed_column_reader::<Int32Type>(column).read_records(n, None, None, &mut out.segment)?
                }
                _ => get_typed_column_reader::<DoubleType>(column).read_records(n, None, None, &mut out.value)?,
            };
        }
    }
    Ok(out)
}
