//! Array functions that experiments call: statistics, rates, irregularity, synchrony, spectra.
//!
//! Times are in internal units (ms), rates in events per internal time unit. What needs more than a page has a file of its own;
//! there, what has no value is none or a `Flaw`, matrices are row-major, and every sum has a fixed order.

mod correlogram;
mod decomposition;
mod flaw;
mod pls;
mod predictivity;
mod products;
mod readout;
mod regression;
#[cfg(test)]
mod samples;
mod similarity;
mod spectrum;
mod splits;
mod trains;

pub use correlogram::{Borders, auto_correlogram, correlation_function, cross_correlogram};
pub use decomposition::{Pca, Svd, pca, pseudo_inverse, svd};
pub use flaw::Flaw;
pub use pls::{Pls, pls};
pub use predictivity::{Fit, Score, ceiling, predictivity};
pub use readout::{Readout, readout};
pub use regression::{Linear, least_squares, ridge};
pub use similarity::{dissimilarity, rank_correlation, ranks};
pub use spectrum::{Spectrum, power_spectrum};
pub use splits::{Split, folds, random_split, shuffled, stratified_split};
pub use trains::{
    Correlations, correlations, cv, cv2, fano, intervals, local_variation, revised_local_variation, synchrony,
    van_rossum, victor_purpura,
};

/// Returns the arithmetic mean; none of nothing.
pub fn mean(x: &[f64]) -> Option<f64> {
    (!x.is_empty()).then(|| x.iter().sum::<f64>() / x.len() as f64)
}

/// Returns the variance, divided by n; none of nothing.
pub fn variance(x: &[f64]) -> Option<f64> {
    let m = mean(x)?;
    Some(x.iter().map(|v| (v - m).powi(2)).sum::<f64>() / x.len() as f64)
}

/// Returns the median; none of nothing.
pub fn median(x: &[f64]) -> Option<f64> {
    let mut s = x.to_vec();
    s.sort_by(f64::total_cmp);
    match s.len() {
        0 => None,
        n if n % 2 == 1 => Some(s[n / 2]),
        n => Some(0.5 * (s[n / 2 - 1] + s[n / 2])),
    }
}

/// Returns Pearson's correlation; none if one of the two does not vary.
pub fn correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    let (mx, my) = (mean(x)?, mean(y)?);
    let covariance: f64 = x.iter().zip(y).map(|(a, b)| (a - mx) * (b - my)).sum();
    let norm = |v: &[f64], m: f64| v.iter().map(|a| (a - m).powi(2)).sum::<f64>().sqrt();
    let norms = norm(x, mx) * norm(y, my);
    // The mean of equal values need not be that value.
    let vary = [x, y].iter().all(|v| v.iter().any(|a| *a != v[0]));
    (vary && norms > 0.0).then_some(covariance / norms)
}

/// Returns the first x at which y passes the level, linearly interpolated; none if it never does.
pub fn crossing(x: &[f64], y: &[f64], level: f64) -> Option<f64> {
    for i in 1..x.len().min(y.len()) {
        let (a, b) = (y[i - 1] - level, y[i] - level);
        if a == 0.0 {
            return Some(x[i - 1]);
        }
        if a * b <= 0.0 {
            return Some(x[i - 1] + (x[i] - x[i - 1]) * a / (a - b));
        }
    }
    None
}

/// Events of a group of cells within a window.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// Times in ascending order.
    pub times: Vec<f64>,
    /// Cell of each event.
    pub cells: Vec<u32>,
    /// Number of cells.
    pub n: usize,
    /// Beginning of the window.
    pub from: f64,
    /// End of the window.
    pub to: f64,
}

impl Events {
    /// Returns the mean rate per cell.
    pub fn rate(&self) -> f64 {
        self.times.len() as f64 / (self.n as f64 * (self.to - self.from))
    }

    /// Returns the rate of each cell.
    pub fn rates(&self) -> Vec<f64> {
        let mut counts = vec![0.0; self.n];
        for c in &self.cells {
            counts[*c as usize] += 1.0 / (self.to - self.from);
        }
        counts
    }

    /// Returns the mean over cells with at least three events of the coefficient of variation of the intervals; none without
    /// such a cell.
    pub fn cv(&self) -> Option<f64> {
        let mut last = vec![f64::NAN; self.n];
        let mut sums = vec![(0.0, 0.0, 0.0); self.n];
        for (t, c) in self.times.iter().zip(&self.cells) {
            let c = *c as usize;
            let interval = t - last[c];
            if interval.is_finite() {
                sums[c].0 += 1.0;
                sums[c].1 += interval;
                sums[c].2 += interval * interval;
            }
            last[c] = *t;
        }
        let cvs: Vec<f64> = sums
            .iter()
            .filter(|s| s.0 >= 2.0)
            .map(|(n, sum, squares)| {
                let m = sum / n;
                (squares / n - m * m).max(0.0).sqrt() / m
            })
            .collect();
        mean(&cvs)
    }

    /// Returns the number of events in each bin; the last bin is dropped unless it is complete.
    pub fn counts(&self, bin: f64) -> Vec<f64> {
        let bins = ((self.to - self.from) / bin + 1e-6).floor() as usize;
        let mut out = vec![0.0; bins];
        for t in &self.times {
            // An event at the end of a step belongs to the bin that contains the step.
            let at = ((t - self.from) / bin - 1e-6).floor();
            if at >= 0.0 && (at as usize) < bins {
                out[at as usize] += 1.0;
            }
        }
        out
    }

    /// Returns the rate per cell in each bin.
    pub fn binned(&self, bin: f64) -> Vec<f64> {
        self.counts(bin).iter().map(|c| c / (bin * self.n as f64)).collect()
    }

    /// Returns variance over mean of the counts; none if nothing was counted.
    pub fn fano(&self, bin: f64) -> Option<f64> {
        let counts = self.counts(bin);
        let m = mean(&counts).filter(|m| *m > 0.0)?;
        Some(variance(&counts)? / m)
    }
}

/// Returns the frequency of the largest peak of the power spectrum, mean removed, in inverse units of `bin`.
///
/// The spectrum is averaged over half-overlapping Hann windows of an eighth of the series (Welch 1967), at least 64
/// samples long, and the peak is refined by a parabola. None of a series that is too short or does not vary.
pub fn peak_frequency(series: &[f64], bin: f64) -> Option<f64> {
    use rustfft::{FftPlanner, num_complex::Complex};
    let window = (series.len() / 8).next_power_of_two().max(64).min(series.len());
    if window < 8 {
        return None;
    }
    let m = mean(series)?;
    let fft = FftPlanner::new().plan_fft_forward(window);
    let mut power = vec![0.0; window / 2];
    let mut start = 0;
    while start + window <= series.len() {
        let mut buffer: Vec<Complex<f64>> = (0..window)
            .map(|i| {
                let hann = 0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / window as f64).cos();
                Complex::new((series[start + i] - m) * hann, 0.0)
            })
            .collect();
        fft.process(&mut buffer);
        for (p, b) in power.iter_mut().zip(&buffer) {
            *p += b.norm_sqr();
        }
        start += window / 2;
    }
    let peak = (2..power.len().saturating_sub(1)).max_by(|a, b| power[*a].total_cmp(&power[*b]));
    let k = peak.filter(|k| power[*k] > 0.0)?;
    let (a, b, c) = (power[k - 1], power[k], power[k + 1]);
    let shift = 0.5 * (a - c) / (a - 2.0 * b + c);
    // A flat top has no curvature: its middle is the peak.
    let shift = if shift.is_finite() { shift } else { 0.0 };
    Some((k as f64 + shift) / (window as f64 * bin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_known_series() {
        assert_eq!(median(&[3.0, 1.0, 2.0, 10.0]), Some(2.5));
        assert!((correlation(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(correlation(&[1.0, 1.0], &[2.0, 4.0]), None);
        assert_eq!(correlation(&[0.1; 3], &[2.0, 4.0, 3.0]), None);
        assert_eq!((mean(&[]), variance(&[]), median(&[])), (None, None, None));
        assert_eq!(crossing(&[0.0, 1.0, 2.0], &[0.0, 0.5, 1.0], 0.75), Some(1.5));
        let wave: Vec<f64> = (0..4000).map(|i| (std::f64::consts::TAU * 0.05 * i as f64).sin()).collect();
        assert!((peak_frequency(&wave, 1.0).unwrap() - 0.05).abs() < 2e-3);
        assert_eq!(peak_frequency(&[1.0; 100], 1.0), None);
    }

    #[test]
    fn regular_events_have_cv_zero_and_bins_hold_their_step() {
        let e = Events { times: vec![10.0, 20.0, 30.0, 40.0], cells: vec![0; 4], n: 1, from: 0.0, to: 40.0 };
        assert!(e.cv().unwrap() < 1e-9);
        assert_eq!(e.counts(10.0), [1.0, 1.0, 1.0, 1.0]);
        assert_eq!(e.rate(), 0.1);
    }
}
