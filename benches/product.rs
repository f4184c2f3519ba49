//! Products of matrices: `cargo bench --bench product`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use neuro::runtime::product::{Element, FEW, Matrix, Tile};

/// Multiplies as a rate network does; 2 m k n operations.
fn multiply(out: &mut [f32], (m, k, n): (usize, usize, usize), a: Matrix<f32>, b: Matrix<f32>) {
    let ld = n.div_ceil(16) * 16;
    if m <= FEW {
        for i in 0..m {
            let (row, x) = (&mut out[i * ld..], &a.data[i * a.row..i * a.row + k]);
            // SAFETY: all rows are padded to 16 elements.
            unsafe { f32::along(row.as_mut_ptr(), 0..n, x, b) };
        }
        return;
    }
    let tile = Tile { out: out.as_mut_ptr(), ld, rows: 0..m, columns: 0..n };
    // SAFETY: as above.
    unsafe { f32::accumulate(&tile, a, b) };
}

fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("products");
    for (name, m, k, n) in [
        ("forward, batch 100", 100usize, 784usize, 500usize),
        ("forward, batch 20", 20, 784, 500),
        ("gradient, batch 100", 784, 100, 500),
        ("512 cubed", 512, 512, 512),
        ("forward, batch 1", 1, 784, 500),
    ] {
        let (la, lb) = (k.div_ceil(16) * 16, n.div_ceil(16) * 16);
        let value = |i: usize| ((i * 7919) % 1001) as f32 / 1000.0 + 0.001;
        let a: Vec<f32> = (0..m * la).map(value).collect();
        let b: Vec<f32> = (0..k * lb).map(value).collect();
        let mut out = vec![0.0f32; m * lb];
        group.throughput(Throughput::Elements((2 * m * k * n) as u64));
        group.bench_function(name, |bench| {
            bench.iter(|| multiply(&mut out, (m, k, n), Matrix::new(&a, m, k, la), Matrix::new(&b, k, n, lb)))
        });
        // The other operand lies the other way round.
        let bt: Vec<f32> = (0..lb * la).map(value).collect();
        if m > FEW {
            group.bench_function(format!("{name}, transposed"), |bench| {
                let right = Matrix::new(&bt, n, k, la).transposed();
                bench.iter(|| multiply(&mut out, (m, k, n), Matrix::new(&a, m, k, la), right))
            });
        }
    }
    group.finish();
}

criterion_group!(benches, products);
criterion_main!(benches);
