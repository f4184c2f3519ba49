//! Draws figures with plotters; the font is embedded, so that no system font is needed.

use crate::experiment::{Figure, FigureData};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};
use std::sync::Once;

const SIZE: (u32, u32) = (900, 540);

/// Blue, orange, green, red, purple, brown: distinct in print and for most color-blind readers (Okabe and Ito).
const COLORS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(60, 60, 60),
];

fn font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = register_font("sans-serif", FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT);
    });
}

/// Returns the figure as SVG.
pub fn svg(f: &Figure) -> Result<String, String> {
    font();
    let mut out = String::new();
    draw(f, SVGBackend::with_string(&mut out, SIZE).into_drawing_area()).map_err(|e| format!("{}.svg: {e}", f.name))?;
    Ok(out)
}

/// Returns the figure as PNG.
pub fn png(f: &Figure) -> Result<Vec<u8>, String> {
    font();
    let mut pixels = vec![255u8; (SIZE.0 * SIZE.1 * 3) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, SIZE).into_drawing_area();
        draw(f, area).map_err(|e| format!("{}.png: {e}", f.name))?;
    }
    encode(&pixels).map_err(|e| format!("{}.png: {e}", f.name))
}

fn encode(pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, SIZE.0, SIZE.1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(out)
}

fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (lo, hi) =
        values.filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if lo > hi {
        return (0.0, 1.0);
    }
    if hi - lo < 1e-12 * hi.abs().max(1e-12) {
        let pad = hi.abs().max(1.0) * 0.1;
        return (lo - pad, hi + pad);
    }
    (lo, hi)
}

/// Writes a number on an axis with as many decimals as ticks of that range need.
fn tick(v: f64, range: f64) -> String {
    let step = range / 10.0;
    let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
    // Rounding may leave a zero of either sign.
    let v = if v.abs() < step * 1e-6 { 0.0 } else { v };
    if range >= 1e6 { format!("{v:.1e}") } else { format!("{v:.decimals$}") }
}

/// Finds the corner in which a legend hides least of the lines.
fn emptiest(f: &Figure, (x0, x1): (f64, f64), (y0, y1): (f64, f64)) -> SeriesLabelPosition {
    use SeriesLabelPosition::{LowerLeft, LowerRight, UpperLeft, UpperRight};
    let mut hidden = [0usize; 4];
    for s in &f.series {
        let FigureData::Line { x, y, .. } = s else { continue };
        for k in 1..x.len() {
            // Points along each segment, not only its ends.
            for part in 0..8 {
                let at = f64::from(part) / 8.0;
                let (px, py) = (x[k - 1] + at * (x[k] - x[k - 1]), y[k - 1] + at * (y[k] - y[k - 1]));
                let (right, top) = ((px - x0) / (x1 - x0), (py - y0) / (y1 - y0));
                let (left, right, bottom, top) = (right < 0.3, right > 0.7, top < 0.35, top > 0.65);
                for (count, inside) in
                    hidden.iter_mut().zip([right && top, left && top, right && bottom, left && bottom])
                {
                    *count += usize::from(inside);
                }
            }
        }
    }
    let best = (0..4).min_by_key(|k| hidden[*k]).unwrap_or(0);
    [UpperRight, UpperLeft, LowerRight, LowerLeft][best].clone()
}

fn draw<B: DrawingBackend>(f: &Figure, area: DrawingArea<B, Shift>) -> Result<(), Box<dyn std::error::Error>>
where
    B::ErrorType: 'static,
{
    area.fill(&WHITE)?;
    let xs = f.series.iter().flat_map(|s| match s {
        FigureData::Raster { times, .. } => times.clone(),
        FigureData::Line { x, .. } => x.clone(),
    });
    let (x0, x1) = extent(xs);
    let raster_rows: f64 =
        f.series.iter().map(|s| if let FigureData::Raster { rows, .. } = s { *rows as f64 } else { 0.0 }).sum();
    let (y0, y1) = if raster_rows > 0.0 {
        (0.0, raster_rows)
    } else {
        let (a, b) = extent(
            f.series.iter().flat_map(|s| if let FigureData::Line { y, .. } = s { y.clone() } else { Vec::new() }),
        );
        let pad = 0.05 * (b - a);
        (a - pad, b + pad)
    };
    let mut chart = ChartBuilder::on(&area);
    chart.margin(16).x_label_area_size(48).y_label_area_size(72);
    if !f.title.is_empty() {
        chart.caption(&f.title, ("sans-serif", 22));
    }
    let mut chart = chart.build_cartesian_2d(x0..x1, y0..y1)?;
    chart
        .configure_mesh()
        .x_desc(&f.x)
        .y_desc(&f.y)
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 17))
        .x_label_formatter(&|v| tick(*v, x1 - x0))
        .y_label_formatter(&|v| tick(*v, y1 - y0))
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.08))
        .draw()?;
    for (i, s) in f.series.iter().enumerate() {
        let color = COLORS[i % COLORS.len()];
        match s {
            FigureData::Raster { times, cells, label, .. } => {
                chart
                    .draw_series(times.iter().zip(cells).map(|(t, c)| Circle::new((*t, *c), 1, color.filled())))?
                    .label(label)
                    .legend(move |(x, y)| Circle::new((x + 9, y), 3, color.filled()));
            }
            FigureData::Line { x, y, label } => {
                let points = x.iter().zip(y).filter(|(_, y)| y.is_finite()).map(|(x, y)| (*x, *y));
                chart
                    .draw_series(LineSeries::new(points.clone(), color.stroke_width(2)))?
                    .label(label)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
                if x.len() <= 60 {
                    chart.draw_series(points.map(|p| Circle::new(p, 3, color.filled())))?;
                }
            }
        }
    }
    if f.series.len() > 1 {
        chart
            .configure_series_labels()
            .position(emptiest(f, (x0, x1), (y0, y1)))
            .label_font(("sans-serif", 15))
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.2))
            .draw()?;
    }
    area.present()?;
    Ok(())
}
