//! Colors: of series, and of values.

/// Blue, vermilion, green, purple, sky blue, grey: distinct in print and for most color-blind readers (Okabe and Ito 2008).
const SERIES: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#3c3c3c"];

/// Dashes that tell apart series which share a color.
const DASHES: [Option<[u8; 2]>; 4] = [None, Some([7, 3]), Some([2, 3]), Some([11, 4])];

/// The color of a series.
pub fn of_series(k: usize) -> String {
    SERIES[k % SERIES.len()].to_string()
}

/// The dashes of a series: a color that comes again is dashed.
pub fn dash_of_series(k: usize) -> Option<[u8; 2]> {
    DASHES[(k / SERIES.len()) % DASHES.len()]
}

pub type Rgb = [u8; 3];

/// Colors from low to high.
pub struct Map {
    stops: &'static [Rgb],
}

/// From dark to bright, in even steps of lightness (viridis, van der Walt and Smith 2015).
pub static RISING: Map = Map {
    stops: &[
        [68, 1, 84],
        [72, 40, 120],
        [62, 74, 137],
        [49, 104, 142],
        [38, 130, 142],
        [31, 158, 137],
        [53, 183, 121],
        [109, 205, 89],
        [180, 222, 44],
        [253, 231, 37],
    ],
};

/// Blue below, white at the middle, red above, for values of both signs (after Brewer's RdBu).
pub static SIGNED: Map = Map {
    stops: &[
        [5, 48, 97],
        [33, 102, 172],
        [67, 147, 195],
        [146, 197, 222],
        [247, 247, 247],
        [244, 165, 130],
        [214, 96, 77],
        [178, 24, 43],
        [103, 0, 31],
    ],
};

impl Map {
    /// The color at a place from 0 to 1.
    pub fn at(&self, place: f64) -> Rgb {
        let last = self.stops.len() - 1;
        let at = place.clamp(0.0, 1.0) * last as f64;
        let k = (at.floor() as usize).min(last - 1);
        let part = at - k as f64;
        let mix = |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))).round() as u8;
        std::array::from_fn(|c| mix(self.stops[k][c], self.stops[k + 1][c]))
    }

    /// Its colors as CSS.
    pub fn css(&self) -> Vec<String> {
        self.stops.iter().map(|c| css(*c)).collect()
    }
}

/// The color at a place from 0 to 1 between some, as CSS.
pub fn between(colors: &[String], place: f64) -> String {
    let last = colors.len().saturating_sub(1);
    let at = place.clamp(0.0, 1.0) * last as f64;
    let k = (at.floor() as usize).min(last.saturating_sub(1));
    let ends = [k, (k + 1).min(last)].map(|k| colors.get(k).map_or([0; 3], |c| parse(c)));
    let part = at - k as f64;
    let mix = |c: usize| (f64::from(ends[0][c]) + part * (f64::from(ends[1][c]) - f64::from(ends[0][c]))).round() as u8;
    css(std::array::from_fn(mix))
}

fn css([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Reads `#rrggbb`.
pub fn parse(text: &str) -> Rgb {
    std::array::from_fn(|c| u8::from_str_radix(text.get(1 + 2 * c..3 + 2 * c).unwrap_or("0"), 16).unwrap_or(0))
}
