//! Recordings as Parquet: `time` in ms, `cell`, and for states a value column; units in the file's metadata.

use crate::experiment::record::{Recording, Sampled, What};
use crate::units::canonical_unit;
use parquet::basic::{Compression, Repetition, Type as PhysicalType};
use parquet::data_type::{DoubleType, Int32Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Rows of one row group, which is all that is held in memory.
const ROWS: usize = 1 << 16;

type Failure = Box<dyn std::error::Error>;

/// Writes one recording, streaming from its spool.
pub fn write(r: &Recording, path: &Path) -> Result<(), Failure> {
    let field = |name: &str, t| {
        Type::primitive_type_builder(name, t).with_repetition(Repetition::REQUIRED).build().map(Arc::new)
    };
    let owner = match &r.what {
        What::Samples { of: Sampled::Synapses(_), .. } => "synapse",
        _ => "cell",
    };
    let mut fields = vec![field("time", PhysicalType::DOUBLE)?, field(owner, PhysicalType::INT32)?];
    let mut metadata = vec![KeyValue::new("unit.time".to_string(), "ms".to_string())];
    let unit = match &r.what {
        What::Events(_) => None,
        What::Samples { dim, unit, .. } => {
            let unit = unit.clone().filter(|u| u.dim == *dim).unwrap_or_else(|| canonical_unit(*dim));
            fields.push(field("value", PhysicalType::DOUBLE)?);
            metadata.push(KeyValue::new("unit.value".to_string(), unit.name.clone()));
            Some(unit)
        }
    };
    metadata.push(KeyValue::new("neuro.recording".to_string(), r.name.clone()));
    let schema = Arc::new(Type::group_type_builder("recording").with_fields(fields).build()?);
    let properties =
        WriterProperties::builder().set_compression(Compression::SNAPPY).set_key_value_metadata(Some(metadata)).build();
    let mut writer = SerializedFileWriter::new(File::create(path)?, schema, Arc::new(properties))?;
    let mut rows = Rows::default();
    let mut failed: Option<Failure> = None;
    r.spool.each(r.record_size(), &mut |record| {
        if failed.is_some() {
            return;
        }
        let time = u64::from_le_bytes(record[..8].try_into().unwrap_or_default()) as f64 * r.dt;
        match &unit {
            None => rows.push(time, i32::from_le_bytes(record[8..].try_into().unwrap_or_default()), None),
            Some(unit) => {
                for (cell, v) in record[8..].chunks_exact(8).enumerate() {
                    let v = f64::from_le_bytes(v.try_into().unwrap_or_default());
                    rows.push(time, cell as i32, Some(unit.from_internal(v)));
                }
            }
        }
        if rows.time.len() >= ROWS
            && let Err(e) = rows.flush(&mut writer)
        {
            failed = Some(e);
        }
    })?;
    if let Some(e) = failed {
        return Err(e);
    }
    rows.flush(&mut writer)?;
    writer.close()?;
    Ok(())
}

#[derive(Default)]
struct Rows {
    time: Vec<f64>,
    cell: Vec<i32>,
    value: Vec<f64>,
}

impl Rows {
    fn push(&mut self, time: f64, cell: i32, value: Option<f64>) {
        self.time.push(time);
        self.cell.push(cell);
        self.value.extend(value);
    }

    fn flush(&mut self, writer: &mut SerializedFileWriter<File>) -> Result<(), Failure> {
        if self.time.is_empty() {
            return Ok(());
        }
        let mut group = writer.next_row_group()?;
        let mut index = 0;
        while let Some(mut column) = group.next_column()? {
            match index {
                0 => column.typed::<DoubleType>().write_batch(&self.time, None, None)?,
                1 => column.typed::<Int32Type>().write_batch(&self.cell, None, None)?,
                _ => column.typed::<DoubleType>().write_batch(&self.value, None, None)?,
            };
            column.close()?;
            index += 1;
        }
        group.close()?;
        self.time.clear();
        self.cell.clear();
        self.value.clear();
        Ok(())
    }
}
