//! Draws figures: data become a [`Scene`] in the units of its axes, the scene becomes an SVG, and the SVG a PNG or a PDF.
//!
//! Input: a [`crate::figure::Figure`] and where its recordings are. Nothing is drawn that is not in the data: lines are not smoothed, are
//! interrupted where a value is not finite, and keep the extremes of every pixel where they are thinned; a panel's caption says what
//! was counted, averaged or chosen.

mod color;
mod marks;
mod pixels;
mod print;
mod scale;
mod scene;
mod svg;
mod text;

pub use marks::{Layer, Scene, Side, View};
pub use print::{pdf, png};
pub use scale::{Scale, Tick};
pub use scene::scene;
pub use svg::svg;
