//! Partial least squares of several columns (PLS2) by NIPALS (Wold 1975; Wegelin 2000, section 10), as in scikit-learn's
//! `PLSRegression` with `scale=False`.

use super::flaw::{Flaw, at_least};
use super::products::{add, dot, product, rows, rows_mut, transposed_product};
use super::regression::{Centred, Linear};
use ndarray::{Array2, ArrayView2};

/// Steps of the power method per component.
const STEPS: usize = 500;
/// The square of the change of the weights at which it stops.
const TOLERANCE: f64 = 1e-6;
/// A product is computed anew when deflation has left this part of it.
const WORN: f64 = 1e-3;
/// A part of X that is smaller than this, relative, is what rounding left.
const EXHAUSTED: f64 = 1e-13;

/// A fit by partial least squares.
#[derive(Debug, Clone, PartialEq)]
pub struct Pls {
    /// The fit.
    pub linear: Linear,
    /// How many components it has: fewer than asked for if they explain X or Y entirely.
    pub components: usize,
    /// How many of them stopped after 500 steps, before the tolerance was reached.
    pub unconverged: usize,
}

/// Fits Y (n x q) by `components` components of X (n x p), of which there are at most min(n, p).
///
/// Weights of a component are found by the power method until the square of their change is below 1e-6, or for 500 steps, so
/// they are not those of an exact decomposition. The steps w ← Eᵀ F Fᵀ E w are taken on the product Fᵀ E (q x p), which gives
/// the steps of NIPALS but for rounding; the residuals E and F are deflated beside it.
pub fn pls(x: ArrayView2<f64>, y: ArrayView2<f64>, components: usize) -> Result<Pls, Flaw> {
    at_least("components", components, 1)?;
    let most = x.nrows().min(x.ncols());
    if components > most {
        return Err(Flaw::TooMany { what: "components", given: components, most });
    }
    let mut residual = Residual::new(Centred::new(x, y)?);
    let mut found: Vec<Component> = Vec::new();
    while found.len() < components
        && let Some(component) = residual.component()
    {
        residual.deflate(&component);
        found.push(component);
    }
    let coefficients = coefficients(&found, residual.data.x.ncols(), residual.data.y.ncols());
    Ok(Pls {
        linear: residual.data.with(coefficients),
        components: found.len(),
        unconverged: found.iter().filter(|c| !c.converged).count(),
    })
}

/// A component: its weights, and the loadings of X and Y.
struct Component {
    /// w: p.
    weights: Vec<f64>,
    /// t = E w: n.
    scores: Vec<f64>,
    /// p = Eᵀ t / tᵀ t: p.
    loadings: Vec<f64>,
    /// Fᵀ t / tᵀ t: q.
    slopes: Vec<f64>,
    converged: bool,
}

/// What the components so far leave of X and Y.
struct Residual {
    data: Centred,
    /// Fᵀ E: q x p.
    product: Array2<f64>,
    /// Size of the product when it was last computed.
    size: f64,
    /// Square of the size of X.
    whole: f64,
}

impl Residual {
    fn new(data: Centred) -> Residual {
        let product = transposed_product(&data.y, &data.x);
        Residual { size: size(&product), whole: size(&data.x).powi(2), data, product }
    }

    /// Returns the next component; none if X or Y is explained.
    fn component(&mut self) -> Option<Component> {
        self.clear();
        let start = self.first()?;
        if size(&self.product) < WORN * self.size {
            self.product = transposed_product(&self.data.y, &self.data.x);
            self.size = size(&self.product);
        }
        let (weights, converged) = power(&self.product, start)?;
        let scores: Vec<f64> = rows(&self.data.x).map(|x| dot(x, &weights)).collect();
        let square = dot(&scores, &scores);
        if square <= EXHAUSTED.powi(2) * self.whole {
            return None;
        }
        let (loadings, slopes) = (onto(&self.data.x, &scores, square), onto(&self.data.y, &scores, square));
        Some(Component { weights, scores, loadings, slopes, converged })
    }

    /// Sets to zero what rounding left of columns of Y.
    fn clear(&mut self) {
        for j in 0..self.data.y.ncols() {
            if self.data.y.column(j).iter().all(|v| v.abs() < 10.0 * f64::EPSILON) {
                self.data.y.column_mut(j).fill(0.0);
                self.product.row_mut(j).fill(0.0);
            }
        }
    }

    /// Returns the first column of Y that is not zero.
    fn first(&self) -> Option<usize> {
        let y = &self.data.y;
        (0..y.ncols()).find(|j| y.column(*j).iter().any(|v| v.abs() > f64::EPSILON))
    }

    fn deflate(&mut self, c: &Component) {
        let square = dot(&c.scores, &c.scores);
        for (t, (x, y)) in c.scores.iter().zip(rows_mut(&mut self.data.x).zip(rows_mut(&mut self.data.y))) {
            add(-t, &c.loadings, x);
            add(-t, &c.slopes, y);
        }
        // (F − t qᵀ)ᵀ (E − t pᵀ) = Fᵀ E − tᵀt q pᵀ.
        for (slope, row) in c.slopes.iter().zip(rows_mut(&mut self.product)) {
            add(-square * slope, &c.loadings, row);
        }
    }
}

fn size(a: &Array2<f64>) -> f64 {
    rows(a).map(|row| dot(row, row)).sum::<f64>().sqrt()
}

/// Returns the regression of every column on some scores.
fn onto(a: &Array2<f64>, scores: &[f64], square: f64) -> Vec<f64> {
    let mut out = vec![0.0; a.ncols()];
    rows(a).zip(scores).for_each(|(row, t)| add(*t, row, &mut out));
    out.iter_mut().for_each(|v| *v /= square);
    out
}

/// Returns the weights that the power method finds from a row of the product (q x p), and whether they settled; none if the
/// product is zero.
fn power(product: &Array2<f64>, start: usize) -> Option<(Vec<f64>, bool)> {
    let mut weights = unit(product.row(start).to_vec())?;
    if product.nrows() == 1 {
        return Some((weights, true));
    }
    for _ in 1..STEPS {
        let across = unit(rows(product).map(|row| dot(row, &weights)).collect())?;
        let mut next = vec![0.0; weights.len()];
        rows(product).zip(&across).for_each(|(row, a)| add(*a, row, &mut next));
        let next = unit(next)?;
        let change: f64 = next.iter().zip(&weights).map(|(a, b)| (a - b).powi(2)).sum();
        weights = next;
        if change < TOLERANCE {
            return Some((weights, true));
        }
    }
    Some((weights, false))
}

fn unit(mut v: Vec<f64>) -> Option<Vec<f64>> {
    let norm = dot(&v, &v).sqrt();
    v.iter_mut().for_each(|x| *x /= norm);
    (norm > 0.0).then_some(v)
}

/// Returns W (Pᵀ W)⁻¹ Qᵀ (p x q). Pᵀ W is triangular with a diagonal of ones, so its inverse is a recursion.
fn coefficients(found: &[Component], p: usize, q: usize) -> Array2<f64> {
    let mut rotations: Vec<Vec<f64>> = Vec::new();
    for c in found {
        let mut rotation = c.weights.clone();
        for (earlier, other) in rotations.iter().zip(found) {
            add(-dot(&other.loadings, &c.weights), earlier, &mut rotation);
        }
        rotations.push(rotation);
    }
    let rotations = Array2::from_shape_fn((p, found.len()), |(i, k)| rotations[k][i]);
    let slopes = Array2::from_shape_fn((found.len(), q), |(k, j)| found[k].slopes[j]);
    product(&rotations, &slopes)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Draws, close, expected};
    use super::*;

    #[test]
    fn predictions_are_those_of_scikit_learn() {
        let mut draws = Draws::new(10);
        let (x, y, new) = (draws.matrix(40, 12), draws.matrix(40, 5), draws.matrix(3, 12));
        for k in [1, 3, 7, 12] {
            let fit = pls(x.view(), y.view(), k).unwrap();
            assert_eq!(fit.components, k);
            close(&fit.linear.predict(new.view()).unwrap(), &expected(&format!("pls {k}")), 1e-10);
        }
        let one = pls(x.view(), y.slice(ndarray::s![.., ..1]), 4).unwrap();
        close(&one.linear.predict(new.view()).unwrap(), &expected("pls one column"), 1e-11);
    }

    #[test]
    fn what_is_explained_needs_no_more_components() {
        let mut draws = Draws::new(13);
        // Three dimensions in eight columns.
        let x = draws.matrix(30, 3).dot(&draws.matrix(3, 8));
        let fit = pls(x.view(), draws.matrix(30, 4).view(), 8).unwrap();
        assert_eq!(fit.components, 3);
        // A column that does not vary is predicted by its mean.
        let flat = Array2::from_elem((30, 2), 1e6 / 3.0);
        let fit = pls(x.view(), flat.view(), 2).unwrap();
        assert_eq!(fit.components, 0);
        assert_eq!(fit.linear.predict(x.view()).unwrap(), flat);
    }

    #[test]
    fn too_many_components_are_refused() {
        let x = Draws::new(14).matrix(6, 4);
        let flaw = Flaw::TooMany { what: "components", given: 5, most: 4 };
        assert_eq!(pls(x.view(), x.view(), 5), Err(flaw));
        let flaw = Flaw::TooFew { what: "components", given: 0, needed: 1 };
        assert_eq!(pls(x.view(), x.view(), 0), Err(flaw));
    }
}
