//! Partial least squares, as scores of predictivity need it: `cargo bench --bench statistics`. The same numbers in scikit-learn:
//! `python3 benches/peers/pls.py`.

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use neuro::measure::pls;
use std::hint::black_box;

/// SplitMix64, and sums of twelve of its uniform numbers as normal ones: exact, so that both programs have the same data.
struct Draws(u64);

impl Draws {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-53)
    }

    fn matrix(&mut self, rows: usize, columns: usize) -> Array2<f64> {
        Array2::from_shape_simple_fn((rows, columns), || (0..12).fold(0.0, |sum, _| sum + self.uniform()) - 6.0)
    }
}

fn partial_least_squares(c: &mut Criterion) {
    let mut group = c.benchmark_group("pls, 25 components");
    group.sample_size(10);
    for (n, p, q, latent) in [(1000, 100, 50, 0), (1000, 100, 50, 10), (2304, 1000, 168, 20)] {
        let mut draws = Draws(5);
        let (mut x, mut y) = (draws.matrix(n, p), draws.matrix(n, q));
        if latent > 0 {
            let z = draws.matrix(n, latent);
            let (a, b) = (draws.matrix(latent, p), draws.matrix(latent, q));
            (x, y) = (x + z.dot(&a), y + z.dot(&b));
        }
        let name = format!("{n} x {p} onto {q}, {latent} common causes");
        group.bench_function(name, |bench| {
            bench.iter(|| black_box(pls(x.view(), y.view(), 25).map(|found| found.components)))
        });
    }
    group.finish();
}

criterion_group!(benches, partial_least_squares);
criterion_main!(benches);
