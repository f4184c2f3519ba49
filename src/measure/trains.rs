//! Statistics of trains of events: irregularity, variability, synchrony, distance; as Elephant defines them.

use super::flaw::{Flaw, finite, positive};
use super::{correlation, mean, variance};
use ndarray::ArrayView2;

/// Returns the intervals between ascending times.
pub fn intervals(times: &[f64]) -> Vec<f64> {
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Returns the coefficient of variation of at least two intervals: standard deviation (divided by n) over mean.
pub fn cv(intervals: &[f64]) -> Option<f64> {
    let m = mean(intervals).filter(|m| intervals.len() > 1 && *m > 0.0 && m.is_finite())?;
    Some(variance(intervals)?.sqrt() / m)
}

/// Returns the mean of some function of adjacent intervals; none without two, or if both are zero.
fn adjacent(intervals: &[f64], f: impl Fn(f64, f64) -> f64) -> Option<f64> {
    let terms: Option<Vec<f64>> = intervals
        .windows(2)
        .map(|i| Some(i[0] + i[1]).filter(|sum| *sum > 0.0 && sum.is_finite()).map(|_| f(i[0], i[1])))
        .collect();
    mean(&terms?)
}

/// Returns CV2 (Holt et al. 1996, J. Neurophysiol. 75:1806): the mean of 2 |I′ − I| / (I′ + I) over adjacent intervals.
pub fn cv2(intervals: &[f64]) -> Option<f64> {
    adjacent(intervals, |a, b| 2.0 * (b - a).abs() / (a + b))
}

/// Returns LV (Shinomoto et al. 2003, Neural Comput. 15:2823): the mean of 3 ((I − I′) / (I + I′))² over adjacent intervals.
pub fn local_variation(intervals: &[f64]) -> Option<f64> {
    adjacent(intervals, |a, b| 3.0 * ((a - b) / (a + b)).powi(2))
}

/// Returns LvR (Shinomoto et al. 2009, PLoS Comput. Biol. 5:e1000433): the mean of
/// 3 (1 − 4 I I′ / (I + I′)²) (1 + 4 R / (I + I′)) over adjacent intervals, R a time of refractoriness, there 5 ms.
pub fn revised_local_variation(intervals: &[f64], refractoriness: f64) -> Option<f64> {
    adjacent(intervals, |a, b| {
        let sum = a + b;
        3.0 * (1.0 - 4.0 * a * b / (sum * sum)) * (1.0 + 4.0 * refractoriness / sum)
    })
}

/// Returns variance (divided by n) over mean of counts, of trials or of bins; none if nothing was counted.
pub fn fano(counts: &[f64]) -> Option<f64> {
    let m = mean(counts).filter(|m| *m > 0.0 && m.is_finite())?;
    Some(variance(counts)? / m)
}

/// Returns the variance over bins of the counts of all cells together (cells x bins), over their mean: the number of cells if all
/// do the same, one if they are independent Poisson processes. None if nothing was counted.
pub fn synchrony(counts: ArrayView2<f64>) -> Option<f64> {
    let together: Vec<f64> = counts.columns().into_iter().map(|bin| bin.iter().sum()).collect();
    fano(&together)
}

/// Pearson's correlations between cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlations {
    /// The pairs above the diagonal, row by row; none where one of the two does not vary.
    pub pairs: Vec<Option<f64>>,
    /// The mean of those pairs that have one.
    pub mean: Option<f64>,
}

/// Returns the correlations between the counts of any two cells (cells x bins).
pub fn correlations(counts: ArrayView2<f64>) -> Correlations {
    let cells: Vec<Vec<f64>> = counts.rows().into_iter().map(|row| row.to_vec()).collect();
    let after = |i: usize| cells[i + 1..].iter().map(move |b| (i, b));
    let pairs: Vec<Option<f64>> = (0..cells.len()).flat_map(after).map(|(i, b)| correlation(&cells[i], b)).collect();
    let known: Vec<f64> = pairs.iter().copied().flatten().collect();
    Correlations { mean: mean(&known), pairs }
}

/// Returns the distance of two trains of ascending times by van Rossum (2001, Neural Comput. 13:751), squared differences of
/// exponential traces with a time constant, scaled so that one event more is a distance of one.
pub fn van_rossum(a: &[f64], b: &[f64], time_constant: f64) -> Result<f64, Flaw> {
    positive("time constant", time_constant)?;
    finite(a.iter().chain(b))?;
    let mut all: Vec<(f64, f64)> = a.iter().map(|t| (*t, 1.0)).chain(b.iter().map(|t| (*t, -1.0))).collect();
    all.sort_by(|x, y| x.0.total_cmp(&y.0));
    let (mut trace, mut sum) = (0.0f64, 0.0);
    for (i, (time, jump)) in all.iter().enumerate() {
        trace += jump;
        let decay = all.get(i + 1).map_or(0.0, |next| (-(next.0 - time) / time_constant).exp());
        sum += trace * trace * (1.0 - decay * decay);
        trace *= decay;
    }
    Ok(sum.sqrt())
}

/// Returns the distance of two trains of ascending times by Victor & Purpura (1996, J. Neurophysiol. 76:1310): the least cost of
/// turning one into the other, where an event more or less costs one and moving it `cost` per time.
pub fn victor_purpura(a: &[f64], b: &[f64], cost: f64) -> Result<f64, Flaw> {
    positive("cost", cost)?;
    finite(a.iter().chain(b))?;
    let mut above: Vec<f64> = (0..=b.len()).map(|j| j as f64).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i as f64 + 1.0];
        for (j, y) in b.iter().enumerate() {
            let moved = above[j] + cost * (x - y).abs();
            row.push(moved.min(above[j + 1] + 1.0).min(row[j] + 1.0));
        }
        above = row;
    }
    Ok(above[b.len()])
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Draws, close, expected};
    use super::*;
    use ndarray::Array2;

    fn train(draws: &mut Draws, n: usize) -> Vec<f64> {
        let mut times = vec![0.0];
        (1..n).for_each(|i| times.push(times[i - 1] + 1.0 + 20.0 * draws.uniform()));
        times
    }

    #[test]
    fn irregularity_is_that_of_elephant() {
        let i = intervals(&train(&mut Draws::new(70), 25));
        let found = [cv(&i), cv2(&i), local_variation(&i), revised_local_variation(&i, 5.0)].map(Option::unwrap);
        close(&found, &expected("irregularity"), 1e-13);
        assert_eq!([cv(&i[..1]), cv2(&i[..1]), local_variation(&[0.0, 0.0])], [None; 3]);
    }

    #[test]
    fn counts_are_as_variable_as_elephant_says() {
        let counts = Array2::from_shape_vec((4, 40), Draws::new(71).counts(160)).unwrap();
        let found = correlations(counts.view());
        let pairs: Vec<f64> = found.pairs.iter().copied().flatten().collect();
        close(&pairs, &expected("correlations"), 1e-13);
        close(&[found.mean.unwrap()], &[expected("correlations").iter().sum::<f64>() / 6.0], 1e-13);
        close(&[fano(&counts.row(0).to_vec()).unwrap()], &expected("fano"), 1e-14);
        close(&[synchrony(counts.view()).unwrap()], &expected("synchrony"), 1e-14);
        let alike = Array2::from_shape_fn((4, 40), |(_, t)| counts[[0, t]]);
        close(&[synchrony(alike.view()).unwrap()], &[4.0 * fano(&counts.row(0).to_vec()).unwrap()], 1e-13);
        let mut silent = counts.clone();
        silent.row_mut(1).fill(0.0);
        let found = correlations(silent.view());
        assert_eq!(found.pairs.iter().filter(|p| p.is_none()).count(), 3);
        assert_eq!(correlations(silent.slice(ndarray::s![1..2, ..])).mean, None);
        assert_eq!(fano(&[0.0; 5]), None);
    }

    #[test]
    fn distances_are_those_of_elephant() {
        let mut draws = Draws::new(72);
        let (a, b) = (train(&mut draws, 20), train(&mut draws, 17));
        close(&[van_rossum(&a, &b, 10.0).unwrap()], &expected("van Rossum"), 1e-12);
        close(&[victor_purpura(&a, &b, 0.2).unwrap()], &expected("Victor-Purpura"), 1e-13);
        assert_eq!(van_rossum(&a, &a, 10.0), Ok(0.0));
        assert_eq!((van_rossum(&[], &[3.0], 10.0), victor_purpura(&[], &b, 0.2)), (Ok(1.0), Ok(17.0)));
        assert_eq!(van_rossum(&[f64::NAN], &a, 10.0), Err(Flaw::NotFinite));
    }
}
