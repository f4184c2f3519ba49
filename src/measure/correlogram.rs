//! Correlograms of binned events (Perkel, Gerstein & Moore 1967; Eggermont 2010), as Elephant defines them.

use super::flaw::{Flaw, at_least, equal, finite};
use super::products::{add, dot};

/// What is done about bins that lags near the ends have no partner for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Borders {
    /// Nothing: far lags are counted over fewer bins.
    AsCounted,
    /// Counts are multiplied by n / (n − |lag|).
    Corrected,
}

/// Returns Σ a(t) b(t + lag) for the lags −`most` to `most`, over the bins that both have; positive lags are events of b after
/// those of a. Both have the same number of bins, more than `most`.
pub fn cross_correlogram(a: &[f64], b: &[f64], most: usize, borders: Borders) -> Result<Vec<f64>, Flaw> {
    equal("bins", a.len(), b.len())?;
    at_least("bins", a.len(), most + 1)?;
    finite(a.iter().chain(b))?;
    let n = a.len();
    let mut out = vec![0.0; 2 * most + 1];
    for (t, count) in a.iter().enumerate().filter(|(_, count)| **count != 0.0) {
        let (from, to) = (t.saturating_sub(most), (t + most + 1).min(n));
        let first = from + most - t;
        add(*count, &b[from..to], &mut out[first..first + to - from]);
    }
    if borders == Borders::Corrected {
        for (i, v) in out.iter_mut().enumerate() {
            *v *= n as f64 / (n - i.abs_diff(most)) as f64;
        }
    }
    Ok(out)
}

/// Returns the cross-correlogram of counts with themselves, without each event's pair with itself at lag 0.
pub fn auto_correlogram(a: &[f64], most: usize, borders: Borders) -> Result<Vec<f64>, Flaw> {
    let mut out = cross_correlogram(a, a, most, borders)?;
    out[most] -= a.iter().sum::<f64>();
    Ok(out)
}

/// Returns the cross-correlogram as correlation coefficients, borders as counted: (C − A B / n) / √((Σ a² − A² / n) (Σ b² − B² / n)),
/// with the sums A and B of both. At lag 0 this is Pearson's correlation. None if one of the two does not vary.
pub fn correlation_function(a: &[f64], b: &[f64], most: usize) -> Result<Option<Vec<f64>>, Flaw> {
    let counted = cross_correlogram(a, b, most, Borders::AsCounted)?;
    let n = a.len() as f64;
    let (sum_a, sum_b): (f64, f64) = (a.iter().sum(), b.iter().sum());
    let varies = |x: &[f64]| x.iter().any(|v| *v != x[0]);
    let norm = ((dot(a, a) - sum_a * sum_a / n) * (dot(b, b) - sum_b * sum_b / n)).sqrt();
    let known = varies(a) && varies(b) && norm > 0.0;
    Ok(known.then(|| counted.iter().map(|c| (c - sum_a * sum_b / n) / norm).collect()))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Draws, close, expected};
    use super::*;

    #[test]
    fn correlograms_are_those_of_elephant() {
        let mut draws = Draws::new(61);
        let (a, b) = (draws.counts(40), draws.counts(40));
        close(&cross_correlogram(&a, &b, 10, Borders::AsCounted).unwrap(), &expected("correlogram"), 0.0);
        close(&cross_correlogram(&a, &b, 39, Borders::Corrected).unwrap(), &expected("corrected correlogram"), 1e-14);
        close(&correlation_function(&a, &b, 10).unwrap().unwrap(), &expected("correlation function"), 1e-13);
        assert_eq!(correlation_function(&a, &[1.0; 40], 10), Ok(None));
        assert!(cross_correlogram(&a, &b, 40, Borders::AsCounted).is_err());
    }

    #[test]
    fn an_event_is_no_pair_with_itself() {
        let found = auto_correlogram(&[1.0, 0.0, 2.0, 1.0], 2, Borders::AsCounted).unwrap();
        assert_eq!(found, [2.0, 2.0, 2.0, 2.0, 2.0]);
    }
}
