//! Recordings as Parquet: `time` in ms, `cell`, and for states a value column; units in the file's metadata. Written, and read again.

use crate::experiment::record::{Recording, Sampled, What};
use crate::units::canonical_unit;
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

/// Rows of one row group, which is all that is held in memory.
const ROWS: usize = 1 << 16;

/// Returns the name of a recording's file.
pub fn file_name(recording: &str) -> String {
    format!("{recording}.parquet")
}

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
    let cells = if unit.is_some() { r.width() } else { r.cells.len() };
    let (from, to) = (r.span.0 as f64 * r.dt, r.span.1 as f64 * r.dt);
    let about = [("recording", r.name.clone()), ("cells", cells.to_string()), ("from_ms", from.to_string())];
    let about = about.into_iter().chain([("to_ms", to.to_string())]);
    // Of chosen cells the column has their places among each other.
    let chosen = matches!(owner, "cell") && r.cells.view().is_none();
    let indices = || r.cells.iter().map(|cell| cell.to_string()).collect::<Vec<_>>().join(",");
    let about = about.chain(chosen.then(|| ("indices", indices())));
    metadata.extend(about.map(|(key, value)| KeyValue::new(format!("neuro.{key}"), value)));
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

/// What a recording's file says of it.
pub struct Described {
    /// How many events, or moments.
    pub records: u64,
    /// How many cells, or synapses.
    pub cells: usize,
    /// Whether it is of synapses.
    pub synapses: bool,
    /// Since when it recorded, ms.
    pub from: f64,
    /// Until when, ms.
    pub to: f64,
    /// The unit of its values; none of events.
    pub unit: Option<String>,
}

/// Reads what a recording's file says of it.
pub fn described(path: &Path) -> Result<Described, String> {
    let bad = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let reader = SerializedFileReader::new(File::open(path).map_err(|e| bad(&e))?).map_err(|e| bad(&e))?;
    let told = reader.metadata().file_metadata();
    let all = told.key_value_metadata().map_or(&[][..], Vec::as_slice);
    let find = |key: &str| all.iter().find(|kv| kv.key == key).and_then(|kv| kv.value.clone());
    let number = |key: &str| -> Result<f64, String> {
        find(key).and_then(|v| v.parse().ok()).ok_or_else(|| bad(&format!("`{key}` is missing: not a recording")))
    };
    let (from, to) = (number("neuro.from_ms")?, number("neuro.to_ms")?);
    let (cells, unit) = (number("neuro.cells")? as usize, find("unit.value"));
    let rows = told.num_rows().max(0) as u64;
    let records = if unit.is_some() { rows / (cells.max(1) as u64) } else { rows };
    let synapses = told.schema().get_fields().get(1).is_some_and(|f| f.name() == "synapse");
    Ok(Described { records, cells, synapses, from, to, unit })
}

/// Reads the first so many rows of a recording.
pub fn read(path: &Path, most: u64) -> Result<Rows, String> {
    let bad = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let file = File::open(path).map_err(|e| bad(&e))?;
    let reader = SerializedFileReader::new(file).map_err(|e| bad(&e))?;
    let there: i64 = reader.metadata().row_groups().iter().map(|g| g.num_rows()).sum();
    crate::budget::fits(most.min(there.max(0) as u64) as f64 * 20.0).map_err(|e| bad(&e))?;
    let mut out = Rows::default();
    let mut left = usize::try_from(most).unwrap_or(usize::MAX);
    for k in 0..reader.num_row_groups() {
        let group = reader.get_row_group(k).map_err(|e| bad(&e))?;
        let n = left.min(group.metadata().num_rows().max(0) as usize);
        left -= n;
        for c in 0..group.num_columns().min(3) {
            let column = group.get_column_reader(c).map_err(|e| bad(&e))?;
            let physical = group.metadata().column(c).column_type();
            let expected = if c == 1 { PhysicalType::INT32 } else { PhysicalType::DOUBLE };
            if physical != expected {
                return Err(bad(&format!("column {c} holds {physical}, not {expected}: not a recording")));
            }
            let read = match c {
                1 => get_typed_column_reader::<Int32Type>(column).read_records(n, None, None, &mut out.cell),
                0 => get_typed_column_reader::<DoubleType>(column).read_records(n, None, None, &mut out.time),
                _ => get_typed_column_reader::<DoubleType>(column).read_records(n, None, None, &mut out.value),
            };
            read.map_err(|e| bad(&e))?;
        }
    }
    let whole = out.time.len() == out.cell.len() && (out.value.is_empty() || out.value.len() == out.time.len());
    if whole { Ok(out) } else { Err(bad(&"columns of different lengths")) }
}

/// Rows of a recording.
#[derive(Default)]
pub struct Rows {
    /// Times, ms.
    pub time: Vec<f64>,
    /// Cells, or synapses.
    pub cell: Vec<i32>,
    /// Values, of samples.
    pub value: Vec<f64>,
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
