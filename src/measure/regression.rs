//! Linear regression of several columns at once: ridge and least squares; `pls` makes the same kind of fit.

use super::decomposition::pseudo_inverse;
use super::flaw::{Flaw, at_least, equal, finite, positive};
use super::products::{
    add, centred, column_means, product, product_transposed, rows_mut, solve_positive, transposed_product,
};
use ndarray::{Array2, ArrayView2};

/// A fitted linear map: ŷ = (x − x̄) B + ȳ.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// B: p x q, one column per column of Y.
    pub coefficients: Array2<f64>,
    /// x̄: the means of the p columns of X that were fitted.
    pub centre: Vec<f64>,
    /// ȳ: the means of the q columns of Y.
    pub level: Vec<f64>,
}

impl Linear {
    /// Returns the prediction (n x q) for rows like those that were fitted (n x p).
    pub fn predict(&self, x: ArrayView2<f64>) -> Result<Array2<f64>, Flaw> {
        equal("columns", x.ncols(), self.centre.len())?;
        finite(x)?;
        let mut out = product(&centred(x, &self.centre), &self.coefficients);
        rows_mut(&mut out).for_each(|row| add(1.0, &self.level, row));
        Ok(out)
    }
}

/// X (n x p) and Y (n x q) without their means.
pub(super) struct Centred {
    pub x: Array2<f64>,
    pub y: Array2<f64>,
    centre: Vec<f64>,
    level: Vec<f64>,
}

impl Centred {
    /// Takes the means from matrices of the same, at least two rows and at least one column each.
    pub fn new(x: ArrayView2<f64>, y: ArrayView2<f64>) -> Result<Centred, Flaw> {
        equal("rows", x.nrows(), y.nrows())?;
        at_least("rows", x.nrows(), 2)?;
        at_least("columns", x.ncols().min(y.ncols()), 1)?;
        finite(x.iter().chain(&y))?;
        let (centre, level) = (column_means(x), column_means(y));
        Ok(Centred { x: centred(x, &centre), y: centred(y, &level), centre, level })
    }

    /// Completes a fit.
    pub fn with(self, coefficients: Array2<f64>) -> Linear {
        Linear { coefficients, centre: self.centre, level: self.level }
    }
}

/// Fits Y (n x q) by X (n x p) with the least |Y − Ŷ|² + penalty |B|² (Hoerl & Kennard 1970); the means are not penalized.
///
/// The normal equations are solved, or those between rows where there are fewer rows than columns. The penalty is positive.
pub fn ridge(x: ArrayView2<f64>, y: ArrayView2<f64>, penalty: f64) -> Result<Linear, Flaw> {
    positive("penalty", penalty)?;
    let data = Centred::new(x, y)?;
    let (n, p) = data.x.dim();
    let mut square = if n < p { product_transposed(&data.x, &data.x) } else { transposed_product(&data.x, &data.x) };
    square.diag_mut().iter_mut().for_each(|v| *v += penalty);
    let coefficients = if n < p {
        let mut dual = data.y.clone();
        solve_positive(square, &mut dual).ok_or(Flaw::Singular)?;
        transposed_product(&data.x, &dual)
    } else {
        let mut right = transposed_product(&data.x, &data.y);
        solve_positive(square, &mut right).ok_or(Flaw::Singular)?;
        right
    };
    Ok(data.with(coefficients))
}

/// Fits Y (n x q) by X (n x p) with the least |Y − Ŷ|², by the pseudo-inverse: of all such B the one with the least |B|.
pub fn least_squares(x: ArrayView2<f64>, y: ArrayView2<f64>) -> Result<Linear, Flaw> {
    let data = Centred::new(x, y)?;
    let coefficients = product(&pseudo_inverse(data.x.view())?, &data.y);
    Ok(data.with(coefficients))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Draws, close, expected};
    use super::*;

    #[test]
    fn ridge_and_least_squares_are_those_of_scikit_learn() {
        let mut draws = Draws::new(10);
        let (x, y, new) = (draws.matrix(40, 12), draws.matrix(40, 5), draws.matrix(3, 12));
        for (penalty, name) in [(0.1, "ridge 0.1"), (10.0, "ridge 10")] {
            let fit = ridge(x.view(), y.view(), penalty).unwrap();
            close(&fit.predict(new.view()).unwrap(), &expected(name), 1e-11);
        }
        let fit = least_squares(x.view(), y.view()).unwrap();
        close(&fit.predict(new.view()).unwrap(), &expected("least squares"), 1e-11);
    }

    #[test]
    fn more_columns_than_rows() {
        let mut draws = Draws::new(11);
        let (x, y, new) = (draws.matrix(10, 30), draws.matrix(10, 2), draws.matrix(3, 30));
        let fit = ridge(x.view(), y.view(), 2.0).unwrap();
        close(&fit.predict(new.view()).unwrap(), &expected("ridge wide"), 1e-11);
        // Rows given four times, with four times the penalty, are fitted between columns.
        let mut tall = Array2::zeros((40, 30));
        let mut high = Array2::zeros((40, 2));
        for (i, (row, value)) in x.rows().into_iter().zip(y.rows()).enumerate() {
            (0..4).for_each(|k| tall.row_mut(4 * i + k).assign(&row));
            (0..4).for_each(|k| high.row_mut(4 * i + k).assign(&value));
        }
        let repeated = ridge(tall.view(), high.view(), 8.0).unwrap();
        close(&repeated.coefficients, &fit.coefficients, 1e-11);
        let least = least_squares(x.view(), y.view()).unwrap();
        close(&least.predict(new.view()).unwrap(), &expected("least squares wide"), 1e-11);
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let mut draws = Draws::new(12);
        let (x, y) = (draws.matrix(4, 2), draws.matrix(4, 1));
        assert_eq!(ridge(x.view(), y.view(), 0.0), Err(Flaw::NotPositive { what: "penalty", value: 0.0 }));
        let flaw = Flaw::Unequal { what: "rows", first: 4, second: 3 };
        assert_eq!(least_squares(x.view(), draws.matrix(3, 1).view()), Err(flaw));
        let infinite = &x / 0.0;
        assert_eq!(least_squares(infinite.view(), y.view()), Err(Flaw::NotFinite));
        // What does not vary predicts nothing.
        let flat = Array2::from_elem((3, 2), 0.1);
        let fit = least_squares(flat.view(), y.slice(ndarray::s![..3, ..])).unwrap();
        assert_eq!(fit.coefficients, Array2::<f64>::zeros((2, 1)));
        // Two equal columns of large numbers, beside which the penalty vanishes.
        let twice = Array2::from_shape_fn((4, 2), |(i, _)| 1e6 * x[[i, 0]]);
        assert_eq!(ridge(twice.view(), y.view(), 1e-9), Err(Flaw::Singular));
        let fit = ridge(x.view(), y.view(), 1.0).unwrap();
        assert!(fit.predict(draws.matrix(2, 3).view()).is_err());
    }
}
