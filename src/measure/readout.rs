//! A linear read-out of classes: multinomial logistic regression with a penalty, by Newton's method with conjugate gradients.

use super::flaw::{Flaw, at_least, equal, finite, positive};
use super::products::{add, centred, column_means, dot, product_transposed, rows, rows_mut, transposed_product};
use ndarray::{Array2, ArrayView2, s};

/// Newton steps; a few are enough.
const STEPS: usize = 100;
/// Gradient at which they stop, relative to the size of the data.
const TOLERANCE: f64 = 1e-12;

/// A fitted read-out: the probability of class k given x is proportional to exp(wₖ · x + bₖ).
#[derive(Debug, Clone, PartialEq)]
pub struct Readout {
    /// w: classes x p. They sum to zero over classes.
    pub weights: Array2<f64>,
    /// b of each class. They sum to zero.
    pub intercepts: Vec<f64>,
}

impl Readout {
    /// Returns the probability of each class (n x classes) for rows like those that were fitted (n x p).
    pub fn probabilities(&self, x: ArrayView2<f64>) -> Result<Array2<f64>, Flaw> {
        equal("columns", x.ncols(), self.weights.ncols())?;
        finite(x)?;
        let mut out = product_transposed(&x.as_standard_layout().to_owned(), &self.weights);
        for row in rows_mut(&mut out) {
            add(1.0, &self.intercepts, row);
            normalize(row);
        }
        Ok(out)
    }

    /// Returns the most probable class of each row; of equals the first.
    pub fn classes(&self, x: ArrayView2<f64>) -> Result<Vec<usize>, Flaw> {
        let most = |p: &[f64]| (1..p.len()).fold(0, |best, k| if p[k] > p[best] { k } else { best });
        Ok(rows(&self.probabilities(x)?).map(most).collect())
    }
}

/// Fits classes, numbers below `count` of which each occurs, by X (n x p): the least Σ −log p(class) + penalty / 2 · |W|²,
/// intercepts not penalized. The penalty is positive, so there is one optimum.
///
/// scikit-learn's `LogisticRegression` with C = 1 / penalty; for two classes, which it gives one vector of weights, the
/// difference of ours, C = 2 / penalty.
pub fn readout(x: ArrayView2<f64>, classes: &[usize], count: usize, penalty: f64) -> Result<Readout, Flaw> {
    check(x, classes, count, penalty)?;
    let centre = column_means(x);
    let mut data = Array2::ones((x.nrows(), x.ncols() + 1));
    data.slice_mut(s![.., ..-1]).assign(&centred(x, &centre));
    let problem = Problem { squares: &data * &data, x: data, classes, penalty };
    let found = problem.minimum(count)?;
    let weights = found.slice(s![.., ..-1]).as_standard_layout().to_owned();
    let intercepts: Vec<f64> = rows(&found).zip(rows(&weights)).map(|(w, v)| w[v.len()] - dot(v, &centre)).collect();
    let shift = intercepts.iter().sum::<f64>() / count as f64;
    Ok(Readout { weights, intercepts: intercepts.iter().map(|b| b - shift).collect() })
}

fn check(x: ArrayView2<f64>, classes: &[usize], count: usize, penalty: f64) -> Result<(), Flaw> {
    equal("rows", x.nrows(), classes.len())?;
    at_least("classes", count, 2)?;
    at_least("columns", x.ncols(), 1)?;
    finite(x)?;
    positive("penalty", penalty)?;
    let mut seen = vec![false; count];
    for index in classes.iter().copied() {
        *seen.get_mut(index).ok_or(Flaw::Index { index, n: count })? = true;
    }
    match seen.iter().position(|s| !s) {
        Some(class) => Err(Flaw::Class { class, members: 0, needed: 1 }),
        None => Ok(()),
    }
}

/// Turns exponents into probabilities in place; returns the logarithm of what they were divided by.
fn normalize(row: &mut [f64]) -> f64 {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    row.iter_mut().for_each(|v| *v = (*v - most).exp());
    let sum: f64 = row.iter().sum();
    row.iter_mut().for_each(|v| *v /= sum);
    most + sum.ln()
}

struct Problem<'a> {
    /// Centred columns and one of ones: n x (p + 1).
    x: Array2<f64>,
    squares: Array2<f64>,
    classes: &'a [usize],
    penalty: f64,
}

/// The loss at some weights, and what follows from it.
struct Point {
    weights: Array2<f64>,
    loss: f64,
    /// n x classes.
    probabilities: Array2<f64>,
}

impl Problem<'_> {
    /// Returns the optimal weights (classes x (p + 1)).
    fn minimum(&self, count: usize) -> Result<Array2<f64>, Flaw> {
        let mut at = self.at(Array2::zeros((count, self.x.ncols())));
        let size = norm(&self.x);
        for _ in 0..STEPS {
            let gradient = self.gradient(&at);
            let relative = norm(&gradient) / size;
            if relative <= TOLERANCE {
                return Ok(at.weights);
            }
            let step = self.newton(&at, &gradient, relative.sqrt().min(0.1));
            at = self.along(&at, &step, inner(&gradient, &step)).ok_or(Flaw::Unconverged)?;
        }
        Err(Flaw::Unconverged)
    }

    fn at(&self, weights: Array2<f64>) -> Point {
        let mut probabilities = product_transposed(&self.x, &weights);
        let mut loss = 0.0;
        for (row, class) in rows_mut(&mut probabilities).zip(self.classes) {
            let exponent = row[*class];
            loss += normalize(row) - exponent;
        }
        let penalized = weights.slice(s![.., ..-1]);
        loss += 0.5 * self.penalty * penalized.iter().map(|w| w * w).sum::<f64>();
        Point { weights, loss, probabilities }
    }

    /// Adds the penalty's part of a derivative.
    fn penalize(&self, weights: &Array2<f64>, out: &mut Array2<f64>) {
        for (w, out) in rows(weights).zip(rows_mut(out)) {
            let p = w.len() - 1;
            add(self.penalty, &w[..p], &mut out[..p]);
        }
    }

    fn gradient(&self, at: &Point) -> Array2<f64> {
        let mut errors = at.probabilities.clone();
        rows_mut(&mut errors).zip(self.classes).for_each(|(row, class)| row[*class] -= 1.0);
        let mut out = transposed_product(&errors, &self.x);
        self.penalize(&at.weights, &mut out);
        out
    }

    /// Returns the second derivative times a direction.
    fn curvature(&self, at: &Point, direction: &Array2<f64>) -> Array2<f64> {
        let mut change = product_transposed(&self.x, direction);
        for (p, row) in rows(&at.probabilities).zip(rows_mut(&mut change)) {
            let mean = dot(p, row);
            row.iter_mut().zip(p).for_each(|(v, p)| *v = p * (*v - mean));
        }
        let mut out = transposed_product(&change, &self.x);
        self.penalize(direction, &mut out);
        out
    }

    /// Solves curvature · step = −gradient to a relative residual, by conjugate gradients (Hestenes & Stiefel 1952) scaled by
    /// the diagonal.
    fn newton(&self, at: &Point, gradient: &Array2<f64>, residual: f64) -> Array2<f64> {
        // The penalty keeps the scale of intercepts positive; how the system is scaled does not change its solution.
        let scale = transposed_product(&at.probabilities.mapv(|p| p * (1.0 - p)), &self.squares) + self.penalty;
        let mut step = Array2::zeros(gradient.dim());
        let mut rest = -gradient;
        let mut scaled = &rest / &scale;
        let mut direction = scaled.clone();
        let mut size = inner(&rest, &scaled);
        let enough = residual * norm(gradient);
        for _ in 0..2 * gradient.len() {
            let bent = self.curvature(at, &direction);
            let curvature = inner(&direction, &bent);
            if curvature <= 0.0 {
                break;
            }
            let length = size / curvature;
            step.scaled_add(length, &direction);
            rest.scaled_add(-length, &bent);
            if norm(&rest) <= enough {
                break;
            }
            scaled = &rest / &scale;
            let next = inner(&rest, &scaled);
            direction = &scaled + &(direction * (next / size));
            size = next;
        }
        step
    }

    /// Returns a point along a step where the loss has fallen enough (Armijo 1966), but for rounding.
    fn along(&self, at: &Point, step: &Array2<f64>, slope: f64) -> Option<Point> {
        let rounding = 16.0 * f64::EPSILON * at.loss;
        (0..60).map(|halvings| 0.5f64.powi(halvings)).find_map(|length| {
            let next = self.at(&at.weights + &(step * length));
            (next.loss <= at.loss + 1e-4 * length * slope + rounding).then_some(next)
        })
    }
}

fn inner(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    rows(a).zip(rows(b)).map(|(a, b)| dot(a, b)).sum()
}

fn norm(a: &Array2<f64>) -> f64 {
    inner(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Draws, close, expected};
    use super::*;

    /// Classes that depend on the first columns, with noise.
    fn sample(count: usize) -> (Array2<f64>, Vec<usize>) {
        let mut draws = Draws::new(50);
        let x = draws.matrix(60, 5);
        let best = |row: &[f64], noise: &[f64]| {
            (0..count).fold(0, |best, k| if row[k] + noise[k] > row[best] + noise[best] { k } else { best })
        };
        let noise = draws.matrix(60, 3);
        let classes = rows(&x).zip(rows(&noise)).map(|(r, n)| best(r, n)).collect();
        (x.mapv(|v| 3.0 * v + 2.0), classes)
    }

    #[test]
    fn weights_are_those_of_scikit_learn() {
        let (x, classes) = sample(3);
        for (penalty, name) in [(1.0, "readout 1"), (0.01, "readout 0.01")] {
            let found = readout(x.view(), &classes, 3, penalty).unwrap();
            close(found.weights.iter().chain(&found.intercepts), &expected(name), 1e-8);
        }
        let (x, classes) = sample(2);
        let found = readout(x.view(), &classes, 2, 2.0).unwrap();
        let weights = &found.weights.row(1) - &found.weights.row(0);
        let intercept = found.intercepts[1] - found.intercepts[0];
        close(weights.iter().chain([&intercept]), &expected("readout of two"), 1e-8);
    }

    #[test]
    fn the_gradient_vanishes_at_the_optimum_however_columns_are_scaled() {
        let (mut x, classes) = sample(3);
        x.column_mut(1).mapv_inplace(|v| 1e5 * v);
        x.column_mut(4).mapv_inplace(|v| 1e-4 * v + 7.0);
        let penalty = 1e-3;
        let found = readout(x.view(), &classes, 3, penalty).unwrap();
        let probabilities = found.probabilities(x.view()).unwrap();
        for k in 0..3 {
            let errors: Vec<f64> =
                probabilities.column(k).iter().zip(&classes).map(|(p, c)| p - f64::from(u8::from(*c == k))).collect();
            assert!(errors.iter().sum::<f64>().abs() < 1e-6);
            for j in 0..5 {
                let gradient = dot(&errors, &x.column(j).to_vec()) + penalty * found.weights[[k, j]];
                assert!(gradient.abs() < 1e-6 * x.column(j).iter().map(|v| v.abs()).sum::<f64>(), "{k} {j} {gradient}");
            }
        }
        let hits = found.classes(x.view()).unwrap().iter().zip(&classes).filter(|(a, b)| a == b).count();
        assert!(hits > 30, "{hits} of 60");
    }

    #[test]
    fn separable_classes_have_an_optimum_because_of_the_penalty() {
        let x = Array2::from_shape_vec((4, 1), vec![-2.0, -1.0, 1.0, 2.0]).unwrap();
        let found = readout(x.view(), &[0, 0, 1, 1], 2, 1e-6).unwrap();
        assert_eq!(found.classes(x.view()).unwrap(), [0, 0, 1, 1]);
        assert!(found.weights[[1, 0]] > 1.0 && found.intercepts[0].abs() < 1e-6);
    }

    #[test]
    fn what_has_no_optimum_is_refused() {
        let x = Draws::new(51).matrix(4, 2);
        let of = |classes: &[usize], count, penalty| readout(x.view(), classes, count, penalty).unwrap_err();
        assert_eq!(of(&[0, 1, 0, 1], 2, 0.0), Flaw::NotPositive { what: "penalty", value: 0.0 });
        assert_eq!(of(&[0, 1, 0, 1], 3, 1.0), Flaw::Class { class: 2, members: 0, needed: 1 });
        assert_eq!(of(&[0, 1, 2, 1], 2, 1.0), Flaw::Index { index: 2, n: 2 });
        assert_eq!(of(&[0, 0, 0, 0], 1, 1.0), Flaw::TooFew { what: "classes", given: 1, needed: 2 });
        assert_eq!(of(&[0, 1], 2, 1.0), Flaw::Unequal { what: "rows", first: 4, second: 2 });
    }
}
