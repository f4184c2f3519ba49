//! Values as colors: heat maps of matrices and recordings, and rows of a matrix as images.

use super::curves::MANY;
use super::parts::{Conversion, axis_of, counted, joined, largest, with_ends};
use crate::draw::color::{Map, RISING, Rgb, SIGNED};
use crate::draw::marks::{ColorScale, Grid, Layer, View};
use crate::draw::pixels::Pixels;
use crate::draw::scale::{Scale, label};
use crate::figure::{Data, Panel, Recordings};
use crate::units::{Unit, lookup};

/// More columns and rows than there are places for them are averaged in blocks.
const MOST: (usize, usize) = (680, 380);

/// Up to this many values go into a report, to be read off.
const READABLE: usize = 20_000;

/// Colors of a map.
const SHADES: usize = 250;

/// Returns whether a panel holds one series of too many rows for lines.
pub fn is_wide(p: &Panel) -> bool {
    let [s] = p.series.as_slice() else { return false };
    // Words that say something of lines ask for lines.
    let of_lines = p.y.range.is_some() || p.x.log || p.y.log || p.zero || p.fit;
    p.mark.is_none()
        && !of_lines
        && s.error.is_none()
        && match &s.of.data {
            Data::Samples(r) => r.cells > MANY,
            Data::Values { shape, .. } => shape.len() == 2 && shape.iter().all(|n| *n > 1),
            Data::Events(_) => false,
        }
}

/// Values in rows, the lowest first.
struct Table {
    rows: usize,
    columns: usize,
    data: Vec<f64>,
}

/// Rows and columns of a matrix, or cells over time.
pub fn heat_map(p: &Panel, from: &dyn Recordings) -> Result<View, String> {
    let of = &p.series[0].of;
    let mut captions = Vec::new();
    let (table, x, y, x_unit, within) = match &of.data {
        Data::Events(_) => return Err("events have no values".into()),
        Data::Samples(r) => {
            let (times, values) = from.samples(r)?;
            let n = r.cells.max(1);
            let ms = lookup("ms").unwrap_or_else(Unit::one);
            let (begin, end) = (r.from, if r.to > r.from { r.to } else { r.from + 1.0 });
            let unit = ms.readable(begin.abs().max(end.abs()));
            let range = [unit.from_internal(begin), unit.from_internal(end)];
            let x = Scale::new(label("time", &unit), false, range);
            let y = Scale::counting(r.member.name(), [-0.5, n as f64 - 0.5]);
            // Each moment in the middle of its column.
            let at = |k: usize| unit.from_internal(times[k]);
            let half = match times.len() {
                0 | 1 => 0.5 * (range[1] - range[0]),
                m => 0.5 * (at(m - 1) - at(0)) / (m - 1) as f64,
            };
            let ends = if times.is_empty() { range } else { [at(0) - half, at(times.len() - 1) + half] };
            let columns = times.len();
            let data = (0..n).flat_map(|cell| values.iter().skip(cell).step_by(n).copied().collect::<Vec<f64>>());
            (Table { rows: n, columns, data: data.collect() }, x, y, unit, ends)
        }
        Data::Values { values, shape } => {
            let (rows, columns) = match shape.as_slice() {
                [rows, columns] => (*rows, *columns),
                _ => (1, values.len()),
            };
            let scale = |label: &str, n: usize| Scale::counting(label, [-0.5, n.max(1) as f64 - 0.5]);
            let (x, y) = (scale("column", columns), scale("row", rows));
            let ends = x.range;
            (Table { rows, columns, data: values.clone() }, x, y, Unit::one(), ends)
        }
    };
    let table = averaged(table, &mut captions);
    let unit = of.unit.readable(largest(table.data.iter()));
    let data = Conversion { from: &of.unit, to: &unit }.all(&table.data);
    let undefined = data.iter().filter(|v| !v.is_finite()).count();
    if undefined > 0 {
        captions.push(format!("{} not finite", counted(undefined, "value")));
    }
    let within = [within, y.range];
    let x = Scale { range: with_ends(x.range, &p.x, &x_unit), ..x };
    let y = Scale { range: with_ends(y.range, &p.y, &Unit::one()), ..y };
    let colored = Colored::of(&data);
    let top_first = (0..table.rows).rev().flat_map(|r| &data[r * table.columns..(r + 1) * table.columns]);
    let pixels =
        Pixels { columns: table.columns, rows: table.rows, colors: top_first.map(|v| colored.index(*v)).collect() };
    let mut layers = Vec::new();
    if table.rows > 0 && table.columns > 0 {
        let (rows, columns) = (table.rows, table.columns);
        let values = (data.len() <= READABLE).then_some(Grid { rows, columns, data });
        layers.push(Layer::Image {
            label: axis_of(&[of], &unit, of.dim),
            href: pixels.url(&colored.palette())?,
            x: within[0],
            y: within[1],
            values,
            scale: Some(colored.scale()),
            pixels: [columns, rows],
        });
    } else {
        captions.push("no values".into());
    }
    Ok(View { title: p.title.clone(), caption: joined(&captions), aspect: None, x, y, right: None, layers })
}

/// Averages blocks of columns and rows until there are few enough to be seen.
fn averaged(t: Table, captions: &mut Vec<String>) -> Table {
    let (by_row, by_column) = (t.rows.div_ceil(MOST.1).max(1), t.columns.div_ceil(MOST.0).max(1));
    if by_row == 1 && by_column == 1 {
        return t;
    }
    captions.push(match (by_row, by_column) {
        (1, c) => format!("each color is the mean of {c} columns"),
        (r, 1) => format!("each color is the mean of {r} rows"),
        (r, c) => format!("each color is the mean of {r} rows and {c} columns"),
    });
    let (rows, columns) = (t.rows.div_ceil(by_row), t.columns.div_ceil(by_column));
    let mut data = Vec::with_capacity(rows * columns);
    for r in 0..rows {
        let lines = r * by_row..((r + 1) * by_row).min(t.rows);
        for c in 0..columns {
            let places = c * by_column..((c + 1) * by_column).min(t.columns);
            let block = lines.clone().flat_map(|l| &t.data[l * t.columns..][places.clone()]);
            let (n, sum) = block.fold((0.0, 0.0), |(n, sum), v| (n + 1.0, sum + v));
            data.push(sum / n);
        }
    }
    Table { rows, columns, data }
}

/// Each row of a matrix as an image, side by side.
pub fn tiles(p: &Panel, (height, width): (usize, usize)) -> Result<View, String> {
    let of = &p.series[0].of;
    let Data::Values { values, .. } = &of.data else { return Err("images are made of values".into()) };
    let unit = of.unit.readable(largest(values.iter()));
    let data = Conversion { from: &of.unit, to: &unit }.all(values);
    let n = data.len() / (height * width).max(1);
    let across = ((n as f64 * height as f64 / width as f64).sqrt().ceil() as usize).clamp(1, n.max(1));
    let down = n.div_ceil(across).max(1);
    let colored = Colored::of(&data);
    let (columns, rows) = (across * (width + 1) - 1, down * (height + 1) - 1);
    let mut colors = vec![0u8; columns * rows];
    for (k, image) in data.chunks_exact((height * width).max(1)).enumerate() {
        let (left, top) = ((k % across) * (width + 1), (k / across) * (height + 1));
        for (at, v) in image.iter().enumerate() {
            colors[(top + at / width) * columns + left + at % width] = colored.index(*v);
        }
    }
    let scale = |n: usize| Scale::counting("", [0.0, n as f64]).with_ticks(Vec::new());
    let layer = Layer::Image {
        label: axis_of(&[of], &unit, of.dim),
        href: Pixels { columns, rows, colors }.url(&colored.palette())?,
        x: [0.0, columns as f64],
        y: [0.0, rows as f64],
        values: None,
        scale: Some(colored.scale()),
        pixels: [columns, rows],
    };
    let caption = format!("{} of {height} × {width} values", counted(n, "image"));
    let aspect = Some(columns as f64 / rows as f64);
    let (x, y) = (scale(columns), scale(rows));
    Ok(View { title: p.title.clone(), caption, aspect, x, y, right: None, layers: vec![layer] })
}

/// The colors of values: of both signs around white, else from dark to bright.
struct Colored {
    low: f64,
    high: f64,
    map: &'static Map,
}

impl Colored {
    fn of(data: &[f64]) -> Colored {
        let finite = data.iter().copied().filter(|v| v.is_finite());
        let (lo, hi) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        match () {
            () if lo > hi => Colored { low: 0.0, high: 1.0, map: &RISING },
            () if lo < 0.0 && hi > 0.0 => {
                let most = hi.max(-lo);
                Colored { low: -most, high: most, map: &SIGNED }
            }
            () if lo == hi => {
                Colored { low: lo - 0.5 * lo.abs().max(1.0), high: hi + 0.5 * hi.abs().max(1.0), map: &RISING }
            }
            () => Colored { low: lo, high: hi, map: &RISING },
        }
    }

    /// The number of a value's color; what is not finite is clear.
    fn index(&self, v: f64) -> u8 {
        if !v.is_finite() {
            return 0;
        }
        let place = (v - self.low) / (self.high - self.low);
        1 + (place.clamp(0.0, 1.0) * (SHADES - 1) as f64).round() as u8
    }

    fn palette(&self) -> Vec<(Rgb, u8)> {
        (0..SHADES).map(|k| (self.map.at(k as f64 / (SHADES - 1) as f64), 255)).collect()
    }

    fn scale(&self) -> ColorScale {
        ColorScale { low: self.low, high: self.high, colors: self.map.css() }
    }
}
