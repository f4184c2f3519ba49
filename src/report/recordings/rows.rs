//! The rows of a recording as they come from its spool.

use super::about::About;
use super::failure::Failure;
use crate::experiment::record::Recording;
use crate::ir::Precision;

/// Rows that are held in memory at a time.
const ROWS: usize = 1 << 16;

/// Rows of a recording.
#[derive(Debug, Default, PartialEq)]
pub struct Rows {
    /// Times, ms.
    pub time: Vec<f64>,
    /// Cells, or synapses.
    pub cell: Vec<i32>,
    /// Segments of cells, where several are recorded.
    pub segment: Vec<i32>,
    /// Values, of samples.
    pub value: Vec<f64>,
}

impl Rows {
    fn event(&mut self, time: f64, cell: i32) {
        self.time.push(time);
        self.cell.push(cell);
    }

    fn value(&mut self, time: f64, k: usize, segments: usize, value: f64) {
        self.event(time, (k / segments) as i32);
        if segments > 1 {
            self.segment.push((k % segments) as i32);
        }
        self.value.push(value);
    }

    fn clear(&mut self) {
        self.time.clear();
        self.cell.clear();
        self.segment.clear();
        self.value.clear();
    }

    /// Returns whether all columns have as many rows.
    pub fn is_sound(&self) -> bool {
        let n = self.time.len();
        let fits = |length: usize| length == 0 || length == n;
        self.cell.len() == n && fits(self.segment.len()) && fits(self.value.len())
    }
}

/// Visits the records of a recording, until one is not taken: the time in ms, and what follows.
pub fn each_record(r: &Recording, mut visit: impl FnMut(f64, &[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut failed: Option<Failure> = None;
    r.spool.each(r.record_size(), &mut |record| {
        if failed.is_none() {
            let time = u64::from_le_bytes(record[..8].try_into().unwrap_or_default()) as f64 * r.dt;
            failed = visit(time, &record[8..]).err();
        }
    })?;
    failed.map_or(Ok(()), Err)
}

/// The cell of an event.
pub fn cell(record: &[u8]) -> i32 {
    i32::from_le_bytes(record.try_into().unwrap_or_default())
}

/// The values of a moment, in the unit of the recording.
pub fn values<'a>(record: &'a [u8], about: &'a About) -> impl Iterator<Item = f64> + 'a {
    let internal = record.chunks_exact(8).map(|v| f64::from_le_bytes(v.try_into().unwrap_or_default()));
    internal.map(|v| about.unit.as_ref().map_or(v, |unit| unit.from_internal(v)))
}

/// Visits the rows of a recording, so many at a time, until some are not taken.
pub fn each(r: &Recording, about: &About, mut visit: impl FnMut(&Rows) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut rows = Rows::default();
    each_record(r, |time, record| {
        match about.unit {
            None => rows.event(time, cell(record)),
            Some(_) => values(record, about).enumerate().for_each(|(k, v)| rows.value(time, k, about.segments, v)),
        }
        if rows.time.len() < ROWS {
            return Ok(());
        }
        let taken = visit(&rows);
        rows.clear();
        taken
    })?;
    if rows.time.is_empty() { Ok(()) } else { visit(&rows) }
}

/// Returns whether single precision holds the values: those of a run in single precision, as it has them.
///
/// What is computed of them, and values in another unit than the run's own, are doubles. The moment at which a recording begins may come
/// before the run has rounded what it begins with; it is rounded then as the run does.
pub fn is_single(r: &Recording, about: &About, precision: Precision) -> Result<bool, Failure> {
    let own = about.unit.as_ref().is_some_and(|unit| unit.from_internal(1.0) == 1.0);
    if precision != Precision::F32 || !own || r.is_reduced() {
        return Ok(false);
    }
    let begin = r.span.0 as f64 * r.dt;
    let mut held = true;
    each_record(r, |time, record| {
        held = held
            && values(record, about).all(|v| {
                let single = v as f32;
                f64::from(single).to_bits() == v.to_bits() || time == begin && single.is_finite()
            });
        Ok(())
    })?;
    Ok(held)
}
