//! Tables from Arrow files, which Feather's second version is, too: their columns become texts as CSV has them.

use super::{Flaw, Table, Texts, Wanted};
use crate::budget;
use arrow_array::cast::{AsArray, downcast_array};
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, DictionaryArray};
use arrow_ipc::reader::FileReader;
use arrow_ipc::{CompressionType, root_as_footer, root_as_message};
use arrow_schema::{ArrowError, DataType};
use std::cell::Cell;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// How an Arrow file begins.
const MAGIC: &[u8] = b"ARROW1";

/// How a file of Feather's first version begins.
const FEATHER_1: &[u8] = b"FEA1";

/// Returns whether some bytes are an Arrow file, be it of a version that cannot be read.
pub fn is_arrow(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || bytes.starts_with(FEATHER_1)
}

/// LZ4 makes no more of a byte.
const MOST_OF_LZ4: usize = 255;

/// Zstandard makes no more of a byte: of four, the longest block.
const MOST_OF_ZSTD: usize = 1 << 15;

const KINDS: &str = "keep columns of numbers, truth values and texts";

thread_local! {
    /// Whether panics of this thread say nothing.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Does something that panics where a file is damaged; says nothing then.
fn quietly<T>(f: impl FnOnce() -> T) -> Option<T> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let done = catch_unwind(AssertUnwindSafe(f));
    QUIET.set(false);
    done.ok()
}

/// Reads an Arrow file of some bytes, if what it says of its parts fits them; the reader's own checks are not complete.
pub fn guarded<T>(bytes: &[u8], read: impl FnOnce() -> T) -> Result<T, String> {
    let beyond = || "what it says of its parts does not fit them".to_string();
    let unpacked = intact(bytes).ok_or_else(beyond)?;
    budget::fits(unpacked).map_err(|lack| format!("it does not fit into memory: {lack}"))?;
    quietly(read).ok_or_else(beyond)
}

/// Reads an Arrow file. Of the columns, only those that are wanted are kept; an empty cell is an empty text.
pub fn arrow(file: &str, bytes: &[u8], wanted: Wanted) -> Result<Table, Flaw> {
    if bytes.starts_with(FEATHER_1) {
        return Err(Flaw::new("it is of Feather's first version", "save it anew as Feather, version 2"));
    }
    if !is_arrow(bytes) {
        return Err(Flaw::new("it is not an Arrow file", "read a CSV file with `csv`"));
    }
    let damaged =
        |what: String| Flaw::new(format!("it cannot be read: {what}"), "save the table anew as Arrow or Feather");
    let read = guarded(bytes, || columns(file, bytes, wanted));
    read.map_err(damaged)?.map_err(|e| match e {
        Refused::ByReader(e) => damaged(e.to_string()),
        Refused::ByUs(flaw) => flaw,
    })
}

/// Why a file cannot be read.
enum Refused {
    ByReader(ArrowError),
    ByUs(Flaw),
}

impl From<ArrowError> for Refused {
    fn from(e: ArrowError) -> Refused {
        Refused::ByReader(e)
    }
}

fn columns(file: &str, bytes: &[u8], wanted: Wanted) -> Result<Table, Refused> {
    let schema = FileReader::try_new(Cursor::new(bytes), None)?.schema();
    let header: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    if let Some(twice) = header.iter().enumerate().find(|(k, name)| header[..*k].contains(name)) {
        let what = format!("two columns are named `{}`", twice.1);
        return Err(Refused::ByUs(Flaw::new(what, "give every column a name of its own")));
    }
    let chosen: Vec<usize> = (0..header.len()).filter(|k| wanted(&header[*k])).collect();
    let mut columns: Vec<(String, Texts)> = chosen.iter().map(|k| (header[*k].clone(), Texts::default())).collect();
    let mut rows = 0;
    for batch in FileReader::try_new(Cursor::new(bytes), Some(chosen))? {
        let batch = batch?;
        rows += batch.num_rows();
        for (array, (name, texts)) in batch.columns().iter().zip(&mut columns) {
            append(array, texts).ok_or_else(|| {
                let what = format!("column `{name}` is of the type {}", array.data_type());
                Refused::ByUs(Flaw::new(what, KINDS))
            })?;
        }
    }
    Ok(Table::new(file, header, columns, rows))
}

/// Returns how many bytes are made of a file, if every part lies within it, and every buffer within its part; the reader takes that for
/// granted.
fn intact(bytes: &[u8]) -> Option<f64> {
    let end = bytes.len().checked_sub(10)?;
    let length = i32::from_le_bytes(bytes[end..end + 4].try_into().ok()?);
    let footer = bytes.get(end.checked_sub(usize::try_from(length).ok()?)?..end)?;
    let footer = root_as_footer(footer).ok()?;
    let blocks = footer.dictionaries().into_iter().flatten().chain(footer.recordBatches().into_iter().flatten());
    let mut unpacked = 0.0;
    for block in blocks {
        let begin = usize::try_from(block.offset()).ok()?;
        let body = begin.checked_add(usize::try_from(block.metaDataLength()).ok()?)?;
        let metadata = bytes.get(begin..body)?;
        let body = bytes.get(body..body.checked_add(usize::try_from(block.bodyLength()).ok()?)?)?;
        let marked = metadata.starts_with(&[0xff; 4]);
        let message = root_as_message(metadata.get(if marked { 8 } else { 4 }..)?).ok()?;
        let batch = message.header_as_dictionary_batch().and_then(|d| d.data()).or(message.header_as_record_batch())?;
        let rows = usize::try_from(batch.length()).ok()?;
        let most = match batch.compression().map(|c| c.codec()) {
            Some(CompressionType::ZSTD) => MOST_OF_ZSTD,
            _ => MOST_OF_LZ4,
        };
        // No more than bits that are packed as tightly as can be.
        (rows / 8 <= bytes.len().checked_mul(most)?).then_some(())?;
        unpacked += 8.0 * rows as f64;
        for buffer in batch.buffers().into_iter().flatten() {
            let begin = usize::try_from(buffer.offset()).ok()?;
            let packed = body.get(begin..begin.checked_add(usize::try_from(buffer.length()).ok()?)?)?;
            // What is packed begins with its length.
            if let (Some(_), Some(length)) = (batch.compression(), packed.first_chunk::<8>()) {
                let length = i64::from_le_bytes(*length);
                let length = if length == -1 { packed.len() } else { usize::try_from(length).ok()? };
                (length <= packed.len().checked_mul(most)?).then_some(())?;
                unpacked += length as f64;
            }
        }
        for node in batch.nodes().into_iter().flatten() {
            let (length, blank) = (usize::try_from(node.length()).ok()?, usize::try_from(node.null_count()).ok()?);
            (blank <= length).then_some(())?;
        }
    }
    Some(unpacked)
}

/// Adds what the cells of a column say, as CSV would; none if they are of no kind that CSV has.
fn append(array: &ArrayRef, out: &mut Texts) -> Option<()> {
    match array.data_type() {
        DataType::Null => (0..array.len()).for_each(|_| out.push("")),
        DataType::Boolean => each(array.as_boolean().iter(), out),
        DataType::Int8 => numbers::<Int8Type>(array, out),
        DataType::Int16 => numbers::<Int16Type>(array, out),
        DataType::Int32 => numbers::<Int32Type>(array, out),
        DataType::Int64 => numbers::<Int64Type>(array, out),
        DataType::UInt8 => numbers::<UInt8Type>(array, out),
        DataType::UInt16 => numbers::<UInt16Type>(array, out),
        DataType::UInt32 => numbers::<UInt32Type>(array, out),
        DataType::UInt64 => numbers::<UInt64Type>(array, out),
        DataType::Float32 => numbers::<Float32Type>(array, out),
        DataType::Float64 => numbers::<Float64Type>(array, out),
        DataType::Utf8 => each(array.as_string::<i32>().iter(), out),
        DataType::LargeUtf8 => each(array.as_string::<i64>().iter(), out),
        DataType::Utf8View => each(array.as_string_view().iter(), out),
        DataType::Dictionary(key, _) => match **key {
            DataType::Int8 => categories::<Int8Type>(array, out)?,
            DataType::Int16 => categories::<Int16Type>(array, out)?,
            DataType::Int32 => categories::<Int32Type>(array, out)?,
            DataType::Int64 => categories::<Int64Type>(array, out)?,
            DataType::UInt8 => categories::<UInt8Type>(array, out)?,
            DataType::UInt16 => categories::<UInt16Type>(array, out)?,
            DataType::UInt32 => categories::<UInt32Type>(array, out)?,
            _ => return None,
        },
        _ => return None,
    }
    Some(())
}

fn each<T: ToString>(cells: impl Iterator<Item = Option<T>>, out: &mut Texts) {
    cells.for_each(|cell| out.push(&cell.map(|c| c.to_string()).unwrap_or_default()));
}

fn numbers<T: ArrowPrimitiveType<Native: ToString>>(array: &ArrayRef, out: &mut Texts) {
    each(array.as_primitive::<T>().iter(), out);
}

/// A column whose cells name one of few values.
fn categories<K: ArrowDictionaryKeyType<Native: TryInto<usize>>>(array: &ArrayRef, out: &mut Texts) -> Option<()> {
    let column: DictionaryArray<K> = downcast_array(array);
    let mut values = Texts::default();
    append(column.values(), &mut values)?;
    for key in column.keys() {
        match key {
            None => out.push(""),
            Some(key) => out.push(values.get(key.try_into().ok()?)?),
        }
    }
    Some(())
}
