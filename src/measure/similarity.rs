//! Ranks, and representational similarity (Kriegeskorte et al. 2008, Front. Syst. Neurosci. 2:4).

use super::correlation;
use super::products::{dot, product_transposed, rows};
use ndarray::{Array2, ArrayView2};

/// Returns the rank of each value, from 1; equal values share the mean of their ranks. None if a value is not a number.
pub fn ranks(x: &[f64]) -> Option<Vec<f64>> {
    if x.iter().any(|v| v.is_nan()) {
        return None;
    }
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|a, b| x[*a].total_cmp(&x[*b]));
    let mut out = vec![0.0; x.len()];
    let mut first = 1;
    for equal in order.chunk_by(|a, b| x[*a] == x[*b]) {
        let last = first + equal.len() - 1;
        equal.iter().for_each(|i| out[*i] = (first + last) as f64 / 2.0);
        first = last + 1;
    }
    Some(out)
}

/// Returns Spearman's rank correlation of two equally long series; none if one of the two does not vary.
pub fn rank_correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.len() != y.len() {
        return None;
    }
    correlation(&ranks(x)?, &ranks(y)?)
}

/// Returns 1 − Pearson's correlation between any two rows of a matrix (n x p): the n (n − 1) / 2 pairs above the diagonal, row by
/// row. None if a row does not vary.
///
/// Two such results, of the same n, are compared by `rank_correlation`.
pub fn dissimilarity(x: ArrayView2<f64>) -> Option<Vec<f64>> {
    let mut standard = Array2::zeros(x.dim());
    for (row, mut out) in x.rows().into_iter().zip(standard.rows_mut()) {
        out.assign(&ndarray::Array1::from(standardized(&row.to_vec())?));
    }
    let r = product_transposed(&standard, &standard);
    Some(rows(&r).enumerate().flat_map(|(i, row)| &row[i + 1..]).map(|r| 1.0 - r).collect())
}

/// Returns a series without its mean and with a norm of one; none if it does not vary.
fn standardized(x: &[f64]) -> Option<Vec<f64>> {
    let varies = x.iter().any(|v| *v != x[0]);
    let mean = super::mean(x)?;
    let out: Vec<f64> = x.iter().map(|v| v - mean).collect();
    let norm = dot(&out, &out).sqrt();
    (varies && norm > 0.0 && norm.is_finite()).then(|| out.iter().map(|v| v / norm).collect())
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Draws, close, expected};
    use super::*;

    #[test]
    fn equal_values_share_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, -0.0, 0.0, 3.0]).unwrap(), [5.0, 3.0, 5.0, 1.5, 1.5, 5.0]);
        assert_eq!(ranks(&[1.0, f64::NAN]), None);
    }

    #[test]
    fn rank_correlation_is_that_of_scipy() {
        let mut draws = Draws::new(40);
        let (x, y) = (draws.counts(30), draws.counts(30));
        close(&[rank_correlation(&x, &y).unwrap()], &expected("rank correlation"), 1e-14);
        assert_eq!(rank_correlation(&x, &[1.0; 30]), None);
        assert_eq!(rank_correlation(&x, &y[1..]), None);
    }

    #[test]
    fn dissimilarity_is_that_of_numpy() {
        let x = Draws::new(41).matrix(6, 9);
        close(&dissimilarity(x.view()).unwrap(), &expected("dissimilarity"), 1e-14);
        let mut flat = x.clone();
        flat.row_mut(3).fill(0.1);
        assert_eq!(dissimilarity(flat.view()), None);
    }
}
