//! Work on several processors whose results do not depend on their number.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

thread_local! {
    /// How many threads [`map`] may use when this one calls it, if that was said.
    static ALLOWED: Cell<Option<usize>> = const { Cell::new(None) };
    /// What tells the other processes a number of this one, and returns those of all, if there are others.
    static TOLD: RefCell<Option<Told>> = const { RefCell::new(None) };
}

/// Tells other processes a number, and returns those of all.
type Told = Rc<dyn Fn(f64) -> Vec<f64>>;

/// What was told before, also where the work panics.
struct ToldBefore(Option<Told>);

impl Drop for ToldBefore {
    fn drop(&mut self) {
        TOLD.replace(self.0.take());
    }
}

/// Does some work in which all of several processes agree on what each would find out by itself, at the same places of it.
pub fn agreeing<T>(told: impl Fn(f64) -> Vec<f64> + 'static, work: impl FnOnce() -> T) -> T {
    let _before = ToldBefore(TOLD.replace(Some(Rc::new(told))));
    work()
}

fn told(mine: f64) -> Vec<f64> {
    let told = TOLD.with_borrow(Clone::clone);
    told.map_or_else(|| vec![mine], |told| told(mine))
}

/// Returns the least of what processes have that agree.
pub fn least(mine: f64) -> f64 {
    told(mine).into_iter().fold(f64::INFINITY, f64::min)
}

/// Returns what the first of the processes has that agree.
pub fn first(mine: f64) -> f64 {
    told(mine)[0]
}

/// Does some work, of which no [`map`] uses more threads than these.
pub fn within<T>(threads: usize, work: impl FnOnce() -> T) -> T {
    /// What was allowed before, also where the work panics.
    struct Before(Option<usize>);
    impl Drop for Before {
        fn drop(&mut self) {
            ALLOWED.set(self.0);
        }
    }
    let _before = Before(ALLOWED.replace(Some(threads)));
    work()
}

fn allowed() -> usize {
    ALLOWED.get().unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Locks what threads share, also where one of them has panicked.
pub fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

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

/// Does some work in this thread on a deep stack made for it. Parsers look how much is left of theirs, which they cannot tell where the
/// caller has one that the thread did not begin with.
pub fn with_deep_stack<T>(work: impl FnOnce() -> T) -> T {
    stacker::grow(DEEP_STACK, work)
}

/// Computes so many results on all processors or [`within`] some threads; none may depend on another one.
pub fn map<T: Send>(n: usize, compute: impl Fn(usize) -> T + Sync) -> Vec<T> {
    // Other processes may have other threads, so none of them can be told anything meanwhile.
    let _before = ToldBefore(TOLD.take());
    let threads = allowed().min(n);
    if threads <= 1 {
        return (0..n).map(compute).collect();
    }
    let next = AtomicUsize::new(0);
    let portion = n.div_ceil(64 * threads);
    let all_portions = || {
        let mut done = Vec::new();
        loop {
            let first = next.fetch_add(portion, Ordering::Relaxed);
            if first >= n {
                return done;
            }
            done.extend((first..(first + portion).min(n)).map(|i| (i, compute(i))));
        }
    };
    let work = || within(1, all_portions);
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
    use std::collections::HashSet;

    #[test]
    fn results_are_in_order() {
        for n in [0, 1, 7, 1000] {
            assert_eq!(super::map(n, |i| i * i), (0..n).map(|i| i * i).collect::<Vec<_>>());
        }
    }

    #[test]
    fn processes_agree_unless_the_work_is_shared_out() {
        let others = |mine: f64| vec![3.0, mine, 1.0];
        let found = super::agreeing(others, || {
            (super::least(2.0), super::first(2.0), super::map(3, |_| super::least(2.0)), super::least(0.5))
        });
        assert_eq!(found, (1.0, 3.0, vec![2.0; 3], 0.5));
        assert_eq!((super::least(2.0), super::first(2.0)), (2.0, 2.0));
    }

    #[test]
    fn no_more_threads_work_than_are_allowed() {
        let used = |threads: usize| {
            let slowly = |_| {
                std::thread::sleep(std::time::Duration::from_millis(1));
                // What a thread of several does by parts stays its own.
                super::map(8, |_| std::thread::current().id())
            };
            super::within(threads, || super::map(100, slowly)).into_iter().flatten().collect::<HashSet<_>>().len()
        };
        assert_eq!((used(1), used(3)), (1, 3));
        assert_eq!(super::ALLOWED.get(), None);
    }
}
