//! Events: rasters, densities, whole cells drawn at random, and rates over time.

use super::parts::{counted, grouped, joined, legend, with_ends};
use crate::draw::color;
use crate::draw::marks::{Layer, Side, View};
use crate::draw::pixels::Pixels;
use crate::draw::scale::{Scale, Tick, extent, label};
use crate::figure::{Data, Mark, Panel, Recorded, Recordings};
use crate::measure::Events;
use crate::rng::Stream;
use crate::units::{Unit, lookup};

/// More events than this in a panel are drawn as a density.
const MOST_MARKS: usize = 20_000;

/// Pixels of a density: one for each of a single panel.
const PIXELS: (usize, usize) = (680, 390);

/// Shades of a density.
const SHADES: usize = 15;

/// Events of a series, cells counted from its first row.
struct Train {
    times: Vec<f64>,
    cells: Vec<u32>,
    n: usize,
    from: f64,
    to: f64,
}

impl Train {
    fn keep(&mut self, wanted: impl Fn(f64, u32) -> bool) {
        let all = self.times.iter().copied().zip(self.cells.iter().copied());
        (self.times, self.cells) = all.filter(|(at, c)| wanted(*at, *c)).unzip();
    }
}

pub fn view(p: &Panel, from: &dyn Recordings) -> Result<View, String> {
    let mut trains = Vec::new();
    for s in &p.series {
        let Data::Events(r) = &s.of.data else { return Err("events and values are drawn on different axes".into()) };
        trains.push(read(r, from)?);
    }
    if let (Some((lo, hi)), false) = (p.x.range, matches!(p.mark, Some(Mark::Psth(_)))) {
        // Captions count what is shown.
        trains.iter_mut().for_each(|t| t.keep(|at, _| at >= lo && at <= hi));
    }
    let ms = lookup("ms").unwrap_or_else(Unit::one);
    let (begin, end) = trains.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), t| (t.from.min(a), t.to.max(b)));
    let end = if end > begin { end } else { begin + 1.0 };
    let time = ms.readable(begin.abs().max(end.abs()));
    let factor = time.from_internal(1.0);
    let first = trains.iter().flat_map(|t| &t.times).copied().filter(|t| *t > 0.0).fold(end, f64::min);
    let begin = if p.x.log && begin <= 0.0 { first.min(0.5 * end) } else { begin };
    let range = with_ends([begin * factor, end * factor], &p.x, &time);
    let x = Scale::new(label("time", &time), p.x.log, range);
    if let Some(Mark::Psth(bin)) = p.mark {
        return rates(p, x, factor, &trains, bin);
    }
    rows(p, x, factor, trains)
}

fn read(r: &Recorded, from: &dyn Recordings) -> Result<Train, String> {
    let (times, cells) = from.events(r)?;
    Ok(Train { times, cells, n: r.cells, from: r.from, to: r.to })
}

/// The rate of a cell in bins.
fn rates(p: &Panel, x: Scale, factor: f64, trains: &[Train], bin: f64) -> Result<View, String> {
    let names = legend(p);
    let hertz = lookup("Hz").unwrap_or_else(Unit::one);
    let mut layers = Vec::new();
    let mut all = vec![0.0];
    let mut left = 0;
    for (k, (t, name)) in trains.iter().zip(&names).enumerate() {
        let events = Events { times: t.times.clone(), cells: Vec::new(), n: t.n, from: t.from, to: t.to };
        let counts = events.counts(bin);
        if counts.is_empty() {
            return Err(format!("a recording of {} ms has no bin of {bin} ms", t.to - t.from));
        }
        left += t.times.len() - counts.iter().sum::<f64>() as usize;
        let y: Vec<f64> = counts.iter().map(|c| hertz.from_internal(c / (bin * t.n.max(1) as f64))).collect();
        let edges: Vec<f64> = (0..=y.len()).map(|b| (t.from + b as f64 * bin) * factor).collect();
        let within = |k: &usize| edges[k + 1] > x.range[0] && edges[*k] < x.range[1];
        all.extend((0..y.len()).filter(within).map(|k| y[k]));
        let (label, color) = (if trains.len() > 1 { name.clone() } else { String::new() }, color::of_series(k));
        layers.push(if trains.len() == 1 {
            Layer::Bars { label, color, axis: Side::Left, edges, y }
        } else {
            // A step ends where the next begins, and the last at its edge.
            let y = y.iter().chain(y.last()).copied().collect();
            Layer::Line { label, color, dash: color::dash_of_series(k), axis: Side::Left, steps: true, x: edges, y }
        });
    }
    let [lo, hi] = extent(all.into_iter(), p.y.log, 0.05);
    let range = with_ends([if p.y.log { lo } else { 0.0 }, hi], &p.y, &hertz);
    let y = Scale::new(label("rate", &hertz), p.y.log, range);
    let shown = |at: &&f64| p.x.range.is_none_or(|(lo, hi)| **at >= lo && **at <= hi);
    let events: usize = trains.iter().map(|t| t.times.iter().filter(shown).count()).sum();
    let cells: usize = trains.iter().map(|t| t.n).sum();
    let mut caption = format!("{} of {} in bins of {bin}\u{a0}ms", counted(events, "event"), counted(cells, "cell"));
    if left > 0 && p.x.range.is_none() {
        caption.push_str(&format!("; {} after the last whole bin", counted(left, "event")));
    }
    Ok(View { title: p.title.clone(), caption, aspect: None, x, y, right: None, layers })
}

/// A row for each cell; the first series on top.
fn rows(p: &Panel, x: Scale, factor: f64, mut trains: Vec<Train>) -> Result<View, String> {
    let names = legend(p);
    let mut captions = Vec::new();
    let mut chosen: Vec<Vec<u32>> = Vec::new();
    let events: usize = trains.iter().map(|t| t.times.len()).sum();
    let cells: usize = trains.iter().map(|t| t.n).sum();
    captions.push(format!("{} of {}", counted(events, "event"), counted(cells, "cell")));
    if let Some(Mark::Cells(some)) = p.mark {
        chosen = trains.iter_mut().enumerate().map(|(k, t)| choose(t, some, k as u64)).collect();
        let shown: usize = trains.iter().map(|t| t.n).sum();
        let marks: usize = trains.iter().map(|t| t.times.len()).sum();
        if shown < cells {
            captions.push(format!(
                "{} drawn at random, with all their {}",
                counted(shown, "cell"),
                counted(marks, "event")
            ));
        }
    }
    let marks: usize = trains.iter().map(|t| t.times.len()).sum();
    let dense = match p.mark {
        Some(Mark::Raster) => false,
        Some(Mark::Density) => true,
        _ => marks > MOST_MARKS,
    };
    let total: usize = trains.iter().map(|t| t.n).sum();
    let mut above = total;
    let mut layers = Vec::new();
    let mut ticks = Vec::new();
    let within = (x.range[0] / factor, x.range[1] / factor);
    let counts: Vec<Counts> =
        if dense { trains.iter().map(|t| Counts::of(t, within, total)).collect() } else { Vec::new() };
    let full = full(&counts);
    let mut counts = counts.into_iter();
    for (k, (t, name)) in trains.iter().zip(&names).enumerate() {
        above -= t.n;
        if k > 0 && t.n > 0 {
            layers.push(Layer::Rule { axis: Side::Left, at: (above + t.n) as f64 - 0.5, along: "x" });
        }
        ticks.push(Tick { at: above as f64 + 0.5 * t.n as f64 - 0.5, text: name.clone() });
        let color = color::of_series(k);
        if let Some(counts) = counts.next() {
            if t.n > 0 {
                layers.push(density(t, counts, (&color, full), (x.range[0], x.range[1]), above)?);
            }
        } else {
            let y = t.cells.iter().map(|c| f64::from(*c) + above as f64).collect();
            let x = t.times.iter().map(|t| t * factor).collect();
            layers.push(Layer::Raster {
                label: if trains.len() > 1 { name.clone() } else { String::new() },
                color,
                x,
                y,
            });
        }
    }
    if dense {
        captions.push("darker where there are more".into());
    }
    let several = trains.len() > 1;
    let named = if several { String::new() } else { "cell".into() };
    let range = with_ends([-0.5, total.max(1) as f64 - 0.5], &p.y, &Unit::one());
    let y = Scale::counting(named, range);
    let y = match chosen.as_slice() {
        _ if several => y.with_ticks(ticks),
        [] => y,
        // Rows are not the numbers of cells here.
        [cells] => {
            let every = cells.len().div_ceil(20).max(1);
            let tick = |(row, cell): (usize, &u32)| Tick { at: row as f64, text: cell.to_string() };
            y.with_ticks(cells.iter().enumerate().step_by(every).map(tick).collect())
        }
        _ => y.with_ticks(ticks),
    };
    Ok(View { title: p.title.clone(), caption: joined(&captions), aspect: None, x, y, right: None, layers })
}

/// Keeps some cells, drawn without regard to what they do.
fn choose(t: &mut Train, some: usize, series: u64) -> Vec<u32> {
    if some >= t.n {
        return (0..t.n as u32).collect();
    }
    let mut reader = Stream::new(series, 0).reader(0);
    let mut order: Vec<u32> = (0..t.n as u32).collect();
    for k in 0..some {
        order.swap(k, k + reader.below((t.n - k) as u32) as usize);
    }
    let mut kept = order[..some].to_vec();
    kept.sort_unstable();
    let row = |c: &u32| kept.binary_search(c).ok().map(|row| row as u32);
    let shown: Vec<(f64, u32)> = t.times.iter().zip(&t.cells).filter_map(|(at, c)| row(c).map(|r| (*at, r))).collect();
    (t.times, t.cells) = shown.into_iter().unzip();
    t.n = some;
    kept
}

/// How many events there are at each place.
struct Counts {
    columns: usize,
    rows: usize,
    /// Row by row, the top one first.
    counts: Vec<u32>,
}

impl Counts {
    /// Counts events between two moments, for a population that is one of several with `total` cells. All rows but the last hold as many cells.
    fn of(t: &Train, (from, to): (f64, f64), total: usize) -> Counts {
        let share = (PIXELS.1 * t.n / total.max(1)).max(1);
        let together = t.n.div_ceil(share).max(1);
        let (columns, rows) = (PIXELS.0, t.n.div_ceil(together));
        let mut counts = vec![0u32; columns * rows];
        for (at, cell) in t.times.iter().zip(&t.cells) {
            let column = (at - from) / (to - from) * columns as f64;
            if (0.0..=columns as f64).contains(&column) {
                let row = rows - 1 - *cell as usize / together;
                counts[row * columns + (column as usize).min(columns - 1)] += 1;
            }
        }
        Counts { columns, rows, counts }
    }
}

/// Returns how many events have the full color, in the populations of a panel: a few places with very many do not pale all others.
fn full(all: &[Counts]) -> u32 {
    let mut there: Vec<u32> = all.iter().flat_map(|c| &c.counts).copied().filter(|c| *c > 0).collect();
    there.sort_unstable();
    there.get(there.len().saturating_sub(1) * 98 / 100).copied().unwrap_or(1).max(1)
}

/// How many events there are at each place, as shades of a color.
fn density(
    t: &Train,
    Counts { columns, rows, counts }: Counts,
    (color, full): (&str, u32),
    (from, to): (f64, f64),
    above: usize,
) -> Result<Layer, String> {
    let shade = |c: u32| match c {
        0 => 0,
        c => 1 + (((c.min(full) - 1) as usize * (SHADES - 1)) / (full as usize - 1).max(1)) as u8,
    };
    let colors = counts.iter().map(|c| shade(*c)).collect();
    let opacity = |k: usize| (255.0 * if full == 1 { 1.0 } else { 0.35 + 0.65 * k as f64 / (SHADES - 1) as f64 }) as u8;
    let palette: Vec<_> = (0..SHADES).map(|k| (color::parse(color), opacity(k))).collect();
    let href = Pixels { columns, rows, colors }.url(&palette)?;
    // The last row, at the top, may stand for more cells than there are.
    let y = [above as f64 - 0.5, (above + t.n) as f64 - 0.5];
    let label = format!("{} of {} cells", grouped(t.times.len()), grouped(t.n));
    Ok(Layer::Image { label, href, x: [from, to], y, values: None, scale: None, pixels: [columns, rows] })
}
