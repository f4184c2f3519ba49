//! Recordings as CSV: units in the names of columns, each number in the fewest digits that lead back to it.

use super::about::About;
use super::failure::{Failure, fits};
use super::rows::{self, Rows};
use crate::experiment::record::Recording;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// The name of a column in some unit.
fn heading(name: &str, unit: &str) -> String {
    if unit == "1" { name.to_string() } else { format!("{name} ({unit})") }
}

/// Writes a row for each event, or each cell at each moment. Which cell of the population it is follows its place among those that
/// were recorded, if that is another one.
pub fn write(r: &Recording, about: &About, path: &Path) -> Result<(), Failure> {
    let mut out = BufWriter::new(File::create(path)?);
    let (member, segment) = (about.members()[0], about.members().get(1));
    let mut header = vec![heading("time", "ms"), about.group().into(), member.into()];
    header.extend(about.indices.as_ref().map(|_| "index".to_string()));
    header.extend(segment.map(|name| name.to_string()));
    header.extend(about.unit.as_ref().map(|unit| heading("value", &unit.name)));
    ::csv::Writer::from_writer(&mut out).write_record(header)?;
    rows::each(r, about, |rows| {
        for (k, (time, cell)) in rows.time.iter().zip(&rows.cell).enumerate() {
            write!(out, "{time:?},{},{cell}", about.owner)?;
            if let Some(index) = about.indices.as_ref().and_then(|all| all.get(*cell as usize)) {
                write!(out, ",{index}")?;
            }
            if let Some(segment) = rows.segment.get(k) {
                write!(out, ",{segment}")?;
            }
            match rows.value.get(k) {
                Some(v) => writeln!(out, ",{v:?}")?,
                None => writeln!(out)?,
            }
        }
        Ok(())
    })?;
    out.flush()?;
    Ok(())
}

pub fn read(path: &Path, most: u64) -> Result<Rows, Failure> {
    // Few rows are shorter than the numbers that they become.
    fits(most.min(std::fs::metadata(path)?.len() / 8))?;
    let mut reader = ::csv::Reader::from_path(path)?;
    let header = reader.headers()?.clone();
    let place = |wanted: &[&str]| header.iter().position(|name| wanted.contains(&name));
    let missing = || "it has no columns `time (ms)` and `cell`: not a recording";
    let time = place(&["time (ms)"]).ok_or_else(missing)?;
    let cell = place(&["cell", "synapse"]).ok_or_else(missing)?;
    let segment = place(&["segment"]);
    let value = header.iter().position(|name| name == "value" || name.starts_with("value ("));
    let mut out = Rows::default();
    let mut record = ::csv::StringRecord::new();
    while (out.time.len() as u64) < most && reader.read_record(&mut record)? {
        let at = |k: usize| record.get(k).unwrap_or_default();
        out.time.push(at(time).parse()?);
        out.cell.push(at(cell).parse()?);
        if let Some(segment) = segment {
            out.segment.push(at(segment).parse()?);
        }
        if let Some(value) = value {
            out.value.push(at(value).parse()?);
        }
    }
    Ok(out)
}
