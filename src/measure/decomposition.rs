//! Singular values, principal components and the pseudo-inverse, by `faer`. On one machine the same matrix gives the same bits;
//! how wide its vectors are decides the order of sums.

use super::flaw::{Flaw, at_least, equal, finite};
use super::products::{centred, column_means, product, product_transposed};
use faer::MatRef;
use ndarray::{Array2, ArrayView2};

/// A = U S Vᵀ of an n x p matrix, with k = min(n, p).
///
/// Signs: in each row of Vᵀ the entry with the largest magnitude, of several the first, is positive.
#[derive(Debug, Clone, PartialEq)]
pub struct Svd {
    /// U: n x k, with orthonormal columns.
    pub left: Array2<f64>,
    /// The k singular values, descending.
    pub values: Vec<f64>,
    /// Vᵀ: k x p, with orthonormal rows.
    pub right: Array2<f64>,
}

/// Returns the singular value decomposition of a matrix of at least one row and column.
pub fn svd(a: ArrayView2<f64>) -> Result<Svd, Flaw> {
    at_least("rows and columns", a.nrows().min(a.ncols()), 1)?;
    finite(a)?;
    let whole = a.as_standard_layout();
    let whole = MatRef::from_row_major_slice(whole.as_slice().expect("standard layout"), a.nrows(), a.ncols());
    let found = whole.thin_svd().map_err(|_| Flaw::Unconverged)?;
    let (u, s, v) = (found.U(), found.S().column_vector(), found.V());
    let k = a.nrows().min(a.ncols());
    let signs: Vec<f64> = (0..k).map(|c| sign((0..a.ncols()).map(|j| v[(j, c)]))).collect();
    Ok(Svd {
        left: Array2::from_shape_fn((a.nrows(), k), |(i, c)| signs[c] * u[(i, c)]),
        values: (0..k).map(|c| s[c]).collect(),
        right: Array2::from_shape_fn((k, a.ncols()), |(c, j)| signs[c] * v[(j, c)]),
    })
}

/// Returns the sign of the first of the entries with the largest magnitude.
fn sign(entries: impl Iterator<Item = f64>) -> f64 {
    entries.fold(0.0f64, |most, v| if v.abs() > most.abs() { v } else { most }).signum()
}

impl Svd {
    /// Returns the number of singular values above max(n, p) · ε times the largest.
    pub fn rank(&self) -> usize {
        let size = self.left.nrows().max(self.right.ncols()) as f64;
        let least = size * f64::EPSILON * self.values[0];
        self.values.iter().filter(|s| **s > least).count()
    }
}

/// Returns the pseudo-inverse (p x n) of a matrix (n x p): of its part with the singular values that `Svd::rank` counts
/// (Moore 1920, Penrose 1955).
pub fn pseudo_inverse(a: ArrayView2<f64>) -> Result<Array2<f64>, Flaw> {
    let found = svd(a)?;
    let rank = found.rank();
    let right = Array2::from_shape_fn((a.ncols(), rank), |(j, c)| found.right[[c, j]] / found.values[c]);
    let left = Array2::from_shape_fn((rank, a.nrows()), |(c, i)| found.left[[i, c]]);
    Ok(product(&right, &left))
}

/// Principal components (Pearson 1901).
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    /// The components: k x p, with orthonormal rows and the signs of `Svd`, those of the largest variance first.
    pub components: Array2<f64>,
    /// The variance along each of them, divided by n − 1.
    pub variances: Vec<f64>,
    /// Its part of the variance of all columns.
    pub parts: Vec<f64>,
    /// The means of the p columns.
    pub centre: Vec<f64>,
}

/// Returns the first `k` of the min(n, p) principal components of the rows of a matrix (n x p), at least two of which differ.
pub fn pca(x: ArrayView2<f64>, k: usize) -> Result<Pca, Flaw> {
    at_least("rows", x.nrows(), 2)?;
    at_least("columns", x.ncols(), 1)?;
    let most = x.nrows().min(x.ncols());
    if k > most {
        return Err(Flaw::TooMany { what: "components", given: k, most });
    }
    finite(x)?;
    let centre = column_means(x);
    let found = svd(centred(x, &centre).view())?;
    let variances: Vec<f64> = found.values.iter().map(|s| s * s / (x.nrows() - 1) as f64).collect();
    let total: f64 = variances.iter().sum();
    if total == 0.0 {
        return Err(Flaw::TooFew { what: "rows that differ", given: 1, needed: 2 });
    }
    Ok(Pca {
        components: found.right.slice(ndarray::s![..k, ..]).to_owned(),
        parts: variances[..k].iter().map(|v| v / total).collect(),
        variances: variances[..k].to_vec(),
        centre,
    })
}

impl Pca {
    /// Returns the coordinates (n x k) of rows (n x p).
    pub fn transform(&self, x: ArrayView2<f64>) -> Result<Array2<f64>, Flaw> {
        equal("columns", x.ncols(), self.centre.len())?;
        finite(x)?;
        Ok(product_transposed(&centred(x, &self.centre), &self.components))
    }
}

#[cfg(test)]
mod tests {
    use super::super::products::{rows, rows_mut};
    use super::super::samples::{Draws, close, expected};
    use super::*;

    #[test]
    fn singular_values_and_vectors() {
        for (n, p) in [(6, 4), (4, 6), (1, 3), (90, 70)] {
            let a = Draws::new(20).matrix(n, p);
            let found = svd(a.view()).unwrap();
            let mut scaled = found.left.clone();
            rows_mut(&mut scaled).for_each(|row| row.iter_mut().zip(&found.values).for_each(|(v, s)| *v *= s));
            close(&scaled.dot(&found.right), &a, 1e-12);
            close(&found.left.t().dot(&found.left), &Array2::eye(n.min(p)), 1e-12);
            assert!(rows(&found.right).all(|row| sign(row.iter().copied()) > 0.0));
            assert_eq!(found, svd(a.view()).unwrap());
        }
        let a = Draws::new(20).matrix(6, 4);
        close(&svd(a.view()).unwrap().values, &expected("singular values"), 1e-13);
        close(&svd(a.view()).unwrap().right, &expected("singular vectors"), 1e-13);
    }

    #[test]
    fn principal_components_are_those_of_scikit_learn() {
        let x = Draws::new(21).matrix(12, 5);
        let found = pca(x.view(), 3).unwrap();
        close(&found.components, &expected("components"), 1e-12);
        close(&found.variances, &expected("variances"), 1e-13);
        close(&found.parts, &expected("parts"), 1e-13);
        close(&found.transform(x.view()).unwrap(), &expected("coordinates"), 1e-12);
    }

    #[test]
    fn the_pseudo_inverse_leaves_out_what_is_not_there() {
        let mut draws = Draws::new(22);
        let (thin, wide) = (draws.matrix(5, 2), draws.matrix(2, 4));
        let a = thin.dot(&wide);
        assert_eq!(svd(a.view()).unwrap().rank(), 2);
        close(&pseudo_inverse(a.view()).unwrap(), &expected("pseudo-inverse"), 1e-12);
        close(&pseudo_inverse(Array2::zeros((2, 3)).view()).unwrap(), &[0.0; 6], 0.0);
    }

    #[test]
    fn what_has_no_components_is_refused() {
        let x = Draws::new(23).matrix(3, 5);
        assert_eq!(pca(x.view(), 4), Err(Flaw::TooMany { what: "components", given: 4, most: 3 }));
        let flaw = Flaw::TooFew { what: "rows that differ", given: 1, needed: 2 };
        assert_eq!(pca(Array2::from_elem((3, 2), 0.1).view(), 1), Err(flaw));
        assert_eq!(svd((&x / 0.0).view()), Err(Flaw::NotFinite));
        assert!(svd(Array2::zeros((0, 2)).view()).is_err());
    }
}
