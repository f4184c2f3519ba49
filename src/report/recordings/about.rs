//! What the file of a recording says of it, besides its numbers.

use super::failure::Failure;
use crate::experiment::record::{Recording, What};
use crate::figure::Member;
use crate::hir::Reduce;
use crate::units::{Unit, canonical_unit};

/// What a recording is of, in which units, and when it was made.
pub struct About {
    /// The unit of its values; none of events.
    pub unit: Option<Unit>,
    /// What each value is of.
    pub member: Member,
    /// The population or the projection.
    pub owner: String,
    /// How many cells or synapses; one if only one number is kept of them.
    pub cells: usize,
    /// How many segments of each cell.
    pub segments: usize,
    /// Which cells of the population, if it is of cells, and not of all from the first on.
    pub indices: Option<Vec<u32>>,
    /// Keys and what they say, as the metadata of a file.
    pub metadata: Vec<(String, String)>,
}

impl About {
    pub fn of(r: &Recording) -> About {
        let (unit, reduce) = match &r.what {
            What::Events(_) => (None, None),
            What::Samples { dim, unit, reduce, .. } => {
                let unit = unit.clone().filter(|u| u.dim == *dim).unwrap_or_else(|| canonical_unit(*dim));
                (Some(unit), *reduce)
            }
        };
        let member = r.member();
        let synapses = member == Member::Synapse;
        let cells = if r.is_reduced() { 1 } else { r.cells.len() };
        let segments = if r.is_reduced() { 1 } else { r.segments() };
        let first = r.cells.view().map(|v| v.start);
        let which = || r.cells.iter().map(|c| c as u32).collect();
        let indices = (!synapses && reduce.is_none() && first != Some(0)).then(which);
        let (from, to) = (r.span.0 as f64 * r.dt, r.span.1 as f64 * r.dt);
        let owner = if synapses { "projection" } else { "population" };
        let mut about = vec![
            ("recording", r.name.clone()),
            (owner, r.of.owner.clone()),
            ("variable", r.of.variable.clone()),
            ("cells", cells.to_string()),
            ("from_ms", from.to_string()),
            ("to_ms", to.to_string()),
        ];
        if member == Member::Segment {
            about.push(("segments", segments.to_string()));
        }
        about.extend(reduce.map(|how| ("reduced", word(how).to_string())));
        // Of a part of the cells the column has their places among each other.
        match (synapses, first) {
            (true, _) => {}
            (false, Some(first)) => about.push(("first", first.to_string())),
            (false, None) => about.push(("indices", joined(r.cells.iter()))),
        }
        let mut metadata = vec![("unit.time".to_string(), "ms".to_string())];
        metadata.extend(unit.as_ref().map(|unit| ("unit.value".to_string(), unit.name.clone())));
        metadata.extend(about.into_iter().map(|(key, value)| (format!("neuro.{key}"), value)));
        About { unit, member, owner: r.of.owner.clone(), cells, segments, indices, metadata }
    }

    /// What the columns of cells, and of their segments where there are several, are called.
    pub fn members(&self) -> &'static [&'static str] {
        match self.member {
            Member::Synapse => &["synapse"],
            Member::Cell => &["cell"],
            Member::Segment => &["cell", "segment"],
        }
    }

    /// What the population or projection is.
    pub fn group(&self) -> &'static str {
        if self.member == Member::Synapse { "projection" } else { "population" }
    }
}

/// What `record mean(…)` calls it.
fn word(how: Reduce) -> &'static str {
    match how {
        Reduce::Sum => "sum",
        Reduce::Mean => "mean",
        Reduce::Max => "max",
        Reduce::Min => "min",
        Reduce::Norm => "norm",
    }
}

fn joined(indices: impl Iterator<Item = usize>) -> String {
    indices.map(|i| i.to_string()).collect::<Vec<_>>().join(",")
}

/// What a recording's file says of it.
#[derive(Debug, PartialEq)]
pub struct Described {
    /// How many events, or moments.
    pub records: u64,
    /// How many cells, synapses or segments.
    pub cells: usize,
    /// What each value is of.
    pub member: Member,
    /// Since when it recorded, ms.
    pub from: f64,
    /// Until when, ms.
    pub to: f64,
    /// The unit of its values; none of events.
    pub unit: Option<String>,
}

impl Described {
    /// Reads it from the metadata of a file with so many rows.
    pub fn read(rows: u64, find: impl Fn(&str) -> Option<String>) -> Result<Described, Failure> {
        let number = |key: &str| -> Result<f64, Failure> {
            let known = find(key).and_then(|v| v.parse().ok());
            known.ok_or_else(|| format!("`{key}` is missing: not a recording").into())
        };
        let (from, to) = (number("neuro.from_ms")?, number("neuro.to_ms")?);
        let (mut cells, unit) = (number("neuro.cells")? as usize, find("unit.value"));
        let mut member = if find("neuro.projection").is_some() { Member::Synapse } else { Member::Cell };
        if find("neuro.segments").is_some() {
            (member, cells) = (Member::Segment, cells.saturating_mul(number("neuro.segments")? as usize));
        }
        let records = if unit.is_some() { rows / (cells.max(1) as u64) } else { rows };
        Ok(Described { records, cells, member, from, to, unit })
    }
}
