//! Work on all processors whose results do not depend on their number.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Stack of a thread that descends in trees as tall as the parser makes them. Only what is used of it takes memory.
pub const DEEP_STACK: usize = 1 << 30;

/// Does some work on a thread of its own that has a deep stack.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let spawned = std::thread::Builder::new().name("main".into()).stack_size(DEEP_STACK).spawn_scoped(scope, work);
        let thread = spawned.unwrap_or_else(|e| crate::ice!("no thread with a deep stack: {e}"));
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Computes so many results on all processors; none may depend on another one.
pub fn map<T: Send>(n: usize, compute: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(n);
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
        // Where the system gives fewer threads, these do all the work.
        let more = |_| std::thread::Builder::new().spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..threads).map_while(more).collect();
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
