//! Products of row-major matrices, each sum in an order that the shapes fix, so the same on every machine.

use ndarray::{Array2, ArrayView2};

/// Rows that a cache is expected to hold while they are used again.
const BLOCK: usize = 32;

/// Returns the inner product: eight interleaved sums, added in order.
pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    let (xs, ys) = (x.chunks_exact(8), y.chunks_exact(8));
    let rest: f64 = xs.remainder().iter().zip(ys.remainder()).map(|(a, b)| a * b).sum();
    let mut sums = [0.0; 8];
    for (a, b) in xs.zip(ys) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// Adds `a` times `x` to `y`.
pub fn add(a: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// Returns the rows of a matrix in standard layout, which all matrices made here are.
pub fn rows(a: &Array2<f64>) -> impl ExactSizeIterator<Item = &[f64]> {
    a.as_slice().expect("standard layout").chunks_exact(a.ncols().max(1))
}

/// Returns the rows of a matrix in standard layout, to change.
pub fn rows_mut(a: &mut Array2<f64>) -> impl ExactSizeIterator<Item = &mut [f64]> {
    let columns = a.ncols().max(1);
    a.as_slice_mut().expect("standard layout").chunks_exact_mut(columns)
}

/// Returns Aᵀ B (p x q) of A (n x p) and B (n x q). Fast when B has the longer rows.
pub fn transposed_product(a: &Array2<f64>, b: &Array2<f64>) -> Array2<f64> {
    combined(a.ncols(), |row, i| a[[i, row]], b)
}

/// Returns A B (n x q) of A (n x p) and B (p x q).
pub fn product(a: &Array2<f64>, b: &Array2<f64>) -> Array2<f64> {
    combined(a.nrows(), |row, i| a[[row, i]], b)
}

/// Returns A Bᵀ (n x m) of A (n x p) and B (m x p).
pub fn product_transposed(a: &Array2<f64>, b: &Array2<f64>) -> Array2<f64> {
    let all: Vec<&[f64]> = rows(b).collect();
    let mut out = Array2::zeros((a.nrows(), b.nrows()));
    for (block, first) in all.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
        for (x, out) in rows(a).zip(rows_mut(&mut out)) {
            for (y, out) in block.iter().zip(&mut out[first..]) {
                *out = dot(x, y);
            }
        }
    }
    out
}

/// Returns `n` sums of the rows of `b`, weighted by `weight(sum, row)`: blocks of rows in order, in them four rows at a time.
fn combined(n: usize, weight: impl Fn(usize, usize) -> f64, b: &Array2<f64>) -> Array2<f64> {
    let all: Vec<&[f64]> = rows(b).collect();
    let mut out = Array2::zeros((n, b.ncols()));
    for (block, first) in all.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
        for (row, out) in rows_mut(&mut out).enumerate() {
            let fours = block.chunks_exact(4);
            let (rest, at) = (fours.remainder(), first + block.len() / 4 * 4);
            for (four, i) in fours.zip((first..).step_by(4)) {
                add_four([0, 1, 2, 3].map(|k| weight(row, i + k)), four, out);
            }
            for (x, i) in rest.iter().zip(at..) {
                add(weight(row, i), x, out);
            }
        }
    }
    out
}

fn add_four(a: [f64; 4], x: &[&[f64]], y: &mut [f64]) {
    let n = y.len();
    let (x0, x1, x2, x3) = (&x[0][..n], &x[1][..n], &x[2][..n], &x[3][..n]);
    for i in 0..n {
        y[i] += (a[0] * x0[i] + a[1] * x1[i]) + (a[2] * x2[i] + a[3] * x3[i]);
    }
}

/// Returns the means of the columns of at least one row; of a column that does not vary its value, which rounding could miss.
pub fn column_means(x: ArrayView2<f64>) -> Vec<f64> {
    let first = x.row(0);
    let mut sums = vec![(0.0, false); x.ncols()];
    for row in x.rows() {
        for ((sum, varies), (v, first)) in sums.iter_mut().zip(row.iter().zip(first)) {
            *sum += v;
            *varies |= v != first;
        }
    }
    sums.iter().zip(first).map(|((sum, varies), v)| if *varies { sum / x.nrows() as f64 } else { *v }).collect()
}

/// Returns a copy in standard layout with `means` taken from the columns.
pub fn centred(x: ArrayView2<f64>, means: &[f64]) -> Array2<f64> {
    Array2::from_shape_fn(x.dim(), |(i, j)| x[[i, j]] - means[j])
}

/// Replaces the rows of `b` by the solution of A X = B, A symmetric and positive definite, of which the lower triangle is read.
/// None if A is not, but for rounding (Cholesky).
pub fn solve_positive(mut a: Array2<f64>, b: &mut Array2<f64>) -> Option<()> {
    let n = a.nrows();
    for i in 0..n {
        for j in 0..=i {
            let (above, row) = a.as_slice_mut().expect("standard layout").split_at_mut(i * n);
            if j < i {
                let l = &above[j * n..][..=j];
                row[j] = (row[j] - dot(&row[..j], &l[..j])) / l[j];
            } else {
                let pivot = row[i] - dot(&row[..i], &row[..i]);
                // What rounding leaves of a pivot is not one.
                let significant = pivot > n as f64 * f64::EPSILON * row[i];
                row[i] = significant.then(|| pivot.sqrt())?;
            }
        }
    }
    let columns = b.ncols();
    let values = b.as_slice_mut().expect("standard layout");
    for i in 0..n {
        let (above, row) = values.split_at_mut(i * columns);
        for (j, solved) in above.chunks_exact(columns).enumerate() {
            add(-a[[i, j]], solved, &mut row[..columns]);
        }
        row[..columns].iter_mut().for_each(|v| *v /= a[[i, i]]);
    }
    for i in (0..n).rev() {
        let (row, below) = values[i * columns..].split_at_mut(columns);
        for (j, solved) in (i + 1..n).zip(below.chunks_exact(columns)) {
            add(-a[[j, i]], solved, row);
        }
        row.iter_mut().for_each(|v| *v /= a[[i, i]]);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Draws, close};
    use super::*;

    #[test]
    fn products_are_those_of_ndarray() {
        let mut draws = Draws::new(1);
        for (n, p, q) in [(1, 1, 1), (37, 5, 19), (70, 33, 8)] {
            let (a, b) = (draws.matrix(n, p), draws.matrix(n, q));
            close(&transposed_product(&a, &b), &a.t().dot(&b), 1e-12);
            let c = draws.matrix(p, q);
            close(&product(&a, &c), &a.dot(&c), 1e-12);
            close(&product_transposed(&b, &c), &b.dot(&c.t()), 1e-12);
        }
    }

    #[test]
    fn what_does_not_vary_is_its_mean() {
        let x = Array2::from_shape_fn((3, 2), |(i, j)| if j == 0 { 0.1 } else { i as f64 });
        assert_eq!(column_means(x.view()), [0.1, 1.0]);
    }

    #[test]
    fn positive_definite_systems_are_solved_and_others_are_not() {
        let mut draws = Draws::new(2);
        let (x, y) = (draws.matrix(30, 9), draws.matrix(9, 4));
        let a = x.t().dot(&x);
        let mut solved = a.dot(&y);
        solve_positive(a.as_standard_layout().to_owned(), &mut solved).unwrap();
        close(&solved, &y, 1e-10);
        let thin = draws.matrix(5, 9);
        assert_eq!(solve_positive(thin.t().dot(&thin).as_standard_layout().to_owned(), &mut solved), None);
    }
}
