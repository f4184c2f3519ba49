//! The font of figures, which is embedded in them, and how wide its text is.

use std::sync::LazyLock;
use ttf_parser::Face;

/// Inter, for whoever renders here.
pub static FONT: &[u8] = include_bytes!("font/Inter.ttf");

/// The same, compressed, for whoever opens an SVG elsewhere.
pub static WEB_FONT: &[u8] = include_bytes!("font/Inter.woff2");

static FACE: LazyLock<Option<Face>> = LazyLock::new(|| Face::parse(FONT, 0).ok());

/// Returns whether the font has all letters of a text.
pub fn covers(text: &str) -> bool {
    let has = |c: char| c.is_ascii() || c.is_control() || FACE.as_ref().is_some_and(|f| f.glyph_index(c).is_some());
    text.chars().all(has)
}

/// Returns the width of a text without kerning, which makes it a little narrower.
pub fn width(text: &str, size: f64) -> f64 {
    let Some(face) = &*FACE else { return 0.6 * size * text.chars().count() as f64 };
    let advance = |c: char| face.glyph_index(c).and_then(|g| face.glyph_hor_advance(g));
    // What the font lacks is drawn with another one, of letters about as wide.
    let widths = text.chars().map(|c| advance(c).map_or(0.65, |a| f64::from(a) / f64::from(face.units_per_em())));
    size * widths.sum::<f64>()
}

/// Shortens a text until it fits.
pub fn shortened(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_string();
    }
    let mut out = text.to_string();
    while out.pop().is_some() {
        if width(&out, size) + width("…", size) <= room {
            break;
        }
    }
    format!("{}…", out.trim_end())
}
