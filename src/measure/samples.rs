//! Numbers for tests, which tests/oracle/gen_statistics.py draws in the same way.

use ndarray::Array2;

/// SplitMix64 (Steele et al. 2014).
pub struct Draws(u64);

impl Draws {
    pub fn new(seed: u64) -> Draws {
        Draws(seed)
    }

    /// A uniform number.
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-53)
    }

    /// Nearly a normal number: twelve uniform numbers, less six.
    pub fn normal(&mut self) -> f64 {
        (0..12).fold(0.0, |sum, _| sum + self.uniform()) - 6.0
    }

    /// Normal numbers, row by row.
    pub fn matrix(&mut self, n: usize, p: usize) -> Array2<f64> {
        Array2::from_shape_simple_fn((n, p), || self.normal())
    }

    /// Counts from 0 to 3.
    pub fn counts(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| (self.uniform() * 4.0).floor()).collect()
    }
}

/// Numbers of tests/oracle/statistics.json, row by row.
pub fn expected(name: &str) -> Vec<f64> {
    fn flat(value: &serde_json::Value, out: &mut Vec<f64>) {
        match value {
            serde_json::Value::Array(parts) => parts.iter().for_each(|p| flat(p, out)),
            number => out.push(number.as_f64().unwrap()),
        }
    }
    let text = include_str!("../../tests/oracle/statistics.json");
    let all: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut out = Vec::new();
    flat(&all[name], &mut out);
    out
}

/// Fails unless all numbers agree within a tolerance, relative above one.
#[track_caller]
pub fn close<'a>(
    found: impl IntoIterator<Item = &'a f64>,
    expected: impl IntoIterator<Item = &'a f64>,
    tolerance: f64,
) {
    let (found, expected): (Vec<_>, Vec<_>) = (found.into_iter().collect(), expected.into_iter().collect());
    assert_eq!(found.len(), expected.len());
    for (i, (a, b)) in found.iter().zip(&expected).enumerate() {
        assert!((*a - *b).abs() <= tolerance * b.abs().max(1.0), "{i}: {a} {b}");
    }
}
