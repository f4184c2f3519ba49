//! `neuro plot` and `neuro report`: figures and pages of runs that have ended, drawn from their files.

use super::messages::{Done, Messages, Stop};
use super::results;
use neuro::diag::nearest;
use neuro::draw::scene;
use neuro::figure::{Axis, Figure, MOST_BINS, Mark, Panel};
use neuro::report::{self, Files, Format};
use neuro::units::{Dim, Unit, lookup};
use std::path::{Path, PathBuf};

/// What `neuro plot` was asked to do.
#[derive(clap::Args)]
pub struct Request {
    /// The folder of a run: results/NAME
    folder: PathBuf,
    /// Figures, or recordings that have none; all figures unless named
    names: Vec<String>,
    /// What panels are drawn as: lines, steps, points, bars, mean, histogram(20), raster, density, cells(50), psth(5ms), heatmap,
    /// images(28, 28)
    #[arg(long = "as", value_name = "MARK")]
    mark: Option<String>,
    /// Ends of the abscissa: 0ms..50ms
    #[arg(long, value_name = "FROM..TO", allow_hyphen_values = true)]
    x: Option<String>,
    /// Ends of the ordinate on the left: -80mV..0mV
    #[arg(long, value_name = "FROM..TO", allow_hyphen_values = true)]
    y: Option<String>,
    /// Logarithmic axes: x, y or x,y
    #[arg(long, value_name = "AXES", value_delimiter = ',')]
    log: Vec<String>,
    /// Panels side by side
    #[arg(long, value_name = "N")]
    columns: Option<usize>,
    /// Another title
    #[arg(long)]
    title: Option<String>,
    /// Formats: svg, png, pdf; all unless given
    #[arg(long, value_name = "FORMATS", value_delimiter = ',')]
    formats: Vec<String>,
    /// Write into another folder than that of the run
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

pub fn plot(request: &Request, messages: Messages) -> Done {
    let folder = &request.folder;
    let unusable = |why: String| Stop::Usage(why);
    let formats = formats(&request.formats)?;
    let all = report::figures_of(folder).map_err(unusable)?;
    let mut figures: Vec<Figure> = Vec::new();
    for name in &request.names {
        match all.iter().find(|f| f.name == *name) {
            Some(f) => figures.push(f.clone()),
            None => figures.push(report::recording_as_figure(folder, name).map_err(|why| {
                let near = nearest(name, all.iter().map(|f| f.name.as_str()));
                let near = near.map_or(String::new(), |n| format!(" (did you mean `{n}`?)"));
                Stop::Usage(format!("{} has no figure `{name}`{near}, and {why}", folder.display()))
            })?),
        }
    }
    if request.names.is_empty() {
        figures.clone_from(&all);
    }
    let named = |f: &Figure| all.iter().any(|own| own.name == f.name);
    if figures.is_empty() {
        return Err(Stop::Usage(format!("the run in {} has plotted nothing; name a recording", folder.display())));
    }
    let mut files = Vec::new();
    for f in &mut figures {
        let before = f.clone();
        change(f, request)?;
        // The run's own figure stays as it is.
        if *f != before && request.to.is_none() && named(&before) {
            let taken = |name: &str| formats.iter().any(|e| folder.join(format!("{name}.{}", e.ending())).exists());
            let numbered = (2..).map(|k: u32| format!("{}-{k}", f.name));
            f.name = numbered.into_iter().find(|name| !taken(name)).unwrap_or_default();
        }
        let scene = scene(f, &Files(folder.clone())).map_err(unusable)?;
        files.extend(report::drawn(&scene, &formats).map_err(unusable)?);
    }
    put(folder, request.to.as_deref(), files, messages)
}

/// Writes a run's page of everything.
pub fn report(folder: &Path, to: Option<&Path>, messages: Messages) -> Done {
    let page = report::page_of(folder).map_err(Stop::Usage)?;
    let Some(to) = to else {
        return put(folder, None, vec![(report::PAGE.to_string(), page.into_bytes())], messages);
    };
    std::fs::write(to, page).map_err(|e| Stop::Usage(format!("cannot write {}: {e}", to.display())))?;
    messages.note(&format!("wrote {}", to.display()));
    Ok(())
}

fn put(folder: &Path, to: Option<&Path>, files: Vec<(String, Vec<u8>)>, messages: Messages) -> Done {
    let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    match to {
        None => results::add(folder, files)?,
        Some(to) => {
            let bad = |e: std::io::Error| Stop::Usage(format!("cannot write into {}: {e}", to.display()));
            std::fs::create_dir_all(to).map_err(bad)?;
            for (name, content) in files {
                std::fs::write(to.join(name), content).map_err(bad)?;
            }
        }
    }
    let at = to.unwrap_or(folder);
    names.iter().for_each(|name| messages.note(&format!("wrote {}", at.join(name).display())));
    Ok(())
}

fn formats(given: &[String]) -> Result<Vec<Format>, Stop> {
    if given.is_empty() {
        return Ok(Format::ALL.to_vec());
    }
    let parse = |text: &String| {
        Format::parse(text).ok_or_else(|| Stop::Usage(format!("unknown format `{text}`; it is svg, png or pdf")))
    };
    given.iter().map(parse).collect()
}

/// Applies the options to a figure.
fn change(f: &mut Figure, request: &Request) -> Result<(), Stop> {
    if let Some(title) = &request.title {
        f.title.clone_from(title);
    }
    if let Some(n) = request.columns {
        if n == 0 {
            return Err(Stop::Usage("--columns must be at least 1".into()));
        }
        f.columns = n.min(f.panels.len().max(1));
    }
    let mark = request.mark.as_deref().map(mark).transpose()?;
    for p in &mut f.panels {
        p.mark = mark.or(p.mark);
        let [x, y] = p.axes();
        if let Some(text) = &request.x {
            p.x.range = Some(range("x", text, &x)?);
        }
        if let Some(text) = &request.y {
            p.y.range = Some(range("y", text, &y)?);
        }
    }
    for axis in &request.log {
        let pick: fn(&mut Panel) -> &mut Axis = match axis.as_str() {
            "x" => |p| &mut p.x,
            "y" => |p| &mut p.y,
            other => return Err(Stop::Usage(format!("`--log {other}`: an axis is x or y"))),
        };
        f.panels.iter_mut().for_each(|p| pick(p).log = true);
    }
    let low = |a: &Axis| a.log && a.range.is_some_and(|(lo, _)| lo <= 0.0);
    if f.panels.iter().any(|p| low(&p.x) || low(&p.y)) {
        return Err(Stop::Usage("a logarithmic axis begins above zero".into()));
    }
    Ok(())
}

/// Reads `0ms..50ms`, in internal units; numbers alone are in the unit of the axis.
fn range(axis: &str, text: &str, (dim, unit): &(Dim, Unit)) -> Result<(f64, f64), Stop> {
    let bad = || Stop::Usage(format!("`--{axis} {text}` is not a range; write --{axis} 0ms..50ms"));
    let (lo, hi) = text.split_once("..").ok_or_else(bad)?;
    let read = |text: &str| {
        let (value, given) = quantity(text).ok_or_else(bad)?;
        match given {
            None => Ok(unit.to_internal(value)),
            Some(given) if given.dim == *dim => Ok(given.to_internal(value)),
            Some(given) => {
                Err(Stop::Usage(format!("`--{axis} {text}` is in {}; this axis is in {}", given.name, unit.name)))
            }
        }
    };
    let (lo, hi) = (read(lo)?, read(hi)?);
    if lo < hi && lo.is_finite() && hi.is_finite() { Ok((lo, hi)) } else { Err(bad()) }
}

/// Reads a number, and its unit if it has one.
fn quantity(text: &str) -> Option<(f64, Option<Unit>)> {
    let text = text.trim();
    let at = text.char_indices().find(|(k, c)| {
        let exponent = matches!(c, 'e' | 'E') && text[k + 1..].starts_with(|d: char| d.is_ascii_digit() || d == '-');
        (c.is_alphabetic() || *c == '%') && !exponent
    });
    let (number, unit) = text.split_at(at.map_or(text.len(), |(k, _)| k));
    let value: f64 = number.trim().parse().ok()?;
    if unit.is_empty() { Some((value, None)) } else { Some((value, Some(lookup(unit.trim())?))) }
}

/// Reads `histogram(20)`.
fn mark(text: &str) -> Result<Mark, Stop> {
    let known = "lines, steps, points, bars, mean, histogram(N), raster, density, cells(N), psth(TIME), heatmap or \
                 images(ROWS, COLUMNS)";
    let bad = || Stop::Usage(format!("`--as {text}` says nothing of a plot; it is {known}"));
    let (name, args) = match text.trim().strip_suffix(')') {
        Some(open) => open.split_once('(').ok_or_else(bad)?,
        None => (text.trim(), ""),
    };
    let args: Vec<&str> = args.split(',').map(str::trim).filter(|a| !a.is_empty()).collect();
    let whole = |k: usize| args.get(k).and_then(|a| a.parse::<usize>().ok()).filter(|n| *n > 0).ok_or_else(bad);
    let takes = match name {
        "cells" | "psth" => 1,
        "images" => 2,
        "histogram" => args.len().min(1),
        _ => 0,
    };
    if args.len() != takes {
        return Err(bad());
    }
    Ok(match name {
        "lines" => Mark::Lines,
        "steps" => Mark::Steps,
        "points" => Mark::Points,
        "bars" => Mark::Bars,
        "mean" => Mark::Mean,
        "histogram" if args.is_empty() => Mark::Histogram(0),
        "histogram" => Mark::Histogram(Some(whole(0)?).filter(|n| *n <= MOST_BINS).ok_or_else(bad)?),
        "raster" => Mark::Raster,
        "density" => Mark::Density,
        "cells" => Mark::Cells(whole(0)?),
        "psth" => {
            let (value, unit) = args.first().and_then(|a| quantity(a)).ok_or_else(bad)?;
            let unit = unit.filter(|u| u.dim == Dim::TIME && value > 0.0).ok_or_else(bad)?;
            Mark::Psth(unit.to_internal(value))
        }
        "heatmap" => Mark::HeatMap,
        "images" => Mark::Images(whole(0)?, whole(1)?),
        _ => return Err(bad()),
    })
}
