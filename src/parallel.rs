//! Work on all processors that the process may use; results do not depend on their number.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many threads the process may use.
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Limits the threads of all later calls in this process.
pub fn limit(threads: usize) {
    LIMIT.store(threads.max(1), Ordering::Relaxed);
}

/// Computes so many results on all processors; none may depend on another one.
pub fn map<T: Send>(n: usize, compute: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = processors.min(LIMIT.load(Ordering::Relaxed)).min(n);
    if threads <= 1 {
        return (0..n).map(compute).collect();
    }
    let next = AtomicUsize::new(0);
    let portion = n.div_ceil(64 * threads);
    let work = || {
        let mut done = Vec::new();
        loop {
            let first = next.fetch_add(portion, Ordering::Relaxed);
            if first >= n {
                return done;
            }
            done.extend((first..(first + portion).min(n)).map(|i| (i, compute(i))));
        }
    };
    let mut all: Vec<(usize, T)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(i, _)| *i);
    all.into_iter().map(|(_, t)| t).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_in_order() {
        for n in [0, 1, 7, 1000] {
            assert_eq!(super::map(n, |i| i * i), (0..n).map(|i| i * i).collect::<Vec<_>>());
        }
    }
}
