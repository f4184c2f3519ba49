//! Pixels of densities, heat maps and images, as PNG within a URL.

use super::color::Rgb;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// An image whose pixels are numbers of colors; the first color is clear.
pub struct Pixels {
    pub columns: usize,
    pub rows: usize,
    /// Row by row, the top one first.
    pub colors: Vec<u8>,
}

impl Pixels {
    /// Returns it as a URL; color `k` is `palette[k - 1]`, with its opacity.
    pub fn url(&self, palette: &[(Rgb, u8)]) -> Result<String, String> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.columns as u32, self.rows as u32);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Best);
        // Viewers that smooth colors and opacities apart mix what is clear, too: it has the color of what is least opaque.
        let clear = palette.first().map_or([255; 3], |(c, _)| *c);
        encoder.set_palette(clear.into_iter().chain(palette.iter().flat_map(|(c, _)| *c)).collect::<Vec<u8>>());
        encoder.set_trns([0u8].into_iter().chain(palette.iter().map(|(_, a)| *a)).collect::<Vec<u8>>());
        let written = encoder.write_header().and_then(|mut w| w.write_image_data(&self.colors));
        written.map_err(|e| format!("an image of {} x {} pixels: {e}", self.columns, self.rows))?;
        Ok(url("image/png", &out))
    }
}

/// Returns bytes as a URL that holds them.
pub fn url(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}
