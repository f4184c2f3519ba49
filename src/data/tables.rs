//! Tables of every kind that a file can have.

use super::{Flaw, Table, Wanted, arrow, columnar, csv, npy};

/// Reads a table of any kind, which its first bytes tell: Parquet, Arrow, a NumPy array, or else CSV.
pub fn table(file: &str, bytes: Vec<u8>, delimiter: Option<u8>, wanted: Wanted) -> Result<Table, Flaw> {
    match () {
        _ if columnar::is_parquet(&bytes) => columnar::parquet(file, bytes, wanted),
        _ if arrow::is_arrow(&bytes) => arrow::arrow(file, &bytes, wanted),
        _ if npy::is_npy(&bytes) => npy::table(file, &bytes, wanted),
        _ => csv::csv(file, &bytes, delimiter, wanted),
    }
}
