//! Lays out figures: reads what they show, and says what is drawn where.

mod curves;
mod events;
mod histogram;
mod images;
mod parts;
mod trace;

use super::marks::{Scene, View};
use crate::figure::{Data, Figure, Mark, Panel, Recordings};

/// Lays out a figure; the error says what cannot be read.
pub fn scene(f: &Figure, from: &dyn Recordings) -> Result<Scene, String> {
    let panels = f.panels.iter().map(|p| view(p, from)).collect::<Result<Vec<View>, String>>()?;
    Ok(Scene { name: f.name.clone(), title: f.title.clone(), columns: f.columns.max(1), panels })
}

fn view(p: &Panel, from: &dyn Recordings) -> Result<View, String> {
    can_be_drawn(p)?;
    if p.series.iter().any(|s| matches!(s.of.data, Data::Events(_))) {
        return events::view(p, from);
    }
    match p.mark {
        Some(Mark::HeatMap) => return images::heat_map(p, from),
        Some(Mark::Images(rows, columns)) => return images::tiles(p, (rows, columns)),
        Some(Mark::Histogram(bins)) => return histogram::view(p, bins, from),
        None if p.against.is_none() && images::is_wide(p) => return images::heat_map(p, from),
        _ => {}
    }
    curves::view(p, from)
}

/// Refuses marks that the data have no use for.
fn can_be_drawn(p: &Panel) -> Result<(), String> {
    let events = p.series.iter().any(|s| matches!(s.of.data, Data::Events(_)));
    if p.y.log && events && !matches!(p.mark, Some(Mark::Psth(_))) {
        return Err("cells are not on a logarithmic axis".into());
    }
    if (p.x.log || p.y.log) && matches!(p.mark, Some(Mark::HeatMap | Mark::Images(..))) {
        return Err("colors have no logarithmic axes".into());
    }
    let Some(mark) = p.mark else { return Ok(()) };
    let of_events = matches!(mark, Mark::Raster | Mark::Density | Mark::Cells(_) | Mark::Psth(_));
    for s in &p.series {
        let name = if s.of.name.is_empty() { "a series" } else { &s.of.name };
        match &s.of.data {
            Data::Events(_) if !of_events => return Err(format!("{name} holds events, which have no values")),
            Data::Events(_) => {}
            _ if of_events => return Err(format!("{name} holds values, not events")),
            Data::Values { .. } if mark == Mark::Mean => return Err(format!("{name} is no recording of cells")),
            Data::Values { values, .. } => {
                if let Mark::Images(rows, columns) = mark
                    && !rows.checked_mul(columns).is_some_and(|n| n > 0 && values.len().is_multiple_of(n))
                {
                    return Err(format!("the {} values of {name} are no images of {rows} x {columns}", values.len()));
                }
            }
            Data::Samples(_) if matches!(mark, Mark::Images(..)) => {
                return Err(format!("{name} is a recording, whose moments are no images"));
            }
            Data::Samples(_) => {}
        }
    }
    if matches!(mark, Mark::HeatMap | Mark::Images(..)) && p.series.len() > 1 {
        return Err("colors fill a panel with one series".into());
    }
    Ok(())
}
