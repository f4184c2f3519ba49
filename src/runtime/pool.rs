//! A fixed set of threads that meet at the end of every phase; they spin briefly, then park.

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
    job: Mutex<Option<SendJob>>,
    wake: Condvar,
}

#[derive(Clone, Copy)]
struct SendJob(Job);

// SAFETY: the job outlives the phase, because `Pool::run` waits for all workers before it returns.
unsafe impl Send for SendJob {}

/// The threads.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

const SPINS: usize = 2000;

impl Pool {
    /// Starts `threads - 1` workers; the caller is the remaining one.
    pub fn new(threads: usize) -> Pool {
        let shared = Arc::new(Shared {
            epoch: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            job: Mutex::new(None),
            wake: Condvar::new(),
        });
        let workers = (1..threads.max(1))
            .map(|index| {
                let shared = shared.clone();
                std::thread::spawn(move || work(&shared, index))
            })
            .collect();
        Pool { shared, workers }
    }

    /// Returns the number of threads.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Runs `job(0)` … `job(threads - 1)` and waits for all.
    pub fn run(&self, job: &(dyn Fn(usize) + Sync)) {
        if self.workers.is_empty() {
            return job(0);
        }
        // SAFETY: only the lifetime is erased; the wait below keeps `job` alive until no worker uses it.
        let erased = SendJob(unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), Job>(job) });
        self.shared.busy.store(self.workers.len(), Ordering::Release);
        {
            let mut slot = self.shared.job.lock().unwrap_or_else(|e| e.into_inner());
            *slot = Some(erased);
            self.shared.epoch.fetch_add(1, Ordering::Release);
        }
        self.shared.wake.notify_all();
        job(0);
        let mut spins = 0;
        while self.shared.busy.load(Ordering::Acquire) > 0 {
            spins += 1;
            if spins < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }
}

fn work(shared: &Shared, index: usize) {
    let mut seen = 0;
    loop {
        let mut spins = 0;
        while shared.epoch.load(Ordering::Acquire) == seen && spins < SPINS {
            spins += 1;
            std::hint::spin_loop();
        }
        let job = {
            let mut slot = shared.job.lock().unwrap_or_else(|e| e.into_inner());
            while shared.epoch.load(Ordering::Acquire) == seen && !shared.stop.load(Ordering::Acquire) {
                slot = shared.wake.wait(slot).unwrap_or_else(|e| e.into_inner());
            }
            *slot
        };
        if shared.stop.load(Ordering::Acquire) {
            return;
        }
        seen += 1;
        if let Some(SendJob(job)) = job {
            // SAFETY: `Pool::run` waits for `busy` to reach zero before the job goes out of scope.
            unsafe { (*job)(index) };
        }
        shared.busy.fetch_sub(1, Ordering::Release);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        drop(self.shared.job.lock());
        self.shared.wake.notify_all();
        for w in self.workers.drain(..) {
            let _ = w.join();
        }
    }
}
