use super::super::chance::thresholds;
use super::super::exchange::Ranks;
use super::super::ring::Ring;
use super::*;
use crate::hir::VarId;
use crate::plan::{Placed, View};

#[test]
fn poisson_table_has_the_right_mean_and_variance() {
    for expected in [0.05, 1.28, 12.0] {
        let table = thresholds(Process::Poisson, expected, 1);
        let stream = Stream::new(1, 2);
        let mut words = vec![0; 200_000];
        stream.fill(0, 0, &mut words);
        let counts: Vec<f64> = words.iter().map(|w| table.iter().filter(|t| *w >= **t).count() as f64).collect();
        let mean = counts.iter().sum::<f64>() / counts.len() as f64;
        let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / counts.len() as f64;
        // Five standard errors of mean and variance of a Poisson variable.
        let n = counts.len() as f64;
        assert!((mean - expected).abs() < 5.0 * (expected / n).sqrt(), "{mean} {expected}");
        assert!((variance - expected).abs() < 5.0 * ((expected + 3.0 * expected * expected) / n).sqrt());
    }
}

/// Draws 2000 steps for 300 cells from the 16th on, by one thread and by two.
fn counts(process: Process, rate: f64) -> Vec<f64> {
    let post = View { population: 0, start: 16, n: 300 };
    let (kind, port) = (DriveKind::Random(process, Column::Const(rate)), VarId::from_u32(0));
    let shape = Placed { segments: vec![1], reach: Vec::new() };
    let plan = Drive { post, port, segment: 0, shape, kind, weight: Column::Const(1.0) };
    let mut ring = Ring::new((320, 16), 1, Precision::F32);
    let mut drives = vec![RunningDrive::new(plan, (ring.pointer(), 320, None), (3, 0), 0.1)];
    let (mut counts, ranks) = (Vec::new(), Ranks::default());
    for step in 0..2000 {
        drives[0].prepare(&[], step, 1);
        let mut draw = |threads: usize| {
            ring.buffer.clear(0..320);
            for thread in 0..threads {
                // SAFETY: one thread.
                unsafe {
                    run_all(
                        &drives,
                        step,
                        0,
                        Worker { ranks: &ranks, thread, threads },
                        Precision::F32,
                        &mut Vec::new(),
                    )
                };
            }
            (0..320).map(|lane| ring.buffer.get(lane)).collect::<Vec<f64>>()
        };
        let whole = draw(1);
        assert_eq!(whole, draw(2));
        assert!(whole[..16].iter().chain(&whole[316..]).all(|x| *x == 0.0));
        counts.extend_from_slice(&whole[16..316]);
    }
    counts
}

#[test]
fn events_by_block_are_independent_in_every_cell_and_the_same_whoever_draws_them() {
    for (process, expected) in [(Process::Poisson, 0.05), (Process::Bernoulli, 0.05), (Process::Bernoulli, 0.2)] {
        let counts = counts(process, 10.0 * expected);
        let n = counts.len() as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / n;
        let together = counts.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum::<f64>() / n;
        let wanted = if process == Process::Poisson { expected } else { expected * (1.0 - expected) };
        assert!(process == Process::Poisson || counts.iter().all(|c| *c <= 1.0));
        // Five standard errors.
        assert!((mean - expected).abs() < 5.0 * (expected / n).sqrt(), "{mean}");
        assert!((variance - wanted).abs() < 5.0 * ((expected + 2.0 * expected * expected) / n).sqrt(), "{variance}");
        assert!(together.abs() < 5.0 * expected / n.sqrt(), "{together}");
        let first: f64 = counts.iter().step_by(300).sum::<f64>() / 2000.0;
        let last: f64 = counts.iter().skip(299).step_by(300).sum::<f64>() / 2000.0;
        assert!((first - expected).abs() < 5.0 * (expected / 2000.0).sqrt());
        assert!((last - expected).abs() < 5.0 * (expected / 2000.0).sqrt());
    }
}
