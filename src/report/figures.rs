//! Figures of a run: what they show as JSON, and each as SVG, PNG and PDF.

use super::recordings::Found;
use crate::draw::{self, Scene};
use crate::experiment::record::{Recording, What};
use crate::figure::{Axis, Column, Data, Figure, Panel, Recorded, Recordings, Series};
use crate::units::{Unit, canonical_unit, lookup};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The file that says what the figures of a run show.
pub const FIGURES: &str = "figures.json";

/// The formats in which a figure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The figure itself, with its font.
    Svg,
    /// Two pixels for each of the SVG's.
    Png,
    /// A page of the figure's size.
    Pdf,
}

impl Format {
    /// All of them, as a run writes them.
    pub const ALL: [Format; 3] = [Format::Svg, Format::Png, Format::Pdf];

    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Format::Svg => "svg",
            Format::Png => "png",
            Format::Pdf => "pdf",
        }
    }

    /// Finds a format by its ending.
    pub fn parse(text: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|f| f.ending() == text)
    }
}

/// The content of [`FIGURES`].
#[derive(Serialize, Deserialize)]
struct Kept {
    figures: Vec<Figure>,
}

/// Returns figures as JSON, from which they can be drawn again.
pub fn json(figures: &[Figure]) -> String {
    serde_json::to_string(&Kept { figures: figures.to_vec() }).unwrap_or_default()
}

/// Reads the figures of a folder of results.
fn read(folder: &Path) -> Result<Vec<Figure>, String> {
    let path = folder.join(FIGURES);
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let kept: Kept = serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(kept.figures)
}

/// Returns the figures of a run; none if it has plotted nothing.
pub fn figures_of(folder: &Path) -> Result<Vec<Figure>, String> {
    match folder.join("run.json").exists() {
        true if !folder.join(FIGURES).exists() => Ok(Vec::new()),
        true => read(folder),
        false => Err(format!("{} holds no results of a run", folder.display())),
    }
}

/// Returns a figure of a recording that was not plotted.
pub fn recording_as_figure(folder: &Path, name: &str) -> Result<Figure, String> {
    let told = Found::among(folder, name)?.described()?;
    let (records, cells, member) = (told.records, told.cells, told.member);
    let part = Recorded { name: name.into(), records, cells, member, from: told.from, to: told.to };
    let unit = told.unit.as_ref().map(|u| lookup(u).unwrap_or(Unit { name: u.clone(), ..Unit::one() }));
    let data = if unit.is_some() { Data::Samples(part) } else { Data::Events(part) };
    let unit = unit.unwrap_or_else(Unit::one);
    let of = Column { name: name.into(), dim: unit.dim, unit, data };
    let series = vec![Series { label: None, of, error: None }];
    let (x, y) = (Axis::default(), Axis::default());
    let panel = Panel { title: String::new(), series, against: None, mark: None, x, y, zero: false, fit: false };
    let file = name.chars().map(|c| if c.is_alphanumeric() || c == '.' { c } else { '_' }).collect();
    Ok(Figure { name: file, title: String::new(), columns: 1, panels: vec![panel] })
}

/// Returns a scene in some formats, each with the name of its file.
pub fn drawn(scene: &Scene, formats: &[Format]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let svg = draw::svg(scene);
    let one = |format: &Format| {
        let name = format!("{}.{}", scene.name, format.ending());
        let bytes = match format {
            Format::Svg => Ok(svg.clone().into_bytes()),
            Format::Png => draw::png(&svg),
            Format::Pdf => draw::pdf(&svg),
        };
        bytes.map_err(|e| format!("{name}: {e}")).map(|bytes| (name, bytes))
    };
    formats.iter().map(one).collect()
}

/// Recordings of a run, wherever they are spooled.
pub struct Spooled<'a>(pub &'a [Recording]);

impl Spooled<'_> {
    fn find(&self, r: &Recorded) -> Result<&Recording, String> {
        self.0.iter().find(|one| one.name == r.name).ok_or_else(|| format!("there is no recording `{}`", r.name))
    }
}

impl Recordings for Spooled<'_> {
    fn events(&self, r: &Recorded) -> Result<(Vec<f64>, Vec<u32>), String> {
        let of = self.find(r)?;
        of.can_be_read()?;
        let mut out = (Vec::new(), Vec::new());
        of.spool.each(of.record_size(), &mut |record| {
            if (out.0.len() as u64) < r.records {
                out.0.push(u64::from_le_bytes(record[..8].try_into().unwrap_or_default()) as f64 * of.dt);
                out.1.push(u32::from_le_bytes(record[8..].try_into().unwrap_or_default()));
            }
        })?;
        Ok(out)
    }

    fn samples(&self, r: &Recorded) -> Result<(Vec<f64>, Vec<f64>), String> {
        let of = self.find(r)?;
        let What::Samples { dim, unit, .. } = &of.what else { return Err(format!("`{}` has no values", r.name)) };
        let unit = unit.clone().filter(|u| u.dim == *dim).unwrap_or_else(|| canonical_unit(*dim));
        let (mut times, values) = of.samples(None)?;
        times.truncate(r.records as usize);
        let n = times.len() * r.cells;
        Ok((times, values[..n].iter().map(|v| unit.from_internal(*v)).collect()))
    }
}

/// Recordings as a run has left them, in files of any format.
pub struct Files(pub PathBuf);

impl Recordings for Files {
    fn events(&self, r: &Recorded) -> Result<(Vec<f64>, Vec<u32>), String> {
        let rows = Found::among(&self.0, &r.name)?.read(r.records)?;
        Ok((rows.time, rows.cell.iter().map(|c| *c as u32).collect()))
    }

    fn samples(&self, r: &Recorded) -> Result<(Vec<f64>, Vec<f64>), String> {
        let file = Found::among(&self.0, &r.name)?;
        let rows = file.read(r.records.saturating_mul(r.cells as u64))?;
        if rows.value.len() as u64 != r.records.saturating_mul(r.cells as u64) {
            let there = rows.value.len();
            return Err(format!("{}: {there} values, not {} of {}", file.path().display(), r.records, r.cells));
        }
        Ok((rows.time.into_iter().step_by(r.cells.max(1)).collect(), rows.value))
    }
}
