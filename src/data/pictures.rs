//! Pictures as examples: PNG and JPEG files of a zip archive, or one after the other, brought to one size.

use super::{Flaw, Numbers};
use image::imageops::FilterType;
use image::{ImageFormat, ImageReader, Limits};
use std::io::{Cursor, Read};

/// A picture may have so many pixels along a side.
const MOST_ALONG: u32 = 1 << 14;

/// What unpacking a picture may take.
const MOST_MEMORY: u64 = 1 << 30;

/// Returns whether a name is that of a picture.
pub fn is_picture(name: &str) -> bool {
    format(name).is_some() && !name.starts_with('.') && !name.contains("/.") && !name.starts_with("__MACOSX/")
}

fn format(name: &str) -> Option<ImageFormat> {
    let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
    match ending.as_str() {
        "png" => Some(ImageFormat::Png),
        "jpg" | "jpeg" => Some(ImageFormat::Jpeg),
        _ => None,
    }
}

/// Pictures of one size, `[channels, size, size]` each, as the bytes of their channels.
pub struct Pictures {
    size: u32,
    channels: usize,
    bytes: Vec<u8>,
}

impl Pictures {
    /// None yet; in colour, or with one channel of brightness.
    pub fn new(size: u32, grey: bool) -> Pictures {
        Pictures { size, channels: if grey { 1 } else { 3 }, bytes: Vec::new() }
    }

    /// Adds the pictures of a zip archive, sorted by name; how many there were.
    ///
    /// # Errors
    /// What of the archive, or of which picture, cannot be read.
    pub fn add_archive(&mut self, archive: &[u8]) -> Result<usize, Flaw> {
        let damaged = |e: &dyn std::fmt::Display| {
            Flaw::new(
                format!("the zip archive cannot be read: {e}"),
                "name a zip archive, or a folder, of PNG or JPEG files",
            )
        };
        let mut zip = zip::ZipArchive::new(Cursor::new(archive)).map_err(|e| damaged(&e))?;
        let mut names: Vec<String> = zip.file_names().filter(|n| is_picture(n)).map(str::to_string).collect();
        names.sort();
        for name in &names {
            let mut bytes = Vec::new();
            let entry = zip.by_name(name).map_err(|e| damaged(&e))?;
            entry.take(MOST_MEMORY).read_to_end(&mut bytes).map_err(|e| damaged(&e))?;
            self.add(name, &bytes)?;
        }
        Ok(names.len())
    }

    /// Adds a picture.
    ///
    /// # Errors
    /// Why it cannot be read, or that it is not square.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), Flaw> {
        let damaged = |e: &dyn std::fmt::Display| {
            Flaw::new(format!("`{name}` cannot be read: {e}"), "replace the picture, or leave it out")
        };
        let Some(format) = format(name) else { crate::ice!("a picture without an ending") };
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut limits = Limits::default();
        (limits.max_image_width, limits.max_image_height) = (Some(MOST_ALONG), Some(MOST_ALONG));
        limits.max_alloc = Some(MOST_MEMORY);
        reader.limits(limits);
        let picture = reader.decode().map_err(|e| damaged(&e))?;
        if picture.width() != picture.height() {
            let what = format!("`{name}` is {} x {} pixels, not square", picture.width(), picture.height());
            return Err(Flaw::new(what, "crop the pictures to squares first"));
        }
        let same = picture.width() == self.size;
        let picture = if same { picture } else { picture.resize_exact(self.size, self.size, FilterType::Triangle) };
        match self.channels {
            1 => self.bytes.extend_from_slice(picture.to_luma8().as_raw()),
            n => {
                let pixels = picture.to_rgb8().into_raw();
                (0..n).for_each(|channel| self.bytes.extend(pixels.iter().skip(channel).step_by(n)));
            }
        }
        Ok(())
    }

    /// Returns their bytes, picture after picture.
    pub fn numbers(self) -> Numbers {
        Numbers::Bytes(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, RgbImage};

    fn png(width: u32, height: u32, at: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
        let picture = RgbImage::from_fn(width, height, |x, y| image::Rgb(at(x, y)));
        let mut out = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(picture).write_to(&mut out, ImageFormat::Png).unwrap();
        out.into_inner()
    }

    #[test]
    fn channels_follow_one_another_and_sizes_are_brought_together() {
        let mut all = Pictures::new(2, false);
        all.add("a.png", &png(2, 2, |x, y| [10 * x as u8, 20 * y as u8, 7])).unwrap();
        // Twice as large and of the same means.
        all.add("b.PNG", &png(4, 4, |x, _| [if x < 2 { 40 } else { 80 }, 5, 0])).unwrap();
        let Numbers::Bytes(bytes) = all.numbers() else { panic!() };
        assert_eq!(bytes[..12], [0, 10, 0, 10, 0, 0, 20, 20, 7, 7, 7, 7]);
        assert!(bytes[12] < bytes[13] && bytes[12] >= 40 && bytes[13] <= 80, "{:?}", &bytes[12..]);
        assert_eq!(bytes[16..], [5, 5, 5, 5, 0, 0, 0, 0]);
        let mut grey = Pictures::new(1, true);
        grey.add("c.png", &png(1, 1, |_, _| [100, 100, 100])).unwrap();
        assert!(matches!(grey.numbers(), Numbers::Bytes(b) if b == [100]));
    }

    #[test]
    fn what_is_no_square_picture_is_refused() {
        let said = |name: &str, bytes: &[u8]| Pictures::new(2, false).add(name, bytes).unwrap_err().what;
        assert_eq!(said("a.png", &png(2, 3, |_, _| [0; 3])), "`a.png` is 2 x 3 pixels, not square");
        let whole = png(8, 8, |x, y| [x as u8, y as u8, 9]);
        assert!(said("b.png", &whole[..whole.len() / 2]).starts_with("`b.png` cannot be read: "));
        assert!(said("c.jpg", &whole).starts_with("`c.jpg` cannot be read: "));
        let not_zip = Pictures::new(2, false).add_archive(&whole).unwrap_err();
        assert!(not_zip.what.starts_with("the zip archive cannot be read: "), "{}", not_zip.what);
    }
}
