//! A fixed set of threads that meet at the end of every phase; they spin briefly, then park.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

type Job = *const (dyn Fn(usize) + Sync);

struct Shared {
    /// Counts phases; a worker runs the job when it changes.
    epoch: AtomicUsize,
    /// Workers still busy in this phase.
    busy: AtomicUsize,
    stop: AtomicBool,
    /// Written before the epoch changes, read after.
    job: UnsafeCell<Option<Job>>,
    /// Workers that sleep.
    parked: AtomicUsize,
    lock: Mutex<()>,
    wake: Condvar,
}

// SAFETY: the job is written only while no worker is busy, and read only after the epoch has changed; it outlives the
// phase, because `Pool::run` waits for all workers before it returns.
unsafe impl Send for Shared {}
// SAFETY: the job is written only while no worker is busy, and read only after the epoch has changed.
unsafe impl Sync for Shared {}

/// The threads.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    alone: bool,
}

/// Looks at the epoch before a worker goes to sleep: some tens of microseconds, as long as a few steps.
const SPINS: usize = 2000;

impl Pool {
    /// Starts `threads - 1` workers; the caller is the remaining one. Where the system gives fewer, these do all the work.
    pub fn new(threads: usize) -> Pool {
        let shared = Arc::new(Shared {
            epoch: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            job: UnsafeCell::new(None),
            parked: AtomicUsize::new(0),
            lock: Mutex::new(()),
            wake: Condvar::new(),
        });
        let workers = (1..threads.max(1))
            .map_while(|index| {
                let shared = shared.clone();
                std::thread::Builder::new().spawn(move || work(&shared, index)).ok()
            })
            .collect();
        Pool { shared, workers, alone: false }
    }

    /// Returns the number of threads.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Lets the caller do all shares itself, one after the other, or not.
    pub fn set_alone(&mut self, alone: bool) {
        self.alone = alone;
    }

    /// Runs `job(0)` … `job(threads - 1)` and waits for all.
    pub fn run(&self, job: &(dyn Fn(usize) + Sync)) {
        if self.alone || self.workers.is_empty() {
            return (0..self.threads()).for_each(job);
        }
        // SAFETY: only the lifetime is erased; the wait below keeps `job` alive until no worker uses it. No worker is busy
        // now, so nobody reads the slot.
        unsafe { *self.shared.job.get() = Some(std::mem::transmute::<&(dyn Fn(usize) + Sync), Job>(job)) };
        self.shared.busy.store(self.workers.len(), Ordering::Relaxed);
        self.shared.epoch.fetch_add(1, Ordering::SeqCst);
        self.rouse();
        job(0);
        let mut spins = 0;
        while self.shared.busy.load(Ordering::Acquire) > 0 {
            spins += 1;
            if spins < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }

    /// Wakes the workers that sleep. Either one sees the new epoch before it sleeps, or it is seen here to sleep.
    fn rouse(&self) {
        if self.shared.parked.load(Ordering::SeqCst) > 0 {
            drop(self.shared.lock.lock());
            self.shared.wake.notify_all();
        }
    }
}

fn work(shared: &Shared, index: usize) {
    let mut seen = 0;
    let news = |seen: usize| shared.epoch.load(Ordering::SeqCst) != seen || shared.stop.load(Ordering::SeqCst);
    loop {
        let mut spins = 0;
        while !news(seen) && spins < SPINS {
            spins += 1;
            std::hint::spin_loop();
        }
        if !news(seen) {
            let mut guard = shared.lock.lock().unwrap_or_else(|e| e.into_inner());
            shared.parked.fetch_add(1, Ordering::SeqCst);
            while !news(seen) {
                guard = shared.wake.wait(guard).unwrap_or_else(|e| e.into_inner());
            }
            shared.parked.fetch_sub(1, Ordering::SeqCst);
        }
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        seen += 1;
        // SAFETY: the epoch has changed, so the slot is written; `Pool::run` waits for `busy` to reach zero before the job
        // goes out of scope.
        unsafe {
            if let Some(job) = *shared.job.get() {
                (*job)(index);
            }
        }
        shared.busy.fetch_sub(1, Ordering::Release);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.rouse();
        for w in self.workers.drain(..) {
            let _ = w.join();
        }
    }
}

/// Returns thread `t`'s share of the lanes, in multiples of 16.
pub(super) fn share(lanes: usize, t: usize, threads: usize) -> std::ops::Range<usize> {
    let blocks = lanes / 16;
    blocks * t / threads * 16..blocks * (t + 1) / threads * 16
}
