//! Power spectra.

use super::flaw::{Flaw, at_least, finite, positive};
use rustfft::{FftPlanner, num_complex::Complex};

/// A one-sided power spectrum.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// From 0 to half of the sampling rate, in inverse units of the bin.
    pub frequencies: Vec<f64>,
    /// The power density of each: squared units of the series times units of the bin.
    pub density: Vec<f64>,
}

/// Returns the power spectrum of a series in bins, by Welch's method (1967): the mean over segments of `window` bins that overlap
/// by half, each without its mean and times a Hann window. What is left after the last whole segment is not used.
///
/// `scipy.signal.welch` with `nperseg`, `elephant.spectral.welch_psd` with `len_segment`.
pub fn power_spectrum(series: &[f64], bin: f64, window: usize) -> Result<Spectrum, Flaw> {
    at_least("bins in a window", window, 2)?;
    at_least("bins", series.len(), window)?;
    positive("bin", bin)?;
    finite(series)?;
    let hann: Vec<f64> =
        (0..window).map(|i| 0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / window as f64).cos()).collect();
    let fft = FftPlanner::new().plan_fft_forward(window);
    let mut density = vec![0.0; window / 2 + 1];
    let segments = series.windows(window).step_by(window - window / 2);
    let count = segments.len();
    for segment in segments {
        let mean = segment.iter().sum::<f64>() / window as f64;
        let mut buffer: Vec<Complex<f64>> =
            segment.iter().zip(&hann).map(|(v, h)| Complex::new((v - mean) * h, 0.0)).collect();
        fft.process(&mut buffer);
        density.iter_mut().zip(&buffer).for_each(|(d, b)| *d += b.norm_sqr());
    }
    let unit = bin / (hann.iter().map(|h| h * h).sum::<f64>() * count as f64);
    for (k, d) in density.iter_mut().enumerate() {
        // All but the ends stand for a negative frequency as well.
        let sides = if k == 0 || 2 * k == window { 1.0 } else { 2.0 };
        *d *= sides * unit;
    }
    let frequencies = (0..density.len()).map(|k| k as f64 / (window as f64 * bin)).collect();
    Ok(Spectrum { frequencies, density })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Draws, close, expected};
    use super::*;

    #[test]
    fn density_is_that_of_scipy() {
        let series = Draws::new(60).counts(300);
        for window in [64, 25] {
            let found = power_spectrum(&series, 2.0, window).unwrap();
            close(&found.density, &expected(&format!("density {window}")), 1e-12);
            close(&found.frequencies, &expected(&format!("frequencies {window}")), 1e-15);
        }
        assert!(power_spectrum(&series, 2.0, 301).is_err() && power_spectrum(&series, 2.0, 1).is_err());
    }
}
