//! A scene as SVG: panels in a grid, each clipped to its axes, with ticks, labels, a legend above and a caption below.

use super::color;
use super::marks::{ColorScale, Layer, Scene, Side, View};
use super::pixels::url;
use super::scale::{Scale, Tick};
use super::text::{WEB_FONT, shortened, width};
use std::fmt::Write;

const TITLE: f64 = 18.0;
const HEADING: f64 = 14.0;
const LABEL: f64 = 13.0;
const SMALL: f64 = 12.0;
const CAPTION: f64 = 11.0;

/// Space around everything, and between panels.
const MARGIN: f64 = 18.0;

/// Length of a tick.
const TICK: f64 = 4.0;

/// Width of a color bar, and of the space before it.
const BAR: f64 = 12.0;

/// Strips of a color bar.
const STRIPS: usize = 64;

/// The longest name at a tick.
const NAME: f64 = 110.0;

/// Room for a line in a legend.
const SYMBOL: f64 = 20.0;

/// Coordinates beyond this are clipped anyway.
const FAR: f64 = 1e5;

/// Returns a scene as SVG, with its font.
pub fn svg(scene: &Scene) -> String {
    let columns = scene.columns.clamp(1, scene.panels.len().max(1));
    let total = match columns {
        1 => 760.0,
        2 => 1000.0,
        n => 380.0 * n as f64,
    };
    let cell = (total - MARGIN * (columns + 1) as f64) / columns as f64;
    let rows = scene.panels.len().div_ceil(columns);
    let mut placed: Vec<Placed> = scene.panels.iter().map(|v| Placed::new(v, cell, rows)).collect();
    // Axes of one column stand above each other.
    for column in 0..columns {
        let one = || (column..placed.len()).step_by(columns);
        let left = one().map(|k| placed[k].left).fold(0.0, f64::max);
        let right = one().map(|k| placed[k].right).fold(0.0, f64::max);
        for k in one().collect::<Vec<_>>() {
            placed[k].widen(left, right, cell);
        }
    }
    let mut y = if scene.title.is_empty() { MARGIN } else { MARGIN + 1.4 * TITLE };
    let mut body = String::new();
    if !scene.title.is_empty() {
        let left = MARGIN + placed.first().map_or(0.0, |p| p.left);
        let title = shortened(&scene.title, TITLE, total - left - MARGIN);
        text(&mut body, (left, MARGIN + TITLE - 2.0), &title, TITLE, Anchor::Start, "#1a1a1a");
    }
    for (row, panels) in placed.chunks(columns).enumerate() {
        // Plotting areas of a row begin at one height.
        let above = panels.iter().map(Placed::above).fold(0.0, f64::max);
        let below = panels.iter().map(|p| p.plot.1 + p.below()).fold(0.0, f64::max);
        for (column, p) in panels.iter().enumerate() {
            let x = MARGIN + column as f64 * (cell + MARGIN);
            p.draw(&mut body, (x, y), above, row * columns + column);
        }
        y += above + below + MARGIN;
    }
    let (font, title) = (url("font/woff2", WEB_FONT), escaped(&scene.title));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{total}\" height=\"{y:.0}\" viewBox=\"0 0 {total} {y:.0}\" \
         font-family=\"Inter, 'Helvetica Neue', Arial, sans-serif\">\n<title>{title}</title>\n\
         <style>@font-face {{ font-family: Inter; src: url({font}) }}</style>\n\
         <rect width=\"{total}\" height=\"{y:.0}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

#[derive(Clone, Copy)]
enum Anchor {
    Start,
    Middle,
    End,
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // XML has no other control characters.
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn text(out: &mut String, (x, y): (f64, f64), what: &str, size: f64, anchor: Anchor, color: &str) {
    if what.is_empty() {
        return;
    }
    let anchor = match anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let what = escaped(what);
    let _ =
        writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\"{anchor} fill=\"{color}\">{what}</text>");
}

/// Text that is read from below.
fn upright(out: &mut String, (x, y): (f64, f64), what: &str, size: f64) {
    if what.is_empty() {
        return;
    }
    let what = escaped(what);
    let _ = writeln!(
        out,
        "<text transform=\"translate({x:.1} {y:.1}) rotate(-90)\" font-size=\"{size}\" text-anchor=\"middle\" \
         fill=\"#222222\">{what}</text>"
    );
}

/// One entry of a legend: text, symbol, and where its row has it.
struct Entry<'v> {
    layer: &'v Layer,
    text: String,
    x: f64,
    row: usize,
}

/// A panel with the room that its parts take.
struct Placed<'v> {
    view: &'v View,
    /// Room left and right of the plotting area.
    left: f64,
    right: f64,
    /// Size of the plotting area.
    plot: (f64, f64),
    legend: Vec<Entry<'v>>,
    y: (Vec<Tick>, i32),
    other: Option<(Vec<Tick>, i32)>,
    bar: Option<(Scale, &'v ColorScale, &'v str)>,
    caption: Vec<String>,
}

impl<'v> Placed<'v> {
    fn new(view: &'v View, cell: f64, rows: usize) -> Placed<'v> {
        let tall = match rows {
            1 => 0.54 * cell.max(520.0),
            2 | 3 => 230.0,
            _ => 170.0,
        };
        let most = (tall / 36.0) as usize;
        let mut y = view.y.ticks(most);
        y.0.iter_mut().for_each(|t| t.text = shortened(&t.text, SMALL, NAME));
        let other = view.right.as_ref().map(|s| s.ticks(most));
        let bar = view.layers.iter().find_map(|l| match l {
            Layer::Image { scale: Some(scale), label, .. } => {
                let axis = Scale::new(label.clone(), false, [scale.low, scale.high]);
                Some((axis, scale, label.as_str()))
            }
            _ => None,
        });
        let widest = |ticks: &[Tick]| ticks.iter().map(|t| width(&t.text, SMALL)).fold(0.0, f64::max);
        let side = |label: &str, ticks: &[Tick]| {
            let label = if label.is_empty() { 0.0 } else { 1.6 * LABEL };
            if ticks.is_empty() { label } else { label + widest(ticks) + TICK + 5.0 }
        };
        let left = side(&view.y.label_with(y.1), &y.0);
        let mut right = match (&view.right, &other) {
            (Some(s), Some((ticks, power))) => side(&s.label_with(*power), ticks),
            _ => 8.0,
        };
        if let Some((axis, _, label)) = &bar {
            right += 2.0 * BAR + side(label, &axis.ticks(most).0);
        }
        let plot = (cell - left - right, tall);
        Placed { view, left, right, plot, legend: Vec::new(), y, other, bar, caption: Vec::new() }
    }

    /// Gives it the room of its column, and lays out what depends on the width.
    fn widen(&mut self, left: f64, right: f64, cell: f64) {
        (self.left, self.right) = (left, right);
        self.plot.0 = (cell - left - right).max(40.0);
        if let Some(aspect) = self.view.aspect {
            let height = (self.plot.0 / aspect).min(620.0);
            self.plot = (height * aspect, height);
        }
        let labels = self.view.layers.iter().filter_map(|l| Some((l, l.label()?)));
        let (mut x, mut row) = (0.0, 0);
        self.legend.clear();
        for (layer, label) in labels {
            let text = shortened(label, SMALL, self.plot.0 - SYMBOL - 6.0);
            let wide = SYMBOL + 6.0 + width(&text, SMALL);
            if x > 0.0 && x + wide > self.plot.0 {
                (x, row) = (0.0, row + 1);
            }
            self.legend.push(Entry { layer, text, x, row });
            x += wide + 16.0;
        }
        // What the ticks on the left say needs no legend.
        if self.view.y.ticks.is_some() {
            self.legend.clear();
        }
        self.caption = wrapped(&self.view.caption, CAPTION, cell);
    }

    /// Room above the plotting area.
    fn above(&self) -> f64 {
        let title = if self.view.title.is_empty() { 0.0 } else { 1.5 * HEADING };
        let rows = self.legend.last().map_or(0, |e| e.row + 1);
        title + rows as f64 * 1.6 * SMALL + if rows > 0 { 4.0 } else { 0.0 }
    }

    fn below(&self) -> f64 {
        let ticks = if self.view.x.ticks.as_ref().is_some_and(Vec::is_empty) { 4.0 } else { TICK + 1.5 * SMALL };
        let label = if self.view.x.label.is_empty() { 0.0 } else { 1.5 * LABEL };
        ticks + label + self.caption.len() as f64 * 1.4 * CAPTION + if self.caption.is_empty() { 0.0 } else { 4.0 }
    }

    /// Draws it from a place on, with so much room above the plotting area.
    fn draw(&self, out: &mut String, (x, y): (f64, f64), above: f64, index: usize) {
        let (left, top) = (x + self.left, y + above);
        let (w, h) = self.plot;
        let view = self.view;
        if !view.title.is_empty() {
            let title = shortened(&view.title, HEADING, w);
            text(out, (left, y + HEADING), &title, HEADING, Anchor::Start, "#1a1a1a");
        }
        let first_row = top - self.legend.last().map_or(0.0, |e| (e.row + 1) as f64 * 1.6 * SMALL + 4.0);
        for e in &self.legend {
            let (x, y) = (left + e.x, first_row + e.row as f64 * 1.6 * SMALL + 0.8 * SMALL);
            symbol(out, e.layer, (x, y));
            text(out, (x + SYMBOL + 6.0, y + 0.36 * SMALL), &e.text, SMALL, Anchor::Start, "#333333");
        }
        let area = Area { left, top, w, h };
        let (x_ticks, x_power) = view.x.ticks((w / 80.0) as usize);
        self.grid(out, &area, &x_ticks);
        let _ = writeln!(
            out,
            "<clipPath id=\"area{index}\"><rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{w:.1}\" height=\"{h:.1}\"/></clipPath>\n\
             <g clip-path=\"url(#area{index})\" stroke-linejoin=\"round\" stroke-linecap=\"round\">"
        );
        for layer in &view.layers {
            let scale = match (layer_side(layer), &view.right) {
                (Side::Right, Some(right)) => right,
                _ => &view.y,
            };
            marks(out, layer, &Axes { area: &area, x: &view.x, y: scale });
        }
        out.push_str("</g>\n");
        self.axes(out, &area, (&x_ticks, x_power));
        if let Some((axis, colors, _)) = &self.bar {
            color_bar(out, axis, colors, (left + w + BAR, top), h);
        }
        for (k, line) in self.caption.iter().enumerate() {
            let y = top + h + self.below() - (self.caption.len() - k) as f64 * 1.4 * CAPTION + CAPTION;
            text(out, (left, y), line, CAPTION, Anchor::Start, "#777777");
        }
    }

    fn grid(&self, out: &mut String, area: &Area, x_ticks: &[Tick]) {
        if self.view.layers.iter().any(|l| matches!(l, Layer::Image { scale: Some(_), .. })) {
            return;
        }
        let mut path = String::new();
        for t in x_ticks {
            let x = area.x(self.view.x.place(t.at));
            let _ = write!(path, "M{x:.1} {:.1}v{:.1}", area.top, area.h);
        }
        if self.view.y.ticks.is_none() {
            for t in &self.y.0 {
                let y = area.y(self.view.y.place(t.at));
                let _ = write!(path, "M{:.1} {y:.1}h{:.1}", area.left, area.w);
            }
        }
        let _ = writeln!(out, "<path d=\"{path}\" stroke=\"#ededed\" fill=\"none\"/>");
    }

    fn axes(&self, out: &mut String, area: &Area, (x_ticks, x_power): (&[Tick], i32)) {
        let view = self.view;
        let bare = |s: &Scale| s.ticks.as_ref().is_some_and(Vec::is_empty);
        let bottom = area.top + area.h;
        let mut lines = String::new();
        if !bare(&view.x) {
            let _ = write!(lines, "M{:.1} {bottom:.1}h{:.1}", area.left, area.w);
            for t in x_ticks {
                let x = area.x(view.x.place(t.at));
                let _ = write!(lines, "M{x:.1} {bottom:.1}v{TICK}");
                text(out, (x, bottom + TICK + 1.1 * SMALL), &t.text, SMALL, Anchor::Middle, "#444444");
            }
        }
        let named = view.y.ticks.is_some();
        if !bare(&view.y) {
            let _ = write!(lines, "M{:.1} {:.1}v{:.1}", area.left, area.top, area.h);
            // Names that would lie on one another are left out; those of large rows stay.
            let mut taken: Vec<f64> = Vec::new();
            for t in &self.y.0 {
                let y = area.y(view.y.place(t.at));
                if taken.iter().any(|other| (other - y).abs() < SMALL) {
                    continue;
                }
                taken.push(y);
                if !named {
                    let _ = write!(lines, "M{:.1} {y:.1}h-{TICK}", area.left);
                }
                text(out, (area.left - TICK - 4.0, y + 0.36 * SMALL), &t.text, SMALL, Anchor::End, "#444444");
            }
        }
        if let (Some(scale), Some((ticks, power))) = (&view.right, &self.other) {
            let right = area.left + area.w;
            let _ = write!(lines, "M{right:.1} {:.1}v{:.1}", area.top, area.h);
            for t in ticks {
                let y = area.y(scale.place(t.at));
                let _ = write!(lines, "M{right:.1} {y:.1}h{TICK}");
                text(out, (right + TICK + 4.0, y + 0.36 * SMALL), &t.text, SMALL, Anchor::Start, "#444444");
            }
            let wide = ticks.iter().map(|t| width(&t.text, SMALL)).fold(0.0, f64::max);
            let x = right + TICK + 4.0 + wide + 1.3 * LABEL;
            let label = shortened(&scale.label_with(*power), LABEL, area.h * 1.1);
            upright(out, (x, area.top + 0.5 * area.h), &label, LABEL);
        }
        let _ = writeln!(out, "<path d=\"{lines}\" stroke=\"#8a8a8a\" fill=\"none\"/>");
        let label = shortened(&view.x.label_with(x_power), LABEL, area.w);
        text(
            out,
            (area.left + 0.5 * area.w, bottom + TICK + 1.5 * SMALL + LABEL),
            &label,
            LABEL,
            Anchor::Middle,
            "#222222",
        );
        let label = shortened(&view.y.label_with(self.y.1), LABEL, area.h * 1.1);
        upright(out, (area.left - self.left + 0.9 * LABEL, area.top + 0.5 * area.h), &label, LABEL);
    }
}

/// Breaks a text into lines.
fn wrapped(what: &str, size: f64, room: f64) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for word in what.split(' ').filter(|w| !w.is_empty()) {
        match out.last_mut() {
            Some(line) if width(line, size) + width(word, size) + 0.3 * size <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => out.push(word.to_string()),
        }
    }
    out
}

fn layer_side(layer: &Layer) -> Side {
    match layer {
        Layer::Line { axis, .. }
        | Layer::Band { axis, .. }
        | Layer::Points { axis, .. }
        | Layer::Bars { axis, .. }
        | Layer::Rule { axis, .. } => *axis,
        Layer::Raster { .. } | Layer::Image { .. } => Side::Left,
    }
}

fn dashes(dash: &Option<[u8; 2]>) -> String {
    dash.map_or(String::new(), |[on, off]| format!(" stroke-dasharray=\"{on} {off}\" stroke-linecap=\"butt\""))
}

/// What a legend shows beside a name.
fn symbol(out: &mut String, layer: &Layer, (x, y): (f64, f64)) {
    let _ = match layer {
        Layer::Line { color, dash, .. } => {
            writeln!(out, "<path d=\"M{x:.1} {y:.1}h{SYMBOL}\" stroke=\"{color}\" stroke-width=\"2\"{}/>", dashes(dash))
        }
        Layer::Points { color, .. } => {
            writeln!(out, "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{color}\"/>", x + 0.5 * SYMBOL)
        }
        Layer::Bars { color, .. } | Layer::Band { color, .. } | Layer::Raster { color, .. } => writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"10\" height=\"10\" fill=\"{color}\"/>",
            x + 0.5 * SYMBOL - 5.0,
            y - 5.0
        ),
        Layer::Image { .. } | Layer::Rule { .. } => Ok(()),
    };
}

/// The rectangle in which marks are drawn.
struct Area {
    left: f64,
    top: f64,
    w: f64,
    h: f64,
}

impl Area {
    fn x(&self, place: f64) -> f64 {
        (self.left + place * self.w).clamp(-FAR, FAR)
    }

    fn y(&self, place: f64) -> f64 {
        (self.top + (1.0 - place) * self.h).clamp(-FAR, FAR)
    }
}

struct Axes<'a> {
    area: &'a Area,
    x: &'a Scale,
    y: &'a Scale,
}

impl Axes<'_> {
    /// Where a value is drawn; none if there is no such place.
    fn at(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let (px, py) = (self.x.place(x), self.y.place(y));
        (px.is_finite() && py.is_finite()).then(|| (self.area.x(px), self.area.y(py)))
    }
}

fn marks(out: &mut String, layer: &Layer, axes: &Axes) {
    let mut d = String::new();
    match layer {
        Layer::Line { label, color, dash, steps, x, y, .. } => {
            let mut joined = false;
            for (x, y) in x.iter().zip(y) {
                let Some((px, py)) = axes.at(*x, *y) else {
                    joined = false;
                    continue;
                };
                let _ = match (joined, steps) {
                    // A point without neighbours is a dot.
                    (false, _) => write!(d, "M{px:.2} {py:.2}h0"),
                    (true, false) => write!(d, "L{px:.2} {py:.2}"),
                    (true, true) => write!(d, "H{px:.2}V{py:.2}"),
                };
                joined = true;
            }
            let wide = if x.len() > 3000 { 1.2 } else { 1.8 };
            let _ = writeln!(
                out,
                "<path class=\"line\" data-label=\"{}\" d=\"{d}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{wide}\"{}/>",
                escaped(label),
                dashes(dash)
            );
        }
        Layer::Band { color, x, low, high, .. } => {
            let inside = |k: &usize| Some((axes.at(x[*k], low[*k])?, axes.at(x[*k], high[*k])?));
            let mut k = 0;
            while k < x.len() {
                let run: Vec<_> = (k..x.len()).map_while(|k| inside(&k)).collect();
                for (i, (_, (px, py))) in run.iter().enumerate() {
                    let _ = write!(d, "{}{px:.2} {py:.2}", if i == 0 { "M" } else { "L" });
                }
                for ((px, py), _) in run.iter().rev() {
                    let _ = write!(d, "L{px:.2} {py:.2}");
                }
                if !run.is_empty() {
                    d.push('Z');
                }
                k += run.len() + 1;
            }
            let _ = writeln!(out, "<path class=\"band\" d=\"{d}\" fill=\"{color}\" fill-opacity=\"0.2\"/>");
        }
        Layer::Points { label, color, x, y, error, .. } => {
            let radius = match x.len() {
                0..=300 => 3.0,
                301..=3000 => 2.0,
                _ => 1.2,
            };
            let mut whiskers = String::new();
            for (k, (x, y)) in x.iter().zip(y).enumerate() {
                let Some((px, py)) = axes.at(*x, *y) else { continue };
                let _ = write!(d, "M{px:.2} {py:.2}h0");
                if let Some(e) = error.as_ref().map(|e| e[k])
                    && let low = if axes.y.log { (y - e).max(f64::MIN_POSITIVE) } else { y - e }
                    && let (Some((_, a)), Some((_, b))) = (axes.at(*x, low), axes.at(*x, y + e))
                {
                    let _ =
                        write!(whiskers, "M{px:.2} {a:.2}V{b:.2}M{:.2} {a:.2}h6M{:.2} {b:.2}h6", px - 3.0, px - 3.0);
                }
            }
            if !whiskers.is_empty() {
                let _ = writeln!(out, "<path class=\"whiskers\" d=\"{whiskers}\" fill=\"none\" stroke=\"{color}\"/>");
            }
            let _ = writeln!(
                out,
                "<path class=\"points\" data-label=\"{}\" d=\"{d}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{}\"/>",
                escaped(label),
                2.0 * radius
            );
        }
        Layer::Bars { label, color, edges, y, .. } => {
            let base = if axes.y.log { axes.y.range[0] } else { 0.0 };
            for (k, v) in y.iter().enumerate() {
                let (Some((x0, y0)), Some((x1, y1))) = (axes.at(edges[k], base), axes.at(edges[k + 1], *v)) else {
                    continue;
                };
                if *v != 0.0 {
                    let gap = if x1 - x0 > 4.0 { (0.08 * (x1 - x0)).min(1.0) } else { 0.0 };
                    let _ = write!(d, "M{:.2} {y0:.2}V{y1:.2}H{:.2}V{y0:.2}Z", x0 + 0.5 * gap, x1 - 0.5 * gap);
                }
            }
            let label = escaped(label);
            let _ = writeln!(out, "<path class=\"bars\" data-label=\"{label}\" d=\"{d}\" fill=\"{color}\"/>");
        }
        Layer::Raster { label, color, x, y } => {
            let row = axes.area.h / (axes.y.range[1] - axes.y.range[0]);
            let tall = if row >= 5.0 { (0.7 * row).min(14.0) } else { 0.0 };
            for (x, y) in x.iter().zip(y) {
                let Some((px, py)) = axes.at(*x, *y) else { continue };
                let _ = match tall > 0.0 {
                    true => write!(d, "M{px:.1} {:.1}v{tall:.1}", py - 0.5 * tall),
                    false => write!(d, "M{px:.1} {py:.1}h0"),
                };
            }
            let wide = if tall > 0.0 { 1.2 } else { row.clamp(1.5, 2.6) };
            let label = escaped(label);
            let _ = writeln!(
                out,
                "<path class=\"raster\" data-label=\"{label}\" d=\"{d}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{wide:.1}\"/>"
            );
        }
        Layer::Image { href, x, y, pixels, .. } => {
            // Pixels are told apart where there is room for them, and averaged where there is not.
            let crowded = pixels[0] as f64 > axes.area.w || pixels[1] as f64 > axes.area.h;
            let pixels =
                if crowded { "" } else { " image-rendering=\"optimizeSpeed\" style=\"image-rendering:pixelated\"" };
            let (Some((left, bottom)), Some((right, top))) = (axes.at(x[0], y[0]), axes.at(x[1], y[1])) else { return };
            let _ = writeln!(
                out,
                "<image x=\"{left:.2}\" y=\"{top:.2}\" width=\"{:.2}\" height=\"{:.2}\" preserveAspectRatio=\"none\"{pixels} \
                 href=\"{href}\"/>",
                right - left,
                bottom - top
            );
        }
        Layer::Rule { at, along, .. } => {
            let area = axes.area;
            let _ = match *along {
                "x" => write!(d, "M{:.1} {:.1}h{:.1}", area.left, area.y(axes.y.place(*at)), area.w),
                _ => write!(d, "M{:.1} {:.1}v{:.1}", area.x(axes.x.place(*at)), area.top, area.h),
            };
            let _ = writeln!(out, "<path class=\"rule\" d=\"{d}\" stroke=\"#b0b0b0\" stroke-width=\"1\"/>");
        }
    }
}

fn color_bar(out: &mut String, axis: &Scale, colors: &ColorScale, (x, y): (f64, f64), h: f64) {
    // In strips: gradients of a PDF have a size of their own.
    let strip = h / STRIPS as f64;
    for k in 0..STRIPS {
        let color = color::between(&colors.colors, 1.0 - (k as f64 + 0.5) / STRIPS as f64);
        let top = y + k as f64 * strip;
        let tall = if k + 1 < STRIPS { strip + 0.5 } else { strip };
        let _ = writeln!(
            out,
            "<rect class=\"color\" x=\"{x:.1}\" y=\"{top:.2}\" width=\"{BAR}\" height=\"{tall:.2}\" fill=\"{color}\"/>"
        );
    }
    let (ticks, power) = axis.ticks((h / 36.0) as usize);
    let mut lines = String::new();
    for t in &ticks {
        let at = y + (1.0 - axis.place(t.at)) * h;
        let _ = write!(lines, "M{:.1} {at:.1}h{TICK}", x + BAR);
        text(out, (x + BAR + TICK + 4.0, at + 0.36 * SMALL), &t.text, SMALL, Anchor::Start, "#444444");
    }
    let wide = ticks.iter().map(|t| width(&t.text, SMALL)).fold(0.0, f64::max);
    let _ = writeln!(out, "<path d=\"{lines}\" stroke=\"#8a8a8a\" fill=\"none\"/>");
    let label = shortened(&axis.label_with(power), LABEL, h * 1.1);
    upright(out, (x + BAR + TICK + 4.0 + wide + 1.3 * LABEL, y + 0.5 * h), &label, LABEL);
}
