//! The matrix exponential, by scaling and squaring of a Taylor series.

/// A small square matrix, row by row.
pub type Matrix = Vec<Vec<f64>>;

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let n = a.len();
    (0..n).map(|i| (0..n).map(|j| (0..n).map(|k| a[i][k] * b[k][j]).sum()).collect()).collect()
}

/// Returns `exp(a)`; relative error about 1e-15 for matrices of moderate norm.
fn expm(a: &Matrix) -> Matrix {
    let n = a.len();
    let norm = a.iter().map(|r| r.iter().map(|x| x.abs()).sum::<f64>()).fold(0.0, f64::max);
    if !norm.is_finite() {
        // As of a time constant of 0: no state is finite after a step, which the run says.
        return vec![vec![f64::NAN; n]; n];
    }
    let squarings = if norm > 0.5 { (norm / 0.5).log2().ceil() as i32 } else { 0 };
    let scale = 0.5f64.powi(squarings);
    let a: Matrix = a.iter().map(|r| r.iter().map(|x| x * scale).collect()).collect();
    // ||a|| <= 1/2, so 18 terms leave 0.5^19 / 19! = 1.6e-23.
    let mut sum: Matrix = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for k in (1..=18).rev() {
        sum = product(&a, &sum);
        for (i, row) in sum.iter_mut().enumerate() {
            for x in row.iter_mut() {
                *x /= f64::from(k);
            }
            row[i] += 1.0;
        }
    }
    for _ in 0..squarings {
        sum = product(&sum, &sum);
    }
    sum
}

/// Returns `exp(a dt)` and `∫_0^dt exp(a s) ds`, from the exponential of the doubled matrix [[a, 1], [0, 0]].
pub fn exponential(a: &Matrix, dt: f64) -> (Matrix, Matrix) {
    let n = a.len();
    let mut doubled = vec![vec![0.0; 2 * n]; 2 * n];
    for i in 0..n {
        for j in 0..n {
            doubled[i][j] = a[i][j] * dt;
        }
        doubled[i][n + i] = dt;
    }
    let e = expm(&doubled);
    let cut = |offset: usize| e[..n].iter().map(|r| r[offset..offset + n].to_vec()).collect();
    (cut(0), cut(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_closed_form_of_a_membrane_with_an_exponential_current() {
        // tau_m 10 ms, tau_s 0.5 ms, C 250 pF: P21 of Rotter and Diesmann (1999).
        let (tau_m, tau_s, c, dt) = (10.0f64, 0.5f64, 250.0f64, 0.1f64);
        let (p, q) = exponential(&vec![vec![-1.0 / tau_m, 1.0 / c], vec![0.0, -1.0 / tau_s]], dt);
        let p22 = (-dt / tau_m).exp();
        let p21 = tau_m * tau_s / (c * (tau_m - tau_s)) * (p22 - (-dt / tau_s).exp());
        assert!((p[0][0] - p22).abs() < 1e-16);
        assert!((p[0][1] - p21).abs() < 1e-18, "{} {p21}", p[0][1]);
        assert!((q[0][0] - tau_m * (1.0 - p22)).abs() < 1e-15);
    }
}
