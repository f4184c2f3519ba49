//! Recordings as files, in each format that a run can be asked for: written as they stream from their spools, and read again.
//!
//! All formats hold the same: times in ms, places of cells (or synapses) among those that were recorded, and of states values in a
//! unit, with what is said of them (`About`). Parquet has doubles; NPZ and Arrow keep values in single precision as they are.

mod about;
mod arrow;
mod csv;
mod failure;
mod npz;
mod parquet;
mod rows;

pub use about::Described;
pub use rows::Rows;

use crate::experiment::record::Recording;
use crate::ir::Precision;
use about::About;
use failure::Failure;
use std::path::{Path, PathBuf};

/// The formats of recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordingFormat {
    /// Columns with what is said of them, as most tools for tables read them.
    Parquet,
    /// The same as Arrow has it: Feather, version 2.
    Arrow,
    /// Arrays of NumPy, in one archive.
    Npy,
    /// Text.
    Csv,
}

impl RecordingFormat {
    /// All of them; the first that is there is the one that is read.
    pub const ALL: [RecordingFormat; 4] =
        [RecordingFormat::Parquet, RecordingFormat::Arrow, RecordingFormat::Npy, RecordingFormat::Csv];

    /// What a run writes unless it is asked for others.
    pub const UNLESS_ASKED: [RecordingFormat; 1] = [RecordingFormat::Parquet];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            RecordingFormat::Parquet => "parquet",
            RecordingFormat::Arrow => "arrow",
            RecordingFormat::Npy => "npy",
            RecordingFormat::Csv => "csv",
        }
    }

    /// Finds a format by its name.
    pub fn parse(text: &str) -> Option<RecordingFormat> {
        RecordingFormat::ALL.into_iter().find(|f| f.name() == text)
    }

    /// Returns the name of a recording's file.
    pub fn file_name(self, recording: &str) -> String {
        let ending = if self == RecordingFormat::Npy { "npz" } else { self.name() };
        format!("{recording}.{ending}")
    }

    /// Writes one recording of a run in some precision, streaming from its spool.
    pub fn write(self, r: &Recording, precision: Precision, path: &Path) -> Result<(), String> {
        let about = About::of(r);
        let single = || rows::is_single(r, &about, precision);
        let written = match self {
            RecordingFormat::Parquet => parquet::write(r, &about, path),
            RecordingFormat::Arrow => single().and_then(|single| arrow::write(r, &about, single, path)),
            RecordingFormat::Npy => single().and_then(|single| npz::write(r, &about, single, path)),
            RecordingFormat::Csv => csv::write(r, &about, path),
        };
        written.map_err(|e| e.to_string())
    }
}

/// The file of a recording in the folder of a run.
pub struct Found {
    format: RecordingFormat,
    path: PathBuf,
}

impl Found {
    /// Finds it, in whichever format it is there.
    pub fn among(folder: &Path, name: &str) -> Result<Found, String> {
        let at = |format: RecordingFormat| Found { format, path: folder.join(format.file_name(name)) };
        let there = RecordingFormat::ALL.into_iter().map(at).find(|f| f.path.exists());
        let names = || RecordingFormat::ALL.map(|f| f.file_name(name)).join(", ");
        there.ok_or_else(|| format!("there is none of {} in {}", names(), folder.display()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what it says of the recording.
    pub fn described(&self) -> Result<Described, String> {
        let read = match self.format {
            RecordingFormat::Parquet => parquet::described(&self.path),
            RecordingFormat::Arrow => arrow::described(&self.path),
            RecordingFormat::Npy => npz::described(&self.path),
            RecordingFormat::Csv => {
                Err("CSV does not say since when there was a recording; use `--format` with another one".into())
            }
        };
        self.told(read)
    }

    /// Reads the first so many rows.
    pub fn read(&self, most: u64) -> Result<Rows, String> {
        let rows = self.told(match self.format {
            RecordingFormat::Parquet => parquet::read(&self.path, most),
            RecordingFormat::Arrow => arrow::read(&self.path, most),
            RecordingFormat::Npy => npz::read(&self.path, most),
            RecordingFormat::Csv => csv::read(&self.path, most),
        })?;
        if rows.is_sound() { Ok(rows) } else { self.told(Err("columns of different lengths".into())) }
    }

    fn told<T>(&self, read: Result<T, Failure>) -> Result<T, String> {
        read.map_err(|e| format!("{}: {e}", self.path.display()))
    }
}
