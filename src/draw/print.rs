//! SVG to PNG and PDF.

use super::text::{FONT, covers};
use std::sync::{Arc, LazyLock};
use svg2pdf::usvg::{self, Options, Tree, fontdb};

/// Pixels of a PNG for each of the SVG.
const SHARPNESS: f32 = 2.0;

static OPTIONS: LazyLock<Options> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(FONT.to_vec());
    fonts.set_sans_serif_family("Inter");
    Options { fontdb: Arc::new(fonts), font_family: "Inter".into(), ..Options::default() }
});

/// With the fonts of this machine behind it, for letters that it lacks.
static MORE: LazyLock<Options> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(FONT.to_vec());
    fonts.load_system_fonts();
    fonts.set_sans_serif_family("Inter");
    Options { fontdb: Arc::new(fonts), font_family: "Inter".into(), ..Options::default() }
});

fn tree(svg: &str) -> Result<Tree, String> {
    Tree::from_str(svg, if covers(svg) { &OPTIONS } else { &MORE }).map_err(|e| e.to_string())
}

/// Renders an SVG with two pixels for each of its own.
pub fn png(svg: &str) -> Result<Vec<u8>, String> {
    let tree = tree(svg)?;
    let size = tree.size().to_int_size().scale_by(SHARPNESS).ok_or("an image without extent")?;
    let mut pixels = resvg::tiny_skia::Pixmap::new(size.width(), size.height()).ok_or("an image without extent")?;
    resvg::render(&tree, usvg::Transform::from_scale(SHARPNESS, SHARPNESS), &mut pixels.as_mut());
    // Nothing is clear before a white ground.
    let colors: Vec<u8> = pixels.data().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, size.width(), size.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_adaptive_filter(png::AdaptiveFilterType::Adaptive);
    let written = encoder.write_header().and_then(|mut w| w.write_image_data(&colors));
    written.map_err(|e| e.to_string())?;
    Ok(out)
}

/// Turns an SVG into a page of its size, with its text as text.
pub fn pdf(svg: &str) -> Result<Vec<u8>, String> {
    // CSS pixels are 1/96 of an inch, points 1/72.
    let page = svg2pdf::PageOptions { dpi: 96.0 };
    svg2pdf::to_pdf(&tree(svg)?, svg2pdf::ConversionOptions::default(), page).map_err(|e| e.to_string())
}
