//! Why a file of a recording cannot be written or read.

pub type Failure = Box<dyn std::error::Error>;

/// Refuses to read more rows than memory holds.
pub fn fits(rows: u64) -> Result<(), Failure> {
    crate::budget::fits(rows as f64 * 20.0).map_err(|lack| lack.to_string().into())
}
